// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ICases} from "../src/interfaces/ICases.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {PlainLog} from "./PlainLog.sol";
import {Settlement} from "./Settlement.t.sol";

/// @title Payouts, what is put off, and what comes back
contract PayoutsTest is Settlement {
    // In order.

    function test_confirmPayout_paysTheNextOrdinals() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.PayoutConfirmed(saleId, settler, RECEIPT, 0, 3, 37_500, CNY);
        _payOut(saleId, offer, _payment(0, 0, 3, RECEIPT));
        _expectList(saleId, 0, 4, 3, 0);
        _payOut(saleId, offer, _payment(0, 3, 4, OTHER_RECEIPT));
        _expectList(saleId, 0, 4, 4, 0);
        vm.assertEq(revenue.entry(saleId).lists, 0);
    }

    function test_confirmPayout_canBeRelayed() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        IRevenue.Payout memory payout = _payment(0, 0, 4, RECEIPT);
        _relay("settler", address(revenue), abi.encodeCall(IRevenue.confirmPayout, (saleId, offer, REFERENCE, payout)));
        _expectList(saleId, 0, 4, 4, 0);
    }

    function test_confirmPayout_leavesNobodyOutAndPaysNobodyTwice() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        bytes4 gap = IRevenue.PayoutGap.selector;
        _payOutFails(saleId, offer, _payment(0, 1, 4, RECEIPT), abi.encodeWithSelector(gap, uint64(0), uint64(1)));
        _payOut(saleId, offer, _payment(0, 0, 2, RECEIPT));
        _payOutFails(saleId, offer, _payment(0, 0, 4, OTHER_RECEIPT), abi.encodeWithSelector(gap, uint64(2), uint64(0)));
        _payOutFails(saleId, offer, _payment(0, 0, 2, OTHER_RECEIPT), abi.encodeWithSelector(gap, uint64(2), uint64(0)));
        bytes4 empty = IRevenue.PayoutEmpty.selector;
        _payOutFails(saleId, offer, _payment(0, 2, 2, OTHER_RECEIPT), abi.encodeWithSelector(empty, uint64(2), uint64(2)));
        IRevenue.Payout memory backwards = _payment(0, 2, 3, OTHER_RECEIPT);
        backwards.to = 1;
        _payOutFails(saleId, offer, backwards, abi.encodeWithSelector(empty, uint64(2), uint64(1)));
        bytes4 beyond = IRevenue.PayoutBeyond.selector;
        _payOutFails(saleId, offer, _payment(0, 2, 5, OTHER_RECEIPT), abi.encodeWithSelector(beyond, uint64(5), uint64(4)));
        uint64 most = type(uint64).max;
        _payOutFails(saleId, offer, _payment(0, 2, most, OTHER_RECEIPT), abi.encodeWithSelector(beyond, most, uint64(4)));
    }

    function test_confirmPayout_paysExactly() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        IRevenue.Payout memory payout = _payment(0, 0, 4, RECEIPT);
        _wrongTotals(saleId, offer, payout, 50_000);
        payout = _deferral(0, 0, 4, 1, RECEIPT);
        _wrongTotals(saleId, offer, payout, 37_500);
        payout = _deferral(0, 0, 4, 4, 0);
        _wrongTotals(saleId, offer, payout, 0);
    }

    function _wrongTotals(bytes32 saleId, IMarket.Offer memory offer, IRevenue.Payout memory payout, uint128 due) private {
        uint128[4] memory wrong = [due + 1, due == 0 ? 1 : due - 1, due + 12_500, type(uint128).max];
        for (uint256 i = 0; i < 4; ++i) {
            payout.total = wrong[i];
            _payOutFails(saleId, offer, payout, abi.encodeWithSelector(IRevenue.WrongTotal.selector, due, wrong[i]));
        }
    }

    // Who may, and when.

    function test_confirmPayout_needsASettledSale() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _accepted();
        bytes memory expected = abi.encodeWithSelector(IRevenue.NotSettled.selector, saleId);
        _payOutFails(saleId, offer, _payment(0, 0, 4, RECEIPT), expected);
        _comeBackFails(saleId, offer, _bounce(0, 1, RECEIPT), expected);
    }

    function test_confirmPayout_needsASettlerWhoIsNoParty() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _payment(0, 0, 1, RECEIPT));
        bytes memory missing = abi.encodeWithSelector(IMembership.RoleMissing.selector, auditor, Codes.ROLE_SETTLER, Codes.ROLE_AUDITOR);
        _payOutFails(auditor, saleId, offer, _payment(0, 1, 4, OTHER_RECEIPT), missing);
        _comeBackFails(auditor, saleId, offer, _bounce(0, 1, OTHER_RECEIPT), missing);
        address[4] memory parties = _partiesAsSettlers();
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory expected = abi.encodeWithSelector(IRevenue.SettlerIsParty.selector, parties[i]);
            _payOutFails(parties[i], saleId, offer, _payment(0, 1, 4, OTHER_RECEIPT), expected);
            _comeBackFails(parties[i], saleId, offer, _bounce(0, 1, OTHER_RECEIPT), expected);
        }
    }

    /// A settler can be replaced between two batches.
    function test_confirmPayout_byAnotherSettler() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _payment(0, 0, 2, RECEIPT));
        _suspend(settler);
        bytes memory suspended = abi.encodeWithSelector(IMembership.ParticipantIs.selector, settler, Codes.MEMBER_SUSPENDED);
        _payOutFails(saleId, offer, _payment(0, 2, 4, OTHER_RECEIPT), suspended);
        address next = _account("next settler");
        _admit(next, Codes.ROLE_SETTLER);
        vm.prank(next);
        revenue.confirmPayout(saleId, offer, REFERENCE, _payment(0, 2, 4, OTHER_RECEIPT));
        _expectList(saleId, 0, 4, 4, 0);
    }

    function test_confirmPayout_refusesAnotherOfferOrReference() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        bytes32 given = market.saleIdOf(market.offerIdOf(offer), buyer, "another");
        bytes memory expected = abi.encodeWithSelector(IRevenue.SaleMismatch.selector, saleId, given);
        vm.expectRevert(expected);
        vm.prank(settler);
        revenue.confirmPayout(saleId, offer, "another", _payment(0, 0, 4, RECEIPT));
        vm.expectRevert(expected);
        vm.prank(settler);
        revenue.confirmBounce(saleId, offer, "another", _bounce(0, 1, RECEIPT));
        offer.split.exchange = stranger;
        given = market.saleIdOf(market.offerIdOf(offer), buyer, REFERENCE);
        expected = abi.encodeWithSelector(IRevenue.SaleMismatch.selector, saleId, given);
        _payOutFails(saleId, offer, _payment(0, 0, 4, RECEIPT), expected);
        _comeBackFails(saleId, offer, _bounce(0, 1, RECEIPT), expected);
    }

    function test_confirmPayout_takesAReceiptOnce() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOutFails(saleId, offer, _payment(0, 0, 1, 0), abi.encodeWithSelector(IRevenue.ZeroHash.selector, 0));
        _payOut(saleId, offer, _payment(0, 0, 1, RECEIPT));
        bytes memory used = abi.encodeWithSelector(IRevenue.ReceiptUsed.selector, RECEIPT);
        _payOutFails(saleId, offer, _payment(0, 1, 2, RECEIPT), used);
        _comeBackFails(saleId, offer, _bounce(0, 1, RECEIPT), used);
        bytes32 payment = _paymentReceipt(saleId);
        vm.assertTrue(market.isReceiptUsed(payment));
        used = abi.encodeWithSelector(IRevenue.ReceiptUsed.selector, payment);
        _payOutFails(saleId, offer, _payment(0, 1, 2, payment), used);
        _comeBackFails(saleId, offer, _bounce(0, 1, payment), used);
    }

    function test_confirmPayout_isStoppedByHolds() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        uint256 state = vm.snapshotState();
        _hold(saleId);
        _payOutFails(saleId, offer, _payment(0, 0, 4, RECEIPT), abi.encodeWithSelector(ICases.Held.selector, saleId));
        vm.revertToState(state);
        _hold(bytes32(assetId));
        _payOutFails(saleId, offer, _payment(0, 0, 4, RECEIPT), abi.encodeWithSelector(ICases.Held.selector, bytes32(assetId)));
        vm.prank(arbiter);
        cases.release(bytes32(assetId), DOCUMENT);
        _payOut(saleId, offer, _payment(0, 0, 4, RECEIPT));
    }

    /// What came back is a fact: a hold does not hide it.
    function test_confirmBounce_isNotStoppedByHolds() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _payment(0, 0, 4, RECEIPT));
        _hold(saleId);
        _hold(bytes32(assetId));
        _comeBack(saleId, offer, _bounce(0, 1, OTHER_RECEIPT));
        _payOutFails(saleId, offer, _payment(1, 0, 1, PLACES), abi.encodeWithSelector(ICases.Held.selector, saleId));
    }

    // Put off.

    function test_confirmPayout_putsSomeOff() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.OrdinalsDeferred(saleId, 1, PLACES, 1, 0, 0, 3);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.PayoutConfirmed(saleId, settler, RECEIPT, 0, 3, 25_000, CNY);
        _payOut(saleId, offer, _deferral(0, 0, 3, 1, RECEIPT));
        _expectList(saleId, 0, 4, 3, 1);
        _expectList(saleId, 1, 1, 0, 0);
        vm.assertEq(revenue.entry(saleId).lists, 1);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.DeferredPayoutConfirmed(saleId, settler, OTHER_RECEIPT, 1, 0, 1, 12_500, CNY);
        _payOut(saleId, offer, _payment(1, 0, 1, OTHER_RECEIPT));
        _expectList(saleId, 1, 1, 1, 0);
        _payOut(saleId, offer, _payment(0, 3, 4, _nextReceipt()));
        _expectList(saleId, 0, 4, 4, 1);
    }

    /// Also in the middle: what counts is how many of these are put off, not where they stand.
    function test_confirmPayout_putsAllOfALaterPartOff() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _payment(0, 0, 2, RECEIPT));
        _payOutFails(
            saleId, offer, _deferral(0, 2, 4, 2, OTHER_RECEIPT), abi.encodeWithSelector(IRevenue.ReceiptOfNothing.selector, OTHER_RECEIPT)
        );
        _payOut(saleId, offer, _deferral(0, 2, 4, 2, 0));
        _expectList(saleId, 0, 4, 4, 2);
        _expectList(saleId, 1, 2, 0, 0);
    }

    /// Nothing was paid, so that no receipt stands for it.
    function test_confirmPayout_putsAllOff() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOutFails(saleId, offer, _deferral(0, 0, 4, 4, RECEIPT), abi.encodeWithSelector(IRevenue.ReceiptOfNothing.selector, RECEIPT));
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.OrdinalsDeferred(saleId, 1, PLACES, 4, 0, 0, 4);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.PayoutConfirmed(saleId, settler, 0, 0, 4, 0, CNY);
        _payOut(saleId, offer, _deferral(0, 0, 4, 4, 0));
        _expectList(saleId, 0, 4, 4, 4);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.OrdinalsDeferred(saleId, 2, PLACES, 4, 1, 0, 4);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.DeferredPayoutConfirmed(saleId, settler, 0, 1, 0, 4, 0, CNY);
        _payOut(saleId, offer, _deferral(1, 0, 4, 4, 0));
        _payOut(saleId, offer, _payment(2, 0, 4, RECEIPT));
        _expectList(saleId, 2, 4, 4, 0);
        _payOutFails(saleId, offer, _payment(2, 4, 5, PLACES), abi.encodeWithSelector(IRevenue.PayoutBeyond.selector, uint64(5), uint64(4)));
    }

    function test_confirmPayout_refusesAWrongDeferral() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        IRevenue.Payout memory payout = _deferral(0, 0, 3, 3, RECEIPT);
        payout.deferredCount = 4;
        _payOutFails(saleId, offer, payout, abi.encodeWithSelector(IRevenue.DeferredWrong.selector, uint64(4), uint64(3)));
        payout.deferredCount = type(uint64).max;
        _payOutFails(saleId, offer, payout, abi.encodeWithSelector(IRevenue.DeferredWrong.selector, type(uint64).max, uint64(3)));
        payout = _payment(0, 0, 3, RECEIPT);
        payout.deferredRoot = PLACES;
        _payOutFails(saleId, offer, payout, abi.encodeWithSelector(IRevenue.DeferredWrong.selector, uint64(0), uint64(3)));
        payout = _deferral(0, 0, 3, 1, RECEIPT);
        payout.deferredRoot = 0;
        _payOutFails(saleId, offer, payout, abi.encodeWithSelector(IRevenue.ZeroHash.selector, 1));
    }

    function test_confirmPayout_refusesAnUnknownList() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        bytes4 unknown = IRevenue.UnknownList.selector;
        _payOutFails(saleId, offer, _payment(1, 0, 1, RECEIPT), abi.encodeWithSelector(unknown, saleId, uint32(1)));
        _comeBackFails(saleId, offer, _bounce(1, 1, RECEIPT), abi.encodeWithSelector(unknown, saleId, uint32(1)));
        _payOut(saleId, offer, _deferral(0, 0, 3, 1, RECEIPT));
        _payOutFails(saleId, offer, _payment(2, 0, 1, OTHER_RECEIPT), abi.encodeWithSelector(unknown, saleId, uint32(2)));
        uint32 most = type(uint32).max;
        _payOutFails(saleId, offer, _payment(most, 0, 1, OTHER_RECEIPT), abi.encodeWithSelector(unknown, saleId, most));
        _expectList(saleId, 2, 0, 0, 0);
    }

    function test_confirmPayout_ofALaterListObeysTheSameRules() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _deferral(0, 0, 4, 3, RECEIPT));
        bytes memory gap = abi.encodeWithSelector(IRevenue.PayoutGap.selector, uint64(0), uint64(1));
        _payOutFails(saleId, offer, _payment(1, 1, 3, OTHER_RECEIPT), gap);
        bytes memory beyond = abi.encodeWithSelector(IRevenue.PayoutBeyond.selector, uint64(4), uint64(3));
        _payOutFails(saleId, offer, _payment(1, 0, 4, OTHER_RECEIPT), beyond);
        _payOut(saleId, offer, _payment(1, 0, 1, OTHER_RECEIPT));
        bytes memory again = abi.encodeWithSelector(IRevenue.PayoutGap.selector, uint64(1), uint64(0));
        _payOutFails(saleId, offer, _payment(1, 0, 3, PLACES), again);
        bytes memory empty = abi.encodeWithSelector(IRevenue.PayoutEmpty.selector, uint64(1), uint64(1));
        _payOutFails(saleId, offer, _payment(1, 1, 1, PLACES), empty);
        _payOut(saleId, offer, _payment(1, 1, 3, PLACES));
        _expectList(saleId, 1, 3, 3, 0);
    }

    // Come back.

    function test_confirmBounce_putsThemOnANewList() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _payment(0, 0, 3, RECEIPT));
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.OrdinalsDeferred(saleId, 1, PLACES, 2, 0, 0, 3);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.PaymentsBounced(saleId, settler, OTHER_RECEIPT, 0, 2, 25_000, CNY);
        _comeBack(saleId, offer, _bounce(0, 2, OTHER_RECEIPT));
        _expectList(saleId, 0, 4, 3, 2);
        _expectList(saleId, 1, 2, 0, 0);
        _payOut(saleId, offer, _payment(1, 0, 2, _nextReceipt()));
        _payOut(saleId, offer, _payment(0, 3, 4, _nextReceipt()));
        _expectList(saleId, 0, 4, 4, 2);
        _expectList(saleId, 1, 2, 2, 0);
    }

    function test_confirmBounce_ofABounce() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _payment(0, 0, 4, RECEIPT));
        for (uint32 list = 0; list < 3; ++list) {
            vm.expectEmit(true, true, true, true, address(revenue));
            emit IRevenue.OrdinalsDeferred(saleId, list + 1, PLACES, 1, list, 0, list == 0 ? 4 : 1);
            _comeBack(saleId, offer, _bounce(list, 1, _nextReceipt()));
            _payOut(saleId, offer, _payment(list + 1, 0, 1, _nextReceipt()));
        }
        bytes memory beyond = abi.encodeWithSelector(IRevenue.BouncesBeyond.selector, uint64(1), uint64(0));
        _comeBackFails(saleId, offer, _bounce(1, 1, OTHER_RECEIPT), beyond);
        _comeBackFails(saleId, offer, _bounce(2, 1, OTHER_RECEIPT), beyond);
        _expectList(saleId, 3, 1, 1, 0);
    }

    function test_confirmBounce_isAtMostWhatWasPaid() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        bytes4 beyond = IRevenue.BouncesBeyond.selector;
        _comeBackFails(saleId, offer, _bounce(0, 1, RECEIPT), abi.encodeWithSelector(beyond, uint64(1), uint64(0)));
        _payOut(saleId, offer, _deferral(0, 0, 3, 1, RECEIPT));
        _comeBackFails(saleId, offer, _bounce(0, 3, OTHER_RECEIPT), abi.encodeWithSelector(beyond, uint64(3), uint64(2)));
        uint64 most = type(uint64).max;
        _comeBackFails(saleId, offer, _bounce(0, most, OTHER_RECEIPT), abi.encodeWithSelector(beyond, most, uint64(2)));
        _comeBackFails(saleId, offer, _bounce(1, 1, OTHER_RECEIPT), abi.encodeWithSelector(beyond, uint64(1), uint64(0)));
        _comeBack(saleId, offer, _bounce(0, 2, OTHER_RECEIPT));
        _comeBackFails(saleId, offer, _bounce(0, 1, PLACES), abi.encodeWithSelector(beyond, uint64(1), uint64(0)));
        _expectList(saleId, 0, 4, 3, 3);
    }

    function test_confirmBounce_needsSomebodyAndAList() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _payment(0, 0, 4, RECEIPT));
        _comeBackFails(saleId, offer, _bounce(0, 0, OTHER_RECEIPT), abi.encodeWithSelector(IRevenue.BounceEmpty.selector));
        IRevenue.Bounce memory bounce = _bounce(0, 2, OTHER_RECEIPT);
        bounce.root = 0;
        _comeBackFails(saleId, offer, bounce, abi.encodeWithSelector(IRevenue.ZeroHash.selector, 1));
        _comeBackFails(saleId, offer, _bounce(0, 2, 0), abi.encodeWithSelector(IRevenue.ZeroHash.selector, 0));
        bounce = _bounce(0, 2, OTHER_RECEIPT);
        bounce.total = 24_999;
        _comeBackFails(saleId, offer, bounce, abi.encodeWithSelector(IRevenue.WrongTotal.selector, uint128(25_000), uint128(24_999)));
    }

    function test_confirmBounce_canBeRelayed() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _payment(0, 0, 4, RECEIPT));
        IRevenue.Bounce memory bounce = _bounce(0, 2, OTHER_RECEIPT);
        _relay("settler", address(revenue), abi.encodeCall(IRevenue.confirmBounce, (saleId, offer, REFERENCE, bounce)));
        _expectList(saleId, 1, 2, 0, 0);
    }

    /// All in one block: the money is found by lists, not by time.
    function test_everythingInOneBlock() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        _payOut(saleId, offer, _deferral(0, 0, 2, 1, _nextReceipt()));
        _comeBack(saleId, offer, _bounce(0, 1, _nextReceipt()));
        _payOut(saleId, offer, _deferral(2, 0, 1, 1, 0));
        _payOut(saleId, offer, _payment(0, 2, 4, _nextReceipt()));
        _payOut(saleId, offer, _payment(1, 0, 1, _nextReceipt()));
        _payOut(saleId, offer, _payment(3, 0, 1, _nextReceipt()));
        _expectList(saleId, 0, 4, 4, 2);
        _expectList(saleId, 2, 1, 1, 1);
    }

    /// Two sales have lists of the same numbers.
    function test_listsOfSalesAreApart() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _settled();
        bytes32 other = _sell(offer, "other");
        revenue.settle(other, offer, "other");
        _payOut(saleId, offer, _deferral(0, 0, 4, 3, RECEIPT));
        vm.prank(settler);
        revenue.confirmPayout(other, offer, "other", _deferral(0, 0, 4, 1, OTHER_RECEIPT));
        _expectList(saleId, 1, 3, 0, 0);
        _expectList(other, 1, 1, 0, 0);
    }

    // Where nothing is due.

    function test_confirmPayout_ofNothingEach() public {
        (IMarket.Offer memory offer,) = _listed(4);
        offer.price = IMarket.Price(0, 0, 0, 0, CNY);
        _list(offer);
        bytes32 saleId = _sell(offer, REFERENCE);
        revenue.settle(saleId, offer, REFERENCE);
        IRevenue.Payout memory payout = _payment(0, 0, 4, RECEIPT);
        _payOutFails(saleId, offer, payout, abi.encodeWithSelector(IRevenue.WrongTotal.selector, uint128(0), uint128(50_000)));
        payout.total = 0;
        _payOut(saleId, offer, payout);
        _expectList(saleId, 0, 4, 4, 0);
    }
}

/// @title Any course that payouts take
/// @dev Every place of every list stands for a person; whatever is put off and comes back, in the end each was paid once.
contract PayoutsOfEverybodyTest is Settlement {
    uint64 private constant PEOPLE = 12;
    uint8 private constant DUE = 0;
    uint8 private constant PAID = 1;
    uint8 private constant MOVED = 2;

    bytes private encoded; // the offer
    bytes32 private saleId;
    uint128 private perHead;
    uint64[][] private people; // of each list: who is at each place
    uint8[][] private states; // and what became of them there
    uint256 private moneyOut;

    function setUp() public override {
        super.setUp();
        (IMarket.Offer memory listed,) = _listed(PEOPLE);
        encoded = abi.encode(listed);
        saleId = _sell(listed, REFERENCE, PEOPLE);
        revenue.settle(saleId, listed, REFERENCE);
        perHead = revenue.entry(saleId).perHead;
        people.push();
        states.push();
        for (uint64 i = 0; i < PEOPLE; ++i) {
            people[0].push(i);
            states[0].push(DUE);
        }
    }

    function testFuzz_everybodyIsPaidOnce(uint256 seed) public {
        for (uint256 step = 0; step < 12; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint32 list = uint32(seed % people.length);
            uint256 chosen = seed >> 128;
            if (seed >> 64 & 3 == 0) _someComeBack(list, chosen);
            else _paySome(list, uint64(seed >> 72), chosen);
            _assertNobodyIsLost();
        }
        for (uint32 list = 0; list < people.length; ++list) {
            _paySome(list, type(uint64).max, 0);
        }
        _assertAllPaid();
    }

    /// The next places of a list, up to `most` of them; the bits of `chosen` say who is put off.
    function _paySome(uint32 list, uint64 most, uint256 chosen) private {
        uint64 from = revenue.listOf(saleId, list).paidUpTo;
        uint64 left = uint64(people[list].length) - from;
        if (left == 0) return;
        uint64 to = from + (most > left ? left : 1 + most % left);
        bytes32[] memory places = _choose(list, from, to, DUE, chosen);
        for (uint64 place = from; place < to; ++place) {
            if (states[list][place] == DUE) states[list][place] = PAID;
        }
        uint64 deferred = uint64(places.length);
        uint128 total = uint128(to - from - deferred) * perHead;
        bytes32 receipt = to - from == deferred ? bytes32(0) : _nextReceipt();
        _payOut(saleId, _read(), IRevenue.Payout(list, from, to, deferred, _rootOf(places), total, receipt));
        moneyOut += total;
    }

    function _someComeBack(uint32 list, uint256 chosen) private {
        bytes32[] memory places = _choose(list, 0, revenue.listOf(saleId, list).paidUpTo, PAID, chosen);
        uint64 count = uint64(places.length);
        if (count == 0) return;
        _comeBack(saleId, _read(), IRevenue.Bounce(list, count, _rootOf(places), count * perHead, _nextReceipt()));
        moneyOut -= count * perHead;
    }

    /// Those in [from, to) who are in this state and whose bit is set move to a new list; where there are any.
    function _choose(uint32 list, uint64 from, uint64 to, uint8 state, uint256 chosen) private returns (bytes32[] memory leaves) {
        uint64 count = 0;
        for (uint64 place = from; place < to; ++place) {
            if (states[list][place] != state || chosen >> place & 1 == 0) continue;
            if (count++ == 0) (people.push(), states.push());
            states[list][place] = MOVED;
            people[people.length - 1].push(people[list][place]);
            states[states.length - 1].push(DUE);
        }
        leaves = new bytes32[](count);
        for (uint64 place = to; place > from; --place) {
            bool last = count != 0 && people[people.length - 1][count - 1] == people[list][place - 1];
            if (last && states[list][place - 1] == MOVED) leaves[--count] = PlainLog.leafOf(abi.encodePacked(place - 1));
        }
    }

    function _read() private view returns (IMarket.Offer memory) {
        return abi.decode(encoded, (IMarket.Offer));
    }

    function _rootOf(bytes32[] memory places) private pure returns (bytes32) {
        return places.length == 0 ? bytes32(0) : PlainLog.rootOf(places, 0, places.length);
    }

    function _assertNobodyIsLost() private view {
        vm.assertEq(revenue.entry(saleId).lists, people.length - 1);
        (uint256 paid, uint256 due) = (0, 0);
        for (uint32 list = 0; list < people.length; ++list) {
            IRevenue.Payable memory kept = revenue.listOf(saleId, list);
            vm.assertEq(kept.count, people[list].length);
            paid += kept.paidUpTo - kept.deferred;
            due += kept.count - kept.paidUpTo;
        }
        vm.assertEq(paid + due, PEOPLE);
        vm.assertEq(paid * perHead, moneyOut);
    }

    function _assertAllPaid() private view {
        _assertNobodyIsLost();
        vm.assertEq(moneyOut, PEOPLE * perHead);
        uint256[PEOPLE] memory times;
        for (uint32 list = 0; list < people.length; ++list) {
            for (uint256 place = 0; place < people[list].length; ++place) {
                if (states[list][place] == PAID) ++times[people[list][place]];
            }
        }
        for (uint256 person = 0; person < PEOPLE; ++person) {
            vm.assertEq(times[person], 1);
        }
    }
}
