// Writes the vector files beside this folder: the inputs below, with what the second implementation makes of them.
// A case whose input a format refuses names the error instead. Published versions never change: run this to add cases.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { CONTRACTS, H, K, canonicalJson, hex, uint, utf8 } from "./bytes.mjs";
import { outcome } from "./check.mjs";
import { kinds, parquet } from "./files.mjs";
import { ethers, viemAccounts } from "./modules.mjs";
import { folder, writer } from "./writing.mjs";

const BY = "noble, viem, ethers and WebCrypto (tests/vectors/check/make.mjs)";

async function expectedOf(format, cases) {
  const found = {};
  for (const { name, input } of cases) found[name] = (await outcome(format, input)).expected;
  return found;
}

const write = writer(BY);

// -- fixed matter: keys, hashes and addresses that follow from their names

const h32 = (name) => hex(H(utf8(`deedbook vector ${name}`)));
const address = (name) => hex(H(utf8(`deedbook vector ${name}`)).slice(12));
const account = (key) => viemAccounts.privateKeyToAccount(key).address.toLowerCase();
const [subjectKey, otherKey, collectorKey] = ["subject key", "other key", "collector key"].map(h32);
const BIG = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
const ZERO = "0x0000000000000000000000000000000000000000";
const NONE = "0x" + "00".repeat(32);

const domain = { chainId: "20230614", contract: address("Consents") };
const notices = Object.fromEntries(
  ["zh-CN", "en"].map((language) => {
    const path = `../../src/deedbook/domain/notices/recruitment.${language}.json`;
    const notice = JSON.parse(readFileSync(join(folder, path), "utf8"));
    const names =
      language === "en"
        ? { controller: "Guiyang Resume Data Ltd.", contact: "privacy@example.org", assetTitle: "Resumes 1988" }
        : { controller: "贵阳简历数据有限公司", contact: "privacy@example.org", assetTitle: "1988年简历" };
    return [language, { ...notice, ...names }];
  }),
);

const bare = {
  subject: account(subjectKey),
  assetId: BigInt(h32("asset")).toString(),
  controller: address("controller"),
  recipient: ZERO,
  recipientClass: 256,
  purpose: 1,
  modes: 32,
  crossBorder: false,
  noticeHash: h32("notice"),
  recordCommit: h32("record"),
  validFrom: 1686700800,
  validUntil: 1718323199,
  statement: "本人同意",
  salt: h32("salt"),
};

// -- 1 to 4: notices, statements, consents, receipts, withdrawals

const without = (value, key) => Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
const en = notices.en;

const noticeCases = await write("notice", "Format 2: canonical bytes and hash of a notice.", [
  { name: "zh-CN", input: { notice: notices["zh-CN"] } },
  { name: "en", input: { notice: en } },
  { name: "another controller, another hash", input: { notice: { ...en, controller: "Other Ltd." } } },
  { name: "unknown placeholder", input: { notice: { ...en, template: en.template + " {price}" } }, error: "invalid-format" },
  { name: "empty placeholder", input: { notice: { ...en, template: en.template + " {}" } }, error: "invalid-format" },
  { name: "lone brace", input: { notice: { ...en, template: en.template + " }" } }, error: "invalid-format" },
  {
    name: "border not shown",
    input: { notice: { ...en, template: en.template.replace("{border}", "anywhere") } },
    error: "invalid-format",
  },
  { name: "bidirectional override in a name", input: { notice: { ...en, controller: "Guiyang \u202edetimiL" } }, error: "invalid-format" },
  { name: "zero width in a label", input: { notice: { ...en, labels: { ...en.labels, joiner: "\u200b" } } }, error: "invalid-format" },
  { name: "line feed in the template", input: { notice: { ...en, template: en.template + "\n" } }, error: "invalid-format" },
  { name: "field missing", input: { notice: without(en, "contact") }, error: "invalid-format" },
  { name: "version missing", input: { notice: without(en, "version") }, error: "invalid-format" },
  { name: "field unknown", input: { notice: { ...en, note: "x" } }, error: "invalid-format" },
  { name: "later version", input: { notice: { ...en, version: 2 } }, error: "wrong-version" },
  { name: "another format", input: { notice: { ...en, format: "deedbook.consent" } }, error: "invalid-format" },
  {
    name: "code with a leading zero",
    input: { notice: { ...en, labels: { ...en.labels, purpose: { "01": "x" } } } },
    error: "invalid-format",
  },
  {
    name: "label for neither true nor false",
    input: { notice: { ...en, labels: { ...en.labels, crossBorder: { true: "yes", false: "no", maybe: "x" } } } },
    error: "invalid-format",
  },
]);

const statements = [];
for (const [language, notice] of Object.entries(notices)) {
  const changes = {
    "by class": {},
    "named recipient": { recipient: "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed" },
    "several modes, across borders": { modes: 63, crossBorder: true },
    "all time": { validFrom: 0, validUntil: 253402300799 },
    "leap day": { validFrom: 1709164800, validUntil: 1709251199 },
    "bank, credit": { recipientClass: 257, purpose: 2, modes: 2 },
  };
  for (const [name, change] of Object.entries(changes)) {
    statements.push({ name: `${language}: ${name}`, input: { notice, consent: { ...bare, ...change } } });
  }
}
const odd = { ...en, controller: "{purpose} & <b>Söhne</b>" };
await write("statement", "Format 2: the sentence that a notice renders for a consent's fields.", [
  ...statements,
  { name: "a name that looks like a placeholder", input: { notice: odd, consent: bare } },
  { name: "no label for the class", input: { notice: en, consent: { ...bare, recipientClass: 3 } }, error: "invalid-format" },
  { name: "no label for the purpose", input: { notice: en, consent: { ...bare, purpose: 9 } }, error: "invalid-format" },
  { name: "no label for one of the modes", input: { notice: en, consent: { ...bare, modes: 96 } }, error: "invalid-format" },
  { name: "no mode", input: { notice: en, consent: { ...bare, modes: 0 } }, error: "invalid-format" },
  { name: "after the year 9999", input: { notice: en, consent: { ...bare, validUntil: 253402300800 } }, error: "invalid-input" },
]);

const spoken = async (language, change = {}) => {
  const consent = { ...bare, ...change, noticeHash: noticeCases[language].noticeHash };
  const found = await outcome("statement", { notice: notices[language], consent });
  return { ...consent, statement: found.expected.statement };
};
const [chinese, english] = [await spoken("zh-CN"), await spoken("en")];

await write("consent", "Format 1: EIP-712 digests of consents.", [
  { name: "zh-CN", input: { domain, consent: chinese } },
  { name: "en", input: { domain, consent: english } },
  { name: "another chain", input: { domain: { ...domain, chainId: "1" }, consent: english } },
  { name: "another contract", input: { domain: { ...domain, contract: address("other Consents") }, consent: english } },
  { name: "another salt", input: { domain, consent: { ...english, salt: h32("another salt") } } },
  {
    name: "largest values",
    input: {
      domain: { chainId: BIG, contract: "0x" + "ff".repeat(20) },
      consent: {
        ...english, assetId: BIG, recipientClass: 65535, purpose: 65535, modes: 65535, crossBorder: true,
        validFrom: 9007199254740991, validUntil: 9007199254740991, recipient: "0x" + "ff".repeat(20),
      },
    },
  },
  { name: "zeros", input: { domain: { chainId: "0", contract: ZERO }, consent: { ...bare, subject: ZERO, assetId: "0", controller: ZERO, recipientClass: 0, purpose: 0, modes: 0, noticeHash: NONE, recordCommit: NONE, validFrom: 0, validUntil: 0, salt: NONE } } },
  { name: "statement beyond the basic plane", input: { domain, consent: { ...english, statement: "同意 𠮷 👍" } } },
  { name: "subject of 19 bytes", input: { domain, consent: { ...english, subject: english.subject.slice(0, 40) } }, error: "invalid-format" },
  { name: "subject in upper case", input: { domain, consent: { ...english, subject: "0x" + "AB".repeat(20) } }, error: "invalid-format" },
  { name: "asset with a leading zero", input: { domain, consent: { ...english, assetId: "07" } }, error: "invalid-format" },
  { name: "asset as a number", input: { domain, consent: { ...english, assetId: 7 } }, error: "invalid-format" },
  { name: "asset over 256 bits", input: { domain, consent: { ...english, assetId: BIG.slice(0, -1) + "6" } }, error: "invalid-format" },
  { name: "class over 16 bits", input: { domain, consent: { ...english, recipientClass: 65536 } }, error: "invalid-format" },
  { name: "negative time", input: { domain, consent: { ...english, validFrom: -1 } }, error: "invalid-format" },
  { name: "fraction of a second", input: { domain, consent: { ...english, validFrom: 0.5 } }, error: "invalid-format" },
  { name: "time beyond 2^53 - 1", input: { domain, consent: { ...english, validUntil: 9007199254740992 } }, error: "invalid-format" },
  { name: "border as a number", input: { domain, consent: { ...english, crossBorder: 1 } }, error: "invalid-format" },
  { name: "empty statement", input: { domain, consent: { ...english, statement: "" } }, error: "invalid-input" },
  { name: "hidden character in the statement", input: { domain, consent: { ...english, statement: "I agree\u2066 not" } }, error: "invalid-input" },
  { name: "salt missing", input: { domain, consent: without(english, "salt") }, error: "invalid-format" },
  { name: "field unknown", input: { domain, consent: { ...english, extra: 1 } }, error: "invalid-format" },
]);

const signings = [
  { name: "zh-CN", input: { domain, consent: chinese, privateKey: subjectKey } },
  { name: "en", input: { domain, consent: english, privateKey: subjectKey } },
  {
    name: "another subject",
    input: { domain, consent: { ...english, subject: account(otherKey), salt: h32("salt 2") }, privateKey: otherKey },
  },
];
const signedCases = await expectedOf("signed-consent", signings);
const signedText = signedCases.en.document;
const lifted = signedText.replace(/"signature":"0x[0-9a-f]*"/, (found) => {
  const [r, s] = [found.slice(15, 79), BigInt("0x" + found.slice(79, 143))];
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const v = found.slice(143, 145) === "1b" ? "1c" : "1b";
  return `"signature":"0x${r}${(order - s).toString(16).padStart(64, "0")}${v}"`;
});
const texts = {
  "space after a comma": [signedText.replace(",", ", "), "invalid-format"],
  "trailing line feed": [signedText + "\n", "invalid-format"],
  "keys in another order": [JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(signedText)).reverse())), "invalid-format"],
  "duplicate key": [signedText.replace("{", '{"chainId":"20230614",'), "invalid-format"],
  "escaped where it need not be": [signedText.replace("Guiyang", "\\u0047uiyang"), "invalid-format"],
  "byte order mark": ["\ufeff" + signedText, "invalid-format"],
  "cut short": [signedText.slice(0, -1), "invalid-format"],
  "later version": [signedText.replace('"version":1', '"version":2'), "wrong-version"],
  "another format": [signedText.replace("deedbook.consent", "deedbook.consents"), "invalid-format"],
  "signature of 64 bytes": [signedText.replace(/("signature":"0x[0-9a-f]{128})../, "$1"), "invalid-signature"],
  "signature with high s": [lifted, "invalid-signature"],
  "v of 0": [signedText.replace(/("signature":"0x[0-9a-f]{128})../, "$100"), "invalid-signature"],
  "signed for another chain": [signedText.replace('"chainId":"20230614"', '"chainId":"1"'), "invalid-signature"],
  "another's signature": [
    signedText.replace(/"signature":"[^"]*"/, `"signature":"${signedCases["another subject"].signature}"`),
    "invalid-signature",
  ],
  "one bit of the consent changed": [signedText.replace('"purpose":1', '"purpose":2'), "invalid-signature"],
};
await write("signed-consent", "Format 5: consents signed by fixed test keys, as canonical documents.", [
  ...signings,
  { name: "as it is kept", input: { document: signedText } },
  ...Object.entries(texts).map(([name, [document, error]]) => ({ name, input: { document }, error })),
]);

const three = ['{"n":1}', '{"n": 2}', '{"n":"三"}'];
const rows = (column, groups) => hex(parquet([{ name: "row", type: kinds.INT64, values: [1, 2, 3] }, { name: "consent", values: three, ...column }], groups));
const noFile = (name, file) => ({ name: `refused: ${name}`, input: { file }, error: "invalid-format" });
const wholeFile = rows({ logical: kinds.STRING });
await write("consent-file", "Format 41: the documents of a file, as lines and as rows of a Parquet file; documents are not looked into.", [
  { name: "lines", input: { file: hex(utf8(three.join("\n") + "\n")) } },
  { name: "lines without the last line feed", input: { file: hex(utf8(three.join("\n"))) } },
  { name: "one document over several lines", input: { file: hex(utf8('{\n "b": 1,\n "a": [2]\n}\n')) } },
  { name: "nothing", input: { file: "0x" } },
  { name: "rows of String", input: { file: wholeFile } },
  { name: "rows of JSON", input: { file: rows({ logical: kinds.JSON }) } },
  { name: "rows of bytes", input: { file: rows({}) } },
  { name: "rows that might be null", input: { file: rows({ logical: kinds.STRING, optional: true }) } },
  { name: "rows in two groups", input: { file: rows({ logical: kinds.STRING }, [1, 3]) } },
  noFile("a null", rows({ logical: kinds.STRING, optional: true, values: ["a", null, "c"] })),
  noFile("a row of two lines", rows({ values: ["a", "{\n}", "c"] })),
  noFile("a column of numbers", rows({ type: kinds.INT64, values: [1, 2, 3] })),
  noFile("a column of names", rows({ logical: kinds.ENUM })),
  noFile("a column of another name", rows({ name: "Consent" })),
  noFile("two columns of the name", hex(parquet(["consent", "consent"].map((name) => ({ name, values: three }))))),
  noFile("cut short", wholeFile.slice(0, -2)),
  noFile("cut short to its beginning", wholeFile.slice(0, 10)),
]);

const digest = signedCases.en.consentId;
const good = signedCases.en.signature;
const [r, s, v] = [good.slice(2, 66), good.slice(66, 130), good.slice(130)];
const order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const high = (BigInt("0x" + order) - BigInt("0x" + s)).toString(16).padStart(64, "0");
const half = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
const flipped = v === "1b" ? "1c" : "1b";
const zero64 = "00".repeat(32);
const fail = (name, signature) => ({ name, input: { digest, signature: "0x" + signature }, error: "invalid-signature" });
await write("signature", "Every signature: 65 bytes r || s || v, one form only; the account that made it.", [
  { name: "a signature", input: { digest, signature: good } },
  { name: "the same signature of another digest is another account's", input: { digest: h32("digest"), signature: good } },
  { name: "the other v is another account's", input: { digest, signature: "0x" + r + s + flipped } },
  { name: "largest s that counts as low", input: { digest, signature: "0x" + r + half + v } },
  fail("high s with the other v (malleable)", r + high + flipped),
  fail("high s", r + high + v),
  fail("smallest high s", r + half.slice(0, -1) + "1" + v),
  fail("v of 0", r + s + "00"),
  fail("v of 1", r + s + "01"),
  fail("v of 29", r + s + "1d"),
  fail("64 bytes (EIP-2098)", r + s),
  fail("66 bytes", r + s + v + "00"),
  fail("no byte", ""),
  fail("r of 0", zero64 + s + v),
  fail("s of 0", r + zero64 + v),
  fail("r of the order", order + s + v),
  fail("s of the order", r + order + v),
  fail("r beyond the field", "ff".repeat(32) + s + v),
]);

const signed = JSON.parse(signedText);
const receiptInput = { signed, language: "en", issuedAt: 1686701000, collectorKey };
const told = (await outcome("receipt", receiptInput)).expected.document;
const edit = (name, change, error = "invalid-format") => ({ name, input: { document: change(told) }, error });
await write("receipt", "Format 3: the collector's receipt, in ISO/IEC TS 27560 form, over Receipt(consentId, assetId, subject).", [
  { name: "en", input: receiptInput },
  { name: "zh-CN", input: { ...receiptInput, signed: JSON.parse(signedCases["zh-CN"].document), language: "zh-CN" } },
  { name: "as it is kept", input: { document: told } },
  edit("another purpose told", (text) => text.replace('"RECRUITMENT"', '"CREDIT"')),
  edit("another principal told", (text) => text.replace(`"pii_principal_id":"${english.subject}"`, `"pii_principal_id":"${ZERO}"`)),
  edit("another receipt_id told", (text) => text.replace(/"receipt_id":"0x../, '"receipt_id":"0x00')),
  edit("later version", (text) => text.replace(/"version":1}$/, '"version":2}'), "wrong-version"),
  edit("signature too short", (text) => text.replace(/("signature":"0x[0-9a-f]{128})..("(?!.*"signature"))/, "$1$2"), "invalid-signature"),
  edit("another collector named", (text) => text.replaceAll(account(collectorKey), account(otherKey)), "invalid-signature"),
]);

const goodbye = (await outcome("withdrawal", { domain, consentId: digest, subject: english.subject, privateKey: subjectKey })).expected.document;
const ended = (name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: { document: change(goodbye) }, error });
await write("withdrawal", "Format 4: Withdrawal(consentId), signed by the subject.", [
  { name: "a withdrawal", input: { domain, consentId: digest, subject: english.subject, privateKey: subjectKey } },
  { name: "on another chain", input: { domain: { ...domain, chainId: "1" }, consentId: digest, subject: english.subject, privateKey: subjectKey } },
  { name: "as it is sent", input: { document: goodbye } },
  ended("another's name", (text) => text.replace(english.subject, account(otherKey)), "invalid-signature"),
  ended("another consent", (text) => text.replace(digest, h32("other consent")), "invalid-signature"),
  ended("another chain", (text) => text.replace(`"chainId":"${domain.chainId}"`, '"chainId":"1"'), "invalid-signature"),
  ended("another contract", (text) => text.replace(domain.contract, ZERO), "invalid-signature"),
  ended("later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
  ended("another format", (text) => text.replace("deedbook.withdrawal", "deedbook.consent")),
  ended("unknown field", (text) => text.replace('"version":1', '"version":1,"z":1')),
  ended("chainId as a number", (text) => text.replace(`"${domain.chainId}"`, domain.chainId)),
  ended("signature too short", (text) => text.replace(/("signature":"0x[0-9a-f]{128})../, "$1"), "invalid-signature"),
]);

// -- 38: payees

const wanted = {
  consentId: digest, kind: "bank-account", institution: "贵阳银行", account: "6222020200112233", holder: "王秀英", namedAt: 1686702000,
};
const payeeInput = { domain, payee: wanted, subject: english.subject, privateKey: subjectKey };
const named = (await outcome("payee", payeeInput)).expected.document;
const misnamed = (name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: { document: change(named) }, error });
await write("payee", "Format 38: Payee(consentId, kind, institution, account, holder, namedAt), signed by the consent's subject.", [
  { name: "a bank account", input: payeeInput },
  { name: "an e-CNY wallet", input: { ...payeeInput, payee: { ...wanted, kind: "e-cny-wallet", institution: "e-CNY", account: "0062", holder: "W" } } },
  { name: "as it is handed over", input: { document: named } },
  misnamed("another's name", (text) => text.replace(english.subject, account(otherKey)), "invalid-signature"),
  misnamed("another account", (text) => text.replace("6222020200112233", "6222020200112234"), "invalid-signature"),
  misnamed("another consent", (text) => text.replace(digest, h32("other consent")), "invalid-signature"),
  misnamed("another chain", (text) => text.replace(`"chainId":"${domain.chainId}"`, '"chainId":"1"'), "invalid-signature"),
  misnamed("an account with a space", (text) => text.replace("6222020200112233", "6222 0202"), "invalid-input"),
  misnamed("an account of three digits", (text) => text.replace("6222020200112233", "622"), "invalid-input"),
  misnamed("no holder", (text) => text.replace("王秀英", ""), "invalid-input"),
  misnamed("a holder with a hidden character", (text) => text.replace("王秀英", "王\u202e秀英"), "invalid-input"),
  misnamed("an unknown kind", (text) => text.replace("bank-account", "cash")),
  misnamed("namedAt as text", (text) => text.replace('"namedAt":1686702000', '"namedAt":"1686702000"')),
  misnamed("unknown field", (text) => text.replace('"version":1', '"version":1,"z":1')),
  misnamed("later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
  misnamed("signature too short", (text) => text.replace(/("signature":"0x[0-9a-f]{128})../, "$1"), "invalid-signature"),
]);

// -- 40: who asks which payee is kept

const askInput = { domain, consentId: digest, askedAt: 1686702600, subject: english.subject, privateKey: subjectKey };
const asked = (await outcome("payee-request", askInput)).expected.document;
const misasked = (name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: { document: change(asked) }, error });
await write("payee-request", "Format 40: PayeeRequest(consentId, askedAt), signed by the consent's subject.", [
  { name: "a request", input: askInput },
  { name: "as it is handed over", input: { document: asked } },
  misasked("another's name", (text) => text.replace(english.subject, account(otherKey)), "invalid-signature"),
  misasked("another time", (text) => text.replace("1686702600", "1686702601"), "invalid-signature"),
  misasked("another consent", (text) => text.replace(digest, h32("other consent")), "invalid-signature"),
  misasked("another contract", (text) => text.replace(domain.contract, ZERO), "invalid-signature"),
  misasked("another chain", (text) => text.replace(`"chainId":"${domain.chainId}"`, '"chainId":"1"'), "invalid-signature"),
  misasked("askedAt as text", (text) => text.replace('"askedAt":1686702600', '"askedAt":"1686702600"')),
  misasked("unknown field", (text) => text.replace('"version":1', '"version":1,"z":1')),
  misasked("another format", (text) => text.replace("deedbook.payee-request", "deedbook.payee")),
  misasked("later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
  misasked("signature too short", (text) => text.replace(/("signature":"0x[0-9a-f]{128})../, "$1"), "invalid-signature"),
]);

// -- 6 to 8: trees, batches, manifests

const members = Array.from({ length: 8 }, (_, i) => ({ consentId: h32(`consent ${i}`), subject: address(`subject ${i}`) }));
const everyOf = (count) => Array.from({ length: count }, (_, i) => i);
const trees = await write("positional-tree", "Format 6: root and proofs of a batch. `generated`: consentId i = keccak256(u32 i), subject i = its last 20 bytes.", [
  ...[1, 2, 3, 4, 5, 8].map((count) => ({ name: `${count} of ours`, input: { members: members.slice(0, count), proofsOf: everyOf(count) } })),
  { name: "the same consents in another order", input: { members: members.slice(0, 3).reverse(), proofsOf: [0] } },
  { name: "100", input: { generated: 100, proofsOf: [0, 1, 49, 63, 64, 98, 99] } },
  { name: "1000", input: { generated: 1000, proofsOf: [0, 511, 512, 999] } },
]);
const five = trees["5 of ours"];
const at = (index) => ({ leaf: five.proofs[index].leaf, proof: five.proofs[index].proof, count: 5, index, root: five.root });
await write("positional-proof", "Format 6: whether a proof shows a leaf at a position of a batch of `count`.", [
  ...everyOf(5).map((index) => ({ name: `leaf ${index} of 5`, input: at(index) })),
  { name: "alone", input: { leaf: trees["1 of ours"].root, index: 0, count: 1, proof: [], root: trees["1 of ours"].root } },
  { name: "wrong position", input: { ...at(2), index: 3 } },
  { name: "position beyond the count", input: { ...at(4), index: 5 } },
  { name: "padding at its position", input: { leaf: NONE, index: 5, count: 5, proof: [five.proofs[4].leaf, ...five.proofs[4].proof.slice(1)], root: five.root } },
  { name: "proof too short", input: { ...at(0), proof: at(0).proof.slice(1) } },
  { name: "proof too long", input: { ...at(0), proof: [...at(0).proof, NONE] } },
  { name: "count of another depth", input: { ...at(0), count: 4 } },
  { name: "count zero", input: { ...at(0), count: 0 } },
  { name: "a node as a leaf", input: { leaf: five.proofs[2].proof[1], index: 0, count: 2, proof: at(0).proof.slice(2), root: five.root } },
  { name: "another leaf", input: { ...at(1), leaf: at(0).leaf } },
]);

const terms = {
  controller: english.controller, recipient: ZERO, recipientClass: 256, purpose: 1, modes: 32, crossBorder: false,
  noticeHash: english.noticeHash, validFrom: "1686700800", validUntil: "1718323199",
};
const manifests = await write("manifest", "Format 8: RFC 9162 root over the canonical signed consents, in leaf order.", [
  { name: "one", input: { documents: [signedCases["zh-CN"].document] } },
  { name: "three", input: { documents: ["zh-CN", "en", "another subject"].map((name) => signedCases[name].document) } },
]);
const anchored = { terms, manifestHash: manifests.three.manifestHash, assetId: bare.assetId, root: five.root, count: 5 };
await write("batch", "Format 7: termsHash and batchId.", [
  { name: "a batch", input: anchored },
  { name: "a direct grant has no manifest", input: { ...anchored, manifestHash: NONE, count: 1 } },
  { name: "another count", input: { ...anchored, count: 6 } },
  { name: "named recipient across borders", input: { ...anchored, terms: { ...terms, recipient: address("bank"), crossBorder: true } } },
  {
    name: "largest values",
    input: {
      terms: { controller: "0x" + "ff".repeat(20), recipient: "0x" + "ff".repeat(20), recipientClass: 65535, purpose: 65535, modes: 65535, crossBorder: true, noticeHash: "0x" + "ff".repeat(32), validFrom: "18446744073709551615", validUntil: "18446744073709551615" },
      manifestHash: "0x" + "ff".repeat(32), assetId: BIG, root: "0x" + "ff".repeat(32), count: 4294967295,
    },
  },
]);

// The eight leaf inputs of the certificate-transparency test tree (RFC 6962 implementations).
const known = ["0x", "0x00", "0x10", "0x2021", "0x3031", "0x40414243", "0x5051525354555657", "0x606162636465666768696a6b6c6d6e6f"];
const roots = await write("rfc9162-tree", "RFC 9162 trees: roots and inclusion proofs. `known n`: the public RFC 6962 test tree.", [
  ...everyOf(9).map((count) => ({ name: `known ${count}`, input: { leafInputs: known.slice(0, count), proofsOf: everyOf(count) } })),
  { name: "100", input: { leafInputs: everyOf(100).map((i) => hex(uint(i, 4))), proofsOf: [0, 1, 63, 64, 95, 96, 98, 99] } },
]);
if (roots["known 8"].root !== "0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328") throw new Error("RFC 6962 root");
if (roots["known 7"].root !== "0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c") throw new Error("RFC 6962 root");

// -- 42 to 45: logs

const logDomain = { chainId: domain.chainId, contract: address("AnchorLog") };
const entries = everyOf(300);
const logInput = { domain: logDomain, entry: { sale: 7, price: "1.00" }, index: "7", privateKey: collectorKey };
const logged = (await outcome("log-receipt", logInput)).expected.document;
const mislogged = (document, name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: { document: change(document) }, error });
const inLog = { domain: logDomain, exchange: account(collectorKey) };
await write("log-receipt", "Format 42: LogReceipt(exchange, index, leafHash), signed by the exchange.", [
  { name: "a receipt", input: logInput },
  { name: "any JSON is an entry", input: { ...logInput, entry: [null, "甲", 1.5, {}], index: "0" } },
  { name: "the last index", input: { ...logInput, index: "18446744073709551615" } },
  { name: "as it is handed over", input: { document: logged } },
  { name: "in another spelling", input: { document: JSON.stringify(JSON.parse(logged), null, 1) } },
  mislogged(logged, "another leaf", (text) => text.replace(/"leafHash":"0x.{64}/, `"leafHash":"${h32("leaf")}`), "invalid-signature"),
  mislogged(logged, "another index", (text) => text.replace('"index":"7"', '"index":"8"'), "invalid-signature"),
  mislogged(logged, "another exchange", (text) => text.replace(account(collectorKey), account(otherKey)), "invalid-signature"),
  mislogged(logged, "another contract", (text) => text.replace(logDomain.contract, ZERO), "invalid-signature"),
  mislogged(logged, "another chain", (text) => text.replace(`"chainId":"${domain.chainId}"`, '"chainId":"1"'), "invalid-signature"),
  mislogged(logged, "index as a number", (text) => text.replace('"index":"7"', '"index":7')),
  mislogged(logged, "index with a leading zero", (text) => text.replace('"index":"7"', '"index":"07"')),
  mislogged(logged, "index of 65 bits", (text) => text.replace('"index":"7"', '"index":"18446744073709551616"')),
  mislogged(logged, "a leaf of 31 bytes", (text) => text.replace(/("leafHash":"0x.{62})../, "$1")),
  mislogged(logged, "unknown field", (text) => text.replace('"version":1', '"version":1,"z":1')),
  mislogged(logged, "another format", (text) => text.replace("deedbook.log-receipt", "deedbook.log-proof")),
  mislogged(logged, "later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
  mislogged(logged, "signature too short", (text) => text.replace(/("signature":"0x[0-9a-f]{128})../, "$1"), "invalid-signature"),
]);

const anchoredIn = { transaction: h32("transaction"), block: 7 };
const proofInput = (size, index) => ({ ...inLog, entries: entries.slice(0, size), index: String(index), ...anchoredIn });
const proved = (await outcome("log-proof", proofInput(11, 7))).expected.document;
const unproved = (name, change) => ({ name: `does not hold: ${name}`, input: { document: change(proved) } });
await write("log-proof", "Format 43: that a leaf stands in a log as of a checkpoint.", [
  ...[[1, 0], [2, 1], [11, 7], [11, 10], [256, 255], [300, 7], [300, 299]].map(([size, index]) => ({ name: `entry ${index} of ${size}`, input: proofInput(size, index) })),
  unproved("another leaf", (text) => text.replace(/"leafHash":"0x.{64}/, `"leafHash":"${h32("leaf")}`)),
  unproved("another index", (text) => text.replace('"index":"7"', '"index":"6"')),
  unproved("an index beyond", (text) => text.replace('"index":"7"', '"index":"11"')),
  unproved("another size", (text) => text.replace('"size":"11"', '"size":"8"')),
  unproved("no size", (text) => text.replace('"size":"11"', '"size":"0"')),
  unproved("another root", (text) => text.replace(/"root":"0x.{64}/, `"root":"${h32("root")}`)),
  unproved("a node less", (text) => text.replace(/"proof":\["0x.{64}",/, '"proof":[')),
  unproved("a node more", (text) => text.replace('"proof":[', `"proof":["${h32("node")}",`)),
  mislogged(proved, "65 nodes", (text) => text.replace(/"proof":\[[^\]]*/, `"proof":[${everyOf(65).map(() => `"${NONE}"`).join(",")}`)),
  mislogged(proved, "a node of 31 bytes", (text) => text.replace(/("proof":\["0x.{62})../, "$1")),
  mislogged(proved, "no transaction", (text) => text.replace(/,"transaction":"0x.{64}"/, "")),
  mislogged(proved, "later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
]);

const extensionInput = (size, formerSize) => ({ ...inLog, entries: entries.slice(0, size), formerSize: String(formerSize) });
const extended = (await outcome("log-extension", extensionInput(11, 7))).expected.document;
const unextended = (name, change) => ({ name: `does not hold: ${name}`, input: { document: change(extended) } });
await write("log-extension", "Format 44: that a log goes on from an earlier size.", [
  ...[[1, 1], [2, 1], [11, 7], [11, 8], [256, 255], [300, 256], [300, 299]].map(([size, former]) => ({ name: `from ${former} to ${size}`, input: extensionInput(size, former) })),
  unextended("another former root", (text) => text.replace(/"formerRoot":"0x.{64}/, `"formerRoot":"${h32("root")}`)),
  unextended("another root", (text) => text.replace(/"root":"0x.{64}/, `"root":"${h32("root")}`)),
  unextended("from nothing", (text) => text.replace('"formerSize":"7"', '"formerSize":"0"')),
  unextended("back", (text) => text.replace('"formerSize":"7"', '"formerSize":"12"')),
  unextended("a node more", (text) => text.replace('"proof":[', `"proof":["${h32("node")}",`)),
  mislogged(extended, "66 nodes", (text) => text.replace(/"proof":\[[^\]]*/, `"proof":[${everyOf(66).map(() => `"${NONE}"`).join(",")}`)),
  mislogged(extended, "later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
]);

await write("log-tiles", "Format 45: SHA-256 of the tiles of a log whose entries are the numbers 0, 1, 2 ...", [1, 255, 256, 257, 700].map((size) => ({ name: `${size} entries`, input: { size } })));
const atPath = (level, position, width) => ({ name: `level ${level}, position ${position}, width ${width}`, input: { level, position, width } });
const misplaced = (path) => ({ name: `refused: ${path}`, input: { path }, error: "invalid-input" });
await write("log-tile-path", "Format 45: where a tile stands.", [
  atPath(0, "0", 256), atPath(0, "999", 1), atPath(1, "1000", 255), atPath(7, "1234067", 256), atPath(63, "9223372036854775807", 256),
  { name: "read", input: { path: "0/x001/x234/067.p/112" } },
  ...["0/x000/067", "0/67", "0/0067", "00/000", "64/000", "0/000.p/0", "0/000.p/256", "0/000.p/07", "0/x001", "entries/000", "", "0/000/"].map(misplaced),
]);

const noteInput = { domain: logDomain, size: "300", root: h32("root"), privateKey: collectorKey };
const { note } = (await outcome("log-checkpoint", noteInput)).expected;
const misnoted = (name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: { ...inLog, note: change(note) }, error });
await write("log-checkpoint", "Format 45: a checkpoint as its exchange signs it.", [
  { name: "a checkpoint", input: noteInput },
  { name: "the largest size", input: { ...noteInput, size: "18446744073709551615" } },
  { name: "as it is served", input: { ...inLog, note } },
  misnoted("another size", (text) => text.replace("\n300\n", "\n301\n"), "invalid-signature"),
  misnoted("a size of 65 bits", (text) => text.replace("\n300\n", "\n18446744073709551616\n")),
  misnoted("a size with a leading zero", (text) => text.replace("\n300\n", "\n0300\n")),
  misnoted("another log", (text) => text.replaceAll(logDomain.contract, ZERO)),
  misnoted("another key", (text) => text.replace(/(— \S+ )..../, "$1AAAA")),
  misnoted("no signature", (text) => text.replace(/— .*\n/, "")),
  misnoted("two signatures", (text) => text + text.match(/— .*\n/)[0]),
  misnoted("no end of line", (text) => text.trimEnd()),
]);

// -- 9 to 11: assets, offers, sales

const version = { contentRoot: h32("content"), recordCount: 500, descriptorHash: h32("descriptor") };
const registered = { chainId: domain.chainId, dataAssets: address("DataAssets"), registrant: address("provider"), salt: h32("asset salt"), version };
await write("asset", "Format 9: assetId and versionKey.", [
  { name: "an asset", input: registered },
  { name: "another registrant", input: { ...registered, registrant: address("other provider") } },
  { name: "another salt", input: { ...registered, salt: NONE } },
  { name: "another chain", input: { ...registered, chainId: "1" } },
  { name: "another version", input: { ...registered, version: { ...version, recordCount: 499 } } },
]);

const offer = {
  format: "deedbook.offer", version: 1, provider: address("provider"), assetId: bare.assetId, assetVersion: 1,
  versionKey: h32("version key"), mode: 32, purpose: 1,
  price: { data: "1200000", algorithm: "0", compute: "50000", service: "50000", currency: "CNY" },
  split: {
    exchange: address("exchange"), exchangeBps: 500, providerBps: 3000, subjectsBps: 6000,
    intermediaries: [{ account: address("broker"), bps: 300 }, { account: address("appraiser"), bps: 200 }],
  },
  termsHash: h32("terms"), policyHash: h32("policy"), quota: "0", term: "31536000", validUntil: "1700000000",
  conditions: { buyerClass: 256, jurisdictions: [156, 344] },
  sandbox: { on: true, end: "1690000000", maxOrders: 10, maxPrice: "5000000", buyers: [address("buyer 1"), address("buyer 2")] },
  salt: h32("offer salt"),
};
const plainOffer = {
  ...offer,
  split: { ...offer.split, providerBps: 9500, subjectsBps: 0, intermediaries: [] },
  conditions: { buyerClass: 0, jurisdictions: [] },
  sandbox: { on: false, end: "0", maxOrders: 0, maxPrice: "0", buyers: [] },
};
const ordered = { chainId: domain.chainId, market: address("Market"), offer, buyer: address("buyer 1"), reference: h32("reference") };
await write("offer", "Format 10: offerId (over the whole dynamic offer) and saleId.", [
  { name: "every part", input: ordered },
  { name: "empty arrays", input: { ...ordered, offer: plainOffer } },
  { name: "another market", input: { ...ordered, market: address("other Market") } },
  { name: "another reference", input: { ...ordered, reference: NONE } },
  {
    name: "largest values",
    input: {
      ...ordered,
      chainId: BIG,
      offer: {
        ...offer, assetId: BIG, assetVersion: 4294967295, quota: "18446744073709551615", term: "18446744073709551615",
        validUntil: "18446744073709551615", mode: 65535,
        price: { ...offer.price, data: "340282366920938463463374607431768211455" },
        split: { ...offer.split, intermediaries: Array.from({ length: 8 }, (_, i) => ({ account: address(`broker ${i}`), bps: 65535 })) },
        sandbox: { ...offer.sandbox, buyers: Array.from({ length: 64 }, (_, i) => address(`buyer ${i}`)) },
      },
    },
  },
  { name: "currency in lower case", input: { ...ordered, offer: { ...offer, price: { ...offer.price, currency: "cny" } } }, error: "invalid-input" },
  { name: "price as a number", input: { ...ordered, offer: { ...offer, price: { ...offer.price, data: 1200000 } } }, error: "invalid-format" },
  { name: "price over 128 bits", input: { ...ordered, offer: { ...offer, price: { ...offer.price, data: BIG } } }, error: "invalid-format" },
  { name: "quota over 64 bits", input: { ...ordered, offer: { ...offer, quota: "18446744073709551616" } }, error: "invalid-format" },
  { name: "provider of 19 bytes", input: { ...ordered, offer: { ...offer, provider: offer.provider.slice(0, 40) } }, error: "invalid-format" },
  { name: "later version", input: { ...ordered, offer: { ...offer, version: 2 } }, error: "wrong-version" },
  { name: "salt missing", input: { ...ordered, offer: without(offer, "salt") }, error: "invalid-format" },
]);

const fair = { exchange: 500, provider: 3000, subjects: 6000, intermediaries: [300, 200] };
const settled = { price: "1300001", carryIn: "0", split: fair, deliveredCount: 500, hasPool: true };
await write("settlement", "Revenue: shares of a sale in minor units; the split in basis points.", [
  { name: "500 people", input: settled },
  { name: "with a carry", input: { ...settled, carryIn: "499" } },
  { name: "one person", input: { ...settled, deliveredCount: 1 } },
  { name: "more people than money", input: { ...settled, price: "100" } },
  { name: "nothing paid", input: { ...settled, price: "0", carryIn: "7" } },
  { name: "without a pool", input: { ...settled, carryIn: "11", deliveredCount: 0, hasPool: false, split: { ...fair, provider: 9000, subjects: 0 } } },
  { name: "without a pool, to 500 firms", input: { ...settled, carryIn: "11", hasPool: false, split: { ...fair, provider: 9000, subjects: 0 } } },
  { name: "largest price", input: { ...settled, price: "340282366920938463463374607431768211455", deliveredCount: 10000000 } },
  { name: "no people, but a pool", input: { ...settled, deliveredCount: 0 }, error: "invalid-input" },
  { name: "shares over the whole", input: { ...settled, split: { ...fair, provider: 9500 } }, error: "invalid-input" },
]);

await write("case", "caseId of Cases.", [
  { name: "an objection", input: { target: h32("target"), kind: 1, opener: address("opener"), documentHash: h32("document") } },
]);
await write("identity", "Membership: the salted commitment to a legal identity.", [
  { name: "a firm", input: { salt: h32("identity salt"), identity: { name: "贵阳简历数据有限公司", code: "91520100MA6XXXXXXX" } } },
]);
const descriptor = {
  format: "deedbook.descriptor", version: 1, language: "en", title: "Resumes 1988", description: "Wages, schooling and experience.",
  kind: 1,
  fields: [
    { name: "wage", type: "decimal", unit: "USD", description: "Weekly wage." },
    { name: "education", type: "integer", unit: "a", description: "Years of schooling." },
    { name: "name", type: "text", unit: "", description: "Synthetic name." },
  ],
  period: { from: 573177600, until: 575855999 }, source: "US Census Bureau, Current Population Survey, March 1988",
  quality: { completeness: "1" }, recordCount: 500, size: 272500,
};
await write("descriptor", "The public descriptor of a version: canonical bytes and hash.", [
  { name: "resumes", input: { descriptor } },
  { name: "no field", input: { descriptor: { ...descriptor, fields: [] } }, error: "invalid-input" },
  { name: "two fields of one name", input: { descriptor: { ...descriptor, fields: [descriptor.fields[0], descriptor.fields[0]] } }, error: "invalid-input" },
  { name: "type unknown", input: { descriptor: { ...descriptor, fields: [{ ...descriptor.fields[0], type: "float" }] } }, error: "invalid-input" },
  { name: "field unknown", input: { descriptor: { ...descriptor, price: 1 } }, error: "invalid-format" },
  { name: "later version", input: { descriptor: { ...descriptor, version: 2 } }, error: "wrong-version" },
]);

// -- 12: journal

const logs = [
  { blockNumber: 1, topics: [h32("topic 0"), h32("topic 1")], data: "0x" },
  { blockNumber: 1, topics: [h32("topic 0")], data: "0x" + "01".repeat(64) },
  { blockNumber: 20230614, topics: ["topic 0", "topic 1", "topic 2", "topic 3"].map(h32), data: "0xff" },
];
await write("journal", "Format 12: the head after each log; `head` before the first one (zero where absent).", [
  { name: "three logs", input: { logs } },
  { name: "reordered", input: { logs: [logs[1], logs[0], logs[2]] } },
  { name: "one left out", input: { logs: [logs[0], logs[2]] } },
  { name: "no topic, no data", input: { logs: [{ blockNumber: 0, topics: [], data: "0x" }] } },
  { name: "from a head", input: { logs: [logs[2]], head: h32("head") } },
]);
await write("journal-slots", "Format 12: the storage slots of a contract's head and of an entity's.", [
  { name: "an asset", input: { entity: h32("asset") } },
  { name: "an account", input: { entity: "0x" + "00".repeat(12) + address("account").slice(2) } },
  { name: "zero", input: { entity: NONE } },
]);
const [target, saleId, who] = [h32("target"), h32("sale"), address("account")];
const entity = (contract, event, args) => ({ name: `${contract}.${event}`, input: { contract, event, args } });
await write("journal-entities", "Formats 11 and 12: the entities that an event's log is folded into.", [
  ...["ParticipantAdmitted", "ParticipantChanged", "ParticipantSuspended", "ParticipantReinstated", "ParticipantExpelled", "EncryptionKeyRegistered"].map((event) => entity("Membership", event, { account: who })),
  ...["CaseOpened", "CaseDecided", "TargetHeld", "TargetReleased"].map((event) => entity("Cases", event, { target })),
  ...["Attested", "AttestationCorrected", "AttestationWithdrawn"].map((event) => entity("Attestations", event, { target })),
  ...["AssetRegistered", "VersionPublished", "AssetCancelled"].map((event) => entity("DataAssets", event, { assetId: bare.assetId })),
  ...["Transfer", "Approval"].map((event) => entity("DataAssets", event, { tokenId: bare.assetId })),
  entity("DataAssets", "ApprovalForAll", { owner: who }),
  ...["BatchGranted", "ConsentGranted", "BatchBound", "BindingClosed", "LeafEnded", "LeafChallenged", "WithdrawalMarked", "WithdrawalResolved"].map((event) => entity("Consents", event, { assetId: bare.assetId })),
  ...["OfferListed", "OfferClosed"].map((event) => entity("Market", event, { assetId: bare.assetId })),
  entity("Market", "SaleOrdered", { saleId, assetId: bare.assetId }),
  ...["SalePaid", "SalePrepared", "SaleDelivered", "SaleAccepted", "SaleCancelled", "SaleRefunded"].map((event) => entity("Market", event, { saleId })),
  entity("Market", "PolicySet", { kind: 1, grade: 1 }),
  { name: "Market.PolicySet of another grade", input: { contract: "Market", event: "PolicySet", args: { kind: 4, grade: 2 } } },
  entity("Revenue", "SaleSettled", { saleId, assetId: bare.assetId }),
  entity("Revenue", "PayoutConfirmed", { saleId }),
  entity("Market", "AuthorityUpdated", {}),
  { name: "a contract without a journal", input: { contract: "AccessManager", event: "RoleGranted", args: {} }, error: "invalid-input" },
  ...["DeploymentSucceeded", "DeploymentClosing"].map((event) => entity("Membership", event, {})),
  ...["AssetChanged", "RightGranted", "RightEnded"].map((event) => entity("DataAssets", event, { assetId: bare.assetId })),
  ...["SaleDisputed", "DisputeDecided"].map((event) => entity("Market", event, { saleId })),
  ...["OrdinalsDeferred", "DeferredPayoutConfirmed", "PaymentsBounced", "RefundConfirmed"].map((event) => entity("Revenue", event, { saleId })),
  entity("Usage", "UsageReported", { saleId }),
  entity("AnchorLog", "CheckpointAnchored", { exchange: who }),
]);

// -- 13 to 18: records, key trees, units, covers, envelopes, wrapped keys

const records = {
  "a person": { name: "李小满", education: 12, wage: "354.94", married: true, note: null },
  "empty": {},
  "keys beyond ASCII": { "工资": "1", "€": "2", "𠮷": "3", "\r": "4", "1": "5" },
};
const plainRecord = `{"format":"deedbook.record","record":{"a":1},"salt":"${h32("record salt")}","version":1}`;
const unsealed = (name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: { plaintext: change(plainRecord) }, error });
await write("record", "Format 13: the salted commitment to a record.", Object.entries(records).map(([name, record]) => ({ name, input: { salt: h32("record salt"), record } })).concat([
  { name: "as it is sealed", input: { plaintext: plainRecord } },
  unsealed("later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
  unsealed("version as text", (text) => text.replace('"version":1', '"version":"1"'), "wrong-version"),
  unsealed("another format", (text) => text.replace("deedbook.record", "deedbook.notice")),
  unsealed("unknown field", (text) => text.replace('"version":1', '"version":1,"z":1')),
  unsealed("no salt", (text) => text.replace(/"salt":"0x[0-9a-f]{64}",/, "")),
  unsealed("a salt of 31 bytes", (text) => text.replace(/("salt":"0x[0-9a-f]{62})../, "$1")),
  unsealed("a record that is no object", (text) => text.replace('{"a":1}', "[]")),
  unsealed("not canonical", (text) => text.replace('"a":1', '"a": 1')),
]));

await write("key-tree-label", "Format 14: the labels of derivations.", [
  { name: "left child on level 1", input: { use: 1, level: 1, branch: 0 } },
  { name: "right child on level 20", input: { use: 1, level: 20, branch: 1 } },
  { name: "record key at depth 9", input: { use: 2, level: 9, branch: 0 } },
  { name: "commitment at depth 0", input: { use: 3, level: 0, branch: 0 } },
]);
const rootSeed = h32("root seed");
await write("key-tree", "Format 14: seeds, record keys and commitments of leaves.", [
  { name: "1 record", input: { rootSeed, recordCount: 1, indices: [0] } },
  { name: "2 records", input: { rootSeed, recordCount: 2, indices: [0, 1] } },
  { name: "5 records", input: { rootSeed, recordCount: 5, indices: [0, 1, 2, 3, 4] } },
  { name: "500 records", input: { rootSeed, recordCount: 500, indices: [0, 255, 256, 499] } },
  { name: "1000000 records", input: { rootSeed, recordCount: 1000000, indices: [0, 524287, 524288, 999999] } },
  { name: "another root", input: { rootSeed: NONE, recordCount: 5, indices: [3] } },
]);

const place = { assetId: bare.assetId, version: 1, index: 7, consentId: digest };
const sealing = { leafSeed: h32("leaf seed"), depth: 9, place, salt: h32("record salt"), record: records["a person"] };
const unit = (await outcome("unit", sealing)).expected.unit;
const reopened = (change) => ({ leafSeed: sealing.leafSeed, depth: 9, place, unit, ...change });
const flip = (text, position) => text.slice(0, 2 + 2 * position) + (Number.parseInt(text.substr(2 + 2 * position, 2), 16) ^ 1).toString(16).padStart(2, "0") + text.slice(4 + 2 * position);
await write("unit", "Formats 13 and 15: sealed units.", [
  { name: "a record", input: sealing },
  { name: "a record that fills its block but for the mark", input: { ...sealing, record: { text: "x".repeat(256 - 143) } } },
  { name: "a record of a whole block", input: { ...sealing, record: { text: "x".repeat(256 - 142) } } },
  { name: "a record of several blocks", input: { ...sealing, record: { text: "简".repeat(500) } } },
  { name: "opened again", input: reopened({}) },
  { name: "another consent", input: reopened({ place: { ...place, consentId: h32("other") } }), error: "seal-broken" },
  { name: "another index", input: reopened({ place: { ...place, index: 8 } }), error: "seal-broken" },
  { name: "another version", input: reopened({ place: { ...place, version: 2 } }), error: "seal-broken" },
  { name: "another asset", input: reopened({ place: { ...place, assetId: "7" } }), error: "seal-broken" },
  { name: "another seed", input: reopened({ leafSeed: h32("other seed") }), error: "seal-broken" },
  { name: "another depth", input: reopened({ depth: 10 }), error: "seal-broken" },
  { name: "commitment changed", input: reopened({ unit: flip(unit, 1) }), error: "seal-broken" },
  { name: "ciphertext changed", input: reopened({ unit: flip(unit, 40) }), error: "seal-broken" },
  { name: "tag changed", input: reopened({ unit: flip(unit, unit.length / 2 - 2) }), error: "seal-broken" },
  { name: "later version of the form", input: reopened({ unit: "0x02" + unit.slice(4) }), error: "seal-broken" },
  { name: "cut short", input: reopened({ unit: unit.slice(0, 80) }), error: "seal-broken" },
  { name: "empty, as of a withdrawn person", input: reopened({ unit: "0x" }), error: "seal-broken" },
]);
await write("content-root", "Format 15: RFC 9162 root over the SHA-256 of the units; a withdrawn person's is empty.", [
  { name: "one", input: { units: [unit] } },
  { name: "three, one withdrawn", input: { units: [unit, "0x", "0x010203"] } },
]);

const tree = (recordCount, excluded, ordinalsOf = []) => ({ recordCount, excluded, ordinalsOf });
const sets = [
  { name: "1, all", input: tree(1, [], [0]) },
  { name: "1, none", input: tree(1, [0]) },
  { name: "2, second", input: tree(2, [0], [1]) },
  { name: "5, all", input: tree(5, [], [0, 4]) },
  { name: "5 without the last", input: tree(5, [4], [3]) },
  { name: "5 without the first", input: tree(5, [0], [1, 4]) },
  { name: "6 without two", input: tree(6, [1, 4], [0, 2, 3, 5]) },
  { name: "8 without every other", input: tree(8, [0, 2, 4, 6], [1, 7]) },
  { name: "500 without ten", input: tree(500, [0, 1, 63, 64, 128, 200, 255, 256, 300, 499], [2, 498]) },
  { name: "1000, the last only", input: tree(1000, everyOf(999), [999]) },
];
const covers = await expectedOf("cover", sets);
const spelled = (count, nodes, { magic = "4442435601", depth = undefined, more = "" } = {}) => {
  const levels = depth ?? (count <= 1 ? 0 : (count - 1).toString(2).length);
  const body = nodes.map(([level, position]) => hex(uint(level, 1)).slice(2) + hex(uint(position, 8)).slice(2)).join("");
  return { encoded: "0x" + magic + hex(uint(levels, 1)).slice(2) + hex(uint(count, 8)).slice(2) + hex(uint(nodes.length, 4)).slice(2) + body + more };
};
const refused = (name, input, error = "invalid-format") => ({ name: `refused: ${name}`, input, error });
await write("cover", "Format 16: the one cover of all records but `excluded`; other spellings are refused.", [
  ...sets,
  { name: "index beyond the count", input: tree(5, [5]), error: "invalid-input" },
  { name: "read again", input: { encoded: covers["500 without ten"].encoded } },
  { name: "read again: none", input: { encoded: covers["1, none"].encoded } },
  refused("two children for their parent", spelled(8, [[3, 0], [3, 1]])),
  refused("a leaf whose sibling is padding", spelled(5, [[1, 0], [3, 4]])),
  refused("only padding below", spelled(5, [[1, 0], [3, 5]])),
  refused("out of order", spelled(8, [[3, 3], [3, 0]])),
  refused("overlapping", spelled(8, [[1, 0], [2, 1]])),
  refused("twice", spelled(8, [[3, 0], [3, 0]])),
  refused("below the leaves", spelled(8, [[4, 0]])),
  refused("position beyond its level", spelled(8, [[2, 4]])),
  refused("depth of another count", spelled(8, [[0, 0]], { depth: 4 })),
  refused("no record", spelled(0, [])),
  refused("other magic", spelled(8, [[0, 0]], { magic: "4442454e01" })),
  refused("later version", spelled(8, [[0, 0]], { magic: "4442435602" }), "wrong-version"),
  refused("bytes left over", spelled(8, [[0, 0]], { more: "00" })),
  refused("node cut short", { encoded: covers["5 without the last"].encoded.slice(0, -2) }),
  refused("no byte", { encoded: "0x" }),
]);
const fiveSeeds = (await outcome("cover-seeds", { rootSeed, recordCount: 5, excluded: [1] })).expected.seeds;
const seeds = await write("cover-seeds", "Format 16: a cover with the seeds of its nodes, as an envelope holds them.", [
  { name: "everyone", input: { rootSeed, recordCount: 500, excluded: [] } },
  { name: "500 without three", input: { rootSeed, recordCount: 500, excluded: [0, 250, 499] } },
  { name: "no one", input: { rootSeed, recordCount: 5, excluded: [0, 1, 2, 3, 4] } },
  { name: "read back", input: { encoded: fiveSeeds } },
  { name: "refused: a seed cut short", input: { encoded: fiveSeeds.slice(0, -2) }, error: "invalid-format" },
  { name: "refused: a seed too few", input: { encoded: fiveSeeds.slice(0, -64) }, error: "invalid-format" },
  { name: "refused: a byte left over", input: { encoded: fiveSeeds + "00" }, error: "invalid-format" },
  { name: "refused: no cover", input: { encoded: flip(fiveSeeds, 0) }, error: "invalid-format" },
  { name: "refused: a later version", input: { encoded: fiveSeeds.slice(0, 10) + "02" + fiveSeeds.slice(12) }, error: "wrong-version" },
  { name: "refused: no byte", input: { encoded: "0x" }, error: "invalid-format" },
]);

const suites = { "X25519": [0x0020, h32("public key")], "hybrid": [0x647a, "0x" + "5a".repeat(1216)] };
await write("encryption-key", "Format 17: the commitment to a member's encryption key.", Object.entries(suites).map(([name, [suite, publicKey]]) => ({ name, input: { suite, publicKey } })));
const context = { chainId: domain.chainId, market: address("Market"), saleId, versionKey: h32("version key") };
const posted = { recipientPrivateKey: h32("recipient key"), ephemeralPrivateKey: h32("ephemeral key"), context, seeds: seeds["500 without three"].seeds };
const { envelope } = (await outcome("envelope", posted)).expected;
const opened = (change) => ({ recipientPrivateKey: posted.recipientPrivateKey, context, envelope, ...change });
await write("envelope", "Format 17: key envelopes with X25519 (RFC 9180). `ephemeralPrivateKey` fixes what is random in use.", [
  { name: "500 without three", input: posted },
  { name: "everyone", input: { ...posted, seeds: seeds.everyone.seeds } },
  { name: "opened again", input: opened({}) },
  { name: "another sale", input: opened({ context: { ...context, saleId: h32("other sale") } }), error: "seal-broken" },
  { name: "another version key", input: opened({ context: { ...context, versionKey: NONE } }), error: "seal-broken" },
  { name: "another market", input: opened({ context: { ...context, market: ZERO } }), error: "seal-broken" },
  { name: "another chain", input: opened({ context: { ...context, chainId: "1" } }), error: "seal-broken" },
  { name: "another key", input: opened({ recipientPrivateKey: h32("other recipient") }), error: "seal-broken" },
  { name: "encapsulation changed", input: opened({ envelope: flip(envelope, 8) }), error: "seal-broken" },
  { name: "ciphertext changed", input: opened({ envelope: flip(envelope, 60) }), error: "seal-broken" },
  { name: "other magic", input: opened({ envelope: flip(envelope, 0) }), error: "invalid-format" },
  { name: "later version", input: opened({ envelope: envelope.slice(0, 10) + "02" + envelope.slice(12) }), error: "wrong-version" },
  { name: "unknown suite", input: opened({ envelope: envelope.slice(0, 12) + "0010" + envelope.slice(16) }), error: "invalid-format" },
  { name: "cut short", input: opened({ envelope: envelope.slice(0, 12) }), error: "invalid-format" },
]);
const hybrid = { recipientPrivateKey: h32("recipient key"), encapsulationSeed: h32("message") + h32("ephemeral key").slice(2), context, seeds: seeds["500 without three"].seeds };
const sealedHybrid = (await outcome("envelope-hybrid", hybrid)).expected.envelope;
const openedHybrid = (change) => ({ recipientPrivateKey: hybrid.recipientPrivateKey, context, envelope: sealedHybrid, ...change });
await write("envelope-hybrid", "Format 17: key envelopes with ML-KEM-768 and X25519. `encapsulationSeed` fixes what is random in use.", [
  { name: "500 without three", input: hybrid },
  { name: "everyone", input: { ...hybrid, seeds: seeds.everyone.seeds } },
  { name: "opened again", input: openedHybrid({}) },
  { name: "another sale", input: openedHybrid({ context: { ...context, saleId: h32("other sale") } }), error: "seal-broken" },
  { name: "another key", input: openedHybrid({ recipientPrivateKey: h32("other recipient") }), error: "seal-broken" },
  { name: "lattice ciphertext changed", input: openedHybrid({ envelope: flip(sealedHybrid, 500) }), error: "seal-broken" },
  { name: "point changed", input: openedHybrid({ envelope: flip(sealedHybrid, 1100) }), error: "seal-broken" },
  { name: "ciphertext changed", input: openedHybrid({ envelope: flip(sealedHybrid, 1200) }), error: "seal-broken" },
  { name: "cut short", input: openedHybrid({ envelope: sealedHybrid.slice(0, 2 + 2 * 1142) }), error: "invalid-format" },
]);
const underKeys = { payloadId: h32("payload"), epoch: 1, generation: 1, kek: h32("kek") };
const keptKeys = {
  ...underKeys,
  ...(await outcome("key-wrap", { ...underKeys, payloadKey: h32("payload key"), seeds: fiveSeeds, seedsNonce: "0x" + "01".repeat(12), wrapNonce: "0x" + "02".repeat(12) })).expected,
};
const unwrapped = (name, change) => ({ name: `refused: ${name}`, input: { ...keptKeys, ...change }, error: "seal-broken" });
await write("key-wrap", "Format 18: seeds under a payload key, a payload key under a key-encryption key.", [
  {
    name: "epoch 1, generation 1",
    input: {
      payloadId: h32("payload"), epoch: 1, generation: 1, payloadKey: h32("payload key"), kek: h32("kek"),
      seeds: seeds["500 without three"].seeds, seedsNonce: "0x" + "01".repeat(12), wrapNonce: "0x" + "02".repeat(12),
    },
  },
  {
    name: "epoch 2, generation 3",
    input: {
      payloadId: h32("payload"), epoch: 2, generation: 3, payloadKey: h32("payload key 2"), kek: h32("kek 3"),
      seeds: seeds["no one"].seeds, seedsNonce: "0x" + "03".repeat(12), wrapNonce: "0x" + "04".repeat(12),
    },
  },
  { name: "opened again", input: keptKeys },
  unwrapped("another key-encryption key", { kek: h32("kek 3") }),
  unwrapped("another generation", { generation: 2 }),
  unwrapped("another epoch", { epoch: 2 }),
  unwrapped("another payload", { payloadId: h32("other payload") }),
  unwrapped("wrapped key changed", { wrappedKey: flip(keptKeys.wrappedKey, 20) }),
  unwrapped("sealed seeds changed", { sealedSeeds: flip(keptKeys.sealedSeeds, 20) }),
  unwrapped("wrapped key cut short", { wrappedKey: keptKeys.wrappedKey.slice(0, 24) }),
  unwrapped("sealed seeds cut short", { sealedSeeds: keptKeys.sealedSeeds.slice(0, 50) }),
]);

// -- 19 to 22 and what all of them are written with

await write("table-digest", "Format 19: the digest of a table's canonical rows.", [
  { name: "no row", input: { rows: [] } },
  { name: "two rows", input: { rows: [[1, "0x00", "7", true, null], [2, "0xff", BIG, false, "工资"]] } },
  { name: "rights (version 2)", input: { rows: [
    [h32("asset"), address("operator"), 3, address("grantor"), 34, 2, "18446744073709551615", h32("licence"), 7, 0, h32("tx"), null, null, null],
    [h32("asset"), address("processor"), 2, address("holder"), 63, 65535, "1700000000", h32("licence"), 7, 1, h32("tx"), address("holder"), h32("end"), 9],
  ].sort((one, other) => (one[1] < other[1] ? -1 : 1)) } },
  { name: "deferred lists (version 2)", input: { rows: [
    [h32("sale"), 1, 0, 0, 4, h32("root"), 2, 2, 12, 0, h32("tx")],
    [h32("sale"), 2, 1, 0, 2, h32("root"), 1, 0, 13, 3, h32("tx")],
  ] } },
]);
await write("wallet", "Format 21: the private key of a seed for one asset on one chain.", [
  { name: "an asset", input: { seed: h32("wallet seed"), chainId: domain.chainId, assetId: bare.assetId } },
  { name: "another asset", input: { seed: h32("wallet seed"), chainId: domain.chainId, assetId: "0" } },
  { name: "another chain", input: { seed: h32("wallet seed"), chainId: "1", assetId: bare.assetId } },
  { name: "another seed", input: { seed: NONE, chainId: domain.chainId, assetId: bare.assetId } },
]);

const homes = {
  "another format": ['{"format":"other","version":1}', "invalid-format"],
  "a later version": ['{"format":"deedbook.home","version":2}', "wrong-version"],
  "not JSON": ["{", "invalid-format"],
  "an unknown field": ['{"format":"deedbook.home","version":1,"x":1}', "invalid-format"],
  "a duplicate key": ['{"format":"deedbook.home","version":1,"version":1}', "invalid-format"],
  "a version with a fraction": ['{"format":"deedbook.home","version":1.0}', "wrong-version"],
  "a version as text": ['{"format":"deedbook.home","version":"1"}', "wrong-version"],
  "a truth value for a version": ['{"format":"deedbook.home","version":true}', "wrong-version"],
  "a byte order mark": ['\ufeff{"format":"deedbook.home","version":1}', "invalid-format"],
};
await write("home", "Format 22: home.json; JSON, canonical or not.", [
  { name: "a home", input: { document: '{"format":"deedbook.home","version":1}' } },
  { name: "indented", input: { document: '{\n  "format": "deedbook.home",\n  "version": 1\n}\n' } },
  ...Object.entries(homes).map(([name, [document, error]]) => ({ name: `refused: ${name}`, input: { document }, error })),
]);

const threeUnits = [0, 1, 2].map((i) => (i === 1 ? "0x" : hex(utf8(`unit ${i}`))));
const keptObject = {
  assetId: bare.assetId, version: 1, count: 3,
  contentRoot: (await outcome("content-root", { units: threeUnits })).expected.contentRoot,
  object: (await outcome("payload-object", { assetId: bare.assetId, version: 1, units: threeUnits })).expected.object,
};
const damaged = (name, change, error) => ({ name: `refused: ${name}`, input: { ...keptObject, ...change }, error });
await write("payload-object", "Format 23: a payload as one object, and its identifier.", [
  ...[1, 2, 3, 5, 8].map((count) => ({
    name: `${count} units`,
    input: { assetId: bare.assetId, version: count, units: everyOf(count).map((i) => (i === 1 ? "0x" : hex(utf8(`unit ${i}`)))) },
  })),
  { name: "read back", input: keptObject },
  damaged("cut short", { object: keptObject.object.slice(0, -2) }, "corrupt-store"),
  damaged("a byte left over", { object: keptObject.object + "00" }, "corrupt-store"),
  damaged("only a head", { object: keptObject.object.slice(0, 2 + 2 * 49) }, "corrupt-store"),
  damaged("another asset", { assetId: "1" }, "corrupt-store"),
  damaged("another version", { version: 2 }, "corrupt-store"),
  damaged("a later form", { object: keptObject.object.slice(0, 10) + "02" + keptObject.object.slice(12) }, "corrupt-store"),
  damaged("another content root", { contentRoot: h32("root") }, "seal-broken"),
  damaged("a hash changed", { object: flip(keptObject.object, 49 + 8 * 4) }, "seal-broken"),
  damaged("a unit changed", { object: flip(keptObject.object, keptObject.object.length / 2 - 2) }, "seal-broken"),
  damaged("an offset before the units", { object: keptObject.object.slice(0, 100) + "00".repeat(8) + keptObject.object.slice(116) }, "corrupt-store"),
  damaged("an offset behind the object", { object: keptObject.object.slice(0, 116) + "ff".repeat(8) + keptObject.object.slice(132) }, "corrupt-store"),
]);
const kept = (await outcome("kek-file", { generation: 1, key: h32("kek") })).expected.file;
await write("kek-file", "Format 24: a key-encryption key in a file.", [
  { name: "generation 1", input: { generation: 1, key: h32("kek") } },
  { name: "generation 4294967295", input: { generation: 4294967295, key: h32("kek 3") } },
  { name: "read back", input: { generation: 1, file: kept } },
  ...Object.entries({
    "another generation": { generation: 2, file: kept },
    "a key changed": { generation: 1, file: flip(kept, 20) },
    "a check changed": { generation: 1, file: flip(kept, 45) },
    "a later version": { generation: 1, file: kept.slice(0, 10) + "02" + kept.slice(12) },
    "cut short": { generation: 1, file: kept.slice(0, -2) },
    "a byte left over": { generation: 1, file: kept + "00" },
    "no byte": { generation: 1, file: "0x" },
  }).map(([name, input]) => ({ name: `refused: ${name}`, input, error: "corrupt-store" })),
]);
await write("kek-environment", "Format 24: a key-encryption key derived from a secret of the environment.", [
  { name: "generation 1", input: { secret: h32("secret"), generation: 1 } },
  { name: "generation 2", input: { secret: h32("secret"), generation: 2 } },
]);
const book = { passphrase: "correct horse 电池", logN: 10, salt: "0x" + "07".repeat(16), nonce: "0x" + "08".repeat(12) };
const bookFile = (await outcome("seed-book", { ...book, seeds: { a: h32("wallet seed") } })).expected.file;
const opening = (change) => ({ passphrase: book.passphrase, file: bookFile, ...change });
await write("seed-book", "Format 25: a seed book.", [
  { name: "empty", input: { ...book, seeds: {} } },
  { name: "two labels", input: { ...book, seeds: { "person/1": h32("wallet seed"), 雇主: h32("recipient key") } } },
  { name: "read back", input: opening({}) },
  { name: "refused: another passphrase", input: opening({ passphrase: "correct horse" }), error: "missing-key" },
  { name: "refused: another salt", input: opening({ file: flip(bookFile, 10) }), error: "missing-key" },
  { name: "refused: another cost", input: opening({ file: bookFile.slice(0, 12) + "0b" + bookFile.slice(14) }), error: "missing-key" },
  { name: "refused: a cost beyond bounds", input: opening({ file: bookFile.slice(0, 12) + "15" + bookFile.slice(14) }), error: "invalid-format" },
  { name: "refused: a later version", input: opening({ file: bookFile.slice(0, 10) + "02" + bookFile.slice(12) }), error: "wrong-version" },
  { name: "refused: other magic", input: opening({ file: flip(bookFile, 0) }), error: "invalid-format" },
  { name: "refused: ciphertext changed", input: opening({ file: flip(bookFile, 60) }), error: "invalid-format" },
  { name: "refused: cut short", input: opening({ file: bookFile.slice(0, 2 + 2 * 60) }), error: "invalid-format" },
]);
const kept50 = { passphrase: "correct horse 电池", logN: 10, salt: "0x" + "09".repeat(16) };
const twoEntries = [{ name: "manifest.json", content: "0x7b7d" }, { name: "home/keys/雇主.json", content: "0x00" }, { name: "empty", content: "0x" }];
const backupFile = (await outcome("backup", { ...kept50, entries: twoEntries })).expected.file;
const unpacked = (change) => ({ passphrase: kept50.passphrase, file: backupFile, ...change });
await write("backup", "Format 50: a backup, and what is read from one.", [
  { name: "nothing", input: { ...kept50, entries: [] } },
  { name: "three entries", input: { ...kept50, entries: twoEntries } },
  { name: "one whole segment", input: { ...kept50, entries: [{ name: "a", byte: "0x61", length: 65_536 - 11 }] } },
  { name: "a segment and a byte", input: { ...kept50, entries: [{ name: "a", byte: "0x61", length: 65_536 - 10 }] } },
  { name: "three segments", input: { ...kept50, entries: [{ name: "a", byte: "0x61", length: 150_000 }, { name: "b", byte: "0x62", length: 10 }] } },
  { name: "read back", input: unpacked({}) },
  { name: "refused: another passphrase", input: unpacked({ passphrase: "correct horse" }), error: "missing-key" },
  { name: "refused: another cost", input: unpacked({ file: backupFile.slice(0, 12) + "0b" + backupFile.slice(14) }), error: "missing-key" },
  { name: "refused: a cost beyond bounds", input: unpacked({ file: backupFile.slice(0, 12) + "15" + backupFile.slice(14) }), error: "invalid-format" },
  { name: "refused: a later version", input: unpacked({ file: backupFile.slice(0, 10) + "02" + backupFile.slice(12) }), error: "wrong-version" },
  { name: "refused: other magic", input: unpacked({ file: flip(backupFile, 0) }), error: "invalid-format" },
  { name: "refused: changed", input: unpacked({ file: flip(backupFile, 60) }), error: "invalid-format" },
  { name: "refused: cut short", input: unpacked({ file: backupFile.slice(0, -2) }), error: "invalid-format" },
  { name: "refused: a byte left over", input: unpacked({ file: backupFile + "00" }), error: "invalid-format" },
  { name: "refused: a header alone", input: unpacked({ file: backupFile.slice(0, 82) }), error: "invalid-format" },
]);
const aside = { key: h32("records key"), kind: "consent", consentId: digest };
const laidAside = { ...aside, ...(await outcome("sealed-value", { ...aside, nonce: "0x" + "05".repeat(12), plaintext: "{}" })).expected };
const moved = (name, change) => ({ name: `refused: ${name}`, input: { ...laidAside, ...change }, error: "seal-broken" });
await write("sealed-value", "Format 26: a signed consent and a receipt as the records keep them.", [
  { name: "a consent", input: { key: h32("records key"), nonce: "0x" + "05".repeat(12), kind: "consent", consentId: digest, plaintext: signedText } },
  { name: "a receipt", input: { key: h32("records key"), nonce: "0x" + "06".repeat(12), kind: "receipt", consentId: digest, plaintext: told } },
  { name: "opened again", input: laidAside },
  moved("another consent's", { consentId: h32("other consent") }),
  moved("a receipt's", { kind: "receipt" }),
  moved("another key", { key: h32("other key") }),
  moved("changed", { sealed: flip(laidAside.sealed, 20) }),
  moved("nonce changed", { sealed: flip(laidAside.sealed, 0) }),
  moved("cut short", { sealed: laidAside.sealed.slice(0, 40) }),
  moved("no byte", { sealed: "0x" }),
]);

const erased = {
  erasureId: h32("erasure"), generation: 1, loggedAt: 1686800000, destroyedAt: 1686800003, promised: true,
  payloads: [{ assetId: bare.assetId, assetVersion: 1, contentRoot: h32("content root"), recordCount: 500, gone: [], indices: [0, 250, 499] }],
};
const twice = [...erased.payloads, { assetId: "7", assetVersion: 2, contentRoot: h32("other root"), recordCount: 5, gone: [1, 2], indices: [4] }];
const erasedText = (await outcome("erasure", { ...erased, payloads: twice })).expected.document;
const unread = (name, change, error = "invalid-format") => {
  const document = change(erasedText);
  if (document === erasedText) throw new Error(`${name} changes nothing`);
  return { name: `refused: ${name}`, input: { document }, error };
};
await write("erasure", "Format 27: erasure receipts; `gone`: the records that the payload's keys had lost before.", [
  { name: "three records of one payload", input: erased },
  { name: "two payloads", input: { ...erased, payloads: twice } },
  { name: "the only record, by a key that can come back", input: { ...erased, generation: 41, promised: false, payloads: [{ ...erased.payloads[0], recordCount: 1, indices: [0] }] } },
  { name: "read back", input: { document: erasedText } },
  unread("later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
  unread("another format", (text) => text.replace("deedbook.erasure", "deedbook.receipt")),
  unread("not canonical", (text) => text + "\n"),
  unread("unknown field", (text) => text.replace('"version":1', '"version":1,"z":1')),
  unread("no destroyedAt", (text) => text.replace('"destroyedAt":1686800003,', "")),
  unread("generations apart", (text) => text.replace('"generation":2', '"generation":3')),
  unread("generation 0", (text) => text.replace('"destroyedGeneration":1', '"destroyedGeneration":0').replace('"generation":2', '"generation":1')),
  unread("indices out of order", (text) => text.replace("[0,250,499]", "[250,0,499]")),
  unread("an index twice", (text) => text.replace("[0,250,499]", "[0,250,250]")),
  unread("no index", (text) => text.replace("[0,250,499]", "[]")),
  unread("an index that is no number", (text) => text.replace("[0,250,499]", "[true]")),
  unread("no payload", (text) => text.replace(/"payloads":\[.*\],"promised"/, '"payloads":[],"promised"')),
  unread("payloads out of order", (text) => text.replace(/"payloads":\[(\{.*\}),(\{.*\})\],"promised"/, '"payloads":[$2,$1],"promised"')),
  unread("assetId as a number", (text) => text.replace('"assetId":"7"', '"assetId":7')),
  unread("a hash of 31 bytes", (text) => text.replace(/("erasureId":"0x[0-9a-f]{62})../, "$1")),
  unread("promised as text", (text) => text.replace('"promised":true', '"promised":"true"')),
]);

const deployment = (version) => ({
  format: "deedbook.deployment", version, chainId: domain.chainId, genesisHash: h32("genesis"),
  contracts: Object.fromEntries(CONTRACTS[version].map((name) => [name, ethers.getAddress(address(name))])),
});
const deployed = deployment(1);
const second = deployment(2);
const laid = (name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: { document: JSON.stringify({ ...deployed, ...change }) }, error });
const { Market, ...fewer } = deployed.contracts;
await write("deployment", "Format 28: deployment.json; JSON in any spelling.", [
  { name: "as it is written", input: { document: JSON.stringify(deployed, null, 1) + "\n" } },
  { name: "in lower case and another order", input: { document: JSON.stringify({ ...deployed, contracts: Object.fromEntries([...CONTRACTS[1]].reverse().map((name) => [name, address(name)])) }) } },
  laid("later version", { version: 2 }, "wrong-version"),
  laid("version as text", { version: "1" }, "wrong-version"),
  laid("another format", { format: "deedbook.trust" }),
  laid("unknown field", { note: "?" }),
  laid("no genesisHash", { genesisHash: undefined }),
  laid("genesisHash of 31 bytes", { genesisHash: "0x" + "00".repeat(31) }),
  laid("chainId as a number", { chainId: 1 }),
  laid("chainId with a leading zero", { chainId: "01" }),
  laid("chainId of 257 bits", { chainId: (2n ** 256n).toString() }),
  laid("a contract too few", { contracts: fewer }),
  laid("a contract too many", { contracts: { ...deployed.contracts, Usage: Market } }),
  laid("a wrong checksum", { contracts: { ...deployed.contracts, Market: Market.replace(/[a-fA-F]/, (digit) => (digit < "a" ? digit.toLowerCase() : digit.toUpperCase())) } }),
  laid("an address of 19 bytes", { contracts: { ...deployed.contracts, Market: Market.slice(0, -2) } }),
  laid("contracts as a list", { contracts: [] }),
  { name: "refused: a duplicate key", input: { document: JSON.stringify(deployed).replace("{", '{"version":1,') }, error: "invalid-format" },
  { name: "refused: not JSON", input: { document: "{" }, error: "invalid-format" },
  { name: "version 2: as it is written", input: { document: JSON.stringify(second, null, 1) + "\n" } },
  { name: "version 2: in another order", input: { document: JSON.stringify({ ...second, contracts: Object.fromEntries(Object.entries(second.contracts).reverse()) }) } },
  laid("version 3", { ...second, version: 3 }, "wrong-version"),
  laid("version 1 with the contracts of version 2", { ...second, version: 1 }, "wrong-version"),
  laid("version 2 without AnchorLog", { ...second, contracts: { ...deployed.contracts, Usage: second.contracts.Usage } }),
  laid("version 2 with a contract too many", { ...second, contracts: { ...second.contracts, Gateway: Market } }),
  laid("version 2 with a wrong checksum", { ...second, contracts: { ...second.contracts, Usage: second.contracts.Usage.replace(/[a-fA-F]/, (digit) => (digit < "a" ? digit.toLowerCase() : digit.toUpperCase())) } }),
]);

const act = {
  from: account(subjectKey), to: address("Consents"), value: "0", gas: "500000", nonce: "0", deadline: 1686800000, data: "0x12345678" + "ab".repeat(33),
};
const relay = { chainId: domain.chainId, forwarder: address("Forwarder"), request: act, privateKey: subjectKey };
const relayed = (await outcome("forward-request", relay)).expected;
const carried = (change) => ({ chainId: relay.chainId, forwarder: relay.forwarder, request: { ...act, ...change }, signature: relayed.signature });
const turned = (name, change) => ({ name: `refused: ${name}`, input: carried(change), error: "invalid-signature" });
await write("forward-request", "Format 29: a relayed act; `delivered`: the calldata that the contract receives.", [
  { name: "an act", input: relay },
  { name: "no data, largest numbers", input: { ...relay, request: { ...act, gas: BIG, nonce: BIG, deadline: 2 ** 48 - 1, data: "0x" } } },
  { name: "as it is sent", input: carried({}) },
  turned("another sender", { from: account(otherKey) }),
  turned("another contract", { to: address("Market") }),
  turned("other data", { data: "0x" }),
  turned("another nonce", { nonce: "1" }),
  turned("more gas", { gas: "500001" }),
  turned("a value", { value: "1" }),
  turned("a later deadline", { deadline: act.deadline + 1 }),
  { name: "refused: another chain", input: { ...carried({}), chainId: "1" }, error: "invalid-signature" },
  { name: "refused: another forwarder", input: { ...carried({}), forwarder: address("Consents") }, error: "invalid-signature" },
  { name: "refused: cut short", input: { ...carried({}), signature: relayed.signature.slice(0, -2) }, error: "invalid-signature" },
]);

const handed = { chainId: domain.chainId, contract: address("Forwarder"), request: act, privateKey: subjectKey };
const handedText = (await outcome("signed-request", handed)).expected.document;
const mishanded = (name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: { document: change(handedText) }, error });
await write("signed-request", "Format 37: a relayed act as its member hands it over, signed by a fixed test key.", [
  { name: "an act", input: handed },
  { name: "no data, largest numbers", input: { ...handed, request: { ...act, gas: BIG, nonce: BIG, deadline: 2 ** 48 - 1, data: "0x" } } },
  { name: "as it is sent", input: { document: handedText } },
  mishanded("another nonce", (text) => text.replace('"nonce":"0"', '"nonce":"1"'), "invalid-signature"),
  mishanded("another forwarder", (text) => text.replace(handed.contract, address("Market")), "invalid-signature"),
  mishanded("another chain", (text) => text.replace('"chainId":"20230614"', '"chainId":"1"'), "invalid-signature"),
  mishanded("cut short", (text) => text.replace(/("signature":"0x[0-9a-f]{128})../, "$1"), "invalid-signature"),
  mishanded("nonce as a number", (text) => text.replace('"nonce":"0"', '"nonce":0')),
  mishanded("deadline as text", (text) => text.replace('"deadline":1686800000', '"deadline":"1686800000"')),
  mishanded("deadline of 49 bits", (text) => text.replace('"deadline":1686800000', '"deadline":281474976710656')),
  mishanded("gas of 257 bits", (text) => text.replace('"gas":"500000"', `"gas":"${2n ** 256n}"`)),
  mishanded("no value", (text) => text.replace(',"value":"0"', "")),
  mishanded("not canonical", (text) => text + " "),
  mishanded("unknown field", (text) => text.replace('"version":1', '"version":1,"z":1')),
  mishanded("later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
  mishanded("another format", (text) => text.replace("deedbook.forward-request", "deedbook.request")),
]);

// -- 31 to 33: who is paid later, and what was used

const later = ["0", "3", "4", "499", "4294967296"];
await write("deferred-list", "Format 31: the root over the places of a list of those who are paid later.", [
  { name: "nobody", input: { places: [] } },
  { name: "one", input: { places: ["7"] } },
  { name: "several", input: { places: later } },
  { name: "the last place of all", input: { places: ["18446744073709551615"] } },
  { name: "as it is kept", input: { entries: "0x" + later.map((place) => hex(uint(place, 8)).slice(2)).join("") } },
  { name: "refused: descending", input: { places: ["4", "3"] }, error: "invalid-input" },
  { name: "refused: a place twice", input: { places: ["3", "3"] }, error: "invalid-input" },
  { name: "refused: beyond 64 bits", input: { places: ["18446744073709551616"] }, error: "invalid-input" },
  { name: "refused: cut short", input: { entries: "0x00000000000000" }, error: "invalid-format" },
]);

const waiting = [1, 4, 6, 9, 12];
const shownOf = async (place) => (await outcome("own-place", { places: waiting, place })).expected;
const onIt = await shownOf(6);
const beside = await shownOf(7);
const shownTo = (place, { root, count, entries }) => ({ count, root, place, entries });
await write("own-place", "Format 39: whether a place stands on a list, by entries of it.", [
  ...[1, 6, 12].map((place) => ({ name: `place ${place} of ${waiting}`, input: { places: waiting, place } })),
  ...[0, 7, 11, 13].map((place) => ({ name: `no place ${place} of ${waiting}`, input: { places: waiting, place } })),
  { name: "the only place", input: { places: [3], place: 3 } },
  { name: "beside the only place", input: { places: [3], place: 4 } },
  { name: "as it is handed over", input: shownTo(6, onIt) },
  { name: "refused: one neighbour", input: shownTo(7, { ...beside, entries: beside.entries.slice(0, 1) }), error: "evidence-missing" },
  { name: "refused: nothing shown", input: shownTo(7, { ...beside, entries: [] }), error: "evidence-missing" },
  { name: "refused: neighbours of another place", input: shownTo(10, beside), error: "evidence-missing" },
  { name: "refused: another place named", input: shownTo(7, { ...onIt, entries: onIt.entries.map((each) => ({ ...each, place: 7 })) }), error: "integrity" },
  { name: "refused: another position", input: shownTo(6, { ...onIt, entries: onIt.entries.map((each) => ({ ...each, position: 1 })) }), error: "integrity" },
  { name: "refused: a longer list", input: shownTo(6, { ...onIt, count: 9 }), error: "integrity" },
  { name: "refused: a proof cut short", input: shownTo(6, { ...onIt, entries: onIt.entries.map((each) => ({ ...each, proof: each.proof.slice(1) })) }), error: "integrity" },
]);

const sale = h32("metered sale");
const use = (number, change = {}) => canonicalJson({
  format: "deedbook.usage-receipt", version: 1, saleId: sale, gateway: address("gateway"), number, at: 1686800000 + number, units: 1,
  requestHash: h32(`request ${number}`), answerHash: h32(`answer ${number}`), ...change,
});
const period = { saleId: sale, from: 1686800000, to: 1686900000 };
const uses = [1, 2, 3].map((number) => use(number));
const odd_use = (name, document, error = "invalid-format") => ({ name: `refused: ${name}`, input: { ...period, documents: [document] }, error });
const usedCases = await write("usage-receipts", "Format 32: receipts of single uses; what a period's receipts come to.", [
  { name: "no use", input: { ...period, documents: [] } },
  { name: "one use", input: { ...period, documents: uses.slice(0, 1) } },
  { name: "three uses", input: { ...period, documents: uses } },
  { name: "the next period", input: { ...period, after: 3, documents: [use(4), use(5, { units: 40 })] } },
  { name: "refused: out of order", input: { ...period, documents: [uses[1], uses[0]] }, error: "invalid-input" },
  { name: "refused: one left out", input: { ...period, documents: [uses[0], uses[2]] }, error: "invalid-input" },
  { name: "refused: two gateways", input: { ...period, documents: [uses[0], use(2, { gateway: address("other gateway") })] }, error: "invalid-input" },
  { name: "refused: another sale", input: { ...period, saleId: h32("other sale"), documents: uses }, error: "invalid-input" },
  { name: "refused: at the end of the period", input: { ...period, to: 1686800001, documents: uses.slice(0, 1) }, error: "invalid-input" },
  { name: "refused: before the period", input: { ...period, from: 1686800002, documents: uses.slice(0, 1) }, error: "invalid-input" },
  odd_use("number 0", use(0), "invalid-input"),
  odd_use("no unit", use(1, { units: 0 }), "invalid-input"),
  odd_use("units as text", use(1, { units: "1" })),
  odd_use("not canonical", uses[0] + "\n"),
  odd_use("unknown field", use(1, { note: "?" })),
  odd_use("later version", use(1, { version: 2 }), "wrong-version"),
  odd_use("another format", use(1, { format: "deedbook.usage" })),
]);

const meter = { chainId: domain.chainId, contract: address("Usage") };
const metered = { saleId: sale, from: period.from, to: period.to, ...usedCases["three uses"] };
const stating = { domain: meter, report: metered, privateKey: collectorKey };
const statedText = (await outcome("usage-report", stating)).expected.document;
const misread = (name, change, error = "invalid-format") => ({ name: `refused: ${name}`, input: { document: change(statedText) }, error });
await write("usage-report", "Format 33: reports of metered use, signed by fixed test keys, as canonical documents.", [
  { name: "three uses", input: stating },
  { name: "no use", input: { ...stating, report: { ...metered, count: "0", receiptsRoot: NONE } } },
  { name: "largest numbers", input: { ...stating, report: { ...metered, from: 0, to: 9007199254740991, count: "18446744073709551615" } } },
  { name: "as it is sent", input: { document: statedText } },
  misread("another count", (text) => text.replace('"count":"3"', '"count":"4"'), "invalid-signature"),
  misread("another contract", (text) => text.replace(meter.contract, address("Market")), "invalid-signature"),
  misread("another chain", (text) => text.replace('"chainId":"20230614"', '"chainId":"1"'), "invalid-signature"),
  misread("cut short", (text) => text.replace(/("signature":"0x[0-9a-f]{128})../, "$1"), "invalid-signature"),
  misread("count as a number", (text) => text.replace('"count":"3"', '"count":3')),
  misread("count of 65 bits", (text) => text.replace('"count":"3"', '"count":"18446744073709551616"')),
  misread("not canonical", (text) => text + " "),
  misread("unknown field", (text) => text.replace('"version":1', '"version":1,"z":1')),
  misread("later version", (text) => text.replace('"version":1', '"version":2'), "wrong-version"),
  misread("another format", (text) => text.replace("deedbook.usage-report", "deedbook.usage")),
]);

const texts8785 = {
  "numbers": '[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001, -0, 1e21, 1e-7, 9007199254740991, 5e-324, 1.7976931348623157e308]',
  "keys by UTF-16": '{"\\u20ac": 1, "\\r": 2, "\\ufb33": 3, "1": 4, "\\ud83d\\ude00": 5, "\\u0080": 6, "\\u00f6": 7}',
  "escapes": '["\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "\\b\\t\\n\\f\\r", "\\u007f\\u2028"]',
  "nested": '{"b": [true, false, null, {}], "a": {"d": [], "c": ""}}',
  "a bare string": '"工资"',
};
const canonicalTexts = {
  "a duplicate key": '{"a":1,"a":1}',
  "NaN": "NaN",
  "infinity": "1e999",
  "an integer of 2^53": "9007199254740992",
  "an exponent in another form": "1E3",
  "a trailing zero": "1.0",
  "minus zero": "-0",
  "a lone surrogate": '"\\ud800"',
  "a space": "[1, 2]",
  "a single quote": "'a'",
  "nothing": "",
  "two values": "1 2",
};
await write("canonical-json", "RFC 8785: `text` has the canonical form `canonical`; given as canonical, other spellings are refused.", [
  ...Object.entries(texts8785).map(([name, text]) => ({ name, input: { text } })),
  { name: "canonical already", input: { canonical: '{"a":[1,2.5,"ö"]}' } },
  ...Object.entries(canonicalTexts).map(([name, canonical]) => ({ name: `refused: ${name}`, input: { canonical }, error: "invalid-format" })),
]);
