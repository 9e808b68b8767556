// The calls themselves: a list that grows page by page, each of which can be opened.
import { callButton } from "./call.js";
import { button, el, readable } from "./dom.js";
import { ask, callsAddress, catalog, columns, opening, report } from "./server.js";
import { asReport, changed, go, queryOf } from "./state.js";
import { callsFile } from "./taking.js";
import { counted, several, shownField } from "./values.js";

const NUMBERS = new Set(["whole number"]);

export async function callList(state, signal) {
  const query = queryOf(state);
  const [{ data }, all] = await Promise.all([ask(callsAddress(query), signal), numberOf(state, signal)]);
  if (!data.calls.length && !state.has("search")) return null;
  const { element, add } = callTable(data.calls, columns, "Calls");
  const more = el("p", { class: "more" });
  let grown = false;
  const shown = () => {
    const rows = element.querySelectorAll("tbody tr").length;
    return all === null ? `${several(rows, "call")} shown` : `${counted(rows)} of ${several(all, "call")} shown`;
  };
  const follow = (cursor) => more.replaceChildren(el("span", { class: "hint", role: "status" }, shown()),
    ...(cursor ? [button("Show more", (event) => next(event.target, cursor), { class: "plain" })] : []));
  const problem = el("span", { role: "alert" });
  const next = async (pressed, cursor) => {
    pressed.disabled = true;
    const before = grown;
    grown = true; // from now on: what comes has its place in this list
    problem.remove();
    query.set("cursor", cursor);
    try {
      const found = (await ask(callsAddress(query), signal)).data;
      add(found.calls);
      follow(found.next_cursor);
      (more.querySelector("button") ?? element).focus({ preventScroll: true });
    } catch (error) {
      if (error.name === "AbortError") return; // another list is on its way
      grown = before;
      pressed.disabled = false;
      problem.textContent = readable(error.message);
      more.append(problem);
    }
  };
  follow(data.next_cursor);
  const inside = data.calls.length ? [element, more] : [el("p", { class: "empty" }, "No call has this in one of its numbers.")];
  return { element: el("section", { class: "panel" }, tools(state), inside), close: () => {}, said: shown(), grown: () => grown };
}

// How many calls the list has; null where a search narrows it, which reports do not know.
async function numberOf(state, signal) {
  if (state.has("search")) return null;
  const [count] = opening.large;
  const { data } = await report(queryOf(asReport(state, { metrics: count, limit: 1 })), signal);
  return data.totals[count];
}

function tools(state) {
  const take = (event) => {
    event.preventDefault();
    const { search } = event.target.elements;
    const text = search.value.trim();
    search.defaultValue = search.value = text; // what is typed from now on is another search
    go(changed((next) => (text ? next.set("search", text) : next.delete("search"))));
  };
  return el("div", { class: "tools" },
    el("form", { role: "search", onsubmit: take }, el("input", {
      type: "search", id: "search-calls", name: "search", value: state.get("search"), maxlength: 512, placeholder: "Search by phone number", "aria-label": "Search by phone number" }), el("button", { class: "plain", id: "search-go" }, "Search")),
    callsFile(state));
}

// Rows of calls, of which each opens; `add` puts more below them.
export function callTable(calls, names, label) {
  const fields = names.map((name) => catalog.fields.get(name));
  const body = el("tbody");
  const add = (more) => body.append(...more.map((call) => callRow(call, fields)));
  add(calls);
  const element = el("div", { class: "wide", id: "calls", tabindex: "0", role: "region", "aria-label": label },
    el("table", { class: "calls" }, el("thead", {}, el("tr", {}, fields.map((field) => el("th", { scope: "col", class: kindOf(field) }, field.label)))), body));
  return { element, add };
}

const kindOf = (field) => (NUMBERS.has(field.type) ? "number" : "text");

function callRow(call, [first, ...fields]) {
  return el("tr", {},
    el("th", { scope: "row" }, callButton(shownField(first, call[first.name]), call)),
    fields.map((field) => el("td", { class: kindOf(field) }, el("bdi", {}, shownField(field, call[field.name])))));
}
