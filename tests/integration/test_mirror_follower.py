"""The follower against a scripted chain: cases, forks, lies, what cannot be decoded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from deedbook.domain.codes import MemberState, SaleState
from deedbook.domain.events import Log
from deedbook.errors import ChainUnavailable, CorruptStore, IntegrityError, Locked, WrongChain, WrongVersion
from deedbook.mirror import schema
from deedbook.mirror.canonical import table_digest
from deedbook.mirror.follower import MOST_LOGS, Case, Follower
from deedbook.mirror.rebuild import check
from deedbook.mirror.store import Chain, Mirror, write_cursor
from tests.ledger_story import BUYER, OFFER, PROVIDER, SALE, SECOND_SALE, story, withdrawn
from tests.scripted_chain import CONTRACTS, ScriptedChain, decode


@pytest.fixture
def chain() -> ScriptedChain:
    scripted = ScriptedChain()
    for calls in story():
        scripted.mine(*calls)
    return scripted


def mirror_of(chain: ScriptedChain, folder: Path, name: str = "mirror.db") -> Mirror:
    return Mirror.open(f"sqlite:///{folder / name}", chain.chain)


def digests(mirror: Mirror) -> dict[str, tuple[int, bytes]]:
    with mirror.reading() as connection:
        return {table.name: table_digest(connection, table) for table in schema.CANONICAL}


def count(mirror: Mirror, table: str) -> int:
    with mirror.reading() as connection:
        return connection.execute(select(func.count()).select_from(schema.metadata.tables[table])).scalar_one()


def test_the_whole_story_is_copied_and_every_head_is_proven(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)
    progress = Follower(chain, mirror, decode).follow()
    assert (progress.case, progress.added, progress.lag, progress.proven) == (Case.GAP, 15, 0, True)
    with mirror.reading() as connection:
        sales = connection.execute(select(schema.sales.c.sale_id, schema.sales.c.state)).all()
        assert {tuple(row) for row in sales} == {(SALE, SaleState.ACCEPTED), (SECOND_SALE, SaleState.ACCEPTED)}
        heads = select(schema.journal_heads.c.contract, schema.journal_heads.c.entity, schema.journal_heads.c.head)
        proven = select(schema.proven_heads.c.contract, schema.proven_heads.c.entity, schema.proven_heads.c.head)
        assert set(connection.execute(heads)) <= set(connection.execute(proven))
    assert count(mirror, "quarantine") == 0


def test_the_same_head_again_changes_nothing(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)
    follower = Follower(chain, mirror, decode)
    follower.follow()
    before = digests(mirror)
    assert follower.advance().case is Case.SAME
    assert digests(mirror) == before


def test_block_by_block_gives_the_same_rows_as_one_range(chain: ScriptedChain, tmp_path: Path) -> None:
    at_once, slowly = mirror_of(chain, tmp_path, "a.db"), mirror_of(chain, tmp_path, "b.db")
    Follower(chain, at_once, decode).follow()
    assert Follower(chain, slowly, decode, span=1).follow().added == 15
    assert digests(at_once) == digests(slowly)


def test_a_node_that_lags_undoes_nothing(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)
    Follower(chain, mirror, decode).follow()
    lagging = ScriptedChain(blocks=chain.blocks[:5])
    progress = Follower(lagging, mirror, decode).advance()
    assert (progress.case, progress.undone, progress.head, progress.lag) == (Case.BEHIND, 0, 14, 0)


def test_a_next_block_is_appended(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)
    follower = Follower(chain, mirror, decode)
    follower.follow()
    chain.mine(("Market", "OfferClosed", {"offerId": OFFER, "assetId": 5, "provider": PROVIDER}))
    assert follower.advance().case is Case.NEXT


@pytest.mark.parametrize("fork_at", [3, 8, 11, 14])
def test_after_a_fork_the_mirror_equals_one_that_never_saw_it(
    chain: ScriptedChain, tmp_path: Path, fork_at: int
) -> None:
    chain.finality = 100
    mirror = mirror_of(chain, tmp_path)
    follower = Follower(chain, mirror, decode)
    follower.follow()
    chain.fork(fork_at)
    chain.mine(seed=b"other")
    for calls in story()[fork_at - 1 :]:
        chain.mine(*calls, seed=b"other")
    progress = follower.follow()
    assert progress.undone == 15 - fork_at
    fresh = mirror_of(chain, tmp_path, "fresh.db")
    Follower(chain, fresh, decode).follow()
    assert digests(mirror) == digests(fresh)
    assert count(mirror, "orphan_blocks") == 15 - fork_at
    assert check(chain, mirror, decode).equal


def test_a_fork_to_a_shorter_chain_rolls_back(chain: ScriptedChain, tmp_path: Path) -> None:
    chain.finality = 100
    mirror = mirror_of(chain, tmp_path)
    follower = Follower(chain, mirror, decode)
    follower.follow()
    chain.fork(10)
    chain.mine(seed=b"other")
    progress = follower.advance()
    assert (progress.case, progress.undone, progress.head) == (Case.FORK, 5, 10)


def test_forth_and_back_between_two_forks_loses_nothing(chain: ScriptedChain, tmp_path: Path) -> None:
    chain.finality = 100
    mirror = mirror_of(chain, tmp_path)
    Follower(chain, mirror, decode).follow()
    before = digests(mirror)
    other = ScriptedChain(finality=100, blocks=chain.blocks[:9])
    other.mine(*withdrawn())
    Follower(other, mirror, decode).follow()
    Follower(chain, mirror, decode).follow()
    assert digests(mirror) == before
    assert count(mirror, "orphan_blocks") == 7


def test_a_fork_below_a_final_block_is_refused(chain: ScriptedChain, tmp_path: Path) -> None:
    chain.finality = 2
    mirror = mirror_of(chain, tmp_path)
    follower = Follower(chain, mirror, decode)
    follower.follow()
    before = digests(mirror)
    chain.fork(8)
    for _ in range(10):
        chain.mine(seed=b"other")
    with pytest.raises(IntegrityError) as refused:
        follower.advance()
    assert refused.value.fields["block"] == 12
    assert digests(mirror) == before


def test_a_node_with_another_genesis_is_refused(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)
    other = ScriptedChain(blocks=[])
    other.blocks.clear()
    for _ in range(20):
        other.mine(seed=b"other world")
    with pytest.raises(WrongChain):
        Follower(other, mirror, decode).advance()
    Follower(chain, mirror, decode).follow()
    with pytest.raises(WrongChain):
        Follower(other, mirror, decode).advance()


def _hide(block: int) -> object:
    return lambda number, logs: logs[1:] if number == block else logs


def _silence(number: int, logs: list[Log]) -> list[Log]:
    return []


def _reorder(number: int, logs: list[Log]) -> list[Log]:
    return list(reversed(logs)) if number == 1 else logs


def _renumber(number: int, logs: list[Log]) -> list[Log]:
    if number != 1:
        return logs
    return [replace(log, log_index=place) for place, log in enumerate(reversed(logs))]


def _invent(number: int, logs: list[Log]) -> list[Log]:
    return [*logs, replace(logs[-1], log_index=99)] if number == 7 else logs


@pytest.mark.parametrize(
    ("lie", "contract", "span"),
    [
        (_hide(7), "Market", 200),
        (_hide(7), "Market", 1),
        (_silence, "Membership", 200),
        (_renumber, "Membership", 200),
        (_invent, "Market", 200),
        (_hide(10), "Revenue", 200),
    ],
)
def test_a_node_that_lies_about_logs_is_found_out_and_nothing_is_written(
    chain: ScriptedChain, tmp_path: Path, lie: object, contract: str, span: int
) -> None:
    chain.lie = lie  # type: ignore[assignment]
    mirror = mirror_of(chain, tmp_path)
    with pytest.raises(IntegrityError) as found:
        Follower(chain, mirror, decode, span=span).follow()
    assert found.value.fields["contract"] == contract
    assert found.value.fields["entity"] == "0x"
    tip = mirror.cursor()
    assert (tip.number if tip else -1) < found.value.fields["block"]


def test_logs_out_of_order_or_of_another_block_are_refused(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)
    chain.lie = _reorder  # type: ignore[assignment]
    with pytest.raises(IntegrityError, match="out of order"):
        Follower(chain, mirror, decode).advance()
    chain.lie = lambda number, logs: chain.blocks[1].logs if number == 2 else logs
    with pytest.raises(IntegrityError, match="another block"):
        Follower(chain, mirror, decode).advance()


def test_a_missing_state_leaves_heads_unproven_until_a_later_block(chain: ScriptedChain, tmp_path: Path) -> None:
    chain.pruned_below = 14
    mirror = mirror_of(chain, tmp_path)
    follower = Follower(chain, mirror, decode, span=1)
    while (progress := follower.advance()).head < 13:
        assert not progress.proven
    assert count(mirror, "proven_heads") == 0
    assert follower.advance().proven
    chain.lie = _silence  # type: ignore[assignment]
    behind = mirror_of(chain, tmp_path, "lied.db")
    with pytest.raises(IntegrityError):
        Follower(chain, behind, decode, span=1).follow()


def test_what_does_not_decode_is_quarantined_and_later_events_proceed(tmp_path: Path) -> None:
    chain = ScriptedChain()
    garbage = Log(CONTRACTS["Membership"], (bytes(32),), b"\xff", 0, bytes(32), bytes([7]) * 32, 0, 0)
    foreign = replace(garbage, address=bytes(20))
    chain.mine(raw=[garbage, foreign])
    for calls in story():
        chain.mine(*calls)
    chain.mine(("Membership", "ParticipantSuspended", {"account": BUYER, "reason": 9}))
    mirror = mirror_of(chain, tmp_path)
    Follower(chain, mirror, decode).follow()
    with mirror.reading() as connection:
        rows = connection.execute(select(schema.quarantine)).mappings().all()
        assert [(row["log_index"], row["code"]) for row in rows] == [(0, "invalid-format")]
        state = select(schema.participants.c.state).where(schema.participants.c.account == BUYER)
        assert connection.execute(state).scalar_one() == MemberState.SUSPENDED
    assert check(chain, mirror, decode).equal


def test_an_event_that_fits_no_row_is_quarantined(tmp_path: Path) -> None:
    chain = ScriptedChain()
    chain.mine(("Membership", "ParticipantReinstated", {"account": BUYER}))
    chain.mine(("Consents", "BindingClosed", {"assetId": 1, "version": 1, "recordCount": 2**63, "live": 1}))
    mirror = mirror_of(chain, tmp_path)
    Follower(chain, mirror, decode).follow()
    with mirror.reading() as connection:
        codes = connection.execute(select(schema.quarantine.c.code)).scalars().all()
    assert sorted(codes) == ["conflict", "invalid-input"]


def test_a_second_follower_cannot_write_over_the_first(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)

    class Interfering(ScriptedChain):
        def heads(self, header, contract, entities):  # type: ignore[no-untyped-def]
            if contract == "Revenue":
                Follower(chain, mirror, decode).follow()
            return super().heads(header, contract, entities)

    with pytest.raises(Locked):
        Follower(Interfering(blocks=chain.blocks), mirror, decode, span=3).advance()
    assert check(chain, mirror, decode).equal


def test_one_that_was_overtaken_while_it_read_blocks_does_not_accuse_the_node(
    chain: ScriptedChain, tmp_path: Path
) -> None:
    """The journal's heads are later ones by then: what it read does not fold to them, and the node is not at fault."""
    mirror = mirror_of(chain, tmp_path)

    class Overtaken(ScriptedChain):
        def logs(self, header):  # type: ignore[no-untyped-def]
            if header.number == 2:
                Follower(chain, mirror, decode).follow()
            return super().logs(header)

    with pytest.raises(Locked):
        Follower(Overtaken(blocks=chain.blocks), mirror, decode, span=3).advance()
    assert check(chain, mirror, decode).equal


def test_followers_of_one_mirror_take_turns(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)

    class Overtaken(ScriptedChain):
        def heads(self, header, contract, entities):  # type: ignore[no-untyped-def]
            if contract == "Revenue" and header.number < 9:
                Follower(chain, mirror, decode, span=2).advance()
            return super().heads(header, contract, entities)

    assert Follower(Overtaken(blocks=chain.blocks), mirror, decode, span=3).follow().head == 14
    assert check(chain, mirror, decode).equal


def test_a_range_ends_early_where_it_holds_many_logs(tmp_path: Path) -> None:
    """Memory is bounded by logs, not by blocks; foreign ones count too, since a node may send them."""
    foreign = Log(bytes(20), (), b"", 0, bytes(32), bytes(32), 0, 0)
    chain = ScriptedChain()
    for _ in range(5):
        chain.mine(raw=[foreign] * (MOST_LOGS // 2))
    mirror = mirror_of(chain, tmp_path)
    follower = Follower(chain, mirror, decode)
    assert [follower.advance().added for _ in range(3)] == [3, 2, 1]


def test_a_chain_that_changes_while_it_is_read_is_read_again(chain: ScriptedChain, tmp_path: Path) -> None:
    chain.finality = 100
    mirror = mirror_of(chain, tmp_path)
    other = ScriptedChain(finality=100, blocks=chain.blocks[:6])
    for _ in range(12):
        other.mine(seed=b"other")

    class Switching(ScriptedChain):
        def header(self, number):  # type: ignore[no-untyped-def]
            if number == 8:
                self.blocks = other.blocks
            return super().header(number)

    follower = Follower(Switching(finality=100, blocks=chain.blocks), mirror, decode)
    with pytest.raises(ChainUnavailable):
        follower.advance()
    assert mirror.cursor() is None
    follower.follow()
    assert check(other, mirror, decode).equal


def test_a_mirror_of_another_chain_or_schema_is_refused(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)
    mirror.close()
    with pytest.raises(WrongChain):
        Mirror.open(f"sqlite:///{tmp_path / 'mirror.db'}", Chain(1, bytes(32), CONTRACTS))
    with mirror.writing() as connection:
        connection.execute(schema.meta.update().where(schema.meta.c.name == "schema").values(value="999"))
    with pytest.raises(WrongVersion) as refused:
        mirror_of(chain, tmp_path)
    assert refused.value.hint == "build it anew by: deedbook mirror rebuild"


def test_a_corrupt_file_is_named(chain: ScriptedChain, tmp_path: Path) -> None:
    (tmp_path / "mirror.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(CorruptStore):
        mirror_of(chain, tmp_path)


def test_a_cursor_never_lowers_what_is_final(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)
    Follower(chain, mirror, decode).follow()
    chain.finality = 10
    chain.mine()
    Follower(chain, mirror, decode).follow()
    cursor = mirror.cursor()
    assert cursor is not None
    assert (cursor.number, cursor.final) == (15, 14)
    with mirror.writing() as connection:
        write_cursor(connection, cursor)


def test_an_unavailable_node_is_retryable(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = mirror_of(chain, tmp_path)
    Follower(chain, mirror, decode).follow()

    class Holed(ScriptedChain):
        def header(self, number):  # type: ignore[no-untyped-def]
            return None if number < 10 else super().header(number)

    holed = Holed(blocks=chain.blocks[:9])
    with pytest.raises(ChainUnavailable):
        Follower(holed, mirror, decode).advance()
