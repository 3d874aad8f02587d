// Instants in one time zone, that of the browser or UTC, as the reader chooses.

import { locale } from "./translations.js";

const KEY = "mockserver-zone";

/** "" for the browser's time zone, or "UTC". */
export const zone = localStorage.getItem(KEY) ?? "";

/** Keeps the choice for this browser, and shows the page anew. */
export function chooseZone(name) {
  localStorage.setItem(KEY, name);
  location.reload();
}

const format = (options) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone || undefined, ...options });
const clock = format({ fractionalSecondDigits: 3 });
const day = format({ year: "numeric", month: "short", day: "numeric", fractionalSecondDigits: 3, timeZoneName: "short" });
const name = format({ timeZoneName: "short" });

/** The name of the time zone, as people read it beside a time. */
export const zoneName = name.formatToParts(new Date()).find((one) => one.type === "timeZoneName").value;

/** An instant as an input of date and time shows it, in the chosen zone. */
export function zonedInput(text) {
  const ms = Date.parse(text);
  return new Date(zone === "UTC" ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** The instant of an input of date and time, as the API reads it. */
export const fromZonedInput = (value) => new Date(zone === "UTC" ? `${value}Z` : value).toISOString();

/** A time of day with milliseconds. */
export const timeOfDay = (text) => clock.format(new Date(text));

/** A date and a time, with the name of the time zone. */
export const instant = (text) => day.format(new Date(text));
