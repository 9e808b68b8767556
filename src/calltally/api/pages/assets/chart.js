// Charts: specifications that the server made, drawn by Vega, which is loaded once.
import { el } from "./dom.js";
import { vegaAddress } from "./server.js";

const OPTIONS = {
  actions: false,
  ast: true, // expressions are interpreted: a page like this one runs no text as code
  defaultStyle: false,
  renderer: "svg",
  tooltip: { disableDefaultStyle: true },
};
// The page has panels. Letters reach above and below the lines of text for which Vega keeps room.
const FRAMELESS = { background: "transparent", padding: { left: 0, right: 0, top: 4, bottom: 4 } };
const UNPOINTED = new Set(["area", "line", "group"]); // marks that stand for several groups
const NARROWEST = 220;
const STEP = 20; // pixels, so that windows of nearly the same width share the server's answers
const dark = matchMedia("(prefers-color-scheme: dark)");
let loading;

export const theme = () => (dark.matches ? "dark" : "light");
export const onTheme = (listener) => dark.addEventListener("change", listener);

// The width of a chart that is to stand in so many pixels.
export function widthIn(pixels) {
  return Math.min(Math.max(Math.floor(pixels / STEP) * STEP, NARROWEST), 2000);
}

export function vega() {
  loading ??= new Promise((resolve, reject) => {
    const failed = () => {
      loading = undefined;
      reject(new Error("What draws charts could not be loaded. The table has the same numbers."));
    };
    document.head.append(el("script", { src: vegaAddress, onload: () => resolve(window.vegaEmbed), onerror: failed }));
  });
  return loading;
}

// The numbers are there whether they can be drawn or not.
export async function picture(chart, options) {
  try {
    return await drawn(chart, options);
  } catch (error) {
    return { place: el("p", { class: "hint", role: "alert" }, error.message), close: () => {} };
  }
}

// The element of a chart, drawn; `onPick` is told the values behind a mark that is clicked, by dimension.
async function drawn(specification, { titled = true, onPick } = {}) {
  const embed = await vega();
  const place = el("div", {});
  const shown = { ...specification, ...FRAMELESS };
  if (!titled) delete shown.title;
  const { view } = await embed(place, shown, OPTIONS);
  if (onPick) {
    view.addEventListener("click", (_, item) => {
      const where = item?.datum?.w;
      if (where && !UNPOINTED.has(item.mark.marktype)) onPick(where);
    });
  }
  place.setAttribute("class", onPick ? "chart picked" : "chart");
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", specification.description);
  for (const child of place.children) child.setAttribute("aria-hidden", "true");
  return { place, close: () => view.finalize() };
}
