// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Market
/// @notice Listing policy, offers, sales and their states, payment and delivery. Journal entities: an offer's events the
/// asset; an order the sale and the asset; everything after it the sale.
///
/// offerId = keccak256(abi.encode(OFFER_TAG, chainId, Market, offer)), OFFER_TAG = keccak256("deedbook.offer.v1");
/// saleId = keccak256(abi.encode(SALE_TAG, offerId, buyer, reference_)), SALE_TAG = keccak256("deedbook.sale.v1").
interface IMarket {
    struct Policy {
        uint16 toList; // attestation kinds as bits (1 << kind), about the version
        uint16 toOrder; // asked at the order; always a superset of toList. CONSENT_AUDIT: a basis of consents, whatever the kind
        uint16 modes; // modes that this kind and grade may be sold in
    }

    struct Price {
        uint128 data;
        uint128 algorithm;
        uint128 compute;
        uint128 service;
        bytes3 currency; // ISO 4217, ASCII
    }

    struct Intermediary {
        address account;
        uint16 bps;
    }

    /// Shares of the price in basis points; with what is left over, the subjects' pool.
    struct Split {
        address exchange;
        uint16 exchangeBps;
        uint16 providerBps;
        uint16 subjectsBps; // 0 where the sale has no subject pool; then the remainder goes to the provider
        Intermediary[] intermediaries; // at most 8
    }

    struct Conditions {
        uint16 buyerClass; // Codes.CLASS_*; 0 any buyer
        uint16[] jurisdictions; // ascending, at most 16; empty: any
    }

    struct Sandbox {
        bool on;
        uint64 end; // Unix seconds
        uint32 maxOrders;
        uint128 maxPrice;
        address[] buyers; // ascending, at most 64
    }

    struct Offer {
        address provider;
        uint256 assetId;
        uint32 version;
        bytes32 versionKey;
        uint16 mode; // exactly one bit
        uint16 purpose;
        Price price;
        Split split;
        bytes32 termsHash; // SHA-256 of the contract terms
        bytes32 policyHash; // SHA-256 of the ODRL policy
        uint64 quota; // uses; 0 unlimited
        uint64 term; // seconds of use after delivery; 0 unlimited
        uint64 validUntil; // the last second in which it can be ordered
        Conditions conditions;
        Sandbox sandbox;
        bytes32 salt;
    }

    struct OfferState {
        uint8 state; // Codes.OFFER_*
        uint32 orders; // of a try-out (sandbox); not counted else
    }

    /// What is kept of a sale, in two words. The rest follows from what later acts bring along: the offer, and the buyer's
    /// reference, whose hash with the buyer is the sale's name.
    struct Sale {
        address buyer;
        uint8 state; // Codes.SALE_*
        bool onBasis; // stands on consents
        bool pooled; // its subjects have a share
        uint64 at; // when the present state was entered
        uint64 paidAt;
        uint64 deliveredAt;
        uint64 liveAtPrepare;
        uint64 deliveredCount;
    }

    event PolicySet(uint8 indexed kind, uint8 indexed grade, uint16 toList, uint16 toOrder, uint16 modes);
    event OfferListed(bytes32 indexed offerId, uint256 indexed assetId, address indexed provider, Offer offer);
    event OfferClosed(bytes32 indexed offerId, uint256 indexed assetId, address indexed provider);
    event SaleOrdered(
        bytes32 indexed saleId,
        bytes32 indexed offerId,
        address indexed buyer,
        uint256 assetId,
        uint32 version,
        bytes32 reference_,
        uint128 price,
        bytes3 currency,
        uint64 live,
        address[] attesters
    );
    event SalePaid(bytes32 indexed saleId, address indexed settler, bytes32 indexed receiptHash, uint128 amount, bytes3 currency);
    event SalePrepared(bytes32 indexed saleId, address indexed provider, uint32 indexed version, uint64 live);
    event SaleDelivered(
        bytes32 indexed saleId, address indexed provider, bytes32 indexed envelopeHash, bytes32 coverHash, uint64 deliveredCount
    );
    event SaleAccepted(bytes32 indexed saleId, address indexed by, bool byTimeout);
    event SaleCancelled(bytes32 indexed saleId, address indexed by);
    event SaleRefunded(bytes32 indexed saleId, address indexed by, uint128 amount, bytes3 currency);
    event SaleDisputed(bytes32 indexed saleId, address indexed buyer, bytes32 indexed documentHash);
    /// POSITIVE: for the buyer, and the sale is REFUNDED; NEGATIVE: it is ACCEPTED.
    event DisputeDecided(bytes32 indexed saleId, address indexed decider, bytes32 indexed documentHash, uint8 outcome);

    /// An order asks for at least what a listing asks.
    error PolicyNarrows(uint16 toList, uint16 toOrder);
    /// A kind and grade without a policy is not sold.
    error PolicyMissing(uint8 kind, uint8 grade);
    /// Policies and offers name known modes.
    error UnknownModes(uint16 modes);
    /// The grade permits the mode.
    error ModeRefusedByPolicy(uint16 mode, uint16 allowed);
    /// An offer is for one mode.
    error NotOneMode(uint16 mode);
    /// An offer is for one known purpose.
    error UnknownPurpose(uint16 purpose);
    /// An offer's acts, and its deliveries, are its provider's.
    error NotProvider(bytes32 offerId, address account);
    /// The provider may operate the asset, in this mode, for this purpose, now.
    error NotOperator(uint256 assetId, address account);
    /// What only the buyer can do nobody else does.
    error NotBuyer(bytes32 saleId, address account);
    /// An order is cancelled by its buyer or its provider.
    error NotParty(bytes32 saleId, address account);
    /// Nobody buys from itself.
    error ProviderIsBuyer(address account);
    /// A cancelled or unknown asset is not sold.
    error AssetNotUsable(uint256 assetId, uint8 state);
    /// Only the current version is listed, ordered and delivered.
    error VersionNotCurrent(uint256 assetId, bytes32 versionKey, bytes32 current);
    /// The shares of a price are the whole of it.
    error SplitNotWhole(uint256 sum);
    /// Without subjects who have a share, none is set apart for them.
    error SplitWithoutPool(uint16 subjectsBps);
    /// A price has at most eight intermediaries.
    error TooManyIntermediaries(uint256 given, uint256 most);
    /// Every share is somebody's.
    error ZeroAccount();
    /// Terms, usage policy, envelope, cover, receipts and documents are named by their hashes.
    error ZeroHash(uint8 position);
    /// A currency is three capital letters.
    error CurrencyMalformed(bytes3 currency);
    /// A price is below 2^96.
    error PriceTooLarge(uint256 price);
    /// Jurisdictions and buyers ascend, each once.
    error UnorderedConditions(uint256 position);
    /// An offer names at most sixteen jurisdictions and sixty-four buyers.
    error TooManyConditions(uint256 given, uint256 most);
    /// An offer is listed once.
    error OfferExists(bytes32 offerId);
    /// The buyer orders the very offer that was read.
    error OfferMismatch(bytes32 named, bytes32 given);
    /// Only an open offer is ordered or closed.
    error OfferNotOpen(bytes32 offerId, uint8 state);
    /// An offer counts until its last second.
    error OfferExpired(bytes32 offerId, uint64 validUntil);
    /// What an offer relies on is stated by no party to it.
    error AttesterIsParty(address attester);
    /// The buyer is of a jurisdiction that the offer admits.
    error JurisdictionRefused(uint16 jurisdiction);
    /// A try-out has an end.
    error SandboxEnded(bytes32 offerId, uint64 end);
    /// A try-out has so many orders.
    error SandboxFull(bytes32 offerId, uint32 maxOrders);
    /// A try-out has a cap on its price.
    error SandboxPrice(uint256 price, uint128 maxPrice);
    /// A try-out is for the buyers it names.
    error SandboxBuyer(bytes32 offerId, address buyer);
    /// What stands on consents has a basis for the very version.
    error BasisMissing(uint256 assetId, uint32 version);
    /// Only a closed binding is a basis.
    error BindingOpen(uint256 assetId, uint64 bound, uint64 recordCount);
    /// Without one live consent there is no sale.
    error NoLiveConsent(uint256 assetId, uint32 version);
    /// A withdrawal by receipt stops orders and deliveries until it is resolved.
    error WithdrawalPending(uint256 assetId, uint32 pending);
    /// The controller of the consents still holds the asset.
    error ControllerGone(uint256 assetId, address controller);
    /// The purpose was consented to.
    error PurposeNotConsented(uint16 asked, uint16 granted);
    /// The mode was consented to.
    error ModeNotConsented(uint16 asked, uint16 granted);
    /// The buyer is the recipient that was consented to.
    error RecipientNotConsented(address buyer, address granted);
    /// The buyer is of the class that was consented to.
    error ClassNotConsented(address buyer, uint16 granted);
    /// Crossing a border was consented to.
    error CrossBorderNotConsented(uint16 from, uint16 to);
    /// The consents have begun.
    error BasisNotYetValid(uint256 assetId, uint64 validFrom);
    /// The consents are not over.
    error BasisExpired(uint256 assetId, uint64 validUntil);
    /// An order counts once.
    error SaleExists(bytes32 saleId);
    /// Only what was ordered can be acted on.
    error UnknownSale(bytes32 saleId);
    /// Every act has its states of a sale.
    error WrongSaleState(bytes32 saleId, uint8 expected, uint8 actual);
    /// A payment is of the price, exactly.
    error WrongAmount(uint128 expected, uint128 given);
    /// A payment is in the offer's currency.
    error WrongCurrency(bytes3 expected, bytes3 given);
    /// Money is confirmed by no party to the sale.
    error SettlerIsParty(address settler);
    /// A receipt confirms one act.
    error ReceiptUsed(bytes32 receiptHash);
    /// A delivery follows its preparation in time.
    error PrepareWindowOver(bytes32 saleId, uint64 preparedAt, uint64 time);
    /// A delivery names exactly one set of people: all who are live now, and none who was not at the preparation.
    error DeliveredCountWrong(uint64 given, uint64 least, uint64 most);
    /// Silence is acceptance only after the window.
    error AcceptanceWindowOpen(bytes32 saleId, uint64 until);
    /// The buyer alone takes a payment back only when it can no longer be delivered as ordered.
    error NotRefundable(bytes32 saleId);
    /// Later acts bring the very offer and reference of the sale.
    error SaleMismatch(bytes32 saleId, bytes32 given);
    /// A dispute is decided for the buyer or against.
    error UnknownOutcome(uint8 outcome);
    /// A dispute is decided by no party to the sale.
    error DeciderIsParty(bytes32 saleId, address account);
    /// A delivery is disputed within the acceptance window.
    error AcceptanceWindowOver(bytes32 saleId, uint64 until);

    /// @notice Sets what listing and ordering ask for a kind and grade. Governance.
    function setPolicy(uint8 kind, uint8 grade, Policy calldata policy) external;
    /// @notice Lists an offer. Requirements: caller is offer.provider, good standing, PROVIDER, OPERATE right; version current;
    /// well-formed (the price lines sum to at most 2^96 - 1); the policy's `toList` attestations live about the version by no party
    /// (provider, holder, exchange, intermediaries); no hold. `attesters`: one per kind asked, lowest kind first. Kinds asked: those
    /// of the policy; SOURCE_LEGALITY too where the asset needs no basis; and for DERIVED assets with a PERSONAL ancestor either
    /// the policy's alone (then it needs a basis) or, where the array is as long, those with SOURCE_LEGALITY and DEIDENTIFICATION.
    /// Emits OfferListed.
    function list(Offer calldata offer, address[] calldata attesters) external returns (bytes32 offerId);
    /// @notice Closes the caller's offer. Emits OfferClosed.
    function close(Offer calldata offer) external;
    /// @notice Orders. The buyer names the hash of the offer that was read. Checks everything (DESIGN 3.2): `attesters` as for list,
    /// of the policy's `toOrder`, and not the buyer; CROSS_BORDER too where buyer and provider are of different jurisdictions; no
    /// hold on offer, asset, version, sale, provider or buyer. Emits SaleOrdered and, at a price of nothing, SalePaid (settler and
    /// receipt zero): such a sale begins as PAID.
    function order(bytes32 offerId, Offer calldata offer, address[] calldata attesters, bytes32 reference_)
        external
        returns (bytes32 saleId);
    /// @notice A SETTLER, who is no party (provider, buyer, exchange, intermediaries), confirms the bank or e-CNY receipt; a receipt
    /// hash serves once. Emits SalePaid.
    function confirmPayment(bytes32 saleId, Offer calldata offer, bytes32 reference_, uint128 amount, bytes3 currency, bytes32 receiptHash)
        external;
    /// @notice Fixes who is live now. Requirements: PAID, or PREPARED with the window over; everything that an order asks of
    /// version, basis and holds still holds. Emits SalePrepared.
    function prepare(bytes32 saleId, Offer calldata offer, bytes32 reference_) external;
    /// @notice Within PREPARE_WINDOW: same version and binding, no pending mark, no hold,
    /// `live now <= deliveredCount <= live at prepare` and above 0 where the sale stands on consents, else 0. `coverHash` may be zero
    /// only where it does not. ZeroHash names the place: 0 envelopeHash, 1 coverHash (an offer's 0 termsHash, 1 policyHash). Emits SaleDelivered.
    function deliver(
        bytes32 saleId,
        Offer calldata offer,
        bytes32 reference_,
        bytes32 envelopeHash,
        bytes32 coverHash,
        uint64 deliveredCount
    ) external;
    /// @notice The buyer accepts (a DISPUTED sale too: the parties agreed); or anyone, once ACCEPTANCE_WINDOW after delivery is over
    /// and nothing is disputed. Emits SaleAccepted.
    function accept(bytes32 saleId) external;
    /// @notice Buyer or provider cancels an ORDERED sale. Emits SaleCancelled.
    function cancel(bytes32 saleId, Offer calldata offer, bytes32 reference_) external;
    /// @notice The provider gives back a PAID, PREPARED, DELIVERED or DISPUTED sale at will. The buyer alone takes back a PAID (or
    /// PREPARED) one whose asset was cancelled, whose version was superseded, whose basis ended (nobody live, expired, of a former
    /// holder), whose provider may no longer operate it or is no member in good standing, whose term, counted from the payment, is
    /// over, or that was not delivered within DELIVERY_WINDOW of the payment. Emits SaleRefunded; Revenue books the money.
    function refund(bytes32 saleId, Offer calldata offer, bytes32 reference_) external;
    /// @notice The buyer disputes a DELIVERED sale within the acceptance window. Emits SaleDisputed.
    function dispute(bytes32 saleId, bytes32 documentHash) external;
    /// @notice An ARBITER or REGULATOR, who is no party, decides a DISPUTED sale. Emits DisputeDecided.
    function decideDispute(bytes32 saleId, Offer calldata offer, bytes32 reference_, uint8 outcome, bytes32 documentHash) external;

    function PREPARE_WINDOW() external view returns (uint64);
    function DELIVERY_WINDOW() external view returns (uint64);
    function ACCEPTANCE_WINDOW() external view returns (uint64);
    function policyOf(uint8 kind, uint8 grade) external view returns (Policy memory);
    function offerIdOf(Offer calldata offer) external view returns (bytes32);
    function saleIdOf(bytes32 offerId, address buyer, bytes32 reference_) external pure returns (bytes32);
    function offerState(bytes32 offerId) external view returns (OfferState memory);
    function sale(bytes32 saleId) external view returns (Sale memory);
    function isReceiptUsed(bytes32 receiptHash) external view returns (bool);
}
