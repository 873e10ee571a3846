// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IUsage} from "../src/interfaces/IUsage.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Usage} from "../src/Usage.sol";
import {Settlement} from "./Settlement.t.sol";
import {Wallet, WritingWallet} from "./Wallets.sol";

/// @title Metered use
/// @dev A sale by CALL, delivered at START: quota 10, term 30 days. A day later the first one is reported.
contract UsageTest is Settlement {
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    bytes32 private constant RECEIPTS = keccak256("a root over receipts");
    uint64 private constant DAY = 1 days;
    uint64 private constant TERM = 30 days;

    Usage private usage;
    address private gateway = _account("gateway");

    function setUp() public override {
        super.setUp();
        usage = new Usage(membership, market, address(forwarder));
        _admit(gateway, Codes.ROLE_GATEWAY);
    }

    // What is metered.

    function test_report_metersAPeriod() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        vm.expectEmit(true, true, true, true, address(usage));
        emit IUsage.UsageReported(saleId, provider, gateway, START, START + DAY, 3, 3, RECEIPTS);
        _report(_first(saleId, 3), offer);
        _expectMeter(saleId, 3, START + DAY, 1);
    }

    function test_report_addsUp() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        vm.warp(START + 10 * DAY);
        _report(_period(saleId, START, START + DAY, 3), offer);
        vm.expectEmit(true, true, true, true, address(usage));
        emit IUsage.UsageReported(saleId, provider, gateway, START + DAY, START + 2 * DAY, 7, 10, RECEIPTS);
        _report(_period(saleId, START + DAY, START + 2 * DAY, 7), offer);
        _expectMeter(saleId, 10, START + 2 * DAY, 2);
    }

    function test_report_ofNoUse() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        vm.expectEmit(true, true, true, true, address(usage));
        emit IUsage.UsageReported(saleId, provider, gateway, START, START + DAY, 0, 0, 0);
        _report(_first(saleId, 0), offer);
        _expectMeter(saleId, 0, START + DAY, 1);
    }

    function test_report_keepsSalesApart() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        bytes32 other = _deliverUnder(offer, "other");
        vm.warp(START + 2 * DAY);
        _report(_first(saleId, 3), offer);
        IUsage.Report memory report = _period(other, START + DAY, START + 2 * DAY, 10);
        (bytes memory byProvider, bytes memory byGateway) = _signatures(report);
        usage.report(report, offer, "other", gateway, byProvider, byGateway);
        _expectMeter(saleId, 3, START + DAY, 1);
        _expectMeter(other, 10, START + 2 * DAY, 1);
    }

    function test_report_byAnotherGatewayLater() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        _report(_first(saleId, 3), offer);
        address next = _account("next gateway");
        _admit(next, Codes.ROLE_GATEWAY);
        vm.warp(START + 2 * DAY);
        IUsage.Report memory report = _period(saleId, START + DAY, START + 2 * DAY, 1);
        bytes32 digest = usage.reportDigest(report);
        vm.expectEmit(true, true, true, true, address(usage));
        emit IUsage.UsageReported(saleId, provider, next, START + DAY, START + 2 * DAY, 1, 4, RECEIPTS);
        usage.report(report, offer, REFERENCE, next, _sign("provider", digest), _sign("next gateway", digest));
    }

    // Modes and states.

    function test_report_ofEveryMeteredMode() public {
        (IMarket.Offer memory offer,) = _listedAs(Codes.MODE_CALL);
        uint16[4] memory modes = [Codes.MODE_CALL, Codes.MODE_JOINT_MODEL, Codes.MODE_FEDERATED, Codes.MODE_ENCRYPTED_COMPUTE];
        for (uint256 i = 0; i < 4; ++i) {
            uint256 state = vm.snapshotState();
            offer.mode = modes[i];
            (bytes32 saleId, IUsage.Report memory report) = _usedPublicly(offer);
            _report(report, offer);
            _expectMeter(saleId, 3, report.to, 1);
            vm.revertToState(state);
        }
    }

    function test_report_refusesModesThatHandOutTheData() public {
        (IMarket.Offer memory offer,) = _listedAs(Codes.MODE_CALL);
        uint16[2] memory modes = [Codes.MODE_OPEN, Codes.MODE_RAW];
        for (uint256 i = 0; i < 2; ++i) {
            uint256 state = vm.snapshotState();
            offer.mode = modes[i];
            (, IUsage.Report memory report) = _usedPublicly(offer);
            _reportFails(report, offer, abi.encodeWithSelector(IUsage.ModeNotMetered.selector, modes[i]));
            vm.revertToState(state);
        }
    }

    function test_report_inEveryState() public {
        (IMarket.Offer memory offer,) = _listedAs(Codes.MODE_CALL);
        bytes32 saleId = market.saleIdOf(market.offerIdOf(offer), buyer, REFERENCE);
        _isNotInUse(saleId, offer, Codes.SALE_NONE);
        _order(offer, REFERENCE);
        _isNotInUse(saleId, offer, Codes.SALE_ORDERED);
        uint256 ordered = vm.snapshotState();
        vm.prank(provider);
        market.cancel(saleId, offer, REFERENCE);
        _isNotInUse(saleId, offer, Codes.SALE_CANCELLED);
        vm.revertToState(ordered);
        _payFor(saleId, offer, REFERENCE);
        _isNotInUse(saleId, offer, Codes.SALE_PAID);
        _prepareAs(saleId, offer, REFERENCE);
        _isNotInUse(saleId, offer, Codes.SALE_PREPARED);
        _deliverAs(saleId, offer, REFERENCE, 4);
        vm.warp(START + 3 * DAY);
        _report(_first(saleId, 1), offer);
        uint256 delivered = vm.snapshotState();
        _accept(saleId);
        _report(_period(saleId, START + DAY, START + 2 * DAY, 1), offer);
        vm.revertToState(delivered);
        vm.prank(buyer);
        market.dispute(saleId, DOCUMENT);
        _report(_period(saleId, START + DAY, START + 2 * DAY, 1), offer);
        vm.prank(provider);
        market.refund(saleId, offer, REFERENCE);
        _reportFails(
            _period(saleId, START + 2 * DAY, START + 3 * DAY, 1),
            offer,
            abi.encodeWithSelector(IUsage.SaleNotInUse.selector, saleId, Codes.SALE_REFUNDED)
        );
    }

    // The period.

    function test_report_refusesAnEmptyPeriod() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        bytes4 empty = IUsage.PeriodEmpty.selector;
        _reportFails(_period(saleId, START, START, 1), offer, abi.encodeWithSelector(empty, START, START));
        _reportFails(_period(saleId, START + 2, START + 1, 1), offer, abi.encodeWithSelector(empty, START + 2, START + 1));
        _report(_period(saleId, START, START + 1, 1), offer);
    }

    function test_report_beginsWithTheDelivery() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        bytes4 early = IUsage.PeriodBeforeDelivery.selector;
        _reportFails(_period(saleId, START - 1, START + 1, 1), offer, abi.encodeWithSelector(early, saleId, START - 1, START));
        _reportFails(_period(saleId, 0, START + 1, 1), offer, abi.encodeWithSelector(early, saleId, uint64(0), START));
        _report(_period(saleId, START, START + 1, 1), offer);
    }

    function test_report_countsNoPeriodTwice() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        _report(report, offer);
        bytes4 again = IUsage.PeriodReported.selector;
        _reportFails(report, offer, abi.encodeWithSelector(again, saleId, START, START + DAY));
        vm.warp(START + 2 * DAY);
        _reportFails(
            _period(saleId, START + DAY - 1, START + 2 * DAY, 1), offer, abi.encodeWithSelector(again, saleId, START + DAY - 1, START + DAY)
        );
        _report(_period(saleId, START + DAY, START + DAY + 1, 1), offer);
        _report(_period(saleId, START + DAY + 2, START + DAY + 3, 1), offer);
        _expectMeter(saleId, 5, START + DAY + 3, 3);
    }

    function test_report_ofWhatIsOver() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        bytes4 open = IUsage.PeriodNotOver.selector;
        _reportFails(_period(saleId, START, START + DAY + 1, 1), offer, abi.encodeWithSelector(open, START + DAY + 1, START + DAY));
        uint64 never = type(uint64).max;
        _reportFails(_period(saleId, START, never, 1), offer, abi.encodeWithSelector(open, never, START + DAY));
        _report(_period(saleId, START, START + DAY, 1), offer);
    }

    function test_report_endsWithTheTerm() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        vm.warp(START + 2 * TERM);
        bytes4 over = IUsage.TermOver.selector;
        _reportFails(
            _period(saleId, START, START + TERM + 1, 1), offer, abi.encodeWithSelector(over, saleId, START + TERM + 1, START + TERM)
        );
        _report(_period(saleId, START, START + TERM - 1, 1), offer);
        _report(_period(saleId, START + TERM - 1, START + TERM, 1), offer);
        _reportFails(
            _period(saleId, START + TERM, START + TERM + 1, 1), offer, abi.encodeWithSelector(over, saleId, START + TERM + 1, START + TERM)
        );
    }

    function test_report_withoutATermOrWithOneThatNeverEnds() public {
        (IMarket.Offer memory offer,) = _listedAs(Codes.MODE_CALL);
        uint64[2] memory terms = [0, type(uint64).max];
        for (uint256 i = 0; i < 2; ++i) {
            uint256 state = vm.snapshotState();
            offer.term = terms[i];
            _list(offer);
            bytes32 saleId = _deliverUnder(offer, REFERENCE);
            vm.warp(START + 10 * YEAR);
            _report(_period(saleId, START, START + 10 * YEAR, 1), offer);
            vm.revertToState(state);
        }
    }

    // The quota.

    function test_report_upToTheQuota() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        vm.warp(START + 3 * DAY);
        bytes4 exceeded = IUsage.QuotaExceeded.selector;
        _reportFails(_first(saleId, 11), offer, abi.encodeWithSelector(exceeded, saleId, uint256(11), uint64(10)));
        uint64 most = type(uint64).max;
        _reportFails(_first(saleId, most), offer, abi.encodeWithSelector(exceeded, saleId, uint256(most), uint64(10)));
        _report(_first(saleId, 9), offer);
        IUsage.Report memory second = _period(saleId, START + DAY, START + 2 * DAY, 2);
        _reportFails(second, offer, abi.encodeWithSelector(exceeded, saleId, uint256(11), uint64(10)));
        second.count = most;
        _reportFails(second, offer, abi.encodeWithSelector(exceeded, saleId, uint256(most) + 9, uint64(10)));
        second.count = 1;
        _report(second, offer);
        _reportFails(
            _period(saleId, START + 2 * DAY, START + 3 * DAY, 1), offer, abi.encodeWithSelector(exceeded, saleId, uint256(11), uint64(10))
        );
        _report(_period(saleId, START + 2 * DAY, START + 3 * DAY, 0), offer);
    }

    function test_report_withoutAQuota() public {
        (IMarket.Offer memory offer,) = _listedAs(Codes.MODE_CALL);
        offer.quota = 0;
        _list(offer);
        bytes32 saleId = _deliverUnder(offer, REFERENCE);
        vm.warp(START + 2 * DAY);
        uint64 most = type(uint64).max;
        _report(_first(saleId, most), offer);
        _expectMeter(saleId, most, START + DAY, 1);
        IUsage.Report memory second = _period(saleId, START + DAY, START + 2 * DAY, 1);
        _reportFails(second, offer, abi.encodeWithSelector(IUsage.QuotaExceeded.selector, saleId, uint256(most) + 1, most));
    }

    function test_report_hasARootExactlyWhereThereWasUse() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        report.receiptsRoot = 0;
        bytes4 wrong = IUsage.RootNotOfCount.selector;
        _reportFails(report, offer, abi.encodeWithSelector(wrong, uint64(3), bytes32(0)));
        report = _first(saleId, 0);
        report.receiptsRoot = RECEIPTS;
        _reportFails(report, offer, abi.encodeWithSelector(wrong, uint64(0), RECEIPTS));
    }

    // Of which sale.

    function test_report_refusesAnotherOfferOrReference() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        (bytes memory byProvider, bytes memory byGateway) = _signatures(report);
        bytes32 given = market.saleIdOf(market.offerIdOf(offer), buyer, "another");
        vm.expectRevert(abi.encodeWithSelector(IUsage.SaleMismatch.selector, saleId, given));
        usage.report(report, offer, "another", gateway, byProvider, byGateway);
        offer.quota = 0;
        given = market.saleIdOf(market.offerIdOf(offer), buyer, REFERENCE);
        _reportFails(report, offer, abi.encodeWithSelector(IUsage.SaleMismatch.selector, saleId, given));
    }

    // Who states it.

    function test_report_byTheProvider() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        (bytes memory byProvider, bytes memory byGateway) = _signatures(report);
        vm.expectRevert(_bad(provider));
        vm.prank(provider);
        usage.report(report, offer, REFERENCE, gateway, byProvider, byGateway);
        vm.prank(provider);
        usage.report(report, offer, REFERENCE, gateway, "", byGateway);
        _expectMeter(saleId, 3, START + DAY, 1);
    }

    function test_report_byTheGateway() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        (bytes memory byProvider, bytes memory byGateway) = _signatures(report);
        vm.expectRevert(_bad(gateway));
        vm.prank(gateway);
        usage.report(report, offer, REFERENCE, gateway, byProvider, byGateway);
        vm.prank(gateway);
        usage.report(report, offer, REFERENCE, gateway, byProvider, "");
        _expectMeter(saleId, 3, START + DAY, 1);
    }

    function test_report_relayedForEither() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        vm.warp(START + 2 * DAY);
        IUsage.Report memory report = _first(saleId, 3);
        (, bytes memory byGateway) = _signatures(report);
        _relay("provider", address(usage), abi.encodeCall(IUsage.report, (report, offer, REFERENCE, gateway, "", byGateway)));
        report = _period(saleId, START + DAY, START + 2 * DAY, 3);
        (bytes memory byProvider,) = _signatures(report);
        _relay("gateway", address(usage), abi.encodeCall(IUsage.report, (report, offer, REFERENCE, gateway, byProvider, "")));
        _expectMeter(saleId, 6, START + 2 * DAY, 2);
    }

    /// The forwarder's word for another: whoever it relays for is the caller, not itself.
    function test_report_relayedForAStrangerNeedsBothSignatures() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        (bytes memory byProvider, bytes memory byGateway) = _signatures(report);
        bytes memory call = abi.encodeCall(IUsage.report, (report, offer, REFERENCE, gateway, "", byGateway));
        (bool success, bytes memory result) = _relayBare(stranger, address(usage), call);
        vm.assertFalse(success);
        vm.assertEq(result, _bad(provider));
        call = abi.encodeCall(IUsage.report, (report, offer, REFERENCE, gateway, byProvider, byGateway));
        (success,) = _relayBare(stranger, address(usage), call);
        vm.assertTrue(success);
    }

    function test_report_needsBothSignatures() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        (bytes memory byProvider, bytes memory byGateway) = _signatures(report);
        _isBad(report, offer, "", byGateway, provider);
        _isBad(report, offer, byProvider, "", gateway);
        _isBad(report, offer, byGateway, byProvider, provider);
        _isBad(report, offer, byProvider, byProvider, gateway);
        _isBad(report, offer, byGateway, byGateway, provider);
        _isBad(report, offer, _sign("stranger", usage.reportDigest(report)), byGateway, provider);
    }

    function test_report_takesShortSignatures() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        bytes32 digest = usage.reportDigest(report);
        usage.report(report, offer, REFERENCE, gateway, _signShort("provider", digest), _signShort("gateway", digest));
        _expectMeter(saleId, 3, START + DAY, 1);
    }

    function test_report_refusesMalleableAndMalformedSignatures() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        bytes32 digest = usage.reportDigest(report);
        bytes memory byGateway = _sign("gateway", digest);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key("provider"), digest);
        _isBad(report, offer, abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27)), byGateway, provider);
        _isBad(report, offer, abi.encodePacked(r, s, v - 27), byGateway, provider);
        _isBad(report, offer, abi.encodePacked(r, s, v, uint8(0)), byGateway, provider);
        _isBad(report, offer, abi.encodePacked(r, bytes32(uint256(s) | uint256(28 - v) << 255)), byGateway, provider);
        _isBad(report, offer, new bytes(65), byGateway, provider);
        _isBad(report, offer, new bytes(64), byGateway, provider);
    }

    function test_report_refusesSignaturesOfOtherReports() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        (bytes memory byProvider, bytes memory byGateway) = _signatures(report);
        report.count = 4;
        _isBad(report, offer, byProvider, byGateway, provider);
        report = _first(saleId, 3);
        report.to -= 1;
        _isBad(report, offer, byProvider, byGateway, provider);
        report = _first(saleId, 3);
        report.from += 1;
        _isBad(report, offer, byProvider, byGateway, provider);
        report = _first(saleId, 3);
        report.receiptsRoot = PLACES;
        _isBad(report, offer, byProvider, byGateway, provider);
        bytes32 other = _deliverUnder(offer, "other");
        report = _first(other, 3);
        vm.expectRevert(_bad(provider));
        usage.report(report, offer, "other", gateway, byProvider, byGateway);
    }

    function test_report_refusesSignaturesOfOtherDomains() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        (, bytes memory byGateway) = _signatures(report);
        bytes32 ofConsents = _digestUnder(_domainSeparator("Deedbook Consent", address(usage)), report);
        _isBad(report, offer, _sign("provider", ofConsents), byGateway, provider);
        bytes32 ofAnother = _digestUnder(_domainSeparator("Deedbook Usage", address(market)), report);
        _isBad(report, offer, _sign("provider", ofAnother), byGateway, provider);
        vm.chainId(4711);
        bytes memory elsewhere = _sign("provider", usage.reportDigest(report));
        vm.chainId(31_337);
        _isBad(report, offer, elsewhere, byGateway, provider);
    }

    function test_reportDigest_isTheTypedOne() public view {
        IUsage.Report memory report = IUsage.Report(DOCUMENT, 1, 2, 3, RECEIPTS);
        vm.assertEq(usage.reportDigest(report), _digestUnder(_domainSeparator("Deedbook Usage", address(usage)), report));
    }

    // Contract wallets.

    function test_report_signedByWallets() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        address wallet = address(new Wallet(Wallet.Mood.Agree));
        _admit(wallet, Codes.ROLE_GATEWAY);
        vm.etch(provider, wallet.code);
        usage.report(_first(saleId, 3), offer, REFERENCE, wallet, "any", "");
        _expectMeter(saleId, 3, START + DAY, 1);
    }

    /// Its key's signature stands, whatever its code says (EIP-7702).
    function test_report_signedByTheKeyOfAnAccountWithCode() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        vm.etch(provider, address(new WritingWallet()).code);
        _report(_first(saleId, 3), offer);
        _expectMeter(saleId, 3, START + DAY, 1);
    }

    function test_report_refusesHostileWallets() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        (bytes memory byProvider,) = _signatures(report);
        for (uint256 mood = 1; mood <= uint256(Wallet.Mood.AnswerDirty); ++mood) {
            _isBadWallet(report, offer, address(new Wallet(Wallet.Mood(mood))), byProvider);
        }
        _isBadWallet(report, offer, address(new WritingWallet()), byProvider);
    }

    function _isBadWallet(IUsage.Report memory report, IMarket.Offer memory offer, address wallet, bytes memory byProvider) private {
        _admit(wallet, Codes.ROLE_GATEWAY);
        vm.expectRevert(_bad(wallet));
        usage.report(report, offer, REFERENCE, wallet, byProvider, "any");
    }

    // The gateway.

    function test_report_needsAGatewayInGoodStanding() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        IUsage.Report memory report = _first(saleId, 3);
        bytes memory missing = abi.encodeWithSelector(IMembership.RoleMissing.selector, reviewer, Codes.ROLE_GATEWAY, Codes.ROLE_REVIEWER);
        _gatewayFails(report, offer, reviewer, missing);
        _gatewayFails(report, offer, stranger, abi.encodeWithSelector(IMembership.NotAdmitted.selector, stranger));
        _gatewayFails(report, offer, address(0), abi.encodeWithSelector(IMembership.NotAdmitted.selector, address(0)));
        _suspend(gateway);
        bytes memory suspended = abi.encodeWithSelector(IMembership.ParticipantIs.selector, gateway, Codes.MEMBER_SUSPENDED);
        _gatewayFails(report, offer, gateway, suspended);
    }

    function test_report_needsAGatewayWhoIsNoParty() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        address[2] memory parties = [provider, buyer];
        for (uint256 i = 0; i < 2; ++i) {
            IMembership.Admission memory admission = _admission(Codes.ROLE_GATEWAY);
            admission.identity = 0;
            vm.prank(admin);
            membership.change(parties[i], admission);
            bytes memory expected = abi.encodeWithSelector(IUsage.GatewayIsParty.selector, parties[i]);
            _gatewayFails(_first(saleId, 3), offer, parties[i], expected);
        }
    }

    /// What was used is to be said, whoever has left since.
    function test_report_withAProviderWhoWasExpelled() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        vm.prank(admin);
        membership.expel(provider, 1);
        _report(_first(saleId, 3), offer);
        _expectMeter(saleId, 3, START + DAY, 1);
    }

    // Journal.

    function test_report_isInTheJournalOfTheSale() public {
        (IMarket.Offer memory offer, bytes32 saleId) = _inUse();
        _report(_first(saleId, 3), offer);
        bytes memory topics = abi.encode(IUsage.UsageReported.selector, saleId, provider, gateway);
        bytes32 digest = keccak256(bytes.concat(topics, abi.encode(START, START + DAY, 3, 3, RECEIPTS)));
        bytes32 head = keccak256(abi.encode(bytes32(0), block.number, digest));
        vm.assertEq(usage.journalHead(), head);
        vm.assertEq(usage.journalHeadOf(saleId), head);
    }

    // Shorthand.

    function _listedAs(uint16 mode) private returns (IMarket.Offer memory offer, Crowd memory crowd) {
        crowd = _bound(4);
        offer = _offer();
        offer.mode = mode;
        _attestVersion(offer.versionKey);
        _list(offer);
    }

    function _inUse() private returns (IMarket.Offer memory offer, bytes32 saleId) {
        (offer,) = _listedAs(Codes.MODE_CALL);
        saleId = _deliverUnder(offer, REFERENCE);
        vm.warp(START + DAY);
    }

    function _deliverUnder(IMarket.Offer memory offer, bytes32 reference_) private returns (bytes32 saleId) {
        saleId = _order(offer, reference_);
        _payFor(saleId, offer, reference_);
        _prepareAs(saleId, offer, reference_);
        _deliverAs(saleId, offer, reference_, 4);
    }

    /// A sale of a PUBLIC asset in this mode, used 3 times on its first day.
    function _usedPublicly(IMarket.Offer memory offer) private returns (bytes32 saleId, IUsage.Report memory report) {
        IMarket.Offer memory open = _public();
        (offer.assetId, offer.version, offer.versionKey) = (open.assetId, open.version, open.versionKey);
        (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        _attest(reviewer, offer.versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        vm.prank(provider);
        bytes32 offerId = market.list(offer, _attesters(1));
        vm.prank(buyer);
        saleId = market.order(offerId, offer, _attesters(1), REFERENCE);
        _payFor(saleId, offer, REFERENCE);
        _prepareAs(saleId, offer, REFERENCE);
        _deliverAs(saleId, offer, REFERENCE, 0);
        vm.warp(START + DAY);
        report = _first(saleId, 3);
    }

    function _first(bytes32 saleId, uint64 count) private pure returns (IUsage.Report memory) {
        return _period(saleId, START, START + DAY, count);
    }

    function _period(bytes32 saleId, uint64 from, uint64 to, uint64 count) private pure returns (IUsage.Report memory) {
        return IUsage.Report(saleId, from, to, count, count == 0 ? bytes32(0) : RECEIPTS);
    }

    function _signatures(IUsage.Report memory report) private view returns (bytes memory byProvider, bytes memory byGateway) {
        bytes32 digest = usage.reportDigest(report);
        return (_sign("provider", digest), _sign("gateway", digest));
    }

    function _signShort(string memory name, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(name), digest);
        return abi.encodePacked(r, bytes32(uint256(s) | uint256(v - 27) << 255));
    }

    function _digestUnder(bytes32 separator, IUsage.Report memory report) private pure returns (bytes32) {
        bytes32 typeHash = keccak256("UsageReport(bytes32 saleId,uint64 from,uint64 to,uint64 count,bytes32 receiptsRoot)");
        bytes32 structHash = keccak256(abi.encode(typeHash, report.saleId, report.from, report.to, report.count, report.receiptsRoot));
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }

    function _report(IUsage.Report memory report, IMarket.Offer memory offer) private {
        (bytes memory byProvider, bytes memory byGateway) = _signatures(report);
        vm.prank(stranger);
        usage.report(report, offer, REFERENCE, gateway, byProvider, byGateway);
    }

    function _reportFails(IUsage.Report memory report, IMarket.Offer memory offer, bytes memory expected) private {
        (bytes memory byProvider, bytes memory byGateway) = _signatures(report);
        vm.expectRevert(expected);
        usage.report(report, offer, REFERENCE, gateway, byProvider, byGateway);
    }

    function _gatewayFails(IUsage.Report memory report, IMarket.Offer memory offer, address by, bytes memory expected) private {
        (bytes memory byProvider, bytes memory byGateway) = _signatures(report);
        vm.expectRevert(expected);
        usage.report(report, offer, REFERENCE, by, byProvider, byGateway);
    }

    function _isNotInUse(bytes32 saleId, IMarket.Offer memory offer, uint8 state) private {
        _reportFails(_first(saleId, 1), offer, abi.encodeWithSelector(IUsage.SaleNotInUse.selector, saleId, state));
    }

    function _isBad(
        IUsage.Report memory report,
        IMarket.Offer memory offer,
        bytes memory byProvider,
        bytes memory byGateway,
        address expected
    ) private {
        vm.expectRevert(_bad(expected));
        usage.report(report, offer, REFERENCE, gateway, byProvider, byGateway);
    }

    function _bad(address account) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IUsage.BadSignature.selector, account);
    }

    function _expectMeter(bytes32 saleId, uint64 used, uint64 reportedTo, uint64 reports) private view {
        IUsage.Meter memory meter = usage.meterOf(saleId);
        vm.assertEq(meter.used, used);
        vm.assertEq(meter.reportedTo, reportedTo);
        vm.assertEq(meter.reports, reports);
    }
}
