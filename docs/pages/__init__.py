"""The generated pages, a module a kind."""
