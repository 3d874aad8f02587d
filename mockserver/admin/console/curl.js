// A request as a curl command.

import { stringify } from "./exact_json.js";

const CLIENT_HEADERS = new Set(["host", "user-agent", "accept", "content-length", "connection", "accept-encoding", "accept-language"]);

const shellQuoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

/** The curl command of a request. `headers` are `{name, value}`; those that curl sends by itself are left out. `body` is JSON or text. */
export function curl({ method, url, headers, body }) {
  const parts = ["curl", "-i", shellQuoted(url)];
  if (method !== (body === "" ? "GET" : "POST")) parts.push("-X", shellQuoted(method));
  for (const { name, value } of headers) {
    const lowerName = name.toLowerCase();
    if (!CLIENT_HEADERS.has(lowerName) && !lowerName.startsWith("sec-")) parts.push("-H", shellQuoted(`${name}: ${value}`));
  }
  if (body !== "") parts.push("--data-raw", shellQuoted(typeof body === "string" ? body : stringify(body)));
  return parts.join(" ");
}
