// The picture: two canvases and a wipe between them, and what is under a click.

import { find, make, segments, options } from "./dom.js";

export const VIEWS = ["composite", "engine", "plate", "depth", "matte", "confidence", "difference"];
const WIPE_STEP = 2; // percent for an arrow key
const LATE_MS = 1000; // of a preview that nobody steers by

export class Picture {
  #link;
  #session = null;
  #stream = "";
  #views = ["composite", "engine"];
  #wiping = false;
  #at = 50;
  #waiting = null; // decoded, to be drawn at the next frame of the screen
  #drawnAt = 0;
  #pick;

  /** `pick(seen, place)` is called with what is under a click. */
  constructor(link, pick) {
    this.#link = link;
    this.#pick = pick;
    link.addEventListener("picture", ({ detail }) => this.#take(detail));
    find("other").onchange = ({ target }) => this.compareWith(target.value);
    find("wipe").onclick = () => this.toggleWipe();
    find("large").onclick = () => this.toggleLarge();
    this.#dragHandle();
    find("frame").addEventListener("click", (event) => this.#look(event));
    new ResizeObserver(() => this.#fit()).observe(find("screen"));
  }

  get wiping() {
    return this.#wiping;
  }

  /** The stream to show, and the views that there are planes for; null: none. */
  show(session, stream) {
    if (session?.id !== this.#session?.id || stream !== this.#stream) this.#clear();
    const views = JSON.stringify([session?.id, stream, session?.views]);
    const changed = views !== this.#shown;
    this.#shown = views;
    this.#session = session;
    this.#stream = stream;
    this.#paintTools();
    if (changed) this.#watch();
  }
  #shown = "";

  /** Ask again, after the line was lost. */
  renew() {
    this.#watch();
  }

  choose(view) {
    if (!this.#session?.views.includes(view)) return;
    if (view === this.#views[1]) this.#views.reverse();
    else this.#views[0] = view;
    this.#paintTools();
    this.#watch();
  }

  compareWith(view) {
    if (view === this.#views[0]) this.#views.reverse();
    else this.#views[1] = view;
    this.#paintTools();
    this.#watch();
  }

  toggleWipe() {
    if (!this.#session) return;
    this.#wiping = !this.#wiping;
    this.#paintTools();
    this.#watch();
  }

  toggleLarge() {
    const large = document.body.classList.toggle("large");
    find("large").setAttribute("aria-pressed", String(large));
  }

  moveWipe(percent) {
    this.#at = Math.min(100, Math.max(0, percent));
    find("second").style.clipPath = `inset(0 0 0 ${this.#at}%)`;
    find("handle").style.left = `${this.#at}%`;
    find("handle").setAttribute("aria-valuenow", String(Math.round(this.#at)));
  }

  nudgeWipe(steps) {
    this.moveWipe(this.#at + steps * WIPE_STEP);
  }

  #paintTools() {
    const there = this.#session?.views ?? [];
    const items = VIEWS.map((view, n) => ({
      value: view, text: view, disabled: !there.includes(view),
      title: there.includes(view) ? `${n + 1}` : this.#session ? `This model gives no ${view}` : "No engine is connected",
    }));
    segments(find("views"), items, this.#views[0], (view) => this.choose(view));
    options(find("other"), there.map((view) => ({ value: view, text: view })), this.#views[1]);
    find("other").value = this.#views[1];
    find("wipe").disabled = !this.#session;
    find("other").disabled = !this.#wiping || !this.#session;
    find("wipe").setAttribute("aria-pressed", String(this.#wiping));
    for (const id of ["second", "handle", "tag-second"]) find(id).hidden = !this.#wiping;
    find("tag-first").textContent = this.#views[0];
    find("tag-second").textContent = this.#views[1];
    this.moveWipe(this.#at);
  }

  #watch() {
    if (!this.#session || !this.#stream) return;
    const views = this.#wiping ? this.#views : this.#views.slice(0, 1);
    this.#link.tell({ do: "watch", session: this.#session.id, stream: this.#stream, views });
  }

  async #take(data) {
    const length = new DataView(data).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    let at = 4 + length;
    const images = head.sizes.map((size) => {
      const bitmap = createImageBitmap(new Blob([new Uint8Array(data, at, size)], { type: "image/jpeg" }));
      at += size;
      return bitmap;
    });
    const bitmaps = await Promise.all(images);
    const first = this.#waiting === null;
    if (!first) this.#link.tell({ do: "drawn" }); // the one before was never seen; newest wins
    this.#waiting = { head, bitmaps };
    if (first) requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const { head, bitmaps } = this.#waiting;
    this.#waiting = null;
    this.#link.tell({ do: "drawn" });
    if (head.session !== this.#session?.id || head.stream !== this.#stream) return;
    ["first", "second"].forEach((id, n) => {
      const canvas = find(id);
      const bitmap = bitmaps[n];
      if (!bitmap) return;
      if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      canvas.dataset.view = head.views[n];
      bitmap.close();
    });
    this.#drawnAt = this.#link.now();
    const frame = find("frame");
    frame.dataset.frame = head.frame;
    frame.dataset.ageMs = (this.#drawnAt - head.capture_ms).toFixed(1);
    this.#tellAge(this.#drawnAt - head.capture_ms);
    if (frame.hidden || frame.dataset.size !== `${head.width}x${head.height}`) {
      frame.dataset.size = `${head.width}x${head.height}`;
      frame.hidden = false;
      find("empty").hidden = true;
      this.#fit();
    }
  }

  /** How old the preview is; the show does not wait for it. */
  #tellAge(ageMs) {
    const gauge = find("gauge-preview");
    gauge.textContent = `${Math.round(ageMs)} ms`;
    gauge.classList.toggle("late", ageMs > LATE_MS);
    gauge.title = ageMs > LATE_MS ? "This browser draws slowly, or its machine has no time for it. The show itself is not behind." : "";
  }

  #clear() {
    const frame = find("frame");
    frame.hidden = true;
    delete frame.dataset.frame;
    find("gauge-preview").textContent = "–";
  }

  #fit() {
    const frame = find("frame");
    const [width, height] = (frame.dataset.size ?? "16x9").split("x").map(Number);
    const screen = find("screen").getBoundingClientRect();
    const scale = Math.min(screen.width / width, screen.height / height);
    frame.style.width = `${Math.floor(width * scale)}px`;
    frame.style.height = `${Math.floor(height * scale)}px`;
  }

  #dragHandle() {
    const handle = find("handle");
    handle.onpointerdown = (event) => {
      handle.setPointerCapture(event.pointerId);
      handle.focus();
      event.preventDefault();
    };
    handle.onpointermove = (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = find("frame").getBoundingClientRect();
      this.moveWipe(((event.clientX - box.left) / box.width) * 100);
    };
    handle.onclick = (event) => event.stopPropagation(); // it ends a drag and chooses nothing
    handle.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -5, PageUp: 5, Home: -100, End: 100 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      this.nudgeWipe(step);
    };
  }

  async #look(event) {
    const box = find("frame").getBoundingClientRect();
    const share = (value) => Math.min(1, Math.max(0, value));
    const x = share((event.clientX - box.left) / box.width);
    const y = share((event.clientY - box.top) / box.height);
    const seen = await this.#link.ask({ do: "look", x, y });
    const screen = find("screen").getBoundingClientRect();
    this.#pick(seen, { left: event.clientX - screen.left, top: event.clientY - screen.top });
  }
}

/** What is shown in the picture's place while there is none. */
export function emptyText(state, session, stream) {
  const [what, fix] = !state
    ? ["Connecting to the renderer", ""]
    : !session
      ? ["No engine yet", "Press Play in the engine, or open its Worldplate dock. It finds this renderer by itself."]
      : !stream
        ? [`${session.name} is connected`, "It has sent no frame yet."]
        : ["", "Waiting for the first picture"];
  const empty = find("empty");
  empty.children[0].textContent = what;
  empty.children[1].textContent = fix;
  empty.hidden = !find("frame").hidden;
}
