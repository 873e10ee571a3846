// Gives a consent: what is picked becomes the sentence on the page, the sentence is what is signed, and what was signed
// is handed in. Until then nothing leaves this page; what was signed is never lost, also where it cannot be handed in.
"use strict";

import { ask, asked, download, onPress, onSigning, signIn, tell, trying, wallets } from "./page.js";
import { noticeOf, requirePlace, requireTerms, sentence } from "./typed.js";
import { Stop } from "./wallet.js";

const form = document.getElementById("consenting");
const quote = document.getElementById("sentence");
const shownFirst = quote.textContent.trim();
let notice = null;
let nevertheless = false;
let signed = null;

function picked() {
  const boxes = [...form.querySelectorAll("input[type=checkbox][data-mode]:checked")];
  const modes = boxes.reduce((mask, box) => mask | Number(box.dataset.mode), 0);
  const validFrom = asked.validFrom;
  return { modes, validFrom, validUntil: validFrom + Number(form.elements.term.value) * 86400 };
}

// The fields of the consent as they are asked for now.
function wanted() {
  const { recipient, purpose, crossBorder } = asked.draft;
  return { recipient, recipientClass: asked.draft.class, purpose, crossBorder, ...picked() };
}

function show() {
  const { modes } = picked();
  quote.textContent = modes && notice ? sentence(notice, wanted()) : "";
  document.getElementById("no-sentence").hidden = Boolean(modes);
}

// What the server showed is what its notice says, word for word.
function requireShown() {
  const said = [...document.querySelectorAll("[data-notice]")].map((each) => [each.dataset.notice, each.textContent]);
  const own = ["title", "controller", "contact", "assetTitle", "retention", "withdrawal"].map((name) => [name, notice[name]]);
  const rights = notice.rights.map((each) => ["right", each]);
  const modes = [...form.querySelectorAll("[data-label]")].map((each) => [each.dataset.label, each.textContent]);
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const labels = modes.map(([code]) => [code, notice.labels.mode[code]]);
  if (!same(said.sort(), [...own, ...rights].sort()) || !same(modes, labels)) throw new Stop("wrong_text");
  if (shownFirst && shownFirst !== sentence(notice, wanted())) throw new Stop("wrong_text");
}

async function already(asking) {
  const path = asked.door ? "/me/consents" : `${asked.root}/own.json?account=${asking.account}`;
  const { items } = asked.door ? await ask("GET", path) : { items: (await ask("GET", path)).consents };
  return items.find((each) => each.assetId === asked.draft.assetId && each.live !== false && each.state !== "withdrawn");
}

async function give(asking) {
  const { modes, validFrom, validUntil } = picked();
  if (!modes) throw new Stop("pick");
  const read = quote.textContent;
  tell("asking");
  const subject = await asking.connect();
  await signIn(asking);
  const given = nevertheless ? undefined : await already(asking);
  if (given) {
    nevertheless = true;
    throw new Stop("already", { consent: given.consentId });
  }
  const modesSaid = [...form.querySelectorAll("input[data-mode]:checked")].map((box) => Number(box.dataset.mode));
  const draft = await ask("POST", "/drafts/consents", { ...asked.draft, subject, modes: modesSaid, validFrom, validUntil });
  const { message } = draft.typedData;
  requirePlace(draft.typedData, asked, "Consent");
  const { assetId, controller, recordCommit } = asked.draft;
  requireTerms(message, { ...wanted(), subject, assetId, controller, recordCommit, noticeHash: asked.notice });
  const built = sentence(notice, message);
  if (built !== message.statement || built !== draft.statement || built !== read) throw new Stop("wrong_text");
  requireSame(draft.send.document.consent, message);
  tell("signing");
  const signature = await asking.signTyped(draft.typedData);
  signed = { path: draft.send.path, document: { ...draft.send.document, signature }, key: draft.consentId };
  await handIn();
}

// What is handed in is what was signed.
function requireSame(consent, message) {
  requireTerms(consent, message);
  if (Object.keys(consent).sort().join() !== Object.keys(message).sort().join()) throw new Stop("wrong_terms");
}

async function handIn() {
  tell("sending");
  const kept = document.getElementById("kept");
  download(kept.querySelector("a"), signed.document, "signed-consent.json");
  let receipt;
  try {
    receipt = await ask("POST", signed.path, signed.document, {
      key: signed.key,
      entries: { "invalid-signature": "foreign" },
    });
  } catch (error) {
    if (error.entry === "foreign") signed = null;
    kept.hidden = signed === null;
    throw error;
  }
  kept.hidden = true;
  if (receipt.signedConsent?.signature !== signed.document.signature || receipt.receipt_id !== signed.key) {
    throw new Stop("wrong_receipt");
  }
  requireTerms(receipt.signedConsent.consent, signed.document.consent);
  given(receipt);
}

function given(receipt) {
  const box = document.getElementById("given");
  download(box.querySelector("a[data-receipt]"), receipt, `receipt-${receipt.receipt_id.slice(2, 10)}.json`);
  box.querySelector("[data-consent]").textContent = receipt.receipt_id;
  box.querySelector("a[data-withdrawal]").href = `${asked.root}/consents/${receipt.receipt_id}/withdrawal`;
  box.hidden = false;
  document.getElementById("signing").hidden = true;
  for (const each of form.elements) each.disabled = true;
  tell(null);
  box.focus();
}

async function begin() {
  document.getElementById("show").hidden = true;
  notice = await noticeOf(asked.notice);
  requireShown();
  form.addEventListener("change", show);
  window.addEventListener("pageshow", () => signed === null && show()); // the browser may bring back what was picked
  show();
  if (!asked.here) return;
  onSigning(document.getElementById("sign"), wallets(), give);
  onPress(document.getElementById("again"), handIn);
}

await trying(begin);
