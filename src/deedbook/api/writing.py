"""How routes that write answer: once for each idempotency key, and at once for what needs a transaction.

`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) is a string, quoted as RFC 8941 has it or bare. The same
key with the same method, path and body is answered as before, with `Idempotency-Replayed: true`; with anything else it
is refused. What was refused, or did not come to an answer, leaves its key free.

What needs a transaction is answered 202 with its operation, and `Location` says where to look after it. `?wait=final`
waits for its end: 201 when it is final, a problem when it failed, 202 when `timeout` seconds are over or the service
stops.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from deedbook.api.door import Asking, AtDoor
from deedbook.api.problems import documented, refused
from deedbook.api.routes.inputs import Body, Home
from deedbook.api.serving import Serving
from deedbook.api.stopping import Stopping, stopping_of
from deedbook.api.watching import note
from deedbook.domain.documents import MOST_NUMBER
from deedbook.domain.hashing import canonical_json, sha256, to_hex
from deedbook.domain.intents import IntentState
from deedbook.domain.operations import Answered, Operation, OperationKind
from deedbook.domain.principals import Caller
from deedbook.errors import InvalidInput

MOST_KEY: Final = 200
"""The longest idempotency key, in characters."""
MOST_WAIT: Final = 60
"""The longest time, in seconds, that a request waits for its operation."""
REPLAYED: Final = "Idempotency-Replayed"
_QUOTED: Final = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])*"')
_BARE: Final = re.compile(r"[!#-+\--:<-~]+")
_LOOKS: Final = (0.02, 0.5)
"""The shortest and the longest pause between looks at an operation, in seconds."""


class Reason(BaseModel):
    """Why an operation failed: the code of an error, and where a contract refused its own error with its arguments."""

    code: str
    message: str
    about: str = ""
    contract: str = ""
    error: str = ""
    arguments: dict[str, Any] = {}


class OperationAnswer(BaseModel):
    """An operation as it stands (`GET /operations/{id}`)."""

    operation: str
    kind: OperationKind
    state: IntentState
    about: dict[str, Any]
    transaction: str | None
    block: Annotated[int, Field(ge=0, le=MOST_NUMBER)] | None
    gas: str | None
    reason: Reason | None


_WORDS: Final = f"a string of 1 to {MOST_KEY} printable ASCII characters, of this request alone; kept for a day"


class Once:
    """A request that is answered once for each idempotency key; one without a key is simply carried out."""

    def __init__(
        self,
        home: Home,
        request: Request,
        body: Body,
        door: AtDoor,
        caller: Asking,
        said: Annotated[str | None, Header(alias="Idempotency-Key", description=_WORDS)] = None,
    ) -> None:
        self.home: Serving = home
        self.request = request
        self._door = door
        self._caller = caller
        self.key = None if said is None else sha256(_owned(caller) + key_of_header(said).encode())
        self._request = sha256(canonical_json([request.method, request.url.path, body])) if self.key else b""

    def run(self, act: Callable[[bytes | None], Operation | Mapping[str, Any]]) -> tuple[Operation | bytes, bool]:
        """What `act` leads to - an operation, or the bytes of an answer - and whether it had led to it before."""
        if self.key is None:
            return _kept(act(None)), False
        answered = self.home.begin(self.key, self._request)
        if answered is not None:
            return self._again(answered), True
        try:
            said = _kept(act(self.key))
            if isinstance(said, Operation):
                self.home.keep(self.key, operation_id=said.operation_id)
            else:
                self.home.keep(self.key, answer=said)
        except BaseException:
            self.home.release(self.key)
            raise
        return said, False

    def _again(self, answered: Answered) -> Operation | bytes:
        known = answered.operation_id
        return answered.answer if known is None else self.home.operation(known)

    def own(self, operation: Operation) -> None:
        """Notes that the operation was handed over by who asks."""
        if self._door is not None and self._caller.account is not None:
            self._door.own(operation, self._caller.account)

    def answer(self, act: Callable[[], Mapping[str, Any]]) -> Response:
        """The answer, 201, of something that is done when it returns."""
        said, again = self.run(lambda _: act())
        assert isinstance(said, bytes)
        return _done(said, again)


class Wait:
    """Whether a request waits for its operation, and how many seconds at most."""

    def __init__(
        self,
        stopping: Annotated[Stopping, Depends(stopping_of)],
        wait: Annotated[Literal["final"] | None, Query(description="wait for the operation's end")] = None,
        timeout: Annotated[
            int, Query(ge=1, le=MOST_WAIT, strict=False, description="seconds to wait at most, with `wait`")
        ] = 30,
    ) -> None:
        self.seconds = 0 if wait is None else timeout
        self._stopping = stopping

    async def end_of(self, home: Serving, operation: Operation) -> Operation:
        """The operation when it is over, or when the time is, or the service stops. No thread is held meanwhile."""
        clock = asyncio.get_running_loop().time
        until, (pause, longest) = clock() + self.seconds, _LOOKS
        while not operation.is_over and clock() < until:
            if await self._stopping.within(pause):
                break
            pause = min(2 * pause, longest)
            operation = await run_in_threadpool(home.operation, operation.operation_id)
        return operation


async def accepted(once: Once, wait: Wait, act: Callable[[bytes | None], Operation | Mapping[str, Any]]) -> Response:
    """The answer to something that needs a transaction, or turned out to need none."""
    said, again = await run_in_threadpool(once.run, act)
    if not isinstance(said, Operation):
        return _done(said, again)
    await run_in_threadpool(once.own, said)
    if wait.seconds:
        said = await wait.end_of(once.home, said)
    note(once.request, said)
    headers = {"Location": f"/operations/{to_hex(said.operation_id)}", **_replayed(again)}
    if wait.seconds and said.refusal is not None:
        answer: Response = refused(said)
    elif wait.seconds and said.is_over:
        answer = JSONResponse(said.to_json(), 201)
    else:
        answer = JSONResponse(said.to_json(), 202)
        headers["Retry-After"] = "1"
    answer.headers.update(headers)
    return answer


def key_of_header(text: str) -> str:
    """The key of an `Idempotency-Key` header, with or without quotes. Raises InvalidInput."""
    key = text
    if _QUOTED.fullmatch(text):
        key = re.sub(r'\\(["\\])', r"\1", text[1:-1])
    elif not _BARE.fullmatch(text):
        raise InvalidInput("Idempotency-Key", "is no string of printable ASCII")
    if not 1 <= len(key) <= MOST_KEY:
        raise InvalidInput("Idempotency-Key", f"has {len(key)} characters, not 1 to {MOST_KEY}")
    return key


def _owned(caller: Caller) -> bytes:
    """What sets one caller's keys apart from another's, who may choose the same; where nobody is known, nothing."""
    return b"" if caller.account is None else caller.account + b"\0"


def _kept(said: Operation | Mapping[str, Any]) -> Operation | bytes:
    return said if isinstance(said, Operation) else bytes(JSONResponse(dict(said)).body)


def _done(said: bytes, again: bool) -> Response:
    return Response(said, 201, _replayed(again), media_type="application/json")


def _replayed(again: bool) -> dict[str, str]:
    return {REPLAYED: "true"} if again else {}


_REPEATED: Final = {REPLAYED: {"description": "the key came with this request before", "schema": {"type": "string"}}}
_LOCATION: Final = {"Location": {"description": "the operation", "schema": {"type": "string"}}}
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    404: documented("it names something that is not there"),
    409: documented("a contract refused it, it exists otherwise, or a request of this key is under way"),
    413: documented("the body is too long"),
    422: documented("a field is wrong, or the key stands for another request"),
    503: documented("the chain or a store cannot be reached now: ask again with the same key"),
}
DONE: Final[dict[int | str, dict[str, Any]]] = {201: {"headers": _REPEATED}, **_REFUSED}
"""What a route answers whose work is done when it returns."""
ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    201: {"description": "Final", "model": OperationAnswer | dict[str, Any], "headers": {**_LOCATION, **_REPEATED}},
    202: {"headers": {**_LOCATION, **_REPEATED}},
    **_REFUSED,
}
"""What a route answers that needs a transaction."""

DRAFTED_OR_NOT: Final = dict(_REFUSED)
"""What a route answers that drafts, beside its draft."""

OnceOnly = Annotated[Once, Depends(Once)]
Waiting = Annotated[Wait, Depends(Wait)]
