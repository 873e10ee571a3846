"""The systems of an exchange, its members and people, on one day: they speak HTTP with the service, and keep what it
answers. Of the service they know its address and its API keys, nothing of its inside; what their wallets sign is what
it drafts, computed again by another library.

A careful client: every request that writes has an `Idempotency-Key`, and is sent again with the same key, for as long
as it takes, where no answer came, or one that says so (5xx, 429, 409 `under-way`).
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from http.client import HTTPException
from random import Random
from typing import Any, Final, TypeVar
from urllib.parse import quote

from eth_account.messages import encode_defunct, encode_typed_data
from eth_utils.crypto import keccak

from deedbook.domain.hashing import canonical_json, checksum_address, from_hex, to_hex
from deedbook.domain.notices import load_notice
from deedbook.domain.sales import Conditions, Offer, Price, Sandbox, Split
from deedbook.vault.deliveries import open_delivered
from deedbook.vault.envelopes import Context, EncryptionKeyPair
from deedbook.wallet.signers import LocalSigner
from tests.e2e.http_story import descriptor, sold_of

PATIENCE: Final = 600.0
"""Seconds for which a request is sent again: longer than any part of the service is away."""
ENDING: Final = 900.0
"""Seconds in which an operation comes to its end."""
PAUSES: Final = (0.2, 3.0)
"""The shortest and the longest pause between tries, in seconds."""
DAY: Final = 86_400
PRICE: Final = 49_999_999
BUYERS: Final = 4
STAYING: Final = 10
"""People who do not withdraw: while somebody is left, there is something to sell."""
SELLERS: Final = 10
WITHDRAWING: Final = 24
COLLECTING: Final = 4
PARTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "exchange": {"roles": ["operator", "relayer"]},
    "merchant": {"roles": ["provider"]},
    "law-firm": {"roles": ["reviewer"], "licences": ["law-firm"]},
    "auditor": {"roles": ["auditor"]},
    "bank": {"roles": ["settler"]},
    **{f"buyer-{number}": {"roles": ["buyer"], "licences": ["employer"]} for number in range(BUYERS)},
}
HOSTED: Final = ("governance", "exchange", "merchant")
"""Whose keys the home of the service holds."""
FIELDS: Final = (("name", "text"), ("education", "integer"))
NDJSON: Final = "application/x-ndjson"

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Answer:
    """What the service said."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The code of a problem; nothing where it is none."""
        return str(self.json().get("code", "")) if "problem+json" in self.headers.get("content-type", "") else ""

    @property
    def asks_again(self) -> bool:
        """Whether the same request is to be sent again."""
        return self.status >= 500 or self.status in (408, 429) or self.code in ("under-way", "locked")


class Http:
    """Asks one service, again and again. `troubles` counts what came in the place of answers."""

    def __init__(
        self, url: str, random: Random, *, patience: float = PATIENCE, pauses: tuple[float, float] = PAUSES
    ) -> None:
        self.url = url
        self.troubles: Counter[str] = Counter()
        self.asked = 0
        self._random = random
        self._patience = patience
        self._pauses = pauses
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str, token: str | None = None) -> Any:
        """What a route answers, in JSON. Raises AssertionError for anything but 200."""
        answer = self.ask("GET", path, token=token)
        assert answer.status == 200, (path, answer.status, answer.content[:500])
        return answer.json()

    def post(
        self, path: str, body: object, token: str | None = None, *, media_type: str = "application/json"
    ) -> Answer:
        """A POST of JSON or bytes, under a fresh idempotency key."""
        return self.ask("POST", path, body, token=token, key=str(self.fresh()), media_type=media_type)

    def fresh(self) -> uuid.UUID:
        """A key that nobody had."""
        return uuid.UUID(int=self._random.getrandbits(128), version=4)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        key: str | None = None,
        media_type: str = "application/json",
    ) -> Answer:
        """The answer to a request, which is sent until there is one. Raises AssertionError after `patience`."""
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if content is None else {"Content-Type": media_type}
        headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
        headers |= {} if key is None else {"Idempotency-Key": key}
        until, pause = time.monotonic() + self._patience, self._pauses[0]
        while True:
            request = urllib.request.Request(self.url + path, content, headers, method=method)
            trouble, answer = self._tried(request)
            if answer is not None and not answer.asks_again:
                return answer
            self.troubles[trouble] += 1
            assert time.monotonic() < until, f"{method} {path} had no answer in {self._patience:.0f} s: {trouble}"
            time.sleep(pause * self._random.uniform(0.5, 1.5))
            pause = min(2 * pause, self._pauses[1])

    def _tried(self, request: urllib.request.Request) -> tuple[str, Answer | None]:
        self.asked += 1
        try:
            with self._opener.open(request, timeout=90) as answer:
                return "", Answer(answer.status, _lowered(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            try:
                said = Answer(error.code, _lowered(error.headers), error.read())
            except (OSError, HTTPException) as cut:
                return type(cut).__name__, None
            return f"{said.status} {said.code}", said
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            return type(reason).__name__, None


def _lowered(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@dataclass(frozen=True)
class Sizes:
    """How much is done on the day."""

    entries: int
    sales: int
    withdrawals: int

    @classmethod
    def of(cls, text: str) -> Sizes:
        """`ENTRIES/SALES/WITHDRAWALS`; two sales at least."""
        entries, sales, withdrawals = map(int, text.split("/"))
        if entries < 1 or sales < 2 or withdrawals < 1:
            raise ValueError("one entry, two sales, one withdrawal at least")
        return cls(entries, sales, withdrawals)


@dataclass(frozen=True)
class Person:
    """Somebody with a wallet and a record."""

    wallet: LocalSigner
    record: Mapping[str, Any]
    salt: str


@dataclass
class Books:
    """What the exchange's systems kept of the day."""

    entries: list[tuple[bytes, Mapping[str, Any]]] = field(default_factory=list)
    """Canonical bytes and signed receipt, of each entry that was sent."""
    sales: dict[str, int] = field(default_factory=dict)
    """How many people's records the buyer had, by sale."""
    withdrawals: dict[str, str] = field(default_factory=dict)
    """The transaction of each withdrawal, by consent."""
    operations: dict[str, str] = field(default_factory=dict)
    """The transaction of each operation that became final."""


class Exchange:
    """Everybody who asks the service. `addresses` are the accounts of the hosted."""

    def __init__(self, url: str, seed: int, sizes: Sizes, addresses: Mapping[str, str]) -> None:
        self.random = Random(seed)
        self.http = Http(url, Random(seed + 1))
        self.sizes = sizes
        self.books = Books()
        self._seed = seed
        self._tokens: dict[str, str] = {}
        self._addresses = dict(addresses)
        self._wallets = {name: self._wallet(name) for name in PARTS if name not in HOSTED}
        self._turns = {name: threading.Lock() for name in self._wallets}
        self._people = [self._person(number) for number in range(sizes.withdrawals + STAYING)]
        self._boxes = {
            name: EncryptionKeyPair.generate(self.random.randbytes) for name in PARTS if name.startswith("buyer-")
        }
        self._until = int(time.time()) + 90 * DAY
        self._consents: list[str] = []
        self._ended = threading.Event()

    # -- who acts --------------------------------------------------------------------------------------------------

    def address(self, name: str) -> str:
        """The account of a part, checksummed."""
        return self._addresses[name] if name in HOSTED else checksum_address(self._wallets[name].address)

    def _wallet(self, name: str) -> LocalSigner:
        return LocalSigner(keccak(f"an exchange's day {self._seed} {name}".encode()))

    def _person(self, number: int) -> Person:
        record = {"name": f"person {number}", "education": number % 12}
        return Person(self._wallet(f"person {number}"), record, to_hex(self.random.randbytes(32)))

    def act(self, name: str, path: str, **said: Any) -> Mapping[str, Any]:
        """An act by an account of the home, or drafted, signed in a wallet and relayed; what is known of it, once it is
        final. Raises AssertionError where it is refused."""
        body = {"as": self.address(name), **said}
        if name in HOSTED:
            answer = self.http.post(path, body, self._tokens.get(name))
            assert answer.status in (201, 202), (name, path, answer.content[:500])
            return self._end_of(answer, self._tokens.get(name)) if answer.status == 202 else answer.json()
        answer, about = self._relayed(name, path, body)
        self._end_of(answer)
        return about

    def _relayed(self, name: str, path: str, body: Mapping[str, Any]) -> tuple[Answer, Mapping[str, Any]]:
        """A member's acts follow one another: a draft has the nonce behind what the service holds already. Where that
        nonce went meanwhile - the draft was told by a node that lagged - nothing was done, and it is drafted anew."""
        refused: Any = None
        with self._turns[name]:
            for _ in range(10):
                drafted = self.http.ask("POST", f"/drafts{path}", body)
                assert drafted.status == 200, (name, path, drafted.content[:500])
                draft = drafted.json()
                answer = self.http.post(draft["send"]["path"], signed(draft, self._wallets[name]))
                if answer.status == 202:
                    assert answer.json()["operation"] == draft["digest"]
                    return answer, draft["about"]
                refused = answer.content[:500]
                assert answer.code == "conflict", (name, path, refused)
                time.sleep(1)
        raise AssertionError((name, path, refused))

    def _end_of(self, accepted: Answer, token: str | None = None) -> Mapping[str, Any]:
        """What an operation was about, when it is final."""
        where, until = accepted.headers["location"], time.monotonic() + ENDING
        pause = 0.7
        while True:
            found = self.http.get(where, token)
            if found["state"] == "final":
                self.books.operations[found["operation"]] = found["transaction"]
                return dict(found["about"])
            assert found["state"] != "failed", found
            assert time.monotonic() < until, f"not final in {ENDING:.0f} s: {found}"
            time.sleep(pause)
            pause = min(1.3 * pause, 3.0)

    def _done(self, path: str, body: object, name: str = "exchange") -> Any:
        """What something that needs no transaction answers."""
        answer = self.http.post(path, body, self._tokens.get(name))
        assert answer.status in (200, 201), (path, answer.content[:500])
        return answer.json()

    def _drafted(self, path: str, body: object) -> Any:
        answer = self.http.ask("POST", path, body)
        assert answer.status == 200, (path, answer.content[:500])
        return answer.json()

    def document(self, kind: str, value: object) -> str:
        """Makes a document public; its hash."""
        found: str = self._done(f"/documents?kind={kind}", canonical_json(value))["hash"]
        return found

    # -- the morning -----------------------------------------------------------------------------------------------

    def admit(self) -> None:
        """Members, and the policy: before the first key is made, the service asks nobody who they are."""
        for name, rights in PARTS.items():
            identity = self._done("/commitments/identities", {"identity": {"name": name}})["identity"]
            said = {"account": self.address(name), "identity": identity, "validUntil": self._until, **rights}
            self.act("governance", "/members", **said)
        stated = {"modes": ["raw"], "toList": ["source-legality", "impact-assessment"], "toOrder": ["legal-opinion"]}
        self.act("governance", "/policies", kind="personal", **stated)

    def open(self, hook: str, keys: Mapping[str, str]) -> str:
        """Everything up to an offer that can be ordered, by API keys of hosted members, and a webhook to this URL; the
        secret that signs."""
        self._tokens |= keys
        added = self._done("/webhooks", {"url": hook, "from": 0})
        self._name_boxes()
        self._agree()
        self._register()
        self._offer = self._listed()
        self._attest("legal-opinion", self._version_key)
        secret: str = added["secret"]
        self.hook: str = added["webhook"]
        return secret

    def _name_boxes(self) -> None:
        """What deliveries to the buyers are sealed to."""
        for name, box in self._boxes.items():
            public = {"suite": int(box.suite), "publicKey": to_hex(box.public.raw)}
            self.act(name, "/members/encryption-keys", **public)
            self._sign_in(name)
            self._done(f"/members/{self.address(name)}/public-key", public, name)

    def _sign_in(self, name: str) -> None:
        """A session of a wallet's own (EIP-4361, signed by `personal_sign`)."""
        text = self._done("/session/nonce", {"address": self.address(name)}, "")["message"]
        message = encode_defunct(text=text)
        digest = keccak(b"\x19" + message.version + message.header + message.body)
        signature = to_hex(self._wallets[name].sign_digest(digest))
        self._tokens[name] = self._done("/session", {"message": text, "signature": signature}, "")["token"]

    def _agree(self) -> None:
        """Everybody reads the sentence and signs it; one transaction anchors all, and the auditor checks each."""
        notice = load_notice("en", controller="the merchant", contact="privacy@merchant.example", asset_title="resumes")
        self._notice = self.document("notice", notice.to_json())
        future = self._done("/commitments/asset-ids", {"registrant": self.address("merchant")})
        self._asset, self._salt = future["assetId"], future["salt"]
        consents = in_parallel(COLLECTING, self._consent_of, self._people)
        self._consents = [consent_id for consent_id, _ in consents]
        for first in range(0, len(consents), 200):
            lines = b"\n".join(json.dumps(document).encode() for _, document in consents[first : first + 200])
            path = f"/assets/{self._asset}/consents"
            answer = self.http.post(path, lines, self._tokens["exchange"], media_type=NDJSON)
            assert answer.status == 201, answer.content[:500]
        made = self.http.post(f"/assets/{self._asset}/batches", {"salt": self._salt}, self._tokens["merchant"])
        assert made.status == 202, made.content[:500]
        batch = self._end_of(made, self._tokens["merchant"])["batchId"]
        checked = self.http.get(f"/batches/{batch}/check", self._tokens["exchange"])
        assert (checked["report"]["signatures"], checked["anchored"]) == (len(self._people), True), checked
        self._attest("consent-audit", batch, by="auditor", report=checked["report"])

    def _consent_of(self, person: Person) -> tuple[str, Mapping[str, Any]]:
        draft = self._drafted(
            "/drafts/consents",
            {
                "subject": checksum_address(person.wallet.address),
                "assetId": self._asset,
                "controller": self.address("merchant"),
                "notice": self._notice,
                "purpose": "recruitment",
                "modes": ["raw"],
                "class": "employer",
                "record": person.record,
                "recordSalt": person.salt,
            },
        )
        return draft["consentId"], signed(draft, person.wallet)

    def _attest(self, kind: str, target: str, by: str = "law-firm", **report: Any) -> None:
        document = self.document("report", {"format": "deedbook.report", "version": 1, "kind": kind, **report})
        self.act(by, "/attestations", target=target, kind=kind, document=document, validUntil=self._until)

    def _register(self) -> None:
        """Sealed, registered, published, bound."""
        records = [{"salt": each.salt, "record": each.record} for each in self._people]
        sealed = self._done(f"/assets/{self._asset}/payloads", {"descriptor": descriptor(FIELDS), "records": records})
        self._version_key = sealed["versionKey"]
        source = self.document("source", {"statement": "collected from the people themselves"})
        self.act("merchant", "/assets", salt=self._salt, kind="personal", level=3, source=source)
        version = {"payload": sealed["payloadId"], "descriptor": sealed["descriptorHash"]}
        self.act("merchant", f"/assets/{self._asset}/versions", **version)
        self.act("merchant", f"/assets/{self._asset}/bindings", version=1, auditor=self.address("auditor"))

    def _listed(self) -> str:
        """Source and impact attested; offered."""
        for kind in ("source-legality", "impact-assessment"):
            self._attest(kind, self._version_key)
        document = Offer(
            provider=_account(self.address("merchant")),
            asset_id=int(self._asset),
            version=1,
            version_key=from_hex(self._version_key, "versionKey", 32),
            mode=32,
            purpose=1,
            price=Price(PRICE, 0, 0, 0, b"CNY"),
            split=Split(_account(self.address("exchange")), 500, 5500, 4000),
            terms_hash=from_hex(self.document("terms", {"text": "recruitment only"}), "terms", 32),
            policy_hash=from_hex(self.document("policy", {"@type": "Offer"}), "policy", 32),
            quota=0,
            term=180 * DAY,
            valid_until=self._until,
            conditions=Conditions(256, (156,)),
            sandbox=Sandbox(),
            salt=self.random.randbytes(32),
        )
        offer: str = self.act("merchant", "/offers", offer=document.to_json())["offerId"]
        return offer

    # -- the day ---------------------------------------------------------------------------------------------------

    def trade(self, pause: float) -> None:
        """The first sale; then sales, withdrawals and entries beside one another; then the last sale, which those who
        stay are in. `pause` is how many seconds lie between requests that bring entries."""
        self._sell(0, opened=True)
        with ThreadPoolExecutor(SELLERS + WITHDRAWING + 1) as beside:
            work: list[Future[Any]] = [beside.submit(self._anchor, pause)]
            sales = iter(range(1, self.sizes.sales - 1))
            people = iter(range(self.sizes.withdrawals))
            turn = threading.Lock()
            for _ in range(SELLERS):
                work.append(beside.submit(self._each, sales, turn, self._sell))
            for _ in range(WITHDRAWING):
                work.append(beside.submit(self._each, people, turn, self._withdraw))
            self._all_of(work)
        self._sell(self.sizes.sales - 1, opened=True)

    def _all_of(self, work: Sequence[Future[Any]]) -> None:
        """Waits for all; when one fails, the others begin nothing more."""
        left = set(work)
        while left:
            done, left = wait(left, timeout=1)
            if any(each.exception() for each in done):
                self._ended.set()
        for each in work:
            each.result()

    def _each(self, numbers: Any, turn: threading.Lock, work: Callable[[int], None]) -> None:
        while not self._ended.is_set():
            with turn:
                number = next(numbers, None)
            if number is None:
                return
            work(number)

    def _anchor(self, pause: float) -> None:
        """Sends its own transactions, some at a time."""
        path, number, random = f"/anchors/{self.address('exchange')}/entries", 0, Random(self._seed + 2)
        while number < self.sizes.entries and not self._ended.is_set():
            count = min(random.randint(1, 100), self.sizes.entries - number)
            lines = [_entry(each, random) for each in range(number, number + count)]
            body = b"\n".join(lines)
            answer = self.http.ask("POST", path, body, token=self._tokens["exchange"], media_type=NDJSON)
            assert answer.status == 201, answer.content[:500]
            receipts = [json.loads(line) for line in answer.content.splitlines()]
            self.books.entries += zip(lines, receipts, strict=True)
            number += count
            time.sleep(pause)

    def _sell(self, number: int, *, opened: bool = False) -> None:
        """Ordered, paid, prepared, delivered, accepted, settled."""
        buyer = f"buyer-{number % BUYERS}"
        reference = to_hex(keccak(f"order {self._seed} {number}".encode()))
        sale: str = self.act(buyer, "/sales", offer=self._offer, reference=reference)["saleId"]
        self.act("bank", f"/sales/{sale}/payment", receipt=self.document("receipt", {"paid": sale}))
        self.act("merchant", f"/sales/{sale}/preparation")
        self.act("merchant", f"/sales/{sale}/delivery")
        self.act(buyer, f"/sales/{sale}/acceptance")
        self.act("exchange", f"/sales/{sale}/settlement")
        self.books.sales[sale] = self._opened(sale, buyer) if opened else self._fetched(sale, buyer)

    def _fetched(self, sale: str, buyer: str) -> int:
        """How many sealed records are served. Raises AssertionError where one is not what was sold."""
        answer = self.http.ask("GET", f"/sales/{sale}/records", token=self._tokens[buyer])
        assert answer.status == 200, (sale, answer.content[:500])
        lines = [line for line in map(json.loads, answer.content.splitlines()) if line["unit"]]
        for line in lines:
            assert "0x" + hashlib.sha256(bytes.fromhex(line["unit"][2:])).hexdigest() == line["hash"], (
                sale,
                line["index"],
            )
        return len(lines)

    def _opened(self, sale: str, buyer: str) -> int:
        """How many records the buyer reads, by what the service hands out and the key that it never saw. Raises
        AssertionError where one is nobody's."""
        told = self.http.get(f"/sales/{sale}/delivery", self._tokens[buyer])
        answer = self.http.ask("GET", f"/sales/{sale}/records", token=self._tokens[buyer])
        lines = [json.loads(line) for line in answer.content.splitlines()]
        key = from_hex(told["versionKey"], "versionKey", 32)
        read = open_delivered(
            from_hex(told["envelope"], "envelope"),
            self._boxes[buyer],
            Context(int(told["chainId"]), _account(told["market"]), from_hex(sale, "sale", 32), key),
            sold_of(told, lines),
            units={line["index"]: from_hex(line["unit"], "unit") for line in lines if line["unit"]},
            unit_hashes=[from_hex(line["hash"], "hash", 32) for line in lines],
            erased={line["index"] for line in lines if line["erased"]},
        )
        records = [each.record for each in self._people]
        assert all(each.record in records for each in read), f"{sale}: a record is nobody's"
        return len(read)

    def _withdraw(self, number: int) -> None:
        """One person ends a consent; asked with the same key until the answer is the end."""
        person, consent = self._people[number], self._consents[number]
        of = {"consent": consent, "subject": checksum_address(person.wallet.address)}
        document = signed(self._drafted("/drafts/withdrawals", of), person.wallet)
        key, until = str(self.http.fresh()), time.monotonic() + ENDING
        while True:
            answer = self.http.ask("POST", "/withdrawals?wait=final&timeout=20", document, key=key)
            if answer.status == 201:
                ended = answer.json()
                self.books.withdrawals[consent] = ended["transaction"]
                self.books.operations[ended["operation"]] = ended["transaction"]
                return
            assert answer.status == 202, (consent, answer.content[:500])
            assert time.monotonic() < until, f"not final in {ENDING:.0f} s: {answer.content[:500]!r}"

    # -- what can be read ------------------------------------------------------------------------------------------

    def events(self) -> list[str]:
        """The keys of all events that the service tells, in their order, without what a fork took back."""
        found: dict[str, None] = {}
        page: Any = {"after": "", "more": True}
        while page["more"]:
            after = f"&after={quote(page['after'])}" if page["after"] else ""
            page = self.http.get(f"/events?limit=1000{after}")
            for each in page["items"]:
                if each["data"]["retracted"]:
                    found.pop(each["data"]["key"], None)
                else:
                    found[each["data"]["key"]] = None
        return list(found)

    def log(self) -> Any:
        """How the log stands."""
        return self.http.get(f"/anchors/{self.address('exchange')}/log")

    def proofs(self) -> dict[str, Any]:
        """The inclusion proof of each entry, by its leaf hash."""
        path = f"/anchors/{self.address('exchange')}/proof?leaf="
        leaves = [leaf_of(line) for line, _ in self.books.entries]
        return dict(zip(leaves, in_parallel(4, lambda leaf: self.http.get(path + leaf), leaves), strict=True))

    def sales(self) -> dict[str, Any]:
        """Every sale that the service shows, by its id."""
        found: dict[str, Any] = {}
        after = ""
        while True:
            page = self.http.get(f"/sales?limit=100{after}")
            found |= {each["saleId"]: self.http.get(f"/sales/{each['saleId']}") for each in page["items"]}
            if not page.get("after"):
                return found
            after = f"&after={quote(page['after'])}"

    def bundle(self, sale: str, *, public: bool) -> bytes:
        """The evidence of a sale, as its provider asks for it."""
        path = f"/sales/{sale}/bundle" + ("?public=true" if public else "")
        answer = self.http.ask("GET", path, token=self._tokens["merchant"])
        assert answer.status == 200, (sale, answer.content[:500])
        return answer.content

    def dead_letters(self) -> int:
        """How many messages the service gave up."""
        return len(self.http.get(f"/webhooks/{self.hook}/dead", self._tokens["exchange"])["items"])


def in_parallel(threads: int, work: Callable[[Any], _Found], over: Sequence[Any]) -> list[_Found]:
    """What `work` gives for each, in order."""
    with ThreadPoolExecutor(threads) as beside:
        return list(beside.map(work, over))


def signed(draft: Mapping[str, Any], wallet: LocalSigner) -> dict[str, Any]:
    """The document that goes back: signed as a wallet signs what `typedData` says, which is what `digest` says too."""
    message = encode_typed_data(full_message=json.loads(json.dumps(draft["typedData"])))
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert to_hex(digest) == draft["digest"], draft
    return {**draft["send"]["document"], "signature": to_hex(wallet.sign_digest(digest))}


def leaf_of(line: bytes) -> str:
    """The leaf hash of an entry's canonical bytes (RFC 9162, 2.1.1)."""
    return "0x" + hashlib.sha256(b"\0" + line).hexdigest()


def _entry(number: int, random: Random) -> bytes:
    """A transaction of the exchange's, in canonical form (RFC 8785: ASCII, sorted, no blanks)."""
    trade = {"amount": str(random.randrange(1, 10**9)), "currency": "CNY", "trade": number}
    return json.dumps(trade, sort_keys=True, separators=(",", ":")).encode()


def _account(text: str) -> bytes:
    return from_hex(text.lower(), "account", 20)
