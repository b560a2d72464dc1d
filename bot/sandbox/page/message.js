// One message: avatar, name, time, content, thread link, and the actions that appear on hover or focus.

import { avatar } from "./avatar.js";
import { renderBlocks } from "./blocks.js";
import { dateOfTs, dayLabel, fullLabel, timeLabel } from "./clock.js";
import { el } from "./dom.js";
import { openMenu } from "./menu.js";
import { oneTabStop } from "./message_keys.js";
import { mrkdwn } from "./mrkdwn.js";
import { Surface } from "./surface.js";

function head(message, author, name) {
  const at = dateOfTs(message.ts);
  return el(
    "div",
    { class: "message-head" },
    el("span", { class: "author" }, name),
    (message.is_bot || author.is_bot) && el("span", { class: "badge" }, "APP"),
    el("time", { class: "time", datetime: at.toISOString(), title: fullLabel(at) }, timeLabel(at)),
  );
}

/** An uploaded file by its id. What turns out to be no picture leaves the link. */
function attachedFile(id) {
  const source = `/files/${encodeURIComponent(id)}`;
  const picture = el("img", { class: "block-image", src: source, alt: "Uploaded picture" });
  picture.addEventListener("error", () => picture.remove());
  return el("figure", { class: "b-image" }, el("figcaption", {}, el("a", { href: source, target: "_blank", rel: "noopener" }, "Open the file")), picture);
}

/** A legacy attachment: blocks or text beside a coloured bar. */
function attachment(body, world, surface) {
  const node = el("div", { class: "attachment" }, body.blocks ? renderBlocks(body.blocks, surface) : mrkdwn(body.text ?? body.fallback ?? "", world));
  if (/^#?[0-9a-f]{6}$/i.test(body.color ?? "")) node.style.borderLeftColor = `#${body.color.replace("#", "")}`;
  return node;
}

function content(message, world, onAct) {
  const surface = new Surface(world, (action) => onAct(message, action));
  const hasBlocks = message.blocks?.length > 0;
  const main = hasBlocks ? renderBlocks(message.blocks, surface) : el("div", { class: "text" }, mrkdwn(message.text ?? "", world));
  const attachments = (message.attachments ?? []).map((body) => attachment(body, world, surface));
  const edited = message.edited && el("span", { class: "edited", title: fullLabel(dateOfTs(message.edited.ts)) }, "(edited)");
  if (edited && !hasBlocks) main.append(" ", edited);
  return el("div", { class: "content" }, main, attachments, (message.files ?? []).map(attachedFile), hasBlocks && edited);
}

function repliesLink(message, world, onThread) {
  if (!message.reply_count) return null;
  const faces = (message.reply_users ?? []).slice(0, 3).map((id) => avatar(world.person(id), "small"));
  const latest = message.latest_reply && dateOfTs(message.latest_reply);
  const words = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
  return el(
    "button",
    { type: "button", class: "replies", "data-replies": message.reply_count, onclick: () => onThread(message) },
    faces,
    el("span", { class: "replies-count" }, words),
    latest && el("span", { class: "replies-last" }, `Last reply ${dayLabel(latest).toLowerCase()} at ${timeLabel(latest)}`),
  );
}

function menuItems(message, world, { onShortcut, onEdit, onDelete }) {
  const own = [
    { label: "Edit message", props: { "data-own": "edit" }, choose: () => onEdit(message) },
    { label: "Delete message…", props: { "data-own": "delete" }, choose: () => onDelete(message) },
  ];
  const shortcuts = world.shortcutsOf("message").map((shortcut) => ({
    label: shortcut.name,
    description: world.bot?.real_name,
    props: { "data-shortcut": shortcut.callback_id },
    choose: () => onShortcut(message, shortcut),
  }));
  return [...(message.user === world.me.id ? own : []), ...shortcuts];
}

function toolbar(message, world, doing) {
  const { onThread } = doing;
  const items = menuItems(message, world, doing);
  const reply =
    onThread && el("button", { type: "button", class: "icon-button", "aria-label": "Reply in thread", title: "Reply in thread", "data-tool": "thread", onclick: () => onThread(message) }, "💬");
  const more =
    items.length > 0 &&
    el("button", { type: "button", class: "icon-button", "aria-label": "Message menu", title: "Message menu", "aria-haspopup": "menu", "aria-expanded": "false", "data-tool": "menu", onclick: () => openMenu(more, items, "Message menu") }, "⋮");
  if (!reply && !more) return null;
  return el("div", { class: "tools", role: "group", "aria-label": "Message actions" }, reply, more);
}

/**
 * The node of a message. `doing` is {onAct(message, action), onShortcut(message, shortcut), onEdit(message),
 * onDelete(message), onThread?(message)}; without onThread (inside the thread pane) there is no thread link.
 */
export function messageNode(message, world, doing) {
  const author = world.person(message.user);
  const name = message.username || author.real_name;
  const onlyYou = message.ephemeral && el("div", { class: "only-you" }, el("span", { "aria-hidden": "true" }, "👁 "), "Only visible to you");
  const broadcast = doing.onThread && message.subtype === "thread_broadcast" && el("div", { class: "only-you" }, "Also in a thread");
  const node = el(
    "article",
    { class: `message${message.ephemeral ? " ephemeral" : ""}`, "data-ts": message.ts, tabindex: "-1", "aria-label": `${name}, ${timeLabel(dateOfTs(message.ts))}` },
    avatar({ ...author, real_name: name }),
    el(
      "div",
      { class: "message-main" },
      onlyYou,
      broadcast,
      head(message, author, name),
      content(message, world, doing.onAct),
      doing.onThread && repliesLink(message, world, doing.onThread),
    ),
    !message.ephemeral && toolbar(message, world, doing),
  );
  oneTabStop(node);
  return node;
}
