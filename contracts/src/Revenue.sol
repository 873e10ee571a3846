// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ICases} from "./interfaces/ICases.sol";
import {IDataAssets} from "./interfaces/IDataAssets.sol";
import {IMarket} from "./interfaces/IMarket.sol";
import {IMembership} from "./interfaces/IMembership.sol";
import {IRevenue} from "./interfaces/IRevenue.sol";
import {Journal} from "./Journal.sol";
import {Codes} from "./libraries/Codes.sol";
import {Keys} from "./libraries/Keys.sol";
import {Offers} from "./libraries/Offers.sol";
import {Shares} from "./libraries/Shares.sol";
import {Relayed} from "./Relayed.sol";

/// @title Revenue
/// @dev Pulls what the market says was accepted; the split is the one that was ordered, because the offer's hash is the sale's.
contract Revenue is IRevenue, Journal, Relayed {
    using Offers for IMarket.Offer;

    IMembership private immutable _membership;
    ICases private immutable _cases;
    IMarket private immutable _market;

    uint64 private _certificates;
    mapping(bytes32 saleId => Entry) private _entries;
    mapping(uint256 assetId => mapping(bytes3 currency => uint128)) private _carries;
    mapping(bytes32 receiptHash => bool) private _receipts;

    constructor(IMembership membership, ICases cases, IDataAssets, IMarket market, address forwarder) Relayed(forwarder) {
        _membership = membership;
        _cases = cases;
        _market = market;
    }

    /// @inheritdoc IRevenue
    function settle(bytes32 saleId, IMarket.Offer calldata offer) external returns (uint64 certificate) {
        Entry storage booked = _entries[saleId];
        if (booked.certificate != 0) revert AlreadySettled(saleId, booked.certificate);
        IMarket.Sale memory sale = _market.sale(saleId);
        if (sale.state != Codes.SALE_ACCEPTED) revert SaleNotAccepted(saleId, sale.state);
        _requireMatch(sale.offerId, offer);
        bytes3 currency = offer.price.currency;
        uint128 carryIn = _carries[offer.assetId][currency];
        Shares.Division memory division = Shares.divide(offer.split, sale.price, carryIn, sale.deliveredCount);
        if (division.carryOut != carryIn) _carries[offer.assetId][currency] = division.carryOut;
        certificate = ++_certificates;
        _entries[saleId] = Entry(certificate, sale.deliveredCount, 0, division.perHead, currency);
        _recordSettled(saleId, offer, certificate, sale, division);
    }

    /// @inheritdoc IRevenue
    function confirmPayout(bytes32 saleId, IMarket.Offer calldata offer, uint64 from, uint64 to, uint128 total, bytes32 receiptHash)
        external
    {
        Entry memory booked = _entries[saleId];
        if (booked.certificate == 0) revert NotSettled(saleId);
        address settler = _requireSettler(saleId, offer);
        _requireNext(booked, from, to, total);
        _cases.requireFree(saleId, Keys.asset(offer.assetId), 0, 0);
        _useReceipt(receiptHash);
        _entries[saleId].paidUpTo = to;
        bytes memory stated = abi.encode(from, to, total, booked.currency);
        _record(saleId, PayoutConfirmed.selector, saleId, Keys.member(settler), receiptHash, stated);
    }

    function _recordSettled(
        bytes32 saleId,
        IMarket.Offer calldata offer,
        uint64 certificate,
        IMarket.Sale memory sale,
        Shares.Division memory division
    ) private {
        _record(
            saleId,
            Keys.asset(offer.assetId),
            SaleSettled.selector,
            saleId,
            Keys.asset(offer.assetId),
            bytes32(uint256(certificate)),
            abi.encode(
                offer.price.currency,
                sale.price,
                division.carryIn,
                division.exchange,
                division.provider,
                division.intermediaries,
                division.perHead,
                sale.deliveredCount,
                division.carryOut
            )
        );
    }

    /// @dev The caller, a SETTLER who neither sold, bought, nor is paid by the sale.
    function _requireSettler(bytes32 saleId, IMarket.Offer calldata offer) private view returns (address settler) {
        settler = _msgSender();
        _membership.requireRole(settler, Codes.ROLE_SETTLER);
        IMarket.Sale memory sale = _market.sale(saleId);
        _requireMatch(sale.offerId, offer);
        if (settler == sale.buyer || offer.isParty(settler)) revert SettlerIsParty(settler);
    }

    /// @dev The next ordinals, each paid in full.
    function _requireNext(Entry memory booked, uint64 from, uint64 to, uint128 total) private pure {
        if (from != booked.paidUpTo) revert PayoutGap(booked.paidUpTo, from);
        if (to <= from) revert PayoutEmpty(from, to);
        if (to > booked.deliveredCount) revert PayoutBeyond(to, booked.deliveredCount);
        // No overflow: perHead * deliveredCount is a part of price and carry, which fit.
        uint128 due = (to - from) * booked.perHead;
        if (total != due) revert WrongTotal(due, total);
    }

    function _useReceipt(bytes32 receiptHash) private {
        if (receiptHash == 0) revert ZeroHash(0);
        if (_receipts[receiptHash] || _market.isReceiptUsed(receiptHash)) revert ReceiptUsed(receiptHash);
        _receipts[receiptHash] = true;
    }

    function _requireMatch(bytes32 offerId, IMarket.Offer calldata offer) private view {
        bytes32 given = offer.idOf(address(_market));
        if (given != offerId) revert OfferMismatch(offerId, given);
    }

    /// @inheritdoc IRevenue
    function entry(bytes32 saleId) external view returns (Entry memory) {
        return _entries[saleId];
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
