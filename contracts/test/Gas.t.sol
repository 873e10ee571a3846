// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// What the acts cost: `FOUNDRY_PROFILE=gas forge test --offline --match-contract GasTest` writes snapshots/GasTest.json, as
/// transactions of their own, so that a change of any of them shows. What is claimed of any number of people is asserted.
contract GasTest is Exchange {
    uint256 private constant DEPTH = 20;
    uint32 private constant MILLION = 1_000_000;

    function setUp() public override {
        super.setUp();
        // What a running exchange has: journals, balances and nonces that are not empty.
        vm.startPrank(provider);
        dataAssets.register(_registration("former"), _version(1));
        vm.stopPrank();
        _hold("former");
        _attest(reviewer, "former", Codes.ATTEST_LEGAL_OPINION);
    }

    function test_RegistrationWithAVersion() public {
        IDataAssets.Registration memory registration = _registration(SALT);
        IDataAssets.Version memory version = _version(500);
        vm.prank(provider);
        dataAssets.register(registration, version);
        vm.assertLe(vm.snapshotGasLastCall("register with a version"), 195_000);
    }

    function test_ActsOfMembers() public {
        _admit(_account("newcomer"), Codes.ROLE_BUYER);
        vm.snapshotGasLastCall("admit");
        _hold("target");
        vm.snapshotGasLastCall("hold");
        _attest(reviewer, "target", Codes.ATTEST_LEGAL_OPINION);
        vm.snapshotGasLastCall("attest");
        _register(5);
        _publish(6);
        vm.snapshotGasLastCall("publish");
        _transfer(otherProvider);
        vm.snapshotGasLastCall("transfer");
    }

    function test_ABatchCostsTheSameForOneAndForAMillion() public {
        _register(MILLION);
        _grantRoot(1, keccak256("a former batch"));
        _grantRoot(1, keccak256("a batch of one"));
        uint256 ofOne = vm.snapshotGasLastCall("grantBatch of one");
        _grantRoot(MILLION, keccak256("a batch of a million"));
        _assertSame(ofOne, vm.snapshotGasLastCall("grantBatch of a million"));
    }

    function test_OneConsentWithItsSignature() public {
        _register(MILLION);
        _grantOne(7);
        _grantOne(8);
        vm.snapshotGasLastCall("grant of one, signature checked");
    }

    function test_AWithdrawalOutOfAMillion() public {
        _register(MILLION);
        (IConsents.Batch memory batch, IConsents.Leaf memory leaf, bytes32[] memory proof) = _grantMillion();
        bytes memory signature = _sign(_personName(1), _withdrawalDigest(leaf.consentId));
        consents.withdrawFor(batch, leaf, proof, signature);
        vm.assertLe(vm.snapshotGasLastCall("withdrawFor out of a million"), 95_000);
    }

    function test_AnOrderCostsTheSameForOneAndForTenMillion() public {
        uint256 state = vm.snapshotState();
        _order(_listedCount(1));
        uint256 ofOne = vm.snapshotGasLastCall("order of one person's data");
        vm.revertToState(state);
        _order(_listedCount(10_000_000));
        _assertSame(ofOne, vm.snapshotGasLastCall("order of ten million people's data"));
    }

    function test_TheStepsOfASale() public {
        IMarket.Offer memory offer = _listedCount(500);
        bytes32 saleId = _order(offer);
        _pay(saleId, offer);
        vm.snapshotGasLastCall("confirmPayment");
        _prepare(saleId, offer);
        vm.snapshotGasLastCall("prepare");
        _deliver(saleId, offer, 500);
        vm.snapshotGasLastCall("deliver");
        _accept(saleId);
        vm.snapshotGasLastCall("accept");
        revenue.settle(saleId, offer, REFERENCE);
        vm.snapshotGasLastCall("settle");
    }

    /// An audited, bound and listed batch of `count`, of which only the root is known.
    function _listedCount(uint32 count) private returns (IMarket.Offer memory offer) {
        Crowd memory crowd = _crowd(0, 1);
        (crowd.batch.count, crowd.batch.root) = (count, keccak256("a root"));
        crowd.batchId = consents.batchIdOf(crowd.batch);
        _grantAudited(crowd);
        _register(count);
        _bind(1, crowd);
        offer = _offer();
        _attestVersion(offer.versionKey);
        _list(offer);
    }

    /// Only the bytes of the calldata differ: counts and hashes have more or fewer zeros.
    function _assertSame(uint256 left, uint256 right) private pure {
        vm.assertLe(left > right ? left - right : right - left, 500);
    }

    function _grantRoot(uint32 count, bytes32 root) private {
        Crowd memory crowd = _crowd(1, 1);
        (crowd.batch.root, crowd.batch.count) = (root, count);
        _grant(crowd);
    }

    function _grantMillion() private returns (IConsents.Batch memory batch, IConsents.Leaf memory leaf, bytes32[] memory proof) {
        Crowd memory crowd = _crowd(1, 1);
        leaf = IConsents.Leaf(0xaaaaa, crowd.ids[0], crowd.people[0]);
        (crowd.batch.root, proof) = _climb(crowd.leaves[0], leaf.index);
        crowd.batch.count = MILLION;
        _grant(crowd);
        return (crowd.batch, leaf, proof);
    }

    /// Siblings that could be, and the root that they give.
    function _climb(bytes32 node, uint256 index) private pure returns (bytes32, bytes32[] memory proof) {
        proof = new bytes32[](DEPTH);
        for (uint256 i = 0; i < DEPTH; ++i) {
            proof[i] = keccak256(abi.encode(i));
            bool right = (index >> i) & 1 == 1;
            node = right ? keccak256(abi.encode(proof[i], node)) : keccak256(abi.encode(node, proof[i]));
        }
        return (node, proof);
    }

    function _grantOne(uint256 number) private {
        IConsents.Consent memory consent = _consent(_person(number));
        bytes memory signature = _sign(_personName(number), consents.consentIdOf(consent));
        vm.prank(provider);
        consents.grant(consent, SALT, signature);
    }
}
