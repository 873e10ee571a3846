"""`deedbook consents draft-payee`, `name-payee`, `payee` and `draft-payee-request`: where a person wants the money.

A payee is read from a file, not from the command line, which others on the machine may see; it is shown masked.
"""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson
from deedbook.domain.documents import Fields
from deedbook.domain.payees import Payee, SignedPayee, kind_of, payee_request_typed_data, payee_typed_data
from deedbook.domain.principals import Matter

ConsentId = Annotated[str, typer.Argument(help="the consent's id, 32 bytes of 0x-hex")]
_FIELDS = ("kind", "institution", "account", "holder")


def draft_payee(
    consent: ConsentId,
    file: Annotated[
        str,
        typer.Argument(help="JSON: kind (bank-account or e-cny-wallet), institution, account, holder; - reads it"),
    ],
    out: Annotated[str, typer.Option(help="where the typed data goes, which holds the account; - prints it")],
    as_json: AsJson = False,
) -> None:
    """Write what a wallet has to sign to name where the consent's money goes (typed data). Always JSON."""
    fields = Fields(grammar.json_of(file), "payee", _FIELDS)
    with acts.opened() as services:
        payee = Payee(
            grammar.key32(consent, "consent"),
            kind_of(fields.text("kind")),
            fields.text("institution"),
            fields.text("account"),
            fields.text("holder"),
            services.clock(),
        )
        asked = payee_typed_data(services.payees.domain, payee)
    acts.hand_over(out, asked, as_json, consentId=consent, payee=payee.masked)


def name_payee(
    file: Annotated[str, typer.Argument(help="the signed payee (deedbook.payee) in JSON; - reads it")],
    as_json: AsJson = False,
) -> None:
    """Take a signed payee, in the place of an earlier one; also after a withdrawal. It is kept sealed, and goes to
    nobody but the bank."""
    signed = SignedPayee.from_json(grammar.json_of(file))
    with acts.opened() as services:
        named = services.payees.name(signed)
    acts.show({**signed.payee.shown, "new": named}, as_json)


def payee(consent: ConsentId, as_json: AsJson = False) -> None:
    """Show, masked, where the consent's money goes."""
    with acts.opened() as services:
        name = grammar.key32(consent, "consent")
        found = services.records.payees.payee(name)
        services.read_log.note_here(Matter.PAYEE, [name])
    acts.show(found.payee.shown, as_json)


def draft_payee_request(consent: ConsentId, _as_json: AsJson = False) -> None:
    """Write what a wallet has to sign to see, at a service, which payee it keeps of a consent (typed data): `POST
    /payees/kept`, within ten minutes. Always JSON."""
    with acts.opened() as services:
        asked = (grammar.key32(consent, "consent"), services.clock())
        acts.say_json(payee_request_typed_data(services.payees.domain, *asked))
