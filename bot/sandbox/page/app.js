// Wires the page together: the place in the address, the acting person's world, and the server's pushes.

import { get, send } from "./api.js";
import { AppPane } from "./app_pane.js";
import { setNow } from "./clock.js";
import { Conversation } from "./conversation.js";
import { el } from "./dom.js";
import { Home } from "./home.js";
import { Modals } from "./modals.js";
import { readPlace, writePlace } from "./place.js";
import { drawSidebar } from "./sidebar.js";
import { connect } from "./socket.js";
import { toast } from "./toast.js";
import { World } from "./world.js";

const REMEMBERED = "sandbox.person";

const byId = (id) => document.getElementById(id);
const isNarrow = () => matchMedia("(max-width: 768px)").matches;

class App {
  place = null;
  world = null;
  socket = null;
  channelView = null;
  threadView = null;
  drafts = new Map();
  unread = new Set();
  appPane = new AppPane();
  // Frames and fetches are worked off one after another, so that an older answer never overwrites a newer push.
  #line = Promise.resolve();
  #address = "";

  inLine(work) {
    this.#line = this.#line.then(work).catch((error) => {
      console.error(error);
      toast("The page met an error. Reload it if something looks wrong.", "error");
    });
    return this.#line;
  }

  async start() {
    addEventListener("hashchange", () => this.inLine(() => this.goHere()));
    byId("scrim").addEventListener("click", () => this.drawer(false));
    addEventListener("keydown", (event) => this.#escape(event));
    await this.inLine(() => this.goHere());
  }

  /** Brings the page to the place that the address names. */
  async goHere() {
    this.#address = location.hash;
    const place = readPlace(this.#address);
    if (!this.world || place.as !== this.world.me.id) {
      await this.#become(place);
      return;
    }
    await this.#show(place);
  }

  async #become(place) {
    // At the very first visit, when neither the address nor the browser knows, the server says who one is.
    const as = place.as ?? localStorage.getItem(REMEMBERED) ?? "";
    const state = await get("/ui/state", as ? { as } : {});
    if (!state) {
      // Nobody of that name here: the place of an earlier sandbox. Begin as one who is.
      if (as) await this.#become({ ...place, as: "" });
      return;
    }
    localStorage.setItem(REMEMBERED, state.me.id);
    this.socket?.close();
    this.modals?.leave();
    this.world = new World(state);
    this.unread.clear();
    this.modals = new Modals({ world: this.world, resync: () => this.inLine(() => this.#resyncViews()) });
    this.home = new Home(this.world);
    this.home.show(state.home);
    this.channelView = this.threadView = null;
    await this.#loadApp();
    await this.#show({ ...place, as: this.world.me.id });
    this.modals.show(state.views);
    this.socket = connect(this.world.me.id, {
      onOpen: () => this.inLine(() => this.#resync()),
      onFrame: (frame) => this.inLine(() => this.#receive(frame)),
      onLost: () => { byId("offline").hidden = false; },
    });
  }

  async #loadApp() {
    const answer = await get("/ui/app");
    for (const line of answer?.receiver ?? []) this.appPane.add(line);
  }

  /** After every (re)connection: whatever was missed is fetched, whatever is unchanged stays untouched. */
  async #resync() {
    byId("offline").hidden = true;
    const state = await get("/ui/state", { as: this.world.me.id });
    if (!state) return;
    for (const channel of state.channels) this.world.channels.set(channel.id, channel);
    this.modals.show(state.views);
    this.home.show(state.home);
    await Promise.all([this.channelView?.load(), this.threadView?.load(), this.#loadApp()]);
    this.#sidebar();
  }

  async #resyncViews() {
    const state = await get("/ui/state", { as: this.world.me.id });
    if (state) this.modals.show(state.views);
  }

  #receive(frame) {
    switch (frame.type) {
      case "message":
        return this.#message(frame.message);
      case "message_deleted":
        for (const view of [this.channelView, this.threadView]) if (view?.channel.id === frame.channel) view.remove(frame.ts);
        return undefined;
      case "views":
        return this.modals.show(frame.views);
      case "home":
        return this.home.show(frame.view);
      case "toast":
        return toast(frame.text, frame.level);
      case "channel":
        this.world.channels.set(frame.channel.id, frame.channel);
        return this.#sidebar();
      case "presence":
        return setNow(frame.now);
      case "app":
        return this.#appLine(frame.line);
      default:
        return console.warn("Unknown frame", frame);
    }
  }

  #message(message) {
    const shownIn = [this.channelView, this.threadView].filter((view) => view?.shows(message));
    for (const view of shownIn) view.receive(message);
    const isOpen = this.place.pane === "messages" && this.place.channel === message.channel;
    const from = this.world.answerFrom(message);
    // On a phone an open thread covers its channel.
    const isCovered = isNarrow() && this.threadView && !shownIn.includes(this.threadView);
    if (from && (!shownIn.length || isCovered)) {
      const title = this.world.channelTitle(this.world.channels.get(message.channel));
      toast(`${from} answered you in ${message.thread_ts ? "a thread of " : ""}${title}.`);
    }
    if (isOpen || message.user === this.world.me.id || this.unread.has(message.channel)) return;
    this.unread.add(message.channel);
    this.#sidebar();
  }

  #appLine(line) {
    const wasEmpty = this.appPane.isEmpty;
    this.appPane.add(line);
    const isNews = this.place.pane !== "app" && !this.unread.has("app");
    if (isNews) this.unread.add("app");
    if (wasEmpty || isNews) this.#sidebar();
  }

  #sidebar() {
    drawSidebar(byId("sidebar"), {
      world: this.world,
      place: this.place,
      unread: this.unread,
      hasApp: !this.appPane.isEmpty,
      onActAs: (id) => this.#go({ ...this.place, as: id, thread: null }),
    });
  }

  #go(place) {
    location.hash = writePlace(place);
  }

  async #show(wanted) {
    const before = this.place;
    const place = this.#settle(wanted);
    this.place = place;
    // Whoever went on in the meantime has named another place, which is next in the line.
    if (location.hash === this.#address) history.replaceState(null, "", writePlace(place));
    this.unread.delete(place.pane === "app" ? "app" : place.channel);
    this.#sidebar();
    this.drawer(false);
    const samePane = this.channelView && before?.pane === place.pane && before.channel === place.channel && before.as === place.as;
    if (place.pane === "messages" && !samePane) await this.#showChannel(place);
    if (place.pane === "home") await this.#showHome();
    if (place.pane === "app") this.#showApp();
    await this.#showThread(place);
  }

  /** A place that exists for this person: an unknown channel becomes the first one. */
  #settle(place) {
    if (place.pane !== "messages") return { ...place, channel: null, thread: null };
    if (this.world.channels.has(place.channel)) return place;
    const first = [...this.world.channels.values()].find((channel) => channel.member !== false && !channel.is_im) ?? [...this.world.channels.values()][0];
    return { ...place, pane: "messages", channel: first?.id ?? null, thread: null };
  }

  #main(pane, title, topic, content) {
    const menu = el("button", { type: "button", class: "icon-button menu-button", "aria-label": "Open the side bar", "data-tool": "drawer", onclick: () => this.drawer(true) }, "☰");
    const head = el("header", { class: "pane-head" }, menu, el("h1", {}, title), topic && el("span", { class: "topic" }, topic));
    byId("main").dataset.pane = pane;
    byId("main").replaceChildren(head, content);
    document.title = `${title} · ${this.world.team.name}`;
    if (pane !== "messages") this.channelView = null;
  }

  async #showChannel(place) {
    const channel = this.world.channels.get(place.channel);
    if (!channel) {
      this.#main("messages", "No channels", "", el("p", { class: "empty" }, "This person is in no channel."));
      return;
    }
    this.channelView = new Conversation({
      world: this.world, channel, thread: null, drafts: this.drafts,
      onThread: (message) => this.#go({ ...this.place, thread: message.thread_ts ?? message.ts }),
    });
    this.#main("messages", this.world.channelTitle(channel), channel.topic, this.channelView.node);
    await this.channelView.load();
    this.channelView.list.toBottom();
    if (!isNarrow() && !place.thread) this.channelView.focus();
  }

  async #showHome() {
    this.#main("home", `${this.world.bot.real_name} · Home`, "", this.home.node);
    await send("/ui/home", { as: this.world.me.id });
  }

  #showApp() {
    this.#main("app", "Your app", "What your app sent and received", this.appPane.node);
    this.appPane.toEnd();
  }

  async #showThread(place) {
    const aside = byId("thread");
    aside.hidden = !place.thread;
    if (!place.thread) {
      this.threadView = null;
      aside.replaceChildren();
      return;
    }
    if (this.threadView?.thread === place.thread && this.threadView.channel.id === place.channel) return;
    const channel = this.world.channels.get(place.channel);
    this.threadView = new Conversation({ world: this.world, channel, thread: place.thread, drafts: this.drafts });
    const close = el("button", { type: "button", class: "icon-button", "aria-label": "Close thread", "data-tool": "close-thread", onclick: () => this.#go({ ...this.place, thread: null }) }, "✕");
    aside.replaceChildren(el("header", { class: "pane-head" }, el("h2", {}, "Thread"), el("span", { class: "topic" }, this.world.channelTitle(channel)), close), this.threadView.node);
    await this.threadView.load();
    this.threadView.list.toBottom();
    this.threadView.focus();
  }

  /** Escape outside dialogs and menus closes the drawer, then the thread. */
  #escape(event) {
    if (event.key !== "Escape" || event.defaultPrevented || byId("app").inert) return;
    if (byId("sidebar").classList.contains("open")) this.drawer(false);
    else if (this.place?.thread) this.#go({ ...this.place, thread: null });
  }

  drawer(open) {
    const sidebar = byId("sidebar");
    const wasOpen = sidebar.classList.contains("open");
    sidebar.classList.toggle("open", open);
    byId("scrim").hidden = !open;
    if (open) sidebar.querySelector("a, button")?.focus();
    else if (wasOpen) document.querySelector("[data-tool='drawer']")?.focus();
  }
}

new App().start();
