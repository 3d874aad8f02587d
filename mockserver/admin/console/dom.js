// DOM elements; any text becomes a text node or the value of an attribute, so that it cannot be markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  journal: "M4 6h16M4 12h16M4 18h10",
  outcomes: "M9 6h11M9 12h11M9 18h11M4 6l.8.8L6.5 5M4 12l.8.8 1.7-1.8M4 18l.8.8 1.7-1.8",
  try: "M5 12h13M12 5l7 7-7 7",
  values: "M10 4L8 20M16 4l-2 16M4 9h16M4 15h16",
  state: "M4 7c0-4 16-4 16 0v10c0 4-16 4-16 0zM4 7c0 4 16 4 16 0M4 12c0 4 16 4 16 0",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  upload: "M12 15V4M7 9l5-5 5 5M5 20h14",
  add: "M12 5v14M5 12h14",
  undo: "M4 9h10a6 6 0 0 1 0 12h-3M4 9l5-5M4 9l5 5",
  flag: "M5 21V4h13l-3 4.5 3 4.5H5",
  target: "M12 3v4M12 17v4M3 12h4M17 12h4M12 12h.01M19 12a7 7 0 1 1-14 0 7 7 0 0 1 14 0z",
  pause: "M8 5v14M16 5v14",
  play: "M7 5l12 7-12 7z",
  back: "M19 12H5M12 5l-7 7 7 7",
  circle: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  warning: "M12 4l9.5 16h-19zM12 10v4.5M12 17.5h.01",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  empty: "M4 13l3-8h10l3 8v6H4zM4 13h5l1.5 2.5h3L15 13h5",
  offline: "M3 3l18 18M8.5 16a5 5 0 0 1 7 0M5 12.5a10 10 0 0 1 4-2.4M19 12.5a10 10 0 0 0-6-2.9M12 20h.01",
};

/** Makes an element. `props`: `class`, `on` (listeners by event), `data`, properties of the node, or attributes. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  appendAll(node, children);
  return node;
}

function appendAll(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) appendAll(node, child);
    else node.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces the children of a node. */
export function fill(node, ...children) {
  node.replaceChildren();
  appendAll(node, children);
  return node;
}

/** An icon, hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

let last = 0;

/** An unused id for an element. */
export function uniqueId(stem) {
  last += 1;
  return `${stem}-${last}`;
}

/** A function that calls `act` after a short delay, and at most once in `ms`. */
export function throttled(act, ms) {
  let timer = 0;
  let last = -ms;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      last = performance.now();
      act();
    }, Math.max(200, ms - (performance.now() - last)));
  };
}

/** Redraws a node, and restores its scroll position and the focused button. */
export function keepScroll(node, draw) {
  const scrolled = node.querySelector(".scroll");
  const [top, left] = scrolled ? [scrolled.scrollTop, scrolled.scrollLeft] : [0, 0];
  const label = node.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  draw();
  node.querySelector(".scroll")?.scrollTo(left, top);
  if (label !== null) [...node.querySelectorAll("[aria-label]")].find((one) => one.getAttribute("aria-label") === label)?.focus({ preventScroll: true });
}

/** A function that marks `node` as busy while `act` runs, and ignores calls meanwhile: a second click is no second action. */
export function busyWhile(node, act) {
  return async (...parameters) => {
    if (node.getAttribute("aria-busy")) return;
    node.setAttribute("aria-busy", "true");
    try {
      await act(...parameters);
    } finally {
      node.removeAttribute("aria-busy");
    }
  };
}

/** Shows answers to the questions of one area, and drops those that come too late: after a newer one, or after `forget()`. */
export class Answers {
  #asked = 0;
  #shown = 0;

  /** Shows what `question` resolves to, or calls `fail` with its error, which is thrown by default. */
  async ask(question, show, fail = (error) => { throw error; }) {
    this.#asked += 1;
    const own = this.#asked;
    const act = await question().then((answer) => () => show(answer), (error) => () => fail(error));
    if (own <= this.#shown) return;
    this.#shown = own;
    act();
  }

  /** Drops the answers that are under way: they are about what the reader has left, such as another sandbox. */
  forget() {
    this.#shown = this.#asked;
  }
}

/** A function that calls `act` once, `ms` after its last call. */
export function debounced(act, ms) {
  let timer = 0;
  return (...parameters) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...parameters), ms);
  };
}
