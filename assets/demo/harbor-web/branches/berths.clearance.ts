/** Berths and the ships that lie in them. */

export interface Ship {
  name: string;
  /** Metres. */
  draught: number;
  due: Date;
}

export interface Berth {
  name: string;
  /** Metres below chart datum. */
  depth: number;
  alongside?: Ship;
  next: Ship[];
}

/** The berth's ships in the order they come. */
export function queue(berth: Berth): Ship[] {
  return [...berth.next].sort((a, b) => a.due.getTime() - b.due.getTime());
}

/** Water under the keel at a height of tide, in metres; below zero she is aground. */
export function clearance(berth: Berth, ship: Ship, height: number): number {
  return berth.depth + height - ship.draught;
}
