// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ICases} from "../src/interfaces/ICases.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Shares} from "../src/libraries/Shares.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title Settlement and payouts
contract RevenueTest is Exchange {
    bytes32 private constant RECEIPT = keccak256("a bank batch");

    // Settlement.

    function test_settle_dividesThePriceExactly() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        uint128[] memory intermediaries = new uint128[](1);
        intermediaries[0] = 5000;
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.SaleSettled(saleId, assetId, 1, CNY, 100_001, 0, 5000, 40_000, intermediaries, 12_500, 4, 1);
        vm.prank(stranger);
        vm.assertEq(revenue.settle(saleId, offer), 1);
        vm.assertEq(revenue.carryOf(assetId, CNY), 1);
        vm.assertEq(revenue.carryOf(assetId, "USD"), 0);
    }

    function test_settle_carriesToTheNextSaleInThatCurrency() public {
        (IMarket.Offer memory offer, bytes32 first) = _accepted();
        revenue.settle(first, offer);
        bytes32 second = _sell(offer, "second");
        vm.assertEq(revenue.settle(second, offer), 2);
        vm.assertEq(revenue.carryOf(assetId, CNY), 2);
        offer.price.currency = "USD";
        _list(offer);
        bytes32 third = _sell(offer, "third");
        revenue.settle(third, offer);
        vm.assertEq(revenue.carryOf(assetId, CNY), 2);
        vm.assertEq(revenue.carryOf(assetId, "USD"), 1);
        vm.assertEq(revenue.certificates(), 3);
    }

    function test_settle_withoutAPoolGivesTheRestToTheProvider() public {
        IMarket.Offer memory offer = _public();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        vm.prank(buyer);
        bytes32 saleId = market.order(offerId, offer, _attesters(1), REFERENCE);
        _pay(saleId, offer);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 0);
        _accept(saleId);
        uint128[] memory intermediaries = new uint128[](1);
        intermediaries[0] = 5000;
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.SaleSettled(saleId, assetId, 1, CNY, 100_001, 0, 5000, 90_001, intermediaries, 0, 0, 0);
        revenue.settle(saleId, offer);
    }

    function test_settle_refusesASaleThatIsNotAccepted() public {
        (IMarket.Offer memory offer,) = _listed(4);
        bytes32 saleId = _order(offer);
        bytes4 refused = IRevenue.SaleNotAccepted.selector;
        _settleFails(saleId, offer, abi.encodeWithSelector(refused, saleId, Codes.SALE_ORDERED));
        _settleFails(DOCUMENT, offer, abi.encodeWithSelector(refused, DOCUMENT, Codes.SALE_NONE));
    }

    function test_settle_isDoneOnce() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        revenue.settle(saleId, offer);
        _settleFails(saleId, offer, abi.encodeWithSelector(IRevenue.AlreadySettled.selector, saleId, uint64(1)));
    }

    function test_settle_refusesAnotherSplit() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        bytes32 named = market.offerIdOf(offer);
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _settleFails(saleId, offer, abi.encodeWithSelector(IRevenue.OfferMismatch.selector, named, market.offerIdOf(offer)));
    }

    // Payouts.

    function test_confirmPayout_paysTheNextOrdinals() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.PayoutConfirmed(saleId, settler, RECEIPT, 0, 3, 37_500, CNY);
        _payOut(settler, saleId, offer, 0, 3, 37_500, RECEIPT);
        vm.assertEq(revenue.entry(saleId).paidUpTo, 3);
        _payOut(settler, saleId, offer, 3, 4, 12_500, COVER);
        vm.assertEq(revenue.entry(saleId).paidUpTo, 4);
    }

    function test_confirmPayout_canBeRelayed() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _relay("settler", address(revenue), abi.encodeCall(IRevenue.confirmPayout, (saleId, offer, 0, 4, 50_000, RECEIPT)));
        vm.assertEq(revenue.entry(saleId).paidUpTo, 4);
    }

    function test_confirmPayout_needsASettledSale() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        _payOutFails(settler, saleId, offer, 0, 4, 50_000, RECEIPT, abi.encodeWithSelector(IRevenue.NotSettled.selector, saleId));
    }

    function test_confirmPayout_needsASettler() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        bytes memory missing = abi.encodeWithSelector(IMembership.RoleMissing.selector, auditor, Codes.ROLE_SETTLER, Codes.ROLE_AUDITOR);
        _payOutFails(auditor, saleId, offer, 0, 4, 50_000, RECEIPT, missing);
    }

    function test_confirmPayout_refusesPartiesAsSettler() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        address[3] memory parties = [provider, operator, buyer];
        for (uint256 i = 0; i < parties.length; ++i) {
            IMembership.Admission memory admission = _admission(Codes.ROLE_SETTLER);
            admission.identity = 0;
            vm.prank(admin);
            membership.change(parties[i], admission);
            bytes memory expected = abi.encodeWithSelector(IRevenue.SettlerIsParty.selector, parties[i]);
            _payOutFails(parties[i], saleId, offer, 0, 4, 50_000, RECEIPT, expected);
        }
        _admit(broker, Codes.ROLE_SETTLER);
        _payOutFails(broker, saleId, offer, 0, 4, 50_000, RECEIPT, abi.encodeWithSelector(IRevenue.SettlerIsParty.selector, broker));
    }

    function test_confirmPayout_refusesAnotherOffer() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        bytes32 named = market.offerIdOf(offer);
        offer.split.exchange = stranger;
        bytes memory expected = abi.encodeWithSelector(IRevenue.OfferMismatch.selector, named, market.offerIdOf(offer));
        _payOutFails(settler, saleId, offer, 0, 4, 50_000, RECEIPT, expected);
    }

    function test_confirmPayout_leavesNobodyOutAndPaysNobodyTwice() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        bytes4 gap = IRevenue.PayoutGap.selector;
        _payOutFails(settler, saleId, offer, 1, 4, 37_500, RECEIPT, abi.encodeWithSelector(gap, uint64(0), uint64(1)));
        _payOut(settler, saleId, offer, 0, 2, 25_000, RECEIPT);
        _payOutFails(settler, saleId, offer, 0, 4, 50_000, COVER, abi.encodeWithSelector(gap, uint64(2), uint64(0)));
        bytes4 empty = IRevenue.PayoutEmpty.selector;
        _payOutFails(settler, saleId, offer, 2, 2, 0, COVER, abi.encodeWithSelector(empty, uint64(2), uint64(2)));
        _payOutFails(settler, saleId, offer, 2, 1, 0, COVER, abi.encodeWithSelector(empty, uint64(2), uint64(1)));
        bytes memory beyond = abi.encodeWithSelector(IRevenue.PayoutBeyond.selector, uint64(5), uint64(4));
        _payOutFails(settler, saleId, offer, 2, 5, 37_500, COVER, beyond);
    }

    function test_confirmPayout_paysExactly() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        bytes4 wrong = IRevenue.WrongTotal.selector;
        _payOutFails(settler, saleId, offer, 0, 4, 49_999, RECEIPT, abi.encodeWithSelector(wrong, uint128(50_000), uint128(49_999)));
        _payOutFails(settler, saleId, offer, 0, 4, 50_001, RECEIPT, abi.encodeWithSelector(wrong, uint128(50_000), uint128(50_001)));
    }

    function test_confirmPayout_takesAReceiptOnce() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOutFails(settler, saleId, offer, 0, 1, 12_500, 0, abi.encodeWithSelector(IRevenue.ZeroHash.selector, 0));
        _payOut(settler, saleId, offer, 0, 1, 12_500, RECEIPT);
        bytes4 used = IRevenue.ReceiptUsed.selector;
        _payOutFails(settler, saleId, offer, 1, 2, 12_500, RECEIPT, abi.encodeWithSelector(used, RECEIPT));
        bytes32 payment = keccak256(abi.encode("receipt", saleId));
        vm.assertTrue(market.isReceiptUsed(payment));
        _payOutFails(settler, saleId, offer, 1, 2, 12_500, payment, abi.encodeWithSelector(used, payment));
    }

    function test_confirmPayout_isStoppedByHolds() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        uint256 state = vm.snapshotState();
        _hold(saleId);
        _payOutFails(settler, saleId, offer, 0, 4, 50_000, RECEIPT, abi.encodeWithSelector(ICases.Held.selector, saleId));
        vm.revertToState(state);
        _hold(bytes32(assetId));
        _payOutFails(settler, saleId, offer, 0, 4, 50_000, RECEIPT, abi.encodeWithSelector(ICases.Held.selector, bytes32(assetId)));
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

    function divide(IMarket.Split calldata split, uint128 price, uint128 carryIn, uint64 heads)
        external
        pure
        returns (Shares.Division memory)
    {
        return Shares.divide(split, price, carryIn, heads);
    }

    function _split(uint16[4] calldata cuts) private pure returns (IMarket.Split memory split) {
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

    function _accepted() private returns (IMarket.Offer memory offer, bytes32 saleId) {
        (offer,) = _listed(4);
        saleId = _sell(offer, REFERENCE);
    }

    function _sell(IMarket.Offer memory offer, bytes32 reference_) private returns (bytes32 saleId) {
        saleId = _order(offer, reference_);
        _pay(saleId, offer);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 4);
        _accept(saleId);
    }

    function _settled() private returns (IMarket.Offer memory offer, bytes32 saleId) {
        (offer, saleId) = _accepted();
        revenue.settle(saleId, offer);
    }

    function _settleFails(bytes32 saleId, IMarket.Offer memory offer, bytes memory expected) private {
        vm.expectRevert(expected);
        revenue.settle(saleId, offer);
    }

    function _payOut(address by, bytes32 saleId, IMarket.Offer memory offer, uint64 from, uint64 to, uint128 total, bytes32 receipt)
        private
    {
        vm.prank(by);
        revenue.confirmPayout(saleId, offer, from, to, total, receipt);
    }

    function _payOutFails(
        address by,
        bytes32 saleId,
        IMarket.Offer memory offer,
        uint64 from,
        uint64 to,
        uint128 total,
        bytes32 receipt,
        bytes memory expected
    ) private {
        vm.expectRevert(expected);
        _payOut(by, saleId, offer, from, to, total, receipt);
    }
}
