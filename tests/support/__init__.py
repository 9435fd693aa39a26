"""What tests of several folders share: example forms, and comparisons within derived bounds."""
