// The sky from below: the sun's azimuth around, its elevation towards the middle. North (-Z) is up, east (+X) right.

import { make } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const RADIUS = 64; // of the horizon, in the picture's own units
const BELOW = 22; // from the horizon down to the lowest sun
const LOWEST_DEG = -30;
const KEYS = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowUp: [0, 2], ArrowDown: [0, -2] };

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const radiusOf = (elevation) => (elevation >= 0 ? RADIUS * (1 - elevation / 90) : RADIUS + (BELOW * elevation) / LOWEST_DEG);
const elevationOf = (radius) => (radius <= RADIUS ? 90 * (1 - radius / RADIUS) : (LOWEST_DEG * (radius - RADIUS)) / BELOW);

export class Dial {
  #azimuth = 0;
  #elevation = 0;
  #change;

  /** `change({azimuth, elevation})`, in degrees, when the sun is moved. */
  constructor(change) {
    this.#change = change;
    const reach = RADIUS + BELOW;
    this.ray = draw("line", { class: "ray", x1: 0, y1: 0 });
    this.sun = draw("g", { class: "sun", tabindex: 0, role: "slider", "aria-label": "Sun: arrows turn and raise it", "aria-valuemin": 0, "aria-valuemax": 360 },
      draw("circle", { r: 14, class: "grip" }), draw("circle", { r: 7, class: "disc" }));
    const letters = [["N", 0, -1], ["E", 1, 0], ["S", 0, 1], ["W", -1, 0]].map(([letter, x, y]) => {
      const text = draw("text", { x: x * (reach + 9), y: y * (reach + 9) });
      text.textContent = letter;
      return text;
    });
    this.picture = draw("svg", { viewBox: `${-reach - 18} ${-reach - 18} ${2 * reach + 36} ${2 * reach + 36}`, class: "dial" },
      draw("circle", { r: reach, class: "night" }), draw("circle", { r: RADIUS, class: "sky" }),
      draw("circle", { r: (RADIUS * 2) / 3, class: "ring" }), draw("circle", { r: RADIUS / 3, class: "ring" }),
      ...letters, this.ray, this.sun);
    this.text = make("p", { class: "dial-text" });
    this.element = make("div", { class: "dial-box" }, this.picture, this.text);
    this.picture.onpointerdown = (event) => {
      this.picture.setPointerCapture(event.pointerId);
      this.sun.focus();
      this.#drag(event);
      event.preventDefault();
    };
    this.picture.onpointermove = (event) => {
      if (this.picture.hasPointerCapture(event.pointerId)) this.#drag(event);
    };
    this.sun.onkeydown = (event) => {
      const by = KEYS[event.key];
      if (!by) return;
      event.preventDefault();
      this.#move(this.#azimuth + by[0], this.#elevation + by[1]);
    };
  }

  /** `resting`: the sun follows the hour, and these angles wait. */
  show(azimuth, elevation, resting) {
    this.#azimuth = azimuth;
    this.#elevation = elevation;
    const turn = (azimuth * Math.PI) / 180;
    const radius = radiusOf(elevation);
    const [x, y] = [Math.sin(turn) * radius, -Math.cos(turn) * radius];
    this.sun.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
    this.ray.setAttribute("x2", x.toFixed(2));
    this.ray.setAttribute("y2", y.toFixed(2));
    const text = `azimuth ${Math.round(azimuth)}°, elevation ${Math.round(elevation)}°`;
    this.sun.setAttribute("aria-valuenow", String(Math.round(azimuth)));
    this.sun.setAttribute("aria-valuetext", text);
    this.picture.classList.toggle("resting", resting);
    this.picture.classList.toggle("down", elevation < 0);
    this.text.textContent = resting ? "The sun follows the hour." : elevation < -5 ? "night" : elevation < 0 ? "below the horizon" : elevation < 10 ? "low sun" : elevation > 60 ? "high sun" : "";
  }

  #drag(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.picture.getScreenCTM().inverse());
    const turn = (Math.atan2(point.x, -point.y) * 180) / Math.PI;
    this.#move(turn, elevationOf(Math.hypot(point.x, point.y)));
  }

  #move(azimuth, elevation) {
    this.#change({ azimuth: Math.round((azimuth + 360) % 360), elevation: Math.round(Math.min(90, Math.max(LOWEST_DEG, elevation)) * 2) / 2 });
  }
}
