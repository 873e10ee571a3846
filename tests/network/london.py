"""Transactions priced at nothing on a Clique network *with* London: none gets stuck when the base fee rises.

The chain begins with a base fee of zero. Many intents are put at once, signed at the price of that moment, which is
zero; so much work fills the blocks, and the base fee rises with them. Beside them stands a transaction that nobody
looks after, of an account of its own and priced at zero when the fee has left it: that one stays where it is. The
sender's are replaced at a higher price, and each ends once.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deedbook.chain.client import HttpNode
from deedbook.chain.dispatch import Dispatcher
from deedbook.chain.finality import CliqueFinality
from deedbook.chain.pricing import Price
from deedbook.chain.signing import Terms, sign
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.domain.intents import Intent, IntentState
from deedbook.domain.validators import Span, Validators
from deedbook.records.store import Records
from deedbook.wallet.recovery import recover
from deedbook.wallet.signers import LocalSigner
from tests import tally
from tests.toy_sealer import ToySealer
from tools.network import Network

INTENTS = 300
GAS = 150_000
BLOCK_GAS = 3_000_000
SECONDS = 300.0
RICH = 10**24


def priced_at_zero(folder: Path, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs it; what was seen. Raises AssertionError."""
    sender, loner = (LocalSigner(keccak256(b"london %d %d" % (seed, number))) for number in range(2))
    funds = {sender.address: RICH, loner.address: RICH}
    with Network(folder, london=True, gas_limit=BLOCK_GAS, funds=funds, seed=str(seed), say=say) as network:
        node = HttpNode(network.rpc_url)
        accounts = tuple(signer.account for signer in network.signers if signer.account)
        final = CliqueFinality(node, Validators("clique", (Span(0, accounts),)), recover)
        records = Records.open(f"sqlite:///{folder / 'records.sqlite'}", ToySealer())
        chain_id = int(node.request("eth_chainId", []), 16)
        signers = {sender.address: sender}
        with Dispatcher(
            node, records.outbox, signers, chain_id=chain_id, final=final, gas_limit=GAS * 5, owner="london"
        ) as dispatcher:
            deployment = records.outbox.put(Intent("tally", sender.address, None, "Tally", "constructor", tally.CODE))
            until = _Deadline(lambda: _is_over(records, deployment.intent.key))
            dispatcher.run(until)
            row = records.outbox.get("tally")
            assert row is not None
            assert row.mined is not None
            assert row.mined.contract_address is not None
            began = base_fee(node)
            assert began == 0, f"the base fee begins at {began}"
            seen = _drive(node, records, dispatcher, row.mined.contract_address, sender, loner, chain_id)
        records.close()
    return {"base_fee_at_first": began, **seen}


def _drive(
    node: HttpNode,
    records: Records,
    dispatcher: Dispatcher,
    at: bytes,
    sender: LocalSigner,
    loner: LocalSigner,
    chain_id: int,
) -> dict[str, Any]:
    words = {f"london {number}": tally.word_of(f"london {number}") for number in range(INTENTS)}
    records.outbox.put_all([tally.intent_of(key, sender.address, at, word) for key, word in words.items()])
    steps: Counter[str] = Counter()
    highest, alone = 0, b""
    until = _Deadline(lambda: all(_is_over(records, key) for key in words))
    while not until():
        done = dispatcher.step()
        steps.update(signed=done.signed, replaced=done.replaced, ended=done.ended)
        highest = max(highest, base_fee(node))
        if highest and not alone:
            alone = _unattended(node, loner, chain_id)
        time.sleep(0.2)
    states = Counter(row.state for key in words if (row := records.outbox.get(key)))
    assert states == {IntentState.FINAL: INTENTS}, states
    assert tally.stored(node, at, words.values()) == Counter(dict.fromkeys(words.values(), 1))
    assert tally.logged(node, at) == Counter(dict.fromkeys(words.values(), 1))
    assert highest > 0, "the base fee never rose: nothing was shown"
    assert steps["replaced"] > 0, "no transaction had to be replaced: nothing was shown"
    stuck = alone and node.request("eth_getTransactionReceipt", [to_hex(alone)]) is None
    assert stuck, "the transaction that nobody looked after is not stuck"
    return {"intents": INTENTS, "highest_base_fee": highest, "replaced": steps["replaced"], "unattended_is_stuck": True}


def base_fee(node: HttpNode) -> int:
    """Of the newest block, in wei."""
    return int(node.request("eth_getBlockByNumber", ["latest", False])["baseFeePerGas"], 16)


def _unattended(node: HttpNode, signer: LocalSigner, chain_id: int) -> bytes:
    """Sends a transaction priced at nothing; its hash."""
    terms = Terms(Price(0, 0), 21_000)
    sent = sign(signer, chain_id=chain_id, nonce=0, terms=terms, to=signer.address, data=b"")
    node.request("eth_sendRawTransaction", [to_hex(sent.raw)])
    return sent.tx_hash


def _is_over(records: Records, key: str) -> bool:
    row = records.outbox.get(key)
    return row is not None and row.is_over


class _Deadline:
    """A condition that must come true in time."""

    def __init__(self, condition: Callable[[], bool]) -> None:
        self._condition = condition
        self._deadline = time.monotonic() + SECONDS

    def __call__(self) -> bool:
        assert time.monotonic() < self._deadline, f"not done in {SECONDS:.0f} s"
        return self._condition()
