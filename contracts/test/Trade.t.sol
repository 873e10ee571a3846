// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {CopiedTrade} from "./CopiedTrade.t.sol";
import {Vm} from "./Vm.sol";

/// @title An exchange that a fuzzer plays with
/// @dev Three products: of persons, who come again and again, some with consents that grant less than their batch says; of firms,
/// who consent and have no share; and open data. Sales at every stage. Every act may be refused, but for a withdrawal. What must hold
/// is asked by the `assert` functions.
contract Trade is CopiedTrade {
    struct Held {
        bytes offer; // abi.encode(IMarket.Offer)
        bytes32 id;
        bytes32 reference_;
        address buyer;
    }

    struct Marked {
        bytes32 consentId;
        address subject;
    }

    uint256 private constant MOST_CROWDS = 12;
    uint256 private constant PEOPLE = 10;
    uint256 private constant FIRMS = 3;
    uint16 private constant FOREIGN = 702;

    uint256 public accepted;
    uint256 public refused;
    bool public aWithdrawalFailed;
    bool public aCheckWasMissed;
    /// How often each act was accepted, by its selector; a refund by the buyer and by the provider apart.
    mapping(bytes4 selector => uint256) public times;
    uint256 public refundsByBuyers;
    uint256 public ordersFromAbroad;
    uint256 public salesInFirms;
    uint256 public freeSales;

    address private _abroad = _account("buyer abroad");
    uint256 private _persons;
    uint256 private _firms;
    uint256 private _open;
    uint256 private _serial;
    Crowd[] private _crowds;
    bool[] private _narrower;
    Crowd private _allFirms;
    Held[] private _offers;
    Held[] private _sales;
    Marked[] private _marked;
    mapping(bytes32 => bool) private _wasMarked;

    function setUp() public override {
        super.setUp();
        IMembership.Admission memory admission = _admission(Codes.ROLE_BUYER, Codes.LICENCE_EMPLOYER);
        admission.jurisdiction = FOREIGN;
        _admit(_abroad, admission);
        _setPolicy(Codes.KIND_PERSONAL, IMarket.Policy(0, OPINION, Codes.MODES_ALL));
        _setPolicy(Codes.KIND_ENTERPRISE, IMarket.Policy(CONSENTED, CONSENTED, Codes.MODES_ALL));
        _setPolicy(Codes.KIND_PUBLIC, IMarket.Policy(0, 0, Codes.MODES_ALL));
        _persons = assetId;
        _firms = _registerKind("firms", Codes.KIND_ENTERPRISE, uint64(FIRMS));
        _open = _registerKind("open", Codes.KIND_PUBLIC, 9);
        _registerKind(SALT, Codes.KIND_PERSONAL, 3);
        _follow();
        _bindFirms();
        assetId = _persons;
        grant(1, 3);
        move(0, 0);
        sell(0, 1);
    }

    function _registerKind(bytes32 salt, uint8 kind, uint64 recordCount) private returns (uint256) {
        IDataAssets.Registration memory registration = _registration(salt);
        registration.kind = kind;
        vm.prank(provider);
        return dataAssets.register(registration, _version(recordCount));
    }

    /// The firms consent once; some of them withdraw.
    function _bindFirms() private {
        assetId = _firms;
        IConsents.Terms memory terms = _terms();
        terms.crossBorder = true;
        _allFirms = _crowd(100, FIRMS, terms);
        vm.prank(provider);
        consents.grantBatch(assetId, "firms", _allFirms.batch.root, uint32(FIRMS), terms, MANIFEST);
        _attest(auditor, _allFirms.batchId, Codes.ATTEST_CONSENT_AUDIT);
        _bind(1, _allFirms);
        for (uint256 i = 0; i < 2; ++i) {
            _attest(reviewer, dataAssets.asset(i == 0 ? _firms : _open).versionKey, Codes.ATTEST_SOURCE_LEGALITY);
            _attest(regulator, dataAssets.asset(i == 0 ? _firms : _open).versionKey, Codes.ATTEST_CROSS_BORDER);
        }
        _follow();
    }

    // Batches and bindings.

    function grant(uint256 a, uint256 b) public {
        if (_crowds.length == MOST_CROWDS) return;
        IConsents.Terms memory terms = _terms();
        terms.controller = _holder();
        Crowd memory crowd = _crowd(a % PEOPLE, 1 + (b % 4), terms);
        bool narrower = b % 5 == 0;
        if (narrower) terms.crossBorder = true;
        crowd = _crowdOf(crowd.ids, crowd.people, terms, keccak256(abi.encode(++_serial)));
        bytes memory call =
            abi.encodeCall(IConsents.grantBatch, (assetId, SALT, crowd.batch.root, crowd.batch.count, terms, crowd.manifestHash));
        if (!_act(terms.controller, address(consents), call)) return;
        _audit(crowd.batchId);
        _keep(crowd, narrower);
    }

    function grantDirect(uint256 a) external {
        if (_crowds.length == MOST_CROWDS) return;
        IConsents.Terms memory terms = _terms();
        terms.controller = _holder();
        IConsents.Consent memory consent = _consent(_person(a % PEOPLE), terms);
        bytes memory signature = _sign(_personName(a % PEOPLE), consents.consentIdOf(consent));
        if (_act(terms.controller, address(consents), abi.encodeCall(IConsents.grant, (consent, SALT, signature)))) {
            _keep(_single(consent), false);
        }
    }

    /// Seldom alone: it ends the basis. The next version: of one batch, or (b odd) of two.
    function publish(uint256 a, uint256 b) public {
        if (_crowds.length == 0) return;
        (Crowd memory first, Crowd memory second) = _two(a, b);
        uint64 count = first.batch.count + (b % 2 == 0 ? 0 : second.batch.count);
        _act(_holder(), address(dataAssets), abi.encodeCall(IDataAssets.publish, (assetId, _version(count))));
    }

    function bind(uint256 a, uint256 b) public {
        if (_crowds.length == 0) return;
        (Crowd memory first, Crowd memory second) = _two(a, b);
        IConsents.Basis[] memory batches = b % 2 == 0 ? _one(first) : _both(first, second);
        _act(_holder(), address(consents), abi.encodeCall(IConsents.bind, (assetId, dataAssets.asset(assetId).version, batches)));
    }

    /// The next version of exactly these batches, bound at once.
    function move(uint256 a, uint256 b) public {
        publish(a, b);
        bind(a, b);
    }

    /// A version in which two people stand twice.
    function double(uint256 a) external {
        uint256 place = _crowds.length;
        if (place + 2 > MOST_CROWDS) return;
        grant(a, 1);
        grant(a, 1);
        if (_crowds.length == place + 2) move(place, place * 2 + 3);
    }

    function _two(uint256 a, uint256 b) private view returns (Crowd memory first, Crowd memory second) {
        (first, second) = (_crowds[a % _crowds.length], _crowds[(b / 2) % _crowds.length]);
        if (b % 2 == 1 && first.batchId > second.batchId) (first, second) = (second, first);
    }

    // Ends of leaves.

    function withdraw(uint256 a, uint256 b) external {
        if (_crowds.length == 0) return;
        Crowd memory crowd = b % 16 == 0 ? _allFirms : _crowds[a % _crowds.length];
        uint256 index = b % crowd.batch.count;
        bool ended = consents.hasEnded(crowd.batchId, uint32(index));
        bytes memory call = abi.encodeCall(IConsents.withdraw, (crowd.batch, _leaf(crowd, index), _proof(crowd, index)));
        if (_act(crowd.people[index], address(consents), call) == ended) aWithdrawalFailed = true;
    }

    /// By the person's typed signature, sent by anyone.
    function withdrawFor(uint256 a, uint256 b) external {
        if (_crowds.length == 0 || a % 3 != 0) return;
        Crowd memory crowd = _crowds[a % _crowds.length];
        uint256 index = b % crowd.batch.count;
        bool ended = consents.hasEnded(crowd.batchId, uint32(index));
        bytes memory signature = _sign(_nameOf(crowd.people[index]), _withdrawalDigest(crowd.ids[index]));
        bytes memory call = abi.encodeCall(IConsents.withdrawFor, (crowd.batch, _leaf(crowd, index), _proof(crowd, index), signature));
        if (_act(stranger, address(consents), call) == ended) aWithdrawalFailed = true;
    }

    function withdrawByReceipt(uint256 a, uint256 b) external {
        if (_crowds.length == 0 || a % 3 != 0) return;
        Crowd memory crowd = _crowds[a % _crowds.length];
        uint256 index = b % crowd.batch.count;
        (bytes32 consentId, address subject) = (crowd.ids[index], crowd.people[index]);
        uint8 mark = consents.markOf(consentId, assetId, subject);
        bytes memory receipt = _sign(_nameOf(crowd.terms.controller), _receiptDigest(consentId, subject));
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
        _act(crowd.terms.controller, address(consents), call);
    }

    function challenge(uint256 a, uint256 b) external {
        if (_crowds.length == 0) return;
        Crowd memory crowd = _crowds[a % _crowds.length];
        uint32 index = uint32(b % crowd.batch.count);
        IConsents.Terms memory signed = _terms();
        signed.controller = crowd.terms.controller;
        IConsents.Consent memory consent = _consent(crowd.people[index], signed);
        bool standing = !consents.hasEnded(crowd.batchId, index);
        bytes memory call =
            abi.encodeCall(IConsents.challenge, (crowd.batch, crowd.terms, crowd.manifestHash, index, consent, _proof(crowd, index)));
        bool success = _act(stranger, address(consents), call);
        if (success != (standing && _narrower[a % _crowds.length])) aCheckWasMissed = true;
    }

    /// A pair of leaves of one person, if two batches of the binding have one; else of any two.
    function strike(uint256 a, uint256 b) external {
        if (_crowds.length < 2) return;
        uint256 first = _inBinding(a);
        uint256 second = _inBinding(first + 1);
        if (b % 4 == 0) second = b % _crowds.length;
        (Crowd memory kept, Crowd memory struck) = _two(first, second * 2 + 1);
        for (uint256 i = 0; i < kept.people.length; ++i) {
            for (uint256 j = 0; j < struck.people.length; ++j) {
                bool later = kept.batchId != struck.batchId || i < j;
                if (later && kept.people[i] == struck.people[j]) return _strike(kept, i, struck, j);
            }
        }
    }

    /// The place of a batch of the binding, from `a` on, if there is one.
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

    /// The statements that an order asks for: seldom withdrawn, and stated again.
    function attest(uint256 a, uint256 b) public {
        uint256 product = _product(a);
        uint8 kind = product == _persons ? Codes.ATTEST_LEGAL_OPINION : Codes.ATTEST_SOURCE_LEGALITY;
        address attester = b % 3 == 0 ? regulator : reviewer;
        if (b % 3 == 0) kind = Codes.ATTEST_CROSS_BORDER;
        bytes32 key = dataAssets.asset(product).versionKey;
        bool stands = attestations.statement(key, kind, attester).state == 1;
        if (stands && b % 8 != 0) return;
        uint64 until = uint64(block.timestamp + YEAR);
        bytes memory call = stands
            ? abi.encodeCall(IAttestations.withdraw, (key, kind, DOCUMENT))
            : abi.encodeCall(IAttestations.attest, (key, kind, Codes.OUTCOME_POSITIVE, DOCUMENT, until));
        _act(attester, address(attestations), call);
    }

    /// Between the two providers; the basis stays with the former one.
    function transfer(uint256 a) external {
        if (a % 4 != 0) return;
        address holder = _holder();
        bool held = cases.isHeld(bytes32(assetId));
        bytes memory call = abi.encodeCall(IERC721.transferFrom, (holder, _otherThan(holder), assetId));
        if (_act(holder, address(dataAssets), call) && held) aCheckWasMissed = true;
    }

    function grantRight(uint256 a) external {
        address holder = _holder();
        uint8 right = a % 2 == 0 ? Codes.RIGHT_OPERATE : Codes.RIGHT_PROCESS;
        uint16 purposes = uint16(1) << (a % 7 == 0 ? Codes.PURPOSE_CREDIT : Codes.PURPOSE_RECRUITMENT);
        IDataAssets.Scope memory scope = IDataAssets.Scope(Codes.MODES_ALL, purposes, uint64(block.timestamp + 1 + (a % 60 days)));
        bytes memory call = abi.encodeCall(IDataAssets.grantRight, (assetId, _otherThan(holder), right, scope, DOCUMENT));
        if (_act(holder, address(dataAssets), call) && cases.isHeld(bytes32(assetId))) aCheckWasMissed = true;
    }

    function endRight(uint256 a) external {
        if (a % 3 != 0) return;
        uint8 right = a % 2 == 0 ? Codes.RIGHT_OPERATE : Codes.RIGHT_PROCESS;
        address holder = _holder();
        bytes memory call = abi.encodeCall(IDataAssets.endRight, (assetId, _otherThan(holder), right, DOCUMENT));
        _act(a % 4 == 0 ? _otherThan(holder) : holder, address(dataAssets), call);
    }

    /// Seldom, and for ever: the asset is cancelled, the provider or the buyer expelled, the deployment closed.
    function end(uint256 a) external {
        if (a % 4 != 0) return;
        uint256 kind = (a / 4) % 4;
        if (kind == 0) _act(_holder(), address(dataAssets), abi.encodeCall(IDataAssets.cancel, (assetId, DOCUMENT)));
        if (kind == 1) _act(admin, address(membership), abi.encodeCall(IMembership.close, (DOCUMENT)));
        if (kind >= 2) _act(admin, address(membership), abi.encodeCall(IMembership.expel, (kind == 2 ? provider : buyer, 1)));
    }

    function wait(uint256 a) external {
        vm.warp(block.timestamp + (a % 3 == 0 ? a % 9 days : a % 20 minutes));
    }

    // Offers and orders.

    function list(uint256 a, uint256 b) public {
        IMarket.Offer memory offer = _offerOf(_product(a), b);
        offer.provider = b % 6 == 5 ? _otherThan(_holder()) : _holder();
        if (offer.assetId != assetId) offer.provider = provider;
        bytes memory call = abi.encodeCall(IMarket.list, (offer, _attesters(offer.assetId == _persons ? 0 : 1)));
        bytes32 offerId = market.offerIdOf(offer);
        if (!_act(offer.provider, address(market), call)) return;
        _expectFree(offer, offerId, 0, address(0));
        _expectOperated(offer);
        _expectOpen();
        _offers.push(Held(abi.encode(offer), offerId, 0, address(0)));
    }

    /// A new offer of the product as it is now: of persons' data dear or cheap, of open data for nothing, too; some as a try-out.
    function _offerOf(uint256 product, uint256 b) private returns (IMarket.Offer memory offer) {
        offer = _offer();
        (offer.assetId, offer.salt) = (product, bytes32(++_serial));
        (offer.version, offer.versionKey) = (dataAssets.asset(product).version, dataAssets.asset(product).versionKey);
        offer.price.data = uint128(((b % 1_000_000) * 7919) % 1_000_000);
        if (b % 5 == 0) offer.price.currency = "EUR";
        if (product != _persons) (offer.split.providerBps, offer.split.subjectsBps) = (9000, 0);
        if (product == _open && b % 2 == 0) offer.price = IMarket.Price(0, 0, 0, 0, CNY);
        offer.term = b % 3 == 0 ? 10 days : 0;
        offer.validUntil = uint64(block.timestamp + 30 days);
        if (b % 7 != 0) return offer;
        offer.sandbox = IMarket.Sandbox(true, uint64(block.timestamp + 3 days), 2, type(uint128).max, new address[](1));
        offer.sandbox.buyers[0] = buyer;
    }

    function close(uint256 a) external {
        if (_offers.length == 0 || a % 2 != 0) return;
        Held memory held = _offers[a % _offers.length];
        IMarket.Offer memory offer = _decoded(held);
        _act(offer.provider, address(market), abi.encodeCall(IMarket.close, (offer)));
    }

    function order(uint256 a) public {
        if (_offers.length == 0) return;
        Held memory held = _offers[_offers.length - 1 - (a % 2 < _offers.length ? a % 2 : 0)];
        IMarket.Offer memory offer = _decoded(held);
        (held.buyer, held.reference_) = (a % 5 == 0 ? _abroad : buyer, bytes32(++_serial));
        address[] memory attesters = _attesters(held.buyer == buyer ? 1 : 2);
        if (held.buyer != buyer) attesters[1] = regulator;
        bytes memory call = abi.encodeCall(IMarket.order, (held.id, offer, attesters, held.reference_));
        if (!_act(held.buyer, address(market), call)) return;
        bytes32 offerId = held.id;
        held.id = market.saleIdOf(offerId, held.buyer, held.reference_);
        _expectSellable(offer, offerId, held);
        if (market.offerState(offerId).state != Codes.OFFER_OPEN || block.timestamp > offer.validUntil) aCheckWasMissed = true;
        if (offer.assetId != _open && consents.basisState(offer.assetId).live == 0) aCheckWasMissed = true;
        if (held.buyer != buyer && !_isAttested(offer.versionKey, Codes.ATTEST_CROSS_BORDER, regulator)) aCheckWasMissed = true;
        if (!_isAttested(offer.versionKey, _kindOf(offer.assetId), reviewer)) aCheckWasMissed = true;
        _expectOpen();
        _count(offer, held.buyer);
        _sales.push(held);
    }

    function _count(IMarket.Offer memory offer, address by) private {
        if (by != buyer) ++ordersFromAbroad;
        if (_priceOf(offer) == 0) ++freeSales;
        if (offer.assetId == _firms) ++salesInFirms;
    }

    // From payment to acceptance.

    function pay(uint256 a) public {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_ORDERED, a);
        IMarket.Offer memory offer = _decoded(sale);
        bytes32 receipt = keccak256(abi.encode(a % 16 == 0 ? _serial : ++_serial));
        bytes memory call =
            abi.encodeCall(IMarket.confirmPayment, (sale.id, offer, sale.reference_, _priceOf(offer), offer.price.currency, receipt));
        _act(settler, address(market), call);
    }

    function prepare(uint256 a) public {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_PAID, a);
        IMarket.Offer memory offer = _decoded(sale);
        if (!_act(offer.provider, address(market), abi.encodeCall(IMarket.prepare, (sale.id, offer, sale.reference_)))) return;
        _expectSellable(offer, market.offerIdOf(offer), sale);
        uint64 live = offer.assetId == _open ? 0 : consents.basisState(offer.assetId).live;
        if (market.sale(sale.id).liveAtPrepare != live) aCheckWasMissed = true;
    }

    function deliver(uint256 a, uint256 b) public {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_PREPARED, a);
        IMarket.Offer memory offer = _decoded(sale);
        uint64 most = market.sale(sale.id).liveAtPrepare;
        uint64 count = uint64(b % (uint256(most) + 2));
        bytes memory call = abi.encodeCall(IMarket.deliver, (sale.id, offer, sale.reference_, ENVELOPE, COVER, count));
        if (!_act(offer.provider, address(market), call)) return;
        _expectSellable(offer, market.offerIdOf(offer), sale);
        if (count > most || (offer.assetId == _open) != (count == 0)) aCheckWasMissed = true;
        if (offer.assetId != _open && count < consents.basisState(offer.assetId).live) aCheckWasMissed = true;
    }

    /// An offer of today's version, ordered and paid at once.
    function sell(uint256 a, uint256 b) public {
        if (_product(a) == _persons) attest(a, 1);
        list(a, b);
        order(b / 8 * 2);
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
    function sellThrough(uint256 a, uint256 b) external {
        sell(a, b);
        handOver(1);
        accept(2);
        settle(1);
        payOut(_sales.length == 0 ? 0 : _sales.length - 1, a);
    }

    function accept(uint256 a) public {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(a % 4 == 1 ? Codes.SALE_DISPUTED : Codes.SALE_DELIVERED, a);
        _act(a % 2 == 0 || a % 4 == 1 ? sale.buyer : stranger, address(market), abi.encodeCall(IMarket.accept, (sale.id)));
    }

    // Disputes and the ways out.

    function dispute(uint256 a) external {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_DELIVERED, a);
        if (!_act(sale.buyer, address(market), abi.encodeCall(IMarket.dispute, (sale.id, DOCUMENT)))) return;
        if (block.timestamp > market.sale(sale.id).deliveredAt + 7 days) aCheckWasMissed = true;
    }

    function decide(uint256 a, uint256 b) external {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_DISPUTED, a);
        uint8 outcome = b % 2 == 0 ? Codes.OUTCOME_POSITIVE : Codes.OUTCOME_NEGATIVE;
        bytes memory call = abi.encodeCall(IMarket.decideDispute, (sale.id, _decoded(sale), sale.reference_, outcome, DOCUMENT));
        _act(b % 3 == 0 ? regulator : arbiter, address(market), call);
    }

    function cancel(uint256 a) external {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_ORDERED, a);
        IMarket.Offer memory offer = _decoded(sale);
        address by = a % 2 == 0 ? sale.buyer : offer.provider;
        _act(by, address(market), abi.encodeCall(IMarket.cancel, (sale.id, offer, sale.reference_)));
    }

    /// A buyer is given back exactly what lapsed.
    function takeBack(uint256 a) external {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(a % 2 == 0 ? Codes.SALE_PAID : Codes.SALE_PREPARED, a);
        IMarket.Offer memory offer = _decoded(sale);
        bool lapsed = _hasLapsed(offer, market.sale(sale.id));
        bool success = _act(sale.buyer, address(market), abi.encodeCall(IMarket.refund, (sale.id, offer, sale.reference_)));
        if (success != lapsed) aCheckWasMissed = true;
        if (success) ++refundsByBuyers;
    }

    function giveBack(uint256 a) external {
        if (_sales.length == 0 || a % 4 != 0) return;
        Held memory sale = _sales[(a / 4) % _sales.length];
        IMarket.Offer memory offer = _decoded(sale);
        _act(offer.provider, address(market), abi.encodeCall(IMarket.refund, (sale.id, offer, sale.reference_)));
    }

    /// Said again, from what the words say.
    function _hasLapsed(IMarket.Offer memory offer, IMarket.Sale memory sale) private view returns (bool) {
        if (sale.state != Codes.SALE_PAID && sale.state != Codes.SALE_PREPARED) return false;
        IDataAssets.Asset memory asset = dataAssets.asset(offer.assetId);
        if (asset.state != Codes.ASSET_REGISTERED || asset.version != offer.version) return true;
        if (!membership.isInGoodStanding(offer.provider)) return true;
        if (block.timestamp > sale.paidAt + 30 days) return true;
        if (offer.term != 0 && block.timestamp > sale.paidAt + offer.term) return true;
        if (asset.holder != offer.provider && !_mayOperate(offer)) return true;
        if (offer.assetId == _open) return false;
        IConsents.BasisState memory basis = consents.basisState(offer.assetId);
        return basis.live == 0 || basis.version != offer.version || basis.controller != asset.holder || block.timestamp > basis.validUntil;
    }

    function _mayOperate(IMarket.Offer memory offer) private view returns (bool) {
        if (!dataAssets.hasRight(offer.assetId, offer.provider, Codes.RIGHT_OPERATE)) return false;
        (, IDataAssets.Scope memory scope) = dataAssets.rightOf(offer.assetId, offer.provider, Codes.RIGHT_OPERATE);
        return scope.modes & offer.mode != 0 && (scope.purposes >> offer.purpose) & 1 == 1;
    }

    // Money.

    function settle(uint256 a) public {
        if (_sales.length == 0) return;
        Held memory sale = _saleIn(Codes.SALE_ACCEPTED, a);
        _act(stranger, address(revenue), abi.encodeCall(IRevenue.settle, (sale.id, _decoded(sale), sale.reference_)));
    }

    /// The next places of a list, now and then some from somewhere else or too many, or with people put off.
    function payOut(uint256 a, uint256 b) public {
        if (_sales.length == 0) return;
        Held memory sale = _settled(a);
        IRevenue.Entry memory entry = revenue.entry(sale.id);
        IRevenue.Payout memory payout;
        payout.list = uint32((b / 4) % (uint256(entry.lists) + 1));
        payout.from = b % 5 == 0 ? uint64(b % 3) : revenue.listOf(sale.id, payout.list).paidUpTo;
        payout.to = payout.from + uint64(b % 3);
        payout.deferredCount = b % 8 < 3 ? uint64(b % 3) : 0;
        if (payout.deferredCount != 0) payout.deferredRoot = keccak256(abi.encode("put off", b));
        if (payout.deferredCount > payout.to - payout.from) return;
        uint64 heads = payout.to - payout.from - payout.deferredCount;
        (payout.total, payout.receiptHash) = (heads * entry.perHead, heads == 0 ? bytes32(0) : keccak256(abi.encode(++_serial)));
        bytes memory call = abi.encodeCall(IRevenue.confirmPayout, (sale.id, _decoded(sale), sale.reference_, payout));
        if (!_act(settler, address(revenue), call)) return;
        if (cases.isHeld(sale.id) || cases.isHeld(bytes32(_decoded(sale).assetId))) aCheckWasMissed = true;
    }

    function bounce(uint256 a, uint256 b) external {
        if (_sales.length == 0) return;
        Held memory sale = _settled(a);
        IRevenue.Entry memory entry = revenue.entry(sale.id);
        IRevenue.Bounce memory back;
        (back.list, back.count) = (uint32(b % (uint256(entry.lists) + 1)), uint64(1 + (b / 4) % 2));
        (back.root, back.total, back.receiptHash) =
        (keccak256(abi.encode("back", b)), back.count * entry.perHead, keccak256(abi.encode(++_serial)));
        _act(settler, address(revenue), abi.encodeCall(IRevenue.confirmBounce, (sale.id, _decoded(sale), sale.reference_, back)));
    }

    /// Of a sale that was given back, or settled: a part of the price, or more than is left of it.
    function confirmRefund(uint256 a, uint256 b) external {
        if (_sales.length == 0) return;
        Held memory sale = a % 2 == 0 ? _saleIn(Codes.SALE_REFUNDED, a / 2) : _settled(a / 2);
        IMarket.Offer memory offer = _decoded(sale);
        uint128 left = _priceOf(offer) - revenue.refundedOf(sale.id);
        uint128 amount = b % 3 == 0 ? left : uint128(b % (uint256(left) + 2));
        bytes32 receipt = keccak256(abi.encode(++_serial));
        bytes memory call = abi.encodeCall(IRevenue.confirmRefund, (sale.id, offer, sale.reference_, amount, receipt));
        if (_act(settler, address(revenue), call) && (amount == 0 || amount > left)) aCheckWasMissed = true;
    }

    function _settled(uint256 a) private view returns (Held memory sale) {
        sale = _sales[a % _sales.length];
        for (uint256 i = 0; i < _sales.length && revenue.entry(sale.id).certificate == 0; ++i) {
            sale = _sales[((a % _sales.length) + i) % _sales.length];
        }
    }

    // What holds at any time.

    function assertComplete() external view {
        _assertComplete();
    }

    function assertCopied() external view {
        _assertCopied();
        _assertTradeCopied();
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
        vm.assertEq(consents.basisState(_firms).live, FIRMS - _endedOf(_allFirms.batchId, uint32(FIRMS)), "live firms");
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
        _assertMoneyIsConserved();
    }

    /// Every sale that has not ended can be brought on, now or when its time has passed, whatever else happened.
    function assertNoSaleIsStuck() external {
        for (uint256 i = 0; i < _sales.length; ++i) {
            uint256 state = vm.snapshotState();
            _bringOn(_sales[i]);
            vm.revertToState(state);
        }
        vm.getRecordedLogs();
    }

    function _bringOn(Held memory held) private {
        IMarket.Sale memory sale = market.sale(held.id);
        IMarket.Offer memory offer = _decoded(held);
        if (sale.state == Codes.SALE_ORDERED) {
            vm.prank(held.buyer);
            market.cancel(held.id, offer, held.reference_);
        } else if (sale.state == Codes.SALE_PAID || sale.state == Codes.SALE_PREPARED) {
            vm.warp(block.timestamp + 30 days + 1);
            vm.prank(held.buyer);
            market.refund(held.id, offer, held.reference_);
        } else if (sale.state == Codes.SALE_DELIVERED) {
            vm.warp(block.timestamp + 7 days + 1);
            vm.prank(stranger);
            market.accept(held.id);
        } else if (sale.state == Codes.SALE_DISPUTED) {
            vm.prank(arbiter);
            market.decideDispute(held.id, offer, held.reference_, Codes.OUTCOME_POSITIVE, DOCUMENT);
        }
        _settleUp(held, offer);
    }

    /// What was accepted is booked and paid out; what was given back, too.
    function _settleUp(Held memory held, IMarket.Offer memory offer) private {
        uint8 state = market.sale(held.id).state;
        if (state == Codes.SALE_REFUNDED && revenue.refundedOf(held.id) < _priceOf(offer)) {
            uint128 left = _priceOf(offer) - revenue.refundedOf(held.id);
            vm.prank(settler);
            revenue.confirmRefund(held.id, offer, held.reference_, left, "the last receipt");
        }
        if (state != Codes.SALE_ACCEPTED) return;
        if (revenue.entry(held.id).certificate == 0) revenue.settle(held.id, offer, held.reference_);
        if (cases.isHeld(held.id)) _letGo(held.id);
        if (cases.isHeld(bytes32(offer.assetId))) _letGo(bytes32(offer.assetId));
        for (uint32 i = 0; i <= revenue.entry(held.id).lists; ++i) {
            _payRest(held, offer, i);
        }
    }

    function _letGo(bytes32 target) private {
        vm.prank(arbiter);
        cases.release(target, DOCUMENT);
    }

    function _payRest(Held memory held, IMarket.Offer memory offer, uint32 number) private {
        IRevenue.Payable memory due = revenue.listOf(held.id, number);
        if (due.paidUpTo == due.count) return;
        uint128 total = (due.count - due.paidUpTo) * revenue.entry(held.id).perHead;
        bytes32 receipt = keccak256(abi.encode("the last receipt", number));
        vm.prank(settler);
        revenue.confirmPayout(held.id, offer, held.reference_, IRevenue.Payout(number, due.paidUpTo, due.count, 0, 0, total, receipt));
    }

    // Words.

    /// One act in its own block, direct or (members only) as the forwarder passes it on.
    function _act(address by, address to, bytes memory call) private returns (bool success) {
        vm.roll(block.number + 1);
        bool relayed = by != admin && uint256(keccak256(abi.encode(accepted, refused))) % 2 == 0;
        vm.prank(relayed ? address(forwarder) : by);
        (success,) = to.call(relayed ? bytes.concat(call, bytes20(by)) : call);
        success ? ++accepted : ++refused;
        if (success) ++times[bytes4(call)];
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

    function _product(uint256 a) private view returns (uint256) {
        return a % 6 < 4 ? _persons : a % 6 == 4 ? _firms : _open;
    }

    function _kindOf(uint256 product) private view returns (uint8) {
        return product == _persons ? Codes.ATTEST_LEGAL_OPINION : Codes.ATTEST_SOURCE_LEGALITY;
    }

    function _holder() private view returns (address) {
        return dataAssets.asset(assetId).holder;
    }

    function _otherThan(address account) private view returns (address) {
        return account == provider ? otherProvider : provider;
    }

    function _nameOf(address account) private view returns (string memory) {
        if (account == provider) return "provider";
        if (account == otherProvider) return "other provider";
        for (uint256 i = 0; i < PEOPLE + 4; ++i) {
            if (account == _person(i)) return _personName(i);
        }
        return "";
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

    function _isAttested(bytes32 key, uint8 kind, address attester) private view returns (bool) {
        IAttestations.Statement memory found = attestations.statement(key, kind, attester);
        return found.state == 1 && block.timestamp <= found.validUntil;
    }

    /// Nothing is sold, prepared or delivered while a party is out, anything is held, or a withdrawal is pending.
    function _expectSellable(IMarket.Offer memory offer, bytes32 offerId, Held memory sale) private {
        _expectFree(offer, offerId, sale.id, sale.buyer);
        _expectOperated(offer);
        if (!membership.isInGoodStanding(sale.buyer)) aCheckWasMissed = true;
        if (offer.assetId == _open) return;
        IConsents.BasisState memory basis = consents.basisState(offer.assetId);
        if (basis.pending != 0 || !basis.closed || basis.version != offer.version) aCheckWasMissed = true;
        if (basis.controller != dataAssets.asset(offer.assetId).holder) aCheckWasMissed = true;
        if (sale.buyer == _abroad && !basis.crossBorder) aCheckWasMissed = true;
    }

    function _expectOpen() private {
        if (membership.closesAt() != 0 && block.timestamp >= membership.closesAt()) aCheckWasMissed = true;
    }

    function _expectOperated(IMarket.Offer memory offer) private {
        IDataAssets.Asset memory asset = dataAssets.asset(offer.assetId);
        if (asset.state != Codes.ASSET_REGISTERED) aCheckWasMissed = true;
        if (!membership.isInGoodStanding(offer.provider) || asset.version != offer.version) aCheckWasMissed = true;
        if (asset.holder != offer.provider && !_mayOperate(offer)) aCheckWasMissed = true;
    }

    function _expectFree(IMarket.Offer memory offer, bytes32 offerId, bytes32 saleId, address by) private {
        bytes32[6] memory targets = [offerId, bytes32(offer.assetId), offer.versionKey, _memberKey(offer.provider), saleId, _memberKey(by)];
        for (uint256 i = 0; i < targets.length; ++i) {
            if (cases.isHeld(targets[i])) aCheckWasMissed = true;
        }
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
