// The route of the page: view and parameters, kept in the URL, so that a link opens the same view.

import { startingSandbox } from "./api.js";

const KEY = "mockserver-sandbox";
const listeners = [];

/** The sandbox that was last chosen in this browser; "" for the default one. */
export const lastSandbox = () => localStorage.getItem(KEY) ?? "";

/** The view and its parameters, as in the URL. */
export function currentRoute() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const params = Object.fromEntries(new URLSearchParams(query ?? ""));
  if (!("sandbox" in params)) params.sandbox = startingSandbox;
  return { view: path, params };
}

/** The URL of a view, in the same sandbox. */
export function routeUrl(view, params = {}) {
  const all = { sandbox: currentRoute().params.sandbox, ...params };
  if (all.sandbox === startingSandbox) delete all.sandbox;
  const present = Object.entries(all).filter(([name, value]) => value !== undefined && value !== null && (value !== "" || name === "sandbox"));
  const query = new URLSearchParams(present).toString();
  return `#/${view}${query ? `?${query}` : ""}`;
}

/** Changes parameters of the view; `remember` adds a step to the browser's history. */
export function changeRoute(params, remember = false) {
  if ("sandbox" in params) localStorage.setItem(KEY, params.sandbox);
  const route = currentRoute();
  const next = routeUrl(route.view, { ...route.params, ...params });
  if (next === location.hash) return;
  history[remember ? "pushState" : "replaceState"](null, "", next);
  notify();
}

/** Calls `listener` at every change of the route. */
export function onRouteChange(listener) {
  listeners.push(listener);
}

function notify() {
  for (const listener of listeners) listener(currentRoute());
}

addEventListener("hashchange", notify);
addEventListener("popstate", notify);
