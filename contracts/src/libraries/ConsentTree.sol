// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title The tree of a batch
/// @notice Positional: the sides are chosen by the bits of the index and the proof's length is fixed by the count, so a proof
/// shows one place and no other. It knows nothing of what a leaf permits. Byte layout: docs/formats.md.
library ConsentTree {
    bytes32 internal constant LEAF_TAG = keccak256("deedbook.leaf.v1");

    /// @notice Hashed twice, and from words that begin with the tag: no leaf is a node, and no node a leaf.
    function leafOf(bytes32 consentId, address subject) internal pure returns (bytes32 leaf) {
        bytes32 once = keccak256(abi.encode(LEAF_TAG, consentId, subject));
        assembly ("memory-safe") {
            mstore(0x00, once)
            leaf := keccak256(0x00, 0x20)
        }
    }

    /// @notice Whether `leaf` is the one at `index` of the `count` leaves under `root`.
    function holds(bytes32 root, uint32 count, uint32 index, bytes32 leaf, bytes32[] calldata proof) internal pure returns (bool) {
        return index < count && _isDepth(proof.length, count) && _climb(index, leaf, proof) == root;
    }

    /// @dev Whether depth = ceil(log2(count)).
    function _isDepth(uint256 depth, uint32 count) private pure returns (bool) {
        uint256 last = uint256(count) - 1;
        return depth == 0 ? last == 0 : last >> depth == 0 && last >> (depth - 1) != 0;
    }

    /// @dev `side` is where the node stands in the scratch words: 0x20 where its bit of the index is set, else 0x00.
    function _climb(uint256 index, bytes32 leaf, bytes32[] calldata proof) private pure returns (bytes32 node) {
        assembly ("memory-safe") {
            node := leaf
            let places := shl(5, index)
            let end := add(proof.offset, shl(5, proof.length))
            for { let at := proof.offset } lt(at, end) { at := add(at, 0x20) } {
                let side := and(places, 0x20)
                mstore(side, node)
                mstore(xor(side, 0x20), calldataload(at))
                node := keccak256(0x00, 0x40)
                places := shr(1, places)
            }
        }
    }
}
