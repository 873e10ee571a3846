"""Followers that die. Each copies a scripted chain that grows and forks, and is ended by SIGKILL at some statement.

    python -m tests.dying_follower URL KILLS SEED       forks a child for every kill; the mirror goes on where it
                                                        stood, and each time is what a rebuild gives
    python -m tests.dying_follower fill URL KILLS SEED  the same, while a long chain is copied by ranges
    python -m tests.dying_follower follow URL SEED      one follower of the same chain, whose database dies; exits 0
                                                        at the head, 3 where the database was gone, as it said

Prints what happened as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sqlalchemy import Engine, event

from deedbook.errors import Locked, StoreUnavailable
from deedbook.mirror import schema
from deedbook.mirror.backfill import BackFill
from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import check
from deedbook.mirror.store import Mirror
from tests import ledger_story as story
from tests.crowd_story import chain_of, crowd
from tests.json_chain import JsonChain
from tests.json_chain import decode as decode_real
from tests.scripted_chain import ScriptedChain, decode

BLOCKS: Final = [*story.story(), *story.aside(), *story.since()]
KEPT: Final = 25
"""So many blocks below the tip may change."""
DEEPEST: Final = 20
LONGEST: Final = 60
"""A chain of so many blocks begins anew: every rebuild reads all of it."""
MOST_STATEMENTS: Final = 500
GONE: Final = 3


class Weather:
    """What the chain does between two followers."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.chain = ScriptedChain(finality=KEPT)
        self.grow(10)

    def grow(self, blocks: int) -> None:
        for _ in range(blocks):
            self.chain.mine(*BLOCKS[len(self.chain.blocks) % len(BLOCKS)], seed=self.draw.randbytes(1))

    def turn(self) -> None:
        """Grows, and every other time forks before; what is final under the tip never gets less by it."""
        height = len(self.chain.blocks)
        depth = self.draw.randint(1, min(DEEPEST, height - 1)) if self.draw.random() < 0.5 else 0
        self.chain.fork(height - depth)
        self.grow(depth + self.draw.randint(1, 4))

    @property
    def is_long(self) -> bool:
        return len(self.chain.blocks) > LONGEST


def dying(url: str, chain: ScriptedChain, statement: int, work: Callable[[Mirror], object]) -> bool:
    """Works in a child that ends itself at this SQL statement; whether it did. A child that fails is an error."""
    child = os.fork()
    if child == 0:
        _die_at(statement)
        work(Mirror.open(url, chain.chain))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def _die_at(statement: int) -> None:
    seen = 0

    @event.listens_for(Engine, "before_cursor_execute")
    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), signal.SIGKILL)


def emptied(url: str, chain: ScriptedChain) -> Mirror:
    """The mirror, its tables taken away: it begins anew with its chain."""
    mirror = Mirror.open(url, chain.chain)
    with mirror.writing() as connection:
        schema.metadata.drop_all(connection)
    mirror.close()
    return Mirror.open(url, chain.chain)


def killed(url: str, kills: int, seed: int) -> dict[str, Any]:
    """So many kills; what happened."""
    weather, happened = Weather(seed), Counter[str]()
    while happened["kills"] < kills:
        if weather.is_long:
            emptied(url, weather.chain).close()
            weather = Weather(weather.draw.getrandbits(32))
        statement, span = weather.draw.randint(1, MOST_STATEMENTS), weather.draw.choice((1, 3, 200))
        follow = partial(_follow, weather.chain, span=span)
        happened["kills" if dying(url, weather.chain, statement, follow) else "arrived"] += 1
        happened[judged(url, weather, goes_on=weather.draw.random() < 0.5)] += 1
        weather.turn()
    return dict(happened)


def _follow(chain: ScriptedChain, mirror: Mirror, *, span: int) -> None:
    Follower(chain, mirror, decode, span=span).follow()


def filling(url: str, kills: int, seed: int) -> dict[str, Any]:
    """So many kills of a back-fill; what happened. What was killed goes on; what has arrived begins anew."""
    draw, happened = random.Random(seed), Counter[str]()
    chain = chain_of(crowd(seed, blocks=120))
    while happened["kills"] < kills:
        fill = partial(_fill, chain, logs=draw.choice((5, 20, 100)))
        if dying(url, chain, draw.randint(1, MOST_STATEMENTS), fill):
            happened["kills"] += 1
        mirror = Mirror.open(url, chain.chain)
        cursor = mirror.cursor()
        arrived = cursor is not None and cursor.number == chain.tip().number
        if arrived or draw.random() < 0.2:
            differences = check(chain, mirror, decode_real).differences
            assert differences == (), differences
            happened["equal when it had arrived" if arrived else "equal where it was left"] += 1
        mirror.close()
        if arrived:
            emptied(url, chain).close()
    return dict(happened)


def _fill(chain: JsonChain, mirror: Mirror, *, logs: int) -> None:
    BackFill(chain, mirror, decode_real, logs=logs).run(chain.tip().number)


def judged(url: str, weather: Weather, *, goes_on: bool) -> str:
    """Compares the mirror with a rebuild: after it went on to the head, or as a killed follower left it."""
    mirror = Mirror.open(url, weather.chain.chain)
    try:
        cursor = mirror.cursor()
        there = weather.chain.header(cursor.number) if cursor else None
        stale = cursor is not None and (there is None or there.hash != cursor.hash)  # it died before it could leave
        if goes_on or stale:
            Follower(weather.chain, mirror, decode).follow()
        differences = check(weather.chain, mirror, decode).differences
        assert differences == (), differences
        return "equal at the head" if goes_on or stale else "equal where it was left"
    finally:
        mirror.close()


def follow(url: str, seed: int) -> int:
    """One follower of a whole chain, which says each block; the exit code."""
    weather = Weather(seed)
    weather.grow(LONGEST)
    try:
        mirror = Mirror.open(url, weather.chain.chain)
        follower = Follower(weather.chain, mirror, decode, span=1)
        while (progress := follower.advance()).lag or progress.added:
            print("block", progress.head, flush=True)
    except (StoreUnavailable, Locked) as error:
        print(error, flush=True)
        return GONE
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "follow":
        sys.exit(follow(sys.argv[2], int(sys.argv[3])))
    if sys.argv[1] == "fill":
        print(json.dumps(filling(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
        sys.exit()
    print(json.dumps(killed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
