"""What was quarantined is tried again: after an upgrade the mirror is what a rebuild by the new release gives."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import keccak256
from deedbook.errors import IntegrityError, InvalidFormat, Locked
from deedbook.mirror import schema
from deedbook.mirror.canonical import table_digest
from deedbook.mirror.copying import Decode
from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import check
from deedbook.mirror.replay import quarantined, replay
from deedbook.mirror.store import Mirror
from deedbook.queries.status import status
from tests import ledger_story as story
from tests.scripted_chain import CONTRACTS, ScriptedChain, decode

BLOCKS = [*story.story(), *story.aside()]
EVENTS = sorted({(contract, name) for calls in BLOCKS for contract, name, _ in calls})


def without(unknown: Collection[tuple[str, str]]) -> Decode:
    """The decoder of a release that does not know these events."""

    def earlier(log: Log) -> Event | None:
        event = decode(log)
        if event is not None and (event.contract, event.name) in unknown:
            raise InvalidFormat("topics", f"{event.contract} has no event {event.name}")
        return event

    return earlier


@pytest.fixture
def chain() -> ScriptedChain:
    scripted = ScriptedChain(finality=10)
    for calls in BLOCKS:
        scripted.mine(*calls)
    return scripted


def followed(chain: ScriptedChain, folder: Path, decoder: Decode) -> Mirror:
    mirror = Mirror.open(f"sqlite:///{folder / 'mirror.sqlite'}", chain.chain)
    Follower(chain, mirror, decoder, span=5).follow()
    return mirror


def rows(mirror: Mirror) -> dict[str, tuple[int, bytes]]:
    with mirror.reading() as connection:
        return {table.name: table_digest(connection, table) for table in schema.CANONICAL}


def test_an_event_that_a_release_did_not_know_is_projected_after_the_upgrade(
    chain: ScriptedChain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything that built on it - suspended members, offers of the asset - waits in quarantine with it."""
    with caplog.at_level(logging.ERROR):
        mirror = followed(chain, tmp_path, without({("DataAssets", "AssetRegistered")}))
    held = status(mirror).quarantined
    assert held > 1  # the registration, and what changed its row
    assert sum("quarantined: log" in record.getMessage() for record in caplog.records) == held
    assert "deedbook mirror replay" in caplog.text
    assert not check(chain, mirror, decode).equal
    done = replay(mirror, decode)
    assert (done.tried, done.projected, done.left) == (held, held, ())
    assert check(chain, mirror, decode).equal
    assert status(mirror).quarantined == 0


@settings(max_examples=max(3, settings().max_examples // 16), phases=[Phase.explicit, Phase.generate])
@given(st.sets(st.sampled_from(EVENTS), min_size=1, max_size=8), st.integers(1, 9))
def test_whatever_a_release_did_not_know_a_replay_equals_a_rebuild(unknown: set[tuple[str, str]], depth: int) -> None:
    """Also through a fork after it: what the replay wrote above the final block can be undone."""
    scripted = ScriptedChain(finality=10)
    for calls in BLOCKS:
        scripted.mine(*calls)
    with tempfile.TemporaryDirectory() as folder:
        mirror = followed(scripted, Path(folder), without(unknown))
        replay(mirror, decode)
        assert check(scripted, mirror, decode).equal
        scripted.fork(len(scripted.blocks) - depth)
        scripted.mine(*story.marked(), seed=b"other")
        for _ in range(depth):
            scripted.mine(seed=b"other")
        Follower(scripted, mirror, decode).follow()
        assert check(scripted, mirror, decode).equal
        mirror.close()


def test_what_still_does_not_fit_is_named_and_nothing_is_touched(chain: ScriptedChain, tmp_path: Path) -> None:
    garbage = Log(CONTRACTS["Market"], (bytes(32),), b"\xff", 0, bytes(32), bytes([7]) * 32, 0, 0)
    chain.mine(raw=[garbage])
    mirror = followed(chain, tmp_path, decode)
    before = rows(mirror)
    done = replay(mirror, decode)
    (left,) = done.left
    assert (done.tried, done.projected) == (1, 0)
    assert (left.block, left.log_index, left.contract, left.code) == (story.LAST + 1, 0, "Market", "invalid-format")
    assert done.left == quarantined(mirror)
    assert done.to_json()["left"][0]["reason"] == left.reason
    assert rows(mirror) == before


def test_a_replay_of_a_mirror_that_was_tampered_with_is_refused_whole(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = followed(chain, tmp_path, without({("Market", "PolicySet")}))
    with mirror.writing() as connection:
        logs = schema.logs
        change = logs.update().where(logs.c.event == "OfferListed", logs.c.log_index == 0)
        assert connection.execute(change.values(tx_index=7, topics=keccak256(b"another"))).rowcount > 0
    before = rows(mirror)
    with pytest.raises(IntegrityError, match="do not fold"):
        replay(mirror, decode)
    assert rows(mirror) == before


def test_a_follower_at_work_takes_its_turn_after_a_replay(chain: ScriptedChain, tmp_path: Path) -> None:
    """What it had folded on is derived anew meanwhile: it reads that again, and no head is of before."""
    mirror = followed(chain, tmp_path, without({("Market", "SaleOrdered")}))

    class Interfered(ScriptedChain):
        def heads(self, header, contract, entities):  # type: ignore[no-untyped-def]
            if contract == "Revenue" and status(mirror).quarantined:
                assert replay(mirror, decode).left == ()
            return super().heads(header, contract, entities)

    interfered = Interfered(finality=10, blocks=chain.blocks)
    closed = {"offerId": story.OFFER, "assetId": story.ASSET, "provider": story.PROVIDER}
    interfered.mine(("Market", "OfferClosed", closed))  # folds on the asset's head, as an order does
    with pytest.raises(Locked):
        Follower(interfered, mirror, decode).advance()
    assert Follower(interfered, mirror, decode).follow().lag == 0
    assert check(interfered, mirror, decode).equal


def test_an_empty_quarantine_asks_for_nothing(chain: ScriptedChain, tmp_path: Path) -> None:
    mirror = followed(chain, tmp_path, decode)
    before = rows(mirror)
    assert replay(mirror, decode).to_json() == {"tried": 0, "projected": 0, "left": []}
    assert rows(mirror) == before
