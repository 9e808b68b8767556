// A report as a table: bars in cells, totals, columns to sort by and values to filter by.
import { el } from "./dom.js";
import { shownMetric, shownValue } from "./values.js";

// `onSort(name)`, `onFilter(values)` (by dimension) and `callsOf(values)` (an address) make it more than a picture.
export function reportTable({ rows, totals, dimensions, metrics, sort, onSort, onFilter, callsOf, label = "Table of the report" }) {
  const most = new Map(metrics.map((metric) => [metric.name, Math.max(0, ...rows.map((row) => Number(row[metric.name] ?? 0)))]));
  const columns = [...dimensions.map((row) => [row, "text"]), ...metrics.map((row) => [row, "number"])];
  const valuesOf = (row) => Object.fromEntries(dimensions.map(({ name }) => [name, row[name]]));
  const id = `by-${dimensions.map(({ name }) => name).join("-")}`;
  // The same in the next answer, so that the focus finds its way back; texts may have blanks in them, and ids may not.
  const idOf = (row, name) => `${id}-${encodeURIComponent(JSON.stringify(Object.values(valuesOf(row))))}-${name}`;
  return el("div", { class: "wide", id, tabindex: "0", role: "region", "aria-label": label },
    el("table", { onclick: onFilter ? (event) => pick(event, rows, valuesOf, onFilter) : () => {} },
      el("thead", {}, el("tr", {}, columns.map(([row, kind]) => heading(row, kind, sort, onSort)), callsOf ? el("td", { class: "way" }) : null)),
      el("tbody", { class: onFilter ? "picked" : null }, rows.map((row) => el("tr", {},
        dimensions.map((dimension) => valueCell(dimension, row[dimension.name], onFilter, idOf(row, dimension.name))),
        metrics.map((metric) => metricCell(metric, row[metric.name], most.get(metric.name))),
        callsOf ? callsCell(callsOf(valuesOf(row)), idOf(row, "calls"), dimensions.map((dimension) => shownValue(dimension, row[dimension.name]))) : null))),
      el("tfoot", {}, el("tr", {},
        el("th", { scope: "row", colspan: dimensions.length }, "All matching calls"),
        metrics.map((metric) => metricCell(metric, totals[metric.name], 0)), callsOf ? el("td", { class: "way" }) : null))));
}

// A click on the numbers of a row keeps the calls of the row; its values are buttons, for those who use keys.
function pick(event, rows, valuesOf, onFilter) {
  const row = event.target.closest("tbody tr");
  if (row && !event.target.closest("a, button") && !getSelection().toString()) onFilter(valuesOf(rows[row.sectionRowIndex]));
}

function heading(row, kind, sort, onSort) {
  const sorted = sort?.by === row.name ? (sort.order === "asc" ? "ascending" : "descending") : null;
  const label = onSort ? el("button", { type: "button", id: `sort-${row.name}`, onclick: () => onSort(row.name) }, row.label) : row.label;
  return el("th", { scope: "col", class: kind, "aria-sort": sorted, title: row.description }, label);
}

function valueCell(dimension, value, onFilter, id) {
  const text = shownValue(dimension, value);
  const facts = { scope: "row", class: value === null ? "none" : null };
  if (!onFilter) return el("th", facts, text);
  const keep = () => onFilter({ [dimension.name]: value });
  return el("th", facts, el("button", { type: "button", id, title: `Only ${dimension.label}: ${text}`, onclick: keep }, text));
}

function metricCell(metric, value, most) {
  const cell = el("td", { class: "number" }, shownMetric(metric, value));
  if (most > 0 && value > 0) cell.style.setProperty("--part", `${(100 * Number(value)) / most}%`);
  return cell;
}

function callsCell(href, id, named) {
  return el("td", { class: "way" }, el("a", { href, id, "aria-label": `The calls of ${named.join(", ")}`, title: "The calls behind this row" }, "→"));
}
