from datetime import datetime

import pytest

from pilot.eta import eta


def test_twenty_four_miles_at_twelve_knots_take_two_hours():
    now = datetime(2026, 3, 1, 12)
    assert eta(now, 24, 12) == datetime(2026, 3, 1, 14)


def test_a_ship_that_does_not_move_never_arrives():
    with pytest.raises(ValueError):
        eta(datetime(2026, 3, 1), 24, 0)
