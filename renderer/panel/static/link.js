// The line to the panel's process: let in by a token, one WebSocket, answers by number, and the renderer's clock.

const RETRY_MS = 700;
const CLOCK_EVERY_MS = 5000;

/** Shows the one-time token; the answer's error, or null when we are in. */
export async function enter(token) {
  const answer = await fetch("/enter", { method: "POST", body: JSON.stringify({ token }) });
  return answer.ok ? null : answer.json();
}

/** The error that keeps this browser out, or null. */
export async function entered() {
  const answer = await fetch("/entered");
  return answer.ok ? null : answer.json();
}

export class Link extends EventTarget {
  #socket = null;
  #last = 0;
  #waiting = new Map();
  #best = Infinity;
  #offset = 0;

  /** Events: open, lost, shut (this browser is not let in), state, samples, picture. */
  connect() {
    this.#socket = new WebSocket(`ws://${location.host}/live`);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      this.#best = Infinity;
      this.#askTime();
      this.dispatchEvent(new Event("open"));
    };
    this.#socket.onmessage = ({ data }) => this.#take(data);
    this.#socket.onclose = () => this.#lost();
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** The renderer's monotonic clock now, milliseconds. */
  now() {
    return performance.now() + this.#offset;
  }

  tell(message) {
    if (this.open) this.#socket.send(JSON.stringify(message));
  }

  /** Resolves to the answer; a lost line answers by itself. */
  ask(message) {
    if (!this.open) {
      return Promise.resolve({ code: "no_renderer", what: "The renderer does not answer.", fix: "It was stopped, or hangs." });
    }
    const n = ++this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(n, resolve);
      this.tell({ ...message, n });
    });
  }

  #take(data) {
    if (data instanceof ArrayBuffer) {
      this.#emit("picture", data);
      return;
    }
    const said = JSON.parse(data);
    const resolve = this.#waiting.get(said.n);
    if (resolve) {
      this.#waiting.delete(said.n);
      resolve(said);
    } else {
      this.#emit(said.is, said);
    }
  }

  async #askTime() {
    const socket = this.#socket;
    while (socket.readyState === WebSocket.OPEN) {
      const said = await this.ask({ do: "time", t: performance.now() });
      const now = performance.now();
      const round = now - said.t;
      if (round <= this.#best * 1.2) {
        // the quickest answers know the clock best
        this.#best = Math.min(this.#best, round);
        this.#offset = said.ms - (said.t + now) / 2;
      }
      await new Promise((wake) => setTimeout(wake, CLOCK_EVERY_MS));
    }
  }

  async #lost() {
    for (const resolve of this.#waiting.values()) {
      resolve({ code: "no_renderer", what: "The renderer does not answer.", fix: "It was stopped, or hangs." });
    }
    this.#waiting.clear();
    this.dispatchEvent(new Event("lost"));
    await new Promise((wake) => setTimeout(wake, RETRY_MS));
    try {
      const refused = await entered();
      if (refused) this.#emit("shut", refused);
      else this.connect();
    } catch {
      this.#lost(); // nobody is there
    }
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
