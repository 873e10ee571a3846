"""Complaints of persons, sealed: read by the person, and by who can open a case about one."""

from __future__ import annotations

from sqlalchemy import func, insert, select

from deedbook.domain.complaints import Complaint
from deedbook.errors import Conflict, InvalidInput, SealBroken
from deedbook.records.database import Database, Row
from deedbook.records.schema import complaints
from deedbook.records.sealing import Sealer


class ComplaintBook:
    """The complaints in the order in which they came."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def add(self, complaint: Complaint, *, most: int) -> None:
        """Keeps a complaint. Raises Conflict where there are `most` of the same person."""
        table, name = complaints.c, complaint.complaint_id
        with self._database.writing() as connection:
            of_person = select(func.count()).where(table.subject == complaint.subject)
            if connection.execute(of_person).scalar_one() >= most:
                raise Conflict(f"there are {most} complaints of this person already")
            last = connection.execute(select(func.max(table.position))).scalar_one() or 0
            row = {"complaint_id": name, "position": last + 1, "subject": complaint.subject}
            row |= {"sealed": self._sealer.seal(complaint.encode(), _context(name))}
            connection.execute(insert(complaints), row)

    def of(self, subject: bytes) -> list[Complaint]:
        """Those of one person (20 bytes), oldest first. Raises SealBroken."""
        query = select(complaints).where(complaints.c.subject == subject).order_by(complaints.c.position)
        with self._database.reading() as connection:
            return [self._opened(row) for row in connection.execute(query).mappings()]

    def newest(self, *, limit: int, before: int | None = None) -> tuple[list[Complaint], int | None]:
        """Those that came last, or last before a place, the newest first; the place to go on from, where there are
        more. Raises SealBroken."""
        query = select(complaints).order_by(complaints.c.position.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(complaints.c.position < before)
        with self._database.reading() as connection:
            rows = list(connection.execute(query).mappings())
        return [self._opened(row) for row in rows[:limit]], rows[limit - 1]["position"] if len(rows) > limit else None

    def _opened(self, row: Row) -> Complaint:
        try:
            return Complaint.decode(self._sealer.open(row["sealed"], _context(row["complaint_id"])))
        except InvalidInput as error:
            raise SealBroken("a sealed complaint opens to something else") from error


def _context(complaint_id: bytes) -> bytes:
    return b"deedbook.records.complaint" + complaint_id
