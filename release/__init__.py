"""What a release is held to: builds that are the same twice, clean installs, commands of the pages, an SBOM."""
