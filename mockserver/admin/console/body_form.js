// A request body as a form with a control for each member, or as text.

import { fill, h, uniqueId } from "./dom.js";
import { parse, shown, stringify, ExactNumber } from "./exact_json.js";
import { field } from "./widgets.js";
import { pointerStep } from "./json_view.js";
import { t } from "./translations.js";
import { violationText } from "./violations.js";

/**
 * The form of an object schema (see contract.js), filled with `value`. `text()` gives the body to send, `mark(violations)`
 * says at each field what was wrong with it, until it is edited.
 */
export function bodyForm(schema, value) {
  let body = parse(stringify(value));
  let isText = typeof body !== "object" || body === null || Array.isArray(body);
  let found = [];
  const fields = h("div", { class: "fields" });
  const textArea = h("textarea", { rows: 14, spellcheck: "false" });
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": t("try.as") }, ...["form", "text"].map((name) => h("button", { type: "button", class: "tab", data: { name }, on: { click: () => switchTo(name) } }, t(`try.as.${name}`))));
  const errorLine = h("p", { class: "bad-text", role: "alert" });

  function switchTo(name) {
    errorLine.textContent = "";
    found = [];
    if (name === "form" && isText) {
      let read;
      try {
        read = parse(textArea.value);
      } catch { /* told below */ }
      if (typeof read !== "object" || read === null || Array.isArray(read)) {
        errorLine.textContent = t("try.no.form");
        return;
      }
      body = read;
    }
    if (name === "text" && !isText) textArea.value = stringify(body, 2);
    isText = name === "text";
    draw();
  }

  function draw() {
    for (const tab of tabs.children) tab.setAttribute("aria-pressed", String((tab.dataset.name === "text") === isText));
    fill(fields, isText ? field(t("try.body"), textArea) : members(schema, body, "/"));
    for (const line of fields.querySelectorAll(".wrong")) showWrong(line, found.filter((one) => one.pointer === line.dataset.pointer).map(violationText).join("; "));
  }

  if (isText) textArea.value = typeof body === "string" ? body : stringify(body, 2);
  draw();
  return {
    node: h("div", { class: "body-form" }, tabs, errorLine, fields),
    mark(violations) {
      found = violations;
      if (!isText) draw();
    },
    text: () => (isText ? textArea.value : stringify(body)),
  };
}

/** Shows in the line below a field what is wrong with it, nothing for "". */
function showWrong(line, text) {
  line.textContent = text;
  line.closest(".member").classList.toggle("is-wrong", text !== "");
}

function members(schema, object, path) {
  const names = [...new Set([...Object.keys(schema.properties), ...Object.keys(object)])];
  return names.map((name) => member(name, schema.properties[name] ?? { properties: {}, required: new Set(), types: [], examples: [], description: "" }, object, path, schema.required.has(name)));
}

function member(name, schema, object, path, required) {
  const id = uniqueId("member");
  const nested = Object.keys(schema.properties).length > 0;
  let lastValue = name in object ? object[name] : nested ? {} : schema.examples[0] ?? "";
  const sentBox = h("input", { type: "checkbox", checked: name in object, "aria-label": t("try.with", { name: `${path.slice(1).replaceAll("/", ".")}${name}` }) });
  const valueArea = h("div", { class: "member-value" });
  const kind = h("span", { class: "badge plain" });
  const wrong = h("p", { class: "bad-text wrong", id: `${id}-wrong`, data: { pointer: path + pointerStep(name) } });

  /** Names the type of a value that is no text: in a field 12345 looks like "12345". */
  function showKind(value) {
    const type = value === null ? "null" : value instanceof ExactNumber ? "number" : Array.isArray(value) ? "array" : typeof value;
    kind.hidden = nested || type === "string" || !(name in object);
    kind.textContent = t(`type.${type}`);
  }

  function draw() {
    const isSent = name in object;
    const value = isSent ? object[name] : lastValue;
    showKind(value);
    if (nested && typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)) {
      fill(valueArea, isSent ? h("div", { class: "nested" }, ...members(schema, value, `${path}${pointerStep(name)}/`)) : null);
      return;
    }
    const suggestions = h("datalist", { id: `${id}-words` }, ...[...new Set([...(schema.options ?? []), ...schema.examples])].filter((one) => one !== null).map((one) => h("option", { value: shown(one) })));
    const input = h("input", { type: "text", id, class: "mono", list: suggestions.id, autocomplete: "off", spellcheck: "false", value: shown(value), disabled: !isSent, "aria-describedby": `${schema.description ? `${id}-hint ` : ""}${id}-wrong` });
    input.addEventListener("input", () => {
      object[name] = typedValue(input.value, schema, typeof value === "string");
      lastValue = object[name];
      showKind(lastValue);
      showWrong(wrong, "");
    });
    fill(valueArea, input, suggestions);
  }

  sentBox.addEventListener("change", () => {
    if (sentBox.checked) object[name] = lastValue;
    else {
      lastValue = object[name];
      delete object[name];
    }
    showWrong(wrong, "");
    draw();
  });
  draw();
  const label = nested ? h("span", { class: "member-name mono" }, name) : h("label", { class: "member-name mono", for: id }, name);
  return h("div", { class: "member", role: nested ? "group" : null, "aria-label": nested ? name : null },
    h("div", { class: "member-head" }, sentBox, label, required ? h("span", { class: "badge plain" }, t("try.required")) : null, kind),
    schema.description ? h("p", { class: "hint", id: `${id}-hint` }, schema.description) : null, valueArea, wrong);
}

/** The value of a typed text: the text if the schema allows one, otherwise JSON if it parses. */
function typedValue(text, schema, wasText) {
  if (schema.types.includes("string") || (!schema.types.length && wasText)) return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
}
