// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {LogTree} from "../../src/libraries/LogTree.sol";
import {PlainLog} from "../PlainLog.sol";

/// What the contract says of a proof, beside what the plain verifier says.
contract BothVerifiers {
    function agree(uint64 formerSize, bytes32 formerRoot, uint64 size, bytes32 root, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        bool plain = false;
        if (proof.length == PlainLog.lengthOf(formerSize, size)) {
            (bytes32 former, bytes32 later) = PlainLog.rootsOf(formerSize, size, formerRoot, proof);
            assembly {
                plain := and(eq(former, formerRoot), eq(later, root)) // as PlainLog.continues says it, in one path
            }
        }
        return LogTree.continues(formerSize, formerRoot, size, root, proof) == plain;
    }
}

/// A hash that halmos knows, at an address of its own.
contract AnotherHash {
    fallback(bytes calldata input) external returns (bytes memory) {
        return abi.encode(keccak256(input));
    }
}
