// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Consents
/// @notice Consent batches, their bindings to versions, and withdrawals. A batch of any size is one storage word; a
/// withdrawal is one bit. Journal entity: the asset (`bytes32(assetId)`).
///
/// EIP-712 domain: name "Deedbook Consent", version "1", chain id, this contract. Types (docs/formats.md):
///   Consent(address subject,uint256 assetId,address controller,address recipient,uint16 recipientClass,uint16 purpose,
///     uint16 modes,bool crossBorder,bytes32 noticeHash,bytes32 recordCommit,uint64 validFrom,uint64 validUntil,
///     string statement,bytes32 salt)
///   Receipt(bytes32 consentId,uint256 assetId,address subject)
///   Withdrawal(bytes32 consentId)
interface IConsents {
    /// What was signed; the statement travels as its keccak256, which is what EIP-712 hashes.
    struct Consent {
        address subject;
        uint256 assetId;
        address controller;
        address recipient;
        uint16 recipientClass;
        uint16 purpose;
        uint16 modes;
        bool crossBorder;
        bytes32 noticeHash;
        bytes32 recordCommit;
        uint64 validFrom;
        uint64 validUntil;
        bytes32 statementHash;
        bytes32 salt;
    }

    /// What every leaf of a batch grants at least.
    struct Terms {
        address controller;
        address recipient;
        uint16 recipientClass;
        uint16 purpose;
        uint16 modes;
        bool crossBorder;
        bytes32 noticeHash;
        uint64 validFrom;
        uint64 validUntil;
    }

    /// A batch as its maker stated it; termsHash = keccak256(abi.encode(terms, manifestHash)) and
    /// batchId = keccak256(abi.encode(BATCH_TAG, assetId, root, count, termsHash)), BATCH_TAG = keccak256("deedbook.batch.v1").
    struct Batch {
        uint256 assetId;
        bytes32 root;
        uint32 count;
        bytes32 termsHash;
    }

    /// One batch of a binding, with the auditor relied on (zero for a direct grant).
    struct Basis {
        bytes32 root;
        uint32 count;
        Terms terms;
        bytes32 manifestHash;
        address auditor;
    }

    /// A place in a batch: leaf = keccak256(keccak256(abi.encode(LEAF_TAG, consentId, subject))),
    /// LEAF_TAG = keccak256("deedbook.leaf.v1"), at position `index`; sides by the bits of index, padding leaf bytes32(0).
    struct Leaf {
        uint32 index;
        bytes32 consentId;
        address subject;
    }

    struct BatchState {
        uint32 count; // 0: unknown
        uint32 withdrawn; // ended leaves, for whatever reason
        uint32 version; // the version whose binding it belongs to; 0 none
        bool direct; // granted with the signature on chain
    }

    /// The basis of the version that was last bound to.
    struct BasisState {
        uint32 version; // 0: none
        uint64 bound; // sum of the counts
        uint64 live; // sum of (count - withdrawn)
        bool closed; // bound == recordCount
        uint32 pending; // withdrawals by receipt not yet applied (of the asset, whatever the version)
        address controller;
        address recipient;
        uint16 recipientClass;
        uint16 purpose;
        uint16 modes; // AND
        bool crossBorder; // AND
        uint64 validFrom; // max
        uint64 validUntil; // min
    }

    event BatchGranted(
        bytes32 indexed batchId,
        uint256 indexed assetId,
        address indexed collector,
        bytes32 root,
        uint32 count,
        Terms terms,
        bytes32 manifestHash
    );
    /// A batch of one, its signature checked on chain. Also carries what a verifier needs to compute the consentId again.
    event ConsentGranted(bytes32 indexed batchId, uint256 indexed assetId, bytes32 indexed consentId, Consent consent);
    event BatchBound(
        uint256 indexed assetId,
        uint32 indexed version,
        bytes32 indexed batchId,
        uint64 offset,
        uint32 count,
        uint32 withdrawn,
        address auditor
    );
    event BindingClosed(uint256 indexed assetId, uint32 indexed version, uint64 recordCount, uint64 live);
    /// A leaf ended. `live` is the asset's live count after it (of the binding that the batch belongs to, else unchanged).
    event LeafEnded(
        uint256 indexed assetId,
        bytes32 indexed batchId,
        bytes32 indexed consentId,
        uint32 index,
        address subject,
        uint8 cause,
        address actor,
        uint64 live
    );
    event LeafChallenged(uint256 indexed assetId, bytes32 indexed batchId, bytes32 indexed consentId, address collector, uint8 field);
    event WithdrawalMarked(uint256 indexed assetId, bytes32 indexed consentId, address indexed subject, address collector, uint32 pending);
    event WithdrawalResolved(
        uint256 indexed assetId, bytes32 indexed consentId, address indexed resolver, address subject, bool applied, uint32 pending
    );

    /// A batch has consents.
    error ZeroCount();
    /// A batch has a root.
    error ZeroRoot();
    /// A consent is somebody's.
    error ZeroSubject();
    /// A consent names the notice that was read.
    error ZeroNotice();
    /// Consents are for one known purpose.
    error UnknownPurpose(uint16 purpose);
    /// Consents permit known modes, at least one.
    error UnknownModes(uint16 modes);
    /// Consents name a recipient or a class of recipients.
    error RecipientMissing();
    /// Consents begin before they end.
    error ValidityReversed(uint64 validFrom, uint64 validUntil);
    /// Consents that are over are neither granted nor bound.
    error ConsentExpired(bytes32 batchId, uint64 validUntil);
    /// A batch is granted, and a version bound, by the controller itself: the holder, or who alone can register the asset.
    error NotController(uint256 assetId, address account);
    /// A batch is granted once.
    error BatchExists(bytes32 batchId);
    /// Only what was granted counts.
    error UnknownBatch(bytes32 batchId);
    /// A consent, a receipt and a withdrawal are signed by whom they name.
    error BadSignature(address expected);
    /// A place in a batch is proved.
    error NotInBatch(bytes32 batchId, uint32 index);
    /// A batch has as many places as consents.
    error IndexOutOfRange(uint32 index, uint32 count);
    /// A leaf ends once, for whatever reason.
    error AlreadyWithdrawn(bytes32 batchId, uint32 index);
    /// A consent is withdrawn by the person who gave it.
    error NotSubject(address account, address subject);
    /// A receipt, and a release, are of a collector who granted a batch for the asset.
    error NotCollector(uint256 assetId, address account);
    /// A withdrawal by receipt is marked once, until the binding changes or the person says it again.
    error AlreadyMarked(bytes32 consentId);
    /// Only a marked withdrawal is applied or dismissed.
    error NotMarked(bytes32 consentId);
    /// A mark is dismissed by an auditor who is no party.
    error DismisserIsParty(bytes32 consentId, address account);
    /// A challenge shows a consent that grants less than its batch states.
    error TermsAreMet(bytes32 batchId, uint32 index);
    /// A strike shows two leaves of one consent or one person.
    error NotDuplicate(bytes32 kept, bytes32 struck);
    /// Of two leaves of one person the earlier one stays.
    error WrongOrder(bytes32 kept, bytes32 struck);
    /// Strikes, and answers to marks, are about the present binding.
    error NotInBinding(bytes32 batchId, uint32 version);
    /// A leaf that has ended is not challenged, struck or released.
    error LeafEndedAlready(bytes32 batchId, uint32 index);
    /// A withdrawal is carried over from a leaf that was withdrawn.
    error LeafStands(bytes32 batchId, uint32 index);
    /// A withdrawal is carried over to a leaf of the same consent.
    error DifferentConsent(bytes32 expected, bytes32 given);
    /// Only the current version is given a basis.
    error VersionNotCurrent(uint256 assetId, uint32 version, uint32 current);
    /// A cancelled asset gets no consents and no basis.
    error AssetNotUsable(uint256 assetId, uint8 state);
    /// A binding has batches.
    error NoBatches();
    /// A call binds at most sixty-four batches.
    error TooManyBatches(uint256 given, uint256 most);
    /// Batches are bound in ascending order, each once.
    error UnorderedBatches(uint256 position);
    /// A batch belongs to one binding, once.
    error AlreadyBound(bytes32 batchId, uint32 version);
    /// A closed binding stays as it is.
    error BindingIsClosed(uint256 assetId, uint32 version);
    /// A binding has no more consents than the version has records.
    error BindingOverflows(uint256 assetId, uint64 bound, uint64 recordCount);
    /// Bound batches agree on controller, recipient, class and purpose.
    error TermsDisagree(bytes32 batchId, uint8 field);
    /// A batch is audited by another than its controller.
    error AuditorIsParty(address auditor);

    /// @notice Anchors a batch of `count` signed consents. Requirements: the caller is `terms.controller`, in good standing,
    /// PROVIDER, and holds the asset - or, while the asset is not registered, `assetId` is its own by `salt`. Emits BatchGranted.
    function grantBatch(uint256 assetId, bytes32 salt, bytes32 root, uint32 count, Terms calldata terms, bytes32 manifestHash)
        external
        returns (bytes32 batchId);
    /// @notice A batch of one, its signature (EOA 64 or 65 bytes with low s, or ERC-1271) checked here. Caller as for grantBatch.
    function grant(Consent calldata consent, bytes32 assetSalt, bytes calldata signature) external returns (bytes32 batchId);
    /// @notice Gives the asset's current version its legal basis. Requirements: holder (the batches' controller) in good standing;
    /// at most 64 batches a call, strictly ascending ids; each one granted, not yet of this binding, agreeing with the others on
    /// controller, recipient, class and purpose, with a live CONSENT_AUDIT by an AUDITOR who is no party (not for a direct grant);
    /// counts never above recordCount. A new version's first bind ends the former binding. Emits BatchBound, BindingClosed.
    function bind(uint256 assetId, uint32 version, Basis[] calldata batches) external;

    /// @notice Withdraws by the subject's own (direct or relayed) transaction. Unconditional.
    function withdraw(Batch calldata batch, Leaf calldata leaf, bytes32[] calldata proof) external;
    /// @notice Withdraws by the subject's typed signature Withdrawal(consentId), sent by anyone.
    function withdrawFor(Batch calldata batch, Leaf calldata leaf, bytes32[] calldata proof, bytes calldata signature) external;
    /// @notice Withdraws without a proof: by the collector's receipt and the subject's transaction or Withdrawal signature
    /// (`withdrawal` empty: the caller is the subject). Marks the consentId and stops the asset's orders and deliveries. A mark is of
    /// consentId, asset and subject together: a receipt about somebody else's consent stands in nobody's way. That the signer of the
    /// receipt collects for the asset is shown by any batch that it granted (`batch` with its terms and manifest, as BatchGranted or
    /// ConsentGranted state them): the receipt is for `batch.assetId`, by `terms.controller`.
    function withdrawByReceipt(
        bytes32 consentId,
        address subject,
        Batch calldata batch,
        Terms calldata terms,
        bytes32 manifestHash,
        bytes calldata receipt,
        bytes calldata withdrawal
    ) external;
    /// @notice Anyone applies the proof to a marked consentId: ends the leaf if it still stands and, where its batch is bound, clears
    /// the mark (a leaf outside the binding is no answer to a mark: a collector could have made it up).
    function applyMark(Batch calldata batch, Leaf calldata leaf, bytes32[] calldata proof) external;
    /// @notice An AUDITOR who is no party (neither the holder nor the collector who gave the receipt) states that no bound batch
    /// holds the marked consentId. It can be marked again when the binding has changed since, or by the subject's own transaction.
    function dismissMark(bytes32 consentId, uint256 assetId, address subject) external;
    /// @notice Anyone carries a withdrawal over to another leaf of the same consentId.
    function carryWithdrawal(
        Batch calldata from,
        Leaf calldata ended,
        bytes32[] calldata endedProof,
        Batch calldata to,
        Leaf calldata leaf,
        bytes32[] calldata proof
    ) external;
    /// @notice The collector irrevocably gives up one leaf (a person who lost the key).
    function release(Batch calldata batch, Terms calldata terms, bytes32 manifestHash, Leaf calldata leaf, bytes32[] calldata proof)
        external;
    /// @notice Anyone shows a leaf whose own consent grants less than the batch states. Ends it and names the collector.
    function challenge(
        Batch calldata batch,
        Terms calldata terms,
        bytes32 manifestHash,
        uint32 index,
        Consent calldata consent,
        bytes32[] calldata proof
    ) external;
    /// @notice Anyone shows two live leaves of one consentId or one subject in the same binding; the later one
    /// ((batchId, index) in ascending order) ends.
    function strike(
        Batch calldata keptBatch,
        Leaf calldata kept,
        bytes32[] calldata keptProof,
        Batch calldata struckBatch,
        Leaf calldata struck,
        bytes32[] calldata struckProof
    ) external;

    function consentIdOf(Consent calldata consent) external view returns (bytes32);
    function batchIdOf(Batch calldata batch) external pure returns (bytes32);
    function batchState(bytes32 batchId) external view returns (BatchState memory);
    function basisState(uint256 assetId) external view returns (BasisState memory);
    /// @notice Whether the leaf at this position has ended.
    function hasEnded(bytes32 batchId, uint32 index) external view returns (bool);
    /// @notice 0 unmarked, 1 pending, 2 applied, 3 dismissed.
    function markOf(bytes32 consentId, uint256 assetId, address subject) external view returns (uint8);
}
