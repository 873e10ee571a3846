// What a form says: its fields as the routes take them, and as the words of the call that is to be signed. Knows no
// wallet, and asks nobody.
"use strict";

import { Stop, isSame } from "./wallet.js";

const DAY = 86_400;
const COMMA = /[,，]/;
const COLON = /[:：]/;

// How the text of a field is read, by the kind that it is of; others say what stands there.
const READ = {
  number: Number,
  days: (text) => Math.floor(Date.now() / 1000) + Number(text) * DAY,
  span: (text) => Number(text) * DAY,
  money: hundredths,
  percent: hundredths,
  json: JSON.parse,
  key: (text) => text.toLowerCase(),
  octets: (text) => text.toLowerCase(),
  assets: (text) => text.split(/[\s,，、]+/).filter(Boolean).sort((one, other) => (BigInt(one) < BigInt(other) ? -1 : 1)),
  numbers: (text) => text.split(/[\s,，、]+/).filter(Boolean).map(Number),
  fresh: () => hex(crypto.getRandomValues(new Uint8Array(32))),
  first: (text) => Date.parse(`${text}T00:00:00Z`) / 1000,
  last: (text) => Date.parse(`${text}T00:00:00Z`) / 1000 + DAY - 1,
  long: (text) => lines(text).join(" "),
  rows: (text) => lines(text).map(column),
  words: (text) => text.split(/\s+/).filter(Boolean),
  pairs: (text) => Object.fromEntries(lines(text).map((line) => cut(line, COLON, 2))),
};

// Each name that a field says - several stand with spaces between, their values in an array - and the value.
export function saidBy(field) {
  const text = field.multiple ? [...field.selectedOptions].map(({ value }) => value).join() : field.value.trim();
  if (text.length > Number(field.dataset.most ?? Infinity)) {
    throw new Stop("too_long", { field: field.labels[0].textContent, most: field.dataset.most });
  }
  const found = (READ[field.dataset.kind] ?? String)(text);
  const value = field.dataset.as === "text" ? String(found) : found;
  const names = field.name.split(" ");
  return names.map((name, place) => [name, names.length > 1 && Array.isArray(value) ? value[place] : value]);
}

// Values by dotted names, as the object that they are in.
export function nested(entries) {
  const whole = {};
  for (const [name, value] of entries) {
    const path = name.split(".");
    const last = path.pop();
    path.reduce((at, each) => (at[each] ??= {}), whole)[last] = value;
  }
  return whole;
}

// The canonical form of JSON without numbers that are not whole (RFC 8785): keys by their characters, as no object of
// a script keeps them where they look like numbers.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (!value || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)}}`;
}

export async function digestOfText(text) {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

// Whether the words of a call say a value at its place: the last step of the path, each one before it an offset to
// follow (Contract ABI Specification). Of what is too long to be said in a form its digest is compared.
export async function says(words, path, given) {
  const place = placeOf(words, path);
  if (!Number.isInteger(place)) return false;
  if (given.digest) return isSame(await digestOf(words.slice(place, place + given.words)), given.digest);
  const wanted = Array.isArray(given) ? [word(given.length), ...given.map(word)] : [word(given)];
  return wanted.every((each, offset) => isSame(words[place + offset], each));
}

function placeOf(words, [step, ...others], base = 0) {
  return others.length ? placeOf(words, others, base + Number(BigInt(`0x${words[base + step] ?? 0}`)) / 32) : base + step;
}

// The commitment to a public key: SHA-256 of the tag, the suite in two bytes, and the key.
export function committed({ tag }, { suite, publicKey }) {
  return digestOf([hex(new TextEncoder().encode(tag)).slice(2), suite.toString(16).padStart(4, "0"), publicKey.slice(2)]);
}

async function digestOf(words) {
  const bytes = Uint8Array.from(words.join("").match(/../g) ?? [], (byte) => parseInt(byte, 16));
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

// The word that a value is in a call.
function word(given) {
  if (typeof given !== "string") return Number(given).toString(16).padStart(64, "0");
  if (/^[A-Z]{3}$/.test(given)) return hex(new TextEncoder().encode(given)).slice(2).padEnd(64, "0"); // a currency
  if (/^[0-9]+$/.test(given)) return BigInt(given).toString(16).padStart(64, "0");
  return key(given).slice(2).padStart(64, "0");
}

// The bytes that a target is on chain.
function key(text) {
  if (text.startsWith("member:")) return text.slice(7).toLowerCase();
  if (text.startsWith("asset:")) return `0x${BigInt(text.slice(6)).toString(16)}`;
  return text.toLowerCase();
}

function hex(bytes) {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

// Decimal text of two places at most, in hundredths.
function hundredths(text) {
  const [whole, part = ""] = text.split(".");
  return Number(whole) * 100 + Number(part.padEnd(2, "0"));
}

function lines(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

// A field of records: name, type, unit (which may be empty), and what it means.
function column(line) {
  const [name, type, unit, description] = cut(line, COMMA, 4);
  return { name, type, unit, description };
}

// The parts of a line, the last one with all that follows.
function cut(line, mark, parts) {
  const found = line.split(mark);
  if (found.length < parts) throw new Stop("unclear", { line: line.slice(0, 60) });
  const last = line.slice(found.slice(0, parts - 1).join(" ").length + 1);
  return [...found.slice(0, parts - 1), last].map((each) => each.trim());
}
