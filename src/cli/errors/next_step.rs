//! Advice for errors that have none, by kind, HTTP status and verb of the request. Pure.

use crate::error::{Error, ErrorKind};

/// What to do next.
pub(crate) fn next_step(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Internal => "this is a bug in opnode: report it with this message and the command".to_owned(),
        ErrorKind::Usage => "`opnode COMMAND --help` shows the flags and examples".to_owned(),
        ErrorKind::Definition => definition(error),
        ErrorKind::UnknownOperation => "`opnode operations --search TEXT` finds operations".to_owned(),
        ErrorKind::InvalidOptions => about_operation(error, "shows its options"),
        ErrorKind::InvalidItems => about_operation(error, "shows an item to send"),
        ErrorKind::Unsupported => about_operation(error, "shows what it supports"),
        ErrorKind::Connection | ErrorKind::Origin => {
            "correct the connection; `opnode connection test NAME` tests it".to_owned()
        }
        ErrorKind::Unauthenticated => {
            "correct the credentials of the connection; `opnode connection test NAME` tests them".to_owned()
        }
        ErrorKind::Forbidden => {
            "grant the account of the connection the permission, or use another connection".to_owned()
        }
        ErrorKind::NotFound => not_found(error),
        ErrorKind::Conflict => conflict(error),
        ErrorKind::Rejected => rejected(error),
        ErrorKind::BadResponse => bad_response(error),
        ErrorKind::NoProgress => {
            "request fewer records, for example with a filter, and report it to the vendor".to_owned()
        }
        ErrorKind::Limit => "request less at a time, or raise the limit under `limits` of the connection".to_owned(),
        ErrorKind::RateLimited => "run it again later, or lower `limits: { rate }` of the connection".to_owned(),
        ErrorKind::Unavailable => "run it again later; the system is unavailable".to_owned(),
        ErrorKind::Network => network(error),
        ErrorKind::Timeout => "run it again; --timeout and `limits` of the connection allow more time".to_owned(),
        ErrorKind::UnknownOutcome => {
            "check the record in the system before you send it again: the write may have taken effect".to_owned()
        }
        ErrorKind::Partial => "send only the failed items again; --outcomes FILE writes the outcome of each".to_owned(),
        ErrorKind::State => "check the free disk space and the permissions of the folder".to_owned(),
        ErrorKind::Cancelled => "run it again to start over".to_owned(),
    }
}

/// The verb of the request that failed.
fn verb(error: &Error) -> &str {
    error.request.as_deref().and_then(|request| request.split(' ').next()).unwrap_or_default()
}

fn about_operation(error: &Error, shows: &str) -> String {
    format!("`opnode describe {}` {shows}", error.operation.as_deref().unwrap_or("OPERATION_ID"))
}

fn definition(error: &Error) -> String {
    let file = error.place.as_ref().and_then(|place| place.file.as_deref());
    match file {
        Some(file) => format!("correct {file}; `opnode check {file}` checks it again"),
        None => "`opnode check` shows all faults".to_owned(),
    }
}

fn not_found(error: &Error) -> String {
    match verb(error) {
        "DELETE" => "the record may already be deleted; if not, correct the id",
        "POST" => "correct the ids in the options or the item: one of them names a missing record",
        _ => "correct the id; a query that lists the records shows valid ids",
    }
    .to_owned()
}

fn conflict(error: &Error) -> String {
    match verb(error) {
        "POST" => "a record with these values may already exist: look it up, and change it instead of creating another",
        "DELETE" => "other records may refer to this one: remove the references first",
        _ => "the record may have changed meanwhile: read it again, then send your change again",
    }
    .to_owned()
}

fn rejected(error: &Error) -> String {
    let describe = about_operation(error, "shows its fields");
    match error.http_status {
        Some(405 | 501) => {
            "this system does not support the operation: check its version and the address of the connection".to_owned()
        }
        Some(413 | 414 | 431) => "send less at a time: fewer or smaller items, or shorter options".to_owned(),
        Some(300..=399) => "correct the address of the connection: the system redirects it".to_owned(),
        _ => format!("correct what the reply names; --plan shows the request, and {describe}"),
    }
}

fn bad_response(error: &Error) -> String {
    match verb(error) {
        "GET" | "HEAD" | "" => {
            "run it again; if the error persists, correct `response` in the operation's definition, or report it to the vendor"
        }
        _ => "check the record before you send it again; then correct `response` in the operation's definition",
    }
    .to_owned()
}

/// Only errors without effect have this kind: a write that was sent without a reply is `unknown_outcome`.
fn network(error: &Error) -> String {
    match error.attempts {
        0 => "check the address of the connection and the network",
        _ => "check the network and run it again: the failed request changed nothing in the system",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::next_step;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn every_kind_has_a_next_step() {
        for kind in ErrorKind::ALL {
            assert!(!next_step(&Error::new(kind, "x")).is_empty(), "{kind}");
        }
    }

    #[test]
    fn advice_fits_the_verb() {
        let after = |verb: &str| {
            let request = Some(format!("{verb} https://example.com/x"));
            next_step(&Error::new(ErrorKind::Conflict, "x").with(|d| d.request = request))
        };
        assert!(after("POST").contains("creating"));
        assert!(after("DELETE").contains("references"));
        assert!(after("PATCH").contains("read it again"));
    }
}
