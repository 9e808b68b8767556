// What the page shows is its address: the parameters of the report, and the dates in words.
import { RANGES, USUAL, daysOf } from "./dates.js";
import { session } from "./server.js";

const listeners = [];

export const current = () => new URLSearchParams(location.search);
export const onChange = (listener) => listeners.push(listener);
const tell = () => listeners.forEach((listener) => listener());

export function addressOf(state) {
  return `${location.pathname}${state.size ? `?${state}` : ""}`;
}

export function go(state) {
  history.pushState(null, "", addressOf(state));
  tell();
}

export function changed(change) {
  const state = current();
  change(state);
  return state;
}

export function rangeOf(state) {
  if (state.has("start_date") || state.has("end_date")) return "custom";
  return state.get("range") in RANGES ? state.get("range") : USUAL;
}

// The query of the API that a state stands for, the dates being days.
export function queryOf(state) {
  const query = new URLSearchParams(state);
  const range = rangeOf(state);
  query.delete("range");
  if (range !== "custom") {
    const [start, end] = daysOf(range, session.business.timezone);
    if (start) query.set("start_date", start);
    if (end) query.set("end_date", end);
  }
  return query;
}

// Keeps the calls under a value of a dimension, or no longer where it does already.
export function toggled(state, dimension, value) {
  const [name, text] = value === null ? ["where_null", dimension] : [`where[${dimension}]`, String(value)];
  if (state.has(name, text)) state.delete(name, text);
  else state.append(name, text);
  return state;
}

addEventListener("popstate", tell);
