"""Consents re-derived: batches, bindings, live counts, withdrawals, marks; and, with the consents at hand, every leaf.

The register of an asset is a walk through its one journal of `Consents`, in which the order is exact: what each event
says of counts (`offset`, `withdrawn`, `live`, `pending`) is compared with what the events before it add up to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deedbook.audit.assets import Asset, Assets
from deedbook.audit.evidence import Journals
from deedbook.audit.findings import Findings, contradiction
from deedbook.audit.histories import Attestations, Members, Statement, states_in
from deedbook.domain.codes import MODES_ALL, AssetState, AttestationKind, EndCause, Purpose, Role
from deedbook.domain.consents import (
    Consent,
    ConsentDomain,
    SignedConsent,
    Terms,
    batch_id,
    consent_id_of_args,
    narrower_field,
    terms_hash,
)
from deedbook.domain.events import Event
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, checksum_address, to_hex
from deedbook.domain.journal import asset_entity
from deedbook.domain.merkle import Rfc9162Root, consent_leaf, positional_root
from deedbook.domain.notices import Notice, render_statement
from deedbook.errors import DeedbookError, EvidenceMissing
from deedbook.wallet.recovery import recover


@dataclass(frozen=True, slots=True)
class Batch:
    """A granted batch. `direct` is the consent as its event carries it, where the signature was checked on chain."""

    identifier: bytes
    root: bytes
    count: int
    terms: Terms
    manifest: bytes
    block: int
    direct: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A batch's place in a binding (record index = offset + leaf index), and the audit relied on (none if direct)."""

    batch: Batch
    offset: int
    audit: Statement | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A leaf that ended, at its place in the asset's journal."""

    position: int
    batch: bytes
    index: int
    consent_id: bytes
    subject: bytes
    cause: int
    block: int


@dataclass(frozen=True, slots=True)
class Basis:
    """The binding of the version last bound to, after `position` events."""

    position: int = 0
    version: int = 0
    bound: int = 0
    live: int = 0
    closed: bool = False
    pending: int = 0
    terms: Terms | None = None
    batches: tuple[Bound, ...] = ()


@dataclass(frozen=True)
class ConsentRegister:
    """Everything that the journal of one asset's consents says, checked."""

    asset_id: int
    events: Sequence[Event]
    states: Sequence[Basis]
    batches: Mapping[bytes, Batch]
    ended: Sequence[Ended]

    def bases(self, block: int) -> list[Basis]:
        """The possible bases in a block."""
        return list(states_in(self.events, self.states, block))

    def ended_in(self, basis: Basis) -> dict[int, Ended]:
        """The record indices of the binding whose leaves had ended by then."""
        offsets = {bound.batch.identifier: bound.offset for bound in basis.batches}
        return {
            offsets[end.batch] + end.index: end
            for end in self.ended
            if end.position <= basis.position and end.batch in offsets
        }

    def last_of(self, version: int) -> Basis:
        """The binding of a version as it ended, or as the pinned block has it; empty where there is none."""
        return next((basis for basis in reversed(self.states) if basis.version == version), Basis())

    def at_count(self, version: int, live: int) -> Basis | None:
        """The first moment at which the closed binding of `version` had exactly `live` leaves."""
        for basis in self.states:
            if basis.version == version and basis.closed and basis.live == live:
                return basis
        return None


@dataclass
class _Walk:
    """The walk through the journal of one asset's consents."""

    version: int
    asset_id: int
    domain: ConsentDomain
    journals: Journals
    members: Members
    assets: Assets
    attestations: Attestations
    batches: dict[bytes, Batch] = field(default_factory=dict)
    bound_to: dict[bytes, int] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)
    ends: set[tuple[bytes, int]] = field(default_factory=set)
    marks: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)

    def after(self, basis: Basis, event: Event) -> Basis:
        """The basis after one more event."""
        basis = replace(basis, position=basis.position + 1)
        step = {
            "BatchGranted": self._granted,
            "ConsentGranted": self._granted_directly,
            "BatchBound": self._bound,
            "BindingClosed": self._closed,
            "LeafEnded": self._ended,
            "WithdrawalMarked": self._marked,
            "WithdrawalResolved": self._resolved,
        }.get(event.name)
        return basis if step is None else step(basis, event.args, event.log.block_number)

    def _granted(self, basis: Basis, args: Mapping[str, Any], block: int) -> Basis:
        batch = Batch(
            args["batchId"], args["root"], args["count"], Terms.from_args(args["terms"]), args["manifestHash"], block
        )
        self._require(args["collector"] == batch.terms.controller, "consents.collector", "collected by no controller")
        self._require(batch.count > 0 and batch.root != ZERO32, "consents.batch", "a batch of nothing")
        self._admit(batch)
        return basis

    def _granted_directly(self, basis: Basis, args: Mapping[str, Any], block: int) -> Basis:
        consent = args["consent"]
        self._require(consent["assetId"] == self.asset_id, "consents.asset", "a consent to another asset")
        identifier = consent_id_of_args(self.domain, consent)
        self._require(identifier == args["consentId"], "consents.consentId", "a consentId that is not its fields'")
        root = consent_leaf(identifier, consent["subject"])
        self._admit(Batch(args["batchId"], root, 1, Terms.from_args(consent), ZERO32, block, consent))
        return basis

    def _admit(self, batch: Batch) -> None:
        terms, block, name = batch.terms, batch.block, to_hex(batch.identifier)
        stated = batch_id(self.asset_id, batch.root, batch.count, terms_hash(terms, batch.manifest))
        self._require(stated == batch.identifier, "consents.batchId", f"batch {name} is not the hash of what it states")
        self._require(batch.identifier not in self.batches, "consents.batch", f"batch {name} was granted twice")
        whole = terms.notice_hash != ZERO32 and 0 < terms.purpose <= max(Purpose) and 0 < terms.modes <= MODES_ALL
        self._require(whole, "consents.terms", f"batch {name} names no notice, purpose or mode")
        named = terms.recipient != ZERO_ADDRESS or terms.recipient_class != 0
        self._require(named, "consents.terms", f"batch {name} names no recipient")
        alive = terms.valid_from <= terms.valid_until and self.journals.time(block) <= terms.valid_until
        self._require(alive, "consents.validity", f"batch {name} had ended before it was granted")
        self.members.require(terms.controller, block, "consents.controller", "collected the consents", Role.PROVIDER)
        claims = any(self._controls(asset, terms.controller) for asset in self.assets.states(self.asset_id, block))
        self._require(claims, "consents.controller", f"batch {name} was granted by another than the asset's holder")
        self.batches[batch.identifier] = batch

    def _controls(self, asset: Asset, controller: bytes) -> bool:
        """Holder of the registered asset; before, the only one who could register it."""
        if asset.state == AssetState.NONE:
            registrant = self.assets.last(self.asset_id).registrant
            return registrant in (controller, ZERO_ADDRESS)
        return asset.state == AssetState.REGISTERED and asset.holder == controller

    def _bound(self, basis: Basis, args: Mapping[str, Any], block: int) -> Basis:
        batch = self.batches.get(args["batchId"])
        if batch is None:
            raise contradiction("consents.bind", f"batch {to_hex(args['batchId'])} was bound and never granted")
        name = to_hex(batch.identifier)
        if args["version"] != basis.version:
            basis = replace(Basis(), position=basis.position, version=args["version"], pending=basis.pending)
        self._require(not basis.closed, "consents.bind", f"batch {name} was bound to a closed binding")
        self._require(self.bound_to.get(batch.identifier) != basis.version, "consents.bind", f"{name} was bound twice")
        controller = batch.terms.controller
        current = [
            asset
            for asset in self.assets.states(self.asset_id, block)
            if asset.current is not None and asset.current.number == basis.version
        ]
        self._require(bool(current), "consents.version", f"batch {name} was bound to a version that was not current")
        holds = any(asset.holder == controller and asset.state == AssetState.REGISTERED for asset in current)
        self._require(holds, "consents.controller", f"batch {name} was bound while another held the asset")
        self.members.require(controller, block, "consents.controller", "bound the batch")
        self._require(
            self.journals.time(block) <= batch.terms.valid_until,
            "consents.validity",
            f"batch {name} was bound after its end",
        )
        self._require(args["offset"] == basis.bound, "consents.offset", f"batch {name} does not follow the one before")
        self._require(args["count"] == batch.count, "consents.count", f"batch {name} has {batch.count} leaves")
        gone = sum(identifier == batch.identifier for identifier, _ in self.ends)
        self._require(
            args["withdrawn"] == gone,
            "consents.live",
            f"{gone} leaves of batch {name} had ended, not {args['withdrawn']}",
        )
        audit = self._audit(batch, args["auditor"], block)
        self.bound_to[batch.identifier] = basis.version
        return replace(
            basis,
            bound=basis.bound + batch.count,
            live=basis.live + batch.count - gone,
            terms=self._joined(basis.terms, batch),
            batches=(*basis.batches, Bound(batch, basis.bound, audit)),
        )

    def _audit(self, batch: Batch, auditor: bytes, block: int) -> Statement | None:
        if batch.direct is not None:
            self._require(auditor == ZERO_ADDRESS, "consents.audit", "a direct grant names an auditor")
            return None
        collectors = {granted.terms.controller for granted in self.batches.values()}
        self._require(auditor not in collectors, "consents.auditor", f"auditor {checksum_address(auditor)} is a party")
        found = self.attestations.live(
            batch.identifier, AttestationKind.CONSENT_AUDIT, block, lambda attester: attester == auditor
        )
        words = f"batch {to_hex(batch.identifier)} had no live audit by {checksum_address(auditor)} in block {block}"
        self._require(found is not None, "consents.audit", words)
        return found

    def _joined(self, common: Terms | None, batch: Batch) -> Terms:
        terms = batch.terms
        if common is None:
            return terms
        agreed = all(
            getattr(common, name) == getattr(terms, name)
            for name in ("controller", "recipient", "recipient_class", "purpose")
        )
        self._require(agreed, "consents.agreement", f"batch {to_hex(batch.identifier)} disagrees with the others bound")
        return replace(
            common,
            modes=common.modes & terms.modes,
            cross_border=common.cross_border and terms.cross_border,
            valid_from=max(common.valid_from, terms.valid_from),
            valid_until=min(common.valid_until, terms.valid_until),
        )

    def _closed(self, basis: Basis, args: Mapping[str, Any], _block: int) -> Basis:
        self._require(
            args["version"] == basis.version and not basis.closed, "consents.closed", "a binding closed twice"
        )
        version = self.assets.version(self.asset_id, basis.version)
        self._require(
            args["recordCount"] == basis.bound == version.record_count,
            "consents.recordCount",
            f"{basis.bound} leaves are bound to a version of {version.record_count} records",
        )
        self._require(args["live"] == basis.live, "consents.live", f"{basis.live} leaves were live, not {args['live']}")
        return replace(basis, closed=True)

    def _ended(self, basis: Basis, args: Mapping[str, Any], block: int) -> Basis:
        batch, place = self.batches.get(args["batchId"]), (args["batchId"], args["index"])
        known = batch is not None and args["index"] < batch.count
        self._require(known, "consents.leaf", f"leaf {args['index']} of {to_hex(args['batchId'])} was never granted")
        self._require(
            place not in self.ends, "consents.leaf", f"leaf {args['index']} of {to_hex(args['batchId'])} ended twice"
        )
        self._require(args["cause"] in set(EndCause), "consents.cause", f"cause {args['cause']}")
        if args["cause"] == EndCause.RELEASED and batch is not None:
            self._require(
                args["actor"] == batch.terms.controller, "consents.release", "released by another than the collector"
            )
        end = Ended(basis.position, *place, args["consentId"], args["subject"], args["cause"], block)
        self.ends.add(place)
        self.ended.append(end)
        version = self.bound_to.get(args["batchId"], 0)
        live = basis.live - (version != 0 and version == basis.version)
        self._require(
            args["live"] == live, "consents.live", f"{live} leaves were live after block {block}, not {args['live']}"
        )
        return replace(basis, live=live)

    def _marked(self, basis: Basis, args: Mapping[str, Any], _block: int) -> Basis:
        collectors = {batch.terms.controller for batch in self.batches.values()}
        self._require(args["collector"] in collectors, "consents.mark", "marked by the receipt of no collector")
        mark = args["consentId"], args["subject"]
        self._require(mark not in self.marks, "consents.mark", "marked while a mark of it was pending")
        self.marks[mark] = args["collector"]
        return self._pending(basis, args, basis.pending + 1)

    def _resolved(self, basis: Basis, args: Mapping[str, Any], block: int) -> Basis:
        collector = self.marks.pop((args["consentId"], args["subject"]), None)
        if collector is None:
            raise contradiction("consents.mark", "a mark was resolved that was not pending")
        if not args["applied"]:
            self._require_dismisser(args["resolver"], collector, block)
        return self._pending(basis, args, basis.pending - 1)

    def _require_dismisser(self, auditor: bytes, collector: bytes, block: int) -> None:
        self.members.require(auditor, block, "consents.mark", "dismissed a mark", Role.AUDITOR)
        holders = [asset.holder for asset in self.assets.states(self.asset_id, block)]
        party = auditor == collector or all(auditor == holder for holder in holders)
        self._require(self.version == 1 or not party, "consents.dismisser", "a mark was dismissed by a party to it")

    def _pending(self, basis: Basis, args: Mapping[str, Any], pending: int) -> Basis:
        self._require(
            args["pending"] == pending >= 0, "consents.pending", f"{pending} marks were pending, not {args['pending']}"
        )
        return replace(basis, pending=pending)

    def _require(self, kept: bool, rule: str, words: str) -> None:
        if not kept:
            raise contradiction(rule, words)


def read_register(
    version: int,
    asset_id: int,
    domain: ConsentDomain,
    journals: Journals,
    members: Members,
    assets: Assets,
    attestations: Attestations,
    findings: Findings,
) -> ConsentRegister:
    """The register of an asset's consents, by the rules of a deployment of this version. Raises IntegrityError where an
    event contradicts those before it."""
    walk = _Walk(version, asset_id, domain, journals, members, assets, attestations)
    events = journals.events("Consents", asset_entity(asset_id))
    states = [Basis()]
    for event in events:
        states.append(walk.after(states[-1], event))
    leaves = sum(batch.count for batch in walk.batches.values())
    findings.found(
        "consents.register",
        f"{len(walk.batches)} batches of {leaves} leaves, {len(walk.ended)} of which ended; every count adds up",
    )
    return ConsentRegister(asset_id, events, states, walk.batches, walk.ended)


def check_consents(
    register: ConsentRegister,
    basis: Basis,
    shown: Sequence[Sequence[Any]],
    notices: Mapping[bytes, Notice],
    domain: ConsentDomain,
    findings: Findings,
) -> None:
    """Step 6, with the signed consents of every bound batch that has a manifest, in leaf order.

    `basis` is the one that was delivered from. Raises IntegrityError naming the leaf, EvidenceMissing where some are
    absent.
    """
    batches = [bound for bound in basis.batches if bound.batch.direct is None]
    if len(shown) < len(batches):
        raise EvidenceMissing(f"consents of {len(shown)} of {len(batches)} batches are there", rule="consents.shown")
    findings.require(len(shown) == len(batches), "consents.shown", "consents of a batch that is not bound")
    ended = register.ended_in(basis)
    seen: dict[bytes, int] = {}
    for bound, documents in zip(batches, shown, strict=True):
        check_leaves(register, bound, documents, notices, domain, ended, seen)
    people = sum(len(documents) for documents in shown)
    findings.found(
        "consents.signed",
        f"{people} people signed the very sentences of the notice; leaves, roots and manifests hold exactly these",
    )


def check_direct_consents(basis: Basis, notices: Mapping[bytes, Notice], findings: Findings) -> None:
    """Step 6 for grants whose signature the chain checked: the statement that was signed is the notice's."""
    count = 0
    for bound in basis.batches:
        if bound.batch.direct is None:
            continue
        count += 1
        fields = dict(bound.batch.direct)
        stated = fields.pop("statementHash")
        values = {_snake(name): value for name, value in fields.items()}
        consent = Consent(**values, statement="-")
        sentence = _rendered(notices, consent, f"direct grant {to_hex(bound.batch.identifier)}")
        if replace(consent, statement=sentence).statement_hash != stated:
            raise contradiction(
                "consents.statement", f"direct grant {to_hex(bound.batch.identifier)}: another sentence was signed"
            )
    if count:
        findings.found("consents.direct", f"{count} direct grants signed the sentences of the notice")


def check_leaves(
    register: ConsentRegister,
    bound: Bound,
    documents: Sequence[Any],
    notices: Mapping[bytes, Notice],
    domain: ConsentDomain,
    ended: Mapping[int, Ended],
    seen: dict[bytes, int],
) -> None:
    """Checks the consents of one batch, leaf by leaf: form, domain, signature, sentence; for each leaf that had not
    `ended` (by record index) its own terms, and that nobody `seen` is counted again; then root and manifest.

    Raises IntegrityError naming rule and leaf, EvidenceMissing where consents are missing.
    """
    batch, name = bound.batch, to_hex(bound.batch.identifier)
    if len(documents) < batch.count:
        raise EvidenceMissing(
            f"{len(documents)} of {batch.count} consents of batch {name} are there", rule="consents.shown"
        )
    if len(documents) > batch.count:
        raise contradiction("consents.shown", f"{len(documents)} consents for the {batch.count} leaves of batch {name}")
    leaves, manifest = [], Rfc9162Root()
    for index, document in enumerate(documents):
        place = f"consent {index} of batch {name}"
        try:
            signed = SignedConsent.from_json(document)
        except DeedbookError as reason:
            raise contradiction("consents.form", f"{place}: {reason}") from reason
        identifier = _check_leaf(signed, notices, domain, place)
        record = bound.offset + index
        _check_end(ended.get(record), identifier, signed, place)
        if record not in ended:
            _check_standing(signed, identifier, batch, register.asset_id, place, seen)
        leaves.append(consent_leaf(identifier, signed.consent.subject))
        manifest.add(signed.encode())
    if positional_root(leaves) != batch.root:
        raise contradiction("consents.root", f"the consents shown do not give the root of batch {name}")
    if manifest.root() != batch.manifest:
        raise contradiction("consents.manifest", f"the consents shown are not those of the manifest of batch {name}")


def _check_leaf(signed: SignedConsent, notices: Mapping[bytes, Notice], domain: ConsentDomain, place: str) -> bytes:
    """The consentId, once domain, signature and sentence are right."""
    if signed.domain != domain:
        raise contradiction("consents.domain", f"{place} was signed for another chain or contract")
    identifier = signed.consent_id
    try:
        signer = recover(identifier, signed.signature)
    except DeedbookError as reason:
        raise contradiction("consents.signature", f"{place}: {reason}") from reason
    if signer != signed.consent.subject:
        raise contradiction("consents.signature", f"{place} was signed by {checksum_address(signer)}, not its subject")
    if _rendered(notices, signed.consent, place) != signed.consent.statement:
        raise contradiction(
            "consents.statement", f"{place}: the sentence signed is not what the notice says of its fields"
        )
    return identifier


def _check_end(end: Ended | None, identifier: bytes, signed: SignedConsent, place: str) -> None:
    if end is not None and (end.consent_id, end.subject) != (identifier, signed.consent.subject):
        raise contradiction("consents.end", f"{place} is not the one that ended there")


def _check_standing(
    signed: SignedConsent, identifier: bytes, batch: Batch, asset_id: int, place: str, seen: dict[bytes, int]
) -> None:
    """A leaf that counted: its own terms cover the batch's, and nobody is counted twice."""
    consent = signed.consent
    narrower = narrower_field(asset_id, batch.terms, consent)
    if narrower is not None:
        raise contradiction("consents.narrower", f"{place} grants less than its batch: {narrower.name}")
    for key, what in ((identifier, "consentId"), (consent.subject, "subject")):
        if key in seen:
            raise contradiction("consents.unique", f"{place} has the {what} of another leaf")
        seen[key] = 1


def _rendered(notices: Mapping[bytes, Notice], consent: Consent, place: str) -> str:
    notice = notices.get(consent.notice_hash)
    if notice is None:
        raise contradiction("consents.notice", f"{place} names a notice that its batch does not")
    try:
        return render_statement(notice, consent)
    except DeedbookError as reason:
        raise contradiction("consents.statement", f"{place}: {reason}") from reason


def _snake(name: str) -> str:
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)
