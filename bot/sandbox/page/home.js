// The bot's Home tab.

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
    this.show(null);
  }

  /** Draws a published view; null before the app has published one. */
  show(view) {
    if (view && this.#view?.hash === view.hash && this.#view?.id === view.id) return;
    this.#view = view;
    if (!view) {
      this.body.replaceChildren(el("p", { class: "empty" }, "The app has not published its Home yet."));
      return;
    }
    const surface = new Surface(this.world, (action) => send("/ui/action", { as: this.world.me.id, view_id: view.id, ...action }));
    const focusedId = this.body.contains(document.activeElement) ? document.activeElement.dataset.actionId : null;
    this.body.replaceChildren(renderBlocks(view.blocks, surface));
    if (focusedId) [...this.body.querySelectorAll("[data-action-id]")].find((control) => control.dataset.actionId === focusedId)?.focus();
  }
}
