"""Publishes a small history of one asset and its sales in pure Python: events, journals, state, headers, bundles.

It tells the truth unless a test changes an act before publishing: then proofs, journals and headers are as good as
before, and only the rules can find the lie. Tries, RLP and ABI come from other libraries than the code under test
where there is one (`trie`, `rlp`); the signatures are coincurve's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import rlp
from coincurve import PrivateKey
from trie.hexary import HexaryTrie

from deedbook.audit.bundle import BareLog, Bundle, Section
from deedbook.audit.derivation import claims_of, derive
from deedbook.audit.evidence import Place
from deedbook.audit.export import LiveJournals
from deedbook.audit.findings import Findings
from deedbook.audit.payloads import needed_documents, read_descriptor
from deedbook.audit.trust import Trust
from deedbook.chain import abis
from deedbook.chain.client import NodeError, Request, one_by_one
from deedbook.chain.decoding import decode_event
from deedbook.domain import abi
from deedbook.domain.assets import Descriptor, Field, Version, asset_id, version_key
from deedbook.domain.codes import (
    AssetKind,
    AttestationKind,
    EndCause,
    Grade,
    Licence,
    Mode,
    Outcome,
    Purpose,
    Role,
    bits_of,
)
from deedbook.domain.consents import (
    Consent,
    ConsentDomain,
    SignedConsent,
    batch_id,
    common_terms,
    consent_id,
    manifest_hash,
    terms_hash,
)
from deedbook.domain.deployments import CONTRACTS as NAMED
from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, canonical_json, keccak256, sha256
from deedbook.domain.journal import JOURNALLED, entities_of, entity_slot, fold
from deedbook.domain.keytree import cover_all_but, encode_cover
from deedbook.domain.merkle import consent_leaf, positional_root, rfc9162_root
from deedbook.domain.notices import load_notice, with_statement
from deedbook.domain.sales import Conditions, Intermediary, Offer, Price, Sandbox, Split, offer_id, sale_id
from deedbook.errors import DeedbookError
from deedbook.wallet.recovery import address_of
from tests.sealers import Sealers

CHAIN = 20230415
CONTRACTS = {name: keccak256(name.encode())[12:] for name in NAMED[2]}
START = 1_800_000_000
YEAR = 365 * 24 * 3600
BLOCK_TIME = 12


def account(name: str) -> bytes:
    """The account of a member, by name."""
    return keccak256(b"member " + name.encode())[12:]


PROVIDER, BUYER, SECOND, EXCHANGE, BROKER = map(account, ("provider", "buyer", "second buyer", "exchange", "broker"))
REVIEWER, AUDITOR, SETTLER, REGULATOR = map(account, ("reviewer", "auditor", "settler", "regulator"))
ARBITER, GATEWAY, PROCESSOR, OPERATOR = map(account, ("arbiter", "gateway", "processor", "operator"))

ROLES = {
    PROVIDER: (Role.PROVIDER, ()),
    BUYER: (Role.BUYER, (Licence.EMPLOYER,)),
    SECOND: (Role.BUYER, (Licence.EMPLOYER,)),
    REVIEWER: (Role.REVIEWER, ()),
    AUDITOR: (Role.AUDITOR, ()),
    SETTLER: (Role.SETTLER, ()),
    REGULATOR: (Role.REGULATOR, ()),
    ARBITER: (Role.ARBITER, ()),
    GATEWAY: (Role.GATEWAY, ()),
    PROCESSOR: (Role.PROVIDER, ()),
    OPERATOR: (Role.PROVIDER, ()),
}


@dataclass
class Act:
    """One event to be logged; each act is a block of its own unless it says `same_block`."""

    contract: str
    event: str
    args: dict[str, Any]
    same_block: bool = False
    wait: int = BLOCK_TIME


@dataclass
class SoldSale:
    """What the exchange keeps of one sale."""

    sale: bytes
    cover: bytes | None = None
    envelope: bytes | None = None


@dataclass
class History:
    """The acts of a small market, and what the exchange keeps off chain; `publish` makes a chain of it."""

    acts: list[Act] = field(default_factory=list)
    documents: dict[bytes, bytes] = field(default_factory=dict)
    units: tuple[bytes, ...] = ()
    consents: list[tuple[bytes, list[SignedConsent]]] = field(default_factory=list)
    sales: list[SoldSale] = field(default_factory=list)

    def act(self, contract: str, event: str, *, same_block: bool = False, wait: int = BLOCK_TIME, **args: Any) -> None:
        self.acts.append(Act(contract, event, args, same_block, wait))

    @property
    def now(self) -> int:
        """The time of the last act."""
        return START + sum(act.wait for act in self.acts if not act.same_block)

    def keep(self, content: bytes) -> bytes:
        """Keeps a document; its hash."""
        self.documents[sha256(content)] = content
        return sha256(content)

    def find(self, event: str, nth: int = 0, **args: Any) -> int:
        """The place of an act."""
        found = [
            place
            for place, act in enumerate(self.acts)
            if act.event == event and all(act.args[name] == value for name, value in args.items())
        ]
        return found[nth]

    def change(self, event: str, nth: int = 0, **args: Any) -> History:
        """Changes the arguments of an act."""
        self.acts[self.find(event, nth)].args.update(args)
        return self

    def drop(self, event: str, nth: int = 0, **args: Any) -> History:
        """Takes an act away."""
        del self.acts[self.find(event, nth, **args)]
        return self

    def before(self, event: str, *acts: Act, nth: int = 0) -> History:
        """Puts acts before one."""
        place = self.find(event, nth)
        self.acts[place:place] = acts
        return self

    def delay(self, event: str, seconds: int, nth: int = 0) -> History:
        """Lets time pass before an act."""
        self.acts[self.find(event, nth)].wait = seconds
        return self

    def publish(self, version: int = 2, *, sealers: Sealers | None = None, apart: int = 1, after: int = 8) -> Published:
        """The chain that logs exactly these acts, of a deployment of this version.

        With `sealers` its blocks are sealed, and so are `after` more; one block in `apart` has an act in it.
        """
        return Published(self, version, sealers, apart, after)


class Published:
    """A chain of headers whose last state holds the journals of a history."""

    def __init__(self, history: History, version: int, sealers: Sealers | None, apart: int, after: int) -> None:
        self.history = history
        self.sealers = sealers
        self.apart = apart
        self.after = after if sealers else 0
        self.contracts = {name: CONTRACTS[name] for name in NAMED[version]}
        self.journals: dict[Place, list[Event]] = {}
        self._times: dict[int, int] = {}
        self._fold()
        self._build_state()
        self._build_headers()

    def _fold(self) -> None:
        block, time = 0, START
        self._times[0] = time
        for act in self.history.acts:
            if not act.same_block:
                self._times |= dict.fromkeys(range(block + 1, block + self.apart), time)
                block, time = block + self.apart, time + act.wait
                self._times[block] = time
            log = encode_log(act, block)
            event = decode_event(act.contract, log)
            assert dict(event.args) == _expected(event, act.args), (event.args, act.args)
            for entity in entities_of(act.contract, act.event, event.args):
                self.journals.setdefault((act.contract, entity), []).append(event)
        self._times |= dict.fromkeys(range(block + 1, block + 1 + self.after), time)
        self.last = block

    def _build_state(self) -> None:
        self._nodes: dict[bytes, bytes] = {}
        self.state = HexaryTrie(self._nodes)
        self._storage: dict[str, HexaryTrie] = {}
        for name in JOURNALLED:
            storage = HexaryTrie(self._nodes)
            for (contract, entity), events in self.journals.items():
                if contract == name:
                    head = ZERO32
                    for event in events:
                        head = fold(head, event.log.block_number, event.log.topics, event.log.data)
                    storage[keccak256(entity_slot(entity).to_bytes(32, "big"))] = rlp.encode(head.lstrip(b"\0"))
            self._storage[name] = storage
            fields = [b"\x01", b"", storage.root_hash, keccak256(name.encode() + b" code")]
            self.state[keccak256(CONTRACTS[name])] = rlp.encode(fields)
        for number in range(40):  # other accounts, so that proofs have some depth
            filler = keccak256(b"filler" + bytes([number]))
            self.state[filler] = rlp.encode([b"", b"\x01", keccak256(b"\x80"), keccak256(b"")])

    def _build_headers(self) -> None:
        self.headers: list[bytes] = []
        self.hashes: list[bytes] = []
        parent = ZERO32
        for number in range(self.last + 1 + self.after):
            state = self.state.root_hash if number >= self.last else keccak256(b"state" + number.to_bytes(8, "big"))
            fields: list[bytes] = [parent, ZERO32, bytes(20), state, ZERO32, ZERO32, bytes(256)]
            fields += [rlp.sedes.big_endian_int.serialize(n) for n in (0, number, 30_000_000, 0, self._times[number])]
            fields += [b"simulated", ZERO32, bytes(8), b""]
            raw, parent = self._sealed(fields, number)
            self.headers.append(raw)
            self.hashes.append(parent)

    def _sealed(self, fields: list[bytes], number: int) -> tuple[bytes, bytes]:
        """A header and its hash, sealed where the chain has sealers."""
        if self.sealers is None:
            raw = rlp.encode(fields)
            return raw, keccak256(raw)
        return self.sealers.seal(fields, number) if number else self.sealers.genesis(fields)

    def storage_of(self, name: str) -> HexaryTrie:
        """The storage of a contract."""
        return self._storage[name]

    @property
    def trust(self) -> Trust:
        """An auditor's trust that pins the last block, or that names who seals."""
        if self.sealers is None:
            return Trust(CHAIN, self.hashes[0], self.contracts, {self.last: self.hashes[self.last]})
        return Trust(CHAIN, self.hashes[0], self.contracts, {}, self.sealers.validators)

    @property
    def _descendants(self) -> int:
        """So many blocks after the last act make it final."""
        if self.sealers is None or self.sealers.consensus == "qbft":
            return 0
        return len(self.sealers.keys) // 2 + 1

    def proof_of(self, trie: Any, key: bytes) -> tuple[bytes, ...]:
        """The nodes that prove a key, those inside their parents left out."""
        nodes = [rlp.encode(node) for node in trie.get_proof(keccak256(key))]
        return tuple(node for place, node in enumerate(nodes) if place == 0 or len(node) >= 32)

    def bundle(self, *, sale: int = 0, full: bool = True, like: Bundle | None = None) -> Bundle:
        """The bundle of a sale. `like` gives the claims, and the journals besides those that the rules ask for before
        they fail: what an exchange that lies would put in."""
        sold = self.history.sales[sale]
        journals = LiveJournals(self.journals, self._times.__getitem__)
        asked: set[Place] = set()
        claims: Mapping[str, Any] = {}
        documents: Mapping[bytes, bytes] = self.history.documents
        if like is None:
            derived = derive(sold.sale, CHAIN, self.contracts, journals, Findings())
            needed = needed_documents(derived.sale, derived.version, derived.register)
            documents = {digest: self.history.documents[digest] for digest in needed}
            claims = claims_of(derived, read_descriptor(derived.sale, derived.version, documents, Findings()))
        else:
            asked = {(section.contract, section.entity) for section in like.journals}
            claims, documents = like.claims, like.documents
            with suppress(DeedbookError):  # a liar goes on
                derive(sold.sale, CHAIN, self.contracts, journals, Findings())
        places = sorted(asked | journals.asked, key=lambda place: (JOURNALLED.index(place[0]), place[1]))
        sections = tuple(self._section(*place) for place in places)
        first = min(log.block for section in sections for log in section.logs)
        used = sorted({contract for contract, _ in places})
        return Bundle(
            sale=sold.sale,
            chain_id=CHAIN,
            genesis_hash=self.hashes[0],
            contracts=self.contracts,
            block_number=self.last,
            block_hash=self.hashes[self.last],
            headers=tuple(self.headers[first : self.last + 1 + self._descendants]),
            accounts={name: self.proof_of(self.state, CONTRACTS[name]) for name in used},
            journals=sections,
            documents=documents,
            units=self.history.units,
            cover=sold.cover,
            envelope=sold.envelope,
            consents=self._people() if full else None,
            claims=claims,
            consensus=self.sealers.consensus if self.sealers else None,
        )

    def _people(self) -> tuple[tuple[Any, ...], ...] | None:
        shown = tuple(tuple(each.to_json() for each in batch) for _, batch in self.history.consents)
        return shown or None

    def _section(self, contract: str, entity: bytes) -> Section:
        events = self.journals.get((contract, entity), [])
        logs = tuple(BareLog(event.log.block_number, event.log.topics, event.log.data) for event in events)
        storage = self._storage[contract]
        slot = entity_slot(entity).to_bytes(32, "big")
        proof = () if storage.root_hash == keccak256(b"\x80") else self.proof_of(storage, slot)
        return Section(contract, entity, proof, logs)


_HEADER = (
    ("parentHash", False),
    ("sha3Uncles", False),
    ("miner", False),
    ("stateRoot", False),
    ("transactionsRoot", False),
    ("receiptsRoot", False),
    ("logsBloom", False),
    ("difficulty", True),
    ("number", True),
    ("gasLimit", True),
    ("gasUsed", True),
    ("timestamp", True),
    ("extraData", False),
    ("mixHash", False),
    ("nonce", False),
    ("baseFeePerGas", True),
)


@dataclass
class SimulatedNode:
    """A published chain behind JSON-RPC. `hidden` logs (by event name) are not told."""

    chain: Published
    hidden: frozenset[str] = frozenset()

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result of one of the methods that an export uses."""
        if method == "eth_chainId":
            return hex(CHAIN)
        if method == "eth_blockNumber":
            return hex(len(self.chain.headers) - 1)
        if method == "eth_getBlockByNumber":
            return self._block(int(params[0], 16))
        if method == "eth_getLogs":
            return self._logs(int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16))
        assert method == "eth_getProof"
        return self._proof(params[0], params[1])

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        return one_by_one(self, requests)

    def _block(self, number: int) -> Any:
        if number >= len(self.chain.headers):
            return None
        items = rlp.decode(self.chain.headers[number])
        block = {
            name: hex(int.from_bytes(item, "big")) if is_number else "0x" + item.hex()
            for (name, is_number), item in zip(_HEADER, items, strict=True)
        }
        return block | {"hash": "0x" + self.chain.hashes[number].hex()}

    def _logs(self, first: int, last: int) -> Any:
        found, block, within = [], 0, 0
        for act in self.chain.history.acts:
            block, within = (block, within + 1) if act.same_block else (block + self.chain.apart, 0)
            if first <= block <= last and act.event not in self.hidden:
                log = encode_log(act, block)
                found.append(
                    {
                        "address": "0x" + log.address.hex(),
                        "topics": ["0x" + topic.hex() for topic in log.topics],
                        "data": "0x" + log.data.hex(),
                        "blockNumber": hex(block),
                        "blockHash": "0x" + self.chain.hashes[block].hex(),
                        "transactionHash": "0x" + bytes(32).hex(),
                        "transactionIndex": "0x0",
                        "logIndex": hex(within),
                    }
                )
        return found

    def _proof(self, address: str, slots: Sequence[str]) -> Any:
        name = next(name for name, each in CONTRACTS.items() if each.hex() == address[2:])
        storage = self.chain.storage_of(name)

        def told(trie: Any, key: bytes) -> list[str]:
            return ["0x" + rlp.encode(node).hex() for node in trie.get_proof(keccak256(key))]

        proofs = [{"key": slot, "proof": told(storage, bytes.fromhex(slot[2:]))} for slot in slots]
        return {"accountProof": told(self.chain.state, CONTRACTS[name]), "storageProof": proofs}


def encode_log(act: Act, block: int) -> Log:
    """The log of an act."""
    member = next(m for m in abis.events(act.contract).values() if m.name == act.event)
    topics, plain = [keccak256(member.signature.encode())], []
    for item in member.inputs:
        if item["indexed"]:
            topics.append(abi.encode([abis.type_of(item)], [act.args[item["name"]]]))
        else:
            plain.append(item)
    data = abis.encode_arguments(abis.Member(act.contract, act.event, plain, ()), [act.args[i["name"]] for i in plain])
    return Log(CONTRACTS[act.contract], tuple(topics), data, block, ZERO32, ZERO32, 0, 0)


def _expected(event: Event, args: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: args[name] if not isinstance(args[name], (dict, list, tuple)) else event.args[name] for name in event.args
    }


# -- the honest market ----------------------------------------------------------------------------------------------

PEOPLE = 7
EARLY, LATE, AFTER = 3, 1, 0
"""Who withdrew before sealing, before `prepare`, and after the first delivery (record = leaf of the batch)."""

KEYS = [PrivateKey(keccak256(b"person" + bytes([n]))) for n in range(PEOPLE)]
ASSET_SALT = keccak256(b"asset salt")
ASSET = asset_id(CHAIN, CONTRACTS["DataAssets"], PROVIDER, ASSET_SALT)
DOMAIN = ConsentDomain(CHAIN, CONTRACTS["Consents"])
NOTICE = load_notice("en", controller="Guiyang Talent", contact="privacy@example.org", asset_title="Wage survey 1988")
POLICY = (
    bits_of(AttestationKind.SOURCE_LEGALITY),
    bits_of(AttestationKind.SOURCE_LEGALITY, AttestationKind.LEGAL_OPINION),
)


def sign(key: PrivateKey, digest: bytes) -> bytes:
    """65 bytes r || s || v."""
    raw = key.sign_recoverable(digest, hasher=None)
    return raw[:64] + bytes((27 + raw[64],))


def consent_of(person: int, **changes: Any) -> SignedConsent:
    """A person's signed consent."""
    consent = Consent(
        subject=address_of(KEYS[person].public_key),
        asset_id=ASSET,
        controller=PROVIDER,
        recipient=ZERO_ADDRESS,
        recipient_class=Licence.EMPLOYER,
        purpose=Purpose.RECRUITMENT,
        modes=Mode.RAW,
        cross_border=False,
        notice_hash=NOTICE.hash,
        record_commit=keccak256(b"record" + bytes([person])),
        valid_from=START - 1000,
        valid_until=START + YEAR,
        statement="-",
        salt=keccak256(b"salt" + bytes([person])),
    )
    changed = replace(
        with_statement(NOTICE, replace(consent, **changes)), **{k: v for k, v in changes.items() if k == "statement"}
    )
    return SignedConsent(DOMAIN, changed, sign(KEYS[person], consent_id(DOMAIN, changed)))


def honest(consents: Sequence[SignedConsent] | None = None) -> History:
    """Two sales of one asset: six people in a batch, one direct grant; one withdrew before sealing, one before the
    first sale was prepared, one after it."""
    market = consented(consents)
    history, offer = market.history, market.offer()
    first = market.order(offer, live=PEOPLE - 1)
    market.withdraw(LATE, live=PEOPLE - 2)
    market.deliver(offer, first, {EARLY, LATE})
    accept(history, first)
    divided = settle(history, offer, first, PEOPLE - 2, certificate=4)
    pay_out(history, first, divided, ends=(2, PEOPLE - 2))
    market.withdraw(AFTER, live=PEOPLE - 3)
    second = market.order(offer, buyer=SECOND, live=PEOPLE - 3)
    market.deliver(offer, second, {EARLY, LATE, AFTER}, buyer=SECOND)
    accept(history, second, buyer=SECOND)
    settle(history, offer, second, PEOPLE - 3, carry=divided.carry_out, certificate=5)
    return history


@dataclass
class Market:
    """One asset that stands on the consents of seven people, bound to its first version; nothing is sold yet."""

    history: History
    version: Version
    signed: list[SignedConsent]
    batch: bytes
    batch_first: bool

    @property
    def version_key(self) -> bytes:
        """What attestations are about."""
        return version_key(ASSET, self.version)

    def withdraw(self, leaf: int, live: int) -> None:
        """Somebody of the batch withdraws; `live` are left."""
        _end(self.history, self.batch, leaf, self.signed, live)

    def offer(self, **changes: Any) -> Offer:
        """Lists the offer, or one that differs in these fields."""
        return _list(self.history, self.version, **changes)

    def order(
        self, offer: Offer, buyer: bytes = BUYER, *, live: int, attesters: Sequence[bytes] | None = None
    ) -> SoldSale:
        """Somebody orders and pays."""
        return _order(self.history, offer, buyer, live, attesters or (REVIEWER,) * 2)

    def deliver(self, offer: Offer, sold: SoldSale, gone: set[int], buyer: bytes = BUYER) -> None:
        """The provider prepares and delivers every record but those of leaves that are `gone`."""
        records = {record_of(leaf, self.batch_first) for leaf in gone}
        _deliver(self.history, offer, sold, records, PEOPLE - len(gone), buyer)


def consented(
    consents: Sequence[SignedConsent] | None = None,
    *,
    kind: AssetKind = AssetKind.PERSONAL,
    policy: tuple[int, int] | None = None,
    jurisdictions: Mapping[bytes, int] | None = None,
    **changes: Any,
) -> Market:
    """The market with its asset and its consents, which differ in these fields."""
    history = History()
    _admit(history, jurisdictions or {})
    to_list, to_order = policy or POLICY
    modes = Mode.RAW | Mode.OPEN | Mode.CALL if changes else Mode.RAW
    _set_policy(history, kind, to_list, to_order, modes)
    for number in range(3):  # other people's business, so that absence has something to be proven against
        elsewhere: dict[str, Any] = {"caseId": keccak256(bytes([number])), "opener": REVIEWER, "kind": 1}
        elsewhere |= {"target": keccak256(b"elsewhere" + bytes([number])), "documentHash": keccak256(b"why")}
        history.acts.append(Act("Cases", "CaseOpened", elsewhere))
    signed = list(consents or [consent_of(person, **changes) for person in range(PEOPLE - 1)])
    batch = _grant(history, signed)
    direct = _grant_directly(history, consent_of(PEOPLE - 1, **changes))
    _end(history, batch, EARLY, signed, live=0)
    version = _register(history, kind)
    _bind(history, batch, direct, len(signed))
    return Market(history, version, signed, batch, batch < direct)


def _set_policy(history: History, kind: AssetKind, to_list: int, to_order: int, modes: int) -> None:
    policy: dict[str, Any] = {"toList": to_list, "toOrder": to_order, "modes": modes}
    history.act("Market", "PolicySet", kind=kind, grade=Grade.GENERAL, **policy)


def _admit(history: History, jurisdictions: Mapping[bytes, int]) -> None:
    for member, (roles, licences) in ROLES.items():
        history.act(
            "Membership",
            "ParticipantAdmitted",
            account=member,
            identity=keccak256(member),
            jurisdiction=jurisdictions.get(member, 156),
            roles=roles,
            validUntil=START + YEAR,
            licences=tuple(map(int, licences)),
        )
    for buyer in (BUYER, SECOND):
        history.act("Membership", "EncryptionKeyRegistered", account=buyer, suite=0x20, key=keccak256(b"key" + buyer))


def attest(history: History, target: bytes, kind: AttestationKind, attester: bytes) -> None:
    report = history.keep(canonical_json({"report": kind.name, "target": target.hex()}))
    history.act(
        "Attestations",
        "Attested",
        target=target,
        kind=kind,
        attester=attester,
        outcome=Outcome.POSITIVE,
        documentHash=report,
        validUntil=START + YEAR,
    )


def _grant(history: History, signed: list[SignedConsent]) -> bytes:
    terms = common_terms(each.consent for each in signed)
    root = positional_root([consent_leaf(each.consent_id, each.consent.subject) for each in signed])
    manifest = manifest_hash(signed)
    identifier = batch_id(ASSET, root, len(signed), terms_hash(terms, manifest))
    history.consents.append((identifier, signed))
    history.keep(NOTICE.encode())
    history.act(
        "Consents",
        "BatchGranted",
        batchId=identifier,
        assetId=ASSET,
        collector=PROVIDER,
        root=root,
        count=len(signed),
        terms=terms.as_tuple(),
        manifestHash=manifest,
    )
    attest(history, identifier, AttestationKind.CONSENT_AUDIT, AUDITOR)
    return identifier


def _grant_directly(history: History, signed: SignedConsent) -> bytes:
    root = consent_leaf(signed.consent_id, signed.consent.subject)
    identifier = batch_id(ASSET, root, 1, terms_hash(signed.consent.terms, ZERO32))
    history.act(
        "Consents",
        "ConsentGranted",
        batchId=identifier,
        assetId=ASSET,
        consentId=signed.consent_id,
        consent=signed.consent.as_tuple(),
    )
    return identifier


def _end(history: History, batch: bytes, leaf: int, signed: Sequence[SignedConsent], live: int) -> None:
    history.act(
        "Consents",
        "LeafEnded",
        assetId=ASSET,
        batchId=batch,
        consentId=signed[leaf].consent_id,
        index=leaf,
        subject=signed[leaf].consent.subject,
        cause=EndCause.WITHDRAWN,
        actor=EXCHANGE,
        live=live,
    )


def record_of(leaf: int, batch_first: bool) -> int:
    """The record index of a leaf of the batch (the direct grant comes before or after it)."""
    return leaf if batch_first else leaf + 1


def _batch_first(history: History) -> bool:
    granted = history.acts[history.find("BatchGranted")].args["batchId"]
    return bool(granted < history.acts[history.find("ConsentGranted")].args["batchId"])


def _register(history: History, kind: AssetKind) -> Version:
    early = record_of(EARLY, _batch_first(history))
    history.units = tuple(sha256(b"" if n == early else b"unit" + bytes([n])) for n in range(PEOPLE))
    _enter(history, ASSET, ASSET_SALT, kind, personal=kind == AssetKind.PERSONAL)
    version = _describe(history, kind, PEOPLE)
    for each in (AttestationKind.SOURCE_LEGALITY, AttestationKind.LEGAL_OPINION):
        attest(history, version_key(ASSET, version), each, REVIEWER)
    return version


def _bind(history: History, batch: bytes, direct: bytes, count: int) -> None:
    offset = 0
    for identifier in sorted((batch, direct)):
        leaves = count if identifier == batch else 1
        history.act(
            "Consents",
            "BatchBound",
            same_block=offset > 0,
            assetId=ASSET,
            version=1,
            batchId=identifier,
            offset=offset,
            count=leaves,
            withdrawn=int(identifier == batch),
            auditor=AUDITOR if identifier == batch else ZERO_ADDRESS,
        )
        offset += leaves
    history.act(
        "Consents", "BindingClosed", same_block=True, assetId=ASSET, version=1, recordCount=PEOPLE, live=PEOPLE - 1
    )


def _list(history: History, version: Version, subjects_bps: int = 6000, **changes: Any) -> Offer:
    offer = Offer(
        provider=PROVIDER,
        asset_id=ASSET,
        version=1,
        version_key=version_key(ASSET, version),
        mode=Mode.RAW,
        purpose=Purpose.RECRUITMENT,
        price=Price(90_000, 5_000, 3_000, 2_003, b"CNY"),
        split=Split(EXCHANGE, 500, 9000 - subjects_bps, subjects_bps, (Intermediary(BROKER, 500),)),
        terms_hash=history.keep(b"terms"),
        policy_hash=history.keep(b"policy"),
        quota=0,
        term=YEAR,
        valid_until=START + YEAR,
        conditions=Conditions(Licence.EMPLOYER, (156,)),
        sandbox=Sandbox(True, START + 2 * YEAR, 2, 200_000, tuple(sorted((BUYER, SECOND)))),
        salt=keccak256(b"offer salt"),
    )
    offer = replace(offer, **changes)
    stated: dict[str, Any] = {"assetId": ASSET, "provider": offer.provider, "offer": offer.as_tuple()}
    history.act("Market", "OfferListed", offerId=offer_id(CHAIN, CONTRACTS["Market"], offer), **stated)
    return offer


def _order(history: History, offer: Offer, buyer: bytes, live: int, attesters: Sequence[bytes]) -> SoldSale:
    identifier = offer_id(CHAIN, CONTRACTS["Market"], offer)
    reference = keccak256(b"reference" + buyer)
    sold = SoldSale(sale_id(identifier, buyer, reference))
    history.sales.append(sold)
    price = offer.price.total
    history.act(
        "Market",
        "SaleOrdered",
        saleId=sold.sale,
        offerId=identifier,
        buyer=buyer,
        assetId=ASSET,
        version=1,
        reference_=reference,
        price=price,
        currency=b"CNY",
        live=live,
        attesters=tuple(attesters),
    )
    by: dict[str, Any] = {"settler": SETTLER, "receiptHash": keccak256(b"bank receipt" + buyer)}
    if not price:
        by = {"settler": ZERO_ADDRESS, "receiptHash": ZERO32}
    history.act("Market", "SalePaid", same_block=not price, saleId=sold.sale, **by, amount=price, currency=b"CNY")
    return sold


def _deliver(history: History, offer: Offer, sold: SoldSale, gone: set[int], live: int, buyer: bytes = BUYER) -> None:
    history.act("Market", "SalePrepared", saleId=sold.sale, provider=offer.provider, version=1, live=live)
    cover = cover_all_but(PEOPLE, gone)
    sold.cover = encode_cover(cover) if live else None
    sold.envelope = b"DBEN\x01\x00\x20" + bytes(32) + bytes(18 + 41 * len(cover) + 16)
    sold.envelope = sold.envelope[:-1] + buyer[:1]
    history.act(
        "Market",
        "SaleDelivered",
        saleId=sold.sale,
        provider=offer.provider,
        envelopeHash=sha256(sold.envelope),
        coverHash=sha256(sold.cover) if sold.cover else ZERO32,
        deliveredCount=live,
    )


def accept(history: History, sold: SoldSale, buyer: bytes = BUYER) -> None:
    """The buyer accepts."""
    history.act("Market", "SaleAccepted", saleId=sold.sale, by=buyer, byTimeout=False)


@dataclass
class Divided:
    """What a settlement left."""

    per_head: int
    count: int
    carry_out: int


def settle(
    history: History,
    offer: Offer,
    sold: SoldSale,
    live: int,
    *,
    heads: int | None = None,
    carry: int = 0,
    certificate: int = 1,
) -> Divided:
    """Books the sale to `live` people, of whom `heads` (all, unless it says so) share in the price."""
    heads = live if heads is None else heads
    price = offer.price.total
    exchange, provider, broker = (price * bps // 10_000 for bps in (500, offer.split.provider_bps, 500))
    pool = price - exchange - provider - broker + carry
    if not heads:
        provider, pool = provider + pool - carry, carry
    by = heads or 10**30
    history.act(
        "Revenue",
        "SaleSettled",
        saleId=sold.sale,
        assetId=ASSET,
        certificate=certificate,
        currency=b"CNY",
        price=price,
        carryIn=carry,
        exchangeShare=exchange,
        providerShare=provider,
        intermediaryShares=(broker,),
        perHead=pool // by,
        deliveredCount=live,
        carryOut=pool % by,
    )
    return Divided(pool // by, live, pool % by)


def pay_out(history: History, sold: SoldSale, divided: Divided, *, ends: Sequence[int]) -> None:
    """Bank batches over the delivered ordinals, up to these ends."""
    for first, end in pairwise((0, *ends)):
        receipt = keccak256(b"bank batch" + bytes([first]))
        total = (end - first) * divided.per_head
        args = {"saleId": sold.sale, "settler": SETTLER, "receiptHash": receipt, "from": first, "to": end}
        history.acts.append(Act("Revenue", "PayoutConfirmed", args | {"total": total, "currency": b"CNY"}))


# -- sales that rest on no consents ---------------------------------------------------------------------------------

PARENT_SALT = keccak256(b"parent salt")
PARENT = asset_id(CHAIN, CONTRACTS["DataAssets"], PROVIDER, PARENT_SALT)
DEIDENTIFIED = (AttestationKind.LEGAL_OPINION, AttestationKind.SOURCE_LEGALITY, AttestationKind.DEIDENTIFICATION)


def without_people(kind: AssetKind = AssetKind.ENTERPRISE) -> History:
    """One sale of a firm's data, or (DERIVED) of people's data de-identified: nobody is paid per head."""
    history, derived = History(), kind == AssetKind.DERIVED
    _admit(history, {})
    _set_policy(history, kind, *POLICY, Mode.RAW)
    if derived:
        _enter(history, PARENT, PARENT_SALT, AssetKind.PERSONAL, personal=True)
    _enter(history, ASSET, ASSET_SALT, kind, personal=derived, parents=(PARENT,) if derived else ())
    history.units = tuple(sha256(b"segment" + bytes([n])) for n in range(3))
    version = _describe(history, kind, len(history.units))
    kinds = DEIDENTIFIED if derived else DEIDENTIFIED[:2]
    for each in kinds:
        attest(history, version_key(ASSET, version), each, REVIEWER)
    offer = _list(history, version, subjects_bps=0)
    sold = _order(history, offer, BUYER, live=0, attesters=(REVIEWER,) * len(kinds))
    _deliver(history, offer, sold, set(range(PEOPLE)), live=0)
    accept(history, sold)
    settle(history, offer, sold, 0)
    return history


def _enter(
    history: History, identifier: int, salt: bytes, kind: AssetKind, *, personal: bool, parents: tuple[int, ...] = ()
) -> None:
    token = {"from": ZERO_ADDRESS, "to": PROVIDER, "tokenId": identifier}
    history.acts.append(Act("DataAssets", "Transfer", token))
    history.act(
        "DataAssets",
        "AssetRegistered",
        same_block=True,
        assetId=identifier,
        registrant=PROVIDER,
        sourceHash=history.keep(b"the people themselves"),
        salt=salt,
        kind=kind,
        grade=Grade.GENERAL,
        level=3,
        personal=personal,
        parents=parents,
    )


def _describe(history: History, kind: AssetKind, records: int) -> Version:
    descriptor = Descriptor(
        language="en",
        title="Wages",
        description="weekly wages",
        kind=kind,
        fields=(Field("wage", "decimal", "USD", "weekly wage"),),
        period_from=0,
        period_until=1,
        source="survey",
        quality={},
        record_count=records,
        size=999,
    )
    version = Version(rfc9162_root(history.units), records, history.keep(descriptor.encode()))
    history.act(
        "DataAssets",
        "VersionPublished",
        assetId=ASSET,
        version=1,
        versionKey=version_key(ASSET, version),
        contentRoot=version.content_root,
        recordCount=records,
        descriptorHash=version.descriptor_hash,
    )
    return version


def everything(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path into a JSON value, containers and leaves."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from everything(inner, (*path, key))
