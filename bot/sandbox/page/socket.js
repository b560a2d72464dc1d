// The WebSocket from the server. It comes back by itself; whoever uses it fetches anew at every opening.

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;

/** Calls onOpen() at each connection, onFrame(object) per frame, onLost() at each loss. Returns {close}. */
export function connect(as, { onOpen, onFrame, onLost }) {
  let closed = false;
  let wait = FIRST_WAIT_MS;
  let socket = null;
  let timer = null;
  const open = () => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(`${scheme}//${location.host}/ui/ws?as=${encodeURIComponent(as)}`);
    socket.addEventListener("open", () => {
      wait = FIRST_WAIT_MS;
      if (!closed) onOpen();
    });
    socket.addEventListener("message", (event) => {
      if (!closed) onFrame(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => {
      if (closed) return;
      onLost();
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    });
  };
  open();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}
