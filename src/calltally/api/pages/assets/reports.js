// The page of reports: what its address says, drawn; and drawn again when new calls have come.
import { built, controls, filters } from "./builder.js";
import { RANGES } from "./dates.js";
import { el } from "./dom.js";
import { opening } from "./opening.js";
import { savedMenu } from "./saved.js";
import { Refused, ask, report, root, session } from "./server.js";
import { changed, current, go, onChange, queryOf, rangeOf } from "./state.js";

const POLL_MILLISECONDS = 15_000;
const page = document.getElementById("reports");
let catalog;
let asking = new AbortController();
let tag;

function dates(state) {
  const chosen = rangeOf(state);
  const pick = (event) => go(changed((next) => {
    for (const name of ["start_date", "end_date", "range"]) next.delete(name);
    if (event.target.value !== "custom") next.set("range", event.target.value);
    else for (const name of ["start_date", "end_date"]) if (queryOf(state).has(name)) next.set(name, queryOf(state).get(name));
  }));
  const set = (name) => (event) => go(changed((next) => (event.target.value ? next.set(name, event.target.value) : next.delete(name))));
  const day = (name, label) => el("label", {}, label, el("input", { type: "date", id: name, value: state.get(name), onchange: set(name) }));
  const options = [...Object.entries(RANGES).map(([name, [label]]) => [name, label]), ["custom", "Custom"]];
  return el("div", { class: "dates" },
    el("label", {}, "Dates", el("select", { id: "range", onchange: pick },
      ...options.map(([name, label]) => el("option", { value: name, selected: name === chosen }, label)))),
    ...(chosen === "custom" ? [day("start_date", "From"), day("end_date", "To")] : []));
}

function explore(state) {
  const begin = () => go(changed((next) => next.set("group_by", catalog.dimensions.keys().next().value)));
  return state.has("group_by") ? controls(state, catalog) : el("button", { type: "button", onclick: begin }, "Build a report");
}

function waiting() {
  return el("div", { class: "waiting", role: "status" }, el("span", {}, "Asking …"),
    el("button", { type: "button", onclick: () => asking.abort() }, "Cancel"));
}

function excuse(error) {
  if (error.name === "AbortError") return el("p", { class: "panel empty", role: "status" }, "Cancelled. Change the report to ask again.");
  if (error instanceof Refused && error.status === 401) location.reload();
  return el("div", { class: "panel empty", role: "alert" }, el("p", {}, error.message),
    el("button", { type: "button", onclick: show }, "Try again"));
}

// The answer takes the place of the one before, so that the page does not jump while it is asked for again.
async function show() {
  asking.abort();
  const own = (asking = new AbortController());
  const state = current();
  const focused = document.activeElement?.id;
  const answer = el("div", { class: "answer" }, waiting());
  page.replaceChildren(el("div", { class: "top" }, dates(state), explore(state), savedMenu({ session, root, state })), ...[filters(state, catalog), answer].filter(Boolean));
  if (focused) document.getElementById(focused)?.focus();
  await draw(state, answer, own);
}

// Tells the browser's own record how long it took from the navigation, or from the change, until all was painted.
function notePainted(start) {
  requestAnimationFrame(() => setTimeout(() => performance.measure("painted", { start })));
}

async function draw(state, answer, own) {
  const start = performance.getEntriesByName("painted").length ? performance.now() : 0;
  try {
    tag = undefined;
    const made = await (state.has("group_by") ? built : opening)(state, catalog, own.signal);
    if (own !== asking) return;
    answer.replaceChildren(made);
    notePainted(start);
  } catch (error) {
    if (own === asking) answer.replaceChildren(excuse(error));
  }
}

async function poll() {
  const answer = page.querySelector(".answer");
  if (document.hidden || !answer || answer.querySelector(".waiting")) return;
  const state = current();
  const query = queryOf(state);
  if (!query.has("group_by")) query.set("group_by", catalog.dimensions.keys().next().value);
  try {
    const found = await report(query, asking.signal, tag);
    if (found && tag) await draw(state, answer, asking);
    if (found) tag = found.tag;
  } catch {
    // What is shown stays: the next poll may succeed.
  }
}

function byName(rows) {
  return new Map(rows.map((row) => [row.name, row]));
}

async function start() {
  try {
    const { data } = await ask("api/v1/catalog");
    catalog = { dimensions: byName(data.dimensions), metrics: byName(data.metrics), filters: byName(data.filters) };
  } catch (error) {
    const needed = session.scopes.includes("report") ? error.message : "The key that you signed in with may not see reports.";
    page.replaceChildren(el("p", { class: "panel empty", role: "alert" }, needed));
    return;
  }
  onChange(show);
  setInterval(poll, POLL_MILLISECONDS);
  await show();
}

function follow(event) {
  const link = event.target.closest("a");
  const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  if (!link || !plain || new URL(link.href).pathname !== location.pathname) return;
  event.preventDefault();
  go(new URL(link.href).searchParams);
}

page.addEventListener("click", follow);
start();
