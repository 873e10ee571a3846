// Formats 42 to 45: receipts, proofs and extensions of exchanges' logs, their tiles and checkpoints. Trees by the recursive
// definitions of RFC 9162; EIP-712 by viem and ethers, which must agree.

import { H, bytes, canonicalJson, concat, decimal, hex, jsonBytes, number, parseIntegers, readDocument, refuse, utf8 } from "./bytes.mjs";
import { logConsistency, recoverStrictly, rfc9162, rfc9162Proof } from "./consents.mjs";
import { ethers, viem, viemAccounts } from "./modules.mjs";

const members = (...pairs) => pairs.map(([type, name]) => ({ name, type }));
const TYPES = {
  LogReceipt: members(["address", "exchange"], ["uint64", "index"], ["bytes32", "leafHash"]),
  LogCheckpoint: members(["address", "exchange"], ["uint64", "size"], ["bytes32", "root"]),
};

function digestOf({ chainId, contract }, primaryType, message) {
  const domain = { name: "Deedbook Anchor Log", version: "1", chainId: BigInt(chainId), verifyingContract: contract };
  const types = { [primaryType]: TYPES[primaryType] };
  const byViem = viem.hashTypedData({ domain, types, primaryType, message });
  const byEthers = ethers.TypedDataEncoder.hash(domain, types, message);
  if (byViem !== byEthers) throw new Error(`viem and ethers disagree: ${byViem} ${byEthers}`);
  return byViem;
}

const signed = (privateKey, hash) => viemAccounts.privateKeyToAccount(privateKey).sign({ hash });
const accountOf = (privateKey) => viemAccounts.privateKeyToAccount(privateKey).address.toLowerCase();
const leafOf = (entry) => H(Uint8Array.of(0), jsonBytes(entry));

function readLog(text, format, keys) {
  const value = readDocument(parseIntegers(text), format, ["chainId", "contract", "exchange", ...keys]);
  decimal(value.chainId);
  bytes(value.contract, 20);
  bytes(value.exchange, 20);
  return value;
}

// -- 42: receipts

export async function logReceipt({ domain, entry, index, privateKey, document }) {
  if (document === undefined) {
    const exchange = accountOf(privateKey);
    const leafHash = hex(leafOf(entry));
    const signature = await signed(privateKey, digestOf(domain, "LogReceipt", { exchange, index: BigInt(index), leafHash }));
    document = canonicalJson({ format: "deedbook.log-receipt", version: 1, ...domain, exchange, index, leafHash, signature });
  }
  const value = readLog(document, "deedbook.log-receipt", ["index", "leafHash", "signature"]);
  const index64 = decimal(value.index, 64n);
  bytes(value.leafHash, 32);
  if (bytes(value.signature).length !== 65) refuse("invalid-signature", "not 65 bytes");
  const digest = digestOf(value, "LogReceipt", { exchange: value.exchange, index: index64, leafHash: value.leafHash });
  if (recoverStrictly(digest, value.signature) !== value.exchange) refuse("invalid-signature", "another's");
  return { digest, signature: value.signature, document: canonicalJson(value) };
}

// -- 43 and 44: proofs

// RFC 9162, 2.1.3.1, undone from the last node: the root that a proof of the leaf at m of n gives; nothing where it is too
// short, or nodes are left over.
function rootBy(leaf, m, n, nodes) {
  if (n === 1n) return nodes.length ? undefined : leaf;
  if (!nodes.length) return undefined;
  let half = 1n;
  while (half * 2n < n) half *= 2n;
  const [last, rest] = [nodes.at(-1), nodes.slice(0, -1)];
  const found = m < half ? rootBy(leaf, m, half, rest) : rootBy(leaf, m - half, n - half, rest);
  return found && (m < half ? H(Uint8Array.of(1), found, last) : H(Uint8Array.of(1), last, found));
}

const nodesOf = ({ proof }, most) => {
  if (!Array.isArray(proof) || proof.length > most) refuse("invalid-format", "proof");
  return proof.map((node) => bytes(node, 32));
};

export function logProof({ domain, exchange, entries, index, transaction, block, document }) {
  if (document === undefined) {
    const inputs = entries.map(jsonBytes);
    const tree = { size: String(inputs.length), root: hex(rfc9162(inputs)), proof: rfc9162Proof(inputs, Number(index)) };
    const leafHash = hex(leafOf(entries[index]));
    document = canonicalJson({ format: "deedbook.log-proof", version: 1, ...domain, exchange, index, leafHash, ...tree, transaction, block });
  }
  const value = readLog(document, "deedbook.log-proof", ["index", "leafHash", "size", "root", "proof", "transaction", "block"]);
  const [m, n] = [decimal(value.index, 64n), decimal(value.size, 64n)];
  const [leaf, root] = [bytes(value.leafHash, 32), bytes(value.root, 32)];
  const nodes = nodesOf(value, 64);
  bytes(value.transaction, 32);
  number(value.block, 53);
  const found = m < n && rootBy(leaf, m, n, nodes);
  return { holds: Boolean(found) && hex(found) === hex(root), document: canonicalJson(value) };
}

// RFC 9162, 2.1.4.1.
function extensionOf(inputs, m, whole) {
  if (m === inputs.length) return whole ? [] : [hex(rfc9162(inputs))];
  const half = 2 ** (Math.ceil(Math.log2(inputs.length)) - 1);
  const [left, right] = [inputs.slice(0, half), inputs.slice(half)];
  return m <= half
    ? [...extensionOf(left, m, whole), hex(rfc9162(right))]
    : [...extensionOf(right, m - half, false), hex(rfc9162(left))];
}

export function logExtension({ domain, exchange, entries, formerSize, document }) {
  if (document === undefined) {
    const inputs = entries.map(jsonBytes);
    const former = { formerSize, formerRoot: hex(rfc9162(inputs.slice(0, formerSize))) };
    const now = { size: String(inputs.length), root: hex(rfc9162(inputs)), proof: extensionOf(inputs, Number(formerSize), true) };
    document = canonicalJson({ format: "deedbook.log-extension", version: 1, ...domain, exchange, ...former, ...now });
  }
  const value = readLog(document, "deedbook.log-extension", ["formerSize", "formerRoot", "size", "root", "proof"]);
  const [m, n] = [decimal(value.formerSize, 64n), decimal(value.size, 64n)];
  for (const name of ["formerRoot", "root"]) bytes(value[name], 32);
  const nodes = nodesOf(value, 65);
  const same = m === n && value.formerRoot === value.root && nodes.length === 0;
  return { holds: m > 0n && (m < n ? logConsistency(value).continues : same), document: canonicalJson(value) };
}

// -- 45: tiles and checkpoints (C2SP tlog-tiles, tlog-checkpoint, signed-note)

function pathOf(level, position, width) {
  const digits = String(position).padStart(Math.ceil(String(position).length / 3) * 3, "0").match(/.{3}/g);
  const name = digits.map((part, i) => (i < digits.length - 1 ? `x${part}` : part)).join("/");
  return `${level}/${name}` + (width < 256 ? `.p/${width}` : "");
}

export function logTiles({ size }) {
  const inputs = Array.from({ length: size }, (_, i) => utf8(String(i)));
  const tiles = {};
  for (let level = 0; 256 ** level <= size; level++) {
    const span = 256 ** level;
    const hashes = Array.from({ length: Math.floor(size / span) }, (_, i) => rfc9162(inputs.slice(i * span, (i + 1) * span)));
    for (let at = 0; at < hashes.length; at += 256) {
      const some = hashes.slice(at, at + 256);
      tiles[pathOf(level, at / 256, some.length)] = hex(H(...some));
    }
  }
  return { root: hex(rfc9162(inputs)), tiles };
}

export function logTilePath({ level, position, width, path }) {
  if (path === undefined) return { path: pathOf(level, BigInt(position), width) };
  const found = /^([0-9]+)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]+))?$/.exec(path);
  if (!found) refuse("invalid-input", path);
  const read = { level: Number(found[1]), position: BigInt(found[2].replace(/[x/]/g, "")).toString(), width: Number(found[3] ?? 256) };
  if (read.level > 63 || read.width < 1 || pathOf(read.level, BigInt(read.position), read.width) !== path) refuse("invalid-input", path);
  return read;
}

const base64 = (data) => Buffer.from(data).toString("base64");

export async function logCheckpoint({ domain, exchange, size, root, privateKey, note }) {
  const whose = exchange ?? accountOf(privateKey);
  const origin = `deedbook/${domain.chainId}/${domain.contract}/${whose}`;
  const keyId = H(utf8(origin), utf8("\n"), Uint8Array.of(255), utf8("deedbook.log-checkpoint/v1"), bytes(whose, 20)).slice(0, 4);
  const line = (signature) => `— ${origin} ${base64(concat(keyId, signature))}\n`;
  if (note === undefined) {
    const digest = digestOf(domain, "LogCheckpoint", { exchange: whose, size: BigInt(size), root });
    note = `${origin}\n${size}\n${base64(bytes(root, 32))}\n\n${line(bytes(await signed(privateKey, digest)))}`;
  }
  const [name, stated, hash, blank, signature, end, ...more] = note.split("\n");
  const parts = /^— (\S+) (\S+)$/.exec(signature ?? "");
  if (name !== origin || !/^(0|[1-9][0-9]*)$/.test(stated) || BigInt(stated) >= 1n << 64n || blank !== "" || !parts || end !== "" || more.length) {
    refuse("invalid-format", "note");
  }
  const [rootBytes, bytesSigned] = [Buffer.from(hash, "base64"), Buffer.from(parts[2], "base64")];
  if (rootBytes.length !== 32 || base64(rootBytes) !== hash || bytesSigned.length !== 69) refuse("invalid-format", "note");
  if (`${signature}\n` !== line(bytesSigned.subarray(4))) refuse("invalid-format", "another key");
  const digest = digestOf(domain, "LogCheckpoint", { exchange: whose, size: BigInt(stated), root: hex(rootBytes) });
  if (recoverStrictly(digest, hex(bytesSigned.subarray(4))) !== whose) refuse("invalid-signature", "another's");
  return { digest, note };
}
