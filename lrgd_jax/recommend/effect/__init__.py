"""What a demonstration is worth to a loss, and what each one added to a score."""
