"""Stage two: rates that learn from what users took next, guarded against collapse and stopped in time."""
