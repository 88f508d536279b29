//! The work of a check grows linearly with the number of faults. Work is measured in allocated bytes, not in time.
#![cfg(feature = "batch")]
#![expect(unsafe_code, reason = "a counting allocator wraps one that works on memory")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use opnode::batch::{Batch, BatchConfig};
use opnode::{Catalog, Engine, EngineConfig};

struct Counting;

thread_local! {
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.with(|bytes| bytes.set(bytes.get() + layout.size() as u64));
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const FEW: usize = 100;
const TIMES: usize = 8;

/// The factor by which the work grows when there is eight times as much to check.
fn growth(what: &str, check: impl Fn(usize) -> usize) -> f64 {
    // Loads what is cached.
    check(1);
    let mut work = [0; 2];
    for (work, size) in work.iter_mut().zip([FEW, FEW * TIMES]) {
        let before = BYTES.get();
        let faults = check(size);
        *work = BYTES.get() - before;
        assert!(faults >= size, "{what}: {faults} faults of {size}");
    }
    work[1] as f64 / work[0] as f64
}

/// Allows twice the growth of the sizes; quadratic work would be eight times.
fn assert_linear(what: &str, check: impl Fn(usize) -> usize) {
    let growth = growth(what, check);
    assert!(growth < 2.0 * TIMES as f64, "{what}: {growth:.1} times the work for {TIMES} times the faults");
}

#[test]
fn steps_with_a_fault_each_cost_the_same() {
    let config = BatchConfig::new(Arc::new(Engine::new(EngineConfig::new(Catalog::builtin()))));
    let faults = |step: &dyn Fn(usize) -> String, count: usize| {
        let steps: String = (0..count).map(|n| format!("  - id: s{n}\n{}\n", step(n))).collect();
        let other = "connections: { other: { connector: optima, refreshToken: x } }";
        let text = format!("version: 1\nname: many\n{other}\nsteps:\n{steps}");
        Batch::parse(Path::new("many.yaml"), &text, &config).err().map_or(0, |error| error.faults.len())
    };
    type Step = fn(usize) -> String;
    let steps: [(&str, Step); 5] = [
        ("no connection", |_| "    query: getSystemMembers".to_owned()),
        ("an operation that is not there", |n| format!("    query: nosuch{n}")),
        ("a key that is not there", |_| "    query: getSystemMembers\n    optoins: {}".to_owned()),
        ("an option that is not there", |_| "    query: getSystemMembers\n    options: { conditons: a }".to_owned()),
        ("a step that is not there", |n| {
            format!("    query: getSystemMembers\n    when: ${{{{ steps.nosuch{n}.count > 1 }}}}")
        }),
    ];
    for (what, step) in steps {
        assert_linear(what, |count| faults(&step, count));
    }
}

#[test]
fn operations_with_a_fault_each_cost_the_same() {
    let faults = |operation: &str, count: usize| {
        let mut catalog = Catalog::empty();
        let connector = "version: 1\nconnector: acme\ntitle: Acme\nconnection: {}\nbase_url: https://acme.example.com\nauth: none\n";
        catalog.add("acme", "connector.yaml".to_owned(), connector.to_owned());
        let operations: String = (0..count).map(|n| format!("  get{n}: {{ {operation} }}\n")).collect();
        catalog.add("acme", "many.yaml".to_owned(), format!("version: 1\noperations:\n{operations}"));
        catalog.faults(&["acme"]).len()
    };
    for (what, operation) in [
        ("a key that is not there", "title: T, method: query, request: GET /t, respons: { result: list }"),
        ("a parameter that is not there", "title: T, method: query, request: 'GET /{t}', response: { result: list }"),
    ] {
        assert_linear(what, |count| faults(operation, count));
    }
}
