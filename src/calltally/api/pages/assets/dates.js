// Ranges of days in words, on the clock of the business, and how days are shown.
const DAY = 86_400_000;

const written = (day) => day.toISOString().slice(0, 10);
const before = (day, days) => new Date(day - days * DAY);
const firstOfMonth = (day, months = 0) => new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + months, 1));
const last = (days) => (today) => [before(today, days - 1), today];

const STEPS = { date: (day, steps) => before(day, -steps), week: (day, steps) => before(day, -7 * steps), month: firstOfMonth };

// The day, week or month that is so many steps after another, each being the day on which it begins.
export const stepped = (grain, day, steps) => STEPS[grain](day, steps);

export const RANGES = {
  today: ["Today", last(1)],
  "7-days": ["Last 7 days", last(7)],
  "30-days": ["Last 30 days", last(30)],
  "90-days": ["Last 90 days", last(90)],
  month: ["This month", (today) => [firstOfMonth(today), today]],
  "last-month": ["Last month", (today) => [firstOfMonth(today, -1), before(firstOfMonth(today), 1)]],
  year: ["This year", (today) => [new Date(Date.UTC(today.getUTCFullYear(), 0, 1)), today]],
  all: ["All time", () => []],
};
export const USUAL = "30-days";

export function daysOf(range, timezone) {
  const today = new Date(`${new Intl.DateTimeFormat("en-CA", { timeZone: timezone }).format()}T00:00:00Z`);
  return RANGES[range][1](today).map(written);
}

const day = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });
const read = (text) => new Date(`${text}T00:00:00Z`);

// "Nov 1 – 30, 2026"; either end may be missing, or be no day at all.
export function shownDays(start, end) {
  const [from, to] = [start, end].map((text) => (text && !Number.isNaN(read(text).valueOf()) ? read(text) : null));
  if (from && to) return from <= to ? day.formatRange(from, to) : `${day.format(from)} – ${day.format(to)}`;
  if (from) return `From ${day.format(from)}`;
  return to ? `Up to ${day.format(to)}` : "All days";
}
