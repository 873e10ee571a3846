// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title RFC 9162 logs, to read and not to pay for
/// @dev Hashes, roots and consistency proofs word for word as the RFC defines them (2.1.1, 2.1.4.1), and a verifier that undoes that
/// definition from its last node, where the contract climbs from the first one.
library PlainLog {
    function leafOf(bytes memory entry) internal pure returns (bytes32) {
        return sha256(bytes.concat(hex"00", entry));
    }

    function nodeOf(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"01", left, right));
    }

    /// The largest power of two below n.
    function splitOf(uint256 n) internal pure returns (uint256 k) {
        k = 1;
        while (k << 1 < n) k <<= 1;
    }

    /// MTH(D[from:to]), of leaf hashes.
    function rootOf(bytes32[] memory leaves, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to == from) return sha256("");
        if (to - from == 1) return leaves[from];
        uint256 k = from + splitOf(to - from);
        return nodeOf(rootOf(leaves, from, k), rootOf(leaves, k, to));
    }

    /// PROOF(m, D[n]).
    function proofOf(bytes32[] memory leaves, uint256 m, uint256 n) internal pure returns (bytes32[] memory) {
        return _subproof(leaves, m, 0, n, true);
    }

    function _subproof(bytes32[] memory leaves, uint256 m, uint256 from, uint256 to, bool whole) private pure returns (bytes32[] memory) {
        if (m == to - from) return whole ? new bytes32[](0) : _then(new bytes32[](0), rootOf(leaves, from, to));
        uint256 k = splitOf(to - from);
        if (m <= k) return _then(_subproof(leaves, m, from, from + k, whole), rootOf(leaves, from + k, to));
        return _then(_subproof(leaves, m - k, from + k, to, false), rootOf(leaves, from, from + k));
    }

    function _then(bytes32[] memory nodes, bytes32 node) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](nodes.length + 1);
        for (uint256 i = 0; i < nodes.length; ++i) {
            longer[i] = nodes[i];
        }
        longer[nodes.length] = node;
    }

    function continues(uint256 m, bytes32 formerRoot, uint256 n, bytes32 root, bytes32[] memory proof) internal pure returns (bool) {
        if (proof.length != lengthOf(m, n)) return false;
        (bytes32 former, bytes32 later) = rootsOf(m, n, formerRoot, proof);
        return former == formerRoot && later == root;
    }

    /// How many nodes the proof from m to n has.
    function lengthOf(uint256 m, uint256 n) internal pure returns (uint256 length) {
        bool whole = true;
        for (; m != n; ++length) {
            uint256 k = splitOf(n);
            (m, n, whole) = m <= k ? (m, k, whole) : (m - k, n - k, false);
        }
        if (!whole) ++length;
    }

    /// The roots of the first m and of all n, as a proof of the right length has them.
    function rootsOf(uint256 m, uint256 n, bytes32 formerRoot, bytes32[] memory proof)
        internal
        pure
        returns (bytes32 former, bytes32 later)
    {
        return _undo(m, n, formerRoot, proof, proof.length);
    }

    function _undo(uint256 m, uint256 n, bytes32 formerRoot, bytes32[] memory proof, uint256 left)
        private
        pure
        returns (bytes32 former, bytes32 later)
    {
        if (m == n) return left == 0 ? (formerRoot, formerRoot) : (proof[0], proof[0]);
        uint256 k = splitOf(n);
        bytes32 node = proof[left - 1];
        if (m <= k) {
            (former, later) = _undo(m, k, formerRoot, proof, left - 1);
            return (former, nodeOf(later, node));
        }
        (former, later) = _undo(m - k, n - k, formerRoot, proof, left - 1);
        return (nodeOf(node, former), nodeOf(node, later));
    }
}
