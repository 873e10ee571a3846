"""The pages as an application of their own, mounted beside the API: routes, languages, forms of answer, errors.

/explore/...          HTML         /explore/....json   the same as JSON         /explore/....csv   its table as CSV
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from deedbook.api import door as doors
from deedbook.api.door import Door
from deedbook.api.problems import CHALLENGE, MEDIA_TYPE, TYPE, status_of
from deedbook.api.rights import ANYBODY as FOR_ALL
from deedbook.api.rights import ON_CHAIN, Right, allows, require, right_of
from deedbook.api.serving import Serving
from deedbook.api.web import (
    alerts,
    assets,
    attestations,
    cases,
    chain,
    clear_signing,
    consenting,
    consents,
    flows,
    members,
    offers,
    own,
    sales,
    search,
)
from deedbook.api.web.asked import Asked
from deedbook.api.web.desks import auditor, buyer, exchange, provider, regulator, reviewer, settler
from deedbook.api.web.desks.members import desks
from deedbook.api.web.entering import entrance
from deedbook.api.web.policy import Policy, reported
from deedbook.api.web.sections import Page
from deedbook.api.web.shown import Shown
from deedbook.api.web.words import LANGUAGES, Words, chosen, words_of
from deedbook.domain.hashing import sha256
from deedbook.domain.principals import ANYBODY, Caller
from deedbook.errors import DeedbookError, InvalidInput
from deedbook.queries.exports import write_csv
from deedbook.queries.rows import Held
from deedbook.queries.status import VerificationView, verification

ROOT: Final = "/explore"
COOKIE: Final = "deedbook_language"
YEAR: Final = 365 * 86_400
NAVIGATION: Final = ("assets", "offers", "sales", "members", "cases", "blocks", "alerts", "desks", "own")
FORMS: Final = (".json", ".csv", "")
NO_STORE: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}
LOG = logging.getLogger(__name__)

Answering = Callable[[Asked], Page]

PAGES: Final[Mapping[str, Answering]] = {
    "/index": search.start,
    "/search": search.search,
    "/assets": assets.assets,
    "/assets/{asset}": assets.asset,
    "/assets/{asset}/lineage": assets.asset_lineage,
    "/assets/{asset}/batches": assets.asset_batches,
    "/batches/{batch}": consents.batch,
    "/consents/new": consenting.consenting,
    "/consents/{consent}": consents.consent,
    "/consents/{consent}/withdrawal": consenting.withdrawing,
    "/attestations/{target}": attestations.attestations_about,
    "/attestations/{target}/{which}": attestations.attestation,
    "/offers": offers.offers,
    "/offers/{offer}": offers.offer,
    "/sales": sales.sales,
    "/sales/{sale}": sales.sale,
    "/sales/{sale}/certificate": sales.certificate,
    "/members": members.members,
    "/members/{account}": members.member,
    "/cases": cases.cases,
    "/cases/{case}": cases.case,
    "/blocks": chain.blocks,
    "/blocks/{block}": chain.block,
    "/transactions/{transaction}": chain.transaction,
    "/events/{event}": chain.event,
    "/alerts": alerts.alerts,
    "/batches": consents.batches,
    "/attestations": attestations.given,
    "/wanted": attestations.wanted,
    "/holds": cases.holds,
    "/flow": flows.flow,
    "/desks": desks,
    "/desk/provider/{account}": provider.provider,
    "/desk/buyer/{account}": buyer.buyer,
    "/desk/reviewer/{account}": reviewer.reviewer,
    "/desk/auditor/{account}": auditor.auditor,
    "/desk/settler/{account}": settler.settler,
    "/desk/regulator/{account}": regulator.regulator,
    "/desk/exchange/{account}": exchange.exchange,
    "/own": own.own,
    "/own/consents/{consent}": own.own_consent,
}
"""Every page by its path; each is also at its path with `.json` and, where it shows a table, `.csv`."""

RIGHTS: Final[Mapping[str, Right]] = {
    "/alerts": right_of("GET", "/alerts"),
    "/consents/{consent}/withdrawal": FOR_ALL,
    "/own": FOR_ALL,
    "/own/consents/{consent}": FOR_ALL,
}
"""Who may look at what is not only on chain: the own is asked for by its pages themselves, and a withdrawal takes one
signature and no more."""

SIGNING: Final = tuple(
    f"{each}.js"
    for each in (
        *("wallet", "typed", "page", "consenting", "withdrawing", "payee"),
        *("acting", "errands", "saying", "entering", "complaining"),
    )
)
"""The scripts of pages on which a wallet signs."""
STATIC: Final[Mapping[str, str]] = {
    "pages.css": "text/css; charset=utf-8",
    "pages.js": "text/javascript; charset=utf-8",
    "htmx-2.0.11.min.js": "text/javascript; charset=utf-8",
    **dict.fromkeys(SIGNING, "text/javascript; charset=utf-8"),
    "mark.svg": "image/svg+xml",
}


def install(app: FastAPI, serving: Serving, door: Door | None = None) -> None:
    """Puts the pages under `ROOT` of an app, and leads from its `/` to them; with a door, they ask who looks."""
    app.mount(ROOT, Policy(site(serving, door), ROOT))
    app.add_route("/", _lead_in, include_in_schema=False)


def site(serving: Serving, door: Door | None = None) -> Starlette:
    """The pages of a home, for whom `door` knows."""
    routes = [Route("/", _page("", search.start, ON_CHAIN))]
    routes += [
        Route(path + form, _page(form, answer, RIGHTS.get(path, ON_CHAIN)))
        for form in FORMS
        for path, answer in PAGES.items()
    ]
    routes.append(Route("/static/{name}", static))
    routes.append(Route(clear_signing.PATH, clear_signing.descriptor))
    routes.append(Route("/reports", reported, methods=["POST"]))
    app = Starlette(
        routes=routes,
        exception_handlers={DeedbookError: _of_deedbook, HTTPException: _of_http, Exception: _of_fault},
    )
    app.state.serving = serving
    app.state.door = door
    return app


def _lead_in(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}{ROOT}/", 307)


def _page(form: str, answer: Answering, right: Right) -> Callable[[Request], Response]:
    def answered(request: Request) -> Response:
        serving: Serving = request.app.state.serving
        door: Door | None = request.app.state.door
        words, caller = _words(request), _caller(request)
        is_allowed = allows(right, door, caller)
        if door is not None and not is_allowed and (form or caller.is_known):
            require(door, right, caller)
        with serving.mirror.reading() as connection:
            held = Held(connection)
            asked = Asked(
                home=serving,
                mirror=held,
                shown=Shown(words, serving.now(), _root(request)),
                names=request.path_params,
                query=request.query_params,
                caller=caller,
                request_id=str(getattr(request.state, "request_id", "")),
                door=door,
                is_over=doors.COOKIE in request.cookies and not caller.is_known and door is not None,
            )
            if not is_allowed:
                return _html(request, entrance(asked), words, None, 401)
            page = answer(asked)
            if form == ".csv":
                return _csv(page, request)
            if form == ".json":
                kept = _kept(page) if _is_public(request) else NO_STORE
                return JSONResponse(page.json, headers={**_next(page, request), **kept})
            found = verification(held)
        return _html(request, page, words, found)

    return answered


def _words(request: Request) -> Words:
    kept, accepted = request.cookies.get(COOKIE), request.headers.get("accept-language", "")
    return words_of(chosen(request.query_params.get("lang"), kept, accepted))


def _caller(request: Request) -> Caller:
    caller: Caller = getattr(request.state, "caller", ANYBODY)
    return caller


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", ""))


# -- forms -------------------------------------------------------------------------------------------------------------


def _csv(page: Page, request: Request) -> Response:
    if page.table is None:
        raise HTTPException(404)
    sink = BytesIO()
    serving: Serving = request.app.state.serving
    write_csv(page.table, serving.mirror, sink)
    name = f"{page.table.name}.csv"
    headers = {**_next(page, request), "Content-Disposition": f'attachment; filename="{name}"'}
    headers |= _kept(page) if _is_public(request) else NO_STORE
    return Response(sink.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _next(page: Page, request: Request) -> dict[str, str]:
    """Where the list goes on (RFC 8288)."""
    if page.following is None:
        return {}
    query = urlencode({**request.query_params, "after": page.following})
    return {"Link": f'<?{query}>; rel="next"'}


def _kept(page: Page) -> Mapping[str, str]:
    """What a cache is told of what is one person's (RFC 9111, 5.2.2.5)."""
    return NO_STORE if page.private else {}


def _is_public(request: Request) -> bool:
    """Whether what is on chain is everybody's here."""
    door: Door | None = request.app.state.door
    return door is None or door.public_reads


def _html(request: Request, page: Page, words: Words, found: VerificationView | None, status: int = 200) -> Response:
    root, path = _root(request), request.url.path.removesuffix("/")
    here = "/index" if path == root else path.removeprefix(root)
    kept = {name: value for name, value in request.query_params.items() if name != "lang"}
    context = {
        "page": page,
        "words": words,
        "say": words.say,
        "root": root,
        "navigation": _navigation(request),
        "languages": [(each, tag, "?" + urlencode({**kept, "lang": each})) for each, tag in LANGUAGES.items()],
        "json": f"{root}{here}.json" + (f"?{urlencode(kept)}" if kept else "") if status == 200 else None,
        "csv": f"{root}{here}.csv" + (f"?{urlencode(kept)}" if kept else "") if page.table is not None else None,
        "static": lambda name: f"{root}/static/{name}?{_fingerprint(name)}",
        "badge": "" if found is None else _badge(words, found),
        "verified": found is not None and (found.proof, found.second_node, found.receipts_to) != (None,) * 3,
        "path": here,
    }
    body = _templates().get_template(page.template).render(context)
    answer = Response(body, status, media_type="text/html; charset=utf-8", headers={"Content-Language": words.tag})
    answer.headers["Vary"] = "Accept-Language, Cookie"
    answer.headers.update(_kept(page) or {"Cache-Control": "no-cache" if _is_public(request) else "no-store"})
    if status == 401:
        answer.headers["WWW-Authenticate"] = CHALLENGE
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(COOKIE, words.language, max_age=YEAR, path=root, httponly=True, samesite="lax")
    return answer


def _navigation(request: Request) -> list[str]:
    """The parts of the site that who looks may look at, or may sign in to."""
    door, caller = request.app.state.door, _caller(request)
    rights = {noun: RIGHTS.get(f"/{noun}", ON_CHAIN) for noun in NAVIGATION}
    return [noun for noun, right in rights.items() if not right.roles or allows(right, door, caller)]


def _badge(words: Words, found: VerificationView) -> Markup:
    ways = []
    if found.proof is not None:
        ways.append(words.say("badge.proof", block=f"{found.proof:,}"))
    if found.second_node is not None:
        ways.append(words.say("badge.second", block=f"{found.second_node:,}"))
    if found.receipts_to is not None:
        ways.append(words.say("badge.receipts", first=f"{found.receipts_from:,}", last=f"{found.receipts_to:,}"))
    if not ways:
        return words.say("badge.unverified")
    return words.say("badge.verified", ways=words.say("list.joiner").join(ways))


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("deedbook.api.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


# -- static files ------------------------------------------------------------------------------------------------------


@cache
def _file(name: str) -> bytes:
    return resources.files("deedbook.api.web").joinpath(f"static/{name}").read_bytes()


@cache
def _fingerprint(name: str) -> str:
    return sha256(_file(name)).hex()[:16]


def static(request: Request) -> Response:
    """The style, the scripts and the mark: named by what is in them, so kept for ever."""
    name = request.path_params["name"]
    if name not in STATIC:
        raise HTTPException(404)
    cached = f"public, max-age={YEAR}, immutable" if request.url.query == _fingerprint(name) else "no-cache"
    return Response(_file(name), headers={"Content-Type": STATIC[name], "Cache-Control": cached})


# -- errors ------------------------------------------------------------------------------------------------------------


def _of_deedbook(request: Request, error: Exception) -> Response:
    assert isinstance(error, DeedbookError)
    status = status_of(error)
    if status == 500:
        LOG.error("%s: %s", error.code, error)
    return _refusal(request, status, error.code, error.field if isinstance(error, InvalidInput) else None)


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _refusal(request, error.status_code, "not-found" if error.status_code == 404 else "refused", None)


def _of_fault(request: Request, _: Exception) -> Response:
    return _refusal(request, 500, "fault", None)


def _refusal(request: Request, status: int, code: str, field: str | None) -> Response:
    words = _words(request)
    entry = f"error.{status}" if words.has(f"error.{status}") else "error.500"
    detail = words.say(entry)
    if request.url.path.endswith((".json", ".csv")):
        said: dict[str, Any] = {"type": TYPE + code, "title": str(detail), "status": status, "code": code}
        return JSONResponse(said, status, media_type=MEDIA_TYPE)
    lead = words.say("error.field", field=field) if field else detail
    page = Page(words.say("error.title", status=status), "error", [], None, lead=lead, template="error.html")
    return _html(request, page, words, None, status)
