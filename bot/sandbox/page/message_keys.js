// The keyboard in a list of messages: up and down walk through the messages, left and right through the buttons of one,
// which together are a single tab stop.

export const KEYS = "↑ ↓ messages · ← → buttons · N next open card";

const BUTTONS = ".button, .replies, .tools .icon-button";
const OPEN = ".button[data-action-id]:not(.overflow)";

/** Makes the buttons of a message one tab stop: the first, later the one that was used last. */
export function oneTabStop(message) {
  const buttons = [...message.querySelectorAll(BUTTONS)];
  const stopAt = (stop) => {
    for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
  };
  stopAt(buttons[0]);
  message.addEventListener("focusin", (event) => {
    if (buttons.includes(event.target)) stopAt(event.target);
  });
}

/** Works off a key that was pressed in the list; keys meant for an input, or with a modifier, stay what they are. */
export function moveByKey(event, list) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const from = document.activeElement;
  const onButton = from.matches(BUTTONS);
  if (from !== list && !onButton && !from.matches(".message")) return;
  const target = onButton && event.key in SIDEWAYS ? beside(from, SIDEWAYS[event.key]) : goalOf(event.key, from, list);
  if (!target) return;
  event.preventDefault();
  target.focus();
}

const SIDEWAYS = { ArrowLeft: -1, ArrowRight: 1 };

function beside(button, step) {
  const buttons = [...button.closest(".message").querySelectorAll(BUTTONS)];
  return buttons.at((buttons.indexOf(button) + step) % buttons.length);
}

function goalOf(key, from, list) {
  const messages = [...list.querySelectorAll(".message")];
  const at = messages.indexOf(from.closest(".message"));
  if (key === "n") return nextOpen(messages, at);
  if (key === "ArrowRight" && at >= 0) return messages[at].querySelector(BUTTONS);
  const step = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (!step) return null;
  return at < 0 ? messages.at(-1) : messages[at + step];
}

/** The first button of the next message that asks for something, beginning anew after the last one. */
function nextOpen(messages, at) {
  const order = [...messages.slice(at + 1), ...messages.slice(0, at + 1)];
  return order.map((message) => message.querySelector(OPEN)).find(Boolean);
}
