//! Results of expressions, case by case from `cases/`, the examples of the documentation, and limits.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::json::within;
use super::lexer::{Token, closing, size, tokens};
use super::library::call::Tool;
use super::library::{FILTERS, FUNCTIONS, TESTS};
use super::lookup::LookupKey;
use super::quoted::QuotedValue;
use super::work::BYTES_MAX;
use super::{Expr, RowIter, RowSource, Scope, Shape, StepView};
use crate::error::Result;

/// Lines of cases; `cases/README.txt` describes them.
const CASES: &[&str] = &[
    include_str!("cases/absent.txt"),
    include_str!("cases/faults.txt"),
    include_str!("cases/lists.txt"),
    include_str!("cases/maps.txt"),
    include_str!("cases/numbers.txt"),
    include_str!("cases/operators.txt"),
    include_str!("cases/paths.txt"),
    include_str!("cases/sent.txt"),
    include_str!("cases/text.txt"),
    include_str!("cases/times.txt"),
    include_str!("cases/types.txt"),
];

const HEAVY: &str = include_str!("cases/heavy.txt");

fn parsed(source: &str) -> Expr {
    Expr::parse(source).unwrap_or_else(|wrong| panic!("{source}: {wrong:?}"))
}

fn evaluate(source: &str, scope: &Scope) -> Result<String, String> {
    parsed(source).json(scope).map_err(|e| e.message.clone())
}

fn with_item(item: &str) -> Scope {
    Scope::default().with_item(item, 7)
}

/// An error with its advice.
fn told(error: &crate::Error) -> String {
    let advice = error.advice.as_ref().map(|advice| format!("; advice: {advice}"));
    format!("{}{}", error.message, advice.unwrap_or_default())
}

/// What a case gives, and whether its expected result is only a part of it.
fn found(kind: &str, source: &str, scope: &Scope) -> Result<(String, bool), String> {
    let whole = |text: Result<String, crate::Error>| text.map(|text| (text, false)).map_err(|e| told(&e));
    let part = |result: Result<String, crate::Error>| match result {
        Ok(value) => Err(format!("no error: {value}")),
        Err(e) => Ok((told(&e), true)),
    };
    let paths = |paths: &[Vec<String>]| Ok((paths.iter().map(|p| p.join(".")).collect::<Vec<_>>().join(" "), false));
    match kind {
        "value" => whole(parsed(source).json(scope)),
        "sent" => whole(parsed(source).needed(scope)),
        "text" => whole(Shape::text(source).unwrap().plain(scope)),
        "wrong" => part(parsed(source).json(scope)),
        "null" => part(parsed(source).needed(scope)),
        "fault" => match Expr::parse(source) {
            Ok(_) => Err("no fault".to_owned()),
            Err((message, advice)) => Ok((format!("{message}; advice: {}", advice.unwrap_or_default()), true)),
        },
        "paths" => paths(parsed(source).paths()),
        "rows" => Ok((parsed(source).handed_on().unwrap_or_default().join(" "), false)),
        _ => panic!("{kind} {source}"),
    }
}

#[test]
fn expressions_have_the_results_of_their_cases() {
    let mut faults = Vec::new();
    let mut count = 0;
    for file in CASES {
        let mut item = "";
        for line in file.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (kind, rest) = line.split_once(' ').unwrap();
            if kind == "item" {
                item = rest;
                continue;
            }
            count += 1;
            let (source, expected) = rest.split_once(" => ").unwrap_or((rest, "null"));
            match found(kind, source, &with_item(item)) {
                Ok((found, true)) if expected.split(" … ").all(|part| found.contains(part)) => {}
                Ok((found, false)) if found == expected => {}
                Ok((other, _)) | Err(other) => faults.push(format!("{line}\n    {other}")),
            }
        }
    }
    assert!(faults.is_empty() && count >= 300, "{count} cases\n{}", faults.join("\n"));
}

/// `name(a, b?)`, as the documentation writes it.
fn signature(tool: &Tool) -> String {
    let params = tool.params.iter().map(|name| if name.starts_with('*') { "…" } else { name });
    let mut params: Vec<&str> = params.collect();
    params.dedup();
    if params.is_empty() { tool.name.to_owned() } else { format!("{}({})", tool.name, params.join(", ")) }
}

#[test]
fn the_examples_of_the_documentation_are_right() {
    let page = include_str!("../../docs/expressions.md");
    let blocks = || page.split("```").skip(1).step_by(2);
    let item = blocks().find_map(|block| block.strip_prefix("json\n")).unwrap();
    let rows = StepView {
        rows: Arc::new(Listed(vec![
            "{\"id\":1,\"name\":\"North\",\"price\":1.10}".into(),
            "{\"id\":2,\"name\":\"South\",\"price\":2.20}".into(),
        ])),
        ..StepView::default()
    };
    let scope = Scope { steps: Arc::new([("rows".to_owned(), rows)].into()), ..with_item(&item.replace('\n', " ")) };
    let mut documented = BTreeSet::new();
    let mut faults = Vec::new();
    for line in blocks().filter(|block| !block.starts_with("json")).flat_map(str::lines) {
        let Some((columns, expected)) = line.split_once(" => ") else { continue };
        let columns = columns.trim_end();
        let source = columns.rsplit("  ").next().unwrap();
        if source.len() < columns.len() {
            documented.insert(columns.split("  ").next().unwrap());
        }
        let result = Expr::parse(source.trim()).map_err(|wrong| wrong.0);
        let result = result.and_then(|expr| expr.json(&scope).map_err(|e| told(&e)));
        let is_right = match (&result, expected.strip_prefix("error: ")) {
            (Ok(found), None) => found == expected,
            (Err(found), Some(part)) => found.contains(part),
            _ => false,
        };
        if !is_right {
            faults.push(format!("{line}\n    {result:?}"));
        }
    }
    let names = [FILTERS, FUNCTIONS, TESTS].into_iter().flatten().filter(|tool| tool.name.is_ascii());
    for tool in names.filter(|tool| tool.name.starts_with(|c: char| c.is_alphabetic())) {
        if !documented.contains(signature(tool).as_str()) {
            faults.push(format!("not documented with an example: {}", signature(tool)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn tokens_of_an_expression() {
    let all = tokens("1e-5*4.5E+2 **a?.b[10].c0 //0x1f!='a \\' b'~é?[-2");
    let texts: Vec<&str> = all.map(|token| token.text).collect();
    assert_eq!(texts.join(" "), "1e-5 * 4.5E+2 ** a ?. b [ 10 ] . c0 // 0x1f != 'a \\' b' ~ é ?[ - 2");
    for (text, end) in [(" a }} b", 3), (" '}}' }}", 6), (" {'a': {'b': 1}} }}", 17), (" \"\\\"}}\" }}", 8)] {
        assert_eq!(closing(text), Some(end), "{text}");
    }
    assert_eq!(closing(" a } "), None);
    let size = |source| size(&tokens(source).collect::<Vec<Token<'_>>>());
    assert_eq!((size("{'a': b[1:]}.a"), size("b[::2][0], 1")), ((7, 2), (5, 1)));
    assert!(Expr::parse(&format!("item{}", "[a".repeat(180))).unwrap_err().0.contains("expression_depth"));
    assert!(Expr::parse(&format!("1{}", " ~ 1".repeat(401))).unwrap_err().0.contains("expression_parts"));
    assert!(Expr::parse(&format!("item{}1{}", "[".repeat(30), "]".repeat(30))).is_ok());
}

#[test]
fn a_field_is_found_in_the_text() {
    let object = r#" {"a": 1, "b\u0020c": {"a": [2]}, "a": "x"}"#;
    for (text, step, found) in [
        (object, "a", Some("\"x\"")),
        (object, "b c", Some("{\"a\": [2]}")),
        (object, "d", None),
        ("[1]", "a", None),
        ("[1]", "0", Some("1")),
    ] {
        assert_eq!(within(text, step), found, "{text} {step}");
    }
}

#[test]
fn null_in_text_is_an_error() {
    let text = |t: &str| Shape::text(t).unwrap().json(&with_item("{\"id\": 7}"));
    assert_eq!(text("id=${{ item.id }} and").unwrap(), "\"id=7 and\"");
    assert!(text("id=${{ item.company.id }}").unwrap_err().message.contains("item.company.id is absent"));
    assert!(Shape::text("a ${{ b").is_err());
}

#[test]
fn shapes_and_expressions_survive_serialization() {
    for json in [
        r#"{"a":"${{ item.id ? }}","b":["x ${{ 'é' ~ item.n }} \" ${{ {'k': {'i': 1}} }}",1.10,{"c":null}],"${{":"${{ 1 }}"}"#,
        r#""${{ item['a b'] }}""#,
        "\"\"",
        r#"{"big": 12345678901234567890123, "text": "$\u007b{ no expression"}"#,
    ] {
        let shape: Shape = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&shape).unwrap(), json);
        assert_eq!(format!("{shape:?}"), json);
    }
    let fixed = Shape::Map(vec![("a".to_owned(), Shape::Fixed("\"${{ b\"".to_owned()))]);
    let again: Shape = serde_json::from_str(&serde_json::to_string(&fixed).unwrap()).unwrap();
    assert_eq!(again, fixed);
    assert_eq!(again.json(&Scope::default()).unwrap(), r#"{"a":"$\u007b{ b"}"#);
    let hash = |value: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        value(&mut hasher);
        hasher.finish()
    };
    assert_eq!(hash(&|h| again.hash(h)), hash(&|h| fixed.hash(h)));
    let expr: Expr = serde_json::from_str("\"item.a | upper ?\"").unwrap();
    assert_eq!((expr.clone(), serde_json::to_string(&expr).unwrap()), (expr, "\"item.a | upper ?\"".to_owned()));
    assert_ne!(parsed("item.a"), parsed("item.b"));
    assert!(serde_json::from_str::<Expr>("\"item.a | uper\"").unwrap_err().to_string().contains("`upper`"));
    assert!(serde_json::from_str::<Shape>(r#"{"a":["${{ b"]}"#).unwrap_err().to_string().contains("/a/0: "));
}

#[test]
fn expression_byte_limit() {
    let text = |length: usize| with_item(&format!("{{\"a\":\"{}\"}}", "x".repeat(length)));
    // The quotes are read too.
    let longest = BYTES_MAX - 2;
    assert_eq!(evaluate("item.a | length", &text(longest)), Ok(longest.to_string()));
    let read = evaluate("item.a | length", &text(longest + 1)).unwrap_err();
    let limit = "more bytes than the limit expression_bytes (64 MiB)";
    assert_eq!(read, format!("${{{{ item.a | length }}}}: it reads {limit}"));
    let made = evaluate("item.a ~ 'xxx'", &text(longest)).unwrap_err();
    assert_eq!(made, format!("${{{{ item.a ~ 'xxx' }}}}: it produces {limit}"));
    // A plain path passes on the original bytes.
    assert_eq!(evaluate("item.a", &text(BYTES_MAX)).map(|json| json.len()), Ok(BYTES_MAX + 2));
}

#[test]
fn expression_digits_limit() {
    let longest = format!("1{}", "0".repeat(999));
    for source in ["10 ** 999", "1e999 + 0", "1e900 * 1e99"] {
        assert_eq!(evaluate(source, &Scope::default()).as_deref(), Ok(&*longest), "{source}");
    }
    for source in ["10 ** 1000", "1e1000 + 0", "1e900 * 1e100", "1e-1000 * 0.1"] {
        let error = evaluate(source, &Scope::default()).expect_err(source);
        assert!(error.contains("more digits than the limit number_digits (1000 digits of a calculation)"), "{error}");
    }
}

#[test]
fn expression_work_limit() {
    let list = |length: usize| with_item(&format!("{{\"a\":[{}1]}}", "1,".repeat(length - 1)));
    let source = "item.a | select | list | length";
    assert_eq!(evaluate(source, &list(2_000_000)), Ok("2000000".to_owned()));
    let error = evaluate(source, &list(3_500_000)).unwrap_err();
    assert!(error.ends_with("it takes more work than the limit expression_work (5000000 steps)"), "{error}");
}

#[test]
fn expensive_expressions_end_soon_with_an_error() {
    let megabytes = "<\\u0001".repeat(1 << 17);
    let (numbers, lists) = ("1e300,".repeat(50_000), "[],".repeat(50_000));
    let scope = with_item(&format!(
        "{{\"a\": \"{}\", \"b\": \"{megabytes}\", \"s\": \"{}\", \"n\": [{numbers}1], \"l\": [{lists}[]], \"c\": \"{}\", \"deep\": {}{}}}",
        "a".repeat(1 << 19),
        "s,".repeat(1 << 18),
        "%s".repeat(10_000),
        "{\"a\":[".repeat(2000),
        "]}".repeat(2000),
    ));
    let chain = format!("heavy item.a{} => expression_", " ~ item.a".repeat(60));
    let nested = format!("heavy {}item{} => expression_", "(".repeat(12), " | tojson)".repeat(12));
    let sums = format!("heavy item.l{} == [1] => none", " + []".repeat(90));
    let slices = format!("heavy range(99999){} | list | length => none", "[0:]".repeat(130));
    let nots = format!("heavy {}true => none", "not ".repeat(390));
    let choices = format!("heavy {}1 => none", "1 if 1 > 2 else ".repeat(99));
    let lazy = format!("heavy item.n{} | length => expression_work", " | select".repeat(180));
    let cases = HEAVY.lines().chain([&*chain, &nested, &sums, &slices, &nots, &choices, &lazy]);
    let mut faults = Vec::new();
    for line in cases.filter_map(|line| line.strip_prefix("heavy ")) {
        let (source, limit) = line.split_once(" => ").unwrap();
        let start = Instant::now();
        let found = evaluate(source, &scope).map_or_else(|error| error, |_| "none".to_owned());
        let took = start.elapsed();
        if !found.contains(limit) || took > Duration::from_secs(60) {
            faults.push(format!("{source:.100} took {took:?}: {}", found.rsplit("}}: ").next().unwrap_or_default()));
        }
        println!("{took:?} {source:.60}: {}", found.rsplit("}}: ").next().unwrap_or_default());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Rows in memory.
#[derive(Debug)]
struct Listed(Vec<Arc<str>>);

impl RowSource for Listed {
    fn count(&self) -> u64 {
        self.0.len() as u64
    }

    fn row(&self, number: u64) -> Result<Option<Arc<str>>> {
        Ok(self.0.get(number as usize).cloned())
    }

    fn rows(&self) -> Result<RowIter> {
        Ok(Box::new(self.0.clone().into_iter().map(Ok)))
    }

    fn rows_again(&self) -> Result<RowIter> {
        self.rows()
    }
}

/// Many rows, made when they are read.
#[derive(Debug)]
struct Rows(u64);

impl RowSource for Rows {
    fn count(&self) -> u64 {
        self.0
    }

    fn row(&self, number: u64) -> Result<Option<Arc<str>>> {
        Ok((number < self.0).then(|| row(number)))
    }

    fn rows(&self) -> Result<RowIter> {
        Ok(Box::new((0..self.0).map(|number| Ok(row(number)))))
    }

    fn rows_again(&self) -> Result<RowIter> {
        self.rows()
    }
}

fn row(number: u64) -> Arc<str> {
    let (name, open) = ("n".repeat(150), number.is_multiple_of(2));
    format!("{{\"id\":{number},\"name\":\"{name}\",\"tags\":[1,2,{{\"a\":null}}],\"open\":{open},\"price\":1.10}}")
        .into()
}

#[test]
fn rows_of_a_step_are_read_on_demand() {
    let scope = |count: u64| {
        let view = StepView {
            rows: Arc::new(Rows(count)),
            receipt: "{\"failed\": 2}".into(),
            status: "\"failed\"".into(),
            error: "{\"kind\": \"refused\"}".into(),
            counts: "{\"ok\": 3}".into(),
            ..StepView::default()
        };
        Scope { steps: Arc::new([("a".to_owned(), view)].into()), ..with_item("{\"id\": 5}") }
    };
    let ids: Vec<String> = (0..100_000).map(|id| id.to_string()).collect();
    let joined = format!("\"{}\"", ids.join(","));
    for (source, expected) in [
        ("steps.a.items | map(attribute='id') | join(',')", &*joined),
        ("steps.a.items | length", "100000"),
        ("steps.a.items[77777].id", "77777"),
        ("steps.a.items[5].price", "1.10"),
        ("steps.a.items[100000].id", "null"),
        ("(steps.a.items | first).id + (steps.a.items | last).id", "99999"),
        ("steps.a.items[:3] | map(attribute='id') | list", "[0,1,2]"),
        ("steps.a.items | selectattr('open') | map(attribute='id') | list | length", "50000"),
        ("steps.a.items | map(attribute='other.first') | select('none') | list | length", "100000"),
        ("item.id in steps.a.items | map(attribute='id')", "true"),
        ("steps.a.count + steps.a.receipt.failed", "100002"),
        ("steps.a.status ~ steps.a.error.kind ~ steps.a.counts.ok", "\"failedrefused3\""),
        ("lookup(steps.a.items, 'id', 77777).price", "1.10"),
        ("steps.a.items[-1].id", "99999"),
        ("steps.a.items[99998:] | map(attribute='id') | list", "[99998,99999]"),
    ] {
        assert_eq!(evaluate(source, &scope(100_000)).as_deref(), Ok(expected), "{source}");
    }
    for source in [
        "steps.a.items | tojson | length",
        "steps.a.items | map('tojson') | join",
        "steps.a.items[::-1] | map('length') | list",
    ] {
        let error = evaluate(source, &scope(400_000)).expect_err(source);
        assert!(error.contains("the limit expression_"), "{source}: {error}");
    }
    // The length of a huge list is that of the source, whatever its content.
    assert_eq!(evaluate("steps.a.items | length > 5", &scope(90_000_000)), Ok("true".to_owned()));
}

/// A rule such as a connector may declare: texts in double quotes, times in brackets, no true and false.
fn sample_rule(value: &QuotedValue) -> Result<String, String> {
    Ok(match value {
        QuotedValue::Text(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        QuotedValue::Number(number) => number.clone(),
        QuotedValue::Bool(_) => return Err("a condition has no true and false".to_owned()),
        QuotedValue::Time(time) | QuotedValue::Date(time) => format!("[{time}]"),
        QuotedValue::List(list) => {
            let parts: Result<Vec<String>, String> = list.iter().map(sample_rule).collect();
            format!("({})", parts?.join(","))
        }
    })
}

#[test]
fn values_in_text_are_quoted_by_a_rule() {
    let item = r#"{"who": "x\" or 1=1 --", "id": 1.10, "ids": [1, "a\"b"], "open": true, "none": null, "o": {}, "deep": [[1]]}"#;
    let quoted = |text: &str| {
        let shape = Shape::parse(text, "", &mut |at, wrong| panic!("{at}: {wrong:?}"));
        shape.quoted(&with_item(item), &|_, value| sample_rule(value)).map_err(|e| told(&e))
    };
    for (text, expected) in [
        (r#""name = ${{ item.who }} and id = ${{ item.id }}""#, r#""name = \"x\\\" or 1=1 --\" and id = 1.10""#),
        (r#""id in ${{ item.ids }}""#, r#""id in (1,\"a\\\"b\")""#),
        (r#""t > ${{ '2026-11-30T00:00:00Z' | time }}""#, r#""t > [2026-11-30T00:00:00Z]""#),
        (r#""d = ${{ '2026-11-30' | date }}""#, r#""d = [2026-11-30]""#),
        // A value that is only an expression is not a part of a text.
        (r#"{"a": "${{ item.who }}", "b": ["${{ item.open }}", "x"]}"#, r#"{"a":"x\" or 1=1 --","b":[true,"x"]}"#),
    ] {
        assert_eq!(quoted(text).as_deref(), Ok(expected), "{text}");
    }
    for (text, part) in [
        (r#""a = ${{ item.open }}""#, "its value is true and cannot be part of this text: a condition has no true"),
        (r#""a = ${{ item.none }}""#, "item.none is null"),
        (r#""a = ${{ item.o }}""#, "item.o is an object"),
        (r#""a = ${{ item.deep }}""#, "an element of its value is a list"),
        (r#""a = ${{ item.nope ? }}""#, "item.nope is absent"),
    ] {
        let error = quoted(text).expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn keys_of_rows_are_found_whatever_their_notation() {
    let path = ["a".to_owned(), "b".to_owned()];
    let key = |json: &str| LookupKey::of_json(json);
    assert_eq!(key("1.0"), key("1"));
    assert_eq!(key("\"\\u0041\""), key(" \"A\" "));
    assert_ne!(key("\"1\""), key("1"));
    assert_eq!((key("null"), key("[1]"), key("true")), (None, None, None));
    let row = |value: &str| -> Arc<str> { format!("{{\"a\":{{\"b\":{value}}}}}").into() };
    let rows = Listed(vec![row("1"), row("null"), row("2"), row("2.0"), "{}".into()]);
    let two = key("2").unwrap();
    assert_eq!(rows.lookup(&path, &two).unwrap(), Some(row("2")));
    assert_eq!(rows.lookup_all(&path, &two, 9).unwrap(), [row("2"), row("2.0")]);
    assert_eq!(rows.lookup_all(&path, &two, 1).unwrap(), [row("2")]);
    assert_eq!(rows.lookup(&path, &key("3").unwrap()).unwrap(), None);
    let error = rows.lookup(&path, &key("\"2\"").unwrap()).unwrap_err();
    assert_eq!(error.message, "it looks up the text \"2\", but `a.b` of the rows is a number");
}

#[test]
fn aggregates_hold_one_row_at_a_time() {
    let rows = StepView { rows: Arc::new(Rows(300_000)), ..StepView::default() };
    let scope = Scope { steps: Arc::new([("a".to_owned(), rows)].into()), ..Scope::default() };
    // More bytes than an evaluation may hold go through it.
    for (source, expected) in [
        ("steps.a.items | sum('price')", "330000.00"),
        ("steps.a.items | selectattr('open') | map(attribute='id') | max", "299998"),
        ("steps.a.items | map(attribute='open') | select('false') | length", "150000"),
        ("(steps.a.items | selectattr('id', 'gt', 299998) | first).id", "299999"),
    ] {
        assert_eq!(evaluate(source, &scope).as_deref(), Ok(expected), "{source}");
    }
    let error = evaluate("steps.a.items | sort('id') | length", &scope).unwrap_err();
    assert!(error.contains("it holds more bytes than the limit expression_bytes"), "{error}");
}
