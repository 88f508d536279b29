//! The operations of the requests of a job.

use std::sync::{Arc, OnceLock};

use http::Method as Verb;

use super::job_rule::JobPart;
use super::operation::Operation;
use super::paging::Paging;
use super::request_rule::{BodyFormat, Fixed};
use super::rules::Repeat;
use crate::authoring::Text;

impl Operation {
    /// The operation of a request of its job. The path has its values, encoded; its options were used up by the request
    /// that submitted the job.
    pub(crate) fn of_job(&self, verb: Verb, path: String, part: JobPart) -> Operation {
        let is_result = part == JobPart::Result;
        let repeat = match verb {
            Verb::GET | Verb::HEAD => Repeat::SafeRead,
            _ => Repeat::IdempotentWrite,
        };
        Operation {
            id: self.id.clone(),
            vendor_id: None,
            connector: Arc::clone(&self.connector),
            title: self.title.clone(),
            description: None,
            method: self.method,
            verb,
            options: Vec::new(),
            items: None,
            response: self.response.clone(),
            record: self.record.clone(),
            deprecated: None,
            path: Text::literal(path),
            base_url: self.base_url.clone(),
            fixed: Fixed { body: None, ..self.fixed.clone() },
            body: BodyFormat::Json,
            rules: self.rules.clone(),
            paging: if is_result { self.paging.clone() } else { Paging::default() },
            forward_only: None,
            repeat,
            idempotency_key: None,
            anonymous: self.anonymous,
            job: None,
            is_state: !is_result,
            option_check: OnceLock::new(),
            item_check: OnceLock::new(),
            item_fields: OnceLock::new(),
            record_fields: OnceLock::new(),
        }
    }
}
