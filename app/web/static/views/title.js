// How much is unread: in the title of the window and on its icon.

import { t } from "core/i18n.js";
import { effect } from "core/signals.js";
import { client } from "views/client.js";

const MOST = 99;
const MARK = "M6 9a5 5 0 0 1 5-5h10a5 5 0 0 1 5 5v8a5 5 0 0 1-5 5h-6l-6 6v-6.4A5 5 0 0 1 6 17z";

export function start() {
  const link = document.querySelector("link[rel=icon]");
  const plain = link?.href;
  effect(() => {
    const count = client.session.user.value === null ? 0 : client.conversations.unreadTotal.value;
    const shown = count > MOST ? `${MOST}+` : String(count);
    document.title = count ? `(${shown}) ${t("common.title")}` : t("common.title");
    if (link) link.href = count ? badge(shown) : plain;
  });
}

/** The icon with the count on it. */
function badge(text) {
  const size = [0, 15, 12, 10][text.length];
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<path fill="#11766a" d="${MARK}"/><circle cx="22" cy="22" r="10" fill="#b3261e"/>
<text x="22" y="${22 + size / 3}" font-family="sans-serif" font-size="${size}" font-weight="700" fill="#fff"
 text-anchor="middle">${text}</text></svg>`)}`;
}
