"""Withdrawals that the chain will never know of: of consents that were in no batch yet.

Such a withdrawal stands in the private records alone, and a restored backup of them would bring the consent back to
life. So its consentId is also kept here, in a file beside the key-encryption keys, which are in no backup: 32 bytes for
each, one after the other, on disk before the person is answered. It says nothing of anyone, and only grows.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

LENGTH: Final = 32


class WithdrawalBook:
    """The file at `path`; made with the first withdrawal."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def remember(self, consent_id: bytes) -> None:
        """Keeps a consentId (32 bytes); one that is known already changes nothing."""
        assert len(consent_id) == LENGTH
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if consent_id in self.all():
                return
            size = os.fstat(handle).st_size
            os.pwrite(handle, consent_id, size - size % LENGTH)  # over what a crash left of one that nobody was told of
            os.fsync(handle)
        finally:
            os.close(handle)
        _sync(self._path.parent)

    def all(self) -> frozenset[bytes]:
        """Every consentId that was kept."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return frozenset()
        return frozenset(content[at : at + LENGTH] for at in range(0, len(content) - LENGTH + 1, LENGTH))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
