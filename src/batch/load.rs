//! Loads and checks a batch: the file, its connections, its jobs. Reports every fault at once; sends nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::check::steps::steps;
use super::check::{CheckContext, KnownConnections, StatedLimits, find, targets};
use super::config::{BatchConfig, OuterBatch};
use super::file::{BatchFile, ConnectionsPart, MatrixFile, ResumePart, ResumeWord, WithinFile};
use super::fingerprints::{fingerprint, fingerprints};
use super::include::{self, read, read_named, read_there};
use super::inner::InnerLoader;
use super::inputs::{self, BatchInput};
use super::local::Local;
use super::local_plan::LocalWork;
use super::passwords::passwords;
use super::row_source::MAIN;
use super::run_plan::{Batch, MatrixJob, RunPlan, Step, StepLimits};
use super::webhook;
use crate::authoring::duration::duration;
use crate::authoring::values::NamesPart;
use crate::authoring::{Checker, Document, Format, Json, Ordered, explain, version};
use crate::connections::ConnectionsFile;
use crate::engine::Session;
use crate::error::{Advice, Error, ErrorKind, Fault, Place, Result, did_you_mean};
use crate::json_pointer::escape;
use crate::real_path::real_path;
use crate::run_store::ResumePolicy;
use crate::secret::Secret;
use crate::table::PASSWORD_VARIABLE;

/// How long a step waits for the end of an outage, if the batch does not say.
const WAIT_UP_TO: Duration = Duration::from_secs(30 * 60);

impl Batch {
    /// Reads and checks a batch file; reports all faults that are known before the first request.
    ///
    /// # Errors
    /// `definition` with every fault, its line and the nearest name; `state` when a file cannot be read.
    pub fn load(path: &Path, config: &BatchConfig) -> Result<Batch> {
        Batch::parse(path, &read_named(path)?, config)
    }

    /// The same from text; `path` is its name, and relative paths start at its folder.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(path: &Path, text: &str, config: &BatchConfig) -> Result<Batch> {
        Batch::parse_within(path, text, config, &OuterBatch::default()).map(|(batch, _)| batch)
    }

    /// The same for a batch that is a step of another; with what loads the batches of its steps.
    pub(super) fn parse_within(
        path: &Path,
        text: &str,
        config: &BatchConfig,
        within: &OuterBatch,
    ) -> Result<(Batch, InnerLoader)> {
        let shown = path.display().to_string();
        let (doc, parts) = include::whole(path, text)?;
        let file: BatchFile = doc.read().map_err(|e| explain(Format::Batch, &doc, &[], &e))?;
        let mut c = Checker::new(&doc);
        version(&mut c, Format::Batch, file.version);
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let name = name(&mut c, path, file.name.as_deref());
        let vars = vars(&mut c, &file.vars, &config.vars);
        let env = env(&mut c, &file.env, config);
        let (inputs, wrong_inputs) = inputs::values(&mut c, &file.inputs, (&config.inputs, config.sample_inputs));
        let before = c.faults.len();
        let connection = file.connection.as_deref().or(within.connection.as_deref());
        let mut known = known(&mut c, &folder, file.connections.clone(), (config, within, file.calls()));
        let jobs = match c.faults.len() > before {
            true => vec![MatrixJob { name: MAIN.into(), connection: None, connector: None }],
            false => jobs(&mut c, file.matrix.as_ref(), connection, &known),
        };
        let resume = resume(&mut c, file.run.resume.as_ref());
        let limits = run_limits(&mut c, &file);
        let is_doubtful = c.faults.len() > before;
        let batches = InnerLoader::new(path, config, &known, within);
        known.add_addresses(&file);
        let context = CheckContext {
            catalog: config.engine.catalog(),
            known: &known,
            jobs: &jobs,
            vars: &vars,
            inputs: &inputs,
            env: &env,
            connection,
            is_doubtful,
            limits,
            has_stdout: config.stdout.is_some(),
            batches: &batches,
        };
        let steps = steps(&mut c, &file, &context);
        let own_files = own_files(path, &parts, &context, steps.iter().map(|(_, step)| step));
        let refused = targets::targets(&mut c, &steps, &context, (&folder, &own_files), &name);
        let steps: Vec<Step> = steps.into_iter().map(|(_, step)| step).collect();
        let sessions = sessions(&mut c, config, (&known, &folder), &steps, &file);
        let passwords = passwords(&mut c, config, &folder, &file);
        let fingerprints = fingerprints(&context, &steps);
        sessions.values().for_each(|session| env.values().for_each(|value| session.connection().redactor.learn(value)));
        let plan = RunPlan {
            name,
            file: shown,
            folder,
            vars,
            given_vars: config.vars.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect(),
            inputs,
            concurrency: usize::from(file.concurrency.max(1)),
            resume,
            timeout: limits.timeout,
            jobs,
            steps,
            own_files,
            fingerprints,
        };
        let local = Local {
            sessions,
            environment: env,
            clock: Arc::clone(config.engine.clock()),
            batches: batches.clone(),
            stdin: config.stdin.clone(),
            stdout: config.stdout.clone(),
            passwords,
            default_password: (config.env)(PASSWORD_VARIABLE).map(Secret::new),
        };
        let batch = Batch { plan: Arc::new(plan), effects: Arc::new(local) };
        checked(c, (refused, wrong_inputs), batch).map(|batch| (batch, batches))
    }

    /// The inputs of a batch file; nothing else of it is checked.
    ///
    /// # Errors
    /// `definition` when it is no batch file; `state` when it cannot be read.
    pub fn inputs(path: &Path) -> Result<Vec<BatchInput>> {
        Batch::inputs_of(path, &read_there(path)?)
    }

    /// The same of a text; `path` is its name.
    ///
    /// # Errors
    /// As [`inputs`](Self::inputs).
    pub(crate) fn inputs_of(path: &Path, text: &str) -> Result<Vec<BatchInput>> {
        let (doc, _) = include::whole(path, text)?;
        let file: BatchFile = doc.read().map_err(|e| explain(Format::Batch, &doc, &[], &e))?;
        Ok(inputs::listed(&file.inputs))
    }

    /// A digest of what it does for all its connections, whatever the values of its inputs.
    pub(super) fn meaning(&self) -> String {
        let is_meant = |(name, _): &(&String, &String)| !name.starts_with("the input ");
        let prints: Vec<_> =
            self.plan.fingerprints.iter().map(|own| own.iter().filter(is_meant).collect::<Vec<_>>()).collect();
        fingerprint(&serde_json::to_string(&prints).unwrap_or_default())
    }

    /// Makes it a part of a run: with the name of its run folder, and the time that is left.
    pub(super) fn place_within(&mut self, name: String, time_left: Option<Duration>) {
        let mut plan = RunPlan::clone(&self.plan);
        plan.name = name;
        plan.timeout = plan.timeout.into_iter().chain(time_left).min();
        self.plan = Arc::new(plan);
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The number of steps of a run, over all connections of the matrix.
    #[must_use]
    pub fn step_count(&self) -> usize {
        self.plan.jobs.len() * self.plan.steps.len()
    }
}

/// The batch, or its faults. If all of them are results that are refused, or values of the caller, the file is valid.
fn checked(c: Checker<'_>, (refused, wrong_inputs): (usize, usize), batch: Batch) -> Result<Batch> {
    let all = c.faults.len();
    match all {
        0 => c.finish("the batch file is invalid", Some(batch)),
        // It can be run once the disk accepts the results.
        _ if all == refused => Err(Error::from_faults(ErrorKind::State, "the results cannot be stored", c.faults)),
        _ if all == wrong_inputs => Err(Error::from_faults(ErrorKind::Definition, "the inputs do not fit", c.faults)),
        _ => c.finish("the batch file is invalid", Some(batch)),
    }
}

pub(super) fn name(c: &mut Checker<'_>, path: &Path, said: Option<&str>) -> String {
    let stem = || path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let name = said.map_or_else(stem, str::to_owned);
    let fits =
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) && !name.starts_with('.');
    if !fits {
        c.fault(
            "/name",
            format!("`{name}` is not a valid name for a run folder"),
            Some("use letters, digits, - and _".into()),
        );
    }
    name
}

pub(super) fn resume(c: &mut Checker<'_>, said: Option<&ResumePart>) -> ResumePolicy {
    match said {
        None => ResumePolicy::default(),
        Some(ResumePart::Word(ResumeWord::Never)) => ResumePolicy::Never,
        Some(ResumePart::Word(ResumeWord::Always)) => ResumePolicy::Always,
        Some(ResumePart::Within(WithinFile { within })) => {
            c.accept("/run/resume/within", duration(within)).map_or_else(ResumePolicy::default, ResumePolicy::Within)
        }
    }
}

/// The limits under `run`.
fn run_limits(c: &mut Checker<'_>, batch: &BatchFile) -> StepLimits {
    if batch.concurrency == 0 {
        c.fault("/concurrency", "at least one connection and step must run", None);
    }
    let run = &batch.run;
    let (retry, timeout, wait_up_to) = (run.retry.as_ref(), run.timeout.as_ref(), run.wait_up_to.as_ref());
    let otherwise = StepLimits { attempts: None, timeout: None, wait_up_to: WAIT_UP_TO };
    StatedLimits { retry, timeout, wait_up_to }.check(c, "/run", otherwise)
}

fn vars(c: &mut Checker<'_>, file: &Ordered<Json>, over: &[(String, Json)]) -> BTreeMap<String, String> {
    let mut vars: BTreeMap<String, String> = file.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect();
    for (name, value) in file {
        if value.0.contains("${{") {
            c.fault(&format!("/vars/{}", escape(name)), "a variable cannot contain expressions", None);
        }
    }
    for (name, value) in over {
        if !vars.contains_key(name) {
            let hint = did_you_mean(name, vars.keys().map(String::as_str));
            c.fault("/vars", format!("the batch has no variable `{name}`{hint}"), Some(Advice::KnownVariables));
        }
        vars.insert(name.clone(), value.0.clone());
    }
    vars
}

fn env(c: &mut Checker<'_>, names: &[String], config: &BatchConfig) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        let value = (config.env)(name);
        if value.is_none() {
            c.fault(&format!("/env/{index}"), format!("the environment variable {name} is not set"), None);
        }
        // An unset variable is reported here, and not again where it is used.
        env.insert(name.clone(), value.unwrap_or_default());
    }
    env
}

fn known(
    c: &mut Checker<'_>,
    folder: &Path,
    said: Option<ConnectionsPart>,
    (config, within, calls): (&BatchConfig, &OuterBatch, bool),
) -> KnownConnections {
    if let (None, None, Some(known)) = (&config.connections_instead, &said, &within.known) {
        return known.clone();
    }
    let none = || KnownConnections { connections: Ordered::new(), file: None, folder: folder.to_owned() };
    let path = match (&config.connections_instead, said) {
        (Some(path), _) => path.clone(),
        (None, Some(ConnectionsPart::Inline(connections))) => {
            return KnownConnections { connections, file: None, folder: folder.to_owned() };
        }
        (None, Some(ConnectionsPart::File(path))) => folder.join(path),
        (None, None) => match &config.connections {
            Some(path) => path.clone(),
            None => {
                if config.otherwise.is_none() && !calls {
                    return none();
                }
                let Some(otherwise) = &config.otherwise else {
                    c.fault("/steps", "there is no connections file", Some(Advice::WriteConnection(None)));
                    return none();
                };
                return KnownConnections { connections: otherwise.connections.clone(), ..none() };
            }
        },
    };
    if let Some(otherwise) = config.otherwise.as_ref().filter(|_| config.connections_instead.is_none())
        && !path.exists()
    {
        return KnownConnections { connections: otherwise.connections.clone(), file: None, folder: folder.to_owned() };
    }
    let shown = path.display().to_string();
    let parsed = read(&path).and_then(|text| {
        let missing = || Error::new(ErrorKind::Connection, format!("there is no connections file {shown}"));
        ConnectionsFile::parse(&shown, &text.ok_or_else(missing)?)
    });
    match parsed {
        Ok(mut file) => {
            // The generic ones have the name of their connector.
            let named = config.otherwise.iter().flat_map(|f| &f.connections).filter(|(name, c)| **name != c.connector);
            named.for_each(|(name, connection)| {
                file.connections.entry(name.clone()).or_insert_with(|| connection.clone());
            });
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            KnownConnections { connections: file.connections, file: Some(path), folder }
        }
        Err(error) => {
            if error.faults.is_empty() && error.place.as_ref().is_none_or(|p| p.line.is_none()) {
                c.fault("/connections", error.message.clone(), Some(Advice::WriteConnection(None)));
            } else {
                c.faults.extend(error.to_faults());
            }
            none()
        }
    }
}

/// The files that a run reads: no result may be saved over them.
fn own_files<'s>(
    path: &Path,
    parts: &[PathBuf],
    context: &CheckContext<'_>,
    steps: impl Iterator<Item = &'s Step>,
) -> BTreeSet<PathBuf> {
    let inner = steps.filter_map(|step| match &step.local {
        Some(LocalWork::Inner(inner)) => Some(inner.path.as_path()),
        Some(_) | None => None,
    });
    let own = std::iter::once(path).chain(parts.iter().map(PathBuf::as_path)).chain(context.known.file.as_deref());
    own.chain(context.catalog.files()).chain(inner).map(real_path).collect()
}

fn single_job(c: &mut Checker<'_>, connection: Option<&str>, known: &KnownConnections) -> MatrixJob {
    let found = connection.and_then(|name| find(c, "/connection", name, known));
    MatrixJob {
        name: MAIN.into(),
        connection: found.and(connection).map(str::to_owned),
        connector: found.map(|f| f.connector.clone()),
    }
}

/// The connections of a matrix, each with its place in the file.
fn named(c: &mut Checker<'_>, matrix: &MatrixFile, known: &KnownConnections) -> Vec<(String, String)> {
    match &matrix.connection {
        NamesPart::One(star) if star == "*" => match &matrix.connector {
            None => {
                let advice = "name the connector: { connection: \"*\", connector: NAME }".to_owned();
                c.fault("/matrix/connection", "\"*\" selects all connections to one connector", Some(advice.into()));
                Vec::new()
            }
            Some(connector) => {
                let names: Vec<(String, String)> =
                    known.of(connector).map(|n| (n.to_owned(), "/matrix/connection".to_owned())).collect();
                if names.is_empty() {
                    c.fault(
                        "/matrix/connector",
                        format!("there is no connection to the connector `{connector}`"),
                        None,
                    );
                }
                names
            }
        },
        NamesPart::One(name) => vec![(name.clone(), "/matrix/connection".into())],
        NamesPart::Several(names) => {
            if names.is_empty() {
                c.fault("/matrix/connection", "the matrix names no connection", None);
            }
            names.iter().enumerate().map(|(i, n)| (n.clone(), format!("/matrix/connection/{i}"))).collect()
        }
    }
}

/// The jobs of a matrix, or the only one.
fn jobs(
    c: &mut Checker<'_>,
    matrix: Option<&MatrixFile>,
    connection: Option<&str>,
    known: &KnownConnections,
) -> Vec<MatrixJob> {
    let Some(matrix) = matrix else { return vec![single_job(c, connection, known)] };
    let mut jobs: Vec<MatrixJob> = Vec::new();
    let mut taken = BTreeSet::new();
    for (name, at) in named(c, matrix, known) {
        if taken.contains(&name) {
            c.fault(&at, format!("`{name}` is in the matrix twice"), None);
        } else if let Some(found) = find(c, &at, &name, known) {
            taken.insert(name.clone());
            jobs.push(MatrixJob {
                name: name.clone(),
                connection: Some(name),
                connector: Some(found.connector.clone()),
            });
        }
    }
    jobs
}

/// Opens every connection that a step uses, so that missing secrets are reported before the first request.
fn sessions(
    c: &mut Checker<'_>,
    config: &BatchConfig,
    (known, own_folder): (&KnownConnections, &Path),
    steps: &[Step],
    file: &BatchFile,
) -> BTreeMap<String, Session> {
    let mut sessions = BTreeMap::new();
    let mut names: Vec<&String> = steps.iter().flat_map(|s| &s.connections).collect();
    names.sort();
    names.dedup();
    for name in names {
        let Some(connection) = known.get(name) else { continue };
        let is_webhook = connection.connector == webhook::HTTP;
        let folder = if is_webhook { own_folder } else { &known.folder };
        let opened = (config.resolve)(folder, name, connection).and_then(|spec| match is_webhook {
            true => webhook::open(&config.engine, &spec),
            false => config.engine.connect(&spec),
        });
        match opened {
            Ok(session) => {
                sessions.insert(name.clone(), session);
            }
            Err(error) => {
                let own = webhook::place(file, name);
                let place = place(known, name, &error).filter(|_| own.is_none());
                let at = own.unwrap_or_else(|| match file.connections {
                    Some(ConnectionsPart::Inline(_)) => format!("/connections/{}", escape(name)),
                    _ => "/connections".into(),
                });
                match place {
                    Some(place) => {
                        c.faults.push(Fault { place, message: error.message.clone(), advice: error.advice.clone() })
                    }
                    None => c.fault(&at, error.message.clone(), error.advice.clone()),
                }
            }
        }
    }
    sessions
}

/// The place in the connections file of a connection's fault.
fn place(known: &KnownConnections, name: &str, error: &Error) -> Option<Place> {
    if let Some(place) = error.place.as_ref().filter(|p| p.file.is_some()) {
        return Some(place.clone());
    }
    let path = known.file.as_ref()?;
    let doc = Document::parse(&path.display().to_string(), &read(path).ok()??, 0).ok()?;
    let field = error.place.as_ref().and_then(|p| p.field.clone()).unwrap_or_default();
    Some(doc.place(&format!("/connections/{}{field}", escape(name))))
}
