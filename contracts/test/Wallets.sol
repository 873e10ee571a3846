// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Contract wallets, honest and hostile
/// @dev One contract with a mood: what it answers when asked whether it signed.
contract Wallet is IERC1271 {
    enum Mood {
        Agree,
        Refuse,
        Revert,
        BurnGas,
        Flood,
        AnswerShort,
        AnswerDirty,
        Answer31,
        Answer33,
        Answer64,
        AnswerAMegabyte,
        RevertWithYes
    }

    // Immutable: part of the code, so that an account that delegates to it has its mood too.
    Mood private immutable _mood;

    constructor(Mood mood) {
        _mood = mood;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (_mood == Mood.Agree) return IERC1271.isValidSignature.selector;
        if (_mood == Mood.Revert) revert("no");
        if (_mood == Mood.BurnGas) _burn();
        if (_mood == Mood.Flood) _answer(200_000, false);
        if (_mood == Mood.AnswerShort) _answer(4, true);
        if (_mood == Mood.AnswerDirty) {
            bytes32 dirty = bytes32(IERC1271.isValidSignature.selector) | bytes32(uint256(1));
            assembly ("memory-safe") {
                mstore(0, dirty)
                return(0, 32)
            }
        }
        if (_mood == Mood.Answer31) _answer(31, true);
        if (_mood == Mood.Answer33) _answer(33, true);
        if (_mood == Mood.Answer64) _answer(64, true);
        if (_mood == Mood.AnswerAMegabyte) _answer(1 << 20, true);
        if (_mood == Mood.RevertWithYes) _answer(32, false);
        return 0xffffffff;
    }

    function _burn() private pure {
        bytes32 word;
        while (true) word = keccak256(abi.encode(word));
    }

    /// Yes, followed by zeros up to `size` bytes, or cut to it.
    function _answer(uint256 size, bool success) private pure {
        bytes32 magic = bytes32(IERC1271.isValidSignature.selector);
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, magic)
            if success { return(at, size) }
            revert(at, size)
        }
    }
}

/// @dev Agrees, but only after writing: a static call cannot.
contract WritingWallet {
    uint256 private _count;

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        ++_count;
        return IERC1271.isValidSignature.selector;
    }
}

/// @dev Calls back before it agrees; it swallows what that call says.
contract ReenteringWallet {
    address private _target;
    bytes private _call;

    function aim(address target, bytes calldata call) external {
        (_target, _call) = (target, call);
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        (bool success,) = _target.call(_call);
        return success ? bytes4(0) : IERC1271.isValidSignature.selector;
    }
}

/// @dev A wallet of one key, which asks the key about the bare digest: what it signed for another wallet looks the same to it.
contract OwnedWallet is IERC1271 {
    address private immutable _owner;

    constructor(address owner) {
        _owner = owner;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        return signer == _owner ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
