// Dialogs that ask for something: by keyboard or pointer, with their own errors; the focus goes back where it was.
import { el, readable } from "./dom.js";

let number = 0;

// `submit` gets the fields by name, and may keep the dialog open by returning true. Opens at once.
export function ask({ title, content = [], action, submit, close = "Cancel", back, after = [], wide = false }) {
  const id = `dialog-${++number}`;
  const problem = el("p", { class: "problem", role: "alert", id: `${id}-problem` });
  const main = el("button", { class: "main" }, action);
  const form = el("form", { method: "dialog", onsubmit }, ...content, problem,
    el("p", { class: "answers" }, el("button", { type: "button", onclick: () => dialog.close() }, close), main));
  const dialog = el("dialog", { class: wide ? "asking wide-asking" : "asking", "aria-labelledby": id, onclose },
    el("h2", { id }, title), form, ...after);

  async function onsubmit(event) {
    event.preventDefault();
    main.disabled = true;
    show("");
    try {
      if (!await submit(Object.fromEntries(new FormData(form)))) dialog.close();
    } catch (error) {
      show(error.message);
    } finally {
      main.disabled = false;
    }
  }

  function show(message) {
    problem.textContent = readable(message);
    for (const input of form.querySelectorAll("input:not([readonly])")) {
      if (message) input.setAttribute("aria-describedby", problem.id);
      else input.removeAttribute("aria-describedby");
    }
    if (message) form.querySelector("input:not([readonly])")?.focus();
  }

  function onclose() {
    dialog.remove();
    back();
  }

  document.body.append(dialog);
  dialog.showModal();
  addEventListener("popstate", () => dialog.close(), { once: true }); // it is about what the page showed
  return { dialog, show };
}

export function nameField(value, facts = {}) {
  return el("label", {}, "Name",
    el("input", { name: "name", value, maxlength: "100", autocomplete: "off", required: true, autofocus: true, ...facts }));
}
