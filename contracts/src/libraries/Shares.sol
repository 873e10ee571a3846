// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "../interfaces/IMarket.sol";
import {Codes} from "./Codes.sol";

/// @title How a price is divided
/// @notice Exactly: price + carryIn = exchange + provider + intermediaries + perHead * heads + carryOut. Each share is rounded down
/// and what is left over goes to the pool; a pool that does not divide leaves a carry for the asset's next sale.
library Shares {
    struct Division {
        uint128 carryIn;
        uint128 exchange;
        uint128 provider;
        uint128[] intermediaries;
        uint128 perHead;
        uint128 carryOut;
    }

    /// @notice Without heads there is no pool: the rest is the provider's and the carry stays.
    function divide(IMarket.Split calldata split, uint128 price, uint128 carryIn, uint64 heads)
        internal
        pure
        returns (Division memory division)
    {
        division.carryIn = carryIn;
        division.exchange = _share(price, split.exchangeBps);
        division.provider = _share(price, split.providerBps);
        division.intermediaries = new uint128[](split.intermediaries.length);
        uint128 rest = price - division.exchange - division.provider;
        for (uint256 i = 0; i < division.intermediaries.length; ++i) {
            uint128 share = _share(price, split.intermediaries[i].bps);
            division.intermediaries[i] = share;
            rest -= share;
        }
        if (heads == 0) {
            division.provider += rest;
            division.carryOut = carryIn;
        } else {
            division.perHead = (rest + carryIn) / heads;
            division.carryOut = (rest + carryIn) % heads;
        }
    }

    function _share(uint128 price, uint16 bps) private pure returns (uint128) {
        return uint128(uint256(price) * bps / Codes.BPS);
    }
}
