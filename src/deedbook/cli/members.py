"""`deedbook members`: who takes part."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import After, As, AsJson, Limit
from deedbook.domain.codes import JURISDICTION_CN, Licence, Role
from deedbook.domain.hashing import checksum_address, from_hex, to_hex
from deedbook.domain.members import identity_commitment
from deedbook.errors import InvalidFormat, InvalidInput
from deedbook.ledger import members as ledger
from deedbook.queries import members as queries
from deedbook.queries import providers, sales
from deedbook.records.members import MemberEntry
from deedbook.vault.envelopes import EncryptionKeyPair, PublicKey, Suite

app = grammar.group("Members: who takes part, in which role, with which key.")

Account = Annotated[str, typer.Argument(help="the member's address, or its name in this home")]
Roles = Annotated[list[str] | None, typer.Option(help="all roles from now on, where they change; again for more")]
Licences = Annotated[list[str] | None, typer.Option(help="all licences from now on, where they change; again for more")]
Governance = Annotated[str, typer.Option("--as", help="the account of governance")]
Reason = Annotated[int, typer.Option(min=0, max=65535, help="a code of your own, public")]
_SUITES = {"hybrid": Suite.MLKEM768_X25519, "x25519": Suite.X25519}


@app.command("list")
def list_members(limit: Limit = 100, after: After = "", as_json: AsJson = False) -> None:
    """List members by account."""
    with acts.reading() as services:
        page = queries.members(services.mirror, limit=limit, after=after or None)
    acts.show_page(page, ("account", "state", "roles", "licences", "validUntil"), as_json)


@app.command()
def show(account: Account, as_json: AsJson = False) -> None:
    """Show one member."""
    with acts.reading() as services:
        found = queries.member(services.mirror, acts.account(services, account, "account"))
    acts.show(found, as_json)


@app.command()
def statement(account: Account, limit: Limit = 100, after: After = "", as_json: AsJson = False) -> None:
    """Show a provider's statement: assets, offers, the money by currency, and its sales one by one."""
    with acts.reading() as services:
        provider = acts.account(services, account, "account")
        found = providers.statement(services.mirror, provider)
        page = sales.sales(services.mirror, provider=provider, limit=limit, after=after or None)
    if as_json:
        acts.say_json({**found.to_json(), **page.to_json()})
        return
    acts.show(found, as_json=False)
    acts.show_page(page, ("saleId", "state", "buyer", "price", "currency", "deliveredCount"), as_json=False)


@app.command()
def admit(
    account: Account,
    role: Annotated[list[str], typer.Option(help="a role, such as buyer; again for more")],
    identity: Annotated[str, typer.Option(help="a JSON file with the legal identity; only a salted hash leaves it")],
    valid_until: Annotated[str, typer.Option(help="how long: 2027-01-31, Unix seconds, or +365d")] = "+365d",
    licence: Annotated[list[str] | None, typer.Option(help="a licence, such as employer; again for more")] = None,
    jurisdiction: Annotated[int, typer.Option(min=0, max=65535, help="ISO 3166-1 numeric")] = JURISDICTION_CN,
    as_: Governance = "governance",
    as_json: AsJson = False,
) -> None:
    """Admit a member. Keep the salt that is printed: it opens the commitment to who the member is. This home keeps both
    sealed: the people whose records the member orders are told its legal name."""
    known = grammar.json_of(identity, "identity")
    if not isinstance(known, dict):
        raise InvalidFormat("identity", "is not a JSON object")
    with acts.opened() as services:
        salt = services.entropy(32)
        at = acts.account(services, account, "account")
        commitment = identity_commitment(salt, known)
        receipt = ledger.admit(
            services.anew,
            acts.signer(services, as_),
            at,
            identity=commitment,
            jurisdiction=jurisdiction,
            roles=grammar.bits(Role, role, "role"),
            valid_until=grammar.moment(valid_until, "valid-until", services.clock()),
            licences=grammar.codes_of(Licence, licence or (), "licence"),
        )
        services.records.identities.put(at, salt, known)
    facts = {"account": checksum_address(at), "identity": to_hex(commitment), "salt": to_hex(salt)}
    acts.tell(receipt, "admitted", as_json, **facts)


@app.command()
def change(
    account: Account,
    role: Roles = None,
    licence: Licences = None,
    valid_until: Annotated[str, typer.Option(help="how long, where it changes")] = "",
    jurisdiction: Annotated[int, typer.Option(min=0, max=65535, help="ISO 3166-1 numeric, where it changes")] = 0,
    as_: Governance = "governance",
    as_json: AsJson = False,
) -> None:
    """Change a member's roles, licences, validity or jurisdiction; what is not named stays as it is."""
    with acts.reading() as services:
        at = acts.account(services, account, "account")
        known = queries.member(services.mirror, at)
        receipt = ledger.change(
            services.anew,
            acts.signer(services, as_),
            at,
            jurisdiction=jurisdiction or known.jurisdiction,
            roles=grammar.bits(Role, role, "role") if role else int(known.roles),
            valid_until=_moment(services, valid_until, known.valid_until),
            licences=grammar.codes_of(Licence, licence, "licence") if licence else tuple(map(int, known.licences)),
        )
    acts.tell(receipt, "changed", as_json, account=checksum_address(at))


@app.command()
def suspend(account: Account, reason: Reason, as_: Governance = "governance", as_json: AsJson = False) -> None:
    """Suspend a member at once."""
    with acts.opened() as services:
        at = acts.account(services, account, "account")
        receipt = ledger.suspend(services.anew, acts.signer(services, as_), at, reason)
    acts.tell(receipt, "suspended", as_json, account=checksum_address(at))


@app.command()
def reinstate(account: Account, as_: Governance = "governance", as_json: AsJson = False) -> None:
    """End a member's suspension."""
    with acts.opened() as services:
        at = acts.account(services, account, "account")
        receipt = ledger.reinstate(services.anew, acts.signer(services, as_), at)
    acts.tell(receipt, "reinstated", as_json, account=checksum_address(at))


@app.command()
def expel(account: Account, reason: Reason, as_: Governance = "governance", as_json: AsJson = False) -> None:
    """Expel a member for ever."""
    with acts.opened() as services:
        at = acts.account(services, account, "account")
        receipt = ledger.expel(services.anew, acts.signer(services, as_), at, reason)
    acts.tell(receipt, "expelled", as_json, account=checksum_address(at))


@app.command("register-key")
def register_key(
    as_: As,
    suite: Annotated[str, typer.Option(help="hybrid (ML-KEM-768 with X25519) or x25519")] = "hybrid",
    as_json: AsJson = False,
) -> None:
    """Make an encryption key for a member of this home, keep it, and register it: deliveries are sealed to it."""
    with acts.opened() as services:
        me = acts.signer(services, as_)
        key = EncryptionKeyPair.generate(services.entropy, _suite(suite))
        services.keep_encryption_key(as_, key)
        receipt = ledger.register_encryption_key(services.anew, me, int(key.suite), key.public.commitment)
        services.records.members.put(_entry(me.address, as_, key.public))
    facts = {"account": checksum_address(me.address), "suite": int(key.suite), "key": to_hex(key.public.commitment)}
    acts.tell(receipt, "encryption key registered", as_json, **facts)


@app.command("keep-key")
def keep_key(
    account: Account,
    public_key: Annotated[str, typer.Option(help="the member's public key in 0x-hex")],
    suite: Annotated[str, typer.Option(help="hybrid or x25519")] = "hybrid",
    label: Annotated[str, typer.Option(help="a name for the operator's eyes")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep the public key of a member elsewhere, so that deliveries can be sealed to it; checked against the chain."""
    key = PublicKey(_suite(suite), from_hex(public_key, "public-key"))
    with acts.reading() as services:
        at = acts.account(services, account, "account")
        member = queries.member(services.mirror, at)
        if (member.encryption_suite, member.encryption_key) != (int(key.suite), key.commitment):
            raise InvalidInput("public-key", "is not the one that the member registered")
        services.records.members.put(_entry(at, label, key))
    acts.show({"account": checksum_address(at), "suite": int(key.suite), "key": to_hex(key.commitment)}, as_json)


@app.command("keep-identity")
def keep_identity(
    account: Account,
    identity: Annotated[str, typer.Option(help="a JSON file with the legal identity")],
    salt: Annotated[str, typer.Option(help="the salt that was printed when the member was admitted, in 0x-hex")],
    as_json: AsJson = False,
) -> None:
    """Keep who a member that another home admitted legally is, sealed, so that the people whose records it orders are
    told its legal name; checked against the chain."""
    known = grammar.json_of(identity, "identity")
    if not isinstance(known, dict):
        raise InvalidFormat("identity", "is not a JSON object")
    with acts.reading() as services:
        at = acts.account(services, account, "account")
        opened = grammar.key32(salt, "salt")
        commitment = identity_commitment(opened, known)
        if queries.member(services.mirror, at).identity != commitment:
            raise InvalidInput("identity", "is not what the member's commitment on chain says, with this salt")
        services.records.identities.put(at, opened, known)
    acts.show({"account": checksum_address(at), "identity": to_hex(commitment)}, as_json)


def _moment(services: Services, text: str, known: int) -> int:
    return grammar.moment(text, "valid-until", services.clock()) if text else known


def _entry(account: bytes, label: str, key: PublicKey) -> MemberEntry:
    return MemberEntry(account, label, int(key.suite), key.raw, key.commitment)


def _suite(text: str) -> Suite:
    if text not in _SUITES:
        raise InvalidInput("suite", f"is none of {', '.join(_SUITES)}")
    return _SUITES[text]
