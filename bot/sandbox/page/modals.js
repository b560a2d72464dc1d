// The stack of the app's modals. A push from the server redraws only views whose id or hash changed, so what is being
// typed survives a reconnect, and survives an update wherever block and action ids stayed the same.

import { post, send } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { openDialog } from "./dialog.js";
import { el } from "./dom.js";
import { findProblems, showError } from "./input_block.js";
import { plainText } from "./mrkdwn.js";
import { Surface } from "./surface.js";

const TROUBLE = "We had some trouble connecting. Try again?";
const VIEWS_SHOULD_COME_MS = 1500;

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
    const keep = same < 0 ? this.#open.length : same;
    for (const modal of this.#open.splice(keep).reverse()) modal.dialog.close();
    views.forEach((view, index) => {
      if (index >= this.#open.length) this.#open.push(new Modal(view, this));
      else if (this.#open[index].view.hash !== view.hash) this.#open[index].update(view);
    });
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
    this.#draw(view);
    this.dialog = openDialog({
      title: this.title,
      content: this.form,
      className: "modal",
      props: { "data-view-id": view.id },
      onCancel: (how) => this.#close(how === "dismiss"),
    });
  }

  update(view) {
    const entered = this.surface.values();
    const focused = this.form.contains(document.activeElement) ? document.activeElement : null;
    const scroll = this.body.scrollTop;
    this.#draw(view);
    this.surface.restore(entered);
    this.body.scrollTop = scroll;
    if (!focused) return;
    const id = focused.dataset.actionId;
    const same = id && [...this.form.querySelectorAll("[data-action-id]")].find((control) => control.dataset.actionId === id);
    if (same) same.focus();
    else this.dialog.focus();
  }

  #draw(view) {
    this.view = view;
    const as = this.stack.world.me.id;
    this.surface = new Surface(this.stack.world, (action) => send("/ui/action", { as, view_id: view.id, ...action }));
    this.title.replaceChildren(plainText(view.title?.text ?? ""));
    this.banner = el("div", { class: "banner", role: "alert" });
    this.body = el("div", { class: "dialog-body" }, this.banner, renderBlocks(view.blocks, this.surface));
    const close = el("button", { type: "button", class: "button", "data-modal": "close", onclick: () => this.#close(false) }, plainText(view.close?.text ?? "Close"));
    this.submit = view.submit ? el("button", { type: "submit", class: "button primary", "data-modal": "submit" }, plainText(view.submit.text)) : null;
    this.form.replaceChildren(this.body, el("div", { class: "dialog-foot" }, close, this.submit));
    this.#busy(false);
  }

  #busy(on) {
    this.form.setAttribute("aria-busy", String(on));
    // Focus goes to the dialog first: making its own place inert would drop it out of the dialog.
    if (on) this.dialog.box.focus();
    this.body.inert = on;
    if (this.submit) this.submit.disabled = on;
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
    const as = this.stack.world.me.id;
    if (await send("/ui/view_close", { as, view_id: this.view.id, ...(all ? { all: true } : {}) })) await this.stack.resync();
  }
}
