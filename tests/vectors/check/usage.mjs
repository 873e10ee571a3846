// Formats 31 to 33: lists of those who are paid later, receipts of single uses, reports of metered use (viem and ethers).

import { H, bytes, canonicalJson, decimal, fields, hex, number, parseCanonical, readDocument, refuse, toBigInt, uint, utf8 } from "./bytes.mjs";
import { ethers, viem, viemAccounts } from "./modules.mjs";
import { recoverStrictly, rfc9162, rfc9162Proof } from "./consents.mjs";

const NONE = hex(new Uint8Array(32));

// -- 31: places of a list

export function deferredList({ places, entries }) {
  if (entries !== undefined) {
    const data = bytes(entries);
    if (data.length % 8) refuse("invalid-format", "not of 8 bytes each");
    places = Array.from({ length: data.length / 8 }, (_, i) => toBigInt(data.slice(8 * i, 8 * i + 8)).toString());
  }
  const numbers = places.map(BigInt);
  numbers.forEach((place, i) => {
    if (i && place <= numbers[i - 1]) refuse("invalid-input", `place ${place}`);
  });
  const leaves = numbers.map((place) => uint(place, 8));
  return { root: leaves.length ? hex(rfc9162(leaves)) : NONE, entries: "0x" + leaves.map((leaf) => hex(leaf).slice(2)).join("") };
}

// -- 39: whether a place stands on a list

export function ownPlace({ places, count, root, place, entries }) {
  if (places !== undefined) {
    const leaves = places.map((each) => uint(each, 8));
    [root, count] = [hex(rfc9162(leaves)), places.length];
    const after = places.filter((each) => each < place).length;
    const shown = places[after] === place ? [after] : [after - 1, after].filter((at) => at >= 0 && at < count);
    entries = shown.map((position) => ({ position, place: places[position], proof: rfc9162Proof(leaves, position) }));
  }
  const sorted = [...entries].sort((one, other) => one.position - other.position);
  for (const { position, place: named, proof } of sorted) {
    const found = position < count && rootFrom(H(Uint8Array.of(0), uint(named, 8)), position, count, proof.map((node) => bytes(node, 32)));
    if (!found || hex(found) !== root) refuse("integrity", `no entry at ${position}`);
  }
  const there = sorted.find((entry) => entry.place === place);
  if (there) return { root, count, entries, position: there.position };
  const [first, last] = [sorted[0], sorted.at(-1)];
  const outside = first && ((first.position === 0 && place < first.place) || (last.position === count - 1 && place > last.place));
  const between = sorted.some((entry, at) => {
    const next = sorted[at + 1];
    return next && next.position === entry.position + 1 && entry.place < place && place < next.place;
  });
  if (!outside && !between) refuse("evidence-missing", "neither on it nor beside it");
  return { root, count, entries, position: null };
}

// RFC 9162, 2.1.3.1, undone from the last node.
function rootFrom(leaf, index, size, proof) {
  if (size === 1) return proof.length ? undefined : leaf;
  if (proof.length === 0) return undefined;
  const half = 2 ** (Math.ceil(Math.log2(size)) - 1);
  const [last, rest] = [proof.at(-1), proof.slice(0, -1)];
  const left = index < half;
  const found = left ? rootFrom(leaf, index, half, rest) : rootFrom(leaf, index - half, size - half, rest);
  return found && (left ? H(Uint8Array.of(1), found, last) : H(Uint8Array.of(1), last, found));
}

// -- 32: receipts

const RECEIPT = ["saleId", "gateway", "number", "at", "units", "requestHash", "answerHash"];

function readReceipt(text) {
  const value = readDocument(parseCanonical(text), "deedbook.usage-receipt", RECEIPT);
  for (const name of ["saleId", "requestHash", "answerHash"]) bytes(value[name], 32);
  bytes(value.gateway, 20);
  for (const name of ["number", "at", "units"]) number(value[name], 53);
  for (const name of ["number", "units"]) if (value[name] === 0) refuse("invalid-input", name);
  return value;
}

export function usageReceipts({ documents, saleId, from, to, after = 0 }) {
  const read = documents.map(readReceipt);
  read.forEach((each, i) => {
    const right = each.saleId === saleId && each.gateway === read[0].gateway && each.number === after + 1 + i;
    if (!right || each.at < from || each.at >= to) refuse("invalid-input", `use ${each.number}`);
  });
  const count = read.reduce((sum, { units }) => sum + BigInt(units), 0n);
  return { count: count.toString(), receiptsRoot: read.length ? hex(rfc9162(documents.map(utf8))) : NONE };
}

// -- 33: reports

const REPORT = { UsageReport: [["bytes32", "saleId"], ["uint64", "from"], ["uint64", "to"], ["uint64", "count"], ["bytes32", "receiptsRoot"]].map(([type, name]) => ({ name, type })) };

function digestOf({ chainId, contract }, report) {
  const domain = { name: "Deedbook Usage", version: "1", chainId: BigInt(chainId), verifyingContract: contract };
  const message = { ...report, from: BigInt(report.from), to: BigInt(report.to), count: BigInt(report.count) };
  const byViem = viem.hashTypedData({ domain, types: REPORT, primaryType: "UsageReport", message });
  const byEthers = ethers.TypedDataEncoder.hash(domain, REPORT, message);
  if (byViem !== byEthers) throw new Error(`viem and ethers disagree: ${byViem} ${byEthers}`);
  return byViem;
}

export async function usageReport({ domain, report, privateKey, document }) {
  if (document === undefined) {
    const account = viemAccounts.privateKeyToAccount(privateKey);
    const signature = await account.sign({ hash: digestOf(domain, report) });
    document = canonicalJson({ format: "deedbook.usage-report", version: 1, ...domain, report, signer: account.address.toLowerCase(), signature });
  }
  const value = readDocument(parseCanonical(document), "deedbook.usage-report", ["chainId", "contract", "report", "signer", "signature"]);
  decimal(value.chainId);
  bytes(value.contract, 20);
  const read = fields(value.report, ["saleId", "from", "to", "count", "receiptsRoot"]);
  for (const name of ["saleId", "receiptsRoot"]) bytes(read[name], 32);
  for (const name of ["from", "to"]) number(read[name], 53);
  decimal(read.count, 64n);
  bytes(value.signer, 20);
  const digest = digestOf(value, read);
  if (recoverStrictly(digest, value.signature) !== value.signer) refuse("invalid-signature", "another's");
  return { digest, signature: value.signature, document };
}
