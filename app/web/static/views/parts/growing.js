// Long lists, a hundred rows at a time: the next ones come when the end is nearly in sight.

import { each, h, when } from "core/dom.js";
import { computed, signal } from "core/signals.js";

const STEP = 100;

/** The rows of `list`, a function, as <li> of a <ul>; `render` as of each(). */
export function growing(list, key, render, attributes = {}) {
  const most = signal(STEP);
  const shown = computed(() => list().slice(0, most.value));
  return h("ul", { class: "plain-list", ...attributes },
    each(shown, key, render),
    when(() => list().length > most.value, () => sentinel(() => { most.value += STEP; })));
}

/** An element that calls `seen` whenever it comes near the visible part of the list. */
export function sentinel(seen) {
  const mark = h("li", { class: "list-more", "aria-hidden": "true" });
  const watcher = new IntersectionObserver((entries) => {
    if (!mark.isConnected) watcher.disconnect();
    else if (entries.some((entry) => entry.isIntersecting)) {
      seen();
      watcher.unobserve(mark); // and look again: what was added may not have filled the window
      watcher.observe(mark);
    }
  }, { rootMargin: "600px" });
  watcher.observe(mark);
  return mark;
}
