//! `login`: the user signs in with the browser, and the code is sent to a local port (RFC 8252, with PKCE, RFC 7636). If the browser runs on another
//! machine, the user pastes the redirect address instead.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::browser;
use super::device;
use super::file::require_file;
use super::route::ConnectionRoute;
use crate::cli::app::App;
use crate::cli::args::LoginArgs;
use crate::cli::args::SystemArgs;
use crate::cli::messages;
use crate::cli::signals::Signals;
use crate::error::{Error, ErrorKind, Result};
use crate::{Cancel, Secret, Session};

/// Maximum time of a sign-in.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(600);
/// Maximum time to read a request of the browser.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum size of a request, in bytes.
const REQUEST_MAX: usize = 16 << 10;

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: LoginArgs) -> Result<u8> {
    require_file(app)?;
    let engine = app.engine(false)?;
    let system = SystemArgs { connection: args.name.or(args.connection), sandbox: false, faults: None };
    let route = ConnectionRoute::choose(app, &system, &|_| true, "the sign-in")?;
    let connector = route.connector().unwrap_or_default().to_owned();
    let variables = route.variables();
    let connection = route.open(app, &engine, &connector).await?;
    if connection.session.signs_in_on_device() {
        if args.port != 0 {
            let message = "--port has no effect: this system signs in on another device, without a redirect";
            return Err(Error::new(ErrorKind::Usage, message));
        }
        let ended = device::sign_in(app, &connection, (!args.no_browser).then_some(variables)).await?;
        return match ended {
            Some(code) => Ok(code),
            None => messages::print(&format!("{}: signed in", connection.name)).map(|()| 0),
        };
    }
    let begun = BrowserSignIn::begin(&connection.session, args.port).await?;
    let address = &begun.address;
    let cancel = Cancel::default();
    let signals = Signals::listen(&cancel);
    app.screen.line(&format!("Open this address in a browser and sign in:\n{address}"));
    app.screen
        .line("If the browser is on another machine, paste the address that it is redirected to, and press Enter.");
    if !args.no_browser {
        browser::open(address, variables);
    }
    let code = tokio::select! {
        code = begun.code() => code?,
        code = wait_for_paste(app, &begun.state) => code?,
        () = cancel.cancelled() => return Ok(signals.exit_code().unwrap_or(ErrorKind::Cancelled.exit_code())),
    };
    begun.end(&connection.session, &code).await?;
    messages::print(&format!("{}: signed in", connection.name))?;
    Ok(0)
}

/// A sign-in in a browser that has begun: the system sends the code to a local port.
pub(crate) struct BrowserSignIn {
    listener: TcpListener,
    /// The address that the user opens.
    pub(crate) address: String,
    redirect: String,
    state: String,
    verifier: Secret,
}

impl BrowserSignIn {
    /// Begins; port 0 takes a free one.
    ///
    /// # Errors
    /// `state` when the port cannot be used; `usage` when the system has no sign-in in a browser.
    pub(crate) async fn begin(session: &Session, port: u16) -> Result<BrowserSignIn> {
        let (state, verifier) = (random_text()?, Secret::new(random_text()?));
        let challenge = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier.expose()));
        let busy = |e: &std::io::Error| {
            Error::new(ErrorKind::State, format!("port {port} cannot be used: {}", crate::error::io_text(e)))
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|e| busy(&e))?;
        let port = listener.local_addr().map_err(|e| busy(&e))?.port();
        let redirect = format!("http://127.0.0.1:{port}/callback");
        let address = session.sign_in_url(&redirect, &state, &challenge).map_err(with_next_step)?;
        Ok(BrowserSignIn { listener, address, redirect, state, verifier })
    }

    /// Waits for the code.
    ///
    /// # Errors
    /// `unauthenticated` when the system refuses; `timeout` after ten minutes.
    pub(crate) async fn code(&self) -> Result<Secret> {
        let late = || Error::new(ErrorKind::Timeout, "no sign-in within ten minutes");
        tokio::time::timeout(SIGN_IN_TIMEOUT, wait_for_code(&self.listener, &self.state)).await.map_err(|_| late())?
    }

    /// Exchanges the code for tokens, and stores them.
    ///
    /// # Errors
    /// Those of [`Session::sign_in`].
    pub(crate) async fn end(&self, session: &Session, code: &Secret) -> Result<()> {
        session.sign_in(code, &self.redirect, &self.verifier).await
    }
}

/// Adds advice for systems without a browser sign-in.
fn with_next_step(error: Error) -> Error {
    match (error.kind(), &error.advice) {
        (ErrorKind::Usage, None) => {
            error.advise("this system uses the credentials of the connection; `opnode connection test NAME` tests them")
        }
        _ => error,
    }
}

/// 256 random bits.
fn random_text() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| {
        Error::new(ErrorKind::Internal, format!("the operating system returned no random numbers: {e}"))
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads lines until one is the redirect address with our state. Without input it never returns.
async fn wait_for_paste(app: &App, state: &str) -> Result<Secret> {
    let (lines, mut typed) = tokio::sync::mpsc::channel(1);
    // On its own thread, because a blocking read cannot be cancelled; it ends with the process.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(std::result::Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = typed.recv().await {
        let line = Secret::new(line.trim().to_owned());
        match Url::parse(line.expose()).ok().and_then(|url| code_of(&url, state)) {
            Some(answer) => return answer,
            None if line.expose().is_empty() => {}
            None => app
                .screen
                .line("This is not the redirect address of this sign-in; it contains /callback, a code and the state."),
        }
    }
    std::future::pending().await
}

/// Serves requests until one has our state. Other requests get 404.
async fn wait_for_code(listener: &TcpListener, state: &str) -> Result<Secret> {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let Ok(Some(target)) = tokio::time::timeout(REQUEST_TIMEOUT, read_target(&mut stream)).await else { continue };
        let url = Url::parse("http://127.0.0.1").and_then(|base| base.join(&target));
        match url.ok().and_then(|url| code_of(&url, state)) {
            Some(answer) => {
                let text = if answer.is_ok() {
                    "Signed in. You can close this page."
                } else {
                    "The sign-in failed; the command line shows the reason."
                };
                reply(&mut stream, "200 OK", text).await;
                return answer;
            }
            None => reply(&mut stream, "404 Not Found", "Not the redirect address of this sign-in.").await,
        }
    }
}

/// The target of a GET request.
async fn read_target(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.windows(4).any(|w| w == b"\r\n\r\n") && request.len() < REQUEST_MAX {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            break;
        }
    }
    let text = String::from_utf8_lossy(&request);
    text.lines().next()?.strip_prefix("GET ")?.split(' ').next().map(str::to_owned)
}

/// The code, or the error of the system. `None` if the request is not for this sign-in.
fn code_of(url: &Url, state: &str) -> Option<Result<Secret>> {
    let value = |name: &str| url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned());
    if url.path() != "/callback" || value("state").as_deref() != Some(state) {
        return None;
    }
    if let Some(code) = value("code") {
        return Some(Ok(Secret::new(code)));
    }
    let why =
        value("error_description").or_else(|| value("error")).unwrap_or_else(|| "the redirect has no code".to_owned());
    Some(Err(Error::new(ErrorKind::Unauthenticated, format!("the sign-in was refused: {why}"))))
}

/// Replies to the browser, ignoring failures.
async fn reply(stream: &mut TcpStream, status: &str, text: &str) {
    let head = "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nConnection: close";
    let message = format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    if stream.write_all(message.as_bytes()).await.is_ok() {
        let _browser_gone = stream.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    #[test]
    fn only_redirects_with_our_state_count() {
        let code_of = |target: &str, state: &str| {
            super::code_of(&Url::parse(&format!("http://127.0.0.1:1{target}")).unwrap(), state)
        };
        assert!(code_of("/callback?code=c&state=other", "mine").is_none());
        assert!(code_of("/favicon.ico", "mine").is_none());
        assert_eq!(code_of("/callback?code=c%2B1&state=mine", "mine").unwrap().unwrap().expose(), "c+1");
        let refused = code_of("/callback?error=denied&state=mine", "mine").unwrap().unwrap_err();
        assert_eq!(refused.message, "the sign-in was refused: denied");
    }
}
