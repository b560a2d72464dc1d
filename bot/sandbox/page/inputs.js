// plain_text_input, number_input, datepicker and timepicker.

import { el } from "./dom.js";

const DEFAULT_MAX = 3000;
const NEAR_MAX = 100;

export function plainTextInput(element, { fire, dispatches }) {
  const common = { class: "text-input", placeholder: element.placeholder?.text, autocomplete: "off" };
  const control = element.multiline ? el("textarea", { ...common, rows: 5 }) : el("input", { ...common, type: "text" });
  control.value = element.initial_value ?? "";
  const most = element.max_length ?? DEFAULT_MAX;
  const counter = el("span", { class: "counter", "aria-hidden": "true" });
  const count = () => {
    const left = most - control.value.length;
    counter.hidden = left >= NEAR_MAX;
    counter.textContent = left < 0 ? `${-left} too many` : `${left} left`;
    counter.classList.toggle("over", left < 0);
  };
  count();
  listen(control, element, { fire, dispatches }, count);
  return {
    control,
    node: el("div", { class: "text-field" }, control, counter),
    read: () => ({ type: "plain_text_input", value: control.value || null }),
    write: (value) => {
      control.value = value.value ?? "";
      count();
    },
  };
}

function listen(control, element, { fire, dispatches }, count) {
  if (!dispatches) {
    control.addEventListener("input", count);
    return;
  }
  const triggers = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  control.addEventListener("input", () => {
    count();
    if (triggers.includes("on_character_entered")) fire();
  });
  control.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || event.isComposing || !triggers.includes("on_enter_pressed")) return;
    // The app gets an action; the form is not submitted by the same key.
    event.preventDefault();
    fire();
  });
}

export function numberInput(element, { fire, dispatches }) {
  const control = el("input", {
    class: "text-input", type: "text", placeholder: element.placeholder?.text, autocomplete: "off",
    inputmode: element.is_decimal_allowed ? "decimal" : "numeric",
  });
  control.value = element.initial_value ?? "";
  listen(control, element, { fire, dispatches }, () => {});
  return {
    control,
    read: () => ({ type: "number_input", value: control.value.trim() || null }),
    write: (value) => {
      control.value = value.value ?? "";
    },
  };
}

/** A native picker whose value sits in `member` of the state. */
function picker(type, inputType, member, initial, fire) {
  const control = el("input", { class: "text-input picker", type: inputType, onchange: () => fire() });
  control.value = initial ?? "";
  return {
    control,
    read: () => ({ type, [member]: control.value || null }),
    write: (value) => {
      control.value = value[member] ?? "";
    },
  };
}

export function datepicker(element, { fire }) {
  return picker("datepicker", "date", "selected_date", element.initial_date, fire);
}

/** In the reader's own time; to and from the app in seconds since 1970. */
export function datetimepicker(element, { fire }) {
  const control = el("input", { class: "text-input picker", type: "datetime-local", onchange: () => fire() });
  const show = (seconds) => {
    const at = new Date(seconds * 1000);
    control.value = seconds ? new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : "";
  };
  show(element.initial_date_time);
  return {
    control,
    read: () => ({
      type: "datetimepicker",
      selected_date_time: control.value ? Math.floor(new Date(control.value) / 1000) : null,
    }),
    write: (value) => show(value.selected_date_time),
  };
}

export function timepicker(element, { fire }) {
  return picker("timepicker", "time", "selected_time", element.initial_time, fire);
}
