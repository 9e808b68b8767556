// The dialog that shares a report: a link is made and shown once; those that there are can be revoked.
import { ask, nameField } from "./dialogs.js";
import { el } from "./dom.js";

const SHARES = "api/v1/shares";
const ENDS = [["30", "In 30 days"], ["7", "In 7 days"], ["90", "In 90 days"], ["", "Never"]];
const COPIED_MILLISECONDS = 2000;

export function shareDialog({ send, root, request, session, back }) {
  const made = el("div", { class: "made" });
  const list = el("div", { class: "shares" }, el("p", { class: "hint" }, "Asking …"));
  const day = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: session.business.timezone });
  const ends = el("label", {}, "Ends", el("select", { name: "days" }, ...ENDS.map(([value, label]) => el("option", { value }, label))));
  const dialog = ask({
    title: "Share this report",
    content: [
      el("p", {}, "Whoever has the link sees this report, without signing in: its numbers, dates and filters, and nothing else. Its numbers stay up to date."),
      nameField("", { required: false, placeholder: "Optional: the title of the page" }),
      ends,
      made,
    ],
    action: "Make a link",
    close: "Close",
    submit: make,
    after: [el("h3", {}, "Links of this business"), list],
    wide: true,
    back,
  });
  let linked = null; // the id of the share whose link is shown
  let filling;
  fill();

  async function make({ name, days }) {
    const body = { request, name: name.trim() || null, expires_in_days: days ? Number(days) : null };
    const share = await send("POST", SHARES, body);
    linked = share.id;
    const link = el("input", { readonly: true, value: new URL(share.path, root).href, "aria-label": "Link" });
    made.replaceChildren(
      el("p", {}, "This is the link. It is shown only now, so copy it."),
      el("p", { class: "link" }, link, el("button", { type: "button", onclick: (event) => copy(link, event.target) }, "Copy")));
    link.focus();
    link.select();
    await fill();
    return true;
  }

  // An answer that comes after a later one is not shown.
  async function fill() {
    const own = (filling = {});
    const inside = await listed();
    if (own === filling) list.replaceChildren(inside);
  }

  async function listed() {
    try {
      const { shares } = await send("GET", SHARES);
      return shares.length ? el("ul", {}, ...shares.map(row)) : el("p", { class: "hint" }, "There are none.");
    } catch (error) {
      return el("p", { class: "problem", role: "alert" }, error.message);
    }
  }

  function row(share) {
    const end = share.expires_at ? `ends ${day.format(new Date(share.expires_at))}` : "never ends";
    const revoke = async (event) => {
      event.target.disabled = true;
      dialog.show("");
      try {
        await send("DELETE", `${SHARES}/${share.id}`);
        if (share.id === linked) made.replaceChildren();
        await fill();
        dialog.dialog.querySelector(".shares button, .answers button").focus();
      } catch (error) {
        event.target.disabled = false;
        dialog.show(error.message);
      }
    };
    return el("li", {},
      el("span", {}, el("b", {}, share.title), el("small", {}, `Made ${day.format(new Date(share.created_at))}, ${end}`)),
      el("button", { type: "button", class: "small", "aria-label": `Revoke ${share.title}`, onclick: revoke }, "Revoke"));
  }
}

// Browsers let pages write to the clipboard only over TLS or on this machine, and where nobody forbids it; elsewhere the
// selection is copied, by whoever reads this if need be.
async function copy(link, button) {
  link.select();
  try {
    await navigator.clipboard.writeText(link.value);
  } catch {
    if (!document.execCommand("copy")) {
      link.closest(".made").firstChild.textContent = "The browser does not let this page copy the link. It is selected: copy it by keyboard.";
      link.focus();
      return;
    }
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, COPIED_MILLISECONDS);
}
