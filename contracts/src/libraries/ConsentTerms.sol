// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../interfaces/IConsents.sol";
import {Codes} from "./Codes.sol";

/// @title What terms permit
/// @notice When terms are whole, and when a consent grants less than its batch states. Pure: no clock, no storage.
library ConsentTerms {
    /// @notice The terms of a batch of one: exactly those of its consent.
    function termsOf(IConsents.Consent memory consent) internal pure returns (IConsents.Terms memory) {
        return IConsents.Terms({
            controller: consent.controller,
            recipient: consent.recipient,
            recipientClass: consent.recipientClass,
            purpose: consent.purpose,
            modes: consent.modes,
            crossBorder: consent.crossBorder,
            noticeHash: consent.noticeHash,
            validFrom: consent.validFrom,
            validUntil: consent.validUntil
        });
    }

    function requireWhole(IConsents.Terms memory terms) internal pure {
        if (terms.noticeHash == 0) revert IConsents.ZeroNotice();
        if (terms.purpose == 0 || terms.purpose > Codes.PURPOSE_STATISTICS) revert IConsents.UnknownPurpose(terms.purpose);
        if (terms.modes == 0 || terms.modes & ~Codes.MODES_ALL != 0) revert IConsents.UnknownModes(terms.modes);
        if (terms.recipient == address(0) && terms.recipientClass == Codes.CLASS_NONE) revert IConsents.RecipientMissing();
        if (terms.validFrom > terms.validUntil) revert IConsents.ValidityReversed(terms.validFrom, terms.validUntil);
    }

    /// @notice The first field in which the consent grants less than the terms of its batch; 0 where it grants all of them.
    function narrowedField(IConsents.Consent calldata consent, IConsents.Terms calldata terms, uint256 assetId)
        internal
        pure
        returns (uint8)
    {
        if (consent.assetId != assetId) return Codes.FIELD_ASSET;
        if (consent.controller != terms.controller) return Codes.FIELD_CONTROLLER;
        if (_narrowsRecipient(consent, terms)) return Codes.FIELD_RECIPIENT;
        if (consent.recipientClass != Codes.CLASS_NONE && consent.recipientClass != terms.recipientClass) {
            return Codes.FIELD_RECIPIENT_CLASS;
        }
        if (consent.purpose != terms.purpose) return Codes.FIELD_PURPOSE;
        if (terms.modes & ~consent.modes != 0) return Codes.FIELD_MODES;
        if (terms.crossBorder && !consent.crossBorder) return Codes.FIELD_CROSS_BORDER;
        if (consent.noticeHash != terms.noticeHash) return Codes.FIELD_NOTICE;
        if (consent.validFrom > terms.validFrom) return Codes.FIELD_VALID_FROM;
        if (consent.validUntil < terms.validUntil) return Codes.FIELD_VALID_UNTIL;
        return 0;
    }

    /// @dev A consent that names a recipient grants nothing to another; one that names neither recipient nor class, to nobody.
    function _narrowsRecipient(IConsents.Consent calldata consent, IConsents.Terms calldata terms) private pure returns (bool) {
        if (consent.recipient != address(0)) return consent.recipient != terms.recipient;
        return consent.recipientClass == Codes.CLASS_NONE;
    }
}
