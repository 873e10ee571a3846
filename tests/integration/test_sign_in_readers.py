"""Hundreds of mutated sign-in messages: what Deedbook reads, viem and npm's siwe read too, and as the same.

viem runs here. What @spruceid/siwe-parser 3.0.0 reads of the same messages was recorded (`siwe_verdicts.json`), for it
is none of the packages that the tests install:

    npm install --prefix FOLDER @spruceid/siwe-parser@3.0.0
    SIWE=FOLDER/node_modules python -m tests.integration.test_sign_in_readers
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from deedbook.domain.hashing import canonical_json, checksum_address, sha256
from deedbook.errors import InvalidInput
from deedbook.wallet.sign_in import SignInMessage, unix_of
from tests.sign_in_messages import BARE, WHOLE, mutations

HERE = Path(__file__).parent
VERDICTS: Final = HERE / "siwe_verdicts.json"
SEED, COUNT = 4361, 600
MESSAGES: Final = list(mutations(seed=SEED, count=COUNT))
WRITTEN: Final = (
    replace(WHOLE, issued_at="2027-01-15T08:00:00.250Z", expiration_time=None, not_before="2027-01-15T08:00:00.000Z"),
    replace(BARE, issued_at="2027-01-15T08:00:00.000Z", domain="localhost:8545", uri="http://localhost:8545"),
    replace(BARE, issued_at="2027-01-15T08:00:00.000Z", domain="127.0.0.1", scheme="http", statement="Hello there"),
)


def fields_of(message: SignInMessage) -> dict[str, Any]:
    """As `sign_in_readers.mjs` shows what is read."""
    times = {
        "issuedAt": message.issued_at,
        "expirationTime": message.expiration_time,
        "notBefore": message.not_before,
    }
    said: dict[str, Any] = {
        "scheme": message.scheme,
        "domain": message.domain,
        "address": checksum_address(message.account),
        "statement": message.statement,
        "uri": message.uri,
        "version": "1",
        "chainId": message.chain_id,
        "nonce": message.nonce,
        "requestId": message.request_id,
        "resources": list(message.resources) or None,
        **{name: None if time is None else unix_of(time, name) for name, time in times.items()},
    }
    return {name: value for name, value in said.items() if value is not None}


def read(text: str) -> dict[str, Any] | None:
    """What Deedbook reads of a message."""
    try:
        return fields_of(SignInMessage.of(text))
    except InvalidInput:
        return None


def ask(node: str, messages: Sequence[str], written: Sequence[SignInMessage], **environment: str) -> Any:
    """What the others say."""
    asked = []
    for message in written:
        times = {
            "issuedAt": message.issued_at,
            "expirationTime": message.expiration_time,
            "notBefore": message.not_before,
        }
        said = fields_of(message) | {name: time for name, time in times.items() if time is not None}
        asked.append(said)
    modules = HERE.parents[1] / "contracts" / "node_modules"
    ran = subprocess.run(
        [node, str(HERE / "sign_in_readers.mjs"), str(modules)],
        input=json.dumps({"messages": messages, "fields": asked}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def others(node: Path) -> Any:
    return ask(str(node), MESSAGES, WRITTEN)


def digest(fields: Mapping[str, Any]) -> str:
    return sha256(canonical_json(dict(fields))).hex()


def test_whatever_is_read_here_viem_reads_as_the_same(others: Any) -> None:
    ours = [read(text) for text in MESSAGES]
    assert 100 < sum(each is not None for each in ours) < COUNT - 100
    found = [(mine, theirs) for mine, theirs in zip(ours, others["viem"], strict=True) if mine is not None]
    assert [mine for mine, theirs in found if mine != theirs] == []


def test_whatever_is_read_here_siwe_reads_as_the_same_and_little_more() -> None:
    verdicts = json.loads(VERDICTS.read_text(encoding="utf-8"))
    assert verdicts["messages"] == sha256(canonical_json(MESSAGES)).hex(), "record them again, as the docstring says"
    theirs = {int(index): fields for index, fields in verdicts["read"].items()}
    ours = {index: digest(fields) for index, text in enumerate(MESSAGES) if (fields := read(text)) is not None}
    assert [index for index, fields in ours.items() if theirs.get(index) != fields] == []
    assert len(theirs.keys() - ours.keys()) < COUNT // 50  # such as a second of 60, or a chain id of 007


def test_what_viem_writes_is_read_here(others: Any) -> None:
    assert others["written"] == [message.text for message in WRITTEN]
    assert [read(text) for text in others["written"]] == [fields_of(message) for message in WRITTEN]


def record() -> None:
    """Writes what siwe reads."""
    node = shutil.which("node")
    assert node is not None
    said = ask(node, MESSAGES, ())["siwe"]
    found = {str(index): digest(fields) for index, fields in enumerate(said) if fields is not None}
    verdicts = {"by": "@spruceid/siwe-parser 3.0.0", "messages": sha256(canonical_json(MESSAGES)).hex(), "read": found}
    VERDICTS.write_text(json.dumps(verdicts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
