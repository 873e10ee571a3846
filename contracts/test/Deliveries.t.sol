// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ICases} from "../src/interfaces/ICases.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title A sale after its order: payment, delivery, acceptance and the ways out
contract DeliveriesTest is Exchange {
    bytes32 private constant RECEIPT = keccak256("a bank receipt");

    bytes32 private _saleId;

    // Payment.

    function test_confirmPayment_marksTheSalePaid() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _ordered();
        vm.warp(START + 60);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SalePaid(saleId, settler, RECEIPT, 100_001, CNY);
        _confirm(settler, saleId, offer, 100_001, CNY, RECEIPT);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_PAID);
        vm.assertEq(market.sale(saleId).at, START + 60);
        vm.assertTrue(market.isReceiptUsed(RECEIPT));
        vm.assertFalse(market.isReceiptUsed(ENVELOPE));
    }

    function test_confirmPayment_canBeRelayed() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _ordered();
        _relay("settler", address(market), abi.encodeCall(IMarket.confirmPayment, (saleId, offer, REFERENCE, 100_001, CNY, RECEIPT)));
        vm.assertEq(market.sale(saleId).state, Codes.SALE_PAID);
    }

    function test_confirmPayment_needsASettler() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _ordered();
        bytes memory missing = abi.encodeWithSelector(IMembership.RoleMissing.selector, auditor, Codes.ROLE_SETTLER, Codes.ROLE_AUDITOR);
        _confirmFails(auditor, saleId, offer, 100_001, CNY, RECEIPT, missing);
        bytes memory unknown = abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger);
        _confirmFails(stranger, saleId, offer, 100_001, CNY, RECEIPT, unknown);
        _suspend(settler);
        bytes memory suspended = abi.encodeWithSelector(IMembership.ParticipantIs.selector, settler, Codes.MEMBER_SUSPENDED);
        _confirmFails(settler, saleId, offer, 100_001, CNY, RECEIPT, suspended);
    }

    function test_confirmPayment_refusesPartiesAsSettler() public {
        _admit(broker, Codes.ROLE_SETTLER);
        _alsoSettler(provider, Codes.ROLE_PROVIDER);
        _alsoSettler(operator, Codes.ROLE_OPERATOR);
        (IMarket.Offer memory offer, bytes32 saleId) = _ordered();
        _alsoSettler(buyer, Codes.ROLE_BUYER);
        address[4] memory parties = [provider, buyer, operator, broker];
        for (uint256 i = 0; i < parties.length; ++i) {
            bytes memory expected = abi.encodeWithSelector(IMarket.SettlerIsParty.selector, parties[i]);
            _confirmFails(parties[i], saleId, offer, 100_001, CNY, RECEIPT, expected);
        }
    }

    function test_confirmPayment_refusesWrongAmounts() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _ordered();
        bytes4 wrong = IMarket.WrongAmount.selector;
        _confirmFails(settler, saleId, offer, 100_000, CNY, RECEIPT, abi.encodeWithSelector(wrong, uint128(100_001), uint128(100_000)));
        _confirmFails(settler, saleId, offer, 100_002, CNY, RECEIPT, abi.encodeWithSelector(wrong, uint128(100_001), uint128(100_002)));
    }

    function test_confirmPayment_refusesAnotherCurrency() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _ordered();
        bytes memory expected = abi.encodeWithSelector(IMarket.WrongCurrency.selector, CNY, bytes3("USD"));
        _confirmFails(settler, saleId, offer, 100_001, "USD", RECEIPT, expected);
    }

    function test_confirmPayment_takesAReceiptOnce() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _ordered();
        _confirmFails(settler, saleId, offer, 100_001, CNY, 0, abi.encodeWithSelector(IMarket.ZeroHash.selector, 0));
        _confirm(settler, saleId, offer, 100_001, CNY, RECEIPT);
        bytes32 other = _order(offer, "another");
        bytes memory used = abi.encodeWithSelector(IMarket.ReceiptUsed.selector, RECEIPT);
        _confirmFails(settler, other, offer, 100_001, CNY, RECEIPT, used);
    }

    function test_confirmPayment_refusesAnotherOffer() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _ordered();
        offer.price.data -= 1;
        bytes32 given = market.saleIdOf(market.offerIdOf(offer), buyer, REFERENCE);
        bytes memory expected = abi.encodeWithSelector(IMarket.SaleMismatch.selector, saleId, given);
        _confirmFails(settler, saleId, offer, 100_000, CNY, RECEIPT, expected);
    }

    // Preparing.

    function test_prepare_fixesWhoIsLive() public {
        (IMarket.Offer memory offer, bytes32 saleId, Crowd memory crowd) = _paid();
        _withdraw(crowd, 0);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SalePrepared(saleId, provider, 1, 3);
        _prepare(saleId, offer);
        vm.assertEq(market.sale(saleId).liveAtPrepare, 3);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_PREPARED);
    }

    function test_prepare_isTheProvidersAct() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _paid();
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotProvider.selector, market.offerIdOf(offer), buyer));
        vm.prank(buyer);
        market.prepare(saleId, offer, _referenceOf(saleId));
    }

    function test_prepare_isRepeatedOnlyWhenTheWindowIsOver() public {
        (IMarket.Offer memory offer, bytes32 saleId, Crowd memory crowd) = _paid();
        _prepare(saleId, offer);
        vm.warp(START + 15 minutes);
        bytes4 wrong = IMarket.WrongSaleState.selector;
        _prepareFails(saleId, offer, abi.encodeWithSelector(wrong, saleId, Codes.SALE_PAID, Codes.SALE_PREPARED));
        _withdraw(crowd, 2);
        vm.warp(START + 15 minutes + 1);
        _prepare(saleId, offer);
        vm.assertEq(market.sale(saleId).liveAtPrepare, 3);
    }

    function test_prepare_checksTheSaleAgain() public {
        (IMarket.Offer memory offer, bytes32 saleId, Crowd memory crowd) = _paid();
        uint256 state = vm.snapshotState();
        _publish(5);
        bytes32 current = dataAssets.asset(assetId).versionKey;
        _prepareFails(saleId, offer, abi.encodeWithSelector(IMarket.VersionNotCurrent.selector, assetId, offer.versionKey, current));
        vm.revertToState(state);
        vm.prank(provider);
        dataAssets.cancel(assetId, DOCUMENT);
        _prepareFails(saleId, offer, abi.encodeWithSelector(IMarket.AssetNotUsable.selector, assetId, Codes.ASSET_CANCELLED));
        vm.revertToState(state);
        _transfer(otherProvider);
        _prepareFails(saleId, offer, abi.encodeWithSelector(IMarket.NotOperator.selector, assetId, provider));
        vm.revertToState(state);
        _mark(crowd, 1);
        _prepareFails(saleId, offer, abi.encodeWithSelector(IMarket.WithdrawalPending.selector, assetId, 1));
        vm.revertToState(state);
        _suspend(buyer);
        bytes4 suspended = IMembership.ParticipantIs.selector;
        _prepareFails(saleId, offer, abi.encodeWithSelector(suspended, buyer, Codes.MEMBER_SUSPENDED));
        vm.revertToState(state);
        vm.warp(UNTIL + 1);
        _prepareFails(saleId, offer, abi.encodeWithSelector(IMarket.BasisExpired.selector, assetId, UNTIL));
        vm.revertToState(state);
        for (uint256 i = 0; i < 4; ++i) {
            _withdraw(crowd, i);
        }
        _prepareFails(saleId, offer, abi.encodeWithSelector(IMarket.NoLiveConsent.selector, assetId, 1));
    }

    function test_prepareAndDeliver_areStoppedByHolds() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _paid();
        bytes32[6] memory targets =
            [market.offerIdOf(offer), bytes32(assetId), offer.versionKey, _memberKey(provider), saleId, _memberKey(buyer)];
        for (uint256 i = 0; i < targets.length; ++i) {
            uint256 state = vm.snapshotState();
            _hold(targets[i]);
            _prepareFails(saleId, offer, abi.encodeWithSelector(ICases.Held.selector, targets[i]));
            vm.revertToState(state);
            _prepare(saleId, offer);
            _hold(targets[i]);
            _deliverFails(saleId, offer, 4, abi.encodeWithSelector(ICases.Held.selector, targets[i]));
            vm.revertToState(state);
        }
    }

    // Delivering.

    function test_deliver_namesExactlyOneSetOfPeople() public {
        (IMarket.Offer memory offer, bytes32 saleId, Crowd memory crowd) = _prepared();
        _withdraw(crowd, 0);
        bytes4 wrong = IMarket.DeliveredCountWrong.selector;
        _deliverFails(saleId, offer, 2, abi.encodeWithSelector(wrong, uint64(2), uint64(3), uint64(4)));
        _deliverFails(saleId, offer, 5, abi.encodeWithSelector(wrong, uint64(5), uint64(3), uint64(4)));
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleDelivered(saleId, provider, ENVELOPE, COVER, 3);
        _deliver(saleId, offer, 3);
        vm.assertEq(market.sale(saleId).deliveredCount, 3);
    }

    function test_deliver_isNotStalledByTheLastWithdrawal() public {
        (IMarket.Offer memory offer, bytes32 saleId, Crowd memory crowd) = _prepared();
        for (uint256 i = 0; i < 4; ++i) {
            _withdraw(crowd, i);
        }
        bytes4 wrong = IMarket.DeliveredCountWrong.selector;
        _deliverFails(saleId, offer, 0, abi.encodeWithSelector(wrong, uint64(0), uint64(1), uint64(4)));
        _deliver(saleId, offer, 4);
    }

    function test_deliver_isTheProvidersAct() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _prepared();
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotProvider.selector, market.offerIdOf(offer), stranger));
        vm.prank(stranger);
        market.deliver(saleId, offer, REFERENCE, ENVELOPE, COVER, 4);
    }

    function test_deliver_isInTimeUntilTheLastSecondOfTheWindow() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _prepared();
        vm.warp(START + 15 minutes + 1);
        bytes4 over = IMarket.PrepareWindowOver.selector;
        _deliverFails(saleId, offer, 4, abi.encodeWithSelector(over, saleId, START, START + 15 minutes + 1));
        vm.warp(START + 15 minutes);
        _deliver(saleId, offer, 4);
        vm.assertEq(market.PREPARE_WINDOW(), 15 minutes);
    }

    function test_deliver_needsEnvelopeAndCover() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _prepared();
        vm.expectRevert(abi.encodeWithSelector(IMarket.ZeroHash.selector, 0));
        vm.prank(provider);
        market.deliver(saleId, offer, REFERENCE, 0, COVER, 4);
        vm.expectRevert(abi.encodeWithSelector(IMarket.ZeroHash.selector, 1));
        vm.prank(provider);
        market.deliver(saleId, offer, REFERENCE, ENVELOPE, 0, 4);
    }

    function test_deliver_checksTheSaleAgain() public {
        (IMarket.Offer memory offer, bytes32 saleId, Crowd memory crowd) = _prepared();
        uint256 state = vm.snapshotState();
        _publish(5);
        bytes32 current = dataAssets.asset(assetId).versionKey;
        _deliverFails(saleId, offer, 4, abi.encodeWithSelector(IMarket.VersionNotCurrent.selector, assetId, offer.versionKey, current));
        vm.revertToState(state);
        _mark(crowd, 1);
        _deliverFails(saleId, offer, 4, abi.encodeWithSelector(IMarket.WithdrawalPending.selector, assetId, 1));
        vm.revertToState(state);
        _suspend(provider);
        bytes4 suspended = IMembership.ParticipantIs.selector;
        _deliverFails(saleId, offer, 4, abi.encodeWithSelector(suspended, provider, Codes.MEMBER_SUSPENDED));
    }

    function test_deliver_ofPublicDataCountsNobody() public {
        IMarket.Offer memory offer = _public();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        vm.prank(buyer);
        bytes32 saleId = market.order(offerId, offer, _attesters(1), REFERENCE);
        _pay(saleId, offer);
        _prepare(saleId, offer);
        bytes memory wrong = abi.encodeWithSelector(IMarket.DeliveredCountWrong.selector, uint64(1), uint64(0), uint64(0));
        _deliverFails(saleId, offer, 1, wrong);
        vm.prank(provider);
        market.deliver(saleId, offer, REFERENCE, ENVELOPE, 0, 0);
        vm.assertEq(market.sale(saleId).deliveredCount, 0);
    }

    /// A preparation is used up to the last second of its window, and made again from the next second on; never both.
    function test_prepareWindow_isOneOrTheOther() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _prepared();
        for (uint64 time = START + 15 minutes - 1; time <= START + 15 minutes + 1; ++time) {
            bool over = time > START + 15 minutes;
            uint256 state = vm.snapshotState();
            vm.warp(time);
            vm.prank(provider);
            (bool prepared,) = address(market).call(abi.encodeCall(IMarket.prepare, (saleId, offer, REFERENCE)));
            vm.revertToState(state);
            vm.warp(time);
            vm.prank(provider);
            (bool delivered,) = address(market).call(abi.encodeCall(IMarket.deliver, (saleId, offer, REFERENCE, ENVELOPE, COVER, 4)));
            vm.revertToState(state);
            vm.assertTrue(prepared == over);
            vm.assertTrue(delivered == !over);
        }
    }

    // Accepting.

    function test_accept_isTheBuyersActUntilTheWindowIsOver() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _prepared();
        _deliver(saleId, offer, 4);
        uint64 until = START + market.ACCEPTANCE_WINDOW();
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IMarket.AcceptanceWindowOpen.selector, saleId, until));
        vm.prank(stranger);
        market.accept(saleId);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleAccepted(saleId, buyer, false);
        _accept(saleId);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_ACCEPTED);
    }

    function test_accept_isAnyonesActAfterTheWindow() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _prepared();
        _deliver(saleId, offer, 4);
        vm.warp(START + market.ACCEPTANCE_WINDOW() + 1);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleAccepted(saleId, stranger, true);
        vm.prank(stranger);
        market.accept(saleId);
    }

    // The ways out.

    function test_cancel_isEitherPartysActBeforePayment() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _ordered();
        uint256 state = vm.snapshotState();
        _cancel(buyer, saleId, offer);
        vm.revertToState(state);
        _cancel(provider, saleId, offer);
        vm.revertToState(state);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotParty.selector, saleId, operator));
        vm.prank(operator);
        market.cancel(saleId, offer, _referenceOf(saleId));
    }

    function test_refund_isTheBuyersActWhenTheSaleLapsed() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _paid();
        _publish(5);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotParty.selector, saleId, settler));
        vm.prank(settler);
        market.refund(saleId, offer, REFERENCE);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleRefunded(saleId, buyer, 100_001, CNY);
        vm.prank(buyer);
        market.refund(saleId, offer, REFERENCE);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_REFUNDED);
    }

    function test_refund_isTheProvidersActAtWill() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _paid();
        _refundBy(provider, saleId, offer);
        saleId = _order(offer, "prepared");
        _pay(saleId, offer);
        _prepare(saleId, offer);
        _refundBy(provider, saleId, offer);
        saleId = _order(offer, "delivered");
        _pay(saleId, offer);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 4);
        _refundBy(provider, saleId, offer);
        saleId = _order(offer, "disputed");
        _pay(saleId, offer);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 4);
        vm.prank(buyer);
        market.dispute(saleId, DOCUMENT);
        _refundBy(provider, saleId, offer);
    }

    function test_refund_needsAReason() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _paid();
        _refundFails(saleId, offer, abi.encodeWithSelector(IMarket.NotRefundable.selector, saleId));
        vm.warp(START + offer.term);
        _refundFails(saleId, offer, abi.encodeWithSelector(IMarket.NotRefundable.selector, saleId));
    }

    function test_refund_isPaidBackForEveryReason() public {
        (IMarket.Offer memory offer, bytes32 saleId, Crowd memory crowd) = _paid();
        uint256 state = vm.snapshotState();
        vm.prank(provider);
        dataAssets.cancel(assetId, DOCUMENT);
        _refund(saleId, offer);
        vm.revertToState(state);
        for (uint256 i = 0; i < 4; ++i) {
            _withdraw(crowd, i);
        }
        _refund(saleId, offer);
        vm.revertToState(state);
        _transfer(otherProvider);
        _refund(saleId, offer);
        vm.revertToState(state);
        vm.warp(START + offer.term + 1);
        _refund(saleId, offer);
        vm.revertToState(state);
        _suspend(buyer);
        _hold(saleId);
        _publish(5);
        _refund(saleId, offer);
    }

    function test_refund_afterTheBasisExpired() public {
        (IMarket.Offer memory offer,) = _listed(4);
        offer.term = 0;
        offer.validUntil = UNTIL;
        _list(offer);
        vm.warp(UNTIL - 1 days);
        bytes32 saleId = _order(offer);
        _pay(saleId, offer);
        vm.warp(UNTIL);
        _refundFails(saleId, offer, abi.encodeWithSelector(IMarket.NotRefundable.selector, saleId));
        vm.warp(UNTIL + 1);
        _refund(saleId, offer);
    }

    function test_refund_ofAPreparedSaleCountsTheTermFromThePayment() public {
        (IMarket.Offer memory offer, bytes32 saleId,) = _paid();
        vm.warp(START + offer.term);
        _prepare(saleId, offer);
        vm.warp(START + offer.term + 1);
        _refund(saleId, offer);
    }

    // States.

    function test_everyActNeedsAKnownSale() public {
        (IMarket.Offer memory offer,) = _ordered();
        bytes memory unknown = abi.encodeWithSelector(IMarket.UnknownSale.selector, DOCUMENT);
        _confirmFails(settler, DOCUMENT, offer, 1, CNY, RECEIPT, unknown);
        _prepareFails(DOCUMENT, offer, unknown);
        _deliverFails(DOCUMENT, offer, 1, unknown);
        _refundFails(DOCUMENT, offer, unknown);
        vm.expectRevert(unknown);
        market.cancel(DOCUMENT, offer, _referenceOf(DOCUMENT));
        vm.expectRevert(unknown);
        market.accept(DOCUMENT);
    }

    function test_everyActNeedsItsState() public {
        IMarket.Offer memory offer;
        (offer, _saleId) = _ordered();
        _refuses(offer, Codes.SALE_ORDERED, true, false, false, false);
        _pay(_saleId, offer);
        _refuses(offer, Codes.SALE_PAID, false, true, false, true);
        _prepare(_saleId, offer);
        _refuses(offer, Codes.SALE_PREPARED, false, false, true, true);
        _deliver(_saleId, offer, 4);
        _refuses(offer, Codes.SALE_DELIVERED, false, false, false, false);
        _accept(_saleId);
        _refuses(offer, Codes.SALE_ACCEPTED, false, false, false, false);
    }

    function test_everyActRefusesAnEndedSale() public {
        IMarket.Offer memory offer;
        (offer, _saleId) = _ordered();
        uint256 state = vm.snapshotState();
        _cancel(buyer, _saleId, offer);
        _refuses(offer, Codes.SALE_CANCELLED, false, false, false, false);
        vm.revertToState(state);
        _pay(_saleId, offer);
        _publish(5);
        _refund(_saleId, offer);
        _refuses(offer, Codes.SALE_REFUNDED, false, false, false, false);
    }

    /// Every act whose state this is not is refused, naming the one it needs.
    function _refuses(IMarket.Offer memory offer, uint8 actual, bool unpaid, bool paid, bool prepared, bool refundable) private {
        if (!unpaid) {
            _confirmFails(settler, _saleId, offer, 100_001, CNY, RECEIPT, _wrong(Codes.SALE_ORDERED, actual));
            vm.expectRevert(_wrong(Codes.SALE_ORDERED, actual));
            vm.prank(buyer);
            market.cancel(_saleId, offer, _referenceOf(_saleId));
        }
        if (!paid) _prepareFails(_saleId, offer, _wrong(Codes.SALE_PAID, actual));
        if (!prepared) _deliverFails(_saleId, offer, 4, _wrong(Codes.SALE_PREPARED, actual));
        if (!refundable) _refundFails(_saleId, offer, _wrong(Codes.SALE_PAID, actual));
        if (actual == Codes.SALE_DELIVERED) return;
        vm.expectRevert(_wrong(Codes.SALE_DELIVERED, actual));
        vm.prank(buyer);
        market.accept(_saleId);
    }

    function _wrong(uint8 expected, uint8 actual) private view returns (bytes memory) {
        return abi.encodeWithSelector(IMarket.WrongSaleState.selector, _saleId, expected, actual);
    }

    // Shorthand.

    function _ordered() private returns (IMarket.Offer memory offer, bytes32 saleId) {
        (offer,) = _listed(4);
        saleId = _order(offer);
    }

    function _paid() private returns (IMarket.Offer memory offer, bytes32 saleId, Crowd memory crowd) {
        (offer, crowd) = _listed(4);
        saleId = _order(offer);
        _pay(saleId, offer);
    }

    function _prepared() private returns (IMarket.Offer memory offer, bytes32 saleId, Crowd memory crowd) {
        (offer, saleId, crowd) = _paid();
        _prepare(saleId, offer);
    }

    function _alsoSettler(address account, uint32 roles) private {
        IMembership.Participant memory participant = membership.participant(account);
        IMembership.Admission memory admission = _admission(roles | Codes.ROLE_SETTLER);
        (admission.identity, admission.licences) = (0, participant.licences);
        vm.prank(admin);
        membership.change(account, admission);
    }

    function _confirm(address by, bytes32 saleId, IMarket.Offer memory offer, uint128 amount, bytes3 currency, bytes32 receipt) private {
        vm.prank(by);
        market.confirmPayment(saleId, offer, _referenceOf(saleId), amount, currency, receipt);
    }

    function _confirmFails(
        address by,
        bytes32 saleId,
        IMarket.Offer memory offer,
        uint128 amount,
        bytes3 currency,
        bytes32 receipt,
        bytes memory expected
    ) private {
        vm.expectRevert(expected);
        _confirm(by, saleId, offer, amount, currency, receipt);
    }

    function _prepareFails(bytes32 saleId, IMarket.Offer memory offer, bytes memory expected) private {
        vm.expectRevert(expected);
        _prepare(saleId, offer);
    }

    function _deliverFails(bytes32 saleId, IMarket.Offer memory offer, uint64 count, bytes memory expected) private {
        vm.expectRevert(expected);
        _deliver(saleId, offer, count);
    }

    function _cancel(address by, bytes32 saleId, IMarket.Offer memory offer) private {
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleCancelled(saleId, by);
        vm.prank(by);
        market.cancel(saleId, offer, _referenceOf(saleId));
        vm.assertEq(market.sale(saleId).state, Codes.SALE_CANCELLED);
    }

    function _refund(bytes32 saleId, IMarket.Offer memory offer) private {
        _refundBy(buyer, saleId, offer);
    }

    function _refundBy(address by, bytes32 saleId, IMarket.Offer memory offer) private {
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleRefunded(saleId, by, 100_001, CNY);
        vm.prank(by);
        market.refund(saleId, offer, _referenceOf(saleId));
        vm.assertEq(market.sale(saleId).state, Codes.SALE_REFUNDED);
    }

    function _refundFails(bytes32 saleId, IMarket.Offer memory offer, bytes memory expected) private {
        vm.expectRevert(expected);
        vm.prank(buyer);
        market.refund(saleId, offer, _referenceOf(saleId));
    }
}
