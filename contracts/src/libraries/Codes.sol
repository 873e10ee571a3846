// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

/// @title Codes
/// @notice Every code that the ledger uses, named once. `deedbook.domain.codes` holds the same names and values,
/// and a test compares them.
library Codes {
    // Roles: one bit each.
    uint32 internal constant ROLE_OPERATOR = 1 << 0;
    uint32 internal constant ROLE_PROVIDER = 1 << 1;
    uint32 internal constant ROLE_BUYER = 1 << 2;
    uint32 internal constant ROLE_REVIEWER = 1 << 3;
    uint32 internal constant ROLE_APPRAISER = 1 << 4;
    uint32 internal constant ROLE_ARBITER = 1 << 5;
    uint32 internal constant ROLE_REGULATOR = 1 << 6;
    uint32 internal constant ROLE_SETTLER = 1 << 7;
    uint32 internal constant ROLE_AUDITOR = 1 << 8;
    uint32 internal constant ROLE_GATEWAY = 1 << 9;
    uint32 internal constant ROLE_RELAYER = 1 << 10;
    uint32 internal constant ROLES_ALL = (1 << 11) - 1;

    // Member states.
    uint8 internal constant MEMBER_NONE = 0;
    uint8 internal constant MEMBER_ADMITTED = 1;
    uint8 internal constant MEMBER_SUSPENDED = 2;
    uint8 internal constant MEMBER_EXPELLED = 3;

    // Recipient and buyer classes: 0 none; 1 to 255 the role with bit (class - 1); 256 and above a licence code.
    uint16 internal constant CLASS_NONE = 0;
    uint16 internal constant CLASS_FIRST_LICENCE = 256;
    uint16 internal constant LICENCE_EMPLOYER = 256;
    uint16 internal constant LICENCE_BANK = 257;
    uint16 internal constant LICENCE_CREDIT_BUREAU = 258;
    uint16 internal constant LICENCE_LAW_FIRM = 259;

    // Kinds of asset.
    uint8 internal constant KIND_PERSONAL = 1;
    uint8 internal constant KIND_ENTERPRISE = 2;
    uint8 internal constant KIND_PUBLIC = 3;
    uint8 internal constant KIND_DERIVED = 4;

    // Grades (GB/T 43697): GENERAL (with levels 1 to 4) < IMPORTANT < CORE.
    uint8 internal constant GRADE_GENERAL = 1;
    uint8 internal constant GRADE_IMPORTANT = 2;
    uint8 internal constant GRADE_CORE = 3;

    // Asset states.
    uint8 internal constant ASSET_NONE = 0;
    uint8 internal constant ASSET_REGISTERED = 1;
    uint8 internal constant ASSET_CANCELLED = 2;

    // The three rights, each inside the one before it.
    uint8 internal constant RIGHT_HOLD = 1;
    uint8 internal constant RIGHT_PROCESS = 2;
    uint8 internal constant RIGHT_OPERATE = 3;

    // Modes of use: one bit each; an offer names exactly one, a consent any set.
    uint16 internal constant MODE_OPEN = 1 << 0;
    uint16 internal constant MODE_CALL = 1 << 1;
    uint16 internal constant MODE_JOINT_MODEL = 1 << 2;
    uint16 internal constant MODE_FEDERATED = 1 << 3;
    uint16 internal constant MODE_ENCRYPTED_COMPUTE = 1 << 4;
    uint16 internal constant MODE_RAW = 1 << 5;
    uint16 internal constant MODES_ALL = (1 << 6) - 1;

    // Purposes.
    uint16 internal constant PURPOSE_RECRUITMENT = 1;
    uint16 internal constant PURPOSE_CREDIT = 2;
    uint16 internal constant PURPOSE_RESEARCH = 3;
    uint16 internal constant PURPOSE_STATISTICS = 4;

    // Kinds of attestation; a policy holds them as the bits (1 << kind).
    uint8 internal constant ATTEST_LEGAL_OPINION = 1;
    uint8 internal constant ATTEST_SOURCE_LEGALITY = 2;
    uint8 internal constant ATTEST_IMPACT_ASSESSMENT = 3;
    uint8 internal constant ATTEST_SECURITY_FILING = 4;
    uint8 internal constant ATTEST_VALUATION = 5;
    uint8 internal constant ATTEST_DEIDENTIFICATION = 6;
    uint8 internal constant ATTEST_CROSS_BORDER = 7;
    uint8 internal constant ATTEST_CONSENT_AUDIT = 8;

    // Outcomes of an attestation, a case and a dispute (POSITIVE: for whoever complained).
    uint8 internal constant OUTCOME_POSITIVE = 1;
    uint8 internal constant OUTCOME_NEGATIVE = 2;

    // Kinds of case.
    uint8 internal constant CASE_OBJECTION = 1;
    uint8 internal constant CASE_DISPUTE = 2;
    uint8 internal constant CASE_LEAK = 3;
    uint8 internal constant CASE_BREACH = 4;

    // Why a leaf ended.
    uint8 internal constant ENDED_WITHDRAWN = 1;
    uint8 internal constant ENDED_CHALLENGED = 2;
    uint8 internal constant ENDED_STRUCK = 3;
    uint8 internal constant ENDED_RELEASED = 4;

    // Fields of a consent that a challenge can name.
    uint8 internal constant FIELD_ASSET = 1;
    uint8 internal constant FIELD_CONTROLLER = 2;
    uint8 internal constant FIELD_RECIPIENT = 3;
    uint8 internal constant FIELD_RECIPIENT_CLASS = 4;
    uint8 internal constant FIELD_PURPOSE = 5;
    uint8 internal constant FIELD_MODES = 6;
    uint8 internal constant FIELD_CROSS_BORDER = 7;
    uint8 internal constant FIELD_NOTICE = 8;
    uint8 internal constant FIELD_VALID_FROM = 9;
    uint8 internal constant FIELD_VALID_UNTIL = 10;

    // States of a sale; SETTLED is kept by Revenue.
    uint8 internal constant SALE_NONE = 0;
    uint8 internal constant SALE_ORDERED = 1;
    uint8 internal constant SALE_PAID = 2;
    uint8 internal constant SALE_PREPARED = 3;
    uint8 internal constant SALE_DELIVERED = 4;
    uint8 internal constant SALE_ACCEPTED = 5;
    uint8 internal constant SALE_CANCELLED = 6;
    uint8 internal constant SALE_REFUNDED = 7;
    uint8 internal constant SALE_DISPUTED = 8;

    // States of an offer.
    uint8 internal constant OFFER_NONE = 0;
    uint8 internal constant OFFER_OPEN = 1;
    uint8 internal constant OFFER_CLOSED = 2;

    // Jurisdictions are ISO 3166-1 numeric codes; China is 156.
    uint16 internal constant JURISDICTION_CN = 156;
    // Shares are basis points.
    uint16 internal constant BPS = 10_000;
}
