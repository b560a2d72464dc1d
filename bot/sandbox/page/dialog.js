// Dialogs on a stack: the top one has the keyboard, everything below is inert, and focus returns to where it was.

import { el, freshId } from "./dom.js";

const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), [tabindex='0']";
const stack = [];

function setInert() {
  document.getElementById("app").inert = stack.length > 0;
  stack.forEach((dialog, index) => {
    dialog.node.inert = index < stack.length - 1;
  });
}

function keepFocusInside(event, box) {
  const stops = [...box.querySelectorAll(FOCUSABLE)].filter((node) => node.getClientRects().length > 0);
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement !== edge && box.contains(document.activeElement)) return;
  event.preventDefault();
  (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
}

/**
 * Opens a dialog around `content` (a node) and returns {node, box, focus, close}. `title` is a node or text;
 * `onCancel(how)` runs on Escape and the ✕ and decides itself whether to close; "gone" means that the dialog below,
 * which this one asks about, has closed.
 */
export function openDialog({ title, content, onCancel, className = "", props = {} }) {
  const titleId = freshId("dialog-title");
  const box = el(
    "div",
    { class: `dialog ${className}`, role: "dialog", "aria-modal": "true", "aria-labelledby": titleId, tabindex: "-1", ...props },
    el(
      "header",
      { class: "dialog-head" },
      el("h2", { id: titleId }, title),
      el("button", { type: "button", class: "icon-button", "aria-label": "Close", "data-dialog": "dismiss", onclick: () => onCancel("dismiss") }, "✕"),
    ),
    content,
  );
  const node = el("div", { class: "overlay", tabindex: "-1" }, box);
  node.addEventListener("keydown", (event) => {
    if (event.key === "Tab") keepFocusInside(event, box);
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    onCancel("escape");
  });
  const opener = document.activeElement;
  const dialog = {
    node,
    box,
    focus() {
      // The first thing to fill in, else the first thing to press below the title bar.
      const first = content.querySelector("[data-focus-on-load]") ?? content.querySelector("input, textarea, select") ?? content.querySelector(FOCUSABLE);
      (first ?? box).focus();
    },
    cancel: onCancel,
    close() {
      if (!stack.includes(dialog)) return;
      stack[stack.indexOf(dialog) + 1]?.cancel("gone");
      const index = stack.indexOf(dialog);
      stack.splice(index, 1);
      node.remove();
      setInert();
      giveFocusBack(opener);
    },
  };
  stack.push(dialog);
  document.getElementById("dialogs").append(node);
  setInert();
  dialog.focus();
  return dialog;
}

function giveFocusBack(opener) {
  const below = stack.at(-1);
  if (below) {
    if (below.box.contains(opener)) opener.focus();
    else below.focus();
    return;
  }
  // The card whose button opened the dialog may have been drawn anew since: then the composer is the next best place.
  if (opener?.isConnected && opener !== document.body) opener.focus();
  else document.querySelector(".main textarea, .main [tabindex='0']")?.focus();
}
