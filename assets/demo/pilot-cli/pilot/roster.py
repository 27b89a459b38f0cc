"""Who is on the launch, and when."""
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Shift:
    pilot: str
    begins: datetime
    ends: datetime


def on_duty(shifts: list[Shift], at: datetime) -> list[str]:
    """Pilots whose shift covers the moment, by name."""
    return sorted(s.pilot for s in shifts if s.begins <= at < s.ends)
