// The view of the journal: a live list of requests, newest first, with filters, pause, and the details of one entry.

import { admin, listen, queryString } from "./api.js";
import { Answers, fill, h, icon, debounced } from "./dom.js";
import { baseUrl, contract } from "./contract.js";
import { entryNodes } from "./entry.js";
import { attempt, button, selectBox, copyText, errorState, iconButton, loadingState, notice, emptyState, sourceBadge, answerBadge, confirmDialog } from "./widgets.js";
import { routeUrl, changeRoute, currentRoute } from "./route.js";
import { maskBadge } from "./json_view.js";
import { Rows } from "./rows.js";
import { timeOfDay, zoneName } from "./times.js";
import { t, textOr } from "./translations.js";

const FIRST_PAGE = 200;
const PAGE_SIZE = 1_000;
const MAX_ROWS = 20_000;

/** Choices of the filter beside documented and assumed. */
const KINDS = {
  unexpected: (row) => row.unexpected,
  warnings: (row) => row.has_warnings,
  faults: (row) => Boolean(row.fault) || row.client_left,
};

/** The view of the journal; `reportState` is called with the state of the stream. */
export function journal(main, reportState) {
  const params = () => currentRoute().params;
  let rowsOfJournal = [];
  let disconnect = () => {};
  let loaded = false;
  let paused = false;
  let openEntry = null;
  let retryEntry = null;
  let key = "";

  const search = h("input", { type: "search", class: "grow", placeholder: t("journal.search"), "aria-label": t("journal.search"), value: params().text ?? "" });
  search.addEventListener("input", debounced(() => changeRoute({ text: search.value.trim() }), 250));
  const show = selectBox([["", t("show.all")], ["documented", t("show.documented")], ["assumed", t("show.assumed")], ["unexpected", t("show.unexpected")], ["warnings", t("show.warnings")], ["faults", t("show.faults")]], params().show ?? "", { "aria-label": t("journal.show") });
  show.addEventListener("change", () => changeRoute({ show: show.value }));
  const scenario = h("select", { "aria-label": t("journal.scenario") });
  scenario.addEventListener("change", () => changeRoute({ scenario: scenario.value }));
  const allSandboxes = h("input", { type: "checkbox" });
  allSandboxes.addEventListener("change", () => changeRoute({ all: allSandboxes.checked ? "1" : "" }));
  const pause = button(t("journal.pause"), () => setPaused(!paused), { name: "pause", "aria-pressed": "false" });
  const count = h("span", { class: "dim count", "aria-live": "off" });
  const lostNote = h("div", {});
  const missingNote = h("div", {});

  const scenarioTitles = [h("span", { class: "what-name" }, t("column.scenario")), h("span", { class: "reply-hint" }, t("column.keys"))];
  const rows = new Rows({
    label: t("journal.title"),
    columns: ["time", "status", "code", "scenario", "source", "trigger", "delay"].map((name) => (name === "scenario" ? scenarioTitles : t(`column.${name}`, { zone: zoneName }))),
    cells, heights: [44, 84], narrowBelow: 1_000,
    open: (row) => changeRoute({ id: row.id, of: row.sandbox === params().sandbox ? "" : `~${row.sandbox}` }, true),
  });
  const detail = h("aside", { class: "detail", "aria-label": t("entry.title"), hidden: true });
  detail.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });

  fill(main,
    h("div", { class: "view-head" }, h("div", { class: "heading" }, h("h1", {}, t("journal.title")), count), h("span", { class: "spread" }),
      pause, iconButton(t("journal.clear"), "remove", clear)),
    h("div", { class: "filters" }, search, show, scenario, h("label", { class: "tick" }, allSandboxes, h("span", {}, t("journal.every")))),
    h("div", { class: "notes" }, lostNote, missingNote),
    h("div", { class: "split" }, rows.node, detail));

  function cells(row, narrow) {
    const name = row.scenario ?? row.problem ?? "—";
    const prefix = `/sandbox/${row.sandbox}/`;
    const target = row.sandbox && row.target.startsWith(prefix) ? row.target.slice(prefix.length - 1) : row.target;
    const keys = [...row.keys].sort((one, other) => one.length - other.length).slice(0, 2) // the readable ones are short
      .map((one) => (one.length > 24 ? `${one.slice(0, 12)}…` : one)).join(" · ");
    const hint = [keys, row.answer_lost ? t("lost") : row.hint].filter(Boolean).join(" · ");
    const called = [`${row.method} ${target}`, row.masked.includes("/request/target") ? maskBadge() : null];
    const problem = row.problem ? textOr(`problem.${row.problem}`, "") : "";
    const where = hint ? h("span", { class: "dim reply-hint", title: hint }, hint)
      : problem ? h("span", { class: "dim reply-hint", title: problem }, problem, " · ", h("span", { class: "mono" }, called)) : h("span", { class: "dim mono cut" }, called);
    const sandbox = params().all && row.sandbox ? h("span", { class: "badge plain" }, row.sandbox) : null;
    const wrong = row.fault ? h("span", { class: "badge bad", title: row.fault }, textOr(`fault.name.${row.fault}`, row.fault)) : row.client_left ? h("span", { class: "badge bad" }, t("client.left")) : null;
    const late = row.delay_ms >= 1 ? `${Math.round(row.delay_ms)} ms` : "";
    const cell = (kind, ...inside) => h("div", { role: "gridcell", class: `cell ${kind}` }, ...inside);
    return [
      cell("when mono", h("span", {}, timeOfDay(row.time)), h("span", { class: "cut", title: `#${row.id}` }, `#${row.id}`)),
      cell("status", answerBadge(row)),
      cell("code", row.code === null ? null : h("span", { class: "badge code" }, String(row.code))),
      cell("what", h("span", { class: "what-name cut" }, name), sandbox, narrow ? null : where),
      cell("source", sourceBadge(row)),
      cell("trigger", row.trigger ? t(`trigger.short.${row.trigger}`) : t("trigger.short.none")),
      cell("late", wrong, late),
      narrow ? cell("where", where) : null,
    ].filter(Boolean);
  }

  /** A code as a choice of the filter: `code=CODE`. */
  const codeKey = (row) => (row.code === null ? "" : `code=${row.code}`);

  function visible() {
    const { show: kind, scenario: name } = params();
    return rowsOfJournal.filter((row) => (!name || row.scenario === name || row.problem === name || codeKey(row) === name)
      && (!kind || KINDS[kind]?.(row) || row.source === kind));
  }

  function draw() {
    drawScenarios();
    if (!loaded) return;
    const shown = visible();
    count.textContent = shown.length === rowsOfJournal.length ? t("journal.count", { count: rowsOfJournal.length }) : t("journal.some", { some: shown.length, count: rowsOfJournal.length });
    if (shown.length) {
      rows.instead(null);
      rows.set(shown);
    } else if (rowsOfJournal.length || params().text) rows.instead(emptyState("journal", t("journal.none"), t("journal.none.text"), button(t("journal.unfilter"), clearFilters)));
    else rows.instead(emptyState("empty", t("journal.empty"), t("journal.empty.text"), startArea));
  }

  const startArea = h("div", { class: "start" });
  /** The address for a client, shown while the journal is empty. */
  const drawStart = () => contract().then((served) => {
    const base = baseUrl(served, params().sandbox);
    fill(startArea, h("p", { class: "endpoint mono" }, h("span", {}, base), iconButton(t("journal.copy"), "copy", () => copyText(base, t("copied.address")))),
      h("a", { class: "button primary", href: routeUrl("try") }, icon("try"), h("span", {}, t("view.try"))));
  }).catch(() => {});

  function clearFilters() {
    search.value = "";
    changeRoute({ text: "", show: "", scenario: "" });
  }

  let scenarioNames = "";
  function drawScenarios() {
    const found = [...new Set(rowsOfJournal.flatMap((row) => [codeKey(row), row.scenario ?? row.problem]))].filter(Boolean).sort();
    const chosen = params().scenario ?? "";
    if (chosen && !found.includes(chosen)) found.unshift(chosen);
    const label = (one) => (one.startsWith("code=") ? t("outcomes.code", { code: one.slice(5) }) : one);
    const codes = found.filter((one) => one.startsWith("code="));
    const wantedKey = found.join(" ");
    if (wantedKey !== scenarioNames || !scenario.options.length) {
      scenarioNames = wantedKey;
      fill(scenario, h("option", { value: "" }, t("journal.any")), ...[...codes, ...found.filter((one) => !codes.includes(one))].map((one) => h("option", { value: one }, label(one))));
    }
    scenario.value = chosen;
  }

  let drawing = null;
  function drawSoon() {
    drawing ??= requestAnimationFrame(() => { drawing = null; draw(); });
  }

  function filterQuery(more = {}) {
    const { text, all: everyOne } = params();
    return queryString({ text, all: everyOne ? "true" : "", ...more });
  }

  const pages = new Answers();
  const page = (more) => admin(`requests${filterQuery(more)}`, { sandbox: params().sandbox });

  async function load() {
    pages.forget();
    await pages.ask(() => page({ limit: FIRST_PAGE }), (first) => {
      rowsOfJournal = first.requests;
      arrived = [];
      loaded = true;
      drawPause();
      fill(lostNote, first.lost ? notice("warn", t("journal.lost", { count: first.lost })) : null);
      draw();
      loadOlder(first.before);
    });
  }

  function loadOlder(before) {
    fill(missingNote);
    if (!before || rowsOfJournal.length >= MAX_ROWS) return;
    pages.ask(() => page({ limit: PAGE_SIZE, before }), (older) => {
      rowsOfJournal = rowsOfJournal.concat(older.requests);
      drawSoon();
      loadOlder(older.before);
    }, () => fill(missingNote, notice("warn", t("journal.missing"), " ", button(t("again"), () => loadOlder(before), { kind: "small" }))));
  }

  /** Whether the server still has the newest row, as a restarted one does not. */
  async function isSameServer() {
    if (!rowsOfJournal.length) return false;
    const { id, time, sandbox } = rowsOfJournal[0];
    const entry = await admin(`requests/${encodeURIComponent(id)}`, { sandbox, exact: true }).catch(() => null);
    return entry?.time === time;
  }

  let arrived = [];
  const showArrived = () => {
    const there = new Set(rowsOfJournal.map((row) => row.id));
    const fresh = arrived.filter((row) => !there.has(row.id)).reverse();
    arrived = [];
    rowsOfJournal = fresh.concat(rowsOfJournal).slice(0, MAX_ROWS);
    draw();
  };
  let showingArrived = null;
  function onEntry(row) {
    if (!loaded) return;
    arrived.push(row);
    if (paused) drawPause();
    else showingArrived ??= requestAnimationFrame(() => { showingArrived = null; if (!paused) showArrived(); });
  }

  function setPaused(to) {
    paused = to;
    pause.setAttribute("aria-pressed", String(to));
    if (!to) showArrived();
    drawPause();
  }

  function drawPause() {
    fill(pause, icon(paused ? "play" : "pause"), h("span", {}, paused ? (arrived.length ? t("journal.waiting", { count: arrived.length }) : t("journal.resume")) : t("journal.pause")));
  }

  function connect() {
    disconnect();
    const ownKey = key;
    pages.forget();
    rowsOfJournal = [];
    arrived = [];
    loaded = false;
    count.textContent = "";
    fill(lostNote);
    fill(missingNote);
    drawPause();
    rows.instead(loadingState());
    drawStart();
    disconnect = listen({ text: params().text, all: params().all ? "true" : "" }, params().sandbox, {
      onOpen: async (isResumed) => {
        if (ownKey === key && (!isResumed || !loaded || !(await isSameServer()))) await load();
      },
      onEntry: (row) => { if (ownKey === key) onEntry(row); },
      onLost: async () => {
        if (ownKey !== key) return;
        loaded = false; // a load that fails is made again with the next connection
        await load();
      },
      onState: (name, error) => {
        if (ownKey !== key) return;
        reportState(name, error);
        if (name === "live") retryEntry?.();
        if (name === "refused") rows.instead(errorState(error, connect));
        if (name === "away" && !loaded) rows.instead(errorState(error ?? { message: t("error.unreachable") }));
      },
    });
  }

  async function clear() {
    const { sandbox } = params();
    if (!await confirmDialog(t("journal.clear"), t("journal.clear.text", { name: sandbox || t("sandbox.default") }), t("journal.clear.do"))) return;
    if (await attempt(() => admin("requests", { method: "DELETE", sandbox }), t("journal.cleared"))) close(); // the stream tells this page too
  }

  function close() {
    changeRoute({ id: "", of: "" }, true);
    rows.node.focus();
  }

  async function showDetail(id, sandbox) {
    const wantedKey = `${sandbox}#${id}`;
    if (wantedKey === openEntry) return;
    openEntry = wantedKey;
    retryEntry = null;
    detail.hidden = false;
    detail.parentElement.classList.add("with-detail");
    rows.mark(id);
    fill(detail, loadingState());
    const again = () => { openEntry = null; update(currentRoute()); };
    const { failed, nodes } = await entryNodes(id, sandbox, { close, again });
    if (openEntry !== wantedKey) return;
    fill(detail, ...nodes);
    detail.scrollTop = 0;
    if (failed) retryEntry = again; // a connection that comes back loads it
    else detail.querySelector(".entry-title").focus({ preventScroll: true });
  }

  function update({ params }) {
    const wantedKey = JSON.stringify([params.sandbox, params.text ?? "", params.all ?? ""]);
    if (document.activeElement !== search) search.value = params.text ?? "";
    show.value = params.show ?? "";
    allSandboxes.checked = Boolean(params.all);
    if (wantedKey !== key) {
      key = wantedKey;
      connect();
    } else draw();
    if (params.id) showDetail(params.id, params.of ? params.of.replace(/^~/, "") : params.sandbox);
    else if (openEntry) {
      openEntry = null;
      retryEntry = null;
      detail.hidden = true;
      detail.parentElement.classList.remove("with-detail");
      fill(detail);
      rows.mark(null);
    }
  }

  drawScenarios();
  update(currentRoute());
  return { update, close: () => { key = ""; disconnect(); rows.close(); } };
}
