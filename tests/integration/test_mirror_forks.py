"""Whatever a chain does - grow, fork, shrink, finalize - the mirror equals one that never saw the detours."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import check
from deedbook.mirror.store import Mirror
from tests import ledger_story as story
from tests.scripted_chain import ScriptedChain, decode

BLOCKS = [*story.story(), *story.aside()]

grow = st.tuples(st.just("grow"), st.integers(0, len(BLOCKS) - 1), st.integers(1, 6))
fork = st.tuples(st.just("fork"), st.integers(1, 9), st.integers(0, 255))
follow = st.tuples(st.just("follow"), st.integers(1, 5), st.just(0))


@settings(max_examples=max(12, settings().max_examples // 4))
@given(st.lists(st.one_of(grow, grow, fork, follow), min_size=4, max_size=25))
def test_a_mirror_follows_any_history(history: list[tuple[str, int, int]]) -> None:
    chain = ScriptedChain(finality=40)
    with tempfile.TemporaryDirectory() as folder:
        mirror = Mirror.open(f"sqlite:///{Path(folder) / 'mirror.sqlite'}", chain.chain)
        for act, number, extra in history:
            if act == "grow":
                for calls in BLOCKS[number : number + extra]:
                    chain.mine(*calls)
            elif act == "fork":
                chain.fork(max(1, len(chain.blocks) - number))
                chain.mine(seed=bytes([extra]))
            else:
                Follower(chain, mirror, decode, span=number).follow()
        Follower(chain, mirror, decode).follow()
        assert check(chain, mirror, decode).equal
        mirror.close()
