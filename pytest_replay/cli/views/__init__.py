"""What facts look like on a terminal. Computes nothing but layout."""
