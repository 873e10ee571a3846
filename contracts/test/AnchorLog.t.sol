// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AnchorLog} from "../src/AnchorLog.sol";
import {IAnchorLog} from "../src/interfaces/IAnchorLog.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Base} from "./Base.t.sol";
import {PlainLog} from "./PlainLog.sol";

/// @title Checkpoints
contract AnchorLogTest is Base {
    bytes32 private constant EMPTY = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    AnchorLog private anchors;
    address private otherOperator = _account("other operator");
    bytes32[] private entries;

    function setUp() public override {
        super.setUp();
        anchors = new AnchorLog(membership, address(forwarder));
        _admit(otherOperator, Codes.ROLE_OPERATOR);
        for (uint256 i = 0; i < 20; ++i) {
            entries.push(PlainLog.leafOf(abi.encode("entry", i)));
        }
    }

    // The line grows.

    function test_anchor_keepsTheFirstCheckpoint() public {
        vm.expectEmit(true, true, true, true, address(anchors));
        emit IAnchorLog.CheckpointAnchored(operator, 7, _root(7), 0);
        _anchor(operator, 0, 7);
        _expectLatest(operator, 7, START, _root(7));
    }

    function test_anchor_continuesTheLine() public {
        _anchor(operator, 0, 7);
        vm.warp(START + 60);
        vm.expectEmit(true, true, true, true, address(anchors));
        emit IAnchorLog.CheckpointAnchored(operator, 20, _root(20), 7);
        _anchor(operator, 7, 20);
        _expectLatest(operator, 20, START + 60, _root(20));
    }

    function test_anchor_entryByEntry() public {
        for (uint64 size = 1; size <= 20; ++size) {
            _anchor(operator, size - 1, size);
        }
        _expectLatest(operator, 20, START, _root(20));
    }

    function test_anchor_severalTimesInOneBlock() public {
        _anchor(operator, 0, 1);
        _anchor(operator, 1, 8);
        _anchor(operator, 8, 9);
        _expectLatest(operator, 9, START, _root(9));
    }

    /// Nothing new: the same tree, said again later.
    function test_anchor_repeatsTheSameTree() public {
        _anchor(operator, 0, 7);
        vm.warp(START + 60);
        vm.expectEmit(true, true, true, true, address(anchors));
        emit IAnchorLog.CheckpointAnchored(operator, 7, _root(7), 7);
        _anchorBare(operator, 7, _root(7), _none());
        _expectLatest(operator, 7, START + 60, _root(7));
    }

    function test_anchor_keepsLinesApart() public {
        _anchor(operator, 0, 7);
        _expectLatest(otherOperator, 0, 0, 0);
        _anchor(otherOperator, 0, 3);
        _anchor(operator, 7, 8);
        _expectLatest(operator, 8, START, _root(8));
        _expectLatest(otherOperator, 3, START, _root(3));
    }

    function test_anchor_upToTheLargestSize() public {
        uint64 most = type(uint64).max;
        bytes32[] memory proof = _invent(PlainLog.lengthOf(most - 1, most));
        (bytes32 former, bytes32 later) = PlainLog.rootsOf(most - 1, most, 0, proof);
        _anchorBare(operator, most - 1, former, _none());
        _anchorBare(operator, most, later, proof);
        _anchorBare(operator, most, later, _none());
        _expectLatest(operator, most, START, later);
    }

    function test_anchor_canBeRelayed() public {
        _relay("operator", address(anchors), abi.encodeCall(IAnchorLog.anchor, (7, _root(7), _none())));
        _expectLatest(operator, 7, START, _root(7));
        _expectLatest(address(forwarder), 0, 0, 0);
    }

    /// Whatever the log holds, the end of the deployment does not end the line.
    function test_anchor_goesOnInAClosedDeployment() public {
        vm.prank(admin);
        membership.close(DOCUMENT);
        vm.warp(START + YEAR);
        _anchor(operator, 0, 7);
        _anchor(operator, 7, 9);
        _expectLatest(operator, 9, START + YEAR, _root(9));
    }

    // Who may.

    function test_anchor_needsAnOperator() public {
        bytes memory missing = abi.encodeWithSelector(IMembership.RoleMissing.selector, provider, Codes.ROLE_OPERATOR, Codes.ROLE_PROVIDER);
        _fails(provider, 7, _root(7), _none(), missing);
        _fails(stranger, 7, _root(7), _none(), abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        _suspend(operator);
        _fails(operator, 7, _root(7), _none(), abi.encodeWithSelector(IMembership.ParticipantIs.selector, operator, Codes.MEMBER_SUSPENDED));
    }

    function test_anchor_needsAnOperatorInTime() public {
        _anchor(operator, 0, 7);
        vm.warp(START + 10 * YEAR);
        _anchor(operator, 7, 8);
        vm.warp(START + 10 * YEAR + 1);
        _fails(
            operator, 9, _root(9), _proof(8, 9), abi.encodeWithSelector(IMembership.MembershipExpired.selector, operator, START + 10 * YEAR)
        );
    }

    // What is refused.

    function test_anchor_refusesNothing() public {
        _fails(operator, 0, EMPTY, _none(), abi.encodeWithSelector(IAnchorLog.ZeroSize.selector));
        _anchor(operator, 0, 7);
        _fails(operator, 0, EMPTY, _none(), abi.encodeWithSelector(IAnchorLog.ZeroSize.selector));
    }

    function test_anchor_refusesToShrink() public {
        _anchor(operator, 0, 7);
        bytes memory shrinks = abi.encodeWithSelector(IAnchorLog.LogShrinks.selector, uint64(7), uint64(6));
        _fails(operator, 6, _root(6), _none(), shrinks);
        _fails(operator, 6, _root(6), _proof(6, 7), shrinks);
        _fails(operator, 1, _root(1), _none(), abi.encodeWithSelector(IAnchorLog.LogShrinks.selector, uint64(7), uint64(1)));
    }

    function test_anchor_refusesAnotherRootOfTheSameSize() public {
        _anchor(operator, 0, 7);
        bytes memory differs = abi.encodeWithSelector(IAnchorLog.RootDiffers.selector, uint64(7), _root(7), _root(8));
        _fails(operator, 7, _root(8), _none(), differs);
        _fails(operator, 7, _root(8), _proof(7, 8), differs);
    }

    function test_anchor_refusesAProofOfNothing() public {
        bytes memory notEmpty = abi.encodeWithSelector(IAnchorLog.ProofNotEmpty.selector, uint256(1));
        _fails(operator, 7, _root(7), _invent(1), notEmpty);
        _anchor(operator, 0, 7);
        _fails(operator, 7, _root(7), _invent(1), notEmpty);
        _fails(operator, 7, _root(7), _invent(10_000), abi.encodeWithSelector(IAnchorLog.ProofNotEmpty.selector, uint256(10_000)));
    }

    function test_anchor_refusesARewrittenEntry() public {
        for (uint64 size = 1; size < 20; ++size) {
            uint256 before = vm.snapshotState();
            _anchor(operator, 0, size);
            entries[size - 1] = PlainLog.leafOf("rewritten");
            _isInconsistent(size, 20, _root(20), _proof(size, 20));
            vm.revertToState(before);
        }
    }

    function test_anchor_refusesNoProofAndOneTooLong() public {
        _anchor(operator, 0, 7);
        _isInconsistent(7, 20, _root(20), _none());
        bytes32[] memory proof = _proof(7, 20);
        bytes32[] memory longer = new bytes32[](proof.length + 1);
        for (uint256 i = 0; i < proof.length; ++i) {
            longer[i] = proof[i];
        }
        longer[proof.length] = proof[proof.length - 1];
        _isInconsistent(7, 20, _root(20), longer);
        _isInconsistent(7, 20, _root(20), _invent(10_000));
    }

    function test_anchor_refusesTheProofOfAnotherPair() public {
        _anchor(operator, 0, 7);
        _isInconsistent(7, 20, _root(20), _proof(6, 20));
        _isInconsistent(7, 20, _root(20), _proof(7, 19));
        _isInconsistent(7, 16, _root(20), _proof(7, 20));
        _isInconsistent(7, 16, _root(20), _proof(7, 16));
        _isInconsistent(7, 33, _root(20), _proof(7, 20));
    }

    /// A proof shows that the old entries begin the new tree, not how many are under its rightmost node. Whoever lies about that
    /// anchors a tree that the true log never continues.
    function test_anchor_aLieAboutTheSizeEndsTheLine() public {
        _anchor(operator, 0, 7);
        _anchorBare(operator, 20, _root(19), _proof(7, 19));
        entries.push(PlainLog.leafOf("the next"));
        _isInconsistent(20, 21, _root(21), _proof(20, 21));
        _isInconsistent(20, 21, _root(21), _proof(19, 21));
        _isInconsistent(20, 21, _root(20), _proof(19, 20));
    }

    function test_anchor_refusesTheSameProofTwice() public {
        _anchor(operator, 0, 7);
        bytes32[] memory proof = _proof(7, 20);
        _anchorBare(operator, 20, _root(20), proof);
        _fails(operator, 20, _root(20), proof, abi.encodeWithSelector(IAnchorLog.ProofNotEmpty.selector, proof.length));
    }

    /// 26 nodes: row 6 of the design's numbers, but for calldata and the base of a transaction.
    function test_anchor_isCheap() public {
        (uint64 m, uint64 n) = (2 ** 24 - 1, 2 ** 24 + 999_999);
        bytes32[] memory proof = _invent(PlainLog.lengthOf(m, n));
        vm.assertEq(proof.length, 26);
        (bytes32 former, bytes32 later) = PlainLog.rootsOf(m, n, 0, proof);
        _anchorBare(operator, m, former, _none());
        vm.prank(operator);
        uint256 left = gasleft();
        anchors.anchor(n, later, proof);
        vm.assertLt(left - gasleft(), 75_000);
    }

    // Journal.

    function test_anchor_isInTheJournalOfTheExchange() public {
        _anchor(operator, 0, 7);
        bytes memory log = abi.encode(IAnchorLog.CheckpointAnchored.selector, operator, uint256(7), _root(7), uint256(0));
        bytes32 head = keccak256(abi.encode(bytes32(0), uint256(1), keccak256(log)));
        vm.assertEq(anchors.journalHead(), head);
        vm.assertEq(anchors.journalHeadOf(_memberKey(operator)), head);
        _anchor(otherOperator, 0, 7);
        vm.assertEq(anchors.journalHeadOf(_memberKey(operator)), head);
        vm.assertNotEq(anchors.journalHead(), head);
    }

    // Shorthand.

    function _root(uint256 size) private view returns (bytes32) {
        return PlainLog.rootOf(entries, 0, size);
    }

    function _proof(uint64 from, uint64 to) private view returns (bytes32[] memory) {
        return from == 0 ? _none() : PlainLog.proofOf(entries, from, to);
    }

    function _none() private pure returns (bytes32[] memory) {}

    function _invent(uint256 count) private pure returns (bytes32[] memory nodes) {
        nodes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            nodes[i] = keccak256(abi.encode("node", i));
        }
    }

    function _anchor(address by, uint64 from, uint64 to) private {
        _anchorBare(by, to, _root(to), _proof(from, to));
    }

    function _anchorBare(address by, uint64 size, bytes32 root, bytes32[] memory proof) private {
        vm.prank(by);
        anchors.anchor(size, root, proof);
    }

    function _isInconsistent(uint64 from, uint64 to, bytes32 root, bytes32[] memory proof) private {
        _fails(operator, to, root, proof, abi.encodeWithSelector(IAnchorLog.Inconsistent.selector, from, to));
    }

    function _fails(address by, uint64 size, bytes32 root, bytes32[] memory proof, bytes memory expected) private {
        vm.expectRevert(expected);
        _anchorBare(by, size, root, proof);
    }

    function _expectLatest(address exchange, uint64 size, uint64 at, bytes32 root) private view {
        IAnchorLog.Checkpoint memory kept = anchors.latest(exchange);
        vm.assertEq(kept.size, size);
        vm.assertEq(kept.at, at);
        vm.assertEq(kept.root, root);
    }
}
