// Numbers with their units, and values of dimensions, as people read them.
import { session } from "./server.js";

const number = new Intl.NumberFormat("en");
const money = new Intl.NumberFormat("en", {
  style: "currency",
  currency: session.business.currency,
  trailingZeroDisplay: "stripIfInteger",
});
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
export const NONE = "(none)";

function clock(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

const UNITS = { seconds: clock, cents: (value) => money.format(value / 100), percent: (value) => `${value}%` };
const GRAINS = { day_of_week: (value) => WEEKDAYS[value], hour_of_day: (value) => `${String(value).padStart(2, "0")}:00` };

export function shownMetric(metric, value) {
  return value === null ? "–" : (UNITS[metric.unit] ?? number.format)(value);
}

export function shownValue(dimension, value) {
  return value === null ? NONE : (GRAINS[dimension.unit] ?? String)(value);
}
