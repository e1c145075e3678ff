// A page that could not be shown looks again until it can.

const EVERY_MS = 3000;

export function heal() {
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer?.ok) location.reload();
  }, EVERY_MS);
}
