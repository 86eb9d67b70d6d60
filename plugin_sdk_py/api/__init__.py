"""What a handler asks the host for: one module per interface of the contract."""
