// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Base} from "./Base.t.sol";
import {Exchange} from "./Exchange.t.sol";
import {Replay} from "./Replay.t.sol";
import {Vm} from "./Vm.sol";

/// @title An exchange that a fuzzer plays with
/// @dev One asset; batches of a few people who come again and again, some with consents that grant less than their batch says;
/// sales at every stage. Every act may be refused, but for a withdrawal. What must hold is asked by the `assert` functions.
contract Trade is Exchange, Replay {
    struct Held {
        bytes offer; // abi.encode(IMarket.Offer)
        bytes32 id;
        bytes32 reference_;
    }

    struct Marked {
        bytes32 consentId;
        address subject;
    }

    uint256 private constant MOST_CROWDS = 12;
    uint256 private constant PEOPLE = 10;

    uint256 public accepted;
    uint256 public refused;
    bool public aWithdrawalFailed;
    bool public aCheckWasMissed;
    uint256 public settledSum;
    uint256 public dueSum;
    uint256 public paidSum;
    uint256 private _serial;
    Crowd[] private _crowds;
    bool[] private _narrower;
    Held[] private _offers;
    Held[] private _sales;
    Marked[] private _marked;
    mapping(bytes32 => bool) private _wasMarked;

    function setUp() public override(Exchange, Replay) {
        super.setUp();
        _setPolicy(Codes.KIND_PERSONAL, IMarket.Policy(0, 0, Codes.MODES_ALL));
        _register(3);
        _follow();
        this.grant(1, 3);
        this.move(0, 0);
        this.sell(0);
    }

    // Batches and bindings.

    function grant(uint256 a, uint256 b) external {
        if (_crowds.length == MOST_CROWDS) return;
        IConsents.Terms memory terms = _terms();
        Crowd memory crowd = _crowd(a % PEOPLE, 1 + (b % 4), terms);
        bool narrower = b % 5 == 0;
        if (narrower) terms.crossBorder = true;
        crowd = _crowdOf(crowd.ids, crowd.people, terms, keccak256(abi.encode(++_serial)));
        bytes memory call =
            abi.encodeCall(IConsents.grantBatch, (assetId, SALT, crowd.batch.root, crowd.batch.count, terms, crowd.manifestHash));
        if (!_act(provider, address(consents), call)) return;
        _audit(crowd.batchId);
        _keep(crowd, narrower);
    }

    function grantDirect(uint256 a) external {
        if (_crowds.length == MOST_CROWDS) return;
        IConsents.Consent memory consent = _consent(_person(a % PEOPLE));
        bytes memory signature = _sign(_personName(a % PEOPLE), consents.consentIdOf(consent));
        if (_act(provider, address(consents), abi.encodeCall(IConsents.grant, (consent, SALT, signature)))) _keep(_single(consent), false);
    }

    /// Seldom alone: it ends the basis. The next version: of one batch, or (b odd) of two.
    function publish(uint256 a, uint256 b) public {
        if (_crowds.length == 0) return;
        (Crowd memory first, Crowd memory second) = _two(a, b);
        uint64 count = first.batch.count + (b % 2 == 0 ? 0 : second.batch.count);
        _act(provider, address(dataAssets), abi.encodeCall(IDataAssets.publish, (assetId, _version(count))));
    }

    function bind(uint256 a, uint256 b) public {
        if (_crowds.length == 0) return;
        (Crowd memory first, Crowd memory second) = _two(a, b);
        IConsents.Basis[] memory batches = b % 2 == 0 ? _one(first) : _both(first, second);
        _act(provider, address(consents), abi.encodeCall(IConsents.bind, (assetId, dataAssets.asset(assetId).version, batches)));
    }

    /// The next version of exactly these batches, bound at once.
    function move(uint256 a, uint256 b) external {
        publish(a, b);
        bind(a, b);
    }

    function _two(uint256 a, uint256 b) private view returns (Crowd memory first, Crowd memory second) {
        (first, second) = (_crowds[a % _crowds.length], _crowds[(b / 2) % _crowds.length]);
        if (b % 2 == 1 && first.batchId > second.batchId) (first, second) = (second, first);
    }

    // Ends of leaves.

    function withdraw(uint256 a, uint256 b) external {
        if (_crowds.length == 0) return;
        Crowd memory crowd = _crowds[a % _crowds.length];
        uint256 index = b % crowd.batch.count;
        bool ended = consents.hasEnded(crowd.batchId, uint32(index));
        bytes memory call = abi.encodeCall(IConsents.withdraw, (crowd.batch, _leaf(crowd, index), _proof(crowd, index)));
        if (_act(crowd.people[index], address(consents), call) == ended) aWithdrawalFailed = true;
    }

    function withdrawByReceipt(uint256 a, uint256 b) external {
        if (_crowds.length == 0 || a % 3 != 0) return;
        Crowd memory crowd = _crowds[a % _crowds.length];
        uint256 index = b % crowd.batch.count;
        (bytes32 consentId, address subject) = (crowd.ids[index], crowd.people[index]);
        uint8 mark = consents.markOf(consentId, assetId, subject);
        bytes memory receipt = _sign("provider", _receiptDigest(consentId, subject));
        bytes memory call =
            abi.encodeCall(IConsents.withdrawByReceipt, (consentId, subject, crowd.batch, crowd.terms, crowd.manifestHash, receipt, ""));
        bool open = mark == 0 || mark == 3;
        if (_act(subject, address(consents), call) != open) aWithdrawalFailed = true;
        if (_wasMarked[keccak256(abi.encode(consentId, subject))]) return;
        _wasMarked[keccak256(abi.encode(consentId, subject))] = true;
        _marked.push(Marked(consentId, subject));
    }

    function applyMark(uint256 a, uint256 b) external {
        if (_crowds.length == 0) return;
        Crowd memory crowd = _crowds[a % _crowds.length];
        uint256 index = b % crowd.batch.count;
        if (consents.markOf(crowd.ids[index], assetId, crowd.people[index]) == 0) return;
        _act(stranger, address(consents), abi.encodeCall(IConsents.applyMark, (crowd.batch, _leaf(crowd, index), _proof(crowd, index))));
    }

    function dismissMark(uint256 a) external {
        if (_marked.length == 0) return;
        Marked memory marked = _marked[a % _marked.length];
        _act(auditor, address(consents), abi.encodeCall(IConsents.dismissMark, (marked.consentId, assetId, marked.subject)));
    }

    function release(uint256 a, uint256 b) external {
        if (_crowds.length == 0) return;
        Crowd memory crowd = _crowds[a % _crowds.length];
        uint256 index = b % crowd.batch.count;
        bytes memory call =
            abi.encodeCall(IConsents.release, (crowd.batch, crowd.terms, crowd.manifestHash, _leaf(crowd, index), _proof(crowd, index)));
        _act(provider, address(consents), call);
    }

    function challenge(uint256 a, uint256 b) external {
        if (_crowds.length == 0) return;
        Crowd memory crowd = _crowds[a % _crowds.length];
        uint32 index = uint32(b % crowd.batch.count);
        IConsents.Consent memory consent = _consent(crowd.people[index]);
        bool standing = !consents.hasEnded(crowd.batchId, index);
        bytes memory call =
            abi.encodeCall(IConsents.challenge, (crowd.batch, crowd.terms, crowd.manifestHash, index, consent, _proof(crowd, index)));
        bool success = _act(stranger, address(consents), call);
        if (success != (standing && _narrower[a % _crowds.length])) aCheckWasMissed = true;
    }

    /// A pair of leaves of one person, if the two batches have one; often both in the binding.
    function strike(uint256 a, uint256 b) external {
        if (_crowds.length < 2) return;
        (Crowd memory kept, Crowd memory struck) = _two(_inBinding(a), (_inBinding(b / 2) * 2) | 1);
        for (uint256 i = 0; i < kept.people.length; ++i) {
            for (uint256 j = 0; j < struck.people.length; ++j) {
                bool later = kept.batchId != struck.batchId || i < j;
                if (later && kept.people[i] == struck.people[j]) return _strike(kept, i, struck, j);
            }
        }
    }

    /// The place of a batch of the binding, if there is one.
    function _inBinding(uint256 a) private view returns (uint256 place) {
        uint32 version = consents.basisState(assetId).version;
        for (uint256 i = 0; i < _crowds.length; ++i) {
            place = ((a % _crowds.length) + i) % _crowds.length;
            if (consents.batchState(_crowds[place].batchId).version == version) return place;
        }
    }

    function _strike(Crowd memory kept, uint256 i, Crowd memory struck, uint256 j) private {
        bytes memory call = abi.encodeCall(
            IConsents.strike, (kept.batch, _leaf(kept, i), _proof(kept, i), struck.batch, _leaf(struck, j), _proof(struck, j))
        );
        _act(stranger, address(consents), call);
    }

    function carry(uint256 a, uint256 b) external {
        if (_crowds.length < 2) return;
        (Crowd memory from, Crowd memory to) = (_crowds[a % _crowds.length], _crowds[b % _crowds.length]);
        for (uint256 i = 0; i < from.people.length; ++i) {
            for (uint256 j = 0; j < to.people.length; ++j) {
                bool same = from.people[i] == to.people[j] && from.ids[i] == to.ids[j];
                if (same && consents.hasEnded(from.batchId, uint32(i))) return _carry(from, i, to, j);
            }
        }
    }

    function _carry(Crowd memory from, uint256 i, Crowd memory to, uint256 j) private {
        bytes memory call =
            abi.encodeCall(IConsents.carryWithdrawal, (from.batch, _leaf(from, i), _proof(from, i), to.batch, _leaf(to, j), _proof(to, j)));
        _act(stranger, address(consents), call);
    }

    // What may stand in the way.

    function hold(uint256 a) external {
        bytes32 target = a % 3 == 0 || _sales.length == 0 ? bytes32(assetId) : _sales[a % _sales.length].id;
        bool held = cases.isHeld(target);
        if (!held && a % 5 != 0) return;
        bytes memory call = held ? abi.encodeCall(ICases.release, (target, DOCUMENT)) : abi.encodeCall(ICases.hold, (target, DOCUMENT));
        _act(arbiter, address(cases), call);
    }

    function suspend(uint256 a) external {
        address member = a % 2 == 0 ? buyer : provider;
        bool standing = membership.isInGoodStanding(member);
        if (standing && a % 5 != 0) return;
        bytes memory call = standing ? abi.encodeCall(IMembership.suspend, (member, 1)) : abi.encodeCall(IMembership.reinstate, (member));
        _act(admin, address(membership), call);
    }

    function wait(uint256 a) external {
        vm.warp(block.timestamp + (a % 3 == 0 ? a % 9 days : a % 20 minutes));
    }

    // Sales.

    function list(uint256 a) public {
        IMarket.Offer memory offer = _offer();
        offer.price.data = uint128(a % 1_000_000);
        offer.salt = bytes32(++_serial);
        bytes32 offerId = market.offerIdOf(offer);
        bytes memory call = abi.encodeCall(IMarket.list, (offer, new address[](0)));
        if (_act(provider, address(market), call)) _offers.push(Held(abi.encode(offer), offerId, 0));
    }

    function order(uint256 a) public {
        if (_offers.length == 0) return;
        Held memory held = _offers[_offers.length - 1 - (a % 2 < _offers.length ? a % 2 : 0)];
        bytes32 saleId = market.saleIdOf(held.id, buyer, bytes32(++_serial));
        bytes memory call = abi.encodeCall(IMarket.order, (held.id, _decoded(held), new address[](0), bytes32(_serial)));
        if (!_act(buyer, address(market), call)) return;
        _expectSellable();
        if (consents.basisState(assetId).live == 0) aCheckWasMissed = true;
        _sales.push(Held(held.offer, saleId, bytes32(_serial)));
    }

    function pay(uint256 a) public {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_ORDERED, a);
        bytes32 receipt = keccak256(abi.encode(++_serial));
        bytes memory call =
            abi.encodeCall(IMarket.confirmPayment, (sale.id, _decoded(sale), sale.reference_, _priceOf(_decoded(sale)), CNY, receipt));
        _act(settler, address(market), call);
    }

    function prepare(uint256 a) public {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_PAID, a);
        if (!_act(provider, address(market), abi.encodeCall(IMarket.prepare, (sale.id, _decoded(sale), sale.reference_)))) return;
        _expectSellable();
        if (market.sale(sale.id).liveAtPrepare != consents.basisState(assetId).live) aCheckWasMissed = true;
    }

    function deliver(uint256 a, uint256 b) public {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_PREPARED, a);
        uint64 most = market.sale(sale.id).liveAtPrepare;
        uint64 count = uint64(b % (uint256(most) + 2));
        bytes memory call = abi.encodeCall(IMarket.deliver, (sale.id, _decoded(sale), sale.reference_, ENVELOPE, COVER, count));
        if (!_act(provider, address(market), call)) return;
        _expectSellable();
        if (count == 0 || count > most || count < consents.basisState(assetId).live) aCheckWasMissed = true;
    }

    /// An offer of today's version, ordered and paid at once.
    function sell(uint256 a) public {
        list(a);
        order(0);
        if (_sales.length != 0) pay(_sales.length - 1);
    }

    /// From prepare to deliver in one go, so that sales end.
    function handOver(uint256 a) public {
        if (_sales.length == 0) return;
        bytes32 saleId = _saleIn(Codes.SALE_PAID, a).id;
        prepare(a);
        deliver(a, market.sale(saleId).liveAtPrepare);
    }

    /// A sale that goes all the way, as far as it may.
    function sellThrough(uint256 a) external {
        sell(a);
        handOver(0);
        accept(0);
        settle(0);
        payOut(_sales.length == 0 ? 0 : _sales.length - 1, a);
    }

    function accept(uint256 a) public {
        if (_sales.length == 0) return;
        _act(a % 2 == 0 ? buyer : stranger, address(market), abi.encodeCall(IMarket.accept, (_saleIn(Codes.SALE_DELIVERED, a).id)));
    }

    function giveUp(uint256 a) external {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_PAID, a);
        _act(buyer, address(market), abi.encodeCall(IMarket.refund, (sale.id, _decoded(sale), sale.reference_)));
        if (a % 4 == 0) _act(buyer, address(market), abi.encodeCall(IMarket.cancel, (sale.id, _decoded(sale), sale.reference_)));
    }

    function settle(uint256 a) public {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_ACCEPTED, a);
        uint256 carryIn = revenue.carryOf(assetId, CNY);
        if (!_act(stranger, address(revenue), abi.encodeCall(IRevenue.settle, (sale.id, _decoded(sale), sale.reference_)))) return;
        IRevenue.Entry memory entry = revenue.entry(sale.id);
        uint256 price = _priceOf(_decoded(sale));
        uint256 pool = price - price / 20 - price * 2 / 5 - price / 20; // 500, 4000 and 500 of 10,000
        uint256 due = uint256(entry.perHead) * entry.deliveredCount;
        if (pool + carryIn != due + revenue.carryOf(assetId, CNY)) aCheckWasMissed = true;
        settledSum += pool;
        dueSum += due;
    }

    function payOut(uint256 a, uint256 b) public {
        if (_sales.length == 0) return;
        Held memory sale = _sales[a % _sales.length];
        for (uint256 i = 0; i < _sales.length && revenue.entry(sale.id).certificate == 0; ++i) {
            sale = _sales[i];
        }
        IRevenue.Entry memory entry = revenue.entry(sale.id);
        uint64 from = b % 5 == 0 ? uint64(b % 3) : revenue.listOf(sale.id, 0).paidUpTo;
        uint64 to = from + uint64(b % 3);
        uint128 total = uint128(to - from) * entry.perHead;
        bytes32 receipt = keccak256(abi.encode(++_serial));
        bytes memory call = abi.encodeCall(
            IRevenue.confirmPayout, (sale.id, _decoded(sale), sale.reference_, IRevenue.Payout(0, from, to, 0, 0, total, receipt))
        );
        if (_act(settler, address(revenue), call)) paidSum += total;
    }

    // What holds at any time.

    function assertComplete() external view {
        _assertComplete();
    }

    function assertLiveIsWhatIsBoundAndHasNotEnded() external view {
        IConsents.BasisState memory basis = consents.basisState(assetId);
        (uint256 bound, uint256 live) = (0, 0);
        for (uint256 i = 0; i < _crowds.length; ++i) {
            IConsents.BatchState memory batch = consents.batchState(_crowds[i].batchId);
            uint256 ended = _endedOf(_crowds[i].batchId, batch.count);
            vm.assertEq(batch.withdrawn, ended, "ended leaves of a batch");
            if (basis.version == 0 || batch.version != basis.version) continue;
            bound += batch.count;
            live += batch.count - ended;
        }
        vm.assertEq(basis.bound, bound, "bound leaves");
        vm.assertEq(basis.live, live, "live leaves");
        vm.assertTrue(basis.closed == (basis.version != 0 && bound == _recordsOfBasis(basis)), "closed exactly when full");
    }

    function assertPendingIsWhatIsMarked() external view {
        uint256 pending = 0;
        for (uint256 i = 0; i < _marked.length; ++i) {
            if (consents.markOf(_marked[i].consentId, assetId, _marked[i].subject) == 1) ++pending;
        }
        vm.assertEq(consents.basisState(assetId).pending, pending, "pending marks");
    }

    function assertNobodyStoodInTheWayOfAWithdrawal() external view {
        vm.assertFalse(aWithdrawalFailed);
    }

    function assertNoCheckWasMissed() external view {
        vm.assertFalse(aCheckWasMissed);
    }

    function assertMoneyIsConserved() external view {
        vm.assertEq(settledSum, dueSum + revenue.carryOf(assetId, CNY), "pool = due + carry");
        uint256 paid = 0;
        for (uint256 i = 0; i < _sales.length; ++i) {
            IRevenue.Entry memory entry = revenue.entry(_sales[i].id);
            uint64 paidUpTo = revenue.listOf(_sales[i].id, 0).paidUpTo;
            vm.assertLe(paidUpTo, entry.deliveredCount);
            paid += uint256(paidUpTo) * entry.perHead;
        }
        vm.assertEq(paidSum, paid, "paid");
        vm.assertLe(paid, dueSum);
    }

    // The journals.

    function _journals() internal view override returns (address[] memory journals) {
        address[] memory former = super._journals();
        journals = new address[](7);
        for (uint256 i = 0; i < 4; ++i) {
            journals[i] = former[i];
        }
        (journals[4], journals[5], journals[6]) = (address(consents), address(market), address(revenue));
    }

    function _entities(Vm.Log memory log) internal view override returns (bytes32[] memory entities) {
        bytes32 signature = log.topics[0];
        if (log.emitter == address(consents)) {
            bool granted = signature == IConsents.BatchGranted.selector || signature == IConsents.ConsentGranted.selector;
            return _one(log.topics[granted ? 2 : 1]);
        }
        if (signature == IMarket.PolicySet.selector) {
            return _one(keccak256(abi.encode(keccak256("deedbook.policy.v1"), log.topics[1], log.topics[2])));
        }
        if (signature == IMarket.OfferListed.selector || signature == IMarket.OfferClosed.selector) return _one(log.topics[2]);
        bool ordered = signature == IMarket.SaleOrdered.selector;
        if (!ordered && signature != IRevenue.SaleSettled.selector) return super._entities(log);
        entities = new bytes32[](2);
        (entities[0], entities[1]) = (log.topics[1], ordered ? bytes32(log.data) : log.topics[2]);
    }

    // Words.

    /// One act in its own block, direct or (members only) as the forwarder passes it on.
    function _act(address by, address to, bytes memory call) private returns (bool success) {
        vm.roll(block.number + 1);
        bool relayed = by != admin && uint256(keccak256(abi.encode(accepted, refused))) % 2 == 0;
        vm.prank(relayed ? address(forwarder) : by);
        (success,) = to.call(relayed ? bytes.concat(call, bytes20(by)) : call);
        success ? ++accepted : ++refused;
        if (success) _follow();
        else vm.getRecordedLogs(); // what a refused act logged before its end never happened
    }

    function _audit(bytes32 batchId) private {
        uint64 until = uint64(block.timestamp + YEAR);
        _act(
            auditor, address(attestations), abi.encodeCall(IAttestations.attest, (batchId, Codes.ATTEST_CONSENT_AUDIT, 1, DOCUMENT, until))
        );
    }

    function _keep(Crowd memory crowd, bool narrower) private {
        _crowds.push(crowd);
        _narrower.push(narrower);
    }

    /// A sale in this state, if there is one: mostly the last.
    function _saleIn(uint8 state, uint256 a) private view returns (Held memory sale) {
        uint256 skipped = a % 4 == 0 ? a % _sales.length : 0;
        for (uint256 i = 0; i < _sales.length; ++i) {
            sale = _sales[_sales.length - 1 - ((i + skipped) % _sales.length)];
            if (market.sale(sale.id).state == state) return sale;
        }
    }

    function _decoded(Held memory held) private pure returns (IMarket.Offer memory) {
        return abi.decode(held.offer, (IMarket.Offer));
    }

    /// Nothing is sold, prepared or delivered while the asset is held, its holder out, or a withdrawal pending.
    function _expectSellable() private {
        if (cases.isHeld(bytes32(assetId)) || !membership.isInGoodStanding(provider)) aCheckWasMissed = true;
        IConsents.BasisState memory basis = consents.basisState(assetId);
        if (basis.pending != 0 || !basis.closed || basis.version != dataAssets.asset(assetId).version) aCheckWasMissed = true;
    }

    function _endedOf(bytes32 batchId, uint32 count) private view returns (uint256 ended) {
        for (uint32 i = 0; i < count; ++i) {
            if (consents.hasEnded(batchId, i)) ++ended;
        }
    }

    /// The record count of the version that the basis is of; of a superseded one, what makes its closure true.
    function _recordsOfBasis(IConsents.BasisState memory basis) private view returns (uint256) {
        IDataAssets.Asset memory asset = dataAssets.asset(assetId);
        if (asset.version == basis.version) return asset.recordCount;
        return basis.closed ? basis.bound : type(uint256).max;
    }
}
