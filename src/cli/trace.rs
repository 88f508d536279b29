//! `-v` and `-vv`: a line on stderr for each request, and with `-vv` also its headers, retries and waits. Only this crate's own events, whose texts are
//! masked; those of the libraries below are not.

use std::collections::BTreeMap;
use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::screen::terminal_text::{count, one_line};

/// Starts to tell; `verbose` is how often the flag was given.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("opnode={level}"));
    let _already_set = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .event_format(Lines { is_full: verbose > 1 })
        .try_init();
}

/// Events as lines for people.
struct Lines {
    is_full: bool,
}

/// What an event says.
#[derive(Default)]
struct Said(BTreeMap<&'static str, String>);

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Said {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> u64 {
        self.get(name).parse().unwrap_or_default()
    }

    /// `GET /path`, with -vv the whole address.
    fn request(&self, is_full: bool) -> String {
        let url = self.get("url");
        let path = Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned());
        format!("{} {}", self.get("verb"), if is_full { url } else { &path })
    }

    /// The lines for an event; none for what only -vv tells.
    fn lines(&self, is_full: bool) -> Vec<String> {
        let time = || milliseconds(self.number("ms"));
        match self.get("message") {
            "exchange" => {
                let size = count(self.number("bytes"), "byte");
                vec![format!("{} {}, {}, {size}", self.request(is_full), self.get("status"), time())]
            }
            "no reply" => vec![format!("{} no reply, {}: {}", self.request(is_full), time(), self.get("why"))],
            "headers" => {
                let sign = if self.get("way") == "sent" { ">" } else { "<" };
                self.get("headers").lines().map(|header| format!("  {sign} {header}")).collect()
            }
            "retry" if is_full => {
                let wait = milliseconds(self.number("wait_ms"));
                vec![format!("  retry {} in {wait}: {}", self.number("attempts"), self.get("why"))]
            }
            "retry" => Vec::new(),
            "turn" => vec![format!("  wait {} for the pace of the connection", milliseconds(self.number("wait_ms")))],
            other => vec![format!("note: {other}")],
        }
    }
}

fn milliseconds(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1000.0) }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        said.lines(self.is_full).iter().try_for_each(|line| writeln!(writer, "{}", one_line(line)))
    }
}
