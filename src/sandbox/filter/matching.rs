//! Evaluates a filter on a record. Pure.

use std::cmp::Ordering;

use super::conditions::{Comparison, Literal, RecordFilter, Test};
use crate::sandbox::records::{Scalar, Tree, fits, instant, numbers};

impl RecordFilter {
    /// Whether a record matches this filter. `fold` ignores case.
    pub(in crate::sandbox) fn matches(&self, record: &Tree, fold: bool) -> bool {
        match self {
            RecordFilter::All(parts) => parts.iter().all(|p| p.matches(record, fold)),
            RecordFilter::Any(parts) => parts.iter().any(|p| p.matches(record, fold)),
            RecordFilter::Not(part) => !part.matches(record, fold),
            RecordFilter::Test(test) => test.matches(record, fold),
        }
    }
}

impl Test {
    /// A field in a list matches if one of its values does; an absent field is null.
    fn matches(&self, record: &Tree, fold: bool) -> bool {
        let mut values = Vec::new();
        collect(record, &self.path, &mut values);
        if values.is_empty() {
            values.push(Scalar::Null);
        }
        values.iter().any(|value| self.holds(value, fold))
    }

    fn holds(&self, value: &Scalar, fold: bool) -> bool {
        let any = |meets: &dyn Fn(&Literal) -> bool| self.values.iter().any(meets);
        let is = |meets: fn(Ordering) -> bool| any(&|literal| compare(value, literal, fold).is_some_and(meets));
        match self.op {
            Comparison::Equal | Comparison::In => is(Ordering::is_eq),
            Comparison::NotEqual => !is(Ordering::is_eq),
            Comparison::Less => is(Ordering::is_lt),
            Comparison::AtMost => is(Ordering::is_le),
            Comparison::Greater => is(Ordering::is_gt),
            Comparison::AtLeast => is(Ordering::is_ge),
            Comparison::Contains => any(&|literal| on_texts(value, literal, fold, |text, part| text.contains(part))),
            Comparison::Like => any(&|literal| on_texts(value, literal, fold, |text, pattern| fits(pattern, text))),
        }
    }
}

/// The scalars at a path, also in lists. Lists and objects at its end are not compared, and are not null.
fn collect(tree: &Tree, path: &[String], out: &mut Vec<Scalar>) {
    if let Tree::List(list) = tree {
        list.iter().for_each(|element| collect(element, path, out));
        return;
    }
    match path.split_first() {
        None => out.push(Scalar::of(tree).unwrap_or_else(|| Scalar::Text(tree.to_json()))),
        Some((name, rest)) => {
            if let Some(child) = tree.get(name) {
                collect(child, rest, out);
            }
        }
    }
}

/// `None` when the two cannot be compared.
fn compare(value: &Scalar, literal: &Literal, fold: bool) -> Option<Ordering> {
    match (value, literal) {
        (Scalar::Null, Literal::Null) => Some(Ordering::Equal),
        (Scalar::Flag(a), Literal::Flag(b)) => Some(a.cmp(b)),
        (Scalar::Number(a), Literal::Number(b)) => Some(numbers(a, b)),
        (Scalar::Text(a), Literal::Number(b)) => a.trim().parse::<f64>().is_ok().then(|| numbers(a.trim(), b)),
        (Scalar::Number(a), Literal::Text(b)) => b.trim().parse::<f64>().is_ok().then(|| numbers(a, b.trim())),
        (Scalar::Text(a), Literal::Text(b)) if fold => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        (Scalar::Text(a), Literal::Text(b)) => Some(a.cmp(b)),
        (Scalar::Text(a), Literal::Time(b)) => instant(a).map(|a| a.cmp(b)),
        (Scalar::Null | Scalar::Flag(_) | Scalar::Number(_) | Scalar::Text(_), _) => None,
    }
}

fn on_texts(value: &Scalar, literal: &Literal, fold: bool, meets: impl Fn(&str, &str) -> bool) -> bool {
    let text = match value {
        Scalar::Text(text) | Scalar::Number(text) => text,
        Scalar::Null | Scalar::Flag(_) => return false,
    };
    let part = match literal {
        Literal::Text(part) | Literal::Number(part) => part,
        Literal::Null | Literal::Flag(_) | Literal::Time(_) => return false,
    };
    if fold { meets(&text.to_lowercase(), &part.to_lowercase()) } else { meets(text, part) }
}

#[cfg(test)]
mod tests {
    use super::{RecordFilter, Tree};
    use crate::sandbox::records::fields::tests::ticket;

    fn records() -> Vec<Tree> {
        [
            r#"{"id":1,"summary":"Printer down","closed":false,"note":null,"company":{"id":7,"identifier":"Acme"},"_info":{"lastUpdated":"2025-01-01T08:00:00Z"},"extra":1.5,"contacts":[{"value":"a@example.com"},{"value":"b@example.org"}]}"#,
            r#"{"id":2,"summary":"[urgent] \"down\"","closed":true,"note":"x","company":{"id":8,"identifier":"acme"},"_info":{"lastUpdated":"2025-02-01T08:00:00+02:00"},"contacts":[]}"#,
            r#"{"id":10,"summary":"printer up","closed":false,"company":null,"_info":{"lastUpdated":"garbage"},"extra":"20"}"#,
        ]
        .iter()
        .map(|t| Tree::parse(t).unwrap())
        .collect()
    }

    fn ids(filter: &str, fold: bool) -> Vec<String> {
        let filter = RecordFilter::parse(filter, &ticket(), true).unwrap_or_else(|e| panic!("{filter}: {e}"));
        records().iter().filter(|r| filter.matches(r, fold)).map(|r| r.get("id").unwrap().to_json()).collect()
    }

    #[test]
    fn filters() {
        for (filter, expected) in [
            ("", "1 2 10"),
            ("id=1", "1"),
            ("id != 1", "2 10"),
            ("id<10", "1 2"),
            ("id <= 2 ", "1 2"),
            ("id>2", "10"),
            ("id>=2", "2 10"),
            ("id in (1, 10)", "1 10"),
            ("id not in (1, 10)", "2"),
            ("NOT id IN (1)", "2 10"),
            ("id = -1", ""),
            ("id = \"1\"", "1"),
            ("extra = 1.50", "1"),
            ("extra > 2", "10"),
            ("closed = True", "2"),
            ("closed=false and id > 1", "10"),
            ("note = null", "1 10"),
            ("note != null", "2"),
            ("note < \"z\"", "2"),
            ("company/identifier = \"acme\"", "2"),
            ("company/id=7 or company/id=8", "1 2"),
            ("company = null", "10"),
            ("company != null", "1 2"),
            ("summary contains \"down\"", "1 2"),
            ("summary like \"Printer*\"", "1"),
            ("summary like \"*er*\"", "1 10"),
            ("summary not like \"*down*\"", "10"),
            ("summary like \"[[]urgent]*\"", "2"),
            (r#"summary contains "\"down\"""#, "2"),
            ("id=1 or id=2 and closed=false", "1"),
            ("(id=1 or id=2) and closed=false", "1"),
            ("id=10 or id=1 and closed=true", "10"),
            ("not (id=1 or id=2)", "10"),
            ("not id=1 and not id=2", "10"),
            ("not not id=1", "1"),
            ("_info/lastUpdated > [2025-01-15T00:00:00Z]", "2"),
            ("_info/lastUpdated = [2025-02-01T06:00:00Z]", "2"),
            ("_info/lastUpdated >= [2025-01-01]", "1 2"),
            ("contacts/value like \"*@example.org\"", "1"),
            ("contacts/value = null", "2 10"),
        ] {
            assert_eq!(ids(filter, false).join(" "), expected, "{filter}");
        }
    }

    #[test]
    fn case_counts_unless_the_system_ignores_it() {
        assert_eq!(ids("company/identifier = \"ACME\"", true), ["1", "2"]);
        assert_eq!(ids("summary like \"PRINTER*\"", true), ["1", "10"]);
        assert!(ids("company/identifier = \"ACME\"", false).is_empty());
    }
}
