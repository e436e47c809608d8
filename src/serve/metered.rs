//! A request's body that ends in an error where more comes than is allowed so far.
//!
//! A multipart reader keeps in memory whatever it hasn't found the end of. So a sender whom nobody
//! knows yet is allowed little, and more when the signature holds.

use axum::body::Body;
use bytes::Bytes;
use hyper::body::Frame;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

/// How many bytes may still come.
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<Gauge>);

#[derive(Default)]
struct Gauge {
    left: AtomicU64,
    over: AtomicBool,
}

impl Meter {
    /// Lets so many bytes come from now on.
    pub(super) fn allow(&self, bytes: u64) {
        self.0.left.store(bytes, Ordering::Relaxed);
    }

    /// Whether more came than was allowed.
    pub(super) fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Relaxed)
    }

    /// The body under this meter.
    pub(super) fn over(&self, body: Body) -> Body {
        Body::new(Metered {
            body,
            meter: self.clone(),
        })
    }

    fn take(&self, bytes: u64) -> Result<(), io::Error> {
        let take = |left: u64| left.checked_sub(bytes);
        let took = (self.0.left).fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        took.map(drop).map_err(|_| {
            self.0.over.store(true, Ordering::Relaxed);
            io::Error::other("more came than is allowed here")
        })
    }
}

struct Metered {
    body: Body,
    meter: Meter,
}

impl hyper::body::Body for Metered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if let Some(Ok(data)) = frame.as_ref().map(|f| f.as_ref().map(Frame::data_ref))
            && let Err(e) = this.meter.take(data.map_or(0, |d| d.len() as u64))
        {
            return Poll::Ready(Some(Err(axum::Error::new(e))));
        }
        Poll::Ready(frame)
    }
}
