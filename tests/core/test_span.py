"""Spans: what they refuse, and how long they are."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vsr.core.errors import InputError
from vsr.core.span import Span

F = Fraction


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (F(-1, 2), None, "start -0.5 s: must not be negative"),
        (F(-1), F(1), "start -1 s: must not be negative"),
        (None, F(0), "end 0 s: must come after the start (0 s)"),
        (None, F(-3), "end -3 s: must come after the start (0 s)"),
        (F(2), F(2), "end 2 s: must come after the start (2 s)"),
        (F(5, 2), F(2), "end 2 s: must come after the start (2.5 s)"),
    ],
)
def test_what_cannot_be_a_span(start: Fraction | None, end: Fraction | None, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Span(start, end)
    assert str(caught.value) == message


def test_an_open_span_alone_is_the_whole() -> None:
    assert Span().whole
    for span in (Span(F(0)), Span(F(1)), Span(None, F(1)), Span(F(1), F(2))):
        assert not span.whole


@pytest.mark.parametrize(
    ("span", "total", "length"),
    [
        (Span(), None, None),
        (Span(), F(10), F(10)),
        (Span(F(3)), None, None),
        (Span(F(3)), F(10), F(7)),
        (Span(F(3)), F(2), F(0)),
        (Span(None, F(4)), None, F(4)),
        (Span(None, F(4)), F(3), F(3)),
        (Span(F(1, 3), F(1, 2)), None, F(1, 6)),
        (Span(F(1), F(4)), F(3), F(2)),
    ],
)
def test_the_length_of_a_span(span: Span, total: Fraction | None, length: Fraction | None) -> None:
    assert span.length(total) == length
