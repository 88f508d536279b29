//! Detects requests that certainly were not processed: the peer says so, or the request was never sent completely. Any
//! other broken request may have been processed.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::failure::{FailureKind, causes};

/// A body that records whether the HTTP client has asked for it. Until then the server has received headers at most.
pub(super) struct Watched {
    bytes: Option<Bytes>,
    state: Arc<AtomicU8>,
}

/// Whether a request's body was asked for; without a body this is unknown.
#[derive(Default)]
pub(super) struct SendMark(Option<Arc<AtomicU8>>);

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Watched {
    pub(super) fn new(bytes: Bytes) -> (Watched, SendMark) {
        let state = Arc::new(AtomicU8::new(WAITING));
        (Watched { bytes: Some(bytes), state: Arc::clone(&state) }, SendMark(Some(state)))
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.state.compare_exchange(WAITING, TAKEN, Ordering::AcqRel, Ordering::Acquire) == Err(GIVEN_UP) {
            return Poll::Ready(Some(Err(std::io::Error::other("the request was cancelled"))));
        }
        Poll::Ready(self.bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
    }

    /// An empty body is complete only when it was asked for, and so is its request.
    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

impl SendMark {
    fn never(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.load(Ordering::Acquire) != TAKEN)
    }

    pub(super) fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    /// Prevents the body from being sent; true if it was not asked for before.
    pub(super) fn give_up(&self) -> bool {
        let given_up = |state: &Arc<AtomicU8>| {
            state.compare_exchange(WAITING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire).is_ok()
        };
        self.0.as_ref().is_some_and(given_up)
    }
}

/// The kind of a failure without a reply, if the request certainly was not processed.
pub(super) fn kind(error: &reqwest::Error, asked: &SendMark) -> Option<FailureKind> {
    // RFC 9113, section 8.7: a refused stream, or one above the last stream of a GOAWAY; only those fail with the
    // GOAWAY as their error. A GOAWAY without an error is an orderly end; with any other reason an immediate repeat
    // would fail again.
    let word = causes(error).filter_map(|e| e.downcast_ref::<h2::Error>()).find_map(|e| match e.reason() {
        Some(h2::Reason::REFUSED_STREAM) => Some(FailureKind::Unprocessed),
        Some(h2::Reason::NO_ERROR) if e.is_go_away() && e.is_remote() => Some(FailureKind::Unprocessed),
        _ => (e.is_go_away() && e.is_remote()).then_some(FailureKind::NotSent),
    });
    let sent = || causes(error).find_map(|e| e.downcast_ref::<hyper::Error>());
    word.or_else(|| match sent() {
        // The request was returned by the queue of a closed connection, or never entered one.
        Some(e) if e.is_canceled() && over_http2(error) => Some(FailureKind::Unprocessed),
        Some(e) if e.is_canceled() || e.is_closed() => Some(FailureKind::NotSent),
        // The request waited for a free stream of a connection that ended; the client reports this as a user error.
        // Headers may have been sent if a stream became free, but without the body the request is incomplete.
        Some(e) if e.is_user() && asked.never() => Some(FailureKind::Unprocessed),
        Some(_) => asked.never().then_some(FailureKind::NotSent),
        // The pool never assigned it to a connection.
        None => pool(error).is_some().then_some(FailureKind::Unprocessed),
    })
}

/// Whether the pool assigned an existing connection that was closing.
pub(super) fn was_closing(error: &reqwest::Error) -> bool {
    // The error type is private. If these texts change, the failure counts as an attempt.
    const TEXTS: [&str; 2] = ["checked out connection was closed", "request was canceled"];
    pool(error).is_some() && causes(error).any(|e| TEXTS.contains(&e.to_string().as_str()))
}

fn pool(error: &reqwest::Error) -> Option<&hyper_util::client::legacy::Error> {
    causes(error).find_map(|e| e.downcast_ref())
}

fn over_http2(error: &reqwest::Error) -> bool {
    pool(error).and_then(|e| e.connect_info()).is_some_and(|info| info.is_negotiated_h2())
}
