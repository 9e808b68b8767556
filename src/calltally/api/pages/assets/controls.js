// What is chosen above a report: the view, the dates, what to group by and to count, how many rows.
import { RANGES, daysOf, shownDays } from "./dates.js";
import { el, menu } from "./dom.js";
import { catalog, defaults, may, session } from "./server.js";
import { addressOf, asCalls, asReport, changed, go, names, queryOf, rangeOf, rangeless, selection, setNames, viewOf } from "./state.js";

const MOST_GROUPS = 3;
const LIMITS = [10, 25, 50, 100, 250, 500, 1000];
export const wanted = (state) => (names(state, "metrics").length ? names(state, "metrics") : defaults.metrics.split(","));

export function views(state) {
  const shown = viewOf(state);
  const all = [["overview", "Overview", selection(state)], ["report", "Report", shown === "report" ? state : asReport(state)]];
  if (may("read")) all.push(["calls", "Calls", asCalls(state)]);
  return el("nav", { class: "views", "aria-label": "Views" }, all.map(([name, label, to]) =>
    el("a", { href: addressOf(to), id: `view-${name}`, "aria-current": name === shown ? "page" : null }, label)));
}

// What paper says in the place of what can be chosen.
export function heading(state) {
  const labels = (rows, wantedNames) => wantedNames.map((name) => rows.get(name)?.label ?? name).join(", ");
  const titles = { overview: "Overview", calls: "Calls" };
  const title = titles[viewOf(state)] ?? `${labels(catalog.metrics, wanted(state))} by ${labels(catalog.dimensions, names(state, "group_by"))}`;
  const query = queryOf(state);
  const days = shownDays(query.get("start_date"), query.get("end_date"));
  const words = RANGES[rangeOf(state)]?.[0];
  return el("div", { class: "on-paper" }, el("p", {}, title), el("p", { class: "hint" }, words && query.has("start_date") ? `${words}: ${days}` : days));
}

function withDays(state, range) {
  const next = new URLSearchParams(state);
  for (const name of ["start_date", "end_date", "range"]) next.delete(name);
  if (range) next.set("range", range);
  return next;
}

export function dates(state) {
  const chosen = rangeOf(state);
  const query = queryOf(state);
  const [start, end] = ["start_date", "end_date"].map((name) => query.get(name));
  const name = chosen === "custom" ? shownDays(start, end) : RANGES[chosen][0];
  const hint = (range) => shownDays(...daysOf(range, session.business.timezone));
  const day = (id, label, value, min) => el("label", {}, label, el("input", { type: "date", id, value, min }));
  const take = (event) => {
    event.preventDefault();
    const next = withDays(state);
    for (const id of ["start_date", "end_date"]) {
      const { value } = event.target.elements[id];
      if (value) next.set(id, value);
    }
    document.getElementById("dates").open = false;
    go(next.has("start_date") || next.has("end_date") ? next : withDays(state, "all"));
  };
  // Any day can be the first one, so that both can be changed; the last one cannot be before it.
  const compare = ({ currentTarget }) => {
    const { start_date: first, end_date: last } = currentTarget.elements;
    last.min = first.value;
    last.setCustomValidity(last.validity.rangeUnderflow ? "This is before the day in From." : "");
  };
  const unknown = rangeless(state);
  const shown = unknown ? "Choose dates" : chosen === "custom" || chosen === "all" ? name : [name, el("small", {}, shownDays(start, end))];
  return menu("dates", shown, { title: unknown ? null : shownDays(start, end) },
    el("ul", {}, Object.entries(RANGES).map(([range, [label]]) => el("li", {},
      el("a", { href: addressOf(withDays(state, range)), "aria-current": range === chosen && !unknown ? "true" : null },
        el("span", {}, label), el("span", { class: "hint" }, hint(range)))))),
    el("form", { onsubmit: take, oninput: compare, "aria-label": "Other dates" },
      day("start_date", "From", start), day("end_date", "To", end, start), el("button", { class: "plain" }, "Show these days")));
}

export function controls(state) {
  const groups = names(state, "group_by");
  const places = Array.from({ length: Math.min(MOST_GROUPS, groups.length + 1) }, (_, place) => place);
  return el("form", { class: "controls", "aria-label": "Report", onsubmit: (event) => event.preventDefault() },
    places.map((place) => groupPicker(place, groups)), metricsPicker(state), limitPicker(state));
}

// An order by what is no longer shown goes with it: nothing would explain it.
function sortByShown(state) {
  const shown = [...names(state, "group_by"), ...wanted(state)];
  if (shown.includes(state.get("sort_by") ?? defaults.sort_by)) return;
  for (const name of ["sort_by", "sort_order"]) state.delete(name);
  if (!shown.includes(defaults.sort_by)) state.set("sort_by", wanted(state)[0]);
}

function groupPicker(place, groups) {
  const pick = (event) => go(changed((state) => {
    const chosen = [...groups];
    if (event.target.value) chosen[place] = event.target.value;
    else chosen.splice(place, 1);
    setNames(state, "group_by", [...new Set(chosen)]);
    if (chosen.length > 1 && !state.has("limit")) state.set("limit", LIMITS.at(-1)); // a picture of all, if it can be had
    sortByShown(state);
  }));
  const options = [...catalog.dimensions.values()].filter((row) => row.name === groups[place] || !groups.includes(row.name));
  const none = place === 0 && groups.length === 1 ? [] : [el("option", { value: "" }, place === groups.length ? "…" : "(remove)")];
  return el("label", {}, place ? "then by" : "Group by",
    el("select", { id: `group-${place}`, onchange: pick },
      none, options.map((row) => el("option", { value: row.name, selected: row.name === groups[place] }, row.label))));
}

function metricsPicker(state) {
  const chosen = wanted(state);
  const labels = chosen.map((name) => catalog.metrics.get(name)?.label ?? name);
  const name = labels.length > 2 ? `${labels.length} metrics` : labels.join(", ");
  return el("div", { class: "picker" }, el("span", { class: "label", id: "metrics-label" }, "Metrics"),
    menu("metrics", name, { title: labels.join(", ") },
      el("fieldset", {}, el("legend", { class: "unseen" }, "Metrics"), [...catalog.metrics.values()].map((metric) => metricPicker(metric, chosen)))));
}

function metricPicker(metric, chosen) {
  const pick = () => go(changed((next) => {
    setNames(next, "metrics", chosen.includes(metric.name) ? chosen.filter((name) => name !== metric.name) : [...chosen, metric.name]);
    sortByShown(next);
  }));
  return el("label", { class: "tick", title: metric.description },
    el("input", { type: "checkbox", id: `metric-${metric.name}`, checked: chosen.includes(metric.name), onchange: pick }), metric.label);
}

function limitPicker(state) {
  const limit = state.get("limit") ?? defaults.limit;
  const known = LIMITS.map(String);
  const pick = (event) => go(changed((next) => next.set("limit", event.target.value)));
  return el("label", {}, "Rows",
    el("select", { id: "limit", onchange: pick }, [...new Set([...known, limit])].sort((one, other) => one - other).map((text) =>
      el("option", { value: text, selected: text === limit }, text))));
}

