// How many interactions it takes from the opened page to a saved step of a batch. An interaction is a click, a text that is typed into
// one field (with its Enter), or a choice.
import { equal, ok, until } from "./lib.mjs";

const MOST = 8;
const CONNECTIONS = `version: 1
connections:
  acme: { connector: connectwise-manage, siteUrl: "http://127.0.0.1:9", username: a+b, password: c, clientId: d }
`;

function counted(page) {
  const done = [];
  const note = (text) => done.push(text);
  return {
    done,
    click: async (target, text) => { note(`click ${text}`); await target.click(); },
    choose: async (target, value) => { note(`choose ${value}`); await target.selectOption({ label: value }); },
    /** Types, and takes the first of what is proposed. */
    type: async (target, text, proposed) => {
      note(`type ${text}`);
      await target.fill(text);
      if (proposed) await page.locator(".combo-list:popover-open [role=option]").filter({ hasText: proposed }).first().waitFor();
      await target.press("Enter");
    },
    check: () => ok(done.length <= MOST, `${done.length} interactions: ${done.join("; ")}`),
  };
}
/** Waits until the file has all parts. */
const saved = (t, name, ...parts) => until(() => {
  try { return parts.every((part) => t.read(name).replaceAll(" = ", "=").includes(part)); } catch { return false; }
}, `${name} has ${parts.join(" and ")}`);

export const tests = [
  { name: "two conditions of one's own, one with a dropdown, in a step of a batch: at most eight interactions", run: async (t) => {
    const studio = await t.studio({ files: { "night.yaml": "version: 1\nname: night\n# Every night.\nsteps: []\n", "connections.yaml": CONNECTIONS }, keepsToken: true });
    const page = await t.page(studio), user = counted(page);
    await user.type(page.locator("#search"), "list service tickets");
    const rows = page.locator(".test");
    const combobox = (at, name) => rows.nth(at).getByRole("combobox", { name });
    await user.type(combobox(0, "Field"), "board/id", "board/id");
    await user.type(combobox(0, "Value of board/id"), "Moni", "Monitoring");
    await user.click(page.getByRole("button", { name: "Add a condition" }), "Add a condition");
    await user.type(combobox(1, "Field"), "closedFlag", "closedFlag");
    await user.choose(rows.nth(1).getByLabel("Value of closedFlag"), "no");
    await until(async () => /^board\/id ?= ?2 and closedFlag ?= ?false$/.test(await page.locator(".made").textContent()), "both conditions");
    await user.click(page.getByRole("button", { name: "Add to batch" }), "Add to batch");
    await page.locator(".editor-area").waitFor();
    await user.click(page.getByRole("button", { name: "Save", exact: true }), "Save");
    await saved(t, "night.yaml", "query: getServiceTickets", "2 and closedFlag", "# Every night.");
    const answer = await page.evaluate(async (text) => (await fetch("/api/v1/batches/check", { method: "POST",
      headers: { "content-type": "application/json" }, body: JSON.stringify({ path: "night.yaml", text, sandbox: true }) })).json(), t.read("night.yaml"));
    ok(answer.faults.length === 0, `the saved batch has faults: ${JSON.stringify(answer.faults)}`);
    user.check();
  } },
  { name: "a template with a chosen board, into a new batch in an empty folder: at most eight interactions", run: async (t) => {
    const studio = await t.studio({ keepsToken: true });
    const page = await t.page(studio), user = counted(page);
    await user.type(page.locator("#search"), "tickets of a board");
    const value = page.locator(".test").first().getByRole("combobox", { name: /^Value of board/ });
    await user.type(value, "Moni", "Monitoring");
    await user.click(page.getByRole("button", { name: "Add to batch" }), "Add to batch");
    await user.click(page.getByRole("button", { name: "Make a file for the step …" }), "Make a file for the step");
    await user.click(page.getByRole("button", { name: "Make the file" }), "Make the file");
    await until(async () => (await page.locator(".editor-area").inputValue()).includes("board/"), "the step in the editor");
    await user.click(page.getByRole("button", { name: "Save", exact: true }), "Save");
    await saved(t, "batch.yaml", "board/", "getServiceTickets");
    user.check();
  } },
  { name: "the step of a newcomer without a connection has no faults",
    run: async (t) => {
      const studio = await t.studio();
      const text = "version: 1\nname: n\nsteps:\n  - { id: m, query: getServiceTickets }\n";
      equal((await studio.api("batches/check", { path: "n.yaml", text, sandbox: true })).faults, []);
    } },
];
