//! OAuth 2.0 as a connector declares it: the checked model. Pure data.

use super::file::{AlgorithmFile, ClientAuthFile};
use super::json_text::JsonText;
use super::placed::{LoginPair, PlacedText};
use crate::authoring::Text;

/// OAuth 2.0 as the connector declares it.
#[derive(Debug)]
pub(crate) struct Oauth2 {
    pub(crate) flow: GrantFlow,
    pub(crate) authorize: Option<Text>,
    pub(crate) device: Option<Text>,
    pub(crate) token: Text,
    /// The scopes, joined.
    pub(crate) scope: String,
    pub(crate) client_id: Option<Text>,
    pub(crate) client_secret: Option<Text>,
    pub(crate) client_auth: Option<ClientAuthFile>,
    pub(crate) token_parameters: Vec<(String, Text)>,
    pub(crate) authorize_parameters: Vec<(String, Text)>,
    pub(crate) refresh_token: Option<Text>,
    pub(crate) assertion: Option<Assertion>,
    pub(crate) send: PlacedText,
}

/// How the first token is obtained.
#[derive(Debug)]
pub(crate) enum GrantFlow {
    AuthorizationCode,
    ClientCredentials,
    Password(LoginPair),
    DeviceCode,
    JwtBearer,
    TokenExchange(TokenExchangeRule),
}

/// A token exchange (RFC 8693).
#[derive(Debug)]
pub(crate) struct TokenExchangeRule {
    pub(crate) subject_token: Text,
    pub(crate) subject_token_type: String,
    /// The token of the acting party, and its type.
    pub(crate) actor_token: Option<(Text, String)>,
    pub(crate) requested_token_type: Option<String>,
}

/// A signed assertion.
#[derive(Debug)]
pub(crate) struct Assertion {
    pub(crate) key: Text,
    pub(crate) algorithm: AlgorithmFile,
    pub(crate) issuer: Option<Text>,
    pub(crate) subject: Option<Text>,
    pub(crate) audience: Option<Text>,
    pub(crate) claims: Vec<(String, JsonText)>,
    pub(crate) key_id: Option<Text>,
    pub(crate) lifetime_s: u32,
}

impl Oauth2 {
    /// Whether a person signs in: then the tokens cannot be obtained from the connection alone.
    pub(crate) fn needs_person(&self) -> bool {
        match &self.flow {
            GrantFlow::AuthorizationCode | GrantFlow::DeviceCode => true,
            GrantFlow::ClientCredentials
            | GrantFlow::Password(_)
            | GrantFlow::JwtBearer
            | GrantFlow::TokenExchange(_) => false,
        }
    }

    /// Whether an assertion can only authenticate the client.
    pub(crate) fn flow_has_no_assertion(&self) -> bool {
        !matches!(self.flow, GrantFlow::JwtBearer)
    }

    pub(super) fn texts(&self) -> Vec<&Text> {
        let optional = [&self.authorize, &self.device, &self.client_id, &self.client_secret, &self.refresh_token];
        let parameters = self.token_parameters.iter().chain(&self.authorize_parameters).map(|(_, text)| text);
        let assertion = self.assertion.iter().flat_map(Assertion::texts);
        let own = optional.into_iter().flatten().chain([&self.token, &self.send.value]);
        own.chain(self.flow.texts()).chain(parameters).chain(assertion).collect()
    }
}

impl GrantFlow {
    /// The credentials of the flow.
    pub(crate) fn texts(&self) -> Vec<&Text> {
        match self {
            GrantFlow::Password(pair) => pair.texts().to_vec(),
            GrantFlow::TokenExchange(rule) => {
                std::iter::once(&rule.subject_token).chain(rule.actor_token.iter().map(|(text, _)| text)).collect()
            }
            GrantFlow::AuthorizationCode
            | GrantFlow::ClientCredentials
            | GrantFlow::DeviceCode
            | GrantFlow::JwtBearer => Vec::new(),
        }
    }
}

impl Assertion {
    pub(crate) fn texts(&self) -> Vec<&Text> {
        let optional = [&self.issuer, &self.subject, &self.audience, &self.key_id].into_iter().flatten();
        let claims = self.claims.iter().flat_map(|(_, json)| json.texts());
        optional.chain([&self.key]).chain(claims).collect()
    }
}
