// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// Counts its calls by word and says so: how often a call was made is asked of the chain, not of who made it.
/// Compiled by `compile.js` beside this file into `tally.json`.
contract Tally {
    error Refused(bytes32 word);

    event Counted(bytes32 indexed word, uint256 times);

    /// How often each word was counted.
    mapping(bytes32 => uint256) public times;

    /// Counts a word. Refuses those that begin with 0xff.
    function count(bytes32 word) external {
        if (word[0] == 0xff) revert Refused(word);
        emit Counted(word, ++times[word]);
    }
}
