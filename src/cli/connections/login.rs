//! `login`: a person signs in with the browser, and the code comes back to a port of this machine (RFC 8252, with PKCE, RFC 7636), or by hand: where
//! the browser runs on another machine, the address that it ends at is pasted.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::browser;
use super::route::ConnectionRoute;
use crate::cli::app::App;
use crate::cli::args::call::SystemArgs;
use crate::cli::args::command::LoginArgs;
use crate::cli::messages;
use crate::cli::signals::Signals;
use crate::error::{Error, ErrorKind, Result};
use crate::{Cancel, Secret};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long a browser may take to send its request.
const REQUEST: Duration = Duration::from_secs(10);
/// Largest request that is read.
const REQUEST_MAX: usize = 16 << 10;

/// Runs it; gives the exit code.
pub(crate) async fn run(app: &App, args: LoginArgs) -> Result<u8> {
    let engine = app.engine(false)?;
    let system = SystemArgs { connection: args.name, sandbox: false, faults: None };
    let route = ConnectionRoute::choose(app, &system, &|_| true, "the sign-in")?;
    let connector = route.connector().unwrap_or_default().to_owned();
    let variables = route.variables();
    let line = route.open(app, &engine, &connector).await?;
    let (state, verifier) = (chance()?, Secret::new(chance()?));
    let challenge = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier.expose()));
    let busy = |e: &std::io::Error| {
        Error::new(
            ErrorKind::State,
            format!("port {} of this machine cannot be used: {}", args.port, crate::error::io_text(e)),
        )
    };
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await.map_err(|e| busy(&e))?;
    let port = listener.local_addr().map_err(|e| busy(&e))?.port();
    let redirect = format!("http://127.0.0.1:{port}/callback");
    let address = line.session.sign_in_url(&redirect, &state, &challenge)?;
    let cancel = Cancel::default();
    let signals = Signals::listen(&cancel);
    app.screen.line(&format!("Open this address in the browser and sign in:\n{address}"));
    app.screen.line("Is the browser on another machine? Then paste the address that it ends at, and press Enter.");
    if !args.no_browser {
        browser::open(&address, variables);
    }
    let code = tokio::select! {
        code = wait_for_code(&listener, &state) => code?,
        code = wait_for_paste(app, &state) => code?,
        () = tokio::time::sleep(PATIENCE) => return Err(Error::new(ErrorKind::Timeout, "nobody signed in for ten minutes")),
        () = cancel.cancelled() => return Ok(signals.exit_code().unwrap_or(ErrorKind::Cancelled.exit_code())),
    };
    line.session.sign_in(&code, &redirect, &verifier).await?;
    messages::print(&format!("{}: signed in", line.name))?;
    Ok(0)
}

/// 256 bits that nobody can guess.
fn chance() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::new(ErrorKind::Internal, format!("the system gives no random numbers: {e}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads lines until one is the address with the code and our own state. Never ends when nobody types.
async fn wait_for_paste(app: &App, state: &str) -> Result<Secret> {
    let (lines, mut typed) = tokio::sync::mpsc::channel(1);
    // A thread of its own, because a read of the terminal cannot be given up; it ends with the process.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(std::result::Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = typed.recv().await {
        let line = Secret::new(line.trim().to_owned());
        match Url::parse(line.expose()).ok().and_then(|url| answer_of(&url, state)) {
            Some(answer) => return answer,
            None if line.expose().is_empty() => {}
            None => app.screen.line(
                "That is not the address that this sign-in ends at: it has /callback, a code and the state in it.",
            ),
        }
    }
    std::future::pending().await
}

/// Answers the browser until it brings the code with our own state; what else knocks at the port is sent away.
async fn wait_for_code(listener: &TcpListener, state: &str) -> Result<Secret> {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let Ok(Some(target)) = tokio::time::timeout(REQUEST, read_target(&mut stream)).await else { continue };
        let url = Url::parse("http://127.0.0.1").and_then(|base| base.join(&target));
        match url.ok().and_then(|url| answer_of(&url, state)) {
            Some(answer) => {
                let text = if answer.is_ok() {
                    "Signed in. You can close this page."
                } else {
                    "The sign-in failed; the command line tells why."
                };
                reply(&mut stream, "200 OK", text).await;
                return answer;
            }
            None => reply(&mut stream, "404 Not Found", "This is not the page that the sign-in leads to.").await,
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

/// What the browser brought: the code, or why there is none. `None` when the request is not ours.
fn answer_of(url: &Url, state: &str) -> Option<Result<Secret>> {
    let value = |name: &str| url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned());
    if url.path() != "/callback" || value("state").as_deref() != Some(state) {
        return None;
    }
    if let Some(code) = value("code") {
        return Some(Ok(Secret::new(code)));
    }
    let why = value("error_description").or_else(|| value("error")).unwrap_or_else(|| "it sent no code".to_owned());
    Some(Err(Error::new(ErrorKind::Unauthenticated, format!("the system did not sign you in: {why}"))))
}

/// Best effort: the person reads the command line too.
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
    fn only_our_own_answer_counts() {
        let answer_of = |target: &str, state: &str| {
            super::answer_of(&Url::parse(&format!("http://127.0.0.1:1{target}")).unwrap(), state)
        };
        assert!(answer_of("/callback?code=c&state=other", "mine").is_none());
        assert!(answer_of("/favicon.ico", "mine").is_none());
        assert_eq!(answer_of("/callback?code=c%2B1&state=mine", "mine").unwrap().unwrap().expose(), "c+1");
        let refused = answer_of("/callback?error=denied&state=mine", "mine").unwrap().unwrap_err();
        assert_eq!(refused.message, "the system did not sign you in: denied");
    }
}
