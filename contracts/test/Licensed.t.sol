// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// Sales by an account that does not hold the asset, but may operate it: as far as its right goes, and as long.
contract LicensedTest is Exchange {
    uint64 private constant TERM = START + 10 days;
    address private vendor = _account("vendor");
    address private processor = _account("processor");

    function setUp() public virtual override {
        super.setUp();
        _admit(vendor, Codes.ROLE_PROVIDER);
        _admit(processor, Codes.ROLE_PROVIDER);
        _bound(3);
        _attestVersion(dataAssets.asset(assetId).versionKey);
    }

    function test_AnOperatorSellsWhatItDoesNotHold() public {
        _license(provider, vendor, Codes.RIGHT_OPERATE);
        IMarket.Offer memory offer = _offerOfVendor();
        bytes32 saleId = _paid(offer);
        _acts(vendor, address(market), abi.encodeCall(IMarket.prepare, (saleId, offer, REFERENCE)));
        _acts(vendor, address(market), abi.encodeCall(IMarket.deliver, (saleId, offer, REFERENCE, ENVELOPE, COVER, 3)));
        _accept(saleId);
        revenue.settle(saleId, offer, REFERENCE);
        vm.assertEq(dataAssets.ownerOf(assetId), provider);
    }

    function test_WithoutARightNobodyElseSells() public {
        IMarket.Offer memory offer = _offerOfVendor();
        bytes memory refusal = _notOperator();
        _isRefused(vendor, address(market), _listing(offer), refusal);
        _license(provider, vendor, Codes.RIGHT_PROCESS);
        _isRefused(vendor, address(market), _listing(offer), refusal);
    }

    function test_NothingIsSoldOutsideTheScope() public {
        _license(provider, vendor, Codes.RIGHT_OPERATE);
        IMarket.Offer memory offer = _offerOfVendor();
        offer.mode = Codes.MODE_CALL;
        _isRefused(vendor, address(market), _listing(offer), _notOperator());
        (offer.mode, offer.purpose) = (Codes.MODE_RAW, Codes.PURPOSE_CREDIT);
        _isRefused(vendor, address(market), _listing(offer), _notOperator());
    }

    function test_NothingIsSoldAfterTheTerm() public {
        _license(provider, vendor, Codes.RIGHT_OPERATE);
        IMarket.Offer memory offer = _offerOfVendor();
        _acts(vendor, address(market), _listing(offer));
        vm.warp(TERM);
        _acts(buyer, address(market), _ordering(offer, REFERENCE));
        vm.warp(TERM + 1);
        _isRefused(buyer, address(market), _ordering(offer, "too late"), _notOperator());
    }

    function test_AnEndedRightStopsOrderAndDeliveryAndGivesTheMoneyBack() public {
        _license(provider, vendor, Codes.RIGHT_OPERATE);
        _stopsEverything(provider, _ending(vendor, Codes.RIGHT_OPERATE));
    }

    function test_WhatWasGrantedOnStopsWithTheRightItCameFrom() public {
        _license(provider, processor, Codes.RIGHT_PROCESS);
        _license(processor, vendor, Codes.RIGHT_OPERATE);
        _stopsEverything(processor, _ending(processor, Codes.RIGHT_PROCESS));
    }

    function test_ATransferStopsWhatTheFormerHolderLicensed() public {
        _license(provider, vendor, Codes.RIGHT_OPERATE);
        _stopsEverything(provider, abi.encodeCall(dataAssets.transferFrom, (provider, otherProvider, assetId)));
    }

    /// One sale prepared, one paid, one offer open: after the act none goes on, and the buyer takes the money back.
    function _stopsEverything(address by, bytes memory act) private {
        IMarket.Offer memory offer = _offerOfVendor();
        bytes32 prepared = _paid(offer);
        _acts(vendor, address(market), abi.encodeCall(IMarket.prepare, (prepared, offer, REFERENCE)));
        bytes32 paid = _order(offer, "paid");
        _pay(paid, offer);
        bytes memory early = abi.encodeCall(IMarket.refund, (paid, offer, "paid"));
        _isRefused(buyer, address(market), early, abi.encodeWithSelector(IMarket.NotRefundable.selector, paid));

        _acts(by, address(dataAssets), act);
        _isRefused(buyer, address(market), _ordering(offer, "too late"), _notOperator());
        _isRefused(vendor, address(market), abi.encodeCall(IMarket.prepare, (paid, offer, "paid")), _notOperator());
        bytes memory delivering = abi.encodeCall(IMarket.deliver, (prepared, offer, REFERENCE, ENVELOPE, COVER, 3));
        _isRefused(vendor, address(market), delivering, _notOperator());
        _acts(buyer, address(market), early);
        _acts(buyer, address(market), abi.encodeCall(IMarket.refund, (prepared, offer, REFERENCE)));
    }

    // Words.

    function _license(address by, address account, uint8 right) private {
        IDataAssets.Scope memory scope = IDataAssets.Scope(Codes.MODE_RAW | Codes.MODE_OPEN, uint16(1) << Codes.PURPOSE_RECRUITMENT, TERM);
        _acts(by, address(dataAssets), abi.encodeCall(IDataAssets.grantRight, (assetId, account, right, scope, DOCUMENT)));
    }

    function _ending(address account, uint8 right) private view returns (bytes memory) {
        return abi.encodeCall(IDataAssets.endRight, (assetId, account, right, DOCUMENT));
    }

    function _offerOfVendor() private view returns (IMarket.Offer memory offer) {
        offer = _offer();
        offer.provider = vendor;
    }

    function _paid(IMarket.Offer memory offer) private returns (bytes32 saleId) {
        _acts(vendor, address(market), _listing(offer));
        saleId = _order(offer);
        _pay(saleId, offer);
    }

    function _listing(IMarket.Offer memory offer) private view returns (bytes memory) {
        return abi.encodeCall(IMarket.list, (offer, _attesters(2)));
    }

    function _ordering(IMarket.Offer memory offer, bytes32 reference_) private view returns (bytes memory) {
        return abi.encodeCall(IMarket.order, (market.offerIdOf(offer), offer, _attesters(3), reference_));
    }

    function _notOperator() private view returns (bytes memory) {
        return abi.encodeWithSelector(IMarket.NotOperator.selector, assetId, vendor);
    }
}

/// The same, every act through the forwarder.
contract RelayedLicensedTest is LicensedTest {
    function setUp() public override {
        super.setUp();
        relaying = true;
    }
}
