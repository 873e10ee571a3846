"""Guiyang's sale by clicks: whoever has a wallet does at the pages what there is a page for, in a real Chromium.

By clicks: the buyer's encryption key; the asset's registration; the notice, and the links that are made of it; every
person's consent, one look at the own share, and one withdrawal; two batches and their audits, the records sealed, the
version and its binding; all statements of the law firm; the offer; orders, one of them refused; payments; preparations
and deliveries; acceptance; settlement; payout; a hold and its release; the bundle that the auditor takes home; and an
asset of no person, described, offered, and licensed to another who offers it too, until the licence ends. By HTTP, for
there is no page for it: admission and policies. The keys of exchange and merchant are in wallets, and in the exchange's
home too, which collects for the merchant; the partner's is in its wallet alone.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deedbook.domain.consents import record_commit
from deedbook.domain.hashing import checksum_address, from_hex, to_hex
from deedbook.vault.envelopes import Suite
from deedbook.wallet.signers import LocalSigner
from tests.e2e.http_story import Person, Story

WHERE = {
    "law-firm": ("zh-CN", "desktop"),
    "auditor": ("en", "phone"),
    "bank": ("en", "desktop"),
    "arbiter": ("zh-CN", "phone"),
    "employer": ("zh-CN", "desktop"),
    "merchant": ("en", "desktop"),
    "partner": ("zh-CN", "phone"),
    "exchange": ("en", "phone"),
    "person 0": ("en", "desktop"),
    "person 1": ("zh-CN", "phone"),
    "person 2": ("en", "phone"),
}
"""In which language and on what everybody looks at the pages."""
DESKS = {
    "law-firm": "reviewer",
    "auditor": "auditor",
    "bank": "settler",
    "arbiter": "regulator",
    "employer": "buyer",
    "merchant": "provider",
    "partner": "provider",
    "exchange": "exchange",
}


ASSET = {"kind": "1", "grade level": "[1,3]"}
"""A personal one, general, of level 3."""
OFFER = {
    "offer.purpose": "1",
    "offer.price.data": "499999.99",
    "offer.conditions.buyerClass": "256",
    "offer.termsHash": "recruitment only",
    "offer.policyHash": "whoever withdraws is left out of what is delivered later",
}
"""What is said in the form of an offer; its shares and terms are those that the form begins with."""


NOTICE = {
    "notice.controller": "the merchant",
    "notice.contact": "privacy@merchant.example",
    "notice.assetTitle": "resumes",
    "purpose": "1",
    "class": "256",
    "modes": ["32", "2"],
}
"""What is said in the form of a notice."""


SCRIPT = "<script>window.harmed = 1</script>"
DESCRIBED = {
    "contentRoot": "0x" + "5c" * 32,
    "recordCount descriptor.recordCount": "40",
    "descriptor.title": f"vacancies {SCRIPT}",
    "descriptor.description": "one record per vacancy\nas firms state them",
    "descriptor.fields": "post, text, , what is to be done\n salary，decimal，CNY，by month, before tax",
    "descriptor.period.from": "2026-01-01",
    "descriptor.period.until": "2026-06-30",
    "descriptor.source": "firms",
    "descriptor.quality": "completeness: 0.98\nchecked：twice",
    "descriptor.size": "4096",
}
"""What is said of a version; nobody's person is in it."""
ENROLLED = {"kind descriptor.kind": "2", "grade level": "[1,1]", "source": f"firms wrote it {SCRIPT}", **DESCRIBED}
UNSAID = ("contentRoot", "recordCount descriptor.recordCount", "descriptor.size")
RESUMES = {name: text for name, text in DESCRIBED.items() if name not in UNSAID} | {
    "descriptor.title": "resumes",
    "descriptor.fields": "name, text, , name\neducation, integer, , years\nparttime, boolean, , whether",
}
"""What is said of the records that are sealed; the service counts them."""
BAD = {
    "nothing said": {"descriptor.title": ""},
    "no root": {"contentRoot": "0x5c"},
    "no asset": {"parents": "fff"},
    "no fields": {"descriptor.fields": "post is a text"},
    "unknown type": {"descriptor.fields": "post, sentence, , what is to be done"},
    "turned around": {"descriptor.title": "vacancies \u202e321"},
    "too long": {"descriptor.title": "v" * 10_000},
    "far too long": {"descriptor.description": "v" * 10_000},
    "refused": {"kind descriptor.kind": "4"},
}
"""What is wrong in a form: what the page, the service and the contract each have to refuse."""


class Clicking:
    """The browsers of everybody, driven by lines of JSON (`tests/browser/clicks.mjs`)."""

    def __init__(self, node: Path, browser: Path) -> None:
        command = [node, browser / "clicks.mjs"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, do: str, **said: Any) -> Any:
        """What came of something that is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **said}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, (do, said, answer.get("error"))
        return answer["result"]

    def close(self) -> None:
        """Ends them, whatever they do."""
        self._process.kill()
        self._process.communicate()


class Clicked(Story):
    """The story, told by clicks as far as pages go."""

    hosted = ("governance", "exchange", "merchant", "gateway")

    def __init__(self, path: Path, people: int, clicking: Clicking) -> None:
        self.keys = {name: secrets.token_bytes(32) for name in WHERE}
        super().__init__(path, 0)
        self.wallets |= {name: LocalSigner(self.keys[name]) for name in DESKS if name not in self.hosted}
        for each in range(people):
            record = {"name": f"person {each}", "education": 9 + each, "parttime": each % 2 == 0}
            self.people.append(Person(LocalSigner(self.keys[f"person {each}"]), record))
        self.clicking = clicking
        clicking.ask("begin", origin=self.http.url, complaints=["status of 409", "status of 422"])
        chain = self.services.chain_id
        for name, (locale, device) in WHERE.items():
            key = to_hex(self.keys[name])
            clicking.ask("meet", name=name, key=key, chain=chain, locale=locale, device=device)

    def host(self, name: str) -> None:
        """As everywhere; who has a wallet too, with its key."""
        if name in self.keys:
            self.services.keystore.create(name, self.services.home.passphrase(None), self.keys[name])
        super().host(name)

    def desk_of(self, name: str, of: str = "") -> str:
        """The desk of a part; or of another one, as everybody may look at it."""
        return f"/explore/desk/{DESKS[of or name]}/{self.address(of or name)}"

    def click(self, name: str, act: str, **said: Any) -> Any:
        """An act at a desk: what the page said."""
        desk = said.pop("desk", self.desk_of(name))
        mood = said.pop("mood", "willing")
        return self.clicking.ask("act", name=name, desk=desk, act=act, fields=said, mood=mood)

    def clicked(self, name: str, act: str, **said: Any) -> str:
        """An act that is done; the page of its transaction."""
        found = self.click(name, act, **said)
        assert (found["outcome"], found["signed"]) == ("acted", ["ForwardRequest"]), found
        link: str = found["link"]
        return link

    # -- the story -------------------------------------------------------------------------------------------------

    def tell(self) -> None:
        """All of it, in order."""
        self.admit()
        self.publish_notice()
        for some in (self.people[:-1], self.people[-1:]):
            self.agree_all(some)
            self.anchor(len(some))
        self.receipts = [self.get(f"/consents/{each}/receipt") for each in self.consents]
        self.register()
        self.offer()
        self.early = self.click("employer", "order", offer=self.offer_id)
        self.twist()
        self.attest("legal-opinion", self.version_key)
        self.declined = self.click("employer", "order", offer=self.offer_id, mood="refusing")
        self.elsewhere = self.click("bank", "order", offer=self.offer_id, desk=self.desk_of("bank", "employer"))
        self.sale = self.sell()
        self.clicked("bank", "pay", sale=self.sale, receipt="paid out, all of them")
        mine = f"/explore/own?account={checksum_address(self.people[0].wallet.address)}"
        self.own = self.clicking.ask("follow", name="person 0", start=mine, links=["/own/consents/"])
        self.read = self.opened(self.sale)
        self.withdraw()
        self.hold()
        self.second = self.sell(settled=False)
        self.read_later = self.opened(self.second)
        self.supply()
        self.take_home()

    def register_key(self) -> None:
        """At the employer's desk."""
        said = {"suite": str(int(self.key.suite)), "publicKey": to_hex(self.key.public.raw)}
        self.bad_keys = {
            "no hex": self.click("employer", "key", **{**said, "publicKey": "0x5g"}),
            "another kind's": self.click("employer", "key", **{**said, "suite": str(int(Suite.X25519))}),
        }
        self.twisted_key = self.twist_for("employer", "key", said, [0, 1])
        self.clicked("employer", "key", **said)

    def agree_all(self, people: Sequence[Person]) -> None:
        """Each of them reads the sentence on the page, and signs it."""
        for _ in people:
            name = f"person {len(self.consents)}"
            link = self.published["found"]["links"].splitlines()[len(self.consents)].removeprefix(self.http.url)
            self.consents.append(self.clicking.ask("consent", name=name, link=link))

    def publish_notice(self) -> None:
        """At the merchant's desk, when the asset is there; its page makes the links that are handed out."""
        self.name_asset()
        commits = [record_commit(from_hex(each.salt, "salt", 32), each.record) for each in self.people]
        said = {**NOTICE, "asset": self.asset, "records": "\n".join(map(to_hex, commits))}
        wrong = {"no commitment": {"records": "0x12"}, "turned": {"notice.controller": "firm \u202e321"}}
        notices = self.services.records.documents.of_kind("notice")
        self.bad_notices = {name: self.click("merchant", "notice", **{**said, **each}) for name, each in wrong.items()}
        self.kept_notices = len(self.services.records.documents.of_kind("notice")) - len(notices)
        self.published = self.click("merchant", "notice", **said)
        self.notice = self.published["found"]["hash"]

    def name_asset(self) -> None:
        """Registered at the merchant's desk: consents name the asset that it has then."""
        self.clicked("merchant", "register", **{**ASSET, "source": "collected from the people themselves"})
        (asset,) = self.get(f"/assets?holder={self.address('merchant')}")["items"]
        self.asset = asset["assetId"]

    def grant(self) -> None:
        """All that wait, as one batch that the merchant signs."""
        fields = {"asset_id": self.asset}
        self.twisted_batch = self.twist_for("merchant", "anchor", fields, [0, 1])
        self.clicked("merchant", "anchor", **fields)
        self.batch = self.get(f"/assets/{self.asset}/batches")["items"][-1]["batchId"]

    def seal(self) -> None:
        """At the exchange's desk, from a file of records."""
        lines = [json.dumps({"salt": each.salt, "record": each.record}) for each in self.people]
        stranger = json.dumps({"salt": "0x" + "07" * 32, "record": {"name": "person 99"}})
        files = {
            "cut off": [*lines[:-1], lines[-1][:-1]],
            "no salt": [lines[0], json.dumps({"record": self.people[0].record})],
            "nothing": [""],
            "cut array": ["[", *lines[:1]],
            "nobody's": [*lines, stranger],
            "too few": lines[1:],
        }
        said = {**RESUMES, "asset descriptor.kind version": json.dumps([self.asset, 1, 1], separators=(",", ":"))}
        self.bad_files = {
            name: self.click("exchange", "seal", **said, file="\n".join(some)) for name, some in files.items()
        }
        assert not self.services.records.payloads.keys()
        self.done = self.click("exchange", "seal", **said, file="\n".join(lines))
        self.sealed = self.done["found"]
        self.version_key = self.sealed["versionKey"]

    def register(self) -> None:
        """What was sealed is published, and both audited batches are bound to it at once."""
        self.seal()
        said = {"contentRoot": self.sealed["contentRoot"], "recordCount": str(len(self.people))}
        self.clicked("merchant", "sealed", asset_id=self.asset, descriptor=self.sealed["descriptorHash"], **said)
        assert self.get(f"/assets/{self.asset}/versions/1")["versionKey"] == self.version_key
        self.twisted_basis = self.twist_for("merchant", "bind", {}, [0, 1, 2, 3, 4, 16, 29])
        self.clicked("merchant", "bind")

    def offer(self, mode: int = 32, quota: int = 0) -> str:
        """Source and impact attested; listed at the merchant's desk."""
        for kind in ("source-legality", "impact-assessment"):
            self.attest(kind, self.version_key)
        terms = {"offer.mode": str(mode), "offer.quota": str(quota)}
        self.clicked("merchant", "list", **OFFER, **terms)
        (offer,) = self.get("/offers")["items"]
        self.offer_id = str(offer["offerId"])
        return self.offer_id

    def supply(self) -> None:
        """A provider whose key is in its wallet alone: an asset of no person, described, published, offered, closed."""
        self.act("governance", "/policies", kind="enterprise", modes=["call"], toList=[], toOrder=[])
        documents = self.services.records.documents
        before = len(documents.of_kind("descriptor")), len(documents.of_kind("source"))
        self.bad = {name: self.click("partner", "enrol", **{**ENROLLED, **wrong}) for name, wrong in BAD.items()}
        self.twisted_version = self.twist_for("partner", "enrol", ENROLLED, [0, 1, 2, 4, 5, 9, 10])
        self.bad["withheld"] = self.click("partner", "enrol", **ENROLLED, mood="refusing")
        self.kept = len(documents.of_kind("descriptor")) - before[0], len(documents.of_kind("source")) - before[1]
        self.clicked("partner", "enrol", **ENROLLED)
        (asset,) = self.get(f"/assets?holder={self.address('partner')}")["items"]
        self.other = asset["assetId"]
        which = {"asset_id descriptor.kind": json.dumps([self.other, 2], separators=(",", ":"))}
        self.clicked("partner", "publish", **which, **DESCRIBED, **{"descriptor.language": "en"})
        self.attest("source-legality", self.get(f"/assets/{self.other}/versions/2")["versionKey"])
        wrong = {**OFFER, "offer.mode": "2", "offer.split.providerBps": "90", "offer.split.subjectsBps": "0"}
        self.bad["over the whole"] = self.click("partner", "list", **wrong)
        right = {**wrong, "offer.split.providerBps": "95"}
        self.twisted_offer = self.twist_for("partner", "list", right, [0, 2, 3, 8, 12, 13, 21, 22, 29, 37])
        self.clicked("partner", "list", **right)
        (self.other_offer,) = self.get(f"/offers?asset={self.other}")["items"]
        self.twisted_close = self.twist_for("partner", "close", {}, [0, 1, 17, 36])
        self.clicked("partner", "close")
        self.clicked("partner", "enrol", **{**ENROLLED, "kind descriptor.kind": "4", "parents": self.other})
        self.operate(right)

    def operate(self, terms: Mapping[str, str]) -> None:
        """Whoever has a licence to operate an asset offers it at the own desk, until it ends."""
        grant = {"asset_id": self.other, "account": self.address("merchant"), "document": "to operate it"}
        self.bad["no account"] = self.click("partner", "grant", **{**grant, "account": "0x12"})
        self.bad["the holder's own"] = self.click("partner", "grant", **{**grant, "account": self.address("partner")})
        self.twisted_grant = self.twist_for("partner", "grant", grant, list(range(7)))
        self.clicked("partner", "grant", **grant)
        key = self.get(f"/assets/{self.other}/versions/2")["versionKey"]
        which = json.dumps([self.other, 2, key], separators=(",", ":"))
        self.clicked("merchant", "list", **terms, **{"offer.assetId offer.assetVersion offer.versionKey": which})
        self.twisted_end = self.twist_for("merchant", "end", {"document": "no use for it"}, list(range(4)))
        self.clicked("merchant", "end", document="no use for it")

    def attest(self, kind: str, target: str, by: str = "law-firm", **report: Any) -> str:
        """At the desk of who states it: the reviewer's, or the auditor's."""
        said: dict[str, str] = {
            "target": target,
            "document": f"{kind}: {json.dumps(report)[:2000]}",
            "validUntil": "90",
        }
        if by != "auditor":
            said["kind"] = kind
        return self.clicked(by, "attest", **said)

    def twist(self) -> None:
        """Somebody changes a word of the statement on its way to the law firm: one after the other, all of them."""
        said = {"target": self.version_key, "kind": "legal-opinion", "document": "sound", "validUntil": "90"}
        self.twisted = self.twist_for("law-firm", "attest", said, list(range(5)))

    def twist_for(self, name: str, act: str, fields: Mapping[str, str], words: Sequence[int]) -> Any:
        """These words of a call, changed one after the other on their way to somebody's wallet."""
        desk = self.desk_of(name)
        return self.clicking.ask("twist", name=name, desk=desk, act=act, fields=fields, words=words)

    def sell(self, offer: str = "", *, settled: bool = True, delivered: bool = True) -> str:
        """Ordered, paid, prepared, delivered; accepted and settled."""
        before = {each["saleId"] for each in self.get("/sales?limit=1000")["items"]}
        self.clicked("employer", "order", offer=offer or self.offer_id)
        (sale,) = {each["saleId"] for each in self.get("/sales?limit=1000")["items"]} - before
        self.clicked("bank", "confirm", sale=sale, receipt="the price arrived")
        if delivered:
            self.clicked("merchant", "prepare", sale=sale)
            self.clicked("merchant", "deliver", sale=sale)
        if delivered and settled:
            self.clicked("employer", "accept", sale=sale)
            self.clicked("bank", "settle", sale=sale)
        return str(sale)

    def withdraw(self) -> None:
        """The last one changes their mind."""
        self.left = self.consents[-1]
        link = f"/explore/consents/{self.left}/withdrawal"
        self.withdrawn = self.clicking.ask("withdraw", name=f"person {len(self.people) - 1}", link=link)

    def hold(self) -> None:
        """Held in one step, so that an order is refused; then released."""
        target = f"asset:{self.asset}"
        self.clicked("arbiter", "hold", target=target, document="it may not be lawful")
        self.stopped = self.click("employer", "order", offer=self.offer_id)
        key = to_hex(int(self.asset).to_bytes(32, "big"))
        self.clicked("arbiter", "release", target=key, document="it is lawful")

    def take_home(self) -> None:
        """The auditor takes the evidence of the first sale; the arbiter looks where the asset went."""
        link = f"/sales/{self.sale}/bundle"
        self.bundle = self.clicking.ask("save", name="auditor", desk=self.desk_of("auditor"), link=link)
        asset = to_hex(int(self.asset).to_bytes(32, "big"))
        self.flow = self.clicking.ask("follow", name="arbiter", start=f"/explore/flow?asset={asset}")
