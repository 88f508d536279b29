//! A query from a program: opens a connection, walks a list page by page, prints the receipt. Uses the sandbox, so it
//! runs without changes.

use opnode::sandbox::{Sandbox, SandboxOptions};
use opnode::{CallOptions, Engine};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> opnode::Result<()> {
    let engine = Engine::default();
    let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
    // With a real system, fill in a `ConnectionSpec` with its properties instead.
    let session = engine.connect(&sandbox.connection("connectwise-manage")?)?;

    let options = json!({"conditions": "inactiveFlag=false"});
    let mut walk = session.query("getSystemMembers", &options, &CallOptions::default())?;
    while let Some(page) = walk.next().await {
        for item in page?.items.iter() {
            println!("{}", item.as_str());
        }
    }
    let receipt = walk.receipt();
    eprintln!("{} items on {} pages, complete: {}", receipt.items, receipt.pages, receipt.complete);
    Ok(())
}
