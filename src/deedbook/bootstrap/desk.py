"""A running home as the API serves it. What needs a transaction is accepted - kept, so that it will be made once - and
answered at once, as an operation; threads bring it to its end:

    sender      drives the outbox: signs, sends, finds what was mined and final, sends again what a fork threw out,
                also for commands that did not live to see it
    relayer     carries members' signed acts whose turn has come
    follower    keeps the mirror at the chain's head, and destroys the keys of records whose consents have ended
    teller      delivers events to webhooks

One writer at a time changes the private records and the mirror; nobody waits for the chain meanwhile. Of several
processes on one database one follows and erases for all, one sends for an account (by its lease), and any of them
answers; when one is gone, another goes on with what it left.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from deedbook.bootstrap.hands import Elsewhere, HandOf
from deedbook.bootstrap.offices import Offices
from deedbook.bootstrap.services import SOLE, Services
from deedbook.bootstrap.watching import ServiceWatch
from deedbook.chain.client import identity_of
from deedbook.chain.transactions import Signer
from deedbook.domain.consents import SignedConsent, Withdrawal
from deedbook.domain.events import Event
from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.domain.operations import Answered, Operation, OperationKind
from deedbook.domain.payees import PayeeRequest, SignedPayee
from deedbook.domain.principals import ANYBODY, Caller, Matter
from deedbook.domain.relaying import SignedRequest
from deedbook.domain.tiles import TilePath
from deedbook.errors import (
    Conflict,
    DeedbookError,
    IntegrityError,
    InvalidFormat,
    InvalidInput,
    NotFound,
    RejectedByContract,
    WrongChain,
)
from deedbook.ledger.acting import Act
from deedbook.ledger.anchors import MOST_ENTRIES
from deedbook.ledger.consents import NO_SALT
from deedbook.ledger.entries import entries_in
from deedbook.ledger.operations import Prepared
from deedbook.ledger.relaying import Drafted
from deedbook.ledger.webhooks import Webhooks
from deedbook.mirror.store import Cursor, Mirror
from deedbook.queries.alerts import AlertView, alerts
from deedbook.queries.blocks import LogView
from deedbook.queries.events import EventFeed
from deedbook.queries.points import Points
from deedbook.queries.rows import Reading
from deedbook.queries.views import Page

LOG = logging.getLogger(__name__)
Use = Callable[[HandOf], None]
"""A use case that an act carries out (see `api.hands`)."""
RELAYER = "relayer"
"""The account that relays withdrawals and members' acts; any account may."""
PAUSE = 0.25
"""Seconds between looks at the chain's head."""
HEARD = 1.0
"""The same of an embedded chain, whose blocks are heard of: nobody but this process makes them."""
GRACE = 10.0
"""Seconds until a relayer that waits for a block is left behind when the service stops: what it waits for is kept."""
FOLLOWING = "following"
"""The work of the follower, as one of several processes does it."""
SHIFT = 10
"""Seconds for which a process has it; it is taken again long before."""
LOOK_EVERY = 5
"""Seconds between looks for what other processes accepted and did not live to send."""
ERASE_EVERY = 60
"""Seconds after which a consent that has expired is erased at the latest, where no block comes."""


class Desk(Offices):
    """Implements `api.serving.Serving` over the services of a home."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._writing = threading.Lock()
        self._settled = -1
        self._life = secrets.token_hex(16)
        self._owner = self._life if services.chain is None else SOLE
        self._erased_at: tuple[Cursor | None, int] | None = None
        self._relayer = services.create_account(RELAYER)
        self.watch = ServiceWatch(services)
        self._said = ""
        self._points: tuple[Mirror, Points] | None = None
        self._looked = 0.0
        self._following = _Loop("follower", self._follow, PAUSE if services.chain is None else HEARD)
        self._relaying = _Loop("relayer", self._relay_round)
        self._anchoring = _Loop("anchorer", self._anchor_round)
        self._driving = _Loop("sender", self._drive)
        self._telling = _Loop("teller", self._tell_round)
        self._delivering = services.delivering(self._owner, self._telling.wake)
        self._chain = None
        if services.chain is not None:
            from deedbook.chain.embedded.rpc import Methods

            self._chain = Methods(services.chain)
            services.chain.on_block = self._following.wake

    def __enter__(self) -> Desk:
        self.watch.begin()
        self._services.build()
        with self._writing:
            self._services.reconcile()  # the records may be a restored backup: nothing is served before
        self._keep_up()
        self._take_up()
        for loop in self._loops:
            loop.start()
        return self

    def __exit__(self, *_: object) -> None:
        for loop in self._loops:
            loop.end()
        self._following.join()
        self._driving.join()
        with suppress(DeedbookError):
            self._services.records.shifts.leave(FOLLOWING, self._life)
        self._relaying.join(GRACE)
        self._telling.join()
        self._delivering.close(GRACE)

    @property
    def _loops(self) -> tuple[_Loop, ...]:
        return self._following, self._relaying, self._anchoring, self._driving, self._telling

    @property
    def mirror(self) -> Mirror:
        """The public copy of the chain."""
        return self._services.mirror

    @property
    def points(self) -> Points:
        """Its single records, as the mirror has them that is open now."""
        if self._points is None or self._points[0] is not self.mirror:
            self._points = self.mirror, Points(self.mirror)
        return self._points[1]

    @property
    def events(self) -> EventFeed:
        """Its events, in their order."""
        return self._services.events

    def catch_up(self) -> None:
        """Relays acts whose turn has come, anchors logs that are due, brings the mirror to the chain's head, and
        destroys the keys of records whose consents have ended: also where another process brought it there. Consents
        that expire make no block, so it looks for them by the clock too."""
        with suppress(DeedbookError):  # such as a relayer without funds: the mirror goes on
            self._services.relaying.step(self._relayer)
        self._services.anchoring.step()
        self._keep_up()

    def _keep_up(self) -> None:
        shifts, at = self._services.records.shifts, int(time.time())  # by the clock that processes share
        if self._services.chain is None and not shifts.take(FOLLOWING, self._life, now=at, seconds=SHIFT):
            self._settled = shifts.reached(FOLLOWING)
            return
        with self._writing:
            self.watch.followed(self._services.follow())
            cursor = self.mirror.cursor()
            now = (cursor, self._services.clock() // ERASE_EVERY)
            if now != self._erased_at:
                self._services.erase_ended()
                self._erased_at = now
            settled = -1 if cursor is None else cursor.number
            if self._services.chain is None and settled != self._settled:
                shifts.reach(FOLLOWING, self._life, settled)
            self._settled = settled

    @property
    def webhooks(self) -> Webhooks:
        """Who is told of events."""
        return self._services.webhooks

    def rpc(self, body: bytes) -> bytes:
        """Answers JSON-RPC from the embedded chain. Raises NotFound where the home uses other nodes."""
        if self._chain is None:
            raise NotFound("embedded chain in home", self._services.home.path.name, hint="ask the configured node")
        return self._chain.handle(body)

    def heads(self) -> tuple[int, int]:
        """The chain's newest block and the mirror's."""
        cursor = self.mirror.cursor()
        return int(self._services.node.request("eth_blockNumber", []), 16), cursor.number if cursor else -1

    def metrics(self) -> bytes:
        """What this process counted and timed, and how the databases stand. Raises NotFound where a port of its own
        answers that."""
        if self._services.settings.metrics_port is not None:
            raise NotFound("page", "/metrics", hint="ask the port that the settings name for it")
        return self.watch.metrics.text()

    def is_right_chain(self) -> bool:
        """Whether the node is of the deployment's chain."""
        deployment = self._services.deployment
        try:
            return identity_of(self._services.node) == (deployment.chain_id, deployment.genesis_hash)
        except WrongChain:
            return False

    def deployment(self) -> Mapping[str, Any]:
        """Chain id, genesis and contract addresses."""
        return self._services.deployment.to_json()

    def document(self, digest: bytes) -> tuple[str, bytes]:
        """Media type and content of a public document. Raises NotFound."""
        found = self._services.records.documents.get(digest)
        return found.media_type, found.content

    def place_of(self, consent_id: bytes) -> tuple[bytes, int]:
        """Batch and index of a consent collected here. Raises NotFound."""
        return self._services.records.consents.place_of(consent_id)

    def proof(self, consent_id: bytes) -> Mapping[str, Any]:
        """The inclusion proof of a consent anchored here; its subject knows whose it is. Raises NotFound."""
        proof = self._services.consents.place(consent_id).to_json()
        return {name: value for name, value in proof.items() if name != "subject"}

    def statement(self, consent_id: bytes) -> Mapping[str, Any]:
        """A person's statement. Raises NotFound."""
        return self._services.statement(consent_id).to_json()

    def alerts(self, mirror: Reading, limit: int, after: str | None) -> Page[AlertView]:
        """A page of what somebody should look at now. Raises InvalidInput."""
        now, covers = self._services.clock(), self._services.records.deliveries.cover
        return alerts(mirror, now, covers=covers, limit=limit, after=after)

    def collect(self, signed: Any, by: Caller = ANYBODY) -> Mapping[str, Any]:
        """Takes a signed consent of its subject or its controller; the receipt. Raises InvalidInput, InvalidSignature,
        NotFound where `by` is another."""
        consent = SignedConsent.from_json(signed)
        if not by.is_one_of((consent.consent.subject, consent.consent.controller)):
            raise NotFound("controller", checksum_address(consent.consent.controller))
        with self._writing:
            return self._services.consents.collect(consent, self._controller(consent.consent.controller)).to_json()

    def anchor(self, asset_id: int, salt: bytes | None, key: bytes | None = None, by: Caller = ANYBODY) -> Operation:
        """Accepts to anchor what is pending for an asset, or was when an anchoring was cut short. Raises NotFound -
        also where `by` is not the consents' controller -, InvalidInput where the controller is of another home,
        RejectedByContract."""

        def signer_of(controller: bytes) -> Signer:
            if not by.is_one_of((controller,)):
                raise NotFound("pending consent of asset", str(asset_id))
            return self._controller(controller)

        with self._writing:
            made, act = self._services.consents.anchoring_by(asset_id, signer_of, salt=salt or NO_SALT)
            about = {"batchId": to_hex(made.batch_id), "root": to_hex(made.root), "count": made.count}
            return self._accepted(OperationKind.BATCH, act, about, key)

    def withdraw(self, withdrawal: Any, key: bytes | None = None) -> Operation | Mapping[str, Any]:
        """Accepts to relay a withdrawal, after which the record's key is destroyed; a consent that waits for its batch
        never enters one, and there is nothing to relay.

        Raises InvalidSignature, NotFound, RejectedByContract.
        """
        signed = Withdrawal.from_json(withdrawal)
        about = {"consentId": to_hex(signed.consent_id)}
        with self._writing:
            try:
                act = self._services.consents.withdrawing_for(signed, self._relayer)
            except RejectedByContract as refusal:
                if refusal.error == "AlreadyWithdrawn":  # but a crash may have come before the erasure
                    self._erase(signed.consent_id)
                raise
            if act is None:
                return {**about, "anchored": False, "erased": 0}
            return self._accepted(OperationKind.WITHDRAWAL, act, about, key)

    def act(self, by: bytes, use: Use, key: bytes | None = None) -> Operation | Mapping[str, Any]:
        """Accepts what `use` does by an account of this home, once its contract said that it would take it; what it
        says of it, where nothing is left to do. Raises InvalidInput (`as`), RejectedByContract."""
        with self._writing:
            hand = HandOf(self._services, self._services.preparing, self._services.signer_of(by, "as"))
            try:
                use(hand)
            except Prepared as made:
                call = made.act.call
                about = {"act": f"{call.contract}.{call.function}", "as": checksum_address(by), **hand.facts}
                return self._accepted(OperationKind.ACT, made.act, about, key)
            return hand.facts

    def draft(self, by: bytes, use: Use, deadline: int | None) -> Mapping[str, Any]:
        """What `by` signs so that what `use` does is done for it. Raises RejectedByContract; Conflict where nothing is
        left to do."""
        with self._writing:
            hand = HandOf(self._services, self._services.drafting(deadline=deadline), Elsewhere(by))
            try:
                use(hand)
            except Drafted as drafted:
                return self._services.relaying.drafted(drafted.request, hand.facts)
        raise Conflict("nothing is left to do", **hand.facts)

    def _accepted(self, kind: OperationKind, act: Act, about: Mapping[str, Any], key: bytes | None) -> Operation:
        operation = self._services.operations.put(kind, act, about, key=key)
        self._driving.wake()
        return operation

    def operation(self, operation_id: bytes) -> Operation:
        """What became of something that was accepted. Raises NotFound."""
        return self._services.operations.get(operation_id, settled=self._settled)

    def begin(self, key: bytes, request: bytes) -> Answered | None:
        """Takes an idempotency key for a request, both by their SHA-256; or what the same request was answered. Raises
        KeyReused, UnderWay."""
        now, book = self._services.clock(), self._services.records.operations
        return book.begin(key, request, owner=self._owner, life=self._life, now=now)

    def keep(self, key: bytes, *, operation_id: bytes | None = None, answer: bytes = b"") -> None:
        """Keeps what a request under this key was answered."""
        self._services.records.operations.keep(key, operation_id=operation_id, answer=answer)

    def release(self, key: bytes) -> None:
        """Gives a key back under which nothing was done."""
        self._services.records.operations.release(key)

    def name_payee(self, signed: Any) -> Mapping[str, Any]:
        """Takes a signed payee; it, masked, and whether it is new. Raises InvalidInput, InvalidSignature, NotFound."""
        named = SignedPayee.from_json(signed)
        with self._writing:
            new = self._services.payees.name(named)
        return {**named.payee.shown, "new": new}

    def payee(self, request: Any) -> Mapping[str, Any]:
        """The payee that is kept, for its owner. Raises InvalidInput, InvalidSignature, NotFound."""
        return self._services.payees.kept(PayeeRequest.from_json(request)).to_json()

    def note_read(self, by: Caller, kind: Matter, identifiers: Sequence[bytes], request: str) -> None:
        """Notes in the log of reads that a person's matter is about to be shown."""
        self._services.read_log.note(by, kind, identifiers, request)

    def own_consents(self, account: bytes) -> Mapping[str, Any]:
        """The consents of an account."""
        return self._services.persons.consents(account)

    def own_orders(self, account: bytes, limit: int, after: str | None) -> Mapping[str, Any]:
        """A page of the orders that cover a record of an account. Raises InvalidInput."""
        return self._services.persons.orders(account, limit, after)

    def complain(self, account: bytes, consent_id: bytes, text: str) -> Mapping[str, Any]:
        """Keeps a complaint of the person of a consent. Raises NotFound, InvalidInput, Conflict."""
        return self._services.complaints.take(account, consent_id, text)

    def own_complaints(self, account: bytes) -> Mapping[str, Any]:
        """The complaints of an account, and the cases about them."""
        return self._services.complaints.of(account)

    def complaints(self, limit: int, after: str | None) -> Mapping[str, Any]:
        """A page of all complaints, the newest first. Raises InvalidInput."""
        return self._services.complaints.newest(limit, after)

    def relay(self, signed: Any) -> Operation:
        """Takes a member's signed act, to be relayed when its turn comes. Raises InvalidInput, InvalidSignature,
        Conflict."""
        act = self._services.relaying.take(SignedRequest.from_json(signed))
        self._relaying.wake()
        return self._services.operations.of_act(act, settled=self._settled)

    def relayed(self, digest: bytes) -> Mapping[str, Any]:
        """A relayed act, and what became of it. Raises NotFound."""
        return self._services.relaying.shown(self._services.records.relayed.get(digest))

    def append(self, exchange: bytes, body: bytes) -> bytes:
        """Takes the entries of NDJSON into an exchange's log; its receipts, one a line, once all are on disk.

        Raises InvalidFormat and InvalidInput naming the line, or where the exchange is of another home;
        IntegrityError.
        """
        signer = self._services.signer_of(exchange)
        return self._services.logs.append_lines(entries_in(body, most=MOST_ENTRIES), signer)

    def log(self, exchange: bytes) -> Mapping[str, Any]:
        """How an exchange's log stands. Raises NotFound."""
        return self._services.shown_logs.state(exchange)

    def log_receipt(self, exchange: bytes, index: int) -> Mapping[str, Any]:
        """The receipt of an entry again. Raises InvalidInput."""
        return self._services.logs.receipt(index, self._services.signer_of(exchange)).to_json()

    def log_proof(self, exchange: bytes, leaf: bytes | None, index: int | None, size: int | None) -> Mapping[str, Any]:
        """That an entry stands in a log as of a checkpoint. Raises InvalidInput, NotFound."""
        return self._services.shown_logs.proof(exchange, leaf=leaf, index=index, size=size).to_json()

    def log_extension(self, exchange: bytes, former: int, size: int | None) -> Mapping[str, Any]:
        """That a log only grew. Raises InvalidInput, NotFound."""
        return self._services.shown_logs.extension(exchange, former, size).to_json()

    def log_checkpoint(self, exchange: bytes) -> bytes:
        """The last checkpoint as a signed note. Raises InvalidInput, NotFound."""
        return self._services.shown_logs.note(self._services.signer_of(exchange)).encode()

    def log_tile(self, exchange: bytes, path: str) -> bytes:
        """A tile of a log. Raises InvalidInput, NotFound."""
        return self._services.shown_logs.tile(exchange, TilePath.of(path))

    # -- what the pages show besides ---------------------------------------------------------------------------------

    def titled(self, words: str) -> Sequence[bytes]:
        """The hashes of some public descriptors whose title holds these words."""
        return self._services.records.documents.titled(words)

    def cover(self, cover_hash: bytes) -> bytes | None:
        """The encoded public cover of this hash, or None. Raises IntegrityError where it was changed."""
        return self._services.records.deliveries.cover(cover_hash)

    def decoded(self, found: LogView) -> Event | None:
        """The event of a log, or None where this release cannot decode it."""
        with suppress(InvalidFormat, KeyError):
            return self._services.decoder.decode(found.log(self._services.addresses[found.contract]))
        return None

    def transaction(self, tx_hash: bytes) -> Mapping[str, Any]:
        """A transaction that was mined, as the node has it. Raises NotFound, ChainUnavailable."""
        found = self._services.node.request("eth_getTransactionReceipt", [to_hex(tx_hash)])
        if found is None:
            raise NotFound("transaction", to_hex(tx_hash))
        return {
            "hash": to_hex(tx_hash),
            "blockNumber": int(found["blockNumber"], 16),
            "from": found["from"],
            "to": found["to"],
            "gasUsed": int(found["gasUsed"], 16),
            "succeeded": int(found["status"], 16) == 1,
        }

    def _erase(self, consent_id: bytes) -> int:
        """Destroys the record's key in every payload that holds it; how many there were."""
        self._services.follow()
        return self._services.erase_record_of(consent_id)

    def _controller(self, address: bytes) -> Signer:
        """The account of this home with this address. Raises InvalidInput."""
        return self._services.signer_of(address, "controller")

    def _signer_of(self, address: bytes) -> Signer:
        """The account of this home with this address, the relayer's among them. Raises InvalidInput."""
        return self._relayer if address == self._relayer.address else self._controller(address)

    def _follow(self) -> None:
        with suppress(DeedbookError):
            self._keep_up()

    def _relay_round(self) -> None:
        with suppress(DeedbookError):  # such as a relayer without funds: its acts wait
            if self._services.relaying.step(self._relayer):
                self._relaying.wake()  # for what waited behind
                self._following.wake()

    def _anchor_round(self) -> None:
        with suppress(DeedbookError):
            if self._services.anchoring.step():
                self._following.wake()

    def _tell_round(self) -> None:
        with suppress(DeedbookError):
            self._delivering.step()

    def _take_up(self) -> None:
        """Serves every account that has something under way, whichever process or earlier life accepted it."""
        for account in self._services.operations.accounts():
            with suppress(InvalidInput):
                self._services.sender.serve(self._signer_of(account))

    def _drive(self) -> None:
        try:
            if self._services.chain is None and time.monotonic() - self._looked > LOOK_EVERY:
                self._take_up()
                self._looked = time.monotonic()
            if self._services.sender.step().progressed:
                self._driving.wake()
                self._following.wake()
        except IntegrityError as error:  # the chain denies what was final: nobody may miss it
            if str(error) != self._said:
                self._said = str(error)
                LOG.error("%s: %s", error.code, error)
        except DeedbookError:  # such as a node that is away: the rows wait
            pass


class _Loop(threading.Thread):
    """Goes its round at once when it is woken, and every `pause` seconds, until it is ended."""

    def __init__(self, name: str, around: Callable[[], None], pause: float = PAUSE) -> None:
        super().__init__(name=name, daemon=True)
        self._around = around
        self._pause = pause
        self._woken = threading.Event()
        self._ended = False

    def run(self) -> None:
        """Its rounds."""
        while not self._ended:
            self._woken.wait(self._pause)
            self._woken.clear()
            if not self._ended:
                self._around()

    def wake(self) -> None:
        """Begins the next round now."""
        self._woken.set()

    def end(self) -> None:
        """Lets it end after the round that it is at."""
        self._ended = True
        self.wake()
