//! What all commands share: global flags, screen, catalogue, engine. Loads nothing until it is needed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::BaseStrategy;

use super::args::{GlobalArgs, RecordArgs};
use super::messages::Screen;
use super::recording::{Recorder, Replay, ReplayClock, ReplayTokens};
use super::trace::FullExchanges;
use crate::connection::{NoProxy, ProxyAddress, ProxySpec, TlsSpec};
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::exchanges::{Watch, Watches};
use crate::{Engine, EngineConfig, FileStore, TokenStore, Transport};

/// The default folder of definitions, used if it has some.
const DEFINITIONS: &str = "definitions";

/// The folders of definitions: from the flags, else from the environment, separated as in PATH, else ./definitions.
pub(crate) fn definitions(flags: &[PathBuf]) -> Vec<PathBuf> {
    if !flags.is_empty() {
        return flags.to_vec();
    }
    let variable = std::env::var_os("OPNODE_DEFINITIONS").unwrap_or_default();
    let named: Vec<PathBuf> = std::env::split_paths(&variable).filter(|f| !f.as_os_str().is_empty()).collect();
    let own = Path::new(DEFINITIONS);
    if named.is_empty() && own.join("operations").is_dir() { vec![own.to_owned()] } else { named }
}

/// The folder for new definitions: the first that is used, else ./definitions.
pub(crate) fn own_definitions(flags: &[PathBuf]) -> PathBuf {
    definitions(flags).into_iter().next().unwrap_or_else(|| PathBuf::from(DEFINITIONS))
}

/// The default token file of this user.
fn tokens_file() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.state_dir().unwrap_or_else(|| folders.data_dir()).join("opnode").join("tokens.json"))
}

#[cfg(feature = "keyring")]
fn keyring_store() -> Result<Arc<dyn TokenStore>> {
    let file = tokens_file().ok_or_else(|| {
        Error::new(ErrorKind::State, "the lock file of the keyring needs a home folder, and this user has none")
    })?;
    Ok(Arc::new(crate::KeyringStore::new(file.with_file_name("keyring.lock"))))
}

#[cfg(not(feature = "keyring"))]
fn keyring_store() -> Result<Arc<dyn TokenStore>> {
    Err(Error::new(ErrorKind::Unsupported, "this build cannot store tokens in the keyring")
        .advise("set --tokens to a file, or build opnode with the feature `keyring`"))
}

/// The parts of an engine.
pub(crate) struct EngineParts {
    pub(crate) catalog: Catalog,
    /// Whether tokens are stored: not those of a sandbox or a replay.
    pub(crate) keeps_tokens: bool,
    pub(crate) watches: Vec<Arc<dyn Watch>>,
    /// Instead of HTTP.
    pub(crate) transport: Option<Arc<dyn Transport>>,
}

impl EngineParts {
    pub(crate) fn new(catalog: Catalog) -> EngineParts {
        EngineParts { catalog, keeps_tokens: true, watches: Vec::new(), transport: None }
    }
}

/// The global flags, and everything derived from them.
pub(crate) struct App {
    pub(crate) global: GlobalArgs,
    pub(crate) screen: Screen,
    /// Whether it ends with one command, so that nothing needs to be freed.
    pub(crate) is_short: bool,
}

impl App {
    pub(crate) fn new(global: GlobalArgs) -> App {
        App { screen: Screen::new(&global), global, is_short: true }
    }

    /// The built-in definitions, overlaid with the folders of the command line.
    pub(crate) fn catalog(&self) -> Result<Catalog> {
        let mut catalog = Catalog::builtin();
        for folder in definitions(&self.global.definitions) {
            catalog.add_folder(&folder)?;
        }
        Ok(catalog)
    }

    /// The connections file of the flag or the environment.
    pub(crate) fn named_connections(&self) -> Option<PathBuf> {
        let variable = || std::env::var_os("OPNODE_CONNECTIONS").filter(|v| !v.is_empty()).map(PathBuf::from);
        self.global.connections.clone().or_else(variable)
    }

    /// An engine for the catalogue. It uses the proxy settings of the system. Tokens are stored, except those of a sandbox, which ends with the
    /// process.
    pub(crate) fn engine(&self, sandbox: bool) -> Result<Engine> {
        self.engine_of(EngineParts { keeps_tokens: !sandbox, ..EngineParts::new(self.catalog()?) })
    }

    /// The parts of an engine that records into a folder, or answers from one.
    pub(crate) fn parts(&self, sandbox: bool, args: &RecordArgs) -> Result<EngineParts> {
        let mut parts = EngineParts { keeps_tokens: !sandbox, ..EngineParts::new(self.catalog()?) };
        if let Some(folder) = &args.record {
            parts.watches.push(Arc::new(Recorder::new(folder, self.screen)?));
        }
        if let Some(folder) = &args.replay {
            parts.transport = Some(Arc::new(Replay::read(folder)?));
            // A replay must not store masked tokens.
            parts.keeps_tokens = false;
        }
        Ok(parts)
    }

    /// The same from its parts. With `-vv` it shows each exchange.
    pub(crate) fn engine_of(&self, parts: EngineParts) -> Result<Engine> {
        let EngineParts { catalog, keeps_tokens, mut watches, transport } = parts;
        let tokens = if keeps_tokens { self.tokens()? } else { None };
        let (tls, proxy) = (self.tls(), self.proxy());
        let config = EngineConfig { system_proxy: true, tokens, tls, proxy, ..EngineConfig::new(catalog) };
        let config = match transport {
            None => config,
            // A replay neither waits nor signs in.
            Some(transport) => EngineConfig {
                transport: Some(transport),
                clock: Some(Arc::new(ReplayClock::default())),
                tokens: Some(Arc::new(ReplayTokens)),
                ..config
            },
        };
        if self.global.verbose > 1 {
            watches.push(Arc::new(FullExchanges));
        }
        let engine = if watches.is_empty() {
            Engine::new(config)
        } else {
            Engine::new(config).watched(Arc::new(Watches(watches)))
        };
        if self.is_short {
            // Leaked on purpose: freeing the catalogue would delay the end of the process.
            std::mem::forget(Arc::clone(engine.catalog()));
        }
        Ok(engine)
    }

    /// Authorities and certificate of the flags.
    fn tls(&self) -> Option<TlsSpec> {
        let GlobalArgs { ca, only_ca, certificate, key, .. } = &self.global;
        let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let is_given = ca.is_some() || certificate.is_some();
        is_given.then(|| TlsSpec { ca: text(ca), certificate: text(certificate), key: text(key), only_ca: *only_ca })
    }

    /// The proxy of the flag.
    fn proxy(&self) -> Option<ProxySpec> {
        let url = self.global.proxy.clone()?;
        Some(match url.as_str() {
            "none" => ProxySpec::Without(NoProxy::None),
            _ => ProxySpec::Through(ProxyAddress { url, username: None, password: None }),
        })
    }

    /// Where tokens are stored, for messages.
    pub(crate) fn tokens_place(&self) -> String {
        match self.named_tokens() {
            Some(place) if place.as_os_str() == "keyring" => "the keyring".to_owned(),
            place => place.or_else(tokens_file).map(|path| path.display().to_string()).unwrap_or_default(),
        }
    }

    fn named_tokens(&self) -> Option<PathBuf> {
        let variable = || std::env::var_os("OPNODE_TOKENS").filter(|v| !v.is_empty()).map(PathBuf::from);
        self.global.tokens.clone().or_else(variable)
    }

    /// The token store of the flag or the environment, else the default file.
    fn tokens(&self) -> Result<Option<Arc<dyn TokenStore>>> {
        match self.named_tokens() {
            Some(place) if place.as_os_str() == "keyring" => keyring_store().map(Some),
            place => Ok(place.or_else(tokens_file).map(|path| Arc::new(FileStore::new(path)) as Arc<dyn TokenStore>)),
        }
    }

    /// The catalogue, shared.
    pub(crate) fn shared_catalog(&self) -> Result<Arc<Catalog>> {
        self.catalog().map(Arc::new)
    }
}
