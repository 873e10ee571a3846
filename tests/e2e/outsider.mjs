// A person and an outsider, with nothing of Deedbook's but its HTTP address: viem signs, ethers and viem read.
//
//     node outsider.mjs URL
//
// Prints one JSON object of what happened; throws at the first thing that is not as promised.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ethers, viem, viemAccounts } from "../vectors/check/modules.mjs";
import { statement } from "../vectors/check/consents.mjs";

const url = process.argv[2];
const artifact = (name) =>
  JSON.parse(readFileSync(new URL(`../../src/deedbook/chain/artifacts/${name}.json`, import.meta.url)));
const get = async (path) => (await fetch(url + path)).json();
const post = async (path, body) => {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, type: answer.headers.get("content-type"), body: await answer.json() };
};

// Both libraries read the same chain through /rpc.
const { chain: deployment } = await get("/status");
const { Consents, Market } = deployment.contracts;
const chainId = Number(deployment.chainId);
const provider = new ethers.JsonRpcProvider(`${url}/rpc`, undefined, { batchMaxCount: 10 });
const reader = viem.createPublicClient({ transport: viem.http(`${url}/rpc`, { batch: true }) });
assert.equal(Number((await provider.getNetwork()).chainId), chainId);
assert.equal(await reader.getChainId(), chainId);
const block = await provider.getBlock("latest");
assert.equal((await reader.getBlock({ blockNumber: BigInt(block.number) })).hash, block.hash);
const { items: sales } = await get("/sales");
const market = new ethers.Contract(Market, artifact("Market").abi, provider);
const seen = await reader.readContract({
  address: Market,
  abi: artifact("Market").abi,
  functionName: "sale",
  args: [sales[0].saleId],
});
assert.equal((await market.sale(sales[0].saleId)).buyer, seen.buyer);
assert.equal(seen.buyer.toLowerCase(), sales[0].buyer.toLowerCase());
const logs = await provider.getLogs({ address: Market, fromBlock: 0, toBlock: "latest" });
assert.equal(logs.length, (await reader.getLogs({ address: Market, fromBlock: 0n, toBlock: "latest" })).length);
assert.ok(logs.some((log) => market.interface.parseLog(log)?.name === "SaleOrdered"));

// A new person reads the notice and signs the sentence that it renders.
const person = viemAccounts.privateKeyToAccount(viemAccounts.generatePrivateKey());
const { items: batches } = await get(`/assets/${sales[0].assetId}/batches`);
const terms = batches[0];
const notice = await get(`/documents/${terms.noticeHash}`);
const random = () => viem.toHex(crypto.getRandomValues(new Uint8Array(32)));
const now = Number(block.timestamp);
const consent = {
  subject: person.address.toLowerCase(),
  assetId: sales[0].assetId,
  controller: terms.controller.toLowerCase(),
  recipient: viem.zeroAddress,
  recipientClass: terms.recipientClass,
  purpose: 1,
  modes: 32,
  crossBorder: false,
  noticeHash: terms.noticeHash,
  recordCommit: random(),
  validFrom: now,
  validUntil: now + 86400 * 365,
  statement: "-",
  salt: random(),
};
consent.statement = statement({ notice, consent }).statement;
const domain = { name: "Deedbook Consent", version: "1", chainId, verifyingContract: Consents };
const types = {
  Consent: [
    ["address", "subject"],
    ["uint256", "assetId"],
    ["address", "controller"],
    ["address", "recipient"],
    ["uint16", "recipientClass"],
    ["uint16", "purpose"],
    ["uint16", "modes"],
    ["bool", "crossBorder"],
    ["bytes32", "noticeHash"],
    ["bytes32", "recordCommit"],
    ["uint64", "validFrom"],
    ["uint64", "validUntil"],
    ["string", "statement"],
    ["bytes32", "salt"],
  ].map(([type, name]) => ({ name, type })),
  Receipt: [
    { name: "consentId", type: "bytes32" },
    { name: "assetId", type: "uint256" },
    { name: "subject", type: "address" },
  ],
  Withdrawal: [{ name: "consentId", type: "bytes32" }],
};
const message = {
  ...consent,
  assetId: BigInt(consent.assetId),
  validFrom: BigInt(consent.validFrom),
  validUntil: BigInt(consent.validUntil),
};
const consentId = viem.hashTypedData({ domain, types, primaryType: "Consent", message });
const signature = await person.signTypedData({ domain, types, primaryType: "Consent", message });
const contract = Consents.toLowerCase();
const signed = { format: "deedbook.consent", version: 1, chainId: String(chainId), contract, consent, signature };
const taken = await post("/consents", signed);
assert.equal(taken.status, 201, JSON.stringify(taken.body));
assert.equal(taken.body.receipt_id, consentId);

// The receipt is the collector's: viem recovers it.
const collector = await viem.recoverTypedDataAddress({
  domain,
  types,
  primaryType: "Receipt",
  message: { consentId, assetId: BigInt(consent.assetId), subject: person.address },
  signature: taken.body.signature,
});
assert.equal(collector.toLowerCase(), consent.controller);

// Anchored, live on chain, withdrawn, ended on chain.
const anchored = await post(`/assets/${consent.assetId}/batches?wait=final`, {});
assert.equal(anchored.status, 201, JSON.stringify(anchored.body));
const { batchId } = anchored.body.about;
const consents = new ethers.Contract(Consents, artifact("Consents").abi, provider);
const { index } = await get(`/consents/${consentId}`);
assert.equal(await consents.hasEnded(batchId, index), false);
const withdrawal = {
  format: "deedbook.withdrawal",
  version: 1,
  chainId: String(chainId),
  contract,
  consentId,
  subject: consent.subject,
  signature: await person.signTypedData({ domain, types, primaryType: "Withdrawal", message: { consentId } }),
};
const withdrawn = await post("/withdrawals?wait=final", withdrawal);
assert.equal(withdrawn.status, 201, JSON.stringify(withdrawn.body));
assert.equal((await reader.getTransactionReceipt({ hash: withdrawn.body.transaction })).status, "success");
assert.equal(await consents.hasEnded(batchId, index), true);
const end = await get(`/consents/${consentId}`);
const again = await post("/withdrawals", withdrawal);

console.log(JSON.stringify({ consentId, batchId, index, end, again }));
provider.destroy();
