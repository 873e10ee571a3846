"""Requests of several members, in any order, with several relayers that are cut off anywhere, while others run them and
the chain forks: each runs at most once, in the order of its member's nonces, and what is kept is the chain's."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from deedbook.chain.transactions import Call
from deedbook.domain.hashing import sha256
from deedbook.domain.relaying import ActState, ForwardRequest, SignedRequest, request_digest
from deedbook.errors import DeedbookError
from deedbook.ledger.relaying import CLAIM, Relaying
from deedbook.records.database import Database
from deedbook.records.relaying import RelayedActs
from deedbook.records.schema import metadata
from deedbook.wallet.signers import LocalSigner
from tests.forwarding_chain import ADDRESSES, CHAIN_ID, DOMAIN, Carrier, CutOff, ForwardingChain

MEMBERS = tuple(LocalSigner(bytes([7, number]) * 16) for number in range(1, 4))
RELAYERS = tuple(LocalSigner(bytes([9, number]) * 16) for number in range(1, 4))
FAR = 2**40
MEMBER, NUMBER, CASE = st.sampled_from(MEMBERS), st.integers(0, 2), st.integers(0, 3)


def signed(member: LocalSigner, nonce: int, case: int, deadline: int = FAR) -> SignedRequest:
    """A member's request to open a case."""
    arguments = (sha256(bytes([case])), 3, sha256(b"grounds"))
    data = Call("Cases", ADDRESSES["Cases"], "open", arguments).data
    request = ForwardRequest(member.address, ADDRESSES["Cases"], 200_000, nonce, deadline, data)
    return SignedRequest(DOMAIN, request, member.sign_digest(request_digest(DOMAIN, request)))


class Relays(RuleBasedStateMachine):
    """Members sign; three processes with an account each relay, from one book."""

    requests: Bundle[SignedRequest] = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        database = Database(f"sqlite:///{Path(self.folder.name) / 'acts.sqlite'}", rebuildable=True)
        with database.writing() as connection:
            metadata.create_all(connection, tables=[metadata.tables["relayed_acts"]])
        self.database, self.book = database, RelayedActs(database)
        self.chain = ForwardingChain(lag=2)
        self.carriers = [Carrier(self.chain) for _ in RELAYERS]
        self.taken: dict[bytes, SignedRequest] = {}

    def relaying(self, number: int) -> Relaying:
        chain = self.chain
        where: Any = (self.carriers[number], chain, CHAIN_ID, ADDRESSES, self.book)
        return Relaying(*where, clock=lambda: chain.now, final=chain.final)

    def teardown(self) -> None:
        """Everybody goes on until nothing is left to do: then everything that could run did."""
        for carrier in self.carriers:
            carrier.cut = ""
        self.chain.now += CLAIM + 1
        self.chain.pass_blocks(1 + self.chain.lag)
        while any(self.relaying(number).step(RELAYERS[number]) for number in range(3)):
            self.chain.pass_blocks(self.chain.lag)
        self.what_is_kept_is_what_happened()
        for act in self.book.waiting():
            assert act.signed.request.nonce > self.chain.nonces.get(act.signed.request.sender, 0)
        self.database.close()
        self.folder.cleanup()

    @initialize(target=requests, cases=st.lists(st.integers(0, 1), min_size=12, max_size=12))
    def sign_some(self, cases: list[int]) -> Any:
        """Two requests for each of two nonces of every member: one of them at most can run."""
        places = [(member, nonce) for member in MEMBERS for nonce in (0, 0, 1, 1)]
        return multiple(*(signed(*place, case) for place, case in zip(places, cases, strict=True)))

    @rule(target=requests, member=MEMBER, ahead=st.integers(0, 2), case=CASE, life=st.sampled_from([5, 60, FAR]))
    def sign(self, member: LocalSigner, ahead: int, case: int, life: int) -> SignedRequest:
        """Any nonce from the next on; the same case twice will be refused."""
        return signed(member, self.chain.nonces.get(member.address, 0) + ahead, case, self.chain.now + life)

    @rule(some=st.lists(requests, min_size=1, max_size=4), number=NUMBER)
    def hand_over(self, some: list[SignedRequest], number: int) -> None:
        """To any of them, perhaps again."""
        for request in some:
            with suppress(DeedbookError):
                self.relaying(number).take(request)
                self.taken[request.digest] = request

    @rule(request=requests, number=NUMBER)
    def hand_over_and_wait(self, request: SignedRequest, number: int) -> None:
        """As a caller does; an error says why it had no effect."""
        try:
            act = self.relaying(number).relay(request, RELAYERS[number])
        except DeedbookError:
            assert self._outcome(request) != "done"
        else:
            assert act.state in (ActState.DONE, ActState.WAITING)
        if self._kept(request):
            self.taken[request.digest] = request

    @rule(number=NUMBER)
    def go_on(self, number: int) -> None:
        """One round over everybody's."""
        self.relaying(number).step(RELAYERS[number])

    @rule(number=NUMBER, place=st.sampled_from(["before", "after"]))
    def cut_off(self, number: int, place: str) -> None:
        """A process ends inside its next transaction; its outbox stays."""
        self.carriers[number].cut = place
        with suppress(CutOff):
            self.relaying(number).step(RELAYERS[number])
        self.carriers[number].cut = ""

    @rule(first=requests, second=requests)
    def run_elsewhere(self, first: SignedRequest, second: SignedRequest) -> None:
        """Anyone who has seen requests may run them."""
        batch = (first.as_tuple(), second.as_tuple())
        self.chain.mine(Call("Forwarder", DOMAIN.contract, "executeBatch", (batch, b"\x01" * 20)), b"\x01" * 20)

    @rule(seconds=st.sampled_from([10, CLAIM + 1]), blocks=st.integers(0, 3))
    def wait(self, seconds: int, blocks: int) -> None:
        """Time passes; with no transactions perhaps without a block."""
        self.chain.now += seconds
        self.chain.pass_blocks(blocks)

    @rule()
    def fork(self) -> None:
        """Everything that is not final is gone, and may come again."""
        self.chain.fork()

    @invariant()
    def nothing_runs_twice_or_out_of_order(self) -> None:
        used: dict[bytes, int] = {}
        for member, nonce, _, _ in self.chain.ran:
            assert nonce == used.get(member, 0)
            used[member] = nonce + 1

    @invariant()
    def what_is_kept_is_what_happened(self) -> None:
        """An end is true; and nobody's request ends as though it had run when it did not."""
        for digest, request in self.taken.items():
            state, outcome = self.book.get(digest).state, self._outcome(request)
            assert {
                ActState.DONE: outcome == "done",
                ActState.FAILED: outcome == "failed",
                ActState.VOID: outcome == "never",
                ActState.WAITING: True,
                ActState.REFUSED: True,
            }[state], (state, outcome)

    def _kept(self, request: SignedRequest) -> bool:
        return any(act.digest == request.digest for act in self.book.of(request.request.sender))

    def _outcome(self, request: SignedRequest) -> str:
        for _, _, success, digest in self.chain.ran:
            if digest == request.digest:
                return "done" if success else "failed"
        return "never"


TestRelays = Relays.TestCase
TestRelays.settings = settings(stateful_step_count=40)
