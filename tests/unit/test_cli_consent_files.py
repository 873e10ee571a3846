"""Files of consents by the chunk: the same documents, whether they travel or are read where they stand."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from deedbook.cli import consent_files
from deedbook.cli.consent_files import MOST_LINE, chunk_workers, chunks_of, documents_in
from deedbook.errors import InvalidFormat
from deedbook.wallet.consents import CHUNK, Span, documents_of, in_chunks

CONTENTS = [
    b"",
    b"\n",
    b"one",
    b"one\n",
    b"one\n\n",
    b"\r\n\n one \n" * 3,
    b"\n".join(b"%d" % line for line in range(2 * CHUNK)),
    b"".join(b"%d\n" % line for line in range(2 * CHUNK + 1)),
    b"\xff\xfe\n" * CHUNK,
]


@pytest.mark.parametrize("content", CONTENTS, ids=len)
@pytest.mark.parametrize("block", [1 << 12, 1 << 22])
def test_chunks_are_the_same_where_they_stand(
    content: bytes, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deedbook.cli.ndjson.BLOCK", block)
    file = tmp_path / "consents"
    file.write_bytes(content)
    travelling = list(chunks_of(documents_in(str(file)), shared=False))
    standing = list(chunks_of(documents_in(str(file)), shared=True))
    assert all(isinstance(each, Span) for each in standing)
    assert [documents_of(each) for each in standing] == travelling == list(in_chunks(documents_in(str(file))))
    counts = [documents_of(each).count(b"\n") + 1 for each in travelling]
    assert [each.count for each in standing if isinstance(each, Span)] == counts


@pytest.mark.parametrize("place", [1, CHUNK, CHUNK + 1, CHUNK + 7])
def test_a_line_that_is_too_long_is_named_alike(place: int, tmp_path: Path) -> None:
    file = tmp_path / "consents"
    lines = [b"x" * MOST_LINE, *[b"a line"] * (CHUNK + 6)]
    lines[place - 1] = b"x" * (MOST_LINE + 1)
    file.write_bytes(b"\n".join(lines))
    told = []
    for shared in (False, True):
        with pytest.raises(InvalidFormat) as refused:
            list(chunks_of(documents_in(str(file)), shared=shared))
        told.append((str(refused.value), refused.value.fields))
    assert told[0] == told[1]
    assert told[0][1]["line"] == place


def test_what_others_cannot_read_travels(tmp_path: Path) -> None:
    one, pipe = tmp_path / "one", tmp_path / "pipe"
    one.write_bytes(b'{\n"a": 1}\n')
    assert list(chunks_of(documents_in(str(one)), shared=True)) == [b'{"a":1}']
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(b"a\nb\n",))
    writer.start()
    assert list(chunks_of(documents_in(str(pipe)), shared=True)) == [b"a\nb"]
    writer.join()
    assert list(chunks_of([b"a", b"b"], shared=True)) == [b"a\nb"]


def test_few_are_checked_here_and_many_elsewhere(tmp_path: Path) -> None:
    for count in (CHUNK, CHUNK + 1):
        file = tmp_path / str(count)
        file.write_bytes(b"a line\n" * count)
        with chunk_workers(documents_in(str(file)), 0) as (chunks, by):
            assert (by.executor is None) == (count == CHUNK)
            assert sum(each.count for each in chunks if isinstance(each, Span)) == count
    with consent_files.chunk_workers(documents_in(str(file)), 1) as (chunks, by):
        assert by.executor is None
        assert len(list(chunks)) == 2
