// Reads a page again now and then, and shows what changed; not while somebody writes on it.

const EVERY_MS = 5000;

export function keepFresh(part) {
  setInterval(async () => {
    if (document.hidden || part.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-refresh]");
    if (fresh && !part.contains(document.activeElement)) part.replaceChildren(...fresh.childNodes);
  }, EVERY_MS);
}
