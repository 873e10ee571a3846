// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "./IMarket.sol";

/// @title Usage
/// @notice Metered use of what was sold, period by period: a count and a root over the receipts of the single uses. The provider
/// and the gateway state it together, and what the sale does not grant is refused. Journal entity: the sale.
///
/// EIP-712 domain: name "Deedbook Usage", version "1", chain id, this contract. Type (docs/formats.md):
///   UsageReport(bytes32 saleId,uint64 from,uint64 to,uint64 count,bytes32 receiptsRoot)
interface IUsage {
    struct Report {
        bytes32 saleId;
        uint64 from; // Unix seconds; the period is [from, to)
        uint64 to;
        uint64 count; // uses in it
        bytes32 receiptsRoot; // RFC 9162 root over the receipts; zero exactly where there was no use
    }

    struct Meter {
        uint64 used; // of the quota, so far
        uint64 reportedTo; // end of the last period
        uint64 reports;
    }

    event UsageReported(
        bytes32 indexed saleId,
        address indexed provider,
        address indexed gateway,
        uint64 from,
        uint64 to,
        uint64 count,
        uint64 used,
        bytes32 receiptsRoot
    );

    /// A report brings the very offer and reference of the sale.
    error SaleMismatch(bytes32 saleId, bytes32 given);
    /// Only what was delivered is used.
    error SaleNotInUse(bytes32 saleId, uint8 state);
    /// What is handed over, or open, is not metered.
    error ModeNotMetered(uint16 mode);
    /// The gateway is neither provider nor buyer.
    error GatewayIsParty(address gateway);
    /// Provider and gateway state the count together.
    error BadSignature(address expected);
    /// A period ends after it begins.
    error PeriodEmpty(uint64 from, uint64 to);
    /// Use begins with the delivery.
    error PeriodBeforeDelivery(bytes32 saleId, uint64 from, uint64 deliveredAt);
    /// A time is reported once, and in order.
    error PeriodReported(bytes32 saleId, uint64 from, uint64 reportedTo);
    /// A period is reported when it is over.
    error PeriodNotOver(uint64 to, uint64 time);
    /// Use ends with the term.
    error TermOver(bytes32 saleId, uint64 to, uint64 endsAt);
    /// Use ends with the quota.
    error QuotaExceeded(bytes32 saleId, uint256 used, uint64 quota);
    /// Every use has a receipt, and no use has none.
    error RootNotOfCount(uint64 count, bytes32 receiptsRoot);

    /// @notice Meters a period. Requirements: sale DELIVERED, DISPUTED or ACCEPTED, in a mode that is metered (not OPEN, not RAW); the
    /// period over, after the delivery, after the last one reported, within the term (counted from the delivery); used + count within
    /// the quota; the provider's and the gateway's signature (64 or 65 bytes, or ERC-1271), of which the caller's own is left empty;
    /// the gateway a member in good standing with role GATEWAY, neither provider nor buyer. Emits UsageReported.
    function report(
        Report calldata report_,
        IMarket.Offer calldata offer,
        bytes32 reference_,
        address gateway,
        bytes calldata providerSignature,
        bytes calldata gatewaySignature
    ) external;

    function meterOf(bytes32 saleId) external view returns (Meter memory);
    function reportDigest(Report calldata report_) external view returns (bytes32);
}
