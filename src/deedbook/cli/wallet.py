"""`deedbook wallet`: keys and signatures, without a chain."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import typer

from deedbook import config
from deedbook.bootstrap.home import Home, read_json
from deedbook.chain.abis import decode_call
from deedbook.chain.deployment import Deployment
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson
from deedbook.domain.hashing import checksum_address
from deedbook.domain.relaying import ForwardRequest
from deedbook.errors import InvalidInput, NotFound
from deedbook.wallet import typed_data
from deedbook.wallet.derivation import signer_for
from deedbook.wallet.keystores import Keystore, SeedBook
from deedbook.wallet.signers import Signer

app = grammar.group("Wallets: named accounts, people's seeds with one fresh key per asset, signatures.")

Name = Annotated[str, typer.Argument(help="the account's name")]
Label = Annotated[str, typer.Argument(help="the seed's label")]


@dataclass(frozen=True)
class Ring:
    """The keys of one home."""

    home: Home
    passphrase: str

    @classmethod
    def open(cls) -> Ring:
        """The home that the options name."""
        settings = config.load()
        home = Home.open(settings.home)
        return cls(home, home.passphrase(settings.passphrase))

    @cached_property
    def accounts(self) -> Keystore:
        """Named accounts."""
        return Keystore(self.home.keys, entropy=secrets.token_bytes)

    @cached_property
    def seeds(self) -> SeedBook:
        """Secrets by label."""
        return SeedBook.open(self.home.keys / "seeds.book", self.passphrase, entropy=secrets.token_bytes)

    def derived(self, label: str, asset_id: int) -> Signer:
        """The key that a seed uses for an asset on the home's chain."""
        if not self.home.deployment.exists():
            raise NotFound("deployment in home", str(self.home.path), hint="finish it by: deedbook init")
        chain_id = Deployment.from_json(read_json(self.home.deployment, "deployment.json")).chain_id
        return signer_for(self.seeds.seed(label), chain_id=chain_id, asset_id=asset_id)


@app.command()
def new(
    name: Name,
    seed: Annotated[bool, typer.Option("--seed", help="a person's seed, for one key per asset")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an account of this home, or a seed."""
    ring = Ring.open()
    if seed:
        ring.seeds.generate(name)
        acts.show({"seed": name}, as_json)
        return
    made = ring.accounts.create(name, ring.passphrase)
    acts.show({"name": name, "address": checksum_address(made.address)}, as_json)


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List accounts, and the labels of seeds."""
    ring = Ring.open()
    found = {"accounts": list(ring.accounts.names()), "seeds": [label for label in ring.seeds.labels() if _mine(label)]}
    if as_json:
        acts.say_json(found)
        return
    for name in found["accounts"]:
        print(f"account {name}")
    for label in found["seeds"]:
        print(f"seed {label}")


@app.command()
def address(name: Name, as_json: AsJson = False) -> None:
    """Say an account's address."""
    ring = Ring.open()
    found = checksum_address(ring.accounts.open(name, ring.passphrase).address)
    acts.say_json({"name": name, "address": found}) if as_json else print(found)


@app.command()
def derive(
    label: Label,
    asset: Annotated[str, typer.Option(help="the asset's id, decimal or 0x-hex")],
    as_json: AsJson = False,
) -> None:
    """Say which address a seed has for an asset: another one for each, so that consents cannot be linked."""
    number = grammar.asset_of(asset)
    found = checksum_address(Ring.open().derived(label, number).address)
    acts.say_json({"seed": label, "assetId": str(number), "address": found}) if as_json else print(found)


@app.command()
def sign(
    file: Annotated[
        str, typer.Argument(help="typed data in JSON: a consent, withdrawal, payee, usage report or act; - reads it")
    ],
    as_: Annotated[str, typer.Option("--as", help="sign by this account of the home")] = "",
    seed: Annotated[str, typer.Option(help="or by the key that this seed has for the asset")] = "",
    asset: Annotated[str, typer.Option(help="which asset, where a withdrawal or a payee is signed by a seed")] = "",
    out: Annotated[str, typer.Option(help="where the signed document goes")] = "-",
    as_json: AsJson = False,
) -> None:
    """Sign a consent, a withdrawal, a payee or the request to see it, a usage report or a relayed act. Shows a
    consent's sentence, a payee masked, and what an act calls; writes the signed document, for `consents collect`,
    `consents withdraw`, `consents name-payee`, `POST /payees/kept`, `usage report` or `relayed send`. The document is
    JSON in any case."""
    typed = grammar.json_of(file)
    if bool(as_) == bool(seed):
        raise InvalidInput("as", "give either an account (--as) or a seed (--seed)")
    if typed_data.primary_type(typed) == "Consent":
        _, consent = typed_data.consent_of(typed)
        if not as_json:
            print(consent.statement, file=sys.stderr)
        signer = _signer(as_, seed, str(consent.asset_id))
        document = typed_data.sign_consent(typed, signer).to_json()
    elif typed_data.primary_type(typed) == "Payee":
        _, payee = typed_data.payee_of(typed)
        if not as_json:
            print(payee.masked, file=sys.stderr)
        document = typed_data.sign_payee(typed, _signer(as_, seed, asset)).to_json()
    elif typed_data.primary_type(typed) == "PayeeRequest":
        document = typed_data.sign_payee_request(typed, _signer(as_, seed, asset)).to_json()
    elif typed_data.primary_type(typed) == "UsageReport":
        document = typed_data.sign_report(typed, _signer(as_, seed, asset)).to_json()
    elif typed_data.primary_type(typed) == "ForwardRequest":
        _, request = typed_data.request_of(typed)
        if not as_json:
            print(_called(request), file=sys.stderr)
        document = typed_data.sign_request(typed, _signer(as_, seed, asset)).to_json()
    else:
        document = typed_data.sign_withdrawal(typed, _signer(as_, seed, asset)).to_json()
    acts.hand_over(out, document, as_json, format=document["format"])


def _called(request: ForwardRequest) -> str:
    """The act in words: contract and function, where the home knows the contract, and every argument."""
    ring = Ring.open()
    addresses = Deployment.from_json(read_json(ring.home.deployment, "deployment.json")).addresses
    contract = next((name for name, address in addresses.items() if address == request.to), "")
    if not contract:
        raise InvalidInput("to", "is no contract of this home's deployment")
    name, arguments = decode_call(contract, request.data)
    words = ", ".join(f"{key}={acts.plain(value)}" for key, value in arguments.items())
    return f"{contract}.{name}({words})"


def _signer(name: str, seed: str, asset: str) -> Signer:
    ring = Ring.open()
    if name:
        return ring.accounts.open(name, ring.passphrase)
    if not asset:
        raise InvalidInput("asset", "is needed to sign this by a seed")
    return ring.derived(seed, grammar.asset_of(asset))


def _mine(label: str) -> bool:
    """Not one of the home's own secrets."""
    return label != "records" and not label.startswith("encryption/")
