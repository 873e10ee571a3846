// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IJournal} from "../src/interfaces/IJournal.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Base} from "./Base.t.sol";
import {Vm} from "./Vm.sol";

/// @title A copy of every log of a deployment, folded as docs/formats.md (12) says
/// @dev `_follow()` after every act; `_assertComplete()` when the heads of all contracts and entities have to agree.
/// Fixtures with more contracts override `_journals` and `_entities`.
abstract contract Replay is Base {
    struct Place {
        address journal;
        bytes32 entity;
    }

    /// How many kinds of event each contract has logged.
    mapping(address journal => uint256) internal kinds;
    mapping(address journal => mapping(bytes32 signature => bool)) private _seen;
    mapping(address journal => bytes32) private _heads;
    mapping(address journal => mapping(bytes32 entity => bytes32)) private _headsOf;
    Place[] private _places;

    function setUp() public virtual override {
        vm.recordLogs();
        super.setUp();
        _follow();
    }

    /// The contracts whose logs are folded.
    function _journals() internal view virtual returns (address[] memory journals) {
        journals = new address[](4);
        (journals[0], journals[1]) = (address(membership), address(cases));
        (journals[2], journals[3]) = (address(attestations), address(dataAssets));
    }

    /// The entities that a log concerns: none, one or two.
    function _entities(Vm.Log memory log) internal view virtual returns (bytes32[] memory) {
        if (_isOfNobody(log.topics[0])) return new bytes32[](0);
        return _one(log.topics[_placeOfEntity(log)]);
    }

    /// What concerns the deployment, and no entity in it.
    function _isOfNobody(bytes32 signature) internal pure returns (bool) {
        return signature == IAccessManaged.AuthorityUpdated.selector || signature == IMembership.DeploymentClosing.selector
            || signature == IMembership.DeploymentSucceeded.selector;
    }

    /// For fixtures that keep more than the heads.
    function _learn(Vm.Log memory log) internal virtual {}

    function _placeOfEntity(Vm.Log memory log) private view returns (uint256) {
        bytes32 signature = log.topics[0];
        if (log.emitter == address(cases)) return log.topics.length == 4 ? 2 : 1;
        if (log.emitter != address(dataAssets)) return 1;
        return signature == IERC721.Transfer.selector || signature == IERC721.Approval.selector ? 3 : 1;
    }

    function _one(bytes32 entity) internal pure returns (bytes32[] memory entities) {
        entities = new bytes32[](1);
        entities[0] = entity;
    }

    /// Folds what was logged since the last time, all in the present block.
    function _follow() internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (_isJournal(logs[i].emitter)) _foldLog(logs[i]);
        }
    }

    function _assertComplete() internal view {
        address[] memory journals = _journals();
        for (uint256 i = 0; i < journals.length; ++i) {
            vm.assertEq(IJournal(journals[i]).journalHead(), _heads[journals[i]], "head of a contract");
        }
        for (uint256 i = 0; i < _places.length; ++i) {
            Place memory place = _places[i];
            bytes32 head = IJournal(place.journal).journalHeadOf(place.entity);
            vm.assertEq(head, _headsOf[place.journal][place.entity], "head of an entity");
        }
    }

    function _foldLog(Vm.Log memory log) private {
        if (!_seen[log.emitter][log.topics[0]]) ++kinds[log.emitter];
        _seen[log.emitter][log.topics[0]] = true;
        _learn(log);
        bytes32 digest = keccak256(abi.encodePacked(log.topics, log.data));
        _heads[log.emitter] = _fold(_heads[log.emitter], digest);
        bytes32[] memory entities = _entities(log);
        for (uint256 i = 0; i < entities.length; ++i) {
            _foldEntity(log.emitter, entities[i], digest);
        }
    }

    function _foldEntity(address journal, bytes32 entity, bytes32 digest) private {
        bytes32 head = _headsOf[journal][entity];
        if (head == 0) _places.push(Place(journal, entity));
        _headsOf[journal][entity] = _fold(head, digest);
    }

    function _fold(bytes32 head, bytes32 digest) private view returns (bytes32) {
        return keccak256(abi.encodePacked(head, block.number, digest));
    }

    function _isJournal(address emitter) private view returns (bool) {
        address[] memory journals = _journals();
        for (uint256 i = 0; i < journals.length; ++i) {
            if (journals[i] == emitter) return true;
        }
        return false;
    }
}
