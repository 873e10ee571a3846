// Hands in a complaint: the session says whose it is, and nothing is signed. The same text again, after a service that did
// not answer, is the same complaint.
"use strict";

import { ask, asked, onPress, tell } from "./page.js";
import { Stop } from "./wallet.js";

const form = document.getElementById("complaining");
const ENTRIES = { unauthenticated: "session_over" };
let sent = null;

async function complain() {
  if (!form.reportValidity()) throw new Stop("incomplete");
  const text = form.elements.text.value.replace(/\s+/g, " ").trim();
  if (sent?.text !== text) sent = { text, key: crypto.randomUUID() };
  tell("sending");
  await ask("POST", "/me/complaints", { consent: asked.consent, text }, { key: sent.key, entries: ENTRIES });
  tell(null);
  for (const each of form.elements) each.disabled = true;
  document.getElementById("complain").hidden = true;
  const box = document.getElementById("complained");
  box.hidden = false;
  box.focus();
}

onPress(document.getElementById("complain"), complain);
