// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IJournal} from "../src/interfaces/IJournal.sol";
import {Journal} from "../src/Journal.sol";
import {Vm} from "./Vm.sol";

/// Every way to record, open to the tests.
contract Probe is Journal {
    event One(bytes32 indexed first, bytes data);
    event Two(bytes32 indexed first, bytes32 indexed second, bytes data);
    event Three(bytes32 indexed first, bytes32 indexed second, bytes32 indexed third, bytes data);
    event Bare(bytes32 indexed first);

    function one(bytes32 entity, bytes32 first, bytes calldata data) external {
        _record(entity, One.selector, first, abi.encode(data));
    }

    function two(bytes32 entity, bytes32 first, bytes32 second, bytes calldata data) external {
        _record(entity, Two.selector, first, second, abi.encode(data));
    }

    function three(bytes32 entity, bytes32 first, bytes32 second, bytes32 third, bytes calldata data) external {
        _record(entity, Three.selector, first, second, third, abi.encode(data));
    }

    function both(bytes32 entity, bytes32 other, bytes32 first, bytes32 second, bytes32 third, bytes calldata data) external {
        _record(entity, other, Three.selector, first, second, third, abi.encode(data));
    }

    function bare(bytes32 entity, bytes32 first) external {
        _record(entity, Bare.selector, first, "");
    }

    function inherited(bytes32 entity, bytes32 first) external {
        emit Bare(first);
        _foldEmitted(entity, abi.encode(Bare.selector, first));
    }

    /// The words around the data are as they were, the data too.
    function keepsMemory(bytes32 first, bytes calldata given) external returns (bool) {
        bytes memory before = bytes.concat(given, first);
        bytes memory data = bytes.concat(given);
        bytes memory later = bytes.concat(first, given);
        bytes32 digest = keccak256(abi.encode(before, data, later));
        _record(first, One.selector, first, data);
        _record(first, Two.selector, first, first, data);
        _record(first, Three.selector, first, first, first, data);
        return digest == keccak256(abi.encode(before, data, later));
    }
}

contract JournalTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    bytes32 private constant BASE = 0x35ea186c54920fec12571065a4cda6362dfe9d8d041545c86607b9dcfe795800;
    bytes32 private constant ENTITY = keccak256("an entity");
    bytes32 private constant OTHER = keccak256("another entity");

    Probe private probe = new Probe();

    function test_TheSlotIsThatOfErc7201() public pure {
        bytes32 expected = keccak256(abi.encode(uint256(keccak256("deedbook.journal")) - 1)) & ~bytes32(uint256(0xff));
        vm.assertEq(BASE, expected);
    }

    function test_AnEmptyJournalIsZero() public view {
        vm.assertEq(probe.journalHead(), bytes32(0));
        vm.assertEq(probe.journalHeadOf(ENTITY), bytes32(0));
    }

    function test_HeadsAreReadFromTheirSlots() public {
        probe.bare(ENTITY, OTHER);
        vm.assertNotEq(probe.journalHead(), bytes32(0));
        vm.assertEq(probe.journalHead(), vm.load(address(probe), BASE));
        bytes32 slot = keccak256(abi.encode(ENTITY, uint256(BASE) + 1));
        vm.assertEq(probe.journalHeadOf(ENTITY), vm.load(address(probe), slot));
    }

    function testFuzz_AnEventOfOneTopicIsFolded(bytes32 first, bytes calldata data, uint64 number) public {
        vm.roll(number);
        vm.expectEmit(true, true, true, true, address(probe));
        emit Probe.One(first, data);
        probe.one(ENTITY, first, data);
        _assertHeads(_fold(0, number, abi.encodePacked(Probe.One.selector, first, abi.encode(data))));
    }

    function testFuzz_AnEventOfTwoTopicsIsFolded(bytes32 first, bytes32 second, bytes calldata data, uint64 number) public {
        vm.roll(number);
        vm.expectEmit(true, true, true, true, address(probe));
        emit Probe.Two(first, second, data);
        probe.two(ENTITY, first, second, data);
        _assertHeads(_fold(0, number, abi.encodePacked(Probe.Two.selector, first, second, abi.encode(data))));
    }

    function testFuzz_AnEventOfThreeTopicsIsFolded(bytes32 first, bytes32 second, bytes32 third, bytes calldata data) public {
        vm.roll(77);
        vm.expectEmit(true, true, true, true, address(probe));
        emit Probe.Three(first, second, third, data);
        probe.three(ENTITY, first, second, third, data);
        _assertHeads(_fold(0, 77, abi.encodePacked(Probe.Three.selector, first, second, third, abi.encode(data))));
    }

    function testFuzz_AnEventOfTwoEntitiesIsFoldedIntoBoth(bytes32 first, bytes32 second, bytes32 third, bytes calldata data) public {
        vm.roll(78);
        vm.expectEmit(true, true, true, true, address(probe));
        emit Probe.Three(first, second, third, data);
        probe.both(ENTITY, OTHER, first, second, third, data);
        bytes32 head = _fold(0, 78, abi.encodePacked(Probe.Three.selector, first, second, third, abi.encode(data)));
        _assertHeads(head);
        vm.assertEq(probe.journalHeadOf(OTHER), head);
    }

    function testFuzz_AnEventWithoutDataIsFolded(bytes32 first) public {
        vm.roll(79);
        vm.expectEmit(true, true, true, true, address(probe));
        emit Probe.Bare(first);
        probe.bare(ENTITY, first);
        _assertHeads(_fold(0, 79, abi.encodePacked(Probe.Bare.selector, first)));
    }

    function test_AnInheritedEventIsFoldedAsAnOwnOne() public {
        Probe twin = new Probe();
        probe.bare(ENTITY, OTHER);
        twin.inherited(ENTITY, OTHER);
        vm.assertEq(probe.journalHead(), twin.journalHead());
        vm.assertEq(probe.journalHeadOf(ENTITY), twin.journalHeadOf(ENTITY));
    }

    function test_AnEventOfNoEntityIsFoldedIntoTheContractsHeadOnly() public {
        probe.bare(0, OTHER);
        vm.assertNotEq(probe.journalHead(), bytes32(0));
        vm.assertEq(probe.journalHeadOf(0), bytes32(0));
        vm.assertEq(probe.journalHeadOf(OTHER), bytes32(0));
    }

    function test_HeadsDependOnOrderAndBlock() public {
        Probe twin = new Probe();
        probe.bare(ENTITY, "a");
        probe.bare(ENTITY, "b");
        twin.bare(ENTITY, "b");
        twin.bare(ENTITY, "a");
        vm.assertNotEq(probe.journalHead(), twin.journalHead());
        Probe third = new Probe();
        third.bare(ENTITY, "a");
        vm.roll(2);
        third.bare(ENTITY, "b");
        vm.assertNotEq(probe.journalHead(), third.journalHead());
    }

    function test_EachEntityHasItsOwnHead() public {
        vm.roll(5);
        probe.bare(ENTITY, "a");
        probe.bare(OTHER, "b");
        probe.bare(ENTITY, "c");
        bytes32 ofEntity = _fold(_fold(0, 5, _bare("a")), 5, _bare("c"));
        vm.assertEq(probe.journalHeadOf(ENTITY), ofEntity);
        vm.assertEq(probe.journalHeadOf(OTHER), _fold(0, 5, _bare("b")));
        vm.assertEq(probe.journalHead(), _fold(_fold(_fold(0, 5, _bare("a")), 5, _bare("b")), 5, _bare("c")));
    }

    function testFuzz_RecordingDisturbsNoMemory(bytes32 first, bytes calldata data) public {
        vm.assertTrue(probe.keepsMemory(first, data));
    }

    function _assertHeads(bytes32 head) private view {
        vm.assertEq(probe.journalHead(), head, "head of the contract");
        vm.assertEq(probe.journalHeadOf(ENTITY), head, "head of the entity");
        vm.assertEq(IJournal(probe).journalHeadOf(0), bytes32(0), "head of nobody");
    }

    function _bare(bytes32 first) private pure returns (bytes memory) {
        return abi.encodePacked(Probe.Bare.selector, first);
    }

    function _fold(bytes32 head, uint256 number, bytes memory log) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(head, number, keccak256(log)));
    }
}
