"""Rights as the audit derives them are those that the contract has, whatever is granted, ended and moved."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from deedbook.audit.rights import Rights, Scope
from deedbook.domain import assets as domain
from deedbook.domain.assets import Version
from deedbook.domain.codes import AssetKind, Grade, Mode, Right, Role
from deedbook.domain.hashing import sha256
from deedbook.errors import RejectedByContract
from deedbook.ledger import assets
from tests.conftest import START
from tests.integration.scenario import PROVIDER, Scenario, account

WHO = (PROVIDER, *map(account, ("first licensee", "second licensee", "third licensee")))
SCOPES = (
    Scope(int(Mode.RAW | Mode.CALL), 0b110, START + 7000),
    Scope(int(Mode.RAW), 0b010, START + 4500),
    Scope(int(Mode.CALL), 0b110, START + 7000),
    Scope(int(Mode.RAW), 0b010, START + 2500),
)


def is_done(act: Callable[[], object]) -> bool:
    """Whether the contract lets it happen."""
    try:
        act()
    except RejectedByContract:
        return False
    return True


@pytest.mark.parametrize("seed", range(2))
def test_the_contract_and_the_audit_agree_on_every_right(tmp_path: Path, seed: int) -> None:
    draw, course = random.Random(seed), Scenario.begin(tmp_path / "home", 1)
    for each in WHO[1:]:
        course.admit(each, Role.PROVIDER)
    acting, asset = course.acting, course.stage.asset_id
    assets.register(
        acting, PROVIDER, salt=course.stage.salt, kind=AssetKind.ENTERPRISE, grade=Grade.GENERAL, level=1,
        source=sha256(b"source"), version=Version(sha256(b"root"), 1, sha256(b"descriptor")),
    )  # fmt: skip
    rights, holder, outcomes = Rights(), PROVIDER, [0, 0]
    for step in range(80):
        course.clock.advance(draw.randrange(60))
        by, to, right, scope = (
            draw.choice((holder, *WHO)),
            draw.choice(WHO),
            draw.choice(list(Right)[1:]),
            draw.choice(SCOPES),
        )
        document = sha256(b"%d" % step)
        now = course.clock()  # the next block's time
        chance = draw.random()
        if chance < 0.05:
            moved = (holder.address, to.address, asset)
            acting.act(holder, "DataAssets", "transferFrom", *moved, key=f"move {step}")
            rights, holder = rights.after_transfer(), to
        elif chance < 0.75:
            own = rights.scope_of(by.address, right, holder.address, now)
            stands = rights.live(to.address, right, holder.address, now) is not None
            expected = own is not None and scope.is_within(own) and by != to and not stands and scope.valid_until >= now
            stated = domain.Scope(scope.modes, scope.purposes, scope.valid_until)
            grant = partial(assets.grant_right, acting, by, asset, to.address, right, stated, document)
            assert is_done(grant) == expected, step
            rights = rights.after_grant(to.address, right, by.address, holder.address, scope) if expected else rights
            outcomes[expected] += 1
        else:
            ended = rights.live(to.address, right, holder.address, now)
            expected = ended is not None and by.address in (ended.grantor, to.address, holder.address)
            end = partial(assets.end_right, acting, by, asset, to.address, right, document)
            assert is_done(end) == expected, step
            rights = rights.after_end(to.address, right) if expected else rights
            outcomes[expected] += 1
        time = course.services.chain_time()
        for each in WHO:
            for mode, purpose in ((Mode.RAW, 1), (Mode.CALL, 2)):
                _, told = acting.read("DataAssets", "operated", asset, each.address, int(mode), purpose)
                assert told == rights.operates(each.address, holder.address, mode, purpose, time), (step, mode)
    course.close()
    assert min(outcomes) > 10
