//! Searches find what people ask for: `tests/search/queries.tsv` has queries, each with the operation that must be among
//! the first three hits over the built-in connectors and `examples/definitions`.

use std::path::Path;

use opnode::Catalog;
use opnode::definition::{OperationSummary, Search};

const QUERIES: &str = include_str!("../search/queries.tsv");

/// The built-in connectors as files of a user, or as they are built in, and the example.
fn catalog(is_built_in: bool) -> Catalog {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut catalog = if is_built_in { Catalog::builtin() } else { Catalog::empty() };
    if !is_built_in {
        catalog.add_folder(root).unwrap();
    }
    catalog.add_folder(&root.join("examples/definitions")).unwrap();
    catalog
}

fn first_three(catalog: &Catalog, query: &str) -> Vec<String> {
    let search = Search { text: query.to_owned(), limit: Some(3), ..Search::default() };
    let name = |operation: &OperationSummary| format!("{}/{}", operation.connector, operation.id);
    catalog.search(&search).unwrap().hits.iter().map(|hit| name(&hit.entry)).collect()
}

#[test]
fn queries_find_what_is_meant() {
    let catalogs = [catalog(true), catalog(false)];
    let (mut faults, mut count) = (Vec::new(), 0);
    for line in QUERIES.lines().filter(|line| !line.starts_with('#')) {
        let (query, expected) = line.split_once('\t').unwrap();
        count += 1;
        let found = first_three(&catalogs[0], query);
        if !found.iter().any(|id| id == expected) {
            faults.push(format!("{query}: {found:?} has no {expected}"));
        }
        assert_eq!(found, first_three(&catalogs[1], query), "{query}: the files give the same as the built-in entries");
    }
    assert!(faults.is_empty() && count >= 40, "{count} queries:\n{}", faults.join("\n"));
}
