// Short notes at the foot of the page. They lie above dialogs and go by themselves.

import { el } from "./dom.js";

const SHOWN_MS = 7000;
const MOST = 4;

/** level: "error" | "info". */
export function toast(text, level = "info") {
  const box = document.getElementById("toasts");
  const note = el("div", { class: `toast toast-${level}` }, el("span", {}, text));
  note.append(el("button", { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: () => note.remove() }, "✕"));
  box.append(note);
  while (box.childElementCount > MOST) box.firstElementChild.remove();
  setTimeout(() => note.remove(), SHOWN_MS);
}
