import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { icon } from "views/parts/icons.js";

/** The bar on top of a screen. `back` is the address that the arrow leads to; `title` may be a function. */
export function screenHeader(title, { back = "#/", actions = [] } = {}) {
  return h("header", { class: "screen-header" },
    h("a", { class: "icon-button back", href: back, "aria-label": () => t("chat.back") }, icon("back")),
    h("h1", { class: "ellipsis" }, title),
    ...actions);
}
