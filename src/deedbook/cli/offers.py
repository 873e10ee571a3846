"""`deedbook offers`: what is for sale, on what terms, and the policy that listing and ordering obey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from deedbook.bootstrap import selling
from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import After, As, AsJson, Limit
from deedbook.domain.codes import AssetKind, AttestationKind, Grade, Licence, Mode, Purpose, bits_of
from deedbook.domain.hashing import to_hex
from deedbook.domain.sales import Conditions, Intermediary, Offer, Price, Sandbox, Split, offer_id, parse_currency
from deedbook.errors import InvalidInput
from deedbook.ledger import offers as ledger
from deedbook.queries import assets
from deedbook.queries import offers as queries

app = grammar.group("Offers: listed with their terms, closed; and the listing policy.")

OfferId = Annotated[str, typer.Argument(help="the offer's id, 32 bytes of 0x-hex")]
Attester = Annotated[
    list[str] | None,
    typer.Option(help="whose attestation is relied on, lowest kind first; found where none is named"),
]
Document = Annotated[str, typer.Option(help="a file, which becomes public, or its SHA-256")]


@app.command("list")
def list_offers(
    asset: Annotated[str, typer.Option(help="of this asset alone")] = "",
    only_open: Annotated[bool, typer.Option("--open", help="leave out the closed ones")] = False,
    limit: Limit = 100,
    after: After = "",
    as_json: AsJson = False,
) -> None:
    """List offers in the order of their listing."""
    number = grammar.asset_of(asset) if asset else None
    with acts.reading() as services:
        page = queries.offers(services.mirror, asset_id=number, only_open=only_open, limit=limit, after=after or None)
    acts.show_page(page, ("offerId", "state", "mode", "purpose", "price", "currency", "orders"), as_json)


@app.command()
def show(offer: OfferId, as_json: AsJson = False) -> None:
    """Show an offer with its whole document."""
    with acts.reading() as services:
        found = queries.offer(services.mirror, grammar.key32(offer, "offer"))
    acts.show(found, as_json)


@app.command()
def draft(
    asset: Annotated[str, typer.Argument(help="the asset's id, decimal or 0x-hex")],
    price: Annotated[str, typer.Option(help="of the data, in minor units")],
    terms: Document,
    policy: Document,
    exchange: Annotated[str, typer.Option(help="who gets the exchange's share: address, or name in this home")],
    as_: As,
    version: Annotated[int, typer.Option(min=0, help="the version; the current one where none is named")] = 0,
    mode: Annotated[str, typer.Option(help="raw, call, open, joint-model, federated or encrypted-compute")] = "raw",
    purpose: Annotated[str, typer.Option(help="recruitment, credit, research or statistics")] = "recruitment",
    currency: Annotated[str, typer.Option(help="ISO 4217")] = "CNY",
    exchange_bps: Annotated[int, typer.Option(min=0, max=10_000, help="the exchange's share, basis points")] = 500,
    provider_bps: Annotated[int, typer.Option(min=0, max=10_000, help="the provider's share")] = 5500,
    subjects_bps: Annotated[int, typer.Option(min=0, max=10_000, help="the people's share")] = 4000,
    buyer_class: Annotated[str, typer.Option("--class", help="a licence that buyers need")] = "",
    jurisdiction: Annotated[list[int] | None, typer.Option(help="ISO 3166-1 numeric; again for more")] = None,
    algorithm: Annotated[str, typer.Option(help="price of the algorithm, in minor units")] = "0",
    compute: Annotated[str, typer.Option(help="price of the computation")] = "0",
    service: Annotated[str, typer.Option(help="price of the service")] = "0",
    intermediary: Annotated[
        list[str] | None, typer.Option(help="who shares besides: ACCOUNT=BASIS-POINTS; again for more")
    ] = None,
    term: Annotated[str, typer.Option(help="how long it may be used after delivery")] = "+180d",
    valid_until: Annotated[str, typer.Option(help="until when it can be ordered")] = "+90d",
    quota: Annotated[int, typer.Option(min=0, help="uses; 0 unlimited")] = 0,
    out: Annotated[str, typer.Option(help="where the document goes")] = "-",
    as_json: AsJson = False,
) -> None:
    """Write an offer (deedbook.offer) for `offers create`, as the asset's holder or whoever may operate it. Always
    JSON."""
    number = grammar.asset_of(asset)
    with acts.reading() as services:
        current = version or assets.asset(services.mirror, number).version
        offer = Offer(
            provider=services.signer(as_).address,
            asset_id=number,
            version=current,
            version_key=assets.version(services.mirror, number, current).version_key,
            mode=grammar.code(Mode, mode, "mode"),
            purpose=grammar.code(Purpose, purpose, "purpose"),
            price=_price((price, algorithm, compute, service), currency),
            split=Split(
                acts.account(services, exchange, "exchange"),
                exchange_bps,
                provider_bps,
                subjects_bps,
                tuple(_intermediary(services, each) for each in intermediary or ()),
            ),
            terms_hash=acts.document(services, terms, "terms"),
            policy_hash=acts.document(services, policy, "policy"),
            quota=quota,
            term=grammar.moment(term, "term", 0),
            valid_until=grammar.moment(valid_until, "valid-until", services.clock()),
            conditions=Conditions(
                grammar.code(Licence, buyer_class, "class") if buyer_class else 0, tuple(jurisdiction or ())
            ),
            sandbox=Sandbox(),
            salt=services.entropy(32),
        )
    acts.hand_over(out, offer.to_json(), as_json, assetId=str(number))


@app.command()
def create(
    file: Annotated[str, typer.Argument(help="the offer (deedbook.offer) in JSON; - reads it")],
    as_: As,
    attester: Attester = None,
    as_json: AsJson = False,
) -> None:
    """List an offer. The policy asks for attestations; whose are relied on is found, or named."""
    offer = Offer.from_json(grammar.json_of(file))
    with acts.reading() as services:
        relied = attesters_for(services, offer, attester or (), to_order=False)
        receipt = ledger.list_offer(services.anew, acts.signer(services, as_), offer, relied)
        identifier = offer_id(services.chain_id, services.addresses["Market"], offer)
    acts.tell(receipt, "listed", as_json, offerId=to_hex(identifier))


@app.command()
def close(offer: OfferId, as_: As, as_json: AsJson = False) -> None:
    """Close your offer; sales that were ordered go on."""
    with acts.reading() as services:
        found = queries.offer(services.mirror, grammar.key32(offer, "offer"))
        receipt = ledger.close(services.anew, acts.signer(services, as_), found.document)
    acts.tell(receipt, "closed", as_json, offerId=offer)


@app.command()
def policies(as_json: AsJson = False) -> None:
    """List the listing policies: what a kind and grade needs to be listed and ordered."""
    with acts.reading() as services:
        found = queries.policies(services.mirror)
    acts.show_rows([each.to_json() for each in found], ("kind", "grade", "toList", "toOrder", "modes"), as_json)


@app.command("set-policy")
def set_policy(
    kind: Annotated[str, typer.Option(help="personal, enterprise, public or derived")],
    mode: Annotated[list[str], typer.Option(help="how it may be sold; again for more")],
    grade: Annotated[str, typer.Option(help="general, important or core")] = "general",
    to_list: Annotated[list[str] | None, typer.Option(help="an attestation that listing asks; again for more")] = None,
    to_order: Annotated[list[str] | None, typer.Option(help="one that an order asks besides; again for more")] = None,
    as_: Annotated[str, typer.Option("--as", help="the account of governance")] = "governance",
    as_json: AsJson = False,
) -> None:
    """Set what listing and ordering ask for a kind and grade."""
    listing = grammar.codes_of(AttestationKind, to_list or (), "to-list")
    ordering = grammar.codes_of(AttestationKind, [*(to_list or ()), *(to_order or ())], "to-order")
    with acts.opened() as services:
        receipt = ledger.set_policy(
            services.anew,
            acts.signer(services, as_),
            grammar.code(AssetKind, kind, "kind"),
            grammar.code(Grade, grade, "grade"),
            to_list=bits_of(*map(AttestationKind, listing)),
            to_order=bits_of(*map(AttestationKind, ordering)),
            modes=grammar.bits(Mode, mode, "mode"),
        )
    acts.tell(receipt, "policy set", as_json, kind=kind, grade=grade)


def _price(lines: tuple[str, str, str, str], currency: str) -> Price:
    names = ("price", "algorithm", "compute", "service")
    data, algorithm, compute, service = (grammar.amount(*each) for each in zip(lines, names, strict=True))
    return Price(data, algorithm, compute, service, parse_currency(currency))


def _intermediary(services: Services, text: str) -> Intermediary:
    account, _, bps = text.rpartition("=")
    if not account:
        raise InvalidInput("intermediary", "is not ACCOUNT=BASIS-POINTS")
    return Intermediary(acts.account(services, account, "intermediary"), grammar.amount(bps, "intermediary"))


def attesters_for(
    services: Services, offer: Offer, named: Sequence[str], *, to_order: bool, buyer: bytes | None = None
) -> tuple[bytes, ...]:
    """Whose attestations are relied on: as `selling.attesters_for`, named by address or name."""
    accounts = [acts.account(services, each, "attester") for each in named]
    return selling.attesters_for(services.mirror, offer, accounts, services.clock(), to_order=to_order, buyer=buyer)
