// Formats 14 to 18, 21 and 23 to 26: key trees, sealed units, covers, envelopes, wrapped keys, wallets, stored payloads
// and secrets. SHA-256, HKDF by noble; AES-256-GCM and X25519 by WebCrypto; scrypt by Node.

import { scryptSync } from "node:crypto";

import { H, bytes, canonicalJson, concat, decimal, hex, refuse, same, toBigInt, uint, utf8, word } from "./bytes.mjs";
import { rfc9162 } from "./consents.mjs";
import { expand, extract, hkdf, secp256k1, sha256, subtle } from "./modules.mjs";

const label = (use, level, branch) => concat(utf8("deedbook-kt"), Uint8Array.of(1, use, level, branch, 0));
export const depthOf = (count) => (BigInt(count) - 1n).toString(2).replace(/^0$/, "").length;
const childSeed = (seed, level, branch) => H(label(1, level, branch), seed);

function seedAt(root, level, position) {
  let seed = root;
  for (let below = 1; below <= level; below += 1) {
    seed = childSeed(seed, below, Number((BigInt(position) >> BigInt(level - below)) & 1n));
  }
  return seed;
}

const recordKey = (seed, depth) => H(label(2, depth, 0), seed);
const commitment = (seed, depth) => H(label(3, depth, 0), seed);

export function keyTree({ rootSeed, recordCount, indices }) {
  const depth = depthOf(recordCount);
  return {
    depth,
    leaves: indices.map((index) => {
      const seed = seedAt(bytes(rootSeed, 32), depth, index);
      return { index, seed: hex(seed), recordKey: hex(recordKey(seed, depth)), commitment: hex(commitment(seed, depth)) };
    }),
  };
}

export const keyTreeLabel = ({ use, level, branch }) => ({ label: hex(label(use, level, branch)) });

// -- AES-256-GCM

export async function gcm(verb, key, nonce, data, aad) {
  const usable = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: aad, tagLength: 128 };
  try {
    return new Uint8Array(await subtle[verb](algorithm, usable, data));
  } catch (reason) {
    return refuse("seal-broken", reason.message);
  }
}

// -- sealed units

function pad(plaintext) {
  const zeros = (256 - ((plaintext.length + 1) % 256)) % 256;
  return concat(plaintext, Uint8Array.of(0x80), new Uint8Array(zeros));
}

function unpad(data) {
  const end = data.lastIndexOf(0x80);
  if (end < 0 || data.length % 256 || data.slice(end + 1).some((byte) => byte) || data.length - end > 256) {
    refuse("seal-broken", "padding");
  }
  return data.slice(0, end);
}

const unitAad = ({ assetId, version, index, consentId }) =>
  concat(utf8("deedbook.unit.v1"), word(assetId), uint(version, 4), uint(index, 8), bytes(consentId, 32));

export async function sealedUnit({ leafSeed, depth, place, salt, record, unit }) {
  const seed = bytes(leafSeed, 32);
  if (unit !== undefined) return openUnit(seed, depth, place, bytes(unit));
  const plaintext = utf8(canonicalJson({ format: "deedbook.record", version: 1, salt, record }));
  const sealed = await gcm("encrypt", recordKey(seed, depth), new Uint8Array(12), pad(plaintext), unitAad(place));
  const whole = concat(Uint8Array.of(1), commitment(seed, depth), sealed);
  await openUnit(seed, depth, place, whole);
  return { unit: hex(whole), unitHash: hex(H(whole)) };
}

async function openUnit(seed, depth, place, unit) {
  if (unit[0] !== 1 || unit.length < 50) refuse("seal-broken", "not a unit of version 1");
  if (!same(unit.slice(1, 33), commitment(seed, depth))) refuse("seal-broken", "commitment");
  const plaintext = unpad(await gcm("decrypt", recordKey(seed, depth), new Uint8Array(12), unit.slice(33), unitAad(place)));
  return { plaintext: Buffer.from(plaintext).toString("utf8") };
}

export const contentRoot = ({ units }) => ({ contentRoot: hex(rfc9162(units.map((unit) => H(bytes(unit))))) });

// -- covers: the whole tree is walked, leaf by leaf, and joined upwards

function coverNodes(count, excluded) {
  const depth = depthOf(count);
  const out = new Set(excluded.map(Number));
  if ([...out].some((index) => index < 0 || index >= count)) refuse("invalid-input", "excluded");
  // A node is free when no record below it is excluded; it counts when some record is below it.
  let level = new Map();
  for (let index = 0; index < count; index += 1) level.set(index, !out.has(index));
  const levels = [level];
  for (let height = depth; height > 0; height -= 1) {
    const above = new Map();
    for (const [position, free] of level) {
      const parent = Math.floor(position / 2);
      above.set(parent, free && (above.get(parent) ?? true));
    }
    levels.unshift(above);
    level = above;
  }
  const found = [];
  levels.forEach((nodes, height) => {
    for (const [position, free] of nodes) {
      if (free && (height === 0 || !levels[height - 1].get(Math.floor(position / 2)))) found.push([height, position]);
    }
  });
  const first = ([height, position]) => position * 2 ** (depth - height);
  return found.sort((a, b) => first(a) - first(b));
}

function encodeCover(count, nodes) {
  const body = nodes.map(([level, position]) => concat(uint(level, 1), uint(position, 8)));
  return concat(utf8("DBCV"), Uint8Array.of(1, depthOf(count)), uint(count, 8), uint(nodes.length, 4), ...body);
}

const leavesOf = (count, [level, position]) => {
  const width = 2 ** (depthOf(count) - level);
  return Array.from({ length: width }, (_, i) => position * width + i).filter((index) => index < count);
};

export function cover({ recordCount, excluded, ordinalsOf = [], encoded }) {
  if (encoded !== undefined) return readCover(bytes(encoded));
  const nodes = coverNodes(recordCount, excluded);
  const whole = encodeCover(recordCount, nodes);
  const delivered = nodes.flatMap((node) => leavesOf(recordCount, node));
  return {
    encoded: hex(whole),
    coverHash: hex(H(whole)),
    nodeCount: nodes.length,
    deliveredCount: delivered.length,
    ordinals: ordinalsOf.map((index) => ({ index, ordinal: delivered.indexOf(index) })),
  };
}

function readCover(data) {
  if (data.length < 18 || Buffer.from(data.slice(0, 4)).toString() !== "DBCV") refuse("invalid-format", "not a cover");
  if (data[4] !== 1) refuse("wrong-version", "cover");
  const count = Number(toBigInt(data.slice(6, 14)));
  const nodes = [];
  for (let at = 18; at + 9 <= data.length; at += 9) nodes.push([data[at], Number(toBigInt(data.slice(at + 1, at + 9)))]);
  if (count < 1 || data[5] !== depthOf(count) || nodes.some(([level]) => level > data[5])) refuse("invalid-format", "head");
  const delivered = new Set(nodes.flatMap((node) => leavesOf(count, node)));
  const excluded = Array.from({ length: count }, (_, i) => i).filter((index) => !delivered.has(index));
  if (!same(encodeCover(count, coverNodes(count, excluded)), data)) refuse("invalid-format", "not the one cover");
  return { deliveredCount: delivered.size };
}

export function coverSeeds({ rootSeed, recordCount, excluded }) {
  const nodes = coverNodes(recordCount, excluded);
  const seeds = nodes.map(([level, position]) => seedAt(bytes(rootSeed, 32), level, position));
  return { seeds: hex(concat(encodeCover(recordCount, nodes), ...seeds)) };
}

// -- HPKE (RFC 9180): base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM

const KEM = utf8("KEM");
const i2osp2 = (value) => uint(value, 2);
const HPKE_V1 = utf8("HPKE-v1");
const labeledExtract = (suite, salt, name, ikm) => extract(sha256, concat(HPKE_V1, suite, utf8(name), ikm), salt);
const labeledExpand = (suite, prk, name, info, length) =>
  expand(sha256, prk, concat(i2osp2(length), HPKE_V1, suite, utf8(name), info), length);

const pkcs8 = (secret) => concat(Buffer.from("302e020100300506032b656e04220420", "hex"), secret);
const privateX25519 = (secret) => subtle.importKey("pkcs8", pkcs8(secret), "X25519", true, ["deriveBits"]);

export async function publicOf(secret) {
  const { x } = await subtle.exportKey("jwk", await privateX25519(secret));
  return Uint8Array.from(Buffer.from(x, "base64url"));
}

export async function exchange(secret, publicKey) {
  const other = await subtle.importKey("raw", publicKey, "X25519", true, []);
  return new Uint8Array(await subtle.deriveBits({ name: "X25519", public: other }, await privateX25519(secret), 256));
}

function schedule(shared, enc, recipient, info) {
  const kem = concat(KEM, i2osp2(0x0020));
  const prk = labeledExtract(kem, new Uint8Array(), "eae_prk", shared);
  return hpkeKeys(0x0020, labeledExpand(kem, prk, "shared_secret", concat(enc, recipient), 32), info);
}

export function hpkeKeys(kemId, secret, info) {
  const suite = concat(utf8("HPKE"), i2osp2(kemId), i2osp2(0x0001), i2osp2(0x0002));
  const psk = labeledExtract(suite, new Uint8Array(), "psk_id_hash", new Uint8Array());
  const infoHash = labeledExtract(suite, new Uint8Array(), "info_hash", info);
  const context = concat(Uint8Array.of(0), psk, infoHash);
  const root = labeledExtract(suite, secret, "secret", new Uint8Array());
  return { key: labeledExpand(suite, root, "key", context, 32), nonce: labeledExpand(suite, root, "base_nonce", context, 12) };
}

export const envelopeInfo = ({ chainId, market, saleId, versionKey }) =>
  concat(utf8("deedbook.envelope.v1"), word(chainId), bytes(market, 20), bytes(saleId, 32), bytes(versionKey, 32));

export async function envelope({ recipientPrivateKey, ephemeralPrivateKey, context, seeds, envelope }) {
  const recipientSecret = bytes(recipientPrivateKey, 32);
  if (envelope !== undefined) return openEnvelope(recipientSecret, context, bytes(envelope));
  const recipient = await publicOf(recipientSecret);
  const secret = bytes(ephemeralPrivateKey, 32);
  const enc = await publicOf(secret);
  const { key, nonce } = schedule(await exchange(secret, recipient), enc, recipient, envelopeInfo(context));
  const sealed = await gcm("encrypt", key, nonce, bytes(seeds), new Uint8Array());
  const whole = concat(utf8("DBEN"), Uint8Array.of(1), i2osp2(0x0020), enc, sealed);
  const opened = await openEnvelope(recipientSecret, context, whole);
  if (opened.seeds !== seeds) throw new Error("the envelope does not open to what was sealed");
  return { recipientPublicKey: hex(recipient), envelope: hex(whole), envelopeHash: hex(H(whole)) };
}

async function openEnvelope(recipientSecret, context, data) {
  if (data.length < 55 || Buffer.from(data.slice(0, 4)).toString() !== "DBEN") refuse("invalid-format", "not an envelope");
  if (data[4] !== 1) refuse("wrong-version", "envelope");
  if (Number(toBigInt(data.slice(5, 7))) !== 0x0020) refuse("invalid-format", "KEM");
  const [enc, sealed] = [data.slice(7, 39), data.slice(39)];
  const recipient = await publicOf(recipientSecret);
  const { key, nonce } = schedule(await exchange(recipientSecret, enc), enc, recipient, envelopeInfo(context));
  return { seeds: hex(await gcm("decrypt", key, nonce, sealed, new Uint8Array())) };
}

// -- wrapped keys

export async function keyWrap({ payloadId, epoch, generation, payloadKey, kek, seeds, seedsNonce, wrapNonce }) {
  const seedsAad = concat(utf8("deedbook.seeds.v1"), bytes(payloadId, 32), uint(epoch, 4));
  const wrapAad = concat(utf8("deedbook.wrap.v1"), bytes(payloadId, 32), uint(generation, 4));
  const seal = async (key, nonce, data, aad) =>
    hex(concat(bytes(nonce, 12), await gcm("encrypt", bytes(key, 32), bytes(nonce, 12), bytes(data), aad)));
  return {
    sealedSeeds: await seal(payloadKey, seedsNonce, seeds, seedsAad),
    wrappedKey: await seal(kek, wrapNonce, payloadKey, wrapAad),
  };
}

// -- wallets

export function wallet({ seed, chainId, assetId }) {
  const order = secp256k1.Point.Fn.ORDER;
  for (let n = 0; ; n += 1) {
    const info = concat(word(decimal(chainId)), word(decimal(assetId)), uint(n, 4));
    const key = hkdf(sha256, bytes(seed, 32), utf8("deedbook.wallet.v1"), info, 32);
    if (toBigInt(key) > 0n && toBigInt(key) < order) return { n, privateKey: hex(key) };
  }
}

// -- stored payloads

// RFC 9162 levels above the leaf hashes, a last node without a sibling carried up.
function levelsAbove(hashes) {
  const levels = [];
  let level = hashes.map((hash) => H(Uint8Array.of(0), hash));
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 2) {
      above.push(i + 1 < level.length ? H(Uint8Array.of(1), level[i], level[i + 1]) : level[i]);
    }
    levels.push(above);
    level = above;
  }
  return levels.flat();
}

export function payloadObject({ assetId, version, units }) {
  const parts = units.map((unit) => bytes(unit));
  const hashes = parts.map((part) => H(part));
  const head = concat(utf8("DBPL"), Uint8Array.of(1), word(assetId), uint(version, 4), uint(parts.length, 8));
  const tree = concat(...hashes, ...levelsAbove(hashes));
  const offsets = [head.length + 8 * (parts.length + 1) + tree.length];
  for (const part of parts) offsets.push(offsets.at(-1) + part.length);
  const payloadId = H(utf8("deedbook.payload.v1"), word(assetId), uint(version, 4), rfc9162(hashes));
  return {
    payloadId: hex(payloadId),
    object: hex(concat(head, ...offsets.map((offset) => uint(offset, 8)), tree, ...parts)),
  };
}

// -- stored secrets

export function kekFile({ generation, key }) {
  const content = concat(utf8("DBKK"), Uint8Array.of(1), uint(generation, 4), bytes(key, 32));
  return { file: hex(concat(content, H(content).slice(0, 8))) };
}

export const kekEnvironment = ({ secret, generation }) => ({
  key: hex(expand(sha256, bytes(secret, 32), concat(utf8("deedbook.kek.env.v1"), uint(generation, 4)), 32)),
});

export async function seedBook({ passphrase, logN, salt, nonce, seeds }) {
  const options = { N: 2 ** logN, r: 8, p: 1, maxmem: 2 ** 30 };
  const derived = Uint8Array.from(scryptSync(passphrase, bytes(salt, 16), 48, options));
  const head = concat(utf8("DBSB"), Uint8Array.of(1, logN, 8, 1), bytes(salt, 16), derived.slice(32));
  const sealed = await gcm("encrypt", derived.slice(0, 32), bytes(nonce, 12), utf8(canonicalJson(seeds)), head);
  return { file: hex(concat(head, bytes(nonce, 12), sealed)) };
}

const SEGMENT = 65_536;
const atPlace = (count, last) => concat(new Uint8Array(3), uint(count, 8), Uint8Array.of(last ? 1 : 0));

export async function backup({ passphrase, logN, salt, entries }) {
  const options = { N: 2 ** logN, r: 8, p: 1, maxmem: 2 ** 30 };
  const derived = Uint8Array.from(scryptSync(passphrase, bytes(salt, 16), 48, options));
  const head = concat(utf8("DBBK"), Uint8Array.of(1, logN, 8, 1), bytes(salt, 16), derived.slice(32));
  const parts = entries.flatMap(({ name, content, byte, length }) => {
    const held = content === undefined ? new Uint8Array(length).fill(bytes(byte, 1)[0]) : bytes(content);
    const piece = held.length ? [uint(held.length, 4), held] : [];
    return [uint(utf8(name).length, 2), utf8(name), ...piece, uint(0, 4)];
  });
  const plain = concat(...parts);
  const count = Math.max(1, Math.ceil(plain.length / SEGMENT));
  const sealed = [head];
  for (let at = 0; at < count; at++) {
    const segment = plain.slice(at * SEGMENT, (at + 1) * SEGMENT);
    sealed.push(await gcm("encrypt", derived.slice(0, 32), atPlace(at, at === count - 1), segment, head));
  }
  const file = concat(...sealed);
  return entries.some(({ length }) => length > 1000) ? { length: file.length, sha256: hex(sha256(file)) } : { file: hex(file) };
}

export async function backupEntries({ passphrase, file }) {
  const data = bytes(file);
  const head = data.slice(0, 40);
  if (Buffer.from(head.slice(0, 4)).toString() !== "DBBK" || head.length < 40) refuse("invalid-format", "not a backup");
  if (head[4] !== 1) refuse("wrong-version", "backup");
  const [logN, r, p] = head.slice(5, 8);
  if (logN < 10 || logN > 20 || r < 1 || r > 16 || p < 1 || p > 4) refuse("invalid-format", "cost");
  const derived = Uint8Array.from(scryptSync(passphrase, head.slice(8, 24), 48, { N: 2 ** logN, r, p, maxmem: 2 ** 32 }));
  if (hex(derived.slice(32)) !== hex(head.slice(24))) refuse("missing-key", "passphrase");
  const opened = [];
  for (let at = 40, count = 0; at < data.length || count === 0; at += SEGMENT + 16, count++) {
    const sealed = data.slice(at, at + SEGMENT + 16);
    try {
      opened.push(await gcm("decrypt", derived.slice(0, 32), atPlace(count, at + SEGMENT + 16 >= data.length), sealed, head));
    } catch {
      refuse("invalid-format", "damaged or cut short");
    }
  }
  const plain = concat(...opened);
  const entries = [];
  let at = 0;
  const take = (size) => {
    if (at + size > plain.length) refuse("invalid-format", "an entry is cut short");
    at += size;
    return plain.slice(at - size, at);
  };
  const number = (size) => Number(BigInt(hex(take(size))));
  while (at < plain.length) {
    const length = number(2);
    if (length < 1 || length > 4096) refuse("invalid-format", "a name");
    const name = Buffer.from(take(length)).toString("utf8");
    const pieces = [];
    for (let size = number(4); size !== 0; size = number(4)) {
      if (size > 2 ** 20) refuse("invalid-format", "a piece is too long");
      pieces.push(take(size));
    }
    entries.push({ name, content: hex(concat(...pieces)) });
  }
  return { entries };
}

export async function sealedValue({ key, nonce, kind, consentId, plaintext }) {
  const context = concat(utf8(`deedbook.records.${kind}`), bytes(consentId, 32));
  const sealed = await gcm("encrypt", bytes(key, 32), bytes(nonce, 12), utf8(plaintext), context);
  return { sealed: hex(concat(bytes(nonce, 12), sealed)) };
}
