"""What an exchange's day led to: what its systems kept, beside what the chain itself says. Nothing of the service's own
databases is believed; what it shows is compared.

    1. entries      each one sent has one place in the log, no place has two, the log holds nothing else, and each is
                    proved under the checkpoint that is on chain
    2. sales        each one made went through every state once, on chain, and is shown settled; there is no other
    3. withdrawals  each person's consent ended once, and nobody else's did
    4. transactions none was mined in vain, as a repeated one is
    5. operations   each that the service called final stands in a transaction that is on chain
    6. events       the service tells what the chain says, no more and no less; the receiver took each at least once;
                    no letter is dead
    7. bundles      the evidence of every sale is valid
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deedbook.domain.anchors import LogProof
from deedbook.domain.hashing import to_hex

STEPS: Final = (
    ("Market", "SaleOrdered"),
    ("Market", "SalePaid"),
    ("Market", "SalePrepared"),
    ("Market", "SaleDelivered"),
    ("Market", "SaleAccepted"),
    ("Revenue", "SaleSettled"),
)
"""The events of a sale that went well, in order."""
WITHDRAWN: Final = 1
"""The cause of a leaf that its subject ended (`Consents.LeafEnded`)."""


@dataclass(frozen=True)
class ChainEvent:
    """An event as a node has it: `key` names it as the service does (chain, block, place)."""

    key: str
    contract: str
    name: str
    args: Mapping[str, Any]
    transaction: str


@dataclass(frozen=True)
class Evidence:
    """All that the day left. Hashes and identifiers are 0x-hex text."""

    sent: Sequence[str]
    """The leaf hash of each entry that was sent, in order."""
    receipts: Sequence[Mapping[str, Any]]
    """What the service signed for each."""
    proofs: Mapping[str, Any]
    """The inclusion proof of each leaf hash."""
    sold: Collection[str]
    """The sales that were made, as the buyers know them."""
    shown: Mapping[str, Any]
    """Every sale that the service shows."""
    withdrawn: Mapping[str, str]
    """The transaction that the service named, by consent."""
    operations: Mapping[str, str]
    """The transaction of each operation that the service called final."""
    chain: Sequence[ChainEvent]
    """Every event of the deployment, as a node has it that the service was not told to ask first."""
    mined: Collection[str]
    """Every transaction on chain."""
    failed: Collection[str]
    """Those without effect."""
    told: Sequence[str]
    """The keys of the events that the service tells."""
    received: Collection[str]
    """The keys of the events that the webhook's receiver took."""
    dead_letters: int
    verdicts: Mapping[str, int]
    """The exit code of `audit verify`, by sale."""


def judge(found: Evidence) -> dict[str, Any]:
    """What was counted. Raises AssertionError naming the first false thing."""
    judge_entries(found)
    judge_sales(found)
    judge_withdrawals(found)
    judge_transactions(found)
    judge_events(found)
    judge_bundles(found)
    return {
        "entries": len(found.sent),
        "sales": len(found.sold),
        "withdrawals": len(found.withdrawn),
        "operations": len(found.operations),
        "transactions": len(found.mined),
        "events": len(found.told),
        "webhooks": len(found.received),
        "bundles": len(found.verdicts),
    }


def judge_entries(found: Evidence) -> None:
    """1. Places, and proofs under the chain's own last checkpoint."""
    assert len(found.receipts) == len(found.sent), f"{len(found.receipts)} receipts for {len(found.sent)} entries"
    for leaf, receipt in zip(found.sent, found.receipts, strict=True):
        assert receipt["leafHash"] == leaf, f"a receipt is of another entry: {receipt}"
    places = Counter(int(receipt["index"]) for receipt in found.receipts)
    assert not (twice := [place for place, times in places.items() if times > 1]), f"places given twice: {twice[:9]}"
    checkpoints = [each.args for each in found.chain if each.name == "CheckpointAnchored"]
    assert checkpoints, "the log was never anchored"
    size, root = checkpoints[-1]["size"], to_hex(checkpoints[-1]["root"])
    assert size == len(found.sent), f"{size} entries are anchored, {len(found.sent)} were sent"
    for leaf, receipt in zip(found.sent, found.receipts, strict=True):
        assert leaf in found.proofs, f"entry {receipt['index']} is not proved"
        proof = LogProof.from_json(found.proofs[leaf])
        stated = (to_hex(proof.leaf_hash), str(proof.index), proof.size, to_hex(proof.root))
        assert stated == (leaf, receipt["index"], size, root), f"entry {receipt['index']} is proved elsewhere: {stated}"
        assert proof.holds, f"entry {receipt['index']}: its proof does not lead to the root"


def judge_sales(found: Evidence) -> None:
    """2. Every state once, on chain."""
    for contract, name in STEPS:
        times = Counter(to_hex(e.args["saleId"]) for e in found.chain if (e.contract, e.name) == (contract, name))
        for sale in found.sold:
            assert times[sale] == 1, f"sale {sale} has {name} {times[sale]} times"
        assert not (other := set(times) - set(found.sold)), f"{name} of sales that nobody made: {sorted(other)[:3]}"
    strange = {each.name for each in found.chain if each.name.startswith("Sale")} - {name for _, name in STEPS}
    assert not strange, f"sales went another way: {strange}"
    assert set(found.shown) == set(found.sold), f"{len(found.shown)} sales are shown, {len(found.sold)} were made"
    for sale, shown in found.shown.items():
        assert (shown["state"], bool(shown["settlement"])) == ("accepted", True), f"sale {sale} is shown as {shown}"
    certificates = Counter(shown["settlement"]["certificate"] for shown in found.shown.values())
    assert max(certificates.values()) == 1, f"one certificate is of two sales: {certificates.most_common(3)}"


def judge_withdrawals(found: Evidence) -> None:
    """3. Each consent ended once, by its person."""
    ended = [each for each in found.chain if each.name == "LeafEnded"]
    times = Counter(to_hex(each.args["consentId"]) for each in ended)
    for consent in found.withdrawn:
        assert times[consent] == 1, f"consent {consent} ended {times[consent]} times"
    assert not (other := set(times) - set(found.withdrawn)), f"consents ended of their own accord: {sorted(other)[:3]}"
    assert {each.args["cause"] for each in ended} <= {WITHDRAWN}, "a consent ended by another cause than withdrawal"
    where = {to_hex(each.args["consentId"]): each.transaction for each in ended}
    for consent, transaction in found.withdrawn.items():
        assert where[consent] == transaction, f"consent {consent} ended in {where[consent]}, not in {transaction}"


def judge_transactions(found: Evidence) -> None:
    """4 and 5. What was mined, and what was said to be."""
    assert not found.failed, f"transactions were mined in vain: {sorted(found.failed)[:3]}"
    for operation, transaction in found.operations.items():
        assert transaction in found.mined, f"operation {operation} is called final by {transaction}, which nobody mined"


def judge_events(found: Evidence) -> None:
    """6. Told and received."""
    known = [each.key for each in found.chain]
    assert list(found.told) == known, _difference("events", found.told, known)
    assert not (missing := set(known) - set(found.received)), (
        f"{len(missing)} webhooks never came: {sorted(missing)[:3]}"
    )
    assert not found.dead_letters, f"{found.dead_letters} letters are dead"


def judge_bundles(found: Evidence) -> None:
    """7. The evidence."""
    assert set(found.verdicts) == set(found.sold), "not every sale has a bundle"
    assert not (bad := {sale: code for sale, code in found.verdicts.items() if code}), (
        f"bundles that are not valid: {bad}"
    )


def _difference(what: str, said: Sequence[str], known: Sequence[str]) -> str:
    less, more = set(known) - set(said), set(said) - set(known)
    if not less and not more:
        return f"{what} are told in another order, or twice"
    return f"{len(less)} {what} are not told, {len(more)} are told that are not: {sorted(less | more)[:3]}"
