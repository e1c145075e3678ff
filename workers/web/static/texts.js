// What scripts say, in the language of the page: each English text is found by it among the page's texts.

const TEXTS = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

export function text(english, values = {}) {
  return (TEXTS[english] ?? english).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}
