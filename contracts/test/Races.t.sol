// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title Acts that meet in one block, in whatever order the block has them
contract RacesTest is Exchange {
    enum Act {
        Close,
        Order,
        Pay,
        Cancel,
        Refund,
        Withdraw
    }

    bytes private listed;
    bytes private crowdWords;
    bytes32 private offerId;
    bytes32 private saleId;

    function setUp() public override {
        super.setUp();
        (IMarket.Offer memory offer, Crowd memory crowd) = _listed(4);
        (listed, crowdWords) = (abi.encode(offer), abi.encode(crowd));
        offerId = market.offerIdOf(offer);
        saleId = market.saleIdOf(offerId, buyer, REFERENCE);
    }

    /// A provider who sees an order coming lists the same product dearer, and closes what was read: the buyer pays what was read, or
    /// nothing.
    function test_WhoeverSeesAnOrderComingChangesNothingOfIt() public {
        IMarket.Offer memory dearer = _offerRead();
        dearer.price.data = 10_000_000;
        bytes32 dear = _list(dearer);
        vm.prank(provider);
        market.close(_offerRead());
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.OfferNotOpen.selector, offerId, Codes.OFFER_CLOSED));
        market.order(offerId, _offerRead(), _attesters(3), REFERENCE);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.OfferMismatch.selector, offerId, dear));
        market.order(offerId, dearer, _attesters(3), REFERENCE);
    }

    /// Somebody else's order under the same reference is another sale.
    function test_NobodyTakesAReferenceAway() public {
        address other = _account("other buyer");
        _admit(other, _admission(Codes.ROLE_BUYER, Codes.LICENCE_EMPLOYER));
        vm.prank(other);
        bytes32 theirs = market.order(offerId, _offerRead(), _attesters(3), REFERENCE);
        vm.assertEq(_order(_offerRead()), saleId);
        vm.assertNotEq(theirs, saleId);
    }

    /// A receipt that was copied out of a waiting confirmation is the settler's to use, and of one sale.
    function test_AReceiptIsOfTheSaleThatItsSettlerNames() public {
        _order(_offerRead());
        bytes32 receipt = keccak256("a bank receipt");
        bytes memory call = abi.encodeCall(IMarket.confirmPayment, (saleId, _offerRead(), REFERENCE, 100_001, CNY, receipt));
        vm.prank(stranger);
        (bool copied,) = address(market).call(call);
        vm.assertFalse(copied);
        vm.assertFalse(market.isReceiptUsed(receipt));
        vm.prank(settler);
        (bool confirmed,) = address(market).call(call);
        vm.assertTrue(confirmed);
    }

    /// Every order of close, order, payment, cancellation, refund and a withdrawal: the sale ends in a state that one of the orders
    /// in which they were taken leads to, at the price that was read, and never both paid and cancelled.
    function test_EveryPermutationOfABlockIsConsistent() public {
        uint256 tried = 0;
        uint256[3] memory ends;
        for (uint256 permutation = 0; permutation < 120; ++permutation) {
            uint256 state = vm.snapshotState();
            bool[8] memory taken = _play(permutation);
            _assertConsistent(taken);
            uint8 end = market.sale(saleId).state;
            if (end == Codes.SALE_NONE) ++ends[0];
            if (end == Codes.SALE_CANCELLED) ++ends[1];
            if (end == Codes.SALE_REFUNDED) ++ends[2];
            ++tried;
            vm.revertToState(state);
        }
        vm.assertEq(tried, 120);
        // Closed before the order: no sale. Each of the other ends is reached too.
        vm.assertEq(ends[0], 60);
        vm.assertGt(ends[1], 0);
        vm.assertGt(ends[2], 0);
    }

    function _play(uint256 permutation) private returns (bool[8] memory taken) {
        Act[5] memory acts = [Act.Close, Act.Order, Act.Pay, Act.Cancel, Act.Refund];
        for (uint256 left = 5; left > 0; --left) {
            uint256 place = permutation % left;
            permutation /= left;
            Act act = acts[place];
            acts[place] = acts[left - 1];
            taken[uint256(act)] = _try(act);
        }
    }

    function _assertConsistent(bool[8] memory taken) private view {
        IMarket.Sale memory sale = market.sale(saleId);
        bool ordered = taken[uint256(Act.Order)];
        vm.assertTrue(taken[uint256(Act.Close)]);
        vm.assertTrue(ordered == (sale.state != Codes.SALE_NONE));
        vm.assertFalse(taken[uint256(Act.Pay)] && taken[uint256(Act.Cancel)]);
        vm.assertTrue(ordered || !(taken[uint256(Act.Pay)] || taken[uint256(Act.Cancel)] || taken[uint256(Act.Refund)]));
        vm.assertTrue(taken[uint256(Act.Cancel)] == (sale.state == Codes.SALE_CANCELLED));
        vm.assertTrue(taken[uint256(Act.Refund)] == (sale.state == Codes.SALE_REFUNDED));
        vm.assertTrue(taken[uint256(Act.Pay)] == (sale.paidAt != 0));
        vm.assertTrue(taken[uint256(Act.Pay)] == market.isReceiptUsed(keccak256("a bank receipt")));
    }

    /// A withdrawal before `prepare` is respected, one after it does not stall the sale; between them nothing else is possible.
    function test_AWithdrawalInTheBlockOfAPreparation() public {
        _order(_offerRead());
        _pay(saleId, _offerRead());
        uint256 state = vm.snapshotState();
        _try(Act.Withdraw);
        _prepare(saleId, _offerRead());
        vm.assertEq(market.sale(saleId).liveAtPrepare, 3);
        vm.expectRevert(abi.encodeWithSelector(IMarket.DeliveredCountWrong.selector, uint64(4), uint64(3), uint64(3)));
        _deliver(saleId, _offerRead(), 4);
        vm.revertToState(state);
        _prepare(saleId, _offerRead());
        _try(Act.Withdraw);
        _deliver(saleId, _offerRead(), 4);
    }

    /// In the block in which a delivery is given back, nobody can accept or dispute it any more, and the other way round.
    function test_AcceptanceAndRefundExcludeEachOther() public {
        _order(_offerRead());
        _pay(saleId, _offerRead());
        _prepare(saleId, _offerRead());
        _deliver(saleId, _offerRead(), 4);
        uint256 state = vm.snapshotState();
        vm.assertTrue(_try(Act.Refund));
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongSaleState.selector, saleId, Codes.SALE_DELIVERED, Codes.SALE_REFUNDED));
        _accept(saleId);
        vm.revertToState(state);
        _accept(saleId);
        vm.assertFalse(_try(Act.Refund));
        vm.assertEq(market.sale(saleId).state, Codes.SALE_ACCEPTED);
    }

    function _try(Act act) private returns (bool success) {
        (address by, bytes memory call) = _call(act);
        vm.prank(by);
        (success,) = (act == Act.Withdraw ? address(consents) : address(market)).call(call);
    }

    function _call(Act act) private view returns (address, bytes memory) {
        IMarket.Offer memory offer = _offerRead();
        if (act == Act.Close) return (provider, abi.encodeCall(IMarket.close, (offer)));
        if (act == Act.Order) return (buyer, abi.encodeCall(IMarket.order, (offerId, offer, _attesters(3), REFERENCE)));
        if (act == Act.Cancel) return (buyer, abi.encodeCall(IMarket.cancel, (saleId, offer, REFERENCE)));
        if (act == Act.Refund) return (provider, abi.encodeCall(IMarket.refund, (saleId, offer, REFERENCE)));
        if (act == Act.Withdraw) {
            Crowd memory crowd = abi.decode(crowdWords, (Crowd));
            return (crowd.people[0], abi.encodeCall(consents.withdraw, (crowd.batch, _leaf(crowd, 0), _proof(crowd, 0))));
        }
        bytes32 receipt = keccak256("a bank receipt");
        return (settler, abi.encodeCall(IMarket.confirmPayment, (saleId, offer, REFERENCE, 100_001, CNY, receipt)));
    }

    function _offerRead() private view returns (IMarket.Offer memory) {
        return abi.decode(listed, (IMarket.Offer));
    }
}
