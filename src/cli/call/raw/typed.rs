//! The request of `call` from its arguments.

use url::Url;

use super::super::arguments::text::input;
use crate::cli::args::RawCallArgs;
use crate::draft::{RawBody, RawRequest};
use crate::error::{Error, ErrorKind, Result};

fn usage(message: String, advice: &str) -> Error {
    Error::new(ErrorKind::Usage, message).advise(advice.to_owned())
}

/// Whether the path is a whole URL.
pub(super) fn has_address(args: &RawCallArgs) -> bool {
    args.words.iter().take(2).any(|word| word.starts_with("http://") || word.starts_with("https://"))
}

/// Reads verb, path, parameters, headers and body. `base` is the address of the connection, to be cut from a whole URL.
pub(super) fn request(args: &RawCallArgs, base: Option<&Url>) -> Result<RawRequest> {
    let is_target = |word: &str| word.starts_with('/') || word.contains("://");
    let (verb, rest) = match args.words.as_slice() {
        [target, rest @ ..] if is_target(target) => (if args.body.is_some() { "POST" } else { "GET" }, (target, rest)),
        [verb, target, rest @ ..] => (verb.as_str(), (target, rest)),
        _ => {
            return Err(usage(
                "the path is missing".to_owned(),
                "write the path below the address of the connection, such as opnode call GET /things",
            ));
        }
    };
    let target = base.map_or_else(|| Ok(rest.0.clone()), |base| below(base, rest.0))?;
    let mut request = RawRequest::parse(verb, &target, rest.1)?;
    if let Some(method) = args.save.method {
        request.method = method.into();
    }
    let mut content_type = "application/json".to_owned();
    for text in &args.header {
        let (name, value) = header(text)?;
        match name.as_str() {
            "content-type" => content_type = value,
            "authorization" | "cookie" | "proxy-authorization" => {
                return Err(usage(
                    format!("the header {name} is a credential"),
                    "the connection signs the request: put its credentials into the connections file",
                ));
            }
            _ => request.headers.push((name, value)),
        }
    }
    if let Some(argument) = &args.body {
        let text = input("--body", argument, ErrorKind::Usage)?.text;
        let is_json = content_type.contains("json");
        if let Some(wrong) = serde_json::from_str::<serde::de::IgnoredAny>(&text).err().filter(|_| is_json) {
            return Err(usage(
                format!("--body is not JSON: {}", crate::json_error::words(&wrong, &text)),
                "for another format add its header, such as -H 'content-type: text/plain'",
            ));
        }
        request.body = Some(RawBody { content_type, text });
    }
    Ok(request)
}

/// `Name: value`, or `Name=value`.
fn header(text: &str) -> Result<(String, String)> {
    let pair = text.split_once(':').or_else(|| text.split_once('='));
    let Some((name, value)) = pair.filter(|(name, _)| !name.trim().is_empty()) else {
        return Err(usage(format!("the header `{text}` has no value"), "write it as -H 'Name: value'"));
    };
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// The path of a URL below the address of the connection.
pub(super) fn below(base: &Url, text: &str) -> Result<String> {
    let refuse = |why: &str| {
        Err(Error::new(ErrorKind::Origin, format!("{text} is not below the address of the connection, {base}: {why}"))
            .advise("write the path only, or make a connection to the other system"))
    };
    let Ok(url) = Url::parse(text) else { return refuse("it is not a URL") };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::new(ErrorKind::Origin, format!("an address below {base} has a user name or a password"))
            .advise("leave them out: the connection signs the request"));
    }
    if url.origin() != base.origin() {
        return refuse("its credentials are not sent elsewhere");
    }
    let prefix = base.path().trim_end_matches('/');
    let Some(path) = url.path().strip_prefix(prefix).filter(|path| path.starts_with('/')) else {
        return refuse("the path differs");
    };
    // The URL library encodes braces, which name parameters here.
    let path = path.replace("%7B", "{").replace("%7D", "}");
    Ok(url.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}")))
}
