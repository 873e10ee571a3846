// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Context} from "@openzeppelin/contracts/utils/Context.sol";
import {Journal} from "./Journal.sol";
import {Relayed} from "./Relayed.sol";

/// @dev Governance beside relayed members: `restricted` is direct, so it judges who calls, never the sender that the
/// forwarder appends.
abstract contract Governed is AccessManaged, Relayed, Journal {
    constructor(address manager, address forwarder) AccessManaged(manager) Relayed(forwarder) {}

    /// @inheritdoc IAccessManaged
    function setAuthority(address newAuthority) public override {
        if (isTrustedForwarder(msg.sender)) revert AccessManagedUnauthorized(msg.sender);
        super.setAuthority(newAuthority);
    }

    function _checkCanCall(address, bytes calldata) internal override {
        super._checkCanCall(msg.sender, msg.data);
    }

    function _setAuthority(address newAuthority) internal override {
        super._setAuthority(newAuthority);
        _foldEmitted(0, abi.encode(AuthorityUpdated.selector, newAuthority));
    }

    function _msgSender() internal view override(Context, ERC2771Context) returns (address) {
        return ERC2771Context._msgSender();
    }

    function _msgData() internal view override(Context, ERC2771Context) returns (bytes calldata) {
        return ERC2771Context._msgData();
    }

    function _contextSuffixLength() internal view override(Context, ERC2771Context) returns (uint256) {
        return ERC2771Context._contextSuffixLength();
    }
}
