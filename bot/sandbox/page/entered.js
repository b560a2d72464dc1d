// What a person entered into open modals, kept in the browser's tab so that a reload loses none of it. One entry per
// person: {view id: {hash, values}}. A view's hash belongs to it because a restarted sandbox counts its ids anew.

const keyOf = (person) => `sandbox.entered.${person}`;

function load(person) {
  try {
    return JSON.parse(sessionStorage.getItem(keyOf(person))) ?? {};
  } catch {
    return {};
  }
}

/** The values that were entered into this very version of the view, or null. */
export function enteredIn(person, view) {
  const kept = load(person)[view.id];
  return kept?.hash === view.hash ? kept.values : null;
}

export function keepEntered(person, view, values) {
  sessionStorage.setItem(keyOf(person), JSON.stringify({ ...load(person), [view.id]: { hash: view.hash, values } }));
}

/** Forgets what was entered into views that are no longer open. */
export function forgetAllBut(person, views) {
  const open = new Set(views.map((view) => view.id));
  const kept = Object.entries(load(person)).filter(([id]) => open.has(id));
  sessionStorage.setItem(keyOf(person), JSON.stringify(Object.fromEntries(kept)));
}
