// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {IUsage} from "../src/interfaces/IUsage.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Access} from "./Access.t.sol";

/// Who may list, order, pay, deliver, dispute, settle, pay out and meter.
contract AccessOfSalesTest is Access {
    bytes32 private constant RECEIPT = keccak256("a bank's receipt");

    function test_Market() public {
        _open("Market");
        _trySetting();
        IMarket.Offer memory offer = _tryOffers();
        _tryOrders(offer);
        _tryDeliveries(offer);
        _tryDisputes(offer);
        _close();
    }

    function _trySetting() private {
        bytes memory call =
            abi.encodeCall(IMarket.setPolicy, (Codes.KIND_PUBLIC, Codes.GRADE_GENERAL, IMarket.Policy(0, 0, Codes.MODES_ALL)));
        _judge(address(market), call, operator);
        call = abi.encodeCall(IAccessManaged.setAuthority, (address(new AccessManager(admin))));
        _judge(address(market), call, operator);
    }

    function _tryOffers() private returns (IMarket.Offer memory offer) {
        offer = _bindOne();
        _judge(address(market), abi.encodeCall(IMarket.list, (offer, _attesters(2))), provider);
        _list(offer);
        _judge(address(market), abi.encodeCall(IMarket.close, (offer)), provider);
    }

    function _tryOrders(IMarket.Offer memory offer) private {
        bytes32 offerId = market.offerIdOf(offer);
        _judge(address(market), abi.encodeCall(IMarket.order, (offerId, offer, _attesters(3), REFERENCE)), buyer);
        bytes32 saleId = _order(offer);
        _judge(address(market), abi.encodeCall(IMarket.cancel, (saleId, offer, REFERENCE)), buyer);
        bytes memory call = abi.encodeCall(IMarket.confirmPayment, (saleId, offer, REFERENCE, _priceOf(offer), CNY, RECEIPT));
        _judge(address(market), call, settler);
    }

    function _tryDeliveries(IMarket.Offer memory offer) private {
        bytes32 saleId = _order(offer, "to be delivered");
        _pay(saleId, offer);
        _judge(address(market), abi.encodeCall(IMarket.refund, (saleId, offer, "to be delivered")), provider);
        _judge(address(market), abi.encodeCall(IMarket.prepare, (saleId, offer, "to be delivered")), provider);
        _prepare(saleId, offer);
        _judge(address(market), abi.encodeCall(IMarket.deliver, (saleId, offer, "to be delivered", ENVELOPE, COVER, 3)), provider);
        _deliver(saleId, offer, 3);
        _judge(address(market), abi.encodeCall(IMarket.accept, (saleId)), buyer);
    }

    function _tryDisputes(IMarket.Offer memory offer) private {
        bytes32 saleId = _delivered(offer, "to be disputed");
        _judge(address(market), abi.encodeCall(IMarket.dispute, (saleId, DOCUMENT)), buyer);
        vm.prank(buyer);
        market.dispute(saleId, DOCUMENT);
        bytes memory call = abi.encodeCall(IMarket.decideDispute, (saleId, offer, "to be disputed", Codes.OUTCOME_NEGATIVE, DOCUMENT));
        _judge(address(market), call, arbiter);
    }

    function test_Revenue() public {
        _open("Revenue");
        IMarket.Offer memory offer = _bindOne();
        _list(offer);
        bytes32 saleId = _delivered(offer, REFERENCE);
        _accept(saleId);
        _judge(address(revenue), abi.encodeCall(IRevenue.settle, (saleId, offer, REFERENCE)), provider);
        revenue.settle(saleId, offer, REFERENCE);
        uint128 due = 3 * revenue.entry(saleId).perHead;
        IRevenue.Payout memory payout = IRevenue.Payout(0, 0, 3, 0, 0, due, RECEIPT);
        _judge(address(revenue), abi.encodeCall(IRevenue.confirmPayout, (saleId, offer, REFERENCE, payout)), settler);
        _judge(address(revenue), abi.encodeCall(IRevenue.confirmRefund, (saleId, offer, REFERENCE, 1, RECEIPT)), settler);
        vm.prank(settler);
        revenue.confirmPayout(saleId, offer, REFERENCE, payout);
        IRevenue.Bounce memory bounce = IRevenue.Bounce(0, 1, DOCUMENT, due / 3, OTHER_DOCUMENT);
        _judge(address(revenue), abi.encodeCall(IRevenue.confirmBounce, (saleId, offer, REFERENCE, bounce)), settler);
        _close();
    }

    function test_Usage() public {
        _open("Usage");
        IMarket.Offer memory offer = _bindOne();
        _list(offer);
        bytes32 saleId = _delivered(offer, REFERENCE);
        uint64 from = uint64(block.timestamp);
        vm.warp(from + 1 hours);
        IUsage.Report memory report = IUsage.Report(saleId, from, from + 1 hours, 3, DOCUMENT);
        bytes memory ofGateway = _sign("gateway", usage.reportDigest(report));
        _judge(address(usage), abi.encodeCall(IUsage.report, (report, offer, REFERENCE, gateway, "", ofGateway)), provider);
        _close();
    }

    /// An offer of three people's data in a mode that is metered; all that its listing asks is there.
    function _bindOne() private returns (IMarket.Offer memory offer) {
        _bound(3);
        offer = _offer();
        offer.mode = Codes.MODE_CALL;
        _attestVersion(offer.versionKey);
    }

    function _delivered(IMarket.Offer memory offer, bytes32 reference_) private returns (bytes32 saleId) {
        saleId = _order(offer, reference_);
        _pay(saleId, offer);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 3);
    }
}
