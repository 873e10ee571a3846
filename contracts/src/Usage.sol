// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IMarket} from "./interfaces/IMarket.sol";
import {IMembership} from "./interfaces/IMembership.sol";
import {IUsage} from "./interfaces/IUsage.sol";
import {Journal} from "./Journal.sol";
import {Codes} from "./libraries/Codes.sol";
import {Keys} from "./libraries/Keys.sol";
import {Sales} from "./libraries/Sales.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Relayed} from "./Relayed.sol";

/// @title Usage
/// @dev One word a sale. A report is named by its period: the next one begins where the last one ended or later, so none counts twice.
contract Usage is IUsage, EIP712, Journal, Relayed {
    using Sales for IMarket;
    using Signatures for bytes32;

    bytes32 private constant USAGE_REPORT =
        keccak256("UsageReport(bytes32 saleId,uint64 from,uint64 to,uint64 count,bytes32 receiptsRoot)");
    uint16 private constant METERED = Codes.MODE_CALL | Codes.MODE_JOINT_MODEL | Codes.MODE_FEDERATED | Codes.MODE_ENCRYPTED_COMPUTE;

    IMembership private immutable _membership;
    IMarket private immutable _market;

    mapping(bytes32 saleId => Meter) private _meters;

    constructor(IMembership membership, IMarket market, address forwarder) EIP712("Deedbook Usage", "1") Relayed(forwarder) {
        _membership = membership;
        _market = market;
    }

    /// @inheritdoc IUsage
    function report(
        Report calldata report_,
        IMarket.Offer calldata offer,
        bytes32 reference_,
        address gateway,
        bytes calldata providerSignature,
        bytes calldata gatewaySignature
    ) external {
        IMarket.Sale memory sale = _requireInUse(report_.saleId, offer, reference_);
        _requireGateway(gateway, offer.provider, sale.buyer);
        _requireStated(report_, offer.provider, providerSignature);
        _requireStated(report_, gateway, gatewaySignature);
        Meter memory meter = _meters[report_.saleId];
        _requirePeriod(report_, offer, sale.deliveredAt, meter.reportedTo);
        uint64 used = _requireCount(report_, offer, meter.used);
        _meters[report_.saleId] = Meter(used, report_.to, meter.reports + 1);
        _recordReport(report_, offer.provider, gateway, used);
    }

    function _recordReport(Report calldata report_, address provider, address gateway, uint64 used) private {
        bytes memory stated = abi.encode(report_.from, report_.to, report_.count, used, report_.receiptsRoot);
        _record(report_.saleId, UsageReported.selector, report_.saleId, Keys.member(provider), Keys.member(gateway), stated);
    }

    /// @dev Delivered, not given back, and in a mode that leaves the data where it is.
    function _requireInUse(bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_)
        private
        view
        returns (IMarket.Sale memory sale)
    {
        sale = _market.sale(saleId);
        bool inUse = sale.state == Codes.SALE_DELIVERED || sale.state == Codes.SALE_DISPUTED || sale.state == Codes.SALE_ACCEPTED;
        if (!inUse) revert SaleNotInUse(saleId, sale.state);
        _market.requireMatch(sale, saleId, offer, reference_);
        if (offer.mode & METERED == 0) revert ModeNotMetered(offer.mode);
    }

    function _requireGateway(address gateway, address provider, address buyer) private view {
        if (gateway == provider || gateway == buyer) revert GatewayIsParty(gateway);
        _membership.requireRole(gateway, Codes.ROLE_GATEWAY);
    }

    /// @dev By its own call, or by its signature.
    function _requireStated(Report calldata report_, address account, bytes calldata signature) private view {
        bool stated = account == _msgSender() ? signature.length == 0 : reportDigest(report_).isSignedBy(signature, account);
        if (!stated) revert BadSignature(account);
    }

    function _requirePeriod(Report calldata report_, IMarket.Offer calldata offer, uint64 deliveredAt, uint64 reportedTo) private view {
        (bytes32 saleId, uint64 from, uint64 to) = (report_.saleId, report_.from, report_.to);
        if (to <= from) revert PeriodEmpty(from, to);
        if (from < deliveredAt) revert PeriodBeforeDelivery(saleId, from, deliveredAt);
        if (from < reportedTo) revert PeriodReported(saleId, from, reportedTo);
        if (to > _time()) revert PeriodNotOver(to, _time());
        uint256 endsAt = uint256(deliveredAt) + offer.term;
        if (offer.term != 0 && to > endsAt) revert TermOver(saleId, to, uint64(endsAt));
    }

    function _requireCount(Report calldata report_, IMarket.Offer calldata offer, uint64 usedBefore) private pure returns (uint64) {
        if ((report_.count == 0) != (report_.receiptsRoot == 0)) revert RootNotOfCount(report_.count, report_.receiptsRoot);
        uint64 quota = offer.quota == 0 ? type(uint64).max : offer.quota;
        uint256 used = uint256(usedBefore) + report_.count;
        if (used > quota) revert QuotaExceeded(report_.saleId, used, quota);
        return uint64(used);
    }

    /// @inheritdoc IUsage
    function meterOf(bytes32 saleId) external view returns (Meter memory) {
        return _meters[saleId];
    }

    /// @inheritdoc IUsage
    function reportDigest(Report calldata report_) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(USAGE_REPORT, report_)));
    }
}
