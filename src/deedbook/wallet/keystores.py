"""Keys at rest, encrypted under a passphrase.

`Keystore` is a directory of Web3 Secret Storage files (eth-keyfile, version 3), one per named account: any Ethereum
wallet reads them. `SeedBook` is one file with many 32-byte secrets by label (people's wallet seeds, members'
encryption keys):

    seed book v1 = "DBSB" || u8 1 || u8 log2(N) || u8 r || u8 p || salt(16) || check(16) || nonce(12)
                   || AES-256-GCM(key, nonce, JSON {label: "0x<64 hex>"}, AAD = everything before the nonce)
    key(32) || check(16) = scrypt(passphrase as UTF-8, salt, N, r, p, 48 bytes)

`check` tells a wrong passphrase (`MissingKey`) from a damaged file (`InvalidFormat`). N is 2^10 to 2^20, r at most 16,
p at most 4, so that a foreign file cannot ask for much memory. JSON is canonical.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deedbook.domain.hashing import canonical_json, parse_json
from deedbook.errors import Conflict, InvalidFormat, InvalidInput, MissingKey, WrongVersion
from deedbook.wallet import files
from deedbook.wallet.signers import LocalSigner, fresh_private_key

SCRYPT_N = 1 << 15
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Keystore:
    """Named accounts in a directory, each in its own encrypted file `<name>.json` (mode 0600)."""

    def __init__(self, directory: Path, *, entropy: Callable[[int], bytes], scrypt_n: int = SCRYPT_N) -> None:
        self._directory = directory
        self._entropy = entropy
        self._scrypt_n = scrypt_n

    def names(self) -> tuple[str, ...]:
        """All accounts, in alphabetical order."""
        return tuple(sorted(path.stem for path in self._directory.glob("*.json") if _NAME.fullmatch(path.stem)))

    def create(self, name: str, passphrase: str, private_key: bytes | None = None) -> LocalSigner:
        """Store a fresh key, or the one given, under a new name.

        Raises `Conflict` when the name is taken, `InvalidInput` naming `name` or `private_key`.
        """
        from eth_keyfile.keyfile import create_keyfile_json

        path = self._path(name)
        key = private_key if private_key is not None else fresh_private_key(self._entropy)
        signer = LocalSigner(key)
        if path.exists():
            raise Conflict(f"account {name} exists already", name=name)
        document = create_keyfile_json(key, passphrase.encode(), kdf="scrypt", iterations=self._scrypt_n)
        files.create(path, json.dumps(document).encode())
        return signer

    def open(self, name: str, passphrase: str) -> LocalSigner:
        """The account's signer.

        Raises `MissingKey` when there is no such account or the passphrase is wrong, `InvalidFormat` or `WrongVersion`
        when the file is not a version 3 keystore of its own address.
        """
        document = _document(files.read(self._path(name), "account"))
        signer = LocalSigner(_decrypted(document, name, passphrase))
        if str(document.get("address", signer.address.hex())).lower().removeprefix("0x") != signer.address.hex():
            raise InvalidFormat("address", "is not the key's own")
        return signer

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InvalidInput("name", "not 1 to 64 of a-z, 0-9, dot, dash and underscore")
        return self._directory / f"{name}.json"


class SeedBook:
    """Many 32-byte secrets by label in one encrypted file; open it once, ask it often.

    The repr shows how many it holds, never which.
    """

    def __init__(
        self, path: Path, header: bytes, key: bytes, seeds: Mapping[str, bytes], entropy: Callable[[int], bytes]
    ) -> None:
        self._path = path
        self._header = header
        self._key = key
        self._seeds = dict(seeds)
        self._entropy = entropy

    @classmethod
    def create(
        cls, path: Path, passphrase: str, *, entropy: Callable[[int], bytes], scrypt_n: int = SCRYPT_N
    ) -> SeedBook:
        """An empty book in a new file; raises `Conflict` when the file exists."""
        cost = Cost(scrypt_n.bit_length() - 1, 8, 1)
        if scrypt_n != 1 << cost.log2_n or not cost.bearable:
            raise InvalidInput("scrypt_n", "not a power of two from 2^10 to 2^20")
        salt = entropy(16)
        key, check = cost.derive(passphrase, salt)
        book = cls(path, _MAGIC + bytes((1, *cost.as_bytes)) + salt + check, key, {}, entropy)
        files.create(path, book._sealed())
        return book

    @classmethod
    def open(cls, path: Path, passphrase: str, *, entropy: Callable[[int], bytes]) -> SeedBook:
        """The book in this file.

        Raises `MissingKey` when the file is absent or the passphrase wrong, `InvalidFormat` or `WrongVersion` when it
        is not a whole, unchanged seed book.
        """
        content = files.read(path, "seed book")
        header, nonce, sealed = content[:_HEADER], content[_HEADER : _HEADER + 12], content[_HEADER + 12 :]
        cost = _cost_in(header, len(sealed))
        key, check = cost.derive(passphrase, header[8:24])
        if not hmac.compare_digest(check, header[24:40]):
            raise MissingKey("wrong passphrase for the seed book", kind="passphrase", file=path.name)
        try:
            plain = AESGCM(key).decrypt(nonce, sealed, header)
        except InvalidTag as error:
            raise InvalidFormat("seed_book", "damaged: it does not open under its own key") from error
        return cls(path, header, key, _seeds_in(plain), entropy)

    def labels(self) -> tuple[str, ...]:
        """All labels, in alphabetical order."""
        return tuple(sorted(self._seeds))

    def seed(self, label: str) -> bytes:
        """The 32 bytes of a label; raises `MissingKey`."""
        if label not in self._seeds:
            raise MissingKey("no seed of this label in the seed book", kind="seed", label=label)
        return self._seeds[label]

    def add(self, seeds: Mapping[str, bytes]) -> None:
        """Add all these seeds in one replacement of the file, or none.

        Raises `Conflict` when a label is taken by another seed, `InvalidInput` naming `label` or `seed`.
        """
        for label, seed in seeds.items():
            if not 0 < len(label) <= 200:
                raise InvalidInput("label", "not 1 to 200 characters")
            if len(seed) != 32:
                raise InvalidInput("seed", f"{len(seed)} bytes, not 32")
            if self._seeds.get(label, seed) != seed:
                raise Conflict("the label holds another seed", label=label)
        before, self._seeds = self._seeds, self._seeds | dict(seeds)
        try:
            files.replace(self._path, self._sealed())
        except BaseException:
            self._seeds = before
            raise

    def generate(self, label: str) -> bytes:
        """A fresh seed under a new label; raises `Conflict` when the label is taken."""
        if label in self._seeds:
            raise Conflict("the label holds another seed", label=label)
        self.add({label: self._entropy(32)})
        return self._seeds[label]

    def _sealed(self) -> bytes:
        nonce = self._entropy(12)
        plain = canonical_json({label: "0x" + seed.hex() for label, seed in self._seeds.items()})
        return self._header + nonce + AESGCM(self._key).encrypt(nonce, plain, self._header)

    def __repr__(self) -> str:
        return f"SeedBook({len(self._seeds)} seeds)"


_MAGIC = b"DBSB"
_HEADER = 40


class Cost:
    """The scrypt parameters of a file under a passphrase, as three bytes (RFC 7914)."""

    def __init__(self, log2_n: int, r: int, p: int) -> None:
        self.log2_n, self.r, self.p = log2_n, r, p
        self.as_bytes = (log2_n, r, p)

    @classmethod
    def of_header(cls, header: bytes, magic: bytes, version: int, what: str) -> Cost:
        """What a header of 40 bytes asks for. Raises InvalidFormat, or WrongVersion, naming `what` the file is."""
        if header[:4] != magic:
            raise InvalidFormat(what, f"not a {what.replace('_', ' ')}")
        if len(header) < _HEADER:
            raise InvalidFormat(what, "truncated")
        if header[4] != version:
            raise WrongVersion(what, f"version {header[4]}, not {version}")
        cost = cls(*header[5:8])
        if not cost.bearable:
            raise InvalidFormat(what, "scrypt parameters out of bounds")
        return cost

    @property
    def bearable(self) -> bool:
        """Whether a foreign file may ask for it."""
        return 10 <= self.log2_n <= 20 and 1 <= self.r <= 16 and 1 <= self.p <= 4

    def derive(self, passphrase: str, salt: bytes) -> tuple[bytes, bytes]:
        """A key of 32 bytes, and 16 that tell another passphrase from it."""
        n = 1 << self.log2_n
        room = 128 * self.r * (n + self.p + 2)
        out = hashlib.scrypt(passphrase.encode(), salt=salt, n=n, r=self.r, p=self.p, maxmem=2 * room, dklen=48)
        return out[:32], out[32:]


def _cost_in(header: bytes, sealed_length: int) -> Cost:
    if header[:4] == _MAGIC and sealed_length < 16:
        raise InvalidFormat("seed_book", "truncated")
    return Cost.of_header(header, _MAGIC, 1, "seed_book")


def _seeds_in(plain: bytes) -> dict[str, bytes]:
    document = parse_json(plain, "seed_book")
    try:
        seeds = {str(label): bytes.fromhex(text.removeprefix("0x")) for label, text in document.items()}
    except (AttributeError, ValueError) as error:
        raise InvalidFormat("seed_book", "not labels with hexadecimal seeds") from error
    if any(len(seed) != 32 for seed in seeds.values()):
        raise InvalidFormat("seed_book", "a seed is not 32 bytes")
    return seeds


def _document(content: bytes) -> dict[str, Any]:
    document = parse_json(content, "keystore")
    if not isinstance(document, dict):
        raise InvalidFormat("keystore", "not a JSON object")
    if document.get("version") != 3:
        raise WrongVersion("keystore", "not version 3")
    _require_bearable(document)
    return document


def _require_bearable(document: dict[str, Any]) -> None:
    """A foreign file may not ask for more than about 1 GiB or ten million rounds."""
    match document:
        case {"crypto": {"kdf": "scrypt", "kdfparams": {"n": int(n), "r": int(r), "p": int(p), "dklen": 32}}}:
            bearable = 1 < n <= 1 << 20 and not n & n - 1 and 0 < r <= 8 and 0 < p <= 8
        case {"crypto": {"kdf": "pbkdf2", "kdfparams": {"c": int(c), "dklen": 32}}}:
            bearable = 0 < c <= 10_000_000
        case _:
            raise InvalidFormat("keystore", "not a version 3 keystore")
    if not bearable:
        raise InvalidFormat("keystore", "key derivation parameters out of bounds")


def _decrypted(document: dict[str, Any], name: str, passphrase: str) -> bytes:
    from eth_keyfile.keyfile import decode_keyfile_json

    try:
        key = bytes(decode_keyfile_json(document, passphrase.encode()))
    except ValueError as error:
        if "MAC mismatch" in str(error):
            raise MissingKey(f"wrong passphrase for account {name}", kind="passphrase", name=name) from error
        raise InvalidFormat("keystore", "does not decode") from error
    except (KeyError, TypeError, AttributeError, NotImplementedError, AssertionError, OverflowError) as error:
        raise InvalidFormat("keystore", "does not decode") from error
    if len(key) != 32:
        raise InvalidFormat("keystore", "does not hold a 32-byte key")
    return key
