//! One form of what is compared: addresses are decoded, and ignored values are replaced. Pure.

use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use crate::batch::{ExpectedFile, ExpectedRequest, ExpectedRequestPart};
use crate::definition::Json;
use crate::json_text::{fields_of, put_list, put_object, text_of};

/// In the place of an ignored value.
const IGNORED: &str = "[ignored]";

/// What is wrong with a pointer under `ignore`.
pub(super) fn ignore_fault(pointer: &str) -> Option<String> {
    let rest = ["/body/", "/query/", "/row/"].iter().find_map(|start| pointer.strip_prefix(start));
    match rest {
        Some(rest) if !rest.is_empty() => None,
        _ => Some(format!("`{pointer}` must begin with /body/, /query/ or /row/ and name a field")),
    }
}

/// Brings all parts into one form.
pub(super) fn normal(file: &mut ExpectedFile, ignore: &[String]) {
    for request in file.requests.iter_mut().flat_map(|steps| steps.values_mut()).flatten() {
        *request = match std::mem::replace(request, ExpectedRequestPart::Line(String::new())) {
            ExpectedRequestPart::Line(line) => ExpectedRequestPart::Line(request_line(&line, ignore)),
            ExpectedRequestPart::Whole(ExpectedRequest { request, body }) => {
                let body = paths(ignore, "/body/").fold(body.0, |body, path| ignored(&body, &path));
                ExpectedRequestPart::Whole(ExpectedRequest {
                    request: request_line(&request, ignore),
                    body: Json(body),
                })
            }
        };
    }
    for path in paths(ignore, "/row/") {
        for (name, text) in file.saved.iter_mut().flatten() {
            *text = rows_ignored(name, text, &path);
        }
        if let Some(text) = &mut file.stdout {
            *text = rows_ignored(".ndjson", text, &path);
        }
        for item in file.left.iter_mut().flat_map(|steps| steps.values_mut()).flatten() {
            item.item = item.item.take().map(|own| Json(ignored(&own.0, &path)));
        }
    }
}

/// The paths under `ignore` that begin like this.
fn paths<'i>(ignore: &'i [String], start: &'i str) -> impl Iterator<Item = Vec<String>> + 'i {
    let rest = ignore.iter().filter_map(move |pointer| pointer.strip_prefix(start));
    rest.map(|rest| rest.split('/').map(crate::json_pointer::unescape).collect())
}

/// `GET /a?b=c%20d` as `GET /a?b=c d`; what would be ambiguous stays encoded.
fn request_line(line: &str, ignore: &[String]) -> String {
    let Some((start, query)) = line.split_once('?') else { return decoded(line) };
    let is_ignored = |name: &str| paths(ignore, "/query/").any(|path| matches!(path.as_slice(), [own] if own == name));
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_ignored(&decoded(name)) => format!("{}={IGNORED}", decoded(name)),
        Some((name, value)) => format!("{}={}", decoded(name), decoded(value)),
        None => decoded(pair),
    });
    format!("{}?{}", decoded(start), pairs.collect::<Vec<_>>().join("&"))
}

fn decoded(text: &str) -> String {
    let plain = percent_decode_str(text).decode_utf8();
    match plain {
        Ok(plain) if !plain.chars().any(|c| "&%+#?".contains(c) || c.is_control()) => plain.into_owned(),
        Ok(_) | Err(_) => text.to_owned(),
    }
}

/// JSON in which the values at a path are replaced; `*` is every element of a list or every field.
fn ignored(json: &str, path: &[String]) -> String {
    let Some((first, rest)) = path.split_first() else { return text_of(IGNORED) };
    let mut out = String::new();
    if let Some(fields) = fields_of(json) {
        let values = fields.iter().map(|(name, value)| {
            let is_named = first == "*" || first == name;
            (name.as_str(), if is_named { ignored(value.get(), rest) } else { value.get().to_owned() })
        });
        put_object(&mut out, values, |out, value: String| out.push_str(&value));
        return out;
    }
    if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(json) {
        let values = elements.iter().enumerate().map(|(index, value)| {
            let is_named = first == "*" || *first == index.to_string();
            if is_named { ignored(value.get(), rest) } else { value.get().to_owned() }
        });
        put_list(&mut out, values, |out, value: String| out.push_str(&value));
        return out;
    }
    json.to_owned()
}

/// The rows of a saved file with a field replaced.
fn rows_ignored(name: &str, text: &str, path: &[String]) -> String {
    match name.rsplit('.').next().unwrap_or_default() {
        "ndjson" | "jsonl" => text.split_inclusive('\n').map(|line| line_ignored(line, path)).collect(),
        "json" => {
            let in_list: Vec<String> = std::iter::once("*".to_owned()).chain(path.iter().cloned()).collect();
            let end = if text.ends_with('\n') { "\n" } else { "" };
            ignored(text.trim(), &in_list) + end
        }
        "csv" => table_ignored(text, b',', &path.join("/")),
        "tsv" => table_ignored(text, b'\t', &path.join("/")),
        _ => text.to_owned(),
    }
}

fn line_ignored(line: &str, path: &[String]) -> String {
    let end = if line.ends_with('\n') { "\n" } else { "" };
    ignored(line.trim_end(), path) + end
}

/// A table with the values of a column replaced.
fn table_ignored(text: &str, delimiter: u8, column: &str) -> String {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().filter_map(std::result::Result::ok).collect();
    let at = records.first().and_then(|header| header.iter().position(|name| name == column));
    let Some(at) = at else { return text.to_owned() };
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
    for (number, record) in records.iter().enumerate() {
        let values = record.iter().enumerate().map(|(i, value)| if i == at && number > 0 { IGNORED } else { value });
        if writer.write_record(values).is_err() {
            return text.to_owned();
        }
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{ignore_fault, ignored, request_line, rows_ignored};

    fn path(text: &str) -> Vec<String> {
        text.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn addresses_are_decoded_unless_that_is_ambiguous() {
        assert_eq!(request_line("GET /a?b=c%20%3D%22d%22", &[]), "GET /a?b=c =\"d\"");
        assert_eq!(request_line("GET /a?b=c%26d&e=50%25", &[]), "GET /a?b=c%26d&e=50%25");
        assert_eq!(request_line("GET /a?b=1&at=2", &["/query/at".to_owned()]), "GET /a?b=1&at=[ignored]");
    }

    #[test]
    fn only_the_named_values_are_ignored() {
        assert_eq!(
            ignored(r#"{"a":1.10,"b":[{"c":1},{"c":2}]}"#, &path("b/*/c")),
            r#"{"a":1.10,"b":[{"c":"[ignored]"},{"c":"[ignored]"}]}"#
        );
        assert_eq!(
            rows_ignored("x.ndjson", "{\"a\":1}\n{\"b\":1}\n", &path("a")),
            "{\"a\":\"[ignored]\"}\n{\"b\":1}\n"
        );
        assert_eq!(rows_ignored("x.csv", "id,k/at\n1,\"a,b\"\n", &path("k/at")), "id,k/at\n1,[ignored]\n");
        assert_eq!(rows_ignored("x.json", "[{\"a\":1}]\n", &path("a")), "[{\"a\":\"[ignored]\"}]\n");
    }

    #[test]
    fn a_pointer_names_a_part_and_a_field() {
        assert_eq!(ignore_fault("/body/sentAt"), None);
        assert!(ignore_fault("sentAt").is_some() && ignore_fault("/body/").is_some());
    }
}
