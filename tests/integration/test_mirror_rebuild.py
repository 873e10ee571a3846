"""A mirror is disposable: rebuilt, it is the same byte for byte, and a change by hand is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect

from deedbook.domain.codes import MemberState, OfferState, SaleState
from deedbook.domain.hashing import to_hex
from deedbook.errors import ChainUnavailable, IntegrityError, Locked, WrongVersion
from deedbook.mirror import schema
from deedbook.mirror.canonical import table_digest
from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import check, rebuild
from deedbook.mirror.rebuild_schema import FRESH, rebuild_in_postgresql
from deedbook.mirror.store import Mirror
from deedbook.queries import assets, attestations, cases, consents, members, offers, sales
from tests import ledger_story as story
from tests.crowd_story import chain_of, crowd
from tests.json_chain import JsonChain
from tests.json_chain import decode as decode_real
from tests.postgresql_server import Server
from tests.scripted_chain import ScriptedChain, decode


@pytest.fixture
def chain() -> ScriptedChain:
    scripted = ScriptedChain()
    for calls in (*story.story(), *story.aside()):
        scripted.mine(*calls)
    return scripted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mirror.sqlite"


@pytest.fixture
def mirror(chain: ScriptedChain, path: Path) -> Mirror:
    copied = Mirror.open(f"sqlite:///{path}", chain.chain)
    Follower(chain, copied, decode, span=4).follow()
    return copied


def change(mirror: Mirror, statement: str) -> None:
    with mirror.writing() as connection:
        assert connection.exec_driver_sql(statement).rowcount == 1


def test_nothing_of_the_whole_story_is_quarantined(mirror: Mirror) -> None:
    with mirror.reading() as connection:
        assert table_digest(connection, schema.quarantine)[0] == 0
        empty = [table.name for table in schema.CANONICAL if table_digest(connection, table)[0] == 0]
    assert empty == ["quarantine"]


def test_a_mirror_equals_its_rebuild(chain: ScriptedChain, mirror: Mirror, path: Path) -> None:
    result = check(chain, mirror, decode)
    assert result.equal
    assert result.block == story.LAST
    assert {table.table: table.rows for table in result.tables}["blocks"] == story.LAST + 1
    assert list(path.parent.glob("mirror-check-*")) == []


def test_a_mirror_behind_the_chain_is_compared_up_to_where_it_stands(chain: ScriptedChain, mirror: Mirror) -> None:
    chain.mine(*story.marked())
    assert check(chain, mirror, decode).equal


def test_a_block_that_the_node_has_left_meanwhile_says_nothing_of_the_mirror_s_rows(tmp_path: Path) -> None:
    """It is to follow first. Where the mirror alone has another hash, or the block was final, that is a difference."""
    chain = ScriptedChain(finality=2)
    for calls in story.story():
        chain.mine(*calls)
    copied = Mirror.open(f"sqlite:///{tmp_path / 'mirror.sqlite'}", chain.chain)
    Follower(chain, copied, decode).follow()
    chain.fork(len(chain.blocks) - 1)
    chain.mine(seed=b"other")
    with pytest.raises(ChainUnavailable) as caught:
        check(chain, copied, decode)
    assert caught.value.failure == "forked"
    Follower(chain, copied, decode).follow()
    assert check(chain, copied, decode).equal
    change(copied, f"UPDATE blocks SET hash = x'{'ab' * 32}' WHERE number = {len(chain.blocks) - 1}")
    assert [each.table for each in check(chain, copied, decode).differences] == ["blocks"]
    copied.close()


def test_a_node_behind_the_mirror_says_nothing_of_its_rows(chain: ScriptedChain, mirror: Mirror) -> None:
    lagging = ScriptedChain(blocks=chain.blocks[:9])
    with pytest.raises(ChainUnavailable, match="it lags"):
        check(lagging, mirror, decode)


def test_an_empty_mirror_equals_its_rebuild(chain: ScriptedChain, tmp_path: Path) -> None:
    assert check(chain, Mirror.open(f"sqlite:///{tmp_path / 'empty.sqlite'}", chain.chain), decode).block == -1


def test_a_row_changed_by_hand_is_named(chain: ScriptedChain, mirror: Mirror) -> None:
    change(mirror, f"UPDATE settlements SET per_head = '1101' WHERE sale_id = x'{story.SALE.hex()}'")
    result = check(chain, mirror, decode)
    assert not result.equal
    (found,) = result.differences
    assert (found.table, found.key, found.columns) == ("settlements", (to_hex(story.SALE),), ("per_head",))
    assert (found.live, found.rebuilt) == (("1101",), ("1100",))
    assert result.to_json()["differences"][0]["table"] == "settlements"


@pytest.mark.parametrize(
    ("lie", "table", "column"),
    [
        ("UPDATE cursor SET final_number = final_number + 1", "cursor", "final_number"),
        ("UPDATE cursor SET hash = x'78'", "cursor", "hash"),
        (
            "UPDATE proven_heads SET block_hash = x'78' WHERE contract = 'Market' AND entity = x''",
            "proven_heads",
            "block_hash",
        ),
        ("UPDATE proven_heads SET head = x'78' WHERE contract = 'Market' AND entity = x''", "proven_heads", "head"),
    ],
)
def test_a_false_word_of_the_mirror_about_itself_is_named(
    chain: ScriptedChain, mirror: Mirror, lie: str, table: str, column: str
) -> None:
    change(mirror, lie)
    found = check(chain, mirror, decode).differences
    assert (found[0].table, found[0].columns) == (table, (column,))


def test_a_row_taken_out_is_named(chain: ScriptedChain, mirror: Mirror) -> None:
    change(mirror, f"DELETE FROM leaves_ended WHERE leaf_index = {story.LEAVING}")
    (found,) = check(chain, mirror, decode).differences
    assert (found.table, found.key) == ("leaves_ended", (to_hex(story.BATCH), story.LEAVING))
    assert found.live is None


def test_a_row_put_in_is_named(chain: ScriptedChain, mirror: Mirror) -> None:
    change(mirror, "INSERT INTO policies VALUES (2, 1, 0, 0, 0, 6)")
    (found,) = check(chain, mirror, decode).differences
    assert (found.table, found.key, found.rebuilt) == ("policies", (2, 1), None)


def test_a_value_of_another_kind_is_a_difference(chain: ScriptedChain, mirror: Mirror) -> None:
    change(mirror, "UPDATE batches SET direct = 'yes' WHERE direct = 0")
    change(mirror, "UPDATE offers SET price = 11000.5 WHERE closed_block IS NOT NULL")
    assert {found.table for found in check(chain, mirror, decode).differences} == {"batches", "offers"}


def test_a_rebuild_replaces_the_file_in_one_step(chain: ScriptedChain, mirror: Mirror, path: Path) -> None:
    change(mirror, "UPDATE settlements SET per_head = '1' WHERE certificate = 1")
    mirror.close()
    assert rebuild(chain, path, chain.chain, decode).head == story.LAST
    assert check(chain, Mirror.open(f"sqlite:///{path}", chain.chain), decode).equal
    assert [file.name for file in path.parent.iterdir() if "rebuilding" in file.name] == []


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 999])
def test_whatever_is_there_is_replaced(chain: ScriptedChain, path: Path, content: bytes | None) -> None:
    if content is not None:
        path.write_bytes(content)
        path.with_name(path.name + "-wal").write_bytes(b"stale log")
    rebuild(chain, path, chain.chain, decode)
    assert check(chain, Mirror.open(f"sqlite:///{path}", chain.chain), decode).equal


def test_a_mirror_of_the_first_version_is_refused_and_rebuilt(chain: ScriptedChain, path: Path) -> None:
    former = Mirror.open(f"sqlite:///{path}", chain.chain)
    with former.writing() as connection:
        for table in schema.SECOND:
            table.drop(connection)
        connection.exec_driver_sql("UPDATE meta SET value = '1' WHERE name = 'schema'")
    former.close()
    with pytest.raises(WrongVersion) as refused:
        Mirror.open(f"sqlite:///{path}", chain.chain)
    assert "deedbook mirror rebuild" in str(refused.value.hint)
    assert rebuild(chain, path, chain.chain, decode).head == story.LAST
    assert check(chain, Mirror.open(f"sqlite:///{path}", chain.chain), decode).equal


def test_a_rebuild_that_fails_leaves_what_was_there(chain: ScriptedChain, mirror: Mirror, path: Path) -> None:
    mirror.close()
    chain.lie = lambda number, logs: ()
    with pytest.raises(IntegrityError):
        rebuild(chain, path, chain.chain, decode)
    chain.lie = lambda number, logs: logs
    again = Mirror.open(f"sqlite:///{path}", chain.chain)
    assert check(chain, again, decode).equal
    again.close()
    assert rebuild(chain, path, chain.chain, decode).head == story.LAST


def test_a_mirror_that_another_has_open_is_not_replaced(chain: ScriptedChain, mirror: Mirror, path: Path) -> None:
    with mirror.reading(), pytest.raises(Locked):
        rebuild(chain, path, chain.chain, decode, patience=0)
    assert check(chain, mirror, decode).equal


def test_what_happened_aside_is_shown(mirror: Mirror) -> None:
    case = cases.case(mirror, story.CASE)
    assert (case.decider, case.outcome) == (story.ARBITER, 1)
    assert cases.cases(mirror, story.HELD).items == (case,)
    (hold,) = cases.holds(mirror, story.HELD)
    assert (hold.active, hold.released_block) == (True, None)
    legal, source = attestations.attestations(mirror, story.VERSION_KEY)
    assert (legal.outcome, legal.corrected, legal.standing) == (2, True, True)
    assert (source.standing, source.is_live(1)) == (False, False)
    buyer, settler = (members.member(mirror, account) for account in (story.BUYER, story.SETTLER))
    assert (buyer.state, buyer.licences, buyer.valid_until) == (MemberState.ADMITTED, (257, 300), 5)
    assert (settler.state, settler.reason) == (MemberState.EXPELLED, 4)
    asset = assets.asset(mirror, story.ASSET)
    assert (asset.holder, asset.state, len(asset.transfers)) == (story.BROKER, 2, 2)
    assert asset.versions[0].basis is not None
    assert (asset.versions[0].basis.live, asset.versions[0].basis.pending) == (4, 1)
    assert offers.offer(mirror, story.OFFER).state is OfferState.CLOSED
    assert [each.offer_id for each in offers.offers(mirror, only_open=True).items] == [story.OPERATORS_OFFER]
    states = [sale.state for sale in sales.sales(mirror).items]
    assert states[2:5] == [SaleState.ACCEPTED, SaleState.REFUNDED, SaleState.DELIVERED]
    assert states[5:] == [SaleState.CANCELLED, SaleState.REFUNDED]


def test_a_direct_grant_and_a_pending_withdrawal_are_shown(mirror: Mirror) -> None:
    direct = consents.consent(mirror, story.DIRECT_CONSENT)
    assert (direct.index, direct.subject, direct.live, direct.batch.direct) == (0, story.DIRECT_SUBJECT, True, True)
    marked = consents.consent(mirror, story.CONSENTS[4], place=lambda _: (story.BATCH, 4))
    assert (marked.live, marked.withdrawal_pending, marked.subject) == (False, True, story.SUBJECTS[4])
    assert consents.ended_records(mirror, story.ASSET, 1) == (story.LEAVING, 3)


# -- in PostgreSQL


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture
def far() -> JsonChain:
    """A chain that is long enough to be copied by ranges."""
    return chain_of(crowd(21, blocks=70))


def schemas(mirror: Mirror) -> set[str]:
    with mirror.reading() as connection:
        return set(inspect(connection).get_schema_names())


def test_a_mirror_in_postgresql_is_replaced_in_one_step(server: Server, far: JsonChain) -> None:
    url, last = server.new(), far.tip().number
    live = Mirror.open(url, far.chain)
    Follower(far, live, decode_real).follow()
    change(live, "UPDATE journal_heads SET logs = 1 + logs WHERE contract = 'Consents' AND entity = ''")
    assert not check(far, live, decode_real).equal
    assert rebuild_in_postgresql(far, url, far.chain, decode_real).head == last
    assert check(far, live, decode_real).equal
    assert FRESH not in schemas(live)
    assert Follower(far, live, decode_real).follow().added == 0
    live.close()


def test_a_mirror_of_another_release_in_postgresql_is_rebuilt(server: Server, far: JsonChain) -> None:
    url = server.new()
    former = Mirror.open(url, far.chain)
    with former.writing() as connection:
        for table in schema.SECOND:
            table.drop(connection)
        connection.exec_driver_sql("ALTER TABLE logs ADD COLUMN args text")
        connection.exec_driver_sql("UPDATE meta SET value = '2' WHERE name = 'schema'")
    former.close()
    with pytest.raises(WrongVersion, match="schema 2") as refused:
        Mirror.open(url, far.chain)
    assert refused.value.hint == "build it anew by: deedbook mirror rebuild"
    rebuild_in_postgresql(far, url, far.chain, decode_real)
    assert check(far, Mirror.open(url, far.chain), decode_real).equal


def test_a_rebuild_in_postgresql_that_fails_leaves_what_was_there(server: Server, far: JsonChain) -> None:
    url = server.new()
    live = Mirror.open(url, far.chain)
    Follower(far, live, decode_real).follow()
    far.lie = lambda number, logs: ()
    with pytest.raises(IntegrityError):
        rebuild_in_postgresql(far, url, far.chain, decode_real)
    far.lie = lambda number, logs: logs
    assert check(far, live, decode_real).equal
    with live.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM logs")
        with pytest.raises(Locked):
            rebuild_in_postgresql(far, url, far.chain, decode_real, patience=0.05)
    assert check(far, live, decode_real).equal
    rebuild_in_postgresql(far, url, far.chain, decode_real)
    assert check(far, live, decode_real).equal
    assert FRESH not in schemas(live)
    live.close()
