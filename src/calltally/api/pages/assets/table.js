// A report as a table: bars in cells, totals, columns to sort by and values to filter by.
import { el } from "./dom.js";
import { shownMetric, shownValue } from "./values.js";

export function reportTable({ rows, totals, dimensions, metrics, sort, onSort, onFilter }) {
  const most = new Map(metrics.map((metric) => [metric.name, Math.max(0, ...rows.map((row) => row[metric.name] ?? 0))]));
  const columns = [...dimensions.map((row) => [row, "text"]), ...metrics.map((row) => [row, "number"])];
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Table of the report" },
    el("table", {},
      el("thead", {}, el("tr", {}, ...columns.map(([row, kind]) => heading(row, kind, sort, onSort)))),
      el("tbody", {}, ...rows.map((row) => el("tr", {},
        ...dimensions.map((dimension) => valueCell(dimension, row[dimension.name], onFilter)),
        ...metrics.map((metric) => metricCell(metric, row[metric.name], most.get(metric.name)))))),
      el("tfoot", {}, el("tr", {},
        el("th", { scope: "row", colspan: dimensions.length }, "All matching calls"),
        ...metrics.map((metric) => metricCell(metric, totals[metric.name], 0))))));
}

function heading(row, kind, sort, onSort) {
  const sorted = sort?.by === row.name ? (sort.order === "asc" ? "ascending" : "descending") : null;
  const label = onSort ? el("button", { type: "button", onclick: () => onSort(row.name) }, row.label) : row.label;
  return el("th", { scope: "col", class: kind, "aria-sort": sorted, title: row.description }, label);
}

function valueCell(dimension, value, onFilter) {
  const text = shownValue(dimension, value);
  const facts = { class: value === null ? "none" : null };
  if (!onFilter) return el("th", { scope: "row", ...facts }, text);
  const title = `Only ${dimension.label}: ${text}`;
  return el("th", { scope: "row", ...facts },
    el("button", { type: "button", title, onclick: () => onFilter(dimension.name, value) }, text));
}

function metricCell(metric, value, most) {
  const cell = el("td", { class: "number" }, shownMetric(metric, value));
  if (most > 0 && value > 0) cell.style.setProperty("--part", `${(100 * value) / most}%`);
  return cell;
}
