//! What every command starts from: the catalogue, the engine, the screen. Loads nothing before it is asked for.

use std::path::PathBuf;
use std::sync::Arc;

use etcetera::BaseStrategy;

use super::args::command::GlobalArgs;
use super::messages::Screen;
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::{Engine, EngineConfig, FileStore, TokenStore};

/// The folders of definitions: those of the flags, else those of the environment, separated as in PATH.
pub(crate) fn definitions(typed: &[PathBuf]) -> Vec<PathBuf> {
    if !typed.is_empty() {
        return typed.to_vec();
    }
    let said = std::env::var_os("OPNODE_DEFINITIONS").unwrap_or_default();
    std::env::split_paths(&said).filter(|f| !f.as_os_str().is_empty()).collect()
}

/// Where the tokens of this user's connections are kept, when nothing else is said.
fn tokens_file() -> Option<PathBuf> {
    let places = etcetera::choose_base_strategy().ok()?;
    Some(places.state_dir().unwrap_or_else(|| places.data_dir()).join("opnode").join("tokens.json"))
}

#[cfg(feature = "keyring")]
fn in_keyring() -> Result<Arc<dyn TokenStore>> {
    let file = tokens_file().ok_or_else(|| {
        Error::new(ErrorKind::State, "this user has no home folder for the lock of the keyring's tokens")
    })?;
    Ok(Arc::new(crate::KeyringStore::new(file.with_file_name("keyring.lock"))))
}

#[cfg(not(feature = "keyring"))]
fn in_keyring() -> Result<Arc<dyn TokenStore>> {
    Err(Error::new(ErrorKind::Unsupported, "this build cannot keep tokens in the keyring")
        .advise("name a file instead of `keyring`, or build opnode with the feature `keyring`"))
}

/// The global flags, and what follows from them.
pub(crate) struct App {
    pub(crate) global: GlobalArgs,
    pub(crate) screen: Screen,
}

impl App {
    pub(crate) fn new(global: GlobalArgs) -> App {
        App { screen: Screen::new(&global), global }
    }

    /// The shipped definitions with the folders of the command line over them.
    pub(crate) fn catalog(&self) -> Result<Catalog> {
        let mut catalog = Catalog::builtin();
        for folder in definitions(&self.global.definitions) {
            catalog.add_folder(&folder)?;
        }
        Ok(catalog)
    }

    /// The connections file that was named, by flag or by the environment.
    pub(crate) fn named_connections(&self) -> Option<PathBuf> {
        let said = || std::env::var_os("OPNODE_CONNECTIONS").filter(|v| !v.is_empty()).map(PathBuf::from);
        self.global.connections.clone().or_else(said)
    }

    /// An engine over the catalogue. The system's proxy settings hold, as people expect of a command line; tokens outlive the process, except those
    /// of a sandbox, which does not itself.
    pub(crate) fn engine(&self, sandbox: bool) -> Result<Engine> {
        let tokens = if sandbox { None } else { self.tokens()? };
        let engine = Engine::new(EngineConfig { system_proxy: true, tokens, ..EngineConfig::new(self.catalog()?) });
        // It is there until the process ends, which need not wait for it to be taken apart.
        std::mem::forget(Arc::clone(engine.catalog()));
        Ok(engine)
    }

    /// The store that was named, by flag or by the environment, or the user's own file.
    fn tokens(&self) -> Result<Option<Arc<dyn TokenStore>>> {
        let said = || std::env::var_os("OPNODE_TOKENS").filter(|v| !v.is_empty()).map(PathBuf::from);
        match self.global.tokens.clone().or_else(said) {
            Some(place) if place.as_os_str() == "keyring" => in_keyring().map(Some),
            place => Ok(place.or_else(tokens_file).map(|path| Arc::new(FileStore::new(path)) as Arc<dyn TokenStore>)),
        }
    }

    /// The catalogue, shared.
    pub(crate) fn shared_catalog(&self) -> Result<Arc<Catalog>> {
        self.catalog().map(Arc::new)
    }
}
