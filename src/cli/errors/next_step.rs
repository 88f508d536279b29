//! What a person at a terminal can do next about an error that says nothing of it: by its kind, its HTTP status and the verb of its request. Pure.

use crate::error::{Error, ErrorKind};

/// What to do next.
pub(crate) fn next_step(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Definition | ErrorKind::Connection | ErrorKind::State if is_unread(error) => {
            "is there such a file, and may you read it?".to_owned()
        }
        ErrorKind::Internal => "this is a fault of opnode itself: report it with this text and the command".to_owned(),
        ErrorKind::Usage => "`opnode COMMAND --help` shows the flags and examples".to_owned(),
        ErrorKind::Definition => definition(error),
        ErrorKind::UnknownOperation => "`opnode operations --search TEXT` finds operations".to_owned(),
        ErrorKind::InvalidOptions => about_operation(error, "shows its options"),
        ErrorKind::InvalidItems => about_operation(error, "shows an item to send"),
        ErrorKind::Unsupported => about_operation(error, "shows what it takes"),
        ErrorKind::Connection | ErrorKind::Origin => {
            "correct the connection; `opnode connection test NAME` tries it".to_owned()
        }
        ErrorKind::Unauthenticated => {
            "correct the credentials of the connection; `opnode connection test NAME` tries them".to_owned()
        }
        ErrorKind::Forbidden => {
            "give the account of the connection the right to do this, or use another connection".to_owned()
        }
        ErrorKind::NotFound => not_found(error),
        ErrorKind::Conflict => conflict(error),
        ErrorKind::Rejected => rejected(error),
        ErrorKind::BadResponse => bad_response(error),
        ErrorKind::NoProgress => "ask for a part of the records, such as by a filter, and tell the vendor".to_owned(),
        ErrorKind::Limit => {
            "ask for less at a time, or raise this limit under `limits` of the connection where it is one of those"
                .to_owned()
        }
        ErrorKind::RateLimited => "run it again later, or lower `limits: { rate }` of the connection".to_owned(),
        ErrorKind::Unavailable => "run it again later; the system is in trouble or in maintenance".to_owned(),
        ErrorKind::Network => network(error),
        ErrorKind::Timeout => {
            "run it again; a longer time is given by --timeout, or by `limits` of the connection".to_owned()
        }
        ErrorKind::UnknownOutcome => {
            "look at the record in the system before you send it again: it may have been changed".to_owned()
        }
        ErrorKind::Partial => {
            "send only the items that failed again; --outcomes FILE keeps what happened to each".to_owned()
        }
        ErrorKind::State => "is there room on the disk, and may you write there?".to_owned(),
        ErrorKind::Cancelled => "run it again when it is to be done after all".to_owned(),
    }
}

/// Whether it is about a file that could not be read at all.
fn is_unread(error: &Error) -> bool {
    error.place.as_ref().is_some_and(|place| place.file.is_some() && place.line.is_none())
        && error.message.contains("cannot be read")
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
        None => "`opnode check` shows all that is wrong with the files".to_owned(),
    }
}

fn not_found(error: &Error) -> String {
    match verb(error) {
        "DELETE" => "it may be deleted already; correct the id if another record is meant",
        "POST" => "correct the ids in the path or in the item: a record that they name is not there",
        _ => "correct the id, or look the record up with a query of a list",
    }
    .to_owned()
}

fn conflict(error: &Error) -> String {
    match verb(error) {
        "POST" => {
            "a record with these values may be there already: look it up, and change it in place of creating another"
        }
        "DELETE" => "other records may still need this one: remove what refers to it first",
        _ => "the record may have been changed meanwhile: read it again, and send the change anew",
    }
    .to_owned()
}

fn rejected(error: &Error) -> String {
    let describe = about_operation(error, "shows its fields");
    match error.http_status {
        Some(405 | 501) => {
            "this system does not know the operation: is it another release, or is the address wrong?".to_owned()
        }
        Some(413 | 414 | 431) => "send less at a time: fewer or smaller items, or shorter options".to_owned(),
        Some(300..=399) => "correct the address of the connection: it leads elsewhere".to_owned(),
        _ => format!("correct what the system names; --plan shows what is sent, and {describe}"),
    }
}

fn bad_response(error: &Error) -> String {
    match verb(error) {
        "GET" | "HEAD" | "" => {
            "run it again; if it stays so, correct `response` in the operation's definition, or tell the vendor"
        }
        _ => "look at the record before you send it again; then correct `response` in the operation's definition",
    }
    .to_owned()
}

/// What was sent and not answered is another kind when it was a write.
fn network(error: &Error) -> String {
    match error.attempts {
        0 => "check the address of the connection and the network",
        _ => "run it again when the network is well: what failed here changed nothing in the system",
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
        assert!(after("DELETE").contains("refers"));
        assert!(after("PATCH").contains("anew"));
    }
}
