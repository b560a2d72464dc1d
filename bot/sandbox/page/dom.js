// Builds DOM nodes. Texts only ever become text nodes, so nothing a person or a model wrote can become markup.

/** el("button", {class: "x", "aria-label": "Close", onclick: fn}, "text", node, null): null and false are left out. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

let lastId = 0;

/** An id that is unique on the page, to tie labels, hints and errors to their control. */
export function freshId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

const LINKABLE = new Set(["http:", "https:", "mailto:"]);

/** The URL when it is absolute and of a harmless scheme, else null. */
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return LINKABLE.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** A link that opens beside the page; where the URL is not allowed, its label as plain text. */
export function link(url, ...label) {
  const href = safeUrl(url);
  if (!href) return el("span", {}, ...label);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...label);
}

/** An image address on this server or on the web, else null. */
export function imageUrl(text) {
  try {
    const url = new URL(text, location.href);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
