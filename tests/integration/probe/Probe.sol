// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// What a contract can create.
contract Spawned {
    uint256 public immutable BORN;

    constructor(uint256 born) {
        BORN = born;
    }
}

/// Every behaviour of a contract that the embedded chain must show as other nodes do.
/// Compiled by `compile.js` beside this file into `probe.json`, which is what the tests read.
contract Probe {
    error Refused(uint256 id, address who, string why);
    error Bare();

    event Stored(uint256 indexed key, bytes32 indexed value, address indexed by, bytes note);
    event Plain(uint256 number);
    event Nameless(uint256 number) anonymous;

    mapping(uint256 => bytes32) private _store;
    uint256 public total;
    Spawned public child;

    constructor(uint256 start) {
        total = start;
        emit Plain(start);
    }

    receive() external payable {
        total += msg.value;
    }

    function put(uint256 key, bytes32 value, bytes calldata note) external payable {
        _store[key] = value;
        total += 1;
        emit Stored(key, value, msg.sender, note);
    }

    function putMany(uint256 from, uint256 count) external {
        for (uint256 i = from; i < from + count; i++) {
            _store[i] = bytes32(i + 1);
            emit Stored(i, bytes32(i + 1), msg.sender, "");
            emit Plain(i);
        }
    }

    function wipe(uint256 from, uint256 count) external {
        for (uint256 i = from; i < from + count; i++) delete _store[i];
    }

    function quiet(uint256 number) external {
        emit Nameless(number);
    }

    function spawn(uint256 born) external {
        child = new Spawned(born);
    }

    function spawnAt(bytes32 salt) external {
        child = new Spawned{salt: salt}(1);
    }

    function forward(address payable to) external payable {
        (bool done, ) = to.call{value: msg.value}("");
        require(done, "not taken");
    }

    function catching(uint256 id) external {
        try this.refuse(id) {} catch {
            total += 1;
        }
    }

    function catchingGas() external {
        try this.burn{gas: 50_000}() {} catch {
            total += 1;
        }
    }

    function end(address payable to) external {
        selfdestruct(to);
    }

    function get(uint256 key) external view returns (bytes32) {
        return _store[key];
    }

    function deep(uint256 depth) external view returns (uint256) {
        return depth == 0 ? total : this.deep(depth - 1) + 1;
    }

    function burn() external view returns (uint256 sum) {
        while (true) sum += block.number;
    }

    function time() external view returns (uint256) {
        return block.timestamp;
    }

    function ancestor(uint256 number) external view returns (bytes32) {
        return blockhash(number);
    }

    function environment()
        external
        view
        returns (uint256, uint256, address, uint256, address, address, uint256, uint256, uint256)
    {
        return (
            block.chainid,
            block.number,
            block.coinbase,
            block.basefee,
            msg.sender,
            tx.origin,
            tx.gasprice,
            block.gaslimit,
            address(this).balance
        );
    }

    function refuse(uint256 id) external view {
        revert Refused(id, msg.sender, "because");
    }

    function bare() external pure {
        revert Bare();
    }

    function word(string calldata why) external pure {
        require(false, why);
    }

    function silent() external pure {
        revert();
    }

    function panicAssert() external pure {
        assert(false);
    }

    function panicDivide(uint256 by) external pure returns (uint256) {
        return 1 / by;
    }

    function panicIndex(uint256 place) external pure returns (uint256) {
        uint256[] memory one = new uint256[](1);
        return one[place];
    }

    function panicUnder(uint256 less) external pure returns (uint256) {
        return 1 - less;
    }

    function stop() external pure {
        assembly {
            invalid()
        }
    }

    function precompiles(bytes32 digest, uint8 v, bytes32 r, bytes32 s)
        external
        view
        returns (address signer, bytes32 sha, bytes20 ripe, bytes32 same, uint256 power)
    {
        signer = ecrecover(digest, v, r, s);
        sha = sha256(abi.encode(digest));
        ripe = ripemd160(abi.encode(digest));
        (, bytes memory out) = address(4).staticcall(abi.encode(digest));
        same = abi.decode(out, (bytes32));
        (, out) = address(5).staticcall(abi.encode(32, 32, 32, uint256(digest), uint256(r), uint256(s)));
        power = abi.decode(out, (uint256));
    }
}
