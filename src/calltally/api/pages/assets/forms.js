// Forms that the browser sends by itself: once where they are clicked twice, and with the token of the session as it is
// now, which is another one where a business was added in another window.
const SESSION = new URL("../../api/v1/session", import.meta.url);
const TWICE_MILLISECONDS = 1000; // the answer to the second would take the place of the first: "This link was used already"
let sent = -TWICE_MILLISECONDS;

async function onSubmit(event) {
  const { target: form, submitter, timeStamp } = event;
  if (form.method !== "post") return;
  const twice = timeStamp - sent < TWICE_MILLISECONDS;
  const { csrf_token: token } = form.elements;
  if (twice || token) event.preventDefault();
  if (twice) return;
  sent = timeStamp;
  if (!token) return;
  token.value = await tokenNow() ?? token.value;
  removeEventListener("submit", onSubmit);
  form.requestSubmit(submitter);
  addEventListener("submit", onSubmit);
}

async function tokenNow() {
  try {
    return (await (await fetch(SESSION)).json()).data?.csrf_token;
  } catch {
    return null; // the form will tell
  }
}

addEventListener("submit", onSubmit);
