"""What `deploy/` promises: valid files, nothing as root, no secret and no default one, everything mounted is made."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
from jsonschema.validators import validator_for
from ruamel.yaml import YAML

from deedbook import config
from deedbook.bootstrap import networks
from deedbook.chain import genesis
from deedbook.chain.genesis import Network

OWNER = "10001:10001" if os.getuid() == 0 else ""
ONCE = {"init"}
"""Services that end."""
BESU_OPTIONS = {
    "data-path",
    "data-storage-format",
    "discovery-enabled",
    "genesis-file",
    "host-allowlist",
    "min-gas-price",
    "node-private-key-file",
    "p2p-host",
    "p2p-port",
    "permissions-accounts-config-file",
    "permissions-accounts-config-file-enabled",
    "permissions-nodes-config-file",
    "permissions-nodes-config-file-enabled",
    "rpc-http-api",
    "rpc-http-enabled",
    "rpc-http-host",
    "rpc-http-port",
    "static-nodes-file",
    "sync-min-peers",
    "sync-mode",
    "tx-pool",
    "tx-pool-limit-by-account-percentage",
    "tx-pool-max-size",
    "version-compatibility-protection",
}
"""Names as Besu 26.8 documents them (public and private networks, reference, options)."""
BESU_APIS = {"ADMIN", "DEBUG", "ETH", "MINER", "NET", "PERM", "PLUGINS", "QBFT", "TRACE", "TXPOOL", "WEB3"}
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectControlGroups": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "CapabilityBoundingSet": "",
    "UMask": "0077",
    "Type": "exec",
    "Restart": "on-failure",
}


@pytest.fixture(scope="module")
def compose(root: Path) -> Any:
    return YAML(typ="safe").load(root / "docker-compose.yml")


@pytest.fixture(scope="module")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Network]:
    """The network that the guide's one command makes."""
    folder = tmp_path_factory.mktemp("made") / "network"
    plan = networks.read_plan(root / "deploy" / "network.toml", {"chain_id": 4242})
    return folder, networks.make(plan, folder, entropy=os.urandom, services=True, owner=OWNER)


def schema(path: Path) -> Any:
    text = json.loads(path.read_text(encoding="utf-8"))
    kind = validator_for(text)
    kind.check_schema(text)
    return kind(text)


def shipped(root: Path) -> list[Path]:
    """What of deployment is in the repository."""
    listed = subprocess.run(["git", "ls-files", "-z", "deploy"], cwd=root, capture_output=True, check=True).stdout
    return [root / "docker-compose.yml", *(root / name for name in listed.decode().split("\0") if name)]


# Compose.


def test_the_compose_file_is_of_the_compose_specification(compose: Any) -> None:
    place = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    assert [(list(e.absolute_path), e.message) for e in schema(place).iter_errors(compose)] == []


def test_the_whole_exchange_is_in_it(compose: Any) -> None:
    validators = {f"validator-{n}" for n in (1, 2, 3, 4)}
    assert compose["services"].keys() == validators | {
        "rpc-1",
        "postgres",
        "seaweedfs",
        "init",
        "deedbook",
        "follower",
    }


def test_nothing_runs_as_root_or_with_more_than_it_needs(compose: Any) -> None:
    for name, service in compose["services"].items():
        assert service["user"].startswith("${DEEDBOOK_USER:?"), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.keys() & {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc", "userns_mode"}


def test_every_service_says_how_it_is(compose: Any) -> None:
    for name, service in compose["services"].items():
        assert (service["healthcheck"] == {"disable": True}) == (name in ONCE)
        assert "mem_limit" in service
        assert service["restart"] == ("on-failure:5" if name in ONCE else "unless-stopped")


def test_images_are_pinned(compose: Any) -> None:
    for service in compose["services"].values():
        assert re.fullmatch(r"deedbook:local|[a-z/]+:[0-9]+(\.[0-9]+)+(@sha256:[0-9a-f]{64})?", service["image"])


def test_only_the_service_is_reached_and_from_this_machine_alone(compose: Any) -> None:
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert ports == {"deedbook": ["127.0.0.1:${DEEDBOOK_PORT:-8545}:8545"]}
    outside = {name for name, network in compose["networks"].items() if not (network or {}).get("internal")}
    assert outside == {"front"}
    assert [name for name, service in compose["services"].items() if "front" in service["networks"]] == ["deedbook"]


def test_what_must_exist_has_no_stand_in(root: Path, compose: Any) -> None:
    text = (root / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+):-", text)) == {"DEEDBOOK_PORT"}
    for service in compose["services"].values():
        for mount in service["volumes"]:
            assert mount["bind"] == {"create_host_path": False}
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())


def test_one_command_makes_all_that_is_mounted(root: Path, compose: Any, made: tuple[Path, Network]) -> None:
    folder, _ = made

    def here(source: str) -> Path:
        return root / source.replace("${DEEDBOOK_NETWORK}", str(folder))

    for service in compose["services"].values():
        for mount in service["volumes"]:
            assert here(mount["source"]).exists(), mount["source"]
    for name, secret in compose["secrets"].items():
        path = here(secret["file"])
        assert path.read_bytes(), name
        assert path.stat().st_mode & 0o777 == 0o600
    asked = set(re.findall(r"\$\{(\w+):\?", (root / "docker-compose.yml").read_text(encoding="utf-8")))
    assert dict(line.split("=", 1) for line in (folder / "compose.env").read_text().splitlines()).keys() == asked


def test_nodes_stand_where_the_network_says(compose: Any, made: tuple[Path, Network]) -> None:
    _, network = made
    for member in network.members:
        assert compose["services"][member.name]["networks"]["chain"]["ipv4_address"] == member.host
        assert (member.account is None) == ("inside" in compose["services"][member.name]["networks"])


def test_the_service_takes_these_settings(compose: Any, made: tuple[Path, Network], tmp_path: Path) -> None:
    folder, network = made
    said = compose["services"]["deedbook"]["environment"]
    settings = config.load(None, said | {"DEEDBOOK_PASSPHRASE_FILE": str(folder / "secrets" / "passphrase")})
    assert (settings.consensus, settings.rpc_urls) == (network.consensus, ("http://rpc-1:8545",))
    named = {name.lower().removeprefix("deedbook_") for name in said if name.startswith("DEEDBOOK_")}
    assert named <= {"home", *config.IN_FILE}
    asked = next(member for member in network.members if member.name == "rpc-1")
    options = tomllib.loads(genesis.besu_file(network, asked).decode())
    assert "rpc-1" in options["host-allowlist"]


def test_the_follower_sees_no_key(compose: Any) -> None:
    follower = compose["services"]["follower"]
    assert follower["secrets"] == ["pgpass"]
    assert {"/data/home/keys", "/data/home/keks"} <= set(follower["tmpfs"])
    assert all(mount["read_only"] for mount in follower["volumes"])
    assert follower["environment"]["DEEDBOOK_PASSPHRASE_FILE"] == ""


# Besu.


def test_the_genesis_is_one_that_besu_documents(root: Path, made: tuple[Path, Network]) -> None:
    folder, _ = made
    found = json.loads((folder / "network" / "genesis.json").read_text())
    assert [error.message for error in schema(root / "tests/schemas/besu-genesis.json").iter_errors(found)] == []


@pytest.mark.parametrize("change", [{"difficulty": "0x2"}, {"basefeepergas": "0x0"}, {"gasLimit": 100}, {"config": {}}])
def test_the_schema_refuses_a_genesis_that_would_not_do(change: Any, root: Path, made: tuple[Path, Network]) -> None:
    found = genesis.genesis(made[1]) | change
    assert not schema(root / "tests/schemas/besu-genesis.json").is_valid(found)


def test_nodes_are_given_options_that_besu_has(made: tuple[Path, Network]) -> None:
    folder, network = made
    for member in network.members:
        options = tomllib.loads((folder / "nodes" / member.name / "besu.toml").read_text())
        assert options.keys() <= BESU_OPTIONS
        assert set(options["rpc-http-api"]) <= BESU_APIS


# The image.


def instructions(root: Path) -> list[tuple[str, str]]:
    text = (root / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", text)).splitlines()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines if line.strip()]


def test_the_image_is_of_pinned_parts(root: Path) -> None:
    build, base = (words for verb, words in instructions(root) if verb == "FROM")
    assert re.match(r"python:3\.1[123]\.[0-9]+-[a-z]+(@sha256:[0-9a-f]{64})? AS build$", build)
    assert re.match(r"python:3\.1[123]\.[0-9]+-slim-[a-z]+(@sha256:[0-9a-f]{64})?$", base)
    installs = [words for verb, words in instructions(root) if verb == "RUN" and "pip install" in words]
    assert all("--no-cache-dir" in words for words in installs)
    assert "--require-hashes" in installs[0]
    assert "--no-deps" in installs[1]


def test_the_image_s_wheel_is_made_of_what_is_copied(root: Path, tmp_path: Path) -> None:
    copied = [words.split()[:-1] for verb, words in instructions(root) if verb == "COPY" and "--from" not in words]
    known = {line.removeprefix("!") for line in (root / ".dockerignore").read_text(encoding="utf-8").splitlines()}
    for path in (path for paths in copied for path in paths):
        assert path in known or path.split("/")[0] in known
        place = tmp_path / "src" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if (root / path).is_dir():
            shutil.copytree(root / path, place, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        else:
            shutil.copy(root / path, place)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path / "src", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*.whl"))) == 1


def test_the_image_runs_as_nobody_in_particular(root: Path) -> None:
    users = [words for verb, words in instructions(root) if verb == "USER"]
    assert users == ["10001:10001"]
    assert [verb for verb, _ in instructions(root)][-1] == "CMD"


def test_the_image_holds_no_secret_and_fetches_nothing_unnamed(root: Path) -> None:
    verbs = [verb for verb, _ in instructions(root)]
    assert "ADD" not in verbs
    assert "ARG" not in verbs
    for verb, words in instructions(root):
        if verb == "COPY":
            assert not re.search(r"(^| )\.( |$)|keys|secret|\.env", words)
        assert not re.search(r"curl|wget|apt-get|chmod 777|sudo", words)
    assert any(verb == "HEALTHCHECK" for verb in verbs)
    for verb, words in instructions(root):
        if verb in ("CMD", "HEALTHCHECK"):
            assert json.loads(words[words.index("[") :])


def test_the_image_installs_what_postgresql_needs(root: Path) -> None:
    pins = (root / "requirements" / "service.txt").read_text(encoding="utf-8")
    assert "psycopg==" in pins
    users = set(re.findall(r"^([a-z0-9-]+==\S+)", (root / "requirements" / "demo.txt").read_text(), re.MULTILINE))
    assert users <= set(re.findall(r"^([a-z0-9-]+==\S+)", pins, re.MULTILINE))


# Settings and units.


def test_the_example_names_every_setting_and_no_other(root: Path, tmp_path: Path) -> None:
    text = (root / "deploy" / "deedbook.toml").read_text(encoding="utf-8")
    assert set(tomllib.loads(text)) == set(config.IN_FILE)
    (tmp_path / "passphrase").write_text("of a test")
    (tmp_path / config.FILE).write_text(text.replace("/etc/deedbook/passphrase", "passphrase"))
    settings = config.load(tmp_path, {})
    assert len(settings.rpc_urls) == 2
    assert settings.passphrase == "of a test"


def units(root: Path) -> Iterator[tuple[str, dict[str, list[str]]]]:
    for path in sorted((root / "deploy" / "systemd").glob("*.service")):
        found: dict[str, list[str]] = {}
        text = re.sub(r"\\\n *", " ", path.read_text(encoding="utf-8"))
        for line in text.splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                found.setdefault(name, []).append(value)
        yield path.name, found


def test_units_are_hardened(root: Path) -> None:
    seen = dict(units(root))
    assert seen.keys() == {
        f"{name}.service"
        for name in ("besu", "deedbook", "deedbook-follow", "deedbook-init", "geth-rpc", "geth-validator")
    }
    for name, unit in seen.items():
        for option, value in HARDENED.items():
            if name != "deedbook-init.service" or option not in ("Type", "Restart"):
                assert unit.get(option) == [value], f"{name}: {option}"
        assert unit["User"] != ["root"]


def test_units_are_handed_their_secrets(root: Path) -> None:
    seen = dict(units(root))
    assert seen["deedbook.service"]["LoadCredential"] == ["passphrase:/etc/deedbook/passphrase"]
    assert "DEEDBOOK_PASSPHRASE_FILE=%d/passphrase" in seen["deedbook.service"]["Environment"]
    assert "LoadCredential" not in seen["deedbook-follow.service"]
    assert seen["besu.service"]["LoadCredential"] == ["key:/etc/besu/node/key"]
    assert seen["geth-validator.service"]["LoadCredential"] == [
        "key:/etc/geth/node/key",
        "passphrase:/etc/geth/node/passphrase",
    ]


def test_a_lost_home_is_never_made_anew_by_itself(root: Path) -> None:
    seen = dict(units(root))
    assert seen["deedbook.service"]["ConditionPathExists"] == ["/var/lib/deedbook/home/deployment.json"]
    assert "WantedBy" not in seen["deedbook-init.service"]


def test_systemd_itself_reads_the_units(root: Path, tmp_path: Path) -> None:
    """Where systemd is: what they start and who they run as is of another machine, and stood in for."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze here: the units were parsed by the other tests alone")
    for path in (root / "deploy" / "systemd").glob("*.service"):
        text = re.sub(r"(?m)^ExecStart=/opt/\w+/bin/\w+", "ExecStart=/bin/true", path.read_text(encoding="utf-8"))
        (tmp_path / path.name).write_text(re.sub(r"(?m)^(User|Group)=.*", r"\1=root", text))
    words = [analyze, "verify", "--man=no", *map(str, sorted(tmp_path.glob("*.service")))]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


# Nothing that anyone could use.


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?i)(password|passwd|secret|passphrase|token)[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9+][A-Za-z0-9+/_-]{5,}(?<!/)$",
        r"BEGIN [A-Z ]*PRIVATE KEY",
        r"(?<![0-9a-fA-F])(0x)?[0-9a-fA-F]{64}(?![0-9a-fA-F])",
        r"://[^/\s:@]+:[^@\s/$]+@",
        r"(?i)\b(changeme|minioadmin|admin123|letmein|postgres:postgres)\b",
        r"AKIA[0-9A-Z]{16}",
    ],
)
def test_no_secret_is_shipped(pattern: str, root: Path) -> None:
    for path in shipped(root):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if "sha256:" not in line:
                assert not re.search(pattern, line), f"{path.name}:{number}: {line}"


def test_what_is_made_is_never_committed(root: Path) -> None:
    done = subprocess.run(["git", "check-ignore", "-q", "deploy/network/secrets/passphrase"], cwd=root, check=False)
    assert done.returncode == 0
    ignored = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    assert "!deploy" not in ignored


def test_the_guide_says_what_was_not_run(root: Path) -> None:
    guide = (root / "deploy" / "README.md").read_text(encoding="utf-8")
    assert re.search(r"not (yet )?(been )?run here", guide)
    for path in shipped(root):
        if path.parent.name != "deploy" or path.name != "README.md":
            assert path.name in guide, f"{path.name} is not in the guide"
