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
use std::{io::ErrorKind, path::Path as Folder, sync::Arc};
use tokio::{fs::File, io::AsyncReadExt};

/// The most bytes of a file that is read whole: an entry bundle has 256 leaves of 64 KiB at most.
const MAX_WHOLE: u64 = 256 * (2 + 65_535);

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
    let (mut file, length) = open(public, &paths::tile(&tile)).await?.ok_or_else(none)?;
    if length > MAX_WHOLE {
        return Err(Problem::internal(&"a tile is longer than any can be"));
    }
    let mut bytes = Vec::new();
    let read = file.read_to_end(&mut bytes).await;
    read.map_err(|e| Problem::internal(&e))?;
    let keep = if tile.is_full() {
        Keep::ForEver
    } else {
        Keep::AWhile
    };
    of_memory(bytes.into(), BYTES, keep).answer(headers).await
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
    match open(public, &paths::part(sha256)).await? {
        Some((file, length)) => {
            let page = of_file(file, length, sha256, TEXT);
            Ok(Some(page.answer(headers).await?))
        }
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
    let (file, length) = open(public, &path(feed, sha256)).await?.ok_or_else(none)?;
    of_file(file, length, sha256, ZSTD).answer(headers).await
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

fn of_file(file: File, length: u64, sha256: &Hash, media: &'static str) -> Page {
    Page {
        content: Content::File(file, length),
        media,
        tag: sha256.to_string(),
        keep: Keep::ForEver,
    }
}

async fn open(public: &Folder, path: &str) -> Answer<Option<(File, u64)>> {
    let path = public.join(path);
    let file = match File::open(&path).await {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(Problem::internal(&e)),
    };
    let about = file.metadata().await.map_err(|e| Problem::internal(&e))?;
    Ok(about.is_file().then_some((file, about.len())))
}
