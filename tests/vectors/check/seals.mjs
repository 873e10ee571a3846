// Trusted validators, the names and seals of Clique and QBFT headers, and the receipts of a block.

import { K, bytes, concat, fields, hex, number, parseIntegers, readDocument, refuse, same, toBigInt } from "./bytes.mjs";
import { decodeRlp, header as plainHeader } from "./audit.mjs";
import { ethers, secp256k1 } from "./modules.mjs";

const { encodeRlp } = ethers;
const EXTRA = 12;
const ascending = (list) => list.every((each, place) => place === 0 || list[place - 1] < each);

// -- who may seal

function account(text) {
  const lower = typeof text === "string" ? text.toLowerCase() : "";
  bytes(lower, 20);
  if (text !== lower && text !== ethers.getAddress(lower)) refuse("invalid-format", "a wrong checksum");
  return lower;
}

export function list(document) {
  const stated = readDocument(document, "deedbook.validators", ["consensus", "spans"]);
  if (!["clique", "qbft"].includes(stated.consensus)) refuse("invalid-format", `consensus ${stated.consensus}`);
  if (!Array.isArray(stated.spans) || stated.spans.length < 1 || stated.spans.length > 1024) refuse("invalid-format", "spans");
  const spans = stated.spans.map((span) => {
    fields(span, ["fromBlock", "accounts"]);
    if (!Array.isArray(span.accounts) || span.accounts.length > 1024) refuse("invalid-format", "accounts");
    const accounts = span.accounts.map(account).sort();
    if (!ascending(accounts) || /^0x0+$/.test(accounts[0])) refuse("invalid-format", "an account twice, or none");
    return { from: number(span.fromBlock, 53), accounts };
  });
  if (spans.some((span, place) => place > 0 && spans[place - 1].from >= span.from)) refuse("invalid-format", "spans not ascending");
  return { consensus: stated.consensus, spans };
}

function at({ spans }, block) {
  const { accounts = [] } = spans.findLast(({ from }) => BigInt(from) <= BigInt(block)) ?? {};
  return accounts.length ? accounts : refuse("evidence-missing", `no validators are named for block ${block}`);
}

const majority = (count) => Math.floor(count / 2) + 1;
const twoThirds = (count) => Math.ceil((2 * count) / 3);

export function validators({ document, block }) {
  const stated = list(parseIntegers(document));
  const accounts = at(stated, block);
  return { consensus: stated.consensus, accounts, quorum: (stated.consensus === "clique" ? majority : twoThirds)(accounts.length) };
}

// -- what a header says, and what was signed

function cliqueExtra(data) {
  const listed = data.slice(32, -65);
  if (data.length < 97 || listed.length % 20) refuse("invalid-format", "no vanity, signers and seal");
  const signers = Array.from({ length: listed.length / 20 }, (_, place) => hex(listed.slice(20 * place, 20 * place + 20)));
  if (!ascending(signers)) refuse("invalid-format", "signers not ascending");
  return { signers, seal: data.slice(-65), signed: hex(data.slice(0, -65)) };
}

const each = (items, length) => {
  if (!Array.isArray(items) || items.some((item) => Array.isArray(item))) refuse("invalid-format", "not a list of bytes");
  return items.map((item) => hex(bytes(item, length)));
};

function qbftVote(item) {
  if (!Array.isArray(item)) refuse("invalid-format", "a vote that is no list");
  if (item.length === 0) return null;
  if (item.length !== 2 || Array.isArray(item[0]) || !["0xff", "0x00", "0x"].includes(item[1])) refuse("invalid-format", "no vote");
  return { account: hex(bytes(item[0], 20)), add: item[1] === "0xff" };
}

function qbftExtra(data) {
  const items = decodeRlp(data);
  if (!Array.isArray(items) || items.length !== 5) refuse("invalid-format", "not five items");
  const [vanity, listed, vote, round, seals] = items;
  if (Array.isArray(vanity) || bytes(vanity).length > 32) refuse("invalid-format", "the vanity");
  if (Array.isArray(round) || bytes(round).length > 4 || bytes(round)[0] === 0) refuse("invalid-format", "the round");
  return {
    validators: each(listed, 20),
    vote: qbftVote(vote),
    round: Number(toBigInt(bytes(round))),
    seals: each(seals, 65).map((seal) => bytes(seal)),
    named: encodeRlp([vanity, listed, vote, "0x", []]),
    signed: encodeRlp([vanity, listed, vote, round, []]),
  };
}

export function read({ raw, consensus }) {
  const stated = plainHeader({ raw });
  const items = decodeRlp(bytes(raw));
  const extra = { clique: cliqueExtra, qbft: qbftExtra }[consensus](bytes(items[EXTRA]));
  const hashWith = (data) => hex(K(bytes(encodeRlp(items.with(EXTRA, data)))));
  const unsealed = consensus === "qbft" && stated.number !== "0";
  return { ...stated, ...extra, hash: unsealed ? hashWith(extra.named) : stated.hash, sealHash: hashWith(extra.signed), difficulty: toBigInt(bytes(items[7])) };
}

function recovered(digest, seal) {
  const order = secp256k1.Point.Fn.ORDER;
  const [r, s] = [toBigInt(seal.slice(0, 32)), toBigInt(seal.slice(32, 64))];
  if (seal[64] > 1 || r === 0n || r >= order || s === 0n || s > order / 2n) refuse("integrity", "a seal of another form");
  try {
    const compressed = secp256k1.recoverPublicKey(concat(seal.slice(64), seal.slice(0, 64)), bytes(digest, 32), { prehash: false });
    return hex(K(secp256k1.Point.fromBytes(compressed).toBytes(false).slice(1)).slice(12));
  } catch (reason) {
    return refuse("integrity", `no key sealed this: ${reason.message}`);
  }
}

function cliqueSealer(header) {
  if (![1n, 2n].includes(header.difficulty)) refuse("invalid-format", "neither in turn nor out of turn");
  return recovered(header.sealHash, header.seal);
}

export function sealedHeader({ raw, consensus }) {
  const { hash, sealHash, number, ...header } = read({ raw, consensus });
  if (consensus === "clique") {
    const sealer = number === "0" ? null : cliqueSealer({ sealHash, ...header });
    return { hash, sealHash, number, signers: header.signers, inTurn: header.difficulty === 2n, sealer };
  }
  const sealers = header.seals.map((seal) => recovered(sealHash, seal));
  return { hash, sealHash, number, validators: header.validators, vote: header.vote, round: header.round, sealers };
}

// -- when seals suffice

function requireList(stated, trusted) {
  if (stated.length && JSON.stringify([...stated].sort()) !== JSON.stringify(trusted)) refuse("evidence-missing", "another list");
}

export function qbftSeals({ raw, validators: document }) {
  const header = read({ raw, consensus: "qbft" });
  const trusted = at(list(document), header.number);
  const sealers = header.seals.map((seal) => recovered(header.sealHash, seal));
  if (sealers.some((sealer) => !trusted.includes(sealer))) refuse("integrity", "a stranger's seal");
  if (new Set(sealers).size !== sealers.length) refuse("integrity", "one seal twice");
  if (sealers.length < twoThirds(trusted.length)) refuse("integrity", "too few seals");
  requireList(header.validators, trusted);
  return { hash: header.hash, sealers };
}

function cliqueTrusted(header, stated) {
  const trusted = at(stated, header.number);
  const sealer = cliqueSealer(header);
  if (!trusted.includes(sealer)) refuse("integrity", "a stranger's seal");
  requireList(header.signers, trusted);
  return sealer;
}

export function cliqueSeals({ headers: raws, validators: document }) {
  const stated = list(document);
  const headers = raws.map((raw) => read({ raw, consensus: "clique" }));
  headers.forEach((header, place) => {
    if (place > 0 && (header.parentHash !== headers[place - 1].hash || BigInt(header.number) !== BigInt(headers[place - 1].number) + 1n)) {
      refuse("integrity", "no descendants");
    }
  });
  const sealed = headers.map((header) => cliqueTrusted(header, stated));
  const behind = (place) => at(stated, headers[place].number).filter((one) => sealed.slice(place + 1).includes(one));
  const isFinal = (place) => behind(place).length >= majority(at(stated, headers[place].number).length);
  if (!isFinal(0)) refuse("evidence-missing", "too few signers sealed descendants");
  const final = headers.findLastIndex((_, place) => isFinal(place));
  return { hash: headers[0].hash, sealers: behind(0), final: Number(headers[final].number) };
}

export function cliqueTurns({ headers: raws, validators: document }) {
  const stated = list(document);
  const sealers = [];
  for (const raw of raws) {
    const header = read({ raw, consensus: "clique" });
    const sealer = cliqueTrusted(header, stated);
    const last = sealers.lastIndexOf(sealer);
    if (last >= 0 && sealers.length - last < majority(at(stated, header.number).length)) refuse("integrity", "sealed too soon again");
    sealers.push(sealer);
  }
  return { sealers };
}

// -- the receipts of a block

const quantity = (text) => {
  if (typeof text !== "string" || !/^0x[0-9a-fA-F]{1,64}$/.test(text)) refuse("invalid-format", `no quantity: ${text}`);
  return BigInt(text);
};
const minimal = (value) => (value === 0n ? "0x" : ethers.toBeHex(value));

function bareLog(log) {
  if (log === null || typeof log !== "object" || !Array.isArray(log.topics) || log.topics.length > 4) refuse("invalid-format", "no log");
  return [hex(bytes(log.address, 20)), log.topics.map((topic) => hex(bytes(topic, 32))), hex(bytes(log.data))];
}

function bloomOf(logs) {
  const bloom = new Uint8Array(256);
  for (const item of logs.flatMap(([address, topics]) => [address, ...topics])) {
    const digest = K(bytes(item));
    for (const place of [0, 2, 4]) {
      const bit = ((digest[place] << 8) | digest[place + 1]) & 2047;
      bloom[255 - (bit >> 3)] |= 1 << (bit & 7);
    }
  }
  return bloom;
}

function encodeReceipt(receipt) {
  const type = receipt.type === undefined ? 0n : quantity(receipt.type);
  if (type > 4n) refuse("invalid-format", `type ${type}`);
  if (!Array.isArray(receipt.logs)) refuse("invalid-format", "no logs");
  const logs = receipt.logs.map(bareLog);
  const outcome = receipt.status === undefined ? hex(bytes(receipt.root, 32)) : minimal(quantity(receipt.status));
  if (!["0x", "0x01"].includes(outcome) && outcome.length !== 66) refuse("invalid-format", "the status");
  const body = bytes(encodeRlp([outcome, minimal(quantity(receipt.cumulativeGasUsed)), hex(bloomOf(logs)), logs]));
  return { logs, encoded: type === 0n ? body : concat(Uint8Array.of(Number(type)), body) };
}

// A trie by insertion: a node is null, {rest, value}, {rest, inner} or {children}; keys are arrays of nibbles.
function inserted(node, key, value) {
  if (node === null) return { rest: key, value };
  if (node.children) {
    const children = [...node.children];
    children[key[0]] = inserted(children[key[0]], key.slice(1), value);
    return { children };
  }
  let shared = 0;
  while (shared < node.rest.length && node.rest[shared] === key[shared]) shared += 1;
  const under = (rest) => (node.inner && rest.length === 0 ? node.inner : { ...node, rest });
  if (node.inner && shared === node.rest.length) return { rest: node.rest, inner: inserted(node.inner, key.slice(shared), value) };
  const children = Array(16).fill(null);
  children[node.rest[shared]] = under(node.rest.slice(shared + 1));
  children[key[shared]] = { rest: key.slice(shared + 1), value };
  return shared ? { rest: key.slice(0, shared), inner: { children } } : { children };
}

function packed(nibbles, leaf) {
  const flag = (leaf ? 2 : 0) + (nibbles.length % 2);
  const whole = nibbles.length % 2 ? [flag, ...nibbles] : [flag, 0, ...nibbles];
  return hex(Uint8Array.from({ length: whole.length / 2 }, (_, place) => (whole[2 * place] << 4) | whole[2 * place + 1]));
}

function structure(node) {
  if (node.children) return [...node.children.map((child) => (child === null ? "0x" : reference(child))), "0x"];
  return node.inner ? [packed(node.rest, false), reference(node.inner)] : [packed(node.rest, true), hex(node.value)];
}

function reference(node) {
  const encoded = bytes(encodeRlp(structure(node)));
  return encoded.length < 32 ? structure(node) : hex(K(encoded));
}

function rootOf(items) {
  let trie = null;
  items.forEach((item, index) => {
    const key = bytes(encodeRlp(minimal(BigInt(index))));
    trie = inserted(trie, [...key].flatMap((byte) => [byte >> 4, byte & 15]), item);
  });
  return K(trie === null ? Uint8Array.of(0x80) : bytes(encodeRlp(structure(trie))));
}

export function blockReceipts({ header: raw, consensus, receipts }) {
  const header = consensus === "instant" ? plainHeader({ raw }) : read({ raw, consensus });
  const made = receipts.map(encodeReceipt);
  const root = rootOf(made.map(({ encoded }) => encoded));
  if (hex(root) !== header.receiptsRoot) refuse("integrity", "another root");
  const logs = made.flatMap((each) => each.logs);
  if (!same(bloomOf(logs), bytes(decodeRlp(bytes(raw))[6]))) refuse("integrity", "another bloom");
  let index = 0;
  receipts.forEach((receipt, place) => {
    for (const log of receipt.logs) {
      const said = { blockHash: header.hash, transactionHash: receipt.transactionHash, transactionIndex: ethers.toQuantity(place), logIndex: ethers.toQuantity(index) };
      for (const [name, value] of Object.entries(said)) if ((log[name] ?? value) !== value) refuse("integrity", `another ${name}`);
      index += 1;
    }
  });
  return { root: hex(root), encoded: made.map(({ encoded }) => hex(encoded)), logs: logs.length };
}
