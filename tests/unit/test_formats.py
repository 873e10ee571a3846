"""Every vector of tests/vectors, checked by Deedbook itself; `test_vectors_second_implementation` checks them again."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eth_account.messages import encode_typed_data
from sqlalchemy import Table

from deedbook.audit import evidence, persons
from deedbook.audit.bundle import Bundle
from deedbook.audit.findings import Findings
from deedbook.audit.headers import check_chain
from deedbook.audit.trust import Trust
from deedbook.bootstrap.home import Home
from deedbook.chain import extradata, proofs, seals
from deedbook.chain import receipts as of_blocks
from deedbook.chain.decoding import decode_event
from deedbook.chain.deployment import FORWARDER_NAME, Deployment
from deedbook.cli.consent_files import documents_in
from deedbook.domain import (
    abi,
    anchors,
    assets,
    cases,
    complaints,
    consents,
    erasures,
    hashing,
    journal,
    keytree,
    members,
    merkle,
    money,
    notices,
    payees,
    principals,
    receipts,
    relaying,
    revenue,
    sales,
    tiles,
    usage,
    validators,
    webhooks,
)
from deedbook.domain.events import Log
from deedbook.domain.hashing import from_hex, to_hex
from deedbook.domain.payloads import ErasureRecord, KeyRecord, PayloadRecord
from deedbook.domain.told import Told
from deedbook.errors import DeedbookError, IntegrityError, InvalidFormat
from deedbook.ledger.signing_in import nonce_of
from deedbook.mirror import schema
from deedbook.vault import envelopes, keks, payload_objects, payloads, records_form
from deedbook.vault import keytree as seeds_of
from deedbook.vault.erasure import Erasure, without
from deedbook.vault.sealers import KeySealer
from deedbook.wallet import backups, derivation, keystores, recovery, sign_in
from deedbook.wallet.signers import LocalSigner
from tests.key_ledgers import MemoryKeyLedger

VECTORS = Path(__file__).parent.parent / "vectors"
FORMATS = Path(__file__).parent.parent.parent / "docs" / "formats.md"

Input = Mapping[str, Any]
Runner = Callable[[Input], Any]
RUNNERS: dict[str, Runner] = {}


def runs(vectors: str) -> Callable[[Runner], Runner]:
    """Names the vector file whose cases a function computes."""

    def keep(runner: Runner) -> Runner:
        RUNNERS[vectors] = runner
        return runner

    return keep


def raw(text: str) -> bytes:
    return from_hex(text, "vector")


def domain_of(value: Input) -> consents.ConsentDomain:
    return consents.ConsentDomain(int(value["chainId"]), raw(value["contract"]))


# -- 1 to 5


@runs("consent")
def consent(given: Input) -> Any:
    domain, read = domain_of(given["domain"]), consents.Consent.from_json(given["consent"])
    encoded = consents.encode_consent(read)
    return {
        "domainSeparator": to_hex(domain.separator),
        "structHash": to_hex(hashing.keccak256(encoded)),
        "statementHash": to_hex(read.statement_hash),
        "consentId": to_hex(consents.consent_id(domain, read)),
    }


@runs("notice")
def notice(given: Input) -> Any:
    read = notices.Notice.from_json(given["notice"])
    assert notices.Notice.decode(read.encode()) == read
    return {"document": read.encode().decode(), "noticeHash": to_hex(read.hash)}


@runs("statement")
def statement(given: Input) -> Any:
    read = notices.Notice.from_json(given["notice"])
    return {"statement": notices.render_statement(read, consents.Consent.from_json(given["consent"]))}


@runs("signature")
def signature(given: Input) -> Any:
    return {"signer": to_hex(recovery.recover(raw(given["digest"]), raw(given["signature"])))}


@runs("signed-consent")
def signed_consent(given: Input) -> Any:
    if "document" not in given:
        domain, read = domain_of(given["domain"]), consents.Consent.from_json(given["consent"])
        made = LocalSigner(raw(given["privateKey"])).sign_digest(consents.consent_id(domain, read))
        given = {"document": consents.SignedConsent(domain, read, made).encode().decode()}
    signed = consents.SignedConsent.decode(given["document"].encode())
    recovery.verify_signer(signed.consent_id, signed.signature, signed.consent.subject)
    return {
        "document": signed.encode().decode(),
        "consentId": to_hex(signed.consent_id),
        "signature": to_hex(signed.signature),
    }


@runs("receipt")
def receipt(given: Input) -> Any:
    if "document" in given:
        read = receipts.ConsentReceipt.from_json(hashing.parse_json(given["document"].encode(), "receipt"))
    else:
        signed, signer = consents.SignedConsent.from_json(given["signed"]), LocalSigner(raw(given["collectorKey"]))
        unsigned = receipts.ConsentReceipt(signed, given["language"], signer.address, given["issuedAt"], bytes(65))
        made = signer.sign_digest(unsigned.digest)
        read = receipts.ConsentReceipt(signed, given["language"], signer.address, given["issuedAt"], made)
    recovery.verify_signer(read.digest, read.signature, read.collector)
    return {"digest": to_hex(read.digest), "document": read.encode().decode()}


@runs("withdrawal")
def withdrawal(given: Input) -> Any:
    if "document" in given:
        sent = consents.Withdrawal.from_json(hashing.parse_canonical_json(given["document"].encode(), "withdrawal"))
        recovery.verify_signer(sent.digest, sent.signature, sent.subject)
        document = hashing.canonical_json(sent.to_json()).decode()
        return {"digest": to_hex(sent.digest), "signature": to_hex(sent.signature), "document": document}
    domain, identifier = domain_of(given["domain"]), raw(given["consentId"])
    made = LocalSigner(raw(given["privateKey"])).sign_digest(consents.withdrawal_digest(domain, identifier))
    read = consents.Withdrawal(domain, identifier, raw(given["subject"]), made)
    assert consents.Withdrawal.from_json(read.to_json()) == read
    document = hashing.canonical_json(read.to_json()).decode()
    return {"digest": to_hex(read.digest), "signature": to_hex(made), "document": document}


@runs("payee")
def payee(given: Input) -> Any:
    if "document" not in given:
        domain, named = domain_of(given["domain"]), payees.Payee.from_json(given["payee"])
        made = LocalSigner(raw(given["privateKey"])).sign_digest(payees.payee_digest(domain, named))
        given = {"document": payees.SignedPayee(domain, named, raw(given["subject"]), made).encode().decode()}
    read = payees.SignedPayee.decode(given["document"].encode())
    recovery.verify_signer(read.digest, read.signature, read.subject)
    return {
        "digest": to_hex(read.digest),
        "signature": to_hex(read.signature),
        "document": read.encode().decode(),
        "masked": read.payee.masked,
    }


@runs("payee-request")
def payee_request(given: Input) -> Any:
    if "document" in given:
        read = payees.PayeeRequest.from_json(hashing.parse_canonical_json(given["document"].encode(), "request"))
    else:
        domain, asked = domain_of(given["domain"]), (raw(given["consentId"]), given["askedAt"])
        made = LocalSigner(raw(given["privateKey"])).sign_digest(payees.payee_request_digest(domain, *asked))
        read = payees.PayeeRequest(domain, *asked, raw(given["subject"]), made)
    recovery.verify_signer(read.digest, read.signature, read.subject)
    document = hashing.canonical_json(read.to_json()).decode()
    return {"digest": to_hex(read.digest), "signature": to_hex(read.signature), "document": document}


# -- 42 to 45


def log_domain_of(value: Input) -> anchors.LogDomain:
    return anchors.LogDomain(int(value["chainId"]), raw(value["contract"]))


def tree_of(inputs: Sequence[bytes]) -> tuple[tiles.TiledTree, dict[tiles.Tile, bytes]]:
    made: dict[tiles.Tile, bytes] = {}

    def tile_of(level: int, position: int) -> bytes:
        return made[level, position]

    leaves = merkle.rfc9162_leaves(inputs)
    for first, end in pairwise((0, len(leaves) // 3, len(leaves))):
        made.update(tiles.appended(tile_of, first, leaves[first:end]))
    return tiles.TiledTree(tile_of, len(leaves)), made


def log_tree(given: Input) -> tuple[tiles.TiledTree, anchors.LogDomain, bytes]:
    tree, _ = tree_of([hashing.canonical_json(entry) for entry in given["entries"]])
    return tree, log_domain_of(given["domain"]), raw(given["exchange"])


@runs("log-receipt")
def log_receipt(given: Input) -> Any:
    if "document" in given:
        read = anchors.LogReceipt.from_json(hashing.parse_json(given["document"].encode(), "receipt"))
    else:
        signer, domain = LocalSigner(raw(given["privateKey"])), log_domain_of(given["domain"])
        place = (int(given["index"]), anchors.leaf_of(given["entry"]))
        (asked,) = anchors.receipt_digests(domain, signer.address, [place])
        read = anchors.LogReceipt(domain, signer.address, *place, signer.sign_digest(asked))
    recovery.verify_signer(read.digest, read.signature, read.exchange)
    assert read.encode() == hashing.canonical_json(read.to_json())
    return {"digest": to_hex(read.digest), "signature": to_hex(read.signature), "document": read.encode().decode()}


@runs("log-proof")
def log_proof(given: Input) -> Any:
    if "document" in given:
        read = anchors.LogProof.from_json(hashing.parse_json(given["document"].encode(), "proof"))
    else:
        tree, domain, exchange = log_tree(given)
        index, size = int(given["index"]), tree.size
        under = (size, tree.root(size), tree.inclusion(index, size), raw(given["transaction"]), given["block"])
        read = anchors.LogProof(domain, exchange, index, tree.leaf(index), *under)
    return {"holds": read.holds, "document": hashing.canonical_json(read.to_json()).decode()}


@runs("log-extension")
def log_extension(given: Input) -> Any:
    if "document" in given:
        read = anchors.LogExtension.from_json(hashing.parse_json(given["document"].encode(), "extension"))
    else:
        tree, domain, exchange = log_tree(given)
        former, size = int(given["formerSize"]), tree.size
        proof = tree.consistency(former, size)
        read = anchors.LogExtension(domain, exchange, former, tree.root(former), size, tree.root(size), proof)
    return {"holds": read.holds, "document": hashing.canonical_json(read.to_json()).decode()}


@runs("log-tiles")
def log_tiles(given: Input) -> Any:
    tree, made = tree_of([str(number).encode() for number in range(given["size"])])
    paths = list(tiles.tiles_of(given["size"]))
    assert all(len(made[path.level, path.position]) == 32 * path.width for path in paths)
    found = {path.text: to_hex(hashing.sha256(made[path.level, path.position])) for path in paths}
    return {"root": to_hex(tree.root(given["size"])), "tiles": found}


@runs("log-tile-path")
def log_tile_path(given: Input) -> Any:
    if "path" in given:
        read = tiles.TilePath.of(given["path"])
        return {"level": read.level, "position": str(read.position), "width": read.width}
    made = tiles.TilePath(given["level"], int(given["position"]), given["width"])
    assert tiles.TilePath.of(made.text) == made
    return {"path": made.text}


@runs("log-checkpoint")
def log_checkpoint(given: Input) -> Any:
    domain = log_domain_of(given["domain"])
    if "note" in given:
        read = anchors.LogCheckpoint.decode(given["note"].encode(), domain, raw(given["exchange"]))
    else:
        signer, size, root = LocalSigner(raw(given["privateKey"])), int(given["size"]), raw(given["root"])
        made = signer.sign_digest(anchors.checkpoint_digest(domain, signer.address, size, root))
        read = anchors.LogCheckpoint(domain, signer.address, size, root, made)
    recovery.verify_signer(read.digest, read.signature, read.exchange)
    return {"digest": to_hex(read.digest), "note": read.encode().decode()}


# -- 6 to 8


@runs("positional-tree")
def positional_tree(given: Input) -> Any:
    if "generated" in given:
        tags = [hashing.keccak256(i.to_bytes(4, "big")) for i in range(given["generated"])]
        leaves = [merkle.consent_leaf(tag, tag[12:]) for tag in tags]
    else:
        leaves = [merkle.consent_leaf(raw(each["consentId"]), raw(each["subject"])) for each in given["members"]]
    tree = merkle.PositionalTree(leaves)
    assert tree.root == merkle.positional_root(leaves)
    assert tree.depth == merkle.positional_depth(len(leaves))
    proofs = [
        {"index": index, "leaf": to_hex(tree.leaf(index)), "proof": [to_hex(node) for node in tree.proof(index)]}
        for index in given["proofsOf"]
    ]
    return {"root": to_hex(tree.root), "depth": tree.depth, "proofs": proofs}


@runs("positional-proof")
def positional_proof(given: Input) -> Any:
    proof = [raw(node) for node in given["proof"]]
    leaf, root = raw(given["leaf"]), raw(given["root"])
    return {"valid": merkle.verify_positional(leaf, given["index"], given["count"], proof, root)}


@runs("batch")
def batch(given: Input) -> Any:
    terms = consents.Terms.from_json(given["terms"])
    assert terms.to_json() == given["terms"]
    stated = consents.terms_hash(terms, raw(given["manifestHash"]))
    identifier = consents.batch_id(int(given["assetId"]), raw(given["root"]), given["count"], stated)
    return {"termsHash": to_hex(stated), "batchId": to_hex(identifier)}


@runs("rfc9162-tree")
def rfc9162_tree(given: Input) -> Any:
    inputs = [raw(each) for each in given["leafInputs"]]
    root = merkle.rfc9162_root(inputs)
    proofs = [(index, merkle.rfc9162_proof(inputs, index)) for index in given["proofsOf"]]
    for index, proof in proofs:
        leaf = merkle.rfc9162_leaf(inputs[index])
        assert merkle.verify_rfc9162_inclusion(leaf, index, len(inputs), proof, root)
    told = [{"index": index, "proof": [to_hex(node) for node in proof]} for index, proof in proofs]
    return {"root": to_hex(root), "proofs": told}


@runs("log-consistency")
def log_consistency(given: Input) -> Any:
    former, later = (int(given["formerSize"]), raw(given["formerRoot"])), (int(given["size"]), raw(given["root"]))
    proof = [raw(node) for node in given["proof"]]
    return {"continues": merkle.verify_rfc9162_consistency(*former, *later, proof)}


@runs("manifest")
def manifest(given: Input) -> Any:
    signed = [consents.SignedConsent.decode(document.encode()) for document in given["documents"]]
    return {"manifestHash": to_hex(consents.manifest_hash(signed))}


# -- 9 to 11


@runs("asset")
def asset(given: Input) -> Any:
    told = given["version"]
    version = assets.Version(raw(told["contentRoot"]), told["recordCount"], raw(told["descriptorHash"]))
    claimed = (int(given["chainId"]), raw(given["dataAssets"]), raw(given["registrant"]), raw(given["salt"]))
    identifier = assets.asset_id(*claimed)
    return {"assetId": str(identifier), "versionKey": to_hex(assets.version_key(identifier, version))}


@runs("descriptor")
def descriptor(given: Input) -> Any:
    read = assets.Descriptor.from_json(given["descriptor"])
    assert assets.Descriptor.decode(read.encode()) == read
    return {"document": read.encode().decode(), "descriptorHash": to_hex(read.hash)}


@runs("offer")
def offer(given: Input) -> Any:
    read = sales.Offer.from_json(given["offer"])
    assert sales.Offer.decode(read.encode()) == read
    identifier = sales.offer_id(int(given["chainId"]), raw(given["market"]), read)
    sale = sales.sale_id(identifier, raw(given["buyer"]), raw(given["reference"]))
    return {"document": read.encode().decode(), "offerId": to_hex(identifier), "saleId": to_hex(sale)}


@runs("settlement")
def settlement(given: Input) -> Any:
    told = given["split"]
    others = tuple(sales.Intermediary(bytes(20), bps) for bps in told["intermediaries"])
    split = sales.Split(bytes(20), told["exchange"], told["provider"], told["subjects"], others)
    price, carry = int(given["price"]), int(given["carryIn"])
    shares = money.settle(price, carry, split, given["deliveredCount"], given["hasPool"])
    assert shares.total == price + carry
    return {
        "exchange": str(shares.exchange),
        "provider": str(shares.provider),
        "intermediaries": [str(share) for share in shares.intermediaries],
        "perHead": str(shares.per_head),
        "carryOut": str(shares.carry_out),
    }


@runs("case")
def case(given: Input) -> Any:
    opened = cases.case_id(raw(given["target"]), given["kind"], raw(given["opener"]), raw(given["documentHash"]))
    return {"caseId": to_hex(opened)}


@runs("identity")
def identity(given: Input) -> Any:
    return {"identityCommitment": to_hex(members.identity_commitment(raw(given["salt"]), given["identity"]))}


# -- 47 and 48


@runs("sign-in")
def sign_in_message(given: Input) -> Any:
    if "message" in given:
        said = given["message"]
        made = sign_in.SignInMessage(
            said["domain"], hashing.parse_address(said["address"], "address"), said["uri"], said["chainId"],
            said["nonce"], said["issuedAt"], said.get("scheme"), said.get("statement"), said.get("expirationTime"),
            said.get("notBefore"), said.get("requestId"), tuple(said.get("resources", ())),
        )  # fmt: skip
        signature = to_hex(LocalSigner(raw(given["privateKey"])).sign_digest(made.digest))
        given = {"text": made.text, "signature": signature}
    read = sign_in.SignInMessage.of(given["text"])
    recovery.verify_signer(read.digest, raw(given["signature"]), read.account)
    fields = {
        "scheme": read.scheme, "domain": read.domain, "address": hashing.checksum_address(read.account),
        "statement": read.statement, "uri": read.uri, "chainId": read.chain_id, "nonce": read.nonce,
        "issuedAt": read.issued_at, "expirationTime": read.expiration_time, "notBefore": read.not_before,
        "requestId": read.request_id, "resources": list(read.resources) or None,
    }  # fmt: skip
    known = {name: value for name, value in fields.items() if value is not None}
    return {"text": read.text, "fields": known, "digest": to_hex(read.digest), "signature": given["signature"]}


@runs("sign-in-nonce")
def sign_in_nonce(given: Input) -> Any:
    return {"nonce": nonce_of(raw(given["key"]), given["time"], raw(given["random"]))}


@runs("api-key")
def api_key(given: Input) -> Any:
    made = principals.Secret(raw(given["id"]), raw(given["secret"])) if "id" in given else None
    read = principals.Secret.of(given["text"] if made is None else made.text)
    return {"text": read.text, "kept": to_hex(read.kept)}


@runs("session-token")
def session_token(given: Input) -> Any:
    token = raw(given["token"]) if "token" in given else principals.session_of(given["text"])
    return {"text": principals.session_text(token), "kept": to_hex(principals.session_kept(token))}


@runs("personal-read")
def personal_read(given: Input) -> Any:
    return {"matter": to_hex(principals.matter_of(principals.Matter(given["kind"]), raw(given["id"])))}


@runs("complaint")
def complaint(given: Input) -> Any:
    if "document" in given:
        made = complaints.Complaint.decode(given["document"].encode())
    else:
        made = complaints.Complaint(
            raw(given["consentId"]), raw(given["subject"]), given["text"],
            given["madeAt"], raw(given["salt"]),
        )  # fmt: skip
    return {"document": made.encode().decode(), "complaintId": to_hex(made.complaint_id)}


# -- 12


@runs("journal")
def journal_heads(given: Input) -> Any:
    head, heads = raw(given.get("head", to_hex(journal.EMPTY_HEAD))), []
    for log in given["logs"]:
        head = journal.fold(head, log["blockNumber"], [raw(topic) for topic in log["topics"]], raw(log["data"]))
        heads.append(to_hex(head))
    return {"heads": heads}


@runs("journal-slots")
def journal_slots(given: Input) -> Any:
    own, entity = journal.JOURNAL_SLOT, journal.entity_slot(raw(given["entity"]))
    return {"contractHead": to_hex(own.to_bytes(32, "big")), "entityHead": to_hex(entity.to_bytes(32, "big"))}


@runs("journal-entities")
def journal_entities(given: Input) -> Any:
    args = {name: raw(value) if str(value).startswith("0x") else int(value) for name, value in given["args"].items()}
    return {"entities": [to_hex(each) for each in journal.entities_of(given["contract"], given["event"], args)]}


# -- 13 to 18


@runs("record")
def record(given: Input) -> Any:
    if "plaintext" in given:
        salt, read = records_form.decode_record(given["plaintext"].encode())
        assert records_form.encode_record(salt, read) == given["plaintext"].encode()
        return {"salt": to_hex(salt), "recordCommit": to_hex(consents.record_commit(salt, read))}
    return {"recordCommit": to_hex(consents.record_commit(raw(given["salt"]), given["record"]))}


@runs("key-tree-label")
def key_tree_label(given: Input) -> Any:
    return {"label": to_hex(keytree.label(given["use"], given["level"], given["branch"]))}


@runs("key-tree")
def key_tree(given: Input) -> Any:
    count, depth = given["recordCount"], keytree.depth_for(given["recordCount"])
    whole = seeds_of.whole(raw(given["rootSeed"]), count)
    seeds = [(index, whole.leaf_seed(index)) for index in given["indices"]]
    leaves = [
        {
            "index": index,
            "seed": to_hex(seed),
            "recordKey": to_hex(seeds_of.record_key(seed, depth)),
            "commitment": to_hex(seeds_of.key_commitment(seed, depth)),
        }
        for index, seed in seeds
    ]
    return {"depth": depth, "leaves": leaves}


@runs("unit")
def unit(given: Input) -> Any:
    seed, depth, told = raw(given["leafSeed"]), given["depth"], given["place"]
    place: dict[str, Any] = {
        "asset_id": int(told["assetId"]),
        "version": told["version"],
        "index": told["index"],
        "consent_id": raw(told["consentId"]),
        "depth": depth,
    }
    if "unit" in given:
        return {"plaintext": records_form.open_unit(raw(given["unit"]), seed, **place).decode()}
    plaintext = records_form.encode_record(raw(given["salt"]), given["record"])
    sealed = seal_unit(plaintext, seed, place)
    assert records_form.open_unit(sealed, seed, **place) == plaintext
    return {"unit": to_hex(sealed), "unitHash": to_hex(hashing.sha256(sealed))}


def seal_unit(plaintext: bytes, seed: bytes, place: Mapping[str, Any]) -> bytes:
    """Format 15 by its words; `seal_records`, which chooses seeds by a root, is compared with the same bytes below."""
    padded = plaintext + b"\x80" + bytes(-(len(plaintext) + 1) % 256)
    aad = b"deedbook.unit.v1" + place["asset_id"].to_bytes(32, "big") + place["version"].to_bytes(4, "big")
    aad += place["index"].to_bytes(8, "big") + place["consent_id"]
    key = seeds_of.record_key(seed, place["depth"])
    return b"\x01" + seeds_of.key_commitment(seed, place["depth"]) + AESGCM(key).encrypt(bytes(12), padded, aad)


@runs("content-root")
def content_root(given: Input) -> Any:
    return {"contentRoot": to_hex(merkle.rfc9162_root(hashing.sha256(raw(each)) for each in given["units"]))}


@runs("cover")
def cover(given: Input) -> Any:
    if "encoded" in given:
        return {"deliveredCount": keytree.delivered_count(keytree.decode_cover(raw(given["encoded"])))}
    made = keytree.cover_all_but(given["recordCount"], given["excluded"])
    encoded = keytree.encode_cover(made)
    assert keytree.decode_cover(encoded) == made
    return {
        "encoded": to_hex(encoded),
        "coverHash": to_hex(keytree.cover_hash(made)),
        "nodeCount": len(made),
        "deliveredCount": keytree.delivered_count(made),
        "ordinals": [{"index": i, "ordinal": keytree.ordinal_of(made, i)} for i in given["ordinalsOf"]],
    }


@runs("cover-seeds")
def cover_seeds(given: Input) -> Any:
    if "encoded" in given:
        read = seeds_of.SeededCover.decode(raw(given["encoded"]))
        return {"deliveredCount": keytree.delivered_count(read.cover)}
    whole = seeds_of.whole(raw(given["rootSeed"]), given["recordCount"])
    narrowed = whole.narrowed_to(keytree.cover_all_but(given["recordCount"], given["excluded"]))
    assert seeds_of.SeededCover.decode(narrowed.encode()) == narrowed
    return {"seeds": to_hex(narrowed.encode())}


@runs("encryption-key")
def encryption_key(given: Input) -> Any:
    suite, public_key = given["suite"], raw(given["publicKey"])
    made = members.encryption_key_commitment(suite, public_key)
    assert made == envelopes.key_commitment(suite, public_key)
    return {"encryptionKey": to_hex(made)}


@runs("envelope")
def envelope(given: Input) -> Any:
    return envelope_of(envelopes.Suite.X25519, given)


@runs("envelope-hybrid")
def envelope_hybrid(given: Input) -> Any:
    found = envelope_of(envelopes.Suite.MLKEM768_X25519, given)
    return {name: found[name] for name in found if name != "envelopeHash"}


def envelope_of(suite: envelopes.Suite, given: Input) -> dict[str, str]:
    told, keys = given["context"], envelopes.EncryptionKeyPair(suite, raw(given["recipientPrivateKey"]))
    context = envelopes.Context(int(told["chainId"]), raw(told["market"]), raw(told["saleId"]), raw(told["versionKey"]))
    if "envelope" in given:
        return {"seeds": to_hex(envelopes.open_envelope(raw(given["envelope"]), keys, context).encode())}
    seeds = seeds_of.SeededCover.decode(raw(given["seeds"]))
    fresh = envelopes.seal_envelope(keys.public, context, seeds)  # random: the vector's own is opened below
    assert envelopes.open_envelope(fresh, keys, context) == seeds
    sealed = raw(given["expected"]["envelope"])
    assert envelopes.open_envelope(sealed, keys, context) == seeds
    return {
        "recipientPublicKey": to_hex(keys.public.raw),
        "envelope": to_hex(sealed),
        "envelopeHash": to_hex(envelopes.envelope_hash(sealed)),
    }


@runs("key-wrap")
def key_wrap(given: Input) -> Any:
    identifier, epoch, generation = raw(given["payloadId"]), given["epoch"], given["generation"]
    kek = raw(given["kek"])
    if "wrappedKey" in given:
        kept = KeyRecord(identifier, epoch, generation, raw(given["wrappedKey"]), raw(given["sealedSeeds"]))
        return {"seeds": to_hex(payloads.open_seeds(kek, kept).encode())}
    payload_key = raw(given["payloadKey"])
    seeds = seeds_of.SeededCover.decode(raw(given["seeds"]))
    nonce = raw(given["wrapNonce"])
    wrapped = keks.wrap(kek, payload_key, payload_id=identifier, generation=generation, nonce=nonce)
    sealed = payloads.seal_seeds(payload_key, seeds, payload_id=identifier, epoch=epoch, nonce=raw(given["seedsNonce"]))
    assert payloads.open_seeds(kek, KeyRecord(identifier, epoch, generation, wrapped, sealed)) == seeds
    return {"sealedSeeds": to_hex(sealed), "wrappedKey": to_hex(wrapped)}


# -- 19 to 26


@runs("table-digest")
def table_digest(given: Input) -> Any:
    lines = b"".join(hashing.canonical_json(row) + b"\n" for row in given["rows"])
    return {"digest": to_hex(hashlib.sha256(lines).digest())}


@runs("wallet")
def wallet(given: Input) -> Any:
    made = derivation.private_key_for(
        raw(given["seed"]), chain_id=int(given["chainId"]), asset_id=int(given["assetId"])
    )
    return {"n": 0, "privateKey": to_hex(made)}  # another n has a chance of 2^-127


@runs("home")
def home(given: Input) -> Any:
    folder: Path = given["folder"]
    (folder / "home.json").write_text(given["document"], encoding="utf-8")
    Home.open(folder)
    return {"read": True}


# -- what an auditor reads


@runs("header")
def header(given: Input) -> Any:
    read = proofs.decode_header(raw(given["raw"]))
    return {
        "hash": to_hex(read.hash),
        "parentHash": to_hex(read.parent_hash),
        "stateRoot": to_hex(read.state_root),
        "receiptsRoot": to_hex(read.receipts_root),
        "number": str(read.number),
        "timestamp": str(read.timestamp),
    }


@runs("trie-proof")
def trie_proof(given: Input) -> Any:
    nodes = [raw(node) for node in given["proof"]]
    if "storageRoot" in given:
        return {"value": str(proofs.verify_storage_proof(raw(given["storageRoot"]), int(given["slot"]), nodes))}
    found = proofs.verify_account_proof(raw(given["stateRoot"]), raw(given["address"]), nodes)
    assert found is not None
    hashes = {"storageHash": to_hex(found.storage_root), "codeHash": to_hex(found.code_hash)}
    return {"account": {"nonce": str(found.nonce), "balance": str(found.balance)} | hashes}


@runs("validators")
def trusted_validators(given: Input) -> Any:
    read = validators.Validators.decode(given["document"].encode())
    assert validators.Validators.decode(read.encode()) == read
    accounts = [to_hex(account) for account in read.at(given["block"])]
    return {"consensus": read.consensus, "accounts": accounts, "quorum": read.quorum(given["block"])}


@runs("sealed-header")
def sealed_header(given: Input) -> Any:
    read = proofs.decode_header(raw(given["raw"]), given["consensus"])
    named = {"hash": to_hex(read.hash), "number": str(read.number)}
    if given["consensus"] == "clique":
        sealer = seals.clique_sealer(read, recovery.recover) if read.number else None
        return named | {
            "sealHash": to_hex(seals.clique_seal_hash(read)),
            "signers": [to_hex(account) for account in extradata.clique_signers(read.extra_data)],
            "inTurn": seals.in_turn(read),
            "sealer": None if sealer is None else to_hex(sealer),
        }
    extra = extradata.decode_qbft(read.extra_data)
    return named | {
        "sealHash": to_hex(seals.qbft_seal_hash(read)),
        "validators": [to_hex(account) for account in extra.validators],
        "vote": extra.vote and {"account": to_hex(extra.vote.account), "add": extra.vote.add},
        "round": extra.round,
        "sealers": [to_hex(account) for account in seals.qbft_sealers(read, recovery.recover)],
    }


@runs("qbft-seals")
def qbft_seals(given: Input) -> Any:
    read = proofs.decode_header(raw(given["raw"]), "qbft")
    found = seals.check_qbft(read, validators.Validators.from_json(given["validators"]), recovery.recover)
    return {"hash": to_hex(read.hash), "sealers": [to_hex(account) for account in found]}


@runs("clique-seals")
def clique_seals(given: Input) -> Any:
    headers = [proofs.decode_header(raw(each), "clique") for each in given["headers"]]
    believed = validators.Validators.from_json(given["validators"])
    found = seals.check_descendants(headers, believed, recovery.recover)
    assert seals.check_clique(headers, believed, recovery.recover) == found
    return {
        "hash": to_hex(headers[0].hash),
        "sealers": [to_hex(account) for account in found],
        "final": seals.clique_final(reversed(headers), believed, recovery.recover),
    }


@runs("clique-turns")
def clique_turns(given: Input) -> Any:
    headers = [proofs.decode_header(raw(each), "clique") for each in given["headers"]]
    found = seals.check_turns(headers, validators.Validators.from_json(given["validators"]), recovery.recover)
    return {"sealers": [to_hex(account) for account in found]}


@runs("block-receipts")
def block_receipts(given: Input) -> Any:
    read = proofs.decode_header(raw(given["header"]), given["consensus"])
    found = of_blocks.check_logs(read, given["receipts"])
    encoded = [to_hex(of_blocks.encode_receipt(receipt)) for receipt in given["receipts"]]
    return {"root": to_hex(read.receipts_root), "encoded": encoded, "logs": len(found)}


@runs("trust")
def trust(given: Input) -> Any:
    read = Trust.from_json(given["document"].encode())
    return {
        "chainId": str(read.chain_id),
        "genesisHash": to_hex(read.genesis_hash),
        "contracts": {name: to_hex(address) for name, address in read.contracts.items()},
        "blocks": {str(number): to_hex(pinned) for number, pinned in read.blocks.items()},
        **({} if read.validators is None else {"validators": _spans(read.validators)}),
    }


def _spans(stated: validators.Validators) -> Any:
    spans = [{"fromBlock": span.from_block, "accounts": list(map(to_hex, span.accounts))} for span in stated.spans]
    return {"consensus": stated.consensus, "spans": spans}


@runs("bundle")
def bundle(given: Input) -> Any:
    text = changed((VECTORS / given["file"]).read_bytes(), given)
    stated = changed((VECTORS / given["trust"]).read_bytes(), {"put": given.get("trustPut", [])})
    believed, findings = Trust.from_json(stated), Findings()
    read = Bundle.from_bytes(text)
    headers = check_chain(read, believed, findings)
    heads = evidence.check_heads(read, headers[-1], findings)
    evidence.check_journals(read, heads, headers, findings)
    if any(hashing.sha256(content) != name for name, content in read.documents.items()):
        raise IntegrityError("a document under another name")
    assert read.units is not None
    assert read.consents is not None
    assert read.cover is not None
    assert read.envelope is not None
    return {
        "sale": to_hex(read.sale),
        "blocks": [str(headers[0].number), str(headers[-1].number)],
        "heads": [[contract, to_hex(entity), to_hex(head)] for (contract, entity), head in heads.items()],
        "contentRoot": to_hex(merkle.rfc9162_root(read.units)),
        "coverHash": to_hex(hashing.sha256(read.cover)),
        "envelopeHash": to_hex(hashing.sha256(read.envelope)),
        "manifests": [to_hex(merkle.rfc9162_root(map(hashing.canonical_json, batch))) for batch in read.consents],
        "documents": len(read.documents),
    }


def changed(text: bytes, given: Input) -> bytes:
    """The file with values put in and taken out, in canonical form again."""
    value = json.loads(text)

    def holder(path: list[Any]) -> Any:
        inner = value
        for key in path[:-1]:
            inner = inner[key]
        return inner

    for path, content in given.get("put", ()):
        holder(path)[path[-1]] = content
    for path in given.get("take", ()):
        del holder(path)[path[-1]]
    return hashing.canonical_json(value)


@dataclass(frozen=True)
class KeptObject:
    """A store of one object."""

    content: bytes

    def size(self, key: str) -> int:
        return len(self.content)

    def get_ranges(self, key: str, starts: Sequence[int], lengths: Sequence[int]) -> list[bytes]:
        return [self.content[start : start + length] for start, length in zip(starts, lengths, strict=True)]


@runs("payload-object")
def payload_object(given: Input) -> Any:
    asset_id, version = int(given["assetId"]), given["version"]
    if "object" in given:
        place = {"asset_id": asset_id, "version": version, "count": given["count"]}
        store = KeptObject(raw(given["object"]))
        read = payload_objects.PayloadObject(store, "payload", content_root=raw(given["contentRoot"]), **place)
        assert [read.unit(index) for index in range(given["count"])] == list(read.units())
        return {"units": [to_hex(each) for each in read.units()]}
    units = [raw(each) for each in given["units"]]
    hashes = [hashing.sha256(each) for each in units]
    identifier = payloads.payload_id_of(asset_id, version, merkle.rfc9162_root(hashes))
    whole = payload_objects.encode_payload(asset_id, version, units, hashes)
    return {"payloadId": to_hex(identifier), "object": to_hex(whole)}


@runs("kek-file")
def kek_file(given: Input) -> Any:
    if "file" in given:
        (given["folder"] / f"kek-{given['generation']:010d}").write_bytes(raw(given["file"]))
        return {"key": to_hex(keks.FileKeks(given["folder"], entropy=bytes).key(given["generation"]))}
    kept = keks.FileKeks(given["folder"], entropy=lambda length: raw(given["key"])[:length])
    kept.create(given["generation"])
    assert kept.key(given["generation"]) == raw(given["key"])
    name = f"kek-{given['generation']:010d}"
    return {"file": to_hex((given["folder"] / name).read_bytes())}


@runs("kek-environment")
def kek_environment(given: Input) -> Any:
    return {"key": to_hex(keks.EnvironmentKeks(raw(given["secret"])).key(given["generation"]))}


@runs("seed-book")
def seed_book(given: Input) -> Any:
    file: Path = given["folder"] / "seeds"
    if "file" in given:
        file.write_bytes(raw(given["file"]))
        kept = keystores.SeedBook.open(file, given["passphrase"], entropy=bytes)
        return {"seeds": {label: to_hex(kept.seed(label)) for label in kept.labels()}}
    drawn = iter([raw(given["salt"]), raw(given["nonce"]), raw(given["nonce"])])
    book = keystores.SeedBook.create(
        file, given["passphrase"], entropy=lambda _: next(drawn), scrypt_n=2 ** given["logN"]
    )
    if given["seeds"]:
        book.add({label: raw(seed) for label, seed in given["seeds"].items()})
    read = keystores.SeedBook.open(file, given["passphrase"], entropy=bytes)
    assert {label: to_hex(read.seed(label)) for label in read.labels()} == given["seeds"]
    return {"file": to_hex(file.read_bytes())}


@runs("backup")
def backup(given: Input) -> Any:
    if "file" in given:
        read = backups.read_backup(io.BytesIO(raw(given["file"])), given["passphrase"])
        return {"entries": [{"name": name, "content": to_hex(b"".join(pieces))} for name, pieces in read]}
    contents = [
        (each["name"], raw(each["content"]) if "content" in each else raw(each["byte"]) * each["length"])
        for each in given["entries"]
    ]
    out = io.BytesIO()
    options: Any = {"entropy": lambda _: raw(given["salt"]), "scrypt_n": 2 ** given["logN"]}
    length = backups.write_backup(out, [(name, [held]) for name, held in contents], given["passphrase"], **options)
    file = out.getvalue()
    read = backups.read_backup(io.BytesIO(file), given["passphrase"])
    assert [(name, b"".join(pieces)) for name, pieces in read] == contents
    assert length == len(file)
    large = any(each.get("length", 0) > 1000 for each in given["entries"])
    return {"length": length, "sha256": to_hex(hashing.sha256(file))} if large else {"file": to_hex(file)}


@runs("sealed-value")
def sealed_value(given: Input) -> Any:
    sealer = KeySealer(raw(given["key"]), lambda _: raw(given["nonce"]))
    context = f"deedbook.records.{given['kind']}".encode() + raw(given["consentId"])
    if "sealed" in given:
        return {"plaintext": sealer.open(raw(given["sealed"]), context).decode()}
    sealed = sealer.seal(given["plaintext"].encode(), context)
    assert sealer.open(sealed, context) == given["plaintext"].encode()
    return {"sealed": to_hex(sealed)}


@runs("erasure")
def erasure(given: Input) -> Any:
    if "document" in given:
        return {"document": erasures.ErasureReceipt.decode(given["document"].encode()).encode().decode()}
    done = erase(given).receipt
    assert erasures.ErasureReceipt.decode(done).encode() == done
    return {"document": done.decode()}


def erase(given: Input) -> ErasureRecord:
    """The erasure itself, with keys in memory, as if the records that were `gone` had been erased before."""
    ledger, kept = MemoryKeyLedger(), MemoryKeks(promises_erasure=given["promised"])
    ledger.in_force = given["generation"]
    targets = {}
    for each in given["payloads"]:
        asset_id, version, root = int(each["assetId"]), each["assetVersion"], raw(each["contentRoot"])
        identifier = payloads.payload_id_of(asset_id, version, root)
        payload = PayloadRecord(identifier, asset_id, version, each["recordCount"], root, "", 0)
        left = without(seeds_of.whole(bytes(32), each["recordCount"]), each["gone"])
        kek = kept.key(ledger.in_force)
        wrapped = keks.wrap(kek, bytes(32), payload_id=identifier, generation=ledger.in_force, nonce=bytes(12))
        sealed = payloads.seal_seeds(bytes(32), left, payload_id=identifier, epoch=1, nonce=bytes(12))
        ledger.add_payload(payload, KeyRecord(identifier, 1, ledger.in_force, wrapped, sealed))
        targets[identifier] = each["indices"]
    times = iter((given["loggedAt"], given["destroyedAt"]))
    drawn = chain([raw(given["erasureId"])], repeat(b"\x05" * 32))
    erasing = Erasure(ledger, kept, entropy=lambda length: next(drawn)[:length], clock=lambda: next(times))
    done = erasing.erase(targets)
    assert done is not None
    return done


@dataclass(frozen=True)
class MemoryKeks:
    """Keys that follow from their generation."""

    promises_erasure: bool

    def generations(self) -> tuple[int, ...]:
        return ()

    def key(self, generation: int) -> bytes:
        return hashing.sha256(b"%d" % generation)

    def create(self, generation: int) -> None:
        """Every generation exists."""

    def destroy(self, generation: int) -> None:
        """None can be destroyed."""


@runs("deployment")
def deployment(given: Input) -> Any:
    read = Deployment.from_json(hashing.parse_json(given["document"].encode(), "deployment.json"))
    assert Deployment.from_json(read.to_json()) == read
    contracts = {name: to_hex(address) for name, address in read.addresses.items()}
    return {"chainId": str(read.chain_id), "genesisHash": to_hex(read.genesis_hash), "contracts": contracts}


@runs("forward-request")
def forward_request(given: Input) -> Any:
    """By its words, by eth_account, a third implementation, and by Deedbook's own."""
    told, forwarder = given["request"], raw(given["forwarder"])
    sender, data = raw(told["from"]), raw(told["data"])
    numbers = {name: int(told[name]) for name in ("value", "gas", "nonce", "deadline")}
    words = [hashing.keccak256(FORWARD_REQUEST.encode()), sender, raw(told["to"]), *numbers.values()]
    types = ["bytes32", "address", "address", "uint256", "uint256", "uint256", "uint48", "bytes32"]
    struct = hashing.keccak256(abi.encode(types, [*words, hashing.keccak256(data)]))
    domain = {"name": FORWARDER_NAME, "version": "1", "chainId": int(given["chainId"])}
    fields = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    hashes = [hashing.keccak256(text.encode()) for text in (fields, FORWARDER_NAME, "1")]
    separator = hashing.keccak256(
        abi.encode(["bytes32"] * 3 + ["uint256", "address"], [*hashes, domain["chainId"], forwarder])
    )
    digest = hashing.keccak256(b"\x19\x01" + separator + struct)
    members_of = [
        dict(zip(("type", "name"), each.split(" "), strict=True)) for each in FORWARD_REQUEST[15:-1].split(",")
    ]
    typed = encode_typed_data(
        domain | {"verifyingContract": to_hex(forwarder)},
        {"ForwardRequest": members_of},
        {**told, **numbers, "data": data},
    )
    assert (typed.header, typed.body) == (separator, struct)
    ours = relaying.ForwardDomain(int(given["chainId"]), forwarder)
    request = relaying.ForwardRequest.from_json(told)
    assert (relaying.request_digest(ours, request), request.delivered) == (digest, data + sender)
    made = (
        raw(given["signature"]) if "signature" in given else LocalSigner(raw(given["privateKey"])).sign_digest(digest)
    )
    recovery.verify_signer(digest, made, sender)
    return {
        "domainSeparator": to_hex(separator),
        "structHash": to_hex(struct),
        "digest": to_hex(digest),
        "signature": to_hex(made),
        "delivered": to_hex(data + sender),
    }


@runs("signed-request")
def signed_request(given: Input) -> Any:
    if "document" in given:
        read = relaying.SignedRequest.decode(given["document"].encode())
    else:
        domain = relaying.ForwardDomain(int(given["chainId"]), raw(given["contract"]))
        request, signer = relaying.ForwardRequest.from_json(given["request"]), LocalSigner(raw(given["privateKey"]))
        made = signer.sign_digest(relaying.request_digest(domain, request))
        read = relaying.SignedRequest(domain, request, made)
        hashed = encode_typed_data(full_message=relaying.request_typed_data(domain, request))
        assert hashing.keccak256(b"\x19\x01" + hashed.header + hashed.body) == read.digest
    recovery.verify_signer(read.digest, read.signature, read.request.sender)
    assert relaying.SignedRequest.decode(read.encode()) == read
    return {"digest": to_hex(read.digest), "signature": to_hex(read.signature), "document": read.encode().decode()}


FORWARD_REQUEST = (
    "ForwardRequest(address from,address to,uint256 value,uint256 gas,uint256 nonce,uint48 deadline,bytes data)"
)


@runs("consent-file")
def consent_file(given: Input) -> Any:
    path = given["folder"] / "consents"
    path.write_bytes(raw(given["file"]))
    documents = documents_in(str(path))
    return {"unit": documents.unit, "documents": [each.decode() for each in documents]}


@runs("deferred-list")
def deferred_list(given: Input) -> Any:
    places = revenue.places_in(raw(given["entries"])) if "entries" in given else tuple(map(int, given["places"]))
    entries = b"".join(map(revenue.place_entry, places))
    assert revenue.places_in(entries) == places
    return {"root": to_hex(revenue.list_root(places)), "entries": to_hex(entries)}


@runs("own-place")
def own_place(given: Input) -> Any:
    if "places" in given:
        shown = persons.entries_for(given["places"], given["place"])
        count, root = len(given["places"]), revenue.list_root(given["places"])
    else:
        told = given["entries"]
        shown = tuple(persons.Entry(each["position"], each["place"], tuple(map(raw, each["proof"]))) for each in told)
        count, root = given["count"], raw(given["root"])
    position = persons.position_on(count, root, given["place"], shown)
    entries = [{"position": e.position, "place": e.place, "proof": list(map(to_hex, e.proof))} for e in shown]
    return {"root": to_hex(root), "count": count, "entries": entries, "position": position}


@runs("usage-receipts")
def usage_receipts(given: Input) -> Any:
    read = [usage.UsageReceipt.decode(document.encode()) for document in given["documents"]]
    assert [each.encode().decode() for each in read] == given["documents"]
    report = usage.report_of(raw(given["saleId"]), given["from"], given["to"], read, after=given.get("after", 0))
    return {"count": str(report.count), "receiptsRoot": to_hex(report.root)}


@runs("usage-report")
def usage_report(given: Input) -> Any:
    if "document" in given:
        read = usage.SignedReport.decode(given["document"].encode())
    else:
        domain = usage.UsageDomain(int(given["domain"]["chainId"]), raw(given["domain"]["contract"]))
        report, signer = usage.UsageReport.from_json(given["report"]), LocalSigner(raw(given["privateKey"]))
        made = signer.sign_digest(usage.report_digest(domain, report))
        read = usage.SignedReport(domain, report, signer.address, made)
        hashed = encode_typed_data(full_message=usage.report_typed_data(domain, report))
        assert hashing.keccak256(b"\x19\x01" + hashed.header + hashed.body) == read.digest
    recovery.verify_signer(read.digest, read.signature, read.signer)
    assert usage.SignedReport.decode(read.encode()) == read
    return {
        "digest": to_hex(read.digest),
        "signature": to_hex(read.signature),
        "document": read.encode().decode(),
    }


@runs("event")
def event(given: Input) -> Any:
    log = Log(
        raw(given["address"]),
        tuple(map(raw, given["topics"])),
        raw(given["data"]),
        given["block"],
        raw(given["blockHash"]),
        raw(given["transaction"]),
        given["transactionIndex"],
        given["logIndex"],
    )
    try:
        meant = decode_event(given["contract"], log)
    except InvalidFormat:
        meant = None
    told = Told(int(given["chainId"]), given["contract"], log, given["time"], meant, given["retracted"])
    return {"document": told.encode().decode()}


@runs("webhook-signature")
def webhook_signature(given: Input) -> Any:
    secrets = [webhooks.Secret.of(text) for text in given["secrets"]]
    return webhooks.signed(given["id"], given["timestamp"], given["body"].encode(), secrets)


@runs("canonical-json")
def canonical_json(given: Input) -> Any:
    if "canonical" in given:
        value = hashing.parse_canonical_json(given["canonical"].encode(), "vector")
    else:
        value = json.loads(given["text"])
    return {"canonical": hashing.canonical_json(value).decode()}


# -- the tests


def vector_files() -> Iterator[tuple[str, Any]]:
    for path in sorted(VECTORS.glob("*.json")):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))


CASES = [
    pytest.param(name, case, id=f"{name}: {case['name']}") for name, file in vector_files() for case in file["cases"]
]


@pytest.mark.parametrize(("vectors", "case"), CASES)
def test_vector_has_its_expected_outcome(vectors: str, case: Any, tmp_path: Path) -> None:
    given = {**case["input"], "folder": tmp_path, "expected": case.get("expected")}
    if "error" in case:
        with pytest.raises(DeedbookError) as refusal:
            RUNNERS[vectors](given)
        assert refusal.value.code == case["error"]
    else:
        assert RUNNERS[vectors](given) == case["expected"]


def test_every_vector_file_says_what_it_is_and_is_checked_here() -> None:
    for name, file in vector_files():
        assert list(file) == ["format", "version", "about", "madeBy", "cases"], name
        assert (file["format"], file["version"]) == (name, 1)
    assert set(RUNNERS) == {name for name, _ in vector_files()}


def test_every_vector_file_is_named_in_the_formats_document_and_no_other() -> None:
    words = FORMATS.read_text(encoding="utf-8")
    named = {word.removeprefix("tests/vectors/").removesuffix(".json") for word in vector_links(words)}
    assert named == {name for name, _ in vector_files()}


def vector_links(words: str) -> Iterator[str]:
    for part in words.split("`"):
        if part.startswith("tests/vectors/") and part.endswith(".json"):
            yield part


def test_sealing_a_version_gives_units_by_the_words_of_the_format() -> None:
    count, root_seed, asset_id = 5, hashing.sha256(b"root"), 77
    identifiers = [hashing.sha256(bytes((i,))) for i in range(count)]
    plaintexts = [b"%d" % i * 100 for i in range(count)]
    sealed = records_form.seal_records(asset_id, 3, identifiers, plaintexts, root_seed)
    seeds = seeds_of.leaf_seeds(root_seed, count)
    for index in range(count):
        place = {"asset_id": asset_id, "version": 3, "index": index, "consent_id": identifiers[index]}
        assert sealed.units[index] == seal_unit(plaintexts[index], seeds[index], place | {"depth": 3})
    assert sealed.content_root == merkle.rfc9162_root(map(hashing.sha256, sealed.units))


def test_encoding_of_a_consent_is_that_of_the_abi() -> None:
    case = next(file for name, file in vector_files() if name == "consent")["cases"][0]["input"]["consent"]
    read = consents.Consent.from_json(case)
    words = [part.split(" ")[0].replace("string", "bytes32") for part in consents.CONSENT_TYPE[8:-1].split(",")]
    assert consents.encode_consent(read) == consents.CONSENT_TYPE_HASH + abi.encode(words, read.as_tuple())


def published(version: int) -> str:
    begin, end = (
        f"<!-- columns of deedbook.mirror.schema, version {version}: {side}"
        for side in ("begin (a test compares) -->\n", "end -->")
    )
    words = FORMATS.read_text(encoding="utf-8")
    return words[words.index(begin) + len(begin) : words.index(end)]


def test_canonical_columns_are_those_of_the_mirrors_schema() -> None:
    assert schema.SCHEMA_VERSION == 3
    first = published(1).replace(
        "| logs | *block_hash*, *log_index*, block_number,", "| logs | *block_number*, *log_index*, block_hash,"
    )
    assert columns_of(schema.FIRST) == first.replace("event, args |", "event |")
    assert columns_of(schema.SECOND) == published(2)


def test_the_first_version_of_the_rows_is_what_was_published() -> None:
    digest = "23e99637fd05036ff7960541a2bd936ce1850d9a587fd0c4fd937eb16fd6722e"
    assert hashlib.sha256(published(1).encode()).hexdigest() == digest


def columns_of(tables: tuple[Table, ...]) -> str:
    rows = ["| table | columns |\n|---|---|\n"]
    for table in tables:
        names = [f"*{column.name}*" if column.primary_key else column.name for column in table.columns]
        rows.append(f"| {table.name} | {', '.join(names)} |\n")
    return "".join(rows)
