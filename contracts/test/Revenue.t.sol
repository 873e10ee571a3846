// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Shares} from "../src/libraries/Shares.sol";
import {Settlement} from "./Settlement.t.sol";

/// @title Settlement and refunds
contract RevenueTest is Settlement {
    // Settlement.

    function test_settle_dividesThePriceExactly() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.SaleSettled(saleId, assetId, 1, CNY, 100_001, 0, 5000, 40_000, _brokers(5000), 12_500, 4, 1);
        vm.prank(stranger);
        vm.assertEq(revenue.settle(saleId, offer, REFERENCE), 1);
        vm.assertEq(revenue.carryOf(assetId, CNY), 1);
        vm.assertEq(revenue.carryOf(assetId, "USD"), 0);
        _expectEntry(saleId, 1, 4, 12_500);
        _expectList(saleId, 0, 4, 0, 0);
    }

    function test_settle_carriesToTheNextSaleInThatCurrency() public {
        (IMarket.Offer memory offer, bytes32 first) = _accepted();
        revenue.settle(first, offer, REFERENCE);
        bytes32 second = _sell(offer, "second");
        vm.assertEq(revenue.settle(second, offer, "second"), 2);
        vm.assertEq(revenue.carryOf(assetId, CNY), 2);
        offer.price.currency = "USD";
        _list(offer);
        bytes32 third = _sell(offer, "third");
        revenue.settle(third, offer, "third");
        vm.assertEq(revenue.carryOf(assetId, CNY), 2);
        vm.assertEq(revenue.carryOf(assetId, "USD"), 1);
        vm.assertEq(revenue.certificates(), 3);
    }

    /// Four sales leave 1 each; the fourth carry makes one more for everybody.
    function test_settle_paysTheCarryOut() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        for (uint256 i = 1; i < 4; ++i) {
            vm.assertEq(revenue.carryOf(assetId, CNY), i);
            saleId = _sell(offer, bytes32(i));
            revenue.settle(saleId, offer, bytes32(i));
        }
        vm.assertEq(revenue.carryOf(assetId, CNY), 0);
        _expectEntry(saleId, 4, 4, 12_501);
    }

    /// In the order in which they are settled, whoever sold first.
    function test_settle_inAnyOrder() public {
        (IMarket.Offer memory offer, bytes32 first) = _accepted();
        bytes32 second = _sell(offer, "second");
        vm.assertEq(revenue.settle(second, offer, "second"), 1);
        vm.assertEq(revenue.settle(first, offer, REFERENCE), 2);
        vm.assertEq(revenue.carryOf(assetId, CNY), 2);
    }

    function test_settle_withoutAPoolGivesTheRestToTheProvider() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _sellPublic();
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.SaleSettled(saleId, assetId, 1, CNY, 100_001, 0, 5000, 90_001, _brokers(5000), 0, 0, 0);
        revenue.settle(saleId, offer, REFERENCE);
        _expectEntry(saleId, 1, 0, 0);
    }

    /// Free of charge, and recorded all the same: the carry of an earlier sale stays for a dearer one.
    function test_settle_atNoPrice() public {
        (IMarket.Offer memory offer,) = _settled();
        offer.price = IMarket.Price(0, 0, 0, 0, CNY);
        _list(offer);
        bytes32 saleId = _sell(offer, "free");
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.SaleSettled(saleId, assetId, 2, CNY, 0, 1, 0, 0, _brokers(0), 0, 4, 1);
        revenue.settle(saleId, offer, "free");
    }

    function test_settle_ofTheLargestPrice() public {
        (IMarket.Offer memory offer,) = _listed(4);
        offer.price = IMarket.Price(type(uint96).max, 0, 0, 0, CNY);
        offer.split.intermediaries = new IMarket.Intermediary[](0);
        (offer.split.exchangeBps, offer.split.providerBps, offer.split.subjectsBps) = (0, 0, 10_000);
        _list(offer);
        bytes32 saleId = _sell(offer, REFERENCE);
        revenue.settle(saleId, offer, REFERENCE);
        _expectEntry(saleId, 1, 4, type(uint96).max / 4);
        vm.assertEq(revenue.carryOf(assetId, CNY), 3);
    }

    function test_settle_refusesASaleThatIsNotAccepted() public {
        (IMarket.Offer memory offer,) = _listed(4);
        bytes4 refused = IRevenue.SaleNotAccepted.selector;
        _settleFails(DOCUMENT, offer, abi.encodeWithSelector(refused, DOCUMENT, Codes.SALE_NONE));
        bytes32 saleId = _order(offer, REFERENCE);
        _settleFails(saleId, offer, abi.encodeWithSelector(refused, saleId, Codes.SALE_ORDERED));
        uint256 ordered = vm.snapshotState();
        vm.prank(buyer);
        market.cancel(saleId, offer, REFERENCE);
        _settleFails(saleId, offer, abi.encodeWithSelector(refused, saleId, Codes.SALE_CANCELLED));
        vm.revertToState(ordered);
        _payFor(saleId, offer, REFERENCE);
        _settleFails(saleId, offer, abi.encodeWithSelector(refused, saleId, Codes.SALE_PAID));
        _prepareAs(saleId, offer, REFERENCE);
        _settleFails(saleId, offer, abi.encodeWithSelector(refused, saleId, Codes.SALE_PREPARED));
        _deliverAs(saleId, offer, REFERENCE, 4);
        _settleFails(saleId, offer, abi.encodeWithSelector(refused, saleId, Codes.SALE_DELIVERED));
        vm.prank(buyer);
        market.dispute(saleId, DOCUMENT);
        _settleFails(saleId, offer, abi.encodeWithSelector(refused, saleId, Codes.SALE_DISPUTED));
        vm.prank(provider);
        market.refund(saleId, offer, REFERENCE);
        _settleFails(saleId, offer, abi.encodeWithSelector(refused, saleId, Codes.SALE_REFUNDED));
    }

    function test_settle_afterADisputeThatTheBuyerLost() public {
        (IMarket.Offer memory offer,) = _listed(4);
        bytes32 saleId = _order(offer, REFERENCE);
        _payFor(saleId, offer, REFERENCE);
        _prepareAs(saleId, offer, REFERENCE);
        _deliverAs(saleId, offer, REFERENCE, 4);
        vm.prank(buyer);
        market.dispute(saleId, DOCUMENT);
        vm.prank(arbiter);
        market.decideDispute(saleId, offer, REFERENCE, Codes.OUTCOME_NEGATIVE, DOCUMENT);
        vm.assertEq(revenue.settle(saleId, offer, REFERENCE), 1);
    }

    function test_settle_isDoneOnce() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        revenue.settle(saleId, offer, REFERENCE);
        _settleFails(saleId, offer, abi.encodeWithSelector(IRevenue.AlreadySettled.selector, saleId, uint64(1)));
        vm.roll(2);
        _settleFails(saleId, offer, abi.encodeWithSelector(IRevenue.AlreadySettled.selector, saleId, uint64(1)));
    }

    function test_settle_refusesAnotherSplit() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _settleFails(saleId, offer, _mismatch(saleId, offer, REFERENCE));
    }

    function test_settle_refusesAnotherReference() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        vm.expectRevert(_mismatch(saleId, offer, "another"));
        revenue.settle(saleId, offer, "another");
    }

    function test_settle_isNotStoppedByHolds() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        _hold(saleId);
        _hold(bytes32(assetId));
        vm.assertEq(revenue.settle(saleId, offer, REFERENCE), 1);
    }

    function test_settle_canBeRelayed() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        _relay("stranger", address(revenue), abi.encodeCall(IRevenue.settle, (saleId, offer, REFERENCE)));
        _expectEntry(saleId, 1, 4, 12_500);
    }

    // Refunds.

    function test_confirmRefund_ofASaleThatWasGivenBack() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _givenBack();
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.RefundConfirmed(saleId, settler, RECEIPT, 60_000, 60_000, CNY);
        _refund(saleId, offer, 60_000, RECEIPT);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.RefundConfirmed(saleId, settler, OTHER_RECEIPT, 40_001, 100_001, CNY);
        _refund(saleId, offer, 40_001, OTHER_RECEIPT);
        vm.assertEq(revenue.refundedOf(saleId), 100_001);
        vm.assertEq(revenue.entry(saleId).certificate, 0);
    }

    /// Out of other pockets: what the subjects are due stands.
    function test_confirmRefund_afterSettlement() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _payment(0, 0, 2, RECEIPT));
        _refund(saleId, offer, 100_001, OTHER_RECEIPT);
        vm.assertEq(revenue.refundedOf(saleId), 100_001);
        _expectEntry(saleId, 1, 4, 12_500);
        _payOut(saleId, offer, _payment(0, 2, 4, _nextReceipt()));
    }

    function test_confirmRefund_isNotStoppedByHolds() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _givenBack();
        _hold(saleId);
        _hold(bytes32(assetId));
        _refund(saleId, offer, 100_001, RECEIPT);
    }

    function test_confirmRefund_canBeRelayed() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _givenBack();
        _relay("settler", address(revenue), abi.encodeCall(IRevenue.confirmRefund, (saleId, offer, REFERENCE, 7, RECEIPT)));
        vm.assertEq(revenue.refundedOf(saleId), 7);
    }

    function test_confirmRefund_needsASaleGivenBackOrSettled() public {
        (IMarket.Offer memory offer,) = _listed(4);
        bytes4 refused = IRevenue.NotRefunded.selector;
        _refundFails(DOCUMENT, offer, 1, RECEIPT, abi.encodeWithSelector(refused, DOCUMENT, Codes.SALE_NONE));
        bytes32 saleId = _order(offer, REFERENCE);
        _refundFails(saleId, offer, 1, RECEIPT, abi.encodeWithSelector(refused, saleId, Codes.SALE_ORDERED));
        _payFor(saleId, offer, REFERENCE);
        _refundFails(saleId, offer, 1, RECEIPT, abi.encodeWithSelector(refused, saleId, Codes.SALE_PAID));
        _prepareAs(saleId, offer, REFERENCE);
        _refundFails(saleId, offer, 1, RECEIPT, abi.encodeWithSelector(refused, saleId, Codes.SALE_PREPARED));
        _deliverAs(saleId, offer, REFERENCE, 4);
        _refundFails(saleId, offer, 1, RECEIPT, abi.encodeWithSelector(refused, saleId, Codes.SALE_DELIVERED));
        uint256 delivered = vm.snapshotState();
        vm.prank(buyer);
        market.dispute(saleId, DOCUMENT);
        _refundFails(saleId, offer, 1, RECEIPT, abi.encodeWithSelector(refused, saleId, Codes.SALE_DISPUTED));
        vm.revertToState(delivered);
        _accept(saleId);
        _refundFails(saleId, offer, 1, RECEIPT, abi.encodeWithSelector(refused, saleId, Codes.SALE_ACCEPTED));
        revenue.settle(saleId, offer, REFERENCE);
        _refund(saleId, offer, 1, RECEIPT);
    }

    function test_confirmRefund_isAtMostThePriceInAll() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _givenBack();
        bytes4 beyond = IRevenue.RefundBeyond.selector;
        _refundFails(saleId, offer, 100_002, RECEIPT, abi.encodeWithSelector(beyond, uint128(100_002), uint128(100_001)));
        uint128 most = type(uint128).max;
        _refundFails(saleId, offer, most, RECEIPT, abi.encodeWithSelector(beyond, most, uint128(100_001)));
        _refund(saleId, offer, 100_000, RECEIPT);
        _refundFails(saleId, offer, 2, OTHER_RECEIPT, abi.encodeWithSelector(beyond, uint128(2), uint128(1)));
        _refund(saleId, offer, 1, OTHER_RECEIPT);
        _refundFails(saleId, offer, 1, PLACES, abi.encodeWithSelector(beyond, uint128(1), uint128(0)));
        _refundFails(saleId, offer, 0, PLACES, abi.encodeWithSelector(IRevenue.RefundEmpty.selector));
    }

    function test_confirmRefund_takesAReceiptOnce() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _givenBack();
        _refundFails(saleId, offer, 1, 0, abi.encodeWithSelector(IRevenue.ZeroHash.selector, 0));
        _refund(saleId, offer, 1, RECEIPT);
        _refundFails(saleId, offer, 1, RECEIPT, abi.encodeWithSelector(IRevenue.ReceiptUsed.selector, RECEIPT));
        bytes32 payment = _paymentReceipt(saleId);
        _refundFails(saleId, offer, 1, payment, abi.encodeWithSelector(IRevenue.ReceiptUsed.selector, payment));
    }

    function test_confirmRefund_needsASettlerWhoIsNoParty() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _givenBack();
        bytes memory missing = abi.encodeWithSelector(IMembership.RoleMissing.selector, auditor, Codes.ROLE_SETTLER, Codes.ROLE_AUDITOR);
        _refundFailsBy(auditor, saleId, offer, missing);
        address[4] memory parties = _partiesAsSettlers();
        for (uint256 i = 0; i < 4; ++i) {
            _refundFailsBy(parties[i], saleId, offer, abi.encodeWithSelector(IRevenue.SettlerIsParty.selector, parties[i]));
        }
        _suspend(settler);
        bytes memory suspended = abi.encodeWithSelector(IMembership.ParticipantIs.selector, settler, Codes.MEMBER_SUSPENDED);
        _refundFailsBy(settler, saleId, offer, suspended);
    }

    function test_confirmRefund_refusesAnotherOfferOrReference() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _givenBack();
        vm.expectRevert(_mismatch(saleId, offer, "another"));
        vm.prank(settler);
        revenue.confirmRefund(saleId, offer, "another", 1, RECEIPT);
        offer.price.data += 1;
        _refundFails(saleId, offer, 1, RECEIPT, _mismatch(saleId, offer, REFERENCE));
    }

    /// Two sales that were given back do not share their limits.
    function test_confirmRefund_countsEverySaleApart() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _givenBack();
        bytes32 other = _order(offer, "other");
        _payFor(other, offer, "other");
        vm.prank(provider);
        market.refund(other, offer, "other");
        _refund(saleId, offer, 100_001, RECEIPT);
        vm.prank(settler);
        revenue.confirmRefund(other, offer, "other", 100_001, OTHER_RECEIPT);
        vm.assertEq(revenue.refundedOf(other), 100_001);
    }

    // Conservation.

    function testFuzz_divide_conservesMoney(uint96 price, uint96 carryIn, uint64 heads, uint16[4] calldata cuts) public view {
        IMarket.Split memory split = _split(cuts);
        Shares.Division memory division = this.divide(split, price, carryIn, heads);
        uint256 sum = uint256(division.exchange) + division.provider + division.carryOut;
        for (uint256 i = 0; i < division.intermediaries.length; ++i) {
            sum += division.intermediaries[i];
        }
        sum += uint256(division.perHead) * heads;
        vm.assertEq(sum, uint256(price) + carryIn);
        if (heads != 0) vm.assertLt(division.carryOut, heads);
        else vm.assertEq(division.carryOut, carryIn);
    }

    /// Nobody gets more than the share that was agreed, and less by a part of one unit only.
    function testFuzz_divide_roundsDown(uint96 price, uint64 heads, uint16[4] calldata cuts) public view {
        IMarket.Split memory split = _split(cuts);
        if (heads == 0) heads = 1;
        Shares.Division memory division = this.divide(split, price, 0, heads);
        _expectShare(price, split.exchangeBps, division.exchange);
        _expectShare(price, split.providerBps, division.provider);
        for (uint256 i = 0; i < division.intermediaries.length; ++i) {
            _expectShare(price, split.intermediaries[i].bps, division.intermediaries[i]);
        }
        uint256 pool = uint256(division.perHead) * heads + division.carryOut;
        vm.assertLe(uint256(price) * split.subjectsBps / 10_000, pool);
        vm.assertLe(pool, uint256(price) * split.subjectsBps / 10_000 + 4);
    }

    function _expectShare(uint256 price, uint256 bps, uint256 share) private pure {
        vm.assertLe(share * 10_000, price * bps);
        vm.assertLt(price * bps, (share + 1) * 10_000);
    }

    function test_divide_atItsLimits() public view {
        uint16[4] memory none;
        IMarket.Split memory split = _split(none);
        Shares.Division memory division = this.divide(split, type(uint96).max, type(uint64).max, 1);
        vm.assertEq(division.perHead, uint256(type(uint96).max) + type(uint64).max);
        vm.assertEq(division.carryOut, 0);
        division = this.divide(split, type(uint96).max, 0, type(uint64).max);
        vm.assertEq(division.perHead, type(uint96).max / type(uint64).max);
        division = this.divide(split, 0, 0, type(uint64).max);
        vm.assertEq(division.perHead, 0);
        division = this.divide(split, 0, type(uint64).max, 0);
        vm.assertEq(division.carryOut, type(uint64).max);
    }

    function divide(IMarket.Split calldata split, uint128 price, uint128 carryIn, uint64 heads)
        external
        pure
        returns (Shares.Division memory)
    {
        return Shares.divide(split, price, carryIn, heads);
    }

    function _split(uint16[4] memory cuts) private pure returns (IMarket.Split memory split) {
        uint16 left = Codes.BPS;
        split.exchangeBps = cuts[0] % (left + 1);
        left -= split.exchangeBps;
        split.providerBps = cuts[1] % (left + 1);
        left -= split.providerBps;
        split.intermediaries = new IMarket.Intermediary[](2);
        for (uint256 i = 0; i < 2; ++i) {
            split.intermediaries[i].bps = cuts[2 + i] % (left + 1);
            left -= split.intermediaries[i].bps;
        }
        split.subjectsBps = left;
    }

    // Shorthand.

    function _sellPublic() private returns (IMarket.Offer memory offer, bytes32 saleId) {
        offer = _public();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        vm.prank(buyer);
        saleId = market.order(offerId, offer, _attesters(1), REFERENCE);
        _payFor(saleId, offer, REFERENCE);
        _prepareAs(saleId, offer, REFERENCE);
        _deliverAs(saleId, offer, REFERENCE, 0);
        _accept(saleId);
    }

    function _givenBack() private returns (IMarket.Offer memory offer, bytes32 saleId) {
        (offer,) = _listed(4);
        saleId = _order(offer, REFERENCE);
        _payFor(saleId, offer, REFERENCE);
        vm.prank(provider);
        market.refund(saleId, offer, REFERENCE);
    }

    function _brokers(uint128 share) private pure returns (uint128[] memory intermediaries) {
        intermediaries = new uint128[](1);
        intermediaries[0] = share;
    }

    function _mismatch(bytes32 saleId, IMarket.Offer memory offer, bytes32 reference_) private view returns (bytes memory) {
        bytes32 given = market.saleIdOf(market.offerIdOf(offer), buyer, reference_);
        return abi.encodeWithSelector(IRevenue.SaleMismatch.selector, saleId, given);
    }

    function _expectEntry(bytes32 saleId, uint64 certificate, uint64 deliveredCount, uint128 perHead) private view {
        IRevenue.Entry memory entry = revenue.entry(saleId);
        vm.assertEq(entry.certificate, certificate);
        vm.assertEq(entry.deliveredCount, deliveredCount);
        vm.assertEq(entry.perHead, perHead);
        vm.assertEq(bytes32(entry.currency), bytes32(CNY));
    }

    function _settleFails(bytes32 saleId, IMarket.Offer memory offer, bytes memory expected) private {
        vm.expectRevert(expected);
        revenue.settle(saleId, offer, REFERENCE);
    }

    function _refund(bytes32 saleId, IMarket.Offer memory offer, uint128 amount, bytes32 receipt) private {
        vm.prank(settler);
        revenue.confirmRefund(saleId, offer, REFERENCE, amount, receipt);
    }

    function _refundFails(bytes32 saleId, IMarket.Offer memory offer, uint128 amount, bytes32 receipt, bytes memory expected) private {
        vm.expectRevert(expected);
        _refund(saleId, offer, amount, receipt);
    }

    function _refundFailsBy(address by, bytes32 saleId, IMarket.Offer memory offer, bytes memory expected) private {
        vm.expectRevert(expected);
        vm.prank(by);
        revenue.confirmRefund(saleId, offer, REFERENCE, 1, RECEIPT);
    }
}
