"""Where two functions differ: the smallest arguments, and the first step at which the programs diverge."""
