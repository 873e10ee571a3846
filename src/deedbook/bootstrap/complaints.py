"""Complaints of persons, beside what became of them: the cases on chain whose document is the complaint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from deedbook.domain.complaints import SALT, Complaint
from deedbook.domain.hashing import to_hex
from deedbook.errors import InvalidInput, NotFound
from deedbook.mirror.store import Mirror
from deedbook.queries.cases import about
from deedbook.records.store import Records

MOST: Final = 100
"""Complaints of one person that are kept."""


class Complaints:
    """Takes and shows them; `clock` gives Unix seconds, `entropy` fresh bytes."""

    def __init__(
        self, mirror: Mirror, records: Records, clock: Callable[[], int], entropy: Callable[[int], bytes]
    ) -> None:
        self._mirror = mirror
        self._records = records
        self._clock = clock
        self._entropy = entropy

    def take(self, subject: bytes, consent_id: bytes, text: str) -> Mapping[str, Any]:
        """Keeps a complaint of the person of a consent. Raises NotFound for another's consent, InvalidInput (`text`),
        Conflict."""
        if self._records.consents.standing(consent_id).subject != subject:
            raise NotFound("consent", to_hex(consent_id))
        made = Complaint(consent_id, subject, text, self._clock(), self._entropy(SALT))
        self._records.complaints.add(made, most=MOST)
        return self._shown([made])[0]

    def of(self, subject: bytes) -> Mapping[str, Any]:
        """Those of one person, oldest first."""
        return {"items": self._shown(self._records.complaints.of(subject))}

    def newest(self, limit: int, after: str | None) -> Mapping[str, Any]:
        """A page of all, the newest first. Raises InvalidInput (`after`)."""
        if after is not None and not (after.isascii() and after.isdigit() and len(after) < 19):
            raise InvalidInput("after", "is not what a page gave")
        found, more = self._records.complaints.newest(limit=limit, before=None if after is None else int(after))
        return {"items": self._shown(found), "after": None if more is None else str(more)}

    def _shown(self, found: Sequence[Complaint]) -> list[dict[str, Any]]:
        cases = about(self._mirror, [each.complaint_id for each in found])
        return [
            {
                "complaintId": to_hex(each.complaint_id),
                "assetId": str(self._records.consents.standing(each.consent_id).asset_id),
                "document": each.to_json(),
                "cases": [case.to_json() for case in cases.get(each.complaint_id, ())],
            }
            for each in found
        ]
