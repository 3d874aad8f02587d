// All outcomes of the contract as a checklist: what each says, how to meet it, whether it was met, and what is armed.

import { admin, listen, query } from "./api.js";
import { aim, arm, armedChip } from "./arming.js";
import { answersOf, contract, forget } from "./facts.js";
import { fill, h, icon, paced, steady, unique } from "./dom.js";
import { viewJson } from "./json.js";
import { button, choice, copy, failed, form, loading, notice, nothing, sourceBadge, statusBadge } from "./parts.js";
import { address, change, place } from "./place.js";
import { t } from "./words.js";

const codeOf = (one) => (one.error && Object.keys(one.error).length ? String(one.error.code ?? one.status) : "");

/** The view. */
export function outcomes(main, tell) {
  const now = () => place().params;
  let sandbox = now().sandbox;
  let stop = () => {};
  let on = true;
  let items = new Map();
  let shape = "";
  const bars = h("div", { class: "bars" });
  const list = h("div", { class: "outcome-groups" });
  const behaviour = h("div", {});
  const show = choice([["", t("outcomes.all")], ["open", t("outcomes.open")], ["met", t("outcomes.met")], ["armed", t("outcomes.armed")]], now().show ?? "", { "aria-label": t("outcomes.which") });
  show.addEventListener("change", () => change({ show: show.value }));
  const every = h("input", { type: "checkbox" });
  every.addEventListener("change", () => change({ all: every.checked ? "1" : "" }));

  fill(main,
    h("div", { class: "view-head" }, h("h1", {}, t("outcomes.title")), h("span", { class: "spread" }), bars),
    h("div", { class: "filters" }, show, h("label", { class: "tick" }, every, h("span", {}, t("outcomes.every")))),
    list, behaviour);
  fill(list, loading());

  async function refresh() {
    try {
      const [covered, armed, known] = await Promise.all([
        admin(`coverage${query({ all: now().all ? "true" : "" })}`, { sandbox }), admin("armed", { sandbox, exact: true }), contract()]);
      if (!on) return;
      if (covered.contract !== known.contract) forget();
      draw(covered, armed.armed, covered.contract === known.contract ? known : await contract());
    } catch (error) {
      if (!on) return;
      shape = "";
      fill(list, failed(error, refresh));
    }
  }

  function draw(covered, armed, known) {
    const wanted = JSON.stringify([covered.contract, sandbox, covered.scenarios.map((one) => one.scenario)]);
    if (wanted !== shape) {
      shape = wanted;
      build(covered.scenarios, known);
    }
    fill(bars, ...["documented", "assumed"].map((name) => {
      const { met, of } = covered[name];
      const id = unique("bar");
      return h("div", { class: "bar" }, h("label", { for: id }, t(`source.${name}`), " ", h("strong", {}, t("outcomes.of", { met, of }))), h("progress", { id, max: of || 1, value: met }));
    }));
    for (const one of covered.scenarios) items.get(`${one.operation} ${one.scenario}`)?.update(one, armed.filter((each) => each.operation === one.operation && named(each).includes(one.scenario)));
    drawBehaviour(covered.behaviour);
    filter();
  }

  const named = (one) => [one.scenario, ...(one.responses ?? []).map((each) => each.scenario)];

  function build(scenarios, known) {
    items = new Map();
    const groups = new Map();
    for (const one of scenarios) {
      const code = codeOf(one);
      groups.set(code, [...(groups.get(code) ?? []), one]);
    }
    const several = known.operations.length > 1;
    const rank = ([code, members]) => (code === "" ? 0 : members.some((one) => one.source === "documented") ? 1 : 2);
    const ordered = [...groups].sort((one, other) => rank(one) - rank(other) || Number(one[0]) - Number(other[0]) || one[0].localeCompare(other[0]));
    fill(list, ...ordered.map(([code, members]) => {
      const id = unique("group");
      return h("section", { class: "outcome-group", "aria-labelledby": id },
        h("h2", { id }, title(code, members), h("span", { class: "dim count" }, t("outcomes.count", { count: members.length }))),
        h("ul", { class: "outcome-list" }, ...members.map((one) => {
          const item = outcome(one, known.operations.find((each) => each.operation === one.operation), several);
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
    const chips = h("div", { class: "chips" });
    const inside = h("div", { class: "outcome-body" });
    let built = false;
    const details = h("details", { on: { toggle: () => {
      if (details.open && !built) {
        built = true;
        body(inside, one, operation);
      }
    } } },
    h("summary", {}, mark,
      h("span", { class: "outcome-name" }, h("strong", {}, one.scenario), several ? h("span", { class: "dim mono" }, one.operation) : null, one.heading ? h("span", { class: "dim" }, one.heading) : null),
      sourceBadge(one.source), statusBadge(one.status), count), inside);
    const node = h("li", { class: "outcome" }, details, chips);
    return {
      node,
      update(fresh, armed) {
        node.classList.toggle("met", fresh.met > 0);
        node.dataset.met = String(fresh.met > 0);
        node.dataset.armed = String(armed.length > 0);
        fill(mark, icon(fresh.met ? "check" : "circle"), h("span", { class: "sr" }, t(fresh.met ? "outcomes.is.met" : "outcomes.not.met")));
        count.textContent = fresh.met ? t("outcomes.times", { count: fresh.met }) : "";
        steady(chips, () => fill(chips, ...armed.map((each) => armedChip(each, sandbox, refresh, false))));
      },
    };
  }

  async function body(inside, one, operation) {
    const goal = aim({ operation: one.operation });
    const header = `Mock-Scenario: ${one.scenario}`;
    const way = (name, text, value) => h("div", { class: "way" }, h("dt", {}, t(`outcomes.by.${name}`)), h("dd", {}, h("span", { class: "mono" }, text), " ",
      button(t(`outcomes.copy.${name}`), () => copy(value), { name: "copy", kind: "small" })));
    const answer = h("div", {});
    fill(inside,
      one.note ? notice("info", h("strong", {}, t("entry.note")), " ", one.note) : null,
      h("div", { class: "pair" },
        h("div", {},
          h("h3", {}, t("outcomes.how")),
          h("dl", { class: "ways" }, way("values", one.how, one.curl), way("header", header, header)),
          h("div", { class: "actions" }, h("a", { class: "button", href: address("try", { example: one.scenario, operation: one.operation }) }, icon("try"), h("span", {}, t("outcomes.try"))))),
        form(async () => { if (await arm({ scenario: one.scenario, operation: one.operation, ...goal.spec() }, sandbox)) refresh(); },
          h("h3", {}, t("outcomes.arm")), ...goal.nodes,
          h("div", { class: "actions" }, h("button", { type: "submit", class: "button primary" }, icon("target"), h("span", {}, t("outcomes.arm.do")))))),
      answer);
    let shown = one.error;
    try {
      shown = (await answersOf(operation))[one.scenario] ?? shown;
    } catch { /* the error object alone is shown */ }
    if (shown) fill(answer, h("h3", {}, t("outcomes.answer")), viewJson(shown, [], t("outcomes.answer")).node);
  }

  function drawBehaviour(told) {
    const lines = [
      ...told.retries.map((one) => t(Math.round(one.shortest_ms) === Math.round(one.longest_ms) && one.count > 1 ? "behaviour.retries.same" : "behaviour.retries", { ...one, fault: one.fault ? ` (${one.fault})` : "", after: one.after, shortest: Math.round(one.shortest_ms), longest: Math.round(one.longest_ms) })),
      told.sent_again_after_answer_lost ? t("behaviour.lost", { count: told.sent_again_after_answer_lost }) : "",
      told.secrets_in_url ? t("behaviour.secrets", { count: told.secrets_in_url }) : "",
      ...Object.entries(told.malformed).map(([pointer, count]) => t(pointer ? "behaviour.malformed" : "behaviour.unreadable", { pointer, count })),
    ].filter(Boolean);
    fill(behaviour, lines.length ? h("section", { class: "panel", "aria-labelledby": "behaviour-title" }, h("h2", { id: "behaviour-title" }, t("behaviour.title")), h("ul", { class: "bullets" }, ...lines.map((line) => h("li", {}, line)))) : null);
  }

  const empty = nothing("outcomes", t("outcomes.none"), t("outcomes.none.text"));
  function filter() {
    const kind = now().show ?? "";
    let count = 0;
    for (const group of list.querySelectorAll(".outcome-group")) {
      let some = false;
      for (const node of group.querySelectorAll(".outcome")) {
        const fits = !kind || (kind === "armed" ? node.dataset.armed : String((node.dataset.met === "true") === (kind === "met"))) === "true";
        node.hidden = !fits;
        some ||= fits;
      }
      group.hidden = !some;
      count += some;
    }
    if (!count) list.append(empty);
    else empty.remove();
  }

  const soon = paced(refresh, 2_000);
  function begin() {
    stop();
    stop = listen({ all: now().all ? "true" : "" }, sandbox, { opened: refresh, came: soon, lost: soon, state: (name, error) => {
      tell(name, error);
      if (!shape && (name === "refused" || name === "away")) fill(list, failed(error ?? { message: t("error.unreachable") }, begin));
    } });
  }

  let key = "";
  function update({ params }) {
    show.value = params.show ?? "";
    every.checked = Boolean(params.all);
    const wanted = JSON.stringify([params.sandbox, params.all ?? ""]);
    if (wanted === key) filter();
    else {
      key = wanted;
      sandbox = params.sandbox;
      begin();
    }
  }
  update(place());
  return { update, close() { on = false; stop(); } };
}
