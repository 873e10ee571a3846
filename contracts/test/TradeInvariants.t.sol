// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {Trade} from "./Trade.t.sol";
import {Vm} from "./Vm.sol";

/// What no sequence of grants, bindings, withdrawals and sales breaks. Counts: profile `default` for every run, `deep` for the long one.
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

    function invariant_AReplayOfAllLogsGivesEveryHead() public view {
        trade.assertComplete();
    }

    function invariant_LiveIsWhatIsBoundAndHasNotEnded() public view {
        trade.assertLiveIsWhatIsBoundAndHasNotEnded();
    }

    function invariant_PendingIsWhatIsMarked() public view {
        trade.assertPendingIsWhatIsMarked();
    }

    function invariant_NobodyStandsInTheWayOfAWithdrawal() public view {
        trade.assertNobodyStoodInTheWayOfAWithdrawal();
    }

    function invariant_NothingIsSoldUnchecked() public view {
        trade.assertNoCheckWasMissed();
    }

    function invariant_MoneyIsConserved() public view {
        trade.assertMoneyIsConserved();
    }

    function testFuzz_ARandomSeasonKeepsThemAll(uint256 seed) public {
        bytes4[] memory acts = _acts();
        for (uint256 i = 0; i < 150; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            bytes memory call = abi.encodePacked(acts[seed % acts.length], (seed >> 8) % 2 ** 24, (seed >> 32) % 2 ** 24);
            (bool success,) = address(trade).call(call);
            vm.assertTrue(success);
        }
        vm.assertGt(trade.accepted(), 0);
        trade.assertComplete();
        trade.assertLiveIsWhatIsBoundAndHasNotEnded();
        trade.assertPendingIsWhatIsMarked();
        trade.assertNobodyStoodInTheWayOfAWithdrawal();
        trade.assertNoCheckWasMissed();
        trade.assertMoneyIsConserved();
    }

    /// One season whose course is known, so that the random ones are of something: people are sold, paid and withdraw.
    function test_ASeasonReachesPayouts() public {
        trade.withdraw(0, 1);
        trade.handOver(0);
        trade.accept(0);
        trade.settle(0);
        trade.payOut(0, 2);
        vm.assertGt(trade.paidSum(), 0);
        trade.assertMoneyIsConserved();
        trade.assertComplete();
        trade.assertLiveIsWhatIsBoundAndHasNotEnded();
    }

    function _acts() private pure returns (bytes4[] memory acts) {
        acts = new bytes4[](28);
        (acts[0], acts[1], acts[2], acts[3]) = (Trade.grant.selector, Trade.grantDirect.selector, Trade.bind.selector, Trade.move.selector);
        (acts[4], acts[5], acts[6], acts[7]) =
        (Trade.move.selector, Trade.withdraw.selector, Trade.withdrawByReceipt.selector, Trade.applyMark.selector);
        (acts[8], acts[9], acts[10], acts[11]) =
        (Trade.dismissMark.selector, Trade.release.selector, Trade.challenge.selector, Trade.strike.selector);
        (acts[12], acts[13], acts[14], acts[15]) = (Trade.carry.selector, Trade.hold.selector, Trade.suspend.selector, Trade.wait.selector);
        (acts[16], acts[17], acts[18], acts[19]) =
        (Trade.sell.selector, Trade.giveUp.selector, Trade.prepare.selector, Trade.deliver.selector);
        (acts[20], acts[21], acts[22], acts[23]) =
        (Trade.handOver.selector, Trade.accept.selector, Trade.settle.selector, Trade.payOut.selector);
        (acts[24], acts[25], acts[26], acts[27]) =
        (Trade.dismissMark.selector, Trade.sellThrough.selector, Trade.sellThrough.selector, Trade.withdraw.selector);
    }
}
