// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IAttestations} from "./interfaces/IAttestations.sol";
import {IConsents} from "./interfaces/IConsents.sol";
import {IDataAssets} from "./interfaces/IDataAssets.sol";
import {IMembership} from "./interfaces/IMembership.sol";
import {Journal} from "./Journal.sol";
import {Codes} from "./libraries/Codes.sol";
import {ConsentTerms} from "./libraries/ConsentTerms.sol";
import {ConsentTree} from "./libraries/ConsentTree.sol";
import {ConsentTypes} from "./libraries/ConsentTypes.sol";
import {Keys} from "./libraries/Keys.sol";
import {PackedBatch, PackedBatches} from "./libraries/PackedBatches.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Relayed} from "./Relayed.sol";

/// @title Consents
/// @dev What a batch grants travels in calldata and is found again by its hash; one word a batch and one bit a leaf are kept.
contract Consents is IConsents, EIP712, Journal, Relayed {
    using ConsentTerms for Terms;
    using ConsentTypes for Terms;

    /// BasisState, in three words; the first is all that a withdrawal touches.
    struct Binding {
        uint32 version;
        uint64 bound;
        uint64 live;
        uint32 pending; // of the asset, whatever the version
        bool closed;
        uint16 recipientClass;
        uint16 purpose;
        uint16 modes;
        bool crossBorder;
        address controller;
        uint64 validFrom;
        address recipient;
        uint64 validUntil;
    }

    /// A withdrawal by receipt: whose receipt it was, and the binding that a dismissal was about.
    struct Mark {
        uint8 state;
        uint32 version;
        uint40 bound; // at most 2^32, as a version's records
        address collector;
    }

    uint8 private constant UNMARKED = 0;
    uint8 private constant PENDING = 1;
    uint8 private constant APPLIED = 2;
    uint8 private constant DISMISSED = 3;
    uint256 private constant MOST_BATCHES = 64;

    IMembership private immutable _membership;
    IAttestations private immutable _attestations;
    IDataAssets private immutable _dataAssets;

    mapping(bytes32 batchId => PackedBatch) private _batches;
    mapping(bytes32 batchId => mapping(uint256 word => uint256 bits)) private _ended;
    mapping(bytes32 batchId => mapping(uint256 word => uint256 bits)) private _endedByOthers; // not by a withdrawal
    mapping(uint256 assetId => Binding) private _bindings;
    mapping(bytes32 place => Mark) private _marks; // by asset, consentId and subject

    constructor(IMembership membership, IAttestations attestations, IDataAssets dataAssets, address forwarder)
        EIP712("Deedbook Consent", "1")
        Relayed(forwarder)
    {
        _membership = membership;
        _attestations = attestations;
        _dataAssets = dataAssets;
    }

    // Grants.

    /// @inheritdoc IConsents
    function grantBatch(uint256 assetId, bytes32 salt, bytes32 root, uint32 count, Terms calldata terms, bytes32 manifestHash)
        external
        returns (bytes32 batchId)
    {
        if (count == 0) revert ZeroCount();
        if (root == 0) revert ZeroRoot();
        (bytes memory stated, Terms memory read) = ConsentTypes.statedWith(terms);
        batchId = ConsentTypes.batchIdOf(assetId, root, count, read.termsHash(manifestHash));
        _admit(batchId, assetId, salt, count, read, false);
        _record(Keys.asset(assetId), BatchGranted.selector, batchId, Keys.asset(assetId), Keys.member(read.controller), stated);
    }

    /// @inheritdoc IConsents
    function grant(Consent calldata consent, bytes32 assetSalt, bytes calldata signature) external returns (bytes32 batchId) {
        if (consent.subject == address(0)) revert ZeroSubject();
        (bytes32 consentHash, bytes memory stated, Consent memory read) = ConsentTypes.consentHashAndWords(consent);
        bytes32 consentId = _hashTypedDataV4(consentHash);
        Terms memory terms = ConsentTerms.termsOf(read);
        bytes32 root = ConsentTree.leafOf(consentId, consent.subject);
        batchId = ConsentTypes.batchIdOf(consent.assetId, root, 1, terms.termsHash(0));
        _admit(batchId, consent.assetId, assetSalt, 1, terms, true);
        _requireSigned(consentId, signature, consent.subject);
        _record(Keys.asset(consent.assetId), ConsentGranted.selector, batchId, Keys.asset(consent.assetId), consentId, stated);
    }

    /// @dev One funnel for batches of any size.
    function _admit(bytes32 batchId, uint256 assetId, bytes32 salt, uint32 count, Terms memory terms, bool direct) private {
        terms.requireWhole();
        if (_time() > terms.validUntil) revert ConsentExpired(batchId, terms.validUntil);
        _requireController(assetId, salt, terms.controller);
        if (_batches[batchId].isKnown()) revert BatchExists(batchId);
        _batches[batchId] = PackedBatches.pack(count, direct);
    }

    /// @dev The caller, as the controller: of its own registered asset, or of the one that it alone can register.
    function _requireController(uint256 assetId, bytes32 salt, address controller) private view {
        address caller = _msgSender();
        if (caller != controller) revert NotController(assetId, caller);
        _membership.requireRole(caller, Codes.ROLE_PROVIDER);
        if (_dataAssets.hasRight(assetId, caller, Codes.RIGHT_HOLD)) return;
        uint8 state = _dataAssets.asset(assetId).state;
        if (state == Codes.ASSET_CANCELLED) revert AssetNotUsable(assetId, state);
        bool claimable = state == Codes.ASSET_NONE && _dataAssets.assetIdOf(caller, salt) == assetId;
        if (!claimable) revert NotController(assetId, caller);
    }

    // Bindings.

    /// @inheritdoc IConsents
    function bind(uint256 assetId, uint32 version, Basis[] calldata batches) external {
        if (batches.length == 0) revert NoBatches();
        if (batches.length > MOST_BATCHES) revert TooManyBatches(batches.length, MOST_BATCHES);
        address holder = _msgSender();
        uint64 recordCount = _requireCurrent(assetId, version, holder);
        Binding memory binding = _openBinding(assetId, version);
        bytes32 former = 0;
        for (uint256 i = 0; i < batches.length; ++i) {
            bytes32 batchId = _idOf(assetId, batches[i]);
            if (batchId <= former) revert UnorderedBatches(i);
            former = batchId;
            _bindOne(assetId, batchId, batches[i], binding, holder);
        }
        if (binding.bound > recordCount) revert BindingOverflows(assetId, binding.bound, recordCount);
        binding.closed = binding.bound == recordCount;
        _bindings[assetId] = binding;
        if (binding.closed) _recordClosed(assetId, binding);
    }

    function _requireCurrent(uint256 assetId, uint32 version, address holder) private view returns (uint64 recordCount) {
        _membership.requireGoodStanding(holder);
        IDataAssets.Asset memory asset = _dataAssets.asset(assetId);
        if (asset.state != Codes.ASSET_REGISTERED) revert AssetNotUsable(assetId, asset.state);
        if (asset.holder != holder) revert NotController(assetId, holder);
        if (version == 0 || asset.version != version) revert VersionNotCurrent(assetId, version, asset.version);
        return asset.recordCount;
    }

    /// @dev The binding of this version; empty where the last one was of another.
    function _openBinding(uint256 assetId, uint32 version) private view returns (Binding memory binding) {
        Binding storage last = _bindings[assetId];
        if (last.version == version) {
            if (last.closed) revert BindingIsClosed(assetId, version);
            return last;
        }
        binding.version = version;
        binding.pending = last.pending;
    }

    function _idOf(uint256 assetId, Basis calldata basis) private pure returns (bytes32) {
        return ConsentTypes.batchIdOf(assetId, basis.root, basis.count, ConsentTypes.termsHash(basis.terms, basis.manifestHash));
    }

    function _bindOne(uint256 assetId, bytes32 batchId, Basis calldata basis, Binding memory binding, address holder) private {
        BatchState memory batch = _batches[batchId].unpack();
        if (batch.count == 0) revert UnknownBatch(batchId);
        if (batch.version == binding.version) revert AlreadyBound(batchId, batch.version);
        if (_time() > basis.terms.validUntil) revert ConsentExpired(batchId, basis.terms.validUntil);
        _join(binding, batchId, basis.terms, holder);
        address auditor = batch.direct ? address(0) : basis.auditor;
        if (!batch.direct) _requireAudited(batchId, auditor, holder);
        uint64 offset = binding.bound;
        binding.bound = offset + batch.count;
        binding.live += batch.count - batch.withdrawn;
        _batches[batchId] = _batches[batchId].boundTo(binding.version);
        _record(
            Keys.asset(assetId),
            BatchBound.selector,
            Keys.asset(assetId),
            bytes32(uint256(binding.version)),
            batchId,
            abi.encode(offset, batch.count, batch.withdrawn, auditor)
        );
    }

    /// @dev The first batch sets what the others must agree on; all of them narrow the rest.
    function _join(Binding memory binding, bytes32 batchId, Terms calldata terms, address holder) private pure {
        if (terms.controller != holder) revert TermsDisagree(batchId, Codes.FIELD_CONTROLLER);
        if (binding.bound == 0) {
            binding.controller = holder;
            binding.recipient = terms.recipient;
            binding.recipientClass = terms.recipientClass;
            binding.purpose = terms.purpose;
            binding.modes = terms.modes;
            binding.crossBorder = terms.crossBorder;
            binding.validFrom = terms.validFrom;
            binding.validUntil = terms.validUntil;
            return;
        }
        if (binding.controller != holder) revert TermsDisagree(batchId, Codes.FIELD_CONTROLLER);
        if (binding.recipient != terms.recipient) revert TermsDisagree(batchId, Codes.FIELD_RECIPIENT);
        if (binding.recipientClass != terms.recipientClass) revert TermsDisagree(batchId, Codes.FIELD_RECIPIENT_CLASS);
        if (binding.purpose != terms.purpose) revert TermsDisagree(batchId, Codes.FIELD_PURPOSE);
        binding.modes &= terms.modes;
        binding.crossBorder = binding.crossBorder && terms.crossBorder;
        if (terms.validFrom > binding.validFrom) binding.validFrom = terms.validFrom;
        if (terms.validUntil < binding.validUntil) binding.validUntil = terms.validUntil;
    }

    function _requireAudited(bytes32 batchId, address auditor, address holder) private view {
        if (auditor == holder) revert AuditorIsParty(auditor);
        _attestations.requireLive(batchId, Codes.ATTEST_CONSENT_AUDIT, auditor);
    }

    function _recordClosed(uint256 assetId, Binding memory binding) private {
        _record(
            Keys.asset(assetId),
            BindingClosed.selector,
            Keys.asset(assetId),
            bytes32(uint256(binding.version)),
            abi.encode(binding.bound, binding.live)
        );
    }

    // Withdrawals.

    /// @inheritdoc IConsents
    function withdraw(Batch calldata batch, Leaf calldata leaf, bytes32[] calldata proof) external {
        address caller = _msgSender();
        if (caller != leaf.subject) revert NotSubject(caller, leaf.subject);
        _withdraw(batch, leaf, proof, caller);
    }

    /// @inheritdoc IConsents
    /// @dev The leaf is read out of the calldata once: signature, proof and log all need it.
    function withdrawFor(Batch calldata batch, Leaf memory leaf, bytes32[] calldata proof, bytes calldata signature) external {
        _requireWithdrawal(leaf.consentId, signature, leaf.subject);
        _withdraw(batch, leaf, proof, _msgSender());
    }

    /// @inheritdoc IConsents
    function withdrawByReceipt(
        bytes32 consentId,
        address subject,
        Batch calldata batch,
        Terms calldata terms,
        bytes32 manifestHash,
        bytes calldata receipt,
        bytes calldata withdrawal
    ) external {
        bool bySubject = withdrawal.length == 0;
        if (!bySubject) _requireWithdrawal(consentId, withdrawal, subject);
        else if (_msgSender() != subject) revert NotSubject(_msgSender(), subject);
        _requireTerms(batch, terms, manifestHash);
        _requireGranted(batch);
        _requireSigned(_hashTypedDataV4(ConsentTypes.receiptHash(consentId, batch.assetId, subject)), receipt, terms.controller);
        _mark(consentId, batch.assetId, subject, terms.controller, bySubject);
    }

    /// @inheritdoc IConsents
    function applyMark(Batch calldata batch, Leaf calldata leaf, bytes32[] calldata proof) external {
        bytes32 batchId = _requireIn(batch, leaf, proof);
        uint8 state = _markAt(leaf.consentId, batch.assetId, leaf.subject).state;
        if (state == UNMARKED) revert NotMarked(leaf.consentId);
        if (!hasEnded(batchId, leaf.index)) return _end(batchId, batch.assetId, leaf, Codes.ENDED_WITHDRAWN, _msgSender());
        if (state != PENDING) revert LeafEndedAlready(batchId, leaf.index);
        Binding storage binding = _bindings[batch.assetId];
        if (_batches[batchId].version() != binding.version || binding.version == 0) revert NotInBinding(batchId, binding.version);
        _resolve(batch.assetId, leaf.consentId, leaf.subject, true, _msgSender());
    }

    /// @inheritdoc IConsents
    function dismissMark(bytes32 consentId, uint256 assetId, address subject) external {
        address caller = _msgSender();
        _membership.requireRole(caller, Codes.ROLE_AUDITOR);
        Mark storage mark = _markAt(consentId, assetId, subject);
        if (mark.state != PENDING) revert NotMarked(consentId);
        bool party = mark.collector == caller || _dataAssets.asset(assetId).holder == caller;
        if (party) revert DismisserIsParty(consentId, caller);
        mark.version = _bindings[assetId].version;
        mark.bound = uint40(_bindings[assetId].bound);
        _resolve(assetId, consentId, subject, false, caller);
    }

    /// @inheritdoc IConsents
    function carryWithdrawal(
        Batch calldata from,
        Leaf calldata ended,
        bytes32[] calldata endedProof,
        Batch calldata to,
        Leaf calldata leaf,
        bytes32[] calldata proof
    ) external {
        if (ended.consentId != leaf.consentId) revert DifferentConsent(ended.consentId, leaf.consentId);
        if (ended.subject != leaf.subject) revert NotSubject(ended.subject, leaf.subject);
        bytes32 fromId = _requireIn(from, ended, endedProof);
        if (!_wasWithdrawn(fromId, ended.index)) revert LeafStands(fromId, ended.index);
        _withdraw(to, leaf, proof, _msgSender());
    }

    function _withdraw(Batch calldata batch, Leaf memory leaf, bytes32[] calldata proof, address actor) private {
        _end(_requireIn(batch, leaf, proof), batch.assetId, leaf, Codes.ENDED_WITHDRAWN, actor);
    }

    // Other ends of a leaf.

    /// @inheritdoc IConsents
    function release(Batch calldata batch, Terms calldata terms, bytes32 manifestHash, Leaf calldata leaf, bytes32[] calldata proof)
        external
    {
        _requireTerms(batch, terms, manifestHash);
        address caller = _msgSender();
        if (caller != terms.controller) revert NotCollector(batch.assetId, caller);
        bytes32 batchId = _requireStanding(batch, leaf, proof);
        _end(batchId, batch.assetId, leaf, Codes.ENDED_RELEASED, caller);
    }

    /// @inheritdoc IConsents
    function challenge(
        Batch calldata batch,
        Terms calldata terms,
        bytes32 manifestHash,
        uint32 index,
        Consent calldata consent,
        bytes32[] calldata proof
    ) external {
        _requireTerms(batch, terms, manifestHash);
        Leaf memory leaf = Leaf({index: index, consentId: consentIdOf(consent), subject: consent.subject});
        bytes32 batchId = _requireStanding(batch, leaf, proof);
        uint8 field = ConsentTerms.narrowedField(consent, terms, batch.assetId);
        if (field == 0) revert TermsAreMet(batchId, index);
        bytes32 entity = Keys.asset(batch.assetId);
        _record(entity, LeafChallenged.selector, entity, batchId, leaf.consentId, abi.encode(terms.controller, field));
        _end(batchId, batch.assetId, leaf, Codes.ENDED_CHALLENGED, _msgSender());
    }

    /// @inheritdoc IConsents
    function strike(
        Batch calldata keptBatch,
        Leaf calldata kept,
        bytes32[] calldata keptProof,
        Batch calldata struckBatch,
        Leaf calldata struck,
        bytes32[] calldata struckProof
    ) external {
        if (kept.consentId != struck.consentId && kept.subject != struck.subject) {
            revert NotDuplicate(kept.consentId, struck.consentId);
        }
        bytes32 keptId = _requireStanding(keptBatch, kept, keptProof);
        bytes32 struckId = _requireStanding(struckBatch, struck, struckProof);
        if (keptId > struckId || (keptId == struckId && kept.index >= struck.index)) revert WrongOrder(keptId, struckId);
        _requireBound(keptId, struckBatch.assetId, keptBatch.assetId);
        _requireBound(struckId, struckBatch.assetId, struckBatch.assetId);
        _end(struckId, struckBatch.assetId, struck, Codes.ENDED_STRUCK, _msgSender());
    }

    /// @dev One funnel for every end.
    function _end(bytes32 batchId, uint256 assetId, Leaf memory leaf, uint8 cause, address actor) private {
        _setEnded(batchId, leaf.index, cause);
        (bool marked, uint64 live) = _countEnd(batchId, assetId);
        _recordEnd(batchId, assetId, leaf.consentId, abi.encode(leaf.index, leaf.subject, cause, actor, live));
        if (!marked || cause != Codes.ENDED_WITHDRAWN) return;
        if (_markAt(leaf.consentId, assetId, leaf.subject).state != PENDING) return;
        _resolve(assetId, leaf.consentId, leaf.subject, true, actor);
    }

    /// @dev One leaf less in the batch and, where the batch belongs to the asset's present binding, one live less. Each word is read
    /// once. Returns whether this end may answer a mark, and what lives after it.
    function _countEnd(bytes32 batchId, uint256 assetId) private returns (bool marked, uint64 live) {
        PackedBatch batch = _batches[batchId];
        Binding storage binding = _bindings[assetId];
        (uint32 version, uint32 pending) = (binding.version, binding.pending);
        live = binding.live;
        _batches[batchId] = batch.withOneLess();
        bool bound = version != 0 && batch.version() == version;
        // No underflow: every live one is a leaf that has not ended.
        unchecked {
            if (bound) binding.live = --live;
        }
        marked = bound && pending != 0;
    }

    function _recordEnd(bytes32 batchId, uint256 assetId, bytes32 consentId, bytes memory stated) private {
        _record(Keys.asset(assetId), LeafEnded.selector, Keys.asset(assetId), batchId, consentId, stated);
    }

    function _setEnded(bytes32 batchId, uint32 index, uint8 cause) private {
        uint256 bit = 1 << (index & 0xff);
        mapping(uint256 => uint256) storage words = _ended[batchId];
        uint256 word = words[index >> 8];
        if (word & bit != 0) revert AlreadyWithdrawn(batchId, index);
        words[index >> 8] = word | bit;
        if (cause != Codes.ENDED_WITHDRAWN) _endedByOthers[batchId][index >> 8] |= bit;
    }

    // Marks.

    /// @dev A dismissal is about one binding: after another, or at the subject's own word, the mark is pending again.
    function _mark(bytes32 consentId, uint256 assetId, address subject, address collector, bool bySubject) private {
        Mark storage mark = _markAt(consentId, assetId, subject);
        Binding storage binding = _bindings[assetId];
        if (mark.state == PENDING || mark.state == APPLIED) revert AlreadyMarked(consentId);
        bool unchanged = mark.version == binding.version && mark.bound == binding.bound;
        if (mark.state == DISMISSED && unchanged && !bySubject) revert AlreadyMarked(consentId);
        (mark.state, mark.collector) = (PENDING, collector);
        uint32 pending = ++binding.pending;
        bytes32 entity = Keys.asset(assetId);
        bytes memory stated = abi.encode(collector, pending);
        _record(entity, WithdrawalMarked.selector, entity, consentId, Keys.member(subject), stated);
    }

    function _resolve(uint256 assetId, bytes32 consentId, address subject, bool applied, address resolver) private {
        _markAt(consentId, assetId, subject).state = applied ? APPLIED : DISMISSED;
        uint32 pending = --_bindings[assetId].pending;
        bytes32 entity = Keys.asset(assetId);
        bytes memory stated = abi.encode(subject, applied, pending);
        _record(entity, WithdrawalResolved.selector, entity, consentId, Keys.member(resolver), stated);
    }

    function _markAt(bytes32 consentId, uint256 assetId, address subject) private view returns (Mark storage) {
        return _marks[keccak256(abi.encode(assetId, consentId, subject))];
    }

    // Guards.

    function _requireSigned(bytes32 digest, bytes calldata signature, address account) private view {
        if (!Signatures.isSignedBy(digest, signature, account)) revert BadSignature(account);
    }

    function _requireWithdrawal(bytes32 consentId, bytes calldata signature, address subject) private view {
        _requireSigned(_hashTypedDataV4(ConsentTypes.withdrawalHash(consentId)), signature, subject);
    }

    function _requireGranted(Batch calldata batch) private view returns (bytes32 batchId) {
        batchId = ConsentTypes.batchIdOf(batch);
        if (!_batches[batchId].isKnown()) revert UnknownBatch(batchId);
    }

    /// @dev The leaf is where it says, in a batch that was granted.
    function _requireIn(Batch calldata batch, Leaf memory leaf, bytes32[] calldata proof) private view returns (bytes32 batchId) {
        batchId = _requireGranted(batch);
        if (leaf.index >= batch.count) revert IndexOutOfRange(leaf.index, batch.count);
        bytes32 node = ConsentTree.leafOf(leaf.consentId, leaf.subject);
        if (!ConsentTree.holds(batch.root, batch.count, leaf.index, node, proof)) revert NotInBatch(batchId, leaf.index);
    }

    /// @dev As _requireIn, and the leaf has not ended.
    function _requireStanding(Batch calldata batch, Leaf memory leaf, bytes32[] calldata proof) private view returns (bytes32 batchId) {
        batchId = _requireIn(batch, leaf, proof);
        if (hasEnded(batchId, leaf.index)) revert LeafEndedAlready(batchId, leaf.index);
    }

    /// @dev The batch is of the asset and of its present binding.
    function _requireBound(bytes32 batchId, uint256 assetId, uint256 ofAsset) private view {
        uint32 version = _bindings[assetId].version;
        if (ofAsset != assetId || version == 0 || _batches[batchId].version() != version) revert NotInBinding(batchId, version);
    }

    function _requireTerms(Batch calldata batch, Terms calldata terms, bytes32 manifestHash) private pure {
        bytes32 termsHash = ConsentTypes.termsHash(terms, manifestHash);
        if (termsHash != batch.termsHash) revert UnknownBatch(ConsentTypes.batchIdOf(batch.assetId, batch.root, batch.count, termsHash));
    }

    function _wasWithdrawn(bytes32 batchId, uint32 index) private view returns (bool) {
        return hasEnded(batchId, index) && _endedByOthers[batchId][index >> 8] >> (index & 0xff) & 1 == 0;
    }

    // Views.

    /// @inheritdoc IConsents
    function consentIdOf(Consent calldata consent) public view returns (bytes32) {
        return _hashTypedDataV4(ConsentTypes.consentHash(consent));
    }

    /// @inheritdoc IConsents
    function batchIdOf(Batch calldata batch) public pure returns (bytes32) {
        return ConsentTypes.batchIdOf(batch);
    }

    /// @inheritdoc IConsents
    function batchState(bytes32 batchId) external view returns (BatchState memory) {
        return _batches[batchId].unpack();
    }

    /// @inheritdoc IConsents
    function basisState(uint256 assetId) external view returns (BasisState memory) {
        Binding memory binding = _bindings[assetId];
        return BasisState({
            version: binding.version,
            bound: binding.bound,
            live: binding.live,
            closed: binding.closed,
            pending: binding.pending,
            controller: binding.controller,
            recipient: binding.recipient,
            recipientClass: binding.recipientClass,
            purpose: binding.purpose,
            modes: binding.modes,
            crossBorder: binding.crossBorder,
            validFrom: binding.validFrom,
            validUntil: binding.validUntil
        });
    }

    /// @inheritdoc IConsents
    function hasEnded(bytes32 batchId, uint32 index) public view returns (bool) {
        return _ended[batchId][index >> 8] >> (index & 0xff) & 1 == 1;
    }

    /// @inheritdoc IConsents
    function markOf(bytes32 consentId, uint256 assetId, address subject) external view returns (uint8) {
        return _markAt(consentId, assetId, subject).state;
    }
}
