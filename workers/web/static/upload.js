// Sends a form with a file: dropped or chosen, with its progress shown.

import { text } from "./texts.js";

export function sendWithProgress(form) {
  const input = form.querySelector("input[type=file]");
  const name = form.querySelector("[data-file-name]");
  const more = form.querySelector("[data-after-choice]");
  const problem = form.querySelector(".problem");

  input.addEventListener("change", () => {
    const [file] = input.files;
    more.classList.toggle("chosen", Boolean(file));
    name.textContent = file ? `${file.name}, ${size(file.size)}` : "";
    problem.hidden = true;
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    form.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.toggle("dragging", kind === "dragover");
      if (kind !== "drop" || !event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change"));
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, problem);
  });
}

function send(form, problem) {
  const box = form.querySelector(".uploading");
  const bar = box.querySelector("progress");
  const told = box.querySelector("output");
  const button = form.querySelector("button");
  const request = new XMLHttpRequest();

  const fail = (why) => {
    box.hidden = true;
    button.disabled = false;
    problem.hidden = false;
    problem.textContent = why;
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = total ? loaded / total : 0;
    told.textContent = text("{part} of {whole}", { part: size(loaded), whole: size(total) });
  });
  request.addEventListener("load", () => {
    const answer = read(request.responseText);
    if (request.status === 201) location.assign(answer.location);
    else fail(answer.detail || text("The server answered {status}.", { status: request.status }));
  });
  request.addEventListener("error", () => fail(text("The upload broke off. Check the connection and try again.")));
  box.hidden = false;
  problem.hidden = true;
  button.disabled = true;
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(new FormData(form));
}

function read(body) {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}

function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
