// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IUsage} from "src/interfaces/IUsage.sol";
import {Journal} from "src/Journal.sol";
import {Keys} from "src/libraries/Keys.sol";

/// @title BulkUsage
/// @dev Stands where Usage stands on the chains of `make bench-mirror`. The same event by the same journal, and the same word a
/// sale; but nobody is asked whether there is such a sale or who stated the report, so that many fit into one transaction.
contract BulkUsage is Journal {
    uint256 private constant SALES = 100;
    uint64 private constant DELIVERED = 1_700_000_000;
    uint256 private constant MOST_USES = 1_000;

    mapping(bytes32 saleId => IUsage.Meter) private _meters;

    /// @notice States the reports `first` to `first + count - 1`: of one sale after the other, each of its next hour.
    function report(uint256 first, uint256 count) external {
        for (uint256 place = first; place < first + count; ++place) {
            _report(place);
        }
    }

    function _report(uint256 place) private {
        bytes32 saleId = keccak256(abi.encode("sale", place % SALES));
        bytes32 receiptsRoot = keccak256(abi.encode("receipts", place));
        IUsage.Meter memory meter = _meters[saleId];
        uint64 from = meter.reports == 0 ? DELIVERED : meter.reportedTo;
        uint64 uses = 1 + uint64(uint256(receiptsRoot) % MOST_USES);
        uint64 used = meter.used + uses;
        _meters[saleId] = IUsage.Meter(used, from + 1 hours, meter.reports + 1);
        _record(
            saleId,
            IUsage.UsageReported.selector,
            saleId,
            Keys.member(address(bytes20(keccak256(abi.encode("provider", place % SALES))))),
            Keys.member(address(bytes20(keccak256("gateway")))),
            abi.encode(from, from + 1 hours, uses, used, receiptsRoot)
        );
    }
}
