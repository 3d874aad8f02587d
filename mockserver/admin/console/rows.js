// A list of thousands of rows, of which only the visible ones are in the document. The keyboard moves the current row.

import { fill, h, uniqueId } from "./dom.js";

const EXTRA_ROWS = 6;

/**
 * A list of rows, each with an `id`. `columns` are the titles (text or nodes), `cells(row, narrow)` gives the cells of a row, `open(row)`
 * is called for a chosen row. Below the width `narrowBelow` a row has two lines.
 */
export class Rows {
  constructor({ label, columns, cells, open, heights: [one, two], narrowBelow }) {
    this.cells = cells;
    this.opened = open;
    this.heights = [one, two];
    this.narrowBelow = narrowBelow;
    this.rows = [];
    this.shown = new Map();
    this.stem = uniqueId("row");
    this.current = null;
    this.chosen = null;
    this.head = h("div", { role: "rowgroup", class: "rows-head" },
      h("div", { role: "row", class: "rows-row", "aria-rowindex": "1" }, ...columns.map((title) => h("div", { role: "columnheader", class: "cell" }, title))));
    this.body = h("div", { role: "rowgroup", class: "rows-body" });
    this.node = h("div", { class: "rows", role: "grid", tabindex: "0", "aria-label": label,
      on: { scroll: () => this.soon(), keydown: (event) => this.key(event), focus: () => this.focus() } }, this.head, this.body);
    this.body.addEventListener("click", (event) => {
      const node = event.target.closest("[data-at]");
      if (node) this.choose(Number(node.dataset.at));
    });
    this.watch = new ResizeObserver(() => this.measure());
    this.watch.observe(this.node);
  }

  /** Shows these rows; the visible ones stay in place when rows are added before them. */
  set(rows) {
    const top = this.node.scrollTop;
    const anchor = top > 0 ? this.rows[Math.floor(top / this.height)] : null;
    this.rows = rows;
    this.places = null;
    this.body.style.height = `${rows.length * this.height}px`;
    this.node.setAttribute("aria-rowcount", String(rows.length + 1));
    if (anchor) {
      const at = this.at(anchor.id);
      if (at >= 0) this.node.scrollTop = at * this.height + (top % this.height);
    }
    this.draw();
  }

  /** Marks the open row. */
  mark(id) {
    this.chosen = id;
    if (id !== null) this.current = id;
    this.draw();
  }

  get height() {
    return this.heights[this.narrow ? 1 : 0];
  }

  at(id) {
    if (id === null) return -1;
    if (!this.places) this.places = new Map(this.rows.map((row, index) => [row.id, index]));
    return this.places.get(id) ?? -1;
  }

  measure() {
    const narrow = this.node.clientWidth < this.narrowBelow;
    if (narrow !== this.narrow) {
      this.narrow = narrow;
      this.node.classList.toggle("narrow", narrow);
      if (this.node.classList.contains("none")) return;
      this.body.style.height = `${this.rows.length * this.height}px`;
      this.redraw();
    } else this.soon();
  }

  redraw() {
    this.shown.clear();
    this.body.replaceChildren();
    this.draw();
  }

  soon() {
    this.waiting ??= requestAnimationFrame(() => { this.waiting = null; this.draw(); });
  }

  draw() {
    const { scrollTop, clientHeight } = this.node;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - EXTRA_ROWS);
    const last = Math.min(this.rows.length, Math.ceil((scrollTop + clientHeight) / this.height) + EXTRA_ROWS);
    const wanted = new Map();
    for (let index = first; index < last; index += 1) wanted.set(this.rows[index].id, index);
    const current = this.at(this.current);
    if (current >= 0) wanted.set(this.current, current);
    for (const [id, node] of this.shown) {
      if (!wanted.has(id)) {
        node.remove();
        this.shown.delete(id);
      }
    }
    let before = null;
    for (const [id, index] of [...wanted].sort((one, other) => one[1] - other[1])) {
      let node = this.shown.get(id);
      if (node?.row !== this.rows[index]) {
        node?.remove();
        node = this.make(this.rows[index]);
        node.row = this.rows[index];
        this.shown.set(id, node);
      }
      const next = before ? before.nextSibling : this.body.firstChild;
      if (next !== node) this.body.insertBefore(node, next);
      before = node;
      const classes = `rows-row${id === this.chosen ? " chosen" : ""}${id === this.current ? " current" : ""}`;
      if (node.className !== classes) {
        node.className = classes;
        node.setAttribute("aria-selected", String(id === this.chosen));
      }
      if (node.dataset.at !== String(index)) {
        node.dataset.at = String(index);
        node.setAttribute("aria-rowindex", String(index + 2));
        node.style.transform = `translateY(${index * this.height}px)`;
      }
    }
    if (current >= 0) this.node.setAttribute("aria-activedescendant", `${this.stem}-${this.current}`);
    else this.node.removeAttribute("aria-activedescendant");
  }

  make(row) {
    return h("div", { role: "row", id: `${this.stem}-${row.id}` }, ...this.cells(row, this.narrow));
  }

  focus() {
    if (this.at(this.current) < 0 && this.rows.length) this.move(Math.min(this.rows.length - 1, Math.ceil(this.node.scrollTop / this.height)));
  }

  move(index) {
    const to = Math.max(0, Math.min(this.rows.length - 1, index));
    if (!this.rows.length) return;
    this.current = this.rows[to].id;
    const top = to * this.height;
    const room = this.node.clientHeight - this.head.offsetHeight;
    if (top < this.node.scrollTop) this.node.scrollTop = top;
    else if (top + this.height > this.node.scrollTop + room) this.node.scrollTop = top + this.height - room;
    this.draw();
  }

  choose(index) {
    this.move(index);
    this.opened(this.rows[index]);
  }

  key(event) {
    const now = this.at(this.current);
    const page = Math.max(1, Math.floor(this.node.clientHeight / this.height) - 2);
    const to = { ArrowDown: now + 1, ArrowUp: now - 1, PageDown: now + page, PageUp: now - page, Home: 0, End: this.rows.length - 1 }[event.key];
    if (to !== undefined) this.move(to);
    else if ((event.key === "Enter" || event.key === " ") && now >= 0) this.choose(now);
    else return;
    event.preventDefault();
  }

  /** Shows a node instead of rows. */
  instead(node) {
    if (!node) {
      if (this.node.classList.contains("none")) this.body.replaceChildren();
      this.node.classList.remove("none");
      this.node.setAttribute("role", "grid");
      this.body.setAttribute("role", "rowgroup");
      return;
    }
    // What stands there now is no row: to a screen reader this is no grid.
    this.node.classList.add("none");
    this.node.setAttribute("role", "region");
    for (const name of ["aria-rowcount", "aria-activedescendant"]) this.node.removeAttribute(name);
    this.body.removeAttribute("role");
    this.rows = [];
    this.places = null;
    this.shown.clear();
    this.body.style.height = "auto";
    fill(this.body, node);
  }

  close() {
    this.watch.disconnect();
  }
}
