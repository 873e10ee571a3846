// What is done at a desk without a signature: a notice is published, and the links to hand out are made of it; records
// are sealed. A file of records is read here and sent to the service; nothing of it is shown, or said in what is wrong.
"use strict";

import { ask, asked, tell } from "./page.js";
import { canonical, digestOfText, nested, saidBy } from "./saying.js";
import { Stop } from "./wallet.js";

const ENTRIES = { unauthenticated: "session_over" };
const BYTES32 = /^0x[0-9a-f]{64}$/;
const ERRANDS = { notice, seal };
const keys = new WeakMap();

// Does what a form is for, and shows what came of it in the form's own box.
export async function run(form) {
  if (!form.reportValidity()) return tell(null);
  if (!window.isSecureContext) throw new Stop("unsafe");
  const box = form.querySelector(".outcome-box");
  box.hidden = true;
  tell("sending");
  const said = nested([...form.elements].filter(({ name }) => name).flatMap(saidBy));
  const found = await ERRANDS[form.dataset.errand](said, form);
  for (const each of box.querySelectorAll("[data-found]")) each.textContent = found[each.dataset.found];
  tell(null);
  box.hidden = false;
  box.focus();
}

// Has the records of a file sealed. What could not be handed in is handed in once, however often it is tried.
async function seal({ asset, version, descriptor }, form) {
  const records = await recordsOf(form.querySelector("[type=file]").files[0]);
  const whole = { format: "deedbook.descriptor", version: 1, ...descriptor, recordCount: 0, size: 0 };
  const body = { descriptor: whole, records, version };
  if (!keys.has(form)) keys.set(form, crypto.randomUUID());
  try {
    const found = await ask("POST", `/assets/${asset}/payloads`, body, { entries: ENTRIES, key: keys.get(form) });
    keys.delete(form);
    return found;
  } catch (error) {
    if (error.entry !== "unreachable") keys.delete(form);
    throw error;
  }
}

// The records of a file, each with the salt of its commitment: one in a line, or all in one array.
async function recordsOf(file) {
  const text = (await file.text().catch(() => unreadable(file.name))).replace(/^\ufeff/, "");
  const isWhole = text.trimStart().startsWith("[");
  const lines = text.split("\n").filter((line) => line.trim());
  const found = isWhole ? parsed(text, () => unreadable(file.name)) : lines.map((line, place) => parsed(line, () => unfit(place)));
  if (!found.length) throw new Stop("no_records");
  return found.map((each, place) => {
    const isRecord = BYTES32.test(each?.salt) && each.record && typeof each.record === "object";
    if (!isRecord || Array.isArray(each.record)) unfit(place);
    return { salt: each.salt, record: each.record };
  });
}

// JSON, or what stops it; never the parser's own words, which have a piece of the text in them.
function parsed(text, stop) {
  try {
    return JSON.parse(text);
  } catch {
    return stop();
  }
}

function unfit(place) {
  throw new Stop("bad_record", { place: place + 1 });
}

function unreadable(name) {
  throw new Stop("unreadable", { name });
}

// Publishes a notice; a link for each record that is named by its commitment.
async function notice({ notice, records, ...link }) {
  for (const each of records) if (!BYTES32.test(each)) throw new Stop("unclear", { line: each.slice(0, 60) });
  const { hash } = await ask("POST", "/documents?kind=notice", notice, { entries: ENTRIES });
  if (hash !== (await digestOfText(canonical(notice)))) throw new Stop("other_document");
  const links = records.map((record) => {
    const query = new URLSearchParams({ ...link, notice: hash, controller: asked.account, record });
    return `${location.origin}${asked.root}/consents/new?${query}`;
  });
  return { hash, links: links.join("\n") };
}
