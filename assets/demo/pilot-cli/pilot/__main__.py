"""`pilot roster` and `pilot eta`."""
import argparse
from datetime import datetime, timezone

from pilot.eta import eta


def main() -> None:
    parser = argparse.ArgumentParser(prog="pilot")
    commands = parser.add_subparsers(dest="command", required=True)
    arrival = commands.add_parser("eta")
    arrival.add_argument("ship")
    arrival.add_argument("--speed", type=float, required=True)
    arrival.add_argument("--distance", type=float, required=True)
    args = parser.parse_args()
    print(args.ship, eta(datetime.now(timezone.utc), args.distance, args.speed).isoformat(timespec="minutes"))


if __name__ == "__main__":
    main()
