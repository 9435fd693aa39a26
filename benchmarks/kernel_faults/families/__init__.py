"""One file a family of faults; the lines in which the right and the faulty function differ end in "# here"."""
