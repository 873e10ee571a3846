"""`deedbook assets`: data assets and their versions."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import After, As, AsJson, Limit
from deedbook.domain.assets import Descriptor, Version, asset_id, version_key
from deedbook.domain.codes import AssetKind, Grade
from deedbook.domain.hashing import to_hex
from deedbook.errors import InvalidInput
from deedbook.ledger import assets as ledger
from deedbook.queries import assets as queries

app = grammar.group("Data assets: registered, published, cancelled.")

Asset = Annotated[str, typer.Argument(help="the asset's id, decimal or 0x-hex")]


@app.command("list")
def list_assets(limit: Limit = 100, after: After = "", as_json: AsJson = False) -> None:
    """List assets by identifier."""
    with acts.reading() as services:
        page = queries.assets(services.mirror, limit=limit, after=after or None)
    acts.show_page(page, ("assetId", "state", "kind", "grade", "version", "holder"), as_json)


@app.command()
def show(asset: Asset, as_json: AsJson = False) -> None:
    """Show an asset with its versions, their basis and attestations, its holds and transfers."""
    with acts.reading() as services:
        found = queries.asset(services.mirror, grammar.asset_of(asset))
    acts.show(found, as_json)


@app.command("id")
def new_id(
    as_: As,
    salt: Annotated[str, typer.Option(help="32 bytes of 0x-hex; fresh where none is given")] = "",
    as_json: AsJson = False,
) -> None:
    """Say which id an asset will have, before it is registered: consents name it."""
    with acts.opened() as services:
        drawn = _salt(services, salt)
        found = asset_id(services.chain_id, services.addresses["DataAssets"], services.signer(as_).address, drawn)
    acts.show({"assetId": str(found), "salt": to_hex(drawn)}, as_json)


@app.command()
def register(
    source: Annotated[str, typer.Option(help="the source statement: a file, which becomes public, or its SHA-256")],
    as_: As,
    kind: Annotated[str, typer.Option(help="personal, enterprise, public or derived")] = "personal",
    grade: Annotated[str, typer.Option(help="general, important or core")] = "general",
    level: Annotated[int, typer.Option(min=0, max=255, help="1 to 4 inside general")] = 1,
    salt: Annotated[str, typer.Option(help="the salt of `assets id`; fresh where none is given")] = "",
    parent: Annotated[list[str] | None, typer.Option(help="an asset that it derives from; again for more")] = None,
    as_json: AsJson = False,
) -> None:
    """Register an asset."""
    with acts.opened() as services:
        me, drawn = acts.signer(services, as_), _salt(services, salt)
        receipt = ledger.register(
            services.anew,
            me,
            salt=drawn,
            kind=grammar.code(AssetKind, kind, "kind"),
            grade=grammar.code(Grade, grade, "grade"),
            level=level,
            source=acts.document(services, source, "source"),
            parents=[grammar.asset_of(each, "parent") for each in parent or ()],
        )
        found = asset_id(services.chain_id, services.addresses["DataAssets"], me.address, drawn)
    acts.tell(receipt, "registered", as_json, assetId=str(found), salt=to_hex(drawn))


@app.command()
def publish(
    asset: Asset,
    descriptor: Annotated[str, typer.Option(help="the public descriptor: a JSON file, or its SHA-256")],
    as_: As,
    payload: Annotated[str, typer.Option(help="the sealed payload (`payloads seal`)")] = "",
    content_root: Annotated[str, typer.Option(help="instead of a payload: the root of what is elsewhere")] = "",
    count: Annotated[int, typer.Option(min=0, help="and how many records it has")] = 0,
    as_json: AsJson = False,
) -> None:
    """Publish the next version of an asset; the former is superseded."""
    number = grammar.asset_of(asset)
    with acts.opened() as services:
        root, records = _content(services, payload, content_root, count)
        version = Version(root, records, _descriptor(services, descriptor))
        receipt = ledger.publish(services.anew, acts.signer(services, as_), number, version)
    facts = {"version": receipt.event("VersionPublished").args["version"], "versionKey": version_key(number, version)}
    acts.tell(receipt, "published", as_json, version=facts["version"], versionKey=to_hex(facts["versionKey"]))


@app.command()
def cancel(
    asset: Asset,
    document: Annotated[str, typer.Option(help="why: a file, which becomes public, or its SHA-256")],
    as_: As,
    as_json: AsJson = False,
) -> None:
    """Cancel an asset for ever. Withdrawals go on."""
    number = grammar.asset_of(asset)
    with acts.opened() as services:
        reason = acts.document(services, document, "document")
        receipt = ledger.cancel(services.anew, acts.signer(services, as_), number, reason)
    acts.tell(receipt, "cancelled", as_json, assetId=str(number))


def _salt(services: Services, text: str) -> bytes:
    return grammar.key32(text, "salt") if text else services.entropy(32)


def _content(services: Services, payload: str, root: str, count: int) -> tuple[bytes, int]:
    if bool(payload) == bool(root):
        raise InvalidInput("payload", "give either a payload or a content root")
    if root:
        return grammar.key32(root, "content-root"), count
    found = services.vault.payload(grammar.key32(payload, "payload"))
    return found.content_root, found.count


def _descriptor(services: Services, text: str) -> bytes:
    if text.startswith("0x"):
        return grammar.key32(text, "descriptor")
    descriptor = Descriptor.from_json(grammar.json_of(text, "descriptor"))
    return services.records.documents.put("descriptor", descriptor.encode(), at=services.clock())
