//! The shipped connectors: every operation can be called in the sandbox with its template.

use opnode::definition::Template;
use opnode::sandbox::{Faults, Sandbox};
use opnode::{CallOptions, Catalog, ErrorKind, Method, Session};

use crate::packs::{connect, start_with};
use crate::raw::ask;

/// Number of operations of all shipped connectors. Update it for new ones; it shows that none is left out.
const OPERATIONS: usize = 3218;

/// Calls that must be refused.
const REFUSED: &[(&str, ErrorKind)] = &[
    // The simulated account team has no such member.
    ("connectwise-home/getPartnerDevelopmentManager", ErrorKind::NotFound),
    // The sandbox does not know the refresh token of an example.
    ("optima/refreshAccessToken", ErrorKind::Unauthenticated),
    // The simulation finds the short form of a member by its id only.
    ("connectwise-manage/getSystemInfoMembersByMemberIdentifier", ErrorKind::NotFound),
    // It always refuses.
    ("optima/teapot", ErrorKind::Rejected),
];

/// Paged lists that fit on one page in the real system too, with their numbers of rows: there are three kinds of
/// integrations with one each, and few ways to write bills.
const SHORT: &[&str] = &[
    "jumpcloud-msp/providers_retrieveIntegrations 3",
    "jumpcloud-msp/syncro_retrieveBillingMappingConfigurationOptions 2",
];

/// The number of rows of a call, and of pages with rows.
pub(crate) async fn call(session: &Session, template: &Template) -> opnode::Result<(usize, u64)> {
    let options = template.to_options();
    let with = CallOptions::default();
    let id = &template.operation.id;
    let items = if template.operation.items.is_some() { Some(template.items()?) } else { None };
    let reply = match template.operation.method {
        Method::Query => {
            let mut walk = session.query(id, &options, &with)?;
            let (mut rows, mut pages) = (0, 0);
            while let Some(page) = walk.next().await {
                let page = page?;
                rows += page.items.len();
                pages += u64::from(!page.items.is_empty());
            }
            return Ok((rows, pages));
        }
        Method::Mutate => session.mutate(id, &options, items, &with)?.collect().await,
        Method::Delete => session.delete(id, &options, items, &with)?.collect().await,
    };
    reply.check()?;
    Ok((reply.items.len(), 1))
}

pub(crate) async fn reset(sandbox: &Sandbox) {
    assert_eq!(ask(sandbox.address(), "POST /__sandbox/reset", &[], b"").await.unwrap().status, 204);
}

pub(crate) fn expected(connector: &str, template: &Template) -> Option<ErrorKind> {
    let name = format!("{connector}/{}", template.operation.id);
    REFUSED.iter().find(|(operation, _)| *operation == name).map(|(_, kind)| *kind)
}

#[tokio::test]
async fn every_operation_and_template_can_be_called() {
    let (sandbox, engine) = start_with(Catalog::builtin(), Faults::default()).await;
    let names: Vec<String> = engine.catalog().connector_names().map(str::to_owned).collect();
    let (mut called, mut wrong) = (0, Vec::new());
    for name in names {
        let session = connect(&sandbox, &engine, &name);
        if engine.catalog().connector(&name).unwrap().probe.is_some() {
            session.probe(&CallOptions::default()).await.unwrap();
        }
        let operations = engine.catalog().operations(&name).unwrap();
        called += operations.len();
        let automatic = operations.iter().map(Template::automatic).collect::<Vec<_>>();
        for template in automatic.iter().chain(&engine.catalog().templates(&name).unwrap()) {
            reset(&sandbox).await;
            let outcome = call(&session, template).await;
            let kind = outcome.as_ref().err().map(opnode::Error::kind);
            if kind != expected(&name, template) {
                wrong.push(format!("{name}/{}: {outcome:?}", template.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {called}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!((called, sandbox.reused_refresh_tokens()), (OPERATIONS, 0));
}

/// The operations of the source documents.
const LISTED: &str = include_str!("../repository/operations.tsv");

#[tokio::test]
async fn every_paged_list_has_more_than_one_page() {
    let (sandbox, engine) = start_with(Catalog::builtin(), Faults::default()).await;
    let mut short = Vec::new();
    for name in sandbox.connectors() {
        let session = connect(&sandbox, &engine, name);
        for operation in engine.catalog().operations(name).unwrap().iter().filter(|o| o.is_paged()) {
            let (rows, pages) = call(&session, &Template::automatic(operation)).await.unwrap_or_default();
            // Real tables of look-ups are short.
            let is_imported = name == "connectwise-manage" && !LISTED.contains(&format!("\t{}\t", operation.id));
            if pages < 2 && !is_imported {
                short.push(format!("{name}/{} {rows}", operation.id));
            }
        }
    }
    assert_eq!(short, SHORT);
}
