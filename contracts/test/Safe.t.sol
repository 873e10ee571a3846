// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMembership} from "../src/interfaces/IMembership.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";

/// What is called of a Safe, version 1.4.1.
interface ISafe {
    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address fallbackHandler,
        address paymentToken,
        uint256 payment,
        address paymentReceiver
    ) external;
    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        bytes calldata signatures
    ) external returns (bool success);
    function getTransactionHash(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        uint256 nonce
    ) external view returns (bytes32);
    function swapOwner(address before, address lost, address next) external;
    function nonce() external view returns (uint256);
    function isOwner(address owner) external view returns (bool);
    function domainSeparator() external view returns (bytes32);
}

/// @title A member, and a person, whose account is a Safe wallet
/// @dev The wallet's own bytecode, from its npm package: two of three keys act for it, and the two that are left replace a lost one.
contract SafeTest is Exchange {
    string private constant BUILT = "node_modules/@safe-global/safe-contracts/build/artifacts/contracts/";
    string[3] private keys = ["a first key", "a second key", "a third key"];
    ISafe private safe;

    function setUp() public override {
        safe = _wallet(keys);
        provider = address(safe);
        super.setUp();
    }

    // A member.

    function test_ASafeSellsAndSurvivesALostKey() public {
        (string memory one, string memory two) = (keys[0], keys[1]);
        IMarket.Offer memory offer = _sell(one, two);
        vm.assertEq(dataAssets.ownerOf(assetId), address(safe));

        // The first key is lost: alone it does nothing, and the others make it nobody's.
        bytes memory swapping = abi.encodeCall(ISafe.swapOwner, (address(1), _account(one), _account("new")));
        _execFails(address(safe), swapping, _sign(one, _hash(address(safe), swapping)), "GS020");
        _act("a second key", "a third key", address(safe), swapping);
        vm.assertFalse(safe.isOwner(_account(one)));
        vm.assertTrue(safe.isOwner(_account("new")));
        bytes memory publishing = abi.encodeCall(IDataAssets.publish, (assetId, _version(4)));
        _actFails(one, two, address(dataAssets), publishing, "GS026");
        _act("new", two, address(dataAssets), publishing);
        vm.assertEq(dataAssets.asset(assetId).version, 2);
        _act("a third key", "new", address(market), abi.encodeCall(IMarket.close, (offer)));
        vm.assertEq(market.offerState(market.offerIdOf(offer)).state, Codes.OFFER_CLOSED);
    }

    function test_OneKeyOfTwoDoesNothing() public {
        bytes memory registering = abi.encodeCall(IDataAssets.register, (_registration(SALT), _version(3)));
        bytes memory signature = _sign("a first key", _hash(address(dataAssets), registering));
        _execFails(address(dataAssets), registering, signature, "GS020");
        _execFails(address(dataAssets), registering, bytes.concat(signature, signature), "GS026");
        _actFails("a first key", "stranger", address(dataAssets), registering, "GS026");
        // A key that owns the wallet is no member by that, direct or relayed.
        address owner = _account("a first key");
        _isRefused(owner, address(dataAssets), registering, abi.encodeWithSelector(IMembership.NotAdmitted.selector, owner));
        relaying = true;
        _isRefused(owner, address(dataAssets), registering, abi.encodeWithSelector(IMembership.NotAdmitted.selector, owner));
    }

    function test_ATransactionOfASafeServesOnce() public {
        bytes memory registering = abi.encodeCall(IDataAssets.register, (_registration(SALT), _version(3)));
        bytes memory signatures = _signatures("a first key", "a second key", _hash(address(dataAssets), registering));
        _exec(address(dataAssets), registering, signatures);
        _execFails(address(dataAssets), registering, signatures, "GS026");
    }

    function test_ARefusedActOfASafeIsRefusedAsAWhole() public {
        _suspend(address(safe));
        bytes memory registering = abi.encodeCall(IDataAssets.register, (_registration(SALT), _version(3)));
        _actFails("a first key", "a second key", address(dataAssets), registering, "GS013");
        vm.assertEq(dataAssets.asset(assetId).state, Codes.ASSET_NONE);
    }

    function test_ASafeIsHandedAnAssetSafely() public {
        vm.prank(otherProvider);
        uint256 id = dataAssets.register(_registration(SALT), _version(3));
        vm.prank(otherProvider);
        dataAssets.safeTransferFrom(otherProvider, address(safe), id);
        vm.assertEq(dataAssets.ownerOf(id), address(safe));
        bytes memory call = abi.encodeCall(dataAssets.transferFrom, (address(safe), otherProvider, id));
        _act("a third key", "a first key", address(dataAssets), call);
        vm.assertEq(dataAssets.ownerOf(id), otherProvider);
    }

    // A person, or a firm, that consents.

    function test_ASafeConsentsAndWithdraws() public {
        ISafe firm = _wallet(["a", "b", "c"]);
        IConsents.Consent memory consent = _consent(address(firm));
        bytes32 consentId = consents.consentIdOf(consent);
        bytes memory signatures = _signatures("a", "b", _messageHash(firm, consentId));
        bytes memory granting = abi.encodeCall(IConsents.grant, (consent, SALT, signatures));
        _act("a first key", "a second key", address(consents), granting);
        Crowd memory single = _single(consent);
        vm.assertEq(consents.batchState(single.batchId).count, 1);

        bytes memory words = _signatures("b", "c", _messageHash(firm, _withdrawalDigest(consentId)));
        consents.withdrawFor(single.batch, _leaf(single, 0), _proof(single, 0), words);
        vm.assertTrue(consents.hasEnded(single.batchId, 0));
    }

    function test_OneKeyOfASafeDoesNotConsentForIt() public {
        ISafe firm = _wallet(["a", "b", "c"]);
        IConsents.Consent memory consent = _consent(address(firm));
        bytes32 digest = _messageHash(firm, consents.consentIdOf(consent));
        _refuseGrant(consent, _sign("a", digest));
        _refuseGrant(consent, bytes.concat(_sign("a", digest), _sign("a", digest)));
        _refuseGrant(consent, _signatures("a", "stranger", digest));
        // Of another wallet with the same keys, or of the bare digest.
        ISafe twin = _wallet(["a", "b", "c"]);
        _refuseGrant(consent, _signatures("a", "b", _messageHash(twin, consents.consentIdOf(consent))));
        _refuseGrant(consent, _signatures("a", "b", consents.consentIdOf(consent)));
        _refuseGrant(consent, "");
    }

    function test_ALostKeyNoLongerConsents() public {
        ISafe firm = _wallet(["a", "b", "c"]);
        IConsents.Consent memory consent = _consent(address(firm));
        bytes32 digest = _messageHash(firm, consents.consentIdOf(consent));
        vm.prank(address(firm));
        firm.swapOwner(address(1), _account("a"), _account("d"));
        _refuseGrant(consent, _signatures("a", "b", digest));
        bytes memory granting = abi.encodeCall(IConsents.grant, (consent, SALT, _signatures("d", "b", digest)));
        _act("a first key", "a second key", address(consents), granting);
    }

    /// The wallet that signed a receipt is asked for it, as its batch names it.
    function test_ASafeThatCollectedSignsReceipts() public {
        Crowd memory crowd = _crowd(0, 2);
        _act("a first key", "a second key", address(consents), _granting(crowd));
        bytes32 digest = _messageHash(safe, _receiptDigest(crowd.ids[1], crowd.people[1]));
        bytes memory receipt = _signatures("a second key", "a third key", digest);
        vm.prank(crowd.people[1]);
        _withdrawByReceipt(crowd, 1, receipt, "");
        vm.assertEq(consents.markOf(crowd.ids[1], assetId, crowd.people[1]), 1);
    }

    // The whole sale, every act of the provider by two keys of its wallet.

    function _sell(string memory one, string memory two) private returns (IMarket.Offer memory offer) {
        Crowd memory crowd = _crowd(0, 3);
        _act(one, two, address(consents), _granting(crowd));
        _attest(auditor, crowd.batchId, Codes.ATTEST_CONSENT_AUDIT);
        _act(one, two, address(dataAssets), abi.encodeCall(IDataAssets.register, (_registration(SALT), _version(3))));
        _act(one, two, address(consents), abi.encodeCall(IConsents.bind, (assetId, 1, _one(crowd))));
        offer = _offer();
        _attestVersion(offer.versionKey);
        _act(one, two, address(market), abi.encodeCall(IMarket.list, (offer, _attesters(2))));
        bytes32 saleId = _order(offer);
        _pay(saleId, offer);
        _act(one, two, address(market), abi.encodeCall(IMarket.prepare, (saleId, offer, REFERENCE)));
        _act(one, two, address(market), abi.encodeCall(IMarket.deliver, (saleId, offer, REFERENCE, ENVELOPE, COVER, 3)));
        _accept(saleId);
        vm.assertEq(revenue.settle(saleId, offer, REFERENCE), 1);
    }

    function _granting(Crowd memory crowd) private view returns (bytes memory) {
        return abi.encodeCall(IConsents.grantBatch, (assetId, SALT, crowd.batch.root, crowd.batch.count, crowd.terms, crowd.manifestHash));
    }

    function _refuseGrant(IConsents.Consent memory consent, bytes memory signature) private {
        bytes memory granting = abi.encodeCall(IConsents.grant, (consent, SALT, signature));
        bytes memory refusal = abi.encodeWithSelector(IConsents.BadSignature.selector, consent.subject);
        _isRefused(address(safe), address(consents), granting, refusal);
    }

    // The wallet.

    function _wallet(string[3] memory names) private returns (ISafe wallet) {
        address singleton = _create("Safe.sol/Safe.json", "");
        address handler = _create("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json", "");
        wallet = ISafe(_create("proxies/SafeProxy.sol/SafeProxy.json", abi.encode(singleton)));
        address[] memory owners = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            owners[i] = _account(names[i]);
        }
        wallet.setup(owners, 2, address(0), "", handler, address(0), 0, address(0));
    }

    function _create(string memory file, bytes memory arguments) private returns (address created) {
        string memory built = vm.readFile(string.concat(BUILT, file));
        bytes memory code = bytes.concat(vm.parseJsonBytes(built, ".bytecode"), arguments);
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
        }
        vm.assertTrue(created != address(0));
    }

    /// Anybody hands in what two keys signed.
    function _act(string memory one, string memory two, address to, bytes memory call) private {
        _exec(to, call, _signatures(one, two, _hash(to, call)));
    }

    function _actFails(string memory one, string memory two, address to, bytes memory call, string memory why) private {
        _execFails(to, call, _signatures(one, two, _hash(to, call)), why);
    }

    function _exec(address to, bytes memory call, bytes memory signatures) private {
        vm.prank(stranger);
        vm.assertTrue(safe.execTransaction(to, 0, call, 0, 0, 0, 0, address(0), address(0), signatures));
    }

    function _execFails(address to, bytes memory call, bytes memory signatures, string memory why) private {
        vm.prank(stranger);
        vm.expectRevert(bytes(why));
        safe.execTransaction(to, 0, call, 0, 0, 0, 0, address(0), address(0), signatures);
    }

    function _hash(address to, bytes memory call) private view returns (bytes32) {
        return safe.getTransactionHash(to, 0, call, 0, 0, 0, 0, address(0), address(0), safe.nonce());
    }

    /// A Safe says of a digest what its owners say of this one.
    function _messageHash(ISafe wallet, bytes32 digest) private view returns (bytes32) {
        bytes32 message = keccak256(abi.encode(keccak256("SafeMessage(bytes message)"), keccak256(abi.encode(digest))));
        return keccak256(abi.encodePacked(hex"1901", wallet.domainSeparator(), message));
    }

    /// Two signatures, the lower owner first.
    function _signatures(string memory one, string memory two, bytes32 digest) private pure returns (bytes memory) {
        if (_account(one) > _account(two)) (one, two) = (two, one);
        return bytes.concat(_sign(one, digest), _sign(two, digest));
    }
}
