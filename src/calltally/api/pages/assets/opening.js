// The opening page: large numbers with their course, and the first reports, each a way into the builder.
import { el, svg } from "./dom.js";
import { ask, first, report, session } from "./server.js";
import { addressOf, queryOf } from "./state.js";
import { reportTable } from "./table.js";
import { shownMetric, shownValue } from "./values.js";

const WIDTH = 120;
const HEIGHT = 32;

function stateOf(panel, kept) {
  const state = new URLSearchParams(kept);
  state.set("group_by", panel.group_by.join());
  state.set("metrics", panel.metrics.join());
  for (const name of ["sort_by", "sort_order", "limit"]) state.set(name, panel[name]);
  return state;
}

export async function opening(state, catalog, signal) {
  const asked = first.panels.map((panel) => report(queryOf(stateOf(panel, state)), signal));
  const answers = (await Promise.all(asked)).map((answer) => answer.data);
  const calls = session.scopes.includes("read") ? await latest(state, signal) : null;
  return el("div", { class: "opening" }, large(answers[0], state, catalog),
    ...first.panels.map((panel, index) => drawn(panel, answers[index], state, catalog)), calls);
}

function large(answer, state, catalog) {
  const days = answer.data.toReversed();
  return el("section", { class: "large", "aria-label": "Totals" }, ...first.large.map((name) => {
    const metric = catalog.metrics.get(name);
    const panel = { ...first.panels[0], metrics: [name], limit: 1000 };
    return el("a", { class: "tile", href: addressOf(stateOf(panel, state)), title: metric.description },
      el("span", { class: "label" }, metric.label),
      el("strong", {}, shownMetric(metric, answer.totals[name])),
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

function drawn(panel, answer, state, catalog) {
  const dimensions = panel.group_by.map((name) => catalog.dimensions.get(name));
  const metrics = panel.metrics.map((name) => catalog.metrics.get(name));
  const facts = { rows: answer.data, totals: answer.totals, dimensions, metrics };
  const two = dimensions.length === 2;
  const days = metrics.length === first.large.length;
  const inside = !answer.data.length ? el("p", { class: "hint" }, "No calls on these days.") :
    two ? heat(answer.data, dimensions, metrics[0]) : days ? columns(answer.data.toReversed(), dimensions[0], metrics[0]) : reportTable(facts);
  return el("section", { class: two || days ? "panel broad" : "panel" },
    el("h2", {}, el("a", { href: addressOf(stateOf(panel, state)) }, panel.title)), inside);
}

function columns(rows, dimension, metric) {
  const most = Math.max(1, ...rows.map((row) => row[metric.name]));
  return el("ol", { class: "columns", "aria-label": `${metric.label} by ${dimension.label}` }, ...rows.map((row) => {
    const text = `${shownValue(dimension, row[dimension.name])}: ${shownMetric(metric, row[metric.name])}`;
    const column = el("li", { title: text }, el("span", { class: "unseen" }, text));
    column.style.setProperty("--part", `${(100 * row[metric.name]) / most}%`);
    return column;
  }));
}

function heat(rows, [down, across], metric) {
  const most = Math.max(1, ...rows.map((row) => row[metric.name]));
  const values = new Map(rows.map((row) => [`${row[down.name]} ${row[across.name]}`, row[metric.name]]));
  const sorted = (name) => [...new Set(rows.map((row) => row[name]))].sort((one, other) => one - other);
  const hours = sorted(across.name);
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `${metric.label} by ${down.label} and ${across.label}` },
    el("table", { class: "heat" },
      el("thead", {}, el("tr", {}, el("td"), ...hours.map((hour) => el("th", { scope: "col" }, String(hour))))),
      el("tbody", {}, ...sorted(down.name).map((day) => el("tr", {},
        el("th", { scope: "row" }, shownValue(down, day)),
        ...hours.map((hour) => warm(values.get(`${day} ${hour}`) ?? 0, most, metric)))))));
}

function warm(value, most, metric) {
  const cell = el("td", { title: shownMetric(metric, value) }, el("span", { class: "unseen" }, shownMetric(metric, value)));
  cell.style.setProperty("--part", `${(100 * value) / most}%`);
  return cell;
}

async function latest(state, signal) {
  const query = queryOf(state);
  query.set("limit", "10");
  const { calls } = (await ask(`api/v1/calls?${query}`, signal)).data;
  const when = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short", timeZone: session.business.timezone });
  return el("section", { class: "panel broad" }, el("h2", {}, "Latest calls"),
    el("ul", { class: "latest" }, ...calls.map((call) => el("li", {},
      el("time", { datetime: call.started_at }, when.format(new Date(call.started_at))),
      el("span", {}, call.caller_number ?? "–"), el("span", {}, call.source ?? "–"), el("span", {}, call.status ?? "–")))));
}
