// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../interfaces/IConsents.sol";
import {IMarket} from "../interfaces/IMarket.sol";

/// @title Whether a basis covers a sale
/// @notice Pure: what was consented to against what is asked, at one time.
library Bases {
    /// @notice The asked sale: who holds the asset, who buys, from where to where, when.
    struct Asked {
        address holder;
        uint64 recordCount;
        address buyer;
        uint16 from;
        uint16 to;
        uint64 time;
    }

    function requireCovers(IConsents.BasisState memory basis, IMarket.Offer calldata offer, Asked memory asked) internal pure {
        uint256 assetId = offer.assetId;
        if (basis.version != offer.version) revert IMarket.BasisMissing(assetId, offer.version);
        if (!basis.closed) revert IMarket.BindingOpen(assetId, basis.bound, asked.recordCount);
        if (basis.pending != 0) revert IMarket.WithdrawalPending(assetId, basis.pending);
        if (basis.controller != asked.holder) revert IMarket.ControllerGone(assetId, basis.controller);
        if (basis.purpose != offer.purpose) revert IMarket.PurposeNotConsented(offer.purpose, basis.purpose);
        if (basis.modes & offer.mode == 0) revert IMarket.ModeNotConsented(offer.mode, basis.modes);
        if (basis.recipient != address(0) && basis.recipient != asked.buyer) {
            revert IMarket.RecipientNotConsented(asked.buyer, basis.recipient);
        }
        if (asked.from != asked.to && !basis.crossBorder) revert IMarket.CrossBorderNotConsented(asked.from, asked.to);
        if (asked.time < basis.validFrom) revert IMarket.BasisNotYetValid(assetId, basis.validFrom);
        if (asked.time > basis.validUntil) revert IMarket.BasisExpired(assetId, basis.validUntil);
    }
}
