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
/// @dev An offer travels in calldata and is found again by its hash; a sale is two words, of which an order writes one. Later acts
/// bring the offer and the reference along, whose hashes with the buyer are the sale's name.
contract Market is IMarket, Governed {
    using Bases for IConsents.BasisState;
    using Offers for Conditions;
    using Offers for Offer;
    using Offers for Price;

    struct Standing {
        address buyer;
        uint8 state;
        bool onBasis; // stands on consents; what does not stands on SOURCE_LEGALITY
        bool pooled; // its subjects have a share
        uint40 at;
    }

    struct Course {
        uint40 paidAt;
        uint40 deliveredAt;
        uint64 liveAtPrepare;
        uint64 deliveredCount;
    }

    struct Deal {
        Standing standing;
        Course course;
    }

    bytes32 private constant SALE_TAG = keccak256("deedbook.sale.v1");
    bytes32 private constant POLICY_TAG = keccak256("deedbook.policy.v1");
    uint32 private constant JUDGES = Codes.ROLE_ARBITER | Codes.ROLE_REGULATOR;
    uint16 private constant SOURCE = uint16(1) << Codes.ATTEST_SOURCE_LEGALITY;
    uint16 private constant DEIDENTIFIED = uint16(1) << Codes.ATTEST_DEIDENTIFICATION;
    uint16 private constant CROSS_BORDER = uint16(1) << Codes.ATTEST_CROSS_BORDER;
    uint16 private constant CONSENTED = uint16(1) << Codes.ATTEST_CONSENT_AUDIT; // of the batches, not of the version

    /// @inheritdoc IMarket
    uint64 public constant PREPARE_WINDOW = 15 minutes;
    /// @inheritdoc IMarket
    uint64 public constant DELIVERY_WINDOW = 30 days;
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
        _membership.requireOpen();
        _membership.requireRole(offer.provider, Codes.ROLE_PROVIDER);
        if (_offers[offerId].state != Codes.OFFER_NONE) revert OfferExists(offerId);
        if (_time() > offer.validUntil) revert OfferExpired(offerId, offer.validUntil);
        offer.requireWellFormed();
        IDataAssets.Asset memory asset = _requireAsset(offer);
        _requireAttested(offer, asset, _requirePolicy(offer, asset).toList, attesters, address(0));
        _requireFree(offer, offerId, 0, address(0));
        _offers[offerId].state = Codes.OFFER_OPEN;
        _recordOffer(OfferListed.selector, offer, offerId, abi.encode(offer));
    }

    /// @inheritdoc IMarket
    function close(Offer calldata offer) external {
        bytes32 offerId = _idOf(offer);
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
        Standing memory standing;
        standing.buyer = _msgSender();
        saleId = saleIdOf(offerId, standing.buyer, reference_);
        if (_deals[saleId].standing.state != Codes.SALE_NONE) revert SaleExists(saleId);
        _takeOrder(offerId, offer, standing.buyer);
        uint64 live = _requireOrderable(saleId, offerId, offer, attesters, standing);
        _enter(saleId, offer, standing);
        _recordOrder(saleId, offerId, offer, standing.buyer, reference_, live, attesters);
    }

    /// @dev The offer is open, in time and, as a try-out, for this buyer.
    function _takeOrder(bytes32 offerId, Offer calldata offer, address buyer) private {
        uint32 orders = _requireOpen(offerId);
        if (_time() > offer.validUntil) revert OfferExpired(offerId, offer.validUntil);
        if (buyer == offer.provider) revert ProviderIsBuyer(buyer);
        if (!offer.sandbox.on) return;
        offer.requireInSandbox(offerId, orders, buyer, _time());
        _offers[offerId].orders = orders + 1;
    }

    /// @dev What costs nothing is paid by its order.
    function _enter(bytes32 saleId, Offer calldata offer, Standing memory standing) private {
        Deal storage deal = _deals[saleId];
        standing.at = uint40(_time());
        standing.state = Codes.SALE_ORDERED;
        if (offer.price.priceOf() == 0) {
            standing.state = Codes.SALE_PAID;
            deal.course.paidAt = standing.at;
        }
        deal.standing = standing;
    }

    function _recordOrder(
        bytes32 saleId,
        bytes32 offerId,
        Offer calldata offer,
        address buyer,
        bytes32 reference_,
        uint64 live,
        address[] calldata attesters
    ) private {
        uint256 price = offer.price.priceOf();
        bytes3 currency = offer.price.currency;
        bytes memory stated = abi.encode(offer.assetId, offer.version, reference_, price, currency, live, attesters);
        _record(saleId, Keys.asset(offer.assetId), SaleOrdered.selector, saleId, offerId, Keys.member(buyer), stated);
        if (price == 0) _record(saleId, SalePaid.selector, saleId, 0, 0, abi.encode(price, currency));
    }

    // Payment and delivery.

    /// @inheritdoc IMarket
    function confirmPayment(bytes32 saleId, Offer calldata offer, bytes32 reference_, uint128 amount, bytes3 currency, bytes32 receiptHash)
        external
    {
        Deal memory deal = _requireSale(saleId, offer, reference_, Codes.SALE_ORDERED);
        address settler = _msgSender();
        _membership.requireRole(settler, Codes.ROLE_SETTLER);
        if (settler == deal.standing.buyer || offer.isParty(settler)) revert SettlerIsParty(settler);
        uint128 price = uint128(offer.price.priceOf());
        if (amount != price) revert WrongAmount(price, amount);
        if (currency != offer.price.currency) revert WrongCurrency(offer.price.currency, currency);
        _useReceipt(receiptHash);
        deal.course.paidAt = uint40(_time());
        _move(saleId, deal, Codes.SALE_PAID);
        _record(saleId, SalePaid.selector, saleId, Keys.member(settler), receiptHash, abi.encode(amount, currency));
    }

    /// @inheritdoc IMarket
    function prepare(bytes32 saleId, Offer calldata offer, bytes32 reference_) external {
        (Deal memory deal, bytes32 offerId) = _requireSale(saleId, offer, reference_);
        _requireProvider(offer, offerId);
        bool again = deal.standing.state == Codes.SALE_PREPARED && _time() > deal.standing.at + PREPARE_WINDOW;
        if (!again) _requireState(saleId, deal.standing.state, Codes.SALE_PAID);
        deal.course.liveAtPrepare = _requireDeliverable(saleId, offerId, offer, deal.standing);
        if (deal.standing.onBasis && deal.course.liveAtPrepare == 0) revert NoLiveConsent(offer.assetId, offer.version);
        _move(saleId, deal, Codes.SALE_PREPARED);
        bytes32 version = bytes32(uint256(offer.version));
        bytes memory stated = abi.encode(deal.course.liveAtPrepare);
        _record(saleId, SalePrepared.selector, saleId, Keys.member(offer.provider), version, stated);
    }

    /// @inheritdoc IMarket
    function deliver(
        bytes32 saleId,
        Offer calldata offer,
        bytes32 reference_,
        bytes32 envelopeHash,
        bytes32 coverHash,
        uint64 deliveredCount
    ) external {
        (Deal memory deal, bytes32 offerId) = _requireSale(saleId, offer, reference_);
        _requireState(saleId, deal.standing.state, Codes.SALE_PREPARED);
        _requireProvider(offer, offerId);
        if (_time() > deal.standing.at + PREPARE_WINDOW) revert PrepareWindowOver(saleId, deal.standing.at, _time());
        if (envelopeHash == 0) revert ZeroHash(0);
        if (coverHash == 0 && deal.standing.onBasis) revert ZeroHash(1);
        uint64 live = _requireDeliverable(saleId, offerId, offer, deal.standing);
        _requireCount(deliveredCount, live, deal);
        (deal.course.deliveredCount, deal.course.deliveredAt) = (deliveredCount, uint40(_time()));
        _move(saleId, deal, Codes.SALE_DELIVERED);
        bytes memory stated = abi.encode(coverHash, deliveredCount);
        _record(saleId, SaleDelivered.selector, saleId, Keys.member(offer.provider), envelopeHash, stated);
    }

    /// @dev Whoever withdrew before `prepare` is out, and nobody else is left out but by a withdrawal since.
    function _requireCount(uint64 given, uint64 live, Deal memory deal) private pure {
        uint64 least = deal.standing.onBasis && live == 0 ? 1 : live;
        uint64 most = deal.course.liveAtPrepare;
        if (given < least || given > most) revert DeliveredCountWrong(given, least, most);
    }

    /// @inheritdoc IMarket
    function accept(bytes32 saleId) external {
        Standing memory standing = _requireKnown(saleId);
        address caller = _msgSender();
        bool byTimeout = caller != standing.buyer;
        if (byTimeout || standing.state != Codes.SALE_DISPUTED) _requireState(saleId, standing.state, Codes.SALE_DELIVERED);
        uint64 until = standing.at + ACCEPTANCE_WINDOW;
        if (byTimeout && _time() <= until) revert AcceptanceWindowOpen(saleId, until);
        _enterState(saleId, Codes.SALE_ACCEPTED);
        _record(saleId, SaleAccepted.selector, saleId, Keys.member(caller), abi.encode(byTimeout));
    }

    // Ways out.

    /// @inheritdoc IMarket
    function cancel(bytes32 saleId, Offer calldata offer, bytes32 reference_) external {
        Deal memory deal = _requireSale(saleId, offer, reference_, Codes.SALE_ORDERED);
        address caller = _msgSender();
        if (caller != deal.standing.buyer && caller != offer.provider) revert NotParty(saleId, caller);
        _enterState(saleId, Codes.SALE_CANCELLED);
        _record(saleId, SaleCancelled.selector, saleId, Keys.member(caller), "");
    }

    /// @inheritdoc IMarket
    function refund(bytes32 saleId, Offer calldata offer, bytes32 reference_) external {
        (Deal memory deal,) = _requireSale(saleId, offer, reference_);
        address caller = _msgSender();
        if (caller != offer.provider) _requireLapsed(saleId, offer, deal, caller);
        else if (!_isUnaccepted(deal.standing.state)) revert WrongSaleState(saleId, Codes.SALE_PAID, deal.standing.state);
        _enterState(saleId, Codes.SALE_REFUNDED);
        bytes memory stated = abi.encode(offer.price.priceOf(), offer.price.currency);
        _record(saleId, SaleRefunded.selector, saleId, Keys.member(caller), stated);
    }

    /// @inheritdoc IMarket
    function dispute(bytes32 saleId, bytes32 documentHash) external {
        Standing memory standing = _requireKnown(saleId);
        _requireState(saleId, standing.state, Codes.SALE_DELIVERED);
        address caller = _msgSender();
        if (caller != standing.buyer) revert NotBuyer(saleId, caller);
        uint64 until = standing.at + ACCEPTANCE_WINDOW;
        if (_time() > until) revert AcceptanceWindowOver(saleId, until);
        if (documentHash == 0) revert ZeroHash(0);
        _enterState(saleId, Codes.SALE_DISPUTED);
        _record(saleId, SaleDisputed.selector, saleId, Keys.member(caller), documentHash, "");
    }

    /// @inheritdoc IMarket
    function decideDispute(bytes32 saleId, Offer calldata offer, bytes32 reference_, uint8 outcome, bytes32 documentHash) external {
        Deal memory deal = _requireSale(saleId, offer, reference_, Codes.SALE_DISPUTED);
        address decider = _msgSender();
        _membership.requireRole(decider, JUDGES);
        if (decider == deal.standing.buyer || offer.isParty(decider)) revert DeciderIsParty(saleId, decider);
        if (outcome != Codes.OUTCOME_POSITIVE && outcome != Codes.OUTCOME_NEGATIVE) revert UnknownOutcome(outcome);
        if (documentHash == 0) revert ZeroHash(0);
        _enterState(saleId, outcome == Codes.OUTCOME_POSITIVE ? Codes.SALE_REFUNDED : Codes.SALE_ACCEPTED);
        _record(saleId, DisputeDecided.selector, saleId, Keys.member(decider), documentHash, abi.encode(outcome));
    }

    function _isUnaccepted(uint8 state) private pure returns (bool) {
        return (state >= Codes.SALE_PAID && state <= Codes.SALE_DELIVERED) || state == Codes.SALE_DISPUTED;
    }

    /// @dev The buyer takes back what was paid for and not delivered.
    function _requireLapsed(bytes32 saleId, Offer calldata offer, Deal memory deal, address caller) private view {
        if (caller != deal.standing.buyer) revert NotParty(saleId, caller);
        if (deal.standing.state != Codes.SALE_PREPARED) _requireState(saleId, deal.standing.state, Codes.SALE_PAID);
        if (!_hasLapsed(offer, deal)) revert NotRefundable(saleId);
    }

    /// @dev It can no longer be delivered as ordered, or was not in time.
    function _hasLapsed(Offer calldata offer, Deal memory deal) private view returns (bool) {
        uint256 paidAt = deal.course.paidAt;
        if (_time() > paidAt + DELIVERY_WINDOW || (offer.term != 0 && _time() > paidAt + offer.term)) return true;
        (IDataAssets.Asset memory asset, bool operates) = _dataAssets.operated(offer.assetId, offer.provider, offer.mode, offer.purpose);
        if (!operates || asset.version != offer.version || !_membership.isInGoodStanding(offer.provider)) return true;
        if (!deal.standing.onBasis) return false;
        IConsents.BasisState memory basis = _consents.basisState(offer.assetId);
        if (basis.version != offer.version || basis.controller != asset.holder) return true;
        return basis.live == 0 || _time() > basis.validUntil;
    }

    // One funnel for every state of a sale after the order.

    function _move(bytes32 saleId, Deal memory deal, uint8 state) private {
        _deals[saleId].course = deal.course;
        _enterState(saleId, state);
    }

    function _enterState(bytes32 saleId, uint8 state) private {
        Standing storage standing = _deals[saleId].standing;
        standing.state = state;
        standing.at = uint40(_time());
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
        bytes32 given = _idOf(offer);
        if (given != offerId) revert OfferMismatch(offerId, given);
    }

    function _requireOpen(bytes32 offerId) private view returns (uint32 orders) {
        OfferState memory known = _offers[offerId];
        if (known.state != Codes.OFFER_OPEN) revert OfferNotOpen(offerId, known.state);
        return known.orders;
    }

    function _requireAsset(Offer calldata offer) private view returns (IDataAssets.Asset memory asset) {
        bool operates;
        (asset, operates) = _dataAssets.operated(offer.assetId, offer.provider, offer.mode, offer.purpose);
        if (asset.state != Codes.ASSET_REGISTERED) revert AssetNotUsable(offer.assetId, asset.state);
        if (asset.version == 0 || asset.version != offer.version || asset.versionKey != offer.versionKey) {
            revert VersionNotCurrent(offer.assetId, offer.versionKey, asset.versionKey);
        }
        if (!operates) revert NotOperator(offer.assetId, offer.provider);
    }

    function _requirePolicy(Offer calldata offer, IDataAssets.Asset memory asset) private view returns (Policy memory policy) {
        policy = _policies[asset.kind][asset.grade];
        if (policy.modes == 0) revert PolicyMissing(asset.kind, asset.grade);
        if (policy.modes & offer.mode == 0) revert ModeRefusedByPolicy(offer.mode, policy.modes);
    }

    /// @dev Every kind that is asked, and what replaces consents where there are none, stated by somebody who is no party.
    function _requireAttested(
        Offer calldata offer,
        IDataAssets.Asset memory asset,
        uint16 kinds,
        address[] calldata attesters,
        address buyer
    ) private view returns (bool onBasis, bool pooled) {
        (kinds, onBasis, pooled) = _askedOf(asset, kinds, attesters.length);
        if (!pooled && offer.split.subjectsBps != 0) revert SplitWithoutPool(offer.split.subjectsBps);
        for (uint256 i = 0; i < attesters.length; ++i) {
            address attester = attesters[i];
            if (attester == buyer || attester == asset.holder || offer.isParty(attester)) revert AttesterIsParty(attester);
        }
        _attestations.requireAllLive(offer.versionKey, kinds, attesters);
    }

    /// @dev Persons need a basis, and are paid. What is derived from them needs one too, unless a DEIDENTIFICATION is asked, or named
    /// beside what is asked. Whatever is about no person stands on SOURCE_LEGALITY, and on consents too where the policy says so.
    function _askedOf(IDataAssets.Asset memory asset, uint16 kinds, uint256 named)
        private
        pure
        returns (uint16 asked, bool onBasis, bool pooled)
    {
        bool consented = kinds & CONSENTED != 0;
        kinds &= ~CONSENTED;
        if (asset.kind == Codes.KIND_PERSONAL) return (kinds, true, true);
        if (!asset.personal) return (kinds | SOURCE, consented, false);
        asked = kinds | SOURCE | DEIDENTIFIED;
        if (kinds & DEIDENTIFIED != 0 || named == _count(asked)) return (asked, consented, false);
        return (kinds, true, true);
    }

    function _count(uint16 kinds) private pure returns (uint256 count) {
        for (; kinds != 0; kinds &= kinds - 1) {
            ++count;
        }
    }

    // What is asked of a sale, at the order and again before anything is handed over.

    /// @dev Version, parties, attestations, holds and basis allow it. Fills in what the sale stands on; returns the live leaves of the
    /// basis, 0 without one.
    function _requireOrderable(
        bytes32 saleId,
        bytes32 offerId,
        Offer calldata offer,
        address[] calldata attesters,
        Standing memory standing
    ) private view returns (uint64 live) {
        IDataAssets.Asset memory asset = _requireAsset(offer);
        Bases.Asked memory asked = _requireParties(true, offer, standing.buyer);
        uint16 kinds = _requirePolicy(offer, asset).toOrder;
        if (asked.from != asked.to) kinds |= CROSS_BORDER;
        (standing.onBasis, standing.pooled) = _requireAttested(offer, asset, kinds, attesters, standing.buyer);
        _requireFree(offer, offerId, saleId, standing.buyer);
        if (!standing.onBasis) return 0;
        live = _requireBasis(offer, asset, asked);
        if (live == 0) revert NoLiveConsent(offer.assetId, offer.version);
    }

    /// @dev Version, parties, holds and basis still allow it. Returns the live leaves of the basis; 0 without one.
    function _requireDeliverable(bytes32 saleId, bytes32 offerId, Offer calldata offer, Standing memory standing)
        private
        view
        returns (uint64)
    {
        IDataAssets.Asset memory asset = _requireAsset(offer);
        Bases.Asked memory asked = _requireParties(false, offer, standing.buyer);
        _requireFree(offer, offerId, saleId, standing.buyer);
        return standing.onBasis ? _requireBasis(offer, asset, asked) : 0;
    }

    /// @dev Buyer and provider may trade. `entering`: so does the exchange.
    function _requireParties(bool entering, Offer calldata offer, address buyer) private view returns (Bases.Asked memory asked) {
        (asked.to, asked.from) = _membership.requireParties(entering, buyer, offer.conditions.buyerClass, offer.provider);
        offer.conditions.requireJurisdiction(asked.to);
        (asked.buyer, asked.time) = (buyer, _time());
    }

    /// @dev The basis covers the sale. Returns its live leaves.
    function _requireBasis(Offer calldata offer, IDataAssets.Asset memory asset, Bases.Asked memory asked) private view returns (uint64) {
        IConsents.BasisState memory basis = _consents.basisState(offer.assetId);
        (asked.holder, asked.recordCount) = (asset.holder, asset.recordCount);
        basis.requireCovers(offer, asked);
        uint16 class = basis.recipientClass;
        if (class != 0 && class != offer.conditions.buyerClass && !_membership.isOfClass(asked.buyer, class)) {
            revert ClassNotConsented(asked.buyer, class);
        }
        return basis.live;
    }

    function _requireFree(Offer calldata offer, bytes32 offerId, bytes32 saleId, address buyer) private view {
        _cases.requireAllFree(
            [offerId, Keys.asset(offer.assetId), offer.versionKey, Keys.member(offer.provider), saleId, Keys.member(buyer)]
        );
    }

    // A sale that is known, and is what offer and reference say.

    function _requireKnown(bytes32 saleId) private view returns (Standing memory standing) {
        standing = _deals[saleId].standing;
        if (standing.state == Codes.SALE_NONE) revert UnknownSale(saleId);
    }

    function _requireSale(bytes32 saleId, Offer calldata offer, bytes32 reference_)
        private
        view
        returns (Deal memory deal, bytes32 offerId)
    {
        deal.standing = _requireKnown(saleId);
        deal.course = _deals[saleId].course;
        offerId = _idOf(offer);
        bytes32 given = saleIdOf(offerId, deal.standing.buyer, reference_);
        if (given != saleId) revert SaleMismatch(saleId, given);
    }

    function _requireSale(bytes32 saleId, Offer calldata offer, bytes32 reference_, uint8 expected)
        private
        view
        returns (Deal memory deal)
    {
        (deal,) = _requireSale(saleId, offer, reference_);
        _requireState(saleId, deal.standing.state, expected);
    }

    function _requireState(bytes32 saleId, uint8 actual, uint8 expected) private pure {
        if (actual != expected) revert WrongSaleState(saleId, expected, actual);
    }

    function _idOf(Offer calldata offer) private view returns (bytes32) {
        return offer.idAsGiven(address(this));
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
            buyer: deal.standing.buyer,
            state: deal.standing.state,
            onBasis: deal.standing.onBasis,
            pooled: deal.standing.pooled,
            at: deal.standing.at,
            paidAt: deal.course.paidAt,
            deliveredAt: deal.course.deliveredAt,
            liveAtPrepare: deal.course.liveAtPrepare,
            deliveredCount: deal.course.deliveredCount
        });
    }

    /// @inheritdoc IMarket
    function isReceiptUsed(bytes32 receiptHash) external view returns (bool) {
        return _receipts[receiptHash];
    }
}
