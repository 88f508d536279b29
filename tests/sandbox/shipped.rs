//! The connectors that opnode ships: every operation can be called against the sandbox, by the template that designers begin with.

use opnode::definition::Template;
use opnode::sandbox::Faults;
use opnode::{CallOptions, Catalog, ErrorKind, Method, Session};

use crate::packs::{connect, start_with};

async fn call(session: &Session, template: &Template) -> opnode::Result<u64> {
    let options = serde_json::Value::Object(template.options_map());
    let with = CallOptions::default();
    let id = &template.operation.id;
    let items = if template.operation.items.is_some() { Some(template.items()?) } else { None };
    let reply = match template.operation.method {
        Method::Query => return session.query(id, &options, &with)?.collect().await.map(|reply| reply.items.len() as u64),
        Method::Mutate => session.mutate(id, &options, items, &with)?.collect().await,
        Method::Delete => session.delete(id, &options, items, &with)?.collect().await,
    };
    reply.check()?;
    Ok(reply.items.len() as u64)
}

#[tokio::test]
async fn every_operation_and_template_can_be_called() {
    let (sandbox, engine) = start_with(Catalog::builtin(), Faults::default()).await;
    let names: Vec<String> = sandbox.connectors().map(str::to_owned).collect();
    for name in names {
        let session = connect(&sandbox, &engine, &name);
        session.probe(&CallOptions::default()).await.unwrap();
        let mut wrong = Vec::new();
        let automatic = engine.catalog().operations(&name).unwrap().iter().map(Template::automatic).collect::<Vec<_>>();
        let curated = engine.catalog().templates(&name).unwrap();
        for template in automatic.iter().chain(&curated) {
            // Where the designer is asked which record, the one in the template need not be there.
            let asks = template.ask.iter().any(|pointer| pointer.starts_with("/options/"));
            if let Err(error) = call(&session, template).await
                && !(asks && error.kind() == ErrorKind::NotFound)
            {
                wrong.push(format!("{}: {error:?}", template.name));
            }
        }
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    }
}
