//! Rows of PostgreSQL as JSON objects, passed on while they arrive. Numbers keep their digits.

use std::io::BufRead;

use postgres::types::{Kind, Type};

use super::client::Postgres;
use super::failure::Broken;
use crate::error::{Error, ErrorKind, Result};
use crate::json_text::{one_line, put_text};

/// What the text of a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextForm {
    Flag,
    Number,
    Day,
    /// A time, with or without a zone.
    Time,
    Json,
    Text,
}

/// A column that is read.
struct OutColumn {
    name: String,
    form: TextForm,
}

impl Postgres {
    /// Passes each row of a query on as a JSON object. Nothing is changed, whatever the query does.
    ///
    /// # Errors
    /// `invalid_options` for a statement that is not valid, or no query; `invalid_items` for a value that JSON does not
    /// have; those of `each`.
    pub(super) fn read_rows(&mut self, sql: &str, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        self.statement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let done = self.read_within(sql, each);
        self.roll_back();
        done
    }

    fn read_within(&mut self, sql: &str, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        self.settle("LOCAL")?;
        let sql = sql.trim().trim_end_matches(';');
        let described = self.with_client(None, |client| {
            let statement = client.prepare(sql)?;
            let columns = statement.columns().iter();
            Ok(columns.map(|column| (column.name().to_owned(), column.type_().clone())).collect::<Vec<_>>())
        })?;
        let columns = self.out_columns(&described)?;
        let sql = copy_out(sql, &described);
        let (mut line, mut text, mut wrong) = (Vec::new(), String::new(), None);
        let read = self.with_client(None, |client| {
            let mut reader = client.copy_out(sql.as_str())?;
            loop {
                line.clear();
                // A line end within a value is escaped.
                if reader.read_until(b'\n', &mut line).map_err(Broken::Io)? == 0 {
                    return Ok(());
                }
                text.clear();
                if let Err(error) = put_row(&mut text, &line, &columns).and_then(|()| each(&text)) {
                    wrong = Some(error);
                    return Ok(());
                }
            }
        });
        match wrong {
            Some(error) => {
                // The rest of the rows is not waited for.
                self.canceller()();
                Err(error)
            }
            None => read,
        }
    }

    fn out_columns(&self, described: &[(String, Type)]) -> Result<Vec<OutColumn>> {
        if described.is_empty() {
            return Err(self.wrong("the statement gives no rows".to_owned()).advise("write a SELECT"));
        }
        let mut columns: Vec<OutColumn> = Vec::new();
        for (name, kind) in described {
            if columns.iter().any(|column| column.name == *name) {
                let message = format!("two columns of the query are named {name}");
                return Err(self.wrong(message).advise("give each a name of its own with AS"));
            }
            let form = form_of(kind).ok_or_else(|| {
                let message = format!("the column {name} has bytes, which JSON does not have");
                self.wrong(message).advise("leave it out of the query, or write encode(COLUMN, 'base64')")
            })?;
            columns.push(OutColumn { name: name.clone(), form });
        }
        Ok(columns)
    }
}

/// The statement that sends the rows. What has no text of JSON is made one by the server.
fn copy_out(sql: &str, described: &[(String, Type)]) -> String {
    if !described.iter().any(|(_, kind)| is_nested(kind)) {
        return format!("COPY (\n{sql}\n) TO STDOUT");
    }
    let names: Vec<String> = (1..=described.len()).map(|number| format!("c{number}")).collect();
    let values: Vec<String> = names
        .iter()
        .zip(described)
        .map(
            |(name, (_, kind))| {
                if is_nested(kind) { format!("pg_catalog.to_json(q.{name})") } else { format!("q.{name}") }
            },
        )
        .collect();
    format!("COPY (SELECT {} FROM (\n{sql}\n) AS q({})) TO STDOUT", values.join(", "), names.join(", "))
}

fn is_nested(kind: &Type) -> bool {
    matches!(kind.kind(), Kind::Array(_) | Kind::Composite(_)) || *kind == Type::RECORD
}

fn form_of(kind: &Type) -> Option<TextForm> {
    if is_nested(kind) {
        return Some(TextForm::Json);
    }
    if let Kind::Domain(base) = kind.kind() {
        return form_of(base);
    }
    Some(match *kind {
        Type::BYTEA => return None,
        Type::BOOL => TextForm::Flag,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::NUMERIC | Type::FLOAT4 | Type::FLOAT8 | Type::OID => {
            TextForm::Number
        }
        Type::DATE => TextForm::Day,
        Type::TIMESTAMPTZ | Type::TIMESTAMP => TextForm::Time,
        Type::JSON | Type::JSONB => TextForm::Json,
        _ => TextForm::Text,
    })
}

/// A line of COPY as a JSON object.
fn put_row(out: &mut String, line: &[u8], columns: &[OutColumn]) -> Result<()> {
    let line = std::str::from_utf8(line).map_err(|_| Error::new(ErrorKind::BadResponse, "a row is not UTF-8"))?;
    let mut values = line.strip_suffix('\n').unwrap_or(line).split('\t');
    out.push('{');
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        put_text(out, &column.name);
        out.push(':');
        put_value(out, values.next().unwrap_or_default(), column.form).map_err(|value| {
            let message = format!("the column {} has {value}, which JSON does not have", column.name);
            Error::new(ErrorKind::InvalidItems, message)
                .advise("leave such rows or the column out of the query, or convert it there, such as by ::text")
        })?;
    }
    out.push('}');
    Ok(())
}

/// A value of COPY as JSON; the value itself if JSON does not have it.
fn put_value<'v>(out: &mut String, value: &'v str, form: TextForm) -> Result<(), &'v str> {
    if value == "\\N" {
        out.push_str("null");
        return Ok(());
    }
    let is_number = |value: &str| value.bytes().last().is_some_and(|byte| byte.is_ascii_digit());
    let is_year = |value: &str| value.find('-') == Some(4) && !value.ends_with("BC");
    match form {
        TextForm::Flag => out.push_str(if value == "t" { "true" } else { "false" }),
        TextForm::Number if is_number(value) => out.push_str(value),
        TextForm::Day if is_year(value) => put_text(out, value),
        TextForm::Time if is_year(value) => {
            let time = value.replacen(' ', "T", 1);
            match time.strip_suffix("+00") {
                Some(time) => put_text(out, &format!("{time}Z")),
                None => put_text(out, &time),
            }
        }
        TextForm::Number | TextForm::Day | TextForm::Time => return Err(value),
        TextForm::Json => out.push_str(&one_line(unescaped(value))),
        TextForm::Text if value.contains('\\') => put_text(out, &unescaped(value)),
        TextForm::Text => put_text(out, value),
    }
    Ok(())
}

/// The text of a value of COPY.
fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match chars.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\u{b}'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}
