// Closes menus as people expect of menus: by Escape, which gives the focus back, and by a click or a step elsewhere.
const MENUS = "details.menu";

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

document.addEventListener("keydown", onKey);
document.addEventListener("pointerdown", onElsewhere);
document.addEventListener("focusin", onElsewhere);
