"""What people do on the pages, at a real home: a service that asks who somebody is, another on the same home that does
not, a sale that was paid out to its people, and newcomers with keys of their own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.doorkeeper import Doorkeeper
from deedbook.domain.codes import Licence, Role
from deedbook.domain.consents import record_commit
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.domain.notices import Notice, load_notice
from deedbook.domain.revenue import payout
from deedbook.ledger import members, revenue
from tests.e2e.http_service import Client, running
from tests.integration.scenario import BANK, BUYER, KEYS, NOTICE, PROVIDER, STRANGER, YEAR, Scenario, account

CHINESE: Notice = load_notice("zh-CN", controller="数据商", contact="privacy@example.org", asset_title="简历数据")
PEOPLE = 4
BUYER_NAME = "用人单位甲"


@dataclass
class Place:
    """The home, and its two services: `closed` asks who somebody is, `open` does not."""

    scenario: Scenario
    desk: Desk
    closed: Client
    open: Client

    def link(self, person: str, notice: Notice = NOTICE, **changes: str) -> str:
        """What a provider hands to one person."""
        asked = {
            "asset": str(self.scenario.stage.asset_id),
            "notice": to_hex(notice.hash),
            "controller": checksum_address(PROVIDER.address),
            "purpose": "recruitment",
            "class": "employer",
            "modes": "raw,call",
            "record": to_hex(record_commit(sha256(person.encode()), {"name": person})),
            "days": "730",
        }
        return "/explore/consents/new?" + urlencode(asked | changes)


def key_of(person: str) -> str:
    """The private key of a newcomer, or of a person of the scenario."""
    return to_hex(sha256(b"account " + person.encode()))


def address_of(person: str) -> str:
    return checksum_address(account(person).address)


def _sold(scenario: Scenario) -> None:
    """A sale to a buyer whose legal name is kept: delivered, settled, and paid to the first half of the people."""
    commitment = scenario.services.records.identities.put(STRANGER.address, sha256(b"salt"), {"name": BUYER_NAME})
    members.admit(
        scenario.acting, scenario.governance, STRANGER.address, identity=commitment, jurisdiction=156,
        roles=int(Role.BUYER), valid_until=scenario.clock() + YEAR, licences=(int(Licence.EMPLOYER),),
    )  # fmt: skip
    key = KEYS.setdefault(STRANGER.address, KEYS[BUYER.address])
    members.register_encryption_key(scenario.acting, STRANGER, int(key.suite), key.public.commitment)
    sale = scenario.order(STRANGER)
    each = scenario.settle(sale, STRANGER).event("SaleSettled").args["perHead"]
    ordered = scenario.ordered(sale)
    revenue.confirm_payout(scenario.acting, BANK, ordered, payout(first=0, end=2, per_head=each, receipt=sha256(b"1")))


@contextmanager
def lived(folder: Path) -> Iterator[Place]:
    """A home with one listed asset, served twice."""
    scenario = Scenario.begin(folder / "home", PEOPLE)
    services = scenario.services
    passphrase = services.home.passphrase(None)
    services.keystore.create("provider", passphrase, sha256(b"account provider"))
    scenario.stage_whole()
    _sold(scenario)
    services.records.documents.put("notice", CHINESE.encode(), at=scenario.clock())
    said: dict[str, Any] = {"access": "closed", "limit": 10**6, "limit_nobody": 10**6}
    services.settings = replace(services.settings, **said)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with Desk(services) as desk:
            door = Doorkeeper(services, origin)
            with running(desk, listener, door=door) as closed, running(desk) as everybody:
                yield Place(scenario, desk, closed, everybody)
    finally:
        scenario.close()
