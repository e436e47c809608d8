//! Before the log is opened: what it has lost is taken up from where it was published.

use super::{Error, output, output::Progress};
use crate::{config::Config, fetch::Source, log};
use std::{fs, time::Duration};

/// Looks whether the data directory holds all that was published, here or at the mirrors that the
/// settings name, and takes up what it lacks. A mirror that doesn't answer is passed over: it may
/// be the disaster that took this machine, too.
pub async fn before_opening(config: &Config) -> Result<(), Error> {
    if !config.log.db().exists() {
        return Ok(());
    }
    if log::lost(&config.log)?.is_some() {
        let public = config.log.public();
        output::note(
            "the data directory is older than what it published: the rest is taken up from there",
        );
        let source = Source::with(&public.display().to_string(), config.fetch.clone())?;
        // The start says what is still missing after this.
        note(take_up(config, &source).await);
    }
    for mirror in &config.log.mirrors {
        let mut fetch = config.fetch.clone();
        fetch.connect_seconds = fetch.connect_seconds.min(3);
        let source = Source::with(mirror, fetch)?;
        let size = log::size_of(&config.log)?;
        let asked = tokio::time::timeout(ASKING, log::offered(&source)).await;
        match asked {
            Ok(Ok(offered)) if offered > size => {
                output::note(&format!(
                    "{mirror} shows {offered} leaves, the data directory holds {size}: the rest is taken up from there"
                ));
                take_up(config, &source).await?;
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => output::note(&format!("{mirror} can't be asked: {error}")),
            Err(_) => output::note(&format!("{mirror} didn't answer in time")),
        }
    }
    Ok(())
}

/// Takes up what a source has beyond the data directory.
pub async fn take_up(config: &Config, source: &Source) -> Result<log::Caught, Error> {
    let mut progress = Progress::new();
    let caught = log::catch_up(&config.log, source, &mut |done, of| {
        progress.tell(&format!("{done} of {of} leaves taken up again"));
    })
    .await?;
    drop(progress);
    let zones = config.log.data.join("zones");
    if caught.to > caught.from && zones.exists() {
        // Secondaries hold later serials than those that lie here: they begin anew, by the clock.
        fs::remove_dir_all(&zones).map_err(Error::io(&zones))?;
    }
    Ok(caught)
}

fn note(caught: Result<log::Caught, Error>) {
    match caught {
        Ok(caught) => output::note(&format!(
            "size {} to {}, {} decisions",
            caught.from,
            caught.to,
            caught.decisions.len()
        )),
        Err(error) => output::note(&format!("{error}")),
    }
}

/// How long a mirror may take to say where it stands.
const ASKING: Duration = Duration::from_secs(10);
