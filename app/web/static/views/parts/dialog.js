// Modal dialogs over the browser's own <dialog>: it keeps the focus inside and gives it back.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { scope } from "core/signals.js";

/**
 * Show `content` (a node, or a function that makes it) in a modal dialog. `label` names it for
 * screen readers. `closed` is called when it is gone, however that came. Returns what closes it.
 */
export function openDialog(content, { label, kind = "", closed = () => {} } = {}) {
  const { value: dialog, dispose } = scope(() => h("dialog",
    { class: `dialog ${kind}`, "aria-label": label },
    typeof content === "function" ? content() : content));
  const before = document.activeElement;
  const close = () => dialog.close();
  dialog.addEventListener("close", () => {
    removeEventListener("hashchange", close);
    dialog.remove();
    dispose();
    if (before?.isConnected) before.focus();
    closed();
  });
  // The dialog has no padding: what hits the element itself has hit the backdrop.
  dialog.addEventListener("pointerdown", (event) => { if (event.target === dialog) close(); });
  addEventListener("hashchange", close);
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("[data-autofocus]")?.focus();
  return close;
}

/**
 * A dialog with a title, a body and its buttons; `title` is a text or a function. `scrolls`: the body
 * has nothing to focus, and may be longer than the window.
 */
export function frame(title, body, buttons, { scrolls = false } = {}) {
  return h("div", { class: "dialog-frame" },
    h("h2", { class: "dialog-title" }, title),
    h("div", { class: "dialog-body", tabindex: scrolls && "0" }, body),
    buttons && h("div", { class: "dialog-buttons" }, buttons));
}

/** Ask for a decision. Resolves to true for `ok`, to false however else the dialog ends. */
export function confirm({ title, text = "", ok = t("common.ok"), danger = false }) {
  return new Promise((resolve) => {
    let agreed = false;
    const agree = () => { agreed = true; close(); };
    const buttons = [
      h("button", { type: "button", class: "button", "data-autofocus": danger ? "" : null,
        "on:click": () => close() }, t("common.cancel")),
      h("button", { type: "button", class: danger ? "button danger" : "button primary",
        "data-autofocus": danger ? null : "", "on:click": agree }, ok),
    ];
    const close = openDialog(frame(title, h("p", null, text), buttons), {
      label: title, kind: "small", closed: () => resolve(agreed),
    });
  });
}

/** Ask for one line. Resolves to the text without spaces at its ends, or to null. */
export function prompt({ title, label, value = "", ok = t("common.save"), hint = "", most = 200,
  type = "text" }) {
  return new Promise((resolve) => {
    let answer = null;
    const input = h("input", { id: "prompt-input", type, maxlength: most, autocomplete: "off",
      "data-autofocus": "", ".value": value, "aria-describedby": "prompt-hint" });
    const submit = (event) => {
      event.preventDefault();
      answer = input.value.trim();
      close();
    };
    const body = h("form", { id: "prompt-form", "on:submit": submit },
      h("div", { class: "field" }, h("label", { for: "prompt-input" }, label), input,
        h("p", { id: "prompt-hint", class: "hint" }, hint)));
    const buttons = [
      h("button", { type: "button", class: "button", "on:click": () => close() }, t("common.cancel")),
      h("button", { type: "submit", form: "prompt-form", class: "button primary" }, ok),
    ];
    const close = openDialog(frame(title, body, buttons), {
      label: title, kind: "small", closed: () => resolve(answer),
    });
    input.select();
  });
}
