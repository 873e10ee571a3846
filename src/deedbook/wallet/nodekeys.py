"""A node's key as nodes read it: one line of 64 hexadecimal digits, not encrypted, readable by its owner alone.

Besu (`--node-private-key-file`), GoQuorum and geth (`--nodekey`) take no passphrase. On QBFT this key seals blocks: it
stands on its own node and nowhere else, on an encrypted disk, in no image and no repository; a copy of it is kept
offline. Besu can leave it in a token instead (`--security-module`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from deedbook.errors import InvalidFormat
from deedbook.wallet import files
from deedbook.wallet.signers import LocalSigner, fresh_private_key

_LINE = re.compile(rb"(?:0x)?([0-9a-fA-F]{64})\r?\n?")


def create(path: Path, entropy: Callable[[int], bytes]) -> LocalSigner:
    """A fresh key in a new file (mode 0600); raises `Conflict` if it exists."""
    key = fresh_private_key(entropy)
    files.create(path, key.hex().encode() + b"\n")
    return LocalSigner(key)


def read(path: Path) -> LocalSigner:
    """The key in a file. Raises `MissingKey`, or `InvalidFormat` ("key") where it is none."""
    found = _LINE.fullmatch(files.read(path, "node key"))
    if found is None:
        raise InvalidFormat("key", f"{path.name} is not one line of 64 hexadecimal digits")
    return LocalSigner(bytes.fromhex(found[1].decode()))
