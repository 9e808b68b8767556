// Questions to the server, with the cookie of the session.
const page = document.getElementById("reports");
export const root = new URL(page.dataset.root, location.href);
export const session = JSON.parse(page.dataset.session);
export const first = JSON.parse(page.dataset.first);

const REPORT = "api/v1/analytics/calls";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function reportAddress(query) {
  return new URL(`${REPORT}?${query}`, root).href;
}

export async function ask(path, signal, tag) {
  const headers = tag ? { "If-None-Match": tag } : {};
  const response = await fetch(new URL(path, root), { signal, headers, cache: tag ? "no-store" : "default" });
  if (response.status === 304) return null;
  const body = await response.json();
  if (!response.ok) throw new Refused(response.status, body.error.message);
  return { data: body.data, tag: response.headers.get("ETag") };
}

export const report = (query, signal, tag) => ask(`${REPORT}?${query}`, signal, tag);
