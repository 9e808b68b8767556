// The overview: large numbers with their course, and the first reports, each a way into the builder.
import { picture, theme, widthIn } from "./chart.js";
import { callTable } from "./calls.js";
import { course } from "./course.js";
import { el } from "./dom.js";
import { ask, callsAddress, catalog, charted, may, opening, page, report } from "./server.js";
import { addressOf, asCalls, asReport, current, go, narrowed, queryOf, selection } from "./state.js";
import { reportTable } from "./table.js";
import { several, shownMetric } from "./values.js";

const AROUND = 34; // of a panel, both sides
const LATEST = 10;

function stateOf(panel, state) {
  const { group_by, metrics, sort_by, sort_order, limit } = panel;
  return asReport(state, { group_by, metrics, sort_by, sort_order, limit });
}

// What a panel shows: its report, and its chart if it has one.
async function answered(panel, state, signal) {
  const query = queryOf(stateOf(panel, state));
  if (!panel.height) return { panel, report: (await report(query, signal)).data };
  const look = { width: widthIn(page.clientWidth - AROUND), height: panel.height, theme: theme() };
  return { panel, ...(await charted(query, look, signal)).data };
}

// The numbers over time: by day, or where there are more days than are drawn, by week or by month.
async function overTime(state, signal, [panel, ...longer] = opening.courses) {
  const found = await answered(panel, state, signal);
  return longer.length && found.report.count >= panel.limit ? overTime(state, signal, longer) : found;
}

export async function overview(state, signal) {
  const [latest, ...found] = await Promise.all([
    may("read") ? ask(callsAddress(latestQuery(state)), signal) : null,
    overTime(state, signal),
    ...opening.panels.map((panel) => answered(panel, state, signal))]);
  const calls = found[0].report.totals[opening.large[0]];
  if (!calls) return null;
  const keep = (values) => go(narrowed(current(), values));
  const pictures = await Promise.all(found.map(({ chart }) => (chart ? picture(chart, { titled: false, onPick: keep }) : null)));
  const element = el("div", { class: "opening" }, large(found[0], state),
    found.map(({ panel, report: answer }, index) => shown(panel, answer, pictures[index], state, keep)),
    latest ? latestCalls(latest.data.calls, state) : null);
  return {
    element,
    close: () => pictures.forEach((drawn) => drawn?.close()),
    said: several(calls, "call"),
  };
}

function large({ panel: times, report: { data, totals } }, state) {
  const [grain] = times.group_by;
  const rows = data.toReversed();
  const whole = !narrowsTime(state);
  return el("section", { class: "large", "aria-label": "Totals" }, opening.large.map((name) => {
    const metric = catalog.metrics.get(name);
    const panel = { ...times, metrics: [name] };
    const text = shownMetric(metric, totals[name]);
    const number = el("strong", {}, text);
    number.style.setProperty("--length", text.length);
    return el("a", { class: "tile", id: `tile-${name}`, href: addressOf(stateOf(panel, state)), title: metric.description },
      el("span", { class: "label" }, metric.label),
      number,
      course(rows, { grain, name, missing: whole ? metric.empty : null }));
  }));
}

// Whether some times are left out on purpose, such as all but Mondays: they have no numbers, not even 0.
function narrowsTime(state) {
  return [...catalog.dimensions.values()].some(({ name, unit }) => unit && state.has(`where[${name}]`));
}

function shown(panel, answer, drawn, state, onFilter) {
  const dimensions = panel.group_by.map((name) => catalog.dimensions.get(name));
  const metrics = panel.metrics.map((name) => catalog.metrics.get(name));
  const table = () => reportTable({ rows: answer.data, totals: answer.totals, dimensions, metrics, onFilter, label: panel.title });
  return el("section", { class: drawn ? "panel broad" : "panel" },
    el("h2", {}, el("a", { id: `panel-${panel.group_by.join("-")}`, href: addressOf(stateOf(panel, state)) }, panel.title)),
    drawn ? [drawn.place, numbers(panel, table)] : table());
}

// The table behind a chart, made when it is first opened.
function numbers(panel, table) {
  const fill = (event) => {
    if (event.target.open && event.target.children.length === 1) event.target.append(table());
  };
  const id = `numbers-${panel.group_by.join("-")}`;
  return el("details", { class: "numbers", id, ontoggle: fill }, el("summary", { id: `${id}-name` }, "As a table"));
}

function latestQuery(state) {
  const query = queryOf(selection(state));
  query.set("limit", LATEST);
  return query;
}

function latestCalls(calls, state) {
  return el("section", { class: "panel broad" },
    el("h2", {}, el("a", { id: "panel-calls", href: addressOf(asCalls(state)) }, "Latest calls")), callTable(calls, opening.latest, "Latest calls").element);
}
