//! Reads all items one by one, like the C host.

use opnode::{CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, Limits};

#[tokio::main(worker_threads = 2)]
async fn main() -> opnode::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let mut catalog = Catalog::empty();
    catalog.add_folder(std::path::Path::new(&arguments[2]))?;
    let engine = Engine::new(EngineConfig { catalog, ..EngineConfig::default() });
    let values = [("siteUrl", arguments[1].as_str()), ("user", "u"), ("apiKey", "k")];
    let session = engine.connect(&ConnectionSpec {
        connector: "shop".into(),
        values: values.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        limits: Limits { page_size: Some(1000), ..Limits::default() },
        ..ConnectionSpec::default()
    })?;
    let count: u64 = arguments[3].parse().unwrap();
    // As in the C library: the walk is a task, and the host receives its pages through a queue of two.
    let (sender, mut pages) = tokio::sync::mpsc::channel(2);
    tokio::spawn(async move {
        let mut walk = session.query("listGoods", &serde_json::json!({ "count": count }), &CallOptions::default()).unwrap();
        while let Some(page) = walk.next().await {
            if sender.send(page).await.is_err() {
                return;
            }
        }
    });
    let (mut items, mut bytes) = (0, 0);
    while let Some(page) = pages.recv().await {
        for item in page?.items.iter() {
            bytes += item.as_str().len();
            items += 1;
        }
    }
    println!("{items} items, {bytes} bytes");
    Ok(())
}
