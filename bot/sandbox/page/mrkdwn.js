// Slack's mrkdwn to DOM nodes. `world` answers personName(id) and channelName(id).

import { formatDate, fullLabel } from "./clock.js";
import { el, link } from "./dom.js";
import { emojiNode } from "./emoji.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const STYLES = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;
const BARE_URL = /^https?:\/\/[^\s<>|]+/;
const BROADCASTS = new Set(["here", "channel", "everyone"]);

/** The three entities that Slack escapes, each decoded once. */
export function decodeEntities(text) {
  return text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);
}

/** A mention as Slack shows it. */
export function mention(label) {
  return el("span", { class: "mention" }, label);
}

/** A fragment of the whole text: fences, quotes, lines and what is in them. */
export function mrkdwn(text, world, { verbatim = false } = {}) {
  const fragment = document.createDocumentFragment();
  const pieces = text.split(/```([\s\S]+?)```/);
  pieces.forEach((piece, index) => {
    if (index % 2) fragment.append(el("pre", {}, codeText(piece.replace(/^\n|\n$/g, ""))));
    else appendLines(fragment, index ? piece.replace(/^\n/, "") : piece, world, verbatim);
  });
  return fragment;
}

function appendLines(parent, text, world, verbatim) {
  const rest = text.search(/^(?:&gt;|>){3}/m);
  if (rest >= 0) {
    appendLines(parent, text.slice(0, rest).replace(/\n$/, ""), world, verbatim);
    const quoted = text.slice(rest).replace(/^(?:&gt;|>){3}\s?/, "");
    parent.append(el("blockquote", {}, inline(quoted, world, verbatim)));
    return;
  }
  for (const group of quoteGroups(text)) {
    const nodes = inline(group.lines.join("\n"), world, verbatim);
    if (group.quoted) parent.append(el("blockquote", {}, nodes));
    else parent.append(...nodes);
  }
}

function quoteGroups(text) {
  const groups = [];
  for (const line of text === "" ? [] : text.split("\n")) {
    const quote = line.match(/^(?:&gt;|>(?!>)) ?(.*)$/);
    const last = groups.at(-1);
    const content = quote ? quote[1] : line;
    if (last && last.quoted === Boolean(quote)) last.lines.push(content);
    else groups.push({ quoted: Boolean(quote), lines: [content] });
  }
  return groups;
}

const codeText = (text) => decodeEntities(text.replace(/<((?:https?|mailto):[^|<>]*)(?:\|([^<>]*))?>/g, (_, url, label) => label || url));

/** Inline mrkdwn as a list of nodes. `open` holds the styles already in force, which bounds the depth. */
function inline(text, world, verbatim, open = "") {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(document.createTextNode(plain));
    plain = "";
  };
  let at = 0;
  while (at < text.length) {
    const found = tokenAt(text, at, world, verbatim, open);
    if (found) {
      flush();
      nodes.push(...[found.node].flat());
      at += found.length;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return nodes;
}

function tokenAt(text, at, world, verbatim, open) {
  const character = text[at];
  if (character === "\n") return { node: el("br"), length: 1 };
  if (character === "&") return entityAt(text, at);
  if (character === "<") return angleAt(text, at, world, verbatim);
  if (character === "`") return codeAt(text, at);
  if (character === ":") return emojiAt(text, at);
  if (character === "h" && !verbatim) return urlAt(text, at);
  if (character in STYLES && !open.includes(character)) return styledAt(text, at, world, verbatim, open);
  return null;
}

function entityAt(text, at) {
  const entity = text.slice(at).match(/^&(?:amp|lt|gt);/)?.[0];
  return entity ? { node: document.createTextNode(ENTITIES[entity]), length: entity.length } : null;
}

function codeAt(text, at) {
  const match = text.slice(at).match(/^`([^`\n]+)`/);
  return match ? { node: el("code", {}, codeText(match[1])), length: match[0].length } : null;
}

function emojiAt(text, at) {
  const match = text.slice(at).match(/^:([a-z0-9_+-]+):/);
  const node = match && emojiNode(match[1]);
  return node ? { node, length: match[0].length } : null;
}

function urlAt(text, at) {
  if (at > 0 && WORD.test(text[at - 1])) return null;
  const url = text.slice(at).match(BARE_URL)?.[0].replace(/[.,;:!?)*_~"']+$/, "");
  return url ? { node: link(decodeEntities(url), decodeEntities(url)), length: url.length } : null;
}

function styledAt(text, at, world, verbatim, open) {
  const marker = text[at];
  if (at > 0 && (WORD.test(text[at - 1]) || text[at - 1] === marker)) return null;
  const end = closingAt(text, at, marker);
  if (end < 0) return null;
  const inner = inline(text.slice(at + 1, end), world, verbatim, open + marker);
  return { node: el(STYLES[marker], {}, inner), length: end + 1 - at };
}

/** Where the style that begins at `at` ends, or -1. Code and <…> in between are skipped whole. */
function closingAt(text, at, marker) {
  if (at + 1 >= text.length || /[\s]/.test(text[at + 1]) || text[at + 1] === marker) return -1;
  let index = at + 1;
  while (index < text.length && text[index] !== "\n") {
    const skipped = text[index] === "`" || text[index] === "<" ? text.slice(index).match(/^(?:`[^`\n]+`|<[^<>\n]+>)/) : null;
    if (skipped) {
      index += skipped[0].length;
      continue;
    }
    const closes = text[index] === marker && !/\s/.test(text[index - 1]) && !WORD.test(text[index + 1] ?? " ");
    if (closes) return index;
    index += 1;
  }
  return -1;
}

function angleAt(text, at, world, verbatim) {
  const match = text.slice(at).match(/^<([^<>\n]+)>/);
  if (!match) return null;
  const [target, ...labels] = match[1].split("|");
  const label = labels.length ? decodeEntities(labels.join("|")) : null;
  const node = angleNode(target, label, world, verbatim);
  return node ? { node, length: match[0].length } : null;
}

function angleNode(target, label, world) {
  if (target.startsWith("@")) return mention(`@${world.personName(target.slice(1))}`);
  if (target.startsWith("#")) return mention(`#${world.channelName(target.slice(1)) ?? label ?? target.slice(1)}`);
  if (target.startsWith("!")) return bangNode(target.slice(1), label, world);
  if (/^(?:https?:|mailto:)/i.test(target)) {
    const url = decodeEntities(target);
    return link(url, label ?? url.replace(/^mailto:/i, ""));
  }
  return null;
}

function bangNode(command, label, world) {
  if (BROADCASTS.has(command)) return mention(`@${command}`);
  if (command.startsWith("subteam^")) return mention(label ?? `@${world.usergroupHandle(command.slice("subteam^".length))}`);
  const date = command.match(/^date\^(\d+)\^([^^]*)(?:\^(.*))?$/);
  if (!date) return label === null ? null : document.createTextNode(label);
  const at = new Date(Number(date[1]) * 1000);
  const time = el("time", { datetime: at.toISOString(), title: fullLabel(at) }, formatDate(at, date[2]));
  return date[3] ? link(decodeEntities(date[3]), time) : time;
}

/** A text object ({type: "mrkdwn" | "plain_text", text}) as a fragment. */
export function textObject(object, world) {
  if (!object) return document.createDocumentFragment();
  if (object.type === "mrkdwn") return mrkdwn(object.text, world, { verbatim: object.verbatim === true });
  return plainText(object.text, { emoji: object.emoji !== false });
}

/** Plain text keeps its lines and, unless told otherwise, its emoji. */
export function plainText(text, { emoji = true } = {}) {
  const fragment = document.createDocumentFragment();
  text.split(/(:[a-z0-9_+-]+:|\n)/).forEach((piece) => {
    if (piece === "\n") fragment.append(el("br"));
    else if (piece) fragment.append((emoji && /^:.+:$/.test(piece) && emojiNode(piece.slice(1, -1))) || piece);
  });
  return fragment;
}
