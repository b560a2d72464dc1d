// The list of messages: grouped by day, changed in place. A message that comes, changes or goes touches its own node
// only, so a long list stays smooth and keeps its place.

import { dateOfTs, dayKey, dayLabel } from "./clock.js";
import { el } from "./dom.js";

const NEAR_BOTTOM_PX = 40;
const SAME_BREATH_S = 300;

export class MessageList {
  #entries = []; // {ts, message, json, node}, oldest first
  #days = new Map(); // "2026-11-21" → section node
  #build;
  #atBottom = true;

  /** `build(message)` makes a message's node. The list scrolls in `this.node`. */
  constructor({ label, build }) {
    this.#build = build;
    this.log = el("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": label });
    this.scroller = el("div", { class: "scroller", tabindex: "0", "aria-label": label, role: "region" }, this.log);
    this.newer = el("button", { type: "button", class: "newer", hidden: true, onclick: () => this.toBottom() }, "↓ New messages");
    this.node = el("div", { class: "message-list" }, this.scroller, this.newer);
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.scroller.addEventListener("keydown", (event) => this.#moveByKey(event));
    // Whatever makes the content grow (a new message, a loaded image) or the pane shrink: who reads the end stays there.
    const watch = new ResizeObserver(() => this.#atBottom && this.toBottom());
    watch.observe(this.log);
    watch.observe(this.scroller);
  }

  toBottom() {
    this.#atBottom = true;
    this.newer.hidden = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Makes the list equal to what the server has now; messages older than what it sent are kept. */
  sync(messages) {
    const wanted = new Set(messages.map((message) => message.ts));
    const oldest = messages[0]?.ts ?? "0";
    const gone = this.#entries.filter((entry) => entry.ts >= oldest && !wanted.has(entry.ts));
    this.log.setAttribute("aria-busy", "true");
    for (const entry of gone) this.remove(entry.ts);
    for (const message of messages) this.upsert(message);
    this.log.removeAttribute("aria-busy");
  }

  /** Adds a message at its place or redraws it. Returns true when it was new. */
  upsert(message) {
    const json = JSON.stringify(message);
    const at = this.#entries.findLastIndex((entry) => entry.ts <= message.ts);
    if (at >= 0 && this.#entries[at].ts === message.ts) {
      if (this.#entries[at].json !== json) this.#redraw(at, message, json);
      return false;
    }
    this.#insert(at + 1, { ts: message.ts, message, json, node: this.#build(message) });
    return true;
  }

  /** Shows that something arrived below what is being read, unless the end is in view. */
  announce({ mine }) {
    if (mine) this.toBottom();
    else if (!this.#atBottom) this.newer.hidden = false;
  }

  remove(ts) {
    const at = this.#entries.findIndex((entry) => entry.ts === ts);
    if (at < 0) return;
    const [{ node }] = this.#entries.splice(at, 1);
    const section = node.parentElement;
    node.remove();
    if (!section.querySelector(".message")) {
      this.#days.delete(section.dataset.day);
      section.remove();
    }
    this.#group(at);
  }

  #insert(at, entry) {
    const section = this.#section(dateOfTs(entry.ts));
    const next = this.#entries[at]?.node;
    section.insertBefore(entry.node, next?.parentElement === section ? next : null);
    this.#entries.splice(at, 0, entry);
    this.#group(at);
    this.#group(at + 1);
  }

  #section(date) {
    const key = dayKey(date);
    const known = this.#days.get(key);
    if (known) return known;
    const label = dayLabel(date);
    const section = el("section", { class: "day", "data-day": key, "aria-label": label }, el("div", { class: "day-label" }, el("span", {}, label)));
    const later = [...this.#days.keys()].filter((other) => other > key).sort()[0];
    this.log.insertBefore(section, later ? this.#days.get(later) : null);
    this.#days.set(key, section);
    return section;
  }

  #redraw(at, message, json) {
    const old = this.#entries[at].node;
    const node = this.#build(message);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceWith(node);
    this.#entries[at] = { ts: message.ts, message, json, node };
    this.#group(at);
    this.#group(at + 1);
    if (!focused) return;
    const id = focused.dataset.actionId;
    const same = id && [...node.querySelectorAll("[data-action-id]")].find((control) => control.dataset.actionId === id);
    (same || node).focus({ preventScroll: true });
  }

  /** Messages of one person in one breath share a head. */
  #group(at) {
    const entry = this.#entries[at];
    if (!entry) return;
    const before = this.#entries[at - 1];
    const together =
      before &&
      before.node.parentElement === entry.node.parentElement &&
      before.message.user === entry.message.user &&
      before.message.username === entry.message.username &&
      !before.message.ephemeral &&
      !entry.message.ephemeral &&
      !before.message.reply_count &&
      Number(entry.ts) - Number(before.ts) < SAME_BREATH_S;
    entry.node.classList.toggle("compact", Boolean(together));
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.#atBottom = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
    if (this.#atBottom) this.newer.hidden = true;
  }

  #moveByKey(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const from = document.activeElement;
    if (!step || !(from === this.scroller || from.classList.contains("message"))) return;
    event.preventDefault();
    const at = this.#entries.findIndex((entry) => entry.node === from);
    const target = at < 0 ? this.#entries.at(-1) : this.#entries[at + step];
    target?.node.focus();
  }
}
