// The page: what is known, who is looking, and what that person sees and does.

import { confirmed } from "./confirm.js";
import { byId, make } from "./dom.js";
import { follow, post, trouble } from "./feed.js";
import { renderMessages } from "./messages.js";
import { closeModal, showModal, watchModal } from "./modal.js";

const state = {
  people: [], channels: [], bot: "",
  messages: new Map(), views: new Map(),
  me: null, channel: null, replyingTo: null,
  read: new Map(), // channel id -> the last timestamp seen
  problems: new Map(), // message ts -> why its button did not work
  typed: [],
};

const names = {
  user: (id, label) => label ?? state.people.find((p) => p.id === id)?.handle ?? (id === state.bot ? "switchman" : id),
  channel: (id, label) => label ?? state.channels.find((c) => c.id === id)?.name.slice(1) ?? id,
};

function author(id) {
  const person = state.people.find((p) => p.id === id);
  if (person) return { ...person, isApp: false };
  return { id, name: id === "USLACKBOT" ? "Slackbot" : "Switchman", title: "", isApp: true };
}

const isMine = (message) => !message.ephemeral_to || message.ephemeral_to === state.me;
const visibleChannels = () =>
  state.channels.filter((c) => c.kind === "channel" || c.members.includes(state.me));
const inChannel = (id) =>
  [...state.messages.values()].filter((m) => m.channel_id === id && isMine(m)).sort(byTime);
const byTime = (one, other) => (one.ts.padStart(20, "0") < other.ts.padStart(20, "0") ? -1 : 1);
const label = (channel) =>
  channel.kind === "channel" ? channel.name : channel.kind === "im" ? "Switchman" : channel.name.slice(1);

function receive(answer, isFirst) {
  if (isFirst) {
    state.messages.clear();
    state.views.clear();
  }
  state.people = answer.people;
  state.channels = answer.channels;
  state.bot = answer.bot;
  for (const message of answer.messages) {
    if (message.deleted) state.messages.delete(message.ts);
    else state.messages.set(message.ts, message);
    state.problems.delete(message.ts);
  }
  for (const view of answer.views) {
    if (view.open) state.views.set(view.id, view);
    else state.views.delete(view.id);
  }
  if (isFirst) settle();
  render();
}

/** Chooses who looks at which channel: as the address says, else as last time, else the first. */
function settle() {
  const asked = new URLSearchParams(location.search).get("as") ?? sessionStorage.getItem("person");
  const person = state.people.find((p) => [p.id, p.handle].includes(state.me ?? asked)) ?? state.people[0];
  state.me = person.id;
  for (const channel of state.channels) state.read.set(channel.id, inChannel(channel.id).at(-1)?.ts ?? "");
  goToAddress();
}

/** The channel with the newest message, else the first. */
function busiest() {
  const newest = (channel) => inChannel(channel.id).at(-1)?.ts ?? "";
  return visibleChannels().reduce((best, each) => (newest(each) > newest(best) ? each : best));
}

function goToAddress() {
  const [channelId, place] = location.hash.slice(1).split("/");
  const found = visibleChannels().find((c) => [c.id, c.name.slice(1)].includes(channelId));
  state.channel = found?.id ?? state.channel ?? busiest().id;
  const micros = place?.slice(1) ?? "";
  const ts = `${micros.slice(0, -6)}.${micros.slice(-6)}`;
  requestAnimationFrame(() => document.querySelector(`[data-ts="${CSS.escape(ts)}"]`)?.focus());
}

function render() {
  if (!visibleChannels().some((c) => c.id === state.channel)) state.channel = visibleChannels()[0].id;
  renderPeople();
  renderChannels();
  renderConversation();
  const mine = [...state.views.values()].filter((view) => view.user === state.me);
  showModal(mine.at(-1) ?? null, state.me, names);
}

function renderPeople() {
  const select = byId("person");
  const version = JSON.stringify(state.people);
  if (select.dataset.version !== version) {
    select.dataset.version = version;
    select.replaceChildren(...state.people.map((p) =>
      make("option", { value: p.id }, p.title ? `${p.name}, ${p.title}` : p.name)));
  }
  select.value = state.me;
}

function renderChannels() {
  const open = visibleChannels();
  const item = (channel) => {
    const current = channel.id === state.channel;
    const last = state.read.get(channel.id) ?? "";
    const unread = current ? 0 : inChannel(channel.id).filter((m) => m.ts > last && m.user !== state.me).length;
    return make("li", {}, make(unread ? "button.unread" : "button",
      { type: "button", "aria-current": current ? "page" : null, onclick: () => choose(channel.id) },
      make("span", {}, label(channel)),
      unread ? make("span.badge", { "aria-label": `${unread} new` }, String(unread)) : null));
  };
  const directs = open.filter((c) => c.kind !== "channel");
  byId("channels").replaceChildren(...open.filter((c) => c.kind === "channel").map(item));
  byId("directs").replaceChildren(...directs.map(item));
  byId("no-directs").hidden = directs.length > 0;
}

function renderConversation() {
  const channel = state.channels.find((c) => c.id === state.channel);
  const list = byId("messages");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const moved = list.dataset.channel !== `${channel.id} ${state.me}`;
  if (moved) {
    list.dataset.channel = `${channel.id} ${state.me}`;
    list.replaceChildren();
  }
  const found = inChannel(channel.id);
  renderMessages(list, found, { names, author, press, reply, problems: state.problems, me: state.me });
  if (!found.length) list.replaceChildren(make("p.empty", {}, "Nothing here yet. Alerts and answers will appear by themselves."));
  state.read.set(channel.id, found.at(-1)?.ts ?? "");
  byId("title").textContent = label(channel);
  byId("topic").textContent = channel.kind === "channel"
    ? `${state.people.length} people and Switchman` : "Only you and Switchman";
  byId("text").placeholder = `Message ${label(channel)}, or /switchman help`;
  byId("replying").hidden = state.replyingTo === null;
  document.title = `${label(channel)} · Slack, simulated`;
  if (moved || atEnd) list.scrollTop = list.scrollHeight;
}

function choose(channelId) {
  state.channel = channelId;
  state.replyingTo = null;
  history.replaceState(null, "", `#${channelId}`);
  openMenu(false);
  render();
}

function reply(ts) {
  state.replyingTo = ts;
  render();
  byId("text").focus();
}

async function press(message, button, made) {
  if (button.url) window.open(button.url, "_blank", "noopener");
  if (button.confirm && !(await confirmed(button.confirm, names))) return;
  made.disabled = true;
  made.classList.add("busy");
  const outcome = await post("press", { ts: message.ts, action_id: button.action_id, user: state.me });
  made.disabled = false;
  made.classList.remove("busy");
  const words = trouble(outcome);
  if (words) state.problems.set(message.ts, words);
  else state.problems.delete(message.ts);
  render();
}

async function send(event) {
  event.preventDefault();
  const field = byId("text");
  const text = field.value.trim();
  if (!text) return;
  state.typed.unshift(text);
  field.value = "";
  grow();
  const where = { user: state.me, channel: state.channel };
  const [command, ...words] = text.split(/\s+/);
  const outcome = command.startsWith("/")
    ? await post("command", { ...where, command, text: words.join(" ") })
    : await post("say", { ...where, text, thread_ts: state.replyingTo });
  const shownInChannel = ["operation_timeout", "dispatch_failed"].includes(outcome.error);
  byId("failed").hidden = !outcome.error || shownInChannel;
  byId("failed").textContent = outcome.error ?? "";
  if (outcome.error && !shownInChannel) field.value ||= text;
  byId("messages").scrollTop = byId("messages").scrollHeight;
}

function grow() {
  const field = byId("text");
  field.rows = Math.min(6, field.value.split("\n").length);
}

function keys(event) {
  if (event.isComposing) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    byId("composer").requestSubmit();
  } else if (event.key === "ArrowUp" && event.target.value === "" && state.typed.length) {
    event.preventDefault();
    event.target.value = state.typed[0];
  }
}

let wasUp = true;

function connection(isUp) {
  const note = byId("connection");
  if (isUp && !wasUp) {
    note.textContent = "Connected again.";
    note.classList.remove("down");
    setTimeout(() => { if (wasUp) note.hidden = true; }, 2500);
  } else if (!isUp) {
    note.textContent = "The simulator does not answer. Trying again by itself…";
    note.classList.add("down");
    note.hidden = false;
  }
  wasUp = isUp;
}

function openMenu(isOpen) {
  byId("menu").setAttribute("aria-expanded", String(isOpen));
  document.body.classList.toggle("menu-open", isOpen);
}

byId("menu").addEventListener("click", () => openMenu(!document.body.classList.contains("menu-open")));
byId("person").addEventListener("change", (event) => {
  state.me = event.target.value;
  state.replyingTo = null;
  sessionStorage.setItem("person", state.me);
  render();
});
byId("stop-replying").addEventListener("click", () => { state.replyingTo = null; render(); });
byId("composer").addEventListener("submit", send);
byId("text").addEventListener("keydown", keys);
byId("text").addEventListener("input", grow);
window.addEventListener("hashchange", () => { goToAddress(); render(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") openMenu(false); });
watchModal(closeModal);
follow(receive, connection);
