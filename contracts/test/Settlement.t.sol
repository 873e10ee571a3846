// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title Sales that are sold, settled and paid out
/// @dev The usual one: 4 people, 100,001 fen = exchange 5,000, provider 40,000, broker 5,000, pool 50,001 = 4 * 12,500 + 1.
abstract contract Settlement is Exchange {
    bytes32 internal constant RECEIPT = keccak256("a bank batch");
    bytes32 internal constant OTHER_RECEIPT = keccak256("another bank batch");
    bytes32 internal constant PLACES = keccak256("a root over places");

    uint256 private _receiptsUsed;

    function _accepted() internal returns (IMarket.Offer memory offer, bytes32 saleId) {
        (offer,) = _listed(4);
        saleId = _sell(offer, REFERENCE);
    }

    function _sell(IMarket.Offer memory offer, bytes32 reference_) internal returns (bytes32 saleId) {
        return _sell(offer, reference_, 4);
    }

    function _sell(IMarket.Offer memory offer, bytes32 reference_, uint64 count) internal returns (bytes32 saleId) {
        saleId = _order(offer, reference_);
        if (market.sale(saleId).state == Codes.SALE_ORDERED) _payFor(saleId, offer, reference_);
        _prepareAs(saleId, offer, reference_);
        _deliverAs(saleId, offer, reference_, count);
        _accept(saleId);
    }

    function _settled() internal returns (IMarket.Offer memory offer, bytes32 saleId) {
        (offer, saleId) = _accepted();
        revenue.settle(saleId, offer, REFERENCE);
    }

    // The steps of a sale under any reference.

    function _payFor(bytes32 saleId, IMarket.Offer memory offer, bytes32 reference_) internal {
        uint128 price = offer.price.data + offer.price.algorithm + offer.price.compute + offer.price.service;
        vm.prank(settler);
        market.confirmPayment(saleId, offer, reference_, price, offer.price.currency, _paymentReceipt(saleId));
    }

    function _paymentReceipt(bytes32 saleId) internal pure returns (bytes32) {
        return keccak256(abi.encode("receipt", saleId));
    }

    function _prepareAs(bytes32 saleId, IMarket.Offer memory offer, bytes32 reference_) internal {
        vm.prank(offer.provider);
        market.prepare(saleId, offer, reference_);
    }

    function _deliverAs(bytes32 saleId, IMarket.Offer memory offer, bytes32 reference_, uint64 count) internal {
        vm.prank(offer.provider);
        market.deliver(saleId, offer, reference_, ENVELOPE, COVER, count);
    }

    // Payouts.

    /// Nobody is put off.
    function _payment(uint32 list, uint64 from, uint64 to, bytes32 receipt) internal pure returns (IRevenue.Payout memory) {
        return IRevenue.Payout(list, from, to, 0, 0, uint128(to - from) * 12_500, receipt);
    }

    function _deferral(uint32 list, uint64 from, uint64 to, uint64 deferred, bytes32 receipt)
        internal
        pure
        returns (IRevenue.Payout memory)
    {
        return IRevenue.Payout(list, from, to, deferred, PLACES, uint128(to - from - deferred) * 12_500, receipt);
    }

    function _bounce(uint32 list, uint64 count, bytes32 receipt) internal pure returns (IRevenue.Bounce memory) {
        return IRevenue.Bounce(list, count, PLACES, uint128(count) * 12_500, receipt);
    }

    function _nextReceipt() internal returns (bytes32) {
        return keccak256(abi.encode("bank", ++_receiptsUsed));
    }

    function _payOut(bytes32 saleId, IMarket.Offer memory offer, IRevenue.Payout memory payout) internal {
        vm.prank(settler);
        revenue.confirmPayout(saleId, offer, REFERENCE, payout);
    }

    function _payOutFails(bytes32 saleId, IMarket.Offer memory offer, IRevenue.Payout memory payout, bytes memory expected) internal {
        _payOutFails(settler, saleId, offer, payout, expected);
    }

    function _payOutFails(address by, bytes32 saleId, IMarket.Offer memory offer, IRevenue.Payout memory payout, bytes memory expected)
        internal
    {
        vm.expectRevert(expected);
        vm.prank(by);
        revenue.confirmPayout(saleId, offer, REFERENCE, payout);
    }

    function _comeBack(bytes32 saleId, IMarket.Offer memory offer, IRevenue.Bounce memory bounce) internal {
        vm.prank(settler);
        revenue.confirmBounce(saleId, offer, REFERENCE, bounce);
    }

    function _comeBackFails(bytes32 saleId, IMarket.Offer memory offer, IRevenue.Bounce memory bounce, bytes memory expected) internal {
        _comeBackFails(settler, saleId, offer, bounce, expected);
    }

    function _comeBackFails(address by, bytes32 saleId, IMarket.Offer memory offer, IRevenue.Bounce memory bounce, bytes memory expected)
        internal
    {
        vm.expectRevert(expected);
        vm.prank(by);
        revenue.confirmBounce(saleId, offer, REFERENCE, bounce);
    }

    function _expectList(bytes32 saleId, uint32 list, uint64 count, uint64 paidUpTo, uint64 deferred) internal view {
        IRevenue.Payable memory kept = revenue.listOf(saleId, list);
        vm.assertEq(kept.count, count, "count");
        vm.assertEq(kept.paidUpTo, paidUpTo, "paid up to");
        vm.assertEq(kept.deferred, deferred, "deferred");
    }

    /// Every party of a sale, each now a settler too.
    function _partiesAsSettlers() internal returns (address[4] memory parties) {
        parties = [provider, operator, buyer, broker];
        IMembership.Admission memory admission = _admission(Codes.ROLE_SETTLER);
        _admit(broker, admission);
        admission.identity = 0;
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(admin);
            membership.change(parties[i], admission);
        }
    }
}
