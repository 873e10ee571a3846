// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";
import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Base} from "./Base.t.sol";

contract DataAssetsTest is Base {
    bytes32 private constant OTHER_SALT = keccak256("another salt");
    uint8 private constant DEIDENTIFIED = Codes.ATTEST_DEIDENTIFICATION;
    IDataAssets.Version private _none;

    // Registration.

    function test_ARegisteredAssetIsKeptAsStated() public {
        IDataAssets.Registration memory registration = _registration(SALT);
        IDataAssets.Version memory version = _version(500);
        uint256 id = dataAssets.assetIdOf(provider, SALT);
        bytes32 key = dataAssets.versionKeyOf(id, version);
        vm.expectEmit(true, true, true, true, address(dataAssets));
        emit IERC721.Transfer(address(0), provider, id);
        vm.expectEmit(true, true, true, true, address(dataAssets));
        emit IDataAssets.AssetRegistered(
            id, provider, DOCUMENT, SALT, Codes.KIND_PERSONAL, Codes.GRADE_GENERAL, 3, true, registration.parents
        );
        vm.expectEmit(true, true, true, true, address(dataAssets));
        emit IDataAssets.VersionPublished(id, 1, key, version.contentRoot, 500, version.descriptorHash);
        vm.prank(provider);
        vm.assertEq(dataAssets.register(registration, version), id);

        IDataAssets.Asset memory expected = IDataAssets.Asset({
            state: Codes.ASSET_REGISTERED,
            kind: Codes.KIND_PERSONAL,
            grade: Codes.GRADE_GENERAL,
            level: 3,
            personal: true,
            version: 1,
            recordCount: 500,
            holder: provider,
            versionKey: key
        });
        vm.assertEq(abi.encode(dataAssets.asset(id)), abi.encode(expected));
        vm.assertEq(dataAssets.ownerOf(id), provider);
        vm.assertEq(dataAssets.balanceOf(provider), 1);
    }

    function test_AnAssetMayBeRegisteredWithoutAVersion() public {
        vm.prank(provider);
        uint256 id = dataAssets.register(_registration(SALT), _none);
        vm.assertEq(dataAssets.asset(id).version, 0);
        vm.assertEq(dataAssets.asset(id).versionKey, bytes32(0));
        vm.assertEq(dataAssets.asset(id).state, Codes.ASSET_REGISTERED);
    }

    function test_AnUnknownAssetIsAllZeros() public view {
        IDataAssets.Asset memory nothing;
        vm.assertEq(abi.encode(dataAssets.asset(7)), abi.encode(nothing));
    }

    function testFuzz_AnIdIsTheHashOfChainContractRegistrantAndSalt(uint64 chain, address registrant, bytes32 salt) public {
        vm.assume(chain != 0);
        vm.chainId(chain);
        bytes32 expected = keccak256(abi.encode(uint256(chain), address(dataAssets), registrant, salt));
        vm.assertEq(dataAssets.assetIdOf(registrant, salt), uint256(expected));
    }

    function testFuzz_AVersionKeyIsTheHashOfWhatItBinds(uint256 id, bytes32 root, uint64 count, bytes32 descriptor) public view {
        bytes32 expected = keccak256(abi.encode(id, root, count, descriptor));
        vm.assertEq(dataAssets.versionKeyOf(id, IDataAssets.Version(root, count, descriptor)), expected);
    }

    function test_OnlyProvidersRegister() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMembership.RoleMissing.selector, buyer, Codes.ROLE_PROVIDER, Codes.ROLE_BUYER));
        dataAssets.register(_registration(SALT), _version(1));
    }

    function test_AnAssetIsRegisteredOnce() public {
        uint256 id = _register(1);
        _refuse(_registration(SALT), abi.encodeWithSelector(IDataAssets.AssetExists.selector, id));
    }

    function test_ACancelledAssetIsNotRegisteredAgain() public {
        uint256 id = _register(1);
        _cancel(id);
        _refuse(_registration(SALT), abi.encodeWithSelector(IDataAssets.AssetExists.selector, id));
    }

    function test_AnotherRegistrantHasAnotherId() public {
        uint256 id = _register(1);
        vm.prank(otherProvider);
        vm.assertNotEq(dataAssets.register(_registration(SALT), _version(1)), id);
    }

    function test_UnknownKindsAreRefused() public {
        IDataAssets.Registration memory registration = _registration(SALT);
        registration.kind = 0;
        _refuse(registration, abi.encodeWithSelector(IDataAssets.UnknownKind.selector, 0));
        registration.kind = Codes.KIND_DERIVED + 1;
        _refuse(registration, abi.encodeWithSelector(IDataAssets.UnknownKind.selector, Codes.KIND_DERIVED + 1));
    }

    function test_CoreDataIsRefused() public {
        _refuse(_graded(Codes.GRADE_CORE, 0), abi.encodeWithSelector(IDataAssets.CoreDataRefused.selector));
    }

    function test_UnknownGradesAreRefused() public {
        _refuse(_graded(0, 0), abi.encodeWithSelector(IDataAssets.UnknownGrade.selector, 0));
        _refuse(_graded(4, 0), abi.encodeWithSelector(IDataAssets.UnknownGrade.selector, 4));
    }

    function testFuzz_OnlyGeneralDataHasLevelsOneToFour(uint8 level) public {
        bool general = level >= 1 && level <= 4;
        if (!general) _refuse(_graded(1, level), abi.encodeWithSelector(IDataAssets.LevelNotOfGrade.selector, 1, level));
        if (level != 0) _refuse(_graded(2, level), abi.encodeWithSelector(IDataAssets.LevelNotOfGrade.selector, 2, level));
        vm.prank(provider);
        uint256 id = dataAssets.register(general ? _graded(1, level) : _graded(2, 0), _version(1));
        vm.assertEq(dataAssets.asset(id).level, general ? level : 0);
        vm.assertEq(dataAssets.asset(id).grade, general ? 1 : 2);
    }

    function test_BothEndsOfTheLevelsAreOpen() public {
        vm.startPrank(provider);
        dataAssets.register(_graded(Codes.GRADE_GENERAL, 4), _version(1));
        IDataAssets.Registration memory lowest = _graded(Codes.GRADE_GENERAL, 1);
        lowest.salt = OTHER_SALT;
        dataAssets.register(lowest, _version(1));
        vm.stopPrank();
    }

    function test_ASourceStatementIsNeeded() public {
        IDataAssets.Registration memory registration = _registration(SALT);
        registration.sourceHash = 0;
        _refuse(registration, abi.encodeWithSelector(IDataAssets.SourceMissing.selector));
    }

    // Lineage.

    function test_DerivedDataHasParentsAndNoOtherDoes() public {
        uint256 parent = _register(1);
        IDataAssets.Registration memory registration = _derivation(OTHER_SALT, parent);
        registration.kind = Codes.KIND_PUBLIC;
        _refuse(registration, abi.encodeWithSelector(IDataAssets.ParentsNotOfKind.selector, Codes.KIND_PUBLIC, 1));
        registration.kind = Codes.KIND_DERIVED;
        registration.parents = new uint256[](0);
        _refuse(registration, abi.encodeWithSelector(IDataAssets.ParentsNotOfKind.selector, Codes.KIND_DERIVED, 0));
    }

    function test_SixteenParentsAreTheMost() public {
        IDataAssets.Registration memory registration = _derivation(SALT, 1);
        registration.parents = new uint256[](17);
        _refuse(registration, abi.encodeWithSelector(IDataAssets.TooManyParents.selector, 17, 16));
        registration.parents = _ascending(16);
        registration.salt = OTHER_SALT;
        vm.prank(provider);
        uint256 id = dataAssets.register(registration, _version(1));
        vm.assertEq(dataAssets.asset(id).kind, Codes.KIND_DERIVED);
    }

    function test_ParentsAscend() public {
        IDataAssets.Registration memory registration = _derivation(OTHER_SALT, 0);
        registration.parents = _ascending(3);
        registration.parents[2] = registration.parents[1];
        _refuse(registration, abi.encodeWithSelector(IDataAssets.UnorderedParents.selector, 2));
        registration.parents[1] = registration.parents[0] - 1;
        _refuse(registration, abi.encodeWithSelector(IDataAssets.UnorderedParents.selector, 1));
    }

    function test_UnknownParentsAreRefused() public {
        _refuse(_derivation(SALT, 7), abi.encodeWithSelector(IDataAssets.UnknownAsset.selector, 7));
        _refuse(_derivation(SALT, 0), abi.encodeWithSelector(IDataAssets.UnknownAsset.selector, 0));
    }

    function test_CancelledParentsAreRefused() public {
        uint256 parent = _register(1);
        _cancel(parent);
        _refuse(_derivation(OTHER_SALT, parent), abi.encodeWithSelector(IDataAssets.AssetIsCancelled.selector, parent));
    }

    function test_HeldParentsAreRefused() public {
        uint256 parent = _register(1);
        _hold(bytes32(parent));
        _refuse(_derivation(OTHER_SALT, parent), abi.encodeWithSelector(ICases.Held.selector, bytes32(parent)));
    }

    function test_APersonalAncestorMakesAllDescendantsPersonal() public {
        vm.startPrank(provider);
        IDataAssets.Registration memory registration = _registration(SALT);
        registration.kind = Codes.KIND_ENTERPRISE;
        uint256 firm = dataAssets.register(registration, _version(1));
        uint256 ofFirm = dataAssets.register(_derivation(OTHER_SALT, firm), _version(1));
        uint256 person = dataAssets.register(_registration("person"), _version(1));
        uint256 child = dataAssets.register(_derivation("child", person), _version(1));
        uint256 grandchild = dataAssets.register(_derivation("grandchild", child), _version(1));
        vm.stopPrank();
        vm.assertFalse(dataAssets.asset(firm).personal);
        vm.assertFalse(dataAssets.asset(ofFirm).personal);
        vm.assertTrue(dataAssets.asset(child).personal);
        vm.assertTrue(dataAssets.asset(grandchild).personal);
    }

    function testFuzz_AGradeIsAtLeastThatOfEveryParent(uint16 grades, uint8 parents, bool important) public {
        uint256 count = 1 + (parents % 8);
        IDataAssets.Registration memory registration = _derivation("derived", 0);
        registration.parents = _ascending(count, grades);
        (registration.grade, registration.level) = important ? (Codes.GRADE_IMPORTANT, uint8(0)) : (Codes.GRADE_GENERAL, uint8(1));
        uint256 higher = _firstAbove(registration);
        if (higher != 0) {
            bytes4 below = IDataAssets.GradeBelowParent.selector;
            _refuse(registration, abi.encodeWithSelector(below, Codes.GRADE_GENERAL, higher, Codes.GRADE_IMPORTANT));
            return;
        }
        vm.prank(provider);
        uint256 id = dataAssets.register(registration, _version(1));
        for (uint256 i = 0; i < count; ++i) {
            vm.assertLe(dataAssets.asset(registration.parents[i]).grade, dataAssets.asset(id).grade);
        }
    }

    function test_AGradeBelowAParentsIsRefused() public {
        (IDataAssets.Registration memory registration,) = _lowered();
        uint256 parent = registration.parents[0];
        bytes4 below = IDataAssets.GradeBelowParent.selector;
        _refuse(registration, abi.encodeWithSelector(below, Codes.GRADE_GENERAL, parent, Codes.GRADE_IMPORTANT));
        (registration.grade, registration.level) = (Codes.GRADE_IMPORTANT, 0);
        vm.prank(provider);
        uint256 id = dataAssets.register(registration, _version(1));
        vm.assertEq(dataAssets.asset(id).grade, Codes.GRADE_IMPORTANT);
    }

    // Deidentified data.

    function test_ADeidentifiedVersionMayBeGradedBelowItsParent() public {
        (IDataAssets.Registration memory registration, bytes32 key) = _lowered();
        _attest(reviewer, key, DEIDENTIFIED);
        vm.prank(provider);
        uint256 id = dataAssets.registerDeidentified(registration, _version(1), reviewer);
        vm.assertEq(dataAssets.asset(id).grade, Codes.GRADE_GENERAL);
        vm.assertEq(dataAssets.asset(id).versionKey, key);
        vm.assertTrue(dataAssets.asset(id).personal);
    }

    function test_ALoweredGradeNeedsTheAttestationOfThatVersion() public {
        (IDataAssets.Registration memory registration, bytes32 key) = _lowered();
        bytes memory missing = abi.encodeWithSelector(IAttestations.AttestationMissing.selector, key, DEIDENTIFIED, reviewer);
        vm.prank(provider);
        vm.expectRevert(missing);
        dataAssets.registerDeidentified(registration, _version(1), reviewer);
    }

    function test_ALoweredGradeNeedsAVersion() public {
        (IDataAssets.Registration memory registration,) = _lowered();
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.ZeroContentRoot.selector));
        dataAssets.registerDeidentified(registration, _none, reviewer);
    }

    function test_TheRegistrantDoesNotAttestItsOwnDeidentification() public {
        (IDataAssets.Registration memory registration, bytes32 key) = _lowered();
        IMembership.Admission memory both = _admission(Codes.ROLE_PROVIDER | Codes.ROLE_REVIEWER);
        both.identity = 0;
        vm.prank(admin);
        membership.change(provider, both);
        _attest(provider, key, DEIDENTIFIED);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.AttesterIsParty.selector, provider));
        dataAssets.registerDeidentified(registration, _version(1), provider);
    }

    function test_EveryLaterVersionOfALoweredAssetNeedsItsOwn() public {
        (IDataAssets.Registration memory registration, bytes32 key) = _lowered();
        _attest(reviewer, key, DEIDENTIFIED);
        vm.startPrank(provider);
        uint256 id = dataAssets.registerDeidentified(registration, _version(1), reviewer);
        bytes32 next = dataAssets.versionKeyOf(id, _version(2));
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationMissing.selector, next, DEIDENTIFIED, address(0)));
        dataAssets.publish(id, _version(2));
        vm.expectRevert(abi.encodeWithSelector(IAttestations.AttestationMissing.selector, next, DEIDENTIFIED, reviewer));
        dataAssets.publishDeidentified(id, _version(2), reviewer);
        vm.stopPrank();
        _attest(reviewer, next, DEIDENTIFIED);
        vm.prank(provider);
        vm.assertEq(dataAssets.publishDeidentified(id, _version(2), reviewer), 2);
    }

    function test_AGradeThatIsNotLoweredNeedsNoDeidentification() public {
        uint256 parent = _register(1);
        vm.startPrank(provider);
        uint256 id = dataAssets.registerDeidentified(_derivation(OTHER_SALT, parent), _version(1), reviewer);
        vm.assertEq(dataAssets.publish(id, _version(2)), 2);
        vm.stopPrank();
    }

    // Versions.

    function test_ANewVersionSupersedesTheFormer() public {
        uint256 id = _register(500);
        IDataAssets.Version memory version = _version(700);
        bytes32 key = dataAssets.versionKeyOf(id, version);
        vm.expectEmit(true, true, true, true, address(dataAssets));
        emit IDataAssets.VersionPublished(id, 2, key, version.contentRoot, 700, version.descriptorHash);
        vm.prank(provider);
        vm.assertEq(dataAssets.publish(id, version), 2);
        vm.assertEq(dataAssets.asset(id).version, 2);
        vm.assertEq(dataAssets.asset(id).recordCount, 700);
        vm.assertEq(dataAssets.asset(id).versionKey, key);
    }

    function test_AVersionIsWhole() public {
        uint256 id = _register(1);
        bytes32 root = DOCUMENT;
        uint64 most = 1 << 32;
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.ZeroContentRoot.selector));
        dataAssets.publish(id, IDataAssets.Version(0, 1, DOCUMENT));
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.ZeroRecordCount.selector));
        dataAssets.publish(id, IDataAssets.Version(root, 0, DOCUMENT));
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.ZeroDescriptor.selector));
        dataAssets.publish(id, IDataAssets.Version(root, 1, 0));
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.RecordCountTooLarge.selector, most + 1, most));
        dataAssets.publish(id, IDataAssets.Version(root, most + 1, DOCUMENT));
        dataAssets.publish(id, IDataAssets.Version(root, most, DOCUMENT));
        vm.stopPrank();
        vm.assertEq(dataAssets.asset(id).recordCount, most);
    }

    function test_AFirstVersionIsAsWholeAsALaterOne() public {
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.ZeroRecordCount.selector));
        dataAssets.register(_registration(SALT), IDataAssets.Version(DOCUMENT, 0, DOCUMENT));
    }

    function test_OnlyTheHolderPublishes() public {
        uint256 id = _register(1);
        vm.prank(otherProvider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.NotHolder.selector, id, otherProvider));
        dataAssets.publish(id, _version(2));
    }

    function test_ASuspendedHolderDoesNotPublish() public {
        uint256 id = _register(1);
        _suspend(provider);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ParticipantIs.selector, provider, Codes.MEMBER_SUSPENDED));
        dataAssets.publish(id, _version(2));
    }

    function test_UnknownAssetsAreNotPublished() public {
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.UnknownAsset.selector, 7));
        dataAssets.publish(7, _version(2));
    }

    function test_HeldAssetsAndHeldVersionsAreNotPublished() public {
        uint256 id = _register(1);
        bytes32 key = dataAssets.versionKeyOf(id, _version(2));
        _hold(key);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICases.Held.selector, key));
        dataAssets.publish(id, _version(2));
        _hold(bytes32(id));
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICases.Held.selector, bytes32(id)));
        dataAssets.publish(id, _version(3));
    }

    // Cancellation.

    function test_ACancelledAssetKeepsItsHolderAndItsPast() public {
        uint256 id = _register(500);
        bytes32 key = dataAssets.asset(id).versionKey;
        vm.expectEmit(true, true, true, true, address(dataAssets));
        emit IDataAssets.AssetCancelled(id, provider, OTHER_DOCUMENT);
        vm.prank(provider);
        dataAssets.cancel(id, OTHER_DOCUMENT);
        vm.assertEq(dataAssets.asset(id).state, Codes.ASSET_CANCELLED);
        vm.assertEq(dataAssets.asset(id).holder, provider);
        vm.assertEq(dataAssets.asset(id).versionKey, key);
    }

    function test_AHeldAssetCanBeCancelled() public {
        uint256 id = _register(1);
        _hold(bytes32(id));
        _cancel(id);
        vm.assertEq(dataAssets.asset(id).state, Codes.ASSET_CANCELLED);
    }

    function test_OnlyTheHolderCancelsOnceWithADocument() public {
        uint256 id = _register(1);
        vm.prank(otherProvider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.NotHolder.selector, id, otherProvider));
        dataAssets.cancel(id, DOCUMENT);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.ZeroDocument.selector));
        dataAssets.cancel(id, 0);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.UnknownAsset.selector, 7));
        dataAssets.cancel(7, DOCUMENT);
        _cancel(id);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.AssetIsCancelled.selector, id));
        dataAssets.cancel(id, DOCUMENT);
    }

    function test_NothingFollowsACancellation() public {
        uint256 id = _register(1);
        _cancel(id);
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.AssetIsCancelled.selector, id);
        vm.startPrank(provider);
        vm.expectRevert(refusal);
        dataAssets.publish(id, _version(2));
        vm.expectRevert(refusal);
        dataAssets.transferFrom(provider, buyer, id);
        vm.expectRevert(refusal);
        dataAssets.approve(buyer, id);
        vm.stopPrank();
    }

    // Rights.

    function test_TheHolderHasAllThreeRightsAndNoOther() public {
        uint256 id = _register(1);
        for (uint8 right = 0; right < 5; ++right) {
            vm.assertEq(dataAssets.hasRight(id, provider, right), right >= 1 && right <= 3);
            vm.assertFalse(dataAssets.hasRight(id, otherProvider, right));
        }
        vm.assertFalse(dataAssets.hasRight(7, address(0), Codes.RIGHT_HOLD));
        _cancel(id);
        vm.assertFalse(dataAssets.hasRight(id, provider, Codes.RIGHT_HOLD));
    }

    // Transfers.

    function test_ATransferMovesAllRights() public {
        uint256 id = _register(1);
        vm.expectEmit(true, true, true, true, address(dataAssets));
        emit IERC721.Transfer(provider, otherProvider, id);
        vm.prank(provider);
        dataAssets.transferFrom(provider, otherProvider, id);
        vm.assertEq(dataAssets.asset(id).holder, otherProvider);
        vm.assertTrue(dataAssets.hasRight(id, otherProvider, Codes.RIGHT_OPERATE));
        vm.assertFalse(dataAssets.hasRight(id, provider, Codes.RIGHT_OPERATE));
        vm.prank(otherProvider);
        vm.assertEq(dataAssets.publish(id, _version(2)), 2);
    }

    function test_ATransferGoesOnlyToMembersInGoodStanding() public {
        uint256 id = _register(1);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        dataAssets.transferFrom(provider, stranger, id);
        _suspend(otherProvider);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ParticipantIs.selector, otherProvider, Codes.MEMBER_SUSPENDED));
        dataAssets.safeTransferFrom(provider, otherProvider, id);
    }

    function test_ASuspendedHolderDoesNotTransfer() public {
        uint256 id = _register(1);
        vm.prank(provider);
        dataAssets.approve(buyer, id);
        _suspend(provider);
        bytes memory refusal = abi.encodeWithSelector(IMembership.ParticipantIs.selector, provider, Codes.MEMBER_SUSPENDED);
        vm.prank(provider);
        vm.expectRevert(refusal);
        dataAssets.transferFrom(provider, otherProvider, id);
        vm.prank(buyer);
        vm.expectRevert(refusal);
        dataAssets.transferFrom(provider, otherProvider, id);
    }

    function test_ASuspendedAgentDoesNotTransfer() public {
        uint256 id = _register(1);
        vm.prank(provider);
        dataAssets.approve(buyer, id);
        _suspend(buyer);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_SUSPENDED));
        dataAssets.transferFrom(provider, otherProvider, id);
    }

    function test_HeldAssetsDoNotMove() public {
        uint256 id = _register(1);
        _hold(bytes32(id));
        bytes memory refusal = abi.encodeWithSelector(ICases.Held.selector, bytes32(id));
        vm.startPrank(provider);
        vm.expectRevert(refusal);
        dataAssets.transferFrom(provider, otherProvider, id);
        vm.expectRevert(refusal);
        dataAssets.safeTransferFrom(provider, otherProvider, id, "");
        vm.expectRevert(refusal);
        dataAssets.approve(otherProvider, id);
        vm.stopPrank();
        vm.prank(arbiter);
        cases.release(bytes32(id), DOCUMENT);
        vm.prank(provider);
        dataAssets.transferFrom(provider, otherProvider, id);
        vm.assertEq(dataAssets.ownerOf(id), otherProvider);
    }

    function test_OnlyTheHolderAndItsAgentsTransfer() public {
        uint256 id = _register(1);
        bytes4 insufficient = IERC721Errors.ERC721InsufficientApproval.selector;
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(insufficient, buyer, id));
        dataAssets.transferFrom(provider, otherProvider, id);
        vm.prank(provider);
        dataAssets.approve(buyer, id);
        vm.prank(buyer);
        dataAssets.transferFrom(provider, otherProvider, id);
        vm.assertEq(dataAssets.getApproved(id), address(0));
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(insufficient, buyer, id));
        dataAssets.transferFrom(otherProvider, provider, id);
    }

    function test_WhatDoesNotExistDoesNotMove() public {
        uint256 id = _register(1);
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.UnknownAsset.selector, 7));
        dataAssets.transferFrom(provider, otherProvider, 7);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0)));
        dataAssets.transferFrom(provider, address(0), id);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721IncorrectOwner.selector, buyer, id, provider));
        dataAssets.transferFrom(buyer, otherProvider, id);
        vm.stopPrank();
    }

    function test_NobodyMintsByATransferFromNobody() public {
        vm.prank(address(0));
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.UnknownAsset.selector, 7));
        dataAssets.transferFrom(address(0), otherProvider, 7);
    }

    function test_AContractWalletCanHoldAnAsset() public {
        uint256 id = _register(1);
        Wallet wallet = new Wallet(true);
        Wallet deaf = new Wallet(false);
        _admit(address(wallet), Codes.ROLE_PROVIDER);
        _admit(address(deaf), Codes.ROLE_PROVIDER);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(deaf)));
        dataAssets.safeTransferFrom(provider, address(deaf), id);
        vm.prank(provider);
        dataAssets.safeTransferFrom(provider, address(wallet), id);
        vm.assertEq(dataAssets.ownerOf(id), address(wallet));
    }

    // Approvals.

    function test_ApprovalsGoOnlyToMembersInGoodStanding() public {
        uint256 id = _register(1);
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        dataAssets.approve(stranger, id);
        vm.expectRevert(abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        dataAssets.setApprovalForAll(stranger, true);
        vm.expectEmit(true, true, true, true, address(dataAssets));
        emit IERC721.Approval(provider, buyer, id);
        dataAssets.approve(buyer, id);
        vm.expectEmit(true, true, true, true, address(dataAssets));
        emit IERC721.ApprovalForAll(provider, buyer, true);
        dataAssets.setApprovalForAll(buyer, true);
        vm.stopPrank();
        vm.assertEq(dataAssets.getApproved(id), buyer);
        vm.assertTrue(dataAssets.isApprovedForAll(provider, buyer));
    }

    function test_NobodyIsNoAgentAndNoHolder() public {
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IMembership.NotAdmitted.selector, address(0)));
        dataAssets.setApprovalForAll(address(0), true);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidOperator.selector, address(0)));
        dataAssets.setApprovalForAll(address(0), false);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidOwner.selector, address(0)));
        dataAssets.balanceOf(address(0));
        vm.stopPrank();
    }

    function test_OnlyMembersInGoodStandingApprove() public {
        uint256 id = _register(1);
        _suspend(provider);
        bytes memory refusal = abi.encodeWithSelector(IMembership.ParticipantIs.selector, provider, Codes.MEMBER_SUSPENDED);
        vm.startPrank(provider);
        vm.expectRevert(refusal);
        dataAssets.approve(buyer, id);
        vm.expectRevert(refusal);
        dataAssets.setApprovalForAll(buyer, true);
        vm.stopPrank();
    }

    function test_AnAgentForAllApprovesWhileInGoodStanding() public {
        uint256 id = _register(1);
        vm.prank(provider);
        dataAssets.setApprovalForAll(buyer, true);
        vm.prank(buyer);
        dataAssets.approve(otherProvider, id);
        vm.assertEq(dataAssets.getApproved(id), otherProvider);
        _suspend(buyer);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_SUSPENDED));
        dataAssets.approve(reviewer, id);
    }

    function test_OthersDoNotApprove() public {
        uint256 id = _register(1);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidApprover.selector, buyer));
        dataAssets.approve(buyer, id);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.UnknownAsset.selector, 7));
        dataAssets.approve(buyer, 7);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 7));
        dataAssets.approve(address(0), 7);
    }

    function test_AnApprovalCanAlwaysBeGivenUp() public {
        uint256 id = _register(1);
        vm.startPrank(provider);
        dataAssets.approve(buyer, id);
        dataAssets.setApprovalForAll(buyer, true);
        vm.stopPrank();
        _hold(bytes32(id));
        _suspend(provider);
        vm.startPrank(provider);
        dataAssets.approve(address(0), id);
        dataAssets.setApprovalForAll(buyer, false);
        vm.stopPrank();
        vm.assertEq(dataAssets.getApproved(id), address(0));
        vm.assertFalse(dataAssets.isApprovedForAll(provider, buyer));
    }

    function test_TheTokenSaysWhatItIs() public view {
        vm.assertEq(dataAssets.name(), "Deedbook Data Asset");
        vm.assertEq(dataAssets.symbol(), "DEED");
        vm.assertTrue(dataAssets.supportsInterface(type(IERC721).interfaceId));
    }

    // Every act in every state, everything twice, the longest list.

    function test_EveryActInEveryState() public {
        uint256 id = dataAssets.assetIdOf(provider, SALT);
        bytes[7] memory calls = _callsAbout(id);
        bytes memory unknown = abi.encodeWithSelector(IDataAssets.UnknownAsset.selector, id);
        bytes memory cancelled = abi.encodeWithSelector(IDataAssets.AssetIsCancelled.selector, id);
        for (uint256 i = 0; i < 4; ++i) {
            relaying = i % 2 == 1;
            for (uint256 j = 0; j < calls.length; ++j) {
                _isRefused(provider, address(dataAssets), calls[j], i < 2 ? unknown : cancelled);
            }
            if (i != 1) continue;
            _register(1);
            _everyActSucceeds(calls);
            _cancel(id);
        }
        _isRefused(provider, address(dataAssets), _registering(), abi.encodeWithSelector(IDataAssets.AssetExists.selector, id));
        vm.assertEq(dataAssets.asset(id).version, 1);
    }

    function _everyActSucceeds(bytes[7] memory calls) private {
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 state = vm.snapshotState();
            _acts(provider, address(dataAssets), calls[i]);
            vm.revertToState(state);
        }
    }

    function _callsAbout(uint256 id) private view returns (bytes[7] memory) {
        IDataAssets.Scope memory scope = IDataAssets.Scope(1, 1, START);
        return [
            abi.encodeCall(IDataAssets.publish, (id, _version(2))),
            abi.encodeCall(IDataAssets.publishDeidentified, (id, _version(2), reviewer)),
            abi.encodeCall(IDataAssets.cancel, (id, DOCUMENT)),
            abi.encodeCall(IDataAssets.change, (id, 1, DOCUMENT, DOCUMENT)),
            abi.encodeCall(IDataAssets.grantRight, (id, otherProvider, Codes.RIGHT_PROCESS, scope, DOCUMENT)),
            abi.encodeCall(dataAssets.transferFrom, (provider, otherProvider, id)),
            abi.encodeCall(dataAssets.approve, (buyer, id))
        ];
    }

    function test_EachCallTwiceInOneBlock() public {
        address to = address(dataAssets);
        _acts(provider, to, _registering());
        uint256 id = dataAssets.assetIdOf(provider, SALT);
        _isRefused(provider, to, _registering(), abi.encodeWithSelector(IDataAssets.AssetExists.selector, id));
        bytes memory call = abi.encodeCall(IDataAssets.publish, (id, _version(2)));
        _acts(provider, to, call);
        _acts(provider, to, call);
        vm.assertEq(dataAssets.asset(id).version, 3);
        call = abi.encodeCall(dataAssets.transferFrom, (provider, otherProvider, id));
        _acts(provider, to, call);
        _isRefused(provider, to, call, abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, provider, id));
        call = abi.encodeCall(IDataAssets.cancel, (id, DOCUMENT));
        _acts(otherProvider, to, call);
        _isRefused(otherProvider, to, call, abi.encodeWithSelector(IDataAssets.AssetIsCancelled.selector, id));
    }

    function test_TenThousandParentsAreRefused() public {
        IDataAssets.Registration memory registration = _derivation(SALT, 1);
        registration.parents = new uint256[](10_000);
        _refuse(registration, abi.encodeWithSelector(IDataAssets.TooManyParents.selector, 10_000, 16));
    }

    function test_EveryFieldOfARegistrationAtItsMost() public {
        bytes32 most = bytes32(type(uint256).max);
        IDataAssets.Registration memory registration = _registration(most);
        (registration.kind, registration.sourceHash) = (type(uint8).max, most);
        _refuse(registration, abi.encodeWithSelector(IDataAssets.UnknownKind.selector, type(uint8).max));
        (registration.kind, registration.grade) = (Codes.KIND_PUBLIC, type(uint8).max);
        _refuse(registration, abi.encodeWithSelector(IDataAssets.UnknownGrade.selector, type(uint8).max));
        (registration.grade, registration.level) = (Codes.GRADE_GENERAL, type(uint8).max);
        _refuse(registration, abi.encodeWithSelector(IDataAssets.LevelNotOfGrade.selector, Codes.GRADE_GENERAL, type(uint8).max));
        registration.level = 4;
        IDataAssets.Version memory version = IDataAssets.Version(most, type(uint64).max, most);
        uint64 limit = 1 << 32;
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IDataAssets.RecordCountTooLarge.selector, version.recordCount, limit));
        dataAssets.register(registration, version);
        version.recordCount = limit;
        dataAssets.register(registration, version);
        vm.stopPrank();
        vm.assertEq(dataAssets.asset(dataAssets.assetIdOf(provider, most)).recordCount, limit);
    }

    // Words.

    function _registering() private pure returns (bytes memory) {
        return abi.encodeCall(IDataAssets.register, (_registration(SALT), _version(1)));
    }

    function _refuse(IDataAssets.Registration memory registration, bytes memory refusal) private {
        IDataAssets.Version memory version = _version(1);
        vm.prank(provider);
        vm.expectRevert(refusal);
        dataAssets.register(registration, version);
    }

    function _cancel(uint256 id) private {
        vm.prank(provider);
        dataAssets.cancel(id, DOCUMENT);
    }

    function _graded(uint8 grade, uint8 level) private pure returns (IDataAssets.Registration memory registration) {
        registration = _registration(SALT);
        (registration.grade, registration.level) = (grade, level);
    }

    /// A GENERAL registration below an IMPORTANT parent, and the key of its version of one record.
    function _lowered() private returns (IDataAssets.Registration memory registration, bytes32 versionKey) {
        vm.prank(provider);
        uint256 parent = dataAssets.register(_graded(Codes.GRADE_IMPORTANT, 0), _version(1));
        registration = _derivation(OTHER_SALT, parent);
        versionKey = dataAssets.versionKeyOf(dataAssets.assetIdOf(provider, OTHER_SALT), _version(1));
    }

    function _firstAbove(IDataAssets.Registration memory registration) private view returns (uint256) {
        for (uint256 i = 0; i < registration.parents.length; ++i) {
            if (dataAssets.asset(registration.parents[i]).grade > registration.grade) return registration.parents[i];
        }
        return 0;
    }

    /// Registered assets in ascending order, all of them GENERAL.
    function _ascending(uint256 count) private returns (uint256[] memory) {
        return _ascending(count, 0);
    }

    /// Registered assets in ascending order; bit i of `important` grades one of them (not the i-th).
    function _ascending(uint256 count, uint16 important) private returns (uint256[] memory ids) {
        ids = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            bool high = (important >> i) & 1 == 1;
            IDataAssets.Registration memory registration = high ? _graded(Codes.GRADE_IMPORTANT, 0) : _registration(SALT);
            registration.salt = bytes32(i + 1);
            vm.prank(provider);
            uint256 id = dataAssets.register(registration, _version(1));
            uint256 at = i;
            for (; at > 0 && ids[at - 1] > id; --at) {
                ids[at] = ids[at - 1];
            }
            ids[at] = id;
        }
    }
}

contract Wallet is IERC721Receiver {
    bool private immutable _listens;

    constructor(bool listens) {
        _listens = listens;
    }

    function onERC721Received(address, address, uint256, bytes calldata) external view returns (bytes4) {
        return _listens ? IERC721Receiver.onERC721Received.selector : bytes4(0);
    }
}
