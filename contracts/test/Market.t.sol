// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title The listing policy and offers
contract MarketTest is Exchange {
    // Policy.

    function test_setPolicy_isGovernancesAct() public {
        IMarket.Policy memory policy = IMarket.Policy(SOURCE, SOURCE | OPINION, Codes.MODE_RAW);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, operator));
        vm.prank(operator);
        market.setPolicy(Codes.KIND_PUBLIC, Codes.GRADE_GENERAL, policy);
    }

    function test_setPolicy_isNeverRelayed() public {
        IMarket.Policy memory policy = IMarket.Policy(SOURCE, SOURCE, Codes.MODE_RAW);
        bytes memory call = abi.encodeCall(IMarket.setPolicy, (Codes.KIND_PUBLIC, Codes.GRADE_GENERAL, policy));
        (bool success, bytes memory result) = _relayBare(admin, address(market), call);
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(forwarder)));
    }

    function test_setAuthority_takesAContractOnly() public {
        vm.prank(address(manager));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedInvalidAuthority.selector, stranger));
        market.setAuthority(stranger);
    }

    function test_setPolicy_keepsAndEmits() public {
        IMarket.Policy memory policy = IMarket.Policy(SOURCE, SOURCE | OPINION, Codes.MODE_RAW);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.PolicySet(Codes.KIND_PUBLIC, Codes.GRADE_IMPORTANT, SOURCE, SOURCE | OPINION, Codes.MODE_RAW);
        vm.prank(admin);
        market.setPolicy(Codes.KIND_PUBLIC, Codes.GRADE_IMPORTANT, policy);
        IMarket.Policy memory kept = market.policyOf(Codes.KIND_PUBLIC, Codes.GRADE_IMPORTANT);
        vm.assertEq(kept.toList, SOURCE);
        vm.assertEq(kept.toOrder, SOURCE | OPINION);
        vm.assertEq(kept.modes, Codes.MODE_RAW);
    }

    function test_setPolicy_refusesToAskLessOfAnOrderThanOfAListing() public {
        vm.expectRevert(abi.encodeWithSelector(IMarket.PolicyNarrows.selector, SOURCE | OPINION, OPINION));
        _setPolicy(Codes.KIND_PUBLIC, IMarket.Policy(SOURCE | OPINION, OPINION, Codes.MODE_RAW));
    }

    function test_setPolicy_refusesUnknownModes() public {
        vm.expectRevert(abi.encodeWithSelector(IMarket.UnknownModes.selector, uint16(65)));
        _setPolicy(Codes.KIND_PUBLIC, IMarket.Policy(SOURCE, SOURCE, 65));
    }

    // Listing.

    function test_list_opensTheOffer() public {
        IMarket.Offer memory offer = _listable();
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.OfferListed(offerId, assetId, provider, offer);
        vm.assertEq(_list(offer), offerId);
        vm.assertEq(market.offerState(offerId).state, Codes.OFFER_OPEN);
        vm.assertEq(market.offerState(offerId).orders, 0);
    }

    function test_offerId_namesChainMarketAndOffer() public {
        IMarket.Offer memory offer = _listable();
        bytes32 tag = keccak256("deedbook.offer.v1");
        vm.assertEq(market.offerIdOf(offer), keccak256(abi.encode(tag, block.chainid, address(market), offer)));
    }

    function test_list_canBeRelayed() public {
        IMarket.Offer memory offer = _listable();
        _relay("provider", address(market), abi.encodeCall(IMarket.list, (offer, _attesters(2))));
        vm.assertEq(market.offerState(market.offerIdOf(offer)).state, Codes.OFFER_OPEN);
    }

    function test_list_isTheProvidersAct() public {
        IMarket.Offer memory offer = _listable();
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotProvider.selector, offerId, otherProvider));
        vm.prank(otherProvider);
        market.list(offer, _attesters(2));
    }

    function test_list_needsAProviderInGoodStanding() public {
        IMarket.Offer memory offer = _listable();
        _suspend(provider);
        _listFails(offer, abi.encodeWithSelector(IMembership.ParticipantIs.selector, provider, Codes.MEMBER_SUSPENDED));
        offer.provider = stranger;
        _listFails(offer, abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
    }

    function test_list_needsTheRightToOperate() public {
        IMarket.Offer memory offer = _listable();
        offer.provider = otherProvider;
        _listFails(offer, abi.encodeWithSelector(IMarket.NotOperator.selector, assetId, otherProvider));
    }

    function test_list_refusesUnknownAndCancelledAssets() public {
        IMarket.Offer memory offer = _listable();
        offer.assetId = 7;
        _listFails(offer, abi.encodeWithSelector(IMarket.AssetNotUsable.selector, 7, Codes.ASSET_NONE));
        offer.assetId = assetId;
        vm.prank(provider);
        dataAssets.cancel(assetId, DOCUMENT);
        _listFails(offer, abi.encodeWithSelector(IMarket.AssetNotUsable.selector, assetId, Codes.ASSET_CANCELLED));
    }

    function test_list_refusesAnyVersionButTheCurrent() public {
        IMarket.Offer memory offer = _listable();
        bytes32 current = offer.versionKey;
        offer.version = 2;
        _listFails(offer, abi.encodeWithSelector(IMarket.VersionNotCurrent.selector, assetId, current, current));
        offer.version = 1;
        offer.versionKey = keccak256("another");
        _listFails(offer, abi.encodeWithSelector(IMarket.VersionNotCurrent.selector, assetId, keccak256("another"), current));
    }

    function test_list_refusesAnAssetWithoutAVersion() public {
        vm.prank(provider);
        uint256 empty = dataAssets.register(_registration("empty"), _noVersion());
        IMarket.Offer memory offer = _listable();
        (offer.assetId, offer.version, offer.versionKey) = (empty, 0, 0);
        _listFails(offer, abi.encodeWithSelector(IMarket.VersionNotCurrent.selector, empty, bytes32(0), bytes32(0)));
    }

    function test_list_refusesTheSameOfferTwice() public {
        IMarket.Offer memory offer = _listable();
        bytes32 offerId = _list(offer);
        _listFails(offer, abi.encodeWithSelector(IMarket.OfferExists.selector, offerId));
        vm.prank(provider);
        market.close(offer);
        _listFails(offer, abi.encodeWithSelector(IMarket.OfferExists.selector, offerId));
    }

    function test_list_refusesAnOfferThatEnded() public {
        IMarket.Offer memory offer = _listable();
        vm.warp(offer.validUntil + 1);
        _listFails(offer, abi.encodeWithSelector(IMarket.OfferExpired.selector, market.offerIdOf(offer), offer.validUntil));
        vm.warp(offer.validUntil);
        _list(offer);
    }

    function test_list_refusesAnythingButOneKnownMode() public {
        IMarket.Offer memory offer = _listable();
        offer.mode = 0;
        _listFails(offer, abi.encodeWithSelector(IMarket.NotOneMode.selector, uint16(0)));
        offer.mode = Codes.MODE_RAW | Codes.MODE_CALL;
        _listFails(offer, abi.encodeWithSelector(IMarket.NotOneMode.selector, offer.mode));
        offer.mode = 64;
        _listFails(offer, abi.encodeWithSelector(IMarket.UnknownModes.selector, uint16(64)));
    }

    function test_list_refusesUnknownPurposes() public {
        IMarket.Offer memory offer = _listable();
        offer.purpose = 0;
        _listFails(offer, abi.encodeWithSelector(IMarket.UnknownPurpose.selector, uint16(0)));
        offer.purpose = 5;
        _listFails(offer, abi.encodeWithSelector(IMarket.UnknownPurpose.selector, uint16(5)));
    }

    function test_list_refusesPricesAboveTheMost() public {
        IMarket.Offer memory offer = _listable();
        offer.price = IMarket.Price(type(uint96).max, 1, 0, 0, CNY);
        _listFails(offer, abi.encodeWithSelector(IMarket.PriceTooLarge.selector, uint256(1) << 96));
        uint128 most = type(uint128).max;
        offer.price = IMarket.Price(most, most, most, most, CNY);
        _listFails(offer, abi.encodeWithSelector(IMarket.PriceTooLarge.selector, uint256(most) * 4));
        offer.price = IMarket.Price(type(uint96).max - 3, 1, 1, 1, CNY);
        _list(offer);
    }

    function test_list_refusesMalformedCurrencies() public {
        IMarket.Offer memory offer = _listable();
        bytes3[4] memory malformed = [bytes3("cny"), bytes3("CN"), bytes3("C1Y"), bytes3("CN[")];
        for (uint256 i = 0; i < malformed.length; ++i) {
            offer.price.currency = malformed[i];
            _listFails(offer, abi.encodeWithSelector(IMarket.CurrencyMalformed.selector, malformed[i]));
        }
    }

    function test_list_refusesASplitThatIsNotWhole() public {
        IMarket.Offer memory offer = _listable();
        offer.split.providerBps -= 1;
        _listFails(offer, abi.encodeWithSelector(IMarket.SplitNotWhole.selector, uint256(9999)));
        offer.split.providerBps += 2;
        _listFails(offer, abi.encodeWithSelector(IMarket.SplitNotWhole.selector, uint256(10_001)));
    }

    function test_list_refusesNobodyAsBeneficiary() public {
        IMarket.Offer memory offer = _listable();
        offer.split.exchange = address(0);
        _listFails(offer, abi.encodeWithSelector(IMarket.ZeroAccount.selector));
        offer.split.exchange = operator;
        offer.split.intermediaries[0].account = address(0);
        _listFails(offer, abi.encodeWithSelector(IMarket.ZeroAccount.selector));
    }

    function test_list_refusesMoreThanEightIntermediaries() public {
        IMarket.Offer memory offer = _listable();
        offer.split.intermediaries = new IMarket.Intermediary[](9);
        _listFails(offer, abi.encodeWithSelector(IMarket.TooManyIntermediaries.selector, 9, 8));
    }

    function test_list_refusesZeroHashes() public {
        IMarket.Offer memory offer = _listable();
        offer.termsHash = 0;
        _listFails(offer, abi.encodeWithSelector(IMarket.ZeroHash.selector, 0));
        offer.termsHash = DOCUMENT;
        offer.policyHash = 0;
        _listFails(offer, abi.encodeWithSelector(IMarket.ZeroHash.selector, 1));
    }

    function test_list_refusesUnorderedOrTooManyConditions() public {
        IMarket.Offer memory offer = _listable();
        offer.conditions.jurisdictions = new uint16[](2);
        _listFails(offer, abi.encodeWithSelector(IMarket.UnorderedConditions.selector, 1));
        offer.conditions.jurisdictions = new uint16[](17);
        _listFails(offer, abi.encodeWithSelector(IMarket.TooManyConditions.selector, 17, 16));
        offer.conditions.jurisdictions = new uint16[](0);
        offer.sandbox.on = true;
        offer.sandbox.buyers = new address[](2);
        _listFails(offer, abi.encodeWithSelector(IMarket.UnorderedConditions.selector, 1));
        offer.sandbox.buyers = new address[](65);
        _listFails(offer, abi.encodeWithSelector(IMarket.TooManyConditions.selector, 65, 64));
    }

    function test_list_needsAPolicyThatPermitsTheMode() public {
        IMarket.Offer memory offer = _listable();
        _setPolicy(Codes.KIND_PERSONAL, IMarket.Policy(SOURCE, SOURCE, Codes.MODE_CALL | Codes.MODE_OPEN));
        _listFails(offer, abi.encodeWithSelector(IMarket.ModeRefusedByPolicy.selector, Codes.MODE_RAW, uint16(3)));
        _setPolicy(Codes.KIND_PERSONAL, IMarket.Policy(SOURCE, SOURCE, 0));
        bytes memory missing = abi.encodeWithSelector(IMarket.PolicyMissing.selector, Codes.KIND_PERSONAL, Codes.GRADE_GENERAL);
        _listFails(offer, missing);
    }

    function test_list_needsTheAttestationsThatThePolicyAsks() public {
        IMarket.Offer memory offer = _listable();
        bytes32 key = offer.versionKey;
        vm.prank(reviewer);
        attestations.withdraw(key, Codes.ATTEST_SOURCE_LEGALITY, DOCUMENT);
        bytes4 ended = IAttestations.AttestationEnded.selector;
        _listFails(offer, abi.encodeWithSelector(ended, key, Codes.ATTEST_SOURCE_LEGALITY, reviewer));
    }

    function test_list_refusesPartiesAsAttesters() public {
        IMarket.Offer memory offer = _listable();
        address[] memory attesters = _attesters(2);
        address[3] memory parties = [provider, operator, broker];
        for (uint256 i = 0; i < parties.length; ++i) {
            attesters[1] = parties[i];
            vm.expectRevert(abi.encodeWithSelector(IMarket.AttesterIsParty.selector, parties[i]));
            vm.prank(provider);
            market.list(offer, attesters);
        }
    }

    function test_list_refusesHeldTargets() public {
        IMarket.Offer memory offer = _listable();
        bytes32 offerId = market.offerIdOf(offer);
        bytes32[4] memory targets = [offerId, bytes32(assetId), offer.versionKey, _memberKey(provider)];
        for (uint256 i = 0; i < targets.length; ++i) {
            uint256 state = vm.snapshotState();
            _hold(targets[i]);
            _listFails(offer, abi.encodeWithSelector(ICases.Held.selector, targets[i]));
            vm.revertToState(state);
        }
        _list(offer);
    }

    // Without a subject pool.

    function test_list_ofOtherKindsNeedsTheSourceAndHasNoPool() public {
        IMarket.Offer memory offer = _public();
        address[] memory none = new address[](0);
        vm.expectRevert(abi.encodeWithSelector(IMarket.SplitWithoutPool.selector, uint16(5000)));
        vm.prank(provider);
        market.list(offer, none);
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        bytes4 missing = IAttestations.AttestationMissing.selector;
        vm.expectRevert(abi.encodeWithSelector(missing, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY, address(0)));
        vm.prank(provider);
        market.list(offer, none);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        market.list(offer, _attesters(1));
    }

    // Closing.

    function test_close_endsTheOffer() public {
        IMarket.Offer memory offer = _listable();
        bytes32 offerId = _list(offer);
        vm.expectEmit(true, true, true, true, address(market));
        emit IMarket.OfferClosed(offerId, assetId, provider);
        vm.prank(provider);
        market.close(offer);
        vm.assertEq(market.offerState(offerId).state, Codes.OFFER_CLOSED);
        vm.expectRevert(abi.encodeWithSelector(IMarket.OfferNotOpen.selector, offerId, Codes.OFFER_CLOSED));
        vm.prank(provider);
        market.close(offer);
    }

    function test_close_isTheProvidersAct() public {
        IMarket.Offer memory offer = _listable();
        bytes32 offerId = _list(offer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotProvider.selector, offerId, buyer));
        vm.prank(buyer);
        market.close(offer);
    }

    function test_close_refusesAnUnknownOffer() public {
        IMarket.Offer memory offer = _listable();
        bytes32 offerId = market.offerIdOf(offer);
        vm.expectRevert(abi.encodeWithSelector(IMarket.OfferNotOpen.selector, offerId, Codes.OFFER_NONE));
        vm.prank(provider);
        market.close(offer);
    }

    // Shorthand.

    function _listable() private returns (IMarket.Offer memory offer) {
        _bound(2);
        offer = _offer();
        _attestVersion(offer.versionKey);
    }

    function _listFails(IMarket.Offer memory offer, bytes memory expected) private {
        address[] memory attesters = _attesters(2);
        vm.expectRevert(expected);
        vm.prank(offer.provider);
        market.list(offer, attesters);
    }
}
