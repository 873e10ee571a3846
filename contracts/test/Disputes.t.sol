// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title A delivery that the buyer does not accept, and what is given back
contract DisputesTest is Exchange {
    uint64 private constant WINDOW = 7 days;

    // Disputing.

    function test_dispute_stopsTheTimeout() public {
        (, bytes32 saleId) = _delivered();
        vm.warp(START + 60);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleDisputed(saleId, buyer, DOCUMENT);
        _dispute(saleId);
        IMarket.Sale memory sale = market.sale(saleId);
        vm.assertEq(sale.state, Codes.SALE_DISPUTED);
        vm.assertEq(sale.at, START + 60);
        vm.assertEq(sale.deliveredAt, START);
        vm.assertEq(sale.deliveredCount, 4);
        vm.warp(START + 10 * WINDOW);
        bytes4 wrong = IMarket.WrongSaleState.selector;
        vm.expectRevert(abi.encodeWithSelector(wrong, saleId, Codes.SALE_DELIVERED, Codes.SALE_DISPUTED));
        vm.prank(stranger);
        market.accept(saleId);
    }

    function test_dispute_canBeRelayed() public {
        (, bytes32 saleId) = _delivered();
        _relay("buyer", address(market), abi.encodeCall(IMarket.dispute, (saleId, DOCUMENT)));
        vm.assertEq(market.sale(saleId).state, Codes.SALE_DISPUTED);
    }

    function test_dispute_isTheBuyersAct() public {
        (, bytes32 saleId) = _delivered();
        address[4] memory others = [provider, arbiter, operator, stranger];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMarket.NotBuyer.selector, saleId, others[i]));
            vm.prank(others[i]);
            market.dispute(saleId, DOCUMENT);
        }
        // Whatever has become of the membership.
        _suspend(buyer);
        _dispute(saleId);
    }

    function test_dispute_isInTimeUntilTheLastSecondOfTheWindow() public {
        (, bytes32 saleId) = _delivered();
        uint256 state = vm.snapshotState();
        vm.warp(START + WINDOW - 1);
        _dispute(saleId);
        vm.revertToState(state);
        vm.warp(START + WINDOW);
        _dispute(saleId);
        vm.revertToState(state);
        vm.warp(START + WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarket.AcceptanceWindowOver.selector, saleId, START + WINDOW));
        _dispute(saleId);
    }

    /// Never a second in which both may act, nor one in which neither may.
    function test_dispute_endsWhereTheTimeoutBegins() public {
        (, bytes32 saleId) = _delivered();
        for (uint64 time = START + WINDOW - 1; time <= START + WINDOW + 1; ++time) {
            uint256 state = vm.snapshotState();
            vm.warp(time);
            vm.prank(stranger);
            (bool timeout,) = address(market).call(abi.encodeCall(IMarket.accept, (saleId)));
            vm.revertToState(state);
            vm.warp(time);
            vm.prank(buyer);
            (bool disputed,) = address(market).call(abi.encodeCall(IMarket.dispute, (saleId, DOCUMENT)));
            vm.assertTrue(timeout != disputed);
            vm.revertToState(state);
        }
    }

    function test_dispute_needsADocument() public {
        (, bytes32 saleId) = _delivered();
        vm.expectRevert(abi.encodeWithSelector(IMarket.ZeroHash.selector, 0));
        vm.prank(buyer);
        market.dispute(saleId, 0);
    }

    function test_dispute_isNoHold() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _delivered();
        _hold(saleId);
        _dispute(saleId);
        _decide(arbiter, saleId, offer, Codes.OUTCOME_NEGATIVE);
    }

    // Deciding.

    function test_decideDispute_forTheBuyerGivesTheMoneyBack() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _disputed();
        vm.warp(START + 100 days);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.DisputeDecided(saleId, arbiter, OTHER_DOCUMENT, Codes.OUTCOME_POSITIVE);
        _decide(arbiter, saleId, offer, Codes.OUTCOME_POSITIVE);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_REFUNDED);
        vm.assertEq(market.sale(saleId).at, START + 100 days);
    }

    function test_decideDispute_againstTheBuyerAccepts() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _disputed();
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.DisputeDecided(saleId, regulator, OTHER_DOCUMENT, Codes.OUTCOME_NEGATIVE);
        _decide(regulator, saleId, offer, Codes.OUTCOME_NEGATIVE);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_ACCEPTED);
        vm.assertEq(revenue.settle(saleId, offer, REFERENCE), 1);
    }

    function test_decideDispute_canBeRelayed() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _disputed();
        bytes memory call = abi.encodeCall(IMarket.decideDispute, (saleId, offer, REFERENCE, Codes.OUTCOME_NEGATIVE, DOCUMENT));
        _relay("arbiter", address(market), call);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_ACCEPTED);
    }

    function test_decideDispute_needsAJudge() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _disputed();
        uint32 judges = Codes.ROLE_ARBITER | Codes.ROLE_REGULATOR;
        _decideFails(
            auditor, saleId, offer, 1, abi.encodeWithSelector(IMembership.RoleMissing.selector, auditor, judges, Codes.ROLE_AUDITOR)
        );
        _decideFails(stranger, saleId, offer, 1, abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        _suspend(arbiter);
        bytes4 suspended = IMembership.ParticipantIs.selector;
        _decideFails(arbiter, saleId, offer, 1, abi.encodeWithSelector(suspended, arbiter, Codes.MEMBER_SUSPENDED));
    }

    function test_decideDispute_refusesPartiesAsJudges() public {
        _admit(broker, Codes.ROLE_ARBITER);
        (IMarket.Offer memory offer, bytes32 saleId) = _disputed();
        _also(provider, Codes.ROLE_PROVIDER | Codes.ROLE_ARBITER);
        _also(operator, Codes.ROLE_OPERATOR | Codes.ROLE_REGULATOR);
        _also(buyer, Codes.ROLE_BUYER | Codes.ROLE_ARBITER);
        address[4] memory parties = [provider, operator, buyer, broker];
        for (uint256 i = 0; i < parties.length; ++i) {
            bytes memory expected = abi.encodeWithSelector(IMarket.DeciderIsParty.selector, saleId, parties[i]);
            _decideFails(parties[i], saleId, offer, Codes.OUTCOME_POSITIVE, expected);
        }
    }

    function test_decideDispute_knowsTwoOutcomes() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _disputed();
        uint8[3] memory unknown = [0, 3, type(uint8).max];
        for (uint256 i = 0; i < unknown.length; ++i) {
            _decideFails(arbiter, saleId, offer, unknown[i], abi.encodeWithSelector(IMarket.UnknownOutcome.selector, unknown[i]));
        }
        vm.expectRevert(abi.encodeWithSelector(IMarket.ZeroHash.selector, 0));
        vm.prank(arbiter);
        market.decideDispute(saleId, offer, REFERENCE, Codes.OUTCOME_POSITIVE, 0);
    }

    function test_accept_endsADispute() public {
        (, bytes32 saleId) = _disputed();
        vm.warp(START + 100 days);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleAccepted(saleId, buyer, false);
        _accept(saleId);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_ACCEPTED);
    }

    // Given back.

    function test_refund_ofTheBuyerBeginsAfterTheDeliveryWindow() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _paidWithoutTerm();
        vm.assertEq(market.DELIVERY_WINDOW(), 30 days);
        vm.warp(START + 30 days - 1);
        _refundFails(saleId, offer, abi.encodeWithSelector(IMarket.NotRefundable.selector, saleId));
        vm.warp(START + 30 days);
        _refundFails(saleId, offer, abi.encodeWithSelector(IMarket.NotRefundable.selector, saleId));
        vm.warp(START + 30 days + 1);
        _refund(saleId, offer);
    }

    function test_refund_ofAPreparedSaleIsCountedFromThePaymentToo() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _paidWithoutTerm();
        vm.warp(START + 30 days);
        _prepare(saleId, offer);
        vm.warp(START + 30 days + 1);
        _refund(saleId, offer);
    }

    function test_refund_ofTheBuyerBeginsWithTheEndOfTheTerm() public {
        (IMarket.Offer memory offer,) = _listed(4);
        offer.term = 10 days;
        _list(offer);
        bytes32 saleId = _order(offer);
        _pay(saleId, offer);
        vm.warp(START + 10 days);
        _refundFails(saleId, offer, abi.encodeWithSelector(IMarket.NotRefundable.selector, saleId));
        vm.warp(START + 10 days + 1);
        _refund(saleId, offer);
    }

    function test_refund_knowsTheLongestTerm() public {
        (IMarket.Offer memory offer,) = _listed(4);
        offer.term = type(uint64).max;
        _list(offer);
        bytes32 saleId = _order(offer);
        _pay(saleId, offer);
        _refundFails(saleId, offer, abi.encodeWithSelector(IMarket.NotRefundable.selector, saleId));
    }

    function test_refund_whereTheProviderIsOut() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _paidWithoutTerm();
        uint256 state = vm.snapshotState();
        _suspend(provider);
        _refund(saleId, offer);
        vm.revertToState(state);
        vm.prank(admin);
        membership.expel(provider, 1);
        _refund(saleId, offer);
    }

    function test_refund_ofTheProviderNeedsNoStanding() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _paidWithoutTerm();
        _suspend(provider);
        _hold(saleId);
        vm.prank(provider);
        market.refund(saleId, offer, REFERENCE);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_REFUNDED);
    }

    function test_refund_ofTheBuyerEndsWithTheDelivery() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _delivered();
        vm.warp(START + 100 days);
        bytes4 wrong = IMarket.WrongSaleState.selector;
        _refundFails(saleId, offer, abi.encodeWithSelector(wrong, saleId, Codes.SALE_PAID, Codes.SALE_DELIVERED));
    }

    // Shorthand.

    function _paidWithoutTerm() private returns (IMarket.Offer memory offer, bytes32 saleId) {
        (offer,) = _listed(4);
        offer.term = 0;
        _list(offer);
        saleId = _order(offer);
        _pay(saleId, offer);
    }

    function _delivered() private returns (IMarket.Offer memory offer, bytes32 saleId) {
        (offer,) = _listed(4);
        saleId = _order(offer);
        _pay(saleId, offer);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 4);
    }

    function _disputed() private returns (IMarket.Offer memory offer, bytes32 saleId) {
        (offer, saleId) = _delivered();
        _dispute(saleId);
    }

    function _dispute(bytes32 saleId) private {
        vm.prank(buyer);
        market.dispute(saleId, DOCUMENT);
    }

    function _decide(address by, bytes32 saleId, IMarket.Offer memory offer, uint8 outcome) private {
        vm.prank(by);
        market.decideDispute(saleId, offer, REFERENCE, outcome, OTHER_DOCUMENT);
    }

    function _decideFails(address by, bytes32 saleId, IMarket.Offer memory offer, uint8 outcome, bytes memory expected) private {
        vm.expectRevert(expected);
        _decide(by, saleId, offer, outcome);
    }

    function _refund(bytes32 saleId, IMarket.Offer memory offer) private {
        vm.prank(buyer);
        market.refund(saleId, offer, REFERENCE);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_REFUNDED);
    }

    function _refundFails(bytes32 saleId, IMarket.Offer memory offer, bytes memory expected) private {
        vm.expectRevert(expected);
        vm.prank(buyer);
        market.refund(saleId, offer, REFERENCE);
    }

    function _also(address account, uint32 roles) private {
        IMembership.Admission memory admission = _admission(roles);
        admission.identity = 0;
        vm.prank(admin);
        membership.change(account, admission);
    }
}
