// The markdown block: the part of Markdown that bots send. Everything else stays readable text.

import { el, link } from "./dom.js";
import { emojiNode } from "./emoji.js";

const INLINE = [
  [/^`([^`\n]+)`/, (match) => el("code", {}, match[1])],
  [/^!?\[([^\]\n]*)\]\(([^)\s]+)\)/, (match, depth) => link(match[2], inline(match[1], depth))],
  [/^(\*\*|__)(?=\S)(.+?\S?)\1/s, (match, depth) => el("strong", {}, inline(match[2], depth))],
  [/^~~(?=\S)(.+?)~~/s, (match, depth) => el("s", {}, inline(match[1], depth))],
  [/^([*_])(?=[^\s*_])([^\n]*?[^\s*_])\1(?![\p{L}\p{N}])/u, (match, depth) => el("em", {}, inline(match[2], depth))],
  [/^<(https?:\/\/[^\s>]+)>/, (match) => link(match[1], match[1])],
  [/^https?:\/\/[^\s<>)]+[^\s<>).,;:!?]/, (match) => link(match[0], match[0])],
  [/^:([a-z0-9_+-]+):/, (match) => emojiNode(match[1])],
  [/^\\([\\`*_{}[\]()#+.!~>-])/, (match) => document.createTextNode(match[1])],
];
const MAX_DEPTH = 6;

function inline(text, depth = 0) {
  const nodes = [];
  let plain = "";
  for (let at = 0; at < text.length; ) {
    const found = depth < MAX_DEPTH ? firstMatch(text.slice(at), depth, text[at - 1]) : null;
    if (found) {
      if (plain) nodes.push(plain);
      plain = "";
      nodes.push(found.node);
      at += found.length;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function firstMatch(rest, depth, before) {
  // A letter cannot begin a construct inside a word: snake_case and 2*3*4 stay as they are.
  const inWord = before !== undefined && /[\p{L}\p{N}]/u.test(before);
  if (!/[`![*_~<h:\\]/.test(rest[0]) || (inWord && /[*_h:]/.test(rest[0]))) return null;
  for (const [pattern, build] of INLINE) {
    const match = rest.match(pattern);
    const node = match && build(match, depth + 1);
    if (node) return { node, length: match[0].length };
  }
  return null;
}

const withBreaks = (lines) => lines.flatMap((line, index) => (index ? [el("br"), ...inline(line)] : inline(line)));

const LEAVES = [
  [/^(#{1,6})\s+(.*)$/, (match) => el("p", { class: `md-heading md-heading-${match[1].length}` }, inline(match[2]))],
  [/^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/, () => el("hr")],
];
const RUNS = [
  [/^>\s?(.*)$/, (lines) => el("blockquote", {}, withBreaks(lines))],
  [/^\s*[-*+]\s+(.*)$/, (lines) => el("ul", {}, lines.map((line) => el("li", {}, inline(line))))],
  [/^\s*\d+[.)]\s+(.*)$/, (lines) => el("ol", {}, lines.map((line) => el("li", {}, inline(line))))],
];

function takeFence(lines, at) {
  if (!/^```/.test(lines[at])) return null;
  const end = lines.findIndex((line, index) => index > at && /^```\s*$/.test(line));
  const stop = end < 0 ? lines.length : end;
  return { node: el("pre", {}, lines.slice(at + 1, stop).join("\n")), next: stop + 1 };
}

function takeRun(lines, at) {
  for (const [pattern, build] of RUNS) {
    const run = [];
    for (let index = at; index < lines.length && pattern.test(lines[index]); index += 1) run.push(lines[index].match(pattern)[1]);
    if (run.length) return { node: build(run), next: at + run.length };
  }
  return null;
}

function takeLeaf(lines, at) {
  for (const [pattern, build] of LEAVES) {
    const match = lines[at].match(pattern);
    if (match) return { node: build(match), next: at + 1 };
  }
  return null;
}

/** A node for the block's Markdown text. */
export function markdown(text) {
  const root = el("div", { class: "markdown" });
  const lines = text.split("\n");
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) root.append(el("p", {}, withBreaks(paragraph)));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; ) {
    const taken = takeFence(lines, at) ?? takeLeaf(lines, at) ?? takeRun(lines, at);
    if (taken || !lines[at].trim()) flush();
    else paragraph.push(lines[at]);
    if (taken) root.append(taken.node);
    at = taken ? taken.next : at + 1;
  }
  flush();
  return root;
}
