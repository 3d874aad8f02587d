// Faults and delays for the next requests, and all that is armed.

import { admin, listen } from "./api.js";
import { aim, arm, armedText } from "./arming.js";
import { contract, faultKinds } from "./facts.js";
import { fill, h, paced, steady, unique } from "./dom.js";
import { attempt, button, choice, failed, field, form, loading, nothing, tick } from "./parts.js";
import { place } from "./place.js";
import { has, t } from "./words.js";

const DELAYS = {
  none: [],
  fixed: [["fixed", "1500ms"]],
  uniform: [["from", "200ms"], ["to", "2s"]],
  lognormal: [["median", "300ms"], ["sigma", "0.5"], ["cap", "5s"]],
};

/** The view. */
export function faults(main, tell) {
  let sandbox = place().params.sandbox;
  let stop = () => {};
  let on = true;
  const list = h("div", { class: "armed-list" });
  const maker = h("div", {});

  fill(main,
    h("div", { class: "view-head" }, h("h1", {}, t("faults.title"))),
    h("p", { class: "lead" }, t("faults.about")),
    h("div", { class: "columns" },
      h("section", { class: "panel", "aria-label": t("faults.new") }, maker),
      h("section", { class: "panel", "aria-labelledby": "armed-title" }, h("h2", { id: "armed-title" }, t("faults.armed")), list)));
  fill(maker, loading());
  fill(list, loading());

  async function armed() {
    try {
      const found = (await admin("armed", { sandbox, exact: true })).armed;
      if (!on) return;
      const take = (one) => attempt(() => admin(`armed/${one.id}`, { method: "DELETE", sandbox }), t("arm.taken")).then(armed);
      const all = () => attempt(() => admin("armed", { method: "DELETE", sandbox }), t("arm.taken")).then(armed);
      if (!found.length) fill(list, nothing("target", t("faults.none"), t("faults.none.text")));
      else {
        steady(list, () => fill(list, h("ul", { class: "plain lines" }, ...found.map((one) => h("li", {},
          h("span", { class: "line-text" }, armedText(one)), button(t("faults.take"), () => take(one), { "aria-label": t("arm.take", { what: armedText(one) }) })))),
        h("div", { class: "actions end" }, button(t("faults.take.all"), all, { name: "remove" }))));
      }
    } catch (error) {
      if (on) fill(list, failed(error, armed));
    }
  }

  async function make() {
    try {
      const [kinds, known] = await Promise.all([faultKinds(), contract()]);
      if (on) build([...kinds, { kind: "" }], known.operations);
    } catch (error) {
      if (on) fill(maker, failed(error, make));
    }
  }

  function build(kinds, operations) {
    const name = unique("kind");
    const settings = h("div", { class: "row" });
    const commit = tick(t("faults.commit"));
    const commitLine = h("div", {}, commit.label, h("p", { class: "hint" }, t("faults.commit.hint")));
    const operation = choice(operations.map((one) => [one.operation, `${one.method} ${one.path}`]), operations[0].operation);
    const goal = aim({ operation: operation.value });
    const delay = choice(Object.keys(DELAYS).map((one) => [one, t(`delay.${one}`)]), "none");
    const delays = h("div", { class: "row" });
    let chosen = kinds[0];
    let controls = {};
    let delayControls = {};

    function kind(one) {
      chosen = one;
      controls = {};
      commitLine.hidden = !one.kind;
      if (!one.kind && delay.value === "none") {
        delay.value = "fixed";
        lag();
      }
      fill(settings, ...Object.entries(one).filter(([member]) => member !== "kind").map(([member, value]) => {
        const label = has(`setting.${member}`) ? t(`setting.${member}`) : member;
        if (typeof value === "boolean") {
          const flag = tick(label, { checked: value });
          controls[member] = () => flag.box.checked;
          return flag.label;
        }
        const input = h("input", { type: "number", min: "0", step: "any", value: value === null ? "" : String(value), class: "short" });
        controls[member] = () => (input.value === "" ? undefined : Number(input.value));
        return field(label, input);
      }));
    }

    function lag() {
      delayControls = {};
      fill(delays, ...DELAYS[delay.value].map(([member, value]) => {
        const input = h("input", { type: "text", value, required: true, class: "short mono" });
        delayControls[member] = () => (member === "sigma" ? Number(input.value) : input.value.trim());
        return field(t(`delay.${member}`), input);
      }));
    }

    function spec() {
      const wanted = { operation: operation.value, ...goal.spec() };
      if (chosen.kind) {
        const own = Object.fromEntries(Object.entries(controls).map(([member, read]) => [member, read()]).filter(([, value]) => value !== undefined));
        wanted.fault = { kind: chosen.kind, ...own };
        wanted.commit = commit.box.checked;
      }
      const values = Object.fromEntries(Object.entries(delayControls).map(([member, read]) => [member, read()]));
      if (delay.value === "fixed") wanted.delay = values.fixed;
      if (delay.value === "uniform") wanted.delay = { uniform: [values.from, values.to] };
      if (delay.value === "lognormal") wanted.delay = { lognormal: values };
      return wanted;
    }

    const tiles = kinds.map((one, index) => {
      const id = unique("tile");
      const about = one.kind ? `fault.${one.kind}` : "fault.delay";
      const radio = h("input", { type: "radio", name, id, checked: index === 0, on: { change: () => kind(one) } });
      return h("label", { class: "tile", for: id }, radio, h("span", {}, h("strong", { class: one.kind ? "mono" : "" }, one.kind || t("faults.delay.only")), has(about) ? h("span", { class: "dim" }, t(about)) : null));
    });
    delay.addEventListener("change", lag);
    kind(kinds[0]);
    fill(maker, form(async () => { if (await arm(spec(), sandbox)) armed(); },
      h("fieldset", { class: "bare" }, h("legend", {}, t("faults.kind")), h("div", { class: "tiles" }, ...tiles)),
      settings, commitLine,
      h("div", { class: "row" }, field(t("delay"), delay), delays),
      operations.length > 1 ? field(t("operation"), operation) : null,
      ...goal.nodes,
      h("div", { class: "actions sticky" }, h("button", { type: "submit", class: "button primary" }, t("faults.do")))));
  }

  const soon = paced(armed, 300);
  function begin() {
    stop();
    stop = listen({}, sandbox, { opened: armed, came: soon, lost: soon, state: (name, error) => {
      tell(name, error);
      if ((name === "refused" || name === "away") && list.querySelector(".loading")) fill(list, failed(error ?? { message: t("error.unreachable") }, begin));
    } });
  }

  make();
  begin();
  return {
    update({ params }) {
      if (params.sandbox === sandbox) return;
      sandbox = params.sandbox;
      begin();
    },
    close() { on = false; stop(); },
  };
}
