"""Tiles of a log give the roots and proofs of the tree itself, however the log grew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain import merkle
from deedbook.domain.tiles import MOST_SIZE, Tile, TiledTree, TilePath, appended, tiles_of, width_at
from deedbook.errors import InvalidInput


class Kept:
    """A log that grows by runs of entries: the numbers from 0 on."""

    def __init__(self) -> None:
        self.inputs: list[bytes] = []
        self.tiles: dict[Tile, bytes] = {}

    def grow(self, count: int) -> dict[Tile, bytes]:
        fresh = [str(len(self.inputs) + each).encode() for each in range(count)]
        changed = appended(self.tile_of, len(self.inputs), merkle.rfc9162_leaves(fresh))
        self.tiles |= changed
        self.inputs += fresh
        return changed

    def tile_of(self, level: int, position: int) -> bytes:
        return self.tiles[level, position]

    @property
    def tree(self) -> TiledTree:
        return TiledTree(self.tile_of, len(self.inputs))


@given(st.lists(st.sampled_from([1, 2, 3, 85, 255, 256, 257]), min_size=1, max_size=6), st.randoms())
def test_roots_and_proofs_are_those_of_the_tree(runs: list[int], random: object) -> None:
    kept = Kept()
    for run in runs:
        kept.grow(run)
    size = random.randint(1, len(kept.inputs))  # type: ignore[attr-defined]
    index, former = random.randrange(size), random.randint(1, size)  # type: ignore[attr-defined]
    some, tree = kept.inputs[:size], kept.tree
    assert tree.root(size) == merkle.rfc9162_root(some)
    assert tree.leaf(index) == merkle.rfc9162_leaf(some[index])
    assert tree.inclusion(index, size) == merkle.rfc9162_proof(some, index)
    assert tree.consistency(former, size) == merkle.rfc9162_consistency(some, former)


def test_the_third_level_of_tiles_stands_where_65_536_leaves_are() -> None:
    kept = Kept()
    kept.grow(65_535)
    assert (2, 0) not in kept.tiles
    assert set(kept.grow(2)) == {(0, 255), (1, 0), (2, 0), (0, 256)}
    assert kept.tree.root(65_537) == merkle.rfc9162_root(kept.inputs)
    assert kept.tree.inclusion(65_536, 65_537) == merkle.rfc9162_proof(kept.inputs, 65_536)
    assert {(path.level, path.position) for path in tiles_of(65_537)} == set(kept.tiles)


def test_tiles_of_two_sizes_are_those_of_the_first_and_what_came_after() -> None:
    sizes = (0, 1, 255, 256, 300, 512, 700, 66_000)
    for former in sizes:
        for size in (each for each in sizes if each > former):
            whole = {path for path in tiles_of(size) if path not in set(tiles_of(former))}
            assert set(tiles_of(size, former)) == whole, (former, size)


def test_a_tile_is_as_wide_as_the_log_reaches() -> None:
    for path in tiles_of(70_000):
        assert width_at(70_000, path.level, path.position) == path.width
    assert width_at(70_000, 0, 274) == width_at(70_000, 3, 0) == width_at(0, 0, 0) == 0


@pytest.mark.parametrize("text", ["0/000.p/256", "0/x000/000", "0/1", "0/-01", "0/٠٠٠", "0/" + "x999/" * 20 + "999"])
def test_another_path_than_the_layouts_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        TilePath.of(text)
    assert refused.value.field == "tile"


def test_what_is_out_of_range_is_named() -> None:
    kept = Kept()
    kept.grow(3)
    tree = kept.tree
    for field, wrong in (
        ("size", lambda: tree.root(4)),
        ("size", lambda: tree.inclusion(0, 4)),
        ("index", lambda: tree.inclusion(2, 2)),
        ("index", lambda: tree.leaf(3)),
        ("index", lambda: tree.leaf(-1)),
        ("formerSize", lambda: tree.consistency(0, 3)),
        ("formerSize", lambda: tree.consistency(3, 2)),
        ("size", lambda: tree.consistency(1, 4)),
        ("size", lambda: appended(kept.tile_of, MOST_SIZE, [bytes(32)])),
    ):
        with pytest.raises(InvalidInput) as refused:
            wrong()
        assert refused.value.field == field
    assert tree.root(0) == merkle.rfc9162_root([])
