"""Steps 7 and 9: who is in the delivery, and the bytes that the chain's hashes stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deedbook.audit.assets import Version
from deedbook.audit.consents import Bound, ConsentRegister
from deedbook.audit.deals import Sale
from deedbook.audit.findings import Findings, contradiction
from deedbook.domain.assets import Descriptor
from deedbook.domain.hashing import ZERO32, sha256, to_hex
from deedbook.domain.keytree import Cover, cover_all_but, decode_cover, delivered_count, is_delivered
from deedbook.domain.merkle import rfc9162_root
from deedbook.domain.notices import Notice
from deedbook.errors import DeedbookError, EvidenceMissing

EMPTY_UNIT = sha256(b"")
"""What stands for the unit of a person who withdrew before sealing."""

ENVELOPE_MAGIC = b"DBEN\x01"
ENCAPSULATED = {0x0020: 32, 0x647A: 1120}
"""Length of HPKE's encapsulated key, by KEM id."""

TAG = 16
SEED = 32


def check_cover(
    sale: Sale, version: Version, register: ConsentRegister | None, cover: bytes | None, findings: Findings
) -> Cover | None:
    """Step 7: the cover names exactly those whose consents were live, and is the one on chain."""
    if sale.delivery is None:
        findings.require(cover is None, "cover.undelivered", "a cover of what was not delivered")
        return None
    delivery = sale.delivery
    if delivery.cover_hash == ZERO32:
        findings.require(cover is None, "cover.hash", "a cover where the delivery names none")
        return None
    if cover is None:
        raise EvidenceMissing("the cover is missing", rule="cover.missing")
    findings.require(sha256(cover) == delivery.cover_hash, "cover.hash", "the cover is not the one that was delivered")
    try:
        named = decode_cover(cover)
    except DeedbookError as reason:
        raise contradiction("cover.form", str(reason)) from reason
    findings.require(
        named.record_count == version.record_count,
        "cover.records",
        f"a cover of {named.record_count} records, the version has {version.record_count}",
    )
    if register is None or delivery.basis is None:
        return named
    ended = register.ended_in(delivery.basis)
    wrong = [index for index in ended if is_delivered(named, index)]
    if wrong:
        raise contradiction(
            "cover.withdrawn",
            f"record {wrong[0]} was delivered, whose consent had ended in block {ended[wrong[0]].block}",
        )
    findings.require(
        named == cover_all_but(version.record_count, ended),
        "cover.left-out",
        "somebody who had not withdrawn is left out",
    )
    count = delivered_count(named)
    findings.require(
        count == delivery.count, "cover.count", f"the cover names {count} records, the chain {delivery.count}"
    )
    findings.found(
        "cover.exact",
        f"the cover names exactly {count} records: all {version.record_count} but the {len(ended)} that had ended",
    )
    return named


def check_payload(
    sale: Sale,
    version: Version,
    register: ConsentRegister | None,
    cover: Cover | None,
    units: Sequence[bytes] | None,
    envelope: bytes | None,
    findings: Findings,
) -> None:
    """Step 9, the sealed bytes: units give the content root; the envelope is the one delivered, for this cover."""
    _check_units(sale, version, register, cover, units, findings)
    if sale.delivery is None:
        findings.require(envelope is None, "payload.envelope", "an envelope of what was not delivered")
        return
    if envelope is None:
        raise EvidenceMissing("the envelope is missing", rule="payload.envelope")
    findings.require(
        sha256(envelope) == sale.delivery.envelope_hash,
        "payload.envelope",
        "the envelope is not the one that was delivered",
    )
    if cover is None:
        return
    suite = int.from_bytes(envelope[5:7], "big")
    registered = sale.delivery.suites
    formed = envelope[:5] == ENVELOPE_MAGIC and suite in ENCAPSULATED and (registered is None or suite in registered)
    findings.require(formed, "payload.suite", "the envelope is not sealed in a suite that the buyer registered")
    seeds = 18 + 9 * len(cover) + SEED * len(cover)
    length = 7 + ENCAPSULATED[suite] + seeds + TAG
    findings.require(
        len(envelope) == length,
        "payload.length",
        f"an envelope of {len(envelope)} bytes, {length} for {len(cover)} seeds",
    )
    whose = "the key of whoever runs the use" if registered is None else "the buyer's registered key"
    findings.found("payload.envelope", f"the envelope delivered holds {len(cover)} seeds for {whose}")


def _check_units(
    sale: Sale,
    version: Version,
    register: ConsentRegister | None,
    cover: Cover | None,
    units: Sequence[bytes] | None,
    findings: Findings,
) -> None:
    if units is None:
        raise EvidenceMissing("the hashes of the sealed units are missing", rule="payload.units")
    if sale.on_basis and len(units) < version.record_count:
        raise EvidenceMissing(f"{len(units)} of {version.record_count} unit hashes are there", rule="payload.units")
    whole = len(units) == version.record_count or not sale.on_basis
    findings.require(whole, "payload.units", f"{len(units)} units for {version.record_count} records")
    findings.require(
        rfc9162_root(units) == version.content_root, "payload.root", "the units do not give the version's content root"
    )
    empty = [index for index, unit in enumerate(units) if unit == EMPTY_UNIT]
    if register is not None and empty:
        _check_empty(version, register, cover, empty)
    findings.found(
        "payload.root",
        f"{len(units)} sealed units ({len(empty)} empty) give the content root of version {version.number}",
    )


def _check_empty(version: Version, register: ConsentRegister, cover: Cover | None, empty: Sequence[int]) -> None:
    """A unit is empty only where the person had withdrawn before the version was published."""
    ended = register.ended_in(register.last_of(version.number))
    for index in empty:
        if index not in ended or ended[index].block > version.block:
            raise contradiction("payload.empty", f"record {index} is empty, and nobody had withdrawn it")
        if cover is not None and is_delivered(cover, index):
            raise contradiction("payload.empty", f"record {index} was delivered and is empty")


def needed_documents(sale: Sale, version: Version, register: ConsentRegister | None) -> dict[bytes, str]:
    """The SHA-256 of every document that the sale rests on, with what it is."""
    offer = sale.offer
    needed = {
        sale.asset.source_hash: "source statement",
        version.descriptor_hash: "descriptor",
        offer.terms_hash: "terms",
        offer.policy_hash: "usage policy",
    }
    needed.update({each.document_hash: each.kind.name for each in sale.opinions})
    for bound in _bound(sale, register):
        needed[bound.batch.terms.notice_hash] = "notice"
        if bound.audit is not None:
            needed[bound.audit.document_hash] = "consent audit"
    return needed


def check_documents(needed: Mapping[bytes, str], documents: Mapping[bytes, bytes], findings: Findings) -> None:
    """Step 9, the documents: each is there, is what its hash says, and is relied on."""
    _require_named(documents)
    for digest in documents:
        findings.require(digest in needed, "document.unknown", f"nothing relies on document {to_hex(digest)}")
    for digest, what in needed.items():
        if digest not in documents:
            raise EvidenceMissing(f"the {what} {to_hex(digest)} is missing", rule="document.missing")
    kinds = ", ".join(sorted(set(needed.values())))
    findings.found("document.hash", f"{len(documents)} documents are those that the chain names: {kinds}")


def read_notices(sale: Sale, register: ConsentRegister | None, documents: Mapping[bytes, bytes]) -> dict[bytes, Notice]:
    """The notices of the bound batches, by hash. Raises EvidenceMissing, IntegrityError."""
    _require_named(documents)
    notices: dict[bytes, Notice] = {}
    for bound in _bound(sale, register):
        digest = bound.batch.terms.notice_hash
        if digest in notices:
            continue
        if digest not in documents:
            raise EvidenceMissing(f"the notice {to_hex(digest)} is missing", rule="document.missing")
        try:
            notices[digest] = Notice.decode(documents[digest])
        except DeedbookError as reason:
            raise contradiction("document.notice", str(reason)) from reason
    return notices


def _require_named(documents: Mapping[bytes, bytes]) -> None:
    for digest, content in documents.items():
        if sha256(content) != digest:
            raise contradiction("document.hash", f"a document is not what its name says, {to_hex(digest)}")


def read_descriptor(sale: Sale, version: Version, documents: Mapping[bytes, bytes], findings: Findings) -> Descriptor:
    """The public descriptor, which must say what the chain says of kind and count."""
    try:
        descriptor = Descriptor.decode(documents[version.descriptor_hash])
    except DeedbookError as reason:
        raise contradiction("document.descriptor", str(reason)) from reason
    same = (descriptor.kind, descriptor.record_count) == (sale.asset.kind, version.record_count)
    findings.require(same, "document.descriptor", "the descriptor tells another kind or count than the chain")
    return descriptor


def _bound(sale: Sale, register: ConsentRegister | None) -> tuple[Bound, ...]:
    return () if register is None else register.last_of(sale.offer.version).batches
