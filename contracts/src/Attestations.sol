// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAttestations} from "./interfaces/IAttestations.sol";
import {IMembership} from "./interfaces/IMembership.sol";
import {Journal} from "./Journal.sol";
import {Codes} from "./libraries/Codes.sol";
import {Keys} from "./libraries/Keys.sol";
import {Relayed} from "./Relayed.sol";

/// @title Attestations
contract Attestations is IAttestations, Journal, Relayed {
    uint8 private constant STANDING = 1;
    uint8 private constant WITHDRAWN = 2;

    IMembership private immutable _membership;

    mapping(bytes32 place => Statement) private _statements; // by target, kind and attester

    constructor(IMembership membership, address forwarder) Relayed(forwarder) {
        _membership = membership;
    }

    /// @inheritdoc IAttestations
    function attest(bytes32 target, uint8 kind, uint8 outcome, bytes32 documentHash, uint64 validUntil) external {
        address attester = _attester(target, kind);
        Statement storage place = _at(target, kind, attester);
        if (place.state == STANDING) revert AttestationStands(target, kind, attester);
        _state(place, outcome, documentHash, validUntil);
        _record(target, Attested.selector, target, _word(kind), Keys.member(attester), abi.encode(outcome, documentHash, validUntil));
    }

    /// @inheritdoc IAttestations
    function correct(bytes32 target, uint8 kind, uint8 outcome, bytes32 documentHash, uint64 validUntil) external {
        address attester = _attester(target, kind);
        _state(_standing(target, kind, attester), outcome, documentHash, validUntil);
        _record(
            target, AttestationCorrected.selector, target, _word(kind), Keys.member(attester), abi.encode(outcome, documentHash, validUntil)
        );
    }

    /// @inheritdoc IAttestations
    function withdraw(bytes32 target, uint8 kind, bytes32 documentHash) external {
        address attester = _msgSender();
        _membership.requireGoodStanding(attester);
        if (documentHash == 0) revert ZeroDocument();
        _standing(target, kind, attester).state = WITHDRAWN;
        _record(target, AttestationWithdrawn.selector, target, _word(kind), Keys.member(attester), abi.encode(documentHash));
    }

    /// @inheritdoc IAttestations
    function statement(bytes32 target, uint8 kind, address attester) external view returns (Statement memory) {
        return _at(target, kind, attester);
    }

    /// @inheritdoc IAttestations
    function requireLive(bytes32 target, uint8 kind, address attester) external view {
        _requireLive(target, kind, attester);
    }

    /// @inheritdoc IAttestations
    function requireAllLive(bytes32 target, uint16 kinds, address[] calldata attesters) external view {
        uint256 asked = 0;
        for (uint8 kind = 0; kind < 16; ++kind) {
            if ((kinds >> kind) & 1 == 0) continue;
            if (asked == attesters.length) revert AttestationMissing(target, kind, address(0));
            _requireLive(target, kind, attesters[asked++]);
        }
        if (asked != attesters.length) revert TooManyAttesters(attesters.length, asked);
    }

    /// @dev The caller, accredited for the kind and not speaking of itself.
    function _attester(bytes32 target, uint8 kind) private view returns (address attester) {
        attester = _msgSender();
        _membership.requireRole(attester, _rolesFor(kind));
        if (target == 0) revert ZeroTarget();
        if (target == Keys.member(attester)) revert AttesterIsTarget(attester);
    }

    function _rolesFor(uint8 kind) private pure returns (uint32) {
        if (kind == Codes.ATTEST_LEGAL_OPINION || kind == Codes.ATTEST_SOURCE_LEGALITY) return Codes.ROLE_REVIEWER;
        if (kind == Codes.ATTEST_IMPACT_ASSESSMENT || kind == Codes.ATTEST_DEIDENTIFICATION) return Codes.ROLE_REVIEWER;
        if (kind == Codes.ATTEST_SECURITY_FILING) return Codes.ROLE_REVIEWER | Codes.ROLE_REGULATOR;
        if (kind == Codes.ATTEST_VALUATION) return Codes.ROLE_APPRAISER;
        if (kind == Codes.ATTEST_CROSS_BORDER) return Codes.ROLE_REGULATOR;
        if (kind == Codes.ATTEST_CONSENT_AUDIT) return Codes.ROLE_AUDITOR;
        revert UnknownAttestationKind(kind);
    }

    function _state(Statement storage place, uint8 outcome, bytes32 documentHash, uint64 validUntil) private {
        if (outcome != Codes.OUTCOME_POSITIVE && outcome != Codes.OUTCOME_NEGATIVE) revert UnknownOutcome(outcome);
        if (documentHash == 0) revert ZeroDocument();
        if (validUntil < _time()) revert ValidityInThePast(validUntil, _time());
        place.state = STANDING;
        place.outcome = outcome;
        place.attestedAt = _time();
        place.validUntil = validUntil;
    }

    function _requireLive(bytes32 target, uint8 kind, address attester) private view {
        Statement storage found = _standing(target, kind, attester);
        if (found.outcome != Codes.OUTCOME_POSITIVE) revert AttestationNegative(target, kind, attester);
        if (_time() > found.validUntil) revert AttestationExpired(target, kind, attester, found.validUntil);
    }

    function _standing(bytes32 target, uint8 kind, address attester) private view returns (Statement storage found) {
        found = _at(target, kind, attester);
        if (found.state == WITHDRAWN) revert AttestationEnded(target, kind, attester);
        if (found.state != STANDING) revert AttestationMissing(target, kind, attester);
    }

    function _at(bytes32 target, uint8 kind, address attester) private view returns (Statement storage) {
        return _statements[keccak256(abi.encode(target, kind, attester))];
    }

    function _word(uint8 kind) private pure returns (bytes32) {
        return bytes32(uint256(kind));
    }
}
