// A hostile server: whatever it sends is shown as text, runs nothing, and does not freeze the page.
import { ended, go, has, ok, openOperation, runBatch, until, watchTasks } from "./lib.mjs";
import { send, tester } from "./tester.mjs";

const MARKUP = '<img src=x onerror="window.hacked=1">';
const EVIL = [MARKUP, "<script>window.hacked=1</script>", '"><svg onload=window.hacked=1>', "javascript:window.hacked=1", "</pre></textarea></script><b>bold</b>",
  "\u001b[31mred\u001b[0m\u0007", "ab\u202edc\u2066x", "nul\u0000nul", "${window.hacked=1} {{window.hacked=1}}", "data:text/html,<script>window.hacked=1</script>"];
const ALL = EVIL.join(" | ");
/** What the page must not have: elements of a text, and a script that has run. */
async function clean(page) {
  const found = await page.evaluate(() => [
    window.hacked !== undefined && "a script has run",
    [...document.querySelectorAll("img")].some((own) => !own.src.endsWith("/icon.svg")) && "an image of a text",
    document.querySelectorAll("script:not([src]), iframe, object, embed, body b[onload], body [onerror], body [onload]").length > 0 && "an element of a text",
    [...document.querySelectorAll("a[href]")].some((own) => /^(javascript|data|vbscript):/i.test(own.href)) && "a link of a text",
    [...document.querySelectorAll("b")].some((own) => own.textContent === "bold") && "a bold text",
    /[\u0000\u001b\u202e\u2066]/.test(document.body.textContent) && "a character that changes how a text is shown",
  ].filter(Boolean));
  ok(found.length === 0, found.join("; "));
}
const open = async (t, answers, place = "tester/listThings", files = {}) => {
  const own = await tester(t, answers), studio = await t.studio({ files: { ...own.files, ...files } });
  const page = await t.page(studio);
  await openOperation(page, place);
  await page.locator("#target").selectOption("desk");
  if (place === "tester/listThings") await page.locator(".fields .value input").first().fill("north");
  return { page, studio, own };
};
const run = async (page) => { await page.locator(".actions .main:enabled").click(); return ended(page); };
/** No task of the page took longer than this. */
const LONGEST = 1000;

export const tests = [
  { name: "rows, names of columns and a row as JSON", run: async (t) => {
    const { page } = await open(t, { "GET /things": () => [...EVIL.map((text, id) => ({ id, name: text, [`${text}`]: text })),
      { id: 99, name: { toString: 1, constructor: MARKUP, __proto__: { x: 1 } } }] });
    await run(page);
    await page.locator(".rows tbody td", { hasText: MARKUP }).first().waitFor();
    await clean(page);
    await page.getByRole("button", { name: /^Columns/ }).click();
    await page.getByRole("button", { name: "All", exact: true }).click();
    await until(async () => (await page.locator(".rows thead th").allTextContents()).includes(MARKUP), "the column");
    await clean(page);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Row 1 as JSON" }).click();
    await page.getByLabel("The row as JSON").locator("visible=true").filter({ hasText: "onerror" }).last().waitFor();
    await clean(page);
    for (let at = 0; at < EVIL.length; at += 1) await page.getByRole("button", { name: "Next" }).click();
    await clean(page);
  } },
  { name: "messages of failures, and outcomes of items", run: async (t) => {
    const refuse = (url, body, response) => { send(response, 400, { code: MARKUP, message: ALL }, { "x-note": MARKUP }); };
    const { page } = await open(t, { "GET /things": refuse, "POST /things": refuse });
    await run(page);
    has(await page.locator(".result .failure").textContent(), MARKUP);
    await page.locator(".result .failure summary").click();
    await clean(page);
    await openOperation(page, "tester/createThing");
    await page.getByRole("button", { name: "Send to desk …" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Send to desk" }).click();
    await page.locator(".outcome", { hasText: MARKUP }).first().waitFor();
    await page.getByRole("button", { name: "Details of item 1" }).click();
    await page.getByRole("dialog").waitFor();
    await clean(page);
  } },
  { name: "a reply that is a page of HTML", run: async (t) => {
    const { page } = await open(t, { "GET /things": (url, body, response) => {
      response.writeHead(400, { "content-type": "text/html" });
      response.end(`<html><body><h1>Bad request</h1>${ALL}</body></html>`);
    } });
    await run(page);
    await page.locator(".result .failure").waitFor();
    await clean(page);
  } },
  { name: "values of dropdowns", run: async (t) => {
    const { page } = await open(t, { "GET /kinds": () => EVIL.map((name, id) => ({ id, name })) });
    const add = page.getByRole("combobox", { name: "Add an option" });
    await add.fill("kind");
    await page.locator(".combo-list:popover-open [role=option]").first().waitFor();
    await add.press("Enter");
    await page.keyboard.press("ArrowDown");
    await page.locator(".combo-list:popover-open [role=option]", { hasText: MARKUP }).waitFor();
    await clean(page);
    await page.locator(".combo-list:popover-open [role=option]", { hasText: MARKUP }).click();
    await until(async () => (await page.locator(".plan pre.request").textContent()).includes("kind=0"), "its id in the request");
    await clean(page);
  } },
  { name: "raw calls: statuses, headers, bodies", allowed: [/422/], run: async (t) => {
    const { page } = await open(t, { "GET /evil": (url, body, response) => {
      response.writeHead(200, "OK <script>window.hacked=1</script>", { "content-type": "text/html", "x-evil": MARKUP, link: "<javascript:window.hacked=1>; rel=next" });
      response.end(ALL);
    } });
    await go(page, "#/connectors/~write/tester");
    await page.getByLabel("Path below the address of the connection").fill("/evil");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    const reply = page.getByRole("region", { name: "Reply", exact: true });
    await reply.waitFor();
    await reply.locator("summary").first().click();
    has(await reply.textContent(), MARKUP);
    await clean(page);
  } },
  { name: "names of files, steps and connections; items that need a person", run: async (t) => {
    const refuse = (url, body, response) => { send(response, 400, { code: "x", message: ALL }); };
    const name = "<img src=x onerror=window.hacked=1>.yaml";
    const batch = `version: 1\nname: evil\n# ${MARKUP}\nconnection: desk\nsteps:\n  - id: made\n    mutate: createThing\n    items: [{ name: '<img src=x>' }]\n    on_error: continue\n`;
    const { page, studio } = await open(t, { "POST /things": refuse }, "tester/createThing", { [name]: batch });
    await runBatch(studio, name);
    await go(page, `#/batch/${encodeURIComponent(name)}`);
    await page.locator(".graph-box").first().waitFor();
    await clean(page);
    await page.getByRole("tab", { name: "Items that need a person" }).click();
    const item = page.locator(".item").first();
    await item.locator("summary").click();
    has(await item.textContent(), MARKUP);
    await clean(page);
    await page.getByRole("tab", { name: "Runs" }).click();
    await page.locator("table.runs tbody .link").first().click();
    await page.locator("article.record").waitFor();
    await clean(page);
  } },
  { name: "JSON that is broken, or has half a character, is a failure in words", run: async (t) => {
    let text = '[{"id":1,"name":"\\ud800 half"}]';
    const { page } = await open(t, { "GET /things": () => text });
    for (const next of ['[{"id":1,"name":"\\ud800 half"}]', '[{"id":1', "\u0000\u0001", "[".repeat(200_000)]) {
      text = next;
      const badge = await run(page);
      ok(["Failed", "Complete"].includes(badge), `${next.slice(0, 20)}: ${badge}`);
      await page.locator(".result .failure:visible, .rows tbody tr").first().waitFor();
      await clean(page);
    }
  } },
  { name: "texts of 1 MB, 5,000 columns and 100 levels do not freeze the page", isAlone: true, run: async (t) => {
    let rows = [];
    const { page } = await open(t, { "GET /things": () => rows });
    const longest = await watchTasks(page);
    const deep = (levels) => { let value = MARKUP; for (let at = 0; at < levels; at += 1) value = at % 2 ? [value] : { deeper: value }; return value; };
    const shapes = {
      "1 MB": Array.from({ length: 5 }, (_, id) => ({ id, name: `${MARKUP}${"x".repeat(1_000_000)}` })),
      "1 MB in a line of \u202e": [{ id: 1, name: "\u202e".repeat(300_000) }],
      "5,000 columns": Array.from({ length: 20 }, (_, id) => ({ id, ...Object.fromEntries(Array.from({ length: 5000 }, (_own, at) => [`column ${at}`, at])) })),
      "100 levels": [{ id: 1, name: deep(100) }],
    };
    for (const [what, own] of Object.entries(shapes)) {
      rows = own;
      await run(page);
      await page.locator(".rows tbody tr").first().waitFor();
      await page.getByRole("button", { name: "Row 1 as JSON" }).click();
      await page.getByLabel("The row as JSON").locator("visible=true").last().waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /^Columns/ }).click();
      await page.getByLabel("Find a column").fill("9");
      await page.keyboard.press("Escape");
      await clean(page);
      const time = await longest();
      ok(time < LONGEST, `${what}: a task of ${Math.round(time)} ms`);
    }
  } },
  { name: "500 levels, and a failure with a message of 1 MB", isAlone: true, run: async (t) => {
    const deep = `${'{"a":['.repeat(250)}1${"]}".repeat(250)}`;
    const { page } = await open(t, { "GET /things": () => `[{"id":1,"name":${deep}}]`,
      "POST /things": (url, body, response) => { send(response, 400, { code: "x", message: `${MARKUP}${"y".repeat(1_000_000)}` }); } });
    const longest = await watchTasks(page);
    await run(page);
    await page.locator(".result .failure:visible, .rows tbody tr").first().waitFor();
    await clean(page);
    await openOperation(page, "tester/createThing");
    await page.getByRole("button", { name: "Send to desk …" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Send to desk" }).click();
    await page.locator(".outcome").first().waitFor();
    await clean(page);
    ok((await longest()) < LONGEST, `a task of ${Math.round(await longest())} ms`);
  } },
];
