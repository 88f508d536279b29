//! Converts `auth: { oauth2: … }` to the checked model: every key has an effect in its flow, or is refused. Pure.

use super::auth_texts::AuthTexts;
use super::placed::{login_pair, send};
use crate::authoring::{Ordered, Text};
use crate::definition::auth::Auth;
use crate::definition::file::{AssertionFile, ClientAuthFile, FlowFile, LoginPairFile, Oauth2File};
use crate::definition::oauth::{Assertion, GrantFlow, Oauth2, TokenExchangeRule};
use crate::json_pointer::escape;

const AT: &str = "/auth/oauth2";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

pub(super) fn oauth2(t: &mut AuthTexts<'_, '_>, file: Oauth2File) -> Auth {
    keys_of_flow(t, &file);
    client_keys(t, &file);
    let flow = flow(t, &file);
    let optional =
        |t: &mut AuthTexts<'_, '_>, key: &str, text: Option<&String>| t.optional(&format!("{AT}/{key}"), text);
    Auth::Oauth2(Box::new(Oauth2 {
        flow,
        authorize: optional(t, "authorize", file.authorize.as_ref()),
        device: optional(t, "device", file.device.as_ref()),
        token: t.text(&format!("{AT}/token"), &file.token),
        scope: file.scopes.join(file.scope_separator.as_deref().unwrap_or(" ")),
        client_id: optional(t, "client_id", file.client_id.as_ref()),
        client_secret: optional(t, "client_secret", file.client_secret.as_ref()),
        client_auth: file.client_auth,
        token_parameters: parameters(t, "token_parameters", file.token_parameters, file.flow),
        authorize_parameters: parameters(t, "authorize_parameters", file.authorize_parameters, file.flow),
        refresh_token: optional(t, "refresh_token", file.refresh_token.as_ref()),
        assertion: file.assertion.map(|assertion| self::assertion(t, assertion)),
        send: send(t, &format!("{AT}/send"), file.send.as_ref()),
    }))
}

/// The key of each flow, and those that have an effect in it only.
fn keys_of_flow(t: &mut AuthTexts<'_, '_>, file: &Oauth2File) {
    use FlowFile::{AuthorizationCode, DeviceCode, JwtBearer, Password, TokenExchange};
    let for_jwt = file.client_auth == Some(ClientAuthFile::PrivateKeyJwt);
    let keys = [
        ("authorize", file.authorize.is_some(), AuthorizationCode, "the address of the sign-in page"),
        ("device", file.device.is_some(), DeviceCode, "the address of the device authorization endpoint"),
        ("username", file.username.is_some(), Password, "the user name"),
        ("password", file.password.is_some(), Password, "the password"),
        ("assertion", file.assertion.is_some() || for_jwt, JwtBearer, "the signed assertion"),
        ("subject_token", file.subject_token.is_some(), TokenExchange, "the token that is exchanged"),
    ];
    for (key, given, flow, what) in keys {
        let own = file.flow == flow;
        if own && !given {
            t.c.fault(AT, format!("the flow {} needs `{key}`: {what}", name(flow)), None);
        }
        // A refresh token may come from a sign-in page, and an assertion may authenticate the client.
        let is_of_other = (key == "assertion" && for_jwt) || (key == "authorize" && file.refresh_token.is_some());
        if given && !own && !is_of_other {
            t.c.fault(&format!("{AT}/{key}"), format!("`{key}` is for the flow {}", name(flow)), None);
        }
    }
    let exchange = [
        ("subject_token_type", file.subject_token_type.is_some(), file.subject_token.is_some()),
        ("actor_token", file.actor_token.is_some(), file.subject_token.is_some()),
        ("actor_token_type", file.actor_token_type.is_some(), file.actor_token.is_some()),
        ("requested_token_type", file.requested_token_type.is_some(), file.subject_token.is_some()),
    ];
    for (key, given, possible) in exchange {
        if given && !(possible && file.flow == TokenExchange) {
            let needs = if key == "actor_token_type" { "`actor_token`" } else { "`subject_token`" };
            t.c.fault(&format!("{AT}/{key}"), format!("`{key}` has no effect without {needs}"), None);
        }
    }
    if !file.authorize_parameters.is_empty() && !matches!(file.flow, AuthorizationCode | DeviceCode) {
        let message = "`authorize_parameters` is for the flows authorization_code and device_code";
        t.c.fault(&format!("{AT}/authorize_parameters"), message, None);
    }
    if file.scope_separator.is_some() && file.scopes.len() < 2 {
        t.c.fault(&format!("{AT}/scope_separator"), "`scope_separator` has no effect without two `scopes`", None);
    }
}

fn name(flow: FlowFile) -> &'static str {
    match flow {
        FlowFile::AuthorizationCode => "authorization_code",
        FlowFile::ClientCredentials => "client_credentials",
        FlowFile::Password => "password",
        FlowFile::DeviceCode => "device_code",
        FlowFile::JwtBearer => "jwt_bearer",
        FlowFile::TokenExchange => "token_exchange",
    }
}

fn client_keys(t: &mut AuthTexts<'_, '_>, file: &Oauth2File) {
    let at = format!("{AT}/client_auth");
    let has_secret = file.client_secret.is_some();
    match file.client_auth {
        Some(ClientAuthFile::Basic | ClientAuthFile::Body) if !has_secret => {
            t.c.fault(&at, "`client_auth` has no effect without `client_secret`", None);
        }
        Some(ClientAuthFile::None | ClientAuthFile::PrivateKeyJwt) if has_secret => {
            let message = "`client_secret` is not sent with this `client_auth`";
            t.c.fault(&format!("{AT}/client_secret"), message, None);
        }
        Some(ClientAuthFile::PrivateKeyJwt) if file.assertion.is_none() => {
            t.c.fault(AT, "`client_auth: private_key_jwt` needs `assertion`: the key, and how to sign", None);
        }
        Some(_) | None => {}
    }
    if file.client_id.is_some() {
        return;
    }
    if has_secret {
        t.c.fault(&format!("{AT}/client_secret"), "`client_secret` needs `client_id`", None);
    } else if file.client_auth.is_some() {
        t.c.fault(&at, "`client_auth` needs `client_id`", None);
    } else if !matches!(file.flow, FlowFile::JwtBearer | FlowFile::TokenExchange) {
        t.c.fault(AT, format!("the flow {} needs `client_id`", name(file.flow)), None);
    } else if file.flow == FlowFile::JwtBearer && file.assertion.as_ref().is_some_and(|a| a.issuer.is_none()) {
        t.c.fault(&format!("{AT}/assertion"), "the assertion needs `issuer`, because there is no `client_id`", None);
    }
}

fn flow(t: &mut AuthTexts<'_, '_>, file: &Oauth2File) -> GrantFlow {
    match file.flow {
        FlowFile::AuthorizationCode => GrantFlow::AuthorizationCode,
        FlowFile::ClientCredentials => GrantFlow::ClientCredentials,
        FlowFile::DeviceCode => GrantFlow::DeviceCode,
        FlowFile::JwtBearer => GrantFlow::JwtBearer,
        FlowFile::Password => {
            let (username, password) = (file.username.clone(), file.password.clone());
            let pair = LoginPairFile { username: username.unwrap_or_default(), password: password.unwrap_or_default() };
            GrantFlow::Password(login_pair(t, AT, &pair))
        }
        FlowFile::TokenExchange => {
            let subject = file.subject_token.clone().unwrap_or_default();
            let actor = t.optional(&format!("{AT}/actor_token"), file.actor_token.as_ref());
            let kind = |given: &Option<String>| given.clone().unwrap_or_else(|| ACCESS_TOKEN.to_owned());
            GrantFlow::TokenExchange(TokenExchangeRule {
                subject_token: t.text(&format!("{AT}/subject_token"), &subject),
                subject_token_type: kind(&file.subject_token_type),
                actor_token: actor.map(|text| (text, kind(&file.actor_token_type))),
                requested_token_type: file.requested_token_type.clone(),
            })
        }
    }
}

/// Parameters that have their own keys or are set by every flow.
const OWN_PARAMETERS: [&str; 13] = [
    "grant_type",
    "scope",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "refresh_token",
    "code",
    "redirect_uri",
    "code_verifier",
    "response_type",
    "state",
    "code_challenge",
];

/// Those that one flow sets.
fn own_parameters(flow: FlowFile) -> &'static [&'static str] {
    match flow {
        FlowFile::AuthorizationCode => &["code_challenge_method"],
        FlowFile::ClientCredentials => &[],
        FlowFile::Password => &["username", "password"],
        FlowFile::DeviceCode => &["device_code"],
        FlowFile::JwtBearer => &["assertion"],
        FlowFile::TokenExchange => {
            &["subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type"]
        }
    }
}

fn parameters(t: &mut AuthTexts<'_, '_>, key: &str, file: Ordered<String>, flow: FlowFile) -> Vec<(String, Text)> {
    for name in file.keys() {
        if OWN_PARAMETERS.contains(&name.as_str()) || own_parameters(flow).contains(&name.as_str()) {
            let at = format!("{AT}/{key}/{}", escape(name));
            t.c.fault(&at, format!("`{name}` is set by opnode, from the keys of `auth` or from the flow"), None);
        }
    }
    t.map(&format!("{AT}/{key}"), file)
}

/// Claims that have their own keys or are set by opnode.
const OWN_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"];

fn assertion(t: &mut AuthTexts<'_, '_>, file: AssertionFile) -> Assertion {
    let at = format!("{AT}/assertion");
    let mut claims = Vec::new();
    for (name, json) in &file.claims {
        let place = format!("{at}/claims/{}", escape(name));
        if OWN_CLAIMS.contains(&name.as_str()) {
            let message = format!("`{name}` is set by opnode: see `issuer`, `subject`, `audience` and `lifetime_s`");
            t.c.fault(&place, message, None);
        }
        claims.extend(t.json(&place, json).map(|json| (name.clone(), json)));
    }
    let lifetime_s = file.lifetime_s.unwrap_or(300);
    if !(1..=3600).contains(&lifetime_s) {
        t.c.fault(&format!("{at}/lifetime_s"), "the lifetime must be 1 to 3600 seconds", None);
    }
    let optional =
        |t: &mut AuthTexts<'_, '_>, key: &str, text: Option<&String>| t.optional(&format!("{at}/{key}"), text);
    Assertion {
        key: t.text(&format!("{at}/key"), &file.key),
        algorithm: file.algorithm,
        issuer: optional(t, "issuer", file.issuer.as_ref()),
        subject: optional(t, "subject", file.subject.as_ref()),
        audience: optional(t, "audience", file.audience.as_ref()),
        claims,
        key_id: optional(t, "key_id", file.key_id.as_ref()),
        lifetime_s,
    }
}
