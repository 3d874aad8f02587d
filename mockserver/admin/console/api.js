// The admin API: requests, the admin token, and the stream of new entries.

import { parse, stringify } from "./exact_json.js";
import { language } from "./translations.js";

const home = new URL("../../", import.meta.url).pathname;
const [, root, sandboxSegment] = /^(.*?\/)(?:sandbox\/([^/]+)\/)?__admin\/$/.exec(home) ?? [home, "/", undefined];
const TOKEN_KEY = "mockserver-token";

/** A stream without data for this time is broken; the mock sends something every fifteen seconds. */
const SILENCE_MS = 40_000;

/** The sandbox in the URL of the page; "" is the default one. */
export const startingSandbox = sandboxSegment === undefined ? "" : decodeURIComponent(sandboxSegment);

/** Whether the mock has taken the token that this page keeps. */
let wasAccepted = Boolean(sessionStorage.getItem(TOKEN_KEY));

let askForToken = () => Promise.resolve(null);

/** Sets the function that asks the user for a token: `ask(why)` ("about", "again" or "expired") resolves to it, or to null. */
export function onTokenNeeded(ask) {
  let pending = null;
  askForToken = (why) => {
    pending ??= ask(why).finally(() => { pending = null; });
    return pending;
  };
}

/** Tells (`change`) that the mock may have changed: an entry came, or this page sent something. */
export const changes = new EventTarget();

/** A refused request (`problem`), or a mock that cannot be reached (`status` 0). */
export class AdminError extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? problem?.title ?? "");
    this.status = status;
    this.problem = problem;
  }

  /** The kind of problem: the last word of its type. */
  get kind() {
    return String(this.problem?.type ?? "").split(":").pop();
  }
}

/** The URL of a path of the contract in a sandbox. */
export function urlOf(path, sandbox) {
  return `${root}${sandbox ? `sandbox/${encodeURIComponent(sandbox)}/` : ""}${path.replace(/^\//, "")}`;
}

async function send(path, { sandbox, method = "GET", body, signal, headers = {} }) {
  let token = sessionStorage.getItem(TOKEN_KEY);
  for (;;) {
    const allHeaders = { ...headers };
    if (token) allHeaders.Authorization = `Bearer ${token}`;
    if (body !== undefined) allHeaders["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(urlOf(`__admin/${path}`, sandbox), { method, body, signal, headers: allHeaders, cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new AdminError(0, null);
    }
    if (response.status !== 401) {
      wasAccepted ||= Boolean(token);
      return response;
    }
    const stored = sessionStorage.getItem(TOKEN_KEY);
    token = stored && stored !== token ? stored : await askForToken(!token ? "about" : wasAccepted ? "expired" : "again");
    if (!token) throw new AdminError(401, await response.json().catch(() => null));
    sessionStorage.setItem(TOKEN_KEY, token);
    wasAccepted = false;
  }
}

async function checked(response) {
  if (response.ok) return response;
  throw new AdminError(response.status, await response.json().catch(() => null));
}

/** Calls an admin route, and gives its JSON; `value` is sent as JSON. `exact`: keeps numbers as written. Throws `AdminError`. */
export async function admin(path, { value, exact = false, ...options } = {}) {
  const body = value === undefined ? options.body : stringify(value);
  const response = await checked(await send(path, { ...options, body }));
  if ((options.method ?? "GET") !== "GET") changes.dispatchEvent(new Event("change"));
  return exact ? parse(await response.text()) : response.json();
}

/** Calls an admin route, and gives its answer as a blob. Throws `AdminError`. */
export async function adminFile(path, options = {}) {
  return (await checked(await send(path, { ...options, headers: { "Accept-Language": language } }))).blob();
}

/** The query string of the parameters that have a value. */
export function queryString(params) {
  const present = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return present.length ? `?${new URLSearchParams(present)}` : "";
}

const wait = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); done(); });
});

/** Waits until somebody may see the page. */
async function inView(signal) {
  while (document.hidden && !signal.aborted) {
    await new Promise((done) => {
      document.addEventListener("visibilitychange", done, { once: true });
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/**
 * Reads new entries, and gives the function that stops it. A hidden page reads none, and goes on where it stopped: a
 * browser opens six connections to a host, so that more streams than that would keep all other tabs waiting.
 *
 * `onOpen(isResumed)` is awaited when the stream begins, anew or behind the entry that came last, `onEntry(entry)` is
 * called for each entry, `onLost()` is awaited where entries were dropped from the stream or deleted,
 * `onState(name, failure)` is called for "connecting", "live", "away" and "refused".
 */
export function listen(params, sandbox, { onOpen, onEntry, onLost, onState }) {
  const stopped = new AbortController();
  const { signal } = stopped;
  let lastId = "";
  let failures = 0;

  async function connect() {
    const connection = new AbortController();
    signal.addEventListener("abort", () => connection.abort(), { signal: connection.signal });
    document.addEventListener("visibilitychange", () => { if (document.hidden) connection.abort(); }, { signal: connection.signal });
    let timer = 0;
    const restartTimer = () => {
      clearTimeout(timer);
      timer = setTimeout(() => connection.abort(), SILENCE_MS);
    };
    try {
      await read(connection.signal, restartTimer);
    } finally {
      clearTimeout(timer);
      connection.abort();
    }
  }

  async function read(connectionSignal, restartTimer) {
    const isResumed = Boolean(lastId);
    const headers = isResumed ? { "Last-Event-ID": lastId } : {};
    const response = await checked(await send(`events${queryString(params)}`, { sandbox, signal: connectionSignal, headers }));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    let hasBegun = false;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      restartTimer();
      if (!hasBegun) {
        hasBegun = true;
        failures = 0;
        onState("live");
        await onOpen(isResumed);
      }
      const blocks = (buffer + value).split("\n\n");
      buffer = blocks.pop();
      for (const block of blocks) await dispatch(block);
    }
  }

  async function dispatch(block) {
    const fields = Object.fromEntries(block.split("\n").map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)];
    }));
    if (fields.id) lastId = fields.id;
    if (!fields.event) return;
    changes.dispatchEvent(new Event("change"));
    if (fields.event === "entry") onEntry(JSON.parse(fields.data));
    else await onLost();
  }

  (async () => {
    onState("connecting");
    for (;;) {
      await inView(signal);
      if (signal.aborted) return;
      let failure;
      try {
        await connect();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof AdminError && error.status) {
          if (error.status < 500) {
            onState("refused", error);
            return;
          }
          failure = error;
        }
      }
      if (signal.aborted) return;
      if (document.hidden) continue;
      failures += 1;
      onState("away", failure);
      await wait(Math.min(250 * 2 ** (failures - 1), 10_000) * (0.8 + Math.random() * 0.4), signal);
    }
  })();
  return () => stopped.abort();
}
