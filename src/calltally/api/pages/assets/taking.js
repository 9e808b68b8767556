// What is taken away from a report: the request behind it, and files.
import { button, el, menu } from "./dom.js";
import { fileAddress, may, reportAddress } from "./server.js";
import { changed, names, queryOf, selection, viewOf } from "./state.js";
import { theme } from "./chart.js";

const KEY = "YOUR_KEY";
const SHOWN_MILLISECONDS = 1500;
const PICTURE_WIDTH = 1000;
const UNCHANGED = "Texts are as they came: a spreadsheet may run those that begin with =, +, - or @.";

export function copies() {
  return menu("copy", "Copy", {}, ...[
    ["As curl", () => curl(address())],
    ["As Python", () => python(address())],
    ["Link to this page", () => location.href],
  ].map(([label, made]) => button(label, (event) => copy(event.target, label, made()))));
}

export function downloads(state) {
  const query = queryOf(state);
  const picture = new URLSearchParams(query);
  picture.set("theme", theme());
  picture.set("width", PICTURE_WIDTH);
  const name = `calls-by-${names(state, "group_by").join("-").replaceAll("_", "-")}`;
  const file = (label, form, asked) => el("a", { href: fileAddress(`report.${form}`, asked), download: `${name}.${form}` }, label);
  return menu("download", "Download", {},
    file("Table as CSV", "csv", query), file("Picture as PNG", "png", picture), file("Picture as SVG", "svg", picture), callsFile(state));
}

export function callsFile(state) {
  if (!may("read")) return null;
  const asked = viewOf(state) === "calls" ? state : selection(state); // a list may be narrowed by a search
  return el("div", { class: "calls-file" },
    el("a", { href: fileAddress("calls.csv", queryOf(asked)), id: "calls-file", download: "calls.csv", "aria-describedby": "calls-file-hint" }, "The calls behind it as CSV"),
    el("p", { class: "hint", id: "calls-file-hint" }, UNCHANGED));
}

// Browsers let only pages that came over TLS, or from this machine, write to the clipboard, and people can forbid it to
// them; others show the text.
async function copy(pressed, label, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    showText(label, text);
    return;
  }
  pressed.textContent = "Copied";
  setTimeout(() => { pressed.textContent = label; }, SHOWN_MILLISECONDS);
}

function showText(label, text) {
  const area = el("textarea", { readonly: true, rows: 10, "aria-label": label }, text);
  const dialog = el("dialog", { "aria-label": label, onclose: () => dialog.remove() }, area, el("form", { method: "dialog" }, el("button", { class: "plain" }, "Close")));
  document.body.append(dialog);
  dialog.showModal();
  addEventListener("popstate", () => dialog.close(), { once: true });
  area.select();
}

const address = () => reportAddress(queryOf(changed(() => {})));
const curl = (asked) => `curl -H "Authorization: Bearer ${KEY}" '${asked.replaceAll("'", "%27")}'`;
const python = (asked) => `import json
from urllib.request import Request, urlopen

request = Request(${JSON.stringify(asked)}, headers={"Authorization": "Bearer ${KEY}"})
with urlopen(request) as response:
    report = json.load(response)["data"]
print(report["totals"])`;
