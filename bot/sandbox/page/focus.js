// Where the keyboard was, found again after its surroundings were drawn anew.

const blockOf = (control) => control.closest("[data-block-id]")?.dataset.blockId;

/** What in `root` answers to `focused`, which was drawn for the same action id, at best in the same block; or null. */
export function counterpart(root, focused) {
  const old = focused.closest("[data-action-id]");
  if (!old) return null;
  const alike = [...root.querySelectorAll("[data-action-id]")].filter((control) => control.dataset.actionId === old.dataset.actionId);
  const found = alike.find((control) => blockOf(control) === blockOf(old)) ?? alike[0] ?? null;
  if (!found || focused === old) return found;
  return [...found.querySelectorAll("input")].find((box) => box.value === focused.value) ?? null;
}
