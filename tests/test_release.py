"""What the checks of a release read off the pages and pyproject.toml is there."""

import pytest

from release.builds import QUICK
from release.commands import ROOT, _commands, _python, _section
from release.lanes import LANES, interpreter, lower_bounds


def test_the_readme_shows_commands_after_the_installation_and_ten_lines():
    readme = (ROOT / "README.md").read_text()
    commands = _commands(_section(readme, "Install"))
    assert commands[0] == "lrgd verify linear-attention"
    assert all(command.startswith("lrgd ") and "#" not in command for command in commands)
    compile(_python(_section(readme, "Ten lines")), "README.md", "exec")


def test_a_page_without_commands_is_refused():
    with pytest.raises(SystemExit, match="shows no command after the installation"):
        _commands("```sh\npip install .  # alone\n```\n")
    with pytest.raises(SystemExit, match="no section 'Instal'"):
        _section("## Install\n", "Instal")


def test_every_dependency_has_a_lower_bound():
    bounds = lower_bounds()
    assert {"jax", "flax", "numpy"} <= {*bounds}
    assert all(bounds.values())


def test_this_python_is_found_and_the_quick_tests_are_there():
    assert all((ROOT / file).is_file() for file in QUICK)
    assert any(interpreter(lane.partition("-")[0]) for lane in LANES)
    assert interpreter("2.6") is None
