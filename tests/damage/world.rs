//! Runs whose folders are copied at many moments, as a kill would leave them, with the records that the system had by
//! then.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use opnode::batch::{Batch, BatchConfig, Event, RunOptions};
use opnode::{Catalog, Engine, EngineConfig, Error, ExchangeLimits, Failure, Response, Transport};
use serde_json::{Value, json};

const CONNECTOR: &str =
    "version: 1\nconnector: acme\ntitle: Acme\nconnection: { site: {} }\nbase_url: 'https://{site}.example.com'\nauth: none
paging: { link: { size: { query: size, default: 5 } } }\n";
const OPERATIONS: &str = "
version: 1
operations:
  list: { title: L, method: query, request: GET /things, options: { since: { type: integer } }, response: { result: list } }
  parts: { title: P, method: query, request: 'GET /things/{id}/parts', options: { id: {} }, response: { result: list } }
  make: { title: M, method: mutate, request: POST /records, items: { send: each }, response: { result: object } }
";
const ONE: &str = "connections: { here: { connector: acme, site: here, limits: { attempts: 1 } } }\nconnection: here\n";
const TWO: &str = "connections:
  here: { connector: acme, site: here, limits: { attempts: 1 } }
  there: { connector: acme, site: there, limits: { attempts: 1 } }
matrix: { connection: [here, there] }
concurrency: 2\n";
const LIST: &str = "
  - id: list
    query: list
    options: { since: '${{ watermark }}' }
    watermark: { pointer: /id, start: 0 }
    save: 'list-${{ connection.name }}.ndjson'";

/// A batch. Each record that it creates has the key of a thing and the thing's value.
pub struct Shape {
    pub name: &'static str,
    connections: &'static str,
    steps: &'static str,
    /// The keys of the records for each thing.
    keys: &'static [&'static str],
    pub legs: &'static [&'static str],
}

pub const SHAPES: [Shape; 4] = [
    Shape {
        name: "a write",
        connections: ONE,
        steps: "
  - id: make
    mutate: make
    items: '${{ steps.list.items }}'
    map: { key: 'k-${{ item.id }}', value: '${{ item.value }}' }
    on_error: continue
    save: made.ndjson
",
        keys: &["k-"],
        legs: &["here"],
    },
    Shape {
        name: "two legs",
        connections: TWO,
        steps: "
  - id: make
    mutate: make
    items: '${{ steps.list.items }}'
    where: '${{ item.id in steps.list.items | map(attribute=\"id\") }}'
    map: { key: 'k-${{ item.id }}', value: '${{ item.value }}' }
",
        keys: &["k-"],
        legs: &["here", "there"],
    },
    Shape {
        name: "loops",
        connections: ONE,
        steps: "
  - id: parts
    for: '${{ steps.list.items }}'
    query: parts
    options: { id: '${{ item.id }}' }
    parallel: 3
    on_error: continue
    save: parts.csv
  - id: make
    for: '${{ steps.parts.items }}'
    mutate: make
    items: [{ key: 'k-${{ item.id }}', value: '${{ item.value }}' }, { key: 'l-${{ item.id }}', value: '${{ item.value }}' }]
    parallel: 3
    on_error: continue
",
        keys: &["k-", "l-"],
        legs: &["here"],
    },
    Shape {
        name: "write after write",
        connections: TWO,
        steps: "
  - id: make
    mutate: make
    items: '${{ steps.list.items }}'
    map: { key: 'k-${{ item.id }}', id: '${{ item.id }}', value: '${{ item.value }}' }
    save: 'made-${{ connection.name }}.json'
  - id: more
    mutate: make
    items: '${{ steps.make.items }}'
    map: { key: 'l-${{ item.id }}', value: '${{ steps.list.items[0].value if item.id == 0 else item.value }}' }
    on_error: continue
",
        keys: &["k-", "l-"],
        legs: &["here", "there"],
    },
];

/// Things of the first run, and those of the second.
const BEFORE: u64 = 5;
const THINGS: u64 = 27;

/// The created records: keys with their site, and how often each value came.
type Made = BTreeMap<String, Vec<String>>;

/// A run folder at one moment.
pub struct Image {
    pub moment: String,
    pub folder: PathBuf,
    made: Made,
}

/// A run without kills, and its folder at many moments.
pub struct Story {
    pub shape: &'static Shape,
    seed: u64,
    pub images: Vec<Image>,
}

/// The result of a resumed run.
#[derive(Debug)]
pub struct End {
    /// Whether the run accepted the folder.
    pub begun: bool,
    pub error: Option<Error>,
    pub twice: u64,
    pub skipped: u64,
    pub changed: u64,
}

fn reply(status: u16, body: impl Into<Vec<u8>>) -> Response {
    let status = http::StatusCode::from_u16(status).unwrap();
    Response { status, headers: http::HeaderMap::new(), body: body.into().into(), ..Response::default() }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Copies a folder at many moments.
struct Camera {
    root: PathBuf,
    album: PathBuf,
    dice: fastrand::Rng,
    images: Vec<Image>,
}

impl Camera {
    fn take(&mut self, moment: String, made: &Made) {
        if !files(&self.root).iter().any(|file| file.ends_with("journal")) {
            return;
        }
        let folder = self.album.join(self.images.len().to_string());
        copy(&self.root, &folder);
        self.images.push(Image { moment, folder, made: made.clone() });
    }
}

/// A fictitious system. Its things have different values in each story.
struct Server {
    seed: u64,
    things: u64,
    made: Mutex<Made>,
    camera: Mutex<Option<Camera>>,
}

fn value(seed: u64, site: &str, id: u64) -> String {
    format!("{site} {id} {:x}", (seed ^ id).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20)
}

impl Server {
    fn new(seed: u64, things: u64, made: Made, camera: Option<Camera>) -> Arc<Server> {
        Arc::new(Server { seed, things, made: Mutex::new(made), camera: Mutex::new(camera) })
    }

    fn reply(&self, site: &str, request: &http::Request<Bytes>) -> Response {
        let query =
            |name: &str| request.uri().query()?.split('&').find_map(|p| p.strip_prefix(name))?.parse::<u64>().ok();
        let path = request.uri().path();
        if path == "/records" {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            let key = format!("{site} {}", body["key"].as_str().unwrap());
            self.made
                .lock()
                .unwrap()
                .entry(key)
                .or_default()
                .push(body["value"].as_str().unwrap_or_default().to_owned());
            return reply(200, request.body().to_vec());
        }
        if let Some(id) = path.strip_prefix("/things/").and_then(|rest| rest.strip_suffix("/parts")?.parse().ok()) {
            return reply(200, json!([{ "id": id, "value": value(self.seed, site, id) }]).to_string());
        }
        let (page, since) = (query("page=").unwrap_or(1), query("since=").unwrap_or(0));
        let ids: Vec<u64> = (since + 1..=self.things).collect();
        let rows: Vec<Value> =
            ids.chunks(5).nth(page as usize - 1).unwrap_or_default().iter().map(|id| self.thing(site, *id)).collect();
        let mut response = reply(200, json!(rows).to_string());
        let link = if page * 5 < ids.len() as u64 {
            format!("<https://{site}.example.com/things?size=5&since={since}&page={}>; rel=\"next\"", page + 1)
        } else {
            format!("<https://{site}.example.com/things>; rel=\"first\"")
        };
        response.headers.insert("link", link.parse().unwrap());
        response
    }

    fn thing(&self, site: &str, id: u64) -> Value {
        json!({ "id": id, "value": value(self.seed, site, id), "tags": ["a", null, id] })
    }

    fn look(&self, moment: impl FnOnce() -> String, often: bool) {
        if let Some(camera) = self.camera.lock().unwrap().as_mut() {
            let pictures = if often { 3 } else { 8 };
            if camera.dice.u8(..8) < pictures {
                camera.take(moment(), &self.made.lock().unwrap());
            }
        }
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let site = host.trim_end_matches(".example.com");
        // A kill during the request may find it done or not done.
        self.look(|| format!("before {} {}", request.method(), request.uri().path()), true);
        let response = self.reply(site, &request);
        self.look(|| format!("after {} {}", request.method(), request.uri().path()), true);
        tokio::task::yield_now().await;
        Ok(response)
    }
}

fn batch(shape: &Shape, folder: &Path, server: &Arc<Server>) -> Arc<Batch> {
    let mut catalog = Catalog::empty();
    catalog.add("acme", "connector.yaml", CONNECTOR);
    catalog.add("acme", "operations.yaml", OPERATIONS);
    let engine = Engine::new(EngineConfig { catalog, transport: Some(server.clone()), ..EngineConfig::default() });
    let text = format!("version: 1\nname: b\n{}steps:{LIST}{}", shape.connections, shape.steps);
    let mut config = BatchConfig::new(Arc::new(engine));
    config.resolve = Arc::new(|_, _, connection| connection.resolve(|_, _| Ok(String::new())));
    Arc::new(
        Batch::parse(&folder.join("batch.yaml"), &text, &config)
            .unwrap_or_else(|e| panic!("{}: {e} {:?}", shape.name, e.faults)),
    )
}

const ROOT: &str = ".opnode/runs/b";

impl Story {
    /// A complete run, and then one with more things, which is copied.
    pub fn live(folder: &Path, shape: &'static Shape, seed: u64) -> Story {
        let work = folder.join("work");
        std::fs::create_dir_all(&work).unwrap();
        let server = Server::new(seed, BEFORE, Made::new(), None);
        block_on(batch(shape, &work, &server).run(RunOptions::default()).unwrap().finish(|_| Ok(()))).check().unwrap();
        let (root, album) = (work.join(ROOT), folder.join("album"));
        let camera = Camera { root, album, dice: fastrand::Rng::with_seed(seed), images: Vec::new() };
        let server = Server::new(seed, THINGS, Made::new(), Some(camera));
        block_on(async {
            let mut run = batch(shape, &work, &server).run(RunOptions::default()).unwrap();
            server.look(|| "the beginning".to_owned(), false);
            while let Some(event) = run.next().await {
                match event {
                    Event::Saved { step, .. } => server.look(|| format!("{step} saved"), false),
                    Event::StepEnded(report) => server.look(|| format!("{} ended", report.name), false),
                    _ => {}
                }
            }
            let tell = |_: &opnode::batch::Report| {
                server.look(|| "the report".to_owned(), false);
                Ok(())
            };
            run.finish(tell).await.check().unwrap();
        });
        let images = server.camera.lock().unwrap().take().unwrap().images;
        Story { shape, seed, images }
    }

    /// Resumes in a damaged copy of an image.
    pub fn go_on(&self, image: &Image, damaged: &Path) -> End {
        let work = damaged.with_extension("work");
        let _none_before_the_first = std::fs::remove_dir_all(&work);
        std::fs::create_dir_all(work.join(".opnode/runs")).unwrap();
        std::fs::rename(damaged, work.join(ROOT)).unwrap();
        let server = Server::new(self.seed, THINGS, image.made.clone(), None);
        let batch = batch(self.shape, &work, &server);
        let (begun, finished, error, unknown) = block_on(async {
            match batch.run(RunOptions::default()) {
                Err(error) => (false, false, Some(error), 0),
                Ok(run) => {
                    let report = run.finish(|_| Ok(())).await;
                    (
                        true,
                        report.finished,
                        report.check().err(),
                        report.steps.iter().map(|s| s.counts.unknown).sum::<u64>(),
                    )
                }
            }
        });
        let made = server.made.lock().unwrap();
        let twice = made.values().map(|values| values.len() as u64 - 1).sum();
        let wanted = self.wanted();
        let missing = wanted.iter().filter(|(key, _)| !made.contains_key(*key)).count() as u64;
        // Items that are reported as unknown, and records from their rows, are not silently left out; neither are those
        // of a run that is reported as unfinished.
        let told = unknown * self.shape.keys.len() as u64;
        let skipped = if finished || error.is_none() { missing.saturating_sub(told) } else { 0 };
        let wrong = |(key, values): (&String, &Vec<String>)| values.iter().any(|v| wanted.get(key) != Some(v));
        let changed = made.iter().filter(|pair| wrong(*pair)).count() as u64 + self.saved_otherwise(&work, &server);
        End { begun, error, twice, skipped, changed }
    }

    /// Resumes in an undamaged image.
    pub fn go_on_whole(&self, image: &Image, folder: &Path) -> End {
        let _none_before_the_first = std::fs::remove_dir_all(folder);
        copy(&image.folder, folder);
        self.go_on(image, folder)
    }

    /// Keys and values of all records to create.
    fn wanted(&self) -> BTreeMap<String, String> {
        let ids = self.shape.legs.iter().flat_map(|site| (BEFORE + 1..=THINGS).map(move |id| (*site, id)));
        ids.flat_map(|(site, id)| {
            self.shape.keys.iter().map(move |key| (format!("{site} {key}{id}"), value(self.seed, site, id)))
        })
        .collect()
    }

    /// Number of saved files whose content differs from the list.
    fn saved_otherwise(&self, work: &Path, server: &Server) -> u64 {
        let differs = |site: &&&str| {
            let rows: String = (BEFORE + 1..=THINGS).map(|id| server.thing(site, id).to_string() + "\n").collect();
            std::fs::read_to_string(work.join(format!("list-{site}.ndjson"))).is_ok_and(|saved| saved != rows)
        };
        self.shape.legs.iter().filter(differs).count() as u64
    }
}

/// All files below a folder, as relative paths.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path.strip_prefix(folder).unwrap().to_owned()) }
        }
    }
    // The journal is copied after the file with its length, because its own thread writes it meanwhile.
    found.sort_by_key(|file| (!file.ends_with("journal.tail"), file.clone()));
    found
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in files(from) {
        let target = to.join(&file);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        // A file may disappear meanwhile, as before a kill.
        let _gone = std::fs::copy(from.join(&file), target);
    }
}
