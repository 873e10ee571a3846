"""`make bench-gas`: what the acts of the ledger cost, beside the peers' acts, in one run on one anvil.

Rows 1 to 6 of DESIGN.md 5, under the rules of Paris. Every act is a transaction of its own in steady state: contract,
journal and signer words are not zero, one act of each kind went before, and what is shown is the median of several
distinct ones, since hashes have more or fewer zero bytes. After each act the state that it should produce is read
back. Beside each stands its floor by the fee schedule (`tests.bench.schedule`).

Exit code 0 when every bar holds, 1 when one does not or an act did not do its work.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median_low
from typing import Any, Final

from deedbook.domain import codes
from deedbook.domain.consents import withdrawal_digest
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.domain.merkle import PositionalTree, consent_leaf
from tests.bench import peers
from tests.bench.chain import Chain, RefusedError, running
from tests.bench.exchange import STATEMENT, TO_LIST, TO_ORDER, Crowd, Exchange, account, signer, word
from tests.bench.logs import UniformLog
from tests.bench.report import Row, aligned, keep, machine, progress, write
from tests.bench.schedule import Floor, floor_of
from tools import apart

INSTANCES: Final = 5
MILLION: Final = 1_000_000
TEN_MILLION: Final = 10_000_000
MANY: Final = 100
"""Attestations in one transaction of EAS."""

LOG_FROM, LOG_TO, LOG_NODES = 2**24 - 1, 2**24 + MILLION, 26


@dataclass(frozen=True, slots=True)
class Measured:
    """An act of one project: its median gas, the floor of that instance, and what was read back after it."""

    who: str
    act: str
    gas: int
    floor: int
    calldata: int
    execution: tuple[int, ...]
    parts: Floor
    work: str


class Bench:
    """Measures acts on one chain, and keeps what it measured."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.acts: list[Measured] = []
        self.rows: list[Row] = []

    def measure(self, who: str, act: str, work: str, receipts: Iterable[Any]) -> Measured:
        """The median of these transactions; the first is the warm-up and does not count."""
        progress(f"{who}: {act}")
        counted = list(receipts)[1:]
        floors = [floor_of(self.chain, receipt) for receipt in counted]
        used = [int(receipt["gasUsed"], 16) for receipt in counted]
        middle = used.index(median_low(used))
        floor = floors[middle]
        execution = tuple(gas - each.intrinsic for gas, each in zip(used, floors, strict=True))
        measured = Measured(who, act, used[middle], floor.total, floor.size, execution, floor, work)
        self.acts.append(measured)
        return measured

    def row(
        self, number: int, ours: Measured, most: int | None, against: Measured | None = None, share: int = 1
    ) -> None:
        """A row of DESIGN 5: at most `most` gas; `share` of the peer's are one of ours."""
        peer = None if against is None else against.gas / share
        bar = None if most is None else f"<= {most:,}"
        self.add(number, ours.act, ours.gas, bar, most is None or ours.gas <= most, against, peer)

    def add(
        self, number: int, what: str, value: float, bar: str | None, holds: bool, against: Measured | None = None,
        peer: float | None = None, unit: str = "gas",
    ) -> None:  # fmt: skip
        """Any row."""
        name = "" if against is None else f"{against.who} {against.act}"
        self.rows.append(Row(f"{number}. {what}", value, unit, name, peer, bar, holds))

    def claim(self, number: int, what: str, figures: Sequence[int]) -> None:
        """A row that holds where all figures are one."""
        same = len(set(figures)) == 1
        self.add(number, what, max(figures) - min(figures), "identical", same, unit="gas apart")


OURS: Final = "Deedbook"


def main(words: Sequence[str] | None = None) -> int:
    """Runs the bench; `--record` also writes the report under tests/reports."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gas", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--record", action="store_true", help="where all bars hold, keep the report under tests/reports"
    )
    wish = parser.parse_args(words)
    began = time.time()
    peers.install()
    try:
        with running("paris") as chain:
            bench = Bench(chain)
            run(bench)
            client = str(chain.node.request("web3_clientVersion", []))
    except (AssertionError, RefusedError) as failure:
        progress("")
        print(f"bench-gas: the work was not done: {failure!r}", file=sys.stderr)
        return 1
    progress("")
    where = machine(anvil=client.removeprefix("anvil/"), rules="Paris", **_packages())
    more: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "command": "make bench-gas",
        "commit": apart.commit(),
        "seconds": round(time.time() - began),
        "acts": [asdict(act) for act in bench.acts],
    }
    holds = write("gas", where, bench.rows, acts_table(bench.acts), **more)
    if holds and wish.record:
        keep("gas")
    return 0 if holds else 1


def run(bench: Bench) -> None:
    """Every row."""
    exchange = Exchange(bench.chain)
    exchange.admit_all()
    exchange.set_policy(codes.AssetKind.PERSONAL, TO_LIST, TO_ORDER)
    eas = peers.Eas(bench.chain)
    _batches(bench, exchange, eas)
    _grants(bench, exchange, eas)
    _withdrawals(bench, exchange, eas)
    _orders(bench, exchange)
    _registrations(bench, exchange)
    _checkpoints(bench, exchange, eas)


# -- row 1: a batch ---------------------------------------------------------------------------------------------------


def _batches(bench: Bench, exchange: Exchange, eas: peers.Eas) -> None:
    salt = word("asset of batches")
    asset_id = exchange.register(salt, MILLION)
    sizes = {1: "of 1", 1_000: "of 1,000", MILLION: "of 1,000,000"}
    found = {}
    for count, words in sizes.items():
        crowds = [_crowd_of(exchange, asset_id, count, tag) for tag in range(INSTANCES + 1)]
        receipts = [anchored(exchange, crowd, salt) for crowd in crowds]
        found[count] = bench.measure(OURS, f"grantBatch {words}", "batch kept with its count and its id", receipts)
    many = bench.measure(
        eas.NAME, f"multiAttestByDelegation, {MANY} in one transaction", f"{MANY} attestations kept, each signed",
        (eas.attest_many_by_delegation("attester", [word("eas", tag, i) for i in range(MANY)]) for tag in range(4)),
    )  # fmt: skip
    bench.row(1, found[MILLION], 80_000, many, MANY)
    bench.rows[-1] = _per_consent(bench.rows[-1])
    bench.claim(
        1, "grantBatch of 1, 1,000 and 1,000,000: execution gas", [g for m in found.values() for g in m.execution]
    )
    early = [(word("asset of a batch", tag), tag) for tag in range(INSTANCES + 1)]
    first = bench.measure(
        OURS,
        "grantBatch of 1,000,000, the first of an asset not yet registered",
        "batch kept with its count and its id",
        (anchored(exchange, _crowd_of(exchange, exchange.asset_id(salt), MILLION, tag), salt) for salt, tag in early),
    )
    bench.add(1, first.act, first.gas, None, True)
    bench.add(1, "the same, a consent", found[MILLION].gas / MILLION, None, True, many, many.gas / MANY)


def _per_consent(row: Row) -> Row:
    """The peer's number is one consent's, ours the whole batch's: the row says so."""
    return Row(row.what, row.value, row.unit, f"{row.against}, each", row.peer, row.bar, row.holds)


def _crowd_of(exchange: Exchange, asset_id: int, count: int, tag: object) -> Crowd:
    """A batch under the root of a tree of that many leaves; of a million, made up."""
    if count < MILLION:
        root = PositionalTree(word("leaf", count, tag, i) for i in range(count)).root
    else:
        root = word("a root", tag)
    return Crowd(asset_id, root, count, exchange.terms(), word("manifest", count, tag))


def anchored(exchange: Exchange, crowd: Crowd, salt: bytes) -> Any:
    receipt = exchange.grant_batch(crowd, salt)
    assert exchange.read("Consents", "batchState", crowd.id) == (crowd.count, 0, 0, False)
    assert exchange["Consents"].logs(receipt, "BatchGranted")[0]["batchId"] == crowd.id
    return receipt


# -- row 2: one consent with its signature ----------------------------------------------------------------------------


def _grants(bench: Bench, exchange: Exchange, eas: peers.Eas) -> None:
    salt = word("asset of batches")
    asset_id = exchange.asset_id(salt)
    assert len(STATEMENT.encode()) == 300

    def ours(number: int) -> Any:
        person = f"person {number}"
        consent = exchange.consent(person, asset_id)
        words = (consent.as_tuple(), salt, exchange.signed(person, consent))
        receipt = exchange.act("Consents", "grant", *words, by="provider")
        assert exchange.read("Consents", "batchState", exchange.single(consent).id) == (1, 0, 0, True)
        assert exchange["Consents"].logs(receipt, "ConsentGranted")[0]["consentId"] == exchange.consent_id(consent)
        return receipt

    mine = bench.measure(
        OURS, "grant, signature checked", "consent kept; its 14 fields in the log", map(ours, range(INSTANCES + 1))
    )
    words = "attestation kept, with its attester and its data"
    short = bench.measure(
        eas.NAME, "attestByDelegation, 32 bytes of data", words,
        [eas.attest_by_delegation("attester", word("short", i))[0] for i in range(INSTANCES + 1)],
    )  # fmt: skip
    length = 32 + mine.calldata - short.calldata
    equal = bench.measure(
        eas.NAME, f"attestByDelegation, {length} bytes of data", words,
        [eas.attest_by_delegation("attester", _bytes("long", i, length))[0] for i in range(INSTANCES + 1)],
    )  # fmt: skip
    bench.row(2, mine, 92_000, short)
    bench.add(
        2,
        f"the same, beside equal calldata ({mine.calldata} and {equal.calldata} bytes)",
        mine.gas,
        None,
        True,
        equal,
        equal.gas,
    )


def _bytes(name: str, number: int, length: int) -> bytes:
    return b"".join(word(name, number, i) for i in range(length // 32 + 1))[:length]


# -- row 3: a withdrawal ----------------------------------------------------------------------------------------------


def _withdrawals(bench: Bench, exchange: Exchange, eas: peers.Eas) -> None:
    million = Million.made_up(exchange)
    work = "leaf ended, one withdrawn more of the batch, one live fewer of the asset"
    fresh = bench.measure(
        OURS, "withdrawFor out of 1,000,000, fresh bitmap word", work, map(million.withdraw, PLACES[::2])
    )
    used = bench.measure(
        OURS, "withdrawFor out of 1,000,000, used bitmap word", work, map(million.withdraw, PLACES[1::2])
    )
    theirs = "attestation revoked"
    new = bench.measure(
        eas.NAME, "revokeByDelegation, new nonce word", theirs, [_revoked(eas, i, False) for i in range(INSTANCES + 1)]
    )
    old = bench.measure(
        eas.NAME, "revokeByDelegation, used nonce word", theirs, [_revoked(eas, i, True) for i in range(INSTANCES + 1)]
    )
    for mine, most, theirs_ in ((fresh, 95_000, new), (used, 77_000, old)):
        bench.add(
            3, mine.act, mine.gas, f"<= {most:,} and below EAS", mine.gas <= most and mine.gas < theirs_.gas,
            theirs_, theirs_.gas,
        )  # fmt: skip
    progress("Uniswap and OpenZeppelin: a tree of 2^20 leaves")
    claims = peers.Distributor(bench.chain, 2**20)
    marks = peers.OpenZeppelin(bench.chain, claims.tree)
    spots = [300_000 + 256 * i for i in range(INSTANCES + 1)]
    _beside(
        bench,
        fresh,
        claims.NAME,
        "claim, depth 20, fresh bitmap word",
        "claimed, tokens moved",
        map(claims.claim, spots),
    )
    _beside(
        bench,
        used,
        claims.NAME,
        "claim, depth 20, used bitmap word",
        "claimed, tokens moved",
        (claims.claim(i + 1) for i in spots),
    )
    _beside(
        bench,
        fresh,
        marks.NAME,
        "MerkleProof + BitMaps, depth 20, fresh word, unsigned",
        "bit set",
        map(marks.mark, spots),
    )


def _beside(bench: Bench, mine: Measured, who: str, act: str, work: str, receipts: Iterable[Any]) -> None:
    theirs = bench.measure(who, act, work, receipts)
    bench.add(3, mine.act, mine.gas, None, True, theirs, theirs.gas)


PLACES: Final = [300_000 + 256 * (i // 2) + i % 2 for i in range(2 * INSTANCES + 2)]
"""Leaves of a million: by two in a word of the bitmap, the first fresh, the second used."""


class Million:
    """A bound batch of the leaves of `tree`, of which some are people's consents: `leaf` says consentId and subject at
    an index, `sign` signs a digest as that person does."""

    def __init__(
        self,
        exchange: Exchange,
        tree: PositionalTree,
        leaf: Callable[[int], tuple[bytes, bytes]],
        sign: Callable[[int, bytes], bytes],
    ) -> None:
        self.exchange = exchange
        self.tree = tree
        self._leaf = leaf
        self._sign = sign
        salt = word("asset of a million")
        self.asset_id = exchange.register(salt, tree.count)
        self.crowd = Crowd(self.asset_id, tree.root, tree.count, exchange.terms(), word("manifest of a million"))
        exchange.grant_audited(self.crowd, salt)
        exchange.bind(self.asset_id, self.crowd)

    @classmethod
    def made_up(cls, exchange: Exchange) -> Million:
        """People at PLACES alone."""
        asset_id = exchange.asset_id(word("asset of a million"))
        consents = {i: exchange.consent(f"leaf {i}", asset_id) for i in PLACES}

        def leaf(index: int) -> tuple[bytes, bytes]:
            return exchange.consent_id(consents[index]), consents[index].subject

        def hashed(index: int) -> bytes:
            return consent_leaf(*leaf(index)) if index in consents else keccak256(index.to_bytes(32, "big"))

        progress("a tree of 1,000,000 leaves")
        tree = PositionalTree(map(hashed, range(MILLION)))
        return cls(exchange, tree, leaf, lambda index, digest: signer(f"leaf {index}").sign_digest(digest))

    def withdraw(self, index: int) -> Any:
        """The person's withdrawal, sent by somebody else."""
        exchange, batch, (consent_id, subject) = self.exchange, self.crowd.id, self._leaf(index)
        live = exchange.read("Consents", "basisState", self.asset_id)[2]
        withdrawn = exchange.read("Consents", "batchState", batch)[1]
        signature = self._sign(index, withdrawal_digest(exchange.domain, consent_id))
        words = (self.crowd.stated, (index, consent_id, subject), self.tree.proof(index), signature)
        receipt = exchange.act("Consents", "withdrawFor", *words, by="relayer")
        assert exchange.read("Consents", "hasEnded", batch, index)
        assert exchange.read("Consents", "batchState", batch)[1] == withdrawn + 1
        assert exchange.read("Consents", "basisState", self.asset_id)[2] == live - 1
        return receipt


def _revoked(eas: peers.Eas, number: int, used: bool) -> Any:
    """A revocation by a signer whose nonce word is new, or was used by the attestation."""
    name = f"revoker {number} {used}"
    act = eas.attest_by_delegation if used else eas.attest
    return eas.revoke_by_delegation(name, act(name, word("to revoke", number, used))[1])


# -- row 4: an order --------------------------------------------------------------------------------------------------


def _orders(bench: Bench, exchange: Exchange) -> None:
    work = "sale ORDERED by the buyer; its people in the log"
    one, many = _Shelf(exchange, 1), _Shelf(exchange, TEN_MILLION)
    direct = [
        bench.measure(OURS, f"order of {shelf.words}", work, map(shelf.order, range(INSTANCES + 1)))
        for shelf in (one, many)
    ]
    relayed = [
        bench.measure(OURS, f"order of {shelf.words}, relayed", work, map(shelf.order_relayed, range(INSTANCES + 1)))
        for shelf in (one, many)
    ]
    ocean = peers.Ocean(bench.chain)
    _, token = ocean.create()
    ocean.stock(token)
    theirs = bench.measure(
        ocean.NAME,
        "startOrder, no fee, no conditions",
        "a datatoken spent",
        (ocean.order(token) for _ in range(INSTANCES + 1)),
    )
    bench.row(4, direct[1], 205_000, theirs)
    bench.claim(4, "order of 1 and of 10,000,000 people: execution gas", [g for m in direct for g in m.execution])
    bench.row(4, relayed[1], 230_000)
    bench.claim(4, "the same, relayed: execution gas", [g for m in relayed for g in m.execution])


class _Shelf:
    """A listed offer of data about `count` people."""

    def __init__(self, exchange: Exchange, count: int) -> None:
        self.exchange, self.count = exchange, count
        self.words = "1 person" if count == 1 else f"{count:,} people"
        salt = word("shelf", count)
        asset_id = exchange.register(salt, count)
        crowd = Crowd(asset_id, word("root of shelf", count), count, exchange.terms(), word("manifest of shelf", count))
        exchange.grant_audited(crowd, salt)
        exchange.bind(asset_id, crowd)
        self.offer = exchange.offer(salt, count)
        exchange.attest_version(self.offer)
        exchange.list(self.offer)

    def order(self, number: int) -> Any:
        """The buyer's own transaction."""
        reference = word("reference", self.count, number)
        return self._checked(self.exchange.order(self.offer, reference), reference)

    def order_relayed(self, number: int) -> Any:
        """The buyer's request, sent by somebody else."""
        reference = word("relayed reference", self.count, number)
        words = self.exchange.order_words(self.offer, reference)
        forwarder, data = self.exchange.relayed("Market", "order", *words, by="buyer")
        receipt = self.exchange.chain.send_data(forwarder, data, sender=account("relayer"), what="execute")
        return self._checked(receipt, reference)

    def _checked(self, receipt: Any, reference: bytes) -> Any:
        sale = self.exchange.sale_id(self.offer, reference)
        buyer, state = self.exchange.read("Market", "sale", sale)[:2]
        assert (buyer, state) == (to_hex(account("buyer")), codes.SaleState.ORDERED)
        event = self.exchange["Market"].logs(receipt, "SaleOrdered")[0]
        assert (event["saleId"], event["live"]) == (sale, self.count)
        return receipt


# -- row 5: a registration --------------------------------------------------------------------------------------------


def _registrations(bench: Bench, exchange: Exchange) -> None:
    def ours(number: int) -> Any:
        salt = word("registration", number)
        words = (exchange.registration(salt), exchange.version(salt, 500).as_tuple())
        receipt = exchange.act("DataAssets", "register", *words, by="provider")
        asset_id = exchange.asset_id(salt)
        assert exchange.read("DataAssets", "ownerOf", asset_id) == to_hex(account("provider"))
        kept = exchange.read("DataAssets", "asset", asset_id)
        assert (kept[0], kept[5], kept[6]) == (codes.AssetState.REGISTERED, 1, 500)
        return receipt

    mine = bench.measure(
        OURS, "register an asset with its first version", "token held; version, class and grade kept",
        map(ours, range(INSTANCES + 1)),
    )  # fmt: skip
    ocean = peers.Ocean(bench.chain)
    theirs = bench.measure(
        ocean.NAME,
        "createNftWithErc20",
        "data NFT held, datatoken to mint",
        (ocean.create()[0] for _ in range(INSTANCES + 1)),
    )
    bench.row(5, mine, 195_000, theirs)
    plain = peers.OpenZeppelin(bench.chain, peers.SortedTree([word("a"), word("b")]))
    mint = bench.measure(
        plain.NAME,
        "ERC721 _mint",
        "token held; nothing else kept",
        (plain.mint(int.from_bytes(word("token", i))) for i in range(INSTANCES + 1)),
    )
    role = bench.measure(
        plain.NAME,
        "AccessControl grantRole",
        "role held",
        (plain.grant_role(word("role", i)) for i in range(INSTANCES + 1)),
    )
    bench.add(5, mine.act, mine.gas, None, True, mint, mint.gas)
    admit = bench.measure(
        OURS,
        "admit a participant",
        "identity, roles, jurisdiction, term and licences kept",
        (_admitted(exchange, i) for i in range(INSTANCES + 1)),
    )
    bench.add(5, admit.act, admit.gas, None, True, role, role.gas)


def _admitted(exchange: Exchange, number: int) -> Any:
    name = f"member {number}"
    receipt = exchange.admit(name, codes.Role.BUYER, (codes.Licence.BANK,))
    assert exchange.read("Membership", "isInGoodStanding", account(name))
    return receipt


# -- row 6: a checkpoint ----------------------------------------------------------------------------------------------


def _checkpoints(bench: Bench, exchange: Exchange, eas: peers.Eas) -> None:
    mine = bench.measure(
        OURS, f"checkpoint {LOG_FROM:,} -> {LOG_TO:,}, {LOG_NODES} nodes", "size and root kept; consistency proved",
        (_anchored_log(exchange, i) for i in range(INSTANCES + 1)),
    )  # fmt: skip
    theirs = bench.measure(
        eas.NAME,
        "timestamp of a hash, nothing proved",
        "time of the hash kept",
        (eas.timestamp(word("stamp", i)) for i in range(INSTANCES + 1)),
    )
    bench.row(6, mine, 110_000, theirs)


def _anchored_log(exchange: Exchange, number: int) -> Any:
    log, name = UniformLog(word("entry", number)), f"exchange {number}"
    exchange.admit(name, codes.Role.OPERATOR)
    exchange.act("AnchorLog", "anchor", LOG_FROM, log.root(LOG_FROM), (), by=name)
    proof = log.consistency(LOG_FROM, LOG_TO)
    assert len(proof) == LOG_NODES, len(proof)
    root = log.root(LOG_TO)
    wrong = (*proof[:-1], word("another node"))
    assert "Inconsistent" in exchange.chain.refusal(
        exchange["AnchorLog"], "anchor", LOG_TO, root, wrong, sender=account(name)
    )
    receipt = exchange.act("AnchorLog", "anchor", LOG_TO, root, proof, by=name)
    kept = exchange.read("AnchorLog", "latest", account(name))
    assert (kept[0], kept[2]) == (LOG_TO, root)
    return receipt


# -- the report -------------------------------------------------------------------------------------------------------


def acts_table(acts: Sequence[Measured]) -> str:
    """Every act with its floor: what is bound by the fee schedule, and what is on top."""
    head = ("who", "act", "gas", "floor", "above", "calldata", "words", "logs", "precompiles", "what was read back")
    lines = [
        (
            act.who, act.act, f"{act.gas:,}", f"{act.floor:,}", f"{act.gas - act.floor:,}", f"{act.calldata:,} B",
            f"{act.parts.words:,}", f"{act.parts.logs:,}", f"{act.parts.precompiles:,}", act.work,
        )
        for act in acts
    ]  # fmt: skip
    return aligned([head, *lines], right=range(2, 9))


def _packages() -> dict[str, str]:
    return {name.rpartition("/")[0].lstrip("@") or name: version for name, version in peers.versions().items()}


if __name__ == "__main__":
    sys.exit(main())
