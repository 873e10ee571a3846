// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Membership} from "../src/Membership.sol";
import {Base} from "./Base.t.sol";

contract MembershipTest is Base {
    address private newcomer = _account("newcomer");

    // Admission.

    function test_AnAdmittedParticipantIsKeptAsStated() public {
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER | Codes.ROLE_GATEWAY, Codes.LICENCE_BANK);
        vm.expectEmit(true, true, true, true, address(membership));
        emit IMembership.ParticipantAdmitted(
            newcomer, admission.identity, admission.jurisdiction, admission.roles, admission.validUntil, admission.licences
        );
        _admit(newcomer, admission);

        IMembership.Participant memory found = membership.participant(newcomer);
        vm.assertEq(found.identity, admission.identity);
        vm.assertEq(found.state, Codes.MEMBER_ADMITTED);
        vm.assertEq(found.jurisdiction, Codes.JURISDICTION_CN);
        vm.assertEq(found.roles, Codes.ROLE_BUYER | Codes.ROLE_GATEWAY);
        vm.assertEq(found.validUntil, START + 10 * YEAR);
        vm.assertEq(found.licences.length, 1);
        vm.assertEq(found.licences[0], Codes.LICENCE_BANK);
        vm.assertEq(found.encryptionSuite, 0);
        vm.assertEq(found.encryptionKey, bytes32(0));
        vm.assertTrue(membership.isInGoodStanding(newcomer));
    }

    function test_AnUnknownParticipantIsAllZeros() public view {
        IMembership.Participant memory nobody;
        vm.assertEq(abi.encode(membership.participant(stranger)), _encode(nobody));
        vm.assertFalse(membership.isInGoodStanding(stranger));
    }

    function test_TheZeroAccountIsNotAdmitted() public {
        _governed(abi.encodeWithSelector(IMembership.ZeroAccount.selector));
        membership.admit(address(0), _admission(Codes.ROLE_BUYER));
    }

    function test_AnIdentityIsNeeded() public {
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER);
        admission.identity = 0;
        _governed(abi.encodeWithSelector(IMembership.ZeroIdentity.selector));
        membership.admit(newcomer, admission);
    }

    function test_NobodyIsAdmittedTwice() public {
        _governed(abi.encodeWithSelector(IMembership.AlreadyAdmitted.selector, buyer));
        membership.admit(buyer, _admission(Codes.ROLE_BUYER));
    }

    function test_TheExpelledAreNotAdmittedAgain() public {
        vm.prank(admin);
        membership.expel(buyer, 7);
        _governed(abi.encodeWithSelector(IMembership.AlreadyAdmitted.selector, buyer));
        membership.admit(buyer, _admission(Codes.ROLE_BUYER));
    }

    function test_UnknownRolesAreRefused() public {
        uint32 unknown = Codes.ROLES_ALL + 1;
        _governed(abi.encodeWithSelector(IMembership.UnknownRoles.selector, unknown));
        membership.admit(newcomer, _admission(Codes.ROLES_ALL | unknown));
    }

    function test_EveryRoleCanBeHeldAtOnce() public {
        _admit(newcomer, Codes.ROLES_ALL);
        vm.assertEq(membership.participant(newcomer).roles, Codes.ROLES_ALL);
    }

    function test_AdmissionIntoThePastIsRefused() public {
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER);
        admission.validUntil = START - 1;
        _governed(abi.encodeWithSelector(IMembership.ValidityInThePast.selector, START - 1, START));
        membership.admit(newcomer, admission);
    }

    function test_AdmissionMayEndInItsOwnSecond() public {
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER);
        admission.validUntil = START;
        _admit(newcomer, admission);
        vm.assertTrue(membership.isInGoodStanding(newcomer));
    }

    function test_LicencesAscend() public {
        IMembership.Admission memory admission = _licensed(Codes.LICENCE_BANK, Codes.LICENCE_BANK);
        _governed(abi.encodeWithSelector(IMembership.UnorderedLicences.selector, 1));
        membership.admit(newcomer, admission);
    }

    function test_ALicenceIsNoRoleClass() public {
        IMembership.Admission memory admission = _licensed(Codes.CLASS_FIRST_LICENCE - 1, Codes.LICENCE_BANK);
        _governed(abi.encodeWithSelector(IMembership.UnorderedLicences.selector, 0));
        membership.admit(newcomer, admission);
    }

    function test_SixteenLicencesAreTheMost() public {
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER);
        admission.licences = _licences(17, 1);
        _governed(abi.encodeWithSelector(IMembership.TooManyLicences.selector, 17, 16));
        membership.admit(newcomer, admission);
        admission.licences = _licences(16, 1);
        _admit(newcomer, admission);
        vm.assertEq(membership.participant(newcomer).licences[15], Codes.CLASS_FIRST_LICENCE + 15);
    }

    function testFuzz_LicencesAreKeptInOrder(uint256 length, uint256 step) public {
        length = length % 17;
        step = 1 + (step % 4000);
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER);
        admission.licences = _licences(length, step);
        _admit(newcomer, admission);
        vm.assertEq(abi.encode(membership.participant(newcomer).licences), _encode(admission.licences));
        for (uint256 i = 0; i < length; ++i) {
            vm.assertTrue(membership.isOfClass(newcomer, admission.licences[i]));
            if (step > 1) vm.assertFalse(membership.isOfClass(newcomer, admission.licences[i] + 1));
        }
    }

    // Change.

    function test_AChangeReplacesAllButTheIdentity() public {
        bytes32 identity = membership.participant(buyer).identity;
        IMembership.Admission memory admission =
            IMembership.Admission(0, 276, Codes.ROLE_BUYER | Codes.ROLE_AUDITOR, START + 5, new uint16[](0));
        vm.expectEmit(true, true, true, true, address(membership));
        emit IMembership.ParticipantChanged(buyer, 276, admission.roles, START + 5, admission.licences);
        vm.prank(admin);
        membership.change(buyer, admission);

        IMembership.Participant memory found = membership.participant(buyer);
        vm.assertEq(found.identity, identity);
        vm.assertEq(found.state, Codes.MEMBER_ADMITTED);
        vm.assertEq(found.jurisdiction, 276);
        vm.assertEq(found.roles, Codes.ROLE_BUYER | Codes.ROLE_AUDITOR);
        vm.assertEq(found.validUntil, START + 5);
        vm.assertEq(found.licences.length, 0);
    }

    function test_AChangeMayRepeatTheIdentity() public {
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER);
        admission.jurisdiction = 276;
        vm.prank(admin);
        membership.change(buyer, admission);
        vm.assertEq(membership.participant(buyer).jurisdiction, 276);
    }

    function test_AChangeOfIdentityIsRefused() public {
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER);
        admission.identity = keccak256("another firm");
        _governed(abi.encodeWithSelector(IMembership.IdentityDiffers.selector, buyer, admission.identity));
        membership.change(buyer, admission);
    }

    function test_AChangeIsCheckedAsAnAdmissionIs() public {
        _governed(abi.encodeWithSelector(IMembership.UnknownRoles.selector, uint32(1 << 31)));
        membership.change(buyer, _changing(1 << 31, START));
        _governed(abi.encodeWithSelector(IMembership.ValidityInThePast.selector, START - 1, START));
        membership.change(buyer, _changing(Codes.ROLE_BUYER, START - 1));
    }

    function test_AChangeOfNobodyIsRefused() public {
        _governed(abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        membership.change(stranger, _changing(Codes.ROLE_BUYER, START));
    }

    function test_TheExpelledDoNotChange() public {
        vm.prank(admin);
        membership.expel(buyer, 7);
        _governed(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_EXPELLED));
        membership.change(buyer, _changing(Codes.ROLE_BUYER, START));
    }

    function test_AChangeDoesNotEndASuspension() public {
        _suspend(buyer);
        vm.prank(admin);
        membership.change(buyer, _changing(Codes.ROLE_BUYER, START + 1));
        vm.assertEq(membership.participant(buyer).state, Codes.MEMBER_SUSPENDED);
    }

    // Suspension and expulsion.

    function test_ASuspensionEndsGoodStandingAtOnce() public {
        vm.expectEmit(true, true, true, true, address(membership));
        emit IMembership.ParticipantSuspended(buyer, 12);
        vm.prank(admin);
        membership.suspend(buyer, 12);
        vm.assertFalse(membership.isInGoodStanding(buyer));
        vm.expectRevert(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_SUSPENDED));
        membership.requireGoodStanding(buyer);
    }

    function test_OnlyTheAdmittedAreSuspended() public {
        _governed(abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        membership.suspend(stranger, 1);
        _suspend(buyer);
        _governed(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_SUSPENDED));
        membership.suspend(buyer, 1);
    }

    function test_AReinstatedParticipantIsInGoodStanding() public {
        _suspend(buyer);
        vm.expectEmit(true, true, true, true, address(membership));
        emit IMembership.ParticipantReinstated(buyer);
        vm.prank(admin);
        membership.reinstate(buyer);
        vm.assertEq(membership.participant(buyer).state, Codes.MEMBER_ADMITTED);
        membership.requireGoodStanding(buyer);
    }

    function test_OnlyTheSuspendedAreReinstated() public {
        _governed(abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        membership.reinstate(stranger);
        _governed(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_ADMITTED));
        membership.reinstate(buyer);
    }

    function test_AnExpulsionIsForEver() public {
        vm.expectEmit(true, true, true, true, address(membership));
        emit IMembership.ParticipantExpelled(buyer, 9);
        vm.prank(admin);
        membership.expel(buyer, 9);
        vm.assertEq(membership.participant(buyer).state, Codes.MEMBER_EXPELLED);
        _governed(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_EXPELLED));
        membership.reinstate(buyer);
        _governed(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_EXPELLED));
        membership.expel(buyer, 9);
        _governed(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_EXPELLED));
        membership.suspend(buyer, 9);
    }

    function test_TheSuspendedCanBeExpelled() public {
        _suspend(buyer);
        vm.prank(admin);
        membership.expel(buyer, 9);
        vm.assertEq(membership.participant(buyer).state, Codes.MEMBER_EXPELLED);
    }

    function test_NobodyUnknownIsExpelled() public {
        _governed(abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        membership.expel(stranger, 9);
    }

    // Encryption keys.

    function test_AMemberRegistersItsKey() public {
        vm.expectEmit(true, true, true, true, address(membership));
        emit IMembership.EncryptionKeyRegistered(buyer, 0x0020, DOCUMENT);
        vm.prank(buyer);
        membership.registerEncryptionKey(0x0020, DOCUMENT);
        vm.assertEq(membership.participant(buyer).encryptionSuite, 0x0020);
        vm.assertEq(membership.participant(buyer).encryptionKey, DOCUMENT);
    }

    function test_AChangeKeepsTheKey() public {
        vm.prank(buyer);
        membership.registerEncryptionKey(0x0020, DOCUMENT);
        vm.prank(admin);
        membership.change(buyer, _changing(Codes.ROLE_BUYER, START + 1));
        vm.assertEq(membership.participant(buyer).encryptionSuite, 0x0020);
        vm.assertEq(membership.participant(buyer).encryptionKey, DOCUMENT);
    }

    function test_AnEmptyKeyIsRefused() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ZeroEncryptionKey.selector));
        membership.registerEncryptionKey(0x0020, 0);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ZeroEncryptionKey.selector));
        membership.registerEncryptionKey(0, DOCUMENT);
    }

    function test_OnlyMembersInGoodStandingRegisterKeys() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        membership.registerEncryptionKey(0x0020, DOCUMENT);
        _suspend(buyer);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_SUSPENDED));
        membership.registerEncryptionKey(0x0020, DOCUMENT);
    }

    // What others ask.

    function test_AMembershipExpiresAfterItsLastSecond() public {
        vm.warp(START + 10 * YEAR);
        membership.requireGoodStanding(buyer);
        vm.assertTrue(membership.isInGoodStanding(buyer));
        vm.warp(START + 10 * YEAR + 1);
        vm.assertFalse(membership.isInGoodStanding(buyer));
        vm.expectRevert(abi.encodeWithSelector(IMembership.MembershipExpired.selector, buyer, START + 10 * YEAR));
        membership.requireGoodStanding(buyer);
    }

    function test_GoodStandingOfNobodyIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        membership.requireGoodStanding(stranger);
    }

    function test_OneOfTheRolesIsEnough() public {
        membership.requireRole(buyer, Codes.ROLE_BUYER | Codes.ROLE_AUDITOR);
        vm.expectRevert(
            abi.encodeWithSelector(IMembership.RoleMissing.selector, buyer, Codes.ROLE_PROVIDER | Codes.ROLE_AUDITOR, Codes.ROLE_BUYER)
        );
        membership.requireRole(buyer, Codes.ROLE_PROVIDER | Codes.ROLE_AUDITOR);
    }

    function test_ARoleNeedsGoodStanding() public {
        vm.warp(START + 10 * YEAR + 1);
        vm.expectRevert(abi.encodeWithSelector(IMembership.MembershipExpired.selector, buyer, START + 10 * YEAR));
        membership.requireRole(buyer, Codes.ROLE_BUYER);
    }

    function test_AClassIsARoleOrALicence() public {
        vm.assertFalse(membership.isOfClass(buyer, Codes.CLASS_NONE));
        vm.assertTrue(membership.isOfClass(buyer, 3)); // ROLE_BUYER is bit 2
        vm.assertFalse(membership.isOfClass(buyer, 2));
        vm.assertFalse(membership.isOfClass(buyer, 4));
        vm.assertFalse(membership.isOfClass(buyer, 35));
        vm.assertFalse(membership.isOfClass(buyer, 255));
        vm.assertTrue(membership.isOfClass(buyer, Codes.LICENCE_EMPLOYER));
        vm.assertFalse(membership.isOfClass(buyer, Codes.LICENCE_BANK));
        vm.assertFalse(membership.isOfClass(provider, Codes.LICENCE_EMPLOYER));
        _suspend(buyer);
        vm.assertTrue(membership.isOfClass(buyer, Codes.LICENCE_EMPLOYER));
    }

    function testFuzz_AClassBelow256IsTheRoleBitBeforeIt(uint32 roles, uint8 class) public {
        roles &= Codes.ROLES_ALL;
        _admit(newcomer, roles);
        bool expected = class != 0 && class <= 32 && roles & (uint256(1) << (class - 1)) != 0;
        vm.assertEq(membership.isOfClass(newcomer, class), expected);
    }

    function test_PartiesAreABuyerAndAProvider() public {
        IMembership.Admission memory admission = _admission(Codes.ROLE_PROVIDER);
        admission.jurisdiction = 276;
        _admit(newcomer, admission);
        (uint16 ofBuyer, uint16 ofProvider) = membership.requireParties(true, buyer, Codes.LICENCE_EMPLOYER, newcomer);
        vm.assertEq(ofBuyer, Codes.JURISDICTION_CN);
        vm.assertEq(ofProvider, 276);
    }

    function test_PartiesOfTheWrongRoleAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IMembership.RoleMissing.selector, provider, Codes.ROLE_BUYER, Codes.ROLE_PROVIDER));
        membership.requireParties(true, provider, 0, provider);
        vm.expectRevert(abi.encodeWithSelector(IMembership.RoleMissing.selector, buyer, Codes.ROLE_PROVIDER, Codes.ROLE_BUYER));
        membership.requireParties(true, buyer, 0, buyer);
    }

    function test_TheBuyerIsOfTheClassThatIsAsked() public {
        membership.requireParties(true, buyer, Codes.CLASS_NONE, provider);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ClassMissing.selector, buyer, Codes.LICENCE_BANK));
        membership.requireParties(true, buyer, Codes.LICENCE_BANK, provider);
    }

    function test_SuspendedPartiesAreRefused() public {
        _suspend(provider);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ParticipantIs.selector, provider, Codes.MEMBER_SUSPENDED));
        membership.requireParties(true, buyer, 0, provider);
        _suspend(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_SUSPENDED));
        membership.requireParties(true, buyer, 0, provider);
    }

    // The end of a deployment, and what it follows.

    function test_AClosingIsAnnouncedOnce() public {
        vm.assertEq(membership.closesAt(), 0);
        membership.requireOpen();
        _governed(abi.encodeWithSelector(IMembership.ZeroDocument.selector));
        membership.close(0);
        vm.expectEmit(true, true, true, true, address(membership));
        emit IMembership.DeploymentClosing(DOCUMENT, START + 7 days);
        vm.prank(admin);
        membership.close(DOCUMENT);
        vm.assertEq(membership.CLOSING_DELAY(), 7 days);
        vm.assertEq(membership.closesAt(), START + 7 days);
        bytes memory refusal = abi.encodeWithSelector(IMembership.AlreadyClosing.selector, START + 7 days);
        _governed(refusal);
        membership.close(OTHER_DOCUMENT);
        vm.warp(START + YEAR);
        _governed(refusal);
        membership.close(OTHER_DOCUMENT);
    }

    function test_ADeploymentIsOpenUntilItsDelayIsOver() public {
        vm.prank(admin);
        membership.close(DOCUMENT);
        vm.warp(START + 7 days - 1);
        membership.requireOpen();
        membership.requireParties(true, buyer, 0, provider);
        bytes memory refusal = abi.encodeWithSelector(IMembership.DeploymentClosed.selector, START + 7 days);
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(START + 7 days + i);
            vm.expectRevert(refusal);
            membership.requireOpen();
            vm.expectRevert(refusal);
            membership.requireParties(true, buyer, 0, provider);
            membership.requireParties(false, buyer, 0, provider);
        }
    }

    function test_AClosedDeploymentIsGovernedStill() public {
        vm.prank(admin);
        membership.close(DOCUMENT);
        vm.warp(START + YEAR);
        _admit(newcomer, Codes.ROLE_BUYER);
        _suspend(newcomer);
        vm.prank(admin);
        membership.reinstate(newcomer);
        vm.prank(newcomer);
        membership.registerEncryptionKey(0x0020, DOCUMENT);
        membership.requireRole(newcomer, Codes.ROLE_BUYER);
    }

    function test_ADeploymentNamesWhatItFollows() public {
        IMembership.Predecessor memory former = _former(31_337, 2, 2);
        vm.roll(5);
        vm.expectEmit(true, true, true, true);
        emit IMembership.DeploymentSucceeded(31_337, former.contracts, former.heads);
        Membership next = new Membership(address(manager), address(forwarder), former);
        bytes32 authority = keccak256(abi.encode(IAccessManaged.AuthorityUpdated.selector, address(manager)));
        bytes32 followed = keccak256(
            abi.encodePacked(IMembership.DeploymentSucceeded.selector, uint256(31_337), abi.encode(former.contracts, former.heads))
        );
        bytes32 head = keccak256(abi.encode(bytes32(0), uint256(5), authority));
        vm.assertEq(next.journalHead(), keccak256(abi.encode(head, uint256(5), followed)));
        vm.assertEq(next.journalHeadOf(0), bytes32(0));
    }

    function test_AFormerDeploymentIsNamedWholeOrNotAtAll() public {
        uint256[3][7] memory malformed = [
            [uint256(0), 1, 1],
            [uint256(0), 1, 0],
            [uint256(0), 0, 1],
            [uint256(1), 0, 0],
            [uint256(1), 0, 1],
            [uint256(1), 1, 0],
            [uint256(1), 2, 1]
        ];
        for (uint256 i = 0; i < malformed.length; ++i) {
            (uint256 chain, uint256 contracts, uint256 heads) = (malformed[i][0], malformed[i][1], malformed[i][2]);
            IMembership.Predecessor memory former = _former(chain, contracts, heads);
            vm.expectRevert(abi.encodeWithSelector(IMembership.PredecessorMalformed.selector, chain, contracts, heads));
            new Membership(address(manager), address(forwarder), former);
        }
        new Membership(address(manager), address(forwarder), _former(type(uint256).max, 1, 1));
        new Membership(address(manager), address(forwarder), _former(1, 64, 64));
    }

    // Every state from every state, and everything twice.

    function test_EveryStateFromEveryState() public {
        address account = newcomer;
        for (uint8 from = Codes.MEMBER_NONE; from <= Codes.MEMBER_EXPELLED; ++from) {
            uint256 state = vm.snapshotState();
            _bring(account, from);
            _tryFrom(account, from);
            vm.revertToState(state);
        }
    }

    function _bring(address account, uint8 state) private {
        if (state == Codes.MEMBER_NONE) return;
        _admit(account, Codes.ROLE_BUYER);
        if (state == Codes.MEMBER_SUSPENDED) _suspend(account);
        if (state != Codes.MEMBER_EXPELLED) return;
        vm.prank(admin);
        membership.expel(account, 1);
    }

    function _tryFrom(address account, uint8 from) private {
        bytes memory unknown = abi.encodeWithSelector(IMembership.NotAdmitted.selector, account);
        bytes memory wrong = from == Codes.MEMBER_NONE ? unknown : abi.encodeWithSelector(IMembership.ParticipantIs.selector, account, from);
        bytes memory known = abi.encodeWithSelector(IMembership.AlreadyAdmitted.selector, account);
        bool remaining = from == Codes.MEMBER_ADMITTED || from == Codes.MEMBER_SUSPENDED;
        _leads(account, abi.encodeCall(IMembership.admit, (account, _admission(1))), from == 0 ? 1 : 0, known);
        _leads(account, abi.encodeCall(IMembership.change, (account, _changing(1, START))), remaining ? from : 0, wrong);
        _leads(account, abi.encodeCall(IMembership.suspend, (account, 1)), from == 1 ? 2 : 0, wrong);
        _leads(account, abi.encodeCall(IMembership.reinstate, (account)), from == 2 ? 1 : 0, wrong);
        _leads(account, abi.encodeCall(IMembership.expel, (account, 1)), remaining ? 3 : 0, wrong);
    }

    /// The call leads to the state `to`, or (zero) is refused.
    function _leads(address account, bytes memory call, uint8 to, bytes memory refusal) private {
        uint256 state = vm.snapshotState();
        if (to == 0) {
            _isRefused(admin, address(membership), call, refusal);
        } else {
            _acts(admin, address(membership), call);
            vm.assertEq(membership.participant(account).state, to);
        }
        vm.revertToState(state);
    }

    function test_EachCallTwiceInOneBlock() public {
        _admit(newcomer, Codes.ROLE_BUYER);
        _governed(abi.encodeWithSelector(IMembership.AlreadyAdmitted.selector, newcomer));
        membership.admit(newcomer, _admission(Codes.ROLE_BUYER));
        vm.startPrank(admin);
        membership.change(newcomer, _changing(Codes.ROLE_AUDITOR, START));
        membership.change(newcomer, _changing(Codes.ROLE_AUDITOR, START));
        vm.stopPrank();
        vm.assertEq(membership.participant(newcomer).roles, Codes.ROLE_AUDITOR);
        vm.startPrank(newcomer);
        membership.registerEncryptionKey(0x0020, DOCUMENT);
        membership.registerEncryptionKey(0x0020, DOCUMENT);
        vm.stopPrank();
    }

    function test_EveryFieldOfAnAdmissionAtItsMost() public {
        IMembership.Admission memory admission =
            IMembership.Admission(bytes32(type(uint256).max), type(uint16).max, Codes.ROLES_ALL, type(uint64).max, _licences(16, 1));
        admission.licences[15] = type(uint16).max;
        _admit(newcomer, admission);
        IMembership.Participant memory found = membership.participant(newcomer);
        vm.assertEq(
            abi.encode(found.identity, found.jurisdiction, found.roles, found.validUntil, found.licences),
            abi.encode(admission.identity, type(uint16).max, Codes.ROLES_ALL, type(uint64).max, admission.licences)
        );
        vm.assertTrue(membership.isOfClass(newcomer, type(uint16).max));
        vm.warp(type(uint64).max);
        membership.requireGoodStanding(newcomer);
        vm.prank(newcomer);
        membership.registerEncryptionKey(type(uint16).max, bytes32(type(uint256).max));
        vm.assertEq(membership.participant(newcomer).encryptionSuite, type(uint16).max);
    }

    function test_LicencesEndWhereTheyBegin() public {
        // 255 is a role's class, 0 none: neither is a licence, first or later.
        uint16[2][4] memory wrong = [[uint16(0), 256], [uint16(255), 256], [uint16(257), 257], [uint16(257), 0]];
        for (uint256 i = 0; i < 4; ++i) {
            _governed(abi.encodeWithSelector(IMembership.UnorderedLicences.selector, i < 2 ? 0 : 1));
            membership.admit(newcomer, _licensed(wrong[i][0], wrong[i][1]));
        }
        _admit(newcomer, _licensed(256, type(uint16).max));
        _governed(abi.encodeWithSelector(IMembership.TooManyLicences.selector, 10_000, 16));
        membership.change(newcomer, _manyLicences());
    }

    function _manyLicences() private pure returns (IMembership.Admission memory admission) {
        admission = _changing(Codes.ROLE_BUYER, START);
        admission.licences = new uint16[](10_000);
    }

    // Governance.

    function test_OnlyGovernanceGoverns() public {
        bytes[6] memory calls = [
            abi.encodeCall(IMembership.admit, (newcomer, _admission(Codes.ROLE_BUYER))),
            abi.encodeCall(IMembership.change, (buyer, _changing(Codes.ROLE_BUYER, START))),
            abi.encodeCall(IMembership.suspend, (buyer, 1)),
            abi.encodeCall(IMembership.reinstate, (buyer)),
            abi.encodeCall(IMembership.expel, (buyer, 1)),
            abi.encodeCall(IMembership.close, (DOCUMENT))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(operator);
            (bool success, bytes memory result) = address(membership).call(calls[i]);
            vm.assertFalse(success);
            vm.assertEq(result, abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, operator));
        }
    }

    // Words.

    function _governed(bytes memory refusal) private {
        vm.prank(admin);
        vm.expectRevert(refusal);
    }

    function _former(uint256 chain, uint256 contracts, uint256 heads) private pure returns (IMembership.Predecessor memory) {
        return IMembership.Predecessor(chain, new address[](contracts), new bytes32[](heads));
    }

    function _changing(uint32 roles, uint64 validUntil) private pure returns (IMembership.Admission memory) {
        return IMembership.Admission(0, Codes.JURISDICTION_CN, roles, validUntil, new uint16[](0));
    }

    function _licensed(uint16 first, uint16 second) private pure returns (IMembership.Admission memory admission) {
        admission = _admission(Codes.ROLE_BUYER);
        admission.licences = new uint16[](2);
        (admission.licences[0], admission.licences[1]) = (first, second);
    }

    function _licences(uint256 length, uint256 step) private pure returns (uint16[] memory codes) {
        codes = new uint16[](length);
        for (uint256 i = 0; i < length; ++i) {
            codes[i] = uint16(Codes.CLASS_FIRST_LICENCE + i * step);
        }
    }

    function _encode(IMembership.Participant memory value) private pure returns (bytes memory) {
        return abi.encode(value);
    }

    function _encode(uint16[] memory value) private pure returns (bytes memory) {
        return abi.encode(value);
    }
}
