// Messages as a person sees them: by day, with threads, each replaced in place when it changes.

import { renderBlocks } from "./blocks.js";
import { make } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

const CLOSE_TOGETHER = 300; // seconds within which a person's messages share one heading
const HUES = 6;

const seconds = (ts) => Number(ts.split(".")[0]);
const day = (ts) => new Date(seconds(ts) * 1000).toDateString();

/** Fills `list` with `messages` (oldest first), touching only what is new or changed. */
export function renderMessages(list, messages, context) {
  const wanted = rows(messages, context);
  const old = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const nodes = wanted.map(({ key, version, build }) => {
    const before = old.get(key);
    if (before && before.dataset.version === version) return before;
    const made = build();
    made.dataset.key = key;
    made.dataset.version = version;
    if (old.size) made.classList.add("fresh");
    if (before) keepFocus(before, made);
    return made;
  });
  const kept = new Set(nodes);
  for (const child of [...list.children]) if (!kept.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
}

/** When the button that had the focus is replaced, the focus stays at the same place. */
function keepFocus(before, after) {
  if (!before.contains(document.activeElement)) return;
  const { action } = document.activeElement.dataset;
  requestAnimationFrame(() => {
    const same = [...after.querySelectorAll("[data-action]")].find((item) => item.dataset.action === action);
    (same ?? after).focus({ preventScroll: true });
  });
}

/** What the list consists of: day lines, messages, and each thread below its parent. */
function rows(messages, context) {
  const replies = Map.groupBy(messages.filter((m) => m.thread_ts), (m) => m.thread_ts);
  const top = messages.filter((m) => !m.thread_ts);
  const present = new Set(top.map((m) => m.ts));
  const found = [];
  let previous = null;
  for (const message of top) {
    if (!previous || day(previous.ts) !== day(message.ts)) found.push(dayLine(message.ts));
    const thread = replies.get(message.ts) ?? [];
    found.push(row(message, { context, previous, count: thread.length, inThread: false }));
    thread.forEach((reply, index) => {
      found.push(row(reply, { context, previous: thread[index - 1] ?? null, count: 0, inThread: true }));
    });
    previous = thread.length ? { user: null, ts: message.ts } : message;
  }
  for (const [parent, orphans] of replies) {
    if (!present.has(parent)) {
      found.push(...orphans.map((m) => row(m, { context, previous: null, count: 0, inThread: true })));
    }
  }
  return found;
}

function dayLine(ts) {
  const text = day(ts) === new Date().toDateString()
    ? "Today"
    : new Date(seconds(ts) * 1000).toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" });
  return { key: `day ${day(ts)}`, version: text, build: () => make("div.day", { role: "separator" }, make("span", {}, text)) };
}

function row(message, { context, previous, count, inThread }) {
  const follows = previous !== null && previous.user === message.user && !message.ephemeral_to
    && !previous.ephemeral_to && seconds(message.ts) - seconds(previous.ts) < CLOSE_TOGETHER;
  const problem = context.problems.get(message.ts) ?? "";
  const version = JSON.stringify([message, follows, count, problem, context.me]);
  return { key: message.ts, version, build: () => element(message, { context, follows, count, inThread, problem }) };
}

function element(message, { context, follows, count, inThread, problem }) {
  const who = context.author(message.user);
  const classes = [inThread && "reply", follows && "follows", message.ephemeral_to && "ephemeral"].filter(Boolean);
  const body = make("div.body", {},
    message.ephemeral_to ? make("p.only-you", {}, "👁 Only visible to you") : null,
    follows ? null : heading(message, who),
    content(message, context),
    problem ? make("p.failed", { role: "alert" }, `⚠ ${problem}`) : null,
    footer(message, { context, count, inThread }));
  return make(["article.message", ...classes].join("."),
    { "data-ts": message.ts, tabindex: "-1", "aria-label": `${who.name}, ${clock(message.ts)}` },
    follows ? make("time.gutter", { datetime: iso(message.ts), "aria-hidden": "true" }, clock(message.ts)) : avatar(who),
    body);
}

const iso = (ts) => new Date(seconds(ts) * 1000).toISOString();
const clock = (ts) =>
  new Date(seconds(ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function heading(message, who) {
  return make("p.who", {},
    make("strong", {}, who.name),
    who.isApp ? make("span.app", {}, "APP") : null,
    who.title ? make("span.role", {}, who.title) : null,
    make("time", { datetime: iso(message.ts), title: new Date(seconds(message.ts) * 1000).toString() }, clock(message.ts)));
}

function content(message, context) {
  const press = (button, made) => context.press(message, button, made);
  const edited = message.edited ? make("span.edited", {}, " (edited)") : null;
  if (message.blocks.length) {
    return make("div.blocks", {}, renderBlocks(message.blocks, { names: context.names, press }), edited);
  }
  return make("div.text", {}, mrkdwn(message.text, context.names), edited);
}

function footer(message, { context, count, inThread }) {
  if (inThread || message.ephemeral_to) return null;
  const words = count === 1 ? "1 reply" : `${count} replies`;
  const label = count ? `${words} · Reply` : "Reply in thread";
  const reply = make("button.thread", { type: "button", onclick: () => context.reply(message.ts) }, label);
  if (!count) reply.classList.add("quiet");
  return reply;
}

function avatar(who) {
  const hue = who.isApp ? "app-hue" : `hue-${[...who.id].reduce((sum, c) => sum + c.charCodeAt(0), 0) % HUES}`;
  const initials = who.name.split(" ").map((word) => word[0]).slice(0, 2).join("");
  if (who.isApp) return make("img.avatar", { src: "/sim/slack/assets/icon.svg", alt: "" });
  return make(`span.avatar.${hue}`, { "aria-hidden": "true" }, initials);
}
