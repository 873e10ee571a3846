// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title One sale from the grant to the payout
contract SaleTest is Exchange {
    function test_wholeSale() public {
        (IMarket.Offer memory offer, Crowd memory crowd) = _listed(5);
        bytes32 saleId = _order(offer);
        _expectSale(saleId, Codes.SALE_ORDERED, 0, 0);
        _pay(saleId, offer);
        _withdraw(crowd, 3);
        _prepare(saleId, offer);
        _expectSale(saleId, Codes.SALE_PREPARED, 4, 0);
        _withdraw(crowd, 0);
        _deliver(saleId, offer, 4);
        _expectSale(saleId, Codes.SALE_DELIVERED, 4, 4);
        _accept(saleId);
        vm.assertEq(revenue.settle(saleId, offer, REFERENCE), 1);
        _expectEntry(saleId);
        _payOut(saleId, offer, 0, 3);
        _payOut(saleId, offer, 3, 4);
        vm.assertEq(revenue.listOf(saleId, 0).paidUpTo, 4);
        vm.assertEq(revenue.certificates(), 1);
    }

    function _expectSale(bytes32 saleId, uint8 state, uint64 live, uint64 delivered) private view {
        IMarket.Sale memory sale = market.sale(saleId);
        vm.assertEq(sale.state, state);
        vm.assertEq(sale.liveAtPrepare, live);
        vm.assertEq(sale.deliveredCount, delivered);
        vm.assertEq(sale.buyer, buyer);
        vm.assertTrue(sale.onBasis && sale.pooled);
    }

    /// 100,001 fen: exchange 5,000, provider 40,000, broker 5,000, pool 50,001 = 4 * 12,500 + 1.
    function _expectEntry(bytes32 saleId) private view {
        IRevenue.Entry memory entry = revenue.entry(saleId);
        vm.assertEq(entry.perHead, 12_500);
        vm.assertEq(entry.deliveredCount, 4);
        vm.assertEq(revenue.listOf(saleId, 0).paidUpTo, 0);
        vm.assertEq(revenue.carryOf(assetId, CNY), 1);
    }

    function _payOut(bytes32 saleId, IMarket.Offer memory offer, uint64 from, uint64 to) private {
        vm.prank(settler);
        revenue.confirmPayout(
            saleId, offer, REFERENCE, IRevenue.Payout(0, from, to, 0, 0, (to - from) * 12_500, keccak256(abi.encode("payout", from)))
        );
    }
}
