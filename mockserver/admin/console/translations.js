// The texts of the console in the reader's language.

import en from "./en.js"; // made of mockserver/reports/texts/
import es from "./es.js";

const TRANSLATIONS = { en, es };

/** The languages by their own names. */
export const LANGUAGES = { en: "English", es: "Español" };

const KEY = "mockserver-language";

/** The language that was chosen for this browser; "" for the browser's own. */
export const chosenLanguage = localStorage.getItem(KEY) ?? "";

/** Keeps the choice for this browser, and shows the page anew. */
export function chooseLanguage(name) {
  localStorage.setItem(KEY, name);
  location.reload();
}

/** The chosen language, or the first of the browser's preferred ones that has texts. */
export const language = [chosenLanguage, ...navigator.languages.map((one) => one.slice(0, 2).toLowerCase())].find((one) => one in TRANSLATIONS) ?? "en";

/** How numbers and times are written: as the browser's locale of that language does. */
export const locale = navigator.languages.find((one) => one.slice(0, 2).toLowerCase() === language) ?? language;

const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 3, useGrouping: false });

/** A number as the reader's locale writes it. */
export const decimal = (value) => number.format(value);

/** The text of a key in the user's language; `{name}` is replaced by one of `values`. */
export function t(key, values = {}) {
  const one = values.count === 1 ? TRANSLATIONS[language][`${key}.one`] : undefined;
  const text = one ?? TRANSLATIONS[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** The text of a key, or `otherwise` where the key has none. */
export function textOr(key, otherwise, values) {
  return key in TRANSLATIONS[language] ? t(key, values) : otherwise;
}
