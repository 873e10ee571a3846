// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {IConsents} from "../interfaces/IConsents.sol";

/// @title What is signed and named
/// @notice The EIP-712 struct hashes of consents, receipts and withdrawals, and the identifiers of batches. Pure: the domain is the
/// contract's. Byte layout: docs/formats.md.
library ConsentTypes {
    bytes32 private constant CONSENT = keccak256(
        "Consent(address subject,uint256 assetId,address controller,address recipient,uint16 recipientClass,uint16 purpose,uint16 modes,bool crossBorder,bytes32 noticeHash,bytes32 recordCommit,uint64 validFrom,uint64 validUntil,string statement,bytes32 salt)"
    );
    bytes32 private constant RECEIPT = keccak256("Receipt(bytes32 consentId,uint256 assetId,address subject)");
    bytes32 private constant WITHDRAWAL = keccak256("Withdrawal(bytes32 consentId)");
    bytes32 private constant BATCH_TAG = keccak256("deedbook.batch.v1");

    function consentHash(IConsents.Consent calldata consent) internal pure returns (bytes32) {
        return keccak256(abi.encode(CONSENT, consent));
    }

    /// @notice The hash, the words of the consent without its type hash, and those words as a struct: encoded once, because a grant
    /// needs all three.
    function consentHashAndWords(IConsents.Consent calldata consent)
        internal
        pure
        returns (bytes32 hash, bytes memory words, IConsents.Consent memory read)
    {
        bytes memory typed = abi.encode(CONSENT, consent);
        hash = keccak256(typed);
        assembly ("memory-safe") {
            // The place of the type hash becomes the length of what follows it.
            words := add(typed, 0x20)
            mstore(words, sub(mload(typed), 0x20))
            read := add(typed, 0x40)
        }
    }

    /// @notice abi.encode(root, count, terms, manifestHash), and the terms in it as a struct. The arguments of grantBatch stand so in
    /// the calldata already, the terms after two words and before one: they are copied, and refused where the ABI's decoder would.
    function statedWith(IConsents.Terms calldata terms) internal pure returns (bytes memory stated, IConsents.Terms memory read) {
        assembly ("memory-safe") {
            stated := mload(0x40)
            mstore(0x40, add(stated, 0x1a0))
            mstore(stated, 0x180)
            calldatacopy(add(stated, 0x20), sub(terms, 0x40), 0x180)
            read := add(stated, 0x60)
            let small := or(mload(add(read, 0x40)), or(mload(add(read, 0x60)), mload(add(read, 0x80))))
            let times := or(mload(add(read, 0xe0)), mload(add(read, 0x100)))
            let dirty := or(shr(160, or(mload(read), mload(add(read, 0x20)))), or(shr(16, small), shr(64, times)))
            if or(dirty, shr(1, mload(add(read, 0xa0)))) { revert(0, 0) }
        }
    }

    function receiptHash(bytes32 consentId, uint256 assetId, address subject) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT, consentId, assetId, subject));
    }

    function withdrawalHash(bytes32 consentId) internal pure returns (bytes32) {
        return Hashes.efficientKeccak256(WITHDRAWAL, consentId);
    }

    /// @notice keccak256(abi.encode(terms, manifestHash)), hashed in place: the word behind the terms is borrowed, and put back.
    function termsHash(IConsents.Terms memory terms, bytes32 manifestHash) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let end := add(terms, 0x120)
            let borrowed := mload(end)
            mstore(end, manifestHash)
            hash := keccak256(terms, 0x140)
            mstore(end, borrowed)
        }
    }

    /// @notice The same of a batch as it is named in the calldata, hashed where it stands: a word with dirty bits names no batch.
    function batchIdOf(IConsents.Batch calldata batch) internal pure returns (bytes32 batchId) {
        bytes32 tag = BATCH_TAG;
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, tag)
            calldatacopy(add(words, 0x20), batch, 0x80)
            batchId := keccak256(words, 0xa0)
        }
    }

    function batchIdOf(uint256 assetId, bytes32 root, uint32 count, bytes32 termsHash_) internal pure returns (bytes32) {
        return keccak256(abi.encode(BATCH_TAG, assetId, root, count, termsHash_));
    }
}
