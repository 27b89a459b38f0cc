/** Draws the board: one row a berth. */

import { type Berth, queue } from "./berths";
import { clock, distance } from "./time";

export function row(berth: Berth, now: Date): string {
  const alongside = berth.alongside?.name ?? "free";
  const next = queue(berth)
    .map((ship) => `${ship.name} ${clock(ship.due)} (${distance(ship.due, now)})`)
    .join(", ");
  return `${berth.name.padEnd(12)} ${alongside.padEnd(20)} ${next}`;
}
