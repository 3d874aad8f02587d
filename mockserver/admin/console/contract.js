// The contract and its OpenAPI document, loaded once.

import { admin, urlOf } from "./api.js";
import { language } from "./translations.js";

const cache = new Map();

function cached(name, load) {
  if (!cache.has(name)) {
    const promise = load();
    cache.set(name, promise);
    promise.catch(() => cache.delete(name));
  }
  return cache.get(name);
}

/** Clears the cache, for another server or another contract. */
export function clearCache() {
  cache.clear();
}

/** Operations, collections and assumptions. */
export const contract = () => cached("contract", () => admin("contract"));

/** The outcomes of the contract, as `outcomesOf` gives them. */
export const catalogue = () => cached("catalogue", async () => outcomesOf(await admin("coverage")));

/** The outcomes of a coverage, each with the `code` of its error ("" for a success), and the `titles` of its records. */
export async function outcomesOf({ scenarios }) {
  const served = await contract();
  return scenarios.map((one) => ({ ...one, code: codeOf(one), titles: recordTitles(served, one.operation) }));
}

/** The code of an outcome: that of its error, or else its status; "" for a success. */
const codeOf = (one) => (one.error && Object.keys(one.error).length ? String(one.error.code ?? one.status) : "");

/** The name of a collection in the reader's language. */
export const collectionTitle = (one) => one.title[language] ?? one.title.en ?? one.collection;

/** For each record that an operation looks up, by its name in conditions, the title of its collection. */
export function recordTitles({ operations, collections }, operation) {
  const { lookups = {} } = operations.find((one) => one.operation === operation) ?? {};
  const titleOf = (name) => collections.filter((one) => one.collection === name).map(collectionTitle)[0] ?? name;
  return Object.fromEntries(Object.entries(lookups).map(([record, name]) => [record, titleOf(name)]));
}

/** The address to give to a client: that of the operations in a sandbox. */
export const baseUrl = (served, sandbox) => apiOrigin(served) + urlOf("", sandbox).replace(/\/$/, "");

/** The origin of the operations as seen from this browser; they may have a port of their own. */
export function apiOrigin({ apart, url }) {
  return apart ? `${location.protocol}//${location.hostname}:${new URL(url).port}` : location.origin;
}

/** The kinds of faults with their settings, as the admin API describes them. */
export const faultKinds = () => cached("faults", async () => {
  const document = await admin("openapi.json");
  const body = document.paths["/__admin/arm"].post.requestBody.content["application/json"].schema;
  return body.properties.fault.examples;
});

/** The contract's own OpenAPI document. */
export const openApi = () => cached("described", () => admin("export/openapi", { exact: true }));

/** The members of a request body with path (`body.a.b`) and schema. */
export async function bodyMembers(operation) {
  const found = [];
  const schema = await bodySchema(operation);
  const walk = (one, path) => {
    for (const [name, member] of Object.entries(one.properties)) {
      found.push({ path: `${path}.${name}`, schema: member });
      if (Object.keys(member.properties).length) walk(member, `${path}.${name}`);
    }
  };
  if (schema) walk(schema, "body");
  return found;
}

/** The schema of a request body with references and conditions merged; null without a body. */
export async function bodySchema(operation) {
  const document = await openApi();
  const content = (await operationOf(operation)).requestBody?.content;
  const schema = content?.["application/json"]?.schema;
  return schema ? mergedSchema(schema, schema, document, 0) : null;
}

/** The answers of an operation by outcome. */
export async function answersOf(operation) {
  const found = {};
  for (const response of Object.values((await operationOf(operation)).responses ?? {})) {
    for (const { examples } of Object.values(response.content ?? {})) {
      for (const [name, one] of Object.entries(examples ?? {})) found[name] = one.value;
    }
  }
  return found;
}

/** The parameters of an operation's path and query: `{name, place, required, example, description}` each. */
export async function parametersOf(operation) {
  return ((await operationOf(operation)).parameters ?? []).filter((one) => one.in === "path" || one.in === "query").map((one) => ({
    name: one.name, place: one.in, required: Boolean(one.required), description: one.description ?? "",
    example: one.example ?? Object.values(one.examples ?? {})[0]?.value ?? one.schema?.examples?.[0],
  }));
}

async function operationOf({ method, path }) {
  return (await openApi()).paths?.[path]?.[method.toLowerCase()] ?? {};
}

function mergedSchema(schema, base, document, depth) {
  const merged = { properties: {}, required: new Set(), types: [], examples: [], description: "" };
  const merge = (part, isCertain, deep) => {
    if (!part || typeof part !== "object" || deep > 12) return;
    if (typeof part.$ref === "string") merge(resolveReference(part.$ref, base, document), isCertain, deep + 1);
    merged.description ||= part["x-description"]?.[language] ?? part.description ?? "";
    merged.options ??= part.enum;
    if (isCertain) merged.types = merged.types.length ? merged.types : [part.type ?? []].flat();
    merged.examples.push(...(part.examples ?? (part.example === undefined ? [] : [part.example])));
    if (isCertain) for (const name of part.required ?? []) merged.required.add(name);
    for (const [name, member] of Object.entries(part.properties ?? {})) {
      (merged.properties[name] ??= []).push(member);
    }
    for (const one of part.allOf ?? []) merge(one, isCertain, deep + 1);
    for (const one of [part.else, part.then, ...(part.anyOf ?? []), ...(part.oneOf ?? [])]) merge(one, false, deep + 1);
  };
  merge(schema, true, 0);
  if (!merged.types.length && Object.keys(merged.properties).length) merged.types = ["object"];
  if (depth < 6) {
    for (const [name, members] of Object.entries(merged.properties)) {
      merged.properties[name] = mergedSchema({ allOf: members }, base, document, depth + 1);
    }
  } else merged.properties = {};
  return merged;
}

function resolveReference(reference, base, document) {
  const [file, pointer] = reference.split("#");
  if (file) return null;
  const steps = (pointer ?? "").split("/").slice(1).map((step) => decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~"));
  for (const from of [base, document]) {
    const found = steps.reduce((one, step) => one?.[step], from);
    if (found) return found;
  }
  return null;
}
