// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title What a sale stands on, and whether its subjects have a share, by kind of asset
contract KindsTest is Exchange {
    uint16 private constant FOREIGN = 702;

    address private abroad = _account("buyer abroad");

    function setUp() public override {
        super.setUp();
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER, Codes.LICENCE_EMPLOYER);
        admission.jurisdiction = FOREIGN;
        _admit(abroad, admission);
    }

    // Firms, whose consents the policy asks for.

    function test_firms_areSoldOnTheirConsentsWithoutAShare() public {
        (IMarket.Offer memory offer,) = _firms(5);
        bytes32 saleId = _sold(offer, 1);
        IMarket.Sale memory sale = market.sale(saleId);
        vm.assertTrue(sale.onBasis);
        vm.assertFalse(sale.pooled);
        _pay(saleId, offer);
        _prepare(saleId, offer);
        vm.assertEq(market.sale(saleId).liveAtPrepare, 5);
        _deliver(saleId, offer, 5);
        _accept(saleId);
        revenue.settle(saleId, offer, REFERENCE);
        IRevenue.Entry memory entry = revenue.entry(saleId);
        vm.assertEq(entry.deliveredCount, 5);
        vm.assertEq(entry.perHead, 0);
        vm.assertEq(revenue.carryOf(assetId, CNY), 0);
    }

    function test_firms_haveNoShare() public {
        (IMarket.Offer memory offer,) = _firms(2);
        (offer.split.providerBps, offer.split.subjectsBps) = (8999, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarket.SplitWithoutPool.selector, uint16(1)));
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    function test_firms_needASourceToo() public {
        (IMarket.Offer memory offer,) = _firms(2);
        bytes4 missing = IAttestations.AttestationMissing.selector;
        _fails(buyer, offer, 0, abi.encodeWithSelector(missing, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY, address(0)));
        // The consents were audited, batch by batch: nobody states it of the version.
        _fails(buyer, offer, 2, abi.encodeWithSelector(IAttestations.TooManyAttesters.selector, 2, 1));
    }

    function test_firms_needABasisThatIsClosedAndLive() public {
        (IMarket.Offer memory offer, Crowd memory crowd) = _firms(2);
        uint256 state = vm.snapshotState();
        _withdraw(crowd, 0);
        _withdraw(crowd, 1);
        _fails(buyer, offer, 1, abi.encodeWithSelector(IMarket.NoLiveConsent.selector, assetId, 1));
        vm.revertToState(state);
        _mark(crowd, 0);
        _fails(buyer, offer, 1, abi.encodeWithSelector(IMarket.WithdrawalPending.selector, assetId, 1));
        vm.revertToState(state);
        _publish(3);
        offer = _unpooled();
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        market.list(offer, _attesters(1));
        _fails(buyer, offer, 1, abi.encodeWithSelector(IMarket.BasisMissing.selector, assetId, 2));
    }

    function test_firms_areDeliveredUnderACover() public {
        (IMarket.Offer memory offer, Crowd memory crowd) = _firms(3);
        bytes32 saleId = _sold(offer, 1);
        _pay(saleId, offer);
        _prepare(saleId, offer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.ZeroHash.selector, 1));
        vm.prank(provider);
        market.deliver(saleId, offer, REFERENCE, ENVELOPE, 0, 3);
        _withdraw(crowd, 0);
        bytes4 wrong = IMarket.DeliveredCountWrong.selector;
        vm.expectRevert(abi.encodeWithSelector(wrong, uint64(1), uint64(2), uint64(3)));
        _deliver(saleId, offer, 1);
        _deliver(saleId, offer, 2);
    }

    function test_firms_withoutThePolicyNeedNoConsents() public {
        (IMarket.Offer memory offer,) = _firms(2);
        _setPolicy(Codes.KIND_ENTERPRISE, IMarket.Policy(0, 0, Codes.MODES_ALL));
        bytes32 saleId = _sold(offer, 1);
        vm.assertFalse(market.sale(saleId).onBasis);
        // What a sale stands on is settled at its order, whatever the policy of tomorrow.
        _setPolicy(Codes.KIND_ENTERPRISE, IMarket.Policy(CONSENTED, CONSENTED, Codes.MODES_ALL));
        _pay(saleId, offer);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 0);
    }

    function test_firms_askForTheBuyersClass() public {
        (IMarket.Offer memory offer,) = _firms(2);
        offer.conditions.buyerClass = 0;
        vm.prank(provider);
        market.list(offer, _attesters(1));
        address bank = _account("bank");
        _admit(bank, _admission(Codes.ROLE_BUYER, Codes.LICENCE_BANK));
        _fails(bank, offer, 1, abi.encodeWithSelector(IMarket.ClassNotConsented.selector, bank, Codes.LICENCE_EMPLOYER));
    }

    function test_persons_areOnTheirConsentsWhateverThePolicySays() public {
        _setPolicy(Codes.KIND_PERSONAL, IMarket.Policy(CONSENTED, CONSENTED, Codes.MODES_ALL));
        _bound(2);
        IMarket.Offer memory offer = _offer();
        vm.prank(provider);
        market.list(offer, _attesters(0));
        bytes32 saleId = _sold(offer, 0);
        vm.assertTrue(market.sale(saleId).onBasis && market.sale(saleId).pooled);
    }

    // What was derived from persons.

    function test_deidentified_isSoldWithoutConsentsAndWithoutAShare() public {
        IMarket.Offer memory offer = _derived();
        _attest(reviewer, offer.versionKey, Codes.ATTEST_DEIDENTIFICATION);
        bytes32 saleId = _sold(offer, 2);
        vm.assertFalse(market.sale(saleId).onBasis || market.sale(saleId).pooled);
        _pay(saleId, offer);
        _prepare(saleId, offer);
        vm.prank(provider);
        market.deliver(saleId, offer, REFERENCE, ENVELOPE, 0, 0);
        _accept(saleId);
        revenue.settle(saleId, offer, REFERENCE);
        vm.assertEq(revenue.entry(saleId).perHead, 0);
    }

    function test_deidentified_canStandOnConsentsTooWithoutAShare() public {
        IMarket.Offer memory offer = _derived();
        _attest(reviewer, offer.versionKey, Codes.ATTEST_DEIDENTIFICATION);
        _setPolicy(Codes.KIND_DERIVED, IMarket.Policy(0, CONSENTED, Codes.MODES_ALL));
        _fails(buyer, offer, 2, abi.encodeWithSelector(IMarket.BasisMissing.selector, assetId, 1));
        _bindAs(5, false);
        bytes32 saleId = _sold(offer, 2);
        vm.assertTrue(market.sale(saleId).onBasis);
        vm.assertFalse(market.sale(saleId).pooled);
    }

    function test_derived_hasAShareOnItsConsents() public {
        IMarket.Offer memory offer = _derived();
        _bindAs(5, false);
        bytes32 saleId = _sold(offer, 0);
        vm.assertTrue(market.sale(saleId).onBasis && market.sale(saleId).pooled);
    }

    // Borders.

    function test_border_ofPublicDataAsksForTheRegulatorsWordAlone() public {
        IMarket.Offer memory offer = _openData();
        bytes4 missing = IAttestations.AttestationMissing.selector;
        _fails(abroad, offer, 1, abi.encodeWithSelector(missing, offer.versionKey, Codes.ATTEST_CROSS_BORDER, address(0)));
        _attest(regulator, offer.versionKey, Codes.ATTEST_CROSS_BORDER);
        _orders(abroad, offer, _withRegulator(1));
    }

    function test_border_isNotAskedOfAListing() public {
        IMembership.Admission memory admission = _admission(Codes.ROLE_PROVIDER);
        (admission.identity, admission.jurisdiction) = (0, FOREIGN);
        vm.prank(admin);
        membership.change(provider, admission);
        IMarket.Offer memory offer = _openData();
        bytes4 missing = IAttestations.AttestationMissing.selector;
        _fails(buyer, offer, 1, abi.encodeWithSelector(missing, offer.versionKey, Codes.ATTEST_CROSS_BORDER, address(0)));
        // Abroad is where the provider is.
        _orders(abroad, offer, _attesters(1));
    }

    function test_border_isAskedOnceWhereThePolicyAsksToo() public {
        IMarket.Offer memory offer = _openData();
        _setPolicy(Codes.KIND_PUBLIC, IMarket.Policy(0, CROSS_BORDER, Codes.MODES_ALL));
        _attest(regulator, offer.versionKey, Codes.ATTEST_CROSS_BORDER);
        _orders(abroad, offer, _withRegulator(1));
        _orders(buyer, offer, _withRegulator(1));
    }

    function test_border_refusesPartiesExpiredAndNegativeWords() public {
        IMarket.Offer memory offer = _openData();
        bytes32 key = offer.versionKey;
        vm.startPrank(regulator);
        attestations.attest(key, Codes.ATTEST_CROSS_BORDER, Codes.OUTCOME_NEGATIVE, DOCUMENT, START + 100);
        bytes4 negative = IAttestations.AttestationNegative.selector;
        vm.stopPrank();
        _failsWith(abroad, offer, _withRegulator(1), abi.encodeWithSelector(negative, key, Codes.ATTEST_CROSS_BORDER, regulator));
        vm.prank(regulator);
        attestations.correct(key, Codes.ATTEST_CROSS_BORDER, Codes.OUTCOME_POSITIVE, DOCUMENT, START + 100);
        vm.warp(START + 101);
        bytes4 expired = IAttestations.AttestationExpired.selector;
        _failsWith(
            abroad, offer, _withRegulator(1), abi.encodeWithSelector(expired, key, Codes.ATTEST_CROSS_BORDER, regulator, START + 100)
        );
        vm.warp(START + 100);
        _orders(abroad, offer, _withRegulator(1));
        address[] memory attesters = _attesters(2);
        attesters[1] = abroad;
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.AttesterIsParty.selector, abroad));
        vm.prank(abroad);
        market.order(offerId, offer, attesters, "again");
    }

    function test_border_ofFirmsAsksForTheirConsentAsWell() public {
        (IMarket.Offer memory offer,) = _firms(2);
        _attest(regulator, offer.versionKey, Codes.ATTEST_CROSS_BORDER);
        bytes4 refused = IMarket.CrossBorderNotConsented.selector;
        _failsWith(abroad, offer, _withRegulator(1), abi.encodeWithSelector(refused, Codes.JURISDICTION_CN, FOREIGN));
    }

    function test_border_isAskedAgainOfTheConsentsAtTheDelivery() public {
        IMarket.Offer memory offer = _derived();
        _bindAs(5, true);
        _attest(regulator, offer.versionKey, Codes.ATTEST_CROSS_BORDER);
        bytes32 saleId = _orders(abroad, offer, _withRegulator(0));
        _pay(saleId, offer);
        // The regulator's word is asked for at the order, the consents' at every step.
        vm.prank(regulator);
        attestations.withdraw(offer.versionKey, Codes.ATTEST_CROSS_BORDER, DOCUMENT);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 5);
    }

    /// Whether one more name is for a DEIDENTIFICATION or for the border, is never in doubt.
    function test_border_ofDerivedDataIsToldFromADeidentification() public {
        IMarket.Offer memory offer = _derived();
        _setPolicy(Codes.KIND_DERIVED, IMarket.Policy(0, SOURCE, Codes.MODES_ALL));
        _attest(regulator, offer.versionKey, Codes.ATTEST_CROSS_BORDER);
        _bindAs(5, true);
        bytes32 onBasis = _orders(abroad, offer, _withRegulator(1));
        vm.assertTrue(market.sale(onBasis).pooled);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_DEIDENTIFICATION);
        bytes32 offerId = market.offerIdOf(offer);
        vm.prank(abroad);
        bytes32 without = market.order(offerId, offer, _withRegulator(2), "without");
        vm.assertFalse(market.sale(without).onBasis);
        vm.prank(buyer);
        bytes32 within = market.order(offerId, offer, _attesters(1), "within");
        vm.assertTrue(market.sale(within).pooled);
        vm.prank(buyer);
        vm.assertFalse(market.sale(market.order(offerId, offer, _attesters(2), "deidentified")).onBasis);
    }

    // Shorthand.

    /// An offer of ENTERPRISE data on the consents of `count` firms, listed; its policy asks for them.
    function _firms(uint256 count) private returns (IMarket.Offer memory offer, Crowd memory crowd) {
        _setPolicy(Codes.KIND_ENTERPRISE, IMarket.Policy(CONSENTED, CONSENTED, Codes.MODES_ALL));
        IDataAssets.Registration memory registration = _registration(SALT);
        registration.kind = Codes.KIND_ENTERPRISE;
        vm.prank(provider);
        dataAssets.register(registration, _version(uint64(count)));
        crowd = _bindAs(count, false);
        offer = _unpooled();
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    /// An offer of what is derived from the provider's PERSONAL asset, its source attested; its policy asks for nothing.
    function _derived() private returns (IMarket.Offer memory offer) {
        _register(2);
        IDataAssets.Registration memory registration = _derivation("derived", assetId);
        vm.prank(provider);
        assetId = dataAssets.register(registration, _version(5));
        _setPolicy(Codes.KIND_DERIVED, IMarket.Policy(0, 0, Codes.MODES_ALL));
        offer = _unpooled();
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        market.list(offer, _attesters(0));
    }

    function _openData() private returns (IMarket.Offer memory offer) {
        _public();
        offer = _unpooled();
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    function _unpooled() private view returns (IMarket.Offer memory offer) {
        offer = _offer();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
    }

    function _bindAs(uint256 count, bool crossBorder) private returns (Crowd memory crowd) {
        IConsents.Terms memory terms = _terms();
        terms.crossBorder = crossBorder;
        crowd = _crowd(0, count, terms);
        _grantAudited(crowd);
        _bind(1, crowd);
    }

    function _sold(IMarket.Offer memory offer, uint256 attesters) private returns (bytes32) {
        return _orders(buyer, offer, _attesters(attesters));
    }

    function _orders(address by, IMarket.Offer memory offer, address[] memory attesters) private returns (bytes32) {
        bytes32 offerId = market.offerIdOf(offer);
        vm.prank(by);
        return market.order(offerId, offer, attesters, REFERENCE);
    }

    function _fails(address by, IMarket.Offer memory offer, uint256 attesters, bytes memory expected) private {
        _failsWith(by, offer, _attesters(attesters), expected);
    }

    function _failsWith(address by, IMarket.Offer memory offer, address[] memory attesters, bytes memory expected) private {
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(expected);
        vm.prank(by);
        market.order(offerId, offer, attesters, REFERENCE);
    }

    function _withRegulator(uint256 others) private view returns (address[] memory attesters) {
        attesters = _attesters(others + 1);
        attesters[others] = regulator;
    }
}
