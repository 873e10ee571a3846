// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {LogTree} from "../src/libraries/LogTree.sol";
import {PlainLog} from "./PlainLog.sol";
import {Vm} from "./Vm.sol";

/// @title Consistency proofs, accepted and refused
contract LogTreeTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function continues(uint64 formerSize, bytes32 formerRoot, uint64 size, bytes32 root, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        return LogTree.continues(formerSize, formerRoot, size, root, proof);
    }

    /// The roots of the public RFC 6962 test tree (certificate-transparency-go and others).
    function test_plainRootsAreThePublicOnes() public pure {
        bytes32[] memory leaves = _publicLeaves();
        bytes32[8] memory roots = [
            bytes32(0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d),
            0xfac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125,
            0xaeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77,
            0xd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7,
            0x4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4,
            0x76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef,
            0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c,
            0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328
        ];
        for (uint256 n = 1; n <= 8; ++n) {
            vm.assertEq(PlainLog.rootOf(leaves, 0, n), roots[n - 1]);
        }
    }

    function test_everyPairOfSizesUpTo20() public view {
        bytes32[] memory leaves = _leaves(20, 0);
        for (uint256 n = 2; n <= 20; ++n) {
            bytes32 root = PlainLog.rootOf(leaves, 0, n);
            for (uint256 m = 1; m < n; ++m) {
                bytes32[] memory proof = PlainLog.proofOf(leaves, m, n);
                vm.assertEq(proof.length, PlainLog.lengthOf(m, n));
                vm.assertTrue(this.continues(uint64(m), PlainLog.rootOf(leaves, 0, m), uint64(n), root, proof));
            }
        }
    }

    /// Under any other pair of sizes, an honest proof is accepted exactly where the plain verifier accepts it.
    function test_sizesAreNotExchanged() public view {
        bytes32[] memory leaves = _leaves(7, 0);
        for (uint256 n = 2; n <= 7; ++n) {
            for (uint256 m = 1; m < n; ++m) {
                _otherSizes(PlainLog.rootOf(leaves, 0, m), PlainLog.rootOf(leaves, 0, n), PlainLog.proofOf(leaves, m, n));
            }
        }
    }

    function _otherSizes(bytes32 formerRoot, bytes32 root, bytes32[] memory proof) private view {
        for (uint64 n = 2; n <= 9; ++n) {
            for (uint64 m = 1; m < n; ++m) {
                vm.assertEq(this.continues(m, formerRoot, n, root, proof), PlainLog.continues(m, formerRoot, n, root, proof));
            }
        }
    }

    /// Any sizes: nodes are invented, and the roots follow from them.
    function testFuzz_acceptsWhatTheNodesSay(uint64 m, uint64 n, bytes32 seed) public view {
        (m, n) = _sizes(m, n);
        (bytes32 formerRoot, bytes32 root, bytes32[] memory proof) = _invented(m, n, seed);
        vm.assertTrue(this.continues(m, formerRoot, n, root, proof));
    }

    function testFuzz_refusesAFlippedBit(uint64 m, uint64 n, bytes32 seed, uint256 place, uint8 bit) public view {
        (m, n) = _sizes(m, n);
        (bytes32 formerRoot, bytes32 root, bytes32[] memory proof) = _invented(m, n, seed);
        proof[place % proof.length] ^= bytes32(uint256(1) << bit);
        vm.assertFalse(this.continues(m, formerRoot, n, root, proof));
        proof[place % proof.length] ^= bytes32(uint256(1) << bit);
        vm.assertFalse(this.continues(m, formerRoot ^ bytes32(uint256(1) << bit), n, root, proof));
        vm.assertFalse(this.continues(m, formerRoot, n, root ^ bytes32(uint256(1) << bit), proof));
    }

    function testFuzz_refusesAnotherLength(uint64 m, uint64 n, bytes32 seed, uint256 place) public view {
        (m, n) = _sizes(m, n);
        (bytes32 formerRoot, bytes32 root, bytes32[] memory proof) = _invented(m, n, seed);
        place %= proof.length;
        vm.assertFalse(this.continues(m, formerRoot, n, root, _without(proof, place)));
        vm.assertFalse(this.continues(m, formerRoot, n, root, _twice(proof, place)));
        vm.assertFalse(this.continues(m, formerRoot, n, root, _twice(proof, proof.length - 1)));
        vm.assertFalse(this.continues(m, formerRoot, n, root, new bytes32[](0)));
    }

    function testFuzz_agreesWithThePlainVerifier(uint64 m, uint64 n, uint64 otherM, uint64 otherN, bytes32 seed) public view {
        (m, n) = _sizes(m, n);
        (bytes32 formerRoot, bytes32 root, bytes32[] memory proof) = _invented(m, n, seed);
        // Near ones above all: they share most of the path.
        (otherM, otherN) = (otherM % 2 == 0 ? m ^ (otherM >> 56) : otherM, otherN % 2 == 0 ? n ^ (otherN >> 56) : otherN);
        (otherM, otherN) = _sizes(otherM, otherN);
        bool expected = PlainLog.continues(otherM, formerRoot, otherN, root, proof);
        vm.assertEq(this.continues(otherM, formerRoot, otherN, root, proof), expected);
    }

    /// A path that never ends costs no more than the height of the tree.
    function test_aLongProofIsLeftEarly() public view {
        bytes32[] memory proof = new bytes32[](10_000);
        vm.assertFalse(this.continues{gas: 100_000}(type(uint64).max - 1, bytes32(0), type(uint64).max, bytes32(0), proof));
    }

    function test_extremeSizes() public view {
        uint64[5] memory sizes = [uint64(1), 2, 1 << 63, type(uint64).max - 1, type(uint64).max];
        for (uint256 i = 0; i < 5; ++i) {
            for (uint256 j = i + 1; j < 5; ++j) {
                (bytes32 formerRoot, bytes32 root, bytes32[] memory proof) = _invented(sizes[i], sizes[j], keccak256("extreme"));
                vm.assertTrue(this.continues(sizes[i], formerRoot, sizes[j], root, proof));
            }
        }
    }

    // Made here.

    function _sizes(uint64 m, uint64 n) private pure returns (uint64, uint64) {
        (m, n) = m < n ? (m, n) : (n, m);
        if (m == 0) m = 1;
        if (n <= m) n = m == type(uint64).max ? m : m + 1;
        return m == n ? (m - 1, n) : (m, n);
    }

    function _invented(uint64 m, uint64 n, bytes32 seed) private pure returns (bytes32 formerRoot, bytes32 root, bytes32[] memory proof) {
        proof = _leaves(PlainLog.lengthOf(m, n), seed);
        (formerRoot, root) = PlainLog.rootsOf(m, n, keccak256(abi.encode("a whole tree", seed)), proof);
    }

    function _leaves(uint256 count, bytes32 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = PlainLog.leafOf(abi.encode(seed, i));
        }
    }

    function _without(bytes32[] memory nodes, uint256 place) private pure returns (bytes32[] memory fewer) {
        fewer = new bytes32[](nodes.length - 1);
        for (uint256 i = 0; i < fewer.length; ++i) {
            fewer[i] = nodes[i < place ? i : i + 1];
        }
    }

    function _twice(bytes32[] memory nodes, uint256 place) private pure returns (bytes32[] memory more) {
        more = new bytes32[](nodes.length + 1);
        for (uint256 i = 0; i < more.length; ++i) {
            more[i] = nodes[i <= place ? i : i - 1];
        }
    }

    function _publicLeaves() private pure returns (bytes32[] memory leaves) {
        bytes[8] memory entries = [
            bytes(""), hex"00", hex"10", hex"2021", hex"3031", hex"40414243", hex"5051525354555657", hex"606162636465666768696a6b6c6d6e6f"
        ];
        leaves = new bytes32[](8);
        for (uint256 i = 0; i < 8; ++i) {
            leaves[i] = PlainLog.leafOf(entries[i]);
        }
    }
}
