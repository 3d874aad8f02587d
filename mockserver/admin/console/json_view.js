// A JSON value line by line, with violations shown at their members.

import { h } from "./dom.js";
import { stringify, ExactNumber } from "./exact_json.js";
import { t } from "./translations.js";

const MAX_LINES = 2_000;

/** A step of a JSON Pointer. */
export const pointerStep = (step) => String(step).replaceAll("~", "~0").replaceAll("/", "~1");

/** The mark of a value that was not sent like this: the journal hides what was. */
export const maskBadge = () => h("span", { class: "badge masked", title: t("masked.about") }, t("masked"));

function kindOf(value) {
  if (value === null) return "null";
  if (value instanceof ExactNumber) return "number";
  return Array.isArray(value) ? "array" : typeof value;
}

/**
 * The value in a block named `label`. `violations` are `{pointer, message}`; those without a line are returned in `left`.
 * `masked` are the JSON Pointers of masked values, which say so.
 */
export function viewJson(value, violations, label, masked = []) {
  const masks = new Set(masked);
  const mask = (pointer) => (masks.has(pointer) ? maskBadge() : null);
  const unplaced = new Set(violations);
  const lines = [];
  const takeViolations = (pointer) => {
    const here = violations.filter((one) => one.pointer === pointer && unplaced.has(one));
    for (const one of here) unplaced.delete(one);
    return here;
  };

  function line(depth, marks, ...parts) {
    if (lines.length > MAX_LINES) return;
    const node = h("span", { class: marks.length ? "line marked" : "line" }, "  ".repeat(depth), ...parts, "\n");
    lines.push(node);
    for (const one of marks) lines.push(h("span", { class: "line finding" }, "  ".repeat(depth), h("span", { class: "finding-text" }, `▲ ${one.message}`), "\n"));
  }

  function show(one, depth, pointer, before, after) {
    const kind = kindOf(one);
    const marks = takeViolations(pointer);
    if (kind !== "object" && kind !== "array") {
      line(depth, marks, before, h("span", { class: masks.has(pointer) ? "hidden-value" : `value ${kind}` }, stringify(one)), mask(pointer), after);
      return;
    }
    const [open, close] = kind === "array" ? "[]" : "{}";
    const members = kind === "array" ? one.map((item, index) => [index, item]) : Object.entries(one);
    const missing = kind === "array" ? [] : missingMembers(pointer, one);
    if (!members.length && !missing.length) {
      line(depth, marks, before, open + close, mask(pointer), after);
      return;
    }
    line(depth, marks, before, open, mask(pointer));
    members.forEach(([name, item], index) => {
      const comma = index < members.length - 1 || missing.length ? "," : "";
      show(item, depth + 1, `${pointer}/${pointerStep(name)}`, kind === "array" ? "" : key(name), comma);
    });
    for (const [name, marksOfMissing] of missing) line(depth + 1, marksOfMissing, h("span", { class: "ghost" }, `${JSON.stringify(name)}: ${t("json.missing")}`));
    line(depth, [], close, after);
  }

  function missingMembers(pointer, object) {
    const names = new Map();
    for (const one of [...unplaced]) {
      if (!one.pointer.startsWith(`${pointer}/`)) continue;
      const [step] = one.pointer.slice(pointer.length + 1).split("/");
      const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
      if (Object.hasOwn(object, name)) continue;
      names.set(name, [...(names.get(name) ?? []), one]);
      unplaced.delete(one);
    }
    return [...names];
  }

  if (typeof value === "string") lines.push(h("span", { class: "line" }, value === "" ? h("span", { class: "ghost" }, t("json.empty")) : value, mask("")));
  else show(value, 0, "", "", "");
  if (lines.length > MAX_LINES) lines.push(h("span", { class: "line ghost" }, t("json.more")));
  return { node: h("pre", { class: "json", tabindex: "0", role: "group", "aria-label": label }, h("code", {}, ...lines)), left: [...unplaced] };
}

function key(name) {
  return h("span", { class: "key" }, `${JSON.stringify(name)}: `);
}
