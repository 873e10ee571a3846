// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ICases} from "./interfaces/ICases.sol";
import {IMarket} from "./interfaces/IMarket.sol";
import {IMembership} from "./interfaces/IMembership.sol";
import {IRevenue} from "./interfaces/IRevenue.sol";
import {Journal} from "./Journal.sol";
import {Codes} from "./libraries/Codes.sol";
import {Keys} from "./libraries/Keys.sol";
import {Offers} from "./libraries/Offers.sol";
import {Sales} from "./libraries/Sales.sol";
import {Shares} from "./libraries/Shares.sol";
import {Relayed} from "./Relayed.sol";

/// @title Revenue
/// @dev Pulls what the market says was accepted; the split is the one that was ordered, because the offer's hash is in the sale's
/// name. What is still to be paid of a sale is the sum over its lists of (count - paidUpTo): whoever is put off, or whose payment
/// came back, is counted off one list and onto a new one, so that sum and what was paid always make up deliveredCount.
contract Revenue is IRevenue, Journal, Relayed {
    using Offers for IMarket.Offer;
    using Offers for IMarket.Price;
    using Sales for IMarket;

    IMembership private immutable _membership;
    ICases private immutable _cases;
    IMarket private immutable _market;

    uint64 private _certificates;
    mapping(bytes32 saleId => Entry) private _entries;
    mapping(bytes32 saleId => mapping(uint32 list => Payable)) private _lists; // of list 0 the count is the entry's
    mapping(bytes32 saleId => uint128) private _refunded;
    mapping(uint256 assetId => mapping(bytes3 currency => uint128)) private _carries;
    mapping(bytes32 receiptHash => bool) private _receipts;

    constructor(IMembership membership, ICases cases, IMarket market, address forwarder) Relayed(forwarder) {
        _membership = membership;
        _cases = cases;
        _market = market;
    }

    // Settlement.

    /// @inheritdoc IRevenue
    function settle(bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_) external returns (uint64 certificate) {
        Entry storage booked = _entries[saleId];
        if (booked.certificate != 0) revert AlreadySettled(saleId, booked.certificate);
        IMarket.Sale memory sale = _market.sale(saleId);
        if (sale.state != Codes.SALE_ACCEPTED) revert SaleNotAccepted(saleId, sale.state);
        _market.requireMatch(sale, saleId, offer, reference_);
        uint128 price = _priceOf(offer);
        bytes3 currency = offer.price.currency;
        uint128 carryIn = _carries[offer.assetId][currency];
        Shares.Division memory division = Shares.divide(offer.split, price, carryIn, sale.pooled ? sale.deliveredCount : 0);
        if (division.carryOut != carryIn) _carries[offer.assetId][currency] = division.carryOut;
        certificate = ++_certificates;
        _entries[saleId] = Entry(certificate, sale.deliveredCount, division.perHead, currency, 0);
        _recordSettled(saleId, offer, certificate, price, sale.deliveredCount, division);
    }

    function _recordSettled(
        bytes32 saleId,
        IMarket.Offer calldata offer,
        uint64 certificate,
        uint128 price,
        uint64 deliveredCount,
        Shares.Division memory division
    ) private {
        bytes32 asset = Keys.asset(offer.assetId);
        bytes memory stated = abi.encode(
            offer.price.currency,
            price,
            division.carryIn,
            division.exchange,
            division.provider,
            division.intermediaries,
            division.perHead,
            deliveredCount,
            division.carryOut
        );
        _record(saleId, asset, SaleSettled.selector, saleId, asset, bytes32(uint256(certificate)), stated);
    }

    // Payouts, and what came back of them.

    /// @inheritdoc IRevenue
    function confirmPayout(bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_, Payout calldata payout) external {
        Entry memory booked = _requireSettled(saleId);
        address settler = _requireSettler(saleId, offer, reference_);
        Payable memory due = _requireList(saleId, booked, payout.list);
        _requireNext(booked, due, payout);
        _cases.requireFree(saleId, Keys.asset(offer.assetId), 0, 0);
        if (payout.deferredCount < payout.to - payout.from) _useReceipt(payout.receiptHash);
        else if (payout.receiptHash != 0) revert ReceiptOfNothing(payout.receiptHash);
        _lists[saleId][payout.list] = Payable(due.count, payout.to, due.deferred + payout.deferredCount);
        if (payout.deferredCount != 0) {
            _open(saleId, booked, payout.deferredRoot, payout.deferredCount, payout.list, payout.from, payout.to);
        }
        _recordPayout(saleId, settler, payout, booked.currency);
    }

    /// @inheritdoc IRevenue
    function confirmBounce(bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_, Bounce calldata bounce) external {
        Entry memory booked = _requireSettled(saleId);
        address settler = _requireSettler(saleId, offer, reference_);
        Payable memory due = _requireList(saleId, booked, bounce.list);
        uint64 paid = due.paidUpTo - due.deferred;
        if (bounce.count == 0) revert BounceEmpty();
        if (bounce.count > paid) revert BouncesBeyond(bounce.count, paid);
        if (bounce.root == 0) revert ZeroHash(1);
        _requireTotal(booked, bounce.count, bounce.total);
        _useReceipt(bounce.receiptHash);
        _lists[saleId][bounce.list].deferred = due.deferred + bounce.count;
        _open(saleId, booked, bounce.root, bounce.count, bounce.list, 0, due.paidUpTo);
        bytes memory stated = abi.encode(bounce.list, bounce.count, bounce.total, booked.currency);
        _record(saleId, PaymentsBounced.selector, saleId, Keys.member(settler), bounce.receiptHash, stated);
    }

    /// @dev The next list: of `count` of the places [from, to) of the list `parent`.
    function _open(bytes32 saleId, Entry memory booked, bytes32 root, uint64 count, uint32 parent, uint64 from, uint64 to) private {
        uint32 list = booked.lists + 1;
        _entries[saleId].lists = list;
        _lists[saleId][list].count = count;
        bytes memory stated = abi.encode(count, parent, from, to);
        _record(saleId, OrdinalsDeferred.selector, saleId, bytes32(uint256(list)), root, stated);
    }

    function _recordPayout(bytes32 saleId, address settler, Payout calldata payout, bytes3 currency) private {
        bytes memory stated = abi.encode(payout.from, payout.to, payout.total, currency);
        bytes32 signature = PayoutConfirmed.selector;
        if (payout.list != 0) {
            stated = bytes.concat(abi.encode(payout.list), stated);
            signature = DeferredPayoutConfirmed.selector;
        }
        _record(saleId, signature, saleId, Keys.member(settler), payout.receiptHash, stated);
    }

    // Refunds.

    /// @inheritdoc IRevenue
    function confirmRefund(bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_, uint128 amount, bytes32 receiptHash) external {
        if (_entries[saleId].certificate == 0) _requireRefunded(saleId);
        address settler = _requireSettler(saleId, offer, reference_);
        uint128 refunded = _refunded[saleId];
        uint128 most = _priceOf(offer) - refunded;
        if (amount == 0) revert RefundEmpty();
        if (amount > most) revert RefundBeyond(amount, most);
        _useReceipt(receiptHash);
        refunded += amount;
        _refunded[saleId] = refunded;
        bytes memory stated = abi.encode(amount, refunded, offer.price.currency);
        _record(saleId, RefundConfirmed.selector, saleId, Keys.member(settler), receiptHash, stated);
    }

    // What is asked of a confirmation.

    function _requireRefunded(bytes32 saleId) private view {
        uint8 state = _market.sale(saleId).state;
        if (state != Codes.SALE_REFUNDED) revert NotRefunded(saleId, state);
    }

    function _requireSettled(bytes32 saleId) private view returns (Entry memory booked) {
        booked = _entries[saleId];
        if (booked.certificate == 0) revert NotSettled(saleId);
    }

    /// @dev The caller, a SETTLER who neither sold, bought, nor is paid by the sale.
    function _requireSettler(bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_) private view returns (address settler) {
        settler = _msgSender();
        _membership.requireRole(settler, Codes.ROLE_SETTLER);
        IMarket.Sale memory sale = _market.sale(saleId);
        _market.requireMatch(sale, saleId, offer, reference_);
        if (settler == sale.buyer || offer.isParty(settler)) revert SettlerIsParty(settler);
    }

    function _requireList(bytes32 saleId, Entry memory booked, uint32 list) private view returns (Payable memory) {
        if (list > booked.lists) revert UnknownList(saleId, list);
        return _listOf(saleId, booked, list);
    }

    /// @dev The next places of the list; each paid in full, or put off.
    function _requireNext(Entry memory booked, Payable memory due, Payout calldata payout) private pure {
        if (payout.from != due.paidUpTo) revert PayoutGap(due.paidUpTo, payout.from);
        if (payout.to <= payout.from) revert PayoutEmpty(payout.from, payout.to);
        if (payout.to > due.count) revert PayoutBeyond(payout.to, due.count);
        uint64 places = payout.to - payout.from;
        bool several = payout.deferredCount != 0;
        if (payout.deferredCount > places || !several && payout.deferredRoot != 0) revert DeferredWrong(payout.deferredCount, places);
        if (several && payout.deferredRoot == 0) revert ZeroHash(1);
        _requireTotal(booked, places - payout.deferredCount, payout.total);
    }

    function _requireTotal(Entry memory booked, uint64 heads, uint128 total) private pure {
        // No overflow: perHead * deliveredCount is a part of price and carry, which fit.
        uint128 due = heads * booked.perHead;
        if (total != due) revert WrongTotal(due, total);
    }

    function _useReceipt(bytes32 receiptHash) private {
        if (receiptHash == 0) revert ZeroHash(0);
        if (_receipts[receiptHash] || _market.isReceiptUsed(receiptHash)) revert ReceiptUsed(receiptHash);
        _receipts[receiptHash] = true;
    }

    function _listOf(bytes32 saleId, Entry memory booked, uint32 list) private view returns (Payable memory due) {
        due = _lists[saleId][list];
        if (list == 0) due.count = booked.deliveredCount;
    }

    /// @dev What the offer asked; the market lists none that does not fit.
    function _priceOf(IMarket.Offer calldata offer) private pure returns (uint128) {
        return uint128(offer.price.priceOf());
    }

    // Views.

    /// @inheritdoc IRevenue
    function entry(bytes32 saleId) external view returns (Entry memory) {
        return _entries[saleId];
    }

    /// @inheritdoc IRevenue
    function listOf(bytes32 saleId, uint32 list) external view returns (Payable memory) {
        return _listOf(saleId, _entries[saleId], list);
    }

    /// @inheritdoc IRevenue
    function refundedOf(bytes32 saleId) external view returns (uint128) {
        return _refunded[saleId];
    }

    /// @inheritdoc IRevenue
    function carryOf(uint256 assetId, bytes3 currency) external view returns (uint128) {
        return _carries[assetId][currency];
    }

    /// @inheritdoc IRevenue
    function certificates() external view returns (uint64) {
        return _certificates;
    }
}
