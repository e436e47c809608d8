//! Rate limits: a bucket for each token and for each address, full at first, filled again at a
//! steady rate. They are wide: who polls each second and makes up for a minute's silence never
//! meets one.

use super::{Config, caller::Shown, problem::Problem, site::Site};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// The most buckets that are kept; full ones are forgotten first, as they say nothing.
const MAX_BUCKETS: usize = 100_000;

/// The address at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// All buckets.
pub(super) struct Limits {
    addresses: Buckets<IpAddr>,
    tokens: Buckets<String>,
    forms: Buckets<IpAddr>,
}

/// How fast a bucket fills, and how much it holds. A rate of 0 is none.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_second: f64,
    burst: f64,
}

struct Buckets<K> {
    name: &'static str,
    rate: Rate,
    by_key: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: f64,
    at: Instant,
}

/// What a bucket says of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Allowance {
    name: &'static str,
    burst: u64,
    /// Seconds in which an empty bucket fills.
    window: u64,
    left: u64,
    /// Seconds until it is full.
    full_in: u64,
    /// Seconds to wait; none: the request passes.
    wait: Option<u64>,
}

impl Limits {
    pub(super) fn new(config: &Config) -> Self {
        let rate = |per_second: u32, burst: u32| Rate {
            per_second: f64::from(per_second),
            burst: f64::from(burst.max(1)),
        };
        Self {
            addresses: Buckets::new("address", rate(config.address_rate, config.address_burst)),
            tokens: Buckets::new("token", rate(config.token_rate, config.token_burst)),
            forms: Buckets::new(
                "form",
                Rate {
                    per_second: f64::from(config.forms_per_hour) / 3600.0,
                    burst: f64::from(config.forms_per_hour.clamp(1, 5)),
                },
            ),
        }
    }

    /// One form by an address: a refusal where it sent too many.
    pub(super) fn form(&self, address: IpAddr) -> Result<(), Problem> {
        let allowance = self.forms.take(network(address), Instant::now());
        match allowance.and_then(|allowance| allowance.wait) {
            Some(seconds) => Err(refusal(seconds)),
            None => Ok(()),
        }
    }

    /// One request by a token.
    pub(super) fn token(&self, id: &str) -> Option<Allowance> {
        self.tokens.take(id.to_owned(), Instant::now())
    }
}

/// Wraps every request to the API: by the token that it shows, else by its address.
pub(super) async fn limit(State(site): State<Site>, request: Request, next: Next) -> Response {
    let allowance = match Shown::of(&site, request.headers()) {
        Ok(Shown::Token(reader)) => site.limits.token(&reader.token),
        _ => {
            let peer = request.extensions().get::<Peer>();
            let taken = |peer: &Peer| site.limits.addresses.take(network(peer.0), Instant::now());
            peer.and_then(taken)
        }
    };
    let Some(allowance) = allowance else {
        return next.run(request).await;
    };
    let mut answer = match allowance.wait {
        Some(seconds) => refusal(seconds).into_response(),
        None => next.run(request).await,
    };
    allowance.show(answer.headers_mut());
    answer
}

pub(super) fn refusal(seconds: u64) -> Problem {
    let why = "too many requests; the header Retry-After says how many seconds to wait, and a long poll \
        (`wait`) spares the asking";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit", why).after(seconds)
}

impl<K: Hash + Eq> Buckets<K> {
    fn new(name: &'static str, rate: Rate) -> Self {
        Self {
            name,
            rate,
            by_key: Mutex::default(),
        }
    }

    fn take(&self, key: K, now: Instant) -> Option<Allowance> {
        let Rate { per_second, burst } = self.rate;
        if per_second <= 0.0 {
            return None;
        }
        let mut buckets = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| bucket.filled(self.rate, now) < burst);
            if buckets.len() >= MAX_BUCKETS {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            level: burst,
            at: now,
        });
        let level = bucket.filled(self.rate, now);
        let passes = level >= 1.0;
        let left = if passes { level - 1.0 } else { level };
        *bucket = Bucket {
            level: left,
            at: now,
        };
        // Both are small and positive.
        let seconds = |level: f64| (level / per_second).ceil() as u64;
        Some(Allowance {
            name: self.name,
            burst: burst as u64,
            window: seconds(burst),
            left: left as u64,
            full_in: seconds(burst - left),
            wait: (!passes).then(|| seconds(1.0 - left).max(1)),
        })
    }
}

impl Bucket {
    fn filled(&self, rate: Rate, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.level + since * rate.per_second).min(rate.burst)
    }
}

impl Allowance {
    /// `RateLimit-Policy` and `RateLimit`, as the IETF's draft has them.
    fn show(&self, headers: &mut HeaderMap) {
        let Self {
            name,
            burst,
            window,
            left,
            full_in,
            ..
        } = self;
        let policy = format!("\"{name}\";q={burst};w={window}");
        let state = format!("\"{name}\";r={left};t={full_in}");
        for (header, text) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(header, value);
            }
        }
    }
}

/// One household of IPv6 is a /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_empties_and_fills() {
        let rate = Rate {
            per_second: 2.0,
            burst: 4.0,
        };
        let buckets = Buckets::new("token", rate);
        let begin = Instant::now();
        let take = |after: u64, key: &'static str| {
            let at = begin + Duration::from_millis(after);
            buckets.take(key, at).unwrap()
        };
        for left in [3, 2, 1, 0] {
            let said = take(0, "a");
            assert_eq!((said.left, said.wait), (left, None));
        }
        assert_eq!(take(0, "a").wait, Some(1));
        assert_eq!(take(0, "b").wait, None);
        assert_eq!(take(500, "a").wait, None);
        assert_eq!(take(500, "a").wait, Some(1));
        // A minute's silence gives no more than the bucket holds.
        assert_eq!(take(60_000, "a").left, 3);
    }

    #[test]
    fn a_poller_never_meets_a_limit() {
        let limits = Limits::new(&Config::default());
        let begin = Instant::now();
        for second in 0..600 {
            let at = begin + Duration::from_secs(second);
            let burst = if second % 60 == 59 { 60 } else { 1 };
            for _ in 0..burst {
                let said = limits.tokens.take("t".into(), at).unwrap();
                assert_eq!(said.wait, None);
            }
        }
    }

    #[test]
    fn addresses_are_of_households() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
