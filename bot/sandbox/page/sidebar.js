// The side bar: workspace, who is acting, channels, and the app's own corners. On a phone it is a drawer.

import { avatar } from "./avatar.js";
import { el } from "./dom.js";
import { writePlace } from "./place.js";

function personSwitch(world, onActAs) {
  const buttons = world.people.map((person) => {
    const current = person.id === world.me.id;
    return el(
      "button",
      { type: "button", class: "person", "data-act-as": person.id, "aria-pressed": String(current), title: `Act as ${person.real_name}`, onclick: () => onActAs(person.id) },
      avatar(person, "small"),
      el("span", {}, person.real_name),
    );
  });
  return el("div", { class: "acting", role: "group", "aria-label": "Acting as" }, el("div", { class: "side-label" }, "Acting as"), el("div", { class: "people" }, buttons));
}

function entry(place, current, { unread = false, props = {}, icon, text }) {
  return el(
    "a",
    { class: `side-link${unread ? " unread" : ""}`, href: writePlace(place), "aria-current": current ? "page" : null, ...props },
    el("span", { class: "side-icon", "aria-hidden": "true" }, icon),
    el("span", { class: "side-text" }, text),
    unread && el("span", { class: "visually-hidden" }, " (unread)"),
  );
}

function group(label, links) {
  return links.length ? el("div", { class: "side-group", role: "group", "aria-label": label }, el("div", { class: "side-label" }, label), links) : null;
}

/** Draws the side bar into `root`. `unread` is a Set of channel ids; `hasApp`: the app's pane has lines. */
export function drawSidebar(root, { world, place, unread, hasApp, onActAs }) {
  const { as } = place;
  const open = (channel) => place.pane === "messages" && place.channel === channel.id;
  const channelLink = (channel) =>
    entry({ as, pane: "messages", channel: channel.id }, open(channel), {
      unread: unread.has(channel.id),
      props: { "data-channel": channel.id },
      icon: channel.is_im ? avatar(world.bot ?? channel, "small") : channel.is_archived ? "🗄" : channel.is_private ? "🔒" : "#",
      text: channel.is_im ? world.channelTitle(channel) : channel.name,
    });
  const channels = [...world.channels.values()].filter((channel) => !channel.is_im && channel.member !== false);
  const messages = [...world.channels.values()].filter((channel) => channel.is_im);
  const home = entry({ as, pane: "home" }, place.pane === "home", { props: { "data-open": "home" }, icon: "⌂", text: `${world.bot.real_name} · Home` });
  const app = hasApp && entry({ as, pane: "app" }, place.pane === "app", { unread: unread.has("app"), props: { "data-open": "app" }, icon: "⇆", text: "Your app" });
  const focusedHref = root.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  root.replaceChildren(
    el("div", { class: "workspace" }, el("strong", {}, world.team.name), el("span", { class: "workspace-note" }, "local Slack sandbox")),
    personSwitch(world, onActAs),
    el(
      "div",
      { class: "side-scroll" },
      group("Channels", channels.map(channelLink)),
      group("Direct messages", messages.map(channelLink)),
      group("Apps", [home, app].filter(Boolean)),
    ),
  );
  // Drawn anew under the keyboard: the same link keeps the focus.
  if (focusedHref) [...root.querySelectorAll("a")].find((link) => link.getAttribute("href") === focusedHref)?.focus();
}
