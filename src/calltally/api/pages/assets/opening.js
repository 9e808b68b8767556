// The overview: large numbers with their course, and the first reports, each a way into the builder.
import { drawn, theme, widthIn } from "./chart.js";
import { callTable } from "./calls.js";
import { el, svg } from "./dom.js";
import { ask, callsAddress, catalog, charted, may, opening, page, report } from "./server.js";
import { addressOf, asCalls, asReport, current, go, narrowed, queryOf, selection } from "./state.js";
import { reportTable } from "./table.js";
import { several, shownMetric } from "./values.js";

const WIDTH = 120;
const HEIGHT = 32;
const AROUND = 34; // of a panel, both sides
const LATEST = 10;

function stateOf(panel, state) {
  const { group_by, metrics, sort_by, sort_order, limit } = panel;
  return asReport(state, { group_by, metrics, sort_by, sort_order, limit });
}

function asked(panel, state, signal) {
  const query = queryOf(stateOf(panel, state));
  if (!panel.height) return report(query, signal);
  return charted(query, { width: widthIn(page.clientWidth - AROUND), height: panel.height, theme: theme() }, signal);
}

export async function overview(state, signal) {
  const latest = may("read") ? ask(callsAddress(latestQuery(state)), signal) : null;
  const answers = await Promise.all(opening.panels.map((panel) => asked(panel, state, signal)));
  const found = answers.map(({ data }) => ({ report: data.report ?? data, chart: data.chart }));
  if (!found[0].report.totals[opening.large[0]]) return null;
  const keep = (values) => go(narrowed(current(), values));
  const pictures = await Promise.all(found.map(({ chart }) => (chart ? drawn(chart, { titled: false, onPick: keep }) : null)));
  const element = el("div", { class: "opening" }, large(found[0].report, state),
    opening.panels.map((panel, index) => shown(panel, found[index].report, pictures[index], state, keep)),
    latest ? latestCalls((await latest).data.calls, state) : null);
  return {
    element,
    close: () => pictures.forEach((picture) => picture?.close()),
    said: several(found[0].report.totals[opening.large[0]], "call"),
  };
}

function large({ data, totals }, state) {
  const days = data.toReversed();
  return el("section", { class: "large", "aria-label": "Totals" }, opening.large.map((name) => {
    const metric = catalog.metrics.get(name);
    const panel = { ...opening.panels[0], metrics: [name] };
    const text = shownMetric(metric, totals[name]);
    const number = el("strong", {}, text);
    number.style.setProperty("--length", text.length);
    return el("a", { class: "tile", href: addressOf(stateOf(panel, state)), title: metric.description },
      el("span", { class: "label" }, metric.label),
      number,
      course(days.map((day) => day[name] ?? 0)));
  }));
}

function course(values) {
  const most = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map((value, index) => `${(index * step).toFixed(1)},${(HEIGHT - 1 - ((HEIGHT - 2) * Math.max(0, value)) / most).toFixed(1)}`);
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("polyline", { points: points.join(" "), "vector-effect": "non-scaling-stroke" }));
}

function shown(panel, answer, picture, state, onFilter) {
  const dimensions = panel.group_by.map((name) => catalog.dimensions.get(name));
  const metrics = panel.metrics.map((name) => catalog.metrics.get(name));
  const table = () => reportTable({ rows: answer.data, totals: answer.totals, dimensions, metrics, onFilter, label: panel.title });
  return el("section", { class: picture ? "panel broad" : "panel" },
    el("h2", {}, el("a", { href: addressOf(stateOf(panel, state)) }, panel.title)),
    picture ? [picture.place, numbers(panel, table)] : table());
}

// The table behind a chart, made when it is first opened.
function numbers(panel, table) {
  const fill = (event) => {
    if (event.target.open && event.target.children.length === 1) event.target.append(table());
  };
  return el("details", { class: "numbers", id: `numbers-${panel.group_by.join("-")}`, ontoggle: fill }, el("summary", {}, "As a table"));
}

function latestQuery(state) {
  const query = queryOf(selection(state));
  query.set("limit", LATEST);
  return query;
}

function latestCalls(calls, state) {
  return el("section", { class: "panel broad" },
    el("h2", {}, el("a", { href: addressOf(asCalls(state)) }, "Latest calls")), callTable(calls, opening.latest, "Latest calls").element);
}
