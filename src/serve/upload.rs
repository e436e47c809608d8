//! Reading a multipart upload field by field, each within its limit.

use super::{
    metered::Meter,
    problem::{Answer, Problem},
};
use axum::{
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use std::time::Duration;
use tokio::time::Instant;

/// What a sender may send before the signature was verified, with what arrives ahead of it.
const STRANGER: u64 = 4 << 20;

/// How much of an upload that is refused is read and thrown away: a sender that is still writing
/// when the connection closes may never see the answer.
const DRAIN: u64 = 64 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The fields of an upload, in the order that is asked for.
pub(super) struct Upload {
    fields: Multipart,
    meter: Meter,
}

impl Upload {
    /// Begins to read; a few MiB may come until `trust` is called.
    pub(super) async fn of(request: Request) -> Answer<Self> {
        let meter = Meter::default();
        meter.allow(STRANGER);
        let request = request.map(|body| meter.over(body));
        match Multipart::from_request(request, &()).await {
            Ok(fields) => Ok(Self { fields, meter }),
            Err(e) => Err(Problem::bad("multipart", e.body_text())),
        }
    }

    /// Lets more come: the sender is known.
    pub(super) fn trust(&self, bytes: u64) {
        self.meter.allow(bytes);
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
        let next = self.next_of(&[(name, limit)]).await?;
        Ok(next.map(|(_, bytes)| bytes))
    }

    /// The next field, which has one of these names; none at the end.
    pub(super) async fn next_of(
        &mut self,
        names: &[(&'static str, u64)],
    ) -> Answer<Option<(&'static str, Vec<u8>)>> {
        let meter = &self.meter;
        let field = self.fields.next_field().await;
        let Some(field) = field.map_err(|e| broken(&e, meter))? else {
            return Ok(None);
        };
        let wanted = names.iter().find(|(name, _)| field.name() == Some(name));
        let Some((name, limit)) = wanted else {
            return Err(missing(names.first().map_or("", |(name, _)| name)));
        };
        Ok(Some((name, read(field, name, *limit, meter).await?)))
    }

    /// Reads what is left, within limits, and keeps none of it.
    pub(super) async fn drain(mut self) {
        let end = Instant::now() + DRAIN_TIME;
        self.meter.allow(DRAIN);
        let all = async {
            while let Ok(Some(mut field)) = self.fields.next_field().await {
                while let Ok(Some(_)) = field.chunk().await {}
            }
        };
        // However it ends, the answer goes out now.
        let _ = tokio::time::timeout_at(end, all).await;
    }
}

async fn read(
    mut field: Field<'_>,
    name: &'static str,
    limit: u64,
    meter: &Meter,
) -> Answer<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|e| broken(&e, meter))? {
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

fn broken(error: &MultipartError, meter: &Meter) -> Problem {
    if meter.is_over() || error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let why = "the upload is longer than is allowed here";
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", why);
    }
    // A connection that broke is the sender's fault as well, if anybody reads this.
    Problem::bad("multipart", error.body_text())
}
