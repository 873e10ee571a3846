// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {Journal} from "../../src/Journal.sol";

/// What the journal folds, for all topics, entities, blocks' heads and data of a few lengths, by halmos (`python -m tools.halmos`; forge
/// runs none of these): the digest is that of the topics and the data, packed; both heads take it; memory is as it was.
contract JournalSymbolic is Journal {
    bytes32 private constant SIGNATURE = keccak256("Something(bytes32)");

    // An earlier record, so that the heads are not empty, and then the one that is looked at.

    function check_oneTopicIsFolded(bytes32 entity, bytes32 first, bytes32[2] memory words) external {
        bytes memory data = _data(words, 64);
        (bytes32 head, bytes32 headOf) = _begin(entity);
        _record(entity, SIGNATURE, first, data);
        _expect(entity, head, headOf, keccak256(abi.encodePacked(SIGNATURE, first, words)));
    }

    function check_twoTopicsAreFolded(bytes32 entity, bytes32 first, bytes32 second, bytes32[2] memory words) external {
        bytes memory data = _data(words, 64);
        (bytes32 head, bytes32 headOf) = _begin(entity);
        _record(entity, SIGNATURE, first, second, data);
        _expect(entity, head, headOf, keccak256(abi.encodePacked(SIGNATURE, first, second, words)));
    }

    function check_threeTopicsAreFolded(bytes32 entity, bytes32 first, bytes32 second, bytes32 third, bytes32[2] memory words) external {
        bytes memory data = _data(words, 64);
        (bytes32 head, bytes32 headOf) = _begin(entity);
        _record(entity, SIGNATURE, first, second, third, data);
        _expect(entity, head, headOf, keccak256(abi.encodePacked(SIGNATURE, first, second, third, words)));
    }

    function check_anEventWithoutDataIsFolded(bytes32 entity, bytes32 first, bytes32 second, bytes32 third) external {
        (bytes32 head, bytes32 headOf) = _begin(entity);
        _record(entity, SIGNATURE, first, second, third, "");
        _expect(entity, head, headOf, keccak256(abi.encodePacked(SIGNATURE, first, second, third)));
    }

    function check_dataOfAnOddLengthIsFolded(bytes32 entity, bytes32 first, bytes32 second, bytes32[2] memory words) external {
        bytes memory data = _data(words, 33);
        (bytes32 head, bytes32 headOf) = _begin(entity);
        _record(entity, SIGNATURE, first, second, data);
        _expect(entity, head, headOf, keccak256(abi.encodePacked(SIGNATURE, first, second, words[0], bytes1(words[1]))));
    }

    function check_anInheritedEventIsFolded(bytes32 entity, bytes32 first) external {
        (bytes32 head, bytes32 headOf) = _begin(entity);
        _foldEmitted(entity, abi.encodePacked(SIGNATURE, first));
        _expect(entity, head, headOf, keccak256(abi.encodePacked(SIGNATURE, first)));
    }

    function check_twoEntitiesAreToldBoth(bytes32 entity, bytes32 other, bytes32 first, bytes32 second, bytes32 third, bytes32 word)
        external
    {
        if (entity == other || other == 0) return;
        (bytes32 head, bytes32 headOf) = _begin(entity);
        bytes32 headOfOther = journalHeadOf(other);
        _record(entity, other, SIGNATURE, first, second, third, abi.encode(word));
        bytes32 digest = keccak256(abi.encodePacked(SIGNATURE, first, second, third, word));
        _expect(entity, head, headOf, digest);
        assert(journalHeadOf(other) == keccak256(abi.encodePacked(headOfOther, block.number, digest)));
    }

    function check_anotherEntitysHeadStays(bytes32 entity, bytes32 other, bytes32 first, bytes32 word) external {
        if (entity == other) return;
        _begin(other);
        bytes32 headOfOther = journalHeadOf(other);
        _record(entity, SIGNATURE, first, abi.encode(word));
        assert(journalHeadOf(other) == headOfOther);
    }

    // Memory.

    /// What stands before the data, the data, and what stands behind it.
    function check_memoryIsAsItWas(bytes32 first, bytes32[4] memory before, bytes32[2] memory words, bytes32[2] memory later) external {
        bytes memory head = abi.encodePacked(before);
        bytes memory data = _data(words, 64);
        bytes memory tail = abi.encodePacked(later);
        uint256 free = _free();
        _record(first, SIGNATURE, first, data);
        _record(first, SIGNATURE, first, first, data);
        _record(first, SIGNATURE, first, first, first, data);
        assert(_free() == free);
        assert(head.length == 128 && data.length == 64 && tail.length == 64);
        for (uint256 i = 0; i < 4; ++i) {
            assert(_word(head, i) == before[i]);
        }
        for (uint256 i = 0; i < 2; ++i) {
            assert(_word(data, i) == words[i] && _word(tail, i) == later[i]);
        }
    }

    // Words.

    function _begin(bytes32 entity) private returns (bytes32 head, bytes32 headOf) {
        _record(entity, SIGNATURE, "before", "");
        return (journalHead(), journalHeadOf(entity));
    }

    /// Nobody's chain stays empty.
    function _expect(bytes32 entity, bytes32 head, bytes32 headOf, bytes32 digest) private view {
        assert(journalHead() == keccak256(abi.encodePacked(head, block.number, digest)));
        assert(journalHeadOf(entity) == (entity == 0 ? bytes32(0) : keccak256(abi.encodePacked(headOf, block.number, digest))));
    }

    function _data(bytes32[2] memory words, uint256 length) private pure returns (bytes memory data) {
        data = abi.encodePacked(words);
        assembly ("memory-safe") {
            mstore(data, length)
        }
    }

    function _word(bytes memory from, uint256 place) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(from, 0x20), shl(5, place)))
        }
    }

    function _free() private pure returns (uint256 free) {
        assembly ("memory-safe") {
            free := mload(0x40)
        }
    }
}
