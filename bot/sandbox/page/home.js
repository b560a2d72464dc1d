// The bot's Home tab. Until the bot has published one for this person it says that there is nothing yet.

import { send } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { counterpart } from "./focus.js";
import { Surface } from "./surface.js";

export class Home {
  #view = null;
  #surface = null;

  constructor(world) {
    this.world = world;
    this.body = el("div", { class: "home-body" }, el("p", { class: "empty" }, `${world.bot.real_name} has not put anything here yet.`));
    this.node = el("div", { class: "scroller home", tabindex: "0", role: "region", "aria-label": "Home" }, this.body);
  }

  /** Draws a published view, keeping what was entered, the place and the keyboard; null before there is one. */
  show(view) {
    if (!view || (this.#view?.hash === view.hash && this.#view?.id === view.id)) return;
    this.#view = view;
    const surface = new Surface(this.world, (action) => {
      this.world.noteAsked();
      return send("/ui/action", { as: this.world.me.id, view_id: view.id, ...action });
    });
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    const blocks = renderBlocks(view.blocks, surface);
    if (this.#surface) surface.restore(this.#surface.values());
    this.#surface = surface;
    const control = focused && counterpart(blocks, focused);
    this.body.replaceChildren(blocks);
    if (focused) (control ?? this.node).focus({ preventScroll: true });
  }
}
