// Try it: a request made from the contract's schema and examples, sent to the real endpoint, its answer explained.

import { admin, listen, query, urlOf } from "./api.js";
import { contract, bodySchema, examplesOf, home, parametersOf } from "./facts.js";
import { curl } from "./curl.js";
import { explanation } from "./entry.js";
import { fill, h, icon } from "./dom.js";
import { bodyForm } from "./fields.js";
import { viewJson } from "./json.js";
import { parse } from "./numbers.js";
import { button, choice, copy, failed, field, form, loading, notice, nothing, statusBadge } from "./parts.js";
import { address, change, place } from "./place.js";
import { t } from "./words.js";

/** The view. */
export function attempts(main, tell) {
  const now = () => place().params;
  let sandbox = now().sandbox;
  let stop = () => {};
  let on = true;
  let known = null;
  let chosen = null;
  let key = null;
  const maker = h("div", {});
  const result = h("div", { class: "stack", "aria-live": "polite" });

  fill(main,
    h("div", { class: "view-head" }, h("h1", {}, t("try.title"))),
    h("p", { class: "lead" }, t("try.about")),
    h("div", { class: "columns even" }, h("section", { class: "panel", "aria-label": t("try.request") }, maker), h("section", { class: "beside", tabindex: "-1", "aria-label": t("try.answer") }, result)));
  fill(maker, loading());
  fill(result, h("div", { class: "panel" }, nothing("try", t("try.nothing"), t("try.nothing.text"))));

  async function make() {
    const wanted = JSON.stringify([now().operation ?? "", now().example ?? ""]);
    if (wanted === key) return;
    key = wanted;
    try {
      known = await contract();
      chosen = known.operations.find((one) => one.operation === now().operation) ?? known.operations[0];
      const [schema, examples, parameters, scenarios] = await Promise.all([
        bodySchema(chosen), examplesOf(chosen), parametersOf(chosen), admin(`scenarios${query({ operation: chosen.operation })}`, { sandbox })]);
      if (on && wanted === key) build(schema, examples, parameters, scenarios.scenarios);
    } catch (error) {
      key = null;
      if (on) fill(maker, failed(error, make));
    }
  }

  function build(schema, examples, parameters, scenarios) {
    const operations = choice(known.operations.map((one) => [one.operation, `${one.method} ${one.path}`]), chosen.operation);
    operations.addEventListener("change", () => change({ operation: operations.value, example: "" }));
    const picked = examples.find((one) => one.name === now().example) ?? (now().example === "-" ? null : usual(examples, scenarios));
    const example = choice([["", t("try.example.none")], ...examples.map((one) => [one.name, one.summary && one.summary !== one.name ? `${one.name} — ${one.summary}` : one.name])], picked?.name ?? "");
    example.addEventListener("change", () => change({ example: example.value || "-" }));
    const body = schema ? bodyForm(schema, picked?.value ?? {}) : null;
    const inputs = parameters.map((one) => {
      const input = h("input", { type: "text", class: "mono", required: one.required, autocomplete: "off", value: String(one.example ?? "") });
      return { ...one, input };
    });
    const forced = choice([["", t("try.forced.none")], ...scenarios.map((one) => [one.scenario, one.scenario])], "");
    const delay = h("input", { type: "text", class: "mono short", placeholder: "1500ms", autocomplete: "off" });
    const request = () => made(body, inputs, { "Mock-Scenario": forced.value, "Mock-Delay": delay.value.trim() });
    const go = h("button", { type: "submit", class: "button primary" }, icon("try"), h("span", {}, t("try.send")));
    const apart = known.apart;
    fill(maker, form(async () => {
      if (apart) return;
      go.disabled = true;
      try {
        await send(request());
      } finally {
        go.disabled = false;
      }
    },
    apart ? notice("info", t("try.elsewhere")) : null,
    known.operations.length > 1 ? field(t("operation"), operations) : h("p", { class: "mono endpoint" }, `${chosen.method} ${apart ? home(known) : ""}${urlOf(chosen.path, sandbox)}`),
    examples.length ? field(t("try.example"), example) : null,
    inputs.length ? h("div", { class: "row" }, ...inputs.map((one) => field(one.name, one.input, one.description))) : null,
    body?.node,
    h("details", {}, h("summary", {}, t("try.more")), h("div", { class: "row" }, field(t("try.forced"), forced), field(t("try.delay"), delay))),
    h("div", { class: "actions sticky" }, apart ? null : go, button(t("entry.curl"), () => copy(curl(command(request()))), { name: "copy", kind: apart ? "primary" : "" }))));
  }

  /** The example to begin with: of the outcome without an error that comes last, as the order of checks ends in it. */
  function usual(examples, scenarios) {
    const changing = scenarios.filter((one) => one.changes.length).map((one) => one.scenario);
    return examples.filter((one) => changing.includes(one.name)).pop() ?? examples[0] ?? null;
  }

  /** What is to be sent, as the form says. */
  function made(body, inputs, more) {
    let { path } = chosen;
    const asked = {};
    for (const { name, place: where, input } of inputs) {
      if (where === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value));
      else if (input.value !== "") asked[name] = input.value;
    }
    const headers = Object.fromEntries(Object.entries(more).filter(([, value]) => value));
    const sent = body?.text();
    if (sent !== undefined) headers["Content-Type"] = "application/json";
    return { method: chosen.method, path: urlOf(path, sandbox) + query(asked), headers, body: sent };
  }

  const command = ({ method, path, headers, body }) => ({
    method, url: home(known) + path, headers: Object.entries(headers).map(([name, value]) => ({ name, value })), body: body ?? "",
  });

  async function send({ path, ...how }) {
    fill(result, loading());
    const begun = performance.now();
    let response = null;
    let text = "";
    let failure = "";
    try {
      response = await fetch(path, { ...how, cache: "no-store" });
      text = await response.text();
    } catch (error) {
      failure = error.message;
    }
    const took = performance.now() - begun;
    const entry = await entryOf(response);
    if (!on) return;
    answered({ response, text, failure, took, entry });
    if (result.getBoundingClientRect().top > innerHeight / 2) result.parentElement.scrollIntoView({ block: "start" });
  }

  /** The journal's entry of an answer; of none that came, the newest one. */
  async function entryOf(response) {
    try {
      const id = response?.headers.get("Mock-Entry");
      const { requests } = await admin(`requests${query({ all: "true", limit: "20" })}`, { sandbox });
      const row = id ? requests.find((one) => one.id === id) : requests[0];
      return row ? await admin(`requests/${encodeURIComponent(row.id)}`, { sandbox: row.sandbox, exact: true }) : null;
    } catch {
      return null;
    }
  }

  function answered({ response, text, failure, took, entry }) {
    let value = text;
    try {
      value = parse(text);
    } catch { /* it is shown as the text that it is */ }
    fill(result,
      h("section", { class: "panel", "aria-label": t("try.answer") },
        h("div", { class: "entry-line" }, response ? statusBadge(response.status, entry?.problem) : null,
          h("h2", {}, entry?.scenario ?? entry?.problem ?? t(response ? "try.answer" : "try.no.answer")), h("span", { class: "spread" }), h("span", { class: "dim" }, `${Math.round(took)} ms`)),
        response && !failure ? viewJson(value, [], t("try.answer")).node : notice("bad", t("try.no.answer"), " ", failure),
        entry ? h("div", { class: "actions" }, h("a", { class: "button", href: address("journal", { id: entry.id, of: entry.sandbox === sandbox ? "" : `~${entry.sandbox}` }) }, icon("journal"), h("span", {}, t("try.open")))) : null),
      ...(entry ? explanation(entry, known.assumptions) : []),
      entry?.violations.length ? h("section", { class: "panel", "aria-label": t("try.wrong") }, h("h3", {}, t("try.wrong")), h("ul", { class: "findings" }, ...entry.violations.map((one) => h("li", {}, h("span", { class: "mono" }, one.at), ` ${one.message}`)))) : null);
  }

  function begin() {
    stop();
    stop = listen({}, sandbox, { opened: async () => {}, came: () => {}, lost: () => {}, state: (name, error) => { tell(name, error); if (name === "live") make(); } });
  }
  make();
  begin();
  return {
    update({ params }) {
      if (params.sandbox !== sandbox) {
        sandbox = params.sandbox;
        key = null;
        begin();
      }
      make();
    },
    close() { on = false; stop(); },
  };
}
