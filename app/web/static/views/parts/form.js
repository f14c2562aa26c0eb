// Forms: labelled fields, an error where it belongs, one submission at a time.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { signal } from "core/signals.js";
import { attempt, explain } from "views/parts/errors.js";

let count = 0;

/** What is wrong with one field of a form; `text` says how to mend it. */
export class Wrong extends Error {
  constructor(name, text) {
    super(text);
    this.field = name;
  }
}

/**
 * A labelled input. `attributes` go to the input as h() takes them; `area` makes it a text area,
 * `hint` stands below it. The element has `wrong`, a signal of the error that it shows, or "".
 */
export function field(label, attributes, { hint = null, area = false, side = null } = {}) {
  const id = `field-${++count}`;
  const wrong = signal("");
  const input = h(area ? "textarea" : "input", {
    id, class: "input", "aria-describedby": `${id}-hint ${id}-error`,
    "aria-invalid": () => wrong.value !== "" && "true", ...attributes,
  });
  input.addEventListener("input", () => { wrong.value = ""; });
  const element = h("div", { class: "field", "data-name": attributes.name },
    h("label", { for: id }, label),
    side ? h("div", { class: "field-line" }, input, side(input)) : input,
    h("p", { id: `${id}-hint`, class: "hint" }, hint),
    h("p", { id: `${id}-error`, class: "error", role: "alert" }, () => wrong.value));
  element.wrong = wrong;
  element.input = input;
  return element;
}

/** An input for a password with a button that shows it. */
export function passwordField(label, attributes, options = {}) {
  return field(label, { type: "password", required: true, maxlength: 128, ...attributes }, {
    ...options,
    side: (input) => {
      const shown = signal(false);
      return h("button", {
        type: "button", class: "field-button",
        "aria-label": () => t(shown.value ? "auth.hide_password" : "auth.show_password"),
        "on:click": () => {
          shown.value = !shown.value;
          input.type = shown.value ? "text" : "password";
        },
      }, () => t(shown.value ? "auth.hide" : "auth.show"));
    },
  });
}

/**
 * A form. `run(values)` is called with the trimmed texts by name (passwords as they are), and may
 * throw Wrong, or an error of the server, which is shown above the buttons; `fieldOf` names the
 * field that an error code is about. `done()` follows when it went well.
 */
export function form({ run, done = () => {}, submit, kind = "primary", fieldOf = {}, buttons = [] },
  ...children) {
  const busy = signal(false);
  const failure = signal("");
  const show = (error) => {
    const name = error.field ?? fieldOf[error.code];
    const place = name && element.querySelector(`[data-name="${name}"]`);
    if (!place) {
      failure.value = explain(error);
      return;
    }
    place.wrong.value = error instanceof Wrong ? error.message : explain(error);
    place.input.focus();
  };
  const onSubmit = async (event) => {
    event.preventDefault();
    if (busy.peek()) return;
    busy.value = true;
    failure.value = "";
    try {
      await run(valuesOf(element));
      await done();
    } catch (error) {
      show(error);
    } finally {
      busy.value = false;
    }
  };
  const element = h("form", { class: "form", novalidate: true, "on:submit": onSubmit },
    children,
    h("p", { class: "form-error", role: "alert" }, () => failure.value),
    h("div", { class: "form-buttons" }, buttons,
      h("button", { type: "submit", class: `button ${kind}`,
        "aria-disabled": () => busy.value && "true" }, submit)));
  return element;
}

function valuesOf(element) {
  const values = {};
  for (const input of element.elements) {
    if (!input.name) continue;
    if (input.type === "checkbox") values[input.name] = input.checked;
    else if (input.type === "radio") { if (input.checked) values[input.name] = input.value; }
    else if (input.autocomplete?.endsWith("-password")) values[input.name] = input.value;
    else values[input.name] = input.value.trim();
  }
  return values;
}

/** A switch with its label. `value()` is reactive; where `change(on)` fails it stays as it was. */
export function toggle(label, value, change, { hint = null } = {}) {
  const id = `field-${++count}`;
  const input = h("input", { id, type: "checkbox", role: "switch", class: "switch",
    ".checked": value, "aria-describedby": `${id}-hint`,
    "on:change": async () => {
      await attempt(() => change(input.checked));
      input.checked = value();
    } });
  return h("div", { class: "toggle" },
    h("div", null, h("label", { for: id }, label), h("p", { id: `${id}-hint`, class: "hint" }, hint)),
    input);
}

/** A choice of a few. `options`: [value, label function] pairs; `change(value)` when it is made. */
export function select(label, options, value, change, { hint = null, ...attributes } = {}) {
  const id = `field-${++count}`;
  return h("div", { class: "field", "data-name": attributes.name },
    h("label", { for: id }, label),
    h("select", { id, class: "input", "aria-describedby": `${id}-hint`, ...attributes,
      "on:change": (event) => change(event.target.value) },
    options.map(([key, text]) => h("option", { value: key, ".selected": () => key === value() }, text))),
    h("p", { id: `${id}-hint`, class: "hint" }, hint));
}
