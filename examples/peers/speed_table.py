"""The speed benchmark's numbers as text."""

from typing import Any

import numpy as np

from peers.speed_figure import profile_parts


def print_sections(rows: dict[str, dict[str, Any]]) -> None:
    """Print every row that is there."""
    rates = next((row for row in rows.values() if row["section"] == "rates"), {})
    for key, row in rows.items():
        print(f"\n{key}")
        if "failed" in row:
            print(f"  failed: {row['failed']}")
        elif row["section"] == "profile":
            _print_profile(row, rates)
        else:
            _PRINTERS[row["section"]](row)


def _print_rates(row: dict[str, Any]) -> None:
    for name, rate in row.items():
        if name.startswith(("tensorflow", "torch")):
            print(f"  {name:32s}{rate:8.3f} TFLOP/s")


def reached_share(row: dict[str, Any], rates: dict[str, Any]) -> dict[str, dict[str, float]]:
    """TFLOP/s of training and prediction, and their share of the machine's matrix rate.

    The share is nan where the rate was not measured.
    """
    limit = rates.get(f"tensorflow {row['dtype']}", np.nan)
    training, prediction = row["training"], row["prediction"]
    reached = {
        "training": training["gflop"] / training["fit"],
        "prediction": prediction["gflop"] * prediction["n_tiles"] / prediction["slice"],
    }
    return {what: {"tflops": rate, "share": rate / limit} for what, rate in reached.items()}


def _print_profile(row: dict[str, Any], rates: dict[str, Any]) -> None:
    for name, parts in profile_parts(row).items():
        total = sum(parts.values())
        print(f"  {name}: {total:.1f} ms")
        for part, ms in parts.items():
            print(f"    {part:30s}{ms:8.1f} ms {100 * ms / total:6.1f} %")
    print(f"  drawing patches, beside the steps: {row['training']['draw']:.1f} ms")
    for what, reached in reached_share(row, rates).items():
        share = (
            "" if np.isnan(reached["share"]) else f", {100 * reached['share']:.0f} % of the limit"
        )
        print(f"  {what}: {row['dtype']}, {reached['tflops']:.3f} TFLOP/s{share}")
    print("  convolutions alone, forward and backward:")
    for layer in row["training"]["layers"]:
        shape = "x".join(map(str, layer["input_shape"]))
        speed = f"{layer['ms']:8.1f} ms{layer['tflops']:7.3f} TFLOP/s"
        print(f"    {layer['name']:18s}{shape:>18s}{speed}")


def _print_steps(row: dict[str, Any]) -> None:
    for name, seconds in row["seconds"].items():
        ms = 1e3 * np.array(seconds)
        print(f"  {name:34s}{np.median(ms):9.1f} ms ({ms.min():.1f} to {ms.max():.1f})")
    _print_ratios(row["ratios"])


def _print_pixels(row: dict[str, Any]) -> None:
    for name, rates in row["pixels_per_second"].items():
        print(f"  {name:34s}{np.median(rates):12,.0f} pixels/s")
    _print_ratios(row["ratios"])


def _print_ratios(ratios: dict[str, dict[str, float]]) -> None:
    for name, ratio in ratios.items():
        spread = f"({ratio['low']:.3f} to {ratio['high']:.3f})"
        print(f"  ratio {name:36s}{ratio['median']:7.3f} {spread}")


def _print_big(row: dict[str, Any]) -> None:
    crop = row["crop_difference"]
    print(
        f"  {row['seconds']:.1f} s, {row['pixels_per_second']:,.0f} pixels/s, "
        f"{row['memory_bytes'] / 2**30:.2f} GB beyond the files and the "
        f"{row['memory_before_bytes'] / 2**30:.2f} GB before; "
        f"largest difference of a crop: {'not measured' if crop is None else f'{crop:.1e}'}"
    )


def _print_precision(row: dict[str, Any]) -> None:
    for what in ("trained", "predicted"):
        for score in ("v_rand", "v_info", "v_rand_mask", "dice", "ece"):
            values = {precision: table[score] for precision, table in row[what].items()}
            difference = values["bfloat16"] - values["float32"]
            print(
                f"  {what:10s}{score:12s} float32 {values['float32']:.4f}  "
                f"bfloat16 {values['bfloat16']:.4f}  difference {difference:+.4f}"
            )
    print(
        f"  one net, both formats: probability differs by {row['mean_difference']:.1e} in the "
        f"mean, {row['largest_difference']:.1e} at most; "
        f"{100 * row['changed_pixels']:.3f} % of the mask"
    )


def _print_start(row: dict[str, Any]) -> None:
    for name, seconds in row["seconds"].items():
        spread = f"({seconds['low']:.2f} to {seconds['high']:.2f})"
        print(f"  {name:34s}{seconds['median']:7.2f} s {spread}")


_PRINTERS = {
    "rates": _print_rates,
    "steps": _print_steps,
    "pixels": _print_pixels,
    "big": _print_big,
    "precision": _print_precision,
    "start": _print_start,
}
