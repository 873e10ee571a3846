// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Whether an account signed a digest
/// @notice A key's signature of 65 bytes (v 27 or 28) or 64 (ERC-2098), low s only; else what the account's code says (ERC-1271, in
/// exactly one word), asked by a static call that can neither burn the caller's gas nor flood its memory. The key comes first, so an
/// account that delegates to code (EIP-7702) is still bound by its key; where the chain knows delegation, its code is asked too.
library Signatures {
    uint256 internal constant WALLET_GAS = 200_000;
    uint256 private constant RSV_LENGTH = 65;
    uint256 private constant RVS_LENGTH = 64;

    function isSignedBy(bytes32 digest, bytes calldata signature, address account) internal view returns (bool) {
        if (account == address(0)) return false;
        return _signerOf(digest, signature) == account || _walletAgrees(digest, signature, account);
    }

    /// @dev Zero where the bytes are no signature. They are read where they stand: no copy, and no bounds but the length's.
    function _signerOf(bytes32 digest, bytes calldata signature) private pure returns (address signer) {
        if (signature.length != RSV_LENGTH && signature.length != RVS_LENGTH) return address(0);
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            r := calldataload(signature.offset)
            s := calldataload(add(signature.offset, 0x20))
            v := byte(0, calldataload(add(signature.offset, 0x40)))
        }
        if (signature.length == RSV_LENGTH) (signer,,) = ECDSA.tryRecover(digest, v, r, s);
        else (signer,,) = ECDSA.tryRecover(digest, r, s);
    }

    function _walletAgrees(bytes32 digest, bytes calldata signature, address wallet) private view returns (bool agrees) {
        if (wallet.code.length == 0) return false;
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes32 expected = bytes32(IERC1271.isValidSignature.selector);
        assembly ("memory-safe") {
            mstore(0x00, 0)
            agrees := staticcall(WALLET_GAS, wallet, add(question, 0x20), mload(question), 0x00, 0x20)
            agrees := and(agrees, and(eq(returndatasize(), 0x20), eq(mload(0x00), expected)))
        }
    }
}
