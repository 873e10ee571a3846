// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Data assets
/// @notice An ERC-721 token per data asset, with versions, lineage, class and grade. Its holder has all three rights
/// (HOLD > PROCESS > OPERATE) until some are granted on. Journal entity: the asset (`bytes32(assetId)`).
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
    event AssetCancelled(uint256 indexed assetId, address indexed holder, bytes32 documentHash);

    error UnknownKind(uint8 kind);
    error UnknownGrade(uint8 grade);
    error LevelNotOfGrade(uint8 grade, uint8 level);
    error CoreDataRefused();
    error SourceMissing();
    error ParentsNotOfKind(uint8 kind, uint256 parents);
    error TooManyParents(uint256 given, uint256 most);
    error UnorderedParents(uint256 position);
    error UnknownAsset(uint256 assetId);
    error AssetExists(uint256 assetId);
    error AssetIsCancelled(uint256 assetId);
    error GradeBelowParent(uint8 grade, uint256 parentId, uint8 parentGrade);
    error NotHolder(uint256 assetId, address account);
    error ZeroContentRoot();
    error ZeroRecordCount();
    error ZeroDescriptor();
    error RecordCountTooLarge(uint64 recordCount, uint64 most);
    error ZeroDocument();
    error AttesterIsParty(address attester);

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

    function assetIdOf(address registrant, bytes32 salt) external view returns (uint256);
    /// @notice versionKey = keccak256(abi.encode(assetId, contentRoot, recordCount, descriptorHash)).
    function versionKeyOf(uint256 assetId, Version calldata version) external pure returns (bytes32);
    /// @notice The asset; `state` ASSET_NONE and zeros where unknown (never reverts).
    function asset(uint256 assetId) external view returns (Asset memory);
    /// @notice Whether `account` has `right` in the asset now. Nobody has any in a cancelled one.
    function hasRight(uint256 assetId, address account, uint8 right) external view returns (bool);
}
