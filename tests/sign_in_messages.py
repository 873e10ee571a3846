"""Sign-in messages, whole and mutated: the same ones in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from deedbook.domain.hashing import checksum_address
from deedbook.wallet.sign_in import SignInMessage

WHOLE = SignInMessage(
    domain="deeds.example.org:8443",
    account=bytes(range(0xA0, 0xB4)),
    uri="https://deeds.example.org:8443/session?x=1#top",
    chain_id=20230614,
    nonce="7b0aPq92ZZ",
    issued_at="2027-01-15T08:00:00.250Z",
    scheme="https",
    statement="Sign in to Deedbook.",
    expiration_time="2027-01-15T09:00:00Z",
    not_before="2027-01-15T16:00:00+08:00",
    request_id="order-7",
    resources=("urn:deedbook:scope:own", "https://deeds.example.org/notices/1"),
)
BARE = replace(WHOLE, scheme=None, statement=None, expiration_time=None, not_before=None, request_id=None, resources=())
PARTS = ("scheme", "statement", "expiration_time", "not_before", "request_id")
SIGNS = " \n\r\t:/-.@#?[]%\\\"'<>{}0aZ٣é\u00a0\u200b\u202e\u2028\x00"
TOKENS = (
    "\n\n",
    "\r\n",
    "- ",
    "Nonce: ",
    "Resources:",
    "://",
    "0x",
    "Z",
    "+00:00",
    "%41",
    "2027-02-30T00:00:00Z",
    "-1",
)


def mutations(*, seed: int, count: int) -> Iterator[str]:
    """So many messages: some whole, most with something inserted, left out, doubled, swapped or changed in case."""
    draw = random.Random(seed)
    for _ in range(count):
        message = replace(BARE, **{name: getattr(WHOLE, name) for name in PARTS if draw.random() < 0.5})
        message = replace(message, resources=WHOLE.resources[: draw.randrange(3)])
        text = message.text
        for _ in range(draw.choice((0, 1, 1, 1, 2))):
            text = _mutated(draw, text)
        yield text


def _mutated(draw: random.Random, text: str) -> str:
    at = draw.randrange(len(text) + 1)
    lines = text.split("\n")
    line = draw.randrange(len(lines))
    kind = draw.randrange(9)
    if kind == 0:
        return text[:at] + draw.choice(SIGNS) + text[at:]
    if kind == 1:
        return text[:at] + text[at + 1 :]
    if kind == 2:
        return text[:at] + draw.choice(TOKENS) + text[at:]
    if kind == 3:
        return "\n".join(lines[:line] + lines[line : line + 1] + lines[line:])
    if kind == 4:
        return "\n".join(lines[:line] + lines[line + 1 :])
    if kind == 5:
        other = draw.randrange(len(lines))
        lines[line], lines[other] = lines[other], lines[line]
        return "\n".join(lines)
    if kind == 6:
        return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
    if kind == 7:
        return text[:at] + draw.choice("09azAZ") + text[at + 1 :]
    return text.replace(checksum_address(WHOLE.account), draw.choice(("0x" + "A0" * 20, "0x" + WHOLE.account.hex())))
