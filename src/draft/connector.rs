//! A connector file and a connection, drafted from an address and a kind of sign-in. Pure.

use super::names::title_of;
use super::yaml::scalar;
use crate::authoring::Format;

/// How the connector signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuthDraft {
    None,
    Basic,
    /// The text before the token is `Bearer`.
    Bearer,
    /// A key in a header, perhaps after a word such as `Token`.
    ApiKey {
        header: String,
        before: String,
    },
    /// A key in the query.
    QueryKey {
        name: String,
    },
    Oauth2Client {
        token: String,
    },
    Oauth2Code {
        authorize: String,
        token: String,
    },
}

/// The paging of the connector's lists, with common names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PagingKind {
    None,
    Link,
    Number,
    Offset,
    Cursor,
    NextUrl,
}

/// A connector to write.
#[derive(Clone, Debug)]
pub(crate) struct ConnectorDraft {
    pub(crate) name: String,
    pub(crate) base_url: String,
    pub(crate) auth: AuthDraft,
    pub(crate) paging: PagingKind,
}

/// A property of the connection: name, description, secret.
type Property = (&'static str, &'static str, bool);

impl AuthDraft {
    fn properties(&self) -> &'static [Property] {
        match self {
            AuthDraft::None => &[],
            AuthDraft::Basic => &[("username", "User name", false), ("password", "Password", true)],
            AuthDraft::Bearer => &[("token", "Access token", true)],
            AuthDraft::ApiKey { .. } | AuthDraft::QueryKey { .. } => &[("apiKey", "Key of the API", true)],
            AuthDraft::Oauth2Client { .. } | AuthDraft::Oauth2Code { .. } => {
                &[("clientId", "Id of the OAuth client", false), ("clientSecret", "Secret of the OAuth client", true)]
            }
        }
    }

    fn yaml(&self) -> String {
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            AuthDraft::None => "none".to_owned(),
            AuthDraft::Basic => r#"{ basic: { username: "{username}", password: "{password}" } }"#.to_owned(),
            AuthDraft::Bearer => r#"{ bearer: "{token}" }"#.to_owned(),
            AuthDraft::ApiKey { header, before } => {
                format!(
                    "{{ api_key: {{ header: {}, value: {} }} }}",
                    scalar(header),
                    quote(&format!("{before}{{apiKey}}"))
                )
            }
            AuthDraft::QueryKey { name } => {
                format!("{{ api_key: {{ query: {}, value: \"{{apiKey}}\" }} }}", scalar(name))
            }
            AuthDraft::Oauth2Client { token } => format!(
                "\n  oauth2:\n    flow: client_credentials\n    token: {}\n    client_id: \"{{clientId}}\"\n    client_secret: \"{{clientSecret}}\"",
                quote(token)
            ),
            AuthDraft::Oauth2Code { authorize, token } => format!(
                "\n  oauth2:\n    flow: authorization_code\n    authorize: {}\n    token: {}\n    client_id: \"{{clientId}}\"\n    client_secret: \"{{clientSecret}}\"",
                quote(authorize),
                quote(token)
            ),
        }
    }
}

impl PagingKind {
    fn yaml(self) -> Option<&'static str> {
        match self {
            PagingKind::None => None,
            PagingKind::Link => Some("{ link: {} }"),
            PagingKind::Number => Some("{ number: { page: { query: page } } }"),
            PagingKind::Offset => {
                Some("{ offset: { offset: { query: offset }, size: { query: limit, default: 50 } } }")
            }
            PagingKind::Cursor => Some("{ cursor: { token: /next_cursor, send: { query: cursor } } }"),
            PagingKind::NextUrl => Some("{ next_url: { pointer: /next } }"),
        }
    }
}

impl ConnectorDraft {
    /// The text of connector.yaml.
    pub(crate) fn connector(&self) -> String {
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        let mut out = format!(
            "# The connector {name}: where the API is, how to sign in. Its operations are in the other files of this folder.\n\
             # `opnode call -c CONNECTION GET /path --save-as ID` adds one; `opnode check` checks them; `opnode guide` explains.\n\
             version: {version}\nconnector: {name}\ntitle: {title}\nconnection:\n",
            name = self.name,
            version = Format::Connector.version(),
            title = scalar(&title_of(&self.name)),
        );
        out.push_str(&format!(
            "  baseUrl: {{ type: string, format: uri, default: {}, description: Address of the API }}\n",
            quote(&self.base_url)
        ));
        for (name, description, secret) in self.auth.properties() {
            let secret = if *secret { ", secret: true" } else { "" };
            out.push_str(&format!("  {name}: {{ type: string{secret}, description: {description} }}\n"));
        }
        out.push_str("base_url: \"{baseUrl}\"\n");
        let auth = self.auth.yaml();
        out.push_str(&format!("auth:{}{auth}\n", if auth.starts_with('\n') { "" } else { " " }));
        if let Some(paging) = self.paging.yaml() {
            out.push_str("# guessed: the names are common ones; an operation may have its own `paging`\n");
            out.push_str(&format!("paging: {paging}\n"));
        }
        out.push_str(
            "# guessed: common places of an error's code and text; correct them when an error of the API shows no text\n\
             errors:\n  code: [/code, /error/code, /errors/0/code, /error]\n  message: [/message, /error/message, /errors/0/message, /error_description, /detail, /title, /error]\n",
        );
        out
    }

    /// The entry in connections.yaml, indented by two, and the variables that it refers to.
    pub(crate) fn connection(&self, name: &str) -> (String, Vec<String>) {
        let mut out = format!("  {name}:\n    connector: {}\n", self.name);
        if matches!(self.auth, AuthDraft::Oauth2Code { .. }) {
            out.push_str(&format!("    account: {name}\n"));
        }
        let mut variables = Vec::new();
        for (property, _, _) in self.auth.properties() {
            let variable = variable(&self.name, property);
            out.push_str(&format!("    {property}: {{ env: {variable} }}\n"));
            variables.push(variable);
        }
        (out, variables)
    }
}

/// The environment variable for a property of a connector: `clientId` of `acme-desk` as `ACME_DESK_CLIENT_ID`.
pub(crate) fn variable(connector: &str, property: &str) -> String {
    let mut out = String::new();
    let mut lower = false;
    for c in connector.chars().chain("_".chars()).chain(property.chars()) {
        if c.is_uppercase() && lower {
            out.push('_');
        }
        lower = c.is_lowercase() || c.is_ascii_digit();
        out.push(if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    }
    out
}
