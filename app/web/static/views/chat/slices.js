// A long list comes into the document in slices, a few rows with each frame, so that no frame is late: to
// make a hundred rows at once takes several. Knows nothing of what rows are.

import { atEnd, effect, signal } from "core/signals.js";

const SLICE = 6; // rows that a frame has time for, at each end

export class Slices {
  /** What is in the document, on its way to all of the rows and no others. */
  shown = signal([]);
  #rows;
  #frame = null;

  /** @param {Source} rows - of objects with a `key`. Made while a view renders: ends with it. */
  constructor(rows) {
    this.#rows = rows;
    effect(() => { rows.value; this.#step(); });
    atEnd(() => cancelAnimationFrame(this.#frame));
  }

  get isWhole() {
    return this.#frame === null;
  }

  /** Show all of them, now. */
  finish() {
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
    this.shown.value = this.#rows.peek();
  }

  #step() {
    cancelAnimationFrame(this.#frame);
    const rows = this.#rows.peek();
    const next = grown(this.shown.peek(), rows, SLICE);
    const isWhole = next.length === rows.length && next[0] === rows[0] && next.at(-1) === rows.at(-1);
    this.#frame = isWhole ? null : requestAnimationFrame(() => this.#step());
    this.shown.value = next;
  }
}

/**
 * What to show next on the way from `shown` to `wanted`: at most `most` rows more or less at each end. All
 * of it where they have nothing in common.
 */
export function grown(shown, wanted, most) {
  const [old, coming] = [keysOf(shown), keysOf(wanted)];
  const first = wanted.findIndex(({ key }) => old.has(key));
  if (first < 0) return wanted;
  const last = wanted.findLastIndex(({ key }) => old.has(key));
  // What is to go goes in slices, too, unless something comes in its place.
  const before = first === 0 ? shown.slice(0, shown.findIndex(({ key }) => coming.has(key))) : [];
  const behind = last === wanted.length - 1 ? shown.slice(shown.findLastIndex(({ key }) => coming.has(key)) + 1) : [];
  return [...before.slice(most), ...wanted.slice(Math.max(0, first - most), last + 1 + most), ...behind.slice(0, -most)];
}

const keysOf = (rows) => new Set(rows.map(({ key }) => key));
