// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Membership
/// @notice Who takes part, under which roles and licences, and until when. Nobody is named: a legal identity is a
/// salted commitment. Journal entity: the participant (`bytes32(uint160(account))`).
interface IMembership {
    struct Admission {
        bytes32 identity; // SHA-256 commitment to the legal identity, salted with 256 bits
        uint16 jurisdiction; // ISO 3166-1 numeric
        uint32 roles; // Codes.ROLE_*
        uint64 validUntil; // Unix seconds; the last one of good standing
        uint16[] licences; // Codes.LICENCE_* and above, ascending, at most 16
    }

    struct Participant {
        bytes32 identity;
        uint8 state; // Codes.MEMBER_*
        uint16 jurisdiction;
        uint32 roles;
        uint64 validUntil;
        uint16[] licences;
        uint16 encryptionSuite; // HPKE KEM id (RFC 9180, 7.1); 0 while none is registered
        bytes32 encryptionKey; // SHA-256 of the public key
    }

    /// What this deployment follows: the former one's chain id, and its contracts (in order of deployment) with their journal heads.
    struct Predecessor {
        uint256 chainId; // 0, with empty lists: none
        address[] contracts;
        bytes32[] heads;
    }

    /// The first entry in the journal of a deployment that follows another one; the constructor states it.
    event DeploymentSucceeded(uint256 indexed chainId, address[] contracts, bytes32[] heads);
    event DeploymentClosing(bytes32 indexed documentHash, uint64 closesAt);
    event ParticipantAdmitted(
        address indexed account, bytes32 indexed identity, uint16 jurisdiction, uint32 roles, uint64 validUntil, uint16[] licences
    );
    event ParticipantChanged(address indexed account, uint16 jurisdiction, uint32 roles, uint64 validUntil, uint16[] licences);
    event ParticipantSuspended(address indexed account, uint16 reason);
    event ParticipantReinstated(address indexed account);
    event ParticipantExpelled(address indexed account, uint16 reason);
    event EncryptionKeyRegistered(address indexed account, uint16 suite, bytes32 key);

    /// A predecessor has a chain id, contracts, and one journal head for each of them; else nothing at all.
    error PredecessorMalformed(uint256 chainId, uint256 contracts, uint256 heads);
    /// A deployment's end is announced once, and never taken back.
    error AlreadyClosing(uint64 closesAt);
    /// From its end on, a deployment takes no new assets, offers and orders.
    error DeploymentClosed(uint64 closesAt);
    /// The end of a deployment names its document.
    error ZeroDocument();
    /// Nobody is no member.
    error ZeroAccount();
    /// Every member has a legal identity, as a salted commitment.
    error ZeroIdentity();
    /// A change never makes a member somebody else.
    error IdentityDiffers(address account, bytes32 identity);
    /// Only known roles are given.
    error UnknownRoles(uint32 roles);
    /// Licence codes ascend, each once, from the first one that a licence can have.
    error UnorderedLicences(uint256 position);
    /// A member has at most sixteen licences.
    error TooManyLicences(uint256 given, uint256 most);
    /// A membership ends later than it is given.
    error ValidityInThePast(uint64 validUntil, uint64 time);
    /// An account is admitted once; an expelled one never again.
    error AlreadyAdmitted(address account);
    /// Only who was admitted has a standing.
    error NotAdmitted(address account);
    /// Acts need an admitted member; suspension and expulsion follow the states of a member.
    error ParticipantIs(address account, uint8 state);
    /// A membership counts until its last second.
    error MembershipExpired(address account, uint64 validUntil);
    /// An act asks for its role.
    error RoleMissing(address account, uint32 needed, uint32 held);
    /// A buyer has the class that the offer asks for.
    error ClassMissing(address account, uint16 class);
    /// An encryption key has a suite and a commitment.
    error ZeroEncryptionKey();

    /// @notice Admits a participant. Requirements: governance; an account never admitted before. Emits ParticipantAdmitted.
    function admit(address account, Admission calldata admission) external;
    /// @notice Replaces jurisdiction, roles, validity and licences (`identity` stays as it was, or is zero). Governance.
    /// Requirements: ADMITTED or SUSPENDED, and so it stays. Emits ParticipantChanged.
    function change(address account, Admission calldata admission) external;
    /// @notice Suspends at once. Governance. Requirements: ADMITTED.
    function suspend(address account, uint16 reason) external;
    /// @notice Ends a suspension. Governance. Requirements: SUSPENDED.
    function reinstate(address account) external;
    /// @notice Expels for ever. Governance. Requirements: ADMITTED or SUSPENDED.
    function expel(address account, uint16 reason) external;
    /// @notice The member's own act: the key that deliveries are sealed to. Requirements: good standing.
    function registerEncryptionKey(uint16 suite, bytes32 key) external;

    /// @notice Announces the end of this deployment, for ever: CLOSING_DELAY later new assets, offers and orders stop; withdrawals,
    /// deliveries, refunds, payouts and reads go on. Governance, once. Emits DeploymentClosing.
    function close(bytes32 documentHash) external;
    function CLOSING_DELAY() external view returns (uint64);
    /// @notice From when on nothing new begins here; 0 while no end was announced.
    function closesAt() external view returns (uint64);
    /// @notice Reverts DeploymentClosed from `closesAt` on.
    function requireOpen() external view;

    function participant(address account) external view returns (Participant memory);
    function isInGoodStanding(address account) external view returns (bool);
    /// @notice Reverts unless the account is admitted, not suspended, not expired (NotAdmitted, ParticipantIs, MembershipExpired).
    function requireGoodStanding(address account) external view;
    /// @notice As requireGoodStanding, and holds at least one of `roles` (RoleMissing).
    function requireRole(address account, uint32 roles) external view;
    /// @notice Whether the account holds the class, whatever its standing.
    function isOfClass(address account, uint16 class) external view returns (bool);
    /// @notice One call for an order: the deployment open (where `entering`); the buyer in good standing with role BUYER and of the class
    /// (0: none is asked); the provider in good standing with role PROVIDER. Returns both jurisdictions.
    function requireParties(bool entering, address buyer, uint16 buyerClass, address provider)
        external
        view
        returns (uint16 buyerJurisdiction, uint16 providerJurisdiction);
}
