//! An engine for C: definitions, threads, running operations, and notifications of the host.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use super::boundary::process;
use super::config::{Config, Level, TokenStorePart};
use super::notify::{Hears, HostLog, Owed, Ready, ReadyEvent, Sink, Teller, ToldStore, Wake, hooks, signals, wait};
use crate::connection::{ProxySpec, TlsSpec};
use crate::definition::Catalog;
use crate::definition::Ordered;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::{Engine, EngineConfig, FileStore, MemoryStore, TokenStore};

/// Definitions of the host: `{"connector": NAME, "files": {NAME: TEXT}}`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Definitions {
    connector: String,
    files: Ordered<String>,
}

/// One engine.
pub(super) struct Host {
    pub(super) id: u64,
    pub(super) selftest: bool,
    runtime: Mutex<Option<Runtime>>,
    pub(super) handle: tokio::runtime::Handle,
    engine: RwLock<Arc<Engine>>,
    tokens: Arc<dyn TokenStore>,
    grounds: Grounds,
    added: Mutex<Vec<Definitions>>,
    network: Network,
    closed: AtomicBool,
    operations: Mutex<HashMap<u64, Weak<dyn Cancellable>>>,
    /// Running operations.
    running: Mutex<usize>,
    over: Condvar,
    pub(super) ready: Arc<Ready>,
    /// Maximum number of large requests that are checked at the same time: the number of threads.
    pub(super) checks: Arc<Semaphore>,
}

/// The source of definitions.
struct Grounds {
    builtin: bool,
    folders: Vec<PathBuf>,
}

impl Grounds {
    fn catalog(&self, added: &[Definitions]) -> Result<Catalog> {
        let mut catalog = if self.builtin { Catalog::builtin() } else { Catalog::empty() };
        for folder in &self.folders {
            catalog.add_folder(folder)?;
        }
        for part in added {
            for (file, text) in &part.files {
                catalog.add(&part.connector, file.as_str(), text.as_str());
            }
        }
        Ok(catalog)
    }
}

static IDS: AtomicU64 = AtomicU64::new(1);

/// A running operation, for the engine.
pub(super) trait Cancellable: Send + Sync {
    /// Cancels it permanently.
    fn cancel(&self);
}

impl Host {
    /// Starts an engine.
    pub(super) fn start(config: Config, hooks: Option<Owed>) -> Result<Host> {
        let internal =
            |e: std::io::Error| Error::new(ErrorKind::Internal, format!("the engine's threads cannot be started: {e}"));
        let hears = hooks.as_ref().map_or(Hears::default(), |h| Hears {
            ready: h.0.ready.is_some(),
            progress: h.0.progress.is_some(),
            event: h.0.event.is_some(),
        });
        // Threads that start here receive no signal of the host.
        let _quiet = signals::Quiet::begin();
        // This comes first: if anything fails later, the thread ends and releases the user's data.
        let teller = Teller(Arc::new(ReadyEvent::default()));
        hooks.map(|hooks| hooks::start(hooks, Arc::clone(&teller.0))).transpose().map_err(internal)?;
        let grounds = Grounds { builtin: config.builtin, folders: config.definitions };
        let catalog = grounds.catalog(&[])?;
        let ready = Arc::new(Ready::new(teller, Wake::of(config.wake_fd)?, hears));
        let sink = sink(&ready);
        let tokens: Arc<dyn TokenStore> = match config.tokens {
            TokenStorePart::Memory => Arc::new(ToldStore { inner: MemoryStore::default(), sink: Arc::clone(&sink) }),
            TokenStorePart::File(path) => Arc::new(FileStore::new(path)),
        };
        let runtime = runtime(config.threads, config.log, sink).map_err(internal)?;
        let network = Network { system_proxy: config.system_proxy, tls: config.tls, proxy: config.proxy };
        let engine = engine(catalog, &tokens, &network);
        Ok(Host {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            selftest: config.selftest,
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            engine: RwLock::new(Arc::new(engine)),
            tokens,
            grounds,
            added: Mutex::default(),
            network,
            closed: AtomicBool::new(false),
            operations: Mutex::default(),
            running: Mutex::new(0),
            over: Condvar::new(),
            ready,
            checks: Arc::new(Semaphore::new(config.threads)),
        })
    }

    pub(super) fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.engine.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn tokens(&self) -> &Arc<dyn TokenStore> {
        &self.tokens
    }

    /// Adds definitions, all or none.
    pub(super) fn add(&self, parts: Vec<Definitions>) -> Result<()> {
        let mut added = lock(&self.added);
        let names: Vec<String> = parts.iter().map(|p| p.connector.clone()).collect();
        let all: Vec<Definitions> = added.iter().cloned().chain(parts).collect();
        let catalog = self.grounds.catalog(&all)?;
        let faults = catalog.faults(&names.iter().map(String::as_str).collect::<Vec<_>>());
        if !faults.is_empty() {
            return Err(Error::from_faults(ErrorKind::Definition, "the definitions are invalid", faults));
        }
        *self.engine.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(engine(catalog, &self.tokens, &self.network));
        *added = all;
        Ok(())
    }

    /// Refuses new operations after the shutdown.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Usage, "the engine has been shut down"));
        }
        Ok(())
    }

    /// Registers a starting operation.
    pub(super) fn begin(&self, number: u64, operation: Weak<dyn Cancellable>) -> Result<()> {
        let mut running = lock(&self.running);
        self.check_open()?;
        *running += 1;
        lock(&self.operations).insert(number, operation);
        Ok(())
    }

    /// Unregisters an operation that has ended.
    pub(super) fn end(&self, number: u64) {
        lock(&self.operations).remove(&number);
        let mut running = lock(&self.running);
        *running = running.saturating_sub(1);
        drop(running);
        self.over.notify_all();
    }

    /// Cancels all operations and refuses new ones.
    pub(super) fn close(&self) {
        let running = lock(&self.running);
        self.closed.store(true, Ordering::SeqCst);
        drop(running);
        let all: Vec<Arc<dyn Cancellable>> = lock(&self.operations).values().filter_map(Weak::upgrade).collect();
        all.iter().for_each(|op| op.cancel());
    }

    /// Waits until no operation runs.
    pub(super) fn wait_over(&self, until: Option<Instant>) -> bool {
        let mut running = lock(&self.running);
        while *running > 0 {
            match wait(&self.over, running, until) {
                (again, true) => running = again,
                (_, false) => return false,
            }
        }
        true
    }

    /// Waits until no token is being renewed: the replacement of a used-up token must be stored.
    pub(super) fn wait_renewed(&self, until: Option<Instant>) -> bool {
        let left = until.map_or(Duration::from_secs(60), |until| until.saturating_duration_since(Instant::now()));
        self.handle.block_on(async { tokio::time::timeout(left, crate::wait_for_renewals()).await.is_ok() })
    }

    /// Logs the number of open handles.
    pub(super) fn log(&self, message: String) {
        let event = serde_json::json!({ "kind": "log", "level": "warn", "message": message });
        self.ready.event(super::notify::LOG, event);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.close();
        if let Some(runtime) = lock(&self.runtime).take() {
            // Never waits: name resolution may hang, and this may be one of the runtime's own threads.
            runtime.shutdown_background();
        }
    }
}

/// How systems are reached, as the host configured it.
struct Network {
    system_proxy: bool,
    tls: Option<TlsSpec>,
    proxy: Option<ProxySpec>,
}

fn engine(catalog: Catalog, tokens: &Arc<dyn TokenStore>, network: &Network) -> Engine {
    let config = EngineConfig {
        tokens: Some(Arc::clone(tokens)),
        system_proxy: network.system_proxy,
        tls: network.tls.clone(),
        proxy: network.proxy.clone(),
        ..EngineConfig::new(catalog)
    };
    Engine::with_budgets(config, process::budgets())
}

/// The sender of events to the host.
fn sink(ready: &Arc<Ready>) -> Sink {
    let ready = Arc::clone(ready);
    Arc::new(move |kind: i32, event: Value| ready.event(kind, event))
}

fn runtime(threads: usize, level: Level, sink: Sink) -> std::io::Result<Runtime> {
    let log = level.tracing().map(|level| process::undisturbed(|| tracing::Dispatch::new(HostLog { level, sink })));
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(threads).thread_name("opnode").enable_all().on_thread_start(move || {
        signals::never();
        process::own_chance();
        if let Some(log) = &log {
            // For this thread only, as long as it lives.
            std::mem::forget(tracing::dispatcher::set_default(log));
        }
    });
    // tokio panics if the system cannot create that many threads.
    catch_unwind(AssertUnwindSafe(|| builder.build()))
        .unwrap_or_else(|_| Err(std::io::Error::other(format!("the system does not allow {threads} of them"))))
}
