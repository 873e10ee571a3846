"""Seeds lead down the tree and nowhere else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.keytree import ROOT, Cover, Node, cover_all_but, delivered_indices
from deedbook.errors import InvalidFormat, InvalidInput, WrongVersion
from deedbook.vault import keytree
from deedbook.vault.keytree import SeededCover

ROOT_SEED = bytes(range(32))


def by_the_letter(root_seed: bytes, depth: int, index: int) -> bytes:
    """Format 14, one leaf, without any of the code under test."""
    seed = root_seed
    for level in range(1, depth + 1):
        branch = index >> depth - level & 1
        seed = hashlib.sha256(b"deedbook-kt" + bytes((1, 1, level, branch, 0)) + seed).digest()
    return seed


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 500])
def test_leaf_seeds_are_those_of_the_format(count: int) -> None:
    depth = (count - 1).bit_length()
    seeds = keytree.leaf_seeds(ROOT_SEED, count)
    assert list(seeds) == [by_the_letter(ROOT_SEED, depth, index) for index in range(count)]
    assert (
        keytree.record_key(seeds[0], depth)
        == hashlib.sha256(b"deedbook-kt" + bytes((1, 2, depth, 0, 0)) + seeds[0]).digest()
    )
    assert (
        keytree.key_commitment(seeds[0], depth)
        == hashlib.sha256(b"deedbook-kt" + bytes((1, 3, depth, 0, 0)) + seeds[0]).digest()
    )


COUNTS = st.integers(1, 200)


@given(COUNTS, st.data())
@settings(max_examples=60, deadline=None)
def test_cover_leads_to_exactly_its_records(count: int, data: st.DataObject) -> None:
    excluded = data.draw(st.sets(st.integers(0, count - 1)))
    cover = cover_all_but(count, excluded)
    seeds = keytree.whole(ROOT_SEED, count).narrowed_to(cover)
    everything = keytree.leaf_seeds(ROOT_SEED, count)
    assert dict(seeds.leaf_seeds()) == {index: everything[index] for index in range(count) if index not in excluded}
    for index in range(count):
        if index in excluded:
            with pytest.raises(InvalidInput) as refusal:
                seeds.leaf_seed(index)
            assert refusal.value.fields["index"] == index
        else:
            assert seeds.leaf_seed(index) == everything[index]
    assert SeededCover.decode(seeds.encode()) == seeds


@given(COUNTS, st.data())
@settings(max_examples=60, deadline=None)
def test_cover_narrows_step_by_step_and_never_widens(count: int, data: st.DataObject) -> None:
    first = data.draw(st.sets(st.integers(0, count - 1)))
    second = data.draw(st.sets(st.integers(0, count - 1)))
    root = keytree.whole(ROOT_SEED, count)
    halfway = root.narrowed_to(cover_all_but(count, first))
    both = cover_all_but(count, first | second)
    assert halfway.narrowed_to(both) == root.narrowed_to(both)
    wider = cover_all_but(count, second)
    if not first <= second:
        with pytest.raises(InvalidInput):
            halfway.narrowed_to(wider)


def test_cover_of_other_records_is_not_narrowed_to() -> None:
    with pytest.raises(InvalidInput, match="count: 9, not 8"):
        keytree.whole(ROOT_SEED, 8).narrowed_to(cover_all_but(9, ()))


def test_record_beyond_the_count_has_no_seed() -> None:
    for index in (-1, 3, 4):
        with pytest.raises(InvalidInput, match="index"):
            keytree.whole(ROOT_SEED, 3).leaf_seed(index)


def test_seeds_stay_out_of_the_repr() -> None:
    assert ROOT_SEED.hex() not in repr(keytree.whole(ROOT_SEED, 3))
    assert repr(ROOT_SEED) not in repr(keytree.whole(ROOT_SEED, 3))


def test_malformed_seeds_are_refused() -> None:
    content = keytree.whole(ROOT_SEED, 3).encode()
    for bad in (content[:-1], content + b"\0", content[:18], b""):
        with pytest.raises(InvalidFormat):
            SeededCover.decode(bad)
    with pytest.raises(WrongVersion):
        SeededCover.decode(content[:4] + b"\2" + content[5:])
    with pytest.raises(InvalidInput, match="seeds: 0 for 1 nodes"):
        SeededCover(Cover(3, (ROOT,)), ())
    with pytest.raises(InvalidInput, match="not 32 bytes"):
        SeededCover(Cover(3, (ROOT,)), (bytes(31),))


def test_empty_cover_leads_nowhere() -> None:
    seeds = keytree.whole(ROOT_SEED, 1).narrowed_to(cover_all_but(1, (0,)))
    assert list(delivered_indices(seeds.cover)) == []
    assert list(seeds.leaf_seeds()) == []
    assert SeededCover.decode(seeds.encode()) == seeds


def test_descending_to_itself_changes_nothing() -> None:
    node = Node(2, 3)
    assert keytree.descend(ROOT_SEED, node, node) == ROOT_SEED
