// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
import {IConsents} from "../src/interfaces/IConsents.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// What consents do at the ends of every range, with words that no encoder writes, in a hurry, and in a crowd.
contract ConsentEdgesTest is Exchange {
    uint256 private constant BLOCK_GAS = 30_000_000;

    // Ranges.

    function testFuzz_termsAreTakenExactlyWhereEveryFieldIsInItsRange(IConsents.Terms memory terms, uint32 count, uint8 edges) public {
        terms.controller = provider;
        // Most of what is drawn lies outside: draw again, near the edges.
        if (edges & 1 != 0) terms.purpose %= Codes.PURPOSE_STATISTICS + 2;
        if (edges & 2 != 0) terms.modes %= Codes.MODES_ALL + 2;
        if (edges & 4 != 0) terms.recipient = address(0);
        if (edges & 8 != 0) terms.recipientClass = Codes.CLASS_NONE;
        if (edges & 16 != 0) (terms.validFrom, terms.validUntil) = (START, START + edges % 3);
        if (edges & 32 != 0) terms.validUntil = terms.validFrom;
        bool whole = count != 0 && terms.noticeHash != 0 && terms.purpose >= 1 && terms.purpose <= 4 && terms.modes >= 1
            && terms.modes <= 63 && (terms.recipient != address(0) || terms.recipientClass != 0) && terms.validFrom <= terms.validUntil
            && terms.validUntil >= block.timestamp;
        bytes memory call = abi.encodeCall(IConsents.grantBatch, (assetId, SALT, "root", count, terms, 0));
        vm.prank(provider);
        (bool success,) = address(consents).call(call);
        vm.assertEq(success, whole);
    }

    function test_aBatchHasUpToAllButOneOfTwoToThe32Leaves() public {
        Crowd memory crowd = _crowd(0, 1);
        crowd.batch.count = type(uint32).max;
        (crowd.batch.root,) = _lift(crowd.leaves[0], type(uint32).max - 1, 32);
        crowd.batchId = consents.batchIdOf(crowd.batch);
        _grantAudited(crowd);
        _register(type(uint32).max);
        _bind(1, crowd);
        (, bytes32[] memory proof) = _lift(crowd.leaves[0], type(uint32).max - 1, 32);
        IConsents.Leaf memory leaf = IConsents.Leaf(type(uint32).max - 1, crowd.ids[0], crowd.people[0]);
        vm.prank(crowd.people[0]);
        consents.withdraw(crowd.batch, leaf, proof);
        vm.assertTrue(consents.hasEnded(crowd.batchId, type(uint32).max - 1));
        vm.assertFalse(consents.hasEnded(crowd.batchId, type(uint32).max));
        vm.assertEq(consents.basisState(assetId).live, type(uint32).max - 1);
        vm.assertEq(consents.batchState(crowd.batchId).withdrawn, 1);
    }

    function testFuzz_placesOutsideABatchAreRefused(uint32 count, uint32 index, uint8 depth) public {
        vm.assume(count != 0);
        Crowd memory crowd = _crowd(0, 1);
        bytes32[] memory proof;
        (crowd.batch.root, proof) = _lift(crowd.leaves[0], index, depth % 40);
        crowd.batch.count = count;
        crowd.batchId = consents.batchIdOf(crowd.batch);
        _grant(crowd);
        bool inside = index < count && _depthOf(count) == proof.length;
        vm.prank(crowd.people[0]);
        (bool success,) = address(consents)
            .call(abi.encodeCall(IConsents.withdraw, (crowd.batch, IConsents.Leaf(index, crowd.ids[0], crowd.people[0]), proof)));
        vm.assertEq(success, inside);
    }

    function test_sixtyFourBatchesAreBoundInOneCall() public {
        IConsents.Basis[] memory batches = _granted(64);
        _register(64);
        vm.prank(provider);
        uint256 before = gasleft();
        consents.bind(assetId, 1, batches);
        vm.assertLt(before - gasleft(), BLOCK_GAS / 4);
        vm.assertEq(consents.basisState(assetId).live, 64);
        vm.assertTrue(consents.basisState(assetId).closed);
    }

    function test_aSixtyFifthBatchTakesASecondCall() public {
        IConsents.Basis[] memory batches = _granted(65);
        _register(65);
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IConsents.TooManyBatches.selector, 65, 64));
        consents.bind(assetId, 1, batches);
        consents.bind(assetId, 1, _part(batches, 0, 64));
        vm.assertFalse(consents.basisState(assetId).closed);
        consents.bind(assetId, 1, _part(batches, 64, 65));
        vm.assertTrue(consents.basisState(assetId).closed);
        vm.stopPrank();
    }

    /// The order holds within a call only: a second one may go back.
    function test_aLaterCallMayBindALowerBatchButNoneTwice() public {
        IConsents.Basis[] memory batches = _granted(3);
        _register(3);
        vm.startPrank(provider);
        consents.bind(assetId, 1, _part(batches, 2, 3));
        consents.bind(assetId, 1, _part(batches, 0, 1));
        bytes32 batchId = _idOf(batches[2]);
        vm.expectRevert(abi.encodeWithSelector(IConsents.AlreadyBound.selector, batchId, 1));
        consents.bind(assetId, 1, _part(batches, 2, 3));
        consents.bind(assetId, 1, _part(batches, 1, 2));
        vm.stopPrank();
        vm.assertTrue(consents.basisState(assetId).closed);
    }

    function test_noOtherNumberThanTheCurrentVersionIsBound() public {
        IConsents.Basis[] memory batches = _granted(1);
        _register(1);
        uint32[4] memory others = [0, 2, type(uint32).max, type(uint32).max - 1];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IConsents.VersionNotCurrent.selector, assetId, others[i], 1));
            vm.prank(provider);
            consents.bind(assetId, others[i], batches);
        }
    }

    function testFuzz_whatIsUnknownIsEmptyAndNeverFails(bytes32 name, uint256 number, address account) public view {
        vm.assertEq(consents.batchState(name).count, 0);
        vm.assertEq(consents.basisState(number).version, 0);
        vm.assertFalse(consents.hasEnded(name, uint32(number)));
        vm.assertEq(consents.markOf(name, number, account), 0);
    }

    // Words that no encoder writes.

    function testFuzz_aGrantWithADirtyWordIsRefused(uint8 field, uint256 dirt) public {
        Crowd memory crowd = _crowd(0, 3);
        bytes memory call = abi.encodeCall(IConsents.grantBatch, (assetId, SALT, crowd.batch.root, 3, crowd.terms, crowd.manifestHash));
        // Count, and the fields of the terms but the notice: their places among the arguments, and their bits.
        uint256 place = [uint256(3), 4, 5, 6, 7, 8, 9, 11, 12][field % 9];
        uint256 bits = [uint256(32), 160, 160, 16, 16, 16, 1, 64, 64][field % 9];
        vm.assume(dirt >> bits != 0);
        _soil(call, 4 + 32 * place, dirt >> bits << bits);
        vm.prank(provider);
        (bool success, bytes memory result) = address(consents).call(call);
        vm.assertFalse(success);
        vm.assertEq(result.length, 0);
    }

    function testFuzz_aDirectGrantWithADirtyWordIsRefused(uint8 field, uint256 dirt) public {
        IConsents.Consent memory consent = _consent(_person(1));
        bytes memory signature = _sign(_personName(1), consents.consentIdOf(consent));
        bytes memory call = abi.encodeCall(IConsents.grant, (consent, SALT, signature));
        uint256 place = [uint256(0), 2, 3, 4, 5, 6, 7, 10, 11][field % 9];
        uint256 bits = [uint256(160), 160, 160, 16, 16, 16, 1, 64, 64][field % 9];
        vm.assume(dirt >> bits != 0);
        _soil(call, 4 + 32 * place, dirt >> bits << bits);
        vm.prank(provider);
        (bool success, bytes memory result) = address(consents).call(call);
        vm.assertFalse(success);
        vm.assertEq(result.length, 0);
    }

    /// A batch is named by its words as they stand: with a dirty count it is another, which nobody granted.
    function testFuzz_aWithdrawalWithADirtyWordIsRefused(bool ofLeaf, uint256 dirt) public {
        Crowd memory crowd = _bound(3);
        vm.assume(dirt >> 160 != 0);
        bytes memory call = abi.encodeCall(IConsents.withdraw, (crowd.batch, _leaf(crowd, 1), _proof(crowd, 1)));
        _soil(call, ofLeaf ? 4 + 32 * 6 : 4 + 32 * 2, dirt >> 160 << 160);
        vm.prank(crowd.people[1]);
        (bool success,) = address(consents).call(call);
        vm.assertFalse(success);
        vm.assertFalse(consents.hasEnded(crowd.batchId, 1));
    }

    function testFuzz_aCutCallIsRefused(uint16 length) public {
        Crowd memory crowd = _crowd(0, 3);
        bytes memory sent = abi.encodeCall(IConsents.grantBatch, (assetId, SALT, crowd.batch.root, 3, crowd.terms, crowd.manifestHash));
        uint256 cut = length % sent.length;
        assembly ("memory-safe") {
            mstore(sent, cut)
        }
        vm.prank(provider);
        (bool success,) = address(consents).call(sent);
        vm.assertFalse(success);
    }

    /// What stands behind the arguments is nobody's: the batch and its log are the same.
    function test_bytesBehindTheArgumentsChangeNothing() public {
        Crowd memory crowd = _crowd(0, 3);
        bytes memory call = abi.encodeCall(IConsents.grantBatch, (assetId, SALT, crowd.batch.root, 3, crowd.terms, crowd.manifestHash));
        vm.expectEmit(true, true, true, true, address(consents));
        emit IConsents.BatchGranted(crowd.batchId, assetId, provider, crowd.batch.root, 3, crowd.terms, crowd.manifestHash);
        vm.prank(provider);
        (bool success,) = address(consents).call(bytes.concat(call, "and more"));
        vm.assertTrue(success);
        vm.assertEq(consents.batchState(crowd.batchId).count, 3);
    }

    // Somebody was faster.

    function test_aWithdrawalThatAnotherSentFirstHasTheSameEffect() public {
        Crowd memory crowd = _bound(3);
        bytes memory signature = _sign(_personName(1), _withdrawalDigest(crowd.ids[1]));
        uint256 state = vm.snapshotState();
        _withdraw(crowd, 1);
        bytes32 own = keccak256(abi.encode(consents.batchState(crowd.batchId), consents.basisState(assetId)));
        vm.revertToState(state);
        vm.prank(stranger);
        consents.withdrawFor(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1), signature);
        vm.expectRevert(abi.encodeWithSelector(IConsents.AlreadyWithdrawn.selector, crowd.batchId, 1));
        _withdraw(crowd, 1);
        vm.assertEq(keccak256(abi.encode(consents.batchState(crowd.batchId), consents.basisState(assetId))), own);
    }

    /// A relayer sends two grants as one; a stranger has sent the first before: the second still gets through.
    function test_aRelayedSetSurvivesThatAnotherSentAPartOfIt() public {
        (Crowd memory first, Crowd memory second) = (_crowd(0, 1), _crowd(1, 1));
        ERC2771Forwarder.ForwardRequestData[] memory requests = new ERC2771Forwarder.ForwardRequestData[](2);
        requests[0] = _request("provider", address(consents), _grantCall(first));
        vm.prank(stranger);
        forwarder.execute(requests[0]);
        requests[1] = _request("provider", address(consents), _grantCall(second));
        forwarder.executeBatch(requests, payable(stranger));
        vm.assertEq(consents.batchState(first.batchId).count, 1);
        vm.assertEq(consents.batchState(second.batchId).count, 1);
    }

    function test_nobodyElseCanTakeABatchsNameBefore() public {
        Crowd memory crowd = _crowd(0, 2);
        vm.prank(otherProvider);
        (bool success,) = address(consents).call(_grantCall(crowd));
        vm.assertFalse(success);
        _grant(crowd);
    }

    /// A leaf withdrawn between a mark and its dismissal: the dismissal comes too late.
    function test_inWhateverOrderAMarkAndAWithdrawalCome() public {
        Crowd memory crowd = _bound(2);
        uint256 state = vm.snapshotState();
        _mark(crowd, 1);
        _withdraw(crowd, 1);
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotMarked.selector, crowd.ids[1]));
        vm.prank(auditor);
        consents.dismissMark(crowd.ids[1], assetId, crowd.people[1]);
        vm.assertEq(consents.basisState(assetId).pending, 0);
        vm.revertToState(state);
        _withdraw(crowd, 1);
        _mark(crowd, 1);
        vm.assertEq(consents.basisState(assetId).pending, 1);
        consents.applyMark(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
        vm.assertEq(consents.basisState(assetId).pending, 0);
        vm.assertEq(consents.basisState(assetId).live, 1);
    }

    // In a crowd.

    function test_aProofOfTenThousandHashesIsRefusedWithoutClimbing() public {
        Crowd memory crowd = _bound(3);
        bytes memory call = abi.encodeCall(IConsents.withdraw, (crowd.batch, _leaf(crowd, 1), new bytes32[](10_000)));
        vm.prank(crowd.people[1]);
        (bool success, bytes memory result) = address(consents).call{gas: 100_000}(call);
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(IConsents.NotInBatch.selector, crowd.batchId, 1));
    }

    function test_tenThousandBatchesAreRefusedWithoutReadingThem() public {
        _register(1);
        bytes memory call = abi.encodeCall(IConsents.bind, (assetId, 1, new IConsents.Basis[](10_000)));
        vm.prank(provider);
        (bool success, bytes memory result) = address(consents).call{gas: 100_000}(call);
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(IConsents.TooManyBatches.selector, 10_000, 64));
    }

    function test_aMegabyteOfSignatureIsRefusedWithoutReadingIt() public {
        Crowd memory crowd = _bound(3);
        bytes memory call = abi.encodeCall(IConsents.withdrawFor, (crowd.batch, _leaf(crowd, 1), _proof(crowd, 1), new bytes(1 << 20)));
        (bool success, bytes memory result) = address(consents).call{gas: 100_000}(call);
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(IConsents.BadSignature.selector, crowd.people[1]));
    }

    /// However many have withdrawn, the next one pays the same.
    function test_theLastWithdrawalCostsWhatTheFirstDid() public {
        Crowd memory crowd = _bound(64);
        _withdraw(crowd, 0);
        uint256 second = _gasOfWithdrawal(crowd, 1);
        for (uint256 i = 2; i < 63; ++i) {
            _withdraw(crowd, i);
        }
        uint256 last = _gasOfWithdrawal(crowd, 63);
        vm.assertLt(last > second ? last - second : second - last, 200);
        vm.assertEq(consents.basisState(assetId).live, 0);
    }

    // What does not count.

    function test_whoStartedTheTransactionIsNobody() public {
        Crowd memory crowd = _bound(2);
        vm.expectRevert(abi.encodeWithSelector(IConsents.NotSubject.selector, stranger, crowd.people[1]));
        vm.prank(stranger, crowd.people[1]);
        consents.withdraw(crowd.batch, _leaf(crowd, 1), _proof(crowd, 1));
    }

    function test_theConsentsTakeNoMoneyAndMindNoneThatIsForcedOnThem() public {
        Crowd memory crowd = _bound(2);
        vm.deal(stranger, 1 ether);
        vm.prank(stranger);
        (bool success,) = address(consents).call{value: 1}("");
        vm.assertFalse(success);
        vm.deal(address(consents), 1 ether);
        _withdraw(crowd, 1);
        vm.assertEq(consents.basisState(assetId).live, 1);
    }

    /// Every name is hashed from whole words behind a tag of its own: no two ways to cut the same bytes.
    function testFuzz_noTwoBatchesShareAName(IConsents.Batch memory one, IConsents.Batch memory other) public view {
        bool same = keccak256(abi.encode(one)) == keccak256(abi.encode(other));
        vm.assertEq(consents.batchIdOf(one) == consents.batchIdOf(other), same);
        vm.assertEq(consents.batchIdOf(one), keccak256(abi.encode(keccak256("deedbook.batch.v1"), one)));
    }

    // Shorthand.

    function _soil(bytes memory sent, uint256 at, uint256 dirt) private pure {
        assembly ("memory-safe") {
            let word := add(add(sent, 0x20), at)
            mstore(word, or(mload(word), dirt))
        }
    }

    function _grantCall(Crowd memory crowd) private view returns (bytes memory) {
        return abi.encodeCall(IConsents.grantBatch, (assetId, SALT, crowd.batch.root, crowd.batch.count, crowd.terms, crowd.manifestHash));
    }

    /// In a frame of its own, whose memory is as empty each time.
    function gasOf(address sender, bytes calldata sent) external returns (uint256) {
        vm.prank(sender);
        uint256 before = gasleft();
        (bool success,) = address(consents).call(sent);
        vm.assertTrue(success);
        return before - gasleft();
    }

    function _gasOfWithdrawal(Crowd memory crowd, uint256 index) private returns (uint256) {
        bytes memory sent = abi.encodeCall(IConsents.withdraw, (crowd.batch, _leaf(crowd, index), _proof(crowd, index)));
        return this.gasOf(crowd.people[index], sent);
    }

    /// `count` audited batches of one, in the order of their names.
    function _granted(uint256 count) private returns (IConsents.Basis[] memory batches) {
        batches = new IConsents.Basis[](count);
        for (uint256 i = 0; i < count; ++i) {
            Crowd memory crowd = _crowd(i, 1);
            _grantAudited(crowd);
            uint256 place = i;
            for (; place != 0 && _idOf(batches[place - 1]) > crowd.batchId; --place) {
                batches[place] = batches[place - 1];
            }
            batches[place] = _basis(crowd);
        }
    }

    function _idOf(IConsents.Basis memory basis) private view returns (bytes32) {
        bytes32 termsHash = keccak256(abi.encode(basis.terms, basis.manifestHash));
        return consents.batchIdOf(IConsents.Batch(assetId, basis.root, basis.count, termsHash));
    }

    function _part(IConsents.Basis[] memory batches, uint256 from, uint256 to) private pure returns (IConsents.Basis[] memory part) {
        part = new IConsents.Basis[](to - from);
        for (uint256 i = 0; i < part.length; ++i) {
            part[i] = batches[from + i];
        }
    }

    /// The root over a leaf at this index, with siblings that could be.
    function _lift(bytes32 node, uint256 index, uint256 depth) private pure returns (bytes32, bytes32[] memory proof) {
        proof = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            proof[i] = keccak256(abi.encode(i));
            node = (index >> i) & 1 == 1 ? keccak256(abi.encode(proof[i], node)) : keccak256(abi.encode(node, proof[i]));
        }
        return (node, proof);
    }

    function _depthOf(uint256 count) private pure returns (uint256 depth) {
        while (1 << depth < count) ++depth;
    }
}
