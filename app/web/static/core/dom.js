// Elements made of calls, bound to signals. Text is always a text node: nothing is ever parsed.
//
// A function (or a signal) in place of a value is reactive: it is read again when what it has read
// changes. What is bound so ends with the Element_ that it was rendered in.

import { atEnd, effect, isSource, scope, signal } from "core/signals.js";

/**
 * An element. Props: attributes by name (true: empty, false and null: absent), `on:click` a
 * listener, `.value` a property. Children: nodes, texts, numbers, arrays of these, null and false
 * (nothing), functions of these, `each`, `when`.
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) bind(element, name, value);
  append(element, children);
  return element;
}

/** An SVG element, as `h`. */
export function svg(tag, props, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props ?? {})) bind(element, name, value);
  append(element, children);
  return element;
}

function bind(element, name, value) {
  if (name.startsWith("on:")) {
    element.addEventListener(name.slice(3), value);
    return;
  }
  const set = name.startsWith(".")
    ? (found) => { if (element[name.slice(1)] !== found) element[name.slice(1)] = found; }
    : (found) => setAttribute(element, name, found);
  const read = reader(value);
  if (read) effect(() => set(read()));
  else set(value);
}

function setAttribute(element, name, value) {
  if (Array.isArray(value)) value = value.filter(Boolean).join(" ");
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}

function reader(value) {
  if (isSource(value)) return () => value.value;
  return typeof value === "function" ? value : null;
}

/** Append children, as `h` does. */
export function append(parent, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === true) continue;
    if (child instanceof Part) child.mount(parent);
    else if (reader(child)) new Reactive(reader(child)).mount(parent);
    else parent.append(child instanceof Node ? child : String(child));
  }
}

/** Something that puts nodes before a mark of its own, and changes them later. */
class Part {
  mount(parent) {
    this.mark = document.createComment("");
    parent.append(this.mark);
    this.start();
  }

  /** What `render` makes, in a scope of its own, not in the document yet. */
  made(render) {
    const fragment = document.createDocumentFragment();
    const { dispose } = scope(() => append(fragment, render()));
    return { nodes: [...fragment.childNodes], fragment, dispose };
  }
}

class Reactive extends Part {
  constructor(read) {
    super();
    this.read = read;
  }

  start() {
    let text = null;
    let held = null;
    effect(() => {
      const found = this.read();
      const plain = typeof found === "string" || typeof found === "number";
      if (plain && text) {
        text.data = String(found);
        return;
      }
      clear(held);
      const made = held = this.made(() => found);
      text = plain ? made.nodes[0] ?? null : null;
      this.mark.before(made.fragment);
    });
    atEnd(() => clear(held));
  }
}

class When extends Part {
  constructor(condition, render, otherwise) {
    super();
    Object.assign(this, { condition, render, otherwise });
  }

  start() {
    let shown = null;
    let held = null;
    const condition = reader(this.condition);
    effect(() => {
      const found = Boolean(condition());
      if (found === shown) return;
      shown = found;
      clear(held);
      const render = found ? this.render : this.otherwise;
      held = render ? this.made(render) : null;
      if (held) this.mark.before(held.fragment);
    });
    atEnd(() => clear(held));
  }
}

class Each extends Part {
  constructor(list, key, render) {
    super();
    Object.assign(this, { list: reader(list), key, render });
  }

  start() {
    let rows = new Map(); // key -> {item, nodes, dispose}
    effect(() => { rows = this.show(rows, this.list()); });
    atEnd(() => { for (const row of rows.values()) clear(row); });
  }

  /** Show the items in their order; keep the nodes of those that are there already. */
  show(rows, items) {
    const next = new Map();
    for (const item of items) {
      const key = this.key(item);
      if (next.has(key)) throw new Error(`each: two items have the key ${key}`);
      next.set(key, rows.get(key) ?? this.row(item));
      next.get(key).item.value = item;
    }
    for (const [key, row] of rows) if (!next.has(key)) clear(row);
    let after = this.mark;
    for (const { nodes: [node] } of [...next.values()].reverse()) {
      if (node.nextSibling !== after) after.before(node);
      after = node;
    }
    return next;
  }

  row(item) {
    const source = signal(item);
    const made = this.made(() => this.render(source));
    if (made.nodes.length !== 1) throw new Error("each: render must return one element");
    return { item: source, ...made };
  }
}

function clear(held) {
  held?.dispose();
  for (const node of held?.nodes ?? []) node.remove();
}

/** A keyed list: `render(item)`, one element, once for each key, with a signal of the item. */
export function each(list, key, render) {
  return new Each(list, key, render);
}

/** One of two, by a condition; rendered anew only when the condition turns. */
export function when(condition, render, otherwise = null) {
  return new When(condition, render, otherwise);
}

/**
 * A custom element in the light DOM: `render()` runs once, when it is first connected, and returns
 * its children. What was bound in it, and `own`, ends when it is taken out; moving it keeps it.
 */
export class Element_ extends HTMLElement {
  #rendered = null;
  #owned = [];

  connectedCallback() {
    if (this.#rendered) return;
    this.#rendered = scope(() => append(this, this.render()));
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected || !this.#rendered) return;
      this.#rendered.dispose();
      for (const dispose of this.#owned.splice(0)) dispose();
      this.#rendered = null;
      this.replaceChildren();
    });
  }

  /** Call `dispose` when this element is taken out. */
  own(dispose) {
    this.#owned.push(dispose);
  }
}

export function define(name, element) {
  customElements.define(name, element);
}

/** The address of a file of the web client, by its path: `icons/logo.svg`. */
export function asset(path) {
  return import.meta.resolve(path);
}
