// button and overflow: elements that act and hold no value.

import { el, safeUrl } from "./dom.js";
import { openMenu } from "./menu.js";
import { plainText } from "./mrkdwn.js";

const openBeside = (url) => window.open(url, "_blank", "noopener,noreferrer");

export function button(element, { fire }) {
  const style = element.style === "primary" || element.style === "danger" ? element.style : "";
  const url = element.url && safeUrl(element.url);
  const press = () => {
    if (url) openBeside(url);
    fire({ type: "button", ...(element.value === undefined ? {} : { value: element.value }) });
  };
  const control = el("button", { type: "button", class: `button ${style}`, onclick: press }, plainText(element.text.text));
  return { control };
}

export function overflow(element, { fire }) {
  const items = () =>
    element.options.map((option) => ({
      label: plainText(option.text.text),
      description: option.description?.text,
      props: { "data-option-value": option.value ?? "" },
      choose: () => {
        const url = option.url && safeUrl(option.url);
        if (url) openBeside(url);
        fire({ type: "overflow", selected_option: option });
      },
    }));
  const control = el(
    "button",
    { type: "button", class: "button overflow", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": "More actions" },
    "⋯",
  );
  control.addEventListener("click", () => {
    if (control.getAttribute("aria-busy") !== "true") openMenu(control, items(), "More actions");
  });
  return { control };
}
