// Which calls are meant: filters that can be taken away, and more of them, out of the values that there are.
import { button, el, menu } from "./dom.js";
import { ask, catalog } from "./server.js";
import { changed, current, go, isTaken, queryOf, selection, toggled } from "./state.js";
import { NONE, counted, shownMetric, shownValue } from "./values.js";

const TYPING_MILLISECONDS = 150;
const OF_DATES = new Set(["start_date", "end_date"]);
const dimensionOf = (name) => /^where\[(.*)\]$/.exec(name)?.[1];
// Filters that no dimension has: how they are asked for is the affair of their type.
const others = [...catalog.filters.values()].filter((row) => !dimensionOf(row.name) && row.name !== "where_null" && !OF_DATES.has(row.name) && !catalog.dimensions.has(row.name));
let picked = null; // the dimension whose values are being looked through
let asking = new AbortController();

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

function adder() {
  const opened = (event) => {
    if (event.target.open) show(event.target);
    else picked = null;
  };
  return menu("add-filter", "Add a filter", { ontoggle: opened });
}

function show(details) {
  const place = details.querySelector("div");
  place.replaceChildren(...(picked ? values(place) : choices(place)));
  place.querySelector("input, button")?.focus();
}

function choices(place) {
  const open = (name) => () => {
    picked = name;
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
  const row = catalog.dimensions.get(picked) ?? catalog.filters.get(picked);
  const heading = el("p", { class: "back" }, button("‹ All filters", back), el("strong", {}, row.label));
  return [heading, ...(catalog.dimensions.has(picked) ? searched(row) : asked(row))];
}

// Values of a dimension, those with most calls first, as they are typed.
function searched(dimension) {
  const list = el("ul", { class: "list values", "aria-label": `Values of ${dimension.label}` });
  const search = el("input", { type: "search", id: "search-values", placeholder: "Search …", "aria-label": `Search ${dimension.label}`, autocomplete: "off", spellcheck: "false" });
  let waiting;
  const look = () => suggest(dimension, search.value.trim(), list);
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, TYPING_MILLISECONDS);
  });
  look();
  return [search, list];
}

async function suggest(dimension, text, list) {
  asking.abort();
  const own = (asking = new AbortController());
  list.setAttribute("aria-busy", "true");
  try {
    const { data } = await ask(`api/v1/analytics/values?${valuesQuery(dimension, text)}`, own.signal);
    list.replaceChildren(...suggestions(dimension, data));
  } catch (error) {
    if (error.name !== "AbortError") list.replaceChildren(el("li", { class: "hint", role: "alert" }, error.message));
  } finally {
    if (own === asking) list.removeAttribute("aria-busy");
  }
}

// Among the calls that the other filters leave: what is chosen of this dimension does not narrow it.
function valuesQuery(dimension, text) {
  const query = queryOf(selection(current()));
  query.delete(`where[${dimension.name}]`);
  query.delete("where_null", dimension.name);
  query.set("dimension", dimension.name);
  query.set("limit", "50");
  if (text) query.set("search", text);
  return query;
}

function suggestions(dimension, data) {
  const state = current();
  const has = (value) => (value === null ? state.has("where_null", dimension.name) : state.has(`where[${dimension.name}]`, String(value)));
  const found = data.values.map(({ value, count }) => {
    const pick = () => go(toggled(current(), dimension.name, value));
    return el("li", {}, button([el("span", { class: value === null ? "none" : null }, shownValue(dimension, value)), el("span", { class: "hint" }, counted(count))], pick, {
      "aria-pressed": String(has(value)) }));
  });
  if (!found.length) return [el("li", { class: "hint" }, "No such value among these calls.")];
  return data.more ? [...found, el("li", { class: "hint" }, "There are more: search for them.")] : found;
}

// What browsers take as numbers, such as 1e3 and .5, in the digits that the server takes; the form refuses all others.
function digits({ value, valueAsNumber }) {
  return /^\d+$/.test(value) ? value : valueAsNumber.toLocaleString("en", { useGrouping: false, maximumFractionDigits: 20 });
}

// A filter that is no dimension: one of its values, or a number.
function asked(row) {
  const set = (text) => go(changed((next) => (text === "" ? next.delete(row.name) : next.set(row.name, text))));
  if (row.type === "choice") {
    return [el("ul", { class: "list" }, row.values.map((value) => el("li", {}, button(value, () => set(value), { "aria-pressed": String(current().has(row.name, value)) }))))];
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
