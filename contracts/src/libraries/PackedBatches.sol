// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../interfaces/IConsents.sol";

/// A BatchState in one word, from the lowest bits: count 32, withdrawn 32, version 32, direct 1. Zero where unknown.
type PackedBatch is uint256;

using PackedBatches for PackedBatch global;

/// @title Batches in one word
/// @notice Read and written once an act: a struct's fields would be read and masked one by one.
library PackedBatches {
    uint256 private constant WITHDRAWN = 32;
    uint256 private constant VERSION = 64;
    uint256 private constant DIRECT = 96;

    /// @notice A new batch: nobody withdrew, and it belongs to no binding.
    function pack(uint32 count, bool direct) internal pure returns (PackedBatch) {
        return PackedBatch.wrap(direct ? uint256(count) | 1 << DIRECT : count);
    }

    function unpack(PackedBatch batch) internal pure returns (IConsents.BatchState memory) {
        uint256 word = PackedBatch.unwrap(batch);
        return IConsents.BatchState({
            count: uint32(word), withdrawn: uint32(word >> WITHDRAWN), version: version(batch), direct: word >> DIRECT != 0
        });
    }

    function isKnown(PackedBatch batch) internal pure returns (bool) {
        return PackedBatch.unwrap(batch) != 0;
    }

    function version(PackedBatch batch) internal pure returns (uint32) {
        return uint32(PackedBatch.unwrap(batch) >> VERSION);
    }

    function boundTo(PackedBatch batch, uint32 version_) internal pure returns (PackedBatch) {
        uint256 others = PackedBatch.unwrap(batch) & ~(uint256(type(uint32).max) << VERSION);
        return PackedBatch.wrap(others | uint256(version_) << VERSION);
    }

    /// @notice One leaf of it has ended. No overflow into the next field: each ends once, and there are at most 2^32 - 1.
    function withOneLess(PackedBatch batch) internal pure returns (PackedBatch) {
        unchecked {
            return PackedBatch.wrap(PackedBatch.unwrap(batch) + (1 << WITHDRAWN));
        }
    }
}
