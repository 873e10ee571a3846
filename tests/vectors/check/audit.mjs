// Headers, Merkle-Patricia proofs, trusts and bundles: what their own bytes establish, without the rules of a sale.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { H, K, bytes, decimal, fields, hex, number, ofVersion, parseCanonical, parseIntegers, readDocument, refuse, same, toBigInt, utf8, word } from "./bytes.mjs";
import { rfc9162 } from "./consents.mjs";
import { ethers } from "./modules.mjs";
import { cliqueSeals, cliqueTurns, list, qbftSeals, read } from "./seals.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..");
const EMPTY_ROOT = K(Uint8Array.of(0x80));
const JOURNAL = 0x35ea186c54920fec12571065a4cda6362dfe9d8d041545c86607b9dcfe795800n;
const JOURNALLED = ["Membership", "Cases", "Attestations", "DataAssets", "Consents", "Market", "Revenue", "Usage"];

// -- RLP by ethers; what is not the one encoding of its value is refused

export function decodeRlp(data) {
  let value;
  try {
    value = ethers.decodeRlp(hex(data));
  } catch (reason) {
    refuse("invalid-format", reason.message);
  }
  if (ethers.encodeRlp(value) !== hex(data)) refuse("invalid-format", "another spelling of RLP");
  return value;
}

function unsigned(text, most = 32) {
  const data = typeof text === "string" ? bytes(text) : refuse("invalid-format", "a list for a number");
  if (data.length > most || data[0] === 0) refuse("invalid-format", "not an unsigned integer");
  return toBigInt(data);
}

// -- headers

const HEADER = [
  ["parentHash", 32], ["sha3Uncles", 32], ["miner", 20], ["stateRoot", 32], ["transactionsRoot", 32], ["receiptsRoot", 32],
  ["logsBloom", 256], ["difficulty"], ["number"], ["gasLimit"], ["gasUsed"], ["timestamp"], ["extraData", -1], ["mixHash", 32],
  ["nonce", 8], ["baseFeePerGas"], ["withdrawalsRoot", 32], ["blobGasUsed"], ["excessBlobGas"], ["parentBeaconBlockRoot", 32],
  ["requestsHash", 32],
];

export function header({ raw }) {
  const data = bytes(raw);
  const items = decodeRlp(data);
  if (!Array.isArray(items) || items.length < 15 || items.length > 32) refuse("invalid-format", "not a header's fields");
  const found = {};
  HEADER.slice(0, items.length).forEach(([name, length], place) => {
    if (Array.isArray(items[place])) refuse("invalid-format", `${name} is a list`);
    if (length === undefined) found[name] = unsigned(items[place]);
    else if (length >= 0) bytes(items[place], length);
  });
  const [parentHash, , , stateRoot, , receiptsRoot] = items;
  const { number: height, timestamp } = found;
  return { hash: hex(K(data)), parentHash, stateRoot, receiptsRoot, number: height.toString(), timestamp: timestamp.toString() };
}

// -- proofs

const nibbles = (data) => [...data].flatMap((byte) => [byte >> 4, byte & 15]);

function walk(root, key, proof) {
  if (same(root, EMPTY_ROOT)) return proof.length ? refuse("integrity", "nodes under an empty root") : null;
  let used = 0;
  const take = (expected) => {
    if (used === proof.length) refuse("evidence-missing", `no node for ${hex(expected)}`);
    if (!same(K(proof[used]), expected)) refuse("integrity", `node ${used} is another`);
    return decodeRlp(proof[used++]);
  };
  const follow = (reference) => (Array.isArray(reference) ? reference : reference === "0x" ? null : take(bytes(reference, 32)));
  let node = take(root);
  let path = nibbles(key);
  let value = null;
  while (node !== null) {
    if (node.length === 17) {
      if (path.length === 0) { value = node[16] === "0x" ? null : node[16]; break; }
      [node, path] = [follow(node[path[0]]), path.slice(1)];
      continue;
    }
    const packed = nibbles(bytes(node[0]));
    const prefix = packed.slice(packed[0] & 1 ? 1 : 2);
    const fits = prefix.every((nibble, place) => nibble === path[place]);
    if (packed[0] & 2) { value = fits && prefix.length === path.length ? node[1] : null; break; }
    if (!fits) break;
    [node, path] = [follow(node[1]), path.slice(prefix.length)];
  }
  if (used !== proof.length) refuse("integrity", "nodes left over");
  return value;
}

function accountIn(stateRoot, address, proof) {
  const value = walk(stateRoot, K(address), proof);
  if (value === null) return null;
  const [nonce, balance, storageHash, codeHash] = decodeRlp(bytes(value));
  return { nonce: unsigned(nonce).toString(), balance: unsigned(balance).toString(), storageHash, codeHash };
}

function slotIn(storageRoot, slot, proof) {
  const value = walk(storageRoot, K(word(slot)), proof);
  return value === null ? 0n : unsigned(decodeRlp(bytes(value)));
}

export function trieProof({ stateRoot, address, storageRoot, slot, proof }) {
  const nodes = proof.map((node) => bytes(node));
  if (stateRoot !== undefined) return { account: accountIn(bytes(stateRoot, 32), bytes(address, 20), nodes) };
  return { value: slotIn(bytes(storageRoot, 32), BigInt(slot), nodes).toString() };
}

// -- trusts

function named(contracts, version) {
  const names = ofVersion(contracts, version);
  return addresses(version === 1 ? contracts : strictly(contracts, names));
}

const addresses = (contracts) =>
  Object.fromEntries(
    Object.entries(contracts).map(([name, text]) => {
      const lower = typeof text === "string" ? text.toLowerCase() : "";
      bytes(lower, 20);
      if (text !== lower && text !== ethers.getAddress(lower)) refuse("invalid-format", "a wrong checksum");
      return [name, lower];
    }),
  );

const TRUST = ["chainId", "genesisHash", "contracts", "blocks", "validators"];

export function trust({ document }) {
  const value = parseIntegers(document);
  for (const key of ["format", "version", ...TRUST]) if (!(key in value)) refuse("evidence-missing", key);
  const stated = readDocument(value, "deedbook.trust", TRUST, [1, 2, 3]);
  if (stated.version === 3 && Array.isArray(stated.validators)) refuse("wrong-version", "the validators of a version before");
  const sealing = stated.version === 3 ? { validators: listed(stated.validators) } : {};
  const contracts = named(stated.contracts, Math.min(stated.version, 2));
  const blocks = {};
  for (const block of stated.blocks) {
    fields(block, ["number", "hash"]);
    bytes(block.hash, 32);
    const known = (blocks[number(block.number, 53)] ??= block.hash);
    if (known !== block.hash) refuse("invalid-format", "two hashes of one block");
  }
  bytes(stated.genesisHash, 32);
  const chainId = decimal(stated.chainId).toString();
  return { chainId, genesisHash: stated.genesisHash, contracts, blocks, ...sealing };
}

// -- bundles

function changed(text, { put = [], take = [] }) {
  if (!put.length && !take.length) return text;
  const value = JSON.parse(text);
  const holder = (path) => path.slice(0, -1).reduce((inner, key) => inner[key], value);
  for (const [path, content] of put) holder(path)[path.at(-1)] = content;
  for (const path of take) {
    if (Array.isArray(holder(path))) holder(path).splice(path.at(-1), 1);
    else delete holder(path)[path.at(-1)];
  }
  const sorted = (inner) =>
    Array.isArray(inner) ? inner.map(sorted)
    : inner !== null && typeof inner === "object" ? Object.fromEntries(Object.keys(inner).sort().map((key) => [key, sorted(inner[key])]))
    : inner;
  return JSON.stringify(sorted(value));
}

const BUNDLE = ["accounts", "chain", "claims", "consents", "cover", "documents", "envelope", "headers", "journals", "kind", "sale", "units"];

function strictly(value, keys) {
  for (const key of Object.keys(value)) if (!keys.includes(key)) refuse("invalid-format", key);
  for (const key of keys) if (!(key in value)) refuse("evidence-missing", key);
  return value;
}

const equal = (some, others) => JSON.stringify(Object.entries(some).sort()) === JSON.stringify(Object.entries(others).sort());

function pinnedHash(block, { blocks }) {
  const pinned = blocks[block.number] ?? refuse("evidence-missing", "not pinned");
  return pinned === block.hash ? pinned : refuse("integrity", "another block");
}

function linked(bundle, pinned) {
  const headers = bundle.headers.map((raw) => header({ raw }));
  let expected = pinned;
  for (const each of [...headers].reverse()) {
    if (each.hash !== expected) refuse("integrity", `header ${each.number}`);
    expected = each.parentHash;
  }
  return headers;
}

// The headers of version 3: runs, each with an end that is pinned or sealed; those up to the block.
function sealed(bundle, { blocks, validators }) {
  const { consensus, block } = bundle.chain;
  if (validators && validators.consensus !== consensus) refuse("integrity", "another consensus");
  const headers = bundle.headers.map((raw) => headerOf({ raw, consensus }));
  const wanted = new Set([block.number, ...bundle.journals.flatMap(({ logs }) => logs.map((log) => log.block))].map(Number));
  const runs = [];
  headers.forEach((header, place) => {
    const before = headers[place - 1];
    if (!before || Number(header.number) > Number(before.number) + 1) return runs.push([header]);
    if (Number(header.number) !== Number(before.number) + 1 || header.parentHash !== before.hash) refuse("integrity", "no parent");
    return runs.at(-1).push(header);
  });
  const believed = runs.flatMap((run) => {
    const end = run.findLastIndex(({ number }) => wanted.has(Number(number)));
    if (end < 0 || Number(run[end].number) > block.number) refuse("integrity", "headers for nothing");
    const pinned = run.findLastIndex(({ number }) => number in blocks);
    for (const { number, hash } of run) if ((blocks[number] ?? hash) !== hash) refuse("integrity", "another block than the pinned");
    if (pinned < end) requireSeals(run.slice(end), consensus, validators ?? refuse("evidence-missing", "not pinned"));
    return run.slice(0, end + 1);
  });
  if (Number(believed.at(-1)?.number) !== block.number) refuse("evidence-missing", "the block's header");
  if (believed.at(-1).hash !== block.hash) refuse("integrity", "another block");
  return believed;
}

function requireSeals(headers, consensus, validators) {
  const raws = headers.map(({ raw }) => raw);
  const document = { format: "deedbook.validators", version: 1, ...validators };
  if (consensus === "qbft") {
    if (raws.length > 1) refuse("integrity", "headers for nothing");
    return qbftSeals({ raw: raws[0], validators: document });
  }
  cliqueTurns({ headers: raws, validators: document });
  return cliqueSeals({ headers: raws, validators: document });
}

function listed(document) {
  const { consensus, spans } = list(document);
  return { consensus, spans: spans.map(({ accounts }, place) => ({ fromBlock: document.spans[place].fromBlock, accounts })) };
}

function headerOf({ raw, consensus }) {
  try {
    return { raw, ...read({ raw, consensus }) };
  } catch (reason) {
    return refuse("integrity", `no header: ${reason.message}`);
  }
}

function headOf({ contract, entity, count, proof, logs }, storageHash) {
  if (logs.length < count) refuse("evidence-missing", "a log was taken out");
  if (logs.length > count) refuse("invalid-format", "a log was put in");
  const slot = toBigInt(K(bytes(entity, 32), word(JOURNAL + 1n)));
  const head = word(slotIn(bytes(storageHash, 32), slot, proof.map((node) => bytes(node))));
  let folded = new Uint8Array(32);
  for (const { block, topics, data } of logs) {
    folded = K(folded, word(block), K(...topics.map((topic) => bytes(topic, 32)), bytes(data)));
  }
  if (!same(folded, head)) refuse("integrity", `the journal of ${contract} ${entity}`);
  return hex(head);
}

export function bundle({ file, trust: trustFile, trustPut = [], ...change }) {
  const text = changed(readFileSync(join(folder, file), "utf8"), change);
  const believed = trust({ document: changed(readFileSync(join(folder, trustFile), "utf8"), { put: trustPut }) });
  const value = parseCanonical(text);
  strictly(value, ["format", "version", ...BUNDLE]);
  readDocument(value, "deedbook.bundle", BUNDLE, [1, 2, 3]);
  if (value.version === 3 && !("consensus" in value.chain)) refuse("wrong-version", "the chain of a version before");
  const { chainId, genesisHash, contracts, block, consensus } = strictly(value.chain, ["block", "chainId", "contracts", "genesisHash", ...(value.version === 3 ? ["consensus"] : [])]);
  if (value.version === 3 && !["clique", "qbft"].includes(consensus)) refuse("invalid-format", `consensus ${consensus}`);
  const same_ = chainId === believed.chainId && genesisHash === believed.genesisHash;
  if (!same_ || !equal(named(contracts, Math.min(value.version, 2)), believed.contracts)) refuse("integrity", "another chain");
  const headers = value.version === 3 ? sealed(value, believed) : linked(value, pinnedHash(block, believed));
  const state = bytes(headers.at(-1).stateRoot, 32);
  const heads = value.journals.map((journal) => {
    const known = value.version === 1 ? JOURNALLED.slice(0, 7) : JOURNALLED;
    if (!known.includes(journal.contract)) refuse("invalid-format", journal.contract);
    const nodes = value.accounts[journal.contract] ?? refuse("evidence-missing", "an account");
    const account = accountIn(state, bytes(contracts[journal.contract].toLowerCase(), 20), nodes.map((node) => bytes(node)));
    return [journal.contract, journal.entity, headOf(journal, (account ?? refuse("integrity", "no account")).storageHash)];
  });
  for (const [name, content] of Object.entries(value.documents)) {
    if (hex(H(bytes(content))) !== name) refuse("integrity", "a document under another name");
  }
  return {
    sale: value.sale,
    blocks: [headers[0].number, headers.at(-1).number],
    heads,
    contentRoot: hex(rfc9162(value.units.map((unit) => bytes(unit, 32)))),
    coverHash: value.cover && hex(H(bytes(value.cover))),
    envelopeHash: value.envelope && hex(H(bytes(value.envelope))),
    manifests: value.consents && value.consents.map((batch) => hex(rfc9162(batch.map((each) => utf8(JSON.stringify(each)))))),
    documents: Object.keys(value.documents).length,
  };
}

