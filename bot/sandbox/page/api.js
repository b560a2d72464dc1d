// The sandbox server over HTTP. Every failure ends in words for the person: nothing is swallowed.

import { toast } from "./toast.js";

const UNREACHABLE = "The sandbox server cannot be reached. Please try again.";

async function call(path, options) {
  try {
    const response = await fetch(path, options);
    const body = await response.json();
    return response.ok ? body : { ok: false, error: `The server answered ${response.status}`, ...body };
  } catch {
    return { ok: false, error: UNREACHABLE };
  }
}

/** The answer of a GET, or null after a toast. */
export async function get(path, params = {}) {
  const body = await call(`${path}?${new URLSearchParams(params)}`);
  if (body.ok !== false) return body;
  toast(body.error, "error");
  return null;
}

/** The answer of a POST, whatever it is; {ok: false, error} also when the server could not be reached. */
export function post(path, body) {
  return call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/** POST for calls whose only answer is "done": true, or false after a toast. */
export async function send(path, body) {
  const answer = await post(path, body);
  if (answer.ok) return true;
  toast(answer.error ?? "That did not work.", "error");
  return false;
}
