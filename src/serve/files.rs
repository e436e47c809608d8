//! The published files: log, parts, feeds. Paths are parsed, never joined as they came.

use super::{
    page::{BYTES, Content, Keep, Page, TEXT, ZSTD},
    problem::{Answer, Problem},
    site::Site,
};
use crate::{
    entries::FeedName,
    feed::paths,
    tlog::{Hash, TileId},
};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use bytes::Bytes;
use std::{
    fs,
    io::{self, ErrorKind, Read as _},
    path::Path as Folder,
    sync::Arc,
};
use tokio::fs::File;

/// The most bytes of a file that is read whole: an entry bundle has 256 leaves of 64 KiB at most.
const MAX_WHOLE: u64 = 256 * (2 + 65_535);

/// Files of so many bytes at most are read whole.
const SMALL: u64 = 64 << 10;

/// `/log/checkpoint`, from memory.
pub(super) async fn checkpoint(State(site): State<Site>, headers: HeaderMap) -> Answer {
    let current = site.casework.authority().current();
    let bytes = shared(&current.checkpoint);
    of_memory(bytes, TEXT, Keep::Ask).answer(&headers).await
}

/// `/log/tile/…`
pub(super) async fn tile(
    State(site): State<Site>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Answer {
    tile_in(site.casework.authority().public(), &path, &headers).await
}

/// The same from a folder.
pub(super) async fn tile_in(public: &Folder, path: &str, headers: &HeaderMap) -> Answer {
    let none = || {
        Problem::missing(
            "there is no such tile; a tile that isn't full may have grown: take a newer checkpoint",
        )
    };
    let asked = format!("tile/{path}");
    let tile = TileId::parse(&asked).map_err(|_| none())?;
    // One spelling a tile: the path is made anew from what was understood.
    if tile.path() != asked {
        return Err(none());
    }
    let content = open(public, &paths::tile(&tile), MAX_WHOLE).await?;
    let Content::Memory(bytes) = content.ok_or_else(none)? else {
        return Err(Problem::internal(&"a tile is longer than any can be"));
    };
    let keep = if tile.is_full() {
        Keep::ForEver
    } else {
        Keep::AWhile
    };
    of_memory(bytes, BYTES, keep).answer(headers).await
}

/// `/part/<sha256>`: what decisions name. A text that was erased is 410.
pub(super) async fn part(
    State(site): State<Site>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let none = || {
        Problem::missing(
            "there is no part of this name in the log: a part is named by its SHA-256 in lower-case hex",
        )
    };
    let sha256 = hash_of(&name).ok_or_else(none)?;
    if let Some(answer) = part_in(site.casework.authority().public(), &sha256, &headers).await? {
        return Ok(answer);
    }
    if site.ask(move |desk| desk.names_part(&sha256)).await? {
        return Err(Problem::new(
            StatusCode::GONE,
            "erased",
            "this text was erased; the leaf that names it still proves that it was there",
        ));
    }
    Err(none())
}

/// The hash that a name is, in the one spelling that there is.
pub(super) fn hash_of(name: &str) -> Option<Hash> {
    let sha256 = Hash::from_hex(name).ok()?;
    (sha256.to_string() == name).then_some(sha256)
}

/// A part that lies in a folder.
pub(super) async fn part_in(
    public: &Folder,
    sha256: &Hash,
    headers: &HeaderMap,
) -> Answer<Option<Response>> {
    match open(public, &paths::part(sha256), SMALL).await? {
        Some(content) => Ok(Some(named(content, sha256, TEXT).answer(headers).await?)),
        None => Ok(None),
    }
}

/// `/feeds/<feed>/snapshot/<sha256>.zst` and `/feeds/<feed>/delta/<sha256>.zst`
pub(super) async fn feed_file(
    public: &Folder,
    path: fn(&FeedName, &Hash) -> String,
    feed: &FeedName,
    sha256: &Hash,
    headers: &HeaderMap,
) -> Answer {
    let none = || {
        Problem::missing("there is no such file any more; the manifest lists those that there are")
    };
    let content = open(public, &path(feed, sha256), SMALL).await?;
    let content = content.ok_or_else(none)?;
    named(content, sha256, ZSTD).answer(headers).await
}

/// Bytes at hand.
pub(super) fn of_memory(bytes: Bytes, media: &'static str, keep: Keep) -> Page {
    Page {
        tag: Hash::of(&bytes).to_string(),
        content: Content::Memory(bytes),
        media,
        keep,
    }
}

/// Shared bytes, without a copy.
pub(super) fn shared(bytes: &Arc<[u8]>) -> Bytes {
    Bytes::from_owner(bytes.clone())
}

/// What is named by its hash stays as it is.
fn named(content: Content, sha256: &Hash, media: &'static str) -> Page {
    Page {
        content,
        media,
        tag: sha256.to_string(),
        keep: Keep::ForEver,
    }
}

/// A published file, read whole where it has so many bytes at most. In one step beside the runtime's threads: each of
/// opening, asking for the length and reading would cost two switches of threads.
async fn open(public: &Folder, path: &str, whole: u64) -> Answer<Option<Content>> {
    let path = public.join(path);
    let read = tokio::task::spawn_blocking(move || read(&path, whole)).await;
    let read = read.map_err(|e| Problem::internal(&e))?;
    read.map_err(|e| Problem::internal(&e))
}

fn read(path: &Folder, whole: u64) -> io::Result<Option<Content>> {
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(e),
    };
    let about = file.metadata()?;
    if !about.is_file() {
        return Ok(None);
    }
    if about.len() > whole {
        return Ok(Some(Content::File(File::from_std(file), about.len())));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    if bytes.len() as u64 != about.len() {
        // Nobody takes a part for the whole.
        let cut = "a published file changed while it was read";
        return Err(io::Error::new(ErrorKind::UnexpectedEof, cut));
    }
    Ok(Some(Content::Memory(bytes.into())))
}
