"""A backup as one file: named streams of bytes, sealed under a passphrase of the backup's own.

    backup v1 = header || segment || ... || segment
    header    = "DBBK" || u8 1 || u8 log2(N) || u8 r || u8 p || salt(16) || check(16)
    key(32) || check(16) = scrypt(passphrase as UTF-8, salt, N, r, p, 48 bytes)
    segment i = AES-256-GCM(key, 0(3) || u64 i || u8 last, 65536 bytes of plaintext (fewer in the last), AAD = header)
    plaintext = entry || ... || entry
    entry     = u16 length || name (UTF-8) || piece || ... || u32 0        piece = u32 length || bytes

The salt is fresh for every file, so that a nonce comes once under a key. A file that is cut short lacks its last
segment, and nothing of a segment is given out that was not authenticated. Knows no name of an entry.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deedbook.errors import InvalidFormat, InvalidInput, MissingKey
from deedbook.wallet.keystores import SCRYPT_N, Cost

MAGIC: Final = b"DBBK"
VERSION: Final = 1
HEADER: Final = 40
SEGMENT: Final = 65_536
"""Bytes of plaintext in a segment."""
MOST_PIECE: Final = 1 << 20
"""Bytes of the longest piece that is read."""
MOST_NAME: Final = 4_096
_TAG = 16


def write_backup(
    file: BinaryIO,
    entries: Iterable[tuple[str, Iterable[bytes]]],
    passphrase: str,
    *,
    entropy: Callable[[int], bytes],
    scrypt_n: int = SCRYPT_N,
) -> int:
    """Writes entries - a name, and its bytes in pieces - in their order, some bytes in memory at a time; how many bytes
    the file has. Raises InvalidInput for an empty passphrase or a name of more than 4,096 bytes."""
    if not passphrase:
        raise InvalidInput("passphrase", "is empty")
    cost, salt = Cost(scrypt_n.bit_length() - 1, 8, 1), entropy(16)
    key, check = cost.derive(passphrase, salt)
    header = MAGIC + bytes((VERSION, *cost.as_bytes)) + salt + check
    file.write(header)
    sealing, size = _Sealing(file, AESGCM(key), header), len(header)
    for name, pieces in entries:
        named = name.encode()
        if not 0 < len(named) <= MOST_NAME:
            raise InvalidInput("name", f"has {len(named)} bytes, not 1 to {MOST_NAME}")
        sealing.add(len(named).to_bytes(2, "big") + named)
        for piece in pieces:
            for at in range(0, len(piece), MOST_PIECE):
                part = piece[at : at + MOST_PIECE]
                sealing.add(len(part).to_bytes(4, "big") + part)
        sealing.add(bytes(4))
    return size + sealing.end()


def read_backup(file: BinaryIO, passphrase: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The entries in their order: a name, and its bytes in pieces; each is read to its end before the next one.

    Raises MissingKey for another passphrase, InvalidFormat for what is no backup, is damaged, cut short or goes on
    after its end, WrongVersion.
    """
    header = file.read(HEADER)
    cost = Cost.of_header(header, MAGIC, VERSION, "backup")
    key, check = cost.derive(passphrase, header[8:24])
    if not hmac.compare_digest(check, header[24:40]):
        raise MissingKey("wrong passphrase for the backup", kind="passphrase")
    opened = _Opened(file, AESGCM(key), header)
    while (length := opened.maybe(2)) is not None:
        size = int.from_bytes(length, "big")
        if not 0 < size <= MOST_NAME:
            raise InvalidFormat("backup", "an entry has no name")
        try:
            name = opened.take(size).decode()
        except UnicodeDecodeError as error:
            raise InvalidFormat("backup", "a name is not UTF-8") from error
        pieces = _pieces(opened)
        yield name, pieces
        for _ in pieces:
            pass


class _Sealing:
    """The plaintext on its way into segments; the last one is known when there is no more."""

    def __init__(self, file: BinaryIO, cipher: AESGCM, header: bytes) -> None:
        self._file = file
        self._cipher = cipher
        self._header = header
        self._waiting = bytearray()
        self._written = 0
        self._count = 0

    def add(self, plain: bytes) -> None:
        self._waiting += plain
        while len(self._waiting) > SEGMENT:
            self._seal(bytes(self._waiting[:SEGMENT]), last=False)
            del self._waiting[:SEGMENT]

    def end(self) -> int:
        """Writes the rest; how many bytes there are in all."""
        self._seal(bytes(self._waiting), last=True)
        return self._written

    def _seal(self, plain: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._count, last=last), plain, self._header)
        self._file.write(sealed)
        self._written += len(sealed)
        self._count += 1


class _Opened:
    """The plaintext of a file, segment by segment."""

    def __init__(self, file: BinaryIO, cipher: AESGCM, header: bytes) -> None:
        self._file = file
        self._cipher = cipher
        self._header = header
        self._plain = b""
        self._at = 0
        self._count = 0
        self._ahead = file.read(SEGMENT + _TAG)
        self._ended = False

    def maybe(self, size: int) -> bytes | None:
        """So many bytes, or None where the plaintext ends."""
        if self._at == len(self._plain) and not self._next():
            return None
        return self.take(size)

    def take(self, size: int) -> bytes:
        parts = []
        while size:
            if self._at == len(self._plain) and not self._next():
                raise InvalidFormat("backup", "an entry is cut short")
            part = self._plain[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _next(self) -> bool:
        """Opens the next segment that holds something; False at the end."""
        while not self._ended:
            sealed, self._ahead = self._ahead, self._file.read(SEGMENT + _TAG)
            self._ended = not self._ahead
            try:
                self._plain = self._cipher.decrypt(_nonce(self._count, last=self._ended), sealed, self._header)
            except (InvalidTag, ValueError) as error:
                raise InvalidFormat("backup", "it is damaged or cut short") from error
            self._at, self._count = 0, self._count + 1
            if self._plain:
                return True
        return False


def _pieces(opened: _Opened) -> Iterator[bytes]:
    while size := int.from_bytes(opened.take(4), "big"):
        if size > MOST_PIECE:
            raise InvalidFormat("backup", "a piece is too long")
        yield opened.take(size)


def _nonce(count: int, *, last: bool) -> bytes:
    return bytes(3) + count.to_bytes(8, "big") + bytes((last,))
