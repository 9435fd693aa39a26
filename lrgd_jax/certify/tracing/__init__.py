"""From functions to traced programs: shapes, the lines of the source, and what is wrong with what the user wrote."""
