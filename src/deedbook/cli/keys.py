"""`deedbook keys`: API keys of programs. A key is shown once, when it is made: what is kept is a hash."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from deedbook.bootstrap.doorkeeper import OVERLAP, add_key, rotate_key
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson
from deedbook.domain.hashing import checksum_address
from deedbook.domain.principals import KEY_ID, KeyEntry, Scope, Secret, scopes_of
from deedbook.errors import InvalidInput

app = grammar.group("API keys: who may ask the service, and for what.")

KeyId = Annotated[str, typer.Argument(help="the key's public id, 16 digits, as `keys list` shows it")]
Ends = Annotated[str, typer.Option(help="until when: 2027-01-31, Unix seconds, or +90d; `never`")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="what the key is for, in a word or two")],
    account: Annotated[str, typer.Option(help="the member whose key it is: its address, or its name in this home")],
    scope: Annotated[list[str], typer.Option(help=f"what it may do: {', '.join(Scope)}; again for more")],
    ends: Ends = "+365d",
    as_json: AsJson = False,
) -> None:
    """Make a key for a member's program, and show it: this once. Its rights are its scopes', and no more than the
    member's own roles on chain give."""
    if not 1 <= len(name) <= 60 or not name.isprintable():
        raise InvalidInput("name", "is not 1 to 60 characters that can be seen")
    scopes = scopes_of(scope)
    with acts.reading() as services:
        at = acts.account(services, account, "account")
        secret, entry = add_key(services, name, at, scopes, ends_at=_until(ends, services.clock()))
    _show_once(secret, entry, as_json)


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List every key that was ever made, oldest first, without its secret."""
    with acts.opened() as services:
        now, found = services.clock(), services.records.principals.every_key()
    shown = [{**_shown(entry), "good": entry.is_good(now)} for entry in found]
    if as_json:
        acts.say_json({"items": shown})
        return
    for each in shown:
        state = "good" if each["good"] else "over"
        print(f"{each['id']}  {state}  {each['name']}  {each['account']}  {' '.join(each['scopes'])}")


@app.command()
def rotate(
    key: KeyId,
    overlap: Annotated[int, typer.Option(min=0, help="seconds for which the old key stays good")] = OVERLAP,
    ends: Ends = "+365d",
    as_json: AsJson = False,
) -> None:
    """Make a key in the place of another, for the same account and scopes, and show it: this once. Both are good until
    the overlap is over."""
    with acts.opened() as services:
        until = _until(ends, services.clock())
        secret, entry = rotate_key(services, _key_id(key), overlap=overlap, ends_at=until)
    _show_once(secret, entry, as_json)


@app.command()
def revoke(key: KeyId, as_json: AsJson = False) -> None:
    """End a key at once."""
    with acts.opened() as services:
        services.records.principals.revoke(_key_id(key), now=services.clock())
        found = services.records.principals.key(_key_id(key))
    acts.show(_shown(found), as_json)


def _show_once(secret: Secret, entry: KeyEntry, as_json: bool) -> None:
    said = {**_shown(entry), "key": secret.text}
    if as_json:
        print(json.dumps(said, ensure_ascii=False))
        return
    acts.show(said, as_json=False)
    print("keep it now: it is not shown again")


def _shown(entry: KeyEntry) -> dict[str, Any]:
    return {
        "id": entry.key_id.hex(),
        "name": entry.name,
        "account": checksum_address(entry.account),
        "scopes": sorted(map(str, entry.scopes)),
        "madeAt": entry.made_at,
        "endsAt": entry.ends_at,
        "revokedAt": entry.revoked_at,
        "usedAt": entry.used_at,
        "former": None if entry.former is None else entry.former.hex(),
    }


def _key_id(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != KEY_ID or text != found.hex():
        raise InvalidInput("key", f"is not an id of {2 * KEY_ID} digits")
    return found


def _until(text: str, now: int) -> int | None:
    return None if text == "never" else grammar.moment(text, "ends", now)
