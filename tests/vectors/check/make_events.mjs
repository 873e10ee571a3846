// Writes the vectors of events as they are told, and of the signatures of webhooks.

import { H, hex, utf8 } from "./bytes.mjs";
import { encoded } from "./events.mjs";
import { writer } from "./writing.mjs";

const write = writer("viem, ethers and WebCrypto (tests/vectors/check/make_events.mjs)");

const h32 = (name) => hex(H(utf8(`deedbook vector ${name}`)));
const address = (name) => hex(H(utf8(`deedbook vector ${name}`)).slice(12));
const BIG = 2n ** 256n - 1n;
const where = (contract) => ({
  chainId: "20230614",
  address: address(contract),
  block: 7,
  blockHash: h32("block"),
  time: 1686700800,
  transaction: h32("transaction"),
  transactionIndex: 1,
  logIndex: 3,
  retracted: false,
});
const log = (contract, name, args, more = {}) => ({ ...where(contract), ...encoded(contract, name, args), ...more });

const order = [h32("sale"), h32("offer"), address("buyer"), BIG, 2, h32("reference"), 2n ** 64n, "0x434e59", 5, [address("one"), address("two")]];
const of = (contract, name) => log(contract, name, { AuthorityUpdated: [address("manager")], ApprovalForAll: [address("owner"), address("operator"), true] }[name]);

await write("event", "Format 46: an event as it is told, canonical, from its log.", [
  { name: "two entities, wide integers, an array", input: log("Market", "SaleOrdered", order) },
  { name: "taken back", input: log("Market", "SaleOrdered", order, { retracted: true }) },
  { name: "no array is null", input: log("Market", "SaleOrdered", order.with(9, [])) },
  { name: "flags", input: of("DataAssets", "ApprovalForAll") },
  { name: "about nothing", input: of("Membership", "AuthorityUpdated") },
  { name: "after the year 9999", input: log("Market", "SaleOrdered", order, { time: 2 ** 53 - 1 }) },
  { name: "at the beginning of time", input: log("Market", "SaleOrdered", order, { time: 0 }) },
  { name: "of no event of its contract", input: { ...where("Usage"), ...encoded("Market", "SaleOrdered", order), contract: "Usage" } },
  { name: "without topics", input: { ...where("Usage"), contract: "Usage", topics: [], data: "0x7b" } },
]);

const PUBLISHED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ours = `whsec_${Buffer.from(H(utf8("deedbook vector webhook"))).toString("base64")}`;
const sent = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1614265330, body: '{"test": 2432232314}' };
const secretOf = (length) => `whsec_${Buffer.alloc(length, 7).toString("base64")}`;
const refused = (name, secret) => ({ name: `refused: ${name}`, input: { ...sent, secrets: [secret] }, error: "invalid-input" });
const made = await write("webhook-signature", "Standard Webhooks 1.0.0: the headers of a message.", [
  { name: "as published", input: { ...sent, secrets: [PUBLISHED] } },
  { name: "a secret that was replaced signs too", input: { ...sent, secrets: [ours, PUBLISHED] } },
  { name: "text beyond ASCII", input: { ...sent, body: '{"a":"纸"}', secrets: [ours] } },
  { name: "the shortest secret", input: { ...sent, secrets: [secretOf(24)] } },
  { name: "the longest secret", input: { ...sent, secrets: [secretOf(64)] } },
  refused("too short", secretOf(23)),
  refused("too long", secretOf(65)),
  refused("without its prefix", PUBLISHED.slice(6)),
  refused("no Base64", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!"),
]);
if (made["as published"]["webhook-signature"] !== "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=") throw new Error("the published vector");
