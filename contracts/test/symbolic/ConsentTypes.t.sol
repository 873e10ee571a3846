// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../../src/interfaces/IConsents.sol";
import {ConsentTypes} from "../../src/libraries/ConsentTypes.sol";
import {PackedBatch, PackedBatches} from "../../src/libraries/PackedBatches.sol";

/// What is hashed in place is what abi.encode would make of it, and what is packed comes out again, for all values, by halmos
/// (`python -m tools.halmos`; forge runs none of these).
contract ConsentTypesSymbolic {
    bytes32 private constant BATCH_TAG = keccak256("deedbook.batch.v1");

    function check_termsAreHashedAsEncoded(IConsents.Terms memory terms, bytes32 manifestHash) external pure {
        bytes memory later = abi.encodePacked(manifestHash);
        bytes32 expected = keccak256(abi.encode(terms, manifestHash));
        assert(ConsentTypes.termsHash(terms, manifestHash) == expected);
        assert(later.length == 32 && bytes32(later) == manifestHash);
    }

    function check_aBatchIsNamedByItsEncodedWords(IConsents.Batch calldata batch) external pure {
        assert(ConsentTypes.batchIdOf(batch) == keccak256(abi.encode(BATCH_TAG, batch.assetId, batch.root, batch.count, batch.termsHash)));
    }

    /// As the arguments of grantBatch stand; the terms are read nowhere else, where the decoder would look at them.
    function stated(bytes32, uint32, IConsents.Terms calldata terms, bytes32)
        external
        pure
        returns (bytes memory words, bytes memory read)
    {
        IConsents.Terms memory found;
        (words, found) = ConsentTypes.statedWith(terms);
        read = abi.encode(found);
    }

    function check_whatABatchStatesIsWhatWasSaid(bytes32 root, uint32 count, IConsents.Terms memory terms, bytes32 manifestHash)
        external
        view
    {
        (bytes memory words, bytes memory read) = this.stated(root, count, terms, manifestHash);
        assert(keccak256(words) == keccak256(abi.encode(root, count, terms, manifestHash)));
        assert(keccak256(read) == keccak256(abi.encode(terms)));
    }

    /// Twelve words of any kind: taken where each of the terms fits its type, else refused.
    function check_wordsThatFitNoTermsAreRefused(bytes32[12] memory words) external {
        (bool success,) = address(this).call(bytes.concat(this.stated.selector, abi.encodePacked(words)));
        bool fit = uint256(words[1]) >> 32 == 0 && uint256(words[2]) >> 160 == 0 && uint256(words[3]) >> 160 == 0
            && uint256(words[4]) >> 16 == 0 && uint256(words[5]) >> 16 == 0 && uint256(words[6]) >> 16 == 0 && uint256(words[7]) >> 1 == 0
            && uint256(words[9]) >> 64 == 0 && uint256(words[10]) >> 64 == 0;
        assert(success == fit);
    }

    function check_aPackedBatchComesOutAgain(uint32 count, bool direct, uint32 version, uint32 later) external pure {
        if (count == 0) return;
        PackedBatch batch = PackedBatches.pack(count, direct);
        assert(batch.isKnown() && batch.version() == 0);
        batch = batch.boundTo(version).withOneLess().boundTo(later);
        IConsents.BatchState memory state = batch.unpack();
        assert(state.count == count && state.withdrawn == 1 && state.version == later && state.direct == direct);
        assert(batch.version() == later);
    }

    function check_oneLessIsOneMoreWithdrawn(uint32 count, uint32 withdrawn, uint32 version, bool direct) external pure {
        if (withdrawn >= count) return;
        PackedBatch batch =
            PackedBatch.wrap(uint256(count) | uint256(withdrawn) << 32 | uint256(version) << 64 | (direct ? uint256(1) << 96 : 0));
        IConsents.BatchState memory state = batch.withOneLess().unpack();
        assert(state.count == count && state.withdrawn == withdrawn + 1 && state.version == version && state.direct == direct);
    }
}
