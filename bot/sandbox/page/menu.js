// A pop-up menu beside the button that opened it: arrows move, Escape and clicks elsewhere close.

import { el } from "./dom.js";

let closeOpen = null;

/** Shows items [{label: node or text, description?, choose(), props?}] beside `anchor`. */
export function openMenu(anchor, items, label) {
  closeOpen?.();
  const entries = items.map((item) =>
    el(
      "button",
      { type: "button", role: "menuitem", tabindex: "-1", class: "menu-item", ...item.props, onclick: () => choose(item) },
      el("span", {}, item.label),
      item.description && el("small", {}, item.description),
    ),
  );
  const menu = el("div", { class: "menu", role: "menu", "aria-label": label }, entries);
  const close = () => {
    if (closeOpen !== close) return;
    closeOpen = null;
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
  };
  const outside = (event) => {
    if (!menu.contains(event.target)) close();
  };
  const choose = (item) => {
    close();
    anchor.focus();
    item.choose();
  };
  menu.addEventListener("keydown", (event) => moveIn(event, entries, close, anchor));
  // A menu inside a dialog must not be inert, and one in the page must scroll with nothing: both hang on the body's end.
  (anchor.closest(".overlay") ?? document.body).append(menu);
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  closeOpen = close;
  entries[0]?.focus();
}

function moveIn(event, entries, close, anchor) {
  const at = entries.indexOf(document.activeElement);
  const goTo = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (goTo !== undefined) {
    event.preventDefault();
    entries.at(goTo % entries.length).focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    close();
    anchor.focus();
  }
}

function place(menu, anchor) {
  const from = anchor.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const left = Math.max(8, Math.min(from.left, innerWidth - size.width - 8));
  const below = from.bottom + 4;
  const top = below + size.height <= innerHeight - 8 ? below : Math.max(8, from.top - size.height - 4);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
}
