"""Settings: who wins, and what is refused by name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deedbook import config
from deedbook.config import Settings, load
from deedbook.errors import DeedbookError, InvalidFormat, InvalidInput, MissingKey


def write(home: Path, text: str) -> None:
    (home / "deedbook.toml").write_text(text, encoding="utf-8")


def test_nothing_said_gives_the_homes_own(tmp_path: Path) -> None:
    assert load(tmp_path, {}) == Settings(home=tmp_path)
    assert load(None, {}).home == Path.home() / ".deedbook"


def test_command_line_wins_over_environment_for_the_home(tmp_path: Path) -> None:
    assert load(tmp_path, {"DEEDBOOK_HOME": "elsewhere"}).home == tmp_path
    assert load(None, {"DEEDBOOK_HOME": str(tmp_path)}).home == tmp_path


def test_environment_wins_over_file_and_file_over_default(tmp_path: Path) -> None:
    write(tmp_path, 'port = 9000\nhost = "0.0.0.0"\n')
    assert (load(tmp_path, {}).port, load(tmp_path, {}).host) == (9000, "0.0.0.0")
    found = load(tmp_path, {"DEEDBOOK_PORT": "9001"})
    assert (found.port, found.host) == (9001, "0.0.0.0")


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, "port = 9000\n")
    assert load(tmp_path, {"DEEDBOOK_PORT": "", "DEEDBOOK_PASSPHRASE": ""}) == Settings(home=tmp_path, port=9000)


def test_every_setting_can_be_said_in_both_places(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("open sesame\n", encoding="utf-8")
    expected = Settings(
        home=tmp_path,
        host="::1",
        port=1,
        rpc_urls=("http://127.0.0.1:8545", "https://node.example/rpc"),
        consensus="clique",
        mirror_url="postgresql+psycopg://m",
        records_url="sqlite:///r",
        objects_url="s3://bucket",
        webhook_http=True,
        webhook_networks=("10.0.0.0/8", "fd00::/8"),
        webhook_tries=3,
        metrics_port=0,
        log_form="json",
        log_level="debug",
        drain_seconds=600,
        passphrase="open sesame",
    )
    said = {
        "DEEDBOOK_HOST": "::1",
        "DEEDBOOK_PORT": "1",
        "DEEDBOOK_RPC_URLS": "http://127.0.0.1:8545, https://node.example/rpc",
        "DEEDBOOK_CONSENSUS": "clique",
        "DEEDBOOK_MIRROR_URL": "postgresql+psycopg://m",
        "DEEDBOOK_RECORDS_URL": "sqlite:///r",
        "DEEDBOOK_OBJECTS_URL": "s3://bucket",
        "DEEDBOOK_WEBHOOK_HTTP": "true",
        "DEEDBOOK_WEBHOOK_NETWORKS": "10.0.0.0/8, fd00::/8",
        "DEEDBOOK_WEBHOOK_TRIES": "3",
        "DEEDBOOK_METRICS_PORT": "0",
        "DEEDBOOK_LOG_FORM": "json",
        "DEEDBOOK_LOG_LEVEL": "debug",
        "DEEDBOOK_DRAIN_SECONDS": "600",
        "DEEDBOOK_PASSPHRASE_FILE": str(tmp_path / "secret"),
    }
    assert load(tmp_path, said) == expected
    write(
        tmp_path,
        'host = "::1"\nport = 1\nrpc_urls = ["http://127.0.0.1:8545", "https://node.example/rpc"]\n'
        'consensus = "clique"\nmirror_url = "postgresql+psycopg://m"\nrecords_url = "sqlite:///r"\nobjects_url = "s3://bucket"\n'
        'webhook_http = true\nwebhook_networks = ["10.0.0.0/8", "fd00::/8"]\nwebhook_tries = 3\n'
        'metrics_port = 0\nlog_form = "json"\nlog_level = "debug"\ndrain_seconds = 600\npassphrase_file = "secret"\n',
    )
    assert load(tmp_path, {}) == expected


def test_the_passphrase_itself_wins_over_its_file(tmp_path: Path) -> None:
    said = {"DEEDBOOK_PASSPHRASE": "a", "DEEDBOOK_PASSPHRASE_FILE": "missing"}
    assert load(tmp_path, said).passphrase == "a"


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    said = {"DEEDBOOK_PASSPHRASE": "hush", "DEEDBOOK_RECORDS_URL": "postgresql://u:hush@h/d"}
    assert "hush" not in repr(load(tmp_path, said))


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"DEEDBOOK_PORT": "65536"}, "DEEDBOOK_PORT"),
        ({"DEEDBOOK_PORT": "-1"}, "DEEDBOOK_PORT"),
        ({"DEEDBOOK_PORT": "http"}, "DEEDBOOK_PORT"),
        ({"DEEDBOOK_PORT": "٣"}, "DEEDBOOK_PORT"),
        ({"DEEDBOOK_HOST": " "}, "DEEDBOOK_HOST"),
        ({"DEEDBOOK_RPC_URLS": "http://ok,ftp://u:hush@no"}, "DEEDBOOK_RPC_URLS"),
        ({"DEEDBOOK_RPC_URLS": "http://ok,"}, "DEEDBOOK_RPC_URLS"),
        ({"DEEDBOOK_RPC_URLS": "http://[hush"}, "DEEDBOOK_RPC_URLS"),
        ({"DEEDBOOK_RPC_URLS": "http://hush:99999"}, "DEEDBOOK_RPC_URLS"),
        ({"DEEDBOOK_CONSENSUS": "hush"}, "DEEDBOOK_CONSENSUS"),
        ({"DEEDBOOK_MIRROR_URL": "hush.sqlite"}, "DEEDBOOK_MIRROR_URL"),
        ({"DEEDBOOK_RECORDS_URL": "hush"}, "DEEDBOOK_RECORDS_URL"),
        ({"DEEDBOOK_OBJECTS_URL": "hush"}, "DEEDBOOK_OBJECTS_URL"),
        ({"DEEDBOOK_WEBHOOK_HTTP": "hush"}, "DEEDBOOK_WEBHOOK_HTTP"),
        ({"DEEDBOOK_WEBHOOK_NETWORKS": "10.0.0.0/8,hush"}, "DEEDBOOK_WEBHOOK_NETWORKS"),
        ({"DEEDBOOK_WEBHOOK_NETWORKS": "10.0.0.1/8"}, "DEEDBOOK_WEBHOOK_NETWORKS"),
        ({"DEEDBOOK_WEBHOOK_TRIES": "0"}, "DEEDBOOK_WEBHOOK_TRIES"),
        ({"DEEDBOOK_METRICS_PORT": "65536"}, "DEEDBOOK_METRICS_PORT"),
        ({"DEEDBOOK_LOG_FORM": "hush"}, "DEEDBOOK_LOG_FORM"),
        ({"DEEDBOOK_LOG_LEVEL": "hush"}, "DEEDBOOK_LOG_LEVEL"),
        ({"DEEDBOOK_DRAIN_SECONDS": "601"}, "DEEDBOOK_DRAIN_SECONDS"),
    ],
)
def test_malformed_variable_is_named_and_not_quoted(said: Mapping[str, str], field: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        load(tmp_path, said)
    assert refused.value.field == field
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("prot = 1", "deedbook.toml: prot"),
        ('DEEDBOOK_PORT = "1"', "deedbook.toml: DEEDBOOK_PORT"),
        ('passphrase = "hush"', "deedbook.toml: passphrase"),
        ('home = "."', "deedbook.toml: home"),
        ("port = true", "deedbook.toml: port"),
        ("port = 1.5", "deedbook.toml: port"),
        ("host = 1", "deedbook.toml: host"),
        ("rpc_urls = [1]", "deedbook.toml: rpc_urls"),
        ("consensus = 1", "deedbook.toml: consensus"),
        ('consensus = "ethash"', "deedbook.toml: consensus"),
        ("rpc_urls = 1", "deedbook.toml: rpc_urls"),
        ("webhook_http = 1", "deedbook.toml: webhook_http"),
        ("webhook_networks = 1", "deedbook.toml: webhook_networks"),
    ],
)
def test_unknown_or_malformed_key_of_the_file_is_named(text: str, field: str, tmp_path: Path) -> None:
    write(tmp_path, text)
    with pytest.raises(InvalidInput) as refused:
        load(tmp_path, {})
    assert refused.value.field == field
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("content", [b"port =", b"\xff"])
def test_file_that_is_no_toml_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "deedbook.toml").write_bytes(content)
    with pytest.raises(InvalidFormat) as refused:
        load(tmp_path, {})
    assert refused.value.field == "deedbook.toml"


@pytest.mark.parametrize("content", [None, "", "\nsecond line"])
def test_passphrase_file_without_a_passphrase_is_a_missing_key(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "secret").write_text(content, encoding="utf-8")
    with pytest.raises(MissingKey) as refused:
        load(tmp_path, {"DEEDBOOK_PASSPHRASE_FILE": "secret"})
    assert refused.value.fields["field"] == "DEEDBOOK_PASSPHRASE_FILE"


def test_a_refusal_is_an_error_of_deedbook(tmp_path: Path) -> None:
    write(tmp_path, "prot = 1")
    with pytest.raises(DeedbookError) as refused:
        load(tmp_path, {})
    assert refused.value.hint is not None
    assert "port" in refused.value.hint


def test_importing_settings_loads_nothing_outside_the_standard_library() -> None:
    script = (
        "import sys, deedbook.config; names = {n.split('.')[0] for n in sys.modules} - set(sys.stdlib_module_names); "
        "print(sorted(n for n in names if not n.startswith('_')))"
    )
    command = [sys.executable, "-S", "-c", script]
    path = str(Path(config.__file__).parents[1])
    done = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['deedbook']"
