//! Entry points of the fuzzers for batch files, expressions and journals; see `src/fuzzing.rs`.

use std::path::Path;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::config::BatchConfig;
use super::run_plan::Batch;
use crate::engine::Engine;
use crate::expression::{Scope, Shape};
use crate::run_store::{Fact, RunState, recover};

/// A batch file: faults with places, or a batch.
pub(crate) fn batch(data: &[u8], engine: &Arc<Engine>) {
    let config = BatchConfig::new(Arc::clone(engine));
    let text = String::from_utf8_lossy(data);
    let lines = crate::authoring::yaml::lines(&text);
    match Batch::parse(Path::new("batch.yaml"), &text, &config) {
        Ok(batch) => assert!(batch.step_count() > 0, "a batch without steps"),
        Err(error) => assert!(error.faults.iter().all(|f| f.place.line.is_none_or(|l| l <= lines)), "{error}"),
    }
}

/// A value with expressions and, in a second line, the item that it reads: the result is JSON.
pub(crate) fn expression(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (source, item) =
        text.split_once('\n').unwrap_or((&text, "{\"id\": 7, \"name\": \"a\", \"tags\": [1.10, null]}"));
    let Ok(shape) = Shape::text(source) else { return };
    let mut scope = Scope::default();
    if let Ok(item) = serde_json::from_str::<&RawValue>(item) {
        scope = scope.with_item(item.get(), 3);
    }
    let expressions = shape.expressions();
    match shape.json(&scope) {
        Ok(json) => assert!(serde_json::from_str::<&RawValue>(&json).is_ok(), "`{source}` gives no JSON: {json}"),
        // An expression in the result is evaluated, and gives the same result again.
        Err(_) if expressions.len() < 2 => return,
        Err(_) => {}
    }
    let _either = shape.plain(&scope);
    for (_, expr) in expressions {
        let _either = expr.truth(&scope);
    }
}

/// A journal: the valid part is read the same without the rest.
pub(crate) fn journal(data: &[u8]) {
    let read = |data: &[u8]| {
        let (mut facts, mut state) = (Vec::new(), RunState::default());
        let recovered = recover(Path::new("journal"), data, None, &mut |fact: &Fact| {
            facts.push(fact.clone());
            state.apply(fact);
        });
        recovered.map(|r| (r, facts))
    };
    let Ok((whole, facts)) = read(data) else { return };
    assert_eq!(whole.torn, (whole.length as usize) < data.len(), "torn");
    let sound = data.get(..whole.length as usize).unwrap_or_default();
    let again = read(sound);
    assert!(
        again.is_ok_and(|(r, again)| !r.torn && r.last == whole.last && again == facts),
        "another state without the torn tail"
    );
}
