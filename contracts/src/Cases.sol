// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ICases} from "./interfaces/ICases.sol";
import {IMembership} from "./interfaces/IMembership.sol";
import {Journal} from "./Journal.sol";
import {Codes} from "./libraries/Codes.sol";
import {Keys} from "./libraries/Keys.sol";
import {Relayed} from "./Relayed.sol";

/// @title Cases
contract Cases is ICases, Journal, Relayed {
    struct Case {
        bytes32 target;
        address opener;
        uint8 outcome; // 0 while open
    }

    uint32 private constant JUDGES = Codes.ROLE_ARBITER | Codes.ROLE_REGULATOR;

    IMembership private immutable _membership;

    mapping(bytes32 caseId => Case) private _cases;
    mapping(bytes32 target => uint256) private _holds;
    mapping(bytes32 target => mapping(address holder => bool)) private _holding;

    constructor(IMembership membership, address forwarder) Relayed(forwarder) {
        _membership = membership;
    }

    /// @inheritdoc ICases
    function open(bytes32 target, uint8 kind, bytes32 documentHash) external returns (bytes32 caseId) {
        address opener = _msgSender();
        _membership.requireGoodStanding(opener);
        if (kind < Codes.CASE_OBJECTION || kind > Codes.CASE_BREACH) revert UnknownCaseKind(kind);
        _requireWhole(target, documentHash);
        caseId = keccak256(abi.encode(target, kind, opener, documentHash));
        if (_cases[caseId].target != 0) revert CaseExists(caseId);
        _cases[caseId] = Case(target, opener, 0);
        _record(target, CaseOpened.selector, caseId, target, Keys.member(opener), abi.encode(kind, documentHash));
    }

    /// @inheritdoc ICases
    function decide(bytes32 caseId, uint8 outcome, bytes32 documentHash) external {
        address decider = _judge();
        Case storage found = _cases[caseId];
        bytes32 target = found.target;
        if (target == 0) revert UnknownCase(caseId);
        if (found.outcome != 0) revert CaseClosed(caseId);
        if (found.opener == decider) revert DeciderIsOpener(caseId, decider);
        if (outcome != Codes.OUTCOME_POSITIVE && outcome != Codes.OUTCOME_NEGATIVE) revert UnknownOutcome(outcome);
        _requireWhole(target, documentHash);
        found.outcome = outcome;
        _record(target, CaseDecided.selector, caseId, target, Keys.member(decider), abi.encode(outcome, documentHash));
    }

    /// @inheritdoc ICases
    function hold(bytes32 target, bytes32 documentHash) external {
        address holder = _judge();
        _requireWhole(target, documentHash);
        if (_holding[target][holder]) revert AlreadyHeld(target, holder);
        _holding[target][holder] = true;
        ++_holds[target];
        _record(target, TargetHeld.selector, target, Keys.member(holder), abi.encode(documentHash));
    }

    /// @inheritdoc ICases
    function release(bytes32 target, bytes32 documentHash) external {
        _release(target, _judge(), documentHash);
    }

    /// @inheritdoc ICases
    function releaseFor(bytes32 target, address holder, bytes32 documentHash) external {
        _membership.requireRole(_msgSender(), Codes.ROLE_REGULATOR);
        if (_isJudge(holder)) revert HolderStands(target, holder);
        _release(target, holder, documentHash);
    }

    /// @inheritdoc ICases
    function isHeld(bytes32 target) external view returns (bool) {
        return _holds[target] != 0;
    }

    /// @inheritdoc ICases
    function requireFree(bytes32 first, bytes32 second, bytes32 third, bytes32 fourth) external view {
        _requireFree(first);
        _requireFree(second);
        _requireFree(third);
        _requireFree(fourth);
    }

    /// @inheritdoc ICases
    function requireAllFree(bytes32[6] calldata targets) external view {
        for (uint256 i = 0; i < targets.length; ++i) {
            _requireFree(targets[i]);
        }
    }

    function _release(bytes32 target, address holder, bytes32 documentHash) private {
        _requireWhole(target, documentHash);
        if (!_holding[target][holder]) revert NotHeldBy(target, holder);
        _holding[target][holder] = false;
        --_holds[target];
        _record(target, TargetReleased.selector, target, Keys.member(holder), abi.encode(documentHash));
    }

    function _requireFree(bytes32 target) private view {
        if (target != 0 && _holds[target] != 0) revert Held(target);
    }

    function _requireWhole(bytes32 target, bytes32 documentHash) private pure {
        if (target == 0) revert ZeroTarget();
        if (documentHash == 0) revert ZeroDocument();
    }

    function _judge() private view returns (address account) {
        account = _msgSender();
        _membership.requireRole(account, JUDGES);
    }

    function _isJudge(address account) private view returns (bool) {
        return _membership.isInGoodStanding(account) && _membership.participant(account).roles & JUDGES != 0;
    }
}
