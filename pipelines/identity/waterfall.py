"""A picture of one decision: the bits of each comparison, from where two records at random start to the end.

Comes in: what the model weighed about two records. Goes out: SVG text in the language in force. It brings
its own background and follows the reader's light or dark setting, so it can be read on any page.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from pipelines.i18n import language, t

if TYPE_CHECKING:
    from pipelines.identity.why import Explanation
    from pipelines.identity.why_weighed import Step, Weighed

_WIDTH = 960
_LEFT, _RIGHT = 400, 890  # where the bars may be
_TOP, _ROW = 132, 44
_STYLE = """
.card{fill:#fff;stroke:#d1d9e0}.text{fill:#1f2328}.faint{fill:#59636e}.line{stroke:#d1d9e0}.tie{stroke:#8c959f}
.for{fill:#1a7f64}.against{fill:#c4432b}.start{fill:#8c959f}.mark{stroke:#59636e;stroke-dasharray:4 3}
text{font:14px -apple-system,"Segoe UI","Noto Sans","PingFang SC","Noto Sans CJK SC",sans-serif}
.small{font-size:12px}.big{font-size:18px;font-weight:600}.bold{font-weight:600}.within{fill:#fff}
.gain{fill:#1f2328;paint-order:stroke;stroke:#fff;stroke-width:4px}
@media (prefers-color-scheme:dark){.card{fill:#0d1117;stroke:#3d444d}.text{fill:#f0f6fc}.faint{fill:#9198a1}
.line{stroke:#3d444d}.for{fill:#3fb990}.against{fill:#f0735a}.start{fill:#656c76}.mark{stroke:#9198a1}
.gain{fill:#f0f6fc;stroke:#0d1117}}
"""


def draw(about: Explanation, weighed: Weighed) -> str:
    """The decision as an SVG document."""
    told = [step for step in weighed.steps if not step.is_missing]
    marks = [_bits(weighed.review), _bits(weighed.merge)]
    bits = [weighed.prior, *marks, 0.0, *(step.total for step in told)]
    unit = (_RIGHT - _LEFT) / (max(bits) - min(bits))

    def at(bit: float) -> float:
        return _LEFT + (bit - min(bits)) * unit

    bottom = _TOP + _ROW * (len(told) + 2)
    parts = [*_head(about), *_marks(weighed, marks, at, bottom)]
    parts += _row(0, t("two records at random"), "", weighed.prior, at(0), at(weighed.prior), "start")
    before = weighed.prior
    for place, step in enumerate(told, 1):
        gain, top = step.total - before, _TOP + place * _ROW
        parts.append(_line("tie", at(before), top - 12, top + 12))
        kind = "for" if gain >= 0 else "against"
        parts += _row(place, _said(step), _values(step), gain, at(before), at(step.total), kind)
        before = step.total
    parts += _end(weighed, at, len(told) + 1)
    notes = _notes(about, weighed, [_title(step) for step in weighed.steps if step.is_missing])
    parts += [_text(32, bottom + 30 + 20 * place, note, "faint small") for place, note in enumerate(notes)]
    height = bottom + 34 + 20 * len(notes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" role="img"><title>{escape(_headline(about))}</title><style>{_STYLE}</style>\n'
        f'<rect class="card" x=".5" y=".5" width="{_WIDTH - 1}" height="{height - 1}" rx="10"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _head(about: Explanation) -> list[str]:
    sides = [f"{letter}  {side.name or '–'}  ·  {side.record}" for letter, side in
             (("A", about.left), ("B", about.right))]  # fmt: skip
    return [
        _text(32, 40, _headline(about), "text big"),
        _text(32, 66, _cut(sides[0], 100), "faint"),
        _text(32, 87, _cut(sides[1], 100), "faint"),
    ]


def _headline(about: Explanation) -> str:
    return t("Why these two records are one customer") if about.one_customer else t(
        "Why these two records are two customers"
    )  # fmt: skip


def _marks(weighed: Weighed, marks: list[float], at: Callable[[float], float], bottom: int) -> list[str]:
    """The thresholds, named above the bars: to the left and to the right, since they stand close."""
    review, merge = (at(bits) for bits in marks)
    return [
        _line("mark", review, _TOP - 14, bottom),
        _line("mark", merge, _TOP - 14, bottom),
        _text(review - 6, _TOP - 6, t("ask from {share}", share=weighed.review), "faint small", "end"),
        _text(
            min(merge + 6, _WIDTH - 92), _TOP - 6, t("one from {share}", share=weighed.merge), "faint small"
        ),
    ]


def _row(place: int, said: str, values: str, bits: float, start: float, end: float, kind: str) -> list[str]:
    """A line of the picture: what was compared, its bar, and its bits beside the bar."""
    top = _TOP + place * _ROW
    low, high = min(start, end), max(start, end)
    within = kind == "start"
    before = high + 52 > _WIDTH - 16
    x = low + 9 if within else low - 7 if before else high + 7
    return [
        f'<line class="line" x1="32" x2="{_WIDTH - 32}" y1="{top}" y2="{top}"/>',
        _text(32, top + (19 if values else 27), _cut(said, 50), "text"),
        *([_text(32, top + 36, _cut(values, 54), "faint small")] if values else []),
        f'<rect class="{kind}" x="{low:.1f}" y="{top + 12}" width="{max(high - low, 2):.1f}" '
        'height="20" rx="3"/>',
        _text(x, top + 27, f"{bits:+.1f}".replace("-", "−"), "within small" if within else "gain small",
              "end" if before and not within else "start"),
    ]  # fmt: skip


def _notes(about: Explanation, weighed: Weighed, untold: list[str]) -> list[str]:
    notes = [t("Bits: each one doubles the odds that both are one customer, or halves them.")]
    if untold:
        notes.append(t("One side has none, which says nothing: {names}", names=t(", ").join(untold)))
    if weighed.verdict == "match" and not about.one_customer:
        notes.append(t("Kept apart all the same: `guike why` tells by what."))
    return notes


def _end(weighed: Weighed, at: Callable[[float], float], place: int) -> list[str]:
    kind = "for" if weighed.weight >= 0 else "against"
    said = t("together: probability {score}", score=weighed.rounded)
    row = _row(place, said, "", weighed.weight, at(0), at(weighed.weight), kind)
    row[1] = row[1].replace('class="text"', 'class="text bold"')
    return row


def _said(step: Step) -> str:
    level = step.level_zh if language() == "zh" else step.level_en
    return t("{comparison}: {level}", comparison=_title(step), level=level or "")


def _title(step: Step) -> str:
    return step.title_zh if language() == "zh" else step.title_en


def _values(step: Step) -> str:
    return step.left or "" if step.left == step.right else f"{step.left or '–'}  |  {step.right or '–'}"


def _bits(probability: float) -> float:
    return (
        math.log2(probability / (1 - probability)) if 0 < probability < 1 else math.copysign(30, probability)
    )


def _cut(text: str, width: int) -> str:
    """The text, cut to a width in Latin letters; a Chinese one takes two."""
    taken = 0
    for place, letter in enumerate(text):
        taken += 2 if ord(letter) > 0x2E80 else 1
        if taken > width:
            return text[:place] + "…"
    return text


def _line(style: str, x: float, top: float, bottom: float) -> str:
    return f'<line class="{style}" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    end = ' text-anchor="end"' if anchor == "end" else ""
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}"{end}>{escape(text)}</text>'
