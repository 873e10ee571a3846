"""What the pages show, at their seam: the whole scripted ledger with its public documents, a lineage of 300 assets and
one of 3,000, and texts by somebody who means ill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sqlalchemy import insert, update

from deedbook.api.serving import Serving
from deedbook.api.web.shown import asset_name
from deedbook.domain.assets import Descriptor, Field
from deedbook.domain.attestations import asset_key
from deedbook.domain.complaints import Complaint
from deedbook.domain.consents import Consent, ConsentDomain, SignedConsent
from deedbook.domain.events import Event
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.domain.merkle import consent_leaf, positional_proof
from deedbook.domain.notices import load_notice, with_statement
from deedbook.domain.receipts import ConsentReceipt
from deedbook.errors import NotFound
from deedbook.mirror import schema
from deedbook.mirror.follower import Follower
from deedbook.mirror.store import Mirror
from deedbook.queries import alerts
from deedbook.queries.alerts import AlertView
from deedbook.queries.blocks import LogView
from deedbook.queries.orders import Leaf, orders_of
from deedbook.queries.rows import Reading
from deedbook.queries.statements import statement_of_consent
from deedbook.queries.views import Page
from tests import ledger_story as story
from tests.e2e.http_service import Client, running
from tests.mirror_stage import asset_row, key, time_of
from tests.scripted_chain import CONTRACTS, ScriptedChain, decode

NOW = time_of(story.LAST) + 100_000
NARROW, WIDE, EVIL, WORDY = 10_000, 20_000, 30_000, 40_000
"""Where the lineages of 300 and of 3,000 begin, the asset with the texts, and a lineage of 300 with them."""
SCRIPT = '<script>document.title="taken"</script><img src=x onerror=alert(1)>'
JAVASCRIPT = "javascript:alert(1)"
FORMULA = '=HYPERLINK("https://elsewhere.example/")'
LONG = SCRIPT + "长&" * ((4096 - len(SCRIPT)) // 2)


def descriptor(title: str, description: str = "one record per person") -> Descriptor:
    return Descriptor(
        language="en",
        title=title,
        description=description,
        kind=1,
        fields=(Field("wage", "integer", "CNY", description), Field(FORMULA, "text", "", SCRIPT)),
        period_from=1_600_000_000,
        period_until=1_700_000_000,
        source=JAVASCRIPT,
        quality={SCRIPT: FORMULA},
        record_count=story.PEOPLE,
        size=4096,
    )


NOTICE = load_notice("en", controller="A merchant", contact="nobody@example.org", asset_title="resumes")
DOCUMENTS = {
    sha256(b"descriptor"): descriptor("Resumes of job seekers").encode(),
    story.NOTICE: NOTICE.encode(),
    NOTICE.hash: NOTICE.encode(),
    sha256(b"evil"): descriptor(LONG, LONG).encode(),
}

INVITED = (
    f"asset={story.ASSET}&notice={to_hex(NOTICE.hash)}&controller={checksum_address(story.PROVIDER)}"
    f"&purpose=recruitment&class=employer&modes=raw,call&record={to_hex(sha256(b'record'))}&days=730"
)
"""What a provider's link asks a person for."""

OWN = ConsentReceipt(
    SignedConsent(
        ConsentDomain(31337, CONTRACTS["Consents"]),
        with_statement(
            NOTICE,
            Consent(
                subject=story.SUBJECTS[0],
                asset_id=story.ASSET,
                controller=story.PROVIDER,
                recipient=bytes(20),
                recipient_class=256,
                purpose=1,
                modes=32,
                cross_border=False,
                notice_hash=NOTICE.hash,
                record_commit=sha256(b"record"),
                valid_from=NOW - 1000,
                valid_until=NOW + 1000,
                statement="-",
                salt=sha256(b"salt"),
            ),
        ),
        bytes(65),
    ),
    "en",
    story.PROVIDER,
    NOW - 1000,
    bytes(65),
)
"""The receipt of the first person; nobody looks at its signatures here."""


@dataclass
class Exhibit:
    """What pages ask of a home, over a mirror that a script was played to."""

    mirror: Mirror
    chain: ScriptedChain
    documents: dict[bytes, bytes] = field(default_factory=lambda: dict(DOCUMENTS))

    def now(self) -> int:
        return NOW

    def document(self, digest: bytes) -> tuple[str, bytes]:
        if digest not in self.documents:
            raise NotFound("document", to_hex(digest))
        return "application/json", self.documents[digest]

    def titled(self, words: str) -> Sequence[bytes]:
        named = [name for name in self.documents if name not in (story.NOTICE, NOTICE.hash)]
        return [name for name in named if words.casefold() in Descriptor.decode(self.documents[name]).title.casefold()]

    def cover(self, cover_hash: bytes) -> bytes | None:
        return story.COVERS.get(cover_hash)

    def place_of(self, consent_id: bytes) -> tuple[bytes, int]:
        if consent_id == OWN.signed.consent_id:
            return story.BATCH, 0
        if consent_id not in story.CONSENTS:
            raise NotFound("consent", to_hex(consent_id))
        return story.BATCH, story.CONSENTS.index(consent_id)

    def proof(self, consent_id: bytes) -> Mapping[str, Any]:
        _, index = self.place_of(consent_id)
        leaves = [consent_leaf(*pair) for pair in zip(story.CONSENTS, story.SUBJECTS, strict=True)]
        path = [to_hex(node) for node in positional_proof(leaves, index)]
        return {"index": index, "leaf": to_hex(leaves[index]), "proof": path}

    # what is a person's own

    def note_read(self, *_: Any) -> None:
        """Nobody looks at the log of reads here."""

    def own_consents(self, account: bytes) -> Mapping[str, Any]:
        if account != story.SUBJECTS[0]:
            return {"items": []}
        place = {"batchId": to_hex(story.BATCH), "index": 0, "state": "anchored", "live": True}
        name = to_hex(OWN.signed.consent_id)
        return {"items": [{"consentId": name, "assetId": str(story.ASSET), "collectedAt": NOW - 1000, **place}]}

    def own_orders(self, account: bytes, limit: int, after: str | None) -> Mapping[str, Any]:
        leaves = [Leaf(OWN.signed.consent_id, story.BATCH, 0)] if account == story.SUBJECTS[0] else []
        page = orders_of(self.mirror, leaves, self.cover, limit=limit, after=after)
        return {"items": [{**each.to_json(), "buyerName": SCRIPT} for each in page.items], "after": page.after}

    def own_complaints(self, account: bytes) -> Mapping[str, Any]:
        return {"items": self.complaints(1, None)["items"] if account == story.SUBJECTS[0] else []}

    def complaints(self, limit: int, after: str | None) -> Mapping[str, Any]:
        said = Complaint(OWN.signed.consent_id, story.SUBJECTS[0], SCRIPT, NOW - 500, sha256(b"salt"))
        name = {"complaintId": to_hex(said.complaint_id), "assetId": str(story.ASSET)}
        return {"items": [{**name, "document": said.to_json(), "cases": []}], "after": None}

    def receipt(self, consent_id: bytes) -> Mapping[str, Any]:
        if consent_id != OWN.signed.consent_id:
            raise NotFound("consent", to_hex(consent_id))
        return OWN.to_json()

    def statement(self, consent_id: bytes) -> Mapping[str, Any]:
        return statement_of_consent(self.mirror, consent_id, self.cover, place=self.place_of).to_json()

    def decoded(self, found: LogView) -> Event | None:
        return decode(found.log(CONTRACTS[found.contract]))

    def deployment(self) -> Mapping[str, Any]:
        contracts = {name: checksum_address(account) for name, account in CONTRACTS.items()}
        return {"chainId": "31337", "contracts": {"Forwarder": checksum_address(b"\xf0" * 20), **contracts}}

    def alerts(self, mirror: Reading, limit: int, after: str | None) -> Page[AlertView]:
        return alerts.alerts(mirror, NOW, covers=self.cover, limit=limit, after=after)

    def transaction(self, tx_hash: bytes) -> Mapping[str, Any]:
        found = [log for block in self.chain.blocks for log in block.logs if log.tx_hash == tx_hash]
        if not found:
            raise NotFound("transaction", to_hex(tx_hash))
        sender = checksum_address(story.PROVIDER)
        facts = {"hash": to_hex(tx_hash), "blockNumber": found[0].block_number, "from": sender, "to": None}
        return {**facts, "gasUsed": 100_000, "succeeded": True}


def exhibit(folder: Path) -> Exhibit:
    chain = ScriptedChain()
    for calls in [*story.story(), *story.aside()]:
        chain.mine(*calls)
    mirror = Mirror.open(f"sqlite:///{folder}/mirror.sqlite", chain.chain)
    Follower(chain, mirror, decode).follow()
    lineages = {
        **_tree(NARROW, 300),
        **_tree(WIDE, 3000),
        **_tree(WORDY, 300),
        EVIL: asset_row(EVIL, registered_block=1),
    }
    of: dict[str, Any] = {"version": 1, "content_root": key("root"), "record_count": 6}
    of |= {"descriptor_hash": sha256(b"evil"), "published_block": 1, "published_tx": key("p")}
    wordy = [EVIL, *range(WORDY, WORDY + 300)]
    versions = [{**of, "asset_id": asset_key(each), "version_key": key("evil", each)} for each in wordy]
    with mirror.writing() as connection:
        connection.execute(insert(schema.assets), list(lineages.values()))
        connection.execute(insert(schema.versions), versions)
        of = {"holder": story.EXCHANGE, "approved": bytes(20), "changed_block": 1}
        held = [{**of, "asset_id": asset_key(each)} for each in wordy]
        connection.execute(insert(schema.holdings), held)
        connection.execute(update(schema.batches).values(valid_until="1900000000"))  # a time that a sentence can say
    return Exhibit(mirror, chain)


def _tree(first: int, count: int) -> dict[int, dict[str, Any]]:
    """Each asset derives from the one at half its place, some from their neighbour too."""
    rows = {first: asset_row(first, registered_block=1)}
    for place in range(2, count + 1):
        parents = {first + place // 2 - 1, first + place - 2 if place % 7 == 0 else first + place // 2 - 1}
        rows[first + place - 1] = asset_row(first + place - 1, sorted(parents), registered_block=1)
    return rows


@contextmanager
def shown(folder: Path) -> Iterator[tuple[Exhibit, Client]]:
    """The pages of an exhibit, served."""
    made = exhibit(folder)
    try:
        with running(cast(Serving, made)) as client:
            yield made, client
    finally:
        made.mirror.close()


def paths() -> dict[str, str]:
    """One path of every kind of page, by what it shows."""
    asset = asset_name(story.ASSET)
    tx = to_hex(_first_tx())
    kinds = {
        "start": "/",
        "search": "/search?q=resumes",
        "nothing found": "/search?q=nothing+of+this+name",
        "assets": "/assets",
        "asset": f"/assets/{asset}",
        "evil asset": f"/assets/{asset_name(EVIL)}",
        "batches": f"/assets/{asset}/batches",
        "lineage of 300": f"/assets/{asset_name(NARROW)}/lineage",
        "lineage of 3,000": f"/assets/{asset_name(WIDE)}/lineage",
        "lineage of long titles": f"/assets/{asset_name(WORDY)}/lineage",
        "batch": f"/batches/{to_hex(story.BATCH)}",
        "consent": f"/consents/{to_hex(story.CONSENTS[0])}",
        "ended consent": f"/consents/{to_hex(story.CONSENTS[story.LEAVING])}",
        "granted consent": f"/consents/{to_hex(story.DIRECT_CONSENT)}",
        "consenting": f"/consents/new?{INVITED}&mode-32=yes",
        "consenting, nothing picked": f"/consents/new?{INVITED}",
        "consenting elsewhere": f"/consents/new?{INVITED}&chain=1",
        "withdrawing": f"/consents/{to_hex(story.CONSENTS[0])}/withdrawal",
        "withdrawing what is in no batch": f"/consents/{to_hex(key('pending'))}/withdrawal",
        "attestations": f"/attestations/{to_hex(story.VERSION_KEY)}",
        "attestation": f"/attestations/{to_hex(story.VERSION_KEY)}/1-{checksum_address(story.REVIEWER)}",
        "offers": "/offers",
        "offer": f"/offers/{to_hex(story.OFFER)}",
        "sales": "/sales",
        "sale": f"/sales/{to_hex(story.SECOND_SALE)}",
        "disputed sale": f"/sales/{to_hex(story.UPHELD)}",
        "metered sale": f"/sales/{to_hex(story.FREE)}",
        "certificate": f"/sales/{to_hex(story.SALE)}/certificate",
        "members": "/members",
        "member": f"/members/{checksum_address(story.PROVIDER)}",
        "cases": "/cases",
        "case": f"/cases/{to_hex(story.CASE)}",
        "blocks": "/blocks",
        "block": "/blocks/1",
        "transaction": f"/transactions/{tx}",
        "event": "/events/6-1",
        "alerts": "/alerts",
        "own of nobody yet": "/own",
        "own": f"/own?account={checksum_address(story.SUBJECTS[0])}",
        "own consent": f"/own/consents/{to_hex(OWN.signed.consent_id)}",
        "error": "/sales/0x00",
        "all batches": f"/batches?collector={checksum_address(story.PROVIDER)}",
        "given": f"/attestations?attester={checksum_address(story.REVIEWER)}",
        "wanted": "/wanted",
        "holds": "/holds",
        "flow": f"/flow?asset={asset}",
        "no flow yet": "/flow",
        "desks": "/desks",
        **{f"desk of {desk}": f"/desk/{desk}/{checksum_address(who)}" for desk, who in AT_DESKS.items()},
    }
    return {kind: "/explore" + path for kind, path in kinds.items()}


AT_DESKS = {
    "provider": story.PROVIDER,
    "buyer": story.BUYER,
    "reviewer": story.REVIEWER,
    "auditor": story.AUDITOR,
    "settler": story.SETTLER,
    "regulator": story.ARBITER,
    "exchange": story.EXCHANGE,
}
"""Whose desks are looked at."""


def _first_tx() -> bytes:
    chain = ScriptedChain()
    return chain.mine(*story.story()[0]).logs[0].tx_hash
