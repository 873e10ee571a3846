// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Base} from "./Base.t.sol";

contract AttestationsTest is Base {
    bytes32 private constant TARGET = keccak256("a version");
    uint8 private constant OPINION = Codes.ATTEST_LEGAL_OPINION;
    uint8 private constant POSITIVE = Codes.OUTCOME_POSITIVE;
    uint8 private constant NEGATIVE = Codes.OUTCOME_NEGATIVE;

    // Stating.

    function test_AReviewerAttests() public {
        vm.warp(START + 9);
        vm.expectEmit(true, true, true, true, address(attestations));
        emit IAttestations.Attested(TARGET, OPINION, reviewer, POSITIVE, DOCUMENT, START + YEAR);
        _attest(reviewer, TARGET, OPINION);
        _assertStatement(1, POSITIVE, START + 9, START + YEAR);
        attestations.requireLive(TARGET, OPINION, reviewer);
    }

    function test_EachKindHasItsRoles() public {
        uint32 reviewing = Codes.ROLE_REVIEWER;
        uint32 regulating = Codes.ROLE_REGULATOR;
        uint32[9] memory roles =
            [0, reviewing, reviewing, reviewing, reviewing | regulating, Codes.ROLE_APPRAISER, reviewing, regulating, Codes.ROLE_AUDITOR];
        address one = _account("one role");
        _admit(one, 0);
        for (uint8 kind = 1; kind <= Codes.ATTEST_CONSENT_AUDIT; ++kind) {
            for (uint256 bit = 0; bit < 11; ++bit) {
                _assertAccredited(one, kind, uint32(1 << bit), roles[kind]);
            }
        }
    }

    function test_UnknownKindsAreRefused() public {
        for (uint256 i = 0; i < 2; ++i) {
            uint8 kind = i == 0 ? 0 : Codes.ATTEST_CONSENT_AUDIT + 1;
            vm.prank(reviewer);
            vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownAttestationKind.selector, kind));
            attestations.attest(TARGET, kind, POSITIVE, DOCUMENT, START);
        }
    }

    function test_AStatementHasATargetAnOutcomeADocumentAndATerm() public {
        vm.startPrank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.ZeroTarget.selector));
        attestations.attest(0, OPINION, POSITIVE, DOCUMENT, START);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownOutcome.selector, 0));
        attestations.attest(TARGET, OPINION, 0, DOCUMENT, START);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownOutcome.selector, 3));
        attestations.attest(TARGET, OPINION, 3, DOCUMENT, START);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.ZeroDocument.selector));
        attestations.attest(TARGET, OPINION, POSITIVE, 0, START);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.ValidityInThePast.selector, START - 1, START));
        attestations.attest(TARGET, OPINION, POSITIVE, DOCUMENT, START - 1);
        attestations.attest(TARGET, OPINION, POSITIVE, DOCUMENT, START);
        vm.stopPrank();
    }

    function test_NobodyAttestsThemselves() public {
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttesterIsTarget.selector, reviewer));
        attestations.attest(_memberKey(reviewer), OPINION, POSITIVE, DOCUMENT, START);
        _attest(reviewer, _memberKey(provider), OPINION);
    }

    function test_OneStatementStandsAtATime() public {
        _attest(reviewer, TARGET, OPINION);
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationStands.selector, TARGET, OPINION, reviewer));
        attestations.attest(TARGET, OPINION, NEGATIVE, DOCUMENT, START);
    }

    function test_StatementsOfOthersStandApart() public {
        address colleague = _account("colleague");
        _admit(colleague, Codes.ROLE_REVIEWER);
        _attest(reviewer, TARGET, OPINION);
        _attest(colleague, TARGET, OPINION);
        _attest(reviewer, TARGET, Codes.ATTEST_SOURCE_LEGALITY);
        _attest(reviewer, DOCUMENT, OPINION);
        vm.prank(reviewer);
        attestations.withdraw(TARGET, OPINION, DOCUMENT);
        attestations.requireLive(TARGET, OPINION, colleague);
        attestations.requireLive(TARGET, Codes.ATTEST_SOURCE_LEGALITY, reviewer);
        attestations.requireLive(DOCUMENT, OPINION, reviewer);
    }

    // Correcting.

    function test_ACorrectionReplacesTheStatement() public {
        _attest(reviewer, TARGET, OPINION);
        vm.warp(START + 5);
        vm.expectEmit(true, true, true, true, address(attestations));
        emit IAttestations.AttestationCorrected(TARGET, OPINION, reviewer, NEGATIVE, OTHER_DOCUMENT, START + 10);
        vm.prank(reviewer);
        attestations.correct(TARGET, OPINION, NEGATIVE, OTHER_DOCUMENT, START + 10);
        _assertStatement(1, NEGATIVE, START + 5, START + 10);
    }

    function test_OnlyAStandingStatementIsCorrected() public {
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationMissing.selector, TARGET, OPINION, reviewer));
        attestations.correct(TARGET, OPINION, POSITIVE, DOCUMENT, START);
        _attestAndWithdraw();
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationEnded.selector, TARGET, OPINION, reviewer));
        attestations.correct(TARGET, OPINION, POSITIVE, DOCUMENT, START);
    }

    function test_ACorrectionIsCheckedAsAStatementIs() public {
        _attest(reviewer, TARGET, OPINION);
        vm.startPrank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownOutcome.selector, 0));
        attestations.correct(TARGET, OPINION, 0, DOCUMENT, START);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.ZeroDocument.selector));
        attestations.correct(TARGET, OPINION, POSITIVE, 0, START);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.ValidityInThePast.selector, START - 1, START));
        attestations.correct(TARGET, OPINION, POSITIVE, DOCUMENT, START - 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownAttestationKind.selector, 9));
        attestations.correct(TARGET, 9, POSITIVE, DOCUMENT, START);
        vm.stopPrank();
    }

    function test_ACorrectionNeedsTheRoleStill() public {
        _attest(reviewer, TARGET, OPINION);
        vm.prank(admin);
        membership.change(reviewer, IMembership.Admission(0, 156, Codes.ROLE_APPRAISER, START + YEAR, new uint16[](0)));
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IMembership.RoleMissing.selector, reviewer, Codes.ROLE_REVIEWER, Codes.ROLE_APPRAISER));
        attestations.correct(TARGET, OPINION, NEGATIVE, DOCUMENT, START);
    }

    // Withdrawing.

    function test_AWithdrawnStatementNoLongerCounts() public {
        _attest(reviewer, TARGET, OPINION);
        vm.expectEmit(true, true, true, true, address(attestations));
        emit IAttestations.AttestationWithdrawn(TARGET, OPINION, reviewer, OTHER_DOCUMENT);
        vm.prank(reviewer);
        attestations.withdraw(TARGET, OPINION, OTHER_DOCUMENT);
        vm.assertEq(attestations.statement(TARGET, OPINION, reviewer).state, 2);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationEnded.selector, TARGET, OPINION, reviewer));
        attestations.requireLive(TARGET, OPINION, reviewer);
    }

    function test_AfterAWithdrawalANewStatementMayBeMade() public {
        _attestAndWithdraw();
        _attest(reviewer, TARGET, OPINION);
        attestations.requireLive(TARGET, OPINION, reviewer);
    }

    function test_OnlyAStandingStatementIsWithdrawn() public {
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationMissing.selector, TARGET, OPINION, reviewer));
        attestations.withdraw(TARGET, OPINION, DOCUMENT);
        _attestAndWithdraw();
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationEnded.selector, TARGET, OPINION, reviewer));
        attestations.withdraw(TARGET, OPINION, DOCUMENT);
    }

    function test_AWithdrawalHasADocument() public {
        _attest(reviewer, TARGET, OPINION);
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.ZeroDocument.selector));
        attestations.withdraw(TARGET, OPINION, 0);
    }

    function test_AWithdrawalNeedsGoodStanding() public {
        _attest(reviewer, TARGET, OPINION);
        _suspend(reviewer);
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ParticipantIs.selector, reviewer, Codes.MEMBER_SUSPENDED));
        attestations.withdraw(TARGET, OPINION, DOCUMENT);
    }

    // What others ask.

    function test_AMissingStatementIsNamed() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationMissing.selector, TARGET, OPINION, reviewer));
        attestations.requireLive(TARGET, OPINION, reviewer);
    }

    function test_ANegativeStatementIsNamed() public {
        vm.prank(reviewer);
        attestations.attest(TARGET, OPINION, NEGATIVE, DOCUMENT, START + YEAR);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationNegative.selector, TARGET, OPINION, reviewer));
        attestations.requireLive(TARGET, OPINION, reviewer);
    }

    function test_AStatementExpiresAfterItsLastSecond() public {
        _attest(reviewer, TARGET, OPINION);
        vm.warp(START + YEAR);
        attestations.requireLive(TARGET, OPINION, reviewer);
        vm.warp(START + YEAR + 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationExpired.selector, TARGET, OPINION, reviewer, START + YEAR));
        attestations.requireLive(TARGET, OPINION, reviewer);
    }

    function test_APolicyAsksOneAttesterPerKindLowestFirst() public {
        _attest(reviewer, TARGET, OPINION);
        _attest(appraiser, TARGET, Codes.ATTEST_VALUATION);
        _attest(auditor, TARGET, Codes.ATTEST_CONSENT_AUDIT);
        uint16 kinds = _bit(OPINION) | _bit(Codes.ATTEST_VALUATION) | _bit(Codes.ATTEST_CONSENT_AUDIT);
        attestations.requireAllLive(TARGET, kinds, _three(reviewer, appraiser, auditor));
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationMissing.selector, TARGET, Codes.ATTEST_VALUATION, auditor));
        attestations.requireAllLive(TARGET, kinds, _three(reviewer, auditor, appraiser));
    }

    function test_APolicyWithoutKindsAsksNothing() public view {
        attestations.requireAllLive(TARGET, 0, new address[](0));
    }

    function test_APolicyNamesTheKindWithoutAnAttester() public {
        _attest(reviewer, TARGET, OPINION);
        _attest(appraiser, TARGET, Codes.ATTEST_VALUATION);
        _attest(auditor, TARGET, Codes.ATTEST_CONSENT_AUDIT);
        uint16 kinds = _bit(OPINION) | _bit(Codes.ATTEST_VALUATION) | _bit(Codes.ATTEST_CONSENT_AUDIT) | _bit(15);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationMissing.selector, TARGET, 15, address(0)));
        attestations.requireAllLive(TARGET, kinds, _three(reviewer, appraiser, auditor));
    }

    function test_APolicyRefusesAttestersItDidNotAskFor() public {
        _attest(reviewer, TARGET, OPINION);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.TooManyAttesters.selector, 3, 1));
        attestations.requireAllLive(TARGET, _bit(OPINION), _three(reviewer, appraiser, auditor));
    }

    // Every state from every state, everything twice, every edge.

    function test_EveryStateFromEveryState() public {
        for (uint8 from = 0; from <= 2; ++from) {
            bytes4 error = from == 0 ? IAttestations.AttestationMissing.selector : IAttestations.AttestationEnded.selector;
            bytes memory gone = abi.encodeWithSelector(error, TARGET, OPINION, reviewer);
            bytes memory stands = abi.encodeWithSelector(IAttestations.AttestationStands.selector, TARGET, OPINION, reviewer);
            _leads(from, abi.encodeCall(IAttestations.attest, (TARGET, OPINION, POSITIVE, DOCUMENT, START)), from == 1 ? 0 : 1, stands);
            _leads(from, abi.encodeCall(IAttestations.correct, (TARGET, OPINION, NEGATIVE, DOCUMENT, START)), from == 1 ? 1 : 0, gone);
            _leads(from, abi.encodeCall(IAttestations.withdraw, (TARGET, OPINION, DOCUMENT)), from == 1 ? 2 : 0, gone);
        }
    }

    /// The call leads to the state `to`, or (zero) is refused, direct and relayed.
    function _leads(uint8 from, bytes memory call, uint8 to, bytes memory refusal) private {
        for (uint256 i = 0; i < 2; ++i) {
            uint256 state = vm.snapshotState();
            relaying = i == 1;
            if (from != 0) _attest(reviewer, TARGET, OPINION);
            if (from == 2) _acts(reviewer, address(attestations), abi.encodeCall(IAttestations.withdraw, (TARGET, OPINION, DOCUMENT)));
            if (to == 0) _isRefused(reviewer, address(attestations), call, refusal);
            else _acts(reviewer, address(attestations), call);
            vm.assertEq(attestations.statement(TARGET, OPINION, reviewer).state, to == 0 ? from : to);
            vm.revertToState(state);
        }
    }

    function test_EachCallTwiceInOneBlock() public {
        bytes memory stating = abi.encodeCall(IAttestations.attest, (TARGET, OPINION, POSITIVE, DOCUMENT, START));
        bytes memory correcting = abi.encodeCall(IAttestations.correct, (TARGET, OPINION, NEGATIVE, DOCUMENT, START));
        bytes memory withdrawing = abi.encodeCall(IAttestations.withdraw, (TARGET, OPINION, DOCUMENT));
        address to = address(attestations);
        _acts(reviewer, to, stating);
        _isRefused(reviewer, to, stating, abi.encodeWithSelector(IAttestations.AttestationStands.selector, TARGET, OPINION, reviewer));
        _acts(reviewer, to, correcting);
        _acts(reviewer, to, correcting);
        _acts(reviewer, to, withdrawing);
        _isRefused(reviewer, to, withdrawing, abi.encodeWithSelector(IAttestations.AttestationEnded.selector, TARGET, OPINION, reviewer));
        _acts(reviewer, to, stating);
        attestations.requireLive(TARGET, OPINION, reviewer);
    }

    function test_EveryFieldOfAStatementAtItsMost() public {
        bytes32 most = bytes32(type(uint256).max);
        vm.prank(reviewer);
        attestations.attest(most, OPINION, POSITIVE, most, type(uint64).max);
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownAttestationKind.selector, type(uint8).max));
        attestations.attest(most, type(uint8).max, POSITIVE, most, type(uint64).max);
        vm.prank(reviewer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownOutcome.selector, type(uint8).max));
        attestations.correct(most, OPINION, type(uint8).max, most, type(uint64).max);
        vm.warp(type(uint64).max);
        attestations.requireLive(most, OPINION, reviewer);
    }

    function test_APolicyIsAskedAsLongAsItsListOfAttesters() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationMissing.selector, TARGET, 0, address(0)));
        attestations.requireAllLive(TARGET, type(uint16).max, new address[](0));
        vm.expectRevert(abi.encodeWithSelector(IAttestations.TooManyAttesters.selector, 10_000, 0));
        attestations.requireAllLive(TARGET, 0, new address[](10_000));
        // One attester for two kinds is named twice.
        _attest(reviewer, TARGET, OPINION);
        _attest(reviewer, TARGET, Codes.ATTEST_SOURCE_LEGALITY);
        address[] memory twice = new address[](2);
        (twice[0], twice[1]) = (reviewer, reviewer);
        attestations.requireAllLive(TARGET, _bit(OPINION) | _bit(Codes.ATTEST_SOURCE_LEGALITY), twice);
    }

    function test_AStatementOfAnExpelledAttesterStands() public {
        _attest(reviewer, TARGET, OPINION);
        vm.prank(admin);
        membership.expel(reviewer, 1);
        attestations.requireLive(TARGET, OPINION, reviewer);
    }

    // Words.

    function _assertAccredited(address one, uint8 kind, uint32 role, uint32 needed) private {
        bytes32 target = keccak256(abi.encode(kind, role));
        vm.prank(admin);
        membership.change(one, IMembership.Admission(0, 156, role, START + YEAR, new uint16[](0)));
        vm.prank(one);
        if (role & needed == 0) vm.expectRevert(abi.encodeWithSelector(IMembership.RoleMissing.selector, one, needed, role));
        attestations.attest(target, kind, POSITIVE, DOCUMENT, START);
        vm.assertEq(attestations.statement(target, kind, one).state, role & needed == 0 ? 0 : 1);
    }

    function _assertStatement(uint8 state, uint8 outcome, uint64 attestedAt, uint64 validUntil) private view {
        IAttestations.Statement memory found = attestations.statement(TARGET, OPINION, reviewer);
        vm.assertEq(found.state, state);
        vm.assertEq(found.outcome, outcome);
        vm.assertEq(found.attestedAt, attestedAt);
        vm.assertEq(found.validUntil, validUntil);
    }

    function _attestAndWithdraw() private {
        _attest(reviewer, TARGET, OPINION);
        vm.prank(reviewer);
        attestations.withdraw(TARGET, OPINION, DOCUMENT);
    }

    function _bit(uint8 kind) private pure returns (uint16) {
        return uint16(1) << kind;
    }

    function _three(address first, address second, address third) private pure returns (address[] memory accounts) {
        accounts = new address[](3);
        (accounts[0], accounts[1], accounts[2]) = (first, second, third);
    }
}
