"""One walker over traced programs, whatever the numbers: calls, loops, branches, integers and data movement."""
