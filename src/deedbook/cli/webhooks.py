"""`deedbook webhooks`: who is told of events by requests of the running service, and the letters that nobody took."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson, Limit
from deedbook.domain.told import Filter
from deedbook.domain.webhooks import OVERLAP
from deedbook.errors import InvalidInput
from deedbook.ledger.webhooks import added

app = grammar.group("Webhooks: events told by signed requests (Standard Webhooks); `serve` delivers them.")

Hook = Annotated[str, typer.Argument(help="the webhook, whk_...")]
From = Annotated[str, typer.Option("--from", help="the block from which on it is told, or now")]
SecretFile = Annotated[
    str, typer.Option(help="a file with the secret, whsec_...; - reads it; a new one where none is given")
]
_COLUMNS = ("webhook", "url", "state", "reason", "block", "delivered", "waiting", "dead")


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="where requests go: https, at a public address")],
    contract: Annotated[list[str] | None, typer.Option(help="only this contract's events; again for more")] = None,
    event: Annotated[list[str] | None, typer.Option(help="only events of this name; again for more")] = None,
    entity: Annotated[
        list[str] | None, typer.Option(help="only what is about this account, asset, sale, ...; again for more")
    ] = None,
    final: Annotated[bool, typer.Option("--final", help="only what can no longer change")] = False,
    start: From = "now",
    secret: SecretFile = "",
    as_json: AsJson = False,
) -> None:
    """Tell a URL of events from now on. Shows the secret that signs: this once."""
    wanted = Filter.of(contract or (), event or (), entity or (), final=final)
    with acts.reading() as services:
        hook = services.webhooks.add(url, wanted, services.events.start(_block(start)), _secret(secret))
    acts.show(added(hook), as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the webhooks: where, how far, how many messages were taken, wait and are dead."""
    with acts.opened() as services:
        hooks = [hook.to_json() for hook in services.webhooks.all()]
    acts.show_rows(hooks, _COLUMNS, as_json)


@app.command()
def show(hook: Hook, as_json: AsJson = False) -> None:
    """Show one webhook; its secret is shown by nothing."""
    with acts.opened() as services:
        found = services.webhooks.get(hook)
    acts.show(found.to_json(), as_json)


@app.command()
def remove(hook: Hook, as_json: AsJson = False) -> None:
    """Tell it nothing more, and forget what waits for it."""
    with acts.opened() as services:
        services.webhooks.remove(hook)
    acts.show({"webhook": hook, "removed": True}, as_json)


@app.command()
def enable(hook: Hook, start: From = "", as_json: AsJson = False) -> None:
    """Tell one that was disabled again, from where it stood or from another block on."""
    with acts.reading() as services:
        standing = services.events.start(_block(start)) if start else None
        found = services.webhooks.enable(hook, standing)
    acts.show(found.to_json(), as_json)


@app.command()
def rotate(
    hook: Hook,
    overlap: Annotated[int, typer.Option(min=0, help="seconds for which the former secret signs too")] = OVERLAP,
    secret: SecretFile = "",
    as_json: AsJson = False,
) -> None:
    """Sign by a new secret, and for a while by the former one too. Shows the new one: this once."""
    with acts.opened() as services:
        found = services.webhooks.rotate(hook, overlap=overlap, secret=_secret(secret))
    acts.show(added(found), as_json)


@app.command("test")
def send_test(hook: Hook, as_json: AsJson = False) -> None:
    """Send something that is no event, now. Exit 1 where the receiver does not take it."""
    with acts.opened() as services:
        outcome = services.webhooks.test(hook)
    acts.show(outcome.to_json(), as_json)
    if not outcome.is_taken:
        raise typer.Exit(1)


@app.command()
def dead(
    hook: Hook,
    limit: Limit = 100,
    after: Annotated[int, typer.Option(min=0, help="go on behind this letter's number")] = 0,
    as_json: AsJson = False,
) -> None:
    """List the letters that nobody took, oldest first."""
    with acts.opened() as services:
        letters = [letter.to_json() for letter in services.webhooks.dead(hook, limit=limit, after=after)]
    acts.show_rows(letters, ("number", "type", "message", "tries", "failure", "status"), as_json)


@app.command()
def replay(
    hook: Hook,
    number: Annotated[int, typer.Option(min=0, help="only this letter; 0: all of them")] = 0,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again, under the ids that they have."""
    with acts.opened() as services:
        count = services.webhooks.replay(hook, number or None)
    acts.show({"webhook": hook, "replayed": count}, as_json)


def _block(text: str) -> int | None:
    if text == "now":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InvalidInput("from", "is neither now nor a block's number")
    return int(text)


def _secret(file: str) -> str | None:
    """A secret comes from a file, not from the command line, which others on the machine may see."""
    if not file:
        return None
    try:
        return grammar.content_of(file, "secret").decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise InvalidInput("secret", "is not whsec_ and Base64") from error
