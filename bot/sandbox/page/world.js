// Who and what there is, as the acting person sees it.

import { decodeEntities } from "./mrkdwn.js";

const ANSWERS_COME_MS = 15_000;

export class World {
  constructor(state) {
    this.team = state.team;
    this.me = state.me;
    this.people = state.people;
    this.bot = state.bot;
    this.usergroups = state.usergroups;
    this.commands = state.commands;
    this.shortcuts = state.shortcuts;
    this.channels = new Map(state.channels.map((channel) => [channel.id, channel]));
    this.askedAt = -Infinity;
  }

  /** Notes that the acting person asks the app for something; what comes soon after is taken as its answer. */
  noteAsked() {
    this.askedAt = performance.now();
  }

  /** Who answers with this message what was asked a moment ago, or null. */
  answerFrom(message) {
    if (!message.ephemeral || performance.now() - this.askedAt > ANSWERS_COME_MS) return null;
    return message.username || this.personName(message.user);
  }

  person(id) {
    if (id === this.bot?.id) return this.bot;
    return this.people.find((person) => person.id === id) ?? { id, name: id, real_name: id, color: "#696969", is_bot: false };
  }

  personName(id) {
    return this.person(id).real_name;
  }

  /** "leads", or the id of a group that is not known here. */
  usergroupHandle(id) {
    return this.usergroups.find((group) => group.id === id)?.handle ?? id;
  }

  /** The name without "#", or null for a channel this person cannot see. */
  channelName(id) {
    return this.channels.get(id)?.name ?? null;
  }

  /** "#ai-review", or the bot's name for the direct message with it. */
  channelTitle(channel) {
    return channel.is_im ? this.bot?.real_name ?? channel.name : `#${channel.name}`;
  }

  shortcutsOf(type) {
    return this.shortcuts.filter((shortcut) => shortcut.type === type);
  }

  /** What a person wrote, as it was typed: names for references, characters for entities. */
  asTyped(text) {
    const named = text.replace(/<@(\w+)>/g, (_, id) => `@${this.person(id).name}`).replace(/<#(\w+)>/g, (whole, id) => (this.channelName(id) ? `#${this.channelName(id)}` : whole));
    return decodeEntities(named);
  }

  /** What was typed, with @name and #channel as references. */
  withMentions(text) {
    return text
      .replace(/(^|[\s(])@([\w.-]*\w)/g, (whole, before, name) => {
        const person = [...this.people, this.bot].find((one) => one && (one.name === name || one.real_name === name));
        return person ? `${before}<@${person.id}>` : whole;
      })
      .replace(/(^|[\s(])#([\w-]+)/g, (whole, before, name) => {
        const channel = [...this.channels.values()].find((one) => !one.is_im && one.name === name);
        return channel ? `${before}<#${channel.id}>` : whole;
      });
  }
}
