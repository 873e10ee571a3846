"""`deedbook relayed`: acts that their member signs and somebody else pays for - drafted, signed, sent, followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from deedbook.chain.transactions import Signer
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import As, AsJson
from deedbook.domain.hashing import to_hex
from deedbook.domain.relaying import (
    ActState,
    ForwardDomain,
    ForwardRequest,
    SignedRequest,
    request_digest,
    request_typed_data,
)
from deedbook.errors import InvalidInput
from deedbook.ledger.relaying import Drafted

app = grammar.group("Relayed acts: signed by their member, paid for by somebody else.")

Words = Annotated[
    list[str], typer.Argument(help="the command of the act, with all its options, as it would be run", metavar="ACT...")
]
Until = Annotated[str, typer.Option(help="until when it may run: 2027-01-31, Unix seconds, or +90d; a day")]
Out = Annotated[str, typer.Option(help="where the document goes")]
_REST: dict[str, Any] = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@app.command(context_settings=_REST)
def draft(words: Words, until: Until = "", out: Out = "-", as_json: AsJson = False) -> None:
    """Write what a member's wallet has to sign for an act (typed data), for `wallet sign`. `--as` in the act may be an
    address of any wallet. The act is tried, and refused where its contract refuses it; nothing is sent. Always JSON."""
    made = _drafted(words, until)
    acts.hand_over(out, request_typed_data(made.domain, made.request), as_json, digest=to_hex(made.digest))


@app.command(context_settings=_REST)
def sign(words: Words, until: Until = "", out: Out = "-", as_json: AsJson = False) -> None:
    """Sign an act by the account of this home that its `--as` names (deedbook.forward-request), for `relayed send`. The
    act is tried, and refused where its contract refuses it; nothing is sent. Always JSON."""
    made = _drafted(words, until)
    signed = SignedRequest(made.domain, made.request, made.member.sign_digest(made.digest))
    acts.hand_over(out, signed.to_json(), as_json, digest=to_hex(made.digest))


@app.command()
def send(
    file: Annotated[str, typer.Argument(help="the signed request (deedbook.forward-request) in JSON; - reads it")],
    as_: Annotated[str, typer.Option("--as", help="the account of this home that pays; any may")],
    as_json: AsJson = False,
) -> None:
    """Send a member's signed act, or keep it until the member's earlier ones are done; and send what waited behind it.
    The same request twice is one act, whoever sends it."""
    signed = SignedRequest.from_json(grammar.json_of(file))
    with acts.opened() as services:
        act = services.relaying.relay(signed, acts.signer(services, as_))
        facts = services.relaying.shown(act)
        receipt = None if act.state is ActState.WAITING else services.relaying.receipt(act)
    if receipt is None:
        acts.show(facts, as_json)
        return
    acts.tell(receipt, "relayed", as_json, **{name: facts[name] for name in ("digest", "state", "member", "act")})


@app.command()
def resume(as_: As, as_json: AsJson = False) -> None:
    """Send every act whose turn has come, and drop those that can never run."""
    with acts.opened() as services:
        payer, done = acts.signer(services, as_), []
        while changed := [act for act in services.relaying.step(payer) if act.state is not ActState.WAITING]:
            done += [services.relaying.shown(act) for act in changed]
    acts.show_rows(done, _COLUMNS, as_json)


@app.command("list")
def list_acts(
    member: Annotated[str, typer.Option(help="of this member alone: address, or name in this home")] = "",
    as_json: AsJson = False,
) -> None:
    """List the relayed acts that were handed over here, with what became of each."""
    with acts.opened() as services:
        by = acts.account(services, member, "member") if member else None
        rows = [services.relaying.shown(act) for act in services.records.relayed.of(by)]
    acts.show_rows(rows, _COLUMNS, as_json)


@app.command()
def show(
    digest: Annotated[str, typer.Argument(help="the request's digest, 32 bytes of 0x-hex")], as_json: AsJson = False
) -> None:
    """Show a relayed act: whose, what, and what became of it."""
    with acts.opened() as services:
        found = services.records.relayed.get(grammar.key32(digest, "digest"))
        facts = services.relaying.shown(found)
    acts.show(facts, as_json)


_COLUMNS = ("digest", "state", "member", "nonce", "act")


@dataclass(frozen=True)
class Made:
    """A draft: the request, and the account that its command names."""

    domain: ForwardDomain
    request: ForwardRequest
    member: Signer

    @property
    def digest(self) -> bytes:
        """What is signed."""
        return request_digest(self.domain, self.request)


def _drafted(words: list[str], until: str) -> Made:
    """Runs a command until it would send its first act."""
    from deedbook.cli.commands import command

    if words[0] in ("relayed", "demo", "serve", "init"):
        raise InvalidInput("act", f"{words[0]} is no act of a member")
    with acts.drafting(until) as where:
        try:
            command().main(args=list(words), prog_name="deedbook", standalone_mode=False)
        except Drafted as drafted:
            assert where.domain is not None
            return Made(where.domain, drafted.request, drafted.member)
    raise InvalidInput("act", f"{' '.join(words[:2])} sends nothing")
