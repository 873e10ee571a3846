"""How routes that read answer: from one state of the mirror, named by its block, as JSON or as a table.

What follows from the chain alone is public. It carries a strong `ETag` of the mirror's state, the form and the question
(RFC 9110, 8.8.3): the same until there is another block, a fork, or rows derived anew; `If-None-Match` with it is
answered 304, without asking the database again. Where the block is final, `Last-Modified` is its time, and
`If-Modified-Since` serves as well. Everything else (`own`) is `no-store`: it hangs on private records, or on the clock.

A list is a page of JSON; with `.csv` or `.parquet` behind its path, or by `Accept`, it is a table of up to 100,000
rows. One that does not hold the whole list says where it goes on: in its last line (CSV) or metadata (Parquet), and in
`Link` (RFC 8288, `rel="next"`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache, partial
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from deedbook import __version__
from deedbook.api.problems import documented
from deedbook.api.routes.inputs import Home
from deedbook.api.said import DESCRIBED
from deedbook.queries.exports import Relation
from deedbook.queries.rows import Held, Reading
from deedbook.queries.shapes import REFERENCE, page_of, shapes_of
from deedbook.queries.states import State, state_in
from deedbook.queries.tables import MOST_TABLE, ListPortion, Pages, Portion, RelationPortion
from deedbook.queries.views import View, require_limit

IN_MEMORY: Final = 1 << 20
"""Bytes of a table that are kept in memory; a longer one goes by a file that has no name."""
CHUNK: Final = 1 << 16
FEW: Final = 100
"""The items of a page, unless a request says otherwise."""


Route = Callable[..., Response]


class Form(StrEnum):
    """In which form a list is answered, by media type."""

    JSON = "application/json"
    CSV = "text/csv"
    PARQUET = "application/vnd.apache.parquet"


ANSWER: Final = "x-answer"
"""Where a route keeps the schema of its JSON answer until the description takes it."""
SUFFIXES: Final = {".csv": Form.CSV, ".parquet": Form.PARQUET}
PUBLIC: Final = {"Cache-Control": "public, no-cache", "Vary": "Accept, Authorization"}
"""Anybody may keep it, and has to ask whether it still holds."""
IMMUTABLE: Final = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Authorization"}
"""It never changes: its name is its hash."""


class Asked:
    """A request to read."""

    def __init__(self, home: Home, request: Request) -> None:
        self.home = home
        self.request = request

    @property
    def form(self) -> Form:
        """What the path ends with; else what is wanted most of what there is (RFC 9110, 12.5.1); else JSON."""
        path = getattr(self.request.scope.get("route"), "path", "")
        for suffix, form in SUFFIXES.items():
            if path.endswith(suffix):
                return form
        wanted = _preferences(self.request.headers.get("accept", ""))
        return max(Form, key=lambda form: wanted.get(form, 0.0)) if any(map(wanted.get, Form)) else Form.JSON

    def headers(self, state: State, form: Form) -> dict[str, str]:
        """What is said of an answer that holds in this state."""
        return validators(state, form, self.request.url.path, "&".join(sorted(self.request.url.query.split("&"))))

    def has(self, said: Mapping[str, str]) -> bool:
        """Whether who asks has this answer already (RFC 9110, 13.2.2: If-None-Match goes first)."""
        return has(self.request, said)


def validators(state: State, form: Form, path: str, query: str) -> dict[str, str]:
    """What is said of a public answer that holds in this state."""
    return {"ETag": entity_tag(state, form, path, query), **lasting(state.settled_at)}


def entity_tag(state: State, form: Form, path: str, query: str) -> str:
    """The `ETag` of an answer."""
    return f'"{state.tag(__version__, form, path, query)}"'


@lru_cache(maxsize=16)
def lasting(at: int | None) -> Mapping[str, str]:
    """What is said of every public answer of a state that is settled at a time (Unix seconds), or is not."""
    if at is None:
        return PUBLIC
    return {**PUBLIC, "Last-Modified": format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)}


async def _asked(home: Home, request: Request) -> Asked:
    return Asked(home, request)


Reads = Annotated[Asked, Depends(_asked)]


def has(request: Request, said: Mapping[str, str]) -> bool:
    """Whether a request says by its conditions that it has the answer that these headers are of."""
    named = request.headers.get("if-none-match")
    if named is not None:
        return said["ETag"] in (each.strip().removeprefix("W/") for each in named.split(","))
    since = _moment(request.headers.get("if-modified-since", ""))
    modified = _moment(said.get("Last-Modified", ""))
    return since is not None and modified is not None and modified <= since


def shown(asked: Asked, read: Callable[[Reading], Mapping[str, Any]]) -> Response:
    """One thing that follows from the chain, whole; `read` gives it from one state of the mirror."""
    with asked.home.mirror.reading() as connection:
        headers = asked.headers(state_in(connection), Form.JSON)
        if asked.has(headers):
            return Response(status_code=304, headers=headers)
        found = read(Held(connection))
    return JSONResponse(dict(found), headers=headers)


def own(found: Mapping[str, Any]) -> Response:
    """One thing that is kept by nobody on its way."""
    return JSONResponse(dict(found), headers={"Cache-Control": "no-store"})


def listed(
    asked: Asked,
    view: type[View],
    pages: Pages,
    *,
    limit: int | None,
    after: str | None,
    public: bool = True,
    beside: Callable[[Reading], Mapping[str, Any]] | None = None,
) -> Response:
    """A list in the form that is asked for: a page in JSON - with what belongs to it `beside` - or a table. One that is
    not `public` hangs on more than the chain."""
    form = asked.form
    with asked.home.mirror.reading() as connection:
        headers = asked.headers(state_in(connection), form) if public else {"Cache-Control": "no-store"}
        if public and asked.has(headers):
            return Response(status_code=304, headers=headers)
        mirror = Held(connection)
        if form is Form.JSON:
            page = pages(mirror, require_limit(FEW if limit is None else limit), after)
            more = {} if beside is None else beside(mirror)
            return JSONResponse({**more, **page.to_json()}, headers={**headers, **_link(asked, page.after)})
        name = _name(asked)
        portion = ListPortion(name, view, pages, most=MOST_TABLE if limit is None else limit, after=after)
        return _table(asked, portion, mirror, form, name, headers)


def own_table(asked: Asked, relation: Relation, *, limit: int | None, after: str | None) -> Response:
    """A relation of private rows as a table, in the form that the path names; `after` is how many rows were before."""
    portion = RelationPortion(relation, most=MOST_TABLE if limit is None else limit, after=after)
    with asked.home.mirror.reading() as connection:
        headers = {"Cache-Control": "no-store"}
        return _table(asked, portion, Held(connection), asked.form, relation.name, headers)


def _table(
    asked: Asked, portion: Portion, mirror: Reading, form: Form, name: str, headers: Mapping[str, str]
) -> Response:
    """The table, written before it is sent: a slow reader holds no transaction, and a fault is told as one."""
    file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed when it was sent
    try:
        (portion.write_csv if form is Form.CSV else portion.write_parquet)(mirror, file)
    except BaseException:
        file.close()
        raise
    length = file.tell()
    file.seek(0)
    suffix = next(suffix for suffix, each in SUFFIXES.items() if each is form)
    said = {
        **headers,
        **_link(asked, portion.after),
        "Content-Length": str(length),
        "Content-Disposition": f'attachment; filename="{name}{suffix}"',
    }
    media_type = f"{form}; charset=utf-8; header=present" if form is Form.CSV else form.value
    return _FileResponse(file, said, media_type)


class _FileResponse(StreamingResponse):
    """An open file, which is closed however the answer ends."""

    def __init__(self, file: IO[bytes], headers: Mapping[str, str], media_type: str) -> None:
        super().__init__(iter(partial(file.read, CHUNK), b""), headers=headers, media_type=media_type)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def _link(asked: Asked, after: str | None) -> dict[str, str]:
    if after is None:
        return {}
    following = asked.request.url.include_query_params(after=after)
    return {"Link": f'<{following.path}?{following.query}>; rel="next"'}


def _name(asked: Asked) -> str:
    """What a table is called: the last word of its path that is no identifier."""
    path = asked.request.scope["route"].path
    for suffix in SUFFIXES:
        path = path.removesuffix(suffix)
    return next(str(word) for word in reversed(path.split("/")) if word and not word.startswith("{"))


def _preferences(accept: str) -> dict[str, float]:
    """How much each media type of an Accept header is wanted."""
    found: dict[str, float] = {}
    for part in accept.split(","):
        kind, *parameters = (each.strip().lower() for each in part.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        found[kind] = float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0
    return found


def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


_TABLES: Final = {form.value: {"schema": {"type": "string", "format": "binary"}} for form in SUFFIXES.values()}
_SAID: Final = {
    "ETag": {"description": "names the state that this was read from", "schema": {"type": "string"}},
    "Link": {"description": "where the list goes on", "schema": {"type": "string"}},
}
NOT_THERE: Final = documented("it names something that is not there")
_HELD: Final = {"description": "what If-None-Match names still holds"}


def showing(*views: type[View]) -> dict[str, Any]:
    """How a route describes that it shows one thing: what these views hold, together."""
    names = [_described(view) for view in views]
    shape = names[0] if len(names) == 1 else {"allOf": names}
    return {
        "response_model": dict[str, Any],
        "responses": {200: {"headers": {"ETag": _SAID["ETag"]}}, 304: _HELD, 404: NOT_THERE},
        "openapi_extra": {ANSWER: shape},
    }


def _described(view: type[View]) -> dict[str, str]:
    DESCRIBED.update(shapes_of(view))
    return {"$ref": REFERENCE + view.__name__}


def tables_only(router: APIRouter, path: str) -> Callable[[Route], Route]:
    """Makes a function the routes of private rows, one for each suffix."""

    def made(function: Route) -> Route:
        for suffix, form in SUFFIXES.items():
            answers: dict[int | str, dict[str, Any]] = {200: {"content": {form.value: _TABLES[form]}}}
            name = f"{function.__name__}{suffix}"
            router.get(path + suffix, response_class=Response, responses=answers, name=name)(function)
        return function

    return made


def _answers(content: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"headers": _SAID, "content": dict(content)}, 304: _HELD, 404: NOT_THERE}


def tabular(router: APIRouter, path: str, view: type[View], *beside: type[View]) -> Callable[[Route], Route]:
    """Makes a function the route of a list of views - with what the others hold `beside` its page - as it is named and
    by Accept, and with either suffix."""
    _described(view)
    page: dict[str, Any] = page_of(view)
    if beside:
        page = {"allOf": [*map(_described, beside), page]}

    def made(function: Route) -> Route:
        for suffix, form in SUFFIXES.items():
            name, answers = f"{function.__name__}{suffix}", _answers({form.value: _TABLES[form]})
            router.get(path + suffix, response_class=Response, responses=answers, name=name)(function)
        extra = {ANSWER: page}
        router.get(path, response_model=dict[str, Any], responses=_answers(_TABLES), openapi_extra=extra)(function)
        return function

    return made
