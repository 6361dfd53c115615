"""Draws a curve as one small SVG, with no dependency and no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from bench.results import shown

WIDTH: Final = 520
HEIGHT: Final = 300
LEFT: Final = 86
RIGHT: Final = 24
TOP: Final = 44
BOTTOM: Final = 52
TICKS: Final = 4
STYLE: Final = (
    "text{font:12px sans-serif;fill:#444}.title{font-size:14px;font-weight:600;fill:#222}"
    ".grid{stroke:#ddd}.line{fill:none;stroke:#1f6feb;stroke-width:2}.dot{fill:#1f6feb}"
    ".value{fill:#222;font-weight:600}"
)

HEAD: Final = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
    f'width="{WIDTH}" height="{HEIGHT}" role="img">'
)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn: the points have equal distances on the x axis, whatever their values."""

    title: str
    across: str
    up: str
    points: Sequence[tuple[str, float]]


def draw(picture: Picture) -> str:
    """The SVG of *picture*; the y axis begins at 0.

    Raises:
        ValueError: there is nothing to draw.
    """
    if not picture.points:
        raise ValueError(f"{picture.title}: no points")
    top = round_up(max(value for _, value in picture.points))
    across = [_across(at, len(picture.points)) for at in range(len(picture.points))]
    points = [(x, value) for x, (_, value) in zip(across, picture.points, strict=True)]
    line = " ".join(f"{x:.1f},{_up(value, top):.1f}" for x, value in points)
    dots = [
        f'<circle class="dot" cx="{x:.1f}" cy="{_up(value, top):.1f}" r="4"/>'
        + _text(x, _up(value, top) - 10, shown(value), kind="value")
        for x, value in points
    ]
    names = [
        _text(x, HEIGHT - BOTTOM + 20, name)
        for x, (name, _) in zip(across, picture.points, strict=True)
    ]
    return "\n".join(
        (
            HEAD,
            f"<title>{escape(picture.title)}</title><style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            _text(WIDTH / 2, 20, f"{picture.title} ({picture.up})", kind="title"),
            *_grid(top),
            f'<polyline class="line" points="{line}"/>',
            *dots,
            *names,
            _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, picture.across),
            "</svg>\n",
        )
    )


def round_up(value: float) -> float:
    """The smallest round number at or above *value*, so that ticks are round."""
    if value <= 0:
        return 1.0
    size = 1.0
    while size * 10 <= value:
        size *= 10
    while size > value:
        size /= 10
    return next(
        step * size for step in (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10) if step * size >= value
    )


def _across(at: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (at + 0.5) / count


def _up(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _grid(top: float) -> list[str]:
    lines = []
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        y = _up(value, top)
        lines.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            + _text(LEFT - 8, y + 4, shown(value), anchor="end")
        )
    return lines


def _text(x: float, y: float, words: str, *, kind: str = "", anchor: str = "middle") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'<text{attribute} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
