// What is done at a desk: the form is drafted by the service, looked at here, signed in the member's wallet, relayed.
"use strict";

import { ask, asked, onSigning, signIn, tell, wallets } from "./page.js";
import { hex, nested, ordered, saidBy, says } from "./saying.js";
import { requirePlace } from "./typed.js";
import { Stop, isSame } from "./wallet.js";

const PAUSE = 1000;
const KEY = /^0x[0-9a-fA-F]{64}$/;
const ENTRIES = { "rejected-by-contract": "rejected", "invalid-signature": "foreign" };

async function act(form, asking) {
  if (!form.reportValidity()) return tell(null);
  const known = asked.acts[form.dataset.act];
  tell("asking");
  const account = await asking.connect();
  if (!isSame(account, asked.account)) throw new Stop("other_member", { account: asked.account });
  await signIn(asking);
  tell("drafting");
  const said = await saidIn(form, known);
  const path = known.draft.replace(/\{(\w+)\}/g, (_, name) => said[name]);
  const isSent = ([name, given]) => !known.draft.includes(`{${name}}`) && !given?.digest;
  const body = nested(Object.entries({ as: asked.account, ...known.besides, ...said }).filter(isSent));
  const draft = await ask("POST", path, body, { entries: ENTRIES });
  requirePlace(draft.typedData, asked, "ForwardRequest");
  await requireAct(draft.typedData.message, known, said);
  tell("act_signing", { act: draft.act });
  const signature = await asking.signTyped(draft.typedData);
  tell("sending");
  await done(await ask("POST", `${draft.send.path}?wait=final`, { ...draft.send.document, signature }, { entries: ENTRIES }));
}

// What a form says, by name. What is written for everybody is made public, and said by its hash.
async function saidIn(form, known) {
  const said = {};
  const parts = [];
  for (const field of form.elements) {
    if (!field.name) continue;
    for (const [name, value] of saidBy(field)) {
      if (name.split(".")[0] in known.parts) parts.push([name, value]);
      else if (field.dataset.kind !== "grounds" || KEY.test(value)) said[name] = value;
      else said[name] = await published({ about: said[known.about], text: value }, known.documents[name] ?? "document");
    }
  }
  const written = nested(parts);
  for (const [kind, frame] of Object.entries(known.parts)) said[kind] = await published(ordered({ ...frame, ...written[kind] }), kind);
  return said;
}

// Makes a document public; its hash, which is that of what was sent.
async function published(content, kind) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(content)));
  const { hash } = await ask("POST", `/documents?kind=${kind}`, content);
  if (hash !== hex(new Uint8Array(digest))) throw new Stop("wrong_act");
  return hash;
}

// That a request is the member's, calls what the form is for, and says in its place every value of the form.
async function requireAct(message, known, said) {
  const words = message.data.slice(10).match(/.{64}/g) ?? [];
  const holds =
    isSame(message.from, asked.account) &&
    isSame(message.to, known.to) &&
    String(message.value) === "0" &&
    /^0x([0-9a-f]{2})+$/i.test(message.data) &&
    isSame(message.data.slice(0, 10), known.selector) &&
    Object.keys(said).every((name) => name in known.places || known.within.includes(name));
  if (!holds) throw new Stop("wrong_act");
  for (const [name, path] of Object.entries(known.places)) {
    const given = known.codes[name]?.[said[name]] ?? said[name];
    if (given === undefined || !(await says(words, path, given))) throw new Stop("wrong_act");
  }
  for (const path of known.empty) if (!(await says(words, path, 0))) throw new Stop("wrong_act");
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
