// Questions and changes that a page sends with the cookie of its session, and what the server says of them.
const SESSION = "api/v1/session";
export const LOST = "The server does not answer at the moment. Please try again.";

// What the server says is wrong, in sentences without the names of fields.
function told({ error }) {
  const messages = error.details?.map(({ param, message }) => message.replace(`${param}: `, "")) ?? [error.message];
  return messages.map((message) => `${message[0].toUpperCase()}${message.slice(1)}.`).join(" ");
}

// Says whose page asks: in another window the session may look at another business.
export const ofBusiness = (session) => ({ "X-Calltally-Business": session.business.id });

export function sender({ root, session }) {
  const ask = (method, path, body) => {
    const headers = { ...ofBusiness(session), "X-CSRF-Token": session.csrf_token };
    if (body) headers["Content-Type"] = "application/json";
    return fetch(new URL(path, root), { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  };

  // Whether the session has another token than the page knew: it gets one when a business is added in another window.
  const isRenewed = async () => {
    const before = session.csrf_token;
    const answer = await ask("GET", SESSION);
    if (answer.ok) session.csrf_token = (await answer.json()).data.csrf_token;
    return session.csrf_token !== before;
  };

  return async function send(method, path, body) {
    let answer;
    try {
      answer = await ask(method, path, body);
      if (answer.status === 403 && await isRenewed()) answer = await ask(method, path, body);
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
