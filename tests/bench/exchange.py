"""A whole exchange out of the committed artifacts, with a member of every role, and the steps that lead to a sale.

Accounts are named, and the key of a name is its hash: everything in a run follows from names, so that it repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from deedbook.chain import artifacts
from deedbook.domain import assets, codes, sales
from deedbook.domain.consents import (
    Consent,
    ConsentDomain,
    Terms,
    batch_id,
    consent_id,
    receipt_digest,
    terms_hash,
    withdrawal_digest,
)
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, keccak256, to_hex
from deedbook.domain.merkle import PositionalTree, consent_leaf
from deedbook.wallet.signers import LocalSigner
from tests.bench.chain import CHAIN_ID, Chain, Contract, Receipt

YEAR: Final = 365 * 86_400
MEMBERS: Final[Mapping[str, codes.Role]] = {
    "operator": codes.Role.OPERATOR,
    "provider": codes.Role.PROVIDER,
    "buyer": codes.Role.BUYER,
    "reviewer": codes.Role.REVIEWER,
    "appraiser": codes.Role.APPRAISER,
    "arbiter": codes.Role.ARBITER,
    "regulator": codes.Role.REGULATOR,
    "settler": codes.Role.SETTLER,
    "auditor": codes.Role.AUDITOR,
    "gateway": codes.Role.GATEWAY,
}
"""One member of each role, by the role's name."""

STATEMENT: Final = (
    "I agree that Guiyang Talent Data Co. Ltd. uses my employment record of November 2026 (training, certificates and "
    "work history, without my name) to match me with licensed employers, by answering their queries and by delivering "
    "the record, until 1 January 2028. I can withdraw at any time. 我同意。"
)
"""What a person reads and signs: 300 bytes of UTF-8."""


def word(*names: object) -> bytes:
    """32 bytes that stand for something: the hash of its name."""
    return keccak256("/".join(map(str, names)).encode())


def signer(name: str) -> LocalSigner:
    """The account of a name."""
    return LocalSigner(keccak256(f"key of {name}".encode()))


def account(name: str) -> bytes:
    """Its address."""
    return signer(name).address


@dataclass(frozen=True)
class Crowd:
    """A batch of consents as its collector keeps it; `tree` is None where only the root was made up."""

    asset_id: int
    root: bytes
    count: int
    terms: Terms
    manifest: bytes
    consents: Sequence[Consent] = ()
    tree: PositionalTree | None = None

    @property
    def id(self) -> bytes:
        """batchId."""
        return batch_id(self.asset_id, self.root, self.count, terms_hash(self.terms, self.manifest))

    @property
    def stated(self) -> tuple[Any, ...]:
        """IConsents.Batch."""
        return (self.asset_id, self.root, self.count, terms_hash(self.terms, self.manifest))

    def basis(self, auditor: bytes) -> tuple[Any, ...]:
        """IConsents.Basis."""
        return (self.root, self.count, self.terms.as_tuple(), self.manifest, auditor)


class Exchange:
    """The contracts of one deployment on a chain, and those who act in it."""

    def __init__(self, chain: Chain, load: Callable[[str], Mapping[str, Any]] = artifacts.load) -> None:
        self.chain = chain
        self.admin = account("admin")
        self._load = load
        self.contracts: dict[str, Contract] = {}
        for name in artifacts.NAMES:
            self.contracts[name] = self._deployed(name)
        self.domain = ConsentDomain(CHAIN_ID, self.contracts["Consents"].address)

    def __getitem__(self, name: str) -> Contract:
        return self.contracts[name]

    def _deployed(self, name: str) -> Contract:
        artifact = self._load(name)
        inputs = next((item["inputs"] for item in artifact["abi"] if item["type"] == "constructor"), ())
        arguments = [self._argument(item) for item in inputs]
        return self.chain.deploy(name, artifact["abi"], artifact["bytecode"], arguments, self.admin)

    def _argument(self, item: Mapping[str, Any]) -> Any:
        kind = str(item["internalType"])
        if kind.startswith("contract I"):
            return self.contracts[kind.removeprefix("contract I")].address
        if kind.startswith("struct"):  # IMembership.Predecessor: none
            return (0, (), ())
        if kind == "string":
            return "Deedbook Forwarder"
        if item["name"] == "initialAdmin":
            return self.admin
        return self.contracts[{"manager": "AccessManager", "forwarder": "Forwarder"}[item["name"]]].address

    # -- acts -------------------------------------------------------------------------------------------------------

    def act(self, contract: str, function: str, *arguments: Any, by: str) -> Receipt:
        """A transaction of the named account. Raises RefusedError."""
        return self.chain.send(self[contract], function, *arguments, sender=account(by))

    def read(self, contract: str, function: str, *arguments: Any) -> Any:
        """What a view answers now."""
        return self.chain.read(self[contract], function, *arguments)

    def relayed(self, contract: str, function: str, *arguments: Any, by: str) -> tuple[Contract, bytes]:
        """The forwarder and the calldata with which anyone may send the named account's act."""
        request = self.request(contract, function, *arguments, by=by)
        return self["Forwarder"], self["Forwarder"].encode("execute", request)

    def request(self, contract: str, function: str, *arguments: Any, by: str, ahead: int = 0) -> tuple[Any, ...]:
        """A signed ForwardRequestData; `ahead` counts the requests before it that are not yet executed."""
        forwarder, data = self["Forwarder"], self[contract].encode(function, *arguments)
        nonce = self.read("Forwarder", "nonces", account(by)) + ahead
        body = (account(by), self[contract].address, 0, 2_000_000)
        deadline = self.chain.now() + YEAR
        types = "address from,address to,uint256 value,uint256 gas,uint256 nonce,uint48 deadline,bytes data"
        struct = keccak256(f"ForwardRequest({types})".encode()) + b"".join(
            (bytes(12), body[0], bytes(12), body[1], *map(_word, (*body[2:], nonce, deadline)), keccak256(data))
        )
        digest = typed_digest("Deedbook Forwarder", "1", forwarder.address, struct)
        return (*body, deadline, data, signer(by).sign_digest(digest))

    # -- members ----------------------------------------------------------------------------------------------------

    def admit_all(self) -> None:
        """One member of every role; the buyer holds an employer's licence."""
        for name, role in MEMBERS.items():
            self.admit(name, role, (codes.Licence.EMPLOYER,) if name == "buyer" else ())

    def admit(self, name: str, roles: int, licences: Sequence[int] = ()) -> Receipt:
        """Admits the named account."""
        return self.act("Membership", "admit", account(name), self.admission(name, roles, licences), by="admin")

    def admission(self, name: str, roles: int, licences: Sequence[int] = ()) -> tuple[Any, ...]:
        """IMembership.Admission."""
        until = self.chain.now() + 10 * YEAR
        return (word("identity", name), codes.JURISDICTION_CN, int(roles), until, tuple(map(int, licences)))

    def set_policy(self, kind: int, to_list: int, to_order: int) -> None:
        """What GENERAL data of this kind needs; every mode is allowed."""
        policy = sales.Policy(to_list, to_order, codes.MODES_ALL).as_tuple()
        self.act("Market", "setPolicy", kind, int(codes.Grade.GENERAL), policy, by="admin")

    # -- assets and consents ----------------------------------------------------------------------------------------

    def asset_id(self, salt: bytes, registrant: str = "provider") -> int:
        """The asset that the account can register under a salt."""
        return assets.asset_id(CHAIN_ID, self["DataAssets"].address, account(registrant), salt)

    def registration(
        self, salt: bytes, kind: int = codes.AssetKind.PERSONAL, parents: Sequence[int] = ()
    ) -> tuple[Any, ...]:
        """IDataAssets.Registration."""
        return (salt, int(kind), int(codes.Grade.GENERAL), 3, word("source", salt), tuple(parents))

    def version(self, salt: bytes, records: int, number: int = 1) -> assets.Version:
        """A version of that many records."""
        return assets.Version(word("content", salt, number), records, word("descriptor", salt, number))

    def terms(self, **changes: Any) -> Terms:
        """What most people here consent to."""
        terms = Terms(
            controller=account("provider"),
            recipient=ZERO_ADDRESS,
            recipient_class=int(codes.Licence.EMPLOYER),
            purpose=int(codes.Purpose.RECRUITMENT),
            modes=int(codes.Mode.RAW | codes.Mode.CALL),
            cross_border=False,
            notice_hash=word("notice"),
            valid_from=self._start,
            valid_until=self._start + YEAR,
        )
        return replace(terms, **changes)

    @property
    def _start(self) -> int:
        return int(self.chain.node.request("eth_getBlockByNumber", ["0x0", False])["timestamp"], 16)

    def consent(self, person: str, asset_id: int, terms: Terms | None = None) -> Consent:
        """What the named person signs."""
        terms = terms or self.terms()
        return Consent(
            subject=account(person),
            asset_id=asset_id,
            controller=terms.controller,
            recipient=terms.recipient,
            recipient_class=terms.recipient_class,
            purpose=terms.purpose,
            modes=terms.modes,
            cross_border=terms.cross_border,
            notice_hash=terms.notice_hash,
            record_commit=word("record", person),
            valid_from=terms.valid_from,
            valid_until=terms.valid_until,
            statement=STATEMENT,
            salt=word("consent", person, asset_id),
        )

    def consent_id(self, consent: Consent) -> bytes:
        """The EIP-712 digest."""
        return consent_id(self.domain, consent)

    def signed(self, person: str, consent: Consent) -> bytes:
        """The person's signature."""
        return signer(person).sign_digest(self.consent_id(consent))

    def withdrawal(self, person: str, consent: Consent) -> bytes:
        """The person's signature of Withdrawal(consentId)."""
        return signer(person).sign_digest(withdrawal_digest(self.domain, self.consent_id(consent)))

    def receipt(self, collector: str, consent: Consent) -> bytes:
        """The collector's receipt for a consent."""
        digest = receipt_digest(self.domain, self.consent_id(consent), consent.asset_id, consent.subject)
        return signer(collector).sign_digest(digest)

    def crowd(self, asset_id: int, people: Sequence[str], terms: Terms | None = None) -> Crowd:
        """A batch of these people's consents, with its tree."""
        terms = terms or self.terms()
        consents = [self.consent(person, asset_id, terms) for person in people]
        return self.crowd_of(asset_id, consents, terms)

    def crowd_of(self, asset_id: int, consents: Sequence[Consent], terms: Terms) -> Crowd:
        """A batch of these consents under terms that need not be theirs."""
        tree = PositionalTree(consent_leaf(self.consent_id(each), each.subject) for each in consents)
        return Crowd(asset_id, tree.root, len(consents), terms, word("manifest", asset_id), consents, tree)

    def single(self, consent: Consent) -> Crowd:
        """The batch that a direct grant of this consent is."""
        return replace(self.crowd_of(consent.asset_id, [consent], consent.terms), manifest=ZERO32)

    def place(self, crowd: Crowd, index: int) -> tuple[Any, Any, Any]:
        """Batch, leaf and proof of one consent: what every act on a leaf brings along."""
        assert crowd.tree is not None
        each = crowd.consents[index]
        return crowd.stated, (index, self.consent_id(each), each.subject), crowd.tree.proof(index)

    def grant_batch(self, crowd: Crowd, salt: bytes) -> Receipt:
        """The provider anchors a batch."""
        words = (crowd.asset_id, salt, crowd.root, crowd.count, crowd.terms.as_tuple(), crowd.manifest)
        return self.act("Consents", "grantBatch", *words, by="provider")

    def attest(
        self, target: bytes, kind: codes.AttestationKind, by: str, outcome: int = codes.Outcome.POSITIVE
    ) -> Receipt:
        """A statement of the named member."""
        words = (target, int(kind), int(outcome), word("document", to_hex(target), int(kind)), self.chain.now() + YEAR)
        return self.act("Attestations", "attest", *words, by=by)

    def grant_audited(self, crowd: Crowd, salt: bytes) -> None:
        """Anchored, and audited."""
        self.grant_batch(crowd, salt)
        self.attest(crowd.id, codes.AttestationKind.CONSENT_AUDIT, "auditor")

    def register(self, salt: bytes, records: int, kind: int = codes.AssetKind.PERSONAL) -> int:
        """The provider's asset with a first version of that many records."""
        version = self.version(salt, records).as_tuple()
        self.act("DataAssets", "register", self.registration(salt, kind), version, by="provider")
        return self.asset_id(salt)

    def bind(self, asset_id: int, *crowds: Crowd, version: int = 1) -> Receipt:
        """Gives the version these batches as its basis."""
        rows = tuple(crowd.basis(account("auditor")) for crowd in sorted(crowds, key=lambda crowd: crowd.id))
        return self.act("Consents", "bind", asset_id, version, rows, by="provider")

    # -- sales ------------------------------------------------------------------------------------------------------

    def offer(self, asset_salt: bytes, records: int, **changes: Any) -> sales.Offer:
        """An offer of the first version of the asset under `asset_salt`."""
        asset_id = self.asset_id(asset_salt)
        offer = sales.Offer(
            provider=account("provider"),
            asset_id=asset_id,
            version=1,
            version_key=assets.version_key(asset_id, self.version(asset_salt, records)),
            mode=int(codes.Mode.RAW),
            purpose=int(codes.Purpose.RECRUITMENT),
            price=sales.Price(90_000, 5_000, 3_000, 2_001, b"CNY"),
            split=sales.Split(
                account("operator"), 500, 4_000, 5_000, (sales.Intermediary(account("broker"), 500),)
            ),
            terms_hash=word("terms"),
            policy_hash=word("policy"),
            quota=10,
            term=30 * 86_400,
            valid_until=self._start + YEAR,
            conditions=sales.Conditions(int(codes.Licence.EMPLOYER)),
            sandbox=sales.Sandbox(),
            salt=word("offer", asset_salt),
        )  # fmt: skip
        return replace(offer, **changes)

    def offer_id(self, offer: sales.Offer) -> bytes:
        """The hash that a buyer names."""
        return sales.offer_id(CHAIN_ID, self["Market"].address, offer)

    def sale_id(self, offer: sales.Offer, reference: bytes, buyer: str = "buyer") -> bytes:
        """The sale that an order with this reference is."""
        return sales.sale_id(self.offer_id(offer), account(buyer), reference)

    def attest_version(self, offer: sales.Offer) -> None:
        """The reviewer's three statements about the version."""
        for kind in VERSION_KINDS:
            self.attest(offer.version_key, kind, "reviewer")

    def list(self, offer: sales.Offer, attesters: int = 2) -> Receipt:
        """The provider lists."""
        return self.act("Market", "list", offer.as_tuple(), (account("reviewer"),) * attesters, by="provider")

    def order(self, offer: sales.Offer, reference: bytes, attesters: int = 3) -> Receipt:
        """The buyer orders."""
        return self.act("Market", "order", *self.order_words(offer, reference, attesters), by="buyer")

    def order_words(self, offer: sales.Offer, reference: bytes, attesters: int = 3) -> tuple[Any, ...]:
        """The arguments of an order."""
        return self.offer_id(offer), offer.as_tuple(), (account("reviewer"),) * attesters, reference


VERSION_KINDS: Final = (
    codes.AttestationKind.SOURCE_LEGALITY,
    codes.AttestationKind.IMPACT_ASSESSMENT,
    codes.AttestationKind.LEGAL_OPINION,
)
TO_LIST: Final = codes.bits_of(*VERSION_KINDS[:2])
TO_ORDER: Final = codes.bits_of(*VERSION_KINDS)


def typed_digest(name: str, version: str, contract: bytes, struct: bytes) -> bytes:
    """The EIP-712 digest of a struct's encoding (type hash first) under a domain of name, version, chain, contract."""
    domain = keccak256(
        keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
        + keccak256(name.encode())
        + keccak256(version.encode())
        + _word(CHAIN_ID)
        + bytes(12)
        + contract
    )
    return keccak256(b"\x19\x01" + domain + keccak256(struct))


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
