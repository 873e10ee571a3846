// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Base} from "./Base.t.sol";
import {Copied} from "./Copied.t.sol";
import {Exchange} from "./Exchange.t.sol";
import {Replay} from "./Replay.t.sol";
import {Vm} from "./Vm.sol";

/// @title What the events alone tell of consents, offers, sales and money
/// @dev Reads no contract while it learns; `_assertTradeCopied()` then compares all of it with what the contracts answer.
abstract contract CopiedTrade is Exchange, Copied {
    struct MarkPlace {
        bytes32 consentId;
        uint256 assetId;
        address subject;
    }

    struct Purse {
        uint256 assetId;
        bytes3 currency;
    }

    struct Sums {
        uint256 price;
        uint256 shares; // of exchange, provider and intermediaries
        uint256 due; // to subjects
        uint256 paid; // to subjects, less what bounced
    }

    // Consents.
    bytes32[] private _batchIds;
    mapping(bytes32 batchId => IConsents.Terms) private _termsOfBatch;
    mapping(bytes32 batchId => IConsents.BatchState) private _batches;
    mapping(bytes32 batchId => mapping(uint32 index => bool)) private _ended;
    uint256[] private _boundAssets;
    mapping(uint256 assetId => IConsents.BasisState) private _bases;
    MarkPlace[] private _markPlaces;
    mapping(bytes32 place => uint8) private _marks;

    // The market.
    mapping(uint256 assetId => bool) private _personal;
    bytes32[] private _policyPlaces;
    mapping(bytes32 place => IMarket.Policy) private _policies;
    bytes32[] private _offerIds;
    mapping(bytes32 offerId => IMarket.OfferState) private _offerStates;
    mapping(bytes32 offerId => bool) private _tryOuts;
    bytes32[] private _saleIds;
    mapping(bytes32 saleId => IMarket.Sale) private _saleCopies;
    bytes32[] private _receipts;

    // Money.
    uint64 private _certificates;
    mapping(bytes32 saleId => IRevenue.Entry) private _entryCopies;
    mapping(bytes32 saleId => mapping(uint32 list => IRevenue.Payable)) private _lists;
    mapping(bytes32 saleId => uint128) private _refunds;
    Purse[] private _purses;
    mapping(uint256 assetId => mapping(bytes3 currency => uint128)) private _carries;
    mapping(uint256 assetId => mapping(bytes3 currency => Sums)) private _sums;
    mapping(bytes32 saleId => uint256) private _paid;
    mapping(bytes32 saleId => Purse) private _purseOf;

    function setUp() public virtual override(Exchange, Replay) {
        super.setUp();
    }

    // The journals.

    function _journals() internal view virtual override returns (address[] memory journals) {
        address[] memory former = super._journals();
        journals = new address[](7);
        for (uint256 i = 0; i < 4; ++i) {
            journals[i] = former[i];
        }
        (journals[4], journals[5], journals[6]) = (address(consents), address(market), address(revenue));
    }

    function _entities(Vm.Log memory log) internal view virtual override returns (bytes32[] memory entities) {
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
        (entities[0], entities[1]) = (log.topics[1], ordered ? abi.decode(log.data, (bytes32)) : log.topics[2]);
    }

    function _learn(Vm.Log memory log) internal virtual override {
        super._learn(log);
        bytes32 signature = log.topics[0];
        if (log.emitter == address(dataAssets) && signature == IDataAssets.AssetRegistered.selector) {
            (,,,, bool personal,) = abi.decode(log.data, (bytes32, uint8, uint8, uint8, bool, uint256[]));
            _personal[uint256(log.topics[1])] = personal;
        }
        if (log.emitter == address(consents)) _learnConsents(log, signature);
        if (log.emitter == address(market) && !_isOfNobody(signature)) _learnMarket(log, signature);
        if (log.emitter == address(revenue)) _learnRevenue(log, signature);
    }

    // Consents.

    function _learnConsents(Vm.Log memory log, bytes32 signature) private {
        if (signature == IConsents.BatchGranted.selector) {
            (, uint32 count, IConsents.Terms memory terms,) = abi.decode(log.data, (bytes32, uint32, IConsents.Terms, bytes32));
            _learnBatch(log.topics[1], count, terms, false);
        }
        if (signature == IConsents.ConsentGranted.selector) {
            _learnBatch(log.topics[1], 1, _termsOf(abi.decode(log.data, (IConsents.Consent))), true);
        }
        if (signature == IConsents.BatchBound.selector) _learnBinding(log);
        if (signature == IConsents.BindingClosed.selector) _bases[uint256(log.topics[1])].closed = true;
        if (signature == IConsents.LeafEnded.selector) _learnEnd(log);
        if (signature == IConsents.WithdrawalMarked.selector) {
            (, uint32 pending) = abi.decode(log.data, (address, uint32));
            _learnMark(MarkPlace(log.topics[2], uint256(log.topics[1]), address(uint160(uint256(log.topics[3])))), 1, pending);
        }
        if (signature == IConsents.WithdrawalResolved.selector) {
            (address subject, bool applied, uint32 pending) = abi.decode(log.data, (address, bool, uint32));
            _learnMark(MarkPlace(log.topics[2], uint256(log.topics[1]), subject), applied ? 2 : 3, pending);
        }
    }

    function _learnBatch(bytes32 batchId, uint32 count, IConsents.Terms memory terms, bool direct) private {
        _batchIds.push(batchId);
        _termsOfBatch[batchId] = terms;
        _batches[batchId] = IConsents.BatchState(count, 0, 0, direct);
    }

    function _learnBinding(Vm.Log memory log) private {
        (uint256 ofAsset, uint32 version, bytes32 batchId) = (uint256(log.topics[1]), uint32(uint256(log.topics[2])), log.topics[3]);
        (uint64 offset, uint32 count, uint32 withdrawn,) = abi.decode(log.data, (uint64, uint32, uint32, address));
        IConsents.BasisState memory basis = _bases[ofAsset];
        if (basis.version == 0) _boundAssets.push(ofAsset);
        if (basis.version != version) {
            uint32 pending = basis.pending;
            basis = _emptyBasis();
            (basis.version, basis.pending) = (version, pending);
        }
        vm.assertEq(offset, basis.bound, "where a batch begins");
        _narrow(basis, _termsOfBatch[batchId]);
        basis.bound += count;
        basis.live += count - withdrawn;
        _bases[ofAsset] = basis;
        _batches[batchId].version = version;
    }

    function _narrow(IConsents.BasisState memory basis, IConsents.Terms memory terms) private pure {
        bool first = basis.bound == 0;
        (basis.controller, basis.recipient) = (terms.controller, terms.recipient);
        (basis.recipientClass, basis.purpose) = (terms.recipientClass, terms.purpose);
        basis.modes = first ? terms.modes : basis.modes & terms.modes;
        basis.crossBorder = terms.crossBorder && (first || basis.crossBorder);
        if (terms.validFrom > basis.validFrom) basis.validFrom = terms.validFrom;
        if (first || terms.validUntil < basis.validUntil) basis.validUntil = terms.validUntil;
    }

    function _learnEnd(Vm.Log memory log) private {
        (uint256 ofAsset, bytes32 batchId) = (uint256(log.topics[1]), log.topics[2]);
        (uint32 index,,,, uint64 live) = abi.decode(log.data, (uint32, address, uint8, address, uint64));
        vm.assertFalse(_ended[batchId][index], "a leaf ends once");
        _ended[batchId][index] = true;
        ++_batches[batchId].withdrawn;
        IConsents.BasisState storage basis = _bases[ofAsset];
        if (basis.version != 0 && _batches[batchId].version == basis.version) --basis.live;
        vm.assertEq(live, basis.live, "live after an end");
    }

    function _learnMark(MarkPlace memory place, uint8 state, uint32 pending) private {
        bytes32 key = keccak256(abi.encode(place));
        if (_marks[key] == 0) _markPlaces.push(place);
        _marks[key] = state;
        _bases[place.assetId].pending = pending;
    }

    function _emptyBasis() private pure returns (IConsents.BasisState memory basis) {}

    // The market.

    function _learnMarket(Vm.Log memory log, bytes32 signature) private {
        if (signature == IMarket.PolicySet.selector) return _learnPolicy(log);
        bytes32 id = log.topics[1];
        if (signature == IMarket.OfferListed.selector) return _learnOffer(id, abi.decode(log.data, (IMarket.Offer)).sandbox.on);
        if (signature == IMarket.OfferClosed.selector) {
            _offerStates[id].state = Codes.OFFER_CLOSED;
            return;
        }
        if (signature == IMarket.SaleOrdered.selector) _learnOrder(log);
        IMarket.Sale storage sale = _saleCopies[id];
        sale.at = uint64(block.timestamp);
        if (signature == IMarket.SalePaid.selector) (sale.state, sale.paidAt) = (Codes.SALE_PAID, sale.at);
        if (signature == IMarket.SalePaid.selector && log.topics[3] != 0) _receipts.push(log.topics[3]);
        if (signature == IMarket.SalePrepared.selector) {
            (sale.state, sale.liveAtPrepare) = (Codes.SALE_PREPARED, abi.decode(log.data, (uint64)));
        }
        if (signature == IMarket.SaleDelivered.selector) {
            (sale.state, sale.deliveredAt) = (Codes.SALE_DELIVERED, sale.at);
            (, sale.deliveredCount) = abi.decode(log.data, (bytes32, uint64));
        }
        if (signature == IMarket.SaleAccepted.selector) sale.state = Codes.SALE_ACCEPTED;
        if (signature == IMarket.SaleCancelled.selector) sale.state = Codes.SALE_CANCELLED;
        if (signature == IMarket.SaleRefunded.selector) sale.state = Codes.SALE_REFUNDED;
        if (signature == IMarket.SaleDisputed.selector) sale.state = Codes.SALE_DISPUTED;
        if (signature == IMarket.DisputeDecided.selector) {
            bool forBuyer = abi.decode(log.data, (uint8)) == Codes.OUTCOME_POSITIVE;
            sale.state = forBuyer ? Codes.SALE_REFUNDED : Codes.SALE_ACCEPTED;
        }
    }

    function _learnPolicy(Vm.Log memory log) private {
        bytes32 place = bytes32(uint256(log.topics[1]) << 8 | uint256(log.topics[2]));
        if (_policies[place].modes == 0) _policyPlaces.push(place);
        _policies[place] = abi.decode(log.data, (IMarket.Policy));
    }

    function _learnOffer(bytes32 offerId, bool tryOut) private {
        _offerIds.push(offerId);
        _offerStates[offerId].state = Codes.OFFER_OPEN;
        _tryOuts[offerId] = tryOut;
    }

    /// Whoever stands on consents had some that are live; of persons, they have a share.
    function _learnOrder(Vm.Log memory log) private {
        bytes32 saleId = log.topics[1];
        _saleIds.push(saleId);
        if (_tryOuts[log.topics[2]]) ++_offerStates[log.topics[2]].orders;
        IMarket.Sale storage sale = _saleCopies[saleId];
        uint256 ofAsset;
        uint64 live;
        (ofAsset,,,,, live,) = abi.decode(log.data, (uint256, uint32, bytes32, uint128, bytes3, uint64, address[]));
        (sale.buyer, sale.state) = (address(uint160(uint256(log.topics[3]))), Codes.SALE_ORDERED);
        (sale.onBasis, sale.pooled) = (live != 0, live != 0 && _personal[ofAsset]);
    }

    // Money.

    function _learnRevenue(Vm.Log memory log, bytes32 signature) private {
        bytes32 saleId = log.topics[1];
        if (signature == IRevenue.SaleSettled.selector) return _learnSettled(log);
        if (signature == IRevenue.OrdinalsDeferred.selector) return _learnDeferred(log);
        if (signature == IRevenue.PayoutConfirmed.selector) {
            (, uint64 to, uint128 total,) = abi.decode(log.data, (uint64, uint64, uint128, bytes3));
            _learnPayout(saleId, 0, to, total);
        }
        if (signature == IRevenue.DeferredPayoutConfirmed.selector) {
            (uint32 list,, uint64 to, uint128 total,) = abi.decode(log.data, (uint32, uint64, uint64, uint128, bytes3));
            _learnPayout(saleId, list, to, total);
        }
        if (signature == IRevenue.PaymentsBounced.selector) {
            (,, uint128 total,) = abi.decode(log.data, (uint32, uint64, uint128, bytes3));
            _paid[saleId] -= total;
            _sumsOf(saleId).paid -= total;
        }
        if (signature == IRevenue.RefundConfirmed.selector) {
            (uint128 amount, uint128 refunded,) = abi.decode(log.data, (uint128, uint128, bytes3));
            _refunds[saleId] += amount;
            vm.assertEq(refunded, _refunds[saleId], "refunded so far");
        }
    }

    /// price + carryIn = exchange + provider + intermediaries + perHead * heads + carryOut, from the words of the event alone.
    function _learnSettled(Vm.Log memory log) private {
        (bytes32 saleId, uint256 ofAsset) = (log.topics[1], uint256(log.topics[2]));
        vm.assertEq(uint256(log.topics[3]), ++_certificates, "certificates are numbered");
        IRevenue.Entry memory entry;
        entry.certificate = _certificates;
        uint256[3] memory carried; // in, out, price
        uint256 shares;
        uint256 providerShare;
        uint128[] memory others;
        (entry.currency, carried[2], carried[0],,, others, entry.perHead, entry.deliveredCount, carried[1]) =
            abi.decode(log.data, (bytes3, uint256, uint256, uint256, uint256, uint128[], uint128, uint64, uint256));
        (,,, shares, providerShare,,,,) =
            abi.decode(log.data, (bytes3, uint256, uint256, uint256, uint256, uint128[], uint128, uint64, uint256));
        shares += providerShare;
        for (uint256 i = 0; i < others.length; ++i) {
            shares += others[i];
        }
        uint256 due = uint256(entry.perHead) * entry.deliveredCount;
        vm.assertEq(carried[0], _carries[ofAsset][entry.currency], "the carry of the sale before");
        vm.assertEq(carried[2] + carried[0], shares + due + carried[1], "price + carry in = shares + due + carry out");
        _entryCopies[saleId] = entry;
        _lists[saleId][0].count = entry.deliveredCount;
        _book(saleId, Purse(ofAsset, entry.currency), carried, shares, due);
    }

    function _book(bytes32 saleId, Purse memory purse, uint256[3] memory carried, uint256 shares, uint256 due) private {
        Sums storage sums = _sums[purse.assetId][purse.currency];
        if (sums.price == 0) _purses.push(purse);
        (sums.price, sums.shares, sums.due) = (sums.price + carried[2], sums.shares + shares, sums.due + due);
        _carries[purse.assetId][purse.currency] = uint128(carried[1]);
        _purseOf[saleId] = purse;
    }

    function _learnDeferred(Vm.Log memory log) private {
        (bytes32 saleId, uint32 list) = (log.topics[1], uint32(uint256(log.topics[2])));
        (uint64 count, uint32 parent,,) = abi.decode(log.data, (uint64, uint32, uint64, uint64));
        vm.assertEq(list, ++_entryCopies[saleId].lists, "lists are numbered");
        _lists[saleId][list].count = count;
        _lists[saleId][parent].deferred += count;
    }

    function _learnPayout(bytes32 saleId, uint32 list, uint64 to, uint128 total) private {
        _lists[saleId][list].paidUpTo = to;
        _paid[saleId] += total;
        _sumsOf(saleId).paid += total;
    }

    function _sumsOf(bytes32 saleId) private view returns (Sums storage) {
        return _sums[_purseOf[saleId].assetId][_purseOf[saleId].currency];
    }

    // What the contracts say.

    function _assertTradeCopied() internal view {
        _assertConsentsCopied();
        _assertMarketCopied();
        _assertRevenueCopied();
    }

    function _assertConsentsCopied() private view {
        for (uint256 i = 0; i < _batchIds.length; ++i) {
            IConsents.BatchState memory batch = _batches[_batchIds[i]];
            vm.assertEq(abi.encode(consents.batchState(_batchIds[i])), abi.encode(batch));
            for (uint32 j = 0; j < batch.count; ++j) {
                vm.assertEq(consents.hasEnded(_batchIds[i], j), _ended[_batchIds[i]][j]);
            }
        }
        for (uint256 i = 0; i < _boundAssets.length; ++i) {
            vm.assertEq(abi.encode(consents.basisState(_boundAssets[i])), abi.encode(_bases[_boundAssets[i]]));
        }
        for (uint256 i = 0; i < _markPlaces.length; ++i) {
            MarkPlace memory place = _markPlaces[i];
            uint8 state = _marks[keccak256(abi.encode(place))];
            vm.assertEq(consents.markOf(place.consentId, place.assetId, place.subject), state);
        }
    }

    function _assertMarketCopied() private view {
        for (uint256 i = 0; i < _policyPlaces.length; ++i) {
            uint256 place = uint256(_policyPlaces[i]);
            vm.assertEq(abi.encode(market.policyOf(uint8(place >> 8), uint8(place))), abi.encode(_policies[_policyPlaces[i]]));
        }
        for (uint256 i = 0; i < _offerIds.length; ++i) {
            vm.assertEq(abi.encode(market.offerState(_offerIds[i])), abi.encode(_offerStates[_offerIds[i]]));
        }
        for (uint256 i = 0; i < _saleIds.length; ++i) {
            vm.assertEq(abi.encode(market.sale(_saleIds[i])), abi.encode(_saleCopies[_saleIds[i]]));
        }
        for (uint256 i = 0; i < _receipts.length; ++i) {
            vm.assertTrue(market.isReceiptUsed(_receipts[i]));
        }
    }

    function _assertRevenueCopied() private view {
        vm.assertEq(revenue.certificates(), _certificates);
        for (uint256 i = 0; i < _saleIds.length; ++i) {
            bytes32 saleId = _saleIds[i];
            vm.assertEq(abi.encode(revenue.entry(saleId)), abi.encode(_entryCopies[saleId]));
            vm.assertEq(revenue.refundedOf(saleId), _refunds[saleId]);
            for (uint32 list = 0; list <= _entryCopies[saleId].lists; ++list) {
                vm.assertEq(abi.encode(revenue.listOf(saleId, list)), abi.encode(_lists[saleId][list]));
            }
        }
        for (uint256 i = 0; i < _purses.length; ++i) {
            vm.assertEq(revenue.carryOf(_purses[i].assetId, _purses[i].currency), _carries[_purses[i].assetId][_purses[i].currency]);
        }
    }

    /// Per asset and currency: prices = shares + dues + carry. Per sale: what was paid is perHead for everyone whose payment stands,
    /// and nobody is paid twice.
    function _assertMoneyIsConserved() internal view {
        for (uint256 i = 0; i < _purses.length; ++i) {
            Sums memory sums = _sums[_purses[i].assetId][_purses[i].currency];
            uint256 carry = revenue.carryOf(_purses[i].assetId, _purses[i].currency);
            vm.assertEq(sums.price, sums.shares + sums.due + carry, "prices = shares + dues + carry");
            vm.assertLe(sums.paid, sums.due);
        }
        for (uint256 i = 0; i < _saleIds.length; ++i) {
            _assertPaid(_saleIds[i], revenue.entry(_saleIds[i]));
        }
    }

    function _assertPaid(bytes32 saleId, IRevenue.Entry memory entry) private view {
        (uint256 heads, uint256 waiting) = (0, 0);
        for (uint32 i = 0; i <= entry.lists; ++i) {
            IRevenue.Payable memory list = revenue.listOf(saleId, i);
            vm.assertLe(list.paidUpTo, list.count);
            vm.assertLe(list.deferred, list.paidUpTo);
            heads += list.paidUpTo - list.deferred;
            waiting += list.count - list.paidUpTo;
        }
        vm.assertEq(heads + waiting, entry.deliveredCount, "everyone was paid or waits, once");
        vm.assertEq(_paid[saleId], heads * entry.perHead, "paid = heads * perHead");
    }
}
