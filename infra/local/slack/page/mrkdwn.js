// Slack's mrkdwn as elements. https://docs.slack.dev/messaging/formatting-message-text
// Nothing here ever becomes markup: every piece is made as an element or as text.

import { link, make } from "./dom.js";

const EMOJI = {
  rotating_light: "🚨", warning: "⚠️", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌",
  no_entry: "⛔", fire: "🔥", eyes: "👀", rewind: "⏪", hourglass: "⌛", hourglass_flowing_sand: "⏳",
  hammer_and_wrench: "🛠️", wrench: "🔧", mag: "🔍", bell: "🔔", no_bell: "🔕", lock: "🔒", unlock: "🔓",
  snowflake: "❄️", tada: "🎉", rocket: "🚀", red_circle: "🔴", large_orange_circle: "🟠",
  large_yellow_circle: "🟡", large_green_circle: "🟢", large_blue_circle: "🔵", white_circle: "⚪",
  arrow_right: "➡️", arrows_counterclockwise: "🔄", information_source: "ℹ️", memo: "📝", book: "📖",
  link: "🔗", stopwatch: "⏱️", clock1: "🕐", pager: "📟", telephone_receiver: "📞", bar_chart: "📊",
  chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", shield: "🛡️", key: "🔑",
  wave: "👋", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", bust_in_silhouette: "👤",
  busts_in_silhouette: "👥", construction: "🚧", double_vertical_bar: "⏸️", repeat: "🔁", zap: "⚡",
};

const PIECE = new RegExp(
  [
    "```\\n?(?<block>[\\s\\S]+?)\\n?```",
    "`(?<code>[^`\\n]+)`",
    "<(?<angle>[^<>\\n]+)>",
    "(?<![\\w*])\\*(?<bold>(?! )[^*\\n]+(?<! ))\\*(?![\\w*])",
    "(?<![\\w_])_(?<italic>(?! )[^_\\n]+(?<! ))_(?![\\w_])",
    "(?<![\\w~])~(?<strike>(?! )[^~\\n]+(?<! ))~(?![\\w~])",
    ":(?<emoji>[a-z0-9_+-]+):",
    "(?<newline>\\n)",
  ].join("|"),
  "g",
);

/** `text` as a fragment; `names` finds the name of a user or channel by id. */
export function mrkdwn(text, names) {
  const fragment = document.createDocumentFragment();
  let quote = null;
  for (const { quoted, lines } of groups(text)) {
    if (quoted) {
      quote = make("blockquote");
      quote.append(inline(lines.join("\n"), names));
      fragment.append(quote);
    } else {
      fragment.append(inline(lines.join("\n"), names));
    }
  }
  return fragment;
}

/** Text that Slack takes literally, but for emoji and line breaks. */
export function plain(text) {
  const fragment = document.createDocumentFragment();
  for (const [index, line] of unescape(text).split("\n").entries()) {
    if (index) fragment.append(make("br"));
    fragment.append(line.replace(/:([a-z0-9_+-]+):/g, (all, name) => emoji(name) ?? all));
  }
  return fragment;
}

/** A text object of Block Kit. */
export function textObject(object, names) {
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : plain(object.text);
}

/** Lines in groups, quoted (`>`) and not; lines within ``` are never quotes. */
function groups(text) {
  const found = [];
  let fenced = false;
  for (const line of text.split("\n")) {
    const quoted = !fenced && /^(>|&gt;) ?/.test(line);
    if ((line.split("```").length - 1) % 2) fenced = !fenced;
    const kept = quoted ? line.replace(/^(>|&gt;) ?/, "") : line;
    const last = found.at(-1);
    if (last && last.quoted === quoted) last.lines.push(kept);
    else found.push({ quoted, lines: [kept] });
  }
  return found;
}

function inline(text, names) {
  const fragment = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(PIECE)) {
    fragment.append(unescape(text.slice(end, match.index)), piece(match, names));
    end = match.index + match[0].length;
  }
  fragment.append(unescape(text.slice(end)));
  return fragment;
}

function piece(match, names) {
  const { block, code, angle, bold, italic, strike, emoji: name } = match.groups;
  if (block !== undefined) return make("pre", { tabindex: "0" }, unescape(block));
  if (code !== undefined) return make("code", {}, unescape(code));
  if (angle !== undefined) return reference(angle, names);
  if (bold !== undefined) return make("strong", {}, inline(bold, names));
  if (italic !== undefined) return make("em", {}, inline(italic, names));
  if (strike !== undefined) return make("s", {}, inline(strike, names));
  if (name !== undefined) return emoji(name) ?? match[0];
  return make("br");
}

/** What stands between < and >: a link, a mention, a date. */
function reference(content, names) {
  const bar = content.indexOf("|");
  const target = bar < 0 ? content : content.slice(0, bar);
  const label = bar < 0 ? null : unescape(content.slice(bar + 1));
  if (target.startsWith("@")) return make("span.mention", {}, `@${names.user(target.slice(1), label)}`);
  if (target.startsWith("#")) return make("span.mention", {}, `#${names.channel(target.slice(1), label)}`);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return make("span.mention", {}, `@${label ?? target.slice(1)}`);
  return link(unescape(target), label ?? unescape(target));
}

/** `!date^SECONDS^FORMAT^LINK`: the fallback, with the exact time for whoever points at it. */
function date(target, label) {
  const seconds = Number(target.split("^")[1]);
  const when = new Date(seconds * 1000);
  if (Number.isNaN(when.getTime())) return label ?? target;
  return make("time", { datetime: when.toISOString(), title: when.toString() }, label ?? when.toLocaleString());
}

const emoji = (name) => (Object.hasOwn(EMOJI, name) ? EMOJI[name] : null);

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
