"""Writes a sale's bundle from readers that it is handed: a node, and what the exchange keeps off chain.

Only reads. The journals that go in are the ones that the derivation asks for when it runs over the live chain, so that
nothing is left out and nothing idle is added. On a network whose validators are known it takes a final block, and the
seals that make it so. A bundle that would not verify is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, Protocol

from deedbook.audit.bundle import BareLog, Bundle, Section, journalled
from deedbook.audit.consents import Batch
from deedbook.audit.derivation import Derivation, claims_of, derive
from deedbook.audit.evidence import Place
from deedbook.audit.findings import Findings, Verdict
from deedbook.audit.payloads import needed_documents, read_descriptor
from deedbook.audit.trust import Trust
from deedbook.audit.verify import verify
from deedbook.chain.client import Node, NodeError
from deedbook.chain.decoding import decode_event
from deedbook.chain.finality import CliqueFinality
from deedbook.chain.proofs import Header, decode_header, encode_header, without_inline
from deedbook.chain.seals import check_clique
from deedbook.chain.transactions import log_of
from deedbook.domain.consents import SignedConsent
from deedbook.domain.deployments import version_for
from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import ZERO32, from_hex, to_hex
from deedbook.domain.journal import entities_of, entity_slot
from deedbook.domain.validators import Validators, clique_quorum
from deedbook.errors import ChainUnavailable, DeedbookError, EvidenceMissing, IntegrityError, InvalidInput, NotFound
from deedbook.wallet.recovery import recover

MOST_CONSENTS: Final = 100_000
"""Consents of a full bundle: a bundle is one document, read and verified whole, and a consent is some 1,400 bytes."""
BLOCKS_PER_REQUEST: Final = 5_000
HEADERS_PER_REQUEST: Final = 500
SLOTS_PER_REQUEST: Final = 100


class Documents(Protocol):
    """Public documents by their SHA-256."""

    def find(self, name: bytes) -> bytes | None:
        """The content, or None."""


class Envelope(Protocol):
    """A sealed delivery."""

    @property
    def envelope(self) -> bytes:
        """Its bytes."""


class Deliveries(Protocol):
    """Covers and envelopes by their SHA-256."""

    def cover(self, cover_hash: bytes) -> bytes | None:
        """The encoded cover, or None."""

    def envelope(self, envelope_hash: bytes) -> Envelope:
        """The delivery. Raises NotFound."""


class Consents(Protocol):
    """Signed consents."""

    def leaves_of(self, batch_id: bytes) -> Sequence[SignedConsent]:
        """The consents of a batch in leaf order. Raises NotFound."""


@dataclass(frozen=True)
class Readers:
    """Where a bundle's parts come from; `unit_hashes` gives the SHA-256 of a version's units by its content root.

    `contracts` are the deployment's addresses (20 bytes) by name, AccessManager and Forwarder among them. `validators`
    says who seals the chain's blocks; None where its blocks have to be pinned.
    """

    node: Node
    contracts: Mapping[str, bytes]
    documents: Documents
    deliveries: Deliveries
    consents: Consents
    unit_hashes: Callable[[bytes], Sequence[bytes]]
    validators: Validators | None = None


def export_sale(
    readers: Readers, sale_id: bytes, *, block: int | None = None, full: bool = True, most: int = MOST_CONSENTS
) -> bytes:
    """The bundle of a sale as of `block` (default: the newest final one), in full or public form.

    Raises NotFound where there is no such sale, EvidenceMissing for a part that the readers do not have, IntegrityError
    where the chain's own record contradicts itself, InvalidInput (`public`) for the full form of more than `most`
    consents.
    """
    told = _told(readers, sale_id, block)
    if full:
        _require_few(told.derived, most)
    data = _whole(readers, told, full=full).to_bytes()
    report = verify(data, told.chain.trust(told.number))
    if report.verdict is Verdict.UNDECIDED:
        raise EvidenceMissing(f"the bundle would not verify: {report.reason}", rule=report.rule, step=report.step)
    if report.verdict is not Verdict.VALID:
        raise IntegrityError(f"the bundle would not verify: {report.reason}", rule=report.rule, step=report.step)
    return data


def export_slim(readers: Readers, sale_id: bytes, *, block: int | None = None) -> tuple[Bundle, Trust]:
    """The bundle of a sale in slim form - events and cover, see `persons` - and a trust of this node in it. It needs
    nothing else that is kept off chain, and is not verified here.

    Raises NotFound where there is no such sale, IntegrityError where the chain's own record contradicts itself.
    """
    told = _told(readers, sale_id, block)
    return _slim(readers, told), told.chain.trust(told.number)


def trust_at(node: Node, contracts: Mapping[str, bytes], *blocks: int, validators: Validators | None = None) -> Trust:
    """A trust in these `validators`, or else one that pins these blocks as the node has them: for an auditor who asks a
    node of its own."""
    return ChainReader(node, contracts, validators).trust(*blocks)


class ChainReader:
    """A node's logs, headers and proofs in the form that bundles hold."""

    def __init__(self, node: Node, contracts: Mapping[str, bytes], validators: Validators | None = None) -> None:
        self._node = node
        self._contracts = dict(contracts)
        self._validators = validators
        self.chain_id = int(node.request("eth_chainId", []), 16)

    @property
    def version(self) -> int:
        """The version of the deployment."""
        return version_for(self._contracts)

    @property
    def consensus(self) -> str | None:
        """How the chain agrees, where its seals are evidence."""
        return None if self._validators is None else self._validators.consensus

    @property
    def _most_descendants(self) -> int:
        """How many blocks after one make it final, at most: QBFT's own seals do."""
        if self._validators is None or self._validators.consensus != "clique":
            return 0
        return max(clique_quorum(len(span.accounts)) for span in self._validators.spans)

    def newest_final(self) -> int:
        """The number of the newest block that can no longer change. Raises EvidenceMissing, IntegrityError where the
        validators do not say which that is."""
        newest = int(self._node.request("eth_blockNumber", []), 16)
        if self.consensus != "clique":
            return newest
        assert self._validators is not None
        final = CliqueFinality(self._node, self._validators, recover)
        found = final(newest)
        if found < 0:
            raise final.doubt or EvidenceMissing("no block is final yet", rule="seal.quorum")
        return found

    def header(self, number: int) -> Header:
        """A block's header. Raises IntegrityError where it does not hash to the block's own name."""
        return self.headers([number])[0]

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        """The headers of these blocks. Raises as `header`."""
        found: list[Header] = []
        for start in range(0, len(numbers), HEADERS_PER_REQUEST):
            some = numbers[start : start + HEADERS_PER_REQUEST]
            answers = self._node.batch([("eth_getBlockByNumber", [hex(number), False]) for number in some])
            found += map(self._read, some, answers)
        return found

    def sealed(self, numbers: Collection[int], newest: int) -> list[Header]:
        """The headers of these blocks and of `newest`, with the seals that make them final: where fewer blocks without
        an event follow than those have that seal, they lead to the next one. Raises EvidenceMissing, ChainUnavailable
        for a block that is not final yet."""
        wanted = sorted({*numbers, newest})
        found: list[Header] = []
        for first, last in _bridged(wanted, self._most_descendants):
            run = self.headers(range(first, last + 1))
            found += run + self._descendants(run[-1])
        return found

    def trust(self, *blocks: int) -> Trust:
        """A trust in the validators; without them, one that pins these blocks as the node has them."""
        genesis, *pinned = self.headers([0, *blocks])
        pins = {} if self._validators else {header.number: header.hash for header in pinned}
        return Trust(self.chain_id, genesis.hash, self._contracts, pins, self._validators)

    def journals(self, until: int) -> LiveJournals:
        """Every journal of the deployment up to a block."""
        addresses = {self._contracts[name]: name for name in journalled(self.version)}
        journals: dict[Place, list[Event]] = {}
        for log in self._logs(list(addresses), until):
            event = decode_event(addresses[log.address], log)
            for entity in dict.fromkeys(entities_of(event.contract, event.name, event.args)):
                journals.setdefault((event.contract, entity), []).append(event)
        return LiveJournals(journals, lambda block: self.header(block).timestamp)

    def proofs(
        self, contract: str, entities: Sequence[bytes], block: int
    ) -> tuple[tuple[bytes, ...], list[tuple[bytes, ...]]]:
        """The proof of a contract's account and of the heads of these entities in a block's state."""
        account: tuple[bytes, ...] = ()
        heads: list[tuple[bytes, ...]] = []
        for start in range(0, len(entities), SLOTS_PER_REQUEST):
            slots = [f"0x{entity_slot(entity):064x}" for entity in entities[start : start + SLOTS_PER_REQUEST]]
            found = self._node.request("eth_getProof", [to_hex(self._contracts[contract]), slots, hex(block)])
            account = _nodes(found["accountProof"])
            heads += [_nodes(each["proof"]) for each in found["storageProof"]]
        return account, heads

    def _descendants(self, header: Header) -> list[Header]:
        """The blocks after a Clique block that make it final; none of any other."""
        validators = self._validators
        if validators is None or validators.consensus != "clique":
            return []
        first = header.number + 1
        after = self.headers(range(first, first + validators.quorum(header.number)))
        while not _is_final([header, *after], validators):  # new signers, who do not count for this block
            after += self.headers([after[-1].number + 1])
        return after

    def _read(self, number: int, block: Any) -> Header:
        if block is None or isinstance(block, NodeError):
            raise ChainUnavailable(f"the node has no block {number}")
        header = decode_header(encode_header(block), self.consensus or "instant")
        if to_hex(header.hash) != block["hash"] or header.number != number:
            raise IntegrityError(f"block {number} does not hash to {block['hash']}")
        return header

    def _logs(self, addresses: Sequence[bytes], until: int) -> list[Log]:
        """The logs of these contracts up to a block, asked for by ranges; by halves of one that is too much for the
        node."""
        logs: list[Log] = []
        ranges = [(at, min(at + BLOCKS_PER_REQUEST - 1, until)) for at in range(0, until + 1, BLOCKS_PER_REQUEST)]
        ranges.reverse()
        while ranges:
            first, last = ranges.pop()
            try:
                found = self._node.request("eth_getLogs", [_filter(addresses, first, last)])
            except (NodeError, ChainUnavailable):
                if first == last:
                    raise
                middle = (first + last) // 2
                ranges += [(middle + 1, last), (first, middle)]
            else:
                logs += map(_log, found)
        return sorted(logs, key=lambda log: (log.block_number, log.log_index))


class LiveJournals:
    """Journals as the node tells them, noting which ones are asked for."""

    def __init__(self, journals: Mapping[Place, Sequence[Event]], time: Callable[[int], int]) -> None:
        self._journals = journals
        self._time = time
        self._times: dict[int, int] = {}
        self.asked: set[Place] = set()

    def events(self, contract: str, entity: bytes) -> Sequence[Event]:
        """Every event of a contract about an entity, in order; none is an answer too."""
        self.asked.add((contract, entity))
        return self._journals.get((contract, entity), ())

    def time(self, block: int) -> int:
        """A block's time."""
        if block not in self._times:
            self._times[block] = self._time(block)
        return self._times[block]


@dataclass(frozen=True)
class _Told:
    """A sale as the chain tells it, as of a block."""

    chain: ChainReader
    number: int
    journals: LiveJournals
    derived: Derivation


def _told(readers: Readers, sale_id: bytes, block: int | None) -> _Told:
    chain = ChainReader(readers.node, readers.contracts, readers.validators)
    number = chain.newest_final() if block is None else block
    journals = chain.journals(number)
    if not any(event.args.get("saleId") == sale_id for event in journals.events("Market", sale_id)):
        raise NotFound("sale", to_hex(sale_id))
    return _Told(chain, number, journals, derive(sale_id, chain.chain_id, readers.contracts, journals, Findings()))


def _slim(readers: Readers, told: _Told) -> Bundle:
    chain, number, derived = told.chain, told.number, told.derived
    accounts, sections = _sections(chain, told.journals, number)
    blocks = {log.block for section in sections for log in section.logs}
    if chain.consensus is None:
        headers = chain.headers(range(min(blocks, default=number), number + 1))
    else:
        headers = chain.sealed(blocks, number)
    return Bundle(
        sale=derived.sale.sale,
        chain_id=chain.chain_id,
        genesis_hash=chain.header(0).hash,
        contracts=readers.contracts,
        block_number=number,
        block_hash=next(header.hash for header in headers if header.number == number),
        headers=tuple(header.raw for header in headers),
        accounts=accounts,
        journals=sections,
        documents={},
        units=None,
        cover=_cover(readers, derived),
        envelope=None,
        consents=None,
        claims={},
        consensus=chain.consensus,
    )


def _whole(readers: Readers, told: _Told, *, full: bool) -> Bundle:
    derived = told.derived
    needed = needed_documents(derived.sale, derived.version, derived.register)
    documents = {digest: _document(readers, digest, what) for digest, what in needed.items()}
    descriptor = read_descriptor(derived.sale, derived.version, documents, Findings())
    return replace(
        _slim(readers, told),
        documents=documents,
        units=tuple(readers.unit_hashes(derived.version.content_root)),
        envelope=_envelope(readers, derived),
        consents=_people(readers, derived) if full else None,
        claims=claims_of(derived, descriptor),
    )


def _sections(
    chain: ChainReader, journals: LiveJournals, number: int
) -> tuple[dict[str, tuple[bytes, ...]], tuple[Section, ...]]:
    accounts: dict[str, tuple[bytes, ...]] = {}
    sections: list[Section] = []
    for contract in journalled(chain.version):
        entities = sorted(entity for name, entity in journals.asked if name == contract)
        if not entities:
            continue
        accounts[contract], proofs = chain.proofs(contract, entities, number)
        for entity, proof in zip(entities, proofs, strict=True):
            logs = tuple(
                BareLog(event.log.block_number, event.log.topics, event.log.data)
                for event in journals.events(contract, entity)
            )
            sections.append(Section(contract, entity, proof, logs))
    return accounts, tuple(sections)


def _document(readers: Readers, digest: bytes, what: str) -> bytes:
    content = readers.documents.find(digest)
    if content is None:
        raise EvidenceMissing(f"the {what} {to_hex(digest)} is not kept here", rule="document.missing")
    return content


def _cover(readers: Readers, derived: Derivation) -> bytes | None:
    delivery = derived.sale.delivery
    if delivery is None or delivery.cover_hash == ZERO32:
        return None
    return readers.deliveries.cover(delivery.cover_hash)


def _envelope(readers: Readers, derived: Derivation) -> bytes | None:
    delivery = derived.sale.delivery
    return None if delivery is None else readers.deliveries.envelope(delivery.envelope_hash).envelope


def _require_few(derived: Derivation, most: int) -> None:
    """Raises InvalidInput where a full bundle would hold more consents than that."""
    count = sum(batch.count for batch in _collected(derived))
    if count > most:
        raise InvalidInput(
            "public",
            f"a full bundle of {count:,} consents is not written, but of {most:,} at the most",
            hint="write it with --public, and let the auditor check the consents by: deedbook consents verify-batch",
        )


def _people(readers: Readers, derived: Derivation) -> tuple[tuple[Any, ...], ...] | None:
    if derived.register is None:
        return None
    return tuple(
        tuple(signed.to_json() for signed in readers.consents.leaves_of(batch.identifier))
        for batch in _collected(derived)
    )


def _collected(derived: Derivation) -> list[Batch]:
    """The batches of the sale's basis whose consents are not on chain."""
    if derived.register is None:
        return []
    return [bound.batch for bound in derived.basis.batches if bound.batch.direct is None]


def _nodes(proof: Sequence[str] | None) -> tuple[bytes, ...]:
    nodes = without_inline([from_hex(node, "proof") for node in proof or ()])  # geth: null for none
    return () if nodes == (b"\x80",) else nodes


def _is_final(headers: Sequence[Header], validators: Validators) -> bool:
    """Whether enough signers sealed the descendants of the first one. Raises where a seal does not hold."""
    try:
        check_clique(headers, validators, recover)
    except EvidenceMissing as reason:
        if reason.fields.get("rule") != "seal.quorum":
            raise
        return False
    return True


def _bridged(numbers: Sequence[int], gap: int) -> Iterator[tuple[int, int]]:
    """The first and last of each stretch of these ascending numbers that leaves out no more than `gap` in a row."""
    first = numbers[0]
    for one, after in pairwise(numbers):
        if after - one - 1 > gap:
            yield first, one
            first = after
    yield first, numbers[-1]


def _filter(addresses: Sequence[bytes], first: int, last: int) -> dict[str, Any]:
    return {"fromBlock": hex(first), "toBlock": hex(last), "address": [to_hex(address) for address in addresses]}


def _log(item: Mapping[str, Any]) -> Log:
    try:
        return log_of(item)
    except (DeedbookError, KeyError, TypeError, ValueError, AttributeError) as reason:
        raise IntegrityError(f"the node gives a malformed log: {reason}") from reason
