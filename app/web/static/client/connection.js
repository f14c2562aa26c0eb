// The socket: opened with a ticket, kept alive, opened again with a growing, random delay.

import { signal } from "core/signals.js";
import { ApiError, unreachable } from "client/http.js";
import { random } from "client/locks.js";

const FIRST_DELAY = 500; // ms; doubles with each failure
const LONGEST_DELAY = 30_000;
const RESTART_DELAY = 2000; // after a restart everybody comes at once: they spread over this
const ANSWER = 10_000; // ms until a question that is not answered means a dead connection
const RESTART = 1012;
const RESYNC = 4000;
const TOKEN_EXPIRED = 4001;
const FINAL = [4500, 4999]; // these close codes mean: do not come back

/** ms until the next attempt: after a close code, and so many failures in a row. */
export function delayAfter(code, failures, chance = Math.random()) {
  if (code === RESTART && !failures) return 100 + chance * RESTART_DELAY;
  if (code === TOKEN_EXPIRED && !failures) return 0;
  if (code === RESYNC && !failures) return chance * FIRST_DELAY;
  const most = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(failures, 10));
  return most * (0.5 + chance / 2);
}

export function createConnection(environment, session, api) {
  const state = signal("offline"); // offline | connecting | online | waiting
  const retryAt = signal(null); // ms since 1970, while waiting
  const listeners = new Map(); // op -> Set of functions
  const asked = new Map(); // ref -> {resolve, reject}
  let wanted = false;
  let socket = null;
  let attempt = 0; // counts; what belongs to an older one is ignored
  let failures = 0;
  let timer = null;
  let pulse = null;
  let settled = Promise.resolve(); // no attempt is under way that nobody wants any more

  const emit = (op, frame) => { for (const listen of [...listeners.get(op) ?? []]) listen(frame); };

  function start() {
    wanted = true;
    if (!socket && state.peek() !== "connecting") connect();
  }

  function stop() {
    wanted = false;
    if (socket?.readyState === WebSocket.CONNECTING) abandon(socket);
    drop();
    failures = 0;
    state.value = "offline";
  }

  /** Let go of the socket, whatever state it is in; who waits for an answer is told. */
  function drop() {
    attempt += 1;
    clearTimeout(timer);
    clearTimeout(pulse);
    retryAt.value = null;
    const old = socket;
    socket = null;
    old?.close();
    const waiting = [...asked.values()];
    asked.clear();
    for (const { reject } of waiting) reject(unreachable());
  }

  /** To break off an attempt is an error that browsers write down: it is closed when it is open. */
  function abandon(old) {
    socket = null;
    settled = new Promise((resolve) => {
      old.onopen = () => old.close();
      old.onclose = resolve;
    });
  }

  async function connect() {
    drop();
    const mine = attempt;
    state.value = "connecting";
    try {
      const { ticket } = await api.request("POST", "/v2/auth/ticket", { json: {} });
      if (mine === attempt) open(ticket, mine);
    } catch {
      if (mine === attempt) ended(0);
    }
  }

  function open(ticket, mine) {
    const url = `${environment.origin.replace(/^http/, "ws")}/v2/socket`;
    socket = new WebSocket(url, ["hichat.v2", `ticket.${ticket}`]);
    socket.onmessage = ({ data }) => { if (mine === attempt) take(JSON.parse(data), mine); };
    socket.onclose = ({ code }) => { if (mine === attempt) ended(code); };
    timer = setTimeout(() => { if (mine === attempt) ended(0); }, ANSWER * 2); // until the hello
  }

  function take(frame, mine) {
    if (frame.op === "hello") {
      clearTimeout(timer);
      failures = 0;
      state.value = "online";
      watchPulse(mine, frame.heartbeat * 1000);
    }
    const waiting = frame.ref && asked.get(frame.ref);
    if (waiting) {
      asked.delete(frame.ref);
      if (frame.op === "error") waiting.reject(new ApiError(400, frame.code, frame.message, frame.retry));
      else waiting.resolve(frame);
    }
    emit(frame.op, frame);
  }

  /** A page does not see the server's pings: ask something now and then, and expect an answer. */
  function watchPulse(mine, every) {
    pulse = setTimeout(async () => {
      if (await answers(mine)) watchPulse(mine, every);
    }, every);
  }

  async function answers(mine) {
    const patience = setTimeout(() => { if (mine === attempt) ended(0); }, ANSWER);
    try {
      await request({ op: "sync", cursors: {} });
    } catch {
      return false;
    } finally {
      clearTimeout(patience);
    }
    return mine === attempt;
  }

  function ended(code) {
    const before = failures;
    drop();
    if (code >= FINAL[0] && code <= FINAL[1]) session.end("revoked");
    if (!wanted || !session.token()) {
      state.value = "offline";
      return;
    }
    failures = before + 1;
    const delay = delayAfter(code, before);
    const mine = attempt;
    state.value = environment.isOnline() ? "waiting" : "offline";
    retryAt.value = Date.now() + delay;
    timer = setTimeout(async () => {
      if (code === TOKEN_EXPIRED) await session.refresh(session.token()).catch(() => {});
      if (mine === attempt) connect();
    }, delay);
    emit("closed", { code });
  }

  function retryNow() {
    if (wanted && !socket && state.peek() !== "connecting") connect();
  }

  /** Send and forget; whether there was a connection to send it over. */
  function send(frame) {
    if (state.peek() !== "online") return false;
    socket.send(JSON.stringify(frame));
    return true;
  }

  /** The frame that answers. Throws ApiError: the server's, or `unreachable` when it is gone. */
  function request(frame) {
    const ref = frame.ref ?? random();
    return new Promise((resolve, reject) => {
      if (!send({ ...frame, ref })) reject(unreachable());
      else asked.set(ref, { resolve, reject });
    });
  }

  function on(op, listen) {
    if (!listeners.has(op)) listeners.set(op, new Set());
    listeners.get(op).add(listen);
    return () => listeners.get(op).delete(listen);
  }

  environment.watchOnline((online) => {
    if (online) retryNow();
    else if (socket) ended(0); // a socket may take minutes to notice
    else if (wanted) state.value = "offline";
  });
  environment.watchVisible((visible) => {
    if (!visible) return;
    if (socket && state.peek() === "online") answers(attempt);
    else retryNow();
  });

  return { state, retryAt, start, stop, retryNow, send, request, on, settled: () => settled };
}
