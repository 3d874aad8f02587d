// The admin API: requests, the token where one is asked for, and the stream of new entries.

import { parse, stringify } from "./numbers.js";

const home = new URL("../../", import.meta.url).pathname;
const [, root, given] = /^(.*?\/)(?:sandbox\/([^/]+)\/)?__admin\/$/.exec(home) ?? [home, "/", undefined];
const KEPT = "mockserver-token";

/** After so many ms without a sign of life a stream is taken for dead; the mock gives one each fifteen seconds. */
const SILENCE = 40_000;

/** The sandbox in whose URL the page was opened; "" is the default one. */
export const startingSandbox = given === undefined ? "" : decodeURIComponent(given);

let askForToken = () => Promise.resolve(null);

/** `ask(again)` gives the token that the reader types, null where there is none. */
export function tokenFrom(ask) {
  let asking = null;
  askForToken = (again) => {
    asking ??= ask(again).finally(() => { asking = null; });
    return asking;
  };
}

/** What the mock refused (`problem`), or that it could not be reached (`status` 0). */
export class Failure extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? problem?.title ?? "");
    this.status = status;
    this.problem = problem;
  }

  /** The kind of problem, the last word of its type. */
  get kind() {
    return String(this.problem?.type ?? "").split(":").pop();
  }
}

/** The URL of a path of the contract in a sandbox. */
export function urlOf(path, sandbox) {
  return `${root}${sandbox ? `sandbox/${encodeURIComponent(sandbox)}/` : ""}${path.replace(/^\//, "")}`;
}

async function send(path, { sandbox, method = "GET", body, signal, headers = {} }) {
  let token = sessionStorage.getItem(KEPT);
  for (;;) {
    const sent = { ...headers };
    if (token) sent.Authorization = `Bearer ${token}`;
    if (body !== undefined) sent["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(urlOf(`__admin/${path}`, sandbox), { method, body, signal, headers: sent, cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Failure(0, null);
    }
    if (response.status !== 401) return response;
    const known = sessionStorage.getItem(KEPT);
    token = known && known !== token ? known : await askForToken(Boolean(token));
    if (!token) throw new Failure(401, await response.json().catch(() => null));
    sessionStorage.setItem(KEPT, token);
  }
}

async function checked(response) {
  if (response.ok) return response;
  throw new Failure(response.status, await response.json().catch(() => null));
}

/** The JSON of an admin route; `value` is sent as JSON. `exact`: numbers as they were written. Throws `Failure`. */
export async function admin(path, { value, exact = false, ...how } = {}) {
  const body = value === undefined ? how.body : stringify(value);
  const response = await checked(await send(path, { ...how, body }));
  return exact ? parse(await response.text()) : response.json();
}

/** The answer of an admin route as a file. Throws `Failure`. */
export async function adminFile(path, how = {}) {
  return (await checked(await send(path, how))).blob();
}

/** A query string of those parameters that have a value. */
export function query(params) {
  const kept = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return kept.length ? `?${new URLSearchParams(kept)}` : "";
}

const wait = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); done(); });
});

/**
 * Reads new entries until the function that it gives is called.
 *
 * `opened(again)` is awaited when the stream is there, `came(entry)` called for each, `lost(count)` where some were
 * left out, `state(name, failure)` for "connecting", "live", "away" and "refused".
 */
export function listen(params, sandbox, { opened, came, lost, state }) {
  const ending = new AbortController();
  const { signal } = ending;
  let seen = "";
  let times = 0;

  async function once(again) {
    const line = new AbortController();
    signal.addEventListener("abort", () => line.abort());
    let watch = 0;
    const heard = () => {
      clearTimeout(watch);
      watch = setTimeout(() => line.abort(), SILENCE);
    };
    try {
      await read(again, line.signal, heard);
    } finally {
      clearTimeout(watch);
    }
  }

  async function read(again, here, heard) {
    const headers = seen ? { "Last-Event-ID": seen } : {};
    const response = await checked(await send(`events${query(params)}`, { sandbox, signal: here, headers }));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let left = "";
    let begun = false;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      if (!begun) {
        begun = true;
        times = 0;
        state("live");
        await opened(again);
      }
      const blocks = (left + value).split("\n\n");
      left = blocks.pop();
      for (const block of blocks) take(block);
    }
  }

  function take(block) {
    const fields = Object.fromEntries(block.split("\n").map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)];
    }));
    if (fields.id) seen = fields.id;
    if (fields.event === "entry") came(JSON.parse(fields.data));
    if (fields.event === "lost") lost(JSON.parse(fields.data).entries);
  }

  (async () => {
    state("connecting");
    let again = false;
    while (!signal.aborted) {
      let why;
      try {
        await once(again);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Failure && error.status) {
          if (error.status < 500) {
            state("refused", error);
            return;
          }
          why = error;
        }
      }
      if (signal.aborted) return;
      again = true;
      times += 1;
      state("away", why);
      await wait(Math.min(250 * 2 ** (times - 1), 10_000) * (0.8 + Math.random() * 0.4), signal);
    }
  })();
  return () => ending.abort();
}
