//! A minimal program for comparison: the same requests with the same HTTP client, the JSON checked and no item
//! built. `benches/whole/measure.py` compares the command with it; run without arguments it does nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may stop at any fault")]

use std::io::Write;

use serde_json::value::RawValue;

type Failed = Box<dyn std::error::Error>;

/// Prints all pages of a list, one line per item.
async fn read(client: &reqwest::Client, url: String, out: &mut impl Write) -> Result<(), Failed> {
    let mut next = Some(url);
    let mut lines = Vec::new();
    while let Some(url) = next.take() {
        let reply = client.get(&url).header("authorization", "Basic dTpr").send().await?.error_for_status()?;
        let link = reply.headers().get("link").map(|v| v.to_str().unwrap_or_default().to_owned()).unwrap_or_default();
        next = link
            .split(", <")
            .find(|l| l.contains("\"next\""))
            .and_then(|l| l.trim_start_matches('<').split('>').next())
            .map(str::to_owned);
        let page = reply.bytes().await?;
        lines.clear();
        for item in serde_json::from_slice::<Vec<&RawValue>>(&page)? {
            lines.extend_from_slice(item.get().as_bytes());
            lines.push(b'\n');
        }
        out.write_all(&lines)?;
    }
    Ok(())
}

async fn run(args: &[String]) -> Result<(), Failed> {
    // No certificate is checked, so none is loaded.
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let client = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build()?;
    let create = |path: &str| std::fs::File::create(path);
    match args[0].as_str() {
        "read" => read(&client, args[1].clone(), &mut create(&args[2])?).await,
        "batch" => {
            let mut out = create(&args[2])?;
            for _ in 0..args[3].parse::<u32>()? {
                read(&client, args[1].clone(), &mut out).await?;
            }
            Ok(out.sync_all()?)
        }
        "write" => {
            let mut out = create(&args[3])?;
            let items = std::fs::read_to_string(&args[2])?;
            let (url, client) = (&args[1], &client);
            let mut items = items.lines();
            // Eight at a time, like the command.
            loop {
                let post = |item: &str| {
                    let request = client
                        .post(url)
                        .header("authorization", "Basic dTpr")
                        .header("content-type", "application/json")
                        .body(item.to_owned());
                    async move { request.send().await?.error_for_status()?.bytes().await }
                };
                let some: Vec<_> = items.by_ref().take(8).map(post).collect();
                if some.is_empty() {
                    return Ok(());
                }
                for reply in futures_util::future::try_join_all(some).await? {
                    out.write_all(serde_json::from_slice::<&RawValue>(&reply)?.get().as_bytes())?;
                    out.write_all(b"\n")?;
                }
            }
        }
        other => Err(format!("{other} is none of read, batch and write").into()),
    }
}

fn main() -> Result<(), Failed> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if args.is_empty() {
        return Ok(());
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(&args))
}
