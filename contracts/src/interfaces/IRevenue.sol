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
        uint128 perHead;
        bytes3 currency;
        uint32 lists; // of deferred ordinals, so far
    }

    /// A list to be paid in order: list 0 is the delivered ordinals; each later one is of places of an earlier one, known by the
    /// RFC 9162 root over them (docs/formats.md). Whoever is put off is on exactly one list that is not yet paid.
    struct Payable {
        uint64 count;
        uint64 paidUpTo; // its places [0, paidUpTo) are done with: paid, or put off to a later list
        uint64 deferred; // how many of those were put off, or bounced
    }

    /// One bank batch: the places [from, to) of `list`, but for `deferredCount` of them that stand on a new list.
    struct Payout {
        uint32 list;
        uint64 from;
        uint64 to;
        uint64 deferredCount;
        bytes32 deferredRoot; // zero exactly where none is put off
        uint128 total; // (to - from - deferredCount) * perHead
        bytes32 receiptHash;
    }

    /// Payments of a list that came back: `count` of its places below `paidUpTo`, on a new list.
    struct Bounce {
        uint32 list;
        uint64 count;
        bytes32 root;
        uint128 total; // count * perHead
        bytes32 receiptHash;
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
    /// Of the delivered ordinals (list 0). Those on a list that an OrdinalsDeferred just before it opened are not among the paid.
    event PayoutConfirmed(
        bytes32 indexed saleId, address indexed settler, bytes32 indexed receiptHash, uint64 from, uint64 to, uint128 total, bytes3 currency
    );
    /// A new list, of `count` of the places [from, to) of the list `parent`.
    event OrdinalsDeferred(
        bytes32 indexed saleId, uint32 indexed list, bytes32 indexed root, uint64 count, uint32 parent, uint64 from, uint64 to
    );
    /// As PayoutConfirmed, of a later list.
    event DeferredPayoutConfirmed(
        bytes32 indexed saleId,
        address indexed settler,
        bytes32 indexed receiptHash,
        uint32 list,
        uint64 from,
        uint64 to,
        uint128 total,
        bytes3 currency
    );
    /// `total` came back; the OrdinalsDeferred just before it names the list.
    event PaymentsBounced(
        bytes32 indexed saleId,
        address indexed settler,
        bytes32 indexed receiptHash,
        uint32 list,
        uint64 count,
        uint128 total,
        bytes3 currency
    );
    /// `refunded` is the sum of all refunds of the sale, this one included.
    event RefundConfirmed(
        bytes32 indexed saleId, address indexed settler, bytes32 indexed receiptHash, uint128 amount, uint128 refunded, bytes3 currency
    );

    /// Only an accepted sale is settled.
    error SaleNotAccepted(bytes32 saleId, uint8 state);
    /// A sale is settled once.
    error AlreadySettled(bytes32 saleId, uint64 certificate);
    /// Only a settled sale is paid out.
    error NotSettled(bytes32 saleId);
    /// Every act brings the very offer and reference of the sale.
    error SaleMismatch(bytes32 saleId, bytes32 given);
    /// A list is paid that exists.
    error UnknownList(bytes32 saleId, uint32 list);
    /// At most those whose turn it is are put off, and their root is given exactly where there are some.
    error DeferredWrong(uint64 given, uint64 most);
    /// What came back is some payments.
    error BounceEmpty();
    /// No more payments come back than were made.
    error BouncesBeyond(uint64 given, uint64 most);
    /// Before its settlement only a refunded sale's money goes back.
    error NotRefunded(bytes32 saleId, uint8 state);
    /// No more than the price goes back.
    error RefundBeyond(uint128 given, uint128 most);
    /// A refund is of something.
    error RefundEmpty();
    /// A list is paid in order, without a gap.
    error PayoutGap(uint64 paidUpTo, uint64 from);
    /// A payout is of somebody.
    error PayoutEmpty(uint64 from, uint64 to);
    /// Nobody beyond the list is paid.
    error PayoutBeyond(uint64 to, uint64 deliveredCount);
    /// A payout is what is due, exactly.
    error WrongTotal(uint128 expected, uint128 given);
    /// Money that moved has a receipt.
    error ZeroHash(uint8 position);
    /// Money is confirmed by no party to the sale.
    error SettlerIsParty(address settler);
    /// A receipt confirms one act.
    error ReceiptUsed(bytes32 receiptHash);
    /// Where nothing was paid, there is no receipt.
    error ReceiptOfNothing(bytes32 receiptHash);

    /// @notice Anyone books an accepted sale, once. exchange = floor(price * exchangeBps / 10000) and so on; the rest of the
    /// price and the carry are the pool; perHead = floor(pool / deliveredCount). Without a pool the rest is the provider's
    /// and the carry stays. Emits SaleSettled.
    function settle(bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_) external returns (uint64 certificate);
    /// @notice A SETTLER who is no party confirms a bank batch over the places [from, to) of a list. Requirements: from = paidUpTo of
    /// the list; deferredCount <= to - from; total = (to - from - deferredCount) * perHead; a receipt hash not used before, here or
    /// in Market (zero where all are put off, since nothing was paid); no hold on sale or asset. Emits OrdinalsDeferred where some
    /// are put off, then PayoutConfirmed or DeferredPayoutConfirmed.
    function confirmPayout(bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_, Payout calldata payout) external;
    /// @notice A SETTLER who is no party confirms that payments came back; whoever they were for stands on a new list. Requirements:
    /// at most as many as the list has paid; total = count * perHead; a receipt hash not used before. Emits OrdinalsDeferred,
    /// PaymentsBounced.
    function confirmBounce(bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_, Bounce calldata bounce) external;
    /// @notice A SETTLER who is no party confirms money given back to the buyer: of a sale that Market says REFUNDED, or, after its
    /// settlement, out of anybody's pocket but the subjects' (their dues stand). In all at most the price. Emits RefundConfirmed.
    function confirmRefund(bytes32 saleId, IMarket.Offer calldata offer, bytes32 reference_, uint128 amount, bytes32 receiptHash) external;

    function entry(bytes32 saleId) external view returns (Entry memory);
    /// @notice A list of a settled sale; zeros where there is none. List 0 is the delivered ordinals.
    function listOf(bytes32 saleId, uint32 list) external view returns (Payable memory);
    function refundedOf(bytes32 saleId) external view returns (uint128);
    function carryOf(uint256 assetId, bytes3 currency) external view returns (uint128);
    function certificates() external view returns (uint64);
}
