"""What an auditor finds in a batch before attesting it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deedbook.audit.batches import check_batch, check_chunks
from deedbook.domain.batches import batch_of
from deedbook.domain.consents import SignedConsent
from deedbook.domain.hashing import ZERO32
from deedbook.errors import EvidenceMissing, IntegrityError, InvalidFormat
from deedbook.wallet.consents import Span
from tests.simulator import ASSET, DOMAIN, KEYS, NOTICE, START, consent_of, sign

CONSENTS = [consent_of(person) for person in range(5)]
BATCH = batch_of(ASSET, CONSENTS)


def documents(consents: list[SignedConsent]) -> list[bytes]:
    return [signed.encode() for signed in consents]


def test_a_batch_of_honest_consents_is_good() -> None:
    report = check_batch(BATCH, documents(CONSENTS), [NOTICE], DOMAIN)
    assert (report.batch_id, report.signatures, report.statements, report.subjects) == (BATCH.batch_id, 5, 5, 5)


def twice(consents: list[SignedConsent]) -> None:
    consents[1] = consents[0]


def forged(consents: list[SignedConsent]) -> None:
    consents[1] = replace(consents[1], signature=sign(KEYS[0], consents[1].consent_id))


def another_sentence(consents: list[SignedConsent]) -> None:
    consents[1] = consent_of(1, statement="I agree.")


def shorter(consents: list[SignedConsent]) -> None:
    consents[1] = consent_of(1, valid_until=START)


LIES: dict[str, Callable[[list[SignedConsent]], None]] = {
    "consents.unique": twice,
    "consents.signature": forged,
    "consents.statement": another_sentence,
}


@pytest.mark.parametrize("rule", LIES)
def test_a_bad_consent_in_a_batch_is_named(rule: str) -> None:
    consents = list(CONSENTS)
    LIES[rule](consents)
    with pytest.raises(IntegrityError) as found:
        check_batch(batch_of(ASSET, consents), documents(consents), [NOTICE], DOMAIN)
    assert found.value.fields["rule"] == rule


def test_a_consent_narrower_than_its_batch_is_named() -> None:
    consents = list(CONSENTS)
    shorter(consents)
    wide = replace(batch_of(ASSET, consents), terms=BATCH.terms)
    with pytest.raises(IntegrityError) as found:
        check_batch(wide, documents(consents), [NOTICE], DOMAIN)
    assert found.value.fields["rule"] == "consents.narrower"
    assert "VALID_UNTIL" in str(found.value)


def test_a_file_that_changes_while_it_is_checked_is_told(tmp_path: Path) -> None:
    file, whole = tmp_path / "consents", b"\n".join(documents(CONSENTS))
    file.write_bytes(whole)
    span = Span(str(file), 0, len(whole), len(CONSENTS))
    assert check_chunks(BATCH, [span], [NOTICE], DOMAIN).subjects == 5
    with pytest.raises(InvalidFormat, match="was changed"):
        check_chunks(BATCH, [replace(span, length=span.length + 1)], [NOTICE], DOMAIN)

    class Mended(Executor):
        """Checks a forged consent, which is good again when it is looked at once more."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            file.write_bytes(whole.replace(b'"signature":"0x', b'"signature":"0y', 1))
            future: Future[Any] = Future()
            future.set_result(fn(*args, **kwargs))
            file.write_bytes(whole)
            return future

    with pytest.raises(InvalidFormat, match="was changed"):
        check_chunks(BATCH, [span], [NOTICE], DOMAIN, executor=Mended())


def test_a_subject_of_an_earlier_chunk_is_named() -> None:
    consents = [*CONSENTS, CONSENTS[2]]
    chunks = [b"\n".join(documents(consents[at : at + 2])) for at in range(0, 6, 2)]
    with pytest.raises(IntegrityError, match=r"consent 5 of batch .* has the subject of another leaf") as found:
        check_chunks(batch_of(ASSET, consents), chunks, [NOTICE], DOMAIN)
    assert found.value.fields["rule"] == "consents.unique"


def test_a_missing_consent_is_missing_evidence() -> None:
    with pytest.raises(EvidenceMissing):
        check_batch(BATCH, documents(CONSENTS[:-1]), [NOTICE], DOMAIN)


@pytest.mark.parametrize(("part", "rule"), [("root", "consents.root"), ("manifest", "consents.manifest")])
def test_another_root_or_manifest_is_named(part: str, rule: str) -> None:
    changes: dict[str, Any] = {part: ZERO32}
    with pytest.raises(IntegrityError) as found:
        check_batch(replace(BATCH, **changes), documents(CONSENTS), [NOTICE], DOMAIN)
    assert found.value.fields["rule"] == rule


def test_another_notice_is_no_answer() -> None:
    other = replace(NOTICE, controller="Somebody else")
    with pytest.raises(IntegrityError) as found:
        check_batch(BATCH, documents(CONSENTS), [other], DOMAIN)
    assert found.value.fields["rule"] == "consents.notice"
