// An agent's page: it shows what changes as it does, and sends what the agent says until it has arrived.

import { text } from "./texts.js";

const RETRY_MS = 3000;

const desk = document.querySelector("[data-desk]");
const KEPT = `dialer-unsent-${desk?.dataset.agent}`; // the link itself is kept nowhere
if (desk) {
  follow(desk);
  for (const [attempt, body] of Object.entries(unsent())) resend(attempt, body);
  document.addEventListener("focusout", () => setTimeout(showPending));
  document.addEventListener("toggle", showPending, true);
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-send]")) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
}

function follow(desk) {
  const told = desk.querySelector("[data-connection]");
  const source = new EventSource(`${desk.dataset.desk}/events`);
  source.addEventListener("desk", (event) => {
    const { parts, talks } = JSON.parse(event.data);
    if (told.classList.contains("lost")) say(told, "");
    for (const [name, html] of Object.entries(parts)) show(desk.querySelector(`[data-part="${name}"]`), html);
    showTalks(desk.querySelector("[data-talks]"), talks);
  });
  source.addEventListener("signed_out", () => { source.close(); location.reload(); });
  source.addEventListener("full", () => say(told, text("Too many pages are open; trying again …")));
  source.addEventListener("away", () => say(told, text("The dialer does not answer; trying again …")));
  source.addEventListener("error", () => say(told, text("No connection, trying again … what you see may be old")));
}

// Whoever is writing, or has opened something, is not disturbed: it is shown once they are done.
function show(part, html) {
  const isUsed = part.contains(document.activeElement) || part.querySelector("details[open]");
  part.pending = isUsed && part.querySelector("form") ? html : null;
  // the server escapes what people typed, and the page's policy runs no inline script
  if (part.pending === null && part.shown !== html) part.innerHTML = html;
  part.shown = part.pending === null ? html : part.shown;
}

function showPending() {
  for (const part of document.querySelectorAll("[data-part]")) if (part.pending) show(part, part.pending);
}

function showTalks(part, talks) {
  for (const old of part.querySelectorAll("[data-talk]")) if (!(old.dataset.talk in talks)) old.remove();
  let last = null;
  for (const [id, html] of Object.entries(talks)) {
    let one = part.querySelector(`[data-talk="${CSS.escape(id)}"]`);
    if (!one) {
      const fresh = document.createElement("div");
      fresh.innerHTML = html;
      one = fresh.firstElementChild;
      if (last) last.after(one); else part.prepend(one);
    }
    last = one;
  }
}

async function send(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  const attempt = body.get("attempt");
  const told = form.querySelector(".problem");
  for (const one of form.querySelectorAll("button")) one.disabled = true;
  if (attempt) keep(attempt, body.toString());
  try {
    const answer = await untilAnswered(form.action, body, told);
    if (answer.ok) {
      say(told, "");
      if (attempt) say(desk.querySelector("[data-connection]"), text("Kept: {what}", { what: button.textContent.trim() }), false);
      if (form.closest("[data-talk]")) form.closest("[data-talk]").remove();
      for (const one of form.querySelectorAll("details[open]")) one.open = false;
      form.reset();
      if (attempt) desk.querySelector("h1").focus({ preventScroll: true }); // its button is gone
      else document.activeElement?.blur?.();
      showPending();
    } else if (answer.status === 404 && !form.closest("[data-talk]")) {
      location.reload();
    } else {
      say(told, await answer.text());
    }
  } finally {
    if (attempt) keep(attempt, null);
    for (const one of form.querySelectorAll("button")) one.disabled = false;
  }
}

// Saying it twice is saying it once, so it is sent until somebody answers.
async function untilAnswered(address, body, told) {
  for (;;) {
    const answer = await fetch(address, { method: "POST", body, headers: { Accept: "text/plain" } }).catch(() => null);
    if (answer && answer.status < 500) return answer;
    say(told, text("Not sent yet: no connection. It is sent as soon as there is one."));
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

// What somebody said of a conversation is kept with the browser until it has arrived: a phone closes pages as it
// likes, in a tunnel too. Where they are is not: hours later it would be wrong.
function unsent() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

function keep(attempt, body) {
  const all = { ...unsent(), [attempt]: body ?? undefined };
  try {
    localStorage.setItem(KEPT, JSON.stringify(all));
  } catch {
    // not allowed, or no room: this page sends it all the same
  }
}

async function resend(attempt, body) {
  const told = desk.querySelector("[data-connection]");
  const answer = await untilAnswered(`${desk.dataset.desk}/disposition`, new URLSearchParams(body), told);
  keep(attempt, null);
  say(told, answer.ok ? text("Kept: what was not sent yet") : text("Not taken: {why}", { why: await answer.text() }), !answer.ok);
}

function say(told, what, isBad = Boolean(what)) {
  told.textContent = what;
  told.hidden = told.getAttribute("role") === "alert" && !what;
  told.classList.toggle("lost", isBad);
}
