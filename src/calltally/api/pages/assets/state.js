// What the page shows is its address: the parameters of the report, the dates in words, and which view it is.
import { RANGES, USUAL, daysOf } from "./dates.js";
import { Refused, catalog, session } from "./server.js";

const listeners = [];
const RETURNED_MILLISECONDS = 1000; // by then a step back is taken, if the browser takes it at all
const OF_REPORT = ["group_by", "metrics", "sort_by", "sort_order", "limit"];
const OTHERS = [...OF_REPORT, "view", "search"]; // than dates and filters
const LONGEST_SHOWN = 100; // characters of what was given, in a message
const DATES = ["range", "start_date", "end_date"];
const OF_PAGE = ["range", "view"];
const OF_VIEW = { overview: [...OF_REPORT, "search"], report: OF_REPORT, calls: ["search", "limit", "sort_order"] };
const CALL = "call"; // the one that is open above the page, whose state is the same with it and without it
let told = addressOf(current());
let returning = false; // whether a step back was asked for, which the browser takes a moment later
let waiting = null; // the step that was chosen in that moment

export function current() {
  const state = new URLSearchParams(location.search);
  state.delete(CALL);
  return state;
}

export const openedCall = () => new URLSearchParams(location.search).get(CALL);
export const withCall = (id) => changed((state) => state.set(CALL, id));
export const onChange = (listener) => listeners.push(listener);

function tell() {
  told = addressOf(current());
  listeners.forEach((listener) => listener());
}

export function addressOf(state) {
  return `${location.pathname}${state.size ? `?${state}` : ""}`;
}

export function stepBack() {
  returning = true;
  history.back();
  setTimeout(returned, RETURNED_MILLISECONDS);
}

function returned() {
  const step = waiting;
  returning = false;
  waiting = null;
  step?.();
}

// A step forward that is taken while another one is on its way back would be lost by that.
export function inTurn(step) {
  if (returning) waiting = step;
  else step();
}

export const go = (state) => inTurn(() => goNow(state));

// To where the page is already is no step: Back would seem to do nothing.
function goNow(state) {
  const address = addressOf(state);
  if (address === addressOf(current())) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  tell();
}

export function changed(change) {
  const state = current();
  change(state);
  return state;
}

// "overview", "report" or "calls".
export function viewOf(state) {
  if (state.get("view") === "calls") return "calls";
  return state.has("group_by") ? "report" : "overview";
}

// Whether a parameter that is no filter has a meaning in the view, or is at least left out of what is asked there.
export const isTaken = (state, name) => OF_PAGE.includes(name) || OF_VIEW[viewOf(state)].includes(name);

export const names = (state, name) => (state.get(name) ?? "").split(",").filter(Boolean);

export function setNames(state, name, values) {
  if (values.length) state.set(name, values.join());
  else state.delete(name);
}

// The same calls in another view: the dates and the filters alone.
export function selection(state) {
  const next = new URLSearchParams(state);
  for (const name of OTHERS) next.delete(name);
  return next;
}

// Where a link of an answer leads that was drawn for dates and filters of before: to the view and the report that it names,
// of the calls of now but for what the link itself changes.
export function onwards(link, before) {
  const next = selection(current());
  const changes = (name) => String(link.getAll(name)) !== String(before.getAll(name));
  const filters = [...selection(before).keys(), ...selection(link).keys()].filter((name) => !DATES.includes(name));
  for (const name of new Set([...filters.filter(changes), ...(DATES.some(changes) ? DATES : []), ...OTHERS])) {
    next.delete(name);
    for (const value of link.getAll(name)) next.append(name, value);
  }
  return next;
}

export function asReport(state, parameters = {}) {
  const next = selection(state);
  next.set("group_by", catalog.dimensions.keys().next().value);
  for (const [name, value] of Object.entries(parameters)) next.set(name, value);
  return next;
}

export function asCalls(state) {
  const next = selection(state);
  next.set("view", "calls");
  return next;
}

export function rangeOf(state) {
  if (state.has("start_date") || state.has("end_date")) return "custom";
  return Object.hasOwn(RANGES, state.get("range")) ? state.get("range") : USUAL;
}

// Whether the address names dates that there are not.
export const rangeless = (state) => state.has("range") && !Object.hasOwn(RANGES, state.get("range"));

// Says of such an address what the server says of requests that are kept.
export function checkRange(state) {
  if (!rangeless(state)) return;
  const known = Object.keys(RANGES).map((range) => `'${range}'`).join(" or ");
  throw new Refused(400, `range: '${state.get("range").slice(0, LONGEST_SHOWN)}' is not allowed; it is ${known}`);
}

// The query of the API that a state stands for, the dates being days.
export function queryOf(state) {
  const query = new URLSearchParams(state);
  const range = rangeOf(state);
  for (const name of OF_PAGE) query.delete(name);
  if (range !== "custom") {
    const [start, end] = daysOf(range, session.business.timezone);
    if (start) query.set("start_date", start);
    if (end) query.set("end_date", end);
  }
  return query;
}

const filterOf = (dimension, value) => (value === null ? ["where_null", dimension] : [`where[${dimension}]`, String(value)]);

// Keeps the calls under a value of a dimension, or no longer where it does already.
export function toggled(state, dimension, value) {
  const [name, text] = filterOf(dimension, value);
  if (state.has(name, text)) state.delete(name, text);
  else state.append(name, text);
  return state;
}

// Keeps the calls under these values, one for each dimension, and of these dimensions no others.
export function narrowed(state, values) {
  for (const [dimension, value] of Object.entries(values)) {
    const [name, text] = filterOf(dimension, value);
    state.delete(`where[${dimension}]`);
    state.delete("where_null", dimension);
    state.append(name, text);
  }
  return state;
}

function onStep() {
  if (addressOf(current()) !== told) tell();
  setTimeout(returned); // once all have heard of this step
}

addEventListener("popstate", onStep);
