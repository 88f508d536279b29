//! Calls that no operation describes, and operations made of them.

use std::ffi::OsString;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use super::commands::CommandEnd;
use crate::ConnectionSpec;
use crate::cli::call::raw::PageCall;
use crate::cli::connections::file::secrets;
use crate::definition::Method;
use crate::draft::{RawBody, RawRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::import::digest;

/// A call by verb and path.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::cli) struct RawCallRequest {
    /// A connection of the connections file; without it, the sandbox of the connector.
    #[serde(default)]
    connection: Option<String>,
    #[serde(default)]
    connector: Option<String>,
    verb: String,
    path: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: Option<String>,
    /// For a write: the hash of the plan that was shown.
    #[serde(default)]
    plan_hash: Option<String>,
}

/// A call that becomes an operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct RawCallToSave {
    connection: String,
    verb: String,
    path: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: Option<String>,
    id: String,
    #[serde(default)]
    title: Option<String>,
    /// `query` if a POST only reads.
    #[serde(default)]
    method: Option<String>,
}

impl Service {
    /// Sends a read; of a write only its plan is shown, until the hash of that comes back.
    ///
    /// # Errors
    /// Those that are known before anything is sent.
    pub(in crate::cli) async fn raw_call(&self, given: &RawCallRequest) -> Result<Value> {
        let request = request(&given.verb, &given.path, &given.headers, given.body.as_deref())?;
        let (spec, keeps_tokens) = self.spec(given).await?;
        let call = PageCall { app: &self.app, spec: &spec, request: &request, keeps_tokens };
        let plan = call.planned()?;
        let text = serde_json::to_string(&(&given.connection, &plan)).unwrap_or_default();
        let hash = digest(&text);
        if request.method != Method::Query && given.plan_hash.as_ref() != Some(&hash) {
            return Ok(json!({ "plan": plan, "hash": hash }));
        }
        let (exchange, error) = call.sent().await?;
        Ok(json!({ "plan": plan, "hash": hash, "exchange": exchange, "error": error }))
    }

    /// Sends the call once more, and makes an operation of it, as `opnode call --save-as`.
    ///
    /// # Errors
    /// `internal` when the command cannot be started; its failures are in its end.
    pub(in crate::cli) async fn save_call(&self, given: &RawCallToSave) -> Result<CommandEnd> {
        let mut words: Vec<OsString> = ["call", &given.verb, &given.path].map(OsString::from).to_vec();
        let mut add = |more: &[&str]| words.extend(more.iter().map(OsString::from));
        add(&["--connection", &given.connection, "--save-as", &given.id]);
        given.headers.iter().for_each(|(name, value)| add(&["--header", &format!("{name}: {value}")]));
        let body = given.body.clone().filter(|body| !body.trim().is_empty());
        if body.is_some() {
            add(&["--body", "-"]);
        }
        given.title.iter().filter(|title| !title.is_empty()).for_each(|title| add(&["--title", title]));
        given.method.iter().for_each(|method| add(&["--method", method]));
        // The page has shown and sent it before.
        add(&["--yes"]);
        let end = self.command(words, body).await?;
        self.refresh_quietly();
        Ok(end)
    }

    async fn spec(&self, given: &RawCallRequest) -> Result<(ConnectionSpec, bool)> {
        let current = self.current();
        match &given.connection {
            Some(name) => {
                let file = current.connections()?;
                let none = || Error::new(ErrorKind::Connection, "there is no connections file");
                Ok((file.ok_or_else(none)?.spec(&secrets(), name)?, true))
            }
            None => {
                let none = || Error::new(ErrorKind::Usage, "choose a connection, or a connector for the sandbox");
                let connector = given.connector.as_deref().ok_or_else(none)?;
                Ok((current.sandbox().await?.connection(connector)?, false))
            }
        }
    }
}

fn request(verb: &str, path: &str, headers: &[(String, String)], body: Option<&str>) -> Result<RawRequest> {
    let mut request = RawRequest::parse(verb, path.trim(), &[])?;
    let mut content_type = "application/json".to_owned();
    for (name, value) in headers.iter().filter(|(name, _)| !name.trim().is_empty()) {
        let name = name.trim().to_ascii_lowercase();
        match name.as_str() {
            "content-type" => value.trim().clone_into(&mut content_type),
            "authorization" | "cookie" | "proxy-authorization" => {
                return Err(Error::new(ErrorKind::Usage, format!("the header {name} is a credential"))
                    .advise("the connection signs the request: put its credentials into the connection"));
            }
            _ => request.headers.push((name, value.trim().to_owned())),
        }
    }
    if let Some(text) = body.filter(|text| !text.trim().is_empty()) {
        if content_type.contains("json")
            && let Err(wrong) = serde_json::from_str::<serde::de::IgnoredAny>(text)
        {
            let message = format!("the body is not JSON: {}", crate::json_error::words(&wrong, text));
            return Err(Error::new(ErrorKind::Usage, message)
                .advise("for another format add its header, such as content-type: text/plain"));
        }
        request.body = Some(RawBody { content_type, text: text.to_owned() });
    }
    Ok(request)
}
