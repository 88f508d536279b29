//! Issues tokens: OAuth 2.0 token and authorize endpoints (RFC 6749, 7636), or a vendor's own exchange. It shares no
//! code with `crate::auth`, so that each tests the other.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, CACHE_CONTROL, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Method as Verb, StatusCode};
use url::Url;
use url::form_urlencoded::parse;

use super::tokens::{IssuedTokens, Lifetime, SignIn, TokenPair};
use super::{login, place};
use crate::authoring::Text;
use crate::clock::{Clock as _, SystemClock};
use crate::connection::{Connection, is_loopback};
use crate::definition::{
    Auth, ClientAuthFile, GrantFlow, Oauth2, PlacedText, Refresh, RequestPlace, TokenPlace, TokensFile,
};
use crate::error::Result;
use crate::sandbox::http::{Pattern, Refusal, RefusalKind, ReplyContent, SandboxCall, SandboxReply, values};
use crate::sandbox::records::Tree;

/// The authorization server of a connector with renewed tokens.
pub(in crate::sandbox) struct AuthServer {
    pub(in crate::sandbox) tokens: IssuedTokens,
    /// The verb of the token endpoint.
    verb: Verb,
    token: Pattern,
    authorize: Option<Pattern>,
    /// The device authorization endpoint.
    device: Option<Pattern>,
    /// How the access token is sent.
    send: PlacedText,
    /// The reply of the operation at the token endpoint, for the values besides the tokens.
    pub(in crate::sandbox) like: Option<SandboxReply>,
}

/// The kind of a request to the authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum AuthRequest {
    Token,
    Authorize,
    Device,
}

impl AuthRequest {
    /// Its name in the log, in place of an operation's.
    pub(in crate::sandbox) fn name(self) -> &'static str {
        match self {
            AuthRequest::Token => "token",
            AuthRequest::Authorize => "authorize",
            AuthRequest::Device => "device",
        }
    }
}

impl AuthServer {
    /// The authorization server of a connector; `None` if its tokens are not renewed.
    ///
    /// # Errors
    /// Those of invalid addresses.
    pub(in crate::sandbox) fn new(
        connection: &Connection,
        file: &TokensFile,
        base: &Pattern,
    ) -> Result<Option<AuthServer>> {
        let at = |text: &Text| connection.address(text).map(|url| Pattern::default().below(&url));
        let (mut authorize, mut device) = (None, None);
        let (seed, verb, token, rotates) = match &connection.connector().auth {
            Auth::None
            | Auth::Basic(_)
            | Auth::Bearer { .. }
            | Auth::Keys(_)
            | Auth::Digest(_)
            | Auth::Hmac(_)
            | Auth::AwsSigv4(_) => return Ok(None),
            Auth::Oauth2(rule) => {
                authorize = rule.authorize.as_ref().map(at).transpose()?;
                device = rule.device.as_ref().map(at).transpose()?;
                let seed = rule.refresh_token.as_ref().and_then(|text| connection.render(text));
                (seed, Verb::POST, at(&rule.token)?, false)
            }
            Auth::Login(rule) => {
                let path = Pattern::new(&rule.path);
                let token = match &rule.base_url {
                    Some(text) => path.below(&connection.address(text)?),
                    None => path.under(base),
                };
                (None, rule.verb.clone(), token, false)
            }
            Auth::Refresh(rule) => {
                let seed = secret(connection, rule).and_then(|name| connection.value(name)).map(Cow::into_owned);
                (seed, rule.verb.clone(), Pattern::new(&rule.path).under(base), true)
            }
        };
        let lifetime = Lifetime { calls: file.calls, seconds: file.seconds, rotate: file.rotate.unwrap_or(rotates) };
        let tokens = IssuedTokens::new(&connection.connector().name, seed, lifetime);
        let send = send(&connection.connector().auth);
        Ok(Some(AuthServer { tokens, verb, token, authorize, device, send, like: None }))
    }

    /// The kind of a request, if it is for this server.
    pub(in crate::sandbox) fn request(&self, call: &SandboxCall) -> Option<AuthRequest> {
        let at = |pattern: &Pattern| pattern.matches(&call.segments).is_some();
        if call.verb == self.verb && at(&self.token) {
            return Some(AuthRequest::Token);
        }
        if call.verb == Verb::POST && self.device.as_ref().is_some_and(at) {
            return Some(AuthRequest::Device);
        }
        (call.verb == Verb::GET && self.authorize.as_ref().is_some_and(at)).then_some(AuthRequest::Authorize)
    }

    /// Whether this verb and path are the token endpoint.
    pub(in crate::sandbox) fn is_token(&self, verb: &Verb, pattern: &Pattern) -> bool {
        *verb == self.verb && self.token.shape() == pattern.shape()
    }

    /// Whether a request has a valid access token.
    pub(in crate::sandbox) fn admits(&self, call: &SandboxCall) -> bool {
        self.access(call).is_some_and(|token| self.tokens.admits(&token, Instant::now()))
    }

    /// The same, and counts the call.
    pub(in crate::sandbox) fn spend(&self, call: &SandboxCall) -> bool {
        self.access(call).is_some_and(|token| self.tokens.spend(&token, Instant::now()))
    }

    /// The access token of a request.
    fn access(&self, call: &SandboxCall) -> Option<String> {
        place::named(call, &self.send, "token")
    }

    /// The reply to such a request; the connector words a refusal.
    pub(in crate::sandbox) fn answer(
        &self,
        connection: &Connection,
        request: AuthRequest,
        call: &SandboxCall,
    ) -> Result<SandboxReply, Refusal> {
        match (&connection.connector().auth, request) {
            (Auth::Oauth2(rule), AuthRequest::Token) => Ok(self
                .issue(connection, rule, call)
                .map_or_else(|(status, code, why)| refused(status, code, &why), |pair| sold(&pair))),
            (Auth::Oauth2(rule), AuthRequest::Authorize) => Ok(self.authorize(connection, rule, call)),
            (Auth::Oauth2(rule), AuthRequest::Device) => Ok(self.device(connection, rule, call)),
            (Auth::Login(rule), _) => login::answer(connection, rule, call, || self.tokens.grant(Instant::now())),
            (Auth::Refresh(rule), _) => self.renew(connection, rule, call),
            _ => Err(Refusal::new(RefusalKind::NotFound, "this server issues no tokens")),
        }
    }

    /// The vendor's own exchange.
    fn renew(&self, connection: &Connection, rule: &Refresh, call: &SandboxCall) -> Result<SandboxReply, Refusal> {
        let name = secret(connection, rule).unwrap_or_default();
        let mut token = None;
        for (header, text) in &rule.headers {
            let given = call.header(header).and_then(|given| values(text, given)).unwrap_or_default();
            token = token.or_else(|| given.into_iter().find(|(n, _)| n == name).map(|(_, value)| value));
        }
        let refused = |why: &str| Refusal::new(RefusalKind::Unauthorized, why);
        let token = token.ok_or_else(|| refused("the refresh token is missing"))?;
        let pair = self.tokens.exchange(&token, Instant::now()).map_err(refused)?;
        let (status, mut body) = match &self.like {
            Some(SandboxReply { status, content: ReplyContent::Json(body), .. }) => (*status, body.clone()),
            _ => (StatusCode::OK, Tree::object()),
        };
        body.put(&rule.access_token, Tree::text(&pair.access));
        body.put(&rule.refresh_token, Tree::text(pair.refresh.as_deref().unwrap_or(&token)));
        if let (Some(pointer), Some(seconds)) = (&rule.expires_in, pair.seconds) {
            body.put(pointer, Tree::number(seconds));
        }
        if let Some(success) = &connection.connector().errors.success {
            body.put(&success.at, Tree::value(&success.said(true)));
        }
        Ok(SandboxReply::json(status, &body))
    }

    /// The token endpoint.
    fn issue(&self, connection: &Connection, rule: &Oauth2, call: &SandboxCall) -> Result<TokenPair, Refused> {
        let form: BTreeMap<String, String> =
            call.body.as_deref().map(|b| parse(b).into_owned().collect()).unwrap_or_default();
        if call.media_type() != "application/x-www-form-urlencoded" {
            return Err(invalid("the body must be a form"));
        }
        check_client(connection, rule, call, &form)?;
        let field =
            |name: &str| form.get(name).map(String::as_str).ok_or_else(|| invalid(&format!("`{name}` is missing")));
        let now = Instant::now();
        let granted = match field("grant_type")? {
            grant if own_grant(connection, rule, grant, &form)? => return Ok(self.tokens.grant(now)),
            "urn:ietf:params:oauth:grant-type:device_code" if self.device.is_some() => {
                self.poll(field("device_code")?, now)?
            }
            "refresh_token" => self.tokens.exchange(field("refresh_token")?, now),
            "authorization_code" if self.authorize.is_some() => {
                self.tokens.redeem(field("code")?, field("redirect_uri")?, field("code_verifier")?, now)
            }
            other => {
                return Err((
                    StatusCode::BAD_REQUEST,
                    "unsupported_grant_type",
                    format!("`{other}` is not possible here"),
                ));
            }
        };
        granted.map_err(|why| (StatusCode::BAD_REQUEST, "invalid_grant", why.to_owned()))
    }

    /// The device authorization endpoint (RFC 8628). Every person approves after the first poll.
    fn device(&self, connection: &Connection, rule: &Oauth2, call: &SandboxCall) -> SandboxReply {
        let form: BTreeMap<String, String> =
            call.body.as_deref().map(|b| parse(b).into_owned().collect()).unwrap_or_default();
        if let Err((status, code, why)) = check_client(connection, rule, call, &form) {
            return refused(status, code, &why);
        }
        let code = self.tokens.begin(SignIn { challenge: String::new(), redirect: String::new() });
        let mut body = Tree::object();
        let mut set = |name: &str, value: Tree| body.set(&[name.to_owned()], value);
        set("device_code", Tree::text(&code));
        set("user_code", Tree::text("SAND-BOX1"));
        set("verification_uri", Tree::text("http://127.0.0.1/device"));
        set("expires_in", Tree::number(600));
        set("interval", Tree::number(1));
        unstored(SandboxReply::json(StatusCode::OK, &body))
    }

    /// A poll of a device: the first one is too early.
    fn poll(&self, code: &str, now: Instant) -> Result<Result<TokenPair, &'static str>, Refused> {
        if self.tokens.is_new(code) {
            let why = "the person has not finished the sign-in yet".to_owned();
            return Err((StatusCode::BAD_REQUEST, "authorization_pending", why));
        }
        Ok(self.tokens.redeem_device(code, now))
    }

    /// The authorize endpoint: signs in every user and redirects the browser immediately.
    fn authorize(&self, connection: &Connection, rule: &Oauth2, call: &SandboxCall) -> SandboxReply {
        let given = |name: &str| call.parameter(name).unwrap_or_default();
        let wrong = |why: &str| refused(StatusCode::BAD_REQUEST, "invalid_request", why);
        if rule.client_id.as_ref().and_then(|text| connection.render(text)).as_deref() != Some(given("client_id")) {
            return wrong("client_id is not that of the sandbox's connection");
        }
        // Redirects only to https or loopback addresses.
        let redirect = Url::parse(given("redirect_uri")).ok().filter(|url| url.scheme() == "https" || is_loopback(url));
        let Some(mut back) = redirect.filter(|url| url.fragment().is_none()) else {
            return wrong("redirect_uri must be an https address or one of this machine");
        };
        let fault = if given("response_type") != "code" {
            Some(("unsupported_response_type", "response_type must be code"))
        } else if given("code_challenge_method") != "S256" || given("code_challenge").is_empty() {
            Some(("invalid_request", "a code_challenge with the method S256 is needed"))
        } else {
            None
        };
        let mut told = match fault {
            Some((code, why)) => vec![("error", code.to_owned()), ("error_description", why.to_owned())],
            None => {
                let sign_in = SignIn {
                    challenge: given("code_challenge").to_owned(),
                    redirect: given("redirect_uri").to_owned(),
                };
                vec![("code", self.tokens.begin(sign_in))]
            }
        };
        told.extend(call.parameter("state").map(|state| ("state", state.to_owned())));
        back.query_pairs_mut().extend_pairs(told);
        let mut reply = SandboxReply::blank(StatusCode::FOUND);
        reply.set(LOCATION, back.as_str());
        reply
    }
}

/// Status, OAuth error code and description.
type Refused = (StatusCode, &'static str, String);

fn invalid(why: &str) -> Refused {
    (StatusCode::BAD_REQUEST, "invalid_request", why.to_owned())
}

/// Authenticates the client by the Basic scheme, or by the form if it has no secret.
fn check_client(
    connection: &Connection,
    rule: &Oauth2,
    call: &SandboxCall,
    form: &BTreeMap<String, String>,
) -> Result<(), Refused> {
    let given = if call.headers.contains_key(AUTHORIZATION) {
        call.after_scheme("basic").and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| {
            let text = String::from_utf8(bytes).ok()?;
            let (id, secret) = text.split_once(':')?;
            Some((form_decoded(id), Some(form_decoded(secret))))
        })
    } else {
        form.get("client_id").map(|id| (id.clone(), form.get("client_secret").cloned()))
    };
    let Some(wanted) = rule.client_id.as_ref().map(|text| connection.render(text)) else { return Ok(()) };
    if rule.client_auth == Some(ClientAuthFile::PrivateKeyJwt) {
        let kind = form.get("client_assertion_type").map(String::as_str);
        let good = kind == Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            && form.get("client_assertion").is_some_and(|token| is_assertion(token, wanted.as_deref()));
        let refused = (StatusCode::UNAUTHORIZED, "invalid_client", "the client's assertion is not valid".to_owned());
        return if good { Ok(()) } else { Err(refused) };
    }
    let secret = rule.client_secret.as_ref().and_then(|text| connection.render(text));
    if given.is_some_and(|(id, given)| Some(id) == wanted && (secret.is_none() || given == secret)) {
        return Ok(());
    }
    Err((StatusCode::UNAUTHORIZED, "invalid_client", "the client is not that of the sandbox's connection".to_owned()))
}

/// Whether a grant is that of the connection's own credentials, with the right ones.
fn own_grant(
    connection: &Connection,
    rule: &Oauth2,
    grant: &str,
    form: &BTreeMap<String, String>,
) -> Result<bool, Refused> {
    let is = |name: &str, text: &Text| form.get(name) == connection.render(text).as_ref();
    let (kind, good) = match &rule.flow {
        GrantFlow::ClientCredentials => ("client_credentials", true),
        GrantFlow::Password(pair) => ("password", is("username", &pair.username) && is("password", &pair.password)),
        GrantFlow::TokenExchange(own) => {
            ("urn:ietf:params:oauth:grant-type:token-exchange", is("subject_token", &own.subject_token))
        }
        GrantFlow::JwtBearer => {
            let issuer = rule.assertion.as_ref().and_then(|a| a.issuer.as_ref()).or(rule.client_id.as_ref());
            let issuer = issuer.and_then(|text| connection.render(text));
            let assertion = form.get("assertion");
            let good = assertion.is_some_and(|token| is_assertion(token, issuer.as_deref()));
            ("urn:ietf:params:oauth:grant-type:jwt-bearer", good)
        }
        GrantFlow::AuthorizationCode | GrantFlow::DeviceCode => return Ok(false),
    };
    match (grant == kind, good) {
        (false, _) => Ok(false),
        (true, true) => Ok(true),
        (true, false) => {
            let why = "the credentials of the grant are not those of the sandbox's connection";
            Err((StatusCode::BAD_REQUEST, "invalid_grant", why.to_owned()))
        }
    }
}

/// Whether a text is an unexpired JSON Web Token of this issuer. Its signature is not checked: the sandbox has only the
/// private key.
fn is_assertion(token: &str, issuer: Option<&str>) -> bool {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part));
    let (Some(Ok(header)), Some(Ok(claims)), Some(Ok(signature)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap_or_default();
    let (header, claims) = (json(&header), json(&claims));
    let now = SystemClock.wall().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let is_live = claims.get("exp").and_then(serde_json::Value::as_u64).is_some_and(|exp| exp > now);
    let is_own = claims.get("iss").and_then(serde_json::Value::as_str) == issuer;
    header.get("alg").is_some() && !signature.is_empty() && is_live && is_own
}

/// How a connector's access token is sent.
fn send(auth: &Auth) -> PlacedText {
    let own = match auth {
        Auth::Oauth2(rule) => Some(rule.send.clone()),
        Auth::Login(rule) => match (&rule.token, &rule.send) {
            (TokenPlace::Cookie(name), _) => Some(PlacedText {
                place: RequestPlace::Cookie(name.clone()),
                value: Text::parse("{token}").unwrap_or_default(),
            }),
            (TokenPlace::Body(_) | TokenPlace::Header(_), send) => send.clone(),
        },
        Auth::None
        | Auth::Basic(_)
        | Auth::Bearer { .. }
        | Auth::Keys(_)
        | Auth::Digest(_)
        | Auth::Hmac(_)
        | Auth::AwsSigv4(_)
        | Auth::Refresh(_) => None,
    };
    own.unwrap_or_else(|| PlacedText {
        place: RequestPlace::Header(AUTHORIZATION),
        value: Text::parse("Bearer {token}").unwrap_or_default(),
    })
}

fn form_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The name of the property with the refresh token.
fn secret<'r>(connection: &Connection, rule: &'r Refresh) -> Option<&'r str> {
    let is_secret = |name: &&str| connection.connector().property(name).is_some_and(|p| p.secret);
    rule.headers.iter().flat_map(|(_, text)| text.names()).find(is_secret)
}

fn sold(pair: &TokenPair) -> SandboxReply {
    let mut body = Tree::object();
    let mut set = |name: &str, value: Tree| body.set(&[name.to_owned()], value);
    set("access_token", Tree::text(&pair.access));
    set("token_type", Tree::text("Bearer"));
    if let Some(seconds) = pair.seconds {
        set("expires_in", Tree::number(seconds));
    }
    if let Some(refresh) = &pair.refresh {
        set("refresh_token", Tree::text(refresh));
    }
    unstored(SandboxReply::json(StatusCode::OK, &body))
}

fn refused(status: StatusCode, code: &str, why: &str) -> SandboxReply {
    let mut body = Tree::object();
    body.set(&["error".to_owned()], Tree::text(code));
    body.set(&["error_description".to_owned()], Tree::text(why));
    let mut reply = unstored(SandboxReply::json(status, &body));
    if status == StatusCode::UNAUTHORIZED {
        reply.set(WWW_AUTHENTICATE, "Basic realm=\"sandbox\"");
    }
    reply
}

fn unstored(mut reply: SandboxReply) -> SandboxReply {
    reply.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
