// A part of a page that takes longer to make than the page: it comes when it is ready.

import { text } from "./texts.js";

export async function fetchPart(part) {
  const answer = await fetch(part.dataset.fetched, { headers: { Accept: "text/html" } }).catch(() => null);
  if (answer?.ok && !answer.redirected) part.innerHTML = await answer.text();
  else part.textContent = text("The charts could not be made now; the report has them.");
}
