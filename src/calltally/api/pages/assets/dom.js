// Elements made of plain text: nothing that a call says is ever read as HTML, or turns around what stands beside it.
const SVG = "http://www.w3.org/2000/svg";

const TURNING = /[\u202a-\u202e\u2066-\u2069]/g; // characters that say in which direction to read
const SAID = new Set(["title", "aria-label"]);
export const readable = (text) => text.replace(TURNING, "\ufffd");

function filled(element, facts, children) {
  for (const [name, value] of Object.entries(facts)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, SAID.has(name) ? readable(value) : value);
  }
  element.append(...children.flat().filter((child) => child != null).map((child) => (typeof child === "string" ? readable(child) : child)));
  return element;
}

export function el(tag, facts = {}, ...children) {
  return filled(document.createElement(tag), facts, children);
}

export function svg(tag, facts = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), facts, children);
}

// A menu that opens below its name; `menu.js` closes it again.
export function menu(id, name, facts, ...children) {
  return el("details", { class: "menu small", id, ...facts }, el("summary", { id: `${id}-name` }, el("span", {}, name)), el("div", {}, ...children));
}

export function button(label, onclick, facts = {}) {
  return el("button", { type: "button", onclick, ...facts }, label);
}

// Puts `made` in the place of what an element has, and the focus and the open menus back where they were.
export function renewed(element, ...made) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : null;
  const open = [...element.querySelectorAll("details[open]")].map((found) => found.id);
  element.replaceChildren(...made.flat().filter((child) => child != null));
  for (const id of open.filter(Boolean)) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}
