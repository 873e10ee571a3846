// What is about to be signed, read as a person would: the sentence is built again from the typed data and the notice, and
// everything that differs from what was asked for is named. Knows no wallet, and asks nobody.
"use strict";

import { Stop, isSame } from "./wallet.js";

const NOBODY = /^0x0{40}$/i;

// The sentence of a consent's fields by the notice's template (docs/formats.md, format of the notice).
export function sentence(notice, fields) {
  const { labels } = notice;
  const values = {
    asset: notice.assetTitle,
    controller: notice.controller,
    recipient: NOBODY.test(fields.recipient) ? word(labels.recipientClass, fields.recipientClass) : fields.recipient,
    purpose: word(labels.purpose, fields.purpose),
    modes: bits(fields.modes).map((bit) => word(labels.mode, bit)).join(labels.joiner),
    border: labels.crossBorder[String(fields.crossBorder)],
    validFrom: time(fields.validFrom),
    validUntil: time(fields.validUntil),
  };
  return notice.template.replace(/\{([^{}]*)\}/g, (_, name) => values[name]);
}

function word(words, code) {
  const found = words[String(code)];
  if (found === undefined) throw new Stop("wrong_text");
  return found;
}

export function bits(mask) {
  return [...Array(16).keys()].map((place) => 2 ** place).filter((bit) => mask & bit);
}

function time(seconds) {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

// The notice of this SHA-256, or nothing that is another.
export async function noticeOf(hash) {
  if (!crypto.subtle) throw new Stop("unsafe");
  const answer = await fetch(`/documents/${hash}`);
  if (!answer.ok) throw new Stop("unreachable");
  const bytes = await answer.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = `0x${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  if (found !== hash) throw new Stop("wrong_text");
  return JSON.parse(new TextDecoder().decode(bytes));
}

// That typed data is for this ledger and of this form. Stops otherwise.
export function requirePlace(typed, { domain, types }, name) {
  const { chainId, verifyingContract } = typed.domain;
  const isHere = String(chainId) === String(domain.chainId) && isSame(verifyingContract, domain.verifyingContract);
  if (!isHere) throw new Stop("wrong_contract");
  const members = types[name].map((member) => member.name);
  const said = [typed.primaryType, typed.types, typed.domain, Object.keys(typed.message).sort()];
  const whole = { name: domain.name, version: domain.version, chainId, verifyingContract };
  if (flat(said) !== flat([name, types, whole, members.sort()])) throw new Stop("wrong_terms");
}

// JSON with its keys in order: the same for whatever says the same.
function flat(value) {
  const sorted = (_, each) =>
    each && typeof each === "object" && !Array.isArray(each) ? Object.fromEntries(Object.entries(each).sort()) : each;
  return JSON.stringify(value, sorted);
}

// That a message says what it was asked to say, field by field; hex in either case. Stops otherwise.
export function requireTerms(message, wanted) {
  for (const [name, value] of Object.entries(wanted)) {
    const isHex = typeof value === "string" && /^0x[0-9a-fA-F]+$/.test(value);
    if (!(isHex ? isSame(message[name], value) : message[name] === value)) throw new Stop("wrong_terms");
  }
}
