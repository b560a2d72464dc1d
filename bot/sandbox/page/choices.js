// radio_buttons and checkboxes.

import { el, freshId } from "./dom.js";
import { textObject } from "./mrkdwn.js";

function choiceRows(element, world, type, initial, fire) {
  const name = freshId("choice");
  return element.options.map((option) => {
    const box = el("input", { type, name, value: option.value, checked: initial.has(option.value), onchange: () => fire() });
    const description = option.description && el("small", {}, textObject(option.description, world));
    return { box, option, row: el("label", { class: "choice" }, box, el("span", {}, textObject(option.text, world), description)) };
  });
}

export function radioButtons(element, { world, fire }) {
  const initial = new Set(element.initial_option ? [element.initial_option.value] : []);
  const rows = choiceRows(element, world, "radio", initial, fire);
  return {
    control: el("div", { class: "choices", role: "radiogroup" }, rows.map(({ row }) => row)),
    read: () => ({ type: "radio_buttons", selected_option: rows.find(({ box }) => box.checked)?.option ?? null }),
    write: (value) => {
      for (const { box } of rows) box.checked = box.value === value.selected_option?.value;
    },
  };
}

export function checkboxes(element, { world, fire }) {
  const initial = new Set((element.initial_options ?? []).map((option) => option.value));
  const rows = choiceRows(element, world, "checkbox", initial, fire);
  return {
    control: el("div", { class: "choices", role: "group" }, rows.map(({ row }) => row)),
    read: () => ({ type: "checkboxes", selected_options: rows.filter(({ box }) => box.checked).map(({ option }) => option) }),
    write: (value) => {
      const chosen = new Set(value.selected_options.map((option) => option.value));
      for (const { box } of rows) box.checked = chosen.has(box.value);
    },
  };
}
