// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";

/// @dev Acts by members: direct, or through the one forwarder. `_msgSender()` is the member either way, and `_time()` the
/// only clock.
abstract contract Relayed is ERC2771Context {
    constructor(address forwarder) ERC2771Context(forwarder) {}

    function _time() internal view virtual returns (uint64) {
        return uint64(block.timestamp);
    }
}
