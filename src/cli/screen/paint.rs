//! Terminal colours. Pure, except that it reads NO_COLOR and TERM.

/// Colours, or none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Paint(bool);

impl Paint {
    /// Colours if the stream is a terminal and the environment does not disable them (no-color.org).
    pub(crate) fn for_terminal(is_terminal: bool) -> Paint {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Paint(is_terminal && !dumb && !is_set("NO_COLOR"))
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
    pub(crate) fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }
    pub(crate) fn warn(self, text: &str) -> String {
        self.wrap("1;33", text)
    }
    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }
    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }
    pub(crate) fn help(self, text: &str) -> String {
        self.wrap("1;36", text)
    }
}
