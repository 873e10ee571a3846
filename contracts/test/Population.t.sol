// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Settlement} from "./Settlement.t.sol";

/// @title As many people as there can be
/// @dev 2^32 of them, the records of the largest version, in two batches. Their trees are invented: nobody here proves a place.
contract PopulationTest is Settlement {
    uint64 private constant MOST = 2 ** 32;
    uint96 private constant PRICE = 2 ** 96 - 1;

    function test_everybodyThereCanBeIsPaid() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _soldTo(MOST);
        revenue.settle(saleId, offer, REFERENCE);
        uint128 perHead = revenue.entry(saleId).perHead;
        uint256 pool = PRICE - uint256(PRICE) * 500 / 10_000 * 2 - uint256(PRICE) * 4000 / 10_000;
        vm.assertEq(uint256(perHead) * MOST + revenue.carryOf(assetId, CNY), pool);
        _payOut(saleId, offer, _payout(0, 0, MOST - 1, MOST / 2, perHead));
        _payOutFails(
            saleId,
            offer,
            _payout(0, MOST - 1, MOST + 1, 0, perHead),
            abi.encodeWithSelector(IRevenue.PayoutBeyond.selector, MOST + 1, MOST)
        );
        _payOut(saleId, offer, _payout(0, MOST - 1, MOST, 0, perHead));
        _payOut(saleId, offer, _payout(1, 0, MOST / 2, 0, perHead));
        _expectList(saleId, 0, MOST, MOST, MOST / 2);
        uint64 paid = MOST - MOST / 2;
        _comeBack(saleId, offer, IRevenue.Bounce(0, paid, PLACES, paid * perHead, _nextReceipt()));
        _expectList(saleId, 0, MOST, MOST, MOST);
        _expectList(saleId, 2, paid, 0, 0);
    }

    /// What is done to two people costs what is done to 2^32.
    function test_noActCostsMoreForMorePeople() public {
        uint256 before = vm.snapshotState();
        uint256[4] memory few = _costs(2);
        vm.revertToState(before);
        uint256[4] memory many = _costs(MOST);
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertLe(many[i], few[i] + 200);
        }
    }

    function _costs(uint64 count) private returns (uint256[4] memory costs) {
        (IMarket.Offer memory offer, bytes32 saleId) = _soldTo(count);
        uint256 left = gasleft();
        revenue.settle(saleId, offer, REFERENCE);
        costs[0] = left - gasleft();
        vm.assertTrue(revenue.carryOf(assetId, CNY) != 0);
        uint128 perHead = revenue.entry(saleId).perHead;
        IRevenue.Payout memory payout = _payout(0, 0, count, 1, perHead);
        IRevenue.Bounce memory bounce = IRevenue.Bounce(0, count - 1, PLACES, (count - 1) * perHead, OTHER_RECEIPT);
        vm.startPrank(settler);
        left = gasleft();
        revenue.confirmPayout(saleId, offer, REFERENCE, payout);
        costs[1] = left - gasleft();
        left = gasleft();
        revenue.confirmBounce(saleId, offer, REFERENCE, bounce);
        costs[2] = left - gasleft();
        left = gasleft();
        revenue.confirmRefund(saleId, offer, REFERENCE, 1, keccak256("a refund"));
        costs[3] = left - gasleft();
        vm.stopPrank();
    }

    function _payout(uint32 list, uint64 from, uint64 to, uint64 deferred, uint128 perHead) private returns (IRevenue.Payout memory) {
        bytes32 root = deferred == 0 ? bytes32(0) : PLACES;
        return IRevenue.Payout(list, from, to, deferred, root, (to - from - deferred) * perHead, _nextReceipt());
    }

    /// Sold to `count` people, who come in two batches.
    function _soldTo(uint64 count) private returns (IMarket.Offer memory offer, bytes32 saleId) {
        Crowd memory low = _invented(uint32(count - 1), "the first");
        Crowd memory high = _invented(1, "the last");
        if (low.batchId > high.batchId) (low, high) = (high, low);
        _grantAudited(low);
        _grantAudited(high);
        _register(count);
        _bindAll(1, low, high);
        offer = _offer();
        offer.price = IMarket.Price(PRICE, 0, 0, 0, CNY);
        _attestVersion(offer.versionKey);
        _list(offer);
        saleId = _sell(offer, REFERENCE, count);
    }

    function _invented(uint32 count, bytes32 root) private view returns (Crowd memory crowd) {
        crowd = _crowd(0, 1);
        (crowd.batch.root, crowd.batch.count) = (root, count);
        crowd.batchId = consents.batchIdOf(crowd.batch);
    }
}

/// @title A sale that stands on consents and has no pool
/// @dev Firms are asked for their consent, and the product is the provider's.
contract ConsentedWithoutAPoolTest is Settlement {
    function test_theRestIsTheProviders() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _soldToFirms();
        IMarket.Sale memory sale = market.sale(saleId);
        vm.assertTrue(sale.onBasis && !sale.pooled);
        uint128[] memory intermediaries = new uint128[](1);
        intermediaries[0] = 5000;
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenue.SaleSettled(saleId, assetId, 1, CNY, 100_001, 0, 5000, 90_001, intermediaries, 0, 4, 0);
        revenue.settle(saleId, offer, REFERENCE);
        vm.assertEq(revenue.entry(saleId).perHead, 0);
        IRevenue.Payout memory payout = IRevenue.Payout(0, 0, 4, 0, 0, 1, RECEIPT);
        _payOutFails(saleId, offer, payout, abi.encodeWithSelector(IRevenue.WrongTotal.selector, uint128(0), uint128(1)));
    }

    function _soldToFirms() private returns (IMarket.Offer memory offer, bytes32 saleId) {
        _setPolicy(Codes.KIND_ENTERPRISE, IMarket.Policy(CONSENTED, CONSENTED, Codes.MODES_ALL));
        Crowd memory crowd = _crowd(0, 4);
        _grantAudited(crowd);
        IDataAssets.Registration memory registration = _registration(SALT);
        registration.kind = Codes.KIND_ENTERPRISE;
        vm.prank(provider);
        dataAssets.register(registration, _version(4));
        _bind(1, crowd);
        offer = _offer();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        vm.prank(buyer);
        saleId = market.order(offerId, offer, _attesters(1), REFERENCE);
        _payFor(saleId, offer, REFERENCE);
        _prepareAs(saleId, offer, REFERENCE);
        _deliverAs(saleId, offer, REFERENCE, 4);
        _accept(saleId);
    }
}
