// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ICases} from "../src/interfaces/ICases.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Base} from "./Base.t.sol";

contract CasesTest is Base {
    bytes32 private constant TARGET = keccak256("a target");
    bytes32 private constant OTHER = keccak256("another target");
    uint32 private constant JUDGES = Codes.ROLE_ARBITER | Codes.ROLE_REGULATOR;

    // Cases.

    function test_AnyMemberOpensACase() public {
        bytes32 expected = keccak256(abi.encode(TARGET, Codes.CASE_LEAK, buyer, DOCUMENT));
        vm.expectEmit(true, true, true, true, address(cases));
        emit ICases.CaseOpened(expected, TARGET, buyer, Codes.CASE_LEAK, DOCUMENT);
        vm.prank(buyer);
        vm.assertEq(cases.open(TARGET, Codes.CASE_LEAK, DOCUMENT), expected);
    }

    function test_EveryKindOfCaseOpens() public {
        for (uint8 kind = Codes.CASE_OBJECTION; kind <= Codes.CASE_BREACH; ++kind) {
            _open(buyer, kind);
        }
    }

    function test_UnknownKindsOfCaseAreRefused() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ICases.UnknownCaseKind.selector, 0));
        cases.open(TARGET, 0, DOCUMENT);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ICases.UnknownCaseKind.selector, Codes.CASE_BREACH + 1));
        cases.open(TARGET, Codes.CASE_BREACH + 1, DOCUMENT);
    }

    function testFuzz_OnlyTheFourKindsOpenAndOnlyTheTwoOutcomesDecide(uint8 kind, uint8 outcome, bytes32 target, bytes32 document) public {
        vm.assume(target != 0 && document != 0);
        kind %= 8;
        outcome %= 5;
        vm.prank(buyer);
        (bool opened,) = address(cases).call(abi.encodeCall(ICases.open, (target, kind, document)));
        vm.assertEq(opened, kind >= Codes.CASE_OBJECTION && kind <= Codes.CASE_BREACH);
        bytes32 caseId = keccak256(abi.encode(target, kind, buyer, document));
        bytes memory decision = abi.encodeCall(ICases.decide, (caseId, outcome, document));
        vm.prank(arbiter);
        (bool decided,) = address(cases).call(decision);
        vm.assertEq(decided, opened && (outcome == Codes.OUTCOME_POSITIVE || outcome == Codes.OUTCOME_NEGATIVE));
        vm.prank(regulator);
        (bool again,) = address(cases).call(decision);
        vm.assertFalse(decided && again);
    }

    function test_ACaseHasATargetAndADocument() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ICases.ZeroTarget.selector));
        cases.open(0, Codes.CASE_LEAK, DOCUMENT);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ICases.ZeroDocument.selector));
        cases.open(TARGET, Codes.CASE_LEAK, 0);
    }

    function test_TheSameCaseIsOpenedOnce() public {
        bytes32 caseId = _open(buyer, Codes.CASE_LEAK);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ICases.CaseExists.selector, caseId));
        cases.open(TARGET, Codes.CASE_LEAK, DOCUMENT);
        vm.assertNotEq(_open(provider, Codes.CASE_LEAK), caseId);
    }

    function test_StrangersOpenNoCase() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        cases.open(TARGET, Codes.CASE_LEAK, DOCUMENT);
    }

    // Decisions.

    function test_AnArbiterDecides() public {
        bytes32 caseId = _open(buyer, Codes.CASE_DISPUTE);
        vm.expectEmit(true, true, true, true, address(cases));
        emit ICases.CaseDecided(caseId, TARGET, arbiter, Codes.OUTCOME_NEGATIVE, OTHER_DOCUMENT);
        vm.prank(arbiter);
        cases.decide(caseId, Codes.OUTCOME_NEGATIVE, OTHER_DOCUMENT);
    }

    function test_ARegulatorDecides() public {
        bytes32 caseId = _open(buyer, Codes.CASE_DISPUTE);
        vm.prank(regulator);
        cases.decide(caseId, Codes.OUTCOME_POSITIVE, OTHER_DOCUMENT);
    }

    function test_OthersDoNotDecide() public {
        bytes32 caseId = _open(buyer, Codes.CASE_DISPUTE);
        vm.prank(auditor);
        vm.expectRevert(abi.encodeWithSelector(IMembership.RoleMissing.selector, auditor, JUDGES, Codes.ROLE_AUDITOR));
        cases.decide(caseId, Codes.OUTCOME_POSITIVE, DOCUMENT);
    }

    function test_NobodyDecidesTheirOwnCase() public {
        bytes32 caseId = _open(arbiter, Codes.CASE_DISPUTE);
        vm.prank(arbiter);
        vm.expectRevert(abi.encodeWithSelector(ICases.DeciderIsOpener.selector, caseId, arbiter));
        cases.decide(caseId, Codes.OUTCOME_POSITIVE, DOCUMENT);
    }

    function test_ADecisionIsFinal() public {
        bytes32 caseId = _open(buyer, Codes.CASE_DISPUTE);
        vm.prank(arbiter);
        cases.decide(caseId, Codes.OUTCOME_POSITIVE, DOCUMENT);
        vm.prank(regulator);
        vm.expectRevert(abi.encodeWithSelector(ICases.CaseClosed.selector, caseId));
        cases.decide(caseId, Codes.OUTCOME_NEGATIVE, DOCUMENT);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ICases.CaseExists.selector, caseId));
        cases.open(TARGET, Codes.CASE_DISPUTE, DOCUMENT);
    }

    function test_UnknownCasesAreNotDecided() public {
        vm.prank(arbiter);
        vm.expectRevert(abi.encodeWithSelector(ICases.UnknownCase.selector, TARGET));
        cases.decide(TARGET, Codes.OUTCOME_POSITIVE, DOCUMENT);
    }

    function test_UnknownOutcomesAreRefused() public {
        bytes32 caseId = _open(buyer, Codes.CASE_DISPUTE);
        for (uint8 i = 0; i < 2; ++i) {
            uint8 outcome = i == 0 ? 0 : Codes.OUTCOME_NEGATIVE + 1;
            vm.prank(arbiter);
            vm.expectRevert(abi.encodeWithSelector(ICases.UnknownOutcome.selector, outcome));
            cases.decide(caseId, outcome, DOCUMENT);
        }
    }

    function test_ADecisionHasADocument() public {
        bytes32 caseId = _open(buyer, Codes.CASE_DISPUTE);
        vm.prank(arbiter);
        vm.expectRevert(abi.encodeWithSelector(ICases.ZeroDocument.selector));
        cases.decide(caseId, Codes.OUTCOME_POSITIVE, 0);
    }

    // Holds.

    function test_AHoldStopsItsTargetAndNoOther() public {
        vm.expectEmit(true, true, true, true, address(cases));
        emit ICases.TargetHeld(TARGET, arbiter, DOCUMENT);
        vm.prank(arbiter);
        cases.hold(TARGET, DOCUMENT);
        vm.assertTrue(cases.isHeld(TARGET));
        vm.assertFalse(cases.isHeld(OTHER));
    }

    function test_AReleaseFreesTheTarget() public {
        _hold(TARGET);
        vm.expectEmit(true, true, true, true, address(cases));
        emit ICases.TargetReleased(TARGET, arbiter, OTHER_DOCUMENT);
        vm.prank(arbiter);
        cases.release(TARGET, OTHER_DOCUMENT);
        vm.assertFalse(cases.isHeld(TARGET));
        _hold(TARGET);
        vm.assertTrue(cases.isHeld(TARGET));
    }

    function test_ATargetIsFreeWhenTheLastHolderReleases() public {
        _hold(TARGET);
        vm.prank(regulator);
        cases.hold(TARGET, DOCUMENT);
        vm.prank(arbiter);
        cases.release(TARGET, DOCUMENT);
        vm.assertTrue(cases.isHeld(TARGET));
        vm.prank(regulator);
        cases.release(TARGET, DOCUMENT);
        vm.assertFalse(cases.isHeld(TARGET));
    }

    function test_NobodyHoldsTwice() public {
        _hold(TARGET);
        vm.prank(arbiter);
        vm.expectRevert(abi.encodeWithSelector(ICases.AlreadyHeld.selector, TARGET, arbiter));
        cases.hold(TARGET, OTHER_DOCUMENT);
    }

    function test_AHoldIsReleasedOnce() public {
        _hold(TARGET);
        vm.startPrank(arbiter);
        cases.release(TARGET, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(ICases.NotHeldBy.selector, TARGET, arbiter));
        cases.release(TARGET, DOCUMENT);
        vm.stopPrank();
        vm.assertFalse(cases.isHeld(TARGET));
    }

    /// Whoever comes and goes: held while one of them holds.
    function testFuzz_ATargetIsHeldWhileAnybodyHoldsIt(uint256 acts) public {
        address[3] memory judges = [arbiter, regulator, _account("third judge")];
        _admit(judges[2], Codes.ROLE_ARBITER);
        bool[3] memory holding;
        for (; acts != 0; acts >>= 2) {
            uint256 who = acts % 4;
            if (who == 3) continue;
            vm.prank(judges[who]);
            if (holding[who]) cases.release(TARGET, DOCUMENT);
            else cases.hold(TARGET, DOCUMENT);
            holding[who] = !holding[who];
            vm.assertEq(cases.isHeld(TARGET), holding[0] || holding[1] || holding[2]);
        }
    }

    function test_NobodyReleasesAnothersHold() public {
        _hold(TARGET);
        vm.prank(regulator);
        vm.expectRevert(abi.encodeWithSelector(ICases.NotHeldBy.selector, TARGET, regulator));
        cases.release(TARGET, DOCUMENT);
    }

    function test_HoldsAndReleasesHaveATargetAndADocument() public {
        vm.startPrank(arbiter);
        vm.expectRevert(abi.encodeWithSelector(ICases.ZeroTarget.selector));
        cases.hold(0, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(ICases.ZeroDocument.selector));
        cases.hold(TARGET, 0);
        cases.hold(TARGET, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(ICases.ZeroTarget.selector));
        cases.release(0, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(ICases.ZeroDocument.selector));
        cases.release(TARGET, 0);
        vm.stopPrank();
    }

    function test_OnlyJudgesHoldAndRelease() public {
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IMembership.RoleMissing.selector, provider, JUDGES, Codes.ROLE_PROVIDER));
        cases.hold(TARGET, DOCUMENT);
        _hold(TARGET);
        _suspend(arbiter);
        vm.prank(arbiter);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ParticipantIs.selector, arbiter, Codes.MEMBER_SUSPENDED));
        cases.release(TARGET, DOCUMENT);
        vm.assertTrue(cases.isHeld(TARGET));
    }

    function test_ARegulatorEndsTheHoldOfOneWhoNoLongerCan() public {
        _hold(TARGET);
        vm.prank(admin);
        membership.expel(arbiter, 1);
        vm.expectEmit(true, true, true, true, address(cases));
        emit ICases.TargetReleased(TARGET, arbiter, OTHER_DOCUMENT);
        vm.prank(regulator);
        cases.releaseFor(TARGET, arbiter, OTHER_DOCUMENT);
        vm.assertFalse(cases.isHeld(TARGET));
    }

    function test_AHolderWithoutTheRoleIsReleasedToo() public {
        _hold(TARGET);
        vm.prank(admin);
        membership.change(arbiter, IMembership.Admission(0, 156, Codes.ROLE_AUDITOR, START + YEAR, new uint16[](0)));
        vm.prank(regulator);
        cases.releaseFor(TARGET, arbiter, DOCUMENT);
        vm.assertFalse(cases.isHeld(TARGET));
    }

    function test_TheHoldOfAJudgeInOfficeIsItsOwn() public {
        _hold(TARGET);
        vm.prank(regulator);
        vm.expectRevert(abi.encodeWithSelector(ICases.HolderStands.selector, TARGET, arbiter));
        cases.releaseFor(TARGET, arbiter, DOCUMENT);
        vm.assertTrue(cases.isHeld(TARGET));
    }

    function test_OnlyARegulatorReleasesForOthers() public {
        address colleague = _account("colleague");
        _admit(colleague, Codes.ROLE_ARBITER);
        _hold(TARGET);
        _suspend(arbiter);
        vm.prank(colleague);
        vm.expectRevert(abi.encodeWithSelector(IMembership.RoleMissing.selector, colleague, Codes.ROLE_REGULATOR, Codes.ROLE_ARBITER));
        cases.releaseFor(TARGET, arbiter, DOCUMENT);
        vm.prank(regulator);
        vm.expectRevert(abi.encodeWithSelector(ICases.NotHeldBy.selector, OTHER, arbiter));
        cases.releaseFor(OTHER, arbiter, DOCUMENT);
        vm.prank(regulator);
        vm.expectRevert(abi.encodeWithSelector(ICases.ZeroDocument.selector));
        cases.releaseFor(TARGET, arbiter, 0);
    }

    // What others ask.

    function test_TheFirstHeldTargetIsNamed() public {
        _hold(TARGET);
        _hold(OTHER);
        vm.expectRevert(abi.encodeWithSelector(ICases.Held.selector, OTHER));
        cases.requireFree(0, OTHER, TARGET, 0);
        vm.expectRevert(abi.encodeWithSelector(ICases.Held.selector, TARGET));
        cases.requireFree(bytes32(uint256(1)), TARGET, OTHER, 0);
    }

    function testFuzz_EveryPlaceIsAsked(uint8 place, bytes32 target) public {
        vm.assume(target != 0);
        bytes32[4] memory targets;
        targets[place % 4] = target;
        cases.requireFree(targets[0], targets[1], targets[2], targets[3]);
        _hold(target);
        vm.expectRevert(abi.encodeWithSelector(ICases.Held.selector, target));
        cases.requireFree(targets[0], targets[1], targets[2], targets[3]);
    }

    function testFuzz_EachOfSixPlacesIsAsked(uint8 place, bytes32 target) public {
        vm.assume(target != 0);
        bytes32[6] memory targets;
        targets[place % 6] = target;
        cases.requireAllFree(targets);
        _hold(target);
        vm.expectRevert(abi.encodeWithSelector(ICases.Held.selector, target));
        cases.requireAllFree(targets);
    }

    function test_TheFirstHeldOneOfSixIsNamed() public {
        _hold(TARGET);
        _hold(OTHER);
        vm.expectRevert(abi.encodeWithSelector(ICases.Held.selector, OTHER));
        cases.requireAllFree([bytes32(0), bytes32(uint256(1)), OTHER, 0, TARGET, 0]);
        vm.expectRevert(abi.encodeWithSelector(ICases.Held.selector, TARGET));
        cases.requireAllFree([bytes32(0), 0, 0, bytes32(uint256(1)), TARGET, OTHER]);
    }

    function test_NoTargetIsNeverHeld() public {
        _hold(TARGET);
        cases.requireFree(0, 0, 0, 0);
        bytes32[6] memory none;
        cases.requireAllFree(none);
        vm.assertFalse(cases.isHeld(0));
    }

    function _open(address opener, uint8 kind) private returns (bytes32) {
        vm.prank(opener);
        return cases.open(TARGET, kind, DOCUMENT);
    }
}
