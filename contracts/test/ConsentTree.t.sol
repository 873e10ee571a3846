// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ConsentTree} from "../src/libraries/ConsentTree.sol";
import {PositionalTree} from "./PositionalTree.sol";
import {Vm} from "./Vm.sol";

/// @title The tree of a batch against a second implementation of it
contract ConsentTreeTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function holds(bytes32 root, uint32 count, uint32 index, bytes32 leaf, bytes32[] calldata proof) external pure returns (bool) {
        return ConsentTree.holds(root, count, index, leaf, proof);
    }

    function test_leavesAreHashedTwiceAndTagged() public pure {
        bytes32 leaf = ConsentTree.leafOf(keccak256("consent"), address(7));
        vm.assertEq(leaf, PositionalTree.leafOf(keccak256("consent"), address(7)));
    }

    function test_everyLeafOfEverySmallTreeIsProvedAtItsPlaceOnly() public view {
        for (uint32 count = 1; count <= 17; ++count) {
            bytes32[] memory leaves = _leaves(count, 0);
            bytes32 root = PositionalTree.rootOf(leaves);
            for (uint32 index = 0; index < count; ++index) {
                bytes32[] memory proof = PositionalTree.proofOf(leaves, index);
                for (uint32 place = 0; place <= count; ++place) {
                    vm.assertEq(this.holds(root, count, place, leaves[index], proof), place == index);
                }
            }
        }
    }

    function testFuzz_aLeafIsProvedAtItsPlaceOnly(uint16 size, uint16 at, uint16 place, uint256 seed) public view {
        uint32 count = 1 + (size % 400);
        uint32 index = at % count;
        bytes32[] memory leaves = _leaves(count, seed);
        bytes32 root = PositionalTree.rootOf(leaves);
        bytes32[] memory proof = PositionalTree.proofOf(leaves, index);
        vm.assertTrue(this.holds(root, count, index, leaves[index], proof));
        uint32 other = place % (count + 3);
        if (other != index) vm.assertFalse(this.holds(root, count, other, leaves[index], proof));
        vm.assertFalse(this.holds(root, count, index, keccak256(abi.encode(leaves[index])), proof));
    }

    function testFuzz_aChangedProofFails(uint16 size, uint16 at, uint8 level, bytes32 change, uint256 seed) public view {
        uint32 count = 2 + (size % 400);
        uint32 index = at % count;
        bytes32[] memory leaves = _leaves(count, seed);
        bytes32 root = PositionalTree.rootOf(leaves);
        bytes32[] memory proof = PositionalTree.proofOf(leaves, index);
        vm.assume(change != 0);
        proof[level % proof.length] ^= change;
        vm.assertFalse(this.holds(root, count, index, leaves[index], proof));
    }

    function testFuzz_proofsOfAnotherLengthFail(uint16 size, uint16 at, uint256 seed) public view {
        uint32 count = 2 + (size % 400);
        uint32 index = at % count;
        bytes32[] memory leaves = _leaves(count, seed);
        bytes32 root = PositionalTree.rootOf(leaves);
        bytes32[] memory proof = PositionalTree.proofOf(leaves, index);
        // A shorter proof, and one longer under a root that is lifted over one more level.
        vm.assertFalse(this.holds(root, count, index, leaves[index], _part(proof, 0, proof.length - 1)));
        root = keccak256(abi.encodePacked(root, seed));
        vm.assertFalse(this.holds(root, count, index, leaves[index], _longer(proof, bytes32(seed))));
    }

    function testFuzz_aNodeIsNoLeaf(uint16 size, uint16 at, uint256 seed) public view {
        uint32 count = 2 + (size % 400);
        uint32 index = at % count;
        bytes32[] memory leaves = _leaves(count, seed);
        bytes32 root = PositionalTree.rootOf(leaves);
        bytes32[] memory proof = PositionalTree.proofOf(leaves, index);
        bytes32 parent = keccak256(index % 2 == 0 ? abi.encodePacked(leaves[index], proof[0]) : abi.encodePacked(proof[0], leaves[index]));
        vm.assertFalse(this.holds(root, count, index / 2, parent, _part(proof, 1, proof.length)));
    }

    function testFuzz_paddingIsNoLeaf(uint16 size, uint256 seed) public view {
        uint32 count = 1 + (size % 400);
        bytes32[] memory leaves = _leaves(count, seed);
        bytes32 root = PositionalTree.rootOf(leaves);
        uint256 width = 1;
        while (width < count) width *= 2;
        for (uint256 place = count; place < width && place < count + 3; ++place) {
            vm.assertFalse(this.holds(root, count, uint32(place), 0, PositionalTree.proofOf(leaves, place)));
        }
    }

    function test_theBiggestBatchHas32Levels() public view {
        bytes32 node = keccak256("leaf");
        bytes32[] memory proof = new bytes32[](32);
        uint32 index = type(uint32).max - 1;
        for (uint256 i = 0; i < 32; ++i) {
            proof[i] = keccak256(abi.encode(i));
            bool right = (index >> i) & 1 == 1;
            node = right ? keccak256(abi.encodePacked(proof[i], node)) : keccak256(abi.encodePacked(node, proof[i]));
        }
        vm.assertTrue(this.holds(node, type(uint32).max, index, keccak256("leaf"), proof));
    }

    function _leaves(uint32 count, uint256 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }

    function _part(bytes32[] memory proof, uint256 from, uint256 to) private pure returns (bytes32[] memory part) {
        part = new bytes32[](to - from);
        for (uint256 i = 0; i < part.length; ++i) {
            part[i] = proof[from + i];
        }
    }

    function _longer(bytes32[] memory proof, bytes32 last) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](proof.length + 1);
        for (uint256 i = 0; i < proof.length; ++i) {
            longer[i] = proof[i];
        }
        longer[proof.length] = last;
    }
}
