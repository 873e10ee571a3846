// Names where the money of a consent goes, and shows what is kept: each with a signature of whoever signed the consent.
"use strict";

import { ask, asked, onSigning, tell, wallets } from "./page.js";
import { requirePlace, requireTerms } from "./typed.js";
import { Stop, isSame } from "./wallet.js";

const form = document.getElementById("naming");
const entries = { "invalid-signature": "foreign", "not-found": "no_payee" };

// A draft that says what was asked for, signed; what it is sent with.
async function signed(asking, path, name, wanted) {
  tell("asking");
  const subject = await asking.connect();
  if (!isSame(subject, asked.subject)) throw new Stop("not_yours");
  const draft = await ask("POST", path, { ...wanted.body, consent: asked.consent, subject });
  requirePlace(draft.typedData, { domain: asked.domain, types: asked.types[name] }, name);
  requireTerms(draft.typedData.message, { ...wanted.body, consentId: asked.consent });
  requireTerms(draft.send.document.payee ?? draft.send.document, draft.typedData.message);
  tell("signing_other");
  const signature = await asking.signTyped(draft.typedData);
  tell("sending");
  return ask("POST", draft.send.path, { ...draft.send.document, signature }, { key: wanted.once ? draft.digest : undefined, entries });
}

async function name(asking) {
  if (!form.reportValidity()) throw new Stop("incomplete");
  const { kind, institution, number, holder } = form.elements;
  const body = { kind: kind.value, institution: institution.value, account: number.value, holder: holder.value };
  const kept = await signed(asking, "/drafts/payees", "Payee", { body, once: true });
  tell(null);
  document.getElementById("masked").textContent = kept.payee;
  const box = document.getElementById("named");
  box.hidden = false;
  box.focus();
}

async function look(asking) {
  const { payee: kept } = await signed(asking, "/drafts/payee-requests", "PayeeRequest", { body: {} });
  tell(null);
  const words = Object.fromEntries([...form.elements.kind.options].map((each) => [each.value, each.textContent]));
  for (const each of document.querySelectorAll("[data-payee]")) {
    const value = kept[each.dataset.payee];
    each.textContent = each.dataset.payee === "kind" ? words[value] : value;
  }
  document.getElementById("payee").hidden = false;
}

const wallet = wallets();
onSigning(document.getElementById("sign"), wallet, name);
onSigning(document.getElementById("look"), wallet, look);
