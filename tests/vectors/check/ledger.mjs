// Formats 9 to 12 and what members commit to: identifiers by ethers' AbiCoder, the journal by noble.

import { H, K, bytes, canonicalJson, concat, decimal, fields, hex, jsonBytes, number, padded, readDocument, refuse, toBigInt, uint, utf8, word } from "./bytes.mjs";
import { abi } from "./consents.mjs";

export function asset({ chainId, dataAssets, registrant, salt, version }) {
  const words = abi(["uint256", "address", "address", "bytes32"], [chainId, dataAssets, registrant, salt]);
  const assetId = BigInt(hex(K(words)));
  const { contentRoot, recordCount, descriptorHash } = version;
  const key = abi(["uint256", "bytes32", "uint64", "bytes32"], [assetId, contentRoot, recordCount, descriptorHash]);
  return { assetId: assetId.toString(), versionKey: hex(K(key)) };
}

const OFFER =
  "tuple(address,uint256,uint32,bytes32,uint16,uint16,tuple(uint128,uint128,uint128,uint128,bytes3)," +
  "tuple(address,uint16,uint16,uint16,tuple(address,uint16)[]),bytes32,bytes32,uint64,uint64,uint64," +
  "tuple(uint16,uint16[]),tuple(bool,uint64,uint32,uint128,address[]),bytes32)";

export function offer({ chainId, market, offer, buyer, reference }) {
  const o = readDocument(offer, "deedbook.offer", [
    "provider", "assetId", "assetVersion", "versionKey", "mode", "purpose", "price", "split", "termsHash", "policyHash",
    "quota", "term", "validUntil", "conditions", "sandbox", "salt",
  ]);
  bytes(o.provider, 20);
  decimal(o.quota, 64n);
  number(o.mode, 16);
  const price = fields(o.price, ["data", "algorithm", "compute", "service", "currency"]);
  if (!/^[A-Z]{3}$/.test(price.currency)) refuse("invalid-input", "currency");
  for (const line of ["data", "algorithm", "compute", "service"]) decimal(price[line], 128n);
  const values = [
    o.provider, o.assetId, o.assetVersion, o.versionKey, o.mode, o.purpose,
    [price.data, price.algorithm, price.compute, price.service, hex(utf8(price.currency))],
    [
      o.split.exchange, o.split.exchangeBps, o.split.providerBps, o.split.subjectsBps,
      o.split.intermediaries.map(({ account, bps }) => [account, bps]),
    ],
    o.termsHash, o.policyHash, o.quota, o.term, o.validUntil,
    [o.conditions.buyerClass, o.conditions.jurisdictions],
    [o.sandbox.on, o.sandbox.end, o.sandbox.maxOrders, o.sandbox.maxPrice, o.sandbox.buyers],
    o.salt,
  ];
  const head = [hex(K(utf8("deedbook.offer.v1"))), chainId, market, values];
  const offerId = hex(K(abi(["bytes32", "uint256", "address", OFFER], head)));
  const sale = [hex(K(utf8("deedbook.sale.v1"))), offerId, buyer, reference];
  return {
    document: canonicalJson(offer),
    offerId,
    saleId: hex(K(abi(["bytes32", "bytes32", "address", "bytes32"], sale))),
  };
}

export const caseId = ({ target, kind, opener, documentHash }) => ({
  caseId: hex(K(abi(["bytes32", "uint8", "address", "bytes32"], [target, kind, opener, documentHash]))),
});

// -- journal

export function journal({ logs, head = hex(new Uint8Array(32)) }) {
  const heads = [];
  let now = bytes(head, 32);
  for (const { blockNumber, topics, data } of logs) {
    const inside = K(...topics.map((topic) => bytes(topic, 32)), bytes(data));
    now = K(now, word(blockNumber), inside);
    heads.push(hex(now));
  }
  return { heads };
}

// ERC-7201: keccak256(abi.encode(uint256(keccak256(namespace)) - 1)) & ~0xff.
const SLOT = BigInt(hex(K(word(BigInt(hex(K(utf8("deedbook.journal")))) - 1n)))) & ~0xffn;

export const journalSlots = ({ entity }) => ({
  contractHead: hex(word(SLOT)),
  entityHead: hex(K(bytes(entity, 32), word(SLOT + 1n))),
});

const account = (address) => hex(padded(bytes(address, 20)));
const number256 = (id) => hex(word(decimal(id)));
const policy = (kind, grade) =>
  hex(K(abi(["bytes32", "uint8", "uint8"], [hex(K(utf8("deedbook.policy.v1"))), kind, grade])));

export function journalEntities({ contract, event, args }) {
  if (event === "AuthorityUpdated") return { entities: [] };
  const rules = {
    Membership: () => (event.startsWith("Deployment") ? [] : [account(args.account)]),
    Cases: () => [args.target],
    Attestations: () => [args.target],
    DataAssets: () =>
      event === "ApprovalForAll" ? [account(args.owner)] : [number256(args.tokenId ?? args.assetId)],
    Consents: () => [number256(args.assetId)],
    Market: () =>
      event === "PolicySet"
        ? [policy(args.kind, args.grade)]
        : event === "SaleOrdered"
          ? [args.saleId, number256(args.assetId)]
          : [args.saleId ?? number256(args.assetId)],
    Revenue: () => (event === "SaleSettled" ? [args.saleId, number256(args.assetId)] : [args.saleId]),
    Usage: () => [args.saleId],
    AnchorLog: () => [account(args.exchange)],
  };
  if (!(contract in rules)) refuse("invalid-input", "no journal");
  return { entities: rules[contract]() };
}

// -- members and descriptors

export const identity = ({ salt, identity }) => ({
  identityCommitment: hex(H(utf8("deedbook.identity.v1"), bytes(salt, 32), jsonBytes(identity))),
});

export const encryptionKey = ({ suite, publicKey }) => ({
  encryptionKey: hex(H(utf8("deedbook.key.v1"), uint(suite, 2), bytes(publicKey))),
});

export function descriptor({ descriptor }) {
  const d = readDocument(descriptor, "deedbook.descriptor", [
    "language", "title", "description", "kind", "fields", "period", "source", "quality", "recordCount", "size",
  ]);
  if (d.fields.length === 0 || new Set(d.fields.map(({ name }) => name)).size !== d.fields.length) {
    refuse("invalid-input", "fields");
  }
  for (const { type } of d.fields) {
    if (!["boolean", "date", "decimal", "integer", "text"].includes(type)) refuse("invalid-input", "type");
  }
  return { document: canonicalJson(d), descriptorHash: hex(H(jsonBytes(d))) };
}

// -- money

export function settlement({ price, carryIn, split, deliveredCount, hasPool }) {
  const [whole, carry, heads] = [BigInt(price), BigInt(carryIn), BigInt(deliveredCount)];
  const part = (bps) => (whole * BigInt(bps)) / 10000n;
  const shares = split.intermediaries.map(part);
  const rest = [part(split.exchange), part(split.provider), ...shares].reduce((left, each) => left - each, whole);
  if (rest < 0n) refuse("invalid-input", "more than the whole");
  if (hasPool && heads === 0n) refuse("invalid-input", "a pool without heads");
  const pool = hasPool ? rest + carry : 0n;
  const perHead = hasPool ? pool / heads : 0n;
  return {
    exchange: part(split.exchange).toString(),
    provider: (part(split.provider) + (hasPool ? 0n : rest)).toString(),
    intermediaries: shares.map(String),
    perHead: perHead.toString(),
    carryOut: (hasPool ? pool - perHead * heads : carry).toString(),
  };
}

export { concat, toBigInt };
