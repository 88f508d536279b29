//! `items edit-and-resend`: changes an item by flags, or in an editor, and sends it.

use std::path::Path;
use std::process::Command;

use serde_json::value::RawValue;

use super::choose;
use super::resend::Resending;
use crate::batch::LeftItem;
use crate::cli::app::App;
use crate::cli::args::ItemEditArgs;
use crate::cli::new_files::failed;
use crate::cli::screen::json::pretty;
use crate::error::{Error, ErrorKind, Result};
use crate::json_text::{fields_of, one_line, put_list, put_object, text_of};
use crate::private_file;

/// Changes it and sends it. Returns the exit code.
pub(super) async fn run(app: &App, args: &ItemEditArgs) -> Result<u8> {
    let item = choose::one(&args.which)?;
    let text = changed(&item, args)?;
    Resending { app, how: &args.how, state: &args.which.runs.state }.all(vec![item], Some(&text)).await
}

/// The item as it is sent.
fn changed(item: &LeftItem, args: &ItemEditArgs) -> Result<String> {
    if item.method == "query" || (item.item.is_none() && item.options.is_some()) {
        let message =
            format!("item {} of {} has no fields to change: its call has only options", item.number(), item.step);
        return Err(Error::new(ErrorKind::Usage, message).advise("change the batch file, and run the batch again"));
    }
    if let Some(json) = &args.item_json {
        return checked(json, "--item-json");
    }
    let Some(own) = &item.item else {
        let message = format!("what was sent as item {} of {} is not recorded", item.number(), item.step);
        return Err(Error::new(ErrorKind::Usage, message).advise("give the whole item with --item-json"));
    };
    if args.set.is_empty() {
        return in_editor(own.get());
    }
    args.set.iter().try_fold(own.get().to_owned(), |text, pair| {
        let wrong = || Error::new(ErrorKind::Usage, format!("--set {pair} is not FIELD=VALUE"));
        let (path, value) = pair.split_once('=').filter(|(path, _)| !path.is_empty()).ok_or_else(wrong)?;
        let path: Vec<&str> = path.split('.').collect();
        with_field(Some(&text), &path, &typed(value)).ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("--set {pair}: the item has no place for this field"))
                .advise("a dot selects a field of an object, or an element of a list by its number")
        })
    })
}

/// JSON keeps its type; anything else is text.
fn typed(value: &str) -> String {
    match serde_json::from_str::<&RawValue>(value) {
        Ok(raw) => raw.get().to_owned(),
        Err(_) => text_of(value),
    }
}

/// A value with one field set; the other fields keep their text and their order.
fn with_field(text: Option<&str>, path: &[&str], value: &str) -> Option<String> {
    let Some((name, rest)) = path.split_first() else { return Some(value.to_owned()) };
    let text = text.filter(|text| *text != "null").unwrap_or("{}");
    let mut out = String::new();
    if let Some(fields) = fields_of(text) {
        let old = fields.iter().find(|(own, _)| own == name).map(|(_, raw)| raw.get());
        let new = with_field(old, rest, value)?;
        let is_new = old.is_none().then_some((*name, new.as_str()));
        let all = fields.iter().map(|(own, raw)| (own.as_str(), if own == name { new.as_str() } else { raw.get() }));
        put_object(&mut out, all.chain(is_new), |out, value| out.push_str(value));
        return Some(out);
    }
    let list: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let at: usize = name.parse().ok()?;
    let new = with_field(Some(list.get(at)?.get()), rest, value)?;
    let all = list.iter().enumerate().map(|(own, raw)| if own == at { new.as_str() } else { raw.get() });
    put_list(&mut out, all, |out, value| out.push_str(value));
    Some(out)
}

fn checked(json: &str, what: &str) -> Result<String> {
    match serde_json::from_str::<&RawValue>(json.trim()) {
        Ok(raw) => Ok(one_line(raw.get().to_owned())),
        Err(e) => Err(Error::new(ErrorKind::InvalidItems, format!("{what} is not JSON: {e}"))
            .advise("give one item, such as {\"name\":\"x\"}")),
    }
}

/// Opens the item in the user's editor.
fn in_editor(text: &str) -> Result<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "there is no editor: VISUAL and EDITOR are not set")
            .advise("set one of them, or change the item with --set FIELD=VALUE or --item-json JSON")
    })?;
    let path = std::env::temp_dir().join(format!("opnode-item-{}-{:08x}.json", std::process::id(), fastrand::u32(..)));
    let before = pretty(text);
    write(&path, &before)?;
    let done = edit(&editor, &path);
    let after = std::fs::read_to_string(&path).map_err(|e| failed(&path, "read", &e));
    let after = match done.and(after) {
        Ok(after) => after,
        Err(error) => {
            let _not_needed = std::fs::remove_file(&path);
            return Err(error);
        }
    };
    if after.trim() == before.trim() || after.trim().is_empty() {
        let _not_needed = std::fs::remove_file(&path);
        return Err(Error::new(ErrorKind::Cancelled, "the item was not changed; nothing is sent")
            .advise("`opnode items resend` sends it as it is"));
    }
    // A faulty text stays, so that it is not typed again.
    let item = checked(&after, &path.display().to_string())
        .map_err(|e| e.advise(format!("correct it, and send it with --item-json \"$(cat {})\"", path.display())))?;
    let _not_needed = std::fs::remove_file(&path);
    Ok(item)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let wrong = |e: std::io::Error| failed(path, "written", &e);
    let mut file = private_file::begin(path, true).map_err(wrong)?;
    std::io::Write::write_all(&mut file, format!("{text}\n").as_bytes()).map_err(wrong)
}

/// The variable may contain arguments, so a shell reads it.
#[cfg(unix)]
fn edit(editor: &str, path: &Path) -> Result<()> {
    ended(editor, Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path))
}

#[cfg(not(unix))]
fn edit(editor: &str, path: &Path) -> Result<()> {
    let mut words = editor.split_whitespace();
    ended(editor, Command::new(words.next().unwrap_or_default()).args(words).arg(path))
}

fn ended(editor: &str, command: &mut Command) -> Result<()> {
    let wrong = |why: String| {
        Error::new(ErrorKind::Cancelled, format!("the editor `{editor}` {why}; nothing is sent"))
            .advise("set VISUAL or EDITOR to another one, or use --set FIELD=VALUE")
    };
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(wrong(format!("ended with {status}"))),
        Err(e) => Err(wrong(format!("cannot be started: {}", crate::error::io_text(&e)))),
    }
}

#[cfg(test)]
mod tests {
    use super::{typed, with_field};

    #[test]
    fn a_field_is_set_and_the_rest_keeps_its_text() {
        let item = r#"{"b": 1.10,"a":{"x":null,"y":[1,{"z":2}]}}"#;
        for (path, value, expected) in [
            ("b", "2.50", Some(r#"{"b":2.50,"a":{"x":null,"y":[1,{"z":2}]}}"#)),
            ("c", "new", Some(r#"{"b":1.10,"a":{"x":null,"y":[1,{"z":2}]},"c":"new"}"#)),
            ("a.x.deep", "true", Some(r#"{"b":1.10,"a":{"x":{"deep":true},"y":[1,{"z":2}]}}"#)),
            ("a.y.1.z", "\"3\"", Some(r#"{"b":1.10,"a":{"x":null,"y":[1,{"z":"3"}]}}"#)),
            ("b.c", "1", None),
            ("a.y.7", "1", None),
            ("a.y.name", "1", None),
        ] {
            let path: Vec<&str> = path.split('.').collect();
            assert_eq!(with_field(Some(item), &path, &typed(value)).as_deref(), expected, "{path:?}");
        }
    }
}
