// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Copied} from "./Copied.t.sol";

/// @title A deployment that a fuzzer plays with
/// @dev Every act is by any of a few accounts on any of a few targets, direct or relayed, and may be refused; the replay
/// follows all that is logged. What must hold is asked by the `assert` functions, at any time.
contract Book is Copied {
    uint256 private constant MOST_ASSETS = 6;

    uint256 public refused;
    uint256 public accepted;
    uint256[] private _assets;
    mapping(uint256 assetId => uint256[]) private _parents;
    mapping(address account => bool) private _expelled;
    mapping(uint256 assetId => address) private _holderAtCancellation;

    function setUp() public override {
        super.setUp();
        // Four who can hold rights, and enough acts about them.
        uint64 until = START + 10 * YEAR;
        vm.startPrank(admin);
        membership.change(reviewer, IMembership.Admission(0, 156, Codes.ROLE_REVIEWER | Codes.ROLE_PROVIDER, until, new uint16[](0)));
        membership.change(auditor, IMembership.Admission(0, 156, Codes.ROLE_AUDITOR | Codes.ROLE_PROVIDER, until, new uint16[](0)));
        vm.stopPrank();
        _follow();
    }

    // Governance.

    function admit(uint256 who, uint32 roles, uint32 term) external {
        IMembership.Admission memory admission = _admission(roles & Codes.ROLES_ALL);
        admission.validUntil = uint64(block.timestamp + term);
        _act(admin, address(membership), abi.encodeCall(IMembership.admit, (_any(who), admission)));
    }

    function change(uint256 who, uint32 roles, uint32 term) external {
        IMembership.Admission memory admission = _admission(roles & Codes.ROLES_ALL);
        (admission.identity, admission.validUntil) = (0, uint64(block.timestamp + term));
        _act(admin, address(membership), abi.encodeCall(IMembership.change, (_any(who), admission)));
    }

    function suspend(uint256 who, uint16 reason) external {
        _act(admin, address(membership), abi.encodeCall(IMembership.suspend, (_any(who), reason)));
    }

    function reinstate(uint256 who) external {
        _act(admin, address(membership), abi.encodeCall(IMembership.reinstate, (_any(who))));
    }

    function expel(uint256 who, uint16 reason) external {
        // Seldom, so that the members do not run out.
        if (reason % 8 != 0) return;
        bytes memory call = abi.encodeCall(IMembership.expel, (_any(who), reason));
        if (_act(admin, address(membership), call)) _expelled[_any(who)] = true;
    }

    function moveAuthority() external {
        AccessManager next = new AccessManager(admin);
        bytes memory call = abi.encodeCall(AccessManager.updateAuthority, (address(membership), address(next)));
        if (_act(admin, address(manager), call)) manager = next;
    }

    function close(uint256 seed) external {
        // Seldom, and then the last of the assets.
        if (seed % 16 == 3) _act(admin, address(membership), abi.encodeCall(IMembership.close, (DOCUMENT)));
    }

    // Members.

    function registerKey(uint256 who, uint16 suite, bytes32 key) external {
        _act(_any(who), address(membership), abi.encodeCall(IMembership.registerEncryptionKey, (suite, key)));
    }

    function open(uint256 who, uint256 about, uint8 kind) external {
        _act(_any(who), address(cases), abi.encodeCall(ICases.open, (_target(about), 1 + (kind % 4), DOCUMENT)));
    }

    function decide(uint256 who, uint256 about, uint8 kind, uint256 opener) external {
        bytes32 caseId = keccak256(abi.encode(_target(about), 1 + (kind % 4), _any(opener), DOCUMENT));
        _act(_any(who), address(cases), abi.encodeCall(ICases.decide, (caseId, 1 + (kind % 2), OTHER_DOCUMENT)));
    }

    function hold(uint256 who, uint256 about) external {
        _act(_judge(who), address(cases), abi.encodeCall(ICases.hold, (_target(about), DOCUMENT)));
    }

    function release(uint256 who, uint256 about) external {
        _act(_judge(who), address(cases), abi.encodeCall(ICases.release, (_target(about), DOCUMENT)));
    }

    function releaseFor(uint256 holder, uint256 about) external {
        _act(regulator, address(cases), abi.encodeCall(ICases.releaseFor, (_target(about), _any(holder), DOCUMENT)));
    }

    function attest(uint256 who, uint256 about, uint8 kind, uint32 term) external {
        uint64 until = uint64(block.timestamp + term);
        _act(_any(who), address(attestations), abi.encodeCall(IAttestations.attest, (_target(about), kind % 10, 1, DOCUMENT, until)));
    }

    function correct(uint256 who, uint256 about, uint8 kind, uint32 term) external {
        uint64 until = uint64(block.timestamp + term);
        _act(_any(who), address(attestations), abi.encodeCall(IAttestations.correct, (_target(about), kind % 10, 2, DOCUMENT, until)));
    }

    function withdraw(uint256 who, uint256 about, uint8 kind) external {
        _act(_any(who), address(attestations), abi.encodeCall(IAttestations.withdraw, (_target(about), kind % 10, DOCUMENT)));
    }

    function register(uint256 who, uint256 seed, bool important) external {
        if (_assets.length == MOST_ASSETS) return;
        address registrant = seed % 3 == 0 ? _any(who) : provider;
        IDataAssets.Registration memory registration = _registration(bytes32(seed));
        if (important) (registration.grade, registration.level) = (Codes.GRADE_IMPORTANT, 0);
        if (_assets.length != 0 && seed % 2 == 0) _derive(registration, _assets[seed % _assets.length]);
        IDataAssets.Version memory version = _version(uint64(seed % 3));
        if (seed % 3 == 0) version.contentRoot = 0;
        if (!_act(registrant, address(dataAssets), abi.encodeCall(IDataAssets.register, (registration, version)))) return;
        uint256 id = dataAssets.assetIdOf(registrant, bytes32(seed));
        _assets.push(id);
        _parents[id] = registration.parents;
    }

    function publish(uint256 which, uint64 records) external {
        uint256 id = _asset(which);
        _act(dataAssets.asset(id).holder, address(dataAssets), abi.encodeCall(IDataAssets.publish, (id, _version(records % 5))));
    }

    function cancel(uint256 which, bool mindful) external {
        if (!mindful || which % 4 != 0) return;
        uint256 id = _asset(which);
        address holder = dataAssets.asset(id).holder;
        if (_act(holder, address(dataAssets), abi.encodeCall(IDataAssets.cancel, (id, DOCUMENT)))) _holderAtCancellation[id] = holder;
    }

    function changeParticulars(uint256 which, uint8 level) external {
        uint256 id = _asset(which);
        _act(dataAssets.asset(id).holder, address(dataAssets), abi.encodeCall(IDataAssets.change, (id, level % 6, DOCUMENT, DOCUMENT)));
    }

    /// By the holder, or by anybody: seldom an account without a right in the asset.
    function grantRight(uint256 who, uint256 which, uint256 to, uint16 scope, uint32 term) external {
        uint256 id = _asset(which);
        address by = who % 2 == 0 ? dataAssets.asset(id).holder : _provider(who / 2);
        IDataAssets.Scope memory asked = IDataAssets.Scope(scope % 8, scope / 8 % 8, uint64(block.timestamp + term % 100));
        uint8 right = who % 2 == 0 && to % 2 == 0 ? Codes.RIGHT_PROCESS : Codes.RIGHT_OPERATE;
        _act(by, address(dataAssets), abi.encodeCall(IDataAssets.grantRight, (id, _provider(to / 2), right, asked, DOCUMENT)));
    }

    function endRight(uint256 who, uint256 which, uint256 of_) external {
        bytes memory call = abi.encodeCall(IDataAssets.endRight, (_asset(which), _provider(of_ / 2), uint8(2 + of_ % 2), DOCUMENT));
        _act(_provider(who), address(dataAssets), call);
    }

    function transfer(uint256 who, uint256 which, uint256 to) external {
        uint256 id = _asset(which);
        address holder = dataAssets.asset(id).holder;
        address by = who % 4 == 0 ? _any(who / 4) : holder;
        address next = to % 2 == 0 ? _any(to / 2) : _provider(to / 2);
        _act(by, address(dataAssets), abi.encodeCall(dataAssets.transferFrom, (holder, next, id)));
    }

    function approve(uint256 which, uint256 to) external {
        uint256 id = _asset(which);
        address agent = to % 4 == 0 ? address(0) : _any(to);
        _act(dataAssets.asset(id).holder, address(dataAssets), abi.encodeCall(dataAssets.approve, (agent, id)));
    }

    function approveForAll(uint256 who, uint256 to, bool approved) external {
        _act(_any(who), address(dataAssets), abi.encodeCall(dataAssets.setApprovalForAll, (_any(to), approved)));
    }

    function wait(uint32 time) external {
        vm.warp(block.timestamp + (time % 3 == 0 ? time % YEAR : time % 60));
    }

    // What holds at any time.

    function assertComplete() external view {
        _assertComplete();
    }

    function assertCopied() external view {
        _assertCopied();
    }

    function assertGradesNeverFall() external view {
        for (uint256 i = 0; i < _assets.length; ++i) {
            IDataAssets.Asset memory child = dataAssets.asset(_assets[i]);
            uint256[] memory parents = _parents[_assets[i]];
            for (uint256 j = 0; j < parents.length; ++j) {
                IDataAssets.Asset memory parent = dataAssets.asset(parents[j]);
                vm.assertLe(parent.grade, child.grade);
                vm.assertTrue(child.personal || !parent.personal, "a personal ancestor is forgotten");
            }
        }
    }

    function assertTheExpelledStayOut() external view {
        for (uint256 i = 0; i < 8; ++i) {
            vm.assertFalse(_expelled[_any(i)] && membership.isInGoodStanding(_any(i)), "an expelled member came back");
        }
    }

    function assertTheCancelledStayWithTheirHolder() external view {
        for (uint256 i = 0; i < _assets.length; ++i) {
            address holder = _holderAtCancellation[_assets[i]];
            if (holder != address(0)) vm.assertEq(dataAssets.ownerOf(_assets[i]), holder);
        }
    }

    // Words.

    /// One act in its own block, direct or (members only) as the forwarder passes it on.
    function _act(address by, address to, bytes memory call) private returns (bool success) {
        vm.roll(block.number + 1);
        bool relayed = by != admin && uint256(keccak256(abi.encode(accepted, refused))) % 2 == 0;
        vm.prank(relayed ? address(forwarder) : by);
        (success,) = to.call(relayed ? bytes.concat(call, bytes20(by)) : call);
        if (success) ++accepted;
        else ++refused;
        _follow();
    }

    function _derive(IDataAssets.Registration memory registration, uint256 parent) private pure {
        registration.kind = Codes.KIND_DERIVED;
        registration.parents = new uint256[](1);
        registration.parents[0] = parent;
    }

    function _any(uint256 who) private view returns (address) {
        address[8] memory accounts = [provider, otherProvider, reviewer, auditor, arbiter, regulator, buyer, stranger];
        return accounts[who % 8];
    }

    function _provider(uint256 who) private view returns (address) {
        address[4] memory accounts = [provider, otherProvider, reviewer, auditor];
        return accounts[who % 4];
    }

    function _judge(uint256 who) private view returns (address) {
        return who % 8 == 7 ? buyer : who % 2 == 0 ? arbiter : regulator;
    }

    function _asset(uint256 which) private view returns (uint256) {
        return _assets.length == 0 ? which : _assets[which % _assets.length];
    }

    function _target(uint256 about) private view returns (bytes32) {
        if (about % 3 == 0) return bytes32(_asset(about / 3));
        if (about % 3 == 1) return _memberKey(_any(about / 3));
        return bytes32(about % 7);
    }
}
