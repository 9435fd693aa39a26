"""What several experiments share: prompts, the recommender's data, bootstrap intervals, parts of figures."""
