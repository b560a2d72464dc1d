// A coloured square with initials stands for a person.

import { el } from "./dom.js";

function initials(name) {
  const words = name.trim().split(/[\s._-]+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("") || "?";
}

/** size: "small" | "" */
export function avatar(person, size = "") {
  const node = el("span", { class: `avatar ${size}`, "aria-hidden": "true" }, initials(person.real_name || person.name));
  if (/^#[0-9a-f]{3,8}$/i.test(person.color ?? "")) node.style.backgroundColor = person.color;
  return node;
}
