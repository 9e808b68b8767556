// Questions and changes that a page sends with the cookie of its session, and what the server says of them.
const LOST = "The server does not answer at the moment. Please try again.";

// What the server says is wrong, in sentences without the names of fields.
function told({ error }) {
  const messages = error.details?.map(({ param, message }) => message.replace(`${param}: `, "")) ?? [error.message];
  return messages.map((message) => `${message[0].toUpperCase()}${message.slice(1)}.`).join(" ");
}

export function sender({ root, session }) {
  return async function send(method, path, body) {
    const headers = { "X-CSRF-Token": session.csrf_token };
    if (body) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(new URL(path, root), { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
    } catch {
      throw new Error(LOST);
    }
    if (answer.status === 401) location.reload();
    if (answer.status === 204) return null;
    const said = await answer.json().catch(() => null); // a proxy may say something of its own
    if (!answer.ok || !said) throw new Error(said?.error ? told(said) : LOST);
    return said.data;
  };
}
