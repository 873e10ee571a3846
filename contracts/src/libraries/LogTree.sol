// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title The tree of a log
/// @notice RFC 9162 with SHA-256: whether one tree is the beginning of another. It knows nothing of what an entry says.
library LogTree {
    /// @notice Whether the `size` entries under `root` begin with the `formerSize` entries under `formerRoot` (RFC 9162, 2.1.4.2).
    /// The proof is consumed whole. Requirements, which the caller has checked: 0 < formerSize < size. (No proof shows how many
    /// entries are under the rightmost node: a wrong `size` is the log's own harm, since its true entries never continue it.)
    function continues(uint64 formerSize, bytes32 formerRoot, uint64 size, bytes32 root, bytes32[] calldata proof)
        internal
        view
        returns (bool)
    {
        if (proof.length == 0) return false;
        (uint256 former, uint256 last) = _above(uint256(formerSize) - 1, uint256(size) - 1);
        // A former tree that is one whole subtree is its own first node, and not in the proof.
        if (formerSize & (formerSize - 1) == 0) return _climb(former, last, formerRoot, proof, formerRoot, root);
        return _climb(former, last, proof[0], proof[1:], formerRoot, root);
    }

    /// @dev Both last places, at the height of the largest whole subtree that ends the former tree (step 4).
    function _above(uint256 former, uint256 last) private pure returns (uint256, uint256) {
        while (former & 1 == 1) (former, last) = (former >> 1, last >> 1);
        return (former, last);
    }

    /// @dev Steps 5 to 7. A node that lies to the left is in both trees; one to the right came later.
    function _climb(uint256 former, uint256 last, bytes32 node, bytes32[] calldata path, bytes32 formerRoot, bytes32 root)
        private
        view
        returns (bool holds)
    {
        assembly ("memory-safe") {
            // 0x01, left and right, end to end, where free memory begins.
            let buffer := mload(0x40)
            mstore8(buffer, 1)
            let formerNode := node
            holds := 1
            let end := add(path.offset, shl(5, path.length))
            for { let at := path.offset } lt(at, end) { at := add(at, 0x20) } {
                if iszero(last) {
                    holds := 0
                    break
                }
                switch or(and(former, 1), eq(former, last))
                case 0 {
                    mstore(add(buffer, 0x01), node)
                    calldatacopy(add(buffer, 0x21), at, 0x20)
                }
                default {
                    calldatacopy(add(buffer, 0x01), at, 0x20)
                    mstore(add(buffer, 0x21), formerNode)
                    holds := and(holds, staticcall(gas(), 2, buffer, 0x41, 0x00, 0x20))
                    formerNode := mload(0x00)
                    mstore(add(buffer, 0x21), node)
                    for {} iszero(or(and(former, 1), iszero(former))) {} {
                        former := shr(1, former)
                        last := shr(1, last)
                    }
                }
                holds := and(holds, staticcall(gas(), 2, buffer, 0x41, 0x00, 0x20))
                node := mload(0x00)
                former := shr(1, former)
                last := shr(1, last)
            }
            holds := and(and(holds, iszero(last)), and(eq(formerNode, formerRoot), eq(node, root)))
        }
    }
}
