// Bytes, numbers and canonical JSON: what every format is written with.

import { keccak_256, sha256 } from "./modules.mjs";

export class Refused extends Error {
  constructor(code, reason) {
    super(`${code}: ${reason}`);
    this.code = code;
  }
}

export function refuse(code, reason) {
  throw new Refused(code, reason);
}

export function bytes(text, length) {
  if (typeof text !== "string" || !/^0x([0-9a-f]{2})*$/.test(text)) refuse("invalid-format", `not bytes: ${text}`);
  const found = Uint8Array.from(Buffer.from(text.slice(2), "hex"));
  if (length !== undefined && found.length !== length) refuse("invalid-format", `not ${length} bytes: ${text}`);
  return found;
}

export const hex = (data) => "0x" + Buffer.from(data).toString("hex");
export const utf8 = (text) => new TextEncoder().encode(text);
export const concat = (...parts) => Uint8Array.from(Buffer.concat(parts));
export const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;
export const H = (...parts) => sha256(concat(...parts));
export const K = (...parts) => keccak_256(concat(...parts));

export function uint(value, size) {
  const digits = BigInt(value).toString(16).padStart(2 * size, "0");
  if (digits.length !== 2 * size) refuse("invalid-input", `${value} does not fit ${size} bytes`);
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

export const toBigInt = (data) => (data.length ? BigInt(hex(data)) : 0n);
export const word = (value) => uint(value, 32);
export const padded = (address) => concat(new Uint8Array(12), address);

export function decimal(text, bits = 256n) {
  if (typeof text !== "string" || !/^(0|[1-9][0-9]*)$/.test(text) || BigInt(text) >= 1n << BigInt(bits)) {
    refuse("invalid-format", `not a decimal of ${bits} bits: ${text}`);
  }
  return BigInt(text);
}

export function number(value, bits) {
  if (!Number.isSafeInteger(value) || value < 0 || BigInt(value) >= 1n << BigInt(bits)) {
    refuse("invalid-format", `not a number of ${bits} bits: ${value}`);
  }
  return value;
}

export function fields(value, keys) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) refuse("invalid-format", "not an object");
  if (JSON.stringify(Object.keys(value).sort()) !== JSON.stringify([...keys].sort())) {
    refuse("invalid-format", `fields ${Object.keys(value)} are not ${keys}`);
  }
  return value;
}

export function readDocument(value, format, keys, versions = [1]) {
  if (value === null || typeof value !== "object" || value.format !== format) refuse("invalid-format", `not ${format}`);
  if (!("version" in value)) refuse("invalid-format", "no version");
  if (!versions.includes(value.version)) refuse("wrong-version", `version ${value.version}`);
  return fields(value, ["format", "version", ...keys]);
}

// The contracts of a deployment, by the version of the documents that name them; another version's are `wrong-version`.
const FIRST = ["AccessManager", "Forwarder", "Membership", "Cases", "Attestations", "DataAssets", "Consents", "Market", "Revenue"];
export const CONTRACTS = { 1: FIRST, 2: [...FIRST, "Usage", "AnchorLog"] };

export function ofVersion(contracts, version) {
  const named = JSON.stringify(Object.keys(contracts ?? {}).sort());
  for (const [other, known] of Object.entries(CONTRACTS)) {
    if (Number(other) !== version && named === JSON.stringify([...known].sort())) refuse("wrong-version", "another version's contracts");
  }
  return CONTRACTS[version];
}

// RFC 8785: ECMAScript's own number and string forms, keys by UTF-16 code units.
export function canonicalJson(value) {
  if (typeof value === "number" && !Number.isFinite(value)) refuse("invalid-input", "not a JSON number");
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21) {
    refuse("invalid-input", "an integer beyond 2^53 - 1");
  }
  if (typeof value === "string" && !value.isWellFormed()) refuse("invalid-input", "a lone surrogate");
  if (Array.isArray(value)) return "[" + value.map(canonicalJson).join(",") + "]";
  if (value !== null && typeof value === "object") {
    const keys = Object.keys(value).sort();
    return "{" + keys.map((key) => canonicalJson(key) + ":" + canonicalJson(value[key])).join(",") + "}";
  }
  return JSON.stringify(value);
}

export const jsonBytes = (value) => utf8(canonicalJson(value));

export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch (reason) {
    return refuse("invalid-format", `not JSON: ${reason.message}`);
  }
}

// JSON in any spelling, of a format whose numbers are unsigned integers: refuses duplicate keys, and a number that is
// anything but digits (`wrong-version` where that is the document's own: only its version stands there).
const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]|-?\d[\d.eE+-]*/g;

export function parseIntegers(text) {
  const value = parseJson(text);
  const open = [];
  for (const [token, colon] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (/^[-\d]/.test(token) && (!/^\d+$/.test(token) || !Number.isSafeInteger(Number(token)))) {
      refuse(open.length === 1 ? "wrong-version" : "invalid-format", `not an unsigned integer: ${token}`);
    } else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length));
      if (open.at(-1).has(key)) refuse("invalid-format", `duplicate key ${key}`);
      open.at(-1).add(key);
    }
    if (open.length > 64) refuse("invalid-format", "nested deeper than 64 levels");
  }
  return value;
}

// Refuses text that is not the canonical form of its value; duplicate keys fall out with it.
export function parseCanonical(text) {
  const value = parseJson(text);
  let form;
  try {
    form = canonicalJson(value);
  } catch (reason) {
    refuse("invalid-format", reason.message);
  }
  if (form !== text) refuse("invalid-format", "not canonical");
  return value;
}
