// Runs the tests of the page: node tests/studio/run.mjs OPNODE [--screenshots FOLDER] [--only NAME]
// NODE_PATH has playwright-core and axe-core. Prints a line for each test; the exit code is 1 if one has failed.
import { mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, Stage } from "./lib.mjs";

/** How long one test may take. */
const LIMIT = 90_000;
/** Tests at the same time. */
const AT_ONCE = 2;

const given = process.argv.slice(2);
const option = (name) => { const at = given.indexOf(name); return at < 0 ? null : given.splice(at, 2)[1]; };
const only = option("--only"), shots = option("--screenshots");
if (given.length !== 1) { console.error("usage: run.mjs OPNODE [--screenshots FOLDER] [--only NAME]"); process.exit(2); }
const opnode = resolve(given[0]);

const tests = [];
for (const file of readdirSync(fileURLToPath(new URL(".", import.meta.url))).filter((name) => name.endsWith(".mjs") && !["run.mjs", "lib.mjs"].includes(name)).sort()) {
  const own = (await import(`./${file}`)).tests ?? [];
  tests.push(...own.map((test) => ({ ...test, name: `${file.replace(".mjs", "")}: ${test.name}` })));
}
const chosen = tests.filter((test) => !only || test.name.includes(only));
// Tests that measure time run alone, at the end.
const together = chosen.filter((test) => !test.isAlone), alone = chosen.filter((test) => test.isAlone);

const begun = Date.now();
const folder = shots ?? mkdtempSync(join(tmpdir(), "opnode-studio-shots-"));
mkdirSync(folder, { recursive: true });
const browser = await launch();
const bad = [];
let todo = 0;

async function one(test) {
  if (test.todo) { todo += 1; console.log(`todo  ${test.name}: ${test.todo}`); return; }
  const start = Date.now(), stage = new Stage(opnode, browser, { folder, allowed: test.allowed });
  let cause = null, timer;
  try {
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`it takes longer than ${LIMIT / 1000} s`)), LIMIT); });
    await Promise.race([test.run(stage), late]);
  } catch (error) {
    cause = error;
  }
  clearTimeout(timer);
  const pictures = [];
  if (cause || stage.faults.length > 0) {
    for (const [at, page] of stage.pages.entries()) {
      const path = join(folder, `failed-${test.name.replace(/[^a-z0-9]+/gi, "-")}-${at}.png`);
      if (await page.screenshot({ path, timeout: 5000 }).then(() => true, () => false)) pictures.push(path);
    }
  }
  await stage.end();
  const time = `${((Date.now() - start) / 1000).toFixed(1)} s`;
  if (!cause && stage.faults.length === 0) return void console.log(`ok    ${test.name} (${time})`);
  bad.push(test.name);
  const told = [cause?.stack ?? cause?.message, ...stage.faults.slice(0, 5)].filter(Boolean).map((text) => String(text).slice(0, 3000));
  console.log(`FAIL  ${test.name} (${time})\n      ${told.join("\n").replaceAll("\n", "\n      ")}\n      ${pictures.join("\n      ")}`);
}
const queue = [...together];
await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (queue.length > 0) await one(queue.shift()); }));
for (const test of alone) await one(test);
await browser.close();
console.log(`${chosen.length - bad.length - todo} of ${chosen.length} passed, ${todo} todo, in ${((Date.now() - begun) / 1000).toFixed(0)} s`);
process.exitCode = bad.length > 0 || chosen.length === 0 ? 1 : 0;
