"""One story in which every function of the ledger that changes anything is called, on any chain, with one outcome.

`Story.tell()` is deterministic: keys follow from names, blocks are a second apart. It remembers the gas of each
function (of its last call, when journals and counters are no longer empty) and everything that was logged, so that the
same bytecode can be compared with itself under other rules, and with what it cost before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from deedbook.chain import artifacts
from deedbook.domain import assets, codes
from deedbook.domain.consents import Consent
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, keccak256, sha256, to_hex
from deedbook.domain.journal import JOURNAL_SLOT
from deedbook.domain.merkle import rfc9162_root
from deedbook.domain.sales import Offer
from tests.bench.chain import Chain, Receipt, signature_of
from tests.bench.exchange import TO_LIST, TO_ORDER, YEAR, Crowd, Exchange, account, signer, word
from tests.bench.logs import UniformLog

DAY: Final = 86_400
DOCUMENT: Final = word("a document")
STAYING: Final = 3
UNREACHABLE: Final = {
    "AccessManager.consumeScheduledOp": "only a managed contract calls it, in the middle of an act that was scheduled",
}
"""Functions that no transaction reaches, and why."""


def changing_functions() -> Iterator[tuple[str, str]]:
    """Contract and name (or signature, where overloaded) of every function that can change something."""
    for contract in artifacts.NAMES:
        found = [item for item in artifacts.load(contract)["abi"] if item["type"] == "function"]
        names = [item["name"] for item in found]
        for item in found:
            if item["stateMutability"] in ("nonpayable", "payable"):
                yield contract, item["name"] if names.count(item["name"]) == 1 else signature_of(item)


class Story(Exchange):
    """An exchange that remembers what its acts cost (`gas`, by contract and function) and logged (`logged`)."""

    def __init__(self, chain: Chain, load: Callable[[str], Mapping[str, Any]] = artifacts.load) -> None:
        self.gas: dict[str, dict[str, int]] = {name: {} for name in artifacts.NAMES}
        self.logged: list[tuple[str, ...]] = []
        super().__init__(chain, load)

    def act(self, contract: str, function: str, *arguments: Any, by: str) -> Receipt:
        """A transaction of the named account, remembered."""
        return self._remember(contract, function, super().act(contract, function, *arguments, by=by))

    def _remember(self, contract: str, function: str, receipt: Receipt) -> Receipt:
        self.gas[contract][function] = int(receipt["gasUsed"], 16)
        for log in receipt["logs"]:
            self.logged.append((log["address"], *log["topics"], log["data"], log["blockNumber"]))
        return receipt

    def outcome(self) -> dict[str, str]:
        """What must be the same under all rules: the digest of all logs, and the journal head of each contract."""
        text = "\n".join(" ".join(log) for log in self.logged)
        heads = {name: self._slot(name) for name in artifacts.NAMES}
        return {"logs": to_hex(sha256(text.encode())), **heads}

    def _slot(self, name: str) -> str:
        place = [to_hex(self[name].address), hex(JOURNAL_SLOT), "latest"]
        return str(self.chain.node.request("eth_getStorageAt", place))

    def tell(self) -> Story:
        """The whole of it, in order. Raises RefusedError at the first act that does not go well."""
        self._members()
        self._assets()
        self._consents()
        self._sales()
        self._usage()
        self._checkpoints()
        self._relaying()
        self._cases()
        self._governance()
        return self

    # -- members, cases, statements ---------------------------------------------------------------------------------

    def _members(self) -> None:
        self.admit_all()
        self.admit("other provider", codes.Role.PROVIDER)
        self.admit("clerk", codes.Role.REGULATOR)
        for guest in ("guest", "other guest"):
            self.admit(guest, codes.Role.BUYER, (codes.Licence.EMPLOYER, codes.Licence.BANK))
        for name in ("provider", "buyer"):
            self.act("Membership", "registerEncryptionKey", 32, word("encryption key", name), by=name)
        for _ in range(2):
            self.act("Membership", "suspend", account("guest"), 1, by="admin")
            self.act("Membership", "reinstate", account("guest"), by="admin")
        changed = self.admission("guest", codes.Role.BUYER, (codes.Licence.BANK,))
        self.act("Membership", "change", account("guest"), changed, by="admin")
        self.act("Membership", "expel", account("guest"), 2, by="admin")
        for name in ("first", "second"):
            self._state(word("stated", name))

    def _state(self, target: bytes) -> None:
        kind = codes.AttestationKind.LEGAL_OPINION
        self.attest(target, kind, "reviewer")
        until = self.chain.now() + YEAR
        words = (target, int(kind), int(codes.Outcome.NEGATIVE), DOCUMENT, until)
        self.act("Attestations", "correct", *words, by="reviewer")
        self.act("Attestations", "withdraw", target, int(kind), DOCUMENT, by="reviewer")

    def _cases(self) -> None:
        for name in ("first", "second"):
            target = word("target", name)
            self.act("Cases", "open", target, int(codes.CaseKind.OBJECTION), DOCUMENT, by="buyer")
            case = self._case_id(target)
            self.act("Cases", "decide", case, int(codes.Outcome.NEGATIVE), DOCUMENT, by="arbiter")
            self.act("Cases", "hold", target, DOCUMENT, by="arbiter")
            self.act("Cases", "release", target, DOCUMENT, by="arbiter")
            self.act("Cases", "hold", target, DOCUMENT, by="clerk")
        self.act("Membership", "suspend", account("clerk"), 1, by="admin")
        for name in ("first", "second"):
            self.act("Cases", "releaseFor", word("target", name), account("clerk"), DOCUMENT, by="regulator")

    def _case_id(self, target: bytes) -> bytes:
        kind = int(codes.CaseKind.OBJECTION).to_bytes(32, "big")
        return keccak256(target + kind + bytes(12) + account("buyer") + DOCUMENT)

    # -- assets -----------------------------------------------------------------------------------------------------

    def _assets(self) -> None:
        for name in ("first", "second"):
            self._life_of(word("asset", name))
        self._deidentified()

    def _life_of(self, salt: bytes) -> None:
        """Registered, changed, licensed, handed around, cancelled."""
        provider, other = account("provider"), account("other provider")
        asset = self.register(salt, 10, codes.AssetKind.ENTERPRISE)
        self.act("DataAssets", "publish", asset, self.version(salt, 11, 2).as_tuple(), by="provider")
        self.act("DataAssets", "change", asset, 2, word("another source"), DOCUMENT, by="provider")
        scope = (codes.MODES_ALL, 1 << codes.Purpose.CREDIT, self.chain.now() + YEAR)
        self.act("DataAssets", "grantRight", asset, other, int(codes.Right.OPERATE), scope, DOCUMENT, by="provider")
        self.act("DataAssets", "endRight", asset, other, int(codes.Right.OPERATE), DOCUMENT, by="provider")
        self.act("DataAssets", "approve", other, asset, by="provider")
        self.act("DataAssets", "setApprovalForAll", other, True, by="provider")
        self.act("DataAssets", "transferFrom", provider, other, asset, by="provider")
        plain, with_data = (f"safeTransferFrom(address,address,uint256{more})" for more in ("", ",bytes"))
        self.act("DataAssets", plain, other, provider, asset, by="other provider")
        self.act("DataAssets", with_data, provider, other, asset, b"words", by="provider")
        self.act("DataAssets", "cancel", asset, DOCUMENT, by="other provider")

    def _deidentified(self) -> None:
        """GENERAL data derived from IMPORTANT data."""
        salt, derived = word("important"), word("derived")
        registration = (*self.registration(salt)[:2], int(codes.Grade.IMPORTANT), 0, *self.registration(salt)[4:])
        self.act("DataAssets", "register", registration, self.version(salt, 10).as_tuple(), by="provider")
        asset, reviewer = self.asset_id(derived), account("reviewer")
        versions = [self.version(derived, 10, number) for number in (1, 2)]
        for version in versions:
            key = assets.version_key(asset, version)
            self.attest(key, codes.AttestationKind.DEIDENTIFICATION, "reviewer")
        registration = self.registration(derived, codes.AssetKind.DERIVED, [self.asset_id(salt)])
        self.act("DataAssets", "registerDeidentified", registration, versions[0].as_tuple(), reviewer, by="provider")
        self.act("DataAssets", "publishDeidentified", asset, versions[1].as_tuple(), reviewer, by="provider")

    # -- consents ---------------------------------------------------------------------------------------------------

    def _consents(self) -> None:
        for salt in (word("people, first"), word("people")):
            self._life_of_consents(salt)

    def _life_of_consents(self, salt: bytes) -> None:
        """Granted, bound, and ended in every way; `STAYING` people stay."""
        asset = self.asset_id(salt)
        low, high, single = self._basis(asset, salt)
        self.register(salt, low.count + high.count + 1)
        self._bind(asset, low, high, single)
        self.act("Consents", "withdraw", *self.place(low, 1), by="person 1")
        withdrawal = self.withdrawal("person 2", low.consents[2])
        self.act("Consents", "withdrawFor", *self.place(low, 2), withdrawal, by="relayer")
        self.act("Consents", "carryWithdrawal", *self.place(low, 1), *self.place(high, 1), by="relayer")
        self.act("Consents", "strike", *self.place(low, 0), *self.place(low, 6), by="relayer")
        stated, leaf, proof = self.place(low, 3)
        self.act("Consents", "release", stated, *self._terms_of(low), leaf, proof, by="provider")
        stated, _, proof = self.place(high, 0)
        narrow = (*self._terms_of(high), 0, high.consents[0].as_tuple(), proof)
        self.act("Consents", "challenge", stated, *narrow, by="relayer")
        self._by_receipt("person 4", low.consents[4], low)
        self.act("Consents", "applyMark", *self.place(low, 4), by="relayer")
        elsewhere = self.consent("person elsewhere", asset)
        self._by_receipt("person elsewhere", elsewhere, low)
        words = (self.consent_id(elsewhere), asset, elsewhere.subject)
        self.act("Consents", "dismissMark", *words, by="auditor")

    def _basis(self, asset: int, salt: bytes) -> tuple[Crowd, Crowd, Crowd]:
        """Six people of whom the first stands there twice; one who grants less than stated, and one of the six again;
        and one whose signature is checked on chain."""
        people = [self.consent(f"person {number}", asset) for number in range(6)]
        narrow = self.consent("person 7", asset, self.terms(modes=int(codes.Mode.RAW)))
        crowds = (
            self.crowd_of(asset, [*people, people[0]], self.terms()),
            self.crowd_of(asset, [narrow, people[1]], self.terms()),
        )
        for crowd in crowds:
            self.grant_audited(crowd, salt)
        alone = self.consent("person 8", asset)
        self.act("Consents", "grant", alone.as_tuple(), salt, self.signed("person 8", alone), by="provider")
        return (*crowds, self.single(alone))

    def _bind(self, asset: int, *crowds: Crowd) -> None:
        rows = [
            crowd.basis(account("auditor") if crowd.manifest != ZERO32 else ZERO_ADDRESS) for crowd in _ordered(crowds)
        ]
        self.act("Consents", "bind", asset, 1, tuple(rows[:1]), by="provider")
        self.act("Consents", "bind", asset, 1, tuple(rows[1:]), by="provider")

    def _by_receipt(self, person: str, consent: Consent, crowd: Crowd) -> None:
        words = (
            self.consent_id(consent), consent.subject, crowd.stated, *self._terms_of(crowd),
            self.receipt("provider", consent), self.withdrawal(person, consent),
        )  # fmt: skip
        self.act("Consents", "withdrawByReceipt", *words, by="relayer")

    @staticmethod
    def _terms_of(crowd: Crowd) -> tuple[Any, bytes]:
        return crowd.terms.as_tuple(), crowd.manifest

    # -- sales ------------------------------------------------------------------------------------------------------

    def _sales(self) -> None:
        for _ in range(2):
            self.set_policy(codes.AssetKind.PERSONAL, TO_LIST, TO_ORDER)
        offer = self.offer(word("people"), 10)
        self.attest_version(offer)
        self.list(replace(offer, salt=word("an offer that closes")))
        self.list(offer)
        self.act("Market", "close", replace(offer, salt=word("an offer that closes")).as_tuple(), by="provider")
        for number in range(2):
            self._accepted(offer, word("accepted", number))
            self._disputed(offer, word("disputed", number))
            self._ended(offer, word("ended", number))

    def _accepted(self, offer: Offer, reference: bytes) -> None:
        named = self._delivered(offer, reference)
        self.act("Market", "accept", named[0], by="buyer")
        self._settled(named, offer)

    def _disputed(self, offer: Offer, reference: bytes) -> None:
        named = self._delivered(offer, reference)
        self.act("Market", "dispute", named[0], DOCUMENT, by="buyer")
        self.act("Market", "decideDispute", *named, int(codes.Outcome.NEGATIVE), DOCUMENT, by="arbiter")
        self._settled(named, offer)

    def _ended(self, offer: Offer, reference: bytes) -> None:
        """One order cancelled, one sale given back."""
        named = self._ordered(offer, word(to_hex(reference), "cancelled"))
        self.act("Market", "cancel", *named, by="buyer")
        named = self._paid(offer, word(to_hex(reference), "refunded"))
        self.act("Market", "refund", *named, by="provider")
        self.act("Revenue", "confirmRefund", *named, offer.price.total, word("refund", to_hex(reference)), by="settler")

    def _ordered(self, offer: Offer, reference: bytes) -> tuple[Any, ...]:
        """What later acts say of a sale: its id, the offer, the reference."""
        self.order(offer, reference)
        return self.sale_id(offer, reference), offer.as_tuple(), reference

    def _paid(self, offer: Offer, reference: bytes) -> tuple[Any, ...]:
        named = self._ordered(offer, reference)
        words = (offer.price.total, offer.price.currency, word("payment", to_hex(reference)))
        self.act("Market", "confirmPayment", *named, *words, by="settler")
        return named

    def _delivered(self, offer: Offer, reference: bytes) -> tuple[Any, ...]:
        named = self._paid(offer, reference)
        self.act("Market", "prepare", *named, by="provider")
        self.act("Market", "deliver", *named, word("envelope"), word("cover"), STAYING, by="provider")
        return named

    def _settled(self, named: tuple[Any, ...], offer: Offer) -> None:
        """Booked; the first of the people put off and paid later, whose money came back; something given back."""
        self.act("Revenue", "settle", *named, by="relayer")
        each = self.read("Revenue", "entry", named[0])[2]
        first = rfc9162_root([(0).to_bytes(8, "big")])
        sale = to_hex(named[0])
        most = (0, 0, STAYING, 1, first, (STAYING - 1) * each, word("first payout", sale))
        self.act("Revenue", "confirmPayout", *named, most, by="settler")
        self.act(
            "Revenue", "confirmPayout", *named, (1, 0, 1, 0, ZERO32, each, word("later payout", sale)), by="settler"
        )
        self.act("Revenue", "confirmBounce", *named, (1, 1, first, each, word("bounce", sale)), by="settler")
        self.act("Revenue", "confirmRefund", *named, offer.price.total // 2, word("refund", sale), by="settler")

    # -- usage, checkpoints, relayed acts ---------------------------------------------------------------------------

    def _usage(self) -> None:
        changes = {"mode": int(codes.Mode.CALL), "quota": 0, "salt": word("an offer of calls")}
        offer = self.offer(word("people"), 10, **changes)
        self.list(offer)
        named = self._delivered(offer, word("called"))
        begun = self.chain.now()
        self.chain.pass_time(2 * DAY)
        for day in range(2):
            period = (named[0], begun + day * DAY, begun + (day + 1) * DAY, 1_000, word("receipts", day))
            digest = self.read("Usage", "reportDigest", period)
            words = (period, offer.as_tuple(), named[2], account("gateway"), b"", signer("gateway").sign_digest(digest))
            self.act("Usage", "report", *words, by="provider")

    def _checkpoints(self) -> None:
        log = UniformLog(word("entry"))
        self.act("AnchorLog", "anchor", 1_000, log.root(1_000), (), by="operator")
        for former, size in ((1_000, 1_500), (1_500, 3_001)):
            self.act("AnchorLog", "anchor", size, log.root(size), log.consistency(former, size), by="operator")

    def _relaying(self) -> None:
        for number in range(2):
            words = (word("relayed", number), int(codes.CaseKind.LEAK), DOCUMENT)
            request = self.request("Cases", "open", *words, by="buyer")
            self.act("Forwarder", "execute", request, by="relayer")
        requests = [
            self.request(
                "Cases", "open", word("relayed", n), int(codes.CaseKind.LEAK), DOCUMENT, by="buyer", ahead=n - 2
            )
            for n in (2, 3)
        ]
        self.act("Forwarder", "executeBatch", tuple(requests), ZERO_ADDRESS, by="relayer")

    # -- governance -------------------------------------------------------------------------------------------------

    def _governance(self) -> None:
        membership, manager, clerk = self["Membership"].address, self["AccessManager"].address, account("office")
        suspend = self["Membership"].encode("suspend", account("other guest"), 1)
        for act, *words in (
            ("labelRole", 7, "clerks"),
            ("setRoleAdmin", 7, 8),
            ("setRoleGuardian", 7, 9),
            ("grantRole", 8, self.admin, 0),
            ("grantRole", 7, account("nobody"), 0),
            ("grantRole", 7, clerk, 3_600),
            ("setGrantDelay", 7, 3_600),
            ("setTargetFunctionRole", membership, (suspend[:4],), 7),
            ("setTargetAdminDelay", account("a target"), 3_600),
            ("setTargetClosed", account("a target"), True),
            ("revokeRole", 7, account("nobody")),
            ("updateAuthority", membership, manager),
            ("multicall", (self["AccessManager"].encode("labelRole", 9, "guardians"),)),
        ):
            self.act("AccessManager", act, *words, by="admin")
        for act in ("cancel", "execute"):
            self.act("AccessManager", "schedule", membership, suspend, 0, by="office")
            self.chain.pass_time(3_600)
            whose = (clerk,) if act == "cancel" else ()
            self.act("AccessManager", act, *whose, membership, suspend, by="office")
        self.act("AccessManager", "renounceRole", 7, clerk, by="office")
        for name in ("Membership", "Market"):
            receipt = self.chain.send(self[name], "setAuthority", manager, sender=manager)
            self._remember(name, "setAuthority", receipt)
        self.act("Membership", "close", DOCUMENT, by="admin")


def _ordered(crowds: tuple[Crowd, ...]) -> list[Crowd]:
    return sorted(crowds, key=lambda crowd: crowd.id)
