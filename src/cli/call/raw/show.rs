//! Shows an exchange: its head on stderr, the body of the reply on stdout.

use std::io::{IsTerminal, Write};

use crate::Response;
use crate::cli::app::App;
use crate::cli::messages;
use crate::cli::screen::{Paint, json, terminal_text};
use crate::cli::trace::head_text;
use crate::error::Result;
use crate::exchanges::{Exchange, MessageBody, ShownMessage, hide_fields, shown_body};
use crate::json_text::text_length;
use crate::secret::Redactor;
use crate::transport::Failure;

/// An exchange, masked, with the reply as it was received.
pub(super) struct ShownExchange {
    sent: ShownMessage,
    received: Result<ShownMessage, Failure>,
    /// The body for a terminal.
    shown: Option<String>,
    pub(super) reply: Option<Response>,
    pub(super) redactor: Redactor,
}

impl ShownExchange {
    pub(super) fn of(exchange: &Exchange) -> ShownExchange {
        let reply = exchange.outcome.as_ref().ok().cloned();
        ShownExchange {
            sent: exchange.sent(),
            received: exchange.received(),
            shown: reply.as_ref().and_then(|reply| shown_body(&exchange.redactor, reply)),
            reply,
            redactor: exchange.redactor.clone(),
        }
    }

    /// For a page: status, headers and body, masked.
    #[cfg(feature = "studio")]
    pub(super) fn to_value(&self) -> serde_json::Value {
        let message = |message: &ShownMessage| {
            let body = match &message.body {
                MessageBody::Empty => None,
                MessageBody::Text(text) => Some(text.clone()),
                MessageBody::Bytes(bytes) => Some(format!("({} bytes that are no text)", bytes.len())),
            };
            serde_json::json!({ "start": message.start, "headers": message.headers, "body": body })
        };
        let received = self.received.as_ref().ok().map(message);
        serde_json::json!({ "sent": message(&self.sent), "received": received })
    }

    /// Prints it. With -vv the head was already shown.
    pub(super) fn print(&self, app: &App, with_body: bool) -> Result<()> {
        if app.global.verbose < 2 && !app.global.quiet && !app.screen.is_json() {
            let mut head = head_text(&self.sent, '>');
            if let MessageBody::Text(body) = &self.sent.body {
                head.push_str(&format!("{}\n", terminal_text::safe(&json::pretty(&hide_fields(body)))));
            }
            if let Ok(reply) = &self.received {
                head.push_str(&head_text(reply, '<'));
            }
            app.screen.line(head.trim_end());
        }
        if with_body { self.print_body() } else { Ok(()) }
    }

    /// On a terminal masked, indented and coloured; on a pipe the bytes as they were received.
    pub(super) fn print_body(&self) -> Result<()> {
        let Some(reply) = self.reply.as_ref().filter(|reply| !reply.body.is_empty()) else { return Ok(()) };
        let mut out = std::io::stdout();
        if !out.is_terminal() {
            let written = out.write_all(&reply.body).and_then(|()| match reply.body.last() {
                Some(b'\n') => Ok(()),
                Some(_) | None => out.write_all(b"\n"),
            });
            return match written.and_then(|()| out.flush()) {
                Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => Err(messages::stdout_failed(&cause)),
                _ => Ok(()),
            };
        }
        match &self.shown {
            Some(text) => messages::print_painted(&painted(&terminal_text::safe(&json::pretty(text)))),
            None => messages::print(&format!(
                "({}; write them to a file: opnode call … > FILE)",
                terminal_text::count(reply.body.len() as u64, "byte")
            )),
        }
    }
}

/// Indented JSON with coloured names.
fn painted(text: &str) -> String {
    let paint = Paint::for_terminal(std::io::stdout().is_terminal());
    if !text.starts_with(['{', '[']) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let (before, quoted) = rest.split_at(start);
        out.push_str(before);
        let (word, after) = quoted.split_at(text_length(quoted));
        if after.starts_with(':') {
            out.push_str(&paint.help(word))
        } else {
            out.push_str(word)
        }
        rest = after;
    }
    out + rest
}
