// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// A token for tests: any number of decimals, a fee in basis points that is burnt on the way, anybody may mint.
contract Token {
    string public name;
    string public symbol;
    uint8 public immutable decimals;
    uint256 public immutable fee;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(string memory name_, string memory symbol_, uint8 decimals_, uint256 fee_) {
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
        fee = fee_;
    }

    function mint(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        if (value > 0) {
            // Real tokens let anybody "transfer" nothing from anybody: that is how addresses are poisoned.
            allowance[from][msg.sender] -= value;
        }
        move(from, to, value);
        return true;
    }

    function move(address from, address to, uint256 value) private {
        uint256 burnt = value * fee / 10000;
        balanceOf[from] -= value;
        balanceOf[to] += value - burnt;
        emit Transfer(from, to, value - burnt);
        if (burnt > 0) {
            totalSupply -= burnt;
            emit Transfer(from, address(0), burnt);
        }
    }
}
