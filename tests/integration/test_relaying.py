"""Relayed acts on the embedded chain: a member signs, someone else pays, the forwarder judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deedbook.chain.transactions import Call
from deedbook.domain.codes import Role
from deedbook.domain.hashing import sha256
from deedbook.domain.relaying import ActState, ForwardDomain, SignedRequest, request_digest
from deedbook.errors import Conflict, InvalidInput, InvalidSignature, RejectedByContract, TransactionFailed
from deedbook.ledger import cases, members, relaying
from deedbook.wallet.signers import LocalSigner
from tests.integration.scenario import BUYER, FIRM, PROVIDER, STRANGER, Scenario, Stage, account, refused

RELAYER, OTHER_RELAYER = account("relayer"), account("other relayer")
TARGET = sha256(b"target")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Scenario.begin(tmp_path_factory.mktemp("relaying") / "home", 1).close()


@pytest.fixture
def scene(stage: Stage, tmp_path: Path) -> Iterator[Scenario]:
    with Scenario.copied(stage, tmp_path) as scenario:
        yield scenario


def opening(scene: Scenario, number: int) -> Call:
    """A case that any member may open, once."""
    arguments = (sha256(b"case" + bytes([number])), 3, sha256(b"grounds"))
    return Call("Cases", scene.services.addresses["Cases"], "open", arguments)


def signed(scene: Scenario, call: Call, member: LocalSigner = BUYER, **changes: Any) -> SignedRequest:
    """The request for a call, changed before it is signed."""
    relayed = scene.services.relaying
    request = replace(relayed.draft(call, member.address), **changes)
    return SignedRequest(relayed.domain, request, member.sign_digest(request_digest(relayed.domain, request)))


def ahead(scene: Scenario, count: int, member: LocalSigner = BUYER) -> list[SignedRequest]:
    """Requests of one member with the next nonces, each for another call."""
    first = scene.acting.read("Forwarder", "nonces", member.address)
    return [signed(scene, opening(scene, number), member, nonce=first + number) for number in range(count)]


def opened(scene: Scenario, number: int) -> bool:
    """Whether the case is on chain."""
    try:
        scene.acting.simulate(BUYER.address, "Cases", "open", *opening(scene, number).arguments)
    except RejectedByContract:
        return True
    return False


def test_a_relayed_act_is_its_members(scene: Scenario) -> None:
    act = scene.services.relaying.relay(signed(scene, opening(scene, 0)), RELAYER)
    assert act.state is ActState.DONE
    event = scene.services.relaying.receipt(act).event("CaseOpened")
    assert event.args["opener"] == BUYER.address
    assert scene.acting.read("Forwarder", "nonces", BUYER.address) == 1


def test_the_same_request_twice_is_one_act(scene: Scenario) -> None:
    request = signed(scene, opening(scene, 0))
    first = scene.services.relaying.relay(request, RELAYER)
    again = scene.services.relaying.relay(request, OTHER_RELAYER)
    assert first == again
    assert len(scene.services.records.relayed.of(BUYER.address)) == 1


def test_a_request_is_kept_before_anything_is_sent(scene: Scenario) -> None:
    act = scene.services.relaying.take(signed(scene, opening(scene, 0)))
    assert (act.state, act.carrier) == (ActState.WAITING, None)
    assert not opened(scene, 0)


def test_what_the_contract_refuses_is_never_sent_and_may_come_again(scene: Scenario) -> None:
    late, relayed = account("late member"), scene.services.relaying
    first = signed(scene, opening(scene, 0))
    body = replace(first.request, sender=late.address, nonce=0)
    request = SignedRequest(relayed.domain, body, late.sign_digest(request_digest(relayed.domain, body)))
    with refused("Membership", "NotAdmitted", account=late.address):
        relayed.relay(request, RELAYER)
    assert scene.services.records.relayed.get(request.digest).state is ActState.REFUSED
    assert scene.acting.read("Forwarder", "nonces", late.address) == 0
    scene.admit(late, int(Role.BUYER))
    assert relayed.relay(request, RELAYER).state is ActState.DONE


def test_a_later_request_waits_for_the_earlier(scene: Scenario) -> None:
    requests, relayed = ahead(scene, 3), scene.services.relaying
    for late in (requests[2], requests[1]):
        act = relayed.relay(late, RELAYER)
        assert act.state is ActState.WAITING
    assert not any(opened(scene, number) for number in range(3))
    assert relayed.relay(requests[0], OTHER_RELAYER).state is ActState.DONE
    book = scene.services.records.relayed
    assert [act.state for act in book.of(BUYER.address)] == [ActState.DONE] * 3
    blocks = [book.get(each.digest).ran.block_number for each in requests]  # type: ignore[union-attr]
    assert blocks == sorted(set(blocks))
    assert all(opened(scene, number) for number in range(3))


def test_several_members_go_in_one_transaction(scene: Scenario) -> None:
    relayed, book = scene.services.relaying, scene.services.records.relayed
    for number, member in enumerate((BUYER, PROVIDER, FIRM)):
        relayed.take(signed(scene, opening(scene, number), member))
    acts = relayed.step(RELAYER)
    assert [act.state for act in acts] == [ActState.DONE] * 3
    assert len({act.ran.tx_hash for act in book.of()}) == 1  # type: ignore[union-attr]
    for act in acts:
        events = relayed.receipt(act).events
        assert [event.args["opener"] for event in events] == [act.signed.request.sender]
    assert relayed.step(RELAYER) == []


def test_one_that_fails_as_it_runs_says_why_and_stops_nobody_else(scene: Scenario) -> None:
    relayed, book = scene.services.relaying, scene.services.records.relayed
    call = opening(scene, 0)
    first, bystander = signed(scene, call), signed(scene, opening(scene, 1), FIRM)
    twin = signed(scene, call, nonce=first.request.nonce + 1)
    relayed.relay(first, RELAYER)
    relayed.take(twin)
    relayed.take(bystander)
    claim_untried(scene, twin, bystander)
    ended = {act.digest: act for act in relayed.step(RELAYER)}
    assert ended[bystander.digest].state is ActState.DONE
    assert ended[twin.digest].state is ActState.FAILED
    with pytest.raises(RejectedByContract) as caught:
        relayed.relay(twin, RELAYER)
    assert (caught.value.contract, caught.value.error) == ("Cases", "CaseExists")
    assert scene.acting.read("Forwarder", "nonces", BUYER.address) == twin.request.nonce + 1
    assert book.get(twin.digest).ran is not None


def claim_untried(scene: Scenario, *requests: SignedRequest) -> None:
    """As a relayer leaves it that was cut off after it had tried them, before the state changed."""
    now = scene.clock()
    book = scene.services.records.relayed
    digests = [each.digest for each in requests]
    assert list(book.claim(digests, RELAYER.address, now=now, until=now + 60, name=lambda _: "cut off")) == ["cut off"]


def test_a_request_that_somebody_else_ran_is_done_once(scene: Scenario) -> None:
    relayed = scene.services.relaying
    known, fresh = ahead(scene, 2)
    relayed.take(known)
    for request in (known, fresh):
        scene.acting.act(STRANGER, "Forwarder", "execute", request.as_tuple())
    assert relayed.relay(known, RELAYER).state is ActState.DONE
    act = relayed.relay(fresh, RELAYER)
    assert act.state is ActState.DONE
    assert relayed.receipt(act).event("CaseOpened").args["opener"] == BUYER.address
    assert scene.acting.read("Forwarder", "nonces", BUYER.address) == 2


def test_one_that_was_overtaken_under_way_is_done_once(scene: Scenario) -> None:
    """Claimed and about to be sent, when somebody else runs it: our transaction runs nothing."""
    relayed, request = scene.services.relaying, signed(scene, opening(scene, 0))
    relayed.take(request)
    claim_untried(scene, request)
    scene.acting.act(STRANGER, "Forwarder", "execute", request.as_tuple())
    assert [act.state for act in relayed.step(RELAYER)] == [ActState.DONE]


def test_a_nonce_that_another_request_used_is_refused(scene: Scenario) -> None:
    relayed = scene.services.relaying
    loser, winner = (signed(scene, opening(scene, number)) for number in range(2))
    relayed.take(loser)
    scene.acting.act(STRANGER, "Forwarder", "executeBatch", (winner.as_tuple(), loser.as_tuple()), STRANGER.address)
    with pytest.raises(Conflict, match="another request ran with its nonce"):
        relayed.relay(loser, RELAYER)
    assert scene.services.records.relayed.get(loser.digest).state is ActState.VOID
    assert not opened(scene, 0)
    other = signed(scene, opening(scene, 2), nonce=0)
    with pytest.raises(Conflict, match="nonce is used"):
        relayed.relay(other, RELAYER)


def test_only_one_request_of_a_nonce_waits(scene: Scenario) -> None:
    relayed = scene.services.relaying
    relayed.take(signed(scene, opening(scene, 0)))
    with pytest.raises(Conflict, match="another request of this nonce waits"):
        relayed.take(signed(scene, opening(scene, 1), nonce=0))


def test_an_expired_request_is_refused(scene: Scenario) -> None:
    relayed, now = scene.services.relaying, scene.clock()
    request = signed(scene, opening(scene, 0), deadline=now + 30)
    relayed.take(request)
    scene.clock.now += 60
    with pytest.raises(InvalidInput, match="deadline: has passed"):
        relayed.relay(request, RELAYER)
    assert scene.services.records.relayed.get(request.digest).state is ActState.REFUSED
    relayed.relay(signed(scene, opening(scene, 1), FIRM), RELAYER)  # a block of that time
    with pytest.raises(InvalidInput, match="deadline: has passed"):
        relayed.relay(request, RELAYER)
    assert not opened(scene, 0)


def test_one_that_waits_in_vain_is_void_when_it_expires(scene: Scenario) -> None:
    relayed = scene.services.relaying
    _, late = ahead(scene, 2)
    late = signed(scene, opening(scene, 1), nonce=1, deadline=scene.clock() + 30)
    relayed.take(late)
    scene.clock.now += 60
    relayed.relay(signed(scene, opening(scene, 2), FIRM), RELAYER)
    assert [act.state for act in relayed.step(RELAYER)] == [ActState.VOID]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("to", {"to": bytes(20)}),
        ("value", {"value": 1}),
        ("gas", {"gas": relaying.MOST_GAS + 1}),
        ("nonce", {"nonce": relaying.MOST_WAITING + 1}),
        ("data", {"data": b""}),
        ("data", {"data": bytes.fromhex("deadbeef")}),
        ("deadline", {"deadline": 1}),
    ],
)
def test_a_request_that_is_none_is_refused_by_its_field(scene: Scenario, field: str, changes: dict[str, Any]) -> None:
    request = signed(scene, opening(scene, 0), **changes)
    with pytest.raises(InvalidInput) as caught:
        scene.services.relaying.relay(request, RELAYER)
    assert caught.value.field == field
    assert scene.services.records.relayed.of() == []


def test_a_request_for_elsewhere_is_refused(scene: Scenario) -> None:
    relayed, request = scene.services.relaying, signed(scene, opening(scene, 0))
    chain, forwarder = relayed.domain.chain_id, relayed.domain.contract
    for field, domain in (("chainId", ForwardDomain(1, forwarder)), ("contract", ForwardDomain(chain, bytes(20)))):
        with pytest.raises(InvalidInput) as caught:
            relayed.take(SignedRequest(domain, request.request, request.signature))
        assert caught.value.field == field


def test_neither_the_forwarder_nor_the_manager_is_called_by_relay(scene: Scenario) -> None:
    for contract in relaying.DIRECT:
        request = signed(scene, opening(scene, 0), to=scene.services.addresses[contract])
        with pytest.raises(InvalidInput, match="to: is no contract whose acts are relayed"):
            scene.services.relaying.take(request)


def test_a_view_is_no_act(scene: Scenario) -> None:
    view = Call("Cases", scene.services.addresses["Cases"], "isHeld", (TARGET,))
    with pytest.raises(InvalidInput, match="data: calls no act of Cases"):
        scene.services.relaying.take(signed(scene, opening(scene, 0), data=view.data))


def test_governance_is_never_relayed(scene: Scenario) -> None:
    suspend = Call("Membership", scene.services.addresses["Membership"], "suspend", (BUYER.address, 1))
    forwarder = scene.services.addresses["Forwarder"]
    with refused("Membership", "AccessManagedUnauthorized", caller=forwarder):
        scene.services.relaying.draft(suspend, scene.governance.address)
    first = signed(scene, opening(scene, 0))
    body = replace(first.request, to=suspend.to, data=suspend.data)
    signature = BUYER.sign_digest(request_digest(scene.services.relaying.domain, body))
    with refused("Membership", "AccessManagedUnauthorized", caller=forwarder):
        scene.services.relaying.relay(SignedRequest(scene.services.relaying.domain, body, signature), RELAYER)


def test_nobody_signs_for_another(scene: Scenario) -> None:
    request = signed(scene, opening(scene, 0))
    forged = SignedRequest(request.domain, replace(request.request, sender=FIRM.address), request.signature)
    with pytest.raises(InvalidSignature):
        scene.services.relaying.take(forged)


def test_too_little_gas_is_named_and_nothing_is_sent(scene: Scenario) -> None:
    request = signed(scene, opening(scene, 0), gas=30_000)
    with pytest.raises(InvalidInput, match="gas: is too little for the call"):
        scene.services.relaying.relay(request, RELAYER)
    assert scene.acting.read("Forwarder", "nonces", BUYER.address) == 0


def test_a_claim_keeps_others_off_until_it_is_over(scene: Scenario) -> None:
    relayed, request = scene.services.relaying, signed(scene, opening(scene, 0))
    relayed.take(request)
    claim_untried(scene, request)
    assert relayed.step(OTHER_RELAYER) == []
    scene.clock.now += relaying.CLAIM + 1
    assert [act.relayer for act in relayed.step(OTHER_RELAYER)] == [OTHER_RELAYER.address]
    assert relayed.step(RELAYER) == []


def test_a_relayer_goes_on_with_what_it_had_claimed(scene: Scenario) -> None:
    relayed, request = scene.services.relaying, signed(scene, opening(scene, 0))
    relayed.take(request)
    claim_untried(scene, request)
    assert [(act.state, act.carrier) for act in relayed.step(RELAYER)] == [(ActState.DONE, "cut off")]


def test_every_use_case_can_be_relayed(scene: Scenario) -> None:
    acting = scene.services.relayed_by(RELAYER)
    receipt = cases.open_case(acting, BUYER, TARGET, 3, sha256(b"grounds"))
    assert receipt.event("CaseOpened").args["opener"] == BUYER.address
    assert cases.open_case(acting, BUYER, TARGET, 3, sha256(b"grounds")) == receipt
    assert scene.acting.read("Forwarder", "nonces", BUYER.address) == 1
    with refused("Membership", "NotAdmitted", account=STRANGER.address):
        cases.open_case(acting, STRANGER, TARGET, 3, sha256(b"grounds"))


def test_a_drafted_act_is_not_sent(scene: Scenario) -> None:
    scene.services.draft_acts()
    with pytest.raises(relaying.Drafted) as caught:
        members.register_encryption_key(scene.services.anew, BUYER, 0x20, sha256(b"key"))
    assert (caught.value.request.sender, caught.value.member) == (BUYER.address, BUYER)
    assert scene.acting.read("Forwarder", "nonces", BUYER.address) == 0


def test_what_failed_as_a_whole_is_carried_alone(scene: Scenario) -> None:
    """A transaction that ends without running its requests - one of them used more gas than when it was tried - is
    followed by one for each."""
    relayed, book = scene.services.relaying, scene.services.records.relayed
    requests = [signed(scene, opening(scene, number), member) for number, member in enumerate((BUYER, FIRM))]
    for request in requests:
        relayed.take(request)
    claim_untried(scene, *requests)
    for request in requests:
        book.free(request.digest, "cut off")
    ended = []
    while acts := relayed.step(RELAYER):
        ended.append([act.state for act in acts])
    assert ended == [[ActState.DONE]] * 2
    assert len({act.ran.tx_hash for act in book.of() if act.ran}) == 2


def test_a_request_that_no_transaction_runs_is_given_up(scene: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it were with a node that says a request is valid and never runs it."""
    relayed, request = scene.services.relaying, signed(scene, opening(scene, 0), deadline=scene.clock() + 30)
    relayed.take(request)
    scene.clock.now += 60
    monkeypatch.setattr(relayed, "_require_valid", lambda _: None)
    monkeypatch.setattr(relayed, "_time", lambda: 0)
    with pytest.raises(TransactionFailed, match="end without running it"):
        relayed.relay(request, RELAYER)
    assert scene.services.records.relayed.get(request.digest).attempts == relaying.ROUNDS - 1
