//! Every operation of the source documents exists, with its method, verb and path, and with paging if the document has
//! it.

use std::collections::BTreeSet;

use opnode::Catalog;

const LIST: &str = include_str!("operations.tsv");

#[test]
fn every_listed_operation_exists() {
    let catalog = Catalog::builtin();
    let mut faults = Vec::new();
    let mut listed = BTreeSet::new();
    for line in LIST.lines().filter(|l| !l.starts_with('#')) {
        let [connector, id, method, verb, path, paged] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        listed.insert(format!("{connector}/{id}"));
        match catalog.operation(Some(connector), id) {
            Err(error) => faults.push(error.to_string()),
            Ok(operation) => {
                let found = (operation.method.to_string(), operation.request_line());
                if found != (method.to_owned(), format!("{verb} {path}")) {
                    faults.push(format!("{connector}/{id}: {found:?} instead of {method} {verb} {path}"));
                }
                if paged == "paged" && !operation.is_paged() {
                    faults.push(format!("{connector}/{id} is not paged"));
                }
            }
        }
    }
    for connector in catalog.connector_names() {
        let imported = crate::imported(connector);
        for operation in catalog.operations(connector).unwrap() {
            // Written by hand because the description has a damaged path.
            let is_own = operation.id == "getSystemInfoMembersByMemberIdentifier";
            if !is_own
                && !imported.contains(&operation.id)
                && !listed.contains(&format!("{connector}/{}", operation.id))
            {
                faults.push(format!("{connector}/{} is not in the list", operation.id));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(listed.len(), 195);
}
