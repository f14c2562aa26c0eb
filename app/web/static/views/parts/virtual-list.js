// A list of rows of one height, of which only those in view are in the document.

import { each, h } from "core/dom.js";
import { computed, effect, signal } from "core/signals.js";

const MARGIN = 6; // rows beyond the view, on each side

/**
 * @param {() => object[]} rows - reactive
 * @param {(row) => unknown} key
 * @param {(row: Source) => Node} render - called once for each key that comes into view
 * @param {{rem: number, label: () => string}} options - the height of a row, the name of the list
 */
export function virtualList(rows, key, render, { rem, label }) {
  const height = rem * parseFloat(getComputedStyle(document.documentElement).fontSize);
  const view = signal({ top: 0, height: 900 });
  const from = computed(() => Math.max(0, Math.floor(view.value.top / height) - MARGIN));
  const to = computed(() => Math.ceil((view.value.top + view.value.height) / height) + MARGIN);
  const shown = computed(() => rows().slice(from.value, to.value).map((row, i) => ({ row, index: from.value + i })));
  const place = (item) => {
    const element = h("li", {
      class: "virtual-row", "aria-setsize": () => rows().length, "aria-posinset": () => item.value.index + 1,
    }, render(computed(() => item.value.row)));
    effect(() => { element.style.top = `${item.value.index * height}px`; });
    return element;
  };
  const list = h("ul", { class: "virtual", role: "list", "aria-label": label }, each(shown, ({ row }) => key(row), place));
  effect(() => { list.style.height = `${rows().length * height}px`; });
  const look = () => { view.value = { top: scroller.scrollTop, height: scroller.clientHeight }; };
  const scroller = h("div", { class: "scroll", "on:scroll": look, "on:keydown": moveFocus }, list);
  new ResizeObserver(look).observe(scroller);
  return scroller;
}

/** The arrows go from row to row; the rows beyond the view are there already. */
function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const here = event.target.closest(".virtual-row");
  if (!step || !here) return;
  const place = Number(here.getAttribute("aria-posinset")) + step;
  here.parentElement.querySelector(`[aria-posinset="${place}"] :is(a, button)`)?.focus();
  event.preventDefault();
}
