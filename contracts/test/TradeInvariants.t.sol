// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Trade} from "./Trade.t.sol";
import {Vm} from "./Vm.sol";

/// What no sequence of grants, bindings, withdrawals and sales breaks. Counts: profile `default` for every run, `deep` for the long one.
/// What is cheap to ask is asked after every act, the rest at the end of every sequence.
contract TradeInvariantsTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Trade private trade;

    function setUp() public {
        trade = new Trade();
        trade.setUp();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(trade);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(trade), _acts());
    }

    function invariant_ConsentsCountAndNothingIsSoldUnchecked() public view {
        trade.assertLiveIsWhatIsBoundAndHasNotEnded();
        trade.assertPendingIsWhatIsMarked();
        trade.assertNobodyStoodInTheWayOfAWithdrawal();
        trade.assertNoCheckWasMissed();
        trade.assertMoneyIsConserved();
    }

    function afterInvariant() public {
        _assertAll();
    }

    function testFuzz_ARandomSeasonKeepsThemAll(uint256 seed) public {
        _play(seed, 150);
        vm.assertGt(trade.accepted(), 0);
        _assertAll();
    }

    /// The random seasons are of something: in a few of them every act is accepted, and every kind of sale is made.
    function test_TheSeasonsReachEveryAct() public {
        bytes4[] memory acts = _reached();
        uint256[] memory times = new uint256[](acts.length);
        uint256[5] memory kinds;
        for (uint256 season = 0; season < 16; ++season) {
            uint256 state = vm.snapshotState();
            _play(season, 250);
            _assertAll();
            for (uint256 i = 0; i < acts.length; ++i) {
                times[i] += trade.times(acts[i]);
            }
            kinds[0] += trade.refundsByBuyers();
            kinds[1] += trade.times(IMarket.refund.selector) - trade.refundsByBuyers();
            kinds[2] += trade.ordersFromAbroad();
            kinds[3] += trade.salesInFirms();
            kinds[4] += trade.freeSales();
            vm.revertToState(state);
        }
        for (uint256 i = 0; i < acts.length; ++i) {
            vm.assertGt(times[i], 0, vm.toString(bytes32(acts[i])));
        }
        for (uint256 i = 0; i < kinds.length; ++i) {
            vm.assertGt(kinds[i], 0, vm.toString(i));
        }
    }

    function _play(uint256 seed, uint256 count) private {
        bytes4[] memory acts = _acts();
        for (uint256 i = 0; i < count; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            bytes memory call = abi.encodePacked(acts[seed % acts.length], (seed >> 8) % 2 ** 24, (seed >> 32) % 2 ** 24);
            (bool success,) = address(trade).call(call);
            vm.assertTrue(success);
        }
    }

    function _assertAll() private {
        trade.assertComplete();
        trade.assertCopied();
        trade.assertLiveIsWhatIsBoundAndHasNotEnded();
        trade.assertPendingIsWhatIsMarked();
        trade.assertNobodyStoodInTheWayOfAWithdrawal();
        trade.assertNoCheckWasMissed();
        trade.assertMoneyIsConserved();
        trade.assertNoSaleIsStuck();
    }

    function _acts() private pure returns (bytes4[] memory) {
        bytes4[44] memory acts = [
            Trade.grant.selector,
            Trade.grantDirect.selector,
            Trade.double.selector,
            Trade.bind.selector,
            Trade.move.selector,
            Trade.move.selector,
            Trade.withdraw.selector,
            Trade.withdraw.selector,
            Trade.withdrawFor.selector,
            Trade.withdrawByReceipt.selector,
            Trade.applyMark.selector,
            Trade.dismissMark.selector,
            Trade.dismissMark.selector,
            Trade.release.selector,
            Trade.challenge.selector,
            Trade.strike.selector,
            Trade.carry.selector,
            Trade.hold.selector,
            Trade.suspend.selector,
            Trade.attest.selector,
            Trade.transfer.selector,
            Trade.grantRight.selector,
            Trade.endRight.selector,
            Trade.end.selector,
            Trade.wait.selector,
            Trade.wait.selector,
            Trade.close.selector,
            Trade.sell.selector,
            Trade.prepare.selector,
            Trade.deliver.selector,
            Trade.handOver.selector,
            Trade.accept.selector,
            Trade.dispute.selector,
            Trade.dispute.selector,
            Trade.decide.selector,
            Trade.takeBack.selector,
            Trade.giveBack.selector,
            Trade.settle.selector,
            Trade.payOut.selector,
            Trade.bounce.selector,
            Trade.confirmRefund.selector,
            Trade.sellThrough.selector,
            Trade.order.selector,
            Trade.cancel.selector
        ];
        return _listOf(abi.encode(acts), acts.length);
    }

    function _reached() private pure returns (bytes4[] memory) {
        bytes4[37] memory reached = [
            IConsents.grantBatch.selector,
            IConsents.grant.selector,
            IConsents.bind.selector,
            IConsents.withdraw.selector,
            IConsents.withdrawFor.selector,
            IConsents.withdrawByReceipt.selector,
            IConsents.applyMark.selector,
            IConsents.dismissMark.selector,
            IConsents.release.selector,
            IConsents.challenge.selector,
            IConsents.strike.selector,
            IConsents.carryWithdrawal.selector,
            ICases.hold.selector,
            ICases.release.selector,
            IMembership.suspend.selector,
            IMembership.reinstate.selector,
            IMembership.expel.selector,
            IMembership.close.selector,
            IDataAssets.cancel.selector,
            IAttestations.attest.selector,
            IAttestations.withdraw.selector,
            IERC721.transferFrom.selector,
            IDataAssets.grantRight.selector,
            IDataAssets.endRight.selector,
            IDataAssets.publish.selector,
            IMarket.list.selector,
            IMarket.close.selector,
            IMarket.order.selector,
            IMarket.confirmPayment.selector,
            IMarket.deliver.selector,
            IMarket.dispute.selector,
            IMarket.decideDispute.selector,
            IMarket.cancel.selector,
            IRevenue.settle.selector,
            IRevenue.confirmPayout.selector,
            IRevenue.confirmBounce.selector,
            IRevenue.confirmRefund.selector
        ];
        return _listOf(abi.encode(reached), reached.length);
    }

    /// The words of an array of fixed length, as one of any.
    function _listOf(bytes memory words, uint256 length) private pure returns (bytes4[] memory) {
        return abi.decode(bytes.concat(abi.encode(uint256(32), length), words), (bytes4[]));
    }
}
