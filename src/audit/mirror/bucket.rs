//! A bucket that is kept equal to the folder: what is pointed to is sent before what points to it.

use crate::{audit::Finding, feed::paths, tlog::Hash};
use object_store::{
    Attribute, Attributes, ObjectStore, ObjectStoreExt as _, PutOptions, PutPayload,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path as Key,
};
use std::{collections::BTreeMap, fs, path::Path};

/// A bucket behind an S3-speaking server.
pub struct Bucket {
    store: AmazonS3,
    prefix: String,
    /// What lies there: each object's length and, of what this process sent, its hash.
    there: Option<BTreeMap<String, (u64, Option<Hash>)>>,
}

impl Bucket {
    /// Reads `s3://name` or `s3://name/prefix`. Keys, region and endpoint come from the variables
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`.
    pub fn parse(text: &str) -> Result<Self, Finding> {
        let wrong = |why: String| Finding::given("bucket", why);
        let rest = text.strip_prefix("s3://").filter(|rest| !rest.is_empty());
        let rest = rest.ok_or_else(|| wrong(format!("{text:?} is no bucket: s3://name/prefix")))?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // Its client takes the process's TLS; a second install is no error to speak of.
        drop(rustls::crypto::ring::default_provider().install_default());
        let store = AmazonS3Builder::from_env().with_bucket_name(name).build();
        Ok(Self {
            store: store.map_err(|e| wrong(format!("{text}: {e}")))?,
            prefix: prefix.trim_matches('/').to_owned(),
            there: None,
        })
    }

    /// Sends what the folder has and the bucket doesn't, in the order parts, tiles, feed files,
    /// checkpoint, manifests; then removes what the folder has no more. Gives objects sent.
    pub(super) async fn send(&mut self, folder: &Path) -> Result<u64, Finding> {
        if self.there.is_none() {
            self.there = Some(self.list().await?);
        }
        let mut files = Vec::new();
        walk(folder, "", &mut files)?;
        files.sort_by(|a, b| (rank(a), a).cmp(&(rank(b), b)));
        let mut sent = 0;
        for path in &files {
            if self.send_one(folder, path).await? {
                sent += 1;
            }
        }
        let there = self.there.iter().flat_map(BTreeMap::keys);
        let gone: Vec<String> = there
            .filter(|path| !files.contains(path))
            .cloned()
            .collect();
        for path in gone {
            self.remove(&path).await?;
        }
        Ok(sent)
    }

    /// Removes an object; none is no error.
    pub(super) async fn remove(&mut self, path: &str) -> Result<(), Finding> {
        match self.store.delete(&self.key(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(e) => return Err(failed(path, e)),
        }
        if let Some(there) = &mut self.there {
            there.remove(path);
        }
        Ok(())
    }

    async fn send_one(&mut self, folder: &Path, path: &str) -> Result<bool, Finding> {
        let known = self
            .there
            .as_ref()
            .and_then(|there| there.get(path))
            .copied();
        let changes = rank(path) >= CHECKPOINT;
        // A name that has its bytes' hash in it, or the tree's, never gets others.
        if known.is_some() && !changes {
            return Ok(false);
        }
        let bytes = fs::read(folder.join(path))
            .map_err(|e| Finding::given("folder", format!("{path}: {e}")))?;
        let hash = Hash::of(&bytes);
        if known.is_some_and(|(_, sent)| sent == Some(hash)) {
            return Ok(false);
        }
        let length = bytes.len() as u64;
        let options = PutOptions {
            attributes: attributes(path),
            ..PutOptions::default()
        };
        self.store
            .put_opts(&self.key(path), PutPayload::from(bytes), options)
            .await
            .map_err(|e| failed(path, e))?;
        let there = self.there.get_or_insert_default();
        there.insert(path.to_owned(), (length, Some(hash)));
        Ok(true)
    }

    async fn list(&self) -> Result<BTreeMap<String, (u64, Option<Hash>)>, Finding> {
        let mut waiting: Vec<Option<Key>> =
            vec![(!self.prefix.is_empty()).then(|| Key::from(self.prefix.as_str()))];
        let mut there = BTreeMap::new();
        while let Some(below) = waiting.pop() {
            let listed = self.store.list_with_delimiter(below.as_ref()).await;
            let listed = listed.map_err(|e| failed(&self.prefix, e))?;
            waiting.extend(listed.common_prefixes.into_iter().map(Some));
            for object in listed.objects {
                let path = object.location.as_ref();
                let path = match self.prefix.is_empty() {
                    true => Some(path),
                    false => path.strip_prefix(&format!("{}/", self.prefix)),
                };
                if let Some(path) = path {
                    there.insert(path.to_owned(), (object.size, None));
                }
            }
        }
        Ok(there)
    }

    fn key(&self, path: &str) -> Key {
        match self.prefix.is_empty() {
            true => Key::from(path),
            false => Key::from(format!("{}/{path}", self.prefix)),
        }
    }
}

/// The order in which a reader may follow from one to the next.
fn rank(path: &str) -> u8 {
    match path {
        paths::CHECKPOINT => CHECKPOINT,
        manifest if manifest.ends_with("/manifest") => CHECKPOINT + 1,
        part if part.starts_with("part/") => 0,
        tile if tile.starts_with("log/") => 1,
        _ => 2,
    }
}

/// As the authority's own HTTP says it.
fn attributes(path: &str) -> Attributes {
    let keep = match rank(path) {
        CHECKPOINT.. => "no-cache",
        1 if path.contains(".p/") => "public, max-age=600",
        _ => "public, max-age=31536000, immutable",
    };
    let media = match path {
        zst if zst.ends_with(".zst") => "application/zstd",
        tile if tile.starts_with("log/tile/") => "application/octet-stream",
        _ => "text/plain; charset=utf-8",
    };
    Attributes::from_iter([
        (Attribute::CacheControl, keep),
        (Attribute::ContentType, media),
    ])
}

fn walk(folder: &Path, below: &str, files: &mut Vec<String>) -> Result<(), Finding> {
    let dir = folder.join(below);
    let failed = |e: std::io::Error| Finding::given("folder", format!("{}: {e}", dir.display()));
    for entry in fs::read_dir(&dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(folder, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn failed(path: &str, error: object_store::Error) -> Finding {
    Finding::given("bucket", format!("{path}: {error}"))
}

const CHECKPOINT: u8 = 3;
