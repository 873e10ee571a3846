"""Consents checked by the chunk: the same here, in threads and in processes; the first that is wrong is told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap.processes import checking_processes
from deedbook.domain.consents import SignedConsent
from deedbook.domain.hashing import cut
from deedbook.domain.merkle import (
    Rfc9162Root,
    consent_leaf,
    positional_root,
    positional_subtree,
    rfc9162_leaf,
    rfc9162_root,
)
from deedbook.errors import InvalidFormat, InvalidSignature
from deedbook.wallet.consents import (
    AHEAD,
    HEIGHT,
    MOST_AHEAD,
    ConsentChecker,
    LeafChecker,
    Span,
    Task,
    ahead_of,
    checked,
    in_chunks,
)
from tests.simulator import DOMAIN, KEYS, NOTICE, consent_of, sign

CONSENTS = [consent_of(person) for person in range(5)]
CHECKER = ConsentChecker(DOMAIN, (NOTICE.encode(),))


def joined(consents: list[SignedConsent]) -> bytes:
    return b"\n".join(each.encode() for each in consents)


def test_a_chunk_gives_ids_subjects_leaves_and_both_roots() -> None:
    found = CHECKER(joined(CONSENTS))
    leaves = [consent_leaf(each.consent_id, each.consent.subject) for each in CONSENTS]
    assert found.refusal is None
    assert len(found) == 5
    assert found.consent_ids() == [each.consent_id for each in CONSENTS]
    assert cut(found.subjects, 20) == [each.consent.subject for each in CONSENTS]
    assert cut(found.leaves, 32) == leaves
    assert cut(found.manifest, 32) == [rfc9162_leaf(each.encode()) for each in CONSENTS]
    assert list(found.since) == [each.consent.valid_from for each in CONSENTS]
    assert list(found.until) == [each.consent.valid_until for each in CONSENTS]
    assert found.lines(joined(CONSENTS)) == [each.encode() for each in CONSENTS]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_a_chunk_gives_an_auditor_subjects_and_both_roots(count: int) -> None:
    some = CONSENTS[:count]
    found = LeafChecker(CHECKER)(joined(some))
    leaves = [consent_leaf(each.consent_id, each.consent.subject) for each in some]
    assert (found.count, found.refusal) == (count, None)
    assert cut(found.subjects, 20) == [each.consent.subject for each in some]
    assert found.kinds == CHECKER(joined(some)).kinds
    assert found.since == max(each.consent.valid_from for each in some)
    assert found.until == min(each.consent.valid_until for each in some)
    assert found.root == positional_root(leaves)
    assert found.subtree == positional_subtree(leaves, HEIGHT) != found.root
    manifest = Rfc9162Root()
    for height, root in found.manifest:
        manifest.add_subtree(root, height)
    assert manifest.root() == rfc9162_root(each.encode() for each in some)


def test_a_chunk_is_read_where_it_stands(tmp_path: Path) -> None:
    file, given = tmp_path / "consents", joined(CONSENTS)
    file.write_bytes(b"before\n" + given + b"\nafter")
    span = Span(str(file), len(b"before\n"), len(given), len(CONSENTS))
    assert span.read() == given
    assert LeafChecker(CHECKER)(span) == LeafChecker(CHECKER)(given)


@pytest.mark.parametrize("change", ["shorter", "another line", "gone"])
def test_a_file_that_changes_meanwhile_is_told(change: str, tmp_path: Path) -> None:
    file, given = tmp_path / "consents", joined(CONSENTS)
    file.write_bytes(given)
    span = Span(str(file), 0, len(given), len(CONSENTS))
    match change:
        case "shorter":
            file.write_bytes(given[:-1])
        case "another line":
            file.write_bytes(given.replace(b"{", b"\n", 1))
        case "gone":
            file.unlink()
    found = LeafChecker(CHECKER)(span).refusal
    assert found is not None
    assert (found.index, found.code, found.field) == (0, "invalid-format", "file")
    with pytest.raises(InvalidFormat, match="file: "):
        span.read()


def test_a_refusal_is_told_to_the_auditor_too() -> None:
    forged = replace(CONSENTS[3], signature=sign(KEYS[0], CONSENTS[3].consent_id))
    given = joined([*CONSENTS[:3], forged, CONSENTS[4]])
    assert LeafChecker(CHECKER)(given).refusal == CHECKER(given).refusal is not None


def test_another_signature_is_found_and_the_consents_before_it_are_told() -> None:
    forged = replace(CONSENTS[3], signature=sign(KEYS[0], CONSENTS[3].consent_id))
    given = joined([*CONSENTS[:3], forged, CONSENTS[4]])
    found = CHECKER(given)
    assert found.refusal is not None
    assert (found.refusal.index, found.refusal.field) == (3, "signature")
    assert isinstance(found.refusal.error(), InvalidSignature)
    assert found.lines(given) == [each.encode() for each in CONSENTS[:3]]
    assert replace(CHECKER, signatures=False)(given).refusal is None


def test_a_line_that_is_no_consent_is_told_with_its_column() -> None:
    found = CHECKER(CONSENTS[0].encode() + b"\n" + CONSENTS[1].encode()[:100])
    assert found.refusal is not None
    assert found.refusal.index == 1
    assert found.refusal.reason.startswith("column ")
    assert isinstance(found.refusal.error(), InvalidFormat)


def test_a_spelling_of_its_own_becomes_the_canonical_one() -> None:
    given = joined(CONSENTS[:2]).replace(b'"version":1}', b'"version": 1}')
    assert CHECKER(given).lines(given) == [each.encode() for each in CONSENTS[:2]]


@pytest.fixture(scope="module", params=["here", "threads", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor | None]:
    makers: dict[str, Any] = {"here": nullcontext, "threads": ThreadPoolExecutor, "processes": checking_processes}
    with makers[request.param](*(() if request.param == "here" else (2,))) as made:
        yield made


def test_chunks_come_back_in_their_order(executor: Executor | None) -> None:
    tasks = [(CHECKER, chunk) for chunk in in_chunks((each.encode() for each in CONSENTS * 6), 2)]
    assert len(tasks) == 15
    answers = list(checked(iter(tasks), executor))
    assert [task for task, _ in answers] == tasks
    assert [found for _, found in answers] == [CHECKER(chunk) for _, chunk in tasks]


@pytest.mark.parametrize("ahead", [1, 3, 20])
def test_no_more_chunks_are_read_than_may_be_under_way(executor: Executor | None, ahead: int) -> None:
    begun: list[Task] = []

    def coming() -> Iterator[Task]:
        for chunk in in_chunks((each.encode() for each in CONSENTS * 2), 1):
            begun.append((CHECKER, chunk))
            yield begun[-1]

    for answered, (task, _) in enumerate(checked(coming(), executor, ahead)):
        assert task == begun[answered]
        assert len(begun) - answered <= ahead
    assert len(begun) == 10


def test_more_workers_have_more_chunks_up_to_a_bound() -> None:
    assert [ahead_of(count) for count in (1, 4, 5, 16, 62, 1000)] == [AHEAD, AHEAD, 7, 18, MOST_AHEAD, MOST_AHEAD]
