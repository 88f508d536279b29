// The batch view: editor, graph, plan, runs, items that need a person, history.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { equal, go, has, ok, openOperation, runBatch, until } from "./lib.mjs";
import { send, tester } from "./tester.mjs";

const TEXT = `version: 1
name: things
connection: desk
# Every night.
steps:
  - id: kinds
    query: listKinds

  # Each kind is made a thing.
  - id: made
    mutate: createThing
    items: \${{ steps.kinds.items }}
    map: { name: "\${{ item.name }}" }
    on_error: continue
`;
const area = (page) => page.locator(".editor-area");
const text = (page) => area(page).inputValue();
const checked = (page, told) => page.locator(".editor-status", { hasText: told }).first().waitFor();
/** Opens the file, and waits for its graph. */
async function open(page, name = "things.yaml") {
  await go(page, `#/batch/${name}`);
  await page.locator(".graph-box").first().waitFor();
}
/** Puts the caret behind a text of the editor. */
const caret = (page, after) => area(page).evaluate((node, own) => {
  const at = node.value.indexOf(own) + own.length;
  node.focus();
  node.setSelectionRange(at, at);
}, after);
const button = (page, name) => page.getByRole("button", { name, exact: true });
async function start(t, { answers, files = {}, hash } = {}) {
  const own = await tester(t, answers), studio = await t.studio({ files: { ...own.files, "things.yaml": TEXT, ...files } });
  return { own, studio, page: await t.page(studio, { hash }) };
}
/** Runs on the connections: the plan is asked first. */
async function runReal(page, answer = "Run on desk") {
  await page.getByRole("radio", { name: "Real connections" }).check({ force: true });
  await button(page, "Run …").click();
  const dialog = page.getByRole("dialog", { name: "This sends to desk" });
  await dialog.getByRole("button", { name: answer }).click();
  await dialog.waitFor({ state: "detached" });
}
const reported = async (page, word) => page.locator(".report .badge", { hasText: word }).first().waitFor();

export const tests = [
  { name: "keys, operations and options are proposed; a word is explained", run: async (t) => {
    const { page } = await start(t);
    await open(page);
    await caret(page, "query: listKinds");
    await page.keyboard.press("Enter");
    await page.keyboard.type("li");
    const popup = page.locator(".editor-popup:visible");
    await popup.getByRole("option", { name: /^limit/ }).waitFor();
    await popup.locator(".editor-about p").waitFor();
    await page.keyboard.press("Enter");
    await until(async () => (await text(page)).includes("\n    limit: "), "the key is written");
    await page.keyboard.press("Escape");
    await caret(page, "query: listKinds");
    for (let at = 0; at < 5; at += 1) await page.keyboard.press("Backspace");
    await page.keyboard.press("Control+Space");
    await popup.getByRole("option", { name: /^listThings/ }).waitFor();
    await page.keyboard.type("Kin");
    await popup.getByRole("option", { name: /^listKinds/ }).waitFor();
    await page.keyboard.press("Tab");
    await until(async () => (await text(page)).includes("query: listKinds\n"), "the operation is written");
    await page.keyboard.press("Escape");
    await checked(page, "fault");
    // Ctrl+Z takes it back, as if it were typed.
    for (let at = 0; at < 40 && (await text(page)) !== TEXT; at += 1) await page.keyboard.press("Control+z");
    equal(await text(page), TEXT);
    await checked(page, "No faults");
    const place = await area(page).boundingBox();
    await page.mouse.move(place.x + 60, place.y + 8 + 6 * 21 + 10);
    await page.locator(".editor-tip:visible").waitFor();
  } },
  { name: "faults appear at their lines while typing", run: async (t) => {
    const { page } = await start(t);
    await open(page);
    await checked(page, "No faults");
    await caret(page, "query: listKind");
    await page.keyboard.press("Backspace");
    await checked(page, "1 fault");
    has(await page.locator(".editor-faults li").first().textContent(), /7|listKind/);
    await page.locator(".editor-numbers .bad[data-line='7']").waitFor();
    await page.locator(".editor-faults button").first().click();
    equal(await area(page).evaluate((node) => node.value.slice(0, node.selectionStart).split("\n").length), 7, "the line of the caret");
    await page.keyboard.press("Control+z");
    await checked(page, "No faults");
    equal(await page.locator(".editor-faults li").count(), 0);
  } },
  { name: "the graph has a box for each step and an arrow for each use, and leads to the lines", run: async (t) => {
    const { page } = await start(t);
    await open(page);
    equal(await page.locator(".graph-box").count(), 2);
    equal(await page.locator(".graph-lines path[marker-end], .graph-lines .arrow, .graph-lines > path").count() > 0, true, "an arrow");
    has(await page.locator(".graph-steps li").nth(1).textContent(), "needs kinds");
    await page.locator(".graph-box", { hasText: "made" }).click();
    equal(await area(page).evaluate((node) => node.value.slice(0, node.selectionStart).split("\n").length), 10, "the line of the step");
    await caret(page, "query: listKinds");
    await page.locator(".graph-box[aria-current=true]", { hasText: "kinds" }).waitFor();
  } },
  { name: "a file that another program has changed is not overwritten", allowed: [/422/], run: async (t) => {
    const { page } = await start(t);
    await open(page);
    await caret(page, "# Every night.");
    await page.keyboard.type(" Mine.");
    const theirs = TEXT.replace("# Every night.", "# Every morning.");
    writeFileSync(join(t.folder, "things.yaml"), theirs);
    await page.keyboard.press("Control+s");
    await page.getByText("Another program has changed this file.").waitFor();
    equal(t.read("things.yaml"), theirs);
    await button(page, "See the difference").click();
    has(await page.getByRole("dialog").textContent(), "Every morning.");
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await button(page, "Keep mine").click();
    await until(() => t.read("things.yaml").includes("Every night. Mine."), "mine is saved");
    await page.locator(".batch-bar .badge", { hasText: "Saved" }).waitFor();
  } },
  { name: "what is not saved is there again after the page was closed", run: async (t) => {
    const { page } = await start(t);
    await open(page);
    await caret(page, "# Every night.");
    await page.keyboard.type(" Draft.");
    await until(() => page.evaluate(() => Object.values(localStorage).some((own) => own.includes("Draft."))), "the draft is kept");
    await page.reload();
    await until(async () => (await text(page).catch(() => "")).includes("Draft."), "the draft");
    equal(t.read("things.yaml"), TEXT);
  } },
  { name: "the plan has the requests and the hash; a changed text makes it old", run: async (t) => {
    const { own, page, studio } = await start(t);
    await open(page);
    await page.getByRole("radio", { name: "Real connections" }).check({ force: true });
    await button(page, "Plan").click();
    await page.locator(".plan-step").first().waitFor();
    await page.locator(".plan-step summary").first().click();
    has(await page.locator(".plan-step pre").first().textContent(), /GET http:\/\/127.0.0.1:\d+\/kinds[^]*\[secret\]/);
    const { plan } = await studio.api("batches/plan", { path: "things.yaml", text: TEXT, sandbox: false, inputs: {} });
    has(await page.locator(".plan-hash code").textContent(), plan.hash);
    await caret(page, "# Every night.");
    await page.keyboard.type("!");
    await page.locator(".run-shown.old").waitFor();
    equal(own.seen.length, 0, "requests");
  } },
  { name: "a run on the sandbox: states of the steps, log, report", run: async (t) => {
    const { page } = await start(t);
    await open(page);
    await button(page, "Run on the sandbox").click();
    await reported(page, "All done");
    for (const step of ["kinds", "made"]) await page.locator(".graph-box", { hasText: step }).filter({ hasText: "done" }).waitFor();
    has(await page.locator(".run-log").textContent(), "kinds");
    equal(await page.locator(".report table.steps tbody tr").count(), 2);
    // What was typed meanwhile makes the report old, and the run is found again.
    await go(page, "#/connections");
    await page.locator(".entries").waitFor();
    await open(page);
    await reported(page, "All done");
  } },
  { name: "a run over connections asks with the plan; items that failed are edited, settled and sent again", run: async (t) => {
    let refused = /Lamp|Table|Chair/;
    const { own, page } = await start(t, { answers: { "POST /things": (url, body, response) => {
      if (!refused.test(body)) return JSON.parse(body);
      send(response, 400, { code: "Refused", message: "not today" });
      return undefined;
    } } });
    await open(page);
    await runReal(page, "Do not run");
    equal(own.seen.length, 0, "requests after a no");
    await runReal(page);
    await reported(page, "Some items failed");
    const writes = () => own.seen.filter((one) => one.verb === "POST").length;
    equal(writes(), 3);
    await page.locator("#batch-tab-items .badge", { hasText: "3" }).waitFor();
    await page.getByRole("tab", { name: /Items that need a person/ }).click();
    const item = page.locator(".item");
    const openItem = async () => { await item.first().waitFor(); if (!(await item.first().getAttribute("open"))) await item.first().locator("summary").click(); };
    await openItem();
    has(await item.first().textContent(), "not today");
    await item.first().getByRole("button", { name: "Send again" }).click();
    await page.getByText("It failed again").waitFor();
    equal(writes(), 4);
    refused = /Table|Chair/;
    await openItem();
    await item.first().getByRole("button", { name: "Send again" }).click();
    await until(async () => (await item.count()) === 2, "one item less");
    await openItem();
    await item.first().getByRole("button", { name: "Edit and send …" }).click();
    const editor = page.getByRole("dialog").locator(".editor-area");
    await editor.fill('{ "name": "Desk" }');
    await page.getByRole("dialog").getByRole("button", { name: "Send the edited item" }).click();
    await until(async () => (await item.count()) === 1, "the edited item is done");
    has(own.seen.at(-1).body, "Desk");
    await openItem();
    await item.first().getByRole("button", { name: "Settle …" }).click();
    await page.getByRole("dialog").getByLabel("Note").fill("done by hand");
    await page.getByRole("dialog").getByRole("button", { name: "Settle" }).click();
    await page.getByText("No item needs a person").waitFor();
    equal(writes(), 6);
  } },
  { name: "a run can be cancelled", run: async (t) => {
    let isAsked = false;
    const { page } = await start(t, { answers: { "GET /kinds": () => { isAsked = true; return undefined; } } });
    await open(page);
    await runReal(page);
    await until(() => isAsked, "the request");
    await page.locator(".graph-box", { hasText: "running" }).waitFor();
    await page.locator(".run-head").getByRole("button", { name: "Cancel" }).click();
    await reported(page, "Cancelled");
  } },
  { name: "the history, a record, and two runs compared", run: async (t) => {
    const { page, studio } = await start(t);
    await runBatch(studio, "things.yaml", { sandbox: true });
    await runBatch(studio, "things.yaml");
    await go(page, "#/batch/things.yaml");
    await page.getByRole("tab", { name: "Runs" }).click();
    const rows = page.locator("table.runs tbody tr");
    await until(async () => (await rows.count()) === 2, "two runs");
    await page.getByLabel("Systems").selectOption("sandbox");
    await until(async () => (await rows.count()) === 1, "one run on the sandbox");
    await page.getByLabel("Systems").selectOption("");
    await until(async () => (await rows.count()) === 2, "two runs");
    for (const at of [0, 1]) await rows.nth(at).getByRole("checkbox").check();
    await button(page, "Compare").click();
    const pair = page.getByRole("article", { name: "Comparison of two runs" });
    await pair.waitFor();
    has(await pair.textContent(), "made");
    await page.getByRole("button", { name: "← All runs" }).click();
    await rows.first().locator(".link").click();
    await page.locator("article.record").waitFor();
    has(await page.locator("article.record").textContent(), /finished[^]*kinds[^]*made/);
  } },
  { name: "a step is added at the end, and comments stay", run: async (t) => {
    const { page } = await start(t, { files: { "things.yaml": `${TEXT}\n# What comes last.\nfinally: []\n` } });
    await open(page);
    await openOperation(page, "tester/listKinds");
    await page.locator(".plan pre.request").waitFor();
    await page.getByRole("button", { name: "Add to batch" }).click();
    await until(async () => ((await text(page).catch(() => "")).match(/query: listKinds/g) ?? []).length === 2, "the step");
    const now = await text(page);
    for (const part of ["# Every night.", "# Each kind is made a thing.", "# What comes last."]) has(now, part);
    ok(now.indexOf("query: listKinds", now.indexOf("mutate:")) > 0, "the step is not at the end");
    ok(now.lastIndexOf("query: listKinds") < now.indexOf("finally:"), "the step is in another list");
    await checked(page, "No faults");
    await until(async () => (await page.locator(".graph-box").count()) === 3, "three boxes");
  } },
  { name: "a new batch in an empty folder, and inputs that a run needs", allowed: [/422/], run: async (t) => {
    const studio = await t.studio(), page = await t.page(studio, { hash: "#/batch" });
    await page.getByText("There is no batch file in this folder").waitFor();
    await page.getByRole("button", { name: "New batch …" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Make the file" }).click();
    await area(page).waitFor();
    await area(page).fill("version: 1\nname: batch\ninputs:\n  size: { type: integer, title: How many }\nsteps:\n"
      + "  - id: members\n    query: getSystemMembers\n    options: { pageSize: \"${{ inputs.size }}\" }\n");
    const size = page.getByLabel(/^size/);
    await size.waitFor();
    await button(page, "Run on the sandbox").click();
    await until(async () => /size|missing|needs/.test(await page.locator(".run-panel .fault, .run-panel .failure").allTextContents().then((own) => own.join(""))), "the fault of the input");
    await size.fill("3");
    await button(page, "Run on the sandbox").click();
    await reported(page, "All done");
    has(await page.locator(".report").textContent(), "members");
    // The value of the input has reached the system: pages of three rows.
    const [last] = (await studio.api("history")).runs;
    ok(last.requests >= last.items_out / 3, `${last.requests} requests for ${last.items_out} rows`);
  } },
];
