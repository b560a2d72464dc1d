// Block Kit blocks by type.

import { el } from "./dom.js";
import { imageElement, renderElement, unsupported } from "./elements.js";
import { inputBlock } from "./input_block.js";
import { markdown } from "./markdown.js";
import { plainText, textObject } from "./mrkdwn.js";
import { richText } from "./rich_text.js";

const BLOCKS = {
  header: (block) => el("h3", { class: "b-header" }, plainText(block.text.text)),
  divider: () => el("hr", { class: "b-divider" }),
  section,
  context,
  actions: (block, at) => el("div", { class: "b-actions" }, block.elements.map((element) => renderElement(element, at).node)),
  image,
  input: inputBlock,
  rich_text: (block, at) => richText(block, at.surface.world),
  markdown: (block) => markdown(block.text),
};

function section(block, at) {
  const { world } = at.surface;
  const text = block.text && el("div", { class: "b-text" }, textObject(block.text, world));
  const fields = block.fields && el("div", { class: "b-fields" }, block.fields.map((field) => el("div", {}, textObject(field, world))));
  const accessory = block.accessory && el("div", { class: "b-accessory" }, renderElement(block.accessory, at).node);
  return el("div", { class: "b-section" }, el("div", { class: "b-section-main" }, text, fields), accessory);
}

function context(block, at) {
  const piece = (element) =>
    element.type === "image" ? imageElement(element, "context-image") : el("span", {}, textObject(element, at.surface.world));
  return el("div", { class: "b-context" }, block.elements.map(piece));
}

function image(block) {
  const title = block.title && el("figcaption", {}, plainText(block.title.text));
  return el("figure", { class: "b-image" }, title, imageElement(block, "block-image"));
}

function renderBlock(block, index, surface) {
  const blockId = block.block_id ?? `block-${index}`;
  const render = BLOCKS[block.type];
  const at = { surface, blockId, dispatches: true };
  const node = render ? render(block, at) : unsupported(`block: ${block.type}`);
  node.dataset.blockId = blockId;
  return node;
}

/** A node for a list of blocks. One block that cannot be drawn does not take the others with it. */
export function renderBlocks(blocks, surface) {
  const nodes = blocks.map((block, index) => {
    try {
      return renderBlock(block, index, surface);
    } catch (error) {
      console.error("This block cannot be drawn", block, error);
      return unsupported(`block: ${block?.type} (malformed)`);
    }
  });
  return el("div", { class: "blocks" }, nodes);
}
