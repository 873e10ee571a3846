// Format 46: events as they are told, and the signatures of webhooks. Logs are decoded by viem and by ethers, which must
// agree; HMAC is WebCrypto's.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { bytes, canonicalJson, decimal, hex, refuse, utf8 } from "./bytes.mjs";
import { journalEntities } from "./ledger.mjs";
import { ethers, subtle, viem } from "./modules.mjs";

const artifacts = join(dirname(fileURLToPath(import.meta.url)), "../../../src/deedbook/chain/artifacts");
export const abiOf = (contract) => JSON.parse(readFileSync(join(artifacts, `${contract}.json`), "utf8")).abi;

/** A value in JSON, by its type in the ABI: integers as decimal text, bytes in lower case, structs by their names. */
function shown(item, value) {
  const array = /^(.*)\[\]$/.exec(item.type);
  if (array) return [...value].map((each) => shown({ ...item, type: array[1] }, each));
  if (item.type === "tuple") return Object.fromEntries(item.components.map((part) => [part.name, shown(part, value[part.name])]));
  if (item.type === "bool") return value;
  if (/^u?int/.test(item.type)) return BigInt(value).toString();
  return item.type === "string" ? value : value.toLowerCase();
}

function decoded(contract, topics, data) {
  const abi = abiOf(contract).filter(({ type }) => type === "event");
  const found = topics.length ? new ethers.Interface(abi).parseLog({ topics, data }) : null;
  if (found === null) return undefined;
  const { inputs } = abi.find(({ name }) => name === found.name);
  const args = Object.fromEntries(inputs.map((item, place) => [item.name, shown(item, found.args[place])]));
  const byViem = viem.decodeEventLog({ abi, topics, data });
  const again = Object.fromEntries(inputs.map((item) => [item.name, shown(item, byViem.args[item.name])]));
  if (byViem.eventName !== found.name || canonicalJson(again) !== canonicalJson(args)) throw new Error("viem and ethers disagree");
  return { event: found.name, args };
}

export function event(given) {
  const { chainId, contract, topics, data, blockHash, logIndex, retracted, time } = given;
  decimal(chainId);
  for (const topic of topics) bytes(topic, 32);
  const found = decoded(contract, topics, data);
  const entities = found ? journalEntities({ contract, ...found }).entities : [];
  const told = {
    key: `${chainId}:${blockHash}:${logIndex}`,
    chainId,
    contract,
    address: given.address,
    event: found?.event ?? null,
    retracted,
    block: given.block,
    blockHash,
    time,
    transaction: given.transaction,
    transactionIndex: given.transactionIndex,
    logIndex,
    entities,
    args: found?.args ?? null,
    ...(found ? {} : { topics, data }),
  };
  const type = `${contract}.${told.event ?? "undecoded"}${retracted ? ".retracted" : ""}`;
  const timestamp = new Date(Math.min(time, 253402300799) * 1000).toISOString().replace(".000Z", "Z");
  return { document: canonicalJson({ format: "deedbook.event", version: 1, type, timestamp, data: told }) };
}

function secretOf(text) {
  if (!/^whsec_([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) refuse("invalid-input", "not whsec_ and Base64");
  const key = Buffer.from(text.slice(6), "base64");
  if (key.length < 24 || key.length > 64) refuse("invalid-input", "not 24 to 64 bytes");
  return key;
}

export async function webhookSignature({ id, timestamp, body, secrets }) {
  const made = [];
  for (const secret of secrets) {
    const key = await subtle.importKey("raw", secretOf(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const signature = await subtle.sign("HMAC", key, utf8(`${id}.${timestamp}.${body}`));
    made.push(`v1,${Buffer.from(signature).toString("base64")}`);
  }
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": made.join(" ") };
}

export const encoded = (contract, name, args) => {
  const { topics, data } = new ethers.Interface(abiOf(contract)).encodeEventLog(name, args);
  return { contract, topics, data: hex(ethers.getBytes(data)) };
};
