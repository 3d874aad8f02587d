// Widgets of the views: buttons, badges, notices, dialogs, and views that are empty, loading or failed.

import { AdminError } from "./api.js";
import { busyWhile, fill, h, icon, uniqueId } from "./dom.js";
import { language, t, textOr } from "./translations.js";
import { choice, violationText } from "./violations.js";

/** A button; `name` is its icon. */
export function button(text, act, { name, kind = "", ...props } = {}) {
  return actOnClick(h("button", { type: "button", class: `button ${kind}`, ...props }, name ? icon(name) : null, h("span", {}, text)), act);
}

/** A button with an icon only. */
export function iconButton(text, name, act, props = {}) {
  return actOnClick(h("button", { type: "button", class: "icon-button", "aria-label": text, title: text, ...props }, icon(name)), act);
}

function actOnClick(node, act) {
  node.addEventListener("click", busyWhile(node, act));
  return node;
}

/** The status of an answer, coloured by its class. */
export function statusBadge(status, problem = null) {
  const kind = problem ? "misuse" : status >= 500 ? "bad" : status >= 400 ? "warn" : "good";
  return h("span", { class: `badge status ${kind}` }, String(status));
}

const RECORDED_KINDS = { same: "documented", differs: "bad", unknown: "plain", fallback: "assumed" };

/** Whether a request went to the provider behind `record`, which may have done what was asked. */
export const isForwarded = ({ recorded, problem }) => Boolean(recorded || problem?.startsWith("provider-"));

/** Problems that are the mock's own, whatever the client sent. */
const OWN_PROBLEMS = new Set(["broken", "store-unavailable", "no-room-for-sandbox", "no-room-for-state", "no-room-for-record", "too-many-connections", "sandbox-gone"]);

/** The source of an answer: documented, assumed, misuse, a problem of the mock, the provider that gave none, or what its answer is to the contract. */
export function sourceBadge({ source, recorded, fallback, problem }) {
  const compared = fallback ? "fallback" : recorded;
  if (compared) return h("span", { class: `badge ${RECORDED_KINDS[compared]}` }, t(`recorded.${compared}`));
  if (!source) return h("span", { class: "badge plain" }, t(isForwarded({ problem }) ? "source.provider" : OWN_PROBLEMS.has(problem) ? "source.mock" : "source.none"));
  return h("span", { class: `badge ${source === "assumed" ? "assumed" : "documented"}` }, t(`source.${source}`));
}

/** The area in which short messages appear. */
export const toastArea = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

/** Shows a message for a few seconds, longer with an `action`: a button that is used once. Gives the message, to remove it sooner. */
export function toast(content, kind = "", action = null) {
  const one = h("div", { class: `toast ${kind}` }, h("span", {}, content), action);
  action?.addEventListener("click", () => one.remove());
  toastArea.append(one);
  setTimeout(() => one.remove(), action ? 8_000 : 5_000);
  return one;
}

/** A text of the admin API, which is English; marked as such for a reader of another language. */
export const englishText = (text) => (language === "en" ? [text] : [`${t("entry.detail")}: `, h("span", { lang: "en" }, text)]);

/** What an error says: texts and nodes. */
function errorContent(error) {
  if (!(error instanceof AdminError)) return [String(error?.message ?? error)];
  if (!error.status) return [t("error.unreachable")];
  const { detail, title, errors = [], violations = [], did_you_mean: near = [] } = error.problem ?? {};
  const more = [...errors.slice(1).map((one) => `${one.what}; expected ${one.expected}`), ...violations.slice(1).map((one) => `${one.at}: ${one.message}.`)];
  const text = [detail ?? title, ...more].filter(Boolean).join(" ");
  if (text && language === "en") return [text];
  const ownTitle = textOr(`problem.${error.kind}`, "");
  const known = [
    ownTitle ? `${ownTitle}.` : t("error.status", { status: error.status }),
    ...violations.map((one) => `${one.at} ${violationText(one)}.`),
    ...errors.filter((one) => one.did_you_mean.length).map((one) => t("error.near", { came: one.came, near: choice(one.did_you_mean) })),
    near.length ? t("error.meant", { near: choice(near) }) : "",
  ];
  return [known.filter(Boolean).join(" "), ...(text ? [" ", englishText(text)] : [])];
}

/** Shows an error in the open dialog until something is changed there, or else as a message: one would stand behind the dialog. */
function showError(content) {
  const open = document.querySelector("dialog[open] form") ?? document.querySelector("dialog[open] .arming");
  if (!open) {
    toast(content, "bad");
    return;
  }
  open.querySelector(".form-error")?.remove();
  const told = h("p", { class: "notice bad form-error", role: "alert" }, content);
  open.lastElementChild.before(told);
  open.addEventListener("input", () => told.remove(), { once: true });
}

/** Runs `act`, and shows its error; gives whether it worked. */
export async function attempt(act, done = "") {
  try {
    await act();
    if (done) toast(done);
    return true;
  } catch (error) {
    if (error.name !== "AbortError") showError(errorContent(error));
    return false;
  }
}

/** The status of an entry; struck out where no such answer reached the client. */
export function answerBadge({ status, problem, answer_lost: lost, fault }) {
  if (!lost || fault === "gateway") return statusBadge(status, problem); // the status is that of the gateway's own answer
  return h("span", { class: "badge status misuse", title: t("lost") }, h("s", {}, String(status)), h("span", { class: "sr" }, t("lost")));
}

/** A notice within a page. */
export function notice(kind, ...children) {
  return h("div", { class: `notice ${kind}` }, ...children);
}

/** The placeholder of an empty view. */
export function emptyState(name, title, text, ...more) {
  return h("div", { class: "nothing" }, icon(name), h("h2", {}, title), h("p", {}, text), ...more);
}

/** The placeholder of a view that is loading. */
export function loadingState() {
  return h("div", { class: "loading", role: "status" }, h("span", { class: "sr" }, t("loading")), ...[0, 1, 2, 3].map(() => h("div", { class: "bone" })));
}

/** The placeholder of a view that failed to load. */
export function errorState(error, retry) {
  const isLocked = error instanceof AdminError && error.status === 401;
  const name = isLocked ? "lock" : error instanceof AdminError && error.status ? "warning" : "offline";
  return h("div", { class: "nothing bad", role: "alert" }, icon(name), h("h2", {}, t(isLocked ? "token.needed" : "error.title")),
    h("p", {}, isLocked ? t("token.about") : errorContent(error)), retry ? button(t(isLocked ? "token.enter" : "again"), retry) : null);
}

/** A labelled control with a hint below it. */
export function field(label, control, hint = "") {
  const id = control.id || uniqueId("field");
  control.id = id;
  const hintLine = hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  if (hintLine) control.setAttribute("aria-describedby", hintLine.id);
  return h("div", { class: "field" }, h("label", { for: id }, label), control, hintLine);
}

/** Spans of time that may be typed; `bare` is the unit of a number without one. */
const SPANS = {
  delay: { pattern: /^([\d.]+)\s*(ms|s)?$/, bare: "s" },
  clock: { pattern: /^([+-]?[\d.]+)\s*(s|m|h|d)$/ },
};

/** A field for a span of time of a kind of `SPANS`. `read()` gives it as it is sent, "" for nothing, or null after telling what is wrong. */
export function spanField(label, kind, props = {}, hint = "") {
  const input = h("input", { type: "text", class: "mono short", autocomplete: "off", spellcheck: "false", ...props });
  const node = field(label, input, hint);
  const told = h("p", { class: "hint", role: "alert", id: `${input.id}-told` });
  const typed = () => input.value.trim().replace(",", ".");
  const value = () => {
    const [, number, unit = SPANS[kind].bare] = SPANS[kind].pattern.exec(typed()) ?? [];
    return number && !Number.isNaN(Number(number)) ? number + unit : null;
  };
  const tell = (text, isWrong) => {
    told.textContent = text;
    told.classList.toggle("bad-text", isWrong);
    input.setAttribute("aria-invalid", String(isWrong));
  };
  input.setAttribute("aria-describedby", [input.getAttribute("aria-describedby"), told.id].filter(Boolean).join(" "));
  input.addEventListener("input", () => tell(value() && value() !== typed() ? t("span.sent", { value: value() }) : "", false));
  node.append(told);
  return {
    node,
    read() {
      if (!typed() && !input.required) return "";
      if (value() === null) {
        tell(t(`span.wrong.${kind}`), true);
        input.focus();
      }
      return value();
    },
  };
}

/** A checkbox with its label. */
export function checkbox(label, props = {}) {
  const box = h("input", { type: "checkbox", ...props });
  return { box, label: h("label", { class: "tick" }, box, h("span", {}, label)) };
}

/** A select box; options are `[value, text]`. */
export function selectBox(options, value, props = {}) {
  const list = h("select", props, ...options.map(([one, text]) => h("option", { value: String(one) }, text)));
  list.value = value;
  return list;
}

/** A dialog with the nodes of `content(close)`. Resolves to the value given to `close`, null for Esc. */
export function dialog(title, content) {
  return new Promise((done) => {
    const id = uniqueId("dialog");
    const box = h("dialog", { class: "dialog", "aria-labelledby": id, on: { close: () => { box.remove(); done(answer); } } });
    let answer = null;
    const close = (value) => { answer = value; box.close(); };
    fill(box, h("h2", { id }, title), ...[content(close)].flat());
    document.body.append(box);
    box.showModal();
  });
}

// A question belongs to the page behind it: Back closes it unanswered.
addEventListener("popstate", () => { for (const one of document.querySelectorAll("dialog[open]")) one.close(); });

/** A form that calls `act` on submit. */
export function form(act, ...children) {
  const node = h("form", {}, ...children);
  const submit = busyWhile(node, act);
  node.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  return node;
}

/** Asks to confirm an action that cannot be undone. */
export function confirmDialog(title, text, doing) {
  return dialog(title, (close) => form(() => close(true), h("p", {}, text), h("div", { class: "actions end" },
    button(t("cancel"), () => close(null)), h("button", { type: "submit", class: "button danger" }, doing))));
}

/** Saves a blob as a file. */
export function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Copies a text to the clipboard, also on a page without HTTPS, and says so (`done`). */
export async function copyText(text, done = t("copied")) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "sr", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(done);
}
