// <hi-avatar>: a picture, or the first letter of the name on a colour that the id decides.

import { Element_, define, h, when } from "core/dom.js";
import { computed, signal } from "core/signals.js";
import { client } from "views/client.js";
import { presenceOf } from "views/parts/presence.js";

const COLOURS = 8; // .avatar-0 to .avatar-7 in parts.css
const OURS = /^\/v2\/media\/[\w-]+$/; // the policy of the page shows no picture of another site

const segments = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The first character as people see it: an emoji or an accent stays whole. */
export function initial(name) {
  const first = segments.segment(name.trim())[Symbol.iterator]().next();
  return first.done ? "?" : first.value.segment.toUpperCase();
}

/**
 * Properties: `user`, an id, or `group`, {id, name, avatar}. Attributes: `size`, s, m or l;
 * `presence` adds a dot while the user is online. The name always stands beside it, so it is
 * hidden from screen readers.
 */
class Avatar extends Element_ {
  #user = signal(null);
  #group = signal(null);
  #broken = signal(""); // the address that could not be loaded

  set user(id) { this.#user.value = id; }
  get user() { return this.#user.peek(); }
  set group(group) { this.#group.value = group; }
  get group() { return this.#group.peek(); }

  render() {
    this.setAttribute("aria-hidden", "true");
    const shown = computed(() => this.#shown());
    const picture = computed(() => {
      const { avatar } = shown.value;
      return OURS.test(avatar ?? "") && avatar !== this.#broken.value ? avatar : "";
    });
    const online = computed(() => this.hasAttribute("presence")
      && this.#user.value !== null && presenceOf(this.#user.value)?.online === true);
    return [
      h("span", { class: () => `avatar-face avatar-${shown.value.id % COLOURS}` },
        when(() => picture.value !== "",
          () => h("img", {
            src: () => picture.value, alt: "", loading: "lazy", decoding: "async",
            draggable: "false", "on:error": () => { this.#broken.value = picture.peek(); },
          }),
          () => h("span", null, () => initial(shown.value.name)))),
      when(() => online.value, () => h("span", { class: "avatar-dot" })),
    ];
  }

  #shown() {
    const group = this.#group.value;
    if (group !== null) return { id: group.id, name: group.name ?? "", avatar: group.avatar };
    const id = this.#user.value ?? 0;
    return { id, name: client.users.name(id).value ?? "", avatar: client.users.of(id).value?.avatar };
  }
}

define("hi-avatar", Avatar);
