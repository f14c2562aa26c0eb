import { h } from "core/dom.js";
import { icon } from "views/parts/icons.js";

/** A button that is an icon. `label` is a function: the name of the button, and its tooltip. */
export function iconButton(label, drawing, run, props = {}) {
  return h("button", {
    type: "button", class: "icon-button", "aria-label": label, title: label, "on:click": run, ...props,
  }, icon(drawing));
}
