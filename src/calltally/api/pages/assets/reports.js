// The page of reports: what its address says, drawn; and drawn again when new calls have come.
import { SIDE_BY_SIDE, built } from "./builder.js";
import { followCall } from "./call.js";
import { callList } from "./calls.js";
import { onTheme, vega, widthIn } from "./chart.js";
import { controls, dates, heading, views } from "./controls.js";
import { button, el, renewed } from "./dom.js";
import { filters } from "./filters.js";
import { overview } from "./opening.js";
import { savedMenu } from "./saved.js";
import { catalog, may, page, report, root, session } from "./server.js";
import { checkRange, current, go, onChange, onwards, queryOf, viewOf } from "./state.js";
import { cancelled, excuse, forbidden, isGone, nothing, skeleton } from "./states.js";
import { copies, downloads } from "./taking.js";

const POLL_MILLISECONDS = 15_000;
const SLOW_MILLISECONDS = 600; // after which waiting is told, and can be ended
const RESIZED_MILLISECONDS = 250;
const VIEWS = { overview, report: built, calls: callList };

const head = el("div", { class: "head" });
const waiting = el("div", { class: "waiting", hidden: true }, el("span", {}, "Asking …"), button("Cancel", () => cancel(), { class: "plain" }));
const news = el("div", { class: "news", hidden: true }, el("span", {}, "There are new or changed calls."), button("Show them", () => showNews(), { class: "plain" }));
const answer = el("div", { class: "answer", id: "answer", tabindex: "-1", role: "region", "aria-label": "Answer" });
const said = el("p", { class: "unseen", role: "status" });
let asking = new AbortController();
let drawnView = null; // which view the answer shows
let drawnState; // what it was made for
let drawnQuery; // what the dates mean that the head says
let close = () => {};
let grown = () => false; // whether the answer is a list of calls that was opened further
let gone = false; // whether the answer says that the server is gone
let tag; // what `named` says of the answer that is shown, once it is known

function top(state) {
  const view = viewOf(state);
  return [
    el("div", { class: "row" }, views(state), el("div", { class: "tools" },
      savedMenu({ session, root, state }), view === "report" ? [copies(), downloads(state)] : null, dates(state))),
    heading(state),
    view === "report" ? controls(state) : null,
    filters(state),
  ];
}

// The answer before stays, dimmed, until the next one takes its place: nothing jumps.
async function show() {
  const state = current();
  drawnQuery = String(queryOf(state));
  renewed(head, top(state), "add-filter-name");
  if (viewOf(state) !== drawnView) put(skeleton(viewOf(state)), null);
  await draw(state);
}

async function draw(state) {
  asking.abort();
  const own = (asking = new AbortController());
  const start = performance.getEntriesByName("painted").length ? performance.now() : 0;
  const slow = setTimeout(() => { waiting.hidden = false; }, SLOW_MILLISECONDS);
  answer.setAttribute("aria-busy", "true");
  tag = named(own.signal);
  try {
    checkRange(state);
    const made = (await VIEWS[viewOf(state)](state, own.signal)) ?? { element: await nothing(state, own.signal), close: () => {}, said: "No calls match" };
    if (own !== asking) return made.close();
    finish(made, viewOf(state), start);
    drawnState = state;
  } catch (error) {
    if (own !== asking) return;
    put(own.signal.aborted ? cancelled(show) : excuse(error, show), null);
    gone = !own.signal.aborted && isGone(error);
  } finally {
    clearTimeout(slow);
    if (own === asking) {
      waiting.hidden = true;
      answer.removeAttribute("aria-busy");
    }
  }
}

function finish(made, view, start) {
  put(made.element, view);
  close = made.close;
  grown = made.grown ?? grown;
  said.textContent = made.said;
  notePainted(start);
}

function put(element, view) {
  close();
  close = () => {};
  grown = () => false;
  gone = false;
  news.hidden = true;
  renewed(answer, element, "answer");
  drawnView = view;
}

function cancel() {
  asking.abort();
}

// Tells the browser's own record how long it took from the navigation, or from the change, until all was painted.
function notePainted(start) {
  requestAnimationFrame(() => setTimeout(() => performance.measure("painted", { start })));
}

// The name that the server gives to the calls as they are now, by way of a report that it keeps for all views. It is asked
// for before what is drawn, so that it is no newer: a name that is too old costs one drawing, one too new hides calls.
async function named(signal, known) {
  const query = new URLSearchParams({ group_by: catalog.dimensions.keys().next().value, limit: 1 });
  return (await report(query, signal, known).catch(() => null))?.tag;
}

// Asks whether calls have come, or the server is back, and draws anew only then; a list of calls that was opened further stays as it is, and a note offers it anew.
async function poll() {
  if (document.hidden || answer.hasAttribute("aria-busy") || document.querySelector("dialog[open]")) return;
  const own = asking;
  if (gone && await named(own.signal) && own === asking) await drawAgain();
  else if (drawnView) await pollShown(own);
}

async function pollShown(own) {
  const turned = isAnotherDay() && !grown();
  if (turned && head.querySelector("details[open]")) return; // whoever is choosing is let finish
  const newer = turned || await named(own.signal, await tag); // none where nothing has come, or nobody answers: the next poll may succeed
  if (!newer || own !== asking || !drawnView) return;
  if (grown()) tellNews();
  else await drawAgain();
}

// With a new day dates in words mean other ones: then what is above the answer says so too.
const isAnotherDay = () => String(queryOf(current())) !== drawnQuery;
const drawAgain = () => (isAnotherDay() ? show() : draw(current()));

function tellNews() {
  if (!news.hidden) return;
  news.hidden = false;
  said.textContent = news.firstChild.textContent;
}

// The newest calls are on top.
async function showNews() {
  answer.focus({ preventScroll: true });
  await show();
  scrollTo(0, 0);
}

function follow(event) {
  const link = event.target.closest("a");
  const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  if (!link || link.download || !plain || new URL(link.href).pathname !== location.pathname) return;
  event.preventDefault();
  const around = link.closest("details.menu");
  if (around) around.open = false;
  const to = new URL(link.href).searchParams;
  go(answer.contains(link) && answer.hasAttribute("aria-busy") ? onwards(to, drawnState) : to);
}

// Charts are drawn for so many pixels, and lists of calls fit in any.
const shape = () => [widthIn(page.clientWidth), page.clientWidth >= SIDE_BY_SIDE].join();
const drawPictures = () => drawnView && drawnView !== "calls" && drawAgain();

function onResize() {
  let before = shape();
  let resized;
  new ResizeObserver(() => {
    clearTimeout(resized);
    resized = setTimeout(() => {
      if (shape() === before) return;
      before = shape();
      drawPictures();
    }, RESIZED_MILLISECONDS);
  }).observe(page);
}

function start() {
  if (!may("report")) {
    page.replaceChildren(forbidden());
    return;
  }
  page.replaceChildren(head, waiting, news, answer, said);
  vega().catch(() => {}); // whoever draws the first chart tells
  page.addEventListener("click", follow);
  onChange(show);
  onTheme(drawPictures);
  onResize();
  setInterval(poll, POLL_MILLISECONDS);
  show();
  followCall();
}

start();
