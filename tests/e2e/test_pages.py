"""The pages in a real browser: nothing is fetched from elsewhere, nothing fails, everything is reachable."""

import os
import shutil
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.conftest import Country

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        CHROMIUM is None and os.environ.get("CI") != "true", reason="there is no browser here (Chromium)"
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless browser of this machine; none is downloaded."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        yield opened
        opened.close()


@pytest.fixture
def docs(browser: Browser, running: Country) -> Iterator[tuple[Page, list[str], list[str]]]:
    """The page /docs, what it requested, and what the browser complained about."""
    page = browser.new_page()
    requested: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{running.content['gateway']}/docs")
    yield page, requested, complaints
    page.close()


def test_the_page_is_whole_by_itself(docs, running: Country):
    """Two requests, both to the gateway, and not a word of complaint."""
    page, requested, complaints = docs

    assert sorted(requested) == [f"{running.content['gateway']}/docs", f"{running.content['gateway']}/docs/style.css"]
    assert complaints == []
    assert page.title()


def test_the_page_can_be_walked_without_seeing_it(docs):
    """One first heading, headings in order, tables with headers, every link inside the page leads somewhere."""
    page, _, _ = docs
    levels = [int(tag[1]) for tag in page.eval_on_selector_all("h1,h2,h3,h4,h5,h6", "all => all.map(h => h.tagName)")]

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert page.locator("main").count() == 1
    assert page.evaluate("document.documentElement.lang")
    assert page.eval_on_selector_all("table", "all => all.every(t => t.querySelector('th[scope]'))")
    broken = page.eval_on_selector_all(
        "a[href^='#']", "all => all.map(a => a.getAttribute('href')).filter(h => !document.getElementById(h.slice(1)))"
    )
    assert broken == []


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_the_screen(docs, width):
    """On a phone and on a desk nothing is wider than the screen; what is long scrolls in its own box."""
    page, _, _ = docs
    page.set_viewport_size({"width": width, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_works_in_the_dark(browser: Browser, running: Country):
    """With a dark scheme the background is dark, and the text is not."""
    page = browser.new_page(color_scheme="dark")
    page.goto(f"{running.content['gateway']}/docs")
    brightness = """of => of.match(/[0-9.]+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3"""
    style = "getComputedStyle(document.body)"
    background = page.evaluate(f"({brightness})({style}.backgroundColor)")
    text = page.evaluate(f"({brightness})({style}.color)")
    page.close()

    assert background < 80
    assert text > 160
