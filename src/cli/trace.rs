//! `-v` logs each request on a line of stderr; `-vv` shows whole exchanges, retries and waits. Only events of this crate are logged, because they mask
//! credentials; those of its libraries do not.

use std::collections::BTreeMap;
use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::Registry;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use url::Url;

use super::screen::json;
use super::screen::terminal_text::{count, one_line, safe};
use crate::exchanges::{Exchange, MessageBody, ShownMessage, Watch, hide_fields};

/// Receives spans for their export.
pub(crate) type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging, and the export of spans; `verbose` is the number of `-v` flags.
pub(crate) fn start(verbose: u8, spans: Option<SpanLayer>) {
    let level = match verbose {
        0 => None,
        1 => Some(tracing::Level::DEBUG),
        _ => Some(tracing::Level::TRACE),
    };
    if level.is_none() && spans.is_none() {
        return;
    }
    let lines = level.map(|level| {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .event_format(TraceLines { is_full: verbose > 1 })
            .with_filter(tracing_subscriber::EnvFilter::new(format!("opnode={level}")))
    });
    let _already_set = tracing_subscriber::registry().with(spans).with(lines).try_init();
}

/// Formats events as text lines.
struct TraceLines {
    is_full: bool,
}

/// The fields of an event.
#[derive(Default)]
struct TraceFields(BTreeMap<&'static str, String>);

impl Visit for TraceFields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl TraceFields {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> u64 {
        self.get(name).parse().unwrap_or_default()
    }

    /// `GET /path`; with -vv the whole URL.
    fn request(&self, is_full: bool) -> String {
        let url = self.get("url");
        let path = Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned());
        format!("{} {}", self.get("verb"), if is_full { url } else { &path })
    }

    /// The lines of an event; none for events that only -vv logs.
    fn lines(&self, is_full: bool) -> Vec<String> {
        let time = || milliseconds(self.number("ms"));
        match self.get("message") {
            "exchange" => {
                let size = count(self.number("bytes"), "byte");
                vec![format!("{} {}, {}, {size}", self.request(is_full), self.get("status"), time())]
            }
            "job" => vec![format!("  waits for a job, asked {}", count(self.number("polls"), "time"))],
            "no reply" => vec![format!("{} no reply, {}: {}", self.request(is_full), time(), self.get("why"))],
            // With -vv the whole exchange was shown.
            "headers" => Vec::new(),
            "retry" if is_full => {
                let wait = milliseconds(self.number("wait_ms"));
                vec![format!("  retry {} in {wait}: {}", self.number("attempts"), self.get("why"))]
            }
            "retry" => Vec::new(),
            "turn" => {
                vec![format!("  wait {} for the rate limit of the connection", milliseconds(self.number("wait_ms")))]
            }
            other => vec![format!("note: {other}")],
        }
    }
}

fn milliseconds(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1000.0) }
}

impl<S, N> FormatEvent<S, N> for TraceLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = TraceFields::default();
        event.record(&mut fields);
        fields.lines(self.is_full).iter().try_for_each(|line| writeln!(writer, "{}", one_line(line)))
    }
}

/// Larger bodies are cut.
const BODY_MAX: usize = 1 << 20;

/// `-vv`: shows each exchange on stderr, secrets masked.
pub(crate) struct FullExchanges;

impl Watch for FullExchanges {
    fn exchange(&self, exchange: &Exchange) {
        let mut text = message_text(&exchange.sent(), '>');
        match exchange.received() {
            Ok(reply) => text.push_str(&message_text(&reply, '<')),
            Err(failure) => text.push_str(&format!("< no reply: {}\n", one_line(&failure.message))),
        }
        let _closed = std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes());
    }
}

/// Start line and headers, each after the sign; then the body, indented JSON if it is JSON.
fn message_text(message: &ShownMessage, sign: char) -> String {
    let mut text = head_text(message, sign);
    match &message.body {
        MessageBody::Empty => {}
        MessageBody::Bytes(bytes) => text.push_str(&format!("({})\n", count(bytes.len() as u64, "byte"))),
        MessageBody::Text(body) => {
            let end = body.char_indices().map(|(at, _)| at).take_while(|at| *at <= BODY_MAX).last().unwrap_or(0);
            let cut = if body.len() <= BODY_MAX { body.len() } else { end };
            text.push_str(&safe(&json::pretty(&hide_fields(body.get(..cut).unwrap_or_default()))));
            text.push('\n');
            if cut < body.len() {
                text.push_str(&format!("(and {} more)\n", count((body.len() - cut) as u64, "byte")));
            }
        }
    }
    text
}

/// Start line and headers, each after the sign.
pub(crate) fn head_text(message: &ShownMessage, sign: char) -> String {
    let mut text = format!("{sign} {}\n", one_line(&message.start));
    for (name, value) in &message.headers {
        text.push_str(&format!("{sign} {name}: {}\n", one_line(value)));
    }
    text
}
