// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {Governed} from "./Governed.sol";
import {IMembership} from "./interfaces/IMembership.sol";
import {Codes} from "./libraries/Codes.sol";
import {Keys} from "./libraries/Keys.sol";
import {Licences, LicenceSet} from "./libraries/Licences.sol";

/// @title Membership
contract Membership is IMembership, Governed {
    struct Standing {
        uint8 state;
        uint16 jurisdiction;
        uint32 roles;
        uint64 validUntil;
        uint16 encryptionSuite;
    }

    struct Member {
        Standing standing;
        Licences licences;
        bytes32 identity;
        bytes32 encryptionKey;
    }

    /// @inheritdoc IMembership
    uint64 public constant CLOSING_DELAY = 7 days;

    uint64 private _closesAt;
    mapping(address account => Member) private _members;

    constructor(address manager, address forwarder, Predecessor memory former) Governed(manager, forwarder) {
        uint256 contracts = former.contracts.length;
        uint256 heads = former.heads.length;
        if (contracts != heads || (former.chainId == 0) != (contracts == 0)) {
            revert PredecessorMalformed(former.chainId, contracts, heads);
        }
        if (former.chainId == 0) return;
        _record(0, DeploymentSucceeded.selector, bytes32(former.chainId), abi.encode(former.contracts, former.heads));
    }

    /// @inheritdoc IMembership
    function admit(address account, Admission calldata admission) external restricted {
        Member storage member = _members[account];
        if (account == address(0)) revert ZeroAccount();
        if (member.standing.state != Codes.MEMBER_NONE) revert AlreadyAdmitted(account);
        if (admission.identity == 0) revert ZeroIdentity();
        member.standing.state = Codes.MEMBER_ADMITTED;
        member.identity = admission.identity;
        _write(member, admission);
        _record(
            Keys.member(account),
            ParticipantAdmitted.selector,
            Keys.member(account),
            admission.identity,
            abi.encode(admission.jurisdiction, admission.roles, admission.validUntil, admission.licences)
        );
    }

    /// @inheritdoc IMembership
    function change(address account, Admission calldata admission) external restricted {
        Member storage member = _remaining(account);
        if (admission.identity != 0 && admission.identity != member.identity) revert IdentityDiffers(account, admission.identity);
        _write(member, admission);
        _record(
            Keys.member(account),
            ParticipantChanged.selector,
            Keys.member(account),
            abi.encode(admission.jurisdiction, admission.roles, admission.validUntil, admission.licences)
        );
    }

    /// @inheritdoc IMembership
    function suspend(address account, uint16 reason) external restricted {
        _inState(account, Codes.MEMBER_ADMITTED).state = Codes.MEMBER_SUSPENDED;
        _record(Keys.member(account), ParticipantSuspended.selector, Keys.member(account), abi.encode(reason));
    }

    /// @inheritdoc IMembership
    function reinstate(address account) external restricted {
        _inState(account, Codes.MEMBER_SUSPENDED).state = Codes.MEMBER_ADMITTED;
        _record(Keys.member(account), ParticipantReinstated.selector, Keys.member(account), "");
    }

    /// @inheritdoc IMembership
    function expel(address account, uint16 reason) external restricted {
        _remaining(account).standing.state = Codes.MEMBER_EXPELLED;
        _record(Keys.member(account), ParticipantExpelled.selector, Keys.member(account), abi.encode(reason));
    }

    /// @inheritdoc IMembership
    function registerEncryptionKey(uint16 suite, bytes32 key) external {
        address account = _msgSender();
        _requireGoodStanding(account);
        if (suite == 0 || key == 0) revert ZeroEncryptionKey();
        Member storage member = _members[account];
        member.standing.encryptionSuite = suite;
        member.encryptionKey = key;
        _record(Keys.member(account), EncryptionKeyRegistered.selector, Keys.member(account), abi.encode(suite, key));
    }

    /// @inheritdoc IMembership
    function close(bytes32 documentHash) external restricted {
        if (documentHash == 0) revert ZeroDocument();
        if (_closesAt != 0) revert AlreadyClosing(_closesAt);
        _closesAt = _time() + CLOSING_DELAY;
        _record(0, DeploymentClosing.selector, documentHash, abi.encode(_closesAt));
    }

    /// @inheritdoc IMembership
    function closesAt() external view returns (uint64) {
        return _closesAt;
    }

    /// @inheritdoc IMembership
    function requireOpen() external view {
        _requireOpen();
    }

    /// @inheritdoc IMembership
    function participant(address account) external view returns (Participant memory) {
        Member storage member = _members[account];
        Standing memory standing = member.standing;
        return Participant({
            identity: member.identity,
            state: standing.state,
            jurisdiction: standing.jurisdiction,
            roles: standing.roles,
            validUntil: standing.validUntil,
            licences: member.licences.unpack(),
            encryptionSuite: standing.encryptionSuite,
            encryptionKey: member.encryptionKey
        });
    }

    /// @inheritdoc IMembership
    function isInGoodStanding(address account) external view returns (bool) {
        Standing memory standing = _members[account].standing;
        return standing.state == Codes.MEMBER_ADMITTED && _time() <= standing.validUntil;
    }

    /// @inheritdoc IMembership
    function requireGoodStanding(address account) external view {
        _requireGoodStanding(account);
    }

    /// @inheritdoc IMembership
    function requireRole(address account, uint32 roles) external view {
        _requireRole(account, roles);
    }

    /// @inheritdoc IMembership
    function isOfClass(address account, uint16 class) external view returns (bool) {
        return _isOfClass(account, class);
    }

    /// @inheritdoc IMembership
    function requireParties(bool entering, address buyer, uint16 buyerClass, address provider)
        external
        view
        returns (uint16 buyerJurisdiction, uint16 providerJurisdiction)
    {
        if (entering) _requireOpen();
        buyerJurisdiction = _requireRole(buyer, Codes.ROLE_BUYER).jurisdiction;
        if (buyerClass != Codes.CLASS_NONE && !_isOfClass(buyer, buyerClass)) revert ClassMissing(buyer, buyerClass);
        providerJurisdiction = _requireRole(provider, Codes.ROLE_PROVIDER).jurisdiction;
    }

    /// @dev What a change may replace: everything but the identity, the state and the encryption key.
    function _write(Member storage member, Admission calldata admission) private {
        uint32 unknown = admission.roles & ~Codes.ROLES_ALL;
        if (unknown != 0) revert UnknownRoles(unknown);
        if (admission.validUntil < _time()) revert ValidityInThePast(admission.validUntil, _time());
        member.standing.jurisdiction = admission.jurisdiction;
        member.standing.roles = admission.roles;
        member.standing.validUntil = admission.validUntil;
        member.licences = LicenceSet.pack(admission.licences);
    }

    /// @dev The member, admitted or suspended.
    function _remaining(address account) private view returns (Member storage member) {
        member = _members[account];
        uint8 state = member.standing.state;
        if (state == Codes.MEMBER_NONE) revert NotAdmitted(account);
        if (state == Codes.MEMBER_EXPELLED) revert ParticipantIs(account, state);
    }

    function _inState(address account, uint8 expected) private view returns (Standing storage standing) {
        standing = _members[account].standing;
        if (standing.state == Codes.MEMBER_NONE) revert NotAdmitted(account);
        if (standing.state != expected) revert ParticipantIs(account, standing.state);
    }

    function _requireOpen() private view {
        uint64 end = _closesAt;
        if (end != 0 && _time() >= end) revert DeploymentClosed(end);
    }

    function _requireGoodStanding(address account) private view returns (Standing storage standing) {
        standing = _members[account].standing;
        (uint8 state, uint64 validUntil) = (standing.state, standing.validUntil);
        if (state == Codes.MEMBER_NONE) revert NotAdmitted(account);
        if (state != Codes.MEMBER_ADMITTED) revert ParticipantIs(account, state);
        if (_time() > validUntil) revert MembershipExpired(account, validUntil);
    }

    function _requireRole(address account, uint32 roles) private view returns (Standing storage standing) {
        standing = _requireGoodStanding(account);
        uint32 held = standing.roles;
        if (held & roles == 0) revert RoleMissing(account, roles, held);
    }

    function _isOfClass(address account, uint16 class) private view returns (bool) {
        if (class == Codes.CLASS_NONE) return false;
        if (class >= Codes.CLASS_FIRST_LICENCE) return _members[account].licences.has(class);
        return (_members[account].standing.roles >> (class - 1)) & 1 == 1;
    }
}
