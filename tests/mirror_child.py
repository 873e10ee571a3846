"""Follows a scripted chain in a process of its own, and dies by SIGKILL at the named SQL statement."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from sqlalchemy import Engine, event

from deedbook.mirror.follower import Follower
from deedbook.mirror.store import Mirror
from tests import ledger_story as story
from tests.scripted_chain import ScriptedChain, decode


def scripted() -> ScriptedChain:
    chain = ScriptedChain()
    for calls in (*story.story(), *story.aside()):
        chain.mine(*calls)
    return chain


def main(url: str, statement: int, span: int) -> None:
    seen = 0

    @event.listens_for(Engine, "before_cursor_execute")
    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    chain = scripted()
    Follower(chain, Mirror.open(url, chain.chain), decode, span=span).follow()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
