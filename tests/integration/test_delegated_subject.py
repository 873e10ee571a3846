"""A person whose key delegates to code (EIP-7702): what binds, under rules that know delegation and under older ones.

The key always binds: its signature counts before, during and after a delegation, whatever the code says. Under Prague
rules the code's word counts too, as a contract wallet's does (ERC-1271), as long as the delegation stands. Under Paris
rules there is no delegation: the transaction that would set one is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account

from deedbook.chain.client import NodeError
from deedbook.domain.consents import Consent
from deedbook.domain.hashing import ZERO_ADDRESS, checksum_address, from_hex, keccak256, to_hex
from tests.bench.chain import CHAIN_ID, RefusedError, running
from tests.bench.exchange import Exchange, account, word
from tests.integration.anvil_node import receipt_of

PERSON, ANYONE = "person", "anyone"
KEYS = {name: keccak256(f"key of {name}".encode()) for name in (PERSON, ANYONE)}
DESIGNATOR = b"\xef\x01\x00"
AGREES = "631626ba7e60e01b60005260206000f3"
REFUSES = "00"
SALT = word("asset")
UNTIL = 1_900_000_000


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """Under Prague rules."""
    with running("prague") as chain:
        made = Exchange(chain)
        made.admit_all()
        yield made


def deployed(exchange: Exchange, code: str) -> bytes:
    """Code that is only that: what a person's account delegates to."""
    size = f"{len(code) // 2:02x}"
    creation = f"0x60{size}80600b6000396000f3" + code
    return exchange.chain.deploy("code", [], creation, (), account(ANYONE)).address


def delegate(exchange: Exchange, code: bytes) -> None:
    """The person's account delegates to the code at this address; anyone sends the transaction. Zero ends it."""

    def count(name: str) -> int:
        return int(exchange.chain.node.request("eth_getTransactionCount", [to_hex(account(name)), "latest"]), 16)

    authorization = {"chainId": CHAIN_ID, "address": checksum_address(code), "nonce": count(PERSON)}
    transaction: dict[str, Any] = {
        "type": 4,
        "chainId": CHAIN_ID,
        "nonce": count(ANYONE),
        "gas": 200_000,
        "maxFeePerGas": 0,
        "maxPriorityFeePerGas": 0,
        "to": checksum_address(account(PERSON)),
        "value": 0,
        "data": "0x",
        "authorizationList": [Account.sign_authorization(authorization, KEYS[PERSON])],
    }
    raw = Account.sign_transaction(transaction, KEYS[ANYONE]).raw_transaction
    sent = exchange.chain.node.request("eth_sendRawTransaction", [to_hex(bytes(raw))])
    receipt_of(exchange.chain.node, sent)


def code_of(exchange: Exchange) -> bytes:
    return from_hex(exchange.chain.node.request("eth_getCode", [to_hex(account(PERSON)), "latest"]), "code")


def consented(exchange: Exchange, number: int) -> Consent:
    return exchange.consent(PERSON, exchange.asset_id(SALT), exchange.terms(valid_until=UNTIL + number))


def grant(exchange: Exchange, consent: Consent, signature: bytes) -> None:
    exchange.act("Consents", "grant", consent.as_tuple(), SALT, signature, by="provider")


def withdraw(exchange: Exchange, consent: Consent, signature: bytes) -> None:
    batch, leaf, proof = exchange.place(exchange.single(consent), 0)
    exchange.act("Consents", "withdrawFor", batch, leaf, proof, signature, by=ANYONE)


def test_the_key_of_a_delegating_account_still_binds_it(exchange: Exchange) -> None:
    before, during = consented(exchange, 1), consented(exchange, 2)
    grant(exchange, before, exchange.signed(PERSON, before))

    code = deployed(exchange, REFUSES)
    delegate(exchange, code)
    assert code_of(exchange) == DESIGNATOR + code

    grant(exchange, during, exchange.signed(PERSON, during))
    for consent in (before, during):
        with pytest.raises(RefusedError, match="BadSignature"):
            withdraw(exchange, consent, b"the code refuses")
        withdraw(exchange, consent, exchange.withdrawal(PERSON, consent))
        assert exchange.read("Consents", "hasEnded", exchange.single(consent).id, 0) is True


def test_the_code_of_a_delegating_account_counts_while_the_delegation_stands(exchange: Exchange) -> None:
    before, during, after = (consented(exchange, number) for number in (1, 2, 3))
    with pytest.raises(RefusedError, match="BadSignature"):
        grant(exchange, before, b"whatever")

    delegate(exchange, deployed(exchange, AGREES))
    grant(exchange, during, b"whatever")

    delegate(exchange, ZERO_ADDRESS)
    assert code_of(exchange) == b""
    with pytest.raises(RefusedError, match="BadSignature"):
        grant(exchange, after, b"whatever")
    withdraw(exchange, during, exchange.withdrawal(PERSON, during))
    assert exchange.read("Consents", "batchState", exchange.single(during).id)[1] == 1


def test_before_prague_no_account_delegates() -> None:
    with running("paris") as chain:
        exchange = Exchange(chain)
        exchange.admit_all()
        code = deployed(exchange, AGREES)
        with pytest.raises(NodeError):
            delegate(exchange, code)
        assert code_of(exchange) == b""
        consent = consented(exchange, 1)
        with pytest.raises(RefusedError, match="BadSignature"):
            grant(exchange, consent, b"whatever")
        grant(exchange, consent, exchange.signed(PERSON, consent))
        assert exchange.read("Consents", "batchState", exchange.single(consent).id)[0] == 1
