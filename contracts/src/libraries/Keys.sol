// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Keys
/// @notice The names by which targets and journal entities go: an account and an asset as one word. Every other key
/// (version, batch, offer, sale) is a hash already.
library Keys {
    function member(address account) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }

    function asset(uint256 assetId) internal pure returns (bytes32) {
        return bytes32(assetId);
    }
}
