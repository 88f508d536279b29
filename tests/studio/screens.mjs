// Each view in both themes and at both widths: axe, no scrolling sideways, no motion; the pictures go to the folder of --screenshots.
import { join } from "node:path";
import { axe, equal, go, ok, runBatch, until } from "./lib.mjs";
import { tester } from "./tester.mjs";

const NIGHT = `version: 1
name: night
connection: acme
# The members of the company, and those who have left.
steps:
  - id: members
    query: getSystemMembers
    options: { conditions: inactiveFlag=false, orderBy: lastName asc }
    save: { to: out/members.csv, columns: [identifier, firstName, lastName, officeEmail] }

  - id: left
    query: getSystemMembers
    options: { conditions: inactiveFlag=true }
    save: out/left.csv

  - id: departments
    transform:
      from: \${{ steps.members.items }}
      do:
        - aggregate: { by: defaultDepartment/name, values: { members: count } }
        - sort: [-members, name]
    save: out/departments.csv
`;
const THINGS = `version: 1
name: things
connection: desk
steps:
  - id: made
    mutate: createThing
    items:
      - { name: good, size: 1 }
      - { name: bad, size: 2 }
    on_error: continue
`;
/** Names from right to left, with a character that turns the direction. */
const HEBREW = "\u05e9\u05d5\u05dc\u05d7\u05df \u202e123";

async function begin(t) {
  const mock = await t.sandbox(), own = await tester(t);
  const acme = `  acme:\n    connector: connectwise-manage\n    siteUrl: "http://127.0.0.1:${mock.port}"\n    username: training+sandboxkey\n`
    + `    password: sandbox-private-key\n    clientId: 11111111-2222-3333-4444-555555555555\n`;
  const studio = await t.studio({ files: { ...own.files, "connections.yaml": own.files["connections.yaml"] + acme,
    "night.yaml": NIGHT, "things.yaml": THINGS } });
  await runBatch(studio, "night.yaml", { sandbox: true });
  await runBatch(studio, "things.yaml");
  return studio;
}

/** Goes through all views; `look(name)` is called when a view is drawn. */
async function tour(page, look) {
  const drawn = (selector) => page.locator(selector).first().waitFor();
  const button = (name) => page.getByRole("button", { name }).first();
  await drawn(".suggestion .main");
  await look("start");
  await page.locator("#search").fill("membrs who left");
  await page.locator(".hit-why", { hasText: "“membrs” read as “members”" }).first().waitFor();
  await look("search");
  await go(page, "#/operations/connectwise-manage/getServiceTickets/tickets-of-a-board");
  await drawn(".test");
  await drawn(".plan pre.request");
  await look("operation");
  await page.keyboard.press("Control+Enter");
  await drawn(".rows tbody tr");
  await drawn(".result-head .badge.good, .result-head .badge.warn");
  await look("result");
  await button(/^Row 1 as JSON/).click();
  await drawn("dialog pre");
  await look("row");
  await page.keyboard.press("Escape");
  await button("Copy …").click();
  await until(() => page.getByLabel("Text", { exact: true }).inputValue(), "the copy");
  await look("copy");
  await page.keyboard.press("Escape");
  await go(page, "#/operations/tester/createThing");
  await drawn(".grid input");
  await drawn(".plan pre.request");
  await page.locator(".grid").getByLabel("size, item 1").or(page.locator(".grid input").first()).first().focus();
  await look("items");
  await page.locator("#target").selectOption("desk");
  await page.locator(".actions .main:enabled", { hasText: "Send to desk" }).click();
  await drawn("dialog pre");
  await look("confirm");
  await page.keyboard.press("Escape");
  await go(page, "#/batch/night.yaml");
  await drawn(".graph-box");
  await page.locator(".editor-status", { hasText: "No faults" }).waitFor();
  await button("Run on the sandbox").click();
  await page.locator(".run .badge.good").first().waitFor();
  await look("batch");
  await button("Plan").click();
  await drawn(".plan-step");
  await look("plan");
  await page.getByRole("tab", { name: "Items that need a person" }).click();
  await page.locator(".item summary").first().click();
  await look("left-items");
  await page.getByRole("tab", { name: "Runs" }).click();
  await drawn("table.runs tbody tr");
  await look("runs");
  await page.locator("table.runs tbody .link").last().click();
  await drawn("article.record");
  await look("record");
  await go(page, "#/connections");
  await drawn(".entries");
  await look("connections");
  await go(page, "#/connections/acme");
  await drawn(".connection-form");
  await look("connection");
  await go(page, "#/connections/~new/optima");
  await drawn(".connection-form input");
  await look("new-connection");
  await go(page, "#/connectors");
  await drawn(".connectors .card");
  await look("connectors");
  await go(page, "#/connectors/tester");
  await page.getByText("List things").first().waitFor();
  await look("connector");
  await go(page, "#/connectors/~write/tester");
  await page.getByLabel("Which connection").waitFor();
  await drawn(".editor-area");
  await look("write");
  await go(page, "#/connectors/~import");
  await drawn(".import-form");
  await look("import");
}

const screens = (scheme, width, height) => ({
  name: `all views, ${scheme}, ${width} pixels wide: axe, and nothing goes sideways`, run: async (t) => {
    const page = await t.page(await begin(t), { scheme, width, height });
    const found = [];
    await tour(page, async (name) => {
      await page.screenshot({ path: join(t.shots, `${name}-${scheme}-${width}.png`) });
      found.push(...(await axe(page)).map((own) => `${name}: ${own}`));
      const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
      if (wide > 0) found.push(`${name}: it is ${wide} pixels too wide`);
    });
    ok(found.length === 0, found.join("\n"));
  },
});

export const tests = [
  screens("light", 1280, 800), screens("dark", 1280, 800), screens("light", 390, 844), screens("dark", 390, 844),
  { name: "with reduced motion nothing moves", run: async (t) => {
    const page = await t.page(await t.studio());
    await page.locator(".suggestion .main").first().waitFor();
    await page.evaluate(() => {
      window.places = new Set();
      const note = () => { window.places.add(scrollY); requestAnimationFrame(note); };
      note();
    });
    await page.locator(".suggestion .main").first().click();
    await page.locator(".rows tbody tr").first().waitFor();
    await page.locator(".result-head .badge.good").waitFor();
    const places = await page.evaluate(() => [...window.places]);
    ok(places.length < 6, `it scrolls slowly: ${places}`);
    await go(page, "#/connectors");
    await page.locator(".connectors .card").first().waitFor();
    const moving = await page.evaluate(() => document.getAnimations().filter((own) => own.playState === "running"
      && (own.effect?.getComputedTiming().duration ?? 0) > 20).map((own) => own.animationName ?? own.transitionProperty));
    equal(moving, []);
  } },
  { name: "names from right to left keep their place, and what turns the direction is shown", run: async (t) => {
    const own = await tester(t, { "GET /things": () => [{ id: 1, name: HEBREW }] });
    const page = await t.page(await t.studio({ files: own.files }));
    await go(page, "#/operations/tester/listThings");
    await page.locator("#target").selectOption("desk");
    await page.locator(".fields .value input").first().fill("north");
    await page.locator(".actions .main:enabled").click();
    const cell = page.locator(".rows tbody td", { hasText: "\u05e9\u05d5\u05dc\u05d7\u05df" });
    await cell.waitFor();
    equal(await cell.evaluate((node) => [node.dir, getComputedStyle(node).direction]), ["auto", "rtl"]);
    equal(await cell.textContent(), "\u05e9\u05d5\u05dc\u05d7\u05df \\u202e123");
  } },
];
