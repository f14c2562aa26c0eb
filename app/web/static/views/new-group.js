// <hi-new-group>: a name, a way in, and who is to be there from the start.

import { Element_, define, h } from "core/dom.js";
import { t } from "core/i18n.js";
import { go } from "core/router.js";
import { client } from "views/client.js";
import { Wrong, field, form, select } from "views/parts/form.js";
import { screenHeader } from "views/parts/header.js";
import { picker } from "views/parts/picker.js";
import { POLICIES } from "views/group/policies.js";

class NewGroup extends Element_ {
  render() {
    const people = picker();
    let join = "invite";
    let made = null;
    return [
      screenHeader(() => t("group.new"), { back: "#/contacts" }),
      h("div", { class: "scroll screen-scroll", tabindex: "-1" }, h("div", { class: "column" },
        h("div", { class: "card" }, form({
          submit: () => t("group.create"),
          run: async ({ name, description }) => {
            if (!name) throw new Wrong("name", t("group.name_missing"));
            made = await client.groups.create({ name, description, join, members: people.chosen.peek() });
          },
          done: () => go(`/c/${made.id}`),
        },
        field(() => t("group.name"), { name: "name", required: true, maxlength: 64, autocomplete: "off" }),
        field(() => t("group.description"), { name: "description", maxlength: 2000, rows: 2 },
          { area: true, hint: () => t("group.description_hint") }),
        select(() => t("group.join"), POLICIES, () => join, (value) => { join = value; }),
        people.element)))),
    ];
  }
}

define("hi-new-group", NewGroup);
