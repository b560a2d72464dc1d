// Block Kit elements by type. Each renderer answers {control, node?, read?, write?, action?}; what is the same for all
// (hooks for tests, labels, confirm, dispatch) happens here.

import { button, overflow } from "./buttons.js";
import { checkboxes, radioButtons } from "./choices.js";
import { askConfirm } from "./confirm.js";
import { el, imageUrl } from "./dom.js";
import { datepicker, datetimepicker, numberInput, plainTextInput, timepicker } from "./inputs.js";
import { multiStaticSelect, staticSelect, usersSelect } from "./selects.js";

const RENDERERS = {
  button,
  overflow,
  static_select: staticSelect,
  multi_static_select: multiStaticSelect,
  users_select: usersSelect,
  plain_text_input: plainTextInput,
  number_input: numberInput,
  radio_buttons: radioButtons,
  checkboxes,
  datepicker,
  datetimepicker,
  timepicker,
};

/** They carry no text of their own that could serve as their name. */
const NAMELESS = new Set(Object.keys(RENDERERS).filter((type) => type !== "button" && type !== "overflow"));

/** The grey box for what this page cannot draw. */
export function unsupported(what) {
  return el("div", { class: "unsupported", role: "note" }, `Unsupported ${what}`);
}

/** An image element, as accessory or in a context block. */
export function imageElement(element, className) {
  const source = imageUrl(element.image_url ?? element.slack_file?.url);
  if (!source) return unsupported("image address");
  return el("img", { class: className, src: source, alt: element.alt_text ?? "", loading: "lazy" });
}

/**
 * Draws an element. `dispatches`: a change is sent to the app at once (outside input blocks, or dispatch_action).
 * Returns {node, control}; control is null for what cannot be operated.
 */
export function renderElement(element, { surface, blockId, dispatches }) {
  if (element.type === "image") return { node: imageElement(element, "accessory-image"), control: null };
  const render = RENDERERS[element.type];
  if (!render) return { node: unsupported(`element: ${element.type}`), control: null };
  const actionId = element.action_id ?? "";
  let before = null;
  const fire = async (action) => {
    if (!dispatches) return;
    if (element.confirm && !(await askConfirm(element.confirm, surface.world))) {
      part.write?.(before);
      return;
    }
    before = part.read?.();
    await surface.act(part.control, blockId, actionId, action ?? part.read());
  };
  const part = render(element, { world: surface.world, fire, dispatches });
  before = part.read?.();
  finish(part, element, actionId);
  if (part.read) surface.add(blockId, actionId, part);
  return { node: part.node ?? part.control, control: part.control };
}

function finish(part, element, actionId) {
  part.control.dataset.actionId = actionId;
  const label = element.accessibility_label ?? element.placeholder?.text ?? (NAMELESS.has(element.type) ? actionId : null);
  if (label) part.control.setAttribute("aria-label", label);
  if (element.focus_on_load) part.control.dataset.focusOnLoad = "";
}
