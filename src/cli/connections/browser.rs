//! Opens a URL in the browser, with a command of `BROWSER` or of the system. Variables that may contain secrets are removed from its environment.

use std::process::{Command, Stdio};

/// Commands that open URLs, in order of preference; the URL is the last argument.
const OPENERS: &[&str] = if cfg!(target_os = "macos") {
    &["open"]
} else if cfg!(windows) {
    &["rundll32 url.dll,FileProtocolHandler"]
} else {
    &["xdg-open", "gio open", "x-www-browser", "wslview", "rundll32.exe url.dll,FileProtocolHandler"]
};

/// Opens the URL on another thread, ignoring failures: the user can always open it. `hidden` are variables to remove, besides those of opnode.
pub(crate) fn open(address: &str, mut hidden: Vec<String>) {
    hidden.extend(
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| name.starts_with("OPNODE_")),
    );
    let address = address.to_owned();
    std::thread::spawn(move || {
        let chosen = std::env::var_os("BROWSER").unwrap_or_default();
        let chosen = std::env::split_paths(&chosen).map(|command| command.to_string_lossy().into_owned());
        if !chosen.chain(OPENERS.iter().map(|&c| c.to_owned())).any(|command| run(&command, &address, &hidden)) {
            tracing::debug!("no browser");
        }
    });
}

/// Runs a command with the URL, which replaces `%s` or is appended. Returns whether it succeeded.
fn run(command: &str, address: &str, hidden: &[String]) -> bool {
    let last = (!command.contains("%s")).then(|| address.to_owned());
    let mut words = command.split_whitespace().map(|word| word.replace("%s", address));
    let Some(program) = words.next() else { return false };
    let mut child = Command::new(program);
    hidden.iter().for_each(|name| {
        child.env_remove(name);
    });
    child.args(words).args(last).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    child.status().is_ok_and(|status| status.success())
}
