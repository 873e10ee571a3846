// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ConsentTree} from "../../src/libraries/ConsentTree.sol";
import {PositionalTree} from "../PositionalTree.sol";

/// What a proof shows, for all trees up to a depth, by halmos (`python -m tools.halmos`; forge runs none of these). Hashes are taken
/// to collide nowhere.
/// @custom:halmos --loop 16
contract ConsentTreeSymbolic {
    function holds(bytes32 root, uint32 count, uint32 index, bytes32 leaf, bytes32[] calldata proof) external pure returns (bool) {
        return ConsentTree.holds(root, count, index, leaf, proof);
    }

    // Against the plain rule: within the count, of the depth that the count has, and leading to the root.

    function check_aProofOfNothingHoldsAsThePlainRuleSays(bytes32 root, uint32 count, uint32 index, bytes32 leaf) external view {
        _compare(root, count, index, leaf, new bytes32[](0));
    }

    function check_aProofOfOneHoldsAsThePlainRuleSays(bytes32 root, uint32 count, uint32 index, bytes32 leaf, bytes32 a) external view {
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = a;
        _compare(root, count, index, leaf, proof);
    }

    function check_aProofOfTwoHoldsAsThePlainRuleSays(bytes32 root, uint32 count, uint32 index, bytes32 leaf, bytes32 a, bytes32 b)
        external
        view
    {
        bytes32[] memory proof = new bytes32[](2);
        (proof[0], proof[1]) = (a, b);
        _compare(root, count, index, leaf, proof);
    }

    function check_aProofOfThreeHoldsAsThePlainRuleSays(bytes32 root, uint32 count, uint32 index, bytes32 leaf, bytes32[3] memory words)
        external
        view
    {
        bytes32[] memory proof = new bytes32[](3);
        (proof[0], proof[1], proof[2]) = (words[0], words[1], words[2]);
        _compare(root, count, index, leaf, proof);
    }

    function _compare(bytes32 root, uint32 count, uint32 index, bytes32 leaf, bytes32[] memory proof) private view {
        if (count == 0) return; // no batch has none
        uint32 known = _known(index);
        assert(this.holds(root, count, known, leaf, proof) == _plain(root, count, known, leaf, proof));
    }

    /// The same index, as a number that halmos knows where it is below eight: it chooses a place in memory.
    function _known(uint32 index) private pure returns (uint32) {
        for (uint32 known = 0; known < 8; ++known) {
            if (index == known) return known;
        }
        return index;
    }

    function _plain(bytes32 root, uint32 count, uint32 index, bytes32 leaf, bytes32[] memory proof) private pure returns (bool) {
        uint256 width = uint256(1) << proof.length;
        bool ofDepth = count <= width && (proof.length == 0 || count > width / 2);
        bytes32 node = leaf;
        for (uint256 i = 0; i < proof.length; ++i) {
            node = (index >> i) % 2 == 0 ? keccak256(abi.encodePacked(node, proof[i])) : keccak256(abi.encodePacked(proof[i], node));
        }
        return ofDepth && index < count && node == root;
    }

    // In a tree of different leaves.

    function check_inATreeOfTwoALeafHasOnePlaceAndOneProof(bytes32[2] memory leaves, uint32 index, uint32 place, bytes32 a) external view {
        bytes32[] memory all = new bytes32[](2);
        (all[0], all[1]) = (leaves[0], leaves[1]);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = a;
        _expectOnePlace(all, index, place, proof);
    }

    function check_inATreeOfThreeALeafHasOnePlaceAndOneProof(bytes32[3] memory leaves, uint32 index, uint32 place, bytes32 a, bytes32 b)
        external
        view
    {
        bytes32[] memory all = new bytes32[](3);
        (all[0], all[1], all[2]) = (leaves[0], leaves[1], leaves[2]);
        _expectOnePlace(all, index, place, _two(a, b));
    }

    function check_inATreeOfFourALeafHasOnePlaceAndOneProof(bytes32[4] memory leaves, uint32 index, uint32 place, bytes32 a, bytes32 b)
        external
        view
    {
        bytes32[] memory all = new bytes32[](4);
        (all[0], all[1], all[2], all[3]) = (leaves[0], leaves[1], leaves[2], leaves[3]);
        _expectOnePlace(all, index, place, _two(a, b));
    }

    function check_inATreeOfFiveALeafHasOnePlaceAndOneProof(bytes32[5] memory leaves, uint32 index, uint32 place, bytes32[3] memory words)
        external
        view
    {
        bytes32[] memory all = new bytes32[](5);
        (all[0], all[1], all[2], all[3], all[4]) = (leaves[0], leaves[1], leaves[2], leaves[3], leaves[4]);
        bytes32[] memory proof = new bytes32[](3);
        (proof[0], proof[1], proof[2]) = (words[0], words[1], words[2]);
        _expectOnePlace(all, index, place, proof);
    }

    /// Whatever is proved for the leaf at `index` is proved at `index`, with its own siblings.
    function _expectOnePlace(bytes32[] memory leaves, uint32 index, uint32 place, bytes32[] memory proof) private view {
        if (index >= leaves.length || !_areLeaves(leaves)) return;
        (index, place) = (_known(index), _known(place));
        if (!this.holds(PositionalTree.rootOf(leaves), uint32(leaves.length), place, leaves[index], proof)) return;
        assert(place == index);
        bytes32[] memory own = PositionalTree.proofOf(leaves, index);
        for (uint256 i = 0; i < proof.length; ++i) {
            assert(proof[i] == own[i]);
        }
    }

    /// Different, and none of them the padding.
    function _areLeaves(bytes32[] memory leaves) private pure returns (bool) {
        for (uint256 i = 0; i < leaves.length; ++i) {
            if (leaves[i] == 0) return false;
            for (uint256 j = 0; j < i; ++j) {
                if (leaves[i] == leaves[j]) return false;
            }
        }
        return true;
    }

    // Leaves.

    function check_aLeafIsThePlainHash(bytes32 consentId, address subject) external pure {
        assert(ConsentTree.leafOf(consentId, subject) == PositionalTree.leafOf(consentId, subject));
    }

    function check_aLeafNamesOneConsentOfOneSubject(bytes32 consentId, address subject, bytes32 otherId, address other) external pure {
        if (ConsentTree.leafOf(consentId, subject) != ConsentTree.leafOf(otherId, other)) return;
        assert(consentId == otherId && subject == other);
    }

    function check_noNodeIsALeaf(bytes32 consentId, address subject, bytes32 left, bytes32 right) external pure {
        assert(ConsentTree.leafOf(consentId, subject) != keccak256(abi.encodePacked(left, right)));
    }

    function _two(bytes32 a, bytes32 b) private pure returns (bytes32[] memory proof) {
        proof = new bytes32[](2);
        (proof[0], proof[1]) = (a, b);
    }
}
