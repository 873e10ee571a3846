"""The judge of an exchange's day says what is lost, doubled or missing; its client asks until there is an answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import pytest

from deedbook.domain.anchors import LogDomain, LogProof, LogReceipt
from deedbook.domain.hashing import to_hex
from deedbook.domain.merkle import rfc9162_proof, rfc9162_root
from tests.network.day import Inbox
from tests.network.exchange import Http, Sizes, leaf_of
from tests.network.judging import STEPS, ChainEvent, Evidence, judge
from tests.webhook_receiver import Received

DOMAIN = LogDomain(7, b"\x11" * 20)
EXCHANGE = b"\x22" * 20
LINES = [b'{"trade":%d}' % number for number in range(5)]
SALES = [bytes([0xAA, number]) * 16 for number in range(2)]
CONSENTS = [bytes([0xCC, number]) * 16 for number in range(3)]


def receipts() -> list[dict[str, Any]]:
    leaves = [bytes.fromhex(leaf_of(line)[2:]) for line in LINES]
    return [LogReceipt(DOMAIN, EXCHANGE, place, leaf, bytes(65)).to_json() for place, leaf in enumerate(leaves)]


def proof(place: int, line: bytes, *, lines: list[bytes] = LINES) -> dict[str, Any]:
    leaf, root = bytes.fromhex(leaf_of(line)[2:]), rfc9162_root(lines)
    way = rfc9162_proof(lines, place)
    return LogProof(DOMAIN, EXCHANGE, place, leaf, len(lines), root, way, b"\x01" * 32, 9).to_json()


def told(contract: str, name: str, number: int, **args: Any) -> ChainEvent:
    return ChainEvent(f"7:0x{name}{number}", contract, name, args, f"0x{name}{number}")


def day() -> Evidence:
    """One on which all went well."""
    steps = [told(contract, name, number, saleId=sale) for number, sale in enumerate(SALES) for contract, name in STEPS]
    ended = [
        told("Consents", "LeafEnded", number, consentId=consent, cause=1) for number, consent in enumerate(CONSENTS)
    ]
    anchored = told("AnchorLog", "CheckpointAnchored", 0, size=len(LINES), root=rfc9162_root(LINES))
    chain = [*steps, *ended, anchored]
    return Evidence(
        sent=[leaf_of(line) for line in LINES],
        receipts=receipts(),
        proofs={leaf_of(line): proof(place, line) for place, line in enumerate(LINES)},
        sold=[to_hex(sale) for sale in SALES],
        shown={
            to_hex(sale): {"state": "accepted", "settlement": {"certificate": number + 1}}
            for number, sale in enumerate(SALES)
        },
        withdrawn={to_hex(consent): f"0xLeafEnded{number}" for number, consent in enumerate(CONSENTS)},
        operations={"0x01": "0xLeafEnded0"},
        chain=chain,
        mined={each.transaction for each in chain},
        failed=set(),
        told=[each.key for each in chain],
        received={each.key for each in chain},
        dead_letters=0,
        verdicts={to_hex(sale): 0 for sale in SALES},
    )


def event_again(found: Evidence, name: str) -> Evidence:
    """The same day with an event of this name a second time on chain, and told."""
    again = replace(next(each for each in found.chain if each.name == name), key="7:0xagain:1")
    chain = [again, *found.chain]
    return replace(found, chain=chain, told=[each.key for each in chain], received={each.key for each in chain})


def event_gone(found: Evidence, name: str) -> Evidence:
    """The same day without an event of this name."""
    gone = next(each for each in found.chain if each.name == name)
    chain = [each for each in found.chain if each is not gone]
    return replace(found, chain=chain, told=[each.key for each in chain], received={each.key for each in chain})


def changed_proof(found: Evidence, place: int, proof_of: dict[str, Any] | None) -> Evidence:
    proofs = {**found.proofs, found.sent[place]: proof_of}
    return replace(found, proofs={leaf: each for leaf, each in proofs.items() if each is not None})


def another_index(found: Evidence) -> Evidence:
    first, second, *others = found.receipts
    return replace(found, receipts=[first, {**second, "index": "0"}, *others])


def shown(found: Evidence, **said: Any) -> Evidence:
    sale = next(iter(found.shown))
    return replace(found, shown={**found.shown, sale: {**found.shown[sale], **said}})


WRONG: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "an entry without a receipt": (lambda of: replace(of, receipts=of.receipts[1:]), "4 receipts for 5"),
    "a receipt of another entry": (lambda of: replace(of, sent=of.sent[::-1]), "of another entry"),
    "one place for two entries": (another_index, "places given twice"),
    "an entry twice in the log": (lambda of: replace(of, sent=of.sent[1:], receipts=of.receipts[1:]), "5 entries are"),
    "an entry that is not proved": (lambda of: changed_proof(of, 2, None), "entry 2 is not proved"),
    "a proof of another place": (lambda of: changed_proof(of, 2, proof(3, LINES[3])), "entry 2 is proved elsewhere"),
    "a proof by another root": (
        lambda of: changed_proof(of, 2, proof(2, LINES[2], lines=[*LINES[:4], b"{}"])),
        "entry 2 is proved elsewhere",
    ),
    "a proof that does not lead there": (
        lambda of: changed_proof(of, 2, {**proof(2, LINES[2]), "proof": proof(3, LINES[3])["proof"]}),
        "does not lead to the root",
    ),
    "a log that was never anchored": (lambda of: event_gone(of, "CheckpointAnchored"), "never anchored"),
    "a sale that is lost": (lambda of: event_gone(of, "SaleOrdered"), "SaleOrdered 0 times"),
    "a sale that is not settled": (lambda of: event_gone(of, "SaleSettled"), "SaleSettled 0 times"),
    "a payment that is doubled": (lambda of: event_again(of, "SalePaid"), "SalePaid 2 times"),
    "a sale that nobody made": (lambda of: replace(of, sold=list(of.sold)[:1]), "that nobody made"),
    "a sale that is not shown": (
        lambda of: replace(of, shown=dict(list(of.shown.items())[1:])),
        "1 sales are shown, 2 were made",
    ),
    "a sale in another state": (lambda of: shown(of, state="delivered"), "is shown as"),
    "one certificate of two sales": (lambda of: shown(of, settlement={"certificate": 2}), "one certificate"),
    "a withdrawal that is lost": (lambda of: event_gone(of, "LeafEnded"), "ended 0 times"),
    "a withdrawal that is doubled": (lambda of: event_again(of, "LeafEnded"), "ended 2 times"),
    "a consent that nobody ended": (
        lambda of: replace(of, withdrawn=dict(list(of.withdrawn.items())[1:])),
        "of their own accord",
    ),
    "a withdrawal mined elsewhere": (
        lambda of: replace(of, withdrawn={**of.withdrawn, to_hex(CONSENTS[0]): "0xother"}),
        "not in 0xother",
    ),
    "a transaction in vain": (lambda of: replace(of, failed={"0x77"}), "in vain"),
    "an operation that nobody mined": (lambda of: replace(of, operations={"0x01": "0x99"}), "which nobody mined"),
    "an event that is not told": (lambda of: replace(of, told=of.told[1:]), "1 events are not told"),
    "an event that is told twice": (lambda of: replace(of, told=[*of.told, of.told[0]]), "in another order, or twice"),
    "an event that is no event": (lambda of: replace(of, told=[*of.told, "7:0x00:0"]), "1 are told that are not"),
    "a webhook that never came": (lambda of: replace(of, received=set(of.told[1:])), "1 webhooks never came"),
    "a dead letter": (lambda of: replace(of, dead_letters=1), "1 letters are dead"),
    "a sale without a bundle": (lambda of: replace(of, verdicts={}), "not every sale"),
    "a bundle that is not valid": (lambda of: replace(of, verdicts=dict.fromkeys(of.sold, 3)), "not valid"),
}


def test_a_day_on_which_all_went_well_is_counted() -> None:
    found = judge(day())
    assert (found["entries"], found["sales"], found["withdrawals"], found["webhooks"]) == (5, 2, 3, 16)


@pytest.mark.parametrize("what", WRONG)
def test_what_is_lost_doubled_or_missing_is_named(what: str) -> None:
    spoil, said = WRONG[what]
    with pytest.raises(AssertionError, match=said):
        judge(spoil(day()))


# -- the client --------------------------------------------------------------------------------------------------------


@contextmanager
def service(*answers: tuple[int, dict[str, Any]] | None) -> Iterator[tuple[str, list[tuple[str, str | None, bytes]]]]:
    """One that answers with these, in turn (None: hangs up), and keeps what came: path, key and body."""
    came: list[tuple[str, str | None, bytes]] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append((self.path, self.headers["idempotency-key"], body))
            said = left.pop(0)
            if said is None:
                self.connection.close()
                return
            content = json.dumps(said[1]).encode()
            self.send_response(said[0])
            self.send_header("Content-Type", "application/problem+json" if said[0] >= 400 else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_request_is_sent_again_with_its_key_until_there_is_an_answer() -> None:
    unsure = [None, (503, {"code": "busy"}), (409, {"code": "under-way"})]
    with service(*unsure, (202, {"operation": "0x01"}), (202, {})) as (url, came):
        http = Http(url, Random(1), pauses=(0.01, 0.02))
        answer = http.post("/sales", {"offer": "0x02"})
        http.post("/sales", {"offer": "0x03"})
    assert (answer.status, answer.json()) == (202, {"operation": "0x01"})
    assert len({(path, key, body) for path, key, body in came[:4]}) == 1
    assert came[0][1] is not None
    assert came[4][1] not in (None, came[0][1])
    assert sum(http.troubles.values()) == 3
    assert {"503 busy", "409 under-way"} < set(http.troubles)


def test_a_refusal_is_an_answer_and_no_answer_in_time_is_a_loss() -> None:
    with service((409, {"code": "rejected-by-contract"})) as (url, came):
        assert Http(url, Random(1)).post("/sales", {}).code == "rejected-by-contract"
        assert len(came) == 1
    with pytest.raises(AssertionError, match="had no answer in 0 s"):
        Http(url, Random(1), patience=0, pauses=(0.01, 0.02)).post("/sales", {})


def test_the_receiver_counts_what_it_took_alone() -> None:
    inbox, answers = Inbox(Random(1)), []
    body = json.dumps({"type": "Market.SaleOrdered", "data": {"key": "7:0x01:0", "retracted": False}}).encode()
    while 503 not in answers or 204 not in answers:
        answers.append(inbox.answer(Received("/hook", {"webhook-id": "msg_1"}, body)))
    assert inbox.taken == {"7:0x01:0": answers.count(204)}
    assert inbox.refused == answers.count(503)
    inbox.secret = "whsec_" + "AAAA" * 8
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    while 400 not in answers:
        answers.append(inbox.answer(Received("/hook", headers, body)))
    assert inbox.forged == 1


def test_sizes_are_read_and_a_day_without_two_sales_is_none() -> None:
    assert Sizes.of("200/4/20") == Sizes(200, 4, 20)
    for wrong in ("200/1/20", "0/4/20", "200/4/0", "200/4", "a/b/c"):
        with pytest.raises(ValueError, match=r"sales|unpack|invalid literal"):
            Sizes.of(wrong)
