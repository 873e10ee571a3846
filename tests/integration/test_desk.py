"""The desk of a running home: collects, anchors, withdraws and erases, also what a crash left half done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deedbook.bootstrap.desk import Desk
from deedbook.chain.transactions import Call
from deedbook.domain.codes import Role
from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.intents import IntentState
from deedbook.domain.operations import OperationKind
from deedbook.domain.relaying import SignedRequest, request_digest
from deedbook.errors import DeedbookError, InvalidInput, NotFound
from deedbook.queries.consents import batch
from tests.integration.scenario import BUYER, EXCHANGE, PEOPLE, STRANGER, Scenario, ended, refused


def index_of(scenario: Scenario, person: int) -> int:
    return scenario.consents.place(scenario.consent_of(scenario.stage.people[person])).index


def test_a_withdrawal_over_the_desk_destroys_the_records_key(open_home: Scenario) -> None:
    person, index = open_home.stage.people[1], index_of(open_home, 1)
    with Desk(open_home.services) as desk:
        accepted = desk.withdraw(open_home.withdrawal(person).to_json())
        operation = ended(desk, accepted)
    assert (operation.state, operation.kind) == (IntentState.FINAL, OperationKind.WITHDRAWAL)
    assert operation.about == {"consentId": to_hex(open_home.consent_of(person))}
    assert batch(open_home.services.mirror, open_home.batch.batch_id).live == PEOPLE - 1
    with pytest.raises(DeedbookError):
        open_home.services.vault.serve_unit(open_home.stage.payload_id, index)
    assert open_home.services.vault.serve_unit(open_home.stage.payload_id, (index + 1) % PEOPLE)


def test_a_crash_between_withdrawal_and_erasure_is_healed_by_asking_again(open_home: Scenario) -> None:
    person, index = open_home.stage.people[1], index_of(open_home, 1)
    withdrawal = open_home.withdrawal(person)
    open_home.consents.withdraw_for(withdrawal, EXCHANGE)
    assert open_home.services.vault.serve_unit(open_home.stage.payload_id, index)
    with Desk(open_home.services) as desk:
        for _ in range(2):
            with refused("Consents", "AlreadyWithdrawn", batchId=open_home.batch.batch_id, index=index):
                desk.withdraw(withdrawal.to_json())
    with pytest.raises(DeedbookError):
        open_home.services.vault.serve_unit(open_home.stage.payload_id, index)


def test_a_withdrawal_that_another_follower_copied_destroys_the_records_key_too(open_home: Scenario) -> None:
    index = index_of(open_home, 1)
    with Desk(open_home.services) as desk:
        open_home.consents.withdraw_for(open_home.withdrawal(open_home.stage.people[1]), EXCHANGE)
        open_home.services.follow()
        desk.catch_up()
    with pytest.raises(DeedbookError):
        open_home.services.vault.serve_unit(open_home.stage.payload_id, index)


def test_the_desk_collects_for_accounts_of_its_home_only(open_home: Scenario) -> None:
    signed = open_home.sign(STRANGER, open_home.consent(STRANGER, controller=EXCHANGE.address))
    passphrase = open_home.services.home.passphrase(None)
    with Desk(open_home.services) as desk:
        with pytest.raises(InvalidInput) as caught:
            desk.collect(signed.to_json())
        assert caught.value.field == "controller"
        open_home.services.keystore.create("exchange", passphrase, sha256(b"account exchange"))
        receipt = desk.collect(signed.to_json())
        assert receipt["format"] == "deedbook.receipt"
        held = int(Role.OPERATOR | Role.RELAYER)
        with refused("Membership", "RoleMissing", account=EXCHANGE.address, needed=int(Role.PROVIDER), held=held):
            desk.anchor(open_home.stage.asset_id, None)
        with pytest.raises(NotFound):
            desk.anchor(open_home.stage.asset_id + 1, None)


def test_the_desk_knows_its_heads_and_its_chain(open_home: Scenario) -> None:
    with Desk(open_home.services) as desk:
        head, mirrored = desk.heads()
        assert head == mirrored > 0
        assert desk.is_right_chain()
        assert desk.deployment() == open_home.services.deployment.to_json()
        place = desk.place_of(open_home.consent_of(open_home.stage.people[0]))
        assert place[0] == open_home.batch.batch_id
        with pytest.raises(NotFound):
            desk.document(bytes(32))
        assert b'"result":"' in desk.rpc(b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}').replace(
            b" ", b""
        )


def test_a_withdrawal_that_reached_the_chain_past_the_desk_destroys_the_key_too(open_home: Scenario) -> None:
    person, index = open_home.stage.people[2], index_of(open_home, 2)
    place = open_home.consents.place(open_home.consent_of(person))
    open_home.services.acting.act(
        STRANGER,
        "Consents",
        "withdrawFor",
        place.batch.stated,
        place.leaf,
        place.proof,
        open_home.withdrawal(person).signature,
    )
    with Desk(open_home.services) as desk:
        desk.catch_up()
    with pytest.raises(NotFound):
        open_home.services.vault.serve_unit(open_home.stage.payload_id, index)
    assert open_home.services.vault.serve_unit(open_home.stage.payload_id, (index + 1) % PEOPLE)


def test_the_desk_relays_what_a_member_signed_and_what_waited_behind_it(open_home: Scenario) -> None:
    relaying, cases = open_home.services.relaying, open_home.services.addresses["Cases"]

    def signed(number: int) -> SignedRequest:
        call = Call("Cases", cases, "open", (sha256(bytes([number])), 3, sha256(b"grounds")))
        request = replace(relaying.draft(call, BUYER.address), nonce=number)
        return SignedRequest(relaying.domain, request, BUYER.sign_digest(request_digest(relaying.domain, request)))

    first, second, third = (signed(number) for number in range(3))
    with Desk(open_home.services) as desk:
        waits = desk.relay(second.to_json())
        assert (waits.state, waits.about["act"]) == (IntentState.QUEUED, "Cases.open")
        assert ended(desk, desk.relay(first.to_json())).state is IntentState.FINAL
        assert ended(desk, waits).state is IntentState.FINAL
        assert desk.relayed(second.digest)["state"] == "done"
        open_home.services.relaying.take(third)
        desk.catch_up()
        assert desk.relayed(third.digest)["state"] == "done"
        with pytest.raises(NotFound):
            desk.relayed(bytes(32))
