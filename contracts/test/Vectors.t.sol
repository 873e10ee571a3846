// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IConsents} from "../src/interfaces/IConsents.sol";
import {IDataAssets} from "../src/interfaces/IDataAssets.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {Journal} from "../src/Journal.sol";
import {ConsentTree} from "../src/libraries/ConsentTree.sol";
import {Shares} from "../src/libraries/Shares.sol";
import {Exchange} from "./Exchange.t.sol";

/// Folds any log.
contract Folder is Journal {
    function fold(bytes32 entity, bytes calldata log) external {
        _foldEmitted(entity, log);
    }
}

/// The pure rules, open to the tests.
contract Rules {
    function holds(bytes32 root, uint32 count, uint32 index, bytes32 leaf, bytes32[] calldata proof) external pure returns (bool) {
        return ConsentTree.holds(root, count, index, leaf, proof);
    }

    function divide(IMarket.Split calldata split, uint128 price, uint128 carryIn, uint64 heads)
        external
        pure
        returns (Shares.Division memory)
    {
        return Shares.divide(split, price, carryIn, heads);
    }
}

/// What the contracts compute is what tests/vectors say, which Python and JavaScript compute too. A vector names its chain and
/// contract; the code is put there. (A chain id above 64 bits cannot be: those cases are left to the others.)
contract VectorsTest is Exchange {
    string private constant FOLDER = "../tests/vectors/";
    Rules private rules = new Rules();
    string private text;
    uint256 private number;

    function test_JournalHeads() public {
        _load("journal");
        for (; _hasCase(); ++number) {
            Folder folder = new Folder();
            bytes32 entity = keccak256("an entity");
            bytes32 head = _exists("input.head") ? _word("input.head") : bytes32(0);
            vm.store(address(folder), 0x35ea186c54920fec12571065a4cda6362dfe9d8d041545c86607b9dcfe795800, head);
            for (uint256 i = 0; _exists(_at("input.logs", i, "")); ++i) {
                vm.roll(_uint(_at("input.logs", i, ".blockNumber")));
                bytes memory log;
                for (uint256 j = 0; _exists(_topic(i, j)); ++j) {
                    log = bytes.concat(log, _word(_topic(i, j)));
                }
                folder.fold(entity, bytes.concat(log, vm.parseJsonBytes(text, _path(_at("input.logs", i, ".data")))));
                vm.assertEq(folder.journalHead(), _word(string.concat("expected.heads[", vm.toString(i), "]")), _name());
            }
        }
        vm.assertGt(number, 0);
    }

    function test_JournalSlots() public {
        _load("journal-slots");
        for (; _hasCase(); ++number) {
            Folder folder = new Folder();
            vm.store(address(folder), _word("expected.contractHead"), "head");
            vm.store(address(folder), _word("expected.entityHead"), "head of the entity");
            vm.assertEq(folder.journalHead(), "head", _name());
            vm.assertEq(folder.journalHeadOf(_word("input.entity")), "head of the entity", _name());
        }
        vm.assertGt(number, 0);
    }

    function test_AssetIdsAndVersionKeys() public {
        _load("asset");
        for (; _hasCase(); ++number) {
            address place = _put("input.dataAssets", "input.chainId", address(dataAssets));
            if (place == address(0)) continue;
            uint256 id = IDataAssets(place).assetIdOf(_address("input.registrant"), _word("input.salt"));
            IDataAssets.Version memory version = IDataAssets.Version(
                _word("input.version.contentRoot"), uint64(_uint("input.version.recordCount")), _word("input.version.descriptorHash")
            );
            vm.assertEq(id, _uint("expected.assetId"), _name());
            vm.assertEq(IDataAssets(place).versionKeyOf(id, version), _word("expected.versionKey"), _name());
        }
        vm.assertGt(number, 0);
    }

    function test_CaseIds() public {
        _load("case");
        for (; _hasCase(); ++number) {
            address opener = _address("input.opener");
            _admit(opener, 0);
            vm.prank(opener);
            bytes32 caseId = cases.open(_word("input.target"), uint8(_uint("input.kind")), _word("input.documentHash"));
            vm.assertEq(caseId, _word("expected.caseId"), _name());
        }
        vm.assertGt(number, 0);
    }

    function test_ConsentIds() public {
        _load("consent");
        uint256 computed = 0;
        for (; _hasCase(); ++number) {
            if (!_exists("expected.consentId")) continue;
            address place = _put("input.domain.contract", "input.domain.chainId", address(consents));
            if (place == address(0)) continue;
            vm.assertEq(IConsents(place).consentIdOf(_readConsent()), _word("expected.consentId"), _name());
            ++computed;
        }
        vm.assertGt(computed, 4);
    }

    function test_BatchIds() public {
        _load("batch");
        for (; _hasCase(); ++number) {
            bytes32 termsHash = keccak256(abi.encode(_readTerms(), _word("input.manifestHash")));
            vm.assertEq(termsHash, _word("expected.termsHash"), _name());
            IConsents.Batch memory batch =
                IConsents.Batch(_uint("input.assetId"), _word("input.root"), uint32(_uint("input.count")), termsHash);
            vm.assertEq(consents.batchIdOf(batch), _word("expected.batchId"), _name());
        }
        vm.assertGt(number, 0);
    }

    function test_PositionalProofs() public {
        _load("positional-proof");
        uint256 computed = 0;
        for (; _hasCase(); ++number) {
            if (!_exists("expected.valid") || _uint("input.count") > type(uint32).max || _uint("input.count") == 0) continue;
            if (_uint("input.index") > type(uint32).max) continue;
            bool valid = rules.holds(
                _word("input.root"), uint32(_uint("input.count")), uint32(_uint("input.index")), _word("input.leaf"), _readProof()
            );
            vm.assertEq(valid, vm.parseJsonBool(text, _path("expected.valid")));
            ++computed;
        }
        vm.assertGt(computed, 4);
    }

    function test_OfferIdsAndSaleIds() public {
        _load("offer");
        uint256 computed = 0;
        for (; _hasCase(); ++number) {
            if (!_exists("expected.offerId")) continue;
            address place = _put("input.market", "input.chainId", address(market));
            if (place == address(0)) continue;
            bytes32 offerId = IMarket(place).offerIdOf(_readOffer());
            vm.assertEq(offerId, _word("expected.offerId"), _name());
            bytes32 saleId = IMarket(place).saleIdOf(offerId, _address("input.buyer"), _word("input.reference"));
            vm.assertEq(saleId, _word("expected.saleId"), _name());
            ++computed;
        }
        vm.assertGt(computed, 3);
    }

    function test_Settlements() public {
        _load("settlement");
        uint256 computed = 0;
        for (; _hasCase(); ++number) {
            if (!_exists("expected.perHead")) continue;
            bool pool = vm.parseJsonBool(text, _path("input.hasPool"));
            Shares.Division memory division = rules.divide(
                _readSplit(),
                uint128(_uint("input.price")),
                uint128(_uint("input.carryIn")),
                pool ? uint64(_uint("input.deliveredCount")) : 0
            );
            vm.assertEq(division.exchange, _uint("expected.exchange"), _name());
            vm.assertEq(division.provider, _uint("expected.provider"), _name());
            vm.assertEq(division.perHead, _uint("expected.perHead"), _name());
            vm.assertEq(division.carryOut, _uint("expected.carryOut"), _name());
            for (uint256 i = 0; i < division.intermediaries.length; ++i) {
                vm.assertEq(division.intermediaries[i], _uint(_at("expected.intermediaries", i, "")), _name());
            }
            ++computed;
        }
        vm.assertGt(computed, 4);
    }

    // Structs.

    function _readConsent() private view returns (IConsents.Consent memory consent) {
        consent.subject = _address("input.consent.subject");
        consent.assetId = _uint("input.consent.assetId");
        consent.controller = _address("input.consent.controller");
        consent.recipient = _address("input.consent.recipient");
        consent.recipientClass = uint16(_uint("input.consent.recipientClass"));
        consent.purpose = uint16(_uint("input.consent.purpose"));
        consent.modes = uint16(_uint("input.consent.modes"));
        consent.crossBorder = vm.parseJsonBool(text, _path("input.consent.crossBorder"));
        consent.noticeHash = _word("input.consent.noticeHash");
        consent.recordCommit = _word("input.consent.recordCommit");
        consent.validFrom = uint64(_uint("input.consent.validFrom"));
        consent.validUntil = uint64(_uint("input.consent.validUntil"));
        consent.statementHash = keccak256(bytes(vm.parseJsonString(text, _path("input.consent.statement"))));
        consent.salt = _word("input.consent.salt");
    }

    function _readTerms() private view returns (IConsents.Terms memory terms) {
        terms.controller = _address("input.terms.controller");
        terms.recipient = _address("input.terms.recipient");
        terms.recipientClass = uint16(_uint("input.terms.recipientClass"));
        terms.purpose = uint16(_uint("input.terms.purpose"));
        terms.modes = uint16(_uint("input.terms.modes"));
        terms.crossBorder = vm.parseJsonBool(text, _path("input.terms.crossBorder"));
        terms.noticeHash = _word("input.terms.noticeHash");
        terms.validFrom = uint64(_uint("input.terms.validFrom"));
        terms.validUntil = uint64(_uint("input.terms.validUntil"));
    }

    function _readProof() private view returns (bytes32[] memory proof) {
        proof = new bytes32[](_length("input.proof"));
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] = _word(_at("input.proof", i, ""));
        }
    }

    function _readOffer() private view returns (IMarket.Offer memory offer) {
        offer.provider = _address("input.offer.provider");
        offer.assetId = _uint("input.offer.assetId");
        offer.version = uint32(_uint("input.offer.assetVersion"));
        offer.versionKey = _word("input.offer.versionKey");
        offer.mode = uint16(_uint("input.offer.mode"));
        offer.purpose = uint16(_uint("input.offer.purpose"));
        offer.price = _readPrice();
        offer.split.exchange = _address("input.offer.split.exchange");
        offer.split.exchangeBps = uint16(_uint("input.offer.split.exchangeBps"));
        offer.split.providerBps = uint16(_uint("input.offer.split.providerBps"));
        offer.split.subjectsBps = uint16(_uint("input.offer.split.subjectsBps"));
        offer.split.intermediaries = _readIntermediaries();
        offer.termsHash = _word("input.offer.termsHash");
        offer.policyHash = _word("input.offer.policyHash");
        offer.quota = uint64(_uint("input.offer.quota"));
        offer.term = uint64(_uint("input.offer.term"));
        offer.validUntil = uint64(_uint("input.offer.validUntil"));
        offer.conditions = IMarket.Conditions(uint16(_uint("input.offer.conditions.buyerClass")), _readJurisdictions());
        offer.sandbox = _readSandbox();
        offer.salt = _word("input.offer.salt");
    }

    function _readPrice() private view returns (IMarket.Price memory price) {
        price.data = uint128(_uint("input.offer.price.data"));
        price.algorithm = uint128(_uint("input.offer.price.algorithm"));
        price.compute = uint128(_uint("input.offer.price.compute"));
        price.service = uint128(_uint("input.offer.price.service"));
        price.currency = bytes3(bytes(vm.parseJsonString(text, _path("input.offer.price.currency"))));
    }

    function _readIntermediaries() private view returns (IMarket.Intermediary[] memory found) {
        string memory list = "input.offer.split.intermediaries";
        found = new IMarket.Intermediary[](_length(list));
        for (uint256 i = 0; i < found.length; ++i) {
            found[i] = IMarket.Intermediary(_address(_at(list, i, ".account")), uint16(_uint(_at(list, i, ".bps"))));
        }
    }

    function _readJurisdictions() private view returns (uint16[] memory found) {
        string memory list = "input.offer.conditions.jurisdictions";
        found = new uint16[](_length(list));
        for (uint256 i = 0; i < found.length; ++i) {
            found[i] = uint16(_uint(_at(list, i, "")));
        }
    }

    function _readSandbox() private view returns (IMarket.Sandbox memory sandbox) {
        sandbox.on = vm.parseJsonBool(text, _path("input.offer.sandbox.on"));
        sandbox.end = uint64(_uint("input.offer.sandbox.end"));
        sandbox.maxOrders = uint32(_uint("input.offer.sandbox.maxOrders"));
        sandbox.maxPrice = uint128(_uint("input.offer.sandbox.maxPrice"));
        string memory list = "input.offer.sandbox.buyers";
        sandbox.buyers = new address[](_length(list));
        for (uint256 i = 0; i < sandbox.buyers.length; ++i) {
            sandbox.buyers[i] = _address(_at(list, i, ""));
        }
    }

    function _readSplit() private view returns (IMarket.Split memory split) {
        split.exchangeBps = uint16(_uint("input.split.exchange"));
        split.providerBps = uint16(_uint("input.split.provider"));
        split.subjectsBps = uint16(_uint("input.split.subjects"));
        string memory list = "input.split.intermediaries";
        split.intermediaries = new IMarket.Intermediary[](_length(list));
        for (uint256 i = 0; i < split.intermediaries.length; ++i) {
            split.intermediaries[i].bps = uint16(_uint(_at(list, i, "")));
        }
    }

    // One case of the file.

    /// The code of `from` at the place and on the chain that the case names; zero where no test chain can have that id.
    function _put(string memory place, string memory chain, address from) private returns (address at) {
        if (_uint(chain) == 0 || _uint(chain) > type(uint64).max) return address(0);
        at = _address(place);
        vm.etch(at, from.code);
        vm.chainId(_uint(chain));
    }

    function _load(string memory name) private {
        text = vm.readFile(string.concat(FOLDER, name, ".json"));
    }

    function _hasCase() private view returns (bool) {
        return vm.keyExistsJson(text, _path("name"));
    }

    function _name() private view returns (string memory) {
        return vm.parseJsonString(text, _path("name"));
    }

    function _exists(string memory field) private view returns (bool) {
        return vm.keyExistsJson(text, _path(field));
    }

    function _length(string memory list) private view returns (uint256 length) {
        while (_exists(_at(list, length, ""))) ++length;
    }

    function _topic(uint256 log, uint256 topic) private pure returns (string memory) {
        return _at("input.logs", log, _at(".topics", topic, ""));
    }

    function _at(string memory list, uint256 index, string memory rest) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]", rest);
    }

    function _uint(string memory field) private view returns (uint256) {
        return vm.parseJsonUint(text, _path(field));
    }

    function _word(string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(text, _path(field));
    }

    function _address(string memory field) private view returns (address) {
        return vm.parseJsonAddress(text, _path(field));
    }

    function _path(string memory field) private view returns (string memory) {
        return string.concat(".cases[", vm.toString(number), "].", field);
    }
}
