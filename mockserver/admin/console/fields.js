// A request body as a form: one control a member, each of which can be left out; or the whole of it as text.

import { fill, h, unique } from "./dom.js";
import { parse, shown, stringify, Written } from "./numbers.js";
import { field } from "./parts.js";
import { t } from "./words.js";

/** The form of an object schema (see facts.js), filled with `value`. `text()` gives the body to send. */
export function bodyForm(schema, value) {
  let body = parse(stringify(value));
  let raw = typeof body !== "object" || body === null || Array.isArray(body);
  const place = h("div", { class: "fields" });
  const area = h("textarea", { rows: 14, spellcheck: "false" });
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": t("try.as") }, ...["form", "text"].map((name) => h("button", { type: "button", class: "tab", data: { name }, on: { click: () => turn(name) } }, t(`try.as.${name}`))));
  const wrong = h("p", { class: "bad-text", role: "alert" });

  function turn(name) {
    wrong.textContent = "";
    if (name === "form" && raw) {
      let read;
      try {
        read = parse(area.value);
      } catch { /* told below */ }
      if (typeof read !== "object" || read === null || Array.isArray(read)) {
        wrong.textContent = t("try.no.form");
        return;
      }
      body = read;
    }
    if (name === "text" && !raw) area.value = stringify(body, 2);
    raw = name === "text";
    draw();
  }

  function draw() {
    for (const tab of tabs.children) tab.setAttribute("aria-pressed", String((tab.dataset.name === "text") === raw));
    fill(place, raw ? field(t("try.body"), area) : members(schema, body, ""));
  }

  if (raw) area.value = typeof body === "string" ? body : stringify(body, 2);
  draw();
  return {
    node: h("div", { class: "body-form" }, tabs, wrong, place),
    text: () => (raw ? area.value : stringify(body)),
  };
}

function members(schema, object, path) {
  const names = [...new Set([...Object.keys(schema.properties), ...Object.keys(object)])];
  return names.map((name) => member(name, schema.properties[name] ?? { properties: {}, required: new Set(), types: [], examples: [], description: "" }, object, path, schema.required.has(name)));
}

function member(name, schema, object, path, required) {
  const id = unique("member");
  const nested = Object.keys(schema.properties).length > 0;
  let kept = name in object ? object[name] : nested ? {} : schema.examples[0] ?? "";
  const box = h("input", { type: "checkbox", checked: name in object, "aria-label": t("try.with", { name: `${path}${name}` }) });
  const inside = h("div", { class: "member-value" });

  function draw() {
    const there = name in object;
    const value = there ? object[name] : kept;
    if (nested && typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Written)) {
      fill(inside, there ? h("div", { class: "nested" }, ...members(schema, value, `${path}${name}.`)) : null);
      return;
    }
    const words = h("datalist", { id: `${id}-words` }, ...[...new Set([...(schema.options ?? []), ...schema.examples])].filter((one) => one !== null).map((one) => h("option", { value: shown(one) })));
    const input = h("input", { type: "text", id, class: "mono", list: words.id, autocomplete: "off", spellcheck: "false", value: shown(value), disabled: !there, "aria-describedby": schema.description ? `${id}-hint` : null });
    input.addEventListener("input", () => {
      object[name] = typed(input.value, schema, typeof value === "string");
      kept = object[name];
    });
    fill(inside, input, words);
  }

  box.addEventListener("change", () => {
    if (box.checked) object[name] = kept;
    else {
      kept = object[name];
      delete object[name];
    }
    draw();
  });
  draw();
  const label = nested ? h("span", { class: "member-name mono" }, name) : h("label", { class: "member-name mono", for: id }, name);
  return h("div", { class: "member", role: nested ? "group" : null, "aria-label": nested ? name : null },
    h("div", { class: "member-head" }, box, label, required ? h("span", { class: "badge plain" }, t("try.required")) : null),
    schema.description ? h("p", { class: "hint", id: `${id}-hint` }, schema.description) : null, inside);
}

/** What was typed: a text where the schema allows one, otherwise JSON if it is that. */
function typed(text, schema, wasText) {
  if (schema.types.includes("string") || (!schema.types.length && wasText)) return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
}
