"""The report: complete, self-contained, and fit for a wide window, a phone, the dark and paper."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autosearch.errors import ExportError
from autosearch.report import report
from autosearch.report.picture import Box, boxes
from autosearch.result import Result
from autosearch.schedule.structure import Structures
from autosearch.testing.sample import TILED
from tests.conftest import TARGET, snapshot_of
from tests.made import blur_race, blur_records

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PROBE = """
<script>
document.querySelector("button").click();
setTimeout(() => {
  const style = getComputedStyle(document.body);
  document.title = JSON.stringify({
    wider: document.documentElement.scrollWidth - innerWidth, plots: document.querySelectorAll("svg").length,
    ink: style.color, paper: style.backgroundColor, button: document.querySelector("button").textContent,
    axis: getComputedStyle(document.querySelector("svg text")).fill,
    loops: [...document.querySelectorAll(".box.parallel, .box.vectorized")].map(one => one.firstChild.nextSibling.data.trim()),
  });
}, 100);
</script>
"""


def _result() -> Result:
    records = tuple(
        replace(
            one,
            predicted=1.1e-3 * number,
            message="<b>no end</b> after 2 s" if one.failure == "run-timeout" else one.message,
        )
        for number, one in enumerate(blur_records(), start=1)
    )
    more = tuple(
        replace(records[3], predicted=2e-3 + 1e-4 * n, times=(3e-3 + 1e-4 * n,), elapsed=4.0 + n) for n in range(9)
    )
    return Result(snapshot_of("blur"), str(TARGET), records + more, blur_race())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on disk."""
    path = tmp_path_factory.mktemp("report") / "blur.html"
    report(_result(), path)
    return path


def test_all_is_on_the_page_and_nothing_is_fetched(page: Path) -> None:
    text = page.read_text()
    for expected in ("2 ms", "2.00x", "root", "Li2018", "killed by SIGSEGV", "run-timeout", "blur_x", "apply_schedule"):
        assert expected in text
    assert "&lt;b&gt;no end&lt;/b&gt;" in text and "<b>no end" not in text
    links = re.findall(r'(?:src|href)="([^"#]+)', text)
    assert not links and "@import" not in text and "url(http" not in text
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert all(f'id="{one}"' in text for one in re.findall(r'(?:url\(|href=")#([^")]*)', text))


def test_the_picture_is_the_loop_nest() -> None:
    (drawn,) = boxes(Structures(snapshot_of("blur")).nest(TILED))
    assert (drawn.kind, drawn.label) == ("produce", "blur_y")
    (parallel,) = drawn.inside
    assert (parallel.kind, parallel.label, parallel.note) == ("parallel", "yo", "8")
    first, second = parallel.inside
    assert (first.kind, first.label, first.note) == ("produce", "blur_x", "1.88 KiB")
    assert _innermost(second).label == "blur_y(...) = ..."


def _innermost(box: Box) -> Box:
    return _innermost(box.inside[-1]) if box.inside else box


@pytest.mark.parametrize(("name", "says"), [("blur.pdf", "must end in .html"), ("no/blur.html", "can't write")])
def test_where_it_can_not_be_written(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(ExportError, match=says):
        report(_result(), tmp_path / name)


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from autosearch.report import report\n"
        "from autosearch.errors import ExportError\n"
        "try: report(None, 'a.html')\n"
        "except ExportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "needs jinja2, which isn't installed: pip install 'autosearch[report]'" in done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser")
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (390, False), (390, True)])
def test_in_a_browser(page: Path, tmp_path: Path, width: int, dark: bool) -> None:
    probed = tmp_path / "probed.html"
    probed.write_text(page.read_text().replace("</body>", f"{PROBE}</body>"))
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--window-size={width},900",
        "--virtual-time-budget=2000",
    ]
    options.append(f"--blink-settings=preferredColorScheme={0 if dark else 1}")
    done = subprocess.run(
        [str(CHROMIUM), *options, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", probed.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stderr
    seen = json.loads(title[1].replace("&amp;", "&"))
    assert seen["wider"] <= 0  # nothing sticks out to the side
    assert seen["plots"] == 4 and seen["button"] == "Copied"
    assert seen["loops"] == ["yo", "xi", "xi"]
    bright = [sum(map(int, re.findall(r"\d+", seen[name])[:3])) > 380 for name in ("ink", "paper", "axis")]
    assert bright == ([True, False, True] if dark else [False, True, False])
