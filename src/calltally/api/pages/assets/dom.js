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
  return el("details", { class: "menu small", id, ...facts }, el("summary", { id: `${id}-name` }, el("span", {}, name)), el("div", { id: `${id}-panel` }, ...children));
}

export function button(label, onclick, facts = {}) {
  return el("button", { type: "button", onclick, ...facts }, label);
}

// Puts `made` in the place of what an element has; and what was open, how far boxes were scrolled, what was being typed,
// and the focus, back to where they were. What had the focus may be gone: its menu stands for it, or else what has the id `instead`.
export function renewed(element, made, instead) {
  const active = element.contains(document.activeElement) ? document.activeElement : null;
  const focused = active && [active.id, active.closest("details.menu")?.querySelector("summary").id, instead];
  const scrolled = [...element.querySelectorAll("[id]")].filter((found) => found.scrollTop || found.scrollLeft)
    .map(({ id, scrollTop, scrollLeft }) => [id, scrollTop, scrollLeft]);
  const open = [...element.querySelectorAll("details[open][id]")].map((found) => found.id);
  const typed = [...element.querySelectorAll("input[id]")]
    .filter((found) => found.value !== found.defaultValue && !found.closest("details:not([open])"));
  element.replaceChildren(...[made].flat().filter((child) => child != null));
  open.forEach((id) => reopen(document.getElementById(id)));
  for (const [id, top, left] of scrolled) document.getElementById(id)?.scrollTo({ top, left, behavior: "instant" });
  typed.forEach(typeOn);
  focused?.map((id) => id && document.getElementById(id)).find((found) => found && takesFocus(found));
}

// What is in a closed menu cannot have the focus.
function takesFocus(found) {
  found.focus({ preventScroll: true });
  return document.activeElement === found;
}

// Into the field in the place of another one, unless it has got something else to begin with.
function typeOn({ id, defaultValue, value }) {
  const found = document.getElementById(id);
  if (found?.defaultValue === defaultValue) found.value = value;
}

// The browser tells a moment later that it is open; a table that is made only then is wanted at once.
function reopen(details) {
  if (!details) return;
  details.open = true;
  if (!details.matches(".menu")) details.dispatchEvent(new Event("toggle"));
}
