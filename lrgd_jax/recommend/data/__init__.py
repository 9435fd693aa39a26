"""The data of a recommender: read, imported, filtered, cut, or made up."""
