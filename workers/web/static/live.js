// Keeps a campaign's page as the campaign stands: pieces that changed come as server-sent events.

import { text } from "./texts.js";

const OVER = new Set(["completed", "cancelled"]);
const AGAIN_MS = 3000;

export function followCampaign(page) {
  // of a large campaign that is over, some pieces are still being counted
  if (!OVER.has(page.dataset.state) || page.querySelector("[data-pending]")) open(page);
}

function open(page) {
  const told = page.querySelector("[data-connection]");
  const source = new EventSource(page.dataset.live);

  source.addEventListener("parts", (event) => {
    const { state, words, parts } = JSON.parse(event.data);
    say(told, "", false);
    for (const [name, html] of Object.entries(parts)) {
      const part = document.querySelector(`[data-part="${name}"]`);
      if (part) show(part, html); // a campaign that is over leaves out what would stay empty
    }
    if (state !== page.dataset.state) showState(page, state, words);
  });
  source.addEventListener("ended", () => source.close());
  source.addEventListener("signed_out", () => { source.close(); location.reload(); });
  source.addEventListener("full", () => say(told, text("Too many people are watching; trying again …"), true));
  source.addEventListener("away", () => say(told, text("No news from Redis, trying again … figures are old"), true));
  source.addEventListener("error", () => {
    if (!told.textContent) say(told, text("Not connected, trying again … figures may be old"), true);
    // a browser gives up where it is answered with an error, as while Redis is away
    if (source.readyState === EventSource.CLOSED) setTimeout(() => openAgain(page), AGAIN_MS);
  });
}

async function openAgain(page) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (answer?.redirected || answer?.status === 404) location.reload();
  else if (answer?.ok) open(page);
  else setTimeout(() => openAgain(page), AGAIN_MS);
}

// The server escapes what people typed, and the page's policy runs no inline script.
function show(part, html) {
  const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  part.innerHTML = html;
  if (focused) part.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function showState(page, state, words) {
  page.dataset.state = state;
  const pill = page.querySelector("[data-state-pill]");
  pill.className = `pill state-${state}`;
  pill.textContent = words;
  for (const form of page.querySelectorAll("[data-states]")) form.hidden = !form.dataset.states.split(" ").includes(state);
}

function say(told, what, isLost) {
  told.textContent = what;
  told.classList.toggle("lost", isLost);
}
