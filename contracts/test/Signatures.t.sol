// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {Consents} from "../src/Consents.sol";
import {IConsents} from "../src/interfaces/IConsents.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Exchange} from "./Exchange.t.sol";
import {OwnedWallet, ReenteringWallet, Wallet, WritingWallet} from "./Wallets.sol";

/// What a signature is worth, at each of the four places that take one: whose it must be, for what, and how often.
contract SignaturesTest is Exchange {
    enum Place {
        Grant, // the subject's, under a consent
        Withdrawal, // the subject's
        MarkBySubject, // the subject's, beside a receipt
        MarkByCollector // the collector's, under a receipt
    }

    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    string private constant SIGNER = "person 1";
    string private constant OWNER = "person 2";

    Crowd private crowd;
    IConsents.Consent private consent;

    // A key.

    function test_bothFormsOfAKeysSignatureCount() public {
        for (uint8 place = 0; place < 4; ++place) {
            uint256 state = vm.snapshotState();
            bytes32 digest = _prepare(Place(place), _account(SIGNER));
            uint256 prepared = vm.snapshotState();
            _accepted(Place(place), _sign(SIGNER, digest));
            vm.revertToState(prepared);
            _accepted(Place(place), _short(SIGNER, digest));
            vm.revertToState(state);
        }
    }

    function test_aMalleatedOrMisshapenSignatureIsRefused() public {
        for (uint8 place = 0; place < 4; ++place) {
            bytes32 digest = _prepare(Place(place), _account(SIGNER));
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(SIGNER), digest);
            bytes32 high = bytes32(ORDER - uint256(s));
            _refused(Place(place), abi.encodePacked(r, high, v ^ 7));
            _refused(Place(place), abi.encodePacked(r, high | bytes32(uint256((v ^ 7) - 27) << 255)));
            _refused(Place(place), abi.encodePacked(r, s, v - 27));
            _refused(Place(place), abi.encodePacked(r, s, v ^ 7));
            _refused(Place(place), abi.encodePacked(r, s, uint8(0xff)));
            _refused(Place(place), abi.encodePacked(r, s, v, uint8(0)));
            _refused(Place(place), abi.encodePacked(r, bytes31(s)));
            _refused(Place(place), abi.encodePacked(r, uint256(s) | (uint256((v ^ 7) - 27) << 255)));
            _refused(Place(place), new bytes(65));
            _refused(Place(place), new bytes(64));
            _refused(Place(place), new bytes(1));
        }
    }

    function test_theSecondFormOfASignatureHasNoSecondEffect() public {
        for (uint8 place = 0; place < 4; ++place) {
            uint256 state = vm.snapshotState();
            bytes32 digest = _prepare(Place(place), _account(SIGNER));
            _accepted(Place(place), _sign(SIGNER, digest));
            _refusedWith(Place(place), _short(SIGNER, digest), _again(Place(place)));
            _refusedWith(Place(place), _sign(SIGNER, digest), _again(Place(place)));
            vm.revertToState(state);
        }
    }

    /// ecrecover gives the zero account for what is no signature.
    function test_theZeroAccountHasSignedNothing() public {
        bytes32[] memory ids = new bytes32[](1);
        (ids[0], crowd.manifestHash) = (keccak256("nobody's"), MANIFEST);
        Crowd memory nobody = _crowdOf(ids, new address[](1), _terms(), MANIFEST);
        _grant(nobody);
        bytes memory bad = abi.encodeWithSelector(IConsents.BadSignature.selector, address(0));
        vm.expectRevert(bad);
        consents.withdrawFor(nobody.batch, _leaf(nobody, 0), _proof(nobody, 0), new bytes(65));
        vm.expectRevert(bad);
        _withdrawByReceipt(nobody, 0, new bytes(65), new bytes(65));
    }

    // Again, elsewhere, for something else.

    function test_aSignatureForAnotherContractIsRefused() public {
        Consents twin = new Consents(membership, attestations, dataAssets, address(forwarder));
        for (uint8 place = 0; place < 4; ++place) {
            _prepare(Place(place), _account(SIGNER));
            Consents here = consents;
            consents = twin;
            bytes memory signature = _sign(SIGNER, _digest(Place(place)));
            consents = here;
            _refused(Place(place), signature);
        }
    }

    function test_aSignatureForAnotherChainIsRefused() public {
        for (uint8 place = 0; place < 4; ++place) {
            uint256 state = vm.snapshotState();
            bytes32 digest = _prepare(Place(place), _account(SIGNER));
            vm.chainId(block.chainid + 1);
            bytes memory signature = _sign(SIGNER, digest);
            if (Place(place) == Place.Grant) _register(1); // else the asset, whose id depends on the chain too, is refused first
            if (Place(place) == Place.Grant) consent.assetId = dataAssets.assetIdOf(provider, SALT);
            if (Place(place) == Place.Grant) _refused(Place(place), signature);
            else vm.assertFalse(_attempt(Place(place), signature), "accepted on another chain");
            vm.revertToState(state);
        }
    }

    function test_aSignatureAtOnePlaceIsNoneAtAnother() public {
        for (uint8 signed = 0; signed < 4; ++signed) {
            for (uint8 place = 0; place < 4; ++place) {
                bool same = signed == place || (signed + place == 3 && signed * place == 2); // both of a subject's withdrawals
                if (same) continue;
                uint256 state = vm.snapshotState();
                _prepare(Place(place), _account(SIGNER));
                _refused(Place(place), _sign(SIGNER, _digest(Place(signed))));
                vm.revertToState(state);
            }
        }
    }

    function test_aWithdrawalOutlivesTheConsent() public {
        bytes32 digest = _prepare(Place.Withdrawal, _account(SIGNER));
        vm.warp(UNTIL + 10 * YEAR);
        _accepted(Place.Withdrawal, _sign(SIGNER, digest));
    }

    function test_twiceInOneBlockIsOnce() public {
        for (uint8 place = 0; place < 4; ++place) {
            uint256 state = vm.snapshotState();
            bytes memory signature = _sign(SIGNER, _prepare(Place(place), _account(SIGNER)));
            _accepted(Place(place), signature);
            bytes32 head = consents.journalHead();
            _refusedWith(Place(place), signature, _again(Place(place)));
            vm.assertEq(consents.journalHead(), head);
            vm.revertToState(state);
        }
    }

    function testFuzz_whoeverRelaysAGrantChangesNoField(uint8 field, uint256 change) public {
        bytes memory signature = _sign(SIGNER, _prepare(Place.Grant, _account(SIGNER)));
        bytes memory fields = abi.encode(consent);
        uint256 at = field % 14;
        uint256 bits = [uint256(160), 256, 160, 160, 16, 16, 16, 1, 256, 256, 64, 64, 256, 256][at];
        change = bits == 256 ? change : change % (1 << bits);
        vm.assume(change != 0);
        assembly ("memory-safe") {
            let word := add(add(fields, 0x20), shl(5, at))
            mstore(word, xor(mload(word), change))
        }
        consent = abi.decode(fields, (IConsents.Consent));
        vm.assertFalse(_attempt(Place.Grant, signature), "accepted");
        vm.assertFalse(_isOfState(consents.batchIdOf(_single(consent).batch)), "written");
    }

    // A wallet.

    function test_aWalletThatAgreesCounts() public {
        for (uint8 place = 0; place < 4; ++place) {
            uint256 state = vm.snapshotState();
            _prepare(Place(place), address(new Wallet(Wallet.Mood.Agree)));
            _accepted(Place(place), "anything");
            vm.revertToState(state);
        }
    }

    function test_aHostileWalletIsRefusedAndNothingIsWritten() public {
        for (uint8 place = 0; place < 4; ++place) {
            for (uint8 mood = uint8(Wallet.Mood.Refuse); mood <= uint8(Wallet.Mood.RevertWithYes); ++mood) {
                _expectHostile(Place(place), address(new Wallet(Wallet.Mood(mood))));
            }
            _expectHostile(Place(place), address(new WritingWallet()));
        }
    }

    /// Neither what a wallet burns nor what it answers with costs much more than its allowance.
    function _expectHostile(Place place, address wallet) private {
        uint256 state = vm.snapshotState();
        _prepare(place, wallet);
        bytes32 head = consents.journalHead();
        uint256 before = gasleft();
        _refused(place, "anything");
        vm.assertLt(before - gasleft(), 600_000);
        vm.assertEq(consents.journalHead(), head);
        vm.revertToState(state);
    }

    /// It calls back what would succeed if it could write, and agrees where that failed.
    function test_aWalletThatComesBackWritesNothing() public {
        Crowd memory other = _crowd(5, 1);
        _grant(other);
        bytes memory signature = _sign(_personName(5), _withdrawalDigest(other.ids[0]));
        bytes memory call = abi.encodeCall(IConsents.withdrawFor, (other.batch, _leaf(other, 0), _proof(other, 0), signature));
        for (uint8 place = 0; place < 4; ++place) {
            uint256 state = vm.snapshotState();
            ReenteringWallet wallet = new ReenteringWallet();
            wallet.aim(address(consents), call);
            _prepare(Place(place), address(wallet));
            _accepted(Place(place), "anything");
            vm.assertFalse(consents.hasEnded(other.batchId, 0));
            vm.revertToState(state);
        }
        consents.withdrawFor(other.batch, _leaf(other, 0), _proof(other, 0), signature);
    }

    function test_whatAnOwnerSignsForOneWalletIsNothingToTheOther() public {
        for (uint8 place = 0; place < 4; ++place) {
            uint256 state = vm.snapshotState();
            address one = address(new OwnedWallet(_account(OWNER)));
            address other = address(new OwnedWallet(_account(OWNER)));
            _prepare(Place(place), one);
            bytes memory signature = _sign(OWNER, _digest(Place(place)));
            _accepted(Place(place), signature);
            _prepare(Place(place), other);
            _refused(Place(place), signature);
            _refused(Place(place), _sign(SIGNER, _digest(Place(place))));
            vm.revertToState(state);
        }
    }

    function test_aLongSignatureIsTheWalletsToRead() public {
        bytes32 digest = _prepare(Place.Withdrawal, _account(SIGNER));
        _refused(Place.Withdrawal, bytes.concat(_sign(SIGNER, digest), new bytes(100_000)));
    }

    // A key whose account delegates to code (EIP-7702): 0xef0100 and the address of the code, 23 bytes, at its own address.

    function test_aDelegatingAccountIsStillBoundByItsKey() public {
        for (uint8 mood = uint8(Wallet.Mood.Refuse); mood <= uint8(Wallet.Mood.BurnGas); ++mood) {
            for (uint8 place = 0; place < 4; ++place) {
                uint256 state = vm.snapshotState();
                _delegate(_account(SIGNER), Wallet.Mood(mood));
                bytes32 digest = _prepare(Place(place), _account(SIGNER));
                _refused(Place(place), "anything");
                _accepted(Place(place), _sign(SIGNER, digest));
                vm.revertToState(state);
            }
        }
    }

    /// Before Prague the designator is code that begins with an invalid instruction, and answers nothing.
    function test_theCodeThatAnAccountDelegatesToIsAskedWhereTheChainKnowsDelegation() public {
        for (uint8 place = 0; place < 4; ++place) {
            uint256 state = vm.snapshotState();
            _delegate(_account(SIGNER), Wallet.Mood.Agree);
            bool known = _knowsDelegation(_account(SIGNER));
            _prepare(Place(place), _account(SIGNER));
            if (known) _accepted(Place(place), "anything");
            else _refused(Place(place), "anything");
            vm.revertToState(state);
        }
    }

    function _delegate(address account, Wallet.Mood mood) private {
        vm.etch(account, abi.encodePacked(hex"ef0100", address(new Wallet(mood))));
        vm.assertEq(account.code.length, 23);
    }

    function _knowsDelegation(address account) private view returns (bool) {
        (bool success, bytes memory answer) =
            account.staticcall{gas: 100_000}(abi.encodeCall(Wallet.isValidSignature, (bytes32(0), bytes(""))));
        return success && answer.length == 32;
    }

    // The four places.

    /// All that the place needs but the signature of `account`; returns what is to be signed.
    function _prepare(Place place, address account) private returns (bytes32) {
        bool collects = place == Place.MarkByCollector;
        IConsents.Terms memory terms = _terms();
        if (collects) {
            terms.controller = account;
            _admit(account, Codes.ROLE_PROVIDER);
        }
        assetId = dataAssets.assetIdOf(terms.controller, SALT);
        consent = _consent(collects ? _person(7) : account, terms);
        crowd = _single(consent);
        crowd.terms = terms;
        crowd.manifestHash = keccak256(abi.encode(place, account));
        crowd.batch.termsHash = keccak256(abi.encode(terms, crowd.manifestHash));
        crowd.batchId = consents.batchIdOf(crowd.batch);
        if (place != Place.Grant) _grant(crowd);
        return _digest(place);
    }

    function _digest(Place place) private view returns (bytes32) {
        if (place == Place.Grant) return consents.consentIdOf(consent);
        if (place == Place.MarkByCollector) return _receiptDigest(crowd.ids[0], crowd.people[0]);
        return _withdrawalDigest(crowd.ids[0]);
    }

    function _attempt(Place place, bytes memory signature) private returns (bool success) {
        (success,) = _call(place, signature);
    }

    function _call(Place place, bytes memory signature) private returns (bool, bytes memory) {
        bytes memory call = _callOf(place, signature);
        if (place == Place.Grant) vm.prank(provider);
        return address(consents).call{gas: 3_000_000}(call);
    }

    function _callOf(Place place, bytes memory signature) private view returns (bytes memory) {
        Crowd memory all = crowd;
        if (place == Place.Grant) return abi.encodeCall(IConsents.grant, (consent, SALT, signature));
        if (place == Place.Withdrawal) {
            return abi.encodeCall(IConsents.withdrawFor, (all.batch, _leaf(all, 0), _proof(all, 0), signature));
        }
        bool collects = place == Place.MarkByCollector;
        bytes memory receipt = collects ? signature : _sign("provider", _receiptDigest(all.ids[0], all.people[0]));
        bytes memory withdrawal = collects ? _sign(_personName(7), _withdrawalDigest(all.ids[0])) : signature;
        return abi.encodeCall(
            IConsents.withdrawByReceipt, (all.ids[0], all.people[0], all.batch, all.terms, all.manifestHash, receipt, withdrawal)
        );
    }

    function _accepted(Place place, bytes memory signature) private {
        (bool success, bytes memory result) = _call(place, signature);
        vm.assertTrue(success, vm.toString(result.length == 0 ? bytes32(0) : bytes32(result)));
    }

    function _refused(Place place, bytes memory signature) private {
        address signer = place == Place.MarkByCollector ? crowd.terms.controller : crowd.people[0];
        _refusedWith(place, signature, abi.encodeWithSelector(IConsents.BadSignature.selector, signer));
    }

    function _refusedWith(Place place, bytes memory signature, bytes memory expected) private {
        (bool success, bytes memory result) = _call(place, signature);
        vm.assertFalse(success, "accepted");
        vm.assertEq(result, expected);
    }

    /// How a second time is refused.
    function _again(Place place) private view returns (bytes memory) {
        if (place == Place.Grant) return abi.encodeWithSelector(IConsents.BatchExists.selector, _single(consent).batchId);
        if (place == Place.Withdrawal) return abi.encodeWithSelector(IConsents.AlreadyWithdrawn.selector, crowd.batchId, 0);
        return abi.encodeWithSelector(IConsents.AlreadyMarked.selector, crowd.ids[0]);
    }

    function _isOfState(bytes32 batchId) private view returns (bool) {
        return consents.batchState(batchId).count != 0;
    }

    function _short(string memory name, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(name), digest);
        return abi.encodePacked(r, uint256(s) | (uint256(v - 27) << 255));
    }
}
