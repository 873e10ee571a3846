// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Errors} from "@openzeppelin/contracts/utils/Errors.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Base} from "./Base.t.sol";

/// Governance as a deployment sets it up: one admin, and a role with a delay that may suspend.
contract GovernanceTest is Base {
    uint64 private constant ADMIN = 0;
    uint64 private constant SUSPENDERS = 7;
    uint32 private constant DELAY = 1 days;
    bytes private suspension;

    function setUp() public override {
        super.setUp();
        suspension = abi.encodeCall(IMembership.suspend, (buyer, 1));
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = IMembership.suspend.selector;
        vm.startPrank(admin);
        manager.setTargetFunctionRole(address(membership), selectors, SUSPENDERS);
        manager.grantRole(SUSPENDERS, operator, DELAY);
        vm.stopPrank();
    }

    function test_GovernanceHasAnAdmin() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerInvalidInitialAdmin.selector, address(0)));
        new AccessManager(address(0));
    }

    function test_OnlyTheAdminGrantsRoles() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerUnauthorizedAccount.selector, stranger, ADMIN));
        manager.grantRole(SUSPENDERS, stranger, 0);
    }

    function test_TheAdminsRoleItselfIsLocked() public {
        vm.prank(admin);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerLockedRole.selector, ADMIN));
        manager.setRoleAdmin(ADMIN, SUSPENDERS);
    }

    function test_OnlyTheHolderGivesUpARole() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerBadConfirmation.selector));
        manager.renounceRole(SUSPENDERS, operator);
        vm.prank(operator);
        manager.renounceRole(SUSPENDERS, operator);
        (bool member,) = manager.hasRole(SUSPENDERS, operator);
        vm.assertFalse(member);
    }

    function test_OnlyGovernorsSchedule() public {
        vm.prank(stranger);
        vm.expectRevert(_unauthorizedCall(stranger));
        manager.schedule(address(membership), suspension, 0);
        vm.prank(stranger);
        vm.expectRevert(_unauthorizedCall(stranger));
        manager.execute(address(membership), suspension);
    }

    function test_AnActIsScheduledOnce() public {
        bytes32 id = _schedule();
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerAlreadyScheduled.selector, id));
        manager.schedule(address(membership), suspension, 0);
    }

    function test_AScheduledActExpires() public {
        bytes32 id = _schedule();
        vm.warp(START + DELAY + manager.expiration());
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerExpired.selector, id));
        membership.suspend(buyer, 1);
        vm.assertEq(membership.participant(buyer).state, Codes.MEMBER_ADMITTED);
    }

    function test_OthersDoNotCancelAScheduledAct() public {
        bytes32 id = _schedule();
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedCancel.selector,
                stranger,
                operator,
                address(membership),
                IMembership.suspend.selector
            )
        );
        manager.cancel(operator, address(membership), suspension);
        vm.assertEq(manager.getSchedule(id), START + DELAY);
        vm.prank(operator);
        manager.cancel(operator, address(membership), suspension);
        vm.assertEq(manager.getSchedule(id), 0);
    }

    function test_AScheduledActIsConsumedOnlyByItsContractInTheAct() public {
        _schedule();
        vm.warp(START + DELAY);
        vm.prank(address(membership));
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerUnauthorizedConsume.selector, address(membership)));
        manager.consumeScheduledOp(operator, suspension);
    }

    function test_TheManagerCallsOnlyWhatAnswers() public {
        vm.startPrank(admin);
        vm.expectRevert(abi.encodeWithSelector(Address.AddressEmptyCode.selector, stranger));
        manager.execute(stranger, suspension);
        vm.expectRevert(abi.encodeWithSelector(Errors.FailedCall.selector));
        manager.execute(address(membership), hex"12345678");
        vm.stopPrank();
    }

    function test_TheManagersClockHasFortyEightBits() public {
        uint256 end = 1 << 48;
        vm.warp(end);
        vm.prank(admin);
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 48, end));
        manager.grantRole(SUSPENDERS, stranger, 0);
    }

    function test_AClosedContractIsGovernedByNobody() public {
        vm.prank(admin);
        manager.setTargetClosed(address(membership), true);
        vm.prank(admin);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, admin));
        membership.expel(buyer, 1);
    }

    function _schedule() private returns (bytes32 id) {
        vm.prank(operator);
        (id,) = manager.schedule(address(membership), suspension, 0);
    }

    function _unauthorizedCall(address caller) private view returns (bytes memory) {
        bytes4 selector = IMembership.suspend.selector;
        return abi.encodeWithSelector(IAccessManager.AccessManagerUnauthorizedCall.selector, caller, address(membership), selector);
    }
}
