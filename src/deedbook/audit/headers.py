"""Step 2: which headers are believed.

A header is believed because the trust pins its hash, because its child is believed and names it as parent, or because
enough trusted validators sealed it: QBFT's own seals, by ceil(2n/3) of them; Clique's descendants, by floor(n/2)+1.
Who may seal a block is what the trust's list says of it. Votes in headers are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from deedbook.audit.bundle import Bundle
from deedbook.audit.findings import Findings, contradiction
from deedbook.audit.trust import Trust
from deedbook.chain.proofs import Header, decode_header
from deedbook.chain.seals import check_clique, check_qbft, check_turns
from deedbook.domain.hashing import to_hex
from deedbook.domain.validators import Validators
from deedbook.errors import DeedbookError, EvidenceMissing
from deedbook.wallet.recovery import recover


def check_chain(bundle: Bundle, trust: Trust, findings: Findings) -> list[Header]:
    """Step 2: the bundle is of the trusted chain, and its headers up to `block` are believed; those headers."""
    _require_same_chain(bundle, trust, findings)
    return _pinned(bundle, trust, findings) if bundle.consensus is None else _sealed(bundle, trust, findings)


def _require_same_chain(bundle: Bundle, trust: Trust, findings: Findings) -> None:
    findings.require(
        bundle.chain_id == trust.chain_id, "trust.chain", f"chain id {bundle.chain_id}, not {trust.chain_id}"
    )
    findings.require(
        bundle.genesis_hash == trust.genesis_hash,
        "trust.genesis",
        f"genesis {to_hex(bundle.genesis_hash)} is not the trust's",
    )
    for name in sorted({*bundle.contracts, *trust.contracts}):
        findings.require(
            bundle.contracts.get(name) == trust.contracts.get(name),
            "trust.contracts",
            f"{name} is not at the trust's address",
        )
    findings.found(
        "trust.chain", f"chain {bundle.chain_id}, its genesis and {len(bundle.contracts)} contracts are the trust's"
    )


# -- a block that is pinned ------------------------------------------------------------------------------------------


def _pinned(bundle: Bundle, trust: Trust, findings: Findings) -> list[Header]:
    """The headers of versions 1 and 2, which run without a gap into a block that the trust pins."""
    pinned = trust.blocks.get(bundle.block_number)
    if pinned is None:
        raise EvidenceMissing(f"block {bundle.block_number} is not pinned by the trust", rule="trust.block")
    _require_pin(bundle.block_number, bundle.block_hash, trust, findings)
    headers = _linked(bundle, findings)
    findings.found(
        "trust.block", f"headers {headers[0].number} to {headers[-1].number} end in the pinned {to_hex(pinned)}"
    )
    return headers


def _require_pin(number: int, hash_: bytes, trust: Trust, findings: Findings) -> None:
    pinned = trust.blocks[number]
    words = f"block {number} is {to_hex(hash_)}, pinned is {to_hex(pinned)}"
    findings.require(pinned == hash_, "trust.block", words)


def _linked(bundle: Bundle, findings: Findings) -> list[Header]:
    """The headers, each hashed to what the next one (the last: the trust) names."""
    headers = _decoded(bundle)
    expected, number = bundle.block_hash, bundle.block_number
    for position in range(len(headers) - 1, -1, -1):
        header = headers[position]
        if header.hash != expected:
            if _gap(headers, position, number, bundle):
                raise EvidenceMissing(f"header {number} is missing", rule="trust.headers")
            raise contradiction("trust.headers", f"header {number} is not {to_hex(expected)}")
        findings.require(header.number == number, "trust.headers", f"header {number} says it is {header.number}")
        expected, number = header.parent_hash, number - 1
    return headers


def _gap(headers: list[Header], position: int, number: int, bundle: Bundle) -> bool:
    """Whether the header at `position` is whole and simply not the one of this number: others in between are gone."""
    header = headers[position]
    if header.number >= number:
        return False
    if position:
        return headers[position - 1].hash == header.parent_hash
    return header.number == min((log.block for section in bundle.journals for log in section.logs), default=-1)


# -- blocks that are sealed ------------------------------------------------------------------------------------------


def _sealed(bundle: Bundle, trust: Trust, findings: Findings) -> list[Header]:
    """The headers of version 3 up to `block`, in runs of which the trust pins one or believes the seals."""
    stated = trust.validators
    if stated is not None:
        words = f"a chain of {bundle.consensus}, not of {stated.consensus}"
        findings.require(bundle.consensus == stated.consensus, "trust.consensus", words)
    wanted = {bundle.block_number, *(log.block for section in bundle.journals for log in section.logs)}
    believed: list[Header] = []
    sealers: list[int] = []
    for run in list(_runs(_decoded(bundle), findings)):  # all of their order first
        end = _end(run, wanted, bundle.block_number, findings)
        if not _leads_to_pin(run, end, trust, findings):
            sealers.append(_count_sealers(run[end], run[end + 1 :], trust.validators, findings))
        believed += run[: end + 1]
    _require_block(believed[-1], bundle, findings)
    if sealers:
        words = f"{len(sealers)} blocks are sealed by trusted validators, each by {min(sealers)} or more"
        findings.found("seal.quorum", words)
    first, last = believed[0].number, believed[-1].number
    findings.found("trust.block", f"{len(believed)} headers from {first} to {last} are believed")
    return believed


def _require_block(last: Header, bundle: Bundle, findings: Findings) -> None:
    """The last header that is believed is the bundle's block."""
    if last.number != bundle.block_number:
        raise EvidenceMissing(f"header {bundle.block_number} is missing", rule="trust.headers")
    words = f"block {last.number} is {to_hex(last.hash)}, not {to_hex(bundle.block_hash)}"
    findings.require(last.hash == bundle.block_hash, "trust.block", words)


def _runs(headers: Sequence[Header], findings: Findings) -> Iterator[list[Header]]:
    """The headers by runs without a gap, in which each is the parent of the next."""
    run = [headers[0]]
    for before, after in pairwise(headers):
        if after.number == before.number + 1:
            words = f"header {after.number} names another parent than header {before.number}"
            findings.require(after.parent_hash == before.hash, "trust.headers", words)
        else:
            words = f"header {after.number} follows header {before.number}"
            findings.require(after.number > before.number, "trust.headers", words)
            yield run
            run = []
        run.append(after)
    yield run


def _end(run: Sequence[Header], wanted: set[int], newest: int, findings: Findings) -> int:
    """Where in the run the last header stands that is `wanted`; those after it are there for its sake."""
    end = max((place for place, header in enumerate(run) if header.number in wanted), default=-1)
    words = f"no event is in headers {run[0].number} to {run[-1].number}"
    findings.require(end >= 0 and run[end].number <= newest, "trust.headers", words)
    return end


def _leads_to_pin(run: Sequence[Header], end: int, trust: Trust, findings: Findings) -> bool:
    """Whether the trust pins the run's end or a header after it. What it pins before that has to be so, too."""
    pinned = [place for place, header in enumerate(run) if header.number in trust.blocks]
    for place in pinned:
        _require_pin(run[place].number, run[place].hash, trust, findings)
    return bool(pinned) and pinned[-1] >= end


def _count_sealers(header: Header, after: Sequence[Header], validators: Validators | None, findings: Findings) -> int:
    """How many trusted validators sealed a block: itself (QBFT), or those `after` it (Clique). Raises where too few."""
    if validators is None:
        raise EvidenceMissing(f"block {header.number} is not pinned by the trust", rule="trust.block")
    if validators.consensus == "qbft":
        findings.require(not after, "trust.headers", f"no event is in a block after {header.number}")
        return len(check_qbft(header, validators, recover))
    check_turns((header, *after), validators, recover)
    return len(check_clique((header, *after), validators, recover))


def _decoded(bundle: Bundle) -> list[Header]:
    if not bundle.headers:
        raise EvidenceMissing("no header is there", rule="trust.headers")
    try:
        return [decode_header(raw, bundle.consensus or "instant") for raw in bundle.headers]
    except DeedbookError as reason:
        raise contradiction("trust.headers", f"no header: {reason}") from reason
