// Who is typing, in a line above the composer.

import { h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { client } from "views/client.js";

const NAMED = 2;

export function typingLine(chat) {
  const users = client.typing.of(chat.id);
  const words = () => {
    const names = users.value.slice(0, NAMED).map((user) => client.users.name(user).value);
    if (users.value.length > NAMED) return t("chat.typing_many", { count: users.value.length });
    return t(`chat.typing_${names.length}`, { one: names[0], other: names[1] });
  };
  return h("div", { class: "typing-line" }, when(() => users.value.length > 0, () => h("span", { class: "typing" },
    h("span", { class: "typing-dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("bdi", { class: "ellipsis" }, words))));
}
