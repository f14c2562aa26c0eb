// Short notes at the bottom of the window, read out by screen readers.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { icon } from "views/parts/icons.js";

const SHOWN_MS = { info: 5000, error: 9000 };
const MOST = 3;

let shelf = null;

/** Above everything, open dialogs too: what was shown last is the top of the top layer. */
function place() {
  if (shelf === null) {
    shelf = h("div", { class: "toasts", popover: "manual" });
    document.body.append(shelf);
  } else {
    shelf.hidePopover();
  }
  shelf.showPopover();
}

/** Show a note. `action`, {label, run}, is a button in it. Stays while it is pointed at or focused. */
export function toast(text, { kind = "info", action = null } = {}) {
  place();
  const note = h("div", { class: `toast ${kind}`, role: kind === "error" ? "alert" : "status" },
    h("span", { class: "toast-text" }, text),
    action && h("button", { type: "button", class: "link-button",
      "on:click": () => { end(); action.run(); } }, action.label),
    h("button", { type: "button", class: "icon-button", "aria-label": t("common.close"),
      "on:click": () => end() }, icon("close")));
  const end = () => {
    clearTimeout(timer);
    note.remove();
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (note.matches(":hover, :focus-within")) later();
      else end();
    }, SHOWN_MS[kind]);
  };
  let timer = 0;
  shelf.append(note);
  while (shelf.children.length > MOST) shelf.firstElementChild.remove();
  later();
  return end;
}
