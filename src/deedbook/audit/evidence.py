"""Steps 3 and 4: from the state of a believed block (`headers`) to events that it proves.

A journal is believed because folding its logs gives the head that the block's state holds. What is in `Evidence` needs
no further belief.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from deedbook.audit.bundle import Bundle, Section
from deedbook.audit.findings import Findings, contradiction
from deedbook.chain.decoding import decode_event
from deedbook.chain.proofs import (
    EMPTY_CODE_HASH,
    EMPTY_ROOT,
    Header,
    decode_header,
    verify_account_proof,
    verify_storage_proof,
    without_inline,
)
from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import ZERO32, to_hex
from deedbook.domain.journal import EMPTY_HEAD, entities_of, entity_slot, fold
from deedbook.errors import DeedbookError, EvidenceMissing, IntegrityError

Place = tuple[str, bytes]
"""A journal: its contract's name and its entity."""

SINCE_VERSION_2: Final = frozenset(
    {
        "AssetChanged",
        "RightGranted",
        "RightEnded",
        "SaleDisputed",
        "DisputeDecided",
        "OrdinalsDeferred",
        "DeferredPayoutConfirmed",
        "PaymentsBounced",
        "RefundConfirmed",
    }
)
"""Events that the contracts of version 1 do not have."""


class Journals(Protocol):
    """Where rules take events and times from: a proven bundle, or (for an export) the live chain."""

    def events(self, contract: str, entity: bytes) -> Sequence[Event]:
        """Every event of `contract` that concerns `entity`, in the order of their folding."""

    def time(self, block: int) -> int:
        """When the block was made, in Unix seconds."""


class Evidence:
    """Proven journals and the times of their blocks; remembers which ones were asked for, and which are missing."""

    def __init__(self, journals: Mapping[Place, Sequence[Event]], headers: Mapping[int, Header]) -> None:
        self._journals = journals
        self._headers = headers
        self._asked: dict[Place, None] = {}

    def events(self, contract: str, entity: bytes) -> Sequence[Event]:
        """The journal of an entity; empty where the bundle has none, which `missing` then tells."""
        self._asked[contract, entity] = None
        return self._journals.get((contract, entity), ())

    def places(self) -> list[Place]:
        """The journals that are there."""
        return sorted(self._journals)

    def peek(self, contract: str, entity: bytes) -> Sequence[Event]:
        """The journal of an entity, without asking for it in the name of a rule."""
        return self._journals.get((contract, entity), ())

    def time(self, block: int) -> int:
        """The timestamp of the block's header."""
        return self._headers[block].timestamp

    def unasked(self) -> list[Place]:
        """The journals that are there, and that no rule asked for."""
        return sorted(set(self._journals) - set(self._asked))

    def missing(self) -> EvidenceMissing | None:
        """The first journal that was asked for and is not there, as an error."""
        for contract, entity in self._asked:
            if (contract, entity) not in self._journals:
                return EvidenceMissing(f"the journal of {contract} {to_hex(entity)} is missing", rule="journal.missing")
        return None


def check_heads(bundle: Bundle, header: Header, findings: Findings) -> dict[Place, bytes]:
    """Step 3: the journal heads that the pinned state holds, absent ones included."""
    roots: dict[str, bytes] = {}
    for name in sorted({section.contract for section in bundle.journals} | set(bundle.accounts)):
        if name not in bundle.accounts:
            raise EvidenceMissing(f"the account proof of {name} is missing", rule="proof.account")
        roots[name] = _storage_root(bundle, name, header.state_root)
    heads: dict[Place, bytes] = {}
    for section in bundle.journals:
        heads[section.contract, section.entity] = _head(section, roots[section.contract])
    absent = sum(head == EMPTY_HEAD for head in heads.values())
    findings.found("proof.account", f"{len(roots)} contracts are in the state of block {header.number}")
    findings.found("proof.head", f"{len(heads)} journal heads are proven, {absent} of them by absence")
    return heads


def check_journals(
    bundle: Bundle, heads: Mapping[Place, bytes], headers: Sequence[Header], findings: Findings
) -> Evidence:
    """Step 4: every journal is complete, and every log in it is an event of its contract that concerns its entity."""
    known = {header.number: header for header in headers}
    for section in bundle.journals:
        if _folded(section) != heads[section.contract, section.entity]:
            raise contradiction(
                "journal.complete",
                f"the logs of {section.contract} {to_hex(section.entity)} do not fold into the proven head",
            )
    blocks = {log.block for section in bundle.journals for log in section.logs}
    for block in sorted(blocks.difference(known)):
        if block < headers[-1].number:
            raise EvidenceMissing(f"header {block} is missing", rule="trust.headers")
    journals = {
        (section.contract, section.entity): tuple(
            _event(bundle, section, position, known) for position in range(len(section.logs))
        )
        for section in bundle.journals
    }
    logs = sum(len(events) for events in journals.values())
    findings.found("journal.complete", f"{logs} logs fold into {len(journals)} proven heads; none is left out")
    return Evidence(journals, known)


def check_subject(bundle: Bundle, evidence: Evidence) -> None:
    """The start of step 5: the bundle holds the journal of no other sale. Raises IntegrityError."""
    for contract, entity in evidence.places():
        for event in evidence.peek(contract, entity):
            if event.args.get("saleId") == entity != bundle.sale:
                raise contradiction("journal.sale", f"the journal of another sale, {to_hex(entity)}")


def check_nothing_idle(bundle: Bundle, evidence: Evidence, findings: Findings) -> None:
    """The end of step 5: no journal, account or header is there that no rule asked for, and none is missing.

    Raises IntegrityError for what is idle, then EvidenceMissing.
    """
    for contract, entity in evidence.unasked():
        raise contradiction(
            "journal.unasked", f"no rule of this sale asks for the journal of {contract} {to_hex(entity)}"
        )
    missing = evidence.missing()
    if missing is not None:
        raise missing
    concerned = {section.contract for section in bundle.journals}
    for name in bundle.accounts:
        findings.require(name in concerned, "proof.account", f"the account of {name} concerns no journal")
    first = min((log.block for section in bundle.journals for log in section.logs), default=bundle.block_number)
    oldest = decode_header(bundle.headers[0]).number
    findings.require(first == oldest, "trust.headers", f"no event is as old as header {oldest}")


def _storage_root(bundle: Bundle, name: str, state_root: bytes) -> bytes:
    proof = bundle.accounts[name]
    try:
        account = verify_account_proof(state_root, bundle.contracts[name], _strict(proof))
    except KeyError:
        raise contradiction("trust.contracts", f"no address for {name}") from None
    except DeedbookError as reason:
        raise _named(reason, "proof.account", name) from reason
    if account is None or account.code_hash == EMPTY_CODE_HASH:
        raise contradiction("proof.account", f"no contract at the address of {name}")
    return account.storage_root


def _head(section: Section, storage_root: bytes) -> bytes:
    try:
        if storage_root == EMPTY_ROOT and section.proof:
            raise IntegrityError("nodes under an empty root")
        value = verify_storage_proof(storage_root, entity_slot(section.entity), _strict(section.proof))
    except DeedbookError as reason:
        raise _named(reason, "proof.head", f"{section.contract} {to_hex(section.entity)}") from reason
    return value.to_bytes(32, "big")


def _strict(proof: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The proof, in which nothing may be passed over."""
    if without_inline(proof) != proof:
        raise IntegrityError("a node that its parent holds already")
    return proof


def _named(reason: DeedbookError, rule: str, what: str) -> DeedbookError:
    """The failure of a proof under its rule's name: missing stays missing, all else contradicts."""
    if isinstance(reason, EvidenceMissing):
        return EvidenceMissing(f"{what}: {reason}", rule=rule)
    return IntegrityError(f"{what}: {reason}", rule=rule)


def _folded(section: Section) -> bytes:
    head = EMPTY_HEAD
    for log in section.logs:
        head = fold(head, log.block, log.topics, log.data)
    return head


def _event(bundle: Bundle, section: Section, position: int, headers: Mapping[int, Header]) -> Event:
    bare = section.logs[position]
    place = f"log {position} of {section.contract} {to_hex(section.entity)}"
    if bare.block not in headers:
        raise contradiction("journal.block", f"{place} is of block {bare.block}, after the believed one")
    try:
        log = Log(
            bundle.contracts[section.contract],
            bare.topics,
            bare.data,
            bare.block,
            headers[bare.block].hash,
            ZERO32,
            0,
            position,
        )
        event = decode_event(section.contract, log)
        entities = entities_of(event.contract, event.name, event.args)
    except DeedbookError as reason:
        raise contradiction("journal.event", f"{place}: {reason}") from reason
    if bundle.version == 1 and event.name in SINCE_VERSION_2:
        raise contradiction("journal.event", f"{place}: {section.contract} has no event {event.name}")
    if section.entity not in entities:
        raise contradiction("journal.entity", f"{place}, {event.name}, is of another entity")
    return event
