// Closes menus as people expect of menus: by Escape, which gives the focus back, and by a click or a step elsewhere.
// What opens below a menu's name is kept inside the window.
const MENUS = "details.menu";
const EDGE = 8; // pixels between what is open and the edges of the window

function close(menu) {
  menu.open = false;
}

function onKey(event) {
  const menu = event.key === "Escape" && document.querySelector(`${MENUS}[open]`);
  if (!menu) return;
  close(menu);
  menu.querySelector("summary").focus();
}

function onElsewhere(event) {
  for (const menu of document.querySelectorAll(`${MENUS}[open]`)) {
    if (!menu.contains(event.target)) close(menu);
  }
}

// It begins or ends where its menu does; where that is outside the window, it is moved sideways by what is outside.
function keepInside(panel) {
  panel.style.removeProperty("translate");
  const { left, right } = panel.getBoundingClientRect();
  const most = document.documentElement.clientWidth - EDGE - right;
  const shift = Math.max(EDGE - left, Math.min(most, 0));
  if (left < EDGE || most < 0) panel.style.setProperty("translate", `${shift}px`);
}

// What is open can get wider: lists are filled when they have come.
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => keepInside(target)));

function onToggle({ target }) {
  if (!target.matches(MENUS)) return;
  const panel = target.querySelector(":scope > div");
  if (target.open) sizes.observe(panel);
  else sizes.unobserve(panel);
}

function onResize() {
  document.querySelectorAll(`${MENUS}[open] > div`).forEach(keepInside);
}

document.addEventListener("toggle", onToggle, true); // it does not bubble
addEventListener("resize", onResize);
document.addEventListener("keydown", onKey);
document.addEventListener("pointerdown", onElsewhere);
document.addEventListener("focusin", onElsewhere);
