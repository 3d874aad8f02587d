// The dialog that arms an answer: an error by its code, a success, a fault or a delay, for the next matching requests.

import { armingForm } from "./arming_form.js";
import { catalogue, contract, faultKinds } from "./contract.js";
import { busyWhile, fill, h, icon } from "./dom.js";
import { arm } from "./next_answers.js";
import { hasWords, reasonText, textHasWords, titleText } from "./wording.js";
import { button, dialog, emptyState, errorState, form, iconButton, loadingState } from "./widgets.js";
import { t, textOr } from "./translations.js";

/** An answer to choose: `code` and `title` to read, `text` to search, and the `spec` that arms it. */
function outcomeChoice(one, several) {
  return {
    code: one.code || String(one.status ?? ""), title: one.heading ?? one.scenario, node: [titleText(one), reasonText(one) ? h("span", {}, reasonText(one)) : null], has: (text) => hasWords(one, text), name: [one.scenario, several ? one.operation : ""].filter(Boolean).join(" · "),
    group: one.code ? "errors" : "successes", spec: { scenario: one.scenario, operation: one.operation },
  };
}

function faultChoice(fault) {
  const isDelay = !fault.kind;
  const about = isDelay ? "fault.delay" : `fault.${fault.kind}`;
  return { code: isDelay ? t("delay") : textOr(`fault.name.${fault.kind}`, fault.kind), title: textOr(about, fault.kind), name: fault.kind, group: "faults", fault, spec: isDelay ? null : { fault: fault.kind } };
}

/** The answer that is lost once the request has changed what it changes, of the kinds of faults. */
function lostChoice(kinds) {
  const reset = kinds.find((one) => one.kind === "reset");
  return reset ? [{ ...faultChoice(reset), code: t("fault.name.lost"), title: t("fault.lost"), name: "reset, commit", spec: { fault: "reset", commit: true } }] : [];
}

/** Codes of few outcomes first: those of many would hide them. */
function byCode(outcomes) {
  const count = (one) => outcomes.filter((other) => other.code === one.code).length;
  return [...outcomes].sort((one, other) => count(one) - count(other) || one.code.localeCompare(other.code, undefined, { numeric: true }));
}

/** Shows the dialog; with a `scenario` its settings at once. */
export async function armDialog({ sandbox, scenario, operation, body }) {
  await dialog(t("arm.title"), (close) => {
    const area = h("div", { class: "arming" });
    fill(area, loadingState());
    const load = async () => {
      try {
        const [outcomes, kinds, { operations }] = await Promise.all([catalogue(), faultKinds(), contract()]);
        const several = operations.length > 1;
        const choices = [...byCode(outcomes).map((one) => outcomeChoice(one, several)), ...lostChoice(kinds), ...[...kinds, { kind: "" }].map(faultChoice)];
        const chosen = scenario && (choices.find((one) => one.spec?.scenario === scenario && one.spec.operation === operation)
          ?? { code: "", title: scenario, name: "", spec: { scenario, operation } });
        const showList = () => drawList(choices, operations);
        const showSettings = (choice) => drawSettings(choice, operations, showList);
        area.showSettings = showSettings;
        if (chosen) showSettings(chosen);
        else showList();
      } catch (error) {
        fill(area, errorState(error, load));
      }
    };

    function drawList(choices, operations) {
      const search = h("input", { type: "search", placeholder: t("arm.search"), "aria-label": t("arm.search"), autocomplete: "off" });
      const groups = h("div", { class: "choices" });
      const armNow = busyWhile(area, async (choice) => { if (await arm({ operation: operations[0].operation, ...choice.spec }, sandbox)) close(true); });
      const isWhole = ({ spec }) => spec && (spec.operation || operations.length === 1); // otherwise the operation is to be chosen
      const row = (choice) => h("li", { class: "choice" },
        h("button", { type: "button", class: "choice-main", on: { click: () => (isWhole(choice) ? armNow(choice) : area.showSettings(choice)) } },
          h("span", { class: "badge code" }, choice.code), h("span", { class: "choice-text" }, choice.node ?? h("strong", {}, choice.title), ![choice.code, choice.title, ""].includes(choice.name) ? h("span", { class: "dim mono" }, choice.name) : null)),
        iconButton(t("arm.settings", { what: [...new Set([choice.code, choice.name || choice.title])].join(" ") }), "edit", () => area.showSettings(choice)));
      const draw = () => {
        const found = choices.filter((one) => one.has?.(search.value) ?? textHasWords(`${one.code} ${one.title} ${one.name}`, search.value));
        fill(groups, ...["errors", "faults", "successes"].map((group) => {
          const members = found.filter((one) => one.group === group);
          return members.length ? [h("h3", {}, t(`arm.${group}`)), h("ul", { class: "plain" }, ...members.map(row))] : null;
        }), found.length ? null : emptyState("target", t("arm.none"), t("arm.none.text")));
      };
      search.addEventListener("input", draw);
      search.addEventListener("keydown", (event) => {
        const found = groups.querySelectorAll(".choice-main");
        if (event.key === "Enter" && found.length === 1) found[0].click();
      });
      draw();
      fill(area, h("p", { class: "dim" }, t("arm.about")), search, groups, h("div", { class: "actions end" }, button(t("cancel"), () => close(null))));
      search.focus();
    }

    function drawSettings(choice, operations, back) {
      const settings = armingForm({ choice, operations, body });
      fill(area, form(async () => {
        const spec = settings.spec();
        if (spec && await arm(spec, sandbox)) close(true);
      },
        h("p", { class: "choice-title" }, choice.code ? h("span", { class: "badge code" }, choice.code) : null, h("strong", {}, choice.title), ![choice.code, choice.title, ""].includes(choice.name) ? h("span", { class: "dim mono" }, choice.name) : null),
        ...settings.nodes,
        h("div", { class: "actions end" }, button(t("arm.others"), back, { name: "back" }), h("button", { type: "submit", class: "button primary" }, icon("target"), h("span", {}, t("arm.do"))))));
      area.querySelector("button[type=submit]").focus();
    }
    load();
    return [h("p", { class: "dim" }, `${t("sandbox")}: `, h("strong", {}, sandbox || t("sandbox.default"))), area];
  });
}
