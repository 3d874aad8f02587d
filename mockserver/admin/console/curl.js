// The command line that sends a request.

import { stringify } from "./numbers.js";

const OWN = new Set(["host", "user-agent", "accept", "content-length", "connection", "accept-encoding", "accept-language"]);

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

/** `headers` are `{name, value}` each, those that a client sends by itself left out; `body` is a JSON value or a text. */
export function curl({ method, url, headers, body }) {
  const parts = ["curl", "-i", quoted(url)];
  if (method !== (body === "" ? "GET" : "POST")) parts.push("-X", quoted(method));
  for (const { name, value } of headers) {
    const known = name.toLowerCase();
    if (!OWN.has(known) && !known.startsWith("sec-")) parts.push("-H", quoted(`${name}: ${value}`));
  }
  if (body !== "") parts.push("--data-raw", quoted(typeof body === "string" ? body : stringify(body)));
  return parts.join(" ");
}
