"""Settings to Services: opens a home and wires its rooms together.

The embedded chain has one writer. While a service runs in a home, it holds the chain, and every other command of that
home talks to it through its JSON-RPC; otherwise the command opens the chain itself.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deedbook import config
from deedbook.audit.export import Readers, export_sale, export_slim, trust_at
from deedbook.audit.persons import OwnEvidence, OwnLeaf, own_statement
from deedbook.bootstrap.anchors import Anchoring, ShownLogs
from deedbook.bootstrap.complaints import Complaints
from deedbook.bootstrap.home import Home, read_json, write_json
from deedbook.bootstrap.outboxes import WatchedOutbox
from deedbook.bootstrap.payments import Payments
from deedbook.bootstrap.persons import Persons, ReadLog
from deedbook.bootstrap.posting import Poster
from deedbook.bootstrap.processes import cores
from deedbook.bootstrap.validators import finality, known_validators
from deedbook.bootstrap.webhooks import Delivering
from deedbook.bootstrap.withdrawals import WithdrawalBook
from deedbook.chain.client import EmbeddedNode, HttpNode, Node, require_chain
from deedbook.chain.decoding import Decoder
from deedbook.chain.deployment import (
    NO_PREDECESSOR,
    ORDER,
    UNJOURNALLED,
    Deployment,
    Predecessor,
    deploy,
    predecessor_of,
)
from deedbook.chain.endpoints import PERIOD, Endpoint, Endpoints, EndpointState
from deedbook.chain.finality import Finality
from deedbook.chain.transactions import Sender, Signer
from deedbook.config import Settings
from deedbook.domain.destinations import Permitted, networks_of
from deedbook.domain.hashing import to_hex
from deedbook.domain.intents import IntentState
from deedbook.domain.keytree import is_delivered
from deedbook.domain.notices import Notice
from deedbook.domain.payloads import PayloadRecord
from deedbook.domain.relaying import ActState
from deedbook.domain.validators import Validators
from deedbook.errors import (
    ChainUnavailable,
    Conflict,
    CorruptStore,
    DeedbookError,
    IntegrityError,
    InvalidInput,
    Locked,
    MissingKey,
    NotFound,
    WrongVersion,
)
from deedbook.ledger.acting import Acting, Sending
from deedbook.ledger.anchors import Logs, Pace
from deedbook.ledger.consents import Consents
from deedbook.ledger.operations import Operations, Preparing
from deedbook.ledger.payees import Payees
from deedbook.ledger.relaying import ByRelay, Drafting, Relaying
from deedbook.ledger.webhooks import Webhooks
from deedbook.ledger.withdrawing import Withdrawing
from deedbook.mirror.backfill import Report, unreported
from deedbook.mirror.canonical import table_digest
from deedbook.mirror.follower import Follower, Progress
from deedbook.mirror.rebuild import Comparison, TableDigest, check, rebuild
from deedbook.mirror.rebuild_schema import rebuild_in_postgresql
from deedbook.mirror.replay import Replay, replay
from deedbook.mirror.schema import CANONICAL, NODES
from deedbook.mirror.source import NodeSource
from deedbook.mirror.store import Chain as MirroredChain
from deedbook.mirror.store import Check, Mirror, block_at, read_check, write_check
from deedbook.mirror.subscribers import Subscriber
from deedbook.queries.assets import version
from deedbook.queries.consents import batch, batches_of, ended_records, expiring_bindings, withdrawn_among
from deedbook.queries.events import EventFeed
from deedbook.queries.sales import sale
from deedbook.queries.statements import StatementView, statement_of_consent
from deedbook.queries.views import MOST_ROWS, every
from deedbook.records.database import path_of
from deedbook.records.store import Records
from deedbook.vault.envelopes import EncryptionKeyPair, Suite
from deedbook.vault.erasure import Erasure
from deedbook.vault.keks import FileKeks
from deedbook.vault.objects import ObjectStore
from deedbook.vault.payloads import Vault
from deedbook.vault.sealers import KeySealer
from deedbook.wallet.keystores import Keystore, SeedBook

if TYPE_CHECKING:
    from deedbook.chain.embedded.chain import Chain

GOVERNANCE = "governance"
RECORDS_KEY = "records"
"""The label of the key that seals the records' private columns."""
SOLE = "home"
"""Who sends while it holds the embedded chain: there is one such process, and its next life takes over at once."""
MOMENT = 4
"""Looks at the network for what a crash left, when a home is opened."""
FREE_GAS = 20_000_000
"""The gas limit of a transaction on the embedded chain, where gas is free."""

Clock = Callable[[], int]
Entropy = Callable[[int], bytes]


def unix_time() -> int:
    """Seconds since 1970."""
    return int(time.time())


class Services:
    """Everything of one open home. Use as a context manager; `Services.open` and `Services.init` build it."""

    def __init__(
        self,
        settings: Settings,
        home: Home,
        node: Node,
        chain: Chain | None,
        *,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self.settings = settings
        self.home = home
        self.node = node
        self.chain = chain
        self.clock = clock
        self.entropy = entropy
        self.make_vault: Callable[..., Vault] = Vault
        self._signers: dict[str, Signer] = {}
        self._by_account: dict[bytes, Signer] = {}

    # -- opening ---------------------------------------------------------------------------------------------------

    @classmethod
    def init(
        cls,
        settings: Settings,
        *,
        clock: Clock = unix_time,
        entropy: Entropy = secrets.token_bytes,
        successor_of: Path | None = None,
    ) -> Services:
        """Creates a home, or finishes one that was begun: chain, keys, contracts, databases. A whole one is opened.

        `successor_of`: the home whose deployment the new one follows, and commits to as it is now. The chain is the one
        that every configured node which answers is of: raises NodesDisagree where they differ.
        """
        home = Home.create(settings.home)
        if home.restoring.exists():
            raise Conflict("a backup is being put back here", hint="finish it by the same: deedbook restore")
        if home.deployment.exists():
            return cls.open(settings, clock=clock, entropy=entropy)
        services = cls._wired(settings, home, clock, entropy)
        try:
            services._require_keys()
            services.agree()
            follows = predecessor_in(successor_of, clock) if successor_of else NO_PREDECESSOR
            write_json(home.deployment, services._deploy(follows).to_json())
        except BaseException:
            services.close()
            raise
        return services

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock = unix_time, entropy: Entropy = secrets.token_bytes) -> Services:
        """Opens a home, and ends what a crash left half done - unless a running service is at it.

        Raises NotFound, WrongVersion, InvalidFormat, MissingKey, CorruptStore, Locked, WrongChain, ChainUnavailable,
        NodesDisagree.
        """
        home = _deployed(settings)
        _require_whole(settings, home)
        services = cls._wired(settings, home, clock, entropy)
        try:
            _ = services.records  # a wrong passphrase or another release's records are told now
            services._require_chain()
            if services.is_alone:
                services._resume()
                services.erasure.resume()
        except BaseException:
            services.close()
            raise
        return services

    @classmethod
    def copying(cls, settings: Settings, *, clock: Clock = unix_time) -> Services:
        """Opens a home to copy its chain and to do nothing else: no key, passphrase or private record is asked for.

        Raises NotFound, WrongVersion, InvalidFormat, Locked, WrongChain, ChainUnavailable, NodesDisagree.
        """
        services = cls._wired(settings, _deployed(settings), clock, secrets.token_bytes)
        try:
            services._require_chain()
        except BaseException:
            services.close()
            raise
        return services

    def _require_chain(self) -> None:
        deployed = self.deployment
        _require_current(deployed)
        require_chain(self.node, chain_id=deployed.chain_id, genesis_hash=deployed.genesis_hash)
        self.agree()

    @classmethod
    def _wired(cls, settings: Settings, home: Home, clock: Clock, entropy: Entropy) -> Services:
        node, chain = open_node(settings, home, clock)
        try:
            return cls(settings, home, node, chain, clock=clock, entropy=entropy)
        except BaseException:
            if chain is not None:
                chain.close()
            raise

    def close(self) -> None:
        """Closes databases and chain, and frees the home for the next writer."""
        self._close_mirror()
        if "records" in self.__dict__:
            self.records.close()
        if isinstance(self.node, (Endpoints, HttpNode)):
            self.node.close()
        if self.chain is not None:
            self.chain.close()

    def build(self) -> None:
        """Builds what acts, reads and erases, before threads share it: what is built on first use has no lock."""
        parts = (
            "records",
            "sender",
            "consents",
            "payees",
            "logs",
            "anchoring",
            "poster",
            "webhooks",
            "relaying",
            "operations",
            "mirror",
            "source",
            "vault",
            "erasure",
            "keystore",
        )
        for part in parts:
            getattr(self, part)

    def __enter__(self) -> Services:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the chain -------------------------------------------------------------------------------------------------

    @cached_property
    def deployment(self) -> Deployment:
        """Where the contracts are."""
        return Deployment.from_json(read_json(self.home.deployment, "deployment.json"))

    @property
    def is_alone(self) -> bool:
        """Whether no running service of this home stands between us and the chain."""
        return self.chain is not None or bool(self.settings.rpc_urls)

    @property
    def endpoints(self) -> tuple[EndpointState, ...]:
        """How each configured node stands; none where the home uses its own chain."""
        return self.node.states() if isinstance(self.node, Endpoints) else ()

    def agree(self, within: float = 0.0) -> None:
        """Makes sure that the configured nodes have the same final blocks, unless they had less than `within` seconds
        ago. Raises NodesDisagree quoting them."""
        if isinstance(self.node, Endpoints) and len(self.settings.rpc_urls) > 1:
            # Under the newest block that all have, by that block's own ancestors: a node that has just come back may
            # stand on a block beside one that is final for the others, and catch up.
            self.node.check(finality(self.node, self.validators), within=within)

    @property
    def chain_id(self) -> int:
        """The chain's id."""
        return self.deployment.chain_id

    @property
    def addresses(self) -> dict[str, bytes]:
        """The contracts' addresses by name."""
        return dict(self.deployment.addresses)

    @cached_property
    def validators(self) -> Validators | None:
        """Who seals the chain's blocks, by block; None on an instant chain."""
        genesis = self.deployment.genesis_hash if self.home.deployment.exists() else None
        return known_validators(self.home, self.node, self.settings.consensus, genesis)

    @cached_property
    def final(self) -> Finality:
        """Which blocks can no longer change."""
        return finality(self.node, self.validators)

    @cached_property
    def decoder(self) -> Decoder:
        """Logs to events."""
        return Decoder(self.deployment.addresses)

    @cached_property
    def sender(self) -> Sender:
        """Sends intents."""
        return self._sender(self.chain_id, self.decoder)

    @cached_property
    def acting(self) -> Acting:
        """How use cases act. The same call is the same intent, unless it was mined without effect before."""
        return self._acting(again_after=(IntentState.FAILED,))

    @cached_property
    def anew(self) -> Acting:
        """Acts that a person asks for: the same words twice are two acts, unless the first one is still under way."""
        return self._acting(again_after=(IntentState.FAILED, IntentState.MINED, IntentState.FINAL))

    @cached_property
    def preparing(self) -> Acting:
        """Acts as `anew` makes them, up to their sending: each ends by raising `Prepared`."""
        ends = (IntentState.FAILED, IntentState.MINED, IntentState.FINAL)
        return self._acting(again_after=ends, sending=Preparing(self.sender))

    def _acting(self, *, again_after: Collection[IntentState], sending: Sending | None = None) -> Acting:
        """Acts whose call is made again once it was mined and ended so."""

        def is_over(key: str) -> bool:
            row = self.records.outbox.get(key)
            return row is not None and row.mined is not None and row.state in again_after

        return Acting(sending or self.sender, self.chain_id, self.deployment.addresses, is_over=is_over)

    @cached_property
    def relaying(self) -> Relaying:
        """Acts that their members sign and others pay for."""
        return Relaying(
            self.sender,
            self.node,
            self.chain_id,
            self.addresses,
            self.records.relayed,
            clock=self.clock,
            final=self.final,
            noted=self._note_signed,
        )

    def _note_signed(self, contract: str, data: bytes, is_next: bool) -> None:
        """A batch whose collector signed for it is kept before it is relayed. Raises Conflict."""
        if contract == "Consents":
            self.consents.keep_signed(data, is_next=is_next)

    @cached_property
    def operations(self) -> Operations:
        """Acts that are accepted, and brought to their end by `sender.step`."""
        return Operations(
            self.records.outbox,
            self.sender,
            self.records.operations,
            self.records.relayed,
            shown=self.relaying.shown,
            clock=self.clock,
        )

    def relayed_by(self, relayer: Signer) -> Acting:
        """How use cases act where `relayer` pays: every call is a request that its member signs."""
        book = self.records.relayed

        def is_over(key: str) -> bool:
            act = book.find(key)
            return act is not None and act.state in (ActState.FAILED, ActState.VOID)

        sending = ByRelay(self.relaying, self.sender, book, relayer)
        return Acting(sending, self.chain_id, self.deployment.addresses, is_over=is_over)

    def draft_acts(self, *, deadline: int | None = None) -> None:
        """From here on, an act that a person asks for (`anew`) is not sent: it ends by raising `Drafted`."""
        self.__dict__["anew"] = self.drafting(deadline=deadline)

    def drafting(self, *, deadline: int | None = None) -> Acting:
        """Acts for their members to sign: each ends by raising `Drafted`."""
        sending = Drafting(self.relaying, self.sender, deadline=deadline)
        return Acting(sending, self.chain_id, self.deployment.addresses)

    def chain_time(self) -> int:
        """The time of the newest block, Unix seconds."""
        return int(self.node.request("eth_getBlockByNumber", ["latest", False])["timestamp"], 16)

    def _sender(self, chain_id: int, decoder: Decoder) -> Sender:
        return Sender(
            self.node,
            chain_id=chain_id,
            decoder=decoder,
            outbox=self.records.outbox,
            gas_limit=None if self.settings.rpc_urls else FREE_GAS,
            final=self.final,
            owner=None if self.chain is None else SOLE,
        )

    def _resume(self) -> None:
        """Ends what a crash left signed and not sent. On a network others may be at it, and a block takes its time:
        there it is looked at for a moment, and whoever sends next goes on."""
        if self.chain is not None:
            self.sender.resume()
        else:
            with suppress(ChainUnavailable):
                self.sender.resume(patience=MOMENT)

    def _deploy(self, follows: Predecessor) -> Deployment:
        chain_id = int(self.node.request("eth_chainId", []), 16)
        return deploy(self.node, self._sender(chain_id, Decoder({})), self.signer(GOVERNANCE), predecessor=follows)

    # -- what is private -------------------------------------------------------------------------------------------

    @cached_property
    def records(self) -> Records:
        """The private database."""
        opened = Records.open(self.records_url, self._sealer())
        opened.outbox = self.outbox = WatchedOutbox(opened.database)
        return opened

    @property
    def records_url(self) -> str:
        """Its SQLAlchemy URL."""
        return self.settings.records_url or f"sqlite:///{self.home.records}"

    @cached_property
    def _passphrase(self) -> str:
        return self.home.passphrase(self.settings.passphrase)

    # -- keys ------------------------------------------------------------------------------------------------------

    @cached_property
    def keystore(self) -> Keystore:
        """The members' accounts."""
        return Keystore(self.home.keys, entropy=self.entropy)

    @cached_property
    def seeds(self) -> SeedBook:
        """Seeds and encryption keys by label."""
        path = self.home.seeds
        if path.exists():
            return SeedBook.open(path, self._passphrase, entropy=self.entropy)
        return SeedBook.create(path, self._passphrase, entropy=self.entropy)

    def signer(self, name: str) -> Signer:
        """The signer of a named account of this home. Raises MissingKey."""
        if name not in self._signers:
            self._signers[name] = self.keystore.open(name, self._passphrase)
        return self._signers[name]

    def signer_of(self, account: bytes, field: str = "exchange") -> Signer:
        """The signer of the account of this home with this address. Raises InvalidInput (`field`)."""
        if account not in self._by_account:
            for name in self.keystore.names():
                signer = self.signer(name)
                self._by_account[signer.address] = signer
        if account not in self._by_account:
            raise InvalidInput(field, "is not an account of this home")
        return self._by_account[account]

    def create_account(self, name: str) -> Signer:
        """A fresh account in the keystore; the one of this name where there is one."""
        if name not in self.keystore.names():
            self._signers[name] = self.keystore.create(name, self._passphrase)
        return self.signer(name)

    def keep_encryption_key(self, name: str, key: EncryptionKeyPair) -> None:
        """Keeps a member's encryption key in the seed book."""
        self.seeds.add({f"encryption/{name}/{int(key.suite):#06x}": key.private})

    def encryption_key(self, name: str) -> EncryptionKeyPair:
        """The encryption key of a named account. Raises MissingKey."""
        for suite in Suite:
            label = f"encryption/{name}/{int(suite):#06x}"
            if label in self.seeds.labels():
                return EncryptionKeyPair(suite, self.seeds.seed(label))
        return EncryptionKeyPair(Suite.X25519, self.seeds.seed(f"encryption/{name}"))

    def _sealer(self) -> KeySealer:
        if RECORDS_KEY not in self.seeds.labels():
            self.seeds.add({RECORDS_KEY: self.entropy(32)})
        return KeySealer(self.seeds.seed(RECORDS_KEY), self.entropy)

    def _require_keys(self) -> None:
        self.create_account(GOVERNANCE)

    # -- rooms -----------------------------------------------------------------------------------------------------

    @cached_property
    def vault(self) -> Vault:
        """Sealed payloads."""
        objects = (
            ObjectStore.at(self.settings.objects_url)
            if self.settings.objects_url
            else ObjectStore.in_folder(self.home.objects)
        )
        return self.make_vault(objects, self.records.payloads, self.keks, entropy=self.entropy, clock=self.clock)

    @cached_property
    def keks(self) -> FileKeks:
        """Key-encryption keys."""
        return FileKeks(self.home.keks, entropy=self.entropy)

    @cached_property
    def erasure(self) -> Erasure:
        """Destroys the keys of single records."""
        return Erasure(self.records.payloads, self.keks, entropy=self.entropy, clock=self.clock)

    @cached_property
    def consents(self) -> Consents:
        """Collect, anchor, bind, withdraw."""
        return Consents(self.acting, self.records.consents, self.notice, self.clock, remember=self.withdrawals.remember)

    @cached_property
    def withdrawing(self) -> Withdrawing:
        """Relays withdrawals by the thousand."""
        return Withdrawing(self.acting, self.sender, self.consents, self.records.consents)

    @cached_property
    def payees(self) -> Payees:
        """Where people want their money."""
        book = self.records.payees
        return Payees(self.consents.domain, book, self.records.consents.consent, self.clock)

    @property
    def complaints(self) -> Complaints:
        """What persons say went wrong."""
        return Complaints(self.mirror, self.records, self.clock, self.entropy)

    @cached_property
    def logs(self) -> Logs:
        """The exchanges' own logs: appended to, anchored."""
        return Logs(self.acting, self.records.anchors, self.clock, ThreadPoolExecutor(cores(), "signing"))

    @property
    def shown_logs(self) -> ShownLogs:
        """The logs as the mirror has them anchored."""
        return ShownLogs(self.logs, self.records.anchors, self.mirror)

    @cached_property
    def anchoring(self) -> Anchoring:
        """Anchors the logs in time."""
        pace = Pace(self.settings.anchor_entries, self.settings.anchor_seconds)
        return Anchoring(self.logs, self.records.anchors, pace, self.signer_of, self.clock)

    @cached_property
    def poster(self) -> Poster:
        """Sends to webhooks, where the settings permit it."""
        return Poster(self._permitted)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Who is told of events."""
        return Webhooks(self.records.webhooks, self._permitted, self.poster, clock=self.clock, entropy=self.entropy)

    @property
    def _permitted(self) -> Permitted:
        settings = self.settings
        return Permitted(settings.webhook_http, networks_of(settings.webhook_networks, "webhook_networks"))

    def delivering(self, owner: str, woken: Callable[[], None]) -> Delivering:
        """Delivers events to webhooks, as `owner`."""
        return Delivering(
            self.records.webhooks,
            lambda: self.events,
            self.poster,
            owner=owner,
            clock=self.clock,
            luck=lambda: int.from_bytes(self.entropy(4), "big") / 2**32,
            tries=self.settings.webhook_tries,
            woken=woken,
        )

    @property
    def persons(self) -> Persons:
        """What is a person's own."""
        return Persons(self.mirror, self.records)

    @property
    def read_log(self) -> ReadLog:
        """Who read a person's matter."""
        return ReadLog(self.records.principals, self.clock)

    @property
    def payments(self) -> Payments:
        """What the people of a sale are owed, and what a bank is told."""
        return Payments(self.mirror, self.records, self.clock)

    @cached_property
    def withdrawals(self) -> WithdrawalBook:
        """Withdrawals that the chain will never know of, where no backup reaches."""
        return WithdrawalBook(self.home.withdrawn)

    def notice(self, digest: bytes) -> Notice:
        """A published notice by its SHA-256. Raises NotFound."""
        return Notice.decode(self.records.documents.get(digest).content)

    # -- the mirror ------------------------------------------------------------------------------------------------

    @property
    def mirrored_chain(self) -> MirroredChain:
        """What the mirror copies: the journalled contracts."""
        journalled = {name: at for name, at in self.deployment.addresses.items() if name not in UNJOURNALLED}
        return MirroredChain(self.chain_id, self.deployment.genesis_hash, journalled)

    @cached_property
    def mirror(self) -> Mirror:
        """The public copy of the chain."""
        return Mirror.open(self.mirror_url, self.mirrored_chain)

    @property
    def events(self) -> EventFeed:
        """The mirror's events, in their order."""
        chain = self.mirrored_chain
        return EventFeed(self.mirror, chain.chain_id, chain.contracts, self.decoder.decode)

    @property
    def mirror_url(self) -> str:
        """Its SQLAlchemy URL."""
        return self.settings.mirror_url or f"sqlite:///{self.home.mirror}"

    @cached_property
    def source(self) -> NodeSource:
        """The node as the follower sees it."""
        contracts, consensus = self.mirrored_chain.contracts, self.settings.consensus
        return NodeSource(self.node, contracts, final=self.final, consensus=consensus)

    def follow(self, subscribers: Sequence[Subscriber] = (), report: Report = unreported) -> Progress:
        """Brings the mirror to the chain's head; every block's logs are compared with its receipts where the node gives
        them. Raises NodesDisagree before anything is copied."""
        self.agree(within=PERIOD)
        follower = Follower(
            self.source, self.mirror, self.decoder.decode, receipts=self.source, subscribers=subscribers, report=report
        )
        progress = follower.follow()
        self._remember_confirmed()
        return progress

    def _remember_confirmed(self) -> None:
        """Notes in the mirror to which of its blocks several nodes were found to agree."""
        confirmed = self.node.confirmed if isinstance(self.node, Endpoints) else None
        if confirmed is None:
            return
        number, block_hash = confirmed
        with self.mirror.reading() as connection:
            known, block = read_check(connection, NODES), block_at(connection, number)
        if block is not None and block.hash == block_hash and (known is None or known.last < number):
            with self.mirror.writing() as connection:
                if block_at(connection, number) == block:  # else a fork took it back meanwhile
                    write_check(connection, NODES, Check(0, number, block_hash, None))

    def replay_quarantined(self) -> Replay:
        """Tries what the mirror has in quarantine again with this release's decoder."""
        return replay(self.mirror, self.decoder.decode)

    def ended_records(self, asset_id: int, version: int) -> list[int]:
        """The record indices of a version whose consents have ended, as the mirror has it."""
        return list(ended_records(self.mirror, asset_id, version))

    def statement(self, consent_id: bytes) -> StatementView:
        """What a person's record was delivered for, what is owed and what was paid. Raises NotFound."""
        covers, place = self.records.deliveries.cover, self.records.consents.place_of
        return statement_of_consent(self.mirror, consent_id, covers, place=place, lists=self.payments.places)

    def erase_record_of(self, consent_id: bytes) -> int:
        """Destroys the key of a consent's record in every payload that holds it; in how many. Raises NotFound."""
        batch_id, index = self.records.consents.place_of(consent_id)
        targets: dict[bytes, set[int]] = {}
        for binding in batch(self.mirror, batch_id).bindings:
            root = version(self.mirror, binding.asset_id, binding.version).content_root
            with suppress(NotFound):
                found = self.vault.payload_of(root).payload_id
                targets.setdefault(found, set()).add(binding.record_offset + index)
        if not targets or self._opens_nothing():
            return 0
        self.erasure.erase(targets)
        return len(targets)

    def reconcile(self) -> int:
        """Brings the private records to what was withdrawn since they were written, as after a backup was restored:
        before anything is anchored, sealed, delivered or served. How many consents or records that ended.

        The mirror is brought to the chain's head first. A consent that the chain or the home's own book says is
        withdrawn never enters a batch; the key of every record whose consent has ended is destroyed.
        Raises CorruptStore where consents that wait are in a batch of the chain already, which these records lost:
        anchored a second time, one of the two would outlive a withdrawal. Otherwise as `follow`.
        """
        self.follow()
        ended = 0
        book, remembered = self.records.consents, self.withdrawals.all()
        for asset_id, waiting in book.pending_ids().items():
            gone = withdrawn_among(self.mirror, waiting) | (remembered & set(waiting))
            for consent_id in sorted(gone):
                book.mark_withdrawn(consent_id)
            ended += len(gone)
            if len(gone) < len(waiting):
                self._require_batches(asset_id)
        return ended + self.erase_ended()

    def _require_batches(self, asset_id: int) -> None:
        """That the records have every batch of the collectors whose consents wait."""
        book = self.records.consents
        known = {each.batch_id for each in book.batches_of(asset_id)}
        batches = every(lambda after: batches_of(self.mirror, asset_id, limit=MOST_ROWS, after=after))
        lost = [each for each in batches if not each.direct and each.batch_id not in known]
        if not lost:
            return
        collectors = book.pending_controllers(asset_id)
        for each in lost:
            if each.collector in collectors:
                raise CorruptStore(
                    f"the records are older than the chain: they lack the batch {to_hex(each.batch_id)}",
                    hint=f"restore the records as they were after block {each.granted_block}",
                    batch=to_hex(each.batch_id),
                    block=each.granted_block,
                )

    def erase_ended(self) -> int:
        """Destroys the key of every record whose consent has ended or expired, however it did; of how many. All of them
        share one erasure.

        A withdrawal may reach the chain past this service: the mirror tells of it. A consent has expired when this
        home's clock is past its last second, as for a block of that time. Records from before an erasure are wrapped
        by a key that is no more: nothing of them opens, and nothing is left to destroy.
        """
        if self._opens_nothing():
            return 0
        targets: dict[bytes, set[int]] = {}
        wrapped = self.records.payloads.keys()
        for payload in (self.vault.payload(key.payload_id) for key in wrapped):
            if self._is_published(payload):
                ended = {*ended_records(self.mirror, payload.asset_id, payload.version), *self._expired(payload)}
                kept = self.vault.available(payload.payload_id)
                targets[payload.payload_id] = {index for index in ended if is_delivered(kept, index)}
        targets = {payload_id: indices for payload_id, indices in targets.items() if indices}
        if targets:
            self.erasure.erase(targets)
        return sum(map(len, targets.values()))

    def _expired(self, payload: PayloadRecord) -> set[int]:
        """The record indices of a published payload whose own consents have expired; of a batch that is not kept here,
        none. A consent granted on chain says on chain until when."""
        now, book = self.clock(), self.records.consents
        expired: set[int] = set()
        for bound in expiring_bindings(self.mirror, payload.asset_id, payload.version, now):
            direct = batch(self.mirror, bound.batch_id).direct
            leaves = [0] if direct else book.expired_leaves(bound.batch_id, now)
            expired.update(bound.record_offset + index for index in leaves)
        return expired

    def _opens_nothing(self) -> bool:
        """Whether the records are from before an erasure: the key that they are wrapped by is destroyed."""
        return self.records.payloads.generation() not in self.keks.generations()

    def _is_published(self, payload: PayloadRecord) -> bool:
        """Whether the payload is a version's, so that its records are in the order of the binding."""
        try:
            return version(self.mirror, payload.asset_id, payload.version).content_root == payload.content_root
        except NotFound:
            return False

    # -- audit -----------------------------------------------------------------------------------------------------

    def export_sale(self, sale_id: bytes, *, full: bool = True) -> tuple[bytes, bytes]:
        """The bundle of a sale as of the newest final block, and a trust: in the chain's validators as this home knows
        them, or where nobody seals blocks one that pins that block as this home's own node has it.

        Whoever verifies for others takes the trust from elsewhere. Raises NotFound, EvidenceMissing; InvalidInput
        (`public`) for the full form of more than 100,000 consents.
        """
        block = self._final_block()
        bundle = export_sale(self._readers(), sale_id, block=block, full=full)
        return bundle, trust_at(self.node, self.addresses, block, validators=self.validators).to_json()

    def _readers(self) -> Readers:
        return Readers(
            self.node,
            self.addresses,
            self.records.documents,
            self.records.deliveries,
            self.records.consents,
            lambda root: self.vault.unit_hashes(self.vault.payload_of(root).payload_id),
            self.validators,
        )

    def trust(self) -> bytes:
        """A trust as of the newest final block, as `export_sale` gives it."""
        return trust_at(self.node, self.addresses, self._final_block(), validators=self.validators).to_json()

    def _final_block(self) -> int:
        return self.final(int(self.node.request("eth_blockNumber", []), 16))

    def export_statement(self, sale_id: bytes, consent_id: bytes) -> bytes:
        """What a person needs, but for a trust, to check the own statement of a sale without this exchange. Documents
        that the sale rests on are not needed for it, and need not be kept here. What would not hold is not given.

        Raises NotFound, EvidenceMissing, IntegrityError.
        """
        bundle, trust = export_slim(self._readers(), sale_id, block=self._final_block())
        place, signed = self.consents.place(consent_id), self.records.consents.consent(consent_id)
        own = OwnLeaf(signed, place.batch.batch_id, place.index, place.proof)
        lines = self.statement(consent_id).lines
        ordinal = next((line.ordinal for line in lines if line.sale_id == sale_id), None)
        entries = {} if ordinal is None else self.payments.entries(sale(self.mirror, sale_id), ordinal)
        own_statement(bundle, trust, own, entries)
        return OwnEvidence(bundle, own, entries).to_bytes()

    def check_mirror(self, report: Report = unreported) -> Comparison:
        """Rebuilds beside the live mirror and compares row by row."""
        return check(self.source, self.mirror, self.decoder.decode, report=report)

    def mirror_digests(self) -> tuple[TableDigest, ...]:
        """Rows and digest of every canonical table of the mirror as it is."""
        with self.mirror.reading() as connection:
            return tuple(TableDigest(table.name, *table_digest(connection, table)) for table in CANONICAL)

    def delete_mirror(self) -> None:
        """Deletes the home's own mirror file; the chain has everything that was in it."""
        self._close_mirror()
        for tail in ("", "-wal", "-shm"):
            self.home.mirror.with_name(self.home.mirror.name + tail).unlink(missing_ok=True)

    def rebuild_mirror(self, until: int | None = None, report: Report = unreported) -> Progress:
        """Builds the mirror anew from block 0, to the chain's head or to block `until`, and puts it in the place of
        whatever is there."""
        self._close_mirror()
        path = path_of(self.mirror_url)
        if path is None:
            where = (self.source, self.mirror_url, self.mirrored_chain, self.decoder.decode)
            return rebuild_in_postgresql(*where, until=until, report=report)
        return rebuild(self.source, path, self.mirrored_chain, self.decoder.decode, until=until, report=report)

    def _close_mirror(self) -> None:
        if "mirror" in self.__dict__:  # as cached_property keeps it; a later use opens it again
            self.__dict__.pop("mirror").close()


def open_node(settings: Settings, home: Home, clock: Clock) -> tuple[Node, Chain | None]:
    """The node of a home: the configured ones, the running service's, or the embedded chain itself (then also given).

    Configured ones are of the deployment's chain, or of the one that they agree on where nothing is deployed yet.
    Raises Locked when another command holds the chain and no service answers.
    """
    if settings.rpc_urls:
        return _endpoints(settings.rpc_urls, home), None
    from deedbook.chain.embedded.chain import Chain

    try:
        # A chain that was deployed to is never replaced by an empty one.
        start = Chain.open if home.deployment.exists() else Chain.open_or_create
        chain = start(chain_file(home), clock=clock)
        return EmbeddedNode(chain), chain
    except NotFound as error:
        raise CorruptStore("the home's chain is gone", file=chain_file(home).name) from error
    except Locked:
        node = running_service(home)
        if node is None:
            raise
        return node, None


def _endpoints(urls: Sequence[str], home: Home) -> Endpoints:
    nodes = [Endpoint.at(url) for url in urls]
    if not home.deployment.exists():
        return Endpoints(nodes)
    deployed = Deployment.from_json(read_json(home.deployment, "deployment.json"))
    return Endpoints(nodes, chain_id=deployed.chain_id, genesis_hash=deployed.genesis_hash)


def predecessor_in(path: Path, clock: Clock) -> Predecessor:
    """The deployment of the home at `path` as another one commits to it now. Raises as `Services.open`."""
    home = Home.open(path)
    former = Deployment.from_json(read_json(home.deployment, "deployment.json"))
    node, chain = open_node(config.load(path), home, clock)
    try:
        return predecessor_of(node, former)
    finally:
        if chain is not None:
            chain.close()


def _require_current(deployment: Deployment) -> None:
    """Raises WrongVersion for contracts of an earlier release, whose acts are others."""
    if set(deployment.addresses) != set(ORDER):
        hint = "let another one follow it: deedbook init --successor-of"
        raise WrongVersion("deployment.version", "its contracts are an earlier release's", hint=hint)


def _deployed(settings: Settings) -> Home:
    """The home, its contracts deployed."""
    home = Home.open(settings.home)
    if not home.deployment.exists():
        raise NotFound("deployment in home", str(settings.home), hint="finish it by: deedbook init")
    return home


def _require_whole(settings: Settings, home: Home) -> None:
    """What was there when the home was finished, and would silently be made anew, empty."""
    if settings.records_url is None and not (home.records.exists() and home.records.stat().st_size):
        raise CorruptStore("the home's records are gone", file=home.records.name)
    if not home.seeds.exists():
        raise MissingKey("the home's seed book is gone", file=home.seeds.name)


def require_unused(path: Path) -> None:
    """Raises Locked while another process writes to the embedded chain of the home at `path`."""
    from deedbook.chain.embedded.chain import Chain

    with suppress(NotFound, IntegrityError, InvalidInput):
        Chain.open(chain_file(Home(path)), clock=unix_time).close()


def chain_file(home: Home) -> Path:
    """The embedded chain's file."""
    return home.chain / "chain.sqlite"


def running_service(home: Home) -> Node | None:
    """The JSON-RPC of the service that runs in this home, or None."""
    if not home.service.exists():
        return None
    try:
        said = read_json(home.service, "serve.json")
        node = HttpNode(str(said["rpc"]), timeout=10)
        node.request("eth_chainId", [])
    except (DeedbookError, KeyError):
        return None
    return node


@dataclass(frozen=True, slots=True)
class Announcement:
    """`serve.json` while a service runs."""

    home: Home
    url: str

    def __enter__(self) -> Announcement:
        said: dict[str, Any] = {"url": self.url, "rpc": f"{self.url}/rpc", "pid": os.getpid()}
        write_json(self.home.service, said)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(FileNotFoundError, DeedbookError):
            if read_json(self.home.service, "serve.json").get("pid") == os.getpid():  # another may have come since
                self.home.service.unlink()
