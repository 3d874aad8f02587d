// JSON with exact numbers: a number that a browser would change, such as one beyond 2^53, keeps its text.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A number with the text in which it was written. */
export class ExactNumber {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }

  valueOf() {
    return Number(this.text);
  }
}

/** Parses JSON; numbers that a browser would change become `ExactNumber`. Throws `SyntaxError`. */
export function parse(text) {
  const value = JSON.parse(text);
  const mark = `number ${Math.random()} `;
  let isMarked = false;
  const marked = text.replace(TOKEN, (token) => {
    if (token.startsWith('"') || String(Number(token)) === token) return token;
    isMarked = true;
    return `"${mark}${token}"`;
  });
  if (!isMarked) return value;
  return JSON.parse(marked, (_, one) => (typeof one === "string" && one.startsWith(mark) ? new ExactNumber(one.slice(mark.length)) : one));
}

/** A value as JSON, with exact numbers. */
export function stringify(value, indent = 0) {
  const mark = `number ${Math.random()} `;
  const text = JSON.stringify(value, (_, one) => (one instanceof ExactNumber ? mark + one.text : one), indent);
  return text?.replace(new RegExp(`"${mark.replaceAll(".", "\\.")}([^"]*)"`, "g"), "$1");
}

/** A text of JSON with a line for each member; another text as it is. */
export function prettyJson(text) {
  try {
    return stringify(parse(text), 2);
  } catch {
    return text;
  }
}

/** A value for a table or a field: a text as it is, anything else as JSON. */
export function shown(value) {
  return typeof value === "string" ? value : stringify(value);
}
