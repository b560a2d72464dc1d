// A channel or one of its threads: the list of messages and the composer below it.

import { get, send } from "./api.js";
import { composer } from "./composer.js";
import { el } from "./dom.js";
import { messageNode } from "./message.js";
import { MessageList } from "./message_list.js";
import { askDelete, askEdit } from "./own_message.js";

const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts && message.subtype !== "thread_broadcast";

export class Conversation {
  /** `thread` is null for the channel itself; `onThread(message)` opens a thread. */
  constructor({ world, channel, thread, drafts, onThread }) {
    this.world = world;
    this.channel = channel;
    this.thread = thread;
    const title = world.channelTitle(channel);
    const doing = {
      onAct: (message, action) => this.#ask("/ui/action", { ts: message.ts, ...action }),
      onShortcut: (message, shortcut) => this.#ask("/ui/shortcut", { callback_id: shortcut.callback_id, ts: message.ts }),
      onEdit: (message) => this.#edit(message),
      onDelete: (message) => this.#delete(message),
      onThread: thread ? null : onThread,
    };
    this.list = new MessageList({
      label: thread ? `Thread in ${title}` : `Messages in ${title}`,
      build: (message) => messageNode(message, world, doing),
    });
    this.node = el("div", { class: "conversation" }, this.list.node, this.#composer(title, drafts));
  }

  get #at() {
    return { as: this.world.me.id, channel: this.channel.id };
  }

  #ask(path, body) {
    this.world.noteAsked();
    return send(path, { ...this.#at, ...body });
  }

  async #edit(message) {
    const text = await askEdit(this.world.asTyped(message.text));
    if (text !== null) await this.#ask("/ui/edit", { ts: message.ts, text: this.world.withMentions(text) });
  }

  async #delete(message) {
    if (await askDelete(this.world)) await this.#ask("/ui/delete", { ts: message.ts });
  }

  #composer(title, drafts) {
    const { world, thread } = this;
    return composer({
      label: thread ? "Reply…" : `Message ${title}`,
      broadcast: thread && !this.channel.is_im ? `Also send to ${title}` : null,
      world,
      inThread: Boolean(thread),
      archived: this.channel.is_archived,
      drafts,
      key: [world.me.id, this.channel.id, thread].join("/"),
      doing: {
        sendText: (text, broadcast) => this.#ask("/ui/message", { text: world.withMentions(text), ...(thread ? { thread_ts: thread } : {}), ...(broadcast ? { broadcast } : {}) }),
        sendCommand: (command, text) => this.#ask("/ui/command", { command, text }),
        runShortcut: (shortcut) => this.#ask("/ui/shortcut", { callback_id: shortcut.callback_id }),
      },
    });
  }

  /** Fetches what there is now. */
  async load() {
    const params = this.thread ? { ...this.#at, thread: this.thread } : this.#at;
    const answer = await get("/ui/messages", params);
    if (answer) this.list.sync(answer.messages);
  }

  /** Whether a message of this channel is shown here. */
  shows(message) {
    if (message.channel !== this.channel.id) return false;
    return this.thread ? message.ts === this.thread || message.thread_ts === this.thread : !isReply(message);
  }

  receive(message) {
    const isNew = this.list.upsert(message);
    if (!isNew) return;
    this.list.announce({ ts: message.ts, mine: message.user === this.world.me.id, answerFrom: this.world.answerFrom(message) });
  }

  remove(ts) {
    this.list.remove(ts);
  }

  focus() {
    this.node.querySelector("textarea")?.focus();
  }
}
