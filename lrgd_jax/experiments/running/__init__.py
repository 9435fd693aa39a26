"""What runs any experiment: its interface, configurations, resumable units, result files, the registry."""
