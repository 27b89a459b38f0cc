"""When a ship will be at the pilot station."""
from datetime import datetime, timedelta


def eta(now: datetime, distance: float, speed: float) -> datetime:
    """`distance` in nautical miles, `speed` in knots over ground."""
    if speed <= 0:
        raise ValueError("a ship that does not move never arrives")
    return now + timedelta(hours=distance / speed)
