// Conditions as rows of field, operator and value; the text that they make comes from the service.
import { el, fill, calm, tell, visible } from "./dom.js";
import { post } from "./api.js";
import { combo } from "./combo.js";
import { exact } from "./json.js";
import { asText, kindOf, typed } from "./schema.js";
import { isSame, readTerms, readTests } from "./tests.js";
import { sourcesOf } from "./values.js";

const WORDS = {
  "=": "is", "!=": "is not", "<": "is less than", "<=": "is at most", ">": "is greater than", ">=": "is at least", eq: "is", ne: "is not",
  gt: "is greater than", ge: "is at least", gte: "is at least", lt: "is less than", le: "is at most", lte: "is at most",
  contains: "contains", like: "is like", in: "is one of", between: "is between", search: "matches",
};

/**
 * The control of an option that is conditions. `details` has the fields, `rule` is { option, kind, operators }, `load(path)` gives
 * the loader of a value source. See `inner` of fields.js.
 */
export function conditions({ details, rule, load }) {
  const sources = sourcesOf(details.fields);
  return ({ id, value, give, attributes }) => {
    let rows = [], join = "and", made, mode = value === undefined ? "rows" : "text", asking;
    const list = el("div", { class: "tests" });
    const preview = el("p", { class: "small made", dir: "auto" });
    const joins = el("select", { "aria-label": "How the conditions are joined", onchange: () => { join = joins.value; build(); } },
      el("option", { value: "and" }, "all of these are true (and)"), el("option", { value: "or" }, "one of these is true (or)"));
    const joined = el("p", { class: "join" }, el("span", { class: "small" }, "Where"), joins);
    const text = el("textarea", { ...attributes, class: "grow", rows: 2, spellcheck: "false", dir: "auto" });
    const add = el("button", { type: "button", onclick: () => { addRow(); rows.at(-1).focus(); } }, "Add a condition");
    const change = el("button", { type: "button", class: "link", onclick: () => switched() });
    const note = el("span", { class: "small" });
    const node = el("div", { class: "conditions" }, joined, list, text, preview, el("div", { class: "bar" }, add, change, note));
    // Of a nested object its fields are meant.
    const parents = new Set((details.fields ?? []).flatMap((own) => (own.path.includes("/") ? [own.path.slice(0, own.path.lastIndexOf("/"))] : [])));
    const fields = (details.fields ?? []).filter((own) => !parents.has(own.path) && !own.path.includes("_info")).map((own) => ({ value: own.path, label: own.path, detail: kindWord(own.schema), field: own }));

    const show = () => {
      const isRows = mode === "rows";
      list.hidden = add.hidden = !isRows;
      joined.hidden = !isRows || rows.length < 2 || rule.kind === "terms";
      preview.hidden = !isRows || made === undefined || rows.length === 0;
      preview.textContent = made === undefined ? "" : visible(Array.isArray(made) ? made.join("\n") : plain(made));
      text.hidden = isRows;
      const canRows = !isRows && (!text.value.trim() || (made !== undefined && isSame(made, text.value)));
      change.hidden = !isRows && !canRows;
      change.textContent = isRows ? "Edit as text" : "Edit as rows";
      note.textContent = !isRows && !canRows ? "This text was not made of rows, so it stays a text. Empty it to use rows." : "";
    };
    const switched = () => {
      if (mode === "rows") { mode = "text"; text.value = made === undefined ? "" : plain(made); show(); text.focus(); return; }
      mode = "rows";
      if (!text.value.trim()) { rows = []; made = undefined; fill(list); addRow(); }
      show();
      (rows[0] ?? { focus: () => add.focus() }).focus();
    };
    const build = calm(async () => {
      const used = rows.filter((row) => row.test());
      for (const row of rows) row.fault("");
      asking?.abort();
      if (used.length === 0) { made = undefined; show(); give(undefined); return; }
      asking = new AbortController();
      try {
        const found = await ask({ join, tests: used.map((row) => row.test()) }, asking.signal);
        made = found.value;
        show();
        give(made);
      } catch (fault) {
        if (fault.name === "AbortError") return;
        for (const one of fault.error?.faults?.length ? fault.error.faults : [{ message: fault.message, field: fault.error?.place?.field }]) {
          const at = Number(one.field?.match(/^\/tests\/(\d+)/)?.[1] ?? 0);
          used[at]?.fault(one.message);
        }
      }
    }, 60);
    const ask = (tests, signal) => post("condition", { connector: details.connector, operation: details.operation, option: rule.option, ...tests }, signal);
    const addRow = (test) => {
      const row = testRow({ fields, operators: rule.operators, kind: rule.kind, load, sources, test }, build, () => {
        const at = rows.indexOf(row);
        rows.splice(at, 1);
        row.node.remove();
        build();
        show();
        tell("The condition was removed");
        (rows[at] ?? rows[at - 1] ?? { focus: () => add.focus() }).focus();
      });
      rows.push(row);
      list.append(row.node);
      show();
    };
    text.addEventListener("input", () => { show(); give(typedValue(text.value, value)); });
    const set = (own) => {
      value = own;
      text.value = own === undefined || own === null ? "" : plain(own);
      rows = [];
      made = undefined;
      fill(list);
      mode = own === undefined || own === null ? "rows" : "text";
      // The first row is there at once.
      if (mode === "rows") addRow();
      show();
      if (own) read(own);
    };
    // A simple text becomes rows, if the service makes the same text of them.
    const read = async (own) => {
      const schemaOf = (path) => details.fields.find((one) => one.path === path)?.schema;
      const found = Array.isArray(own) ? readTerms(own, rule.operators ?? [], schemaOf) : typeof own === "string" ? readTests(own, rule.operators ?? []) : null;
      if (!found) return;
      try {
        const again = await ask(found);
        if (!isSame(again.value, own) || text.value !== plain(own) || mode !== "text" || document.activeElement === text) return;
      } catch { return; }
      made = own;
      mode = "rows";
      join = joins.value = found.join;
      for (const test of found.tests) addRow(test);
      show();
    };
    set(value);
    return { node, set, input: text, focus: () => (mode === "text" ? text.focus() : (rows[0] ?? { focus: () => add.focus() }).focus()) };
  };
}

const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const typedValue = (text, before) => {
  if (!text.trim()) return undefined;
  if (Array.isArray(before) || /^\s*\[\s*"/.test(text)) { try { return exact(text); } catch { return text; } }
  return text;
};
const kindWord = (schema) => ({ choice: "choice", flag: "yes/no", number: "number", date: "date", time: "time", text: "text" })[kindOf(schema)] ?? "";

/** A row: field, operator, value. */
function testRow({ fields, operators = ["="], kind, load, sources, test }, change, remove) {
  let field = test?.field ?? "", value = test?.value ?? null, read = () => value;
  const told = el("p", { class: "fault" });
  const cell = el("span", { class: "test-value" });
  const nulls = kind === "conditions" && operators.includes("=") && operators.includes("!=");
  const operator = el("select", { "aria-label": "Operator", onchange: () => { draw(); change(); } },
    operators.map((own) => el("option", { value: own }, WORDS[own] && WORDS[own] !== own ? `${WORDS[own]} (${own})` : own)),
    nulls && [el("option", { value: "no value" }, "has no value"), el("option", { value: "a value" }, "has a value")]);
  if (test) operator.value = nulls && test.value === null && test.operator === "=" ? "no value" : nulls && test.value === null && test.operator === "!=" ? "a value" : test.operator;
  const picked = combo({ label: "Field", value: field, placeholder: "Field", load: async () => ({ rows: fields }),
    take: (path) => { field = String(path).trim(); value = null; draw(); change(); } });
  const draw = () => {
    const known = fields.find((own) => own.value === field)?.field;
    const schema = known?.schema ?? {};
    const isList = operator.value === "in" || operator.value === "between";
    const own = kindOf(schema) === "json" ? "text" : kindOf(schema);
    const label = `Value of ${field || "the field"}`;
    read = () => value;
    const keep = (one) => { value = one === undefined ? null : one; change(); };
    if (operator.value === "no value" || operator.value === "a value") fill(cell);
    else if (isList) {
      const input = el("input", { type: "text", "aria-label": label, placeholder: operator.value === "in" ? "values, separated by commas" : "from, to", dir: "auto",
        oninput: () => keep(input.value.trim() ? input.value.split(",").map((part) => typed(own === "time" ? "text" : own, part.trim(), schema) ?? "") : undefined) });
      input.value = [value ?? []].flat().map((one) => asText("text", one)).join(", ");
      fill(cell, input);
    } else if (sources.has(field)) {
      const { name, isLabel } = sources.get(field);
      const values = combo({ label, placeholder: "Choose, or type a value", load: load(name, isLabel), value: asText("text", value),
        take: (text, row) => keep(row ? row.exact : typed(own, String(text), schema)) });
      fill(cell, values.node);
    } else if (own === "choice" || own === "flag") {
      const choices = own === "flag" ? [true, false] : schema.enum.filter((one) => one !== null);
      const select = el("select", { "aria-label": label, onchange: () => keep(select.value === "" ? undefined : exact(select.value)) },
        el("option", { value: "" }, "—"), choices.map((one) => el("option", { value: JSON.stringify(one) }, own === "flag" ? (one ? "yes" : "no") : String(one))));
      if (value !== null) select.value = JSON.stringify(value);
      fill(cell, select);
    } else {
      const isText = value !== null && own === "time" && !/Z$/.test(String(value));
      const type = isText ? "text" : { date: "date", time: "datetime-local" }[own] ?? "text";
      const input = el("input", { type, "aria-label": own === "time" ? `${label}, in UTC` : label, placeholder: schema.examples ? `such as ${schema.examples[0]}` : "Value", inputmode: own === "number" ? "decimal" : null,
        step: own === "time" ? "1" : null, dir: "auto", oninput: () => keep(typed(own, input.value, schema)) });
      input.value = value === null ? "" : own === "time" && !isText ? asText("time", value) : asText("text", value);
      fill(cell, input, own === "time" && el("span", { class: "small" }, "UTC"));
    }
  };
  draw();
  const bin = el("button", { type: "button", class: "quiet", "aria-label": "Remove this condition", title: "Remove (Alt Delete)", onclick: remove }, "×");
  const node = el("div", { class: "test", role: "group", "aria-label": "Condition" }, el("div", { class: "test-row" }, picked.node, operator, cell, bin), told);
  node.addEventListener("keydown", (event) => { if (event.altKey && event.key === "Delete") { event.preventDefault(); remove(); } });
  return {
    node,
    focus: () => picked.focus(),
    fault: (text) => { told.textContent = visible(text); },
    test: () => {
      if (!field) return null;
      if (operator.value === "no value") return { field, operator: "=", value: null };
      if (operator.value === "a value") return { field, operator: "!=", value: null };
      const own = read();
      return own === null || own === undefined ? null : { field, operator: operator.value, value: own };
    },
  };
}
