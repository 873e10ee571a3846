"""Relayed acts: a member signs, someone else pays, and the forwarder says whether the call succeeded.

A request is kept before anything is sent. When its turn has come - the forwarder's nonces are sequential - it is tried
as the contract will see it (a call from the forwarder with the member's address appended), so that a refusal is the
contract's own and costs nothing, and then carried by `Forwarder.executeBatch`, whose outer success says nothing:
`ExecutedForwardRequest.success` does. Carried so, a call that is refused after all still uses up its nonce, and the
signature with it: nobody can run it later, when its member no longer means it. Alone that costs 1,300 gas more than
`execute`; twenty together cost a fifth less than each alone.

That an act happens once is the forwarder's doing, so several relayers and processes may work at the same requests, and
anybody else may run one of them: it is found by its event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from deedbook.chain import abis
from deedbook.chain.client import Node, NodeError
from deedbook.chain.decoding import Decoder, decode_revert
from deedbook.chain.dispatch import NEXT
from deedbook.chain.transactions import Call, Receipt, Signer, log_of, revert_data
from deedbook.domain.events import Event
from deedbook.domain.hashing import checksum_address, from_hex, keccak256, sha256, to_hex
from deedbook.domain.refusals import Refusal
from deedbook.domain.relaying import (
    ActState,
    ForwardDomain,
    ForwardRequest,
    Ran,
    RelayedAct,
    SignedRequest,
    request_digest,
    request_typed_data,
)
from deedbook.errors import (
    ChainUnavailable,
    Conflict,
    DeedbookError,
    InvalidInput,
    InvalidSignature,
    RejectedByContract,
    TransactionFailed,
)
from deedbook.ledger.acting import Sending
from deedbook.wallet.recovery import recover, verify_signer

FORWARDER: Final = "Forwarder"
DIRECT: Final = ("AccessManager", FORWARDER)
"""What is never called by relay."""
RAN: Final = keccak256(b"ExecutedForwardRequest(address,uint256,bool)")

MOST_GAS: Final = 12_000_000
"""The most gas that a request may ask for."""
MOST_CARRIED_GAS: Final = 19_000_000
"""The most gas that one transaction sets aside for its requests."""
MOST_WAITING: Final = 256
"""How far ahead of the next nonce a request may wait."""
MOST_CARRIED: Final = 20
"""The most requests in one transaction."""
ROUNDS: Final = 5
"""How many transactions may end without running a request before it is given up."""
CLAIM: Final = 120
"""Seconds for which a relayer has a request to itself."""
SPAN: Final = 10_000
"""Blocks of one look for events."""
BACK: Final = 5 * SPAN
"""How far back a request is looked for that ran before it was handed over, in blocks."""
ROOMY: Final = 3_000_000
"""The gas of a request that cannot be tried yet: another one of its member comes first."""
LIFE: Final = 86_400
"""Seconds until a drafted request expires."""


class RequestBook(Protocol):
    """What the ledger keeps of relayed acts, in `records`; each method is one transaction."""

    def put(self, signed: SignedRequest, *, key: str, seen: int) -> RelayedAct:
        """Keeps a request as WAITING, or gives the act that it is already. Raises Conflict."""

    def get(self, digest: bytes) -> RelayedAct:
        """The act of a request. Raises NotFound."""

    def find(self, key: str) -> RelayedAct | None:
        """The act under an idempotency key."""

    def seen(self, digest: bytes) -> int:
        """The chain's newest final block when the request was kept."""

    def waiting(self, signer: bytes | None = None) -> list[RelayedAct]:
        """What waits, by member and nonce."""

    def claim(
        self, digests: Sequence[bytes], relayer: bytes, *, now: int, until: int, name: Callable[[Sequence[str]], str]
    ) -> Mapping[str, Sequence[RelayedAct]]:
        """The transactions that this relayer is to send, by key, each with what it carries."""

    def settle(
        self, digest: bytes, state: ActState, *, ran: Ran | None = None, refusal: Refusal | None = None
    ) -> RelayedAct:
        """Notes what became of a waiting act, or that a refused one ran."""

    def refuse(self, digest: bytes, refusal: Refusal, *, now: int) -> RelayedAct:
        """WAITING to REFUSED, unless somebody has claimed it beyond `now`."""

    def free(self, digest: bytes, carrier: str) -> RelayedAct:
        """Gives up a claim."""


@dataclass(frozen=True)
class Carried(Call):
    """A call as its contract receives it from the forwarder: the member's address stands behind it (ERC-2771)."""

    member: bytes = bytes(20)

    @property
    def data(self) -> bytes:
        """The calldata, and who acts."""
        return abis.encode_call(self.contract, self.function, self.arguments) + self.member


class Relaying:
    """Relays the requests of one deployment's members.

    `clock` gives Unix seconds, for claims alone: deadlines are the chain's. `final` gives the highest final block of a
    tip. `noted` is told contract and calldata of a request before it is kept, and whether its turn is now; what it
    raises refuses it. `recover` is in `wallet`.
    """

    def __init__(
        self,
        sender: Sending,
        node: Node,
        chain_id: int,
        addresses: Mapping[str, bytes],
        book: RequestBook,
        *,
        clock: Callable[[], int],
        final: Callable[[int], int] = lambda tip: tip,
        noted: Callable[[str, bytes, bool], None] = lambda *_: None,
    ) -> None:
        self._sender = sender
        self._node = node
        self._addresses = dict(addresses)
        self._names = {address: name for name, address in addresses.items() if name not in DIRECT}
        self._decoder = Decoder(addresses)
        self._book = book
        self._clock = clock
        self._final = final
        self._noted = noted
        self.domain = ForwardDomain(chain_id, addresses[FORWARDER])

    # -- what a member signs ---------------------------------------------------------------------------------------

    def draft(self, call: Call, member: bytes, *, deadline: int | None = None) -> ForwardRequest:
        """The request that `member` (20 bytes) signs to make this call: with the nonce behind what waits of theirs, and
        half as much gas again as the call takes now. `deadline`, Unix seconds: a day from now where none is given.

        Raises RejectedByContract as the contract would - unless another request comes first: then its turn tells.
        """
        following = self._following(member)
        first = following == self._next(member)
        if first:
            self.simulate(call, member)
        gas = self._estimate(call, member) * 3 // 2 if first else ROOMY
        until = self._time() + LIFE if deadline is None else deadline
        return ForwardRequest(member, call.to, min(gas, MOST_GAS), following, until, call.data)

    def simulate(self, call: Call, member: bytes) -> None:
        """Runs the call as the forwarder would make it for the member. Raises RejectedByContract."""
        carried = Carried(call.contract, call.to, call.function, call.arguments, member)
        self._sender.simulate(carried, sender=self.domain.contract)

    def sign(self, call: Call, member: Signer, *, deadline: int | None = None) -> SignedRequest:
        """The same, signed."""
        request = self.draft(call, member.address, deadline=deadline)
        return SignedRequest(self.domain, request, member.sign_digest(request_digest(self.domain, request)))

    def _following(self, member: bytes) -> int:
        """The nonce of the member's next request: behind those that wait without a gap."""
        nonce = self._next(member)
        waiting = {act.signed.request.nonce for act in self._book.waiting(member)}
        while nonce in waiting:
            nonce += 1
        return nonce

    # -- taking ----------------------------------------------------------------------------------------------------

    def take(self, signed: SignedRequest, *, key: str | None = None) -> RelayedAct:
        """Keeps a signed request, to be relayed when its turn comes; the same one again is the same act.

        Raises InvalidInput naming the field (chainId, contract, to, value, data, gas, nonce, deadline),
        InvalidSignature, Conflict for a nonce that is used or that another request waits with.
        """
        self._require_ours(signed)
        request, seen = signed.request, max(0, self._final(self._tip()))
        following = self._next(request.sender)
        if request.nonce < following:
            return self._taken_late(signed, key)
        if request.nonce > following + MOST_WAITING:
            raise InvalidInput("nonce", f"is more than {MOST_WAITING} ahead of {following}", nonce=request.nonce)
        if request.deadline < self._time():
            raise InvalidInput("deadline", "has passed", deadline=request.deadline)
        self._noted(self._names[request.to], request.data, request.nonce == following)
        return self._book.put(signed, key=key or key_of(signed.digest), seen=seen)

    def _taken_late(self, signed: SignedRequest, key: str | None) -> RelayedAct:
        """One whose nonce is used: it is known, or it ran without us. Raises Conflict where another request did."""
        known = self._book.find(key or key_of(signed.digest))
        if known is not None and known.digest == signed.digest and known.state is not ActState.REFUSED:
            return known
        tip = self._tip()
        ran, ours = self._ran(signed, max(0, tip - BACK), tip)
        if ran is None or not ours:
            used = self._next(signed.request.sender)
            raise Conflict("the request's nonce is used", nonce=signed.request.nonce, next=used)
        return self._book.put(
            signed, key=key or key_of(signed.digest), seen=min(ran.block_number, max(0, self._final(tip)))
        )

    def _require_ours(self, signed: SignedRequest) -> None:
        request = signed.request
        if signed.domain.chain_id != self.domain.chain_id:
            raise InvalidInput("chainId", "the request is for another chain")
        if signed.domain.contract != self.domain.contract:
            raise InvalidInput("contract", "the request is for another forwarder")
        if request.to not in self._names:
            raise InvalidInput("to", "is no contract whose acts are relayed")
        if request.value:
            raise InvalidInput("value", "is not 0: no act takes money")
        if request.gas > MOST_GAS or gas_around(request) > MOST_CARRIED_GAS:
            raise InvalidInput("gas", f"is more than {MOST_GAS}, or than a transaction carries with this call")
        abis.act_in(self._names[request.to], request.data)
        verify_signer(signed.digest, signed.signature, request.sender)

    # -- relaying --------------------------------------------------------------------------------------------------

    def relay(self, signed: SignedRequest, relayer: Signer, *, key: str | None = None) -> RelayedAct:
        """Takes a request and relays it, and what waits before and behind it; the act as it is then: DONE, or WAITING
        for an earlier request of its member.

        Raises what `take` raises, and for an act without effect why: RejectedByContract, InvalidInput (`deadline`,
        `gas`), Conflict, TransactionFailed; ChainUnavailable (hand it over again).
        """
        act = self.take(signed, key=key)
        for _ in range(MOST_WAITING):
            if not self.step(relayer, member=signed.request.sender):
                break
        act = self._book.get(act.digest)
        if act.refusal is not None:
            raise act.refusal.as_error()
        return act

    def step(self, relayer: Signer, *, member: bytes | None = None) -> list[RelayedAct]:
        """One round over everybody's requests, or one member's: those that can never run are void; those whose turn has
        come are tried, and carried by one transaction of `relayer`. Gives what changed.
        """
        changed: list[RelayedAct] = []
        due: list[RelayedAct] = []
        for act in self._book.waiting(member):
            following = self._next(act.signed.request.sender)
            if act.signed.request.nonce < following:
                changed += self._overtaken(act)
            elif act.signed.request.deadline < self._time():
                changed.append(self._void(act, InvalidInput("deadline", "has passed")))
            elif act.signed.request.nonce == following:
                due.append(act)
        for carrier, acts in self._claimed(due, relayer, changed).items():
            changed += self._carry(carrier, acts, relayer)
        return changed

    def _claimed(
        self, due: Sequence[RelayedAct], relayer: Signer, changed: list[RelayedAct]
    ) -> Mapping[str, Sequence[RelayedAct]]:
        """Those that the contract accepts, as far as one transaction carries them; the others are `changed`."""
        accepted, gas = [], 0
        for act in due:
            if act.relayer == relayer.address:
                accepted.append(act.digest)
                continue
            needed = gas_around(act.signed.request)
            if len(accepted) == MOST_CARRIED or gas + needed > MOST_CARRIED_GAS:
                break
            if (act.attempts and accepted) or not self._is_next(act.signed.request):
                continue
            try:
                self._try(act.signed.request, NEXT)
                self._require_valid(act.signed)
            except (RejectedByContract, InvalidInput, TransactionFailed) as refusal:
                if self._is_next(act.signed.request):  # else it has run meanwhile, and was refused for that
                    changed += self._refused(act, refusal)
                continue
            accepted.append(act.digest)
            gas += needed
            if act.attempts:  # alone, after a transaction that failed as a whole
                break
        if not accepted:
            return {}
        now, name = self._clock(), partial(_carrier, relayer.address)
        return self._book.claim(accepted, relayer.address, now=now, until=now + CLAIM, name=name)

    def _refused(self, act: RelayedAct, refusal: DeedbookError) -> list[RelayedAct]:
        said = self._book.refuse(act.digest, Refusal.of(refusal), now=self._clock())
        return [said] if said.state is ActState.REFUSED else []

    def _carry(self, carrier: str, acts: Sequence[RelayedAct], relayer: Signer) -> list[RelayedAct]:
        """Sends the transaction that carries these requests, and notes what the forwarder said of each."""
        requests = tuple(act.signed.as_tuple() for act in acts)
        call = Call(FORWARDER, self.domain.contract, "executeBatch", (requests, relayer.address))
        waiting = [act for act in acts if act.state is ActState.WAITING]
        try:
            receipt = self._sender.send(call, relayer, key=carrier)
        except (RejectedByContract, TransactionFailed) as refusal:
            if len(acts) > 1:  # one of them may have used more gas than it did when it was tried
                return [self._book.free(act.digest, carrier) for act in waiting]
            return [self._book.settle(act.digest, ActState.REFUSED, refusal=Refusal.of(refusal)) for act in waiting]
        return [found for act in waiting for found in self._told(act, carrier, receipt)]

    def _told(self, act: RelayedAct, carrier: str, receipt: Receipt) -> list[RelayedAct]:
        """What the receipt of its transaction says of an act: where it is not there, it waits on - or ran elsewhere."""
        request = act.signed.request
        for event in receipt.events:
            if _is_of(event, request):
                ran = Ran(receipt.tx_hash, receipt.block_number, receipt.block_hash, event.args["success"])
                return [self._ended(act.signed, ran)]
        if self._next(request.sender) > request.nonce:
            return self._overtaken(act)
        if act.attempts + 1 == ROUNDS:
            why = TransactionFailed("its transactions end without running it")
            return [self._book.settle(act.digest, ActState.REFUSED, refusal=Refusal.of(why))]
        return [self._book.free(act.digest, carrier)]

    def _overtaken(self, act: RelayedAct) -> list[RelayedAct]:
        """One whose nonce is used: it ran, in whosever transaction, or another request did; once that is final."""
        tip = self._tip()
        ran, ours = self._ran(act.signed, self._book.seen(act.digest), tip)
        if ran is None or ran.block_number > self._final(tip):
            return []
        if ours:
            return [self._ended(act.signed, ran)]
        return [self._void(act, Conflict("another request ran with its nonce", nonce=act.signed.request.nonce))]

    def _ended(self, signed: SignedRequest, ran: Ran) -> RelayedAct:
        if ran.success:
            return self._book.settle(signed.digest, ActState.DONE, ran=ran)
        why = Refusal.of(self._why(signed.request, ran))
        return self._book.settle(signed.digest, ActState.FAILED, ran=ran, refusal=why)

    def _void(self, act: RelayedAct, why: DeedbookError) -> RelayedAct:
        return self._book.settle(act.digest, ActState.VOID, refusal=Refusal.of(why))

    def _why(self, request: ForwardRequest, ran: Ran) -> DeedbookError:
        """Why a call was refused: the contract's own error, where the state around its block still shows it."""
        for block in (ran.block_number, ran.block_number - 1):
            try:
                self._try(request, hex(block))
            except (RejectedByContract, InvalidInput) as refusal:
                return refusal
            except (NodeError, TransactionFailed):
                continue
        return TransactionFailed("the call was refused as it ran", transaction=to_hex(ran.tx_hash))

    def _try(self, request: ForwardRequest, block: str) -> None:
        """The call as the forwarder makes it. Raises RejectedByContract, TransactionFailed, InvalidInput (`gas`)."""
        try:
            self._asked(request, block, request.gas)
        except (NodeError, TransactionFailed):
            self._asked(request, block, MOST_GAS)
            raise InvalidInput("gas", "is too little for the call", gas=request.gas) from None

    def _is_next(self, request: ForwardRequest) -> bool:
        """Whether nothing that is under way uses the request's nonce."""
        return bool(self._next(request.sender, NEXT) == request.nonce)

    def _require_valid(self, signed: SignedRequest) -> None:
        """Raises InvalidInput (`deadline`) where the forwarder would not run the request any more: all else was checked
        when it was taken."""
        verify = Call(FORWARDER, self.domain.contract, "verify", (signed.as_tuple(),))
        if not self._sender.read(verify, block=NEXT):
            raise InvalidInput("deadline", "has passed", deadline=signed.request.deadline)

    def _asked(self, request: ForwardRequest, block: str, gas: int) -> None:
        around = 21_000 + sum(16 if byte else 4 for byte in request.delivered)
        message = {"from": self.domain.contract, "to": request.to, "data": request.delivered}
        asked = {name: to_hex(value) for name, value in message.items()} | {"gas": hex(gas + around)}
        try:
            self._node.request("eth_call", [asked, block])
        except NodeError as error:
            revert = revert_data(error)
            if revert is None:
                raise
            raise decode_revert(self._names[request.to], revert) from None

    def drafted(self, request: ForwardRequest, about: Mapping[str, Any]) -> dict[str, Any]:
        """What a member is shown to sign a request, and where the signature goes: `send.document` with it as
        `signature`. Integers in `arguments` are decimal text."""
        contract = self._names[request.to]
        function, arguments = abis.decode_call(contract, request.data)
        document = SignedRequest(self.domain, request, bytes(65)).to_json()
        del document["signature"]
        return {
            "typedData": request_typed_data(self.domain, request),
            "digest": to_hex(request_digest(self.domain, request)),
            "expires": request.deadline,
            "act": f"{contract}.{function}",
            "arguments": _worded(arguments),
            "about": dict(about),
            "send": {"path": "/relayed", "document": document},
        }

    def shown(self, act: RelayedAct) -> dict[str, Any]:
        """An act as people and programs read it."""
        request, ran = act.signed.request, act.ran
        contract = self._names[request.to]
        facts: dict[str, Any] = {
            "digest": to_hex(act.digest),
            "state": str(act.state),
            "member": checksum_address(request.sender),
            "nonce": request.nonce,
            "act": f"{contract}.{abis.act_in(contract, request.data)}",
            "deadline": request.deadline,
            "transaction": to_hex(ran.tx_hash) if ran else None,
            "block": ran.block_number if ran else None,
        }
        return facts if act.refusal is None else {**facts, "refusal": act.refusal.to_json()}

    # -- what ran --------------------------------------------------------------------------------------------------

    def receipt(self, act: RelayedAct) -> Receipt:
        """The receipt of an act that is DONE, with the events of its own call alone. Raises ChainUnavailable where the
        node does not have it, Conflict for an act that is not done."""
        if act.ran is None or not act.ran.success:
            raise Conflict(f"the act is {act.state}")
        found = self._node.request("eth_getTransactionReceipt", [to_hex(act.ran.tx_hash)])
        if found is None:
            raise ChainUnavailable("the receipt is gone: the node lags or forked", tx=to_hex(act.ran.tx_hash))
        events = tuple(self._events(found["logs"], act.signed.request))
        return Receipt(act.ran.tx_hash, act.ran.block_number, act.ran.block_hash, int(found["gasUsed"], 16), events)

    def _events(self, logs: Sequence[Mapping[str, Any]], request: ForwardRequest) -> Iterator[Event]:
        """The events between what the forwarder said of the request before and of this one."""
        call: list[Event] = []
        for event in filter(None, (self._decoder.decode(log_of(item)) for item in logs)):
            if _is_of(event, request):
                yield from call
                return
            call = [] if event.name == "ExecutedForwardRequest" else [*call, event]

    def _ran(self, signed: SignedRequest, first: int, last: int) -> tuple[Ran | None, bool]:
        """Where the request's nonce was used, in these blocks, and whether it was this request that ran."""
        request = signed.request
        topics = [to_hex(RAN), to_hex(bytes(12) + request.sender)]
        for begin in range(first, last + 1, SPAN):
            span = {"fromBlock": hex(begin), "toBlock": hex(min(last, begin + SPAN - 1))}
            asked = {"address": to_hex(self.domain.contract), "topics": topics, **span}
            for item in self._node.request("eth_getLogs", [asked]):
                log = log_of(item)
                event = self._decoder.decode(log)
                if event is not None and _is_of(event, request):
                    ran = Ran(log.tx_hash, log.block_number, log.block_hash, event.args["success"])
                    return ran, self._is_in(signed, log.tx_hash)
        return None, False

    def _is_in(self, signed: SignedRequest, tx_hash: bytes) -> bool:
        """Whether a transaction that used the request's nonce ran this request: of those that it brings for the member,
        the first that is signed with the nonce ran."""
        found = self._node.request("eth_getTransactionByHash", [to_hex(tx_hash)])
        if found is None:
            raise ChainUnavailable("the transaction is gone: the node lags or forked", tx=to_hex(tx_hash))
        brought = from_hex(found["input"], "input")
        requests = requests_in(brought)
        if found["to"] is None or from_hex(found["to"].lower(), "to", 20) != self.domain.contract or requests is None:
            return signed.signature in brought  # through another contract, in whose calldata it stands
        return next((digest == signed.digest for digest in self._runnable(requests, signed.request)), False)

    def _runnable(self, requests: Sequence[Mapping[str, Any]], like: ForwardRequest) -> Iterator[bytes]:
        for each in requests:
            data = (each["from"], each["to"], each["gas"], like.nonce, each["deadline"], each["data"], each["value"])
            digest = request_digest(self.domain, ForwardRequest(*data))
            try:
                signer = recover(digest, each["signature"])
            except InvalidSignature:
                continue
            if signer == like.sender == each["from"]:
                yield digest

    # -- the chain -------------------------------------------------------------------------------------------------

    def _next(self, member: bytes, block: str = "latest") -> int:
        nonce: int = self._sender.read(Call(FORWARDER, self.domain.contract, "nonces", (member,)), block=block)
        return nonce

    def _estimate(self, call: Call, member: bytes) -> int:
        asked = {"from": to_hex(self.domain.contract), "to": to_hex(call.to), "data": to_hex(call.data + member)}
        return int(self._node.request("eth_estimateGas", [asked, NEXT]), 16)

    def _tip(self) -> int:
        return int(self._node.request("eth_blockNumber", []), 16)

    def _time(self) -> int:
        return int(self._node.request("eth_getBlockByNumber", ["latest", False])["timestamp"], 16)


class ByRelay:
    """`Sending` whose acts are signed by their member and paid for by `relayer`: every use case, relayed."""

    def __init__(self, relaying: Relaying, sender: Sending, book: RequestBook, relayer: Signer) -> None:
        self._relaying = relaying
        self._sender = sender
        self._book = book
        self._relayer = relayer

    def read(self, call: Call, *, sender: bytes | None = None, block: str = "latest") -> Any:
        """What a view returns."""
        return self._sender.read(call, sender=sender, block=block)

    def simulate(self, call: Call, *, sender: bytes) -> None:
        """Runs the call as the forwarder would make it for `sender`. Raises RejectedByContract."""
        self._relaying.simulate(call, sender)

    def send(self, call: Call, signer: Signer, *, key: str) -> Receipt:
        """Makes the call once under its key. Raises as `Relaying.relay`, and Conflict while earlier requests of the
        member wait elsewhere."""
        known = self._book.find(key)
        if known is None or known.state is ActState.REFUSED:
            signed = self._relaying.sign(call, signer)
        else:
            signed = known.signed
            if (signed.request.sender, signed.request.to, signed.request.data) != (signer.address, call.to, call.data):
                raise Conflict("the key stands for another act", key=key)
        act = self._relaying.relay(signed, self._relayer, key=key)
        if act.state is ActState.WAITING:
            raise Conflict("it waits for an earlier request of the member, or for another relayer", key=key)
        return self._relaying.receipt(act)


class Drafted(Exception):  # noqa: N818 - no error: where an act ends that is not to be sent
    """An act, ready for its member to sign; who was to act comes along."""

    def __init__(self, request: ForwardRequest, member: Signer) -> None:
        super().__init__("an act was drafted")
        self.request = request
        self.member = member


class Drafting:
    """`Sending` that sends nothing: every act ends as a draft. `deadline` as in `Relaying.draft`."""

    def __init__(self, relaying: Relaying, sender: Sending, *, deadline: int | None = None) -> None:
        self._relaying = relaying
        self._sender = sender
        self._deadline = deadline

    def read(self, call: Call, *, sender: bytes | None = None, block: str = "latest") -> Any:
        """What a view returns."""
        return self._sender.read(call, sender=sender, block=block)

    def simulate(self, call: Call, *, sender: bytes) -> None:
        """Runs the call as the forwarder would make it for `sender`. Raises RejectedByContract."""
        self._relaying.simulate(call, sender)

    def send(self, call: Call, signer: Signer, *, key: str) -> Receipt:  # noqa: ARG002 - a draft has no key
        """Raises Drafted, or RejectedByContract as the contract would."""
        raise Drafted(self._relaying.draft(call, signer.address, deadline=self._deadline), signer)


# -- words and numbers -----------------------------------------------------------------------------------------------


def key_of(digest: bytes) -> str:
    """The idempotency key of a request that comes without one."""
    return f"relayed/{to_hex(digest)}"


def requests_in(calldata: bytes) -> Sequence[Mapping[str, Any]] | None:
    """The requests that a call to the forwarder brings, or None where it is another call."""
    try:
        function, arguments = abis.decode_call(FORWARDER, calldata)
    except InvalidInput:
        return None
    return (arguments["request"],) if function == "execute" else tuple(arguments["requests"])


def gas_around(request: ForwardRequest) -> int:
    """The most gas that one request takes of a transaction: what its call may use and 1/63 more (EIP-150: with less the
    forwarder gives up the whole transaction, so that a mean relayer uses up nobody's nonce), its calldata, and the
    forwarder's own work. Where a node estimates, it finds less; what then fails as a whole is carried alone."""
    return request.gas * 64 // 63 + 40 * (len(request.data) + 400) + 80_000


def _is_of(event: Event, request: ForwardRequest) -> bool:
    """Whether the forwarder says by this event that the request's nonce was used."""
    named = event.contract == FORWARDER and event.name == "ExecutedForwardRequest"
    return named and (event.args["signer"], event.args["nonce"]) == (request.sender, request.nonce)


def _worded(value: Any) -> Any:
    """A decoded argument in JSON."""
    if isinstance(value, Mapping):
        return {name: _worded(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_worded(each) for each in value]
    if isinstance(value, bytes):
        return checksum_address(value) if len(value) == 20 else to_hex(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _carrier(relayer: bytes, marks: Sequence[str]) -> str:
    """The idempotency key of a relayer's transaction that carries these requests."""
    return f"Forwarder.executeBatch/{to_hex(sha256('|'.join((relayer.hex(), *marks)).encode())[:16])}"
