// The input block: label, control, hint and the place where its error appears. Also the checks that Slack makes
// before it sends a form.

import { el, freshId } from "./dom.js";
import { renderElement, unsupported } from "./elements.js";
import { plainText } from "./mrkdwn.js";

const REQUIRED = "Please complete this required field.";

export function inputBlock(block, at) {
  const { node, control } = renderElement(block.element, { ...at, dispatches: block.dispatch_action === true });
  if (!control) return unsupported(`input: ${block.element.type}`);
  const ids = { control: freshId("control"), label: freshId("label"), hint: freshId("hint"), error: freshId("error") };
  control.id = ids.control;
  control.removeAttribute("aria-label");
  control.setAttribute("aria-labelledby", ids.label);
  control.setAttribute("aria-describedby", block.hint ? `${ids.hint} ${ids.error}` : ids.error);
  if (!block.optional && !control.getAttribute("role")) control.setAttribute("aria-required", "true");
  const label = el("label", { id: ids.label, for: ids.control, class: "b-label" }, plainText(block.label.text));
  if (block.optional) label.append(el("span", { class: "optional" }, " (optional)"));
  const hint = block.hint && el("div", { id: ids.hint, class: "b-hint" }, plainText(block.hint.text));
  const error = el("div", { id: ids.error, class: "b-error", "data-error": "", role: "alert" });
  const root = el("div", { class: "b-input" }, label, node, error, hint);
  root.addEventListener("input", () => showError(root, ""));
  return root;
}

/** Shows an error under an input block, or takes it away with "". */
export function showError(blockNode, text) {
  const error = blockNode.querySelector("[data-error]");
  const control = blockNode.querySelector("[data-action-id]");
  error.textContent = text;
  blockNode.classList.toggle("invalid", text !== "");
  if (text) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

function isEmpty(value) {
  const content = Object.entries(value).find(([name]) => name !== "type")?.[1];
  return content === null || content === undefined || (Array.isArray(content) ? content.length === 0 : String(content).trim() === "");
}

function problemOf(block, value) {
  if (isEmpty(value)) return block.optional ? null : REQUIRED;
  if (block.element.type === "plain_text_input") return textProblem(block.element, value.value);
  if (block.element.type === "number_input") return numberProblem(block.element, value.value);
  return null;
}

function textProblem(element, text) {
  // Counted in UTF-16 units, as Slack does.
  const { length } = text;
  const most = element.max_length ?? 3000;
  if (length > most) return `Please shorten this to ${most} characters or fewer (now ${length}).`;
  if (length < (element.min_length ?? 0)) return `Please enter at least ${element.min_length} characters.`;
  return null;
}

function numberProblem(element, text) {
  const shape = element.is_decimal_allowed ? /^[+-]?\d+(?:\.\d+)?$/ : /^[+-]?\d+$/;
  if (!shape.test(text)) return element.is_decimal_allowed ? "Please enter a number." : "Please enter a whole number.";
  if (element.min_value !== undefined && Number(text) < Number(element.min_value)) return `Must be ${element.min_value} or more.`;
  if (element.max_value !== undefined && Number(text) > Number(element.max_value)) return `Must be ${element.max_value} or less.`;
  return null;
}

/** {block_id: message} of what is missing or out of bounds; empty when the form may be sent. */
export function findProblems(blocks, values) {
  const problems = {};
  for (const block of blocks) {
    const value = block.type === "input" && values[block.block_id]?.[block.element.action_id];
    const problem = value && problemOf(block, value);
    if (problem) problems[block.block_id] = problem;
  }
  return problems;
}
