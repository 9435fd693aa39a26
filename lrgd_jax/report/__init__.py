"""Results made readable, as tables, figures and HTML."""
