// The page: lets itself in, listens, and gives every part its share of the newest state.

import { enter, entered, Link } from "./link.js";
import { Picture, VIEWS, emptyText } from "./picture.js";
import { Controls, Steering } from "./controls.js";
import { Charts } from "./charts.js";
import { Model, Owned, World } from "./world.js";
import { find, make, options, plain, say, segments, sentence } from "./dom.js";

const link = new Link();
const steering = new Steering(link);
const controls = new Controls(steering);
const owned = new Owned(steering);
const world = new World(link);
const model = new Model(link);
const picture = new Picture(link, (seen, place) => owned.offer(seen, place));
const charts = new Charts(link);
let state = null;
let chosen = { session: "", stream: "" };

const KEYS = [
  ["1 … 7", "views", null],
  ["W", "wipe between two views", () => picture.toggleWipe()],
  ["[ ]", "move the wipe", null],
  ["F", "the picture alone", () => picture.toggleLarge()],
  ["/", "prompt", () => controls.focusPrompt()],
  ["R", "record, or stop", () => find("record").hidden || find("record").click()],
  ["S", "name a snapshot", () => world.focusSnapshot()],
  ["Shift+X", "reset the world now", null],
  ["Ctrl+Z", "undo what was left to the engine", null],
  ["?", "this sheet", null],
];

function session() {
  return state?.sessions.find((each) => each.id === chosen.session) ?? null;
}

function paint() {
  const sessions = state?.sessions ?? [];
  if (!session()) chosen = { session: sessions[0]?.id ?? "", stream: "" };
  const now = session();
  if (!now?.streams.includes(chosen.stream)) chosen.stream = now?.streams[0] ?? "";
  options(find("session"), sessions.length ? sessions.map(({ id, name }) => ({ value: id, text: name })) : [{ value: "", text: "none yet" }], chosen.session);
  find("session").disabled = sessions.length < 2;
  const streams = now && now.streams.length > 1 ? now.streams : [];
  segments(find("streams"), streams.map((value) => ({ value, text: value })), chosen.stream, (stream) => {
    chosen.stream = stream;
    paint();
  });
  if (!state) return emptyText(state, null, "");
  steering.to(chosen.session);
  picture.show(now, chosen.stream);
  emptyText(state, now, chosen.stream);
  controls.follow(state, now);
  owned.follow(state, now);
  world.follow(state, now, chosen.stream);
  model.follow(state);
  charts.follow(now, chosen.stream);
  paintRecord(now);
  paintFacts(now);
}

function paintRecord(now) {
  const record = find("record");
  record.hidden = !state.can_record || !now;
  const going = Boolean(now?.take);
  record.setAttribute("aria-pressed", String(going));
  say(record.lastElementChild, going ? "Stop" : "Record");
  record.title = going ? `Recording into ${now.take} (R)` : "Record a take (R)";
}

function paintFacts(now) {
  const painter = { model: `${state.model} on ${state.runtime}`, licence: state.licence };
  const ends = Object.entries(now?.dispositions ?? {}).map(([name, count]) => `${count} ${name}`).join(", ");
  const facts = !now ? painter : {
    engine: now.engine || now.name, size: `${now.width} × ${now.height}`, shows: `${now.sync}, ${now.late} when late`,
    planes: now.transport === "shm" ? "in shared memory" : now.transport, ...painter, frames: ends || "none yet", take: now.take,
  };
  say(find("about-title"), now ? "Engine" : "Renderer");
  const key = JSON.stringify(facts);
  const list = find("facts");
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...Object.entries(facts).filter(([, text]) => text).map(([name, text]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: text }))));
}

function paintHealth({ level, what, fix }) {
  const line = find("health");
  line.dataset.level = level;
  say(line.children[1], plain(what));
  say(line.children[2], plain(fix));
}

function openDoor(refused) {
  find("door").hidden = false;
  find("door-what").textContent = `${plain(refused.what)}.`;
  find("door-fix").textContent = plain(refused.fix);
  find("token").focus();
}

async function comeIn(token) {
  const refused = token ? await enter(token) : await entered();
  if (refused) {
    openDoor(refused);
    return;
  }
  find("door").hidden = true;
  link.connect();
}

link.addEventListener("open", () => picture.renew());
link.addEventListener("state", ({ detail }) => {
  state = detail;
  paintHealth(state.health);
  paint();
});
link.addEventListener("lost", () => paintHealth({ level: "bad", what: "The renderer does not answer", fix: "It was stopped, or hangs. This page goes on when it is back." }));
link.addEventListener("shut", ({ detail }) => openDoor(detail));
link.addEventListener("answer", ({ detail }) => paintHealth({ level: "bad", what: detail.what, fix: detail.fix }));
steering.onerror = (message, answer) => {
  controls.refuse(message.values ?? {}, answer);
  if (["engine_objects", "engine_labels", "plate_near_m", "plate_far_m"].some((name) => name in message)) owned.refuse(answer);
};

find("session").onchange = ({ target }) => {
  chosen = { session: target.value, stream: "" };
  paint();
};
find("record").onclick = async () => {
  const now = session();
  if (!now) return;
  const answer = await link.ask({ do: "record", session: now.id, on: !now.take });
  if (answer.code) paintHealth({ level: "bad", what: answer.what, fix: answer.fix });
};
find("link").onclick = async () => {
  const said = await link.ask({ do: "link" });
  find("link-text").value = said.token ? `${location.origin}/#token=${said.token}` : sentence(said);
  find("link-sheet").showModal();
  find("link-text").select();
};
find("help").onclick = () => find("keys").showModal();
find("keys-list").append(...KEYS.map(([keys, text]) => make("div", {}, make("dt", {}, ...keys.split(" ").map((key) => (key === "…" ? "…" : make("kbd", { textContent: key })))), make("dd", { textContent: text }))));
find("enter").onsubmit = (event) => {
  event.preventDefault();
  comeIn(find("token").value.split("#token=").pop().trim());
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && owned.menuOpen) owned.closeMenu();
  if (document.querySelector("dialog[open]") || !find("door").hidden) return;
  const typing = event.target.matches?.('input:not([type="range"]):not([type="checkbox"]), select, textarea');
  if (event.ctrlKey || event.metaKey) {
    if (event.key === "z" && !typing) {
      event.preventDefault();
      owned.undo();
    }
    return;
  }
  if (typing || event.altKey) return;
  const view = VIEWS[Number(event.key) - 1];
  const plain = KEYS.find(([keys, , act]) => act && keys.toLowerCase() === event.key.toLowerCase());
  if (view) picture.choose(view);
  else if (event.key === "?") find("keys").showModal();
  else if (event.key === "[" || event.key === "]") picture.nudgeWipe(event.key === "[" ? -1 : 1);
  else if (event.key === "X") world.reset();
  else if (plain && !event.shiftKey) plain[2]();
  else return;
  event.preventDefault();
});

// A token works once and must not stay in the address or the history.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) history.replaceState(null, "", "/");
comeIn(token);
