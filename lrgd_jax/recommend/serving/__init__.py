"""The recommender as its users hold it: fit, recommend, explain, update, erase, save, load."""
