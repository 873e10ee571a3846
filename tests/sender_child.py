"""A sender in a process of its own: it dispatches from an outbox until every intent has ended, with a clock that may be
wrong. `python -m tests.sender_child URL RECORDS KEY OWNER SKEW`; prints how many it signed."""

from __future__ import annotations

import sys
import time

from deedbook.chain.client import HttpNode
from deedbook.chain.dispatch import Dispatcher
from deedbook.domain.intents import ENDS
from deedbook.records.store import Records
from deedbook.wallet.signers import LocalSigner
from tests.toy_sealer import ToySealer

TERM = 0.5
"""Seconds of a lease."""


def main(url: str, records: str, key: str, owner: str, skew: str) -> None:
    node, outbox = HttpNode(url), Records.open(records, ToySealer()).outbox
    signer = LocalSigner(bytes.fromhex(key))
    engine = Dispatcher(
        node,
        outbox,
        {signer.address: signer},
        chain_id=int(node.request("eth_chainId", []), 16),
        gas_limit=100_000,
        owner=owner,
        lease=TERM,
        in_flight=40,
        batch=10,
        resend=0.5,
        clock=lambda: time.time() + float(skew),
    )
    signed = 0
    print("ready", flush=True)
    while not set(outbox.counts()) <= set(ENDS):
        step = engine.step()
        signed += step.signed
        if step.signed:  # at every turn, so that another gets one
            engine.release()
        if not step.progressed:
            time.sleep(0.02)
    engine.close()
    print(signed, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
