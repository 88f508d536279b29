//! A systemd service and its timer. Pure.

use super::job::{Job, Times};
use super::when::{CronField, When, list};

/// The service.
pub(super) fn service(job: &Job) -> String {
    let (unit, folder) = (&job.unit, specifiers(&job.folder));
    let words: Vec<String> = std::iter::once(&job.program).chain(&job.arguments).map(|word| quoted(word)).collect();
    format!(
        "\
# /etc/systemd/system/{unit}.service
[Unit]
Description=opnode batch {name}
Wants=network-online.target
After=network-online.target
# For the restarts below: at most 4 starts within 6 hours.
StartLimitIntervalSec=6h
StartLimitBurst=4

[Service]
Type=oneshot
# The user who owns the batch file and its state; without this line, root.
#User=opnode
WorkingDirectory={folder}
ExecStart={command}
# Secrets as NAME=value, one a line, mode 0600. The - allows that the file is missing.
EnvironmentFile=-{secrets}

# A batch takes as long as it needs; `run: {{ timeout: 2h }}` in its file sets a limit.
TimeoutStartSec=infinity
# On SIGTERM a run ends in order: requests in flight get a moment, and the rest is resumed. That exits with 143.
KillSignal=SIGTERM
TimeoutStopSec=60
SuccessExitStatus=143
# Exit code 8, single items failed, stays a failure of the unit, so that a person sees it (`systemctl --failed`,
# `opnode items list`). If failed items are usual in this batch, count it as a success:
#SuccessExitStatus=8
# A temporary failure (exit code 6) and a killed process: the run is resumed a while later. Other exit codes need a
# person.
Restart=on-failure
RestartPreventExitStatus=1 2 3 4 5 7 8 9 10 129 130
RestartSec=15min
# No start overlaps another: systemd does not start a running unit, and a run locks its folder (exit code 9).

StandardOutput=journal
StandardError=journal
SyslogIdentifier={unit}

UMask=0077
NoNewPrivileges=true
ProtectSystem=full
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectControlGroups=true
PrivateDevices=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictRealtime=true
RestrictSUIDSGID=true
LockPersonality=true
SystemCallArchitectures=native
",
        name = job.name,
        command = words.join(" "),
        secrets = job.secrets,
    )
}

/// The timer.
pub(super) fn timer(job: &Job) -> String {
    let zone = job.zone.as_ref().map(|zone| format!(" {zone}")).unwrap_or_default();
    let (times, delay) = match &job.times {
        Times::Calendar(text) => (vec![specifiers(text)], 60),
        // A tenth of the interval, so that starts stay apart.
        Times::Cron(when) => (calendar(when), when.gap().map_or(60, |gap| gap.as_secs() / 10).min(120)),
    };
    let times: Vec<String> = times.iter().map(|time| format!("OnCalendar={time}{zone}")).collect();
    format!(
        "\
# /etc/systemd/system/{unit}.timer
# Install both files, then: systemctl daemon-reload && systemctl enable --now {unit}.timer
# Look at it: systemctl list-timers {unit}.timer; journalctl -u {unit}; opnode runs show last
[Unit]
Description=Starts the opnode batch {name}

[Timer]
{times}
# A start that was missed while the machine was off is made up for.
Persistent=true
RandomizedDelaySec={delay}
Unit={unit}.service

[Install]
WantedBy=timers.target
",
        unit = job.unit,
        name = job.name,
        times = times.join("\n"),
    )
}

/// The times as `OnCalendar`. systemd wants the day of the month and of the week to fit, cron one of them.
fn calendar(when: &When) -> Vec<String> {
    const NAMES: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let two = |value: u8| format!("{value:02}");
    let part = |field: &CronField| if field.is_any { "*".to_owned() } else { list(&field.values, two) };
    let clock = format!("{}:{}:00", part(&when.hour), part(&when.minute));
    let name = |day: u8| NAMES.get(usize::from(day)).copied().unwrap_or_default().to_owned();
    let days = if when.weekday.is_any { String::new() } else { format!("{} ", list(&when.weekday.values, name)) };
    let month = part(&when.month);
    match when.is_either_day() {
        true => vec![format!("*-{month}-{} {clock}", part(&when.day)), format!("{days}*-{month}-* {clock}")],
        false => vec![format!("{days}*-{month}-{} {clock}", part(&when.day))],
    }
}

/// `%` begins a specifier.
fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// A word of a command.
fn quoted(word: &str) -> String {
    let word = specifiers(word).replace('$', "$$");
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%$".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word;
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}
