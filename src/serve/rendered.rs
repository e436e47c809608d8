//! Rendered formats: each is made once a serial, when it is first asked for, and kept in memory.

use super::{
    metrics::Metrics,
    page::{Content, Keep, Page},
    problem::{Answer, Problem},
    site::Site,
};
use crate::{
    casework::{self, Casework},
    entries::FeedName,
    feed::formats::{self, Format, Meta},
    log::FeedView,
    tlog::Hash,
};
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OnceCell, Semaphore};

/// How many files are rendered at a time: each takes a processor and some memory.
const AT_A_TIME: usize = 2;

/// The files rendered last.
pub(super) struct Shelf {
    /// Bytes.
    limit: u64,
    metrics: Metrics,
    at_a_time: Semaphore,
    /// The one asked for last stands last.
    files: Mutex<Vec<File>>,
}

#[derive(Clone)]
struct File {
    feed: FeedName,
    format: Format,
    serial: u64,
    text: Arc<OnceCell<Text>>,
}

#[derive(Clone)]
struct Text {
    bytes: Bytes,
    tag: String,
}

impl Shelf {
    pub(super) fn new(limit: u64, metrics: Metrics) -> Self {
        Self {
            limit,
            metrics,
            at_a_time: Semaphore::new(AT_A_TIME),
            files: Mutex::default(),
        }
    }

    /// A feed in a format, as it stands now.
    pub(super) async fn page(site: &Site, feed: FeedName, format: Format) -> Answer<Page> {
        let shelf = site.rendered.clone();
        let view = site.casework.feed(&feed)?;
        if !format.applies_to(feed.kind()) {
            return Err(unsaid(&feed, format));
        }
        let file = shelf.file(&feed, format, view.state.serial);
        let text = match file.text.get() {
            Some(text) => text.clone(),
            None => {
                let site = site.clone();
                // By itself: what was begun is finished, though whoever asked has gone away.
                let made = tokio::spawn(async move { shelf.made(&site, &file, view).await });
                made.await.map_err(|e| Problem::internal(&e))??
            }
        };
        Ok(Page {
            content: Content::Memory(text.bytes),
            media: format.content_type(),
            tag: text.tag,
            keep: Keep::Ask,
        })
    }

    /// The file's place on the shelf; a new serial takes the place of an older one.
    fn file(&self, feed: &FeedName, format: Format, serial: u64) -> File {
        let mut files = self.lock();
        let known = files
            .iter()
            .position(|f| f.format == format && f.feed == *feed);
        let file = match known.map(|at| files.remove(at)) {
            Some(file) if file.serial == serial => file,
            _ => File {
                feed: feed.clone(),
                format,
                serial,
                text: Arc::default(),
            },
        };
        files.push(file.clone());
        file
    }

    /// The text, made once however many ask for it.
    async fn made(&self, site: &Site, file: &File, view: FeedView) -> Answer<Text> {
        let render = || self.render(site, file, view);
        let text = file.text.get_or_try_init(render).await?.clone();
        self.shrink(file);
        Ok(text)
    }

    async fn render(&self, site: &Site, file: &File, view: FeedView) -> Answer<Text> {
        let permit = self.at_a_time.acquire().await;
        let (feed, format) = (file.feed.clone(), file.format);
        let made = site.ask(move |desk| Ok(render(desk, feed, format, &view)));
        let text = made.await?.map_err(|e| Problem::internal(&e));
        drop(permit);
        let label = [file.format.extension()];
        self.metrics.renderings.with_label_values(&label).inc();
        text
    }

    /// Drops what was asked for longest ago, until the rest fits; never what was asked for now.
    fn shrink(&self, now: &File) {
        let mut files = self.lock();
        let length = |file: &File| file.text.get().map_or(0, |text| text.bytes.len() as u64);
        let mut total: u64 = files.iter().map(length).sum();
        files.retain(|file| {
            let kept = total <= self.limit || Arc::ptr_eq(&file.text, &now.text);
            if !kept {
                total = total.saturating_sub(length(file));
            }
            kept
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<File>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a file wasn't made.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Desk(#[from] casework::Error),
    #[error(transparent)]
    Format(#[from] formats::Error),
}

fn render(
    desk: &Casework,
    feed: FeedName,
    format: Format,
    view: &FeedView,
) -> Result<Text, Failed> {
    let serial = view.state.serial;
    let meta = Meta {
        origin: desk.authority().ledger().origin().clone(),
        feed,
        serial,
        time: desk.time_of(serial)?,
        digest: view.state.digest,
    };
    let mut text = Vec::new();
    formats::render(format, &meta, &view.set, &|_, _| true, &mut text)?;
    let hash = Hash::of(&text).to_string();
    Ok(Text {
        // The serial for people; the hash because a log that begins anew has serials of its own.
        tag: format!("{serial}-{}", hash.get(..16).unwrap_or_default()),
        bytes: text.into(),
    })
}

fn unsaid(feed: &FeedName, format: Format) -> Problem {
    let others: Vec<String> = Format::of_kind(feed.kind())
        .map(|f| format!("{feed}.{f}"))
        .collect();
    Problem::missing(format!(
        "the format {format} can't say the subjects of {feed}; there are {}",
        others.join(", ")
    ))
}
