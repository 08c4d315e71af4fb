// Who owns what, what can be done to the world, and which model paints it.

import { find, make, options, say, sentence } from "./dom.js";

const NO_END = -1;

/** The engine's own things: chosen in the picture, listed, undone. */
export class Owned {
  #steering;
  #session = null;
  #labels = [];
  #now = { objects: [], labels: [] };
  #kinds = new Map(); // object id -> label, as it was clicked
  #past = [];
  #heldUntil = 0;

  constructor(steering) {
    this.#steering = steering;
    find("undo").onclick = () => this.undo();
    find("near").onchange = ({ target }) => this.#range({ plate_near_m: Number(target.value || 0) });
    find("far").onchange = ({ target }) => this.#range({ plate_far_m: target.value === "" ? NO_END : Number(target.value) });
    document.addEventListener("pointerdown", (event) => {
      if (!find("menu").contains(event.target)) this.closeMenu();
    });
  }

  follow(state, session) {
    if (session?.id !== this.#session?.id) {
      this.#past = [];
      this.closeMenu();
    }
    this.#session = session;
    this.#labels = state.labels;
    find("owned").hidden = !session;
    if (!session || performance.now() < this.#heldUntil) return;
    this.#now = { objects: session.engine_objects, labels: session.engine_labels };
    for (const [id, value] of [["near", session.plate_near_m || ""], ["far", session.plate_far_m === NO_END ? "" : session.plate_far_m]]) {
      if (document.activeElement !== find(id)) find(id).value = value;
    }
    this.#paint();
  }

  /** What is under a click, and what may be done with it. */
  offer(seen, place) {
    if (!this.#session) return;
    const menu = find("menu");
    const label = this.#labels[seen.label] ?? "";
    const far = seen.depth_m == null ? "nothing there" : `${seen.depth_m < 10 ? seen.depth_m.toFixed(2) : seen.depth_m.toFixed(1)} m away`;
    const title = [seen.object ? `object ${seen.object}` : "", label, far].filter(Boolean).join(", ");
    const items = [];
    if (seen.object) items.push(this.#item("objects", seen.object, "this object"));
    if (seen.label !== undefined && label) items.push(this.#item("labels", seen.label, `all ${label}`));
    if (seen.object) this.#kinds.set(seen.object, label);
    menu.replaceChildren(make("p", { textContent: title }), ...items);
    if (!items.length) menu.append(make("p", { class: "quiet", textContent: "The engine sends no object ids and no labels." }));
    menu.hidden = false;
    const screen = find("screen").getBoundingClientRect();
    menu.style.left = `${Math.max(4, Math.min(place.left + 8, screen.width - menu.offsetWidth - 4))}px`;
    menu.style.top = `${Math.max(4, Math.min(place.top + 8, screen.height - menu.offsetHeight - 4))}px`;
    menu.querySelector("button")?.focus();
  }

  closeMenu() {
    find("menu").hidden = true;
  }

  get menuOpen() {
    return !find("menu").hidden;
  }

  undo() {
    const before = this.#past.pop();
    if (before) this.#send(before);
  }

  refuse(answer) {
    this.#heldUntil = 0;
    find("owned-error").textContent = sentence(answer);
    find("owned-error").hidden = false;
  }

  #item(kind, id, text) {
    const is = this.#now[kind].includes(id);
    return make("button", {
      type: "button", role: "menuitem", textContent: is ? `Give ${text} to the plate` : `Leave ${text} to the engine`,
      onclick: () => {
        this.#toggle(kind, id);
        this.closeMenu();
      },
    });
  }

  #toggle(kind, id) {
    const now = this.#now[kind];
    this.#past.push(this.#now);
    this.#send({ ...this.#now, [kind]: now.includes(id) ? now.filter((each) => each !== id) : [...now, id] });
  }

  #send(next) {
    this.#now = next;
    this.#heldUntil = performance.now() + 700;
    find("owned-error").hidden = true;
    this.#steering.change({ engine_objects: next.objects, engine_labels: next.labels });
    this.#paint();
  }

  #range(change) {
    this.#heldUntil = performance.now() + 700;
    find("owned-error").hidden = true;
    this.#steering.change(change);
  }

  #paint() {
    const { objects, labels } = this.#now;
    find("undo").disabled = !this.#past.length;
    find("owned-none").hidden = objects.length + labels.length > 0;
    const key = JSON.stringify(this.#now);
    const list = find("owned-list");
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    const chip = (kind, id, text) =>
      make("li", {}, text, make("button", {
        type: "button", textContent: "×", title: "Back to the plate", "aria-label": `${text}: back to the plate`, onclick: () => this.#toggle(kind, id),
      }));
    list.replaceChildren(
      ...labels.map((id) => chip("labels", id, `all ${this.#labels[id] ?? `label ${id}`}`)),
      ...objects.map((id) => chip("objects", id, this.#kinds.get(id) ? `object ${id}, ${this.#kinds.get(id)}` : `object ${id}`))
    );
  }
}

/** Reset, snapshot, restore, fork. */
export class World {
  #link;
  #session = null;
  #stream = "";

  constructor(link) {
    this.#link = link;
    find("reset").onclick = () => this.reset();
    find("save").onsubmit = (event) => this.#submit(event, { op: "snapshot", name: find("save-name").value });
    find("restore").onsubmit = (event) => this.#submit(event, { op: "restore", name: find("restore-name").value });
    find("fork").onsubmit = (event) => this.#submit(event, { op: "fork", stream: this.#stream, to_stream: find("fork-name").value });
  }

  follow(state, session, stream) {
    this.#session = session;
    this.#stream = stream;
    find("world").hidden = !session;
    const names = [...state.snapshots].reverse();
    options(find("restore-name"), names.length ? names.map((name) => ({ value: name, text: name })) : [{ value: "", text: "none yet" }], find("restore-name").value || names[0] || "");
    find("restore-name").disabled = !names.length;
    find("restore").querySelector("button").disabled = !names.length;
  }

  reset() {
    this.#do({ op: "reset", reset: find("reset-kind").value });
  }

  focusSnapshot() {
    find("save-name").focus();
  }

  #submit(event, change) {
    event.preventDefault();
    this.#do(change);
  }

  #do(change) {
    if (this.#session) askAndSay(this.#link, "world-said", { do: "world", session: this.#session.id, ...change });
  }
}

/** Which model serves, and changing over to another. */
export class Model {
  #picked = null;

  constructor(link) {
    find("use-name").onchange = ({ target }) => (this.#picked = target.value);
    find("use").onsubmit = async (event) => {
      event.preventDefault();
      await askAndSay(link, "model-said", { do: "model", name: find("use-name").value });
      this.#picked = null;
    };
  }

  follow(state) {
    find("model").hidden = state.models.length < 2;
    options(find("use-name"), state.models.map((name) => ({ value: name, text: name })), this.#picked ?? state.model);
  }
}

async function askAndSay(link, id, wish) {
  const said = find(id);
  said.dataset.level = "";
  say(said, "…");
  const answer = await link.ask(wish);
  said.dataset.level = answer.code ? "bad" : "good";
  const text = answer.code ? sentence(answer) : answer.what;
  say(said, text[0].toUpperCase() + text.slice(1));
}
