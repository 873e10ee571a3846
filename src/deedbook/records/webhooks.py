"""Webhooks and their messages; URL and secrets are kept sealed.

A message is put together with the place that its webhook then stands at, and goes together with what is counted of it:
killed anywhere, nothing is passed over, and what was sent and not noted is sent once more under the same id. Who
delivers holds the webhook for a while; whoever no longer does so changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from deedbook.domain.hashing import canonical_json, cut, parse_json
from deedbook.domain.told import Filter, Standing
from deedbook.domain.webhooks import (
    DeadLetter,
    Due,
    HookState,
    Message,
    MessageState,
    Outcome,
    Secret,
    Webhook,
    message_id,
)
from deedbook.errors import Conflict, LeaseLost, NotFound
from deedbook.records.database import Database, Row
from deedbook.records.schema import webhook_messages as messages
from deedbook.records.schema import webhooks
from deedbook.records.sealing import Sealer

TERM: Final = 60
"""Seconds for which one who delivers is believed to be at it."""
MOST_HOOKS: Final = 100
"""Webhooks of a home."""
MOST_WAITING: Final = 1000
"""Messages of one webhook that wait: the events behind them wait in the mirror."""
MOST_DEAD: Final = 10_000
"""Letters of one webhook that are given up before it is disabled."""
Fresh = tuple[str, Sequence[bytes], bytes]
"""A message that is not kept yet: type, lanes (32 bytes each), body."""
FULL: Final = "dead-letters"
GONE: Final = "gone"
"""Why a webhook was disabled: too many letters are dead; its receiver answered 410."""


class WebhookBook:
    """The webhooks of a home; each method is one SQL transaction. Times are Unix seconds."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    # -- webhooks --------------------------------------------------------------------------------------------------

    def add(self, hook: Webhook) -> None:
        """Keeps a new webhook. Raises Conflict where there are MOST_HOOKS."""
        with self._database.writing() as connection:
            if connection.execute(select(func.count()).select_from(webhooks)).scalar_one() >= MOST_HOOKS:
                raise Conflict(f"there are {MOST_HOOKS} webhooks", hint="remove one first")
            last = connection.execute(select(func.max(webhooks.c.position))).scalar_one()
            row = {"hook_id": hook.hook_id, "position": (last or 0) + 1, "wanted": _text(hook.wanted.to_json())}
            row |= {"sealed": self._sealed(hook), "state": hook.state.value, "reason": None, "next_number": 1}
            row |= {"delivered": 0, "made_at": hook.made_at, "owner": None, "until": None}
            connection.execute(insert(webhooks), {**row, **_place(hook.standing)})

    def all(self) -> list[Webhook]:
        """Every webhook, in the order in which they were added."""
        with self._database.reading() as connection:
            rows = connection.execute(select(webhooks).order_by(webhooks.c.position)).mappings().all()
            return [self._opened(connection, row) for row in rows]

    def get(self, hook_id: str) -> Webhook:
        """Raises NotFound."""
        with self._database.reading() as connection:
            return self._opened(connection, _row(connection, hook_id))

    def remove(self, hook_id: str) -> None:
        """Forgets a webhook and its messages. Raises NotFound."""
        with self._database.writing() as connection:
            _row(connection, hook_id)
            connection.execute(delete(messages).where(messages.c.hook_id == hook_id))
            connection.execute(delete(webhooks).where(webhooks.c.hook_id == hook_id))

    def rotate(self, hook_id: str, fresh: Secret, *, now: int, overlap: int) -> Webhook:
        """Puts a secret in the place of the newest one, which signs for `overlap` seconds more. Raises NotFound,
        InvalidInput."""
        with self._database.writing() as connection:
            hook = self._opened(connection, _row(connection, hook_id))
            kept = replace(hook, secrets=hook.rotated(fresh, now, overlap))
            _change(connection, hook_id, sealed=self._sealed(kept))
        return kept

    def enable(self, hook_id: str, standing: Standing | None = None) -> Webhook:
        """Tells a webhook again: from where it stood, or from another place. Raises NotFound."""
        with self._database.writing() as connection:
            _row(connection, hook_id)
            place = {} if standing is None else _place(standing)
            _change(connection, hook_id, state=HookState.ACTIVE.value, reason=None, **place)
            return self._opened(connection, _row(connection, hook_id))

    def disable(self, hook_id: str, reason: str, *, owner: str) -> None:
        """Tells a webhook nothing more. Raises LeaseLost, NotFound."""
        with self._database.writing() as connection:
            _held(connection, hook_id, owner)
            _disable(connection, hook_id, reason)

    # -- delivering ------------------------------------------------------------------------------------------------

    def take(self, owner: str, now: int) -> list[Webhook]:
        """The active webhooks that `owner` delivers to from now on, and for TERM seconds at least half of which are
        left: those that nobody else holds."""
        active = webhooks.c.state == HookState.ACTIVE.value
        free = or_(webhooks.c.until.is_(None), webhooks.c.until <= now)
        soon = and_(webhooks.c.owner == owner, webhooks.c.until <= now + TERM // 2)
        with self._database.reading() as connection:
            wanting = connection.execute(select(webhooks.c.hook_id).where(active, or_(free, soon)).limit(1)).first()
        if wanting is not None:
            with self._database.writing() as connection:
                mine = update(webhooks).where(active, or_(free, webhooks.c.owner == owner))
                connection.execute(mine.values(owner=owner, until=now + TERM))
        held = select(webhooks).where(active, webhooks.c.owner == owner).order_by(webhooks.c.position)
        with self._database.reading() as connection:
            return [self._opened(connection, row) for row in connection.execute(held).mappings().all()]

    def free(self, owner: str) -> None:
        """Lets others deliver at once."""
        with self._database.writing() as connection:
            connection.execute(update(webhooks).where(webhooks.c.owner == owner).values(owner=None, until=None))

    def put(
        self,
        hook: Webhook,
        fresh: Sequence[tuple[str, Sequence[bytes], bytes]],
        standing: Standing,
        *,
        owner: str,
        now: int,
    ) -> None:
        """Keeps messages for a webhook, and that it then stands at `standing`.

        Raises LeaseLost where another one delivers, or it was set to another place meanwhile; NotFound.
        """
        with self._database.writing() as connection:
            row = _held(connection, hook.hook_id, owner)
            if _standing(row) != hook.standing:
                raise LeaseLost("the webhook was set to another place meanwhile")
            number = row["next_number"]
            rows = [
                _message(hook.hook_id, number + place, kind, lanes, body, now)
                for place, (kind, lanes, body) in enumerate(fresh)
            ]
            if rows:
                connection.execute(insert(messages), rows)
            _change(connection, hook.hook_id, next_number=number + len(rows), **_place(standing))

    def waiting(self, hook_id: str) -> list[Due]:
        """The messages that wait, in their order."""
        columns = (messages.c.number, messages.c.lanes, messages.c.due_at)
        wanted = select(*columns).where(*_of(hook_id, MessageState.WAITING)).order_by(messages.c.number)
        with self._database.reading() as connection:
            rows = connection.execute(wanted)
            return [Due(row.number, tuple(cut(row.lanes, 32)), row.due_at) for row in rows]

    def message(self, hook_id: str, number: int) -> Message:
        """A message. Raises NotFound."""
        with self._database.reading() as connection:
            row = _letter(connection, hook_id, number)
        return Message(row["number"], row["type"], row["body"], row["tries"])

    def note(self, hook_id: str, number: int, outcome: Outcome, *, owner: str, again_at: int | None) -> None:
        """What became of sending a message: it goes when it was taken, waits until `again_at`, or is dead where that is
        None; where its receiver is gone it waits, and the webhook is disabled. Raises LeaseLost, NotFound."""
        with self._database.writing() as connection:
            row = _held(connection, hook_id, owner)
            where = and_(messages.c.hook_id == hook_id, messages.c.number == number)
            if outcome.is_taken:
                gone = connection.execute(delete(messages).where(where)).rowcount
                _change(connection, hook_id, delivered=row["delivered"] + gone)
                return
            if outcome.is_gone:
                _disable(connection, hook_id, GONE)
                return
            tries = _letter(connection, hook_id, number)["tries"] + 1
            state = MessageState.DEAD if again_at is None else MessageState.WAITING
            said: dict[str, Any] = {"failure": outcome.failure, "status": outcome.status, "tries": tries}
            connection.execute(update(messages).where(where).values(state=state.value, due_at=again_at or 0, **said))
            if again_at is None and _count(connection, hook_id, MessageState.DEAD) >= MOST_DEAD:
                _disable(connection, hook_id, FULL)

    # -- dead letters ----------------------------------------------------------------------------------------------

    def dead(self, hook_id: str, *, limit: int = 100, after: int = 0) -> list[DeadLetter]:
        """The letters that were given up, behind number `after`. Raises NotFound."""
        wanted = select(messages).where(*_of(hook_id, MessageState.DEAD), messages.c.number > after)
        with self._database.reading() as connection:
            _row(connection, hook_id)
            rows = connection.execute(wanted.order_by(messages.c.number).limit(limit)).mappings().all()
        return [
            DeadLetter(
                row["number"],
                row["type"],
                message_id(hook_id, row["number"]),
                row["made_at"],
                row["tries"],
                row["failure"],
                row["status"],
                row["body"],
            )
            for row in rows
        ]

    def replay(self, hook_id: str, number: int | None, *, now: int) -> int:
        """Lets a dead letter, or all of them, be sent again under their ids; how many. Raises NotFound."""
        which = [*_of(hook_id, MessageState.DEAD), *([] if number is None else [messages.c.number == number])]
        with self._database.writing() as connection:
            _row(connection, hook_id)
            again = update(messages).where(*which).values(state=MessageState.WAITING.value, tries=0, due_at=now)
            done = connection.execute(again).rowcount
            if number is not None and not done:
                raise NotFound("dead letter", str(number))
        return done

    # -- rows ------------------------------------------------------------------------------------------------------

    def _sealed(self, hook: Webhook) -> bytes:
        secrets = [{"secret": each.text, "until": each.until} for each in hook.secrets]
        return self._sealer.seal(canonical_json({"url": hook.url, "secrets": secrets}), _context(hook.hook_id))

    def _opened(self, connection: Connection, row: Row) -> Webhook:
        hidden = parse_json(self._sealer.open(row["sealed"], _context(row["hook_id"])), "webhook")
        return Webhook(
            row["hook_id"],
            hidden["url"],
            Filter.from_json(parse_json(row["wanted"].encode(), "wanted")),
            tuple(Secret.of(each["secret"], each["until"]) for each in hidden["secrets"]),
            _standing(row),
            row["made_at"],
            HookState(row["state"]),
            row["reason"],
            row["delivered"],
            _count(connection, row["hook_id"], MessageState.WAITING),
            _count(connection, row["hook_id"], MessageState.DEAD),
        )


def _row(connection: Connection, hook_id: str) -> Row:
    row = connection.execute(select(webhooks).where(webhooks.c.hook_id == hook_id)).mappings().first()
    if row is None:
        raise NotFound("webhook", hook_id[:80])
    return row


def _held(connection: Connection, hook_id: str, owner: str) -> Row:
    row = _row(connection, hook_id)
    if row["owner"] != owner:
        raise LeaseLost("another one delivers to the webhook")
    return row


def _letter(connection: Connection, hook_id: str, number: int) -> Row:
    where = (messages.c.hook_id == hook_id, messages.c.number == number)
    row = connection.execute(select(messages).where(*where)).mappings().first()
    if row is None:
        raise NotFound("message", str(number))
    return row


def _change(connection: Connection, hook_id: str, **values: Any) -> None:
    connection.execute(update(webhooks).where(webhooks.c.hook_id == hook_id).values(values))


def _disable(connection: Connection, hook_id: str, reason: str) -> None:
    _change(connection, hook_id, state=HookState.DISABLED.value, reason=reason, owner=None, until=None)


def _count(connection: Connection, hook_id: str, state: MessageState) -> int:
    return connection.execute(select(func.count()).select_from(messages).where(*_of(hook_id, state))).scalar_one()


def _of(hook_id: str, state: MessageState) -> tuple[Any, ...]:
    return messages.c.hook_id == hook_id, messages.c.state == state.value


def _message(hook_id: str, number: int, kind: str, lanes: Sequence[bytes], body: bytes, now: int) -> dict[str, Any]:
    row: dict[str, Any] = {"hook_id": hook_id, "number": number, "type": kind, "lanes": b"".join(lanes), "body": body}
    row |= {"state": MessageState.WAITING.value, "tries": 0, "due_at": now, "made_at": now}
    return {**row, "failure": None, "status": None}


def _standing(row: Row) -> Standing:
    return Standing(row["block_number"], row["block_hash"] or b"", row["told"])


def _place(standing: Standing) -> dict[str, Any]:
    hashed = standing.block_hash or None
    return {"block_number": standing.number, "block_hash": hashed, "told": standing.told}


def _text(value: Any) -> str:
    return canonical_json(value).decode()


def _context(hook_id: str) -> bytes:
    return b"webhook/" + hook_id.encode()
