// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title Offers at the edges of what they can say, and how they are named
contract OfferEdgesTest is Exchange {
    // Modes.

    function test_everyMode_isSoldWhereThePolicyPermitsIt() public {
        IMarket.Offer memory offer = _open();
        for (uint256 i = 0; i < 6; ++i) {
            offer.mode = uint16(1 << i);
            vm.prank(provider);
            market.list(offer, _attesters(1));
            bytes32 saleId = _orderOpen(offer, bytes32(i));
            vm.assertEq(market.sale(saleId).state, Codes.SALE_ORDERED);
        }
        offer.mode = uint16(1 << 6);
        vm.expectRevert(abi.encodeWithSelector(IMarket.UnknownModes.selector, offer.mode));
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    function test_everyMode_isRefusedWhereThePolicyDoesNot() public {
        IMarket.Offer memory offer = _open();
        for (uint256 i = 0; i < 6; ++i) {
            offer.mode = uint16(1 << i);
            uint16 others = Codes.MODES_ALL & ~offer.mode;
            _setPolicy(Codes.KIND_PUBLIC, IMarket.Policy(0, 0, others));
            vm.expectRevert(abi.encodeWithSelector(IMarket.ModeRefusedByPolicy.selector, offer.mode, others));
            vm.prank(provider);
            market.list(offer, _attesters(1));
        }
    }

    function test_everyPurpose_isKnown() public {
        IMarket.Offer memory offer = _open();
        for (uint16 purpose = 1; purpose <= 4; ++purpose) {
            offer.purpose = purpose;
            vm.prank(provider);
            market.list(offer, _attesters(1));
        }
        offer.purpose = type(uint16).max;
        vm.expectRevert(abi.encodeWithSelector(IMarket.UnknownPurpose.selector, type(uint16).max));
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    // Intermediaries.

    function test_intermediaries_areNoneToEight() public {
        IMarket.Offer memory offer = _open();
        for (uint256 count = 0; count <= 8; ++count) {
            _share(offer, count);
            vm.prank(provider);
            bytes32 offerId = market.list(offer, _attesters(1));
            vm.assertEq(offerId, market.offerIdOf(offer));
            bytes32 saleId = _orderOpen(offer, REFERENCE);
            for (uint256 i = 0; i < count; ++i) {
                _refuseAsParty(offer, saleId, offer.split.intermediaries[i].account);
            }
        }
        _share(offer, 9);
        vm.expectRevert(abi.encodeWithSelector(IMarket.TooManyIntermediaries.selector, 9, 8));
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    function _share(IMarket.Offer memory offer, uint256 count) private pure {
        offer.split.intermediaries = new IMarket.Intermediary[](count);
        for (uint256 i = 0; i < count; ++i) {
            offer.split.intermediaries[i] = IMarket.Intermediary(_person(i), 100);
        }
        (offer.split.exchangeBps, offer.split.providerBps) = (500, uint16(9500 - 100 * count));
    }

    /// Neither attests to what it is paid for, nor confirms its payment.
    function _refuseAsParty(IMarket.Offer memory offer, bytes32 saleId, address account) private {
        uint256 state = vm.snapshotState();
        address[] memory attesters = new address[](1);
        attesters[0] = account;
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.AttesterIsParty.selector, account));
        vm.prank(buyer);
        market.order(offerId, offer, attesters, "another");
        _admit(account, Codes.ROLE_SETTLER);
        vm.expectRevert(abi.encodeWithSelector(IMarket.SettlerIsParty.selector, account));
        vm.prank(account);
        market.confirmPayment(saleId, offer, REFERENCE, 100_001, CNY, "a receipt");
        vm.revertToState(state);
    }

    function test_split_reachesBothEnds() public {
        IMarket.Offer memory offer = _open();
        offer.split.intermediaries = new IMarket.Intermediary[](0);
        (offer.split.exchangeBps, offer.split.providerBps) = (10_000, 0);
        vm.prank(provider);
        market.list(offer, _attesters(1));
        (offer.split.exchangeBps, offer.split.providerBps) = (0, 10_000);
        vm.prank(provider);
        market.list(offer, _attesters(1));
        // Sums above 16 bits do not come round.
        (offer.split.exchangeBps, offer.split.providerBps) = (type(uint16).max, 10_001);
        vm.expectRevert(abi.encodeWithSelector(IMarket.SplitNotWhole.selector, uint256(type(uint16).max) + 10_001));
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    // Lists of conditions.

    function test_jurisdictions_areSixteenAtMost() public {
        IMarket.Offer memory offer = _open();
        offer.conditions.jurisdictions = new uint16[](16);
        for (uint256 i = 0; i < 16; ++i) {
            offer.conditions.jurisdictions[i] = uint16(Codes.JURISDICTION_CN - 15 + i);
        }
        vm.prank(provider);
        market.list(offer, _attesters(1));
        _orderOpen(offer, REFERENCE);
        offer.conditions.jurisdictions[15] = offer.conditions.jurisdictions[14];
        vm.expectRevert(abi.encodeWithSelector(IMarket.UnorderedConditions.selector, 15));
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    function test_buyersOfATryOut_areSixtyFourAtMost() public {
        IMarket.Offer memory offer = _open();
        offer.sandbox = IMarket.Sandbox(true, START + 1 days, type(uint32).max, type(uint128).max, new address[](64));
        for (uint256 i = 0; i < 64; ++i) {
            offer.sandbox.buyers[i] = address(uint160(buyer) - 63 + uint160(i));
        }
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        _orderOpen(offer, REFERENCE);
        vm.assertEq(market.offerState(offerId).orders, 1);
        offer.sandbox.buyers[63] = offer.sandbox.buyers[62];
        vm.expectRevert(abi.encodeWithSelector(IMarket.UnorderedConditions.selector, 63));
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    // Try-outs.

    function test_sandbox_ofNoOrders() public {
        IMarket.Offer memory offer = _tryOut(0, type(uint128).max);
        _orderOpenFails(offer, REFERENCE, abi.encodeWithSelector(IMarket.SandboxFull.selector, market.offerIdOf(offer), 0));
    }

    function test_sandbox_ofOneOrder() public {
        IMarket.Offer memory offer = _tryOut(1, type(uint128).max);
        _orderOpen(offer, "one");
        vm.assertEq(market.offerState(market.offerIdOf(offer)).orders, 1);
        _orderOpenFails(offer, "two", abi.encodeWithSelector(IMarket.SandboxFull.selector, market.offerIdOf(offer), 1));
    }

    function test_sandbox_priceReachesItsCap() public {
        IMarket.Offer memory offer = _tryOut(1, 100_001);
        _orderOpen(offer, REFERENCE);
        offer = _tryOut(2, 100_000);
        _orderOpenFails(offer, REFERENCE, abi.encodeWithSelector(IMarket.SandboxPrice.selector, uint256(100_001), uint128(100_000)));
    }

    function test_sandbox_ofNobody() public {
        IMarket.Offer memory offer = _open();
        offer.sandbox = IMarket.Sandbox(true, START, 1, type(uint128).max, new address[](0));
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        _orderOpenFails(offer, REFERENCE, abi.encodeWithSelector(IMarket.SandboxBuyer.selector, offerId, buyer));
    }

    function test_sandbox_endsAfterItsLastSecond() public {
        IMarket.Offer memory offer = _tryOut(5, type(uint128).max);
        for (uint64 time = offer.sandbox.end - 1; time <= offer.sandbox.end; ++time) {
            vm.warp(time);
            _orderOpen(offer, bytes32(uint256(time)));
        }
        vm.warp(offer.sandbox.end + 1);
        bytes4 ended = IMarket.SandboxEnded.selector;
        _orderOpenFails(offer, REFERENCE, abi.encodeWithSelector(ended, market.offerIdOf(offer), offer.sandbox.end));
    }

    function test_sandbox_whatIsOffIsNotAsked() public {
        IMarket.Offer memory offer = _open();
        offer.sandbox.buyers = new address[](65);
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        _orderOpen(offer, REFERENCE);
        vm.assertEq(market.offerState(offerId).orders, 0);
    }

    // Prices.

    function test_price_ofNothingIsPaidByTheOrder() public {
        IMarket.Offer memory offer = _open();
        offer.price = IMarket.Price(0, 0, 0, 0, CNY);
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        bytes32 saleId = market.saleIdOf(offerId, buyer, REFERENCE);
        vm.warp(START + 5);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleOrdered(saleId, offerId, buyer, assetId, 1, REFERENCE, 0, CNY, 0, _attesters(1));
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SalePaid(saleId, address(0), 0, 0, CNY);
        _orderOpen(offer, REFERENCE);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_PAID);
        vm.assertEq(market.sale(saleId).paidAt, START + 5);
        vm.assertFalse(market.isReceiptUsed(0));
        _prepare(saleId, offer);
        _deliver(saleId, offer, 0);
        _accept(saleId);
        vm.assertEq(revenue.settle(saleId, offer, REFERENCE), 1);
        vm.assertEq(revenue.entry(saleId).perHead, 0);
    }

    function test_price_ofNothingOfPersonsOwesThemNothing() public {
        _bound(4);
        IMarket.Offer memory offer = _offer();
        offer.price = IMarket.Price(0, 0, 0, 0, CNY);
        _attestVersion(offer.versionKey);
        _list(offer);
        bytes32 saleId = _order(offer);
        vm.assertTrue(market.sale(saleId).pooled);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 4);
        _accept(saleId);
        revenue.settle(saleId, offer, REFERENCE);
        IRevenue.Entry memory entry = revenue.entry(saleId);
        vm.assertEq(entry.perHead, 0);
        vm.assertEq(entry.deliveredCount, 4);
    }

    function test_price_ofNothingIsGivenBackAsNothing() public {
        IMarket.Offer memory offer = _open();
        offer.price = IMarket.Price(0, 0, 0, 0, CNY);
        vm.prank(provider);
        market.list(offer, _attesters(1));
        bytes32 saleId = _orderOpen(offer, REFERENCE);
        vm.expectRevert(abi.encodeWithSelector(IMarket.WrongSaleState.selector, saleId, Codes.SALE_ORDERED, Codes.SALE_PAID));
        vm.prank(settler);
        market.confirmPayment(saleId, offer, REFERENCE, 0, CNY, "a receipt");
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleRefunded(saleId, provider, 0, CNY);
        vm.prank(provider);
        market.refund(saleId, offer, REFERENCE);
    }

    function test_price_ofOneAndOfTheMost() public {
        IMarket.Offer memory offer = _open();
        uint128[2] memory prices = [uint128(1), type(uint96).max];
        for (uint256 i = 0; i < 2; ++i) {
            offer.price = IMarket.Price(0, 0, 0, prices[i], "XAU");
            vm.prank(provider);
            market.list(offer, _attesters(1));
            bytes32 saleId = _orderOpen(offer, REFERENCE);
            vm.assertEq(market.sale(saleId).state, Codes.SALE_ORDERED);
            bytes4 wrong = IMarket.WrongAmount.selector;
            vm.expectRevert(abi.encodeWithSelector(wrong, prices[i], type(uint128).max));
            vm.prank(settler);
            market.confirmPayment(saleId, offer, REFERENCE, type(uint128).max, "XAU", "a receipt");
            _pay(saleId, offer);
            vm.assertEq(market.sale(saleId).state, Codes.SALE_PAID);
        }
    }

    // Too much calldata.

    function test_attesters_tenThousandAreRefused() public {
        IMarket.Offer memory offer = _open();
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        vm.expectRevert(abi.encodeWithSelector(IAttestations.TooManyAttesters.selector, 10_000, 1));
        vm.prank(buyer);
        market.order(offerId, offer, _attesters(10_000), REFERENCE);
    }

    // Operating by right.

    function test_rights_sellWithinTheirScopeAndTerm() public {
        IMarket.Offer memory offer = _open();
        offer.provider = otherProvider;
        _grant(IDataAssets.Scope(Codes.MODE_CALL, uint16(1) << Codes.PURPOSE_CREDIT, START + 10 days));
        _listOpenFails(offer, abi.encodeWithSelector(IMarket.NotOperator.selector, assetId, otherProvider));
        offer.mode = Codes.MODE_CALL;
        _listOpenFails(offer, abi.encodeWithSelector(IMarket.NotOperator.selector, assetId, otherProvider));
        offer.purpose = Codes.PURPOSE_CREDIT;
        vm.prank(otherProvider);
        market.list(offer, _attesters(1));
        vm.warp(START + 10 days);
        bytes32 saleId = _orderOpen(offer, REFERENCE);
        _pay(saleId, offer);
        uint256 state = vm.snapshotState();
        _prepare(saleId, offer);
        vm.revertToState(state);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotRefundable.selector, saleId));
        vm.prank(buyer);
        market.refund(saleId, offer, REFERENCE);
        vm.warp(START + 10 days + 1);
        _orderOpenFails(offer, "late", abi.encodeWithSelector(IMarket.NotOperator.selector, assetId, otherProvider));
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotOperator.selector, assetId, otherProvider));
        _prepare(saleId, offer);
        vm.prank(buyer);
        market.refund(saleId, offer, REFERENCE);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_REFUNDED);
    }

    function test_rights_ofAnEndedOneNothingIsSold() public {
        IMarket.Offer memory offer = _open();
        offer.provider = otherProvider;
        _grant(IDataAssets.Scope(Codes.MODES_ALL, type(uint16).max & 0x1e, START + YEAR));
        vm.prank(otherProvider);
        market.list(offer, _attesters(1));
        bytes32 saleId = _orderOpen(offer, REFERENCE);
        _pay(saleId, offer);
        vm.prank(provider);
        dataAssets.endRight(assetId, otherProvider, Codes.RIGHT_OPERATE, DOCUMENT);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotOperator.selector, assetId, otherProvider));
        _prepare(saleId, offer);
        vm.prank(buyer);
        market.refund(saleId, offer, REFERENCE);
    }

    /// The holder has granted; nobody who holds attests to what another sells.
    function test_rights_theHolderIsAPartyToWhatIsSoldUnderThem() public {
        IMarket.Offer memory offer = _open();
        offer.provider = otherProvider;
        _grant(IDataAssets.Scope(Codes.MODES_ALL, uint16(1) << offer.purpose, START + YEAR));
        address[] memory attesters = new address[](1);
        attesters[0] = provider;
        vm.expectRevert(abi.encodeWithSelector(IMarket.AttesterIsParty.selector, provider));
        vm.prank(otherProvider);
        market.list(offer, attesters);
    }

    // The end of a deployment.

    function test_closing_stopsListingsAndOrdersFromItsSecondOn() public {
        IMarket.Offer memory offer = _open();
        vm.prank(provider);
        market.list(offer, _attesters(1));
        vm.prank(admin);
        membership.close(DOCUMENT);
        uint64 end = membership.closesAt();
        vm.assertEq(end, START + 7 days);
        vm.warp(end - 1);
        bytes32 saleId = _orderOpen(offer, "the last");
        offer.salt = "the last";
        vm.prank(provider);
        market.list(offer, _attesters(1));
        for (uint64 time = end; time <= end + 1; ++time) {
            vm.warp(time);
            bytes memory closed = abi.encodeWithSelector(IMembership.DeploymentClosed.selector, end);
            _orderOpenFails(offer, "too late", closed);
            IMarket.Offer memory another = _another(offer);
            _listOpenFails(another, closed);
        }
        // What was ordered goes on to its end.
        offer.salt = SALT;
        _payAs(saleId, offer, "the last");
        vm.startPrank(provider);
        market.prepare(saleId, offer, "the last");
        market.deliver(saleId, offer, "the last", ENVELOPE, 0, 0);
        market.close(offer);
        vm.stopPrank();
        _accept(saleId);
        vm.assertEq(revenue.settle(saleId, offer, "the last"), 1);
    }

    function _another(IMarket.Offer memory offer) private pure returns (IMarket.Offer memory another) {
        another = abi.decode(abi.encode(offer), (IMarket.Offer));
        another.salt = "another";
    }

    // The name of an offer.

    /// The same offer, moved in the calldata as a whole, is the same offer.
    function test_name_isOfTheWordsWhereverTheyStand() public {
        IMarket.Offer memory offer = _open();
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        bytes memory canonical = abi.encode(offerId, offer, _attesters(1), REFERENCE);
        // One word of nothing before the offer: both offsets move.
        bytes memory moved = _insert(canonical, 4 * 32, 32);
        _setWord(moved, 1, _wordAt(canonical, 1) + 32);
        _setWord(moved, 2, _wordAt(canonical, 2) + 32);
        vm.prank(buyer);
        (bool success,) = address(market).call(bytes.concat(IMarket.order.selector, moved));
        vm.assertTrue(success);
        vm.assertEq(market.sale(market.saleIdOf(offerId, buyer, REFERENCE)).state, Codes.SALE_ORDERED);
    }

    /// Encoded in any other way it is no offer that was listed, and listing it so gives it its one name.
    function test_name_isOfTheOneEncoding() public {
        IMarket.Offer memory offer = _open();
        bytes32 offerId = market.offerIdOf(offer);
        bytes memory listing = _withGap(abi.encode(offer, _attesters(1)), 2);
        vm.prank(provider);
        (bool success,) = address(market).call(bytes.concat(IMarket.list.selector, listing));
        vm.assertTrue(success);
        vm.assertEq(market.offerState(offerId).state, Codes.OFFER_OPEN);
        bytes memory ordering = _withGap(abi.encode(offerId, offer, _attesters(1), REFERENCE), 4);
        vm.prank(buyer);
        bytes memory result;
        (success, result) = address(market).call(bytes.concat(IMarket.order.selector, ordering));
        vm.assertFalse(success);
        vm.assertEq(bytes32(bytes4(result)), bytes32(IMarket.OfferMismatch.selector));
        _orderOpen(offer, REFERENCE);
    }

    /// Words with more in them than their type holds are no offer at all.
    function test_name_isOfCleanWords() public {
        IMarket.Offer memory offer = _open();
        bytes32 offerId = market.offerIdOf(offer);
        uint256[5] memory places = [uint256(0), 2, 4, 5, 10]; // provider, version, mode, purpose, currency
        for (uint256 i = 0; i < places.length; ++i) {
            bytes memory listing = abi.encode(offer, _attesters(1));
            _setWord(listing, 2 + places[i], _wordAt(listing, 2 + places[i]) ^ (places[i] == 10 ? 1 : uint256(1) << 200));
            vm.prank(provider);
            (bool success, bytes memory result) = address(market).call(bytes.concat(IMarket.list.selector, listing));
            vm.assertFalse(success);
            vm.assertEq(result, "");
        }
        vm.prank(provider);
        market.list(offer, _attesters(1));
        for (uint256 i = 0; i < places.length; ++i) {
            bytes memory ordering = abi.encode(offerId, offer, _attesters(1), REFERENCE);
            _setWord(ordering, 4 + places[i], _wordAt(ordering, 4 + places[i]) ^ (places[i] == 10 ? 1 : uint256(1) << 200));
            vm.prank(buyer);
            (bool success, bytes memory result) = address(market).call(bytes.concat(IMarket.order.selector, ordering));
            vm.assertFalse(success);
            vm.assertEq(bytes32(bytes4(result)), bytes32(IMarket.OfferMismatch.selector));
        }
    }

    /// Whatever is cut off the end of a call, nothing is taken from it.
    function test_name_isOfWholeCalls() public {
        IMarket.Offer memory offer = _open();
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        bytes memory ordering = abi.encodeCall(IMarket.order, (offerId, offer, _attesters(1), REFERENCE));
        for (uint256 length = 4; length < ordering.length; length += 32) {
            bytes memory cut = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                cut[i] = ordering[i];
            }
            vm.prank(buyer);
            (bool success,) = address(market).call(cut);
            vm.assertFalse(success);
        }
    }

    function testFuzz_name_isWhatABIEncodingSays(uint256 seed) public {
        IMarket.Offer memory offer = _open();
        offer.split.intermediaries = new IMarket.Intermediary[](seed % 9);
        for (uint256 i = 0; i < seed % 9; ++i) {
            offer.split.intermediaries[i] = IMarket.Intermediary(_person(i), 10);
        }
        offer.split.providerBps = uint16(9500 - 10 * (seed % 9));
        offer.conditions.jurisdictions = new uint16[]((seed >> 8) % 17);
        for (uint256 i = 0; i < (seed >> 8) % 17; ++i) {
            offer.conditions.jurisdictions[i] = uint16(Codes.JURISDICTION_CN + i);
        }
        offer.sandbox = IMarket.Sandbox((seed >> 16) % 2 == 0, UNTIL, 3, type(uint128).max, new address[](1 + (seed >> 24) % 64));
        for (uint256 i = 0; i < offer.sandbox.buyers.length; ++i) {
            offer.sandbox.buyers[i] = address(uint160(buyer) + uint160(i));
        }
        (offer.salt, offer.quota, offer.term) = (bytes32(seed), uint64(seed >> 64), uint64(seed >> 96));
        bytes32 named = keccak256(abi.encode(keccak256("deedbook.offer.v1"), block.chainid, address(market), offer));
        vm.assertEq(market.offerIdOf(offer), named);
        vm.prank(provider);
        vm.assertEq(market.list(offer, _attesters(1)), named);
        // An order finds it by the bytes as they came.
        _orderOpen(offer, REFERENCE);
    }

    /// A word of nothing between the fixed part of the offer and its first list; what follows moves. `heads`: words of arguments.
    function _withGap(bytes memory call, uint256 heads) private pure returns (bytes memory) {
        bytes memory moved = _insert(call, (heads + 20) * 32, 32);
        uint256 place = heads == 2 ? 1 : 2; // of the attesters' offset
        _setWord(moved, place, _wordAt(call, place) + 32);
        uint256[3] memory offsets = [heads + 11, heads + 17, heads + 18]; // split, conditions, sandbox
        for (uint256 i = 0; i < 3; ++i) {
            _setWord(moved, offsets[i], _wordAt(call, offsets[i]) + 32);
        }
        return moved;
    }

    function _insert(bytes memory words, uint256 at, uint256 count) private pure returns (bytes memory longer) {
        longer = new bytes(words.length + count);
        for (uint256 i = 0; i < words.length; ++i) {
            longer[i < at ? i : i + count] = words[i];
        }
    }

    function _wordAt(bytes memory words, uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(words, 0x20), mul(place, 0x20)))
        }
    }

    function _setWord(bytes memory words, uint256 place, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(add(add(words, 0x20), mul(place, 0x20)), word)
        }
    }

    // Shorthand.

    /// An offer of PUBLIC data whose source is attested; not listed.
    function _open() private returns (IMarket.Offer memory offer) {
        offer = _public();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
    }

    function _tryOut(uint32 orders, uint128 maxPrice) private returns (IMarket.Offer memory offer) {
        if (assetId == dataAssets.assetIdOf(provider, SALT)) offer = _open();
        else offer = _unpooled();
        offer.sandbox = IMarket.Sandbox(true, START + 1 days, orders, maxPrice, new address[](1));
        offer.sandbox.buyers[0] = buyer;
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    function _unpooled() private view returns (IMarket.Offer memory offer) {
        offer = _offer();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
    }

    function _grant(IDataAssets.Scope memory scope) private {
        vm.prank(provider);
        dataAssets.grantRight(assetId, otherProvider, Codes.RIGHT_OPERATE, scope, DOCUMENT);
    }

    function _orderOpen(IMarket.Offer memory offer, bytes32 reference_) private returns (bytes32) {
        bytes32 offerId = market.offerIdOf(offer);
        vm.prank(buyer);
        return market.order(offerId, offer, _attesters(1), reference_);
    }

    function _orderOpenFails(IMarket.Offer memory offer, bytes32 reference_, bytes memory expected) private {
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(expected);
        vm.prank(buyer);
        market.order(offerId, offer, _attesters(1), reference_);
    }

    function _listOpenFails(IMarket.Offer memory offer, bytes memory expected) private {
        vm.expectRevert(expected);
        vm.prank(offer.provider);
        market.list(offer, _attesters(1));
    }

    function _payAs(bytes32 saleId, IMarket.Offer memory offer, bytes32 reference_) private {
        vm.prank(settler);
        market.confirmPayment(saleId, offer, reference_, _priceOf(offer), offer.price.currency, "the last receipt");
    }
}
