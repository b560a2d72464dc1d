// The list of messages: grouped by day, changed in place. A message that comes, changes or goes touches its own node
// only, so a long list stays smooth and keeps its place.

import { dateOfTs, dayKey, dayLabel } from "./clock.js";
import { el } from "./dom.js";
import { counterpart } from "./focus.js";
import { KEYS, moveByKey } from "./message_keys.js";

const NEAR_BOTTOM_PX = 40;
const IN_VIEW_PX = 4;
const SAME_BREATH_S = 300;
const NO_HOVER = matchMedia("(hover: none)");

export class MessageList {
  #entries = []; // {ts, message, json, node}, oldest first
  #days = new Map(); // "2026-11-21" → section node
  #build;
  #atBottom = true;
  #top = 0; // scrollTop at the last look
  #news = false; // something arrived that may lie below what is in view
  #answer = null; // the node of a private answer that was not in view yet

  /** `build(message)` makes a message's node. The list scrolls in `this.node`. */
  constructor({ label, build }) {
    this.#build = build;
    this.log = el("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": label });
    this.scroller = el("div", { class: "scroller", tabindex: "0", "aria-label": label, role: "region", "aria-keyshortcuts": "n", "aria-description": KEYS }, this.log);
    this.newer = el("button", { type: "button", class: "newer", hidden: true, onclick: () => this.#toNews() });
    this.node = el("div", { class: "message-list" }, this.scroller, this.newer, el("div", { class: "keys", "aria-hidden": "true" }, KEYS));
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.scroller.addEventListener("keydown", (event) => moveByKey(event, this.scroller));
    const watch = new ResizeObserver((entries) => this.#resized(entries.some(({ target }) => target === this.scroller)));
    watch.observe(this.log);
    watch.observe(this.scroller);
  }

  toBottom() {
    this.#atBottom = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
    this.#seen();
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
      if (this.#entries[at].json !== json) this.#keepStill(() => this.#redraw(at, message, json));
      return false;
    }
    this.#keepStill(() => this.#insert(at + 1, { ts: message.ts, message, json, node: this.#build(message) }));
    return true;
  }

  /**
   * Says that a message is new: one's own brings the end into view, others do so only where nothing moves under the
   * hand. `answerFrom` names who answered a click privately; such an answer is lit up once it is in view.
   */
  announce({ ts, mine, answerFrom = null }) {
    if (mine) {
      this.toBottom();
      return;
    }
    this.#news = true;
    if (answerFrom) this.#answer = this.#entries.find((entry) => entry.ts === ts).node;
    // Other news does not take the place of the answer one waits for.
    if (answerFrom || !this.#answer) this.newer.textContent = answerFrom ? `↓ ${answerFrom} answered you` : "↓ New messages";
    this.newer.classList.toggle("answer", this.#answer !== null);
  }

  /**
   * Whoever points into the list or has the keyboard in it is about to press something there, and whoever fills in a
   * form comes back to it. Where nothing can hover, the finger may come down anywhere.
   */
  get #held() {
    return NO_HOVER.matches || this.scroller.matches(":hover, :focus-within, [inert] *");
  }

  /** Makes a change without moving what is under the hand: the innermost node pointed at, or the one with the keyboard. */
  #keepStill(change) {
    const still = [...this.log.querySelectorAll(".message:hover, .message :hover")].at(-1) ?? this.log.querySelector(":focus");
    const top = still?.getBoundingClientRect().top;
    change();
    if (still?.isConnected) this.scroller.scrollTop += still.getBoundingClientRect().top - top;
  }

  remove(ts) {
    const at = this.#entries.findIndex((entry) => entry.ts === ts);
    if (at < 0) return;
    const [{ node }] = this.#entries.splice(at, 1);
    const section = node.parentElement;
    this.#keepStill(() => {
      node.remove();
      if (!section.querySelector(".message")) {
        this.#days.delete(section.dataset.day);
        section.remove();
      }
      this.#group(at);
    });
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
    if (focused) (counterpart(node, focused) ?? node).focus({ preventScroll: true });
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

  get #below() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #scrolled() {
    const isUpwards = this.scroller.scrollTop < this.#top;
    this.#top = this.scroller.scrollTop;
    if (this.#below < NEAR_BOTTOM_PX) {
      this.#atBottom = true;
      this.#seen();
    } else if (isUpwards) {
      // Only a person goes up. The event of our own scrolling may find the list grown further in the meantime.
      this.#atBottom = false;
    }
  }

  /** The content grew (a new message, a loaded image) or the pane did: who reads the end stays there, unless held. */
  #resized(isPane) {
    if (this.#atBottom && (isPane || !this.#held)) {
      this.toBottom();
      return;
    }
    this.#atBottom = this.#below < NEAR_BOTTOM_PX;
    if (this.#below <= IN_VIEW_PX) this.#seen();
    else if (this.#news) this.newer.hidden = false;
  }

  #seen() {
    this.#answer?.classList.add("answered");
    this.#answer = null;
    this.#news = false;
    this.newer.hidden = true;
  }

  #toNews() {
    const answer = this.#answer?.isConnected ? this.#answer : null;
    if (!answer) {
      this.toBottom();
      return;
    }
    answer.scrollIntoView({ block: "nearest" });
    answer.focus({ preventScroll: true });
    this.#seen();
  }
}
