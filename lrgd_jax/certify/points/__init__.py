"""Points at which two programs are compared: plain, random, and those at which the programs themselves decide."""
