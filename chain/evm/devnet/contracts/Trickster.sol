// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
}

/// What payers' wallets, and people who mean no good, do with contracts.
contract Trickster {
    event Transfer(address indexed from, address indexed to, uint256 value);

    receive() external payable {}

    /// A Transfer log of this contract, with nothing behind it.
    function pretend(address to, uint256 value) external {
        emit Transfer(msg.sender, to, value);
    }

    /// The same without topics, with the words in the data.
    function mutter(address to, uint256 value) external {
        bytes memory data = abi.encode(msg.sender, to, value);
        assembly {
            log0(add(data, 32), mload(data))
        }
    }

    /// The same with the recipient not indexed, as some old tokens have it.
    function slur(address to, uint256 value) external {
        bytes32 topic = keccak256("Transfer(address,address,uint256)");
        bytes memory data = abi.encode(to, value);
        bytes32 from = bytes32(uint256(uint160(msg.sender)));
        assembly {
            log2(add(data, 32), mload(data), topic, from)
        }
    }

    /// A contract wallet that pays with a token it holds.
    function payToken(IToken token, address to, uint256 value) external {
        token.transfer(to, value);
    }

    /// A batch of token payments in one transaction.
    function spray(IToken token, address[] calldata to, uint256[] calldata values) external {
        for (uint256 i = 0; i < to.length; i++) {
            token.transfer(to[i], values[i]);
        }
    }

    /// A token payment that is undone.
    function payAndRevert(IToken token, address to, uint256 value) external {
        token.transfer(to, value);
        revert("undone");
    }

    /// Coins by an internal call.
    function payCoins(address payable to) external payable {
        (bool ok, ) = to.call{value: msg.value}("");
        require(ok);
    }

    /// Coins without any call.
    function payByEnd(address payable to) external payable {
        new Ender{value: msg.value}(to);
    }
}

contract Ender {
    constructor(address payable to) payable {
        selfdestruct(to);
    }
}
