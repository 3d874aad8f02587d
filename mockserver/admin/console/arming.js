// Arming: what the next matching requests get, on which condition, and what is armed now.

import { admin } from "./api.js";
import { fill, h, unique } from "./dom.js";
import { bodyMembers, contract } from "./facts.js";
import { parse, shown, Written } from "./numbers.js";
import { attempt, button, dialog, field, form, iconButton, tick, toast } from "./parts.js";
import { t } from "./words.js";

/** For how many requests, and where a member has a value: the controls, and what they say. */
export function aim({ operation, body = null }) {
  const times = h("input", { type: "number", min: "1", max: "1000000", value: "1", required: true, class: "short" });
  const always = tick(t("arm.always"));
  always.box.addEventListener("change", () => { times.disabled = always.box.checked; });
  const names = h("datalist", { id: unique("members") });
  const member = h("input", { type: "text", class: "mono", list: names.id, placeholder: "body.…", autocomplete: "off", spellcheck: "false" });
  const value = h("input", { type: "text", class: "mono", autocomplete: "off", spellcheck: "false" });
  let known = [];
  contract().then(({ operations }) => bodyMembers(operations.find((one) => one.operation === operation) ?? operations[0])).then((found) => {
    known = found;
    fill(names, ...found.map(({ path, schema }) => h("option", { value: path }, schema.description)));
  }).catch(() => {});
  member.addEventListener("change", () => {
    const had = member.value.trim().split(".").slice(1).reduce((one, step) => one?.[step], body);
    if (had !== undefined && had !== null && (typeof had !== "object" || had instanceof Written) && !value.value) value.value = String(had);
  });

  function typed(path, text) {
    const types = known.find((one) => one.path === path)?.schema.types ?? ["string"];
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
      return { times: always.box.checked ? "always" : Number(times.value), ...(path ? { when: { [path]: typed(path, value.value) } } : {}) };
    },
  };
}

/** Arm something in a sandbox; gives whether it was done. */
export function arm(spec, sandbox) {
  return attempt(() => admin("arm", { method: "POST", value: spec, sandbox }), t("arm.done"));
}

/** A dialog that arms a scenario. */
export async function armDialog({ scenario, operation, sandbox, body }) {
  const goal = aim({ operation, body });
  const sent = await dialog(t("arm.title"), (close) => form(
    async () => { if (await arm({ scenario, operation, ...goal.spec() }, sandbox)) close(true); },
    h("p", {}, t("arm.about"), " ", h("strong", { class: "mono" }, scenario)),
    ...goal.nodes,
    h("div", { class: "actions end" }, button(t("cancel"), () => close(null)), h("button", { type: "submit", class: "button primary" }, t("arm.do")))));
  return Boolean(sent);
}

const conditions = (when) => Object.entries(when ?? {}).map(([path, value]) => `${path} = ${shown(value)}`);

/** What is armed, in words: `fault reset · 2 left · body.x = 1`. */
export function armedText(one, about = true) {
  const fault = typeof one.fault === "object" ? one.fault.kind : one.fault;
  const what = one.responses ? [t("arm.turns", { count: one.responses.length })] : [one.scenario, fault, one.delay === undefined ? "" : t("arm.delay", { delay: typeof one.delay === "object" ? JSON.stringify(one.delay) : one.delay })];
  const left = one.left === "always" ? t("arm.left.always") : t("arm.left", { count: one.left });
  return [...(about ? what : []), left, ...conditions(one.when)].filter(Boolean).join(" · ");
}

/** One armed thing, with a button that takes it away. */
export function armedChip(one, sandbox, changed, about = true) {
  const text = armedText(one, about);
  return h("span", { class: "chip" }, h("span", {}, text), iconButton(t("arm.take", { what: text }), "close", async () => {
    await attempt(() => admin(`armed/${one.id}`, { method: "DELETE", sandbox }));
    toast(t("arm.taken"));
    changed();
  }));
}
