//! A rule for what a reply means, by its status, headers and body. Pure.

use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::Value;

use super::method::Method;
use crate::authoring::{Pointer, Source, same, scalar};

/// The meaning of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Ok,
    Empty,
    /// Refused before processing.
    Retry,
    RateLimited,
    Unauthenticated,
    NotFound,
    Failed,
    Unknown,
}

/// One rule: all its conditions must hold.
#[derive(Clone, Debug)]
pub(crate) struct ReplyRule {
    /// Ranges of statuses; none for any.
    pub(crate) statuses: Vec<(u16, u16)>,
    pub(crate) header: Option<HeaderName>,
    /// Values of the body; none for any.
    pub(crate) at: Vec<Pointer>,
    /// Values of the body that only must be there.
    pub(crate) has: Vec<Pointer>,
    pub(crate) is: Option<Vec<Value>>,
    /// In lower case.
    pub(crate) contains: Option<String>,
    pub(crate) method: Option<Method>,
    pub(crate) then: Meaning,
    pub(crate) wait: Option<Source>,
    pub(crate) advice: Option<String>,
}

impl ReplyRule {
    /// Whether the conditions hold that need no body.
    pub(crate) fn fits_head(&self, method: Method, status: StatusCode, headers: &HeaderMap) -> bool {
        let code = status.as_u16();
        let is_of_status =
            self.statuses.is_empty() || self.statuses.iter().any(|(from, to)| (*from..=*to).contains(&code));
        let is_of_header = || match &self.header {
            None => true,
            Some(name) => headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).any(|text| {
                // With a pointer too, the values are those of the body.
                !self.at.is_empty() || self.is_fitting(&Value::from(text.trim()))
            }),
        };
        is_of_status && self.method.is_none_or(|own| own == method) && is_of_header()
    }

    /// Whether its other conditions are on the body.
    pub(crate) fn reads_body(&self) -> bool {
        !self.at.is_empty() || !self.has.is_empty()
    }

    /// The places in the body that it reads.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Pointer> {
        self.at.iter().chain(&self.has)
    }

    /// Whether those hold.
    pub(crate) fn fits_body<'v>(&self, value: impl Fn(&Pointer) -> Option<&'v Value>) -> bool {
        self.has.iter().all(|pointer| value(pointer).is_some())
            && self.at.iter().all(|pointer| value(pointer).is_some_and(|value| self.is_fitting(value)))
    }

    fn is_fitting(&self, value: &Value) -> bool {
        let listed = self.is.as_ref().is_none_or(|good| good.iter().any(|g| same(g, value)));
        let contained = self
            .contains
            .as_ref()
            .is_none_or(|part| scalar(value).is_some_and(|text| text.to_lowercase().contains(part.as_str())));
        listed && contained && (self.is.is_some() || says_something(value))
    }
}

/// Whether a value is there and neither null, false nor empty.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(_) => true,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use serde_json::{Value, json};

    use super::{Meaning, Method, Pointer, ReplyRule};

    fn rule() -> ReplyRule {
        ReplyRule {
            statuses: Vec::new(),
            header: None,
            at: Vec::new(),
            has: Vec::new(),
            is: None,
            contains: None,
            method: None,
            then: Meaning::Failed,
            wait: None,
            advice: None,
        }
    }

    #[test]
    fn all_conditions_must_hold() {
        let name = HeaderName::from_static("x-left");
        let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static("0"))]);
        let fits =
            |rule: &ReplyRule, code| rule.fits_head(Method::Query, StatusCode::from_u16(code).unwrap(), &headers);
        let by_header = ReplyRule {
            header: Some(name),
            is: Some(vec![json!(0)]),
            statuses: vec![(403, 403), (500, 599)],
            ..rule()
        };
        assert!(fits(&by_header, 403) && fits(&by_header, 503) && !fits(&by_header, 404));
        assert!(!fits(&ReplyRule { is: Some(vec![json!(1)]), ..by_header.clone() }, 403));
        assert!(!fits(&ReplyRule { method: Some(Method::Delete), ..by_header }, 403));
    }

    #[test]
    fn a_value_that_says_nothing_is_absent() {
        let at = ReplyRule { at: vec![Pointer::key("errors")], ..rule() };
        let fits = |rule: &ReplyRule, body: &Value| rule.fits_body(|p| p.find(body));
        for empty in [json!(null), json!(false), json!(""), json!([]), json!({})] {
            assert!(!fits(&at, &json!({"errors": empty})), "{empty}");
        }
        assert!(!fits(&at, &json!({})));
        assert!(fits(&at, &json!({"errors": [1]})) && fits(&at, &json!({"errors": 0})));
        let said = ReplyRule { contains: Some("too many".into()), ..at.clone() };
        assert!(fits(&said, &json!({"errors": "Too Many calls"})) && !fits(&said, &json!({"errors": "other"})));
        let null = ReplyRule { is: Some(vec![Value::Null]), ..at };
        assert!(fits(&null, &json!({"errors": null})) && !fits(&null, &json!({"errors": 1})));
    }
}
