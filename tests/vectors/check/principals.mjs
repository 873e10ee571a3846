// Formats 47, 48 and 51: sign-in messages (EIP-4361) read by a grammar of this file's own and hashed by viem; keys, session
// tokens and nonces; complaints.

import { createHmac } from "node:crypto";

import { H, bytes, canonicalJson, concat, hex, parseCanonical, readDocument, refuse, same, uint, utf8 } from "./bytes.mjs";
import { recoverStrictly } from "./consents.mjs";
import { viem, viemAccounts } from "./modules.mjs";

const AUTHORITY = "[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?";
const SIGN = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";
const TAIL = `(?:\\?(?:${SIGN}|[/?])*)?(?:#(?:${SIGN}|[/?])*)?`;
const URI = new RegExp(`^[A-Za-z][A-Za-z0-9+.-]*:(?://${AUTHORITY}(?:/${SIGN}*)*|/?${SIGN}+(?:/${SIGN}*)*)${TAIL}$`);
const FIRST = new RegExp(`^(?:([A-Za-z][A-Za-z0-9+.-]*)://)?(${AUTHORITY}) wants you to sign in with your Ethereum account:$`);
const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|[+-](\d\d):(\d\d))$/;
const FORMS = {
  statement: /^[A-Za-z0-9 ._~:/?#[\]@!$&'()*+,;=-]+$/,
  uri: URI,
  nonce: /^[A-Za-z0-9]{8,96}$/,
  requestId: new RegExp(`^${SIGN}{1,200}$`),
};
const LABELS = [["expirationTime", "Expiration Time: "], ["notBefore", "Not Before: "], ["requestId", "Request ID: "]];

function requireTime(text) {
  const found = TIME.exec(text);
  if (!found) refuse("invalid-input", `no time: ${text}`);
  const [year, month, day, hour, minute, second, hours = 0, minutes = 0] = found.slice(1).map((part) => Number(part ?? 0));
  const there = new Date(Date.UTC(year, month - 1, day));
  const real = there.getUTCMonth() === month - 1 && there.getUTCDate() === day;
  if (!real || year < 1970 || hour > 23 || minute > 59 || second > 59 || hours > 23 || minutes > 59) {
    refuse("invalid-input", `no time: ${text}`);
  }
}

function readMessage(text) {
  if (text.length > 4096 || !/^[\x00-\x7f]*$/.test(text)) refuse("invalid-format", "not ASCII, or too long");
  const lines = text.split("\n");
  const take = (label) => {
    const line = lines.shift();
    if (line === undefined || !line.startsWith(label)) refuse("invalid-format", `no ${label}`);
    return line.slice(label.length);
  };
  const empty = () => take("") === "" || refuse("invalid-format", "not an empty line");
  const [, scheme, domain] = FIRST.exec(take("")) ?? refuse("invalid-format", "nobody asks");
  const address = take("");
  if (!/^0x[0-9a-fA-F]{40}$/.test(address)) refuse("invalid-input", "address");
  empty();
  const statement = take("") || undefined;
  if (statement !== undefined) empty();
  const uri = take("URI: ");
  if (take("Version: ") !== "1") refuse("invalid-format", "version");
  const chain = take("Chain ID: ");
  if (!/^[1-9][0-9]{0,15}$/.test(chain)) refuse("invalid-input", "chain id");
  const said = { scheme, domain, address, statement, uri, chainId: Number(chain), nonce: take("Nonce: "), issuedAt: take("Issued At: ") };
  for (const [name, label] of LABELS) if (lines[0]?.startsWith(label)) said[name] = take(label);
  if (lines.length) {
    if (take("") !== "Resources:") refuse("invalid-format", "more lines");
    if (!lines.length) refuse("invalid-format", "no resource");
    said.resources = [];
    while (lines.length) said.resources.push(take("- "));
  }
  for (const [name, form] of Object.entries(FORMS)) {
    if (said[name] !== undefined && !form.test(said[name])) refuse("invalid-input", name);
  }
  if ((said.resources?.length ?? 0) > 16) refuse("invalid-input", "too many resources");
  for (const resource of said.resources ?? []) if (!URI.test(resource)) refuse("invalid-input", "resource");
  for (const name of ["issuedAt", "expirationTime", "notBefore"]) if (said[name] !== undefined) requireTime(said[name]);
  const checked = viem.getAddress(address.toLowerCase());
  if (address !== checked) refuse(address === address.toLowerCase() ? "invalid-format" : "invalid-input", "the address's case");
  return JSON.parse(JSON.stringify(said));
}

function write({ scheme, domain, address, statement, uri, chainId, nonce, issuedAt, resources, ...more }) {
  const lines = [`${scheme ? `${scheme}://` : ""}${domain} wants you to sign in with your Ethereum account:`, address, ""];
  if (statement !== undefined) lines.push(statement);
  lines.push("", `URI: ${uri}`, "Version: 1", `Chain ID: ${chainId}`, `Nonce: ${nonce}`, `Issued At: ${issuedAt}`);
  for (const [name, label] of LABELS) if (more[name] !== undefined) lines.push(label + more[name]);
  if (resources) lines.push("Resources:", ...resources.map((resource) => `- ${resource}`));
  return lines.join("\n");
}

// Format 47: made of its fields and signed, or read.
export async function signIn({ message, privateKey, text, signature }) {
  if (message !== undefined) {
    text = write(message);
    signature = await viemAccounts.privateKeyToAccount(privateKey).signMessage({ message: text });
  }
  const fields = readMessage(text);
  const digest = viem.hashMessage(text);
  if (recoverStrictly(digest, signature) !== fields.address.toLowerCase()) refuse("invalid-signature", "another's");
  return { text, fields, digest, signature };
}

// The nonces of one home.
export function signInNonce({ key, time, random }) {
  const said = concat(uint(time, 8), bytes(random, 12));
  const code = createHmac("sha256", bytes(key, 32)).update(utf8("deedbook.sign-in.v1")).update(said).digest();
  return { nonce: hex(concat(said, code.subarray(0, 16))).slice(2) };
}

// Format 48.
export function apiKey({ id, secret, text }) {
  if (text === undefined) text = `dbk_${id.slice(2)}_${secret.slice(2)}`;
  const found = /^dbk_([0-9a-f]{16})_([0-9a-f]{64})$/.exec(text) ?? refuse("invalid-format", "no key");
  const [name, whole] = [bytes(`0x${found[1]}`, 8), bytes(`0x${found[2]}`, 32)];
  if (id !== undefined && !same(name, bytes(id, 8))) refuse("invalid-format", "another id");
  return { text, kept: hex(H(utf8("deedbook.api-key.v1"), name, whole)) };
}

export function sessionToken({ token, text }) {
  if (text === undefined) text = `dbs_${token.slice(2)}`;
  const found = /^dbs_([0-9a-f]{64})$/.exec(text) ?? refuse("invalid-format", "no token");
  return { text, kept: hex(H(utf8("deedbook.session.v1"), bytes(`0x${found[1]}`, 32))) };
}

export const personalRead = ({ kind, id }) => ({
  matter: hex(H(utf8("deedbook.personal-read.v1"), utf8(kind), Uint8Array.of(0), bytes(id))),
});

// Format 51.
export function complaint({ document, ...fields }) {
  if (document === undefined) document = canonicalJson({ format: "deedbook.complaint", version: 1, ...fields });
  const read = readDocument(parseCanonical(document), "deedbook.complaint", ["consentId", "subject", "text", "madeAt", "salt"]);
  for (const [name, length] of [["consentId", 32], ["subject", 20], ["salt", 32]]) bytes(read[name], length);
  if (typeof read.text !== "string" || read.text.length < 1 || read.text.length > 2000) refuse("invalid-input", "text");
  return { document, complaintId: hex(H(utf8(document))) };
}
