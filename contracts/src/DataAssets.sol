// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Context} from "@openzeppelin/contracts/utils/Context.sol";
import {IAttestations} from "./interfaces/IAttestations.sol";
import {ICases} from "./interfaces/ICases.sol";
import {IDataAssets} from "./interfaces/IDataAssets.sol";
import {IMembership} from "./interfaces/IMembership.sol";
import {Journal} from "./Journal.sol";
import {Codes} from "./libraries/Codes.sol";
import {Keys} from "./libraries/Keys.sol";
import {Relayed} from "./Relayed.sol";

/// @title Data assets
contract DataAssets is IDataAssets, ERC721, Journal, Relayed {
    struct Entry {
        uint8 state;
        uint8 kind;
        uint8 grade;
        uint8 level;
        bool personal;
        bool lowered; // graded below a parent: every version needs a DEIDENTIFICATION
        uint32 version;
        uint64 recordCount;
        uint32 grants; // rights that holders have granted; the serial of the last
        uint32 ended; // serials up to this one ended with a transfer
    }

    /// @dev One word. What is granted from a right has its serial, and so ends with it for ever.
    struct Right {
        address grantor;
        uint8 modes;
        uint16 purposes;
        uint40 validUntil;
        uint32 serial;
    }

    uint256 private constant MOST_PARENTS = 16;
    uint64 private constant MOST_RECORDS = 1 << 32;

    IMembership private immutable _membership;
    ICases private immutable _cases;
    IAttestations private immutable _attestations;

    mapping(uint256 assetId => Entry) private _entries;
    mapping(uint256 assetId => bytes32) private _versionKeys;
    mapping(uint256 assetId => mapping(address account => mapping(uint8 right => Right))) private _rights;

    constructor(IMembership membership, ICases cases, IAttestations attestations, address forwarder)
        ERC721("Deedbook Data Asset", "DEED")
        Relayed(forwarder)
    {
        _membership = membership;
        _cases = cases;
        _attestations = attestations;
    }

    // Acts.

    /// @inheritdoc IDataAssets
    function register(Registration calldata registration, Version calldata version) external returns (uint256 assetId) {
        return _register(registration, version, address(0));
    }

    /// @inheritdoc IDataAssets
    function registerDeidentified(Registration calldata registration, Version calldata version, address attester)
        external
        returns (uint256 assetId)
    {
        return _register(registration, version, attester);
    }

    /// @inheritdoc IDataAssets
    function publish(uint256 assetId, Version calldata version) external returns (uint32 number) {
        return _publishNext(assetId, version, address(0));
    }

    /// @inheritdoc IDataAssets
    function publishDeidentified(uint256 assetId, Version calldata version, address attester) external returns (uint32 number) {
        return _publishNext(assetId, version, attester);
    }

    /// @inheritdoc IDataAssets
    function cancel(uint256 assetId, bytes32 documentHash) external {
        address holder = _holder(assetId);
        if (documentHash == 0) revert ZeroDocument();
        _entries[assetId].state = Codes.ASSET_CANCELLED;
        _record(Keys.asset(assetId), AssetCancelled.selector, Keys.asset(assetId), Keys.member(holder), abi.encode(documentHash));
    }

    /// @inheritdoc IDataAssets
    function change(uint256 assetId, uint8 level, bytes32 sourceHash, bytes32 documentHash) external {
        address holder = _holder(assetId);
        _membership.requireGoodStanding(holder);
        _requireFree(assetId, 0);
        Entry storage entry = _entries[assetId];
        _checkGrade(entry.grade, level);
        if (sourceHash == 0) revert SourceMissing();
        if (documentHash == 0) revert ZeroDocument();
        entry.level = level;
        bytes memory stated = abi.encode(entry.grade, level, documentHash);
        _record(Keys.asset(assetId), AssetChanged.selector, Keys.asset(assetId), Keys.member(holder), sourceHash, stated);
    }

    /// @inheritdoc IDataAssets
    function grantRight(uint256 assetId, address account, uint8 right, Scope calldata scope, bytes32 documentHash) external {
        _usable(assetId);
        address grantor = _msgSender();
        uint32 serial = _requireGrantable(assetId, grantor, right, scope);
        if (account == grantor) revert GrantorIsGrantee(account);
        if (documentHash == 0) revert ZeroDocument();
        _membership.requireGoodStanding(grantor);
        _membership.requireRole(account, Codes.ROLE_PROVIDER);
        _requireFree(assetId, 0);
        if (_lives(assetId, _rights[assetId][account][right])) revert RightStands(assetId, account, right);
        _rights[assetId][account][right] =
            Right(grantor, uint8(scope.modes), scope.purposes, uint40(scope.validUntil), serial == 0 ? ++_entries[assetId].grants : serial);
        bytes memory stated = abi.encode(grantor, scope.modes, scope.purposes, scope.validUntil, documentHash);
        _recordRight(RightGranted.selector, assetId, account, right, stated);
    }

    /// @inheritdoc IDataAssets
    function endRight(uint256 assetId, address account, uint8 right, bytes32 documentHash) external {
        address holder = _ownerOf(assetId);
        Right memory ended = _rights[assetId][account][right];
        if (!_lives(assetId, ended)) revert RightMissing(assetId, account, right);
        address caller = _msgSender();
        if (caller != ended.grantor && caller != account && caller != holder) revert NotHolder(assetId, caller);
        if (documentHash == 0) revert ZeroDocument();
        delete _rights[assetId][account][right];
        _recordRight(RightEnded.selector, assetId, account, right, abi.encode(caller, documentHash));
    }

    // Views.

    /// @inheritdoc IDataAssets
    function assetIdOf(address registrant, bytes32 salt) public view returns (uint256) {
        return uint256(keccak256(abi.encode(block.chainid, address(this), registrant, salt)));
    }

    /// @inheritdoc IDataAssets
    function versionKeyOf(uint256 assetId, Version calldata version) public pure returns (bytes32) {
        return keccak256(abi.encode(assetId, version));
    }

    /// @inheritdoc IDataAssets
    function asset(uint256 assetId) public view returns (Asset memory) {
        Entry memory entry = _entries[assetId];
        return Asset({
            state: entry.state,
            kind: entry.kind,
            grade: entry.grade,
            level: entry.level,
            personal: entry.personal,
            version: entry.version,
            recordCount: entry.recordCount,
            holder: _ownerOf(assetId),
            versionKey: _versionKeys[assetId]
        });
    }

    /// @inheritdoc IDataAssets
    function hasRight(uint256 assetId, address account, uint8 right) external view returns (bool) {
        if (right < Codes.RIGHT_HOLD || right > Codes.RIGHT_OPERATE) return false;
        if (_entries[assetId].state != Codes.ASSET_REGISTERED) return false;
        return _ownerOf(assetId) == account || _lives(assetId, _rights[assetId][account][right]);
    }

    /// @inheritdoc IDataAssets
    function operated(uint256 assetId, address account, uint16 mode, uint16 purpose)
        external
        view
        returns (Asset memory found, bool operates)
    {
        found = asset(assetId);
        if (found.state != Codes.ASSET_REGISTERED) return (found, false);
        if (found.holder == account) return (found, true);
        Right memory right = _rights[assetId][account][Codes.RIGHT_OPERATE];
        bool covers = mode != 0 && mode & ~uint16(right.modes) == 0 && (uint256(right.purposes) >> purpose) & 1 == 1;
        return (found, covers && _lives(assetId, right));
    }

    /// @inheritdoc IDataAssets
    function rightOf(uint256 assetId, address account, uint8 right) external view returns (address grantor, Scope memory scope) {
        Right memory found = _rights[assetId][account][right];
        return (found.grantor, Scope(found.modes, found.purposes, found.validUntil));
    }

    // Registration.

    function _register(Registration calldata registration, Version calldata version, address attester) private returns (uint256 assetId) {
        address registrant = _msgSender();
        _membership.requireOpen();
        _membership.requireRole(registrant, Codes.ROLE_PROVIDER);
        _checkClass(registration);
        assetId = assetIdOf(registrant, registration.salt);
        if (_entries[assetId].state != Codes.ASSET_NONE) revert AssetExists(assetId);
        (bool personal, bool lowered) = _inherit(registration, attester);
        _enter(assetId, registration, personal, lowered);
        _mint(registrant, assetId);
        _recordRegistration(assetId, registrant, registration, personal);
        if (lowered || version.contentRoot != 0) _publish(assetId, version, registrant, attester);
    }

    function _checkClass(Registration calldata registration) private pure {
        uint8 kind = registration.kind;
        if (kind < Codes.KIND_PERSONAL || kind > Codes.KIND_DERIVED) revert UnknownKind(kind);
        _checkGrade(registration.grade, registration.level);
        if (registration.sourceHash == 0) revert SourceMissing();
        uint256 parents = registration.parents.length;
        if ((kind == Codes.KIND_DERIVED) != (parents != 0)) revert ParentsNotOfKind(kind, parents);
        if (parents > MOST_PARENTS) revert TooManyParents(parents, MOST_PARENTS);
    }

    function _checkGrade(uint8 grade, uint8 level) private pure {
        if (grade == Codes.GRADE_CORE) revert CoreDataRefused();
        if (grade != Codes.GRADE_GENERAL && grade != Codes.GRADE_IMPORTANT) revert UnknownGrade(grade);
        bool levelled = grade == Codes.GRADE_GENERAL;
        if (levelled ? level < 1 || level > 4 : level != 0) revert LevelNotOfGrade(grade, level);
    }

    /// @dev What comes with the parents: persons, and a grade that only a DEIDENTIFICATION can lower.
    function _inherit(Registration calldata registration, address attester) private view returns (bool personal, bool lowered) {
        personal = registration.kind == Codes.KIND_PERSONAL;
        uint256 former = 0;
        for (uint256 i = 0; i < registration.parents.length; ++i) {
            uint256 parentId = registration.parents[i];
            if (i != 0 && parentId <= former) revert UnorderedParents(i);
            former = parentId;
            Entry storage parent = _usable(parentId);
            _requireFree(parentId, 0);
            if (parent.personal) personal = true;
            if (parent.grade <= registration.grade) continue;
            if (attester == address(0)) revert GradeBelowParent(registration.grade, parentId, parent.grade);
            lowered = true;
        }
    }

    function _enter(uint256 assetId, Registration calldata registration, bool personal, bool lowered) private {
        _entries[assetId] = Entry({
            state: Codes.ASSET_REGISTERED,
            kind: registration.kind,
            grade: registration.grade,
            level: registration.level,
            personal: personal,
            lowered: lowered,
            version: 0,
            recordCount: 0,
            grants: 0,
            ended: 0
        });
    }

    function _recordRegistration(uint256 assetId, address registrant, Registration calldata registration, bool personal) private {
        _record(
            Keys.asset(assetId),
            AssetRegistered.selector,
            Keys.asset(assetId),
            Keys.member(registrant),
            registration.sourceHash,
            abi.encode(registration.salt, registration.kind, registration.grade, registration.level, personal, registration.parents)
        );
    }

    // Versions.

    function _publishNext(uint256 assetId, Version calldata version, address attester) private returns (uint32) {
        address holder = _holder(assetId);
        _membership.requireGoodStanding(holder);
        _requireFree(assetId, versionKeyOf(assetId, version));
        return _publish(assetId, version, holder, attester);
    }

    function _publish(uint256 assetId, Version calldata version, address holder, address attester) private returns (uint32 number) {
        _checkVersion(version);
        bytes32 versionKey = versionKeyOf(assetId, version);
        Entry storage entry = _entries[assetId];
        if (entry.lowered) _requireDeidentified(versionKey, holder, attester);
        number = ++entry.version;
        entry.recordCount = version.recordCount;
        _versionKeys[assetId] = versionKey;
        _record(
            Keys.asset(assetId), VersionPublished.selector, Keys.asset(assetId), bytes32(uint256(number)), versionKey, abi.encode(version)
        );
    }

    function _checkVersion(Version calldata version) private pure {
        if (version.contentRoot == 0) revert ZeroContentRoot();
        if (version.recordCount == 0) revert ZeroRecordCount();
        if (version.recordCount > MOST_RECORDS) revert RecordCountTooLarge(version.recordCount, MOST_RECORDS);
        if (version.descriptorHash == 0) revert ZeroDescriptor();
    }

    function _requireDeidentified(bytes32 versionKey, address holder, address attester) private view {
        if (attester == holder) revert AttesterIsParty(attester);
        _attestations.requireLive(versionKey, Codes.ATTEST_DEIDENTIFICATION, attester);
    }

    // Rights.

    /// @dev The grantor's own right covers the scope. Returns its serial, or zero where the grantor holds the asset.
    function _requireGrantable(uint256 assetId, address grantor, uint8 right, Scope calldata scope) private view returns (uint32) {
        if (right != Codes.RIGHT_PROCESS && right != Codes.RIGHT_OPERATE) revert UnknownRight(right);
        if (scope.modes == 0 || scope.purposes == 0) revert ScopeEmpty();
        if (scope.validUntil < _time()) revert ValidityInThePast(scope.validUntil, _time());
        Right memory own = Right(grantor, uint8(Codes.MODES_ALL), type(uint16).max, type(uint40).max, 0);
        if (_ownerOf(assetId) != grantor) {
            if (right == Codes.RIGHT_PROCESS) revert NotHolder(assetId, grantor);
            own = _rights[assetId][grantor][Codes.RIGHT_PROCESS];
            if (!_lives(assetId, own)) revert RightMissing(assetId, grantor, Codes.RIGHT_PROCESS);
        }
        if (scope.modes & ~uint16(own.modes) != 0 || scope.purposes & ~own.purposes != 0 || scope.validUntil > own.validUntil) {
            revert ScopeTooWide(assetId, own.modes, own.purposes, own.validUntil);
        }
        return own.serial;
    }

    /// @dev In its term, granted since the last transfer, by the holder or from a PROCESS right that was not ended since. That one
    /// has a wider scope and a longer term: no need to look at them.
    function _lives(uint256 assetId, Right memory right) private view returns (bool) {
        Entry memory entry = _entries[assetId];
        if (entry.state != Codes.ASSET_REGISTERED) return false;
        if (right.serial <= entry.ended || _time() > right.validUntil) return false;
        return right.grantor == _ownerOf(assetId) || _rights[assetId][right.grantor][Codes.RIGHT_PROCESS].serial == right.serial;
    }

    /// @dev A transfer ends them all.
    function _endRights(uint256 assetId) private {
        Entry storage entry = _entries[assetId];
        if (entry.ended != entry.grants) entry.ended = entry.grants;
    }

    function _recordRight(bytes32 signature, uint256 assetId, address account, uint8 right, bytes memory stated) private {
        _record(Keys.asset(assetId), signature, Keys.asset(assetId), Keys.member(account), bytes32(uint256(right)), stated);
    }

    // The token. What OpenZeppelin emits is folded where it is emitted.

    function _update(address to, uint256 assetId, address by) internal override returns (address from) {
        // Only a registration mints: what it has not entered does not exist, whoever asks.
        _usable(assetId);
        if (_ownerOf(assetId) != address(0)) {
            _checkMove(assetId, to, by);
            _endRights(assetId);
        }
        from = super._update(to, assetId, by);
        _foldEmitted(Keys.asset(assetId), abi.encode(IERC721.Transfer.selector, from, to, assetId));
    }

    function _approve(address to, uint256 assetId, address by, bool emitEvent) internal override {
        if (to != address(0)) {
            _usable(assetId);
            _checkMove(assetId, to, by);
        }
        super._approve(to, assetId, by, emitEvent);
        if (emitEvent) {
            _foldEmitted(Keys.asset(assetId), abi.encode(IERC721.Approval.selector, _ownerOf(assetId), to, assetId));
        }
    }

    function _setApprovalForAll(address holder, address to, bool approved) internal override {
        if (approved) _requireMembers(holder, to, to);
        super._setApprovalForAll(holder, to, approved);
        _foldEmitted(Keys.member(holder), abi.encode(IERC721.ApprovalForAll.selector, holder, to, approved));
    }

    /// @dev A token moves, or may be moved, only among members and while nothing holds it. Giving up an approval needs nothing.
    function _checkMove(uint256 assetId, address to, address by) private view {
        _requireFree(assetId, 0);
        _requireMembers(_ownerOf(assetId), to, by);
    }

    function _requireMembers(address holder, address to, address by) private view {
        _membership.requireGoodStanding(holder);
        if (to != holder) _membership.requireGoodStanding(to);
        if (by != holder && by != to) _membership.requireGoodStanding(by);
    }

    // Guards.

    /// @dev The caller, when it holds the asset.
    function _holder(uint256 assetId) private view returns (address caller) {
        _usable(assetId);
        caller = _msgSender();
        if (_ownerOf(assetId) != caller) revert NotHolder(assetId, caller);
    }

    function _usable(uint256 assetId) private view returns (Entry storage entry) {
        entry = _entries[assetId];
        if (entry.state == Codes.ASSET_NONE) revert UnknownAsset(assetId);
        if (entry.state == Codes.ASSET_CANCELLED) revert AssetIsCancelled(assetId);
    }

    function _requireFree(uint256 assetId, bytes32 versionKey) private view {
        _cases.requireFree(Keys.asset(assetId), versionKey, 0, 0);
    }

    // The member behind the forwarder.

    function _msgSender() internal view override(Context, ERC2771Context) returns (address) {
        return ERC2771Context._msgSender();
    }

    function _msgData() internal view override(Context, ERC2771Context) returns (bytes calldata) {
        return ERC2771Context._msgData();
    }

    function _contextSuffixLength() internal view override(Context, ERC2771Context) returns (uint256) {
        return ERC2771Context._contextSuffixLength();
    }
}
