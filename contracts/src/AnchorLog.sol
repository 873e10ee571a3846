// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAnchorLog} from "./interfaces/IAnchorLog.sol";
import {IMembership} from "./interfaces/IMembership.sol";
import {Journal} from "./Journal.sol";
import {Codes} from "./libraries/Codes.sol";
import {Keys} from "./libraries/Keys.sol";
import {LogTree} from "./libraries/LogTree.sol";
import {Relayed} from "./Relayed.sol";

/// @title Anchor log
/// @dev Keeps the latest checkpoint only: whoever needs an earlier one has its event, and the proofs between them.
contract AnchorLog is IAnchorLog, Journal, Relayed {
    IMembership private immutable _membership;

    mapping(address exchange => Checkpoint) private _latest;

    constructor(IMembership membership, address forwarder) Relayed(forwarder) {
        _membership = membership;
    }

    /// @inheritdoc IAnchorLog
    function anchor(uint64 size, bytes32 root, bytes32[] calldata proof) external {
        address exchange = _msgSender();
        _membership.requireRole(exchange, Codes.ROLE_OPERATOR);
        Checkpoint memory former = _latest[exchange];
        _requireContinued(former, size, root, proof);
        _latest[exchange] = Checkpoint(size, _time(), root);
        bytes32 entity = Keys.member(exchange);
        _record(entity, CheckpointAnchored.selector, entity, bytes32(uint256(size)), root, abi.encode(former.size));
    }

    function _requireContinued(Checkpoint memory former, uint64 size, bytes32 root, bytes32[] calldata proof) private view {
        if (size == 0) revert ZeroSize();
        if (size < former.size) revert LogShrinks(former.size, size);
        if (size == former.size && root != former.root) revert RootDiffers(size, former.root, root);
        if (former.size == 0 || size == former.size) {
            if (proof.length != 0) revert ProofNotEmpty(proof.length);
        } else if (!LogTree.continues(former.size, former.root, size, root, proof)) {
            revert Inconsistent(former.size, size);
        }
    }

    /// @inheritdoc IAnchorLog
    function latest(address exchange) external view returns (Checkpoint memory) {
        return _latest[exchange];
    }
}
