//! Opens an address in the browser: with a command of `BROWSER`, else with what the system has for it. Of the environment, the browser gets no variable
//! that may hold a secret of ours.

use std::process::{Command, Stdio};

/// What opens addresses, first choice first; the address is the last word.
const OPENERS: &[&str] = if cfg!(target_os = "macos") {
    &["open"]
} else if cfg!(windows) {
    &["rundll32 url.dll,FileProtocolHandler"]
} else {
    &["xdg-open", "gio open", "x-www-browser", "wslview", "rundll32.exe url.dll,FileProtocolHandler"]
};

/// Best effort, aside: a person can always open the address. `hidden` are the variables that are kept back, beside all of opnode's own.
pub(crate) fn open(address: &str, mut hidden: Vec<String>) {
    hidden.extend(
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| name.starts_with("OPNODE_")),
    );
    let address = address.to_owned();
    std::thread::spawn(move || {
        let chosen = std::env::var_os("BROWSER").unwrap_or_default();
        let chosen = std::env::split_paths(&chosen).map(|command| command.to_string_lossy().into_owned());
        if !chosen.chain(OPENERS.iter().map(|&c| c.to_owned())).any(|command| takes(&command, &address, &hidden)) {
            tracing::debug!("no browser");
        }
    });
}

/// Whether the command takes the address, which stands for `%s` or comes last.
fn takes(command: &str, address: &str, hidden: &[String]) -> bool {
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
