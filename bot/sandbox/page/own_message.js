// Changing and taking back what one has said.

import { askConfirm } from "./confirm.js";
import { openDialog } from "./dialog.js";
import { el } from "./dom.js";

const DELETE = {
  title: { text: "Delete message" },
  text: { type: "plain_text", text: "Are you sure you want to delete this message? This cannot be undone." },
  confirm: { text: "Delete" },
  deny: { text: "Cancel" },
  style: "danger",
};

export const askDelete = (world) => askConfirm(DELETE, world);

/** Asks for the new text of a message and resolves to it, or to null when nothing is to change. */
export function askEdit(text) {
  return new Promise((resolve) => {
    const input = el("textarea", { class: "text-input", rows: 5, "aria-label": "Message" });
    input.value = text;
    const answer = (value) => {
      dialog.close();
      resolve(value);
    };
    const save = (event) => {
      event.preventDefault();
      const wanted = input.value.trim();
      answer(wanted && wanted !== text ? wanted : null);
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) save(event);
    });
    const cancel = el("button", { type: "button", class: "button", onclick: () => answer(null) }, "Cancel");
    const foot = el("div", { class: "dialog-foot" }, cancel, el("button", { type: "submit", class: "button primary" }, "Save"));
    const content = el("form", { class: "dialog-form", onsubmit: save }, el("div", { class: "dialog-body" }, input), foot);
    const dialog = openDialog({ title: "Edit message", content, className: "edit", onCancel: () => answer(null) });
  });
}
