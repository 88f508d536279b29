//! Converts `auth` of the connector file to the checked model. Pure.

use super::operation::request_line;
use crate::authoring::{Checker, Ordered, Text};
use crate::definition::auth::{Auth, Oauth2, Refresh};
use crate::definition::connector::Property;
use crate::definition::file::{AuthFile, FlowFile, Oauth2File, RefreshFile};
use crate::json_pointer::escape;

pub(super) fn auth(c: &mut Checker<'_>, file: AuthFile) -> Auth {
    let text = |c: &mut Checker<'_>, at: &str, text: &str| c.text(at, text).unwrap_or_default();
    match file {
        AuthFile::None => Auth::None,
        AuthFile::Basic { username, password } => Auth::Basic {
            username: text(c, "/auth/basic/username", &username),
            password: text(c, "/auth/basic/password", &password),
        },
        AuthFile::Bearer { token } => Auth::Bearer { token: text(c, "/auth/bearer/token", &token) },
        AuthFile::ApiKey { header, value } => {
            let value = text(c, "/auth/api_key/value", &value);
            c.header("/auth/api_key/header", &header).map_or(Auth::None, |header| Auth::ApiKey { header, value })
        }
        AuthFile::Oauth2(file) => oauth2(c, file),
        AuthFile::Refresh(file) => refresh(c, file).map_or(Auth::None, Auth::Refresh),
    }
}

fn oauth2(c: &mut Checker<'_>, file: Oauth2File) -> Auth {
    let person = file.flow == FlowFile::AuthorizationCode;
    if person && file.authorize.is_none() {
        c.fault("/auth/oauth2", "the flow authorization_code needs `authorize`: the address of the sign-in page", None);
    }
    if file.client_auth.is_some() && file.client_secret.is_none() {
        c.fault("/auth/oauth2/client_auth", "`client_auth` has no effect without `client_secret`", None);
    }
    let optional = |c: &mut Checker<'_>, key: &str, text: Option<String>| {
        text.and_then(|t| c.text(&format!("/auth/oauth2/{key}"), &t))
    };
    Auth::Oauth2(Oauth2 {
        person,
        authorize: optional(c, "authorize", file.authorize),
        token: c.text("/auth/oauth2/token", &file.token).unwrap_or_default(),
        scopes: file.scopes,
        client_id: c.text("/auth/oauth2/client_id", &file.client_id).unwrap_or_default(),
        client_secret: optional(c, "client_secret", file.client_secret),
        client_auth: file.client_auth,
        token_parameters: token_parameters(c, file.token_parameters),
        refresh_token: optional(c, "refresh_token", file.refresh_token),
    })
}

/// Parameters of a token request that have their own keys or are set by the flow.
const OWN_PARAMETERS: [&str; 8] =
    ["grant_type", "scope", "client_id", "client_secret", "refresh_token", "code", "redirect_uri", "code_verifier"];

fn token_parameters(c: &mut Checker<'_>, file: Ordered<String>) -> Vec<(String, Text)> {
    let mut parameters = Vec::new();
    for (name, text) in file {
        let at = format!("/auth/oauth2/token_parameters/{}", escape(&name));
        if OWN_PARAMETERS.contains(&name.as_str()) {
            c.fault(&at, format!("`{name}` is set by opnode, from the keys of `auth` or from the flow"), None);
        }
        if let Some(text) = c.text(&at, &text) {
            parameters.push((name, text));
        }
    }
    parameters
}

fn refresh(c: &mut Checker<'_>, file: RefreshFile) -> Option<Refresh> {
    let line = request_line(c, "/auth/refresh/request", &file.request);
    let headers = c.headers("/auth/refresh/header", file.header);
    let access_token = c.pointer("/auth/refresh/access_token", &file.access_token);
    let refresh_token = c.pointer("/auth/refresh/refresh_token", &file.refresh_token);
    let expires_in = file.expires_in.and_then(|p| c.pointer("/auth/refresh/expires_in", &p));
    let (verb, path) = line?;
    Some(Refresh { verb, path, headers, access_token: access_token?, refresh_token: refresh_token?, expires_in })
}

/// A refresh token that no header carries could never be exchanged.
pub(super) fn check_refresh(c: &mut Checker<'_>, auth: &Auth, properties: &[Property]) {
    let Auth::Refresh(rule) = auth else { return };
    let secret = |name: &str| properties.iter().any(|p| p.name == name && p.secret);
    if !rule.headers.iter().flat_map(|(_, text)| text.names()).any(secret) {
        c.fault(
            "/auth/refresh/header",
            "no header carries the refresh token: name a property that is `secret: true`",
            None,
        );
    }
}
