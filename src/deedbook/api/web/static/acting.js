// What is done at a desk: the form is drafted by the service, looked at here, signed in the member's wallet, relayed. What
// is typed as a document is public from then on that it is signed for, and not before. What was signed and could not be
// handed in stays on this page: pressing again hands in the same, and asks for no other signature.
"use strict";

import { ask, asked, onSigning, signIn, tell, wallets } from "./page.js";
import { requirePlace } from "./typed.js";
import { Stop, isSame } from "./wallet.js";

const PAUSE = 1000;
const DAY = 86_400;
const KEY = /^0x[0-9a-fA-F]{64}$/;
const ENTRIES = { "rejected-by-contract": "rejected", "invalid-signature": "foreign", unauthenticated: "session_over" };
const LATER = ["unreachable", "session_over"];
const signed = new Map();

async function act(form, asking) {
  if (!form.reportValidity()) return tell(null);
  const known = asked.acts[form.dataset.act];
  tell("asking");
  const account = await asking.connect();
  if (!isSame(account, asked.account)) throw new Stop("other_member", { account: asked.account });
  await signIn(asking);
  const typed = JSON.stringify(fields(form).map(({ name, value }) => [name, value]));
  if (signed.get(form)?.typed !== typed) signed.set(form, { typed, ...(await sign(form, known, asking)) });
  try {
    await done(await handIn(signed.get(form), known));
  } catch (error) {
    if (!LATER.includes(error.entry)) signed.delete(form);
    throw error;
  }
  signed.delete(form);
}

function fields(form) {
  return [...form.elements].filter(({ name }) => name);
}

// What the form says, as a signed act, and the documents that it names.
async function sign(form, known, asking) {
  tell("drafting");
  const [said, documents] = [{}, []];
  for (const field of fields(form)) said[field.name] = await value(field, known, form, documents);
  const path = known.draft.replace(/\{(\w+)\}/g, (_, name) => said[name]);
  const body = Object.fromEntries(Object.entries(said).filter(([name]) => !known.draft.includes(`{${name}}`)));
  const draft = await ask("POST", path, { as: asked.account, ...body }, { entries: ENTRIES });
  requirePlace(draft.typedData, asked, "ForwardRequest");
  requireAct(draft.typedData.message, known, said);
  tell("act_signing", { act: draft.act });
  const signature = await asking.signTyped(draft.typedData);
  return { documents, path: draft.send.path, act: { ...draft.send.document, signature } };
}

// Makes the documents public, then has the act relayed. Each of both may be done again: the same is the same.
async function handIn({ documents, path, act }, known) {
  tell("sending");
  for (const { content, hash } of documents) {
    const kept = await ask("POST", `/documents?kind=${known.document}`, content, { entries: ENTRIES });
    if (kept.hash !== hash) throw new Stop("wrong_document");
  }
  return ask("POST", `${path}?wait=final`, act, { entries: ENTRIES });
}

// What a field says: as the routes take it.
async function value(field, known, form, documents) {
  const text = field.value.trim();
  if (field.dataset.kind === "number") return Number(text);
  if (field.dataset.kind === "days") return Math.floor(Date.now() / 1000) + Number(text) * DAY;
  if (field.dataset.kind !== "grounds" || KEY.test(text)) return text;
  const content = { about: form.elements[known.about].value.trim(), text };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(content)));
  const hash = hex(new Uint8Array(digest));
  documents.push({ content, hash });
  return hash;
}

// That a request is the member's, calls what the form is for, and says in its place every value of the form.
function requireAct(message, known, said) {
  const words = message.data.slice(10).match(/.{64}/g) ?? [];
  const holds =
    isSame(message.from, asked.account) &&
    isSame(message.to, known.to) &&
    String(message.value) === "0" &&
    isSame(message.data.slice(0, 10), known.selector) &&
    Object.entries(said).every(([name, given]) => isSame(words[known.places[name]], word(given, known.codes[name])));
  if (!holds) throw new Stop("wrong_act");
}

// The word that a value is in a call.
function word(given, codes) {
  const said = codes ? codes[given] : given;
  return typeof said === "number" ? said.toString(16).padStart(64, "0") : key(said).slice(2);
}

// The 32 bytes that a target is on chain.
function key(text) {
  if (text.startsWith("member:")) return `0x${text.slice(9).toLowerCase().padStart(64, "0")}`;
  if (text.startsWith("asset:")) return `0x${BigInt(text.slice(6)).toString(16).padStart(64, "0")}`;
  return text.toLowerCase();
}

function hex(bytes) {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

async function done(answer) {
  let found = answer;
  while (found.operation && found.state !== "final") {
    if (found.state === "failed") throw new Stop("rejected", { reason: found.reason?.message ?? "" });
    tell("waits");
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    found = await ask("GET", `/operations/${found.operation}`);
  }
  tell(null);
  const box = document.getElementById("acted");
  box.querySelector("[data-transaction]").href = `${asked.root}/transactions/${found.transaction}`;
  box.hidden = false;
  box.focus();
}

const wallet = wallets();
for (const form of document.querySelectorAll("form[data-act]")) {
  const button = form.querySelector("button");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.click();
  });
  onSigning(button, wallet, (asking) => act(form, asking));
}
