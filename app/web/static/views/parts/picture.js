// A picture for a person or a group: chosen, cut to a square, made small, uploaded.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { Wrong } from "views/parts/form.js";

const SIDE = 320; // pixels: twice of what is shown
const QUALITY = 0.9;

/** Uploads the middle square of a picture. Resolves to the avatar's address. Throws Wrong. */
export async function uploadAvatar(file) {
  const square = await cut(file);
  const form = new FormData();
  form.append("file", square, "avatar.webp");
  const stored = await client.api.request("POST", "/v2/media", { form });
  return `/v2/media/${stored.id}`;
}

async function cut(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new Wrong("", t("settings.not_a_picture"));
  }
  const side = Math.min(picture.width, picture.height);
  const canvas = new OffscreenCanvas(Math.min(side, SIDE), Math.min(side, SIDE));
  canvas.getContext("2d").drawImage(picture, (picture.width - side) / 2,
    (picture.height - side) / 2, side, side, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas.convertToBlob({ type: "image/webp", quality: QUALITY });
}

/** A button that lets one choose a picture; `chosen(file)` gets it. */
export function pictureButton(label, chosen, kind = "") {
  const input = h("input", { type: "file", accept: "image/*", class: "visually-hidden",
    tabindex: "-1", "aria-hidden": "true",
    "on:change": () => {
      const [file] = input.files;
      input.value = "";
      if (file) chosen(file);
    } });
  return h("span", null, input,
    h("button", { type: "button", class: `button ${kind}`, "on:click": () => input.click() }, label));
}
