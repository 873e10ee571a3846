// Writes the vector files of who asks a service (formats 47 and 48), and of complaints (51), as make.mjs does the others.

import { H, hex, utf8 } from "./bytes.mjs";
import { outcome } from "./check.mjs";
import { viem, viemAccounts } from "./modules.mjs";
import { writer } from "./writing.mjs";

const write = writer("noble, viem and Node's crypto (tests/vectors/check/make_principals.mjs)");
const h32 = (name) => hex(H(utf8(`deedbook vector ${name}`)));
const [privateKey, otherKey] = [h32("subject key"), h32("other key")];
const address = viem.getAddress(viemAccounts.privateKeyToAccount(privateKey).address);
const other = viem.getAddress(viemAccounts.privateKeyToAccount(otherKey).address);

// -- 47: sign-in messages

const whole = {
  scheme: "https", domain: "deeds.example.org:8443", address, statement: "Sign in to Deedbook. This costs nothing and moves nothing.",
  uri: "https://deeds.example.org:8443/session?x=1#top", chainId: 20230614, nonce: "7b0aPq92ZZ", issuedAt: "2027-01-15T08:00:00.250Z",
  expirationTime: "2027-01-15T09:00:00Z", notBefore: "2027-01-15T16:00:00+08:00", requestId: "order-7",
  resources: ["urn:deedbook:scope:own", "https://deeds.example.org/notices/1"],
};
const { scheme, statement, expirationTime, notBefore, requestId, resources, ...bare } = whole;
const made = (await outcome("sign-in", { message: whole, privateKey })).expected;

const signed = async (text) => ({ text, signature: await viemAccounts.privateKeyToAccount(privateKey).signMessage({ message: text }) });
const refused = async (name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: await signed(change(made.text)), error });
await write("sign-in", "Format 47: sign-in messages (EIP-4361) in their one form, and who signed them.", [
  { name: "everything that a message may say", input: { message: whole, privateKey } },
  { name: "no more than it has to say", input: { message: bare, privateKey } },
  { name: "a statement", input: { message: { ...bare, statement }, privateKey } },
  { name: "as it comes", input: { text: made.text, signature: made.signature } },
  { name: "refused: another's signature", input: { text: made.text.replace(address, other), signature: made.signature }, error: "invalid-signature" },
  { name: "refused: a signature of another message", input: { text: made.text.replace("order-7", "order-8"), signature: made.signature }, error: "invalid-signature" },
  { name: "refused: 64 bytes", input: { text: made.text, signature: made.signature.slice(0, -2) }, error: "invalid-signature" },
  await refused("carriage returns", (text) => text.replaceAll("\n", "\r\n")),
  await refused("a line feed at the end", (text) => `${text}\n`),
  await refused("more text", (text) => `${text}\nand so on`),
  await refused("an address without its case", (text) => text.replace(address, address.toLowerCase())),
  await refused("a letter that looks like another", (text) => text.replace("deeds", "d\u0435eds")),
  await refused("a user before the host", (text) => text.replace("deeds.example.org:8443 wants", "deeds.example.org@evil.example wants")),
  await refused("another version", (text) => text.replace("Version: 1", "Version: 2")),
  await refused("a list of no resources", (text) => text.slice(0, text.indexOf("\n- "))),
  await refused("a line twice", (text) => text.replace("Nonce: 7b0aPq92ZZ\n", "Nonce: 7b0aPq92ZZ\nNonce: 7b0aPq92ZZ\n")),
  await refused("a chain id with a leading zero", (text) => text.replace("Chain ID: ", "Chain ID: 0"), "invalid-input"),
  await refused("a short nonce", (text) => text.replace("7b0aPq92ZZ", "7b0aPq9"), "invalid-input"),
  await refused("the 29th of February 2027", (text) => text.replace("2027-01-15T09:00:00Z", "2027-02-29T09:00:00Z"), "invalid-input"),
  await refused("a second of 60", (text) => text.replace("2027-01-15T09:00:00Z", "2027-01-15T09:00:60Z"), "invalid-input"),
  await refused("a URI that is none", (text) => text.replace("?x=1", "?x=%zz"), "invalid-input"),
]);

await write("sign-in-nonce", "Format 47: the nonces of one home.", [
  { name: "of a time", input: { key: h32("sign-in key"), time: 1800000000, random: h32("random").slice(0, 26) } },
  { name: "of another time", input: { key: h32("sign-in key"), time: 1800000001, random: h32("random").slice(0, 26) } },
  { name: "of another home", input: { key: h32("another sign-in key"), time: 1800000000, random: h32("random").slice(0, 26) } },
]);

// -- 48: keys and tokens

const id = h32("key id").slice(0, 18);
const key = (await outcome("api-key", { id, secret: h32("secret") })).expected;
await write("api-key", "Format 48: an API key as it is shown once, and what is kept of it.", [
  { name: "made", input: { id, secret: h32("secret") } },
  { name: "read", input: { text: key.text } },
  { name: "another id, another hash", input: { id: h32("other id").slice(0, 18), secret: h32("secret") } },
  { name: "refused: upper case", input: { text: key.text.replace(/[a-f]/g, (digit) => digit.toUpperCase()) }, error: "invalid-format" },
  { name: "refused: a digit less", input: { text: key.text.slice(0, -1) }, error: "invalid-format" },
  { name: "refused: a line feed at the end", input: { text: `${key.text}\n` }, error: "invalid-format" },
  { name: "refused: a session's token", input: { text: `dbs_${h32("token").slice(2)}` }, error: "invalid-format" },
]);
await write("session-token", "Format 48: a session's token as it is shown once, and what is kept of it.", [
  { name: "made", input: { token: h32("token") } },
  { name: "read", input: { text: `dbs_${h32("token").slice(2)}` } },
  { name: "refused: a key", input: { text: key.text }, error: "invalid-format" },
  { name: "refused: nothing", input: { text: "" }, error: "invalid-format" },
]);
await write("personal-read", "Format 48: what the log of reads has of the matter that was read.", [
  { name: "a statement", input: { kind: "statement", id: h32("consent") } },
  { name: "the payee of the same consent", input: { kind: "payee", id: h32("consent") } },
  { name: "the consents of an account", input: { kind: "consents", id: hex(H(utf8("deedbook vector subject")).slice(12)) } },
  { name: "the signed consents of a sale", input: { kind: "evidence", id: h32("sale") } },
]);

// -- 51: complaints

const said = { consentId: h32("consent"), subject: address.toLowerCase(), text: "My record was delivered after I had withdrawn. \u6211\u5df2\u64a4\u56de\u540c\u610f\u3002", madeAt: 1686702600, salt: h32("complaint salt") };
const { document } = (await outcome("complaint", said)).expected;
const misread = (name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: { document: change(document) }, error });
await write("complaint", "Format 51: a complaint, and its hash.", [
  { name: "a complaint", input: said },
  { name: "another salt, another hash", input: { ...said, salt: h32("another complaint salt") } },
  { name: "as it is kept", input: { document } },
  misread("no text", (text) => text.replace(/"text":"[^"]*"/, '"text":""'), "invalid-input"),
  misread("a salt too short", (text) => text.replace(/("salt":"0x[0-9a-f]{62})../, "$1")),
  misread("an unknown field", (text) => text.replace('"version":1', '"version":1,"z":1')),
  misread("another format", (text) => text.replace("deedbook.complaint", "deedbook.payee")),
  misread("a later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
]);
