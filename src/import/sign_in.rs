//! How a connector signs in, from the security schemes of a description. Pure.

use super::api::{Alternative, Api, In};
use super::refs::Spot;
use super::value::{Doc, Fields};

/// A property of the connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PropertyDraft {
    pub(crate) name: String,
    pub(crate) rules: Doc,
}

impl PropertyDraft {
    pub(crate) fn new(name: &str, description: &str, is_secret: bool) -> PropertyDraft {
        let mut rules = Doc::of([("type", Doc::from("string"))]);
        if is_secret {
            rules.put("secret", true);
        }
        rules.put("description", description);
        PropertyDraft { name: name.to_owned(), rules }
    }
}

/// How to sign in.
#[derive(Debug)]
pub(crate) struct SignIn {
    pub(crate) auth: Doc,
    pub(crate) why: Option<String>,
    pub(crate) properties: Vec<PropertyDraft>,
    /// Parameters that are credentials.
    pub(crate) credentials: Vec<(In, String)>,
    /// The names of the schemes in use.
    pub(crate) schemes: Vec<String>,
    pub(crate) question: Option<String>,
}

impl SignIn {
    fn none(question: Option<String>) -> SignIn {
        SignIn {
            auth: Doc::from("none"),
            why: None,
            properties: Vec::new(),
            credentials: Vec::new(),
            schemes: Vec::new(),
            question,
        }
    }
}

/// Chooses the way of most operations; `wanted` is the name of a scheme.
pub(crate) fn sign_in(api: &Api<'_>, wanted: Option<&str>) -> Result<SignIn, String> {
    if let (Some(name), true) = (wanted, api.schemes.is_empty()) {
        return Err(format!("the document has no security scheme `{name}`: it has none"));
    }
    if api.schemes.is_empty() {
        return Ok(SignIn::none(Some(
            "the document does not say how to sign in; without credentials, the system may refuse".to_owned(),
        )));
    }
    if let Some(name) = wanted {
        let names: Vec<&str> = api.schemes.iter().map(|(name, _)| *name).collect();
        if !names.contains(&name) {
            return Err(format!("the document has no security scheme `{name}`: it has {}", names.join(", ")));
        }
        let alternative = vec![(name.to_owned(), Vec::new())];
        return Ok(of(api, &alternative, scopes(api, &alternative))
            .unwrap_or_else(|| SignIn::none(Some(format!("the security scheme `{name}` is not supported")))));
    }
    let mut counts: Vec<(Alternative, usize)> = Vec::new();
    for operation in &api.operations {
        let stated = operation.security.as_ref().or(api.security.as_ref());
        for (rank, alternative) in stated.into_iter().flatten().enumerate().filter(|(_, one)| !one.is_empty()) {
            let names: Alternative = alternative.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
            // The first alternative is the one that vendors recommend.
            let weight = if rank == 0 { 3 } else { 2 };
            match counts.iter_mut().find(|(known, _)| *known == names) {
                Some((_, count)) => *count += weight,
                None => counts.push((names, weight)),
            }
        }
    }
    let is_declared = !counts.is_empty();
    if counts.is_empty() {
        // Schemes without a word where they are used.
        counts.extend(api.schemes.iter().map(|(name, _)| (vec![((*name).to_owned(), Vec::new())], 1)));
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let others: Vec<String> = counts.iter().skip(1).map(|(one, _)| joined(one)).collect();
    for (alternative, _) in &counts {
        if let Some(mut found) = of(api, alternative, scopes(api, alternative)) {
            let rest: Vec<String> =
                others.iter().filter(|other| **other != joined(alternative)).take(6).cloned().collect();
            if !rest.is_empty() {
                found.why = Some(format!("the document also knows {}; `--sign-in NAME` chooses", rest.join(", ")));
            } else if !is_declared {
                found.why = Some("the document declares it, but not for which operations".to_owned());
            }
            return Ok(found);
        }
    }
    let names: Vec<String> = counts.iter().map(|(one, _)| joined(one)).collect();
    Ok(SignIn::none(Some(format!("no security scheme of the document is supported: {}", names.join(", ")))))
}

fn joined(alternative: &Alternative) -> String {
    alternative.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" + ")
}

/// The scopes that operations ask for.
fn scopes(api: &Api<'_>, alternative: &Alternative) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let of_all = api.operations.iter().filter_map(|operation| operation.security.as_ref()).chain(api.security.as_ref());
    for (name, scopes) in of_all.flatten().flatten() {
        if alternative.iter().any(|(own, _)| own == name) {
            found.extend(scopes.iter().filter(|scope| !scope.is_empty()).cloned());
        }
    }
    found.sort();
    found.dedup();
    found
}

fn of(api: &Api<'_>, alternative: &Alternative, scopes: Vec<String>) -> Option<SignIn> {
    let schemes: Vec<(&str, Spot<'_>)> = alternative
        .iter()
        .map(|(name, _)| api.schemes.iter().find(|(known, _)| known == name).copied())
        .collect::<Option<_>>()?;
    let names = || alternative.iter().map(|(name, _)| name.clone()).collect();
    match schemes.as_slice() {
        [(_, scheme)] => {
            let mut found = one(api, *scheme, scopes)?;
            found.schemes = names();
            Some(found)
        }
        // Several flows of OAuth 2.0 that are named together are a choice: a token has one.
        several if several.iter().all(|(_, scheme)| scheme.doc.text_of("type") == Some("oauth2")) => {
            let ways = several.iter().filter_map(|(_, scheme)| one(api, *scheme, scopes.clone()));
            let is_flow = |way: &SignIn| way.auth.get("oauth2").is_some();
            let mut ways: Vec<SignIn> = ways.collect();
            ways.sort_by_key(|way| !is_flow(way));
            let mut found = ways.into_iter().next()?;
            found.schemes = names();
            Some(found)
        }
        several => {
            let mut found = several_keys(several)?;
            found.schemes = names();
            Some(found)
        }
    }
}

fn place_of(scheme: Spot<'_>) -> Option<(In, &'static str)> {
    match scheme.doc.text_of("in")? {
        "header" => Some((In::Header, "header")),
        "query" => Some((In::Query, "query")),
        "cookie" => Some((In::Cookie, "cookie")),
        _ => None,
    }
}

fn one(api: &Api<'_>, scheme: Spot<'_>, scopes: Vec<String>) -> Option<SignIn> {
    let found = |auth: Doc, properties: Vec<PropertyDraft>| Some(SignIn { auth, properties, ..SignIn::none(None) });
    let token = || vec![PropertyDraft::new("token", "Access token", true)];
    let user =
        || vec![PropertyDraft::new("username", "User name", false), PropertyDraft::new("password", "Password", true)];
    let names = || Doc::of([("username", Doc::from("{username}")), ("password", Doc::from("{password}"))]);
    let kind = scheme.doc.text_of("type").unwrap_or_default().to_ascii_lowercase();
    let word = scheme.doc.text_of("scheme").unwrap_or_default().to_ascii_lowercase();
    match (kind.as_str(), word.as_str()) {
        ("basic", _) | ("http", "basic") => found(Doc::of([("basic", names())]), user()),
        ("http", "digest") => found(Doc::of([("digest", names())]), user()),
        ("http", "bearer") => found(Doc::of([("bearer", Doc::from("{token}"))]), token()),
        ("apikey", _) => {
            let ((place, key), name) = (place_of(scheme)?, scheme.doc.text_of("name")?);
            let text = scheme.doc.text_of("description").unwrap_or_default().to_lowercase();
            let is_signed = scheme
                .doc
                .text_of("x-amazon-apigateway-authtype")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("awsSigv4") || kind.eq_ignore_ascii_case("awsS3"));
            if is_signed || text.contains("signature version 4") || text.contains("amazon signature") {
                return signed(api);
            }
            let is_authorization = place == In::Header && name.eq_ignore_ascii_case("authorization");
            let says_bearer = text.contains("bearer");
            let properties = vec![PropertyDraft::new("apiKey", "Key of the API", true)];
            if is_authorization && says_bearer {
                let mut found = found(Doc::of([("bearer", Doc::from("{token}"))]), token())?;
                found.why = Some("the text of the document says that the key is a bearer token".to_owned());
                return Some(found);
            }
            let auth = Doc::of([("api_key", Doc::of([(key, Doc::from(name)), ("value", Doc::from("{apiKey}"))]))]);
            let mut found = found(auth, properties)?;
            found.credentials.push((place, name.to_owned()));
            if is_authorization {
                found.why = Some(
                    "the whole value of the header is the key; perhaps a word such as Bearer or Token comes before it"
                        .to_owned(),
                );
            }
            Some(found)
        }
        ("oauth2", _) => oauth(api, scheme, &scopes),
        ("openidconnect", _) => {
            let mut found = found(Doc::of([("bearer", Doc::from("{token}"))]), token())?;
            found.why = Some("OpenID Connect: the token comes from the sign-in of the system; write `oauth2` with its addresses to renew it".to_owned());
            Some(found)
        }
        _ => None,
    }
}

fn signed(api: &Api<'_>) -> Option<SignIn> {
    let region = PropertyDraft::new("region", "Region, such as eu-central-1", false);
    let properties = vec![
        PropertyDraft::new("accessKey", "Id of the access key", false),
        PropertyDraft::new("secretKey", "Secret access key", true),
        region,
    ];
    let service = api
        .servers
        .first()
        .and_then(|server| server.url.split("//").nth(1)?.split('.').next())
        .unwrap_or("execute-api")
        .to_owned();
    let auth = Doc::of([
        ("access_key", Doc::from("{accessKey}")),
        ("secret_key", Doc::from("{secretKey}")),
        ("region", Doc::from("{region}")),
        ("service", Doc::Text(service)),
    ]);
    let why = Some("the name of the service is the first word of the address".to_owned());
    // ImportParts of the signature, in any place.
    let names = ["Content-Sha256", "Date", "Algorithm", "Credential", "Security-Token", "Signature", "SignedHeaders"];
    let parts = names.iter().map(|name| format!("X-Amz-{name}"));
    let credentials = parts.flat_map(|name| [(In::Header, name.clone()), (In::Query, name)]).collect();
    Some(SignIn { auth: Doc::of([("aws_sigv4", auth)]), why, properties, credentials, ..SignIn::none(None) })
}

/// The flows by which a program signs in, the best first.
const FLOWS: [(&str, &str, &str); 7] = [
    ("clientCredentials", "application", "client_credentials"),
    ("application", "application", "client_credentials"),
    ("authorizationCode", "accessCode", "authorization_code"),
    ("accessCode", "accessCode", "authorization_code"),
    ("deviceAuthorization", "device", "device_code"),
    ("password", "password", "password"),
    ("implicit", "implicit", ""),
];

fn oauth(api: &Api<'_>, scheme: Spot<'_>, scopes: &[String]) -> Option<SignIn> {
    let (three, two) = (scheme.get("flows"), scheme.doc.text_of("flow"));
    let found = FLOWS.iter().find_map(|(new, old, flow)| match three {
        Some(flows) => flows.get(new).map(|spot| (*flow, spot)),
        None => (two == Some(*old) || two == Some(*new)).then_some((*flow, scheme)),
    });
    let (flow, spot) = found?;
    let address = |key: &str| spot.doc.text_of(key).and_then(|url| absolute(api, url));
    let token = address("tokenUrl");
    let bearer = |why: &str| {
        let auth = Doc::of([("bearer", Doc::from("{token}"))]);
        let properties = vec![PropertyDraft::new("token", "Access token", true)];
        Some(SignIn { auth, properties, why: Some(why.to_owned()), ..SignIn::none(None) })
    };
    let Some(token) = token.filter(|_| !flow.is_empty()) else {
        return bearer(
            "the document has no address of a token server that a program can use: the connection gives the access token",
        );
    };
    let mut auth = Fields::from_iter([("flow".to_owned(), Doc::from(flow))]);
    if flow == "authorization_code" {
        let Some(authorize) = address("authorizationUrl") else {
            return bearer("the document has no address of the sign-in page: the connection gives the access token");
        };
        auth.insert("authorize".to_owned(), Doc::Text(authorize));
    }
    if flow == "device_code" {
        auth.insert("device".to_owned(), Doc::Text(address("deviceAuthorizationUrl")?));
    }
    auth.insert("token".to_owned(), Doc::Text(token));
    auth.insert("client_id".to_owned(), Doc::from("{clientId}"));
    auth.insert("client_secret".to_owned(), Doc::from("{clientSecret}"));
    let mut properties = vec![
        PropertyDraft::new("clientId", "Id of the OAuth client", false),
        PropertyDraft::new("clientSecret", "Secret of the OAuth client", true),
    ];
    if flow == "password" {
        auth.insert("username".to_owned(), Doc::from("{username}"));
        auth.insert("password".to_owned(), Doc::from("{password}"));
        properties.extend([
            PropertyDraft::new("username", "User name", false),
            PropertyDraft::new("password", "Password", true),
        ]);
    }
    let known: Vec<&str> = spot.get("scopes").into_iter().flat_map(Spot::fields).map(|(name, _)| name).collect();
    let wanted: Vec<&str> =
        scopes.iter().map(String::as_str).filter(|scope| known.is_empty() || known.contains(scope)).collect();
    if !wanted.is_empty() && wanted.len() <= 40 {
        auth.insert("scopes".to_owned(), Doc::texts(wanted));
    }
    Some(SignIn { auth: Doc::of([("oauth2", Doc::Map(auth))]), properties, ..SignIn::none(None) })
}

/// An address of the document, without query; relative to the server.
fn absolute(api: &Api<'_>, url: &str) -> Option<String> {
    let url = url.trim();
    if url.contains('{') {
        return None;
    }
    let parsed = match url::Url::parse(url) {
        Ok(parsed) => parsed,
        Err(_) => url::Url::parse(&api.servers.first()?.url).ok()?.join(url).ok()?,
    };
    let is_web = parsed.scheme() == "https" && parsed.host_str().is_some() && parsed.username().is_empty();
    is_web.then(|| parsed.to_string())
}

/// Several keys at once.
fn several_keys(schemes: &[(&str, Spot<'_>)]) -> Option<SignIn> {
    let mut found = SignIn::none(None);
    let mut keys: Vec<(&'static str, Fields)> = Vec::new();
    for (name, scheme) in schemes {
        let kind = scheme.doc.text_of("type").unwrap_or_default().to_ascii_lowercase();
        let word = scheme.doc.text_of("scheme").unwrap_or_default().to_ascii_lowercase();
        let property = super::names::plain_name(name)?.replace(['.', '@', '$'], "-");
        let (place, wire, value) = match (kind.as_str(), word.as_str()) {
            ("apikey", _) => {
                let ((place, key), wire) = (place_of(*scheme)?, scheme.doc.text_of("name")?);
                found.credentials.push((place, wire.to_owned()));
                (key, wire, format!("{{{property}}}"))
            }
            ("http", "bearer") | ("oauth2" | "openidconnect", _) => {
                ("header", "Authorization", format!("Bearer {{{property}}}"))
            }
            _ => return None,
        };
        found.properties.push(PropertyDraft::new(&property, &format!("Credential {name}"), true));
        match keys.iter_mut().find(|(known, _)| *known == place) {
            Some((_, fields)) => drop(fields.insert(wire.to_owned(), Doc::Text(value))),
            None => keys.push((place, Fields::from_iter([(wire.to_owned(), Doc::Text(value))]))),
        }
    }
    let keys: Fields = keys.into_iter().map(|(place, fields)| (place.to_owned(), Doc::Map(fields))).collect();
    found.auth = Doc::of([("keys", Doc::Map(keys))]);
    Some(found)
}
