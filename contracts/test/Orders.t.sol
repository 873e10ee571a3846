// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title What an order checks
contract OrdersTest is Exchange {
    uint16 private constant FOREIGN = 702;

    function test_order_makesASale() public {
        (IMarket.Offer memory offer,) = _listed(3);
        bytes32 offerId = market.offerIdOf(offer);
        bytes32 saleId = keccak256(abi.encode(keccak256("deedbook.sale.v1"), offerId, buyer, REFERENCE));
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.SaleOrdered(saleId, offerId, buyer, assetId, 1, REFERENCE, 100_001, CNY, 3, _attesters(3));
        vm.assertEq(_order(offer), saleId);
        IMarket.Sale memory sale = market.sale(saleId);
        vm.assertEq(sale.state, Codes.SALE_ORDERED);
        vm.assertEq(sale.at, START);
        vm.assertTrue(sale.onBasis && sale.pooled);
        vm.assertEq(market.saleIdOf(offerId, buyer, REFERENCE), saleId);
        vm.assertEq(market.offerState(offerId).orders, 0);
    }

    function test_order_canBeRelayed() public {
        (IMarket.Offer memory offer,) = _listed(3);
        bytes32 offerId = market.offerIdOf(offer);
        _relay("buyer", address(market), abi.encodeCall(IMarket.order, (offerId, offer, _attesters(3), REFERENCE)));
        vm.assertEq(market.sale(market.saleIdOf(offerId, buyer, REFERENCE)).buyer, buyer);
    }

    function test_order_isOfTheOfferThatWasRead() public {
        (IMarket.Offer memory offer,) = _listed(1);
        bytes32 offerId = market.offerIdOf(offer);
        offer.price.data += 1;
        bytes32 given = market.offerIdOf(offer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.OfferMismatch.selector, offerId, given));
        vm.prank(buyer);
        market.order(offerId, offer, _attesters(3), REFERENCE);
    }

    function test_order_needsAnOpenOffer() public {
        (IMarket.Offer memory offer,) = _listed(1);
        bytes32 offerId = market.offerIdOf(offer);
        vm.prank(provider);
        market.close(offer);
        _orderFails(offer, abi.encodeWithSelector(IMarket.OfferNotOpen.selector, offerId, Codes.OFFER_CLOSED));
        offer.salt = "never listed";
        _orderFails(offer, abi.encodeWithSelector(IMarket.OfferNotOpen.selector, market.offerIdOf(offer), Codes.OFFER_NONE));
    }

    function test_order_isAcceptedInTheLastSecondAndNoLater() public {
        (IMarket.Offer memory offer,) = _listed(1);
        vm.warp(offer.validUntil - 1);
        _order(offer, "a");
        vm.warp(offer.validUntil);
        _order(offer, "b");
        vm.warp(offer.validUntil + 1);
        _orderFails(offer, abi.encodeWithSelector(IMarket.OfferExpired.selector, market.offerIdOf(offer), offer.validUntil));
    }

    function test_order_isMadeOnce() public {
        (IMarket.Offer memory offer,) = _listed(1);
        bytes32 saleId = _order(offer);
        _orderFails(offer, abi.encodeWithSelector(IMarket.SaleExists.selector, saleId));
    }

    // The parties.

    function test_order_refusesTheProviderAsBuyer() public {
        (IMarket.Offer memory offer,) = _listed(1);
        _orderFailsBy(provider, offer, abi.encodeWithSelector(IMarket.ProviderIsBuyer.selector, provider));
    }

    function test_order_needsABuyerInGoodStanding() public {
        (IMarket.Offer memory offer,) = _listed(1);
        _orderFailsBy(stranger, offer, abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        bytes memory missing = abi.encodeWithSelector(IMembership.RoleMissing.selector, arbiter, Codes.ROLE_BUYER, Codes.ROLE_ARBITER);
        _orderFailsBy(arbiter, offer, missing);
        _suspend(buyer);
        _orderFails(offer, abi.encodeWithSelector(IMembership.ParticipantIs.selector, buyer, Codes.MEMBER_SUSPENDED));
    }

    function test_order_needsAProviderInGoodStanding() public {
        (IMarket.Offer memory offer,) = _listed(1);
        _suspend(provider);
        _orderFails(offer, abi.encodeWithSelector(IMembership.ParticipantIs.selector, provider, Codes.MEMBER_SUSPENDED));
    }

    function test_order_needsTheBuyersClass() public {
        (IMarket.Offer memory offer,) = _listed(1);
        address bank = _account("bank");
        _admit(bank, _admission(Codes.ROLE_BUYER, Codes.LICENCE_BANK));
        _orderFailsBy(bank, offer, abi.encodeWithSelector(IMembership.ClassMissing.selector, bank, Codes.LICENCE_EMPLOYER));
        // Even where the offer asks for none: the consents do.
        offer.conditions.buyerClass = 0;
        _list(offer);
        _orderFailsBy(bank, offer, abi.encodeWithSelector(IMarket.ClassNotConsented.selector, bank, Codes.LICENCE_EMPLOYER));
    }

    function test_order_refusesOtherJurisdictions() public {
        (IMarket.Offer memory offer,) = _listed(1);
        offer.conditions.jurisdictions = new uint16[](2);
        (offer.conditions.jurisdictions[0], offer.conditions.jurisdictions[1]) = (FOREIGN - 1, FOREIGN);
        _list(offer);
        _orderFails(offer, abi.encodeWithSelector(IMarket.JurisdictionRefused.selector, Codes.JURISDICTION_CN));
        offer.conditions.jurisdictions[0] = Codes.JURISDICTION_CN;
        _list(offer);
        _order(offer);
    }

    // The asset.

    function test_order_refusesASupersededVersion() public {
        (IMarket.Offer memory offer,) = _listed(2);
        _publish(3);
        bytes32 current = dataAssets.asset(assetId).versionKey;
        _orderFails(offer, abi.encodeWithSelector(IMarket.VersionNotCurrent.selector, assetId, offer.versionKey, current));
    }

    function test_order_refusesTheSameContentPublishedAgain() public {
        (IMarket.Offer memory offer,) = _listed(2);
        _publish(2);
        _orderFails(offer, abi.encodeWithSelector(IMarket.VersionNotCurrent.selector, assetId, offer.versionKey, offer.versionKey));
    }

    function test_order_refusesCancelledAssets() public {
        (IMarket.Offer memory offer,) = _listed(2);
        vm.prank(provider);
        dataAssets.cancel(assetId, DOCUMENT);
        _orderFails(offer, abi.encodeWithSelector(IMarket.AssetNotUsable.selector, assetId, Codes.ASSET_CANCELLED));
    }

    function test_order_refusesAProviderWhoNoLongerOperates() public {
        (IMarket.Offer memory offer,) = _listed(2);
        _transfer(otherProvider);
        _orderFails(offer, abi.encodeWithSelector(IMarket.NotOperator.selector, assetId, provider));
    }

    function test_order_asksThePolicyOfToday() public {
        (IMarket.Offer memory offer,) = _listed(2);
        _setPolicy(Codes.KIND_PERSONAL, IMarket.Policy(SOURCE, SOURCE, Codes.MODE_CALL));
        _orderFails(offer, abi.encodeWithSelector(IMarket.ModeRefusedByPolicy.selector, Codes.MODE_RAW, Codes.MODE_CALL));
    }

    // Attestations.

    function test_order_beforeTheLegalOpinionIsRefused() public {
        _bound(2);
        IMarket.Offer memory offer = _offer();
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_IMPACT_ASSESSMENT);
        _list(offer);
        bytes4 missing = IAttestations.AttestationMissing.selector;
        _orderFails(offer, abi.encodeWithSelector(missing, offer.versionKey, Codes.ATTEST_LEGAL_OPINION, reviewer));
        _attest(reviewer, offer.versionKey, Codes.ATTEST_LEGAL_OPINION);
        _order(offer);
    }

    function test_order_asksForAttestationsAgain() public {
        (IMarket.Offer memory offer,) = _listed(2);
        vm.prank(reviewer);
        attestations.withdraw(offer.versionKey, Codes.ATTEST_IMPACT_ASSESSMENT, DOCUMENT);
        bytes4 ended = IAttestations.AttestationEnded.selector;
        _orderFails(offer, abi.encodeWithSelector(ended, offer.versionKey, Codes.ATTEST_IMPACT_ASSESSMENT, reviewer));
    }

    function test_order_refusesAttestationsOfAnotherVersion() public {
        (IMarket.Offer memory offer,) = _listed(2);
        _publish(3);
        offer = _offer();
        bytes4 missing = IAttestations.AttestationMissing.selector;
        vm.expectRevert(abi.encodeWithSelector(missing, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY, reviewer));
        _list(offer);
    }

    function test_order_refusesTheBuyerAsAttester() public {
        (IMarket.Offer memory offer,) = _listed(2);
        bytes32 offerId = market.offerIdOf(offer);
        address[] memory attesters = _attesters(3);
        attesters[0] = buyer;
        vm.expectRevert(abi.encodeWithSelector(IMarket.AttesterIsParty.selector, buyer));
        vm.prank(buyer);
        market.order(offerId, offer, attesters, REFERENCE);
    }

    function test_order_refusesMoreAttestersThanAsked() public {
        (IMarket.Offer memory offer,) = _listed(2);
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.TooManyAttesters.selector, 5, 3));
        vm.prank(buyer);
        market.order(offerId, offer, _attesters(5), REFERENCE);
    }

    // The basis.

    function test_order_needsABasis() public {
        _register(2);
        IMarket.Offer memory offer = _offer();
        _attestVersion(offer.versionKey);
        _list(offer);
        _orderFails(offer, abi.encodeWithSelector(IMarket.BasisMissing.selector, assetId, 1));
    }

    function test_order_refusesAnOpenBinding() public {
        Crowd memory crowd = _crowd(0, 2);
        _grantAudited(crowd);
        _register(3);
        _bind(1, crowd);
        IMarket.Offer memory offer = _offer();
        _attestVersion(offer.versionKey);
        _list(offer);
        _orderFails(offer, abi.encodeWithSelector(IMarket.BindingOpen.selector, assetId, 2, 3));
    }

    function test_order_refusesWhenNobodyIsLeft() public {
        (IMarket.Offer memory offer, Crowd memory crowd) = _listed(2);
        _withdraw(crowd, 0);
        _order(offer, "one is left");
        _withdraw(crowd, 1);
        _orderFails(offer, abi.encodeWithSelector(IMarket.NoLiveConsent.selector, assetId, 1));
    }

    function test_order_waitsForPendingWithdrawals() public {
        (IMarket.Offer memory offer, Crowd memory crowd) = _listed(2);
        _mark(crowd, 0);
        _orderFails(offer, abi.encodeWithSelector(IMarket.WithdrawalPending.selector, assetId, 1));
        consents.applyMark(crowd.batch, _leaf(crowd, 0), _proof(crowd, 0));
        _order(offer);
    }

    function test_order_refusesABasisOfTheFormerHolder() public {
        (IMarket.Offer memory offer,) = _listed(2);
        _transfer(otherProvider);
        offer.provider = otherProvider;
        _list(offer);
        _orderFails(offer, abi.encodeWithSelector(IMarket.ControllerGone.selector, assetId, provider));
    }

    function test_order_refusesAPurposeThatWasNotConsented() public {
        (IMarket.Offer memory offer,) = _listed(2);
        offer.purpose = Codes.PURPOSE_CREDIT;
        _list(offer);
        bytes4 refused = IMarket.PurposeNotConsented.selector;
        _orderFails(offer, abi.encodeWithSelector(refused, Codes.PURPOSE_CREDIT, Codes.PURPOSE_RECRUITMENT));
    }

    function test_order_refusesAModeThatWasNotConsented() public {
        (IMarket.Offer memory offer,) = _listed(2);
        offer.mode = Codes.MODE_FEDERATED;
        _list(offer);
        uint16 granted = Codes.MODE_RAW | Codes.MODE_CALL;
        _orderFails(offer, abi.encodeWithSelector(IMarket.ModeNotConsented.selector, Codes.MODE_FEDERATED, granted));
    }

    function test_order_refusesAnyButTheNamedRecipient() public {
        IConsents.Terms memory terms = _terms();
        terms.recipient = _account("other buyer");
        IMarket.Offer memory offer = _listedOn(terms);
        _orderFails(offer, abi.encodeWithSelector(IMarket.RecipientNotConsented.selector, buyer, terms.recipient));
        _admit(terms.recipient, _admission(Codes.ROLE_BUYER, Codes.LICENCE_EMPLOYER));
        bytes32 offerId = market.offerIdOf(offer);
        vm.prank(terms.recipient);
        market.order(offerId, offer, _attesters(3), REFERENCE);
    }

    function test_order_acrossABorderNeedsConsentToIt() public {
        IMarket.Offer memory offer = _listedOn(_terms());
        address abroad = _abroad();
        _attest(regulator, offer.versionKey, Codes.ATTEST_CROSS_BORDER);
        bytes4 refused = IMarket.CrossBorderNotConsented.selector;
        _orderAbroadFails(abroad, offer, abi.encodeWithSelector(refused, Codes.JURISDICTION_CN, FOREIGN));
    }

    function test_order_acrossABorderNeedsTheRegulatorsWord() public {
        IConsents.Terms memory terms = _terms();
        terms.crossBorder = true;
        IMarket.Offer memory offer = _listedOn(terms);
        address abroad = _abroad();
        bytes4 missing = IAttestations.AttestationMissing.selector;
        _orderFailsBy(abroad, offer, abi.encodeWithSelector(missing, offer.versionKey, Codes.ATTEST_CROSS_BORDER, address(0)));
        _orderAbroadFails(abroad, offer, abi.encodeWithSelector(missing, offer.versionKey, Codes.ATTEST_CROSS_BORDER, regulator));
        _attest(regulator, offer.versionKey, Codes.ATTEST_CROSS_BORDER);
        bytes32 offerId = market.offerIdOf(offer);
        vm.prank(abroad);
        market.order(offerId, offer, _attestersAbroad(), REFERENCE);
        // Within the border nobody asks for it.
        _orderAbroadFails(buyer, offer, abi.encodeWithSelector(IAttestations.TooManyAttesters.selector, 4, 3));
        _order(offer);
    }

    function test_order_isTakenWithinTheBasisValidityOnly() public {
        IConsents.Terms memory terms = _terms();
        (terms.validFrom, terms.validUntil) = (START + 100, START + 200);
        IMarket.Offer memory offer = _listedOn(terms);
        vm.warp(START + 99);
        _orderFails(offer, abi.encodeWithSelector(IMarket.BasisNotYetValid.selector, assetId, START + 100));
        vm.warp(START + 100);
        _order(offer, "first second");
        vm.warp(START + 200);
        _order(offer, "last second");
        vm.warp(START + 201);
        _orderFails(offer, abi.encodeWithSelector(IMarket.BasisExpired.selector, assetId, START + 200));
    }

    // Holds.

    function test_order_refusesHeldTargets() public {
        (IMarket.Offer memory offer,) = _listed(2);
        bytes32 offerId = market.offerIdOf(offer);
        bytes32 saleId = market.saleIdOf(offerId, buyer, REFERENCE);
        bytes32[6] memory targets = [offerId, bytes32(assetId), offer.versionKey, _memberKey(provider), saleId, _memberKey(buyer)];
        for (uint256 i = 0; i < targets.length; ++i) {
            uint256 state = vm.snapshotState();
            _hold(targets[i]);
            _orderFails(offer, abi.encodeWithSelector(ICases.Held.selector, targets[i]));
            vm.revertToState(state);
        }
        _order(offer);
    }

    // The sandbox.

    function test_order_inTheSandboxIsLimited() public {
        IMarket.Offer memory offer = _sandboxed();
        bytes32 offerId = market.offerIdOf(offer);
        vm.warp(offer.sandbox.end + 1);
        _orderFails(offer, abi.encodeWithSelector(IMarket.SandboxEnded.selector, offerId, offer.sandbox.end));
        vm.warp(offer.sandbox.end);
        _order(offer, "one");
        _order(offer, "two");
        _orderFails(offer, abi.encodeWithSelector(IMarket.SandboxFull.selector, offerId, 2));
    }

    function test_order_inTheSandboxIsForItsBuyers() public {
        IMarket.Offer memory offer = _sandboxed();
        address other = _account("other buyer");
        _admit(other, _admission(Codes.ROLE_BUYER, Codes.LICENCE_EMPLOYER));
        _orderFailsBy(other, offer, abi.encodeWithSelector(IMarket.SandboxBuyer.selector, market.offerIdOf(offer), other));
    }

    function test_order_inTheSandboxHasAPriceCap() public {
        IMarket.Offer memory offer = _sandboxed();
        offer.sandbox.maxPrice = 100_000;
        _list(offer);
        _orderFails(offer, abi.encodeWithSelector(IMarket.SandboxPrice.selector, uint256(100_001), uint128(100_000)));
    }

    // Without a basis.

    function test_order_ofPublicDataStandsOnItsSource() public {
        IMarket.Offer memory offer = _public();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        vm.prank(buyer);
        bytes32 saleId = market.order(offerId, offer, _attesters(1), REFERENCE);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_ORDERED);
    }

    function test_order_ofPersonalDerivedDataNeedsABasis() public {
        IMarket.Offer memory offer = _derived();
        _attestVersion(offer.versionKey);
        _list(offer);
        _orderFails(offer, abi.encodeWithSelector(IMarket.BasisMissing.selector, assetId, 1));
    }

    function test_order_ofDeidentifiedDerivedDataNeedsNone() public {
        IMarket.Offer memory offer = _derived();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _attestVersion(offer.versionKey);
        _list(offer);
        bytes32 offerId = market.offerIdOf(offer);
        address[] memory attesters = _attesters(4);
        bytes4 missing = IAttestations.AttestationMissing.selector;
        vm.expectRevert(abi.encodeWithSelector(missing, offer.versionKey, Codes.ATTEST_DEIDENTIFICATION, reviewer));
        vm.prank(buyer);
        market.order(offerId, offer, attesters, REFERENCE);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_DEIDENTIFICATION);
        vm.prank(buyer);
        bytes32 saleId = market.order(offerId, offer, attesters, REFERENCE);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_ORDERED);
    }

    function test_order_ofDeidentifiedDataHasNoPool() public {
        IMarket.Offer memory offer = _derived();
        _attestVersion(offer.versionKey);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_DEIDENTIFICATION);
        _list(offer);
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.SplitWithoutPool.selector, uint16(5000)));
        vm.prank(buyer);
        market.order(offerId, offer, _attesters(4), REFERENCE);
    }

    function test_order_ofPersonsNeedsABasisWhoeverCallsThemDeidentified() public {
        (IMarket.Offer memory offer,) = _listed(2);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_DEIDENTIFICATION);
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.TooManyAttesters.selector, 4, 3));
        vm.prank(buyer);
        market.order(offerId, offer, _attesters(4), REFERENCE);
    }

    function test_order_ofDeidentifiedDataStandsOnItsSource() public {
        IMarket.Offer memory offer = _derived();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _setPolicy(Codes.KIND_DERIVED, IMarket.Policy(DEIDENTIFIED, DEIDENTIFIED, Codes.MODES_ALL));
        _attest(reviewer, offer.versionKey, Codes.ATTEST_DEIDENTIFICATION);
        bytes4 missing = IAttestations.AttestationMissing.selector;
        vm.expectRevert(abi.encodeWithSelector(missing, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY, reviewer));
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    function test_order_whereThePolicyAsksForDeidentificationNeedsNoBasis() public {
        IMarket.Offer memory offer = _derived();
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _setPolicy(Codes.KIND_DERIVED, IMarket.Policy(DEIDENTIFIED, DEIDENTIFIED, Codes.MODES_ALL));
        _attest(reviewer, offer.versionKey, Codes.ATTEST_DEIDENTIFICATION);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        bytes32 offerId = _list(offer);
        vm.prank(buyer);
        market.order(offerId, offer, _attesters(2), REFERENCE);
    }

    // Shorthand.

    function _orderFails(IMarket.Offer memory offer, bytes memory expected) private {
        _orderFailsBy(buyer, offer, expected);
    }

    function _orderFailsBy(address account, IMarket.Offer memory offer, bytes memory expected) private {
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(expected);
        vm.prank(account);
        market.order(offerId, offer, _attesters(3), REFERENCE);
    }

    function _listedOn(IConsents.Terms memory terms) private returns (IMarket.Offer memory offer) {
        Crowd memory crowd = _crowd(0, 2, terms);
        _grantAudited(crowd);
        _register(2);
        _bind(1, crowd);
        offer = _offer();
        _attestVersion(offer.versionKey);
        _list(offer);
    }

    function _attestersAbroad() private view returns (address[] memory attesters) {
        attesters = _attesters(4);
        attesters[3] = regulator;
    }

    function _orderAbroadFails(address account, IMarket.Offer memory offer, bytes memory expected) private {
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(expected);
        vm.prank(account);
        market.order(offerId, offer, _attestersAbroad(), REFERENCE);
    }

    function _abroad() private returns (address account) {
        account = _account("buyer abroad");
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER, Codes.LICENCE_EMPLOYER);
        admission.jurisdiction = FOREIGN;
        _admit(account, admission);
    }

    function _sandboxed() private returns (IMarket.Offer memory offer) {
        (offer,) = _listed(2);
        offer.sandbox.on = true;
        offer.sandbox.end = START + 10 days;
        offer.sandbox.maxOrders = 2;
        offer.sandbox.maxPrice = 100_001;
        offer.sandbox.buyers = new address[](1);
        offer.sandbox.buyers[0] = buyer;
        _list(offer);
    }

    /// An offer of what is derived from the provider's PERSONAL asset.
    function _derived() private returns (IMarket.Offer memory) {
        _register(2);
        IDataAssets.Registration memory registration = _derivation("derived", assetId);
        vm.prank(provider);
        assetId = dataAssets.register(registration, _version(5));
        _setPolicy(Codes.KIND_DERIVED, IMarket.Policy(SOURCE | IMPACT, OPINION | SOURCE | IMPACT, Codes.MODES_ALL));
        return _offer();
    }
}
