// A request as a curl command.

import { stringify } from "./exact_json.js";

/** Headers that each client sets by itself. */
export const CLIENT_HEADERS = new Set(["host", "user-agent", "accept", "content-length", "connection", "accept-encoding", "accept-language"]);

const shellQuoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

/** The curl command of a request. `headers` are `{name, value}`; those that curl sends by itself are left out. `body` is JSON or text. */
export function curl({ method, url, headers, body }) {
  const isHead = method === "HEAD" && body === "";
  const parts = ["curl", isHead ? "-I" : "-i", shellQuoted(url)];
  const [path] = url.split("?");
  if (/\/(\.|%2e){1,2}(\/|$)/i.test(path)) parts.push("--path-as-is");
  if (/[[\]{}]/.test(url.replace(/^\w+:\/\/[^/]*/, ""))) parts.push("--globoff");
  if (!isHead && method !== (body === "" ? "GET" : "POST")) parts.push("-X", shellQuoted(method));
  const names = new Set();
  for (const { name, value } of headers) {
    const lowerName = name.toLowerCase();
    names.add(lowerName);
    const isUnpacked = body !== "" && lowerName === "content-encoding"; // the entry has the body unpacked
    if (CLIENT_HEADERS.has(lowerName) || lowerName.startsWith("sec-") || isUnpacked) continue;
    parts.push("-H", shellQuoted(value === "" ? `${name};` : `${name}: ${value}`));
  }
  if (body !== "" && !names.has("content-type")) parts.push("-H", "Content-Type:"); // or curl adds that of a form
  if (body !== "") parts.push("--data-raw", shellQuoted(typeof body === "string" ? body : stringify(body)));
  return parts.join(" ");
}
