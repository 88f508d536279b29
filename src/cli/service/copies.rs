//! A call as text to paste: a step of a batch, a command, or a program in a language.

use std::sync::Arc;

use serde::Deserialize;

use super::{Service, ServiceCall};
use crate::cli::call::curl;
use crate::cli::catalog::snippet::{Snippet, shell, step_id};
use crate::cli::connections::route::OpenConnection;
use crate::definition::{Json, Template};
use crate::error::{Error, ErrorKind, Result};

/// What a call is copied as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum CopyForm {
    Batch,
    Command,
    Curl,
    C,
    Csharp,
    Python,
    Request,
    /// A file of templates.
    Template,
}

impl Service {
    /// The text.
    ///
    /// # Errors
    /// `unknown_operation`; for curl those of [`plan`](Service::plan).
    pub(in crate::cli) async fn copy(&self, call: &ServiceCall, form: CopyForm) -> Result<String> {
        let id = call.request.operation_id.as_deref().unwrap_or_default();
        let current = self.current();
        let operation = current.catalog().operation(Some(&call.connector), id)?;
        let broken = |e: serde_json::Error| Error::new(ErrorKind::Internal, format!("the call: {e}"));
        let json = serde_json::to_string(&call.request).map_err(broken)?;
        let items = call.request.items.iter().flat_map(|items| items.iter().map(|item| Json(item.as_str().to_owned())));
        let template = Template {
            name: operation.id.clone(),
            title: operation.title.clone(),
            summary: None,
            options: Json(serde_json::to_string(&call.request.options).map_err(broken)?),
            items: items.collect(),
            ask: Vec::new(),
            tags: Vec::new(),
            is_automatic: false,
            operation: Arc::clone(&operation),
        };
        let snippet = Snippet::of(current.catalog(), &template);
        Ok(match form {
            CopyForm::Batch => snippet.batch(&step_id(&operation.id))?,
            CopyForm::Command => {
                let named = call.connection.as_ref().map(|name| format!("--connection {}", shell(name)));
                snippet.command(named.as_deref().unwrap_or("--sandbox")) + "\n"
            }
            CopyForm::Curl => {
                let session = self.session_of(call).await?;
                let signed = session.plan_signed(&call.request)?;
                let secret = session.redactor_of_call(&call.request)?;
                let name = call.connection.clone().unwrap_or_else(|| "sandbox".to_owned());
                secret.mask(&curl::text(&signed, &OpenConnection::of((*session).clone(), name))).into_owned()
            }
            CopyForm::C => C.replace("REQUEST", &quoted(&json)),
            CopyForm::Python => PYTHON.replace("REQUEST", &quoted(&json)),
            CopyForm::Csharp => CSHARP.replace("REQUEST", &json.replace('"', "\"\"")),
            CopyForm::Template => snippet.template_file()?,
            CopyForm::Request => crate::cli::screen::json::pretty(&json),
        })
    }
}

/// A text as a literal of C and Python.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

const C: &str = r#"const char *request = "REQUEST";
opnode_op *operation = NULL;
opnode_buf *page = NULL;
must(opnode_op_start(connection, request, OPNODE_NTS, 1, &operation, &error), &error);
while ((status = opnode_op_next(operation, -1, &page, &error)) == OPNODE_OK) {
  /* opnode_buf_item(page, i, &length) is an item */
  opnode_buf_free(page);
}
must(status, &error);
opnode_op_free(operation);
"#;

const PYTHON: &str = r#"with connection.start(json.loads("REQUEST")) as operation:
    for page in operation:
        for item in page:
            print(item)
"#;

const CSHARP: &str = r#"using (var operation = connection.Start(@"REQUEST"))
{
    Batch page;
    while ((page = await operation.NextAsync()) != null)
        using (page)
            for (var i = 0; i < page.Count; i++) Console.WriteLine(page[i]);
}
"#;
