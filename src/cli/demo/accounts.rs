//! Accounts to sign in with at the demonstration's desk: made once, by a senior officer's signature,
//! as everywhere. Each person chooses a password by the link.

use super::{super::Output, section, stage::Stage};
use crate::cli::Error;
use serde_json::{Value, json};

/// Name, unit, roles, officer, and what the person does.
const PEOPLE: [(&str, &str, &[&str], &str, &str); 3] = [
    (
        "thu.ha",
        "moit.e-commerce",
        &["officer"],
        "o-0017",
        "proposes",
    ),
    (
        "minh.duc",
        "moit.domestic-market",
        &["approver"],
        "o-0042",
        "approves",
    ),
    (
        "lan.anh",
        "moit",
        &["senior", "approver", "operator", "auditor"],
        "o-0007",
        "approves what is bulk; keeps accounts",
    ),
];

/// Makes those that aren't there, and prints their links.
pub async fn make(stage: &Stage, out: Output) -> Result<(), Error> {
    let senior = stage.officer("o-0007")?;
    let mut links = Vec::new();
    for (name, unit, roles, officer, does) in PEOPLE {
        let new = json!({ "name": name, "unit": unit, "roles": roles, "officer": officer });
        match stage.server.signed("api/v1/accounts", &new, &senior).await {
            Ok(answer) => {
                let token = answer
                    .get("token")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                links.push((
                    name,
                    does,
                    format!("{}/desk/enrol/{token}", desk_url(stage)),
                ));
            }
            Err(error) if error.code() == Some("account_taken") => {}
            Err(error) => return Err(error),
        }
    }
    if links.is_empty() {
        return Ok(());
    }
    section(out, "The officers' desk (of this demonstration alone)")?;
    out.line(format!(
        "  open       {}/desk   (by this name: passkeys are bound to it)",
        desk_url(stage)
    ))?;
    for (name, does, link) in links {
        out.line(format!(
            "  {name:<10} {does}: choose a password at\n             {link}"
        ))?;
    }
    Ok(())
}

/// Passkeys want a name, and `localhost` is one.
pub fn desk_url(stage: &Stage) -> String {
    stage.url().replace("127.0.0.1", "localhost")
}
