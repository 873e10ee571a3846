// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Journal
/// @notice A contract whose every log is folded, in the same act, into its own hash chain and into that of the
/// entity concerned: `head = keccak256(head ‖ uint256(block.number) ‖ keccak256(topics ‖ data))`. A log that concerns
/// nobody (entity zero) is in the contract's chain only.
/// A copy of the logs is complete exactly when folding it gives the head.
interface IJournal {
    /// @notice The head of this contract: all its logs, in order.
    function journalHead() external view returns (bytes32);

    /// @notice The head of one entity: the logs of this contract that concern it, in order.
    function journalHeadOf(bytes32 entity) external view returns (bytes32);
}
