// The dialog that asks before a button with `confirm` does anything.

import { byId, make } from "./dom.js";
import { textObject } from "./mrkdwn.js";

/** Asks; true when the person agreed. */
export function confirmed(dialog, names) {
  const sheet = byId("confirm");
  const title = make("h2", { id: "confirm-title" }, textObject(dialog.title, names));
  const deny = make("button.bk-button", { value: "no" }, dialog.deny?.text ?? "Cancel");
  const style = dialog.style === "danger" ? "danger" : "primary";
  const agree = make(`button.bk-button.${style}`, { value: "yes" }, dialog.confirm?.text ?? "Yes");
  const form = make("form", { method: "dialog" },
    title,
    make("div.sheet-body", {}, textObject(dialog.text, names)),
    make("div.sheet-buttons", {}, deny, agree));
  sheet.replaceChildren(form);
  sheet.returnValue = "no";
  sheet.showModal();
  agree.focus();
  return new Promise((done) => {
    sheet.addEventListener("close", () => done(sheet.returnValue === "yes"), { once: true });
  });
}
