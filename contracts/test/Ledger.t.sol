// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AnchorLog} from "../src/AnchorLog.sol";
import {IConsents} from "../src/interfaces/IConsents.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IUsage} from "../src/interfaces/IUsage.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Usage} from "../src/Usage.sol";
import {CopiedTrade} from "./CopiedTrade.t.sol";

/// The whole ledger, replayed: whatever happens, a copy of all logs gives the heads of all contracts and entities.
contract LedgerTest is CopiedTrade {
    Crowd private crowd;
    bytes private listed; // abi.encode(offer)
    bytes32[] private sales;
    uint256 private refused;
    Usage private usage;
    AnchorLog private anchorLog;
    address private gateway = _account("gateway");

    function setUp() public override {
        super.setUp();
        usage = new Usage(membership, market, address(forwarder));
        anchorLog = new AnchorLog(membership, address(forwarder));
    }

    function _journals() internal view override returns (address[] memory journals) {
        address[] memory first = super._journals();
        journals = new address[](first.length + 2);
        for (uint256 i = 0; i < first.length; ++i) {
            journals[i] = first[i];
        }
        (journals[first.length], journals[first.length + 1]) = (address(usage), address(anchorLog));
    }

    // Every event at least once.

    function test_EveryEventOfEverySaleIsReplayed() public {
        _storyOfMembers();
        _storyOfConsents();
        IMarket.Offer memory offer = _storyOfASale();
        _storyOfUse(offer);
        _storyOfDisputes(offer);
        _storyOfOtherEnds(offer);
        _storyOfTheEnd();
        vm.assertEq(kinds[address(membership)], 8);
        vm.assertEq(kinds[address(cases)], 4);
        vm.assertEq(kinds[address(attestations)], 3);
        vm.assertEq(kinds[address(dataAssets)], 9);
        vm.assertEq(kinds[address(consents)], 8);
        vm.assertEq(kinds[address(market)], 13);
        vm.assertEq(kinds[address(revenue)], 6);
        vm.assertEq(kinds[address(usage)], 1);
        vm.assertEq(kinds[address(anchorLog)], 1);
        _assertComplete();
        _assertCopied();
        _assertTradeCopied();
        _assertMoneyIsConserved();
    }

    function _storyOfMembers() private {
        vm.prank(buyer);
        membership.registerEncryptionKey(0x0020, DOCUMENT);
        _passThrough(_account("newcomer"));
        _hold("a target");
        vm.startPrank(arbiter);
        cases.release("a target", DOCUMENT);
        bytes32 caseId = cases.open("a target", Codes.CASE_LEAK, DOCUMENT);
        vm.stopPrank();
        vm.prank(regulator);
        cases.decide(caseId, Codes.OUTCOME_POSITIVE, DOCUMENT);
        _attest(reviewer, "a target", Codes.ATTEST_LEGAL_OPINION);
        vm.startPrank(reviewer);
        attestations.correct("a target", Codes.ATTEST_LEGAL_OPINION, Codes.OUTCOME_NEGATIVE, DOCUMENT, UNTIL);
        attestations.withdraw("a target", Codes.ATTEST_LEGAL_OPINION, DOCUMENT);
        vm.stopPrank();
        _next();
    }

    /// Every state that a member can be in.
    function _passThrough(address account) private {
        _admit(account, Codes.ROLE_BUYER);
        vm.startPrank(admin);
        membership.change(account, _admission(Codes.ROLE_BUYER));
        membership.suspend(account, 1);
        membership.reinstate(account);
        membership.expel(account, 1);
        vm.stopPrank();
    }

    /// Five people in one batch, of whom one marks and is resolved; a misfit, challenged; a direct grant.
    function _storyOfConsents() private {
        crowd = _bound(5);
        _next();
        _mark(crowd, 4);
        _next();
        consents.applyMark(crowd.batch, _leaf(crowd, 4), _proof(crowd, 4));
        _next();
        IConsents.Consent memory narrow = _consent(_person(9));
        narrow.purpose = Codes.PURPOSE_CREDIT;
        _challenge(narrow);
        _next();
        IConsents.Consent memory alone = _consent(_person(10));
        bytes memory signature = _sign(_personName(10), consents.consentIdOf(alone));
        vm.prank(provider);
        consents.grant(alone, SALT, signature);
        _next();
    }

    function _challenge(IConsents.Consent memory consent) private {
        bytes32[] memory ids = new bytes32[](1);
        address[] memory people = new address[](1);
        (ids[0], people[0]) = (consents.consentIdOf(consent), consent.subject);
        Crowd memory misfit = _crowdOf(ids, people, _terms(), MANIFEST);
        _grant(misfit);
        consents.challenge(misfit.batch, misfit.terms, MANIFEST, 0, consent, new bytes32[](0));
    }

    function _storyOfASale() private returns (IMarket.Offer memory offer) {
        offer = _offer();
        _attestVersion(offer.versionKey);
        _list(offer);
        _next();
        bytes32 saleId = _order(offer);
        _next();
        _pay(saleId, offer);
        _next();
        _prepare(saleId, offer);
        _next();
        _deliver(saleId, offer, 4);
        _next();
        _accept(saleId);
        _next();
        revenue.settle(saleId, offer, _referenceOf(saleId));
        _next();
        _payOut(saleId, offer, 0);
        _next();
        _storyOfMoney(saleId, offer);
    }

    /// One of four is paid; of the others one is put off, two are paid, one of whose payments comes back; both are paid later.
    function _storyOfMoney(bytes32 saleId, IMarket.Offer memory offer) private {
        uint128 perHead = revenue.entry(saleId).perHead;
        vm.startPrank(settler);
        revenue.confirmPayout(saleId, offer, REFERENCE, IRevenue.Payout(0, 1, 4, 1, "put off", 2 * perHead, "receipt 1"));
        revenue.confirmBounce(saleId, offer, REFERENCE, IRevenue.Bounce(0, 1, "came back", perHead, "receipt 2"));
        _next();
        revenue.confirmPayout(saleId, offer, REFERENCE, IRevenue.Payout(1, 0, 1, 0, 0, perHead, "receipt 3"));
        revenue.confirmPayout(saleId, offer, REFERENCE, IRevenue.Payout(2, 0, 1, 0, 0, perHead, "receipt 4"));
        revenue.confirmRefund(saleId, offer, REFERENCE, 77, "receipt 5");
        vm.stopPrank();
        _next();
    }

    function _storyOfUse(IMarket.Offer memory offer) private {
        offer = abi.decode(abi.encode(offer), (IMarket.Offer));
        offer.mode = Codes.MODE_CALL;
        _list(offer);
        bytes32 saleId = _order(offer);
        _pay(saleId, offer);
        _prepare(saleId, offer);
        _deliver(saleId, offer, 4);
        _admit(gateway, Codes.ROLE_GATEWAY);
        vm.warp(block.timestamp + 60);
        IUsage.Report memory report = IUsage.Report(saleId, START, START + 60, 3, "receipts");
        bytes memory signature = _sign("gateway", usage.reportDigest(report));
        vm.prank(provider);
        usage.report(report, offer, REFERENCE, gateway, "", signature);
        vm.warp(START);
        vm.prank(operator);
        anchorLog.anchor(5, "a root", new bytes32[](0));
        _next();
    }

    function _storyOfDisputes(IMarket.Offer memory offer) private {
        for (uint8 outcome = 1; outcome <= 2; ++outcome) {
            bytes32 saleId = _order(offer, bytes32(uint256(outcome)));
            _pay(saleId, offer);
            _prepare(saleId, offer);
            _deliver(saleId, offer, 4);
            _next();
            vm.prank(buyer);
            market.dispute(saleId, DOCUMENT);
            vm.prank(arbiter);
            market.decideDispute(saleId, offer, bytes32(uint256(outcome)), outcome, DOCUMENT);
            _next();
        }
    }

    function _payOut(bytes32 saleId, IMarket.Offer memory offer, uint64 salt) private {
        IRevenue.Entry memory entry = revenue.entry(saleId);
        uint64 from = revenue.listOf(saleId, 0).paidUpTo;
        bytes32 receipt = keccak256(abi.encode("payout", saleId, salt));
        vm.prank(settler);
        revenue.confirmPayout(saleId, offer, _referenceOf(saleId), IRevenue.Payout(0, from, from + 1, 0, 0, entry.perHead, receipt));
    }

    function _storyOfOtherEnds(IMarket.Offer memory offer) private {
        bytes32 cancelled = _order(offer, "cancelled");
        bytes32 lapsed = _order(offer, "lapsed");
        _pay(lapsed, offer);
        vm.startPrank(buyer);
        market.cancel(cancelled, offer, _referenceOf(cancelled));
        vm.stopPrank();
        _next();
        vm.startPrank(provider);
        market.close(offer);
        IDataAssets.Scope memory scope = IDataAssets.Scope(Codes.MODES_ALL, 30, UNTIL);
        dataAssets.grantRight(assetId, otherProvider, Codes.RIGHT_PROCESS, scope, DOCUMENT);
        dataAssets.endRight(assetId, otherProvider, Codes.RIGHT_PROCESS, DOCUMENT);
        dataAssets.change(assetId, 2, OTHER_DOCUMENT, DOCUMENT);
        dataAssets.approve(buyer, assetId);
        dataAssets.setApprovalForAll(buyer, true);
        dataAssets.publish(assetId, _version(7));
        dataAssets.cancel(assetId, DOCUMENT);
        vm.stopPrank();
        vm.prank(buyer);
        market.refund(lapsed, offer, _referenceOf(lapsed));
        _next();
    }

    function _storyOfTheEnd() private {
        vm.prank(admin);
        membership.close(DOCUMENT);
        _next();
    }

    // A random life of an offer and its sales.

    function testFuzz_ARandomLifeIsComplete(uint256 seed) public {
        crowd = _crowd(0, 6);
        _grantAudited(crowd);
        _register(6);
        _bind(1, crowd);
        IMarket.Offer memory offer = _offer();
        _attestVersion(offer.versionKey);
        _list(offer);
        listed = abi.encode(offer);
        _next();
        for (uint256 i = 0; i < 40; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            (bool success,) = address(this).call(abi.encodeCall(this.act, (seed)));
            if (!success) ++refused;
            _next();
            _assertLive();
        }
        vm.assertLt(refused, 40);
        _assertComplete();
        _assertTradeCopied();
        _assertMoneyIsConserved();
    }

    /// One act by those who may; whether it fits the moment is the contracts' to say.
    function act(uint256 seed) external {
        uint256 kind = seed % 12;
        IMarket.Offer memory offer = abi.decode(listed, (IMarket.Offer));
        if (kind == 0) return _withdraw(crowd, (seed >> 8) % 6);
        if (kind == 1) return _mark(crowd, (seed >> 8) % 6);
        if (kind == 2) return consents.applyMark(crowd.batch, _leaf(crowd, (seed >> 8) % 6), _proof(crowd, (seed >> 8) % 6));
        if (kind == 3) return _toggleHold(seed);
        if (kind <= 5) return sales.push(_order(offer, bytes32(seed)));
        bytes32 saleId = sales[(seed >> 8) % sales.length];
        if (kind == 6) return _pay(saleId, offer);
        if (kind == 7) return _prepare(saleId, offer);
        if (kind == 8) return _deliver(saleId, offer, consents.basisState(assetId).live);
        if (kind == 9) return _accept(saleId);
        if (kind == 10) revenue.settle(saleId, offer, _referenceOf(saleId));
        else _payOut(saleId, offer, uint64(seed >> 32));
    }

    function _toggleHold(uint256 seed) private {
        bytes32 target = seed & 256 == 0 || sales.length == 0 ? bytes32(assetId) : sales[(seed >> 8) % sales.length];
        vm.prank(arbiter);
        if (cases.isHeld(target)) cases.release(target, DOCUMENT);
        else cases.hold(target, DOCUMENT);
    }

    function _assertLive() private view {
        uint256 standing = 0;
        for (uint32 i = 0; i < 6; ++i) {
            if (!consents.hasEnded(crowd.batchId, i)) ++standing;
        }
        vm.assertEq(consents.basisState(assetId).live, standing);
    }

    function _next() private {
        _follow();
        vm.roll(block.number + 1);
    }
}
