// The builder: what to group by, what to count, which calls; and the table that comes of it.
import { el } from "./dom.js";
import { report, reportAddress, root, session } from "./server.js";
import { addressOf, changed, go, queryOf, toggled } from "./state.js";
import { reportTable } from "./table.js";
import { NONE, shownValue } from "./values.js";

const MOST_GROUPS = 3;
const KEY = "YOUR_KEY";
const names = (state, name) => (state.get(name) ?? "").split(",").filter(Boolean);
const wanted = (state) => (names(state, "metrics").length ? names(state, "metrics") : ["count"]);

function setNames(state, name, values) {
  if (values.length) state.set(name, values.join());
  else state.delete(name);
}

export function controls(state, catalog) {
  const groups = names(state, "group_by");
  const places = Array.from({ length: Math.min(MOST_GROUPS, groups.length + 1) }, (_, place) => place);
  return el("form", { class: "controls", "aria-label": "Report", onsubmit: (event) => event.preventDefault() },
    ...places.map((place) => groupPicker(place, groups, catalog)),
    el("fieldset", {}, el("legend", {}, "Metrics"), ...[...catalog.metrics.values()].map((metric) => metricPicker(metric, state))),
    el("p", { class: "actions" }, copier("Copy as curl", curl), copier("Copy as Python", python)));
}

function groupPicker(place, groups, catalog) {
  const pick = (event) => go(changed((state) => {
    const chosen = [...groups];
    if (event.target.value) chosen[place] = event.target.value;
    else chosen.splice(place, 1);
    setNames(state, "group_by", [...new Set(chosen)]);
    state.delete("sort_by");
    state.delete("sort_order");
  }));
  const options = [...catalog.dimensions.values()].filter((row) => row.name === groups[place] || !groups.includes(row.name));
  return el("label", {}, place ? "then by" : "Group by",
    el("select", { id: `group-${place}`, onchange: pick }, el("option", { value: "" }, place ? "nothing" : "choose"),
      ...options.map((row) => el("option", { value: row.name, selected: row.name === groups[place] }, row.label))));
}

function metricPicker(metric, state) {
  const chosen = wanted(state);
  const pick = () => go(changed((next) => setNames(next, "metrics",
    chosen.includes(metric.name) ? chosen.filter((name) => name !== metric.name) : [...chosen, metric.name])));
  return el("label", { class: "tick", title: metric.description },
    el("input", { type: "checkbox", id: `metric-${metric.name}`, checked: chosen.includes(metric.name), onchange: pick }), metric.label);
}

export function filters(state, catalog) {
  const chips = [...state].flatMap(([name, text]) => {
    const dimension = catalog.dimensions.get(name === "where_null" ? text : /^where\[(.*)\]$/.exec(name)?.[1]);
    if (!dimension && !catalog.filters.has(name)) return [];
    if (name === "start_date" || name === "end_date") return [];
    const label = dimension?.label ?? catalog.filters.get(name).label;
    const shown = name === "where_null" ? NONE : dimension ? shownValue(dimension, text) : text;
    const drop = () => go(changed((next) => next.delete(name, text)));
    return [el("li", {}, el("button", { type: "button", title: "Remove this filter", onclick: drop }, `${label}: ${shown} ×`))];
  });
  return chips.length ? el("ul", { class: "chips", "aria-label": "Filters" }, ...chips) : null;
}

export async function built(state, catalog, signal) {
  const { data } = await report(queryOf(state), signal);
  if (!data.count) return el("p", { class: "panel empty" }, "No calls match. Take longer dates or fewer filters.");
  const sort = { by: state.get("sort_by") ?? "count", order: state.get("sort_order") ?? "desc" };
  return el("section", { class: "panel broad" }, reportTable({
    rows: data.data,
    totals: data.totals,
    dimensions: names(state, "group_by").map((name) => catalog.dimensions.get(name)),
    metrics: wanted(state).map((name) => catalog.metrics.get(name)),
    sort,
    onSort: (name) => go(changed((next) => {
      next.set("sort_by", name);
      next.set("sort_order", sort.by === name && sort.order === "desc" ? "asc" : "desc");
    })),
    onFilter: (name, value) => go(toggled(changed(() => {}), name, value)),
  }), el("p", { class: "hint" }, `${data.count} rows · `,
    el("a", { href: addressOf(opened(state)) }, "All reports"), ...behind(state)));
}

function behind(state) {
  if (!session.scopes.includes("read")) return [];
  const href = new URL(`api/v1/calls.csv?${queryOf(opened(state))}`, root).href;
  return [" · ", el("a", { href, download: "calls.csv" }, "Download the calls behind it")];
}

function opened(state) {
  const next = new URLSearchParams(state);
  for (const name of ["group_by", "metrics", "sort_by", "sort_order", "limit"]) next.delete(name);
  return next;
}

function copier(label, made) {
  const copy = async (event) => {
    await navigator.clipboard.writeText(made());
    event.target.textContent = "Copied";
    setTimeout(() => { event.target.textContent = label; }, 1500);
  };
  return el("button", { type: "button", onclick: copy }, label);
}

const address = () => reportAddress(queryOf(changed(() => {})));
const curl = () => `curl -H "Authorization: Bearer ${KEY}" '${address().replaceAll("'", "%27")}'`;
const python = () => `import json
from urllib.request import Request, urlopen

request = Request(${JSON.stringify(address())}, headers={"Authorization": "Bearer ${KEY}"})
with urlopen(request) as response:
    report = json.load(response)["data"]
print(report["totals"])`;
