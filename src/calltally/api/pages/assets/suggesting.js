// The values of a dimension that calls have, those with most calls first, found by typing.
import { button, el, renewed } from "./dom.js";
import { ask } from "./server.js";
import { current, go, queryOf, selection, toggled } from "./state.js";
import { counted, shownValue } from "./values.js";

const TYPING_MILLISECONDS = 150;
let asking = new AbortController();

// `looking` holds what is typed, as `text`, and what was found last, as `found`: the page is drawn anew with each value that is chosen.
export function searched(dimension, looking) {
  const list = el("ul", { id: "values", class: "list values", "aria-label": `Values of ${dimension.label}` },
    looking.found ? suggestions(dimension, looking.found) : []);
  const search = el("input", { type: "search", id: "search-values", placeholder: "Search …", "aria-label": `Search ${dimension.label}`, autocomplete: "off", spellcheck: "false", value: looking.text });
  let waiting;
  const look = () => suggest(dimension, looking, list);
  search.addEventListener("input", () => {
    looking.text = search.value;
    clearTimeout(waiting);
    waiting = setTimeout(() => list.isConnected && look(), TYPING_MILLISECONDS); // another list looks by itself
  });
  look();
  return [search, list];
}

async function suggest(dimension, looking, list) {
  asking.abort();
  const own = (asking = new AbortController());
  list.setAttribute("aria-busy", "true");
  try {
    const { data } = await ask(`api/v1/analytics/values?${valuesQuery(dimension, looking.text.trim())}`, own.signal);
    looking.found = data;
    renewed(list, suggestions(dimension, data));
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
  if (!data.values.length) return [el("li", { class: "hint" }, "No such value among these calls.")];
  const found = data.values.map((row) => el("li", {}, suggestion(dimension, row)));
  return data.more ? [...found, el("li", { class: "hint" }, "There are more: search for them.")] : found;
}

function suggestion(dimension, { value, count }) {
  const state = current();
  const has = value === null ? state.has("where_null", dimension.name) : state.has(`where[${dimension.name}]`, String(value));
  const inside = [el("span", { class: value === null ? "none" : null }, shownValue(dimension, value)), el("span", { class: "hint" }, counted(count))];
  return button(inside, () => go(toggled(current(), dimension.name, value)), {
    id: value === null ? "no-value" : `value-${encodeURIComponent(value)}`, "aria-pressed": String(has) });
}
