// Writes the vectors of validators, seals and receipts, from what is kept in ../recorded: headers of a GoQuorum QBFT
// network, and of geth Clique networks without and with London. What no network was seen to say is sealed with keys here.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { K, bytes, concat, hex, toBigInt, uint, utf8 } from "./bytes.mjs";
import { ethers, secp256k1 } from "./modules.mjs";
import { sealedHeader } from "./seals.mjs";
import { folder, writer } from "./writing.mjs";

const BY = "noble and ethers (tests/vectors/check/make_seals.mjs)";
const recorded = (name) => JSON.parse(readFileSync(join(folder, "recorded", `${name}.json`), "utf8"));
const { decodeRlp, encodeRlp } = ethers;

const write = writer(BY);

// -- headers

const NUMBERS = ["difficulty", "number", "gasLimit", "gasUsed", "timestamp"];
const ORDER = ["parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", ...NUMBERS, "extraData", "mixHash", "nonce", "baseFeePerGas"];
const minimal = (text) => (BigInt(text) === 0n ? "0x" : ethers.toBeHex(BigInt(text)));
const encoded = (block) =>
  encodeRlp(ORDER.filter((name) => name in block).map((name) => ([...NUMBERS, "baseFeePerGas"].includes(name) ? minimal(block[name]) : block[name])));
const withField = (raw, place, value) => encodeRlp(decodeRlp(raw).with(place, value));
const withExtra = (raw, change) => withField(raw, 12, change(decodeRlp(raw)[12]));
const withItem = (raw, place, change) => withExtra(raw, (extra) => encodeRlp(decodeRlp(extra).with(place, change(decodeRlp(extra)[place]))));
const withSeals = (raw, change) => withItem(raw, 4, change);

const KEYS = Array.from({ length: 7 }, (_, place) => K(utf8(`validator ${place + 1}`)));
const accountOf = (key) => hex(K(secp256k1.getPublicKey(key, false).slice(1)).slice(12));
const ACCOUNTS = KEYS.map(accountOf);
const sorted = (accounts) => [...accounts].sort();
const STRANGER = K(utf8("stranger"));

function sealOf(key, digest) {
  const made = secp256k1.sign(bytes(digest), key, { prehash: false, format: "recovered" });
  return hex(concat(made.slice(1), made.slice(0, 1)));
}

function high(seal) {
  const data = bytes(seal);
  const s = secp256k1.Point.Fn.ORDER - toBigInt(data.slice(32, 64));
  return hex(concat(data.slice(0, 32), uint(s, 32), Uint8Array.of(data[64] ^ 1)));
}

const document = (consensus, spans) => ({
  format: "deedbook.validators",
  version: 1,
  consensus,
  spans: spans.map(([fromBlock, accounts]) => ({ fromBlock, accounts: sorted(accounts).map((each) => ethers.getAddress(each)) })),
});

// -- who may seal

const FOUR = ACCOUNTS.slice(0, 4);
const three = document("qbft", [[5, FOUR.slice(0, 3)], [9, FOUR], [20, []]]);
const stated = (block, change = {}) => ({ document: JSON.stringify({ ...three, ...change }), block });
const spans = (...list) => ({ spans: list.map(([fromBlock, accounts]) => ({ fromBlock, accounts })) });

await write("validators", "Trusted validators by block; JSON in any spelling.", [
  { name: "the first block of a span", input: stated(5) },
  { name: "the last block of a span", input: stated(8) },
  { name: "the next span", input: stated(9) },
  { name: "Clique counts a majority", input: stated(19, { consensus: "clique" }) },
  { name: "in any order and case, indented", input: { document: JSON.stringify({ ...three, ...spans([5, [FOUR[1], ethers.getAddress(FOUR[0])]]) }, null, 2), block: 6 } },
  { name: "one validator", input: stated(6, spans([5, FOUR.slice(0, 1)])) },
  { name: "seven validators", input: stated(6, spans([5, ACCOUNTS])) },
  { name: "missing: a block before the list", input: stated(4), error: "evidence-missing" },
  { name: "missing: a block after the end of the list", input: stated(20), error: "evidence-missing" },
  { name: "refused: a later version", input: stated(5, { version: 2 }), error: "wrong-version" },
  { name: "refused: another format", input: stated(5, { format: "deedbook.trust" }), error: "invalid-format" },
  { name: "refused: an unknown field", input: stated(5, { votes: [] }), error: "invalid-format" },
  { name: "refused: a chain without seals", input: stated(5, { consensus: "instant" }), error: "invalid-format" },
  { name: "refused: no span", input: stated(5, spans()), error: "invalid-format" },
  { name: "refused: spans that do not ascend", input: stated(5, spans([9, FOUR], [5, FOUR])), error: "invalid-format" },
  { name: "refused: two spans from one block", input: stated(5, spans([5, FOUR], [5, FOUR])), error: "invalid-format" },
  { name: "refused: an account twice", input: stated(5, spans([5, [FOUR[0], ethers.getAddress(FOUR[0])]])), error: "invalid-format" },
  { name: "refused: the zero account", input: stated(5, spans([5, ["0x" + "00".repeat(20)]])), error: "invalid-format" },
  { name: "refused: a wrong checksum", input: stated(5, spans([5, [ethers.getAddress(FOUR[0]).replace(/[a-f]/, (digit) => digit.toUpperCase())]])), error: "invalid-format" },
  { name: "refused: a block as text", input: stated(5, spans(["5", FOUR])), error: "invalid-format" },
  { name: "refused: no list of spans", input: stated(5, { spans: undefined }), error: "invalid-format" },
]);

// -- QBFT

const qbft = recorded("qbft");
const qbftRaw = [...qbft.headers, qbft.logBlock].map(encoded);
const [genesis, second] = qbftRaw;
const last = qbftRaw.at(-1);
const listed = decodeRlp(decodeRlp(genesis)[12])[1];
const believed = document("qbft", [[0, listed]]);
const qbftCase = (raw, validators = believed) => ({ raw, validators });

function qbftMade(number, { keys = KEYS.slice(0, 4), accounts = FOUR, vote = [], round = "0x" } = {}) {
  const bare = withExtra(withField(second, 8, minimal(number)), () => encodeRlp([hex(utf8("deedbook".padEnd(32, "\0"))), sorted(accounts), vote, round, []]));
  const { sealHash } = sealedHeader({ raw: bare, consensus: "qbft" });
  return withSeals(bare, () => keys.map((key) => sealOf(key, sealHash)));
}
const made = (changes, spans_ = [[0, FOUR]]) => ({ raw: qbftMade(7, changes), validators: document("qbft", spans_) });
const { sealHash: lastSealHash, sealers: lastSealers } = sealedHeader({ raw: last, consensus: "qbft" });

await write("qbft-seals", "When the seals of a QBFT header suffice. Recorded from GoQuorum 24.4.1, four validators; `ours` are sealed with keys of the vectors.", [
  ...qbftRaw.slice(1).map((raw, place) => ({ name: `recorded: block ${place < 5 ? place + 1 : 39}${place === 0 ? ", in its second round" : ""}`, input: qbftCase(raw) })),
  { name: "refused: one seal dropped, below the quorum", input: qbftCase(withSeals(last, (seals) => seals.slice(1))), error: "integrity" },
  { name: "refused: one seal by a stranger", input: qbftCase(withSeals(last, (seals) => [...seals.slice(1), sealOf(STRANGER, lastSealHash)])), error: "integrity" },
  { name: "refused: a stranger's seal beside a quorum", input: qbftCase(withSeals(last, (seals) => [...seals, sealOf(STRANGER, lastSealHash)])), error: "integrity" },
  { name: "refused: one seal duplicated", input: qbftCase(withSeals(last, (seals) => [seals[0], ...seals.slice(0, 2)])), error: "integrity" },
  { name: "refused: one seal duplicated beside a quorum", input: qbftCase(withSeals(last, (seals) => [...seals, seals[0]])), error: "integrity" },
  { name: "refused: no seals", input: qbftCase(withSeals(last, () => [])), error: "integrity" },
  { name: "refused: the seals of another block", input: qbftCase(withSeals(last, () => decodeRlp(decodeRlp(second)[12])[4])), error: "integrity" },
  { name: "refused: a changed round", input: qbftCase(withItem(last, 3, () => "0x01")), error: "integrity" },
  { name: "refused: the second round said to be the first", input: qbftCase(withItem(second, 3, () => "0x")), error: "integrity" },
  { name: "refused: a changed field, the state root", input: qbftCase(withField(last, 3, hex(K(utf8("state"))))), error: "integrity" },
  { name: "refused: a changed field, the timestamp", input: qbftCase(withField(last, 11, "0x6b02fdbe")), error: "integrity" },
  { name: "refused: a changed validator in the header", input: qbftCase(withItem(last, 1, (list) => [...list.slice(1), ACCOUNTS[0]])), error: "integrity" },
  { name: "refused: a vote added", input: qbftCase(withItem(last, 2, () => [ACCOUNTS[0], "0xff"])), error: "integrity" },
  { name: "refused: an unsealed genesis", input: qbftCase(genesis), error: "integrity" },
  { name: "refused: the high s", input: qbftCase(withSeals(last, (seals) => [high(seals[0]), ...seals.slice(1)])), error: "integrity" },
  { name: "refused: v of 27", input: qbftCase(withSeals(last, (seals) => [seals[0].slice(0, -2) + (27 + Number("0x" + seals[0].slice(-2))).toString(16), ...seals.slice(1)])), error: "integrity" },
  { name: "refused: a seal of 64 bytes", input: qbftCase(withSeals(last, (seals) => [seals[0].slice(0, -2), ...seals.slice(1)])), error: "invalid-format" },
  { name: "refused: a sixth item", input: qbftCase(withExtra(last, (extra) => encodeRlp([...decodeRlp(extra), "0x"]))), error: "invalid-format" },
  { name: "missing: a header outside the trusted list", input: qbftCase(last, document("qbft", [[40, listed]])), error: "evidence-missing" },
  { name: "missing: a header after the end of the trusted list", input: qbftCase(last, document("qbft", [[0, listed], [39, []]])), error: "evidence-missing" },
  { name: "refused: by a list of others", input: qbftCase(last, document("qbft", [[0, FOUR]])), error: "integrity" },
  { name: "missing: a shorter list than the header's, of those who sealed it", input: qbftCase(last, document("qbft", [[0, lastSealers]])), error: "evidence-missing" },
  { name: "ours: all four, a vote for a fifth", input: made({ vote: [ACCOUNTS[4], "0xff"] }) },
  { name: "ours: a vote against one, as Besu writes it", input: made({ vote: [ACCOUNTS[3], "0x"] }) },
  { name: "ours: a vote against one, as early GoQuorum wrote it", input: made({ vote: [ACCOUNTS[3], "0x00"] }) },
  { name: "ours: validators that a contract names", input: made({ accounts: [], keys: KEYS.slice(0, 3) }) },
  { name: "ours: one validator", input: made({ accounts: FOUR.slice(0, 1), keys: KEYS.slice(0, 1) }, [[0, FOUR.slice(0, 1)]]) },
  { name: "ours: five of seven, in round 4294967295", input: made({ accounts: ACCOUNTS, keys: KEYS.slice(2), round: "0xffffffff" }, [[0, ACCOUNTS]]) },
  { name: "refused: ours: four of seven", input: made({ accounts: ACCOUNTS, keys: KEYS.slice(3) }, [[0, ACCOUNTS]]), error: "integrity" },
  { name: "missing: ours: a fifth validator, whom the trusted list does not know", input: made({ accounts: ACCOUNTS.slice(0, 5) }), error: "evidence-missing" },
]);

// -- Clique

const chains = Object.fromEntries(["clique", "clique-london"].map((name) => [name, recorded(name)]));
const rawsOf = (name) => chains[name].headers.map(({ raw }) => raw);
function listOf(name) {
  const { headers } = chains[name];
  const at = headers.findIndex(({ signersAfter }) => signersAfter.length === 5);
  return { at: at + 1, before: headers[0].signersAfter, after: headers.at(-1).signersAfter };
}
const cliqueTrust = (name) => document("clique", [[0, listOf(name).before], [listOf(name).at, listOf(name).after]]);
const run = (name, from, to, validators = cliqueTrust(name)) => ({ validators, headers: rawsOf(name).slice(from, to + 1) });
const withRaw = (input, place, raw) => ({ ...input, headers: input.headers.with(place, raw) });
const signed = (raw, key) => {
  const { sealHash } = sealedHeader({ raw, consensus: "clique" });
  return withExtra(raw, (extra) => extra.slice(0, -130) + sealOf(key, sealHash).slice(2));
};
const cliqueExtra = (raw, change) => withExtra(raw, (extra) => { const [body, seal] = change(extra.slice(0, -130), extra.slice(-130)); return body + seal; });

function cliqueMade(keys, first = 3) {
  let parent = "0x" + "11".repeat(32);
  return keys.map((key, place) => {
    const raw = signed(withField(withField(rawsOf("clique")[3], 8, minimal(first + place)), 0, parent), key);
    parent = hex(K(bytes(raw)));
    return raw;
  });
}
const ours = (...places) => cliqueMade(places.map((place) => KEYS[place]));
const oursTrust = document("clique", [[0, FOUR]]);

const seen = (name) => {
  const { at, after } = listOf(name);
  const short = run(name, 3, 6);
  return [
    { name: `${name}: a block and the three after it`, input: short },
    { name: `${name}: an epoch's block`, input: run(name, 8, 12) },
    { name: `${name}: an epoch's block among the descendants`, input: run(name, 6, 10) },
    { name: `${name}: over a signer's admission`, input: run(name, at - 4, at + 5) },
    { name: `${name}: the first block of the longer list, and the epoch after it`, input: run(name, at, at + 9) },
    { name: `missing: ${name}: two descendants`, input: run(name, 3, 5), error: "evidence-missing" },
    { name: `missing: ${name}: before the trusted list`, input: run(name, 3, 6, document("clique", [[4, listOf(name).before]])), error: "evidence-missing" },
    { name: `missing: ${name}: an epoch's block that lists a signer more than the trusted list`, input: run(name, at, at + 9, document("clique", [[0, listOf(name).before]])), error: "evidence-missing" },
    { name: `refused: ${name}: a descendant left out`, input: { ...short, headers: [short.headers[0], ...short.headers.slice(2)] }, error: "integrity" },
    { name: `refused: ${name}: a stranger's block`, input: withRaw(short, 3, signed(short.headers[3], STRANGER)), error: "integrity" },
    { name: `refused: ${name}: a signer whom the list does not name`, input: { ...short, validators: document("clique", [[0, listOf(name).before.slice(1)]]) }, error: "integrity" },
    { name: `refused: ${name}: a changed seal`, input: withRaw(short, 3, cliqueExtra(short.headers[3], (body, seal) => [body, seal.slice(0, -2) + (seal.endsWith("0") ? "01" : "00")])), error: "integrity" },
    { name: `refused: ${name}: a changed field of the last`, input: withRaw(short, 3, withField(short.headers[3], 3, hex(K(utf8("state"))))), error: "integrity" },
    { name: `refused: ${name}: a changed field of the first`, input: withRaw(short, 0, withField(short.headers[0], 3, hex(K(utf8("state"))))), error: "integrity" },
    { name: `refused: ${name}: the high s`, input: withRaw(short, 3, cliqueExtra(short.headers[3], (body, seal) => [body, high("0x" + seal).slice(2)])), error: "integrity" },
    { name: `refused: ${name}: an unsealed genesis`, input: run(name, 0, 4), error: "integrity" },
    { name: `refused: ${name}: a seal of 64 bytes`, input: withRaw(short, 3, withExtra(short.headers[3], (extra) => extra.slice(0, -2))), error: "invalid-format" },
    { name: `refused: ${name}: signers that do not ascend`, input: withRaw(short, 3, cliqueExtra(short.headers[3], (body, seal) => [body + [...after].sort().reverse().map((each) => each.slice(2)).join(""), seal])), error: "invalid-format" },
  ];
};

await write("clique-seals", "When a Clique block is believed: a block and its descendants. Recorded from geth 1.13.15, four signers, a fifth voted in, epochs of eight blocks; `ours` are sealed with keys of the vectors.", [
  ...seen("clique"),
  ...seen("clique-london"),
  { name: "ours: three others after it", input: { validators: oursTrust, headers: ours(0, 1, 2, 3) } },
  { name: "ours: its own signer among the three", input: { validators: oursTrust, headers: ours(0, 1, 2, 0) } },
  { name: "missing: ours: two others in turn, for ever", input: { validators: oursTrust, headers: ours(0, 1, 2, 1, 2, 1, 2) }, error: "evidence-missing" },
  { name: "missing: ours: the block alone", input: { validators: oursTrust, headers: ours(0) }, error: "evidence-missing" },
  { name: "ours: one signer", input: { validators: document("clique", [[0, FOUR.slice(0, 1)]]), headers: ours(0, 0) } },
  { name: "missing: ours: new signers, who do not count for an older block", input: { validators: document("clique", [[0, FOUR.slice(0, 3)], [5, ACCOUNTS.slice(3, 6)]]), headers: ours(0, 1, 3, 4, 5) }, error: "evidence-missing" },
  { name: "refused: ours: a difficulty of three", input: { validators: oursTrust, headers: ours(0, 1, 2, 3).map((raw) => withField(raw, 7, "0x03")).slice(0, 1) }, error: "invalid-format" },
]);

const four = (...places) => ({ validators: oursTrust, headers: ours(...places) });
const grown = (headers) => ({ validators: document("clique", [[0, FOUR.slice(0, 3)], [6, FOUR]]), headers });

await write("clique-turns", "Who sealed Clique headers that follow each other, none of them too soon again. Recorded from geth 1.13.15; `ours` are sealed with keys of the vectors.", [
  ...["clique", "clique-london"].map((name) => ({ name: `${name}: over a signer's admission`, input: run(name, listOf(name).at - 3, listOf(name).at + 4) })),
  { name: "ours: after two others", input: four(0, 1, 2, 0, 1, 2) },
  { name: "refused: ours: after one other", input: four(0, 1, 0), error: "integrity" },
  { name: "refused: ours: twice in a row", input: four(0, 1, 2, 2), error: "integrity" },
  { name: "ours: one signer alone", input: { validators: document("clique", [[0, FOUR.slice(0, 1)]]), headers: ours(0, 0, 0) } },
  { name: "ours: three signers, after one other", input: grown(ours(0, 1, 0)) },
  { name: "refused: ours: from the fourth signer's admission, after one other", input: grown(ours(0, 1, 0, 1)), error: "integrity" },
  { name: "refused: ours: a stranger", input: { validators: oursTrust, headers: ours(0, 1, 4) }, error: "integrity" },
]);

// -- names and what was signed

await write("sealed-header", "The name of a header by its consensus, what its seals sign, what it says, and who sealed it, trusted or not.", [
  ...qbftRaw.map((raw, place) => ({ name: `QBFT: block ${place < 6 ? place : 39}`, input: { raw, consensus: "qbft" } })),
  { name: "QBFT: a vote for", input: { raw: qbftMade(7, { vote: [ACCOUNTS[4], "0xff"] }), consensus: "qbft" } },
  { name: "QBFT: a vote against, as Besu writes it", input: { raw: qbftMade(7, { vote: [ACCOUNTS[4], "0x"] }), consensus: "qbft" } },
  { name: "QBFT: a vote against, as early GoQuorum wrote it", input: { raw: qbftMade(7, { vote: [ACCOUNTS[4], "0x00"] }), consensus: "qbft" } },
  { name: "QBFT: fewer seals, the same name", input: { raw: withSeals(last, (seals) => seals.slice(1)), consensus: "qbft" } },
  ...["clique", "clique-london"].flatMap((name) =>
    [0, 1, 8, 13, 16, 19].map((block) => ({ name: `${name}: block ${block}`, input: { raw: rawsOf(name)[block], consensus: "clique" } })),
  ),
  { name: "refused: QBFT read as Clique", input: { raw: last, consensus: "clique" }, error: "invalid-format" },
  { name: "refused: Clique read as QBFT", input: { raw: rawsOf("clique")[3], consensus: "qbft" }, error: "invalid-format" },
  { name: "refused: QBFT: bytes after the extra data's list", input: { raw: withExtra(last, (extra) => extra + "00"), consensus: "qbft" }, error: "invalid-format" },
  { name: "refused: QBFT: a vanity of 33 bytes", input: { raw: withItem(last, 0, (vanity) => vanity + "00"), consensus: "qbft" }, error: "invalid-format" },
  { name: "refused: QBFT: a round of five bytes", input: { raw: withItem(last, 3, () => "0x0100000000"), consensus: "qbft" }, error: "invalid-format" },
  { name: "refused: QBFT: a round with a leading zero", input: { raw: withItem(last, 3, () => "0x0001"), consensus: "qbft" }, error: "invalid-format" },
  { name: "refused: QBFT: a vote of another type", input: { raw: withItem(last, 2, () => [ACCOUNTS[4], "0x01"]), consensus: "qbft" }, error: "invalid-format" },
  { name: "refused: QBFT: a vote as bytes", input: { raw: withItem(last, 2, () => "0x"), consensus: "qbft" }, error: "invalid-format" },
  { name: "refused: QBFT: a validator of 19 bytes", input: { raw: withItem(last, 1, (list) => [list[0].slice(0, -2)]), consensus: "qbft" }, error: "invalid-format" },
  { name: "refused: Clique: extra data of 96 bytes", input: { raw: withExtra(rawsOf("clique")[3], (extra) => extra.slice(0, -2)), consensus: "clique" }, error: "invalid-format" },
]);

// -- receipts

const blocksOf = (name) => chains[name].receipts.map((each) => ({ header: rawsOf(name)[Number(each.number)], consensus: "clique", receipts: each.receipts.map(slim) }));
const KEPT = ["type", "status", "cumulativeGasUsed", "transactionHash", "logs"];
const slim = (receipt) => Object.fromEntries(KEPT.map((name) => [name, receipt[name]]));
const [plain] = blocksOf("clique");
const [mixed, latest] = blocksOf("clique-london");
const told = plain.receipts.findIndex(({ logs }) => logs.length > 0);
const put = (block, place, change) => ({ ...block, receipts: block.receipts.with(place, { ...block.receipts[place], ...change }) });
const putLog = (block, place, change) => put(block, place, { logs: block.receipts[place].logs.with(0, { ...block.receipts[place].logs[0], ...change }) });

await write("block-receipts", "All receipts of a block: their encoding, their root, and that the block's logs are these. Recorded from geth 1.13.15.", [
  { name: "Clique: legacy and access list, one that failed", input: plain },
  { name: "Clique with London: legacy and access list", input: mixed },
  { name: "Clique with London: dynamic fee", input: latest },
  { name: "QBFT: no transactions", input: { header: second, consensus: "qbft", receipts: [] } },
  { name: "refused: a receipt hidden", input: { ...plain, receipts: plain.receipts.slice(0, -1) }, error: "integrity" },
  { name: "refused: all hidden", input: { ...plain, receipts: [] }, error: "integrity" },
  { name: "refused: a receipt twice", input: { ...plain, receipts: [...plain.receipts, plain.receipts[0]] }, error: "integrity" },
  { name: "refused: another order", input: { ...plain, receipts: [...plain.receipts].reverse() }, error: "integrity" },
  { name: "refused: a log hidden", input: put(plain, told, { logs: plain.receipts[told].logs.slice(1) }), error: "integrity" },
  { name: "refused: other data", input: putLog(plain, told, { data: "0x" }), error: "integrity" },
  { name: "refused: another address", input: putLog(plain, told, { address: ACCOUNTS[0] }), error: "integrity" },
  { name: "refused: another topic", input: putLog(plain, told, { topics: ["0x" + "22".repeat(32)] }), error: "integrity" },
  { name: "refused: another outcome", input: put(plain, told, { status: "0x0" }), error: "integrity" },
  { name: "refused: another type", input: put(latest, 0, { type: "0x3" }), error: "integrity" },
  { name: "refused: a log of another block", input: putLog(plain, told, { blockHash: "0x" + "22".repeat(32) }), error: "integrity" },
  { name: "refused: a log of another place", input: putLog(plain, told, { logIndex: "0x7" }), error: "integrity" },
  { name: "refused: a bloom that is not of these logs", input: { ...plain, header: withField(plain.header, 6, "0x" + "00".repeat(256)) }, error: "integrity" },
  { name: "refused: an unknown type", input: put(plain, told, { type: "0x5" }), error: "invalid-format" },
  { name: "refused: a status of 2", input: put(plain, told, { status: "0x2" }), error: "invalid-format" },
  { name: "refused: neither status nor root", input: put(plain, told, { status: undefined }), error: "invalid-format" },
  { name: "refused: five topics", input: putLog(plain, told, { topics: Array(5).fill("0x" + "22".repeat(32)) }), error: "invalid-format" },
  { name: "refused: gas as a number", input: put(plain, told, { cumulativeGasUsed: 21000 }), error: "invalid-format" },
]);
