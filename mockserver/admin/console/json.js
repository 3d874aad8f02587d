// A JSON value line by line, with what was found wrong written at the very member.

import { h } from "./dom.js";
import { stringify, Written } from "./numbers.js";
import { t } from "./words.js";

const MOST = 2_000;

const escaped = (step) => String(step).replaceAll("~", "~0").replaceAll("/", "~1");

function kindOf(value) {
  if (value === null) return "null";
  if (value instanceof Written) return "number";
  return Array.isArray(value) ? "array" : typeof value;
}

/** The value in a block called `label`; `found` are violations: `{pointer, message}`. Gives the block and those not placed. */
export function viewJson(value, found, label) {
  const left = new Set(found);
  const lines = [];
  const at = (pointer) => {
    const here = found.filter((one) => one.pointer === pointer && left.has(one));
    for (const one of here) left.delete(one);
    return here;
  };

  function line(depth, marks, ...parts) {
    if (lines.length > MOST) return;
    const node = h("span", { class: marks.length ? "line marked" : "line" }, "  ".repeat(depth), ...parts, "\n");
    lines.push(node);
    for (const one of marks) lines.push(h("span", { class: "line finding" }, "  ".repeat(depth), h("span", { class: "finding-text" }, `▲ ${one.message}`), "\n"));
  }

  function show(one, depth, pointer, before, after) {
    const kind = kindOf(one);
    const marks = at(pointer);
    if (kind !== "object" && kind !== "array") {
      line(depth, marks, before, h("span", { class: `value ${kind}` }, stringify(one)), after);
      return;
    }
    const [open, close] = kind === "array" ? "[]" : "{}";
    const members = kind === "array" ? one.map((item, index) => [index, item]) : Object.entries(one);
    const missing = kind === "array" ? [] : lacking(pointer, one);
    if (!members.length && !missing.length) {
      line(depth, marks, before, open + close, after);
      return;
    }
    line(depth, marks, before, open);
    members.forEach(([name, item], index) => {
      const comma = index < members.length - 1 || missing.length ? "," : "";
      show(item, depth + 1, `${pointer}/${escaped(name)}`, kind === "array" ? "" : key(name), comma);
    });
    for (const [name, marksOfMissing] of missing) line(depth + 1, marksOfMissing, h("span", { class: "ghost" }, `${JSON.stringify(name)}: ${t("json.missing")}`));
    line(depth, [], close, after);
  }

  function lacking(pointer, object) {
    const names = new Map();
    for (const one of [...left]) {
      if (!one.pointer.startsWith(`${pointer}/`)) continue;
      const [step] = one.pointer.slice(pointer.length + 1).split("/");
      const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
      if (Object.hasOwn(object, name)) continue;
      names.set(name, [...(names.get(name) ?? []), one]);
      left.delete(one);
    }
    return [...names];
  }

  if (typeof value === "string") lines.push(h("span", { class: "line" }, value === "" ? h("span", { class: "ghost" }, t("json.empty")) : value));
  else show(value, 0, "", "", "");
  if (lines.length > MOST) lines.push(h("span", { class: "line ghost" }, t("json.more")));
  return { node: h("pre", { class: "json", tabindex: "0", role: "group", "aria-label": label }, h("code", {}, ...lines)), left: [...left] };
}

function key(name) {
  return h("span", { class: "key" }, `${JSON.stringify(name)}: `);
}
