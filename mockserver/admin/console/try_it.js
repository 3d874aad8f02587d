// The view to try a request: a form from schema and examples, the answer of the real endpoint, and its explanation.

import { admin, listen, queryString, urlOf } from "./api.js";
import { contract, bodySchema, outcomesOf, apiOrigin, parametersOf } from "./contract.js";
import { CLIENT_HEADERS, curl } from "./curl.js";
import { explanation } from "./entry.js";
import { Answers, fill, h, icon } from "./dom.js";
import { bodyForm } from "./body_form.js";
import { viewJson } from "./json_view.js";
import { parse, prettyJson } from "./exact_json.js";
import { button, selectBox, copyText, errorState, field, form, loadingState, notice, emptyState, spanField, statusBadge } from "./widgets.js";
import { routeUrl, changeRoute, currentRoute } from "./route.js";
import { t } from "./translations.js";
import { violationText } from "./violations.js";
import { faultName, maskedPlaces } from "./wording.js";

/** More headers that a browser, a proxy or this page sets, or that a browser does not let a page set. */
const TRANSPORT_HEADERS = /^(connection|content-encoding|cookie|date|dnt|expect|forwarded|keep-alive|origin|cache-control|pragma|priority|referer|te|traceparent|tracestate|trailer|transfer-encoding|upgrade|upgrade-insecure-requests|via|(proxy|sec|x-forwarded)-.*)$/i;

const randomHex = (bytes) => [...crypto.getRandomValues(new Uint8Array(bytes))].map((one) => one.toString(16).padStart(2, "0")).join("");

/** Successes first, then errors by their codes. */
const byCode = (outcomes) => [...outcomes].sort((one, other) => (one.code ?? "").localeCompare(other.code ?? "", undefined, { numeric: true }));

/** An outcome in a list of choices: code or status, scenario, and the heading of the documents. */
const optionText = ({ code, status, scenario, heading }) => [code || status, scenario].filter(Boolean).join(" · ") + (heading ? ` — ${heading}` : "");

let kept = null;

/** The view to try a request; form and answer stay while the page does. */
export function tryIt(main, reportState) {
  kept ??= makeTryIt();
  return kept.open(main, reportState);
}

function makeTryIt() {
  const params = () => currentRoute().params;
  let sandbox = params().sandbox;
  let disconnect = () => {};
  let reportState = () => {};
  let served = null;
  let chosen = null;
  let formKey = "";
  let formParams = {};
  let isEdited = false;
  let showAddress = () => {};
  const answers = new Answers();
  const formArea = h("div", {});
  const result = h("div", { class: "stack", "aria-live": "polite" });

  const nodes = [
    h("div", { class: "view-head" }, h("h1", {}, t("try.title"))),
    h("p", { class: "lead" }, t("try.about")),
    h("div", { class: "columns even" }, h("section", { class: "panel", "aria-label": t("try.request") }, formArea), h("section", { class: "beside", tabindex: "-1", "aria-label": t("try.answer") }, result))];
  fill(formArea, loadingState());
  formArea.addEventListener("input", () => { isEdited = true; });
  clearAnswer();

  /** An answer is that to the form beside it: another form begins without one. */
  function clearAnswer() {
    answers.forget();
    fill(result, h("div", { class: "panel" }, emptyState("try", t("try.nothing"), t("try.nothing.text"))));
  }

  /** The form that the URL asks for. */
  function wantedParams() {
    const { operation = "", example = "", entry = "" } = params();
    return { operation, example, entry };
  }

  const keyOf = (wanted) => JSON.stringify([served.contract, sandbox, wanted]);

  /** Takes an edited form, if there is one, along to the sandbox of the URL. */
  function changeSandbox() {
    sandbox = params().sandbox;
    if (!isEdited) return;
    formParams = wantedParams();
    formKey = keyOf(formParams);
    showAddress();
    clearAnswer();
  }

  async function loadForm() {
    let wantedKey = "";
    try {
      served = await contract();
      const wanted = wantedParams();
      wantedKey = keyOf(wanted);
      if (wantedKey === formKey) return;
      formKey = wantedKey;
      formParams = wanted;
      clearAnswer();
      const entry = wanted.entry ? await findEntry(wanted.entry) : null;
      if (wantedKey !== formKey) return;
      const goneId = entry ? "" : wanted.entry;
      if (goneId) {
        formParams = { ...wanted, entry: "" };
        wantedKey = keyOf(formParams);
        formKey = wantedKey;
        changeRoute({ entry: "" });
      }
      const operationName = entry?.decision?.operation ?? params().operation;
      chosen = served.operations.find((one) => one.operation === operationName) ?? served.operations[0];
      const [schema, coverage, parameters, { scenarios }] = await Promise.all([
        bodySchema(chosen), admin("coverage", { sandbox }), parametersOf(chosen), admin(`scenarios${queryString({ operation: chosen.operation })}`, { sandbox })]);
      const outcomes = byCode(await outcomesOf(coverage)).filter((one) => one.operation === chosen.operation);
      if (wantedKey === formKey) drawForm(schema, outcomes, parameters, scenarios, entry, goneId);
    } catch (error) {
      if (formKey === wantedKey) formKey = "";
      if (!formKey) fill(formArea, errorState(error, loadForm));
    }
  }

  /** An entry of the journal; null where it is no longer there. */
  async function findEntry(id) {
    try {
      return await admin(`requests/${encodeURIComponent(id)}`, { sandbox, exact: true });
    } catch (error) {
      if (error.kind !== "unknown-entry") throw error;
      return null;
    }
  }

  /** The form begins with a request of the journal (`entry`), the chosen example, or the one that works each time. */
  function drawForm(schema, outcomes, parameters, scenarios, entry, goneId) {
    isEdited = false;
    const operations = selectBox(served.operations.map((one) => [one.operation, `${one.method} ${one.path}`]), chosen.operation);
    operations.addEventListener("change", () => changeRoute({ operation: operations.value, example: "", entry: "" }));
    const examples = outcomes.filter((one) => one.body);
    const selected = examples.find((one) => one.scenario === params().example);
    const first = entry ? sentAgain(entry) : selected ? { body: parse(selected.body) } : params().example === "-" ? {} : chosen.example ?? {};
    const example = selectBox([...(entry ? [["entry", `#${entry.id}`]] : []), ["", t("try.example.works")], ["-", t("try.example.none")], ["*", t("try.example.edited")], ...examples.map((one) => [one.scenario, optionText(one)])], entry ? "entry" : selected?.scenario ?? params().example ?? "");
    example.querySelector("[value='*']").hidden = true;
    example.addEventListener("change", () => {
      formKey = ""; // also an example that was edited is taken anew
      changeRoute({ example: example.value, entry: "" });
      loadForm();
    });
    const body = schema ? bodyForm(schema, first.body ?? {}) : null;
    body?.mark(entry?.violations ?? []);
    body?.node.addEventListener("input", () => { example.value = "*"; });
    const { list: sentHeaders, scenario: sentScenario, delay: sentDelay } = headersOf(entry, scenarios);
    const headers = headersField(sentHeaders);
    const inputs = parameters.map((one) => {
      const input = h("input", { type: "text", class: "mono", required: one.required, autocomplete: "off", value: String((one.place === "path" ? first.path : first.query)?.[one.name] ?? one.example ?? "") });
      return { ...one, input };
    });
    const scenario = selectBox([["", t("try.forced.none")], ...byCode(scenarios.map((one) => outcomes.find((other) => other.scenario === one.scenario) ?? one)).map((one) => [one.scenario, optionText(one)])], sentScenario);
    const delay = spanField(t("try.delay"), "delay", { placeholder: "1500ms", value: sentDelay });
    /** The request as entered in the form; null while a field is wrong. */
    const request = () => {
      const waits = delay.read();
      const own = headers.read();
      if (waits === null || own === null) return null;
      const typedNames = Object.keys(own).map((name) => name.toLowerCase());
      const others = { "Mock-Scenario": scenario.value, "Mock-Delay": waits, "Content-Type": body ? "application/json" : "" };
      const unnamed = Object.entries(others).filter(([name, value]) => value && !typedNames.includes(name.toLowerCase()));
      return buildRequest(body, inputs, { ...Object.fromEntries(unnamed), ...own });
    };
    const copyCurl = () => {
      const found = request();
      if (found) copyText(curl(command(found)));
    };
    const copyBody = () => copyText(prettyJson(body.text()));
    const sendButton = h("button", { type: "submit", class: "button primary" }, icon("try"), h("span", {}, t("try.send")));
    const hasOwnPort = served.apart;
    const address = h("p", { class: "mono endpoint" });
    showAddress = () => { address.textContent = `${chosen.method} ${hasOwnPort ? apiOrigin(served) : ""}${urlOf(chosen.path, sandbox)}`; };
    showAddress();
    fill(formArea, form(async () => {
      const wanted = request();
      if (hasOwnPort || !wanted) return;
      await answers.ask(() => send(wanted), (answer) => {
        body?.mark(answer.entry?.violations ?? []);
        drawAnswer(answer);
        bringIntoSight();
      });
    },
    hasOwnPort ? notice("info", t("try.elsewhere")) : null,
    served.operations.length > 1 ? field(t("operation"), operations) : address,
    entry ? notice("info", t("try.entry", { id: entry.id }), maskedText(entry)) : null,
    goneId ? notice("warn", t("try.gone", { id: goneId })) : null,
    examples.length ? field(t("try.example"), example) : null,
    h("div", { class: "actions" }, hasOwnPort ? null : sendButton, button(t("entry.curl"), copyCurl, { name: "copy", kind: hasOwnPort ? "primary" : "" }), body ? button(t("outcomes.copy.body"), copyBody, { name: "copy" }) : null),
    inputs.length ? h("div", { class: "row" }, ...inputs.map((one) => field(one.name, one.input, one.description))) : null,
    body?.node,
    h("details", { open: Boolean(sentHeaders.length || sentScenario || sentDelay) }, h("summary", {}, t("try.more")), h("div", { class: "stack" }, h("div", { class: "row" }, field(t("try.forced"), scenario), delay.node), headers.node))));
  }

  function maskedText(entry) {
    const places = maskedPlaces(entry, "/request/body");
    const names = entry.request.headers.filter((_, index) => isMaskedHeader(entry, index)).map(({ name }) => name).join(", ");
    return [places ? t("try.masked", { places }) : "", names ? t("try.masked.headers", { names }) : ""].map((one) => ` ${one}`).join("");
  }

  const isMaskedHeader = (entry, index) => entry.masked.some((one) => one.startsWith(`/request/headers/${index}/`));

  /** The headers of an entry that can be sent again, with the `scenario` and `delay` among them that the form has controls for. */
  function headersOf(entry, scenarios) {
    const found = (entry?.request.headers ?? []).filter(({ name }, index) => !isMaskedHeader(entry, index) && !CLIENT_HEADERS.has(name.toLowerCase()) && !TRANSPORT_HEADERS.test(name));
    const valueOf = (wanted) => found.find(({ name }) => name.toLowerCase() === wanted)?.value ?? "";
    const scenario = scenarios.some((one) => one.scenario === valueOf("mock-scenario")) ? valueOf("mock-scenario") : "";
    const delay = /^[\d.]+m?s$/.test(valueOf("mock-delay")) ? valueOf("mock-delay") : "";
    const list = found.filter(({ name }) => !(scenario && name.toLowerCase() === "mock-scenario") && !(delay && name.toLowerCase() === "mock-delay"));
    return { list, scenario, delay };
  }

  /** Body and parameters of a request of the journal. */
  function sentAgain(entry) {
    const [path, query] = entry.target.split("?");
    const names = [...chosen.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const pattern = new RegExp(`${chosen.path.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+\}/g, "([^/]*)")}$`);
    const values = pattern.exec(path)?.slice(1) ?? [];
    return {
      body: entry.request.body,
      path: Object.fromEntries(values.map((value, index) => [names[index], decodeURIComponent(value)])),
      query: Object.fromEntries(new URLSearchParams(query ?? "")),
    };
  }

  function buildRequest(body, inputs, headers) {
    let { path } = chosen;
    const queryParameters = {};
    for (const { name, place: where, input } of inputs) {
      if (where === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value));
      else if (input.value !== "") queryParameters[name] = input.value;
    }
    return { method: chosen.method, path: urlOf(path, sandbox) + queryString(queryParameters), headers, body: body?.text() };
  }

  const command = ({ method, path, headers, body }) => ({
    method, url: apiOrigin(served) + path, headers: Object.entries(headers).map(([name, value]) => ({ name, value })), body: body ?? "",
  });

  /** Sends a request, and gives its answer, or how that failed, with its journal entries. */
  async function send({ path, headers, ...options }) {
    const startedAt = performance.now();
    const canceller = new AbortController();
    const stopWaiting = showWaiting(startedAt, () => canceller.abort());
    const trace = randomHex(16);
    let response = null;
    let text = "";
    let failure = "";
    try {
      response = await fetch(path, { ...options, headers: { traceparent: `00-${trace}-${randomHex(8)}-01`, ...headers }, signal: canceller.signal, cache: "no-store" });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader?.read(); part && !part.done; part = await reader.read()) text += part.value;
    } catch {
      failure = canceller.signal.aborted ? "cancelled" : response ? "part" : "cut";
    }
    stopWaiting();
    const elapsedMs = performance.now() - startedAt;
    const [entry, ...earlier] = await entriesOf(trace);
    return { response, text, failure: failure === "cut" && !entry ? "unreachable" : failure, elapsedMs, entry, earlier };
  }

  /** Scrolls to the answer where it is below the form. */
  function bringIntoSight() {
    if (result.getBoundingClientRect().top > innerHeight / 2) result.parentElement.scrollIntoView({ block: "start" });
  }

  /** Shows how long the answer takes, and a button to give up; gives the function that ends it. */
  function showWaiting(startedAt, cancel) {
    const seconds = h("span", { class: "dim", "aria-live": "off" });
    const draw = () => { seconds.textContent = t("try.seconds", { seconds: Math.round((performance.now() - startedAt) / 1_000) }); };
    const timer = setInterval(draw, 1_000);
    draw();
    fill(result, h("section", { class: "panel", "aria-label": t("try.answer") }, h("div", { class: "entry-line" }, h("h2", {}, t("try.waiting")), seconds, h("span", { class: "spread" }), button(t("cancel"), cancel))));
    bringIntoSight();
    return () => clearInterval(timer);
  }

  /** The journal entries of a request, newest first: several where the browser sent it again. */
  async function entriesOf(trace) {
    try {
      const { requests } = await admin(`requests${queryString({ all: "true", trace })}`, { sandbox });
      return await Promise.all(requests.map((row) => admin(`requests/${encodeURIComponent(row.id)}`, { sandbox: row.sandbox, exact: true })));
    } catch {
      return [];
    }
  }

  const entryLink = (entry, ...inside) => h("a", { href: routeUrl("journal", { id: entry.id, of: entry.sandbox === sandbox ? "" : `~${entry.sandbox}` }) }, ...inside);

  /** A browser sends a request again, unasked, where a connection that it used before fails. */
  const sentTwice = (earlier) => notice("bad", h("strong", {}, t("try.twice")), " ", t("try.twice.text"),
    h("ul", {}, ...earlier.map((one) => h("li", {}, entryLink(one, `#${one.id}`), ` ${t("lost.text", { how: t(`fault.${one.fault}`) })} ${t(one.committed ? "lost.committed" : "lost.unchanged")}`))));

  function drawAnswer({ response, text, failure, elapsedMs, entry, earlier }) {
    let value = text;
    try {
      value = parse(text);
    } catch { /* it is shown as the text that it is */ }
    const lost = earlier.filter((one) => one.fault).reverse();
    fill(result,
      h("section", { class: "panel", "aria-label": t("try.answer") },
        lost.length ? sentTwice(lost) : null,
        h("div", { class: "entry-line" }, response ? statusBadge(response.status, entry?.problem) : null,
          h("h2", {}, failure ? t(`try.head.${failure}`) : entry?.answer_lost ? faultName(entry.fault) : entry?.code ? `${entry.code} · ${entry.scenario}` : entry?.scenario ?? entry?.problem ?? t("try.answer")), h("span", { class: "spread" }), h("span", { class: "dim" }, `${Math.round(elapsedMs)} ms`)),
        failure ? notice("bad", t(response ? `try.body.${failure}` : `try.${failure}`, { status: response?.status })) : null,
        failure && !text ? null : viewJson(value, [], t("try.answer")).node,
        entry ? h("p", {}, entryLink(entry, t("try.open"))) : null),
      ...(entry ? explanation(entry, served, !failure && !entry.answer_lost) : []),
      entry?.violations.length ? h("section", { class: "panel", "aria-label": t("try.wrong") }, h("h3", {}, t("try.wrong")), h("ul", { class: "findings" }, ...entry.violations.map((one) => h("li", {}, h("span", { class: "mono" }, one.at), ` ${violationText(one)}`)))) : null);
  }

  function connect() {
    disconnect();
    disconnect = listen({}, sandbox, { onOpen: async () => {}, onEntry: () => {}, onLost: () => {}, onState: (name, error) => { reportState(name, error); if (name === "live") loadForm(); } });
  }

  function update() {
    if (params().sandbox !== sandbox) {
      changeSandbox();
      connect();
    }
    loadForm();
  }

  return {
    open(main, report) {
      reportState = report;
      fill(main, ...nodes);
      const hasOwn = ["operation", "example", "entry"].some((name) => params()[name]);
      if (params().sandbox !== sandbox) {
        if (hasOwn) isEdited = false; // a link asks for another form
        changeSandbox();
      } else if (!hasOwn) changeRoute(formParams);
      loadForm();
      connect();
      return { update, close: () => disconnect() };
    },
  };
}

/** A field for headers, one a line, filled with a `list`; `read()` gives them by name, or null after telling what is wrong. */
function headersField(list) {
  const text = h("textarea", { rows: Math.max(2, list.length), spellcheck: "false", placeholder: "X-Request-Id: 42" });
  text.value = list.map(({ name, value }) => `${name}: ${value}`).join("\n");
  const told = h("p", { class: "bad-text", role: "alert" });
  text.addEventListener("input", () => { told.textContent = ""; });
  return {
    node: h("div", {}, field(t("try.headers"), text, t("try.headers.hint")), told),
    read() {
      const lines = text.value.split("\n").filter((line) => line.trim());
      const found = lines.map((line) => /^\s*([\w!#$%&'*+.^`|~-]+)\s*:\s*([\x20-\x7e]*)$/.exec(line));
      const at = found.indexOf(null);
      if (at < 0) return Object.fromEntries(found.map(([, name, value]) => [name, value.trim()]));
      told.textContent = t("try.headers.wrong", { line: lines[at] });
      text.focus();
      return null;
    },
  };
}
