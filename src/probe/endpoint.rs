//! Asks a marketplace's or platform's own endpoint for the test seller (design: Access; `delist_seller`, `remove_account`).
//!
//! Gone (404, 410, 451) is enforced, shown (200) isn't, everything else tells nothing. A 404 is
//! also what a wrong URL gives, and an id that never was: a control that must be shown settles the
//! first, a test shop under the test id the second, and the finding says so.

use super::{Error, Finding, PATIENCE, Shown, Verdict};
use crate::fetch::{self, Read, Source};
use url::Url;

/// A URL with a place for an id.
#[derive(Clone, Debug)]
pub struct Template {
    text: String,
    host: String,
}

impl Template {
    /// Reads `https://shop.example/sellers/{id}`.
    ///
    /// # Errors
    /// Where `{id}` is missing or it is no http or https URL.
    pub fn parse(text: &str) -> Result<Template, Error> {
        let refused = |why: &str| Error::Template {
            template: text.to_owned(),
            why: why.to_owned(),
        };
        if !text.contains(PLACE) {
            return Err(refused("it has no {id} where the seller's id belongs"));
        }
        let url = Url::parse(&text.replace(PLACE, "0")).map_err(|e| refused(&e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("it begins neither with https:// nor with http://"));
        }
        let host = url.host_str().ok_or_else(|| refused("it names no host"))?;
        Ok(Template {
            text: text.to_owned(),
            host: host.to_owned(),
        })
    }

    /// The host that is asked.
    pub fn host(&self) -> &str {
        &self.host
    }

    fn of(&self, id: &str) -> Result<Url, Error> {
        Url::parse(&self.text.replace(PLACE, id)).map_err(|e| Error::Template {
            template: self.text.clone(),
            why: format!("with the id {id}: {e}"),
        })
    }
}

/// Asks for the id of the test entry, and for that of a control that must be shown, if there is one.
///
/// # Errors
/// For a URL that can't be asked. An endpoint that doesn't answer is a finding.
pub async fn probe(
    template: &Template,
    test: &str,
    control: Option<&str>,
) -> Result<Finding, Error> {
    let test = ask("test", template.of(test)?).await?;
    let control = match control {
        Some(id) => Some(ask("control", template.of(id)?).await?),
        None => None,
    };
    let (verdict, why) = judge(&test, control.as_ref());
    let shown = |asked: &Asked| Shown {
        role: asked.role,
        asked: asked.url.to_string(),
        answer: match &asked.answer {
            Ok(status) => status.to_string(),
            Err(why) => why.clone(),
        },
    };
    let answers = [Some(&test), control.as_ref()];
    Ok(Finding {
        probe: "endpoint",
        place: template.text.clone(),
        verdict,
        why,
        answers: answers.into_iter().flatten().map(shown).collect(),
    })
}

struct Asked {
    role: &'static str,
    url: Url,
    /// The status, or what kept it from arriving.
    answer: Result<u16, String>,
}

fn judge(test: &Asked, control: Option<&Asked>) -> (Verdict, String) {
    let status = match &test.answer {
        Ok(status) => *status,
        Err(_) => return (Verdict::CantTell, "it doesn't answer".to_owned()),
    };
    match status {
        200..=299 => {
            let why = "the test seller is shown: its delisting isn't carried out, or the page of a seller that is gone \
                       answers 200 (let it answer 404, 410 or 451)";
            return (Verdict::NotEnforced, why.to_owned());
        }
        404 | 410 | 451 => {}
        401 | 403 => {
            let why = "it doesn't let everybody ask, so the answer says nothing about this seller";
            return (Verdict::CantTell, why.to_owned());
        }
        300..=399 => {
            let why = "it sends elsewhere, and isn't followed: name the address that it leads to";
            return (Verdict::CantTell, why.to_owned());
        }
        _ => {
            let why =
                format!("a {status} tells neither that the seller is shown nor that it is gone");
            return (Verdict::CantTell, why);
        }
    }
    match (control.map(|c| &c.answer), status) {
        (Some(Ok(200..=299)), 404) => (Verdict::Enforced, format!("gone, while the control is shown; {NEVER_WAS}")),
        (Some(Ok(200..=299)), _) => (Verdict::Enforced, "gone, while the control is shown".to_owned()),
        (Some(_), _) => (
            Verdict::CantTell,
            "the control isn't shown either: is the URL right, and the control's id one of a seller that is there?"
                .to_owned(),
        ),
        (None, 404) => (
            Verdict::Enforced,
            format!("gone; a wrong URL gives 404 too (a seller that is there, by --control-id, settles that), and {NEVER_WAS}"),
        ),
        (None, _) => (Verdict::Enforced, "gone".to_owned()),
    }
}

/// GETs a URL; its last segment is what the reader calls a path, all before it the base.
async fn ask(role: &'static str, url: Url) -> Result<Asked, Error> {
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    let refused = |why: &str| Error::Template {
        template: url.to_string(),
        why: why.to_owned(),
    };
    let file = url.path().rsplit('/').next().filter(|f| !f.is_empty());
    let file = file.ok_or_else(|| refused("its path ends with a slash, or is none"))?;
    if let Ok(mut segments) = base.path_segments_mut() {
        segments.pop();
    }
    let patience = fetch::Config {
        connect_seconds: PATIENCE.as_secs(),
        ..fetch::Config::default()
    };
    let source = Source::with(base.as_str(), patience)?;
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let mut read = Read::new(file, PAGE).within(PATIENCE * 3);
    for (name, value) in &pairs {
        read = read.query(name, value);
    }
    let answer = match source.ask(read).await {
        Ok(answer) => Ok(answer.status),
        Err(error @ fetch::Error::Path { .. }) => return Err(error.into()),
        Err(error) => Err(error.to_string()),
    };
    Ok(Asked { role, url, answer })
}

const PLACE: &str = "{id}";
const NEVER_WAS: &str = "an id that never was gives 404 too, so keep a test shop under it";
/// The longest page that is read, bytes; only its status counts.
const PAGE: u64 = 16 << 20;
