// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

/// @title OpenZeppelin's parts as they are, one act each
contract Plain is ERC721, AccessControl {
    using BitMaps for BitMaps.BitMap;

    event Marked(uint256 indexed index, bytes32 indexed leaf);

    error NotInTree(bytes32 leaf);
    error AlreadyMarked(uint256 index);

    bytes32 public immutable root;
    BitMaps.BitMap private _marked;

    constructor(bytes32 root_) ERC721("Plain", "PLAIN") {
        root = root_;
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
    }

    function mint(address to, uint256 tokenId) external {
        _mint(to, tokenId);
    }

    /// One bit by position, for a leaf of the tree: no signature, no place proved.
    function mark(uint256 index, bytes32 leaf, bytes32[] calldata proof) external {
        if (!MerkleProof.verifyCalldata(proof, root, leaf)) revert NotInTree(leaf);
        if (_marked.get(index)) revert AlreadyMarked(index);
        _marked.set(index);
        emit Marked(index, leaf);
    }

    function marked(uint256 index) external view returns (bool) {
        return _marked.get(index);
    }

    function supportsInterface(bytes4 id) public view override(ERC721, AccessControl) returns (bool) {
        return super.supportsInterface(id);
    }
}
