// Where messages and slash commands are written. Enter sends, Shift+Enter makes a line.

import { el, freshId } from "./dom.js";
import { openMenu } from "./menu.js";
import { toast } from "./toast.js";

const COMMAND = /^\/([\w-]+)(?:\s+([\s\S]*))?$/;

/**
 * A composer node. `doing`: sendText(text, broadcast), sendCommand(command, text) (both resolve to true or false) and
 * runShortcut(shortcut). `broadcast` is the label of the box that shows a reply in the channel too, or null. `drafts` is a Map that outlives the node; `key` is this composer's entry in it.
 */
export function composer({ label, broadcast, world, inThread, archived, drafts, key, doing }) {
  if (archived) return el("div", { class: "composer archived" }, "This channel is archived.");
  const listId = freshId("commands");
  const input = el("textarea", { rows: 1, "aria-label": label, placeholder: label, "data-composer": inThread ? "thread" : "channel", autocomplete: "off" });
  const button = el("button", { type: "button", class: "send", "aria-label": "Send", title: "Send (Enter)" }, "➤");
  const suggestions = inThread || !world.commands.length ? null : commandList(input, world.commands, listId);
  const also = broadcast && el("input", { type: "checkbox", "data-composer": "broadcast" });
  const changed = () => {
    drafts.set(key, input.value);
    button.disabled = !input.value.trim();
    suggestions?.update();
    grow(input);
  };
  const fill = (text) => {
    input.value = text;
    changed();
  };
  /** Whether this one goes to the channel too; the next one does not unless asked again. */
  const takeBroadcast = () => {
    const wanted = Boolean(also?.checked);
    if (also) also.checked = false;
    return wanted;
  };
  const submit = async () => {
    const text = input.value.trim();
    const problem = commandProblem(text, world.commands, inThread);
    if (problem) toast(problem, "error");
    if (!text || problem) return;
    fill("");
    const command = text.match(COMMAND);
    const done = command ? await doing.sendCommand(`/${command[1]}`, command[2] ?? "") : await doing.sendText(text, takeBroadcast());
    if (!done) fill(input.value ? `${text}\n${input.value}` : text);
  };
  input.addEventListener("input", changed);
  input.addEventListener("keydown", (event) => {
    if (suggestions?.takesKey(event, fill)) return;
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  button.addEventListener("click", submit);
  const node = el("div", { class: "composer" }, suggestions?.node, input, el("div", { class: "composer-bar" }, inThread ? null : shortcutsButton(world, doing), also && el("label", { class: "broadcast" }, also, broadcast), button));
  fill(drafts.get(key) ?? "");
  return node;
}

function grow(input) {
  input.style.height = "auto";
  // Before it is on the page it has no height to measure; one row is right for an empty one.
  if (!input.isConnected) return;
  input.style.height = `${Math.min(input.scrollHeight, 180)}px`;
}

function commandProblem(text, commands, inThread) {
  const command = text.match(COMMAND);
  if (!command) return null;
  const name = `/${command[1]}`;
  if (!commands.some((known) => known.command === name)) return `${name} is not a valid command.`;
  return inThread ? `${name} is not supported in threads.` : null;
}

function shortcutsButton(world, doing) {
  const shortcuts = world.shortcutsOf("global");
  if (!shortcuts.length) return null;
  const button = el("button", { type: "button", class: "icon-button", "aria-label": "Shortcuts", title: "Shortcuts", "aria-haspopup": "menu", "aria-expanded": "false", "data-tool": "global-shortcuts" }, "⚡");
  const items = shortcuts.map((shortcut) => ({
    label: shortcut.name,
    description: world.bot?.real_name,
    props: { "data-shortcut": shortcut.callback_id },
    choose: () => doing.runShortcut(shortcut),
  }));
  button.addEventListener("click", () => openMenu(button, items, "Shortcuts"));
  return button;
}

/** The list of slash commands above the composer while one is being typed. */
function commandList(input, commands, id) {
  const node = el("div", { class: "suggestions", role: "listbox", id, "aria-label": "Slash commands", hidden: true });
  let shown = [];
  let at = 0;
  const pick = (command) => {
    input.value = `${command.command} `;
    input.dispatchEvent(new Event("input"));
    input.focus();
  };
  const draw = () => {
    node.replaceChildren(
      ...shown.map((command, index) =>
        el(
          "div",
          { role: "option", id: `${id}-${index}`, class: "suggestion", "aria-selected": String(index === at), onpointerdown: (event) => { event.preventDefault(); pick(command); } },
          el("strong", {}, command.command),
          el("span", {}, command.description),
        ),
      ),
    );
    node.hidden = shown.length === 0;
    if (shown.length) input.setAttribute("aria-activedescendant", `${id}-${at}`);
    else input.removeAttribute("aria-activedescendant");
  };
  input.setAttribute("aria-controls", id);
  input.setAttribute("aria-autocomplete", "list");
  return {
    node,
    update() {
      const typed = input.value;
      shown = /^\/[\w-]*$/.test(typed) ? commands.filter((command) => command.command.startsWith(typed)) : [];
      at = 0;
      draw();
    },
    /** True when the key was for the list. Enter on a complete command sends it. */
    takesKey(event, fill) {
      if (!shown.length) return false;
      const complete = event.key === "Enter" && shown[at].command === input.value;
      if (complete) return false;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        at = (at + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length;
        draw();
      } else if ((event.key === "Tab" && !event.shiftKey) || (event.key === "Enter" && !event.shiftKey)) {
        fill(`${shown[at].command} `);
      } else if (event.key === "Escape") {
        shown = [];
        draw();
      } else {
        return false;
      }
      event.preventDefault();
      return true;
    },
  };
}
