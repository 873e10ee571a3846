"""Guiyang's sale over HTTP alone. The exchange's home holds its own keys and those of the members that it hosts; the
auditor, the employer and all people sign what a draft asks for in wallets of their own, as `eth_signTypedData_v4` does.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import Services
from deedbook.chain.transactions import Signer
from deedbook.domain.hashing import canonical_json, checksum_address, from_hex, to_hex
from deedbook.domain.keytree import decode_cover
from deedbook.domain.notices import load_notice
from deedbook.domain.sales import Conditions, Offer, Price, Sandbox, Split
from deedbook.vault.deliveries import DeliveredRecord, Sold, open_delivered
from deedbook.vault.envelopes import Context, EncryptionKeyPair
from deedbook.wallet.signers import LocalSigner
from tests.e2e.http_service import Answer, Client, running

DAY = 86_400
PRICE = 49_999_999
FIELDS = (("name", "text"), ("education", "integer"), ("parttime", "boolean"))
PARTS: Mapping[str, Mapping[str, Any]] = {
    "exchange": {"roles": ["operator", "relayer"]},
    "merchant": {"roles": ["provider"]},
    "partner": {"roles": ["provider"]},
    "law-firm": {"roles": ["reviewer"], "licences": ["law-firm"]},
    "auditor": {"roles": ["auditor"]},
    "bank": {"roles": ["settler"]},
    "arbiter": {"roles": ["arbiter"]},
    "gateway": {"roles": ["gateway"]},
    "employer": {"roles": ["buyer"], "licences": ["employer"]},
}
HOSTED = ("governance", "exchange", "merchant", "partner", "law-firm", "bank", "arbiter", "gateway")
"""Whose keys the exchange's home holds."""


@dataclass(frozen=True)
class Person:
    """Somebody with a wallet and a record."""

    wallet: LocalSigner
    record: Mapping[str, Any]
    salt: str = field(default_factory=lambda: to_hex(secrets.token_bytes(32)))


class Recording(Client):
    """Remembers what was answered, and which paths were posted to with success."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.posted: set[str] = set()
        self.answers: dict[str, Answer] = {}

    def get(self, path: str, **headers: str) -> Answer:
        """GET, remembered."""
        answer = self.answers[f"get {path}"] = super().get(path, **headers)
        return answer

    def post(self, path: str, body: object, *, media_type: str = "application/json", key: str | None = None) -> Answer:
        """POST, remembered."""
        answer = super().post(path, body, media_type=media_type, key=key)
        self.answers[f"post {path}"] = answer
        if answer.status < 300:
            self.posted.add(path.partition("?")[0])
        return answer


class Story:
    """One exchange, its members and people. Attributes tell what happened as the story went on."""

    hosted: Sequence[str] = HOSTED

    def __init__(self, path: Path, people: int) -> None:
        self._open = ExitStack()
        self.services = self._open.enter_context(Services.init(config.load(path, {})))
        for name in self.hosted:
            self.host(name)
        self.desk = self._open.enter_context(Desk(self.services))
        self.http = Recording(self._open.enter_context(running(self.desk)).url)
        self.wallets = {name: LocalSigner.generate(secrets.token_bytes) for name in PARTS if name not in self.hosted}
        self.people = [
            Person(
                LocalSigner.generate(secrets.token_bytes),
                {"name": f"person {each}", "education": 9 + each, "parttime": each % 2 == 0},
            )
            for each in range(people)
        ]
        self.key = EncryptionKeyPair.generate(secrets.token_bytes)
        self.until = int(time.time()) + 90 * DAY
        self.consents: list[str] = []

    def host(self, name: str) -> None:
        """Gives the exchange's home the key of a part."""
        self.services.create_account(name)

    def close(self) -> None:
        """Ends the service and closes the home."""
        self._open.close()

    # -- who acts --------------------------------------------------------------------------------------------------

    def address(self, name: str) -> str:
        """The account of a part."""
        return checksum_address(self.signer(name).address)

    def signer(self, name: str) -> Signer:
        """The wallet of a part; of one that is hosted, as the exchange has it."""
        return self.wallets.get(name) or self.services.signer(name)

    def get(self, path: str) -> Any:
        """What a route answers, in JSON."""
        answer = self.http.get(path)
        assert answer.status == 200, answer.content
        return answer.json()

    def ask(self, path: str, body: object) -> Any:
        """What something that needs no transaction answers."""
        answer = self.http.post(path, body, key=secrets.token_hex(8))
        assert answer.status in (200, 201), (path, answer.content)
        return answer.json()

    def document(self, kind: str, value: object) -> str:
        """Makes a document public; its hash."""
        answer = self.http.post(f"/documents?kind={kind}", canonical_json(value))
        assert answer.status == 201, answer.content
        found: str = answer.json()["hash"]
        return found

    def act(self, name: str, path: str, **said: Any) -> Any:
        """An act by an account of the exchange's home, or drafted, signed in its own wallet and relayed. What is known
        of it: the operation's `about`, or the draft's."""
        answer = self.tried(name, path, **said)
        assert answer.status in (200, 201), (path, answer.content)
        if name in self.hosted:
            return answer.json().get("about", answer.json())
        draft = answer.json()
        sent = self.http.post(f"{draft['send']['path']}?wait=final", signed(draft, self.wallets[name]))
        assert sent.status == 201, (path, sent.content)
        assert (sent.json()["state"], sent.json()["operation"]) == ("final", draft["digest"])
        assert sent.json()["about"]["act"] == draft["act"]
        return draft["about"]

    def tried(self, name: str, path: str, **said: Any) -> Answer:
        """The answer to an act, or to its draft."""
        body = {"as": self.address(name), **{word.rstrip("_"): value for word, value in said.items()}}
        if name in self.hosted:
            return self.http.post(f"{path}?wait=final", body, key=secrets.token_hex(8))
        return self.http.post(f"/drafts{path}", body)

    # -- the story -------------------------------------------------------------------------------------------------

    def tell(self) -> None:
        """All of it, in order."""
        self.admit()
        self.agree()
        self.anchor()
        self.register()
        self.offer()
        self.refused = self.tried("employer", "/sales", offer=self.offer_id)
        self.attest("legal-opinion", self.version_key)
        self.sale = self.sell()
        self.read = self.opened(self.sale)
        self.pay()
        self.withdraw()
        self.second = self.sell(settled=False)
        self.read_later = self.opened(self.second)

    def admit(self) -> None:
        """Members, the buyer's encryption key, the policy."""
        for name, rights in PARTS.items():
            identity = self.ask("/commitments/identities", {"identity": {"name": name}})["identity"]
            said = {"account": self.address(name), "identity": identity, "validUntil": self.until, **rights}
            self.act("governance", "/members", **said)
        self.register_key()
        self.act(
            "governance",
            "/policies",
            kind="personal",
            modes=["raw", "call"],
            toList=["source-legality", "impact-assessment"],
            toOrder=["legal-opinion"],
        )

    def register_key(self) -> None:
        """On chain by its hash, then with the exchange."""
        public = {"suite": int(self.key.suite), "publicKey": to_hex(self.key.public.raw)}
        self.act("employer", "/members/encryption-keys", **public)
        self.ask(f"/members/{self.address('employer')}/public-key", public)

    def agree(self) -> None:
        """Everybody reads the sentence and signs it."""
        self.publish_notice()
        first, *others = [self.consent_of(each) for each in self.people]
        self.receipt = self.ask("/consents", first)
        lines = b"\n".join(json.dumps(each).encode() for each in others)
        answer = self.http.post(f"/assets/{self.asset}/consents", lines, media_type="application/x-ndjson")
        assert answer.status == 201, answer.content
        self.receipts = [self.receipt, *map(json.loads, answer.content.splitlines())]

    def publish_notice(self) -> None:
        """What everybody is told, and of which asset that is not there yet."""
        notice = load_notice("en", controller="the merchant", contact="privacy@merchant.example", asset_title="resumes")
        self.notice = self.document("notice", notice.to_json())
        self.name_asset()

    def name_asset(self) -> None:
        """Which asset it will be."""
        future = self.ask("/commitments/asset-ids", {"registrant": self.address("merchant")})
        self.asset, self.salt = future["assetId"], future["salt"]

    def consent_of(self, person: Person) -> dict[str, Any]:
        """A person's signed consent, as it is sent."""
        draft = self.ask(
            "/drafts/consents",
            {
                "subject": checksum_address(person.wallet.address),
                "assetId": self.asset,
                "controller": self.address("merchant"),
                "notice": self.notice,
                "purpose": "recruitment",
                "modes": ["raw", "call"],
                "class": "employer",
                "record": person.record,
                "recordSalt": person.salt,
            },
        )
        assert draft["statement"] == draft["typedData"]["message"]["statement"]
        self.consents.append(draft["consentId"])
        return signed(draft, person.wallet)

    def anchor(self, people: int | None = None) -> None:
        """One transaction for everybody, or for so many; the auditor checks each of them."""
        self.grant()
        checked = self.get(f"/batches/{self.batch}/check")
        assert (checked["report"]["signatures"], checked["anchored"]) == (people or len(self.people), True)
        self.attest("consent-audit", self.batch, by="auditor", report=checked["report"])

    def grant(self) -> None:
        """All that wait, as one batch."""
        made = self.http.post(f"/assets/{self.asset}/batches?wait=final", {"salt": self.salt})
        assert made.status == 201, made.content
        self.batch = made.json()["about"]["batchId"]

    def attest(self, kind: str, target: str, by: str = "law-firm", **report: Any) -> str:
        """One statement, its report public."""
        document = self.document("report", {"format": "deedbook.report", "version": 1, "kind": kind, **report})
        self.act(by, "/attestations", target=target, kind=kind, document=document, validUntil=self.until)
        return document

    def register(self) -> None:
        """Sealed, registered, published, bound."""
        self.seal()
        source = self.document("source", {"statement": "collected from the people themselves"})
        made = self.act("merchant", "/assets", salt=self.salt, kind="personal", level=3, source=source)
        assert made["assetId"] == self.asset
        version = {"payload": self.sealed["payloadId"], "descriptor": self.sealed["descriptorHash"]}
        assert self.act("merchant", f"/assets/{self.asset}/versions", **version)["versionKey"] == self.version_key
        self.act("merchant", f"/assets/{self.asset}/bindings", version=1, auditor=self.address("auditor"))

    def seal(self) -> None:
        """Every record under a key of its own."""
        records = [{"salt": each.salt, "record": each.record} for each in self.people]
        self.sealed = self.ask(f"/assets/{self.asset}/payloads", {"descriptor": descriptor(FIELDS), "records": records})
        self.version_key = self.sealed["versionKey"]

    def offer(self, mode: int = 32, quota: int = 0) -> str:
        """Source and impact attested; listed."""
        if mode == 32:
            for kind in ("source-legality", "impact-assessment"):
                self.attest(kind, self.version_key)
        document = Offer(
            provider=from_hex(self.address("merchant").lower(), "provider", 20),
            asset_id=int(self.asset),
            version=1,
            version_key=from_hex(self.version_key, "versionKey", 32),
            mode=mode,
            purpose=1,
            price=Price(PRICE, 0, 0, 0, b"CNY"),
            split=Split(from_hex(self.address("exchange").lower(), "exchange", 20), 500, 5500, 4000),
            terms_hash=from_hex(self.document("terms", {"text": "recruitment only"}), "terms", 32),
            policy_hash=from_hex(self.document("policy", {"@type": "Offer"}), "policy", 32),
            quota=quota,
            term=180 * DAY,
            valid_until=self.until,
            conditions=Conditions(256, (156,)),
            sandbox=Sandbox(),
            salt=secrets.token_bytes(32),
        )
        offer: str = self.act("merchant", "/offers", offer=document.to_json())["offerId"]
        if mode == 32:
            self.offer_id = offer
        return offer

    def sell(self, offer: str = "", *, settled: bool = True, delivered: bool = True) -> str:
        """Ordered, paid, delivered; accepted and settled."""
        sale: str = self.act("employer", "/sales", offer=offer or self.offer_id)["saleId"]
        self.act("bank", f"/sales/{sale}/payment", receipt=self.document("receipt", {"paid": sale}))
        if delivered:
            self.act("merchant", f"/sales/{sale}/preparation")
            self.act("merchant", f"/sales/{sale}/delivery")
        if delivered and settled:
            self.act("employer", f"/sales/{sale}/acceptance")
            self.act("exchange", f"/sales/{sale}/settlement")
        return sale

    def opened(self, sale: str) -> tuple[DeliveredRecord, ...]:
        """What the buyer reads, by what the service hands out and the key that it never saw."""
        told = self.get(f"/sales/{sale}/delivery")
        lines = [json.loads(line) for line in self.http.get(f"/sales/{sale}/records").content.splitlines()]
        market, key = from_hex(told["market"].lower(), "market", 20), from_hex(told["versionKey"], "versionKey", 32)
        return open_delivered(
            from_hex(told["envelope"], "envelope"),
            self.key,
            Context(int(told["chainId"]), market, from_hex(sale, "sale", 32), key),
            sold_of(told, lines),
            units={line["index"]: from_hex(line["unit"], "unit") for line in lines if line["unit"]},
            unit_hashes=[from_hex(line["hash"], "hash", 32) for line in lines],
            erased={line["index"] for line in lines if line["erased"]},
        )

    def pay(self) -> None:
        """One person names a payee; the bank pays that one by a batch, the others by their places."""
        person, consent = self.people[0], self.consents[0]
        of = {"consent": consent, "subject": checksum_address(person.wallet.address)}
        named = {"kind": "bank-account", "institution": "a bank", "account": "622200001234", "holder": "person 0"}
        self.named = self.ask("/payees", signed(self.ask("/drafts/payees", {**of, **named}), person.wallet))
        asked = self.ask("/drafts/payee-requests", of)
        self.kept = self.ask("/payees/kept", signed(asked, person.wallet))
        self.bank_batch = self.ask(f"/sales/{self.sale}/bank-batches", {"most": len(self.people)})
        file = self.http.get(f"/sales/{self.sale}/bank-batches/{self.bank_batch['batch']}.csv")
        self.bank_file = file.content
        receipt = self.document("receipt", {"batch": self.bank_batch["total"]})
        said = {"batch": self.bank_batch["batch"], "receipt": receipt}
        self.act("bank", f"/sales/{self.sale}/bank-batch-payouts", **said)
        self.repeated = self.tried("bank", f"/sales/{self.sale}/bank-batch-payouts", **said)

    def withdraw(self) -> None:
        """The last one changes their mind."""
        person, self.left = self.people[-1], self.consents[-1]
        of = {"consent": self.left, "subject": checksum_address(person.wallet.address)}
        draft = self.ask("/drafts/withdrawals", of)
        ended = self.http.post("/withdrawals?wait=final", signed(draft, person.wallet))
        assert ended.status == 201, ended.content
        left = sorted(self.opened(self.sale), key=lambda each: each.record["education"])
        self.left_over = [each.record for each in left]

    # -- what else members do --------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Every other act, each of them accepted by its contract."""
        self.why = self.document("document", {"why": "it is so"})
        self.quarrel()
        self.use()
        self.pay_the_others()
        self.change_members()
        self.hand_over()
        self.judge()
        self.correct()
        self.end_consents()
        self.end()

    def quarrel(self) -> None:
        """Disputed and decided; cancelled; given back."""
        self.act("employer", f"/sales/{self.second}/dispute", document=self.why)
        self.act("arbiter", f"/sales/{self.second}/decision", outcome="negative", document=self.why)
        unpaid = self.act("employer", "/sales", offer=self.offer_id)["saleId"]
        self.act("employer", f"/sales/{unpaid}/cancellation")
        self.returned = self.sell(delivered=False)
        self.act("merchant", f"/sales/{self.returned}/refund")
        back = {"amount": str(PRICE), "receipt": self.document("receipt", {"back": self.returned})}
        self.act("bank", f"/sales/{self.returned}/buyer-refunds", **back)

    def use(self) -> None:
        """Sold for calls: the gateway keeps the records, and both state what was asked of them."""
        public = {"suite": int(self.key.suite), "publicKey": to_hex(self.key.public.raw)}
        self.act("gateway", "/members/encryption-keys", **public)
        self.ask(f"/members/{self.address('gateway')}/public-key", public)
        sale = self.called = self.sell(self.offer(mode=2, quota=100), delivered=False)
        self.act("merchant", f"/sales/{sale}/preparation")
        self.act("merchant", f"/sales/{sale}/delivery", to=self.address("gateway"))
        begin = next(each["at"] for each in self.get(f"/sales/{sale}")["steps"] if each["event"] == "SaleDelivered")
        receipts = [
            {
                "format": "deedbook.usage-receipt",
                "version": 1,
                "saleId": sale,
                "gateway": self.address("gateway").lower(),
                "number": number,
                "at": begin,
                "units": 2,
                "requestHash": "0x" + "11" * 32,
                "answerHash": "0x" + "22" * 32,
            }
            for number in (1, 2)
        ]
        period = {"sale": sale, "signer": self.address("gateway"), "from": begin, "to": begin + 1}
        draft = self.ask("/drafts/usage-reports", {**period, "receipts": receipts})
        report = signed(draft, self.signer("gateway"))
        while int(time.time()) <= begin:  # a period is reported when it is over
            time.sleep(0.01)
        self.act("merchant", f"/sales/{sale}/usage", signed=[report])

    def pay_the_others(self) -> None:
        """By their places; one payment comes back."""
        paths = f"/sales/{self.sale}/payouts", f"/sales/{self.sale}/bounces"
        self.act("bank", paths[0], list=1, receipt=self.document("receipt", {"others": True}))
        self.act("bank", paths[1], list=1, places=[0], receipt=self.document("receipt", {"bounced": True}))

    def change_members(self) -> None:
        """A guest comes, changes, and goes."""
        self.wallets["guest"] = LocalSigner.generate(secrets.token_bytes)
        guest = self.address("guest")
        identity = self.ask("/commitments/identities", {"identity": {"name": "guest"}, "salt": self.salt})["identity"]
        said = {"account": guest, "identity": identity, "validUntil": self.until, "roles": ["buyer"]}
        self.act("governance", "/members", **said)
        self.act("governance", f"/members/{guest}/changes", roles=["buyer", "gateway"], licences=["bank"])
        self.act("governance", f"/members/{guest}/suspension", reason=7)
        self.act("governance", f"/members/{guest}/reinstatement")
        self.act("governance", f"/members/{guest}/expulsion", reason=8)

    def hand_over(self) -> None:
        """Another asset: changed, licensed, handed over, cancelled by its new holder."""
        made = self.act("merchant", "/assets", kind="enterprise", source=self.why)
        asset = self.other = f"/assets/{made['assetId']}"
        self.act("merchant", f"{asset}/changes", level=2, source=self.why, document=self.why)
        grant = {"account": self.address("partner"), "document": self.why}
        self.act("merchant", f"{asset}/rights", right="operate", validUntil=self.until, modes=["call"], **grant)
        self.rights = self.get(f"{asset}/rights")["items"]
        self.act("partner", f"{asset}/rights/end", right="operate", **grant)
        self.act("merchant", f"{asset}/transfer", to=self.address("partner"))
        self.act("partner", f"{asset}/cancellation", document=self.why)

    def judge(self) -> None:
        """A case about a member, and holds."""
        target = f"member:{self.address('merchant')}"
        self.case = self.act("law-firm", "/cases", target=target, kind="breach", document=self.why)["caseId"]
        self.act("arbiter", f"/cases/{self.case}/decision", outcome="negative", document=self.why)
        held = {"target": f"asset:{self.asset}", "document": self.why}
        self.act("arbiter", "/holds", **held)
        self.held = self.tried("employer", "/sales", offer=self.offer_id)
        self.act("arbiter", "/holds/release", **held)

    def correct(self) -> None:
        """A statement replaced, and withdrawn; an offer closed."""
        opinion = {"target": self.version_key, "kind": "legal-opinion", "document": self.why}
        self.act("law-firm", "/attestations/corrections", validUntil=self.until, outcome="negative", **opinion)
        self.act("law-firm", "/attestations/withdrawals", **opinion)
        self.act("merchant", f"/offers/{self.offer_id}/closing")

    def end_consents(self) -> None:
        """One withdrawn by the receipt alone, one released, one record erased; one granted on chain by itself."""
        person, consent = self.people[1], self.consents[1]
        of = {"consent": consent, "subject": checksum_address(person.wallet.address)}
        withdrawal = signed(self.ask("/drafts/withdrawals", of), person.wallet)
        said = {"withdrawal": withdrawal, "receipt": self.receipts[1]}
        self.act("exchange", "/withdrawals/by-receipt", **said)
        self.act("exchange", f"/consents/{consent}/mark")
        self.act("merchant", f"/consents/{self.consents[0]}/release")
        self.erased = self.ask(
            f"/payloads/{self.sealed['payloadId']}/erasures", {"records": list(range(len(self.people)))}
        )
        late = Person(LocalSigner.generate(secrets.token_bytes), {"name": "late", "education": 3, "parttime": False})
        self.ask("/commitments/records", {"record": late.record})
        self.act("merchant", "/consents/grants", consent=self.consent_of(late))

    def end(self) -> None:
        """The log is anchored; the deployment ends."""
        log = f"/anchors/{self.address('exchange')}"
        answer = self.http.post(f"{log}/entries", b'{"sale":1}\n', media_type="application/x-ndjson")
        assert answer.status == 201, answer.content
        self.act("exchange", "/anchors/checkpoints")
        trust, bundle = self.http.get("/trust").content, self.http.get(f"/sales/{self.sale}/bundle").content
        self.verdict = self.ask("/verifications", {"bundle": json.loads(bundle), "trust": json.loads(trust)})
        self.act("governance", "/deployment/closing", document=self.why)


def signed(draft: Mapping[str, Any], wallet: Signer) -> dict[str, Any]:
    """The document that goes back: signed as a wallet signs what `typedData` says, which is what `digest` says too."""
    message = encode_typed_data(full_message=json.loads(json.dumps(draft["typedData"])))
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert to_hex(digest) == draft["digest"]
    return {**draft["send"]["document"], "signature": to_hex(wallet.sign_digest(digest))}


def fits(template: str, path: str) -> bool:
    """Whether a path is one of a template's."""
    words, parts = template.split("/"), path.partition("?")[0].split("/")
    return len(words) == len(parts) and all(
        word.startswith("{") or word == part for word, part in zip(words, parts, strict=True)
    )


def templates(paths: Sequence[str], used: set[str]) -> set[str]:
    """The path templates that were not used."""
    return {each for each in paths if not any(fits(each, path) for path in used)}


def descriptor(fields: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Of resumes with these fields, by name and type."""
    return {
        "format": "deedbook.descriptor",
        "version": 1,
        "language": "en",
        "title": "resumes",
        "description": "one record per person",
        "kind": 1,
        "fields": [{"name": name, "type": kind, "unit": "", "description": name} for name, kind in fields],
        "period": {"from": 573_177_600, "until": 575_855_999},
        "source": "the people themselves",
        "quality": {"completeness": "1.00"},
        "recordCount": 0,
        "size": 0,
    }


def sold_of(told: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> Sold:
    """What was sold, by what the service says of a delivery and of each record."""
    return Sold(
        asset_id=int(told["assetId"]),
        version=told["version"],
        content_root=from_hex(told["contentRoot"], "contentRoot", 32),
        consent_ids=[from_hex(line["consentId"], "consentId", 32) for line in lines],
        commitments=[from_hex(line["recordCommit"], "recordCommit", 32) for line in lines],
        delivered_count=told["deliveredCount"],
        cover=decode_cover(from_hex(told["cover"], "cover")),
    )
