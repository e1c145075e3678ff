// Reads a page again now and then, and shows what changed; not a part in which somebody writes.

const EVERY_MS = 5000;

export function keepFresh(parts) {
  if (!parts.length) return;
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts) {
      const fresh = page.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
      if (fresh && !part.contains(document.activeElement)) part.replaceChildren(...fresh.childNodes);
    }
  }, EVERY_MS);
}
