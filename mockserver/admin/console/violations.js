// What JSON Schema finds wrong, in the reader's language, from the ids and values that the API gives.

import { stringify } from "./exact_json.js";
import { language, t, textOr } from "./translations.js";

const MAX_VALUE = 80;

/** A value as JSON, cut where it is long. */
export function quoted(value) {
  const text = stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}

/** Texts as a choice: `a, b or c`. */
export const choice = (texts) => (texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} ${t("or")} ${texts.at(-1)}`);

/** What is wrong with a value at a place. */
export function violationText({ keyword, came, values, message }) {
  if (keyword === "parse") return textOr(`parse.${values.reason}`, message, { ...values, got: t(`type.${values.got}`) });
  if (came === "missing") return t("violation.missing");
  const expected = expectedText(keyword, values);
  if (expected) return t("violation.expected", { expected, got: gotText(keyword, came, values) });
  return textOr(`violation.${keyword}`, message);
}

/** What a keyword of JSON Schema expects; empty where its text says all. */
function expectedText(keyword, { operand, expected }) {
  if (operand === undefined) return "";
  if (keyword === "type") return choice([operand].flat().map((one) => t(`type.${one}`)));
  if (keyword === "pattern") return expected[language] ?? expected.en ?? t("expected.pattern", { operand });
  if (keyword === "enum") return t("expected.enum", { operand: operand.map(quoted).join(", ") });
  return keyword === "const" ? quoted(operand) : t(`expected.${keyword}`, { count: Number(operand), operand });
}

function gotText(keyword, came, { operand, got }) {
  if (keyword === "type") return t(got === "number" && [operand].flat().includes("integer") ? "type.fraction" : `type.${got}`);
  if (typeof got === "number") return String(got);
  if (came === "empty" || came === "blank") return t(`came.${came}`);
  if (keyword === "pattern" || got === "string") return t("came.text");
  if (got === undefined) return t(`got.${keyword}`);
  const kinds = [operand].flat().map((one) => (one === null ? "null" : Array.isArray(one) ? "array" : typeof one));
  return textOr(kinds.includes(got) ? `another.${got}` : "", t(`type.${got}`));
}
