// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ICases} from "../src/interfaces/ICases.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title Every state of a sale, and every act in it
/// @dev One sale is brought into each state; each act is tried there, and where it is taken, once more in the same block.
contract StatesTest is Exchange {
    enum Act {
        Pay,
        Prepare,
        Deliver,
        AcceptAsBuyer,
        AcceptAsAnyone,
        Cancel,
        RefundAsProvider,
        RefundAsBuyer,
        Dispute,
        Decide
    }

    uint256 private constant ACTS = 10;

    bytes32 private saleId;
    bytes private listed;

    function setUp() public override {
        super.setUp();
        (IMarket.Offer memory offer,) = _listed(4);
        listed = abi.encode(offer);
    }

    function test_NothingIsDoneToASaleThatIsNot() public {
        saleId = keccak256("no sale");
        for (uint256 i = 0; i < ACTS; ++i) {
            _refused(Act(i), abi.encodeWithSelector(IMarket.UnknownSale.selector, saleId));
        }
    }

    function test_Ordered() public {
        _allows(Codes.SALE_ORDERED, _acts(Act.Pay, Act.Cancel));
        _leads(Act.Pay, Codes.SALE_PAID);
        _leads(Act.Cancel, Codes.SALE_CANCELLED);
    }

    function test_Paid() public {
        _allows(Codes.SALE_PAID, _acts(Act.Prepare, Act.RefundAsProvider));
        _leads(Act.Prepare, Codes.SALE_PREPARED);
        _leads(Act.RefundAsProvider, Codes.SALE_REFUNDED);
    }

    function test_Prepared() public {
        _allows(Codes.SALE_PREPARED, _acts(Act.Deliver, Act.RefundAsProvider));
        _leads(Act.Deliver, Codes.SALE_DELIVERED);
        _leads(Act.RefundAsProvider, Codes.SALE_REFUNDED);
    }

    function test_Delivered() public {
        _allows(Codes.SALE_DELIVERED, _acts(Act.AcceptAsBuyer, Act.RefundAsProvider) | _acts(Act.Dispute, Act.Dispute));
        _leads(Act.AcceptAsBuyer, Codes.SALE_ACCEPTED);
        _leads(Act.RefundAsProvider, Codes.SALE_REFUNDED);
        _leads(Act.Dispute, Codes.SALE_DISPUTED);
    }

    function test_Disputed() public {
        _allows(Codes.SALE_DISPUTED, _acts(Act.AcceptAsBuyer, Act.RefundAsProvider) | _acts(Act.Decide, Act.Decide));
        _leads(Act.AcceptAsBuyer, Codes.SALE_ACCEPTED);
        _leads(Act.RefundAsProvider, Codes.SALE_REFUNDED);
        _leads(Act.Decide, Codes.SALE_REFUNDED);
    }

    function test_AcceptedIsAnEnd() public {
        _allows(Codes.SALE_ACCEPTED, 0);
    }

    function test_CancelledIsAnEnd() public {
        _allows(Codes.SALE_CANCELLED, 0);
    }

    function test_RefundedIsAnEnd() public {
        _allows(Codes.SALE_REFUNDED, 0);
    }

    /// With everything held that there is to hold, nothing is prepared or delivered; every other act is taken as ever.
    function test_HoldsStopPreparationAndDeliveryAndNothingElse() public {
        Act[8] memory acts =
            [Act.Pay, Act.Cancel, Act.Prepare, Act.Deliver, Act.AcceptAsBuyer, Act.RefundAsProvider, Act.Dispute, Act.Decide];
        for (uint256 i = 0; i < acts.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            _bring(acts[i] == Act.RefundAsProvider ? Codes.SALE_PAID : _needed(acts[i]));
            bytes32 first = _holdAll();
            if (acts[i] == Act.Prepare || acts[i] == Act.Deliver) _refused(acts[i], abi.encodeWithSelector(ICases.Held.selector, first));
            else _taken(acts[i]);
            vm.revertToState(snapshot);
        }
    }

    function _holdAll() private returns (bytes32 first) {
        IMarket.Offer memory offer = _offerListed();
        first = market.offerIdOf(offer);
        bytes32[6] memory targets = [first, bytes32(assetId), offer.versionKey, _memberKey(provider), saleId, _memberKey(buyer)];
        for (uint256 i = 0; i < targets.length; ++i) {
            _hold(targets[i]);
        }
    }

    /// The sale that an act is about is named by offer and reference; another name is refused in every state.
    function test_EveryActNamesItsSale() public {
        for (uint8 state = Codes.SALE_ORDERED; state <= Codes.SALE_DISPUTED; ++state) {
            uint256 snapshot = vm.snapshotState();
            _bring(state);
            IMarket.Offer memory offer = _offerListed();
            bytes32 other = market.saleIdOf(market.offerIdOf(offer), buyer, "another");
            _refusedNaming(offer, "another", other);
            offer.quota += 1;
            _refusedNaming(offer, REFERENCE, market.saleIdOf(market.offerIdOf(offer), buyer, REFERENCE));
            vm.revertToState(snapshot);
        }
    }

    function _refusedNaming(IMarket.Offer memory offer, bytes32 reference_, bytes32 other) private {
        bytes memory expected = abi.encodeWithSelector(IMarket.SaleMismatch.selector, saleId, other);
        for (uint256 i = 0; i < ACTS; ++i) {
            Act act = Act(i);
            if (act == Act.AcceptAsBuyer || act == Act.AcceptAsAnyone || act == Act.Dispute) continue;
            (bool success, bytes memory result) = _try(act, offer, reference_);
            vm.assertFalse(success);
            vm.assertEq(result, expected);
        }
    }

    // The table.

    /// In this state these acts are taken, and no others.
    function _allows(uint8 state, uint256 acts) private {
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < ACTS; ++i) {
            _bring(state);
            vm.assertEq(market.sale(saleId).state, state);
            if ((acts >> i) & 1 == 1) _taken(Act(i));
            else _refused(Act(i), _why(Act(i), state));
            vm.revertToState(snapshot);
        }
        _bring(state);
    }

    /// Once, and not again in the same block.
    function _taken(Act act) private {
        (bool success,) = _try(act, _offerListed(), REFERENCE);
        vm.assertTrue(success);
        _refused(act, _why(act, market.sale(saleId).state));
    }

    function _leads(Act act, uint8 to) private {
        uint256 snapshot = vm.snapshotState();
        (bool success,) = _try(act, _offerListed(), REFERENCE);
        vm.assertTrue(success);
        vm.assertEq(market.sale(saleId).state, to);
        vm.assertEq(market.sale(saleId).at, START);
        vm.revertToState(snapshot);
    }

    function _refused(Act act, bytes memory expected) private {
        bytes32 before = keccak256(abi.encode(market.sale(saleId), market.journalHead()));
        (bool success, bytes memory result) = _try(act, _offerListed(), REFERENCE);
        vm.assertFalse(success);
        vm.assertEq(result, expected);
        vm.assertEq(keccak256(abi.encode(market.sale(saleId), market.journalHead())), before);
    }

    function _why(Act act, uint8 state) private view returns (bytes memory) {
        bool delivered = state == Codes.SALE_DELIVERED;
        if (act == Act.AcceptAsAnyone && delivered) {
            return abi.encodeWithSelector(IMarket.AcceptanceWindowOpen.selector, saleId, START + 7 days);
        }
        if (act == Act.RefundAsBuyer && (state == Codes.SALE_PAID || state == Codes.SALE_PREPARED)) {
            return abi.encodeWithSelector(IMarket.NotRefundable.selector, saleId);
        }
        return abi.encodeWithSelector(IMarket.WrongSaleState.selector, saleId, _needed(act), state);
    }

    function _needed(Act act) private pure returns (uint8) {
        if (act == Act.Pay || act == Act.Cancel) return Codes.SALE_ORDERED;
        if (act == Act.Prepare || act == Act.RefundAsProvider || act == Act.RefundAsBuyer) return Codes.SALE_PAID;
        if (act == Act.Deliver) return Codes.SALE_PREPARED;
        if (act == Act.Decide) return Codes.SALE_DISPUTED;
        return Codes.SALE_DELIVERED;
    }

    function _acts(Act first, Act second) private pure returns (uint256) {
        return uint256(1) << uint8(first) | uint256(1) << uint8(second);
    }

    // Into a state, and one act.

    function _bring(uint8 state) private {
        IMarket.Offer memory offer = _offerListed();
        saleId = _order(offer);
        if (state == Codes.SALE_ORDERED) return;
        if (state == Codes.SALE_CANCELLED) return _do(Act.Cancel);
        _do(Act.Pay);
        if (state == Codes.SALE_PAID) return;
        if (state == Codes.SALE_REFUNDED) return _do(Act.RefundAsProvider);
        _do(Act.Prepare);
        if (state == Codes.SALE_PREPARED) return;
        _do(Act.Deliver);
        if (state == Codes.SALE_ACCEPTED) return _do(Act.AcceptAsBuyer);
        if (state == Codes.SALE_DISPUTED) return _do(Act.Dispute);
    }

    function _do(Act act) private {
        (bool success,) = _try(act, _offerListed(), REFERENCE);
        vm.assertTrue(success);
    }

    function _try(Act act, IMarket.Offer memory offer, bytes32 reference_) private returns (bool success, bytes memory result) {
        vm.prank(_by(act));
        return address(market).call(_call(act, offer, reference_));
    }

    function _by(Act act) private view returns (address) {
        if (act == Act.Pay) return settler;
        if (act == Act.Prepare || act == Act.Deliver || act == Act.RefundAsProvider) return provider;
        if (act == Act.AcceptAsAnyone) return stranger;
        return act == Act.Decide ? arbiter : buyer;
    }

    function _call(Act act, IMarket.Offer memory offer, bytes32 reference_) private view returns (bytes memory) {
        if (act == Act.Pay) {
            return abi.encodeCall(IMarket.confirmPayment, (saleId, offer, reference_, 100_001, CNY, keccak256("a bank receipt")));
        }
        if (act == Act.Prepare) return abi.encodeCall(IMarket.prepare, (saleId, offer, reference_));
        if (act == Act.Deliver) return abi.encodeCall(IMarket.deliver, (saleId, offer, reference_, ENVELOPE, COVER, 4));
        if (act == Act.AcceptAsBuyer || act == Act.AcceptAsAnyone) return abi.encodeCall(IMarket.accept, (saleId));
        if (act == Act.Cancel) return abi.encodeCall(IMarket.cancel, (saleId, offer, reference_));
        if (act == Act.Dispute) return abi.encodeCall(IMarket.dispute, (saleId, DOCUMENT));
        if (act == Act.Decide) {
            return abi.encodeCall(IMarket.decideDispute, (saleId, offer, reference_, Codes.OUTCOME_POSITIVE, DOCUMENT));
        }
        return abi.encodeCall(IMarket.refund, (saleId, offer, reference_));
    }

    function _offerListed() private view returns (IMarket.Offer memory) {
        return abi.decode(listed, (IMarket.Offer));
    }
}
