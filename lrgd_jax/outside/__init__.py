"""What comes from outside: files read as the types that are expected of them, or refused in one sentence."""
