// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../src/interfaces/IConsents.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Access} from "./Access.t.sol";

/// Who may grant, bind, withdraw, challenge and strike.
contract AccessOfConsentsTest is Access {
    Crowd private crowd;
    Crowd private twin; // the same person again, in a batch of its own

    function test_Consents() public {
        _open("Consents");
        _tryGrants();
        _tryWithdrawals();
        _tryMarks();
        _tryCorrections();
        _close();
    }

    function _tryGrants() private {
        address target = address(consents);
        crowd = _crowd(0, 3);
        bytes memory grant =
            abi.encodeCall(IConsents.grantBatch, (assetId, SALT, crowd.batch.root, crowd.batch.count, crowd.terms, crowd.manifestHash));
        _judge(target, grant, provider);
        IConsents.Consent memory alone = _consent(_person(9));
        bytes memory signature = _sign(_personName(9), consents.consentIdOf(alone));
        _judge(target, abi.encodeCall(IConsents.grant, (alone, SALT, signature)), provider);
        _grantAudited(crowd);
        _register(4);
        _judge(target, abi.encodeCall(IConsents.bind, (assetId, 1, _one(crowd))), provider);
        _bind(1, crowd);
    }

    function _tryWithdrawals() private {
        address target = address(consents);
        bytes memory signature = _sign(_personName(0), _withdrawalDigest(crowd.ids[0]));
        _judge(target, abi.encodeCall(IConsents.withdraw, (crowd.batch, _leaf(crowd, 0), _proof(crowd, 0))), _person(0));
        bytes memory call = abi.encodeCall(IConsents.withdrawFor, (crowd.batch, _leaf(crowd, 0), _proof(crowd, 0), signature));
        _judge(target, call, provider);
        call = abi.encodeCall(IConsents.release, (crowd.batch, crowd.terms, crowd.manifestHash, _leaf(crowd, 0), _proof(crowd, 0)));
        _judge(target, call, provider);
    }

    function _tryMarks() private {
        address target = address(consents);
        bytes memory receipt = _sign("provider", _receiptDigest(crowd.ids[0], crowd.people[0]));
        bytes memory call = abi.encodeCall(
            IConsents.withdrawByReceipt, (crowd.ids[0], crowd.people[0], crowd.batch, crowd.terms, crowd.manifestHash, receipt, "")
        );
        _judge(target, call, crowd.people[0]);
        _mark(crowd, 1);
        _judge(target, abi.encodeCall(IConsents.applyMark, (crowd.batch, _leaf(crowd, 1), _proof(crowd, 1))), provider);
        _judge(target, abi.encodeCall(IConsents.dismissMark, (crowd.ids[1], assetId, crowd.people[1])), auditor);
    }

    /// The same leaf stands in a second batch of the binding, withdrawn in the first; a batch that says more than its consent.
    function _tryCorrections() private {
        address target = address(consents);
        (bytes32[] memory ids, address[] memory people) = (new bytes32[](1), new address[](1));
        (ids[0], people[0]) = (crowd.ids[2], crowd.people[2]);
        twin = _crowdOf(ids, people, _terms(), MANIFEST);
        _grantAudited(twin);
        _bind(1, twin);
        _judge(target, _striking(), provider);
        _withdraw(crowd, 2);
        bytes memory call = abi.encodeCall(
            IConsents.carryWithdrawal, (crowd.batch, _leaf(crowd, 2), _proof(crowd, 2), twin.batch, _leaf(twin, 0), _proof(twin, 0))
        );
        _judge(target, call, provider);

        IConsents.Consent memory narrow = _consent(_person(8));
        narrow.purpose = Codes.PURPOSE_CREDIT;
        (ids[0], people[0]) = (consents.consentIdOf(narrow), narrow.subject);
        Crowd memory misfit = _crowdOf(ids, people, _terms(), MANIFEST);
        _grant(misfit);
        _judge(target, abi.encodeCall(IConsents.challenge, (misfit.batch, misfit.terms, MANIFEST, 0, narrow, new bytes32[](0))), provider);
    }

    function _striking() private view returns (bytes memory) {
        bool first = crowd.batchId < twin.batchId;
        (Crowd memory kept, Crowd memory struck) = first ? (crowd, twin) : (twin, crowd);
        (uint256 i, uint256 j) = first ? (2, 0) : (0, 2);
        return
            abi.encodeCall(
                IConsents.strike, (kept.batch, _leaf(kept, i), _proof(kept, i), struck.batch, _leaf(struck, j), _proof(struck, j))
            );
    }
}
