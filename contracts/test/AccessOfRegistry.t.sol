// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAnchorLog} from "../src/interfaces/IAnchorLog.sol";
import {IAttestations} from "../src/interfaces/IAttestations.sol";
import {ICases} from "../src/interfaces/ICases.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Access} from "./Access.t.sol";

/// Who may admit, hold, attest, register, grant and anchor.
contract AccessOfRegistryTest is Access {
    bytes32 private constant TARGET = keccak256("a target");
    address private newcomer = _account("newcomer");

    function test_Membership() public {
        _open("Membership");
        address target = address(membership);
        _admit(newcomer, Codes.ROLE_BUYER);
        address other = _account("another newcomer");
        _judge(target, abi.encodeCall(IMembership.admit, (other, _admission(Codes.ROLE_BUYER))), operator);
        IMembership.Admission memory change = _admission(Codes.ROLE_BUYER);
        change.identity = 0;
        _judge(target, abi.encodeCall(IMembership.change, (newcomer, change)), operator);
        _judge(target, abi.encodeCall(IMembership.suspend, (newcomer, 1)), operator);
        _judge(target, abi.encodeCall(IMembership.expel, (newcomer, 1)), operator);
        _suspend(newcomer);
        _judge(target, abi.encodeCall(IMembership.reinstate, (newcomer)), operator);
        _judge(target, abi.encodeCall(IMembership.close, (DOCUMENT)), operator);
        _judge(target, abi.encodeCall(IAccessManaged.setAuthority, (address(new AccessManager(admin)))), operator);
        _judge(target, abi.encodeCall(IMembership.registerEncryptionKey, (0x0020, DOCUMENT)), buyer);
        _close();
    }

    function test_Cases() public {
        _open("Cases");
        address target = address(cases);
        _judge(target, abi.encodeCall(ICases.open, (TARGET, Codes.CASE_LEAK, DOCUMENT)), buyer);
        vm.prank(buyer);
        bytes32 caseId = cases.open(TARGET, Codes.CASE_DISPUTE, DOCUMENT);
        _judge(target, abi.encodeCall(ICases.decide, (caseId, Codes.OUTCOME_POSITIVE, DOCUMENT)), arbiter);
        _judge(target, abi.encodeCall(ICases.hold, (TARGET, DOCUMENT)), arbiter);
        _hold(TARGET);
        _judge(target, abi.encodeCall(ICases.release, (TARGET, DOCUMENT)), arbiter);
        _admit(newcomer, Codes.ROLE_ARBITER);
        vm.prank(newcomer);
        cases.hold(TARGET, DOCUMENT);
        _suspend(newcomer);
        _judge(target, abi.encodeCall(ICases.releaseFor, (TARGET, newcomer, DOCUMENT)), regulator);
        _close();
    }

    function test_Attestations() public {
        _open("Attestations");
        address target = address(attestations);
        uint8 kind = Codes.ATTEST_LEGAL_OPINION;
        _judge(target, abi.encodeCall(IAttestations.attest, (TARGET, kind, Codes.OUTCOME_POSITIVE, DOCUMENT, UNTIL)), reviewer);
        _attest(reviewer, TARGET, kind);
        _judge(target, abi.encodeCall(IAttestations.correct, (TARGET, kind, Codes.OUTCOME_NEGATIVE, DOCUMENT, UNTIL)), reviewer);
        _judge(target, abi.encodeCall(IAttestations.withdraw, (TARGET, kind, DOCUMENT)), reviewer);
        _close();
    }

    function test_DataAssets() public {
        _open("DataAssets");
        address target = address(dataAssets);
        _judge(target, abi.encodeCall(IDataAssets.register, (_registration(SALT), _version(1))), provider);
        uint256 id = _register(1);
        _judge(target, abi.encodeCall(IDataAssets.publish, (id, _version(2))), provider);
        _judge(target, abi.encodeCall(IDataAssets.cancel, (id, DOCUMENT)), provider);
        _judge(target, abi.encodeCall(IDataAssets.change, (id, 2, DOCUMENT, DOCUMENT)), provider);
        _tryRights(target, id);
        _tryToken(target, id);
        _tryDeidentified(target);
        _close();
    }

    function _tryRights(address target, uint256 id) private {
        IDataAssets.Scope memory scope = IDataAssets.Scope(1, 1, UNTIL);
        bytes memory grant = abi.encodeCall(IDataAssets.grantRight, (id, otherProvider, Codes.RIGHT_OPERATE, scope, DOCUMENT));
        _judge(target, grant, provider);
        _acts(provider, target, grant);
        _judge(target, abi.encodeCall(IDataAssets.endRight, (id, otherProvider, Codes.RIGHT_OPERATE, DOCUMENT)), provider);
    }

    function _tryToken(address target, uint256 id) private {
        _judge(target, abi.encodeCall(dataAssets.approve, (buyer, id)), provider);
        _judge(target, abi.encodeCall(dataAssets.setApprovalForAll, (buyer, true)), provider);
        _judge(target, abi.encodeCall(dataAssets.transferFrom, (provider, otherProvider, id)), provider);
        _judge(target, abi.encodeWithSignature("safeTransferFrom(address,address,uint256)", provider, otherProvider, id), provider);
        bytes memory call = abi.encodeWithSignature("safeTransferFrom(address,address,uint256,bytes)", provider, otherProvider, id, "");
        _judge(target, call, provider);
    }

    function _tryDeidentified(address target) private {
        IDataAssets.Registration memory parent = _registration("parent");
        (parent.grade, parent.level) = (Codes.GRADE_IMPORTANT, 0);
        vm.prank(provider);
        IDataAssets.Registration memory derived = _derivation("derived", dataAssets.register(parent, _version(1)));
        uint256 id = dataAssets.assetIdOf(provider, "derived");
        _attest(reviewer, dataAssets.versionKeyOf(id, _version(1)), Codes.ATTEST_DEIDENTIFICATION);
        _attest(reviewer, dataAssets.versionKeyOf(id, _version(2)), Codes.ATTEST_DEIDENTIFICATION);
        bytes memory call = abi.encodeCall(IDataAssets.registerDeidentified, (derived, _version(1), reviewer));
        _judge(target, call, provider);
        _acts(provider, target, call);
        _judge(target, abi.encodeCall(IDataAssets.publishDeidentified, (id, _version(2), reviewer)), provider);
    }

    function test_AnchorLog() public {
        _open("AnchorLog");
        _judge(address(anchorLog), abi.encodeCall(IAnchorLog.anchor, (1, DOCUMENT, new bytes32[](0))), operator);
        _close();
    }
}
