//! Reading a multipart upload field by field, each within its limit.

use super::problem::{Answer, Problem};
use axum::{
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use std::time::Duration;
use tokio::time::Instant;

/// How much of an upload that is refused is read and thrown away: a sender that is still writing
/// when the connection closes may never see the answer.
const DRAIN: usize = 64 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The fields of an upload, in the order that is asked for.
pub(super) struct Upload(Multipart);

impl Upload {
    pub(super) async fn of(request: Request) -> Answer<Self> {
        match Multipart::from_request(request, &()).await {
            Ok(multipart) => Ok(Self(multipart)),
            Err(e) => Err(Problem::bad("multipart", e.body_text())),
        }
    }

    /// The next field, which must have this name.
    pub(super) async fn field(&mut self, name: &'static str, limit: u64) -> Answer<Vec<u8>> {
        match self.next(name, limit).await? {
            Some(bytes) => Ok(bytes),
            None => Err(missing(name)),
        }
    }

    /// The next field of this name, or none at the end.
    pub(super) async fn next(&mut self, name: &'static str, limit: u64) -> Answer<Option<Vec<u8>>> {
        let Some(field) = self.0.next_field().await.map_err(|e| broken(&e))? else {
            return Ok(None);
        };
        if field.name() != Some(name) {
            return Err(missing(name));
        }
        read(field, name, limit).await.map(Some)
    }

    /// Reads what is left, within limits, and keeps none of it.
    pub(super) async fn drain(mut self) {
        let end = Instant::now() + DRAIN_TIME;
        let all = async {
            let mut left = DRAIN;
            while let Ok(Some(mut field)) = self.0.next_field().await {
                while let Ok(Some(chunk)) = field.chunk().await {
                    left = left.checked_sub(chunk.len())?;
                }
            }
            Some(())
        };
        // However it ends, the answer goes out now.
        let _ = tokio::time::timeout_at(end, all).await;
    }
}

async fn read(mut field: Field<'_>, name: &'static str, limit: u64) -> Answer<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|e| broken(&e))? {
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                format!("the field {name} has more than {limit} bytes, the most that it may have"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn missing(name: &'static str) -> Problem {
    Problem::bad(
        "multipart",
        format!(
            "the field {name} is missing here; fields stand in the order of the API's description"
        ),
    )
}

fn broken(error: &MultipartError) -> Problem {
    let code = match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        _ => "multipart",
    };
    Problem::new(error.status(), code, error.body_text())
}
