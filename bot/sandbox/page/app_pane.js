// "Your app": what the program on the other side received, line by line.

import { fullLabel, timeLabel } from "./clock.js";
import { el } from "./dom.js";

const LEVELS = new Set(["info", "success", "warning", "error"]);

export class AppPane {
  #lines = new Set();

  constructor() {
    this.list = el("ol", { class: "app-lines", role: "log", "aria-live": "polite", "aria-label": "What your app received" });
    this.node = el("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Your app" }, this.list);
  }

  get isEmpty() {
    return this.#lines.size === 0;
  }

  /** Adds a line {at, text, level} unless it is there already; the end stays in view when it was. */
  add(line) {
    const key = JSON.stringify([line.at, line.text]);
    if (this.#lines.has(key)) return;
    this.#lines.add(key);
    const atEnd = this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < 40;
    const at = new Date(line.at);
    const level = LEVELS.has(line.level) ? line.level : "info";
    const time = Number.isNaN(at.getTime()) ? null : el("time", { class: "time", datetime: line.at, title: fullLabel(at) }, timeLabel(at));
    this.list.append(el("li", { class: `app-line level-${level}` }, time, el("span", {}, line.text)));
    if (atEnd) this.node.scrollTop = this.node.scrollHeight;
  }
}
