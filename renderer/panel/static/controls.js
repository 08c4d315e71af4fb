// The model's controls, built from its typed schema. What a person holds is theirs; everything else follows the renderer.

import { find, make, sentence } from "./dom.js";
import { Dial } from "./dial.js";

const UNITS = { deg: "°" };
const HELD_MS = 700; // after a change the renderer's word is waited for so long
const SUN = /^(sun_|latitude|day_of_year|hour)/;
const BY_HOUR = new Set(["latitude_deg", "day_of_year", "hour"]);
const BY_ANGLES = new Set(["sun_azimuth_deg", "sun_elevation_deg"]);

/** Sends the newest values, one message at a time, and has errors shown where they belong. */
export class Steering {
  #link;
  #session = "";
  #next = null;
  #busy = false;
  onerror = () => {};
  ondone = () => {};

  constructor(link) {
    this.#link = link;
  }

  to(session) {
    if (session !== this.#session) this.#next = null;
    this.#session = session;
  }

  /** `changes` has `values` (merged) and any field of CONTROL. */
  change(changes) {
    const values = { ...this.#next?.values, ...changes.values };
    this.#next = { ...this.#next, ...changes, values };
    this.#send();
  }

  async #send() {
    if (this.#busy || !this.#next || !this.#session) return;
    const message = { do: "steer", session: this.#session, ...this.#next };
    this.#next = null;
    this.#busy = true;
    const answer = await this.#link.ask(message);
    this.#busy = false;
    if (answer.code) this.onerror(message, answer);
    else this.ondone(message);
    this.#send();
  }
}

const human = (name, unit) => {
  const words = name.replace(new RegExp(`_${unit}$`, "i"), "").replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
};

const digits = (step) => (step >= 1 ? 0 : step >= 0.1 ? 1 : 2);

/** One control of the schema: a labelled row. */
class Row {
  #heldUntil = 0;
  value;

  constructor(control, change) {
    this.control = control;
    this.value = control.default;
    this.id = `control-${control.name}`;
    this.element = make("div", { class: `row control ${control.type}`, "data-control": control.name });
    this.error = make("p", { class: "error", role: "alert", id: `${this.id}-error`, hidden: true });
    const label = make("label", { for: this.id, textContent: human(control.name, control.unit), title: control.text });
    this.back = make("button", {
      type: "button", class: "back", textContent: "↺", hidden: true, tabIndex: 0,
      title: `Back to ${control.default === "" ? "none" : control.default}`,
      "aria-label": `${human(control.name, control.unit)}: back to ${control.default === "" ? "none" : control.default}`,
      onclick: () => this.set(control.default),
    });
    this.change = change;
    const inputs = this.inputs();
    inputs.forEach((input) => {
      input.setAttribute("aria-describedby", this.error.id);
      input.title ||= control.text;
    });
    this.element.append(label, this.back, ...this.dress(inputs), this.error);
    this.paint();
  }

  /** A person's change. */
  set(value) {
    this.hold();
    this.value = value;
    this.error.hidden = true;
    this.paint();
    this.change(this.control.name, value);
  }

  hold() {
    this.#heldUntil = performance.now() + HELD_MS;
  }

  /** The renderer's word. */
  follow(value) {
    if (performance.now() < this.#heldUntil || this.busy() || value === this.value) return;
    this.value = value;
    this.paint(); // an error stays until the person's next change
  }

  refuse(answer) {
    this.#heldUntil = 0; // the next word of the renderer puts the old value back
    this.error.textContent = sentence(answer);
    this.error.hidden = false;
  }

  busy() {
    return false;
  }

  dress(inputs) {
    return inputs;
  }

  paint() {
    this.back.hidden = this.value === this.control.default;
  }
}

class NumberRow extends Row {
  typed = false; // and not sent yet

  inputs() {
    const { minimum, maximum, step, type } = this.control;
    const bounds = { min: minimum, max: maximum, step: type === "integer" ? 1 : step };
    this.slider = make("input", {
      type: "range", ...bounds, "aria-label": `${human(this.control.name, this.control.unit)}, slider`,
      oninput: () => this.set(Number(this.slider.value)),
    });
    this.exact = make("input", {
      type: "number", ...bounds, step: "any", id: this.id, inputMode: "decimal",
      oninput: () => (this.typed = true),
      onchange: () => {
        this.typed = false;
        if (this.exact.value !== "") this.set(Number(this.exact.value));
        else this.paint();
      },
      onkeydown: (event) => {
        if (event.key === "Enter") this.exact.blur();
        if (event.key === "ArrowUp" || event.key === "ArrowDown") {
          event.preventDefault();
          const by = (event.key === "ArrowUp" ? 1 : -1) * bounds.step * (event.shiftKey ? 10 : 1);
          this.set(Math.min(maximum, Math.max(minimum, Number((this.value + by).toFixed(6)))));
        }
      },
    });
    return [this.slider, this.exact];
  }

  dress([slider, exact]) {
    const unit = make("span", { class: "unit", textContent: UNITS[this.control.unit] ?? this.control.unit });
    const cell = make("span", { class: "exact" }, exact, unit);
    if (this.control.name !== "seed") return [slider, cell];
    const dice = make("button", {
      type: "button", class: "dice", textContent: "⚄", title: "Another seed", "aria-label": "Another seed",
      onclick: () => this.set(Math.floor(this.control.minimum + Math.random() * (this.control.maximum - this.control.minimum))),
    });
    return [slider, cell, dice];
  }

  busy() {
    return document.activeElement === this.exact && this.typed;
  }

  paint() {
    super.paint();
    this.slider.value = this.value;
    const { minimum, maximum, step } = this.control;
    const share = (Math.min(maximum, Math.max(minimum, this.value)) - minimum) / (maximum - minimum || 1);
    this.slider.style.setProperty("--share", `${share * 100}%`);
    this.exact.value = Number(Number(this.value).toFixed(digits(step) + 1));
  }
}

class ChoiceRow extends Row {
  inputs() {
    this.select = make("select", { id: this.id, onchange: () => this.set(this.select.value) });
    this.select.append(...this.control.choices.map((choice) => make("option", { value: choice, textContent: choice })));
    return [this.select];
  }

  paint() {
    super.paint();
    this.select.value = this.value;
  }
}

class ToggleRow extends Row {
  inputs() {
    this.box = make("input", { type: "checkbox", id: this.id, onchange: () => this.set(this.box.checked) });
    return [this.box];
  }

  paint() {
    super.paint();
    this.box.checked = this.value;
  }
}

/** A text with those that were set before: a list, and up and down keys. */
class TextRow extends Row {
  #past = [];
  #at = -1;

  inputs() {
    this.list = make("datalist", { id: `${this.id}-past` });
    this.input = make("input", {
      type: "text", id: this.id, autocomplete: "off", spellcheck: false, maxLength: 1024, placeholder: this.control.text.split(";")[0],
      onkeydown: (event) => this.#key(event),
      onchange: () => {
        if (this.input.value !== this.value) this.set(this.input.value);
      },
    });
    this.input.setAttribute("list", this.list.id);
    return [this.input];
  }

  dress([input]) {
    this.send = make("button", { type: "button", class: "send", textContent: "Set", onclick: () => this.set(input.value) });
    this.chips = make("div", { class: "past", "aria-label": "Prompts before", role: "group" });
    return [input, this.send, this.list, this.chips];
  }

  #key(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.#at = -1;
      this.set(this.input.value);
    } else if (event.key === "Escape") {
      this.input.value = this.value;
      this.input.blur();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      this.#at = Math.min(this.#past.length - 1, Math.max(-1, this.#at + (event.key === "ArrowUp" ? 1 : -1)));
      this.input.value = this.#at < 0 ? this.value : this.#past[this.#at];
    }
  }

  past(texts) {
    const newest = [...texts].reverse();
    if (JSON.stringify(newest) === JSON.stringify(this.#past)) return;
    this.#past = newest;
    this.list.replaceChildren(...newest.map((value) => make("option", { value })));
    this.chips.replaceChildren(
      ...newest.slice(0, 4).map((text) => make("button", { type: "button", textContent: text, title: text, onclick: () => this.set(text) }))
    );
  }

  busy() {
    return document.activeElement === this.input && this.input.value !== this.value;
  }

  paint() {
    super.paint();
    this.input.value = this.value;
  }
}

const ROWS = { number: NumberRow, integer: NumberRow, toggle: ToggleRow, choice: ChoiceRow, text: TextRow };

export class Controls {
  #steering;
  #rows = new Map();
  #dial = null;
  #schema = "";

  constructor(steering) {
    this.#steering = steering;
  }

  /** `state.controls` and what holds for the session. */
  follow(state, session) {
    const schema = JSON.stringify([state.controls, Boolean(session)]);
    if (schema !== this.#schema) {
      this.#schema = schema;
      this.#build(session ? state.controls : []);
    }
    if (!session) return;
    for (const [name, row] of this.#rows) {
      row.follow(session.values[name]);
      row.past?.(state.prompts);
    }
    this.#paintSun();
  }

  /** An error of a message that had these values: shown beside each. */
  refuse(values, answer) {
    for (const name of Object.keys(values)) this.#rows.get(name)?.refuse(answer);
  }

  focusPrompt() {
    const prompt = [...this.#rows.values()].find((row) => row.control.type === "text");
    prompt?.input.focus();
    prompt?.input.select();
  }

  #build(controls) {
    this.#rows = new Map(controls.map((control) => [control.name, new ROWS[control.type](control, (name, value) => this.#change(name, value))]));
    const places = { prompts: [], sun: [], look: [] };
    for (const [name, row] of this.#rows) {
      places[row.control.type === "text" ? "prompts" : SUN.test(name) ? "sun" : "look"].push(row.element);
    }
    this.#dial = null;
    const [azimuth, elevation] = ["sun_azimuth_deg", "sun_elevation_deg"].map((name) => this.#rows.get(name));
    if (azimuth && elevation) {
      this.#dial = new Dial((values) => {
        azimuth.set(values.azimuth);
        elevation.set(values.elevation);
      });
      places.sun.unshift(this.#dial.element);
    }
    for (const [id, rows] of Object.entries(places)) {
      const section = find(id);
      section.hidden = rows.length === 0;
      section.replaceChildren(...section.querySelectorAll("h2"), ...rows);
    }
  }

  #change(name, value) {
    const values = { [name]: value };
    // The sun stands where it was set last: by its angles, or by hour and place.
    const from = this.#rows.get("sun_from");
    const wanted = BY_HOUR.has(name) ? "hour" : BY_ANGLES.has(name) ? "angles" : null;
    if (from && wanted && from.value !== wanted && from.control.choices.includes(wanted)) {
      from.hold();
      from.value = wanted;
      from.paint();
      values.sun_from = wanted;
    }
    this.#steering.change({ values });
    this.#paintSun();
  }

  #paintSun() {
    if (!this.#dial) return;
    const from = this.#rows.get("sun_from")?.value ?? "angles";
    for (const [name, row] of this.#rows) {
      row.element.classList.toggle("resting", (BY_HOUR.has(name) && from !== "hour") || (BY_ANGLES.has(name) && from === "hour"));
    }
    this.#dial.show(this.#rows.get("sun_azimuth_deg").value, this.#rows.get("sun_elevation_deg").value, from === "hour");
  }
}

