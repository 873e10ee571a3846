// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Replay} from "./Replay.t.sol";
import {Vm} from "./Vm.sol";

/// @title What the events alone tell of members, holds, statements, assets and rights
/// @dev Reads no contract while it learns; `_assertCopied()` then compares all of it with what the contracts answer. Rights are kept
/// as the words say it (what was granted from a right goes when it goes), not as the contract does.
abstract contract Copied is Replay {
    struct Licence {
        uint256 assetId;
        address account;
        uint8 right;
        address grantor;
        IDataAssets.Scope scope;
        bool over;
    }

    struct StatementPlace {
        bytes32 target;
        uint8 kind;
        address attester;
    }

    address[] private _accounts;
    mapping(address account => IMembership.Participant) private _copies;
    bytes32[] private _targets;
    mapping(bytes32 target => uint256) private _holds;
    StatementPlace[] private _statements;
    mapping(bytes32 place => IAttestations.Statement) private _stated;
    uint256[] private _ids;
    mapping(uint256 assetId => IDataAssets.Asset) private _assets;
    mapping(uint256 assetId => address) private _agents;
    Licence[] private _licences;
    uint64 private _closing;

    function _learn(Vm.Log memory log) internal virtual override {
        if (log.emitter == address(membership)) _learnMember(log, log.topics[0]);
        if (log.emitter == address(cases)) _learnCase(log, log.topics[0]);
        if (log.emitter == address(attestations)) _learnStatement(log, log.topics[0]);
        if (log.emitter == address(dataAssets)) _learnAsset(log, log.topics[0]);
    }

    // Members, cases, statements.

    function _learnMember(Vm.Log memory log, bytes32 signature) private {
        if (signature == IMembership.DeploymentClosing.selector) _closing = abi.decode(log.data, (uint64));
        if (log.topics.length == 1 || _isOfNobody(signature)) return;
        address account = _accountIn(log.topics[1]);
        IMembership.Participant storage copy = _copies[account];
        if (signature == IMembership.ParticipantAdmitted.selector) {
            _accounts.push(account);
            (copy.identity, copy.state) = (log.topics[2], Codes.MEMBER_ADMITTED);
        }
        if (signature == IMembership.ParticipantSuspended.selector) copy.state = Codes.MEMBER_SUSPENDED;
        if (signature == IMembership.ParticipantReinstated.selector) copy.state = Codes.MEMBER_ADMITTED;
        if (signature == IMembership.ParticipantExpelled.selector) copy.state = Codes.MEMBER_EXPELLED;
        if (signature == IMembership.EncryptionKeyRegistered.selector) {
            (copy.encryptionSuite, copy.encryptionKey) = abi.decode(log.data, (uint16, bytes32));
        }
        if (signature == IMembership.ParticipantAdmitted.selector || signature == IMembership.ParticipantChanged.selector) {
            (copy.jurisdiction, copy.roles, copy.validUntil, copy.licences) = abi.decode(log.data, (uint16, uint32, uint64, uint16[]));
        }
    }

    function _learnCase(Vm.Log memory log, bytes32 signature) private {
        bytes32 target = log.topics[1];
        if (signature == ICases.TargetHeld.selector) {
            if (_holds[target]++ == 0) _targets.push(target);
        }
        if (signature == ICases.TargetReleased.selector) --_holds[target];
    }

    function _learnStatement(Vm.Log memory log, bytes32 signature) private {
        StatementPlace memory place = StatementPlace(log.topics[1], uint8(uint256(log.topics[2])), _accountIn(log.topics[3]));
        IAttestations.Statement storage stated = _stated[keccak256(abi.encode(place))];
        if (stated.state == 0) _statements.push(place);
        stated.state = signature == IAttestations.AttestationWithdrawn.selector ? 2 : 1;
        if (stated.state == 2) return;
        (uint8 outcome,, uint64 validUntil) = abi.decode(log.data, (uint8, bytes32, uint64));
        (stated.outcome, stated.attestedAt, stated.validUntil) = (outcome, uint64(block.timestamp), validUntil);
    }

    // Assets and rights.

    function _learnAsset(Vm.Log memory log, bytes32 signature) private {
        if (signature == IERC721.ApprovalForAll.selector) return;
        bool ofToken = signature == IERC721.Transfer.selector || signature == IERC721.Approval.selector;
        uint256 id = uint256(log.topics[ofToken ? 3 : 1]);
        if (signature == IERC721.Transfer.selector) _learnTransfer(id, log);
        if (signature == IERC721.Approval.selector) _agents[id] = _accountIn(log.topics[2]);
        if (signature == IDataAssets.AssetRegistered.selector) _learnRegistration(id, log);
        if (signature == IDataAssets.VersionPublished.selector) _learnVersion(id, log);
        if (signature == IDataAssets.AssetChanged.selector) (, _assets[id].level,) = abi.decode(log.data, (uint8, uint8, bytes32));
        if (signature == IDataAssets.RightGranted.selector) _learnGrant(id, log);
        if (signature == IDataAssets.RightEnded.selector) _learnEnd(id, _accountIn(log.topics[2]), uint8(uint256(log.topics[3])));
        if (signature != IDataAssets.AssetCancelled.selector) return;
        _assets[id].state = Codes.ASSET_CANCELLED;
        _endAll(id);
    }

    function _learnTransfer(uint256 id, Vm.Log memory log) private {
        _assets[id].holder = _accountIn(log.topics[2]);
        _agents[id] = address(0);
        _endAll(id);
    }

    function _learnRegistration(uint256 id, Vm.Log memory log) private {
        _ids.push(id);
        IDataAssets.Asset storage asset = _assets[id];
        asset.state = Codes.ASSET_REGISTERED;
        (, asset.kind, asset.grade, asset.level, asset.personal,) = abi.decode(log.data, (bytes32, uint8, uint8, uint8, bool, uint256[]));
    }

    function _learnVersion(uint256 id, Vm.Log memory log) private {
        IDataAssets.Asset storage asset = _assets[id];
        (asset.version, asset.versionKey) = (uint32(uint256(log.topics[2])), log.topics[3]);
        (, asset.recordCount,) = abi.decode(log.data, (bytes32, uint64, bytes32));
    }

    function _learnGrant(uint256 id, Vm.Log memory log) private {
        Licence memory granted;
        (granted.assetId, granted.account, granted.right) = (id, _accountIn(log.topics[2]), uint8(uint256(log.topics[3])));
        (granted.grantor, granted.scope.modes, granted.scope.purposes, granted.scope.validUntil,) =
            abi.decode(log.data, (address, uint16, uint16, uint64, bytes32));
        // Whatever stood there before is over, and what came from it with it.
        _learnEnd(id, granted.account, granted.right);
        _licences.push(granted);
    }

    /// A right that is over, or whose term is: what was granted from it, is too.
    function _learnEnd(uint256 id, address account, uint8 right) private {
        for (uint256 i = 0; i < _licences.length; ++i) {
            Licence storage one = _licences[i];
            if (one.assetId != id) continue;
            bool itself = one.account == account && one.right == right;
            bool fromIt = right == Codes.RIGHT_PROCESS && one.right == Codes.RIGHT_OPERATE && one.grantor == account;
            if (itself || fromIt) one.over = true;
        }
    }

    function _endAll(uint256 id) private {
        for (uint256 i = 0; i < _licences.length; ++i) {
            if (_licences[i].assetId == id) _licences[i].over = true;
        }
    }

    // What the contracts say.

    function _assertCopied() internal view {
        vm.assertEq(membership.closesAt(), _closing);
        for (uint256 i = 0; i < _accounts.length; ++i) {
            vm.assertEq(abi.encode(membership.participant(_accounts[i])), abi.encode(_copies[_accounts[i]]));
        }
        for (uint256 i = 0; i < _targets.length; ++i) {
            vm.assertEq(cases.isHeld(_targets[i]), _holds[_targets[i]] != 0);
        }
        for (uint256 i = 0; i < _statements.length; ++i) {
            StatementPlace memory place = _statements[i];
            IAttestations.Statement memory found = attestations.statement(place.target, place.kind, place.attester);
            vm.assertEq(abi.encode(found), abi.encode(_stated[keccak256(abi.encode(place))]));
        }
        for (uint256 i = 0; i < _ids.length; ++i) {
            vm.assertEq(abi.encode(dataAssets.asset(_ids[i])), abi.encode(_assets[_ids[i]]));
            vm.assertEq(dataAssets.getApproved(_ids[i]), _agents[_ids[i]]);
        }
        for (uint256 i = 0; i < _licences.length; ++i) {
            _assertRight(_licences[i]);
        }
    }

    function _assertRight(Licence memory one) private view {
        bool holds = _assets[one.assetId].holder == one.account && _assets[one.assetId].state == Codes.ASSET_REGISTERED;
        bool expected = holds || _stands(one.assetId, one.account, one.right);
        vm.assertEq(dataAssets.hasRight(one.assetId, one.account, one.right), expected);
        if (one.over || block.timestamp > one.scope.validUntil) return;
        (address grantor, IDataAssets.Scope memory scope) = dataAssets.rightOf(one.assetId, one.account, one.right);
        vm.assertEq(abi.encode(grantor, scope), abi.encode(one.grantor, one.scope));
        _assertNested(one);
    }

    /// A right that stands was granted by the holder, or lies inside a PROCESS of its grantor that stands.
    function _assertNested(Licence memory one) private view {
        if (one.grantor == _assets[one.assetId].holder) return;
        vm.assertEq(one.right, Codes.RIGHT_OPERATE);
        vm.assertTrue(dataAssets.hasRight(one.assetId, one.grantor, Codes.RIGHT_PROCESS), "its parent is over");
        (address grantor, IDataAssets.Scope memory outer) = dataAssets.rightOf(one.assetId, one.grantor, Codes.RIGHT_PROCESS);
        vm.assertEq(grantor, _assets[one.assetId].holder);
        vm.assertEq(one.scope.modes & ~outer.modes, 0);
        vm.assertEq(one.scope.purposes & ~outer.purposes, 0);
        vm.assertLe(one.scope.validUntil, outer.validUntil);
    }

    function _stands(uint256 id, address account, uint8 right) private view returns (bool) {
        for (uint256 i = 0; i < _licences.length; ++i) {
            Licence storage one = _licences[i];
            bool same = one.assetId == id && one.account == account && one.right == right;
            if (same && !one.over && block.timestamp <= one.scope.validUntil) return true;
        }
        return false;
    }

    function _accountIn(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }
}
