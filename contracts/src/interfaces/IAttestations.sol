// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Attestations
/// @notice Statements of accredited members about a target key; withdrawn or corrected, never edited. Whoever relies on
/// one names its attester and checks, at use, that the attester is no party. Journal entity: the target key.
interface IAttestations {
    struct Statement {
        uint8 state; // 0 none, 1 standing, 2 withdrawn
        uint8 outcome; // Codes.OUTCOME_*
        uint64 attestedAt;
        uint64 validUntil;
    }

    event Attested(
        bytes32 indexed target, uint8 indexed kind, address indexed attester, uint8 outcome, bytes32 documentHash, uint64 validUntil
    );
    event AttestationCorrected(
        bytes32 indexed target, uint8 indexed kind, address indexed attester, uint8 outcome, bytes32 documentHash, uint64 validUntil
    );
    event AttestationWithdrawn(bytes32 indexed target, uint8 indexed kind, address indexed attester, bytes32 documentHash);

    /// A statement is about something.
    error ZeroTarget();
    /// A statement, its correction and its withdrawal name their document.
    error ZeroDocument();
    /// Only known kinds are stated.
    error UnknownAttestationKind(uint8 kind);
    /// A statement is positive or negative.
    error UnknownOutcome(uint8 outcome);
    /// A statement ends later than it is made.
    error ValidityInThePast(uint64 validUntil, uint64 time);
    /// Nobody attests to itself.
    error AttesterIsTarget(address attester);
    /// A standing statement is corrected or withdrawn, not made again.
    error AttestationStands(bytes32 target, uint8 kind, address attester);
    /// One attester is named for each kind that is asked, and no more.
    error TooManyAttesters(uint256 given, uint256 asked);
    /// Each kind that is asked is stated by the attester named for it.
    error AttestationMissing(bytes32 target, uint8 kind, address attester);
    /// A negative statement supports nothing.
    error AttestationNegative(bytes32 target, uint8 kind, address attester);
    /// A withdrawn statement supports nothing, and is not changed any more.
    error AttestationEnded(bytes32 target, uint8 kind, address attester);
    /// A statement counts until its last second.
    error AttestationExpired(bytes32 target, uint8 kind, address attester, uint64 validUntil);

    /// @notice States `outcome` about `target`. Requirements: the role that the kind asks (LEGAL_OPINION, SOURCE_LEGALITY,
    /// IMPACT_ASSESSMENT, DEIDENTIFICATION: REVIEWER; SECURITY_FILING: REVIEWER or REGULATOR; VALUATION: APPRAISER;
    /// CROSS_BORDER: REGULATOR; CONSENT_AUDIT: AUDITOR); none standing from the same attester. Emits Attested.
    function attest(bytes32 target, uint8 kind, uint8 outcome, bytes32 documentHash, uint64 validUntil) external;
    /// @notice Replaces the caller's standing statement by a new one. Emits AttestationCorrected.
    function correct(bytes32 target, uint8 kind, uint8 outcome, bytes32 documentHash, uint64 validUntil) external;
    /// @notice Withdraws the caller's standing statement. Requirements: good standing. Emits AttestationWithdrawn.
    function withdraw(bytes32 target, uint8 kind, bytes32 documentHash) external;

    function statement(bytes32 target, uint8 kind, address attester) external view returns (Statement memory);
    /// @notice Reverts unless the attester's statement stands, is positive and has not expired
    /// (AttestationMissing, AttestationEnded, AttestationNegative, AttestationExpired).
    function requireLive(bytes32 target, uint8 kind, address attester) external view;
    /// @notice One call for a policy: `kinds` is a set of bits (1 << kind); `attesters` gives one per set bit, lowest first.
    function requireAllLive(bytes32 target, uint16 kinds, address[] calldata attesters) external view;
}
