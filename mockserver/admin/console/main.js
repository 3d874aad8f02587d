// The frame: where to go, which sandbox, whether the mock is there, and the token where one is asked for.

import { admin, tokenFrom } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { contract, forget } from "./facts.js";
import { journal } from "./journal.js";
import { button, dialog, failed, field, form, loading, toastPlace } from "./parts.js";
import { address, change, onPlace, place } from "./place.js";
import { language, t } from "./words.js";

const VIEWS = {
  journal: async () => journal,
  outcomes: async () => (await import("./outcomes.js")).outcomes,
  try: async () => (await import("./attempts.js")).attempts,
  faults: async () => (await import("./faults.js")).faults,
  state: async () => (await import("./state.js")).state,
};

document.documentElement.lang = language;

const main = h("main", { id: "main", tabindex: "-1" });
const links = Object.fromEntries(Object.keys(VIEWS).map((name) => [name, h("a", { href: address(name) }, icon(name), h("span", {}, t(`view.${name}`)))]));
const pulse = h("span", { class: "pulse connecting", role: "status" }, h("span", { class: "dot" }), h("span", { class: "pulse-text" }, t("live.connecting")));
const away = h("div", { class: "away-banner", hidden: true }, icon("offline"), h("span", {}, t("live.away.text")));
const chooser = h("select", { id: "sandbox" });
const version = h("p", { class: "version dim" });

fill(document.getElementById("app"),
  h("button", { type: "button", class: "skip", on: { click: () => main.focus() } }, t("skip")),
  h("header", { class: "top" },
    h("a", { class: "brand", href: address("journal") }, h("span", { class: "mark", "aria-hidden": "true" }), h("span", {}, "mockserver")),
    h("span", { class: "spread" }),
    h("div", { class: "chooser" }, h("label", { for: "sandbox" }, t("sandbox")), chooser),
    pulse),
  away,
  h("nav", { class: "rail", "aria-label": t("views") }, ...Object.values(links), version),
  main,
  toastPlace);

let wasAway = false;

/** Say whether the mock is there, or what it answered (`error`); one that comes back may serve another contract. */
function tell(state, error) {
  if (state === "live" && wasAway) {
    forget();
    told();
  }
  wasAway = state === "away" || (wasAway && state !== "live");
  pulse.className = `pulse ${state}`;
  pulse.lastChild.textContent = t(`live.${state}`);
  away.lastChild.textContent = error?.status ? t("live.away.status", { status: error.status }) : t("live.away.text");
  away.hidden = state !== "away";
}

let view = null;
let shown = "";

async function show() {
  const now = place();
  const name = now.view in VIEWS ? now.view : "journal";
  for (const [one, link] of Object.entries(links)) {
    link.href = address(one);
    if (one === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (chooser.value !== now.params.sandbox) sandboxes();
  document.title = `${t(`view.${name}`)} · mockserver`;
  if (name === shown) {
    view?.update(now);
    return;
  }
  const first = !shown;
  shown = name;
  view?.close();
  view = null;
  fill(main, loading());
  main.className = `view-${name}`;
  const make = await VIEWS[name]();
  if (shown !== name) return;
  view = make(main, tell);
  if (!first) main.focus({ preventScroll: true });
}

/** The sandboxes to choose from; the chosen one is among them even before it is made. */
async function sandboxes() {
  const chosen = place().params.sandbox;
  const list = (names) => {
    const all = [...new Set(["", ...names, chosen])];
    fill(chooser, ...all.map((name) => h("option", { value: name }, name || t("sandbox.default"))), h("option", { value: "\u0000" }, t("sandbox.other")));
    chooser.value = chosen;
  };
  list([...chooser.options].map((one) => one.value).filter((name) => name !== "\u0000"));
  try {
    list((await admin("sandboxes")).sandboxes.map((one) => one.name));
  } catch { /* the view tells what is wrong */ }
}

chooser.addEventListener("focus", sandboxes);
chooser.addEventListener("change", async () => {
  let name = chooser.value;
  if (name === "\u0000") {
    chooser.value = place().params.sandbox;
    const input = h("input", { type: "text", required: true, pattern: "[A-Za-z0-9][A-Za-z0-9._~\\-]{0,63}", autocomplete: "off" });
    name = await dialog(t("sandbox.other.title"), (close) => form(() => close(input.value), field(t("sandbox.name"), input, t("sandbox.hint")),
      h("div", { class: "actions end" }, button(t("cancel"), () => close(null)), h("button", { type: "submit", class: "button primary" }, t("sandbox.go")))));
    if (name === null) return;
  }
  change({ sandbox: name, id: "", of: "" }, true);
});

tokenFrom((again) => {
  const input = h("input", { type: "password", required: true, autocomplete: "off" });
  return dialog(t("token.title"), (close) => form(() => close(input.value.trim()),
    h("p", {}, t(again ? "token.again" : "token.about")), field(t("token.label"), input),
    h("div", { class: "actions end" }, button(t("cancel"), () => close(null)), h("button", { type: "submit", class: "button primary" }, t("token.do")))));
});

addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError") event.preventDefault();
});

/** Say what is served. */
function told() {
  contract().then((known) => fill(version, `${known.version} · `, h("span", { class: "mono" }, known.contract))).catch(forget);
}

function shows() {
  show().catch((error) => {
    shown = "";
    fill(main, failed(error, () => location.reload()));
  });
}

onPlace(shows);
sandboxes();
shows();
told();
