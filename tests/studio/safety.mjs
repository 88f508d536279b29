// Who may ask the service: requests by hand, other pages in the same browser, paths out of the folder, other machines.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { request } from "node:http";
import { request as secureRequest } from "node:https";
import { join } from "node:path";
import { equal, fail, has, ok, until } from "./lib.mjs";

/** A request with exactly these headers. Gives { status, headers, text }. */
function raw(address, path, { method = "GET", headers = {}, body } = {}) {
  const url = new URL(address), isSecure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const own = (isSecure ? secureRequest : request)({ host: "127.0.0.1", port: url.port, path, method, rejectUnauthorized: false, agent: false,
      headers: { host: url.host, connection: "close", ...headers } }, (reply) => {
      let text = "";
      reply.setEncoding("utf8").on("data", (part) => { text += part; }).on("end", () => resolve({ status: reply.statusCode, headers: reply.headers, text }));
    });
    own.on("error", reject);
    own.end(body);
  });
}
const JSON_TYPE = { "content-type": "application/json" };

/** The headers that each reply has. */
function checkHeaders(reply, what, referrer = "no-referrer") {
  const policy = reply.headers["content-security-policy"] ?? "";
  has(policy, "default-src 'none'", what);
  has(policy, "frame-ancestors 'none'", what);
  ok(!/unsafe-|\*|https?:/.test(policy), `${what}: ${policy}`);
  const wanted = { "x-content-type-options": "nosniff", "x-frame-options": "DENY", "cache-control": "no-store", "referrer-policy": referrer,
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin" };
  for (const [name, value] of Object.entries(wanted)) equal(reply.headers[name], value, `${what}: ${name}`);
  ok(!Object.keys(reply.headers).some((name) => name.startsWith("access-control-")), `${what}: it has CORS headers`);
  has(reply.headers["content-type"] ?? "none", /^(text\/|application\/json|image\/svg|none)/, what);
}

/** A page of another origin, which tries all that a page can, and says what it got. */
const ATTACK = (victim) => `<!doctype html><title>another page</title><body><script>
  const got = [];
  const note = (name) => (value) => got.push([name, value]);
  const read = async (name, path, init) => {
    try {
      const reply = await fetch("${victim}" + path, { credentials: "include", ...init });
      got.push([name, reply.type === "opaque" ? "opaque" : reply.status + " " + (await reply.text()).slice(0, 200)]);
    } catch { got.push([name, "refused"]); }
  };
  const json = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ path: "stolen.yaml", text: "a: 1", digest: null }) };
  const node = (name, make, attributes) => new Promise((done) => {
    const own = Object.assign(document.createElement(make), attributes);
    own.onload = () => { got.push([name, "loaded " + (own.naturalWidth ?? "")]); done(); };
    own.onerror = () => { got.push([name, "refused"]); done(); };
    document.body.append(own);
  });
  const frame = () => new Promise((done) => {
    const own = document.createElement("iframe");
    own.onload = () => { let seen = "nothing"; try { seen = own.contentDocument.body.textContent; } catch {} got.push(["iframe", seen || "nothing"]); done(); };
    own.src = "${victim}/";
    document.body.append(own);
  });
  const socket = () => new Promise((done) => {
    const own = new WebSocket("${victim}/api/v1/alive".replace("http", "ws"));
    own.onopen = () => { got.push(["websocket", "opened"]); done(); };
    own.onerror = () => { got.push(["websocket", "refused"]); done(); };
  });
  const events = () => new Promise((done) => {
    const own = new EventSource("${victim}/api/v1/alive", { withCredentials: true });
    own.onmessage = () => { got.push(["events", "read"]); own.close(); done(); };
    own.onerror = () => { got.push(["events", "refused"]); own.close(); done(); };
  });
  const form = () => new Promise((done) => {
    const target = Object.assign(document.createElement("iframe"), { name: "answer" });
    document.body.append(target);
    const own = document.createElement("form");
    Object.assign(own, { method: "post", action: "${victim}/api/v1/file", enctype: "text/plain", target: "answer" });
    own.append(Object.assign(document.createElement("input"), { name: '{"path":"stolen.yaml","text":"a: 1","digest":null,"x":"', value: '"}' }));
    document.body.append(own);
    target.onload = () => done();
    own.submit();
  });
  (async () => {
    await read("fetch", "/api/v1/about");
    await read("fetch without CORS", "/api/v1/about", { mode: "no-cors" });
    await read("the page", "/");
    await read("post", "/api/v1/file", json);
    await read("post without CORS", "/api/v1/file", { ...json, mode: "no-cors", headers: { "content-type": "text/plain" } });
    await node("image", "img", { src: "${victim}/icon.svg" });
    await node("script", "script", { src: "${victim}/dom.js", type: "module" });
    await node("old script", "script", { src: "${victim}/api/v1/about" });
    await node("style", "link", { rel: "stylesheet", href: "${victim}/studio.css" });
    await Promise.all([frame(), socket(), events(), form()]);
    window.got = got;
  })();
</script>`;

export const tests = [
  { name: "requests without the cookie, of other hosts, origins, sites and types are refused", run: async (t) => {
    const studio = await t.studio({ files: { "a.yaml": "version: 1\n" } }), { host } = new URL(studio.address);
    const cookie = { cookie: studio.cookie }, own = { ...cookie, origin: studio.address, ...JSON_TYPE };
    const about = (headers) => raw(studio.address, "/api/v1/about", { headers });
    const search = (headers) => raw(studio.address, "/api/v1/search", { method: "POST", headers, body: '{"text":"x","connectors":[],"limit":1}' });
    const port = host.split(":")[1];
    const allowed = [[about, cookie], [about, { ...cookie, host: `localhost:${port}` }], [about, { ...cookie, "sec-fetch-site": "same-origin" }], [search, own],
      [search, { ...cookie, ...JSON_TYPE, "sec-fetch-site": "same-origin" }]];
    for (const [ask, headers] of allowed) equal((await ask(headers)).status, 200, JSON.stringify(headers));
    const refused = [
      [about, {}], [about, { cookie: `${studio.cookie}0` }], [about, { cookie: `${studio.cookie.split("=")[0]}=` }], [search, { origin: studio.address, ...JSON_TYPE }],
      [about, { ...cookie, host: "rebound.example" }], [about, { ...cookie, host: `rebound.example:${port}` }], [about, { ...cookie, host: "127.0.0.1" }],
      [about, { ...cookie, host: `127.0.0.1.rebound.example:${port}` }], [search, { ...own, host: `rebound.example:${port}`, origin: `http://rebound.example:${port}` }],
      [about, { ...cookie, origin: "http://127.0.0.1:9" }], [search, { ...own, origin: "http://127.0.0.1:9" }], [search, { ...own, origin: "null" }],
      [search, { ...own, origin: `https://${host}` }], [about, { ...cookie, "sec-fetch-site": "cross-site" }], [about, { ...cookie, "sec-fetch-site": "same-site" }],
      [search, { ...own, "sec-fetch-site": "cross-site" }], [search, { ...own, "sec-fetch-site": "none" }], [search, { ...cookie, ...JSON_TYPE }],
      [search, { ...own, "content-type": "text/plain" }], [search, { ...own, "content-type": "application/x-www-form-urlencoded" }],
      [search, { ...own, "content-type": "multipart/form-data; boundary=x" }],
    ];
    for (const [ask, headers] of refused) {
      const reply = await ask(headers);
      equal(reply.status, 403, JSON.stringify(headers));
      ok(!reply.text.includes("connectors"), "a refusal has data");
    }
    for (const path of ["/", "/studio.js", "/api/v1/alive"]) equal((await raw(studio.address, path)).status, 403, path);
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]) {
      const { status } = await raw(studio.address, "/api/v1/about", { method, headers: own });
      ok(status >= 400, `${method} has status ${status}`);
    }
  } },
  { name: "the token of the opening address works once", run: async (t) => {
    const studio = await t.studio({ keepsToken: true }), { pathname, search } = new URL(studio.opening);
    equal((await raw(studio.address, `${pathname}${search}0`)).status, 403, "a longer token");
    equal((await raw(studio.address, pathname + search, { headers: { host: "rebound.example" } })).status, 403, "of another host");
    const first = await raw(studio.address, pathname + search);
    equal([first.status, first.headers.location], [303, "/"]);
    has(first.headers["set-cookie"][0], /HttpOnly/);
    has(first.headers["set-cookie"][0], /SameSite=Strict/);
    const second = await raw(studio.address, pathname + search);
    equal([second.status, second.headers["set-cookie"]], [403, undefined]);
    checkHeaders(first, "the exchange");
    checkHeaders(second, "the refusal");
  } },
  { name: "each reply has its headers", run: async (t) => {
    const studio = await t.studio(), cookie = { cookie: studio.cookie };
    for (const path of ["/", "/studio.js", "/studio.css", "/icon.svg", "/nothing", "/api/v1/about", "/api/v1/nothing", "/api/v1/file?path=nothing.yaml"]) {
      checkHeaders(await raw(studio.address, path, { headers: cookie }), path);
      checkHeaders(await raw(studio.address, path), `${path} without the cookie`);
    }
  } },
  // The cookie goes along: ports are no border for cookies, and the other page is of the same site.
  { name: "another page of the same browser reads nothing, and changes nothing", allowed: [/./], run: async (t) => {
    const studio = await t.studio({ files: { "a.yaml": "version: 1\n" } });
    const elsewhere = await t.server((_, response) => { response.writeHead(200, { "content-type": "text/html" }); response.end(ATTACK(studio.address)); });
    const own = await t.page(studio);
    await own.locator("#search").waitFor();
    const page = await own.context().newPage();
    await page.goto(elsewhere);
    const got = new Map(await until(() => page.evaluate(() => window.got), "the attempts"));
    for (const [name, value] of got) if (!/^(refused|opaque|nothing)$/.test(value)) fail(`${name}: ${value}`);
    equal(got.size, 12, "attempts");
    const { files } = await studio.api("files");
    ok(!files.some((file) => file.path.includes("stolen")), "a file was written");
    // By its name, the same machine is another site.
    await page.goto(elsewhere.replace("127.0.0.1", "localhost"));
    for (const [name, value] of await until(() => page.evaluate(() => window.got), "the attempts")) if (!/^(refused|opaque|nothing)$/.test(value)) fail(`${name}: ${value}`);
    // The page still works.
    await own.locator("#search").fill("members");
    await own.locator(".hit").first().waitFor();
  } },
  { name: "no path leads out of the folder", run: async (t) => {
    t.write({ "outside/secret.yaml": "secret: of-another\n", "served/b.yaml": "version: 1\nname: b\nsteps: []\n" });
    const secret = join(t.folder, "outside/secret.yaml"), served = join(t.folder, "served");
    symlinkSync(secret, join(served, "link.yaml"));
    symlinkSync(join(t.folder, "outside"), join(served, "folder"));
    const { address, cookie } = await t.studio({ cwd: served });
    const post = (path) => raw(address, "/api/v1/file", { method: "POST", headers: { cookie, origin: address, ...JSON_TYPE },
      body: JSON.stringify({ path, text: "a: 1\n", digest: null }) });
    const paths = ["../outside/secret.yaml", secret, "link.yaml", "folder/secret.yaml", "./../outside/secret.yaml", "x/../../outside/secret.yaml",
      "/etc/passwd", "/proc/self/environ", "file:///etc/passwd", "b.yaml\u0000.yaml", "..%2foutside/secret.yaml", "%2e%2e/outside/secret.yaml"];
    for (const path of paths) {
      for (const written of [encodeURIComponent(path), path.replaceAll("\u0000", "%00")]) {
        const reply = await raw(address, `/api/v1/file?path=${written}`, { headers: { cookie } });
        ok(reply.status >= 400, `${written} has status ${reply.status}: ${reply.text}`);
        ok(!/of-another|root:/.test(reply.text), `${written} is read`);
      }
    }
    for (const path of [...paths.slice(0, 10), "../outside/new.yaml", "folder/new.yaml", join(t.folder, "outside/new.yaml")]) {
      const reply = await post(path);
      ok(reply.status >= 400, `${path} is written: ${reply.text}`);
    }
    equal(t.read("outside/secret.yaml"), "secret: of-another\n");
    equal(readdirSync(join(t.folder, "outside")), ["secret.yaml"]);
    const ways = ["/../Cargo.toml", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/page/../../etc/passwd", "/./studio.js/../../x"];
    for (const path of ways) {
      const reply = await raw(address, path, { headers: { cookie } });
      ok(reply.status >= 400 && !/root:|\[package\]/.test(reply.text), `${path} has status ${reply.status}`);
    }
  } },
  { name: "other machines need TLS and the password", allowed: [/403/], run: async (t) => {
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem", "-out", "chain.pem", "-days", "2",
      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], { cwd: t.folder, stdio: "ignore" });
    const tls = ["--tls-certificate", "chain.pem", "--tls-key", "key.pem"], name = ["--host", "localhost"], listen = ["--listen", "127.0.0.1:0"];
    const password = "a long password of the test";
    const env = { OPNODE_STUDIO_PASSWORD: password };
    const refused = [[listen, {}], [[...listen, ...tls, ...name], {}], [[...listen, ...name], env], [[...listen, ...tls], env],
      [[...listen, ...tls, ...name], { OPNODE_STUDIO_PASSWORD: "short" }]];
    for (const [args, variables] of refused) {
      const error = await t.studio({ args, env: variables }).then(() => fail(`${args.join(" ")} is served`), (cause) => cause);
      has(error.message, "--listen needs", args.join(" "));
    }
    const studio = await t.studio({ args: [...listen, ...tls, ...name], env });
    ok(!studio.opening.includes("token"), "the address has a token");
    equal((await raw(studio.address, "/api/v1/about")).status, 403, "without the cookie");
    const tried = (given, headers = {}) => raw(studio.address, "/sign-in", { method: "POST", body: new URLSearchParams({ password: given }).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded", origin: studio.address, ...headers } });
    equal((await tried(password, { origin: "https://rebound.example" })).headers["set-cookie"], undefined, "of another page");
    const begun = Date.now(), wrong = await tried(`${password}!`);
    ok(Date.now() - begun >= 950, "a wrong password costs no time");
    equal(wrong.headers["set-cookie"], undefined);
    // The form of the password sends its origin.
    checkHeaders(wrong, "the wrong password", "same-origin");
    const right = await tried(password);
    has(right.headers["set-cookie"][0], /; Secure/);
    has(right.headers["set-cookie"][0], /HttpOnly/);
    const page = await t.page(studio);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText(/wrong|not right|not the password/i).first().waitFor();
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator("#search").waitFor();
    const [cookie] = await page.context().cookies();
    equal([cookie.secure, cookie.httpOnly, cookie.sameSite], [true, true, "Strict"]);
  } },
  { name: "a file that cannot be read, or added to, is not replaced", run: async (t) => {
    const wide = Buffer.from("version: 1\nconnections:\n  b: { connector: optima }\n# B\u00fcro\n", "latin1");
    const flow = "{version: 1, connections: {e: {connector: optima, account: a, baseUrl: \"http://127.0.0.1:1\", refreshToken: b}}}\n";
    const studio = await t.studio({ files: { "connections.yaml": wide, "legacy.yaml": wide, "big.yaml": `a: ${"x".repeat(17_000_000)}\n` } });
    const kept = (name, content) => ok(readFileSync(join(t.folder, name)).equals(Buffer.from(content)), `${name} was changed`);
    const save = (connection) => studio.api("connections/save",
      { connection, connector: "optima", account: "c", values: { baseUrl: { value: "http://127.0.0.1:1" }, refreshToken: { variable: "D" } } });
    has((await save("mine")).error?.message, "cannot be read", "a file that is not UTF-8");
    kept("connections.yaml", wide);
    for (const path of ["legacy.yaml", "big.yaml"]) has((await studio.api("file", { path, text: "version: 1\n" })).error?.message, "is there already");
    kept("legacy.yaml", wide);
    t.write({ "connections.yaml": flow });
    has((await save("mine")).error?.message, "would not be valid", "a file of one line");
    kept("connections.yaml", flow);
  } },
];
