// Asks before a form with data-confirm is sent.

import { text } from "./texts.js";

export function askBeforeSubmit(root) {
  const dialog = root.getElementById("confirm");
  const yes = dialog.querySelector("[value=yes]");

  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    const button = event.submitter;
    dialog.querySelector("#confirm-text").textContent = form.dataset.confirm;
    yes.textContent = form.dataset.yes || text("Yes");
    // what the button on the page looks like, the one that confirms looks like too
    const isDangerous = Boolean(button?.classList.contains("danger"));
    yes.classList.toggle("danger", isDangerous);
    yes.classList.toggle("primary", !isDangerous);
    dialog.returnValue = "no";
    dialog.showModal();
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(button);
    }, { once: true });
  });
}
