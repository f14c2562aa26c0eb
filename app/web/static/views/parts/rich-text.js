// What people write, as DOM nodes: links, code, mentions. Text never becomes markup.

// One pass, linear: fenced code, a code span, a web address, or a mention.
const FENCE = "```(?:([\\w+#.-]{1,20})?\\n)?([\\s\\S]*?)```";
const SPAN = "`([^`\\n]+)`";
const ADDRESS = "https?://[^\\s<>\"'`\\u3000-\\u303f\\uff00-\\uff0f\\uff1a-\\uff20]+";
const TRAILING = new Set(".,;:!?'\"*_~)]}");
const LARGEST_EMOJI_TEXT = 40; // UTF-16 units; a family of four has eleven

/**
 * The parts of a text: {kind: "text"|"block"|"code"|"link"|"mention", text, href?, user?}.
 * @param {Map<string, number|null>} names - who is mentioned, by name; null: everybody.
 */
export function parse(text, names = new Map()) {
  const parts = [];
  const plain = (piece) => {
    const text = parts.at(-1)?.kind === "block" ? piece.replace(/^\n/, "") : piece;
    if (text) parts.push({ kind: "text", text });
  };
  let end = 0;
  for (const match of text.matchAll(pattern(names))) {
    const part = partOf(match, names);
    if (!part) continue;
    plain(part.kind === "block" ? text.slice(end, match.index).replace(/\n$/, "") : text.slice(end, match.index));
    parts.push(part);
    end = match.index + part.length;
  }
  plain(text.slice(end));
  return parts;
}

function pattern(names) {
  const mentions = [...names.keys()].sort((a, b) => b.length - a.length).map(whole);
  return new RegExp([FENCE, SPAN, `(${ADDRESS})`, mentions.length ? `@(${mentions.join("|")})` : "(?!)()"].join("|"), "gi");
}

const whole = (name) => name.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&") + (/\w$/.test(name) ? "(?!\\w)" : "");

function partOf([whole, , block, code, address, name], names) {
  if (block !== undefined) return { kind: "block", text: block.replace(/\n$/, ""), length: whole.length };
  if (code !== undefined) return { kind: "code", text: code, length: whole.length };
  if (address !== undefined) return link(address);
  const known = [...names.keys()].find((one) => one.toLowerCase() === name.toLowerCase());
  return { kind: "mention", text: whole, user: names.get(known), length: whole.length };
}

function link(address) {
  const text = trimmed(address);
  if (!URL.canParse(text)) return null;
  const { protocol, href } = new URL(text);
  return protocol === "https:" || protocol === "http:" ? { kind: "link", text, href, length: text.length } : null;
}

/** Without the punctuation that ends the sentence; a bracket that was opened inside stays. */
function trimmed(address) {
  let open = 0;
  for (const letter of address) open += letter === "(" ? 1 : letter === ")" ? -1 : 0;
  let length = address.length;
  while (length && TRAILING.has(address[length - 1])) {
    if (address[length - 1] === ")" && open++ >= 0) break;
    length -= 1;
  }
  return address.slice(0, length);
}

/** @returns {Node[]} */
export function richText(text, names) {
  return parse(text, names).map(node);
}

function node(part) {
  if (part.kind === "text") return document.createTextNode(part.text);
  if (part.kind === "link") return anchor(part);
  if (part.kind === "block") {
    const block = document.createElement("pre");
    block.tabIndex = 0; // it scrolls sideways: the keyboard must reach it
    block.append(element("code", part.text));
    return block;
  }
  if (part.kind === "code") return element("code", part.text);
  const mention = part.user ? element("a", part.text) : element("span", part.text);
  mention.className = "mention";
  if (part.user) mention.href = `#/u/${part.user}`;
  return mention;
}

function anchor({ text, href }) {
  const made = element("a", text);
  made.href = href;
  if (new URL(href).origin !== location.origin) {
    made.target = "_blank";
    made.rel = "noopener noreferrer nofollow";
  }
  return made;
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** Whether a text is one to six emoji and nothing else: shown larger. */
export function isLargeEmoji(text) {
  return text.length <= LARGEST_EMOJI_TEXT && /^(?:\p{RGI_Emoji}\s*){1,6}$/v.test(text.trim());
}

/** The text of a line of a list: code and line breaks flattened. */
export function oneLine(text) {
  return text.slice(0, 300).replaceAll("```", "").replace(/\s+/g, " ").trim();
}
