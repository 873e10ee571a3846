// What is kept or handed over later, read back: records, withdrawals, wrapped keys, payload objects, secrets, private
// values, erasure receipts, deployments; and the requests of relayed acts (ethers' TypedDataEncoder).

import { scryptSync } from "node:crypto";

import { H, bytes, canonicalJson, concat, decimal, fields, hex, number, ofVersion, parseCanonical, parseIntegers, readDocument, refuse, same, toBigInt, uint, utf8, word } from "./bytes.mjs";
import { ethers, viemAccounts } from "./modules.mjs";
import { recoverStrictly, record as recordCommit, rfc9162, withdrawal as makeWithdrawal, withdrawalDigest } from "./consents.mjs";
import * as vault from "./vault.mjs";

const cut = (data, ...lengths) => {
  let at = 0;
  return [...lengths, data.length].map((length) => data.slice(at, (at += length)));
};

// -- records and withdrawals

export function record({ salt, record, plaintext }) {
  if (plaintext === undefined) return recordCommit({ salt, record });
  const value = readDocument(parseCanonical(plaintext), "deedbook.record", ["salt", "record"]);
  if (value.record === null || typeof value.record !== "object" || Array.isArray(value.record)) refuse("invalid-format", "record");
  return { salt: hex(bytes(value.salt, 32)), ...recordCommit(value) };
}

export async function withdrawal(input) {
  if (input.document === undefined) return makeWithdrawal(input);
  const keys = ["chainId", "contract", "consentId", "subject", "signature"];
  const value = readDocument(parseCanonical(input.document), "deedbook.withdrawal", keys);
  decimal(value.chainId);
  bytes(value.contract, 20);
  bytes(value.consentId, 32);
  bytes(value.subject, 20);
  const digest = withdrawalDigest({ chainId: value.chainId, contract: value.contract }, value.consentId);
  if (recoverStrictly(digest, value.signature) !== value.subject) refuse("invalid-signature", "another's");
  return { digest, signature: value.signature, document: input.document };
}

// -- seeds and keys

export function coverSeeds(input) {
  if (input.encoded === undefined) return vault.coverSeeds(input);
  const data = bytes(input.encoded);
  if (data.length < 18) refuse("invalid-format", "cut short");
  const end = 18 + 9 * Number(toBigInt(data.slice(14, 18)));
  const { deliveredCount } = vault.cover({ encoded: hex(data.slice(0, end)) });
  if (data.length !== end + 32 * ((end - 18) / 9)) refuse("invalid-format", "seeds");
  return { deliveredCount };
}

export async function keyWrap(input) {
  if (input.wrappedKey === undefined) return vault.keyWrap(input);
  const { payloadId, epoch, generation, kek, sealedSeeds, wrappedKey } = input;
  const [nonce, wrapped] = cut(bytes(wrappedKey), 12);
  const wrapAad = concat(utf8("deedbook.wrap.v1"), bytes(payloadId, 32), uint(generation, 4));
  const payloadKey = await open(bytes(kek, 32), nonce, wrapped, wrapAad);
  const [seedsNonce, sealed] = cut(bytes(sealedSeeds), 12);
  const seedsAad = concat(utf8("deedbook.seeds.v1"), bytes(payloadId, 32), uint(epoch, 4));
  return { seeds: hex(await open(payloadKey, seedsNonce, sealed, seedsAad)) };
}

async function open(key, nonce, sealed, aad) {
  if (nonce.length !== 12 || sealed.length < 16) refuse("seal-broken", "cut short");
  return vault.gcm("decrypt", key, nonce, sealed, aad);
}

export function kekFile({ generation, key, file }) {
  if (file === undefined) return vault.kekFile({ generation, key });
  const [, found] = cut(bytes(file), 9, 32);
  if (found.length !== 32 || vault.kekFile({ generation, key: hex(found) }).file !== file) refuse("corrupt-store", "damaged");
  return { key: hex(found) };
}

export async function seedBook(input) {
  if (input.file === undefined) return vault.seedBook(input);
  const data = bytes(input.file);
  const [head, nonce, sealed] = cut(data, 40, 12);
  if (Buffer.from(data.slice(0, 4)).toString() !== "DBSB" || data.length < 40 + 12 + 16) refuse("invalid-format", "not a seed book");
  if (head[4] !== 1) refuse("wrong-version", "seed book");
  const [logN, r, p] = head.slice(5, 8);
  if (logN < 10 || logN > 20 || r < 1 || r > 16 || p < 1 || p > 4) refuse("invalid-format", "cost");
  const options = { N: 2 ** logN, r, p, maxmem: 2 ** 32 };
  const derived = Uint8Array.from(scryptSync(input.passphrase, head.slice(8, 24), 48, options));
  if (!same(derived.slice(32), head.slice(24))) refuse("missing-key", "passphrase");
  let plain;
  try {
    plain = await open(derived.slice(0, 32), nonce, sealed, head);
  } catch (reason) {
    refuse("invalid-format", reason.message);
  }
  return { seeds: JSON.parse(Buffer.from(plain).toString("utf8")) };
}

export async function backup(input) {
  return input.file === undefined ? vault.backup(input) : vault.backupEntries(input);
}

export async function sealedValue(input) {
  if (input.sealed === undefined) return vault.sealedValue(input);
  const context = concat(utf8(`deedbook.records.${input.kind}`), bytes(input.consentId, 32));
  const [nonce, sealed] = cut(bytes(input.sealed), 12);
  return { plaintext: Buffer.from(await open(bytes(input.key, 32), nonce, sealed, context)).toString("utf8") };
}

// -- payload objects

export function payloadObject(input) {
  if (input.object === undefined) return vault.payloadObject(input);
  const { assetId, version, count, contentRoot } = input;
  const data = bytes(input.object);
  let [hashes, width] = [0, count];
  for (; width > 1; width = (width + 1) >> 1) hashes += width;
  const tree = 49 + 8 * (count + 1);
  const first = tree + 32 * (hashes + width);
  const head = concat(utf8("DBPL"), Uint8Array.of(1), word(assetId), uint(version, 4), uint(count, 8));
  const offset = (i) => Number(toBigInt(data.slice(49 + 8 * i, 57 + 8 * i)));
  if (data.length < first || !same(data.slice(0, 49), head) || offset(count) !== data.length) refuse("corrupt-store", "head");
  const unitHashes = Array.from({ length: count }, (_, i) => data.slice(tree + 32 * i, tree + 32 * (i + 1)));
  if (hex(rfc9162(unitHashes)) !== contentRoot) refuse("seal-broken", "tree");
  for (let i = 0; i < count; i += 1) {
    if (offset(i) < first || offset(i) > offset(i + 1) || offset(i + 1) > data.length) refuse("corrupt-store", "offsets");
  }
  const units = unitHashes.map((_, i) => data.slice(offset(i), offset(i + 1)));
  if (units.some((unit, i) => !same(H(unit), unitHashes[i]))) refuse("seal-broken", "unit");
  return { units: units.map(hex) };
}

// -- erasure receipts

const ERASURE = ["erasureId", "payloads", "destroyedGeneration", "generation", "loggedAt", "destroyedAt", "promised"];
const ERASED = ["payloadId", "assetId", "assetVersion", "contentRoot", "indices", "remainingCoverHash"];

export function erasure(input) {
  if (input.document !== undefined) return readErasure(input.document);
  const { erasureId, generation, loggedAt, destroyedAt, promised } = input;
  const payloads = input.payloads.map(({ assetId, assetVersion, contentRoot, recordCount, gone, indices }) => ({
    payloadId: hex(H(utf8("deedbook.payload.v1"), word(assetId), uint(assetVersion, 4), bytes(contentRoot, 32))),
    assetId, assetVersion, contentRoot, indices,
    remainingCoverHash: vault.cover({ recordCount, excluded: [...gone, ...indices] }).coverHash,
  }));
  payloads.sort((a, b) => (a.payloadId < b.payloadId ? -1 : 1));
  const document = canonicalJson({
    format: "deedbook.erasure", version: 1, erasureId, payloads, destroyedGeneration: generation,
    generation: generation + 1, loggedAt, destroyedAt, promised,
  });
  return readErasure(document);
}

const ascending = (list) => list.length > 0 && list.every((each, i) => i === 0 || list[i - 1] < each);

function readErasure(document) {
  const value = readDocument(parseCanonical(document), "deedbook.erasure", ERASURE);
  bytes(value.erasureId, 32);
  if (!Array.isArray(value.payloads)) refuse("invalid-format", "payloads");
  for (const each of value.payloads) {
    fields(each, ERASED);
    for (const name of ["payloadId", "contentRoot", "remainingCoverHash"]) bytes(each[name], 32);
    decimal(each.assetId);
    number(each.assetVersion, 32);
    if (!Array.isArray(each.indices) || !ascending(each.indices.map((index) => number(index, 53)))) refuse("invalid-format", "indices");
  }
  if (!ascending(value.payloads.map(({ payloadId }) => payloadId))) refuse("invalid-format", "payloads");
  if (number(value.destroyedGeneration, 32) < 1 || number(value.generation, 32) !== value.destroyedGeneration + 1) {
    refuse("invalid-format", "generation");
  }
  number(value.loggedAt, 53);
  number(value.destroyedAt, 53);
  if (typeof value.promised !== "boolean") refuse("invalid-format", "promised");
  return { document: canonicalJson(value) };
}

// -- deployments

export function deployment({ document }) {
  const value = readDocument(parseIntegers(document), "deedbook.deployment", ["chainId", "genesisHash", "contracts"], [1, 2]);
  const names = ofVersion(value.contracts, value.version);
  const contracts = fields(value.contracts, names);
  const read = names.map((name) => {
    const text = contracts[name];
    if (typeof text !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(text)) refuse("invalid-format", name);
    const lower = text.toLowerCase();
    if (text !== lower && text !== ethers.getAddress(lower)) refuse("invalid-format", `checksum of ${name}`);
    return [name, lower];
  });
  return {
    chainId: decimal(value.chainId).toString(),
    genesisHash: hex(bytes(value.genesisHash, 32)),
    contracts: Object.fromEntries(read),
  };
}

// -- relayed acts

const REQUEST = {
  ForwardRequest: [
    ["from", "address"], ["to", "address"], ["value", "uint256"], ["gas", "uint256"], ["nonce", "uint256"],
    ["deadline", "uint48"], ["data", "bytes"],
  ].map(([name, type]) => ({ name, type })),
};

export async function forwardRequest({ chainId, forwarder, request, privateKey, signature }) {
  bytes(request.from, 20);
  bytes(request.to, 20);
  bytes(request.data);
  for (const name of ["value", "gas", "nonce"]) decimal(request[name]);
  number(request.deadline, 48);
  const domain = { name: "Deedbook Forwarder", version: "1", chainId: decimal(chainId), verifyingContract: forwarder };
  const digest = ethers.TypedDataEncoder.hash(domain, REQUEST, request);
  const signed = signature ?? (await viemAccounts.privateKeyToAccount(privateKey).sign({ hash: digest }));
  if (recoverStrictly(digest, signed) !== request.from) refuse("invalid-signature", "another's");
  return {
    domainSeparator: ethers.TypedDataEncoder.hashDomain(domain),
    structHash: ethers.TypedDataEncoder.hashStruct("ForwardRequest", REQUEST, request),
    digest,
    signature: signed,
    delivered: hex(concat(bytes(request.data), bytes(request.from))),
  };
}

export async function signedRequest({ chainId, contract, request, privateKey, document }) {
  if (document === undefined) {
    const { signature } = await forwardRequest({ chainId, forwarder: contract, request, privateKey });
    document = canonicalJson({ format: "deedbook.forward-request", version: 1, chainId, contract, request, signature });
  }
  const value = readDocument(parseCanonical(document), "deedbook.forward-request", ["chainId", "contract", "request", "signature"]);
  decimal(value.chainId);
  bytes(value.contract, 20);
  const read = fields(value.request, REQUEST.ForwardRequest.map(({ name }) => name));
  const { digest, signature } = await forwardRequest({ chainId: value.chainId, forwarder: value.contract, request: read, signature: value.signature });
  return { digest, signature, document };
}
