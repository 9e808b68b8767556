// Numbers with their units, and values of dimensions and of calls, as people read them.
import { session } from "./server.js";

const number = new Intl.NumberFormat("en");
const money = new Intl.NumberFormat("en", {
  style: "currency",
  currency: session.business.currency,
  trailingZeroDisplay: "stripIfInteger",
  signDisplay: "negative", // what is rounded to 0 is 0
});
const moment = new Intl.DateTimeFormat("en", {
  dateStyle: "medium",
  timeStyle: "short",
  timeZone: session.business.timezone,
});
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
export const NONE = "(none)";
export const NOTHING = "–";

function clock(seconds) {
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  return [number.format(Math.floor(seconds / 3600)), ...parts].join(":");
}

const UNITS = { seconds: (value) => clock(Number(value)), cents: (value) => money.format(`${value}e-2`), percent: (value) => `${value}%` };
const GRAINS = { day_of_week: (value) => WEEKDAYS[value], hour_of_day: (value) => `${String(value).padStart(2, "0")}:00` };

const VALUES = { day_of_week: WEEKDAYS.length, hour_of_day: 24 }; // how many there are, where they are few

export const counted = (value) => number.format(value);
export const several = (value, noun) => `${counted(value)} ${value === 1 ? noun : `${noun}s`}`; // "1 row", "2 rows"

export function shownMetric(metric, value) {
  return value === null ? NOTHING : (UNITS[metric.unit] ?? number.format)(value);
}

export function shownValue(dimension, value) {
  return value === null ? NONE : (GRAINS[dimension.unit] ?? String)(value);
}

// How many groups there can be.
export function possible(dimensions) {
  return dimensions.reduce((most, { unit }) => most * (VALUES[unit] ?? Infinity), 1);
}

// A field of a call.
export function shownField(field, value) {
  if (value === null || value === undefined) return NOTHING;
  if (field.type === "time") return moment.format(new Date(value));
  if (typeof value === "boolean") return value ? "Yes" : "No";
  return field.unit ? shownMetric(field, value) : String(value);
}
