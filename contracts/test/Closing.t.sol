// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IJournal} from "../src/interfaces/IJournal.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Membership} from "../src/Membership.sol";
import {Exchange} from "./Exchange.t.sol";

/// A deployment comes to its end: nothing new begins, and everything that began goes on to its own.
contract ClosingTest is Exchange {
    uint64 private constant END = START + 7 days;
    bytes32 private constant PAID = "a paid sale";
    bytes32 private constant ORDERED = "an ordered sale";
    bytes32 private constant DELIVERED = "a delivered sale";
    bytes private stated; // abi.encode(offer)
    Crowd private crowd;

    /// An exchange in full swing, and the end announced.
    function setUp() public virtual override {
        super.setUp();
        (IMarket.Offer memory offer, Crowd memory people) = _listed(4);
        (stated, crowd) = (abi.encode(offer), people);
        _order(offer, ORDERED);
        _pay(_order(offer, PAID), offer);
        bytes32 saleId = _order(offer, DELIVERED);
        _pay(saleId, offer);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 4);
        vm.prank(admin);
        membership.close(DOCUMENT);
    }

    function test_UntilTheEndNothingStops() public {
        vm.warp(END - 1);
        _acts(provider, address(dataAssets), _registering());
        _acts(provider, address(market), _listing());
        _acts(buyer, address(market), _ordering());
    }

    function test_NoAssetIsRegisteredAfterTheEnd() public {
        _stopped(provider, address(dataAssets), _registering());
        _stopped(provider, address(dataAssets), _registeringDeidentified());
    }

    function test_NoOfferIsListedAfterTheEnd() public {
        _stopped(provider, address(market), _listing());
    }

    function test_NothingIsOrderedAfterTheEnd() public {
        _stopped(buyer, address(market), _ordering());
    }

    function test_PeopleWithdrawAfterTheEnd() public {
        vm.warp(END + YEAR);
        _acts(_person(0), address(consents), abi.encodeCall(IConsents.withdraw, (crowd.batch, _leaf(crowd, 0), _proof(crowd, 0))));
        bytes memory signature = _sign(_personName(1), _withdrawalDigest(crowd.ids[1]));
        bytes memory call = abi.encodeCall(IConsents.withdrawFor, (crowd.batch, _leaf(crowd, 1), _proof(crowd, 1), signature));
        _acts(stranger, address(consents), call);
        bytes memory receipt = _sign("provider", _receiptDigest(crowd.ids[2], crowd.people[2]));
        call = abi.encodeCall(
            IConsents.withdrawByReceipt, (crowd.ids[2], crowd.people[2], crowd.batch, crowd.terms, crowd.manifestHash, receipt, "")
        );
        _acts(_person(2), address(consents), call);
        _acts(stranger, address(consents), abi.encodeCall(IConsents.applyMark, (crowd.batch, _leaf(crowd, 2), _proof(crowd, 2))));
        vm.assertEq(consents.basisState(assetId).live, 1);
    }

    function test_APaidSaleIsDeliveredSettledAndPaidOutAfterTheEnd() public {
        vm.warp(END);
        (bytes32 saleId, IMarket.Offer memory offer) = _saleOf(PAID);
        _acts(provider, address(market), abi.encodeCall(IMarket.prepare, (saleId, offer, PAID)));
        _acts(provider, address(market), abi.encodeCall(IMarket.deliver, (saleId, offer, PAID, ENVELOPE, COVER, 4)));
        _acts(buyer, address(market), abi.encodeCall(IMarket.accept, (saleId)));
        _acts(stranger, address(revenue), abi.encodeCall(IRevenue.settle, (saleId, offer, PAID)));
        IRevenue.Payout memory payout = IRevenue.Payout(0, 0, 4, 0, 0, 4 * revenue.entry(saleId).perHead, DOCUMENT);
        _acts(settler, address(revenue), abi.encodeCall(IRevenue.confirmPayout, (saleId, offer, PAID, payout)));
        _acts(settler, address(revenue), abi.encodeCall(IRevenue.confirmRefund, (saleId, offer, PAID, 1, OTHER_DOCUMENT)));
        vm.assertEq(revenue.listOf(saleId, 0).paidUpTo, 4);
    }

    function test_WhatWasOrderedIsPaidOrCancelledAfterTheEnd() public {
        vm.warp(END);
        (bytes32 saleId, IMarket.Offer memory offer) = _saleOf(ORDERED);
        uint256 state = vm.snapshotState();
        bytes memory paying = abi.encodeCall(IMarket.confirmPayment, (saleId, offer, ORDERED, _priceOf(offer), CNY, DOCUMENT));
        _acts(settler, address(market), paying);
        _acts(provider, address(market), abi.encodeCall(IMarket.refund, (saleId, offer, ORDERED)));
        _acts(settler, address(revenue), abi.encodeCall(IRevenue.confirmRefund, (saleId, offer, ORDERED, _priceOf(offer), OTHER_DOCUMENT)));
        vm.revertToState(state);
        _acts(buyer, address(market), abi.encodeCall(IMarket.cancel, (saleId, offer, ORDERED)));
        vm.assertEq(market.sale(saleId).state, Codes.SALE_CANCELLED);
    }

    function test_ADisputeIsRaisedAndDecidedAfterTheEnd() public {
        vm.warp(END);
        (bytes32 saleId, IMarket.Offer memory offer) = _saleOf(DELIVERED);
        _acts(buyer, address(market), abi.encodeCall(IMarket.dispute, (saleId, DOCUMENT)));
        bytes memory call = abi.encodeCall(IMarket.decideDispute, (saleId, offer, DELIVERED, Codes.OUTCOME_NEGATIVE, DOCUMENT));
        _acts(arbiter, address(market), call);
        vm.assertEq(market.sale(saleId).state, Codes.SALE_ACCEPTED);
    }

    function test_TheBuyerTakesBackALapsedSaleAfterTheEnd() public {
        (bytes32 saleId, IMarket.Offer memory offer) = _saleOf(PAID);
        vm.warp(START + YEAR);
        _acts(buyer, address(market), abi.encodeCall(IMarket.refund, (saleId, offer, PAID)));
        vm.assertEq(market.sale(saleId).state, Codes.SALE_REFUNDED);
    }

    function test_AssetsAndMembersLiveOnAfterTheEnd() public {
        vm.warp(END);
        _acts(provider, address(dataAssets), abi.encodeCall(IDataAssets.change, (assetId, 2, DOCUMENT, DOCUMENT)));
        IDataAssets.Scope memory scope = IDataAssets.Scope(1, 1, END);
        bytes memory call = abi.encodeCall(IDataAssets.grantRight, (assetId, otherProvider, Codes.RIGHT_OPERATE, scope, DOCUMENT));
        _acts(provider, address(dataAssets), call);
        _acts(provider, address(dataAssets), abi.encodeCall(IDataAssets.publish, (assetId, _version(9))));
        _acts(provider, address(dataAssets), abi.encodeCall(dataAssets.transferFrom, (provider, otherProvider, assetId)));
        _acts(otherProvider, address(dataAssets), abi.encodeCall(IDataAssets.cancel, (assetId, DOCUMENT)));
        _acts(buyer, address(membership), abi.encodeCall(IMembership.registerEncryptionKey, (0x0020, DOCUMENT)));
        _attest(reviewer, DOCUMENT, Codes.ATTEST_LEGAL_OPINION);
        _hold(DOCUMENT);
    }

    function test_EverythingIsReadAfterTheEnd() public {
        vm.warp(END + 30 * YEAR);
        (bytes32 saleId,) = _saleOf(DELIVERED);
        vm.assertEq(market.sale(saleId).deliveredCount, 4);
        vm.assertEq(dataAssets.asset(assetId).version, 1);
        vm.assertEq(consents.basisState(assetId).live, 4);
        vm.assertEq(membership.participant(buyer).state, Codes.MEMBER_ADMITTED);
    }

    /// The next deployment's first own entry holds the addresses and heads of this one, as they stand when it is created.
    function test_TheNextDeploymentCommitsToThisOne() public {
        vm.warp(END);
        IMembership.Predecessor memory former = _predecessor();
        bytes32 entry = keccak256(
            abi.encodePacked(IMembership.DeploymentSucceeded.selector, block.chainid, abi.encode(former.contracts, former.heads))
        );
        Membership next = new Membership(address(manager), address(forwarder), former);
        bytes32 head = new Membership(address(manager), address(forwarder), _noPredecessor()).journalHead();
        vm.assertEq(next.journalHead(), keccak256(abi.encode(head, block.number, entry)));
        vm.assertEq(next.closesAt(), 0);
        next.requireOpen();
    }

    function _predecessor() private view returns (IMembership.Predecessor memory former) {
        address[7] memory journals = [
            address(membership),
            address(cases),
            address(attestations),
            address(dataAssets),
            address(consents),
            address(market),
            address(revenue)
        ];
        former.chainId = block.chainid;
        (former.contracts, former.heads) = (new address[](7), new bytes32[](7));
        for (uint256 i = 0; i < 7; ++i) {
            (former.contracts[i], former.heads[i]) = (journals[i], IJournal(journals[i]).journalHead());
        }
    }

    // Words.

    /// From the very second of the end on.
    function _stopped(address by, address to, bytes memory call) private {
        bytes memory refusal = abi.encodeWithSelector(IMembership.DeploymentClosed.selector, END);
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp([END, END + 1, END + 7 days][i]);
            _isRefused(by, to, call, refusal);
        }
    }

    function _registering() private pure returns (bytes memory) {
        return abi.encodeCall(IDataAssets.register, (_registration("new"), _version(1)));
    }

    function _registeringDeidentified() private view returns (bytes memory) {
        return abi.encodeCall(IDataAssets.registerDeidentified, (_derivation("new", assetId), _version(1), reviewer));
    }

    function _listing() private view returns (bytes memory) {
        IMarket.Offer memory offer = abi.decode(stated, (IMarket.Offer));
        offer.salt = "another";
        return abi.encodeCall(IMarket.list, (offer, _attesters(2)));
    }

    function _ordering() private view returns (bytes memory) {
        IMarket.Offer memory offer = abi.decode(stated, (IMarket.Offer));
        return abi.encodeCall(IMarket.order, (market.offerIdOf(offer), offer, _attesters(3), REFERENCE));
    }

    function _saleOf(bytes32 reference_) private view returns (bytes32 saleId, IMarket.Offer memory offer) {
        offer = abi.decode(stated, (IMarket.Offer));
        saleId = market.saleIdOf(market.offerIdOf(offer), buyer, reference_);
    }
}

/// The same, every act through the forwarder.
contract RelayedClosingTest is ClosingTest {
    function setUp() public override {
        super.setUp();
        relaying = true;
    }
}
