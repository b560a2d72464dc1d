// The bot's Home tab, once the bot has published one for this person.

import { send } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { Surface } from "./surface.js";

export class Home {
  #view = null;

  constructor(world) {
    this.world = world;
    this.body = el("div", { class: "home-body" });
    this.node = el("div", { class: "scroller home", tabindex: "0", role: "region", "aria-label": "Home" }, this.body);
  }

  get isPublished() {
    return this.#view !== null;
  }

  /** Draws a published view; null before the app has published one. */
  show(view) {
    if (!view || (this.#view?.hash === view.hash && this.#view?.id === view.id)) return;
    this.#view = view;
    const surface = new Surface(this.world, (action) => {
      this.world.noteAsked();
      return send("/ui/action", { as: this.world.me.id, view_id: view.id, ...action });
    });
    const focusedId = this.body.contains(document.activeElement) ? document.activeElement.dataset.actionId : null;
    this.body.replaceChildren(renderBlocks(view.blocks, surface));
    if (focusedId) [...this.body.querySelectorAll("[data-action-id]")].find((control) => control.dataset.actionId === focusedId)?.focus();
  }
}
