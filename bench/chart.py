"""The chart of docs/benchmarks.svg: one panel per scenario, one bar per server, a curve of soak."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from .entries import ENTRIES
from .goals import Results, values

# scenario name -> (metric, divisor, axis)
PANELS = {
    "cost8": ("cpu_us", 1, "CPU us per message, 8 in flight"),
    "cost1": ("cpu_us", 1, "CPU us per message, 1 in flight"),
    "idle": ("rss_per_connection", 1024, "KB of RSS per idle connection"),
    "latency": ("delivery_ms.p99", 1, "delivery p99 in ms, 2,000 messages/s"),
    "storm": ("cpu_us", 1, "CPU us per connect"),
    "fanout": ("cpu_us", 1, "CPU us per delivery, group of 1,000"),
    "stored": ("cpu_us", 1, "CPU us per message, 8 in flight, by what is stored"),
    "history": ("page_ms.p99", 1, "p99 in ms of a page of 50 events"),
}
CURVE = "soak"
COLOURS = {"ours": "#1f6feb", "stored": "#b35900", "relay": "#8c959f"}


def draw(results: Results, path: Path) -> None:
    """All panels that have results; shorter bars are better in each."""
    # Imported here: `python -m bench --quick` draws nothing and starts faster without.
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "hichat"
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    panels = [name for name in (*PANELS, CURVE) if name in results]
    if not panels:
        return
    height = (len(panels) + 1) // 2
    figure, axes = pyplot.subplots(height, 2, figsize=(12, 3.2 * height), squeeze=False)
    for axis, name in zip(axes.flat, panels, strict=False):
        (curve if name == CURVE else bars)(axis, results, name)
    for axis in list(axes.flat)[len(panels) :]:
        axis.set_visible(False)
    figure.suptitle(
        "Blue: HiChat. Orange: stores each message. Grey: relays. Less is better (logarithmic)."
    )
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": "bench/chart.py"})
    pyplot.close(figure)


def bars(axis, results: Results, name: str) -> None:  # type: ignore[no-untyped-def]  # matplotlib's Axes
    metric, divisor, label = PANELS[name]
    found = {server: values(results, name, server, metric) for server in results[name]["rounds"]}
    heights = {server: median(each) / divisor for server, each in found.items() if each}
    shown = {server: value for server, value in heights.items() if value != float("inf")}
    names = list(shown)[::-1]
    drawn = axis.barh(names, [shown[each] for each in names], color=[colour(n) for n in names])
    labels = [f"{shown[each]:,.{0 if shown[each] >= 100 else 1}f}" for each in names]
    axis.bar_label(drawn, labels, padding=3, fontsize=8)
    axis.set_xscale("log")
    # A logarithmic axis has no zero: all panels begin at 1, or at 0.01 where some are below.
    axis.set_xlim(left=1 if min(shown.values(), default=1) > 1 else 0.01, right=5000)
    axis.set_title(label, fontsize=10)
    axis.tick_params(labelsize=8)


def curve(axis, results: Results, name: str) -> None:  # type: ignore[no-untyped-def]
    """The server's memory over the run, from zero: what is flat shall look so."""
    seconds = results[name]["plan"]["seconds"]
    for server, rounds in results[name]["rounds"].items():
        for result in rounds:
            sizes = result.get("rss_mb", [])
            minutes = [seconds * index / len(sizes) / 60 for index in range(len(sizes))]
            axis.plot(minutes, sizes, color=colour(server))
    axis.set_ylim(0, 1.2 * axis.get_ylim()[1])
    axis.set_title("RSS in MB over the minutes of the soak", fontsize=10)
    axis.tick_params(labelsize=8)


def colour(name: str) -> str:
    entry = ENTRIES[name]
    if entry.accounts:
        return COLOURS["ours"]
    return COLOURS["stored" if entry.stored else "relay"]
