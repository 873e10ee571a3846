"""A running home as the API serves it: one writer at a time, the mirror kept at the chain's head by a thread.

Another thread drives the outbox: what was mined becomes final, and what a fork threw out is sent again, also for
commands that did not live to see it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from deedbook.bootstrap.services import Services
from deedbook.chain.client import identity_of
from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.batches import Batch
from deedbook.domain.consents import SignedConsent, Withdrawal
from deedbook.domain.hashing import to_hex
from deedbook.domain.payees import PayeeRequest, SignedPayee
from deedbook.domain.relaying import SignedRequest
from deedbook.domain.tiles import TilePath
from deedbook.errors import (
    DeedbookError,
    IntegrityError,
    NotFound,
    RejectedByContract,
    WrongChain,
)
from deedbook.ledger.anchors import MOST_ENTRIES
from deedbook.ledger.consents import NO_SALT
from deedbook.ledger.entries import entries_in
from deedbook.mirror.store import Cursor, Mirror
from deedbook.queries.alerts import alerts

LOG = logging.getLogger(__name__)
RELAYER = "relayer"
"""The account that relays withdrawals and members' acts; any account may."""
PAUSE = 0.25
"""Seconds between looks at the chain's head."""
ERASE_EVERY = 60
"""Seconds after which a consent that has expired is erased at the latest, where no block comes."""


class Desk:
    """Implements `api.serving.Serving` over the services of a home."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._erased_at: tuple[Cursor | None, int] | None = None
        self._relayer = services.create_account(RELAYER)
        self._follower = threading.Thread(target=self._follow, name="follower", daemon=True)
        self._driver = threading.Thread(target=self._drive, name="sender", daemon=True)
        self._chain = None
        if services.chain is not None:
            from deedbook.chain.embedded.rpc import Methods

            self._chain = Methods(services.chain)

    def __enter__(self) -> Desk:
        self._services.build()
        with self._writing:
            self._services.reconcile()  # the records may be a restored backup: nothing is served before
        self.catch_up()
        self._follower.start()
        self._driver.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._follower.join()
        self._driver.join()

    @property
    def mirror(self) -> Mirror:
        """The public copy of the chain."""
        return self._services.mirror

    def catch_up(self) -> None:
        """Relays acts whose turn has come, anchors logs that are due, brings the mirror to the chain's head, and
        destroys the keys of records whose consents have ended: also where another process brought it there. Consents
        that expire make no block, so it looks for them by the clock too."""
        with self._writing:
            with suppress(DeedbookError):  # such as a relayer without funds: the mirror goes on
                self._services.relaying.step(self._relayer)
            self._services.anchoring.step()
            self._services.follow()
            now = (self.mirror.cursor(), self._services.clock() // ERASE_EVERY)
            if now != self._erased_at:
                self._services.erase_ended()
                self._erased_at = now

    def rpc(self, body: bytes) -> bytes:
        """Answers JSON-RPC from the embedded chain. Raises NotFound where the home uses other nodes."""
        if self._chain is None:
            raise NotFound("embedded chain in home", self._services.home.path.name, hint="ask the configured node")
        return self._chain.handle(body)

    def heads(self) -> tuple[int, int]:
        """The chain's newest block and the mirror's."""
        cursor = self.mirror.cursor()
        return int(self._services.node.request("eth_blockNumber", []), 16), cursor.number if cursor else -1

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

    def alerts(self, limit: int, after: str | None) -> Mapping[str, Any]:
        """A page of what somebody should look at now. Raises InvalidInput."""
        now, covers = self._services.clock(), self._services.records.deliveries.cover
        return alerts(self.mirror, now, covers=covers, limit=limit, after=after).to_json()

    def collect(self, signed: Any) -> Mapping[str, Any]:
        """Takes a signed consent; the receipt. Raises InvalidInput, InvalidSignature."""
        consent = SignedConsent.from_json(signed)
        with self._writing:
            return self._services.consents.collect(consent, self._controller(consent.consent.controller)).to_json()

    def anchor(self, asset_id: int, salt: bytes | None) -> Mapping[str, Any]:
        """Anchors what is pending for an asset, or was when an anchoring was cut short. Raises NotFound, InvalidInput
        where the controller is of another home, RejectedByContract."""
        with self._writing:
            made, receipt = self._services.consents.anchor_by(asset_id, self._controller, salt=salt or NO_SALT)
            self._services.follow()
        return {**_batch(made), **_transaction(receipt)}

    def withdraw(self, withdrawal: Any) -> Mapping[str, Any]:
        """Relays a withdrawal and destroys the record's key; a consent that waits for its batch never enters one.

        Raises InvalidSignature, NotFound, RejectedByContract.
        """
        signed = Withdrawal.from_json(withdrawal)
        said: dict[str, Any] = {"consentId": to_hex(signed.consent_id), "anchored": False, "erased": 0}
        with self._writing:
            try:
                receipt = self._services.consents.withdraw_for(signed, self._relayer)
            except RejectedByContract as refusal:
                if refusal.error == "AlreadyWithdrawn":  # but a crash may have come before the erasure
                    self._erase(signed.consent_id)
                raise
            if receipt is not None:
                live = receipt.event("LeafEnded").args["live"]
                erased = self._erase(signed.consent_id)
                said |= {"anchored": True, "live": live, "erased": erased, **_transaction(receipt)}
        return said

    def name_payee(self, signed: Any) -> Mapping[str, Any]:
        """Takes a signed payee; it, masked, and whether it is new. Raises InvalidInput, InvalidSignature, NotFound."""
        named = SignedPayee.from_json(signed)
        with self._writing:
            new = self._services.payees.name(named)
        return {**named.payee.shown, "new": new}

    def payee(self, request: Any) -> Mapping[str, Any]:
        """The payee that is kept, for its owner. Raises InvalidInput, InvalidSignature, NotFound."""
        return self._services.payees.kept(PayeeRequest.from_json(request)).to_json()

    def relay(self, signed: Any) -> Mapping[str, Any]:
        """Takes a member's signed act and relays it, or keeps it until its turn comes; what became of it.

        Raises InvalidInput, InvalidSignature, Conflict, RejectedByContract.
        """
        request = SignedRequest.from_json(signed)
        with self._writing:
            act = self._services.relaying.relay(request, self._relayer)
            self._services.follow()
        return self._services.relaying.shown(act)

    def relayed(self, digest: bytes) -> Mapping[str, Any]:
        """A relayed act, and what became of it. Raises NotFound."""
        return self._services.relaying.shown(self._services.records.relayed.get(digest))

    def append(self, exchange: bytes, body: bytes) -> bytes:
        """Takes the entries of NDJSON into an exchange's log; its receipts, one a line, once all are on disk.

        Raises InvalidFormat and InvalidInput naming the line, or where the exchange is of another home;
        IntegrityError.
        """
        signer = self._services.signer_of(exchange)
        receipts = self._services.logs.append(entries_in(body, most=MOST_ENTRIES), signer)
        return b"".join(receipt.encode() + b"\n" for receipt in receipts)

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

    def _erase(self, consent_id: bytes) -> int:
        """Destroys the record's key in every payload that holds it; how many there were."""
        self._services.follow()
        return self._services.erase_record_of(consent_id)

    def _controller(self, address: bytes) -> Signer:
        """The account of this home with this address. Raises InvalidInput."""
        return self._services.signer_of(address, "controller")

    def _follow(self) -> None:
        while not self._stop.wait(PAUSE):
            with suppress(DeedbookError):
                self.catch_up()

    def _drive(self) -> None:
        said = ""
        while not self._stop.wait(PAUSE):
            try:
                self._services.sender.step()
            except IntegrityError as error:  # the chain denies what was final: nobody may miss it
                if str(error) != said:
                    LOG.error("%s: %s", error.code, said := str(error))
            except DeedbookError:  # such as a node that is away: the rows wait
                continue


def _batch(made: Batch) -> dict[str, Any]:
    return {"batchId": to_hex(made.batch_id), "root": to_hex(made.root), "count": made.count}


def _transaction(receipt: Receipt) -> dict[str, Any]:
    return {"transaction": to_hex(receipt.tx_hash), "block": receipt.block_number, "gas": receipt.gas_used}
