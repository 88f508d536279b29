//! From one reply to the outcomes of the items that it answers. Pure.

use serde_json::{Map, Value};

use crate::body::Share;
use crate::definition::{Operation, PartRule, scalar};
use crate::digits::{is_long, is_number};
use crate::error::{Error, ErrorKind, Result};
use crate::item::{Item, Items};
use crate::receipt::{Outcome, OutcomeStatus};
use crate::secret::Redactor;
use crate::send::Sent;

/// The outcomes of one request, one per item of its share.
pub(super) fn outcomes(operation: &Operation, items: &Items, share: Share, sent: Result<Sent>, redactor: &Redactor) -> Vec<Outcome> {
    let indexes = share.first..share.first + share.count;
    match sent {
        Err(error) => failed(share, error),
        Ok(sent) => {
            if let Some(rule) = &operation.response.parts {
                return by_parts(operation, rule, items, share, &sent, redactor);
            }
            let one_each = sent.page.items.len() == share.count;
            indexes
                .map(|index| {
                    let items = match (one_each, index == share.first) {
                        (true, _) if share.count > 1 => pick(&sent.page.items, index - share.first),
                        (_, true) => sent.page.items.clone(),
                        _ => Items::default(),
                    };
                    Outcome {
                        index: index as u64,
                        status: OutcomeStatus::Ok,
                        http_status: Some(sent.status),
                        items,
                        location: sent.location.clone(),
                        error: None,
                        attempts: sent.attempts,
                    }
                })
                .collect()
        }
    }
}

/// The same failure for every item of a share; the first carries the error, the others a short form of it.
fn failed(share: Share, error: Error) -> Vec<Outcome> {
    let status = match error.kind() {
        ErrorKind::UnknownOutcome => OutcomeStatus::Unknown,
        ErrorKind::Cancelled | ErrorKind::State | ErrorKind::Timeout if error.attempts == 0 => OutcomeStatus::Skipped,
        _ => OutcomeStatus::Failed,
    };
    let (http_status, attempts) = (error.http_status, error.attempts);
    let short = |e: &Error| Error::new(e.kind(), e.message.clone()).with(|d| d.http_status = http_status);
    let rest: Vec<Error> = (1..share.count).map(|_| short(&error)).collect();
    std::iter::once(error)
        .chain(rest)
        .enumerate()
        .map(|(i, error)| Outcome {
            index: (share.first + i) as u64,
            status,
            http_status,
            items: Items::default(),
            location: None,
            error: Some(error),
            attempts,
        })
        .collect()
}

fn pick(items: &Items, index: usize) -> Items {
    items.get(index).map(|i| Items::one(i.as_str().to_owned())).unwrap_or_default()
}

/// A reply that reports on each part: by its index or its item where it names one, else by position. What is not reported is unknown.
fn by_parts(operation: &Operation, rule: &PartRule, items: &Items, share: Share, sent: &Sent, redactor: &Redactor) -> Vec<Outcome> {
    let parts: Vec<Value> = sent.page.items.iter().map(flags).collect();
    let mut taken = vec![false; parts.len()];
    (0..share.count)
        .map(|position| {
            let index = share.first + position;
            let wrong = |kind, message: String| {
                Error::new(kind, message).with(|d| {
                    d.operation = Some(operation.id.clone());
                    d.http_status = Some(sent.status);
                    d.attempts = sent.attempts;
                })
            };
            let outcome = |status, items, error| Outcome {
                index: index as u64,
                status,
                http_status: Some(sent.status),
                items,
                location: None,
                error,
                attempts: sent.attempts,
            };
            let found = part_of(rule, &parts, &taken, items.get(index), position, share.count);
            let Some((found, part)) = found.and_then(|at| parts.get(at).map(|part| (at, part))) else {
                let message = format!("the reply reports on {} items, and not on this one", parts.len());
                let error = wrong(ErrorKind::UnknownOutcome, message).advise("look at the record before sending it again");
                return outcome(OutcomeStatus::Unknown, Items::default(), Some(error));
            };
            if let Some(taken) = taken.get_mut(found) {
                *taken = true;
            }
            if rule.ok.as_ref().is_some_and(|key| !part.get(key).is_some_and(succeeded)) {
                let said = rule.error.as_ref().and_then(|p| p.find(part)).map(|v| scalar(v).unwrap_or_else(|| v.to_string()));
                let said = crate::fault::clean(&redactor.mask(&said.unwrap_or_else(|| "without a reason".into())));
                let error = wrong(ErrorKind::Rejected, format!("refused: {said}")).with(|d| d.provider.message = Some(said));
                return outcome(OutcomeStatus::Failed, Items::default(), Some(error));
            }
            let items = match rule.data.as_ref() {
                Some(pointer) => {
                    let raw = sent.page.items.get(found).and_then(|item| item.raw(pointer.tokens())).filter(|raw| *raw != "null");
                    raw.map(|raw| Items::one(raw.to_owned())).unwrap_or_default()
                }
                None => pick(&sent.page.items, found),
            };
            outcome(OutcomeStatus::Ok, items, None)
        })
        .collect()
}

/// Which part reports on the item at this position. Two equal items take the first report and the second.
fn part_of(rule: &PartRule, parts: &[Value], taken: &[bool], item: Option<Item<'_>>, position: usize, count: usize) -> Option<usize> {
    if let Some(name) = &rule.index {
        return parts.iter().position(|p| p.get(name).and_then(Value::as_u64) == Some(position as u64));
    }
    let Some(name) = &rule.key else { return (parts.len() == count).then_some(position) };
    let item = item?;
    let own = match item.fields() {
        Some(fields) => fields.into_iter().rfind(|(n, _)| n == name)?.1.get(),
        None => item.as_str(),
    };
    let named = flag(own).as_ref().and_then(scalar)?;
    parts.iter().zip(taken).position(|(part, taken)| !taken && part.get(name).and_then(scalar).as_deref() == Some(named.as_str()))
}

/// A part's own fields that can be read as values; its record stays raw, because a number in it may be beyond any value.
fn flags(part: Item<'_>) -> Value {
    let fields = part.fields().unwrap_or_default().into_iter();
    fields.filter_map(|(name, raw)| Some((name, flag(raw.get())?))).collect::<Map<_, _>>().into()
}

/// A value; a number with more digits than a value holds is its text, so that the keys of two records are not taken for one.
fn flag(raw: &str) -> Option<Value> {
    if is_number(raw) && is_long(raw) { Some(Value::from(raw)) } else { serde_json::from_str(raw).ok() }
}

/// Whether a part's flag says that it succeeded: true, the word, or an HTTP status of the 2xx kind.
fn succeeded(flag: &Value) -> bool {
    match flag {
        Value::Bool(flag) => *flag,
        Value::Number(status) => status.as_f64().is_some_and(|s| (200.0..300.0).contains(&s)),
        Value::String(text) => text.eq_ignore_ascii_case("success"),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}
