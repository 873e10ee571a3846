// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Access} from "./Access.t.sol";

/// Who may govern, and who may relay. The operator has a role with a delay: it is the one entitled to what was scheduled.
contract AccessOfGovernanceTest is Access {
    uint64 private constant REINSTATERS = 7;
    uint32 private constant DELAY = 1 days;
    address private newcomer = _account("newcomer");

    function test_AccessManager() public {
        _open("AccessManager");
        _appoint();
        _admit(newcomer, Codes.ROLE_BUYER);
        _suspend(newcomer);
        address target = address(manager);
        address registry = address(membership);
        bytes memory reinstatement = abi.encodeCall(IMembership.reinstate, (newcomer));
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = IMembership.close.selector;

        _judge(target, abi.encodeCall(IAccessManager.labelRole, (REINSTATERS, "reinstaters")), operator);
        _judge(target, abi.encodeCall(IAccessManager.grantRole, (REINSTATERS, stranger, 0)), operator);
        _judge(target, abi.encodeCall(IAccessManager.revokeRole, (REINSTATERS, operator)), operator);
        _judge(target, abi.encodeCall(IAccessManager.renounceRole, (REINSTATERS, operator)), operator);
        _judge(target, abi.encodeCall(IAccessManager.setRoleAdmin, (REINSTATERS, 8)), operator);
        _judge(target, abi.encodeCall(IAccessManager.setRoleGuardian, (REINSTATERS, 8)), operator);
        _judge(target, abi.encodeCall(IAccessManager.setGrantDelay, (REINSTATERS, DELAY)), operator);
        _judge(target, abi.encodeCall(IAccessManager.setTargetFunctionRole, (registry, selectors, REINSTATERS)), operator);
        _judge(target, abi.encodeCall(IAccessManager.setTargetAdminDelay, (registry, DELAY)), operator);
        _judge(target, abi.encodeCall(IAccessManager.setTargetClosed, (registry, true)), operator);
        _judge(target, abi.encodeCall(IAccessManager.updateAuthority, (registry, address(new AccessManager(admin)))), operator);
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(IAccessManager.labelRole, (REINSTATERS, "reinstaters"));
        _judge(target, abi.encodeWithSignature("multicall(bytes[])", calls), operator);
        _judge(target, abi.encodeCall(IAccessManager.schedule, (registry, reinstatement, 0)), operator);

        _acts(operator, target, abi.encodeCall(IAccessManager.schedule, (registry, reinstatement, 0)));
        _judge(target, abi.encodeCall(IAccessManager.cancel, (operator, registry, reinstatement)), operator);
        vm.warp(block.timestamp + DELAY);
        _judge(target, abi.encodeCall(IAccessManager.execute, (registry, reinstatement)), operator);
        _judge(target, abi.encodeCall(IAccessManager.consumeScheduledOp, (operator, reinstatement)), operator);
        _close();
    }

    function test_Forwarder() public {
        _open("Forwarder");
        ERC2771Forwarder.ForwardRequestData[] memory requests = new ERC2771Forwarder.ForwardRequestData[](1);
        requests[0] = _request("arbiter", address(cases), abi.encodeCall(ICases.hold, (DOCUMENT, DOCUMENT)));
        _judge(address(forwarder), abi.encodeCall(ERC2771Forwarder.execute, (requests[0])), arbiter);
        _judge(address(forwarder), abi.encodeCall(ERC2771Forwarder.executeBatch, (requests, payable(relayer))), arbiter);
        _close();
    }

    function _appoint() private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = IMembership.reinstate.selector;
        vm.startPrank(admin);
        manager.setTargetFunctionRole(address(membership), selectors, REINSTATERS);
        manager.grantRole(REINSTATERS, operator, DELAY);
        vm.stopPrank();
    }
}
