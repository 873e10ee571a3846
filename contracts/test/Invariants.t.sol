// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {Book} from "./Book.t.sol";
import {Vm} from "./Vm.sol";

/// What no sequence of acts breaks. Counts: profile `default` for every run, `deep` for the long one.
contract InvariantsTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Book private book;

    function setUp() public {
        book = new Book();
        book.setUp();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(book);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(book), _acts());
    }

    function invariant_AReplayOfAllLogsGivesEveryHead() public view {
        book.assertComplete();
    }

    function invariant_TheEventsTellAllThatIsStored() public view {
        book.assertCopied();
    }

    function invariant_GradesNeverFallAndPersonsAreNeverForgotten() public view {
        book.assertGradesNeverFall();
    }

    function invariant_TheExpelledStayOut() public view {
        book.assertTheExpelledStayOut();
    }

    function invariant_CancelledAssetsDoNotMove() public view {
        book.assertTheCancelledStayWithTheirHolder();
    }

    function testFuzz_ARandomDayIsComplete(uint256 seed) public {
        bytes4[] memory acts = _acts();
        for (uint256 i = 0; i < 40; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            (bool success,) = address(book).call(_call(acts[seed % acts.length], seed));
            vm.assertTrue(success);
        }
        vm.assertGt(book.accepted(), 0);
        book.assertComplete();
        book.assertCopied();
    }

    /// Random words that fit the parameters of every act: the same small numbers serve as index, term and flag.
    function _call(bytes4 act, uint256 seed) private pure returns (bytes memory) {
        return abi.encodePacked(act, (seed >> 8) % 2 ** 16, (seed >> 32) % 2, (seed >> 40) % 2, (seed >> 48) % 8, (seed >> 56) % 8);
    }

    function _acts() private pure returns (bytes4[] memory acts) {
        bytes4[26] memory all = [
            Book.admit.selector,
            Book.change.selector,
            Book.suspend.selector,
            Book.reinstate.selector,
            Book.expel.selector,
            Book.moveAuthority.selector,
            Book.registerKey.selector,
            Book.open.selector,
            Book.decide.selector,
            Book.hold.selector,
            Book.release.selector,
            Book.releaseFor.selector,
            Book.attest.selector,
            Book.correct.selector,
            Book.withdraw.selector,
            Book.register.selector,
            Book.publish.selector,
            Book.cancel.selector,
            Book.transfer.selector,
            Book.approve.selector,
            Book.approveForAll.selector,
            Book.changeParticulars.selector,
            Book.grantRight.selector,
            Book.endRight.selector,
            Book.wait.selector,
            Book.close.selector
        ];
        acts = new bytes4[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            acts[i] = all[i];
        }
    }
}
