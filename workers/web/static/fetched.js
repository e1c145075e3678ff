// A part of a page that takes longer to make than the page: it comes when it is ready.

export async function fetchPart(part) {
  const answer = await fetch(part.dataset.fetched, { headers: { Accept: "text/html" } }).catch(() => null);
  if (answer?.ok && !answer.redirected) part.innerHTML = await answer.text();
  else part.textContent = "The charts could not be made now; the report has them.";
}
