// The parts that views are made of: buttons, badges, notices, dialogs, states that are empty or wrong.

import { Failure } from "./api.js";
import { fill, h, icon, unique } from "./dom.js";
import { t } from "./words.js";

/** A button; `name` is its drawing. */
export function button(text, act, { name, kind = "", ...props } = {}) {
  return h("button", { type: "button", class: `button ${kind}`, on: { click: act }, ...props }, name ? icon(name) : null, h("span", {}, text));
}

/** A button that is a drawing alone. */
export function iconButton(text, name, act, props = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": text, title: text, on: { click: act }, ...props }, icon(name));
}

/** The status of an answer, coloured by its class. */
export function statusBadge(status, problem = null) {
  const kind = problem ? "misuse" : status >= 500 ? "bad" : status >= 400 ? "warn" : "good";
  return h("span", { class: `badge status ${kind}` }, String(status));
}

/** Where an answer comes from. */
export function sourceBadge(source) {
  if (!source) return h("span", { class: "badge plain" }, t("source.none"));
  return h("span", { class: `badge ${source === "assumed" ? "assumed" : "documented"}` }, t(`source.${source}`));
}

const toasts = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

/** Where short messages appear. */
export const toastPlace = toasts;

/** Say something for a few seconds. */
export function toast(text, kind = "") {
  const one = h("div", { class: `toast ${kind}` }, text);
  toasts.append(one);
  setTimeout(() => one.remove(), 5000);
}

/** What went wrong, in a sentence. */
export function told(error) {
  if (!(error instanceof Failure)) return String(error?.message ?? error);
  if (!error.status) return t("error.unreachable");
  const more = error.problem?.errors?.map((one) => `${one.what}; ${t("error.expected")} ${one.expected}`).slice(1) ?? [];
  return [error.problem?.detail ?? error.problem?.title ?? t("error.status", { status: error.status }), ...more].join(" ");
}

/** Do something that may be refused; the refusal is told. Gives whether it was done. */
export async function attempt(act, done = "") {
  try {
    await act();
    if (done) toast(done);
    return true;
  } catch (error) {
    if (error.name !== "AbortError") toast(told(error), "bad");
    return false;
  }
}

/** A notice in the flow of a page. */
export function notice(kind, ...children) {
  return h("div", { class: `notice ${kind}` }, ...children);
}

/** The state in which there is nothing to show. */
export function nothing(name, title, text, ...more) {
  return h("div", { class: "nothing" }, icon(name), h("h2", {}, title), h("p", {}, text), ...more);
}

/** The state in which what is to be shown is on its way. */
export function loading() {
  return h("div", { class: "loading", role: "status" }, h("span", { class: "sr" }, t("loading")), ...[0, 1, 2, 3].map(() => h("div", { class: "bone" })));
}

/** The state in which it could not be had. */
export function failed(error, again) {
  const locked = error instanceof Failure && error.status === 401;
  const name = locked ? "lock" : error instanceof Failure && error.status ? "warning" : "offline";
  return h("div", { class: "nothing bad", role: "alert" }, icon(name), h("h2", {}, t(locked ? "token.needed" : "error.title")),
    h("p", {}, locked ? t("token.about") : told(error)), again ? button(t(locked ? "token.enter" : "again"), again) : null);
}

/** A labelled control; `hint` stands below it. */
export function field(label, control, hint = "") {
  const id = control.id || unique("field");
  control.id = id;
  const below = hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  if (below) control.setAttribute("aria-describedby", below.id);
  return h("div", { class: "field" }, h("label", { for: id }, label), control, below);
}

/** A box to tick, with its label. */
export function tick(label, props = {}) {
  const box = h("input", { type: "checkbox", ...props });
  return { box, label: h("label", { class: "tick" }, box, h("span", {}, label)) };
}

/** A list to choose from: `[value, text]` each. */
export function choice(options, value, props = {}) {
  const list = h("select", props, ...options.map(([one, text]) => h("option", { value: String(one) }, text)));
  list.value = value;
  return list;
}

/** A dialog; `make(close)` gives what is in it. Resolves to what it is closed with, null for Esc. */
export function dialog(title, make) {
  return new Promise((done) => {
    const id = unique("dialog");
    const box = h("dialog", { class: "dialog", "aria-labelledby": id, on: { close: () => { box.remove(); done(answer); } } });
    let answer = null;
    const close = (value) => { answer = value; box.close(); };
    fill(box, h("h2", { id }, title), ...[make(close)].flat());
    document.body.append(box);
    box.showModal();
  });
}

/** A form whose sending is `act`. */
export function form(act, ...children) {
  return h("form", { on: { submit: (event) => { event.preventDefault(); act(); } } }, ...children);
}

/** Whether the reader wants what cannot be undone. */
export function sure(title, text, doing) {
  return dialog(title, (close) => form(() => close(true), h("p", {}, text), h("div", { class: "actions end" },
    button(t("cancel"), () => close(null)), h("button", { type: "submit", class: "button danger" }, doing))));
}

/** Save something as a file. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Put a text on the clipboard, also where the page is not served securely. */
export async function copy(text) {
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
  toast(t("copied"));
}

/** A time of day, as the reader's language writes it, with thousandths. */
export function timeOfDay(text) {
  return clock.format(new Date(text));
}

/** A day and a time. */
export function instant(text) {
  return day.format(new Date(text));
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });
const day = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false, timeZoneName: "short",
});
