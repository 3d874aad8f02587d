// What the console knows of the contract and of the mock, asked for once and kept.

import { admin } from "./api.js";

const kept = new Map();

function once(name, ask) {
  if (!kept.has(name)) {
    const asked = ask();
    kept.set(name, asked);
    asked.catch(() => kept.delete(name));
  }
  return kept.get(name);
}

/** Forget everything: another server, or another contract. */
export function forget() {
  kept.clear();
}

/** Operations, collections and open points. */
export const contract = () => once("contract", () => admin("contract"));

/** The address of the operations, without a path, as who reads this reaches them; they may have a port of their own. */
export function home({ apart, url }) {
  return apart ? `${location.protocol}//${location.hostname}:${new URL(url).port}` : location.origin;
}

/** The kinds of faults with their settings, as the admin API describes them. */
export const faultKinds = () => once("faults", async () => {
  const document = await admin("openapi.json");
  const body = document.paths["/__admin/arm"].post.requestBody.content["application/json"].schema;
  return body.properties.fault.examples;
});

/** The contract's own OpenAPI document. */
export const described = () => once("described", () => admin("export/openapi", { exact: true }));

/** The members of a request body by their paths (`body.a.b`), each with its schema, as the contract describes them. */
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

/** The schema of a request body, what stands behind references and conditions drawn together; null where there is no body. */
export async function bodySchema(operation) {
  const document = await described();
  const content = (await operationOf(operation)).requestBody?.content;
  const schema = content?.["application/json"]?.schema;
  return schema ? drawn(schema, schema, document, 0) : null;
}

/** The whole answers of an operation by the outcome that they are examples of. */
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
  return (await described()).paths?.[path]?.[method.toLowerCase()] ?? {};
}

/** The examples of a request body: `{name, summary, value}` each. */
export async function examplesOf(operation) {
  const content = (await operationOf(operation)).requestBody?.content;
  const examples = content?.["application/json"]?.examples ?? {};
  return Object.entries(examples).map(([name, one]) => ({ name, summary: one.summary ?? "", value: one.value }));
}

function drawn(schema, base, document, depth) {
  const whole = { properties: {}, required: new Set(), types: [], examples: [], description: "" };
  const take = (part, certain, deep) => {
    if (!part || typeof part !== "object" || deep > 12) return;
    if (typeof part.$ref === "string") take(behind(part.$ref, base, document), certain, deep + 1);
    whole.description ||= part.description ?? part["x-expected"] ?? "";
    whole.expected ??= part["x-expected"];
    whole.options ??= part.enum;
    if (certain) whole.types = whole.types.length ? whole.types : [part.type ?? []].flat();
    whole.examples.push(...(part.examples ?? (part.example === undefined ? [] : [part.example])));
    if (certain) for (const name of part.required ?? []) whole.required.add(name);
    for (const [name, member] of Object.entries(part.properties ?? {})) {
      (whole.properties[name] ??= []).push(member);
    }
    for (const one of part.allOf ?? []) take(one, certain, deep + 1);
    for (const one of [part.else, part.then, ...(part.anyOf ?? []), ...(part.oneOf ?? [])]) take(one, false, deep + 1);
  };
  take(schema, true, 0);
  if (!whole.types.length && Object.keys(whole.properties).length) whole.types = ["object"];
  if (depth < 6) {
    for (const [name, members] of Object.entries(whole.properties)) {
      whole.properties[name] = drawn({ allOf: members }, base, document, depth + 1);
    }
  } else whole.properties = {};
  return whole;
}

function behind(reference, base, document) {
  const [file, pointer] = reference.split("#");
  if (file) return null;
  const steps = (pointer ?? "").split("/").slice(1).map((step) => decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~"));
  for (const from of [base, document]) {
    const found = steps.reduce((one, step) => one?.[step], from);
    if (found) return found;
  }
  return null;
}
