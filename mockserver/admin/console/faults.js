// The view of faults: a form to arm them, and everything that is armed.

import { admin, listen } from "./api.js";
import { armingForm, arm, armedText } from "./arming.js";
import { contract, faultKinds } from "./contract.js";
import { fill, h, throttled, keepScroll, uniqueId } from "./dom.js";
import { attempt, button, selectBox, errorState, field, form, loadingState, emptyState, checkbox } from "./widgets.js";
import { currentRoute } from "./route.js";
import { has, t } from "./translations.js";

const DELAYS = {
  none: [],
  fixed: [["fixed", "1500ms"]],
  uniform: [["from", "200ms"], ["to", "2s"]],
  lognormal: [["median", "300ms"], ["sigma", "0.5"], ["cap", "5s"]],
};

/** The view of faults. */
export function faults(main, reportState) {
  let sandbox = currentRoute().params.sandbox;
  let disconnect = () => {};
  let isOpen = true;
  const list = h("div", { class: "armed-list" });
  const formArea = h("div", {});

  fill(main,
    h("div", { class: "view-head" }, h("h1", {}, t("faults.title"))),
    h("p", { class: "lead" }, t("faults.about")),
    h("div", { class: "columns" },
      h("section", { class: "panel", "aria-label": t("faults.new") }, formArea),
      h("section", { class: "panel", "aria-labelledby": "armed-title" }, h("h2", { id: "armed-title" }, t("faults.armed")), list)));
  fill(formArea, loadingState());
  fill(list, loadingState());

  async function refresh() {
    try {
      const found = (await admin("armed", { sandbox, exact: true })).armed;
      if (!isOpen) return;
      const disarm = (one) => attempt(() => admin(`armed/${one.id}`, { method: "DELETE", sandbox }), t("arm.taken")).then(refresh);
      const disarmAll = () => attempt(() => admin("armed", { method: "DELETE", sandbox }), t("arm.taken")).then(refresh);
      if (!found.length) fill(list, emptyState("target", t("faults.none"), t("faults.none.text")));
      else {
        keepScroll(list, () => fill(list, h("ul", { class: "plain lines" }, ...found.map((one) => h("li", {},
          h("span", { class: "line-text" }, armedText(one)), button(t("faults.take"), () => disarm(one), { "aria-label": t("arm.take", { what: armedText(one) }) })))),
        h("div", { class: "actions end" }, button(t("faults.take.all"), disarmAll, { name: "remove" }))));
      }
    } catch (error) {
      if (isOpen) fill(list, errorState(error, refresh));
    }
  }

  async function loadForm() {
    try {
      const [kinds, served] = await Promise.all([faultKinds(), contract()]);
      if (isOpen) drawForm([...kinds, { kind: "" }], served.operations);
    } catch (error) {
      if (isOpen) fill(formArea, errorState(error, loadForm));
    }
  }

  function drawForm(kinds, operations) {
    const name = uniqueId("kind");
    const settings = h("div", { class: "row" });
    const commit = checkbox(t("faults.commit"));
    const commitLine = h("div", {}, commit.label, h("p", { class: "hint" }, t("faults.commit.hint")));
    const operation = selectBox(operations.map((one) => [one.operation, `${one.method} ${one.path}`]), operations[0].operation);
    const arming = armingForm({ operation: operation.value });
    const delay = selectBox(Object.keys(DELAYS).map((one) => [one, t(`delay.${one}`)]), "none");
    const delays = h("div", { class: "row" });
    let chosen = kinds[0];
    let controls = {};
    let delayControls = {};

    function selectKind(one) {
      chosen = one;
      controls = {};
      commitLine.hidden = !one.kind;
      if (!one.kind && delay.value === "none") {
        delay.value = "fixed";
        drawDelay();
      }
      fill(settings, ...Object.entries(one).filter(([member]) => member !== "kind").map(([member, value]) => {
        const label = has(`setting.${member}`) ? t(`setting.${member}`) : member;
        if (typeof value === "boolean") {
          const flag = checkbox(label, { checked: value });
          controls[member] = () => flag.box.checked;
          return flag.label;
        }
        const input = h("input", { type: "number", min: "0", step: "any", value: value === null ? "" : String(value), class: "short" });
        controls[member] = () => (input.value === "" ? undefined : Number(input.value));
        return field(label, input);
      }));
    }

    function drawDelay() {
      delayControls = {};
      fill(delays, ...DELAYS[delay.value].map(([member, value]) => {
        const input = h("input", { type: "text", value, required: true, class: "short mono" });
        delayControls[member] = () => (member === "sigma" ? Number(input.value) : input.value.trim());
        return field(t(`delay.${member}`), input);
      }));
    }

    function spec() {
      const wanted = { operation: operation.value, ...arming.spec() };
      if (chosen.kind) {
        const settingValues = Object.fromEntries(Object.entries(controls).map(([member, read]) => [member, read()]).filter(([, value]) => value !== undefined));
        wanted.fault = { kind: chosen.kind, ...settingValues };
        wanted.commit = commit.box.checked;
      }
      const values = Object.fromEntries(Object.entries(delayControls).map(([member, read]) => [member, read()]));
      if (delay.value === "fixed") wanted.delay = values.fixed;
      if (delay.value === "uniform") wanted.delay = { uniform: [values.from, values.to] };
      if (delay.value === "lognormal") wanted.delay = { lognormal: values };
      return wanted;
    }

    const tiles = kinds.map((one, index) => {
      const id = uniqueId("tile");
      const about = one.kind ? `fault.${one.kind}` : "fault.delay";
      const radio = h("input", { type: "radio", name, id, checked: index === 0, on: { change: () => selectKind(one) } });
      return h("label", { class: "tile", for: id }, radio, h("span", {}, h("strong", { class: one.kind ? "mono" : "" }, one.kind || t("faults.delay.only")), has(about) ? h("span", { class: "dim" }, t(about)) : null));
    });
    delay.addEventListener("change", drawDelay);
    selectKind(kinds[0]);
    fill(formArea, form(async () => { if (await arm(spec(), sandbox)) refresh(); },
      h("fieldset", { class: "bare" }, h("legend", {}, t("faults.kind")), h("div", { class: "tiles" }, ...tiles)),
      settings, commitLine,
      h("div", { class: "row" }, field(t("delay"), delay), delays),
      operations.length > 1 ? field(t("operation"), operation) : null,
      ...arming.nodes,
      h("div", { class: "actions sticky" }, h("button", { type: "submit", class: "button primary" }, t("faults.do")))));
  }

  const refreshSoon = throttled(refresh, 300);
  function connect() {
    disconnect();
    disconnect = listen({}, sandbox, { onOpen: refresh, onEntry: refreshSoon, onLost: refreshSoon, onState: (name, error) => {
      reportState(name, error);
      if ((name === "refused" || name === "away") && list.querySelector(".loading")) fill(list, errorState(error ?? { message: t("error.unreachable") }, connect));
    } });
  }

  loadForm();
  connect();
  return {
    update({ params }) {
      if (params.sandbox === sandbox) return;
      sandbox = params.sandbox;
      connect();
    },
    close() { isOpen = false; disconnect(); },
  };
}
