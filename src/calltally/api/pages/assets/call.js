// All that is known of one call, opened above the page: a step of the history, which Back takes back.
import { button, el } from "./dom.js";
import { ask, catalog } from "./server.js";
import { addressOf, current, inTurn, openedCall, stepBack, withCall } from "./state.js";
import { NOTHING, shownField } from "./values.js";

let shown = null; // the dialog, and the id of its call

export function callButton(label, call) {
  return button(label, () => open(call), { "data-call": call.id, id: `call-${encodeURIComponent(call.id)}`, title: "All that is known of this call" });
}

function open(call) {
  inTurn(() => {
    history.pushState({ opened: true }, "", addressOf(withCall(call.id)));
    show(call.id, facts(call));
  });
}

// Shows the call that the address names, if it names one.
export async function followCall() {
  const id = openedCall();
  if (shown) takeAway(shown);
  if (id === null) return;
  let inside;
  try {
    inside = facts((await ask(`api/v1/calls/${encodeURIComponent(id)}`)).data);
  } catch (error) {
    inside = el("p", { role: "alert" }, error.message);
  }
  if (openedCall() === id && !shown) show(id, inside); // who went back and forth asked twice
}

function facts(call) {
  const told = [...catalog.fields.values()].filter((field) => call[field.name] !== undefined)
    .map((field) => [field.label, shownField(field, call[field.name])]);
  return el("dl", {}, told.map(([label, text]) => el("div", { class: text === NOTHING ? "none" : null }, el("dt", {}, label), el("dd", {}, text))));
}

function show(id, inside) {
  const dialog = el("dialog", { class: "call", "aria-labelledby": "call-title", onclose: () => closed(dialog) },
    el("h2", { id: "call-title", tabindex: "-1", autofocus: true }, "Call"),
    inside,
    el("form", { method: "dialog" }, el("button", { class: "plain" }, "Close")));
  shown = { dialog, id };
  document.body.append(dialog);
  dialog.showModal();
}

// At once: a browser tells of a dialog's end only with its next frame, when the address may name the call again.
function takeAway({ dialog, id }) {
  shown = null;
  dialog.remove();
  document.querySelector(`[data-call="${CSS.escape(id)}"]`)?.focus();
}

// Closing it is the same step back, or none where the page was opened with it.
function closed(dialog) {
  if (shown?.dialog !== dialog) return;
  takeAway(shown);
  if (history.state?.opened) stepBack();
  else history.replaceState(null, "", addressOf(current()));
}

addEventListener("popstate", followCall);
