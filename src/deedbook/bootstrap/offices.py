"""The private side of a running home: documents, payloads, deliveries, money, evidence; see `api.offices.Offices`.

What writes the private records takes its turn among those who do.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deedbook.audit.batches import check_batch
from deedbook.audit.verify import judge
from deedbook.bootstrap.services import Services
from deedbook.domain.assets import Descriptor, Version, version_key
from deedbook.domain.batches import Batch
from deedbook.domain.consents import SignedConsent
from deedbook.domain.hashing import checksum_address, parse_json, sha256, to_hex
from deedbook.domain.keytree import decode_cover, delivered_count, delivered_indices
from deedbook.domain.notices import Notice
from deedbook.domain.payloads import PayloadRecord
from deedbook.errors import EvidenceMissing, InvalidInput, NotFound
from deedbook.ledger import deliveries
from deedbook.queries import consents as of_consents
from deedbook.queries.assets import VersionView, version
from deedbook.queries.exports import Relation
from deedbook.queries.members import member
from deedbook.queries.sales import SaleView, sale
from deedbook.records.members import MemberEntry
from deedbook.vault.envelopes import PublicKey, Suite
from deedbook.vault.records_form import encode_record


class Offices:
    """Implements `api.offices.Offices` over the services of a home; `_writing` is held by whoever writes."""

    _services: Services
    _writing: threading.Lock

    def now(self) -> int:
        """Unix seconds."""
        return self._services.clock()

    def draw(self) -> bytes:
        """32 fresh bytes."""
        return self._services.entropy(32)

    # -- documents and keys ----------------------------------------------------------------------------------------

    def put_document(self, kind: str, content: bytes, media_type: str, check: bool) -> bytes:
        """Makes a document public, or (`check`) only looks at it; its SHA-256. Raises InvalidInput."""
        if kind == "notice":
            content, media_type = Notice.from_json(parse_json(content, kind)).encode(), "application/json"
        if kind == "descriptor":
            content, media_type = Descriptor.from_json(parse_json(content, kind)).encode(), "application/json"
        if check:
            return sha256(content)
        with self._writing:
            return self._services.records.documents.put(kind, content, at=self.now(), media_type=media_type)

    def keep_key(self, account: bytes, suite: int, public_key: bytes) -> Mapping[str, Any]:
        """Keeps a member's public key that is registered on chain. Raises NotFound, InvalidInput (`publicKey`)."""
        known = member(self._services.mirror, account)
        if suite not in tuple(map(int, Suite)):
            raise InvalidInput("suite", f"is none of {', '.join(str(int(each)) for each in Suite)}")
        key = PublicKey(Suite(suite), public_key)
        if (known.encryption_suite, known.encryption_key) != (suite, key.commitment):
            raise InvalidInput("publicKey", "is not the one that the member registered")
        with self._writing:
            self._services.records.members.put(MemberEntry(account, "", suite, key.raw, key.commitment))
        return {"account": checksum_address(account), "suite": suite, "key": to_hex(key.commitment)}

    # -- consents --------------------------------------------------------------------------------------------------

    def collect_all(self, asset_id: int, lines: bytes) -> bytes:
        """Takes signed consents of an asset (NDJSON), all or none; their receipts in the same order. Raises
        InvalidInput."""
        documents = [each for each in lines.split(b"\n") if each.strip()]
        if not documents:
            raise InvalidInput("body", "holds no consent")
        first = SignedConsent.from_json(parse_json(documents[0], "line 1")).consent
        with self._writing:
            collector = self._services.signer_of(first.controller, "controller")
            collecting = self._services.consents.collecting(collector, asset_id=asset_id)
            steps = list(collecting.collect(documents, receipts=True))
        return b"".join(receipt + b"\n" for step in steps for receipt in step.receipts)

    def receipt(self, consent_id: bytes) -> Mapping[str, Any]:
        """The receipt that a person was given. Raises NotFound."""
        return self._services.records.consents.consent_receipt(consent_id).to_json()

    def signed_consents(self, batch_id: bytes) -> Iterator[bytes]:
        """The signed consents of a batch that was made here, in leaf order. Raises NotFound."""
        self._services.records.consents.batch(batch_id)
        return (each + b"\n" for each in self._services.records.consents.documents_of(batch_id))

    def check_batch(self, batch_id: bytes) -> Mapping[str, Any]:
        """Checks every consent of a batch as its auditor does. Raises NotFound, IntegrityError."""
        stated, anchored = self._stated(batch_id)
        documents = self._services.records.consents.documents_of(batch_id)
        notices, domain = [self._services.notice(stated.terms.notice_hash)], self._services.consents.domain
        found = check_batch(stated, documents, notices, domain)
        report = {"format": "deedbook.report", "version": 1, "kind": "CONSENT_AUDIT", "batch": to_hex(batch_id)}
        report |= {"signatures": found.signatures, "statements": found.statements, "subjects": found.subjects}
        return {"report": report, "root": to_hex(stated.root), "anchored": anchored}

    def _stated(self, batch_id: bytes) -> tuple[Batch, bool]:
        """The batch as the chain has it, or else as this home keeps it; whether it is on chain."""
        try:
            return of_consents.batch(self._services.mirror, batch_id).stated, True
        except NotFound:
            return self._services.records.consents.batch(batch_id), False

    # -- payloads --------------------------------------------------------------------------------------------------

    def seal(
        self,
        asset_id: int,
        version: int,
        descriptor: Mapping[str, Any],
        batches: Sequence[bytes],
        records: Mapping[bytes, tuple[bytes, Mapping[str, Any]]],
    ) -> Mapping[str, Any]:
        """Seals one record per consent, in the order in which the batches are bound. Raises InvalidInput, NotFound."""
        home, known = self._services, {**descriptor, "recordCount": 0, "size": 0}
        Descriptor.from_json(known)
        with self._writing:
            home.reconcile()
            book = home.records.consents
            bound = [book.batch(each) for each in batches] or book.batches_of(asset_id)
            if not bound:
                raise InvalidInput("batches", "the asset has no anchored batch")
            bound.sort(key=lambda each: each.batch_id)
            plain = list(self._in_order(bound, records))
            sealed = home.vault.seal_all(asset_id, version, plain, len(plain))
            described = Descriptor.from_json({**known, "recordCount": sealed.count, "size": sealed.size})
            home.records.documents.put("descriptor", described.encode(), at=self.now())
        key = version_key(asset_id, Version(sealed.content_root, sealed.count, described.hash))
        found = {"payloadId": to_hex(sealed.payload_id), "contentRoot": to_hex(sealed.content_root)}
        found |= {"descriptorHash": to_hex(described.hash), "versionKey": to_hex(key)}
        return {**found, "records": sealed.count, "empty": sealed.empty}

    def _in_order(
        self, bound: Sequence[Batch], records: Mapping[bytes, tuple[bytes, Mapping[str, Any]]]
    ) -> Iterator[tuple[bytes, bytes | None]]:
        """Consent id and plaintext by record index, None for a consent that has ended."""
        missing, left = 0, set(records)
        for batch in bound:
            ended = of_consents.ended_leaves(self._services.mirror, batch.batch_id)
            leaves = self._services.records.consents.commitments_of(batch.batch_id)
            for index, (consent_id, commitment) in enumerate(leaves):
                left.discard(commitment)
                found = None if index in ended else records.get(commitment)
                missing += found is None and index not in ended
                yield consent_id, None if found is None else encode_record(*found)
        if left:
            raise InvalidInput("records", f"{len(left)} of them no consent commits to")
        if missing:
            raise InvalidInput("records", f"{missing} live consents have no record", missing=missing)

    def payloads(self) -> list[Mapping[str, Any]]:
        """What is sealed here."""
        wrapped = self._services.records.payloads.keys()
        return [self.payload(each.payload_id) for each in wrapped]

    def payload(self, payload_id: bytes) -> Mapping[str, Any]:
        """A payload: how many records there are, how many can still be opened. Raises NotFound."""
        found = self._services.vault.payload(payload_id)
        return {
            "payloadId": to_hex(found.payload_id),
            "assetId": str(found.asset_id),
            "version": found.version,
            "records": found.count,
            "available": delivered_count(self._services.vault.available(found.payload_id)),
            "contentRoot": to_hex(found.content_root),
        }

    def erase(self, payload_id: bytes, records: Sequence[int]) -> Mapping[str, Any]:
        """Destroys the keys of single records; the destruction receipt. Raises NotFound, InvalidInput."""
        with self._writing:
            done = self._services.erasure.erase({payload_id: records})
            kept = done.receipt if done else self._services.erasure.receipt_of(payload_id, records[0])
        found: Mapping[str, Any] = parse_json(kept, "receipt")
        return found

    # -- deliveries ------------------------------------------------------------------------------------------------

    def delivery(self, sale_id: bytes) -> Mapping[str, Any]:
        """What a buyer opens: the envelope, its cover, and what it is of. Raises NotFound, EvidenceMissing."""
        sold, of = self._delivered(sale_id)
        shelf = self._services.records.deliveries
        assert sold.envelope_hash is not None
        envelope = deliveries.hand_out_for(self._services.acting, shelf, sale_id, sold.envelope_hash)
        return {
            "saleId": to_hex(sale_id),
            "chainId": str(self._services.chain_id),
            "market": checksum_address(self._services.addresses["Market"]),
            "assetId": str(sold.asset_id),
            "version": sold.version,
            "versionKey": to_hex(of.version_key),
            "contentRoot": to_hex(of.content_root),
            "deliveredCount": sold.delivered_count,
            "cover": to_hex(self._cover(sold)),
            "envelope": to_hex(envelope),
        }

    def delivered_units(self, sale_id: bytes) -> Iterator[bytes]:
        """The sealed records of a delivered version, NDJSON: every one's consent, commitment and hash, and the unit of
        those that were delivered and are not erased. Raises NotFound, EvidenceMissing."""
        sold, of = self._delivered(sale_id)
        home, cover = self._services, decode_cover(self._cover(sold))
        payload = home.vault.payload_of(of.content_root)
        bound = of.basis.batches if of.basis else ()
        leaves = (leaf for each in bound for leaf in home.records.consents.commitments_of(each))
        hashes = home.vault.unit_hashes(payload.payload_id)
        return self._lines(payload, leaves, hashes, home.vault.units_of(payload.payload_id, cover, hashes), sold)

    def _lines(
        self,
        payload: PayloadRecord,
        leaves: Iterator[tuple[bytes, bytes]],
        hashes: Sequence[bytes],
        units: Iterator[bytes | None],
        sold: SaleView,
    ) -> Iterator[bytes]:
        given = iter(delivered_indices(decode_cover(self._cover(sold))))
        coming = next(given, None)
        for index, (consent_id, commitment) in zip(range(payload.count), leaves, strict=True):
            line = {"index": index, "consentId": to_hex(consent_id), "recordCommit": to_hex(commitment)}
            due, unit = index == coming, None
            if due:
                unit, coming = next(units), next(given, None)
            line |= {"hash": to_hex(hashes[index]), "unit": None if unit is None else to_hex(unit)}
            line["erased"] = due and unit is None
            yield json.dumps(line, separators=(",", ":")).encode() + b"\n"

    def _delivered(self, sale_id: bytes) -> tuple[SaleView, VersionView]:
        sold = sale(self._services.mirror, sale_id)
        if sold.envelope_hash is None or sold.cover_hash is None:
            raise NotFound("delivery of sale", to_hex(sale_id), hint="the provider has to deliver first")
        return sold, version(self._services.mirror, sold.asset_id, sold.version)

    def _cover(self, sold: SaleView) -> bytes:
        assert sold.cover_hash is not None
        encoded = self._services.records.deliveries.cover(sold.cover_hash)
        if encoded is None:
            raise EvidenceMissing("the cover of the delivery is not kept here", cover=to_hex(sold.cover_hash))
        return encoded

    # -- money -----------------------------------------------------------------------------------------------------

    def statements(self, sale_id: bytes) -> Relation:
        """The statements of all people of a settled sale. Raises NotFound."""
        return self._services.payments.statements(sale(self._services.mirror, sale_id))

    def make_bank_batch(self, sale_id: bytes, of: int, most: int | None) -> Mapping[str, Any]:
        """The bank batch of the next places of a list. Raises NotFound, InvalidInput, Conflict."""
        with self._writing:
            made = self._services.payments.batch(sale(self._services.mirror, sale_id), of=of, most=most)
        span = {"list": made.list, "first": made.first, "end": made.end}
        amounts = {"payments": made.payments, "deferred": made.deferred_count, "total": str(made.total)}
        return {"saleId": to_hex(made.sale_id), "batch": made.number, **span, **amounts}

    def bank_batch(self, sale_id: bytes, number: int) -> Relation:
        """The rows of a bank batch. Raises NotFound."""
        kept = self._services.records.bank_batches.batch(sale_id, number)
        return self._services.payments.relation(sale(self._services.mirror, sale_id), kept)

    # -- evidence --------------------------------------------------------------------------------------------------

    def bundle(self, sale_id: bytes, public: bool) -> bytes:
        """A sale's evidence as one file. Raises NotFound, EvidenceMissing, InvalidInput (`public`)."""
        return self._services.export_sale(sale_id, full=not public)[0]

    def own_evidence(self, sale_id: bytes, consent_id: bytes) -> bytes:
        """What checks a person's own statement of a sale. Raises NotFound, EvidenceMissing, IntegrityError."""
        return self._services.export_statement(sale_id, consent_id)

    def trust(self) -> bytes:
        """A trust as this home has it."""
        return self._services.trust()

    def judge(self, bundle: bytes, trust: bytes) -> Mapping[str, Any]:
        """The report on a bundle by a trust."""
        return judge(bundle, trust).to_json()
