// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Anchor log
/// @notice One line of checkpoints per exchange: the size and the root of its own append-only log (RFC 9162, SHA-256). The contract
/// verifies that each continues the one before it, so that nobody, the exchange included, can rewrite what was anchored.
/// Journal entity: the exchange (`bytes32(uint160(account))`).
interface IAnchorLog {
    struct Checkpoint {
        uint64 size; // entries; 0: none anchored yet
        uint64 at; // Unix seconds
        bytes32 root;
    }

    event CheckpointAnchored(address indexed exchange, uint64 indexed size, bytes32 indexed root, uint64 formerSize);

    /// A log has entries.
    error ZeroSize();
    /// A log never shrinks.
    error LogShrinks(uint64 size, uint64 given);
    /// A size has one root.
    error RootDiffers(uint64 size, bytes32 root, bytes32 given);
    /// Where nothing is to be proved, nothing is given.
    error ProofNotEmpty(uint256 length);
    /// A checkpoint continues the one before it.
    error Inconsistent(uint64 formerSize, uint64 size);

    /// @notice Anchors the caller's next checkpoint. Requirements: OPERATOR in good standing; size > 0 and never smaller; at an equal
    /// size the equal root and no proof; else the consistency proof (RFC 9162, 2.1.4.2), consumed whole; none for the first
    /// checkpoint. Emits CheckpointAnchored.
    function anchor(uint64 size, bytes32 root, bytes32[] calldata proof) external;

    function latest(address exchange) external view returns (Checkpoint memory);
}
