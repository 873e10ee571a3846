"""Webhooks: who is told of events by requests of ours, and the letters that nobody took."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from deedbook.api.problems import documented
from deedbook.api.routes.inputs import Body, Home
from deedbook.api.writing import DONE, OnceOnly
from deedbook.domain.documents import Fields
from deedbook.domain.told import Filter
from deedbook.domain.webhooks import OVERLAP
from deedbook.errors import InvalidInput
from deedbook.ledger.webhooks import MOST_LETTERS, added

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

Letters = Annotated[int, Query(ge=1, le=MOST_LETTERS, strict=False)]
Behind = Annotated[int, Query(ge=0, le=2**53 - 1, strict=False, description="the number of a letter")]
MOST_BLOCK: Final = 10**15


@router.get("")
def webhooks(home: Home) -> dict[str, Any]:
    """Every webhook: where, what, how far; no secret, and of a URL no query."""
    return {"items": [hook.to_json() for hook in home.webhooks.all()]}


@router.post("", status_code=201, response_model=dict[str, Any], responses=DONE)
def add(home: Home, body: Body, once: OnceOnly) -> Response:
    """Tells a URL of events. The body is `{"url"}` and, where wished, `wanted` (`contracts`, `events`, `entities`,
    `final`), `from` (`now`, which is meant where nothing is said, or a block's number) and `secret` (`whsec_...`). The
    answer shows the secret that signs: this once."""
    said = _fields(body, {"url": None, "wanted": {}, "from": "now", "secret": None})
    url, wanted, secret = said.text("url"), Filter.from_json(said.raw("wanted")), _text_or_none(said, "secret")
    standing = home.events.start(_block(said.raw("from")))
    return once.answer(lambda: added(home.webhooks.add(url, wanted, standing, secret)))


@router.get("/{hook_id}", responses={404: documented("there is no such webhook")})
def webhook(home: Home, hook_id: str) -> dict[str, Any]:
    """One webhook."""
    return home.webhooks.get(hook_id).to_json()


@router.post("/{hook_id}/remove", status_code=201, response_model=dict[str, Any], responses=DONE)
def remove(home: Home, hook_id: str, body: Body, once: OnceOnly) -> Response:
    """Tells it nothing more, and forgets what waits for it. The body is `{}`."""
    _fields(body, {})

    def act() -> dict[str, Any]:
        home.webhooks.remove(hook_id)
        return {"webhook": hook_id, "removed": True}

    return once.answer(act)


@router.post("/{hook_id}/enable", status_code=201, response_model=dict[str, Any], responses=DONE)
def enable(home: Home, hook_id: str, body: Body, once: OnceOnly) -> Response:
    """Tells one that was disabled again, from where it stood, or, with `{"from"}`, from a block or `now` on: also one
    that was not, which then hears events again."""
    said = _fields(body, {"from": None}).raw("from")
    standing = None if said is None else home.events.start(_block(said))
    return once.answer(lambda: home.webhooks.enable(hook_id, standing).to_json())


@router.post("/{hook_id}/rotate", status_code=201, response_model=dict[str, Any], responses=DONE)
def rotate(home: Home, hook_id: str, body: Body, once: OnceOnly) -> Response:
    """A new secret, or the `secret` of the body; the former one signs beside it for `overlap` seconds (a day). The
    answer shows it: this once."""
    said = _fields(body, {"overlap": OVERLAP, "secret": None})
    overlap, secret = said.number("overlap", 32), _text_or_none(said, "secret")
    return once.answer(lambda: added(home.webhooks.rotate(hook_id, overlap=overlap, secret=secret)))


@router.post("/{hook_id}/test", status_code=201, response_model=dict[str, Any], responses=DONE)
def send_test(home: Home, hook_id: str, body: Body, once: OnceOnly) -> Response:
    """Sends something that is no event (`deedbook.test`), now and once, and says what became of it. The body is
    `{}`."""
    _fields(body, {})
    return once.answer(lambda: home.webhooks.test(hook_id).to_json())


@router.get("/{hook_id}/dead", responses={404: documented("there is no such webhook")})
def dead(home: Home, hook_id: str, limit: Letters = 100, after: Behind = 0) -> dict[str, Any]:
    """A page of the letters that nobody took, in their order, behind number `after`."""
    letters = home.webhooks.dead(hook_id, limit=limit, after=after)
    more = letters[-1].number if len(letters) == limit else None
    return {"items": [each.to_json() for each in letters], "after": more}


@router.post("/{hook_id}/replay", status_code=201, response_model=dict[str, Any], responses=DONE)
def replay(home: Home, hook_id: str, body: Body, once: OnceOnly) -> Response:
    """Sends a dead letter again, by its `number`, or all of them; under the ids that they have."""
    said = _fields(body, {"number": None})
    number = None if said.raw("number") is None else said.number("number", 53)
    return once.answer(lambda: {"webhook": hook_id, "replayed": home.webhooks.replay(hook_id, number)})


def _fields(body: Any, known: dict[str, Any]) -> Fields:
    """The fields of a body, each of which but `url` may be left out. Raises InvalidFormat."""
    spared = {name: value for name, value in known.items() if name != "url"}
    return Fields({**spared, **body} if isinstance(body, dict) else body, "body", tuple(known))


def _text_or_none(fields: Fields, name: str) -> str | None:
    return None if fields.raw(name) is None else fields.text(name)


def _block(said: Any) -> int | None:
    if said == "now":
        return None
    if type(said) is not int or not 0 <= said < MOST_BLOCK:
        raise InvalidInput("from", "is neither now nor a block's number")
    return said
