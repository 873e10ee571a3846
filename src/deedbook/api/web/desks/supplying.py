"""The forms of a provider: an asset, its versions, the consents under them, what it is offered for, and licences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from markupsafe import Markup

from deedbook.api.web.asked import FEW_ROWS, MOST_ROWS, Asked
from deedbook.api.web.desks.acts import PRICES, Errand, Form, Input, coded, grounds
from deedbook.api.web.desks.selling import named
from deedbook.api.web.sections import Section
from deedbook.chain import abis
from deedbook.domain.abi import encode
from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import (
    JURISDICTION_CN,
    AssetKind,
    AssetState,
    AttestationKind,
    Grade,
    Licence,
    Mode,
    OfferState,
    Purpose,
    Right,
    Role,
    class_of_role,
)
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.domain.notices import load_notice
from deedbook.queries import assets, consents, members, offers, rights
from deedbook.queries.assets import AssetSummary
from deedbook.queries.consents import BatchView
from deedbook.queries.rights import RightView

WORD: Final = 32
LEVELS: Final = (*((Grade.GENERAL, level) for level in (1, 2, 3, 4)), (Grade.IMPORTANT, 0))
"""The grades that are registered, each with its levels."""
CURRENCIES: Final = ("CNY", "HKD", "EUR", "USD")
"""Currencies that a form knows, each of hundredths."""
SHARES: Final = (
    ("exchangeBps", "share.exchange", "5"),
    ("providerBps", "share.provider", "55"),
    ("subjectsBps", "share.people", "40"),
)
"""The parts of a price, and how many percent of it a form begins with."""
MOST_BATCHES: Final = 64
"""Batches that are bound at once (`Consents`)."""
TEXT: Final = 20_000
"""Characters that terms may have."""
LASTING: Final = (30, 90, 180, 365)
"""Days that an offer is open, that what was bought is used, and that a licence lasts."""
YEAR: Final = 365
MOST_TYPED: Final = 70_000
"""Characters of a list of commitments: a thousand of them."""
LICENSED: Final = (Right.PROCESS, Right.OPERATE)
"""Rights that are granted."""


def founding(asked: Asked, held: Iterable[AssetSummary]) -> Sequence[Section]:
    """An asset is registered, with its first version or before there is one; and gets its next one."""
    source = grounds("source", "asset.source")
    register, publish = "deedbook assets register --source FILE --as NAME", "deedbook assets publish ASSET --as NAME"
    forms = [
        Form(
            "act.register.title",
            "register",
            [_salt("salt"), _kind(asked, "kind"), _level(asked), _parents(), source],
            register,
            "act.register.aside",
            folded=True,
        ),
        Form(
            "act.enrol.title",
            "enrol",
            [
                _salt("salt"),
                _kind(asked, "kind descriptor.kind"),
                _level(asked),
                _parents(),
                source,
                *_content("recordCount descriptor.recordCount"),
                *_descriptor(asked),
            ],
            register,
            "act.enrol.aside",
            folded=True,
        ),
    ]
    own = [each for each in held if each.state is AssetState.REGISTERED]
    if not own:
        return forms
    kinds = _assets(asked, own, lambda each: [str(each.asset_id), int(each.kind)])
    described = Input("asset_id descriptor.kind", "asset", "json", options=kinds)
    content = [*_content("recordCount descriptor.recordCount"), *_descriptor(asked)]
    root = f"{publish} --content-root ROOT --count COUNT --descriptor FILE"
    known = Input("descriptor", "descriptor.hash", "key")
    return [
        *forms,
        Form("act.publish.title", "publish", [described, *content], root, "act.publish.aside", folded=True),
        Form(
            "act.sealed.title",
            "sealed",
            [_asset(asked, own), *_content("recordCount"), known],
            f"{publish} --payload PAYLOAD --descriptor HASH",
            "act.sealed.aside",
            folded=True,
        ),
    ]


def _salt(name: str) -> Input:
    return Input(name, "", "fresh")


def _kind(asked: Asked, name: str) -> Input:
    return Input(name, "asset.kind", "number", options=coded(asked, "kind", AssetKind))


def _level(asked: Asked) -> Input:
    """Grade and level at once: not every level is of every grade."""
    show = asked.shown
    options = []
    for grade, level in LEVELS:
        words = show.word("grade", grade)
        options.append(
            (_json([int(grade), level]), show.say("act.level", grade=words, level=level) if level else words)
        )
    return Input("grade level", "asset.grade", "json", options=options)


def _parents() -> Input:
    return Input("parents", "act.parents", "assets", hint="act.parents.hint", required=False, most=2000)


def _content(counted: str) -> list[Input]:
    return [
        Input("contentRoot", "act.content", "key", hint="act.content.hint"),
        Input(counted, "version.records", "number"),
    ]


def _descriptor(asked: Asked) -> list[Input]:
    """What everybody may know of a version."""
    languages = [(each, asked.shown.say(f"language.{each[:2]}")) for each in ("en", "zh-CN")]
    return [
        Input("descriptor.language", "act.language", "choice", asked.shown.words.tag, languages),
        Input("descriptor.title", "descriptor.title", "text"),
        Input("descriptor.description", "descriptor.description", "long"),
        Input("descriptor.fields", "descriptor.fields", "rows", hint="act.fields.hint"),
        Input("descriptor.period.from", "descriptor.from", "first"),
        Input("descriptor.period.until", "descriptor.until", "last"),
        Input("descriptor.source", "descriptor.source", "text", most=1000),
        Input("descriptor.quality", "descriptor.quality", "pairs", hint="act.quality.hint", required=False),
        Input("descriptor.size", "descriptor.size", "number"),
    ]


def informing(asked: Asked, held: Iterable[AssetSummary]) -> Sequence[Section]:
    """A notice is published, and links are made by which people read it and consent."""
    own = [each for each in held if each.state is AssetState.REGISTERED]
    if not own:
        return []
    show = asked.shown
    days = [(str(each), show.words.count("age.days", each)) for each in LASTING]
    inputs = [
        Input("notice", "terms.notice", "json", options=_notices(asked)),
        Input("notice.controller", "act.controller", "text", hint="act.controller.hint"),
        Input("notice.contact", "act.contact", "text"),
        Input("notice.assetTitle", "act.called", "text"),
        Input("asset", "asset", "choice", options=_assets(asked, own, lambda each: str(each.asset_id))),
        Input("purpose", "terms.purpose", "choice", options=coded(asked, "purpose", Purpose)),
        Input(
            "class", "offer.buyers", "choice", options=[(str(int(each)), show.buyer_class(each)) for each in Licence]
        ),
        Input("modes", "act.modes", "several", options=coded(asked, "mode", Mode), hint="act.modes.hint"),
        Input("days", "act.days", "choice", str(YEAR), days),
        Input("records", "act.records", "words", hint="act.records.hint", required=False, most=MOST_TYPED),
    ]
    shown = [("hash", "terms.notice"), ("links", "act.links")]
    command = "deedbook consents notice FILE"
    return [Errand("act.notice.title", "notice", inputs, command, "act.notice.aside", folded=True, shown=shown)]


def _notices(asked: Asked) -> list[tuple[str, Markup]]:
    """The notices that the service brings along, without who collects, whom to ask and how the data is called."""
    found = []
    languages = sorted(("en", "zh-CN"), key=lambda each: each != asked.shown.words.tag)
    for language in languages:
        for about in ("recruitment", "credit"):
            known = load_notice(language, controller="-", contact="-", asset_title="-", about=about).to_json()
            text = json.dumps(known, separators=(",", ":"), ensure_ascii=False)
            said = {"language": asked.shown.say(f"language.{language[:2]}"), "title": known["title"]}
            found.append((text, asked.shown.say("act.notice.kind", **said)))
    return found


def sealing(asked: Asked) -> Sequence[Section]:
    """Records are sealed, by who keeps them: the exchange."""
    if not asked.may_post("/assets/{asset_id}/payloads"):
        return []
    known = assets.assets(asked.mirror, limit=MOST_ROWS).items
    own = [each for each in known if each.personal and each.state is AssetState.REGISTERED]
    if not own:
        return []
    which = _assets(asked, own, lambda each: [str(each.asset_id), int(each.kind), each.version + 1])
    *described, _ = _descriptor(asked)
    inputs = [
        Input("asset descriptor.kind version", "asset", "json", options=which),
        *described,
        Input("file", "act.file", "file", hint="act.file.hint", most=1000),
    ]
    shown = [("payloadId", "act.payload"), ("contentRoot", "act.content"), ("descriptorHash", "descriptor.hash")]
    shown += [("versionKey", "act.version_key"), ("records", "version.records"), ("empty", "act.empty")]
    command = "deedbook payloads seal ASSET RECORDS --descriptor FILE"
    return [Errand("act.seal.title", "seal", inputs, command, "act.seal.aside", folded=True, shown=shown)]


def consenting(asked: Asked, held: Iterable[AssetSummary]) -> Sequence[Section]:
    """Consents are anchored, and a version gets those that an auditor checked."""
    own = [each for each in held if each.state is AssetState.REGISTERED]
    forms: list[Section] = []
    if own:
        command = "deedbook consents anchor ASSET --as NAME"
        which = [_asset(asked, own)]
        forms.append(Form("act.anchor.title", "anchor", which, command, "act.anchor.aside", folded=True))
    options = _bases(asked, own)
    if options:
        which = [Input("asset_id version auditor batches bases", "act.bases", "json", options=options)]
        command = "deedbook consents bind ASSET --version VERSION --auditor AUDITOR --as NAME"
        forms.append(Form("act.bind.title", "bind", which, command, "act.bind.aside", folded=True))
    return forms


def _bases(asked: Asked, held: Iterable[AssetSummary]) -> list[tuple[str, Markup]]:
    """What can be bound: of each asset whose newest version has no whole basis the batches that are not in it, by who
    audited them: together, and each alone where there are several."""
    titles, options = asked.titles(each.asset_id for each in held), list[tuple[str, Markup]]()
    for each in held:
        by_auditor: dict[bytes, list[BatchView]] = {}
        for batch in _unbound(asked, each):
            for auditor in _auditors(batch, asked.shown.now):
                by_auditor.setdefault(auditor, []).append(batch)
        for auditor, batches in by_auditor.items():
            batches.sort(key=lambda batch: batch.batch_id)
            alone = [[batch] for batch in batches] if len(batches) > 1 else []
            for some in [batches[:MOST_BATCHES], *alone]:
                options.append(_bound(asked, each, titles.get(each.asset_id), some, auditor))
    return options[:FEW_ROWS]


def _unbound(asked: Asked, held: AssetSummary) -> list[BatchView]:
    if not held.version:
        return []
    stands = assets.version(asked.mirror, held.asset_id, held.version).basis
    if stands is not None and stands.closed:
        return []
    found = consents.batches_of(asked.mirror, held.asset_id, limit=MOST_ROWS).items
    return [batch for batch in found if batch.version != held.version]


def _bound(
    asked: Asked, held: AssetSummary, title: str | None, batches: Sequence[BatchView], auditor: bytes
) -> tuple[str, Markup]:
    """Batches to bind, with all that is said of them in the call."""
    who, names = checksum_address(auditor), [to_hex(batch.batch_id) for batch in batches]
    value = _json([str(held.asset_id), held.version, who, names, basis(batches, auditor)])
    key = batches[0].batch_id if len(batches) == 1 else asset_key(held.asset_id)
    count = sum(batch.count for batch in batches)
    words = {"what": named(title, key), "version": held.version, "auditor": f"{who[:10]}…", "count": count}
    return value, asked.shown.say("act.basis", **words)


def _auditors(batch: BatchView, now: int) -> list[bytes]:
    """Whose audit of a batch stands."""
    audits = [each for each in batch.attestations if each.kind is AttestationKind.CONSENT_AUDIT]
    return [each.attester for each in audits if each.is_live(now)]


def basis(batches: Iterable[BatchView], auditor: bytes) -> dict[str, Any]:
    """What a call says that binds these batches, in ascending order, as the script looks for it."""
    stated = [each.stated for each in batches]
    bases = [(each.root, each.count, each.terms.as_tuple(), each.manifest, auditor) for each in stated]
    return _said("Consents", "bind", "batches", bases)


def offering(asked: Asked, account: bytes, held: Iterable[AssetSummary]) -> Sequence[Section]:
    """A version is offered, and an offer closed."""
    forms: list[Section] = []
    whole = [*held, *_licensed(asked, account, Right.OPERATE)]
    own = [each for each in whole if each.state is AssetState.REGISTERED and each.version]
    exchanges = _exchanges(asked)
    if own and exchanges:
        inputs = _offer(asked, account, own, exchanges)
        command = "deedbook offers create OFFER --as NAME"
        forms.append(Form("act.list.title", "list", inputs, command, "act.list.aside", folded=True))
    found = offers.offers(asked.mirror, provider=account, only_open=True, limit=FEW_ROWS).items
    if found:
        titles = asked.titles(each.asset_id for each in found)
        options = [
            (
                _json([to_hex(each.offer_id), _said("Market", "close", "offer", each.document.as_tuple())]),
                named(titles.get(each.asset_id), each.offer_id),
            )
            for each in found
            if each.state is OfferState.OPEN
        ]
        which = [Input("offer terms", "offer", "json", options=options)]
        command = "deedbook offers close OFFER --as NAME"
        forms.append(Form("act.close.title", "close", which, command, "act.close.aside", folded=True))
    return forms


def licensing(asked: Asked, account: bytes, held: Iterable[AssetSummary]) -> Sequence[Section]:
    """A licence of an asset is granted, and one ended: as its grantor, as who has it, or as the asset's holder."""
    whole, forms = list(held), list[Section]()
    own = [each for each in [*whole, *_licensed(asked, account, Right.PROCESS)] if each.state is AssetState.REGISTERED]
    if own:
        days = [(str(each), asked.shown.words.count("age.days", each)) for each in LASTING]
        inputs = [
            _asset(asked, own),
            Input("account", "act.licensee", "account", hint="act.licensee.hint"),
            Input("right", "right", "number", str(int(Right.OPERATE)), coded(asked, "right", LICENSED)),
            _scoped(asked, "modes modeBits", "mode", Mode, int),
            _scoped(asked, "purposes purposeBits", "purpose", Purpose, lambda each: 1 << each),
            Input("validUntil", "act.term", "days", "180", days),
            grounds("document", "act.licence", TEXT),
        ]
        command = "deedbook assets grant-right ASSET --to ACCOUNT --document FILE --as NAME"
        forms.append(Form("act.grant.title", "grant", inputs, command, "act.grant.aside", folded=True))
    found = [*rights.rights_of(asked.mirror, account, limit=FEW_ROWS).items]
    found += [each for asset in whole for each in rights.rights(asked.mirror, asset.asset_id)]
    options = _ending(asked, [each for each in found if each.right in LICENSED and each.is_live(asked.shown.now)])
    if options:
        inputs = [Input("asset_id account right", "right", "json", options=options), grounds("document", "act.why")]
        command = "deedbook assets end-right ASSET --of ACCOUNT --document FILE --as NAME"
        forms.append(Form("act.end.title", "end", inputs, command, "act.end.aside", folded=True))
    return forms


def _ending(asked: Asked, live: Iterable[RightView]) -> list[tuple[str, Markup]]:
    """Rights to pick from."""
    whole = list(live)
    titles = asked.titles(each.asset_id for each in whole)
    options = []
    for each in whole:
        what = named(titles.get(each.asset_id), asset_key(each.asset_id))
        who = checksum_address(each.account)
        words = asked.shown.say("act.right", what=what, right=asked.shown.word("right", each.right), who=f"{who[:10]}…")
        options.append((_json([str(each.asset_id), who, int(each.right)]), words))
    return options[:FEW_ROWS]


def _scoped(asked: Asked, name: str, group: str, codes: Any, bit: Callable[[int], int]) -> Input:
    """How far a licence goes, as the codes that are sent, and the bits of them that the call says."""
    every = (_json([[int(each) for each in codes], _bits(sum(map(bit, codes)))]), asked.shown.say("act.every"))
    one = [(_json([[int(each)], _bits(bit(each))]), asked.shown.word(group, each)) for each in codes]
    return Input(name, f"right.{group}s", "json", options=[every, *one])


def _bits(word: int) -> dict[str, Any]:
    return {"digest": to_hex(sha256(word.to_bytes(WORD, "big"))), "words": 1}


def _licensed(asked: Asked, account: bytes, right: Right) -> list[AssetSummary]:
    """Assets of others in which this account has a right now."""
    found = rights.rights_of(asked.mirror, account, limit=FEW_ROWS).items
    live = [each for each in found if each.right is right and each.is_live(asked.shown.now)]
    return [assets.asset(asked.mirror, each.asset_id) for each in live]


def _offer(
    asked: Asked, account: bytes, own: Iterable[AssetSummary], exchanges: list[tuple[str, Markup]]
) -> list[Input]:
    show = asked.shown
    days = [(str(each), show.words.count("age.days", each)) for each in LASTING]
    data, *others = PRICES
    classes = [(str(each), show.buyer_class(each)) for each in (0, class_of_role(Role.BUYER), *Licence)]
    return [
        Input("offer.assetId offer.assetVersion offer.versionKey", "version", "json", options=_versions(asked, own)),
        Input("offer.provider", "", "fixed", to_hex(account)),
        _salt("offer.salt"),
        Input("offer.mode", "offer.mode", "number", options=coded(asked, "mode", Mode)),
        Input("offer.purpose", "offer.purpose", "number", options=coded(asked, "purpose", Purpose)),
        Input("offer.price.currency", "act.currency", "choice", options=_plain(CURRENCIES)),
        Input(f"offer.price.{data}", f"price.{data}", "money", as_text=True),
        *(Input(f"offer.price.{each}", f"price.{each}", "money", "0", as_text=True) for each in others),
        Input("offer.split.exchange", "act.exchange", "choice", options=exchanges),
        *(Input(f"offer.split.{name}", label, "percent", part, hint="act.percent") for name, label, part in SHARES),
        Input("offer.conditions.buyerClass", "offer.buyers", "number", options=classes),
        Input(
            "offer.conditions.jurisdictions",
            "act.jurisdictions",
            "numbers",
            str(JURISDICTION_CN),
            hint="act.jurisdictions.hint",
            required=False,
        ),
        Input("offer.quota", "offer.quota", "number", "0", hint="act.quota.hint", as_text=True),
        Input("offer.term", "offer.term", "span", "180", days, as_text=True),
        Input("offer.validUntil", "offer.until", "days", "90", days, as_text=True),
        grounds("offer.termsHash", "offer.terms", TEXT),
        grounds("offer.policyHash", "offer.policy", TEXT),
    ]


def _versions(asked: Asked, own: Iterable[AssetSummary]) -> list[tuple[str, Markup]]:
    whole = list(own)
    titles = asked.titles(each.asset_id for each in whole)
    options = []
    for each in whole:
        newest = assets.version(asked.mirror, each.asset_id, each.version)
        value = _json([str(each.asset_id), newest.version, to_hex(newest.version_key)])
        what = named(titles.get(each.asset_id), newest.version_key)
        options.append((value, asked.shown.say("act.version", what=what, version=newest.version)))
    return options


def _exchanges(asked: Asked) -> list[tuple[str, Markup]]:
    """Members who run an exchange."""
    found = members.members(asked.mirror, role=Role.OPERATOR, limit=FEW_ROWS).items
    standing = [each.account for each in found if each.is_in_good_standing(asked.shown.now)]
    return [(to_hex(each), words) for each in standing for _, words in _plain([checksum_address(each)])]


def _asset(asked: Asked, own: Iterable[AssetSummary]) -> Input:
    return Input("asset_id", "asset", "choice", options=_assets(asked, own, lambda each: str(each.asset_id)))


def _assets(asked: Asked, own: Iterable[AssetSummary], value: Any) -> list[tuple[str, Markup]]:
    whole = list(own)
    titles = asked.titles(each.asset_id for each in whole)
    return [(_text(value(each)), named(titles.get(each.asset_id), asset_key(each.asset_id))) for each in whole]


def _plain(values: Iterable[str]) -> list[tuple[str, Markup]]:
    """What is shown as it is said."""
    return [(each, Markup("{}").format(each)) for each in values]


def _said(contract: str, function: str, name: str, value: Any) -> dict[str, Any]:
    """The digest of what an argument is in a call, behind its offset, and how many words that has."""
    (parameter,) = [each for each in abis.functions(contract)[function].inputs if each["name"] == name]
    content = encode([abis.type_of(parameter)], [value])[WORD:]
    return {"digest": to_hex(sha256(content)), "words": len(content) // WORD}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
