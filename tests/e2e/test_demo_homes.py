"""What the demo does with the place it is given: killed, told before, in use, foreign, of another version."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.command_line import Answer, command, environment, spawn

CLEAN = "this home held a demo that was cut short: starting clean\n"
FILES = ("home.json", "demo.json", "chain/chain.sqlite", "keys/seeds.book", "deployment.json", "mirror.sqlite")
LINES = ("the bank", " 4. ", " 7. ", "prepared:", "14. ", "17. ")


def words(home: Path) -> list[str]:
    return ["demo", "--people", "3", "--lang", "en", "--home", str(home)]


def tell(home: Path) -> Answer:
    return spawn(*words(home))


@contextmanager
def telling(home: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(*words(home)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def kill_when_there_is(home: Path, file: str) -> None:
    with telling(home) as process:
        deadline = time.monotonic() + 120
        while not (home / file).exists():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)


def kill_when_it_says(home: Path, text: str) -> list[str]:
    with telling(home) as process:
        assert process.stdout is not None
        heard = []
        for line in process.stdout:
            heard.append(line)
            if text in line:
                process.send_signal(signal.SIGKILL)
                return heard
        pytest.fail(f"the story ended without {text!r}: {process.communicate()[1]}")


@pytest.mark.slow
def test_killed_at_any_moment_the_same_command_starts_clean_and_says_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for file in FILES:
        kill_when_there_is(home, file)
    for text in LINES:
        heard = kill_when_it_says(home, text)
        assert heard[0] == CLEAN
    answer = tell(home)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(CLEAN)
    assert spawn("mirror", "rebuild", "--check", DEEDBOOK_HOME=str(home)).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_folders_of_a_home_that_never_began_are_no_obstacle(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for folder in ("keys", "keks", "chain", "objects"):
        (home / folder).mkdir(parents=True)
    (home / ".home.json.4711").write_text("{")
    answer = tell(home)
    assert answer.code == 0, answer.err
    assert answer.out.startswith(CLEAN)


def test_a_told_demo_is_set_aside_each_time(demo_home: Path) -> None:
    bundle = (demo_home / "sale-1.deed").read_bytes()
    for aside in ("home.before", "home.before-2"):
        answer = tell(demo_home)
        assert answer.code == 0, answer.err
        assert f"it is set aside as {demo_home.with_name(aside)}, starting clean" in answer.out
    assert (demo_home.with_name("home.before") / "sale-1.deed").read_bytes() == bundle
    assert (demo_home / "sale-1.deed").read_bytes() != bundle


def test_another_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    answer = tell(tmp_path)
    assert answer.code == 6
    assert answer.err == f"error: {tmp_path} is in use for something else\nhint: name another folder by --home\n"
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("dear")
    assert tell(tmp_path / "home").code == 6
    assert (tmp_path / "home").read_text() == "dear"


def test_a_home_that_is_no_demo_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert spawn("init", "--json", DEEDBOOK_HOME=str(home)).code == 0
    before = (home / "deployment.json").read_bytes()
    assert tell(home).code == 6
    assert (home / "deployment.json").read_bytes() == before


@pytest.mark.rule("home-of-another-version")
@pytest.mark.parametrize(
    "said", [("demo", "--people", "3"), ("status",), ("init",), ("wallet", "list"), ("mirror", "rebuild"), ("serve",)]
)
def test_a_home_of_another_version_is_named_and_left_alone(said: tuple[str, ...], demo_home: Path) -> None:
    marker = demo_home / "home.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"version": 2}))
    answer = spawn(*said, DEEDBOOK_HOME=str(demo_home))
    assert answer.code == 2
    assert answer.err.startswith("error: home.json: the home is of version 2, this release reads version 1\nhint: ")
    assert (demo_home / "sale-1.deed").exists()


@pytest.mark.rule("second-writer")
def test_a_second_writer_is_locked_out_and_nothing_is_deleted(demo_home: Path) -> None:
    serving = subprocess.Popen(
        command("serve", "--port", "0", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(DEEDBOOK_HOME=str(demo_home)),
    )
    try:
        assert serving.stdout is not None
        here = json.loads(serving.stdout.readline())
        before = sorted(path.name for path in demo_home.iterdir())
        answer = tell(demo_home)
        assert answer.code == 6
        assert answer.err.startswith(f"error: process {serving.pid} holds chain.sqlite\nhint: ")
        assert sorted(path.name for path in demo_home.iterdir()) == before
        assert spawn("serve", "--port", "0", DEEDBOOK_HOME=str(demo_home)).code == 6
        # whoever asks through the running service is answered
        status = spawn("status", "--json", DEEDBOOK_HOME=str(demo_home))
        assert (status.code, status.json["tip"]) == (0, 46)
        assert here["rpc"].endswith("/rpc")
    finally:
        serving.send_signal(signal.SIGINT)
        assert serving.wait(30) == 0
        serving.stdout.close()  # type: ignore[union-attr]
    assert not (demo_home / "serve.json").exists()


def test_a_second_demo_cannot_write_while_the_first_one_does(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with telling(home) as first:
        assert first.stdout is not None
        while " 1. " not in first.stdout.readline():
            assert first.poll() is None
        first.send_signal(signal.SIGSTOP)  # it holds the chain, however fast it is
        answer = tell(home)
        assert answer.code == 6
        assert answer.err.startswith(f"error: process {first.pid} holds chain.sqlite\nhint: ")
        assert first.poll() is None
        os.kill(first.pid, signal.SIGKILL)
