//! What pages load beside their HTML: stylesheet, scripts, icon. All are in the binary, and each is
//! served under a name with its hash, so that a browser keeps it for ever and never an old one.

use super::super::{
    files,
    page::Keep,
    problem::{Answer, Problem},
};
use crate::tlog::Hash;
use axum::{extract::Path, http::HeaderMap};
use bytes::Bytes;
use std::sync::LazyLock;

/// Name, media type, bytes. A new file is named here.
const FILES: &[(&str, &str, &[u8])] = &[
    (
        "style.css",
        "text/css; charset=utf-8",
        include_bytes!("assets/style.css"),
    ),
    (
        "icon.svg",
        "image/svg+xml",
        include_bytes!("assets/icon.svg"),
    ),
    // htmx 2.0.11, licence beside it.
    (
        "htmx.js",
        "text/javascript; charset=utf-8",
        include_bytes!("assets/htmx-2.0.11.min.js"),
    ),
    (
        "desk.js",
        "text/javascript; charset=utf-8",
        include_bytes!("assets/desk.js"),
    ),
    (
        "pages.js",
        "text/javascript; charset=utf-8",
        include_bytes!("assets/pages.js"),
    ),
];

struct Asset {
    name: &'static str,
    path: String,
    media: &'static str,
    bytes: &'static [u8],
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let made = FILES.iter().map(|(name, media, bytes)| {
        let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
        let hash = Hash::of(bytes).to_string();
        Asset {
            name,
            path: format!(
                "/assets/{stem}-{}.{kind}",
                hash.get(..16).unwrap_or_default()
            ),
            media,
            bytes,
        }
    });
    made.collect()
});

/// Where a file is served; a test holds that templates name none that isn't there.
pub(in crate::serve) fn path(name: &str) -> &'static str {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    found.map_or("", |asset| asset.path.as_str())
}

/// `/assets/{name}`
pub(in crate::serve) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let asked = format!("/assets/{name}");
    let found = ASSETS.iter().find(|asset| asset.path == asked);
    let asset = found.ok_or_else(|| {
        Problem::missing("there is no such file in this version of the program; load the page anew")
    })?;
    let bytes = Bytes::from_static(asset.bytes);
    files::of_memory(bytes, asset.media, Keep::ForEver)
        .answer(&headers)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_their_hash() {
        let found = path("style.css");
        let hash = Hash::of(include_bytes!("assets/style.css")).to_string();
        assert_eq!(found, format!("/assets/style-{}.css", &hash[..16]));
        assert_eq!(path("other.css"), "");
        for asset in ASSETS.iter() {
            let text = String::from_utf8_lossy(asset.bytes);
            assert!(
                !text.contains("url(http"),
                "{} loads from elsewhere",
                asset.name
            );
        }
    }
}
