// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.34;

import {IMarket} from "../../src/interfaces/IMarket.sol";
import {Shares} from "../../src/libraries/Shares.sol";
import {Vm} from "../Vm.sol";

/// @title A price is divided exactly
/// @dev For all prices that the market lists (below 2^96), all carries that a division leaves (below 2^64), all splits and all
/// numbers of heads: the division never fails and gives out what came in. A solver knows neither products nor quotients of this
/// width, so that it is told of each, once: `_quotient` and `_product` assume nothing but what every quotient and product is.
contract SharesSymbolic {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 private constant BPS = 10_000;

    struct Sold {
        uint96 price;
        uint64 carryIn;
        uint64 heads;
        uint16 exchangeBps;
        uint16 providerBps;
        uint16 brokerBps;
    }

    function divide(IMarket.Split calldata split, uint128 price, uint128 carryIn, uint64 heads)
        external
        pure
        returns (Shares.Division memory)
    {
        return Shares.divide(split, price, carryIn, heads);
    }

    function check_withoutAPool(Sold memory sold) external view {
        sold.heads = 0;
        (, uint256 carryOut) = _conserves(sold);
        assert(carryOut == sold.carryIn);
    }

    /// Here and below the provider has no share: with three the solver takes too long.
    function check_withAPool(Sold memory sold) external view {
        sold.providerBps = 0;
        vm.assume(sold.heads != 0);
        (, uint256 carryOut) = _conserves(sold);
        assert(carryOut < sold.heads);
    }

    /// What the first sale leaves, the second one gives out; at last it is all there.
    function check_theCarryGoesOn(Sold memory first, Sold memory second) external view {
        (first.providerBps, second.providerBps) = (0, 0);
        vm.assume(first.heads != 0);
        vm.assume(second.heads != 0);
        (uint256 given, uint256 carry) = _conserves(first);
        second.carryIn = uint64(carry);
        (uint256 givenLater, uint256 carryOut) = _conserves(second);
        unchecked {
            assert(uint256(first.carryIn) + first.price + second.price == given + givenLater + carryOut);
        }
    }

    function _conserves(Sold memory sold) private view returns (uint256 given, uint256 carryOut) {
        _tell(sold);
        (bool success, bytes memory result) =
            address(this).staticcall(abi.encodeCall(this.divide, (_split(sold), sold.price, sold.carryIn, sold.heads)));
        assert(success);
        Shares.Division memory division = abi.decode(result, (Shares.Division));
        carryOut = division.carryOut;
        unchecked {
            uint256 shares = uint256(division.exchange) + division.provider + division.intermediaries[0];
            given = shares + uint256(sold.heads) * division.perHead; // the factors in the order in which `_quotient` has them
            assert(given + carryOut == uint256(sold.price) + sold.carryIn);
        }
    }

    function _split(Sold memory sold) private pure returns (IMarket.Split memory split) {
        split.exchangeBps = sold.exchangeBps;
        split.providerBps = sold.providerBps;
        split.intermediaries = new IMarket.Intermediary[](1);
        split.intermediaries[0].bps = sold.brokerBps;
    }

    // What quotients and products are.

    function _tell(Sold memory sold) private pure {
        vm.assume(uint256(sold.exchangeBps) + sold.providerBps + sold.brokerBps <= BPS);
        uint128 exchange = _share(sold.price, sold.exchangeBps);
        uint128 provider = _share(sold.price, sold.providerBps);
        uint128 broker = _share(sold.price, sold.brokerBps);
        // floor(pa / m) + floor(pb / m) + floor(pc / m) <= floor(p(a + b + c) / m) <= p, where a + b + c <= m.
        vm.assume(uint256(exchange) + provider + broker <= sold.price);
        uint128 rest = uint128(sold.price) - exchange - provider;
        rest -= broker;
        if (sold.heads != 0) _quotient(rest + uint128(sold.carryIn), sold.heads);
    }

    /// floor(price * bps / BPS) <= price; and so short a product is no longer than a word (it would end here, as it would there).
    function _share(uint128 price, uint16 bps) private pure returns (uint128 share) {
        share = uint128(uint256(price) * bps / BPS);
        vm.assume(share <= price);
    }

    /// a = floor(a / b) * b + a mod b, and a mod b < b.
    function _quotient(uint128 a, uint64 b) private pure {
        uint128 quotient = a / b;
        uint128 left = a % b;
        vm.assume(quotient <= a);
        vm.assume(left < b);
        unchecked {
            vm.assume(uint256(quotient) * b + left == a);
        }
    }
}
