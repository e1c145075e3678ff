// What the pages do beyond links and forms; each works without it, live updates aside.

import { askBeforeSubmit } from "./confirm.js";
import { fetchPart } from "./fetched.js";
import { heal } from "./heal.js";
import { listenForKeys } from "./keys.js";
import { followCampaign } from "./live.js";
import { keepFresh } from "./refresh.js";
import { sendWithProgress } from "./upload.js";
import { waitForWork } from "./working.js";

document.documentElement.classList.add("scripted");
askBeforeSubmit(document);
for (const form of document.querySelectorAll("form[data-upload]")) sendWithProgress(form);
for (const page of document.querySelectorAll("[data-live]")) followCampaign(page);
if (document.querySelector("[data-heal]")) heal();
listenForKeys(document.getElementById("keys"));
for (const part of document.querySelectorAll("[data-fetched]")) fetchPart(part);
keepFresh([...document.querySelectorAll("[data-refresh]")]);
for (const card of document.querySelectorAll("[data-working]")) waitForWork(card);
