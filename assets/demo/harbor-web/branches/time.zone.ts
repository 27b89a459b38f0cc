/** Times as the board shows them: always in the port's own zone, whoever looks. */

const PORT_ZONE = "Europe/Lisbon";

/** `14:05`. */
export function clock(at: Date): string {
  return at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: PORT_ZONE });
}

/** `in 40 min`, `12 min ago`. */
export function distance(at: Date, now: Date): string {
  const minutes = Math.round((at.getTime() - now.getTime()) / 60_000);
  if (minutes === 0) return "now";
  return minutes > 0 ? `in ${minutes} min` : `${-minutes} min ago`;
}
