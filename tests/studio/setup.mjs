// The views Connections and Connectors: forms and where secrets are kept, tests, sign-in, removal; connectors written and imported.
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { axe, ended, equal, go, has, ok, openOperation, until } from "./lib.mjs";
import { send, tester } from "./tester.mjs";

const FILE = "connections.yaml";
const button = (page, name) => page.getByRole("button", { name, exact: typeof name === "string" });
const dialog = (page) => page.getByRole("dialog");
const exactly = (title) => new RegExp(`^${title}( optional)?$`);
/** A field of a form by its label: its control, its fault, and where its value is kept. */
const field = (page, title) => {
  const node = page.locator(".field").filter({ has: page.locator("label", { hasText: exactly(title) }) }).first();
  return { node, input: node.locator(".value input, .value select").first(), fault: node.locator(".fault"),
    place: node.locator("select.place") };
};
const told = (page) => page.locator("aside .told");
/** Waits for the page of a saved connection. */
const opened = (page, name) => page.getByRole("heading", { name, exact: true, level: 2 }).waitFor();
/** Runs the operation that is open on a connection, and gives the badge. */
async function runOn(page, connection) {
  await page.locator(".work-head").waitFor();
  await page.locator("#target").selectOption(connection);
  await page.locator(".actions .main:enabled", { hasText: connection }).click();
  return ended(page);
}

/** Keeps the body of each reply of the service; `all()` gives them once they are there. */
function replies(page) {
  const bodies = [];
  page.on("response", (own) => {
    if (!own.url().endsWith("/alive")) bodies.push(own.text().then((text) => `${own.url()}\n${text}`, () => ""));
  });
  return async () => (await Promise.all(bodies)).filter(Boolean);
}
/** All that the page has: its markup, the values of its fields, its storage, its address. */
const inPage = (page) => page.evaluate(() => [document.documentElement.outerHTML, location.href, document.title,
  ...[...document.querySelectorAll("input, textarea, select, output")].map((own) => own.value),
  JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })].join("\n"));

const COMMENTED = `# the connections of the office
version: 1
connections:
  # the desk, see the wiki
  desk:
    connector: tester   # ours
    site: "http://127.0.0.1:9"  # moves in May
    key: { env: DESK_KEY }
# the end of the file
`;

// Texts that are looked for: each is nowhere else.
const [OPEN, PASTED, OF_FILE, OF_VARIABLE] = ["open-4f1c", "pasted-77ab", "filed-c03e", "variable-9d52"].map((word) => `secret-${word}`);

/** A connector whose connections are signed in by a person, and a server that plays system and authorization server. */
async function office(t) {
  const seen = [], own = { seen, refuses: false, holds: false, release: () => {} };
  own.address = await t.server((request, response, body) => {
    const url = new URL(request.url, "http://office");
    seen.push({ path: url.pathname, query: url.searchParams, body: new URLSearchParams(body), headers: request.headers });
    if (url.pathname === "/authorize") {
      const back = new URL(url.searchParams.get("redirect_uri"));
      back.search = new URLSearchParams({ ...(own.refuses ? { error_description: "not for you" } : { code: "the-code" }),
        state: url.searchParams.get("state") });
      own.release = () => { response.writeHead(302, { location: String(back) }); response.end(); };
      return own.holds || own.release();
    }
    if (url.pathname === "/token") {
      return send(response, 200, { access_token: "access-1d8e", refresh_token: "refresh-5b20", token_type: "Bearer", expires_in: 3600 });
    }
    if (request.headers.authorization !== "Bearer access-1d8e") return send(response, 401, { message: "sign in first" });
    return send(response, 200, [{ id: 1, name: "North" }]);
  });
  own.of = (path) => seen.filter((one) => one.path === path);
  own.files = { "definitions/operations/office/connector.yaml": `version: 2
connector: office
title: Office
connection:
  site: { type: string, format: origin }
  secret: { type: string, secret: true }
base_url: "{site}"
auth:
  oauth2: { flow: authorization_code, authorize: "{site}/authorize", token: "{site}/token", client_id: desk, client_secret: "{secret}" }
paging: none
errors: { message: /message }
probe: listRooms
`, "definitions/operations/office/rooms.yaml": `version: 2
operations:
  listRooms: { title: List rooms, method: query, request: GET /rooms, response: { result: list } }
`, [FILE]: `version: 1\nconnections:
  floor:\n    connector: office\n    account: main\n    site: "${own.address}"\n    secret: client-secret-3e\n` };
  return own;
}

/** A library: pages of books, for whoever has the key. */
async function library(t) {
  const books = [1, 2, 3].map((id) => ({ id, title: `Book ${id}`, lent: id === 2 })), seen = [];
  const address = await t.server((request, response, body) => {
    const url = new URL(request.url, "http://library");
    seen.push({ verb: request.method, path: request.url, body, headers: request.headers });
    if (request.headers.authorization !== "Bearer key-of-the-library") return send(response, 401, { message: "the key is wrong" });
    if (request.method === "GET" && url.pathname === "/v2/books") return send(response, 200, { books });
    return send(response, 404, { message: "nothing is here" });
  });
  return { address, seen };
}
const OPENAPI = (address) => `openapi: 3.0.3
info: { title: Reading room, version: "1" }
servers: [{ url: "${address}/v2" }]
components:
  securitySchemes: { key: { type: http, scheme: bearer } }
  schemas:
    Book: { type: object, properties: { id: { type: integer }, title: { type: string }, lent: { type: boolean } } }
security: [{ key: [] }]
paths:
  /books:
    get:
      operationId: listBooks
      summary: List the books of the reading room
      parameters: [{ name: shelf, in: query, schema: { type: string } }]
      responses:
        "200":
          description: Books
          content:
            application/json:
              schema: { type: object, properties: { books: { type: array, items: { $ref: "#/components/schemas/Book" } } } }
    post:
      operationId: createBook
      summary: Add a book
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Book" } } } }
      responses: { "201": { description: Made } }
`;
/** Opens the import, and pastes a description. */
async function pasteDescription(page, text, name) {
  await go(page, "#/connectors/~import");
  await page.getByRole("tab", { name: "Paste" }).click();
  await page.getByLabel("Text of the description").fill(text);
  await field(page, "Name of the connector").input.fill(name);
}
/** What is below the folder of definitions. */
function definitions(t) {
  const folder = join(t.folder, "definitions");
  return existsSync(folder) ? readdirSync(folder, { recursive: true }).sort() : [];
}

export const tests = [
  { name: "a new connection: faults beside their fields, places of its values, and the file keeps its comments",
    allowed: [/422/], run: async (t) => {
    const own = await tester(t), mock = await t.sandbox();
    const studio = await t.studio({ env: { OFFICE_KEY: "sandbox-private-key" },
      files: { ...own.files, [FILE]: COMMENTED, "secrets/user.txt": "training+sandboxkey" } });
    const page = await t.page(studio, { hash: "#/connections" });
    await page.getByRole("link", { name: "New connection" }).click();
    await page.getByLabel("System", { exact: true }).selectOption({ label: "ConnectWise Manage" });
    const [site, user, password] = ["Site URL", "Username", "Password"].map((title) => field(page, title));
    equal(await password.input.getAttribute("type"), "password");
    await password.input.fill("typed");
    await button(page, "Show Password").click();
    equal(await password.input.getAttribute("type"), "text");
    await password.place.selectOption("Connections file");
    equal([await password.input.inputValue(), await password.input.getAttribute("type")], ["typed", "password"], "another place");
    await password.place.selectOption("Variable");
    equal(await password.input.inputValue(), "CONNECTWISE_MANAGE_PASSWORD", "the proposed name");
    await password.place.selectOption("Keyring");
    await password.input.fill("");
    await button(page, "Save").click();
    for (const [one, text] of [[site, "Site URL is required"], [user, "Username is required"], [password, "Password is required"]]) {
      equal([await one.fault.textContent(), await one.input.getAttribute("aria-invalid")], [text, "true"]);
    }
    ok(await site.input.evaluate((node) => node === document.activeElement), "the focus is not at the first fault");
    await site.input.fill("no address");
    equal([await site.fault.textContent(), await site.input.getAttribute("aria-invalid")], ["", "false"], "typing takes the fault away");
    await user.place.selectOption("File");
    await user.input.fill("secrets/user.txt");
    await password.place.selectOption("Variable");
    await password.input.fill("OFFICE_KEY");
    await field(page, "Name").input.fill("desk");
    await button(page, "Save").click();
    has(await field(page, "Name").fault.textContent(), "another connection has this name");
    await field(page, "Name").input.fill("Acme 2");
    await button(page, "Save").click();
    await until(async () => (await site.fault.textContent()) !== "", "the fault of the service beside the field");
    equal([await site.input.getAttribute("aria-invalid"), await user.fault.textContent()], ["true", ""]);
    equal(t.read(FILE), COMMENTED, "a connection that does not fit is written");
    await site.input.fill(`http://127.0.0.1:${mock.port}`);
    await button(page, "Save").click();
    await opened(page, "Acme 2");
    const added = `  "Acme 2":\n    connector: connectwise-manage\n`;
    const text = t.read(FILE);
    has(text, added);
    const values = [`siteUrl: "http://127.0.0.1:${mock.port}"`, `username: { file: "secrets/user.txt" }`, "password: { env: OFFICE_KEY }"];
    for (const line of values) has(text, line);
    for (const line of COMMENTED.split("\n")) has(text, line);
    has(await field(page, "Password").node.textContent(), "is set");
    await button(page, "Test").click();
    await told(page).getByText(/^Works: http:\/\/127/).waitFor();
    has(await page.locator(".setup-head .test-state").textContent(), /works, \d+ ms/);
    await go(page, "#/connections");
    const entry = page.locator(".entry", { hasText: "Acme 2" });
    has(await entry.textContent(), "password: variable");
    has(await page.locator(".entry", { hasText: "desk" }).textContent(), "key: variable, not set");
  } },
  { name: "a stored secret is in no reply of the service, and not in the page", allowed: [/422/], run: async (t) => {
    const own = await tester(t);
    // A careless server: it says which key it got.
    const address = await t.server((request, response) => {
      own.seen.push({ path: request.url, headers: request.headers });
      send(response, 401, { code: "Refused", message: `the key ${request.headers.authorization} is wrong` });
    });
    const entry = (name, key) => `  ${name}:\n    connector: tester # ${name}\n    site: "${address}"\n    key: ${key}\n`;
    const studio = await t.studio({ env: { THE_KEY: OF_VARIABLE }, files: { ...own.files, "key.txt": OF_FILE,
      [FILE]: ["version: 1\nconnections:\n", entry("open", OPEN), entry("filed", "{ file: key.txt }"),
        entry("given", "{ env: THE_KEY }")].join("") } });
    const page = await t.page(studio, { isOpened: false }), all = replies(page);
    await page.goto(`${studio.address}/#/connections`);
    const check = async (where) => {
      const text = await inPage(page);
      for (const secret of [OPEN, PASTED, OF_FILE, OF_VARIABLE]) {
        const forms = [secret, Buffer.from(secret).toString("base64").replace(/=+$/, "")];
        for (const form of forms) ok(!text.includes(form), `${secret} is in the page: ${where}`);
      }
    };
    await page.getByText("key: in the connections file").waitFor();
    await check("the list");
    for (const [name, secret] of [["open", OPEN], ["filed", OF_FILE], ["given", OF_VARIABLE]]) {
      await go(page, `#/connections/${name}`);
      await opened(page, name);
      await button(page, "Test").click();
      await told(page).locator(".failure").waitFor();
      has(await told(page).textContent(), /the key .* is wrong/);
      equal(own.seen.at(-1).headers.authorization, `Bearer ${secret}`, "what the server received");
      await check(`the failed test of ${name}`);
    }
    await go(page, "#/connections/open");
    await opened(page, "open");
    await page.getByText("kept in the connections file").waitFor();
    await field(page, "Name").input.fill("renamed");
    await button(page, "Save").click();
    await opened(page, "renamed");
    has(t.read(FILE), `  renamed:\n    connector: tester # open\n    site: "${address}"\n    key: ${OPEN}\n`, "the renamed connection");
    await check("the renamed connection");
    await button(page, "Replace key").click();
    await field(page, "key").input.fill(PASTED);
    await button(page, "Save").click();
    await page.getByText("kept in the connections file").waitFor();
    await until(() => t.read(FILE).includes(PASTED), "the new secret is written");
    ok(!t.read(FILE).includes(OPEN), "the replaced secret is still in the file");
    await check("the replaced secret");
    await go(page, "#/connectors/~write/tester");
    const step = page.getByRole("region", { name: /Raw call/ });
    await page.getByLabel("Which connection").selectOption("renamed");
    await step.getByLabel("Path below the address of the connection").fill("/kinds");
    await button(step, "Send").click();
    await step.locator(".reply").waitFor();
    equal(own.seen.at(-1).headers.authorization, `Bearer ${PASTED}`);
    for (const summary of await step.locator(".reply summary").all()) await summary.click();
    await check("a raw call");
    await openOperation(page, "tester/listKinds");
    await runOn(page, "renamed");
    await button(page, "Copy …").click();
    await until(() => dialog(page).getByLabel("Text", { exact: true }).inputValue(), "the copy");
    await check("a run and its copy");
    const bodies = await all();
    ok(bodies.length > 20 && bodies.some((text) => text.includes("the key")), "the replies were not read");
    for (const secret of [OPEN, PASTED, OF_FILE, OF_VARIABLE]) {
      const leak = bodies.find((text) => text.includes(secret));
      ok(!leak, `${secret} is in a reply: ${leak?.slice(0, 300)}`);
    }
  } },
  { name: "the test of a connection: works on the sandbox, fails with the reason of a server, and says so in the list",
    allowed: [/422/], run: async (t) => {
    const mock = await t.sandbox(), seen = [];
    const closed = await t.server((request, response) => {
      seen.push(request.url);
      send(response, 401, { code: "Unauthorized", message: "no such key here" });
    });
    const entry = (name, site) => `  ${name}:\n    connector: connectwise-manage\n    siteUrl: "${site}"\n`
      + "    username: training+sandboxkey\n    password: sandbox-private-key\n    clientId: 11111111-2222-3333-4444-555555555555\n";
    const text = `version: 1\nconnections:\n${entry("open", `http://127.0.0.1:${mock.port}`)}${entry("closed", closed)}`;
    const studio = await t.studio({ files: { [FILE]: text } });
    const page = await t.page(studio, { hash: "#/connections" });
    const state = (name) => page.locator(".entry").filter({ has: page.getByRole("link", { name, exact: true }) });
    await state("open").getByText("not tested").waitFor();
    await button(page, "Test open").click();
    await state("open").locator(".badge.good", { hasText: /works, \d+ ms/ }).waitFor();
    equal(seen.length, 0, "another connection was called");
    await button(page, "Test closed").click();
    await state("closed").locator(".badge.bad", { hasText: "failed" }).waitFor();
    has(await state("closed").locator(".failure").textContent(), "no such key here");
    has(await page.locator("#told").textContent(), "no such key here", "what a screen reader is told");
    ok(seen.length > 0 && seen.every((path) => path.startsWith("/v4_6_release/")), `the server was called at ${seen}`);
    const before = seen.length;
    await button(page, "Test all").click();
    await until(() => seen.length > before, "the second test");
    await state("closed").locator(".badge.bad").waitFor();
    await mock.end();
    await button(page, "Test open").click();
    await state("open").locator(".badge.bad").waitFor();
    has(await state("open").locator(".failure").textContent(), /cannot be reached|connect|refused/i);
  } },
  { name: "a person signs in with the browser: the code is exchanged, the tokens are kept, and calls are signed",
    allowed: [/422/], run: async (t) => {
    const own = await office(t), studio = await t.studio({ files: own.files, args: ["--tokens", "tokens.json"] });
    const page = await t.page(studio, { isOpened: false }), all = replies(page);
    await page.goto(`${studio.address}/#/connections/floor`);
    await opened(page, "floor");
    await button(page, "Test").click();
    has(await told(page).locator(".failure").textContent(), /sign/i, "the test before the sign-in");
    own.refuses = true;
    const [refused] = await Promise.all([page.context().waitForEvent("page"), button(page, "Sign in").click()]);
    await until(async () => (await told(page).textContent()).includes("The sign-in has failed"), "the refusal");
    has(await told(page).textContent(), "not for you");
    await refused.close();
    equal(own.of("/token").length, 0, "a code was exchanged after a refusal");
    own.refuses = false;
    own.holds = true;
    await button(page, "Sign in again").click();
    await until(() => own.of("/authorize").length === 2, "the page of the system");
    await told(page).getByText("Waiting for the sign-in …").waitFor();
    const asked = own.of("/authorize")[1].query, back = asked.get("redirect_uri");
    has(await told(page).getByRole("link").getAttribute("href"), `${own.address}/authorize?`);
    equal([asked.get("client_id"), asked.get("response_type"), asked.get("code_challenge_method")], ["desk", "code", "S256"]);
    equal((await fetch(`${back}?code=forged&state=forged`)).status, 404, "a code with another state");
    const [popup] = await Promise.all([page.context().waitForEvent("page"), own.release()]);
    await until(() => own.of("/token").length === 1, "the exchange of the code");
    const { body, headers } = own.of("/token")[0];
    equal([body.get("grant_type"), body.get("code"), body.get("redirect_uri")], ["authorization_code", "the-code", back]);
    equal(createHash("sha256").update(body.get("code_verifier")).digest("base64url"), asked.get("code_challenge"), "PKCE");
    const basic = Buffer.from((headers.authorization ?? "").replace("Basic ", ""), "base64").toString();
    ok(basic === "desk:client-secret-3e" || body.get("client_secret") === "client-secret-3e", "the client is not signed");
    await popup.getByText("Signed in. You can close this page.").waitFor();
    equal(await popup.evaluate(() => [window.opener, document.referrer]), [null, ""], "what the page of the system knows of the studio");
    // Then the page tests the connection by itself.
    await told(page).getByText(/^Works: /).waitFor();
    equal(own.of("/rooms").at(-1).headers.authorization, "Bearer access-1d8e");
    has(t.read("tokens.json"), "refresh-5b20", "the file of tokens");
    await openOperation(page, "office/listRooms");
    equal(await runOn(page, "floor"), "Complete");
    const texts = [...(await all()), await inPage(page)];
    for (const secret of ["access-1d8e", "refresh-5b20", "client-secret-3e", "the-code", body.get("code_verifier")]) {
      ok(!texts.some((text) => text.includes(secret)), `${secret} is in a reply or in the page`);
    }
  } },
  { name: "whoever leaves the page of a connection no longer waits for its sign-in", run: async (t) => {
    const own = await office(t), page = await t.page(await t.studio({ files: own.files, args: ["--tokens", "tokens.json"] }),
      { hash: "#/connections/floor" });
    let asked = 0;
    page.on("request", (request) => { if (request.url().includes("/connections/logins/")) asked += 1; });
    own.refuses = true;
    await button(page, "Sign in").click();
    await button(page, "Sign in again").waitFor();
    own.holds = true;
    await button(page, "Sign in again").click();
    await told(page).getByText("Waiting for the sign-in …").waitFor();
    const first = asked;
    await until(() => asked > first, "the page asks for the state");
    await go(page, "#/connectors");
    await page.locator(".connectors .card").first().waitFor();
    const before = asked;
    await page.waitForTimeout(2500);
    equal(asked, before, "questions for the state of a sign-in that was left");
  } },
  { name: "removing a connection asks first, and leaves the others", run: async (t) => {
    const own = await tester(t);
    const first = `  first: # the first\n    connector: tester\n    site: "${own.address}"\n    key: one-key\n`;
    const before = COMMENTED.replace("  # the desk", `${first}  # the desk`);
    const page = await t.page(await t.studio({ files: { ...own.files, [FILE]: before } }), { hash: "#/connections/first" });
    await button(page, "Remove …").click();
    has(await dialog(page).textContent(), "The connection first is deleted from");
    await button(dialog(page), "Keep it").click();
    await dialog(page).waitFor({ state: "detached" });
    ok(await button(page, "Remove …").evaluate((node) => node === document.activeElement), "the focus is not where it was");
    await button(page, "Remove …").click();
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "detached" });
    equal(t.read(FILE), before, "the file after two noes");
    await button(page, "Remove …").click();
    await button(dialog(page), "Remove first").click();
    await page.getByText("1 connection in").waitFor();
    equal(t.read(FILE), before.replace(first, ""));
    equal(await page.locator(".entry-name a").allTextContents(), ["desk"]);
    await go(page, "#/operations/tester/listKinds");
    await page.locator(".work-head").waitFor();
    equal(await page.locator("#target option").allTextContents().then((all) => all.slice(1)), ["desk"], "the systems that can be called");
  } },
  { name: "what is not saved is asked for before it is left", run: async (t) => {
    const own = await tester(t), page = await t.page(await t.studio({ files: own.files }), { hash: "#/connections/desk" });
    await field(page, "site").input.fill("http://127.0.0.1:1");
    await page.getByRole("link", { name: "All connections" }).click();
    await button(dialog(page), "Stay").click();
    await until(() => new URL(page.url()).hash === "#/connections/desk", "the address of the page that stays");
    equal(await field(page, "site").input.inputValue(), "http://127.0.0.1:1");
    await page.getByRole("link", { name: "All connections" }).click();
    await button(dialog(page), "Leave").click();
    await page.locator(".entries").waitFor();
    equal(t.read(FILE), own.files[FILE]);
  } },
  { name: "a connector is written: name, key, raw call, operation, a fault at its line, and a run", allowed: [/422/], run: async (t) => {
    const own = await library(t), studio = await t.studio({ env: { LIBRARY_KEY: "key-of-the-library" } });
    const page = await t.page(studio, { hash: "#/connectors" });
    await page.getByRole("link", { name: "Write a connector" }).click();
    await field(page, "Name").input.fill("optima");
    await button(page, "Write the connector").click();
    has(await field(page, "Address of the API").fault.textContent(), "the address is on the first page");
    await field(page, "Address of the API").input.fill(`${own.address}/v2`);
    await button(page, "Write the connector").click();
    has(await field(page, "Name").fault.textContent(), "a connector has this name");
    equal(definitions(t), [], "files of a connector that was refused");
    await field(page, "Name").input.fill("acme-library");
    await button(page, "Write the connector").click();
    await page.getByText("A variable that it names is not set").waitFor();
    has(t.read("definitions/operations/acme-library/connector.yaml"), `default: "${own.address}/v2"`);
    has(t.read(FILE), "token: { env: ACME_LIBRARY_TOKEN }");
    await field(page, "token").input.fill("LIBRARY_KEY");
    await button(page, "Save the connection").click();
    await until(() => page.evaluate(() => document.activeElement.id === "step-3"), "the focus goes on to the raw call");
    has(t.read(FILE), "token: { env: LIBRARY_KEY }", "the connection");
    const call = page.locator(".raw-call"), path = call.getByLabel("Path below the address of the connection");
    await path.fill("/shelves");
    await button(call, "Send").click();
    has(await call.locator(".reply .failure").textContent(), "nothing is here");
    await page.getByText("First send a raw call that succeeds.").waitFor();
    await path.fill("/books?lent=false");
    await button(call, "Send").click();
    await call.locator(".reply .badge.good", { hasText: "200" }).waitFor();
    has(await call.locator(".reply pre").last().textContent(), '"Book 1"', "the reply");
    equal(own.seen.at(-1).headers.authorization, "Bearer key-of-the-library");
    equal(await field(page, "OperationId").input.inputValue(), "listBooks", "the proposed id");
    await button(page, "Propose the operation").click();
    await page.getByText("is written. Read what was guessed:").waitFor();
    const area = page.locator(".editor-area"), file = await page.locator(".definitions select option:checked").getAttribute("value");
    has(await area.inputValue(), /listBooks:[^]*GET \/books[^]*items: \/books/, "the proposed operation");
    const lines = (await area.inputValue()).split("\n"), at = lines.findIndex((line) => /^\s+method: query/.test(line));
    const wrong = lines.with(at, lines[at].replace("query", "guess")).join("\n");
    await area.fill(wrong);
    const fault = page.locator(".editor-faults li.bad").first();
    await fault.waitFor();
    has(await fault.textContent(), `Line ${at + 1} `);
    equal(await page.locator(".editor-numbers .bad").allTextContents(), [String(at + 1)], "the marked lines");
    await fault.getByRole("button").click();
    equal(await area.evaluate((node) => node.value.slice(0, node.selectionStart).split("\n").length), at + 1, "the line of the caret");
    const title = lines.findIndex((line) => /^ {4}title:.*guessed/.test(line));
    await area.fill(lines.with(title, lines[title].replace(/title:.*/, "title: All books of the house")).join("\n"));
    await page.locator(".editor-status", { hasText: "No faults" }).waitFor();
    await page.keyboard.press("Control+s");
    await until(() => t.read(file).includes("title: All books of the house"), "the saved file");
    await page.getByRole("link", { name: "Run listBooks" }).click();
    await page.getByRole("heading", { name: "All books of the house" }).waitFor();
    equal(await runOn(page, "acme-library"), "Complete");
    await page.locator(".rows tbody tr").nth(2).waitFor();
    equal(await page.locator(".rows tbody tr").count(), 3);
    has(await page.locator(".rows tbody").textContent(), "Book 3");
    ok(own.seen.at(-1).path.startsWith("/v2/books"), "another path was called");
  } },
  { name: "a raw call that writes shows its plan, and is sent only after a yes", run: async (t) => {
    const own = await tester(t), page = await t.page(await t.studio({ files: own.files }), { hash: "#/connectors/~write/tester" });
    const call = page.locator(".raw-call"), writes = () => own.seen.filter((one) => one.verb === "POST");
    await call.getByLabel("Verb").selectOption("POST");
    await call.getByLabel("Path below the address of the connection").fill("/things");
    await call.getByLabel("Body").fill('{"name": "Lamp"');
    has(await call.locator("#raw-body-fault").textContent(), "This is no JSON");
    await call.getByLabel("Body").fill('{"name": "Lamp"}');
    await button(call, "Show the plan …").click();
    has(await dialog(page).textContent(), `POST ${own.address}/things`);
    ok(!(await dialog(page).textContent()).includes("key-of-the-desk"), "the plan shows the key");
    await button(dialog(page), "Do not send").click();
    await call.getByText("Nothing was sent.").waitFor();
    equal(writes().length, 0, "writes after a no");
    await button(call, "Show the plan …").click();
    await button(dialog(page), "Send to desk").click();
    await call.locator(".reply .badge.good").waitFor();
    equal(writes().map((one) => one.body), ['{"name": "Lamp"}']);
  } },
  { name: "a description of an API: the preview writes nothing, the import writes its files, and an operation runs", run: async (t) => {
    const own = await library(t), page = await t.page(await t.studio({ env: { KEY: "key-of-the-library" } }));
    await pasteDescription(page, OPENAPI(own.address), "reading-room");
    equal(await page.getByLabel("Kind").inputValue(), "openapi");
    await button(page, "Preview").click();
    await page.getByText("Nothing has been written yet.").waitFor();
    const list = page.locator(".operation-list");
    await list.getByText("2 operations").waitFor();
    await list.getByText("List the books of the reading room").waitFor();
    await list.getByText("Add a book").waitFor();
    equal(await list.locator("code").allTextContents(), ["POST /books", "GET /books"].sort(), "the requests");
    has(await page.locator(".told details pre").first().textContent(), "would write");
    equal([definitions(t), existsSync(join(t.folder, FILE))], [[], false], "what the preview has written");
    await field(page, "Name of the connector").input.fill("reading-hall");
    await page.getByText("First a preview").waitFor();
    await button(page, "Preview").click();
    await button(page, "Import as reading-hall").click();
    await page.getByText("The connector reading-hall is written.").waitFor();
    const written = definitions(t);
    for (const name of ["connector.yaml", "import.yaml", "import.base.gz"]) {
      ok(written.includes(`operations/reading-hall/${name}`), `${name} is not in ${written}`);
    }
    equal(own.seen.length, 0, "requests of an import");
    await page.getByRole("link", { name: "Make a connection" }).click();
    await field(page, "Name").input.fill("hall");
    // An address without TLS is only proposed.
    equal(await field(page, "baseUrl").input.getAttribute("placeholder"), `${own.address}/v2`);
    await field(page, "baseUrl").input.fill(`${own.address}/v2`);
    const secret = page.locator(".field").filter({ has: page.locator(".value.secret") });
    await secret.locator("select.place").selectOption("Variable");
    await secret.locator("input").fill("KEY");
    await button(page, "Save").click();
    await opened(page, "hall");
    await go(page, "#/operations");
    await page.locator("#search").fill("books of the reading room");
    await page.locator(".hit", { hasText: "List the books of the reading room" }).first().click();
    equal(await runOn(page, "hall"), "Complete");
    await page.locator(".rows tbody tr").nth(2).waitFor();
    has(await page.locator(".rows tbody").textContent(), "Book 2");
    const [{ path, headers }] = own.seen;
    equal([own.seen.length, path.split("?")[0], headers.authorization], [1, "/v2/books", "Bearer key-of-the-library"]);
  } },
  { name: "a broken description says why, and writes nothing; a mended one is imported from a path", allowed: [/422/], run: async (t) => {
    const own = await library(t), text = OPENAPI(own.address);
    const page = await t.page(await t.studio({ files: { "specs/room.openapi.yaml": text } }));
    await pasteDescription(page, text.replace("paths:\n", "paths: [\n"), "room");
    await button(page, "Preview").click();
    const failed = page.locator(".told .failure");
    await failed.first().waitFor();
    has(await failed.first().textContent(), "It cannot be imported");
    has(await failed.first().textContent(), /line \d+|:\d+/, "the place of the fault");
    ok(!(await button(page, /^Import as/).isVisible()), "what cannot be read can be imported");
    await page.getByLabel("Text of the description").fill("");
    ok(await button(page, "Preview").isDisabled(), "nothing can be previewed");
    await page.getByRole("tab", { name: "Path" }).click();
    await field(page, "Path of the file").input.fill("specs/nothing.yaml");
    await button(page, "Preview").click();
    await failed.first().waitFor();
    has(await failed.first().textContent(), "nothing.yaml");
    equal(definitions(t), []);
    await field(page, "Path of the file").input.fill("specs/room.openapi.yaml");
    await button(page, "Preview").click();
    await button(page, "Import as room").click();
    await page.getByText("The connector room is written.").waitFor();
    ok(definitions(t).includes("operations/room/connector.yaml"), "no connector was written");
  } },
  { name: "by keyboard alone: a new connection, its test, its removal", run: async (t) => {
    const own = await tester(t), page = await t.page(await t.studio({ files: own.files }), { hash: "#/connections" });
    await page.locator(".entries").waitFor();
    const key = (name) => page.keyboard.press(name), type = (text) => page.keyboard.type(text);
    /** Goes on with Tab until the focus is at something with this name. */
    const tabTo = async (name) => {
      for (let times = 0; times < 40; times += 1) {
        await key("Tab");
        const own = await page.evaluate(() => {
          const node = document.activeElement;
          return node.getAttribute("aria-label") ?? node.labels?.[0]?.textContent ?? node.textContent;
        });
        if (own.trim() === name) {
          ok(await page.evaluate(() => document.activeElement.matches(":focus-visible")
            && getComputedStyle(document.activeElement).outlineStyle !== "none"), `the focus at ${name} cannot be seen`);
          return;
        }
      }
      throw new Error(`Tab does not come to ${name}`);
    };
    await tabTo("New connection");
    await key("Enter");
    await page.getByRole("heading", { name: "New connection" }).waitFor();
    await tabTo("System");
    await type("Tester");
    await page.locator(".connection-form").waitFor();
    await tabTo("Name");
    await key("Control+a");
    await type("second");
    await tabTo("site");
    await type(own.address);
    await tabTo("key");
    await type("typed-key");
    await tabTo("Where key is kept");
    await type("Connections");
    await until(async () => (await page.getByLabel("Where key is kept").inputValue()) === "file", "the place of the key");
    await tabTo("Save and test");
    await key("Enter");
    await told(page).getByText(/^Works: /).waitFor();
    equal(own.seen.at(-1).headers.authorization, "Bearer typed-key");
    has(t.read(FILE), "  second:\n    connector: tester\n");
    await tabTo("Remove …");
    await key("Enter");
    await dialog(page).waitFor();
    await tabTo("Remove second");
    await key("Enter");
    await page.getByText("1 connection in").waitFor();
    equal(t.read(FILE), own.files[FILE]);
  } },
  ...["light", "dark"].map((scheme) => ({ name: `axe, ${scheme}: forms with faults, dialogs, sign-in, raw call, editor, import`,
    allowed: [/422/], run: async (t) => {
    const own = await tester(t), room = await office(t), found = [];
    const connections = own.files[FILE] + room.files[FILE].split("connections:\n")[1];
    const studio = await t.studio({ files: { ...room.files, ...own.files, [FILE]: connections } });
    const page = await t.page(studio, { scheme, hash: "#/connections" });
    const look = async (name) => found.push(...(await axe(page)).map((one) => `${name}: ${one}`));
    await button(page, "Test floor").click();
    await page.locator(".entry .failure").waitFor();
    await look("the list with a failure");
    await go(page, "#/connections/~new/connectwise-manage");
    await button(page, "Save").click();
    await look("a form with faults");
    await go(page, "#/connections/desk");
    await opened(page, "desk");
    await button(page, "Replace key").click();
    await look("a secret that is replaced");
    await button(page, "Keep the stored key").click();
    await button(page, "Remove …").click();
    await look("the question of a removal");
    await page.keyboard.press("Escape");
    await go(page, "#/connections/floor");
    await button(dialog(page), "Leave").click();
    await opened(page, "floor");
    room.holds = true;
    await button(page, "Sign in").click();
    await told(page).getByText("Waiting for the sign-in …").waitFor();
    await look("a sign-in");
    await go(page, "#/connectors");
    await page.locator(".connectors .card").first().waitFor();
    await look("the connectors");
    await go(page, "#/connectors/tester");
    await page.getByText("List things").first().waitFor();
    await look("a connector");
    await go(page, "#/connectors/~write");
    await button(page, "Write the connector").click();
    await look("a new connector with faults");
    await go(page, "#/connectors/~write/tester");
    const call = page.locator(".raw-call");
    await call.getByLabel("Path below the address of the connection").fill("/kinds");
    await button(call, "Send").click();
    await call.locator(".reply .badge").waitFor();
    for (const summary of await call.locator("summary").all()) await summary.click();
    const area = page.locator(".editor-area");
    await area.fill(`${await area.inputValue()}\nnothing: 1\n`);
    await page.locator(".editor-faults li.bad").first().waitFor();
    await look("a raw call, a proposal, an editor with a fault");
    await page.getByRole("link", { name: "All connectors" }).click();
    await look("the question of unsaved changes");
    await button(dialog(page), "Leave").click();
    await page.locator(".connectors .card").first().waitFor();
    await pasteDescription(page, OPENAPI(own.address), "room");
    await button(page, "Preview").click();
    await page.getByText("Nothing has been written yet.").waitFor();
    await look("the preview of an import");
    await page.getByLabel("Text of the description").fill("openapi: 3.0.3\npaths: [");
    await button(page, "Preview").click();
    await page.locator(".told .failure").first().waitFor();
    await look("an import that fails");
    ok(found.length === 0, found.join("\n"));
  } })),
];
