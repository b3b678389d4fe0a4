"""Every display of the guide can be drawn anew."""

import pytest

pytestmark = pytest.mark.slow


def test_all_figures_of_given_slices(run_example, data, tmp_path):
    output = run_example("draw_displays.py", "--data", str(data), "--time-limit", "5")
    files = sorted((tmp_path / "out/displays").glob("display_*.png"))
    assert len(files) == 12
    assert all(file.stat().st_size > 5_000 for file in files)
    assert output.splitlines()[0] == "out/displays/display_segmentation.png"
