// What the tests of the page share: a service in a folder of its own, the mock server, pages that note each error, axe.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

/** A module of the folders that NODE_PATH lists. */
function installed(name) {
  for (const folder of (process.env.NODE_PATH ?? "").split(delimiter).filter(Boolean)) {
    try { return createRequire(join(folder, "of-node-path.js"))(name); } catch (cause) { if (cause.code !== "MODULE_NOT_FOUND") throw cause; }
  }
  throw new Error(`${name} is in no folder of NODE_PATH`);
}
const { chromium } = installed("playwright-core");
const { source: axeSource } = installed("axe-core");

const BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];
/** How long something of the page may take; the service may be a debug build on a busy machine. */
export const PATIENCE = 15_000;

export const launch = () => chromium.launch({ executablePath: "/usr/bin/chromium", args: BROWSER });

/** Fails with a text. */
export function fail(text) { throw new Error(text); }
export function ok(value, text) { if (!value) fail(text); }
export function equal(own, wanted, text = "") {
  const [a, b] = [own, wanted].map((value) => JSON.stringify(value));
  if (a !== b) fail(`${text ? `${text}: ` : ""}${a?.slice(0, 600)} instead of ${b?.slice(0, 600)}`);
}
export function has(text, part, what = "the text") {
  const isThere = part instanceof RegExp ? part.test(text) : String(text).includes(part);
  if (!isThere) fail(`${what} lacks ${part}: ${String(text).slice(0, 1500)}`);
}

/** Waits until `find()` gives something, and returns it. */
export async function until(find, what, patience = PATIENCE) {
  for (const end = Date.now() + patience; ;) {
    const found = await find();
    if (found) return found;
    if (Date.now() > end) fail(`waited in vain for: ${what}`);
    await new Promise((done) => setTimeout(done, 40));
  }
}

/** A path of the API as the page writes it. */
const path = (parts) => `/api/v1/${parts}`;

/** What a test has: it ends with the test. */
export class Stage {
  #ends = [];
  constructor(opnode, browser, { folder, allowed = [] }) {
    Object.assign(this, { opnode, browser, shots: folder, allowed, faults: [], pages: [] });
    this.folder = mkdtempSync(join(tmpdir(), "opnode-studio-test-"));
  }

  /** Writes files into a folder of the test: `{ "a/b.yaml": text }`. */
  write(files, folder = this.folder) {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return folder;
  }
  read(name) { return readFileSync(join(this.folder, name), "utf8"); }

  /** Starts the program; resolves with what `ready(stdout, stderr)` finds in its output. */
  program(args, ready, { env = {}, cwd = this.folder } = {}) {
    const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("OPNODE_")));
    const home = join(this.folder, ".home");
    const child = spawn(this.opnode, args, { cwd, stdio: ["ignore", "pipe", "pipe"],
      env: { ...own, HOME: home, XDG_CONFIG_HOME: home, XDG_STATE_HOME: home, XDG_CACHE_HOME: home, ...env } });
    const isEnded = new Promise((done) => { child.on("exit", done); child.on("error", done); });
    const killed = () => child.kill("SIGKILL");
    process.on("exit", killed);
    const end = async () => {
      child.kill("SIGTERM");
      const late = setTimeout(killed, 3000);
      await isEnded;
      clearTimeout(late);
      process.off("exit", killed);
    };
    this.#ends.push(end);
    const out = { stdout: "", stderr: "" };
    return new Promise((resolve, reject) => {
      for (const name of ["stdout", "stderr"]) {
        child[name].setEncoding("utf8").on("data", (text) => {
          out[name] += text;
          const found = ready(out.stdout, out.stderr);
          if (found) resolve({ found, end, child, out, isEnded });
        });
      }
      isEnded.then((code) => reject(Object.assign(new Error(`${args.join(" ")} has ended: ${out.stderr || out.stdout}`), { code, out })));
    });
  }

  /** `opnode sandbox`: its port, and its connections by connector. */
  async sandbox(more = []) {
    const { found, end } = await this.program(["sandbox", ...more], (out) => /optima:[^]*limits.*\n/.test(out) && out);
    return { connections: found, port: Number(/127\.0\.0\.1:(\d+)/.exec(found)[1]), end };
  }

  /**
   * `opnode studio` in the folder of the test, with these files. The token is exchanged here, unless `keepsToken`; then `opening`
   * is for a browser.
   */
  async studio({ files = {}, args = [], env = {}, cwd = this.folder, keepsToken = false } = {}) {
    this.write(files);
    const { found: opening, ...rest } = await this.program(["studio", "--no-open", "--idle", "10m", ...args],
      (out) => /https?:\/\/\S+(?=\s)/.exec(out)?.[0], { env, cwd });
    const address = new URL(opening).origin;
    const own = { ...rest, opening, address, cookie: null };
    if (!keepsToken && opening.includes("token=")) {
      const reply = await fetch(opening, { redirect: "manual" });
      own.cookie = reply.headers.get("set-cookie").split(";")[0];
    }
    /** Asks the service: GET, or POST of a value. */
    own.api = async (name, value) => {
      const reply = await fetch(address + path(name), value === undefined ? { headers: { cookie: own.cookie } }
        : { method: "POST", headers: { cookie: own.cookie, origin: address, "content-type": "application/json" }, body: JSON.stringify(value) });
      return JSON.parse(await reply.text());
    };
    return own;
  }

  /** A server of the test; `answer(request, response, body)`. Gives its address. */
  async server(answer) {
    const server = createServer((request, response) => {
      const parts = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => answer(request, response, Buffer.concat(parts).toString()));
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    this.#ends.push(() => new Promise((done) => { server.close(done); server.closeAllConnections(); }));
    return `http://127.0.0.1:${server.address().port}`;
  }

  /** A page of the service. Errors of its console, its scripts, and requests to elsewhere are faults of the test. */
  async page(studio, { width = 1280, height = 800, scheme = "light", motion = "reduce", hash = "", isOpened = true } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: motion,
      ignoreHTTPSErrors: true, locale: "en-GB", timezoneId: "UTC" });
    this.#ends.push(() => context.close());
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: studio.address }).catch(() => {});
    if (studio.cookie) {
      const [name, value] = studio.cookie.split("=");
      await context.addCookies([{ name, value, url: studio.address, httpOnly: true, sameSite: "Strict" }]);
    }
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (own) => own.type() === "error" && this.fault(`console: ${own.text()} (${own.location().url ?? ""})`));
    page.on("pageerror", (error) => this.fault(`script: ${error.stack ?? error}`));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(studio.address) && !/^(data|blob|about|chrome-error):/.test(url)) this.fault(`a request leaves the page: ${url}`);
    });
    this.pages.push(page);
    if (isOpened) await page.goto(studio.cookie ? `${studio.address}/${hash}` : studio.opening);
    return page;
  }
  fault(text) { if (!this.allowed.some((known) => known.test(text))) this.faults.push(text); }

  async end() {
    for (const own of this.#ends.reverse()) await own().catch((cause) => this.faults.push(`it did not end: ${cause.message}`));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Another place of the page: the view is drawn anew. */
export const go = (page, hash) => page.evaluate((own) => { location.hash = own; }, hash);

/** What axe finds on the page: rules of WCAG 2.2 AA. */
export async function axe(page) {
  if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const found = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
    return found.violations.map((own) => `${own.id}: ${own.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`
      .replace(/\s+/g, " ").slice(0, 700));
  });
}

/** Notes long tasks of the page from now on; `longest()` gives the longest in milliseconds. */
export async function watchTasks(page) {
  await page.evaluate(() => {
    window.tasks = [];
    window.watching?.disconnect();
    window.watching = new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((own) => own.duration)));
    window.watching.observe({ entryTypes: ["longtask"] });
  });
  return () => page.evaluate(() => {
    window.tasks.push(...window.watching.takeRecords().map((own) => own.duration));
    return Math.max(0, ...window.tasks);
  });
}

/** Opens an operation, and waits for its request. */
export async function openOperation(page, place) {
  await go(page, `#/operations/${place}`);
  await page.locator(".work-head").waitFor();
}
/** Runs what is open on the sandbox, and waits for the end: gives the badge. */
export async function runHere(page) {
  await page.locator(".actions .main:enabled").click();
  return ended(page);
}
/** The badge of a run that has ended. */
export async function ended(page) {
  const badge = page.locator(".result-head .badge:not(.on):not(.stale)").first();
  await badge.waitFor();
  return badge.textContent();
}
/** Runs a batch file by the service, and waits for its end: gives its entry of the history. */
export async function runBatch(studio, file, more = {}) {
  const start = { path: file, sandbox: false, inputs: {}, ...more };
  const before = new Set((await studio.api("history")).runs.map((own) => own.run));
  const { plan, error } = await studio.api("batches/plan", start);
  ok(!error, `the batch cannot be planned: ${JSON.stringify(error)}`);
  await studio.api("batches/run", { ...start, planHash: plan.hash });
  return until(async () => (await studio.api("history")).runs.find((own) => !before.has(own.run) && own.status !== "running"), `the end of ${file}`);
}
