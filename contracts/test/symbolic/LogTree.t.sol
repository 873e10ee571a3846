// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {Vm} from "../Vm.sol";
import {AnotherHash, BothVerifiers} from "./BothVerifiers.sol";

/// @title The verifier of consistency proofs says what the plain one says, by halmos (`python -m tools.halmos`; forge runs none of these)
/// @dev For all roots and nodes: of every pair of sizes up to 9, and every length of proof up to one more than any of them needs.
/// Both verifiers take any hash as it comes. SHA-256 is replaced in their code by another one, since halmos (0.3.3) takes the 65
/// bytes of a node for 65 bits.
/// @custom:halmos --loop 64
contract LogTreeSymbolic {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint64 private constant MOST = 9;
    bytes1 private constant HASH = 0xf0;

    BothVerifiers private verifiers = BothVerifiers(address(0x1000));

    function setUp() public {
        bytes memory code = address(new BothVerifiers()).code;
        assert(_replace(code) == 3); // two in the contract's verifier, one in the plain one
        vm.etch(address(verifiers), code);
        vm.etch(address(uint160(uint8(HASH))), address(new AnotherHash()).code);
    }

    /// SHA-256 is at address 2, which nothing else in this code is.
    function _replace(bytes memory code) private pure returns (uint256 count) {
        for (uint256 i = 1; i < code.length; ++i) {
            bool pushesTwo = code[i - 1] == 0x60 && code[i] == 0x02;
            if (!pushesTwo) continue;
            code[i] = HASH;
            ++count;
        }
    }

    function check_noNodes(bytes32 formerRoot, bytes32 root) external view {
        _everyPair(formerRoot, root, new bytes32[](0));
    }

    function check_oneNode(bytes32 formerRoot, bytes32 root, bytes32 a) external view {
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = a;
        _everyPair(formerRoot, root, proof);
    }

    function check_twoNodes(bytes32 formerRoot, bytes32 root, bytes32 a, bytes32 b) external view {
        bytes32[] memory proof = new bytes32[](2);
        (proof[0], proof[1]) = (a, b);
        _everyPair(formerRoot, root, proof);
    }

    function check_threeNodes(bytes32 formerRoot, bytes32 root, bytes32 a, bytes32 b, bytes32 c) external view {
        bytes32[] memory proof = new bytes32[](3);
        (proof[0], proof[1], proof[2]) = (a, b, c);
        _everyPair(formerRoot, root, proof);
    }

    function check_fourNodes(bytes32 formerRoot, bytes32 root, bytes32[4] calldata nodes) external view {
        bytes32[] memory proof = new bytes32[](4);
        for (uint256 i = 0; i < 4; ++i) {
            proof[i] = nodes[i];
        }
        _everyPair(formerRoot, root, proof);
    }

    function check_fiveNodes(bytes32 formerRoot, bytes32 root, bytes32[5] calldata nodes) external view {
        bytes32[] memory proof = new bytes32[](5);
        for (uint256 i = 0; i < 5; ++i) {
            proof[i] = nodes[i];
        }
        _everyPair(formerRoot, root, proof);
    }

    function check_sixNodes(bytes32 formerRoot, bytes32 root, bytes32[6] calldata nodes) external view {
        bytes32[] memory proof = new bytes32[](6);
        for (uint256 i = 0; i < 6; ++i) {
            proof[i] = nodes[i];
        }
        _everyPair(formerRoot, root, proof);
    }

    function _everyPair(bytes32 formerRoot, bytes32 root, bytes32[] memory proof) private view {
        for (uint64 n = 2; n <= MOST; ++n) {
            for (uint64 m = 1; m < n; ++m) {
                assert(verifiers.agree(m, formerRoot, n, root, proof));
            }
        }
    }
}
