// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

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

    /// @notice The hash, and the words of the consent without its type hash: encoded once, because a grant needs both.
    function consentHashAndWords(IConsents.Consent calldata consent) internal pure returns (bytes32 hash, bytes memory words) {
        bytes memory typed = abi.encode(CONSENT, consent);
        hash = keccak256(typed);
        assembly ("memory-safe") {
            // The place of the type hash becomes the length of what follows it.
            words := add(typed, 0x20)
            mstore(words, sub(mload(typed), 0x20))
        }
    }

    /// @notice The terms and their hash, read in place from abi.encode(root, count, terms, manifestHash): encoded once too.
    function termsIn(bytes memory stated) internal pure returns (IConsents.Terms memory terms, bytes32 hash) {
        assembly ("memory-safe") {
            terms := add(stated, 0x60)
            hash := keccak256(terms, sub(mload(stated), 0x40))
        }
    }

    function receiptHash(bytes32 consentId, uint256 assetId, address subject) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT, consentId, assetId, subject));
    }

    function withdrawalHash(bytes32 consentId) internal pure returns (bytes32) {
        return keccak256(abi.encode(WITHDRAWAL, consentId));
    }

    function termsHash(IConsents.Terms memory terms, bytes32 manifestHash) internal pure returns (bytes32) {
        return keccak256(abi.encode(terms, manifestHash));
    }

    function batchIdOf(uint256 assetId, bytes32 root, uint32 count, bytes32 termsHash_) internal pure returns (bytes32) {
        return keccak256(abi.encode(BATCH_TAG, assetId, root, count, termsHash_));
    }
}
