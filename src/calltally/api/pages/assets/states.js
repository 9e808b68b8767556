// What is shown when there is no report to show: waiting, nothing found, no calls yet, no permission, errors.
import { button, el } from "./dom.js";
import { Away, Refused, report, root, session } from "./server.js";
import { addressOf, asReport, rangeOf, selection } from "./state.js";

const TEMPORARY = new Set([408, 425, 429]); // of the statuses of what a request did wrong
const BARS = { overview: ["tiles", "tall", "half", "half", "tall"], report: ["tall", "tall"], calls: ["tall"] };

export function skeleton(view) {
  return el("div", { class: `skeleton ${view}`, "aria-hidden": "true" }, BARS[view].map((shape) => el("div", { class: shape })));
}

export function cancelled(again) {
  return told("status", "Cancelled", "The server has stopped working on it.", button("Ask again", again, { class: "plain" }));
}

export function excuse(error, again) {
  if (error instanceof Refused && error.status === 401) {
    return told("status", "You are signed out", "Sign in again to go on.");
  }
  if (error instanceof Refused && error.status === 403) return forbidden("This key may not see this", `${error.message}.`);
  const away = error instanceof Away;
  if (!away && !(error instanceof Refused)) console.error(error); // a defect of the page
  const title = away ? "The server does not answer" : error instanceof Refused && error.status === 400 ? "This cannot be asked" : "That did not work";
  return told("alert", title, away ? "It may be stopped, or the network may be." : error.message,
    mayHelp(error) ? button("Try again", again, { class: "plain" }) : null);
}

// Whether the server may answer as soon as it runs again.
export const isGone = (error) => error instanceof Away || (error instanceof Refused && error.status === 503);

// Whether the same request may be answered another time: what is wrong with it stays wrong.
function mayHelp(error) {
  return !(error instanceof Refused) || error.status >= 500 || TEMPORARY.has(error.status);
}

export function forbidden(title = "This key may not see reports", text = "Sign in with a key that has the scope report or read.") {
  return told("alert", title, text,
    el("a", { href: new URL("sign-in", root).href, class: "plain" }, "Sign in with another key"));
}

// No calls in these days, under these filters, or none at all yet.
export async function nothing(state, signal) {
  const any = (await report(new URLSearchParams({ group_by: asReport(state).get("group_by"), limit: "1" }), signal)).data.count;
  if (!any) return firstSteps();
  const filtered = [...selection(state).keys()].some((name) => !["range", "start_date", "end_date"].includes(name));
  const longer = new URLSearchParams(state);
  for (const name of ["start_date", "end_date"]) longer.delete(name);
  longer.set("range", "all");
  const open = new URLSearchParams(state);
  for (const name of selection(state).keys()) if (!["range", "start_date", "end_date"].includes(name)) open.delete(name);
  return told("status", "No calls match", filtered ? "There are none on these days under these filters." : "There are none on these days.",
    rangeOf(state) === "all" ? null : el("a", { href: addressOf(longer), class: "plain" }, "Show all time"),
    filtered ? el("a", { href: addressOf(open), class: "plain" }, "Remove the filters") : null);
}

// A text as one word of a shell.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function firstSteps() {
  return told("status", "No calls yet", "Reports are drawn as soon as there are some. They come in as files, over the API, or by webhooks of your provider.",
    el("pre", {}, el("code", {}, `calltally import calls.csv --business ${quoted(session.business.name)}`)),
    el("a", { href: new URL("docs", root).href, class: "plain" }, "API documentation"));
}

function told(role, title, text, ...more) {
  return el("div", { class: "panel empty", role }, el("h2", {}, title), el("p", {}, text), ...more);
}
