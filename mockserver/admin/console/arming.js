// Arming: the form for the next matching requests, and the armed outcomes as text.

import { admin } from "./api.js";
import { fill, h, uniqueId } from "./dom.js";
import { bodyMembers, contract } from "./contract.js";
import { parse, shown, ExactNumber } from "./exact_json.js";
import { attempt, button, dialog, field, form, iconButton, checkbox, toast } from "./widgets.js";
import { t } from "./translations.js";

/** The controls for the number of requests and a condition (`nodes`), and their values (`spec()`). */
export function armingForm({ operation, body = null }) {
  const times = h("input", { type: "number", min: "1", max: "1000000", value: "1", required: true, class: "short" });
  const always = checkbox(t("arm.always"));
  always.box.addEventListener("change", () => { times.disabled = always.box.checked; });
  const names = h("datalist", { id: uniqueId("members") });
  const member = h("input", { type: "text", class: "mono", list: names.id, placeholder: "body.…", autocomplete: "off", spellcheck: "false" });
  const value = h("input", { type: "text", class: "mono", autocomplete: "off", spellcheck: "false" });
  let members = [];
  contract().then(({ operations }) => bodyMembers(operations.find((one) => one.operation === operation) ?? operations[0])).then((found) => {
    members = found;
    fill(names, ...found.map(({ path, schema }) => h("option", { value: path }, schema.description)));
  }).catch(() => {});
  member.addEventListener("change", () => {
    const current = member.value.trim().split(".").slice(1).reduce((one, step) => one?.[step], body);
    if (current !== undefined && current !== null && (typeof current !== "object" || current instanceof ExactNumber) && !value.value) value.value = String(current);
  });

  function typedValue(path, text) {
    const types = members.find((one) => one.path === path)?.schema.types ?? ["string"];
    if (types.includes("string")) return text;
    try {
      return parse(text);
    } catch {
      return text;
    }
  }

  return {
    nodes: [
      h("div", { class: "row" }, field(t("arm.times"), times), always.label),
      h("details", {}, h("summary", {}, t("arm.when")), names,
        h("div", { class: "row" }, field(t("arm.member"), member, t("arm.member.hint")), field(t("arm.value"), value))),
    ],
    spec() {
      const path = member.value.trim();
      return { times: always.box.checked ? "always" : Number(times.value), ...(path ? { when: { [path]: typedValue(path, value.value) } } : {}) };
    },
  };
}

/** Arms an outcome in a sandbox; gives whether it worked. */
export function arm(spec, sandbox) {
  return attempt(() => admin("arm", { method: "POST", value: spec, sandbox }), t("arm.done"));
}

/** A dialog that arms a scenario. */
export async function armDialog({ scenario, operation, sandbox, body }) {
  const arming = armingForm({ operation, body });
  const sent = await dialog(t("arm.title"), (close) => form(
    async () => { if (await arm({ scenario, operation, ...arming.spec() }, sandbox)) close(true); },
    h("p", {}, t("arm.about"), " ", h("strong", { class: "mono" }, scenario)),
    ...arming.nodes,
    h("div", { class: "actions end" }, button(t("cancel"), () => close(null)), h("button", { type: "submit", class: "button primary" }, t("arm.do")))));
  return Boolean(sent);
}

const conditions = (when) => Object.entries(when ?? {}).map(([path, value]) => `${path} = ${shown(value)}`);

/** An armed outcome as text: `fault reset · 2 left · body.x = 1`. */
export function armedText(one, about = true) {
  const fault = typeof one.fault === "object" ? one.fault.kind : one.fault;
  const what = one.responses ? [t("arm.turns", { count: one.responses.length })] : [one.scenario, fault, one.delay === undefined ? "" : t("arm.delay", { delay: typeof one.delay === "object" ? JSON.stringify(one.delay) : one.delay })];
  const left = one.left === "always" ? t("arm.left.always") : t("arm.left", { count: one.left });
  return [...(about ? what : []), left, ...conditions(one.when)].filter(Boolean).join(" · ");
}

/** An armed outcome with a button to disarm it. */
export function armedChip(one, sandbox, changed, about = true) {
  const text = armedText(one, about);
  return h("span", { class: "chip" }, h("span", {}, text), iconButton(t("arm.take", { what: text }), "close", async () => {
    await attempt(() => admin(`armed/${one.id}`, { method: "DELETE", sandbox }));
    toast(t("arm.taken"));
    changed();
  }));
}
