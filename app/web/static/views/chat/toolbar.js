// The three quick acts beside a message. There is one toolbar: it goes to the message that is pointed
// at or focused, so that hundreds of messages do not have hundreds of them.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { messageMenu, pickReaction, reply } from "views/chat/menu.js";
import { iconButton } from "views/parts/button.js";

export class Toolbar {
  #article = null;

  constructor(list, chat) {
    const entry = () => this.#article.entry.peek();
    const pick = () => pickReaction(entry(), chat, smile);
    const smile = iconButton(() => t("message.react"), "smile", pick, { "aria-haspopup": "dialog" });
    const back = iconButton(() => t("message.reply"), "reply", () => reply(entry(), chat));
    const more = iconButton(() => t("message.more"), "more", () => messageMenu(entry(), chat, more), { "aria-haspopup": "menu" });
    this.writing = [smile, back];
    this.element = h("div", { class: "message-toolbar", role: "toolbar", "aria-label": () => t("message.acts") },
      smile, back, more);
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
