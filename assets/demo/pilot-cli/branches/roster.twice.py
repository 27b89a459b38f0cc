"""Who is on the launch, and when."""
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Shift:
    pilot: str
    begins: datetime
    ends: datetime


def on_duty(shifts: list[Shift], at: datetime) -> list[str]:
    """Pilots whose shift covers the moment, each once."""
    return sorted({s.pilot for s in shifts if s.begins <= at < s.ends})


def twice(shifts: list[Shift]) -> list[tuple[Shift, Shift]]:
    """Pairs of shifts of one pilot that overlap."""
    return [
        (a, b)
        for i, a in enumerate(shifts)
        for b in shifts[i + 1 :]
        if a.pilot == b.pilot and a.begins < b.ends and b.begins < a.ends
    ]
