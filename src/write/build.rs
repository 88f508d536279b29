//! Builds the requests of a write: cuts items into chunks, one request per chunk. Pure, except for the random key of a
//! call without a name.

use std::borrow::Cow;
use std::sync::OnceLock;

use bytes::Bytes;
use http::request::Parts;

use crate::body::{self, Chunk};
use crate::connection::Connection;
use crate::definition::{Operation, OptionRule};
use crate::error::{Error, Result};
use crate::item::Items;
use crate::options::Options;
use crate::request::{self, Cursor, Inserted, RequestInput};

/// What all requests of a call share after the first was built, if no item is part of the address: everything but the
/// body.
pub(super) type Model = OnceLock<(String, Parts)>;

/// The base of an item's idempotency key.
#[derive(Clone, Copy)]
pub(super) enum RequestKey<'a> {
    /// A fixed text for plans, which send nothing.
    Planned,
    /// A call without a name has a random key.
    Own,
    /// The run's name, and the index of the part's first item in the run.
    Run(&'a str, u64),
}

/// Replaces the idempotency key in plans.
const PLANNED_KEY: &str = "(one for each item and run)";

/// The inputs for the requests of a write.
#[derive(Clone, Copy)]
pub(crate) struct Requests<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) operation: &'a Operation,
    pub(crate) options: &'a Options,
    pub(crate) items: Option<&'a Items>,
}

impl Requests<'_> {
    /// The chunks: by the operation's rule; one item each if only the address uses the item; one request if there are
    /// no items.
    pub(super) fn chunks(&self) -> Vec<Chunk> {
        match (self.items, &self.operation.items) {
            (None, _) => vec![Chunk { first: 0, count: 1 }],
            (Some(items), Some(rule)) => body::chunks(rule, items.len()),
            (Some(items), None) => (0..items.len()).map(|first| Chunk { first, count: 1 }).collect(),
        }
    }

    /// Builds the first request, so that invalid options are refused before anything is sent.
    pub(super) fn refuse_first(&self) -> Result<()> {
        let Some(chunk) = self.chunks().first().copied() else { return Ok(()) };
        let named = |e: Error| e.with(|d| d.operation = Some(self.operation.id.clone()));
        self.build(chunk, RequestKey::Planned, &Model::new()).map(|_| ()).map_err(named)
    }

    /// All requests, for a plan.
    pub(crate) fn planned(&self) -> Result<Vec<http::Request<Bytes>>> {
        let model = Model::new();
        let request = |chunk| {
            let (head, body) = self.build(chunk, RequestKey::Planned, &model)?;
            Ok(http::Request::from_parts(head.into_owned(), body))
        };
        self.chunks().into_iter().map(request).collect()
    }

    /// The request of one chunk.
    pub(super) fn build<'m>(
        &self,
        chunk: Chunk,
        key: RequestKey<'_>,
        model: &'m Model,
    ) -> Result<(Cow<'m, Parts>, Bytes)> {
        let Requests { connection, operation, options, items } = *self;
        let item = items.and_then(|items| items.get(chunk.first));
        let input = RequestInput { options, item, page_size: None };
        let parts = Inserted { connection, operation, input, cursor: &Cursor::default() };
        let body = body::build(&parts, items.map(|items| (items, chunk)))?;
        let (mut head, body) = match (model.get(), body) {
            (Some((media, model)), Some(body)) if *media == body.content_type => (Cow::Borrowed(model), body.bytes),
            (_, body) => {
                let media = body.as_ref().map(|body| body.content_type.clone());
                let (head, bytes) = request::build(&parts, body)?.into_parts();
                let fills = |option: &OptionRule| operation.item_may_fill(option) && !options.contains(&option.name);
                if let Some(media) = media.filter(|_| !operation.options.iter().any(fills)) {
                    model.get_or_init(|| (media, head.clone()));
                }
                (Cow::Owned(head), bytes)
            }
        };
        if let Some(name) = &operation.idempotency_key {
            let value = connection.header_value(name, &idempotency_key(&head.uri, &body, chunk, key))?;
            head.to_mut().headers.insert(name.clone(), value);
        }
        Ok((head, body))
    }
}

/// One key per item and run. It is the same for every attempt and differs for another body.
fn idempotency_key(uri: &http::Uri, body: &[u8], chunk: Chunk, key: RequestKey<'_>) -> String {
    use sha2::Digest;
    let base = match key {
        RequestKey::Planned => return PLANNED_KEY.to_owned(),
        RequestKey::Own => 0,
        RequestKey::Run(_, base) => base,
    };
    let mut digest = sha2::Sha256::new();
    digest.update(uri.to_string());
    digest.update(body);
    digest.update((chunk.first as u64 + base).to_le_bytes());
    match key {
        RequestKey::Run(name, _) => digest.update(name),
        RequestKey::Own | RequestKey::Planned => digest.update(fastrand::u128(..).to_le_bytes()),
    }
    crate::secret::hex(&digest.finalize(), 16)
}
