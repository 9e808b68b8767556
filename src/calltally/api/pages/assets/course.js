// The course of a number over time: a small line, as wide as the time from the first row to the last.
import { stepped } from "./dates.js";
import { svg } from "./dom.js";

const WIDTH = 120;
const HEIGHT = 32;

// `rows` are in the order of their `grain`; `missing` is the number of a day, week or month that has none, if there is one.
export function course(rows, { grain, name, missing }) {
  const points = filled(rows.map((row) => [new Date(row[grain]), row[name] === null ? null : Number(row[name])]), grain, missing);
  const [[first], [last]] = [points.at(0), points.at(-1)];
  const known = points.filter(([, value]) => value !== null);
  const most = Math.max(1, ...known.map(([, value]) => value));
  const x = (time) => ((WIDTH * (time - first)) / Math.max(1, last - first)).toFixed(1);
  const y = (value) => (HEIGHT - 1 - ((HEIGHT - 2) * Math.max(0, value)) / most).toFixed(1);
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("polyline", { points: known.map(([time, value]) => `${x(time)},${y(value)}`).join(" "), "vector-effect": "non-scaling-stroke" }));
}

// A gap is filled at both its ends, which is enough to draw it.
function filled(points, grain, missing) {
  return points.flatMap((point, index) => {
    const [time] = point;
    const [after, before] = [index ? stepped(grain, points[index - 1][0], 1) : time, stepped(grain, time, -1)];
    if (after >= time) return [point];
    return [[after, missing], ...(before > after ? [[before, missing]] : []), point];
  });
}
