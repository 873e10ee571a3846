// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

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
        AnswerDirty
    }

    Mood private _mood;

    constructor(Mood mood) {
        _mood = mood;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (_mood == Mood.Agree) return IERC1271.isValidSignature.selector;
        if (_mood == Mood.Refuse) return 0xffffffff;
        if (_mood == Mood.Revert) revert("no");
        bytes32 magic = bytes32(IERC1271.isValidSignature.selector);
        if (_mood == Mood.BurnGas) {
            while (true) magic = keccak256(abi.encode(magic));
        }
        if (_mood == Mood.Flood) {
            assembly ("memory-safe") {
                revert(0, 200000)
            }
        }
        if (_mood == Mood.AnswerShort) {
            assembly ("memory-safe") {
                mstore(0, magic)
                return(0, 4)
            }
        }
        if (_mood == Mood.AnswerDirty) {
            assembly ("memory-safe") {
                mstore(0, or(magic, 1))
                return(0, 32)
            }
        }
        return 0xffffffff;
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
