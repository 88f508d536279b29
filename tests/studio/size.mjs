// Sizes: the first load, 13,000 operations, results of many rows, 5,000 items, a batch of 1,000 steps. Each test prints what it
// measures. A limit is a ratio to something that the same browser does in the same run, or several times what is aimed at. They need
// an optimised build: another one reads and searches 13,000 operations twenty times slower.
import { ended, equal, go, has, ok, openOperation, until, watchTasks } from "./lib.mjs";
import { tester } from "./tester.mjs";

/** Rows of the long run, and of a page of it. */
const ROWS = 1_000_000, PAGE = 1000;
/** Long enough for a search of many operations on a busy machine. */
const LATE = 60_000;

const say = (text) => console.log(`      ${text}`);
const ms = (time) => `${Math.round(time)} ms`;
const MB = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const en = (number) => number.toLocaleString("en");
const middle = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
/** The least of some tries; another try is made only while it is more than `enough`. */
async function best(most, enough, once) {
  let least = Infinity;
  for (let at = 0; at < most && least > enough; at += 1) least = Math.min(least, await once(at));
  return least;
}
/** What a machine needs for a fixed piece of work in the page: 5,000 nodes are made and laid out. */
const yardstick = (page) => page.evaluate(() => {
  const once = () => {
    const start = performance.now(), box = document.createElement("div");
    for (let at = 0; at < 5000; at += 1) {
      const own = document.createElement("span");
      own.textContent = `${at} `;
      box.append(own);
    }
    document.body.append(box);
    box.getBoundingClientRect();
    box.remove();
    return performance.now() - start;
  };
  return Math.min(...Array.from({ length: 5 }, once));
});
/** A task of the page may take 200 ms, four times the aim, or on a slow machine some yardsticks. */
async function smooth(page, what, longest, { most = 200, sticks = 6 } = {}) {
  const stick = await yardstick(page), limit = Math.max(most, sticks * stick);
  say(`${what}: the longest task ${longest < 50 ? "below 50 ms" : ms(longest)} (limit ${ms(limit)}, yardstick ${ms(stick)})`);
  ok(longest <= limit, `${what}: a task of ${ms(longest)}, more than ${ms(limit)}`);
}
/** Does something with a key or the mouse, so many times; gives for each the time to the next picture. */
async function answers(page, times, act) {
  await page.evaluate(() => {
    window.answers = [];
    if (window.isAnswering) return;
    window.isAnswering = true;
    const note = (event) => {
      const picture = new MessageChannel();
      picture.port1.onmessage = () => window.answers.push(performance.now() - event.timeStamp);
      requestAnimationFrame(() => picture.port2.postMessage(0));
    };
    for (const kind of ["keydown", "mousedown"]) addEventListener(kind, note, true);
  });
  for (let at = 0; at < times; at += 1) await act(at);
  return until(async () => {
    const own = await page.evaluate(() => window.answers);
    return own.length >= times && own;
  }, "a picture after each");
}
/** Presses keys one by one. */
const press = (page, keys, pause = 30) => answers(page, keys.length, async (at) => {
  await page.keyboard.press(keys[at]);
  await page.waitForTimeout(pause);
});
/** The memory of the page, after a collection. */
async function memory(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  await cdp.detach();
  return usedSize;
}
const nodes = (page) => page.evaluate(() => document.querySelectorAll("*").length);

// Operations.
const ALL = 13_000, FEW = 195, EACH = 100, AREAS = ALL / EACH;
const connector = (name, title) => `version: 1
connector: ${name}
title: ${title}
connection: { site: { type: string, format: origin } }
base_url: "{site}"
auth: none
`;
const operation = (area, number, verb, method, request) => `  ${verb.toLowerCase()}Things${number}:
    title: ${verb} things of area ${area}
    description: Works on the things of area ${area}, with all of their fields; needs the permission things.${area}
    method: ${method}
    request: ${request} /areas/${area}/things${number}
    options:
      filter: { type: string, description: A condition such as field1 eq 1 }
      fields: { type: array, items: { type: string }, description: The fields to return }
    response: { result: list, items: /data, record: Thing${area} }
`;
/** A file of an area: of each hundred operations one archives, and one deletes. */
function areaFile(area, each) {
  const field = (at) => `        field${at}: { type: string, description: The field ${at} of area ${area} }\n`;
  const fields = Array.from({ length: 30 }, (_, at) => field(at)).join("");
  const own = Array.from({ length: each }, (_, at) => operation(area, area * EACH + at,
    ...(at === 99 ? ["Archive", "mutate", "POST"] : at === 98 ? ["Remove", "delete", "DELETE"] : ["List", "query", "GET"])));
  const record = `  Thing${area}:\n    schema:\n      type: object\n      properties:\n${fields}    sample: { id: 1, field0: text }\n`;
  return `version: 1\nrecords:\n${record}operations:\n${own.join("")}`;
}
function catalogue() {
  const files = {};
  for (const [name, title, all] of [["acme-large", "Acme large", ALL], ["acme-small", "Acme small", FEW]]) {
    const folder = `definitions/operations/${name}`;
    files[`${folder}/connector.yaml`] = connector(name, title);
    for (let at = 0; at * EACH < all; at += 1) files[`${folder}/area${at}.yaml`] = areaFile(at, Math.min(EACH, all - at * EACH));
  }
  return files;
}
const box = (page) => page.locator("#search");
const hits = (page) => page.locator(".hit");
const told = (page) => page.locator(".hits-told").textContent();
const number = async (page) => Number((await told(page)).replaceAll(",", "").match(/^\d+/)?.[0] ?? 0);
/** A page with the catalogue; its first list is there. */
async function large(t) {
  const studio = await t.studio({ files: catalogue() });
  // The definitions are read at the first search.
  await studio.api("search", { text: "things", limit: 1 });
  const page = await t.page(studio);
  await hits(page).first().waitFor({ timeout: LATE });
  return { studio, page };
}
/** Chooses a facet, and waits until the number of hits is this. */
async function facet(page, label, value, wanted) {
  await page.getByLabel(label, { exact: true }).selectOption(value);
  await until(async () => (await number(page)) === wanted, `${en(wanted)} hits with ${label} ${value || "any"}`, LATE);
}

// Rows.
const row = (id) => `{"id":${id},"name":"Row ${id}","note":"a note of ${id}","size":${id % 9},"kind":${(id % 3) + 7}}`;
const rowsOf = (first, count) => Array.from({ length: count }, (_, at) => row(first + at)).join(",");
/** Answers of pages of a long list; `slow(number)` may wait. */
const pages = (all, slow = () => {}) => ({ "GET /many": (url, body, response) => {
  const at = Number(url.searchParams.get("page"));
  const text = `{"pages":${all},"rows":[${rowsOf((at - 1) * PAGE + 1, PAGE)}]}`;
  const give = () => { response.writeHead(200, { "content-type": "application/json" }); response.end(text); };
  const wait = slow(at);
  if (wait) setTimeout(give, wait);
  else give();
  return undefined;
} });
async function openMany(t, answers, options = {}) {
  const own = await tester(t, answers), studio = await t.studio({ files: own.files }), page = await t.page(studio, options);
  await openOperation(page, "tester/listMany");
  await page.locator("#target").selectOption("desk");
  await page.locator(".plan:not(.old) pre.request").first().waitFor();
  return { own, studio, page };
}
const run = (page) => page.locator(".actions .main:enabled").click();
const view = (page) => page.locator(".rows");
const drawn = (page) => page.locator(".rows tbody tr");
/** The numbers of the rows that are drawn. */
const shown = (page) => drawn(page).locator("button.number")
  .evaluateAll((all) => all.map((own) => Number(own.textContent.replaceAll(",", ""))));
const scrollTo = (page, part) => view(page).evaluate((node, own) => {
  node.scrollTop = own * (node.scrollHeight - node.clientHeight);
}, part);
/** The last row can be reached: it stands wholly in the view, with its values. */
async function atEnd(page, last) {
  await until(async () => { await scrollTo(page, 1); return (await shown(page)).at(-1) === last; }, `row ${en(last)} as the last`);
  const { text, below } = await page.evaluate(() => {
    const own = document.querySelector(".rows tbody tr:last-child"), outer = own.closest(".rows");
    return { text: own.textContent, below: own.getBoundingClientRect().bottom - outer.getBoundingClientRect().top - outer.clientHeight };
  });
  has(text, `Row ${last}`, "the last row");
  ok(below <= 1, `${below} pixels of the last row are cut off`);
}

// A batch.
const steps = (count) => `version: 1\nname: long\nconnection: desk\nsteps:\n${Array.from({ length: count }, (_, at) => (at % 10 === 9
  ? `  - id: s${at}\n    mutate: createThing\n    items: \${{ steps.s${at - 1}.items }}\n    map: { name: "\${{ item.name }}" }\n`
  : `  - id: s${at}\n    query: listKinds\n`)).join("")}`;

export const tests = [
  { name: "the first load: less than 60,000 bytes, from here only, painted nearly as soon as an empty page", isAlone: true,
    run: async (t) => {
    const studio = await t.studio();
    const empty = await t.server((request, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.end("<!doctype html><title>empty</title><link rel=icon href='data:,'><p>nothing</p>");
    });
    /** Opens an address for the first time: what has come over the wire, and when it was painted. */
    const load = async (own, ready) => {
      const page = await t.page(own, { isOpened: false }), got = new Map();
      const cdp = await page.context().newCDPSession(page);
      await cdp.send("Network.enable");
      cdp.on("Network.responseReceived", ({ requestId, response }) => got.set(requestId, { url: response.url, bytes: 0 }));
      cdp.on("Network.loadingFinished", (end) => { if (got.has(end.requestId)) got.get(end.requestId).bytes = end.encodedDataLength; });
      await page.goto(own.address);
      const paint = () => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
      const painted = await until(paint, "the first paint");
      await page.locator(ready).first().waitFor();
      await page.context().close();
      return { painted, got: [...got.values()] };
    };
    // All that the first view needs is there when its cards are.
    const { got } = await load(studio, ".suggestion"), files = got.filter((one) => !one.url.includes("/api/"));
    for (const part of ["/studio.js", "/operations.js", "/pick.js", "/studio.css"]) {
      ok(files.some((one) => one.url.endsWith(part) && one.bytes > 0), `${part} is not among what has come`);
    }
    equal(got.filter((one) => !one.url.startsWith(studio.address)), [], "from elsewhere");
    const bytes = files.reduce((sum, one) => sum + one.bytes, 0);
    say(`first load: ${en(bytes)} bytes in ${files.length} files`);
    ok(bytes < 60_000, `${en(bytes)} bytes: ${JSON.stringify(files)}`);
    // In turns, so that what else runs on the machine slows down both.
    let own = Infinity, other = Infinity;
    const isSoon = () => own <= other + Math.max(300, 3 * other);
    for (let at = 0; at < 5 && !(at > 1 && isSoon()); at += 1) {
      other = Math.min(other, (await load({ address: empty }, "p")).painted);
      own = Math.min(own, (await load(studio, ".views")).painted);
    }
    say(`first paint: ${ms(own)}; of an empty page: ${ms(other)}`);
    ok(isSoon(), `the first paint is at ${ms(own)}, of an empty page at ${ms(other)}`);
  } },
  { name: "13,000 operations: the facets count; misspelt words, typed in one go, find the right one", isAlone: true, run: async (t) => {
    const { studio, page } = await large(t), text = "arhcive tihngs of aera 77";
    const all = await number(page);
    ok(all > ALL + FEW, `${all} hits`);
    await facet(page, "Connector", "acme-large", ALL);
    await facet(page, "Method", "mutate", AREAS);
    await facet(page, "Method", "delete", AREAS);
    await facet(page, "Method", "query", ALL - 2 * AREAS);
    await facet(page, "Connector", "acme-small", FEW - 2);
    await facet(page, "Method", "", FEW);
    await facet(page, "Connector", "", all);
    const start = performance.now();
    await studio.api("search", { text, limit: 200 });
    const one = performance.now() - start;
    await box(page).focus();
    // As fast as a person who types well: searches that nobody waits for any more must not hold up the last one.
    await page.keyboard.type(text, { delay: 90 });
    const typed = performance.now(), first = hits(page).first();
    await until(async () => (await first.textContent()).includes("Archive things of area 77"), "the operation", LATE);
    const found = performance.now() - typed;
    say(`“${text}”: found ${ms(found)} after the last key; one search takes ${ms(one)}`);
    const why = await first.locator(".hit-why").textContent();
    for (const [a, b] of [["arhcive", "archive"], ["tihngs", "things"], ["aera", "area"]]) has(why, `“${a}” read as “${b}”`);
    ok((await hits(page).count()) < 40, `${await hits(page).count()} hits are drawn`);
    ok((await nodes(page)) < 800, `the page has ${await nodes(page)} nodes`);
    ok(found <= 3 * one + 500, `found ${ms(found)} after the last key, though one search takes ${ms(one)}`);
  } },
  { name: "13,000 operations: the keys work, and the page answers while typing as with 195", isAlone: true, run: async (t) => {
    const { page } = await large(t);
    const at = () => page.locator(".hit[aria-selected=true]").getAttribute("id");
    const measure = async () => {
      await box(page).focus();
      const rest = [["ArrowDown", 8], ["ArrowUp", 8], ["Backspace", 6]].flatMap(([key, times]) => Array(times).fill(key));
      return middle(await press(page, [..."things", ...rest]));
    };
    await facet(page, "Connector", "acme-small", FEW);
    const few = await measure();
    await facet(page, "Connector", "acme-large", ALL);
    const longest = await watchTasks(page);
    let many = Infinity;
    for (let turn = 0; turn < 3 && !(many <= few + 50); turn += 1) many = Math.min(many, await measure());
    say(`a key in the search: ${ms(many)} with 13,000 operations, ${ms(few)} with 195`);
    ok(many <= few + 50, `a key takes ${ms(many)} with 13,000 operations, ${ms(few)} with 195`);
    await smooth(page, "typing in the search of 13,000", await longest());
    await facet(page, "Method", "mutate", AREAS);
    await box(page).focus();
    for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "PageDown", "PageDown"]) await page.keyboard.press(key);
    equal(await at(), "hit-17", "the chosen hit");
    ok(await page.locator("#hit-17").evaluate((node) => {
      const inner = node.getBoundingClientRect(), outer = node.closest(".hits").getBoundingClientRect();
      return inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
    }), "the chosen hit is not in view");
    const title = await page.locator("#hit-17 .hit-title strong").textContent();
    await page.keyboard.press("Enter");
    await page.locator(".work-head h2", { hasText: title }).waitFor();
  } },
  { name: "13,000 operations: the list goes to its end, all and those of a word", isAlone: true, run: async (t) => {
    const { page } = await large(t);
    const list = page.locator(".hits");
    for (const word of ["", "things"]) {
      await box(page).fill(word);
      if (word) await page.locator(".hit mark").first().waitFor({ timeout: LATE });
      await facet(page, "Connector", "acme-large", ALL);
      const longest = await watchTasks(page);
      await until(async () => {
        await list.evaluate((node) => { node.scrollTop = node.scrollHeight; });
        return (await page.locator(`#hit-${ALL - 1}`).count()) === 1;
      }, "the last hit", LATE);
      ok((await hits(page).count()) < 40, `${await hits(page).count()} hits are drawn`);
      ok((await page.locator(`#hit-${ALL - 1}`).getAttribute("aria-setsize")) === String(ALL), "the number of the hits");
      const what = `scrolling through 13,000 hits ${word ? `of “${word}”` : "without a word"}`;
      await smooth(page, what, await longest(), { most: 600, sticks: 15 });
    }
  } },
  { name: "13,000 operations: a word is searched for nearly as soon as among 195", isAlone: true,
    todo: "the service reads and explains all hits of a search, not only those that it gives (src/cli/service/search.rs)",
    run: async (t) => {
    const { studio } = await large(t);
    const time = async (connectors, text) => {
      const start = performance.now(), { total } = await studio.api("search", { text, connectors, limit: 200 });
      ok(total > 100, `${total} hits`);
      return performance.now() - start;
    };
    const wrong = [];
    for (const text of ["things", "tihngs of aera 1"]) {
      const few = await best(3, 0, () => time(["acme-small"], text)), many = await best(3, 0, () => time(["acme-large"], text));
      const words = `“${text}” takes ${ms(many)} among 13,000, ${ms(few)} among 195`;
      say(words);
      if (many > 8 * few + 200) wrong.push(words);
    }
    equal(wrong, []);
  } },
  { name: "10,000 rows: down to the last and to the right, few are drawn, and columns are chosen", isAlone: true, run: async (t) => {
    const wide = Array.from({ length: 40 }, (_, at) => `"field${at}":"value ${at} of a row"`).join(",");
    const { page } = await openMany(t, { "GET /many": (url) => {
      const at = Number(url.searchParams.get("page"));
      const rows = Array.from({ length: PAGE }, (_, own) => row((at - 1) * PAGE + own + 1).replace(/}$/, `,${wide}}`));
      return `{"pages":10,"rows":[${rows.join(",")}]}`;
    } });
    await run(page);
    equal(await ended(page), "Complete");
    has(await page.locator(".result-head").textContent(), "10,000 rows");
    await drawn(page).first().waitFor();
    equal(await page.locator(".rows table").getAttribute("aria-rowcount"), "10001");
    const longest = await watchTasks(page);
    for (let at = 0; at <= 60; at += 1) {
      await scrollTo(page, at / 60);
      await page.waitForTimeout(16);
    }
    await atEnd(page, 10_000);
    await smooth(page, "scrolling through 10,000 rows", await longest());
    ok((await drawn(page).count()) < 60, `${await drawn(page).count()} rows are drawn`);
    ok((await nodes(page)) < 3000, `the page has ${await nodes(page)} nodes`);
    await view(page).focus();
    for (const [key, wanted] of [["Home", 1], ["End", 10_000]]) {
      await page.keyboard.press(key);
      await until(async () => (await shown(page)).includes(wanted), `row ${en(wanted)} after ${key}`);
    }
    await scrollTo(page, 0.5);
    await until(async () => Math.abs((await shown(page))[0] - 5000) < 100, "the middle");
    const top = (await shown(page))[0];
    has(await drawn(page).first().textContent(), `Row ${top}`);
    // All columns, and the last of them at the right.
    await page.getByRole("button", { name: /^Columns \(45\)/ }).click();
    await page.getByRole("button", { name: "All", exact: true }).click();
    await page.keyboard.press("Escape");
    const heads = page.locator(".rows thead th");
    await until(async () => (await heads.count()) === 46, "46 heads");
    await view(page).evaluate((node) => { node.scrollLeft = node.scrollWidth; });
    const isRight = () => heads.last().evaluate((node) => {
      const inner = node.getBoundingClientRect(), outer = node.closest(".rows").getBoundingClientRect();
      return inner.right <= outer.right + 1 && inner.left >= outer.left;
    });
    await until(isRight, "the last column");
    // The place stays, and the head is above the rows.
    equal((await shown(page))[0], top, "the first row after the choice of columns");
    ok(await page.evaluate(() => {
      const [head, first] = [".rows thead th", ".rows tbody tr"].map((own) => document.querySelector(own).getBoundingClientRect());
      return head.bottom <= first.top + 1;
    }), "the head hides the first row");
  } },
  { name: `${en(ROWS)} rows: the page answers while they come, needs no more memory, and shows the last`, isAlone: true, run: async (t) => {
    const all = ROWS / PAGE, { page } = await openMany(t, pages(all, () => 1));
    const before = await memory(page), longest = await watchTasks(page), start = performance.now();
    await run(page);
    await drawn(page).first().waitFor();
    // While rows come, the picker of columns opens and closes.
    const picker = page.getByLabel("Find a column"), spot = await page.getByRole("button", { name: /^Columns/ }).boundingBox();
    const clicks = await answers(page, 6, async (at) => {
      await page.mouse.click(spot.x + 10, spot.y + 10);
      await picker.waitFor({ state: at % 2 === 0 ? "visible" : "hidden" });
    });
    ok(await page.locator(".result-head .badge.on").count(), "the run was over before something could be clicked");
    const badge = page.locator(".result-head .badge:not(.on):not(.stale)").first();
    await badge.waitFor({ timeout: 80_000 });
    const taken = performance.now() - start;
    equal(await badge.textContent(), "Complete");
    has(await page.locator(".result-head").textContent(), `${en(ROWS)} rows in ${en(all)} pages`);
    say(`${en(ROWS)} rows in ${(taken / 1000).toFixed(1)} s; a click meanwhile: ${ms(middle(clicks))}`);
    ok(middle(clicks) <= 200, `a click is answered after ${ms(middle(clicks))}`);
    await smooth(page, `${en(ROWS)} rows come`, await longest());
    await atEnd(page, ROWS);
    for (const part of [0.25, 0.5, 0.75, 0]) {
      await scrollTo(page, part);
      await until(async () => Math.abs((await shown(page))[0] - part * ROWS) < ROWS / 100, `the place ${part}`);
    }
    ok((await drawn(page).count()) < 60, `${await drawn(page).count()} rows are drawn`);
    const grownBy = (await memory(page)) - before;
    say(`memory of the page: ${MB(before)}, ${MB(grownBy)} more after the run`);
    ok(grownBy < 8e6, `the page has ${MB(grownBy)} more than before`);
  } },
  { name: "a long run: the table grows as rows come; cancelled, it keeps them and says that there may be more", isAlone: true,
    run: async (t) => {
    const { page } = await openMany(t, pages(ROWS / PAGE, (at) => (at > 20 ? 40 : 0)));
    await run(page);
    const come = async () => Number((await page.locator(".result-head").textContent()).replaceAll(",", "").match(/(\d+) rows/)?.[1] ?? 0);
    await until(async () => (await come()) >= 40 * PAGE, "40 pages");
    const inTable = Number(await page.locator(".rows table").getAttribute("aria-rowcount")) - 1;
    ok(inTable >= 25 * PAGE, `the table has ${en(inTable)} rows while ${en(await come())} have come`);
    await page.locator(".result").getByRole("button", { name: "Cancel" }).click();
    equal(await ended(page), "Cancelled");
    const rows = await come();
    ok(rows >= 40 * PAGE && rows < ROWS, `${rows} rows`);
    has(await page.locator(".receipt").textContent(), "It was cancelled; there may be more", "the receipt");
    await atEnd(page, rows);
  } },
  { name: "rows of which a part is larger than the service gives at once are all shown", run: async (t) => {
    const long = "x".repeat(200_000);
    const rows = Array.from({ length: 100 }, (_, at) => `{"id":${at + 1},"name":"Row ${at + 1}","note":"${long}"}`);
    const { page } = await openMany(t, { "GET /many": () => `{"pages":1,"rows":[${rows.join(",")}]}` });
    await run(page);
    equal(await ended(page), "Complete");
    await drawn(page).first().waitFor();
    await atEnd(page, 100);
  } },
  { name: "5,000 pasted items: counted, planned and sent without a pause; faults are at their items", isAlone: true, run: async (t) => {
    const own = await tester(t), page = await t.page(await t.studio({ files: own.files }));
    await openOperation(page, "tester/createThing");
    await page.locator("#target").selectOption("desk");
    const cell = (column, at) => page.locator(".grid").getByLabel(`${column}, item ${at}`, { exact: true });
    await cell("name", 1).waitFor();
    const lines = Array.from({ length: 5000 }, (_, at) => `Thing ${at + 1}\t${at % 9}\tnote ${at + 1}`);
    const longest = await watchTasks(page);
    await cell("name", 1).evaluate((node, value) => {
      const data = new DataTransfer();
      data.setData("text/plain", value);
      node.focus();
      node.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }, ["name\tsize\tnote", ...lines].join("\n"));
    await page.getByText("5,000 items", { exact: true }).waitFor();
    const plan = page.locator(".plan:not(.old)");
    const planned = () => plan.locator(".plan-told", { hasText: "5,000 requests" }).waitFor({ timeout: LATE });
    await planned();
    has(await page.locator(".plan-told").textContent(), "with 5,000 items");
    ok((await page.locator(".grid tbody tr").count()) <= 50, "more than 50 items are drawn");
    await smooth(page, "5,000 items are pasted and planned", await longest());
    // One of the first is typed, and the last of all is wrong.
    await cell("name", 2).focus();
    const again = await watchTasks(page), times = await press(page, [..."abcdef"]);
    say(`a key in a cell of 5,000 items: ${ms(middle(times))}`);
    await plan.locator("pre.request", { hasText: "abcdef" }).waitFor({ timeout: LATE });
    await smooth(page, "typing among 5,000 items", await again());
    await page.getByRole("button", { name: "Next", exact: true }).evaluate((node) => { for (let at = 0; at < 99; at += 1) node.click(); });
    const checking = await watchTasks(page);
    equal(await cell("name", 5000).inputValue(), "Thing 5000");
    await cell("size", 5000).fill("12");
    await until(async () => (await cell("size", 5000).getAttribute("aria-invalid")) === "true", "the fault of the last item", LATE);
    await page.locator(".faults").getByText(/item 5000/).waitFor();
    await smooth(page, "a fault among 5,000 items", await checking());
    await cell("size", 5000).fill("1");
    await planned();
    const sending = await watchTasks(page);
    await page.getByRole("button", { name: "Send to desk …" }).click();
    await page.getByRole("dialog", { name: "This sends to desk" }).getByRole("button", { name: "Send to desk" }).click();
    const badge = page.locator(".result-head .badge:not(.on):not(.stale)").first();
    await badge.waitFor({ timeout: LATE });
    equal(await badge.textContent(), "Done");
    equal(own.seen.filter((one) => one.verb === "POST").length, 5000, "requests");
    has(await page.locator(".result-head").textContent(), "5,000 of 5,000 items");
    await page.locator(".outcomes").evaluate((node) => { node.scrollTop = node.scrollHeight; });
    await page.locator(".outcome", { hasText: "item 5000" }).waitFor();
    ok((await page.locator(".outcome").count()) < 60, "too many outcomes are drawn");
    await smooth(page, "5,000 outcomes come", await sending());
  } },
  { name: "a batch of 1,000 steps: opened, typed in, and checked", isAlone: true, run: async (t) => {
    const own = await tester(t), text = steps(1000);
    const studio = await t.studio({ files: { ...own.files, "long.yaml": text, "short.yaml": steps(20) } });
    const page = await t.page(studio, { hash: "#/batch/short.yaml" });
    const area = page.locator(".editor-area");
    const status = (part) => page.locator(".editor-status", { hasText: part }).first().waitFor({ timeout: LATE });
    const boxes = (count) => until(async () => (await page.locator(".graph-box").count()) === count, `${count} boxes`, LATE);
    const caret = (after) => area.evaluate((node, part) => {
      const at = node.value.indexOf(part) + part.length;
      node.focus();
      node.setSelectionRange(at, at);
    }, after);
    const type = async () => {
      await caret("\nconnection: desk");
      const times = await press(page, [..." # note", ...Array(7).fill("Backspace")], 20);
      return middle(times);
    };
    await boxes(20);
    await status("No faults");
    const few = await type();
    const opening = await watchTasks(page);
    await go(page, "#/batch/long.yaml");
    await boxes(1000);
    await status("No faults");
    await smooth(page, "a batch of 1,000 steps opens", await opening(), { most: 400, sticks: 12 });
    ok((await page.locator(".editor-line").count()) < 120, "too many lines are drawn");
    const typing = await watchTasks(page);
    let many = Infinity;
    for (let turn = 0; turn < 3 && !(many <= few + 50); turn += 1) many = Math.min(many, await type());
    say(`a key in the editor: ${ms(many)} with 1,000 steps, ${ms(few)} with 20`);
    ok(many <= few + 50, `a key takes ${ms(many)} with 1,000 steps, ${ms(few)} with 20`);
    await status("No faults");
    await smooth(page, "typing in a batch of 1,000 steps", await typing());
    // A wrong step in the middle and one at the end.
    await area.evaluate((node) => node.focus());
    await caret("id: s500\n    query: listKind");
    await page.keyboard.press("Backspace");
    await status("1 fault");
    const line = text.slice(0, text.indexOf("id: s500\n")).split("\n").length + 1;
    has(await page.locator(".editor-faults li").first().textContent(), `Line ${line}`);
    await page.locator(`.editor-numbers .bad[data-line='${line}']`).waitFor();
    await page.keyboard.press("Control+z");
    await status("No faults");
    equal(await area.inputValue(), text);
  } },
];
