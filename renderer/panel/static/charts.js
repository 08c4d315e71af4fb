// Live charts of the last seconds: plates per second, frame age, and where a frame's time goes.

import { find, make } from "./dom.js";

const WINDOW_MS = 15_000;
const RATE_FRAMES = 8; // that a rate is taken over: single gaps jump
const STAGES = ["ingest", "recall", "generate", "blend", "mark"];
const COLORS = ["#6d7f96", "#8f7fb0", "#d9a05b", "#6fa8a0", "#b0b4bb"];
const LINE = "#9db4cf";
const INK = "#7d828b";

/** The value below which `share` of them lie. */
export function percentile(values, share) {
  if (!values.length) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

const show = (value) => (Number.isNaN(value) ? "–" : value >= 100 ? value.toFixed(0) : value.toFixed(1));

function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-3)));
  return [1, 2, 3, 5, 8, 10].map((step) => step * power).find((each) => each >= value) ?? 10 * power;
}

export class Charts {
  #samples = [];
  #key = "";
  #link;

  constructor(link) {
    this.#link = link;
    link.addEventListener("samples", ({ detail }) => this.#take(detail.samples));
    setInterval(() => this.#paint(), 250);
    this.#legend();
  }

  /** The stream that is looked at. */
  follow(session, stream) {
    const key = `${session?.id} ${stream}`;
    if (key !== this.#key) this.#samples = [];
    this.#key = key;
  }

  #take(samples) {
    this.#samples.push(...samples.filter((sample) => `${sample.session} ${sample.stream}` === this.#key));
    const from = this.#link.now() - WINDOW_MS - 1000;
    this.#samples = this.#samples.filter((sample) => sample.at_ms >= from);
  }

  #paint() {
    if (document.hidden || document.body.classList.contains("large")) return;
    const now = this.#link.now();
    const samples = this.#samples.filter((sample) => sample.at_ms >= now - WINDOW_MS);
    const later = samples.slice(RATE_FRAMES);
    const rates = later.map((sample, n) => (RATE_FRAMES * 1000) / Math.max(sample.at_ms - samples[n].at_ms, 0.1));
    this.#line("chart-fps", later, rates, now, "");
    this.#line("chart-age", samples, samples.map((sample) => sample.age_ms), now, " ms");
    this.#stages(samples, now);
    const last = samples.filter((sample) => sample.at_ms >= now - 2500);
    const span = last.length > 1 ? last.at(-1).at_ms - last[0].at_ms : 0;
    find("gauge-fps").textContent = span ? (((last.length - 1) * 1000) / span).toFixed(1) : "–";
    find("gauge-age").textContent = last.length ? `${Math.round(percentile(last.map((sample) => sample.age_ms), 0.5))} ms` : "–";
  }

  #line(id, samples, values, now, unit) {
    // Of a rate the bad end is the low one: p95 is what 95 % of the frames reach.
    const of = (share) => show(percentile(values, unit ? share : 1 - share));
    find(id).querySelector("span").textContent = `p50 ${of(0.5)}  p95 ${of(0.95)}  p99 ${of(0.99)}${unit}`;
    const { context, width, height, top } = this.#axes(id, Math.max(1, percentile(values, 0.995) || 1), unit);
    context.strokeStyle = LINE;
    context.lineWidth = 1.25;
    context.beginPath();
    samples.forEach((sample, n) => {
      const x = width * (1 - (now - sample.at_ms) / WINDOW_MS);
      const y = height - 1 - (Math.min(values[n], top) / top) * (height - 14);
      if (n) context.lineTo(x, y);
      else context.moveTo(x, y);
    });
    context.stroke();
  }

  #stages(samples, now) {
    const totals = samples.map((sample) => STAGES.reduce((sum, stage) => sum + (sample.stages_ms[stage] ?? 0), 0));
    const of = (share) => show(percentile(totals, share));
    find("chart-stages").querySelector("span").textContent = `p50 ${of(0.5)}  p95 ${of(0.95)}  p99 ${of(0.99)} ms`;
    STAGES.forEach((stage, n) => {
      const middle = percentile(samples.map((sample) => sample.stages_ms[stage] ?? 0), 0.5);
      find("legend").children[n].lastChild.textContent = `${stage} ${show(middle)}`;
      find("legend").children[n].hidden = !(middle >= 0.05); // what takes no time needs no colour
    });
    const { context, width, height, top } = this.#axes("chart-stages", Math.max(1, percentile(totals, 0.995) || 1), " ms");
    const each = Math.max(1, (width / Math.max(samples.length, 60)) * 0.9);
    for (const sample of samples) {
      const x = width * (1 - (now - sample.at_ms) / WINDOW_MS);
      let y = height - 1;
      STAGES.forEach((stage, n) => {
        const tall = ((sample.stages_ms[stage] ?? 0) / top) * (height - 14);
        context.fillStyle = COLORS[n];
        context.fillRect(x, y - tall, each, tall);
        y -= tall;
      });
    }
  }

  #axes(id, most, unit) {
    const canvas = find(id).querySelector("canvas");
    const ratio = window.devicePixelRatio;
    const { clientWidth: width, clientHeight: height } = canvas;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const top = ceiling(most * 1.1);
    context.font = "10px system-ui, sans-serif";
    context.fillStyle = INK;
    context.strokeStyle = "#262a30";
    for (const share of [0, 0.5, 1]) {
      const y = Math.round(height - 1 - share * (height - 14)) + 0.5;
      context.beginPath();
      context.moveTo(0, y);
      context.lineTo(width, y);
      context.stroke();
      if (share) context.fillText(`${Number((top * share).toFixed(2))}${unit}`, 1, y - 3);
    }
    return { context, width, height, top };
  }

  #legend() {
    const items = STAGES.map((stage, n) => {
      const spot = make("i");
      spot.style.background = COLORS[n];
      return make("span", {}, spot, make("b", { textContent: stage }));
    });
    find("chart-stages").append(make("div", { class: "legend", id: "legend" }, ...items));
  }
}
