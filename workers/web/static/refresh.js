// Reads a page again now and then, and shows what changed; not a part in which somebody writes.
// While it cannot be read, the page says since when its figures are old.

import { text } from "./texts.js";

const EVERY_MS = 5000;

export function keepFresh(parts) {
  if (parts.every((part) => part.dataset.refresh === "stops")) return; // the banners alone ask for nothing
  let read = new Date();
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer?.redirected) return location.reload();
    sayOld(answer?.ok ? null : read);
    if (!answer?.ok) return;
    read = new Date();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts) {
      const fresh = page.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
      const isUsed = part.contains(document.activeElement) || part.querySelector("[type=checkbox]:checked");
      if (fresh && !isUsed) part.replaceChildren(...fresh.childNodes);
    }
  }, EVERY_MS);
}

function sayOld(since) {
  const note = document.querySelector("[data-stale]");
  note.hidden = !since;
  if (since) note.textContent = text("The server does not answer: what you see is of {time}. Trying again …", { time: since.toLocaleTimeString() });
}
