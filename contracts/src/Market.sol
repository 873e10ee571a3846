// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {Governed} from "./Governed.sol";
import {IAttestations} from "./interfaces/IAttestations.sol";
import {ICases} from "./interfaces/ICases.sol";
import {IConsents} from "./interfaces/IConsents.sol";
import {IDataAssets} from "./interfaces/IDataAssets.sol";
import {IMarket} from "./interfaces/IMarket.sol";
import {IMembership} from "./interfaces/IMembership.sol";
import {Bases} from "./libraries/Bases.sol";
import {Codes} from "./libraries/Codes.sol";
import {Keys} from "./libraries/Keys.sol";
import {Offers} from "./libraries/Offers.sol";

/// @title Market
/// @dev An offer travels in calldata and is found again by its hash; a sale is three words, of which later acts write one.
contract Market is IMarket, Governed {
    using Bases for IConsents.BasisState;
    using Offers for Conditions;
    using Offers for Offer;
    using Offers for Price;

    struct Deal {
        address buyer;
        uint96 price;
        uint8 state;
        bool onBasis; // stands on consents; else on SOURCE_LEGALITY, and has no subject pool
        uint32 version;
        uint40 at;
        uint40 paidAt;
        uint64 liveAtPrepare;
        uint64 deliveredCount;
        bytes32 offerId;
    }

    bytes32 private constant SALE_TAG = keccak256("deedbook.sale.v1");
    bytes32 private constant POLICY_TAG = keccak256("deedbook.policy.v1");
    uint16 private constant SOURCE = uint16(1) << Codes.ATTEST_SOURCE_LEGALITY;
    uint16 private constant DEIDENTIFIED = uint16(1) << Codes.ATTEST_DEIDENTIFICATION;

    /// @inheritdoc IMarket
    uint64 public constant PREPARE_WINDOW = 15 minutes;
    /// @inheritdoc IMarket
    uint64 public constant ACCEPTANCE_WINDOW = 7 days;

    IMembership private immutable _membership;
    ICases private immutable _cases;
    IAttestations private immutable _attestations;
    IDataAssets private immutable _dataAssets;
    IConsents private immutable _consents;

    mapping(uint8 kind => mapping(uint8 grade => Policy)) private _policies;
    mapping(bytes32 offerId => OfferState) private _offers;
    mapping(bytes32 saleId => Deal) private _deals;
    mapping(bytes32 receiptHash => bool) private _receipts;

    constructor(
        address manager,
        IMembership membership,
        ICases cases,
        IAttestations attestations,
        IDataAssets dataAssets,
        IConsents consents,
        address forwarder
    ) Governed(manager, forwarder) {
        _membership = membership;
        _cases = cases;
        _attestations = attestations;
        _dataAssets = dataAssets;
        _consents = consents;
    }

    // Policy and offers.

    /// @inheritdoc IMarket
    function setPolicy(uint8 kind, uint8 grade, Policy calldata policy) external restricted {
        if (policy.toList & ~policy.toOrder != 0) revert PolicyNarrows(policy.toList, policy.toOrder);
        if (policy.modes & ~Codes.MODES_ALL != 0) revert UnknownModes(policy.modes);
        _policies[kind][grade] = policy;
        bytes32 entity = keccak256(abi.encode(POLICY_TAG, kind, grade));
        _record(entity, PolicySet.selector, bytes32(uint256(kind)), bytes32(uint256(grade)), abi.encode(policy));
    }

    /// @inheritdoc IMarket
    function list(Offer calldata offer, address[] calldata attesters) external returns (bytes32 offerId) {
        offerId = offerIdOf(offer);
        _requireProvider(offer, offerId);
        _membership.requireRole(offer.provider, Codes.ROLE_PROVIDER);
        if (_offers[offerId].state != Codes.OFFER_NONE) revert OfferExists(offerId);
        if (_time() > offer.validUntil) revert OfferExpired(offerId, offer.validUntil);
        offer.requireWellFormed();
        IDataAssets.Asset memory asset = _requireAsset(offer);
        _requireAttested(offer, asset, _requirePolicy(offer, asset).toList, attesters, address(0));
        _requireFree(offer, offerId);
        _offers[offerId].state = Codes.OFFER_OPEN;
        _recordOffer(OfferListed.selector, offer, offerId, abi.encode(offer));
    }

    /// @inheritdoc IMarket
    function close(Offer calldata offer) external {
        bytes32 offerId = offerIdOf(offer);
        _requireProvider(offer, offerId);
        _requireOpen(offerId);
        _offers[offerId].state = Codes.OFFER_CLOSED;
        _recordOffer(OfferClosed.selector, offer, offerId, "");
    }

    // Orders.

    /// @inheritdoc IMarket
    function order(bytes32 offerId, Offer calldata offer, address[] calldata attesters, bytes32 reference_)
        external
        returns (bytes32 saleId)
    {
        _requireMatch(offerId, offer);
        Deal memory deal;
        deal.offerId = offerId;
        deal.buyer = _msgSender();
        saleId = saleIdOf(offerId, deal.buyer, reference_);
        if (_deals[saleId].state != Codes.SALE_NONE) revert SaleExists(saleId);
        _takeOrder(offerId, offer, deal.buyer);
        IDataAssets.Asset memory asset = _requireAsset(offer);
        deal.onBasis = _requireAttested(offer, asset, _requirePolicy(offer, asset).toOrder, attesters, deal.buyer);
        uint64 live = _requireDeal(saleId, offer, deal, asset);
        if (deal.onBasis && live == 0) revert NoLiveConsent(offer.assetId, offer.version);
        _enter(saleId, offer, deal);
        _recordOrder(saleId, offer, deal, reference_, live, attesters);
    }

    /// @dev The offer is open, in time and, as a try-out, for this buyer.
    function _takeOrder(bytes32 offerId, Offer calldata offer, address buyer) private {
        uint32 orders = _requireOpen(offerId);
        if (_time() > offer.validUntil) revert OfferExpired(offerId, offer.validUntil);
        if (buyer == offer.provider) revert ProviderIsBuyer(buyer);
        offer.requireInSandbox(offerId, orders, buyer, _time());
        _offers[offerId].orders = orders + 1;
    }

    function _enter(bytes32 saleId, Offer calldata offer, Deal memory deal) private {
        deal.state = Codes.SALE_ORDERED;
        deal.version = offer.version;
        deal.at = uint40(_time());
        deal.price = uint96(offer.price.priceOf());
        _deals[saleId] = deal;
    }

    function _recordOrder(
        bytes32 saleId,
        Offer calldata offer,
        Deal memory deal,
        bytes32 reference_,
        uint64 live,
        address[] calldata attesters
    ) private {
        bytes memory stated = abi.encode(offer.assetId, deal.version, reference_, deal.price, offer.price.currency, live, attesters);
        _record(saleId, Keys.asset(offer.assetId), SaleOrdered.selector, saleId, deal.offerId, Keys.member(deal.buyer), stated);
    }

    // Payment and delivery.

    /// @inheritdoc IMarket
    function confirmPayment(bytes32 saleId, Offer calldata offer, uint128 amount, bytes3 currency, bytes32 receiptHash) external {
        Deal memory deal = _requireSale(saleId, offer, Codes.SALE_ORDERED);
        address settler = _msgSender();
        _membership.requireRole(settler, Codes.ROLE_SETTLER);
        if (settler == deal.buyer || offer.isParty(settler)) revert SettlerIsParty(settler);
        if (amount != deal.price) revert WrongAmount(deal.price, amount);
        if (currency != offer.price.currency) revert WrongCurrency(offer.price.currency, currency);
        _useReceipt(receiptHash);
        deal.paidAt = uint40(_time());
        _move(saleId, deal, Codes.SALE_PAID);
        _record(saleId, SalePaid.selector, saleId, Keys.member(settler), receiptHash, abi.encode(amount, currency));
    }

    /// @inheritdoc IMarket
    function prepare(bytes32 saleId, Offer calldata offer) external {
        Deal memory deal = _requireSale(saleId, offer);
        _requireProvider(offer, deal.offerId);
        bool again = deal.state == Codes.SALE_PREPARED && _time() > deal.at + PREPARE_WINDOW;
        if (!again) _requireState(saleId, deal, Codes.SALE_PAID);
        deal.liveAtPrepare = _requireDeal(saleId, offer, deal, _requireAsset(offer));
        if (deal.onBasis && deal.liveAtPrepare == 0) revert NoLiveConsent(offer.assetId, offer.version);
        _move(saleId, deal, Codes.SALE_PREPARED);
        _record(
            saleId,
            SalePrepared.selector,
            saleId,
            Keys.member(offer.provider),
            bytes32(uint256(deal.version)),
            abi.encode(deal.liveAtPrepare)
        );
    }

    /// @inheritdoc IMarket
    function deliver(bytes32 saleId, Offer calldata offer, bytes32 envelopeHash, bytes32 coverHash, uint64 deliveredCount) external {
        Deal memory deal = _requireSale(saleId, offer, Codes.SALE_PREPARED);
        _requireProvider(offer, deal.offerId);
        if (_time() > deal.at + PREPARE_WINDOW) revert PrepareWindowOver(saleId, deal.at, _time());
        if (envelopeHash == 0) revert ZeroHash(0);
        if (coverHash == 0 && deal.onBasis) revert ZeroHash(1);
        uint64 least = _requireDeal(saleId, offer, deal, _requireAsset(offer));
        if (deal.onBasis && least == 0) least = 1;
        if (deliveredCount < least || deliveredCount > deal.liveAtPrepare) {
            revert DeliveredCountWrong(deliveredCount, least, deal.liveAtPrepare);
        }
        deal.deliveredCount = deliveredCount;
        _move(saleId, deal, Codes.SALE_DELIVERED);
        bytes memory stated = abi.encode(coverHash, deliveredCount);
        _record(saleId, SaleDelivered.selector, saleId, Keys.member(offer.provider), envelopeHash, stated);
    }

    /// @inheritdoc IMarket
    function accept(bytes32 saleId) external {
        Deal memory deal = _deals[saleId];
        _requireState(saleId, deal, Codes.SALE_DELIVERED);
        address caller = _msgSender();
        bool byTimeout = caller != deal.buyer;
        uint64 until = deal.at + ACCEPTANCE_WINDOW;
        if (byTimeout && _time() <= until) revert AcceptanceWindowOpen(saleId, until);
        _move(saleId, deal, Codes.SALE_ACCEPTED);
        _record(saleId, SaleAccepted.selector, saleId, Keys.member(caller), abi.encode(byTimeout));
    }

    // Ways out.

    /// @inheritdoc IMarket
    function cancel(bytes32 saleId, Offer calldata offer) external {
        Deal memory deal = _requireSale(saleId, offer, Codes.SALE_ORDERED);
        address caller = _msgSender();
        if (caller != deal.buyer && caller != offer.provider) revert NotParty(saleId, caller);
        _move(saleId, deal, Codes.SALE_CANCELLED);
        _record(saleId, SaleCancelled.selector, saleId, Keys.member(caller), "");
    }

    /// @inheritdoc IMarket
    function refund(bytes32 saleId, Offer calldata offer) external {
        Deal memory deal = _requireSale(saleId, offer);
        if (deal.state != Codes.SALE_PREPARED) _requireState(saleId, deal, Codes.SALE_PAID);
        address caller = _msgSender();
        if (caller != deal.buyer) revert NotBuyer(saleId, caller);
        if (!_hasLapsed(offer, deal)) revert NotRefundable(saleId);
        _move(saleId, deal, Codes.SALE_REFUNDED);
        bytes memory stated = abi.encode(deal.price, offer.price.currency);
        _record(saleId, SaleRefunded.selector, saleId, Keys.member(caller), stated);
    }

    /// @dev What was paid for can no longer be delivered as ordered: its version, its basis or its term is over.
    function _hasLapsed(Offer calldata offer, Deal memory deal) private view returns (bool) {
        IDataAssets.Asset memory asset = _dataAssets.asset(offer.assetId);
        if (asset.state != Codes.ASSET_REGISTERED || asset.version != deal.version) return true;
        if (offer.term != 0 && _time() > uint256(deal.paidAt) + offer.term) return true;
        if (!deal.onBasis) return false;
        IConsents.BasisState memory basis = _consents.basisState(offer.assetId);
        if (basis.version != deal.version || basis.controller != asset.holder) return true;
        return basis.live == 0 || _time() > basis.validUntil;
    }

    // One funnel for every state of a sale after the order.

    function _move(bytes32 saleId, Deal memory deal, uint8 state) private {
        Deal storage kept = _deals[saleId];
        kept.state = state;
        kept.at = uint40(_time());
        kept.paidAt = deal.paidAt;
        kept.liveAtPrepare = deal.liveAtPrepare;
        kept.deliveredCount = deal.deliveredCount;
    }

    function _useReceipt(bytes32 receiptHash) private {
        if (receiptHash == 0) revert ZeroHash(0);
        if (_receipts[receiptHash]) revert ReceiptUsed(receiptHash);
        _receipts[receiptHash] = true;
    }

    function _recordOffer(bytes32 signature, Offer calldata offer, bytes32 offerId, bytes memory stated) private {
        _record(Keys.asset(offer.assetId), signature, offerId, Keys.asset(offer.assetId), Keys.member(offer.provider), stated);
    }

    // What is asked of an offer and its asset.

    function _requireProvider(Offer calldata offer, bytes32 offerId) private view {
        address caller = _msgSender();
        if (caller != offer.provider) revert NotProvider(offerId, caller);
    }

    function _requireMatch(bytes32 offerId, Offer calldata offer) private view {
        bytes32 given = offerIdOf(offer);
        if (given != offerId) revert OfferMismatch(offerId, given);
    }

    function _requireOpen(bytes32 offerId) private view returns (uint32 orders) {
        OfferState memory known = _offers[offerId];
        if (known.state != Codes.OFFER_OPEN) revert OfferNotOpen(offerId, known.state);
        return known.orders;
    }

    function _requireAsset(Offer calldata offer) private view returns (IDataAssets.Asset memory asset) {
        asset = _dataAssets.asset(offer.assetId);
        if (asset.state != Codes.ASSET_REGISTERED) revert AssetNotUsable(offer.assetId, asset.state);
        if (asset.version == 0 || asset.version != offer.version || asset.versionKey != offer.versionKey) {
            revert VersionNotCurrent(offer.assetId, offer.versionKey, asset.versionKey);
        }
        if (!_dataAssets.hasRight(offer.assetId, offer.provider, Codes.RIGHT_OPERATE)) {
            revert NotOperator(offer.assetId, offer.provider);
        }
    }

    function _requirePolicy(Offer calldata offer, IDataAssets.Asset memory asset) private view returns (Policy memory policy) {
        policy = _policies[asset.kind][asset.grade];
        if (policy.modes == 0) revert PolicyMissing(asset.kind, asset.grade);
        if (policy.modes & offer.mode == 0) revert ModeRefusedByPolicy(offer.mode, policy.modes);
    }

    /// @dev Every kind that the policy asks, and what replaces consents where there are none, stated by somebody who is no party.
    function _requireAttested(
        Offer calldata offer,
        IDataAssets.Asset memory asset,
        uint16 kinds,
        address[] calldata attesters,
        address buyer
    ) private view returns (bool onBasis) {
        (kinds, onBasis) = _askedOf(asset, kinds, attesters.length);
        if (!onBasis && offer.split.subjectsBps != 0) revert SplitWithoutPool(offer.split.subjectsBps);
        for (uint256 i = 0; i < attesters.length; ++i) {
            address attester = attesters[i];
            if (attester == buyer || attester == asset.holder || offer.isParty(attester)) revert AttesterIsParty(attester);
        }
        _attestations.requireAllLive(offer.versionKey, kinds, attesters);
    }

    /// @dev Persons need a basis. What is derived from them needs one too, unless a DEIDENTIFICATION is asked by the policy, or
    /// named beside what the policy asks. Whatever stands on no basis stands on SOURCE_LEGALITY.
    function _askedOf(IDataAssets.Asset memory asset, uint16 kinds, uint256 named) private pure returns (uint16 asked, bool onBasis) {
        if (asset.kind == Codes.KIND_PERSONAL) return (kinds, true);
        if (!asset.personal) return (kinds | SOURCE, false);
        asked = kinds | SOURCE | DEIDENTIFIED;
        if (kinds & DEIDENTIFIED != 0 || named == _count(asked)) return (asked, false);
        return (kinds, true);
    }

    function _count(uint16 kinds) private pure returns (uint256 count) {
        for (; kinds != 0; kinds &= kinds - 1) {
            ++count;
        }
    }

    // What is asked of a sale, at the order and again before anything is handed over.

    /// @dev Parties, basis and holds. Returns the live leaves of the basis; 0 without one.
    function _requireDeal(bytes32 saleId, Offer calldata offer, Deal memory deal, IDataAssets.Asset memory asset)
        private
        view
        returns (uint64)
    {
        IConsents.BasisState memory basis;
        if (deal.onBasis) basis = _consents.basisState(offer.assetId);
        Bases.Asked memory asked;
        (asked.to, asked.from) = _membership.requireParties(deal.buyer, offer.conditions.buyerClass, basis.recipientClass, offer.provider);
        offer.conditions.requireJurisdiction(asked.to);
        (asked.holder, asked.recordCount, asked.buyer, asked.time) = (asset.holder, asset.recordCount, deal.buyer, _time());
        if (deal.onBasis) basis.requireCovers(offer, asked);
        _requireFree(offer, deal.offerId);
        _cases.requireFree(saleId, Keys.member(deal.buyer), 0, 0);
        return basis.live;
    }

    function _requireFree(Offer calldata offer, bytes32 offerId) private view {
        _cases.requireFree(offerId, Keys.asset(offer.assetId), offer.versionKey, Keys.member(offer.provider));
    }

    function _requireSale(bytes32 saleId, Offer calldata offer) private view returns (Deal memory deal) {
        deal = _deals[saleId];
        if (deal.state == Codes.SALE_NONE) revert UnknownSale(saleId);
        _requireMatch(deal.offerId, offer);
    }

    function _requireSale(bytes32 saleId, Offer calldata offer, uint8 expected) private view returns (Deal memory deal) {
        deal = _requireSale(saleId, offer);
        _requireState(saleId, deal, expected);
    }

    function _requireState(bytes32 saleId, Deal memory deal, uint8 expected) private pure {
        if (deal.state == Codes.SALE_NONE) revert UnknownSale(saleId);
        if (deal.state != expected) revert WrongSaleState(saleId, expected, deal.state);
    }

    // Views.

    /// @inheritdoc IMarket
    function policyOf(uint8 kind, uint8 grade) external view returns (Policy memory) {
        return _policies[kind][grade];
    }

    /// @inheritdoc IMarket
    function offerIdOf(Offer calldata offer) public view returns (bytes32) {
        return offer.idOf(address(this));
    }

    /// @inheritdoc IMarket
    function saleIdOf(bytes32 offerId, address buyer, bytes32 reference_) public pure returns (bytes32) {
        return keccak256(abi.encode(SALE_TAG, offerId, buyer, reference_));
    }

    /// @inheritdoc IMarket
    function offerState(bytes32 offerId) external view returns (OfferState memory) {
        return _offers[offerId];
    }

    /// @inheritdoc IMarket
    function sale(bytes32 saleId) external view returns (Sale memory) {
        Deal memory deal = _deals[saleId];
        return Sale({
            buyer: deal.buyer,
            state: deal.state,
            version: deal.version,
            at: deal.at,
            price: deal.price,
            liveAtPrepare: deal.liveAtPrepare,
            deliveredCount: deal.deliveredCount,
            offerId: deal.offerId
        });
    }

    /// @inheritdoc IMarket
    function isReceiptUsed(bytes32 receiptHash) external view returns (bool) {
        return _receipts[receiptHash];
    }
}
