// Icons of our own: lines on a grid of 24, drawn in the colour of the text around them.

const NAMESPACE = "http://www.w3.org/2000/svg";

const PATHS = {
  alert: "M12 8v5 M12 16.5v.01 M12 3.5 2.8 19.5h18.4z",
  attach: "M19.5 11.5 12 19a5 5 0 0 1-7-7l8-8a3.3 3.3 0 0 1 4.7 4.7l-8 8a1.6 1.6 0 0 1-2.4-2.3l7-7",
  back: "M15 5l-7 7 7 7",
  bell: "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15z M10 20.5h4",
  "bell-off": "M6 16.5V11c0-1 .2-1.9.7-2.7 M9.5 5.6A6 6 0 0 1 18 11v3 M16 18H4.5L6 16.5 M10 20.5h4 M4 4l16 16",
  broadcast: "M4 10v4h3l7 4V6l-7 4z M17.5 9a4 4 0 0 1 0 6 M8 14.5l1.5 5",
  calendar: "M4.5 6.5h15v13h-15z M4.5 10.5h15 M8.5 4v4 M15.5 4v4",
  chats: "M4 5h16v11.5H11l-4.5 3.5v-3.5H4z M8 9h8 M8 12.5h5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  checks: "M2.5 12.5 7 17l8.5-9.5 M11.5 16l1 1L21.5 7.5",
  clock: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16z M12 8v4.5l3 1.5",
  close: "M6 6l12 12 M18 6 6 18",
  code: "M8.5 7.5 4 12l4.5 4.5 M15.5 7.5 20 12l-4.5 4.5",
  contacts: "M9.5 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z M3 19.5c0-3.5 2.8-5.5 6.5-5.5s6.5 2 6.5 5.5 M16 4.9a3.5 3.5 0 0 1 0 6.2 M18 14.5c2 .8 3.2 2.5 3.2 5",
  copy: "M9 9h10.5v10.5H9z M15 9V4.5H4.5V15H9",
  down: "M12 5v14 M6 13l6 6 6-6",
  download: "M12 4v11 M7 10.5l5 5 5-5 M5 19.5h14",
  edit: "M5 19l1-4L16.5 4.5l3 3L9 18z M14.5 6.5l3 3",
  "eye-off": "M9.9 5.7A9 9 0 0 1 12 5.5c4.5 0 7.5 3.5 9 6.5-.5 1-1.2 2-2.1 3 M6.5 7.5C4.9 8.7 3.7 10.4 3 12c1.5 3 4.5 6.5 9 6.5 1.6 0 3-.4 4.3-1.1 M10 10a2.8 2.8 0 0 0 4 4 M4 4l16 16",
  eye: "M3 12c1.5-3 4.5-6.5 9-6.5s7.5 3.5 9 6.5c-1.5 3-4.5 6.5-9 6.5S4.5 15 3 12z M12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z",
  file: "M6 3.5h8l4.5 4.5v12.5H6z M13.5 3.5V8.5h5",
  forward: "M13.5 6 20 12l-6.5 6v-3.8c-4.5 0-7.5 1.3-9.5 4.3.5-5 3.5-8.3 9.5-8.7z",
  image: "M4 5h16v14H4z M4 16l4.5-4.5 4 4 2.5-2.5 5 4.5 M9 9.5v.01",
  info: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16z M12 11.5v4.5 M12 8v.01",
  link: "M10 14l4-4 M8.5 11 6 13.5a3.3 3.3 0 0 0 4.6 4.6l2.4-2.5 M15.5 13l2.5-2.5A3.3 3.3 0 0 0 13.4 6L11 8.4",
  lock: "M6 11h12v9H6z M8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  "log-out": "M10 4.5H5v15h5 M15 8l4 4-4 4 M9.5 12H19",
  mention: "M15.5 12a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0z M15.5 8.5V13a2.2 2.2 0 0 0 4.4 0v-1a8 8 0 1 0-3.2 6.4",
  mic: "M9 6.5a3 3 0 0 1 6 0V12a3 3 0 0 1-6 0z M5.5 11.5a6.5 6.5 0 0 0 13 0 M12 18v3",
  more: "M12 5.5v.01 M12 12v.01 M12 18.5v.01",
  pause: "M8.5 5.5v13 M15.5 5.5v13",
  pin: "M9 4.5h6l-.7 6 3.2 3v1.5h-11v-1.5l3.2-3z M12 15v5.5",
  play: "M8 5.5v13l10.5-6.5z",
  plus: "M12 5v14 M5 12h14",
  recall: "M8 5 4 9l4 4 M4 9h9.5a5.5 5.5 0 0 1 0 11H8",
  reply: "M10.5 6 4 12l6.5 6v-3.8c4.5 0 7.5 1.3 9.5 4.3-.5-5-3.5-8.3-9.5-8.7z",
  retry: "M19 12a7 7 0 1 1-2.1-5 M19 3.5V8h-4.5",
  search: "M11 4.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13z M16 16l4 4",
  send: "M4.5 12 4 4.5 20.5 12 4 19.5z M4.5 12h8",
  settings: "M4 7h9 M17 7h3 M4 12h3 M11 12h9 M4 17h9 M17 17h3 M15 5v4 M9 10v4 M15 15v4",
  smile: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16z M8.5 14c1.8 2.3 5.2 2.3 7 0 M9.2 9.8v.01 M14.8 9.8v.01",
  stop: "M7 7h10v10H7z",
  trash: "M5 7h14 M9.5 7V4.5h5V7 M7 7l.8 12.5h8.4L17 7 M10.5 10.5v5.5 M13.5 10.5v5.5",
  user: "M12 11.5a3.7 3.7 0 1 0 0-7.4 3.7 3.7 0 0 0 0 7.4z M5 20c0-3.8 3-6 7-6s7 2.2 7 6",
  video: "M3.5 6.5h11.5v11H3.5z M15 11l5.5-3.5v9L15 13z",
  volume: "M5 9.5v5h3l4.5 3.5V6L8 9.5z M16 9a4 4 0 0 1 0 6 M18.5 6.5a7.5 7.5 0 0 1 0 11",
};

const FILLED = new Set(["play", "stop"]);

/** An <svg> that screen readers pass over: the button around it has the name. */
export function icon(name) {
  const drawing = document.createElementNS(NAMESPACE, "svg");
  const attributes = {
    class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false",
    fill: FILLED.has(name) ? "currentColor" : "none", stroke: "currentColor", "stroke-width": name === "more" ? "2.8" : "1.7",
    "stroke-linecap": "round", "stroke-linejoin": "round",
  };
  for (const [key, value] of Object.entries(attributes)) drawing.setAttribute(key, value);
  const path = document.createElementNS(NAMESPACE, "path");
  path.setAttribute("d", PATHS[name]);
  drawing.append(path);
  return drawing;
}
