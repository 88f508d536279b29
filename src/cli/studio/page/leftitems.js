// Items that need a person: those that failed, and those whose outcome is unknown.
import { el, fill, visible, count } from "./dom.js";
import { get, post } from "./api.js";
import { edited, json, risked, settled } from "./itemdialogs.js";
import { failure, prose } from "./failure.js";
import { copier } from "./textview.js";
import { moment, status } from "./runwords.js";

const SHOWN = 50;
const groupOf = (item) => [item.state, item.batch, item.run, item.job, item.step].join("\n");
const key = (item) => [groupOf(item), item.number].join("\n");
const place = (item) => ({
  state: item.state,
  run: item.run,
  batch: item.batch,
  job: item.job,
  step: item.step,
  item: String(item.number),
});

/** What the action has said: lines of text, or notes as JSON. */
const notes = (output) =>
  output
    .split("\n")
    .map((line) => {
      try {
        const value = JSON.parse(line);
        return value.note ?? value.warning ?? line;
      } catch {
        return line;
      }
    })
    .join("\n");

export function show(panel, { openBatch, counted }) {
  const body = el("div", { class: "left-items" }, el("p", { class: "small" }, "Loading …"));
  const told = el("div", { "aria-live": "polite" });
  const filter = el(
    "select",
    { "aria-label": "Status", onchange: () => draw() },
    [
      ["", "Failed and unknown"],
      ["failed", "Failed"],
      ["unknown", "Unknown"],
    ].map(([value, text]) => el("option", { value }, text)),
  );
  const batch = el("select", { "aria-label": "Batch", onchange: () => draw() });
  const again = el("button", { type: "button", onclick: () => load() }, "Load again");
  const sum = el("span", { class: "small", role: "status" });
  let items = [],
    isOver = false,
    isBusy = false;
  const more = new Map();
  fill(panel, el("div", { class: "bar items-bar" }, filter, batch, again, sum), told, body);

  async function load() {
    try {
      const found = await get("items");
      if (isOver) return;
      items = found.items;
      const names = [...new Set(items.map((item) => item.batch))].sort(),
        before = batch.value;
      fill(
        batch,
        el("option", { value: "" }, "All batches"),
        names.map((name) => el("option", { value: name }, visible(name))),
      );
      batch.value = names.includes(before) ? before : "";
      draw();
    } catch (fault) {
      fill(body, failure(fault, "The items cannot be listed."));
    }
  }
  /** Runs an action on items, one after the other, and says what came of it. */
  async function act(work, chosen, rest = {}) {
    if (isBusy) return;
    const unknown = chosen.filter((item) => item.status === "unknown").length;
    const sends = work === "resend" || work === "edit";
    if (sends && unknown > 0 && !(await risked(unknown))) return;
    isBusy = true;
    body.classList.add("busy");
    const results = [];
    for (const [at, item] of chosen.entries()) {
      if (isOver) return;
      fill(
        told,
        el(
          "p",
          { class: "small" },
          `${{ resend: "Sending", edit: "Sending", verify: "Verifying", settle: "Settling" }[work]} ${at + 1} of ${chosen.length} …`,
        ),
      );
      try {
        results.push(await post(`items/${work}`, { ...place(item), ...rest, ...(sends ? { yes: unknown > 0 } : {}) }));
      } catch (fault) {
        results.push({ exit_code: null, output: "", errors: [fault.error ?? { message: fault.message }] });
        break;
      }
    }
    isBusy = false;
    body.classList.remove("busy");
    await load();
    counted();
    // A code of 7 or 8 may be of other items of the run: what is off the list is done.
    const listed = new Set(items.map(key));
    const left = chosen.filter((item) => listed.has(key(item)));
    const bad = results.filter((own) => own.exit_code !== 0 && !(left.length === 0 && [7, 8].includes(own.exit_code)));
    const errors = results.flatMap((own) => own.errors ?? []);
    const done = { resend: "sent", edit: "sent", verify: "verified", settle: "settled" }[work];
    const title =
      bad.length === 0
        ? `${count(chosen.length, "item")}: ${done}`
        : left.length < chosen.length
          ? `${count(chosen.length - left.length, "item")} ${done}, ${left.length} left`
          : ({ 7: "The outcome is unknown", 8: "It failed again" }[bad[0].exit_code] ?? "Not done");
    const output = results
      .map((own) => notes(own.output ?? ""))
      .filter(Boolean)
      .join("\n")
      .trim();
    fill(
      told,
      el(
        "div",
        { class: `block ${bad.length > 0 ? "failure" : "success"}`, tabindex: "-1" },
        el("strong", {}, title),
        bad.length > 0 &&
          errors
            .slice(0, 10)
            .map((error) => el("p", { dir: "auto" }, prose(error.message), error.advice && [" – ", prose(String(error.advice))])),
        output && el("details", {}, el("summary", {}, "Output"), el("pre", { tabindex: 0 }, visible(output))),
      ),
    );
    told.firstChild.focus();
  }
  async function settle(chosen) {
    const rest = await settled(chosen.length);
    if (rest) act("settle", chosen, rest);
  }
  const itemNode = (item) => {
    const [word, kind] = status(item.status);
    const own = el(
      "details",
      { class: "item" },
      el(
        "summary",
        {},
        el("span", { class: "item-number" }, `Item ${item.number}`),
        el("span", { class: `badge ${kind}` }, word),
        el("span", { class: "item-why", dir: "auto" }, prose(String(item.error?.message ?? "").slice(0, 500))),
      ),
    );
    own.addEventListener("toggle", () => {
      if (!own.open || own.childElementCount > 1) return;
      own.append(
        el(
          "div",
          { class: "item-body" },
          el(
            "p",
            { class: "small" },
            [
              item.operation,
              item.connection && `on ${item.connection}`,
              item.error?.request,
              item.error?.attempts && count(item.error.attempts, "attempt"),
              moment(item.at),
            ]
              .filter(Boolean)
              .map(visible)
              .join(" · "),
          ),
          item.error?.advice && el("p", { dir: "auto" }, prose(String(item.error.advice))),
          el("pre", { tabindex: 0, dir: "auto", role: "region", "aria-label": "Item as JSON" }, visible(json(item.item)).slice(0, 100_000)),
          el(
            "div",
            { class: "bar" },
            !item.sandbox &&
              el(
                "button",
                { type: "button", class: item.status === "failed" ? "main" : "", onclick: () => act("resend", [item]) },
                "Send again",
              ),
            !item.sandbox &&
              el(
                "button",
                {
                  type: "button",
                  onclick: async () => {
                    const text = await edited(item);
                    if (text !== null) act("edit", [item], { json: text });
                  },
                },
                "Edit and send …",
              ),
            item.status === "unknown" &&
              !item.sandbox &&
              el("button", { type: "button", class: "main", onclick: () => act("verify", [item]) }, "Verify"),
            el("button", { type: "button", onclick: () => settle([item]) }, "Settle …"),
            copier(() => json(item.item), "Copy JSON"),
          ),
        ),
      );
    });
    return own;
  };
  function draw() {
    const shown = items.filter((item) => (!filter.value || item.status === filter.value) && (!batch.value || item.batch === batch.value));
    sum.textContent = items.length === 0 ? "" : count(shown.length, "item");
    filter.hidden = batch.hidden = items.length === 0;
    if (shown.length === 0) {
      return fill(
        body,
        el(
          "div",
          { class: "empty" },
          el("h3", {}, items.length === 0 ? "No item needs a person" : "No item of this kind"),
          el("p", {}, "Items that a system refused, and writes without an answer, are kept here until they are sent or settled."),
        ),
      );
    }
    const groups = Map.groupBy
      ? Map.groupBy(shown, groupOf)
      : shown.reduce((all, item) => all.set(groupOf(item), [...(all.get(groupOf(item)) ?? []), item]), new Map());
    fill(
      body,
      [...groups].map(([name, own]) => {
        const [first] = own,
          unknown = own.filter((item) => item.status === "unknown");
        const most = more.get(name) ?? SHOWN;
        return el(
          "section",
          { class: "card item-group", "aria-label": `${first.batch}, ${first.step}, run ${first.run}` },
          el(
            "div",
            { class: "item-head" },
            el("h3", {}, el("bdi", {}, visible(first.step))),
            first.sandbox && el("span", { class: "badge" }, "sandbox"),
            el(
              "span",
              { class: "small" },
              `${visible(first.batch)} · run `,
              el("code", {}, first.run),
              first.job !== "main" && ` · ${visible(first.job)}`,
              first.is_archived && " · archived",
            ),
            el(
              "div",
              { class: "bar" },
              own.length > 1 &&
                !first.sandbox &&
                el("button", { type: "button", onclick: () => act("resend", own) }, `Send ${own.length} again`),
              unknown.length > 1 &&
                !first.sandbox &&
                el("button", { type: "button", onclick: () => act("verify", unknown) }, `Verify ${unknown.length}`),
              own.length > 1 && el("button", { type: "button", onclick: () => settle(own) }, `Settle ${own.length} …`),
              first.file && el("button", { type: "button", class: "quiet", onclick: () => openBatch(first.file) }, "Open the batch"),
            ),
          ),
          first.sandbox && el("p", { class: "small" }, "A run on the sandbox: its items are settled, or sent by running the batch again."),
          own.slice(0, most).map(itemNode),
          own.length > most &&
            el(
              "button",
              {
                type: "button",
                onclick: () => {
                  more.set(name, most + 200);
                  draw();
                },
              },
              `Show more of ${own.length.toLocaleString("en")}`,
            ),
        );
      }),
    );
  }
  load();
  return () => {
    isOver = true;
  };
}
