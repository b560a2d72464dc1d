// "Your app": what the program on the other side did and received, line by line.

import { fullLabel, timeLabel } from "./clock.js";
import { el } from "./dom.js";

const LEVELS = new Set(["info", "success", "warning", "error"]);
// The bot's word to the app, as the demo's app puts it.
const CALLBACK = /^callback (verified|repeated|refused)\b/;
const NEAR_END_PX = 40;

export class AppPane {
  #lines = new Set();
  #atEnd = true;

  constructor() {
    this.list = el("ol", { class: "app-lines", role: "log", "aria-live": "polite", "aria-label": "What your app received" });
    this.scroller = el("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Your app" }, this.list);
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    const only = el("input", { type: "checkbox", onchange: () => this.#filter(only.checked) });
    this.node = el("div", { class: "app-pane" }, el("label", { class: "app-filter" }, only, "Callbacks only"), this.scroller);
  }

  get isEmpty() {
    return this.#lines.size === 0;
  }

  /** Adds a line {at, text, level} unless it is there already; the end stays in view when it was. */
  add(line) {
    const key = JSON.stringify([line.at, line.text]);
    if (this.#lines.has(key)) return;
    this.#lines.add(key);
    const at = new Date(line.at);
    const time = Number.isNaN(at.getTime()) ? null : el("time", { class: "time", datetime: line.at, title: fullLabel(at) }, timeLabel(at));
    this.list.append(el("li", { class: `app-line ${kindOf(line)}` }, time, el("span", {}, line.text)));
    if (this.#atEnd) this.toEnd();
  }

  /** Shows the newest line: to be called whenever the pane comes onto the screen. */
  toEnd() {
    this.#atEnd = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  #filter(callbacksOnly) {
    this.list.classList.toggle("callbacks-only", callbacksOnly);
    this.toEnd();
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }
}

function kindOf(line) {
  const callback = line.text.match(CALLBACK);
  if (callback) return `callback callback-${callback[1]}`;
  return `level-${LEVELS.has(line.level) ? line.level : "info"}`;
}
