"""Prime fields: residues, exponentials and free symbols; degrees of polynomials; cells in which an order is assumed."""
