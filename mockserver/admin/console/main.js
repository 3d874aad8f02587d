// The frame of the console: navigation, choice of the sandbox, state of the connection, and the token dialog.

import { admin, onTokenNeeded, startingSandbox } from "./api.js";
import { armDialog } from "./arming.js";
import { Answers, fill, h, icon } from "./dom.js";
import { baseUrl, contract, clearCache } from "./contract.js";
import { journal } from "./journal.js";
import { nextAnswers } from "./next_answers.js";
import { outcomes } from "./outcomes.js";
import { button, copyText, dialog, field, form, iconButton, toastArea } from "./widgets.js";
import { routeUrl, changeRoute, lastSandbox, onRouteChange, currentRoute } from "./route.js";
import { state } from "./state.js";
import { testValues } from "./test_values.js";
import { LANGUAGES, chooseLanguage, language, t } from "./translations.js";
import { tryIt } from "./try_it.js";

/** All are loaded with the page: a view also opens while the mock is away. */
const VIEWS = { journal, outcomes, try: tryIt, values: testValues, state };

document.documentElement.lang = language;

const main = h("main", { id: "main", tabindex: "-1" });
const links = Object.fromEntries(Object.keys(VIEWS).map((name) => [name, h("a", { href: routeUrl(name) }, icon(name), h("span", {}, t(`view.${name}`)))]));
const connectionState = h("span", { class: "pulse connecting", role: "status" }, h("span", { class: "dot" }), h("span", { class: "pulse-text" }, t("live.connecting")));
const awayBanner = h("div", { class: "away-banner", hidden: true }, icon("offline"), h("span", {}, t("live.away.text")));
const sandboxSelect = h("select", { id: "sandbox" });
const baseLine = h("span", { class: "base mono" });
const operationLine = h("span", { class: "about-operations" });
const aboutLine = h("span", { class: "about dim" }, t("about"), operationLine);
const next = nextAnswers(() => armDialog({ sandbox: currentRoute().params.sandbox }));
const versionLine = h("p", {});
/** Links to the other languages in each view: who cannot read this one does not look for a setting. */
const otherLanguages = Object.entries(LANGUAGES).filter(([code]) => code !== language)
  .map(([code, name]) => h("button", { type: "button", class: "link", lang: code, on: { click: () => chooseLanguage(code) } }, name));

fill(document.getElementById("app"),
  h("button", { type: "button", class: "skip", on: { click: () => main.focus() } }, t("skip")),
  h("header", { class: "top" },
    h("a", { class: "brand", href: routeUrl("journal") }, h("span", { class: "mark", "aria-hidden": "true" }), h("span", { class: "brand-text" }, h("span", {}, "mockserver"), aboutLine)),
    baseLine,
    h("span", { class: "spread" }),
    h("div", { class: "chooser" }, h("label", { for: "sandbox" }, t("sandbox")), sandboxSelect),
    connectionState),
  awayBanner,
  next.node,
  h("nav", { class: "rail", "aria-label": t("views") }, ...Object.values(links), h("div", { class: "version dim" }, ...otherLanguages, versionLine)),
  main,
  toastArea);

let wasOff = false;

/** Shows the state of the connection. A mock that comes back may serve another contract; one that refused has told nothing yet. */
function reportState(state, error) {
  if (state === "live" && wasOff) {
    clearCache();
    showServed();
  }
  next.setState(state);
  wasOff = state === "away" || state === "refused" || (wasOff && state !== "live");
  connectionState.className = `pulse ${state}`;
  connectionState.lastChild.textContent = t(`live.${state}`);
  awayBanner.lastChild.textContent = error?.status ? t("live.away.status", { status: error.status }) : t("live.away.text");
  awayBanner.hidden = state !== "away";
}

let view = null;
let shownView = "";
let shownSandbox = null;

function show() {
  const route = currentRoute();
  const name = route.view in VIEWS ? route.view : "journal";
  for (const [one, link] of Object.entries(links)) {
    link.href = routeUrl(one);
    if (one === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (shownSandbox !== route.params.sandbox) {
    shownSandbox = route.params.sandbox;
    drawSandboxes();
    showServed();
  }
  document.title = `${t(`view.${name}`)} · mockserver`;
  if (name === shownView) {
    view?.update(route);
    return;
  }
  const first = !shownView;
  shownView = name;
  view?.close();
  main.className = `view-${name}`;
  view = VIEWS[name](main, reportState);
  if (!first) main.focus({ preventScroll: true });
}

const sandboxes = new Answers();

/** Fills the list of sandboxes; the chosen one is in it even before it is made. */
async function drawSandboxes() {
  const list = (names) => {
    const chosen = currentRoute().params.sandbox;
    const all = [...new Set(["", ...names, chosen])];
    fill(sandboxSelect, ...all.map((name) => h("option", { value: name }, name || t("sandbox.default"))), h("option", { value: "\u0000" }, t("sandbox.other")));
    sandboxSelect.value = chosen;
  };
  list([...sandboxSelect.options].map((one) => one.value).filter((name) => name !== "\u0000"));
  await sandboxes.ask(() => admin("sandboxes"), (found) => list(found.sandboxes.map((one) => one.name)), () => { /* the view tells what is wrong */ });
}

sandboxSelect.addEventListener("focus", drawSandboxes);
sandboxSelect.addEventListener("change", async () => {
  let name = sandboxSelect.value;
  if (name === "\u0000") {
    sandboxSelect.value = currentRoute().params.sandbox;
    const names = h("datalist", { id: "sandbox-names" }, ...[...sandboxSelect.options].slice(1, -1).map((one) => h("option", { value: one.value })));
    const input = h("input", { type: "text", required: true, pattern: "[A-Za-z0-9][A-Za-z0-9._~\\-]{0,63}", autocomplete: "off", list: names.id });
    input.addEventListener("input", () => input.setCustomValidity(input.validity.patternMismatch ? t("sandbox.hint") : ""));
    name = await dialog(t("sandbox.other.title"), (close) => form(() => close(input.value), field(t("sandbox.name"), input, t("sandbox.hint")), names,
      h("div", { class: "actions end" }, button(t("cancel"), () => close(null)), h("button", { type: "submit", class: "button primary" }, t("sandbox.go")))));
    if (name === null) return;
  }
  changeRoute({ sandbox: name, id: "", entry: "", of: "" }, true);
});

onTokenNeeded((why) => {
  const input = h("input", { type: "password", required: true, autocomplete: "off" });
  return dialog(t("token.title"), (close) => form(() => close(input.value.trim()),
    h("p", {}, t(`token.${why}`)), field(t("token.label"), input),
    h("div", { class: "actions end" }, button(t("cancel"), () => close(null)), h("button", { type: "submit", class: "button primary" }, t("token.do")))));
});

addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError") event.preventDefault();
});

/** Shows version and contract of the server, and the address for a client. */
function showServed() {
  contract().then((served) => {
    const base = baseUrl(served, currentRoute().params.sandbox);
    const apis = served.operations.map((one) => `${one.method} ${one.path}`);
    const operations = apis.length === 1 ? apis[0] : t("operations", { count: apis.length });
    operationLine.textContent = ` · ${operations}`;
    const pieces = operations.split(/(?<=\/)/).flatMap((one) => [one, h("wbr")]); // a long path breaks behind a slash
    fill(versionLine, h("span", { title: apis.join("\n") }, ...pieces), h("br"), `${served.version} · `, h("span", { class: "mono" }, served.contract));
    fill(baseLine, h("span", { class: "cut", title: base }, base), iconButton(t("base.copy"), "copy", () => copyText(base, t("copied.address"))));
  }).catch(clearCache);
}

if (!location.hash && !startingSandbox && lastSandbox()) history.replaceState(null, "", routeUrl("journal", { sandbox: lastSandbox() }));
onRouteChange(show);
show();
