// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "../interfaces/IMarket.sol";
import {Codes} from "./Codes.sol";

/// @title What an offer says
/// @notice Its name, its price, its parties, and when it is well formed. Knows no state: neither asset, nor sale, nor clock.
library Offers {
    bytes32 private constant OFFER_TAG = keccak256("deedbook.offer.v1");
    uint256 private constant MOST_INTERMEDIARIES = 8;
    uint256 private constant MOST_JURISDICTIONS = 16;
    uint256 private constant MOST_BUYERS = 64;
    uint256 private constant FIXED_WORDS = 35; // of an encoded offer: what does not depend on the length of a list
    uint256 private constant MOST_PRICE = type(uint96).max;

    /// @notice The name of an offer in the market at `market`.
    function idOf(IMarket.Offer calldata offer, address market) internal view returns (bytes32) {
        return keccak256(abi.encode(OFFER_TAG, block.chainid, market, offer));
    }

    /// @notice The same, of the bytes as they came: an offer that is encoded in any other way than `abi.encode` does it has another
    /// name, which nobody has listed. No word of it is read or checked here.
    function idAsGiven(IMarket.Offer calldata offer, address market) internal view returns (bytes32 offerId) {
        uint256 words =
            FIXED_WORDS + 2 * offer.split.intermediaries.length + offer.conditions.jurisdictions.length + offer.sandbox.buyers.length;
        bytes32 tag = OFFER_TAG;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, tag)
            mstore(add(start, 0x20), chainid())
            mstore(add(start, 0x40), market)
            mstore(add(start, 0x60), 0x80) // where the offer begins
            let size := mul(words, 0x20)
            calldatacopy(add(start, 0x80), offer, size)
            offerId := keccak256(start, add(0x80, size))
        }
    }

    function priceOf(IMarket.Price calldata price) internal pure returns (uint256) {
        return uint256(price.data) + price.algorithm + price.compute + price.service;
    }

    /// @notice Whether the account sells or is paid by the sale.
    function isParty(IMarket.Offer calldata offer, address account) internal pure returns (bool) {
        if (account == offer.provider || account == offer.split.exchange) return true;
        for (uint256 i = 0; i < offer.split.intermediaries.length; ++i) {
            if (account == offer.split.intermediaries[i].account) return true;
        }
        return false;
    }

    function requireWellFormed(IMarket.Offer calldata offer) internal pure {
        _requireUse(offer.mode, offer.purpose);
        _requirePrice(offer.price);
        _requireSplit(offer.split);
        if (offer.termsHash == 0) revert IMarket.ZeroHash(0);
        if (offer.policyHash == 0) revert IMarket.ZeroHash(1);
        _requireConditions(offer.conditions.jurisdictions);
        if (offer.sandbox.on) _requireBuyers(offer.sandbox.buyers);
    }

    function _requireUse(uint16 mode, uint16 purpose) private pure {
        if (mode & ~Codes.MODES_ALL != 0) revert IMarket.UnknownModes(mode);
        if (mode == 0 || mode & (mode - 1) != 0) revert IMarket.NotOneMode(mode);
        if (purpose == 0 || purpose > Codes.PURPOSE_STATISTICS) revert IMarket.UnknownPurpose(purpose);
    }

    function _requirePrice(IMarket.Price calldata price) private pure {
        uint256 sum = priceOf(price);
        if (sum > MOST_PRICE) revert IMarket.PriceTooLarge(sum);
        for (uint256 i = 0; i < 3; ++i) {
            if (price.currency[i] < "A" || price.currency[i] > "Z") revert IMarket.CurrencyMalformed(price.currency);
        }
    }

    function _requireSplit(IMarket.Split calldata split) private pure {
        uint256 given = split.intermediaries.length;
        if (given > MOST_INTERMEDIARIES) revert IMarket.TooManyIntermediaries(given, MOST_INTERMEDIARIES);
        if (split.exchange == address(0)) revert IMarket.ZeroAccount();
        uint256 sum = uint256(split.exchangeBps) + split.providerBps + split.subjectsBps;
        for (uint256 i = 0; i < given; ++i) {
            if (split.intermediaries[i].account == address(0)) revert IMarket.ZeroAccount();
            sum += split.intermediaries[i].bps;
        }
        if (sum != Codes.BPS) revert IMarket.SplitNotWhole(sum);
    }

    function _requireConditions(uint16[] calldata jurisdictions) private pure {
        uint256 given = jurisdictions.length;
        if (given > MOST_JURISDICTIONS) revert IMarket.TooManyConditions(given, MOST_JURISDICTIONS);
        for (uint256 i = 1; i < given; ++i) {
            if (jurisdictions[i] <= jurisdictions[i - 1]) revert IMarket.UnorderedConditions(i);
        }
    }

    function _requireBuyers(address[] calldata buyers) private pure {
        uint256 given = buyers.length;
        if (given > MOST_BUYERS) revert IMarket.TooManyConditions(given, MOST_BUYERS);
        for (uint256 i = 1; i < given; ++i) {
            if (buyers[i] <= buyers[i - 1]) revert IMarket.UnorderedConditions(i);
        }
    }

    /// @notice The conditions of a try-out (`sandbox.on`): until when, how often, how dear, by whom.
    function requireInSandbox(IMarket.Offer calldata offer, bytes32 offerId, uint32 orders, address buyer, uint64 time) internal pure {
        IMarket.Sandbox calldata sandbox = offer.sandbox;
        if (time > sandbox.end) revert IMarket.SandboxEnded(offerId, sandbox.end);
        if (orders >= sandbox.maxOrders) revert IMarket.SandboxFull(offerId, sandbox.maxOrders);
        uint256 price = priceOf(offer.price);
        if (price > sandbox.maxPrice) revert IMarket.SandboxPrice(price, sandbox.maxPrice);
        for (uint256 i = 0; i < sandbox.buyers.length; ++i) {
            if (sandbox.buyers[i] == buyer) return;
        }
        revert IMarket.SandboxBuyer(offerId, buyer);
    }

    function requireJurisdiction(IMarket.Conditions calldata conditions, uint16 jurisdiction) internal pure {
        uint256 given = conditions.jurisdictions.length;
        for (uint256 i = 0; i < given; ++i) {
            if (conditions.jurisdictions[i] == jurisdiction) return;
        }
        if (given != 0) revert IMarket.JurisdictionRefused(jurisdiction);
    }
}
