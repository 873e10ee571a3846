"""Assets re-derived: identifier, registration, class and grade, lineage, versions, holder, changes, rights.

Every act in an asset's journal is checked when the asset is first asked for: its registrant and holders were members in
good standing, it was not held, its version keys are the hashes of what they name, and its grade is no lower than its
parents' (or each version has a live DEIDENTIFICATION by another than the holder); every right was granted by one who
had it, as far as that one had it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from deedbook.audit.evidence import Journals
from deedbook.audit.findings import Findings, contradiction
from deedbook.audit.histories import Attestations, Holds, Members, states_in
from deedbook.audit.rights import Rights, Scope
from deedbook.domain import assets as domain
from deedbook.domain.assets import asset_id as asset_id_of
from deedbook.domain.assets import version_key
from deedbook.domain.codes import AssetKind, AssetState, AttestationKind, Grade, Right, Role
from deedbook.domain.events import Event
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, checksum_address, to_hex
from deedbook.domain.journal import asset_entity

MOST_PARENTS: Final = 16
MOST_RECORDS: Final = 2**32


@dataclass(frozen=True, slots=True)
class Version:
    """A published version and the block that published it."""

    number: int
    key: bytes
    content_root: bytes
    record_count: int
    descriptor_hash: bytes
    block: int


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset at one moment; `current` is None before the first version."""

    asset_id: int
    state: AssetState = AssetState.NONE
    registrant: bytes = ZERO_ADDRESS
    holder: bytes = ZERO_ADDRESS
    source_hash: bytes = ZERO32
    kind: int = 0
    grade: int = 0
    personal: bool = False
    lowered: bool = False
    current: Version | None = None
    rights: Rights = field(default_factory=Rights)

    def operates(self, account: bytes, mode: int, purpose: int, time: int) -> bool:
        """Whether the account may sell its use in this mode for this purpose."""
        registered = self.state == AssetState.REGISTERED
        return registered and self.rights.operates(account, self.holder, mode, purpose, time)


class Assets:
    """Assets by identifier."""

    def __init__(
        self,
        chain_id: int,
        contract: bytes,
        journals: Journals,
        members: Members,
        holds: Holds,
        attestations: Attestations,
        findings: Findings,
    ) -> None:
        self._chain_id = chain_id
        self._contract = contract
        self._journals = journals
        self._members = members
        self._holds = holds
        self._attestations = attestations
        self._findings = findings
        self._known: dict[int, tuple[Sequence[Event], list[Asset]]] = {}

    def states(self, asset_id: int, block: int) -> list[Asset]:
        """The asset's possible states in a block."""
        events, states = self._history(asset_id)
        return list(states_in(events, states, block))

    def last(self, asset_id: int) -> Asset:
        """The asset as the pinned block has it."""
        return self._history(asset_id)[1][-1]

    def version(self, asset_id: int, number: int) -> Version:
        """A published version. Raises IntegrityError where there is none."""
        for state in self._history(asset_id)[1]:
            if state.current is not None and state.current.number == number:
                return state.current
        raise contradiction("assets.version", f"the asset has no version {number}")

    def _history(self, asset_id: int) -> tuple[Sequence[Event], list[Asset]]:
        if asset_id not in self._known:
            events = self._journals.events("DataAssets", asset_entity(asset_id))
            states = [Asset(asset_id)]
            for event in events:
                states.append(self._after(states[-1], event))
            self._known[asset_id] = events, states
            if states[-1].state != AssetState.NONE:
                self._report(states[-1])
        return self._known[asset_id]

    def _report(self, asset: Asset) -> None:
        self._findings.found(
            "assets.registration",
            f"{to_hex(asset_entity(asset.asset_id))} was registered by {checksum_address(asset.registrant)} as "
            f"{AssetKind(asset.kind).name} of grade {Grade(asset.grade).name}, every act by a member in good standing",
        )

    def _after(self, asset: Asset, event: Event) -> Asset:
        args, block = event.args, event.log.block_number
        if event.name == "Transfer":
            return self._moved(asset, args["from"], args["to"], block)
        if event.name == "AssetRegistered":
            return self._registered(asset, args, block)
        if event.name == "VersionPublished":
            return self._published(asset, args, block)
        if event.name == "AssetCancelled":
            self._require(
                asset.state == AssetState.REGISTERED,
                "assets.state",
                f"cancelled in block {block} without being registered",
            )
            self._require(args["holder"] == asset.holder, "assets.holder", "cancelled by another than the holder")
            return replace(asset, state=AssetState.CANCELLED)
        if event.name == "AssetChanged":
            return self._changed(asset, args, block)
        if event.name == "RightGranted":
            return self._granted(asset, args, block)
        if event.name == "RightEnded":
            return self._ended(asset, args, block)
        return asset

    def _moved(self, asset: Asset, source: bytes, to: bytes, block: int) -> Asset:
        self._require(source == asset.holder, "assets.holder", f"moved in block {block} by another than the holder")
        if source != ZERO_ADDRESS:
            self._require(
                asset.state == AssetState.REGISTERED, "assets.state", f"moved in block {block} after it was cancelled"
            )
            self._holds.require_free(asset_entity(asset.asset_id), block, "assets.hold", "asset")
            self._members.require(source, block, "assets.member", "gave the asset")
            self._members.require(to, block, "assets.member", "took the asset")
        return replace(asset, holder=to, rights=asset.rights.after_transfer())

    def _registered(self, asset: Asset, args: Mapping[str, Any], block: int) -> Asset:
        registrant, kind, grade = args["registrant"], args["kind"], args["grade"]
        self._require(asset.state == AssetState.NONE, "assets.registration", "registered twice")
        self._require(
            asset.holder == registrant, "assets.registration", "the registrant did not receive the token first"
        )
        own = asset_id_of(self._chain_id, self._contract, registrant, args["salt"])
        self._require(own == asset.asset_id, "assets.id", "the identifier is not its registrant's")
        self._members.require(registrant, block, "assets.registrant", "registered the asset", Role.PROVIDER)
        self._require(args["sourceHash"] != ZERO32, "assets.source", "registered without a source statement")
        self._require(AssetKind.PERSONAL <= kind <= AssetKind.DERIVED, "assets.kind", f"kind {kind}")
        self._require(grade in (Grade.GENERAL, Grade.IMPORTANT), "assets.grade", f"grade {grade}")
        self._require(args["level"] in _levels(grade), "assets.grade", f"level {args['level']} in grade {grade}")
        personal, lowered = self._inherited(args, kind, grade, block)
        self._require(
            args["personal"] == personal,
            "assets.lineage",
            f"said to be personal: {args['personal']}, lineage: {personal}",
        )
        return replace(
            asset,
            state=AssetState.REGISTERED,
            registrant=registrant,
            source_hash=args["sourceHash"],
            kind=kind,
            grade=grade,
            personal=personal,
            lowered=lowered,
        )

    def _inherited(self, args: Mapping[str, Any], kind: int, grade: int, block: int) -> tuple[bool, bool]:
        parents = args["parents"]
        self._require(
            (kind == AssetKind.DERIVED) == bool(parents), "assets.lineage", f"{len(parents)} parents of kind {kind}"
        )
        self._require(len(parents) <= MOST_PARENTS, "assets.lineage", f"{len(parents)} parents")
        self._require(list(parents) == sorted(set(parents)), "assets.lineage", "parents are not ascending")
        personal, lowered = kind == AssetKind.PERSONAL, False
        for parent_id in parents:
            usable = [parent for parent in self.states(parent_id, block) if parent.state == AssetState.REGISTERED]
            self._require(
                bool(usable), "assets.lineage", f"parent {to_hex(asset_entity(parent_id))} was not registered"
            )
            self._holds.require_free(asset_entity(parent_id), block, "assets.lineage", "parent")
            personal, lowered = personal or usable[0].personal, lowered or usable[0].grade > grade
        return personal, lowered

    def _published(self, asset: Asset, args: Mapping[str, Any], block: int) -> Asset:
        number = 1 if asset.current is None else asset.current.number + 1
        self._require(
            asset.state == AssetState.REGISTERED,
            "assets.state",
            f"a version was published in block {block} of no live asset",
        )
        self._require(args["version"] == number, "assets.version", f"version {args['version']} follows {number - 1}")
        named = domain.Version.from_args(args)
        key = version_key(asset.asset_id, named)
        self._require(
            key == args["versionKey"], "assets.versionKey", f"version {number}'s key is not the hash of what it names"
        )
        self._require(
            bool(named.record_count) and ZERO32 not in (named.content_root, named.descriptor_hash),
            "assets.version",
            "a version of nothing",
        )
        self._require(
            named.record_count <= MOST_RECORDS, "assets.version", f"a version of {named.record_count} records"
        )
        self._members.require(asset.holder, block, "assets.member", "published a version")
        if number > 1:
            self._holds.require_free(asset_entity(asset.asset_id), block, "assets.hold", "asset")
            self._holds.require_free(key, block, "assets.hold", "version")
        if asset.lowered:
            found = self._attestations.live(key, AttestationKind.DEIDENTIFICATION, block, lambda by: by != asset.holder)
            self._require(
                found is not None,
                "assets.lineage",
                f"version {number}, graded below a parent, was not attested de-identified",
            )
        version = Version(number, key, named.content_root, named.record_count, named.descriptor_hash, block)
        return replace(asset, current=version)

    def _changed(self, asset: Asset, args: Mapping[str, Any], block: int) -> Asset:
        registered = asset.state == AssetState.REGISTERED
        self._require(registered, "assets.state", f"changed in block {block} without being registered")
        self._require(args["holder"] == asset.holder, "assets.holder", "changed by another than the holder")
        self._members.require(asset.holder, block, "assets.member", "changed the asset")
        self._holds.require_free(asset_entity(asset.asset_id), block, "assets.hold", "asset")
        self._require(args["grade"] == asset.grade, "assets.grade", f"changed to grade {args['grade']}")
        level = args["level"]
        self._require(level in _levels(asset.grade), "assets.grade", f"changed to level {level} in grade {asset.grade}")
        self._require(args["sourceHash"] != ZERO32, "assets.source", "changed to no source statement")
        self._require(args["documentHash"] != ZERO32, "assets.document", "changed without a document")
        return replace(asset, source_hash=args["sourceHash"])

    def _granted(self, asset: Asset, args: Mapping[str, Any], block: int) -> Asset:
        account, right, grantor = args["account"], args["right"], args["grantor"]
        scope = Scope(args["modes"], args["purposes"], args["validUntil"])
        time, rights = self._journals.time(block), asset.rights
        registered = asset.state == AssetState.REGISTERED
        self._require(registered, "assets.state", f"a right was granted in block {block} in no live asset")
        self._require(right in (Right.PROCESS, Right.OPERATE), "rights.kind", f"right {right} was granted")
        self._require(account != grantor, "rights.grantor", "a right that its grantor granted to itself")
        self._require(bool(scope.modes and scope.purposes), "rights.scope", "a right to nothing")
        self._require(time <= scope.valid_until, "rights.term", "a right that had ended when it was granted")
        own = rights.scope_of(grantor, right, asset.holder, time)
        if own is None:
            words = f"{Right(right).name} was granted by {checksum_address(grantor)}, who had no right to"
            raise contradiction("rights.grantor", words)
        self._require(scope.is_within(own), "rights.scope", f"{Right(right).name} was granted beyond the grantor's own")
        stands = rights.live(account, right, asset.holder, time) is not None
        self._require(not stands, "rights.stands", f"{Right(right).name} was granted to one who had it")
        self._require(args["documentHash"] != ZERO32, "rights.document", "a right without a document")
        self._members.require(grantor, block, "rights.member", "granted a right")
        self._members.require(account, block, "rights.member", "was granted a right", Role.PROVIDER)
        self._holds.require_free(asset_entity(asset.asset_id), block, "assets.hold", "asset")
        self._findings.found(
            "rights.granted",
            f"{checksum_address(grantor)} granted {Right(right).name} to {checksum_address(account)} in block {block}",
        )
        return replace(asset, rights=rights.after_grant(account, right, grantor, asset.holder, scope))

    def _ended(self, asset: Asset, args: Mapping[str, Any], block: int) -> Asset:
        account, right, time = args["account"], args["right"], self._journals.time(block)
        registered = asset.state == AssetState.REGISTERED
        ended = asset.rights.live(account, right, asset.holder, time) if registered else None
        if ended is None:
            raise contradiction("rights.end", f"a right that did not live was ended in block {block}")
        self._require(
            args["by"] in (ended.grantor, account, asset.holder), "rights.end", "a right was ended by a stranger to it"
        )
        self._require(args["documentHash"] != ZERO32, "rights.document", "a right was ended without a document")
        return replace(asset, rights=asset.rights.after_end(account, right))

    def _require(self, kept: bool, rule: str, words: str) -> None:
        self._findings.require(kept, rule, words)


def _levels(grade: int) -> range:
    return range(1, 5) if grade == Grade.GENERAL else range(1)
