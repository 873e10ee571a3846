// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {Consents} from "../src/Consents.sol";
import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Market} from "../src/Market.sol";
import {Revenue} from "../src/Revenue.sol";
import {Base} from "./Base.t.sol";
import {PositionalTree} from "./PositionalTree.sol";

/// @title A whole exchange, and the steps of a sale
/// @dev People are numbered; `_crowd(first, count)` is their batch, in memory, with what proves a place in it.
abstract contract Exchange is Base {
    struct Crowd {
        IConsents.Terms terms;
        bytes32 manifestHash;
        IConsents.Batch batch;
        bytes32 batchId;
        bytes32[] ids;
        address[] people;
        bytes32[] leaves;
    }

    uint16 internal constant OPINION = uint16(1) << Codes.ATTEST_LEGAL_OPINION;
    uint16 internal constant SOURCE = uint16(1) << Codes.ATTEST_SOURCE_LEGALITY;
    uint16 internal constant IMPACT = uint16(1) << Codes.ATTEST_IMPACT_ASSESSMENT;
    uint16 internal constant DEIDENTIFIED = uint16(1) << Codes.ATTEST_DEIDENTIFICATION;
    uint16 internal constant CROSS_BORDER = uint16(1) << Codes.ATTEST_CROSS_BORDER;
    uint16 internal constant CONSENTED = uint16(1) << Codes.ATTEST_CONSENT_AUDIT;
    bytes32 internal constant MANIFEST = keccak256("a manifest");
    bytes32 internal constant NOTICE = keccak256("a notice");
    bytes32 internal constant REFERENCE = keccak256("a reference");
    bytes32 internal constant ENVELOPE = keccak256("an envelope");
    bytes32 internal constant COVER = keccak256("a cover");
    bytes3 internal constant CNY = "CNY";
    uint64 internal constant UNTIL = START + YEAR;

    Consents internal consents;
    Market internal market;
    Revenue internal revenue;

    address internal broker = _account("broker");
    /// The reference that an order was given, by the sale it made; REFERENCE where the tests ordered themselves.
    mapping(bytes32 saleId => bytes32) private _references;
    uint256 internal assetId;

    function setUp() public virtual override {
        super.setUp();
        consents = new Consents(membership, attestations, dataAssets, address(forwarder));
        market = new Market(address(manager), membership, cases, attestations, dataAssets, consents, address(forwarder));
        revenue = new Revenue(membership, cases, market, address(forwarder));
        assetId = dataAssets.assetIdOf(provider, SALT);
        _setPolicy(Codes.KIND_PERSONAL, IMarket.Policy(SOURCE | IMPACT, OPINION | SOURCE | IMPACT, Codes.MODES_ALL));
    }

    function _setPolicy(uint8 kind, IMarket.Policy memory policy) internal {
        vm.prank(admin);
        market.setPolicy(kind, Codes.GRADE_GENERAL, policy);
    }

    // People and their consents.

    function _personName(uint256 number) internal pure returns (string memory) {
        return string.concat("person ", vm.toString(number));
    }

    function _person(uint256 number) internal pure returns (address) {
        return _account(_personName(number));
    }

    function _terms() internal view returns (IConsents.Terms memory) {
        return IConsents.Terms({
            controller: provider,
            recipient: address(0),
            recipientClass: Codes.LICENCE_EMPLOYER,
            purpose: Codes.PURPOSE_RECRUITMENT,
            modes: Codes.MODE_RAW | Codes.MODE_CALL,
            crossBorder: false,
            noticeHash: NOTICE,
            validFrom: START,
            validUntil: UNTIL
        });
    }

    function _consent(address subject) internal view returns (IConsents.Consent memory) {
        return _consent(subject, _terms());
    }

    function _consent(address subject, IConsents.Terms memory terms) internal view returns (IConsents.Consent memory) {
        return IConsents.Consent({
            subject: subject,
            assetId: assetId,
            controller: terms.controller,
            recipient: terms.recipient,
            recipientClass: terms.recipientClass,
            purpose: terms.purpose,
            modes: terms.modes,
            crossBorder: terms.crossBorder,
            noticeHash: terms.noticeHash,
            recordCommit: keccak256(abi.encode("record", subject)),
            validFrom: terms.validFrom,
            validUntil: terms.validUntil,
            statementHash: keccak256("a statement"),
            salt: SALT
        });
    }

    function _crowd(uint256 first, uint256 count) internal view returns (Crowd memory) {
        return _crowd(first, count, _terms());
    }

    function _crowd(uint256 first, uint256 count, IConsents.Terms memory terms) internal view returns (Crowd memory crowd) {
        bytes32[] memory ids = new bytes32[](count);
        address[] memory people = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            people[i] = _person(first + i);
            ids[i] = consents.consentIdOf(_consent(people[i], terms));
        }
        return _crowdOf(ids, people, terms, MANIFEST);
    }

    function _crowdOf(bytes32[] memory ids, address[] memory people, IConsents.Terms memory terms, bytes32 manifestHash)
        internal
        view
        returns (Crowd memory crowd)
    {
        crowd.leaves = new bytes32[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            crowd.leaves[i] = PositionalTree.leafOf(ids[i], people[i]);
        }
        (crowd.ids, crowd.people, crowd.terms, crowd.manifestHash) = (ids, people, terms, manifestHash);
        crowd.batch = IConsents.Batch({
            assetId: assetId,
            root: PositionalTree.rootOf(crowd.leaves),
            count: uint32(ids.length),
            termsHash: keccak256(abi.encode(terms, manifestHash))
        });
        crowd.batchId = consents.batchIdOf(crowd.batch);
    }

    function _leaf(Crowd memory crowd, uint256 index) internal pure returns (IConsents.Leaf memory) {
        return IConsents.Leaf(uint32(index), crowd.ids[index], crowd.people[index]);
    }

    function _proof(Crowd memory crowd, uint256 index) internal pure returns (bytes32[] memory) {
        return PositionalTree.proofOf(crowd.leaves, index);
    }

    function _basis(Crowd memory crowd) internal view returns (IConsents.Basis memory) {
        return IConsents.Basis(crowd.batch.root, crowd.batch.count, crowd.terms, crowd.manifestHash, auditor);
    }

    // Signatures.

    function _sign(string memory name, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(name), digest);
        return abi.encodePacked(r, s, v);
    }

    function _typed(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", _domainSeparator("Deedbook Consent", address(consents)), structHash));
    }

    function _withdrawalDigest(bytes32 consentId) internal view returns (bytes32) {
        return _typed(keccak256(abi.encode(keccak256("Withdrawal(bytes32 consentId)"), consentId)));
    }

    function _receiptDigest(bytes32 consentId, address subject) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("Receipt(bytes32 consentId,uint256 assetId,address subject)");
        return _typed(keccak256(abi.encode(typeHash, consentId, assetId, subject)));
    }

    // Steps before a sale.

    function _grant(Crowd memory crowd) internal {
        vm.prank(crowd.terms.controller);
        consents.grantBatch(assetId, SALT, crowd.batch.root, crowd.batch.count, crowd.terms, crowd.manifestHash);
    }

    function _grantAudited(Crowd memory crowd) internal {
        _grant(crowd);
        _attest(auditor, crowd.batchId, Codes.ATTEST_CONSENT_AUDIT);
    }

    function _bind(uint32 version, Crowd memory crowd) internal {
        vm.prank(provider);
        consents.bind(assetId, version, _one(crowd));
    }

    function _bindAll(uint32 version, Crowd memory first, Crowd memory second) internal {
        vm.prank(provider);
        consents.bind(assetId, version, _both(first, second));
    }

    function _one(Crowd memory crowd) internal view returns (IConsents.Basis[] memory batches) {
        batches = new IConsents.Basis[](1);
        batches[0] = _basis(crowd);
    }

    function _both(Crowd memory first, Crowd memory second) internal view returns (IConsents.Basis[] memory batches) {
        batches = new IConsents.Basis[](2);
        (batches[0], batches[1]) = (_basis(first), _basis(second));
    }

    function _withdraw(Crowd memory crowd, uint256 index) internal {
        vm.prank(crowd.people[index]);
        consents.withdraw(crowd.batch, _leaf(crowd, index), _proof(crowd, index));
    }

    /// By the collector's receipt and the person's own transaction.
    function _mark(Crowd memory crowd, uint256 index) internal {
        bytes memory receipt = _sign("provider", _receiptDigest(crowd.ids[index], crowd.people[index]));
        vm.prank(crowd.people[index]);
        _withdrawByReceipt(crowd, index, receipt, "");
    }

    function _withdrawByReceipt(Crowd memory crowd, uint256 index, bytes memory receipt, bytes memory withdrawal) internal {
        consents.withdrawByReceipt(crowd.ids[index], crowd.people[index], crowd.batch, crowd.terms, crowd.manifestHash, receipt, withdrawal);
    }

    function _publish(uint64 recordCount) internal returns (uint32) {
        vm.prank(provider);
        return dataAssets.publish(assetId, _version(recordCount));
    }

    function _transfer(address to) internal {
        vm.prank(provider);
        dataAssets.transferFrom(provider, to, assetId);
    }

    /// Two audited batches of 2 and the rest, the lower id first, of an asset of `count` records.
    function _pair(uint256 count) internal returns (Crowd memory low, Crowd memory high) {
        (low, high) = (_crowd(0, 2), _crowd(2, count - 2));
        _grantAudited(low);
        _grantAudited(high);
        _register(uint64(count));
        if (low.batchId > high.batchId) (low, high) = (high, low);
    }

    /// The batch that a direct grant of this consent is.
    function _single(IConsents.Consent memory consent) internal view returns (Crowd memory) {
        bytes32[] memory ids = new bytes32[](1);
        address[] memory people = new address[](1);
        (ids[0], people[0]) = (consents.consentIdOf(consent), consent.subject);
        return _crowdOf(ids, people, _termsOf(consent), 0);
    }

    function _termsOf(IConsents.Consent memory consent) internal pure returns (IConsents.Terms memory) {
        return IConsents.Terms({
            controller: consent.controller,
            recipient: consent.recipient,
            recipientClass: consent.recipientClass,
            purpose: consent.purpose,
            modes: consent.modes,
            crossBorder: consent.crossBorder,
            noticeHash: consent.noticeHash,
            validFrom: consent.validFrom,
            validUntil: consent.validUntil
        });
    }

    /// `count` people, granted, audited, registered and bound.
    function _bound(uint256 count) internal returns (Crowd memory crowd) {
        crowd = _crowd(0, count);
        _grantAudited(crowd);
        _register(uint64(count));
        _bind(1, crowd);
    }

    // Steps of a sale.

    function _offer() internal view returns (IMarket.Offer memory offer) {
        offer.provider = provider;
        offer.assetId = assetId;
        offer.version = dataAssets.asset(assetId).version;
        offer.versionKey = dataAssets.asset(assetId).versionKey;
        offer.mode = Codes.MODE_RAW;
        offer.purpose = Codes.PURPOSE_RECRUITMENT;
        offer.price = IMarket.Price(90_000, 5000, 3000, 2001, CNY);
        offer.split.exchange = operator;
        (offer.split.exchangeBps, offer.split.providerBps, offer.split.subjectsBps) = (500, 4000, 5000);
        offer.split.intermediaries = new IMarket.Intermediary[](1);
        offer.split.intermediaries[0] = IMarket.Intermediary(broker, 500);
        offer.termsHash = keccak256("terms");
        offer.policyHash = keccak256("policy");
        offer.quota = 10;
        offer.term = 30 days;
        offer.validUntil = START + 30 days;
        offer.conditions.buyerClass = Codes.LICENCE_EMPLOYER;
        offer.salt = SALT;
    }

    /// An offer of a PUBLIC asset, whose policy asks for nothing; its split still has a pool.
    function _public() internal returns (IMarket.Offer memory offer) {
        IDataAssets.Registration memory registration = _registration("public");
        registration.kind = Codes.KIND_PUBLIC;
        vm.prank(provider);
        assetId = dataAssets.register(registration, _version(9));
        _setPolicy(Codes.KIND_PUBLIC, IMarket.Policy(0, 0, Codes.MODES_ALL));
        return _offer();
    }

    function _noVersion() internal pure returns (IDataAssets.Version memory version) {}

    function _attesters(uint256 count) internal view returns (address[] memory attesters) {
        attesters = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            attesters[i] = reviewer;
        }
    }

    function _attestVersion(bytes32 versionKey) internal {
        _attest(reviewer, versionKey, Codes.ATTEST_SOURCE_LEGALITY);
        _attest(reviewer, versionKey, Codes.ATTEST_IMPACT_ASSESSMENT);
        _attest(reviewer, versionKey, Codes.ATTEST_LEGAL_OPINION);
    }

    function _list(IMarket.Offer memory offer) internal returns (bytes32) {
        vm.prank(offer.provider);
        return market.list(offer, _attesters(2));
    }

    function _order(IMarket.Offer memory offer) internal returns (bytes32 saleId) {
        return _order(offer, REFERENCE);
    }

    function _order(IMarket.Offer memory offer, bytes32 reference_) internal returns (bytes32 saleId) {
        bytes32 offerId = market.offerIdOf(offer);
        vm.prank(buyer);
        saleId = market.order(offerId, offer, _attesters(3), reference_);
        _references[saleId] = reference_;
    }

    function _referenceOf(bytes32 saleId) internal view returns (bytes32 reference_) {
        reference_ = _references[saleId];
        if (reference_ == 0) reference_ = REFERENCE;
    }

    function _priceOf(IMarket.Offer memory offer) internal pure returns (uint128) {
        return offer.price.data + offer.price.algorithm + offer.price.compute + offer.price.service;
    }

    function _pay(bytes32 saleId, IMarket.Offer memory offer) internal {
        bytes32 receipt = keccak256(abi.encode("receipt", saleId));
        vm.prank(settler);
        market.confirmPayment(saleId, offer, _referenceOf(saleId), _priceOf(offer), offer.price.currency, receipt);
    }

    function _prepare(bytes32 saleId, IMarket.Offer memory offer) internal {
        vm.prank(offer.provider);
        market.prepare(saleId, offer, _referenceOf(saleId));
    }

    function _deliver(bytes32 saleId, IMarket.Offer memory offer, uint64 count) internal {
        vm.prank(offer.provider);
        market.deliver(saleId, offer, _referenceOf(saleId), ENVELOPE, COVER, count);
    }

    function _accept(bytes32 saleId) internal {
        vm.prank(buyer);
        market.accept(saleId);
    }

    /// People bound, version attested, one offer listed.
    function _listed(uint256 count) internal returns (IMarket.Offer memory offer, Crowd memory crowd) {
        crowd = _bound(count);
        offer = _offer();
        _attestVersion(offer.versionKey);
        _list(offer);
    }
}
