// The view of test values: on one page, what to send for each outcome, with buttons to copy it.

import { admin, listen } from "./api.js";
import { armDialog } from "./arming.js";
import { outcomesOf } from "./contract.js";
import { Answers, fill, h } from "./dom.js";
import { prettyJson, shown } from "./exact_json.js";
import { button, copyText, emptyState, errorState, iconButton, loadingState } from "./widgets.js";
import { changeRoute, currentRoute } from "./route.js";
import { t } from "./translations.js";
import { hasWords, howText, reasonText, restText, titleText, valueText } from "./wording.js";

/** The view of test values. */
export function testValues(main, reportState) {
  const params = () => currentRoute().params;
  let sandbox = params().sandbox;
  let disconnect = () => {};
  let rows = [];
  const answers = new Answers();
  const search = h("input", { type: "search", class: "grow", placeholder: t("values.search"), "aria-label": t("values.search"), value: params().text ?? "" });
  const list = h("div", {});
  fill(main,
    h("div", { class: "view-head" }, h("h1", {}, t("values.title"))),
    h("p", { class: "lead" }, t("values.about")),
    h("div", { class: "filters" }, search), list);
  search.addEventListener("input", () => { changeRoute({ text: search.value.trim() }); });

  async function load() {
    await answers.ask(async () => outcomesOf(await admin("coverage", { sandbox })), (found) => {
      rows = found;
      draw();
    }, (error) => fill(list, errorState(error, load)));
  }

  function connect() {
    disconnect();
    fill(list, loadingState());
    disconnect = listen({}, sandbox, { onOpen: load, onEntry: () => {}, onLost: () => {}, onState: (name, error) => {
      reportState(name, error);
      if ((name === "refused" || name === "away") && list.querySelector(".loading")) fill(list, errorState(error ?? { message: t("error.unreachable") }, connect));
    } });
  }

  function draw() {
    const found = rows.filter((one) => hasWords(one, params().text ?? ""));
    if (!found.length) {
      fill(list, emptyState("outcomes", t("outcomes.none"), t("arm.none.text")));
      return;
    }
    fill(list, h("ul", { class: "plain panel values" }, ...found.map(line)));
  }

  function valueToSend({ at, value }) {
    const copied = value ? shown(value) : "";
    return h("span", { class: "value-sent" }, h("span", {}, `${at} `, h("span", { class: "unbroken" }, valueText(value))),
      copied ? iconButton(t("values.copy", { value: copied }), "copy", () => copyText(copied)) : null);
  }

  const copyButton = (what, text, name) => button(t(`outcomes.copy.${what}`), () => copyText(text), { kind: "small", name: "copy", "aria-label": `${t(`outcomes.copy.${what}`)}: ${name}` });

  function line(one) {
    const name = `${one.code || one.status} ${one.scenario}`;
    const how = one.values.length ? one.values.map(valueToSend) : [howText(one)];
    const header = `Mock-Scenario: ${one.scenario}`;
    return h("li", { class: "value-line" },
      h("span", { class: "badge code" }, one.code || String(one.status ?? "")),
      h("span", { class: "choice-text" }, titleText(one), reasonText(one) ? h("span", {}, reasonText(one)) : null, one.heading ? h("span", { class: "dim mono" }, one.scenario) : null),
      h("span", { class: "value-how" }, h("span", { class: "mono" }, ...how), restText(one)),
      h("span", { class: "actions" },
        copyButton("values", one.curl, name),
        one.body ? copyButton("body", prettyJson(one.body), name) : null,
        copyButton("header", header, name),
        button(t("arm.do"), () => armDialog({ scenario: one.scenario, operation: one.operation, sandbox }), { kind: "small", name: "target", "aria-label": `${t("arm.do")}: ${name}` })));
  }

  connect();
  return {
    update({ params: next }) {
      if (search.value.trim() !== (next.text ?? "")) search.value = next.text ?? "";
      if (next.sandbox !== sandbox) {
        sandbox = next.sandbox;
        answers.forget();
        rows = []; // a curl line names its sandbox
        connect();
      } else if (rows.length) draw();
    },
    close() { disconnect(); },
  };
}
