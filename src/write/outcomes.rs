//! Turns a reply into the outcomes of its items. Pure.

use serde_json::{Map, Value};

use crate::authoring::{Pointer, scalar};
use crate::body::Chunk;
use crate::definition::{Operation, PartMeans, PartRule, ResultShape, Success};
use crate::digits::{is_long, is_number};
use crate::error::{Error, ErrorKind, Result};
use crate::item::{Item, Items};
use crate::page::count;
use crate::receipt::{Outcome, OutcomeStatus};
use crate::secret::Redactor;
use crate::send::Sent;

/// The outcomes of one request, one per item of its chunk.
pub(super) fn outcomes(
    operation: &Operation,
    items: &Items,
    chunk: Chunk,
    sent: Result<Sent>,
    redactor: &Redactor,
) -> Vec<Outcome> {
    let indexes = chunk.first..chunk.first + chunk.count;
    match sent {
        Err(error) => failed(chunk, error),
        Ok(sent) => {
            // Parts without a success flag add nothing to the status.
            let telling = |rule: &&PartRule| sent.status != 207 || rule.ok.is_some() || rule.errors.is_some();
            if let Some(rule) = operation.response.parts.as_ref().filter(telling) {
                return by_parts(operation, rule, items, chunk, &sent, redactor);
            }
            if let Some(unproven_success) = unproven_success(operation, chunk, &sent) {
                return failed(chunk, unproven_success);
            }
            let one_each = sent.page.items.len() == chunk.count;
            indexes
                .map(|index| {
                    let items = match (one_each, index == chunk.first) {
                        (true, _) if chunk.count > 1 => pick(&sent.page.items, index - chunk.first),
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

/// The error for a reply whose success status is not enough: it contains results that are not declared, or fewer
/// records than were sent.
fn unproven_success(operation: &Operation, chunk: Chunk, sent: &Sent) -> Option<Error> {
    let found = sent.page.items.len();
    let message = match () {
        () if sent.status == 207 => {
            "the reply (207) has a result for each item, but the definition does not say where".to_owned()
        }
        () if operation.response.result != ResultShape::None && sent.page.is_list && found < chunk.count => {
            format!("{} items were sent, but {found} records were returned", chunk.count)
        }
        () => return None,
    };
    let message = format!("it is not known whether the write took effect: {message}");
    let advice =
        "check the records before sending again; set `response: { parts: … }` to where a reply reports on each item";
    Some(item_error(operation, sent, ErrorKind::UnknownOutcome, message).advise(advice))
}

/// The error for an item whose result in the reply is bad.
fn item_error(operation: &Operation, sent: &Sent, kind: ErrorKind, message: String) -> Error {
    Error::new(kind, message).with(|d| {
        d.operation = Some(operation.id.clone());
        d.http_status = Some(sent.status);
        d.attempts = sent.attempts;
    })
}

/// The reason in a reply, masked and cleaned for display.
fn reason(said: Option<String>, redactor: &Redactor) -> String {
    crate::fault::clean(&redactor.mask(&said.unwrap_or_else(|| "without a reason".into())))
}

/// The same failure for every item of a chunk; the first has the whole error, the others a short form.
fn failed(chunk: Chunk, error: Error) -> Vec<Outcome> {
    let status = match error.kind() {
        ErrorKind::UnknownOutcome => OutcomeStatus::Unknown,
        ErrorKind::Cancelled | ErrorKind::State | ErrorKind::Timeout | ErrorKind::RateLimited
            if error.attempts == 0 =>
        {
            OutcomeStatus::Skipped
        }
        _ => OutcomeStatus::Failed,
    };
    let (http_status, attempts) = (error.http_status, error.attempts);
    let short = |e: &Error| Error::new(e.kind(), e.message.clone()).with(|d| d.http_status = http_status);
    let rest: Vec<Error> = (1..chunk.count).map(|_| short(&error)).collect();
    std::iter::once(error)
        .chain(rest)
        .enumerate()
        .map(|(i, error)| Outcome {
            index: (chunk.first + i) as u64,
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

/// A reply with a result for each part, matched by index or item if the part names one, else by position. Items without
/// a result are unknown.
fn by_parts(
    operation: &Operation,
    rule: &PartRule,
    items: &Items,
    chunk: Chunk,
    sent: &Sent,
    redactor: &Redactor,
) -> Vec<Outcome> {
    let parts: Vec<Value> = sent.page.items.iter().map(flags).collect();
    let failures: Vec<Value> = sent.page.failures.iter().map(flags).collect();
    let (mut taken, mut missed) = (vec![false; parts.len()], vec![false; failures.len()]);
    let asked_of =
        |position: usize| AskedKeys { item: items.get(chunk.first + position), position, count: chunk.count };
    let order = order(rule, &failures, chunk.count, asked_of);
    let mut outcomes: Vec<Outcome> = (0..chunk.count)
        .map(|position| {
            let index = chunk.first + position;
            let item_error = |kind, message| item_error(operation, sent, kind, message);
            let outcome = |status, items, error| Outcome {
                index: index as u64,
                status,
                http_status: Some(sent.status),
                items,
                location: None,
                error,
                attempts: sent.attempts,
            };
            let refused = |said: Option<String>| {
                let said = reason(said, redactor);
                let error = item_error(ErrorKind::Rejected, format!("refused: {said}"))
                    .with(|d| d.provider.message = Some(said));
                outcome(OutcomeStatus::Failed, Items::default(), Some(error))
            };
            let asked = asked_of(position);
            if let Some((rule, at)) =
                rule.errors.as_ref().and_then(|e| Some((e, part_of(&e.means, &failures, &missed, asked)?)))
            {
                mark(&mut missed, at);
                return refused(error_text(rule.error.as_ref(), failures.get(at)));
            }
            let found = match order.as_ref().filter(|_| parts.len() != chunk.count) {
                Some(order) => order.iter().position(|own| *own == position).filter(|_| parts.len() == order.len()),
                None => part_of(&rule.means, &parts, &taken, asked),
            };
            let Some((found, part)) = found.and_then(|at| parts.get(at).map(|part| (at, part))) else {
                let message =
                    format!("the reply reports on {} items, but not on this one", parts.len() + failures.len());
                let error =
                    item_error(ErrorKind::UnknownOutcome, message).advise("check the record before sending it again");
                return outcome(OutcomeStatus::Unknown, Items::default(), Some(error));
            };
            mark(&mut taken, found);
            match succeeds(rule, part) {
                Some(false) => return refused(error_text(rule.error.as_ref(), Some(part))),
                None => {
                    let message = "the reply's part for this item does not say whether it took effect".to_owned();
                    let error = item_error(ErrorKind::UnknownOutcome, message)
                        .advise("check the record before sending it again");
                    return outcome(OutcomeStatus::Unknown, Items::default(), Some(error));
                }
                Some(true) => {}
            }
            outcome(OutcomeStatus::Ok, record_of(rule, &sent.page.items, found), None)
        })
        .collect();
    doubt_contradictions(operation, rule, sent, redactor, Reported { parts, taken, failures, missed }, &mut outcomes);
    outcomes
}

/// Whether a part reports success: by its flag, and without one by its error; a null part means nothing.
fn succeeds(rule: &PartRule, part: &Value) -> Option<bool> {
    let by_error = || match error_text(rule.error.as_ref(), Some(part)) {
        Some(said) if !matches!(said.as_str(), "" | "null" | "false" | "[]" | "{}") => Some(false),
        _ => (!part.is_null()).then_some(true),
    };
    let by_flag = |ok: &Success| match ok.at.find(part) {
        // The absence of a flag says less than an error.
        None | Some(Value::Null) if by_error() == Some(false) => Some(false),
        _ => verdict(ok, part),
    };
    rule.ok.as_ref().map_or_else(by_error, by_flag)
}

/// The record of a part.
fn record_of(rule: &PartRule, parts: &Items, at: usize) -> Items {
    let Some(pointer) = rule.data.as_ref() else { return pick(parts, at) };
    let raw = parts.get(at).and_then(|item| item.raw(pointer.tokens())).filter(|raw| *raw != "null");
    raw.map(|raw| Items::one(raw.to_owned())).unwrap_or_default()
}

/// The positions of the items to which parts without index or key belong, if failures stand in a list of their own: those
/// of the items without one.
fn order<'a>(
    rule: &PartRule,
    failures: &[Value],
    count: usize,
    asked: impl Fn(usize) -> AskedKeys<'a>,
) -> Option<Vec<usize>> {
    let errors = rule.errors.as_ref().filter(|_| matches!(rule.means, PartMeans::Place))?;
    let mut missed = vec![false; failures.len()];
    let mut order = Vec::new();
    for position in 0..count {
        match part_of(&errors.means, failures, &missed, asked(position)) {
            Some(at) => mark(&mut missed, at),
            None => order.push(position),
        }
    }
    Some(order)
}

/// The parts of a reply, and which of them were matched to an item.
struct Reported {
    parts: Vec<Value>,
    taken: Vec<bool>,
    failures: Vec<Value>,
    missed: Vec<bool>,
}

/// Marks items as unknown if parts contradict each other or match no item.
fn doubt_contradictions(
    operation: &Operation,
    rule: &PartRule,
    sent: &Sent,
    redactor: &Redactor,
    reported: Reported,
    outcomes: &mut [Outcome],
) {
    let Reported { parts, taken, failures, missed } = reported;
    let left_over = |said: bool| {
        let says_so = move |part: &Value| rule.ok.as_ref().and_then(|ok| verdict(ok, part)) == Some(said);
        parts.iter().zip(&taken).filter(move |(part, taken)| !**taken && says_so(part)).map(|(part, _)| part)
    };
    if let PartMeans::Index(pointer) = &rule.means {
        for part in left_over(true) {
            let position = pointer.find(part).and_then(count).and_then(|n| usize::try_from(n).ok());
            if let Some(outcome) =
                position.and_then(|n| outcomes.get_mut(n)).filter(|o| o.status == OutcomeStatus::Failed)
            {
                outcome.status = OutcomeStatus::Unknown;
                outcome.error = outcome.error.take().map(|e| {
                    e.with(|d| {
                        d.kind = ErrorKind::UnknownOutcome;
                        d.message = format!("the reply says both that it succeeded and that it was {}", d.message);
                        d.advice = Some("check the record before sending it again".into());
                    })
                });
            }
        }
    }
    let stray = failures.iter().zip(&missed).find(|(_, missed)| !**missed).map(|(failure, _)| failure);
    let said = match (left_over(false).next(), stray, &rule.errors) {
        (Some(part), _, _) => error_text(rule.error.as_ref(), Some(part)),
        (None, Some(failure), Some(errors)) => error_text(errors.error.as_ref(), Some(failure)),
        (None, _, _) => return,
    };
    let message = format!("the reply reports a failure without naming the item: {}", reason(said, redactor));
    let unproven_success = || {
        item_error(operation, sent, ErrorKind::UnknownOutcome, message.clone())
            .advise("check the records before sending again")
    };
    for outcome in outcomes.iter_mut().filter(|o| o.status == OutcomeStatus::Ok) {
        (outcome.status, outcome.items, outcome.error) =
            (OutcomeStatus::Unknown, Items::default(), Some(unproven_success()));
    }
}

/// The item that a part is searched for.
#[derive(Clone, Copy)]
struct AskedKeys<'a> {
    item: Option<Item<'a>>,
    position: usize,
    count: usize,
}

/// The index of the part for an item. Two equal items get the first and the second part.
fn part_of(means: &PartMeans, parts: &[Value], taken: &[bool], asked: AskedKeys<'_>) -> Option<usize> {
    match means {
        PartMeans::Place => (parts.len() == asked.count).then_some(asked.position),
        PartMeans::Index(pointer) => {
            parts.iter().position(|p| pointer.find(p).and_then(count) == Some(asked.position as u64))
        }
        PartMeans::Key { part: own, item: pointer } => {
            let item = asked.item?;
            let raw = if item.as_str().starts_with(['{', '[']) { item.raw(pointer.tokens())? } else { item.as_str() };
            let named = flag(raw).as_ref().and_then(scalar)?;
            let is_named = |value: &Value| scalar(value).as_deref() == Some(named.as_str());
            let means = |(part, taken): (&Value, &bool)| match own.find(part) {
                // One part may contain several keys.
                Some(Value::Array(keys)) => keys.iter().any(is_named),
                key => !taken && key.is_some_and(is_named),
            };
            parts.iter().zip(taken).position(means)
        }
    }
}

fn mark(taken: &mut [bool], at: usize) {
    if let Some(taken) = taken.get_mut(at) {
        *taken = true;
    }
}

/// The error text of a part.
fn error_text(pointer: Option<&Pointer>, part: Option<&Value>) -> Option<String> {
    pointer?.find(part?).map(|value| scalar(value).unwrap_or_else(|| value.to_string()))
}

/// Whether a part reports success; `None` if it does not say.
fn verdict(ok: &Success, part: &Value) -> Option<bool> {
    let value = ok.at.find(part);
    match (value, &ok.is) {
        (Some(Value::Null), None) => ok.absent,
        (Some(value), None) => succeeded(value),
        (_, _) => ok.judge(value),
    }
}

/// The fields of a part that are parsed. Its record stays raw, because it may contain numbers that do not fit a value.
fn flags(part: Item<'_>) -> Value {
    let Some(fields) = part.fields() else { return crate::json_text::value_of(part.as_str()).unwrap_or_default() };
    fields.into_iter().filter_map(|(name, raw)| Some((name, flag(raw.get())?))).collect::<Map<_, _>>().into()
}

/// A parsed value. A number with too many digits becomes text, so that different keys stay different.
fn flag(raw: &str) -> Option<Value> {
    if is_number(raw) && is_long(raw) { Some(Value::from(raw)) } else { serde_json::from_str(raw).ok() }
}

/// The meaning of a flag: true, a word for success or a 2xx status; false, a word for failure or a 4xx status except
/// 408; `None` if unclear.
fn succeeded(flag: &Value) -> Option<bool> {
    let status = |status: f64| match status {
        s if (200.0..300.0).contains(&s) || s == 1.0 => Some(true),
        s if s == 0.0 || ((400.0..500.0).contains(&s) && s != 408.0) => Some(false),
        _ => None,
    };
    match flag {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_f64().and_then(status),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "ok" | "success" => Some(true),
            "false" | "no" | "n" | "error" | "failed" | "failure" => Some(false),
            other => other.parse().ok().and_then(status),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
