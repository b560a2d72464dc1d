// The rich_text block: nested elements that are already parsed, so each maps to one node.

import { formatDate } from "./clock.js";
import { el, link } from "./dom.js";
import { emojiNode } from "./emoji.js";
import { mention } from "./mrkdwn.js";

const WRAPPERS = [["code", "code"], ["strike", "s"], ["italic", "em"], ["bold", "strong"]];

function leaf(element, world) {
  switch (element.type) {
    case "text":
      return lines(element.text);
    case "link":
      return [link(element.url, element.text || element.url)];
    case "user":
      return [mention(`@${world.personName(element.user_id)}`)];
    case "usergroup":
      return [mention(`@${world.usergroupHandle(element.usergroup_id)}`)];
    case "channel":
      return [mention(`#${world.channelName(element.channel_id) ?? element.channel_id}`)];
    case "broadcast":
      return [mention(`@${element.range}`)];
    case "emoji":
      return [emojiNode(element.name) ?? `:${element.name}:`];
    case "date":
      return [formatDate(new Date(element.timestamp * 1000), element.format)];
    default:
      return [element.text ?? ""];
  }
}

function lines(text) {
  return text.split("\n").flatMap((line, index) => (index ? [el("br"), line] : [line]));
}

function styled(element, world) {
  let nodes = leaf(element, world);
  for (const [style, tag] of WRAPPERS) {
    if (element.style?.[style]) nodes = [el(tag, {}, nodes)];
  }
  return nodes;
}

const inlineNodes = (elements, world) => elements.flatMap((element) => styled(element, world));

function list(element, world) {
  const items = element.elements.map((item) => el("li", {}, inlineNodes(item.elements ?? [], world)));
  const props = { class: `rt-list rt-indent-${Math.min(element.indent ?? 0, 4)}` };
  if (element.style === "ordered") return el("ol", { ...props, start: (element.offset ?? 0) + 1 }, items);
  return el("ul", props, items);
}

function part(element, world) {
  switch (element.type) {
    case "rich_text_section":
      return el("div", { class: "rt-section" }, inlineNodes(element.elements, world));
    case "rich_text_list":
      return list(element, world);
    case "rich_text_quote":
      return el("blockquote", {}, inlineNodes(element.elements, world));
    case "rich_text_preformatted":
      // A code block keeps its line breaks by itself.
      return el("pre", {}, element.elements.map((piece) => piece.text ?? piece.url ?? ""));
    default:
      return el("div", { class: "unsupported" }, `Unsupported rich text: ${element.type}`);
  }
}

/** A node for a whole rich_text block. */
export function richText(block, world) {
  return el("div", { class: "rich-text" }, block.elements.map((element) => part(element, world)));
}
