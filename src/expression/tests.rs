//! Results of expressions, case by case from `cases.txt`, and limits.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::language::{FILTERS, FUNCTIONS, TESTS, compile};
use super::lexer::{Token, closing, size, tokens};
use super::operators::with_rules;
use super::record::{BYTES_MAX, within};
use super::{Expr, RowIter, RowSource, Scope, Shape, StepView};
use crate::error::Result;

fn parsed(source: &str) -> Expr {
    Expr::parse(source).unwrap_or_else(|wrong| panic!("{source}: {wrong:?}"))
}

fn evaluate(source: &str, scope: &Scope) -> Result<String, String> {
    parsed(source).json(scope).map_err(|e| e.message.clone())
}

fn with_item(item: &str) -> Scope {
    Scope::default().with_item(item, 7)
}

/// The language without added rules.
fn plain(source: &str, item: &str) -> String {
    let mut language = minijinja::Environment::new();
    language.set_undefined_behavior(minijinja::UndefinedBehavior::Chainable);
    let names = std::collections::BTreeMap::from([("item", serde_json::from_str::<minijinja::Value>(item).unwrap())]);
    serde_json::to_string(&language.compile_expression(source).unwrap().eval(&names).unwrap()).unwrap()
}

fn rules(source: &str) -> String {
    let made = with_rules(source, &tokens(source).collect::<Vec<Token<'_>>>());
    let short = made.replace("opnode_text", "T").replace("opnode_number", "N").replace("opnode_container", "C");
    short.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn expressions_have_the_values_of_their_cases() {
    let mut item = "";
    for line in include_str!("cases.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (kind, rest) = line.split_once(' ').unwrap();
        let (source, expected) = rest.split_once(" => ").unwrap_or((rest, "null"));
        let scope = with_item(item);
        let found = match kind {
            "item" => {
                item = rest;
                continue;
            }
            "value" => evaluate(source, &scope),
            "plain" => evaluate(source, &scope).inspect(|_| assert_eq!(plain(source, item), expected, "{line}")),
            "sent" => parsed(source).needed(&scope).map_err(|e| e.message.clone()),
            "paths" => Ok(parsed(source).paths().iter().map(|p| p.join(".")).collect::<Vec<_>>().join(" ")),
            "rules" => Ok(rules(source)),
            "wrong" => Ok(evaluate(source, &scope).expect_err(line)),
            "null" => Ok(parsed(source).needed(&scope).expect_err(line).message.clone()),
            "fault" => Ok(Expr::parse(source).err().unwrap_or_else(|| panic!("{line}")).0),
            "heavy" => continue,
            _ => panic!("{line}"),
        };
        let is_part = matches!(kind, "wrong" | "null" | "fault");
        let found = found.unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(if is_part { found.contains(expected) } else { found == expected }, "{line}\n{found}");
    }
}

#[test]
fn the_documentation_lists_all_functions() {
    let documentation = include_str!("../../docs/batch.md");
    for name in [FILTERS, TESTS, FUNCTIONS].concat() {
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn tokens_of_an_expression() {
    let all = tokens("1e-5*4.5E+2 **a.b[10].c0 //0x1f!='a \\' b'~é-2");
    let texts: Vec<&str> = all.map(|token| token.text).collect();
    assert_eq!(texts.join(" "), "1e-5 * 4.5E+2 ** a . b [ 10 ] . c0 // 0x1f != 'a \\' b' ~ é - 2");
    for (text, end) in [(" a }} b", 3), (" '}}' }}", 6), (" {'a': {'b': 1}} }}", 17), (" \"\\\"}}\" }}", 8)] {
        assert_eq!(closing(text), Some(end), "{text}");
    }
    assert_eq!(closing(" a } "), None);
    let size = |source| size(&tokens(source).collect::<Vec<_>>());
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
    assert!(text("id=${{ item.company.id }}").unwrap_err().message.contains("is null"));
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
    let nested = format!("heavy {}item{} => deeper", "(".repeat(9), " | tojson)".repeat(9));
    let sums = format!("heavy item.l{} == [1] => none", " + []".repeat(90));
    let slices = format!("heavy range(99999){} | list | length => none", "[0:]".repeat(130));
    let cases = include_str!("cases.txt").lines().chain([&*chain, &nested, &sums, &slices]);
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

#[test]
fn nothing_large_is_allocated_before_evaluation() {
    let start = Instant::now();
    for source in ["[[1] * 9999999] * 9999999 ~ ''", "[[1] * 9999999] * 9999999 == [[1] * 9999999] * 9999999"] {
        let tokens: Vec<Token<'_>> = tokens(source).collect();
        assert!(compile(with_rules(source, &tokens)).is_ok());
    }
    assert!(start.elapsed() < Duration::from_secs(1));
}

/// Rows in memory.
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
        let (status, error, counts) = ("\"done\"".into(), "null".into(), "{}".into());
        let receipt = "{\"failed\": 2}".into();
        let view = StepView { rows: Arc::new(Rows(count)), receipt, kept: Arc::default(), status, error, counts };
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
        ("steps.a.items | map(attribute='name.first') | select('none') | list | length", "100000"),
        ("item.id in steps.a.items | map(attribute='id')", "true"),
        ("steps.a.count + steps.a.receipt.failed", "100002"),
    ] {
        assert_eq!(evaluate(source, &scope(100_000)).as_deref(), Ok(expected), "{source}");
    }
    for source in
        ["steps.a.items | tojson | length", "steps.a.items ~ ''", "steps.a.items[::-1] | map('length') | list"]
    {
        let error = evaluate(source, &scope(400_000)).expect_err(source);
        assert!(error.contains("the limit expression_"), "{source}: {error}");
    }
    // The length of a huge list is that of the source, whatever its content.
    assert_eq!(evaluate("steps.a.items | length > 5", &scope(90_000_000)), Ok("true".to_owned()));
}
