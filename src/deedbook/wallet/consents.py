"""Signed consents checked by the thousand, in this process or in others: form, domain, sentence, signer; leaf and hash.

What goes to another process and comes back is bytes, a chunk of some thousands at a time; nothing here keeps more than
one chunk. Who may use the consents, and whether one of them is there twice, is for `ledger` and `audit` to say.
"""

from __future__ import annotations

import json
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final, overload

from deedbook.domain.consent_documents import ConsentKind, ConsentRead, ConsentReader
from deedbook.domain.consents import ConsentDomain
from deedbook.domain.hashing import cut
from deedbook.domain.keccaks import KECCAKS
from deedbook.domain.merkle import (
    consent_leaf_column,
    positional_depth,
    positional_raised,
    rfc9162_leaf_column,
    rfc9162_peaks,
)
from deedbook.domain.notices import Notice
from deedbook.errors import InvalidFormat, InvalidInput, InvalidSignature, WrongVersion
from deedbook.wallet.recovery import Recovery

HEIGHT: Final = 12
CHUNK: Final = 1 << HEIGHT
"""How many consents travel together: a power of two, so that a whole chunk is a subtree of both trees."""
AHEAD: Final = 6
"""How many chunks are under way at a time: enough for several processes to be busy, and little memory."""
MOST_AHEAD: Final = 64
"""However many are there to check: some 400 MB."""

_KINDS: Final = {kind.code: kind for kind in (InvalidInput, InvalidFormat, InvalidSignature, WrongVersion)}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which of the chunk's consents (from 0) breaks which rule, and what kind of error it is."""

    index: int
    code: str
    field: str
    reason: str

    def error(self) -> InvalidInput:
        """The error as it was raised there."""
        return _KINDS[self.code](self.field, self.reason)


@dataclass(frozen=True, slots=True)
class CheckedConsents:
    """A chunk of consents, in order, as columns of bytes; where `refusal` is set, only those before it.

    Of each: `ids` 32 bytes, `subjects` 20, `leaves` 32 (positional tree), `manifest` 32 (leaf hash of the manifest);
    `which` is the place in `kinds`, `since` and `until` Unix seconds. `documents` are the canonical bytes by lines,
    None where they are those that were given.
    """

    ids: bytes
    subjects: bytes
    leaves: bytes
    manifest: bytes
    kinds: tuple[ConsentKind, ...]
    which: array[int]
    since: array[int]
    until: array[int]
    documents: bytes | None
    refusal: Refusal | None

    def __len__(self) -> int:
        return len(self.which)

    def lines(self, given: bytes) -> list[bytes]:
        """The canonical bytes of each, where these documents were given."""
        kept = given if self.documents is None else self.documents
        return kept.split(b"\n", len(self))[: len(self)] if self.which else []

    def consent_ids(self) -> list[bytes]:
        """The consentIds, in order."""
        return cut(self.ids, 32)


@dataclass(frozen=True, slots=True)
class ConsentChecker:
    """Checks consents for one domain; it travels to other processes. `notices` are canonical documents."""

    domain: ConsentDomain
    notices: tuple[bytes, ...]
    signatures: bool = True

    def __call__(self, documents: bytes) -> CheckedConsents:
        """Checks the documents (JSON, one a line), up to the first that is refused."""
        return _columns(*self.read(documents))

    def read(self, documents: bytes) -> _Read:
        """The same, as it was read."""
        return _check(_reader(self.domain, self.notices), documents, signatures=self.signatures)


Task = tuple[ConsentChecker, bytes]
"""A chunk of documents and who checks it."""


@dataclass(frozen=True, slots=True)
class Span:
    """`count` documents where they stand in a file, one a line: `length` bytes from `start` on. It travels to other
    processes of this machine in their place."""

    path: str
    start: int
    length: int
    count: int

    def read(self) -> bytes:
        """The documents. Raises InvalidFormat (`file`) where there are not so many any more."""
        try:
            with Path(self.path).open("rb", buffering=0) as file:
                file.seek(self.start)
                found = file.read(self.length)
        except OSError as error:
            raise InvalidFormat("file", "cannot be read any more") from error
        if len(found) != self.length or found.count(b"\n") != self.count - 1:
            raise InvalidFormat("file", "was changed while it was read")
        return found


Chunk = bytes | Span
"""Documents that travel together, or where they are."""


def documents_of(chunk: Chunk) -> bytes:
    """The documents themselves. Raises as `Span.read`."""
    return chunk.read() if isinstance(chunk, Span) else chunk


@dataclass(frozen=True, slots=True)
class CheckedLeaves:
    """What an auditor asks of a chunk of `count` consents; where `refusal` is set, of those before it, in part.

    `subjects` are 20 bytes each; of the times, in Unix seconds, the latest `since` and the earliest `until`. `root` is
    that of their leaves alone, `subtree` that of CHUNK places of a batch's tree; `manifest` their `rfc9162_peaks`.
    """

    count: int
    subjects: bytes
    kinds: tuple[ConsentKind, ...]
    since: int
    until: int
    root: bytes
    subtree: bytes
    manifest: tuple[tuple[int, bytes], ...]
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class LeafChecker:
    """Checks what a ConsentChecker checks, and answers in short; it travels to other processes."""

    consents: ConsentChecker

    def __call__(self, chunk: Chunk) -> CheckedLeaves:
        """Checks a chunk of documents, up to the first that is refused."""
        try:
            documents = documents_of(chunk)
        except InvalidInput as error:  # which whoever reads it again is told
            return _leaves([], [], Refusal(0, error.code, error.field, error.reason))
        ids, read, _, refusal = self.consents.read(documents)
        return _leaves(ids, read, refusal)


LeafTask = tuple[LeafChecker, Chunk]
"""The same for an auditor."""


def ahead_of(workers: int) -> int:
    """How many chunks keep so many workers busy."""
    return min(max(AHEAD, workers + 2), MOST_AHEAD)


@overload
def checked(
    tasks: Iterable[Task], executor: Executor | None, ahead: int = AHEAD
) -> Iterator[tuple[Task, CheckedConsents]]: ...


@overload
def checked(
    tasks: Iterable[LeafTask], executor: Executor | None, ahead: int = AHEAD
) -> Iterator[tuple[LeafTask, CheckedLeaves]]: ...


def checked(
    tasks: Iterable[tuple[Callable[[Any], Any], Any]], executor: Executor | None, ahead: int = AHEAD
) -> Iterator[tuple[tuple[Callable[[Any], Any], Any], Any]]:
    """Each task and what was found, in order, `ahead` of them under way at a time; without an executor one by one,
    here."""
    if executor is None:
        for checker, chunk in tasks:
            yield (checker, chunk), checker(chunk)
        return
    under_way: deque[tuple[tuple[Callable[[Any], Any], Any], Future[Any]]] = deque()
    try:
        for checker, chunk in tasks:
            under_way.append(((checker, chunk), executor.submit(checker, chunk)))
            if len(under_way) >= ahead:
                task, future = under_way.popleft()
                yield task, future.result()
        while under_way:
            task, future = under_way.popleft()
            yield task, future.result()
    finally:
        for _, future in under_way:
            future.cancel()


def in_chunks(documents: Iterable[bytes], size: int = CHUNK) -> Iterator[bytes]:
    """Documents by the chunk, joined by line feeds."""
    coming = iter(documents)
    while chunk := list(islice(coming, size)):
        yield b"\n".join(chunk)


@lru_cache(maxsize=2)
def _reader(domain: ConsentDomain, notices: tuple[bytes, ...]) -> ConsentReader:
    known = [Notice.decode(document) for document in notices]
    return ConsentReader(domain, {notice.hash: notice for notice in known})


_Read = tuple[list[bytes], list[ConsentRead], list[bytes], Refusal | None]
"""The consentIds, the consents, the lines that were given, and what is wrong with the one after the last consent."""


def _check(reader: ConsentReader, given: bytes, *, signatures: bool) -> _Read:
    """Step by step over the whole chunk, so that the curve's tables stay in the processor's cache."""
    lines = given.split(b"\n")
    read, refusal = _read(reader, lines)
    ids = reader.consent_ids(read)
    if signatures:
        forged = _first_forged(ids, read)
        if forged is not None:
            read, ids, refusal = read[: forged.index], ids[: forged.index], forged
    return ids, read, lines, refusal


def _read(reader: ConsentReader, lines: Sequence[bytes]) -> tuple[list[ConsentRead], Refusal | None]:
    read: list[ConsentRead] = []
    try:
        for line in lines:
            read.append(reader.read(line))
    except InvalidInput as error:
        return read, Refusal(len(read), error.code, error.field, _reason(error))
    return read, None


def _first_forged(ids: Sequence[bytes], read: Sequence[ConsentRead]) -> Refusal | None:
    key, keys, refusal = Recovery().key, [], None
    try:
        for identifier, each in zip(ids, read, strict=True):
            keys.append(key(identifier, each.signature))
    except InvalidInput as error:
        refusal = Refusal(len(keys), error.code, error.field, error.reason)
    hashes = KECCAKS.keccak256_rows(b"".join(keys), 64)
    accounts = [hashes[at + 12 : at + 32] for at in range(0, len(hashes), 32)]
    for place, (account, each) in enumerate(zip(accounts, read, strict=False)):
        if account != each.subject:
            forged = InvalidSignature("signature", "made by another account")
            return Refusal(place, forged.code, forged.field, forged.reason)
    return refusal


def _columns(
    ids: Sequence[bytes], read: Sequence[ConsentRead], given: Sequence[bytes], refusal: Refusal | None
) -> CheckedConsents:
    _, subjects, kinds, since, until, _, documents = zip(*read, strict=True) if read else ((),) * 7
    places, which = _places(kinds)
    return CheckedConsents(
        ids=b"".join(ids),
        subjects=b"".join(subjects),
        leaves=consent_leaf_column(ids, subjects),
        manifest=rfc9162_leaf_column(documents),
        kinds=places,
        which=which,
        since=array("Q", since),
        until=array("Q", until),
        documents=None if all(map(bytes.__eq__, given, documents)) else b"\n".join(documents),
        refusal=refusal,
    )


def _leaves(ids: Sequence[bytes], read: Sequence[ConsentRead], refusal: Refusal | None) -> CheckedLeaves:
    if refusal is not None or not read:
        return CheckedLeaves(len(read), b"", (), 0, 0, b"", b"", (), refusal)
    _, subjects, kinds, since, until, _, documents = zip(*read, strict=True)
    depth = positional_depth(len(read))
    root = positional_raised(consent_leaf_column(ids, subjects), 0, depth)
    return CheckedLeaves(
        count=len(read),
        subjects=b"".join(subjects),
        kinds=_places(kinds)[0],
        since=max(since),
        until=min(until),
        root=root,
        subtree=positional_raised(root, depth, HEIGHT),
        manifest=tuple(rfc9162_peaks(rfc9162_leaf_column(documents))),
        refusal=None,
    )


def _places(kinds: Iterable[ConsentKind]) -> tuple[tuple[ConsentKind, ...], array[int]]:
    """The different ones, and the place of each among them."""
    places: dict[ConsentKind, int] = {}
    which, last, place = array("L"), None, 0
    for kind in kinds:
        if kind is not last:
            last, place = kind, places.setdefault(kind, len(places))
        which.append(place)
    return tuple(places), which


def _reason(error: InvalidInput) -> str:
    cause = error.__cause__
    return f"column {cause.colno}: {cause.msg}" if isinstance(cause, json.JSONDecodeError) else error.reason
