"""What is claimed, proved and checked: one file a claim, with its statement, proof, two sides and mutants."""
