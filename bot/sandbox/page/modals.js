// The stack of the app's modals. A push from the server redraws only views whose id or hash changed, so what is being
// typed survives a reconnect, and survives an update wherever block and action ids stayed the same. A reload, and a
// turn as another person, find it in the browser's tab.

import { post, send } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { askConfirm } from "./confirm.js";
import { openDialog } from "./dialog.js";
import { el } from "./dom.js";
import { enteredIn, forgetAllBut, keepEntered } from "./entered.js";
import { counterpart } from "./focus.js";
import { findProblems, showError } from "./input_block.js";
import { plainText } from "./mrkdwn.js";
import { Surface } from "./surface.js";

const TROUBLE = "We had some trouble connecting. Try again?";
const VIEWS_SHOULD_COME_MS = 1500;
const DISCARD = {
  title: { text: "Discard what you typed?" },
  text: { type: "plain_text", text: "It is not sent and cannot be brought back." },
  confirm: { text: "Discard" },
  deny: { text: "Keep editing" },
  style: "danger",
};

export class Modals {
  #open = [];

  /** `resync()` asks the server for the stack again. */
  constructor({ world, resync }) {
    this.world = world;
    this.resync = resync;
  }

  /** Makes the screen equal to the stack of views, bottom first. */
  show(views) {
    const same = this.#open.findIndex((modal, index) => modal.view.id !== views[index]?.id);
    this.#closeFrom(same < 0 ? this.#open.length : same);
    forgetAllBut(this.world.me.id, views);
    views.forEach((view, index) => {
      if (index >= this.#open.length) this.#open.push(new Modal(view, this));
      else if (this.#open[index].view.hash !== view.hash) this.#open[index].update(view);
    });
  }

  /** Takes the modals off the screen; for the app they stay open, and what was entered is kept. */
  leave() {
    this.#closeFrom(0);
  }

  #closeFrom(index) {
    for (const modal of this.#open.splice(index).reverse()) modal.dialog.close();
  }

  /** Whether something entered would be lost by closing this modal, or all of them. */
  wouldLose(modal, all) {
    return all ? this.#open.some((one) => one.isChanged) : modal.isChanged;
  }
}

class Modal {
  constructor(view, stack) {
    this.stack = stack;
    this.title = el("span", {});
    this.form = el("form", { class: "dialog-form", novalidate: true });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    for (const type of ["input", "change"]) this.form.addEventListener(type, () => keepEntered(stack.world.me.id, this.view, this.surface.values()));
    this.#draw(view);
    const entered = enteredIn(stack.world.me.id, view);
    if (entered) this.surface.restore(entered);
    this.dialog = openDialog({
      title: this.title,
      content: this.form,
      className: "modal",
      props: { "data-view-id": view.id },
      onCancel: (how) => this.#close(how === "dismiss"),
    });
  }

  update(view) {
    const wasSent = this.form.getAttribute("aria-busy") === "true";
    const entered = this.surface.values();
    const focused = this.form.contains(document.activeElement) ? document.activeElement : null;
    const scroll = this.body.scrollTop;
    this.#draw(view);
    this.surface.restore(entered);
    if (this.isChanged) keepEntered(this.stack.world.me.id, view, this.surface.values());
    if (wasSent) {
      // The next step of a walk: it begins at its top, ready for the keyboard.
      this.dialog.focus();
      this.body.scrollTop = 0;
      return;
    }
    this.body.scrollTop = scroll;
    if (focused) (counterpart(this.form, focused) ?? this.dialog).focus();
  }

  #draw(view) {
    this.view = view;
    const as = this.stack.world.me.id;
    this.surface = new Surface(this.stack.world, (action) => {
      this.stack.world.noteAsked();
      return send("/ui/action", { as, view_id: view.id, ...action });
    });
    this.title.replaceChildren(plainText(view.title?.text ?? ""));
    this.banner = el("div", { class: "banner", role: "alert" });
    this.body = el("div", { class: "dialog-body" }, this.banner, renderBlocks(view.blocks, this.surface));
    this.untouched = JSON.stringify(this.surface.values());
    this.closeButton = el("button", { type: "button", class: "button", "data-modal": "close", onclick: () => this.#close(false) }, plainText(view.close?.text ?? "Close"));
    this.submit = view.submit ? el("button", { type: "submit", class: "button primary", "data-modal": "submit", title: "Ctrl+Enter", "aria-keyshortcuts": "Control+Enter Meta+Enter" }, plainText(view.submit.text)) : null;
    this.form.replaceChildren(this.body, el("div", { class: "dialog-foot" }, this.closeButton, this.submit));
    this.#busy(false);
  }

  get isChanged() {
    return JSON.stringify(this.surface.values()) !== this.untouched;
  }

  #busy(on) {
    this.form.setAttribute("aria-busy", String(on));
    // Focus goes to the dialog first: making its own place inert would drop it out of the dialog.
    if (on) this.dialog.box.focus();
    this.body.inert = on;
    for (const button of [this.closeButton, this.submit]) if (button) button.disabled = on;
  }

  #showErrors(errors) {
    const lost = [];
    let first = null;
    for (const [blockId, text] of Object.entries(errors)) {
      const block = [...this.body.querySelectorAll(".b-input")].find((node) => node.dataset.blockId === blockId);
      if (block) showError(block, text);
      else lost.push(text);
      first ??= block;
    }
    this.banner.textContent = lost.join(" ");
    const control = first?.querySelector("[data-action-id]");
    (control?.matches("input, select, textarea") ? control : control?.querySelector("input"))?.focus();
  }

  #clearErrors() {
    this.banner.textContent = "";
    for (const block of this.body.querySelectorAll(".b-input")) showError(block, "");
  }

  async #submit() {
    if (!this.submit || this.submit.disabled) return;
    const view = this.view;
    const values = this.surface.values();
    this.#clearErrors();
    const problems = findProblems(view.blocks, values);
    if (Object.keys(problems).length) {
      this.#showErrors(problems);
      return;
    }
    this.#busy(true);
    this.stack.world.noteAsked();
    const answer = await post("/ui/view_submit", { as: this.stack.world.me.id, view_id: view.id, values });
    if (this.view !== view) return;
    if (answer.ok) {
      this.#awaitViews(view);
      return;
    }
    this.#busy(false);
    this.#showErrors(answer.errors ?? {});
    if (!answer.errors) this.banner.textContent = answer.error ?? TROUBLE;
  }

  /** Accepted: what becomes of the view comes as a push. Until then the form stays shut; if none comes, we ask. */
  #awaitViews(view) {
    setTimeout(async () => {
      if (this.view !== view || !this.form.isConnected) return;
      await this.stack.resync();
      if (this.view === view) this.#busy(false);
    }, VIEWS_SHOULD_COME_MS);
  }

  async #close(all) {
    if (this.form.getAttribute("aria-busy") === "true") return;
    if (this.stack.wouldLose(this, all) && !(await askConfirm(DISCARD, this.stack.world))) return;
    // The app may have closed it while the question stood.
    if (!this.form.isConnected) return;
    const as = this.stack.world.me.id;
    if (await send("/ui/view_close", { as, view_id: this.view.id, ...(all ? { all: true } : {}) })) await this.stack.resync();
  }
}
