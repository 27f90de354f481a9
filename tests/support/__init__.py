"""What tests make, run and look at together."""
