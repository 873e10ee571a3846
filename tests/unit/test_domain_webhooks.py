"""Signatures by Standard Webhooks, secrets, back-off, what may be sent now."""

from __future__ import annotations

import base64
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain import webhooks
from deedbook.domain.told import NOWHERE, Filter
from deedbook.domain.webhooks import Due, Outcome, Secret, Webhook, delay, message_id, ready, signed
from deedbook.errors import InvalidInput

PUBLISHED = Secret.of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = Secret(bytes(range(32)))
HOOK = Webhook("whk_1", "https://hooks.example/in?token=hush", Filter(), (PUBLISHED,), NOWHERE, 1)


def test_the_published_vector_is_signed_as_published() -> None:
    """standard-webhooks/standard-webhooks, libraries: the message that every implementation tests with."""
    body = b'{"test": 2432232314}'
    assert signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, [PUBLISHED]) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_words_of_the_documentation_check_a_signature(root: Path) -> None:
    words = (root / "docs" / "api.md").read_text(encoding="utf-8")
    begin = words.index("    import base64, hashlib, hmac, time")
    names: dict[str, Any] = {}
    exec(textwrap.dedent(words[begin : words.index("Check before anything reads the body")]), names)
    now = int(time.time())
    headers = dict(signed("msg_1", now, b"{}", [OTHER, PUBLISHED]))
    assert names["is_ours"](PUBLISHED.text, headers, b"{}")
    assert names["is_ours"](OTHER.text, headers, b"{}")
    assert not names["is_ours"](OTHER.text, headers, b"{ }")
    assert not names["is_ours"](Secret(bytes(32)).text, headers, b"{}")
    old = dict(signed("msg_1", now - 400, b"{}", [OTHER]))
    assert not names["is_ours"](OTHER.text, old, b"{}")


def test_every_secret_that_counts_signs() -> None:
    both = signed("msg_1", 1, b"{}", [PUBLISHED, OTHER])["webhook-signature"]
    alone = [signed("msg_1", 1, b"{}", [each])["webhook-signature"] for each in (PUBLISHED, OTHER)]
    assert both == " ".join(alone)


@pytest.mark.parametrize("change", [("msg_2", 1, b"{}"), ("msg_1", 2, b"{}"), ("msg_1", 1, b"{ }")])
def test_a_signature_binds_id_time_and_body(change: tuple[str, int, bytes]) -> None:
    one, other = signed("msg_1", 1, b"{}", [OTHER]), signed(*change, [OTHER])
    assert one["webhook-signature"] != other["webhook-signature"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_hush!",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_\u00e9",
    ],
)
def test_a_secret_that_is_none_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Secret.of(text)
    assert refused.value.field == "secret"
    assert text in ("", "whsec_") or text not in str(refused.value)


def test_a_secret_is_read_as_it_was_written_and_shown_by_nothing() -> None:
    assert Secret.of(OTHER.text) == OTHER
    assert OTHER.text not in repr(OTHER) + repr(HOOK) + str(HOOK.to_json())
    assert "hush" not in repr(HOOK) + str(HOOK.to_json())
    assert HOOK.to_json()["url"] == "https://hooks.example/in?..."


def test_a_replaced_secret_signs_for_a_while_and_then_no_more() -> None:
    secrets = HOOK.rotated(OTHER, 100, 50)
    assert [(each.key, each.until) for each in secrets] == [(OTHER.key, None), (PUBLISHED.key, 150)]
    rotated = Webhook("whk_1", HOOK.url, Filter(), secrets, NOWHERE, 1)
    assert [len(rotated.signing(now)) for now in (100, 149, 150)] == [2, 2, 1]
    assert HOOK.rotated(OTHER, 100, 0) == (OTHER,)
    third = rotated.rotated(Secret(bytes(32)), 120, 10)
    assert [each.until for each in third] == [None, 130, 130]
    for overlap in (-1, webhooks.MOST_OVERLAP + 1):
        with pytest.raises(InvalidInput):
            HOOK.rotated(OTHER, 100, overlap)
    with pytest.raises(InvalidInput):
        HOOK.rotated(PUBLISHED, 100, 50)


def test_pauses_grow_to_six_hours_and_last_over_a_day() -> None:
    middle = [delay(tries, 0.5) for tries in range(1, webhooks.TRIES)]
    assert middle[:4] == [5, 20, 80, 320]
    assert middle == sorted(middle)
    assert max(middle) == 21_600
    assert sum(delay(tries, 0.0) for tries in range(1, webhooks.TRIES + 1)) * 2 > 86_400
    assert (delay(1, 0.0), delay(1, 0.999)) == (2, 7)
    assert delay(10**6, 0.5) == 21_600


LANES = st.lists(st.integers(0, 3).map(lambda n: bytes([n]) * 32), min_size=1, max_size=2).map(tuple)


@given(st.lists(st.tuples(LANES, st.integers(0, 2)), max_size=12), st.integers(0, 2), st.sets(st.integers(0, 11)))
def test_nothing_is_sent_before_an_earlier_message_about_the_same(
    given_: list[tuple[tuple[bytes, ...], int]], now: int, sent: set[int]
) -> None:
    waiting = [Due(number, lanes, due_at) for number, (lanes, due_at) in enumerate(given_)]
    found = ready(waiting, now, frozenset(sent))
    assert found == sorted(found)
    for due in waiting:
        earlier = [each for each in waiting[: due.number] if set(each.lanes) & set(due.lanes)]
        assert (due.number in found) == (not earlier and due.due_at <= now and due.number not in sent)


def test_a_message_has_one_id_whenever_it_is_sent() -> None:
    assert message_id("whk_1", 1) == message_id("whk_1", 1)
    assert len({message_id(hook, number) for hook in ("whk_1", "whk_11") for number in (1, 11)}) == 4


@pytest.mark.parametrize(
    ("outcome", "failure", "taken"),
    [
        (Outcome(200), None, True),
        (Outcome(299), None, True),
        (Outcome(302), "redirect", False),
        (Outcome(410), "status", False),
        (Outcome(500), "status", False),
        (Outcome(failed="timeout"), "timeout", False),
    ],
)
def test_an_outcome_says_whether_it_was_taken(outcome: Outcome, failure: str | None, taken: bool) -> None:
    assert (outcome.failure, outcome.is_taken, outcome.is_gone) == (failure, taken, outcome.status == 410)
