// The state of a sandbox: its records as tables, its clock, snapshots, and the sandboxes that there are.

import { admin, adminFile, listen } from "./api.js";
import { contract } from "./facts.js";
import { fill, h, paced, steady } from "./dom.js";
import { parse, shown as asText, stringify } from "./numbers.js";
import { attempt, button, dialog, failed, field, form, iconButton, loading, nothing, save, sure, toast } from "./parts.js";
import { change, place } from "./place.js";
import { t } from "./words.js";

const ONCE = 300;

/** The view. */
export function state(main, tell) {
  let sandbox = place().params.sandbox;
  let stop = () => {};
  let on = true;
  let collections = [];
  let most = ONCE;
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": t("state.collections") });
  const table = h("div", { class: "records-table" });
  const clock = h("div", {});
  const others = h("div", {});

  const side = h("div", { class: "stack" },
    h("section", { class: "panel", "aria-labelledby": "clock-title" }, h("h2", { id: "clock-title" }, t("clock")), clock),
    h("section", { class: "panel", "aria-labelledby": "others-title" }, h("h2", { id: "others-title" }, t("state.sandboxes")), others));

  fill(main,
    h("div", { class: "view-head" }, h("h1", {}, t("state.title")), h("span", { class: "spread" }),
      button(t("state.down"), down, { name: "download" }), button(t("state.up"), up, { name: "upload" }), button(t("state.reset"), reset, { kind: "danger" })),
    h("div", { class: "columns wide-first" },
      h("section", { class: "panel", "aria-label": t("state.records") }, tabs, table),
      side));
  fill(table, loading());

  const chosen = () => place().params.collection ?? collections[0]?.collection;

  async function start() {
    try {
      collections = (await contract()).collections;
      if (on) await refresh();
    } catch (error) {
      if (on) fill(table, failed(error, start));
    }
  }

  function drawTabs() {
    fill(tabs, ...collections.map((one) => h("button", { type: "button", class: "tab", "aria-pressed": String(one.collection === chosen()), on: { click: () => { most = ONCE; change({ collection: one.collection }); } } }, one.collection)));
  }

  async function refresh() {
    drawTabs();
    if (!collections.length) fill(table, nothing("state", t("state.none"), t("state.none.text")));
    else await records();
    await Promise.all([readClock({ gently: true }), readOthers()]);
  }

  async function records() {
    const name = chosen();
    try {
      const found = await admin(`state/${encodeURIComponent(name)}`, { sandbox, exact: true });
      if (on && name === chosen()) steady(table, () => drawRecords(found));
    } catch (error) {
      if (on) fill(table, failed(error, records));
    }
  }

  function drawRecords({ collection, open, default: usual, records: rows }) {
    const written = rows.filter((one) => one.origin === "request");
    const ordered = [...written.reverse(), ...rows.filter((one) => one.origin !== "request")];
    const members = [...new Set(rows.flatMap((one) => Object.keys(one.members ?? {})))];
    const shown = (value) => (value === undefined ? "" : asText(value));
    const line = (one) => h("tr", {},
      h("th", { scope: "row", class: "mono", title: one.key }, one.key),
      h("td", {}, h("span", { class: `badge ${one.origin === "request" ? "documented" : "plain"}` }, t(`origin.${one.origin}`))),
      one.members === null ? h("td", { colSpan: Math.max(1, members.length), class: "dim" }, t("state.tombstone")) : members.map((name) => h("td", { class: "mono", title: shown(one.members[name]), data: { title: name } }, shown(one.members[name]))),
      h("td", { class: "tools" },
        iconButton(t("state.edit", { key: one.key }), "edit", () => edit(collection, one)),
        one.origin === "request" ? iconButton(t("state.restore", { key: one.key }), "undo", () => restore(collection, one.key)) : null));
    fill(table,
      h("p", { class: "dim" }, t(open ? "state.open" : "state.closed"), open && Object.keys(usual).length ? h("span", { class: "mono" }, ` ${stringify(usual)}`) : null),
      rows.length ? h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": collection }, h("table", { class: "grid" },
        h("thead", {}, h("tr", {}, ...[t("state.key"), t("state.origin"), ...(members.length ? members : [t("state.members")]), ""].map((name) => name ? h("th", { scope: "col" }, name) : h("td", { class: "tools" })))),
        h("tbody", {}, ...ordered.slice(0, most).map(line)))) : nothing("empty", t("state.empty"), t("state.empty.text")),
      ordered.length > most ? button(t("state.more", { count: ordered.length - most }), () => { most += 1_000; records(); }) : null,
      h("div", { class: "actions" }, button(t("state.add"), () => edit(collection, { key: "", members: { ...usual } }), { name: "add" })));
  }

  async function edit(collection, record) {
    const fresh = record.key === "";
    const key = h("input", { type: "text", class: "mono", required: true, value: record.key, disabled: !fresh });
    const members = h("textarea", { rows: 10, spellcheck: "false" });
    members.value = stringify(record.members, 2);
    const wrong = h("p", { class: "bad-text", role: "alert" });
    const write = async (close) => {
      let value;
      try {
        value = parse(members.value);
      } catch (error) {
        wrong.textContent = t("state.not.json", { why: error.message });
        return;
      }
      if (await attempt(() => admin(`state/${encodeURIComponent(collection)}/${encodeURIComponent(key.value)}`, { method: "PUT", value, sandbox }), t("state.written"))) close(true);
    };
    if (await dialog(t(fresh ? "state.add" : "state.edit.title"), (close) => form(() => write(close),
      field(t("state.key"), key), field(t("state.members"), members, t("state.members.hint")), wrong,
      h("div", { class: "actions end" }, button(t("cancel"), () => close(null)), h("button", { type: "submit", class: "button primary" }, t("state.write")))))) records();
  }

  async function restore(collection, key) {
    if (!await sure(t("state.restore", { key }), t("state.restore.text"), t("state.restore.do"))) return;
    await attempt(() => admin(`state/${encodeURIComponent(collection)}/${encodeURIComponent(key)}`, { method: "DELETE", sandbox }), t("state.restored"));
    records();
  }

  // What somebody is about to send is not taken from them, be it that the stream of events was opened anew.
  const inUse = () => clock.querySelector("details[open]") || clock.contains(document.activeElement);

  async function readClock({ gently = false } = {}) {
    const of = sandbox;
    try {
      const now = await admin("clock", { sandbox: of });
      if (!on || of !== sandbox || (gently && inUse())) return;
      const put = (value) => attempt(() => admin("clock", { method: "PUT", value, sandbox })).then(() => readClock());
      const by = h("input", { type: "text", class: "mono", value: "1h", required: true });
      const at = h("input", { type: "text", class: "mono", value: now.now, required: true });
      fill(clock,
        h("p", { class: "clock-face mono" }, now.now, " ", h("span", { class: `badge ${now.mode === "real" ? "plain" : "warn"}` }, t(`clock.${now.mode}`))),
        h("div", { class: "actions" },
          now.mode === "frozen" ? null : button(t("clock.freeze"), () => put({ freeze: "now" }), { name: "pause" }),
          now.mode === "real" ? null : button(t("clock.back"), () => put({ real: true }), { name: "play" })),
        form(() => put({ advance: by.value.trim() }), h("div", { class: "row end" }, field(t("clock.by"), by, t("clock.by.hint")), h("button", { type: "submit", class: "button" }, t("clock.advance")))),
        h("details", {}, h("summary", {}, t("clock.at")),
          form(() => put({ freeze: at.value.trim() }), field(t("clock.instant"), at), h("div", { class: "actions" }, h("button", { type: "submit", class: "button" }, t("clock.freeze.at"))))));
    } catch (error) {
      if (on && of === sandbox && !(gently && inUse())) fill(clock, failed(error, () => readClock()));
    }
  }

  async function readOthers() {
    try {
      const found = (await admin("sandboxes")).sandboxes;
      if (!on) return;
      steady(others, () => fill(others, found.length ? h("ul", { class: "plain lines" }, ...found.map((one) => h("li", {},
        h("span", { class: "line-text" },
          one.name === sandbox ? h("strong", {}, one.name || t("sandbox.default")) : h("button", { type: "button", class: "link", on: { click: () => change({ sandbox: one.name }, true) } }, one.name || t("sandbox.default")),
          h("span", { class: "dim" }, ` ${t("journal.count", { count: one.entries })}${one.armed ? ` · ${t("state.armed", { count: one.armed })}` : ""}`)),
        one.name ? iconButton(t("state.drop", { name: one.name }), "remove", () => drop(one.name)) : null))) : h("p", { class: "dim" }, t("state.no.sandboxes"))));
    } catch (error) {
      if (on) fill(others, failed(error, readOthers));
    }
  }

  async function drop(name) {
    if (!await sure(t("state.drop", { name }), t("state.drop.text"), t("state.drop.do"))) return;
    if (name === sandbox) change({ sandbox: "" }); // or what is asked of it meanwhile makes it again
    await attempt(() => admin(`sandboxes/${encodeURIComponent(name)}`, { method: "DELETE" }), t("state.dropped"));
    readOthers();
  }

  async function reset() {
    if (!await sure(t("state.reset"), t("state.reset.text"), t("state.reset.do"))) return;
    await attempt(() => admin("reset", { method: "POST", sandbox }), t("state.was.reset"));
    fill(clock); // it runs again
    refresh();
  }

  function down() {
    attempt(async () => save(await adminFile("state", { sandbox }), `state-${sandbox || "default"}.json`));
  }

  function up() {
    const input = h("input", { type: "file", accept: ".json,application/json", class: "sr", "aria-hidden": "true" });
    input.addEventListener("change", () => attempt(async () => {
      const done = await admin("state", { method: "PUT", body: await input.files[0].text(), sandbox });
      toast([t("state.loaded", { count: done.records }), done.note].filter(Boolean).join(" "));
      await refresh();
    }));
    input.click();
  }

  const soon = paced(() => { if (on && !document.querySelector("dialog")) { records(); readOthers(); } }, 400);
  function begin() {
    stop();
    stop = listen({}, sandbox, { opened: async () => { await start(); }, came: soon, lost: soon, state: (name, error) => {
      tell(name, error);
      const none = !collections.length && (name === "refused" || name === "away");
      side.hidden = none;
      if (none) fill(table, failed(error ?? { message: t("error.unreachable") }, begin));
    } });
  }

  begin();
  return {
    update({ params }) {
      if (params.sandbox !== sandbox) {
        sandbox = params.sandbox;
        fill(clock); // it was that of another one
        begin();
      } else if (collections.length) {
        drawTabs();
        records();
      }
    },
    close() { on = false; stop(); },
  };
}
