"""Who is on the launch, and when."""
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Shift:
    pilot: str
    begins: datetime
    ends: datetime
    standby: bool = False


def on_duty(shifts: list[Shift], at: datetime) -> list[str]:
    """Pilots whose shift covers the moment, those on standby last."""
    covering = [s for s in shifts if s.begins <= at < s.ends]
    return [s.pilot for s in sorted(covering, key=lambda s: (s.standby, s.pilot))]
