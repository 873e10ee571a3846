// What is done at a desk: the form is drafted by the service, looked at here, signed in the member's wallet, relayed. What
// is typed as a document is public from then on that it is signed for, and not before. What was signed and could not be
// handed in stays on this page: pressing again hands in the same, and asks for no other signature.
"use strict";

import { run } from "./errands.js";
import { ask, asked, onPress, onSigning, signIn, tell, wallets } from "./page.js";
import { canonical, committed, digestOfText, nested, saidBy, says } from "./saying.js";
import { requirePlace } from "./typed.js";
import { Stop, isSame } from "./wallet.js";

const PAUSE = 1000;
const KEY = /^0x[0-9a-fA-F]{64}$/;
const ENTRIES = { "rejected-by-contract": "rejected", "invalid-signature": "foreign", unauthenticated: "session_over" };
const LATER = ["unreachable", "session_over"];
const signed = new Map();

async function act(form, asking) {
  if (!form.reportValidity()) return tell(null);
  const known = asked.acts[form.dataset.act];
  tell("asking");
  await enter(asking);
  const typed = JSON.stringify(fields(form).map(({ name, value }) => [name, value]));
  if (signed.get(form)?.typed !== typed) signed.set(form, { typed, ...(await sign(form, known, asking)) });
  try {
    const { kept } = signed.get(form);
    const link = await done(await handIn(signed.get(form)));
    if (kept) await ask("POST", kept.path, kept.body, { entries: ENTRIES });
    show(link);
  } catch (error) {
    if (!LATER.includes(error.entry)) signed.delete(form);
    throw error;
  }
  signed.delete(form);
}

// A key of another length would be registered, and could not be kept.
function requireBytes(key, bytes) {
  if (key.length !== 2 + 2 * bytes) throw new Stop("wrong_key", { bytes });
}

// With the desk's own account, signed in where the service asks who somebody is.
async function enter(asking) {
  const account = await asking.connect();
  if (!isSame(account, asked.account)) throw new Stop("other_member", { account: asked.account });
  await signIn(asking);
}

function fields(form) {
  return [...form.elements].filter(({ name }) => name);
}

// What the form says, as a signed act, and the documents that it names.
async function sign(form, known, asking) {
  tell("drafting");
  const [said, documents] = [{}, []];
  await read(form, known, said, documents);
  for (const [name, { lengths }] of Object.entries(known.commits)) requireBytes(said[name], lengths[said.suite]);
  const path = known.draft.replace(/\{(\w+)\}/g, (_, name) => said[name]);
  const isSent = ([name, given]) => !known.draft.includes(`{${name}}`) && !given?.digest;
  const body = nested(Object.entries({ as: asked.account, ...known.besides, ...said }).filter(isSent));
  const draft = await ask("POST", path, body, { entries: ENTRIES });
  requirePlace(draft.typedData, asked, "ForwardRequest");
  await requireAct(draft.typedData.message, known, said);
  tell("act_signing", { act: draft.act });
  const signature = await asking.signTyped(draft.typedData);
  const kept = known.keeps && { path: known.keeps.replace("{as}", asked.account), body: said };
  return { documents, path: draft.send.path, act: { ...draft.send.document, signature }, kept };
}

// Makes the documents public, then has the act relayed. Each of both may be done again: the same is the same.
async function handIn({ documents, path, act }) {
  tell("sending");
  for (const each of documents) await keep(each);
  return ask("POST", `${path}?wait=final`, act, { entries: ENTRIES });
}

async function keep({ content, kind, hash }, more = "") {
  const kept = await ask("POST", `/documents?kind=${kind}${more}`, content, { entries: ENTRIES });
  if (kept.hash !== hash) throw new Stop(more ? "wrong_act" : "wrong_document");
}

// What a form says, by name, as the routes take it; what is written for everybody is said by its hash. A document whose
// form the service knows is looked at by it before anything is signed.
async function read(form, known, said, documents) {
  const parts = [];
  const written = async (content, kind, text = JSON.stringify(content)) => {
    documents.push({ content, kind, hash: await digestOfText(text) });
    return documents.at(-1).hash;
  };
  for (const field of fields(form)) {
    for (const [name, value] of saidBy(field)) {
      if (name.split(".")[0] in known.parts) parts.push([name, value]);
      else if (field.dataset.kind !== "grounds" || KEY.test(value)) said[name] = value;
      else said[name] = await written({ about: said[known.about], text: value }, known.documents[name] ?? "document");
    }
  }
  for (const [kind, frame] of Object.entries(known.parts)) {
    const whole = { ...frame, ...nested(parts)[kind] };
    said[kind] = await written(whole, kind, canonical(whole));
    await keep(documents.at(-1), "&check=true");
  }
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
    const commitment = known.commits[name];
    const given = commitment ? await committed(commitment, said) : (known.codes[name]?.[said[name]] ?? said[name]);
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
  return `${asked.root}/transactions/${found.transaction}`;
}

function show(link) {
  tell(null);
  const box = document.getElementById("acted");
  box.querySelector("[data-transaction]").href = link;
  box.hidden = false;
  box.focus();
}

async function errand(form, asking) {
  await enter(asking);
  await run(form);
}

const wallet = wallets();
for (const form of document.querySelectorAll("form.acting")) {
  const button = form.querySelector("button");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.click();
  });
  if (form.dataset.act) onSigning(button, wallet, (asking) => act(form, asking));
  else if (asked.door) onSigning(button, wallet, (asking) => errand(form, asking));
  else onPress(button, () => run(form));
}
