"""`deedbook assets`: data assets, their versions, and the rights in them."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import After, As, AsJson, Limit
from deedbook.domain.assets import Descriptor, Scope, Version, asset_id, version_key
from deedbook.domain.codes import MODES_ALL, AssetKind, Grade, Mode, Purpose, Right
from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.errors import InvalidInput
from deedbook.ledger import assets as ledger
from deedbook.queries import assets as queries
from deedbook.queries import flows
from deedbook.queries import lineage as queries_of_lineage
from deedbook.queries import rights as queries_of_rights

app = grammar.group("Data assets: registered, published, changed, licensed, transferred, cancelled.")

Asset = Annotated[str, typer.Argument(help="the asset's id, decimal or 0x-hex")]
Document = Annotated[str, typer.Option(help="the text or reason: a file, which becomes public, or its SHA-256")]
Grantee = Annotated[str, typer.Option(help="whom: address, or name in this home")]
Deidentifier = Annotated[
    str, typer.Option(help="who attested de-identification, where it is graded below a parent: address, or name")
]
RightName = Annotated[str, typer.Option(help="process or operate")]


@app.command("list")
def list_assets(
    holder: Annotated[str, typer.Option(help="of this holder alone: address, or name in this home")] = "",
    limit: Limit = 100,
    after: After = "",
    as_json: AsJson = False,
) -> None:
    """List assets by identifier."""
    with acts.reading() as services:
        by = acts.account(services, holder, "holder") if holder else None
        page = queries.assets(services.mirror, holder=by, limit=limit, after=after or None)
    acts.show_page(page, ("assetId", "state", "kind", "grade", "version", "holder"), as_json)


@app.command()
def show(asset: Asset, as_json: AsJson = False) -> None:
    """Show an asset with its versions, their basis and attestations, its holds and transfers."""
    with acts.reading() as services:
        found = queries.asset(services.mirror, grammar.asset_of(asset))
    acts.show(found, as_json)


@app.command()
def lineage(
    asset: Asset,
    down: Annotated[bool, typer.Option("--down", help="what was derived from it, instead")] = False,
    limit: Limit = 100,
    after: After = "",
    as_json: AsJson = False,
) -> None:
    """List what an asset was derived from, or what was derived from it, however far; the nearest first."""
    number = grammar.asset_of(asset)
    with acts.reading() as services:
        page = queries_of_lineage.lineage(services.mirror, number, down=down, limit=limit, after=after or None)
    acts.show_page(page, ("distance", "assetId", "state", "kind", "grade", "holder"), as_json)


@app.command()
def flow(asset: Asset, limit: Limit = 100, after: After = "", as_json: AsJson = False) -> None:
    """List every sale of an asset and of what was derived from it: to whom, what for, and where the money went."""
    number = grammar.asset_of(asset)
    with acts.reading() as services:
        page = flows.flow(services.mirror, number, limit=limit, after=after or None)
    columns = ("distance", "saleId", "state", "buyer", "purpose", "deliveredCount", "price", "currency")
    acts.show_page(page, columns, as_json)


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
    deidentified_by: Deidentifier = "",
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
            parents=sorted(grammar.asset_of(each, "parent") for each in parent or ()),
            attester=_deidentifier(services, deidentified_by),
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
    deidentified_by: Deidentifier = "",
    as_json: AsJson = False,
) -> None:
    """Publish the next version of an asset; the former is superseded."""
    number = grammar.asset_of(asset)
    with acts.opened() as services:
        root, records = _content(services, payload, content_root, count)
        version = Version(root, records, _descriptor(services, descriptor))
        attester, me = _deidentifier(services, deidentified_by), acts.signer(services, as_)
        receipt = ledger.publish(services.anew, me, number, version, attester=attester)
    facts = {"version": receipt.event("VersionPublished").args["version"], "versionKey": version_key(number, version)}
    acts.tell(receipt, "published", as_json, version=facts["version"], versionKey=to_hex(facts["versionKey"]))


@app.command()
def cancel(
    asset: Asset,
    document: Document,
    as_: As,
    as_json: AsJson = False,
) -> None:
    """Cancel an asset for ever. Withdrawals go on."""
    number = grammar.asset_of(asset)
    with acts.opened() as services:
        reason = acts.document(services, document, "document")
        receipt = ledger.cancel(services.anew, acts.signer(services, as_), number, reason)
    acts.tell(receipt, "cancelled", as_json, assetId=str(number))


@app.command()
def change(
    asset: Asset,
    level: Annotated[int, typer.Option(min=0, max=255, help="1 to 4 inside general")],
    source: Annotated[str, typer.Option(help="the source statement: a file, which becomes public, or its SHA-256")],
    document: Document,
    as_: As,
    as_json: AsJson = False,
) -> None:
    """Change the level and the source statement. The grade stays: whatever was derived relies on it."""
    number = grammar.asset_of(asset)
    with acts.opened() as services:
        receipt = ledger.change(
            services.anew,
            acts.signer(services, as_),
            number,
            level=level,
            source=acts.document(services, source, "source"),
            document=acts.document(services, document, "document"),
        )
    acts.tell(receipt, "changed", as_json, assetId=str(number), level=level)


@app.command()
def transfer(
    asset: Asset,
    to: Annotated[str, typer.Option(help="the new holder: address, or name in this home")],
    as_: As,
    as_json: AsJson = False,
) -> None:
    """Hand an asset over to another member; every right granted in it ends."""
    number = grammar.asset_of(asset)
    with acts.opened() as services:
        account = acts.account(services, to, "to")
        receipt = ledger.transfer(services.anew, acts.signer(services, as_), number, account)
    acts.tell(receipt, "transferred", as_json, assetId=str(number), holder=checksum_address(account))


@app.command("grant-right")
def grant_right(
    asset: Asset,
    to: Grantee,
    document: Document,
    as_: As,
    right: RightName = "operate",
    mode: Annotated[list[str] | None, typer.Option(help="how it may be used; again for more; every mode")] = None,
    purpose: Annotated[list[str] | None, typer.Option(help="what for; again for more; every purpose")] = None,
    valid_until: Annotated[str, typer.Option(help="until when")] = "+365d",
    as_json: AsJson = False,
) -> None:
    """Grant a right to a provider: a licence to process the asset, or to operate it."""
    number = grammar.asset_of(asset)
    with acts.opened() as services:
        scope = Scope(
            grammar.bits(Mode, mode, "mode") if mode else MODES_ALL,
            sum(1 << each for each in grammar.codes_of(Purpose, purpose or [one.name for one in Purpose], "purpose")),
            grammar.moment(valid_until, "valid-until", services.clock()),
        )
        account, code = acts.account(services, to, "to"), grammar.code(Right, right, "right")
        text = acts.document(services, document, "document")
        me = acts.signer(services, as_)
        receipt = ledger.grant_right(services.anew, me, number, account, code, scope, text)
    acts.tell(receipt, "granted", as_json, assetId=str(number), right=right, account=checksum_address(account))


@app.command("end-right")
def end_right(
    asset: Asset,
    of: Annotated[str, typer.Option(help="who has it: address, or name in this home")],
    document: Document,
    as_: As,
    right: RightName = "operate",
    as_json: AsJson = False,
) -> None:
    """End a right, as its grantor, its grantee or the asset's holder; what was granted from it ends too."""
    number = grammar.asset_of(asset)
    with acts.opened() as services:
        account, code = acts.account(services, of, "of"), grammar.code(Right, right, "right")
        reason = acts.document(services, document, "document")
        receipt = ledger.end_right(services.anew, acts.signer(services, as_), number, account, code, reason)
    acts.tell(receipt, "ended", as_json, assetId=str(number), right=right, account=checksum_address(account))


@app.command()
def rights(asset: Asset, as_json: AsJson = False) -> None:
    """List the rights that were granted in an asset, and which of them live."""
    number = grammar.asset_of(asset)
    with acts.reading() as services:
        now = services.clock()
        found = [
            each.to_json() | {"live": each.is_live(now)} for each in queries_of_rights.rights(services.mirror, number)
        ]
    acts.show_rows(found, ("account", "right", "live", "grantor", "modes", "purposes", "validUntil"), as_json)


def _deidentifier(services: Services, text: str) -> bytes | None:
    return acts.account(services, text, "deidentified-by") if text else None


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
