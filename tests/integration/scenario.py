"""One small sale on a real home, step by step: what the tests of the ledger begin with.

A `Stage` remembers what was made, without any open file; a `Scenario` is a stage on an open home. So one home is
staged once, copied for every test, and gone on with.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import GOVERNANCE, Services
from deedbook.chain.transactions import Receipt
from deedbook.domain.assets import Descriptor, Field, Version, asset_id, version_key
from deedbook.domain.batches import Batch
from deedbook.domain.codes import JURISDICTION_CN, AssetKind, AttestationKind, Grade, Licence, Mode, Purpose, Role
from deedbook.domain.consents import Consent, SignedConsent, Withdrawal, consent_id, record_commit, withdrawal_digest
from deedbook.domain.hashing import canonical_json, checksum_address, sha256, to_hex
from deedbook.domain.notices import Notice, load_notice, with_statement
from deedbook.domain.operations import Operation
from deedbook.domain.receipts import ConsentReceipt
from deedbook.domain.sales import Conditions, Offer, Ordered, Price, Sandbox, Split, offer_id
from deedbook.errors import RejectedByContract
from deedbook.ledger import assets, attestations, deliveries, members, offers, revenue, sales
from deedbook.vault.envelopes import EncryptionKeyPair, Suite
from deedbook.vault.payloads import PayloadReceipt
from deedbook.wallet.signers import LocalSigner
from tests.conftest import START, Clock, Entropy

YEAR = 365 * 86_400
PRICE = 100_001
KINDS = (AttestationKind.SOURCE_LEGALITY, AttestationKind.IMPACT_ASSESSMENT, AttestationKind.LEGAL_OPINION)
TO_LIST = 1 << AttestationKind.SOURCE_LEGALITY | 1 << AttestationKind.IMPACT_ASSESSMENT
TO_ORDER = TO_LIST | 1 << AttestationKind.LEGAL_OPINION
NOTICE: Notice = load_notice("en", controller="the merchant", contact="privacy@example.org", asset_title="resumes")


def account(name: str) -> LocalSigner:
    """An account that is the same in every run."""
    return LocalSigner(sha256(b"account " + name.encode()))


PEOPLE = 4
"""Of a home that several tests take a copy of."""

EXCHANGE, PROVIDER, FIRM, AUDITOR, BANK, BUYER, SECOND, STRANGER = map(
    account, ("exchange", "provider", "firm", "auditor", "bank", "buyer", "second", "stranger")
)
PARTS: tuple[tuple[LocalSigner, Role, tuple[int, ...]], ...] = (
    (EXCHANGE, Role.OPERATOR | Role.RELAYER, ()),
    (PROVIDER, Role.PROVIDER | Role.SETTLER | Role.REVIEWER | Role.AUDITOR, ()),
    (FIRM, Role.REVIEWER, (int(Licence.LAW_FIRM),)),
    (AUDITOR, Role.AUDITOR, ()),
    (BANK, Role.SETTLER, ()),
    (BUYER, Role.BUYER, (int(Licence.EMPLOYER),)),
    (SECOND, Role.BUYER, (int(Licence.EMPLOYER),)),
)
"""The provider has every role that a party must not use in its own sale."""
KEYS = {one.address: EncryptionKeyPair.generate(Entropy(to_hex(one.address)), Suite.X25519) for one in (BUYER, SECOND)}


@dataclass
class Stage:
    """What was made so far."""

    home: Path
    people: tuple[LocalSigner, ...]
    now: int
    asset_id: int
    salt: bytes
    receipts: list[ConsentReceipt] = field(default_factory=list)
    batch: Batch | None = None
    payload_id: bytes = b""
    offer: Offer | None = None
    references: dict[bytes, bytes] = field(default_factory=dict)


class Scenario:
    """A stage on an open home; every method is one step of a sale."""

    def __init__(self, stage: Stage, services: Services, clock: Clock) -> None:
        self.stage = stage
        self.services = services
        self.clock = clock
        self.acting = services.acting
        self.consents = services.consents
        self.governance = services.signer(GOVERNANCE)

    @staticmethod
    def begin(home: Path, people: int) -> Scenario:
        """A new home with its members and policy."""
        clock = Clock()
        services = Services.init(config.load(home, {}), clock=clock, entropy=Entropy(home.name))
        salt = sha256(b"asset")
        asset = asset_id(services.chain_id, services.addresses["DataAssets"], PROVIDER.address, salt)
        crowd = tuple(account(f"person {n}") for n in range(people))
        scenario = Scenario(Stage(home, crowd, clock.now, asset, salt), services, clock)
        services.records.documents.put("notice", NOTICE.encode(), at=clock())
        for content in (b"source", b"report", b"terms", b"policy"):
            services.records.documents.put("any", content, at=clock())
        for part, roles, licences in PARTS:
            scenario.admit(part, roles, licences)
        for buyer, key in ((BUYER, KEYS[BUYER.address]), (SECOND, KEYS[SECOND.address])):
            members.register_encryption_key(scenario.acting, buyer, int(key.suite), key.public.commitment)
        offers.set_policy(
            scenario.acting, scenario.governance, AssetKind.PERSONAL, Grade.GENERAL,
            to_list=TO_LIST, to_order=TO_ORDER, modes=Mode.RAW,
        )  # fmt: skip
        return scenario

    @staticmethod
    def go_on(stage: Stage, home: Path) -> Scenario:
        """The same stage on a copy of its home."""
        clock = Clock(stage.now)
        services = Services.open(config.load(home, {}), clock=clock, entropy=Entropy(str(home)))
        return Scenario(
            replace(stage, home=home, receipts=list(stage.receipts), references=dict(stage.references)), services, clock
        )

    @staticmethod
    @contextmanager
    def copied(stage: Stage, folder: Path) -> Iterator[Scenario]:
        """The scene on a copy of its home."""
        scenario = Scenario.go_on(stage, Path(shutil.copytree(stage.home, folder / "home")))
        yield scenario
        scenario.close()

    def close(self) -> Stage:
        """Closes the home; the stage can be gone on with."""
        self.services.close()
        self.stage.now = self.clock.now
        return self.stage

    def admit(self, part: LocalSigner, roles: int, licences: tuple[int, ...] = ()) -> Receipt:
        return members.admit(
            self.acting, self.governance, part.address, identity=sha256(part.address), jurisdiction=JURISDICTION_CN,
            roles=int(roles), valid_until=START + YEAR, licences=licences,
        )  # fmt: skip

    # -- consents

    def consent(self, person: LocalSigner, **changes: Any) -> Consent:
        """What a wallet shows; `changes` replace fields before the sentence is rendered."""
        fields = Consent(
            subject=person.address,
            asset_id=self.stage.asset_id,
            controller=PROVIDER.address,
            recipient=bytes(20),
            recipient_class=int(Licence.EMPLOYER),
            purpose=int(Purpose.RECRUITMENT),
            modes=int(Mode.RAW),
            cross_border=False,
            notice_hash=NOTICE.hash,
            record_commit=record_commit(sha256(person.address), record_of(person)),
            valid_from=START,
            valid_until=START + YEAR,
            statement="-",
            salt=sha256(b"salt" + person.address),
        )
        return with_statement(NOTICE, replace(fields, **changes))

    def sign(self, person: LocalSigner, consent: Consent | None = None) -> SignedConsent:
        shown = consent or self.consent(person)
        digest = consent_id(self.consents.domain, shown)
        return SignedConsent(self.consents.domain, shown, person.sign_digest(digest))

    def collect(self) -> None:
        for person in self.stage.people:
            self.stage.receipts.append(self.consents.collect(self.sign(person), PROVIDER))

    def anchor(self) -> Batch:
        self.stage.batch, _ = self.consents.anchor(self.stage.asset_id, PROVIDER, salt=self.stage.salt)
        return self.stage.batch

    def withdrawal(self, person: LocalSigner, signer: LocalSigner | None = None) -> Withdrawal:
        identifier = self.consent_of(person)
        signature = (signer or person).sign_digest(withdrawal_digest(self.consents.domain, identifier))
        return Withdrawal(self.consents.domain, identifier, person.address, signature)

    def consent_of(self, person: LocalSigner) -> bytes:
        return self.receipt_of(person).signed.consent_id

    def receipt_of(self, person: LocalSigner) -> ConsentReceipt:
        return next(each for each in self.stage.receipts if each.signed.consent.subject == person.address)

    # -- the asset

    def attest(self, attester: LocalSigner, target: bytes, kind: AttestationKind, until: int = START + YEAR) -> Receipt:
        return attestations.attest(self.acting, attester, target, kind, sha256(b"report"), until)

    def audit(self) -> None:
        self.attest(AUDITOR, self.batch.batch_id, AttestationKind.CONSENT_AUDIT)

    def publish(self) -> Version:
        """Seals a record for each leaf, registers the asset and publishes its version."""
        leaves = self.services.records.consents.leaves_of(self.batch.batch_id)
        people = {person.address: person for person in self.stage.people}
        plain = [sealed_record(people[signed.consent.subject]) for signed in leaves]
        identifiers = [signed.consent_id for signed in leaves]
        return self.publish_sealed(self.services.vault.seal(self.stage.asset_id, 1, identifiers, plain))

    def publish_sealed(self, sealed: PayloadReceipt) -> Version:
        """Registers the asset with what was sealed as its version."""
        self.stage.payload_id = sealed.payload_id
        described = self.services.records.documents.put("descriptor", descriptor(sealed.count), at=self.clock())
        version = Version(sealed.content_root, sealed.count, described)
        assets.register(
            self.acting, PROVIDER, salt=self.stage.salt, kind=AssetKind.PERSONAL, grade=Grade.GENERAL, level=3,
            source=sha256(b"source"), version=version,
        )  # fmt: skip
        return version

    def bind(self) -> Receipt:
        return self.consents.bind(PROVIDER, self.stage.asset_id, 1, [(self.batch, AUDITOR.address)])

    def offered(self, version: Version, /, **changes: Any) -> Offer:
        offer = Offer(
            provider=PROVIDER.address,
            asset_id=self.stage.asset_id,
            version=1,
            version_key=version_key(self.stage.asset_id, version),
            mode=int(Mode.RAW),
            purpose=int(Purpose.RECRUITMENT),
            price=Price(PRICE, 0, 0, 0, b"CNY"),
            split=Split(EXCHANGE.address, 500, 5500, 4000),
            terms_hash=sha256(b"terms"),
            policy_hash=sha256(b"policy"),
            quota=0,
            term=YEAR,
            valid_until=START + YEAR // 2,
            conditions=Conditions(int(Licence.EMPLOYER), (JURISDICTION_CN,)),
            sandbox=Sandbox(),
            salt=sha256(b"offer"),
        )
        return replace(offer, **changes)

    def list_offer(self, version: Version) -> Offer:
        offer = self.offered(version)
        for kind in KINDS:
            self.attest(FIRM, offer.version_key, kind)
        offers.list_offer(self.acting, PROVIDER, offer, (FIRM.address, FIRM.address))
        self.stage.offer = offer
        return offer

    def stage_whole(self) -> None:
        """Everything up to the listing."""
        self.collect()
        self.anchor()
        self.audit()
        version = self.publish()
        self.bind()
        self.list_offer(version)

    # -- a sale

    def order(self, buyer: LocalSigner = BUYER, reference: bytes = bytes(32), **changes: Any) -> bytes:
        """Orders what was listed; `changes` replace what the buyer names."""
        offer: Offer = changes.get("offer", self.offer)
        attesters = changes.get("attesters", (FIRM.address,) * 3)
        receipt = sales.order(self.acting, buyer, self.offer_id, offer, attesters, reference)
        sale_id: bytes = receipt.event("SaleOrdered").args["saleId"]
        self.stage.references[sale_id] = reference
        return sale_id

    def ordered(self, sale_id: bytes) -> Ordered:
        """What every later act of a sale brings along."""
        return Ordered(sale_id, self.offer, self.stage.references.get(sale_id, bytes(32)))

    def pay(self, sale_id: bytes, settler: LocalSigner = BANK, **changes: Any) -> Receipt:
        said: dict[str, Any] = {"amount": PRICE, "currency": b"CNY", "receipt": sha256(b"bank" + sale_id)}
        return sales.confirm_payment(self.acting, settler, self.ordered(sale_id), **(said | changes))

    def prepare(self, sale_id: bytes) -> Receipt:
        return sales.prepare(self.acting, PROVIDER, self.ordered(sale_id))

    def deliver(self, sale_id: bytes, buyer: LocalSigner = BUYER) -> deliveries.Delivered:
        self.services.follow()
        return deliveries.deliver(
            self.acting, self.services.vault, self.services.records.deliveries, PROVIDER, self.ordered(sale_id),
            payload_id=self.stage.payload_id, excluded=self.services.ended_records(self.stage.asset_id, 1),
            recipient=KEYS[buyer.address].public, at=self.clock(),
        )  # fmt: skip

    def settle(self, sale_id: bytes, buyer: LocalSigner = BUYER) -> Receipt:
        """Everything from the payment of an order to its settlement."""
        self.pay(sale_id)
        self.prepare(sale_id)
        self.deliver(sale_id, buyer)
        sales.accept(self.acting, buyer, sale_id)
        return revenue.settle(self.acting, EXCHANGE, self.ordered(sale_id))

    @property
    def batch(self) -> Batch:
        assert self.stage.batch is not None
        return self.stage.batch

    @property
    def offer(self) -> Offer:
        assert self.stage.offer is not None
        return self.stage.offer

    @property
    def offer_id(self) -> bytes:
        return offer_id(self.services.chain_id, self.services.addresses["Market"], self.offer)


def descriptor(count: int) -> bytes:
    """The public descriptor of the version."""
    return Descriptor(
        language="en", title="Resumes", description="one record per person", kind=AssetKind.PERSONAL,
        fields=(Field("wageCents", "integer", "CNY", "a wage"),), period_from=0, period_until=1, source="the merchant",
        quality={}, record_count=count, size=1,
    ).encode()  # fmt: skip


def record_of(person: LocalSigner) -> dict[str, Any]:
    """A person's record."""
    return {"name": f"somebody {person.address.hex()[:6]}", "wageCents": 100}


def sealed_record(person: LocalSigner) -> bytes:
    """The plaintext of a person's sealed record."""
    salt = to_hex(sha256(person.address))
    return canonical_json({"format": "deedbook.record", "version": 1, "salt": salt, "record": record_of(person)})


def ended(desk: Desk, accepted: Operation | Mapping[str, Any]) -> Operation:
    """What a desk accepted, when it is over."""
    assert isinstance(accepted, Operation)
    while not (operation := desk.operation(accepted.operation_id)).is_over:
        desk.catch_up()
    return operation


@contextmanager
def refused(contract: str, error: str, **arguments: Any) -> Iterator[None]:
    """The contract refuses what is done inside, with exactly these arguments (bytes as they are)."""
    with pytest.raises(RejectedByContract) as caught:
        yield
    expected = {name: _shown(value) for name, value in arguments.items()}
    assert (caught.value.contract, caught.value.error) == (contract, error)
    assert caught.value.arguments == expected


def _shown(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    return checksum_address(value) if len(value) == 20 else to_hex(value)
