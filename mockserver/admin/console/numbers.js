// JSON as it was written: a number that a browser would write otherwise, such as one beyond 2^53, keeps its text.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A number in the words of who wrote it. */
export class Written {
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

/** The value of a JSON text, in which numbers that a browser would change are `Written`. Throws `SyntaxError`. */
export function parse(text) {
  const value = JSON.parse(text);
  const mark = `number ${Math.random()} `;
  let some = false;
  const marked = text.replace(TOKEN, (token) => {
    if (token.startsWith('"') || String(Number(token)) === token) return token;
    some = true;
    return `"${mark}${token}"`;
  });
  if (!some) return value;
  return JSON.parse(marked, (_, one) => (typeof one === "string" && one.startsWith(mark) ? new Written(one.slice(mark.length)) : one));
}

/** A value as JSON, numbers as they were written. */
export function stringify(value, indent = 0) {
  const mark = `number ${Math.random()} `;
  const text = JSON.stringify(value, (_, one) => (one instanceof Written ? mark + one.text : one), indent);
  return text?.replace(new RegExp(`"${mark.replaceAll(".", "\\.")}([^"]*)"`, "g"), "$1");
}

/** A value in a table or a field: a text as it is, anything else as JSON. */
export function shown(value) {
  return typeof value === "string" ? value : stringify(value);
}
