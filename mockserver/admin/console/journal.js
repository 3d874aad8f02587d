// The journal as it grows: what the client sent, newest on top; filters, a pause, one entry opened beside the list.

import { admin, listen, query, urlOf } from "./api.js";
import { fill, h, icon, settled } from "./dom.js";
import { showEntry } from "./entry.js";
import { contract, home } from "./facts.js";
import { attempt, button, choice, copy, failed, iconButton, loading, notice, nothing, sourceBadge, statusBadge, sure, timeOfDay } from "./parts.js";
import { address, change, place } from "./place.js";
import { Rows } from "./rows.js";
import { t } from "./words.js";

const FIRST = 200;
const PAGE = 1_000;
const MOST = 20_000;

/** The view; `tell` is told the state of the stream. */
export function journal(main, tell) {
  const now = () => place().params;
  let all = [];
  let stop = () => {};
  let loaded = false;
  let paused = false;
  let held = 0;
  let open = null;
  let key = "";

  const search = h("input", { type: "search", class: "grow", placeholder: t("journal.search"), "aria-label": t("journal.search"), value: now().text ?? "" });
  search.addEventListener("input", settled(() => change({ text: search.value.trim() }), 250));
  const show = choice([["", t("show.all")], ["documented", t("show.documented")], ["assumed", t("show.assumed")], ["unexpected", t("show.unexpected")]], now().show ?? "", { "aria-label": t("journal.show") });
  show.addEventListener("change", () => change({ show: show.value }));
  const scenario = h("select", { "aria-label": t("journal.scenario") });
  scenario.addEventListener("change", () => change({ scenario: scenario.value }));
  const every = h("input", { type: "checkbox" });
  every.addEventListener("change", () => change({ all: every.checked ? "1" : "" }));
  const pause = button(t("journal.pause"), () => setPaused(!paused), { name: "pause", "aria-pressed": "false" });
  const count = h("span", { class: "dim count", "aria-live": "off" });
  const notes = h("div", { class: "notes" });

  const rows = new Rows({
    label: t("journal.title"),
    columns: ["time", "status", "scenario", "source", "trigger", "delay"].map((name) => t(`column.${name}`)),
    cells, heights: [44, 66], narrowBelow: 700,
    open: (row) => change({ id: row.id, of: row.sandbox === now().sandbox ? "" : `~${row.sandbox}` }, true),
  });
  const detail = h("aside", { class: "detail", "aria-label": t("entry.title"), hidden: true });
  detail.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });

  fill(main,
    h("div", { class: "view-head" }, h("div", { class: "heading" }, h("h1", {}, t("journal.title")), count), h("span", { class: "spread" }),
      pause, iconButton(t("journal.clear"), "remove", clear)),
    h("div", { class: "filters" }, search, show, scenario, h("label", { class: "tick" }, every, h("span", {}, t("journal.every")))),
    notes,
    h("div", { class: "split" }, rows.node, detail));

  function cells(row, narrow) {
    const name = row.scenario ?? row.problem ?? "—";
    const prefix = `/sandbox/${row.sandbox}/`;
    const target = row.sandbox && row.target.startsWith(prefix) ? row.target.slice(prefix.length - 1) : row.target;
    const where = h("span", { class: "dim mono cut" }, `${row.method} ${target}`);
    const sandbox = now().all && row.sandbox ? h("span", { class: "badge plain" }, row.sandbox) : null;
    const wrong = row.fault ? h("span", { class: "badge bad" }, row.fault) : null;
    const late = row.delay_ms >= 1 ? `${Math.round(row.delay_ms)} ms` : "";
    const cell = (kind, ...inside) => h("div", { role: "gridcell", class: `cell ${kind}` }, ...inside);
    return [
      cell("when mono", timeOfDay(row.time)),
      cell("status", statusBadge(row.status, row.problem)),
      cell("what", h("span", { class: "what-name cut" }, name), sandbox, narrow ? null : where),
      cell("source", sourceBadge(row.source)),
      cell("trigger", row.trigger ? t(`trigger.short.${row.trigger}`) : t("trigger.short.none")),
      cell("late", wrong, late),
    ];
  }

  function visible() {
    const { show: kind, scenario: name } = now();
    return all.filter((row) => (!name || row.scenario === name || row.problem === name)
      && (!kind || (kind === "unexpected" ? row.unexpected : row.source === kind)));
  }

  function draw() {
    const shown = visible();
    count.textContent = shown.length === all.length ? t("journal.count", { count: all.length }) : t("journal.some", { some: shown.length, count: all.length });
    names();
    if (!loaded) return;
    if (shown.length) {
      rows.instead(null);
      rows.set(shown);
    } else if (all.length || now().text) rows.instead(nothing("journal", t("journal.none"), t("journal.none.text"), button(t("journal.unfilter"), unfilter)));
    else rows.instead(nothing("empty", t("journal.empty"), t("journal.empty.text"), start));
  }

  const start = h("div", { class: "start" });
  /** Where a client is to send, for who has nothing in sight yet. */
  const invite = () => contract().then((known) => {
    const base = home(known) + urlOf("", now().sandbox).replace(/\/$/, "");
    fill(start, h("p", { class: "endpoint mono" }, h("span", {}, base), iconButton(t("journal.copy"), "copy", () => copy(base))),
      h("a", { class: "button primary", href: address("try") }, icon("try"), h("span", {}, t("view.try"))));
  }).catch(() => {});

  function unfilter() {
    search.value = "";
    change({ text: "", show: "", scenario: "" });
  }

  let known = "";
  function names() {
    const found = [...new Set(all.map((row) => row.scenario ?? row.problem))].filter(Boolean).sort();
    const chosen = now().scenario ?? "";
    if (chosen && !found.includes(chosen)) found.unshift(chosen);
    const wanted = found.join(" ");
    if (wanted !== known || !scenario.options.length) {
      known = wanted;
      fill(scenario, h("option", { value: "" }, t("journal.any")), ...found.map((one) => h("option", { value: one }, one)));
    }
    scenario.value = chosen;
  }

  let drawing = null;
  function soon() {
    drawing ??= requestAnimationFrame(() => { drawing = null; draw(); });
  }

  function asked(more = {}) {
    const { text, all: everyOne } = now();
    return query({ text, all: everyOne ? "true" : "", ...more });
  }

  async function load(mine) {
    const first = await admin(`requests${asked({ limit: FIRST })}`, { sandbox: now().sandbox });
    if (mine !== key) return;
    all = first.requests;
    loaded = true;
    fill(notes, first.lost ? notice("warn", t("journal.lost", { count: first.lost })) : null);
    draw();
    follow(first.before, mine).catch(() => {});
  }

  async function follow(before, mine) {
    while (before && mine === key && all.length < MOST) {
      const page = await admin(`requests${asked({ limit: PAGE, before })}`, { sandbox: now().sandbox });
      if (mine !== key) return;
      all = all.concat(page.requests);
      before = page.before;
      soon();
    }
  }

  /** Whether the newest row is still what the server has under its id: it may have been started anew. */
  async function same() {
    if (!all.length) return false;
    const { id, time, sandbox } = all[0];
    const entry = await admin(`requests/${encodeURIComponent(id)}`, { sandbox, exact: true }).catch(() => null);
    return entry?.time === time;
  }

  let coming = [];
  const arrive = () => {
    const there = new Set(all.map((row) => row.id));
    const fresh = coming.filter((row) => !there.has(row.id)).reverse();
    coming = [];
    all = fresh.concat(all).slice(0, MOST);
    draw();
  };
  let arriving = null;
  function came(row) {
    if (!loaded) return;
    coming.push(row);
    if (paused) {
      held = coming.length;
      told();
    } else arriving ??= requestAnimationFrame(() => { arriving = null; if (!paused) arrive(); });
  }

  function setPaused(to) {
    paused = to;
    pause.setAttribute("aria-pressed", String(to));
    if (!to) {
      held = 0;
      arrive();
    }
    told();
  }

  function told() {
    fill(pause, icon(paused ? "play" : "pause"), h("span", {}, paused ? (held ? t("journal.waiting", { count: held }) : t("journal.resume")) : t("journal.pause")));
  }

  function begin() {
    stop();
    const mine = key;
    all = [];
    coming = [];
    loaded = false;
    rows.instead(loading());
    invite();
    stop = listen({ text: now().text, all: now().all ? "true" : "" }, now().sandbox, {
      opened: async (again) => {
        if (mine === key && (!again || !loaded || !(await same()))) await load(mine);
      },
      came: (row) => { if (mine === key) came(row); },
      lost: () => { if (mine === key) load(mine).catch(() => {}); },
      state: (name, error) => {
        if (mine !== key) return;
        tell(name, error);
        if (name === "refused") rows.instead(failed(error, begin));
        if (name === "away" && !loaded) rows.instead(failed(error ?? { message: t("error.unreachable") }));
      },
    });
  }

  async function clear() {
    if (!await sure(t("journal.clear"), t("journal.clear.text"), t("journal.clear.do"))) return;
    await attempt(() => admin("requests", { method: "DELETE", sandbox: now().sandbox }), t("journal.cleared"));
    close();
    begin();
  }

  function close() {
    change({ id: "", of: "" }, true);
    rows.node.focus();
  }

  async function unfold(id, sandbox) {
    const wanted = `${sandbox}#${id}`;
    if (wanted === open) return;
    open = wanted;
    detail.hidden = false;
    detail.parentElement.classList.add("with-detail");
    rows.mark(id);
    const entry = await showEntry(detail, id, sandbox, { close, again: () => { open = null; update(place()); } });
    if (open !== wanted) return;
    detail.scrollTop = 0;
    if (entry) detail.querySelector(".entry-title").focus({ preventScroll: true });
  }

  function update({ params }) {
    const wanted = JSON.stringify([params.sandbox, params.text ?? "", params.all ?? ""]);
    if (document.activeElement !== search) search.value = params.text ?? "";
    show.value = params.show ?? "";
    every.checked = Boolean(params.all);
    if (wanted !== key) {
      key = wanted;
      begin();
    } else draw();
    if (params.id) unfold(params.id, params.of ? params.of.replace(/^~/, "") : params.sandbox);
    else if (open) {
      open = null;
      detail.hidden = true;
      detail.parentElement.classList.remove("with-detail");
      fill(detail);
      rows.mark(null);
    }
  }

  names();
  update(place());
  return { update, close: () => { key = ""; stop(); rows.close(); } };
}
