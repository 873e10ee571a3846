// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title A second, plain implementation of the tree of a batch
/// @dev Builds what ConsentTree checks: whole levels, padded with zero leaves, left to right.
library PositionalTree {
    function leafOf(bytes32 consentId, address subject) internal pure returns (bytes32) {
        bytes32 inner = keccak256(abi.encode(keccak256("deedbook.leaf.v1"), consentId, uint256(uint160(subject))));
        return keccak256(abi.encodePacked(inner));
    }

    function rootOf(bytes32[] memory leaves) internal pure returns (bytes32) {
        bytes32[] memory level = _padded(leaves);
        while (level.length > 1) level = _above(level);
        return level[0];
    }

    function proofOf(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory proof) {
        bytes32[] memory level = _padded(leaves);
        proof = new bytes32[](_depth(level.length));
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] = level[index ^ 1];
            level = _above(level);
            index /= 2;
        }
    }

    function _padded(bytes32[] memory leaves) private pure returns (bytes32[] memory level) {
        uint256 width = 1;
        while (width < leaves.length) width *= 2;
        level = new bytes32[](width);
        for (uint256 i = 0; i < leaves.length; ++i) {
            level[i] = leaves[i];
        }
    }

    function _above(bytes32[] memory level) private pure returns (bytes32[] memory above) {
        above = new bytes32[](level.length / 2);
        for (uint256 i = 0; i < above.length; ++i) {
            above[i] = keccak256(abi.encodePacked(level[2 * i], level[2 * i + 1]));
        }
    }

    function _depth(uint256 width) private pure returns (uint256 depth) {
        for (; width > 1; width /= 2) {
            ++depth;
        }
    }
}
