//! A program that embeds opnode sees the spans in its own subscriber.

use std::path::Path;
use std::sync::{Arc, Mutex};

use opnode::sandbox::{Sandbox, SandboxOptions};
use opnode::{CallOptions, Catalog, Engine, EngineConfig, Options};
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// The names of the spans, each with those that it is in.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Names {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let scope = context.span_scope(id).unwrap().from_root();
        let names: Vec<&str> = scope.map(|span| span.name()).collect();
        self.0.lock().unwrap().push(names.join(" > "));
    }
}

#[tokio::test]
async fn a_program_sees_the_spans_in_its_own_subscriber() {
    let mut catalog = Catalog::builtin();
    catalog.add_folder(Path::new("examples/definitions")).unwrap();
    let engine = Engine::new(EngineConfig::new(catalog));
    let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await.unwrap();
    let session = engine.connect(&sandbox.connection("acme-desk").unwrap()).unwrap();
    let names = Names::default();
    let own = tracing_subscriber::registry().with(names.clone());
    let _for_this_thread = tracing::subscriber::set_default(own);
    {
        let entered = tracing::info_span!("own").entered();
        let walk = session.query("getTickets", Options::default(), &CallOptions::default()).unwrap();
        drop(entered);
        assert_eq!(walk.collect().await.unwrap().items.len(), 25);
    }
    let names: Vec<String> = names.0.lock().unwrap().iter().filter(|name| name.starts_with("own")).cloned().collect();
    let request = "own > call > request";
    assert_eq!(names, ["own", "own > call", request, request, request]);
}
