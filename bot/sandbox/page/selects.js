// static_select, multi_static_select and users_select. A native <select> works with every keyboard, phone and screen reader.

import { el } from "./dom.js";
import { plainText, textObject } from "./mrkdwn.js";

const allOptions = (element) => element.options ?? element.option_groups.flatMap((group) => group.options);

/** A <select> over entries [{value, label}] in groups [{label|null, entries}]; the empty first entry means "nothing". */
function selectControl(groups, placeholder, chosen, onChange) {
  const entry = (item) => el("option", { value: item.value, selected: item.value === chosen }, item.label);
  const control = el(
    "select",
    { class: "select", onchange: onChange },
    el("option", { value: "" }, placeholder),
    groups.map((group) => (group.label === null ? group.entries.map(entry) : el("optgroup", { label: group.label }, group.entries.map(entry)))),
  );
  return control;
}

export function staticSelect(element, { fire }) {
  const options = allOptions(element);
  const entries = (list) => list.map((option) => ({ value: option.value, label: plainText(option.text.text).textContent }));
  const groups = element.options
    ? [{ label: null, entries: entries(element.options) }]
    : element.option_groups.map((group) => ({ label: group.label.text, entries: entries(group.options) }));
  const control = selectControl(groups, element.placeholder?.text ?? "Choose…", element.initial_option?.value, () => fire());
  return {
    control,
    read: () => ({ type: "static_select", selected_option: options.find((option) => option.value === control.value) ?? null }),
    write: (value) => {
      control.value = value.selected_option?.value ?? "";
    },
  };
}

export function usersSelect(element, { world, fire }) {
  const entries = world.people.map((person) => ({ value: person.id, label: person.real_name }));
  const control = selectControl([{ label: null, entries }], element.placeholder?.text ?? "Choose a person…", element.initial_user, () => fire());
  return {
    control,
    read: () => ({ type: "users_select", selected_user: control.value || null }),
    write: (value) => {
      control.value = value.selected_user ?? "";
    },
  };
}

export function multiStaticSelect(element, { world, fire }) {
  const options = allOptions(element);
  const initial = new Set((element.initial_options ?? []).map((option) => option.value));
  const boxes = options.map((option) => el("input", { type: "checkbox", value: option.value, checked: initial.has(option.value) }));
  const limit = () => {
    const full = boxes.filter((box) => box.checked).length >= (element.max_selected_items ?? Infinity);
    for (const box of boxes) box.disabled = full && !box.checked;
  };
  const changed = () => {
    limit();
    fire();
  };
  const rows = options.map((option, index) => {
    boxes[index].addEventListener("change", changed);
    return el("label", { class: "choice" }, boxes[index], el("span", {}, textObject(option.text, world)));
  });
  limit();
  return {
    control: el("div", { class: "multi-select", role: "group" }, rows),
    read: () => ({ type: "multi_static_select", selected_options: options.filter((_, index) => boxes[index].checked) }),
    write: (value) => {
      const chosen = new Set(value.selected_options.map((option) => option.value));
      for (const box of boxes) box.checked = chosen.has(box.value);
      limit();
    },
  };
}
