// Block Kit as elements. https://docs.slack.dev/reference/block-kit/blocks

import { link, make } from "./dom.js";
import { textObject } from "./mrkdwn.js";

/** `blocks` as a fragment; `context` has `names`, `press` (null where nothing can be pressed). */
export function renderBlocks(blocks, context) {
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks.map((block) => (BLOCKS[block.type] ?? unknown)(block, context)));
  return fragment;
}

const BLOCKS = {
  header: (block, { names }) => make("h3.bk-header", {}, textObject(block.text, names)),
  divider: () => make("hr.bk-divider"),
  section,
  context: (block, { names }) => make("div.bk-context", {}, ...block.elements.map((e) => contextElement(e, names))),
  actions: (block, context) =>
    make("div.bk-actions", { role: "group" }, ...block.elements.map((e) => element(e, block, context))),
  image: (block) => make("p.bk-image", {}, imageLink(block)),
};

function section(block, context) {
  const body = make("div.bk-body");
  if (block.text) body.append(make("div.bk-text", {}, textObject(block.text, context.names)));
  if (block.fields) {
    const fields = block.fields.map((field) => make("div.bk-field", {}, textObject(field, context.names)));
    body.append(make("div.bk-fields", {}, ...fields));
  }
  const accessory = block.accessory ? element(block.accessory, block, context) : null;
  return make("div.bk-section", {}, body, accessory);
}

const contextElement = (item, names) =>
  make("span", {}, item.type === "image" ? imageLink(item) : textObject(item, names));

const imageLink = (item) => link(item.image_url ?? "", `🖼 ${item.alt_text || "image"}`);

function element(item, block, context) {
  if (item.type === "image") return imageLink(item);
  if (item.type === "button") return button(item, block, context);
  const note = `A ${item.type.replaceAll("_", " ")} works in modals only here`;
  return make("span.bk-unknown", {}, note);
}

function button(item, block, { names, press }) {
  const label = textObject(item.text, names);
  const attributes = { "data-action": item.action_id, "data-block": block.block_id };
  const style = item.style ? `.${item.style}` : "";
  const made = make(`button.bk-button${style}`, { type: "button", ...attributes }, label);
  if (press) made.addEventListener("click", () => press(item, made));
  else made.disabled = true;
  return made;
}

const unknown = (block) => make("p.bk-unknown", {}, `A ${block.type} block is not simulated`);
