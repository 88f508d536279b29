//! `connector new`: asks for what the flags do not give, and writes a connector and a connection.

use super::written::{check_name, write};
use crate::cli::app::App;
use crate::cli::args::{AuthName, ConnectorNewArgs, PagingName};
use crate::cli::call::ask;
use crate::cli::messages;
use crate::draft::{AuthDraft, ConnectorDraft};
use crate::error::{Error, ErrorKind, Result};

/// The sign-ins, as in `--auth`.
const AUTHS: [(&str, AuthName); 6] = [
    ("none", AuthName::None),
    ("basic", AuthName::Basic),
    ("bearer", AuthName::Bearer),
    ("api-key", AuthName::ApiKey),
    ("oauth2-client", AuthName::Oauth2Client),
    ("oauth2-code", AuthName::Oauth2Code),
];

/// Runs the command. Returns the exit code.
pub(crate) fn run(app: &App, args: &ConnectorNewArgs) -> Result<u8> {
    check_name(app, &args.name)?;
    let needed: Vec<&str> = missing(args);
    if !needed.is_empty() && !ask::is_possible(app.screen) {
        return Err(Error::new(ErrorKind::Usage, format!("connector new needs {}", needed.join(" and ")))
            .advise(match args.auth {
                Some(_) => "without a terminal there are no questions",
                None => "without a terminal there are no questions; for example:\nopnode connector new acme-desk --base-url https://api.example.com/v2 --auth bearer",
            }));
    }
    let base_url = match &args.base_url {
        Some(url) => url.clone(),
        None => required("Address of the API, such as https://api.example.com/v2: ")?,
    };
    let base_url = base_url.trim().trim_end_matches('/').to_owned();
    let auth = auth(args)?;
    let paging = args.paging.unwrap_or(PagingName::None).into();
    let draft = ConnectorDraft { name: args.name.clone(), base_url, auth, paging };
    let written = write(app, &draft, args.into.as_deref())?;
    let mut text = written.report(&args.name);
    let then = if matches!(draft.auth, AuthDraft::Oauth2Code { .. }) {
        format!("  opnode login {}\n", args.name)
    } else {
        String::new()
    };
    let flag = written.flag();
    text.push_str(&format!(
        "\nnext, with a path of the API that gives a list:\n{then}  opnode call -c {name} GET /PATH{flag}\n  opnode call -c {name} GET /PATH --save-as listThings{flag}\n",
        name = args.name
    ));
    messages::print(&text).map(|()| 0)
}

/// The flags that have no default and were not given.
fn missing(args: &ConnectorNewArgs) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if args.base_url.is_none() {
        missing.push("--base-url URL");
    }
    match args.auth {
        None => missing.push("--auth KIND (none, basic, bearer, api-key, oauth2-client or oauth2-code)"),
        Some(AuthName::Oauth2Client | AuthName::Oauth2Code) if args.token_url.is_none() => {
            missing.push("--token-url URL")
        }
        Some(AuthName::Oauth2Code) if args.authorize_url.is_none() => missing.push("--authorize-url URL"),
        Some(_) => {}
    }
    missing
}

fn auth(args: &ConnectorNewArgs) -> Result<AuthDraft> {
    let name = match args.auth {
        Some(name) => name,
        None => ask_auth()?,
    };
    let header = || match (&args.key_header, args.auth) {
        (Some(name), _) => Ok(name.clone()),
        (None, Some(_)) => Ok("X-API-Key".to_owned()),
        (None, None) => {
            let answer = ask::line("Header of the key [X-API-Key]: ")?;
            Ok(if answer.trim().is_empty() { "X-API-Key".to_owned() } else { answer.trim().to_owned() })
        }
    };
    let token = || args.token_url.clone().map_or_else(|| required("Address of the token server: "), Ok);
    let authorize = || args.authorize_url.clone().map_or_else(|| required("Address of the sign-in page: "), Ok);
    Ok(match name {
        AuthName::None => AuthDraft::None,
        AuthName::Basic => AuthDraft::Basic,
        AuthName::Bearer => AuthDraft::Bearer,
        AuthName::ApiKey => AuthDraft::ApiKey { header: header()?, before: String::new() },
        AuthName::Oauth2Client => AuthDraft::Oauth2Client { token: token()? },
        AuthName::Oauth2Code => AuthDraft::Oauth2Code { authorize: authorize()?, token: token()? },
    })
}

fn ask_auth() -> Result<AuthName> {
    let names: Vec<&str> = AUTHS.iter().map(|(name, _)| *name).collect();
    loop {
        let answer = ask::line(&format!("How requests are signed ({}): ", names.join(", ")))?;
        if let Some((_, auth)) = AUTHS.iter().find(|(name, _)| *name == answer.trim()) {
            return Ok(*auth);
        }
    }
}

fn required(question: &str) -> Result<String> {
    loop {
        let answer = ask::line(question)?;
        if !answer.trim().is_empty() {
            return Ok(answer.trim().to_owned());
        }
    }
}
