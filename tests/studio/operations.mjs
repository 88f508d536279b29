// The operations view: search, form, request, run, outcomes, copies.
import { ended, equal, fail, go, has, ok, openOperation, runHere, until } from "./lib.mjs";
import { KINDS, send, tester } from "./tester.mjs";

const search = (page) => page.locator("#search");
const hits = (page) => page.locator(".hit");
const request = (page) => page.locator(".plan:not(.old) pre.request").first();
/** The field of an option: its node, its control. */
const field = (page, name) => {
  const node = page.locator(".fields > .field").filter({ has: page.locator("label", { hasText: new RegExp(`^${name}( \\*)?$`) }) });
  return { node, input: node.locator(".value input, .value textarea").first(), fault: node.locator(".fault"), state: node.locator("select.state") };
};
/** Waits until the request of the form has this part. */
const sees = (page, part) => until(async () => {
  const text = await request(page).textContent({ timeout: 500 }).catch(() => "");
  return part instanceof RegExp ? part.test(text) : text.includes(part);
}, `the request has ${part}`);
/** Chooses a value in a combobox by its label. */
async function choose(input, text) {
  await input.fill(text);
  await input.page().locator(".combo-list:popover-open [role=option]").filter({ hasText: text }).first().waitFor();
  await input.press("Enter");
}
/** Pastes a text where the focus is. */
const paste = (input, text) => input.evaluate((node, own) => {
  const data = new DataTransfer();
  data.setData("text/plain", own);
  node.focus();
  node.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}, text);

export const tests = [
  { name: "a misspelt word is found, with the reason; facets narrow the hits", run: async (t) => {
    const page = await t.page(await t.studio());
    await search(page).fill("membrs who left");
    await hits(page).first().getByText("Members who have left").waitFor();
    has(await hits(page).first().locator(".hit-why").textContent(), "“membrs” read as “members”");
    const told = page.locator(".hits-told");
    const number = async () => Number((await told.textContent()).replaceAll(",", "").match(/^\d+/)?.[0]);
    await search(page).fill("ticket");
    await page.getByLabel("Method").selectOption("mutate");
    await until(async () => (await hits(page).locator(".badge.mutate").count()) === (await hits(page).count()) && (await hits(page).count()) > 0,
      "only writes");
    const writes = await number();
    await page.getByLabel("Connector", { exact: true }).selectOption("jumpcloud-msp");
    await until(async () => (await number()) < writes || !(await page.locator(".hits-none").isHidden()), "fewer hits");
    await page.getByLabel("Connector", { exact: true }).selectOption("");
    await page.getByLabel("Method").selectOption("");
    await search(page).fill("");
    await page.getByLabel("Tag").selectOption("offboarding");
    await page.getByText("Members who have left").first().waitFor();
  } },
  { name: "by keyboard alone from the search to the rows; what was used is found again", run: async (t) => {
    const page = await t.page(await t.studio());
    await until(() => page.evaluate(() => document.activeElement.id === "search"), "the focus is in the search");
    await page.keyboard.type("members who left");
    await page.keyboard.press("Enter");
    await page.locator(".work-head").waitFor();
    await sees(page, "inactiveFlag%3Dtrue");
    await page.keyboard.press("Control+Enter");
    equal(await ended(page), "Complete");
    await page.locator(".rows tbody tr").first().waitFor();
    ok(await page.evaluate(() => document.activeElement.matches(".result")), "the focus is not at the result");
    await page.keyboard.press("/");
    await page.keyboard.press("Escape");
    await page.getByText("Recently used").waitFor();
    has(await hits(page).first().textContent(), "Members who have left");
  } },
  { name: "required first, faults beside their fields, absent and empty differ", run: async (t) => {
    const own = await tester(t), page = await t.page(await t.studio({ files: own.files }));
    await openOperation(page, "tester/listThings");
    has(await page.locator(".fields .field label").first().textContent(), "area *", "the first field");
    await page.getByText("Still to be filled in").waitFor();
    const area = field(page, "area");
    await area.input.fill("x");
    await until(async () => (await area.fault.textContent()) !== "", "a fault beside the field");
    equal(await area.input.getAttribute("aria-invalid"), "true");
    ok(await page.locator(".actions .main").isDisabled(), "what does not fit can be run");
    await area.input.fill("north");
    await sees(page, /GET .*\/things\?area=north/);
    await choose(page.getByRole("combobox", { name: "Add an option" }), "note");
    const note = field(page, "note");
    ok(!(await request(page).textContent()).includes("note"), "an absent option is sent");
    await note.state.selectOption("empty");
    await sees(page, /note=(?!\w)/);
    await note.input.fill("a b&c");
    await sees(page, /note=a(\+|%20)b%26c/);
    await note.node.getByRole("button", { name: "Clear note" }).click();
    await until(async () => !(await request(page).textContent()).includes("note"), "the option is absent");
    equal(await note.state.inputValue(), "absent");
    await choose(page.getByRole("combobox", { name: "Add an option" }), "pages");
    await field(page, "pages").input.fill("51");
    await until(async () => (await field(page, "pages").fault.textContent()).includes("50"), "the fault of a large number");
  } },
  { name: "a dropdown shows names and sends the id; the request is masked", run: async (t) => {
    const own = await tester(t), page = await t.page(await t.studio({ files: own.files }));
    await openOperation(page, "tester/listThings");
    await page.locator("#target").selectOption("desk");
    await field(page, "area").input.fill("north");
    await choose(page.getByRole("combobox", { name: "Add an option" }), "kind");
    await choose(field(page, "kind").input, "Table");
    await sees(page, `kind=${KINDS[1].id}`);
    const text = await request(page).textContent();
    has(text, /authorization: \[secret\]/, "the request");
    ok(!text.includes("key-of-the-desk"), "the secret is shown");
    await page.locator(".actions .main:enabled").click();
    equal(await ended(page), "Complete");
    const sent = own.seen.find((one) => one.path.startsWith("/things"));
    has(sent.path, "kind=8");
    equal(sent.headers.authorization, "Bearer key-of-the-desk");
  } },
  { name: "conditions are built of rows, and their values are quoted", run: async (t) => {
    const own = await tester(t), page = await t.page(await t.studio({ files: own.files }));
    await openOperation(page, "tester/listThings");
    await field(page, "area").input.fill("north");
    const rows = page.locator(".test");
    if ((await rows.count()) === 0) await page.getByRole("button", { name: "Add a condition" }).click();
    await choose(rows.nth(0).getByRole("combobox", { name: "Field" }), "name");
    await rows.nth(0).getByLabel("Value of name").fill('a"b or name="c');
    await until(async () => (await page.locator(".made").textContent()).includes('\\"'), "the quotes are escaped");
    await page.getByRole("button", { name: "Add a condition" }).click();
    await choose(rows.nth(1).getByRole("combobox", { name: "Field" }), "size");
    await rows.nth(1).getByLabel("Operator").selectOption(">");
    await rows.nth(1).getByLabel("Value of size").fill("2");
    await until(async () => /size ?> ?2/.test(await page.locator(".made").textContent()), "both conditions");
    equal((await page.locator(".made").textContent()).replace(/ ?([=>]) ?/g, "$1"), String.raw`name="a\"b or name=\"c" and size>2`);
    await sees(page, "filter=name");
    await rows.nth(1).getByLabel("Value of size").fill("two");
    await until(async () => (await rows.nth(1).locator(".fault").textContent()) !== "", "a fault in the row");
  } },
  { name: "items: spreadsheet, CSV, a fault in its cell, absent, empty and null", run: async (t) => {
    const own = await tester(t), page = await t.page(await t.studio({ files: own.files }));
    await openOperation(page, "tester/createThing");
    const cell = (column, at) => page.locator(".grid").getByLabel(`${column}, item ${at}`, { exact: true });
    await paste(cell("name", 1), "Name\tSize\tNote\nOne\t1\tfirst\nTwo\t2\t\"two\nlines\"");
    await page.getByText("2 items", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Paste rows …" }).click();
    await page.getByLabel("Rows with a header").fill('name;size\r\n"Thr;ee";3\r\n');
    await page.getByRole("button", { name: "Add the rows" }).click();
    await page.getByText("3 items", { exact: true }).waitFor();
    equal(await cell("name", 3).inputValue(), "Thr;ee");
    await cell("size", 2).fill("12");
    await until(async () => (await cell("size", 2).getAttribute("aria-invalid")) === "true", "a fault in the cell");
    has(await page.locator(".grid-state").textContent(), "size, item 2");
    await page.locator(".faults").getByText(/item 2/).waitFor();
    await cell("size", 2).fill("9");
    const bodies = async (wanted) => {
      await until(async () => JSON.stringify(await page.locator(".plan:not(.old) pre.request").evaluateAll((all) => all.map((own) => {
        const text = own.textContent;
        return JSON.parse(text.slice(text.indexOf("\n\n")));
      })).catch(() => null)) === JSON.stringify(wanted), `the bodies ${JSON.stringify(wanted)}`);
    };
    await bodies([{ name: "One", size: 1, note: "first" }, { name: "Two", size: 9, note: "two\nlines" }, { name: "Thr;ee", size: 3 }]);
    const state = (name) => page.locator(".grid-state").getByRole("button", { name, exact: true }).click();
    await cell("note", 1).focus();
    await state("null");
    await cell("note", 2).focus();
    await state("empty text");
    await cell("note", 3).fill("x");
    await state("not sent");
    await bodies([{ name: "One", size: 1, note: null }, { name: "Two", size: 9, note: "" }, { name: "Thr;ee", size: 3 }]);
  } },
  { name: "numbers keep their digits", run: async (t) => {
    const own = await tester(t), page = await t.page(await t.studio({ files: own.files }));
    await openOperation(page, "tester/createThing");
    await page.getByRole("tab", { name: "JSON" }).click();
    const number = "123456789012345678901234567890";
    await page.getByLabel("Items as JSON").fill(`[{"name":"x","id":${number}}]`);
    await sees(page, number);
    await page.getByRole("tab", { name: "Grid" }).click();
    equal(await page.locator(".grid").getByLabel("id, item 1").inputValue(), number);
    await page.locator(".grid").getByLabel("name, item 1").fill("y");
    await sees(page, '"y"');
    await sees(page, number);
  } },
  { name: "a run: rows, receipt, badge, a row as JSON, columns, and a changed input", run: async (t) => {
    const page = await t.page(await t.studio());
    await openOperation(page, "connectwise-manage/getSystemMembers/active-members");
    await sees(page, "inactiveFlag%3Dfalse");
    equal(await runHere(page), "Complete");
    has(await page.locator(".receipt").textContent(), /\d requests?, no retries, .*It ended because .*\./, "the receipt");
    await page.locator(".rows tbody tr").nth(1).waitFor();
    await page.getByRole("button", { name: "Row 2 as JSON" }).click();
    const row = JSON.parse(await page.getByLabel("The row as JSON").locator("visible=true").last().textContent());
    ok(row.identifier, "the row has no identifier");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Columns/ }).click();
    await page.getByRole("button", { name: "None" }).click();
    await page.getByLabel("Find a column").fill("lastName");
    await page.getByRole("group", { name: "Columns" }).getByRole("checkbox").first().check();
    await page.keyboard.press("Escape");
    await until(async () => (await page.locator(".rows thead th").allTextContents()).join() === "#,lastName", "one column");
    ok(await page.locator(".stale").isHidden(), "the result is old at once");
    await field(page, "orderBy").input.fill("firstName asc");
    await page.locator(".stale").waitFor();
    ok(await page.locator(".result").evaluate((node) => node.classList.contains("old")), "the old result is not grey");
  } },
  { name: "a write to a connection asks first; outcomes, and only the failed again", run: async (t) => {
    const own = await tester(t), page = await t.page(await t.studio({ files: own.files }));
    const writes = () => own.seen.filter((one) => one.verb === "POST");
    await openOperation(page, "tester/createThing");
    await page.locator("#target").selectOption("desk");
    await paste(page.locator(".grid input").first(), "name\tsize\ngood\t1\nbad\t2\nfine\t3");
    await until(async () => (await page.locator(".plan-told").textContent()).includes("3 items"), "a plan of three items");
    await page.getByRole("button", { name: "Send to desk …" }).click();
    const dialog = page.getByRole("dialog", { name: "This sends to desk" });
    has(await dialog.textContent(), "3 requests with 3 items");
    await dialog.getByRole("button", { name: "Do not send" }).click();
    await dialog.waitFor({ state: "detached" });
    equal(writes().length, 0, "requests after a no");
    await page.getByRole("button", { name: "Send to desk …" }).click();
    await dialog.getByRole("button", { name: "Send to desk" }).click();
    equal(await ended(page), "Partly done");
    equal(writes().length, 3);
    await until(async () => /item 2.*failed.*the name is not allowed/.test(await page.locator(".outcome").first().textContent()), "the failed item");
    await page.getByRole("button", { name: "Retry the failed (1)" }).click();
    const name = page.locator(".grid").getByLabel("name, item 1", { exact: true });
    equal(await name.inputValue(), "bad");
    await page.getByText("1 item", { exact: true }).waitFor();
    await name.fill("better");
    await sees(page, '"better"');
    await page.getByRole("button", { name: "Send to desk …" }).click();
    await dialog.getByRole("button", { name: "Send to desk" }).click();
    await until(async () => (await ended(page)) === "Done", "the item is done");
    equal(writes().length, 4);
  } },
  { name: "a run can be cancelled", run: async (t) => {
    let open = 0;
    const own = await tester(t, { "GET /things": () => { open += 1; return undefined; } });
    const page = await t.page(await t.studio({ files: own.files }));
    await openOperation(page, "tester/listThings");
    await page.locator("#target").selectOption("desk");
    await field(page, "area").input.fill("north");
    await sees(page, "area=north");
    await page.locator(".actions .main:enabled").click();
    await until(() => open === 1, "the request");
    await page.locator(".result").getByRole("button", { name: "Cancel" }).click();
    equal(await ended(page), "Cancelled");
  } },
  { name: "eight forms of a copy; Add to batch", run: async (t) => {
    const page = await t.page(await t.studio({ files: { "night.yaml": "version: 1\nname: night\nsteps: [] # none yet\n" } }));
    await openOperation(page, "connectwise-manage/getSystemMembers/former-members");
    await sees(page, "inactiveFlag%3Dtrue");
    await page.getByRole("button", { name: "Copy …" }).click();
    const text = page.getByRole("dialog").getByLabel("Text", { exact: true });
    const forms = { "Batch step": /query: getSystemMembers|template: former-members/, Command: /opnode query/, curl: /^curl /m, Python: /^with connection/, "C#": /;/,
      C: /opnode_/, Template: /former|getSystemMembers/, JSON: /"operationId"/ };
    const seen = new Set();
    for (const [name, part] of Object.entries(forms)) {
      await page.getByRole("dialog").getByRole("tab", { name, exact: true }).click();
      const found = await until(async () => { const own = await text.inputValue(); return own && !seen.has(own) && own; }, `the form ${name}`);
      has(found, part, name);
      seen.add(found);
    }
    await page.getByRole("dialog").getByRole("button", { name: "Copy" }).click();
    has(await page.evaluate(() => navigator.clipboard.readText()), '"operationId"');
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Add to batch" }).click();
    await until(async () => /former-members|getSystemMembers/.test(await page.locator(".editor-area").inputValue()), "the step in the batch");
    has(await page.locator(".editor-area").inputValue(), "# none yet");
  } },
  { name: "the words of a failure: a refusal of the server, and its details", run: async (t) => {
    const own = await tester(t, { "GET /things": (url, body, response) => { send(response, 403, { code: "Denied", message: "this area is closed" }); } });
    const page = await t.page(await t.studio({ files: own.files }));
    await openOperation(page, "tester/listThings");
    await page.locator("#target").selectOption("desk");
    await field(page, "area").input.fill("north");
    await sees(page, "area=north");
    await page.locator(".actions .main:enabled").click();
    equal(await ended(page), "Failed");
    has(await page.locator(".result .failure").textContent(), "this area is closed");
  } },
  { name: "an operation that is not there", allowed: [/422/], run: async (t) => {
    const page = await t.page(await t.studio());
    await go(page, "#/operations/optima/nothing-of-this-name");
    await page.locator(".work .failure").waitFor();
    if (!(await page.getByText("Back to the search").isVisible())) fail("there is no way back");
  } },
];
