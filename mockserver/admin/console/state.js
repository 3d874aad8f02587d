// The view of the state: records, clock and snapshots of a sandbox, and the list of all sandboxes.

import { admin, adminFile, listen } from "./api.js";
import { collectionTitle, contract } from "./contract.js";
import { Answers, fill, h, throttled, keepScroll } from "./dom.js";
import { parse, shown as asText, stringify } from "./exact_json.js";
import { attempt, button, dialog, englishText, errorState, field, form, iconButton, loadingState, emptyState, saveFile, selectBox, spanField, confirmDialog, toast } from "./widgets.js";
import { changeRoute, currentRoute } from "./route.js";
import { chooseZone, fromZonedInput, instant, zone, zonedInput } from "./times.js";
import { LANGUAGES, chooseLanguage, chosenLanguage, t } from "./translations.js";
import { textHasWords } from "./wording.js";

const FIRST_ROWS = 300;

/** Another page or a command may change the sandbox as well: this often the view looks. */
const LOOK_MS = 5_000;

/** Parses JSON that was typed. A browser's own message is English: of it only the place is told, where it has one. */
function readJson(text) {
  try {
    return parse(text);
  } catch (error) {
    const [, line, column] = /line (\d+) column (\d+)/.exec(error.message) ?? [];
    throw new Error(line ? t("state.not.json.at", { line, column }) : t("state.not.json"));
  }
}

/** The admin path of a record. A browser takes a key of one or two dots for a step in the path, however it is encoded. */
function recordPath(collection, key) {
  if (key === "." || key === "..") throw new Error(t("state.key.dots", { key }));
  return `state/${encodeURIComponent(collection)}/${encodeURIComponent(key)}`;
}

/** The stored members of a record as JSON; "null" where the key has none of its own. */
async function storedMembers(path, sandbox) {
  try {
    const found = await admin(path, { sandbox, exact: true });
    return stringify(found.origin === "default" ? null : found.members);
  } catch (error) {
    if (error.kind === "unknown-record") return "null";
    throw error;
  }
}

/** The view of the state. */
export function state(main, reportState) {
  let sandbox = currentRoute().params.sandbox;
  let disconnect = () => {};
  let isOpen = true;
  let isLive = false;
  let collections = [];
  let maxRows = FIRST_ROWS;
  let ticking = 0;
  const records = new Answers();
  const times = new Answers();
  const sandboxes = new Answers();
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": t("state.collections") });
  const table = h("div", { class: "records-table" });
  const clock = h("div", {});
  let timeNow = Date.now;
  const by = spanField(t("clock.by"), "clock", { value: "1h", required: true }, t("clock.by.hint"));
  const at = h("input", { type: "datetime-local", step: "1", required: true });
  const clockForms = [
    form(async () => { if (by.read()) await putClock({ advance: by.read() }); }, h("div", { class: "row end" }, by.node, h("button", { type: "submit", class: "button" }, t("clock.advance")))),
    h("details", {}, h("summary", { on: { click: () => { at.value = zonedInput(new Date(timeNow()).toISOString()); } } }, t("clock.at")),
      form(() => putClock({ freeze: fromZonedInput(at.value) }), field(t("clock.instant"), at), h("div", { class: "actions" }, h("button", { type: "submit", class: "button" }, t("clock.freeze.at")))))];
  const sandboxList = h("div", {});

  const sandboxSearch = h("input", { type: "search", placeholder: t("state.search"), "aria-label": t("state.search") });
  sandboxSearch.addEventListener("input", refreshSandboxes);
  const zoneSelect = selectBox([["", t("zone.browser")], ["UTC", "UTC"]], zone);
  zoneSelect.addEventListener("change", () => chooseZone(zoneSelect.value));

  const languageSelect = selectBox([["", t("language.browser")], ...Object.entries(LANGUAGES)], chosenLanguage);
  languageSelect.addEventListener("change", () => chooseLanguage(languageSelect.value));

  const side = h("div", { class: "stack" },
    h("section", { class: "panel", "aria-labelledby": "clock-title" }, h("h2", { id: "clock-title" }, t("clock")), clock, ...clockForms, field(t("zone"), zoneSelect, t("zone.hint")), field(t("language"), languageSelect)),
    h("section", { class: "panel", "aria-labelledby": "others-title" }, h("h2", { id: "others-title" }, t("state.sandboxes")), sandboxSearch, sandboxList));

  fill(main,
    h("div", { class: "view-head" }, h("h1", {}, t("state.title")), h("span", { class: "spread" }),
      button(t("state.down"), saveSnapshot, { name: "download" }), button(t("state.up"), loadSnapshot, { name: "upload" }), button(t("state.reset"), reset, { kind: "danger" })),
    h("div", { class: "columns wide-first" },
      h("section", { class: "panel", "aria-label": t("state.records") }, tabs, table),
      side));
  fill(table, loadingState());

  const collectionName = () => currentRoute().params.collection ?? collections[0]?.collection;

  async function load() {
    try {
      collections = (await contract()).collections;
      if (isOpen) await refresh();
    } catch (error) {
      if (isOpen) fill(table, errorState(error, load));
    }
  }

  function drawTabs() {
    fill(tabs, ...collections.map((one) => h("button", { type: "button", class: "tab", "aria-pressed": String(one.collection === collectionName()), on: { click: () => { maxRows = FIRST_ROWS; changeRoute({ collection: one.collection }); } } }, collectionTitle(one))));
  }

  async function refresh() {
    drawTabs();
    if (!collections.length) fill(table, emptyState("state", t("state.none"), t("state.none.text")));
    else await refreshRecords();
    await Promise.all([refreshClock(), refreshSandboxes()]);
  }

  async function refreshRecords() {
    await records.ask(() => admin(`state/${encodeURIComponent(collectionName())}`, { sandbox, exact: true }),
      (found) => keepScroll(table, () => drawRecords(found)), (error) => fill(table, errorState(error, refreshRecords)));
  }

  function drawRecords({ collection, open, default: defaultMembers, records: rows }) {
    const written = rows.filter((one) => one.origin === "request");
    const ordered = [...written.reverse(), ...rows.filter((one) => one.origin !== "request")];
    const members = [...new Set(rows.flatMap((one) => Object.keys(one.members ?? {})))];
    const whole = (text) => h("span", { class: "whole" }, text);
    const line = (one) => h("tr", {},
      h("th", { scope: "row", class: "mono" }, whole(one.key)),
      h("td", {}, h("span", { class: `badge ${one.origin === "request" ? "documented" : "plain"}` }, t(one.origin !== "request" ? `origin.${one.origin}` : one.entry ? "origin.of" : "origin.hand", { id: one.entry }))),
      one.members === null ? h("td", { colSpan: Math.max(1, members.length), class: "dim" }, t("state.tombstone")) : members.map((name) => h("td", { class: "mono", data: { title: name } }, one.members[name] === undefined ? null : whole(asText(one.members[name])))),
      h("td", { class: "tools" },
        iconButton(t("state.edit", { key: one.key }), "edit", () => edit(collection, one)),
        one.origin === "request" ? iconButton(t("state.restore", { key: one.key }), "undo", () => restore(collection, one.key)) : null));
    const hasDefault = open && Object.keys(defaultMembers).length > 0;
    fill(table,
      h("p", { class: "dim" }, t(!open ? "state.closed" : hasDefault ? "state.open" : "state.open.empty"), hasDefault ? h("span", { class: "mono" }, ` ${stringify(defaultMembers)}`) : null),
      rows.length ? h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": collection }, h("table", { class: "grid" },
        h("thead", {}, h("tr", {}, ...[t("state.key"), t("state.origin"), ...(members.length ? members : [t("state.members")]), ""].map((name) => name ? h("th", { scope: "col" }, name) : h("td", { class: "tools" })))),
        h("tbody", {}, ...ordered.slice(0, maxRows).map(line)))) : emptyState("empty", t("state.empty"), t("state.empty.text")),
      ordered.length > maxRows ? button(t("state.more", { count: ordered.length - maxRows }), () => { maxRows += 1_000; refreshRecords(); }) : null,
      h("div", { class: "actions" }, button(t("state.add"), () => edit(collection, { key: "", members: { ...defaultMembers } }), { name: "add" })));
  }

  async function edit(collection, record) {
    const own = sandbox; // the one that the dialog is about, whatever is shown when it is answered
    const isNew = record.key === "";
    const key = h("input", { type: "text", class: "mono", required: true, value: record.key, disabled: !isNew });
    const members = h("textarea", { rows: 10, spellcheck: "false" });
    members.value = stringify(record.members, 2);
    let known = stringify(record.key ? record.members : null);
    key.addEventListener("input", () => { known = "null"; });
    /** Writes the record; refuses once where another page or a request has written it meanwhile. */
    const write = async () => {
      const value = readJson(members.value);
      const path = recordPath(collection, key.value);
      const stored = await storedMembers(path, own);
      if (stored !== known) {
        known = stored;
        throw new Error(t(isNew ? "state.exists" : "state.changed", { stored: stored === "null" ? t("state.tombstone") : stored }));
      }
      await admin(path, { method: "PUT", value, sandbox: own });
    };
    await dialog(t(isNew ? "state.add" : "state.edit.title"), (close) => form(async () => { if (await attempt(write, t("state.written"))) close(true); },
      field(t("state.key"), key), field(t("state.members"), members, t("state.members.hint")),
      h("div", { class: "actions end" }, button(t("cancel"), () => close(null)), h("button", { type: "submit", class: "button primary" }, t("state.write")))));
    refreshRecords();
  }

  async function restore(collection, key) {
    const own = sandbox;
    if (!await confirmDialog(t("state.restore", { key }), t("state.restore.text"), t("state.restore.do"))) return;
    await attempt(() => admin(recordPath(collection, key), { method: "DELETE", sandbox: own }), t("state.restored"));
    refreshRecords();
  }

  async function refreshClock() {
    await times.ask(() => admin("clock", { sandbox }), (time) => { if (isOpen) drawClock(time); }, (error) => fill(clock, errorState(error, refreshClock)));
  }

  async function putClock(value) {
    if (await attempt(() => admin("clock", { method: "PUT", value, sandbox }))) await refreshClock();
  }

  function drawClock(time) {
    const face = h("span", {}, instant(time.now));
    const sinceMs = Date.parse(time.now) - performance.now();
    timeNow = () => (time.mode === "frozen" ? Date.parse(time.now) : sinceMs + performance.now());
    clearInterval(ticking);
    if (time.mode !== "frozen") ticking = setInterval(() => { face.textContent = instant(timeNow()); }, 1_000);
    keepScroll(clock, () => fill(clock,
      h("p", { class: "clock-face", title: time.now }, face, " ", h("span", { class: `badge ${time.mode === "real" ? "plain" : "warn"}` }, t(`clock.${time.mode}`))),
      h("div", { class: "actions" },
        time.mode === "frozen" ? null : button(t("clock.freeze"), () => putClock({ freeze: "now" }), { name: "pause", "aria-label": t("clock.freeze") }),
        time.mode === "real" ? null : button(t("clock.back"), () => putClock({ real: true }), { name: "play", "aria-label": t("clock.back") }))));
  }

  async function refreshSandboxes() {
    await sandboxes.ask(() => admin("sandboxes"), (found) => drawSandboxes(found.sandboxes), (error) => fill(sandboxList, errorState(error, refreshSandboxes)));
  }

  function drawSandboxes(all) {
    const found = all.filter((one) => textHasWords(one.name || t("sandbox.default"), sandboxSearch.value));
    keepScroll(sandboxList, () => fill(sandboxList, found.length ? h("ul", { class: "plain lines" }, ...found.map((one) => h("li", {},
      h("span", { class: "line-text" },
        one.name === sandbox ? h("strong", {}, one.name || t("sandbox.default")) : h("button", { type: "button", class: "link", on: { click: () => changeRoute({ sandbox: one.name }, true) } }, one.name || t("sandbox.default")),
        h("span", { class: "dim" }, ` ${t("journal.count", { count: one.entries })}${one.armed ? ` · ${t("state.armed", { count: one.armed })}` : ""}`)),
      one.name ? iconButton(t("state.drop", { name: one.name }), "remove", () => drop(one.name)) : null))) : h("p", { class: "dim" }, t(all.length ? "state.no.match" : "state.no.sandboxes"))));
  }

  async function drop(name) {
    if (!await confirmDialog(t("state.drop", { name }), t("state.drop.text"), t("state.drop.do"))) return;
    if (name === sandbox) changeRoute({ sandbox: "" }); // or what is asked of it meanwhile makes it again
    await attempt(() => admin(`sandboxes/${encodeURIComponent(name)}`, { method: "DELETE" }), t("state.dropped"));
    await refreshSandboxes();
  }

  async function reset() {
    const own = sandbox;
    if (!await confirmDialog(t("state.reset"), t("state.reset.text", { name: own || t("sandbox.default") }), t("state.reset.do"))) return;
    await attempt(() => admin("reset", { method: "POST", sandbox: own }), t("state.was.reset"));
    fill(clock); // it runs again
    refresh();
  }

  function saveSnapshot() {
    const own = sandbox;
    return attempt(async () => saveFile(await adminFile("state", { sandbox: own }), `state-${own || "default"}.json`));
  }

  function loadSnapshot() {
    const own = sandbox;
    const input = h("input", { type: "file", accept: ".json,application/json", class: "sr", "aria-hidden": "true" });
    input.addEventListener("change", () => attempt(async () => {
      const done = await admin("state", { method: "PUT", body: await input.files[0].text(), sandbox: own });
      toast([t("state.loaded", { count: done.records }), ...(done.note ? [" ", englishText(done.note)] : [])]);
      await refresh();
    }));
    input.click();
  }

  const refreshSoon = throttled(() => { if (isOpen && !document.querySelector("dialog")) { refreshRecords(); refreshClock(); refreshSandboxes(); } }, 400);
  const looking = setInterval(() => { if (isLive && document.visibilityState === "visible" && getSelection().type !== "Range") refreshSoon(); }, LOOK_MS);
  function connect() {
    disconnect();
    disconnect = listen({}, sandbox, { onOpen: async () => { await load(); }, onEntry: refreshSoon, onLost: refreshSoon, onState: (name, error) => {
      reportState(name, error);
      isLive = name === "live";
      const isOff = name === "refused" || name === "away";
      side.hidden = isOff && !collections.length;
      if (side.hidden || (isOff && table.querySelector(".loading"))) fill(table, errorState(error ?? { message: t("error.unreachable") }, connect));
    } });
  }

  connect();
  return {
    update({ params }) {
      records.forget();
      if (params.sandbox !== sandbox) {
        sandbox = params.sandbox;
        times.forget();
        fill(clock);
        fill(table, loadingState());
        connect();
      } else if (collections.length) {
        drawTabs();
        refreshRecords();
      }
    },
    close() { isOpen = false; clearInterval(ticking); clearInterval(looking); disconnect(); },
  };
}
