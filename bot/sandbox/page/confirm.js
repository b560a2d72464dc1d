// Block Kit's confirm object: "Are you sure?" before an element acts.

import { openDialog } from "./dialog.js";
import { el } from "./dom.js";
import { plainText, textObject } from "./mrkdwn.js";

/** Asks and resolves to true (go on) or false. */
export function askConfirm(confirm, world) {
  return new Promise((resolve) => {
    const answer = (value) => {
      dialog.close();
      resolve(value);
    };
    const style = confirm.style === "danger" ? "danger" : "primary";
    const content = el(
      "div",
      { class: "dialog-body" },
      el("div", { class: "dialog-text" }, textObject(confirm.text, world)),
      el(
        "div",
        { class: "dialog-foot" },
        el("button", { type: "button", class: "button", "data-confirm": "deny", onclick: () => answer(false) }, plainText(confirm.deny?.text ?? "Cancel")),
        el("button", { type: "button", class: `button ${style}`, "data-confirm": "confirm", onclick: () => answer(true) }, plainText(confirm.confirm?.text ?? "Yes")),
      ),
    );
    const dialog = openDialog({
      title: plainText(confirm.title?.text ?? "Are you sure?"),
      content,
      className: "confirm",
      props: { "data-dialog-kind": "confirm" },
      onCancel: () => answer(false),
    });
  });
}
