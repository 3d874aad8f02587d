// Where the reader is: the view and what it shows, kept in the URL, so that a link shows somebody else the same.

import { startingSandbox } from "./api.js";

const listeners = [];

/** `{view, params}` as the URL says. */
export function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const params = Object.fromEntries(new URLSearchParams(query ?? ""));
  if (!("sandbox" in params)) params.sandbox = startingSandbox;
  return { view: path, params };
}

/** The address of a view; the sandbox goes along. */
export function address(view, params = {}) {
  const all = { sandbox: place().params.sandbox, ...params };
  if (all.sandbox === startingSandbox) delete all.sandbox;
  const kept = Object.entries(all).filter(([name, value]) => value !== undefined && value !== null && (value !== "" || name === "sandbox"));
  const query = new URLSearchParams(kept).toString();
  return `#/${view}${query ? `?${query}` : ""}`;
}

/** Change what the view shows; `remember` adds a step to the browser's history. */
export function change(params, remember = false) {
  const now = place();
  const next = address(now.view, { ...now.params, ...params });
  if (next === location.hash) return;
  history[remember ? "pushState" : "replaceState"](null, "", next);
  tell();
}

/** Go to another view. */
export function go(view, params = {}) {
  location.hash = address(view, params);
}

/** Be told of every change. */
export function onPlace(listener) {
  listeners.push(listener);
}

function tell() {
  for (const listener of listeners) listener(place());
}

addEventListener("hashchange", tell);
addEventListener("popstate", tell);
