// Takes a consent back: one signature, then it is relayed, and the page says when it is final.
"use strict";

import { ask, asked, onSigning, tell, wallets } from "./page.js";
import { requirePlace, requireTerms } from "./typed.js";
import { Stop } from "./wallet.js";

const PAUSE = 1000;

async function withdraw(asking) {
  tell("asking");
  const subject = await asking.connect();
  const draft = await ask("POST", "/drafts/withdrawals", { consent: asked.consent, subject });
  requirePlace(draft.typedData, asked, "Withdrawal");
  requireTerms(draft.typedData.message, { consentId: asked.consent });
  tell("signing");
  const signature = await asking.signTyped(draft.typedData);
  tell("sending");
  const withdrawal = { ...draft.send.document, signature };
  const entries = { "invalid-signature": "foreign", "not-found": "not_yours" };
  const sent = ask("POST", `${draft.send.path}?wait=final`, withdrawal, { key: draft.digest, entries });
  let found = await sent.catch(judged);
  while (found && found.operation && found.state !== "final") {
    if (found.state === "failed") throw new Stop("declined", { reason: found.reason?.message ?? "" });
    tell("waits");
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    found = await ask("GET", `/operations/${found.operation}`);
  }
  tell(null);
  document.getElementById("signing").hidden = true;
  const box = document.getElementById("withdrawn");
  box.hidden = false;
  box.focus();
}

// Withdrawn before: that is what was wanted. Somebody else's: that is said.
function judged(error) {
  if (error.problem?.error === "AlreadyWithdrawn") return null;
  throw error.problem?.field === "subject" ? new Stop("not_yours") : error;
}

onSigning(document.getElementById("sign"), wallets(), withdraw);
