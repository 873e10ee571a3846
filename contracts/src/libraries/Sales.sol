// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "../interfaces/IMarket.sol";
import {Offers} from "./Offers.sol";

/// @title Which sale it is
/// @notice What the market keeps of a sale, and the offer that a caller brings along, belong together exactly where their hash with
/// the buyer's reference is the sale's name.
library Sales {
    using Offers for IMarket.Offer;

    function requireMatch(IMarket market, IMarket.Sale memory sale, bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_)
        internal
        view
    {
        bytes32 given = market.saleIdOf(offer.idOf(address(market)), sale.buyer, reference_);
        if (given != saleId) revert IMarket.SaleMismatch(saleId, given);
    }
}
