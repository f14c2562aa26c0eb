// Menus: by button or by right click, with the keys that people know from their desktop.

import { h } from "core/dom.js";
import { icon } from "views/parts/icons.js";

const EDGE = 8; // pixels that stay free at the window's edges

/**
 * Open a menu at an element or at a point {x, y}. `items`: {label, icon, run, danger, disabled,
 * checked}, null for a line, false for nothing. The focus goes back to where it was, then the
 * choice is carried out.
 */
export function openMenu(anchor, items) {
  const before = document.activeElement;
  const buttons = [];
  const menu = h("div", { class: "menu", role: "menu", popover: "auto" },
    items.filter((item) => item !== false).map((item) => (item === null ? h("div", { class: "menu-line", role: "separator" })
      : entry(item, buttons, (run) => { end(); run(); }))));
  const end = () => {
    if (!menu.isConnected) return;
    const inside = menu.contains(document.activeElement) || document.activeElement === document.body;
    menu.remove();
    if (inside && before?.isConnected) before.focus();
  };
  menu.addEventListener("toggle", (event) => { if (event.newState === "closed") end(); });
  menu.addEventListener("keydown", (event) => onKey(event, buttons, end));
  topmost().append(menu);
  menu.showPopover();
  put(menu, anchor);
  buttons.find((button) => !button.disabled)?.focus();
  return end;
}

/** What is outside of a modal dialog cannot be clicked: the menu of one is a part of it. */
function topmost() {
  return [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
}

function entry(item, buttons, choose) {
  const checkable = item.checked !== undefined;
  const button = h("button", {
    type: "button", class: item.danger ? "menu-item danger" : "menu-item",
    role: checkable ? "menuitemradio" : "menuitem", tabindex: "-1",
    "aria-checked": checkable && String(item.checked),
    disabled: Boolean(item.disabled), "on:click": () => choose(item.run),
  }, item.icon ? icon(item.icon) : null, h("span", null, item.label));
  buttons.push(button);
  return button;
}

function onKey(event, buttons, end) {
  const free = buttons.filter((button) => !button.disabled);
  const at = free.indexOf(document.activeElement);
  const go = (index) => free.at(index % free.length)?.focus();
  if (event.key === "ArrowDown") go(at + 1);
  else if (event.key === "ArrowUp") go(at - 1);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(-1);
  else if (event.key === "Escape" || event.key === "Tab") end();
  else if (event.key.length === 1 && event.key !== " ") {
    const rest = [...free.slice(at + 1), ...free.slice(0, at + 1)];
    rest.find((b) => b.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
  } else return;
  event.stopPropagation();
  event.preventDefault();
}

/** Below the anchor, or where there is room. */
function put(menu, anchor) {
  const box = anchor instanceof Element ? anchor.getBoundingClientRect()
    : { left: anchor.x, right: anchor.x, top: anchor.y, bottom: anchor.y };
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = box.left + width + EDGE > innerWidth ? box.right - width : box.left;
  const top = box.bottom + height + EDGE > innerHeight && box.top - height > EDGE
    ? box.top - height - 4 : box.bottom + 4;
  menu.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
  menu.style.top = `${Math.max(EDGE, Math.min(top, innerHeight - height - EDGE))}px`;
}
