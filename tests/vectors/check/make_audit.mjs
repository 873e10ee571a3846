// Writes the vectors of headers, proofs, trusts and bundles, from what is kept in ../recorded: a sale's bundle with its
// trust of each version (sale-2 and trust-2: written by tests/stories.py), and proofs of a QBFT network.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { header, trieProof } from "./audit.mjs";
import { K, hex, utf8 } from "./bytes.mjs";
import { journalSlots } from "./ledger.mjs";
import { ethers } from "./modules.mjs";
import { folder, writer } from "./writing.mjs";

const BY = "noble and ethers (tests/vectors/check/make_audit.mjs)";
const recorded = (name) => readFileSync(join(folder, "recorded", name), "utf8");

const write = writer(BY);

const sale = JSON.parse(recorded("sale.deed"));
const { proof, logBlock } = JSON.parse(recorded("qbft.json"));
const flippedAt = (text, place) => text.slice(0, place) + (text.at(place) === "0" ? "1" : "0") + text.slice(place + 1 || text.length);
const SEAL = -2 * (9 + 33 + 50);
const STATE = 2 + 2 * (3 + 33 + 33 + 21 + 5);
const flipped = (text) => text.slice(0, -1) + (text.endsWith("0") ? "1" : "0");

const [first, second] = sale.headers;
await write("header", "A block header by its RLP: hash, and the fields that checks ask for.", [
  { name: "after London", input: { raw: first } },
  { name: "its successor", input: { raw: second } },
  { name: "refused: bytes left over", input: { raw: first + "00" }, error: "invalid-format" },
  { name: "refused: ends early", input: { raw: first.slice(0, -2) }, error: "invalid-format" },
  { name: "refused: no list", input: { raw: "0x80" }, error: "invalid-format" },
]);

const account = { stateRoot: logBlock.stateRoot, address: proof.address, proof: proof.accountProof };
const [{ key, proof: nodes }] = proof.storageProof;
const slot = { storageRoot: proof.storageHash, slot: BigInt(key).toString(), proof: nodes };
const quiet = sale.journals.find(({ logs, proof }) => logs.length === 0 && proof.length > 0);
const told = sale.journals.find(({ logs }) => logs.length > 1);
const contract = (name) => ({ stateRoot: header({ raw: sale.headers.at(-1) }).stateRoot, address: sale.chain.contracts[name].toLowerCase(), proof: sale.accounts[name] });
const storageOf = (name) => trieProof(contract(name)).account.storageHash;
const slotOf = (entity) => BigInt(journalSlots({ entity }).entityHead).toString();
await write("trie-proof", "Merkle-Patricia proofs (EIP-1186) of an account or a slot, present or absent; QBFT's are recorded.", [
  { name: "QBFT: an account", input: account },
  { name: "QBFT: a slot", input: slot },
  { name: "an absent slot", input: { storageRoot: storageOf(quiet.contract), slot: slotOf(quiet.entity), proof: quiet.proof } },
  { name: "a journal's head", input: { storageRoot: storageOf(told.contract), slot: slotOf(told.entity), proof: told.proof } },
  { name: "a contract", input: contract("Market") },
  { name: "an empty trie", input: { storageRoot: "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421", slot: "5", proof: [] } },
  { name: "refused: nodes under an empty root", input: { storageRoot: "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421", slot: "5", proof: ["0xc0"] }, error: "integrity" },
  { name: "refused: ends early", input: { ...account, proof: account.proof.slice(0, -1) }, error: "evidence-missing" },
  { name: "refused: nothing", input: { ...slot, proof: [] }, error: "evidence-missing" },
  { name: "refused: a node changed", input: { ...account, proof: [account.proof[0], flipped(account.proof[1])] }, error: "integrity" },
  { name: "refused: a node too many", input: { ...slot, proof: [...nodes, nodes[0]] }, error: "integrity" },
  { name: "refused: another root", input: { ...slot, storageRoot: logBlock.stateRoot }, error: "integrity" },
]);

const trust = recorded("trust.json");
const other = (change) => JSON.stringify(Object.assign(JSON.parse(trust), change));
const without = (name) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(trust)).filter(([key]) => key !== name)));
const [pin] = JSON.parse(trust).blocks;
const addressOf = (name) => ethers.getAddress(hex(K(utf8(name)).slice(12)));
const eleven = { ...JSON.parse(trust).contracts, Usage: addressOf("Usage"), AnchorLog: addressOf("AnchorLog") };
const of = (version, contracts) => other({ version, contracts });
await write("trust", "What an auditor believes beforehand; JSON in any spelling.", [
  { name: "one pinned block", input: { document: trust } },
  { name: "indented, lower case", input: { document: JSON.stringify(Object.assign(JSON.parse(trust), lower(trust)), null, 1) } },
  { name: "nothing pinned", input: { document: other({ blocks: [] }) } },
  { name: "refused: a later version", input: { document: other({ version: 2 }) }, error: "wrong-version" },
  { name: "refused: another format", input: { document: other({ format: "deedbook.bundle" }) }, error: "invalid-format" },
  { name: "refused: an unknown field", input: { document: other({ note: "" }) }, error: "invalid-format" },
  { name: "refused: a block pinned to two hashes", input: { document: other({ blocks: [pin, { ...pin, hash: flipped(pin.hash) }] }) }, error: "invalid-format" },
  { name: "refused: the chain id as a number", input: { document: other({ chainId: 5 }) }, error: "invalid-format" },
  { name: "missing: the blocks", input: { document: without("blocks") }, error: "evidence-missing" },
  { name: "version 2", input: { document: of(2, eleven) } },
  { name: "version 2, indented, lower case", input: { document: JSON.stringify(Object.assign(JSON.parse(of(2, eleven)), lower(of(2, eleven))), null, 1) } },
  { name: "refused: version 3", input: { document: of(3, eleven) }, error: "wrong-version" },
  { name: "refused: version 1 with the contracts of version 2", input: { document: of(1, eleven) }, error: "wrong-version" },
  { name: "refused: version 2 with a contract that it does not know", input: { document: of(2, { ...eleven, Gateway: eleven.Usage }) }, error: "invalid-format" },
  { name: "missing: version 2 without AnchorLog", input: { document: of(2, { ...eleven, AnchorLog: undefined }) }, error: "evidence-missing" },
  ...thirdTrusts(),
]);

function thirdTrusts() {
  const clique = recorded("trust-3.json");
  const stated = JSON.parse(clique);
  const [span] = stated.validators.spans;
  const changed = (change) => JSON.stringify({ ...stated, ...change });
  const of = (change) => changed({ validators: { ...stated.validators, ...change } });
  const lowered = { ...span, accounts: span.accounts.map((each) => each.toLowerCase()).reverse() };
  return [
    { name: "version 3: Clique", input: { document: clique } },
    { name: "version 3: QBFT", input: { document: recorded("trust-3-qbft.json") } },
    { name: "version 3: indented, lower case, in another order", input: { document: JSON.stringify(JSON.parse(of({ spans: [lowered] })), null, 1) } },
    { name: "version 3: a pinned block besides", input: { document: changed({ blocks: [pin] }) } },
    { name: "version 3: validators that change, and end", input: { document: of({ spans: [span, { ...span, fromBlock: 7, accounts: span.accounts.slice(1) }, { fromBlock: 9, accounts: [] }] }) } },
    { name: "refused: version 3 with an array of validators", input: { document: changed({ validators: [span] }) }, error: "wrong-version" },
    { name: "refused: version 3 without a list", input: { document: changed({ validators: null }) }, error: "invalid-format" },
    { name: "refused: version 3 of an instant chain", input: { document: of({ consensus: "instant" }) }, error: "invalid-format" },
    { name: "refused: version 3 with a list of another version", input: { document: of({ version: 2 }) }, error: "wrong-version" },
    { name: "refused: version 3 with a validator twice", input: { document: of({ spans: [{ ...span, accounts: [span.accounts[0], ...span.accounts] }] }) }, error: "invalid-format" },
    { name: "refused: version 3 with spans out of order", input: { document: of({ spans: [{ ...span, fromBlock: 1 }, span] }) }, error: "invalid-format" },
    { name: "refused: version 3 with the contracts of version 1", input: { document: changed({ contracts: JSON.parse(trust).contracts }) }, error: "wrong-version" },
    { name: "refused: a version after 3", input: { document: changed({ version: 4 }) }, error: "wrong-version" },
    { name: "missing: version 3 without validators", input: { document: changed({ validators: undefined }) }, error: "evidence-missing" },
  ];
}

function lower(text) {
  return { contracts: Object.fromEntries(Object.entries(JSON.parse(text).contracts).map(([name, address]) => [name, address.toLowerCase()])) };
}

const base = { file: "recorded/sale.deed", trust: "recorded/trust.json" };
const busy = sale.journals.findIndex(({ logs }) => logs.length > 1);
const [document] = Object.keys(sale.documents);
await write("bundle", "What a bundle's own bytes establish: headers, journal heads, roots and hashes (steps 1 to 4, and parts of 6 to 9).", [
  { name: "a sale", input: base },
  { name: "refused: another header", input: { ...base, put: [[["headers", 3], sale.headers[4]]] }, error: "integrity" },
  { name: "refused: a log's data", input: { ...base, put: [[["journals", busy, "logs", 0, "data"], "0x"]] }, error: "integrity" },
  { name: "refused: a log's block", input: { ...base, put: [[["journals", busy, "logs", 0, "block"], 1]] }, error: "integrity" },
  { name: "refused: a log hidden", input: { ...base, take: [["journals", busy, "logs", 0]], put: [[["journals", busy, "count"], sale.journals[busy].count - 1]] }, error: "integrity" },
  { name: "refused: another chain", input: { ...base, put: [[["chain", "chainId"], "1"]] }, error: "integrity" },
  { name: "refused: another block's hash", input: { ...base, put: [[["chain", "block", "hash"], flipped(pin.hash)]] }, error: "integrity" },
  { name: "refused: another document", input: { ...base, put: [[["documents", document], "0x00"]] }, error: "integrity" },
  { name: "refused: a field of no format", input: { ...base, put: [[["note"], "trust me"]] }, error: "invalid-format" },
  { name: "refused: a later version", input: { ...base, put: [[["version"], 2]] }, error: "wrong-version" },
  { name: "missing: a log", input: { ...base, take: [["journals", busy, "logs", 0]] }, error: "evidence-missing" },
  { name: "missing: a proof", input: { ...base, put: [[["journals", busy, "proof"], []]] }, error: "evidence-missing" },
  { name: "missing: the units", input: { ...base, take: [["units"]] }, error: "evidence-missing" },
  { name: "missing: a pin", input: { ...base, put: [[["chain", "block", "number"], 3]] }, error: "evidence-missing" },
  ...secondBundles(),
  ...thirdBundles(),
]);

function thirdBundles() {
  const [sale, other] = ["sale-3.deed", "sale-3-qbft.deed"].map((name) => JSON.parse(recorded(name)));
  const base = { file: "recorded/sale-3.deed", trust: "recorded/trust-3.json" };
  const qbft = { file: "recorded/sale-3-qbft.deed", trust: "recorded/trust-3-qbft.json" };
  const last = other.headers.length - 1;
  const tail = sale.headers.length;
  const spanOf = (name) => JSON.parse(recorded(name)).validators.spans[0];
  const by = ({ trust }, change) => ({ trustPut: [[["validators", "spans", 0], { ...spanOf(trust.split("/")[1]), ...change }]] });
  const late = (given) => ({ ...given, ...by(given, { fromBlock: 100000 }) });
  const without = (given) => ({ ...given, ...by(given, { accounts: [addressOf("stranger"), ...spanOf(given.trust.split("/")[1]).accounts.slice(1)] }) });
  return [
    { name: "version 3: a sale on Clique", input: base },
    { name: "version 3: a sale on QBFT", input: qbft },
    { name: "missing: version 3: a descendant", input: { ...base, take: [["headers", tail - 1]] }, error: "evidence-missing" },
    { name: "refused: version 3: another header", input: { ...base, put: [[["headers", 1], sale.headers[2]]] }, error: "integrity" },
    { name: "refused: version 3: a forged seal", input: { ...base, put: [[["headers", tail - 1], flippedAt(sale.headers[tail - 1], SEAL)]] }, error: "integrity" },
    { name: "refused: version 3: a seal of another field", input: { ...qbft, put: [[["headers", last], flippedAt(other.headers[last], STATE)]] }, error: "integrity" },
    { name: "refused: version 3: a header that is none", input: { ...qbft, put: [[["headers", last], "0xc0"]] }, error: "integrity" },
    { name: "refused: version 3: a header for nothing", input: { ...qbft, put: [[["headers"], [...other.headers, other.headers[last]]]] }, error: "integrity" },
    { name: "refused: version 3: another block's hash", input: { ...qbft, put: [[["chain", "block", "hash"], flipped(other.chain.block.hash)]] }, error: "integrity" },
    { name: "missing: version 3: the block's header", input: { ...qbft, take: [["headers", last]] }, error: "evidence-missing" },
    { name: "refused: version 3: another consensus", input: { ...qbft, trust: "recorded/trust-3.json", put: [[["chain", "chainId"], sale.chain.chainId], [["chain", "genesisHash"], sale.chain.genesisHash], [["chain", "contracts"], sale.chain.contracts]] }, error: "integrity" },
    { name: "refused: version 3: an instant chain", input: { ...qbft, put: [[["chain", "consensus"], "instant"]] }, error: "invalid-format" },
    { name: "refused: version 3 without its consensus", input: { ...qbft, take: [["chain", "consensus"]] }, error: "wrong-version" },
    { name: "refused: version 2 with a consensus", input: { ...qbft, put: [[["version"], 2]] }, error: "invalid-format" },
    { name: "missing: version 3: a block before the list", input: late(qbft), error: "evidence-missing" },
    { name: "missing: version 3: a Clique block before the list", input: late(base), error: "evidence-missing" },
    { name: "refused: version 3: a seal of somebody whom the list does not name", input: without(qbft), error: "integrity" },
    { name: "refused: version 3: a Clique signer whom the list does not name", input: without(base), error: "integrity" },
    { name: "version 3: a block that is pinned besides", input: { ...base, trustPut: [[["blocks"], [sale.chain.block]]] } },
    { name: "refused: version 3: another block than the pinned", input: { ...base, trustPut: [[["blocks"], [{ ...sale.chain.block, hash: flipped(sale.chain.block.hash) }]]] }, error: "integrity" },
  ];
}

function secondBundles() {
  const sale = JSON.parse(recorded("sale-2.deed"));
  const base = { file: "recorded/sale-2.deed", trust: "recorded/trust-2.json" };
  const used = sale.journals.findIndex(({ contract }) => contract === "Usage");
  const told = sale.journals.findIndex(({ logs }) => logs.length > 1);
  return [
    { name: "version 2: a sale", input: base },
    { name: "refused: version 2: a log's data", input: { ...base, put: [[["journals", told, "logs", 0, "data"], "0x"]] }, error: "integrity" },
    { name: "refused: version 2: a use hidden", input: { ...base, take: [["journals", used, "logs", 0]], put: [[["journals", used, "count"], sale.journals[used].count - 1]] }, error: "integrity" },
    { name: "refused: version 2: the uses of another sale", input: { ...base, put: [[["journals", used, "entity"], flipped(sale.journals[used].entity)]] }, error: "integrity" },
    { name: "missing: version 2: a use", input: { ...base, take: [["journals", used, "logs", 0]] }, error: "evidence-missing" },
    { name: "refused: version 2: a journal of AnchorLog", input: { ...base, put: [[["journals", used, "contract"], "AnchorLog"]] }, error: "invalid-format" },
    { name: "refused: version 2 said to be version 1", input: { ...base, put: [[["version"], 1]] }, error: "wrong-version" },
    { name: "refused: version 3", input: { ...base, put: [[["version"], 3]] }, error: "wrong-version" },
    { name: "refused: version 2 by a trust of version 1", input: { ...base, trust: "recorded/trust.json" }, error: "integrity" },
    { name: "refused: version 1 by a trust of version 2", input: { file: "recorded/sale.deed", trust: "recorded/trust-2.json" }, error: "integrity" },
    { name: "refused: version 1 with a journal of Usage", input: { file: "recorded/sale.deed", trust: "recorded/trust.json", put: [[["journals", busy, "contract"], "Usage"]] }, error: "invalid-format" },
    { name: "missing: version 2: the address of Usage", input: { ...base, take: [["chain", "contracts", "Usage"]] }, error: "evidence-missing" },
  ];
}
