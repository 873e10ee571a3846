// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {Consents} from "../src/Consents.sol";
import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {IConsents} from "../src/interfaces/IConsents.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";
import {Wallet, WritingWallet} from "./Wallets.sol";

/// @title Granting and binding
contract ConsentsTest is Exchange {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    // Grants of a batch.

    function test_grantBatch_isOneWord() public {
        Crowd memory crowd = _crowd(0, 3);
        _grant(crowd);
        IConsents.BatchState memory batch = consents.batchState(crowd.batchId);
        vm.assertEq(batch.count, 3);
        vm.assertEq(batch.withdrawn, 0);
        vm.assertEq(batch.version, 0);
        vm.assertFalse(batch.direct);
    }

    function test_grantBatch_emitsWhatNamesIt() public {
        Crowd memory crowd = _crowd(0, 3);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.BatchGranted(crowd.batchId, assetId, provider, crowd.batch.root, 3, crowd.terms, MANIFEST);
        _grant(crowd);
    }

    function test_grantBatch_refusesZeroCount() public {
        Crowd memory crowd = _crowd(0, 1);
        crowd.batch.count = 0;
        _grantFails(crowd, abi.encodeWithSelector(IConsents.ZeroCount.selector));
    }

    function test_grantBatch_refusesZeroRoot() public {
        Crowd memory crowd = _crowd(0, 1);
        crowd.batch.root = 0;
        _grantFails(crowd, abi.encodeWithSelector(IConsents.ZeroRoot.selector));
    }

    function test_grantBatch_refusesZeroNotice() public {
        Crowd memory crowd = _crowd(0, 1);
        crowd.terms.noticeHash = 0;
        _grantFails(crowd, abi.encodeWithSelector(IConsents.ZeroNotice.selector));
    }

    function test_grantBatch_refusesUnknownPurposes() public {
        Crowd memory crowd = _crowd(0, 1);
        crowd.terms.purpose = 0;
        _grantFails(crowd, abi.encodeWithSelector(IConsents.UnknownPurpose.selector, 0));
        crowd.terms.purpose = 5;
        _grantFails(crowd, abi.encodeWithSelector(IConsents.UnknownPurpose.selector, 5));
    }

    function test_grantBatch_refusesUnknownModes() public {
        Crowd memory crowd = _crowd(0, 1);
        crowd.terms.modes = 0;
        _grantFails(crowd, abi.encodeWithSelector(IConsents.UnknownModes.selector, 0));
        crowd.terms.modes = 1 << 6;
        _grantFails(crowd, abi.encodeWithSelector(IConsents.UnknownModes.selector, 64));
    }

    function test_grantBatch_refusesNobodyAsRecipient() public {
        Crowd memory crowd = _crowd(0, 1);
        crowd.terms.recipientClass = 0;
        _grantFails(crowd, abi.encodeWithSelector(IConsents.RecipientMissing.selector));
        crowd.terms.recipient = buyer;
        _grant(crowd);
    }

    function test_grantBatch_refusesReversedValidity() public {
        Crowd memory crowd = _crowd(0, 1);
        crowd.terms.validFrom = UNTIL + 1;
        _grantFails(crowd, abi.encodeWithSelector(IConsents.ValidityReversed.selector, UNTIL + 1, UNTIL));
    }

    function test_grantBatch_acceptsTheLastSecondAndNoLater() public {
        vm.warp(UNTIL - 1);
        _grant(_crowd(0, 1));
        vm.warp(UNTIL);
        _grant(_crowd(1, 1));
        vm.warp(UNTIL + 1);
        Crowd memory crowd = _crowd(2, 1);
        _grantFails(crowd, abi.encodeWithSelector(IConsents.ConsentExpired.selector, crowd.batchId, UNTIL));
    }

    function test_grantBatch_isTheControllersOwnAct() public {
        Crowd memory crowd = _crowd(0, 1);
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotController.selector, assetId, otherProvider));
        vm.prank(otherProvider);
        consents.grantBatch(assetId, SALT, crowd.batch.root, 1, crowd.terms, MANIFEST);
    }

    function test_grantBatch_refusesAnAssetThatAnotherCanRegister() public {
        IConsents.Terms memory terms = _terms();
        terms.controller = otherProvider;
        _grantFails(_crowd(0, 1, terms), abi.encodeWithSelector(IConsents.NotController.selector, assetId, otherProvider));
    }

    function test_grantBatch_refusesWhoDoesNotHoldTheRegisteredAsset() public {
        _register(1);
        IConsents.Terms memory terms = _terms();
        terms.controller = otherProvider;
        _grantFails(_crowd(0, 1, terms), abi.encodeWithSelector(IConsents.NotController.selector, assetId, otherProvider));
        _grant(_crowd(0, 1));
    }

    function test_grantBatch_refusesCancelledAssets() public {
        _register(1);
        vm.prank(provider);
        dataAssets.cancel(assetId, DOCUMENT);
        bytes memory expected = abi.encodeWithSelector(IConsents.AssetNotUsable.selector, assetId, Codes.ASSET_CANCELLED);
        _grantFails(_crowd(0, 1), expected);
    }

    function test_grantBatch_needsAProviderInGoodStanding() public {
        IConsents.Terms memory terms = _terms();
        terms.controller = stranger;
        _grantFails(_crowd(0, 1, terms), abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        terms.controller = reviewer;
        bytes memory missing = abi.encodeWithSelector(IMembership.RoleMissing.selector, reviewer, Codes.ROLE_PROVIDER, Codes.ROLE_REVIEWER);
        _grantFails(_crowd(0, 1, terms), missing);
        _suspend(provider);
        _grantFails(_crowd(0, 1), abi.encodeWithSelector(IMembership.ParticipantIs.selector, provider, Codes.MEMBER_SUSPENDED));
    }

    function test_grantBatch_refusesTheSameBatchTwice() public {
        Crowd memory crowd = _crowd(0, 2);
        _grant(crowd);
        _grantFails(crowd, abi.encodeWithSelector(IConsents.BatchExists.selector, crowd.batchId));
    }

    function test_grantBatch_canBeRelayed() public {
        Crowd memory crowd = _crowd(0, 2);
        bytes memory call = abi.encodeCall(IConsents.grantBatch, (assetId, SALT, crowd.batch.root, 2, crowd.terms, crowd.manifestHash));
        _relay("provider", address(consents), call);
        vm.assertEq(consents.batchState(crowd.batchId).count, 2);
    }

    // Direct grants.

    function test_grant_isABatchOfOne() public {
        IConsents.Consent memory consent = _consent(_person(1));
        bytes32 consentId = consents.consentIdOf(consent);
        bytes32 batchId = _grantDirect(consent, _sign(_personName(1), consentId));
        IConsents.BatchState memory batch = consents.batchState(batchId);
        vm.assertEq(batch.count, 1);
        vm.assertTrue(batch.direct);
        vm.assertEq(batchId, _single(consent).batchId);
    }

    function test_grant_emitsTheWholeConsent() public {
        IConsents.Consent memory consent = _consent(_person(1));
        bytes32 consentId = consents.consentIdOf(consent);
        bytes32 batchId = _single(consent).batchId;
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.ConsentGranted(batchId, assetId, consentId, consent);
        _grantDirect(consent, _sign(_personName(1), consentId));
    }

    function test_consentId_isTheTypedDataDigest() public view {
        IConsents.Consent memory c = _consent(_person(1));
        bytes32 typeHash = keccak256(
            "Consent(address subject,uint256 assetId,address controller,address recipient,uint16 recipientClass,uint16 purpose,uint16 modes,bool crossBorder,bytes32 noticeHash,bytes32 recordCommit,uint64 validFrom,uint64 validUntil,string statement,bytes32 salt)"
        );
        bytes memory head = abi.encode(typeHash, c.subject, c.assetId, c.controller, c.recipient, c.recipientClass, c.purpose);
        bytes memory middle = abi.encode(c.modes, c.crossBorder, c.noticeHash, c.recordCommit, c.validFrom, c.validUntil);
        bytes memory tail = abi.encode(c.statementHash, c.salt);
        vm.assertEq(consents.consentIdOf(c), _typed(keccak256(bytes.concat(head, middle, tail))));
    }

    function test_grant_refusesZeroSubject() public {
        IConsents.Consent memory consent = _consent(address(0));
        _grantDirectFails(consent, new bytes(65), abi.encodeWithSelector(IConsents.ZeroSubject.selector));
    }

    function test_grant_acceptsTheShortSignature() public {
        IConsents.Consent memory consent = _consent(_person(1));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(_personName(1)), consents.consentIdOf(consent));
        bytes32 vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
        _grantDirect(consent, abi.encodePacked(r, vs));
    }

    function test_grant_refusesMalleableAndMisshapenSignatures() public {
        IConsents.Consent memory consent = _consent(_person(1));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(_personName(1)), consents.consentIdOf(consent));
        bytes32 high = bytes32(ORDER - uint256(s));
        bytes memory bad = abi.encodeWithSelector(IConsents.BadSignature.selector, consent.subject);
        _grantDirectFails(consent, abi.encodePacked(r, high, v == 27 ? 28 : 27), bad);
        _grantDirectFails(consent, abi.encodePacked(r, s, v - 27), bad);
        _grantDirectFails(consent, abi.encodePacked(r, s, v ^ 7), bad);
        _grantDirectFails(consent, abi.encodePacked(r, s, v, uint8(0)), bad);
        _grantDirectFails(consent, abi.encodePacked(r, bytes31(s)), bad);
        _grantDirectFails(consent, "", bad);
        _grantDirectFails(consent, new bytes(65), bad);
        _grantDirectFails(consent, new bytes(64), bad);
    }

    function test_grant_refusesAnothersSignature() public {
        IConsents.Consent memory consent = _consent(_person(1));
        bytes memory signature = _sign(_personName(2), consents.consentIdOf(consent));
        _grantDirectFails(consent, signature, abi.encodeWithSelector(IConsents.BadSignature.selector, consent.subject));
    }

    function test_grant_refusesASignatureForAnotherChain() public {
        IConsents.Consent memory consent = _consent(_person(1));
        bytes memory signature = _sign(_personName(1), consents.consentIdOf(consent));
        vm.chainId(999);
        // The asset's own id depends on the chain as well: register it here, so that only the signature can be wrong.
        _register(1);
        assetId = dataAssets.assetIdOf(provider, SALT);
        consent.assetId = assetId;
        _grantDirectFails(consent, signature, abi.encodeWithSelector(IConsents.BadSignature.selector, consent.subject));
    }

    function test_grant_refusesASignatureForAnotherContract() public {
        Consents twin = new Consents(membership, attestations, dataAssets, address(forwarder));
        IConsents.Consent memory consent = _consent(_person(1));
        bytes memory signature = _sign(_personName(1), twin.consentIdOf(consent));
        _grantDirectFails(consent, signature, abi.encodeWithSelector(IConsents.BadSignature.selector, consent.subject));
    }

    function test_grant_isNeverReplayed() public {
        IConsents.Consent memory consent = _consent(_person(1));
        bytes memory signature = _sign(_personName(1), consents.consentIdOf(consent));
        bytes32 batchId = _grantDirect(consent, signature);
        Crowd memory crowd = _single(consent);
        _withdraw(crowd, 0);
        _grantDirectFails(consent, signature, abi.encodeWithSelector(IConsents.BatchExists.selector, batchId));
    }

    function test_grant_refusesExpiredConsents() public {
        IConsents.Consent memory consent = _consent(_person(1));
        bytes memory signature = _sign(_personName(1), consents.consentIdOf(consent));
        bytes32 batchId = _single(consent).batchId;
        vm.warp(UNTIL + 1);
        _grantDirectFails(consent, signature, abi.encodeWithSelector(IConsents.ConsentExpired.selector, batchId, UNTIL));
    }

    function test_grant_asksAContractWallet() public {
        IConsents.Consent memory consent = _consent(address(new Wallet(Wallet.Mood.Agree)));
        _grantDirect(consent, "anything");
    }

    function test_grant_refusesHostileWallets() public {
        for (uint8 mood = uint8(Wallet.Mood.Refuse); mood <= uint8(Wallet.Mood.AnswerDirty); ++mood) {
            address wallet = address(new Wallet(Wallet.Mood(mood)));
            _grantDirectFails(_consent(wallet), "anything", abi.encodeWithSelector(IConsents.BadSignature.selector, wallet));
        }
        address writer = address(new WritingWallet());
        _grantDirectFails(_consent(writer), "anything", abi.encodeWithSelector(IConsents.BadSignature.selector, writer));
    }

    function test_grant_isNotDrainedByAWalletThatBurnsGas() public {
        IConsents.Consent memory consent = _consent(address(new Wallet(Wallet.Mood.BurnGas)));
        bytes memory call = abi.encodeCall(IConsents.grant, (consent, SALT, bytes("anything")));
        vm.prank(provider);
        uint256 before = gasleft();
        (bool success,) = address(consents).call{gas: 3_000_000}(call);
        vm.assertFalse(success);
        vm.assertLt(before - gasleft(), 500_000);
    }

    // Bindings.

    function test_bind_givesTheVersionItsBasis() public {
        Crowd memory crowd = _bound(3);
        IConsents.BasisState memory basis = consents.basisState(assetId);
        vm.assertEq(basis.version, 1);
        vm.assertEq(basis.bound, 3);
        vm.assertEq(basis.live, 3);
        vm.assertTrue(basis.closed);
        vm.assertEq(basis.pending, 0);
        vm.assertEq(basis.controller, provider);
        vm.assertEq(basis.recipient, address(0));
        vm.assertEq(basis.recipientClass, Codes.LICENCE_EMPLOYER);
        vm.assertEq(basis.purpose, Codes.PURPOSE_RECRUITMENT);
        vm.assertEq(basis.modes, Codes.MODE_RAW | Codes.MODE_CALL);
        vm.assertFalse(basis.crossBorder);
        vm.assertEq(basis.validFrom, START);
        vm.assertEq(basis.validUntil, UNTIL);
        vm.assertEq(consents.batchState(crowd.batchId).version, 1);
    }

    function test_bind_emitsOffsetsAndTheClose() public {
        (Crowd memory low, Crowd memory high) = _pair(5);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.BatchBound(assetId, 1, low.batchId, 0, low.batch.count, 0, auditor);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.BatchBound(assetId, 1, high.batchId, low.batch.count, high.batch.count, 0, auditor);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.BindingClosed(assetId, 1, 5, 5);
        _bindAll(1, low, high);
    }

    function test_bind_narrowsToWhatAllBatchesGrantInWhateverOrder() public {
        IConsents.Terms memory narrow = _terms();
        (narrow.modes, narrow.crossBorder, narrow.validFrom, narrow.validUntil) = (Codes.MODE_RAW, false, START + 10, UNTIL - 10);
        IConsents.Terms memory wide = _terms();
        (wide.modes, wide.crossBorder, wide.validFrom, wide.validUntil) = (Codes.MODES_ALL, true, START, UNTIL);
        Crowd memory one = _crowd(0, 2, narrow);
        Crowd memory two = _crowd(2, 3, wide);
        _grantAudited(one);
        _grantAudited(two);
        _register(5);
        uint256 before = vm.snapshotState();
        _bind(1, one);
        _bind(1, two);
        _assertNarrow(consents.basisState(assetId));
        vm.revertToState(before);
        _bind(1, two);
        _bind(1, one);
        _assertNarrow(consents.basisState(assetId));
    }

    function _assertNarrow(IConsents.BasisState memory basis) private pure {
        vm.assertEq(basis.modes, Codes.MODE_RAW);
        vm.assertFalse(basis.crossBorder);
        vm.assertEq(basis.validFrom, START + 10);
        vm.assertEq(basis.validUntil, UNTIL - 10);
    }

    function test_bind_takesSeveralCallsAndClosesWhenFull() public {
        (Crowd memory low, Crowd memory high) = _pair(5);
        _bind(1, high);
        vm.assertFalse(consents.basisState(assetId).closed);
        _bind(1, low);
        vm.assertTrue(consents.basisState(assetId).closed);
    }

    function test_bind_countsOnlyTheLive() public {
        Crowd memory crowd = _crowd(0, 3);
        _grantAudited(crowd);
        _withdraw(crowd, 1);
        _register(3);
        _bind(1, crowd);
        vm.assertEq(consents.basisState(assetId).live, 2);
        vm.assertEq(consents.basisState(assetId).bound, 3);
    }

    function test_bind_ofANewVersionEndsTheFormerBinding() public {
        Crowd memory crowd = _bound(3);
        _publish(4);
        vm.assertEq(consents.basisState(assetId).version, 1);
        Crowd memory more = _crowd(10, 1);
        _grantAudited(more);
        _bind(2, more);
        IConsents.BasisState memory basis = consents.basisState(assetId);
        vm.assertEq(basis.version, 2);
        vm.assertEq(basis.live, 1);
        vm.assertFalse(basis.closed);
        _withdraw(crowd, 0);
        vm.assertEq(consents.basisState(assetId).live, 1);
        _bind(2, crowd);
        vm.assertEq(consents.basisState(assetId).live, 3);
        vm.assertTrue(consents.basisState(assetId).closed);
        vm.assertEq(consents.batchState(crowd.batchId).version, 2);
    }

    function test_bind_ofADirectGrantNeedsNoAudit() public {
        IConsents.Consent memory consent = _consent(_person(1));
        bytes32 batchId = _grantDirect(consent, _sign(_personName(1), consents.consentIdOf(consent)));
        _register(1);
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.BatchBound(assetId, 1, batchId, 0, 1, 0, address(0));
        _bind(1, _single(consent));
        vm.assertTrue(consents.basisState(assetId).closed);
    }

    function test_bind_refusesNoBatches() public {
        _register(1);
        _bindFails(1, new IConsents.Basis[](0), abi.encodeWithSelector(IConsents.NoBatches.selector));
    }

    function test_bind_refusesMoreThan64Batches() public {
        _register(1);
        _bindFails(1, new IConsents.Basis[](65), abi.encodeWithSelector(IConsents.TooManyBatches.selector, 65, 64));
    }

    function test_bind_refusesUnorderedAndRepeatedBatches() public {
        (Crowd memory low, Crowd memory high) = _pair(5);
        _bindFails(1, _both(high, low), abi.encodeWithSelector(IConsents.UnorderedBatches.selector, 1));
        _bindFails(1, _both(low, low), abi.encodeWithSelector(IConsents.UnorderedBatches.selector, 1));
    }

    function test_bind_isTheHoldersAct() public {
        Crowd memory crowd = _crowd(0, 1);
        _grantAudited(crowd);
        _register(1);
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotController.selector, assetId, otherProvider));
        vm.prank(otherProvider);
        consents.bind(assetId, 1, _one(crowd));
    }

    function test_bind_needsGoodStanding() public {
        Crowd memory crowd = _crowd(0, 1);
        _grantAudited(crowd);
        _register(1);
        _suspend(provider);
        bytes memory expected = abi.encodeWithSelector(IMembership.ParticipantIs.selector, provider, Codes.MEMBER_SUSPENDED);
        _bindFails(1, _one(crowd), expected);
    }

    function test_bind_refusesUnknownAndCancelledAssets() public {
        Crowd memory crowd = _crowd(0, 1);
        _grantAudited(crowd);
        _bindFails(1, _one(crowd), abi.encodeWithSelector(IConsents.AssetNotUsable.selector, assetId, Codes.ASSET_NONE));
        _register(1);
        vm.prank(provider);
        dataAssets.cancel(assetId, DOCUMENT);
        _bindFails(1, _one(crowd), abi.encodeWithSelector(IConsents.AssetNotUsable.selector, assetId, Codes.ASSET_CANCELLED));
    }

    function test_bind_refusesAnyVersionButTheCurrent() public {
        Crowd memory crowd = _crowd(0, 1);
        _grantAudited(crowd);
        _register(1);
        _bindFails(0, _one(crowd), abi.encodeWithSelector(IConsents.VersionNotCurrent.selector, assetId, 0, 1));
        _bindFails(2, _one(crowd), abi.encodeWithSelector(IConsents.VersionNotCurrent.selector, assetId, 2, 1));
    }

    function test_bind_refusesAnAssetWithoutAVersion() public {
        vm.prank(provider);
        dataAssets.register(_registration(SALT), _noVersion());
        Crowd memory crowd = _crowd(0, 1);
        _grantAudited(crowd);
        _bindFails(0, _one(crowd), abi.encodeWithSelector(IConsents.VersionNotCurrent.selector, assetId, 0, 0));
    }

    function test_bind_refusesUnknownBatches() public {
        Crowd memory crowd = _crowd(0, 1);
        _register(1);
        _bindFails(1, _one(crowd), abi.encodeWithSelector(IConsents.UnknownBatch.selector, crowd.batchId));
    }

    function test_bind_refusesABatchTwice() public {
        (Crowd memory low,) = _pair(5);
        _bind(1, low);
        _bindFails(1, _one(low), abi.encodeWithSelector(IConsents.AlreadyBound.selector, low.batchId, 1));
    }

    function test_bind_refusesAClosedBinding() public {
        _bound(2);
        Crowd memory more = _crowd(10, 1);
        _grantAudited(more);
        _bindFails(1, _one(more), abi.encodeWithSelector(IConsents.BindingIsClosed.selector, assetId, 1));
    }

    function test_bind_refusesMoreLeavesThanRecords() public {
        Crowd memory crowd = _crowd(0, 3);
        _grantAudited(crowd);
        _register(2);
        _bindFails(1, _one(crowd), abi.encodeWithSelector(IConsents.BindingOverflows.selector, assetId, 3, 2));
    }

    function test_bind_refusesExpiredBatches() public {
        Crowd memory crowd = _crowd(0, 1);
        _grant(crowd);
        vm.prank(auditor);
        attestations.attest(crowd.batchId, Codes.ATTEST_CONSENT_AUDIT, Codes.OUTCOME_POSITIVE, DOCUMENT, UNTIL + 10);
        _register(1);
        vm.warp(UNTIL + 1);
        _bindFails(1, _one(crowd), abi.encodeWithSelector(IConsents.ConsentExpired.selector, crowd.batchId, UNTIL));
        vm.warp(UNTIL);
        _bind(1, crowd);
    }

    function test_bind_refusesBatchesThatDisagree() public {
        Crowd memory first = _crowd(0, 1);
        _grantAudited(first);
        _register(9);
        _bind(1, first);
        IConsents.Terms memory terms = _terms();
        terms.recipient = buyer;
        _bindDisagrees(_crowd(1, 1, terms), Codes.FIELD_RECIPIENT);
        terms = _terms();
        terms.recipientClass = Codes.LICENCE_BANK;
        _bindDisagrees(_crowd(1, 1, terms), Codes.FIELD_RECIPIENT_CLASS);
        terms = _terms();
        terms.purpose = Codes.PURPOSE_CREDIT;
        _bindDisagrees(_crowd(1, 1, terms), Codes.FIELD_PURPOSE);
    }

    function test_bind_refusesTheFormerHoldersBatches() public {
        Crowd memory crowd = _crowd(0, 1);
        _grantAudited(crowd);
        _register(1);
        _transfer(otherProvider);
        vm.expectRevert(abi.encodeWithSelector(IConsents.TermsDisagree.selector, crowd.batchId, Codes.FIELD_CONTROLLER));
        vm.prank(otherProvider);
        consents.bind(assetId, 1, _one(crowd));
    }

    function test_bind_refusesToContinueTheFormerHoldersBinding() public {
        Crowd memory first = _crowd(0, 1);
        _grantAudited(first);
        _register(2);
        _bind(1, first);
        _transfer(otherProvider);
        IConsents.Terms memory terms = _terms();
        terms.controller = otherProvider;
        Crowd memory second = _crowd(1, 1, terms);
        _grantAudited(second);
        vm.expectRevert(abi.encodeWithSelector(IConsents.TermsDisagree.selector, second.batchId, Codes.FIELD_CONTROLLER));
        vm.prank(otherProvider);
        consents.bind(assetId, 1, _one(second));
    }

    function test_bind_needsALiveAudit() public {
        Crowd memory crowd = _crowd(0, 1);
        _grant(crowd);
        _register(1);
        _bindFails(1, _one(crowd), _auditError(IAttestations.AttestationMissing.selector, crowd.batchId));
        vm.prank(auditor);
        attestations.attest(crowd.batchId, Codes.ATTEST_CONSENT_AUDIT, Codes.OUTCOME_NEGATIVE, DOCUMENT, UNTIL);
        _bindFails(1, _one(crowd), _auditError(IAttestations.AttestationNegative.selector, crowd.batchId));
        vm.prank(auditor);
        attestations.withdraw(crowd.batchId, Codes.ATTEST_CONSENT_AUDIT, DOCUMENT);
        _bindFails(1, _one(crowd), _auditError(IAttestations.AttestationEnded.selector, crowd.batchId));
        vm.prank(auditor);
        attestations.attest(crowd.batchId, Codes.ATTEST_CONSENT_AUDIT, Codes.OUTCOME_POSITIVE, DOCUMENT, START + 5);
        vm.warp(START + 6);
        bytes memory expired = abi.encodeWithSelector(
            IAttestations.AttestationExpired.selector, crowd.batchId, Codes.ATTEST_CONSENT_AUDIT, auditor, START + 5
        );
        _bindFails(1, _one(crowd), expired);
        vm.warp(START + 5);
        _bind(1, crowd);
    }

    function test_bind_refusesAnAuditByTheHolder() public {
        Crowd memory crowd = _crowd(0, 1);
        _grant(crowd);
        _register(1);
        IMembership.Admission memory admission = _admission(Codes.ROLE_PROVIDER | Codes.ROLE_AUDITOR);
        admission.identity = 0;
        vm.prank(admin);
        membership.change(provider, admission);
        _attest(provider, crowd.batchId, Codes.ATTEST_CONSENT_AUDIT);
        IConsents.Basis[] memory batches = _one(crowd);
        batches[0].auditor = provider;
        _bindFails(1, batches, abi.encodeWithSelector(IConsents.AuditorIsParty.selector, provider));
    }

    function test_bind_canBeRelayed() public {
        Crowd memory crowd = _crowd(0, 1);
        _grantAudited(crowd);
        _register(1);
        _relay("provider", address(consents), abi.encodeCall(IConsents.bind, (assetId, 1, _one(crowd))));
        vm.assertTrue(consents.basisState(assetId).closed);
    }

    // Shorthand.

    function _grantFails(Crowd memory crowd, bytes memory expected) private {
        vm.expectRevert(expected);
        _grant(crowd);
    }

    function _grantDirect(IConsents.Consent memory consent, bytes memory signature) private returns (bytes32) {
        vm.prank(consent.controller);
        return consents.grant(consent, SALT, signature);
    }

    function _grantDirectFails(IConsents.Consent memory consent, bytes memory signature, bytes memory expected) private {
        vm.expectRevert(expected);
        vm.prank(consent.controller);
        consents.grant(consent, SALT, signature);
    }

    function _bindFails(uint32 version, IConsents.Basis[] memory batches, bytes memory expected) private {
        vm.expectRevert(expected);
        vm.prank(provider);
        consents.bind(assetId, version, batches);
    }

    function _bindDisagrees(Crowd memory crowd, uint8 field) private {
        _grantAudited(crowd);
        _bindFails(1, _one(crowd), abi.encodeWithSelector(IConsents.TermsDisagree.selector, crowd.batchId, field));
    }

    function _auditError(bytes4 selector, bytes32 batchId) private view returns (bytes memory) {
        return abi.encodeWithSelector(selector, batchId, Codes.ATTEST_CONSENT_AUDIT, auditor);
    }
}
