//! How requests are authenticated: the checked model. Pure data.

use http::HeaderName;

use super::file::ClientAuthFile;
use crate::authoring::{Pointer, Text};

/// How requests are authenticated.
#[derive(Debug)]
pub(crate) enum Auth {
    None,
    Basic { username: Text, password: Text },
    Bearer { token: Text },
    ApiKey { header: HeaderName, value: Text },
    Oauth2(Oauth2),
    Refresh(Refresh),
}

/// OAuth 2.0 as the connector declares it.
#[derive(Debug)]
pub(crate) struct Oauth2 {
    pub(crate) person: bool,
    pub(crate) authorize: Option<Text>,
    pub(crate) token: Text,
    pub(crate) scopes: Vec<String>,
    pub(crate) client_id: Text,
    pub(crate) client_secret: Option<Text>,
    pub(crate) client_auth: Option<ClientAuthFile>,
    pub(crate) token_parameters: Vec<(String, Text)>,
    pub(crate) refresh_token: Option<Text>,
}

/// A vendor-specific rotating refresh token.
#[derive(Debug)]
pub(crate) struct Refresh {
    pub(crate) verb: http::Method,
    pub(crate) path: Text,
    pub(crate) headers: Vec<(HeaderName, Text)>,
    pub(crate) access_token: Pointer,
    pub(crate) refresh_token: Pointer,
    pub(crate) expires_in: Option<Pointer>,
}

impl Auth {
    pub(crate) fn texts(&self) -> Vec<&Text> {
        match self {
            Auth::None => Vec::new(),
            Auth::Basic { username, password } => vec![username, password],
            Auth::Bearer { token } => vec![token],
            Auth::ApiKey { value, .. } => vec![value],
            Auth::Oauth2(o) => {
                let optional = [o.authorize.as_ref(), o.client_secret.as_ref(), o.refresh_token.as_ref()];
                let parameters = o.token_parameters.iter().map(|(_, text)| text);
                optional.into_iter().flatten().chain([&o.token, &o.client_id]).chain(parameters).collect()
            }
            Auth::Refresh(r) => r.headers.iter().map(|(_, text)| text).chain([&r.path]).collect(),
        }
    }
}
