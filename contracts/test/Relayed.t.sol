// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Errors} from "@openzeppelin/contracts/utils/Errors.sol";
import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Membership} from "../src/Membership.sol";
import {Base} from "./Base.t.sol";

/// Members act through the forwarder; governance does not.
contract RelayedTest is Base {
    bytes32 private constant TARGET = keccak256("a target");
    uint64 private constant SUSPENDERS = 7;
    uint32 private constant DELAY = 1 days;

    // Members.

    function test_ARelayedKeyIsTheMembers() public {
        _relay("buyer", address(membership), abi.encodeCall(IMembership.registerEncryptionKey, (0x0020, DOCUMENT)));
        vm.assertEq(membership.participant(buyer).encryptionKey, DOCUMENT);
    }

    function test_ARelayedCaseIsItsOpeners() public {
        bytes32 caseId = keccak256(abi.encode(TARGET, Codes.CASE_LEAK, buyer, DOCUMENT));
        vm.expectEmit(true, true, true, true, address(cases));
        emit ICases.CaseOpened(caseId, TARGET, buyer, Codes.CASE_LEAK, DOCUMENT);
        _relay("buyer", address(cases), abi.encodeCall(ICases.open, (TARGET, Codes.CASE_LEAK, DOCUMENT)));
        vm.expectEmit(true, true, true, true, address(cases));
        emit ICases.CaseDecided(caseId, TARGET, arbiter, Codes.OUTCOME_POSITIVE, DOCUMENT);
        _relay("arbiter", address(cases), abi.encodeCall(ICases.decide, (caseId, Codes.OUTCOME_POSITIVE, DOCUMENT)));
    }

    function test_ARelayedHoldIsItsHolders() public {
        _relay("arbiter", address(cases), abi.encodeCall(ICases.hold, (TARGET, DOCUMENT)));
        vm.prank(regulator);
        vm.expectRevert(abi.encodeWithSelector(ICases.NotHeldBy.selector, TARGET, regulator));
        cases.release(TARGET, DOCUMENT);
        _relay("arbiter", address(cases), abi.encodeCall(ICases.release, (TARGET, DOCUMENT)));
        vm.assertFalse(cases.isHeld(TARGET));
    }

    function test_ARelayedStatementIsItsAttesters() public {
        uint8 kind = Codes.ATTEST_LEGAL_OPINION;
        _relay("reviewer", address(attestations), abi.encodeCall(IAttestations.attest, (TARGET, kind, 1, DOCUMENT, START + 9)));
        attestations.requireLive(TARGET, kind, reviewer);
        _relay("reviewer", address(attestations), abi.encodeCall(IAttestations.correct, (TARGET, kind, 2, DOCUMENT, START + 9)));
        vm.assertEq(attestations.statement(TARGET, kind, reviewer).outcome, Codes.OUTCOME_NEGATIVE);
        _relay("reviewer", address(attestations), abi.encodeCall(IAttestations.withdraw, (TARGET, kind, DOCUMENT)));
        vm.assertEq(attestations.statement(TARGET, kind, reviewer).state, 2);
    }

    function test_ARelayedAssetIsItsRegistrants() public {
        uint256 id = dataAssets.assetIdOf(provider, SALT);
        _relay("provider", address(dataAssets), abi.encodeCall(IDataAssets.register, (_registration(SALT), _version(1))));
        vm.assertEq(dataAssets.ownerOf(id), provider);
        _relay("provider", address(dataAssets), abi.encodeCall(IDataAssets.publish, (id, _version(2))));
        vm.assertEq(dataAssets.asset(id).version, 2);
        _relay("provider", address(dataAssets), abi.encodeCall(dataAssets.approve, (buyer, id)));
        vm.assertEq(dataAssets.getApproved(id), buyer);
        _relay("buyer", address(dataAssets), abi.encodeCall(dataAssets.transferFrom, (provider, otherProvider, id)));
        vm.assertEq(dataAssets.ownerOf(id), otherProvider);
        _relay("other provider", address(dataAssets), abi.encodeCall(IDataAssets.cancel, (id, DOCUMENT)));
        vm.assertEq(dataAssets.asset(id).state, Codes.ASSET_CANCELLED);
    }

    function test_ARelayedRightIsItsGrantors() public {
        uint256 id = _register(1);
        IDataAssets.Scope memory scope = IDataAssets.Scope(1, 1, START + YEAR);
        address to = address(dataAssets);
        _relay("provider", to, abi.encodeCall(IDataAssets.change, (id, 1, OTHER_DOCUMENT, DOCUMENT)));
        vm.assertEq(dataAssets.asset(id).level, 1);
        _relay("provider", to, abi.encodeCall(IDataAssets.grantRight, (id, otherProvider, Codes.RIGHT_PROCESS, scope, DOCUMENT)));
        vm.assertTrue(dataAssets.hasRight(id, otherProvider, Codes.RIGHT_PROCESS));
        _relay("other provider", to, abi.encodeCall(IDataAssets.endRight, (id, otherProvider, Codes.RIGHT_PROCESS, DOCUMENT)));
        vm.assertFalse(dataAssets.hasRight(id, otherProvider, Codes.RIGHT_PROCESS));
    }

    function test_AClosingIsNeverRelayed() public {
        (bool success, bytes memory result) = _relayBare(admin, address(membership), abi.encodeCall(IMembership.close, (DOCUMENT)));
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(forwarder)));
        vm.assertEq(membership.closesAt(), 0);
    }

    function test_ARefusedRelayedActShowsTheContractsOwnError() public {
        bytes memory call = abi.encodeCall(ICases.hold, (TARGET, DOCUMENT));
        (bool success, bytes memory result) = _relayBare(buyer, address(cases), call);
        uint32 judges = Codes.ROLE_ARBITER | Codes.ROLE_REGULATOR;
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(IMembership.RoleMissing.selector, buyer, judges, Codes.ROLE_BUYER));
    }

    function test_NobodySignsForAnother() public {
        bytes memory call = abi.encodeCall(ICases.hold, (TARGET, DOCUMENT));
        ERC2771Forwarder.ForwardRequestData memory request = _request("buyer", address(cases), call);
        request.from = arbiter;
        vm.assertFalse(forwarder.verify(request));
        _refuseSigner(request);
    }

    function test_ARequestServesOnce() public {
        ERC2771Forwarder.ForwardRequestData memory request =
            _request("arbiter", address(cases), abi.encodeCall(ICases.hold, (TARGET, DOCUMENT)));
        forwarder.execute(request);
        vm.prank(arbiter);
        cases.release(TARGET, DOCUMENT);
        _refuseSigner(request);
        vm.assertFalse(cases.isHeld(TARGET));
    }

    function test_ARefusedActRefusesTheRequest() public {
        ERC2771Forwarder.ForwardRequestData memory request =
            _request("buyer", address(cases), abi.encodeCall(ICases.hold, (TARGET, DOCUMENT)));
        vm.expectRevert(abi.encodeWithSelector(Errors.FailedCall.selector));
        forwarder.execute(request);
        vm.assertEq(forwarder.nonces(buyer), 0);
    }

    function test_ARequestBringsNoMoney() public {
        ERC2771Forwarder.ForwardRequestData memory request =
            _request("arbiter", address(cases), abi.encodeCall(ICases.hold, (TARGET, DOCUMENT)));
        vm.deal(address(this), 1);
        vm.expectRevert(abi.encodeWithSelector(ERC2771Forwarder.ERC2771ForwarderMismatchedValue.selector, 0, 1));
        forwarder.execute{value: 1}(request);
    }

    function test_ARequestReachesOnlyContractsThatTrustTheForwarder() public {
        ERC2771Forwarder.ForwardRequestData memory request = _request("admin", address(manager), _suspendBuyer());
        bytes4 untrustful = ERC2771Forwarder.ERC2771UntrustfulTarget.selector;
        vm.expectRevert(abi.encodeWithSelector(untrustful, address(manager), address(forwarder)));
        forwarder.execute(request);
    }

    function test_ARequestExpires() public {
        ERC2771Forwarder.ForwardRequestData memory request =
            _request("arbiter", address(cases), abi.encodeCall(ICases.hold, (TARGET, DOCUMENT)));
        vm.warp(uint256(request.deadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(ERC2771Forwarder.ERC2771ForwarderExpiredRequest.selector, request.deadline));
        forwarder.execute(request);
    }

    function test_AnAppendedSenderCountsOnlyFromTheForwarder() public {
        bytes memory call = abi.encodeCall(ICases.hold, (TARGET, DOCUMENT));
        vm.prank(stranger);
        (bool success, bytes memory result) = address(cases).call(bytes.concat(call, bytes20(arbiter)));
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
    }

    function test_EveryContractTrustsTheSameForwarder() public view {
        vm.assertEq(membership.trustedForwarder(), address(forwarder));
        vm.assertEq(cases.trustedForwarder(), address(forwarder));
        vm.assertEq(attestations.trustedForwarder(), address(forwarder));
        vm.assertEq(dataAssets.trustedForwarder(), address(forwarder));
    }

    // Governance.

    function test_GovernanceIsNeverRelayed() public {
        (bool success, bytes memory result) = _relayBare(admin, address(membership), _suspendBuyer());
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(forwarder)));
        vm.assertTrue(membership.isInGoodStanding(buyer));
    }

    function test_TheAuthorityIsNeverMovedByRelay() public {
        AccessManager next = new AccessManager(stranger);
        bytes memory call = abi.encodeCall(IAccessManaged.setAuthority, (address(next)));
        (bool success, bytes memory result) = _relayBare(address(manager), address(membership), call);
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(forwarder)));
    }

    function test_OnlyTheAuthorityMovesTheAuthority() public {
        vm.prank(admin);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, admin));
        membership.setAuthority(address(forwarder));
        vm.prank(address(manager));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, stranger));
        membership.setAuthority(stranger);
    }

    function test_AMovedAuthorityIsJournalled() public {
        AccessManager next = new AccessManager(regulator);
        bytes32 head = membership.journalHead();
        vm.expectEmit(true, true, true, true, address(membership));
        emit IAccessManaged.AuthorityUpdated(address(next));
        vm.prank(admin);
        manager.updateAuthority(address(membership), address(next));
        bytes32 digest = keccak256(abi.encode(IAccessManaged.AuthorityUpdated.selector, address(next)));
        vm.assertEq(membership.journalHead(), keccak256(abi.encode(head, block.number, digest)));
        vm.assertEq(membership.authority(), address(next));
        vm.prank(regulator);
        membership.suspend(buyer, 1);
        vm.prank(admin);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, admin));
        membership.reinstate(buyer);
    }

    function test_TheFirstAuthorityIsTheFirstEntryOfTheJournal() public {
        vm.roll(9);
        bytes32 digest = keccak256(abi.encode(IAccessManaged.AuthorityUpdated.selector, address(manager)));
        bytes32 head = new Membership(address(manager), address(forwarder), _noPredecessor()).journalHead();
        vm.assertEq(head, keccak256(abi.encode(bytes32(0), uint256(9), digest)));
    }

    function test_SuspensionCanBeARoleOfItsOwn() public {
        _grantSuspension(operator, 0);
        vm.prank(operator);
        membership.suspend(buyer, 1);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, operator));
        membership.reinstate(buyer);
    }

    function test_AGovernorWithADelayActsOnlyAsScheduled() public {
        _grantSuspension(operator, DELAY);
        bytes32 id = manager.hashOperation(operator, address(membership), _suspendBuyer());
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, id));
        membership.suspend(buyer, 1);
        vm.prank(operator);
        manager.schedule(address(membership), _suspendBuyer(), 0);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, id));
        membership.suspend(buyer, 1);
        vm.warp(START + DELAY);
        vm.prank(operator);
        membership.suspend(buyer, 1);
        vm.assertEq(membership.participant(buyer).state, Codes.MEMBER_SUSPENDED);
    }

    function test_AScheduledActRunsThroughTheManagerToo() public {
        _grantSuspension(operator, DELAY);
        vm.prank(operator);
        manager.schedule(address(membership), _suspendBuyer(), 0);
        vm.warp(START + DELAY);
        vm.prank(operator);
        manager.execute(address(membership), _suspendBuyer());
        vm.assertEq(membership.participant(buyer).state, Codes.MEMBER_SUSPENDED);
    }

    // Words.

    function _refuseSigner(ERC2771Forwarder.ForwardRequestData memory request) private {
        bytes32 digest = _requestDigest(request, forwarder.nonces(request.from));
        address signer = ECDSA.recover(digest, request.signature);
        vm.expectRevert(abi.encodeWithSelector(ERC2771Forwarder.ERC2771ForwarderInvalidSigner.selector, signer, request.from));
        forwarder.execute(request);
    }

    function _suspendBuyer() private view returns (bytes memory) {
        return abi.encodeCall(IMembership.suspend, (buyer, 1));
    }

    function _grantSuspension(address account, uint32 delay) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = IMembership.suspend.selector;
        vm.startPrank(admin);
        manager.setTargetFunctionRole(address(membership), selectors, SUSPENDERS);
        manager.grantRole(SUSPENDERS, account, delay);
        vm.stopPrank();
    }
}
