// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IJournal} from "./interfaces/IJournal.sol";

/// @dev The one way to emit: a log and its fold are the same act. A contract that inherits this one has no `emit` of
/// its own; where a library emits for it (ERC-721, AccessManaged), `_foldEmitted` follows in the same function.
/// The entity zero is nobody's: such a log is folded into the contract's head only.
abstract contract Journal is IJournal {
    // erc7201("deedbook.journal"): the contract's head; the next slot is that of mapping(bytes32 entity => bytes32 head).
    bytes32 private constant HEAD = 0x35ea186c54920fec12571065a4cda6362dfe9d8d041545c86607b9dcfe795800;
    bytes32 private constant HEADS = 0x35ea186c54920fec12571065a4cda6362dfe9d8d041545c86607b9dcfe795801;

    /// @inheritdoc IJournal
    function journalHead() public view returns (bytes32) {
        return _load(HEAD);
    }

    /// @inheritdoc IJournal
    function journalHeadOf(bytes32 entity) public view returns (bytes32) {
        return _load(_slotOf(entity));
    }

    /// @dev Logs an event with one indexed argument.
    function _record(bytes32 entity, bytes32 signature, bytes32 first, bytes memory data) internal {
        assembly ("memory-safe") {
            log2(add(data, 0x20), mload(data), signature, first)
        }
        _fold(entity, _digest(0x40, 0, 0, signature, first, data));
    }

    /// @dev Logs an event with two indexed arguments.
    function _record(bytes32 entity, bytes32 signature, bytes32 first, bytes32 second, bytes memory data) internal {
        assembly ("memory-safe") {
            log3(add(data, 0x20), mload(data), signature, first, second)
        }
        _fold(entity, _digest(0x60, 0, signature, first, second, data));
    }

    /// @dev Logs an event with three indexed arguments.
    function _record(bytes32 entity, bytes32 signature, bytes32 first, bytes32 second, bytes32 third, bytes memory data) internal {
        _fold(entity, _emit(signature, first, second, third, data));
    }

    /// @dev Logs an event with three indexed arguments that concerns two different entities.
    function _record(bytes32 entity, bytes32 other, bytes32 signature, bytes32 first, bytes32 second, bytes32 third, bytes memory data)
        internal
    {
        bytes32 digest = _emit(signature, first, second, third, data);
        _fold(entity, digest);
        _advance(_slotOf(other), digest);
    }

    /// @dev Folds what inherited code has just emitted. `log` is its topics and its data, end to end.
    function _foldEmitted(bytes32 entity, bytes memory log) internal {
        _fold(entity, keccak256(log));
    }

    function _emit(bytes32 signature, bytes32 first, bytes32 second, bytes32 third, bytes memory data) private returns (bytes32) {
        assembly ("memory-safe") {
            log4(add(data, 0x20), mload(data), signature, first, second, third)
        }
        return _digest(0x80, signature, first, second, third, data);
    }

    /// @dev The hash of the last `size` bytes of the four words, followed by the data. They are joined in place: the words
    /// that end where the data begins (its length is the last of them) are borrowed, and put back.
    function _digest(uint256 size, bytes32 a, bytes32 b, bytes32 c, bytes32 d, bytes memory data) private pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let start := sub(data, 0x60)
            let w := mload(start)
            let x := mload(add(start, 0x20))
            let y := mload(add(start, 0x40))
            let z := mload(data)
            mstore(start, a)
            mstore(add(start, 0x20), b)
            mstore(add(start, 0x40), c)
            mstore(data, d)
            digest := keccak256(add(start, sub(0x80, size)), add(size, z))
            mstore(start, w)
            mstore(add(start, 0x20), x)
            mstore(add(start, 0x40), y)
            mstore(data, z)
        }
    }

    /// @dev Folds the digest into the contract's head and, but for nobody's, into the entity's.
    function _fold(bytes32 entity, bytes32 digest) private {
        bytes32 slot = _slotOf(entity);
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(add(words, 0x20), number())
            mstore(add(words, 0x40), digest)
            mstore(words, sload(HEAD))
            sstore(HEAD, keccak256(words, 0x60))
            if entity {
                mstore(words, sload(slot))
                sstore(slot, keccak256(words, 0x60))
            }
        }
    }

    function _advance(bytes32 slot, bytes32 digest) private {
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, sload(slot))
            mstore(add(words, 0x20), number())
            mstore(add(words, 0x40), digest)
            sstore(slot, keccak256(words, 0x60))
        }
    }

    function _load(bytes32 slot) private view returns (bytes32 head) {
        assembly ("memory-safe") {
            head := sload(slot)
        }
    }

    function _slotOf(bytes32 entity) private pure returns (bytes32 slot) {
        assembly ("memory-safe") {
            mstore(0x00, entity)
            mstore(0x20, HEADS)
            slot := keccak256(0x00, 0x40)
        }
    }
}
