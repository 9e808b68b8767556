// A report as it is asked for: its chart and its table, side by side where there is room.
import { picture, theme, widthIn } from "./chart.js";
import { wanted } from "./controls.js";
import { el } from "./dom.js";
import { catalog, charted, defaults, may, page } from "./server.js";
import { addressOf, asCalls, changed, current, go, names, narrowed, queryOf } from "./state.js";
import { reportTable } from "./table.js";
import { possible, several } from "./values.js";

export const SIDE_BY_SIDE = 1000; // pixels
const MOST_COLUMNS = 4; // of a table that has half of the width
const GAP = 16;
const AROUND = 34; // of a panel, both sides

export async function built(state, signal) {
  const dimensions = names(state, "group_by").map((name) => catalog.dimensions.get(name)).filter(Boolean);
  const metrics = wanted(state).map((name) => catalog.metrics.get(name)).filter(Boolean);
  const halved = page.clientWidth >= SIDE_BY_SIDE && dimensions.length + metrics.length <= MOST_COLUMNS;
  const width = widthIn((halved ? (page.clientWidth - GAP) / 2 : page.clientWidth) - AROUND);
  const { data: { report, chart } } = await charted(queryOf(state), { width, theme: theme() }, signal);
  if (!report.count) return null;
  const keep = (values) => go(narrowed(current(), values));
  const { place, close } = await picture(chart, { onPick: keep });
  const element = el("div", { class: halved ? "report halved" : "report" },
    el("figure", { class: "panel" }, place),
    el("section", { class: "panel", "aria-label": "Numbers" }, table(report, dimensions, metrics, state, keep), facts(report, dimensions, state)));
  return { element, close, said: several(report.count, "row") };
}

function table(report, dimensions, metrics, state, onFilter) {
  const sort = { by: state.get("sort_by") ?? defaults.sort_by, order: state.get("sort_order") ?? defaults.sort_order };
  const onSort = (name) => go(changed((next) => {
    next.set("sort_by", name);
    next.set("sort_order", sort.by === name && sort.order === "desc" ? "asc" : "desc");
  }));
  const callsOf = may("read") ? (values) => addressOf(asCalls(narrowed(new URLSearchParams(state), values))) : null;
  return reportTable({ rows: report.data, totals: report.totals, dimensions, metrics, sort, onSort, onFilter, callsOf });
}

// At the limit there may be more groups, unless these are all that there can be.
function facts(report, dimensions, state) {
  const cut = report.count >= Number(state.get("limit") ?? defaults.limit) && report.count !== possible(dimensions);
  const text = cut ? `The first ${several(report.count, "row")}; choose more above, or filter. The totals are of all calls.` : several(report.count, "row");
  return el("p", { class: "hint" }, text);
}
