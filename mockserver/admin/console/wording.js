// Advice, warnings, conditions and evidence in the reader's language, from the ids and values that the API gives.

import { h } from "./dom.js";
import { language, t, textOr } from "./translations.js";
import { choice, quoted, violationText } from "./violations.js";
import { notice } from "./widgets.js";

/** What happened, in a language in which the documents have no heading; "" where the heading is to be understood. */
export const reasonText = ({ reason }) => (language === "en" ? "" : reason?.[language] ?? "");

/** The note about an outcome, in the reader's language where the contract has it. */
export const noteNotice = ({ note, notes }) => notice("info", h("strong", {}, t("entry.note")), " ", notes?.[language] ? h("span", {}, notes[language]) : h("span", { lang: "en" }, note));

/** A heading of the documents, which are English, or the id of a scenario. */
export const titleText = ({ heading, scenario }) => (heading ? h("strong", { lang: "en", title: t("entry.heading") }, heading) : h("strong", {}, scenario));

/** Whether all words that were typed stand in a text, whatever their case and accents. */
export function textHasWords(text, typed) {
  const folded = (one) => one.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  return folded(typed).split(/\s+/).every((word) => folded(text).includes(word));
}

/** Whether all words stand in the code, the texts or the values of an outcome; the code also as the header writes it. */
export function hasWords(one, typed) {
  const codes = one.code ? [t("column.code"), `code=${one.code}`] : [];
  return textHasWords([...codes, one.scenario, one.heading, one.reason?.[language], one.advice?.[language], howText(one)].join(" "), typed);
}

/** What happened and what a client should do, in the reader's language where the contract has it; null without advice. */
export function adviceNotice({ reason, advice, retry }) {
  const parts = [reason, advice].map((one) => one?.[language] ?? one?.en ?? "");
  if (!parts.join("")) return null;
  if (retry) parts.push(t(`retry.${retry}`));
  return notice("info", h("strong", {}, t("outcomes.advice")), " ", parts.filter(Boolean).join(" "));
}

/** The name of a kind of fault; the kind itself follows where the reader's language has another name. */
export function faultName(kind) {
  const name = textOr(`fault.name.${kind}`, kind);
  return name === kind ? kind : `${name} (${kind})`;
}

// -- warnings and places ------------------------------------------------------------------------------

/** What was accepted although it was probably not meant. */
export function warningText({ keyword, pointer, values, message }) {
  if (keyword === "content-type" && !values.got) return t("warning.content-type.none");
  const name = stepsOf(pointer).at(-1) ?? "";
  const near = values.near ? t("warning.near", values) : "";
  return textOr(`warning.${keyword}`, message, { ...values, name, near });
}

/** What a path of a condition may begin with beside the name of a record. */
const ROOTS = new Set(["body", "header", "query", "path", "new", "now", "settings", "item"]);

/** A path as text; one into a record says of which collection (`titles` by the record's name), as a field may have that name. */
function placeText(path, titles) {
  const [root] = path.split(".");
  if (!path || ROOTS.has(root)) return path;
  return titles[root] ? t("place.of", { path, title: titles[root] }) : t("place.record", { path });
}

const stepsOf = (pointer) => pointer.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

/** A place of a request or an answer as a path, as conditions write it: `/name` is `body.name`, and `header/date` is `header.date`. */
export function placePath(place) {
  const [root, ...steps] = stepsOf(place);
  return [root || "body", ...steps].join(".");
}

/** The places that the journal hides, as paths: `/request/body/value/name` is `body.name`. Only those below `prefix`. */
export const maskedPlaces = (entry, prefix = "") => [...new Set(entry.masked.filter((one) => one.startsWith(prefix)).map((one) => entryPlace(one, entry)))].filter(Boolean).join(", ");

function entryPlace(pointer, entry) {
  const [, part, area, ...steps] = stepsOf(pointer);
  if (!["request", "reply", "decision"].includes(part) || ["warnings", "violations"].includes(area)) return ""; // it repeats the request
  if (part === "decision") return t("place.record", { path: steps.at(-1) });
  const path = { target: ["URL"], headers: ["header", entry[part]?.headers?.[steps[0]]?.name], body: ["body", ...steps.slice(1)] }[area] ?? [area, ...steps];
  return part === "reply" ? t("place.reply", { path: path.join(".") }) : path.join(".");
}

/** The place of a difference from the contract, such as `body /error/code` or `header Date`, as a path. */
export const differencePlace = (at) => placePath(at.replace(/ \/?/, "/"));

// -- conditions and evidence ------------------------------------------------------------------------------

/** A condition as the file writes it, `{name: operand}`, in words; `titles` are those of the collections of records. */
export function conditionText(condition, titles = {}) {
  const [[name, operand]] = Object.entries(condition);
  if (name === "violation") return violationCondition(operand);
  if (["all", "any", "none"].includes(name) && Array.isArray(operand)) {
    return t(`group.${name}`, { list: operand.map((group) => Object.entries(group).map((one) => conditionText(Object.fromEntries([one]), titles)).join(` ${t("and")} `)).join("; ") });
  }
  return `${placeText(name, titles)} ${operandText(operand)}`;
}

function violationCondition(operand) {
  if (typeof operand === "string") return t(`condition.${operand}`);
  const words = (name) => [operand[name]].flat().map((one) => (name === "came" ? t(`came.${one}`) : one));
  const parts = Object.keys(operand).map((name) => t(`condition.${name}`, { value: choice(words(name)) }));
  return `${t("condition.violation")} ${parts.join(", ")}`;
}

/** What is expected of a value: a value, a word, or operators. */
function operandText(operand) {
  if (["present", "absent", "empty"].includes(operand)) return t(`op.${operand}`);
  if (typeof operand !== "object" || operand === null || Array.isArray(operand)) return t("op.equals", { value: quoted(operand) });
  return Object.entries(operand).map(([name, inner]) => operatorText(name, inner)).join(` ${t("and")} `);
}

function operatorText(name, operand) {
  if (["all", "any", "none"].includes(name)) return t(`op.${name}`, { list: operand.map(operandText).join("; ") });
  if (name === "not") return t("op.not", { inner: operandText(operand) }).replace(/^not is /, "is not ");
  if (name === "some_item" || name === "every_item") return t(`op.${name}`, { inner: operandText(operand) });
  return t(`op.${name}`, { value: name === "same_as" ? operand : quoted(operand) });
}

/** A value to send, as text; a number is told from its digits as a text. */
export function valueText(value) {
  if (value === undefined) return t("json.missing");
  if (typeof value === "number" || typeof value === "boolean") return `${value} (${t(`type.${typeof value}`)})`;
  return typeof value === "string" && value ? value : quoted(value);
}

/** How to get an outcome by values: which ones, or else its conditions. */
export function howText({ values, conditions, titles }) {
  if (values.length) return values.map(({ at, value }) => `${at} ${valueText(value)}`).join(", ");
  return conditions.map((one) => conditionText(one, titles)).join(` ${t("and")} `) || t("values.otherwise");
}

/** A value alone may lead to another outcome: the rest of the example is in the curl line. */
export const restText = ({ values }) => (values.length ? h("span", { class: "dim" }, t("values.rest")) : null);

/** What a near miss lacked: where, what was expected, what was got. `violations` are those of the request, `titles` as above. */
export function evidenceTexts({ at, expected, came, kind, condition }, violations, titles) {
  const [[name, operand]] = Object.entries(condition ?? { "": null });
  if (name === "violation") {
    const found = violations.slice(0, 5).map((one) => `${one.at} ${violationText(one)}`).join(" · ");
    return { at: t("condition.violation"), expected: violationCondition(operand), came: found || t("evidence.valid") };
  }
  if (kind === "holds") return { at: t("evidence.group"), expected: conditionText(condition, titles), came: t("evidence.holds") };
  if (!name) return { at, expected, came };
  return { at: placeText(at, titles), expected: operandText(operand).replace(/^(is|es) (?!not )/, ""), came: kind === "value" ? came : t(`evidence.${kind}`) };
}
