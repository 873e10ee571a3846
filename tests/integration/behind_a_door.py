"""A home with one listed asset, served with a door, and those who come to it: what the tests of rights begin with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.doorkeeper import Doorkeeper, add_key
from deedbook.domain.codes import ROLES_ALL, Role
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.domain.principals import Scope
from deedbook.wallet.sign_in import message_digest
from deedbook.wallet.signers import LocalSigner
from tests.e2e.http_service import Answer, Client, running
from tests.integration.scenario import EXCHANGE, PROVIDER, Scenario, account

ORIGIN = "https://deeds.example.org"
TENANT = account("other tenant")
"""A member with every role, of whom nothing here is."""
EVERY_ROLE = Role(ROLES_ALL)


@dataclass
class Served:
    """The service, and the sessions of who signed in."""

    scenario: Scenario
    desk: Desk
    door: Doorkeeper
    client: Client
    tokens: dict[bytes, str] = field(default_factory=dict)

    def sign_in(self, signer: LocalSigner, *resources: str) -> Answer:
        """Signs in as a wallet does."""
        asked = self.client.ask("POST", "/session/nonce", {"address": checksum_address(signer.address)}).json()
        text = asked["message"]
        if resources:
            text += "\nResources:" + "".join(f"\n- {resource}" for resource in resources)
        signature = to_hex(signer.sign_digest(message_digest(text)))
        return self.client.ask("POST", "/session", {"message": text, "signature": signature})

    def token(self, signer: LocalSigner) -> str:
        """The token of a session of an account, one for all."""
        if signer.address not in self.tokens:
            self.tokens[signer.address] = self.sign_in(signer).json()["token"]
        return self.tokens[signer.address]

    def key(self, signer: LocalSigner, *scopes: Scope, name: str = "") -> str:
        """A new API key of a member."""
        called = name or f"key {len(self.scenario.services.records.principals.every_key())}"
        secret, _ = add_key(self.scenario.services, called, signer.address, frozenset(scopes), ends_at=None)
        return secret.text

    def ask(self, who: LocalSigner | str | None, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Asks as somebody (by a session), with a token or key, or as nobody."""
        token = self.token(who) if isinstance(who, LocalSigner) else who
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.ask(method, path, body, said | ({} if token is None else bearer(token)))

    def set(self, **settings: Any) -> None:
        """Changes settings of the home while it is served."""
        self.scenario.services.settings = replace(self.scenario.services.settings, **settings)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def served(scenario: Scenario, **settings: Any) -> Iterator[Served]:
    """The home's service; the exchange's and the provider's keys are in the home."""
    services = scenario.services
    passphrase = services.home.passphrase(None)
    for name, signer in (("exchange", EXCHANGE), ("provider", PROVIDER)):
        if name not in services.keystore.names():
            services.keystore.create(name, passphrase, sha256(b"account " + name.encode()))
        assert services.signer_of(signer.address).address == signer.address
    scenario.admit(TENANT, EVERY_ROLE)
    said: dict[str, Any] = {"access": "closed", "limit": 10**6, "limit_nobody": 10**6} | settings
    services.settings = replace(services.settings, **said)
    with Desk(services) as desk:
        door = Doorkeeper(services, ORIGIN)
        with running(desk, door=door) as client:
            yield Served(scenario, desk, door, client)
