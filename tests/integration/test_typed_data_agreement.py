"""Typed data, whoever hashes it: the domain, the contracts, eth-account, viem, ethers, eth-sig-util and cast."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.domain.consents import (
    Consent,
    ConsentDomain,
    consent_id,
    receipt_digest,
    receipt_typed_data,
    typed_data,
    withdrawal_digest,
    withdrawal_typed_data,
)
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.domain.relaying import ForwardDomain, ForwardRequest, request_digest, request_typed_data
from deedbook.domain.usage import UsageDomain, UsageReport, report_digest, report_typed_data
from tools.forge import binary

KEY = "0x" + "5a" * 32
STATEMENTS = (
    "I agree.",
    "本人同意贵阳简历数据有限公司将本人在“1988年简历”中的数据提供给持有用人单位资质的会员。",
    "\\ \" ' ` $(id) %s {0} </script>",
    "é e\u0301 ß ﬁ 𠮷 👩🏽 עברית",
    "x" * 4096,
)
"""Plain text that an encoder could get wrong."""


@dataclass(frozen=True)
class Case:
    """One message: what a wallet is shown, and the digest that the domain and (where it tells) the contract give."""

    typed: dict[str, Any]
    digest: bytes
    on_chain: bytes


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Case]]:
    """Messages drawn at random, near the ends of every range, for a deployment on the embedded chain."""
    with Services.init(config.load(tmp_path_factory.mktemp("typed") / "home", {})) as services:
        yield list(_drawn(services, random.Random(712)))


@pytest.fixture(scope="module")
def others(cases: list[Case], node: Path) -> list[dict[str, str]]:
    """What the JavaScript libraries make of each."""
    here = Path(__file__).parent
    given = json.dumps([{"typed": case.typed, "privateKey": KEY} for case in cases])
    modules = here.parent.parent / "contracts" / "node_modules"
    ran = subprocess.run(
        [node, here / "typed_data.mjs", modules], input=given, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, str]] = json.loads(ran.stdout)
    return found


def test_the_contracts_hash_what_the_domain_hashes(cases: list[Case]) -> None:
    assert [case.on_chain for case in cases] == [case.digest for case in cases]


def test_eth_account_hashes_the_same(cases: list[Case]) -> None:
    assert [_of_eth_account(case.typed) for case in cases] == [case.digest for case in cases]


@pytest.mark.parametrize("library", ["viem", "ethers", "sigUtil"])
def test_the_libraries_of_wallets_hash_the_same(cases: list[Case], others: list[dict[str, str]], library: str) -> None:
    assert [other[library] for other in others] == [to_hex(case.digest) for case in cases]


def test_eth_sig_util_and_cast_sign_the_same(cases: list[Case], others: list[dict[str, str]]) -> None:
    expected = [to_hex(Account.unsafe_sign_hash(case.digest, KEY).signature) for case in cases]
    assert [other["signature"] for other in others] == expected
    assert [_of_cast(case.typed) for case in cases] == expected


def _of_eth_account(typed: dict[str, Any]) -> bytes:
    message = encode_typed_data(full_message=typed)
    return keccak256(b"\x19" + message.version + message.header + message.body)


def _of_cast(typed: dict[str, Any]) -> str:
    shown = json.dumps(typed, ensure_ascii=False)
    command = [str(binary("cast")), "wallet", "sign", "--private-key", KEY, "--data", shown]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def _drawn(services: Services, source: random.Random) -> Iterator[Case]:
    acting = services.acting
    domain = ConsentDomain(acting.chain_id, acting.addresses["Consents"])
    for statement in STATEMENTS * 3:
        consent = _consent(source, statement)
        identifier = consent_id(domain, consent)
        on_chain = acting.read("Consents", "consentIdOf", consent.as_tuple())
        yield Case(typed_data(domain, consent), identifier, on_chain)
        receipt = (identifier, consent.asset_id, consent.subject)
        # These two only the contract's own acts tell: contracts/test/Signatures.t.sol.
        yield Case(receipt_typed_data(domain, *receipt), *(receipt_digest(domain, *receipt),) * 2)
        yield Case(withdrawal_typed_data(domain, identifier), *(withdrawal_digest(domain, identifier),) * 2)
        relayed = ForwardDomain(acting.chain_id, acting.addresses["Forwarder"])
        request = ForwardRequest(
            sender=_bytes(source, 20),
            to=_bytes(source, 20),
            value=_edge(source, 256),
            gas=_edge(source, 256),
            nonce=_edge(source, 256),
            deadline=_edge(source, 48),
            data=source.randbytes(source.randrange(300)),
        )
        # The forwarder's own `verify` tells in tests/integration/test_relaying.py.
        yield Case(request_typed_data(relayed, request), *(request_digest(relayed, request),) * 2)
        reports = UsageDomain(acting.chain_id, acting.addresses["Usage"])
        report = UsageReport(
            source.randbytes(32), _edge(source, 53), _edge(source, 53), _edge(source, 64), source.randbytes(32)
        )
        on_chain = acting.read("Usage", "reportDigest", report.as_tuple())
        yield Case(report_typed_data(reports, report), report_digest(reports, report), on_chain)


def _consent(source: random.Random, statement: str) -> Consent:
    return Consent(
        subject=_bytes(source, 20),
        asset_id=_edge(source, 256),
        controller=_bytes(source, 20),
        recipient=_bytes(source, 20),
        recipient_class=_edge(source, 16),
        purpose=_edge(source, 16),
        modes=_edge(source, 16),
        cross_border=source.random() < 0.5,
        notice_hash=_bytes(source, 32),
        record_commit=_bytes(source, 32),
        valid_from=_edge(source, 53),
        valid_until=_edge(source, 53),
        statement=statement,
        salt=_bytes(source, 32),
    )


def _edge(source: random.Random, bits: int) -> int:
    """Often 0, 1 or the largest."""
    most = (1 << bits) - 1
    return source.choice((0, 1, most, most // 2 + 1, source.getrandbits(bits), source.getrandbits(bits)))


def _bytes(source: random.Random, size: int) -> bytes:
    return source.choice([bytes(size), b"\xff" * size, source.randbytes(size), source.randbytes(size)])
