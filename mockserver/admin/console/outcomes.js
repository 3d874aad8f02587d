// The view of outcomes: a checklist of the contract, with how to meet each outcome.

import { admin, adminFile, listen, queryString } from "./api.js";
import { armDialog } from "./arming.js";
import { answersOf, contract, clearCache, outcomesOf } from "./contract.js";
import { Answers, fill, h, icon, throttled, uniqueId } from "./dom.js";
import { prettyJson } from "./exact_json.js";
import { viewJson } from "./json_view.js";
import { attempt, button, selectBox, copyText, errorState, loadingState, emptyState, saveFile, sourceBadge, statusBadge } from "./widgets.js";
import { routeUrl, changeRoute, currentRoute } from "./route.js";
import { t } from "./translations.js";
import { adviceNotice, faultName, hasWords, howText, noteNotice, placePath, reasonText, restText } from "./wording.js";

/** The view of outcomes. */
export function outcomes(main, reportState) {
  const params = () => currentRoute().params;
  let sandbox = params().sandbox;
  let disconnect = () => {};
  let isOpen = true;
  const answers = new Answers();
  let items = new Map();
  let listKey = "";
  const bars = h("div", { class: "bars" });
  const list = h("div", { class: "outcome-groups" });
  const behaviour = h("div", {});
  const show = selectBox([["", t("outcomes.all")], ["open", t("outcomes.open")], ["met", t("outcomes.met")]], params().show ?? "", { "aria-label": t("outcomes.which") });
  show.addEventListener("change", () => changeRoute({ show: show.value }));
  const search = h("input", { type: "search", class: "grow", placeholder: t("outcomes.search"), "aria-label": t("outcomes.search"), value: params().text ?? "" });
  search.addEventListener("input", () => changeRoute({ text: search.value.trim() }));
  const allSandboxes = h("input", { type: "checkbox" });
  allSandboxes.addEventListener("change", () => changeRoute({ all: allSandboxes.checked ? "1" : "" }));

  fill(main,
    h("div", { class: "view-head" }, h("h1", {}, t("outcomes.title")), h("span", { class: "spread" }), bars, button(t("outcomes.page"), savePage, { name: "download" })),
    h("div", { class: "filters" }, search, show, h("label", { class: "tick" }, allSandboxes, h("span", {}, t("outcomes.every")))),
    list, behaviour);
  fill(list, loadingState());

  function savePage() {
    return attempt(async () => saveFile(await adminFile(`coverage${queryString({ format: "html", all: params().all ? "true" : "" })}`, { sandbox }), "coverage.html"));
  }

  async function refresh() {
    await answers.ask(load, draw, (error) => {
      listKey = "";
      fill(list, errorState(error, refresh));
    });
  }

  async function load() {
    const [found, known] = await Promise.all([admin(`coverage${queryString({ all: params().all ? "true" : "" })}`, { sandbox }), contract()]);
    if (found.contract !== known.contract) clearCache();
    const served = found.contract === known.contract ? known : await contract();
    return { coverage: { ...found, scenarios: await outcomesOf(found) }, served };
  }

  function draw({ coverage, served }) {
    const wantedKey = JSON.stringify([coverage.contract, sandbox, coverage.scenarios.map((one) => one.scenario)]);
    if (wantedKey !== listKey) {
      listKey = wantedKey;
      drawList(coverage.scenarios, served);
    }
    fill(bars, ...["documented", "assumed"].map((name) => {
      const { met, of } = coverage[name];
      const id = uniqueId("bar");
      return h("div", { class: "bar" }, h("label", { for: id }, t(`outcomes.${name}`), " ", h("strong", {}, t("outcomes.of", { met, of }))), h("progress", { id, max: of || 1, value: met }));
    }));
    for (const one of coverage.scenarios) items.get(`${one.operation} ${one.scenario}`)?.update(one);
    drawBehaviour(coverage.behaviour);
    filter();
  }

  function drawList(scenarios, served) {
    items = new Map();
    const groups = new Map();
    for (const one of scenarios) {
      groups.set(one.code, [...(groups.get(one.code) ?? []), one]);
    }
    const several = served.operations.length > 1;
    const rank = ([code, members]) => (code === "" ? 0 : members.some((one) => one.source === "documented") ? 1 : 2);
    const ordered = [...groups].sort((one, other) => rank(one) - rank(other) || Number(one[0]) - Number(other[0]) || one[0].localeCompare(other[0]));
    fill(list, ...ordered.map(([code, members]) => {
      const id = uniqueId("group");
      return h("section", { class: "outcome-group", "aria-labelledby": id },
        h("h2", { id }, title(code, members), h("span", { class: "dim count" })),
        h("ul", { class: "outcome-list" }, ...members.map((one) => {
          const item = outcome(one, served.operations.find((each) => each.operation === one.operation), several);
          items.set(`${one.operation} ${one.scenario}`, item);
          return item.node;
        })));
    }));
  }

  function title(code, members) {
    if (code === "") return t("outcomes.success");
    return members.some((one) => one.error.code !== undefined) ? t("outcomes.code", { code }) : t("outcomes.status", { status: code });
  }

  function outcome(one, operation, several) {
    const mark = h("span", { class: "mark-met" });
    const count = h("span", { class: "met-count dim" });
    const inside = h("div", { class: "outcome-body" });
    let built = false;
    const details = h("details", { on: { toggle: () => {
      if (details.open && !built) {
        built = true;
        body(inside, one, operation);
      }
    } } },
    h("summary", {}, mark,
      h("span", { class: "outcome-name" }, h("strong", {}, one.scenario), several ? h("span", { class: "dim mono" }, one.operation) : null, one.heading ? h("span", { class: "dim", lang: "en", title: t("entry.heading") }, one.heading) : null, reasonText(one) ? h("span", { class: "dim" }, reasonText(one)) : null,
        one.verified ? h("span", { class: "dim" }, t(`outcomes.verified.${one.verified.result}`, one.verified)) : null),
      sourceBadge(one), statusBadge(one.status), count), inside);
    const node = h("li", { class: "outcome", }, details);
    node.hasWords = (text) => hasWords(one, text);
    return {
      node,
      update(fresh) {
        node.classList.toggle("met", fresh.met > 0);
        node.dataset.met = String(fresh.met > 0);
        fill(mark, icon(fresh.met ? "check" : "circle"), h("span", { class: "sr" }, t(fresh.met ? "outcomes.is.met" : "outcomes.not.met")));
        count.textContent = fresh.met ? t("outcomes.times", { count: fresh.met }) : "";
      },
    };
  }

  async function body(inside, one, operation) {
    const header = `Mock-Scenario: ${one.scenario}`;
    const copyButton = (name, value) => button(t(`outcomes.copy.${name}`), () => copyText(value), { name: "copy", kind: "small" });
    const wayRow = (name, text, ...more) => h("div", { class: "way" }, h("dt", {}, t(`outcomes.by.${name}`)), h("dd", {}, h("span", { class: "mono" }, text), " ", ...more));
    const answer = h("div", {});
    fill(inside,
      one.note ? noteNotice(one) : null,
      adviceNotice(one),
      h("h3", {}, t("outcomes.how")),
      h("dl", { class: "ways" }, wayRow("values", howText(one), restText(one), " ", copyButton("values", one.curl), " ", one.body ? copyButton("body", prettyJson(one.body)) : null), wayRow("header", header, copyButton("header", header))),
      h("div", { class: "actions" },
        button(t("outcomes.arm"), () => armDialog({ scenario: one.scenario, operation: one.operation, sandbox }), { name: "target", kind: "primary" }),
        h("a", { class: "button", href: routeUrl("try", { example: one.scenario, operation: one.operation }) }, icon("try"), h("span", {}, t("outcomes.try")))),
      answer);
    let answerValue = one.error;
    try {
      answerValue = (await answersOf(operation))[one.scenario] ?? answerValue;
    } catch { /* the error object alone is shown */ }
    if (answerValue) fill(answer, h("h3", {}, t("outcomes.answer")), viewJson(answerValue, [], t("outcomes.answer")).node);
  }

  function drawBehaviour(behaviourCounts) {
    const lines = [
      ...behaviourCounts.retries.map((one) => t(Math.round(one.shortest_ms) === Math.round(one.longest_ms) && one.count > 1 ? "behaviour.retries.same" : "behaviour.retries", { ...one, fault: one.fault ? t("behaviour.fault", { fault: faultName(one.fault) }) : "", after: one.after, shortest: Math.round(one.shortest_ms), longest: Math.round(one.longest_ms) })),
      behaviourCounts.sent_again_after_answer_lost ? t("behaviour.lost", { count: behaviourCounts.sent_again_after_answer_lost }) : "",
      behaviourCounts.secrets_in_url ? t("behaviour.secrets", { count: behaviourCounts.secrets_in_url }) : "",
      ...Object.entries(behaviourCounts.malformed).map(([pointer, count]) => t(pointer ? "behaviour.malformed" : "behaviour.unreadable", { place: pointer === "other" ? t("behaviour.elsewhere") : placePath(pointer), count })),
    ].filter(Boolean);
    fill(behaviour, lines.length ? h("section", { class: "panel", "aria-labelledby": "behaviour-title" }, h("h2", { id: "behaviour-title" }, t("behaviour.title")), h("ul", { class: "bullets" }, ...lines.map((line) => h("li", {}, line)))) : null);
  }

  const empty = emptyState("outcomes", t("outcomes.none"), t("outcomes.none.text"));
  function filter() {
    const kind = params().show ?? "";
    const text = params().text ?? "";
    let count = 0;
    for (const group of list.querySelectorAll(".outcome-group")) {
      const members = [...group.querySelectorAll(".outcome")];
      for (const node of members) node.hidden = (kind && (node.dataset.met === "true") !== (kind === "met")) || !node.hasWords(text);
      const some = members.filter((node) => !node.hidden).length;
      group.hidden = !some;
      group.querySelector(".count").textContent = some === members.length ? t("outcomes.count", { count: some }) : t("outcomes.some", { some, count: members.length });
      count += some;
    }
    if (!count) list.append(empty);
    else empty.remove();
  }

  const refreshSoon = throttled(() => { if (isOpen) refresh(); }, 2_000);
  function connect() {
    disconnect();
    disconnect = listen({ all: params().all ? "true" : "" }, sandbox, { onOpen: refresh, onEntry: refreshSoon, onLost: refreshSoon, onState: (name, error) => {
      reportState(name, error);
      if (!listKey && (name === "refused" || name === "away")) fill(list, errorState(error ?? { message: t("error.unreachable") }, connect));
    } });
  }

  let routeKey = "";
  function update({ params }) {
    if (search.value.trim() !== (params.text ?? "")) search.value = params.text ?? "";
    show.value = params.show ?? "";
    allSandboxes.checked = Boolean(params.all);
    const wantedKey = JSON.stringify([params.sandbox, params.all ?? ""]);
    if (wantedKey === routeKey) filter();
    else {
      routeKey = wantedKey;
      answers.forget();
      if (params.sandbox !== sandbox) {
        sandbox = params.sandbox;
        listKey = "";
        fill(bars);
        fill(behaviour);
        fill(list, loadingState());
      }
      connect();
    }
  }
  update(currentRoute());
  return { update, close() { isOpen = false; disconnect(); } };
}
