// Saved reports: the menu of them, and the buttons that save and share the report that the page shows.
import { sender } from "./changes.js";
import { ask, nameField } from "./dialogs.js";
import { el, renewed } from "./dom.js";
import { shareDialog } from "./sharing.js";

const REPORTS = "api/v1/reports";
const NONE_YET = "No report is saved yet. Build one, and save it under a name.";

// `state` are the parameters of the page's address; without a report in them there is nothing to save or to share.
export function savedMenu({ session, root, state }) {
  const send = sender({ root, session });
  const request = state.toString();
  const built = state.has("group_by");
  const list = el("div", {}, el("p", { class: "hint" }, "Asking …"));
  const summary = el("summary", { id: "saved-name" }, el("span", {}, "Saved reports"));
  const menu = el("details", { class: "menu", ontoggle: () => menu.open && fill() }, summary, list);
  const note = el("p", { class: "note", role: "status" });
  const tell = (did, name) => note.replaceChildren(...(did ? [`${did} `, el("bdi", {}, name)] : []));
  const button = (label, onclick) => el("button", { type: "button", id: `saved-${label.toLowerCase()}`, onclick }, label);
  const save = button("Save", () => saveDialog({ send, request, tell, back: () => save.focus() }));
  const share = button("Share", () => shareDialog({ send, root, request, session, back: () => share.focus() }));
  let filling;

  // An answer that comes after a later one is not shown.
  async function fill() {
    const own = (filling = {});
    const inside = await listed();
    if (own === filling) renewed(list, inside, summary.id);
  }

  async function listed() {
    try {
      const { reports } = await send("GET", REPORTS);
      return reports.length ? el("ul", { class: "saved-list" }, ...reports.map(row)) : el("p", { class: "hint" }, NONE_YET);
    } catch (error) {
      return el("p", { class: "problem", role: "alert" }, error.message);
    }
  }

  function row(report) {
    const again = () => { menu.open = true; summary.focus(); };
    const opening = report.problem
      ? el("span", { class: "broken", title: report.problem }, report.name, el("small", {}, "It cannot be opened any more: ", report.problem))
      : el("a", { href: `?${report.request}`, id: `open-${report.id}`, "aria-current": same(report.request, state) ? "page" : null, onclick: () => { menu.open = false; } }, report.name);
    return el("li", {}, opening,
      small("Rename", report, () => renameDialog({ send, report, tell, back: again })),
      small("Delete", report, () => deleteDialog({ send, report, tell, back: again })));
  }

  return el("div", { class: "saved" }, menu, ...(built ? [save, share] : []), note);
}

function small(label, report, onclick) {
  return el("button", { type: "button", class: "small", id: `${label.toLowerCase()}-${report.id}`, "aria-label": `${label} ${report.name}`, onclick }, label);
}

// The same parameters, in whatever order.
function same(request, state) {
  const sorted = (params) => [...params].map((pair) => pair.join("=")).sort().join("&");
  return sorted(new URLSearchParams(request)) === sorted(state);
}

// What was done is told once the dialog is closed: below one, nothing is read out. It may be closed before it is done.
function asking({ tell, back, submit, ...dialog }) {
  let done = [];
  let closed = false;
  return ask({
    ...dialog,
    submit: async (fields) => {
      done = await submit(fields);
      if (closed) tell(...done);
    },
    back: () => {
      closed = true;
      back();
      tell(...done);
    },
  });
}

function saveDialog({ send, request, tell, back }) {
  asking({
    title: "Save this report",
    content: [nameField(""), el("p", { class: "hint" }, "Everybody who is signed in to this business can open it. Dates in words, such as the last 30 days, are those of the day on which it is opened.")],
    action: "Save",
    submit: async ({ name }) => ["Saved as", (await send("POST", REPORTS, { name, request })).name],
    tell,
    back,
  });
}

function renameDialog({ send, report, tell, back }) {
  const { dialog } = asking({
    title: "Rename this report",
    content: [nameField(report.name)],
    action: "Rename",
    submit: async ({ name }) => ["Renamed to", (await send("PATCH", `${REPORTS}/${report.id}`, { name })).name],
    tell,
    back,
  });
  dialog.querySelector("input").select();
}

function deleteDialog({ send, report, tell, back }) {
  asking({
    title: "Delete this saved report?",
    content: [el("p", {}, el("b", {}, el("bdi", {}, report.name)), " will be gone for everybody. No calls are deleted, and links that were shared stay as they are.")],
    action: "Delete",
    submit: async () => {
      await send("DELETE", `${REPORTS}/${report.id}`);
      return ["Deleted", report.name];
    },
    tell,
    back,
  });
}
