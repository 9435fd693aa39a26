"""What a comparison of two functions comes to: a certificate, a counterexample, or neither."""
