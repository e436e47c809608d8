//! One byte of a delta is flipped on the way, and an agent refuses it.

use super::{
    Figures,
    isp::{self, Isp},
    section,
    stage::Stage,
};
use crate::{
    agent,
    cli::{Error, Output},
    entries::FeedName,
    feed::{Manifest, Route, paths},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Copies what is published, flips one byte of the delta that comes next for `second`, and lets
/// it read there; then from the true source.
pub async fn show(
    stage: &Stage,
    isp: &Isp,
    second: agent::Config,
    figures: &mut Figures,
    out: Output,
) -> Result<(), Error> {
    section(out, "One byte of a delta is flipped on the way: refused")?;
    let copy = isp.folder().join("tampered");
    if copy.exists() {
        fs::remove_dir_all(&copy).map_err(Error::io(&copy))?;
    }
    copy_dir(stage.casework.authority().public(), &copy)?;
    let feed = FeedName::domains();
    let held = isp::open(&second)?
        .verified(&feed)
        .map(|(serial, _)| serial);
    let (path, at) = flip(stage, &copy, &feed, held)?;
    out.line(format!("  flipped    byte {at} of {}", path.display()))?;
    let config = agent::Config {
        sources: vec![isp::source(&copy.display().to_string())],
        ..second.clone()
    };
    let report = isp::open(&config)?.once().await?;
    let stands = report.feeds.get(&feed).map(|f| f.serial);
    let fault = report.faults.first();
    let Some(fault) = fault.filter(|_| stands == held) else {
        return Err(Error::said(format!(
            "a flipped byte went through:\n{report}"
        )));
    };
    let serial = held.unwrap_or_default();
    out.line(format!("  refused    {}: {}", fault.code, fault.message))?;
    out.line(format!("  kept       the last good set, serial {serial}"))?;
    figures.tampered.clone_from(&fault.code);
    let report = isp::open(&second)?.once().await?;
    if let Some(good) = report.feeds.get(&feed) {
        out.line(format!(
            "  then       from the true source: serial {serial} to {}",
            good.serial
        ))?;
    }
    fs::remove_dir_all(&copy).map_err(Error::io(&copy))
}

/// Flips a byte in the middle of the file that leads on from `held`.
fn flip(
    stage: &Stage,
    copy: &Path,
    feed: &FeedName,
    held: Option<u64>,
) -> Result<(PathBuf, usize), Error> {
    let manifest = copy.join(paths::manifest(feed));
    let bytes = fs::read(&manifest).map_err(Error::io(&manifest))?;
    let keys = stage.casework.authority().ledger().trust().feed_keys();
    let manifest = Manifest::open(&bytes, &stage.origin, &keys)?;
    let relative = match manifest.route(held) {
        Route::Deltas(deltas) => deltas
            .first()
            .map(|d| paths::delta(feed, &d.file.packed_sha256)),
        Route::Snapshot(_) => Some(paths::snapshot(feed, &manifest.snapshot.packed_sha256)),
        Route::Current => None,
    };
    let relative =
        relative.ok_or_else(|| Error::said("nothing leads on from what the agent holds"))?;
    let path = copy.join(&relative);
    let mut bytes = fs::read(&path).map_err(Error::io(&path))?;
    let at = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
    fs::write(&path, bytes).map_err(Error::io(&path))?;
    Ok((relative.into(), at))
}

fn copy_dir(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::io(to))?;
    for entry in fs::read_dir(from).map_err(Error::io(from))? {
        let entry = entry.map_err(Error::io(from))?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_dir(&path, &to)?;
        } else {
            fs::copy(&path, &to).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}
