//! Behind a proxy: limits by address are the client's, and a stranger's header changes nothing.

use crate::{
    cli_world::World,
    peers,
    serving::{Serving, get},
};

fn asked(serving: &Serving, headers: &[&str]) -> u16 {
    get(&format!("{}/api/v1/log", serving.url()), headers).0
}

#[test]
fn limits_by_address_are_the_clients() {
    if peers::tool("curl").is_none() {
        return peers::skip("trusted proxies", "curl");
    }
    let world = World::begin();
    let data = world.data();
    crate::cli_world::terminate(world.serving);
    let slow = ["serve.address_rate=1", "serve.address_burst=3"].map(str::to_owned);
    let trusting = [&slow[..], &["serve.trusted_proxies=127.0.0.0/8".to_owned()]].concat();
    let exhausted =
        |serving: &Serving, headers: &[&str]| (0..20).any(|_| asked(serving, headers) == 429);

    let serving = Serving::start(&[], &data, &trusting);
    let one = ["X-Forwarded-For: 192.0.2.1"];
    assert!(exhausted(&serving, &one));
    assert_eq!(asked(&serving, &["X-Forwarded-For: 192.0.2.2"]), 200);
    // What the client itself claims stands to the left of what the proxy adds.
    assert!(exhausted(
        &serving,
        &["X-Forwarded-For: 198.51.100.7, 192.0.2.3"]
    ));
    assert_eq!(
        asked(&serving, &["X-Forwarded-For: 192.0.2.4, 198.51.100.7"]),
        200
    );
    // The header that this proxy doesn't set is the client's own.
    assert!(exhausted(
        &serving,
        &["X-Forwarded-For: 192.0.2.5", "Forwarded: for=192.0.2.6"]
    ));
    drop(serving);

    let serving = Serving::start(&[], &data, &slow);
    assert!(exhausted(&serving, &one));
    assert_eq!(asked(&serving, &["X-Forwarded-For: 192.0.2.9"]), 429);
}
