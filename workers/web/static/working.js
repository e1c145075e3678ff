// Waits for work the server does with an upload, then shows what came of it.

const EVERY_MS = 400;
const GOES_ON = new Set(["checking", "loading", "running"]);

export async function waitForWork(card) {
  const bar = card.querySelector("progress");
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    const answer = await fetch(card.dataset.working).catch(() => null);
    if (!answer) continue;
    if (!answer.ok) return location.reload();
    const { stage, share_done } = await answer.json();
    bar.value = share_done;
    if (!GOES_ON.has(stage)) return location.reload();
  }
}
