//! What a scheduler runs: program, arguments, folder and names. Refuses what a scheduler cannot be told.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::when::When;
use crate::cli::app::App;
use crate::cli::args::{Args, Command, RunArgs, ScheduleArgs};
use crate::error::{Error, ErrorKind, Result, io_text};

/// Longest name: that of a CronJob is limited to 52 characters.
const NAME_MAX: usize = 40;

/// A scheduled batch.
pub(super) struct Job {
    /// The name of its unit, with `opnode-` before it.
    pub(super) unit: String,
    pub(super) name: String,
    pub(super) program: String,
    /// The arguments, with absolute paths.
    pub(super) arguments: Vec<String>,
    /// The arguments in a container.
    pub(super) flags: Vec<String>,
    pub(super) file: String,
    pub(super) folder: String,
    /// A file with secrets as `NAME=value`.
    pub(super) secrets: String,
    pub(super) zone: Option<String>,
    pub(super) image: String,
    pub(super) times: Times,
    /// The inputs that the flags give.
    pub(super) given: BTreeSet<String>,
}

/// When it runs.
pub(super) enum Times {
    Cron(Box<When>),
    /// An expression of systemd.
    Calendar(String),
}

impl Job {
    /// # Errors
    /// `usage` when a name or a path cannot be used.
    pub(super) fn new(app: &App, args: &ScheduleArgs, batch: &str, times: Times) -> Result<Job> {
        let wrong = |e: std::io::Error| Error::new(ErrorKind::State, format!("this program's path: {}", io_text(&e)));
        let program = text_of(&std::env::current_exe().map_err(wrong)?)?;
        let file = text_of(&absolute(&args.file)?)?;
        let mut flags = Vec::new();
        for (flag, path) in [("--connections", &app.global.connections), ("--tokens", &app.global.tokens)] {
            let is_keyring = path.as_ref().is_some_and(|path| path.as_os_str() == "keyring");
            if let Some(path) = path {
                flags.extend([
                    flag.to_owned(),
                    if is_keyring { "keyring".to_owned() } else { text_of(&absolute(path)?)? },
                ]);
            }
        }
        for path in &app.global.definitions {
            flags.extend(["--definitions".to_owned(), text_of(&absolute(path)?)?]);
        }
        for argument in &args.run {
            one_line(argument, "an argument")?;
        }
        let given = run_args(&file, &args.run)?.input;
        let mut arguments = vec!["run".to_owned(), file.clone()];
        arguments.extend(flags.into_iter().chain(args.run.iter().cloned()));
        let name = name(args.name.as_deref(), batch)?;
        Ok(Job {
            unit: format!("opnode-{name}"),
            secrets: format!("/etc/opnode/{name}.env"),
            name,
            program,
            arguments,
            flags: args.run.clone(),
            file,
            folder: text_of(&absolute(Path::new(""))?)?,
            zone: args.zone.as_deref().map(zone).transpose()?,
            image: args.image.clone(),
            times,
            given: given.iter().filter_map(|pair| pair.split_once('=')).map(|(name, _)| name.to_owned()).collect(),
        })
    }
}

/// Flags that `opnode run` refuses would only be seen at the first start.
fn run_args(file: &str, flags: &[String]) -> Result<RunArgs> {
    let refused = |why: &str| {
        Error::new(ErrorKind::Usage, format!("`opnode run` refuses the flags after --: {why}"))
            .advise("`opnode run --help` shows its flags")
    };
    let words = ["opnode", "run", file].into_iter().chain(flags.iter().map(String::as_str));
    let parsed = Args::try_parse_from(words).map_err(|e| {
        let text = e.render().to_string();
        refused(text.lines().next().unwrap_or_default().trim_start_matches("error: "))
    })?;
    match parsed.command {
        Some(Command::Run(args)) => Ok(args),
        _ => Err(refused("they are those of another command")),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    let wrong = |e: std::io::Error| Error::new(ErrorKind::State, format!("{}: {}", path.display(), io_text(&e)));
    if path.as_os_str().is_empty() {
        return std::env::current_dir().map_err(wrong);
    }
    std::path::absolute(path).map_err(wrong)
}

/// A path as text on one line: schedulers read text files.
fn text_of(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("{} is not UTF-8", path.display())).advise("rename the file or folder")
    })?;
    one_line(text, "a path")?;
    Ok(text.to_owned())
}

fn one_line(text: &str, what: &str) -> Result<()> {
    match text.chars().any(char::is_control) {
        false => Ok(()),
        true => Err(Error::new(ErrorKind::Usage, format!("{what} has control characters: {}", text.escape_debug()))
            .advise("schedulers read one line at a time: use another name")),
    }
}

/// The name of the units, from that of the batch unless it is given.
fn name(given: Option<&str>, batch: &str) -> Result<String> {
    let mut plain = String::new();
    for c in given.unwrap_or(batch).to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => plain.push(c),
            _ if plain.ends_with('-') => {}
            _ => plain.push('-'),
        }
    }
    let plain: String = plain.trim_matches('-').chars().take(NAME_MAX).collect();
    let plain = plain.trim_matches('-').to_owned();
    match given {
        Some(given) if given != plain || plain.is_empty() => {
            let message = format!("--name {} is not a name of a unit", given.escape_debug());
            Err(Error::new(ErrorKind::Usage, message)
                .advise(format!("use small letters, digits and single -, {NAME_MAX} at most, such as night-sync")))
        }
        _ if plain.is_empty() => Ok("batch".to_owned()),
        _ => Ok(plain),
    }
}

fn zone(text: &str) -> Result<String> {
    let is_zone = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/_+-".contains(c));
    match is_zone {
        true => Ok(text.to_owned()),
        false => Err(Error::new(ErrorKind::Usage, format!("--zone {} is not a time zone", text.escape_debug()))
            .advise("write it as UTC or Europe/Berlin")),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_of_units() {
        for (batch, unit) in [("night", "night"), ("Nächtlicher Abgleich 2", "n-chtlicher-abgleich-2"), ("…", "batch")]
        {
            assert_eq!(name(None, batch).unwrap(), unit);
        }
        assert_eq!(name(None, &"ab".repeat(40)).unwrap().len(), 40);
        assert_eq!(name(Some("night-2"), "x").unwrap(), "night-2");
        for given in ["", "Night", "a b", "-a", "a_b", "a--b"] {
            assert!(name(Some(given), "x").is_err(), "{given}");
        }
    }
}
