// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Cases
/// @notice Objections, disputes, leaks and breaches about a target key, and the holds that stop it. A hold stops
/// listing, order, delivery, transfer and payout of its target in the next transaction, and never a withdrawal.
/// Journal entity: the target key (asset id, version key, batch id, offer id, sale id, or member as bytes32(uint160)).
interface ICases {
    event CaseOpened(bytes32 indexed caseId, bytes32 indexed target, address indexed opener, uint8 kind, bytes32 documentHash);
    event CaseDecided(bytes32 indexed caseId, bytes32 indexed target, address indexed decider, uint8 outcome, bytes32 documentHash);
    event TargetHeld(bytes32 indexed target, address indexed holder, bytes32 documentHash);
    event TargetReleased(bytes32 indexed target, address indexed holder, bytes32 documentHash);

    /// A case or a hold is about something.
    error ZeroTarget();
    /// A case, a decision, a hold and its end name their document.
    error ZeroDocument();
    /// A case is an objection, a dispute, a leak or a breach.
    error UnknownCaseKind(uint8 kind);
    /// Only a case that was opened is decided.
    error UnknownCase(bytes32 caseId);
    /// The same complaint is opened once.
    error CaseExists(bytes32 caseId);
    /// A case is decided once.
    error CaseClosed(bytes32 caseId);
    /// Nobody decides the own case.
    error DeciderIsOpener(bytes32 caseId, address account);
    /// A decision is positive or negative.
    error UnknownOutcome(uint8 outcome);
    /// A judge holds a target once.
    error AlreadyHeld(bytes32 target, address holder);
    /// A judge ends the own hold only.
    error NotHeldBy(bytes32 target, address account);
    /// A hold is ended for another only when that judge no longer can.
    error HolderStands(bytes32 target, address holder);
    /// What is held is not listed, ordered, delivered, transferred or paid out.
    error Held(bytes32 target);

    /// @notice Opens a case. Requirements: good standing. caseId = keccak256(abi.encode(target, kind, opener, documentHash)).
    function open(bytes32 target, uint8 kind, bytes32 documentHash) external returns (bytes32 caseId);
    /// @notice Decides an open case. Requirements: ARBITER or REGULATOR, not its opener.
    function decide(bytes32 caseId, uint8 outcome, bytes32 documentHash) external;
    /// @notice Holds a target. Requirements: ARBITER or REGULATOR. Several holders can hold one target; each releases its own.
    function hold(bytes32 target, bytes32 documentHash) external;
    /// @notice Ends the caller's own hold. Requirements: ARBITER or REGULATOR still.
    function release(bytes32 target, bytes32 documentHash) external;
    /// @notice Ends the hold of a holder who can no longer end it: not in good standing, or no judge any more. Requirements: REGULATOR.
    function releaseFor(bytes32 target, address holder, bytes32 documentHash) external;

    function isHeld(bytes32 target) external view returns (bool);
    /// @notice Reverts Held(target) with the first held one. Zero keys are never held.
    function requireFree(bytes32 first, bytes32 second, bytes32 third, bytes32 fourth) external view;
    /// @notice The same for the six keys of a sale, in one call.
    function requireAllFree(bytes32[6] calldata targets) external view;
}
