// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Data assets
/// @notice An ERC-721 token per data asset, with versions, lineage, class and grade. Its holder has all three rights
/// (HOLD > PROCESS > OPERATE) and grants the lower ones on; a cancellation, an objection (Cases) and a transfer complete the six
/// registration acts. Journal entity: the asset (`bytes32(assetId)`).
interface IDataAssets {
    struct Registration {
        bytes32 salt; // assetId = uint256(keccak256(abi.encode(chainId, DataAssets, registrant, salt)))
        uint8 kind; // Codes.KIND_*
        uint8 grade; // Codes.GRADE_*
        uint8 level; // 1 to 4 inside GENERAL, else 0
        bytes32 sourceHash; // SHA-256 of the source statement
        uint256[] parents; // ascending, at most 16; DERIVED only, and then at least one
    }

    struct Version {
        bytes32 contentRoot; // RFC 9162 root over the SHA-256 of the sealed units
        uint64 recordCount; // at most 2^32
        bytes32 descriptorHash; // SHA-256 of the public descriptor
    }

    struct Asset {
        uint8 state; // Codes.ASSET_*
        uint8 kind;
        uint8 grade;
        uint8 level;
        bool personal; // PERSONAL, or an ancestor is
        uint32 version; // the current one, from 1; 0 while none is published
        uint64 recordCount; // of the current version
        address holder;
        bytes32 versionKey; // of the current version
    }

    /// What a right covers, and until when; inside the scope and the term of the right that it was granted from.
    struct Scope {
        uint16 modes; // Codes.MODE_*, any set
        uint16 purposes; // bits (1 << Codes.PURPOSE_*), any set
        uint64 validUntil; // Unix seconds; the last one
    }

    event AssetRegistered(
        uint256 indexed assetId,
        address indexed registrant,
        bytes32 indexed sourceHash,
        bytes32 salt,
        uint8 kind,
        uint8 grade,
        uint8 level,
        bool personal,
        uint256[] parents
    );
    event VersionPublished(
        uint256 indexed assetId,
        uint32 indexed version,
        bytes32 indexed versionKey,
        bytes32 contentRoot,
        uint64 recordCount,
        bytes32 descriptorHash
    );
    /// The registered particulars changed: another level inside the grade, another source statement.
    event AssetChanged(
        uint256 indexed assetId, address indexed holder, bytes32 indexed sourceHash, uint8 grade, uint8 level, bytes32 documentHash
    );
    /// A licence: PROCESS from the holder, or OPERATE from the holder or from whoever has PROCESS.
    event RightGranted(
        uint256 indexed assetId,
        address indexed account,
        uint8 indexed right,
        address grantor,
        uint16 modes,
        uint16 purposes,
        uint64 validUntil,
        bytes32 documentHash
    );
    event RightEnded(uint256 indexed assetId, address indexed account, uint8 indexed right, address by, bytes32 documentHash);
    event AssetCancelled(uint256 indexed assetId, address indexed holder, bytes32 documentHash);

    /// An asset is personal, of an enterprise, public or derived.
    error UnknownKind(uint8 kind);
    /// Data are GENERAL, IMPORTANT or CORE.
    error UnknownGrade(uint8 grade);
    /// GENERAL data have a level from 1 to 4, others none.
    error LevelNotOfGrade(uint8 grade, uint8 level);
    /// CORE data are not registered.
    error CoreDataRefused();
    /// An asset states its source.
    error SourceMissing();
    /// DERIVED assets have parents, others none.
    error ParentsNotOfKind(uint8 kind, uint256 parents);
    /// An asset has at most sixteen parents.
    error TooManyParents(uint256 given, uint256 most);
    /// Parents ascend, each once.
    error UnorderedParents(uint256 position);
    /// Only what was registered can be acted on.
    error UnknownAsset(uint256 assetId);
    /// An asset is registered once.
    error AssetExists(uint256 assetId);
    /// A cancelled asset is never acted on again.
    error AssetIsCancelled(uint256 assetId);
    /// A derived asset has at least the grade of its parents, unless de-identified.
    error GradeBelowParent(uint8 grade, uint256 parentId, uint8 parentGrade);
    /// An asset's own acts are its holder's.
    error NotHolder(uint256 assetId, address account);
    /// A version binds its content.
    error ZeroContentRoot();
    /// A version has records.
    error ZeroRecordCount();
    /// A version is described in public.
    error ZeroDescriptor();
    /// A version has at most 2^32 records.
    error RecordCountTooLarge(uint64 recordCount, uint64 most);
    /// A change, a licence, its end and a cancellation name their document.
    error ZeroDocument();
    /// A DEIDENTIFICATION is stated by another than the holder.
    error AttesterIsParty(address attester);
    /// PROCESS and OPERATE are granted; to hold is to own the token.
    error UnknownRight(uint8 right);
    /// A right is granted from the one above it, and ended only where there is one.
    error RightMissing(uint256 assetId, address account, uint8 right);
    /// A right that lives is ended before it is granted anew.
    error RightStands(uint256 assetId, address account, uint8 right);
    /// A right covers some mode and some purpose.
    error ScopeEmpty();
    /// The scope and term that the grantor has.
    /// A right lies within the scope and the term of the one it is granted from.
    error ScopeTooWide(uint256 assetId, uint16 modes, uint16 purposes, uint64 validUntil);
    /// A right ends later than it is granted.
    error ValidityInThePast(uint64 validUntil, uint64 time);
    /// Nobody grants a right to itself.
    error GrantorIsGrantee(address account);

    /// @notice First registration. Requirements: PROVIDER; source statement; not CORE; parents known, not cancelled, not held,
    /// grade at least theirs. `version.contentRoot` zero registers without a version. Emits Transfer, AssetRegistered and,
    /// with a version, VersionPublished.
    function register(Registration calldata registration, Version calldata version) external returns (uint256 assetId);
    /// @notice As register, of a DERIVED asset graded below a parent: its version needs a live DEIDENTIFICATION by `attester`, who is
    /// not the registrant; and so will every later version of it.
    function registerDeidentified(Registration calldata registration, Version calldata version, address attester)
        external
        returns (uint256 assetId);
    /// @notice Publishes the next version; the former is superseded. Requirements: holder in good standing; not cancelled; not held.
    function publish(uint256 assetId, Version calldata version) external returns (uint32 number);
    /// @notice As publish, of an asset that was registered below a parent's grade.
    function publishDeidentified(uint256 assetId, Version calldata version, address attester) external returns (uint32 number);
    /// @notice Cancels for ever: no version, listing, order or transfer after it. Withdrawals go on. Requirements: holder.
    function cancel(uint256 assetId, bytes32 documentHash) external;

    /// @notice Changes the level inside GENERAL and the source statement. The grade stays what it was registered with: whatever was
    /// derived since relies on it. Requirements: holder in good standing; not cancelled; not held. Emits AssetChanged.
    function change(uint256 assetId, uint8 level, bytes32 sourceHash, bytes32 documentHash) external;
    /// @notice Grants PROCESS (the holder) or OPERATE (the holder, or an account with PROCESS, within its scope and term).
    /// Requirements: grantor in good standing, another account than the grantee; grantee in good standing with role PROVIDER; none
    /// standing for (asset, account, right); not cancelled; not held. A right lives while the one it was granted from lives: it
    /// ends with its term, with the right of its grantor, with a transfer of the asset and with its cancellation, and never comes
    /// back: granted again, it is another one. Emits RightGranted.
    function grantRight(uint256 assetId, address account, uint8 right, Scope calldata scope, bytes32 documentHash) external;
    /// @notice Ends a right that lives, and with it what was granted from it. Requirements: its grantor, its grantee or the holder of
    /// the asset, whatever their standing. Emits RightEnded.
    function endRight(uint256 assetId, address account, uint8 right, bytes32 documentHash) external;

    function assetIdOf(address registrant, bytes32 salt) external view returns (uint256);
    /// @notice versionKey = keccak256(abi.encode(assetId, contentRoot, recordCount, descriptorHash)).
    function versionKeyOf(uint256 assetId, Version calldata version) external pure returns (bytes32);
    /// @notice The asset; `state` ASSET_NONE and zeros where unknown (never reverts).
    function asset(uint256 assetId) external view returns (Asset memory);
    /// @notice Whether `account` has `right` in the asset now, in whatever scope. Nobody has any in a cancelled one. The holder has all.
    function hasRight(uint256 assetId, address account, uint8 right) external view returns (bool);
    /// @notice The asset, and whether `account` may operate it now in this mode (one bit) for this purpose (never reverts).
    function operated(uint256 assetId, address account, uint16 mode, uint16 purpose)
        external
        view
        returns (Asset memory asset, bool operates);
    /// @notice The right as it was granted last, live or not; `grantor` zero where there is none or it was ended.
    function rightOf(uint256 assetId, address account, uint8 right) external view returns (address grantor, Scope memory scope);
}
