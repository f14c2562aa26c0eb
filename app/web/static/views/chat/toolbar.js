// The three quick acts beside a message. There is one toolbar: it goes to the message that is pointed
// at or focused, so that hundreds of messages do not have hundreds of them.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { messageMenu, pickReaction, reply } from "views/chat/menu.js";
import { icon } from "views/parts/icons.js";

export class Toolbar {
  #article = null;

  constructor(list, chat) {
    const entry = () => this.#article.entry.peek();
    const button = (name, drawing, run) => h("button", {
      type: "button", class: "icon-button", "aria-label": () => t(`message.${name}`), title: () => t(`message.${name}`), "on:click": run,
    }, icon(drawing));
    const more = button("more", "more", () => messageMenu(entry(), chat, more));
    const smile = button("react", "smile", () => pickReaction(entry(), chat, smile));
    const back = button("reply", "reply", () => reply(entry(), chat));
    more.setAttribute("aria-haspopup", "menu");
    this.writing = [smile, back];
    this.element = h("div", { class: "message-toolbar", role: "toolbar", "aria-label": () => t("message.acts") }, smile, back, more);
    this.chat = chat;
    const show = (event) => this.#show(event.target.closest(".message"));
    list.addEventListener("pointerover", show);
    list.addEventListener("focusin", show);
    list.addEventListener("pointerleave", () => { if (!this.element.matches(":focus-within")) this.#hide(); });
  }

  #show(article) {
    if (!article || article === this.#article) return;
    this.#article = article;
    const { message, seq } = article.entry.peek();
    const able = Boolean(message && !message.expired && seq && this.chat.mayWrite.peek());
    for (const button of this.writing) button.hidden = !able;
    article.querySelector(".message-stack").append(this.element);
  }

  #hide() {
    this.#article = null;
    this.element.remove();
  }
}
