// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
import {Attestations} from "../src/Attestations.sol";
import {Cases} from "../src/Cases.sol";
import {DataAssets} from "../src/DataAssets.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Membership} from "../src/Membership.sol";
import {Vm} from "./Vm.sol";

/// @title A deployment with one member of every role
/// @dev The contracts that read these are deployed by the fixtures that inherit this one. Accounts are named: `_account("x")` has
/// the key `_key("x")`.
abstract contract Base {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    // Hashes of documents are SHA-256; here keccak256, since a call of the SHA-256 precompile would use up a prank.
    bytes32 internal constant DOCUMENT = keccak256("a document");
    bytes32 internal constant OTHER_DOCUMENT = keccak256("another document");
    bytes32 internal constant SALT = keccak256("a salt");
    uint64 internal constant START = 1_800_000_000;
    uint64 internal constant YEAR = 365 days;

    AccessManager internal manager;
    ERC2771Forwarder internal forwarder;
    Membership internal membership;
    Cases internal cases;
    Attestations internal attestations;
    DataAssets internal dataAssets;

    /// Whether `_acts` and `_isRefused` go through the forwarder: a fixture that sets it says the same of relayed acts.
    bool internal relaying;

    address internal admin = _account("admin");
    address internal stranger = _account("stranger");
    address internal operator = _account("operator");
    address internal provider = _account("provider");
    address internal otherProvider = _account("other provider");
    address internal buyer = _account("buyer");
    address internal reviewer = _account("reviewer");
    address internal appraiser = _account("appraiser");
    address internal arbiter = _account("arbiter");
    address internal regulator = _account("regulator");
    address internal settler = _account("settler");
    address internal auditor = _account("auditor");

    function setUp() public virtual {
        vm.setEvmVersion(vm.envOr("DEEDBOOK_EVM", string("paris"))); // the same code under other rules: tools/evm_rules.py
        vm.warp(START);
        vm.roll(1);
        manager = new AccessManager(admin);
        forwarder = new ERC2771Forwarder("Deedbook Forwarder");
        membership = new Membership(address(manager), address(forwarder), _noPredecessor());
        cases = new Cases(membership, address(forwarder));
        attestations = new Attestations(membership, address(forwarder));
        dataAssets = new DataAssets(membership, cases, attestations, address(forwarder));
        _admitAll();
    }

    function _noPredecessor() internal pure returns (IMembership.Predecessor memory none) {}

    // Members.

    function _admitAll() private {
        _admit(operator, Codes.ROLE_OPERATOR);
        _admit(provider, Codes.ROLE_PROVIDER);
        _admit(otherProvider, Codes.ROLE_PROVIDER);
        _admit(reviewer, Codes.ROLE_REVIEWER);
        _admit(appraiser, Codes.ROLE_APPRAISER);
        _admit(arbiter, Codes.ROLE_ARBITER);
        _admit(regulator, Codes.ROLE_REGULATOR);
        _admit(settler, Codes.ROLE_SETTLER);
        _admit(auditor, Codes.ROLE_AUDITOR);
        _admit(buyer, _admission(Codes.ROLE_BUYER, Codes.LICENCE_EMPLOYER));
    }

    function _admit(address account, uint32 roles) internal {
        _admit(account, _admission(roles));
    }

    function _admit(address account, IMembership.Admission memory admission) internal {
        vm.prank(admin);
        membership.admit(account, admission);
    }

    function _suspend(address account) internal {
        vm.prank(admin);
        membership.suspend(account, 1);
    }

    function _admission(uint32 roles) internal pure returns (IMembership.Admission memory) {
        return
            IMembership.Admission(
                keccak256(abi.encode("identity", roles)), Codes.JURISDICTION_CN, roles, START + 10 * YEAR, new uint16[](0)
            );
    }

    function _admission(uint32 roles, uint16 licence) internal pure returns (IMembership.Admission memory admission) {
        admission = _admission(roles);
        admission.licences = new uint16[](1);
        admission.licences[0] = licence;
    }

    // Assets.

    function _registration(bytes32 salt) internal pure returns (IDataAssets.Registration memory) {
        return IDataAssets.Registration(salt, Codes.KIND_PERSONAL, Codes.GRADE_GENERAL, 3, DOCUMENT, new uint256[](0));
    }

    function _derivation(bytes32 salt, uint256 parent) internal pure returns (IDataAssets.Registration memory registration) {
        registration = _registration(salt);
        registration.kind = Codes.KIND_DERIVED;
        registration.parents = new uint256[](1);
        registration.parents[0] = parent;
    }

    function _version(uint64 recordCount) internal pure returns (IDataAssets.Version memory) {
        return IDataAssets.Version(keccak256(abi.encode("content", recordCount)), recordCount, keccak256("a descriptor"));
    }

    /// The provider's PERSONAL asset under SALT, with a first version of `recordCount` records.
    function _register(uint64 recordCount) internal returns (uint256 assetId) {
        vm.prank(provider);
        return dataAssets.register(_registration(SALT), _version(recordCount));
    }

    function _hold(bytes32 target) internal {
        vm.prank(arbiter);
        cases.hold(target, DOCUMENT);
    }

    function _attest(address attester, bytes32 target, uint8 kind) internal {
        vm.prank(attester);
        attestations.attest(target, kind, Codes.OUTCOME_POSITIVE, DOCUMENT, START + YEAR);
    }

    // Acts, direct or (where `relaying`) as the forwarder passes them on.

    function _acts(address by, address to, bytes memory call) internal {
        (bool success, bytes memory result) = _attempt(by, to, call);
        if (success) return;
        assembly ("memory-safe") {
            revert(add(result, 0x20), mload(result))
        }
    }

    function _isRefused(address by, address to, bytes memory call, bytes memory refusal) internal {
        (bool success, bytes memory result) = _attempt(by, to, call);
        vm.assertFalse(success, "was not refused");
        vm.assertEq(result, refusal);
    }

    function _attempt(address by, address to, bytes memory call) private returns (bool success, bytes memory result) {
        if (relaying) return _relayBare(by, to, call);
        vm.prank(by);
        return to.call(call);
    }

    // The forwarder.

    /// Sends `call` to `target` through the forwarder, signed with the key of `name`.
    function _relay(string memory name, address target, bytes memory call) internal {
        forwarder.execute(_request(name, target, call));
    }

    /// Sends `call` as the forwarder would, so that the contract's own error can be seen.
    function _relayBare(address signer, address target, bytes memory call) internal returns (bool success, bytes memory result) {
        vm.prank(address(forwarder));
        return target.call(bytes.concat(call, bytes20(signer)));
    }

    function _request(string memory name, address target, bytes memory call)
        internal
        view
        returns (ERC2771Forwarder.ForwardRequestData memory request)
    {
        address from = _account(name);
        request = ERC2771Forwarder.ForwardRequestData(from, target, 0, 1_000_000, uint48(block.timestamp + 60), call, "");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(name), _requestDigest(request, forwarder.nonces(from)));
        request.signature = abi.encodePacked(r, s, v);
    }

    function _requestDigest(ERC2771Forwarder.ForwardRequestData memory request, uint256 nonce) internal view returns (bytes32) {
        bytes32 typeHash =
            keccak256("ForwardRequest(address from,address to,uint256 value,uint256 gas,uint256 nonce,uint48 deadline,bytes data)");
        bytes32 structHash = keccak256(
            abi.encode(typeHash, request.from, request.to, request.value, request.gas, nonce, request.deadline, keccak256(request.data))
        );
        return keccak256(abi.encodePacked(hex"1901", _domainSeparator("Deedbook Forwarder", address(forwarder)), structHash));
    }

    // Names, keys, bytes.

    function _domainSeparator(string memory name, address verifier) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return keccak256(abi.encode(typeHash, keccak256(bytes(name)), keccak256("1"), block.chainid, verifier));
    }

    function _account(string memory name) internal pure returns (address) {
        return vm.addr(_key(name));
    }

    function _key(string memory name) internal pure returns (uint256) {
        return uint256(keccak256(bytes(name))) >> 1;
    }

    function _memberKey(address account) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }
}
