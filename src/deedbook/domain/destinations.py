"""Where a request of somebody else's choosing may go: never to what only this machine or its network can reach.

A webhook's URL is given by others, so that whoever gives it could have us ask the machines around us (request forgery).
An address counts, not a name: a name is resolved once, and every address that it has must be permitted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from deedbook.errors import InvalidInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
MOST_URL: Final = 2048
_PORTS: Final = {"https": 443, "http": 80}
_VISIBLE: Final = re.compile(r"[!-~]+")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)

_CLASSES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("unspecified", ("0.0.0.0/8", "::/128")),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),  # 169.254.169.254: the metadata of most clouds
    ("metadata", ("168.63.129.16/32",)),  # Azure's; Alibaba's is shared, Oracle's second one a protocol's
    ("shared", ("100.64.0.0/10",)),  # RFC 6598: carriers' own
    ("protocol", ("192.0.0.0/24", "2001::/23", "5f00::/16", "100::/63")),
    ("documentation", ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")),
    ("benchmark", ("198.18.0.0/15",)),
    ("relay", ("192.88.99.0/24", "2002::/16", "64:ff9b:1::/48")),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("reserved", ("240.0.0.0/4",)),
)
"""The special-purpose registries of IANA (RFC 6890 and after), and what clouds put elsewhere."""
_TABLE: Final = [(word, ip_network(text)) for word, texts in _CLASSES for text in texts]
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_EMBEDDING: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""An IPv4 address in the last 32 bits: NAT64 (RFC 6052), and "compatible" ones (RFC 4291, deprecated)."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL taken apart: `target` is path and query as they are sent."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def of(cls, url: str, *, http: bool = False) -> Destination:
        """Raises InvalidInput (`url`), which does not quote it: a URL may hold a secret."""
        if len(url) > MOST_URL or not _VISIBLE.fullmatch(url) or "\\" in url:
            raise InvalidInput("url", f"is not 1 to {MOST_URL} visible ASCII characters")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise InvalidInput("url", "is no URL") from error
        if parts.scheme not in (_PORTS if http else ("https",)):
            raise InvalidInput("url", "is not https" + (" or http" if http else ""))
        if "@" in parts.netloc or "#" in url:
            raise InvalidInput("url", "has a user or a fragment")
        if port == 0 or not (_is_v6(host) if parts.netloc.startswith("[") else _NAME.fullmatch(host)):
            raise InvalidInput("url", "names no host and port")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], target)

    @property
    def authority(self) -> str:
        """Host and port as the `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Permitted:
    """What an operator permits beside public addresses over https: http, and `networks` of their own."""

    http: bool = False
    networks: tuple[Network, ...] = ()

    def destination(self, url: str) -> Destination:
        """Raises InvalidInput (`url`): malformed, of another scheme, or at an address that is refused."""
        found = Destination.of(url, http=self.http)
        try:
            refused = self.refuses([ip_address(found.host)])
        except ValueError:
            return found  # a name: its addresses are looked at when it is resolved
        if refused:
            raise InvalidInput("url", f"is at a {refused} address", hint="DEEDBOOK_WEBHOOK_NETWORKS permits it")
        return found

    def refuses(self, addresses: Iterable[Address]) -> str | None:
        """Why these addresses of one name are refused: the class of the first that is; None where none is."""
        return next((word for each in addresses if (word := self._refuses(each))), None)

    def _refuses(self, address: Address) -> str | None:
        real = embedded(address)
        if any(real in network for network in self.networks if network.version == real.version):
            return None
        return class_of(real)


def class_of(address: Address) -> str | None:
    """The class of an address that is not everybody's; None for a public one."""
    found = next((word for word, network in _TABLE if network.version == address.version and address in network), None)
    if found is None and isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return "reserved"
    return found


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (`::ffff:127.0.0.1`); otherwise the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if any(address in network for network in _EMBEDDING) and int(address) > 1:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def networks_of(texts: Sequence[str], field: str) -> tuple[Network, ...]:
    """Networks such as `10.0.0.0/8`. Raises InvalidInput (`field`)."""
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise InvalidInput(field, "is not a list of networks, such as 10.0.0.0/8") from error


def _is_v6(host: str) -> bool:
    try:
        return isinstance(ip_address(host), IPv6Address) and "%" not in host
    except ValueError:
        return False
