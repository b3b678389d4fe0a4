"""The page in a real browser: an expert's mouse and keys, and what comes of them."""

import json

import numpy as np
import pytest

from membseg import UNetSegmenter, labels_from_reviews, load_reviews, review_sheet
from membseg.review import DoubtfulPlace

pytestmark = pytest.mark.slow


@pytest.fixture
def open_page(browser):
    """Open a page; at the end nothing was loaded from elsewhere, and no script complained."""
    contexts, wrong = [], []

    def on_request(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            wrong.append(request.url)

    def open_file(path, width=1400, before=None):
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        context.on("request", on_request)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        if before is not None:
            page.add_init_script(before)
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def sheet(stack, places, tmp_path):
    return review_sheet(*stack, tmp_path / "sheet.html", places=places, place_size=8)


def drag(page, size, *points):
    """Draw a line through points, (row, column) in a picture of size (height, width)."""
    page.locator("#viewer").scroll_into_view_if_needed()
    area = page.locator("#viewer").bounding_box()
    for i, (row, column) in enumerate(points):
        x = area["x"] + (column + 0.5) * area["width"] / size[1]
        y = area["y"] + (row + 0.5) * area["height"] / size[0]
        page.mouse.move(x, y)
        if i == 0:
            page.mouse.down()
    page.mouse.up()


def press(page, keys):
    for key in keys.split():
        page.keyboard.press(key)


def save(page, path):
    """Save by the button; give the file's name and its content."""
    with page.expect_download() as found:
        page.click("#save")
    found.value.save_as(path)
    return found.value.suggested_filename, json.loads(path.read_text(encoding="utf-8"))


def test_mouse(sheet, stack, open_page, tmp_path):
    page = open_page(sheet)
    page.fill("#expert", " Ada Lovelace ")
    page.click("[data-verdict=wrong]")
    page.click("[data-tool=membrane]")
    page.locator("#size").fill("1")
    drag(page, (8, 10), (2, 1), (2, 6))
    page.click("[data-tool=cell]")
    drag(page, (8, 10), (5, 3))
    drag(page, (8, 10), (7, 9))
    page.click("#undo")
    page.click("[data-tool=erase]")
    drag(page, (8, 10), (2, 4))
    page.check("#mended")
    page.fill("#note", '<b>"ö" </script>')
    page.click("#next")
    page.click("[data-verdict=good]")
    page.click("#images button >> nth=1")
    page.click("[data-verdict=doubtful]")
    name, document = save(page, tmp_path / "a.json")
    assert name == f"review-{document['sheet'][:6]}-ada-lovelace.json"
    (review,) = load_reviews(tmp_path / "a.json", stack[0])
    assert review.expert == "Ada Lovelace"
    first, second = review.places
    assert first.membrane.tolist() == [[2, 5], [2, 6], [2, 7], [2, 9], [2, 10]]
    assert first.cell.tolist() == [[5, 7]]
    assert (first.verdict, first.mended, first.note) == ("wrong", True, '<b>"ö" </script>')
    assert (first.doubt, first.reason) == (0.75, "a gap")
    assert (second.verdict, second.mended, second.note) == ("good", False, "")
    assert [image.verdict for image in review.images] == [None, "doubtful"]
    assert review.images[0].time is None
    assert review.started <= first.time <= second.time <= review.images[1].time <= review.saved


def test_keys(sheet, stack, open_page, tmp_path):
    page = open_page(sheet)
    press(page, "3 3 2 b - - v Space ArrowDown Shift+ArrowRight Space c ArrowUp Enter r t")
    page.keyboard.type("n1m")
    press(page, "Escape u n 1 i v ArrowUp Space 2 s")
    # Without a name nothing is saved; the name is asked for.
    assert page.evaluate("document.activeElement.id") == "expert"
    assert page.inner_text("#said") == "Please give your name first."
    page.keyboard.type("Ben")
    press(page, "Escape")
    with page.expect_download() as found:
        press(page, "s")
    found.value.save_as(tmp_path / "a.json")
    (review,) = load_reviews(tmp_path / "a.json", stack[0])
    first, second, added = review.places
    # A cross in the middle, one pixel down and as far to the right as it goes.
    assert first.membrane.tolist() == [[4, 9], [5, 13]]
    assert first.cell.tolist() == []
    assert (first.verdict, first.mended, first.note) == ("doubtful", True, "n1m")
    assert second.verdict == "good"
    assert added.box == (1, 3, 6, 8, 8)
    assert (added.doubt, added.reason, added.verdict) == (None, "", "doubtful")


def test_view_keys(sheet, open_page):
    page = open_page(sheet)
    press(page, "m")
    assert page.input_value("#fade") == "0"
    press(page, "m ] ]")
    assert page.input_value("#fade") == "50"
    press(page, "[ n p n ?")
    assert page.input_value("#fade") == "40"
    assert page.inner_text("#heading") == "Place 2"
    assert page.get_attribute("#help", "open") == ""
    assert page.is_visible("text=the whole image of a place")
    page.uncheck("#keys")
    press(page, "p 1")
    assert page.inner_text("#heading") == "Place 2"
    assert page.inner_text("#progress").startswith("0 of 2 places and 0 of 2 images judged.")


def pixel(page, row, column, size):
    """Colour in the middle of a pixel of what is shown."""
    script = """([row, column]) => {
        const copy = document.createElement("canvas");
        copy.width = copy.height = 1;
        const place = [Math.floor(column * viewer.width), Math.floor(row * viewer.height), 1, 1];
        copy.getContext("2d").drawImage(viewer, ...place, 0, 0, 1, 1);
        return Array.from(copy.getContext("2d").getImageData(0, 0, 1, 1).data);
    }"""
    return page.evaluate(script, [(row + 0.5) / size[0], (column + 0.5) / size[1]])[:3]


def test_slider_between_image_and_mask(tmp_path, open_page):
    X = np.zeros((1, 8, 8))
    X[0, 4:] = 1
    masks = np.zeros((1, 8, 8), bool)
    masks[0, :, 4:] = True
    path = review_sheet(X, masks.astype(float), tmp_path / "a.html", places=[])
    page = open_page(path)
    page.locator("#fade").fill("0")
    assert [pixel(page, r, 6, (8, 8)) for r in (1, 6)] == [[0, 0, 0], [255, 255, 255]]
    page.locator("#fade").fill("100")
    assert [pixel(page, 6, c, (8, 8)) for c in (1, 6)] == [[0, 0, 0], [230, 159, 0]]
    page.locator("#fade").fill("50")
    assert [pixel(page, 6, c, (8, 8)) for c in (1, 6)] == [[255, 255, 255], [230, 159, 0]]
    page.click("#viewer")
    assert page.inner_text("#heading") == "Place 1"
    page.click("#remove")
    assert page.inner_text("#heading") == "image 0"


def test_work_is_kept_until_it_is_forgotten(sheet, open_page):
    page = open_page(sheet)
    page.fill("#expert", "Ada")
    press(page, "Escape 3 c v Space")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.inner_text("#said") == "What you did here before is back."
    assert page.input_value("#expert") == "Ada"
    assert page.get_attribute("[data-verdict=wrong]", "aria-pressed") == "true"
    assert page.inner_text("#progress").startswith("1 of 2 places")
    press(page, "u")  # strokes of an earlier visit cannot be undone
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#anew")
    assert page.input_value("#expert") == ""
    assert page.inner_text("#progress").startswith("0 of 2 places")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.inner_text("#progress").startswith("0 of 2 places")


def test_a_browser_that_keeps_nothing_says_so(sheet, open_page, tmp_path):
    script = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }});"
    page = open_page(sheet, before=script)
    press(page, "1")
    assert page.inner_text("#kept").startswith("This browser keeps nothing: save a file")
    page.fill("#expert", "Ada")
    _, document = save(page, tmp_path / "a.json")
    assert document["places"][0]["verdict"] == "good"


@pytest.mark.parametrize("width", [390, 1400])
def test_everything_has_a_name_and_fits(width, sheet, open_page):
    page = open_page(sheet, width)
    page.click("summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    nameless = page.evaluate("""() =>
        [...document.querySelectorAll("button, input, textarea, canvas, nav, section")]
        .filter((e) => !e.closest("[aria-hidden]"))
        .filter((e) => !(e.labels?.length || e.getAttribute("aria-label")
            || e.getAttribute("aria-labelledby") || (e.tagName === "BUTTON" && e.innerText.trim())
            || e.closest("[hidden]")))
        .map((e) => e.outerHTML)""")
    assert nameless == []
    reached = set()
    for _ in range(60):
        press(page, "Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {"expert", "save", "fade", "viewer", "size", "mended", "note", "elsewhere"} <= reached


def test_text_of_users_stays_text(stack, open_page, tmp_path):
    evil = '</script><img src=x onerror="document.title=1"><b>'
    place = DoubtfulPlace(0, 0, 0, 8, 8, 0.5, evil)
    path = review_sheet(*stack, tmp_path / "a.html", places=[place], names=[evil, "b"], title=evil)
    page = open_page(path)
    assert page.title() == page.inner_text("h1") == evil
    assert page.inner_text("#reason").startswith(f"Doubt 0.50: {evil}. {evil}, rows 0 to 7, ")
    assert page.locator("b, img").count() == 0


def test_the_browser_refuses_to_load_anything(sheet, browser):
    page = browser.new_page()
    page.goto(sheet.as_uri())
    script = "fetch('http://127.0.0.1:9/').then(() => 'loaded', (error) => error.message)"
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    assert page.evaluate(script) == "Failed to fetch"
    assert "violates the following Content Security Policy directive" in refused[0]
    page.close()


def make_slices(n_images, seed):
    """Membranes are dark lines from the upper to the lower edge."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.6, 0.03, (n_images, 64, 64))
    masks = np.zeros(X.shape, np.uint8)
    for i in range(n_images):
        for column in (8 + 3 * i, 40 + 3 * i):
            X[i, :, column : column + 3] -= 0.4
            masks[i, :, column : column + 3] = 1
    return X, masks


def test_a_refit_improves_what_was_corrected(open_page, tmp_path):
    X, y = make_slices(2, seed=0)
    seen, truth = make_slices(1, seed=5)
    # Thin lines that are less dark are something else, which no slice of the first fit shows.
    for column in (17, 24, 31):
        seen[0, 16:48, column : column + 3] -= 0.27
    net = UNetSegmenter(
        depth=1, base_filters=4, max_steps=250, threshold=0.5, batch_size=2, random_state=0
    )
    net.fit(X, y)
    shown = net.predict(seen)
    place = np.s_[0, 16:48, 13:37]
    wrong = np.mean(shown[place] != truth[place])
    assert wrong > 0.08

    page = open_page(review_sheet(seen, shown, tmp_path / "a.html", place_size=32))
    page.fill("#expert", "Ada")
    # The expert sees it in the whole image, makes it a place, and paints what is there.
    page.click("#images button")
    drag(page, (64, 64), (32, 25))
    assert page.inner_text("#reason") == "Added by you. image 0, rows 16 to 47, columns 9 to 40."
    press(page, "3 b")
    page.locator("#size").fill("1")
    drag(page, (32, 32), (0, 0), (31, 0))
    drag(page, (32, 32), (31, 1), (0, 1))
    press(page, "c")
    page.locator("#size").fill("11")
    for column in (9, 16, 22):
        drag(page, (32, 32), (0, column), (31, column))
    save(page, tmp_path / "a.json")

    labels = labels_from_reviews(load_reviews(tmp_path / "a.json", seen), shown)
    known = labels != -1
    assert known[place].all()
    assert (labels[known] == truth[known]).all()
    net.fit(np.concatenate([X, seen]), np.concatenate([y, labels]))
    mended = net.predict(seen)
    assert np.mean(mended[place] != truth[place]) < wrong / 2
    assert np.mean(mended != truth) < np.mean(shown != truth)
