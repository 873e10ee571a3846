// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMembership} from "../interfaces/IMembership.sol";
import {Codes} from "./Codes.sol";

/// Up to sixteen licence codes in one word: ascending from the lowest bits, and zero where there is none.
type Licences is uint256;

using LicenceSet for Licences global;

/// @title Licences
/// @notice Packs an ascending list of licence codes into one word and back.
library LicenceSet {
    uint256 internal constant MOST = 16;

    /// @dev Reverts TooManyLicences, UnorderedLicences (also where a code is below the first one that a licence can have).
    function pack(uint16[] calldata codes) internal pure returns (Licences) {
        if (codes.length > MOST) revert IMembership.TooManyLicences(codes.length, MOST);
        uint256 word;
        uint256 least = Codes.CLASS_FIRST_LICENCE;
        for (uint256 i = 0; i < codes.length; ++i) {
            if (codes[i] < least) revert IMembership.UnorderedLicences(i);
            least = uint256(codes[i]) + 1;
            word |= uint256(codes[i]) << (16 * i);
        }
        return Licences.wrap(word);
    }

    function unpack(Licences set) internal pure returns (uint16[] memory codes) {
        uint256 length = 0;
        for (uint256 word = Licences.unwrap(set); word != 0; word >>= 16) {
            ++length;
        }
        codes = new uint16[](length);
        for (uint256 i = 0; i < length; ++i) {
            codes[i] = uint16(Licences.unwrap(set) >> (16 * i));
        }
    }

    /// @dev `code` is not zero.
    function has(Licences set, uint16 code) internal pure returns (bool) {
        for (uint256 word = Licences.unwrap(set); word != 0; word >>= 16) {
            if (uint16(word) == code) return true;
        }
        return false;
    }
}
