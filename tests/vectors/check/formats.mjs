// The second implementation: for each vector file, what its cases must come to. A function throws `Refused` where the
// format says that the input is refused.

import { hybridEnvelope } from "./hybrid.mjs";
import * as audit from "./audit.mjs";
import * as consents from "./consents.mjs";
import * as events from "./events.mjs";
import { consentFile } from "./files.mjs";
import * as ledger from "./ledger.mjs";
import * as logs from "./logs.mjs";
import * as principals from "./principals.mjs";
import * as seals from "./seals.mjs";
import * as stored from "./stored.mjs";
import * as usage from "./usage.mjs";
import * as vault from "./vault.mjs";
import { H, canonicalJson, hex, parseCanonical, parseIntegers, readDocument, utf8 } from "./bytes.mjs";

export const formats = {
  consent: consents.consentId,
  notice: consents.notice,
  statement: consents.statement,
  signature: consents.signer,
  "signed-consent": consents.signedConsent,
  "consent-file": consentFile,
  receipt: consents.receipt,
  withdrawal: stored.withdrawal,
  payee: consents.payee,
  "payee-request": consents.payeeRequest,
  "sign-in": principals.signIn,
  "sign-in-nonce": principals.signInNonce,
  "api-key": principals.apiKey,
  "session-token": principals.sessionToken,
  "personal-read": principals.personalRead,
  complaint: principals.complaint,
  "positional-tree": consents.positionalTree,
  "positional-proof": consents.positionalProof,
  batch: consents.batch,
  "rfc9162-tree": consents.rfc9162Tree,
  "log-consistency": consents.logConsistency,
  "log-receipt": logs.logReceipt,
  "log-proof": logs.logProof,
  "log-extension": logs.logExtension,
  "log-tiles": logs.logTiles,
  "log-tile-path": logs.logTilePath,
  "log-checkpoint": logs.logCheckpoint,
  manifest: consents.manifest,
  record: stored.record,
  asset: ledger.asset,
  descriptor: ledger.descriptor,
  offer: ledger.offer,
  settlement: ledger.settlement,
  case: ledger.caseId,
  identity: ledger.identity,
  "encryption-key": ledger.encryptionKey,
  journal: ledger.journal,
  "journal-slots": ledger.journalSlots,
  "journal-entities": ledger.journalEntities,
  "key-tree": vault.keyTree,
  "key-tree-label": vault.keyTreeLabel,
  unit: vault.sealedUnit,
  "content-root": vault.contentRoot,
  cover: vault.cover,
  "cover-seeds": stored.coverSeeds,
  envelope: vault.envelope,
  "envelope-hybrid": hybridEnvelope,
  "key-wrap": stored.keyWrap,
  wallet: vault.wallet,
  "payload-object": stored.payloadObject,
  "kek-file": stored.kekFile,
  "kek-environment": vault.kekEnvironment,
  "seed-book": stored.seedBook,
  backup: stored.backup,
  "sealed-value": stored.sealedValue,
  erasure: stored.erasure,
  deployment: stored.deployment,
  "forward-request": stored.forwardRequest,
  "signed-request": stored.signedRequest,
  "deferred-list": usage.deferredList,
  "own-place": usage.ownPlace,
  "usage-receipts": usage.usageReceipts,
  "usage-report": usage.usageReport,
  header: audit.header,
  "trie-proof": audit.trieProof,
  trust: audit.trust,
  bundle: audit.bundle,
  validators: seals.validators,
  "sealed-header": seals.sealedHeader,
  "qbft-seals": seals.qbftSeals,
  "clique-seals": seals.cliqueSeals,
  "clique-turns": seals.cliqueTurns,
  "block-receipts": seals.blockReceipts,
  event: events.event,
  "webhook-signature": events.webhookSignature,
  "canonical-json": ({ text, canonical }) => ({
    canonical: canonical === undefined ? canonicalJson(JSON.parse(text)) : canonicalJson(parseCanonical(canonical)),
  }),
  "table-digest": ({ rows }) => ({ digest: hex(H(utf8(rows.map((row) => canonicalJson(row) + "\n").join("")))) }),
  home: ({ document }) => {
    readDocument(parseIntegers(document), "deedbook.home", []);
    return { read: true };
  },
};
