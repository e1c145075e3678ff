// The keyboard: `/` to search, `g` and a letter to go to a page, `?` for what there is.

const WITHIN_MS = 1500;

export function listenForKeys(dialog) {
  let goes = 0;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    const began = goes;
    goes = 0;
    if (event.key === "/") {
      const search = document.querySelector("[type=search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
    } else if (event.key === "?") {
      dialog.showModal();
    } else if (event.key === "g") {
      goes = event.timeStamp;
    } else if (began && event.timeStamp - began < WITHIN_MS) {
      document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
    }
  });
}

function isWriting(element) {
  return element.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(element.tagName);
}
