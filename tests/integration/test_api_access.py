"""Who may ask what: every route, as nobody, a person, another tenant, a member in another role, and whose it is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import pytest

from deedbook.api.app import create_app
from deedbook.api.rights import DRAFTS, HOUSE, NEVER, RIGHTS, TABLES, Right, needs, right_of, routes_of
from deedbook.api.server import Server
from deedbook.api.serving import Serving
from deedbook.api.web import site
from deedbook.chain.transactions import Call
from deedbook.domain.codes import Role
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.domain.principals import Matter, Means, Scope, matter_of, reader_mark
from deedbook.ledger import members
from deedbook.wallet.signers import LocalSigner
from tests.e2e.http_service import listening
from tests.integration.behind_a_door import TENANT, Served, served
from tests.integration.scenario import (
    AUDITOR,
    BANK,
    BUYER,
    EXCHANGE,
    FIRM,
    NOTICE,
    PROVIDER,
    SECOND,
    Scenario,
    Stage,
    account,
    record_of,
)

REGULATOR = account("regulator")
PERSON, OTHER_PERSON = account("person 0"), account("person 1")
"""Whose statement it is, and somebody else."""


@dataclass(frozen=True)
class Row:
    """A request of one route, and what is answered to nobody, a person, another tenant, a member in another role (the
    buyer) and to `right`, whose it is or who has the role."""

    path: str
    answers: str
    right: LocalSigner | None = None  # the person, where nobody is named
    body: Callable[[Served], Any] | None = None
    media_type: str = "application/json"


def on_chain(path: str, status: int = 200) -> Row:
    return Row(path, " ".join([str(status)] * 5))


def body(value: Any) -> Callable[[Served], Any]:
    return lambda _: value


NUMBERS: Final = itertools.count()


def fresh_consent(of: Served) -> Any:
    """Of somebody whose consent nobody collected yet."""
    return of.scenario.sign(account(f"newcomer {next(NUMBERS)}")).to_json()


def case_call(scenario: Scenario, number: int = 0) -> Call:
    """What a member may always do."""
    cases = scenario.services.addresses["Cases"]
    return Call("Cases", cases, "open", (sha256(bytes([number])), 3, sha256(b"grounds")))


# A request that is let in and then refused for what it says (422) shows that it was let in: the asset, the batch, the
# sale and so on are those of the listed home.
TABLE: Final[dict[tuple[str, str], Row]] = {
    ("GET", "/openapi.json"): on_chain("/openapi.json"),
    ("GET", "/health"): on_chain("/health"),
    ("GET", "/ready"): on_chain("/ready"),
    ("GET", "/status"): on_chain("/status"),
    ("GET", "/metrics"): Row("/metrics", "401 403 403 403 200", EXCHANGE),
    ("GET", "/alerts"): Row("/alerts", "401 403 200 403 200", EXCHANGE),
    ("POST", "/rpc"): Row(
        "/rpc", "200 200 200 200 200", body=body({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []})
    ),
    ("POST", "/session/nonce"): Row("/session/nonce", "200 200 200 200 200", body=body({})),
    ("POST", "/session"): Row("/session", "422 422 422 422 422", body=body({"message": "", "signature": "0x"})),
    ("DELETE", "/session"): Row("/session", "401 204 204 204 204", EXCHANGE),
    ("GET", "/me"): on_chain("/me"),
    ("GET", "/me/consents"): Row("/me/consents", "401 200 200 200 200"),
    ("GET", "/me/orders"): Row("/me/orders", "401 200 200 200 200"),
    ("GET", "/me/complaints"): Row("/me/complaints", "401 200 200 200 200"),
    ("POST", "/me/complaints"): Row(
        "/me/complaints",
        "401 404 404 404 201",
        body=lambda home: {"consent": to_hex(home.scenario.consent_of(PERSON)), "text": "nobody asked me"},
    ),
    ("GET", "/complaints"): Row("/complaints", "401 403 200 403 200", REGULATOR),
    ("GET", "/statements/{consent_id}"): Row("/statements/{consent}", "401 404 404 404 200"),
    ("GET", "/deployment"): on_chain("/deployment"),
    ("GET", "/documents/{digest}"): on_chain("/documents/{notice}"),
    ("GET", "/members"): on_chain("/members"),
    ("GET", "/members/{account}/statement"): on_chain("/members/{provider}/statement"),
    ("GET", "/assets"): on_chain("/assets"),
    ("GET", "/assets/{asset_id}"): on_chain("/assets/{asset}"),
    ("GET", "/assets/{asset_id}/versions/{number}"): on_chain("/assets/{asset}/versions/1"),
    ("GET", "/assets/{asset_id}/lineage"): on_chain("/assets/{asset}/lineage"),
    ("GET", "/assets/{asset_id}/flow"): on_chain("/assets/{asset}/flow"),
    ("GET", "/assets/{asset_id}/batches"): on_chain("/assets/{asset}/batches"),
    ("GET", "/consents/{consent_id}"): on_chain("/consents/{consent}"),
    ("GET", "/consents/{consent_id}/proof"): on_chain("/consents/{consent}/proof"),
    ("GET", "/offers"): on_chain("/offers"),
    ("GET", "/offers/{offer_id}"): on_chain("/offers/{offer}"),
    ("GET", "/sales"): on_chain("/sales"),
    ("GET", "/sales/{sale_id}"): on_chain("/sales/{sale}"),
    ("GET", "/sales/{sale_id}/usage"): on_chain("/sales/{sale}/usage"),
    ("GET", "/anchors/{exchange}"): on_chain("/anchors/{exchange}"),
    ("GET", "/anchors/{exchange}/log"): on_chain("/anchors/{exchange}/log"),
    ("GET", "/anchors/{exchange}/entries/{index}"): on_chain("/anchors/{exchange}/entries/0"),
    ("GET", "/anchors/{exchange}/proof"): on_chain("/anchors/{exchange}/proof", 422),
    ("GET", "/anchors/{exchange}/extension"): on_chain("/anchors/{exchange}/extension", 422),
    ("GET", "/anchors/{exchange}/log/checkpoint"): on_chain("/anchors/0x07/log/checkpoint", 422),
    ("GET", "/anchors/{exchange}/log/tile/{path:path}"): on_chain("/anchors/{exchange}/log/tile/x", 422),
    ("GET", "/livez"): on_chain("/livez"),
    ("GET", "/readyz"): on_chain("/readyz"),
    ("GET", "/members/{account}"): on_chain("/members/{provider}"),
    ("GET", "/attestations"): on_chain("/attestations", 422),
    ("GET", "/assets/{asset_id}/rights"): on_chain("/assets/{asset}/rights"),
    ("GET", "/batches/{batch_id}"): on_chain("/batches/x", 422),
    ("GET", "/cases"): on_chain("/cases", 422),
    ("GET", "/cases/{case_id}"): on_chain("/cases/x", 422),
    ("GET", "/holds"): on_chain("/holds", 422),
    ("GET", "/policies"): on_chain("/policies"),
    ("GET", "/trust"): on_chain("/trust"),
    ("GET", "/events"): on_chain("/events"),
    ("GET", "/consents/{consent_id}/receipt"): Row("/consents/{consent}/receipt", "401 404 404 404 200"),
    ("GET", "/sales/{sale_id}/evidence/{consent_id}"): Row("/sales/{sale}/evidence/x", "401 422 422 422 422"),
    ("GET", "/sales/{sale_id}/bundle"): Row("/sales/{sale}/bundle", "401 404 200 200 200", AUDITOR),
    ("GET", "/sales/{sale_id}/delivery"): Row("/sales/{sale}/delivery", "401 404 404 200 200", PROVIDER),
    ("GET", "/sales/{sale_id}/records"): Row("/sales/{sale}/records", "401 404 404 200 200", PROVIDER),
    ("GET", "/batches/{batch_id}/consents"): Row("/batches/{batch}/consents", "401 403 200 403 200", AUDITOR),
    ("GET", "/batches/{batch_id}/check"): Row("/batches/{batch}/check", "401 403 200 403 200", AUDITOR),
    ("GET", "/payloads"): Row("/payloads", "401 403 403 403 200", EXCHANGE),
    ("GET", "/webhooks"): Row("/webhooks", "401 403 403 403 200", EXCHANGE),
    **{
        (method, f"/webhooks/{{hook_id}}{rest}"): Row(
            f"/webhooks/x{rest}", "401 403 403 403 404", EXCHANGE, body({}) if method == "POST" else None
        )
        for method, rests in (("GET", ("", "/dead")), ("POST", ("/enable", "/remove", "/replay", "/rotate", "/test")))
        for rest in rests
    },
    ("POST", "/documents"): Row("/documents", "401 201 201 201 201", EXCHANGE, body({})),
    ("POST", "/assets/{asset_id}/consents"): Row(
        "/assets/{asset}/consents", "401 403 403 403 422", EXCHANGE, body(b"{}\n"), "application/x-ndjson"
    ),
    ("POST", "/consents"): Row("/consents", "401 404 404 404 201", PROVIDER, fresh_consent),
    ("POST", "/assets/{asset_id}/batches"): Row("/assets/{asset}/batches", "401 403 404 403 202", PROVIDER, body({})),
    ("POST", "/drafts/assets/{asset_id}/batches"): Row(
        "/drafts/assets/{asset}/batches", "401 403 422 403 422", PROVIDER, body({})
    ),
    ("POST", "/anchors/{exchange}/entries"): Row(
        "/anchors/{exchange}/entries", "401 403 404 403 201", EXCHANGE, body(b"{}\n"), "application/x-ndjson"
    ),
    ("POST", "/withdrawals"): Row("/withdrawals", "422 422 422 422 422", body=body({})),
    ("POST", "/payees"): Row("/payees", "422 422 422 422 422", body=body({})),
    ("POST", "/payees/kept"): Row("/payees/kept", "422 422 422 422 422", body=body({})),
    ("POST", "/relayed"): Row("/relayed", "422 422 422 422 422", body=body({})),
    ("GET", "/relayed/{digest}"): Row("/relayed/{act}", "404 404 404 404 200", SECOND),
    ("GET", "/operations/{operation_id}"): Row("/operations/{act}", "404 404 404 404 200", SECOND),
}


@pytest.fixture(scope="module")
def home(listed: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service, with a sale settled, an act relayed, an entry in the exchange's log, a consent that waits."""
    with Scenario.copied(listed, tmp_path_factory.mktemp("access")) as scenario:
        scenario.settle(scenario.order(BUYER))
        scenario.admit(REGULATOR, Role.REGULATOR)
        with served(scenario) as made:
            act = scenario.services.relaying.sign(case_call(scenario), SECOND)
            assert made.ask(SECOND, "POST", "/relayed?wait=final", act.to_json()).status == 201
            answer = made.ask(EXCHANGE, "POST", filled(made, "/anchors/{exchange}/entries"), b"{}\n", **NDJSON)
            assert answer.status == 201
            assert made.ask(PROVIDER, "POST", "/consents", fresh_consent(made)).status == 201
            yield made


NDJSON: Final = {"Content_Type": "application/x-ndjson"}


def filled(of: Served, path: str) -> str:
    """A path with the ids of what is in the home."""
    scenario = of.scenario
    acts = scenario.services.records.relayed
    with scenario.services.mirror.reading() as connection:
        sale = connection.exec_driver_sql("SELECT sale_id FROM sales").scalar_one()
    return path.format(
        asset=scenario.stage.asset_id,
        notice=to_hex(NOTICE.hash),
        provider=to_hex(PROVIDER.address),
        exchange=to_hex(EXCHANGE.address),
        consent=to_hex(scenario.consent_of(PERSON)),
        offer=to_hex(scenario.offer_id),
        sale=to_hex(bytes(sale)),
        batch=to_hex(scenario.batch.batch_id),
        act=to_hex(acts.of(SECOND.address)[0].digest) if "{act}" in path else "",
    )


def default(method: str, path: str) -> Row | None:
    """The row of an act, a draft, or what is the operator's own: what is said there is nothing (422)."""
    right, nothing = right_of(method, path), body({})
    named = re.sub(r"{[^}]*}", "x", path)
    if right == needs(Scope.ACT):
        return Row(named, "401 422 422 422 422", EXCHANGE, nothing)
    if path in DRAFTS:
        return Row(named, "422 422 422 422 422", body=nothing)
    if right == HOUSE and ("{" in path or method == "POST"):
        return Row(named, "401 403 403 403 422", EXCHANGE, nothing if method == "POST" else None)
    return None


def known(method: str, path: str) -> Row:
    """The row of a route."""
    stem, dot, form = path.rpartition(".")
    found = TABLE.get((method, path)) or (TABLE.get((method, stem)) if dot and form in TABLES else None)
    if found is not None and (method, path) not in TABLE:
        return replace(found, path=f"{found.path}.{form}")
    found = found or default(method, path)
    assert found is not None, (
        f"{method} {path} has no row here: say what is answered to nobody, a person, another tenant, a member in "
        "another role and whose it is, in TABLE; and who may ask, in src/deedbook/api/rights.py"
    )
    return found


ROUTES: Final = sorted(set(routes_of(create_app(cast(Serving, None), pages=False))))


def test_every_route_says_who_may_ask() -> None:
    lacking = [f"{method} {path}" for method, path in ROUTES if right_of(method, path) is NEVER]
    assert lacking == [], "say who may ask these, in src/deedbook/api/rights.py; until then nobody may"
    gone = sorted({*RIGHTS, *TABLE} - set(ROUTES))
    assert gone == [], "these are routes no more: take them out of src/deedbook/api/rights.py and of TABLE"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_route_answers_everybody_as_its_row_says(home: Served, method: str, path: str) -> None:
    row = known(method, path)
    headers = {"Content_Type": row.media_type}
    found = []
    for who in (None, OTHER_PERSON, TENANT, BUYER, row.right or PERSON):
        if method == "DELETE" and who is not None:
            home.tokens.pop(who.address, None)
        asked = None if row.body is None else row.body(home)
        answer = home.ask(who, method, filled(home, row.path), asked, **headers)
        found.append(answer.status)
        if answer.status == 401:
            assert answer.headers["www-authenticate"] == 'Bearer realm="deedbook"'
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
    home.tokens.clear()
    assert " ".join(map(str, found)) == row.answers


EXAMINED: Final = {
    "/sales/{sale}/bundle": (404, (BUYER, PROVIDER)),
    "/sales/{sale}/bundle?public=true": (404, (BUYER, PROVIDER)),
    "/batches/{batch}/consents": (403, (EXCHANGE,)),
    "/batches/{batch}/check": (403, (EXCHANGE,)),
}
"""What auditors and regulators read: how others are refused, and whose it is besides."""


@pytest.mark.parametrize("path", EXAMINED)
def test_evidence_is_for_whose_it_is_and_for_who_examines_in_good_standing(home: Served, path: str) -> None:
    refused, own = EXAMINED[path]
    wanted, former = filled(home, path), account(f"a former auditor of {path}")
    home.scenario.admit(former, Role.AUDITOR)
    home.desk.catch_up()
    assert [home.ask(who, "GET", wanted).status for who in (former, AUDITOR, REGULATOR, *own)] == [200] * (3 + len(own))
    members.suspend(home.scenario.acting, home.scenario.governance, former.address, 7)
    home.desk.catch_up()
    others = [home.ask(who, "GET", wanted) for who in (former, PERSON, SECOND, FIRM, BANK)]
    assert [each.status for each in others] == [refused] * 5
    assert home.ask(None, "GET", wanted).status == 401


def test_an_auditor_who_is_no_party_takes_home_a_bundle_that_verifies_and_the_read_is_noted(home: Served) -> None:
    book, sale = home.scenario.services.records.principals, filled(home, "{sale}")
    whole, public = (home.ask(AUDITOR, "GET", f"/sales/{sale}/bundle{more}") for more in ("", "?public=true"))
    trust = home.ask(AUDITOR, "GET", "/trust").json()
    for each in (whole, public):
        assert each.headers["cache-control"] == "no-store"
        verdict = home.ask(AUDITOR, "POST", "/verifications", {"bundle": each.json(), "trust": trust}).json()
        assert verdict["exitCode"] == 0, verdict
    signature = home.scenario.receipt_of(PERSON).signed.signature.hex().encode()
    assert (signature in whole.content, signature in public.content) == (True, False)
    for person in home.scenario.stage.people:
        assert record_of(person)["name"].encode() not in whole.content
    matter = matter_of(Matter.EVIDENCE, bytes.fromhex(sale[2:]))
    reads = [read for _, read in book.reads(matter=matter, reference=reader_mark(AUDITOR.address))[0]]
    assert {(read.means, read.kind) for read in reads} == {(Means.SESSION, Matter.EVIDENCE)}
    before = len(reads)
    home.ask(AUDITOR, "GET", f"/sales/{sale}/bundle")
    home.ask(SECOND, "GET", f"/sales/{sale}/bundle")
    assert len(book.reads(matter=matter, reference=reader_mark(AUDITOR.address))[0]) == before + 1
    assert book.reads(matter=matter, reference=reader_mark(SECOND.address))[0] == []


def test_anothers_sale_is_answered_as_one_that_is_not_there(home: Served) -> None:
    here, nowhere = filled(home, "{sale}"), "0x" + "07" * 32
    said = [home.ask(SECOND, "GET", f"/sales/{each}/bundle").content for each in (here, nowhere)]
    assert said[0].replace(here.encode(), b"") == said[1].replace(nowhere.encode(), b"")


def test_what_waits_to_be_anchored_is_drafted_for_whoever_collected_it_and_for_no_other(home: Served) -> None:
    assert home.ask(PROVIDER, "POST", "/consents", fresh_consent(home)).status == 201
    path = filled(home, "/drafts/assets/{asset}/batches")
    said = {"as": checksum_address(PROVIDER.address)}
    assert [home.ask(who, "POST", path, said).status for who in (None, TENANT, PROVIDER)] == [401, 404, 200]
    found = home.ask(TENANT, "POST", path, {"as": checksum_address(TENANT.address)}).json()
    assert found["code"] == "not-found"


def test_a_desk_shows_alerts_to_who_may_read_them_and_has_forms_for_its_own_member(home: Served) -> None:
    path = f"/explore/desk/exchange/{checksum_address(EXCHANGE.address)}"
    buyers = f"/explore/desk/buyer/{checksum_address(BUYER.address)}"
    for who, sees in ((None, False), (BUYER, False), (TENANT, True), (EXCHANGE, True)):
        told = home.ask(who, "GET", f"{path}.json").json()
        assert ("settled" in told, "alerts" in told) == (True, sees)
        assert ("acting" in home.ask(who, "GET", f"{buyers}.json").json()) is (who is BUYER)
    assert home.ask(None, "GET", path).status == 200


PAGED: Final[dict[str, str]] = {
    "/alerts": "401 403 200 403 200",
    **dict.fromkeys(("/own", "/consents/{consent}/withdrawal"), "200 200 200 200 200"),
}
"""What pages answer that are not as all others."""


@pytest.mark.parametrize("page", site.PAGES)
def test_a_page_is_for_who_is_known_where_what_is_on_chain_is_not_everybodys(home: Served, page: str) -> None:
    names = {"account": checksum_address(EXCHANGE.address), "consent": to_hex(home.scenario.consent_of(PERSON))}
    path = "/explore" + re.sub(r"{(\w+)}", lambda found: names.get(found[1], "0x" + "07" * 32), page)
    home.set(public_reads=False)
    try:
        whole, file = (
            [home.ask(who, "GET", each) for who in (None, OTHER_PERSON, TENANT, BUYER, EXCHANGE)]
            for each in (path, f"{path}.json")
        )
    finally:
        home.set(public_reads=True)
    stranger = whole[0]
    if page == "/own/consents/{consent}":
        assert [each.status for each in whole] == [200, *[404] * 4]
        assert home.ask(PERSON, "GET", path).status == 200
    elif page in PAGED:
        assert " ".join(str(each.status) for each in whole) == PAGED[page]
    else:
        assert (stranger.status, stranger.headers["cache-control"]) == (401, "no-store")
        assert stranger.headers["www-authenticate"] == 'Bearer realm="deedbook"'
        assert b'id="sign"' in stranger.content
        assert {each.status for each in whole[1:]} <= {200, 404, 422}
        assert {each.headers["cache-control"] for each in whole[1:]} == {"no-store"}
        assert (file[0].status, file[0].json()["code"]) == (401, "unauthenticated")
    assert names["account"].encode() not in stranger.content or page in PAGED


@pytest.mark.parametrize(("method", "path"), [route for route, right in RIGHTS.items() if right.on_chain])
def test_what_is_on_chain_asks_who_somebody_is_where_the_settings_say_so(home: Served, method: str, path: str) -> None:
    row = known(method, path)
    home.set(public_reads=False)
    try:
        answers = [home.ask(who, method, filled(home, row.path)).status for who in (None, OTHER_PERSON, TENANT)]
    finally:
        home.set(public_reads=True)
    assert answers == [401, *map(int, row.answers.split()[1:3])]


SCOPED: Final = [(route, right) for route, right in RIGHTS.items() if right.scope and not right.on_chain]


@pytest.mark.parametrize(("route", "right"), SCOPED)
def test_a_key_or_session_without_the_scope_is_told_which_it_lacks(
    home: Served, route: tuple[str, str], right: Right
) -> None:
    assert right.scope is not None
    method, path = route
    row = known(method, path)
    others = [scope for scope in Scope if scope is not right.scope]
    if row.right is None:
        narrowed = [f"urn:deedbook:scope:{scope}" for scope in others]
        shown = home.sign_in(PERSON, *narrowed).json()["token"]
    else:
        shown = home.key(row.right, *others)
    asked = None if row.body is None else row.body(home)
    answer = home.ask(shown, method, filled(home, row.path), asked, Content_Type=row.media_type)
    assert (answer.status, answer.json()["code"], answer.json()["scope"]) == (403, "forbidden", str(right.scope))
    said = f'Bearer realm="deedbook", error="insufficient_scope", scope="{right.scope}"'
    assert answer.headers["www-authenticate"] == said


def test_a_route_without_a_row_is_nobodys(home: Served) -> None:
    app = create_app(cast(Serving, home.desk), door=home.door)
    app.add_api_route("/forgotten", lambda: {"answer": 1}, methods=["GET"])
    with listening(Server(app)) as client:
        for who in (None, EXCHANGE):
            token = {} if who is None else {"Authorization": f"Bearer {home.token(who)}"}
            answer = client.ask("GET", "/forgotten", None, token)
            assert (answer.status, answer.json()["code"]) == (403, "forbidden")


def test_the_chain_is_not_served_to_who_comes_through_a_proxy(home: Served) -> None:
    row = known("POST", "/rpc")
    assert row.body is not None
    asked = row.body(home)
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert home.client.ask("POST", "/rpc", asked, {header: "127.0.0.1"}).status == 403


def test_a_member_that_is_suspended_has_no_role_from_the_next_request_on(home: Served) -> None:
    suspended = account("a member for a while")
    home.scenario.admit(suspended, int(Role.AUDITOR))
    home.desk.catch_up()
    assert home.ask(suspended, "GET", "/alerts").status == 200
    members.suspend(home.scenario.acting, home.scenario.governance, suspended.address, 7)
    home.desk.catch_up()
    assert home.ask(suspended, "GET", "/alerts").status == 403
    assert home.ask(suspended, "GET", "/me").json()["roles"] == []


def test_anothers_id_is_answered_byte_by_byte_as_one_that_is_not_there(home: Served) -> None:
    places = {"/statements/{consent}": PERSON, "/operations/{act}": SECOND, "/relayed/{act}": SECOND}
    for path, owner in places.items():
        wanted = filled(home, path)
        unknown = wanted[: wanted.index("0x")] + "0x" + "07" * 32
        here, nowhere = (home.ask(OTHER_PERSON, "GET", each) for each in (wanted, unknown))
        assert (here.status, nowhere.status) == (404, 404)
        name = wanted.rpartition("/")[2].encode()
        assert here.content.replace(name, b"") == nowhere.content.replace(b"0x" + b"07" * 32, b"")
        assert home.ask(owner, "GET", wanted).status == 200


def test_an_act_that_nobody_known_handed_over_is_for_whoever_has_its_id(home: Served) -> None:
    act = home.scenario.services.relaying.sign(case_call(home.scenario, 9), BUYER)
    assert home.client.ask("POST", "/relayed?wait=final", act.to_json()).status == 201
    assert home.client.get(f"/operations/{to_hex(act.digest)}").status == 200
    again = home.ask(BUYER, "POST", "/relayed", act.to_json())
    assert again.status == 202
    assert home.client.get(f"/operations/{to_hex(act.digest)}").status == 404  # it is somebody's from now on
    assert home.ask(BUYER, "GET", f"/operations/{to_hex(act.digest)}").status == 200
    assert home.ask(EXCHANGE, "GET", f"/operations/{to_hex(act.digest)}").status == 200  # the operator's own account


def test_an_idempotency_key_is_its_accounts_own(home: Served) -> None:
    consent = fresh_consent(home)
    first = home.ask(PROVIDER, "POST", "/consents", consent, Idempotency_Key="the-same")
    again = home.ask(PROVIDER, "POST", "/consents", consent, Idempotency_Key="the-same")
    assert (first.status, again.content, again.headers["idempotency-replayed"]) == (201, first.content, "true")
    other = home.ask(TENANT, "POST", "/consents", consent, Idempotency_Key="the-same")
    assert (other.status, "idempotency-replayed" in other.headers) == (404, False)
    answer = home.ask(TENANT, "POST", "/consents", {"another": 1}, Idempotency_Key="the-same")
    assert answer.json()["code"] != "key-reused"
