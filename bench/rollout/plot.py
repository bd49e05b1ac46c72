"""The picture of rollouts under load: a panel for each number of replicas, a line for each way."""

WIDTH, HEIGHT = 860, 318
TOP, BOTTOM = 74, 246
PANEL, GAP, LEFT = 350, 64, 62

STYLE = """
    text { fill: #1f2328; } .note { fill: #57606a; font-size: 12px; } .paper { fill: #ffffff; }
    .name { font-weight: bold; } .grid { stroke: #d0d7de; } .axis { stroke: #57606a; }
    polyline { fill: none; stroke-width: 2; } .kept { stroke-dasharray: 5 3; }
    .without { stroke: #b3402f; } .with { stroke: #0969da; }
    .without.new { fill: #b3402f; fill-opacity: 0.1; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; } .note { fill: #9aa4ae; } .paper { fill: #0d1117; }
      .grid { stroke: #30363d; } .axis { stroke: #9aa4ae; }
      .without { stroke: #f0836f; } .with { stroke: #58a6ff; }
      .without.new { fill: #f0836f; }
    }
"""


def text(x, y, words, kind="note", anchor="start"):
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{words}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line class="{kind}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def longest_s(found):
    """What the time's axis shows: all of the longest line, up to a whole five seconds."""
    longest = max(len(series[flow]["over_time"]) for series in found["series"]
                  for flow in ("new", "kept")) * found["bin_ms"]
    return 5 * -(-longest // 5000)


def height_of(share):
    return BOTTOM - share * (BOTTOM - TOP)


def curve(series, flow, left, bin_width):
    """Steps: a bin's share holds from its begin to its end."""
    points = []
    for number, (sent, failed) in enumerate(series[flow]["over_time"]):
        y = height_of(failed / sent if sent else 0)
        points += [(left + number * bin_width, y), (left + (number + 1) * bin_width, y)]
    kind = ("with" if series["proctor"] else "without") + " " + flow
    return (f'<polyline class="{kind}" points="'
            + " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + '"/>')


def panel(found, replicas, left, seconds):
    scale = PANEL / seconds
    parts = [text(left, TOP - 14, f"{replicas} replica" + "s" * (replicas > 1), "name")]
    for percent in (0, 25, 50, 75, 100):
        y = height_of(percent / 100)
        parts += [line(left, y, left + PANEL, y, "axis" if percent == 0 else "grid"),
                  text(left - 6, y + 4, f"{percent} %", anchor="end")]
    for second in range(0, seconds + 1, 5):
        x = left + second * scale
        parts += [line(x, BOTTOM, x, BOTTOM + 4, "axis"),
                  text(x, BOTTOM + 19, f"{second} s" if second else "0", anchor="middle")]
    for series in found["series"]:
        if series["replicas"] == replicas:
            parts += [curve(series, flow, left, found["bin_ms"] / 1000 * scale)
                      for flow in ("new", "kept")]
    return parts


def legend():
    parts, x = [], LEFT
    for kind, words in (("without new", "without Proctor, new connections"),
                        ("without kept", "kept ones"),
                        ("with new", "with Proctor, new connections"), ("with kept", "kept ones")):
        parts += [f'<polyline class="{kind}" points="{x:g},292 {x + 26:g},292"/>',
                  text(x + 33, 296, words)]
        x += 58 + len(words) * 6
    return parts


def failed_of(found, proctor):
    flows = [series[flow] for series in found["series"] if series["proctor"] == proctor
             for flow in ("new", "kept")]
    return sum(flow["failed"] for flow in flows), sum(flow["sent"] for flow in flows)


def picture(found):
    seconds = longest_s(found)
    numbers = sorted({series["replicas"] for series in found["series"]})
    words = ["{} Proctor {} of {} requests failed".format(way, *failed_of(found, way == "with"))
             for way in ("without", "with")]
    parts = [f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
             text(LEFT - 44, 28, "Requests that fail, by the time since a rollout began "
                  f"(mean of {found['rollouts']} rollouts)", "name"),
             text(WIDTH - 20, 28, "a line ends where the next one began", anchor="end")]
    for number, replicas in enumerate(numbers):
        parts += panel(found, replicas, LEFT + number * (PANEL + GAP), seconds)
    parts += legend()
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="sans-serif" font-size="13" role="img" aria-label="{"; ".join(words)}">\n'
            f"  <style>{STYLE}  </style>\n  " + "\n  ".join(parts) + "\n</svg>\n")
