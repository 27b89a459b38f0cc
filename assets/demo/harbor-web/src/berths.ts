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
