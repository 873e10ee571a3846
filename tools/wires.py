"""Machines on one desk: a network namespace each, joined by a cable (veth) to a switch (bridge).

    wires = Wires(5); wires.open()
    wires.namespace(0), wires.address(0)
    wires.split([[0, 1], [2, 3]])      cables moved to other switches; the host still reaches everybody
    wires.join()
    wires.close()

Needs root and iproute2: `refusal` says in plain words what is missing. Everything is named after the process that made
it (its id and its start), so that what a killed tool left behind is known as such, and is removed by the next one.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

PREFIX = "deedbook-"
_OWNED = re.compile(rf"{PREFIX}(\d+)-(\d+)(?:-|$)")
_NAMESPACES = Path("/run/netns")
_TRIES = 100
_DEVICES = Path("/sys/class/net")


class Wires:
    """`count` namespaces on one switch, numbered from 0; the host has an address there too."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._net = -1
        self._switches: list[str] = []

    def open(self) -> None:
        """Makes them. Raises OSError with iproute2's words."""
        self._net = self._first_switch()
        _ip("addr", "add", f"{self._host}/24", "dev", self._switch(0))
        for number in range(self._count):
            space = self.namespace(number)
            _ip("netns", "add", space)
            self._make_cable(number)
            _ip("link", "set", self._cable(number), "master", self._switch(0), "up")
            _ip("-n", space, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")
            _ip("-n", space, "link", "set", "lo", "up")

    def close(self) -> None:
        """Removes them with whatever still runs inside; the cables first, which else stay while a connection waits for
        its other end."""
        for number in range(self._count):
            _ip("link", "del", self._cable(number), check=False)
            _remove_namespace(self.namespace(number))
        for switch in self._switches:
            _ip("link", "del", switch, check=False)
        self._switches.clear()

    def namespace(self, number: int) -> str:
        """The name of a namespace."""
        return f"{owner()}-{self._net}-{number}"

    def address(self, number: int) -> str:
        """The IPv4 address inside it."""
        return f"10.213.{self._net}.{number + 1}"

    def split(self, groups: Sequence[Sequence[int]]) -> None:
        """Puts each group on a switch of its own; who is not named stays with the first. Frames between them vanish."""
        self.join()
        for place, group in enumerate(groups[1:], 1):
            self._make_switch(place)
            for number in group:
                _ip("link", "set", self._cable(number), "master", self._switch(place))
                _ip("route", "replace", f"{self.address(number)}/32", "dev", self._switch(place), "src", self._host)

    def join(self) -> None:
        """Puts all cables back on one switch."""
        for number in range(self._count):
            _ip("link", "set", self._cable(number), "master", self._switch(0))
        for switch in self._switches[1:]:
            _ip("link", "del", switch, check=False)
        del self._switches[1:]

    @property
    def _host(self) -> str:
        return f"10.213.{self._net}.254"

    def _first_switch(self) -> int:
        """Takes the first free net: making the switch fails where it exists, so two tools cannot take the same."""
        for net in range(256):
            with suppress(FileExistsError):
                self._net = net
                self._make_switch(0)
                return net
        raise OSError("all 256 networks of this machine are in use")

    def _make_switch(self, place: int) -> None:
        name = self._switch(place)
        if (_DEVICES / name).exists():
            raise FileExistsError(name)
        try:
            _ip("link", "add", name, "type", "bridge")
        except OSError as reason:
            if "exists" in str(reason):
                raise FileExistsError(name) from reason
            raise
        self._switches.append(name)
        _ip("link", "set", name, "alias", owner())
        _ip("link", "set", name, "up")

    def _make_cable(self, number: int) -> None:
        """A former network's cable of this name may still be on its way out: the kernel ends namespaces by and by."""
        name, space = self._cable(number), self.namespace(number)
        for left in range(_TRIES, -1, -1):
            try:
                _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", space)
            except OSError as reason:
                if "exists" not in str(reason) or not left:
                    raise
                time.sleep(0.1)
            else:
                _ip("link", "set", name, "alias", owner())
                return

    def _switch(self, place: int) -> str:
        return f"dbk{self._net}s{place}"

    def _cable(self, number: int) -> str:
        return f"dbk{self._net}v{number}"


def refusal() -> str | None:
    """Why there can be no namespaces here, in plain words; None where there can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "making network namespaces needs root"
    if shutil.which("ip") is None:
        return "iproute2 (the program `ip`) is not installed"
    probe = f"{owner()}-probe"
    try:
        _ip("netns", "add", probe)
        _ip("-n", probe, "link", "set", "lo", "up")
        _ip("link", "add", "dbkprobe", "type", "veth", "peer", "name", "eth0", "netns", probe)
    except OSError as reason:
        return f"this machine refuses network namespaces: {reason}"
    finally:
        _ip("link", "del", "dbkprobe", check=False)
        _remove_namespace(probe)
    return None


def owner() -> str:
    """This process, as a name that no later one can have: its id and when it started."""
    return f"{PREFIX}{os.getpid()}-{started(os.getpid())}"


def started(pid: int) -> int | None:
    """When a process started, in ticks since boot; None where it is gone (or has ended and waits to be reaped)."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] != "Z" else None


def state(pid: int) -> str | None:
    """What a process does, in the one letter of proc(5): R, S, T (stopped) ...; None where it is gone."""
    fields = _stat(pid)
    return fields[0] if fields else None


def _stat(pid: int) -> list[str]:
    """The fields of `/proc/PID/stat` after the name; none where the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def is_stale(name: str) -> bool:
    """Whether a name is ours and its process is gone."""
    found = _OWNED.match(name)
    return found is not None and started(int(found[1])) != int(found[2])


def remove_stale() -> list[str]:
    """Removes the namespaces (with what runs in them), switches and small disks of tools that are gone; their names."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return []
    removed = []
    for space in _names(_NAMESPACES):
        if is_stale(space):
            _remove_namespace(space)
            removed.append(space)
    for device in _names(_DEVICES):
        if device.startswith("dbk") and is_stale(_alias(device)):
            _ip("link", "del", device, check=False)
            removed.append(device)
    for disk in stale_mounts(Path("/proc/mounts").read_text(encoding="utf-8")):
        subprocess.run(["umount", "--lazy", disk], check=False, capture_output=True)
        removed.append(disk)
    return removed


def stale_mounts(mounts: str) -> list[str]:
    """The mount points in the text of `/proc/mounts` whose source is ours and stale."""
    lines = (line.split(" ") for line in mounts.splitlines())
    return [words[1].encode().decode("unicode_escape") for words in lines if len(words) > 1 and is_stale(words[0])]


def _remove_namespace(space: str) -> None:
    if not (_NAMESPACES / space).exists():
        return
    said = _ip("netns", "pids", space, check=False)
    end([int(word) for word in said.split()])
    _ip("netns", "del", space, check=False)


def end(pids: Iterable[int], seconds: float = 10.0) -> None:
    """Kills processes by their ids and waits until they are gone."""
    left = set(pids)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if started(pid) is not None}
        time.sleep(0.02)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def _alias(device: str) -> str:
    try:
        return (_DEVICES / device / "ifalias").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _ip(*words: str, check: bool = True) -> str:
    """Runs iproute2; what it printed. Raises OSError with its words."""
    run = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if check and run.returncode:
        raise OSError(f"ip {' '.join(words)}: {run.stderr.strip()}")
    return run.stdout
