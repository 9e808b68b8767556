// Questions to the server, with the cookie of the session, and what the page was given with its HTML.
import { LOST, ofBusiness } from "./changes.js";

export const page = document.getElementById("reports");
export const root = new URL(page.dataset.root, location.href);
export const vegaAddress = new URL(page.dataset.vega, location.href).href;

const facts = JSON.parse(page.dataset.facts);
const byName = (rows) => new Map(rows.map((row) => [row.name, row]));
export const { session, opening, columns, defaults } = facts;
export const catalog = Object.fromEntries(Object.entries(facts.catalog).map(([part, rows]) => [part, byName(rows)]));

const REPORT = "api/v1/analytics/calls";
const LONG = /\d{16}/; // digits: those of a number that may be larger than JavaScript's are exact
const LINKS = `session/${session.business.id}`; // a link sends no header

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// There is no answer of the server: it cannot be reached, or a proxy says so in words of its own.
export class Away extends Error {
  constructor() {
    super(LOST);
  }
}

export const may = (scope) => session.scopes.includes(scope);

// The address of a report; `form` is how it ends: `.chart.json`.
export function reportAddress(query, form = "") {
  return new URL(`${REPORT}${form}?${query}`, root).href;
}

export function callsAddress(query) {
  return new URL(`api/v1/calls?${query}`, root).href;
}

// Where a link finds a file of this business: `report.csv`, `report.png`, `report.svg`, `calls.csv`.
export function fileAddress(name, query) {
  return new URL(`${LINKS}/${name}?${query}`, root).href;
}

export async function ask(address, signal, tag) {
  const headers = { ...ofBusiness(session), ...(tag ? { "If-None-Match": tag } : {}) };
  const { response, body } = await answered(new URL(address, root), { signal, headers, cache: tag ? "no-store" : "default" });
  if (response.status === 304) return null;
  if (response.status === 401) {
    location.reload(); // signing in leads back here
    throw new Refused(401, "You are signed out.");
  }
  if (!response.ok) throw body?.error ? new Refused(response.status, body.error.message) : new Away();
  return { data: body.data, tag: response.headers.get("ETag") };
}

async function answered(address, options) {
  try {
    const response = await fetch(address, options);
    return { response, body: response.status === 304 ? null : parsed(await response.text()) };
  } catch (error) {
    throw error.name === "AbortError" ? error : new Away();
  }
}

// Sums are exact also where JavaScript's numbers are not. What draws charts takes numbers alone, and needs no more.
function parsed(text) {
  const body = JSON.parse(text);
  if (!LONG.test(text)) return body;
  const { data } = JSON.parse(text, exact);
  return { ...body, data: data?.chart ? { ...data, chart: body.data.chart } : data };
}

// Browsers that do not tell the text of a value keep the number.
function exact(_, value, context) {
  const large = typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER && /^-?\d+$/.test(context?.source);
  return large ? BigInt(context.source) : value;
}

export const report = (query, signal, tag) => ask(reportAddress(query), signal, tag);

// The report together with its chart, `width` pixels wide and as high as it needs or as `height` says.
export function charted(query, { width, height, theme }, signal) {
  const asked = new URLSearchParams(query);
  asked.set("theme", theme);
  asked.set("width", width);
  if (height) asked.set("height", height);
  return ask(reportAddress(asked, ".chart.json"), signal);
}
