// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../src/interfaces/IConsents.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";
import {Wallet} from "./Wallets.sol";

/// @title How a leaf ends: withdrawn, by receipt, carried, released, challenged, struck
contract WithdrawalsTest is Exchange {
    uint8 private constant UNMARKED = 0;
    uint8 private constant PENDING = 1;
    uint8 private constant APPLIED = 2;
    uint8 private constant DISMISSED = 3;

    // By proof.

    function test_withdraw_endsOneLeafAndLowersLive() public {
        Crowd memory crowd = _bound(5);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.LeafEnded(assetId, crowd.batchId, crowd.ids[3], 3, crowd.people[3], Codes.ENDED_WITHDRAWN, crowd.people[3], 4);
        _withdraw(crowd, 3);
        vm.assertTrue(consents.hasEnded(crowd.batchId, 3));
        vm.assertFalse(consents.hasEnded(crowd.batchId, 2));
        vm.assertEq(consents.batchState(crowd.batchId).withdrawn, 1);
        vm.assertEq(consents.basisState(assetId).live, 4);
    }

    function test_withdraw_worksWhateverAnyRoleDoes() public {
        Crowd memory crowd = _bound(7);
        _hold(bytes32(assetId));
        _withdraw(crowd, 0);
        _hold(crowd.batchId);
        _withdraw(crowd, 1);
        _suspend(provider);
        _withdraw(crowd, 2);
        vm.prank(admin);
        membership.expel(provider, 1);
        _withdraw(crowd, 3);
        vm.prank(auditor);
        attestations.withdraw(crowd.batchId, Codes.ATTEST_CONSENT_AUDIT, DOCUMENT);
        _withdraw(crowd, 4);
        vm.warp(UNTIL + 1);
        _withdraw(crowd, 5);
        vm.prank(provider);
        dataAssets.cancel(assetId, DOCUMENT);
        _withdraw(crowd, 6);
        vm.assertEq(consents.basisState(assetId).live, 0);
    }

    function test_withdraw_worksBeforeTheAssetIsRegistered() public {
        Crowd memory crowd = _crowd(0, 2);
        _grant(crowd);
        _withdraw(crowd, 0);
        vm.assertEq(consents.batchState(crowd.batchId).withdrawn, 1);
        vm.assertEq(consents.basisState(assetId).live, 0);
    }

    function test_withdraw_ofAnUnboundBatchLeavesTheBindingAlone() public {
        _bound(2);
        Crowd memory other = _crowd(10, 2);
        _grant(other);
        _withdraw(other, 0);
        vm.assertEq(consents.basisState(assetId).live, 2);
    }

    function test_withdraw_refusesASecondTime() public {
        Crowd memory crowd = _bound(2);
        _withdraw(crowd, 0);
        _withdrawFails(crowd, 0, abi.encodeWithSelector(IConsents.AlreadyWithdrawn.selector, crowd.batchId, 0));
        vm.assertEq(consents.basisState(assetId).live, 1);
    }

    function test_withdraw_refusesAnothers() public {
        Crowd memory crowd = _bound(2);
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotSubject.selector, crowd.people[1], crowd.people[0]));
        vm.prank(crowd.people[1]);
        consents.withdraw(crowd.batch, _leaf(crowd, 0), _proof(crowd, 0));
    }

    function test_withdraw_refusesUnknownBatches() public {
        Crowd memory crowd = _crowd(0, 2);
        _withdrawFails(crowd, 0, abi.encodeWithSelector(IConsents.UnknownBatch.selector, crowd.batchId));
        _grant(crowd);
        crowd.batch.count = 3;
        bytes32 other = consents.batchIdOf(crowd.batch);
        _withdrawFails(crowd, 0, abi.encodeWithSelector(IConsents.UnknownBatch.selector, other));
    }

    function test_withdraw_refusesAWrongPosition() public {
        Crowd memory crowd = _bound(4);
        IConsents.Leaf memory leaf = _leaf(crowd, 1);
        leaf.index = 2;
        _proofFails(crowd, leaf, _proof(crowd, 1));
        _proofFails(crowd, leaf, _proof(crowd, 2));
    }

    function test_withdraw_refusesPlacesOutsideTheBatch() public {
        Crowd memory crowd = _bound(3);
        IConsents.Leaf memory leaf = _leaf(crowd, 2);
        leaf.index = 3;
        vm.expectRevert(abi.encodeWithSelector(IConsents.IndexOutOfRange.selector, 3, 3));
        vm.prank(leaf.subject);
        consents.withdraw(crowd.batch, leaf, _proof(crowd, 2));
    }

    function test_withdraw_refusesShortenedAndLengthenedProofs() public {
        Crowd memory crowd = _bound(4);
        bytes32[] memory proof = _proof(crowd, 1);
        bytes32[] memory shortened = new bytes32[](1);
        shortened[0] = proof[0];
        _proofFails(crowd, _leaf(crowd, 1), shortened);
        bytes32[] memory lengthened = new bytes32[](3);
        (lengthened[0], lengthened[1]) = (proof[0], proof[1]);
        _proofFails(crowd, _leaf(crowd, 1), lengthened);
        _proofFails(crowd, _leaf(crowd, 1), new bytes32[](0));
    }

    function test_withdraw_refusesAnInnerNodeAsALeaf() public {
        Crowd memory crowd = _bound(4);
        // A "leaf" whose consentId and subject are the two halves of a node cannot hash to it: leaves are hashed twice, tagged.
        IConsents.Leaf memory leaf = IConsents.Leaf(0, crowd.leaves[0], address(uint160(uint256(crowd.leaves[1]))));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = _proof(crowd, 0)[1];
        _proofFails(crowd, leaf, proof);
        _proofFails(crowd, leaf, _proof(crowd, 0));
    }

    function test_withdraw_canBeRelayedThroughTheForwarder() public {
        Crowd memory crowd = _bound(3);
        bytes memory call = abi.encodeCall(IConsents.withdraw, (crowd.batch, _leaf(crowd, 1), _proof(crowd, 1)));
        _relay(_personName(1), address(consents), call);
        vm.assertTrue(consents.hasEnded(crowd.batchId, 1));
        (bool success, bytes memory result) = _relayBare(crowd.people[2], address(consents), call);
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(IConsents.NotSubject.selector, crowd.people[2], crowd.people[1]));
    }

    function test_withdraw_worksInEveryWordOfABigBatch() public {
        Crowd memory crowd = _crowd(0, 300);
        _grant(crowd);
        _withdraw(crowd, 0);
        _withdraw(crowd, 255);
        _withdraw(crowd, 256);
        _withdraw(crowd, 299);
        vm.assertEq(consents.batchState(crowd.batchId).withdrawn, 4);
        vm.assertFalse(consents.hasEnded(crowd.batchId, 257));
    }

    // By typed signature.

    function test_withdrawFor_isSentByAnyone() public {
        Crowd memory crowd = _bound(2);
        bytes memory signature = _sign(_personName(1), _withdrawalDigest(crowd.ids[1]));
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.LeafEnded(assetId, crowd.batchId, crowd.ids[1], 1, crowd.people[1], Codes.ENDED_WITHDRAWN, stranger, 1);
        vm.prank(stranger);
        consents.withdrawFor(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1), signature);
    }

    function test_withdrawFor_refusesAnothersOrAWrongSignature() public {
        Crowd memory crowd = _bound(2);
        bytes memory bad = abi.encodeWithSelector(IConsents.BadSignature.selector, crowd.people[1]);
        bytes memory byAnother = _sign(_personName(0), _withdrawalDigest(crowd.ids[1]));
        bytes memory ofAnother = _sign(_personName(1), _withdrawalDigest(crowd.ids[0]));
        bytes memory ofTheConsent = _sign(_personName(1), crowd.ids[1]);
        _withdrawForFails(crowd, byAnother, bad);
        _withdrawForFails(crowd, ofAnother, bad);
        _withdrawForFails(crowd, ofTheConsent, bad);
        _withdrawForFails(crowd, "", bad);
    }

    function test_withdrawFor_refusesASignatureForAnotherChain() public {
        Crowd memory crowd = _bound(2);
        bytes memory signature = _sign(_personName(1), _withdrawalDigest(crowd.ids[1]));
        vm.chainId(999);
        _withdrawForFails(crowd, signature, abi.encodeWithSelector(IConsents.BadSignature.selector, crowd.people[1]));
    }

    function test_withdrawFor_refusesAReplay() public {
        Crowd memory crowd = _bound(2);
        bytes memory signature = _sign(_personName(1), _withdrawalDigest(crowd.ids[1]));
        consents.withdrawFor(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1), signature);
        _withdrawForFails(crowd, signature, abi.encodeWithSelector(IConsents.AlreadyWithdrawn.selector, crowd.batchId, 1));
    }

    function test_withdrawFor_asksAContractWallet() public {
        address wallet = address(new Wallet(Wallet.Mood.Agree));
        IConsents.Consent memory consent = _consent(wallet);
        vm.prank(provider);
        consents.grant(consent, SALT, "");
        Crowd memory crowd = _single(consent);
        consents.withdrawFor(crowd.batch, _leaf(crowd, 0), _proof(crowd, 0), "");
        vm.assertTrue(consents.hasEnded(crowd.batchId, 0));
    }

    // By receipt.

    function test_withdrawByReceipt_marksAndStopsTheAsset() public {
        Crowd memory crowd = _bound(2);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.WithdrawalMarked(assetId, crowd.ids[1], crowd.people[1], provider, 1);
        _mark(crowd, 1);
        vm.assertEq(_markOf(crowd, 1), PENDING);
        vm.assertEq(consents.basisState(assetId).pending, 1);
        vm.assertEq(consents.basisState(assetId).live, 2);
    }

    function test_withdrawByReceipt_isSentByAnyoneWithTheTypedWithdrawal() public {
        Crowd memory crowd = _bound(2);
        bytes memory receipt = _sign("provider", _receiptDigest(crowd.ids[1], crowd.people[1]));
        bytes memory withdrawal = _sign(_personName(1), _withdrawalDigest(crowd.ids[1]));
        vm.prank(stranger);
        _withdrawByReceipt(crowd, 1, receipt, withdrawal);
        vm.assertEq(_markOf(crowd, 1), PENDING);
    }

    function test_withdrawByReceipt_worksWhenTheCollectorIsExpelled() public {
        Crowd memory crowd = _bound(2);
        vm.prank(admin);
        membership.expel(provider, 1);
        _hold(bytes32(assetId));
        _mark(crowd, 1);
        vm.assertEq(_markOf(crowd, 1), PENDING);
    }

    function test_withdrawByReceipt_refusesWhoIsNotTheSubject() public {
        Crowd memory crowd = _bound(2);
        bytes memory receipt = _sign("provider", _receiptDigest(crowd.ids[1], crowd.people[1]));
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotSubject.selector, crowd.people[0], crowd.people[1]));
        vm.prank(crowd.people[0]);
        _withdrawByReceipt(crowd, 1, receipt, "");
        bytes memory wrong = _sign(_personName(0), _withdrawalDigest(crowd.ids[1]));
        vm.expectRevert(abi.encodeWithSelector(IConsents.BadSignature.selector, crowd.people[1]));
        _withdrawByReceipt(crowd, 1, receipt, wrong);
    }

    function test_withdrawByReceipt_refusesABatchThatWasNeverGranted() public {
        Crowd memory crowd = _bound(2);
        IConsents.Terms memory terms = _terms();
        terms.controller = otherProvider;
        Crowd memory made = _crowd(0, 2, terms);
        bytes memory receipt = _sign("other provider", _receiptDigest(crowd.ids[1], crowd.people[1]));
        vm.expectRevert(abi.encodeWithSelector(IConsents.UnknownBatch.selector, made.batchId));
        vm.prank(crowd.people[1]);
        _withdrawByReceipt(made, 1, receipt, "");
    }

    function test_withdrawByReceipt_refusesOtherTermsThanTheBatchs() public {
        Crowd memory crowd = _bound(2);
        crowd.terms.controller = otherProvider;
        bytes memory receipt = _sign("other provider", _receiptDigest(crowd.ids[1], crowd.people[1]));
        IConsents.Batch memory other = crowd.batch;
        bytes32 given = keccak256(abi.encode(crowd.terms, MANIFEST));
        bytes32 otherId = consents.batchIdOf(IConsents.Batch(other.assetId, other.root, other.count, given));
        vm.expectRevert(abi.encodeWithSelector(IConsents.UnknownBatch.selector, otherId));
        vm.prank(crowd.people[1]);
        _withdrawByReceipt(crowd, 1, receipt, "");
    }

    function test_withdrawByReceipt_refusesAReceiptForAnotherAsset() public {
        Crowd memory crowd = _bound(2);
        assetId = dataAssets.assetIdOf(provider, "another");
        bytes memory receipt = _sign("provider", _receiptDigest(crowd.ids[1], crowd.people[1]));
        vm.expectRevert(abi.encodeWithSelector(IConsents.BadSignature.selector, provider));
        vm.prank(crowd.people[1]);
        _withdrawByReceipt(crowd, 1, receipt, "");
    }

    function test_withdrawByReceipt_takesADirectGrantAsEvidence() public {
        _bound(2);
        IConsents.Consent memory alone = _consent(_person(7));
        bytes memory signature = _sign(_personName(7), consents.consentIdOf(alone));
        vm.prank(provider);
        consents.grant(alone, SALT, signature);
        Crowd memory single = _single(alone);
        _mark(single, 0);
        vm.assertEq(_markOf(single, 0), PENDING);
    }

    function test_withdrawByReceipt_refusesAForgedReceipt() public {
        Crowd memory crowd = _bound(2);
        bytes memory receipt = _sign("other provider", _receiptDigest(crowd.ids[1], crowd.people[1]));
        vm.expectRevert(abi.encodeWithSelector(IConsents.BadSignature.selector, provider));
        vm.prank(crowd.people[1]);
        _withdrawByReceipt(crowd, 1, receipt, "");
    }

    function test_withdrawByReceipt_refusesASecondMark() public {
        Crowd memory crowd = _bound(2);
        _mark(crowd, 1);
        _markFails(crowd, 1, abi.encodeWithSelector(IConsents.AlreadyMarked.selector, crowd.ids[1]));
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        _markFails(crowd, 1, abi.encodeWithSelector(IConsents.AlreadyMarked.selector, crowd.ids[1]));
    }

    function test_withdrawByReceipt_isNotBlockedByAReceiptAboutAnotherSubject() public {
        Crowd memory crowd = _bound(2);
        bytes memory receipt = _sign("provider", _receiptDigest(crowd.ids[1], stranger));
        vm.prank(stranger);
        consents.withdrawByReceipt(crowd.ids[1], stranger, crowd.batch, crowd.terms, MANIFEST, receipt, "");
        _mark(crowd, 1);
        vm.assertEq(consents.basisState(assetId).pending, 2);
        // Nor does the other's mark end this person's leaf.
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        vm.assertEq(consents.markOf(crowd.ids[1], assetId, stranger), PENDING);
    }

    // Applying a mark.

    function test_applyMark_endsTheLeafAndClearsTheMark() public {
        Crowd memory crowd = _bound(2);
        _mark(crowd, 1);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.LeafEnded(assetId, crowd.batchId, crowd.ids[1], 1, crowd.people[1], Codes.ENDED_WITHDRAWN, stranger, 1);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.WithdrawalResolved(assetId, crowd.ids[1], stranger, crowd.people[1], true, 0);
        vm.prank(stranger);
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        vm.assertEq(_markOf(crowd, 1), APPLIED);
        vm.assertEq(consents.basisState(assetId).pending, 0);
        vm.assertEq(consents.basisState(assetId).live, 1);
    }

    function test_applyMark_clearsTheMarkOfALeafThatHasEnded() public {
        Crowd memory crowd = _bound(2);
        _withdraw(crowd, 1);
        _mark(crowd, 1);
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        vm.assertEq(_markOf(crowd, 1), APPLIED);
        vm.assertEq(consents.basisState(assetId).pending, 0);
        vm.assertEq(consents.basisState(assetId).live, 1);
    }

    function test_applyMark_ofAReleasedLeafClearsTheMark() public {
        Crowd memory crowd = _bound(2);
        _mark(crowd, 1);
        _release(crowd, 1);
        vm.assertEq(_markOf(crowd, 1), PENDING);
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        vm.assertEq(_markOf(crowd, 1), APPLIED);
    }

    function test_applyMark_refusesAnUnmarkedConsent() public {
        Crowd memory crowd = _bound(2);
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotMarked.selector, crowd.ids[1]));
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
    }

    function test_applyMark_refusesAnEndedLeafOfASettledMark() public {
        Crowd memory crowd = _bound(2);
        _mark(crowd, 1);
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        vm.expectRevert(abi.encodeWithSelector(IConsents.LeafEndedAlready.selector, crowd.batchId, 1));
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
    }

    function test_applyMark_withALeafOutsideTheBindingDoesNotClearTheMark() public {
        Crowd memory crowd = _bound(2);
        Crowd memory decoy = _crowd(1, 1);
        _grant(decoy);
        _mark(crowd, 1);
        consents.applyMark(decoy.batch, _leaf(decoy, 0), _proof(decoy, 0));
        vm.assertTrue(consents.hasEnded(decoy.batchId, 0));
        vm.assertEq(_markOf(crowd, 1), PENDING);
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotInBinding.selector, decoy.batchId, 1));
        consents.applyMark(decoy.batch, _leaf(decoy, 0), _proof(decoy, 0));
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        vm.assertEq(consents.basisState(assetId).live, 1);
        vm.assertEq(consents.basisState(assetId).pending, 0);
    }

    function test_applyMark_withoutABindingDoesNotClearTheMark() public {
        Crowd memory crowd = _crowd(0, 2);
        _grantAudited(crowd);
        _withdraw(crowd, 1);
        _mark(crowd, 1);
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotInBinding.selector, crowd.batchId, 0));
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        _register(2);
        _bind(1, crowd);
        vm.assertEq(consents.basisState(assetId).pending, 1);
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        vm.assertEq(consents.basisState(assetId).pending, 0);
        vm.assertEq(consents.basisState(assetId).live, 1);
    }

    function test_applyMark_afterADismissalStillEndsTheLeaf() public {
        Crowd memory crowd = _bound(2);
        _mark(crowd, 1);
        _dismiss(crowd, 1);
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        vm.assertTrue(consents.hasEnded(crowd.batchId, 1));
        vm.assertEq(consents.basisState(assetId).pending, 0);
        vm.assertEq(_markOf(crowd, 1), DISMISSED);
    }

    function test_withdraw_resolvesAPendingMark() public {
        Crowd memory crowd = _bound(3);
        _mark(crowd, 1);
        _mark(crowd, 2);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.WithdrawalResolved(assetId, crowd.ids[1], crowd.people[1], crowd.people[1], true, 1);
        _withdraw(crowd, 1);
        vm.assertEq(_markOf(crowd, 1), APPLIED);
        bytes memory signature = _sign(_personName(2), _withdrawalDigest(crowd.ids[2]));
        consents.withdrawFor(crowd.batch, _leaf(crowd, 2), _proof(crowd, 2), signature);
        vm.assertEq(_markOf(crowd, 2), APPLIED);
        vm.assertEq(consents.basisState(assetId).pending, 0);
    }

    function test_pendingMarks_outliveTheBinding() public {
        Crowd memory crowd = _bound(2);
        _mark(crowd, 1);
        _publish(2);
        _bind(2, crowd);
        vm.assertEq(consents.basisState(assetId).pending, 1);
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        vm.assertEq(consents.basisState(assetId).pending, 0);
    }

    // Dismissing a mark.

    function test_dismissMark_byAnAuditorWhoIsNoParty() public {
        Crowd memory crowd = _bound(2);
        _mark(crowd, 1);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.WithdrawalResolved(assetId, crowd.ids[1], auditor, crowd.people[1], false, 0);
        _dismiss(crowd, 1);
        vm.assertEq(_markOf(crowd, 1), DISMISSED);
        vm.assertEq(consents.basisState(assetId).pending, 0);
    }

    function test_dismissMark_needsTheRole() public {
        Crowd memory crowd = _bound(2);
        _mark(crowd, 1);
        bytes memory missing = abi.encodeWithSelector(IMembership.RoleMissing.selector, provider, Codes.ROLE_AUDITOR, Codes.ROLE_PROVIDER);
        vm.expectRevert(missing);
        vm.prank(provider);
        consents.dismissMark(crowd.ids[1], assetId, crowd.people[1]);
    }

    function test_dismissMark_refusesCollectorsAndHolders() public {
        Crowd memory crowd = _bound(2);
        _mark(crowd, 1);
        _makeAuditor(provider);
        _dismissFails(crowd, 1, provider, abi.encodeWithSelector(IConsents.DismisserIsParty.selector, crowd.ids[1], provider));
        _transfer(otherProvider);
        _makeAuditor(otherProvider);
        bytes memory party = abi.encodeWithSelector(IConsents.DismisserIsParty.selector, crowd.ids[1], otherProvider);
        _dismissFails(crowd, 1, otherProvider, party);
    }

    function test_dismissMark_refusesWhatIsNotPending() public {
        Crowd memory crowd = _bound(2);
        bytes memory unmarked = abi.encodeWithSelector(IConsents.NotMarked.selector, crowd.ids[1]);
        _dismissFails(crowd, 1, auditor, unmarked);
        _mark(crowd, 1);
        _dismiss(crowd, 1);
        _dismissFails(crowd, 1, auditor, unmarked);
    }

    function test_dismissedMarks_areReopenedByTheSubjectOrByANewBinding() public {
        Crowd memory crowd = _bound(2);
        bytes memory receipt = _sign("provider", _receiptDigest(crowd.ids[1], crowd.people[1]));
        bytes memory withdrawal = _sign(_personName(1), _withdrawalDigest(crowd.ids[1]));
        _mark(crowd, 1);
        _dismiss(crowd, 1);
        vm.expectRevert(abi.encodeWithSelector(IConsents.AlreadyMarked.selector, crowd.ids[1]));
        _withdrawByReceipt(crowd, 1, receipt, withdrawal);
        _mark(crowd, 1);
        vm.assertEq(_markOf(crowd, 1), PENDING);
        _dismiss(crowd, 1);
        _publish(2);
        _bind(2, crowd);
        _withdrawByReceipt(crowd, 1, receipt, withdrawal);
        vm.assertEq(_markOf(crowd, 1), PENDING);
    }

    function test_dismissedMarks_areReopenedByAFurtherBatchOfTheSameBinding() public {
        (Crowd memory low, Crowd memory high) = _pair(5);
        _bind(1, low);
        bytes memory receipt = _sign("provider", _receiptDigest(low.ids[1], low.people[1]));
        bytes memory withdrawal = _sign(_nameOf(low.people[1]), _withdrawalDigest(low.ids[1]));
        _withdrawByReceipt(low, 1, receipt, withdrawal);
        _dismiss(low, 1);
        vm.expectRevert(abi.encodeWithSelector(IConsents.AlreadyMarked.selector, low.ids[1]));
        _withdrawByReceipt(low, 1, receipt, withdrawal);
        _bind(1, high);
        _withdrawByReceipt(low, 1, receipt, withdrawal);
        vm.assertEq(_markOf(low, 1), PENDING);
    }

    /// A mark is its own receipt's: who only collected before is no party to it.
    function test_dismissMark_byAFormerCollectorWhoGaveNoReceipt() public {
        _bound(2);
        _transfer(otherProvider);
        IConsents.Terms memory terms = _terms();
        terms.controller = otherProvider;
        Crowd memory later = _crowd(5, 2, terms);
        _grant(later);
        bytes memory receipt = _sign("other provider", _receiptDigest(later.ids[1], later.people[1]));
        vm.prank(later.people[1]);
        _withdrawByReceipt(later, 1, receipt, "");
        _makeAuditor(otherProvider);
        bytes memory party = abi.encodeWithSelector(IConsents.DismisserIsParty.selector, later.ids[1], otherProvider);
        _dismissFails(later, 1, otherProvider, party);
        _makeAuditor(provider);
        vm.prank(provider);
        consents.dismissMark(later.ids[1], assetId, later.people[1]);
        vm.assertEq(_markOf(later, 1), DISMISSED);
    }

    /// Marked again by another's receipt, a mark is that other's.
    function test_dismissMark_refusesWhoseReceiptTheLastMarkWas() public {
        Crowd memory crowd = _bound(2);
        _mark(crowd, 1);
        _dismiss(crowd, 1);
        _transfer(otherProvider);
        IConsents.Terms memory terms = _terms();
        terms.controller = otherProvider;
        Crowd memory later = _crowd(5, 1, terms);
        _grant(later);
        vm.prank(otherProvider);
        dataAssets.transferFrom(otherProvider, provider, assetId);
        (later.ids[0], later.people[0]) = (crowd.ids[1], crowd.people[1]);
        bytes memory receipt = _sign("other provider", _receiptDigest(crowd.ids[1], crowd.people[1]));
        vm.prank(crowd.people[1]);
        _withdrawByReceipt(later, 0, receipt, "");
        _makeAuditor(otherProvider);
        bytes memory party = abi.encodeWithSelector(IConsents.DismisserIsParty.selector, crowd.ids[1], otherProvider);
        _dismissFails(crowd, 1, otherProvider, party);
    }

    // Carrying a withdrawal over.

    function test_carryWithdrawal_reachesEveryLeafOfTheConsent() public {
        (Crowd memory former, Crowd memory crowd) = _again();
        _withdraw(former, 0);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.LeafEnded(assetId, crowd.batchId, crowd.ids[0], 0, crowd.people[0], Codes.ENDED_WITHDRAWN, stranger, 1);
        vm.prank(stranger);
        consents.carryWithdrawal(former.batch, _leaf(former, 0), _proof(former, 0), crowd.batch, _leaf(crowd, 0), _proof(crowd, 0));
        vm.assertTrue(consents.hasEnded(crowd.batchId, 0));
    }

    function test_carryWithdrawal_refusesALeafThatStands() public {
        (Crowd memory former, Crowd memory crowd) = _again();
        _carryFails(former, 0, crowd, 0, abi.encodeWithSelector(IConsents.LeafStands.selector, former.batchId, 0));
    }

    function test_carryWithdrawal_refusesLeavesThatWereNotWithdrawn() public {
        (Crowd memory former, Crowd memory crowd) = _again();
        _release(former, 0);
        _carryFails(former, 0, crowd, 0, abi.encodeWithSelector(IConsents.LeafStands.selector, former.batchId, 0));
    }

    function test_carryWithdrawal_refusesAnotherConsent() public {
        (Crowd memory former, Crowd memory crowd) = _again();
        _withdraw(former, 0);
        _carryFails(former, 0, crowd, 1, abi.encodeWithSelector(IConsents.DifferentConsent.selector, former.ids[0], crowd.ids[1]));
    }

    function test_carryWithdrawal_refusesAnothersLeafOfTheSameConsent() public {
        Crowd memory crowd = _bound(2);
        // A collector makes up a leaf that pairs a person's consent with its own account, and withdraws it.
        Crowd memory madeUp = _crowd(0, 1);
        address[] memory people = new address[](1);
        people[0] = stranger;
        madeUp = _crowdOf(madeUp.ids, people, madeUp.terms, MANIFEST);
        _grant(madeUp);
        _withdraw(madeUp, 0);
        _carryFails(madeUp, 0, crowd, 0, abi.encodeWithSelector(IConsents.NotSubject.selector, stranger, crowd.people[0]));
    }

    function test_carryWithdrawal_refusesALeafThatEnded() public {
        (Crowd memory former, Crowd memory crowd) = _again();
        _withdraw(former, 0);
        _withdraw(crowd, 0);
        _carryFails(former, 0, crowd, 0, abi.encodeWithSelector(IConsents.AlreadyWithdrawn.selector, crowd.batchId, 0));
    }

    function test_carryWithdrawal_refusesWrongProofsOnEitherSide() public {
        (Crowd memory former, Crowd memory crowd) = _again();
        _withdraw(former, 0);
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotInBatch.selector, former.batchId, 0));
        consents.carryWithdrawal(former.batch, _leaf(former, 0), _proof(former, 1), crowd.batch, _leaf(crowd, 0), _proof(crowd, 0));
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotInBatch.selector, crowd.batchId, 0));
        consents.carryWithdrawal(former.batch, _leaf(former, 0), _proof(former, 0), crowd.batch, _leaf(crowd, 0), _proof(crowd, 1));
    }

    // Released by the collector.

    function test_release_endsALeafForEver() public {
        Crowd memory crowd = _bound(2);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.LeafEnded(assetId, crowd.batchId, crowd.ids[1], 1, crowd.people[1], Codes.ENDED_RELEASED, provider, 1);
        _release(crowd, 1);
        _withdrawFails(crowd, 1, abi.encodeWithSelector(IConsents.AlreadyWithdrawn.selector, crowd.batchId, 1));
    }

    function test_release_isTheCollectorsAct() public {
        Crowd memory crowd = _bound(2);
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotCollector.selector, assetId, otherProvider));
        vm.prank(otherProvider);
        consents.release(crowd.batch, crowd.terms, MANIFEST, _leaf(crowd, 1), _proof(crowd, 1));
    }

    function test_release_refusesOtherTerms() public {
        Crowd memory crowd = _bound(2);
        IConsents.Terms memory terms = _terms();
        terms.controller = otherProvider;
        IConsents.Batch memory other = crowd.batch;
        bytes32 expected =
            keccak256(abi.encode(keccak256("deedbook.batch.v1"), assetId, other.root, 2, keccak256(abi.encode(terms, MANIFEST))));
        vm.expectRevert(abi.encodeWithSelector(IConsents.UnknownBatch.selector, expected));
        vm.prank(otherProvider);
        consents.release(crowd.batch, terms, MANIFEST, _leaf(crowd, 1), _proof(crowd, 1));
    }

    function test_release_refusesALeafThatEnded() public {
        Crowd memory crowd = _bound(2);
        _withdraw(crowd, 1);
        vm.expectRevert(abi.encodeWithSelector(IConsents.LeafEndedAlready.selector, crowd.batchId, 1));
        _release(crowd, 1);
    }

    // Challenged.

    function test_challenge_endsEveryKindOfNarrowerConsent() public {
        _expectNarrowed(Codes.FIELD_ASSET);
        _expectNarrowed(Codes.FIELD_CONTROLLER);
        _expectNarrowed(Codes.FIELD_RECIPIENT);
        _expectNarrowed(Codes.FIELD_RECIPIENT_CLASS);
        _expectNarrowed(Codes.FIELD_PURPOSE);
        _expectNarrowed(Codes.FIELD_MODES);
        _expectNarrowed(Codes.FIELD_CROSS_BORDER);
        _expectNarrowed(Codes.FIELD_NOTICE);
        _expectNarrowed(Codes.FIELD_VALID_FROM);
        _expectNarrowed(Codes.FIELD_VALID_UNTIL);
    }

    function test_challenge_endsAConsentToNobody() public {
        IConsents.Consent memory consent = _consent(_person(1));
        consent.recipientClass = 0;
        _expectChallenged(consent, Codes.FIELD_RECIPIENT);
    }

    function test_challenge_refusesAConsentThatGrantsAsMuch() public {
        IConsents.Consent memory consent = _consent(_person(1));
        _expectMet(consent);
        (consent.modes, consent.crossBorder) = (Codes.MODES_ALL, true);
        (consent.validFrom, consent.validUntil) = (START - 1, UNTIL + 1);
        _expectMet(consent);
    }

    function test_challenge_refusesAnotherConsent() public {
        IConsents.Consent memory consent = _consent(_person(1));
        Crowd memory crowd = _misfit(consent);
        consent.purpose = Codes.PURPOSE_CREDIT;
        bytes memory expected = abi.encodeWithSelector(IConsents.NotInBatch.selector, crowd.batchId, 0);
        _challengeFails(crowd, consent, expected);
    }

    function test_challenge_refusesALeafThatEnded() public {
        IConsents.Consent memory consent = _consent(_person(1));
        consent.purpose = Codes.PURPOSE_CREDIT;
        Crowd memory crowd = _misfit(consent);
        _withdraw(crowd, 0);
        _challengeFails(crowd, consent, abi.encodeWithSelector(IConsents.LeafEndedAlready.selector, crowd.batchId, 0));
    }

    function test_challenge_refusesOtherTerms() public {
        IConsents.Consent memory consent = _consent(_person(1));
        Crowd memory crowd = _misfit(consent);
        crowd.terms.purpose = Codes.PURPOSE_CREDIT;
        IConsents.Batch memory given = crowd.batch;
        bytes32 termsHash = keccak256(abi.encode(crowd.terms, MANIFEST));
        given.termsHash = termsHash;
        bytes32 other = consents.batchIdOf(given);
        given.termsHash = keccak256(abi.encode(_terms(), MANIFEST));
        _challengeFails(crowd, consent, abi.encodeWithSelector(IConsents.UnknownBatch.selector, other));
    }

    // Struck.

    function test_strike_endsTheLaterLeafOfOneConsent() public {
        (Crowd memory low, Crowd memory high) = _duplicates(false);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.LeafEnded(assetId, high.batchId, high.ids[0], 0, high.people[0], Codes.ENDED_STRUCK, stranger, 3);
        vm.prank(stranger);
        _strike(low, 0, high, 0);
        vm.assertFalse(consents.hasEnded(low.batchId, 0));
    }

    function test_strike_endsASecondConsentOfOneSubject() public {
        (Crowd memory low, Crowd memory high) = _duplicates(true);
        vm.assertNotEq(low.ids[0], high.ids[0]);
        _strike(low, 0, high, 0);
        vm.assertTrue(consents.hasEnded(high.batchId, 0));
    }

    function test_strike_worksWithinOneBatch() public {
        bytes32[] memory ids = new bytes32[](2);
        address[] memory people = new address[](2);
        (ids[0], people[0]) = (consents.consentIdOf(_consent(_person(0))), _person(0));
        (ids[1], people[1]) = (ids[0], people[0]);
        Crowd memory crowd = _crowdOf(ids, people, _terms(), MANIFEST);
        _grantAudited(crowd);
        _register(2);
        _bind(1, crowd);
        _strikeFails(crowd, 1, crowd, 0, abi.encodeWithSelector(IConsents.WrongOrder.selector, crowd.batchId, crowd.batchId));
        _strikeFails(crowd, 1, crowd, 1, abi.encodeWithSelector(IConsents.WrongOrder.selector, crowd.batchId, crowd.batchId));
        _strike(crowd, 0, crowd, 1);
        vm.assertEq(consents.basisState(assetId).live, 1);
    }

    function test_strike_refusesDifferentPeople() public {
        (Crowd memory low, Crowd memory high) = _duplicates(false);
        _strikeFails(low, 0, high, 1, abi.encodeWithSelector(IConsents.NotDuplicate.selector, low.ids[0], high.ids[1]));
    }

    function test_strike_refusesTheEarlierLeaf() public {
        (Crowd memory low, Crowd memory high) = _duplicates(false);
        _strikeFails(high, 0, low, 0, abi.encodeWithSelector(IConsents.WrongOrder.selector, high.batchId, low.batchId));
    }

    function test_strike_refusesALeafAgainstItself() public {
        Crowd memory crowd = _bound(2);
        _strikeFails(crowd, 1, crowd, 1, abi.encodeWithSelector(IConsents.WrongOrder.selector, crowd.batchId, crowd.batchId));
    }

    function test_strike_refusesLeavesThatEnded() public {
        (Crowd memory low, Crowd memory high) = _duplicates(false);
        uint256 state = vm.snapshotState();
        _withdraw(low, 0);
        _strikeFails(low, 0, high, 0, abi.encodeWithSelector(IConsents.LeafEndedAlready.selector, low.batchId, 0));
        vm.revertToState(state);
        _withdraw(high, 0);
        _strikeFails(low, 0, high, 0, abi.encodeWithSelector(IConsents.LeafEndedAlready.selector, high.batchId, 0));
    }

    function test_strike_refusesUnboundBatches() public {
        Crowd memory crowd = _bound(2);
        Crowd memory unbound = _crowd(0, 1);
        _grant(unbound);
        bytes memory expected = abi.encodeWithSelector(IConsents.NotInBinding.selector, unbound.batchId, 1);
        if (crowd.batchId < unbound.batchId) _strikeFails(crowd, 0, unbound, 0, expected);
        else _strikeFails(unbound, 0, crowd, 0, expected);
    }

    function test_strike_refusesWithoutABinding() public {
        Crowd memory one = _crowd(0, 1);
        Crowd memory two = _crowd(0, 2);
        _grant(one);
        _grant(two);
        if (one.batchId > two.batchId) (one, two) = (two, one);
        _strikeFails(one, 0, two, 0, abi.encodeWithSelector(IConsents.NotInBinding.selector, one.batchId, 0));
    }

    function test_strike_refusesBatchesOfTwoAssets() public {
        Crowd memory here = _bound(2);
        (uint256 first, uint256 second) = (assetId, dataAssets.assetIdOf(provider, "another"));
        vm.prank(provider);
        dataAssets.register(_registration("another"), _version(1));
        assetId = second;
        Crowd memory there = _crowd(0, 1);
        _grantAudited(there);
        _bind(1, there);
        assetId = first;
        bytes memory expected =
            abi.encodeWithSelector(IConsents.NotInBinding.selector, here.batchId < there.batchId ? here.batchId : there.batchId, 1);
        if (here.batchId < there.batchId) _strikeFails(here, 0, there, 0, expected);
        else _strikeFails(there, 0, here, 0, expected);
    }

    // Shorthand.

    function _nameOf(address person) private pure returns (string memory) {
        uint256 number = 0;
        while (_person(number) != person) ++number;
        return _personName(number);
    }

    function _withdrawFails(Crowd memory crowd, uint256 index, bytes memory expected) private {
        vm.expectRevert(expected);
        _withdraw(crowd, index);
    }

    function _proofFails(Crowd memory crowd, IConsents.Leaf memory leaf, bytes32[] memory proof) private {
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotInBatch.selector, crowd.batchId, leaf.index));
        vm.prank(leaf.subject);
        consents.withdraw(crowd.batch, leaf, proof);
    }

    /// Of the person at index 1.
    function _withdrawForFails(Crowd memory crowd, bytes memory signature, bytes memory expected) private {
        vm.expectRevert(expected);
        consents.withdrawFor(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1), signature);
    }

    function _markOf(Crowd memory crowd, uint256 index) private view returns (uint8) {
        return consents.markOf(crowd.ids[index], assetId, crowd.people[index]);
    }

    function _markFails(Crowd memory crowd, uint256 index, bytes memory expected) private {
        bytes memory receipt = _sign("provider", _receiptDigest(crowd.ids[index], crowd.people[index]));
        vm.expectRevert(expected);
        vm.prank(crowd.people[index]);
        _withdrawByReceipt(crowd, index, receipt, "");
    }

    function _dismiss(Crowd memory crowd, uint256 index) private {
        vm.prank(auditor);
        consents.dismissMark(crowd.ids[index], assetId, crowd.people[index]);
    }

    function _dismissFails(Crowd memory crowd, uint256 index, address by, bytes memory expected) private {
        vm.expectRevert(expected);
        vm.prank(by);
        consents.dismissMark(crowd.ids[index], assetId, crowd.people[index]);
    }

    function _makeAuditor(address account) private {
        IMembership.Admission memory admission = _admission(Codes.ROLE_PROVIDER | Codes.ROLE_AUDITOR);
        admission.identity = 0;
        vm.prank(admin);
        membership.change(account, admission);
    }

    function _release(Crowd memory crowd, uint256 index) private {
        vm.prank(provider);
        consents.release(crowd.batch, crowd.terms, crowd.manifestHash, _leaf(crowd, index), _proof(crowd, index));
    }

    /// A batch of persons 0 to 2, and a bound one of persons 0 and 1 with the same consents.
    function _again() private returns (Crowd memory former, Crowd memory crowd) {
        former = _crowd(0, 3);
        _grant(former);
        crowd = _bound(2);
    }

    function _carryFails(Crowd memory from, uint256 ended, Crowd memory to, uint256 index, bytes memory expected) private {
        bytes32[] memory endedProof = _proof(from, ended);
        bytes32[] memory proof = _proof(to, index);
        vm.expectRevert(expected);
        consents.carryWithdrawal(from.batch, _leaf(from, ended), endedProof, to.batch, _leaf(to, index), proof);
    }

    /// A batch of one, whose own consent may grant less than its terms say.
    function _misfit(IConsents.Consent memory consent) private returns (Crowd memory crowd) {
        bytes32[] memory ids = new bytes32[](1);
        address[] memory people = new address[](1);
        (ids[0], people[0]) = (consents.consentIdOf(consent), consent.subject);
        IConsents.Terms memory terms = _terms();
        terms.crossBorder = consent.crossBorder || consent.salt == "no border";
        crowd = _crowdOf(ids, people, terms, MANIFEST);
        _grant(crowd);
    }

    function _expectNarrowed(uint8 field) private {
        IConsents.Consent memory consent = _consent(_person(field));
        if (field == Codes.FIELD_ASSET) consent.assetId ^= 1;
        if (field == Codes.FIELD_CONTROLLER) consent.controller = otherProvider;
        if (field == Codes.FIELD_RECIPIENT) consent.recipient = buyer;
        if (field == Codes.FIELD_RECIPIENT_CLASS) consent.recipientClass = Codes.LICENCE_BANK;
        if (field == Codes.FIELD_PURPOSE) consent.purpose = Codes.PURPOSE_CREDIT;
        if (field == Codes.FIELD_MODES) consent.modes = Codes.MODE_CALL;
        if (field == Codes.FIELD_CROSS_BORDER) consent.salt = "no border";
        if (field == Codes.FIELD_NOTICE) consent.noticeHash = keccak256("another notice");
        if (field == Codes.FIELD_VALID_FROM) consent.validFrom = START + 1;
        if (field == Codes.FIELD_VALID_UNTIL) consent.validUntil = UNTIL - 1;
        _expectChallenged(consent, field);
    }

    function _expectChallenged(IConsents.Consent memory consent, uint8 field) private {
        Crowd memory crowd = _misfit(consent);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.LeafChallenged(assetId, crowd.batchId, crowd.ids[0], provider, field);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.LeafEnded(assetId, crowd.batchId, crowd.ids[0], 0, consent.subject, Codes.ENDED_CHALLENGED, stranger, 0);
        vm.prank(stranger);
        consents.challenge(crowd.batch, crowd.terms, MANIFEST, 0, consent, _proof(crowd, 0));
        vm.assertTrue(consents.hasEnded(crowd.batchId, 0));
    }

    function _expectMet(IConsents.Consent memory consent) private {
        Crowd memory crowd = _misfit(consent);
        _challengeFails(crowd, consent, abi.encodeWithSelector(IConsents.TermsAreMet.selector, crowd.batchId, 0));
    }

    function _challengeFails(Crowd memory crowd, IConsents.Consent memory consent, bytes memory expected) private {
        vm.expectRevert(expected);
        consents.challenge(crowd.batch, crowd.terms, MANIFEST, 0, consent, _proof(crowd, 0));
    }

    /// Two bound batches of two; the first leaves of both are of person 0, with one consent or with two.
    function _duplicates(bool twoConsents) private returns (Crowd memory low, Crowd memory high) {
        low = _crowd(0, 2);
        IConsents.Terms memory terms = _terms();
        if (twoConsents) terms.validUntil = UNTIL - 1;
        high = _crowd(0, 2, terms);
        (high.ids[1], high.people[1]) = (keccak256("somebody"), _person(9));
        high = _crowdOf(high.ids, high.people, terms, MANIFEST);
        _grantAudited(low);
        _grantAudited(high);
        _register(4);
        if (low.batchId > high.batchId) (low, high) = (high, low);
        _bindAll(1, low, high);
    }

    function _strike(Crowd memory kept, uint256 keptIndex, Crowd memory struck, uint256 struckIndex) private {
        bytes32[] memory keptProof = _proof(kept, keptIndex);
        bytes32[] memory struckProof = _proof(struck, struckIndex);
        consents.strike(kept.batch, _leaf(kept, keptIndex), keptProof, struck.batch, _leaf(struck, struckIndex), struckProof);
    }

    function _strikeFails(Crowd memory kept, uint256 keptIndex, Crowd memory struck, uint256 struckIndex, bytes memory expected) private {
        vm.expectRevert(expected);
        _strike(kept, keptIndex, struck, struckIndex);
    }
}
