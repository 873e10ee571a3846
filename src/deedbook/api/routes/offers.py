"""Offers: listed with their terms, closed; and the policy that listing and ordering obey."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from deedbook.api.acting import By, act
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, listed, showing, shown, tabular
from deedbook.api.routes.inputs import After, Flag, Limit, asset_id_of, key_of
from deedbook.api.said import Account, GradeCode, KindOfAsset, Kinds, Modes, Object
from deedbook.domain.codes import Grade
from deedbook.domain.hashing import to_hex
from deedbook.domain.sales import Offer
from deedbook.domain.sales import offer_id as id_of_offer
from deedbook.ledger import offers as ledger
from deedbook.queries import offers as queries
from deedbook.queries.offers import OfferView, PolicyView
from deedbook.queries.views import Page

router = APIRouter(tags=["offers"])


@tabular(router, "/offers", OfferView)
def offers(
    asked: Reads, asset: str | None = None, only_open: Flag = False, limit: Limit = None, after: After = None
) -> Response:
    """Offers in the order of their listing, of one asset where named."""
    number = None if asset is None else asset_id_of(asset)
    return listed(
        asked,
        OfferView,
        lambda mirror, few, at: queries.offers(mirror, asset_id=number, only_open=only_open, limit=few, after=at),
        limit=limit,
        after=after,
    )


@router.get("/offers/{offer_id}", **showing(OfferView))
def offer(asked: Reads, offer_id: str) -> Response:
    """An offer with its whole document; ordering names its hash, which is its id."""
    key = key_of(offer_id, "offerId")
    return shown(asked, lambda mirror: queries.offer(mirror, key).to_json())


@tabular(router, "/policies", PolicyView)
def policies(asked: Reads) -> Response:
    """The listing policies: what a kind and grade needs to be listed and ordered."""
    return listed(asked, PolicyView, lambda mirror, *_: Page(queries.policies(mirror), None), limit=None, after=None)


class Listing(By):
    """An offer (`deedbook.offer`, version 1); whose attestations are relied on, lowest kind first, is found where none
    is named."""

    offer: Object
    attesters: list[Account] = Field(default_factory=list)


class PolicySetting(By):
    """What a kind and grade needs to be listed, and to be ordered besides; in which modes it may be sold."""

    kind: KindOfAsset
    modes: Modes
    grade: GradeCode = int(Grade.GENERAL)
    to_list: Kinds = 0
    to_order: Kinds = 0


@act(router, "/offers", Listing)
def list_offer(hand: Hand, said: Listing) -> None:
    """Lists an offer, as one who may operate the asset."""
    offer = Offer.from_json(said.offer)
    where = (hand.acting.chain_id, hand.acting.addresses["Market"])
    hand.says(offerId=to_hex(id_of_offer(*where, offer)), assetId=str(offer.asset_id))
    ledger.list_offer(hand.acting, hand.me, offer, hand.relied(offer, said.attesters, to_order=False))


@act(router, "/offers/{offer_id}/closing", By)
def close(hand: Hand, _said: By, offer_id: bytes) -> None:
    """Closes one's offer; sales that were ordered go on."""
    hand.says(offerId=to_hex(offer_id))
    ledger.close(hand.acting, hand.me, queries.offer(hand.mirror, offer_id).document)


@act(router, "/policies", PolicySetting, direct=True)
def set_policy(hand: Hand, said: PolicySetting) -> None:
    """Sets what listing and ordering ask for a kind and grade, as governance."""
    asked = {"to_list": said.to_list, "to_order": said.to_list | said.to_order, "modes": said.modes}
    ledger.set_policy(hand.acting, hand.me, said.kind, said.grade, **asked)
