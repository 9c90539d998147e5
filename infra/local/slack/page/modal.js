// The modal that is open for the current person, its fields, and what was typed so far.

import { renderBlocks } from "./blocks.js";
import { byId, make } from "./dom.js";
import { post, trouble } from "./feed.js";
import { textObject } from "./mrkdwn.js";

const drafts = new Map(); // view id -> { "block/action": value }
let shown = null; // { id, hash, user }

/** Shows `view` (null: none) for `user`; what was typed stays when the same view changes. */
export function showModal(view, user, names) {
  const sheet = byId("modal");
  if (view === null) {
    shown = null;
    if (sheet.open) sheet.close();
    return;
  }
  if (shown && shown.id === view.id && shown.hash === view.view.hash && shown.user === user) return;
  const focused = sheet.contains(document.activeElement) ? document.activeElement.id : null;
  shown = { id: view.id, hash: view.view.hash, user };
  sheet.replaceChildren(form(view, user, names));
  if (!sheet.open) sheet.showModal();
  (byId(focused) ?? sheet.querySelector("textarea, input, select, button[type=submit]"))?.focus();
}

/** Lets Escape close a modal as its Cancel button does. */
export function watchModal(cancelled) {
  byId("modal").addEventListener("cancel", (event) => {
    event.preventDefault();
    if (shown) cancelled(shown);
  });
}

export async function closeModal({ id, user }) {
  drafts.delete(id);
  await post("close", { view_id: id, user });
}

function form({ id, view }, user, names) {
  const draft = drafts.get(id) ?? {};
  drafts.set(id, draft);
  const close = make("button.bk-button", { type: "button", onclick: () => closeModal({ id, user }) },
    view.close?.text ?? "Cancel");
  const submit = view.submit
    ? make("button.bk-button.primary", { type: "submit" }, view.submit.text)
    : null;
  const problem = make("p.failed", { role: "alert", hidden: true });
  const body = make("div.sheet-body");
  for (const block of view.blocks) {
    body.append(block.type === "input" ? field(block, draft, names) : renderBlocks([block], { names, press: null }));
  }
  const made = make("form", { novalidate: true },
    make("h2", { id: "modal-title" }, textObject(view.title, names)),
    body, problem,
    make("div.sheet-buttons", {}, close, submit));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    send(made, problem, submit, { id, view, user, draft });
  });
  return made;
}

async function send(made, problem, submit, { id, view, user, draft }) {
  clear(made, problem);
  submit.disabled = true;
  submit.classList.add("busy");
  const outcome = await post("submit", { view_id: id, user, values: values(view, draft) });
  submit.disabled = false;
  submit.classList.remove("busy");
  if (outcome.view === "closed") drafts.delete(id);
  for (const [blockId, text] of Object.entries(outcome.errors ?? {})) complain(made, blockId, text);
  const words = trouble(outcome);
  if (words) {
    problem.textContent = `${words} What you typed is still here.`;
    problem.hidden = false;
  }
}

function values(view, draft) {
  const found = {};
  for (const { type, block_id: blockId, element } of view.blocks) {
    const key = `${blockId}/${element?.action_id}`;
    if (type === "input" && key in draft) found[blockId] = { [element.action_id]: draft[key] };
  }
  return found;
}

function clear(made, problem) {
  problem.hidden = true;
  for (const error of made.querySelectorAll(".field-error")) error.remove();
  for (const control of made.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

function complain(made, blockId, text) {
  const block = [...made.querySelectorAll(".field")].find((item) => item.dataset.block === blockId);
  if (!block) return;
  const error = make("p.field-error", { role: "alert" }, text);
  block.append(error);
  const control = block.querySelector("textarea, input, select");
  control?.setAttribute("aria-invalid", "true");
  if (!made.contains(document.activeElement?.closest(".field"))) control?.focus();
}

function field(block, draft, names) {
  const { element } = block;
  const key = `${block.block_id}/${element.action_id}`;
  const id = `field-${block.block_id}-${element.action_id}`;
  const keep = (value) => { draft[key] = value; };
  const control = (CONTROLS[element.type] ?? unknown)({ element, id, keep, value: draft[key], names });
  const optional = block.optional ? make("span.optional", {}, " (optional)") : null;
  const several = element.type === "checkboxes" || element.type === "radio_buttons";
  const label = make(several ? "legend" : "label", several ? {} : { for: id }, textObject(block.label, names), optional);
  const hint = block.hint ? make("p.hint", {}, textObject(block.hint, names)) : null;
  return make(several ? "fieldset.field" : "div.field", { "data-block": block.block_id }, label, control, hint);
}

const CONTROLS = {
  plain_text_input: ({ element, id, keep, value }) => {
    const kind = element.multiline ? "textarea" : "input";
    const attributes = {
      id, placeholder: element.placeholder?.text, maxlength: element.max_length, autocomplete: "off",
      oninput: (event) => keep(event.target.value),
      ...(element.multiline ? { rows: 3 } : { type: "text" }),
    };
    const made = make(kind, attributes);
    made.value = value ?? element.initial_value ?? "";
    return made;
  },
  static_select: ({ element, id, keep, value }) => {
    const nothing = make("option", { value: "" }, element.placeholder?.text ?? "Choose an option");
    const options = element.options.map((option) => make("option", { value: option.value }, option.text.text));
    const made = make("select", { id, onchange: (event) => keep(event.target.value || null) }, nothing, ...options);
    made.value = value ?? element.initial_option?.value ?? "";
    return made;
  },
  checkboxes: ({ element, id, keep, value, names }) => {
    const initial = (element.initial_options ?? []).map((option) => option.value);
    const chosen = new Set(value ?? initial);
    const toggle = (option, isOn) => {
      if (isOn) chosen.add(option.value);
      else chosen.delete(option.value);
      keep([...chosen]);
    };
    return choices("checkbox", { element, id, names, isOn: (option) => chosen.has(option.value), toggle });
  },
  radio_buttons: ({ element, id, keep, value, names }) => {
    const chosen = value ?? element.initial_option?.value;
    const toggle = (option) => keep(option.value);
    return choices("radio", { element, id, names, isOn: (option) => option.value === chosen, toggle });
  },
};

function choices(type, { element, id, names, isOn, toggle }) {
  const rows = element.options.map((option, index) => {
    const box = make("input", { type, id: `${id}-${index}`, name: id,
      onchange: (event) => toggle(option, event.target.checked) });
    box.checked = isOn(option);
    const description = option.description ? make("small", {}, textObject(option.description, names)) : null;
    return make("label.choice", {}, box, make("span", {}, textObject(option.text, names), description));
  });
  return make("div", {}, ...rows);
}

const unknown = ({ element }) => make("p.bk-unknown", {}, `A ${element.type} is not simulated`);
