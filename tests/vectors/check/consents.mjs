// Formats 1 to 8: consents, notices, receipts, withdrawals, batches, manifests. EIP-712 by viem and ethers, which
// must agree; trees by noble.

import {
  K, H, bytes, canonicalJson, concat, decimal, fields, hex, jsonBytes, number, padded, parseCanonical, readDocument,
  refuse, same, toBigInt, uint, utf8, word,
} from "./bytes.mjs";
import { ethers, keccak_256, secp256k1, viem, viemAccounts } from "./modules.mjs";

const TYPES = {
  Consent: [
    ["address", "subject"], ["uint256", "assetId"], ["address", "controller"], ["address", "recipient"],
    ["uint16", "recipientClass"], ["uint16", "purpose"], ["uint16", "modes"], ["bool", "crossBorder"],
    ["bytes32", "noticeHash"], ["bytes32", "recordCommit"], ["uint64", "validFrom"], ["uint64", "validUntil"],
    ["string", "statement"], ["bytes32", "salt"],
  ],
  Receipt: [["bytes32", "consentId"], ["uint256", "assetId"], ["address", "subject"]],
  Withdrawal: [["bytes32", "consentId"]],
  Payee: [
    ["bytes32", "consentId"], ["string", "kind"], ["string", "institution"], ["string", "account"], ["string", "holder"],
    ["uint64", "namedAt"],
  ],
  PayeeRequest: [["bytes32", "consentId"], ["uint64", "askedAt"]],
};
for (const name of Object.keys(TYPES)) TYPES[name] = TYPES[name].map(([type, field]) => ({ name: field, type }));

const separatorOf = (domain) => ({
  name: "Deedbook Consent",
  version: "1",
  chainId: BigInt(domain.chainId),
  verifyingContract: domain.contract,
});

function digest(domain, primaryType, message) {
  const types = { [primaryType]: TYPES[primaryType] };
  const byViem = viem.hashTypedData({ domain: separatorOf(domain), types, primaryType, message });
  const byEthers = ethers.TypedDataEncoder.hash(separatorOf(domain), types, message);
  if (byViem !== byEthers) throw new Error(`viem and ethers disagree: ${byViem} ${byEthers}`);
  return byViem;
}

const HIDDEN = new RegExp(
  "[\\u{0}-\\u{1f}\\u{7f}-\\u{9f}\\u{ad}\\u{34f}\\u{600}-\\u{605}\\u{61c}\\u{6dd}\\u{70f}\\u{115f}-\\u{1160}" +
    "\\u{17b4}-\\u{17b5}\\u{180b}-\\u{180f}\\u{200b}-\\u{200f}\\u{2028}-\\u{202e}\\u{2060}-\\u{206f}\\u{3164}" +
    "\\u{d800}-\\u{f8ff}\\u{fe00}-\\u{fe0f}\\u{feff}\\u{ffa0}\\u{fff0}-\\u{ffff}\\u{e0000}-\\u{10ffff}]",
  "u",
);

function plain(text, code = "invalid-format") {
  if (typeof text !== "string" || text === "" || [...text].length > 4096 || HIDDEN.test(text)) {
    refuse(code, `not plain text: ${JSON.stringify(text)}`);
  }
  return text;
}

function readConsent(value) {
  const consent = fields(value, TYPES.Consent.map((member) => member.name));
  for (const { name, type } of TYPES.Consent) {
    if (type === "address") bytes(consent[name], 20);
    if (type === "bytes32") bytes(consent[name], 32);
    if (type === "uint256") decimal(consent[name]);
    if (type === "uint16" || type === "uint64") number(consent[name], Number(type.slice(4)));
    if (type === "bool" && typeof consent[name] !== "boolean") refuse("invalid-format", `not a bool: ${name}`);
  }
  plain(consent.statement, "invalid-input");
  return consent;
}

function readDomain(domain) {
  decimal(domain.chainId);
  bytes(domain.contract, 20);
  return domain;
}

export function consentId({ domain, consent }) {
  const message = readConsent(consent);
  const types = { Consent: TYPES.Consent };
  return {
    domainSeparator: ethers.TypedDataEncoder.hashDomain(separatorOf(readDomain(domain))),
    structHash: ethers.TypedDataEncoder.hashStruct("Consent", types, message),
    statementHash: hex(K(utf8(consent.statement))),
    consentId: digest(domain, "Consent", message),
  };
}

// -- signatures

export function recoverStrictly(digestHex, signatureHex) {
  const signature = bytes(signatureHex);
  if (signature.length !== 65) refuse("invalid-signature", "not 65 bytes");
  const [r, s, v] = [toBigInt(signature.slice(0, 32)), toBigInt(signature.slice(32, 64)), signature[64]];
  const order = secp256k1.Point.Fn.ORDER;
  if (v !== 27 && v !== 28) refuse("invalid-signature", "v");
  if (r <= 0n || r >= order || s <= 0n || s >= order) refuse("invalid-signature", "out of range");
  if (s > order / 2n) refuse("invalid-signature", "high s");
  try {
    const recovered = concat(Uint8Array.of(v - 27), signature.slice(0, 64));
    const compressed = secp256k1.recoverPublicKey(recovered, bytes(digestHex, 32), { prehash: false });
    const key = secp256k1.Point.fromBytes(compressed).toBytes(false);
    return hex(keccak_256(key.slice(1)).slice(12));
  } catch (reason) {
    return refuse("invalid-signature", reason.message);
  }
}

export const signer = ({ digest, signature }) => ({ signer: recoverStrictly(digest, signature) });

async function sign(privateKey, domain, primaryType, message) {
  const account = viemAccounts.privateKeyToAccount(privateKey);
  const types = { [primaryType]: TYPES[primaryType] };
  const signature = await account.signTypedData({ domain: separatorOf(domain), types, primaryType, message });
  if (recoverStrictly(digest(domain, primaryType, message), signature) !== account.address.toLowerCase()) {
    throw new Error("viem signed what noble does not recover");
  }
  return signature;
}

// -- documents

export async function signedConsent({ domain, consent, privateKey, document }) {
  if (document !== undefined) return readSignedConsent(document);
  const signature = await sign(privateKey, domain, "Consent", readConsent(consent));
  const text = canonicalJson({
    format: "deedbook.consent", version: 1, chainId: domain.chainId, contract: domain.contract, consent, signature,
  });
  return readSignedConsent(text);
}

function readSignedConsent(text) {
  const value = readDocument(parseCanonical(text), "deedbook.consent", ["chainId", "contract", "consent", "signature"]);
  const domain = readDomain({ chainId: value.chainId, contract: value.contract });
  readConsent(value.consent);
  if (bytes(value.signature).length !== 65) refuse("invalid-signature", "not 65 bytes");
  const identifier = digest(domain, "Consent", value.consent);
  if (recoverStrictly(identifier, value.signature) !== value.consent.subject) refuse("invalid-signature", "another's");
  return { document: text, consentId: identifier, signature: value.signature };
}

export async function withdrawal({ domain, consentId, subject, privateKey }) {
  const message = { consentId: hex(bytes(consentId, 32)) };
  const signature = await sign(privateKey, readDomain(domain), "Withdrawal", message);
  const document = canonicalJson({
    format: "deedbook.withdrawal", version: 1, chainId: domain.chainId, contract: domain.contract, consentId,
    subject: hex(bytes(subject, 20)), signature,
  });
  return { digest: digest(domain, "Withdrawal", message), signature, document };
}

// Format 38: where the money goes, made or read.
export async function payee({ domain, payee, subject, privateKey, document }) {
  if (document !== undefined) return readPayee(document);
  const signature = await sign(privateKey, readDomain(domain), "Payee", readPayeeFields(payee));
  const { chainId, contract } = domain;
  return readPayee(canonicalJson({ format: "deedbook.payee", version: 1, chainId, contract, payee, subject, signature }));
}

function readPayee(text) {
  const keys = ["chainId", "contract", "payee", "subject", "signature"];
  const value = readDocument(parseCanonical(text), "deedbook.payee", keys);
  const domain = readDomain({ chainId: value.chainId, contract: value.contract });
  readPayeeFields(value.payee);
  bytes(value.subject, 20);
  if (bytes(value.signature).length !== 65) refuse("invalid-signature", "not 65 bytes");
  const identifier = digest(domain, "Payee", value.payee);
  if (recoverStrictly(identifier, value.signature) !== value.subject) refuse("invalid-signature", "another's");
  const { kind, account } = value.payee;
  const masked = `${kind} *${account.slice(-Math.min(4, Math.floor(account.length / 3)))}`;
  return { digest: identifier, signature: value.signature, document: text, masked };
}

function readPayeeFields(value) {
  const payee = fields(value, TYPES.Payee.map((member) => member.name));
  bytes(payee.consentId, 32);
  if (!["bank-account", "e-cny-wallet"].includes(payee.kind)) refuse("invalid-format", "kind");
  for (const name of ["institution", "account", "holder"]) {
    if (typeof payee[name] !== "string") refuse("invalid-format", `not text: ${name}`);
  }
  number(payee.namedAt, 64);
  for (const name of ["institution", "holder"]) {
    if ([...plain(payee[name], "invalid-input")].length > 200) refuse("invalid-input", `too long: ${name}`);
  }
  if (!/^[0-9A-Za-z]{4,40}$/.test(payee.account)) refuse("invalid-input", "account");
  return payee;
}

// Format 40: who asks which payee is kept, made or read.
export async function payeeRequest({ domain, consentId, askedAt, subject, privateKey, document }) {
  if (document !== undefined) return readPayeeRequest(document);
  const signature = await sign(privateKey, readDomain(domain), "PayeeRequest", { consentId, askedAt });
  const { chainId, contract } = domain;
  const value = { format: "deedbook.payee-request", version: 1, chainId, contract, consentId, askedAt, subject, signature };
  return readPayeeRequest(canonicalJson(value));
}

function readPayeeRequest(text) {
  const keys = ["chainId", "contract", "consentId", "askedAt", "subject", "signature"];
  const value = readDocument(parseCanonical(text), "deedbook.payee-request", keys);
  const domain = readDomain({ chainId: value.chainId, contract: value.contract });
  bytes(value.consentId, 32);
  number(value.askedAt, 64);
  bytes(value.subject, 20);
  const identifier = digest(domain, "PayeeRequest", { consentId: value.consentId, askedAt: value.askedAt });
  if (recoverStrictly(identifier, value.signature) !== value.subject) refuse("invalid-signature", "another's");
  return { digest: identifier, signature: value.signature, document: text };
}

const PURPOSES = { 1: "RECRUITMENT", 2: "CREDIT", 3: "RESEARCH", 4: "STATISTICS" };
const MODES = { 1: "OPEN", 2: "CALL", 4: "JOINT_MODEL", 8: "FEDERATED", 16: "ENCRYPTED_COMPUTE", 32: "RAW" };
const setBits = (mask) => Array.from({ length: 16 }, (_, place) => 1 << place).filter((bit) => mask & bit);
const isZero = (address) => !bytes(address).some((byte) => byte);

export async function receipt({ signed, language, issuedAt, collectorKey, document }) {
  if (document !== undefined) return readReceipt(document);
  const collector = viemAccounts.privateKeyToAccount(collectorKey).address.toLowerCase();
  const { consentId } = readSignedConsent(canonicalJson(signed));
  const domain = { chainId: signed.chainId, contract: signed.contract };
  const message = { consentId, assetId: signed.consent.assetId, subject: signed.consent.subject };
  const signature = await sign(collectorKey, domain, "Receipt", message);
  return readReceipt(canonicalJson(receiptOf(signed, consentId, language, collector, issuedAt, signature)));
}

function receiptOf(signed, consentId, language, collector, issuedAt, signature) {
  const consent = signed.consent;
  return {
    format: "deedbook.receipt",
    version: 1,
    schema_version: "ISO/IEC TS 27560:2023",
    receipt_id: consentId,
    record_id: consentId,
    pii_principal_id: consent.subject,
    pii_processing: {
      privacy_notice: consent.noticeHash,
      language,
      purposes: [
        {
          purpose: consent.statement,
          purpose_type: PURPOSES[consent.purpose] ?? String(consent.purpose),
          lawful_basis: "consent",
          pii_controllers: [consent.controller],
          processing_method: setBits(consent.modes).map((bit) => MODES[bit] ?? String(bit)),
          geographic_restrictions: consent.crossBorder ? "none" : "no transfer across the border",
          recipient_third_parties: [
            isZero(consent.recipient) ? `class:${consent.recipientClass}` : consent.recipient,
          ],
          withdrawal_method: "Withdrawal(bytes32 consentId)",
        },
      ],
    },
    party_identification: [
      { party_id: consent.controller, party_role: "PII controller" },
      { party_id: collector, party_role: "collector" },
    ],
    event: [
      {
        event_time: issuedAt,
        validity_duration: { from: consent.validFrom, until: consent.validUntil },
        entity_id: consent.subject,
        event_type: "explicit",
        event_state: "given",
      },
    ],
    signedConsent: signed,
    collector,
    signature,
  };
}

function readReceipt(text) {
  const value = readDocument(JSON.parse(text), "deedbook.receipt", [
    "schema_version", "receipt_id", "record_id", "pii_principal_id", "pii_processing", "party_identification", "event",
    "signedConsent", "collector", "signature",
  ]);
  const { consentId } = readSignedConsent(canonicalJson(value.signedConsent));
  if (bytes(value.signature).length !== 65) refuse("invalid-signature", "not 65 bytes");
  const told = receiptOf(
    value.signedConsent, consentId, value.pii_processing.language, value.collector, value.event[0].event_time,
    value.signature,
  );
  if (canonicalJson(told) !== canonicalJson(value)) refuse("invalid-format", "not what the consent says");
  const { chainId, contract, consent } = value.signedConsent;
  const message = { consentId, assetId: consent.assetId, subject: consent.subject };
  const signed = digest({ chainId, contract }, "Receipt", message);
  if (recoverStrictly(signed, value.signature) !== value.collector) refuse("invalid-signature", "another's");
  return { digest: signed, document: canonicalJson(value) };
}

// -- notices and statements

const PLACEHOLDERS = ["asset", "controller", "recipient", "purpose", "modes", "border", "validFrom", "validUntil"];
const GROUPS = ["recipientClass", "purpose", "mode", "crossBorder"];
const PART = /\{([^{}]*)\}|[{}]/gu;

function readNotice(value) {
  const notice = readDocument(value, "deedbook.notice", [
    "language", "controller", "contact", "title", "assetTitle", "template", "labels", "retention", "withdrawal", "rights",
  ]);
  for (const key of ["language", "controller", "contact", "title", "assetTitle", "template", "retention", "withdrawal"]) {
    plain(notice[key]);
  }
  if (!Array.isArray(notice.rights)) refuse("invalid-format", "rights");
  notice.rights.forEach((right) => plain(right));
  fields(notice.labels, [...GROUPS, "joiner"]);
  plain(notice.labels.joiner);
  fields(notice.labels.crossBorder, ["true", "false"]);
  for (const group of GROUPS) {
    for (const [code, label] of Object.entries(notice.labels[group])) {
      plain(label);
      if (group !== "crossBorder") decimal(code, 16n);
    }
  }
  const shown = [...notice.template.matchAll(PART)].map((found) => found[1]);
  if (!shown.every((name) => PLACEHOLDERS.includes(name))) refuse("invalid-format", "unknown placeholder");
  if (!PLACEHOLDERS.every((name) => shown.includes(name))) refuse("invalid-format", "placeholder not shown");
  return notice;
}

export function notice({ notice }) {
  const text = canonicalJson(readNotice(notice));
  return { document: text, noticeHash: hex(H(utf8(text))) };
}

function isoTime(seconds) {
  if (seconds > 253402300799) refuse("invalid-input", "after the year 9999");
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

export function statement({ notice, consent }) {
  const { labels, template, assetTitle, controller } = readNotice(notice);
  const label = (group, code) => labels[group][String(code)] ?? refuse("invalid-format", `no label ${group} ${code}`);
  if (!consent.modes) refuse("invalid-format", "no mode");
  const values = {
    asset: assetTitle,
    controller,
    recipient: isZero(consent.recipient)
      ? label("recipientClass", consent.recipientClass)
      : viem.getAddress(consent.recipient),
    purpose: label("purpose", consent.purpose),
    modes: setBits(consent.modes).map((bit) => label("mode", bit)).join(labels.joiner),
    border: label("crossBorder", consent.crossBorder),
    validFrom: isoTime(consent.validFrom),
    validUntil: isoTime(consent.validUntil),
  };
  return { statement: template.replace(PART, (_, name) => values[name]) };
}

// -- trees and batches

const LEAF_TAG = K(utf8("deedbook.leaf.v1"));
const BATCH_TAG = K(utf8("deedbook.batch.v1"));

const leafOf = (consentId, subject) => K(K(LEAF_TAG, bytes(consentId, 32), padded(bytes(subject, 20))));
const depthOf = (count) => Math.ceil(Math.log2(count));

function grow(leaves) {
  const width = 2 ** depthOf(leaves.length);
  const levels = [[...leaves, ...Array(width - leaves.length).fill(new Uint8Array(32))]];
  while (levels.at(-1).length > 1) {
    const level = levels.at(-1);
    levels.push(Array.from({ length: level.length / 2 }, (_, i) => K(level[2 * i], level[2 * i + 1])));
  }
  return levels;
}

export function positionalTree({ members, generated, proofsOf }) {
  const all = members ?? Array.from({ length: generated }, (_, i) => ({
    consentId: hex(K(uint(i, 4))),
    subject: hex(K(uint(i, 4)).slice(12)),
  }));
  const levels = grow(all.map(({ consentId, subject }) => leafOf(consentId, subject)));
  const proof = (index) => levels.slice(0, -1).map((level, height) => hex(level[(index >> height) ^ 1]));
  return {
    root: hex(levels.at(-1)[0]),
    depth: levels.length - 1,
    proofs: proofsOf.map((index) => ({ index, leaf: hex(levels[0][index]), proof: proof(index) })),
  };
}

export function positionalProof({ leaf, index, count, proof, root }) {
  const within = count >= 1 && index < count && proof.length === depthOf(count);
  const climb = (node, sibling, height) =>
    Math.floor(index / 2 ** height) % 2 ? K(bytes(sibling), node) : K(node, bytes(sibling));
  return { valid: within && hex(proof.reduce(climb, bytes(leaf))) === root };
}

const TERMS = "tuple(address,address,uint16,uint16,uint16,bool,bytes32,uint64,uint64)";
const abi = (types, values) => ethers.getBytes(ethers.AbiCoder.defaultAbiCoder().encode(types, values));

export function batch({ terms, manifestHash, assetId, root, count }) {
  const inside = [
    terms.controller, terms.recipient, terms.recipientClass, terms.purpose, terms.modes, terms.crossBorder,
    terms.noticeHash, terms.validFrom, terms.validUntil,
  ];
  const termsHash = hex(K(abi([TERMS, "bytes32"], [inside, manifestHash])));
  const outside = [hex(BATCH_TAG), assetId, root, count, termsHash];
  return { termsHash, batchId: hex(K(abi(["bytes32", "uint256", "bytes32", "uint32", "bytes32"], outside))) };
}

// RFC 9162, 2.1.1, by its recursive definition.
export function rfc9162(inputs) {
  if (inputs.length === 0) return H();
  if (inputs.length === 1) return H(Uint8Array.of(0), inputs[0]);
  const half = 2 ** (Math.ceil(Math.log2(inputs.length)) - 1);
  return H(Uint8Array.of(1), rfc9162(inputs.slice(0, half)), rfc9162(inputs.slice(half)));
}

// RFC 9162, 2.1.3.1, likewise.
export function rfc9162Proof(inputs, index) {
  if (inputs.length === 1) return [];
  const half = 2 ** (Math.ceil(Math.log2(inputs.length)) - 1);
  const [left, right] = [inputs.slice(0, half), inputs.slice(half)];
  return index < half
    ? [...rfc9162Proof(left, index), hex(rfc9162(right))]
    : [...rfc9162Proof(right, index - half), hex(rfc9162(left))];
}

export function rfc9162Tree({ leafInputs, proofsOf = [] }) {
  const inputs = leafInputs.map((input) => bytes(input));
  return {
    root: hex(rfc9162(inputs)),
    proofs: proofsOf.map((index) => ({ index, proof: rfc9162Proof(inputs, index) })),
  };
}

// RFC 9162, 2.1.4.1, undone from the last node: both roots, as the nodes of a proof from m to n entries have them, and the
// nodes that are left over; nothing where they are too few.
function rfc9162Roots(m, n, formerRoot, nodes) {
  if (m === n && formerRoot) return [formerRoot, formerRoot, nodes];
  if (nodes.length === 0) return undefined;
  const [last, rest] = [nodes.at(-1), nodes.slice(0, -1)];
  if (m === n) return [last, last, rest];
  let half = 1n;
  while (half * 2n < n) half *= 2n;
  const join = (left, right) => H(Uint8Array.of(1), left, right);
  if (m <= half) {
    const found = rfc9162Roots(m, half, formerRoot, rest);
    return found && [found[0], join(found[1], last), found[2]];
  }
  const found = rfc9162Roots(m - half, n - half, undefined, rest);
  return found && [join(last, found[0]), join(last, found[1]), found[2]];
}

export function logConsistency({ formerSize, formerRoot, size, root, proof }) {
  const nodes = proof.map((node) => bytes(node, 32));
  const found = rfc9162Roots(BigInt(formerSize), BigInt(size), bytes(formerRoot, 32), nodes);
  return { continues: Boolean(found) && hex(found[0]) === formerRoot && hex(found[1]) === root && found[2].length === 0 };
}

export const manifest = ({ documents }) => ({ manifestHash: hex(rfc9162(documents.map(utf8))) });

export const record = ({ salt, record }) => ({
  recordCommit: hex(H(utf8("deedbook.record.v1"), bytes(salt, 32), jsonBytes(record))),
});

export const withdrawalDigest = (domain, consentId) => digest(domain, "Withdrawal", { consentId });

export { abi, same, word };
