"""What goes wrong in the data, on purpose or not, and what helps: attacks, their detection, noise, regularisers."""
