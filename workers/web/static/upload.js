// Sends a form with a file: dropped or chosen, with its progress shown.

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

  const fail = (text) => {
    box.hidden = true;
    button.disabled = false;
    problem.hidden = false;
    problem.textContent = text;
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = total ? loaded / total : 0;
    told.textContent = `${size(loaded)} of ${size(total)}`;
  });
  request.addEventListener("load", () => {
    const answer = read(request.responseText);
    if (request.status === 201) location.assign(answer.location);
    else fail(answer.detail || `The server answered ${request.status}.`);
  });
  request.addEventListener("error", () => fail("The upload broke off. Check the connection and try again."));
  box.hidden = false;
  problem.hidden = true;
  button.disabled = true;
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(new FormData(form));
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
