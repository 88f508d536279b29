//! Reads a curl command line as it is copied from documentation or a browser, with the quotes of sh or of cmd. Pure: the
//! caller reads the files that it names.

mod words;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::connector::AuthDraft;
use super::names::singular;
use super::raw::{RawBody, RawRequest};
use crate::error::{Error, ErrorKind, Result};

/// A credential of the command line; it is written nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CurlSecret {
    /// The property of the connection.
    pub(crate) property: &'static str,
    pub(crate) value: String,
}

/// A command line as a connector and a request.
pub(crate) struct Curl {
    pub(crate) base_url: String,
    pub(crate) host: String,
    pub(crate) request: RawRequest,
    pub(crate) auth: AuthDraft,
    pub(crate) secrets: Vec<CurlSecret>,
    /// What was left out, for the user.
    pub(crate) notes: Vec<String>,
}

/// The flags as written.
#[derive(Default)]
struct Flags {
    verb: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    json: bool,
    form: bool,
    get: bool,
    user: Option<String>,
    bearer: Option<String>,
    notes: Vec<String>,
}

/// Flags without a value that change nothing here.
const IGNORED: [&str; 20] = [
    "-s",
    "--silent",
    "-S",
    "--show-error",
    "-v",
    "--verbose",
    "-i",
    "--include",
    "-f",
    "--fail",
    "--compressed",
    "-L",
    "--location",
    "-#",
    "--progress-bar",
    "--http1.1",
    "--http2",
    "-N",
    "--no-buffer",
    "--globoff",
];
/// Flags with a value that change nothing here.
const IGNORED_WITH_VALUE: [&str; 14] = [
    "-o",
    "--output",
    "-m",
    "--max-time",
    "--connect-timeout",
    "--retry",
    "-w",
    "--write-out",
    "-A",
    "--user-agent",
    "-e",
    "--referer",
    "--retry-delay",
    "-c",
];
/// Headers that opnode sets itself, or that only a browser needs.
const OWN_HEADERS: [&str; 14] = [
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "dnt",
    "host",
    "origin",
    "pragma",
    "priority",
    "referer",
    "te",
    "upgrade-insecure-requests",
    "user-agent",
];

fn usage(message: String, advice: &str) -> Error {
    Error::new(ErrorKind::Usage, message).advise(advice.to_owned())
}

/// Reads a command line. `read` returns the content of a file, for `-d @FILE`.
///
/// # Errors
/// `usage` when it is no curl command, or has a flag that is not understood.
pub(crate) fn parse(text: &str, read: &dyn Fn(&str) -> Result<String>) -> Result<Curl> {
    let words = words::split(text)?;
    let mut words = words.into_iter().skip_while(|word| !words::is_curl(word));
    if words.next().is_none() {
        return Err(usage("the text is no curl command line".to_owned(), "paste one that begins with `curl`"));
    }
    let mut flags = Flags::default();
    while let Some(word) = words.next() {
        flags.take(&word, &mut words, read)?;
    }
    flags.finish()
}

impl Flags {
    fn take(
        &mut self,
        word: &str,
        rest: &mut dyn Iterator<Item = String>,
        read: &dyn Fn(&str) -> Result<String>,
    ) -> Result<()> {
        let (flag, mut own) = match word.strip_prefix("--").and_then(|long| long.split_once('=')) {
            Some((name, value)) => (format!("--{name}"), Some(value.to_owned())),
            None => (word.to_owned(), None),
        };
        // `-XPOST` and `-sSL`.
        let is_short = flag.starts_with('-') && !flag.starts_with("--") && flag.len() > 2;
        if is_short {
            let (head, tail) = flag.split_at(flag.char_indices().nth(2).map_or(flag.len(), |(at, _)| at));
            if takes_value(head) {
                return self.one(head, Some(tail.to_owned()), rest, read);
            }
            self.one(head, None, rest, read)?;
            return self.take(&format!("-{tail}"), rest, read);
        }
        if !flag.starts_with('-') || flag == "-" {
            own = Some(flag);
            return self.one("--url", own, rest, read);
        }
        self.one(&flag, own, rest, read)
    }

    fn one(
        &mut self,
        flag: &str,
        own: Option<String>,
        rest: &mut dyn Iterator<Item = String>,
        read: &dyn Fn(&str) -> Result<String>,
    ) -> Result<()> {
        let mut value = || {
            own.clone()
                .or_else(|| rest.next())
                .ok_or_else(|| usage(format!("the flag {flag} of curl has no value"), "paste the whole command line"))
        };
        match flag {
            "-X" | "--request" => self.verb = Some(value()?),
            "--url" => {
                let url = value()?;
                if let Some(first) = self.url.replace(url) {
                    return Err(usage(
                        format!("the curl command line has two addresses, `{first}` and another"),
                        "paste a command with one address",
                    ));
                }
            }
            "-H" | "--header" => {
                let text = value()?;
                let (name, content) = text.split_once(':').unwrap_or((text.trim_end_matches(';'), ""));
                self.headers.push((name.trim().to_ascii_lowercase(), content.trim().to_owned()));
            }
            "-d" | "--data" | "--data-ascii" | "--data-binary" => {
                let text = value()?;
                self.data.push(match text.strip_prefix('@') {
                    Some(file) => read(file)?,
                    None => text,
                });
            }
            "--data-raw" => self.data.push(value()?),
            "--data-urlencode" => self.data.push(encoded(&value()?, read)?),
            "--json" => {
                let text = value()?;
                self.data.push(text.strip_prefix('@').map_or_else(|| Ok(text.clone()), read)?);
                self.json = true;
            }
            "-F" | "--form" | "--form-string" => {
                let _not_sent = value()?;
                self.form = true;
            }
            "-G" | "--get" => self.get = true,
            "-I" | "--head" => self.verb = Some("HEAD".to_owned()),
            "-u" | "--user" => self.user = Some(value()?),
            "--oauth2-bearer" => self.bearer = Some(value()?),
            "-b" | "--cookie" => {
                let _never_kept = value()?;
                self.notes.push("the cookies are left out: sign in by a key, a token or a password instead".to_owned());
            }
            "-k" | "--insecure" => {
                self.notes.push("--insecure is left out: certificates are always checked".to_owned())
            }
            "-x" | "--proxy" => {
                let _not_used = value()?;
                self.notes.push("--proxy is left out: set HTTPS_PROXY".to_owned());
            }
            _ if IGNORED.contains(&flag) => {}
            _ if IGNORED_WITH_VALUE.contains(&flag) => {
                let _not_used = value()?;
            }
            _ => {
                return Err(usage(
                    format!("the flag {flag} of curl is not understood"),
                    "remove it, with its value if it has one",
                ));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Curl> {
        if self.form {
            return Err(Error::new(ErrorKind::Unsupported, "a multipart form (-F) cannot be taken over yet").advise(
                "write the operation with `items: { send: multipart }`; `opnode schema operations` shows the keys",
            ));
        }
        let address = self.url.take().ok_or_else(|| {
            usage("the curl command line has no address".to_owned(), "paste the whole command line, with its URL")
        })?;
        let full = if address.contains("://") { address } else { format!("https://{address}") };
        let mut url = Url::parse(&full).map_err(|e| {
            usage(format!("`{full}` is not a URL: {e}"), "replace shell variables in it by their values")
        })?;
        let (auth, secrets) = self.sign_in(&mut url)?;
        let joined = self.data.join("&");
        let is_body = !self.data.is_empty() && !self.get;
        let mut pairs: Vec<(String, String)> = query_of(&url);
        if self.get {
            pairs.extend(url::form_urlencoded::parse(joined.as_bytes()).map(|(n, v)| (n.into_owned(), v.into_owned())));
        }
        let verb = self.verb.clone().unwrap_or_else(|| if is_body { "POST" } else { "GET" }.to_owned());
        let (base_url, path, in_path) = split_path(&url);
        let pairs: Vec<String> = in_path.iter().chain(&pairs).map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = RawRequest::parse(&verb, &path, &pairs)?;
        let declared = self.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
        let guessed = || match self.json || serde_json::from_str::<serde::de::IgnoredAny>(&joined).is_ok() {
            true => "application/json".to_owned(),
            false => "application/x-www-form-urlencoded".to_owned(),
        };
        request.body =
            is_body.then(|| RawBody { content_type: declared.unwrap_or_else(guessed), text: joined.clone() });
        request.headers = self.headers.into_iter().filter(|(name, value)| is_kept(name, value)).collect();
        let host = url.host_str().unwrap_or_default().to_owned();
        Ok(Curl { base_url, host, request, auth, secrets, notes: self.notes })
    }

    /// Takes the credentials out of flags, headers and address.
    fn sign_in(&mut self, url: &mut Url) -> Result<(AuthDraft, Vec<CurlSecret>)> {
        let secret = |property: &'static str, value: &str| CurlSecret { property, value: value.to_owned() };
        let pair = |user: &str, password: &str| {
            (AuthDraft::Basic, vec![secret("username", user), secret("password", password)])
        };
        let mut found: Option<(AuthDraft, Vec<CurlSecret>)> = None;
        let mut put = |notes: &mut Vec<String>, what: &str, next: (AuthDraft, Vec<CurlSecret>)| match &found {
            None => found = Some(next),
            Some(_) => notes.push(format!("{what} is left out: a connector signs in one way")),
        };
        if let Some(user) = self.user.take() {
            let (user, password) = user.split_once(':').unwrap_or((&user, ""));
            put(&mut self.notes, "the user of -u", pair(user, password));
        }
        if let Some(token) = self.bearer.take() {
            put(&mut self.notes, "the token", (AuthDraft::Bearer, vec![secret("token", &token)]));
        }
        if !url.username().is_empty() {
            let password = url.password().unwrap_or_default().to_owned();
            put(&mut self.notes, "the user of the address", pair(url.username(), &password));
        }
        let (_, _) = (url.set_username(""), url.set_password(None));
        for (name, value) in std::mem::take(&mut self.headers) {
            if name == "cookie" {
                self.notes.push("the cookies are left out: sign in by a key, a token or a password instead".to_owned());
            } else if name == "authorization" {
                put(&mut self.notes, "the header authorization", authorization(&value));
            } else if is_secret_header(&name) {
                let auth = AuthDraft::ApiKey { header: name.clone(), before: String::new() };
                put(&mut self.notes, &format!("the header {name}"), (auth, vec![secret("apiKey", &value)]));
            } else {
                self.headers.push((name, value));
            }
        }
        let (keys, others): (Vec<_>, Vec<_>) = query_of(url).into_iter().partition(|(name, _)| is_secret_name(name));
        for (name, value) in keys {
            let auth = AuthDraft::QueryKey { name: name.clone() };
            put(&mut self.notes, &format!("the parameter {name}"), (auth, vec![secret("apiKey", &value)]));
        }
        url.query_pairs_mut().clear().extend_pairs(others);
        Ok(found.unwrap_or((AuthDraft::None, Vec::new())))
    }
}

fn takes_value(flag: &str) -> bool {
    ["-X", "-H", "-d", "-F", "-u", "-b", "-x"].contains(&flag) || IGNORED_WITH_VALUE.contains(&flag)
}

fn query_of(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().map(|(n, v)| (n.into_owned(), v.into_owned())).collect()
}

/// `name=value`, `=value` or `name@FILE`, with the value encoded.
fn encoded(text: &str, read: &dyn Fn(&str) -> Result<String>) -> Result<String> {
    let encode = |value: &str| url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
    let at = text.find(['=', '@']);
    Ok(match at.map(|at| (text.split_at(at), text.as_bytes().get(at))) {
        Some(((name, value), Some(b'='))) => {
            let value = encode(value.get(1..).unwrap_or_default());
            if name.is_empty() { value } else { format!("{name}={value}") }
        }
        Some(((name, file), _)) => {
            let value = encode(&read(file.get(1..).unwrap_or_default())?);
            if name.is_empty() { value } else { format!("{name}={value}") }
        }
        None => encode(text),
    })
}

fn authorization(value: &str) -> (AuthDraft, Vec<CurlSecret>) {
    let secret = |property: &'static str, value: &str| CurlSecret { property, value: value.to_owned() };
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    let decoded = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => (AuthDraft::Bearer, vec![secret("token", rest.trim())]),
        "basic" if decoded.as_ref().is_some_and(|text| text.contains(':')) => {
            let text = decoded.unwrap_or_default();
            let (user, password) = text.split_once(':').unwrap_or((&text, ""));
            (AuthDraft::Basic, vec![secret("username", user), secret("password", password)])
        }
        "" => {
            let auth = AuthDraft::ApiKey { header: "authorization".to_owned(), before: String::new() };
            (auth, vec![secret("apiKey", value)])
        }
        _ => {
            let auth = AuthDraft::ApiKey { header: "authorization".to_owned(), before: format!("{scheme} ") };
            (auth, vec![secret("apiKey", rest.trim())])
        }
    }
}

/// Whether a header or parameter of this name carries a credential.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let parts = [
        "apikey",
        "accesskey",
        "secret",
        "password",
        "authtoken",
        "accesstoken",
        "subscriptionkey",
        "signature",
        "sessionid",
    ];
    let whole = ["key", "token", "auth", "sig", "pwd", "xtoken", "xauth", "xkey", "xcsrftoken", "xxsrftoken"];
    parts.iter().any(|part| plain.contains(part))
        || whole.contains(&plain.as_str())
        || (plain.starts_with('x') && plain.ends_with("token"))
}

/// Whether a header of this name carries a credential; a parameter may also be the key of a page.
pub(crate) fn is_secret_header(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let is_key = plain.ends_with("key") && !plain.contains("idempotency");
    is_secret_name(name) || is_key || plain.ends_with("token") || plain.contains("credential")
}

/// Headers that say something about the call.
pub(crate) fn is_kept(name: &str, value: &str) -> bool {
    let is_default = (name == "accept"
        && ["*/*", "application/json", "application/json, text/plain, */*"].contains(&value))
        || name == "content-type";
    !is_default && !OWN_HEADERS.contains(&name) && !name.starts_with("sec-") && !name.starts_with(':')
}

/// An address in parts.
pub(crate) struct Address {
    /// Of the API.
    pub(crate) base: String,
    /// Below it, with `{name}` for each id.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
}

/// Reads a whole address, in whose path there may be parameters already. `Err` says why it is none.
pub(crate) fn read_address(text: &str) -> std::result::Result<Address, String> {
    let url = Url::parse(text).map_err(|why| format!("`{text}` is no address: {why}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{}:// is not read", url.scheme()));
    }
    let (base, path, _) = split_path(&url);
    Ok(Address { base, path: path.replace("%7B", "{").replace("%7D", "}"), query: query_of(&url) })
}

/// How a call with these headers, in lower case, and this query signs in.
pub(crate) fn sign_in_of(headers: &[(String, String)], query: &[(String, String)]) -> Option<AuthDraft> {
    let header = |(name, value): &(String, String)| match name.as_str() {
        "authorization" => Some(authorization(value).0),
        "cookie" => None,
        name => is_secret_header(name).then(|| AuthDraft::ApiKey { header: name.to_owned(), before: String::new() }),
    };
    let key = |(name, _): &(String, String)| is_secret_name(name).then(|| AuthDraft::QueryKey { name: name.clone() });
    headers.iter().find_map(header).or_else(|| query.iter().find_map(key))
}

/// The address of the API, the path below it with a name for each id, and the ids.
fn split_path(url: &Url) -> (String, String, Vec<(String, String)>) {
    let segments: Vec<&str> = url.path().split('/').filter(|s| !s.is_empty()).collect();
    let is_version = |s: &str| s.strip_prefix('v').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
    let is_base = |s: &&&str| matches!(**s, "api" | "rest" | "services" | "public") || is_version(s);
    let base = segments.iter().take_while(is_base).count().min(segments.len().saturating_sub(1));
    let (before, after) = segments.split_at(base);
    let mut ids: Vec<(String, String)> = Vec::new();
    let mut path = String::new();
    let mut noun = "";
    for segment in after {
        // What follows a semicolon is often a session.
        let segment = segment.split(';').next().unwrap_or_default();
        let value = percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned();
        if looks_like_id(&value) {
            let name = match ids.iter().any(|(name, _)| name == "id") || noun.is_empty() {
                false => "id".to_owned(),
                true => format!("{}Id", singular(noun)),
            };
            let name = if ids.iter().any(|(n, _)| *n == name) { format!("{name}{}", ids.len() + 1) } else { name };
            path.push_str(&format!("/{{{name}}}"));
            ids.push((name, value));
        } else {
            path.push_str(&format!("/{segment}"));
            noun = segment;
        }
    }
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let prefix: String = before.iter().map(|s| format!("/{s}")).collect();
    let base_url = format!("{}://{}{port}{prefix}", url.scheme(), url.host_str().unwrap_or_default());
    (base_url, if path.is_empty() { "/".to_owned() } else { path }, ids)
}

/// Numbers, UUIDs and long words with digits, e-mail addresses, and words with many digits such as `INV-2291`.
pub(crate) fn looks_like_id(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let has = |is: fn(&u8) -> bool| segment.bytes().any(|b| is(&b));
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    match segment.len() {
        0 => false,
        _ if digits == segment.len() || segment.contains(['@', '=', '+', ' ', ':']) => true,
        24.. if is_mixed => true,
        16.. if digits > 0 => true,
        10.. if digits > 0 && (is_mixed || segment.contains('_')) => true,
        _ => digits >= 4,
    }
}

#[cfg(test)]
mod tests;
