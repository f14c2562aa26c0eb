// A notice to everybody on this site, by one of its admins.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { go } from "core/router.js";
import { random } from "client/locks.js";
import { client } from "views/client.js";
import { frame, openDialog } from "views/parts/dialog.js";
import { Wrong, field, form } from "views/parts/form.js";
import { toast } from "views/parts/toast.js";

const CHARS = 10_000;

export function broadcastDialog() {
  const ref = random(); // of the whole dialog: what is sent again is sent once
  let place = null;
  const body = () => form({
    submit: () => t("contacts.broadcast_send"),
    buttons: h("button", { type: "button", class: "button", "on:click": () => close() }, t("common.cancel")),
    run: async ({ notice }) => {
      if (!notice) throw new Wrong("notice", t("contacts.broadcast_empty"));
      place = await client.api.post("/v2/broadcasts",
        { ref, message: { media: "text", content: notice } });
    },
    done: () => {
      close();
      toast(t("contacts.broadcast_sent"));
      go(`/c/${place.conversation}`);
    },
  }, field(() => t("contacts.broadcast_text"), { name: "notice", rows: 5, maxlength: CHARS,
    "data-autofocus": "" }, { area: true, hint: () => t("contacts.broadcast_hint") }));
  const close = openDialog(() => frame(() => t("contacts.broadcast"), body()),
    { label: () => t("contacts.broadcast") });
}
