"""Request forgery: what is not everybody's is refused by its address, in whatever form it is written."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from deedbook.bootstrap.posting import resolve
from deedbook.domain.destinations import Destination, Permitted, class_of, embedded, networks_of
from deedbook.errors import InvalidInput

REFUSED = {
    "unspecified": "0.0.0.0 0.255.255.255 ::",
    "loopback": "127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 64:ff9b::7f00:1 ::127.0.0.1",
    "private": "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fc00::1 fd00:ec2::254 fec0::1 ::ffff:10.1.2.3"
    " 64:ff9b::c0a8:1",
    "link-local": "169.254.169.254 169.254.0.1 fe80::1 febf::1 ::ffff:169.254.169.254",
    "metadata": "168.63.129.16 ::ffff:168.63.129.16",
    "shared": "100.64.0.1 100.127.255.255 100.100.100.200 ::ffff:100.64.0.1",
    "protocol": "192.0.0.192 192.0.0.8 2001::1 2001:0:7f00:1::1 2001:1ff::1 5f00::1 100::1",
    "documentation": "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1",
    "benchmark": "198.18.0.1 198.19.255.255",
    "relay": "192.88.99.1 2002:7f00:1::1 64:ff9b:1::7f00:1",
    "multicast": "224.0.0.1 239.255.255.255 ff02::1 ::ffff:224.0.0.1",
    "reserved": "240.0.0.1 255.255.255.255 4000::1 8000::1 200::1 ::ffff:255.255.255.255",
}
PUBLIC = (
    "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.32.0.1 169.253.1.1 2606:4700::1111 ::ffff:1.1.1.1 64:ff9b::101:101"
)


@pytest.mark.parametrize(("word", "text"), [(word, text) for word, texts in REFUSED.items() for text in texts.split()])
def test_every_class_of_address_that_is_not_everybodys_is_refused(word: str, text: str) -> None:
    permitted = Permitted()
    assert class_of(embedded(ip_address(text))) == word
    assert permitted.refuses([ip_address(text)]) == word
    assert permitted.refuses([ip_address("1.1.1.1"), ip_address(text)]) == word
    host = f"[{text}]" if ":" in text else text
    with pytest.raises(InvalidInput) as refused:
        permitted.destination(f"https://{host}/hook?token=hush")
    assert (refused.value.field, "hush" in str(refused.value)) == ("url", False)


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public_addresses_are_permitted(text: str) -> None:
    assert Permitted().refuses([ip_address(text)]) is None


def test_whatever_python_says_is_not_global_is_refused() -> None:
    """A second opinion: the standard library's tables, on addresses spread over the whole space."""
    for place in range(0, 2**32, 2**32 // 20_011):
        address = ip_address(place)
        if not address.is_global or address.is_multicast:
            assert class_of(address) is not None, address


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "127.0.0.1.", "0", "00000177.1"]
)
def test_other_ways_to_write_loopback_are_resolved_before_they_are_judged(host: str) -> None:
    try:
        addresses = resolve(host, 80)
    except OSError:
        return  # this system does not take it for an address
    assert Permitted().refuses(addresses) in ("loopback", "unspecified")


def test_networks_of_ones_own_are_permitted_by_name_alone() -> None:
    permitted = Permitted(networks=networks_of(["10.1.0.0/16", "fd00::/8"], "field"))
    assert permitted.refuses(map(ip_address, ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1"))) is None
    assert permitted.refuses([ip_address("10.2.0.1")]) == "private"
    assert permitted.refuses([ip_address("127.0.0.1")]) == "loopback"
    with pytest.raises(InvalidInput):
        networks_of(["10.1.0.1/16"], "field")


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://hooks.example", ("https", "hooks.example", 443, "/", "hooks.example")),
        ("https://Hooks.example:8443/a/b?c=d", ("https", "hooks.example", 8443, "/a/b?c=d", "hooks.example:8443")),
        ("https://hooks.example?x", ("https", "hooks.example", 443, "/?x", "hooks.example")),
        ("https://[2606:4700::1111]:444/", ("https", "2606:4700::1111", 444, "/", "[2606:4700::1111]:444")),
        ("https://xn--bcher-kva.example./", ("https", "xn--bcher-kva.example.", 443, "/", "xn--bcher-kva.example.")),
    ],
)
def test_a_url_is_taken_apart(url: str, parts: tuple[object, ...]) -> None:
    found = Destination.of(url)
    assert (found.scheme, found.host, found.port, found.target, found.authority) == parts


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "http://hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_",
        "//hooks.example/",
        "https:hooks.example",
        "https://user@hooks.example/",
        "https://user:hush@hooks.example/",
        "https://hooks.example@127.0.0.1/",
        "https://hooks.example#@127.0.0.1/",
        "https://hooks.example/#fragment",
        "https://hooks.example:0/",
        "https://hooks.example:65536/",
        "https://hooks.example:x/",
        "https://hooks.example/\r\nX-Header: 1",
        "https://hooks.example\\@127.0.0.1/",
        "https://hooks example/",
        "https://hooks.example/\u00e9",
        "https://b\u00fccher.example/",
        "https://127.0.0\u3002 1/",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://[v1.x]/",
        "https://%31%32%37.0.0.1/",
        "https://hooks..example/",
        "https://" + "a" * 64 + ".example/",
        "https://hooks.example/" + "a" * 2048,
    ],
)
def test_a_url_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Destination.of(url)
    assert refused.value.field == "url"
    assert not url or url not in str(refused.value)


def test_http_is_permitted_where_it_is_said() -> None:
    assert Permitted(http=True).destination("http://hooks.example/").port == 80
    with pytest.raises(InvalidInput):
        Permitted().destination("http://hooks.example/")
