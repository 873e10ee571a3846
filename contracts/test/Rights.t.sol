// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ICases} from "../src/interfaces/ICases.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Base} from "./Base.t.sol";

/// The licence among the registration acts: PROCESS and OPERATE, granted, granted on, ended.
contract RightsTest is Base {
    uint8 internal constant HOLD = Codes.RIGHT_HOLD;
    uint8 internal constant PROCESS = Codes.RIGHT_PROCESS;
    uint8 internal constant OPERATE = Codes.RIGHT_OPERATE;
    uint16 private constant CALL = Codes.MODE_CALL;
    uint16 private constant RAW = Codes.MODE_RAW;
    uint16 private constant CREDIT = Codes.PURPOSE_CREDIT;
    uint16 private constant RESEARCH = Codes.PURPOSE_RESEARCH;
    uint64 private constant TERM = START + 100;
    uint64 private constant FURTHEST = type(uint40).max;

    uint256 private id;
    address private processor = _account("processor");
    address private vendor = _account("vendor");

    function setUp() public virtual override {
        super.setUp();
        _admit(processor, Codes.ROLE_PROVIDER);
        _admit(vendor, Codes.ROLE_PROVIDER);
        id = _register(1);
    }

    // Granting.

    function test_AGrantedRightIsKeptAsStated() public {
        IDataAssets.Scope memory scope = IDataAssets.Scope(CALL | RAW, _bits(CREDIT) | _bits(RESEARCH), TERM);
        vm.expectEmit(true, true, true, true, address(dataAssets));
        emit IDataAssets.RightGranted(id, vendor, OPERATE, provider, scope.modes, scope.purposes, TERM, DOCUMENT);
        _grant(provider, vendor, OPERATE, scope);
        (address grantor, IDataAssets.Scope memory found) = dataAssets.rightOf(id, vendor, OPERATE);
        vm.assertEq(grantor, provider);
        vm.assertEq(abi.encode(found.modes, found.purposes, found.validUntil), abi.encode(scope.modes, scope.purposes, TERM));
        vm.assertTrue(dataAssets.hasRight(id, vendor, OPERATE));
        vm.assertFalse(dataAssets.hasRight(id, vendor, PROCESS));
        vm.assertFalse(dataAssets.hasRight(id, vendor, HOLD));
    }

    function test_ARightThatWasNeverGrantedIsAllZeros() public view {
        (address grantor, IDataAssets.Scope memory scope) = dataAssets.rightOf(id, vendor, OPERATE);
        vm.assertEq(grantor, address(0));
        vm.assertEq(abi.encode(scope), abi.encode(IDataAssets.Scope(0, 0, 0)));
        (grantor,) = dataAssets.rightOf(7, vendor, 0);
        vm.assertEq(grantor, address(0));
    }

    function test_TheHolderOperatesInEveryModeForEveryPurpose() public view {
        (IDataAssets.Asset memory asset, bool operates) = dataAssets.operated(id, provider, RAW, type(uint16).max);
        vm.assertTrue(operates);
        vm.assertEq(abi.encode(asset), abi.encode(dataAssets.asset(id)));
    }

    function test_AnOperatorOperatesInsideItsScope() public {
        _grant(provider, vendor, OPERATE, IDataAssets.Scope(CALL | RAW, _bits(CREDIT), TERM));
        vm.assertTrue(_operates(vendor, CALL, CREDIT));
        vm.assertTrue(_operates(vendor, RAW, CREDIT));
        vm.assertTrue(_operates(vendor, CALL | RAW, CREDIT));
        vm.assertFalse(_operates(vendor, Codes.MODE_OPEN, CREDIT));
        vm.assertFalse(_operates(vendor, CALL | Codes.MODE_OPEN, CREDIT));
        vm.assertFalse(_operates(vendor, 0, CREDIT));
        vm.assertFalse(_operates(vendor, uint16(1) << 8, CREDIT));
        vm.assertFalse(_operates(vendor, CALL, RESEARCH));
        vm.assertFalse(_operates(vendor, CALL, 0));
        vm.assertFalse(_operates(vendor, CALL, 16 + CREDIT));
        vm.assertFalse(_operates(vendor, CALL, type(uint16).max));
    }

    function testFuzz_OperatedIsTheScopeBitByBit(uint8 modes, uint16 purposes, uint16 mode, uint16 purpose) public {
        modes &= uint8(Codes.MODES_ALL);
        vm.assume(modes != 0 && purposes != 0);
        _grant(provider, vendor, OPERATE, IDataAssets.Scope(modes, purposes, TERM));
        mode = uint16(1) << (mode % 16);
        purpose = purpose % 20;
        bool expected = modes & mode != 0 && purpose < 16 && purposes & (uint256(1) << purpose) != 0;
        vm.assertEq(_operates(vendor, mode, purpose), expected);
    }

    function test_OperatedOfAnUnknownAssetIsNobodys() public view {
        (IDataAssets.Asset memory asset, bool operates) = dataAssets.operated(7, address(0), CALL, CREDIT);
        vm.assertFalse(operates);
        vm.assertEq(asset.state, Codes.ASSET_NONE);
    }

    function test_AProcessorDoesNotOperateByThat() public {
        _grant(provider, processor, PROCESS, _wide());
        vm.assertTrue(dataAssets.hasRight(id, processor, PROCESS));
        vm.assertFalse(dataAssets.hasRight(id, processor, OPERATE));
        vm.assertFalse(_operates(processor, CALL, CREDIT));
    }

    function test_AProcessorGrantsOn() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(processor, vendor, OPERATE, _narrow());
        (address grantor,) = dataAssets.rightOf(id, vendor, OPERATE);
        vm.assertEq(grantor, processor);
        vm.assertTrue(_operates(vendor, CALL, CREDIT));
        vm.assertTrue(dataAssets.hasRight(id, vendor, OPERATE));
    }

    function test_OnlyTheHolderGrantsProcess() public {
        _grant(provider, processor, PROCESS, _wide());
        bytes memory call = _granting(vendor, PROCESS, _narrow());
        _refuse(processor, call, abi.encodeWithSelector(IDataAssets.NotHolder.selector, id, processor));
        _refuse(vendor, _granting(processor, PROCESS, _narrow()), abi.encodeWithSelector(IDataAssets.NotHolder.selector, id, vendor));
        _refuse(stranger, call, abi.encodeWithSelector(IDataAssets.NotHolder.selector, id, stranger));
    }

    function test_OnlyProcessorsGrantOn() public {
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.RightMissing.selector, id, processor, PROCESS);
        _refuse(processor, _granting(vendor, OPERATE, _narrow()), refusal);
        _grant(provider, processor, OPERATE, _wide());
        _refuse(processor, _granting(vendor, OPERATE, _narrow()), refusal);
    }

    function test_OnlyProcessAndOperateAreGranted() public {
        for (uint256 i = 0; i < 4; ++i) {
            uint8 right = [0, HOLD, OPERATE + 1, type(uint8).max][i];
            _refuse(provider, _granting(vendor, right, _narrow()), abi.encodeWithSelector(IDataAssets.UnknownRight.selector, right));
        }
    }

    function test_AScopeHasModesAndPurposes() public {
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.ScopeEmpty.selector);
        _refuse(provider, _granting(vendor, OPERATE, IDataAssets.Scope(0, 1, TERM)), refusal);
        _refuse(provider, _granting(vendor, OPERATE, IDataAssets.Scope(1, 0, TERM)), refusal);
    }

    function test_TheHoldersScopeHasAnEdgeToo() public {
        uint16 modes = Codes.MODES_ALL;
        uint16 purposes = type(uint16).max;
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.ScopeTooWide.selector, id, modes, purposes, FURTHEST);
        _refuse(provider, _granting(vendor, OPERATE, IDataAssets.Scope(modes + 1, 1, TERM)), refusal);
        _refuse(provider, _granting(vendor, OPERATE, IDataAssets.Scope(type(uint16).max, 1, TERM)), refusal);
        _refuse(provider, _granting(vendor, OPERATE, IDataAssets.Scope(1, 1, FURTHEST + 1)), refusal);
        _refuse(provider, _granting(vendor, OPERATE, IDataAssets.Scope(1, 1, type(uint64).max)), refusal);
        _grant(provider, vendor, OPERATE, IDataAssets.Scope(modes, purposes, FURTHEST));
        vm.warp(FURTHEST);
        vm.assertTrue(_operates(vendor, RAW, 15));
    }

    function test_AScopeLiesInsideTheGrantors() public {
        _grant(provider, processor, PROCESS, IDataAssets.Scope(CALL | RAW, _bits(CREDIT), TERM));
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.ScopeTooWide.selector, id, CALL | RAW, _bits(CREDIT), TERM);
        _refuse(processor, _granting(vendor, OPERATE, IDataAssets.Scope(CALL | Codes.MODE_OPEN, _bits(CREDIT), TERM)), refusal);
        _refuse(processor, _granting(vendor, OPERATE, IDataAssets.Scope(CALL, _bits(CREDIT) | 1, TERM)), refusal);
        _refuse(processor, _granting(vendor, OPERATE, IDataAssets.Scope(CALL, _bits(CREDIT), TERM + 1)), refusal);
        _grant(processor, vendor, OPERATE, IDataAssets.Scope(CALL | RAW, _bits(CREDIT), TERM));
    }

    function testFuzz_WhatIsGrantedOnIsNeverWider(uint8 outer, uint16 outerPurposes, uint8 inner, uint16 innerPurposes, uint8 term) public {
        (outer, inner) = (outer & uint8(Codes.MODES_ALL), inner & uint8(Codes.MODES_ALL));
        vm.assume(outer != 0 && inner != 0 && outerPurposes != 0 && innerPurposes != 0);
        _grant(provider, processor, PROCESS, IDataAssets.Scope(outer, outerPurposes, TERM));
        uint64 until = START + term;
        bytes memory call = _granting(vendor, OPERATE, IDataAssets.Scope(inner, innerPurposes, until));
        if (inner | outer == outer && innerPurposes | outerPurposes == outerPurposes && until <= TERM) {
            return _acts(processor, address(dataAssets), call);
        }
        _refuse(processor, call, abi.encodeWithSelector(IDataAssets.ScopeTooWide.selector, id, outer, outerPurposes, TERM));
    }

    function test_ATermIsNotInThePast() public {
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.ValidityInThePast.selector, START - 1, START);
        _refuse(provider, _granting(vendor, OPERATE, IDataAssets.Scope(1, 1, START - 1)), refusal);
        _grant(provider, vendor, OPERATE, IDataAssets.Scope(1, 1, START));
        vm.assertTrue(dataAssets.hasRight(id, vendor, OPERATE));
    }

    function test_NobodyGrantsToThemselves() public {
        _refuse(provider, _granting(provider, PROCESS, _wide()), abi.encodeWithSelector(IDataAssets.GrantorIsGrantee.selector, provider));
        _grant(provider, processor, PROCESS, _wide());
        bytes memory call = _granting(processor, OPERATE, _narrow());
        _refuse(processor, call, abi.encodeWithSelector(IDataAssets.GrantorIsGrantee.selector, processor));
    }

    function test_AGrantHasADocument() public {
        bytes memory call = abi.encodeCall(IDataAssets.grantRight, (id, vendor, OPERATE, _narrow(), bytes32(0)));
        _refuse(provider, call, abi.encodeWithSelector(IDataAssets.ZeroDocument.selector));
    }

    function test_TheGranteeIsAProviderInGoodStanding() public {
        bytes memory refusal = abi.encodeWithSelector(IMembership.RoleMissing.selector, buyer, Codes.ROLE_PROVIDER, Codes.ROLE_BUYER);
        _refuse(provider, _granting(buyer, OPERATE, _narrow()), refusal);
        refusal = abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger);
        _refuse(provider, _granting(stranger, OPERATE, _narrow()), refusal);
        _refuse(provider, _granting(address(0), OPERATE, _narrow()), abi.encodeWithSelector(IMembership.NotAdmitted.selector, address(0)));
        _suspend(vendor);
        refusal = abi.encodeWithSelector(IMembership.ParticipantIs.selector, vendor, Codes.MEMBER_SUSPENDED);
        _refuse(provider, _granting(vendor, OPERATE, _narrow()), refusal);
    }

    function test_TheGrantorIsInGoodStanding() public {
        _grant(provider, processor, PROCESS, _wide());
        _suspend(processor);
        bytes memory refusal = abi.encodeWithSelector(IMembership.ParticipantIs.selector, processor, Codes.MEMBER_SUSPENDED);
        _refuse(processor, _granting(vendor, OPERATE, _narrow()), refusal);
        _suspend(provider);
        refusal = abi.encodeWithSelector(IMembership.ParticipantIs.selector, provider, Codes.MEMBER_SUSPENDED);
        _refuse(provider, _granting(vendor, OPERATE, _narrow()), refusal);
    }

    function test_OneRightOfAKindStandsAtATime() public {
        _grant(provider, vendor, OPERATE, _narrow());
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.RightStands.selector, id, vendor, OPERATE);
        _refuse(provider, _granting(vendor, OPERATE, _wide()), refusal);
        _grant(provider, processor, PROCESS, _wide());
        _refuse(processor, _granting(vendor, OPERATE, _narrow()), refusal);
        _grant(provider, vendor, PROCESS, _wide());
        _refuse(
            provider, _granting(vendor, PROCESS, _wide()), abi.encodeWithSelector(IDataAssets.RightStands.selector, id, vendor, PROCESS)
        );
    }

    function test_NothingIsGrantedInWhatIsUnknownCancelledOrHeld() public {
        bytes memory call = abi.encodeCall(IDataAssets.grantRight, (7, vendor, OPERATE, _narrow(), DOCUMENT));
        _refuse(provider, call, abi.encodeWithSelector(IDataAssets.UnknownAsset.selector, 7));
        _hold(bytes32(id));
        _refuse(provider, _granting(vendor, OPERATE, _narrow()), abi.encodeWithSelector(ICases.Held.selector, bytes32(id)));
        _acts(provider, address(dataAssets), abi.encodeCall(IDataAssets.cancel, (id, DOCUMENT)));
        _refuse(provider, _granting(vendor, OPERATE, _narrow()), abi.encodeWithSelector(IDataAssets.AssetIsCancelled.selector, id));
    }

    // How a right ends.

    function test_ARightEndsAfterItsLastSecond() public {
        _grant(provider, vendor, OPERATE, _narrow());
        for (uint64 time = TERM - 1; time <= TERM + 1; ++time) {
            vm.warp(time);
            vm.assertEq(dataAssets.hasRight(id, vendor, OPERATE), time <= TERM);
            vm.assertEq(_operates(vendor, CALL, CREDIT), time <= TERM);
        }
    }

    function test_WhatWasGrantedOnEndsWithItsTermToo() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(processor, vendor, OPERATE, _narrow());
        for (uint64 time = TERM - 1; time <= TERM + 1; ++time) {
            vm.warp(time);
            vm.assertEq(_operates(vendor, CALL, CREDIT), time <= TERM);
            vm.assertTrue(dataAssets.hasRight(id, processor, PROCESS));
        }
    }

    function test_AProcessorWhoseTermIsOverGrantsNothing() public {
        _grant(provider, processor, PROCESS, IDataAssets.Scope(CALL, _bits(CREDIT), TERM));
        vm.warp(TERM + 1);
        bytes memory call = _granting(vendor, OPERATE, IDataAssets.Scope(CALL, _bits(CREDIT), TERM + 1));
        _refuse(processor, call, abi.encodeWithSelector(IDataAssets.RightMissing.selector, id, processor, PROCESS));
    }

    function test_ItsGrantorItsGranteeAndTheHolderEndARight() public {
        _grant(provider, processor, PROCESS, _wide());
        address[3] memory ending = [processor, vendor, provider];
        for (uint256 i = 0; i < 3; ++i) {
            _grant(processor, vendor, OPERATE, _narrow());
            vm.expectEmit(true, true, true, true, address(dataAssets));
            emit IDataAssets.RightEnded(id, vendor, OPERATE, ending[i], OTHER_DOCUMENT);
            _end(ending[i], vendor, OPERATE);
            vm.assertFalse(dataAssets.hasRight(id, vendor, OPERATE));
            vm.assertFalse(_operates(vendor, CALL, CREDIT));
            (address grantor,) = dataAssets.rightOf(id, vendor, OPERATE);
            vm.assertEq(grantor, address(0));
        }
    }

    function test_OthersEndNoRight() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(provider, vendor, OPERATE, _narrow());
        bytes memory call = _ending(vendor, OPERATE);
        _refuse(processor, call, abi.encodeWithSelector(IDataAssets.NotHolder.selector, id, processor));
        _refuse(stranger, call, abi.encodeWithSelector(IDataAssets.NotHolder.selector, id, stranger));
    }

    function test_OnlyARightThatLivesIsEnded() public {
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.RightMissing.selector, id, vendor, OPERATE);
        _refuse(provider, _ending(vendor, OPERATE), refusal);
        _grant(provider, vendor, OPERATE, _narrow());
        _refuse(provider, _ending(vendor, PROCESS), abi.encodeWithSelector(IDataAssets.RightMissing.selector, id, vendor, PROCESS));
        _end(vendor, vendor, OPERATE);
        _refuse(vendor, _ending(vendor, OPERATE), refusal);
        _grant(provider, vendor, OPERATE, _narrow());
        vm.warp(TERM + 1);
        _refuse(provider, _ending(vendor, OPERATE), refusal);
    }

    function test_AnEndHasADocument() public {
        _grant(provider, vendor, OPERATE, _narrow());
        bytes memory call = abi.encodeCall(IDataAssets.endRight, (id, vendor, OPERATE, bytes32(0)));
        _refuse(vendor, call, abi.encodeWithSelector(IDataAssets.ZeroDocument.selector));
    }

    function test_ARightIsEndedUnderAHoldAndByTheExpelled() public {
        _grant(provider, vendor, OPERATE, _narrow());
        _hold(bytes32(id));
        vm.prank(admin);
        membership.expel(provider, 1);
        _end(provider, vendor, OPERATE);
        vm.assertFalse(_operates(vendor, CALL, CREDIT));
    }

    function test_WhatWasGrantedOnEndsWithTheRightItCameFrom() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(processor, vendor, OPERATE, _narrow());
        _end(provider, processor, PROCESS);
        vm.assertFalse(dataAssets.hasRight(id, vendor, OPERATE));
        vm.assertFalse(_operates(vendor, CALL, CREDIT));
        _refuse(processor, _ending(vendor, OPERATE), abi.encodeWithSelector(IDataAssets.RightMissing.selector, id, vendor, OPERATE));
    }

    function test_AnEndedRightNeverComesBack() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(processor, vendor, OPERATE, _narrow());
        _end(processor, processor, PROCESS);
        _grant(provider, processor, PROCESS, _wide());
        vm.assertFalse(_operates(vendor, CALL, CREDIT));
        _grant(processor, vendor, OPERATE, _narrow());
        vm.assertTrue(_operates(vendor, CALL, CREDIT));
    }

    function test_AnExpiredRightDoesNotComeBackWithItsGrantors() public {
        _grant(provider, processor, PROCESS, IDataAssets.Scope(CALL, _bits(CREDIT), TERM));
        _grant(processor, vendor, OPERATE, IDataAssets.Scope(CALL, _bits(CREDIT), TERM));
        vm.warp(TERM + 1);
        _grant(provider, processor, PROCESS, _wide());
        vm.assertFalse(dataAssets.hasRight(id, vendor, OPERATE));
        _grant(processor, vendor, OPERATE, IDataAssets.Scope(CALL, _bits(CREDIT), TERM + 9));
    }

    function test_RightsOfOneGrantorEndApart() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(provider, vendor, PROCESS, _wide());
        _grant(processor, otherProvider, OPERATE, _narrow());
        _end(provider, vendor, PROCESS);
        vm.assertTrue(dataAssets.hasRight(id, processor, PROCESS));
        vm.assertTrue(dataAssets.hasRight(id, otherProvider, OPERATE));
    }

    function test_ATransferEndsAllRights() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(processor, vendor, OPERATE, _narrow());
        _grant(provider, otherProvider, OPERATE, _narrow());
        _move(provider, otherProvider);
        _assertNoRights();
        vm.assertTrue(_operates(otherProvider, RAW, CREDIT));
        vm.assertFalse(dataAssets.hasRight(id, provider, PROCESS));
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.RightMissing.selector, id, processor, PROCESS);
        _refuse(processor, _granting(vendor, OPERATE, _narrow()), refusal);
        _refuse(provider, _ending(processor, PROCESS), refusal);
    }

    function test_ATransferBackBringsNoRightBack() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(processor, vendor, OPERATE, _narrow());
        _move(provider, otherProvider);
        _move(otherProvider, provider);
        _assertNoRights();
        _grant(provider, processor, PROCESS, _wide());
        vm.assertFalse(dataAssets.hasRight(id, vendor, OPERATE));
        vm.assertTrue(dataAssets.hasRight(id, processor, PROCESS));
    }

    function test_ATransferToTheProcessorEndsWhatItGranted() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(processor, vendor, OPERATE, _narrow());
        _move(provider, processor);
        vm.assertFalse(dataAssets.hasRight(id, vendor, OPERATE));
        vm.assertTrue(dataAssets.hasRight(id, processor, PROCESS));
    }

    function test_ATransferToOneselfIsATransfer() public {
        _grant(provider, vendor, OPERATE, _narrow());
        _move(provider, provider);
        vm.assertFalse(dataAssets.hasRight(id, vendor, OPERATE));
    }

    function test_TheNextHolderGrantsAnew() public {
        _grant(provider, vendor, OPERATE, _narrow());
        _move(provider, otherProvider);
        _grant(otherProvider, vendor, OPERATE, _narrow());
        vm.assertTrue(_operates(vendor, CALL, CREDIT));
        _refuse(provider, _ending(vendor, OPERATE), abi.encodeWithSelector(IDataAssets.NotHolder.selector, id, provider));
    }

    function test_ACancellationEndsAllRights() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(processor, vendor, OPERATE, _narrow());
        _acts(provider, address(dataAssets), abi.encodeCall(IDataAssets.cancel, (id, DOCUMENT)));
        _assertNoRights();
        vm.assertFalse(_operates(provider, CALL, CREDIT));
        _refuse(provider, _ending(vendor, OPERATE), abi.encodeWithSelector(IDataAssets.RightMissing.selector, id, vendor, OPERATE));
    }

    function test_ASuspensionOfTheGrantorEndsNoRight() public {
        _grant(provider, processor, PROCESS, _wide());
        _grant(processor, vendor, OPERATE, _narrow());
        _suspend(processor);
        _suspend(provider);
        vm.assertTrue(_operates(vendor, CALL, CREDIT));
    }

    function test_AHoldEndsNoRight() public {
        _grant(provider, vendor, OPERATE, _narrow());
        _hold(bytes32(id));
        vm.assertTrue(_operates(vendor, CALL, CREDIT));
    }

    function test_RightsInOneAssetAreNoneInAnother() public {
        _grant(provider, processor, PROCESS, _wide());
        _acts(provider, address(dataAssets), abi.encodeCall(IDataAssets.register, (_registration("second"), _version(1))));
        uint256 second = dataAssets.assetIdOf(provider, "second");
        vm.assertFalse(dataAssets.hasRight(second, processor, PROCESS));
        bytes memory call = abi.encodeCall(IDataAssets.grantRight, (second, vendor, OPERATE, _narrow(), DOCUMENT));
        _refuse(processor, call, abi.encodeWithSelector(IDataAssets.RightMissing.selector, second, processor, PROCESS));
    }

    function test_ARightHolderIsNoHolder() public {
        _grant(provider, vendor, OPERATE, _wide());
        _grant(provider, vendor, PROCESS, _wide());
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.NotHolder.selector, id, vendor);
        _refuse(vendor, abi.encodeCall(IDataAssets.publish, (id, _version(2))), refusal);
        _refuse(vendor, abi.encodeCall(IDataAssets.cancel, (id, DOCUMENT)), refusal);
        _refuse(vendor, abi.encodeCall(IDataAssets.change, (id, 2, DOCUMENT, DOCUMENT)), refusal);
    }

    function test_EachCallTwiceInOneBlock() public {
        bytes memory grant = _granting(vendor, OPERATE, _narrow());
        _acts(provider, address(dataAssets), grant);
        _refuse(provider, grant, abi.encodeWithSelector(IDataAssets.RightStands.selector, id, vendor, OPERATE));
        bytes memory end = _ending(vendor, OPERATE);
        _acts(provider, address(dataAssets), end);
        _refuse(provider, end, abi.encodeWithSelector(IDataAssets.RightMissing.selector, id, vendor, OPERATE));
        _acts(provider, address(dataAssets), grant);
        _acts(vendor, address(dataAssets), end);
        vm.assertFalse(dataAssets.hasRight(id, vendor, OPERATE));
    }

    // Change, the fourth act.

    function test_AChangeReplacesLevelAndSource() public {
        vm.expectEmit(true, true, true, true, address(dataAssets));
        emit IDataAssets.AssetChanged(id, provider, OTHER_DOCUMENT, Codes.GRADE_GENERAL, 1, DOCUMENT);
        _acts(provider, address(dataAssets), _changing(1, OTHER_DOCUMENT));
        IDataAssets.Asset memory asset = dataAssets.asset(id);
        vm.assertEq(asset.level, 1);
        vm.assertEq(asset.grade, Codes.GRADE_GENERAL);
        vm.assertEq(asset.version, 1);
        _acts(provider, address(dataAssets), _changing(1, OTHER_DOCUMENT));
    }

    function testFuzz_AChangeStaysInsideTheGrade(uint8 level) public {
        if (level < 1 || level > 4) {
            bytes memory refusal = abi.encodeWithSelector(IDataAssets.LevelNotOfGrade.selector, Codes.GRADE_GENERAL, level);
            return _refuse(provider, _changing(level, DOCUMENT), refusal);
        }
        _acts(provider, address(dataAssets), _changing(level, DOCUMENT));
        vm.assertEq(dataAssets.asset(id).level, level);
    }

    function test_AnImportantAssetHasNoLevel() public {
        IDataAssets.Registration memory registration = _registration("important");
        (registration.grade, registration.level) = (Codes.GRADE_IMPORTANT, 0);
        _acts(provider, address(dataAssets), abi.encodeCall(IDataAssets.register, (registration, _version(1))));
        id = dataAssets.assetIdOf(provider, "important");
        bytes memory refusal = abi.encodeWithSelector(IDataAssets.LevelNotOfGrade.selector, Codes.GRADE_IMPORTANT, 1);
        _refuse(provider, _changing(1, DOCUMENT), refusal);
        _acts(provider, address(dataAssets), _changing(0, DOCUMENT));
    }

    function test_AChangeHasASourceAndADocument() public {
        _refuse(provider, _changing(2, 0), abi.encodeWithSelector(IDataAssets.SourceMissing.selector));
        bytes memory call = abi.encodeCall(IDataAssets.change, (id, 2, DOCUMENT, bytes32(0)));
        _refuse(provider, call, abi.encodeWithSelector(IDataAssets.ZeroDocument.selector));
    }

    function test_OnlyAHolderInGoodStandingChangesWhatIsFree() public {
        _refuse(vendor, _changing(2, DOCUMENT), abi.encodeWithSelector(IDataAssets.NotHolder.selector, id, vendor));
        bytes memory unknown = abi.encodeCall(IDataAssets.change, (7, 2, DOCUMENT, DOCUMENT));
        _refuse(provider, unknown, abi.encodeWithSelector(IDataAssets.UnknownAsset.selector, 7));
        _hold(bytes32(id));
        _refuse(provider, _changing(2, DOCUMENT), abi.encodeWithSelector(ICases.Held.selector, bytes32(id)));
        _suspend(provider);
        bytes memory refusal = abi.encodeWithSelector(IMembership.ParticipantIs.selector, provider, Codes.MEMBER_SUSPENDED);
        _refuse(provider, _changing(2, DOCUMENT), refusal);
        _acts(provider, address(dataAssets), abi.encodeCall(IDataAssets.cancel, (id, DOCUMENT)));
        _refuse(provider, _changing(2, DOCUMENT), abi.encodeWithSelector(IDataAssets.AssetIsCancelled.selector, id));
    }

    // All six, one after the other.

    function test_TheSixRegistrationActs() public {
        bytes32 target = bytes32(id);
        _acts(provider, address(dataAssets), _changing(2, OTHER_DOCUMENT));
        _grant(provider, vendor, OPERATE, _narrow());
        _acts(buyer, address(cases), abi.encodeCall(ICases.open, (target, Codes.CASE_OBJECTION, DOCUMENT)));
        _acts(arbiter, address(cases), abi.encodeCall(ICases.hold, (target, DOCUMENT)));
        bytes memory transfer = abi.encodeCall(dataAssets.transferFrom, (provider, otherProvider, id));
        _refuse(provider, transfer, abi.encodeWithSelector(ICases.Held.selector, target));
        bytes32 caseId = keccak256(abi.encode(target, Codes.CASE_OBJECTION, buyer, DOCUMENT));
        _acts(arbiter, address(cases), abi.encodeCall(ICases.decide, (caseId, Codes.OUTCOME_NEGATIVE, DOCUMENT)));
        _acts(arbiter, address(cases), abi.encodeCall(ICases.release, (target, DOCUMENT)));
        _acts(provider, address(dataAssets), transfer);
        _acts(otherProvider, address(dataAssets), abi.encodeCall(IDataAssets.cancel, (id, DOCUMENT)));
        vm.assertEq(dataAssets.asset(id).state, Codes.ASSET_CANCELLED);
        vm.assertEq(dataAssets.ownerOf(id), otherProvider);
    }

    // Words.

    function _assertNoRights() private view {
        address[2] memory accounts = [processor, vendor];
        for (uint256 i = 0; i < 2; ++i) {
            for (uint8 right = HOLD; right <= OPERATE; ++right) {
                vm.assertFalse(dataAssets.hasRight(id, accounts[i], right));
            }
            vm.assertFalse(_operates(accounts[i], CALL, CREDIT));
        }
    }

    function _operates(address account, uint16 mode, uint16 purpose) private view returns (bool operates) {
        (, operates) = dataAssets.operated(id, account, mode, purpose);
    }

    function _grant(address by, address account, uint8 right, IDataAssets.Scope memory scope) private {
        _acts(by, address(dataAssets), _granting(account, right, scope));
    }

    function _end(address by, address account, uint8 right) private {
        _acts(by, address(dataAssets), _ending(account, right));
    }

    function _move(address from, address to) private {
        _acts(from, address(dataAssets), abi.encodeCall(dataAssets.transferFrom, (from, to, id)));
    }

    function _refuse(address by, bytes memory call, bytes memory refusal) private {
        _isRefused(by, address(dataAssets), call, refusal);
    }

    function _granting(address account, uint8 right, IDataAssets.Scope memory scope) private view returns (bytes memory) {
        return abi.encodeCall(IDataAssets.grantRight, (id, account, right, scope, DOCUMENT));
    }

    function _ending(address account, uint8 right) private view returns (bytes memory) {
        return abi.encodeCall(IDataAssets.endRight, (id, account, right, OTHER_DOCUMENT));
    }

    function _changing(uint8 level, bytes32 sourceHash) private view returns (bytes memory) {
        return abi.encodeCall(IDataAssets.change, (id, level, sourceHash, DOCUMENT));
    }

    function _wide() private pure returns (IDataAssets.Scope memory) {
        return IDataAssets.Scope(Codes.MODES_ALL, type(uint16).max, START + YEAR);
    }

    function _narrow() private pure returns (IDataAssets.Scope memory) {
        return IDataAssets.Scope(CALL, _bits(CREDIT), TERM);
    }

    function _bits(uint16 purpose) private pure returns (uint16) {
        return uint16(1) << purpose;
    }
}

/// The same, every act through the forwarder.
contract RelayedRightsTest is RightsTest {
    function setUp() public override {
        super.setUp();
        relaying = true;
    }
}
