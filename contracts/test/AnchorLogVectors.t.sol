// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AnchorLog} from "../src/AnchorLog.sol";
import {IAnchorLog} from "../src/interfaces/IAnchorLog.sol";
import {Codes} from "../src/libraries/Codes.sol";
import {Base} from "./Base.t.sol";
import {PlainLog} from "./PlainLog.sol";

/// @title What another implementation of RFC 9162 proved
/// @dev `tests/vectors/log-consistency.json`, which transparency-dev/merkle made. Each case is a line of its own: its former
/// checkpoint is anchored first.
contract AnchorLogVectorsTest is Base {
    AnchorLog private anchors;
    string private text;

    function setUp() public override {
        super.setUp();
        anchors = new AnchorLog(membership, address(forwarder));
        text = vm.readFile("../tests/vectors/log-consistency.json");
    }

    function test_everyHonestProofIsAcceptedAndNoOther() public {
        (uint256 accepted, uint256 refused) = (0, 0);
        for (uint256 number = 0; vm.keyExistsJson(text, _at(number, ".name")); ++number) {
            _judge(number) ? ++accepted : ++refused;
        }
        vm.assertEq(accepted, 20);
        vm.assertEq(refused, 57);
    }

    function _judge(uint256 number) private returns (bool continues) {
        uint64 formerSize = uint64(vm.parseJsonUint(text, _at(number, ".input.formerSize")));
        uint64 size = uint64(vm.parseJsonUint(text, _at(number, ".input.size")));
        bytes32 formerRoot = vm.parseJsonBytes32(text, _at(number, ".input.formerRoot"));
        bytes32 root = vm.parseJsonBytes32(text, _at(number, ".input.root"));
        bytes32[] memory proof = vm.parseJsonBytes32Array(text, _at(number, ".input.proof"));
        continues = vm.parseJsonBool(text, _at(number, ".expected.continues"));
        vm.assertEq(PlainLog.continues(formerSize, formerRoot, size, root, proof), continues);
        address exchange = address(uint160(0x1000 + number));
        _admit(exchange, Codes.ROLE_OPERATOR);
        vm.startPrank(exchange);
        anchors.anchor(formerSize, formerRoot, new bytes32[](0));
        if (!continues) vm.expectRevert(abi.encodeWithSelector(IAnchorLog.Inconsistent.selector, formerSize, size));
        anchors.anchor(size, root, proof);
        vm.stopPrank();
        vm.assertEq(anchors.latest(exchange).root, continues ? root : formerRoot);
    }

    function _at(uint256 number, string memory rest) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(number), "]", rest);
    }
}
