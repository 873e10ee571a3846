"""Acts under their idempotency keys: said again while under way they are one, said again afterwards another."""

from __future__ import annotations

from typing import Any

from deedbook.chain.transactions import Call, Receipt, Signer
from deedbook.ledger import members
from deedbook.ledger.acting import Acting

ADDRESSES = {"Membership": b"\x01" * 20}


class Account:
    """A signer that is never asked to sign."""

    address = b"\x02" * 20

    def sign_digest(self, digest: bytes) -> bytes:
        raise AssertionError(digest)


class Sent:
    """Keeps the keys that were sent."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def read(self, call: Call, *, sender: bytes | None = None, block: str = "latest") -> Any:
        raise AssertionError(call)

    def simulate(self, call: Call, *, sender: bytes) -> None:
        raise AssertionError(call)

    def send(self, call: Call, signer: Signer, *, key: str) -> Receipt:
        self.keys.append(key)
        return Receipt(bytes(32), 1, bytes(32), 21_000, ())


def suspend(acting: Acting) -> None:
    members.suspend(acting, Account(), b"\x03" * 20, 1)


def test_the_same_words_are_the_same_intent_for_a_service() -> None:
    sent = Sent()
    acting = Acting(sent, 1, ADDRESSES)
    suspend(acting)
    suspend(acting)
    assert len(set(sent.keys)) == 1


def test_the_same_words_are_another_intent_once_the_first_is_over() -> None:
    sent, over = Sent(), set[str]()
    acting = Acting(sent, 1, ADDRESSES, is_over=over.__contains__)
    for _ in range(3):
        suspend(acting)
        over.add(sent.keys[-1])
    assert len(set(sent.keys)) == 3
    assert [key.partition("/")[2].partition("/")[2] for key in sent.keys] == ["", "2", "3"]


def test_an_intent_that_was_cut_short_is_taken_up_again() -> None:
    sent = Sent()
    acting = Acting(sent, 1, ADDRESSES, is_over=lambda _: False)
    suspend(acting)
    suspend(acting)
    assert len(set(sent.keys)) == 1
