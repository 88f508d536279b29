//! What filters and operators do with ordinary values, and how hostile ones end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::expression::budget::{BYTES_MAX, ELEMENTS_MAX, LIST};
use crate::expression::expr::Expr;
use crate::expression::scope::{Scope, StepView};
use crate::run_store::extent::Measure;

fn evaluate(source: &str, scope: &Scope) -> Result<String, String> {
    let expr = Expr::parse(source).unwrap_or_else(|e| panic!("{source}: {e:?}"));
    expr.json(scope).map_err(|e| e.message.clone())
}

fn with_item(item: &str) -> Scope {
    Scope::default().with_item(item, 0)
}

#[test]
fn guarded_filters_do_what_they_did() {
    let item = r#"{"a": "x,y\n<z>", "n": 3, "f": 1.5, "b": true, "l": [3, 1, 2, 1], "t": ["b", "A"], "o": {"k": 1, "j": {"i": "v"}}, "r": [{"k": 2}, {"k": 1, "m": [7]}]}"#;
    let scope = with_item(item);
    // The language as it comes.
    let mut plain = minijinja::Environment::new();
    plain.set_undefined_behavior(minijinja::UndefinedBehavior::Chainable);
    let names = std::collections::BTreeMap::from([("item", serde_json::from_str::<minijinja::Value>(item).unwrap())]);
    for (source, expected) in [
        ("item.n * 2 * item.f", "9.0"),
        ("-item.n * -item.n ** 2 - 2 * item.l[0] % 4 + 1", "-28"),
        ("1e-2 * 1e2 * (item.n + 1) * [2][0]", "8.0"),
        ("item.b * 2 + item['n']*item['n']", "11"),
        ("item.n * 2 is even and 2 * item.n in [6] and not 2*3 == 5", "true"),
        ("[item.n * 2, {'a': 3 * item.n}.a] | join('-')", "\"6-9\""),
        ("'*' ~ item.n * 2 if item.n * 1 == 3 else item.n * 3", "\"*6\""),
        ("range(*[1, 3]) | list", "[1,2]"),
        ("dict(a=1 * 2, **{'b': 2 ** 3 * 2})", r#"{"a":2,"b":16}"#),
        ("item.a | upper | lower | title | capitalize | trim", r#""X,y\n<z>""#),
        ("item.a | replace(',', '--') | replace('x', '', count=1)", r#""--y\n<z>""#),
        ("'aaa' | replace('a', 'b', 2) | replace('', '.', -1)", "\".b.b.a.\""),
        ("item.n | replace(3, [4])", "\"[4]\""),
        ("item.a | escape", r#""x,y\n&lt;z&gt;""#),
        ("item.a | lines | length + item.a | split(',') | length", "4"),
        ("item.l | sort | unique | list", "[1,2,3]"),
        ("item.l | sort(reverse=true) | reverse | list", "[1,1,2,3]"),
        ("item.t | sort | join(', ')", "\"A, b\""),
        ("item.r | sort(attribute='k') | map(attribute='k') | join", "\"12\""),
        ("item.r | join('+', attribute='k') ~ [item.r[1]] | join(d='', attribute='m.0')", "\"2+17\""),
        ("item.r | map(attribute='m', default=0) | list", "[0,[7]]"),
        ("item.r | selectattr('k', 'eq', 1) | rejectattr('m', 'none') | list | length", "1"),
        ("item.l | select('gt', 1) | map('string') | join | int", "32"),
        ("item.l | reject('in', [3]) | sum", "4"),
        ("[[1], [2]] | sum(start=[]) | list", "[1,2]"),
        ("item.l | batch(3, 0) | list", "[[3,1,2],[1,0,0]]"),
        ("item.l | slice(3) | map('list') | list", "[[3,1],[2],[1]]"),
        ("item.l | min ~ item.l | max ~ item.l | first ~ item.l | last", "\"1331\""),
        ("item.l | zip(item.t) | list", r#"[[3,"b"],[1,"A"]]"#),
        ("item.l | chain(item.t) | list | length", "6"),
        ("item.r | groupby('k') | map('first') | list", "[1,2]"),
        ("item.o | items | list", r#"[["j",{"i":"v"}],["k",1]]"#),
        ("item.o | dictsort | first | last", r#"{"i":"v"}"#),
        ("item.o | tojson", r#""{\"j\": {\"i\": \"v\"}, \"k\": 1}""#),
        ("item.l | tojson(indent=1)", r#""[\n 3,\n 1,\n 2,\n 1\n]""#),
        ("item.o | string ~ item.l", r#""{'j': {'i': 'v'}, 'k': 1}[3, 1, 2, 1]""#),
        ("item.a | indent(2, true)", r#""  x,y\n  <z>""#),
        ("item.a | indent(width=1)", r#""x,y\n <z>""#),
        ("'%05.1f|%s|%-3s' | format(item.f, item.t, 'q')", r#""001.5|['b', 'A']|q  ""#),
        ("'xxaxx' | trim('x')", "\"a\""),
        ("item.o == {'k': 1, 'j': {'i': 'v'}} and item.o", r#"{"j":{"i":"v"},"k":1}"#),
        ("'k' in item.o and item.o.j and not item.o.none", "true"),
        ("item.nothing | default([1], true) | list", "[1]"),
        ("item.l[::-1] | list + item.l[1:2]", "[1,2,1,3,1]"),
        ("item | length", "8"),
        ("item.l + [item.n + 1] + item.t | list", r#"[3,1,2,1,4,"b","A"]"#),
        ("1 + -item.n + 1e+1 * 2 + item.l[1:][0] - 1", "18.0"),
        ("item.a + 'b' + item.t[0] in ['x'] or [1] + [2] == [1, 2]", "true"),
    ] {
        assert_eq!(evaluate(source, &scope), Ok(expected.to_owned()), "{source}");
        let value = plain.compile_expression(source).unwrap().eval(&names).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), expected, "{source}, without guards");
    }
}

#[test]
fn a_product_is_one_of_numbers() {
    let scope = with_item(r#"{"l": [1], "n": 2, "t": "x"}"#);
    for source in [
        "[1] * 3",
        "3 * [1]",
        "2 * item.n * item.l",
        "item.n*item.l",
        "(item.l) * -1",
        "'x' * 3",
        "item.n * item.t ~ 'a'",
        "item.n * (item.l)",
        "[item.n * item.l]",
        "{'a': 2 * 2 * item.l}",
        "range(2 * item.l)",
        "item.n * item.l | list",
        "item['l' if item.n * 1 else 'n'] * 2",
        "1 if item.n * item.l else 2",
        "2 ** 2 * item.l",
        "item.n * item . l if 1 else 2",
        "item.n * range(3)",
        "item.n * {}",
        "item.n is even * item.l",
    ] {
        let error = evaluate(source, &scope).expect_err(source);
        assert!(error.contains("repeats no text and no list"), "{source}: {error}");
    }
}

#[test]
fn a_format_is_no_wider_than_the_language_bears() {
    let scope = with_item("{\"f\": 1.5}");
    for mark in ["%65536d", "%.65536f", "%05.999992f", "%(f).99999f", "%2000000000d", "%%%99999s", "%(a%b).99999f"] {
        let error = evaluate(&format!("'{mark}' | format(item.f)"), &scope).expect_err(mark);
        assert!(error.contains("above 65535"), "{mark}: {error}");
    }
    assert_eq!(evaluate("'%.65535f%%99999' | format(item.f) | length", &scope), Ok("65543".to_owned()));
    assert_eq!(evaluate("'no 123456 of %65535s' | format(item.f) | length", &scope), Ok("65548".to_owned()));
}

#[test]
fn a_format_has_no_names_with_which_the_language_panics() {
    let scope = with_item("{\"f\": 1.5}");
    for mark in ["%(é)s", "%(a%é)s", "%%%(a%%é)s", "%(\u{fffd}", "%(f)s%(é)s"] {
        let error = evaluate(&format!("'{mark}' | format({{'f': 1, 'é': 2}})"), &scope).expect_err(mark);
        assert!(error.contains("a name in it is not ASCII"), "{mark}: {error}");
    }
    assert_eq!(evaluate("'é %(f)s%%(é)' | format(item)", &scope), Ok("\"é 1.5%(é)\"".to_owned()));
}

/// The longest text whose reading and look-up are within the limit.
fn longest() -> usize {
    (0..).map(|n| (BYTES_MAX * 4 / 5) as usize + 16 - n).find(|n| n + (n + 8) / 4 <= BYTES_MAX as usize).unwrap()
}

#[test]
fn expression_bytes_holds_at_the_limit_and_not_beyond() {
    let text = |length: usize| with_item(&format!("{{\"a\":\"{}\"}}", "x".repeat(length)));
    assert_eq!(evaluate("item.a | length", &text(longest())), Ok(longest().to_string()));
    let error = evaluate("item.a | length", &text(longest() + 1)).unwrap_err();
    assert!(
        error.starts_with(
            "${{ item.a | length }}: it reads and makes more bytes than the limit expression_bytes (64 MiB)"
        ),
        "{error}"
    );
    // A plain path hands on the bytes as they are.
    assert_eq!(evaluate("item.a", &text(BYTES_MAX as usize)).map(|json| json.len()), Ok(BYTES_MAX as usize + 2));
}

#[test]
fn expression_elements_holds_at_the_limit_and_not_beyond() {
    let list = |length: u64| with_item(&format!("{{\"a\":[{}1]}}", "1,".repeat(length as usize - 1)));
    // The list itself is an element, and takes the room of some.
    let longest = ELEMENTS_MAX - LIST - 1;
    assert_eq!(evaluate("item.a | length", &list(longest)), Ok(longest.to_string()));
    let error = evaluate("item.a | length", &list(longest + 1)).unwrap_err();
    assert!(
        error.starts_with(
            "${{ item.a | length }}: it goes through more elements than the limit expression_elements (5000000)"
        ),
        "{error}"
    );
}

#[test]
fn hostile_expressions_end_by_a_limit_and_soon() {
    let megabytes = "<\\u0001".repeat(1 << 19);
    let numbers = "1e300,".repeat(200_000);
    let lists = "[],".repeat(300_000);
    let scope = with_item(&format!(
        "{{\"a\": \"{}\", \"b\": \"{megabytes}\", \"s\": \"{}\", \"n\": [{numbers}1], \"l\": [{lists}[]], \"c\": \"{}\"}}",
        "a".repeat(1 << 19),
        "s,".repeat(1 << 18),
        "%s".repeat(10_000),
    ));
    let sums = format!("item.l{}", " + []".repeat(90));
    for source in [
        &*sums,
        "item.a | replace('a', item.b)",
        "item.a | replace('', item.a)",
        "item.a | replace('a', 'aaaaaaaa') | replace('a', 'aaaaaaaa') | replace('a', 'aaaaaaaa')",
        "range(99999) | map('replace', '1', item.a) | list",
        "range(99999) | map('default', item.a) | map('upper') | list",
        "range(99999) | map(attribute='z', default=item.a) | join",
        "range(99999) | map(attribute='z', default=range(99999)) | list == []",
        "range(99999) | map('in', range(99999)) | list",
        "range(99999) | select('in', item.l) | list",
        "range(99999) | join(item.a)",
        "item.a | list | join(item.a)",
        "item.l | tojson(indent=1000000000)",
        "[[[[1]]]] | tojson(100000000)",
        "item.b | tojson | tojson | tojson | tojson | tojson | tojson",
        "item.b | escape | replace('&', item.c)",
        "item.s | replace(',', '\n') | indent(1000000)",
        "'x' | indent(width=2000000000)",
        "item.c | format(*([item.a] + range(9999) | list))",
        "'%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s%(a)s' | format({'a': item.b | list})",
        "item.n ~ item.n ~ item.n",
        "item.n | string | length",
        "item.n | pprint | length",
        "[1] | slice(9000000) | list",
        "[1] | batch(9000000, item.a) | list",
        "[1] | slice(1000000, item.l) | list",
        "item.s | split('') | map('list') | sort | unique | list",
        "item.l | sort(attribute=item.s)",
        "item.l | map('list') | sum(start=[])",
        "item.s | list | sum(start='')",
        "item.s | split(',') | sum(start='')",
        "[item.l, item.l, item.l, item.l, item.l] == [item.l]",
        "range(99999) | chain(item.l, item.l, item.l, item.l) | list",
        "item.n in [item.n, item.n, item.n]",
    ] {
        let start = Instant::now();
        let result = evaluate(source, &scope).map(|json| json.chars().take(50).collect::<String>());
        let error = result.expect_err(source);
        assert!(error.contains("the limit expression_"), "{source}: {error}");
        assert!(start.elapsed() < Duration::from_secs(20), "{source} took {:?}", start.elapsed());
    }
}

/// A step whose rows lie in a file.
fn steps(folder: &tempfile::TempDir, count: u64, rows: &str) -> Scope {
    let mut measure = Measure::default();
    measure.add(rows.as_bytes());
    let (spool, marks) = (folder.path().join("rows"), Arc::from([measure.extent()]));
    let view = StepView { spool, marks, known: Arc::default(), count, receipt: minijinja::Value::from(()) };
    Scope { steps: Arc::new([("a".to_owned(), Arc::new(view))].into()), ..with_item("{\"id\": 5}") }
}

#[test]
fn rows_of_a_step_are_paid_for_as_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let row = |id: u32| {
        format!(
            "{{\"id\":{id},\"name\":\"{}\",\"tags\":[1,2,{{\"a\":null}}],\"open\":{}}}\n",
            "n".repeat(150),
            id.is_multiple_of(2)
        )
    };
    let rows: String = (0..100_000).map(row).collect();
    std::fs::write(folder.path().join("rows"), &rows).unwrap();
    let scope = steps(&folder, 100_000, &rows);
    let ids: Vec<String> = (0..100_000).map(|id| id.to_string()).collect();
    assert_eq!(
        evaluate("steps.a.items | map(attribute='id') | join(',')", &scope),
        Ok(format!("\"{}\"", ids.join(",")))
    );
    for (source, expected) in [
        ("steps.a.items | length", "100000"),
        ("steps.a.items[77777].id", "77777"),
        ("(steps.a.items | first).id + (steps.a.items | last).id", "99999"),
        ("steps.a.items[:3] | map(attribute='id') | list", "[0,1,2]"),
        ("steps.a.items | selectattr('open') | map(attribute='id') | list | length", "50000"),
        ("steps.a.items | map(attribute='name.first') | select('none') | list | length", "100000"),
        ("item.id in steps.a.items | map(attribute='id')", "true"),
    ] {
        assert_eq!(evaluate(source, &scope), Ok(expected.to_owned()), "{source}");
    }
    for source in [
        "steps.a.items | tojson | length",
        "steps.a.items ~ ''",
        "steps.a.items == steps.a.items",
        "steps.a.items[::-1] | map('length') | list",
    ] {
        let error = evaluate(source, &scope).expect_err(source);
        assert!(error.contains("the limit expression_") || error.contains("too much work"), "{source}: {error}");
    }
    // The length of millions is that of the spool, whatever lies there.
    let millions = steps(&folder, 90_000_000, "");
    assert_eq!(evaluate("steps.a.items | length > 5", &millions), Ok("true".to_owned()));
}
