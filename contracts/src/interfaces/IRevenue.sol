// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;
import {IMarket} from "./IMarket.sol";

/// @title Revenue
/// @notice The entry of every settled sale, its certificate number, and the payouts to its subjects. Exactly:
/// `price + carryIn = exchange + provider + intermediaries + perHead * deliveredCount + carryOut`, per asset and currency.
/// Journal entity: the sale.
interface IRevenue {
    struct Entry {
        uint64 certificate; // 0: not settled
        uint64 deliveredCount;
        uint64 paidUpTo; // delivered ordinals [0, paidUpTo) are paid
        uint128 perHead;
        bytes3 currency;
    }

    event SaleSettled(
        bytes32 indexed saleId,
        uint256 indexed assetId,
        uint64 indexed certificate,
        bytes3 currency,
        uint128 price,
        uint128 carryIn,
        uint128 exchangeShare,
        uint128 providerShare,
        uint128[] intermediaryShares,
        uint128 perHead,
        uint64 deliveredCount,
        uint128 carryOut
    );
    event PayoutConfirmed(
        bytes32 indexed saleId, address indexed settler, bytes32 indexed receiptHash, uint64 from, uint64 to, uint128 total, bytes3 currency
    );

    error SaleNotAccepted(bytes32 saleId, uint8 state);
    error AlreadySettled(bytes32 saleId, uint64 certificate);
    error NotSettled(bytes32 saleId);
    error OfferMismatch(bytes32 named, bytes32 given);
    error PayoutGap(uint64 paidUpTo, uint64 from);
    error PayoutEmpty(uint64 from, uint64 to);
    error PayoutBeyond(uint64 to, uint64 deliveredCount);
    error WrongTotal(uint128 expected, uint128 given);
    error ZeroHash(uint8 position);
    error SettlerIsParty(address settler);
    error ReceiptUsed(bytes32 receiptHash);

    /// @notice Anyone books an accepted sale, once. exchange = floor(price * exchangeBps / 10000) and so on; the rest of the
    /// price and the carry are the pool; perHead = floor(pool / deliveredCount). Without a pool the rest is the provider's
    /// and the carry stays. Emits SaleSettled.
    function settle(bytes32 saleId, IMarket.Offer calldata offer) external returns (uint64 certificate);
    /// @notice A SETTLER who is no party confirms a bank batch over the delivered ordinals [from, to). Requirements:
    /// from = paidUpTo; total = (to - from) * perHead; a receipt hash not used before, here or in Market; no hold on sale
    /// or asset. Emits PayoutConfirmed.
    function confirmPayout(bytes32 saleId, IMarket.Offer calldata offer, uint64 from, uint64 to, uint128 total, bytes32 receiptHash)
        external;

    function entry(bytes32 saleId) external view returns (Entry memory);
    function carryOf(uint256 assetId, bytes3 currency) external view returns (uint128);
    function certificates() external view returns (uint64);
}
