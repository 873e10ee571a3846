// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AnchorLog} from "../src/AnchorLog.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Usage} from "../src/Usage.sol";
import {Exchange} from "./Exchange.t.sol";

/// @title The access matrix
/// @dev `access.json` says of every act of every contract who may do it, and by what error the others are refused. Here each cell is
/// executed: a fixture brings the ledger to where the act succeeds for whoever is entitled, then everybody tries, direct and as the
/// forwarder passes it on, each from that same state. `tests/unit/test_access_table.py` compares the table with the ABIs.
///
/// A row's outcomes are looked up by the actor's name, then by its group, then by "others"; where the row has an object "relayed",
/// relayed calls are looked up in that one instead. "suspended" and "expelled" are whoever is entitled, after that happened to it;
/// "outsiders" are the first four actors. Views ask nobody who they are.
abstract contract Access is Exchange {
    struct Row {
        string signature;
        string[] names;
        string[] outcomes;
        string[] relayedNames;
        string[] relayedOutcomes;
    }

    struct Act {
        address target;
        bytes call;
        address entitled;
    }

    string private constant ALLOWED = "allowed";
    string private constant NO_ANSWER = "no answer"; // refused without data
    uint256 private constant STRANGER = 3;
    uint256 private constant SUSPENDED = 17;
    uint256 private constant EXPELLED = 18;

    Usage internal usage;
    AnchorLog internal anchorLog;
    address internal otherBuyer = _account("other buyer");
    address internal gateway = _account("gateway");
    address internal relayer = _account("relayer");

    string private _contract;
    string private _path;
    uint256 private _rows;
    mapping(bytes4 selector => uint256) private _placeOf; // from 1
    mapping(bytes4 selector => bool) private _judged;

    function setUp() public virtual override {
        super.setUp();
        usage = new Usage(membership, market, address(forwarder));
        anchorLog = new AnchorLog(membership, address(forwarder));
        _admit(otherBuyer, _admission(Codes.ROLE_BUYER, Codes.LICENCE_EMPLOYER));
        _admit(gateway, Codes.ROLE_GATEWAY);
        _admit(relayer, Codes.ROLE_RELAYER);
    }

    /// Everybody who tries. The first four are no members.
    function _actors() private pure returns (string[19] memory) {
        return [
            "admin",
            "manager",
            "subject",
            "stranger",
            "operator",
            "provider",
            "otherProvider",
            "buyer",
            "otherBuyer",
            "reviewer",
            "appraiser",
            "arbiter",
            "regulator",
            "settler",
            "auditor",
            "gateway",
            "relayer",
            "suspended",
            "expelled"
        ];
    }

    function _accounts() private view returns (address[17] memory) {
        return [
            admin,
            address(manager),
            _person(0),
            stranger,
            operator,
            provider,
            otherProvider,
            buyer,
            otherBuyer,
            reviewer,
            appraiser,
            arbiter,
            regulator,
            settler,
            auditor,
            gateway,
            relayer
        ];
    }

    // A contract's part of the table.

    function _open(string memory name) internal {
        string memory table = vm.readFile("test/access.json");
        (_contract, _path, _rows) = (name, string.concat(".", name, ".acts["), 0);
        while (vm.keyExistsJson(table, string.concat(_at(_rows), ".signature"))) {
            string memory signature = vm.parseJsonString(table, string.concat(_at(_rows), ".signature"));
            _placeOf[bytes4(keccak256(bytes(signature)))] = ++_rows;
        }
    }

    /// Every row was judged, and so executed.
    function _close() internal view {
        string memory table = vm.readFile("test/access.json");
        for (uint256 i = 0; i < _rows; ++i) {
            string memory signature = vm.parseJsonString(table, string.concat(_at(i), ".signature"));
            vm.assertTrue(_judged[bytes4(keccak256(bytes(signature)))], string.concat(_contract, ".", signature, " was not tried"));
        }
    }

    function _at(uint256 row) private view returns (string memory) {
        return string.concat(_path, vm.toString(row), "]");
    }

    // One act, by everybody.

    /// `entitled` is whoever is suspended and expelled for the last two columns; a person that is no member is admitted for it.
    function _judge(address target, bytes memory call, address entitled) internal {
        Row memory row = _read(bytes4(call));
        Act memory act = Act(target, call, entitled);
        for (uint256 number = 0; number < _actors().length; ++number) {
            _try(row, act, number, false);
            _try(row, act, number, true);
        }
        _tryForged(row, act);
        _judged[bytes4(call)] = true;
    }

    function _read(bytes4 selector) private view returns (Row memory row) {
        uint256 place = _placeOf[selector];
        vm.assertTrue(place != 0, string.concat(_contract, ": an act that access.json does not list"));
        string memory table = vm.readFile("test/access.json");
        string memory path = _at(place - 1);
        row.signature = vm.parseJsonString(table, string.concat(path, ".signature"));
        (row.names, row.outcomes) = _readOutcomes(table, string.concat(path, ".outcomes"));
        (row.relayedNames, row.relayedOutcomes) = _readOutcomes(table, string.concat(path, ".relayed"));
    }

    function _readOutcomes(string memory table, string memory path) private view returns (string[] memory names, string[] memory outcomes) {
        if (!vm.keyExistsJson(table, path)) return (names, outcomes);
        names = vm.parseJsonKeys(table, path);
        outcomes = new string[](names.length);
        for (uint256 i = 0; i < names.length; ++i) {
            outcomes[i] = vm.parseJsonString(table, string.concat(path, ".", names[i]));
        }
    }

    function _try(Row memory row, Act memory act, uint256 number, bool relayed) private {
        uint256 state = vm.snapshotState();
        address by = number < SUSPENDED ? _accounts()[number] : _punish(act.entitled, number);
        (bool success, bytes memory result) = relayed ? _relayBare(by, act.target, act.call) : _direct(by, act.target, act.call);
        vm.revertToState(state);
        _compare(_expected(row, number, relayed), success, result, _place(row, number, relayed ? " relayed" : " direct"));
    }

    /// Whoever appends another's address without being the forwarder is nobody but itself.
    function _tryForged(Row memory row, Act memory act) private {
        uint256 state = vm.snapshotState();
        (bool success, bytes memory result) = _direct(stranger, act.target, bytes.concat(act.call, bytes20(act.entitled)));
        vm.revertToState(state);
        _compare(_expected(row, STRANGER, false), success, result, _place(row, STRANGER, " forging"));
    }

    function _direct(address by, address target, bytes memory call) private returns (bool success, bytes memory result) {
        vm.prank(by);
        return target.call(call);
    }

    function _punish(address account, uint256 number) private returns (address) {
        if (membership.participant(account).state == Codes.MEMBER_NONE) _admit(account, Codes.ROLE_BUYER);
        vm.prank(admin);
        if (number == EXPELLED) membership.expel(account, 1);
        else membership.suspend(account, 1);
        return account;
    }

    // What the table says.

    function _expected(Row memory row, uint256 number, bool relayed) private pure returns (string memory) {
        bool apart = relayed && row.relayedNames.length != 0;
        (string[] memory names, string[] memory outcomes) = apart ? (row.relayedNames, row.relayedOutcomes) : (row.names, row.outcomes);
        (bool found, string memory outcome) = _find(names, outcomes, _actors()[number]);
        if (!found && number <= STRANGER) (found, outcome) = _find(names, outcomes, "outsiders");
        if (!found) (found, outcome) = _find(names, outcomes, "others");
        vm.assertTrue(found, string.concat(row.signature, ": nothing is said of ", _actors()[number]));
        return outcome;
    }

    function _find(string[] memory names, string[] memory outcomes, string memory name)
        private
        pure
        returns (bool found, string memory outcome)
    {
        for (uint256 i = 0; i < names.length; ++i) {
            if (_same(names[i], name)) return (true, outcomes[i]);
        }
    }

    function _compare(string memory expected, bool success, bytes memory result, string memory place) private pure {
        if (_same(expected, ALLOWED)) return vm.assertTrue(success, string.concat(place, ": refused"));
        vm.assertFalse(success, string.concat(place, ": allowed"));
        // No answer: nothing, or, where forge traces, its own words without a selector.
        bytes4 selector = _same(expected, NO_ANSWER) ? bytes4(0) : bytes4(keccak256(bytes(expected)));
        vm.assertEq(bytes32(bytes4(result)), bytes32(selector), string.concat(place, ": another error"));
    }

    function _place(Row memory row, uint256 number, string memory how) private view returns (string memory) {
        return string.concat(_contract, ".", row.signature, " by ", _actors()[number], how);
    }

    function _same(string memory left, string memory right) private pure returns (bool) {
        return keccak256(bytes(left)) == keccak256(bytes(right));
    }
}
