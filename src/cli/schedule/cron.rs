//! A line for crontab. Pure.

use super::job::Job;
use super::when::When;

/// The line, with what it needs around it.
pub(super) fn crontab(job: &Job, when: &When) -> String {
    let words: Vec<String> = std::iter::once(&job.program).chain(&job.arguments).map(|word| shell(word)).collect();
    let command = format!(
        "set -a; [ ! -r {secrets} ] || . {secrets}; cd {folder} && exec {command} -q",
        secrets = shell(&job.secrets),
        folder = shell(&job.folder),
        command = words.join(" ")
    );
    let zone = match &job.zone {
        Some(zone) => {
            format!("# Only cronie reads the time zone; other crons use that of the machine.\nCRON_TZ={zone}\n")
        }
        None => String::new(),
    };
    format!(
        "\
# crontab -e, or a file /etc/cron.d/{unit} with a user name after the five fields
# cron mails what a run prints: with -q only warnings and errors, so a mail means that a person is needed.
# The log of each run is in its folder: opnode runs show last
# No flock is needed: a run locks its folder, and a second start ends at once with exit code 9.
# Secrets are in {secrets} as NAME=value, one a line, mode 0600, quoted as for a shell.
MAILTO=root
SHELL=/bin/sh
{zone}{times} {command}
",
        unit = job.unit,
        secrets = job.secrets,
        times = when.cron(),
        // cron takes a % for the end of the command.
        command = command.replace('%', "\\%"),
    )
}

/// A word for a shell.
pub(super) fn shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
