// Where the person is, kept in the address so that reload and the back button work:
// #/U0ADA/C0REVIEW, #/U0ADA/C0REVIEW/thread/1700000000.000100, #/U0ADA/home, #/U0ADA/app. A permalink leaves the
// person out (#//C0REVIEW/thread/…): whoever opens it.

/** {as, pane: "messages"|"home"|"app", channel, thread}; members that the address does not name are null. */
export function readPlace(hash) {
  const [as = null, where = null, kind, ts = null] = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent).map((part) => part || null);
  const pane = where === "home" || where === "app" ? where : "messages";
  return { as, pane, channel: pane === "messages" ? where : null, thread: pane === "messages" && kind === "thread" ? ts : null };
}

/** The hash of a place. */
export function writePlace({ as, pane, channel, thread }) {
  const where = pane === "messages" ? channel : pane;
  const parts = [as, where, ...(pane === "messages" && thread ? ["thread", thread] : [])];
  return `#/${parts.filter(Boolean).map(encodeURIComponent).join("/")}`;
}
