//! What is listed already of what is being checked, as an authority or an agent's folder says it.

use super::{
    Error, Output,
    desk::DeskArgs,
    held,
    server::{Hold, Server},
    when,
};
use crate::{check::batch::Batch, config::Config};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;

/// Whom to ask what is listed already.
#[derive(Debug, Clone, Args)]
pub struct ListedArgs {
    /// Say what is listed already by the verified sets of an agent's folder
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(flatten)]
    desk: DeskArgs,
}

/// What is listed already.
#[derive(Debug, Default, Serialize)]
pub struct Listed {
    /// One a line of which something is or was listed.
    pub lines: Vec<OfLine>,
    /// Why it isn't known, or not wholly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What is listed already of a line.
#[derive(Debug, Serialize, Deserialize)]
pub struct OfLine {
    /// From 1.
    pub line: u64,
    pub holds: Vec<Hold>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<Covers>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Past>,
}

/// Entries in force below it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Covers {
    pub entries: u64,
    pub some: Vec<Covered>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Covered {
    pub subject: String,
    pub decision: String,
}

/// A decision that listed it before.
#[derive(Debug, Serialize, Deserialize)]
pub struct Past {
    pub decision: String,
    pub subject: String,
    pub time: u64,
    pub state: String,
    pub events: Vec<Event>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Event {
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub time: u64,
}

/// As the authority answers an officer.
#[derive(Deserialize)]
struct Answer {
    listed: Vec<OfLine>,
    past_is_whole: bool,
}

/// So many subjects are looked up one by one, by whoever is no officer.
const ONE_BY_ONE: usize = 20;
/// The most subjects of one call.
const CALL: usize = 10_000;

impl ListedArgs {
    /// What is listed already of the lines that were understood. Whoever doesn't answer makes a note, no error: what the
    /// lists say holds all the same.
    pub async fn ask(
        &self,
        config: &Config,
        batch: &Batch,
        category: &str,
        live: bool,
    ) -> Result<Listed, Error> {
        let rows = batch.rows.iter();
        let asked: Vec<(u64, String)> = rows
            .filter_map(|row| Some((row.number, row.line()?.to_string())))
            .collect();
        if let Some(state) = &self.state {
            let mut lines = Vec::new();
            for (number, subject) in asked.iter().take(CALL) {
                lines.extend(of_line(
                    *number,
                    held::lookup(config, state, subject)?.holds,
                ));
            }
            return Ok(Listed { lines, note: None });
        }
        if !live {
            return Ok(Listed::default());
        }
        let Ok(server) = self.desk.server(config) else {
            let note = "what is listed already wasn't asked: name the authority with --server, or an agent's folder with --state";
            return Ok(Listed {
                lines: Vec::new(),
                note: Some(note.to_owned()),
            });
        };
        let answer = match self.desk.officer.is_some() {
            true => self.by_officer(&server, config, &asked, category).await,
            false => by_anybody(&server, &asked).await,
        };
        Ok(answer.unwrap_or_else(|error| Listed {
            lines: Vec::new(),
            note: Some(format!("what is listed already isn't known: {error}")),
        }))
    }

    /// All that the authority knows: it asks for an officer's signature.
    async fn by_officer(
        &self,
        server: &Server,
        config: &Config,
        asked: &[(u64, String)],
        category: &str,
    ) -> Result<Listed, Error> {
        let officer = self.desk.officer(config)?;
        let mut listed = Listed::default();
        for chunk in asked.chunks(CALL) {
            let subjects: Vec<&str> = chunk.iter().map(|(_, subject)| subject.as_str()).collect();
            let order = json!({ "subjects": subjects, "category": category });
            let answer = server.signed("api/v1/check", &order, &officer).await?;
            let answer = Answer::deserialize(answer).map_err(|e| Error::Answer {
                place: server.source().to_string(),
                why: e.to_string(),
            })?;
            for mut line in answer.listed {
                let at = usize::try_from(line.line.saturating_sub(1)).unwrap_or(usize::MAX);
                // Its numbers are those of the call.
                if let Some((number, _)) = chunk.get(at) {
                    line.line = *number;
                    listed.lines.push(line);
                }
            }
            if !answer.past_is_whole {
                let note = "the past is long: its newest part alone was looked through";
                listed.note = Some(note.to_owned());
            }
        }
        Ok(listed)
    }
}

/// What everybody may know: the entries that hold it.
async fn by_anybody(server: &Server, asked: &[(u64, String)]) -> Result<Listed, Error> {
    let mut listed = Listed::default();
    for (number, subject) in asked.iter().take(ONE_BY_ONE) {
        let holds = server.lookup(subject).await?.holds;
        listed.lines.extend(of_line(*number, holds));
    }
    let rest = match asked.len() > ONE_BY_ONE {
        true => format!("of the first {ONE_BY_ONE} lines, "),
        false => String::new(),
    };
    listed.note = Some(format!(
        "{rest}what holds them was asked; what they would cover and their past are told to officers (--officer, --key-file)"
    ));
    Ok(listed)
}

fn of_line(line: u64, holds: Vec<Hold>) -> Option<OfLine> {
    (!holds.is_empty()).then_some(OfLine {
        line,
        holds,
        covers: None,
        history: Vec::new(),
    })
}

impl Listed {
    /// Prints what is known of a line.
    pub fn show(&self, number: u64, out: Output) -> Result<(), Error> {
        let of_line = self.lines.iter().filter(|line| line.line == number);
        of_line.into_iter().try_for_each(|line| line.show(out))
    }

    /// Says why not all is known.
    pub fn show_note(&self, out: Output) -> Result<(), Error> {
        match &self.note {
            Some(note) => out.line(format!("listed     {note}")),
            None => Ok(()),
        }
    }

    /// Prints how many lines of a list are listed already.
    pub fn sum(&self, out: Output) -> Result<(), Error> {
        let count = |is: fn(&&OfLine) -> bool| self.lines.iter().filter(is).count();
        for (lines, what, vi) in [
            (
                count(|line| line.holds.iter().any(|hold| hold.own)),
                "are listed already",
                "đã có trong danh sách",
            ),
            (
                count(|line| line.holds.iter().any(|hold| !hold.own)),
                "are covered by what is listed",
                "đã được một mục rộng hơn bao trùm",
            ),
            (
                count(|line| line.covers.is_some()),
                "would cover what is listed",
                "sẽ bao trùm mục đã có",
            ),
            (
                count(|line| !line.history.is_empty()),
                "have a past",
                "đã từng có quyết định",
            ),
        ] {
            if lines > 0 {
                out.line(format!("listed     {lines} lines {what} / {vi}"))?;
            }
        }
        Ok(())
    }
}

impl OfLine {
    fn show(&self, out: Output) -> Result<(), Error> {
        for hold in &self.holds {
            let how = if hold.own { "itself" } else { "covered" };
            out.line(format!(
                "  listed       {how}: {} {} by {} until {}",
                hold.subject,
                hold.scope,
                hold.decision,
                when::last_day(hold.not_after)
            ))?;
        }
        if let Some(covers) = &self.covers {
            let some: Vec<String> = covers
                .some
                .iter()
                .map(|c| format!("{} by {}", c.subject, c.decision))
                .collect();
            out.line(format!(
                "  would cover  {} entries in force: {}",
                covers.entries,
                some.join(", ")
            ))?;
        }
        for past in &self.history {
            let events: Vec<String> = past
                .events
                .iter()
                .map(|event| {
                    let by = event.id.as_deref().unwrap_or("the log itself");
                    format!("{} by {by} on {}", event.what, when::time(event.time))
                })
                .collect();
            out.line(format!(
                "  history      {} by {} on {}, {}: {}",
                past.subject,
                past.decision,
                when::time(past.time),
                past.state.replace('_', " "),
                events.join(", ")
            ))?;
        }
        Ok(())
    }
}
