// The settings of an answer to arm: those of a fault, a delay, for how many requests, and a condition.

import { bodyMembers } from "./contract.js";
import { fill, h, uniqueId } from "./dom.js";
import { parse, ExactNumber } from "./exact_json.js";
import { checkbox, field, selectBox, spanField } from "./widgets.js";
import { t, textOr } from "./translations.js";

const DELAYS = {
  none: [],
  fixed: [["fixed", "1500ms"]],
  uniform: [["from", "200ms"], ["to", "2s"]],
  lognormal: [["median", "300ms"], ["sigma", "0.5"], ["cap", "5s"]],
};

/** The controls for a choice of the dialog (`nodes`), and what to arm (`spec()`; null while a field is wrong). `body` suggests values of a condition. */
export function armingForm({ choice, operations, body = null }) {
  const operation = selectBox(operations.map((one) => [one.operation, `${one.method} ${one.path}`]), choice.spec?.operation ?? operations[0].operation);
  const fault = choice.fault?.kind ? faultSettings(choice.fault, Boolean(choice.spec.commit)) : null;
  const delay = delaySettings(choice.spec ? "none" : "fixed");
  const times = timesSettings();
  const when = whenSettings(() => operations.find((one) => one.operation === operation.value) ?? operations[0], body);
  return {
    nodes: [
      fault?.node, delay.node,
      operations.length > 1 && !choice.spec?.operation ? field(t("operation"), operation) : null,
      times.node, when.node,
    ],
    spec() {
      const waits = delay.spec();
      const condition = waits && when.spec();
      return condition && { ...choice.spec, operation: operation.value, ...fault?.spec(), ...waits, ...times.spec(), ...condition };
    },
  };
}

function faultSettings({ kind, ...defaults }, isCommitted) {
  const controls = {};
  const settings = Object.entries(defaults).map(([name, value]) => {
    const label = textOr(`setting.${name}`, name);
    if (typeof value === "boolean") {
      const flag = checkbox(label, { checked: value });
      controls[name] = () => flag.box.checked;
      return flag.label;
    }
    const input = h("input", { type: "number", min: "0", step: "any", value: value === null ? "" : String(value), class: "short" });
    controls[name] = () => (input.value === "" ? undefined : Number(input.value));
    return field(label, input);
  });
  const commit = checkbox(t("faults.commit"), { checked: isCommitted });
  const losesAnswer = kind !== "dribble"; // that one is only slow, and changes what the request changes
  return {
    node: h("div", { class: "stack" }, settings.length ? h("div", { class: "row" }, ...settings) : null, losesAnswer ? h("div", {}, commit.label, h("p", { class: "hint" }, t("faults.commit.hint"))) : null),
    spec() {
      const values = Object.entries(controls).map(([name, read]) => [name, read()]).filter(([, value]) => value !== undefined);
      return { fault: { kind, ...Object.fromEntries(values) }, ...(losesAnswer ? { commit: commit.box.checked } : {}) };
    },
  };
}

function delaySettings(first) {
  const kind = selectBox(Object.keys(DELAYS).map((one) => [one, t(`delay.${one}`)]), first);
  const row = h("div", { class: "row" });
  let controls = {};
  function draw() {
    controls = {};
    fill(row, ...DELAYS[kind.value].map(([name, value]) => {
      if (name !== "sigma") {
        const span = spanField(t(name === "fixed" ? "delay.time" : `delay.${name}`), "delay", { value, required: true });
        controls[name] = span.read;
        return span.node;
      }
      const input = h("input", { type: "number", min: "0", max: "10", step: "any", value, required: true, class: "short mono" });
      controls[name] = () => Number(input.value);
      return field(t(`delay.${name}`), input);
    }));
  }
  kind.addEventListener("change", draw);
  draw();
  return {
    node: h("div", { class: "row" }, field(t("delay"), kind), row),
    spec() {
      const values = Object.fromEntries(Object.entries(controls).map(([name, read]) => [name, read()]));
      if (Object.values(values).includes(null)) return null;
      if (kind.value === "fixed") return { delay: values.fixed };
      if (kind.value === "uniform") return { delay: { uniform: [values.from, values.to] } };
      return kind.value === "lognormal" ? { delay: { lognormal: values } } : {};
    },
  };
}

function timesSettings() {
  const times = h("input", { type: "number", min: "1", max: "1000000", value: "1", required: true, class: "short" });
  const always = checkbox(t("arm.always"));
  always.box.addEventListener("change", () => { times.disabled = always.box.checked; });
  return {
    node: h("div", { class: "row" }, field(t("arm.times"), times), always.label),
    spec: () => ({ times: always.box.checked ? "always" : Number(times.value) }),
  };
}

function whenSettings(operation, body) {
  const names = h("datalist", { id: uniqueId("members") });
  const member = h("input", { type: "text", class: "mono", list: names.id, placeholder: "body.…", autocomplete: "off", spellcheck: "false" });
  const value = h("input", { type: "text", class: "mono", autocomplete: "off", spellcheck: "false" });
  const fields = [field(t("arm.member"), member, t("arm.member.hint")), field(t("arm.value"), value)];
  const told = [member, value].map((input, index) => {
    const line = h("p", { class: "hint bad-text", role: "alert", id: `${input.id}-told` });
    input.setAttribute("aria-describedby", [input.getAttribute("aria-describedby"), line.id].filter(Boolean).join(" "));
    fields[index].append(line);
    return line;
  });
  /** Says at a field what is missing; "" for nothing. */
  const tell = (index, text) => {
    told[index].textContent = text;
    [member, value][index].setAttribute("aria-invalid", String(Boolean(text)));
  };
  let members = [];
  bodyMembers(operation()).then((found) => {
    members = found;
    fill(names, ...found.map(({ path, schema }) => h("option", { value: path }, schema.description)));
  }).catch(() => {}); // without suggestions
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

  const node = h("details", {}, h("summary", {}, t("arm.when")), names, h("div", { class: "row" }, ...fields));
  return {
    node,
    spec() {
      const path = member.value.trim();
      const hasValue = value.value !== "";
      tell(0, !path && hasValue ? t("arm.member.missing") : "");
      tell(1, path && !hasValue ? t("arm.value.missing") : "");
      if (Boolean(path) !== hasValue) {
        node.open = true;
        (path ? value : member).focus();
        return null;
      }
      return path ? { when: { [path]: typedValue(path, value.value) } } : {};
    },
  };
}
