//! The shipped templates: those that read find a record in the sandbox, and those that write succeed with their sample values.

use opnode::sandbox::Faults;
use opnode::{Catalog, Method};

use crate::packs::{connect, start_with};
use crate::shipped::{call, expected, reset};

/// Templates that read and find nothing, because nobody wants such records, or because their values are of a real system.
const EMPTY: &[&str] = &[
    "connectwise-manage/companies-without-contact",
    "connectwise-manage/configurations-without-serial-number",
    "connectwise-manage/member-by-email",
    "connectwise-manage/member-by-identifier",
    "connectwise-manage/member-history",
    "connectwise-manage/members-by-name",
    "connectwise-manage/members-without-manager",
    "connectwise-manage/purchase-order-history",
    "connectwise-manage/subcontractors",
    "jumpcloud-msp/connectwise-agreements-of-a-company",
];

#[tokio::test]
async fn templates_find_records_and_write_them() {
    let (sandbox, engine) = start_with(Catalog::builtin(), Faults::default()).await;
    let names: Vec<String> = engine.catalog().connector_names().map(str::to_owned).collect();
    let (mut empty, mut wrong) = (Vec::new(), Vec::new());
    for name in names {
        let session = connect(&sandbox, &engine, &name);
        for template in engine.catalog().templates(&name).unwrap() {
            reset(&sandbox).await;
            let full = format!("{name}/{}", template.name);
            match call(&session, &template).await {
                Ok((0, _)) if template.operation.method == Method::Query => empty.push(full),
                Ok(_) if expected(&name, &template).is_none() => {}
                Err(e) if expected(&name, &template) == Some(e.kind()) => {}
                outcome => wrong.push(format!("{full}: {outcome:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    empty.sort();
    assert_eq!(empty, EMPTY);
}
