"""The guides of contributors name files, folders and code that exist."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "pages"
GUIDES = {
    path.name: path.read_text(encoding="utf-8")
    for path in (PAGES / "explanation" / "architecture.md", PAGES / "how-to" / "contributing.md")
}
BASES = (ROOT, ROOT / "mockserver", PAGES / "explanation")


def located(path: str) -> Path | None:
    """The file or folder that a guide means."""
    return next((base / path for base in BASES if (base / path).exists()), None)


@pytest.mark.parametrize("guide", GUIDES)
def test_each_path_in_a_guide_exists(guide: str) -> None:
    """In code marks, links and commands; the words in capitals stand for any name."""
    text = GUIDES[guide]
    paths = re.findall(r"(?:`|\]\(|pytest )((?:[\w.-]+/)*[\w.-]+(?:/|\.(?:py|md|yaml|json|js)))(?=[`)\s])", text)
    assert len(paths) > 5
    assert [path for path in paths if "PACKAGE" not in path and located(path) is None] == []


def test_each_name_of_where_to_add_is_in_its_file() -> None:
    """The names in code marks before `in` and a file, as `ROUTES` of a module in `admin/`."""
    rows = [row for row in GUIDES["architecture.md"].splitlines() if row.startswith("| a")]
    named = [
        found for row in rows for found in re.findall(r"`([A-Z_]{4,})`[^`|]* (?:in|of [\w ]+ in) `([\w./]+)`", row)
    ]
    assert len(named) >= 3
    for name, path in named:
        at = located(path)
        assert at is not None, path
        files = [at] if at.is_file() else [*at.glob("*.py")]
        assert any(re.search(rf"^{name}\b", file.read_text(encoding="utf-8"), re.MULTILINE) for file in files), name


def test_each_package_is_in_the_architecture() -> None:
    """In the order in which they may import."""
    named = re.findall(r"^\| `(\w+)` \|", GUIDES["architecture.md"], re.MULTILINE)
    folders = {path.parent.name for path in (ROOT / "mockserver").glob("*/__init__.py")}
    assert set(named) == folders
    assert len(named) == len(folders)


def test_each_hatch_task_exists() -> None:
    """Those that the guide names, and no other."""
    tasks = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["envs"]["default"]["scripts"]
    assert set(re.findall(r"`hatch run (\w+)`", GUIDES["contributing.md"])) == set(tasks)


def test_each_page_stands_in_the_navigation_once() -> None:
    """What a page's file is not listed for is a page that no reader finds."""
    listed = re.findall(
        r"^ +- (?:.+: )?(\S+\.md)$", (ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(path.relative_to(PAGES).as_posix() for path in PAGES.rglob("*.md"))


def anchors(page: Path) -> set[str]:
    """Those that GitHub makes of the headings of a page; `docs/build` checks those of the site."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted(PAGES.rglob("*.md"))])
def test_each_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    """Pictures too."""
    links = re.findall(r"\]\((?![a-z]+://)([^)\s#]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8"))
    assert [link for link, _ in links if not (page.parent / link).exists()] == []
    targets = [(page.parent / link if link else page, anchor) for link, anchor in links if anchor]
    assert [anchor for target, anchor in targets if anchor not in anchors(target)] == []


@pytest.mark.parametrize("page", sorted(PAGES.rglob("*.md")), ids=lambda page: page.name)
def test_each_list_begins_after_an_empty_line(page: Path) -> None:
    """Without one the site shows it as part of the paragraph."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"^(?!- |\d+\. |  |#)(?=\S).*\n(?:- |\d+\. ).*", text, re.MULTILINE) == []


def test_the_changelog_is_by_version_and_kind() -> None:
    """Each version has some of Added, Changed, Fixed and Removed, in this order, each with items."""
    kinds = ["Added", "Changed", "Fixed", "Removed"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    _, *versions = re.split(r"^## ", text, flags=re.MULTILINE)
    for version in versions:
        assert re.match(r"(Unreleased|\d+\.\d+\.\d+)\n", version)
        _, *parts = re.split(r"^### ", version, flags=re.MULTILINE)
        found = [part.partition("\n")[0] for part in parts]
        assert found == [kind for kind in kinds if kind in found]
        assert all(part.partition("\n")[2].strip().startswith("- ") for part in parts)
