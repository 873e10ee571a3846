from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.hashing import keccak256, sha256
from deedbook.domain.merkle import (
    PADDING_LEAF,
    PositionalTree,
    Rfc9162Root,
    consent_leaf,
    consent_leaf_column,
    positional_depth,
    positional_proof,
    positional_raised,
    positional_root,
    positional_root_over,
    positional_subtree,
    rfc9162_consistency,
    rfc9162_leaf,
    rfc9162_leaf_column,
    rfc9162_node,
    rfc9162_peaks,
    rfc9162_proof,
    rfc9162_root,
    rfc9162_root_of_column,
    verify_positional,
    verify_rfc9162_consistency,
    verify_rfc9162_inclusion,
)
from deedbook.errors import InvalidInput


def leaves(count: int) -> list[bytes]:
    return [keccak256(i.to_bytes(4, "big")) for i in range(count)]


COUNTS = st.integers(1, 70)


@given(COUNTS, st.data())
@pytest.mark.rule("wrong-position")
def test_every_leaf_proves_its_position_and_no_other(count: int, data: st.DataObject) -> None:
    tree = PositionalTree(leaves(count))
    index = data.draw(st.integers(0, count - 1))
    other = data.draw(st.integers(0, 2 * count))
    proof = tree.proof(index)
    assert len(proof) == positional_depth(count) == tree.depth
    assert verify_positional(tree.leaf(index), other, count, proof, tree.root) == (other == index)


@given(COUNTS)
def test_root_is_that_of_the_tree_padded_by_hand(count: int) -> None:
    level = leaves(count) + [PADDING_LEAF] * (2 ** positional_depth(count) - count)
    while len(level) > 1:
        level = [keccak256(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    assert positional_root(leaves(count)) == level[0]


@given(COUNTS, COUNTS)
def test_a_count_of_another_depth_is_not_proved(count: int, other: int) -> None:
    tree = PositionalTree(leaves(count))
    same = positional_depth(other) == positional_depth(count)
    assert verify_positional(tree.leaf(0), 0, other, tree.proof(0), tree.root) == same


@pytest.mark.rule("leaf-not-in-tree")
def test_padding_is_no_leaf_of_the_batch() -> None:
    tree = PositionalTree(leaves(5))
    proof = (tree.leaf(4), *tree.proof(4)[1:])
    assert not verify_positional(PADDING_LEAF, 5, 5, proof, tree.root)


def test_a_short_sibling_or_leaf_proves_nothing() -> None:
    tree = PositionalTree(leaves(2))
    assert not verify_positional(tree.leaf(0), 0, 2, (b"",), tree.root)
    assert not verify_positional(b"", 0, 1, (), b"")


@pytest.mark.parametrize("count", [0, -1, 2**32])
def test_a_batch_has_between_one_and_2_to_the_32_leaves(count: int) -> None:
    with pytest.raises(InvalidInput, match="count"):
        positional_depth(count)


def test_leaves_and_indices_are_checked() -> None:
    with pytest.raises(InvalidInput, match="count"):
        PositionalTree([])
    with pytest.raises(InvalidInput, match="leaf: is 31 bytes"):
        PositionalTree([bytes(31)])
    with pytest.raises(InvalidInput, match="index"):
        positional_proof(leaves(3), 3)
    with pytest.raises(InvalidInput, match="index"):
        PositionalTree(leaves(3)).leaf(-1)
    with pytest.raises(InvalidInput, match="consentId"):
        consent_leaf(bytes(31), bytes(20))
    with pytest.raises(InvalidInput, match="subject"):
        consent_leaf(bytes(32), bytes(32))


def recursive_root(inputs: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not inputs:
        return sha256(b"")
    if len(inputs) == 1:
        return rfc9162_leaf(inputs[0])
    half = 1 << (len(inputs) - 1).bit_length() - 1
    return rfc9162_node(recursive_root(inputs[:half]), recursive_root(inputs[half:]))


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_root_follows_the_recursive_definition(inputs: list[bytes]) -> None:
    assert rfc9162_root(inputs) == recursive_root(inputs)


@given(st.integers(1, 70), st.data())
def test_inclusion_is_proved_at_one_index_of_one_size(size: int, data: st.DataObject) -> None:
    inputs = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = rfc9162_proof(inputs, index), rfc9162_root(inputs), rfc9162_leaf(inputs[index])
    assert verify_rfc9162_inclusion(leaf, index, size, proof, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != index) if size > 1 else st.just(size))
    assert not verify_rfc9162_inclusion(leaf, other, size, proof, root)
    assert not verify_rfc9162_inclusion(leaf, index, size, (*proof, bytes(32)), root)
    if proof:
        assert not verify_rfc9162_inclusion(leaf, index, size, proof[1:], root)
        assert not verify_rfc9162_inclusion(leaf, index, size, (proof[0][:31], *proof[1:]), root)


@given(st.integers(1, 70), st.data())
def test_consistency_is_proved_of_one_pair_of_logs(size: int, data: st.DataObject) -> None:
    inputs, former_size = leaves(size), data.draw(st.integers(1, size))
    proof = rfc9162_consistency(inputs, former_size)
    former, later = (former_size, rfc9162_root(inputs[:former_size])), (size, rfc9162_root(inputs))
    assert verify_rfc9162_consistency(*former, *later, proof)
    assert not verify_rfc9162_consistency(*former, *later, (*proof, bytes(32)))
    assert not verify_rfc9162_consistency(0, rfc9162_root([]), *later, proof)
    assert not verify_rfc9162_consistency(former_size, bytes(32), *later, proof)
    assert not verify_rfc9162_consistency(*former, size, bytes(32), proof)
    if proof:
        assert not verify_rfc9162_consistency(*later, *former, proof)
        assert not verify_rfc9162_consistency(*former, *later, proof[1:])
        assert not verify_rfc9162_consistency(*former, *later, (proof[0][:31], *proof[1:]))


@pytest.mark.parametrize("former_size", [0, 4])
def test_no_consistency_proof_from_a_size_out_of_range(former_size: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        rfc9162_consistency(leaves(3), former_size)
    assert refused.value.field == "formerSize"


def test_root_can_be_asked_for_at_any_size() -> None:
    tree, inputs = Rfc9162Root(), leaves(20)
    for size, leaf_input in enumerate(inputs):
        assert tree.root() == rfc9162_root(inputs[:size])
        tree.add(leaf_input)
    assert (tree.size, tree.root()) == (20, rfc9162_root(inputs))


def test_a_proof_is_of_a_leaf_that_is_there() -> None:
    with pytest.raises(InvalidInput, match="index"):
        rfc9162_proof([b"a"], 1)
    assert not verify_rfc9162_inclusion(rfc9162_leaf(b"a"), 0, 0, (), rfc9162_leaf(b"a"))


@pytest.mark.parametrize("count", [9, 16, 17, 31, 40, 64, 65, 100])
def test_a_root_over_subtrees_is_that_of_the_leaves(count: int) -> None:
    made = leaves(count)
    for height in range((count - 1).bit_length()):
        width = 1 << height
        subtrees = [positional_subtree(made[at : at + width], height) for at in range(0, count, width)]
        assert positional_root_over(subtrees, height) == positional_root(made)


def test_a_whole_subtree_is_its_own_root_and_a_part_is_padded() -> None:
    assert positional_subtree(leaves(8), 3) == positional_root(leaves(8))
    assert positional_subtree(leaves(5), 3) == positional_root(leaves(5))
    assert positional_subtree(leaves(1), 0) == leaves(1)[0]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9])
def test_nodes_are_raised_step_by_step_as_at_once(count: int) -> None:
    column = b"".join(leaves(count))
    for between in range(5):
        raised = positional_raised(positional_raised(column, 0, between), between, 4)
        assert raised == positional_subtree(leaves(count), 4)


def test_columns_hold_what_the_hashes_one_by_one_are() -> None:
    """FIPS 180-4 and RFC 9162 as `hashlib` has them, whatever kernel is there."""
    ids, subjects = leaves(5), [each[:20] for each in leaves(5)]
    inputs = [b"x" * length for length in (0, 1, 63, 64, 1000)]
    assert consent_leaf_column(ids, subjects) == b"".join(map(consent_leaf, ids, subjects))
    assert consent_leaf_column([], []) == rfc9162_leaf_column([]) == b""
    assert rfc9162_leaf_column(inputs) == b"".join(hashlib.sha256(b"\0" + each).digest() for each in inputs)


@pytest.mark.parametrize("count", range(40))
def test_peaks_and_columns_give_the_root_of_their_leaves(count: int) -> None:
    inputs, grown = leaves(count), Rfc9162Root()
    column = rfc9162_leaf_column(inputs)
    peaks = rfc9162_peaks(column)
    assert sum(1 << height for height, _ in peaks) == count
    for height, root in peaks:
        grown.add_subtree(root, height)
    assert grown.root() == rfc9162_root_of_column(column) == rfc9162_root(inputs)


@pytest.mark.parametrize("count", range(0, 21, 3))
@pytest.mark.parametrize("height", [0, 1, 2, 3])
def test_a_log_grows_by_whole_subtrees_as_by_their_leaves(count: int, height: int) -> None:
    inputs = [b"%d" % number for number in range(count)]
    width, tree = 1 << height, Rfc9162Root()
    for at in range(0, count - width + 1, width):
        tree.add_subtree(rfc9162_root(inputs[at : at + width]), height)
    for each in inputs[tree.size :]:
        tree.add(each)
    assert (tree.size, tree.root()) == (count, rfc9162_root(inputs))


def test_a_subtree_stands_at_a_multiple_of_its_size_only() -> None:
    tree = Rfc9162Root()
    tree.add(b"one")
    with pytest.raises(InvalidInput):
        tree.add_subtree(rfc9162_root([b"two", b"three"]), 1)
