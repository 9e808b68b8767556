// Which calls are meant: filters that can be taken away, and more of them, out of the values that there are.
import { button, el, menu } from "./dom.js";
import { catalog } from "./server.js";
import { changed, current, go, isTaken } from "./state.js";
import { searched } from "./suggesting.js";
import { NONE, shownMetric, shownValue } from "./values.js";

const OF_DATES = new Set(["start_date", "end_date"]);
const dimensionOf = (name) => /^where\[(.*)\]$/.exec(name)?.[1];
// Filters that no dimension has: how they are asked for is the affair of their type.
const others = [...catalog.filters.values()].filter((row) => !dimensionOf(row.name) && row.name !== "where_null" && !OF_DATES.has(row.name) && !catalog.dimensions.has(row.name));
let picked = null; // what is filtered by, by its name, and how far its values were looked through

export function filters(state) {
  return el("ul", { class: "chips", "aria-label": "Filters" }, ...chips(state), el("li", {}, adder()));
}

function chips(state) {
  return [...state].flatMap(([name, text]) => {
    if (OF_DATES.has(name)) return [];
    const dimension = catalog.dimensions.get(name === "where_null" ? text : dimensionOf(name));
    const label = dimension?.label ?? catalog.filters.get(name)?.label;
    if (!label) return isTaken(state, name) ? [] : [chip(name, text, { label: name, shown: text, noun: "parameter" })];
    const shown = name === "where_null" && dimension ? NONE : shownText(dimension ?? catalog.filters.get(name), text);
    return [chip(name, text, { label, shown, noun: "filter" })];
  });
}

// What the server does not know can be taken away as well: it says so of everything that is asked with it.
function chip(name, text, { label, shown, noun }) {
  const drop = () => go(changed((next) => next.delete(name, text)));
  return el("li", {}, button([el("span", {}, `${label}: `, el("bdi", {}, shown)), el("span", { "aria-hidden": "true" }, " ×")], drop, {
    class: "chip", id: `chip-${encodeURIComponent(`${name}=${text}`)}`, title: `Remove this ${noun}`, "aria-label": `Remove the ${noun} ${label}: ${shown}` }));
}

function shownText(row, text) {
  if (row.unit === "seconds" && /^\d+$/.test(text)) return shownMetric(row, Number(text));
  return shownValue(row, text);
}

// It stays open while filters are chosen in it.
function adder() {
  const open = document.getElementById("add-filter")?.open ?? false;
  const details = menu("add-filter", "Add a filter", { open, ontoggle: onToggle });
  if (open) fill(details);
  return details;
}

function onToggle({ target }) {
  const place = target.querySelector("div");
  if (!target.open) {
    picked = null;
    place.replaceChildren();
  } else if (!place.hasChildNodes()) show(target);
}

function show(details) {
  fill(details).querySelector("input, button")?.focus();
}

function fill(details) {
  const place = details.querySelector("div");
  place.replaceChildren(...(picked ? values(place) : choices(place)));
  return place;
}

function choices(place) {
  const open = (name) => () => {
    picked = { name, text: "", found: null };
    show(place.closest("details"));
  };
  return [
    el("ul", { class: "list", "aria-label": "Filter by" },
      [...catalog.dimensions.values()].map((row) => el("li", {}, button(row.label, open(row.name), { title: row.description }))),
      others.map((row) => el("li", {}, button(row.label, open(row.name), { title: row.description })))),
  ];
}

function values(place) {
  const back = () => {
    picked = null;
    show(place.closest("details"));
  };
  const row = catalog.dimensions.get(picked.name) ?? catalog.filters.get(picked.name);
  const heading = el("p", { class: "back" }, button("‹ All filters", back), el("strong", {}, row.label));
  return [heading, ...(catalog.dimensions.has(picked.name) ? searched(row, picked) : asked(row))];
}

// What browsers take as numbers, such as 1e3 and .5, in the digits that the server takes; the form refuses all others.
function digits({ value, valueAsNumber }) {
  return /^\d+$/.test(value) ? value : valueAsNumber.toLocaleString("en", { useGrouping: false, maximumFractionDigits: 20 });
}

// A filter that is no dimension: one of its values, or a number.
function asked(row) {
  const set = (text) => go(changed((next) => (text === "" ? next.delete(row.name) : next.set(row.name, text))));
  if (row.type === "choice") {
    return [el("ul", { class: "list" }, row.values.map((value) => el("li", {}, button(value, () => set(value), { id: `choice-${value}`, "aria-pressed": String(current().has(row.name, value)) }))))];
  }
  const number = row.type === "integer" || row.type === "number";
  const take = (event) => {
    event.preventDefault();
    document.getElementById("add-filter").open = false;
    const { value } = event.target.elements;
    set(number ? digits(value) : value.value);
  };
  return [el("form", { onsubmit: take },
    el("label", {}, row.description, el("input", {
      name: "value", type: number ? "number" : "text", min: row.lowest, max: row.highest, step: row.type === "number" ? "any" : null, maxlength: row.longest, value: current().get(row.name), required: true })),
    el("button", { class: "plain" }, "Filter"))];
}
