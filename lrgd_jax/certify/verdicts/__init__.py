"""Two programs compared: at random points of random fields, case by case, in balls; and under which conditions."""
