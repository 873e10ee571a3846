"""Consents collected by the million: checked in other processes, answered here, kept a chunk at a time.

A file counts as a whole. Its consents are *staged* while it is read: kept, with their receipts, and in no batch. When
all of its lines were good they are admitted together. A run that was cut short, or that a bad line ended, is run again:
what is staged is found again and not signed twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from deedbook.chain.transactions import Signer
from deedbook.domain.consent_documents import ConsentKind
from deedbook.domain.consents import ConsentDomain, SignedConsent, receipt_digest
from deedbook.domain.hashing import cut, parse_json
from deedbook.domain.notices import Notice
from deedbook.domain.receipts import Answer, AnsweredConsent, ReceiptForm
from deedbook.errors import InvalidFormat, InvalidInput, NotFound
from deedbook.wallet.consents import AHEAD, CHUNK, CheckedConsents, ConsentChecker, Task, checked, in_chunks

MEND: Final = "mend the {} and run the same command again: what stands before it is kept, and nothing is anchored"
_NOTICE: Final = re.compile(rb'"noticeHash"\s*:\s*"0x([0-9a-f]{64})"')


Known = Mapping[bytes, tuple[bytes, Answer]]
"""Canonical bytes and answer of consents that are kept, by consentId."""


class AnsweredBook(Protocol):
    """Where answered consents are kept; each writing method is one transaction."""

    def add_consents(self, answered: Sequence[AnsweredConsent], *, staged: bool = False) -> None:
        """Adds consents with their answers as pending or staged, all or none. Conflict when one is known already."""

    def admit_consents(self, consent_ids: Sequence[bytes]) -> None:
        """Makes those of them that are staged pending."""

    def answered(self, consent_ids: Sequence[bytes]) -> Mapping[bytes, tuple[bytes, Answer]]:
        """The canonical bytes and the answer of those that are known, by consentId."""

    def known(self, consent_ids: Sequence[bytes]) -> set[bytes]:
        """Those that are known, in any state."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is: lines that were good so far, how many of them were collected now; the receipts of the lines
    since the last word, in their order (canonical bytes; none where they are not asked for)."""

    lines: int
    fresh: int
    receipts: Sequence[bytes]


class Checkers:
    """Who checks a chunk of documents: one who knows every notice that was named so far (`notice_of` finds it by its
    SHA-256, and raises NotFound)."""

    def __init__(self, domain: ConsentDomain, notice_of: Callable[[bytes], Notice]) -> None:
        self._domain = domain
        self._notice_of = notice_of
        self._asked: set[bytes] = set()
        self._notices: list[bytes] = []

    def of(self, chunk: bytes, *, signatures: bool) -> ConsentChecker:
        """The checker for this chunk; a consent that names a notice that is not known is refused by it."""
        for name in set(_NOTICE.findall(chunk)) - self._asked:
            self._asked.add(name)
            with suppress(NotFound):
                self._notices.append(self._notice_of(bytes.fromhex(name.decode())).encode())
        return ConsentChecker(self._domain, tuple(self._notices), signatures)


class Collecting:
    """Collects for one collector. `notice_of` finds a published notice by its SHA-256 (raises NotFound); `clock` gives
    Unix seconds; `asset_id` is the asset of all of a file's consents, that of its first line where none is given."""

    def __init__(
        self,
        book: AnsweredBook,
        domain: ConsentDomain,
        notice_of: Callable[[bytes], Notice],
        clock: Callable[[], int],
        collector: Signer,
        *,
        asset_id: int | None = None,
    ) -> None:
        self._book = book
        self._domain = domain
        self._notice_of = notice_of
        self._clock = clock
        self._collector = collector
        self._asset_id = asset_id
        self._checkers = Checkers(domain, notice_of)

    # -- a file ----------------------------------------------------------------------------------------------------

    def collect(
        self,
        lines: Iterable[bytes],
        executor: Executor | None = None,
        *,
        count: int | None = None,
        receipts: bool = False,
        unit: str = "line",
        chunk_size: int = CHUNK,
        ahead: int = AHEAD,
    ) -> Generator[Progress, None, None]:
        """Takes the signed consents of a file, one in a line; when there is no more to say, all of them are admitted.
        `executor` checks `ahead` chunks of them at a time.

        Raises InvalidInput naming field and `line` (or what else the `unit` of the file is) for the first one that
        breaks a rule: malformed, for another chain or contract, a notice that is not known here, another sentence than
        the notice's, another's signature, another controller than the collector, expired, of another asset, the same
        consent or person as a line before. Then nothing of the file is admitted. Raises InvalidFormat for an empty
        file, or one of fewer lines than `count`.
        """
        ids, people, fresh = bytearray(), dict[bytes, int](), 0
        for (checker, chunk), looked_at in checked(map(self._task, in_chunks(lines, chunk_size)), executor, ahead):
            found, known = self._with_signatures(checker, chunk, looked_at)
            self._require_good(found, known, ids, people, unit)
            answered = self._answered(found, chunk, known)
            new = [each for each in answered if each.consent_id not in known]
            self._book.add_consents(new, staged=True)
            fresh += len(new)
            ids += found.ids
            yield Progress(len(people), fresh, self._receipts(found, answered) if receipts else ())
        _require_whole(len(people), count, unit)
        self._book.admit_consents(cut(bytes(ids), 32))

    def _task(self, chunk: bytes) -> Task:
        """Signatures are not checked again where the chunk is kept already, as its first consent shows."""
        return self._checkers.of(chunk, signatures=not self._is_known(chunk.partition(b"\n")[0])), chunk

    def _is_known(self, line: bytes) -> bool:
        try:
            name = SignedConsent.from_json(parse_json(line, "line")).consent_id
        except InvalidInput:
            return False
        return bool(self._book.known([name]))

    def _with_signatures(
        self, checker: ConsentChecker, chunk: bytes, found: CheckedConsents
    ) -> tuple[CheckedConsents, Known]:
        """What was found, and what is known of it; nothing is taken whose signature was not checked, now or before."""
        known = self._book.answered(sorted(self._book.known(found.consent_ids())))
        if checker.signatures or (found.refusal is None and self._are(found, chunk, known)):
            return found, known
        return replace(checker, signatures=True)(chunk), known

    @staticmethod
    def _are(found: CheckedConsents, chunk: bytes, known: Known) -> bool:
        """Whether all of them are kept, byte for byte."""
        pairs = zip(found.consent_ids(), found.lines(chunk), strict=True)
        return all(name in known and known[name][0] == document for name, document in pairs)

    def _require_good(
        self, found: CheckedConsents, known: Known, ids: bytes | bytearray, people: dict[bytes, int], unit: str
    ) -> None:
        """Raises for the first line that breaks a rule; `people` are told by the line (from 0) of their consent. One
        that is kept was in time when it was collected."""
        before, now = len(people), self._clock()
        if self._asset_id is None and found.kinds:
            self._asset_id = found.kinds[0].asset_id
        wrong = [self._wrong(kind) for kind in found.kinds]
        names = found.consent_ids()
        for index, subject in enumerate(cut(found.subjects, 20)):
            line, error = before + index, wrong[found.which[index]]
            if error is None and found.until[index] < now and names[index] not in known:
                error = InvalidInput("validUntil", "the consent has expired")
            earlier = people.setdefault(subject, line)
            if error is None and earlier != line:
                same = names[earlier - before] if earlier >= before else ids[32 * earlier : 32 * earlier + 32]
                error = _twice(unit, earlier, same=same == names[index])
            if error is not None:
                raise _placed(unit, line, error)
        if found.refusal is not None:
            raise _placed(unit, before + found.refusal.index, found.refusal.error())

    def _wrong(self, kind: ConsentKind) -> InvalidInput | None:
        if kind.terms.controller != self._collector.address:
            return InvalidInput("controller", "the consent names another controller")
        if self._asset_id is not None and kind.asset_id != self._asset_id:
            return InvalidInput("assetId", "the consent is for another asset")
        return None

    # -- answers ---------------------------------------------------------------------------------------------------

    def _answered(self, found: CheckedConsents, chunk: bytes, known: Known) -> list[AnsweredConsent]:
        """All of them, in order: as they are kept, or with a fresh answer."""
        languages = [self._notice_of(kind.terms.notice_hash).language for kind in found.kinds]
        assets = [kind.asset_id for kind in found.kinds]
        columns = (found.consent_ids(), cut(found.subjects, 20), found.until, found.which, found.lines(chunk))
        answered = []
        for name, subject, until, place, document in zip(*columns, strict=True):
            kept = known.get(name) or (document, self._answer(name, assets[place], subject, languages[place]))
            answered.append(AnsweredConsent(name, assets[place], subject, until, *kept))
        return answered

    def _answer(self, consent_id: bytes, asset_id: int, subject: bytes, language: str) -> Answer:
        signature = self._collector.sign_digest(receipt_digest(self._domain, consent_id, asset_id, subject))
        return Answer(language, self._collector.address, self._clock(), signature)

    def _receipts(self, found: CheckedConsents, answered: Sequence[AnsweredConsent]) -> list[bytes]:
        forms = [self._form(kind) for kind in found.kinds]
        rows = zip(answered, found.which, found.since, found.until, strict=True)
        return [forms[place].fill(each, since, until) for each, place, since, until in rows]

    def _form(self, kind: ConsentKind) -> ReceiptForm:
        language = self._notice_of(kind.terms.notice_hash).language
        return ReceiptForm(self._domain, kind.asset_id, kind.terms, language, self._collector.address)

    # -- consents at hand ------------------------------------------------------------------------------------------

    def collect_at_once(self, fresh: Sequence[SignedConsent]) -> list[Answer]:
        """The answers to consents that are not known yet, all of them kept as pending in one transaction, or none.

        Raises as `collect`, without a line, and NotFound for a notice that is not published; one asset is not asked
        for, nor that a person is there once.
        """
        answered = self._answer_all(fresh) if fresh else []
        self._book.add_consents(answered)
        return [each.answer for each in answered]

    def _answer_all(self, fresh: Sequence[SignedConsent]) -> list[AnsweredConsent]:
        notices = {signed.consent.notice_hash for signed in fresh}
        checker = ConsentChecker(self._domain, tuple(self._notice_of(name).encode() for name in sorted(notices)))
        chunk = b"\n".join(signed.encode() for signed in fresh)
        found, now = checker(chunk), self._clock()
        for place, until in zip(found.which, found.until, strict=True):
            error = self._wrong(found.kinds[place])
            if error is not None:
                raise error
            if until < now:
                raise InvalidInput("validUntil", "the consent has expired")
        if found.refusal is not None:
            raise found.refusal.error()
        return self._answered(found, chunk, {})


def _require_whole(lines: int, count: int | None, unit: str) -> None:
    if not lines:
        raise InvalidFormat(f"{unit} 1", "no consent", **_place(unit, 0))
    if count is not None and lines != count:
        raise InvalidFormat("count", f"is {lines} consents, not {count}: the file may be cut short", lines=lines)


def _twice(unit: str, earlier: int, *, same: bool) -> InvalidInput:
    if same:
        return InvalidInput("consentId", f"the same consent as in {unit} {earlier + 1}")
    return InvalidInput("subject", f"the same person as in {unit} {earlier + 1}")


def _placed(unit: str, line: int, error: InvalidInput) -> InvalidInput:
    """The same error, with the line (from 0) that it stands in."""
    words = f"{unit} {line + 1}: {error.reason}"
    return type(error)(error.field, words, hint=MEND.format(unit), **_place(unit, line))


def _place(unit: str, line: int) -> dict[str, Any]:
    return {unit: line + 1}
