//! `template`: prints a template, ready to paste.

use serde_json::{Value, json};

use super::snippet::{Snippet, has_sandbox, kind_at, shell, step_id};
use crate::cli::app::App;
use crate::cli::args::{TemplateArgs, TemplateForm};
use crate::cli::connections::file::example_name;
use crate::cli::messages;
use crate::definition::Json;
use crate::definition::Template;
use crate::error::{Error, ErrorKind, Result};

/// Prints it.
pub(crate) fn run(app: &App, args: &TemplateArgs) -> Result<()> {
    let catalog = app.catalog()?;
    let template = catalog.template(None, &args.name)?;
    let snippet = Snippet::of(&catalog, &template);
    let text = match args.form {
        TemplateForm::Command => {
            let connector = &template.operation.connector.name;
            let known = example_name(app, connector);
            let target = format!("--connection {}", shell(known.as_deref().unwrap_or("NAME")));
            let mut asked = snippet.to_fill_in();
            let more = if asked.is_empty() {
                ""
            } else {
                "# a terminal asks for these values; else pass them with --set NAME=VALUE or --items\n"
            };
            if known.is_none() {
                let sandbox = if has_sandbox(&catalog, connector) { "; or use --sandbox" } else { "" };
                asked.insert(0, format!("NAME (a connection of {connector}{sandbox})"));
            }
            format!("{}{more}{}\n", head(&template, &asked), snippet.command(&target))
        }
        TemplateForm::Batch => format!("{}{}", head(&template, &[]), snippet.batch(&step_id(&template.name))?),
        TemplateForm::Json => to_json(&template)?,
    };
    messages::print(&text)
}

/// Title, summary and the values to fill in, as comments.
fn head(template: &Template, asked: &[String]) -> String {
    let mut lines = vec![format!("# {}", template.title)];
    lines.extend(
        template.summary.as_deref().filter(|s| *s != template.title).map(|s| format!("# {}", s.replace('\n', "\n# "))),
    );
    lines.extend((!asked.is_empty()).then(|| format!("# fill in: {}", asked.join(", "))));
    lines.join("\n") + "\n"
}

fn to_json(template: &Template) -> Result<String> {
    // Written as text, because `serde_json::Map` does not keep the order of options and items.
    let ask: Vec<Value> = template.ask.iter().map(|p| json!({ "field": p, "type": kind_at(template, p) })).collect();
    let items = template.items.iter().map(|Json(text)| text.as_str()).collect::<Vec<_>>().join(",");
    let parts = [
        ("template", json!(template.name).to_string()),
        ("title", json!(template.title).to_string()),
        ("connector", json!(template.operation.connector.name).to_string()),
        ("method", json!(template.operation.method).to_string()),
        ("operation", json!(template.operation.id).to_string()),
        ("options", template.options.0.clone()),
        ("items", format!("[{items}]")),
        ("ask", Value::from(ask).to_string()),
    ];
    let body: Vec<String> = parts.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    let text = format!("{{{}}}", body.join(","));
    serde_json::from_str::<serde::de::IgnoredAny>(&text)
        .map_err(|e| Error::new(ErrorKind::Internal, format!("the template: {e}")))?;
    Ok(crate::cli::screen::json::pretty(&text))
}
