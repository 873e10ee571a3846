// ethers 6 and viem 2 read and write an embedded chain through its JSON-RPC, and must agree.
//
//     node embedded_readers.mjs URL PROBE_JSON MODULES
//
// Prints one JSON object of what both saw; throws at the first thing they do not.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [url, probeFile, modules] = process.argv.slice(2);
const find = createRequire(path.join(modules, "anywhere.js"));
const { ethers } = find("ethers");
const viem = find("viem");
const { privateKeyToAccount } = find("viem/accounts");
const probe = JSON.parse(fs.readFileSync(probeFile, "utf8"));
const KEY = { ethers: "0x" + "44".repeat(32), viem: "0x" + "55".repeat(32) };

const provider = new ethers.JsonRpcProvider(url, undefined, { staticNetwork: true, batchMaxCount: 10, pollingInterval: 50 });
const chainId = Number(await provider.send("eth_chainId", []));
const chain = viem.defineChain({
  id: chainId,
  name: "deedbook",
  nativeCurrency: { name: "none", symbol: "NONE", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const reader = viem.createPublicClient({ chain, transport: viem.http(url, { batch: true }), pollingInterval: 20 });

// ethers deploys with nothing but its defaults: gas estimated, fees from the chain.
const signer = new ethers.Wallet(KEY.ethers, provider);
const factory = new ethers.ContractFactory(probe.abi, probe.bytecode, signer);
const contract = await factory.deploy(5n);
const deployed = await contract.deploymentTransaction().wait();
assert.equal(deployed.status, 1);
const address = await contract.getAddress();
assert.equal(await contract.total(), 5n);

// viem writes to it with nothing but its defaults.
const account = privateKeyToAccount(KEY.viem);
const writer = viem.createWalletClient({ account, chain, transport: viem.http(url) });
const value = "0x" + "07".repeat(32);
const hash = await writer.writeContract({ address, abi: probe.abi, functionName: "put", args: [3n, value, "0x0102"] });
const receipt = await reader.waitForTransactionReceipt({ hash });
assert.equal(receipt.status, "success");

// Both read the same.
assert.equal(await contract.get(3n), value);
assert.equal(await reader.readContract({ address, abi: probe.abi, functionName: "get", args: [3n] }), value);
const [event] = await contract.queryFilter(contract.filters.Stored(3n), 0, "latest");
const [log] = await reader.getContractEvents({
  address, abi: probe.abi, eventName: "Stored", args: { key: 3n }, fromBlock: 0n, strict: true,
});
assert.equal(event.args.by, log.args.by);
assert.equal(event.args.note, log.args.note);
assert.equal(log.args.by, account.address);
const height = Number(await provider.send("eth_blockNumber", [])); // ethers keeps an answer for a quarter of a second
assert.equal(BigInt(height), await reader.getBlockNumber({ cacheTime: 0 }));
for (let number = 0; number <= height; number++) {
  const a = await provider.getBlock(number, true);
  const b = await reader.getBlock({ blockNumber: BigInt(number), includeTransactions: true });
  assert.equal(a.hash, b.hash);
  assert.equal(a.parentHash, b.parentHash);
  assert.equal(a.timestamp, Number(b.timestamp));
  assert.equal(a.baseFeePerGas, 0n);
  assert.deepEqual(a.prefetchedTransactions.map((tx) => tx.hash), b.transactions.map((tx) => tx.hash));
  const header = await provider.send("debug_getRawHeader", [ethers.toQuantity(number)]);
  assert.equal(ethers.keccak256(header), a.hash);
}
const transaction = await provider.getTransaction(hash);
assert.equal(transaction.from, account.address);
assert.equal(transaction.data, (await reader.getTransaction({ hash })).input);
assert.equal(await provider.getTransactionCount(account.address), 1);
assert.equal(await provider.getBalance(account.address), 0n);
assert.equal(await provider.getCode(address), await reader.getCode({ address }));
const slot = ethers.zeroPadValue("0x01", 32);
const proof = await reader.getProof({ address, storageKeys: [slot] });
assert.equal(BigInt(await provider.getStorage(address, 1)), proof.storageProof[0].value);
assert.equal(proof.storageProof[0].value, 6n);
assert.equal(ethers.keccak256(proof.storageProof[0].proof[0]), proof.storageHash);
assert.equal(ethers.keccak256(proof.accountProof[0]), (await provider.getBlock(height)).stateRoot);
assert.equal((await provider.getFeeData()).gasPrice, 0n); // ethers takes a base fee of zero for none
assert.equal((await reader.estimateFeesPerGas()).maxFeePerGas, 0n);
assert.equal((await reader.getFeeHistory({ blockCount: 2, rewardPercentiles: [50] })).baseFeePerGas.length, 3);

// Both name a contract's own error with its arguments.
await assert.rejects(contract.refuse(7n), (error) => {
  assert.equal(error.code, "CALL_EXCEPTION");
  assert.equal(error.revert.name, "Refused");
  assert.equal(error.revert.args[0], 7n);
  return true;
});
await assert.rejects(
  reader.simulateContract({ account, address, abi: probe.abi, functionName: "refuse", args: [7n] }),
  (error) => {
    const reverted = error.walk((one) => one instanceof viem.ContractFunctionRevertedError);
    assert.equal(reverted.data.errorName, "Refused");
    assert.deepEqual(reverted.data.args, [7n, account.address, "because"]);
    return true;
  },
);

// A nonce that was used is known as such to both.
await assert.rejects(signer.sendTransaction({ to: address, nonce: 0, gasLimit: 100000 }), { code: "NONCE_EXPIRED" });
await assert.rejects(writer.sendTransaction({ to: address, nonce: 0, gas: 100000n }), (error) =>
  Boolean(error.walk((one) => one instanceof viem.NonceTooLowError)),
);
provider.destroy();
console.log(JSON.stringify({ chainId, height, address, hash: receipt.transactionHash }));
